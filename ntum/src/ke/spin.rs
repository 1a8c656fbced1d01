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
/// How many waits go by without spinning before it is tried again: at first, and at most, after many trials in vain.
const REST: core::ops::RangeInclusive<u32> = 16..=1024;

/// Most rounds of a wait for messages: who answers may sleep itself, and takes as long to wake on a processor that idles.
const PATIENT: u32 = 2048;

/// What a thread has learned of its waits, or a socket of the waits for it.
pub struct Spin {
    /// Most rounds of one wait.
    most: u32,
    /// Rounds that the next wait may take; 0: it rests.
    rounds: AtomicU32,
    /// Waits since it rests.
    rested: AtomicU32,
    /// Waits until the next trial.
    rest: AtomicU32,
}

impl Default for Spin {
    fn default() -> Spin {
        Spin::of(MOST)
    }
}

impl Spin {
    fn of(most: u32) -> Spin {
        let rounds = AtomicU32::new(most / 4);
        Spin { most, rounds, rested: AtomicU32::new(0), rest: AtomicU32::new(*REST.start()) }
    }

    /// One of waits for messages, whose senders wait for answers.
    pub fn patient() -> Spin {
        Spin::of(PATIENT)
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
        if due { self.most } else { 0 }
    }

    /// Takes in how a wait went that was allowed `rounds`.
    fn learn(&self, rounds: u32, paid: bool) {
        let rest = self.rest.load(Ordering::Relaxed);
        let (next, rest) = match self.rounds.load(Ordering::Relaxed) {
            _ if paid => (self.most, *REST.start()),
            // A trial.
            0 => (0, (rest * 2).min(*REST.end())),
            _ => (rounds / 2, rest),
        };
        self.rounds.store(next, Ordering::Relaxed);
        self.rest.store(rest, Ordering::Relaxed);
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
    for _ in 0..rounds.div_ceil(cost) {
        core::hint::spin_loop();
        if let Some(found) = ready() {
            spin.learn(rounds, true);
            return Some(found);
        }
        if thread.pending.load(Ordering::Relaxed) != 0 {
            return None;
        }
    }
    if rounds != 0 {
        spin.learn(rounds, false);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(spin: &Spin, paid: bool, count: usize) -> u32 {
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
        waits(&spin, false, 10);
        // Trials, at full length, become rare.
        assert_eq!(waits(&spin, false, 16 + 32 + 64), MOST * 3);
        assert_eq!(waits(&spin, false, 2048) / MOST, 4);
        while spin.allowed() == 0 {}
        spin.learn(MOST, true);
        assert_eq!(waits(&spin, true, 10), MOST * 10);
        // Some that fail among many that pay cost nothing to speak of.
        spin.learn(MOST, false);
        assert_eq!(spin.allowed(), MOST / 2);
    }
}
