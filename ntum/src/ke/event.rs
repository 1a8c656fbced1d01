//! Events.

use super::dispatcher::{Dispatcher, Kind};
use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object, Plain};
use crate::ob::types::Type;
use crate::status::*;
use crate::types::ObjectAttributesRaw;
use crate::um::UserPtr;

/// EVENT_QUERY_STATE.
pub const EVENT_QUERY_STATE: u32 = 1;
/// EVENT_MODIFY_STATE.
pub const EVENT_MODIFY_STATE: u32 = 2;

/// NtCreateEvent: kind 0 is NotificationEvent (manual reset), 1 SynchronizationEvent (auto reset).
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, and as `Cx::create_named`.
pub fn nt_create_event(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    kind: u32,
    state: bool,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let signal = match kind {
        0 => Dispatcher::notification(state),
        1 => Dispatcher::synchronization(state),
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    let attributes = attributes.load(cx.k)?;
    let (made, status) = cx.create_named(&attributes, access, Object::new(signal, Body::Event(Plain)))?;
    cx.give(handle, made, status)
}

/// NtOpenEvent.
///
/// # Errors
/// As `Cx::open_named`.
pub fn nt_open_event(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
) -> Nt {
    cx.open(handle, access, attributes, |object| object.event().is_ok())
}

fn modify(cx: &Cx<'_>, handle: Handle, previous: UserPtr<i32>, how: impl FnOnce(&Dispatcher) -> bool) -> Nt {
    let before = cx.with_object_of(handle, Type::Event, EVENT_MODIFY_STATE, |object| Ok(how(&object.signal)))?;
    previous.write_opt(cx.k, i32::from(before))?;
    Ok(STATUS_SUCCESS)
}

/// NtSetEvent.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_set_event(cx: &Cx<'_>, handle: Handle, previous: UserPtr<i32>) -> Nt {
    modify(cx, handle, previous, |signal| signal.set(cx.k))
}

/// NtSetEventBoostPriority: the boost is the host scheduler's business.
///
/// # Errors
/// As [`nt_set_event`].
pub fn nt_set_event_boost_priority(cx: &Cx<'_>, handle: Handle) -> Nt {
    nt_set_event(cx, handle, UserPtr::new(0))
}

/// NtResetEvent.
///
/// # Errors
/// As [`nt_set_event`].
pub fn nt_reset_event(cx: &Cx<'_>, handle: Handle, previous: UserPtr<i32>) -> Nt {
    modify(cx, handle, previous, |signal| signal.reset(cx.k))
}

/// NtClearEvent.
///
/// # Errors
/// As [`nt_set_event`].
pub fn nt_clear_event(cx: &Cx<'_>, handle: Handle) -> Nt {
    nt_reset_event(cx, handle, UserPtr::new(0))
}

/// NtPulseEvent.
///
/// # Errors
/// As [`nt_set_event`].
pub fn nt_pulse_event(cx: &Cx<'_>, handle: Handle, previous: UserPtr<i32>) -> Nt {
    modify(cx, handle, previous, |signal| signal.pulse(cx.k))
}

/// NtQueryEvent: EVENT_BASIC_INFORMATION is the kind and the state.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, and as [`nt_set_event`].
pub fn nt_query_event(cx: &Cx<'_>, handle: Handle, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) -> Nt {
    if class != 0 {
        return Err(STATUS_INVALID_INFO_CLASS);
    }
    if length != 8 {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let object = cx.object_of(handle, Type::Event, EVENT_QUERY_STATE)?;
    let kind = u32::from(object.signal.kind() == Kind::Synchronization);
    UserPtr::<[u32; 2]>::new(buffer).write(cx.k, [kind, object.signal.count()])?;
    returned.write_opt(cx.k, 8)?;
    Ok(STATUS_SUCCESS)
}
