//! NtUserShowWindow, as far as windows are there that nobody sees: children, and those for messages only.

use super::super::{Failed, User, error};
use super::procedure::Letter;
use super::session::Window;
use crate::call::Cx;
use crate::shm::user::window::{VISIBLE, field};

/// WM_SHOWWINDOW.
const SHOW_WINDOW: u32 = 0x18;
/// SW_HIDE, SW_MINIMIZE's kin that hide nothing.
const HIDE: u32 = 0;

/// Shows or hides a window; answers whether it was shown before.
pub(super) fn show(cx: &Cx<'_>, window: &Window, visible: bool) -> User<bool> {
    let before = cx.windows()?.get(window.record + field::STYLE) & VISIBLE != 0;
    if before == visible {
        return Ok(before);
    }
    let letter = Letter { message: SHOW_WINDOW, wparam: visible.into(), lparam: 0, ansi: false };
    cx.send(window, &letter)?;
    let window = cx.window(window.handle.into())?;
    let mut tx = cx.windows()?;
    let style = tx.get(window.record + field::STYLE);
    tx.set(window.record + field::STYLE, if visible { style | VISIBLE } else { style & !VISIBLE });
    tx.commit()?;
    Ok(before)
}

/// Hides a window that goes.
pub(super) fn hide(cx: &Cx<'_>, window: &Window) -> User<()> {
    show(cx, window, false).map(drop)
}

/// NtUserShowWindow: whether it was shown before.
///
/// # Errors
/// The answer is FALSE, and the last error says why: nothing on the desktop can be shown yet.
pub fn show_window(cx: &Cx<'_>, window: u64, command: u32) -> User {
    let found = cx.window(window)?;
    let tx = cx.windows()?;
    let on_desktop = tx.get(found.record + field::PARENT) == tx.root_window(false);
    drop(tx);
    if command != HIDE && on_desktop {
        return Err(Failed::with(error::CALL_NOT_IMPLEMENTED));
    }
    Ok(show(cx, &found, command != HIDE)?.into())
}
