//! Calls that open and copy tokens.

use super::token::{Level, access};
use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::ps::query::{PROCESS_QUERY_INFORMATION, PROCESS_QUERY_LIMITED_INFORMATION};
use crate::ps::query_thread::{THREAD_QUERY_INFORMATION, THREAD_QUERY_LIMITED_INFORMATION};
use crate::status::*;
use crate::types::ObjectAttributesRaw;
use crate::um::UserPtr;

/// NtOpenProcessToken.
///
/// # Errors
/// As [`nt_open_process_token_ex`].
pub fn nt_open_process_token(cx: &Cx<'_>, process: Handle, desired: u32, token: UserPtr<Handle>) -> Nt {
    nt_open_process_token_ex(cx, process, desired, 0, token)
}

/// NtOpenProcessTokenEx.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_ACCESS_DENIED`, and as for the handle.
pub fn nt_open_process_token_ex(
    cx: &Cx<'_>,
    process: Handle,
    desired: u32,
    attributes: u32,
    token: UserPtr<Handle>,
) -> Nt {
    token.write(cx.k, Handle(0))?;
    let entry = cx.entry(process, 0)?;
    entry.object.process()?;
    if entry.access & (PROCESS_QUERY_INFORMATION | PROCESS_QUERY_LIMITED_INFORMATION) == 0 {
        return Err(STATUS_ACCESS_DENIED);
    }
    let opened = cx.insert(cx.k.process_token(), desired, attributes)?;
    token.write(cx.k, opened)?;
    Ok(STATUS_SUCCESS)
}

/// NtOpenThreadToken.
///
/// # Errors
/// As [`nt_open_thread_token_ex`].
pub fn nt_open_thread_token(cx: &Cx<'_>, thread: Handle, desired: u32, as_self: bool, token: UserPtr<Handle>) -> Nt {
    nt_open_thread_token_ex(cx, thread, desired, as_self, 0, token)
}

/// NtOpenThreadTokenEx. Whether access is checked against the process's token (`as_self`) makes no difference: tokens
/// have no descriptor that tells the two apart.
///
/// # Errors
/// `STATUS_NO_TOKEN` if the thread does not impersonate, `STATUS_CANT_OPEN_ANONYMOUS`, and as
/// [`nt_open_process_token_ex`].
pub fn nt_open_thread_token_ex(
    cx: &Cx<'_>,
    thread: Handle,
    desired: u32,
    _as_self: bool,
    attributes: u32,
    token: UserPtr<Handle>,
) -> Nt {
    token.write(cx.k, Handle(0))?;
    let entry = cx.entry(thread, 0)?;
    let thread = entry.object.thread()?;
    if entry.access & (THREAD_QUERY_INFORMATION | THREAD_QUERY_LIMITED_INFORMATION) == 0 {
        return Err(STATUS_ACCESS_DENIED);
    }
    let object = thread.token().ok_or(STATUS_NO_TOKEN)?;
    if object.token()?.impersonation == Some(Level::Anonymous) {
        return Err(STATUS_CANT_OPEN_ANONYMOUS);
    }
    let opened = cx.insert(object, desired, attributes)?;
    token.write(cx.k, opened)?;
    Ok(STATUS_SUCCESS)
}

/// NtDuplicateToken: kind 1 is TokenPrimary, 2 TokenImpersonation, its level from the attributes' quality of service.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_BAD_IMPERSONATION_LEVEL`, and as for the handle.
pub fn nt_duplicate_token(
    cx: &Cx<'_>,
    token: Handle,
    desired: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    effective_only: bool,
    kind: u32,
    new: UserPtr<Handle>,
) -> Nt {
    new.write(cx.k, Handle(0))?;
    let quality = attributes.read_opt(cx.k)?.map_or(0, |raw| raw.quality);
    let attributes = attributes.load(cx.k)?;
    // SECURITY_QUALITY_OF_SERVICE: length, level, and more.
    let level = match quality {
        0 => 0,
        at => UserPtr::<[u32; 2]>::new(at).read(cx.k)?[1],
    };
    let impersonation = match kind {
        1 => None,
        2 => Some(Level::of(level)?),
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    let entry = cx.entry(token, access::DUPLICATE)?;
    let copy = entry.object.token()?.duplicate(cx.k, impersonation, effective_only)?;
    // No rights asked for: those of the handle it comes from.
    let desired = if desired == 0 { entry.access } else { desired };
    let made = cx.insert(copy, desired, attributes.attributes)?;
    new.write(cx.k, made)?;
    Ok(STATUS_SUCCESS)
}
