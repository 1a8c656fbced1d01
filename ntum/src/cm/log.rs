//! A registry that is kept: each change goes to the log of the sandbox's layer before it is made, and a session begins with what the
//! logs say ([`shim_abi::registry`] has the form). Whoever makes a change holds the sandbox's memory then, as for the journal
//! ([`super::replica`]): so each is logged once, and all in the order in which they were made.
//!
//! What is lost with the session (volatile keys, hives that were loaded from files) is not logged.

use super::tree::{Create, KeyId, Op, SetValue, Tree};
use crate::cm::regf::Branch;
use crate::host::{Host, Stream};
use crate::kernel::Kernel;
use crate::status::*;
use parking_lot::Mutex;
use shim_abi::boot::Boot;
use shim_abi::calls::{StreamOpen, StreamRename};
use shim_abi::error::Error;
use shim_abi::registry::{Delta, Key, Record, Value, frame, names, read};
use shim_abi::stream::{Disposition, Expect, access};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Length from which on a log is written anew, if that makes it much shorter.
const LONG: u64 = 256 << 10;
const LOG: &str = "registry:";
const BACKSLASH: u16 = b'\\' as u16;

/// The log of this sandbox's layer.
pub(super) struct Log {
    host: &'static dyn Host,
    /// Opened at the first need, and anew when another process has put a shorter one in its place.
    stream: Mutex<Option<Arc<Stream>>>,
    /// The length at which it is looked whether it can be made shorter.
    long: AtomicU64,
}

fn open(host: &'static dyn Host, uri: String, writes: bool) -> Result<Stream, Error> {
    let request = StreamOpen {
        uri,
        access: if writes { access::READ | access::WRITE } else { access::READ },
        disposition: if writes { Disposition::OpenOrCreate } else { Disposition::Open },
        expect: Expect::File,
        attributes: 0,
    };
    host.ask_stream(&request)?.1.ok_or(Error::NotFound)
}

fn read_all(host: &dyn Host, stream: &Stream) -> Result<Vec<u8>, Error> {
    let size = host.query(stream)?.size;
    let mut bytes = vec![0; usize::try_from(size).map_err(|_| Error::OutOfMemory)?];
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match host.read_bytes(stream, rest, Some(done as u64)) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(Error::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}

fn write_all(host: &dyn Host, stream: &Stream, mut bytes: &[u8]) -> Result<(), Error> {
    while !bytes.is_empty() {
        match host.write_bytes(stream, bytes, None) {
            Ok(0) => return Err(Error::NoSpace),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Error::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Log {
    /// The log, if there is one; and the logs' changes made to `tree`, if this process is the sandbox's first.
    pub(super) fn begin(host: &'static dyn Host, boot: &Boot, tree: &mut Tree) -> Option<Log> {
        if !boot.born {
            for number in 1..=boot.below {
                let log = open(host, format!("{LOG}{number}"), false).and_then(|stream| read_all(host, &stream));
                match log {
                    Ok(bytes) => replay(tree, read(&bytes)),
                    Err(Error::NotFound) => {}
                    Err(error) => host.trace(&format!("the registry of layer {number} is not read: {error}")),
                }
            }
        }
        let log = boot.kept.then(|| Log { host, stream: Mutex::new(None), long: AtomicU64::new(LONG) })?;
        if !boot.born
            && let Err(error) = log.replay(tree)
        {
            host.trace(&format!("the registry's log is not read: {error}"));
        }
        Some(log)
    }

    /// The log as it is now, and its length. Whoever adds to it holds the sandbox's memory, so nobody replaces it meanwhile.
    fn current(&self) -> Result<(Arc<Stream>, u64), Error> {
        let mut known = self.stream.lock();
        if let Some(stream) = known.as_ref() {
            let now = self.host.query(stream)?;
            if now.links > 0 {
                return Ok((stream.clone(), now.size));
            }
        }
        let stream = Arc::new(open(self.host, LOG.into(), true)?);
        let size = self.host.query(&stream)?.size;
        *known = Some(stream.clone());
        Ok((stream, size))
    }

    fn replay(&self, tree: &mut Tree) -> Result<(), Error> {
        let (stream, size) = self.current()?;
        let records = read(&read_all(self.host, &stream)?);
        if size >= LONG {
            self.shorten(size, records.clone())?;
        }
        replay(tree, records);
        Ok(())
    }

    /// Writes the log anew, without what was changed again later. Nobody else adds to it now.
    fn shorten(&self, length: u64, records: Vec<Record>) -> Result<(), Error> {
        let new = frame(&Delta::of(records).records());
        let size = new.len() as u64;
        self.long.store(size.max(length / 2).saturating_mul(2).max(LONG), Ordering::Relaxed);
        if size > length / 2 {
            return Ok(());
        }
        let uri = format!("{LOG}new");
        let stream = open(self.host, uri.clone(), true)?;
        write_all(self.host, &stream, &new)?;
        self.host.flush(&stream)?;
        let identity = self.host.query(&stream)?.identity;
        self.host.ask(&StreamRename { from: uri, to: LOG.into(), identity, replace: true, link: false })?;
        self.long.store(size.saturating_mul(2).max(LONG), Ordering::Relaxed);
        // The name means another file from here on.
        *self.stream.lock() = None;
        Ok(())
    }

    /// Logs changes that are about to be made.
    ///
    /// # Errors
    /// `STATUS_REGISTRY_IO_FAILED`; nothing of them is in the log then.
    pub(super) fn add(&self, tree: &mut Tree, ops: &[Op]) -> Nt<()> {
        let records = records(tree, ops);
        if records.is_empty() {
            return Ok(());
        }
        let write = || {
            let (mut stream, size) = self.current()?;
            if size >= self.long.load(Ordering::Relaxed) {
                // One that cannot be made shorter, for want of room on the disk, goes on as it is.
                if let Err(error) = read_all(self.host, &stream).and_then(|all| self.shorten(size, read(&all))) {
                    self.long.store(size.saturating_mul(2), Ordering::Relaxed);
                    self.host.trace(&format!("the registry's log is not made shorter: {error}"));
                }
                stream = self.current()?.0;
            }
            write_all(self.host, &stream, &frame(&records))
        };
        write().map_err(|_| STATUS_REGISTRY_IO_FAILED)
    }

    /// Has the host write what was logged to its disk.
    ///
    /// # Errors
    /// `STATUS_REGISTRY_IO_FAILED`.
    pub(super) fn flush(&self) -> Nt<()> {
        self.current().and_then(|(stream, _)| self.host.flush(&stream)).map_err(|_| STATUS_REGISTRY_IO_FAILED)
    }
}

impl Kernel {
    /// Has what was changed of a registry that is kept written to the host's disk.
    ///
    /// # Errors
    /// `STATUS_REGISTRY_IO_FAILED`.
    pub(super) fn flush_registry(&self) -> Nt<()> {
        self.registry().log.as_ref().map_or(Ok(()), Log::flush)
    }
}

/// A key's path below \REGISTRY.
fn path(tree: &mut Tree, key: KeyId) -> Option<Vec<u16>> {
    tree.reach_live(key).ok()?;
    let path = tree.path(key).ok()?;
    tree.settle(key);
    Some(path.get("\\REGISTRY\\".len()..).unwrap_or_default().to_vec())
}

fn join(path: &[u16], name: &[u16]) -> Vec<u16> {
    let slash = if path.is_empty() { &[][..] } else { &[BACKSLASH] };
    [path, slash, name].concat()
}

fn key(path: Vec<u16>, written: u64) -> Key {
    Key { path, made: false, class: None, flags: None, security: None, kept: None, written }
}

/// What a key with all below it is.
fn branch(path: &[u16], branch: &Branch, records: &mut Vec<Record>) {
    records.push(Record::Key(Key {
        made: true,
        class: Some(branch.class.clone()),
        flags: Some(if branch.link { crate::cm::hive::flags::LINK } else { 0 }),
        security: branch.security.clone(),
        ..key(path.to_vec(), branch.written)
    }));
    for value in &branch.values {
        let (path, name, data) = (path.to_vec(), value.name.clone(), value.data.clone());
        records.push(Record::Value(Value { path, name, kind: value.kind, data, written: branch.written }));
    }
    for below in &branch.subkeys {
        self::branch(&join(path, &below.name), below, records);
    }
}

/// What a change is in the log; nothing of what is lost with the session.
fn record(tree: &mut Tree, op: &Op, records: &mut Vec<Record>) -> Option<()> {
    let about = *op.keys().first()?;
    let path = path(tree, about)?;
    if tree.written(about).is_none() || tree.is_lost(about) {
        return None;
    }
    match op {
        Op::Create(made) if made.volatile => return None,
        Op::Create(made) => records.push(Record::Key(Key {
            made: true,
            class: (!made.class.is_empty()).then(|| made.class.clone()),
            flags: (made.flags != 0).then_some(made.flags),
            security: made.security.clone(),
            ..key(join(&path, &made.name), made.now)
        })),
        Op::Delete(_, now) => records.push(Record::Delete(path, *now)),
        Op::SetValue(SetValue { name, kind, data, now, .. }) => {
            let (name, data) = (name.clone(), data.clone());
            records.push(Record::Value(Value { path, name, kind: *kind, data, written: *now }));
        }
        Op::DeleteValue(_, name, now) => records.push(Record::NoValue(path, name.clone(), *now)),
        Op::Rename(id, name, now) => {
            let above = path.iter().rposition(|unit| *unit == BACKSLASH).map_or(0, |at| at);
            let to = join(path.get(..above).unwrap_or_default(), name);
            tree.reach_live(*id).ok()?;
            let what = tree.branch(*id, false).ok()?;
            records.push(Record::Delete(path, *now));
            branch(&to, &what, records);
            records.push(Record::Key(key(to, *now)));
        }
        Op::Secure(_, security) => {
            let written = tree.written(about)?;
            records.push(Record::Key(Key { security: Some(security.clone()), ..key(path, written) }));
        }
        Op::Touch(_, now) => records.push(Record::Key(key(path, *now))),
        Op::Dress(_, class, flags, now) => {
            let (class, flags) = (Some(class.clone()), Some(*flags));
            records.push(Record::Key(Key { class, flags, ..key(path, *now) }));
        }
        Op::Keep(_, which, word) => {
            let written = tree.written(about)?;
            records.push(Record::Key(Key { kept: Some((*which, *word)), ..key(path, written) }));
        }
        Op::Mount(..) | Op::State(_) | Op::Next(_) => {}
    }
    Some(())
}

/// What changes are in the log.
pub(super) fn records(tree: &mut Tree, ops: &[Op]) -> Vec<Record> {
    let mut records = Vec::new();
    if let [op] = ops {
        record(tree, op, &mut records);
        return records;
    }
    let mounted = |op: &Op| if let Op::Mount(key, _) = op { Some(*key) } else { None };
    let mounted: HashSet<KeyId> = ops.iter().filter_map(mounted).collect();
    // Each is put into words as the ones before it leave the registry.
    let mut later = tree.clone();
    for op in ops {
        if !(matches!(op, Op::Create(_)) && mounted.contains(&later.next_key())) {
            record(&mut later, op, &mut records);
        }
        later.apply(op);
    }
    records
}

/// The key at a path, made with all above it if need be. Links are keys like others here.
fn reach(tree: &mut Tree, path: &[u16], now: u64) -> Option<KeyId> {
    let mut at = KeyId::ROOT;
    for name in names(path) {
        at = match tree.subkey(at, name) {
            Some(below) => below,
            None => {
                let made = tree.next_key();
                let (name, class) = (name.to_vec(), Vec::new());
                let make = Create { parent: at.0, name, flags: 0, volatile: false, class, security: None, now };
                tree.apply(&Op::Create(make))?;
                made
            }
        };
    }
    Some(at)
}

/// The key at a path, if there is one.
fn find(tree: &mut Tree, path: &[u16]) -> Option<KeyId> {
    names(path).try_fold(KeyId::ROOT, |at, name| tree.subkey(at, name))
}

/// Makes the changes of a log.
pub(super) fn replay(tree: &mut Tree, records: Vec<Record>) {
    for record in records {
        let key = match &record {
            Record::Key(Key { path, written: now, .. }) | Record::Value(Value { path, written: now, .. }) => {
                reach(tree, path, *now)
            }
            Record::Delete(path, _) | Record::NoValue(path, ..) => find(tree, path),
        };
        let Some(key) = key else { continue };
        let mut ops = Vec::new();
        match record {
            Record::Key(Key { class, flags, security, kept, written, .. }) => {
                if class.is_some() || flags.is_some() {
                    let known = tree.view(key).map(|view| (view.class.to_vec(), view.flags)).unwrap_or_default();
                    ops.push(Op::Dress(key, class.unwrap_or(known.0), flags.unwrap_or(known.1), written));
                }
                ops.extend(security.map(|security| Op::Secure(key, security)));
                ops.extend(kept.map(|(which, word)| Op::Keep(key, which, word)));
                ops.push(Op::Touch(key, written));
            }
            Record::Delete(_, now) => ops = tree.delete_tree(key, true, now).unwrap_or_default(),
            Record::Value(Value { name, kind, data, written: now, .. }) => {
                ops.push(Op::SetValue(SetValue { key: key.0, name, kind, data, now }));
            }
            Record::NoValue(_, name, now) => ops.push(Op::DeleteValue(key, name, now)),
        }
        for op in &ops {
            tree.apply(op);
        }
        tree.settle(key);
    }
}
