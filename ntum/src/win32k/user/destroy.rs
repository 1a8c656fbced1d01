//! NtUserDestroyWindow, and what goes with a window.

use super::super::{Failed, User, error};
use super::create::notify_parent;
use super::procedure::Letter;
use super::session::Window;
use super::tree::of_record;
use super::{clipboard, hook, internal};
use crate::call::Cx;
use crate::shm::user::message::how;
use crate::shm::user::window::{CHILD, POPUP, field};

/// WM_DESTROY and WM_NCDESTROY.
const DESTROY: u32 = 0x2;
const NC_DESTROY: u32 = 0x82;

fn letter(message: u32) -> Letter {
    Letter { message, wparam: 0, lparam: 0, ansi: false }
}

fn children(cx: &Cx<'_>, window: &Window) -> User<Vec<Window>> {
    let tx = cx.windows()?;
    Ok(tx.children(window.record).into_iter().filter_map(|record| of_record(&tx, record)).collect())
}

/// Tells a window and all below it that they go.
fn tell(cx: &Cx<'_>, window: &Window) -> User<()> {
    cx.send(window, &letter(DESTROY))?;
    // It may have gone itself meanwhile.
    let Ok(window) = cx.window(window.handle.into()) else { return Ok(()) };
    for child in children(cx, &window)? {
        if cx.window(child.handle.into()).is_ok() && child.is_mine(cx) {
            tell(cx, &child)?;
        }
    }
    Ok(())
}

/// Takes a window of the calling thread away, after all that lies below it.
pub(super) fn destroy(cx: &Cx<'_>, window: &Window) -> User {
    for child in children(cx, window)? {
        if child.is_mine(cx) && child.is_ours(cx) {
            destroy(cx, &child)?;
        } else if child.queue != 0 {
            cx.notify(&child, &letter(internal::DESTROY), how::NOTIFY | how::INTERNAL, (0, 0))?;
        }
    }
    let Ok(window) = cx.window(window.handle.into()) else { return Ok(0) };
    hook::event(cx, hook::event::DESTROY, window.handle.into(), hook::event::WINDOW, 0);
    cx.send(&window, &letter(NC_DESTROY))?;
    let Ok(window) = cx.window(window.handle.into()) else { return Ok(0) };
    let mut tx = cx.windows()?;
    let class = tx.get(window.record + field::CLASS);
    let surface = tx.surface(window.record).number;
    let style = tx.get(window.record + field::STYLE);
    let menu = if style & (CHILD | POPUP) == CHILD { 0 } else { tx.window_wide(window.record, field::ID) };
    let menus = [menu, tx.get(window.record + field::SYSTEM_MENU).into()];
    tx.drop_window(window.record);
    tx.commit()?;
    cx.k.user.classes.window_gone(class);
    for menu in menus.into_iter().filter(|menu| *menu != 0) {
        // One that another window showed too is gone already.
        let _ = super::menu::destroy(cx, menu);
    }
    super::dce::window_gone(cx, window.handle);
    if surface != 0 {
        cx.k.user.surfaces.forget(surface);
        super::surface::dispose(cx);
    }
    Ok(0)
}

/// NtUserDestroyWindow: of the calling thread only.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn destroy_window(cx: &Cx<'_>, window: u64) -> User {
    let found = cx.window(window)?;
    if !found.is_mine(cx) || !found.is_ours(cx) {
        return Err(Failed::with(error::ACCESS_DENIED));
    }
    if hook::call(cx, hook::CBT, hook::cbt::DESTROY_WINDOW, found.handle.into(), 0)? != 0 {
        return Ok(0);
    }
    clipboard::window_goes(cx, &found)?;
    notify_parent(cx, &found, DESTROY)?;
    let Ok(found) = cx.window(window) else { return Ok(1) };
    // What it owns goes first.
    let owned: Vec<Window> = {
        let tx = cx.windows()?;
        let siblings = tx.children(tx.root_window(false));
        let owned = siblings.into_iter().filter(|other| tx.get(other + field::OWNER) == found.record);
        owned.filter_map(|record| of_record(&tx, record)).collect()
    };
    for other in owned {
        if other.is_mine(cx) && other.is_ours(cx) {
            destroy_window(cx, other.handle.into())?;
        }
    }
    super::show::hide(cx, &found)?;
    let Ok(found) = cx.window(window) else { return Ok(1) };
    tell(cx, &found)?;
    let Ok(found) = cx.window(window) else { return Ok(1) };
    destroy(cx, &found)?;
    Ok(1)
}
