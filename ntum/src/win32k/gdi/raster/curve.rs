//! Bézier curves as lines, by halving, in sixteenths of a unit.

use crate::win32k::geometry::Point;

/// Fractions of a unit, and halvings at most.
const SHIFT: u32 = 4;
const DEPTH: u32 = 8;

type Wide = (i64, i64);

const fn down(value: i64) -> i64 {
    (value + (1 << (SHIFT - 1))) >> SHIFT
}

/// Whether a curve is as good as its chord.
fn is_flat(curve: &[Wide; 4]) -> bool {
    let [first, one, other, last] = curve;
    let (dx, dy) = (last.0 - first.0, last.1 - first.1);
    // The longer axis comes first.
    let turn = |point: &Wide| if dy.abs() <= dx.abs() { *point } else { (point.1, point.0) };
    let (first, one, other, last) = (turn(first), turn(one), turn(other), turn(last));
    let between = |point: Wide| {
        if point.0 < first.0 { point.0 >= last.0 } else { point.0 <= last.0 }
    };
    if !between(one) || !between(other) {
        return false;
    }
    let length = down(last.0 - first.0);
    if length == 0 {
        return true;
    }
    let slope = (last.1 - first.1) / length;
    let near = |point: Wide| {
        let chord = i128::from(slope) * i128::from(down(point.0 - first.0));
        (i128::from(point.1 - first.1) - chord).abs() <= 1 << SHIFT
    };
    near(one) && near(other)
}

fn halve(curve: [Wide; 4], depth: u32, out: &mut Vec<Point>) {
    if depth == 0 || is_flat(&curve) {
        out.push(Point::new(down(curve[3].0) as i32, down(curve[3].1) as i32));
        return;
    }
    // As C divides: towards zero.
    let middle = |a: Wide, b: Wide| ((a.0 + b.0 + 1) / 2, (a.1 + b.1 + 1) / 2);
    let [a, b, c, d] = curve;
    let (ab, bc, cd) = (middle(a, b), middle(b, c), middle(c, d));
    let (abc, bcd) = (middle(ab, bc), middle(bc, cd));
    let all = middle(abc, bcd);
    halve([a, ab, abc, all], depth - 1, out);
    halve([all, bcd, cd, d], depth - 1, out);
}

/// The lines of curves that follow one another: a first point, and three for each curve. Nothing for another count.
pub fn lines(points: &[Point]) -> Vec<Point> {
    if points.len() < 4 || points.len() % 3 != 1 {
        return Vec::new();
    }
    let mut out = vec![points[0]];
    for curve in points.windows(4).step_by(3) {
        let wide = |index: usize| (i64::from(curve[index].x) << SHIFT, i64::from(curve[index].y) << SHIFT);
        halve([wide(0), wide(1), wide(2), wide(3)], DEPTH, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_curve_is_one_line() {
        let straight: Vec<_> = [0, 10, 20, 30].map(|x| Point::new(x, x)).to_vec();
        assert_eq!(lines(&straight), [Point::new(0, 0), Point::new(30, 30)]);
        let bow = [Point::new(0, 0), Point::new(0, 40), Point::new(40, 40), Point::new(40, 0)];
        let drawn = lines(&bow);
        assert!(
            drawn.len() > 5 && drawn.iter().all(|point| point.y <= 30) && drawn.last() == Some(&bow[3]),
            "{drawn:?}"
        );
        assert!(lines(&bow[..3]).is_empty() && lines(&[]).is_empty());
    }
}
