//! Transactions of the kernel's transaction manager, as far as the registry takes part in them: changes through a key that was opened
//! in a transaction are seen through such keys alone until it is committed, and then happen all at once.
//!
//! A transaction keeps its changes as a list, and a registry with them made, which is made anew when somebody else changed the
//! real one. Who changes a key that the transaction changed has it rolled back, as on Windows.

use super::Registry;
use super::tree::{KeyId, Op, Tree};
use crate::call::Cx;
use crate::ke::dispatcher::Dispatcher;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object};
use crate::ob::types::Type;
use crate::status::*;
use crate::types::{ObjectAttributesRaw, UnicodeString};
use crate::um::UserPtr;
use parking_lot::Mutex;

/// TRANSACTION_COMMIT.
const COMMIT: u32 = 0x8;
/// TRANSACTION_ROLLBACK.
const ROLLBACK: u32 = 0x10;
/// TRANSACTION_DO_NOT_PROMOTE: the only option that there is.
const OPTIONS: u32 = 0x1;
/// Longest description, in bytes (MAX_TRANSACTION_DESCRIPTION_LENGTH is 64 characters).
const LONGEST: u16 = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Active,
    Committed,
    RolledBack,
}

struct State {
    phase: Phase,
    ops: Vec<Op>,
    /// Keys of the real registry that it changes, and their last write when it first did.
    touched: Vec<(KeyId, Option<u64>)>,
    /// The registry with the changes made, and of which state of the real one.
    tree: Option<(u64, Tree)>,
}

/// A transaction.
pub struct Transaction {
    state: Mutex<State>,
}

impl State {
    fn end(&mut self, phase: Phase) {
        *self = State { phase, ops: Vec::new(), touched: Vec::new(), tree: None };
    }

    /// The registry as the transaction sees it.
    fn tree(&mut self, registry: &Registry) -> Nt<&mut Tree> {
        if self.phase != Phase::Active {
            return Err(STATUS_TRANSACTION_NOT_ACTIVE);
        }
        if self.tree.as_ref().is_none_or(|(of, _)| *of != registry.changes) {
            if self.touched.iter().any(|(key, written)| registry.tree.written(*key) != *written) {
                self.end(Phase::RolledBack);
                return Err(STATUS_TRANSACTION_NOT_ACTIVE);
            }
            let mut tree = registry.tree.apart();
            for op in &self.ops {
                tree.apply(op);
            }
            self.tree = Some((registry.changes, tree));
        }
        self.tree.as_mut().map(|(_, tree)| tree).ok_or(STATUS_TRANSACTION_NOT_ACTIVE)
    }
}

impl Transaction {
    fn new() -> Transaction {
        let state = State { phase: Phase::Active, ops: Vec::new(), touched: Vec::new(), tree: None };
        Transaction { state: Mutex::new(state) }
    }

    /// Looks at the registry as the transaction sees it.
    ///
    /// # Errors
    /// `STATUS_TRANSACTION_NOT_ACTIVE`, and those of `look`.
    pub(super) fn see<R>(&self, registry: &Registry, look: impl FnOnce(&mut Tree) -> Nt<R>) -> Nt<R> {
        look(self.state.lock().tree(registry)?)
    }

    /// Changes the registry as the transaction sees it.
    ///
    /// # Errors
    /// As [`Transaction::see`].
    pub(super) fn alter<R>(&self, registry: &Registry, plan: impl FnOnce(&mut Tree) -> Nt<(Vec<Op>, R)>) -> Nt<R> {
        let mut state = self.state.lock();
        let tree = state.tree(registry)?;
        let (ops, answer) = plan(tree)?;
        for op in &ops {
            tree.apply(op);
        }
        for key in ops.iter().flat_map(Op::keys).filter(|key| !key.is_apart()) {
            if !state.touched.iter().any(|(known, _)| *known == key) {
                state.touched.push((key, registry.tree.written(key)));
            }
        }
        state.ops.extend(ops);
        Ok(answer)
    }
}

/// A transaction whose last handle is closed is rolled back.
pub fn last_handle_closed(k: &crate::kernel::Kernel, object: &Ref) {
    if let Ok(transaction) = object.transaction() {
        let mut state = transaction.state.lock();
        if state.phase == Phase::Active {
            state.end(Phase::RolledBack);
            drop(state);
            object.signal.set(k);
        }
    }
}

/// The transaction of a handle, for a key to be opened in.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_TRANSACTION_NOT_ACTIVE`.
pub(super) fn of_handle(cx: &Cx<'_>, handle: Handle) -> Nt<Ref> {
    let object = cx.object_of(handle, Type::Transaction, 0)?;
    if object.transaction()?.state.lock().phase != Phase::Active {
        return Err(STATUS_TRANSACTION_NOT_ACTIVE);
    }
    Ok(object)
}

/// NtCreateTransaction. Its number is not kept: nobody can ask for it. It has no time limit and no other resource managers.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` for options that there are not, or a description that is too long, `STATUS_INVALID_HANDLE` for a
/// transaction manager, `STATUS_ACCESS_VIOLATION`.
#[allow(clippy::too_many_arguments)]
pub fn nt_create_transaction(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    _uow: u64,
    manager: Handle,
    options: u32,
    _isolation_level: u32,
    _isolation_flags: u32,
    _timeout: UserPtr<i64>,
    description: UserPtr<UnicodeString>,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    if options & !OPTIONS != 0 || !description.is_null() && description.read(cx.k)?.length > LONGEST {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if manager != Handle(0) {
        return Err(STATUS_INVALID_HANDLE);
    }
    let attributes = if attributes.is_null() { 0 } else { attributes.load(cx.k)?.attributes };
    let object = Object::new(Dispatcher::notification(false), Body::Transaction(Transaction::new()));
    let made = cx.insert(object, access, attributes)?;
    cx.give(handle, made, STATUS_SUCCESS)
}

fn ended(phase: Phase) -> Status {
    if phase == Phase::Committed { STATUS_TRANSACTION_ALREADY_COMMITTED } else { STATUS_TRANSACTION_ALREADY_ABORTED }
}

/// NtCommitTransaction. It waits for nothing, whether asked to or not.
///
/// # Errors
/// `STATUS_TRANSACTION_ALREADY_COMMITTED`, `STATUS_TRANSACTION_ALREADY_ABORTED` (too when others changed what it changes),
/// `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_DENIED`, `STATUS_REGISTRY_QUOTA_LIMIT`.
pub fn nt_commit_transaction(cx: &Cx<'_>, handle: Handle, _wait: bool) -> Nt {
    let object = cx.object_of(handle, Type::Transaction, COMMIT)?;
    let transaction = object.transaction()?;
    let mut change = cx.k.change();
    {
        let mut state = transaction.state.lock();
        if state.phase != Phase::Active {
            return Err(ended(state.phase));
        }
        if state.tree(&change.registry).is_err() {
            drop(state);
            object.signal.set(cx.k);
            return Err(STATUS_TRANSACTION_ALREADY_ABORTED);
        }
        let mut ops = state.ops.clone();
        let first = change.registry.tree.next_key();
        ops.iter_mut().for_each(|op| op.renumber(|key| key.joined(first)));
        change.carry_out(ops)?;
        state.end(Phase::Committed);
    }
    change.tell(cx.k);
    object.signal.set(cx.k);
    Ok(STATUS_SUCCESS)
}

/// NtRollbackTransaction.
///
/// # Errors
/// As [`nt_commit_transaction`].
pub fn nt_rollback_transaction(cx: &Cx<'_>, handle: Handle, _wait: bool) -> Nt {
    let object = cx.object_of(handle, Type::Transaction, ROLLBACK)?;
    {
        let mut state = object.transaction()?.state.lock();
        if state.phase != Phase::Active {
            return Err(ended(state.phase));
        }
        state.end(Phase::RolledBack);
    }
    object.signal.set(cx.k);
    Ok(STATUS_SUCCESS)
}
