//! Painting: what of a window is invalid, and the messages that have it painted: WM_NCPAINT, WM_ERASEBKGND, WM_PAINT.

use super::super::{Failed, User, error};
use super::procedure::Letter;
use super::session::Window;
use super::tree::of_record;
use super::{caret, dce};
use crate::call::Cx;
use crate::shm::user::paint::{Due, rdw, update};
use crate::shm::user::visible::dcx;
use crate::shm::user::window::{MINIMIZE, field};
use crate::um::UserPtr;
use crate::win32k::gdi::region::{Mode, NULL_REGION, Region, SIMPLE_REGION};
use crate::win32k::gdi::{self, regions};
use crate::win32k::geometry::{Point, Rect};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// WM_PAINT, WM_ERASEBKGND, WM_NCPAINT, WM_PRINT.
pub(super) const PAINT: u32 = 0x0f;
const ERASE_BACKGROUND: u32 = 0x14;
const FRAME_PAINT: u32 = 0x85;
const PRINT: u32 = 0x317;
/// What a region answers for a mistake.
const ERROR: u64 = 0;

/// PAINTSTRUCT of 64-bit programs.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct PaintStruct {
    dc: u64,
    erase: u32,
    rect: Rect,
    restore: u32,
    include: u32,
    reserved: [u8; 32],
    pad: u32,
}

/// Has a window and what lies below it say what of them is to be painted; see [`crate::shm::Tx::take_due`].
fn take_due(cx: &Cx<'_>, window: &Window, from: u32, wanted: u32) -> User<(Due, Option<Window>)> {
    let mut tx = cx.windows()?;
    let Some(record) = tx.window(window.handle) else { return Err(Failed::with(error::INVALID_WINDOW_HANDLE)) };
    let from = if from == 0 {
        0
    } else {
        tx.window(from).filter(|from| *from == record || tx.is_below(*from, record)).unwrap_or(0)
    };
    let due = tx.take_due(record, from, wanted);
    let found = of_record(&tx, due.window);
    tx.commit()?;
    Ok((due, found))
}

/// Asks what is to be painted, has the frame painted, and answers what is left, on the screen; `None` where nothing was invalid.
fn paint_frame(cx: &Cx<'_>, window: &Window, from: u32, wanted: u32) -> User<(u32, Option<Window>, Region)> {
    let (due, found) = take_due(cx, window, from, wanted)?;
    let Some(found) = found else { return Ok((0, None, Region::default())) };
    let (whole, client, root) = {
        let tx = cx.windows()?;
        let root = tx.is_root(found.record);
        (tx.screen_rect(found.record, field::WINDOW_RECT), tx.screen_rect(found.record, field::CLIENT_RECT), root)
    };
    if root {
        return Ok((due.flags, Some(found), due.region));
    }
    let region = due.region;
    if due.flags & update::FRAME == 0 && client.covers(&region.bounds()) {
        return Ok((due.flags, Some(found), region));
    }
    let inner = region.combine(&Region::from(client), Mode::And);
    if due.flags & update::FRAME != 0 {
        // All of the window is 1, not a region.
        let all = region.kind() == SIMPLE_REGION && region.bounds() == whole;
        let handle = if all { 1 } else { regions::add(cx.k, Some(region))? };
        let letter = Letter { message: FRAME_PAINT, wparam: handle, lparam: 0, ansi: false };
        let sent = cx.send(&found, &letter);
        if handle > 1 {
            cx.k.gdi.handles.delete(cx.k, handle as u32);
        }
        sent?;
    }
    Ok((due.flags, Some(found), inner))
}

/// Has the background erased if that is due. With `keep` the DC is answered, and the box that may be painted; in any case whether the
/// background is left to who paints.
fn erase(cx: &Cx<'_>, window: &Window, flags: u32, region: Region, keep: bool) -> User<(bool, u32, Rect)> {
    let mut left = flags & update::DELAYED_ERASE != 0;
    let mut clip_box = Rect::default();
    if !keep && flags & update::ERASE == 0 {
        return Ok((left, 0, clip_box));
    }
    let iconic = cx.windows()?.get(window.record + field::STYLE) & MINIMIZE != 0;
    let how = dcx::INTERSECT | dcx::USE_STYLE | if iconic { dcx::WINDOW } else { 0 };
    let Ok(dc) = dce::get(cx, window.handle.into(), Some((0, region)), how) else { return Ok((left, 0, clip_box)) };
    let kind = gdi::with(cx, dc, |work| {
        let visible = work.state.total.as_ref().map_or(Rect::default(), |total| total.bounds());
        let seen = work.device_rect().map_or(Some(visible), |device| visible.intersect(&device)).unwrap_or_default();
        clip_box = work.world_box(seen);
        if seen.is_empty() { NULL_REGION } else { SIMPLE_REGION }
    });
    if flags & update::ERASE != 0 && kind.is_some_and(|kind| kind != NULL_REGION) {
        let letter = Letter { message: ERASE_BACKGROUND, wparam: dc.into(), lparam: 0, ansi: false };
        left = cx.send(window, &letter)? == 0;
    }
    if keep {
        return Ok((left, dc, clip_box));
    }
    dce::release(cx, dc, true);
    Ok((left, 0, clip_box))
}

/// Has frames and backgrounds painted now, of a window and those below it as RDW_* say.
pub(super) fn erase_now(cx: &Cx<'_>, window: &Window, flags: u32) -> User<()> {
    let (mut from, mut left) = (0, false);
    loop {
        let mut wanted = update::FRAME | update::ERASE;
        if flags & rdw::NO_CHILDREN != 0 {
            wanted |= update::NO_CHILDREN;
        } else if flags & rdw::ALL_CHILDREN != 0 {
            wanted |= update::ALL_CHILDREN;
        }
        if left {
            wanted |= update::DELAYED_ERASE;
        }
        let Ok((found, Some(child), region)) = paint_frame(cx, window, from, wanted) else { return Ok(()) };
        from = child.handle;
        if found == 0 {
            return Ok(());
        }
        (left, _, _) = erase(cx, &child, found, region, false)?;
        if flags & rdw::NO_CHILDREN != 0 && !left {
            return Ok(());
        }
    }
}

/// Has WM_PAINT sent now, to a window and those below it as RDW_* say.
fn update_now(cx: &Cx<'_>, window: &Window, flags: u32) -> User<()> {
    if cx.windows()?.is_root(window.record) {
        erase_now(cx, window, flags | rdw::NO_CHILDREN)?;
    }
    let mut from = 0;
    loop {
        let mut wanted = update::PAINT | update::INTERNAL | update::NO_REGION;
        if flags & rdw::NO_CHILDREN != 0 {
            wanted |= update::NO_CHILDREN;
        } else if flags & rdw::ALL_CHILDREN != 0 {
            wanted |= update::ALL_CHILDREN;
        }
        let Ok((due, Some(child))) = take_due(cx, window, from, wanted) else { return Ok(()) };
        if due.flags == 0 {
            return Ok(());
        }
        from = child.handle;
        cx.send(&child, &Letter { message: PAINT, wparam: 0, lparam: 0, ansi: false })?;
        if flags & rdw::NO_CHILDREN != 0 {
            return Ok(());
        }
    }
}

/// RedrawWindow, with a region of the client area; `None`: all of it.
pub(super) fn redraw(cx: &Cx<'_>, window: u64, region: Option<&Region>, flags: u32) -> User {
    let found = match window {
        0 => cx.window(cx.top_window(false)?.1.into())?,
        window => cx.window(window)?,
    };
    // Who names the desktop means that alone.
    let desktop = window != 0 && cx.windows()?.is_desktop(found.record);
    let flags = if desktop { flags & !rdw::ALL_CHILDREN } else { flags };
    if flags & (rdw::INVALIDATE | rdw::ERASE) == rdw::INVALIDATE | rdw::ERASE && cx.windows()?.is_desktop(found.record)
    {
        super::screen::paint_desktop(cx)?;
    }
    const CHANGES: u32 = rdw::INVALIDATE | rdw::VALIDATE | rdw::INTERNAL_PAINT | rdw::NO_INTERNAL_PAINT;
    if flags & CHANGES != 0 {
        let mut tx = cx.windows()?;
        let Some(record) = tx.window(found.handle) else { return Err(Failed::with(error::INVALID_WINDOW_HANDLE)) };
        let width = tx.window_rect(record, field::CLIENT_RECT).width();
        let turned = region.filter(|_| tx.is_mirrored(record)).map(|region| region.mirrored(width));
        // Who moves or scrolls a locked window paints it when that ends.
        tx.redraw(record, turned.as_ref().or(region), flags & rdw::FRAME != 0, flags);
        tx.commit()?;
    }
    if flags & rdw::UPDATE_NOW != 0 {
        update_now(cx, &found, flags)?;
    } else if flags & rdw::ERASE_NOW != 0 {
        erase_now(cx, &found, flags)?;
    }
    Ok(1)
}

fn region_of(cx: &Cx<'_>, rect: u64) -> User<Option<Region>> {
    if rect == 0 {
        return Ok(None);
    }
    let rect = UserPtr::<Rect>::new(rect).read(cx.k)?;
    Ok(Some(Region::from(rect.ordered())))
}

/// NtUserRedrawWindow.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn redraw_window(cx: &Cx<'_>, window: u64, rect: u64, region: u64, flags: u32) -> User {
    let region = match region {
        0 => region_of(cx, rect)?,
        handle => Some(regions::get(cx.k, handle as u32).ok_or(Failed::with(error::INVALID_HANDLE))?),
    };
    redraw(cx, window, region.as_ref(), flags)
}

/// All of every window: what a call without a window asks for.
const EVERYTHING: u32 = rdw::ALL_CHILDREN | rdw::INVALIDATE | rdw::FRAME | rdw::ERASE | rdw::ERASE_NOW;

/// NtUserInvalidateRect.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn invalidate_rect(cx: &Cx<'_>, window: u64, rect: u64, erase: u32) -> User {
    if window == 0 {
        return redraw(cx, 0, None, EVERYTHING);
    }
    let region = region_of(cx, rect)?;
    redraw(cx, window, region.as_ref(), rdw::INVALIDATE | if erase != 0 { rdw::ERASE } else { 0 })
}

/// NtUserInvalidateRgn.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn invalidate_region(cx: &Cx<'_>, window: u64, region: u64, erase: u32) -> User {
    if window == 0 {
        return Err(Failed::with(error::INVALID_WINDOW_HANDLE));
    }
    redraw_window(cx, window, 0, region, rdw::INVALIDATE | if erase != 0 { rdw::ERASE } else { 0 })
}

/// NtUserValidateRect.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn validate_rect(cx: &Cx<'_>, window: u64, rect: u64) -> User {
    if window == 0 {
        return redraw(cx, 0, None, EVERYTHING);
    }
    let region = region_of(cx, rect)?;
    redraw(cx, window, region.as_ref(), rdw::VALIDATE)
}

/// Begins to paint what is invalid of a window; the DC, the box that may be painted, and whether the background is left to the caller.
pub(super) fn begin(cx: &Cx<'_>, window: &Window) -> User<(u32, (Rect, bool))> {
    let wanted = update::FRAME | update::ERASE | update::PAINT | update::INTERNAL | update::NO_CHILDREN;
    let (flags, child, region) = paint_frame(cx, window, 0, wanted)?;
    let window = child.unwrap_or(*window);
    let (left, dc, rect) = erase(cx, &window, flags, region, true)?;
    Ok((dc, (rect, left)))
}

/// NtUserBeginPaint: the DC.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn begin_paint(cx: &Cx<'_>, window: u64, paint: UserPtr<u8>) -> User {
    let found = cx.window(window)?;
    // What is painted over would not be inverted any more.
    let _ = caret::hide(cx, found.handle.into());
    let begun = begin(cx, &found);
    if begun.is_err() || paint.address() == 0 {
        let _ = caret::show(cx, found.handle.into());
    }
    let (dc, (rect, left)) = begun?;
    if paint.address() == 0 {
        dce::release(cx, dc, true);
        return Ok(0);
    }
    let at = UserPtr::<PaintStruct>::new(paint.address());
    let before = at.read(cx.k)?;
    at.write(cx.k, PaintStruct { dc: dc.into(), erase: left.into(), rect, ..before })?;
    Ok(dc.into())
}

/// NtUserEndPaint.
///
/// # Errors
/// The answer is FALSE.
pub fn end_paint(cx: &Cx<'_>, window: u64, paint: UserPtr<u8>) -> User {
    if paint.address() == 0 {
        return Ok(0);
    }
    let dc = UserPtr::<u64>::new(paint.address()).read(cx.k)?;
    dce::release(cx, dc as u32, true);
    // There may be none.
    let _ = caret::show(cx, window);
    Ok(1)
}

/// What is invalid of a window, on the screen, the frame and background painted before if asked for.
fn invalid(cx: &Cx<'_>, window: u64, painted: bool) -> User<(Window, u32, Region)> {
    let found = cx.window(window)?;
    let wanted = update::NO_CHILDREN | if painted { update::FRAME | update::ERASE } else { 0 };
    let (flags, _, region) = paint_frame(cx, &found, 0, wanted)?;
    Ok((found, flags, region))
}

/// From the screen to a window's client area.
fn to_client(cx: &Cx<'_>, window: &Window, region: &Region) -> User<Region> {
    let tx = cx.windows()?;
    let client = tx.screen_rect(window.record, field::CLIENT_RECT);
    let (x, y) = if tx.is_root(window.record) { (0, 0) } else { (client.left, client.top) };
    let region = region.offset(x.wrapping_neg(), y.wrapping_neg());
    Ok(if tx.is_mirrored(window.record) { region.mirrored(client.width()) } else { region })
}

/// What is invalid of a window, in its client area; nothing is painted.
pub(super) fn invalid_of(cx: &Cx<'_>, window: &Window) -> User<Region> {
    let (found, _, region) = invalid(cx, window.handle.into(), false)?;
    to_client(cx, &found, &region)
}

/// NtUserGetUpdateRgn: what the region is like.
///
/// # Errors
/// The answer is ERROR, and the last error says why.
pub fn get_update_region(cx: &Cx<'_>, window: u64, region: u64, painted: u32) -> User {
    let (found, flags, invalid) = invalid(cx, window, painted != 0)?;
    let Some(into) = cx.k.gdi.handles.region(region as u32) else { return Ok(ERROR) };
    let own = to_client(cx, &found, &invalid)?;
    let kind = own.kind();
    *into.lock() = own;
    let (left, _, _) = erase(cx, &found, flags, invalid, false)?;
    if left {
        take_due(cx, &found, 0, update::DELAYED_ERASE | update::NO_REGION)?;
    }
    Ok(kind.into())
}

/// WM_PAINT was dispatched: a frame and a background that its procedure left invalid are painted all the same.
pub(super) fn finish(cx: &Cx<'_>, window: u64) -> User<()> {
    if cx.window(window).is_err() {
        return Ok(());
    }
    let (found, flags, invalid) = self::invalid(cx, window, true)?;
    let (left, _, _) = erase(cx, &found, flags, invalid, false)?;
    if left && cx.window(window).is_ok() {
        take_due(cx, &found, 0, update::DELAYED_ERASE | update::NO_REGION)?;
    }
    Ok(())
}

/// NtUserGetUpdateRect: whether anything is invalid.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn get_update_rect(cx: &Cx<'_>, window: u64, rect: u64, painted: u32) -> User {
    let (found, flags, invalid) = invalid(cx, window, painted != 0)?;
    if rect != 0 {
        let mut bounds = if invalid.is_empty() { Rect::default() } else { to_client(cx, &found, &invalid)?.bounds() };
        if !bounds.is_empty() {
            let dc = dce::get(cx, window, None, dcx::USE_STYLE)?;
            gdi::with(cx, dc, |work| {
                // It is counted from the window's side already.
                let layout = core::mem::take(&mut work.attr.layout);
                work.update_transforms();
                let first = work.world_point(Point::new(bounds.left, bounds.top));
                let second = work.world_point(Point::new(bounds.right, bounds.bottom));
                bounds = Rect::new(first.x, first.y, second.x, second.y);
                work.attr.layout = layout;
                work.update_transforms();
            });
            dce::release(cx, dc, false);
        }
        let told = if bounds.is_empty() { Rect::default() } else { bounds };
        UserPtr::new(rect).write(cx.k, told)?;
    }
    let (left, _, _) = erase(cx, &found, flags, invalid, false)?;
    let delayed = if left { update::DELAYED_ERASE } else { 0 };
    let Ok(found) = cx.window(window) else { return Ok(0) };
    let (due, _) = take_due(cx, &found, 0, update::PAINT | update::NO_CHILDREN | update::NO_REGION | delayed)?;
    Ok((due.flags & update::PAINT != 0).into())
}

/// NtUserExcludeUpdateRgn: what the clipping region of the DC is like without what is invalid.
///
/// # Errors
/// The answer is ERROR, and the last error says why.
pub fn exclude_update_region(cx: &Cx<'_>, dc: u64, window: u64) -> User {
    let (_, _, invalid) = invalid(cx, window, false)?;
    let origin = gdi::with(cx, dc as u32, |work| (work.attr.visible, work.is_mirrored()));
    let Some((origin, mirrored)) = origin else { return Ok(ERROR) };
    let region = invalid.offset(origin.left.wrapping_neg(), origin.top.wrapping_neg());
    let region = if mirrored { region.mirrored(origin.width()) } else { region };
    let handle = regions::add(cx.k, Some(region))? as u32;
    let kind = gdi::clip::select(cx, dc as u32, handle, regions::mode::DIFF);
    cx.k.gdi.handles.delete(cx.k, handle);
    kind
}

/// NtUserLockWindowUpdate: one window at a time; with 0 none, and what it hid is painted.
///
/// # Errors
/// The answer is FALSE.
pub fn lock_window_update(cx: &Cx<'_>, window: u64) -> User {
    cx.top_window(false)?;
    let record = match window {
        0 => 0,
        window => cx.window(window)?.record,
    };
    let mut tx = cx.windows()?;
    let before = tx.locked_window();
    if record != 0 && before != 0 {
        return Ok(0);
    }
    let before = tx.handle_of(before);
    let drawn = tx.lock_painting(record);
    tx.commit()?;
    if drawn && before != 0 {
        let all = rdw::INVALIDATE | rdw::ERASE | rdw::FRAME | rdw::ALL_CHILDREN;
        redraw(cx, before.into(), None, all)?;
    }
    Ok(1)
}

/// NtUserPrintWindow: has a window paint on another DC.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn print_window(cx: &Cx<'_>, window: u64, dc: u64, flags: u32) -> User {
    /// PRF_CHILDREN, PRF_ERASEBKGND, PRF_OWNED, PRF_CLIENT; PRF_NONCLIENT. PW_CLIENTONLY.
    const INNER: u64 = 0x10 | 0x8 | 0x20 | 0x4;
    const FRAME: u64 = 0x2;
    const CLIENT_ONLY: u32 = 1;
    let found = cx.window(window)?;
    let lparam = INNER | if flags & CLIENT_ONLY == 0 { FRAME } else { 0 };
    cx.send(&found, &Letter { message: PRINT, wparam: dc, lparam, ansi: false })?;
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_painting_is_told_lies_as_programs_read_it() {
        assert_eq!(size_of::<PaintStruct>(), 72);
        assert_eq!((core::mem::offset_of!(PaintStruct, erase), core::mem::offset_of!(PaintStruct, rect)), (8, 12));
    }
}
