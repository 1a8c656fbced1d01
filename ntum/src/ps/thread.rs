//! A thread: what the kernel keeps of it.

use crate::ke::apc::Apc;
use crate::ke::dispatcher::Locked;
use crate::ob::Ref;
use crate::status::*;
use crate::types::Context;
use parking_lot::{Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::Weak;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Bits of [`Thread::pending`]: what the thread must see to before it goes on in guest code.
pub mod pending {
    /// It is to end.
    pub const TERMINATE: u32 = 1;
    /// It is to stand still.
    pub const SUSPEND: u32 = 2;
    /// User APCs are queued.
    pub const USER_APC: u32 = 4;
    /// User APCs are to be delivered now: an alertable wait ended, or NtTestAlert was called.
    pub const DELIVER: u32 = 8;
    /// NtAlertThread was called.
    pub const ALERT: u32 = 16;
    /// A context is to be loaded: `Thread::resume`.
    pub const RESUME: u32 = 32;
}

/// A thread.
pub struct Thread {
    /// Its number.
    pub id: u64,
    /// Address of its TEB.
    pub teb: AtomicU64,
    /// Its object, while anybody holds it.
    pub object: Mutex<Weak<crate::ob::Object>>,
    /// Bits of [`pending`].
    pub pending: AtomicU32,
    /// What NtWaitForAlertByThreadId sleeps on: 0 alerted, all ones while asleep, else [`Thread::NOT_ALERTED`].
    pub alert: AtomicU32,
    /// How often it is suspended. It sleeps on this word.
    pub suspended: AtomicU32,
    /// The host's number of its host thread, 0 before it runs; the host's to use.
    pub host: AtomicU64,
    /// User APCs in order.
    pub apcs: Mutex<VecDeque<Apc>>,
    /// What the runtime loads next, set with `Outcome::Resume`.
    pub resume: Mutex<Option<Box<Context>>>,
    /// Exit status.
    pub exit_status: AtomicU32,
    /// The token it impersonates with.
    pub impersonation: Mutex<Option<Ref>>,
    /// What it says about itself.
    pub info: crate::ps::info::ThreadInfo,
    owned: Mutex<Vec<Ref>>,
}

impl Thread {
    /// Rest state of [`Thread::alert`].
    pub const NOT_ALERTED: u32 = 1;

    /// A thread of that number that has not run yet.
    pub fn new(id: u64) -> Thread {
        Thread {
            id,
            teb: AtomicU64::new(0),
            object: Mutex::new(Weak::new()),
            pending: AtomicU32::new(0),
            alert: AtomicU32::new(Thread::NOT_ALERTED),
            suspended: AtomicU32::new(0),
            host: AtomicU64::new(0),
            apcs: Mutex::new(VecDeque::new()),
            resume: Mutex::new(None),
            exit_status: AtomicU32::new(STATUS_PENDING.0),
            impersonation: Mutex::new(None),
            info: Default::default(),
            owned: Mutex::new(Vec::new()),
        }
    }

    /// Its object.
    pub fn object(&self) -> Option<Ref> {
        self.object.lock().upgrade()
    }

    /// The token it impersonates with.
    pub fn token(&self) -> Option<Ref> {
        self.impersonation.lock().clone()
    }

    /// Mutants it owns; touched under the dispatcher lock.
    pub fn owned_mutants(&self, _: &Locked<'_>) -> MutexGuard<'_, Vec<Ref>> {
        self.owned.lock()
    }

    /// Why a sleep must end now: the thread's end, or an APC or alert if the sleep is alertable.
    pub fn interruption(&self, alertable: bool) -> Option<Status> {
        let bits = self.pending.load(Ordering::Acquire);
        if bits & pending::TERMINATE != 0 {
            return Some(STATUS_THREAD_IS_TERMINATING);
        }
        if !alertable {
            return None;
        }
        if bits & pending::ALERT != 0 {
            self.pending.fetch_and(!pending::ALERT, Ordering::AcqRel);
            return Some(STATUS_ALERTED);
        }
        if bits & pending::USER_APC != 0 {
            self.pending.fetch_or(pending::DELIVER, Ordering::AcqRel);
            return Some(STATUS_USER_APC);
        }
        None
    }

    /// Has queued APCs delivered when the thread returns to guest code.
    pub fn test_alert(&self) {
        self.pending.fetch_and(!pending::ALERT, Ordering::AcqRel);
        if self.pending.load(Ordering::Acquire) & pending::USER_APC != 0 {
            self.pending.fetch_or(pending::DELIVER, Ordering::AcqRel);
        }
    }

    /// Takes what `Outcome::Resume` is about.
    pub fn take_resume(&self) -> Option<Box<Context>> {
        self.resume.lock().take()
    }
}
