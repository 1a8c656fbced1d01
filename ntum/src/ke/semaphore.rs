//! Semaphores.

use super::dispatcher::Dispatcher;
use crate::answer::Answer;
use crate::call::Cx;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object};
use crate::ob::types::Type;
use crate::status::*;
use crate::types::ObjectAttributesRaw;
use crate::um::UserPtr;

/// SEMAPHORE_QUERY_STATE.
pub const SEMAPHORE_QUERY_STATE: u32 = 1;
/// SEMAPHORE_MODIFY_STATE.
pub const SEMAPHORE_MODIFY_STATE: u32 = 2;

/// A semaphore: the count is the dispatcher's.
pub struct Semaphore {
    /// Highest count.
    pub limit: u32,
}

/// Adds to the count; answers the count before.
///
/// # Errors
/// `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_SEMAPHORE_LIMIT_EXCEEDED`.
pub fn release(cx: &Cx<'_>, object: &Ref, by: u32) -> Nt<u32> {
    let limit = object.semaphore()?.limit;
    object.signal.release(cx.k, by, limit).ok_or(STATUS_SEMAPHORE_LIMIT_EXCEEDED)
}

/// NtCreateSemaphore.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, and as `Cx::create_named`.
pub fn nt_create_semaphore(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    initial: i32,
    limit: i32,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    if limit <= 0 || initial < 0 || initial > limit {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let attributes = attributes.load(cx.k)?;
    let body = Body::Semaphore(Semaphore { limit: limit as u32 });
    let object = Object::new(Dispatcher::semaphore(initial as u32), body);
    let (made, status) = cx.create_named(&attributes, access, object)?;
    cx.give(handle, made, status)
}

/// NtOpenSemaphore.
///
/// # Errors
/// As `Cx::open_named`.
pub fn nt_open_semaphore(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
) -> Nt {
    cx.open(handle, access, attributes, |object| object.semaphore().is_ok())
}

/// NtReleaseSemaphore.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` unless the count is positive, `STATUS_SEMAPHORE_LIMIT_EXCEEDED`, `STATUS_INVALID_HANDLE`,
/// `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_release_semaphore(cx: &Cx<'_>, handle: Handle, by: i32, previous: UserPtr<u32>) -> Nt {
    let before = cx.with_object_of(handle, Type::Semaphore, SEMAPHORE_MODIFY_STATE, |object| {
        if by <= 0 { Err(STATUS_INVALID_PARAMETER) } else { release(cx, object, by as u32) }
    })?;
    previous.write_opt(cx.k, before)?;
    Ok(STATUS_SUCCESS)
}

/// NtQuerySemaphore: SEMAPHORE_BASIC_INFORMATION is the count and its limit.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`,
/// `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_query_semaphore(
    cx: &Cx<'_>,
    handle: Handle,
    class: u32,
    buffer: u64,
    length: u32,
    returned: UserPtr<u32>,
) -> Nt {
    if class != 0 {
        return Err(STATUS_INVALID_INFO_CLASS);
    }
    Answer::new(buffer, length, returned).exact(cx.k, || {
        let object = cx.object_of(handle, Type::Semaphore, SEMAPHORE_QUERY_STATE)?;
        Ok([object.signal.count(), object.semaphore()?.limit])
    })
}
