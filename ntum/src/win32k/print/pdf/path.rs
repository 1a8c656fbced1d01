//! Paths: lines and curves on the device, and the figures that they make.

use super::matrix::{Matrix, Spot, spot, tame};
use crate::win32k::gdi::region::Region;
use crate::win32k::gdi::shapes;
use crate::win32k::geometry::{Point, Rect, round};
use pdf_writer::Content;
use std::f64::consts::{FRAC_PI_2, TAU};

/// A part of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// A new figure begins.
    Move(Spot),
    /// A line.
    Line(Spot),
    /// A Bézier curve.
    Curve(Spot, Spot, Spot),
    /// The figure is closed.
    Close,
}
use Step::{Close, Curve, Line, Move};

/// A path.
pub type Path = Vec<Step>;

/// Lines that a curve becomes where it has to be flat.
const FLAT: u32 = 16;

/// Writes a path.
pub fn write(content: &mut Content, path: &[Step]) {
    let part = |at: Spot| (tame(at.x), tame(at.y));
    for step in path {
        match *step {
            Move(to) => {
                let (x, y) = part(to);
                content.move_to(x, y)
            }
            Line(to) => {
                let (x, y) = part(to);
                content.line_to(x, y)
            }
            Curve(first, second, to) => {
                let ((x1, y1), (x2, y2), (x, y)) = (part(first), part(second), part(to));
                content.cubic_to(x1, y1, x2, y2, x, y)
            }
            Close => content.close_path(),
        };
    }
}

/// The figure of points.
pub fn polygon(points: &[Spot], closed: bool) -> Path {
    let mut path: Path = Vec::with_capacity(points.len() + 1);
    for (index, at) in points.iter().enumerate() {
        path.push(if index == 0 { Move(*at) } else { Line(*at) });
    }
    if closed && !path.is_empty() {
        path.push(Close);
    }
    path
}

/// A rectangle, as it comes to lie.
pub fn rect(rect: &Rect, to: &Matrix) -> Path {
    let [left, top, right, bottom] = [rect.left, rect.top, rect.right, rect.bottom].map(f64::from);
    let corners = [spot(left, top), spot(right, top), spot(right, bottom), spot(left, bottom)];
    polygon(&corners.map(|corner| to.apply(corner)), true)
}

/// A part of an ellipse, by angles, from the one to the other.
fn arc(center: Spot, radius: Spot, from: f64, sweep: f64, to: &Matrix, out: &mut Path) {
    let parts = (sweep.abs() / FRAC_PI_2).ceil().clamp(1.0, 64.0);
    let step = sweep / parts;
    let bend = 4.0 / 3.0 * (step / 4.0).tan();
    let at = |angle: f64| spot(center.x + radius.x * angle.cos(), center.y + radius.y * angle.sin());
    let along = |angle: f64| spot(-radius.x * angle.sin() * bend, radius.y * angle.cos() * bend);
    let mut angle = from;
    for _ in 0..parts as u32 {
        let next = angle + step;
        let first = at(angle).plus(along(angle), 1.0);
        let second = at(next).plus(along(next), -1.0);
        out.push(Curve(to.apply(first), to.apply(second), to.apply(at(next))));
        angle = next;
    }
}

/// An ellipse in a rectangle.
pub fn ellipse(rect: &Rect, to: &Matrix) -> Path {
    let (center, radius) = middle(rect);
    let mut path = vec![Move(to.apply(spot(center.x + radius.x, center.y)))];
    arc(center, radius, 0.0, TAU, to, &mut path);
    path.push(Close);
    path
}

fn middle(rect: &Rect) -> (Spot, Spot) {
    let [left, top, right, bottom] = [rect.left, rect.top, rect.right, rect.bottom].map(f64::from);
    (spot((left + right) / 2.0, (top + bottom) / 2.0), spot((right - left) / 2.0, (bottom - top) / 2.0))
}

/// A rectangle with corners that are quarters of an ellipse of that size.
pub fn round_rect(rect: &Rect, corner: Spot, to: &Matrix) -> Path {
    let rect = rect.ordered();
    let [left, top, right, bottom] = [rect.left, rect.top, rect.right, rect.bottom].map(f64::from);
    let radius = spot(corner.x.abs().min(right - left) / 2.0, corner.y.abs().min(bottom - top) / 2.0);
    let mut path = vec![Move(to.apply(spot(right, top + radius.y)))];
    let corners = [
        (spot(right - radius.x, bottom - radius.y), 0.0, spot(right, bottom - radius.y)),
        (spot(left + radius.x, bottom - radius.y), 1.0, spot(left + radius.x, bottom)),
        (spot(left + radius.x, top + radius.y), 2.0, spot(left, top + radius.y)),
        (spot(right - radius.x, top + radius.y), 3.0, spot(right - radius.x, top)),
    ];
    for (center, quarter, begin) in corners {
        path.push(Line(to.apply(begin)));
        arc(center, radius, quarter * FRAC_PI_2, FRAC_PI_2, to, &mut path);
    }
    path.push(Close);
    path
}

/// What the part of an ellipse is closed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Nothing.
    Open,
    /// A line.
    Chord,
    /// Its middle.
    Pie,
}

/// The part of an ellipse between two rays, and where it ends.
pub fn rays(rect: &Rect, start: Spot, end: Spot, clockwise: bool, closed: Closed, to: &Matrix) -> (Path, Spot) {
    let (center, radius) = middle(rect);
    let flat = |value: f64| if value == 0.0 { 1.0 } else { value };
    let angle = |at: Spot| ((at.y - center.y) / flat(radius.y)).atan2((at.x - center.x) / flat(radius.x));
    let (from, until) = (angle(start), angle(end));
    // On a device angles grow clockwise, unless it is turned over.
    let growing = clockwise == (to.determinant() >= 0.0);
    let mut sweep = (until - from).rem_euclid(TAU);
    if sweep == 0.0 {
        sweep = TAU;
    }
    if !growing {
        sweep = if sweep == TAU { -TAU } else { sweep - TAU };
    }
    let begin = spot(center.x + radius.x * from.cos(), center.y + radius.y * from.sin());
    let mut path = vec![Move(to.apply(begin))];
    arc(center, radius, from, sweep, to, &mut path);
    match closed {
        Closed::Open => {}
        Closed::Chord => path.push(Close),
        Closed::Pie => path.extend([Line(to.apply(center)), Close]),
    }
    (path, spot(center.x + radius.x * until.cos(), center.y + radius.y * until.sin()))
}

/// A part of a circle, by degrees that grow against the clock; where it begins and ends, before it is transformed.
pub fn angle_arc(center: Spot, radius: f64, start: f64, sweep: f64, to: &Matrix) -> (Path, Spot, Spot) {
    let radius = spot(radius, radius);
    let (from, sweep) = (-start.to_radians(), -sweep.clamp(-360.0, 360.0).to_radians());
    let at = |angle: f64| spot(center.x + radius.x * angle.cos(), center.y + radius.y * angle.sin());
    let mut path = Path::new();
    arc(center, radius, from, sweep, to, &mut path);
    (path, at(from), at(from + sweep))
}

/// The pixels that lie in a path, as far as they are near that rectangle's rows.
pub fn region(path: &[Step], winding: bool, within: &Rect) -> Region {
    let (mut points, mut counts) = (Vec::new(), Vec::new());
    let whole = |at: Spot| Point::new(round(at.x), round(at.y));
    let mut last = Spot::default();
    for step in path {
        match *step {
            Move(to) => {
                counts.push(0);
                points.push(whole(to));
                last = to;
            }
            Line(to) => {
                points.push(whole(to));
                last = to;
            }
            Curve(first, second, to) => {
                for part in 1..=FLAT {
                    let t = f64::from(part) / f64::from(FLAT);
                    let u = 1.0 - t;
                    let mix = |a: f64, b: f64, c: f64, d: f64| {
                        u * u * u * a + 3.0 * u * u * t * b + 3.0 * u * t * t * c + t * t * t * d
                    };
                    let at = spot(mix(last.x, first.x, second.x, to.x), mix(last.y, first.y, second.y, to.y));
                    points.push(whole(at));
                }
                last = to;
            }
            Close => continue,
        }
        if let Some(count) = counts.last_mut() {
            *count = points.len();
        }
    }
    // So far each says where its figure ends.
    let mut begin = 0;
    for count in &mut counts {
        let end: usize = *count;
        (*count, begin) = (end.saturating_sub(begin), end);
    }
    shapes::polygon(&points, &counts, winding, Some(within)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(path: &[Step]) -> Vec<(i32, i32)> {
        let end = |step: &Step| match *step {
            Move(to) | Line(to) | Curve(_, _, to) => Some((round(to.x), round(to.y))),
            Close => None,
        };
        path.iter().filter_map(end).collect()
    }

    #[test]
    fn arcs_go_against_the_clock() {
        let square = Rect::new(0, 0, 20, 20);
        let (right, top) = (spot(30.0, 10.0), spot(10.0, -5.0));
        let plain = Matrix::default();
        let (path, end) = rays(&square, right, top, false, Closed::Open, &plain);
        assert_eq!((ends(&path), round(end.x), round(end.y)), (vec![(20, 10), (10, 0)], 10, 0));
        let (path, _) = rays(&square, right, top, true, Closed::Pie, &plain);
        assert_eq!(ends(&path), [(20, 10), (10, 20), (0, 10), (10, 0), (10, 10)]);
        // Turned over, it still looks so.
        let over = Matrix([1.0, 0.0, 0.0, -1.0, 0.0, 20.0]);
        let (path, _) = rays(&square, right, spot(10.0, 25.0), false, Closed::Chord, &over);
        assert_eq!(ends(&path), [(20, 10), (10, 0)]);
        assert_eq!(ends(&ellipse(&square, &plain)).len(), 5);
    }

    #[test]
    fn what_lies_in_a_path() {
        let square = rect(&Rect::new(1, 1, 5, 4), &Matrix::default());
        let whole = Rect::new(0, 0, 9, 9);
        assert_eq!(region(&square, false, &whole).rects(), [Rect::new(1, 1, 5, 4)]);
        let two = [square, rect(&Rect::new(2, 2, 3, 3), &Matrix::default())].concat();
        assert!(!region(&two, false, &whole).contains(2, 2));
        assert!(region(&two, true, &whole).contains(2, 2));
    }
}
