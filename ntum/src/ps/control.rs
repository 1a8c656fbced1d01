//! Threads as others act on them: suspend, resume, alert, terminate, queue APCs, open.

use crate::call::Cx;
use crate::host::Wake;
use crate::ke::apc::{self, Apc};
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::object::Body;
use crate::ob::types::Type;
use crate::ps::thread::{Thread, pending};
use crate::status::*;
use crate::types::{ClientId, ObjectAttributesRaw};
use crate::um::UserPtr;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// THREAD_TERMINATE.
const THREAD_TERMINATE: u32 = 0x1;
/// THREAD_SUSPEND_RESUME.
const THREAD_SUSPEND_RESUME: u32 = 0x2;
/// THREAD_SET_CONTEXT, which queueing an APC asks for.
const THREAD_SET_CONTEXT: u32 = 0x10;
/// PROCESS_TERMINATE.
const PROCESS_TERMINATE: u32 = 0x1;
/// MAXIMUM_SUSPEND_COUNT.
const MAXIMUM_SUSPEND_COUNT: u32 = 127;

/// Part of [`Thread::suspended`] that counts suspensions.
pub(super) const COUNT: u32 = FROZEN - 1;
/// One time that a debugger's event has it stand still: the rest of that word.
const FROZEN: u32 = 1 << 16;

impl Kernel {
    /// Suspends a thread once more; answers how often it was suspended before.
    ///
    /// # Errors
    /// `STATUS_SUSPEND_COUNT_EXCEEDED`, `STATUS_THREAD_IS_TERMINATING`.
    pub fn suspend(&'static self, thread: &Arc<Thread>) -> Nt<u32> {
        if thread.ended() || thread.pending.load(Ordering::Acquire) & pending::TERMINATE != 0 {
            return Err(STATUS_THREAD_IS_TERMINATING);
        }
        let add = |count: u32| (count & COUNT < MAXIMUM_SUSPEND_COUNT).then_some(count + 1);
        let before = thread
            .suspended
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, add)
            .map_err(|_| STATUS_SUSPEND_COUNT_EXCEEDED)?;
        thread.pending.fetch_or(pending::SUSPEND, Ordering::AcqRel);
        self.host.interrupt(thread);
        self.leaves_its_wait(thread);
        Ok(before & COUNT)
    }

    /// Waits until a thread that was just suspended or frozen is on no object's list, as what these are signalled with from now on
    /// is not for it: it waits anew when it goes on. A thread within a wait is there at once; one that runs looks before it waits.
    pub(super) fn leaves_its_wait(&'static self, thread: &Thread) {
        let stay = thread.enlisted.load(Ordering::SeqCst);
        if stay.is_multiple_of(2) {
            return;
        }
        thread.watched.fetch_add(1, Ordering::SeqCst);
        // Bounded, as the host may not let it run.
        let deadline = self.host.monotonic() + 10_000_000_000;
        while thread.enlisted.load(Ordering::SeqCst) == stay {
            if self.host.wait(&thread.enlisted, stay, Some(deadline)) == Wake::TimedOut {
                break;
            }
        }
        thread.watched.fetch_sub(1, Ordering::SeqCst);
    }

    /// Has a thread stand still while a debugger looks at its process: that is not counted as a suspension. It does so soon.
    pub(super) fn freeze(&'static self, thread: &Arc<Thread>) {
        thread.suspended.fetch_add(FROZEN, Ordering::AcqRel);
        thread.pending.fetch_or(pending::SUSPEND, Ordering::AcqRel);
        self.host.interrupt(thread);
    }

    /// Undoes [`Kernel::freeze`].
    pub(super) fn thaw(&'static self, thread: &Thread) {
        let less = |count: u32| count.checked_sub(FROZEN);
        if thread.suspended.fetch_update(Ordering::AcqRel, Ordering::Acquire, less) == Ok(FROZEN) {
            self.host.wake(&thread.suspended, 1);
        }
    }

    /// Resumes a thread once; answers how often it was suspended before.
    pub fn resume(&'static self, thread: &Thread) -> u32 {
        let less = |count: u32| (count & COUNT != 0).then(|| count - 1);
        let before = thread.suspended.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).unwrap_or(0);
        if before == 1 {
            self.host.wake(&thread.suspended, 1);
        }
        before & COUNT
    }

    /// Has another thread end soon.
    pub fn terminate(&'static self, thread: &Arc<Thread>, status: u32) {
        if thread.ended() {
            return;
        }
        Kernel::end_itself(thread, status);
        // The word changes, so that a thread that is just about to sleep on it does not.
        thread.suspended.store(0, Ordering::Release);
        self.host.wake(&thread.suspended, u32::MAX);
        self.host.interrupt(thread);
    }

    /// Has the calling thread end on its way out of the call.
    fn end_itself(thread: &Thread, status: u32) {
        thread.end_status.store(status, Ordering::Release);
        thread.pending.fetch_or(pending::TERMINATE, Ordering::AcqRel);
    }
}

fn of(cx: &Cx<'_>, handle: Handle, access: u32) -> Nt<Arc<Thread>> {
    Ok(cx.object(handle, access)?.thread()?.clone())
}

/// PROCESS_SUSPEND_RESUME.
const PROCESS_SUSPEND_RESUME: u32 = 0x800;

/// NtSuspendThread.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, and as [`Kernel::suspend`].
pub fn nt_suspend_thread(cx: &Cx<'_>, handle: Handle, previous: UserPtr<u32>) -> Nt {
    let thread = of(cx, handle, THREAD_SUSPEND_RESUME)?;
    let before = cx.k.suspend(&thread)?;
    previous.write_opt(cx.k, before)?;
    Ok(STATUS_SUCCESS)
}

/// NtResumeThread.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`.
pub fn nt_resume_thread(cx: &Cx<'_>, handle: Handle, previous: UserPtr<u32>) -> Nt {
    let object = cx.object(handle, THREAD_SUSPEND_RESUME)?;
    let before = match super::other::thread(&object) {
        Some(other) => other.resume_first(cx.k).ok_or(STATUS_NOT_SUPPORTED)?,
        None => cx.k.resume(object.thread()?),
    };
    previous.write_opt(cx.k, before)?;
    Ok(STATUS_SUCCESS)
}

/// NtSuspendProcess: suspends every thread of it once, the caller last.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_suspend_process(cx: &Cx<'_>, process: Handle) -> Nt {
    cx.object_of(process, Type::Process, PROCESS_SUSPEND_RESUME)?.process()?;
    let mut threads = cx.k.ps.threads();
    threads.sort_by_key(|thread| thread.id == cx.t.id);
    for thread in threads {
        match cx.k.suspend(&thread) {
            // It ends, or cannot be suspended more often: the others are.
            Err(STATUS_THREAD_IS_TERMINATING | STATUS_SUSPEND_COUNT_EXCEEDED) => {}
            result => {
                result?;
            }
        }
    }
    Ok(STATUS_SUCCESS)
}

/// NtResumeProcess: resumes every thread of it once.
///
/// # Errors
/// As [`nt_suspend_process`].
pub fn nt_resume_process(cx: &Cx<'_>, process: Handle) -> Nt {
    cx.object_of(process, Type::Process, PROCESS_SUSPEND_RESUME)?.process()?;
    for thread in cx.k.ps.threads() {
        cx.k.resume(&thread);
    }
    Ok(STATUS_SUCCESS)
}

/// NtAlertThread: ends the thread's alertable wait.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`.
pub fn nt_alert_thread(cx: &Cx<'_>, handle: Handle) -> Nt {
    let thread = of(cx, handle, 0x4)?;
    apc::alert(cx.k, &thread);
    Ok(STATUS_SUCCESS)
}

/// NtAlertResumeThread.
///
/// # Errors
/// As [`nt_resume_thread`].
pub fn nt_alert_resume_thread(cx: &Cx<'_>, handle: Handle, previous: UserPtr<u32>) -> Nt {
    let thread = of(cx, handle, THREAD_SUSPEND_RESUME)?;
    apc::alert(cx.k, &thread);
    previous.write_opt(cx.k, cx.k.resume(&thread))?;
    Ok(STATUS_SUCCESS)
}

/// QUEUE_USER_APC_FLAGS_SPECIAL_USER_APC, for NtQueueApcThreadEx in place of a reserve object's handle.
const SPECIAL_USER_APC: u32 = 1;
/// QUEUE_USER_APC_FLAGS_CALLBACK_DATA_CONTEXT: the routine is passed the context that it interrupts, as ntdll does anyhow.
const CALLBACK_DATA_CONTEXT: u32 = 0x1_0000;

fn queue_apc(cx: &Cx<'_>, handle: Handle, special: bool, function: u64, arguments: [u64; 3]) -> Nt {
    let thread = of(cx, handle, THREAD_SET_CONTEXT)?;
    let queued = match function {
        0 => !thread.ended(),
        _ => apc::queue(cx.k, &thread, Apc { function, arguments, special, ..Apc::default() }),
    };
    if queued { Ok(STATUS_SUCCESS) } else { Err(STATUS_UNSUCCESSFUL) }
}

/// NtQueueApcThread.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_UNSUCCESSFUL` for a thread that has ended.
pub fn nt_queue_apc_thread(cx: &Cx<'_>, handle: Handle, function: u64, a: u64, b: u64, c: u64) -> Nt {
    queue_apc(cx, handle, false, function, [a, b, c])
}

/// NtQueueApcThreadEx: the reserve object saves an allocation that cannot fail here; the value 1 in its place asks for a
/// special user APC.
///
/// # Errors
/// As [`nt_queue_apc_thread`]; `STATUS_OBJECT_TYPE_MISMATCH` for a handle to something else.
pub fn nt_queue_apc_thread_ex(cx: &Cx<'_>, handle: Handle, reserve: u64, function: u64, a: u64, b: u64, c: u64) -> Nt {
    match reserve {
        1 => nt_queue_apc_thread_ex2(cx, handle, 0, SPECIAL_USER_APC, function, a, b, c),
        _ => nt_queue_apc_thread_ex2(cx, handle, reserve, 0, function, a, b, c),
    }
}

/// NtQueueApcThreadEx2: flags are QUEUE_USER_APC_FLAGS. A special user APC interrupts guest code and alertable waits; it waits
/// for the end of any other call.
///
/// # Errors
/// As [`nt_queue_apc_thread_ex`]; `STATUS_INVALID_PARAMETER` for other flags.
#[allow(clippy::too_many_arguments)]
pub fn nt_queue_apc_thread_ex2(
    cx: &Cx<'_>,
    handle: Handle,
    reserve: u64,
    flags: u32,
    function: u64,
    a: u64,
    b: u64,
    c: u64,
) -> Nt {
    if flags & !(SPECIAL_USER_APC | CALLBACK_DATA_CONTEXT) != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if reserve != 0 && !matches!(cx.object(Handle(reserve), 0)?.body, Body::UserApcReserve(_)) {
        return Err(STATUS_OBJECT_TYPE_MISMATCH);
    }
    queue_apc(cx, handle, flags & SPECIAL_USER_APC != 0, function, [a, b, c])
}

/// NtTerminateThread. A null handle is the caller.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_CANT_TERMINATE_SELF` for a null handle in the last thread.
pub fn nt_terminate_thread(cx: &Cx<'_>, handle: Handle, status: u32) -> Nt {
    let target = if handle.0 == 0 { cx.t.clone() } else { of(cx, handle, THREAD_TERMINATE)? };
    if handle.0 == 0 && cx.k.ps.threads().len() == 1 {
        return Err(STATUS_CANT_TERMINATE_SELF);
    }
    if Arc::ptr_eq(&target, cx.t) {
        Kernel::end_itself(&target, status);
    } else {
        cx.k.terminate(&target, status);
    }
    Ok(STATUS_SUCCESS)
}

/// NtTerminateProcess. A null handle ends every thread but the caller; any other handle ends the process.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`.
pub fn nt_terminate_process(cx: &Cx<'_>, handle: Handle, status: u32) -> Nt {
    if handle.0 != 0 {
        let object = cx.object(handle, PROCESS_TERMINATE)?;
        if let Some(other) = super::other::process(&object) {
            cx.k.terminate_other(other, status)?;
            return Ok(STATUS_SUCCESS);
        }
        object.process()?;
        cx.k.exit_process(status);
    }
    cx.k.ps.exit_status.store(status, Ordering::Release);
    let others: Vec<_> = cx.k.ps.threads().into_iter().filter(|thread| thread.id != cx.t.id).collect();
    for thread in &others {
        cx.k.terminate(thread, status);
    }
    // Until they are gone: what the caller does next relies on nobody else running. Bounded, as one may be in a host call.
    let deadline = cx.k.host.monotonic() + 1_000_000_000;
    for thread in &others {
        while !thread.ended() && cx.k.host.monotonic() < deadline {
            let status = thread.exit_status.load(Ordering::Acquire);
            if status == STATUS_PENDING.0 {
                thread.watched.fetch_add(1, Ordering::SeqCst);
                if !thread.ended() {
                    cx.k.host.wait(&thread.exit_status, status, Some(deadline));
                }
                thread.watched.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }
    Ok(STATUS_SUCCESS)
}

/// NtOpenThread.
///
/// # Errors
/// `STATUS_INVALID_CID` for a thread of another process or none, `STATUS_ACCESS_DENIED`.
pub fn nt_open_thread(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    id: UserPtr<ClientId>,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let attributes = attributes.load(cx.k)?;
    let id = id.read(cx.k)?;
    // The two low bits of a number do not count.
    let own = cx.k.ps.thread(id.thread & !3).and_then(|thread| thread.object());
    let thread = own.map_or_else(|| cx.thread_of_others(id.thread & !3), Ok)?;
    let process = super::other::thread(&thread).map_or(cx.k.ps.id(), |other| other.thread().process.into());
    if id.process != 0 && id.process != process {
        return Err(STATUS_INVALID_CID);
    }
    let access = cx.grant(&thread, access)?;
    let made = cx.insert(thread, access, attributes.attributes)?;
    handle.write(cx.k, made)?;
    Ok(STATUS_SUCCESS)
}

/// NtOpenProcess.
///
/// # Errors
/// `STATUS_INVALID_CID`, `STATUS_ACCESS_DENIED`.
pub fn nt_open_process(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    id: UserPtr<ClientId>,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let attributes = attributes.load(cx.k)?;
    let id = id.read(cx.k)?;
    let process = cx.k.process_with(id.process & !3)?;
    let access = cx.grant(&process, access)?;
    let made = cx.insert(process, access, attributes.attributes)?;
    handle.write(cx.k, made)?;
    Ok(STATUS_SUCCESS)
}

/// NtGetNextThread: the thread after the one given (flags 0) or before it (1), in the order of their numbers. Threads that
/// ended count as long as somebody holds a handle to them.
///
/// # Errors
/// `STATUS_NO_MORE_ENTRIES`, `STATUS_INVALID_PARAMETER`, `STATUS_INVALID_HANDLE`.
pub fn nt_get_next_thread(
    cx: &Cx<'_>,
    process: Handle,
    thread: Handle,
    access: u32,
    attributes: u32,
    flags: u32,
    next: UserPtr<Handle>,
) -> Nt {
    next.write(cx.k, Handle(0))?;
    cx.object(process, 0x400)?.process()?;
    if flags > 1 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let from = match thread {
        Handle(0) => None,
        handle => Some(of(cx, handle, 0)?.id),
    };
    let held = cx.k.ob.handles.list().into_iter().map(|(_, entry)| entry.object);
    let running = cx.k.ps.threads().into_iter().filter_map(|thread| thread.object());
    let all = held.chain(running).filter_map(|object| Some((object.thread().ok()?.id, object)));
    let all: BTreeMap<u64, Ref> = all.collect();
    let found = match (from, flags) {
        (None, 0) => all.into_values().next(),
        (None, _) => all.into_values().next_back(),
        (Some(from), 0) => all.into_iter().find(|(id, _)| *id > from).map(|(_, object)| object),
        (Some(from), _) => all.into_iter().rfind(|(id, _)| *id < from).map(|(_, object)| object),
    };
    let made = cx.insert(found.ok_or(STATUS_NO_MORE_ENTRIES)?, access, attributes)?;
    cx.give(next, made, STATUS_SUCCESS)
}
