//! What adds to a path while one is recorded: lines, figures, arcs as curves, outlines of text.

use super::{Path, kind};
use crate::win32k::gdi::dc::Work;
use crate::win32k::gdi::fonts::native::Primitive;
use crate::win32k::gdi::fonts::outline::Hinting;
use crate::win32k::gdi::fonts::realize::Realized;
use crate::win32k::geometry::{Point, Rect, round};
use core::f64::consts::{FRAC_PI_2, PI};

/// AD_COUNTERCLOCKWISE, AD_CLOCKWISE.
pub const COUNTERCLOCKWISE: i32 = 1;
/// As its neighbour.
pub const CLOCKWISE: i32 = 2;
/// GM_COMPATIBLE.
const COMPATIBLE: i32 = 1;
/// How far a quarter of a circle is leant to: 4/3 (√2 - 1), as Wine has it.
const QUARTER: f64 = 0.55428475;

/// What an arc has besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Nothing.
    Open,
    /// A line leads to it.
    Joined,
    /// A line closes it.
    Chord,
    /// Lines close it, through the middle.
    Pie,
}

impl Work<'_> {
    fn device_points(&self, points: &[Point]) -> Vec<Point> {
        points.iter().map(|point| self.device_point(*point)).collect()
    }

    /// The path that is recorded.
    fn recorded(&mut self) -> Option<&mut Path> {
        self.state.recording.as_mut()
    }

    /// Whether a path is recorded.
    pub fn is_recording(&self) -> bool {
        self.state.recording.is_some()
    }

    /// Goes on from another point of the world.
    pub fn record_move(&mut self, to: Point) {
        let to = self.device_point(to);
        if let Some(path) = self.recorded() {
            path.move_to(to);
        }
    }

    /// Adds points of the world from the position on.
    pub fn record_go(&mut self, points: &[Point], kind: u8) -> bool {
        let points = self.device_points(points);
        self.recorded().is_some_and(|path| path.go(&points, kind))
    }

    /// Adds figures with points of the world; `None`: a curve, else lines that are closed or not.
    pub fn record_figures(&mut self, points: &[Point], counts: &[usize], closed: Option<bool>) -> bool {
        let points = self.device_points(points);
        let Some(path) = self.recorded() else { return false };
        let mut rest = &points[..];
        for count in counts {
            let (figure, after) = rest.split_at((*count).min(rest.len()));
            rest = after;
            if !path.extend(figure, kind::MOVE, if closed.is_none() { kind::CURVE } else { kind::LINE }) {
                return false;
            }
            if closed == Some(true) {
                path.close();
            }
        }
        true
    }

    /// Corners of the world on the device, left and upper first; `None` if nothing is between them.
    fn record_corners(&self, rect: Rect) -> Option<Rect> {
        let mut rect = self.device_corners(rect).ordered();
        if self.attr.graphics_mode == COMPATIBLE {
            if rect.left == rect.right || rect.top == rect.bottom {
                return None;
            }
            rect.right -= 1;
            rect.bottom -= 1;
        }
        Some(rect)
    }

    /// Adds a closed figure; its points go counter-clockwise.
    fn record_shape(&mut self, mut points: Vec<Point>, mut kinds: Vec<u8>) -> bool {
        if self.attr.arc_direction == CLOCKWISE {
            points.reverse();
        }
        if let Some(first) = kinds.first_mut() {
            *first = kind::MOVE;
        }
        let Some(path) = self.recorded() else { return false };
        let added = points.into_iter().zip(kinds).all(|(point, kind)| path.add(point, kind));
        path.close();
        added
    }

    /// Adds a rectangle.
    pub fn record_rectangle(&mut self, rect: Rect) -> bool {
        let Some(Rect { left, top, right, bottom }) = self.record_corners(rect) else { return true };
        let corners = [(right, top), (left, top), (left, bottom), (right, bottom)];
        self.record_shape(corners.map(|(x, y)| Point::new(x, y)).to_vec(), vec![kind::LINE; 4])
    }

    /// Adds a rectangle with round corners.
    pub fn record_round_rectangle(&mut self, rect: Rect, width: i32, height: i32) -> bool {
        if width == 0 || height == 0 {
            return self.record_rectangle(rect);
        }
        let Some(Rect { left, top, right, bottom }) = self.record_corners(rect) else { return true };
        let corner = self.device_corners(Rect::new(0, 0, width, height));
        let half = |size: i32, most: i32| f64::from(size.saturating_abs().min(most)) / 2.0;
        let (across, down) = (half(corner.width(), right - left), half(corner.height(), bottom - top));
        let (x, y) = (round(across), round(down));
        let (near_x, near_y) = (round(across * (1.0 - QUARTER)), round(down * (1.0 - QUARTER)));
        let points = [
            (right, top + y),
            (right, top + near_y),
            (right - near_x, top),
            (right - x, top),
            (left + x, top),
            (left + near_x, top),
            (left, top + near_y),
            (left, top + y),
            (left, bottom - y),
            (left, bottom - near_y),
            (left + near_x, bottom),
            (left + x, bottom),
            (right - x, bottom),
            (right - near_x, bottom),
            (right, bottom - near_y),
            (right, bottom - y),
        ];
        let mut kinds = vec![kind::CURVE; points.len()];
        for at in [4, 8, 12] {
            kinds[at] = kind::LINE;
        }
        self.record_shape(points.map(|(x, y)| Point::new(x, y)).to_vec(), kinds)
    }

    /// Adds an ellipse.
    pub fn record_ellipse(&mut self, rect: Rect) -> bool {
        let Some(Rect { left, top, right, bottom }) = self.record_corners(rect) else { return true };
        let (across, down) = (f64::from(right - left) / 2.0, f64::from(bottom - top) / 2.0);
        let (x, y) = (round(across), round(down));
        let (near_x, near_y) = (round(across * (1.0 - QUARTER)), round(down * (1.0 - QUARTER)));
        let points = [
            (right, top + y),
            (right, top + near_y),
            (right - near_x, top),
            (left + x, top),
            (left + near_x, top),
            (left, top + near_y),
            (left, top + y),
            (left, bottom - near_y),
            (left + near_x, bottom),
            (left + x, bottom),
            (right - near_x, bottom),
            (right, bottom - near_y),
            (right, bottom - y),
        ];
        self.record_shape(points.map(|(x, y)| Point::new(x, y)).to_vec(), vec![kind::CURVE; points.len()])
    }

    /// Adds an arc, a curve for each quarter that it goes through.
    pub fn record_arc(&mut self, rect: Rect, from: Point, to: Point, direction: i32, ends: Ends) -> bool {
        if rect.left == rect.right || rect.top == rect.bottom {
            return true;
        }
        let device = self.state.to_device;
        let place = |x: i32, y: i32| {
            let (x, y) = (f64::from(x), f64::from(y));
            let part = |a: f32, b: f32, c: f32| x * f64::from(a) + y * f64::from(b) + f64::from(c);
            (part(device.m11, device.m21, device.dx), part(device.m12, device.m22, device.dy))
        };
        let (one, other) = (place(rect.left, rect.top), place(rect.right, rect.bottom));
        let (left, right) = (one.0.min(other.0), one.0.max(other.0));
        let (top, bottom) = (one.1.min(other.1), one.1.max(other.1));
        let angle = |point: Point| {
            let (x, y) = place(point.x, point.y);
            let normal = |value: f64, low: f64, high: f64| (value - low) / (high - low) * 2.0 - 1.0;
            normal(y, top, bottom).atan2(normal(x, left, right))
        };
        let (start, mut end) = (angle(from), angle(to));
        let clockwise = direction == CLOCKWISE;
        if clockwise && end <= start {
            end += 2.0 * PI;
        } else if !clockwise && end >= start {
            end -= 2.0 * PI;
        }
        if ![left, top, right, bottom, start, end].iter().all(|value| value.is_finite()) {
            return false;
        }
        let inset = f64::from(u8::from(self.attr.graphics_mode == COMPATIBLE));
        let frame = (left, top, right - inset, bottom - inset);
        let Some(path) = self.recorded() else { return false };
        if ends == Ends::Joined && !path.begin() {
            return false;
        }
        let mut first = Some(if ends == Ends::Joined { kind::LINE } else { kind::MOVE });
        let mut at = start;
        // A circle has four quarters, and begins within one.
        for _ in 0..6 {
            let quarters = at / FRAC_PI_2;
            let next = if clockwise { quarters.floor() + 1.0 } else { quarters.ceil() - 1.0 } * FRAC_PI_2;
            let is_last = if clockwise { end < next } else { end > next };
            let next = if is_last { end } else { next };
            let points = quarter(frame, at, next);
            let added = match first.take() {
                Some(first) => path.extend(&points, first, kind::CURVE),
                None => path.extend(&points[1..], kind::CURVE, kind::CURVE),
            };
            if !added {
                return false;
            }
            at = next;
            if is_last {
                break;
            }
        }
        match ends {
            Ends::Open => {}
            Ends::Joined => path.follow(),
            Ends::Chord => path.close(),
            Ends::Pie => {
                let middle = Point::new(((frame.0 + frame.2) / 2.0) as i32, ((frame.1 + frame.3) / 2.0) as i32);
                return path.add(middle, kind::LINE | kind::CLOSE);
            }
        }
        true
    }

    /// Adds the outlines of text whose base line begins at a point of the device.
    pub fn record_text(
        &mut self,
        font: &Realized,
        from: Point,
        text: &[u16],
        by_number: bool,
        steps: Option<&[Point]>,
    ) -> bool {
        let (mut at, k) = (from, self.k);
        let Some(path) = self.recorded() else { return false };
        for (index, unit) in text.iter().enumerate() {
            let (child, glyph, vertical) = if by_number {
                (None, font.by_number(*unit), font.is_vertical())
            } else {
                let found = font.resolve(k, *unit);
                (found.child, found.glyph, found.vertical)
            };
            let font = child.as_deref().unwrap_or(font);
            let Some(raw) = font.raw(glyph, Hinting::Grey, false, vertical, None) else { continue };
            let Some(outline) = raw.placed() else { continue };
            // To whole pixels, halves up.
            let place = |(x, y): (i32, i32)| {
                let whole = |value: i32| value.saturating_add(32) >> 6;
                Point::new(at.x.wrapping_add(whole(x)), at.y.wrapping_sub(whole(y)))
            };
            let mut any = false;
            for (start, curves) in outline.curves() {
                let mut before = (start.x, start.y);
                any = path.add(place(before), kind::MOVE);
                for (primitive, points) in curves {
                    let last = points.last().copied();
                    if primitive == Primitive::Line {
                        points.iter().for_each(|point| any &= path.add(place(*point), kind::LINE));
                    } else {
                        let all: Vec<Point> = core::iter::once(before).chain(points).map(place).collect();
                        any &= bend(path, &all);
                    }
                    before = last.unwrap_or(before);
                }
            }
            if any {
                path.close();
            }
            let metrics = raw.measured.glyph;
            let step = match steps {
                Some(steps) => steps.get(index).copied().unwrap_or_default(),
                None => Point::new(metrics.advance_x.into(), metrics.advance_y.into()),
            };
            at = Point::new(at.x.wrapping_add(step.x), at.y.wrapping_add(step.y));
        }
        true
    }
}

/// A curve of the second degree of whole pixels, with the point that it begins at, as Wine adds it.
fn bend(path: &mut Path, points: &[Point]) -> bool {
    match points {
        [_, to] => path.add(*to, kind::LINE),
        [_, _, _] => path.extend(points, kind::CURVE, kind::CURVE),
        [first, middle @ .., one, to] if !middle.is_empty() || points.len() > 3 => {
            let mut before = *first;
            let controls: Vec<Point> = middle.iter().copied().chain([*one]).collect();
            for pair in controls.windows(2) {
                let (Some(control), Some(next)) = (pair.first(), pair.get(1)) else { break };
                let half = |a: i32, b: i32| a.wrapping_add(b) / 2;
                let end = Point::new(half(next.x, control.x), half(next.y, control.y));
                if !path.extend(&[before, *control, end], kind::CURVE, kind::CURVE) {
                    return false;
                }
                before = end;
            }
            let last = controls.last().copied().unwrap_or(before);
            path.extend(&[before, last, *to], kind::CURVE, kind::CURVE)
        }
        _ => true,
    }
}

/// The curve of a quarter of an ellipse at most, in a box.
pub fn quarter(frame: (f64, f64, f64, f64), start: f64, end: f64) -> [Point; 4] {
    let half = (end - start) / 2.0;
    let mut points = [(start.cos(), start.sin()); 4];
    if half.abs() > 1e-8 {
        let lean = 4.0 / 3.0 * (1.0 - half.cos()) / half.sin();
        let last = (end.cos(), end.sin());
        let first = points[0];
        points[1] = (first.0 - lean * first.1, first.1 + lean * first.0);
        points[2] = (last.0 + lean * last.1, last.1 - lean * last.0);
        points[3] = last;
    }
    let (left, top, right, bottom) = frame;
    points.map(|(x, y)| {
        let place = |value: f64, low: f64, high: f64| round(low + (high - low) * 0.5 * (value + 1.0));
        Point::new(place(x, left, right), place(y, top, bottom))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_end_on_the_box() {
        let points = quarter((0.0, 0.0, 100.0, 60.0), 0.0, FRAC_PI_2);
        assert_eq!((points[0], points[3]), (Point::new(100, 30), Point::new(50, 60)));
        assert_eq!(quarter((0.0, 0.0, 10.0, 10.0), 0.0, 0.0), [Point::new(10, 5); 4]);
    }
}
