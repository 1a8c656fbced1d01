//! Messages of the window server's own: what a window's thread is asked to do by others.

use super::super::{Failed, User, error};
use super::placement::MAXIMIZE;
use super::position::WindowPos;
use super::procedure::Letter;
use super::session::Window;
use crate::call::Cx;
use crate::shm::user::paint::swp;
use crate::shm::user::queue::BRING_FORWARD;
use crate::shm::user::window::{MINIMIZE, VISIBLE, field};
use crate::win32k::geometry::Rect;

/// WM_SYSCOMMAND and SC_RESTORE.
const SYSTEM_COMMAND: u32 = 0x112;
const RESTORE: u64 = 0xf120;

/// Destroys the window.
pub(super) const DESTROY: u32 = crate::shm::user::queue::DESTROY_WINDOW;
/// Puts it elsewhere: a WINDOWPOS goes along.
pub(super) const SET_POSITION: u32 = 0x8000_0001;
/// Shows it: SW_* in the first parameter.
pub(super) const SHOW: u32 = 0x8000_0002;
/// Gives it another parent: its handle in the first parameter.
pub(super) const SET_PARENT: u32 = 0x8000_0003;
/// Sets one of its words; see `long`.
pub(super) const SET_LONG: u32 = 0x8000_0004;

/// Makes a window (the first parameter, 0 for none) active in place of another thread's, whose number is the second one.
pub(super) const SET_ACTIVE: u32 = 0x8000_0006;
/// The work area is another: a maximized window is fitted into it.
pub(super) const FIT: u32 = 0x8000_0008;
/// Files fell on it: see `dropping`.
pub(super) const DROP: u32 = 0x8000_0009;
/// To a thread: calls a low-level hook; its handle and what it is told go along, the first parameter is the hook's own.
pub(super) const CALL_HOOK: u32 = 0x8000_0010;
/// To a thread: an event that its hook (the first parameter) is for.
pub(super) const EVENT: u32 = 0x8000_0011;
/// To a thread: input that its hook is to see first; see `input`.
pub(super) const INPUT: u32 = 0x8000_0012;

/// Carries one out that is for a thread rather than a window.
///
/// # Errors
/// As [`carry_out`].
pub(super) fn carry_out_for_thread(cx: &Cx<'_>, letter: &Letter, data: &[u8]) -> User {
    match letter.message {
        CALL_HOOK => {
            let Some((handle, data)) = data.split_at_checked(8) else { return Ok(0) };
            let handle = super::class::little(handle) as u32;
            super::hook::call_low(cx, handle, letter.lparam as i32, letter.wparam, data)
        }
        EVENT => super::hook::told(cx, letter.wparam, data),
        INPUT => super::input::hook_first(cx, data),
        _ => Err(Failed::with(error::CALL_NOT_IMPLEMENTED)),
    }
}

/// Carries one out on the window's thread.
///
/// # Errors
/// What the call itself says; the sender finds 0.
pub(super) fn carry_out(cx: &Cx<'_>, window: &Window, letter: &Letter, data: &[u8]) -> User {
    match letter.message {
        DESTROY => super::destroy::destroy(cx, window),
        SET_POSITION => match WindowPos::of(data) {
            Some(position) => super::position::set(cx, window, position),
            None => Ok(0),
        },
        SHOW => super::show::show(cx, window, letter.wparam as u32).map(u64::from),
        SET_PARENT => super::parent::set(cx, window, letter.wparam),
        SET_ACTIVE => super::focus::told(cx, window, letter.wparam, letter.lparam),
        BRING_FORWARD => {
            let minimized = cx.windows()?.get(window.record + field::STYLE) & MINIMIZE != 0;
            if minimized {
                let restore = Letter { message: SYSTEM_COMMAND, wparam: RESTORE, lparam: 0, ansi: false };
                cx.send(window, &restore)?;
            }
            // It may be gone.
            let window = cx.window(window.handle.into())?;
            let position =
                WindowPos { window: window.handle.into(), flags: swp::NO_SIZE | swp::NO_MOVE, ..WindowPos::default() };
            super::position::set(cx, &window, position)?;
            super::focus::set_foreground_window(cx, window.handle.into())
        }
        DROP => super::dropping::told(cx, window, data),
        FIT => {
            let style = cx.windows()?.get(window.record + field::STYLE);
            if style & (MAXIMIZE | MINIMIZE | VISIBLE) != MAXIMIZE | VISIBLE {
                return Ok(0);
            }
            let Rect { left, top, right, bottom } = super::limits::ask(cx, window)?.maximized;
            let (width, height) = (right.saturating_sub(left), bottom.saturating_sub(top));
            let flags = swp::NO_Z_ORDER | swp::NO_ACTIVATE | swp::NO_OWNER_Z_ORDER;
            super::position::set_window_pos(cx, window.handle.into(), 0, left, top, width, height, flags)
        }
        SET_LONG => {
            // Offset and size are halves of the first parameter.
            let (offset, size) = (letter.wparam as u16 as i16, (letter.wparam >> 16) as u16);
            super::long::set(cx, window.handle.into(), offset.into(), letter.lparam, usize::from(size), false)
        }
        _ => Err(Failed::with(error::CALL_NOT_IMPLEMENTED)),
    }
}
