//! Requests that wait in a state which knows them by number only: where their answers go, and when they give up.

use super::state::{Done, Token};
use crate::io::irp::{Io, Irp, Request};
use crate::ke::wait::Deadline;
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::UserSlice;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

struct Entry {
    irp: Arc<Irp>,
    buffer: UserSlice,
    /// Set, and its sleepers woken, when the request is over: its clock stops.
    over: Option<Arc<AtomicU32>>,
}

/// The requests.
#[derive(Default)]
pub struct Waiting {
    entries: Mutex<HashMap<Token, Entry>>,
    next: AtomicU64,
}

/// What a cancelled or belated request's state does: takes it out, so that it comes to be finished with that status.
pub type GiveUp = fn(&'static Kernel, Token, Status);

impl Waiting {
    /// A number for a request.
    pub fn token(&self) -> Token {
        self.next.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Notes a request that waits; to be called under the lock of its state. [`Waiting::arm`] follows when that is free.
    pub fn add(&self, k: &'static Kernel, request: &Request<'_>, token: Token, buffer: UserSlice) -> Arc<Irp> {
        let irp = request.pend(k);
        self.entries.lock().insert(token, Entry { irp: irp.clone(), buffer, over: None });
        irp
    }

    /// Lets a waiting request be cancelled, and sets its clock.
    pub fn arm(&self, k: &'static Kernel, irp: Arc<Irp>, token: Token, deadline: Deadline, give_up: GiveUp) -> Io {
        irp.on_cancel(k, move |k, _| give_up(k, token, STATUS_CANCELLED));
        if let Deadline::At(at) = deadline {
            let over = Arc::new(AtomicU32::new(0));
            if let Some(entry) = self.entries.lock().get_mut(&token) {
                entry.over = Some(over.clone());
            } else {
                return Io::Pending(irp);
            }
            let sleep = move || {
                while over.load(Ordering::Acquire) == 0 {
                    if k.host.wait(&over, 0, Some(at)) == crate::host::Wake::TimedOut {
                        give_up(k, token, STATUS_IO_TIMEOUT);
                        return;
                    }
                }
            };
            if k.host.spawn_worker(Box::new(sleep)).is_err() {
                give_up(k, token, STATUS_INSUFFICIENT_RESOURCES);
            }
        }
        Io::Pending(irp)
    }

    /// Delivers what is finished; to be called without the lock of the state.
    pub fn deliver(&self, k: &'static Kernel, finished: Vec<Done>) {
        for Done { token, status, information, data } in finished {
            let Some(entry) = self.entries.lock().remove(&token) else { continue };
            if let Some(over) = entry.over {
                over.store(1, Ordering::Release);
                k.host.wake(&over, 1);
            }
            let stored = if data.is_empty() { Ok(()) } else { entry.buffer.write_at(k, 0, &data) };
            match stored {
                Ok(()) => entry.irp.complete(k, status, information as u64),
                Err(fault) => entry.irp.complete(k, fault, 0),
            };
        }
    }
}
