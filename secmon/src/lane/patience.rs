//! How long a lane's thread looks at its page before it blocks.
//!
//! Waking a thread costs more than most calls, so that a picoprocess which asks again soon is worth waiting for. It is never
//! worth more than [`LONGEST`] at a time, nor more than one thread of a sandbox: what a guest can burn of the host by asking
//! often is one processor, and nothing when it asks seldom. Each look in vain costs calls for which there is none, twice as
//! many each time, so that one that asks just too late burns next to nothing.

use nix::sched::sched_getcpu;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Longest look.
pub const LONGEST: Duration = Duration::from_micros(50);
/// Calls that must come on one lane in a row before its thread looks: where several ask, the processors are busy with them.
const ROW: u32 = 16;
/// Calls without a look after the first one in vain, and after many.
const PENANCE: u32 = 16;
const LONG_PENANCE: u32 = 4096;
/// Good looks in a row after which those in vain are forgotten.
const FORGET: u32 = 64;

/// What the lanes of a sandbox share.
pub struct Room {
    /// The lane that served last.
    last: AtomicUsize,
    /// Whether there is more than one processor.
    spare: bool,
    /// Whether every call is looked for, as tests want it.
    pub(super) eager: bool,
}

impl Room {
    /// For this many processors.
    pub fn new(processors: usize) -> Self {
        Room { last: AtomicUsize::new(usize::MAX), spare: processors > 1, eager: false }
    }
}

/// The patience of one lane's thread.
pub struct Patience<'a> {
    room: &'a Room,
    lane: usize,
    /// Calls in a row that came on this lane alone, soon after each other.
    row: u32,
    /// Looks in a row that were not in vain.
    good: u32,
    /// Calls for which it does not look.
    penance: u32,
    /// How many there are after the next look in vain.
    next: u32,
    /// When the wait for the next call began.
    since: Instant,
}

impl<'a> Patience<'a> {
    /// None yet.
    pub fn new(room: &'a Room, lane: usize) -> Self {
        Patience { room, lane, row: 0, good: 0, penance: 0, next: PENANCE, since: Instant::now() }
    }

    /// A call was served for somebody on a processor: whether to look for the next one. The wait for it begins.
    pub fn looks(&mut self, processor: u64) -> bool {
        self.since = Instant::now();
        // Who looks on the processor of whom it waits for keeps it from asking.
        let calm = self.row >= ROW && self.penance == 0;
        self.room.eager || calm && sched_getcpu().is_ok_and(|own| own as u64 != processor)
    }

    /// A call came: after a look for it, while it looked or after that, or without one.
    pub fn came(&mut self, look: Option<bool>) {
        self.came_after(self.since.elapsed(), look);
    }

    fn came_after(&mut self, wait: Duration, look: Option<bool>) {
        let alone = self.room.last.swap(self.lane, Ordering::Relaxed) == self.lane;
        self.row = if alone && wait < LONGEST && self.room.spare { self.row.saturating_add(1) } else { 0 };
        match look {
            None => self.penance = self.penance.saturating_sub(1),
            // One that took long was interrupted: somebody else wants the processor.
            Some(true) if wait < LONGEST * 2 => {
                self.good = self.good.saturating_add(1);
                if self.good >= FORGET {
                    self.next = PENANCE;
                }
            }
            Some(_) => {
                (self.good, self.penance) = (0, self.next);
                self.next = (self.next * 2).min(LONG_PENANCE);
            }
        }
    }
}

#[cfg(test)]
#[path = "../../tests/unit/lane_patience.rs"]
mod tests;
