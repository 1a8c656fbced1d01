//! Finds out when nothing is to be done: every thread with windows waits for messages and has none.

use super::link::Link;
use crate::shm::Shm;
use crate::status::Nt;
use shim_abi::display::Notice;

/// How often in a row nothing must have been found to do. Between one message and what its program does about it with other threads there is
/// a moment in which nobody has anything.
const TIMES: u32 = 8;

/// Who waits for it.
#[derive(Debug, Default)]
pub(super) struct Idle {
    tags: Vec<u32>,
    times: u32,
}

impl Idle {
    /// The client wants to hear of it under that tag.
    pub(super) fn await_for(&mut self, tag: u32) {
        // One that asks more often than it is answered hears of the last ones.
        self.tags.truncate(63);
        self.tags.push(tag);
        self.times = 0;
    }

    /// Whether somebody waits for it.
    pub(super) fn is_awaited(&self) -> bool {
        !self.tags.is_empty()
    }

    /// Looks; tells the client.
    ///
    /// # Errors
    /// What the host answers when the client is gone.
    pub(super) fn tell(&mut self, shm: &'static Shm, link: &Link) -> Nt<()> {
        if self.tags.is_empty() {
            return Ok(());
        }
        let tx = shm.begin();
        let idle = tx.queues_are_idle();
        drop(tx);
        self.times = if idle { self.times + 1 } else { 0 };
        if self.times >= TIMES {
            for tag in std::mem::take(&mut self.tags) {
                link.tell(&Notice::Idle(tag))?;
            }
        }
        Ok(())
    }
}
