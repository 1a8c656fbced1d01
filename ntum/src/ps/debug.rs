//! Debug objects: where a debugger waits for what happens in the processes it is attached to. A program of its own
//! picoprocess has none to attach to but itself, which nobody can.

use crate::call::Cx;
use crate::ke::dispatcher::Dispatcher;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object};
use crate::ob::types::Type;
use crate::status::*;
use crate::types::{ClientId, ObjectAttributesRaw};
use crate::um::UserPtr;
use std::sync::atomic::{AtomicU32, Ordering};

/// DEBUG_READ_EVENT.
const DEBUG_READ_EVENT: u32 = 1;
/// DEBUG_PROCESS_ASSIGN.
const DEBUG_PROCESS_ASSIGN: u32 = 2;
/// DEBUG_SET_INFORMATION.
const DEBUG_SET_INFORMATION: u32 = 4;
/// DEBUG_KILL_ON_CLOSE: the only flag.
const DEBUG_KILL_ON_CLOSE: u32 = 1;
/// PROCESS_VM_READ, PROCESS_VM_WRITE and PROCESS_SUSPEND_RESUME.
const PROCESS_DEBUG: u32 = 0x830;

/// A debug object.
pub struct DebugObject {
    /// DEBUG_KILL_ON_CLOSE.
    flags: AtomicU32,
}

/// NtCreateDebugObject.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, and as `Cx::create_named`.
pub fn nt_create_debug_object(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    flags: u32,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    if flags & !DEBUG_KILL_ON_CLOSE != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let attributes = attributes.load(cx.k)?;
    let body = Body::DebugObject(DebugObject { flags: AtomicU32::new(flags) });
    let (made, status) = cx.create_named(&attributes, access, Object::new(Dispatcher::notification(false), body))?;
    cx.give(handle, made, status)
}

/// NtSetInformationDebugObject: DebugObjectKillProcessOnExitInformation (1).
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`,
/// `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_set_information_debug_object(
    cx: &Cx<'_>,
    handle: Handle,
    class: u32,
    buffer: UserPtr<u32>,
    length: u32,
    returned: UserPtr<u32>,
) -> Nt {
    if class != 1 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if length != 4 {
        returned.write_opt(cx.k, 4)?;
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let flags = buffer.read(cx.k)?;
    if flags & !DEBUG_KILL_ON_CLOSE != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let object = cx.object_of(handle, Type::DebugObject, DEBUG_SET_INFORMATION)?;
    object.debug_object()?.flags.store(flags, Ordering::Relaxed);
    returned.write_opt(cx.k, 0)?;
    Ok(STATUS_SUCCESS)
}

fn pair(cx: &Cx<'_>, process: Handle, debug: Handle) -> Nt<()> {
    cx.object_of(process, Type::Process, PROCESS_DEBUG)?;
    cx.object_of(debug, Type::DebugObject, DEBUG_PROCESS_ASSIGN).map(drop)
}

/// NtDebugActiveProcess: a process cannot debug itself.
///
/// # Errors
/// `STATUS_ACCESS_DENIED`, `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_debug_active_process(cx: &Cx<'_>, process: Handle, debug: Handle) -> Nt {
    pair(cx, process, debug)?;
    Err(STATUS_ACCESS_DENIED)
}

/// NtRemoveProcessDebug.
///
/// # Errors
/// `STATUS_PORT_NOT_SET` as nobody is attached, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`,
/// `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_remove_process_debug(cx: &Cx<'_>, process: Handle, debug: Handle) -> Nt {
    pair(cx, process, debug)?;
    Err(STATUS_PORT_NOT_SET)
}

/// NtWaitForDebugEvent: there is none; the wait ends by time, APC or alert.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_wait_for_debug_event(cx: &Cx<'_>, handle: Handle, alertable: bool, timeout: UserPtr<i64>, _state: u64) -> Nt {
    cx.object_of(handle, Type::DebugObject, DEBUG_READ_EVENT)?;
    crate::ke::wait::nt_wait_for_single_object(cx, handle, alertable, timeout)
}

/// NtDebugContinue.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` for a status that no debugger answers with, and as no event waits for an answer;
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_debug_continue(cx: &Cx<'_>, handle: Handle, client: UserPtr<ClientId>, status: u32) -> Nt {
    /// DBG_EXCEPTION_HANDLED, DBG_CONTINUE, DBG_REPLY_LATER, DBG_EXCEPTION_NOT_HANDLED.
    const ANSWERS: [u32; 4] = [0x1_0001, 0x1_0002, 0x4001_0001, 0x8001_0001];
    if !ANSWERS.contains(&status) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    client.read(cx.k)?;
    cx.object_of(handle, Type::DebugObject, DEBUG_READ_EVENT)?;
    Err(STATUS_INVALID_PARAMETER)
}
