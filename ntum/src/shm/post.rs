//! What members ask of each other: requests left in the other's inbox, and the answers to them.

use super::list::List;
use super::{Shm, Tx, member};
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES, STATUS_PROCESS_IS_TERMINATING};
use std::sync::atomic::{AtomicU32, Ordering};

/// Words of a request.
mod field {
    /// Node in the inbox.
    pub const NODE: u32 = 0;
    /// [`super::ASKED`], then how it went. Who asked sleeps on it.
    pub const STATE: u32 = 2;
    /// What is asked: a block of bytes.
    pub const REQUEST: u32 = 3;
    /// What is answered: a block of bytes.
    pub const REPLY: u32 = 4;
    /// The record of who asked, 0 when it is no more.
    pub const FROM: u32 = 5;
    /// Number of words.
    pub const COUNT: u32 = 6;
}

/// Nobody has answered yet.
pub const ASKED: u32 = 0;
/// The answer is there.
const ANSWERED: u32 = 1;
/// There will be none.
const REFUSED: u32 = 2;

/// A request that a member took out of its inbox.
pub struct Taken {
    post: u32,
    /// What is asked.
    pub request: Vec<u8>,
}

impl Tx<'_> {
    /// Leaves a request in a member's inbox.
    ///
    /// # Errors
    /// `STATUS_PROCESS_IS_TERMINATING` for a member that is gone, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn post(&mut self, to: u32, from: u32, request: &[u8]) -> Nt<u32> {
        if !self.members().contains(&to) {
            return Err(STATUS_PROCESS_IS_TERMINATING);
        }
        let post = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let bytes = self.allocate_bytes(request).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(post + field::REQUEST, bytes);
        self.set(post + field::FROM, from);
        List(to + member::field::INBOX).push(self, post + field::NODE);
        let bell = self.get(to + member::field::BELL);
        self.set(to + member::field::BELL, bell.wrapping_add(1));
        Ok(post)
    }

    /// Has a member look at what there is for it.
    pub fn call_on(&mut self, to: u32) {
        let bell = self.get(to + member::field::BELL);
        self.set(to + member::field::BELL, bell.wrapping_add(1));
        self.after.members.push(to);
    }

    fn free_post(&mut self, post: u32) {
        for block in [self.get(post + field::REQUEST), self.get(post + field::REPLY)] {
            if block != 0 {
                self.free(block);
            }
        }
        self.free(post);
    }

    /// Refuses what is in a dead member's inbox; answers the requests whose senders are to be woken.
    pub(super) fn refuse_posts(&mut self, to: u32) -> Vec<u32> {
        let posts: Vec<u32> =
            List(to + member::field::INBOX).nodes(self).into_iter().map(|n| n - field::NODE).collect();
        for post in &posts {
            List(to + member::field::INBOX).remove(self, post + field::NODE);
            self.end_post(*post, REFUSED);
        }
        posts
    }

    fn end_post(&mut self, post: u32, state: u32) {
        let from = self.get(post + field::FROM);
        if self.members().contains(&from) {
            self.set(post + field::STATE, state);
        } else {
            self.free_post(post);
        }
    }
}

impl Shm {
    /// Rings at a member's door.
    pub fn ring(&self, to: u32) {
        self.members.wake_shared(self.word(to + member::field::BELL), 1);
    }

    /// Where a member hears the ring.
    pub fn bell(&self, of: u32) -> &AtomicU32 {
        self.word(of + member::field::BELL)
    }

    /// Where who asked sleeps, while the word is [`ASKED`].
    pub fn post_state(&self, post: u32) -> &AtomicU32 {
        self.word(post + field::STATE)
    }

    /// Takes the next request out of a member's inbox.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn take_post(&self, of: u32) -> Nt<Option<Taken>> {
        let mut tx = self.begin();
        let inbox = List(of + member::field::INBOX);
        let node = inbox.first(&tx);
        if node == 0 {
            return Ok(None);
        }
        let post = node - field::NODE;
        inbox.remove(&mut tx, node);
        let request = tx.bytes(tx.get(post + field::REQUEST));
        tx.commit()?;
        Ok(Some(Taken { post, request }))
    }

    /// Answers a request.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn answer_post(&self, taken: &Taken, reply: &[u8]) -> Nt<()> {
        let mut tx = self.begin();
        match tx.allocate_bytes(reply) {
            Some(block) => {
                tx.set(taken.post + field::REPLY, block);
                tx.end_post(taken.post, ANSWERED);
            }
            None => tx.end_post(taken.post, REFUSED),
        }
        tx.commit()?;
        self.members.wake_shared(self.post_state(taken.post), 1);
        Ok(())
    }

    /// What was answered; the request is over. `None` if it was refused.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn end_of_post(&self, post: u32) -> Nt<Option<Vec<u8>>> {
        let mut tx = self.begin();
        let answered = tx.get(post + field::STATE) == ANSWERED;
        let reply = answered.then(|| tx.bytes(tx.get(post + field::REPLY)));
        tx.free_post(post);
        tx.commit()?;
        Ok(reply)
    }

    /// Who asked waits no longer: the answer, when it comes, is thrown away.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn abandon_post(&self, post: u32) -> Nt<()> {
        let mut tx = self.begin();
        if tx.get(post + field::STATE) == ASKED {
            tx.set(post + field::FROM, 0);
        } else {
            tx.free_post(post);
        }
        tx.commit()
    }

    /// Wakes who asked.
    pub(super) fn wake_posts(&self, posts: &[u32]) {
        for post in posts {
            if self.post_state(*post).load(Ordering::Acquire) != ASKED {
                self.members.wake_shared(self.post_state(*post), 1);
            }
        }
    }
}
