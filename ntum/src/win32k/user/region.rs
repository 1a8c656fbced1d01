//! Shapes of windows: SetWindowRgn and its kin.

use super::super::{Failed, User, error};
use super::position::set_window_pos;
use crate::call::Cx;
use crate::shm::user::paint::swp;
use crate::shm::user::window::field;
use crate::win32k::gdi::region::Region;
use crate::win32k::gdi::regions;

/// Rectangles of a shape: one that has more is as good as its bounds.
const MOST: usize = 0x1_0000;

/// NtUserSetWindowRgn: gives a window a shape, which is the window's from then on, or with 0 none.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn set_window_region(cx: &Cx<'_>, window: u64, region: u64, redraw: u32) -> User {
    let shape = match region {
        0 => None,
        handle => Some(regions::get(cx.k, handle as u32).ok_or(Failed::with(error::INVALID_HANDLE))?),
    };
    let found = cx.window(window)?;
    let mut tx = cx.windows()?;
    let mirrored = tx.is_mirrored(found.record);
    let width = tx.window_rect(found.record, field::WINDOW_RECT).width();
    let shape = shape.map(|shape| if mirrored { shape.mirrored(width) } else { shape });
    let bounds = shape.as_ref().map(|shape| [shape.bounds()]);
    let rects = shape.as_ref().map(|shape| match &bounds {
        Some(bounds) if shape.rects().len() > MOST => bounds.as_slice(),
        _ => shape.rects(),
    });
    tx.reshape(found.record, rects, redraw != 0)?;
    tx.commit()?;
    let mut flags = swp::NO_SIZE
        | swp::NO_MOVE
        | swp::NO_Z_ORDER
        | swp::NO_ACTIVATE
        | swp::FRAME_CHANGED
        | swp::NO_CLIENT_SIZE
        | swp::NO_CLIENT_MOVE;
    if redraw == 0 {
        flags |= swp::NO_REDRAW;
    }
    set_window_pos(cx, window, 0, 0, 0, 0, 0, flags)?;
    if region != 0 {
        cx.k.gdi.handles.delete(cx.k, region as u32);
    }
    Ok(1)
}

/// NtUserGetWindowRgnEx: copies a window's shape; what it is like, ERROR (0) where it has none.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn get_window_region(cx: &Cx<'_>, window: u64, region: u64, _unknown: u32) -> User {
    let found = cx.window(window)?;
    let tx = cx.windows()?;
    let Some(rects) = tx.window_region(found.record) else { return Ok(0) };
    let mirrored = tx.is_mirrored(found.record);
    let width = tx.window_rect(found.record, field::WINDOW_RECT).width();
    drop(tx);
    let shape = Region::of(&rects);
    let shape = if mirrored { shape.mirrored(width) } else { shape };
    let kind = shape.kind();
    let into = cx.k.gdi.handles.region(region as u32).ok_or(Failed::with(error::INVALID_HANDLE))?;
    *into.lock() = shape;
    Ok(kind.into())
}

/// MirrorRgn: a region as it lies in a window when columns are counted from the right.
pub(super) fn mirror(cx: &Cx<'_>, window: u64, region: u64) -> User {
    let found = cx.window(window)?;
    let width = cx.windows()?.window_rect(found.record, field::WINDOW_RECT).width();
    let into = cx.k.gdi.handles.region(region as u32).ok_or(Failed::with(error::INVALID_HANDLE))?;
    let mut into = into.lock();
    *into = into.mirrored(width);
    Ok(1)
}
