//! Local procedure calls: ports as they look to a program when no server listens.
//!
//! Nothing makes a port yet (NtCreatePort is absent), so a connection finds none, and no handle is to one.

use crate::call::{Call, Cx};
use crate::ob::directory::{Found, walk};
use crate::ob::handle::Handle;
use crate::status::*;
use crate::types::UnicodeString;
use crate::um::UserPtr;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {
    NtConnectPort(handle: UserPtr<Handle>, name: UserPtr<UnicodeString>, quality: u64, write: u64, read: u64, longest: u64, information: u64, information_length: u64) => nt_connect_port, Partial("servers");
    NtSecureConnectPort(handle: UserPtr<Handle>, name: UserPtr<UnicodeString>, quality: u64, write: u64, sid: u64, read: u64, longest: u64, information: u64, information_length: u64) => nt_secure_connect_port, Partial("servers");
    NtListenPort(handle: Handle, message: u64) => nt_listen_port, Partial("servers");
    NtAcceptConnectPort(to: UserPtr<Handle>, context: u64, message: u64, accept: bool, write: u64, read: u64) => nt_accept_connect_port, Partial("servers");
    NtCompleteConnectPort(handle: Handle) => nt_complete_connect_port, Partial("servers");
    NtRequestWaitReplyPort(handle: Handle, request: u64, reply: u64) => nt_request_wait_reply_port, Partial("servers");
    NtReplyWaitReceivePort(handle: Handle, context: u64, reply: u64, message: u64) => nt_reply_wait_receive_port, Partial("servers");
    NtRegisterThreadTerminatePort(handle: Handle) => nt_register_thread_terminate_port, Partial("servers");
};

/// NtConnectPort.
///
/// # Errors
/// `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_VIOLATION`, and as for any name.
#[allow(clippy::too_many_arguments)]
pub fn nt_connect_port(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    name: UserPtr<UnicodeString>,
    _quality: u64,
    _write: u64,
    _read: u64,
    _longest: u64,
    _information: u64,
    _information_length: u64,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let name = name.text(cx.k)?;
    // Port names never distinguish letter case.
    match walk(&cx.k.ob.root, None, &name, true, false)? {
        Found::Missing(..) => Err(STATUS_OBJECT_NAME_NOT_FOUND),
        Found::Object(_) | Found::Rest(..) => Err(STATUS_OBJECT_TYPE_MISMATCH),
    }
}

/// NtSecureConnectPort.
///
/// # Errors
/// As [`nt_connect_port`].
#[allow(clippy::too_many_arguments)]
pub fn nt_secure_connect_port(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    name: UserPtr<UnicodeString>,
    quality: u64,
    write: u64,
    _sid: u64,
    read: u64,
    longest: u64,
    information: u64,
    information_length: u64,
) -> Nt {
    nt_connect_port(cx, handle, name, quality, write, read, longest, information, information_length)
}

/// What every call answers that is given a handle where a port's belongs.
fn no_port(cx: &Cx<'_>, handle: Handle) -> Nt {
    cx.object(handle, 0)?;
    Err(STATUS_OBJECT_TYPE_MISMATCH)
}

/// NtListenPort.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_listen_port(cx: &Cx<'_>, handle: Handle, _message: u64) -> Nt {
    no_port(cx, handle)
}

/// NtAcceptConnectPort: the message says which connection request is meant, and there never was one.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_INVALID_CID`.
pub fn nt_accept_connect_port(
    cx: &Cx<'_>,
    to: UserPtr<Handle>,
    _context: u64,
    _message: u64,
    _accept: bool,
    _write: u64,
    _read: u64,
) -> Nt {
    to.write(cx.k, Handle(0))?;
    Err(STATUS_INVALID_CID)
}

/// NtCompleteConnectPort.
///
/// # Errors
/// As [`nt_listen_port`].
pub fn nt_complete_connect_port(cx: &Cx<'_>, handle: Handle) -> Nt {
    no_port(cx, handle)
}

/// NtRequestWaitReplyPort.
///
/// # Errors
/// As [`nt_listen_port`].
pub fn nt_request_wait_reply_port(cx: &Cx<'_>, handle: Handle, _request: u64, _reply: u64) -> Nt {
    no_port(cx, handle)
}

/// NtReplyWaitReceivePort.
///
/// # Errors
/// As [`nt_listen_port`].
pub fn nt_reply_wait_receive_port(cx: &Cx<'_>, handle: Handle, _context: u64, _reply: u64, _message: u64) -> Nt {
    no_port(cx, handle)
}

/// NtRegisterThreadTerminatePort.
///
/// # Errors
/// As [`nt_listen_port`].
pub fn nt_register_thread_terminate_port(cx: &Cx<'_>, handle: Handle) -> Nt {
    no_port(cx, handle)
}
