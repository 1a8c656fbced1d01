//! Device contexts of enhanced metafiles. gdi32 records the calls; what is left here is what the device that it is for is
//! like, and the area that lines and figures would have drawn on (`emf_bounds` of its attributes).

use super::User;
use super::attr::ADVANCED;
use super::dc::{self, Device, Work};
use super::{caps, draw::arc_kind, with};
use crate::call::{Call, Cx};
use crate::win32k::geometry::{Point, Rect};

/// System calls about metafiles.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiCreateMetafileDC(dc: u32) => create, Done;
};

/// Whether a device has a value of that index: ASPECTXY, LOGPIXELSX, COLORMGMTCAPS and those between.
fn is_told(index: i32) -> bool {
    matches!(index, 0..=44 if index % 2 == 0) || matches!(index, 88 | 90 | 94 | 104 | 106 | 108 | 110..=121)
}

/// NtGdiCreateMetafileDC: for the device of a DC, or for the display.
///
/// # Errors
/// None; the answer is 0.
pub fn create(cx: &Cx<'_>, like: u32) -> User {
    let all = |work: &Work<'_>| -> Vec<i32> {
        (0..=121).map(|index| if is_told(index) { caps::value(work, index) } else { 0 }).collect()
    };
    let told = if like == 0 {
        let screen = dc::make(cx, Device::Screen).unwrap_or(0);
        let told = with(cx, screen, |work| all(work));
        dc::delete(cx, screen);
        told
    } else {
        // A handle that is none leaves a device of which nothing is known.
        with(cx, like, |work| all(work)).or_else(|| Some(vec![0; 122]))
    };
    Ok(told.and_then(|told| dc::make(cx, Device::Metafile(told)).ok()).unwrap_or(0).into())
}

/// What an arc is drawn by: the rectangle of its ellipse, where it begins and where it ends.
pub struct Arc {
    /// One of [`arc_kind`].
    pub kind: u32,
    /// In any order.
    pub rect: Rect,
    /// A point on the line from the middle through its begin.
    pub from: Point,
    /// Through its end.
    pub to: Point,
}

impl Work<'_> {
    /// Whether calls are recorded by gdi32, and nothing is drawn.
    pub fn is_metafile(&self) -> bool {
        matches!(self.dc.device, Device::Metafile(_)) && !self.is_recording()
    }

    /// Notes that something would be drawn within corners of the world.
    pub fn note_recorded(&mut self, corners: Rect) {
        let rect = self.device_corners(corners);
        let (left, right) = (rect.left.min(rect.right), rect.left.max(rect.right));
        let (top, bottom) = (rect.top.min(rect.bottom), rect.top.max(rect.bottom));
        let all = &mut self.attr.metafile_bounds;
        *all = if all.left > all.right {
            Rect::new(left, top, right, bottom)
        } else {
            Rect::new(all.left.min(left), all.top.min(top), all.right.max(right), all.bottom.max(bottom))
        };
    }

    /// The same for a figure within a rectangle, whose last column and row are left out; false if it is empty.
    pub fn note_figure(&mut self, rect: Rect) -> bool {
        let Some(rect) = self.inclusive(rect) else { return false };
        self.note_recorded(rect);
        true
    }

    fn inclusive(&self, rect: Rect) -> Option<Rect> {
        if rect.left == rect.right || rect.top == rect.bottom {
            return None;
        }
        let less = i32::from(self.attr.graphics_mode != ADVANCED);
        let (left, right) = (rect.left.min(rect.right), rect.left.max(rect.right));
        let (top, bottom) = (rect.top.min(rect.bottom), rect.top.max(rect.bottom));
        Some(Rect::new(left, top, right.wrapping_sub(less), bottom.wrapping_sub(less)))
    }

    /// The same for an arc.
    pub fn note_arc(&mut self, arc: &Arc) -> bool {
        use core::f64::consts::{FRAC_PI_2, TAU};
        let Some(rect) = self.inclusive(arc.rect) else { return false };
        let middle = |a: i32, b: i32| (i64::from(a) + i64::from(b) + 1) / 2;
        let half = |a: i32, b: i32| ((i64::from(b) - i64::from(a) + 1) / 2) as f64;
        let (x, y) = (middle(rect.left, rect.right) as f64, middle(rect.top, rect.bottom) as f64);
        let (across, down) = (half(rect.left, rect.right), half(rect.top, rect.bottom));
        let angle = |at: Point| (y - f64::from(at.y)).atan2(f64::from(at.x) - x);
        let (mut start, mut end) = (angle(arc.from), angle(arc.to));
        let place = |angle: f64| Point::new((across * angle.cos() + x) as i32, (y - down * angle.sin()) as i32);
        let (one, other) = (place(start), place(end));
        let mut bounds = Rect::new(one.x.min(other.x), one.y.min(other.y), one.x.max(other.x), one.y.max(other.y));
        start = if start < 0.0 { start + TAU } else { start };
        end = if end < 0.0 { end + TAU } else { end };
        if end < start {
            end += TAU;
        }
        // It touches the rectangle where it passes from one quarter to the next.
        for quarter in 0..=8 {
            if !(start..=end).contains(&(f64::from(quarter) * FRAC_PI_2)) {
                continue;
            }
            match quarter % 4 {
                0 => bounds.right = rect.right,
                1 => bounds.top = rect.top,
                2 => bounds.left = rect.left,
                _ => bounds.bottom = rect.bottom,
            }
        }
        let further = match arc.kind {
            arc_kind::PIE => Some(Point::new(x as i32, y as i32)),
            arc_kind::TO => Some(self.attr.position),
            _ => None,
        };
        if let Some(point) = further {
            bounds = Rect::new(
                bounds.left.min(point.x),
                bounds.top.min(point.y),
                bounds.right.max(point.x),
                bounds.bottom.max(point.y),
            );
        }
        self.note_recorded(bounds);
        true
    }
}
