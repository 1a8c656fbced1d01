//! Changes that a process makes itself below a directory that it watches: as on NT, who watches has been told when the call returns.
//! The monitor tells of them a moment later, so the call waits for that.

use super::notify::Watch;
use super::path;
use crate::host::Wake;
use crate::kernel::Kernel;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// How long a change is waited for, in nanoseconds; a host that is that busy tells of it later.
const LONGEST: u64 = 50_000_000;

/// As many changes in a row that it was not told of in time, and a watch is not waited for any more: parts of a drive may lie where it
/// does not look.
const TRUSTED: u32 = 3;

/// The watches of a process.
#[derive(Default)]
pub struct Watches {
    /// Whether there ever was one.
    any: AtomicBool,
    living: Mutex<Vec<Weak<Watch>>>,
}

impl Watches {
    /// One more.
    pub(super) fn add(&self, watch: &Arc<Watch>) {
        let mut living = self.living.lock();
        living.retain(|watch| watch.strong_count() != 0);
        living.push(Arc::downgrade(watch));
        self.any.store(true, Ordering::Release);
    }

    /// Before names are made, taken away or changed: who will hear of it.
    pub fn about(&self, uris: &[&str]) -> Due {
        if !self.any.load(Ordering::Acquire) {
            return Due(Vec::new());
        }
        let living: Vec<Arc<Watch>> = self.living.lock().iter().filter_map(Weak::upgrade).collect();
        // A stream beside a file's data is no name of its own.
        let names = uris.iter().filter(|uri| path::stream(uri).is_none());
        let folded: Vec<Vec<u16>> = names.map(|uri| path::fold(uri)).collect();
        let told = |watch: Arc<Watch>| {
            if watch.missed.load(Ordering::Relaxed) >= TRUSTED {
                return None;
            }
            let times = folded.iter().filter(|uri| watch.covers(uri)).count() as u32;
            let before = watch.told.load(Ordering::Acquire);
            (times != 0).then_some((watch, before, times))
        };
        Due(living.into_iter().filter_map(told).collect())
    }
}

/// Watches, how often each had been told of something, and how often it is to be told now.
pub struct Due(Vec<(Arc<Watch>, u32, u32)>);

impl Due {
    /// Waits until they were told: the change was made.
    pub fn wait(self, k: &Kernel) {
        if self.0.is_empty() {
            return;
        }
        let deadline = k.host.monotonic().saturating_add(LONGEST);
        for (watch, before, times) in self.0 {
            loop {
                let now = watch.told.load(Ordering::Acquire);
                if now.wrapping_sub(before) >= times {
                    watch.missed.store(0, Ordering::Relaxed);
                    break;
                }
                if watch.is_over() {
                    break;
                }
                if k.host.wait(&watch.told, now, Some(deadline)) == Wake::TimedOut || k.host.monotonic() >= deadline {
                    watch.missed.fetch_add(1, Ordering::Relaxed);
                    break;
                }
            }
        }
    }
}
