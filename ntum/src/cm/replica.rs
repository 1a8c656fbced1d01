//! One registry for all processes of a sandbox: each has it whole, and what one changes goes to the others through a journal in
//! the sandbox's memory ([`crate::shm::journal`]).
//!
//! A process that is alone keeps its changes to itself. Before it makes the first other one it writes them down, as a snapshot; from
//! then on every change is a record, added under the memory's lock after the changes of others were taken over: so all make the
//! same changes in the same order. Reading looks at one word. When the journal has grown long, who adds to it writes a snapshot
//! in its place.

use super::notify::{self, Request};
use super::tree::{Made, Op, Resolved, Tree};
use super::{Registry, session};
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::shm::journal::Cursor;
use crate::shm::{Shm, Tx};
use crate::status::*;
use crate::types::wide;
use parking_lot::MutexGuard;
use shim_abi::wire::{decode, encode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What ties a process's registry to those of the others.
pub(super) struct Replica {
    shm: &'static Shm,
    cursor: Cursor,
}

/// Whether somebody waits for the changes of others.
#[derive(Default)]
pub(super) struct Listener(AtomicBool);

impl Registry {
    /// Takes over what others changed.
    #[inline]
    pub(super) fn catch_up(&mut self) {
        if let Some(replica) = &self.replica
            && !replica.shm.has_read_journal(&replica.cursor)
        {
            let shm = replica.shm;
            self.read_on(&shm.begin());
        }
    }

    #[cold]
    fn read_on(&mut self, tx: &Tx<'_>) {
        let Some(replica) = &mut self.replica else { return };
        let news = tx.read_journal(&mut replica.cursor);
        let mut records = news.records.iter().filter_map(|record| decode::<Vec<Op>>(record).ok());
        if news.anew
            && let Some(snapshot) = records.next()
        {
            let later = self.tree.from_snapshot(&snapshot);
            let differences = if self.is_watched() { self.tree.differences(&later) } else { Vec::new() };
            // Who watches a key that is gone is told by the old registry where it was.
            let gone: Vec<_> = differences.iter().flat_map(|(key, what)| self.changed(*key, *what)).collect();
            self.tree = later;
            let there: Vec<_> = differences.iter().flat_map(|(key, what)| self.changed(*key, *what)).collect();
            self.due.extend(gone.into_iter().chain(there));
            self.changes += 1;
        }
        for op in records.flatten() {
            let due = self.apply(&op);
            self.due.extend(due);
        }
    }

    /// Makes a change here; answers whom it was waited for by.
    fn apply(&mut self, op: &Op) -> Vec<Arc<Request>> {
        self.changes += 1;
        match self.tree.apply(op) {
            Some((key, what)) => self.changed(key, what),
            None => Vec::new(),
        }
    }
}

/// The registry, held to be changed: nobody else changes it meanwhile.
pub(super) struct Change<'a> {
    pub registry: MutexGuard<'a, Registry>,
    tx: Option<Tx<'static>>,
    told: Vec<Arc<Request>>,
}

impl Change<'_> {
    /// Carries changes out, here and for all; called once.
    ///
    /// # Errors
    /// `STATUS_REGISTRY_QUOTA_LIMIT` when the sandbox's memory has no room for them, `STATUS_REGISTRY_IO_FAILED` when its layer has
    /// none; nothing has happened then.
    pub fn carry_out(&mut self, ops: Vec<Op>) -> Nt<()> {
        if ops.is_empty() {
            return Ok(());
        }
        // Once it is in the log it is made, but for want of room in the memory, which is found out first.
        let log =
            |registry: &mut Registry| registry.log.as_ref().map_or(Ok(()), |log| log.add(&mut registry.tree, &ops));
        if let Some(mut tx) = self.tx.take() {
            let record = encode(&ops);
            if tx.journal_is_long() || !tx.journal_has_room(record.len()) {
                let mut later = self.registry.tree.clone();
                for op in &ops {
                    later.apply(op);
                }
                tx.begin_journal(&[encode(&later.snapshot())])?;
            } else {
                tx.add_to_journal(&record)?;
            }
            let cursor = tx.end_of_journal();
            log(&mut self.registry)?;
            tx.commit()?;
            if let Some(replica) = &mut self.registry.replica {
                replica.cursor = cursor;
                replica.shm.tell_of_journal();
            }
        } else {
            log(&mut self.registry)?;
        }
        for op in ops {
            let told = self.registry.apply(&op);
            self.told.extend(told);
        }
        Ok(())
    }

    /// Lets go of the registry, and tells who waited.
    pub fn tell(self, k: &Kernel) {
        let Change { registry, tx, told } = self;
        drop((registry, tx));
        notify::tell(k, told);
    }
}

impl Kernel {
    /// Holds the registry to change it.
    pub(super) fn change(&'static self) -> Change<'static> {
        let mut registry = self.registry();
        let tx = registry.replica.as_ref().map(|replica| replica.shm.begin());
        if let Some(tx) = &tx {
            registry.read_on(tx);
        }
        Change { registry, tx, told: Vec::new() }
    }

    /// Changes the registry, or a transaction's: `plan` says how, `then` sees it done. A walk along `path` is part of it.
    ///
    /// # Errors
    /// `plan`'s, and those of [`Change::carry_out`].
    pub(super) fn alter<R>(
        &'static self,
        transaction: Option<&Ref>,
        path: &[u16],
        plan: impl FnOnce(&mut Tree) -> Nt<(Vec<Op>, R)>,
        then: impl FnOnce(&mut Tree, &R),
    ) -> Nt<R> {
        drop(self.registry_for(path));
        if let Some(transaction) = transaction {
            let registry = self.registry();
            return transaction.transaction()?.alter(&registry, plan);
        }
        let mut change = self.change();
        let (ops, answer) = plan(&mut change.registry.tree)?;
        change.carry_out(ops)?;
        then(&mut change.registry.tree, &answer);
        change.tell(self);
        Ok(answer)
    }

    /// Describes the hardware, unless that was done here or by another process.
    pub(super) fn describe_hardware(&'static self) {
        let mut change = self.change();
        if change.registry.hardware {
            return;
        }
        change.registry.hardware = true;
        let there = change.registry.tree.resolve(super::tree::KeyId::ROOT, &wide(session::HARDWARE), false);
        if let Ok(Resolved::Key(key)) = there {
            change.registry.tree.settle(key);
            return;
        }
        let mut tree = change.registry.tree.clone();
        let mut made = Made { tree: &mut tree, ops: Vec::new() };
        session::describe_hardware(&mut made, &self.boot, self.registry_time());
        let ops = made.ops;
        // Without room for it the hardware is not described.
        let _ = change.carry_out(ops);
        change.tell(self);
    }

    /// From now on other processes see the registry as this one does. Called before the first of them is made.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` on a machine without memory to share, `STATUS_REGISTRY_QUOTA_LIMIT`.
    pub(crate) fn publish_registry(&'static self) -> Nt<()> {
        let (shm, _) = self.sandbox()?;
        let watched = {
            let mut registry = self.registry();
            if registry.replica.is_some() {
                return Ok(());
            }
            let mut tx = shm.begin();
            if !tx.has_journal() {
                tx.begin_journal(&[encode(&registry.tree.snapshot())])?;
            }
            let cursor = tx.end_of_journal();
            tx.commit()?;
            registry.replica = Some(Replica { shm, cursor });
            registry.is_watched()
        };
        if watched { self.listen_to_registry() } else { Ok(()) }
    }

    /// Takes the registry over from the process that made this one.
    pub(crate) fn join_registry(&'static self) {
        let Ok((shm, _)) = self.sandbox() else { return };
        let mut registry = self.registry();
        if registry.replica.is_none() {
            registry.replica = Some(Replica { shm, cursor: Cursor::default() });
            registry.catch_up();
        }
    }

    /// Has somebody look for what others change, as soon as it is waited for and there are others.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn listen_to_registry(&'static self) -> Nt<()> {
        let Some(shm) = self.registry().replica.as_ref().map(|replica| replica.shm) else { return Ok(()) };
        if self.cm.listener.0.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let mut tx = shm.begin();
        tx.watch_journal();
        tx.commit()?;
        let listen = move || {
            loop {
                let version = shm.journal_version().load(Ordering::Acquire);
                let due = core::mem::take(&mut self.registry().due);
                notify::tell(self, due);
                self.host.wait(shm.journal_version(), version, None);
            }
        };
        self.host.spawn_worker(Box::new(listen)).map_err(|_| {
            self.cm.listener.0.store(false, Ordering::Release);
            STATUS_INSUFFICIENT_RESOURCES
        })
    }
}
