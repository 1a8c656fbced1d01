//! Waiting for shared objects.
//!
//! An object's state is one word: the signal count (a mutant's: its owner's thread number, 0 while free), and [`WAITED`].
//! While nobody waits, every change is one exchange on it. Who waits sets the bit, enlists in the object's list, and sleeps
//! on a word of its wait block; from then on changes are transactions that let through who can be let through, in order
//! of arrival, and wake them after. A wake-up that got lost with its sender is made good when the sender is reaped.

use super::list::List;
use super::object::field;
use super::{Shm, Tx};
use crate::ke::dispatcher::Kind;
use crate::status::{
    Nt, STATUS_ABANDONED_WAIT_0, STATUS_INSUFFICIENT_RESOURCES, STATUS_TIMEOUT, STATUS_WAIT_0, Status,
};
use std::sync::atomic::Ordering;

/// Bit of an object's state: somebody waits.
const WAITED: u32 = 1 << 31;
/// The rest of it.
pub(super) const COUNT: u32 = WAITED - 1;

/// Words of a thread's wait block.
mod block {
    /// Node in the member's list. A block is known by it.
    pub const NODE: u32 = 0;
    /// [`super::WAITING`], or the status that ends the wait. The thread sleeps on it.
    pub const RESULT: u32 = 2;
    /// The thread's number.
    pub const THREAD: u32 = 3;
    /// Objects waited for; 0 while the thread does not wait.
    pub const OBJECTS: u32 = 4;
    /// Whether for all of them.
    pub const ALL: u32 = 5;
    /// Where the objects' nodes begin.
    pub const FIRST: u32 = 6;
}

/// Words for each object of a wait: its place in the object's list, the object, the block.
mod node {
    pub const OBJECT: u32 = 2;
    pub const BLOCK: u32 = 3;
    pub const COUNT: u32 = 4;
}

/// The word that a waiting thread sleeps on, while it is to sleep.
pub const WAITING: u32 = u32::MAX;

/// Threads that wait for an object, at most.
const MOST_WAITS: u32 = 1 << 20;
/// Words that letting one wait through writes at most, and the rest of its transaction.
const ROOM: u32 = 600;

/// What began with [`Shm::begin_wait`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It is over already.
    Done(Status),
    /// The thread is to sleep while the word is [`WAITING`], and then call [`Shm::end_wait`].
    Sleep,
}

impl Tx<'_> {
    /// A wait block for a thread of a member, for at most so many objects.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn new_block(&mut self, member: u32, thread: u32, objects: u32) -> Nt<u32> {
        let block = self.allocate(block::FIRST + objects * node::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.fill(block + block::THREAD, thread);
        List(member + super::member::field::WAITS).push(self, block + block::NODE);
        Ok(block)
    }

    /// Takes a wait block away.
    pub fn drop_block(&mut self, member: u32, block: u32) {
        self.delist(block);
        List(member + super::member::field::WAITS).remove(self, block + block::NODE);
        self.free(block);
    }

    fn node(block: u32, index: u32) -> u32 {
        block + block::FIRST + index * node::COUNT
    }

    fn count(&self, object: u32) -> u32 {
        self.get(object + field::STATE) & COUNT
    }

    /// Sets an object's count; the bit stays while somebody waits. The object must be marked.
    fn set_count(&mut self, object: u32, count: u32) {
        let waited = if List(object + field::WAITS).is_empty(self) { 0 } else { WAITED };
        self.set(object + field::STATE, count | waited);
    }

    /// Takes the mark away, if nobody waits.
    pub(super) fn unmark(&mut self, object: u32) {
        let count = self.count(object);
        self.set_count(object, count);
    }

    fn is_signalled_for(&self, object: u32, thread: u32) -> bool {
        match self.shm().kind(object) {
            Kind::None => false,
            Kind::Mutant => matches!(self.count(object), owner if owner == 0 || owner == thread),
            _ => self.count(object) != 0,
        }
    }

    /// Acquires what [`Tx::is_signalled_for`] said can be acquired; answers whether it had been abandoned.
    fn acquire(&mut self, object: u32, thread: u32) -> bool {
        let count = self.count(object);
        match self.shm().kind(object) {
            Kind::None | Kind::Notification => false,
            Kind::Synchronization => {
                self.set_count(object, 0);
                false
            }
            Kind::Semaphore => {
                self.set_count(object, count.saturating_sub(1));
                false
            }
            Kind::Mutant if count == thread => {
                let again = self.get(object + field::EXTRA).wrapping_add(1);
                self.set(object + field::EXTRA, again);
                false
            }
            Kind::Mutant => {
                self.set_count(object, thread);
                let abandoned = self.get(object + field::ABANDONED) != 0;
                if abandoned {
                    self.set(object + field::ABANDONED, 0);
                }
                abandoned
            }
        }
    }

    fn ready(&self, objects: &[u32], thread: u32, all: bool, index: usize) -> bool {
        let ready = |object: &u32| self.is_signalled_for(*object, thread);
        if all { objects.iter().all(ready) } else { objects.get(index).is_some_and(ready) }
    }

    /// Acquires what [`Tx::ready`] said can be acquired; answers the status that says so.
    fn take(&mut self, objects: &[u32], thread: u32, all: bool, index: usize) -> Status {
        let mut abandoned = false;
        let (taken, number) =
            if all { (objects, 0) } else { (objects.get(index..=index).unwrap_or(&[]), index as u32) };
        for object in taken {
            abandoned |= self.acquire(*object, thread);
        }
        let base = if abandoned { STATUS_ABANDONED_WAIT_0 } else { STATUS_WAIT_0 };
        Status(base.0 + number)
    }

    fn objects_of(&self, block: u32) -> Vec<u32> {
        let count = self.get(block + block::OBJECTS).min(64);
        (0..count).map(|index| self.link(Self::node(block, index) + node::OBJECT)).collect()
    }

    /// Takes a block off every list.
    fn delist(&mut self, block: u32) {
        for (index, object) in (0..).zip(self.objects_of(block)) {
            List(object + field::WAITS).remove(self, Self::node(block, index));
            self.unmark(object);
        }
        self.set(block + block::OBJECTS, 0);
    }

    /// Lets through who can be let through, in order of arrival, as far as the log has room; answers whether some are left.
    /// The object must be marked.
    fn satisfy(&mut self, object: u32, woken: &mut Vec<u32>) -> bool {
        let mut at = List(object + field::WAITS).first(self);
        // Damaged memory may hold a ring.
        let mut looked = 0;
        while at != 0 && self.count_allows(object) && looked < MOST_WAITS {
            if self.room() < ROOM {
                return true;
            }
            looked += 1;
            let block = self.link(at + node::BLOCK);
            let index = (at.wrapping_sub(block + block::FIRST) / node::COUNT) as usize;
            // Those before it stay unable to go on: signals only get fewer here.
            let next = List::next(self, at);
            let objects = self.objects_of(block);
            let (thread, all) = (self.get(block + block::THREAD), self.get(block + block::ALL) != 0);
            if self.ready(&objects, thread, all, index) {
                let status = self.take(&objects, thread, all, index);
                self.delist(block);
                self.set(block + block::RESULT, status.0);
                woken.push(block);
            }
            at = next;
        }
        self.unmark(object);
        false
    }

    fn count_allows(&self, object: u32) -> bool {
        self.shm().kind(object) == Kind::Mutant || self.count(object) != 0
    }

    /// Signals an object that is marked; answers whether the log had no room for some that it lets through.
    pub(super) fn signal(&mut self, object: u32, woken: &mut Vec<u32>) -> bool {
        let count = self.count(object).max(1);
        self.set_count(object, count);
        self.satisfy(object, woken)
    }

    /// Takes an object's signal away; answers whether it was signalled.
    pub(super) fn take_signal(&mut self, object: u32) -> bool {
        self.shm.mark(object);
        let before = self.count(object) != 0;
        self.set_count(object, 0);
        before
    }

    /// Releases a mutant, which is marked, that its owner left.
    pub(super) fn abandon(&mut self, object: u32, woken: &mut Vec<u32>) {
        self.set(object + field::EXTRA, 0);
        self.set(object + field::ABANDONED, 1);
        self.set_count(object, 0);
        self.satisfy(object, woken);
    }
}

impl Shm {
    /// From here on every change of the object is a transaction. Only within one.
    pub(super) fn mark(&self, object: u32) {
        if self.as_block(object) != 0 {
            self.word(object + field::STATE).fetch_or(WAITED, Ordering::AcqRel);
        }
    }

    /// Wakes the threads of these blocks.
    pub(super) fn wake_blocks(&self, blocks: &[u32]) {
        for block in blocks {
            let word = self.word(block + block::RESULT);
            if word.load(Ordering::Acquire) != WAITING {
                self.members.wake_shared(word, 1);
            }
        }
    }

    /// Where a block's thread sleeps.
    pub fn result_of(&self, block: u32) -> &std::sync::atomic::AtomicU32 {
        self.word(block + block::RESULT)
    }

    /// An object's count; a mutant's owner.
    pub fn count(&self, object: u32) -> u32 {
        self.load(object + field::STATE) & COUNT
    }

    /// How often a mutant's owner acquired it beyond the first time, and whether it was abandoned.
    pub fn mutant_state(&self, object: u32) -> (u32, u32, bool) {
        let tx = self.begin();
        let abandoned = tx.get(object + field::ABANDONED) != 0;
        (tx.get(object + field::STATE) & COUNT, tx.get(object + field::EXTRA), abandoned)
    }

    /// Acquires for a thread without a transaction, if one exchange does it.
    pub fn try_acquire(&self, object: u32, thread: u32) -> Option<Status> {
        let word = self.word(object + field::STATE);
        let state = word.load(Ordering::Acquire);
        let new = match self.kind(object) {
            Kind::Notification => return (state & COUNT != 0).then_some(STATUS_WAIT_0),
            Kind::Synchronization if state == 1 => 0,
            Kind::Semaphore if state & WAITED == 0 && state != 0 => state - 1,
            // A mutant that was abandoned says so once: that is a transaction's to tell.
            Kind::Mutant if state == 0 && self.load(object + field::ABANDONED) == 0 => thread,
            Kind::Mutant if state & COUNT == thread => {
                // The owner's alone to change.
                let extra = self.load(object + field::EXTRA);
                self.store(object + field::EXTRA, extra.wrapping_add(1));
                return Some(STATUS_WAIT_0);
            }
            _ => return None,
        };
        word.compare_exchange(state, new, Ordering::AcqRel, Ordering::Relaxed).is_ok().then_some(STATUS_WAIT_0)
    }

    /// Begins a wait with a thread's own block, which has room for the objects; `poll` never sleeps
    /// (`STATUS_TIMEOUT`).
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn begin_wait(&self, block: u32, objects: &[u32], all: bool, poll: bool) -> Nt<Begun> {
        let mut tx = self.begin();
        let thread = tx.get(block + block::THREAD);
        objects.iter().for_each(|object| self.mark(*object));
        let candidates = if all { 1 } else { objects.len() };
        let index = (0..candidates).find(|index| tx.ready(objects, thread, all, *index));
        let early = match index {
            Some(index) => Some(tx.take(objects, thread, all, index)),
            None => poll.then_some(STATUS_TIMEOUT),
        };
        if let Some(status) = early {
            objects.iter().for_each(|object| tx.unmark(*object));
            tx.commit()?;
            return Ok(Begun::Done(status));
        }
        tx.set(block + block::OBJECTS, objects.len() as u32);
        tx.set(block + block::ALL, u32::from(all));
        tx.set(block + block::RESULT, WAITING);
        for (index, object) in (0..).zip(objects) {
            let at = Tx::node(block, index);
            tx.set(at + node::OBJECT, *object);
            tx.set(at + node::BLOCK, block);
            List(object + field::WAITS).push(&mut tx, at);
            tx.unmark(*object);
        }
        tx.commit()?;
        Ok(Begun::Sleep)
    }

    /// Ends a wait that was begun, satisfied or not: answers its status if it was.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn end_wait(&self, block: u32) -> Nt<Option<Status>> {
        // Whoever satisfies a wait takes it off the lists in the same transaction.
        let satisfied = |result: u32| (result != WAITING).then_some(Status(result));
        if let Some(status) = satisfied(self.load(block + block::RESULT)) {
            return Ok(Some(status));
        }
        let mut tx = self.begin();
        if let Some(status) = satisfied(tx.get(block + block::RESULT)) {
            return Ok(Some(status));
        }
        for object in tx.objects_of(block) {
            self.mark(object);
        }
        tx.delist(block);
        tx.commit()?;
        Ok(None)
    }

    /// Signals: sets an event, a process's end and the like; answers the state before.
    pub fn set(&self, object: u32) -> bool {
        self.exchange(object, |_| Some(1))
            .unwrap_or_else(|| self.change(object, |count| Some(count.max(1)), false))
            .unwrap_or(0)
            != 0
    }

    /// Takes the signal away; answers the state before.
    pub fn reset(&self, object: u32) -> bool {
        self.exchange(object, |_| Some(0)).unwrap_or_else(|| self.change(object, |_| Some(0), false)).unwrap_or(0) != 0
    }

    /// Signals for whoever waits at this instant; answers the state before.
    pub fn pulse(&self, object: u32) -> bool {
        self.change(object, |count| Some(count.max(1)), true).unwrap_or(0) != 0
    }

    /// Adds to a semaphore's count unless that passes its limit; answers the count before.
    pub fn release(&self, object: u32, by: u32) -> Option<u32> {
        let limit = self.load(object + field::EXTRA);
        let sum = |count: u32| count.checked_add(by).filter(|sum| *sum <= limit && *sum <= COUNT);
        self.exchange(object, sum).unwrap_or_else(|| self.change(object, sum, false))
    }

    /// Releases a mutant once; answers the count before as NT counts, `None` if the thread is not its owner.
    pub fn release_mutant(&self, object: u32, thread: u32) -> Option<i32> {
        if self.count(object) != thread {
            return None;
        }
        let extra = self.load(object + field::EXTRA);
        if extra > 0 {
            self.store(object + field::EXTRA, extra - 1);
            return Some(-(extra as i32));
        }
        let word = self.word(object + field::STATE);
        if word.compare_exchange(thread, 0, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            self.change(object, |_| Some(0), false);
        }
        Some(0)
    }

    /// Releases a mutant that the thread owns and leaves.
    pub fn abandon(&self, object: u32, thread: u32) {
        let mut woken = Vec::new();
        let mut tx = self.begin();
        self.mark(object);
        if tx.count(object) == thread {
            tx.abandon(object, &mut woken);
        } else {
            tx.unmark(object);
        }
        if tx.commit().is_ok() {
            self.wake_blocks(&woken);
        }
    }

    /// Changes the count by one exchange, while nobody waits: `None` if somebody does. The answer is as [`Shm::change`]'s.
    fn exchange(&self, object: u32, new: impl Fn(u32) -> Option<u32>) -> Option<Option<u32>> {
        let word = self.word(object + field::STATE);
        let mut state = word.load(Ordering::Relaxed);
        while state & WAITED == 0 {
            let Some(next) = new(state) else { return Some(None) };
            #[cfg(test)]
            self.burn();
            match word.compare_exchange_weak(state, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Some(Some(state)),
                Err(now) => state = now,
            }
        }
        None
    }

    /// Changes the count, lets waiters through, and then takes the signal away if it is for an instant only; answers the
    /// count before, `None` if `new` refused.
    fn change(&self, object: u32, new: impl FnOnce(u32) -> Option<u32>, instant: bool) -> Option<u32> {
        let mut tx = self.begin();
        self.mark(object);
        let before = tx.count(object);
        let Some(after) = new(before) else {
            tx.unmark(object);
            tx.commit().ok()?;
            return None;
        };
        tx.set_count(object, after);
        loop {
            let mut woken = Vec::new();
            let more = tx.satisfy(object, &mut woken);
            if instant && !more {
                tx.set_count(object, 0);
            }
            tx.commit().ok()?;
            self.wake_blocks(&woken);
            if !more {
                return Some(before);
            }
            // More of them than a transaction has room for.
            tx = self.begin();
            self.mark(object);
        }
    }
}
