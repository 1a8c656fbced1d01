//! What threads get of the host's processors: priorities as nice values, affinity and CPU sets as the processors they run on,
//! power throttling as a lower priority and timers that may be late. The monitor sets it, within what the sandbox has.

use super::info::{base_priority, class, nice};
use super::thread::Thread;
use crate::kernel::Kernel;
use crate::status::*;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// PROCESS_POWER_THROTTLING_EXECUTION_SPEED and THREAD_POWER_THROTTLING_EXECUTION_SPEED: EcoQoS.
const EXECUTION_SPEED: u32 = 1;
/// PROCESS_POWER_THROTTLING_IGNORE_TIMER_RESOLUTION.
const IGNORE_TIMER_RESOLUTION: u32 = 4;
/// How late timers may be then, in nanoseconds: Windows' own period.
const LATE: u64 = 15_625_000;
/// The nice value that EcoQoS has at least: that of a normal thread in an idle process.
const ECONOMICAL: i32 = 10;

/// What the host is told of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Schedule {
    /// -20 to 19.
    pub nice: i32,
    /// A bit for each processor; 0 leaves them as they are.
    pub processors: u64,
    /// Nanoseconds that timers may be late; 0 is the host's default.
    pub slack: u64,
}

/// CPU sets and throttling, of a process or a thread.
#[derive(Debug, Default)]
pub struct Chosen {
    /// A bit for each CPU set, the first being number 256; 0 for none chosen.
    pub sets: AtomicU64,
    /// *_POWER_THROTTLING_*: what is controlled.
    control: AtomicU32,
    /// And what of it is on.
    state: AtomicU32,
}

impl Chosen {
    /// Takes PROCESS_POWER_THROTTLING_STATE or THREAD_POWER_THROTTLING_STATE: version, control and state masks.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER`.
    pub fn throttle(&self, [version, control, state]: [u32; 3]) -> Nt<()> {
        if version != 1 || state & !control != 0 {
            return Err(STATUS_INVALID_PARAMETER);
        }
        self.control.store(control, Ordering::Relaxed);
        self.state.store(state, Ordering::Relaxed);
        Ok(())
    }

    /// The same structure.
    pub fn throttling(&self) -> [u32; 3] {
        [1, self.control.load(Ordering::Relaxed), self.state.load(Ordering::Relaxed)]
    }

    /// The CPU sets as they are queried: nothing if none is chosen.
    pub fn chosen_sets(&self) -> Vec<u8> {
        match self.sets.load(Ordering::Relaxed) {
            0 => Vec::new(),
            sets => sets.to_le_bytes().into(),
        }
    }

    /// Whether something is throttled, if it is controlled.
    fn is_on(&self, what: u32) -> Option<bool> {
        let [_, control, state] = self.throttling();
        (control & what != 0).then_some(state & what != 0)
    }
}

/// Whether a process ever asked for anything, so that every thread is told the host as it begins: host threads are used again, and
/// begin as those that made them are.
#[derive(Debug, Default)]
pub struct Ever {
    asked: AtomicBool,
    placed: AtomicBool,
}

impl Kernel {
    /// What a thread is to have.
    fn schedule_of(&self, thread: &Thread) -> Schedule {
        let process = &self.process().info;
        let level = thread.info.level.load(Ordering::Relaxed);
        let nice = nice(base_priority(process.class.load(Ordering::Relaxed), level));
        let on = |what| thread.info.chosen.is_on(what).or(process.chosen.is_on(what)).unwrap_or(false);
        let (economical, late) = (on(EXECUTION_SPEED), on(EXECUTION_SPEED) || on(IGNORE_TIMER_RESOLUTION));
        // CPU sets are what is preferred: affinity, which is a rule, counts where they contradict it.
        let affinity = thread.affinity(self);
        let sets = [&thread.info.chosen, &process.chosen].map(|chosen| chosen.sets.load(Ordering::Relaxed));
        let preferred = sets.into_iter().find(|sets| *sets != 0).unwrap_or(u64::MAX) & affinity;
        Schedule {
            nice: if economical { nice.max(ECONOMICAL) } else { nice },
            processors: match preferred {
                _ if !self.ps.ever.placed.load(Ordering::Relaxed) => 0,
                0 => affinity,
                some => some,
            },
            slack: if late { LATE } else { 0 },
        }
    }

    /// Tells the host what a thread is to have.
    pub fn apply_schedule(&self, thread: &Thread) {
        // Before the thread's number is looked at: one that has none yet looks at this, in that order.
        self.ps.ever.asked.swap(true, Ordering::SeqCst);
        self.host.schedule(thread, &self.schedule_of(thread));
    }

    /// The same for all threads.
    pub fn apply_schedules(&self) {
        self.ps.ever.asked.swap(true, Ordering::SeqCst);
        self.ps.threads().iter().for_each(|thread| self.apply_schedule(thread));
    }

    /// From now on the host is told of every thread that begins, and on which processors it runs.
    pub fn ask_for_schedules(&self) {
        self.ps.ever.asked.store(true, Ordering::Relaxed);
        self.place_threads();
    }

    /// From now on the host is told on which processors threads run.
    pub fn place_threads(&self) {
        self.ps.ever.placed.store(true, Ordering::Relaxed);
    }

    /// Tells the host of a thread that is about to run, unless it is to have what every thread has.
    pub fn first_schedule(&self, thread: &Thread) {
        let normal = self.process().info.class.load(Ordering::Relaxed) == class::NORMAL;
        if !normal || self.ps.ever.asked.fetch_or(false, Ordering::SeqCst) {
            self.apply_schedule(thread);
        }
    }
}
