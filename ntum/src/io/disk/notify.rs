//! Change notification: NtNotifyChangeDirectoryFile. The monitor sends changes as datagrams; a thread of the kernel's own
//! takes them, keeps what nobody asks for yet, and answers the requests that wait.

use super::DiskFile;
use super::info::{allocated, attributes};
use super::path::is_root;
use crate::call::Cx;
use crate::host::Stream;
use crate::io::file::Notify;
use crate::io::irp::{Io, Irp, Request};
use crate::kernel::Kernel;
use crate::status::*;
use crate::types::nt_time;
use crate::um::UserSlice;
use parking_lot::Mutex;
use shim_abi::calls::{Change, StreamQueryName, StreamWatch};
use shim_abi::stream::{Info, Kind};
use shim_abi::wire::decode;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// FILE_NOTIFY_CHANGE_FILE_NAME.
const FILE_NAME: u32 = 1;
/// FILE_NOTIFY_CHANGE_DIR_NAME.
const DIR_NAME: u32 = 2;
/// FILE_NOTIFY_CHANGE_ATTRIBUTES, _SIZE, _LAST_WRITE, _LAST_ACCESS, _CREATION, _EA, _SECURITY, streams.
const MODIFIED: u32 = 0xffc;

/// FILE_ACTION_MODIFIED.
const ACTION_MODIFIED: u32 = 3;
/// FILE_ACTION_REMOVED.
const ACTION_REMOVED: u32 = 2;
/// FILE_ACTION_RENAMED_OLD_NAME.
const ACTION_OLD_NAME: u32 = 4;

/// Bytes of changes that are kept for a request to come.
const MAX_KEPT: usize = 0x1_0000;
/// How long the second half of a renaming is waited for, in nanoseconds.
const PAIR: u64 = 20_000_000;

/// A change, ready to be handed out.
struct Seen {
    action: u32,
    path: Vec<u16>,
    /// What is known of the file, if that was asked for.
    info: Option<Info>,
    parent: u64,
}

#[derive(Default)]
struct State {
    kept: VecDeque<Seen>,
    bytes: usize,
    /// Changes were lost: the directory is to be listed anew.
    overflown: bool,
    waiting: VecDeque<(Arc<Irp>, UserSlice)>,
    /// No further change will come.
    ended: bool,
}

/// What a datagram was about.
struct Taken {
    /// The other half of a renaming is to come.
    old_name: bool,
    /// Names changed.
    name: bool,
}

/// A watched directory.
pub struct Watch {
    filter: u32,
    extended: bool,
    /// The first request had no buffer: nobody is told more than that something changed.
    unnamed: bool,
    uri: String,
    /// Whether changes further below are told too.
    subtree: bool,
    parent: u64,
    /// How often it was told of a name that was made, taken away or changed.
    pub(super) told: AtomicU32,
    /// How many changes in a row it was not told of in time ([`super::settle`]).
    pub(super) missed: AtomicU32,
    state: Mutex<State>,
    /// Not 0: the thread is to end.
    stop: AtomicU32,
}

/// Answers NtNotifyChangeDirectoryFile. What the first request of a file object asks for counts for all of them.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` for a file, the monitor's.
pub fn notify(cx: &Cx<'_>, file: &DiskFile, request: &Request<'_>, wanted: Notify) -> Nt<Io> {
    if !file.is_directory() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let watch = {
        let mut watch = file.watch.lock();
        match &*watch {
            Some(watch) => watch.clone(),
            None => watch.insert(Watch::start(cx.k, file, wanted)?).clone(),
        }
    };
    let mut state = watch.state.lock();
    if state.ended {
        return Err(STATUS_DELETE_PENDING);
    }
    if !state.kept.is_empty() || state.overflown {
        let (status, bytes) = watch.take(&mut state, wanted.buffer.length);
        drop(state);
        cx.k.write_user(wanted.buffer.address, &bytes)?;
        return Ok(Io::Done(status, bytes.len() as u64));
    }
    // Wine's FindFirstChangeNotification opens the directory as synchronous, asks, and then waits for the handle.
    let irp = request.pend_as(cx.k, false);
    state.waiting.push_back((irp.clone(), wanted.buffer));
    drop(state);
    let watch = Arc::downgrade(&watch);
    irp.on_cancel(cx.k, move |k, irp| {
        if let Some(watch) = watch.upgrade() {
            watch.state.lock().waiting.retain(|(waiting, _)| !Arc::ptr_eq(waiting, irp));
        }
        irp.complete(k, STATUS_CANCELLED, 0);
    });
    Ok(Io::Pending(irp))
}

impl Watch {
    fn start(k: &'static Kernel, file: &DiskFile, wanted: Notify) -> Nt<Arc<Watch>> {
        let uri = file.link.uri();
        let call = StreamWatch { uri: uri.clone(), recursive: wanted.subtree };
        let stream = k.host.ask_stream(&call)?.1.ok_or(STATUS_NOT_SUPPORTED)?;
        let watch = Arc::new(Watch {
            filter: wanted.filter,
            extended: wanted.extended,
            unnamed: wanted.buffer.length == 0,
            uri,
            subtree: wanted.subtree,
            parent: file.index(),
            told: AtomicU32::new(0),
            missed: AtomicU32::new(0),
            state: Mutex::default(),
            stop: AtomicU32::new(0),
        });
        let worker = watch.clone();
        k.host.spawn_worker(Box::new(move || worker.run(k, &stream)))?;
        k.io.disk.watches.add(&watch);
        Ok(watch)
    }

    /// Whether it is told of what has this name, folded.
    pub(super) fn covers(&self, folded: &[u16]) -> bool {
        let own = super::path::fold(self.uri.trim_end_matches('/'));
        let slash = u16::from(b'/');
        match folded.strip_prefix(&own[..]) {
            Some([first, below @ ..]) if *first == slash => self.subtree || !below.contains(&slash),
            _ => false,
        }
    }

    /// Whether nothing more will be told.
    pub(super) fn is_over(&self) -> bool {
        self.state.lock().ended
    }

    /// Ends the thread, and every request with it.
    pub fn stop(&self, k: &'static Kernel) {
        self.stop.store(1, Ordering::Release);
        k.host.wake(&self.stop, u32::MAX);
        self.end(k, STATUS_NOTIFY_CLEANUP);
    }

    fn end(&self, k: &'static Kernel, status: Status) {
        let waiting = {
            let mut state = self.state.lock();
            state.ended = true;
            core::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(|(irp, _)| {
            irp.complete(k, status, 0);
        });
    }

    fn run(&self, k: &'static Kernel, stream: &Stream) {
        let mut buffer = vec![0; shim_abi::MAX_FRAME];
        while self.stop.load(Ordering::Acquire) == 0 {
            match k.host.receive(stream, &mut buffer, &self.stop) {
                Ok(0) | Err(_) => break,
                Ok(count) => {
                    let Taken { old_name, name } = self.take_in(k, buffer.get(..count).unwrap_or_default());
                    // The new name of what was renamed follows at once, and belongs into the same answer.
                    let deadline = Some(k.host.monotonic().saturating_add(PAIR));
                    if !(old_name && matches!(k.host.poll(stream, false, deadline), Ok(true))) {
                        self.answer(k);
                    }
                    if name {
                        self.told.fetch_add(1, Ordering::AcqRel);
                        k.host.wake(&self.told, u32::MAX);
                    }
                }
            }
        }
        self.end(k, STATUS_DELETE_PENDING);
        k.host.wake(&self.told, u32::MAX);
    }

    /// Takes a datagram in; answers what it was about.
    fn take_in(&self, k: &'static Kernel, datagram: &[u8]) -> Taken {
        let Ok(change) = decode::<Change>(datagram) else {
            // The monitor lost changes, or says what is not understood: either way, look anew.
            self.state.lock().overflown = true;
            return Taken { old_name: false, name: true };
        };
        let name = change.action != ACTION_MODIFIED;
        let Some(seen) = self.see(k, &change) else { return Taken { old_name: false, name } };
        let old_name = seen.action == ACTION_OLD_NAME;
        let mut state = self.state.lock();
        state.bytes += self.size(&seen);
        if state.bytes > MAX_KEPT {
            state.overflown = true;
            state.kept.clear();
            state.bytes = 0;
        } else {
            state.kept.push_back(seen);
        }
        Taken { old_name, name }
    }

    /// The change, if the filter asks for it.
    fn see(&self, k: &'static Kernel, change: &Change) -> Option<Seen> {
        let slash = if is_root(&self.uri) { "" } else { "/" };
        let uri = format!("{}{slash}{}", self.uri, change.path);
        let names = self.filter & (FILE_NAME | DIR_NAME);
        let by_name = change.action != ACTION_MODIFIED;
        if (by_name && names == 0) || (!by_name && self.filter & MODIFIED == 0) {
            return None;
        }
        let gone = matches!(change.action, ACTION_REMOVED | ACTION_OLD_NAME);
        let is_needed = self.extended || (by_name && names != FILE_NAME | DIR_NAME);
        let info =
            if is_needed && !gone { k.host.ask(&StreamQueryName { uri }).ok().map(|named| named.info) } else { None };
        if by_name && let Some(info) = &info {
            let kind = if info.kind == Kind::Directory { DIR_NAME } else { FILE_NAME };
            if names & kind == 0 {
                return None;
            }
        }
        let path = change.path.encode_utf16();
        let path = path.map(|unit| if unit == u16::from(b'/') { u16::from(b'\\') } else { unit }).collect();
        Some(Seen { action: change.action, path, info, parent: self.parent })
    }

    fn size(&self, seen: &Seen) -> usize {
        ((if self.extended { 84 } else { 12 }) + seen.path.len() * 2).next_multiple_of(8)
    }

    /// Answers the first request that waits, if there is anything to say.
    fn answer(&self, k: &'static Kernel) {
        loop {
            let mut state = self.state.lock();
            if state.kept.is_empty() && !state.overflown {
                return;
            }
            let Some((irp, buffer)) = state.waiting.pop_front() else { return };
            if irp.is_over() {
                continue;
            }
            let (status, bytes) = self.take(&mut state, buffer.length);
            drop(state);
            let (status, length) = match k.write_user(buffer.address, &bytes) {
                Ok(()) => (status, bytes.len() as u64),
                Err(status) => (status, 0),
            };
            irp.complete(k, status, length);
        }
    }

    /// All that was kept, laid out for a buffer of this length; what does not fit is lost, and the status says so.
    fn take(&self, state: &mut State, room: u64) -> (Status, Vec<u8>) {
        let kept = core::mem::take(&mut state.kept);
        let overflown = core::mem::take(&mut state.overflown);
        state.bytes = 0;
        let mut out = Vec::new();
        let mut previous: Option<usize> = None;
        for seen in &kept {
            let start = out.len().next_multiple_of(if self.extended { 8 } else { 4 });
            if let Some(previous) = previous {
                let distance = ((start - previous) as u32).to_le_bytes();
                out[previous..previous + 4].copy_from_slice(&distance);
            }
            out.resize(start, 0);
            lay_out(&mut out, seen, self.extended);
            previous = Some(start);
        }
        if overflown || self.unnamed || out.len() as u64 > room {
            (STATUS_NOTIFY_ENUM_DIR, Vec::new())
        } else {
            (STATUS_SUCCESS, out)
        }
    }
}

/// FILE_NOTIFY_INFORMATION, or FILE_NOTIFY_EXTENDED_INFORMATION.
fn lay_out(out: &mut Vec<u8>, seen: &Seen, extended: bool) {
    let mut layout = super::info::Layout(core::mem::take(out)).u32(0).u32(seen.action);
    if extended {
        let info = seen.info.as_ref();
        let times = info.map_or([0; 4], |info| [info.created, info.written, info.changed, info.accessed].map(nt_time));
        layout = times.into_iter().fold(layout, |layout, time| layout.u64(time as u64));
        layout = layout
            .u64(info.map_or(0, allocated))
            .u64(info.map_or(0, |info| info.size))
            .u32(info.map_or(0, attributes))
            .u32(0)
            .u64(info.map_or(0, |info| info.identity.number))
            .u64(seen.parent);
    }
    *out = layout.u32(seen.path.len() as u32 * 2).units(&seen.path).0;
}
