//! Wide lines as regions: segments, and what joins and ends them. How halves of a width are rounded is Wine 10's
//! (`dlls/win32u/dibdrv/objects.c`), which has it from Windows.

use crate::win32k::gdi::region::Region;
use crate::win32k::gdi::shapes;
use crate::win32k::geometry::{Point, Rect};

/// How lines end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By half a circle.
    Round,
    /// Half a width further.
    Square,
    /// Where they end.
    Flat,
}

/// How lines are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// By a circle.
    Round,
    /// By a line.
    Bevel,
    /// By a point.
    Miter,
}

/// What lines are drawn like.
#[derive(Debug, Clone, Copy)]
pub struct Stroke {
    /// Pixels.
    pub width: i32,
    /// Ends.
    pub end: End,
    /// Joins.
    pub join: Join,
    /// How long a point may be, in widths.
    pub miter_limit: f32,
}

/// A side of a segment.
#[derive(Debug, Clone, Copy, Default)]
struct Face {
    start: Point,
    end: Point,
    dx: i32,
    dy: i32,
}

fn rounded(value: f64) -> i32 {
    (if value > 0.0 { value + 0.5 } else { value - 0.5 }) as i32
}

struct Drawing<'a> {
    stroke: &'a Stroke,
    clip: &'a Rect,
    round: Option<Region>,
    parts: Vec<Rect>,
}

impl Drawing<'_> {
    fn polygon(&mut self, points: &[Point]) {
        if let Some(region) = shapes::polygon(points, &[points.len()], false, Some(self.clip)) {
            self.parts.extend(region.clip(self.clip));
        }
    }

    fn rect(&mut self, rect: Rect) {
        self.parts.extend(rect.intersect(self.clip));
    }

    fn circle(&mut self, at: Point) {
        if let Some(round) = &self.round {
            let moved = round.offset(at.x, at.y);
            self.parts.extend(moved.clip(self.clip));
        }
    }

    fn cap(&mut self, at: Point) {
        if self.stroke.end == End::Round {
            self.circle(at);
        }
    }

    fn join(&mut self, at: Point, one: &Face, other: &Face) {
        let pointed = self.stroke.join == Join::Miter && self.miter(at, one, other);
        match self.stroke.join {
            Join::Round => self.circle(at),
            _ if pointed => {}
            Join::Miter | Join::Bevel => self.polygon(&[one.start, other.end, one.end, other.start]),
        }
    }

    fn miter(&mut self, at: Point, one: &Face, other: &Face) -> bool {
        let cross = |a: &Face, b: &Face| i64::from(a.dx) * i64::from(b.dy) - i64::from(a.dy) * i64::from(b.dx);
        let (one, other) = if cross(one, other) < 0 { (other, one) } else { (one, other) };
        let det = cross(one, other) as f64;
        if det == 0.0 {
            return false;
        }
        let along = |point: Point, face: &Face| {
            f64::from(point.x) * f64::from(face.dy) - f64::from(point.y) * f64::from(face.dx)
        };
        let (a, b) = (along(other.end, other) / det, along(one.start, one) / det);
        let x = a * f64::from(one.dx) - b * f64::from(other.dx);
        let y = a * f64::from(one.dy) - b * f64::from(other.dy);
        let distance = (x - f64::from(at.x)).powi(2) + (y - f64::from(at.y)).powi(2);
        let limit = self.stroke.miter_limit * self.stroke.miter_limit * self.stroke.width as f32;
        if distance * 4.0 > f64::from(limit * self.stroke.width as f32) {
            return false;
        }
        self.polygon(&[other.start, one.start, Point::new(rounded(x), rounded(y)), other.end, one.end]);
        true
    }

    /// Draws a segment; answers its sides, or nothing if it has no length.
    fn segment(&mut self, from: Point, to: Point, delta: (i32, i32), caps: (bool, bool)) -> Option<(Face, Face)> {
        let (dx, dy) = delta;
        let width = self.stroke.width;
        let square = self.stroke.end == End::Square;
        let (first, last) = (caps.0 && square, caps.1 && square);
        let (mut one, mut other) = (Face::default(), Face::default());
        let half = width / 2;
        match delta {
            (0, 0) => return None,
            (_, 0) => {
                let mut rect = Rect::new(from.x.min(to.x), from.y - half, from.x.max(to.x), from.y - half + width);
                if first && dx > 0 || last && dx < 0 {
                    rect.left -= half;
                }
                if last && dx > 0 || first && dx < 0 {
                    rect.right += half;
                }
                self.rect(rect);
                let (start, end, a, b) = if dx > 0 {
                    (rect.left, rect.right - 1, rect.bottom, rect.top)
                } else {
                    (rect.right, rect.left + 1, rect.top, rect.bottom)
                };
                (one.start, one.end) = (Point::new(start, a), Point::new(start, b));
                (other.start, other.end) = (Point::new(end, b), Point::new(end, a));
            }
            (0, _) => {
                let mut rect = Rect::new(from.x - half, from.y.min(to.y), from.x - half + width, from.y.max(to.y));
                if first && dy > 0 || last && dy < 0 {
                    rect.top -= half;
                }
                if last && dy > 0 || first && dy < 0 {
                    rect.bottom += half;
                }
                self.rect(rect);
                let (start, end, a, b) = if dy > 0 {
                    (rect.top, rect.bottom - 1, rect.left, rect.right)
                } else {
                    (rect.bottom, rect.top + 1, rect.right, rect.left)
                };
                (one.start, one.end) = (Point::new(a, start), Point::new(b, start));
                (other.start, other.end) = (Point::new(b, end), Point::new(a, end));
            }
            _ => {
                let length = f64::from(dx).hypot(f64::from(dy));
                let wide = |other: i32| f64::from(width) * f64::from(other).abs() / length;
                let (across_x, across_y) = (wide(dy), wide(dx));
                let mut narrow = Point::new(rounded(across_x / 2.0), rounded(across_y / 2.0));
                let mut broad = Point::new(rounded((across_x + 1.0) / 2.0), rounded((across_y + 1.0) / 2.0));
                if dx < 0 {
                    (broad.y, narrow.y) = (-broad.y, -narrow.y);
                }
                if dy < 0 {
                    (narrow, broad) = (broad, narrow);
                    (broad.x, narrow.x) = (-broad.x, -narrow.x);
                }
                let mut corners = [
                    Point::new(from.x - narrow.x, from.y + narrow.y),
                    Point::new(from.x + broad.x, from.y - broad.y),
                    Point::new(to.x + broad.x, to.y - broad.y),
                    Point::new(to.x - narrow.x, to.y + narrow.y),
                ];
                if first {
                    for corner in &mut corners[..2] {
                        (corner.x, corner.y) = (corner.x - narrow.y, corner.y - narrow.x);
                    }
                }
                if last {
                    for corner in &mut corners[2..] {
                        (corner.x, corner.y) = (corner.x + broad.y, corner.y + broad.x);
                    }
                }
                self.polygon(&corners);
                (one.start, one.end) = (corners[0], corners[1]);
                (other.start, other.end) = (corners[2], corners[3]);
            }
        }
        (one.dx, one.dy, other.dx, other.dy) = (dx, dy, dx, dy);
        Some((one, other))
    }

    /// Draws `count` segments from the `start`th point on, the first from `first`, the last up to `last`.
    fn segments(&mut self, points: &[Point], close: bool, start: usize, count: usize, first: Point, last: Point) {
        let point = |index: usize| points.get((start + index) % points.len().max(1)).copied().unwrap_or_default();
        let delta = |from: Point, to: Point| (to.x - from.x, to.y - from.y);
        if !close {
            self.cap(first);
            self.cap(last);
        }
        if count == 1 {
            self.segment(first, last, delta(point(0), point(1)), (true, true));
            return;
        }
        let Some((begin, mut before)) = self.segment(first, point(1), delta(point(0), point(1)), (!close, false))
        else {
            return;
        };
        for index in 1..count - 1 {
            let (from, to) = (point(index), point(index + 1));
            if let Some((one, other)) = self.segment(from, to, delta(from, to), (false, false)) {
                self.join(from, &before, &one);
                before = other;
            }
        }
        let (from, to) = (point(count - 1), point(count));
        if let Some((one, other)) = self.segment(from, last, delta(from, to), (false, !close)) {
            self.join(from, &before, &one);
            before = other;
        }
        if close {
            self.join(last, &before, &begin);
        }
    }
}

/// Points without those at both ends that repeat their neighbours.
fn trimmed(mut points: &[Point]) -> &[Point] {
    while let [first, second, _, ..] = points
        && first == second
    {
        points = &points[1..];
    }
    while let [.., _, before, last] = points
        && before == last
    {
        points = &points[..points.len() - 1];
    }
    points
}

impl<'a> Drawing<'a> {
    fn new(stroke: &'a Stroke, clip: &'a Rect) -> Drawing<'a> {
        let (low, high) = (-(stroke.width / 2), (stroke.width + 1) / 2 + 1);
        let round = (stroke.join == Join::Round || stroke.end == End::Round)
            .then(|| shapes::round_rect(Rect::new(low, low, high, high), high - low, high - low))
            .flatten();
        Drawing { stroke, clip, round, parts: Vec::new() }
    }
}

/// The region of wide lines through points, within a rectangle.
pub fn lines(points: &[Point], close: bool, stroke: &Stroke, clip: &Rect) -> Region {
    let points = trimmed(points);
    let (Some(first), Some(last)) = (points.first().copied(), points.last().copied()) else {
        return Region::default();
    };
    let mut drawing = Drawing::new(stroke, clip);
    if close {
        drawing.segments(points, true, 0, points.len(), first, first);
    } else {
        drawing.segments(points, false, 0, points.len().saturating_sub(1).max(1), first, last);
    }
    Region::of(&drawing.parts)
}

/// Where a line is among dashes and gaps.
struct Dashes<'a> {
    lengths: &'a [u32],
    total: u64,
    at: usize,
    left: u64,
    /// Whether this is a dash.
    mark: bool,
}

impl Dashes<'_> {
    /// Goes on; all of them together, once or more, change nothing.
    fn skip(&mut self, by: u64) {
        let mut by = by % self.total;
        loop {
            if self.left > by {
                self.left -= by;
                return;
            }
            by -= self.left;
            self.at = if self.at + 1 < self.lengths.len() { self.at + 1 } else { 0 };
            self.left = self.lengths.get(self.at).copied().unwrap_or(0).into();
            self.mark = !self.mark;
            if by == 0 {
                return;
            }
        }
    }
}

/// The same of lines in dashes, whose lengths and those of the gaps between them are in pixels.
pub fn dashed(points: &[Point], close: bool, stroke: &Stroke, dashes: &[u32], clip: &Rect) -> Region {
    let total: u64 = dashes.iter().map(|length| u64::from(*length)).sum();
    let points = trimmed(points);
    let (Some(&first), Some(&last), Some(&length)) = (points.first(), points.last(), dashes.first()) else {
        return lines(points, close, stroke, clip);
    };
    if total == 0 {
        return lines(points, close, stroke, clip);
    }
    let mut dashes = Dashes { lengths: dashes, total, at: 0, left: length.into(), mark: true };
    let mut drawing = Drawing::new(stroke, clip);
    let count = points.len();
    let sides = if close { count } else { count - 1 };
    // The first dash of a closed line waits for the last one, which may be the same.
    let mut opening: Option<(usize, Point)> = None;
    let mut begun = false;
    let (mut start, mut from) = (0, first);
    for side in 0..sides {
        let (Some(one), Some(two)) = (points.get(side), points.get((side + 1) % count)) else { break };
        let (dx, dy) = (f64::from(two.x) - f64::from(one.x), f64::from(two.y) - f64::from(one.y));
        let length = dx.hypot(dy);
        if length == 0.0 {
            continue;
        }
        let mut gone: u64 = 0;
        while length - gone as f64 >= dashes.left as f64 {
            gone += dashes.left;
            let along = |part: f64| (part * gone as f64 / length) as i32;
            let to = Point::new(one.x.wrapping_add(along(dx)), one.y.wrapping_add(along(dy)));
            if dashes.mark {
                if close && !begun {
                    opening = Some((side + 1, to));
                } else {
                    drawing.segments(points, false, start, side - start + 1, from, to);
                }
            }
            begun = true;
            let left = dashes.left;
            dashes.skip(left);
            (start, from) = (side, to);
        }
        dashes.skip((length - gone as f64) as u64);
    }
    match (dashes.mark, opening) {
        (true, Some((sides, to))) => drawing.segments(points, false, start, count - start + sides, from, to),
        (true, None) if close => drawing.segments(points, false, start, count - start, from, first),
        (true, None) => drawing.segments(points, false, start, (count - start).saturating_sub(1).max(1), from, last),
        (false, Some((sides, to))) => drawing.segments(points, false, 0, sides, first, to),
        (false, None) => {}
    }
    Region::of(&drawing.parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn straight_lines_are_rectangles() {
        let stroke = Stroke { width: 5, end: End::Flat, join: Join::Miter, miter_limit: 10.0 };
        let clip = Rect::new(-100, -100, 100, 100);
        let draw = |points: &[Point], close, stroke: &Stroke| lines(points, close, stroke, &clip);
        let across = draw(&[Point::new(0, 10), Point::new(20, 10)], false, &stroke);
        assert_eq!(across.rects(), [Rect::new(0, 8, 20, 13)]);
        let square = Stroke { end: End::Square, ..stroke };
        assert_eq!(draw(&[Point::new(20, 10), Point::new(0, 10)], false, &square).bounds(), Rect::new(-2, 8, 22, 13));
        let corners = [Point::new(0, 0), Point::new(20, 0), Point::new(20, 20), Point::new(0, 20)];
        let frame = draw(&corners, true, &stroke);
        assert!(frame.contains(-1, -1) && frame.contains(21, 21) && !frame.contains(10, 10), "{frame:?}");
        assert!(draw(&[Point::new(3, 3); 4], true, &stroke).is_empty());
    }

    #[test]
    fn dashes_go_around_corners() {
        let stroke = Stroke { width: 3, end: End::Flat, join: Join::Miter, miter_limit: 10.0 };
        let clip = Rect::new(-100, -100, 100, 100);
        let line = [Point::new(0, 10), Point::new(20, 10)];
        let drawn = dashed(&line, false, &stroke, &[6, 2], &clip);
        assert_eq!(drawn.rects(), [Rect::new(0, 9, 6, 12), Rect::new(8, 9, 14, 12), Rect::new(16, 9, 20, 12)]);
        assert_eq!(dashed(&line, false, &stroke, &[0, 0], &clip).rects(), [Rect::new(0, 9, 20, 12)]);
        let bent = [Point::new(0, 0), Point::new(10, 0), Point::new(10, 10)];
        let drawn = dashed(&bent, false, &stroke, &[15, 50], &clip);
        assert!(drawn.contains(11, -1) && drawn.contains(10, 4) && !drawn.contains(10, 6), "{drawn:?}");
        // The last dash of a closed line goes on as its first one.
        let square = [(0, 0), (20, 0), (20, 20), (0, 20)].map(|(x, y)| Point::new(x, y));
        let drawn = dashed(&square, true, &stroke, &[5, 65, 20, 10], &clip);
        assert!(drawn.contains(0, 5) && drawn.contains(-1, -1) && drawn.contains(3, 0), "{drawn:?}");
        assert!(!drawn.contains(7, 0) && !drawn.contains(0, 12), "{drawn:?}");
    }
}
