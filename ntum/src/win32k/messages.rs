//! What programs do with the message queues of threads.

use super::queue::{ALL_INPUT, ALL_POSTED, Filter, Message, POSTED, QUIT, Queue};
use super::{FALSE, TRUE, error, fail};
use crate::call::Cx;
use crate::ke::wait::{Deadline, MAXIMUM_WAIT_OBJECTS};
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::types::SYNCHRONIZE;
use crate::ps::layout::{parameters, peb};
use crate::status::*;
use crate::um::UserPtr;

/// WAIT_FAILED, and what GetMessage answers for a mistake.
const FAILED: Status = Status(u32::MAX);
/// MWMO_*: all objects and a message, alertable, what was seen before counts.
const WAIT_ALL: u32 = 1;
const ALERTABLE: u32 = 2;
const INPUT_AVAILABLE: u32 = 4;
/// PM_REMOVE.
const REMOVE: u32 = 1;
/// QS_SMRESULT.
const SENT_RESULT: u32 = 0x8000;
/// Code of PostQuitMessage: `NtUserCallOneParam_PostQuitMessage` of Wine 10's `include/ntuser.h`.
const POST_QUIT_MESSAGE: u32 = 17;

/// Messages below WM_USER whose parameters are addresses: they are sent, never posted.
const BY_ADDRESS: &[u32] = &[
    0x01, 0x0c, 0x0d, 0x1a, 0x1b, 0x24, 0x2b, 0x2c, 0x2d, 0x39, 0x46, 0x47, 0x4a, 0x4e, 0x53, 0x7c, 0x7d, 0x81, 0x83,
    0x213, 0x214, 0x216, 0x220,
];

/// The calling thread's queue.
fn queue<'a>(cx: &'a Cx<'_>) -> &'a Queue {
    cx.t.messages.get_or_init(Box::default)
}

fn milliseconds(cx: &Cx<'_>) -> u32 {
    (cx.k.host.monotonic() / 1_000_000) as u32
}

/// An object of a list, which may be a number of a standard handle.
fn object(cx: &Cx<'_>, handle: Handle) -> Nt<Ref> {
    let number = handle.0 as i32;
    let handle = if (-12..=-10).contains(&number) {
        let block = UserPtr::<u64>::new(cx.k.ps.peb() + peb::PROCESS_PARAMETERS).read(cx.k)?;
        let place = (-10 - number) as u64 * 8;
        UserPtr::<Handle>::new(block + parameters::STANDARD_INPUT + place).read(cx.k)?
    } else {
        handle
    };
    cx.object(handle, SYNCHRONIZE)
}

/// NtUserMsgWaitForMultipleObjectsEx: waits for objects, or for messages of some kinds (QS_*), for so many milliseconds.
///
/// # Errors
/// None; the answer is WAIT_FAILED, and the last error says why.
pub fn msg_wait(cx: &Cx<'_>, count: u32, handles: UserPtr<Handle>, timeout: u32, mask: u32, flags: u32) -> Nt {
    let count = count as usize;
    if count >= MAXIMUM_WAIT_OBJECTS {
        return fail(cx, FAILED, error::INVALID_PARAMETER);
    }
    let list = if count == 0 { Ok(Vec::new()) } else { handles.read_vec(cx.k, count) };
    let objects = list.and_then(|list| list.into_iter().map(|handle| object(cx, handle)).collect::<Nt<Vec<_>>>());
    let mut objects = match objects {
        Ok(objects) => objects,
        Err(status) => return fail(cx, FAILED, win32(status)),
    };
    let queue = queue(cx);
    objects.push(queue.event.clone());
    let deadline = Deadline::of(cx.k, (timeout != u32::MAX).then_some(-i64::from(timeout) * 10_000));
    queue.await_these(cx.k, if flags & INPUT_AVAILABLE != 0 { mask } else { 0 }, mask);
    let ended = cx.wait_for(objects, flags & WAIT_ALL != 0, flags & ALERTABLE != 0, deadline);
    queue.await_these(cx.k, 0, 0);
    match ended {
        Err(status) => fail(cx, FAILED, win32(status)),
        ended => ended,
    }
}

fn win32(status: Status) -> u32 {
    match status {
        STATUS_ACCESS_DENIED => error::ACCESS_DENIED,
        STATUS_ACCESS_VIOLATION => error::NOACCESS,
        STATUS_INVALID_HANDLE | STATUS_OBJECT_TYPE_MISMATCH => error::INVALID_HANDLE,
        _ => error::INVALID_PARAMETER,
    }
}

/// NtUserWaitMessage.
///
/// # Errors
/// None.
pub fn wait_message(cx: &Cx<'_>) -> Nt {
    let ended = msg_wait(cx, 0, UserPtr::new(0), u32::MAX, ALL_INPUT, 0)?;
    Ok(if ended == FAILED { FALSE } else { TRUE })
}

/// Whether a window's number means the thread's messages: there are no windows.
fn is_thread(window: u64) -> bool {
    // NULL: all of the thread; -1: those of no window.
    matches!(window as u32, 0 | 0xffff_ffff)
}

/// Stores a MSG: window, number, parameters, time, place of the cursor.
fn store(cx: &Cx<'_>, at: u64, message: &Message) -> Nt<()> {
    let mut out = [0u8; 48];
    out[8..12].copy_from_slice(&message.number.to_le_bytes());
    out[16..24].copy_from_slice(&message.parameters[0].to_le_bytes());
    out[24..32].copy_from_slice(&message.parameters[1].to_le_bytes());
    out[32..36].copy_from_slice(&message.time.to_le_bytes());
    cx.k.write_user(at, &out)
}

/// NtUserPeekMessage: the upper half of `flags` says of which kinds (QS_*), none says all.
///
/// # Errors
/// None.
pub fn peek_message(cx: &Cx<'_>, message: u64, window: u64, first: u32, last: u32, flags: u32) -> Nt {
    if !is_thread(window) {
        return fail(cx, FALSE, error::INVALID_WINDOW_HANDLE);
    }
    let kinds = flags >> 16;
    let filter = Filter { range: (first, last), posted: kinds == 0 || kinds & (POSTED | ALL_POSTED) != 0 };
    let Some(found) = queue(cx).look(cx.k, filter, flags & REMOVE != 0, milliseconds(cx)) else { return Ok(FALSE) };
    match store(cx, message, &found) {
        Ok(()) => Ok(TRUE),
        Err(_) => fail(cx, FALSE, error::NOACCESS),
    }
}

/// NtUserGetMessage.
///
/// # Errors
/// `STATUS_THREAD_IS_TERMINATING`.
pub fn get_message(cx: &Cx<'_>, message: u64, window: u64, first: u32, last: u32) -> Nt {
    if !is_thread(window) {
        return fail(cx, FAILED, error::INVALID_WINDOW_HANDLE);
    }
    let filter = Filter { range: (first, last), posted: true };
    let queue = queue(cx);
    loop {
        if let Some(found) = queue.look(cx.k, filter, true, milliseconds(cx)) {
            return match store(cx, message, &found) {
                Ok(()) if found.number == QUIT => Ok(FALSE),
                Ok(()) => Ok(TRUE),
                Err(_) => fail(cx, FAILED, error::NOACCESS),
            };
        }
        queue.await_these(cx.k, 0, ALL_INPUT | ALL_POSTED);
        let ended = cx.wait_for(vec![queue.event.clone()], false, false, Deadline::Never);
        queue.await_these(cx.k, 0, 0);
        match ended? {
            STATUS_WAIT_0 => {}
            interruption => return Err(interruption),
        }
    }
}

/// NtUserPostThreadMessage.
///
/// # Errors
/// None.
pub fn post_thread_message(cx: &Cx<'_>, thread: u32, message: u32, wparam: u64, lparam: u64) -> Nt {
    if BY_ADDRESS.contains(&message) {
        return fail(cx, FALSE, error::MESSAGE_SYNC_ONLY);
    }
    // A thread has a queue from its first look at it on.
    let thread = cx.k.ps.thread(u64::from(thread));
    let Some(queue) = thread.as_ref().and_then(|thread| thread.messages.get()) else {
        return fail(cx, FALSE, error::INVALID_THREAD_ID);
    };
    let message = Message { number: message, parameters: [wparam, lparam], time: milliseconds(cx) };
    if queue.post(cx.k, message) { Ok(TRUE) } else { fail(cx, FALSE, error::NOT_ENOUGH_QUOTA) }
}

/// NtUserGetQueueStatus: what there is of some kinds in the upper half, what came of it in the lower.
///
/// # Errors
/// None.
pub fn get_queue_status(cx: &Cx<'_>, kinds: u32) -> Nt {
    if kinds & !(ALL_INPUT | ALL_POSTED | SENT_RESULT) != 0 {
        return fail(cx, FALSE, error::INVALID_FLAGS);
    }
    let (there, came) = queue(cx).status(cx.k, kinds);
    Ok(Status(there << 16 | came))
}

/// NtUserDispatchMessage: a message of no window has nobody to go to.
///
/// # Errors
/// None.
pub fn dispatch_message(cx: &Cx<'_>, message: u64) -> Nt {
    let window = UserPtr::<u64>::new(message).read(cx.k);
    match window {
        Ok(0) => Ok(FALSE),
        Ok(_) => fail(cx, FALSE, error::INVALID_WINDOW_HANDLE),
        Err(_) => fail(cx, FALSE, error::NOACCESS),
    }
}

/// NtUserCallOneParam.
///
/// # Errors
/// None.
pub fn call_one_param(cx: &Cx<'_>, argument: u64, code: u32) -> Nt {
    if code == POST_QUIT_MESSAGE {
        queue(cx).quit(cx.k, i64::from(argument as i32) as u64);
        return Ok(TRUE);
    }
    Ok(FALSE)
}
