//! Layered windows: mixed with what lies below them.

use super::super::{Failed, User, error};
use super::nonclient::style;
use super::position::{WindowPos, place, set_window_pos};
use super::session::Window;
use super::{paint, surface};
use crate::call::Cx;
use crate::shm::user::paint::{rdw, swp};
use crate::shm::user::surface::{EX_LAYERED, Layered, layered};
use crate::shm::user::window::field;
use crate::um::UserPtr;
use crate::win32k::gdi::format::swapped;
use crate::win32k::gdi::surface::Opened;
use crate::win32k::gdi::{self};
use crate::win32k::geometry::{Point, Rect};
use std::sync::Arc;

/// ULW_COLORKEY, ULW_ALPHA, ULW_OPAQUE, ULW_EX_NORESIZE.
const COLOR_KEY: u32 = 1;
const ALPHA: u32 = 2;
const OPAQUE: u32 = 4;
const NO_RESIZE: u32 = 8;
/// ERROR_INCORRECT_SIZE.
const INCORRECT_SIZE: u32 = 1462;
/// AC_SRC_ALPHA.
const SOURCE_ALPHA: u8 = 1;

fn require(cx: &Cx<'_>, window: u64) -> User<(Window, Layered)> {
    let found = cx.window(window)?;
    let tx = cx.windows()?;
    if tx.get(found.record + field::EX_STYLE) & EX_LAYERED == 0 {
        return Err(Failed::with(error::INVALID_WINDOW_HANDLE));
    }
    Ok((found, tx.layered(found.record)))
}

/// NtUserGetLayeredWindowAttributes.
///
/// # Errors
/// The answer is FALSE: nobody set any.
pub fn get_attributes(cx: &Cx<'_>, window: u64, key: u64, alpha: u64, flags: u64) -> User {
    let (_, how) = require(cx, window)?;
    if how.flags & (layered::SET | layered::UPDATED) != layered::SET {
        return Err(Failed::with(error::INVALID_WINDOW_HANDLE));
    }
    if key != 0 {
        UserPtr::new(key).write(cx.k, swapped(how.key))?;
    }
    if alpha != 0 {
        UserPtr::new(alpha).write(cx.k, how.alpha as u8)?;
    }
    if flags != 0 {
        UserPtr::new(flags).write(cx.k, how.flags & (layered::COLOR_KEY | layered::ALPHA))?;
    }
    Ok(1)
}

/// NtUserSetLayeredWindowAttributes: one colour that is not there, and one opacity for all of the window.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn set_attributes(cx: &Cx<'_>, window: u64, key: u32, alpha: u32, flags: u32) -> User {
    let (found, before) = require(cx, window)?;
    let known = before.flags & (layered::SET | layered::UPDATED) == layered::SET;
    let alpha = match flags & layered::ALPHA {
        0 if known => before.alpha,
        0 => 0,
        _ => alpha & 0xff,
    };
    let flags = layered::SET | flags & (layered::COLOR_KEY | layered::ALPHA);
    let mut tx = cx.windows()?;
    tx.set_layered(found.record, &Layered { flags, alpha, key: swapped(key & 0xff_ffff) });
    tx.commit()?;
    if !known {
        paint::redraw(cx, window, None, rdw::INVALIDATE | rdw::ERASE | rdw::FRAME | rdw::ALL_CHILDREN)?;
    }
    Ok(1)
}

/// WM_STYLECHANGED: the frame of a layered window follows its style at once, as whoever gives it its pixels says its size alone.
pub(super) fn style_changed(cx: &Cx<'_>, window: &Window, which: u64, styles: u64) -> User {
    /// GWL_STYLE.
    const STYLE: i32 = -16;
    const AROUND: u32 = style::CAPTION | style::THICK_FRAME | style::VERTICAL_SCROLL | style::HORIZONTAL_SCROLL;
    if which as i32 != STYLE || cx.windows()?.get(window.record + field::EX_STYLE) & EX_LAYERED == 0 {
        return Ok(0);
    }
    let [before, now] = UserPtr::<[u32; 2]>::new(styles).read(cx.k)?;
    if (before ^ now) & AROUND != 0 {
        let stay = swp::NO_SIZE | swp::NO_MOVE | swp::NO_CLIENT_SIZE | swp::NO_CLIENT_MOVE | swp::NO_Z_ORDER;
        let flags = stay | swp::NO_ACTIVATE | swp::FRAME_CHANGED;
        set_window_pos(cx, window.handle.into(), 0, 0, 0, 0, 0, flags)?;
    }
    Ok(0)
}

/// What a window's pixels are to be.
struct Source {
    surface: Arc<crate::win32k::gdi::surface::Surface>,
    /// Where its part begins on the surface.
    at: Point,
    /// Whether its pixels say how opaque they are.
    alpha: bool,
}

/// NtUserUpdateLayeredWindow: gives a window place, size and pixels at once.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn update(
    cx: &Cx<'_>,
    window: u64,
    _target: u64,
    place_at: UserPtr<Point>,
    size_at: UserPtr<Point>,
    source: u64,
    source_at: UserPtr<Point>,
    key: u32,
    blend: UserPtr<[u8; 4]>,
    flags: u32,
    dirty: UserPtr<Rect>,
) -> User {
    const INVALID: Failed = Failed::with(error::INVALID_PARAMETER);
    let (found, before) = require(cx, window).map_err(|_| INVALID)?;
    let by_attributes = before.flags & (layered::SET | layered::UPDATED) == layered::SET;
    if flags & !(COLOR_KEY | ALPHA | OPAQUE | NO_RESIZE) != 0 || by_attributes || !found.is_ours(cx) {
        return Err(INVALID);
    }
    let rect = cx.windows()?.window_rect(found.record, field::WINDOW_RECT);
    let mut position = WindowPos { window: found.handle.into(), ..WindowPos::default() };
    position.flags = swp::NO_Z_ORDER | swp::NO_ACTIVATE | swp::NO_REDRAW | swp::NO_SIZE | swp::NO_MOVE;
    let mut new = rect;
    if place_at.address() != 0 {
        let at = place_at.read(cx.k)?;
        new = Rect::sized(at.x, at.y, new.width(), new.height());
    }
    if size_at.address() != 0 {
        let size = size_at.read(cx.k)?;
        if size.x <= 0 || size.y <= 0 {
            return Err(INVALID);
        }
        if flags & NO_RESIZE != 0 && (size.x, size.y) != (rect.width(), rect.height()) {
            return Err(Failed::with(INCORRECT_SIZE));
        }
        new = Rect::sized(new.left, new.top, size.x, size.y);
    }
    let blend = if flags & ALPHA != 0 { blend.read(cx.k)? } else { [0, 0, 255, 0] };
    let from = if source_at.address() != 0 { source_at.read(cx.k)? } else { Point::default() };
    let dirty = if dirty.address() != 0 { Some(dirty.read(cx.k)?) } else { None };
    let mut how = Layered { flags: layered::SET | layered::UPDATED, alpha: blend[2].into(), key: 0 };
    if blend[3] & SOURCE_ALPHA != 0 {
        how.flags |= layered::PER_PIXEL;
    }
    if blend[2] != 255 {
        how.flags |= layered::ALPHA;
    }
    if flags & COLOR_KEY != 0 {
        (how.flags, how.key) = (how.flags | layered::COLOR_KEY, swapped(key & 0xff_ffff));
    }
    let mut tx = cx.windows()?;
    tx.set_layered(found.record, &how);
    tx.commit()?;
    if !place(cx, &found, &position, &new)? {
        return Ok(0);
    }
    if source == 0 {
        return Ok(1);
    }
    let source = gdi::with(cx, source as u32, |work| {
        let at = work.device_point(from);
        let origin = work.state.origin;
        let surface = work.state.surface.clone()?;
        let at = Point::new(at.x.wrapping_add(origin.x), at.y.wrapping_add(origin.y));
        Some(Source { surface, at, alpha: blend[3] & SOURCE_ALPHA != 0 })
    });
    let Some(Some(source)) = source else { return Err(INVALID) };
    put(cx, &found, &source, dirty)
}

/// Copies the pixels.
fn put(cx: &Cx<'_>, window: &Window, source: &Source, dirty: Option<Rect>) -> User {
    let tx = cx.windows()?;
    let Some(record) = tx.window(window.handle) else { return Ok(0) };
    let shared = tx.surface(record);
    drop(tx);
    let Some(target) = surface::of(cx, window.handle, &shared) else { return Ok(1) };
    if Arc::ptr_eq(&target, &source.surface) {
        return Ok(1);
    }
    let area = target.area();
    let Some(area) = dirty.map_or(Some(area), |dirty| dirty.intersect(&area)) else { return Ok(1) };
    {
        let (mut from, mut to) = Opened::two(cx.k, &source.surface, &target);
        let format = from.format.clone();
        let mut row = vec![0; area.width().max(0) as usize];
        for y in area.top..area.bottom {
            from.load(area.left.wrapping_add(source.at.x), y.wrapping_add(source.at.y), &mut row)?;
            if format.depth != 32 {
                row.iter_mut().for_each(|pixel| *pixel = format.color(*pixel));
            }
            if !source.alpha {
                row.iter_mut().for_each(|pixel| *pixel |= 0xff00_0000);
            }
            to.store(area.left, y, &row)?;
        }
        to.damage(&area);
    }
    surface::flush(cx);
    Ok(1)
}
