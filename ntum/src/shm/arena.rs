//! The words, and who looks at them.

use super::layout;
use crate::host::Wake;
use std::sync::atomic::{AtomicU32, Ordering, fence};

/// What the memory needs of the machine.
pub trait Members: Send + Sync {
    /// Whether the member with this number may still run. Numbers are not used again.
    fn alive(&self, member: u32) -> bool;
    /// Sleeps while a shared word is `expected`, until woken or the deadline on [`Members::monotonic`].
    fn wait_shared(&self, word: &AtomicU32, expected: u32, deadline: Option<u64>) -> Wake;
    /// Wakes up to `count` sleepers on a shared word, in whatever member.
    fn wake_shared(&self, word: &AtomicU32, count: u32);
    /// Nanoseconds since the host started.
    fn monotonic(&self) -> u64;
    /// Does what is left to do outside of the memory; it may have been done.
    fn dispose(&'static self, waste: &super::waste::Waste);
}

/// The memory of a sandbox, as one of its members sees it.
pub struct Shm {
    words: &'static [AtomicU32],
    pub(super) members: &'static dyn Members,
    /// The member's own number: not 0, below 2^31.
    pub(super) me: u32,
    /// Stores that are left until the member is "killed".
    #[cfg(test)]
    pub(crate) fuel: std::sync::atomic::AtomicI64,
}

impl Shm {
    /// The memory behind these words, for the member `me`. Zeros are an empty memory.
    pub fn new(words: &'static [AtomicU32], members: &'static dyn Members, me: u32) -> Shm {
        Shm {
            words,
            members,
            me,
            #[cfg(test)]
            fuel: std::sync::atomic::AtomicI64::new(i64::MAX),
        }
    }

    /// The member's own number.
    pub fn me(&self) -> u32 {
        self.me
    }

    /// Number of words.
    pub(super) fn size(&self) -> u32 {
        u32::try_from(self.words.len()).unwrap_or(u32::MAX)
    }

    /// A word; past the end, one that nothing is kept in. Places come out of the memory itself, which another member may have
    /// damaged: that must not end this one.
    #[inline]
    pub fn word(&self, place: u32) -> &AtomicU32 {
        static NOWHERE: AtomicU32 = AtomicU32::new(0);
        self.words.get(place as usize).unwrap_or(&NOWHERE)
    }

    /// Words from a place on; none past the end.
    pub(super) fn words(&self, place: u32, count: usize) -> &[AtomicU32] {
        let from = place as usize;
        self.words.get(from..from.saturating_add(count)).unwrap_or(&[])
    }

    /// A word's value now; 0 past the end.
    #[inline]
    pub fn load(&self, place: u32) -> u32 {
        #[cfg(test)]
        super::tests::look();
        self.words.get(place as usize).map_or(0, |word| word.load(Ordering::Acquire))
    }

    /// The block that a word says the place of, 0 for none: what cannot be a block's place is none.
    #[inline]
    pub fn link(&self, place: u32) -> u32 {
        self.as_block(self.load(place))
    }

    /// A block's place, which another member may have damaged: what lies outside of the heap stands for none.
    #[inline]
    pub(super) fn as_block(&self, block: u32) -> u32 {
        if (layout::HEAP..self.size()).contains(&block) { block } else { 0 }
    }

    /// Stores. All changes of the memory but the atomic exchanges of [`Shm::word`] go through here.
    #[inline]
    pub(super) fn store(&self, place: u32, value: u32) {
        #[cfg(test)]
        self.burn();
        if let Some(word) = self.words.get(place as usize) {
            word.store(value, Ordering::Release);
        }
    }

    /// In tests, "kills" the member when its fuel is used up: everything it holds stays as it is.
    #[cfg(test)]
    pub(super) fn burn(&self) {
        if self.fuel.fetch_sub(1, Ordering::Relaxed) <= 0 {
            super::tests::kill();
        }
    }

    /// Writes what was committed; what is written twice is the same.
    pub(super) fn redo(&self) {
        let length = self.load(layout::LOG_LENGTH).min(layout::LOG_ENTRIES);
        for entry in 0..length {
            let at = layout::LOG + entry * 2;
            self.store(self.load(at), self.load(at + 1));
        }
        // The log may go only when what it says is done.
        fence(Ordering::Release);
        self.store(layout::LOG_LENGTH, 0);
    }
}
