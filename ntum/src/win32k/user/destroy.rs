//! NtUserDestroyWindow, and what goes with a window.

use super::super::{Failed, User, error};
use super::create::notify_parent;
use super::procedure::Letter;
use super::session::Window;
use super::tree::of_record;
use super::{caret, clipboard, focus, hook};
use crate::call::Cx;
use crate::shm::user::input;
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
fn tell(cx: &Cx<'_>, window: &Window, outermost: bool) -> User<()> {
    let handle = window.handle;
    let (caret, active) = {
        let mine = cx.queue()?.record;
        let tx = cx.windows()?;
        let input = tx.input_of(mine);
        let held = |place: u32| tx.handle_of(tx.get(input + place));
        (held(input::field::CARET) == handle, held(input::field::ACTIVE) == handle)
    };
    if caret {
        caret::destroy(cx)?;
    }
    if active && let Ok(window) = cx.window(handle.into()) {
        focus::activate_other(cx, &window)?;
    }
    if let Ok(window) = cx.window(handle.into()) {
        clipboard::window_goes(cx, &window)?;
    }
    if outermost {
        hook::event(cx, hook::event::DESTROY, handle.into(), hook::event::WINDOW, 0);
    }
    let Ok(window) = cx.window(handle.into()) else { return Ok(()) };
    cx.send(&window, &letter(DESTROY))?;
    // It may have gone itself meanwhile.
    let Ok(window) = cx.window(window.handle.into()) else { return Ok(()) };
    for child in children(cx, &window)? {
        match cx.window(child.handle.into()) {
            Ok(child) if child.is_mine(cx) && child.is_ours(cx) => tell(cx, &child, false)?,
            Ok(child) if child.queue != 0 => {
                // Another thread's; one that ends meanwhile is told nothing.
                let _ = cx.send(&child, &letter(DESTROY));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Takes a window of the calling thread away, after all that lies below it.
pub(super) fn destroy(cx: &Cx<'_>, window: &Window) -> User {
    super::ime::window_goes(cx, window)?;
    for child in children(cx, window)? {
        if child.is_mine(cx) && child.is_ours(cx) {
            destroy(cx, &child)?;
        }
    }
    let Ok(window) = cx.window(window.handle.into()) else { return Ok(0) };
    let mut tx = cx.windows()?;
    tx.begin_to_go(window.record);
    tx.commit()?;
    cx.send(&window, &letter(NC_DESTROY))?;
    free(cx, &window)
}

/// Takes a window away without telling it.
pub(super) fn free(cx: &Cx<'_>, window: &Window) -> User {
    let Ok(window) = cx.window(window.handle.into()) else { return Ok(0) };
    // What lies in it is other threads': they hear of it.
    loop {
        let mut tx = cx.windows()?;
        let left = tx.forget_posted(window.queue, window.record) || tx.orphan_children(window.record);
        tx.commit()?;
        if !left {
            break;
        }
    }
    let mut tx = cx.windows()?;
    let class = tx.get(window.record + field::CLASS);
    let surface = tx.surface(window.record).number;
    let style = tx.get(window.record + field::STYLE);
    let menu = if style & (CHILD | POPUP) == CHILD { 0 } else { tx.window_wide(window.record, field::ID) };
    let icon = tx.get(window.record + field::SMALL_COPY);
    let menus = [menu, tx.get(window.record + field::SYSTEM_MENU).into()];
    tx.drop_window(window.record);
    tx.commit()?;
    cx.k.user.classes.window_gone(class);
    super::window_icon::release(cx, icon);
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
    destroy_one(cx, window, true)
}

fn destroy_one(cx: &Cx<'_>, window: u64, outermost: bool) -> User {
    let found = cx.window(window)?;
    if !found.is_mine(cx) || !found.is_ours(cx) {
        return Err(Failed::with(error::ACCESS_DENIED));
    }
    if hook::call(cx, hook::CBT, hook::cbt::DESTROY_WINDOW, found.handle.into(), 0)? != 0 {
        return Ok(0);
    }
    super::menu::track::window_goes(cx, found.handle);
    let (child, owned) = {
        let tx = cx.windows()?;
        let style = tx.get(found.record + field::STYLE);
        (style & CHILD != 0, tx.link(found.record + field::OWNER) != 0)
    };
    if child {
        notify_parent(cx, &found, DESTROY)?;
    } else if !owned {
        // HSHELL_WINDOWDESTROYED.
        hook::call(cx, hook::SHELL, 2, found.handle.into(), 0)?;
    }
    let Ok(found) = cx.window(window) else { return Ok(1) };
    super::show::hide(cx, &found)?;
    if !child {
        destroy_owned(cx, window)?;
    }
    let Ok(found) = cx.window(window) else { return Ok(1) };
    tell(cx, &found, outermost)?;
    let Ok(found) = cx.window(window) else { return Ok(1) };
    destroy(cx, &found)?;
    Ok(1)
}

/// Windows of the calling thread that a window owns go with it.
fn destroy_owned(cx: &Cx<'_>, owner: u64) -> User<()> {
    // One that refuses to go is not asked for ever.
    const MOST: usize = 1000;
    for _ in 0..MOST {
        let Ok(found) = cx.window(owner) else { return Ok(()) };
        let next = {
            let tx = cx.windows()?;
            let siblings = tx.children(tx.root_window(false)).into_iter();
            let owned = siblings.filter(|other| tx.link(other + field::OWNER) == found.record);
            let mut owned = owned.filter_map(|record| of_record(&tx, record));
            owned.find(|other| other.is_mine(cx) && other.is_ours(cx))
        };
        let Some(next) = next else { return Ok(()) };
        destroy_one(cx, next.handle.into(), false)?;
        if cx.window(next.handle.into()).is_ok() {
            return Ok(());
        }
    }
    Ok(())
}
