//! The outline of what a pen would draw along a path (WidenPath), as Wine makes it.

use super::record::quarter;
use super::{Path, kind};
use crate::win32k::geometry::Point;
use core::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI, SQRT_2};

/// How a stroke's ends and corners look.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// In units of the path's points.
    pub width: u32,
    /// PS_ENDCAP_*.
    pub end: u32,
    /// PS_JOIN_*.
    pub join: u32,
    /// How long a point may be, in widths.
    pub miter_limit: f32,
}

/// PS_ENDCAP_SQUARE, PS_ENDCAP_FLAT; PS_JOIN_BEVEL, PS_JOIN_MITER.
const SQUARE: u32 = 0x100;
const FLAT: u32 = 0x200;
const BEVEL: u32 = 0x1000;
const MITER: u32 = 0x2000;

/// To whole numbers, halves away from zero.
fn whole(value: f64) -> i32 {
    (if value > 0.0 { value + 0.5 } else { value - 0.5 }) as i32
}

/// A point at an angle and a distance from another.
fn away(from: Point, distance: f64, angle: f64) -> Point {
    Point::new(from.x.wrapping_add(whole(distance * angle.cos())), from.y.wrapping_add(whole(distance * angle.sin())))
}

fn back(from: Point, distance: f64, angle: f64) -> Point {
    Point::new(from.x.wrapping_sub(whole(distance * angle.cos())), from.y.wrapping_sub(whole(distance * angle.sin())))
}

fn angle(from: Point, to: Point) -> f64 {
    (f64::from(to.y) - f64::from(from.y)).atan2(f64::from(to.x) - f64::from(from.x))
}

/// The outline of a flat path's strokes.
pub fn widen(path: &Path, shape: &Shape) -> Path {
    let mut wide = Path::default();
    for (points, closed) in path.figures() {
        stroke(points, closed, shape, &mut wide);
    }
    wide
}

fn stroke(points: &[Point], closed: bool, shape: &Shape, wide: &mut Path) {
    let count = points.len();
    if count < 2 {
        return;
    }
    let point = |at: usize| points.get(at % count).copied().unwrap_or_default();
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for at in 0..count {
        if !closed && (at == 0 || at == count - 1) {
            let neighbour = if at == 0 { point(1) } else { point(at - 1) };
            cap(point(at), angle(point(at), neighbour), shape, &mut up);
        } else {
            corner(point(at + count - 1), point(at), point(at + 1), shape, &mut up, &mut down);
        }
    }
    down.reverse();
    wide.extend(&up, kind::MOVE, kind::LINE);
    wide.extend(&down, if closed { kind::MOVE } else { kind::LINE }, kind::LINE);
}

/// The end of a stroke that goes off at an angle.
fn cap(at: Point, theta: f64, shape: &Shape, up: &mut Vec<Point>) {
    let (inner, outer) = halves(shape.width);
    match shape.end {
        SQUARE => {
            up.push(away(at, SQRT_2 * outer, FRAC_PI_4 + theta));
            up.push(away(at, SQRT_2 * inner, theta - FRAC_PI_4));
        }
        FLAT => {
            up.push(away(at, outer, theta + FRAC_PI_2));
            up.push(back(at, inner, theta + FRAC_PI_2));
        }
        _ => {
            let (x, y) = (f64::from(at.x), f64::from(at.y));
            let frame = (x - inner, y - inner, x + outer, y + outer);
            for (index, eighth) in (2..6).enumerate() {
                let begin = theta + f64::from(eighth) * FRAC_PI_4;
                let points = quarter(frame, begin, begin + FRAC_PI_4);
                up.extend_from_slice(if index == 0 { &points } else { &points[1..] });
            }
        }
    }
}

/// Half of a width, inside and outside.
fn halves(width: u32) -> (f64, f64) {
    let half = width / 2;
    (f64::from(half), f64::from(width - half))
}

fn corner(before: Point, at: Point, after: Point, shape: &Shape, up: &mut Vec<Point>, down: &mut Vec<Point>) {
    let (inner, outer) = halves(shape.width);
    let theta = angle(before, at);
    let mut alpha = angle(at, after) - theta;
    alpha += if alpha > 0.0 { -PI } else { PI };
    if alpha == 0.0 {
        return;
    }
    let sharp = f64::from(shape.miter_limit) < (1.0 / (alpha / 2.0).sin()).abs();
    let join = if shape.join == MITER && sharp { BEVEL } else { shape.join };
    let left = alpha > 0.0;
    let (inside, outside) = if left { (up, down) } else { (down, up) };
    let (here, there) = (theta + FRAC_PI_2, FRAC_PI_2 + alpha + theta);
    inside.push(if left { back(at, inner, here) } else { away(at, inner, here) });
    inside.push(if left { away(at, inner, there) } else { back(at, inner, there) });
    let first = if left { away(at, outer, here) } else { back(at, outer, here) };
    let last = if left { back(at, outer, there) } else { away(at, outer, there) };
    match join {
        MITER => {
            let far = (outer / (FRAC_PI_2 - alpha.abs() / 2.0).cos()).abs();
            outside.push(away(at, far, theta + alpha / 2.0));
        }
        BEVEL => outside.extend([first, last]),
        _ => outside.extend([first, away(at, outer, theta + alpha / 2.0), last]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_a_box() {
        let mut path = Path::new(Point::new(0, 0));
        path.go(&[Point::new(100, 0)], kind::LINE);
        let shape = Shape { width: 10, end: FLAT, join: MITER, miter_limit: 10.0 };
        let wide = widen(&path, &shape);
        let points: Vec<_> = wide.points().iter().map(|point| (point.x, point.y)).collect();
        assert_eq!(points, [(0, 5), (0, -5), (100, -5), (100, 5)]);
        let round = widen(&path, &Shape { end: 0, ..shape });
        assert_eq!(round.points().len(), 26);
        assert!(widen(&Path::default(), &shape).points().is_empty());
    }
}
