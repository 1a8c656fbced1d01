//! Limits of jobs, as a process in them keeps to them: memory when it is committed, time when it is looked at, priority and
//! processors when somebody sets them. What the limits are is in the sandbox's memory: `shm::limits`.

use super::info::class;
use crate::kernel::Kernel;
use crate::status::*;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// How often a process whose time is limited looks at it, in nanoseconds.
const LOOK: u64 = 100_000_000;

/// The component's part of the state.
#[derive(Default)]
pub struct Kept {
    /// Whether memory is limited, and who asks.
    memory: OnceLock<&'static Kernel>,
    limited: AtomicBool,
    /// The priority class that counts, whatever is set; 0 without one.
    class: AtomicU32,
    /// Processors that may be run on; 0 for all.
    affinity: AtomicU64,
    /// Whether somebody looks at the time.
    watched: AtomicBool,
}

impl Kept {
    /// The priority class that a process has when it sets one.
    pub fn class(&self, wanted: u32) -> u32 {
        match self.class.load(Ordering::Relaxed) {
            0 => wanted,
            class => class,
        }
    }

    /// The processors that it may set.
    pub fn affinity(&self, system: u64) -> u64 {
        match self.affinity.load(Ordering::Relaxed) & system {
            0 => system,
            mask => mask,
        }
    }

    /// Asks whether a process may have committed so many bytes.
    ///
    /// # Errors
    /// `STATUS_COMMITMENT_LIMIT`.
    #[inline]
    pub fn charge(&self, committed: u64) -> Nt<()> {
        if !self.limited.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.memory.get().map_or(Ok(()), |k| k.ask_jobs(committed))
    }
}

/// The class behind a number of JOBOBJECT_BASIC_LIMIT_INFORMATION.PriorityClass: PROCESS_PRIOCLASS_*, or *_PRIORITY_CLASS, which
/// Wine's kernelbase passes on. Without a privilege real time is high.
pub fn priority_class(number: u32) -> Option<u32> {
    Some(match number {
        0x40 => class::IDLE,
        0x4000 => class::BELOW_NORMAL,
        0x20 => class::NORMAL,
        0x8000 => class::ABOVE_NORMAL,
        0x80 | 0x100 | class::REALTIME => class::HIGH,
        class::IDLE..=class::ABOVE_NORMAL => number,
        _ => return None,
    })
}

impl Kernel {
    /// Asks the process's jobs whether it may have committed so much.
    fn ask_jobs(&'static self, committed: u64) -> Nt<()> {
        let Ok((shm, me)) = self.sandbox() else { return Ok(()) };
        let mut tx = shm.begin();
        let process = tx.process_of(me);
        let alive = |number| self.host.alive(number);
        let much = tx.is_too_much(process, committed)
            || self.boot.memory != 0
                && tx.committed_beside(process, &alive).saturating_add(committed) > self.boot.memory;
        tx.commit()?;
        if much { Err(STATUS_COMMITMENT_LIMIT) } else { Ok(()) }
    }

    /// Bytes committed in the sandbox, as far as processes that began say; of this one alone while it is the only one.
    pub fn committed(&'static self) -> u64 {
        let own = self.mm.committed();
        let Some((shm, me)) = self.known_member() else { return own };
        let tx = shm.begin();
        tx.committed_beside(tx.process_of(me), &|number| self.host.alive(number)).saturating_add(own)
    }

    /// Takes a priority class, PROCESS_PRIOCLASS_*, and lets the others know.
    pub(super) fn take_class(&'static self, class: u32) {
        self.process().info.class.store(class, Ordering::Relaxed);
        if let Some((shm, me)) = self.known_member() {
            let mut tx = shm.begin();
            let process = tx.process_of(me);
            tx.set_process_priority(process, class);
            // A transaction that fails changed nothing: they are told the class before.
            let _ = tx.commit();
        }
        self.apply_schedules();
    }

    /// Keeps to what the process's jobs limit from now on, and, with the others, to what the sandbox may commit.
    pub(super) fn keep_limits(&'static self) {
        let Ok((shm, me)) = self.sandbox() else { return };
        let limits = {
            let tx = shm.begin();
            let process = tx.process_of(me);
            let limits = tx.limits_of(process);
            self.mm.show_in(shm.word(tx.committed_of(process)));
            limits
        };
        let kept = &self.ps.kept;
        let _ = kept.memory.set(self);
        kept.limited.store(limits.memory.is_some() || limits.shared_memory || self.boot.memory != 0, Ordering::Relaxed);
        let class = limits.class.and_then(priority_class).unwrap_or(0);
        kept.class.store(class, Ordering::Relaxed);
        let process = self.process();
        if class != 0 {
            self.take_class(class);
        }
        let affinity = limits.affinity.unwrap_or(0) & self.affinity_mask();
        kept.affinity.store(affinity, Ordering::Relaxed);
        if affinity != 0 {
            process.info.affinity.store(affinity, Ordering::Relaxed);
            self.ps.threads().iter().for_each(|thread| thread.info.affinity.store(0, Ordering::Relaxed));
            self.place_threads();
            self.apply_schedules();
        }
        if limits.time && !kept.watched.swap(true, Ordering::AcqRel) {
            let watch = move || self.watch_time();
            if self.host.spawn_worker(Box::new(watch)).is_err() {
                kept.watched.store(false, Ordering::Release);
            }
        }
    }

    /// Tells the process's jobs what it used, again and again, while they limit that.
    fn watch_time(&'static self) {
        let Ok((shm, me)) = self.sandbox() else { return };
        let word = AtomicU32::new(0);
        loop {
            self.host.wait(&word, 0, Some(self.host.monotonic() + LOOK));
            if self.ps.exit_status.load(Ordering::Acquire) != STATUS_PENDING.0 {
                return;
            }
            let used = self.used();
            let mut tx = shm.begin();
            let process = tx.process_of(me);
            if !tx.limits_of(process).time {
                self.ps.kept.watched.store(false, Ordering::Release);
                return;
            }
            tx.spend_time(process, &used);
            if tx.commit().and_then(|()| shm.dispose()).is_err() {
                return;
            }
        }
    }
}
