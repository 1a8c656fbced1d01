//! Windows that somebody works with: what Alt+Tab goes through and the task bar lists.

use super::internal::BRING_FORWARD;
use crate::shm::Tx;
use crate::shm::user::input;
use crate::shm::user::message::{Message, Sending, how};
use crate::shm::user::window::{VISIBLE, field};
use crate::status::Nt;

/// WS_DISABLED, WS_EX_TOOLWINDOW, WS_EX_APPWINDOW, WS_EX_NOACTIVATE.
const DISABLED: u32 = 0x800_0000;
const EX_TOOL: u32 = 0x80;
const EX_APPLICATION: u32 = 0x4_0000;
const EX_NO_ACTIVATE: u32 = 0x800_0000;
/// Messages that may wait for a thread that does not come to them.
const MOST_UNSEEN: usize = 8;

/// The window that is active where the foreground is: a record, 0 for none.
pub(in crate::win32k) fn active(tx: &Tx<'_>) -> u32 {
    match tx.foreground() {
        0 => 0,
        foreground => tx.get(foreground + input::field::ACTIVE),
    }
}

/// Windows that somebody works with, the one in front first.
pub(in crate::win32k) fn switched(tx: &Tx<'_>) -> Vec<u32> {
    let desktop = tx.root_window(false);
    let all = if desktop == 0 { Vec::new() } else { tx.children(desktop) };
    let works = |window: &u32| {
        let (style, extended) = (tx.get(window + field::STYLE), tx.get(window + field::EX_STYLE));
        let own = tx.get(window + field::OWNER) == 0 && extended & EX_TOOL == 0 || extended & EX_APPLICATION != 0;
        style & VISIBLE != 0 && extended & EX_NO_ACTIVATE == 0 && own
    };
    all.into_iter().filter(works).map(|window| tx.handle_of(window)).collect()
}

/// Has the thread of a window, or of a dialog of its that keeps it from being used, bring that to the front.
///
/// # Errors
/// `STATUS_INSUFFICIENT_RESOURCES`.
pub(in crate::win32k) fn bring_forward(tx: &mut Tx<'_>, window: u32) -> Nt<()> {
    let owned = |window: u32| {
        let siblings = tx.children(tx.root_window(false));
        let mut own = siblings.into_iter().filter(|other| tx.get(other + field::OWNER) == window);
        own.find(|other| tx.get(other + field::STYLE) & (VISIBLE | DISABLED) == VISIBLE)
    };
    let mut front = window;
    // Dialogs have dialogs.
    for _ in 0..16 {
        if tx.get(front + field::STYLE) & DISABLED == 0 {
            break;
        }
        let Some(next) = owned(front) else { break };
        front = next;
    }
    let queue = tx.get(front + field::QUEUE);
    if queue == 0 || tx.unanswered(queue) > MOST_UNSEEN {
        return Ok(());
    }
    let message = Message { window: tx.handle_of(front), number: BRING_FORWARD, ..Message::default() };
    let sending = Sending { how: how::INTERNAL | how::NOTIFY, data: Vec::new(), callback: (0, 0) };
    tx.send_message(0, queue, &message, &sending).map(|_| ())
}
