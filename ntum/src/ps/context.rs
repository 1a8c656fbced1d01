//! Thread contexts: reading and setting the registers of a thread that stands still, or of the caller.

use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::ps::thread::Thread;
use crate::ps::xstate;
use crate::status::*;
use crate::types::Context;
use crate::um::UserPtr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// THREAD_GET_CONTEXT.
const THREAD_GET_CONTEXT: u32 = 0x8;
/// THREAD_SET_CONTEXT.
const THREAD_SET_CONTEXT: u32 = 0x10;

fn asks(flags: u32, part: u32) -> bool {
    flags & part == part
}

/// Copies the parts that `from.flags` names.
pub fn merge(into: &mut Context, from: &Context) {
    let flags = from.flags;
    if asks(flags, Context::CONTROL) {
        (into.rip, into.rsp, into.eflags) = (from.rip, from.rsp, from.eflags);
        (into.cs, into.ss) = (from.cs, from.ss);
    }
    if asks(flags, Context::INTEGER) {
        (into.rax, into.rcx, into.rdx, into.rbx) = (from.rax, from.rcx, from.rdx, from.rbx);
        (into.rbp, into.rsi, into.rdi) = (from.rbp, from.rsi, from.rdi);
        (into.r8, into.r9, into.r10, into.r11) = (from.r8, from.r9, from.r10, from.r11);
        (into.r12, into.r13, into.r14, into.r15) = (from.r12, from.r13, from.r14, from.r15);
    }
    if asks(flags, Context::SEGMENTS) {
        (into.ds, into.es, into.fs, into.gs) = (from.ds, from.es, from.fs, from.gs);
    }
    if asks(flags, Context::FLOATING_POINT) {
        into.fx = from.fx;
        into.mxcsr = from.mxcsr & 0xffff;
    }
    if asks(flags, Context::DEBUG_REGISTERS) {
        into.dr = from.dr;
    }
}

/// Keeps the debug registers that a context sets for whoever reads them back; the host's own are out of reach.
pub(super) fn keep_debug_registers(thread: &Thread, new: &Context) {
    if asks(new.flags, Context::DEBUG_REGISTERS) {
        *thread.debug_registers.lock() = new.dr;
    }
}

/// The thread behind a handle.
fn thread(cx: &Cx<'_>, handle: Handle, access: u32) -> Nt<Arc<Thread>> {
    Ok(cx.object(handle, access)?.thread()?.clone())
}

/// NtGetContextThread.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_UNSUCCESSFUL` for a thread that ended or does not stand still.
pub fn nt_get_context_thread(cx: &Cx<'_>, handle: Handle, context: UserPtr<Context>) -> Nt {
    let mut wanted = context.read(cx.k)?;
    let target = thread(cx, handle, THREAD_GET_CONTEXT)?;
    let (actual, activity) = if Arc::ptr_eq(&target, cx.t) {
        (cx.k.host.call_context().ok_or(STATUS_UNSUCCESSFUL)?, Context::SERVICE_ACTIVE)
    } else {
        cx.k.with_standing(&target, |context| (*context, target.activity.load(Ordering::Relaxed)))?
    };
    let mut flags = wanted.flags;
    if asks(flags, Context::EXCEPTION_REQUEST) {
        flags &= !(Context::SERVICE_ACTIVE | Context::EXCEPTION_ACTIVE);
        flags |= Context::EXCEPTION_REPORTING | activity;
    }
    let mut part = actual;
    part.flags = flags;
    merge(&mut wanted, &part);
    if asks(flags, Context::DEBUG_REGISTERS) {
        wanted.dr = *target.debug_registers.lock();
    }
    wanted.flags = flags;
    wanted.set_ymm(None);
    xstate::store(cx.k, context.address(), flags, actual.ymm())?;
    context.write(cx.k, wanted)?;
    Ok(STATUS_SUCCESS)
}

/// NtSetContextThread.
///
/// # Errors
/// As [`nt_get_context_thread`].
pub fn nt_set_context_thread(cx: &Cx<'_>, handle: Handle, context: UserPtr<Context>) -> Nt {
    let new = context.read(cx.k)?;
    let ymm = xstate::load(cx.k, context.address(), new.flags)?;
    let target = thread(cx, handle, THREAD_SET_CONTEXT)?;
    keep_debug_registers(&target, &new);
    if Arc::ptr_eq(&target, cx.t) {
        let mut base = cx.k.host.call_context().ok_or(STATUS_UNSUCCESSFUL)?;
        merge(&mut base, &new);
        base.set_ymm(ymm.as_ref());
        // What `syscall` leaves, whatever was set.
        (base.rcx, base.r11) = (base.rip, u64::from(base.eflags));
        cx.t.set_resume(base);
        return Ok(STATUS_SUCCESS);
    }
    cx.k.with_standing(&target, |context| {
        merge(context, &new);
        if ymm.is_some() {
            context.set_ymm(ymm.as_ref());
        }
        target.context_changed.store(true, Ordering::Release);
    })?;
    Ok(STATUS_SUCCESS)
}
