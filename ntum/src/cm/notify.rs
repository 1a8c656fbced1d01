//! Change notification: who waits for a change of a key, or of what lies in it.
//!
//! A watch belongs to an opening of a key: the filter of its first request holds for all later ones through the same
//! handle, as on Windows. Every request is answered once; when the handle is closed, all that are left are.

use super::tree::KeyId;
use super::{Registry, access};
use crate::call::Cx;
use crate::ke::apc::{self, Apc};
use crate::ke::dispatcher::Dispatcher;
use crate::ke::wait::Deadline;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object, Plain};
use crate::ob::types::SYNCHRONIZE;
use crate::ps::thread::Thread;
use crate::status::*;
use crate::types::IoStatusBlock;
use crate::um::UserPtr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// REG_NOTIFY_CHANGE_NAME: subkeys are made, deleted or renamed.
pub const CHANGE_NAME: u32 = 1;
/// REG_NOTIFY_CHANGE_LAST_SET: values are set or deleted.
pub const CHANGE_LAST_SET: u32 = 4;
/// REG_NOTIFY_CHANGE_SECURITY: the security descriptor is set.
pub const CHANGE_SECURITY: u32 = 8;
/// All bits that a filter may have: name, attributes, last set, security, thread-agnostic.
const FILTERS: u32 = 0x1000_000f;
/// Keys that NtNotifyChangeMultipleKeys takes beyond the first.
const OTHERS_MAX: u32 = 1;

/// A request that waits for its answer.
pub struct Request {
    event: Option<Ref>,
    result: u64,
    /// The thread that asked, the PIO_APC_ROUTINE that it is to run, and that routine's first argument.
    apc: Option<(Arc<Thread>, u64, u64)>,
    /// A request may wait for two keys; the first that changes answers it.
    answered: AtomicBool,
}

/// What one opening of a key waits for.
struct Watch {
    owner: Weak<Object>,
    key: KeyId,
    subtree: bool,
    filter: u32,
    requests: Vec<Arc<Request>>,
    /// What keeps a further key open.
    _further: Option<Ref>,
}

/// Everything that is waited for.
#[derive(Default)]
pub struct Watches(Vec<Watch>);

impl Registry {
    /// Takes out the requests that a change of `key` answers.
    pub(super) fn changed(&mut self, key: KeyId, change: u32) -> Vec<Arc<Request>> {
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

    /// Whether a change of any key is waited for.
    pub(super) fn is_watched(&self) -> bool {
        !self.watches.0.is_empty()
    }

    /// Adds a request to the watch that an opening has on a key. Answers what must be dropped once the registry is free.
    fn watch(
        &mut self,
        owner: &Ref,
        key: KeyId,
        filter: u32,
        subtree: bool,
        request: Arc<Request>,
        further: Option<Ref>,
    ) -> Option<Ref> {
        let same = |watch: &&mut Watch| watch.key == key && watch.is_of(owner);
        match self.watches.0.iter_mut().find(same) {
            Some(watch) => {
                watch.requests.retain(|held| !held.answered.load(Ordering::Acquire));
                watch.requests.push(request);
                further
            }
            None => {
                let owner = Arc::downgrade(owner);
                self.watches.0.push(Watch { owner, key, subtree, filter, requests: vec![request], _further: further });
                None
            }
        }
    }
}

impl Watch {
    fn is_of(&self, owner: &Ref) -> bool {
        std::ptr::eq(self.owner.as_ptr(), Arc::as_ptr(owner))
    }
}

/// Answers requests.
fn answer(k: &Kernel, requests: Vec<Arc<Request>>, status: Status) {
    for request in requests {
        if request.answered.swap(true, Ordering::AcqRel) {
            continue;
        }
        if request.result != 0 {
            let block = IoStatusBlock { status: status.0, pad: 0, information: 0 };
            // Whoever gave an address that can't be written has nothing to learn from it.
            let _ = UserPtr::<IoStatusBlock>::new(request.result).write(k, block);
        }
        if let Some(event) = &request.event {
            event.signal.set(k);
        }
        if let Some((thread, function, context)) = &request.apc {
            let apc = Apc { function: *function, arguments: [*context, request.result, 0], ..Apc::default() };
            apc::queue(k, thread, apc);
        }
    }
}

/// Answers requests that a change was waited for with.
pub(super) fn tell(k: &Kernel, requests: Vec<Arc<Request>>) {
    answer(k, requests, STATUS_NOTIFY_ENUM_DIR);
}

/// Answers what is left when the last handle of an opening is closed.
pub(super) fn key_closed(k: &'static Kernel, object: &Ref) {
    // Further keys are closed when the registry is free again.
    let mut gone: Vec<Watch> = k.registry().watches.0.extract_if(.., |watch| watch.is_of(object)).collect();
    for watch in &mut gone {
        answer(k, core::mem::take(&mut watch.requests), STATUS_NOTIFY_CLEANUP);
    }
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

/// NtNotifyChangeMultipleKeys: waits for a change, or has it set an event and queue an APC. No more than one further key can be
/// named, in another hive than the first.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` for a filter or a count that there is not, and for a further key in the same hive; as
/// NtOpenKey for the further key; `STATUS_ACCESS_DENIED`, `STATUS_KEY_DELETED`, `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`;
/// `STATUS_NOT_SUPPORTED` for a key of a transaction.
#[allow(clippy::too_many_arguments)]
pub fn nt_notify_change_multiple_keys(
    cx: &Cx<'_>,
    key: Handle,
    count: u32,
    others: u64,
    event: Handle,
    apc: u64,
    apc_context: u64,
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
    let further = match count {
        0 => None,
        _ => Some(super::key::open_to_watch(cx, UserPtr::new(others))?),
    };
    let object = cx.object(key, access::NOTIFY)?;
    if object.key()?.transaction.is_some() {
        return Err(STATUS_NOT_SUPPORTED);
    }
    let id = object.key()?.id;
    cx.k.listen_to_registry()?;
    if let Some(further) = &further {
        let further = further.key()?.id;
        let tree = &cx.k.registry().tree;
        if tree.hive_root(further) == tree.hive_root(id) {
            return Err(STATUS_INVALID_PARAMETER);
        }
    }
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
    let mut surplus = None;
    {
        let mut registry = cx.k.registry();
        registry.tree.view(id)?;
        // The kernel waits for itself here: its own event tells it, and the block is written when it has been told.
        // Whoever asks for no APC has no use for the block later: kernelbase's lies on a stack that is another function's by then.
        let result = if asynchronous && apc != 0 { result } else { 0 };
        let apc = (asynchronous && apc != 0).then(|| (cx.t.clone(), apc, apc_context));
        let request = Arc::new(Request { event: event.clone(), result, apc, answered: AtomicBool::new(false) });
        registry.watch(&object, id, filter, subtree, request.clone(), None);
        if let Some(further) = further {
            let id = further.key()?.id;
            surplus = registry.watch(&object, id, filter, subtree, request, Some(further));
        }
    }
    drop(surplus);
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
