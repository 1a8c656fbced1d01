//! Consoles that conhost.exe keeps: what is asked of them, and what it asks.
//!
//! Wine's kernelbase starts conhost.exe for a program that makes a console of its own, and for a pseudo console. What is asked of the
//! console goes into the sandbox's memory (`shm::hosted`); conhost.exe takes it from there with the one request to wineserver that it
//! knows, `get_next_console_request`, which brings the answer to the last one along.

use super::common::Record;
use super::{Attached, Condrv, control, file, ioctl};
use crate::answer::Fields;
use crate::call::Cx;
use crate::io::file::Control;
use crate::io::irp::{Io, Request};
use crate::ke::wait::Deadline;
use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::shm::Tx;
use crate::shm::hosted::{Answer, Next};
use crate::shm::request::{Asker, Step};
use crate::status::*;
use crate::um::{UserPtr, UserSlice};
use std::sync::Arc;

/// Most bytes of one request, or of its answer: they lie in the sandbox's memory meanwhile.
const MAX_REQUEST: u64 = 4 << 20;

/// What a request is for.
pub(super) enum Target {
    /// A console's input, or the console itself.
    Input(Arc<Record>),
    /// The screen buffer that a console shows.
    Active(Arc<Record>),
    /// A screen buffer.
    Screen(Arc<Record>),
    /// A console's server side.
    Server(Arc<Record>),
}

/// The console that the process is attached to, if another program keeps it.
pub(super) fn attached(k: &'static Kernel) -> Option<Arc<Record>> {
    match Condrv::of(k).attached() {
        Ok(Attached::Hosted(console)) => Some(console),
        _ => None,
    }
}

/// A new console server.
///
/// # Errors
/// `STATUS_NOT_SUPPORTED`, `STATUS_INSUFFICIENT_RESOURCES`.
pub(super) fn new_server(k: &'static Kernel) -> Nt<Arc<Record>> {
    let (shm, _) = k.sandbox()?;
    Ok(Record::made(shm, k.change_pipes(|tx, me| tx.new_console_server(me))?))
}

/// A server's console.
///
/// # Errors
/// `STATUS_INVALID_HANDLE` if it has one, `STATUS_INSUFFICIENT_RESOURCES`.
pub(super) fn new_console(k: &'static Kernel, server: &Record) -> Nt<Arc<Record>> {
    Ok(Record::made(server.shm, k.change_pipes(|tx, me| tx.new_hosted_console(server.object, me))?))
}

/// A further screen buffer of a console.
///
/// # Errors
/// `STATUS_NO_MEMORY`, `STATUS_INSUFFICIENT_RESOURCES`.
pub(super) fn new_screen(k: &'static Kernel, console: &Record) -> Nt<Arc<Record>> {
    Ok(Record::made(console.shm, k.change_pipes(|tx, me| tx.new_console_screen(console.object, me))?))
}

/// The screen buffer that a console shows.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_INSUFFICIENT_RESOURCES`.
pub(super) fn active_screen(k: &'static Kernel, console: &Record) -> Nt<Arc<Record>> {
    let screen = console.shm.begin().active_screen(console.object)?;
    Record::take(k, screen)
}

/// Somebody is about to wait for input.
pub(super) fn await_input(k: &'static Kernel, target: &Target) {
    // A host that cannot be told begins to read with the first request.
    let _ = k.change_pipes(|tx, _| target.place(tx).and_then(|(console, _)| tx.await_input(console)));
}

impl Target {
    /// The console, and the screen buffer if it is for one.
    fn place(&self, tx: &Tx<'_>) -> Nt<(u32, Option<u32>)> {
        match self {
            Target::Input(console) => Ok((console.object, None)),
            Target::Active(console) => Ok((console.object, Some(tx.active_screen(console.object)?))),
            Target::Screen(screen) => Ok((tx.console_of_screen(screen.object)?, Some(screen.object))),
            Target::Server(_) => Err(STATUS_INVALID_HANDLE),
        }
    }
}

/// Asks the host and waits for its answer. Every file of a console is synchronous, whatever it was opened with.
fn ask(cx: &Cx<'_>, request: &Request<'_>, target: &Target, code: u32, data: &[u8], out: UserSlice) -> Nt<Io> {
    if data.len() as u64 > MAX_REQUEST {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    cx.k.probe_write(out.address, out.length)?;
    let room = out.length.min(MAX_REQUEST) as u32;
    cx.k.io.npfs.waiting.run(cx, request, out, true, |tx: &mut Tx<'_>, asker: Asker| {
        let (console, screen) = target.place(tx)?;
        let asked = tx.ask_host(console, screen, code, data, room, asker)?;
        Ok((Step::Pending(asked), Deadline::Never))
    })
}

/// Reads what is typed, in the input code page.
///
/// # Errors
/// `STATUS_INVALID_HANDLE` for what has no input, and what the host answers.
pub(super) fn read(cx: &Cx<'_>, request: &Request<'_>, target: &Target, buffer: UserSlice) -> Nt<Io> {
    match target {
        Target::Input(_) => ask(cx, request, target, ioctl::READ_FILE, &[], buffer),
        _ => Err(STATUS_INVALID_HANDLE),
    }
}

/// Writes text in the output code page.
///
/// # Errors
/// `STATUS_INVALID_HANDLE` for what is no screen buffer, and what the host answers.
pub(super) fn write(cx: &Cx<'_>, request: &Request<'_>, target: &Target, buffer: UserSlice) -> Nt<Io> {
    match target {
        Target::Active(_) | Target::Screen(_) => {
            let data = buffer.read_all(cx.k)?;
            ask(cx, request, target, ioctl::WRITE_FILE, &data, UserSlice::new(0, 0))
        }
        _ => Err(STATUS_INVALID_HANDLE),
    }
}

/// Drops what was typed and not read.
///
/// # Errors
/// `STATUS_INVALID_HANDLE` for what has no input, or if the host is gone.
pub(super) fn flush(k: &'static Kernel, target: &Target) -> Nt<()> {
    match target {
        Target::Input(console) => k.change_pipes(|tx, _| tx.flush_host(console.object)),
        _ => Err(STATUS_INVALID_HANDLE),
    }
}

/// A control request.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_INVALID_PARAMETER`, `STATUS_NOT_IMPLEMENTED` for events beyond Ctrl-C and Ctrl-Break,
/// `STATUS_NOT_SUPPORTED` for a terminal of the host's, and what the host answers.
pub(super) fn control(cx: &Cx<'_>, request: &Request<'_>, target: &Target, control: Control, input: &[u8]) -> Nt<Io> {
    match (control.code, target) {
        (ioctl::CTRL_EVENT, Target::Input(_) | Target::Server(_)) => {
            let [event, group] = <&[u8; 8]>::try_from(input)
                .map(|_| [Fields(input).u32(0), Fields(input).u32(4)])
                .map_err(|_| STATUS_INVALID_PARAMETER)?;
            if event > control::CTRL_BREAK {
                return Err(STATUS_NOT_IMPLEMENTED);
            }
            let console = match target {
                Target::Server(server) => server.shm.begin().console_of_server(server.object)?,
                Target::Input(console) | Target::Active(console) | Target::Screen(console) => console.object,
            };
            control::send(cx.k, Some(console), event, group);
            Io::done(0)
        }
        // It takes over a terminal of the host's, of which conhost.exe has none here.
        (ioctl::SETUP_INPUT, Target::Server(_)) => Err(STATUS_NOT_SUPPORTED),
        (ioctl::GET_PROCESS_LIST, Target::Input(console)) => {
            let list = file::process_list(cx, Some(console.object), control.output)?;
            control.output.write_at(cx.k, 0, &list)?;
            Io::done(list.len() as u64)
        }
        (ioctl::ACTIVATE, Target::Active(_) | Target::Screen(_)) => {
            cx.k.change_pipes(|tx, _| {
                let (console, screen) = target.place(tx)?;
                screen.map_or(Ok(()), |screen| tx.show_screen(console, screen))
            })?;
            Io::done(0)
        }
        (code, _) if code >> 16 != ioctl::FILE_DEVICE_CONSOLE => Err(STATUS_INVALID_HANDLE),
        (code, _) => ask(cx, request, target, code, input, control.output),
    }
}

/// Where things stand in the request (Wine 10's `struct __server_request_info` in `include/wine/server.h`, and
/// `get_next_console_request` of `server/protocol.def`), in bytes.
mod at {
    /// Bytes of answer that there is room for.
    pub const REPLY_ROOM: usize = 8;
    /// The server's handle.
    pub const HANDLE: usize = 12;
    pub const SIGNAL: usize = 16;
    pub const READ: usize = 20;
    pub const STATUS: usize = 24;
    /// How many pieces of data go with it.
    pub const PIECES: usize = 64;
    /// Where data of the answer goes.
    pub const REPLY: usize = 72;
    /// Pieces: an address and a length, 16 bytes each.
    pub const FIRST_PIECE: usize = 80;
    pub const COUNT: usize = 160;
}

/// Most pieces of data (`__SERVER_MAX_DATA`).
const PIECES: usize = 5;

/// A request to wineserver. Its number changes with Wine's releases and is not looked at: what names a console server can only be
/// `get_next_console_request`.
///
/// # Errors
/// `STATUS_NOT_SUPPORTED` for any other.
pub fn server_call(cx: &Cx<'_>, address: u64) -> Nt {
    let mut raw = [0; at::COUNT];
    cx.k.read_user(address, &mut raw)?;
    let fields = Fields(&raw);
    let handle = Handle(i64::from(fields.u32(at::HANDLE) as i32) as u64);
    let object = cx.object(handle, 0).map_err(|_| STATUS_NOT_SUPPORTED)?;
    let ops = object.file().ok().and_then(|file| file.ops.as_any().downcast_ref::<file::ConsoleFile>());
    let server = ops.and_then(file::ConsoleFile::server).ok_or(STATUS_NOT_SUPPORTED)?;
    let mut data = Vec::new();
    for piece in 0..PIECES.min(fields.u32(at::PIECES) as usize) {
        let piece = at::FIRST_PIECE + 16 * piece;
        let from = UserSlice::new(fields.u64(piece), fields.u32(piece + 8).into());
        if from.length + data.len() as u64 > MAX_REQUEST {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        data.extend(from.read_all(cx.k)?);
    }
    let answer = Answer {
        signalled: fields.u32(at::SIGNAL) != 0,
        read: fields.u32(at::READ) != 0,
        status: Status(fields.u32(at::STATUS)),
        data: &data,
        room: fields.u32(at::REPLY_ROOM),
    };
    let next = cx.k.change_pipes(|tx, _| tx.next_call(server.object, answer));
    // Status, bytes of data; then code, screen buffer, room.
    let (status, data, reply) = match next {
        Ok(Next::Call(call)) => (STATUS_SUCCESS, call.data, [call.code, call.screen, call.room]),
        Ok(Next::Nothing) => (STATUS_PENDING, Vec::new(), [0; 3]),
        Ok(Next::Large(length)) => (STATUS_BUFFER_OVERFLOW, Vec::new(), [0, 0, length]),
        Ok(Next::Answered) => (STATUS_SUCCESS, Vec::new(), [0; 3]),
        Ok(Next::Refused) => (STATUS_INVALID_HANDLE, Vec::new(), [0; 3]),
        Err(status) => (status, Vec::new(), [0; 3]),
    };
    cx.k.write_user(fields.u64(at::REPLY), &data)?;
    let words = [status.0, data.len() as u32, reply[0], reply[1], reply[2]];
    UserPtr::<[u32; 5]>::new(address).write(cx.k, words)?;
    Ok(status)
}
