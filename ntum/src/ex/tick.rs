//! The ticking of the shared page's times.
//!
//! A guest that runs must see the times advance, a process at rest must use no processor time. So a kernel thread writes
//! them once a period, but only while some guest thread is neither asleep in a wait nor ended; when none is left, it
//! sleeps until one goes on, and a thread that goes on brings the times up to date itself before it returns to the guest.

use super::time::COARSEST_PERIOD;
use crate::kernel::Kernel;
use parking_lot::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};

/// The component's state.
pub struct Ex {
    /// Guest threads that run, that is: are not resting.
    running: AtomicI32,
    /// What the ticking thread sleeps on: [`TICKING`], [`PARKED`] or [`HURRIED`].
    state: AtomicU32,
    /// Whether the ticking thread was started.
    started: AtomicBool,
    /// Period in 100 ns.
    period: AtomicU32,
    /// Whether NtSetTimerResolution asked for it.
    asked: AtomicBool,
    /// What feeds the host, and until when that is taken to be so.
    pub(super) power: Mutex<Option<(u64, shim_abi::power::Power)>>,
    /// Whether somebody writes the times now.
    pub(super) writing: AtomicBool,
    /// What UUIDs are made of.
    pub(super) uuids: Mutex<super::identity::Uuids>,
    /// The last hard error: its status, and as text.
    pub(super) hard_error: Mutex<Option<(u32, String)>>,
    /// Next locally unique number.
    pub(crate) next_luid: AtomicU64,
    /// NT time of the host's start, as it was first told.
    pub(super) boot_time: OnceLock<i64>,
    /// The time zone's rules, and the minute since 1970 that they were looked up in.
    pub(super) rules: Mutex<Option<(i64, super::zone::Rules)>>,
    /// What the host's time zone says.
    pub(super) zone: OnceLock<std::sync::Arc<super::zone::Zone>>,
}

const TICKING: u32 = 0;
const PARKED: u32 = 1;
/// Not to wait for the period's end this time.
const HURRIED: u32 = 2;

impl Default for Ex {
    fn default() -> Ex {
        Ex {
            running: AtomicI32::new(0),
            state: AtomicU32::new(TICKING),
            started: AtomicBool::new(false),
            period: AtomicU32::new(COARSEST_PERIOD),
            asked: AtomicBool::new(false),
            power: Mutex::default(),
            writing: AtomicBool::new(false),
            // Small numbers mean things of their own, such as SYSTEM's logon session, 0x3e7.
            next_luid: AtomicU64::new(0x1_0000),
            uuids: Default::default(),
            hard_error: Mutex::new(None),
            boot_time: OnceLock::new(),
            rules: Mutex::new(None),
            zone: OnceLock::new(),
        }
    }
}

/// While it lives, the thread counts as resting: the shared times need not tick for it.
pub struct Resting<'a> {
    k: &'a Kernel,
}

impl Drop for Resting<'_> {
    fn drop(&mut self) {
        self.k.ex.goes_on(self.k);
    }
}

impl Ex {
    /// The calling guest thread is about to sleep.
    pub fn rest<'a>(&self, k: &'a Kernel) -> Resting<'a> {
        self.running.fetch_sub(1, Ordering::AcqRel);
        Resting { k }
    }

    /// A guest thread is about to run for the first time.
    pub fn thread_started(&self, k: &'static Kernel) {
        self.goes_on(k);
        if !self.started.swap(true, Ordering::AcqRel) && k.host.spawn_worker(Box::new(move || k.ex.tick(k))).is_err() {
            // Without the thread times advance at every wait's end only; the next thread tries again.
            self.started.store(false, Ordering::Release);
        }
    }

    /// A guest thread has run for the last time.
    pub fn thread_ended(&self, _: &Kernel) {
        self.running.fetch_sub(1, Ordering::AcqRel);
    }

    fn goes_on(&self, k: &Kernel) {
        k.update_times();
        self.running.fetch_add(1, Ordering::SeqCst);
        if self.state.load(Ordering::SeqCst) == PARKED
            && self.state.compare_exchange(PARKED, TICKING, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        {
            k.host.wake(&self.state, 1);
        }
    }

    /// Has the kernel's other threads started at once, which else come after the first period. Making a thread costs the one that
    /// does it more than waking one, and this is a thread that nobody waits for.
    pub(crate) fn hurry(&self, k: &Kernel) {
        if self.state.compare_exchange(TICKING, HURRIED, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            k.host.wake(&self.state, 1);
        }
    }

    fn tick(&self, k: &'static Kernel) {
        loop {
            let deadline = k.host.monotonic() + u64::from(self.period()) * 100;
            k.host.wait(&self.state, TICKING, Some(deadline));
            let _ = self.state.compare_exchange(HURRIED, TICKING, Ordering::AcqRel, Ordering::Relaxed);
            k.update_times();
            // Ctrl-C reaches a program without a console too.
            crate::io::condrv::listen(k);
            if k.boot.born {
                k.serve_inbox();
            }
            // Parks, unless somebody runs. Whoever goes on after the exchange sees it parked; whoever did before is
            // seen here.
            if self.running.load(Ordering::Relaxed) <= 0 {
                self.state.store(PARKED, Ordering::SeqCst);
                if self.running.load(Ordering::SeqCst) > 0 {
                    self.state.store(TICKING, Ordering::Release);
                }
            }
            while self.state.load(Ordering::Acquire) == PARKED {
                k.host.wait(&self.state, PARKED, None);
            }
        }
    }

    /// Whether the ticking thread sleeps until a guest thread goes on.
    #[cfg(test)]
    pub(super) fn is_parked(&self) -> bool {
        self.state.load(Ordering::Acquire) == PARKED
    }

    /// The clock's period in 100 ns.
    pub fn period(&self) -> u32 {
        self.period.load(Ordering::Relaxed)
    }

    /// Sets the period, or takes the wish back (`None`); answers whether one had been asked for before.
    pub(super) fn ask_period(&self, k: &Kernel, period: Option<u32>) -> bool {
        self.period.store(period.unwrap_or(COARSEST_PERIOD), Ordering::Relaxed);
        // A change counts from the tick that is under way: it comes early, no later than the old period.
        k.host.wake(&self.state, 1);
        self.asked.swap(period.is_some(), Ordering::AcqRel)
    }
}
