//! Requests that wait: for data of a pipe, for room in it, for somebody at its other end.
//!
//! A request belongs to the member whose thread asked. Whoever brings what it waits for finishes it: takes it off its queue and
//! leaves status and data with it, in the same transaction. If a thread sleeps on it, that thread is woken and takes it in;
//! else it goes to its member's list of finished ones. A wake-up that got lost with its sender is made good when the sender
//! is reaped.

use super::list::List;
use super::tx::After;
use super::{Shm, Tx, layout, member};
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES, Status};
use std::sync::atomic::{AtomicU32, Ordering, fence};

/// Words of a request.
pub(super) mod field {
    /// Node in its queue, and then in the member's list of finished ones.
    pub const NODE: u32 = 0;
    /// The queue; 0 when it is finished.
    pub const QUEUE: u32 = 2;
    /// Node in the member's list of all.
    pub const OWN: u32 = 3;
    /// The member's record.
    pub const MEMBER: u32 = 5;
    /// [`super::Kind`].
    pub const KIND: u32 = 6;
    /// [`super::WAITING`], or the status. Its thread sleeps on it.
    pub const RESULT: u32 = 7;
    /// 1 when the thread is about to sleep. In no transaction.
    pub const SLEEPS: u32 = 8;
    /// 1: a thread waits for it; 0: the member hears of it.
    pub const SYNCHRONOUS: u32 = 9;
    /// The member's name for it, two words.
    pub const TOKEN: u32 = 10;
    /// Bytes moved.
    pub const INFORMATION: u32 = 12;
    /// What it brings: a chain of segments, 0 for nothing.
    pub const DATA: u32 = 13;
    /// Reads: bytes that there is room for. Writes: bytes in all.
    pub const LENGTH: u32 = 14;
    /// The end of the pipe whose queue it is in; 0 for none.
    pub const END: u32 = 15;
    /// Number of words.
    pub const COUNT: u32 = 16;
}

/// The word that a waiting thread sleeps on, while it is to sleep.
pub const WAITING: u32 = u32::MAX;

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// Data.
    Read = 1,
    /// That what it wrote is read, or has room.
    Write = 2,
    /// Anything else: nothing goes with it.
    Other = 3,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    /// The member's record.
    pub member: u32,
    /// Its name for the request.
    pub token: u64,
    /// Whether a thread sleeps until it is finished.
    pub synchronous: bool,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// How.
    pub status: Status,
    /// Bytes moved.
    pub information: usize,
    /// What a read brought.
    pub data: Vec<u8>,
}

impl Done {
    /// Success.
    pub fn moved(information: usize) -> Done {
        Done { status: crate::status::STATUS_SUCCESS, information, data: Vec::new() }
    }
}

/// How a request went at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is finished.
    Done(Done),
    /// It waits: its record.
    Pending(u32),
}

impl Tx<'_> {
    /// Puts a request on a queue.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn ask(&mut self, asker: Asker, kind: Kind, queue: List, end: u32, length: u32) -> Nt<u32> {
        let request = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.fill(request + field::MEMBER, asker.member);
        self.fill(request + field::KIND, kind as u32);
        self.fill(request + field::RESULT, WAITING);
        self.fill(request + field::SYNCHRONOUS, u32::from(asker.synchronous));
        self.fill(request + field::TOKEN, asker.token as u32);
        self.fill(request + field::TOKEN + 1, (asker.token >> 32) as u32);
        self.fill(request + field::LENGTH, length);
        self.fill(request + field::END, end);
        self.fill(request + field::QUEUE, queue.0);
        queue.push(self, request + field::NODE);
        List(asker.member + member::field::REQUESTS).push(self, request + field::OWN);
        Ok(request)
    }

    /// Takes a request that waits to another queue.
    pub(super) fn move_request(&mut self, request: u32, to: List) {
        List(self.get(request + field::QUEUE)).remove(self, request + field::NODE);
        self.set(request + field::QUEUE, to.0);
        to.push(self, request + field::NODE);
    }

    /// The first request of a queue; 0 if there is none.
    pub(super) fn first_request(&self, queue: List) -> u32 {
        // The node is a request's first word.
        queue.first(self)
    }

    /// Finishes a request that brings no data.
    pub(super) fn finish(&mut self, request: u32, status: Status, information: u32) {
        List(self.get(request + field::QUEUE)).remove(self, request + field::NODE);
        self.set(request + field::QUEUE, 0);
        self.set(request + field::INFORMATION, information);
        self.set(request + field::RESULT, status.0);
        if self.get(request + field::SYNCHRONOUS) != 0 {
            self.after.requests.push(request);
            return;
        }
        let owner = self.link(request + field::MEMBER);
        List(owner + member::field::FINISHED).push(self, request + field::NODE);
        // A member looks for its own when it has changed something.
        if self.get(owner + member::field::NUMBER) != self.shm.me {
            let bell = self.get(owner + member::field::BELL);
            self.set(owner + member::field::BELL, bell.wrapping_add(1));
            self.after.members.push(owner);
        }
    }

    /// Finishes all requests of a queue.
    pub(super) fn finish_all(&mut self, queue: List, status: Status) {
        for node in queue.nodes(self) {
            self.finish(node - field::NODE, status, 0);
        }
    }

    /// Finishes a read with what it brings.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn finish_with(&mut self, request: u32, status: Status, data: &[u8]) -> Nt<()> {
        let chain = self.data_chain(data)?;
        self.set(request + field::DATA, chain);
        self.finish(request, status, data.len() as u32);
        Ok(())
    }

    /// A finished request's end; the record is gone.
    fn take_in(&mut self, request: u32) -> Done {
        let done = Done {
            status: Status(self.get(request + field::RESULT)),
            information: self.get(request + field::INFORMATION) as usize,
            data: self.take_chain(self.get(request + field::DATA)),
        };
        let owner = self.link(request + field::MEMBER);
        List(owner + member::field::REQUESTS).remove(self, request + field::OWN);
        self.free(request);
        done
    }

    /// Takes a member's request with that name out of its queue, and finishes it. Answers whether it was there.
    pub fn cancel(&mut self, member: u32, token: u64, status: Status) -> bool {
        let own = List(member + member::field::REQUESTS).nodes(self).into_iter().map(|node| node - field::OWN);
        let named = |request: &u32| {
            let (low, high) = (self.get(request + field::TOKEN), self.get(request + field::TOKEN + 1));
            u64::from(low) | u64::from(high) << 32 == token && self.get(request + field::QUEUE) != 0
        };
        let Some(request) = own.into_iter().find(named) else { return false };
        self.withdraw(request, status);
        true
    }

    /// Finishes a request before its time: what it wrote is taken back.
    fn withdraw(&mut self, request: u32, status: Status) {
        let (kind, end) = (self.get(request + field::KIND), self.get(request + field::END));
        if kind == Kind::Write as u32 {
            self.take_back(end, request);
        }
        self.finish(request, status, 0);
        if end != 0 {
            self.settle(end);
        }
    }

    /// Takes a request of a dead member away; answers whether it had one.
    pub(super) fn drop_request_of(&mut self, member: u32) -> bool {
        let node = List(member + member::field::REQUESTS).first(self);
        if node == 0 {
            return false;
        }
        let request = node - field::OWN;
        if self.get(request + field::QUEUE) != 0 {
            self.withdraw(request, crate::status::STATUS_CANCELLED);
        }
        if self.get(request + field::SYNCHRONOUS) == 0 {
            List(member + member::field::FINISHED).remove(self, request + field::NODE);
        }
        let _ = self.take_in(request);
        true
    }

    /// Whoever a dead member should have told is told.
    pub(super) fn tell_all(&mut self) {
        for other in self.members() {
            let requests = List(other + member::field::REQUESTS).nodes(self);
            let finished = requests.into_iter().map(|node| node - field::OWN);
            let finished = finished.filter(|request| self.get(request + field::RESULT) != WAITING);
            self.after.requests.extend(finished.collect::<Vec<_>>());
            if !List(other + member::field::FINISHED).is_empty(self) {
                let bell = self.get(other + member::field::BELL);
                self.set(other + member::field::BELL, bell.wrapping_add(1));
                self.after.members.push(other);
            }
        }
    }
}

impl Shm {
    /// Tells who is to be told.
    pub(super) fn tell(&self, after: &After) {
        self.wake_blocks(&after.blocks);
        if after.display {
            self.tell_display();
        }
        if after.sound {
            self.ring_sound();
        }
        if after.word != 0 {
            self.members.wake_shared(self.word(after.word), u32::MAX);
        }
        if after.requests.is_empty() && after.members.is_empty() {
            return;
        }
        // A thread says that it sleeps before it looks at the result for the last time.
        fence(Ordering::SeqCst);
        for request in &after.requests {
            if self.word(request + field::SLEEPS).load(Ordering::SeqCst) != 0 {
                self.members.wake_shared(self.word(request + field::RESULT), 1);
            }
        }
        after.members.iter().for_each(|member| self.ring(*member));
    }

    /// Where the thread of a request sleeps, while the word is [`WAITING`].
    pub fn result_of_request(&self, request: u32) -> &AtomicU32 {
        self.word(request + field::RESULT)
    }

    /// The thread of a request is about to sleep.
    pub fn will_sleep(&self, request: u32) {
        self.word(request + field::SLEEPS).store(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Takes in a request that a thread waited for.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn end_request(&self, request: u32) -> Nt<Done> {
        let mut tx = self.begin();
        let done = tx.take_in(request);
        tx.commit()?;
        Ok(done)
    }

    /// Takes a request back that a thread waited for, unless it is finished: answers whether it was not.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn withdraw_request(&self, request: u32) -> Nt<bool> {
        let mut tx = self.begin();
        if tx.get(request + field::QUEUE) == 0 {
            return Ok(false);
        }
        tx.withdraw(request, crate::status::STATUS_CANCELLED);
        let _ = tx.take_in(request);
        tx.commit()?;
        Ok(true)
    }

    /// Whether finished requests of a member wait to be taken in.
    pub fn has_finished(&self, member: u32) -> bool {
        self.load(member + member::field::FINISHED) != 0
    }

    /// Takes in a finished request of a member, and its name.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn take_finished(&self, member: u32) -> Nt<Option<(u64, Done)>> {
        let mut tx = self.begin();
        let queue = List(member + member::field::FINISHED);
        let request = tx.first_request(queue);
        if request == 0 {
            return Ok(None);
        }
        queue.remove(&mut tx, request + field::NODE);
        let token = u64::from(tx.get(request + field::TOKEN)) | u64::from(tx.get(request + field::TOKEN + 1)) << 32;
        let done = tx.take_in(request);
        tx.commit()?;
        Ok(Some((token, done)))
    }

    /// Frees what nobody reads any more, in transactions of bounded size.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`, when the memory is damaged.
    pub fn collect(&self) -> Nt<()> {
        while self.load(layout::GARBAGE) != 0 {
            let mut tx = self.begin();
            tx.collect_some();
            tx.commit()?;
        }
        Ok(())
    }

    /// Whether there is something to [`Shm::collect`].
    pub fn has_garbage(&self) -> bool {
        self.load(layout::GARBAGE) != 0
    }
}
