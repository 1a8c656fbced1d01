//! Files that fall on a window from outside of the sandbox: a window that has registered with OLE hears of them by its drop target, as user32 has it, one that
//! accepts files (WS_EX_ACCEPTFILES) by WM_DROPFILES.

use super::super::{Failed, User, error};
use super::dde::DROP_FILES;
use super::session::Window;
use super::{internal, prop, tree};
use crate::call::Cx;
use crate::shm::Tx;
use crate::shm::user::message::{Message, Sending, how};
use crate::shm::user::window::field;
use crate::status::*;
use crate::win32k::geometry::Rect;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// WS_EX_ACCEPTFILES.
const ACCEPTS_FILES: u32 = 0x10;
/// The property by which Wine's ole32 finds a window's drop target from another process.
const TARGET: &str = "WineMarshalledDropTarget";
/// Callbacks of Wine 10's `include/ntuser.h`: NtUserDragDropEnter and those that follow.
const ENTER: u32 = 20;
const LEAVE: u32 = 21;
const DRAG: u32 = 22;
const DROP: u32 = 23;
/// CF_HDROP, DROPEFFECT_COPY.
const FILES: u32 = 15;
const COPY: u32 = 1;
/// Where DROPFILES has its point, and whether that lies outside of the client area.
const POINT: usize = 4;
const OUTSIDE: usize = 12;
/// Windows that are asked, each being another's parent or owner: damaged memory may hold a ring.
const DEEPEST: usize = 1000;

/// `struct drag_drop_drag_params`.
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct Dragging {
    window: u64,
    place: [i32; 2],
    effect: u32,
    pad: u32,
}

/// Who takes files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taker {
    /// Somebody above this innermost window, by OLE.
    Target(u32),
    /// A window that accepts them.
    Window(u32),
}

/// Who takes files that fall there on the screen.
fn taker(tx: &Tx<'_>, (x, y): (i32, i32)) -> Option<Taker> {
    let top = tx.top_window_at(x, y);
    if top == 0 || tx.is_desktop(top) {
        return None;
    }
    let innermost = *tx.windows_at(top, x, y).last()?;
    let mut above = vec![innermost];
    while above.len() < DEEPEST
        && let Some(next) = above.last().map(|last| tree::parent_record(tx, *last)).filter(|next| *next != 0)
    {
        above.push(next);
    }
    let name = crate::types::wide(TARGET);
    if above.iter().any(|window| prop::has(tx, *window, &name)) {
        return Some(Taker::Target(innermost));
    }
    let accepts = |window: &u32| tx.get(window + field::EX_STYLE) & ACCEPTS_FILES != 0;
    above.into_iter().find(accepts).map(Taker::Window)
}

/// Whether files that fall there are taken by somebody.
pub(in crate::win32k) fn is_taken_at(tx: &Tx<'_>, place: (i32, i32)) -> bool {
    taker(tx, place).is_some()
}

/// Tells who takes them of files (CF_HDROP) that fell there.
///
/// # Errors
/// `STATUS_INVALID_HANDLE` if nobody does, `STATUS_INSUFFICIENT_RESOURCES`.
pub(in crate::win32k) fn tell(tx: &mut Tx<'_>, place: (i32, i32), mut files: Vec<u8>, time: u32) -> Nt<()> {
    match taker(tx, place).ok_or(STATUS_INVALID_HANDLE)? {
        Taker::Target(window) => {
            let queue = tx.link(window + field::QUEUE);
            let message = Message { window: tx.handle_of(window), number: internal::DROP, ..Message::default() };
            let data = [[place.0, place.1].as_bytes(), &files].concat();
            let sending = Sending { how: how::INTERNAL | how::NOTIFY, data, callback: (0, 0) };
            tx.send_message(0, queue, &message, &sending).map(drop)
        }
        Taker::Window(window) => {
            let Rect { left, top, right, bottom } = tx.screen_rect(window, field::CLIENT_RECT);
            let inside = Rect { left, top, right, bottom }.contains(place.0, place.1);
            let point = [place.0.saturating_sub(left), place.1.saturating_sub(top)];
            if let Some(head) = files.get_mut(POINT..OUTSIDE) {
                head.copy_from_slice(point.as_bytes());
            }
            if let Some(outside) = files.get_mut(OUTSIDE) {
                *outside = (!inside).into();
            }
            let queue = tx.link(window + field::QUEUE);
            let message =
                Message { window: tx.handle_of(window), number: DROP_FILES, time, place, ..Message::default() };
            let posted = queue != 0 && tx.post_message_with(queue, &message, &files)?;
            if posted { Ok(()) } else { Err(STATUS_INSUFFICIENT_RESOURCES) }
        }
    }
}

/// On the thread of the innermost window: its drop target hears of files that fell on it.
///
/// # Errors
/// What the callbacks say.
pub(super) fn told(cx: &Cx<'_>, window: &Window, data: &[u8]) -> User {
    let Some((place, files)) = data.split_first_chunk::<8>() else { return Ok(0) };
    let Ok(place) = <[i32; 2]>::read_from_bytes(place) else { return Ok(0) };
    let top = {
        let tx = cx.windows()?;
        let mut above = tx.ancestors(window.record);
        above.retain(|above| !tx.is_desktop(*above));
        tx.handle_of(above.last().copied().unwrap_or(window.record))
    };
    // `struct format_entry`, whose data end at a multiple of eight.
    let mut entry = [[FILES, files.len() as u32].as_bytes(), files].concat();
    entry.resize(entry.len().next_multiple_of(8), 0);
    if cx.callback(ENTER, &entry)?.status != STATUS_SUCCESS {
        return Err(Failed::with(error::NOT_ENOUGH_MEMORY));
    }
    let dragging = Dragging { window: top.into(), place, effect: COPY, pad: 0 };
    // The first one is where the target hears that something came, the second where it says what it would do.
    effect(cx, DRAG, dragging.as_bytes())?;
    if effect(cx, DRAG, dragging.as_bytes())? == 0 {
        cx.callback(LEAVE, &[])?;
        return Ok(0);
    }
    effect(cx, DROP, u64::from(top).as_bytes()).map(u64::from)
}

/// What a callback answers: DROPEFFECT_*.
fn effect(cx: &Cx<'_>, number: u32, arguments: &[u8]) -> User<u32> {
    let ended = cx.callback(number, arguments)?;
    Ok(ended.bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes)))
}
