//! WSAAsyncSelect: what happens to a socket is posted to a window.

use super::code::event;
use super::socket::{Phase, State};
use crate::kernel::Kernel;
use crate::shm::user::message::Message;
use crate::shm::user::window::field;
use crate::status::*;

/// Who hears of a socket's events, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addressee {
    /// The window's handle.
    pub window: u32,
    /// The number that messages have.
    pub message: u32,
    /// The socket's handle, which they name.
    pub socket: u64,
}

/// FD_* (`winsock2.h`).
const FD_READ: u32 = 0x1;
const FD_WRITE: u32 = 0x2;
const FD_OOB: u32 = 0x4;
const FD_ACCEPT: u32 = 0x8;
const FD_CONNECT: u32 = 0x10;
const FD_CLOSE: u32 = 0x20;

/// WSAECONNABORTED.
const ABORTED: u32 = 10053;

/// The error that ws2_32 makes of a status (its `NtStatusToWSAError`), as far as an event can have one.
fn error_of(status: Status) -> u32 {
    match status {
        STATUS_SUCCESS => 0,
        STATUS_ACCESS_DENIED => 10013,
        STATUS_ADDRESS_ALREADY_ASSOCIATED => 10048,
        STATUS_NETWORK_UNREACHABLE => 10051,
        STATUS_CONNECTION_ABORTED => ABORTED,
        STATUS_CONNECTION_RESET => 10054,
        STATUS_INSUFFICIENT_RESOURCES | STATUS_NO_MEMORY => 10055,
        STATUS_IO_TIMEOUT => 10060,
        STATUS_CONNECTION_REFUSED => 10061,
        STATUS_HOST_UNREACHABLE => 10065,
        _ => 10022,
    }
}

/// WSAMAKESELECTREPLY of an event.
fn reply(bit: u32, status: Status) -> u64 {
    let (what, error) = match bit {
        event::READ => (FD_READ, 0),
        event::OOB => (FD_OOB, 0),
        event::WRITE => (FD_WRITE, 0),
        event::ACCEPT => (FD_ACCEPT, 0),
        event::CONNECT | event::CONNECT_ERR => (FD_CONNECT, error_of(status)),
        event::RESET => (FD_CLOSE, ABORTED),
        _ => (FD_CLOSE, error_of(status)),
    };
    u64::from(what | error << 16)
}

impl State {
    /// Asks for events as messages, or with no window for none of either kind.
    pub fn select_messages(&mut self, k: &'static Kernel, to: Addressee, mask: u32) {
        self.event = None;
        (self.mask, self.nonblocking) = (mask, true);
        self.addressee = Some(to).filter(|to| to.window != 0);
        if self.addressee.is_some() {
            self.rearm(u32::MAX);
        }
        // What needs no connection can send at once, and has no descriptor yet that would say so.
        if self.phase == Phase::Connectionless && self.stream.is_none() {
            self.happened(k, event::WRITE);
        }
    }

    /// Posts an event that was asked for. A window that is gone hears nothing, nor one whose queue is full.
    pub(super) fn post(&self, k: &'static Kernel, to: Addressee, bit: u32) {
        let status = bit.checked_ilog2().and_then(|place| self.errors.get(place as usize));
        let lparam = reply(bit, status.copied().unwrap_or(STATUS_SUCCESS));
        let Ok((shm, _)) = k.member() else { return };
        let mut tx = shm.begin();
        let queue = tx.window(to.window).map_or(0, |record| tx.get(record + field::QUEUE));
        if queue == 0 {
            return;
        }
        let letter = Message {
            window: to.window,
            number: to.message,
            wparam: to.socket,
            lparam,
            time: (k.host.monotonic() / 1_000_000) as u32,
            place: tx.cursor_place(),
            extra: 0,
        };
        if tx.post_message(queue, &letter).is_ok() {
            // Fails in damaged memory only.
            let _ = tx.commit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_has_the_event_below_and_the_error_above() {
        assert_eq!(reply(event::READ, STATUS_SUCCESS), 0x1);
        assert_eq!(reply(event::CONNECT, STATUS_SUCCESS), 0x10);
        assert_eq!(reply(event::CONNECT_ERR, STATUS_CONNECTION_REFUSED), 0x10 | 10061 << 16);
        assert_eq!(reply(event::HUP, STATUS_SUCCESS), 0x20);
        assert_eq!(reply(event::RESET, STATUS_SUCCESS), 0x20 | 10053 << 16);
    }
}
