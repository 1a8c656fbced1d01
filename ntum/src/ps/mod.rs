//! Processes, threads and jobs.

pub mod ahead;
pub mod birth;
pub mod callback;
pub mod context;
pub mod control;
pub mod crash;
pub mod create;
pub mod debug;
pub mod debuggee;
mod divisor;
pub mod environment;
pub mod exception;
pub mod ids;
pub mod info;
pub mod job;
mod launch;
pub mod layout;
pub mod leave;
pub mod limits;
mod options;
mod order;
pub mod other;
pub mod parameters;
pub mod process;
pub mod query;
#[cfg(test)]
mod query_tests;
pub mod query_thread;
pub mod remote;
#[cfg(test)]
mod remote_tests;
pub mod schedule;
pub mod set;
pub mod spawn;
pub mod start;
pub mod summon;
pub mod symbols;
pub mod thread;
pub mod tls;
pub mod xstate;

use crate::call::Call;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::status::STATUS_PENDING;
use crate::types::{ClientId, Context, ExceptionRecord, ObjectAttributesRaw};
use crate::um::UserPtr;
use parking_lot::RwLock;
use start::Image;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use symbols::Symbols;
use thread::Thread;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {
    NtCreateJobObject(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>) => job::nt_create_job_object, Done;
    NtOpenJobObject(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>) => job::nt_open_job_object, Done;
    NtAssignProcessToJobObject(job: Handle, process: Handle) => job::nt_assign_process_to_job_object, Done;
    NtIsProcessInJob(process: Handle, job: Handle) => job::nt_is_process_in_job, Done;
    NtTerminateJobObject(job: Handle, status: u32) => job::nt_terminate_job_object, Done;
    NtQueryInformationJobObject(handle: Handle, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) => job::nt_query_information_job_object, Partial("a process that another one ended counts as it was when it was asked last; peaks of a job are those of the moments that somebody asked");
    NtSetInformationJobObject(handle: Handle, class: u32, buffer: u64, length: u32) => job::nt_set_information_job_object, Partial("CPU rates and working sets are kept, not enforced; restrictions of the user interface find no windows");
    NtCreateDebugObject(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, flags: u32) => debug::nt_create_debug_object, Done;
    NtSetInformationDebugObject(handle: Handle, class: u32, buffer: UserPtr<u32>, length: u32, returned: UserPtr<u32>) => debug::nt_set_information_debug_object, Done;
    NtDebugActiveProcess(process: Handle, debug: Handle) => debug::nt_debug_active_process, Done;
    NtRemoveProcessDebug(process: Handle, debug: Handle) => debug::nt_remove_process_debug, Done;
    NtWaitForDebugEvent(handle: Handle, alertable: bool, timeout: UserPtr<i64>, state: u64) => debug::nt_wait_for_debug_event, Done;
    NtDebugContinue(handle: Handle, client: UserPtr<crate::types::ClientId>, status: u32) => debug::nt_debug_continue, Done;
    NtCreateThread(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, process: Handle, client: UserPtr<ClientId>, context: UserPtr<crate::types::Context>, stack: UserPtr<create::InitialTeb>, suspended: bool) => create::nt_create_thread, Done;
    NtCreateThreadEx(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, process: Handle, start: u64, parameter: u64, flags: u32, zero_bits: u64, stack_commit: u64, stack_reserve: u64, list: UserPtr<u64>) => create::nt_create_thread_ex, Done;
    NtCreateUserProcess(process: UserPtr<Handle>, thread: UserPtr<Handle>, process_access: u32, thread_access: u32, process_attributes: UserPtr<ObjectAttributesRaw>, thread_attributes: UserPtr<ObjectAttributesRaw>, process_flags: u32, thread_flags: u32, parameters: u64, info: u64, list: u64) => spawn::nt_create_user_process, Partial("handles to keyed events and transactions are not inherited");
    NtCallbackReturn(answer: u64, length: u32, status: u32) => callback::nt_callback_return, Done;
    NtOpenThread(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, id: UserPtr<ClientId>) => control::nt_open_thread, Done;
    NtOpenProcess(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, id: UserPtr<ClientId>) => control::nt_open_process, Done;
    NtGetNextThread(process: Handle, thread: Handle, access: u32, attributes: u32, flags: u32, next: UserPtr<Handle>) => control::nt_get_next_thread, Done;
    NtSuspendProcess(process: Handle) => control::nt_suspend_process, Done;
    NtResumeProcess(process: Handle) => control::nt_resume_process, Done;
    NtSuspendThread(handle: Handle, previous: UserPtr<u32>) => control::nt_suspend_thread, Done;
    NtResumeThread(handle: Handle, previous: UserPtr<u32>) => control::nt_resume_thread, Done;
    NtAlertThread(handle: Handle) => control::nt_alert_thread, Done;
    NtAlertResumeThread(handle: Handle, previous: UserPtr<u32>) => control::nt_alert_resume_thread, Done;
    NtQueueApcThread(handle: Handle, function: u64, a: u64, b: u64, c: u64) => control::nt_queue_apc_thread, Done;
    NtQueueApcThreadEx(handle: Handle, reserve: u64, function: u64, a: u64, b: u64, c: u64) => control::nt_queue_apc_thread_ex, Done;
    NtQueueApcThreadEx2(handle: Handle, reserve: u64, flags: u32, function: u64, a: u64, b: u64, c: u64) => control::nt_queue_apc_thread_ex2, Done;
    NtTerminateThread(handle: Handle, status: u32) => control::nt_terminate_thread, Done;
    NtTerminateProcess(handle: Handle, status: u32) => control::nt_terminate_process, Done;
    NtGetContextThread(handle: Handle, context: UserPtr<Context>) => context::nt_get_context_thread, Partial("state of AVX-512; debug registers are kept, not loaded");
    NtSetContextThread(handle: Handle, context: UserPtr<Context>) => context::nt_set_context_thread, Partial("state of AVX-512; debug registers are kept, not loaded");
    NtContinue(context: UserPtr<Context>, alertable: u64) => exception::nt_continue, Done;
    NtContinueEx(context: UserPtr<Context>, arguments: u64) => exception::nt_continue, Done;
    NtRaiseException(record: UserPtr<ExceptionRecord>, context: UserPtr<Context>, first_chance: bool) => exception::nt_raise_exception, Done;
    NtQueryInformationProcess(process: Handle, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) => query::nt_query_information_process, Partial("working-set watch, energy values");
    NtSetInformationProcess(process: Handle, class: u32, buffer: u64, length: u32) => set::nt_set_information_process, Partial("instrumentation callback");
    NtQueryInformationThread(thread: Handle, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) => query_thread::nt_query_information_thread, Done;
    NtSetInformationThread(thread: Handle, class: u32, buffer: u64, length: u32) => set::nt_set_information_thread, Done;
};

/// The component's state.
pub struct Ps {
    threads: RwLock<HashMap<u64, Arc<Thread>>>,
    ids: parking_lot::Mutex<ids::Ids>,
    /// The program, if it is not the sandbox's first.
    program: OnceLock<String>,
    id: AtomicU64,
    parent: AtomicU64,
    process: OnceLock<Ref>,
    /// Requests of other processes.
    pub inbox: remote::Inbox,
    /// Limits of its jobs.
    pub kept: limits::Kept,
    /// Whether the host was told what threads get of the processors.
    pub ever: schedule::Ever,
    symbols: OnceLock<Symbols<'static>>,
    image: OnceLock<Image>,
    peb: AtomicU64,
    /// System calls of threads that ended.
    calls_before: AtomicU64,
    /// What the loader said of a program or DLL that it could not load.
    pub loader_errors: parking_lot::Mutex<Vec<String>>,
    /// The status the process is to end with; `STATUS_PENDING` while nobody ended it.
    pub exit_status: AtomicU32,
}

impl Default for Ps {
    fn default() -> Ps {
        Ps {
            threads: RwLock::default(),
            ids: Default::default(),
            program: OnceLock::new(),
            id: AtomicU64::new(ids::FIRST_PROCESS),
            parent: AtomicU64::new(ids::NO_PARENT),
            process: OnceLock::new(),
            inbox: Default::default(),
            kept: Default::default(),
            ever: Default::default(),
            symbols: OnceLock::new(),
            image: OnceLock::new(),
            peb: AtomicU64::new(0),
            calls_before: AtomicU64::new(0),
            loader_errors: parking_lot::Mutex::default(),
            exit_status: AtomicU32::new(STATUS_PENDING.0),
        }
    }
}

impl Ps {
    /// Path of the program, `C:\\app\\x.exe`.
    pub fn program(&self, k: &crate::kernel::Kernel) -> String {
        self.program.get().cloned().unwrap_or_else(|| k.boot.program.replace('/', "\\"))
    }

    /// Number of the process; NT numbers are multiples of 4.
    pub fn id(&self) -> u64 {
        self.id.load(Ordering::Relaxed)
    }

    /// Number of the process that started it.
    pub fn parent(&self) -> u64 {
        self.parent.load(Ordering::Relaxed)
    }

    /// How many system calls the process made.
    pub fn calls(&self) -> u64 {
        let threads = self.threads.read();
        let running: u64 = threads.values().map(|thread| thread.calls.load(Ordering::Relaxed)).sum();
        running.wrapping_add(self.calls_before.load(Ordering::Relaxed))
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
        if let Some(gone) = threads.remove(&id) {
            self.calls_before.fetch_add(gone.calls.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        threads.len()
    }

    /// The process itself.
    pub fn process_object(&self) -> Ref {
        self.process.get_or_init(process::new_object).clone()
    }

    /// Address of the PEB; 0 before the process is set up.
    pub fn peb(&self) -> u64 {
        self.peb.load(Ordering::Acquire)
    }

    /// What the program's header says; before the program is mapped, what a usual one says.
    pub fn image(&self) -> Image {
        self.image.get().copied().unwrap_or_default()
    }

    /// Address of an export of ntdll.
    pub fn entry(&self, name: &str) -> Option<u64> {
        self.symbols.get()?.address(name)
    }
}
