//! Looking again for a moment before going to sleep.
//!
//! Putting a thread to sleep and waking it costs microseconds on both sides; where threads answer each other, what a wait is
//! for often comes sooner. Each thread learns from its own waits whether spinning pays: as long as it does it spins, when
//! it does not it stops soon, and tries again now and then.

use crate::kernel::Kernel;
use crate::ps::thread::Thread;
use std::sync::atomic::{AtomicU32, Ordering};

/// Most rounds of one wait, each a few tens of nanoseconds: about what it takes to wake a thread on another processor.
const MOST: u32 = 256;
/// Most rounds where who answers may sleep itself, on a processor that idles and takes as long to wake as a virtual one does.
const PATIENT: u32 = 2048;
/// How many waits go by without spinning before it is tried again: at first, and at most, after many trials in vain.
const REST: core::ops::RangeInclusive<u32> = 16..=1024;
/// How many answers in a row may come as late as from a sleeper: who sends them has tried to spin itself by then, and answers sooner
/// if that pays.
const LATE: u32 = 2 * *REST.end();

/// What a thread has learned of its waits, or a socket of the waits for it.
pub struct Spin {
    /// Most rounds of one wait while answers come soon.
    most: u32,
    /// Rounds of a trial, and of the waits after one that was answered late.
    trial: u32,
    /// Rounds that the next wait may take; 0: it rests.
    rounds: AtomicU32,
    /// Waits since it rests.
    rested: AtomicU32,
    /// Waits until the next trial.
    rest: AtomicU32,
    /// Answers in a row that took more rounds than `most`.
    late: AtomicU32,
}

impl Default for Spin {
    fn default() -> Spin {
        Spin::of(MOST, PATIENT)
    }
}

impl Spin {
    fn of(most: u32, trial: u32) -> Spin {
        let [rounds, rest] = [most / 4, *REST.start()].map(AtomicU32::new);
        Spin { most, trial, rounds, rest, rested: AtomicU32::new(0), late: AtomicU32::new(0) }
    }

    /// One of waits for messages, whose senders wait for answers.
    pub fn patient() -> Spin {
        Spin::of(PATIENT, PATIENT)
    }

    /// One of waits for what comes from elsewhere, each of whose rounds is a system call.
    pub fn brief() -> Spin {
        Spin::of(MOST, MOST)
    }

    /// Rounds that the next wait may take.
    fn allowed(&self) -> u32 {
        let rounds = self.rounds.load(Ordering::Relaxed);
        if rounds != 0 {
            return rounds;
        }
        let rested = self.rested.load(Ordering::Relaxed) + 1;
        let due = rested >= self.rest.load(Ordering::Relaxed);
        self.rested.store(if due { 0 } else { rested }, Ordering::Relaxed);
        if due { self.trial } else { 0 }
    }

    /// Takes in how a wait went that was allowed `rounds`: after how many it was over.
    fn learn(&self, rounds: u32, paid: Option<u32>) {
        let rest = self.rest.load(Ordering::Relaxed);
        let late = self.late.load(Ordering::Relaxed);
        let is_late = paid.is_some_and(|after| after > self.most);
        let (next, rest) = match (paid, self.rounds.load(Ordering::Relaxed)) {
            (Some(_), _) if !is_late => (self.most, *REST.start()),
            (Some(_), _) if late < LATE => (self.trial, *REST.start()),
            (Some(_), _) => (0, *REST.end()),
            // A trial.
            (None, 0) => (0, (rest * 2).min(*REST.end())),
            (None, _) => (rounds / 2, rest),
        };
        let late = match paid {
            Some(_) if is_late => (late + 1).min(LATE),
            Some(_) => 0,
            None => late,
        };
        self.rounds.store(next, Ordering::Relaxed);
        self.rest.store(rest, Ordering::Relaxed);
        self.late.store(late, Ordering::Relaxed);
    }
}

/// Asks `ready` again and again for a moment, if that has paid before. What is pending for the thread ends it, and so does a
/// host with one processor: what it waits for could not happen meanwhile.
pub fn spin<T>(k: &Kernel, thread: &Thread, ready: impl FnMut() -> Option<T>) -> Option<T> {
    spin_by(k, thread, &thread.spin, 1, ready)
}

/// As [`spin`], by what `spin` has learned; `ready` takes as long as `cost` rounds.
pub fn spin_by<T>(
    k: &Kernel,
    thread: &Thread,
    spin: &Spin,
    cost: u32,
    mut ready: impl FnMut() -> Option<T>,
) -> Option<T> {
    if k.boot.processors < 2 {
        return None;
    }
    let rounds = spin.allowed();
    for round in 0..rounds.div_ceil(cost) {
        core::hint::spin_loop();
        if let Some(found) = ready() {
            spin.learn(rounds, Some(round.saturating_mul(cost)));
            return Some(found);
        }
        if thread.pending.load(Ordering::Relaxed) != 0 {
            return None;
        }
    }
    if rounds != 0 {
        spin.learn(rounds, None);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(spin: &Spin, paid: Option<u32>, count: usize) -> u32 {
        (0..count)
            .map(|_| {
                let rounds = spin.allowed();
                if rounds != 0 {
                    spin.learn(rounds, paid);
                }
                rounds
            })
            .sum()
    }

    #[test]
    fn what_does_not_pay_ends_soon_and_is_tried_again() {
        let spin = Spin::default();
        waits(&spin, None, 10);
        // Trials, at full length, become rare.
        assert_eq!(waits(&spin, None, 16 + 32 + 64), PATIENT * 3);
        assert_eq!(waits(&spin, None, 2048) / PATIENT, 4);
        while spin.allowed() == 0 {}
        spin.learn(PATIENT, Some(3));
        assert_eq!(waits(&spin, Some(3), 10), MOST * 10);
        // Some that fail among many that pay cost nothing to speak of.
        spin.learn(MOST, None);
        assert_eq!(spin.allowed(), MOST / 2);
    }

    #[test]
    fn who_answers_late_is_waited_for_until_it_spins_itself() {
        let spin = Spin::default();
        waits(&spin, None, 10);
        while spin.allowed() == 0 {}
        spin.learn(PATIENT, Some(MOST + 1));
        assert_eq!(waits(&spin, Some(MOST + 1), 100), PATIENT * 100);
        assert_eq!(waits(&spin, Some(3), 2), PATIENT + MOST);
        // One that never does is not waited for in the end, but now and then.
        spin.learn(PATIENT, Some(MOST + 1));
        waits(&spin, Some(MOST + 1), LATE as usize);
        assert_eq!(waits(&spin, Some(MOST + 1), 10 * *REST.end() as usize), PATIENT * 10);
        while spin.allowed() == 0 {}
        spin.learn(PATIENT, Some(3));
        assert_eq!(spin.allowed(), MOST);
    }
}
