//! Outlines of glyphs as paths, for text within a path.

use super::matrix::{Matrix, Spot, spot};
use super::path::{Path, Step};
use crate::win32k::gdi::fonts::outline::{self, Dot, Hinting, Kind};
use crate::win32k::gdi::fonts::realize::Realized;

/// A glyph's outline where a matrix has it, from pixels with y up.
pub fn outline(font: &Realized, glyph: u32, to: &Matrix) -> Path {
    let scaler = font.scaler(Hinting::None);
    let Some(drawn) = scaler.and_then(|scaler| outline::load(&scaler, glyph)) else { return Path::new() };
    drawn.outline.contours.iter().flat_map(|contour| figure(contour, to)).collect()
}

fn middle(a: Spot, b: Spot) -> Spot {
    spot((a.x + b.x) / 2.0, (a.y + b.y) / 2.0)
}

/// One closed line of a glyph's, in 64ths of a pixel.
fn figure(dots: &[Dot], to: &Matrix) -> Path {
    let place = |dot: &Dot| to.apply(spot(f64::from(dot.x) / 64.0, f64::from(dot.y) / 64.0));
    let (Some(first), Some(last)) = (dots.first(), dots.last()) else { return Path::new() };
    // It may begin between two points that curves lean to.
    let (begin, skip) = match (first.kind, last.kind) {
        (Kind::On, _) => (place(first), 1),
        (_, Kind::On) => (place(last), 0),
        _ => (middle(place(first), place(last)), 0),
    };
    let mut path = vec![Step::Move(begin)];
    let (mut now, mut leaning): (Spot, Vec<(Kind, Spot)>) = (begin, Vec::new());
    let mut end = |leaning: &mut Vec<(Kind, Spot)>, at: Spot| {
        match leaning[..] {
            [(Kind::Cubic, first), (_, second), ..] => path.push(Step::Curve(first, second, at)),
            [(_, lean), ..] => {
                let third = |from: Spot| spot((from.x + lean.x * 2.0) / 3.0, (from.y + lean.y * 2.0) / 3.0);
                path.push(Step::Curve(third(now), third(at), at));
            }
            [] => path.push(Step::Line(at)),
        }
        leaning.clear();
        now = at;
    };
    for dot in dots.iter().skip(skip) {
        let at = place(dot);
        match dot.kind {
            Kind::On => end(&mut leaning, at),
            Kind::Conic => {
                if let Some((Kind::Conic, before)) = leaning.last().copied() {
                    end(&mut leaning, middle(before, at));
                }
                leaning.push((Kind::Conic, at));
            }
            Kind::Cubic => leaning.push((Kind::Cubic, at)),
        }
    }
    if !leaning.is_empty() {
        end(&mut leaning, begin);
    }
    path.push(Step::Close);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(x: i32, y: i32, kind: Kind) -> Dot {
        Dot { x: x * 64, y: y * 64, kind }
    }

    #[test]
    fn curves_between_points_that_are_implied() {
        // A circle of four points, none of them on the line.
        let dots = [(0, 0), (2, 0), (2, 2), (0, 2)].map(|(x, y)| dot(x, y, Kind::Conic));
        let path = figure(&dots, &Matrix::default());
        let ends: Vec<_> = path
            .iter()
            .filter_map(|step| match step {
                Step::Move(to) | Step::Line(to) | Step::Curve(_, _, to) => Some((to.x, to.y)),
                Step::Close => None,
            })
            .collect();
        assert_eq!(ends, [(0.0, 1.0), (1.0, 0.0), (2.0, 1.0), (1.0, 2.0), (0.0, 1.0)]);
        let line = [dot(0, 0, Kind::On), dot(1, 0, Kind::Cubic), dot(2, 1, Kind::Cubic), dot(2, 2, Kind::On)];
        let curve = Step::Curve(spot(1.0, 0.0), spot(2.0, 1.0), spot(2.0, 2.0));
        assert_eq!(figure(&line, &Matrix::default()), [Step::Move(spot(0.0, 0.0)), curve, Step::Close]);
    }
}
