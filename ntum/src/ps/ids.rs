//! Numbers of processes and threads: one set for the whole sandbox, of which each process holds chunks.

use crate::kernel::Kernel;
use crate::shm::member::CHUNK;
use crate::status::Nt;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;

/// Number of the sandbox's first process.
pub const FIRST_PROCESS: u64 = 0x20;
/// Number of who started it, who is never there to be opened.
pub const NO_PARENT: u64 = 0x1c;
/// A number is not used again before so many others were: who kept it by mistake is to learn that it is gone.
const REST: usize = 32;

/// The numbers that a process has left.
pub struct Ids {
    next: u64,
    end: u64,
    /// Numbers of threads that ended.
    rested: VecDeque<u64>,
}

impl Default for Ids {
    fn default() -> Ids {
        Ids { next: FIRST_PROCESS + 4, end: u64::from(CHUNK), rested: VecDeque::new() }
    }
}

impl Kernel {
    /// A number for a new thread.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`, `STATUS_NOT_SUPPORTED`: there is none left.
    pub fn new_id(&'static self) -> Nt<u64> {
        let mut ids = self.ps.ids.lock();
        if ids.next == ids.end {
            if ids.rested.len() > REST
                && let Some(id) = ids.rested.pop_front()
            {
                return Ok(id);
            }
            ids.next = self.new_chunk()?.into();
            ids.end = ids.next + u64::from(CHUNK);
        }
        ids.next += 4;
        Ok(ids.next - 4)
    }

    /// Takes back the number of a thread that is gone.
    pub fn free_id(&self, id: u64) {
        self.ps.ids.lock().rested.push_back(id);
    }

    /// The process has the numbers from `first` on: its own is the first.
    pub(crate) fn take_ids(&self, first: u32, parent: u64) {
        *self.ps.ids.lock() =
            Ids { next: u64::from(first) + 4, end: u64::from(first + CHUNK), rested: VecDeque::new() };
        self.ps.id.store(first.into(), Ordering::Relaxed);
        self.ps.parent.store(parent, Ordering::Relaxed);
    }
}
