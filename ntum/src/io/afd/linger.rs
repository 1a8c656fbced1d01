//! What a program sent and closed behind: Windows sends it all the same.

use super::socket::{Socket, State};
use super::transfer::Write;
use crate::host::Ready;
use crate::kernel::Kernel;
use std::sync::Arc;

/// How long the other end may take nothing before the rest is dropped: what TCP itself grants.
const PATIENCE: u64 = 120_000_000_000;

/// Has a thread of its own send what is queued. The socket's state gives up its descriptor to it. Where there is something that the
/// program did not receive, or that comes now, the connection is given up, as TCP has it: the other end may be sending itself, and
/// would take nothing until somebody takes that.
pub fn linger(k: &'static Kernel, socket: &Arc<Socket>, state: &mut State) {
    let writes: Vec<Write> = state.writes.drain(..).collect();
    let socket = socket.clone();
    let run = move || {
        let mut wanted = Ready { read: true, write: true, ..Ready::default() };
        'queue: for mut write in writes {
            loop {
                if k.host.unread(&write.stream, true).is_ok_and(|count| count > 0) {
                    break 'queue;
                }
                // The lock is taken for each piece only.
                if socket.lock().send(k, &mut write).is_some() {
                    break;
                }
                let deadline = k.host.monotonic().saturating_add(PATIENCE);
                let found = k.host.poll_sockets(&[&write.stream], wanted, Some(deadline)).unwrap_or_default();
                let Some(found) = found.first().filter(|found| **found != Ready::default()) else { break };
                // An end that came is to be read for good, and is nothing to wait for.
                wanted.read &= !found.read || k.host.unread(&write.stream, true).is_ok_and(|count| count > 0);
            }
        }
        socket.lock().stream = None;
    };
    if k.host.spawn_worker(Box::new(run)).is_err() {
        state.stream = None;
    }
}
