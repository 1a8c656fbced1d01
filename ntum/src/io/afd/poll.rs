//! IOCTL_AFD_POLL: waits until one of several sockets has what is asked for. What select and WSAPoll are made of, and what event
//! loops use themselves.

use super::code::event;
use super::device::SocketFile;
use super::poller::{Afd, Timed};
use super::socket::{Over, Socket};
use crate::answer::Fields;
use crate::call::Cx;
use crate::io::file::Control;
use crate::io::irp::{Io, Irp, Request};
use crate::ke::wait::Deadline;
use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::um::UserSlice;
use parking_lot::Mutex;
use std::sync::Arc;

/// Bytes before the sockets: time, count, whether it is exclusive.
const HEAD: usize = 16;
/// Bytes of a socket: its handle, events, status.
const ENTRY: usize = 16;
/// Longest request.
const MOST: u64 = 0x10_0000;
/// The time that is for ever.
const FOR_EVER: i64 = i64::MAX;

struct Entry {
    socket: Arc<Socket>,
    handle: u64,
    mask: u32,
    flags: u32,
    status: Status,
}

struct Waiting {
    entries: Vec<Entry>,
    irp: Option<Arc<Irp>>,
    over: bool,
}

/// A poll request.
pub struct Poll {
    timeout: i64,
    exclusive: bool,
    output: UserSlice,
    waiting: Mutex<Waiting>,
}

impl Poll {
    /// Whether it was answered.
    pub fn is_over(&self) -> bool {
        self.waiting.lock().over
    }

    /// Something happened to a socket; the request ends if it was asked for.
    pub fn happened(&self, k: &'static Kernel, socket: u64, flags: u32, status: Status) {
        {
            let mut waiting = self.waiting.lock();
            if waiting.over {
                return;
            }
            // That a socket was closed is told to whoever asks about it; of a socket that is named twice, the first is told.
            let asked = |entry: &&mut Entry| entry.socket.number == socket && flags & (entry.mask | event::CLOSE) != 0;
            let Some(entry) = waiting.entries.iter_mut().find(asked) else { return };
            (entry.flags, entry.status) = (flags & (entry.mask | event::CLOSE), status);
        }
        self.end(k, STATUS_SUCCESS);
    }

    /// Ends the request with what is known.
    pub fn end(&self, k: &'static Kernel, status: Status) {
        let (irp, stored) = {
            let mut waiting = self.waiting.lock();
            // Without a request yet, who makes it looks again.
            let Some(irp) = waiting.irp.take() else { return };
            waiting.over = true;
            (irp, self.store(k, &mut waiting, status))
        };
        match stored {
            Ok(length) => irp.complete(k, status, length),
            Err(fault) => irp.complete(k, fault, 0),
        };
    }

    fn store(&self, k: &'static Kernel, waiting: &mut Waiting, status: Status) -> Nt<u64> {
        let entries = std::mem::take(&mut waiting.entries);
        let told = entries.iter().filter(|entry| status == STATUS_SUCCESS && entry.flags != 0);
        let mut out = vec![0; HEAD];
        let mut count = 0u32;
        for entry in told {
            out.extend_from_slice(&entry.handle.to_le_bytes());
            out.extend_from_slice(&entry.flags.to_le_bytes());
            out.extend_from_slice(&entry.status.0.to_le_bytes());
            count += 1;
        }
        out[..8].copy_from_slice(&self.timeout.to_le_bytes());
        out[8..12].copy_from_slice(&count.to_le_bytes());
        out[12] = u8::from(self.exclusive);
        self.output.write_at(k, 0, &out)?;
        Ok(out.len() as u64)
    }
}

/// The request.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, and those of the handles.
pub fn poll(cx: &Cx<'_>, request: &Request<'_>, control: Control) -> Nt<Io> {
    let k = cx.k;
    if control.output.length < control.input.length || !(HEAD as u64 + 1..=MOST).contains(&control.input.length) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let raw = control.input.read_all(k)?;
    let fields = Fields(&raw);
    let (timeout, count, exclusive) = (fields.i64(0), fields.u32(8) as usize, fields.flag(12));
    if count == 0 || raw.len() < HEAD + count.saturating_mul(ENTRY) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    k.probe_write(control.output.address, control.output.length)?;
    let mut entries = Vec::with_capacity(count);
    for index in 0..count {
        let at = HEAD + index * ENTRY;
        let handle = fields.u64(at);
        let object = cx.object(Handle(handle), 0)?;
        let socket = object.file()?.driver::<SocketFile>().map_err(|_| STATUS_OBJECT_TYPE_MISMATCH)?.socket.clone();
        entries.push(Entry { socket, handle, mask: fields.u32(at + 8), flags: 0, status: STATUS_SUCCESS });
    }
    let sockets: Vec<Arc<Socket>> = entries.iter().map(|entry| entry.socket.clone()).collect();
    let waiting = Mutex::new(Waiting { entries, irp: None, over: false });
    let poll = Arc::new(Poll { timeout, exclusive, output: control.output, waiting });
    for socket in &sockets {
        // The request that found no other is a socket's main one; if it is exclusive, another such takes its place, and ends it.
        let replaced = {
            let mut state = socket.lock();
            match state.main_poll.take().filter(|main| !main.is_over()) {
                Some(main) if !(exclusive && main.exclusive) => {
                    state.main_poll = Some(main);
                    None
                }
                main => {
                    state.main_poll = Some(poll.clone());
                    main.filter(|main| !Arc::ptr_eq(main, &poll))
                }
            }
        };
        if let Some(main) = replaced {
            main.end(k, STATUS_SUCCESS);
        }
    }
    let mut signalled = false;
    for (index, socket) in sockets.iter().enumerate() {
        let mut over = Over::default();
        {
            let mut state = socket.lock();
            state.kind()?;
            state.polls.retain(|other| !other.is_over());
            state.polls.push(poll.clone());
            state.advance(k, socket, None, &mut over);
            let flags = state.level_now(k);
            let status = state.status_of(flags);
            let mut waiting = poll.waiting.lock();
            if let Some(entry) = waiting.entries.get_mut(index) {
                entry.flags = flags & entry.mask;
                entry.status = status;
                signalled |= entry.flags != 0;
            }
            drop(waiting);
            if timeout != 0 {
                state.attend(k, socket)?;
            }
        }
        over.tell(k);
    }
    if timeout == 0 || signalled {
        let mut waiting = poll.waiting.lock();
        waiting.over = true;
        let length = poll.store(k, &mut waiting, STATUS_SUCCESS)?;
        return Ok(Io::Done(STATUS_SUCCESS, length));
    }
    let irp = request.pend(k);
    poll.waiting.lock().irp = Some(irp.clone());
    // What happened since the look was told to a request that nobody could answer yet.
    for socket in &sockets {
        super::turn::turn(k, socket);
    }
    if timeout != FOR_EVER
        && let Deadline::At(at) = Deadline::of(k, Some(timeout))
    {
        Afd::of(k).at(k, at, Timed::Poll(Arc::downgrade(&poll)))?;
    }
    let its = poll.clone();
    irp.on_cancel(k, move |k, irp| {
        {
            let mut waiting = its.waiting.lock();
            waiting.over = true;
            waiting.irp = None;
            waiting.entries.clear();
        }
        irp.complete(k, STATUS_CANCELLED, 0);
    });
    Ok(Io::Pending(irp))
}
