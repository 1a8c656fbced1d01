//! Streams in memory, and a monitor that knows a tree of names.

use super::Fake;
use parking_lot::{Condvar, Mutex, MutexGuard};
use shim_abi::calls::*;
use shim_abi::error::{Error, Result};
use shim_abi::stream::{Disposition, Entry, Expect, Identity, Info, Kind, Volume};
use shim_abi::wire::{MonitorCall, decode, encode, reply, split_request};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

/// Bytes of a file.
#[derive(Default)]
pub struct Data {
    bytes: Mutex<Vec<u8>>,
}

impl Data {
    /// A file that holds these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Data {
        Data { bytes: Mutex::new(bytes.into()) }
    }

    /// The bytes.
    pub fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock()
    }

    /// How many bytes there are.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u64 {
        self.bytes.lock().len() as u64
    }

    /// Copies bytes out; answers how many there were.
    pub fn read_at(&self, offset: u64, into: &mut [u8]) -> usize {
        let bytes = self.bytes.lock();
        let from = bytes.get(offset as usize..).unwrap_or(&[]);
        let count = from.len().min(into.len());
        into[..count].copy_from_slice(&from[..count]);
        count
    }

    /// Stores bytes, growing the file.
    pub fn write_at(&self, offset: u64, from: &[u8]) {
        let mut bytes = self.bytes.lock();
        let end = offset as usize + from.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[offset as usize..end].copy_from_slice(from);
    }

    /// Stores what lies within the file.
    pub(super) fn write_within(&self, offset: u64, from: &[u8]) {
        let mut bytes = self.bytes.lock();
        let end = bytes.len().min(offset as usize + from.len());
        if let Some(into) = bytes.get_mut(offset as usize..end) {
            into.copy_from_slice(&from[..into.len()]);
        }
    }
}

/// A queue of bytes or datagrams with two ends.
#[derive(Default)]
pub struct Pipe {
    state: Mutex<(VecDeque<Vec<u8>>, bool)>,
    changed: Condvar,
}

impl Pipe {
    /// Puts a datagram (or bytes) in.
    pub fn put(&self, bytes: &[u8]) {
        self.state.lock().0.push_back(bytes.to_vec());
        self.changed.notify_all();
    }

    /// Says that no more will come.
    pub fn end(&self) {
        self.state.lock().1 = true;
        self.changed.notify_all();
    }

    /// All that is in it, taken out.
    pub fn drain(&self) -> Vec<u8> {
        self.state.lock().0.drain(..).flatten().collect()
    }

    fn take(&self, into: &mut [u8], whole: bool, stop: Option<&AtomicU32>) -> Result<usize> {
        let mut state = self.state.lock();
        loop {
            if stop.is_some_and(|stop| stop.load(Ordering::Acquire) != 0) {
                return Err(Error::Interrupted);
            }
            if let Some(mut front) = state.0.pop_front() {
                let count = front.len().min(into.len());
                into[..count].copy_from_slice(&front[..count]);
                if !whole && count < front.len() {
                    state.0.push_front(front.split_off(count));
                }
                return Ok(count);
            }
            if state.1 {
                return Ok(0);
            }
            // Whoever sets `stop` wakes the word, not the pipe.
            self.changed.wait_for(&mut state, std::time::Duration::from_millis(5));
        }
    }
}

/// What a stream's number stands for.
#[derive(Clone)]
pub enum Open {
    /// A file, and the position that reading in order has come to.
    File(Arc<Node>, Arc<AtomicU64>),
    /// A directory.
    Directory(Arc<Node>),
    /// An end of a pipe: reads from the first, writes to the second.
    Pipe(Arc<Pipe>, Arc<Pipe>),
}

/// A file or directory.
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its number.
    pub number: u64,
    /// Its bytes.
    pub data: Arc<Data>,
    attributes: AtomicU32,
    /// created, accessed, written, changed
    times: [AtomicI64; 4],
    locks: Mutex<Vec<(u64, u64)>>,
}

impl Node {
    /// Stores bytes; the time of the last write moves on.
    fn write_at(&self, offset: u64, from: &[u8]) {
        self.data.write_at(offset, from);
        self.times[2].fetch_add(1_000_000, Ordering::Relaxed);
    }
}

/// The tree, and the open streams.
#[derive(Default)]
pub struct Files {
    /// By URI with small letters; the name with its own letters beside it.
    names: Mutex<BTreeMap<String, (String, Arc<Node>)>>,
    open: Mutex<HashMap<u32, Open>>,
    next: AtomicU32,
    /// Watches: folder, whether what lies deeper counts, where to tell.
    watches: Mutex<Vec<(String, bool, Arc<Pipe>)>>,
    /// Where it is told that a name may mean another file.
    changes: Mutex<Arc<Pipe>>,
}

fn key(uri: &str) -> String {
    uri.trim_end_matches('/').to_lowercase()
}

fn parent(key: &str) -> Option<&str> {
    let (parent, _) = key.rsplit_once('/')?;
    Some(parent)
}

impl Files {
    /// Adds a file.
    pub fn add_file(&self, uri: &str, bytes: impl Into<Vec<u8>>) -> Arc<Node> {
        let node = self.node(Kind::File, 0x20);
        *node.data.bytes() = bytes.into();
        self.names.lock().insert(key(uri), (uri.to_owned(), node.clone()));
        node
    }

    /// Adds a directory.
    pub fn add_directory(&self, uri: &str) {
        let node = self.node(Kind::Directory, 0);
        let uri = uri.trim_end_matches('/');
        self.names.lock().insert(key(uri), (uri.to_owned(), node));
    }

    /// The file or directory of that name.
    pub fn get(&self, uri: &str) -> Option<Arc<Node>> {
        Some(self.names.lock().get(&key(uri))?.1.clone())
    }

    fn node(&self, kind: Kind, attributes: u32) -> Arc<Node> {
        let number = u64::from(self.next.fetch_add(1, Ordering::Relaxed)) + 1;
        let times = [(); 4].map(|()| AtomicI64::new(1_700_000_000_000_000_000));
        let (data, locks) = Default::default();
        Arc::new(Node { kind, number, data, attributes: AtomicU32::new(attributes), times, locks })
    }

    /// Gives an open stream a number.
    pub fn adopt(&self, open: Open) -> u32 {
        let number = 100 + self.next.fetch_add(1, Ordering::Relaxed);
        self.open.lock().insert(number, open);
        number
    }

    pub(crate) fn set(&self, number: u32, open: Open) {
        self.open.lock().insert(number, open);
    }

    /// How many streams are open.
    pub fn count(&self) -> usize {
        self.open.lock().len()
    }

    pub(super) fn close(&self, number: u32) {
        if let Some(Open::Pipe(_, out)) = self.open.lock().remove(&number) {
            out.end();
        }
    }

    /// What is behind a number.
    ///
    /// # Errors
    /// `Error::Stale` if it is closed.
    pub fn open(&self, number: u32) -> Result<Open> {
        self.open.lock().get(&number).cloned().ok_or(Error::Stale)
    }

    /// The bytes of an open file.
    ///
    /// # Errors
    /// `Error::Invalid` if it is no file.
    pub fn data(&self, number: u32) -> Result<Arc<Data>> {
        match self.open(number)? {
            Open::File(node, _) => Ok(node.data.clone()),
            _ => Err(Error::Invalid),
        }
    }

    pub(super) fn read(&self, number: u32, into: &mut [u8], offset: Option<u64>) -> Result<usize> {
        match (self.open(number)?, offset) {
            (Open::File(node, _), Some(offset)) => Ok(node.data.read_at(offset, into)),
            (Open::File(node, position), None) => {
                let count = node.data.read_at(position.load(Ordering::Relaxed), into);
                position.fetch_add(count as u64, Ordering::Relaxed);
                Ok(count)
            }
            (Open::Directory(_), _) => Err(Error::IsDirectory),
            (Open::Pipe(from, _), _) => from.take(into, false, None),
        }
    }

    pub(super) fn write(&self, number: u32, from: &[u8], offset: Option<u64>) -> Result<usize> {
        match (self.open(number)?, offset) {
            (Open::File(node, _), Some(offset)) => node.write_at(offset, from),
            (Open::File(node, position), None) => {
                node.write_at(position.load(Ordering::Relaxed), from);
                position.fetch_add(from.len() as u64, Ordering::Relaxed);
            }
            (Open::Directory(_), _) => return Err(Error::IsDirectory),
            (Open::Pipe(_, to), _) => to.put(from),
        }
        Ok(from.len())
    }

    pub(super) fn receive(&self, number: u32, into: &mut [u8], stop: &AtomicU32) -> Result<usize> {
        match self.open(number)? {
            Open::Pipe(from, _) => from.take(into, true, Some(stop)),
            _ => Err(Error::Invalid),
        }
    }

    pub(super) fn poll(&self, number: u32, write: bool, deadline: Option<std::time::Instant>) -> Result<bool> {
        let Open::Pipe(from, _) = self.open(number)? else { return Ok(true) };
        if write {
            return Ok(true);
        }
        let mut state = from.state.lock();
        while state.0.is_empty() && !state.1 {
            let late = match deadline {
                Some(at) => from.changed.wait_until(&mut state, at).timed_out(),
                None => {
                    from.changed.wait(&mut state);
                    false
                }
            };
            if late {
                return Ok(!state.0.is_empty() || state.1);
            }
        }
        Ok(true)
    }

    pub(super) fn query(&self, number: u32) -> Result<Info> {
        Ok(match self.open(number)? {
            Open::File(node, _) | Open::Directory(node) => info(&node),
            Open::Pipe(..) => Info { kind: Kind::Pipe, ..info(&self.node(Kind::Pipe, 0)) },
        })
    }

    pub(super) fn set_length(&self, number: u32, length: u64) -> Result {
        self.data(number)?.bytes().resize(length as usize, 0);
        Ok(())
    }

    pub(super) fn lock(&self, number: u32, offset: u64, length: u64, exclusive: Option<bool>) -> Result {
        let Open::File(node, _) = self.open(number)? else { return Err(Error::Invalid) };
        let mut locks = node.locks.lock();
        match exclusive {
            // One sandbox's own locks never hinder it: `Fake` is one sandbox.
            Some(_) => locks.push((offset, length)),
            None => locks.retain(|held| *held != (offset, length)),
        }
        Ok(())
    }

    fn check_parent(&self, key: &str) -> Result {
        let names = self.names.lock();
        match parent(key).and_then(|parent| names.get(parent)) {
            Some((_, node)) if node.kind == Kind::Directory => Ok(()),
            _ => Err(Error::PathNotFound),
        }
    }

    fn find(&self, uri: &str) -> Result<(String, Arc<Node>)> {
        let key = key(uri);
        if let Some(found) = self.names.lock().get(&key) {
            return Ok(found.clone());
        }
        self.check_parent(&key)?;
        Err(Error::NotFound)
    }

    fn find_same(&self, uri: &str, identity: Identity) -> Result<Arc<Node>> {
        let (_, node) = self.find(uri)?;
        if info(&node).identity.number == identity.number { Ok(node) } else { Err(Error::Stale) }
    }

    fn tell(&self, action: u32, uri: &str) {
        if action != 1 {
            self.changes.lock().put(&[0]);
        }
        for (folder, recursive, pipe) in self.watches.lock().iter() {
            let below = key(uri).strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
            let path = uri.get(folder.len() + 1..).unwrap_or_default();
            if below && (*recursive || !path.contains('/')) {
                pipe.put(&encode(&Change { action, path: path.to_owned() }));
            }
        }
    }

    fn stream_open(&self, call: &StreamOpen) -> Result<(Opened, Option<u32>)> {
        let found = match self.find(&call.uri) {
            Ok(found) => Some(found),
            Err(Error::NotFound) => None,
            Err(error) => return Err(error),
        };
        let made = found.is_none();
        let (uri, node) = match (found, call.disposition) {
            (None, Disposition::Open | Disposition::Overwrite) => return Err(Error::NotFound),
            (Some(_), Disposition::Create) => return Err(Error::Exists),
            (Some((uri, node)), disposition) => {
                match (call.expect, node.kind) {
                    (Expect::File, Kind::Directory) => return Err(Error::IsDirectory),
                    (Expect::Directory, Kind::File) => return Err(Error::NotDirectory),
                    _ => {}
                }
                if matches!(disposition, Disposition::Overwrite | Disposition::OverwriteOrCreate) {
                    node.data.bytes().clear();
                    node.attributes.store(call.attributes, Ordering::Relaxed);
                }
                (uri, node)
            }
            (None, _) => {
                let kind = if call.expect == Expect::Directory { Kind::Directory } else { Kind::File };
                let node = self.node(kind, call.attributes);
                self.names.lock().insert(key(&call.uri), (call.uri.clone(), node.clone()));
                self.tell(1, &call.uri);
                (call.uri.clone(), node)
            }
        };
        let number = (call.access != 0).then(|| {
            self.adopt(match node.kind {
                Kind::Directory => Open::Directory(node.clone()),
                _ => Open::File(node.clone(), Arc::default()),
            })
        });
        Ok((Opened { info: info(&node), made, uri }, number))
    }

    fn stream_open_several(&self, call: &StreamOpenSeveral) -> Result<(OpenedSeveral, Vec<u32>)> {
        let mut numbers = Vec::new();
        if call.changes {
            let pipe: Arc<Pipe> = Arc::default();
            *self.changes.lock() = pipe.clone();
            numbers.push(self.adopt(Open::Pipe(pipe.clone(), pipe)));
        }
        let mut one = |name: &String| {
            let uri = format!("{}/{name}", call.uri.trim_end_matches('/'));
            let (disposition, expect) = (Disposition::Open, Expect::File);
            let open = StreamOpen { uri, access: 1, disposition, expect, attributes: 0 };
            let (opened, number) = self.stream_open(&open).ok()?;
            numbers.extend(number);
            Some(opened.info)
        };
        let files = call.names.iter().map(&mut one).collect();
        Ok((OpenedSeveral { files }, numbers))
    }

    fn stream_delete(&self, call: &StreamDelete) -> Result {
        let node = self.find_same(&call.uri, call.identity.clone())?;
        let mut names = self.names.lock();
        let key = key(&call.uri);
        let under = format!("{key}/");
        if node.kind == Kind::Directory && names.keys().any(|name| name.starts_with(&under)) {
            return Err(Error::NotEmpty);
        }
        names.remove(&key);
        drop(names);
        self.tell(2, &call.uri);
        Ok(())
    }

    fn stream_rename(&self, call: &StreamRename) -> Result<String> {
        let node = self.find_same(&call.from, call.identity.clone())?;
        let (from, to) = (key(&call.from), key(&call.to));
        self.check_parent(&to)?;
        let mut names = self.names.lock();
        if from != to && names.contains_key(&to) && !call.replace {
            return Err(Error::Exists);
        }
        if !call.link {
            names.remove(&from);
            let under = format!("{from}/");
            let inner: Vec<String> = names.keys().filter(|name| name.starts_with(&under)).cloned().collect();
            for name in inner {
                if let Some((uri, node)) = names.remove(&name) {
                    let tail = &uri[from.len()..];
                    names.insert(key(&format!("{to}{tail}")), (format!("{}{tail}", call.to), node));
                }
            }
        }
        names.insert(to, (call.to.clone(), node));
        drop(names);
        self.tell(4, &call.from);
        self.tell(5, &call.to);
        Ok(call.to.clone())
    }

    fn stream_set_attributes(&self, call: &StreamSetAttributes) -> Result {
        let node = self.find_same(&call.uri, call.identity.clone())?;
        if let Some(attributes) = call.attributes {
            node.attributes.store(attributes, Ordering::Relaxed);
        }
        for (time, new) in node.times.iter().zip([call.created, call.accessed, call.written]) {
            if let Some(new) = new {
                time.store(new, Ordering::Relaxed);
            }
        }
        self.tell(3, &call.uri);
        Ok(())
    }

    fn stream_enumerate(&self, call: &StreamEnumerate) -> Result<Listing> {
        let (_, node) = self.find(&call.uri)?;
        if node.kind != Kind::Directory {
            return Err(Error::NotDirectory);
        }
        let under = format!("{}/", key(&call.uri));
        let names = self.names.lock();
        let inside = names.iter().filter(|(name, _)| name.strip_prefix(&under).is_some_and(|n| !n.contains('/')));
        let inside = inside.map(|(_, (uri, node))| Entry { name: uri[under.len()..].to_owned(), info: info(node) });
        let (mut entries, mut names): (Vec<Entry>, Vec<String>) = (inside.collect(), Vec::new());
        if call.only_names {
            names = entries.drain(..).map(|entry| entry.name).collect();
        }
        Ok(Listing { entries, names, bytes: 0 })
    }

    fn stream_watch(&self, call: &StreamWatch) -> Result<((), Option<u32>)> {
        self.find(&call.uri)?;
        let pipe = Arc::new(Pipe::default());
        self.watches.lock().push((key(&call.uri), call.recursive, pipe.clone()));
        Ok(((), Some(self.adopt(Open::Pipe(pipe, Arc::default())))))
    }
}

fn info(node: &Node) -> Info {
    let time = |index: usize| node.times[index].load(Ordering::Relaxed);
    Info {
        kind: node.kind,
        attributes: node.attributes.load(Ordering::Relaxed),
        size: node.data.len(),
        allocated: node.data.len().next_multiple_of(4096),
        links: 1,
        identity: Identity { volume: 1, number: node.number },
        created: time(0),
        accessed: time(1),
        written: time(2),
        changed: time(3),
        writable: true,
    }
}

impl Fake {
    /// The monitor's side of a call.
    pub(super) fn serve_several(&self, frame: &[u8]) -> Result<(Vec<u8>, Vec<u32>)> {
        let (number, body) = split_request(frame)?;
        self.asked.lock().push(number);
        let answer = self.files.stream_open_several(&decode(body)?);
        let (answer, numbers) = answer.map_or_else(|error| (Err(error), Vec::new()), |(some, all)| (Ok(some), all));
        Ok((reply(&answer), numbers))
    }

    pub(super) fn serve(&self, frame: &[u8]) -> Result<(Vec<u8>, Option<u32>)> {
        let (number, body) = split_request(frame)?;
        self.asked.lock().push(number);
        let files = &self.files;
        let mut stream = None;
        macro_rules! serve {
            ($($call:ty: $with:expr;)+) => {
                match number {
                    $(<$call as MonitorCall>::NUMBER => {
                        let call: $call = decode(body)?;
                        #[allow(clippy::redundant_closure_call)]
                        let answer: Result<<$call as MonitorCall>::Reply> = ($with)(call);
                        reply(&answer)
                    })+
                    _ => reply::<()>(&Err(Error::Unsupported)),
                }
            };
        }
        let answer = serve! {
            StreamOpen: |call| files.stream_open(&call).map(|(opened, number)| { stream = number; opened });
            StreamDelete: |call| files.stream_delete(&call);
            StreamRename: |call| files.stream_rename(&call);
            StreamQueryName: |call: StreamQueryName| {
                files.find(&call.uri).map(|(uri, node)| Named { info: info(&node), uri })
            };
            StreamSetAttributes: |call| files.stream_set_attributes(&call);
            StreamEnumerate: |call| files.stream_enumerate(&call);
            StreamWatch: |call| files.stream_watch(&call).map(|(unit, number)| { stream = number; unit });
            VolumeQuery: |_| Ok(Volume { total: 1 << 40, free: 1 << 39, serial: 0x1234_5678, writable: true });
            TerminalQuery: |_| Ok(TerminalSize { columns: 80, rows: 25 });
            TerminalSetMode: |_| Ok(());
            ThreadSetPriority: |_| Ok(());
            StreamShare: |call: StreamShare| {
                let mut left = self.left();
                let held = left.get_mut((call.token as usize).wrapping_sub(1)).ok_or(Error::NotFound)?;
                let open = if call.forget { held.take() } else { held.clone() };
                let open = open.ok_or(Error::NotFound)?;
                stream = (!call.forget).then(|| files.adopt(open));
                Ok(call.token)
            };
            ProcessReport: |call: ProcessReport| { self.reports.lock().push((call.status, call.message)); Ok(()) };
        };
        Ok((answer, stream))
    }
}
