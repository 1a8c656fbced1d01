//! Ellipses and arcs as points, by Zingl's algorithm for ellipses within rectangles.

use crate::win32k::geometry::{Point, Rect};

/// Points of an ellipse at most.
const MOST: i32 = 1 << 20;

/// The points of the first quadrant (right, below), from the axis on; the rectangle begins at 0, 0.
pub fn quadrant(width: i32, height: i32) -> Vec<Point> {
    if width > MOST || height > MOST {
        return Vec::new();
    }
    let (a, b) = (i128::from(width) - 1, i128::from(height) - 1);
    let (square_a, square_b) = (8 * a * a, 8 * b * b);
    let mut dx = 4 * b * b * (1 - a);
    let mut dy = 4 * a * a * (1 + b % 2);
    let mut error = dx + dy + a * a * (b % 2);
    let (mut x, mut y) = (width - 1, height / 2);
    let mut out = Vec::new();
    while x >= width / 2 {
        let twice = 2 * error;
        out.push(Point::new(x, y));
        if twice >= dx {
            x -= 1;
            dx += square_b;
            error += dx;
        }
        if twice <= dy {
            y += 1;
            dy += square_a;
            error += dy;
        }
    }
    out
}

/// Where a ray from the middle meets the ellipse: an index of its points, clockwise from the right.
fn meeting(points: &[Point], ray: Point) -> usize {
    let (x, y) = (i64::from(ray.x), i64::from(ray.y));
    let count = points.len();
    let find = |x: i64, y: i64, even: bool| {
        let before = |point: &Point| {
            let (one, other) = (i64::from(point.x) * y, i64::from(point.y) * x);
            if even { one > other } else { one >= other }
        };
        points.iter().take_while(|point| before(point)).count()
    };
    match (y >= 0, x >= 0) {
        (true, true) => find(x, y, true),
        (true, false) => 2 * count - find(-x, y, false),
        (false, true) => 4 * count - find(x, -y, true),
        (false, false) => 2 * count + find(-x, -y, false),
    }
}

/// The points of an arc of the ellipse within a rectangle, between two rays from its middle.
pub fn points(rect: &Rect, start: Point, end: Point, clockwise: bool) -> Vec<Point> {
    let (width, height) = (rect.width(), rect.height());
    let mut quarter = quadrant(width, height);
    for point in &mut quarter {
        *point = Point::new(point.x - width / 2, point.y - height / 2);
    }
    let count = quarter.len();
    if count == 0 {
        return Vec::new();
    }
    let turned = |ray: Point| if clockwise { ray } else { Point::new(ray.x, ray.y.wrapping_neg()) };
    let first = meeting(&quarter, turned(start));
    let mut last = meeting(&quarter, turned(end));
    if last <= first {
        last += 4 * count;
    }
    let place = |index: usize| {
        let within = index % count;
        let quarter_of = index / count % 4;
        // Every other quarter goes the other way.
        let point = quarter[if quarter_of.is_multiple_of(2) { within } else { count - 1 - within }];
        let right = quarter_of == 0 || quarter_of == 3;
        let below = (quarter_of < 2) == clockwise;
        Point {
            x: if right { rect.left + width / 2 + point.x } else { rect.right - 1 - width / 2 - point.x },
            y: if below { rect.top + height / 2 + point.y } else { rect.bottom - 1 - height / 2 - point.y },
        }
    };
    (first..last).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_turn_touches_all_sides() {
        for (width, height) in [(9, 9), (10, 7), (24, 30)] {
            let rect = Rect::new(5, 6, 5 + width, 6 + height);
            for clockwise in [true, false] {
                let ray = Point::new(100, 0);
                let all = points(&rect, ray, ray, clockwise);
                let touches = |check: &dyn Fn(&Point) -> bool| all.iter().any(check);
                assert!(touches(&|p| p.x == rect.left) && touches(&|p| p.x == rect.right - 1), "{width} {height}");
                assert!(touches(&|p| p.y == rect.top) && touches(&|p| p.y == rect.bottom - 1), "{width} {height}");
                assert!(all.iter().all(|p| rect.contains(p.x, p.y)));
            }
            let quarter = points(&rect, Point::new(50, 0), Point::new(0, -50), false);
            assert!(
                quarter.iter().all(|p| p.y <= rect.top + height / 2 && p.x >= rect.left + width / 2 - 1),
                "{quarter:?}"
            );
        }
    }
}
