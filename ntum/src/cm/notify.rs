//! Change notification: who waits for a change of a key, or of what lies in it.
//!
//! A watch belongs to an opening of a key: the filter of its first request holds for all later ones through the same
//! handle, as on Windows. Every request is answered once; when the handle is closed, all that are left are.

use super::tree::KeyId;
use super::{Registry, access};
use crate::call::Cx;
use crate::ke::dispatcher::Dispatcher;
use crate::ke::wait::Deadline;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object, Plain};
use crate::ob::types::SYNCHRONIZE;
use crate::status::*;
use crate::types::{IoStatusBlock, ObjectAttributesRaw};
use crate::um::UserPtr;
use std::sync::{Arc, Weak};

/// REG_NOTIFY_CHANGE_NAME: subkeys are made, deleted or renamed.
pub const CHANGE_NAME: u32 = 1;
/// REG_NOTIFY_CHANGE_LAST_SET: values are set or deleted.
pub const CHANGE_LAST_SET: u32 = 4;
/// All bits that a filter may have: name, attributes, last set, security, thread-agnostic.
const FILTERS: u32 = 0x1000_000f;
/// Keys that NtNotifyChangeMultipleKeys takes beyond the first.
const OTHERS_MAX: u32 = 1;

/// A request that waits for its answer.
pub struct Request {
    event: Option<Ref>,
    result: u64,
}

/// What one opening of a key waits for.
struct Watch {
    owner: Weak<Object>,
    key: KeyId,
    subtree: bool,
    filter: u32,
    requests: Vec<Request>,
}

/// Everything that is waited for.
#[derive(Default)]
pub struct Watches(Vec<Watch>);

impl Registry {
    /// Takes out the requests that a change of `key` answers.
    pub(super) fn changed(&mut self, key: KeyId, change: u32) -> Vec<Request> {
        let tree = &self.tree;
        let mut answered = Vec::new();
        for watch in &mut self.watches.0 {
            let concerned = watch.key == key || watch.subtree && tree.lies_in(key, watch.key);
            if concerned && watch.filter & change != 0 {
                answered.append(&mut watch.requests);
            }
        }
        answered
    }

    fn watch(&mut self, owner: &Ref, key: KeyId, filter: u32, subtree: bool, request: Request) {
        let of_owner = |watch: &&mut Watch| std::ptr::eq(watch.owner.as_ptr(), Arc::as_ptr(owner));
        match self.watches.0.iter_mut().find(of_owner) {
            Some(watch) => watch.requests.push(request),
            None => {
                let owner = Arc::downgrade(owner);
                self.watches.0.push(Watch { owner, key, subtree, filter, requests: vec![request] });
            }
        }
    }
}

/// Answers requests.
fn answer(k: &Kernel, requests: Vec<Request>, status: Status) {
    for request in requests {
        if request.result != 0 {
            let block = IoStatusBlock { status: status.0, pad: 0, information: 0 };
            // Whoever gave an address that can't be written has nothing to learn from it.
            let _ = UserPtr::<IoStatusBlock>::new(request.result).write(k, block);
        }
        if let Some(event) = request.event {
            event.signal.set(k);
        }
    }
}

/// Answers requests that a change was waited for with.
pub(super) fn tell(k: &Kernel, requests: Vec<Request>) {
    answer(k, requests, STATUS_NOTIFY_ENUM_DIR);
}

/// Answers what is left when the last handle of an opening is closed.
pub(super) fn key_closed(k: &'static Kernel, object: &Ref) {
    let left = {
        let watches = &mut k.registry().watches.0;
        let at = watches.iter().position(|watch| std::ptr::eq(watch.owner.as_ptr(), Arc::as_ptr(object)));
        at.map(|at| watches.swap_remove(at).requests).unwrap_or_default()
    };
    answer(k, left, STATUS_NOTIFY_CLEANUP);
}

/// NtNotifyChangeKey.
///
/// # Errors
/// As [`nt_notify_change_multiple_keys`].
#[allow(clippy::too_many_arguments)]
pub fn nt_notify_change_key(
    cx: &Cx<'_>,
    key: Handle,
    event: Handle,
    apc: u64,
    apc_context: u64,
    result: u64,
    filter: u32,
    subtree: bool,
    buffer: u64,
    length: u32,
    asynchronous: bool,
) -> Nt {
    nt_notify_change_multiple_keys(
        cx,
        key,
        0,
        0,
        event,
        apc,
        apc_context,
        result,
        filter,
        subtree,
        buffer,
        length,
        asynchronous,
    )
}

/// NtNotifyChangeMultipleKeys: waits for a change, or has an event set by it. No more than one further key can be named.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` for a filter or a count that there is not, `STATUS_NOT_SUPPORTED` for a further key,
/// `STATUS_ACCESS_DENIED`, `STATUS_KEY_DELETED`, `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`.
#[allow(clippy::too_many_arguments)]
pub fn nt_notify_change_multiple_keys(
    cx: &Cx<'_>,
    key: Handle,
    count: u32,
    others: u64,
    event: Handle,
    _apc: u64,
    _apc_context: u64,
    result: u64,
    filter: u32,
    subtree: bool,
    _buffer: u64,
    _length: u32,
    asynchronous: bool,
) -> Nt {
    if count > OTHERS_MAX || filter & !FILTERS != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if count != 0 {
        UserPtr::<ObjectAttributesRaw>::new(others).read(cx.k)?;
        return Err(STATUS_NOT_SUPPORTED);
    }
    let object = cx.object(key, access::NOTIFY)?;
    let id = object.key()?.id;
    let event = if !asynchronous {
        Some(Object::new(Dispatcher::synchronization(false), Body::Event(Plain)))
    } else if event == Handle(0) {
        None
    } else {
        let event = cx.object(event, SYNCHRONIZE)?;
        event.event()?;
        Some(event)
    };
    if let Some(event) = &event {
        event.signal.reset(cx.k);
    }
    {
        let mut registry = cx.k.registry();
        registry.tree.view(id)?;
        // The kernel waits for itself here: its own event tells it, and the block is written when it has been told.
        let result = if asynchronous { result } else { 0 };
        registry.watch(&object, id, filter, subtree, Request { event: event.clone(), result });
    }
    let Some(event) = event.filter(|_| !asynchronous) else { return Ok(STATUS_PENDING) };
    let status = cx.wait_for(vec![event], false, false, Deadline::Never)?;
    if status != STATUS_WAIT_0 {
        return Ok(status);
    }
    if result != 0 {
        let block = IoStatusBlock { status: STATUS_NOTIFY_ENUM_DIR.0, pad: 0, information: 0 };
        UserPtr::<IoStatusBlock>::new(result).write(cx.k, block)?;
    }
    Ok(STATUS_SUCCESS)
}
