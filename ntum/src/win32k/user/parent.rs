//! NtUserSetParent.

use super::super::{Failed, User, error};
use super::internal;
use super::position::{WindowPos, set_in_parent};
use super::procedure::Letter;
use super::session::{HWND_MESSAGE, Window};
use super::show::{self, command};
use crate::call::Cx;
use crate::shm::user::paint::swp;
use crate::shm::user::surface::Surface;
use crate::shm::user::window::field;

/// NtUserSetParent: what the parent was.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn set_parent(cx: &Cx<'_>, window: u64, parent: u64) -> User {
    if super::send::is_broadcast(window) {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let parent = match parent as u32 {
        0 => cx.top_window(false)?.1,
        HWND_MESSAGE => cx.top_window(true)?.1,
        _ => cx.window(parent)?.handle,
    };
    let found = cx.window(window)?;
    if found.queue == 0 {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    {
        let tx = cx.windows()?;
        let above = tx.window(parent).ok_or(Failed::with(error::INVALID_WINDOW_HANDLE))?;
        let orphaned = tx.is_orphan(above) || tx.is_orphan(found.record);
        if orphaned || above == found.record || tx.is_below(above, found.record) {
            return Err(Failed::with(error::INVALID_PARAMETER));
        }
    }
    if found.is_mine(cx) && found.is_ours(cx) {
        return set(cx, &found, parent.into());
    }
    cx.send_internal(&found, &Letter { message: internal::SET_PARENT, wparam: parent.into(), ..Letter::default() })
}

/// Gives a window of the calling thread another parent; it is hidden meanwhile. Answers what the parent was.
pub(super) fn set(cx: &Cx<'_>, window: &Window, parent: u64) -> User {
    let was_shown = show::show(cx, window, command::HIDE)?;
    let found = cx.window(window.handle.into())?;
    let mut tx = cx.windows()?;
    let new = tx.window(parent as u32).ok_or(Failed::with(error::INVALID_WINDOW_HANDLE))?;
    let before = tx.link(found.record + field::PARENT);
    let before = tx.handle_of(before);
    let rect = tx.told_rect(found.record, field::WINDOW_RECT);
    let old = tx.origin(found.record);
    if !tx.reparent(found.record, new) {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    super::dpi::inherit(&mut tx, found.record);
    let origin = tx.origin(found.record);
    // Pixels of its own are for windows of the desktop.
    let surface = tx.surface(found.record).number;
    if surface != 0 {
        tx.set_surface(found.record, &Surface::default());
    }
    tx.windows_changed();
    tx.commit()?;
    if surface != 0 {
        cx.k.user.surfaces.forget(surface);
        super::surface::dispose(cx);
    }
    let position = WindowPos {
        window: found.handle.into(),
        x: rect.left,
        y: rect.top,
        flags: swp::NO_SIZE,
        ..WindowPos::default()
    };
    let shift = (origin.0.wrapping_sub(old.0), origin.1.wrapping_sub(old.1));
    set_in_parent(cx, &found, position, shift)?;
    if was_shown && let Ok(found) = cx.window(window.handle.into()) {
        show::show(cx, &found, command::SHOW)?;
    }
    Ok(before.into())
}
