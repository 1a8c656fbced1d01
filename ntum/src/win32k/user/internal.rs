//! Messages of the window server's own: what a window's thread is asked to do by others.

use super::super::{Failed, User, error};
use super::procedure::Letter;
use super::session::Window;
use crate::call::Cx;

/// Destroys the window.
pub(super) const DESTROY: u32 = 0x8000_0000;
/// Puts it elsewhere: a WINDOWPOS goes along.
pub(super) const SET_POSITION: u32 = 0x8000_0001;
/// Shows it: SW_* in the first parameter.
pub(super) const SHOW: u32 = 0x8000_0002;
/// Gives it another parent: its handle in the first parameter.
pub(super) const SET_PARENT: u32 = 0x8000_0003;
/// Sets one of its words; see `long`.
pub(super) const SET_LONG: u32 = 0x8000_0004;

/// Carries one out on the window's thread.
///
/// # Errors
/// What the call itself says; the sender finds 0.
pub(super) fn carry_out(cx: &Cx<'_>, window: &Window, letter: &Letter, data: &[u8]) -> User {
    match letter.message {
        DESTROY => super::destroy::destroy(cx, window),
        SET_POSITION => match super::position::WindowPos::of(data) {
            Some(position) => super::position::set(cx, window, position),
            None => Ok(0),
        },
        SHOW => super::show::show(cx, window, letter.wparam as u32).map(u64::from),
        SET_PARENT => super::parent::set(cx, window, letter.wparam),
        SET_LONG => {
            // Offset and size are halves of the first parameter.
            let (offset, size) = (letter.wparam as u16 as i16, (letter.wparam >> 16) as u16);
            super::long::set(cx, window.handle.into(), offset.into(), letter.lparam, usize::from(size), false)
        }
        _ => Err(Failed::with(error::CALL_NOT_IMPLEMENTED)),
    }
}
