//! Keyed events: a waiter and a releaser of the same key meet; who comes first waits for the other.

use super::dispatcher::Dispatcher;
use super::wait::{Deadline, WAITING};
use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object};
use crate::ob::types::Type;
use crate::ob::{Ref, directory};
use crate::status::*;
use crate::types::ObjectAttributesRaw;
use crate::um::UserPtr;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// KEYEDEVENT_WAIT.
pub const KEYEDEVENT_WAIT: u32 = 1;
/// KEYEDEVENT_WAKE.
pub const KEYEDEVENT_WAKE: u32 = 2;

/// Somebody who came first.
struct Waiter {
    key: u64,
    releases: bool,
    /// The thread sleeps on this word.
    word: AtomicU32,
}

/// A keyed event.
#[derive(Default)]
pub struct KeyedEvent {
    waiters: Mutex<Vec<Arc<Waiter>>>,
}

/// A new keyed event. As an object it is always signalled.
pub fn new_object() -> Ref {
    Object::new(Dispatcher::notification(true), Body::KeyedEvent(KeyedEvent::default()))
}

/// NtCreateKeyedEvent. The flags have no meaning.
///
/// # Errors
/// As `Cx::create_named`.
pub fn nt_create_keyed_event(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    _flags: u32,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let attributes = attributes.load(cx.k)?;
    let (made, status) = cx.create_named(&attributes, access, new_object())?;
    cx.give(handle, made, status)
}

/// NtOpenKeyedEvent.
///
/// # Errors
/// As `Cx::open_named`.
pub fn nt_open_keyed_event(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
) -> Nt {
    cx.open(handle, access, attributes, |object| object.keyed_event().is_ok())
}

fn meet(cx: &Cx<'_>, handle: Handle, key: u64, releases: bool, alertable: bool, timeout: UserPtr<i64>) -> Nt {
    if key & 1 != 0 {
        return Err(STATUS_INVALID_PARAMETER_1);
    }
    let timeout = cx.timeout(timeout)?;
    // Without a handle it is the one that every process may use.
    let object = match handle {
        Handle(0) => directory::find(&cx.k.ob.root, GLOBAL).ok_or(STATUS_INVALID_HANDLE)?,
        handle => cx.object_of(handle, Type::KeyedEvent, if releases { KEYEDEVENT_WAKE } else { KEYEDEVENT_WAIT })?,
    };
    let event = object.keyed_event()?;
    let waiter = {
        let mut waiters = event.waiters.lock();
        if let Some(place) = waiters.iter().position(|other| other.key == key && other.releases != releases) {
            let other = waiters.remove(place);
            other.word.store(0, Ordering::Release);
            drop(waiters);
            cx.k.host.wake(&other.word, 1);
            return Ok(STATUS_SUCCESS);
        }
        if let Some(status) = cx.t.interruption(alertable) {
            return Ok(cx.t.accept(status));
        }
        if timeout == Some(0) {
            return Ok(STATUS_TIMEOUT);
        }
        let waiter = Arc::new(Waiter { key, releases, word: AtomicU32::new(WAITING) });
        waiters.push(waiter.clone());
        waiter
    };
    let status = cx.sleep(&waiter.word, alertable, Deadline::of(cx.k, timeout), false);
    if status != STATUS_WAIT_0 {
        let mut waiters = event.waiters.lock();
        // Who is no longer on the list was met in the last instant.
        if let Some(place) = waiters.iter().position(|other| Arc::ptr_eq(other, &waiter)) {
            waiters.remove(place);
            return Ok(cx.t.accept(status));
        }
    }
    Ok(STATUS_SUCCESS)
}

/// Path of the keyed event that is used without a handle.
pub const GLOBAL: &str = r"\KernelObjects\CritSecOutOfMemoryEvent";

/// NtWaitForKeyedEvent.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER_1` for an odd key, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`,
/// `STATUS_OBJECT_TYPE_MISMATCH`. `STATUS_TIMEOUT` and `STATUS_USER_APC` are no errors.
pub fn nt_wait_for_keyed_event(cx: &Cx<'_>, handle: Handle, key: u64, alertable: bool, timeout: UserPtr<i64>) -> Nt {
    meet(cx, handle, key, false, alertable, timeout)
}

/// NtReleaseKeyedEvent: waits for a waiter, too.
///
/// # Errors
/// As [`nt_wait_for_keyed_event`].
pub fn nt_release_keyed_event(cx: &Cx<'_>, handle: Handle, key: u64, alertable: bool, timeout: UserPtr<i64>) -> Nt {
    meet(cx, handle, key, true, alertable, timeout)
}
