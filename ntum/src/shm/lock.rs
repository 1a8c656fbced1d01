//! The lock: a word that says who holds it, so that it outlives its holder.

use super::{Shm, layout};
use crate::host::Wake;
use std::sync::atomic::Ordering;

/// Somebody sleeps until the lock is given back.
const WAITED: u32 = 1 << 31;
/// Looks before the first sleep: a transaction takes less than a microsecond.
const SPINS: u32 = 60;
/// How long a sleeper waits before it asks whether the holder still lives, in nanoseconds.
const PATIENCE: u64 = 2_000_000;

impl Shm {
    /// Takes the lock, and brings to its end what a holder that was killed had committed.
    pub(super) fn lock(&self) {
        self.take(layout::LOCK);
        #[cfg(test)]
        self.burn();
        if self.load(layout::LOG_LENGTH) != 0 {
            self.redo();
        }
    }

    /// Gives the lock back.
    pub(super) fn unlock(&self) {
        #[cfg(test)]
        self.burn();
        self.give(layout::LOCK);
    }

    /// Holds the lock that a word is, until the answer is dropped. A holder's death gives it to the next.
    pub fn hold_word(&self, place: u32) -> Held<'_> {
        self.take(place);
        Held { shm: self, place }
    }

    fn take(&self, place: u32) {
        let word = self.word(place);
        let mut spins = 0;
        // A member that slept cannot tell whether others still do.
        let mut mine = self.me;
        loop {
            let found = match word.compare_exchange(0, mine, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => break,
                Err(found) => found,
            };
            if spins < SPINS {
                spins += 1;
                std::hint::spin_loop();
                continue;
            }
            let waited = found | WAITED;
            if found != waited && word.compare_exchange(found, waited, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                continue;
            }
            mine = self.me | WAITED;
            let deadline = self.members.monotonic().saturating_add(PATIENCE);
            if self.members.wait_shared(word, waited, Some(deadline)) == Wake::TimedOut
                && !self.members.alive(waited & !WAITED)
                && word.compare_exchange(waited, mine, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            {
                break;
            }
        }
    }

    fn give(&self, place: u32) {
        let word = self.word(place);
        if word.swap(0, Ordering::AcqRel) & WAITED != 0 {
            self.members.wake_shared(word, 1);
        }
    }
}

/// A word that is held as a lock.
pub struct Held<'a> {
    shm: &'a Shm,
    place: u32,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.shm.give(self.place);
    }
}
