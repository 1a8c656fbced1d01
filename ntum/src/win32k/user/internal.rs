//! Messages of the window server's own: what a window's thread is asked to do by others.

use super::super::{Failed, User, error};
use super::procedure::Letter;
use super::session::Window;
use crate::call::Cx;

/// Destroys the window.
pub(super) const DESTROY: u32 = 0x8000_0000;
/// Sets one of its words; see `long`.
pub(super) const SET_LONG: u32 = 0x8000_0004;

/// Carries one out on the window's thread.
///
/// # Errors
/// What the call itself says; the sender finds 0.
pub(super) fn carry_out(cx: &Cx<'_>, window: &Window, letter: &Letter) -> User {
    match letter.message {
        DESTROY => super::destroy::destroy(cx, window),
        SET_LONG => {
            // Offset and size are halves of the first parameter.
            let (offset, size) = (letter.wparam as u16 as i16, (letter.wparam >> 16) as u16);
            super::long::set(cx, window.handle.into(), offset.into(), letter.lparam, usize::from(size), false)
        }
        _ => Err(Failed::with(error::CALL_NOT_IMPLEMENTED)),
    }
}
