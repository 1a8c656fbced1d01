//! Figures that consist of others: AngleArc, PolyDraw.

use super::draw::arc_kind;
use super::path::Path;
use super::path::record::{CLOCKWISE, COUNTERCLOCKWISE, Ends};
use super::{User, answer, done};
use crate::call::{Call, Cx};
use crate::um::UserPtr;
use crate::win32k::geometry::{Point, Rect, round};

/// System calls about such figures.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiAngleArc(dc: u32, x: i32, y: i32, radius: u32, start: u32, sweep: u32) => angle_arc, Done;
    NtGdiPolyDraw(dc: u32, points: u64, kinds: u64, count: u32) => poly_draw, Done;
};

/// Points of one call at most.
const MOST: u32 = 1 << 22;

/// NtGdiAngleArc: a line, and an arc around a point; angles are degrees, as bits of an f32.
///
/// # Errors
/// None; the answer is FALSE.
pub fn angle_arc(cx: &Cx<'_>, dc: u32, x: i32, y: i32, radius: u32, start: u32, sweep: u32) -> User {
    let Ok(radius) = i32::try_from(radius) else { return done(false) };
    let (start, sweep) = (f64::from(f32::from_bits(start)), f64::from(f32::from_bits(sweep)));
    let far = f64::from(radius);
    let at = |angle: f64| {
        let (sine, cosine) = angle.to_radians().sin_cos();
        Point::new(round(f64::from(x) + cosine * far), round(f64::from(y) - sine * far))
    };
    let (from, to) = (at(start), at(start + sweep));
    let rect = Rect {
        left: x.wrapping_sub(radius),
        top: y.wrapping_sub(radius),
        right: x.wrapping_add(radius),
        bottom: y.wrapping_add(radius),
    };
    let direction = if sweep >= 0.0 { COUNTERCLOCKWISE } else { CLOCKWISE };
    answer(cx, dc, |work| {
        let drawn = if work.is_recording() {
            work.record_arc(rect, from, to, direction, Ends::Joined)
        } else {
            let before = core::mem::replace(&mut work.attr.arc_direction, direction);
            let drawn = work.arc(arc_kind::TO, rect, from, to).is_ok();
            work.attr.arc_direction = before;
            drawn
        };
        if drawn {
            work.attr.position = to;
        }
        drawn.into()
    })
}

/// NtGdiPolyDraw: lines and curves, each point with its kind (PT_*).
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn poly_draw(cx: &Cx<'_>, dc: u32, points: u64, kinds: u64, count: u32) -> User {
    if count > MOST {
        return done(false);
    }
    let points = UserPtr::<Point>::new(points).read_vec(cx.k, count as usize)?;
    let kinds = UserPtr::<u8>::new(kinds).read_vec(cx.k, count as usize)?;
    answer(cx, dc, |work| {
        if work.is_recording() {
            let device: Vec<Point> = points.iter().map(|point| work.device_point(*point)).collect();
            if !work.state.recording.as_mut().is_some_and(|path| path.poly_draw(&device, &kinds)) {
                return 0;
            }
        } else {
            let mut path = Path::new(work.attr.position);
            if !path.poly_draw(&points, &kinds) {
                return 0;
            }
            let flat = path.flat();
            for (figure, closed) in flat.figures() {
                let mut line: Vec<Point> = figure.iter().map(|point| work.device_point(*point)).collect();
                line.extend(line.first().copied().filter(|_| closed));
                if work.polylines(&line, &[line.len()]).is_err() {
                    return 0;
                }
            }
        }
        if let Some(last) = points.last() {
            work.attr.position = *last;
        }
        1
    })
}
