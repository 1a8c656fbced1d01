//! Texts of windows.

use super::super::User;
use super::class::units;
use super::session::Window;
use crate::call::Cx;
use crate::io::condrv::codepage;
use crate::shm::user::window::field;
use crate::um::UserPtr;
use zerocopy::IntoBytes;

/// Most units of a window's text that are kept.
const MOST: usize = 0x1_0000;

/// A window's text.
pub(super) fn get(cx: &Cx<'_>, window: &Window) -> User<Vec<u16>> {
    Ok(units(&cx.windows()?.window_bytes(window.record, field::TEXT)))
}

/// Gives a window a text.
pub(super) fn set(cx: &Cx<'_>, window: &Window, text: &[u16]) -> User<()> {
    let mut tx = cx.windows()?;
    tx.set_window_bytes(window.record, field::TEXT, text[..text.len().min(MOST)].as_bytes())?;
    Ok(tx.commit()?)
}

/// A text that a program gives, up to its zero: UTF-16, or in the ANSI code page.
pub(super) fn read(cx: &Cx<'_>, at: u64, ansi: bool) -> User<Vec<u16>> {
    if at == 0 {
        return Ok(Vec::new());
    }
    let bytes = cx.text(at, ansi)?;
    Ok(if ansi {
        to_wide(cx, &bytes[..bytes.len().saturating_sub(1)])
    } else {
        let mut text = units(&bytes);
        text.pop();
        text
    })
}

/// Stores as much of a text as there is room for, with a zero behind it; answers its length without that.
pub(super) fn store(cx: &Cx<'_>, text: &[u16], at: u64, room: u64, ansi: bool) -> User {
    let Some(room) = room.checked_sub(1).map(|room| usize::try_from(room).unwrap_or(usize::MAX)) else { return Ok(0) };
    let bytes = if ansi { to_ansi(cx, text) } else { text.as_bytes().to_vec() };
    let width = if ansi { 1 } else { 2 };
    let length = bytes.len().min(room.saturating_mul(width));
    let mut out = bytes[..length].to_vec();
    out.resize(length + width, 0);
    cx.k.write_user(at, &out)?;
    Ok((length / width) as u64)
}

/// NtUserInternalGetWindowText: a window's text as it is kept, whoever's it is, without asking its procedure.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn internal_get_window_text(cx: &Cx<'_>, window: u64, text: UserPtr<u16>, count: u32) -> User {
    let found = cx.window(window)?;
    let kept = get(cx, &found)?;
    store(cx, &kept, text.address(), count.into(), false)
}

/// UTF-16 of a text in the ANSI code page.
pub(super) fn to_wide(cx: &Cx<'_>, bytes: &[u8]) -> Vec<u16> {
    cx.k.io.console.pages.decode(cx.k, codepage::ansi(cx.k), &mut bytes.to_vec())
}

/// A text in the ANSI code page.
pub(super) fn to_ansi(cx: &Cx<'_>, text: &[u16]) -> Vec<u8> {
    cx.k.io.console.pages.encode(cx.k, codepage::ansi(cx.k), text)
}
