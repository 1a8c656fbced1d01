//! Clipping: what of a device context's surface is drawn on.

use super::User;
use super::answer;
use super::dc::Work;
use super::region::{Mode, NULL_REGION, Region, SIMPLE_REGION};
use super::regions::{self, ERROR, mode};
use crate::call::{Call, Cx};
use crate::um::UserPtr;
use crate::win32k::geometry::{Point, Rect, muldiv};

/// System calls about clipping.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiExtSelectClipRgn(dc: u32, region: u32, mode: i32) => select, Done;
    NtGdiOffsetClipRgn(dc: u32, x: i32, y: i32) => offset, Done;
    NtGdiExcludeClipRect(dc: u32, left: i32, top: i32, right: i32, bottom: i32) => exclude, Done;
    NtGdiIntersectClipRect(dc: u32, left: i32, top: i32, right: i32, bottom: i32) => intersect, Done;
    NtGdiPtVisible(dc: u32, x: i32, y: i32) => point_visible, Done;
    NtGdiRectVisible(dc: u32, rect: UserPtr<Rect>) => rect_visible, Done;
    NtGdiGetAppClipBox(dc: u32, rect: UserPtr<Rect>) => get_box, Done;
    NtGdiGetRandomRgn(dc: u32, region: u32, code: u32) => get_random, Partial("regions for another resolution than the DC's");
    NtGdiSetMetaRgn(dc: u32) => set_meta, Done;
};

impl Work<'_> {
    /// Corners of the world as an area of the device.
    pub fn clip_rect(&self, rect: Rect) -> Region {
        let mut rect = self.device_corners(rect);
        if self.is_mirrored() {
            (rect.left, rect.right) = (rect.right.wrapping_add(1), rect.left.wrapping_add(1));
        }
        Region::from(rect.ordered())
    }

    /// An area of the device as corners of the world.
    pub fn world_box(&self, mut rect: Rect) -> Rect {
        if self.is_mirrored() {
            (rect.left, rect.right) = (rect.right.wrapping_sub(1), rect.left.wrapping_sub(1));
        }
        self.world_corners(rect)
    }

    /// The clipping region; without one, all of the device.
    fn clip_or_all(&mut self) -> Region {
        let all = self.device_rect();
        self.state.clip.take().unwrap_or_else(|| Region::from(all.unwrap_or_else(|| self.k.screen_mode().rect())))
    }

    fn set_clip(&mut self, region: Region) -> u32 {
        let kind = region.kind();
        self.state.clip = Some(region);
        self.update_clipping();
        kind
    }

    /// What of a rectangle of the device may be drawn on: within the device and within all regions.
    pub fn clipped(&self, rect: &Rect) -> Region {
        let rect = match self.device_rect() {
            Some(device) => rect.intersect(&device),
            None => Some(*rect),
        };
        let Some(rect) = rect else { return Region::default() };
        match &self.state.total {
            None => Region::from(rect),
            Some(total) => total.combine(&Region::from(rect), Mode::And),
        }
    }

    /// As [`Work::clipped`], its bounds alone, where there is something.
    pub fn visible(&self, rect: &Rect) -> Option<Rect> {
        let rect = match self.device_rect() {
            Some(device) => rect.intersect(&device)?,
            None => *rect,
        };
        match &self.state.total {
            None => (!rect.is_empty()).then_some(rect),
            Some(total) => rect.intersect(&total.bounds()),
        }
    }
}

/// NtGdiExtSelectClipRgn: what the clipping region is like.
///
/// # Errors
/// None; the answer is ERROR.
pub fn select(cx: &Cx<'_>, dc: u32, region: u32, mode: i32) -> User {
    let given = regions::get(cx.k, region);
    answer(cx, dc, |work| {
        if region == 0 {
            if mode == mode::COPY {
                work.state.clip = None;
                work.update_clipping();
                return SIMPLE_REGION;
            }
            return ERROR;
        }
        let Some(mut given) = given else { return ERROR };
        if work.is_mirrored() {
            given = given.mirrored(work.attr.visible.width());
        }
        match regions::mode_of(mode) {
            Some(mode) => {
                let held = work.clip_or_all();
                work.set_clip(held.combine(&given, mode))
            }
            None if mode == mode::COPY => work.set_clip(given),
            None => ERROR,
        }
    })
}

/// NtGdiOffsetClipRgn.
///
/// # Errors
/// None; the answer is ERROR.
pub fn offset(cx: &Cx<'_>, dc: u32, x: i32, y: i32) -> User {
    answer(cx, dc, |work| {
        let Some(held) = work.state.clip.take() else { return NULL_REGION };
        let mut x = muldiv(x, work.attr.viewport_extent.x, work.attr.window_extent.x);
        let y = muldiv(y, work.attr.viewport_extent.y, work.attr.window_extent.y);
        if work.is_mirrored() {
            x = x.wrapping_neg();
        }
        work.set_clip(if held.is_empty() { held } else { held.offset(x, y) })
    })
}

/// NtGdiExcludeClipRect.
///
/// # Errors
/// None; the answer is ERROR.
pub fn exclude(cx: &Cx<'_>, dc: u32, left: i32, top: i32, right: i32, bottom: i32) -> User {
    answer(cx, dc, |work| {
        let rect = work.clip_rect(Rect::new(left, top, right, bottom));
        let held = work.clip_or_all();
        work.set_clip(held.combine(&rect, Mode::Diff))
    })
}

/// NtGdiIntersectClipRect.
///
/// # Errors
/// None; the answer is ERROR.
pub fn intersect(cx: &Cx<'_>, dc: u32, left: i32, top: i32, right: i32, bottom: i32) -> User {
    answer(cx, dc, |work| {
        let rect = work.clip_rect(Rect::new(left, top, right, bottom));
        match work.state.clip.take() {
            None => {
                work.set_clip(rect);
                SIMPLE_REGION
            }
            Some(held) => work.set_clip(held.combine(&rect, Mode::And)),
        }
    })
}

/// NtGdiPtVisible.
///
/// # Errors
/// None; the answer is FALSE.
pub fn point_visible(cx: &Cx<'_>, dc: u32, x: i32, y: i32) -> User {
    answer(cx, dc, |work| {
        let point = work.device_point(Point::new(x, y));
        let on_device = work.device_rect().is_none_or(|device| device.contains(point.x, point.y));
        let in_regions = work.state.total.as_ref().is_none_or(|total| total.contains(point.x, point.y));
        (on_device && in_regions).into()
    })
}

/// NtGdiRectVisible.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn rect_visible(cx: &Cx<'_>, dc: u32, rect: UserPtr<Rect>) -> User {
    let rect = rect.read(cx.k)?;
    answer(cx, dc, |work| {
        let rect = work.device_corners(rect).ordered();
        let on_device = work.device_rect().is_none_or(|device| rect.intersect(&device).is_some());
        let in_regions = work.state.total.as_ref().is_none_or(|total| total.touches(&rect));
        (on_device && in_regions).into()
    })
}

/// NtGdiGetAppClipBox: the bounds in logical units, and what the region is like.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn get_box(cx: &Cx<'_>, dc: u32, rect: UserPtr<Rect>) -> User {
    let found = super::with(cx, dc, |work| {
        let visible = work.attr.visible;
        let (mut kind, mut found) = match &work.state.total {
            Some(total) => (total.kind(), total.bounds()),
            None if visible.is_empty() => (ERROR, visible),
            None => (SIMPLE_REGION, visible),
        };
        if let Some(device) = work.device_rect() {
            match found.intersect(&device) {
                Some(both) => found = both,
                None => (kind, found) = (NULL_REGION, Rect::default()),
            }
        }
        (kind, work.world_box(found))
    });
    let Some((kind, found)) = found else { return Ok(ERROR.into()) };
    rect.write(cx.k, found)?;
    Ok(u64::from(kind))
}

/// Bits of a code of NtGdiGetRandomRgn: mirrored as the DC is; in the monitor's own resolution.
const MIRROR: u32 = 0x8000_0000;
const MONITOR: u32 = 0x4000_0000;

/// NtGdiGetRandomRgn: 1, or 0 if there is no such region, or -1.
///
/// # Errors
/// None.
pub fn get_random(cx: &Cx<'_>, dc: u32, region: u32, code: u32) -> User {
    let into = cx.k.gdi.handles.region(region);
    let found = super::with(cx, dc, |work| {
        let state = &*work.state;
        let mut found = match code & !(MIRROR | MONITOR) {
            1 => state.clip.clone(),
            2 => state.meta.clone(),
            3 => match (&state.clip, &state.meta) {
                (Some(clip), Some(meta)) => Some(clip.combine(meta, Mode::And)),
                (one, other) => one.as_ref().or(other.as_ref()).cloned(),
            },
            4 => match &state.visible {
                Some(visible) => Some(visible.offset(work.attr.visible.left, work.attr.visible.top)),
                None => (!state.device.is_empty()).then(|| Region::from(state.device)),
            },
            _ => return Err(()),
        };
        if code & MIRROR != 0 && work.is_mirrored() {
            found = found.map(|region| region.mirrored(work.attr.visible.width()));
        }
        Ok(found)
    });
    Ok(u64::from(match (found, into) {
        (Some(Ok(None)), _) => 0,
        (Some(Ok(Some(found))), Some(into)) => {
            *into.lock() = found;
            1
        }
        _ => u32::MAX,
    }))
}

/// NtGdiSetMetaRgn: the clipping region becomes part of it.
///
/// # Errors
/// None; the answer is ERROR.
pub fn set_meta(cx: &Cx<'_>, dc: u32) -> User {
    answer(cx, dc, |work| {
        let state = &mut *work.state;
        if let Some(clip) = state.clip.take() {
            state.meta = Some(match state.meta.take() {
                Some(meta) => meta.combine(&clip, Mode::And),
                None => clip,
            });
        }
        state.meta.as_ref().map_or(ERROR, Region::kind)
    })
}
