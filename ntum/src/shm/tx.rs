//! Transactions: all of it or nothing, whatever happens to the member that carries it out.

use super::{Shm, layout};
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};
use std::collections::HashMap;
use std::sync::atomic::{Ordering, fence};

/// Writes above which they are found by a map.
const FEW: usize = 24;

/// A transaction. It holds the lock; without [`Tx::commit`] nothing has happened.
pub struct Tx<'a> {
    pub(super) shm: &'a Shm,
    writes: Vec<(u32, u32)>,
    /// Where in `writes` a place is, once there are many.
    index: HashMap<u32, usize>,
    /// A bit for every place in `writes`: most words that are asked for were not written.
    written: u64,
    /// What follows the commit.
    pub(super) after: After,
    /// The desktop whose windows are meant: see `user::station`. `None` is the one that the user sees.
    pub(super) desktop: Option<u32>,
}

/// Who is to be told once a transaction has happened. What a member that is killed did not tell, its reaper tells.
#[derive(Default)]
pub(super) struct After {
    /// Requests whose askers sleep on them: see [`super::request`].
    pub requests: Vec<u32>,
    /// Members with something to take in.
    pub members: Vec<u32>,
    /// Wait blocks that were satisfied.
    pub blocks: Vec<u32>,
    /// Whether what is to be seen changed.
    pub display: bool,
    /// Whether who listens to sound is to look.
    pub sound: bool,
    /// A word that threads sleep on until it changes; 0 for none.
    pub word: u32,
}

/// A place's bit in [`Tx::written`].
fn bit(place: u32) -> u64 {
    1 << (place.wrapping_mul(0x9e37_79b9) >> 26)
}

thread_local! {
    /// Whether the calling thread has a transaction open: a second one would wait for the first for ever.
    static OPEN: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Ends the process if the calling thread has a transaction open, where what follows begins another, or may. Without debug assertions too: that way such
/// a fault of ours ends one process, whose lock goes to the others; else all of the sandbox waited for ever.
pub fn assert_none_open() {
    assert!(!OPEN.get(), "a thread begins a transaction within another");
}

impl Shm {
    /// Begins a transaction: waits for its turn.
    pub fn begin(&self) -> Tx<'_> {
        assert_none_open();
        self.lock();
        OPEN.set(true);
        let (writes, index) = (Vec::with_capacity(FEW), HashMap::new());
        Tx { shm: self, writes, index, written: 0, after: After::default(), desktop: None }
    }
}

impl<'a> Tx<'a> {
    /// The memory.
    pub fn shm(&self) -> &'a Shm {
        self.shm
    }

    /// A word as this transaction leaves it.
    #[inline]
    pub fn get(&self, place: u32) -> u32 {
        match self.find(place) {
            Some(at) => self.writes[at].1,
            None => self.shm.load(place),
        }
    }

    /// The block that a word says the place of, 0 for none: what cannot be a block's place is none.
    #[inline]
    pub fn link(&self, place: u32) -> u32 {
        self.shm.as_block(self.get(place))
    }

    #[inline]
    fn find(&self, place: u32) -> Option<usize> {
        #[cfg(test)]
        super::tests::look();
        if self.written & bit(place) == 0 {
            return None;
        }
        if self.writes.len() <= FEW {
            return self.writes.iter().position(|(written, _)| *written == place);
        }
        self.index.get(&place).copied()
    }

    /// Whether this transaction sets a word.
    pub(super) fn is_written(&self, place: u32) -> bool {
        self.find(place).is_some()
    }

    /// Sets a word.
    pub fn set(&mut self, place: u32, value: u32) {
        // Neither the lock nor the log is a transaction's to change: only what damaged memory says leads there.
        if place < layout::TOP {
            return;
        }
        match self.find(place) {
            Some(at) => self.writes[at].1 = value,
            None => {
                self.written |= bit(place);
                self.writes.push((place, value));
                if self.writes.len() == FEW + 1 {
                    self.index = self.writes.iter().enumerate().map(|(at, (place, _))| (*place, at)).collect();
                } else if self.writes.len() > FEW {
                    self.index.insert(place, self.writes.len() - 1);
                }
            }
        }
    }

    /// Sets a word of a block that this transaction allocated: nobody else can see it yet, so it needs no log.
    #[inline]
    pub fn fill(&self, place: u32, value: u32) {
        self.shm.store(place, value);
    }

    /// Words that the log has room for still.
    pub fn room(&self) -> u32 {
        layout::LOG_ENTRIES.saturating_sub(u32::try_from(self.writes.len()).unwrap_or(u32::MAX))
    }

    /// Whether half of the log is used: what may take much has the next transaction for it.
    pub fn is_half_full(&self) -> bool {
        self.room() < layout::LOG_ENTRIES / 2
    }

    /// Carries the transaction out.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES` when it writes more words than the log has room for; nothing has happened then.
    pub fn commit(mut self) -> Nt<()> {
        let shm = self.shm;
        let length = u32::try_from(self.writes.len()).unwrap_or(u32::MAX);
        if length > layout::LOG_ENTRIES {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        match self.writes.as_slice() {
            [] => {}
            // One store is whole by itself.
            [(place, value)] => shm.store(*place, *value),
            writes => {
                for (at, (place, value)) in (layout::LOG..).step_by(2).zip(writes) {
                    shm.store(at, *place);
                    shm.store(at + 1, *value);
                }
                // From this store on the transaction has happened.
                shm.store(layout::LOG_LENGTH, length);
                fence(Ordering::Release);
                shm.redo();
            }
        }
        let after = core::mem::take(&mut self.after);
        drop(self);
        shm.tell(&after);
        Ok(())
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        OPEN.set(false);
        // In tests, a member that was killed gives nothing back.
        #[cfg(test)]
        if super::tests::is_killed() {
            return;
        }
        self.shm.unlock();
    }
}
