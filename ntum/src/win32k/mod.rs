//! The user's side of the kernel, as far as programs without windows need it: the message queues of threads,
//! and the window classes that DLLs register when they are loaded, whether there will be windows or not.
//!
//! Its calls answer truth values, handles and counts; why they failed is the thread's last error, a Win32 code.

pub mod class;
pub mod messages;
pub mod queue;
#[cfg(test)]
mod tests;

use crate::call::{Call, Cx};
use crate::ob::handle::Handle;
use crate::ps::layout::teb;
use crate::status::*;
use crate::types::UnicodeString;
use crate::um::UserPtr;
use std::sync::atomic::Ordering;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {
    NtUserMsgWaitForMultipleObjectsEx(count: u32, handles: UserPtr<Handle>, timeout: u32, mask: u32, flags: u32) => messages::msg_wait, Done;
    NtUserWaitMessage() => messages::wait_message, Done;
    NtUserPeekMessage(message: u64, window: u64, first: u32, last: u32, flags: u32) => messages::peek_message, Partial("windows, timers");
    NtUserGetMessage(message: u64, window: u64, first: u32, last: u32) => messages::get_message, Partial("windows, timers");
    NtUserPostThreadMessage(thread: u32, message: u32, wparam: u64, lparam: u64) => messages::post_thread_message, Partial("threads of other processes");
    NtUserGetQueueStatus(flags: u32) => messages::get_queue_status, Done;
    NtUserDispatchMessage(message: u64) => messages::dispatch_message, Partial("windows, timers");
    NtUserRegisterClassExWOW(class: UserPtr<class::ClassInfo>, name: UserPtr<UnicodeString>, version: UserPtr<UnicodeString>, menu: UserPtr<[u64; 3]>, builtin: u32, flags: u32, wow: u64) => class::register, Partial("a small icon is not made of the large one");
    NtUserUnregisterClass(name: UserPtr<UnicodeString>, instance: u64, menu: UserPtr<[u64; 3]>) => class::unregister, Done;
    NtUserGetClassInfoEx(instance: u64, name: UserPtr<UnicodeString>, class: UserPtr<class::ClassInfo>, menu: UserPtr<[u64; 3]>, ansi: u32) => class::info, Partial("the system's own classes; procedures of the other kind of text");
    NtUserCreateWindowEx(extended_style: u32, name: UserPtr<UnicodeString>) => class::no_window, Partial("windows: it fails, and says why");
    NtUserCallOneParam(argument: u64, code: u32) => messages::call_one_param, Partial("all but PostQuitMessage");
};

/// Win32 error codes that the calls leave behind.
mod error {
    pub const INVALID_HANDLE: u32 = 6;
    pub const ACCESS_DENIED: u32 = 5;
    pub const INVALID_PARAMETER: u32 = 87;
    pub const CALL_NOT_IMPLEMENTED: u32 = 120;
    pub const NOACCESS: u32 = 998;
    pub const INVALID_FLAGS: u32 = 1004;
    pub const MESSAGE_SYNC_ONLY: u32 = 1159;
    pub const INVALID_WINDOW_HANDLE: u32 = 1400;
    pub const CLASS_ALREADY_EXISTS: u32 = 1410;
    pub const CLASS_DOES_NOT_EXIST: u32 = 1411;
    pub const INVALID_THREAD_ID: u32 = 1444;
    pub const NOT_ENOUGH_QUOTA: u32 = 1816;
}

/// TRUE and FALSE, as a call's status carries them.
const TRUE: Status = Status(1);
const FALSE: Status = Status(0);

/// The call fails: its answer, with the thread's last error set.
fn fail(cx: &Cx<'_>, answer: Status, error: u32) -> Nt {
    let at = cx.t.teb.load(Ordering::Acquire) + teb::LAST_ERROR;
    UserPtr::new(at).write(cx.k, error)?;
    Ok(answer)
}
