//! The kernel's part of DefWindowProc.

use super::super::User;
use super::procedure::Letter;
use super::session::Window;
use super::{default_paint, destroy, text};
use crate::call::Cx;
use crate::shm::user::window::field;
use crate::um::UserPtr;

/// WM_*.
mod message {
    pub const SET_REDRAW: u32 = 0x0b;
    pub const SET_TEXT: u32 = 0x0c;
    pub const GET_TEXT: u32 = 0x0d;
    pub const GET_TEXT_LENGTH: u32 = 0x0e;
    pub const CLOSE: u32 = 0x10;
    pub const QUERY_END_SESSION: u32 = 0x11;
    pub const QUERY_OPEN: u32 = 0x13;
    pub const NC_CREATE: u32 = 0x81;
    pub const NC_DESTROY: u32 = 0x82;
    pub const GET_ICON: u32 = 0x7f;
    pub const SET_ICON: u32 = 0x80;
    pub const HELP: u32 = 0x53;
    pub const PAINT: u32 = 0x0f;
    pub const PAINT_ICON: u32 = 0x26;
    pub const ERASE_BACKGROUND: u32 = 0x14;
    pub const ICON_ERASE_BACKGROUND: u32 = 0x27;
    pub const SHOW_WINDOW: u32 = 0x18;
    pub const WINDOW_POS_CHANGING: u32 = 0x46;
    pub const WINDOW_POS_CHANGED: u32 = 0x47;
    pub const SYNC_PAINT: u32 = 0x88;
    pub const PRINT: u32 = 0x317;
}

/// Where CREATESTRUCT has the name.
const NAME: u64 = 56;

/// What a window does with a message that its procedure leaves to the system.
pub(super) fn procedure(cx: &Cx<'_>, window: u64, letter: &Letter) -> User {
    let found = cx.window(window)?;
    let Letter { message, wparam, lparam, ansi } = *letter;
    match message {
        message::NC_CREATE => {
            if lparam != 0 {
                let name = UserPtr::<u64>::new(lparam + NAME).read(cx.k)?;
                set_text(cx, &found, name, ansi)?;
            }
            Ok(1)
        }
        message::NC_DESTROY => {
            text::set(cx, &found, &[])?;
            Ok(0)
        }
        message::SET_TEXT => {
            set_text(cx, &found, lparam, ansi)?;
            Ok(1)
        }
        message::GET_TEXT => {
            if wparam == 0 {
                return Ok(0);
            }
            let kept = text::get(cx, &found)?;
            text::store(cx, &kept, lparam, wparam, ansi)
        }
        message::GET_TEXT_LENGTH => {
            let kept = text::get(cx, &found)?;
            Ok(if ansi { text::to_ansi(cx, &kept).len() } else { kept.len() } as u64)
        }
        message::CLOSE => {
            destroy::destroy_window(cx, window)?;
            Ok(0)
        }
        message::QUERY_END_SESSION | message::QUERY_OPEN => Ok(1),
        message::SET_REDRAW => default_paint::set_redraw(cx, &found, wparam != 0),
        message::PAINT | message::PAINT_ICON => default_paint::paint(cx, &found),
        message::ERASE_BACKGROUND | message::ICON_ERASE_BACKGROUND => default_paint::erase(cx, &found, wparam as u32),
        message::SYNC_PAINT => default_paint::sync(cx, &found),
        message::PRINT => default_paint::print(cx, &found, wparam, lparam),
        message::WINDOW_POS_CHANGING => default_paint::changing(cx, &found, lparam),
        message::WINDOW_POS_CHANGED => default_paint::changed(cx, &found, lparam),
        message::SHOW_WINDOW => super::show::with_owner(cx, &found, wparam != 0, lparam),
        message::GET_ICON | message::SET_ICON => icon(cx, &found, message, wparam, lparam),
        message::HELP => {
            // Up to who asked for it: a parent, or a popup's owner.
            let parent = super::tree::parent(cx, window)?;
            match cx.window(parent) {
                Ok(parent) => cx.send(&parent, letter),
                Err(_) => Ok(0),
            }
        }
        _ => Ok(0),
    }
}

/// A window's text is what lies there, or a number of a resource: none.
fn set_text(cx: &Cx<'_>, window: &Window, at: u64, ansi: bool) -> User<()> {
    let text = if at < 0x1_0000 { Vec::new() } else { text::read(cx, at, ansi)? };
    text::set(cx, window, &text)
}

/// WM_GETICON and WM_SETICON: the large one is 1, the small one 0 or 2.
fn icon(cx: &Cx<'_>, window: &Window, message: u32, which: u64, icon: u64) -> User {
    let place = window.record + field::ICONS + u32::from(which != 1);
    let mut tx = cx.windows()?;
    let before = tx.get(place);
    if message == message::SET_ICON && which < 2 {
        tx.set(place, icon as u32);
        tx.commit()?;
    }
    Ok(before.into())
}
