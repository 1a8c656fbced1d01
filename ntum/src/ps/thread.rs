//! A thread: what the kernel keeps of it.

use crate::ke::apc::Apc;
use crate::ob::Ref;
use crate::ob::object::Object;
use crate::status::*;
use crate::types::{Context, ExceptionRecord, Ymm};
use parking_lot::{Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{OnceLock, Weak};

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
    /// Special user APCs are queued.
    pub const SPECIAL_APC: u32 = 64;
    /// NtCallbackReturn was called: who called into the guest goes on.
    pub const CALLBACK_RETURNS: u32 = 128;
}

/// A thread.
pub struct Thread {
    /// Its number.
    pub id: u64,
    /// Address of its TEB.
    pub teb: AtomicU64,
    /// Its object: held until it has ended.
    pub object: Mutex<Option<Ref>>,
    /// Bits of [`pending`].
    pub pending: AtomicU32,
    /// What NtWaitForAlertByThreadId sleeps on: 0 alerted, all ones while asleep, else [`Thread::NOT_ALERTED`].
    pub alert: AtomicU32,
    /// How often it is suspended. It sleeps on this word.
    pub suspended: AtomicU32,
    /// 1 while it stands still; who waits for that sleeps on this word.
    pub parked: AtomicU32,
    /// How many sleep on `parked`, `exit_status` or `enlisted`, or are about to.
    pub watched: AtomicU32,
    /// Counts how often it went on the lists of objects that it waits for, and off again: it is on them while this is odd.
    pub enlisted: AtomicU32,
    /// Its registers while it stands still.
    pub standing: Mutex<Option<Box<Context>>>,
    /// What it does while it stands still: `Context::SERVICE_ACTIVE`, `EXCEPTION_ACTIVE`, or 0 for a program's own code.
    pub activity: AtomicU32,
    /// Whether `standing` was changed from outside.
    pub context_changed: AtomicBool,
    /// Debug registers as they were set; the host does not load them.
    pub debug_registers: Mutex<[u64; 6]>,
    /// A blocking call of it is to be given up (NtCancelSynchronousIoFile).
    pub cancel: AtomicBool,
    /// Where it starts: routine and argument.
    pub start: (u64, u64),
    /// Registers that NtCreateThread gave it.
    pub given: Mutex<Option<Box<Context>>>,
    /// THREAD_CREATE_FLAGS_* it was made with.
    pub flags: u32,
    /// Its last exception and the registers then: for the crash report.
    pub last_exception: Mutex<Option<Box<(ExceptionRecord, Context)>>>,
    /// The host's number of its host thread, 0 before it runs; the host's to use.
    pub host: AtomicU64,
    /// How many system calls it made.
    pub calls: AtomicU64,
    /// Whether it spins before it sleeps.
    pub spin: crate::ke::spin::Spin,
    /// Whether it is in an alertable wait.
    pub alertable: AtomicBool,
    /// The completion port that it came to last, by number; 0: none.
    pub port: AtomicU64,
    /// That port, and whether the thread counts there as one that runs.
    pub slot: Mutex<Option<Weak<Object>>>,
    /// See [`Thread::slot`]; the thread's own to change.
    pub counted: AtomicBool,
    /// Ports that are told of its end.
    pub terminate_ports: Mutex<Vec<Ref>>,
    /// User APCs in order, special ones first.
    pub apcs: Mutex<VecDeque<Apc>>,
    /// Whether its loader's part is done: only then is it interrupted for special APCs.
    pub loaded: AtomicBool,
    upper: Mutex<Vec<(u64, Ymm)>>,
    /// Whether what is loaded next brings the answer of the system call that is under way.
    pub answers: AtomicBool,
    /// What the runtime loads next, set with `Outcome::Resume`.
    pub resume: Mutex<Option<Box<Context>>>,
    /// Exit status; `STATUS_PENDING` while it runs. Who waits for its end within the kernel sleeps on this word.
    pub exit_status: AtomicU32,
    /// The status it is to end with.
    pub end_status: AtomicU32,
    /// The token it impersonates with.
    pub impersonation: Mutex<Option<Ref>>,
    /// What it says about itself.
    pub info: crate::ps::info::ThreadInfo,
    /// Its block for waits in the sandbox's memory, and for how many objects that is.
    pub wait_block: Mutex<Option<(u32, u32)>>,
    /// Calls from the kernel into the guest that are under way.
    pub callbacks: Mutex<crate::ps::callback::Callbacks>,
    /// Its messages, from its first look at them on.
    pub messages: OnceLock<Box<crate::win32k::user::session::Queue>>,
    owned: Mutex<Vec<Ref>>,
}

impl Thread {
    /// Rest state of [`Thread::alert`].
    pub const NOT_ALERTED: u32 = 1;

    /// A thread of that number that has not run yet; it starts at a routine with an argument.
    pub fn new(id: u64, start: (u64, u64), flags: u32) -> Thread {
        Thread {
            id,
            teb: AtomicU64::new(0),
            object: Mutex::new(None),
            pending: AtomicU32::new(0),
            alert: AtomicU32::new(Thread::NOT_ALERTED),
            suspended: AtomicU32::new(0),
            parked: AtomicU32::new(0),
            watched: AtomicU32::new(0),
            enlisted: AtomicU32::new(0),
            standing: Mutex::new(None),
            activity: AtomicU32::new(0),
            context_changed: AtomicBool::new(false),
            given: Mutex::new(None),
            debug_registers: Mutex::new([0; 6]),
            cancel: AtomicBool::new(false),
            start,
            flags,
            last_exception: Mutex::new(None),
            host: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            spin: Default::default(),
            alertable: AtomicBool::new(false),
            port: AtomicU64::new(0),
            slot: Mutex::new(None),
            counted: AtomicBool::new(false),
            terminate_ports: Mutex::new(Vec::new()),
            apcs: Mutex::new(VecDeque::new()),
            loaded: AtomicBool::new(false),
            upper: Mutex::new(Vec::new()),
            answers: AtomicBool::new(false),
            resume: Mutex::new(None),
            exit_status: AtomicU32::new(STATUS_PENDING.0),
            end_status: AtomicU32::new(0),
            impersonation: Mutex::new(None),
            info: Default::default(),
            wait_block: Mutex::new(None),
            callbacks: Mutex::default(),
            messages: OnceLock::new(),
            owned: Mutex::new(Vec::new()),
        }
    }

    /// Its object.
    pub fn object(&self) -> Option<Ref> {
        self.object.lock().clone()
    }

    /// The token it impersonates with.
    pub fn token(&self) -> Option<Ref> {
        self.impersonation.lock().clone()
    }

    /// Has it impersonate with a token, or no longer.
    pub fn impersonate(&self, token: Option<Ref>) {
        *self.impersonation.lock() = token;
    }

    /// Mutants it owns.
    pub fn owned_mutants(&self) -> MutexGuard<'_, Vec<Ref>> {
        self.owned.lock()
    }

    /// Why a sleep must end now: the thread's end, or an APC or alert if the sleep is alertable. Changes nothing: whoever
    /// lets it count calls [`Thread::accept`].
    pub fn interruption(&self, alertable: bool) -> Option<Status> {
        let bits = self.pending.load(Ordering::Acquire);
        if bits & pending::TERMINATE != 0 {
            return Some(STATUS_THREAD_IS_TERMINATING);
        }
        if !alertable {
            return None;
        }
        if bits & pending::ALERT != 0 {
            return Some(STATUS_ALERTED);
        }
        (bits & (pending::USER_APC | pending::SPECIAL_APC) != 0).then_some(STATUS_USER_APC)
    }

    /// A wait ends with this status: an alert is used up by it, APCs will be delivered.
    pub fn accept(&self, status: Status) -> Status {
        match status {
            STATUS_ALERTED => {
                self.pending.fetch_and(!pending::ALERT, Ordering::AcqRel);
            }
            STATUS_USER_APC => self.deliver_queued(),
            _ => {}
        }
        status
    }

    /// Has queued APCs delivered when the thread returns to guest code.
    pub fn test_alert(&self) {
        self.pending.fetch_and(!pending::ALERT, Ordering::AcqRel);
        self.deliver_queued();
    }

    fn deliver_queued(&self) {
        if self.pending.load(Ordering::Acquire) & pending::USER_APC != 0 {
            self.pending.fetch_or(pending::DELIVER, Ordering::AcqRel);
        }
    }

    /// Takes what `Outcome::Resume` is about.
    pub fn take_resume(&self) -> Option<Box<Context>> {
        self.resume.lock().take()
    }

    /// Has a context loaded when the thread returns to guest code.
    pub fn set_resume(&self, context: Context) {
        self.answers.store(false, Ordering::Relaxed);
        *self.resume.lock() = Some(Box::new(context));
        self.pending.fetch_or(pending::RESUME, Ordering::AcqRel);
    }

    /// Has a context loaded that was set from outside while the thread is in a system call, whose answer it brings all the same.
    pub fn set_resume_with_answer(&self, context: Context) {
        self.set_resume(context);
        self.answers.store(true, Ordering::Relaxed);
    }

    /// Takes the next APC that is queued, special ones first; of those alone if asked for.
    pub fn next_apc(&self, special: bool) -> Option<Apc> {
        let mut queue = self.apcs.lock();
        let wanted = queue.front().is_some_and(|apc| apc.special || !special);
        let apc = if wanted { queue.pop_front() } else { None };
        let left = |special: bool| queue.iter().any(|apc| apc.special == special);
        for (bit, special) in [(pending::SPECIAL_APC, true), (pending::USER_APC, false)] {
            if !left(special) {
                self.pending.fetch_and(!bit, Ordering::AcqRel);
            }
        }
        apc
    }

    /// Keeps the upper halves of vector registers for whoever goes on with the context at `at`, which a special APC interrupted:
    /// there is no room for them beside it. Those of a few that nobody came back to are forgotten.
    pub fn keep_upper(&self, at: u64, ymm: Ymm) {
        const MOST: usize = 64;
        let mut kept = self.upper.lock();
        kept.retain(|(address, _)| *address != at);
        if kept.len() == MOST {
            kept.remove(0);
        }
        kept.push((at, ymm));
    }

    /// Takes what [`Thread::keep_upper`] kept.
    pub fn take_upper(&self, at: u64) -> Option<Ymm> {
        let mut kept = self.upper.lock();
        let place = kept.iter().position(|(address, _)| *address == at)?;
        Some(kept.remove(place).1)
    }

    /// Whether it has ended.
    pub fn ended(&self) -> bool {
        self.exit_status.load(Ordering::Acquire) != STATUS_PENDING.0
    }

    /// Whether its blocking call is to be given up; asked once.
    pub fn cancelled(&self) -> bool {
        self.cancel.swap(false, Ordering::AcqRel)
    }

    /// Keeps an exception for the crash report.
    pub fn note_exception(&self, record: &ExceptionRecord, context: &Context) {
        match &mut *self.last_exception.lock() {
            Some(last) => **last = (*record, *context),
            none => *none = Some(Box::new((*record, *context))),
        }
    }
}
