//! The words of a window: GetWindowLongPtr, SetWindowLongPtr and their kin.

use super::super::{Failed, User, error};
use super::class::{cut, little};
use super::internal;
use super::procedure::Letter;
use super::process::{Procedures, client};
use super::session::Window;
use crate::call::Cx;
use crate::shm::user::surface::{EX_LAYERED, Layered};
use crate::shm::user::window::{EX_TOPMOST, MINIMIZE, field, flag};
use zerocopy::IntoBytes;

/// Offsets: GWL_STYLE and so on.
pub(super) mod at {
    pub const PROCEDURE: i32 = -4;
    pub const INSTANCE: i32 = -6;
    pub const PARENT: i32 = -8;
    pub const ID: i32 = -12;
    pub const STYLE: i32 = -16;
    pub const EX_STYLE: i32 = -20;
    pub const USER_DATA: i32 = -21;
}

/// WS_CLIPSIBLINGS, WS_DLGFRAME, WS_THICKFRAME.
pub(super) const CLIP_SIBLINGS: u32 = 0x0400_0000;
const DIALOG_FRAME: u32 = 0x0040_0000;
const THICK_FRAME: u32 = 0x0004_0000;
/// WS_EX_DLGMODALFRAME, WS_EX_STATICEDGE, WS_EX_WINDOWEDGE.
const EX_MODAL_FRAME: u32 = 1;
const EX_STATIC_EDGE: u32 = 0x2_0000;
const EX_WINDOW_EDGE: u32 = 0x100;
/// WM_STYLECHANGING and WM_STYLECHANGED.
const STYLE_CHANGING: u32 = 0x7c;
const STYLE_CHANGED: u32 = 0x7d;

/// WS_EX_WINDOWEDGE follows from the other styles.
pub(super) fn with_edge(style: u32, extended: u32) -> u32 {
    let framed = extended & EX_STATIC_EDGE == 0 && style & (DIALOG_FRAME | THICK_FRAME) != 0;
    if extended & EX_MODAL_FRAME != 0 || framed { extended | EX_WINDOW_EDGE } else { extended & !EX_WINDOW_EDGE }
}

/// What SetWindowLong and its kin have room for beside a window: a number of `size` bytes at an offset.
fn room(bytes: &mut [u8], offset: i32, size: usize) -> User<&mut [u8]> {
    let begin = usize::try_from(offset).map_err(|_| Failed::with(error::INVALID_INDEX))?;
    let end = begin.checked_add(size).ok_or(Failed::with(error::INVALID_INDEX))?;
    bytes.get_mut(begin..end).ok_or(Failed::with(error::INVALID_INDEX))
}

/// A window's word.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub(super) fn get(cx: &Cx<'_>, window: u64, offset: i32, size: usize, ansi: bool) -> User {
    let found = cx.window(window)?;
    let tx = cx.windows()?;
    let record = found.record;
    let wide = |field| tx.window_wide(record, field);
    let value = match offset {
        at::PARENT => {
            let parent = tx.link(record + field::PARENT);
            let top = tx.is_desktop(parent);
            tx.handle_of(if top { tx.link(record + field::OWNER) } else { parent }).into()
        }
        at::STYLE => tx.get(record + field::STYLE).into(),
        at::EX_STYLE => tx.get(record + field::EX_STYLE).into(),
        at::USER_DATA => wide(field::USER_DATA),
        at::ID => wide(field::ID),
        at::INSTANCE => wide(field::INSTANCE),
        at::PROCEDURE if !found.is_ours(cx) => return Err(Failed::with(error::ACCESS_DENIED)),
        at::PROCEDURE => {
            let procedure = wide(field::PROCEDURE);
            let unicode = tx.get(record + field::FLAGS) & flag::UNICODE != 0;
            // Edit controls show a handle to who asks for the other kind of text, however they are called.
            let mixed = procedure == Procedures::client(client::EDIT) && ansi == unicode;
            if mixed { procedure } else { cx.k.user.procedures.shown(procedure, ansi) }
        }
        _ => little(room(&mut tx.window_bytes(record, field::EXTRA), offset, size)?),
    };
    Ok(cut(value, size))
}

/// Sets a window's word; answers what it was.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub(super) fn set(cx: &Cx<'_>, window: u64, offset: i32, value: u64, size: usize, ansi: bool) -> User {
    if super::send::is_broadcast(window) {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let found = cx.window(window)?;
    if found.queue == 0 {
        return Err(Failed::with(error::ACCESS_DENIED));
    }
    if !found.is_ours(cx) {
        if offset == at::PROCEDURE {
            return Err(Failed::with(error::ACCESS_DENIED));
        }
        let wparam = u64::from(offset as i16 as u16) | (size as u64) << 16;
        let letter = Letter { message: internal::SET_LONG, wparam, lparam: value, ansi: false };
        return cx.send_internal(&found, &letter);
    }
    match offset {
        at::STYLE | at::EX_STYLE => set_style(cx, &found, offset, value as u32),
        at::PARENT => {
            let tx = cx.windows()?;
            let top = tx.is_desktop(tx.link(found.record + field::PARENT));
            drop(tx);
            if top { super::tree::set_owner(cx, &found, value) } else { super::parent::set_parent(cx, window, value) }
        }
        at::PROCEDURE => {
            let before = get(cx, window, offset, size, ansi)?;
            let handle = cx.k.user.procedures.handle(value, ansi);
            let unicode = cx.k.user.procedures.is_unicode(handle, !ansi);
            let mut tx = cx.windows()?;
            if handle != 0 {
                tx.set_window_wide(found.record, field::PROCEDURE, handle);
            }
            let flags = tx.get(found.record + field::FLAGS) & !flag::UNICODE;
            tx.set(found.record + field::FLAGS, flags | if unicode { flag::UNICODE } else { 0 });
            tx.commit()?;
            Ok(before)
        }
        at::ID | at::INSTANCE | at::USER_DATA => {
            let place = match offset {
                at::ID => field::ID,
                at::INSTANCE => field::INSTANCE,
                _ => field::USER_DATA,
            };
            let mut tx = cx.windows()?;
            let before = tx.window_wide(found.record, place);
            let kept = if size == 2 { before & 0xffff_0000 } else { 0 };
            tx.set_window_wide(found.record, place, cut(value, size) | kept);
            tx.commit()?;
            Ok(cut(before, size))
        }
        _ => {
            let mut tx = cx.windows()?;
            let mut bytes = tx.window_bytes(found.record, field::EXTRA);
            let part = room(&mut bytes, offset, size)?;
            let before = little(part);
            part.copy_from_slice(&value.to_le_bytes()[..size]);
            tx.set_window_bytes(found.record, field::EXTRA, &bytes)?;
            tx.commit()?;
            Ok(before)
        }
    }
}

fn set_style(cx: &Cx<'_>, window: &Window, offset: i32, value: u32) -> User {
    let place = if offset == at::STYLE { field::STYLE } else { field::EX_STYLE };
    let before = cx.windows()?.get(window.record + place);
    // STYLESTRUCT; the procedure may change the new one.
    let told = [before, value];
    let (_, back) = cx.send_data(window, STYLE_CHANGING, i64::from(offset) as u64, told.as_bytes())?;
    let wanted = back.get(4..8).map_or(value, |bytes| little(bytes) as u32);
    let window = cx.window(window.handle.into())?;
    let mut tx = cx.windows()?;
    let record = window.record;
    let before = tx.get(record + place);
    let new = if offset == at::STYLE {
        let top = tx.is_desktop(tx.link(record + field::PARENT)) && !tx.is_orphan(record);
        // What top-level windows always have, and what only showing the window takes away.
        let kept = if top { CLIP_SIBLINGS } else { 0 } | before & MINIMIZE;
        let new = wanted | kept;
        let extended = with_edge(new, tx.get(record + field::EX_STYLE));
        tx.set(record + field::EX_STYLE, extended);
        tx.frame_due(record);
        new
    } else {
        with_edge(tx.get(record + field::STYLE), wanted & !EX_TOPMOST | before & EX_TOPMOST)
    };
    tx.set(record + place, new);
    if offset == at::EX_STYLE && before & !new & EX_LAYERED != 0 {
        // What was said of how it is mixed goes with that.
        tx.set_layered(record, &Layered::default());
    }
    tx.commit()?;
    cx.send_data(&window, STYLE_CHANGED, i64::from(offset) as u64, [before, new].as_bytes())?;
    Ok(before.into())
}

/// NtUserSetWindowLong.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn set_window_long(cx: &Cx<'_>, window: u64, offset: u32, value: u32, ansi: u32) -> User {
    // As a number with a sign: handles and addresses come so.
    let value = i64::from(value as i32) as u64;
    set(cx, window, offset as i32, value, 4, ansi != 0)
}

/// NtUserSetWindowLongPtr.
///
/// # Errors
/// As [`set_window_long`].
pub fn set_window_long_ptr(cx: &Cx<'_>, window: u64, offset: u32, value: u64, ansi: u32) -> User {
    set(cx, window, offset as i32, value, 8, ansi != 0)
}

/// NtUserSetWindowWord: of the window's own words, and of some below them.
///
/// # Errors
/// As [`set_window_long`].
pub fn set_window_word(cx: &Cx<'_>, window: u64, offset: u32, value: u32) -> User {
    let offset = offset as i32;
    match offset {
        at::USER_DATA | 0.. => {}
        _ => return Err(Failed::with(error::INVALID_INDEX)),
    }
    set(cx, window, offset, u64::from(value & 0xffff), 2, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_follows_from_the_frame() {
        assert_eq!(with_edge(DIALOG_FRAME, 0), EX_WINDOW_EDGE);
        assert_eq!(with_edge(DIALOG_FRAME, EX_STATIC_EDGE), EX_STATIC_EDGE);
        assert_eq!(with_edge(0, EX_WINDOW_EDGE), 0);
        assert_eq!(with_edge(0, EX_MODAL_FRAME), EX_MODAL_FRAME | EX_WINDOW_EDGE);
    }
}
