//! Who waits for sockets: the poller's own thread, or a thread of the program's that waits at a completion port anyway.
//!
//! A thread at a port that waits for the host itself needs no other to tell it: that spares two changes of threads for each answer.
//! When it has something to do it gives the role up, without a word; the poller's thread, which looks at it every millisecond for as
//! long as threads come and go, takes it if nobody does. Where several threads wait at ports, the others are not to wait for that
//! one: the poller's thread keeps the role.

use super::poller::Afd;
use crate::call::Cx;
use crate::ke::wait::{Deadline, WAITING};
use crate::kernel::Kernel;
use crate::ps::thread::pending;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering, fence};

/// The poller's thread waits for sockets.
const POLLER: u32 = 0;
/// A thread at a port does.
const LED: u32 = 1;
/// Nobody does, for now.
const FREE: u32 = 2;

/// Between two looks, in nanoseconds.
const LOOK: u64 = 1_000_000;
/// How many looks a thread may wait before the poller's sleeps until it is woken.
const PATIENCE: u32 = 8;

/// The role.
#[derive(Default)]
pub struct Role {
    /// Whose it is.
    whose: AtomicU32,
    /// Counts those that led.
    turns: AtomicU32,
    /// A thread at a port would have led.
    wanted: AtomicBool,
    /// The poller's thread sleeps until it is woken.
    sleeps: AtomicBool,
    /// Threads that wait at ports and do not lead.
    others: AtomicU32,
    /// The poller's thread is to take the role at once.
    needed: AtomicBool,
    /// Address of the word that the leading thread waits for, 0 for none.
    word: AtomicUsize,
    /// It waits in the host.
    waits: AtomicBool,
}

/// A thread waits at a port, and does not lead, until this goes.
pub struct Other<'a>(&'a Role);

impl Drop for Other<'_> {
    fn drop(&mut self) {
        self.0.others.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Role {
    /// Whether a thread at a port is to have the role, which the poller's thread has: then it gives it up.
    pub fn passes(&self) -> bool {
        if !self.wanted.swap(false, Ordering::AcqRel) || self.others.load(Ordering::Acquire) > 1 {
            return false;
        }
        self.whose.store(FREE, Ordering::Release);
        true
    }

    /// The poller's thread waits until the role is its own.
    pub fn stand_by(&self, k: &'static Kernel) {
        let mut same = 0;
        loop {
            let (whose, turns) = (self.whose.load(Ordering::Acquire), self.turns.load(Ordering::Acquire));
            let take = || self.whose.compare_exchange(FREE, POLLER, Ordering::AcqRel, Ordering::Relaxed).is_ok();
            let needed = whose == FREE && self.needed.swap(false, Ordering::AcqRel);
            if whose == FREE && (needed || same > 0) && take() {
                return;
            }
            if whose == LED && same >= PATIENCE {
                self.sleeps.store(true, Ordering::SeqCst);
                k.host.wait(&self.whose, LED, None);
                self.sleeps.store(false, Ordering::SeqCst);
                same = 0;
                continue;
            }
            k.host.wait(&self.whose, whose, Some(k.host.monotonic() + LOOK));
            let still = (self.whose.load(Ordering::Acquire), self.turns.load(Ordering::Acquire)) == (whose, turns);
            same = if still { same + 1 } else { 0 };
        }
    }

    fn begin(&self, word: &AtomicU32) -> bool {
        match self.whose.compare_exchange(FREE, LED, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => {
                self.turns.fetch_add(1, Ordering::AcqRel);
                self.word.store(core::ptr::from_ref(word).addr(), Ordering::SeqCst);
                true
            }
            Err(whose) => {
                if whose == POLLER {
                    self.wanted.store(true, Ordering::Release);
                }
                false
            }
        }
    }

    fn end(&self, k: &Kernel) {
        self.word.store(0, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let needed = self.others.load(Ordering::SeqCst) > 0;
        self.needed.store(needed, Ordering::SeqCst);
        self.whose.store(FREE, Ordering::SeqCst);
        if needed || self.sleeps.load(Ordering::SeqCst) {
            k.host.wake(&self.whose, 1);
        }
    }
}

impl Afd {
    /// Wakes the thread that waits for a word at a port, once the word was changed.
    pub fn wake(k: &Kernel, word: &AtomicU32) {
        let role = &k.io.afd.role;
        fence(Ordering::SeqCst);
        if role.word.load(Ordering::SeqCst) != core::ptr::from_ref(word).addr() {
            k.host.wake(word, 1);
        } else if role.waits.load(Ordering::SeqCst) {
            k.io.afd.ring_bell(k);
        }
    }

    /// Waits for sockets in place of the poller's thread, if there are any and nobody else does, until the word changes, or until
    /// there is another reason to end the wait for it, which the caller finds out. What it answers is to be kept as long as it waits.
    pub fn lead(&'static self, cx: &Cx<'_>, word: &AtomicU32, alertable: bool, deadline: Deadline) -> Other<'static> {
        let other = || {
            self.role.others.fetch_add(1, Ordering::SeqCst);
            Other(&self.role)
        };
        let Some(many) = self.many() else { return other() };
        if !self.role.begin(word) {
            return other();
        }
        let _resting = cx.k.ex.rest(cx.k);
        if alertable {
            // Before the first look at what is pending: whoever queues an APC does it the other way round.
            cx.t.alertable.store(true, Ordering::SeqCst);
        }
        loop {
            self.role.waits.store(true, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            let ends = word.load(Ordering::Acquire) != WAITING
                || cx.t.pending.load(Ordering::Acquire) & pending::SUSPEND != 0
                || cx.t.interruption(alertable).is_some();
            let until = match deadline {
                Deadline::Never => None,
                Deadline::At(at) => Some(at),
            };
            if ends || until.is_some_and(|at| at <= cx.k.host.monotonic()) {
                break;
            }
            if self.look(cx.k, many, until, Some(&self.role.waits)).is_err() {
                break;
            }
        }
        self.role.waits.store(false, Ordering::SeqCst);
        if alertable {
            cx.t.alertable.store(false, Ordering::Release);
        }
        self.role.end(cx.k);
        other()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn the_role_goes_to_one_thread_and_comes_back() {
        let (_, k) = Fake::kernel();
        let (role, word) = (Role::default(), AtomicU32::new(WAITING));
        assert!(!role.begin(&word), "the poller's thread has it");
        assert!(role.passes(), "and gives it to who wants it");
        assert!(role.begin(&word));
        assert!(!role.begin(&word), "there is one");
        assert!(!role.passes(), "who finds that another thread leads wants nothing");
        role.end(k);
        role.stand_by(k);
        assert_eq!(role.whose.load(Ordering::Acquire), POLLER);
        role.others.store(2, Ordering::Release);
        assert!(!role.begin(&word));
        assert!(!role.passes(), "one of several would leave the others alone");
    }

    #[test]
    fn who_leaves_others_behind_calls_the_poller() {
        let (_, k) = Fake::kernel();
        let (role, word) = (Role::default(), AtomicU32::new(WAITING));
        role.whose.store(FREE, Ordering::Release);
        assert!(role.begin(&word));
        role.others.store(1, Ordering::Release);
        role.end(k);
        assert!(role.needed.load(Ordering::Acquire));
        role.stand_by(k);
        assert!(!role.needed.load(Ordering::Acquire));
    }
}
