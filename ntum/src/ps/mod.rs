//! Processes, threads and jobs.

pub mod info;
pub mod job;
pub mod leave;
pub mod process;
pub mod thread;

use crate::call::Call;
use crate::ob::Ref;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use thread::Thread;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {};

/// The component's state.
#[derive(Default)]
pub struct Ps {
    threads: RwLock<HashMap<u64, Arc<Thread>>>,
    next_id: AtomicU64,
    process: OnceLock<Ref>,
}

impl Ps {
    /// Number of the process; NT numbers are multiples of 4.
    pub const PROCESS_ID: u64 = 0x20;

    /// A number for a new thread.
    pub fn new_id(&self) -> u64 {
        Ps::PROCESS_ID + 4 + 4 * self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// The running thread of that number.
    pub fn thread(&self, id: u64) -> Option<Arc<Thread>> {
        self.threads.read().get(&id).cloned()
    }

    /// Every thread that runs.
    pub fn threads(&self) -> Vec<Arc<Thread>> {
        self.threads.read().values().cloned().collect()
    }

    /// Adds a thread that is about to run.
    pub fn add_thread(&self, thread: Arc<Thread>) {
        self.threads.write().insert(thread.id, thread);
    }

    /// Takes a thread out that ended; answers how many are left.
    pub fn remove_thread(&self, id: u64) -> usize {
        let mut threads = self.threads.write();
        threads.remove(&id);
        threads.len()
    }

    /// The process itself.
    pub fn process_object(&self) -> Ref {
        self.process.get_or_init(process::new_object).clone()
    }
}
