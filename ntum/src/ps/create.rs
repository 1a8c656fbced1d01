//! Threads as they are made and as they end.

use super::layout::teb;
use super::leave::Standing;
use crate::call::Cx;
use crate::ke::dispatcher::{Dispatcher, Seat};
use crate::kernel::Kernel;
use crate::mm::fault::NewStack;
use crate::mm::layout::zero_bits_limit;
use crate::mm::region::Limits;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object};
use crate::ob::types::Type;
use crate::ps::thread::{Thread, pending};
use crate::status::*;
use crate::types::{ClientId, Context, ObjectAttributesRaw};
use crate::um::UserPtr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// THREAD_CREATE_FLAGS_CREATE_SUSPENDED.
pub const CREATE_SUSPENDED: u32 = 0x1;
/// Smallest stack.
const MIN_STACK: u64 = 0x1_0000;

/// What PS_ATTRIBUTE_LIST says of a new thread.
mod attribute {
    /// PS_ATTRIBUTE_CLIENT_ID.
    pub const CLIENT_ID: u64 = 0x10003;
    /// PS_ATTRIBUTE_TEB_ADDRESS.
    pub const TEB_ADDRESS: u64 = 0x10004;
}

/// THREAD_CREATE_FLAGS_HIDE_FROM_DEBUGGER.
pub const HIDE_FROM_DEBUGGER: u32 = 0x4;
/// THREAD_CREATE_FLAGS_SKIP_THREAD_ATTACH.
pub const SKIP_THREAD_ATTACH: u32 = 0x2;

/// The stack that a new thread is to have.
#[derive(Debug, Clone, Copy, Default)]
pub struct StackRequest {
    /// Bytes reserved; 0: what the program's header says.
    pub reserve: u64,
    /// Bytes committed of them; 0: what the program's header says.
    pub commit: u64,
    /// Where in the address space.
    pub limits: Limits,
}

/// INITIAL_TEB: a stack that the maker of a thread made.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct InitialTeb {
    /// A fixed stack, which counts if it is there.
    fixed_base: u64,
    fixed_limit: u64,
    base: u64,
    limit: u64,
    bottom: u64,
}

impl Kernel {
    /// Makes a thread with registers and a stack of its maker's; it runs once [`Kernel::run_thread`] is called.
    ///
    /// # Errors
    /// As [`Kernel::make_thread`].
    pub fn make_thread_with(
        &'static self,
        context: &Context,
        stack: &InitialTeb,
        suspended: bool,
    ) -> Nt<(Arc<Thread>, Ref)> {
        let least = StackRequest { reserve: MIN_STACK, commit: 0x1000, limits: Limits::default() };
        let flags = if suspended { CREATE_SUSPENDED } else { 0 };
        let (thread, object) = self.make_thread((context.rip, context.rcx), flags, least)?;
        let teb = thread.teb.load(Ordering::Acquire);
        let word = |offset: u64| UserPtr::<u64>::new(teb + offset);
        let own = word(teb::DEALLOCATION_STACK).read(self)?;
        let (base, limit, bottom) = match (stack.fixed_base, stack.fixed_limit) {
            (0, _) | (_, 0) => (stack.base, stack.limit, stack.bottom),
            (base, limit) => (base, limit, 0),
        };
        word(teb::STACK_BASE).write(self, base)?;
        word(teb::STACK_LIMIT).write(self, limit)?;
        word(teb::DEALLOCATION_STACK).write(self, bottom)?;
        // It never ran on that.
        self.mm.release(self, own)?;
        *thread.given.lock() = Some(Box::new(*context));
        Ok((thread, object))
    }

    /// Makes a thread that starts at a routine; it runs once [`Kernel::run_thread`] is called.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY`, `STATUS_COMMITMENT_LIMIT`.
    pub fn make_thread(&'static self, start: (u64, u64), flags: u32, stack: StackRequest) -> Nt<(Arc<Thread>, Ref)> {
        if self.ps.exit_status.load(Ordering::Acquire) != STATUS_PENDING.0 {
            return Err(STATUS_PROCESS_IS_TERMINATING);
        }
        let thread = Arc::new(Thread::new(self.new_id()?, start, flags));
        let (stack, at) = self.make_memory(stack)?;
        let teb = self.make_teb(at, &thread, &stack).inspect_err(|_| self.mm.retire(self, stack.bottom, at))?;
        thread.teb.store(teb, Ordering::Release);
        if flags & CREATE_SUSPENDED != 0 {
            thread.suspended.store(1, Ordering::Relaxed);
            thread.pending.fetch_or(pending::SUSPEND, Ordering::Relaxed);
        }
        thread.info.hidden.store(flags & HIDE_FROM_DEBUGGER != 0, Ordering::Relaxed);
        let object = Object::new(Dispatcher::notification(false), Body::Thread(thread.clone()));
        *thread.object.lock() = Some(object.clone());
        thread.info.created.store(self.system_time(), Ordering::Relaxed);
        self.ps.add_thread(thread.clone());
        self.ex.thread_started(self);
        Ok((thread, object))
    }

    /// Sets a thread going.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY` if the host gives no thread; it is then as if it had ended.
    pub fn run_thread(&'static self, thread: &Arc<Thread>) -> Nt<()> {
        self.host.spawn_guest(thread.clone()).inspect_err(|_| self.thread_ended(thread)).map_err(Status::from)
    }

    fn make_memory(&self, wanted: StackRequest) -> Nt<(NewStack, u64)> {
        let StackRequest { reserve, commit, limits } = wanted;
        let image = self.ps.image();
        let mut size = if reserve == 0 { image.stack_reserve } else { reserve };
        let commit = if commit == 0 { image.stack_commit } else { commit };
        if commit >= size {
            size = commit.checked_next_multiple_of(0x10_0000).ok_or(STATUS_NO_MEMORY)?.max(0x10_0000);
        }
        self.mm.new_thread_memory(self, size.max(MIN_STACK), commit, limits)
    }

    /// Fills the TEB in that cleared memory.
    fn make_teb(&self, at: u64, thread: &Thread, stack: &NewStack) -> Nt<u64> {
        let word = |offset: u64, value: u64| UserPtr::<u64>::new(at + offset).write(self, value);
        word(teb::STACK_BASE, stack.base)?;
        word(teb::STACK_LIMIT, stack.limit)?;
        word(teb::DEALLOCATION_STACK, stack.bottom)?;
        word(teb::SELF, at)?;
        word(teb::PEB, self.ps.peb())?;
        let id = ClientId { process: self.ps.id(), thread: thread.id };
        UserPtr::new(at + teb::CLIENT_ID).write(self, id)?;
        UserPtr::new(at + teb::REAL_CLIENT_ID).write(self, id)?;
        let list = at + teb::ACTIVATION_CONTEXT_STACK + 8;
        word(teb::ACTIVATION_CONTEXT_STACK_POINTER, at + teb::ACTIVATION_CONTEXT_STACK)?;
        // An empty list points at itself, both ways.
        UserPtr::<[u64; 2]>::new(list).write(self, [list, list])?;
        // StaticUnicodeString: nothing in a buffer of 261 units.
        UserPtr::<u16>::new(at + teb::STATIC_UNICODE_STRING + 2).write(self, 261 * 2)?;
        word(teb::STATIC_UNICODE_STRING + 8, at + teb::STATIC_UNICODE_BUFFER)?;
        if thread.flags & SKIP_THREAD_ATTACH != 0 {
            // The loader reads it here (SameTebFlags.SkipThreadAttach).
            UserPtr::<u16>::new(at + teb::SAME_TEB_FLAGS).write(self, 0x8)?;
        }
        Ok(at)
    }

    /// What a host thread that was started for a guest thread loads first; `None` if the thread ended before it began.
    pub fn thread_start(&'static self, thread: &Arc<Thread>) -> Option<Box<Context>> {
        self.first_schedule(thread);
        thread.activity.store(Context::EXCEPTION_ACTIVE, Ordering::Relaxed);
        let context = self.first_context(thread);
        if context.is_none() {
            self.thread_ended(thread);
        }
        context.map(Box::new)
    }

    /// A process's first thread waits until who made the process resumes it; its registers are seen and set meanwhile.
    fn await_maker(&'static self, thread: &Arc<Thread>, context: &mut Context) {
        let Some(Seat { shm, object }) = thread.object().and_then(|object| object.signal.seat()) else { return };
        let word = shm.word(shm.begin().suspension_of(object));
        if word.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut standing = Standing::new(self, thread, context);
        loop {
            let count = word.load(Ordering::Acquire);
            if count == 0 || thread.pending.load(Ordering::Acquire) & pending::TERMINATE != 0 {
                break;
            }
            self.host.wait(word, count, None);
        }
        standing.end();
    }

    fn first_context(&'static self, thread: &Arc<Thread>) -> Option<Context> {
        let teb = thread.teb.load(Ordering::Acquire);
        let base = UserPtr::<u64>::new(teb + teb::STACK_BASE).read(self).ok()?;
        let mut context = Context::initial();
        if let Some(given) = thread.given.lock().take() {
            super::context::merge(&mut context, &given);
        } else {
            context.rip = self.ps.entry("RtlUserThreadStart")?;
            context.rsp = base - 0x28;
            (context.rcx, context.rdx) = thread.start;
            // As Windows shows them; the processor has its fixed bit set all the same.
            context.eflags = 0x200;
        }
        context.flags = Context::FULL;
        self.await_maker(thread, &mut context);
        self.report_start(thread, &mut context);
        // A debugger or a launcher sees and sets these registers while the thread waits to be resumed.
        if thread.pending.load(Ordering::Acquire) & pending::SUSPEND != 0 && !self.resumed(thread) {
            self.park(thread, &mut context);
        }
        if thread.pending.load(Ordering::Acquire) & pending::TERMINATE != 0 {
            return None;
        }
        let at = (context.rsp & !15) - size_of::<Context>() as u64;
        self.write_user(at, context.as_bytes()).ok()?;
        let mut first = Context::initial();
        first.rip = self.ps.entry("LdrInitializeThunk")?;
        first.rcx = at;
        first.rsp = at - 8;
        if super::xstate::enabled() {
            // Not what the host thread's last guest left there.
            first.set_ymm(Some(&Default::default()));
        }
        Some(first)
    }

    /// A thread is gone from the host: its mutants are abandoned, its object is signalled, its stack is freed unless the process
    /// is ending. The process ends with its last thread.
    pub fn thread_ended(&'static self, thread: &Arc<Thread>) {
        if thread.ended() {
            return;
        }
        let status = thread.end_status.load(Ordering::Acquire);
        let goes_on = || self.ps.exit_status.load(Ordering::Acquire) == STATUS_PENDING.0 && self.ps.threads().len() > 1;
        if self.is_debugged() && goes_on() {
            self.report_end(thread, status);
        }
        crate::io::thread_ended(self, thread);
        crate::lpc::port::thread_ended(self, thread);
        crate::win32k::user::session::thread_ended(self, thread);
        crate::ke::mutant::abandon_all(self, thread);
        self.drop_wait_block(thread);
        let teb = thread.teb.load(Ordering::Acquire);
        let stack = UserPtr::<u64>::new(teb + teb::DEALLOCATION_STACK).read(self).unwrap_or(0);
        for (kept, time) in thread.info.time_at_end.iter().zip(self.thread_times(thread)) {
            kept.store(time, Ordering::Relaxed);
        }
        self.process().info.io.add(&thread.info.io);
        thread.info.ended.store(self.system_time(), Ordering::Relaxed);
        let left = self.ps.remove_thread(thread.id);
        self.free_id(thread.id);
        if let Some(Seat { shm, object }) = thread.object().and_then(|object| object.signal.seat()) {
            let mut tx = shm.begin();
            tx.thread_ends(object, status);
            tx.set_thread_teb(object, 0);
            let _ = tx.commit();
        }
        thread.exit_status.swap(status, Ordering::SeqCst);
        if thread.watched.load(Ordering::SeqCst) != 0 {
            self.host.wake(&thread.exit_status, u32::MAX);
        }
        let object = thread.object.lock().take();
        self.ex.thread_ended(self);
        if left == 0 {
            let process = self.ps.exit_status.load(Ordering::Acquire);
            self.exit_process(if process == STATUS_PENDING.0 { status } else { process });
        }
        thread.apcs.lock().clear();
        // While a process ends, DLLs and handlers of exit on its last thread may still look at what lay on the others' stacks.
        if self.ps.exit_status.load(Ordering::Acquire) == STATUS_PENDING.0 {
            // Who has a handle to it still, such as the loader when it gives threads room for a DLL's variables, finds none.
            thread.teb.store(0, Ordering::Release);
            self.mm.retire(self, stack, teb);
        }
        if let Some(object) = object {
            object.signal.set(self);
        }
    }
}

/// NtCreateThread: a thread with registers and a stack that its maker made.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` without registers to run with, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`,
/// `STATUS_ACCESS_VIOLATION`, and as [`Kernel::make_thread`].
#[allow(clippy::too_many_arguments)]
pub fn nt_create_thread(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    process: Handle,
    client: UserPtr<ClientId>,
    context: UserPtr<Context>,
    stack: UserPtr<InitialTeb>,
    suspended: bool,
) -> Nt {
    if context.is_null() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    handle.write(cx.k, Handle(0))?;
    let attributes = attributes.load(cx.k)?;
    let (context, stack) = (context.read(cx.k)?, stack.read(cx.k)?);
    // PROCESS_CREATE_THREAD.
    let target = cx.object_of(process, Type::Process, 0x2)?;
    if let Some(other) = super::other::process(&target) {
        let object = cx.make_thread_with_of(other, &context, &stack, suspended)?;
        let facts = super::other::thread(&object).ok_or(STATUS_INTERNAL_ERROR)?.thread();
        let made = cx.insert(object, access, attributes.attributes)?;
        client.write_opt(cx.k, ClientId { process: facts.process.into(), thread: facts.id.into() })?;
        return cx.give(handle, made, STATUS_SUCCESS);
    }
    let security = cx.first_security(attributes.security, Type::Thread)?;
    let (thread, object) = cx.k.make_thread_with(&context, &stack, suspended)?;
    *object.security.lock() = security;
    let made = cx.insert(object, access, attributes.attributes)?;
    client.write_opt(cx.k, ClientId { process: cx.k.ps.id(), thread: thread.id })?;
    cx.give(handle, made, STATUS_SUCCESS)?;
    cx.k.run_thread(&thread)?;
    Ok(STATUS_SUCCESS)
}

/// NtCreateThreadEx.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_INVALID_HANDLE`, and as [`Kernel::make_thread`].
#[allow(clippy::too_many_arguments)]
pub fn nt_create_thread_ex(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    process: Handle,
    start: u64,
    parameter: u64,
    flags: u32,
    zero_bits: u64,
    stack_commit: u64,
    stack_reserve: u64,
    list: UserPtr<u64>,
) -> Nt {
    let attributes = attributes.load(cx.k)?;
    let target = cx.object(process, 0x2)?;
    if let Some(other) = super::other::process(&target) {
        let arguments = [start, parameter, flags.into(), zero_bits, stack_commit, stack_reserve];
        let thread = cx.make_thread_of(other, arguments)?;
        let facts = super::other::thread(&thread).ok_or(STATUS_INTERNAL_ERROR)?.thread();
        let made = cx.insert(thread, access, attributes.attributes)?;
        handle.write(cx.k, made)?;
        if !list.is_null() {
            let id = ClientId { process: facts.process.into(), thread: facts.id.into() };
            write_attributes(cx, list, id, facts.teb)?;
        }
        return Ok(STATUS_SUCCESS);
    }
    target.process()?;
    let limits = Limits { high: zero_bits_limit(zero_bits, STATUS_INVALID_PARAMETER_3)?, ..Limits::default() };
    let stack = StackRequest { reserve: stack_reserve, commit: stack_commit, limits };
    let security = cx.first_security(attributes.security, Type::Thread)?;
    let (thread, object) = cx.k.make_thread((start, parameter), flags, stack)?;
    *object.security.lock() = security;
    let made = cx.insert(object, access, attributes.attributes)?;
    handle.write(cx.k, made)?;
    if !list.is_null() {
        let id = ClientId { process: cx.k.ps.id(), thread: thread.id };
        write_attributes(cx, list, id, thread.teb.load(Ordering::Acquire))?;
    }
    cx.k.run_thread(&thread)?;
    Ok(STATUS_SUCCESS)
}

/// Answers what a PS_ATTRIBUTE_LIST asks for: total length, then entries of attribute, size, value, return length.
fn write_attributes(cx: &Cx<'_>, list: UserPtr<u64>, id: ClientId, teb: u64) -> Nt<()> {
    let total = list.read(cx.k)?;
    let count = total.saturating_sub(8) / 32;
    for index in 0..count.min(32) {
        let entry = UserPtr::<[u64; 4]>::new(list.address() + 8 + index * 32);
        let [attribute, size, value, returned] = entry.read(cx.k)?;
        let bytes: &[u8] = match attribute {
            attribute::CLIENT_ID => id.as_bytes(),
            attribute::TEB_ADDRESS => teb.as_bytes(),
            _ => continue,
        };
        let bytes = &bytes[..bytes.len().min(size as usize)];
        cx.k.write_user(value, bytes)?;
        UserPtr::<u64>::new(returned).write_opt(cx.k, bytes.len() as u64)?;
    }
    Ok(())
}

/// Makes a kernel-started guest thread, such as the one that a console's Ctrl-C runs on.
///
/// # Errors
/// As [`Kernel::make_thread`].
pub fn create_guest(k: &'static Kernel, start: u64, argument: u64) -> Nt<Ref> {
    let (thread, object) = k.make_thread((start, argument), 0, StackRequest::default())?;
    k.run_thread(&thread)?;
    Ok(object)
}
