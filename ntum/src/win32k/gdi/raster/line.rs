//! Lines of one pixel, as Windows draws them: the last point is left out, and where a line passes between two pixels, its
//! direction says which one is drawn. Octants count clockwise from the right.

use crate::win32k::geometry::{Point, Rect};

/// A line's direction and steps.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    start: Point,
    /// Steps along the axis on which it is longer, and along the other.
    long: i64,
    short: i64,
    /// Whether that axis is the horizontal one.
    flat: bool,
    /// Directions.
    right: bool,
    down: bool,
    bias: i64,
}

impl Line {
    /// The line between two points.
    pub fn new(start: Point, end: Point) -> Line {
        let (start, end) = (crop(start), crop(end));
        let (dx, dy) = (i64::from(end.x) - i64::from(start.x), i64::from(end.y) - i64::from(start.y));
        let octant = match (dy > 0, if dy > 0 { dx > 0 } else { dx < 0 }) {
            (true, true) => 2 - i32::from(dx > dy),
            (true, false) => 3 + i32::from(-dx > dy),
            (false, true) => 6 - i32::from(-dx > -dy),
            (false, false) => 7 + i32::from(dx > -dy),
        };
        let flat = matches!(octant, 1 | 4 | 5 | 8);
        let (long, short) = if flat { (dx.abs(), dy.abs()) } else { (dy.abs(), dx.abs()) };
        Line {
            start,
            long,
            short,
            flat,
            right: matches!(octant, 1 | 2 | 7 | 8),
            down: octant <= 4,
            bias: i64::from(matches!(octant, 3 | 5 | 6 | 8)),
        }
    }

    /// Pixels of it.
    pub fn length(&self) -> u32 {
        self.long as u32
    }

    /// How far it went aside after so many steps.
    fn aside(&self, step: i64) -> i64 {
        (2 * step * self.short + self.long + self.bias - 1) / (2 * self.long.max(1))
    }

    /// The steps of pixels between two places of the longer axis.
    fn steps(&self, first: i32, end: i32) -> core::ops::Range<i64> {
        let (start, forward) = if self.flat { (self.start.x, self.right) } else { (self.start.y, self.down) };
        let (from, to) = (i64::from(first) - i64::from(start), i64::from(end) - i64::from(start));
        let (from, to) = if forward { (from, to) } else { (1 - to, 1 - from) };
        from.max(0)..to.min(self.long)
    }

    /// Its pixels within a rectangle, as runs along the longer axis. Each tells the step of its first pixel.
    pub fn runs(&self, clip: &Rect, mut run: impl FnMut(Rect, u32)) {
        let steps = if self.flat { self.steps(clip.left, clip.right) } else { self.steps(clip.top, clip.bottom) };
        // How far aside a step is lies in `rest`, of `whole`; each step adds `more`, and a run ends where it is full.
        let (whole, more) = (2 * self.long.max(1), 2 * self.short);
        let so_far = steps.start * more + self.long + self.bias - 1;
        let (mut aside, mut rest) = (so_far / whole, so_far % whole);
        let (often, over) = if more == 0 { (self.long, 0) } else { (whole / more, whole % more) };
        let mut step = steps.start;
        while step < steps.end {
            let first = step;
            let count = match more {
                0 => often,
                // The first run may begin anywhere; others where it was just full.
                _ if first == steps.start => (whole - rest + more - 1) / more,
                _ => often + i64::from(over > rest),
            };
            step = (first + count).min(steps.end);
            rest += count * more - whole;
            let along = |start: i32, forward: bool| {
                let start = i64::from(start);
                let (from, to) =
                    if forward { (start + first, start + step) } else { (start - step + 1, start - first + 1) };
                (from as i32, to as i32)
            };
            let beside = |start: i32, forward: bool| {
                let place = i64::from(start) + if forward { aside } else { -aside };
                (place as i32, place as i32 + 1)
            };
            debug_assert!(step > first);
            let ((left, right), (top, bottom)) = if self.flat {
                (along(self.start.x, self.right), beside(self.start.y, self.down))
            } else {
                (beside(self.start.x, self.right), along(self.start.y, self.down))
            };
            if let Some(rect) = Rect::new(left, top, right, bottom).intersect(clip) {
                run(rect, first as u32);
            }
            aside += 1;
        }
    }

    /// Its pixels within a rectangle, one by one from the start, with their steps.
    pub fn pixels(&self, clip: &Rect, mut pixel: impl FnMut(Point, u32)) {
        let steps = if self.flat { self.steps(clip.left, clip.right) } else { self.steps(clip.top, clip.bottom) };
        for step in steps {
            let aside = self.aside(step);
            let (dx, dy) = if self.flat { (step, aside) } else { (aside, step) };
            let go = |start: i32, by: i64, forward: bool| (i64::from(start) + if forward { by } else { -by }) as i32;
            let point = Point::new(go(self.start.x, dx, self.right), go(self.start.y, dy, self.down));
            if clip.contains(point.x, point.y) {
                pixel(point, step as u32);
            }
        }
    }
}

/// A line whose pixels are all seen, as steps from pixel to pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// The first pixel.
    pub start: Point,
    /// How far it is along and aside to the next one, in columns and rows.
    pub along: (i32, i32),
    /// As `along`.
    pub aside: (i32, i32),
    /// Pixels.
    pub count: u32,
    /// A step goes aside where this, to which each adds `more`, reaches `whole`.
    pub rest: i64,
    /// Not more than `whole`.
    pub more: i64,
    /// More than 0.
    pub whole: i64,
    /// What the pixels lie in.
    pub bounds: Rect,
}

impl Line {
    /// The way from pixel to pixel within a rectangle; `None` where some lie outside of it, or none is there.
    pub fn way(&self, clip: &Rect) -> Option<Way> {
        let steps = if self.flat { self.steps(clip.left, clip.right) } else { self.steps(clip.top, clip.bottom) };
        let last = steps.end - 1;
        if steps.start > last {
            return None;
        }
        let (whole, more) = (2 * self.long.max(1), 2 * self.short);
        let so_far = |step: i64| step * more + self.long + self.bias - 1;
        let place = |step: i64| {
            let (dx, dy) = if self.flat { (step, self.aside(step)) } else { (self.aside(step), step) };
            let go = |start: i32, by: i64, forward: bool| (i64::from(start) + if forward { by } else { -by }) as i32;
            Point::new(go(self.start.x, dx, self.right), go(self.start.y, dy, self.down))
        };
        let (start, end) = (place(steps.start), place(last));
        if !clip.contains(start.x, start.y) || !clip.contains(end.x, end.y) {
            return None;
        }
        let sign = |forward: bool| if forward { 1 } else { -1 };
        let (across, down) = ((sign(self.right), 0), (0, sign(self.down)));
        let (along, aside) = if self.flat { (across, down) } else { (down, across) };
        let bounds = Rect::new(
            start.x.min(end.x),
            start.y.min(end.y),
            start.x.max(end.x).saturating_add(1),
            start.y.max(end.y).saturating_add(1),
        );
        let count = (steps.end - steps.start) as u32;
        Some(Way { start, along, aside, count, rest: so_far(steps.start) % whole, more, whole, bounds })
    }
}

/// Brings a point that is far away nearer.
fn crop(point: Point) -> Point {
    const FAR: i32 = 0x1000_0000;
    let far = |value: i32| !(-FAR < value && value < FAR);
    if far(point.x) || far(point.y) { Point::new(point.x / 8, point.y / 8) } else { point }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bresenham's way, step by step.
    fn stepped(from: (i32, i32), to: (i32, i32)) -> Vec<Point> {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let line = Line::new(Point::new(from.0, from.1), Point::new(to.0, to.1));
        let (long, short) = (dx.abs().max(dy.abs()), dx.abs().min(dy.abs()));
        let mut error = 2 * short - long;
        let (mut x, mut y) = from;
        let mut out = Vec::new();
        for _ in 0..long {
            out.push(Point::new(x, y));
            let aside = error + line.bias as i32 > 0;
            error += 2 * short - if aside { 2 * long } else { 0 };
            if line.flat || aside {
                x += dx.signum();
            }
            if !line.flat || aside {
                y += dy.signum();
            }
        }
        out
    }

    #[test]
    fn all_directions_are_stepped() {
        let clip = Rect::new(-20, -20, 40, 40);
        for x in -9..10 {
            for y in -9..10 {
                let line = Line::new(Point::new(3, 4), Point::new(3 + x, 4 + y));
                let mut pixels = Vec::new();
                line.pixels(&clip, |point, step| {
                    assert_eq!(step as usize, pixels.len());
                    pixels.push(point);
                });
                assert_eq!(pixels, stepped((3, 4), (3 + x, 4 + y)), "{x} {y}");
                let mut covered = Vec::new();
                line.runs(&clip, |rect, _| {
                    for y in rect.top..rect.bottom {
                        covered.extend((rect.left..rect.right).map(|x| Point::new(x, y)));
                    }
                });
                assert_eq!(covered.len(), pixels.len(), "{x} {y}");
                assert!(pixels.iter().all(|pixel| covered.contains(pixel)), "{x} {y}");
                if let Some(way) = line.way(&clip) {
                    let (mut at, mut rest) = (way.start, way.rest);
                    for pixel in &pixels {
                        assert_eq!(at, *pixel, "{x} {y}");
                        at = Point::new(at.x + way.along.0, at.y + way.along.1);
                        rest += way.more;
                        if rest >= way.whole {
                            rest -= way.whole;
                            at = Point::new(at.x + way.aside.0, at.y + way.aside.1);
                        }
                    }
                    assert_eq!(way.count as usize, pixels.len());
                }
                assert_eq!(line.way(&clip).is_some(), !pixels.is_empty(), "{x} {y}");
                let small = Rect::new(1, 2, 6, 7);
                let mut seen = Vec::new();
                line.pixels(&small, |point, _| seen.push(point));
                pixels.retain(|point| small.contains(point.x, point.y));
                assert_eq!(seen, pixels, "{x} {y}");
            }
        }
        let far = Line::new(Point::new(i32::MIN, i32::MIN), Point::new(i32::MAX, i32::MAX));
        let mut count = 0;
        far.pixels(&clip, |_, _| count += 1);
        assert_eq!(count, 60);
    }
}
