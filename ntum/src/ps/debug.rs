//! Debug objects: where a debugger waits for what happens in the processes it is attached to. What a process tells of itself is
//! in `ps::debuggee`.

use super::debuggee::{Report, info, state};
use super::other;
use crate::call::Cx;
use crate::io::device::Create;
use crate::io::file::{FILE_EXECUTE, FILE_NON_DIRECTORY_FILE, FILE_READ_DATA, FILE_SYNCHRONOUS_IO_NONALERT};
use crate::ke::dispatcher::Dispatcher;
use crate::ke::wait::Deadline;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object};
use crate::ob::types::{SYNCHRONIZE, Type};
use crate::shm::debug::Told;
use crate::status::*;
use crate::types::{ClientId, OBJ_CASE_INSENSITIVE, ObjectAttributes, ObjectAttributesRaw};
use crate::um::UserPtr;
use shim_abi::wire::{decode, encode};
use std::sync::atomic::{AtomicU32, Ordering};
use zerocopy::IntoBytes;

/// DEBUG_READ_EVENT.
const DEBUG_READ_EVENT: u32 = 1;
/// DEBUG_PROCESS_ASSIGN.
pub(super) const DEBUG_PROCESS_ASSIGN: u32 = 2;
/// DEBUG_SET_INFORMATION.
const DEBUG_SET_INFORMATION: u32 = 4;
/// DEBUG_KILL_ON_CLOSE: the only flag.
const DEBUG_KILL_ON_CLOSE: u32 = 1;
/// PROCESS_VM_READ, PROCESS_VM_WRITE and PROCESS_SUSPEND_RESUME.
const PROCESS_DEBUG: u32 = 0x830;

/// Every right to a process or thread.
const ALL_ACCESS: u32 = 0x1f_ffff;
/// Bytes of DBGUI_WAIT_STATE_CHANGE: state, client, and what depends on the state.
const STATE_CHANGE: usize = 0xb8;

/// A debug object. Its events are in its record.
pub struct DebugObject {
    /// DEBUG_KILL_ON_CLOSE, as it was made; the record's counts.
    pub(crate) flags: AtomicU32,
}

/// Whether what happened is the begin of a process.
pub fn begins(what: &[u8]) -> bool {
    decode::<Report>(what).is_ok_and(|report| report.state == state::CREATE_PROCESS)
}

/// The end of a process, as a debugger is told of it.
pub fn end_of_process(status: u32) -> Vec<u8> {
    encode(&Report { state: state::EXIT_PROCESS, info: status.to_le_bytes().to_vec(), path: Vec::new() })
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
    let object = Object::new(Dispatcher::notification(false), body);
    let (made, status) = cx.create_named(&attributes, access, object.clone())?;
    if status == STATUS_SUCCESS {
        match cx.k.share(&object) {
            // On a machine without a sandbox's memory there is nobody to debug.
            Ok(_) | Err(STATUS_NOT_SUPPORTED) => {}
            Err(error) => {
                let _ = cx.k.close_handle(made);
                return Err(error);
            }
        }
    }
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
    if let Some(seat) = object.signal.seat() {
        let mut tx = seat.shm.begin();
        tx.set_debug_flags(seat.object, flags);
        tx.commit()?;
    }
    returned.write_opt(cx.k, 0)?;
    Ok(STATUS_SUCCESS)
}

fn pair(cx: &Cx<'_>, process: Handle, debug: Handle) -> Nt<(Ref, Ref)> {
    let process = cx.object_of(process, Type::Process, PROCESS_DEBUG)?;
    Ok((process, cx.object_of(debug, Type::DebugObject, DEBUG_PROCESS_ASSIGN)?))
}

/// NtDebugActiveProcess: a process cannot debug itself.
///
/// # Errors
/// `STATUS_PORT_ALREADY_SET` for one that is debugged, `STATUS_PROCESS_IS_TERMINATING`, `STATUS_ACCESS_DENIED`,
/// `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_debug_active_process(cx: &Cx<'_>, process: Handle, debug: Handle) -> Nt {
    let (process, debug) = pair(cx, process, debug)?;
    let other = other::process(&process).ok_or(STATUS_ACCESS_DENIED)?;
    cx.attach(other, &debug)
}

/// NtRemoveProcessDebug: the process goes on.
///
/// # Errors
/// `STATUS_PORT_NOT_SET` for one that another debug object is attached to, or none; `STATUS_PROCESS_IS_TERMINATING`,
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_remove_process_debug(cx: &Cx<'_>, process: Handle, debug: Handle) -> Nt {
    let (process, debug) = pair(cx, process, debug)?;
    let (Some(seat), Some(debug)) = (process.signal.seat(), debug.signal.seat()) else {
        return Err(STATUS_PORT_NOT_SET);
    };
    let mut tx = seat.shm.begin();
    let member = tx.member_that_is(seat.object).ok_or(STATUS_PROCESS_IS_TERMINATING)?;
    if tx.debugger_of(member) != debug.object {
        return Err(STATUS_PORT_NOT_SET);
    }
    tx.detach_debugger(member);
    tx.commit()?;
    Ok(STATUS_SUCCESS)
}

/// NtWaitForDebugEvent: answers with handles that the caller has to close, but those of the debugged image's files that cannot be
/// opened.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_wait_for_debug_event(cx: &Cx<'_>, handle: Handle, alertable: bool, timeout: UserPtr<i64>, state: u64) -> Nt {
    let deadline = Deadline::of(cx.k, timeout.read_opt(cx.k)?);
    let object = cx.object_of(handle, Type::DebugObject, DEBUG_READ_EVENT)?;
    loop {
        if let Some(seat) = object.signal.seat() {
            let mut tx = seat.shm.begin();
            let told = tx.tell_event(seat.object);
            tx.commit()?;
            if let Some(told) = told {
                return tell(cx, &told, state);
            }
        }
        match cx.wait_for(vec![object.clone()], false, alertable, deadline)? {
            STATUS_WAIT_0 => {}
            status => return Ok(status),
        }
    }
}

/// Stores an event as DBGUI_WAIT_STATE_CHANGE, with handles for the caller.
fn tell(cx: &Cx<'_>, told: &Told, to: u64) -> Nt {
    let report: Report = decode(&told.what).map_err(|_| STATUS_INTERNAL_ERROR)?;
    let mut change = [0u8; STATE_CHANGE];
    let client = ClientId { process: told.process_id.into(), thread: told.thread.into() };
    change[..4].copy_from_slice(&report.state.to_le_bytes());
    change[8..24].copy_from_slice(client.as_bytes());
    let rest = &mut change[24..];
    let length = report.info.len().min(rest.len());
    rest[..length].copy_from_slice(&report.info[..length]);
    let mut put = |at: usize, handle: Handle| rest[at..at + 8].copy_from_slice(&handle.0.to_le_bytes());
    // What cannot be had is null: the process may have ended meanwhile.
    let handle = |object: Nt<Ref>| object.and_then(|object| cx.insert(object, ALL_ACCESS, 0)).unwrap_or(Handle(0));
    let thread = || handle(cx.thread_of_others(told.thread.into()));
    match report.state {
        state::CREATE_PROCESS => {
            put(info::process::PROCESS, handle(cx.k.import_at(told.process)));
            put(info::process::THREAD, thread());
            put(info::process::FILE, image_file(cx, report.path));
        }
        state::CREATE_THREAD => put(info::thread::THREAD, thread()),
        state::LOAD_DLL => put(info::dll::FILE, image_file(cx, report.path)),
        _ => {}
    }
    cx.k.write_user(to, &change)?;
    Ok(STATUS_SUCCESS)
}

/// A handle to an image's file; 0 if the debugger cannot open it.
fn image_file(cx: &Cx<'_>, path: Vec<u16>) -> Handle {
    const SHARE_ALL: u32 = 7;
    let name = Some(path).filter(|path| !path.is_empty());
    let attributes = ObjectAttributes { name, attributes: OBJ_CASE_INSENSITIVE, ..Default::default() };
    let access = FILE_READ_DATA | FILE_EXECUTE | SYNCHRONIZE;
    let options = FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE;
    let create = Create { share: SHARE_ALL, ..Create::existing(access, options) };
    let opened = cx.open_file(&attributes, &create).and_then(|opened| cx.insert(opened.object, access, 0));
    opened.unwrap_or(Handle(0))
}

/// NtDebugContinue.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` for a status that no debugger answers with, and if no event waits for an answer;
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_debug_continue(cx: &Cx<'_>, handle: Handle, client: UserPtr<ClientId>, status: u32) -> Nt {
    /// DBG_EXCEPTION_HANDLED, DBG_CONTINUE, DBG_REPLY_LATER, DBG_EXCEPTION_NOT_HANDLED.
    const ANSWERS: [u32; 4] = [0x1_0001, 0x1_0002, 0x4001_0001, 0x8001_0001];
    if !ANSWERS.contains(&status) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let client = client.read(cx.k)?;
    let object = cx.object_of(handle, Type::DebugObject, DEBUG_READ_EVENT)?;
    let seat = object.signal.seat().ok_or(STATUS_INVALID_PARAMETER)?;
    let mut tx = seat.shm.begin();
    if !tx.answer_event(seat.object, client.process as u32, client.thread as u32, Status(status)) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    tx.commit()?;
    Ok(STATUS_SUCCESS)
}
