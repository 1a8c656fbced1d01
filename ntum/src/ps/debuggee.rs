//! What a process tells its debugger: its begin, its threads, what it maps, its exceptions. The thread that something happens to
//! waits until the debugger carries on, and all others stand still meanwhile.

use super::leave::Standing;
use super::thread::{Thread, pending};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::shm::Shm;
use crate::shm::request::{Asker, WAITING};
use crate::status::*;
use crate::types::{Context, ExceptionRecord};
use crate::um::UserPtr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use zerocopy::IntoBytes;

shim_abi::wire_structs! {
    /// Something that happened, as a debugger is told of it.
    pub struct Report {
        /// DBG_STATE: see [`state`].
        pub state: u32,
        /// What depends on the state, as DBGUI_WAIT_STATE_CHANGE has it, without handles.
        pub info: Vec<u8>,
        /// Path of the image that it is about, or nothing.
        pub path: Vec<u16>,
    }
}

/// DBG_STATE (`winternl.h`).
#[allow(missing_docs)]
pub mod state {
    pub const CREATE_THREAD: u32 = 2;
    pub const CREATE_PROCESS: u32 = 3;
    pub const EXIT_THREAD: u32 = 4;
    pub const EXIT_PROCESS: u32 = 5;
    pub const EXCEPTION: u32 = 6;
    pub const BREAKPOINT: u32 = 7;
    pub const SINGLE_STEP: u32 = 8;
    pub const LOAD_DLL: u32 = 9;
    pub const UNLOAD_DLL: u32 = 10;
}

/// Where handles stand in what depends on the state: DBGUI_CREATE_PROCESS, DBGUI_CREATE_THREAD, DBGKM_LOAD_DLL.
#[allow(missing_docs)]
pub mod info {
    pub mod process {
        pub const PROCESS: usize = 0;
        pub const THREAD: usize = 8;
        pub const FILE: usize = 24;
    }
    pub mod thread {
        pub const THREAD: usize = 0;
    }
    pub mod dll {
        pub const FILE: usize = 0;
    }
}

/// DBG_EXCEPTION_HANDLED.
const HANDLED: Status = Status(0x0001_0001);
/// DBG_CONTINUE.
const CONTINUE: Status = Status(0x0001_0002);
/// DBG_REPLY_LATER: the event is told again when the thread goes on.
const REPLY_LATER: Status = Status(0x4001_0001);

/// PEB.BeingDebugged.
const BEING_DEBUGGED: u64 = 2;
/// PEB.Ldr, and in it the first link of InLoadOrderModuleList.
const LDR: u64 = 0x18;
const IN_LOAD_ORDER: u64 = 0x10;
/// LDR_DATA_TABLE_ENTRY.DllBase.
const DLL_BASE: u64 = 0x30;
/// TEB.NtTib.ArbitraryUserPointer: the loader leaves the name of what it maps there.
const ARBITRARY_USER_POINTER: u64 = 0x28;

/// Numbers one after another, eight bytes each.
fn quads<const N: usize>(numbers: [u64; N]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

impl Kernel {
    /// Whether a debugger is attached to the process.
    pub(crate) fn is_debugged(&'static self) -> bool {
        self.has_entered_sandbox() && self.sandbox().is_ok_and(|(shm, me)| shm.is_debugged(me))
    }

    /// The debug object that the process is attached to.
    pub(super) fn debug_object(&'static self) -> Nt<Option<Ref>> {
        let (shm, me) = self.sandbox()?;
        let debug = shm.begin().debugger_of(me);
        if debug == 0 { Ok(None) } else { self.import_at(debug).map(Some) }
    }

    /// Whether processes that this one makes are debugged as it is.
    pub(super) fn passes_debugger_on(&'static self) -> bool {
        !self.has_entered_sandbox() || self.sandbox().is_ok_and(|(shm, me)| shm.begin().passes_debugger_on(me))
    }

    /// Tells the debugger, if there is one, what happened to a thread, and waits for its answer. `context` is where the thread
    /// stands, which the debugger may change; `None` within a system call. A thread that `ends` waits although it is to end.
    fn report(
        &'static self,
        thread: &Arc<Thread>,
        report: &Report,
        mut context: Option<&mut Context>,
        ends: bool,
    ) -> Option<Status> {
        // Workers of the kernel are no threads of the program's.
        if thread.id == 0 || thread.info.hidden.load(Ordering::Relaxed) || !self.is_debugged() {
            return None;
        }
        loop {
            let answer = self.report_once(thread, report, context.as_deref_mut(), ends)?;
            if answer != REPLY_LATER {
                return Some(answer);
            }
            match context.as_deref_mut() {
                Some(context) if thread.pending.load(Ordering::Acquire) & pending::SUSPEND != 0 => {
                    self.park(thread, context);
                }
                Some(_) => {}
                None => self.stand_still(thread),
            }
        }
    }

    fn report_once(
        &'static self,
        thread: &Arc<Thread>,
        report: &Report,
        context: Option<&mut Context>,
        ends: bool,
    ) -> Option<Status> {
        let (shm, member) = self.sandbox().ok()?;
        let others: Vec<_> = self.ps.threads().into_iter().filter(|other| !Arc::ptr_eq(other, thread)).collect();
        others.iter().for_each(|other| self.freeze(other));
        others.iter().for_each(|other| self.leaves_its_wait(other));
        let answer = {
            let mut own = if context.is_none() { self.host.call_context() } else { None };
            let within = own.is_some();
            if within {
                thread.activity.store(Context::SERVICE_ACTIVE, Ordering::Relaxed);
            }
            let mut standing = context.or(own.as_mut()).map(|context| Standing::new(self, thread, context));
            let answer = self.ask_debugger(shm, member, thread, report, ends);
            let changed = standing.as_mut().is_some_and(Standing::end);
            if let Some(own) = own.filter(|_| within && changed) {
                // The call goes on; what was set takes effect when it returns.
                thread.set_resume_with_answer(own);
            }
            answer
        };
        others.iter().for_each(|other| self.thaw(other));
        answer
    }

    fn ask_debugger(
        &'static self,
        shm: &'static Shm,
        member: u32,
        thread: &Thread,
        report: &Report,
        ends: bool,
    ) -> Option<Status> {
        let asker = Asker { member, token: 0, synchronous: true };
        let mut tx = shm.begin();
        let request = tx.add_event(member, thread.id as u32, &shim_abi::wire::encode(report), Some(asker)).ok()?;
        tx.commit().ok()?;
        shm.will_sleep(request);
        let word = shm.result_of_request(request);
        while word.load(Ordering::Acquire) == WAITING {
            if !ends && thread.pending.load(Ordering::Acquire) & pending::TERMINATE != 0 {
                let mut tx = shm.begin();
                tx.forget_event(member, request);
                tx.commit().ok()?;
                continue;
            }
            self.host.wait(word, WAITING, None);
        }
        Some(shm.end_request(request).ok()?.status)
    }

    /// An exception, before the program's handlers or after them. Answers whether the debugger had it go on; if not, what it
    /// set of the registers does not count.
    pub(super) fn report_exception(
        &'static self,
        thread: &Arc<Thread>,
        record: &ExceptionRecord,
        context: &mut Context,
        first_chance: bool,
    ) -> bool {
        if !self.is_debugged() {
            return false;
        }
        let state = match Status(record.code) {
            STATUS_BREAKPOINT => state::BREAKPOINT,
            STATUS_SINGLE_STEP => state::SINGLE_STEP,
            _ => state::EXCEPTION,
        };
        let mut info = record.as_bytes().to_vec();
        info.extend_from_slice(&u64::from(first_chance).to_le_bytes());
        let report = Report { state, info, path: Vec::new() };
        let before = *context;
        let goes_on = matches!(self.report(thread, &report, Some(context), false), Some(CONTINUE | HANDLED));
        if !goes_on {
            *context = before;
        }
        goes_on
    }

    /// A thread is about to run for the first time, as is its process with the first.
    pub(super) fn report_start(&'static self, thread: &Arc<Thread>, context: &mut Context) {
        if !self.is_debugged() {
            return;
        }
        if self.ps.inbox.told_start.swap(true, Ordering::AcqRel) {
            self.report(thread, &create_thread(thread), Some(context), false);
            return;
        }
        self.note_debugger();
        self.report(thread, &self.create_process(thread), Some(context), false);
        // The kernel maps it before the loader runs.
        let ntdll = self.ps.entry("LdrInitializeThunk").and_then(|entry| self.mm.query(entry).ok());
        if let Some(ntdll) = ntdll {
            self.report(thread, &self.load_dll(ntdll.allocation_base, 0), Some(context), false);
        }
    }

    /// A thread ends, and others of its process go on.
    pub(super) fn report_end(&'static self, thread: &Arc<Thread>, status: u32) {
        if self.is_debugged() {
            let report = Report { state: state::EXIT_THREAD, info: quads([status.into()]), path: Vec::new() };
            self.report(thread, &report, None, true);
        }
    }

    /// An image was mapped.
    pub(crate) fn report_load(&'static self, thread: &Arc<Thread>, base: u64) {
        if self.is_debugged() {
            let name = thread.teb.load(Ordering::Relaxed) + ARBITRARY_USER_POINTER;
            self.report(thread, &self.load_dll(base, name), None, false);
        }
    }

    /// An image was unmapped.
    pub(crate) fn report_unload(&'static self, thread: &Arc<Thread>, base: u64) {
        let report = Report { state: state::UNLOAD_DLL, info: quads([base]), path: Vec::new() };
        self.report(thread, &report, None, false);
    }

    /// PointerToSymbolTable and NumberOfSymbols of an image, one behind the other.
    fn symbols_of(&self, base: u64) -> u64 {
        let word = |at: u64| UserPtr::<u32>::new(at).read(self).ok();
        let header = |at: u64| word(base + 0x3c).and_then(|headers| word(base + u64::from(headers) + at)).unwrap_or(0);
        u64::from(header(0xc)) | u64::from(header(0x10)) << 32
    }

    fn create_process(&self, thread: &Thread) -> Report {
        let base = self.ps.image.get().map_or(0, |image| image.base);
        let info = quads([0, 0, 0, 0, base, self.symbols_of(base), 0, thread.start.0]);
        Report { state: state::CREATE_PROCESS, info, path: self.mm.mapped_file(base).unwrap_or_default() }
    }

    fn load_dll(&self, base: u64, name: u64) -> Report {
        let info = quads([0, base, self.symbols_of(base), name]);
        Report { state: state::LOAD_DLL, info, path: self.mm.mapped_file(base).unwrap_or_default() }
    }

    /// Bases of the modules that the loader knows, but the program's.
    fn loaded(&self) -> Vec<u64> {
        const MOST: usize = 0x1000;
        let word = |at: u64| UserPtr::<u64>::new(at).read(self).ok();
        let mut bases = Vec::new();
        let Some(head) = word(self.ps.peb() + LDR).filter(|ldr| *ldr != 0).map(|ldr| ldr + IN_LOAD_ORDER) else {
            return bases;
        };
        let program = self.ps.image.get().map_or(0, |image| image.base);
        let mut at = word(head);
        // The list is the program's, which may have made a ring of it.
        while let Some(entry) = at.filter(|entry| *entry != head)
            && bases.len() < MOST
        {
            bases.extend(word(entry + DLL_BASE).filter(|base| *base != program));
            at = word(entry);
        }
        bases
    }

    /// The process sees that it is debugged.
    fn note_debugger(&'static self) {
        self.ps.inbox.debugged.store(true, Ordering::Release);
        let _ = UserPtr::<u8>::new(self.ps.peb() + BEING_DEBUGGED).write(self, 1);
    }

    /// The process sees that it is debugged no longer, if so.
    pub(crate) fn note_no_debugger(&'static self) {
        let inbox = &self.ps.inbox;
        if inbox.debugged.load(Ordering::Acquire) && !self.is_debugged() && inbox.debugged.swap(false, Ordering::AcqRel)
        {
            let _ = UserPtr::<u8>::new(self.ps.peb() + BEING_DEBUGGED).write(self, 0);
        }
    }

    /// Attaches the process to another's debug object, and tells it what there is.
    ///
    /// # Errors
    /// `STATUS_PORT_ALREADY_SET`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn be_debugged(&'static self, debug: &Ref) -> Nt {
        debug.debug_object()?;
        let seat = debug.signal.seat().ok_or(STATUS_NOT_SUPPORTED)?;
        let (shm, member) = self.sandbox()?;
        self.ps.inbox.told_start.store(true, Ordering::Release);
        let mut threads = self.ps.threads();
        threads.retain(|thread| !thread.info.hidden.load(Ordering::Relaxed));
        threads.sort_by_key(|thread| thread.id);
        let (first, others) = threads.split_first().ok_or(STATUS_PROCESS_IS_TERMINATING)?;
        let mut reports = vec![(first.id, self.create_process(first))];
        reports.extend(others.iter().map(|thread| (thread.id, create_thread(thread))));
        reports.extend(self.loaded().into_iter().map(|base| (first.id, self.load_dll(base, 0))));
        let mut tx = shm.begin();
        tx.attach_debugger(member, seat.object)?;
        // One that was not started by its debugger keeps its children to itself.
        tx.pass_debugger_on(member, false);
        for (thread, report) in reports {
            tx.add_event(member, thread as u32, &shim_abi::wire::encode(&report), None)?;
        }
        tx.commit()?;
        self.note_debugger();
        Ok(STATUS_SUCCESS)
    }
}

fn create_thread(thread: &Thread) -> Report {
    Report { state: state::CREATE_THREAD, info: quads([0, 0, thread.start.0]), path: Vec::new() }
}

impl Cx<'_> {
    /// Whether an image lies at an address, which a debugger is to hear of when it goes.
    pub(crate) fn debugged_image(&self, address: u64) -> Option<u64> {
        /// MEM_IMAGE.
        const IMAGE: u32 = 0x100_0000;
        if !self.k.is_debugged() {
            return None;
        }
        self.k.mm.query(address).ok().filter(|found| found.kind == IMAGE).map(|found| found.allocation_base)
    }
}
