//! Mutants, which Win32 calls mutexes.

use super::dispatcher::Dispatcher;
use crate::answer::Answer;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object, Plain};
use crate::ob::types::Type;
use crate::ps::thread::Thread;
use crate::status::*;
use crate::types::ObjectAttributesRaw;
use crate::um::UserPtr;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// MUTANT_QUERY_STATE.
pub const MUTANT_QUERY_STATE: u32 = 1;

/// MUTANT_BASIC_INFORMATION.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct BasicInformation {
    /// 1 - times owned.
    current_count: i32,
    owned_by_caller: u8,
    abandoned_state: u8,
    pad: u16,
}

/// Releases a mutant that the caller owns; answers the count before.
///
/// # Errors
/// `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_MUTANT_NOT_OWNED`.
pub fn release(cx: &Cx<'_>, object: &Ref) -> Nt<i32> {
    object.mutant()?;
    object.signal.release_mutant(cx.k, cx.t, object).ok_or(STATUS_MUTANT_NOT_OWNED)
}

/// Releases every mutant that a thread owns as it ends: whoever waits next learns that it was abandoned.
pub fn abandon_all(k: &Kernel, thread: &Thread) {
    let mut done = Vec::new();
    let locked = k.ke.lock();
    let owned = core::mem::take(&mut *thread.owned_mutants());
    for object in &owned {
        object.signal.abandon(&locked, &mut done);
    }
    drop(locked);
    done.into_iter().for_each(|satisfied| satisfied.wake(k));
}

/// NtCreateMutant: free, or owned by the caller at once.
///
/// # Errors
/// As `Cx::create_named`.
pub fn nt_create_mutant(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    owned: bool,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let attributes = attributes.load(cx.k)?;
    let object = Object::new(Dispatcher::mutant(owned.then_some(cx.t.id)), Body::Mutant(Plain));
    let (made, status) = cx.create_named(&attributes, access, object.clone())?;
    if owned && status == STATUS_SUCCESS {
        cx.t.owned_mutants().push(object);
    }
    cx.give(handle, made, status)
}

/// NtOpenMutant.
///
/// # Errors
/// As `Cx::open_named`.
pub fn nt_open_mutant(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
) -> Nt {
    cx.open(handle, access, attributes, |object| object.mutant().is_ok())
}

/// NtReleaseMutant. Needs no right but the handle.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_MUTANT_NOT_OWNED`.
pub fn nt_release_mutant(cx: &Cx<'_>, handle: Handle, previous: UserPtr<i32>) -> Nt {
    let before = cx.with_object(handle, 0, |object| release(cx, object))?;
    previous.write_opt(cx.k, before)?;
    Ok(STATUS_SUCCESS)
}

/// NtQueryMutant: MutantBasicInformation (0) and MutantOwnerInformation (1).
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`,
/// `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_query_mutant(
    cx: &Cx<'_>,
    handle: Handle,
    class: u32,
    buffer: u64,
    length: u32,
    returned: UserPtr<u32>,
) -> Nt {
    let answer = Answer::new(buffer, length, returned);
    let state = || -> Nt<(u64, u32, bool)> {
        let object = cx.object_of(handle, Type::Mutant, MUTANT_QUERY_STATE)?;
        let locked = cx.k.ke.lock();
        Ok(object.signal.mutant_state(&locked))
    };
    match class {
        0 => answer.exact(cx.k, || {
            let (owner, recursion, abandoned) = state()?;
            let times = if owner == 0 { 0 } else { recursion as i32 + 1 };
            Ok(BasicInformation {
                current_count: 1 - times,
                owned_by_caller: u8::from(owner == cx.t.id),
                abandoned_state: u8::from(abandoned),
                pad: 0,
            })
        }),
        1 => answer.exact(cx.k, || {
            let (owner, ..) = state()?;
            let process = if owner == 0 { 0 } else { cx.k.ps.id() };
            Ok(crate::types::ClientId { process, thread: owner })
        }),
        _ => Err(STATUS_INVALID_INFO_CLASS),
    }
}
