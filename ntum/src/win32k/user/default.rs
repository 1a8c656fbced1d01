//! The kernel's part of DefWindowProc.

use super::super::User;
use super::procedure::Letter;
use super::session::Window;
use super::{destroy, text};
use crate::call::Cx;
use crate::shm::user::window::{VISIBLE, field};
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
        message::SET_REDRAW => {
            let mut tx = cx.windows()?;
            let style = tx.get(found.record + field::STYLE);
            tx.set(found.record + field::STYLE, if wparam != 0 { style | VISIBLE } else { style & !VISIBLE });
            tx.commit()?;
            Ok(0)
        }
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
