//! What the process and its threads say about themselves: numbers that calls query and set and nothing else depends on.

use super::schedule::Chosen;
use crate::mm::pe::ImageInformation;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU32, AtomicU64, Ordering};

/// PROCESS_PRIOCLASS_*, as `ProcessPriorityClass` has it.
pub mod class {
    /// PROCESS_PRIOCLASS_IDLE.
    pub const IDLE: u32 = 1;
    /// PROCESS_PRIOCLASS_NORMAL.
    pub const NORMAL: u32 = 2;
    /// PROCESS_PRIOCLASS_HIGH.
    pub const HIGH: u32 = 3;
    /// PROCESS_PRIOCLASS_REALTIME.
    pub const REALTIME: u32 = 4;
    /// PROCESS_PRIOCLASS_BELOW_NORMAL.
    pub const BELOW_NORMAL: u32 = 5;
    /// PROCESS_PRIOCLASS_ABOVE_NORMAL.
    pub const ABOVE_NORMAL: u32 = 6;
}

/// THREAD_PRIORITY_IDLE.
pub const PRIORITY_IDLE: i32 = -15;
/// THREAD_PRIORITY_TIME_CRITICAL.
pub const PRIORITY_TIME_CRITICAL: i32 = 15;

/// A thread's base priority, 1 to 31, from its process's class and its own level (THREAD_PRIORITY_*), as the table
/// "Scheduling Priorities" of the Win32 documentation has it.
pub fn base_priority(process_class: u32, level: i32) -> u32 {
    let middle = match process_class {
        class::IDLE => 4,
        class::BELOW_NORMAL => 6,
        class::ABOVE_NORMAL => 10,
        class::HIGH => 13,
        class::REALTIME => 24,
        _ => 8,
    };
    let (lowest, highest) = if process_class == class::REALTIME { (16, 31) } else { (1, 15) };
    match level {
        i32::MIN..=PRIORITY_IDLE => lowest,
        PRIORITY_TIME_CRITICAL.. => highest,
        _ => (middle + level).clamp(lowest, highest),
    }
    .unsigned_abs()
}

/// The host's nice value of a base priority: the 15 dynamic levels spread over 19 (lowest) to -10, with 8 (a normal
/// thread of a normal process) at 0; the 16 real-time levels from -11 to -20.
///
/// | priority | 1 | 2 | 4 | 6 | 7 | 8 | 9 | 10 | 11 | 13 | 15 | 16 | 24 | 31 |
/// |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
/// | nice | 19 | 16 | 10 | 5 | 2 | 0 | -1 | -2 | -4 | -7 | -10 | -11 | -15 | -20 |
pub fn nice(priority: u32) -> i32 {
    match priority.clamp(1, 31) as i32 {
        low @ 1..=8 => (8 - low) * 19 / 7,
        high @ 9..=15 => -((high - 8) * 10 / 7),
        real => -11 - (real - 16) * 9 / 15,
    }
}

/// What a request of a file is to IO_COUNTERS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoKind {
    /// It reads.
    Read,
    /// It writes.
    Write,
    /// Neither.
    Other,
}

/// IO_COUNTERS: requests that read, wrote and did something else, and their bytes.
#[derive(Debug, Default)]
pub struct IoCounters([AtomicU64; 6]);

impl IoCounters {
    /// Counts one request.
    #[inline]
    pub fn count(&self, kind: IoKind, bytes: u64) {
        self.0[kind as usize].fetch_add(1, Ordering::Relaxed);
        self.0[kind as usize + 3].fetch_add(bytes, Ordering::Relaxed);
    }

    /// Adds those of a thread that ended.
    pub fn add(&self, others: &IoCounters) {
        for (own, other) in self.0.iter().zip(others.get()) {
            own.fetch_add(other, Ordering::Relaxed);
        }
    }

    /// As they are.
    pub fn get(&self) -> [u64; 6] {
        self.0.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}

/// What a thread says about itself.
pub struct ThreadInfo {
    /// THREAD_PRIORITY_*: -15, -2 to 2, 15; -7 to 6 in a real-time process.
    pub level: AtomicI32,
    /// Processors it may run on; 0: those of its process.
    pub affinity: AtomicU64,
    /// Win32 start address, if it is not where the thread starts.
    pub start_address: AtomicU64,
    /// NT time of its start.
    pub created: AtomicI64,
    /// NT time of its end, 0 while it runs.
    pub ended: AtomicI64,
    /// Nanoseconds of processor time in all and outside of the host's kernel, kept when it ends.
    pub time_at_end: [AtomicU64; 2],
    /// What it had read, written and otherwise asked of files.
    pub io: IoCounters,
    /// Whether debuggers do not hear of it.
    pub hidden: AtomicBool,
    /// Whether its priority is not boosted.
    pub boost_disabled: AtomicBool,
    /// Whether the system ends with it (a wish that is kept, not obeyed).
    pub critical: AtomicBool,
    /// Preferred processor.
    pub ideal_processor: AtomicU32,
    /// I/O priority (IO_PRIORITY_HINT), 0 to 4.
    pub io_priority: AtomicU32,
    /// Memory priority, 1 to 5.
    pub page_priority: AtomicU32,
    /// ES_* that it asked for.
    pub execution_state: AtomicU32,
    /// Its CPU sets and throttling.
    pub chosen: Chosen,
    /// Its description.
    pub name: Mutex<Vec<u16>>,
}

impl Default for ThreadInfo {
    fn default() -> ThreadInfo {
        ThreadInfo {
            level: AtomicI32::new(0),
            affinity: AtomicU64::new(0),
            start_address: AtomicU64::new(0),
            created: AtomicI64::new(0),
            ended: AtomicI64::new(0),
            time_at_end: [AtomicU64::new(0), AtomicU64::new(0)],
            io: IoCounters::default(),
            hidden: AtomicBool::new(false),
            boost_disabled: AtomicBool::new(false),
            critical: AtomicBool::new(false),
            ideal_processor: AtomicU32::new(0),
            io_priority: AtomicU32::new(2),
            page_priority: AtomicU32::new(5),
            // ES_CONTINUOUS: nothing.
            execution_state: AtomicU32::new(0x8000_0000),
            chosen: Chosen::default(),
            name: Mutex::new(Vec::new()),
        }
    }
}

/// What the process says about itself.
pub struct ProcessInfo {
    /// PROCESS_PRIOCLASS_*.
    pub class: AtomicU32,
    /// Processors it may run on; 0: all.
    pub affinity: AtomicU64,
    /// SetErrorMode's bits (with ProcessDefaultHardErrorMode's meaning: 1 is "report").
    pub error_mode: AtomicU32,
    /// NT time of its start.
    pub created: AtomicI64,
    /// Random number for pointer encoding, 0 before it was asked for.
    pub cookie: AtomicU32,
    /// Whether priorities are not boosted.
    pub boost_disabled: AtomicBool,
    /// Whether the system ends with it (a wish that is kept, not obeyed).
    pub critical: AtomicBool,
    /// I/O priority (IO_PRIORITY_HINT), 0 to 4.
    pub io_priority: AtomicU32,
    /// Memory priority, 1 to 5.
    pub page_priority: AtomicU32,
    /// Working set limits in bytes.
    pub working_set: Mutex<[u64; 2]>,
    /// What its threads that ended had read, written and otherwise asked of files.
    pub io: IoCounters,
    /// CPU sets and throttling of threads that chose none.
    pub chosen: Chosen,
    /// Its image's headers, once it is mapped.
    pub image: Mutex<Option<ImageInformation>>,
}

impl Default for ProcessInfo {
    fn default() -> ProcessInfo {
        ProcessInfo {
            class: AtomicU32::new(class::NORMAL),
            affinity: AtomicU64::new(0),
            error_mode: AtomicU32::new(1),
            created: AtomicI64::new(0),
            cookie: AtomicU32::new(0),
            boost_disabled: AtomicBool::new(false),
            critical: AtomicBool::new(false),
            io_priority: AtomicU32::new(2),
            page_priority: AtomicU32::new(5),
            // 50 and 345 pages: what every process of Windows starts with.
            working_set: Mutex::new([204_800, 1_413_120]),
            io: IoCounters::default(),
            chosen: Chosen::default(),
            image: Mutex::new(None),
        }
    }
}

impl ProcessInfo {
    /// Processors it may run on, of those in `system`.
    pub fn affinity_of(&self, system: u64) -> u64 {
        match self.affinity.load(Ordering::Relaxed) & system {
            0 => system,
            some => some,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_follow_the_documented_table() {
        for (process_class, level, base) in [
            (class::NORMAL, 0, 8),
            (class::NORMAL, -2, 6),
            (class::NORMAL, 2, 10),
            (class::NORMAL, -15, 1),
            (class::NORMAL, 15, 15),
            (class::IDLE, -2, 2),
            (class::IDLE, 2, 6),
            (class::BELOW_NORMAL, 1, 7),
            (class::ABOVE_NORMAL, -1, 9),
            (class::HIGH, 2, 15),
            (class::HIGH, -2, 11),
            (class::REALTIME, -15, 16),
            (class::REALTIME, -7, 17),
            (class::REALTIME, 6, 30),
            (class::REALTIME, 15, 31),
        ] {
            assert_eq!(base_priority(process_class, level), base, "class {process_class}, level {level}");
        }
    }

    #[test]
    fn nice_values_fall_with_priority_and_normal_is_zero() {
        let table = [(1, 19), (2, 16), (4, 10), (6, 5), (7, 2), (8, 0), (9, -1), (10, -2), (11, -4), (13, -7)];
        for (priority, value) in table.into_iter().chain([(15, -10), (16, -11), (24, -15), (31, -20)]) {
            assert_eq!(nice(priority), value, "priority {priority}");
        }
        assert!((1..31).all(|p| nice(p) > nice(p + 1) || p >= 16 && nice(p) >= nice(p + 1)));
    }
}
