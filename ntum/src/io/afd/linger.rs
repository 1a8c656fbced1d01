//! What a program sent and closed behind: Windows sends it all the same.

use super::socket::{Socket, State};
use super::transfer::Write;
use crate::host::Ready;
use crate::kernel::Kernel;
use std::sync::Arc;

/// How long the other end may take nothing before the rest is dropped: what TCP itself grants.
const PATIENCE: u64 = 120_000_000_000;

/// Has a thread of its own send what is queued. The socket's state gives up its descriptor to it.
pub fn linger(k: &'static Kernel, socket: &Arc<Socket>, state: &mut State) {
    let writes: Vec<Write> = state.writes.drain(..).collect();
    let socket = socket.clone();
    let run = move || {
        for mut write in writes {
            loop {
                // The lock is taken for each piece only.
                if socket.lock().send(k, &mut write).is_some() {
                    break;
                }
                let deadline = k.host.monotonic().saturating_add(PATIENCE);
                let found = k.host.poll_sockets(&[&write.stream], Ready::WRITE, Some(deadline));
                if !found.is_ok_and(|found| found.iter().any(|one| *one != Ready::default())) {
                    break;
                }
            }
        }
        socket.lock().stream = None;
    };
    if k.host.spawn_worker(Box::new(run)).is_err() {
        state.stream = None;
    }
}
