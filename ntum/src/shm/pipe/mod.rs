//! Pipes as all members see them: pipes, their ends, what is buffered, who waits.
//!
//! Nothing here knows files, threads or guest memory. An end is an object whose holders are the members that have files for
//! it: it closes with the last handle of the last of them, or when that member is reaped. A request that has to wait is a
//! record of its own ([`super::request`]).

mod ends;
mod mailslot;
mod queue;
mod tell;
mod transfer;

use super::Tx;
use super::list::List;
use super::object::{NESTED, field as object};
use crate::status::{Nt, STATUS_PIPE_DISCONNECTED};

pub use mailslot::{Slot, SlotFacts};

/// Type of an end's object: none of `ob::types::Type`.
pub(super) const END: u32 = 0x100;
/// Type of a pipe's object, which has the name.
const PIPE: u32 = 0x101;
/// Type of a mailslot's object.
pub(super) const SLOT: u32 = 0x102;

/// Where pipes have their names.
pub const DIRECTORY: &str = "\\Device\\NamedPipe\\";

/// Bytes that one direction of a pipe holds whatever its quota.
const MAX_BUFFERED: u32 = 64 << 20;

/// Words of a pipe's body: what all its instances have in common.
mod body {
    /// Its security descriptor: a block of bytes, 0 for none.
    pub const SECURITY: u32 = super::NESTED;
    pub const MESSAGE: u32 = 1;
    pub const SHARING: u32 = 2;
    pub const MAX_INSTANCES: u32 = 3;
    pub const IN_QUOTA: u32 = 4;
    pub const OUT_QUOTA: u32 = 5;
    /// Two words.
    pub const TIMEOUT: u32 = 6;
    pub const INSTANCES: u32 = 8;
    /// Ends that are not closed.
    pub const ENDS: u32 = 9;
    /// Server ends that a client may connect to: a list.
    pub const LISTENING: u32 = 10;
    /// Requests for an instance: a list.
    pub const WAITERS: u32 = 12;
    pub const COUNT: u32 = 14;
}

/// Words of an end's body; a mailslot's is one too.
mod end {
    /// Attributes: a block of bytes, 0 for none.
    pub const ATTRIBUTES: u32 = super::NESTED;
    /// The pipe's object; 0 for a mailslot.
    pub const PIPE: u32 = 1;
    pub const SIDE: u32 = 2;
    pub const CONNECTION: u32 = 3;
    /// 1: the server threw this client out: nothing of the pipe is left to it.
    pub const CUT_OFF: u32 = 4;
    /// Bits: 1 message reads, 2 nothing waits.
    pub const MODE: u32 = 5;
    /// The other end's body, 0 for none.
    pub const PEER: u32 = 6;
    /// Bytes towards this end that do not block the writer.
    pub const QUOTA: u32 = 7;
    /// What can be read here: first and last segment, bytes, messages (of a pipe of bytes: 0).
    pub const FIRST: u32 = 8;
    pub const LAST: u32 = 9;
    pub const BYTES: u32 = 10;
    pub const MESSAGES: u32 = 11;
    /// Lists of requests: reads here; flushes of this end; waits for a client; writes towards this end.
    pub const READERS: u32 = 12;
    pub const FLUSHERS: u32 = 14;
    pub const LISTENERS: u32 = 16;
    pub const WRITERS: u32 = 18;
    /// The client's process and the server's.
    pub const CLIENT: u32 = 20;
    pub const SERVER: u32 = 21;
    /// Node in the pipe's list of listening ends, and whether it is there.
    pub const LISTEN: u32 = 22;
    pub const LISTENS: u32 = 24;
    pub const CLOSED: u32 = 25;
    pub const COUNT: u32 = 26;
}

/// Which end of a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Made by NtCreateNamedPipeFile.
    Server,
    /// Opened by name.
    Client,
}

/// FILE_PIPE_*_STATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Connection {
    /// Neither.
    Disconnected = 1,
    /// The server waits for a client, or would take one.
    Listening = 2,
    /// Both ends are there.
    Connected = 3,
    /// The other end was closed.
    Closing = 4,
}

/// What all instances of a pipe have in common.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Messages keep their borders (FILE_PIPE_MESSAGE_TYPE).
    pub message: bool,
    /// FILE_SHARE_READ: clients may read; FILE_SHARE_WRITE: clients may write.
    pub sharing: u32,
    /// Most instances.
    pub max_instances: u32,
    /// Bytes towards the server that do not block the writer.
    pub in_quota: u32,
    /// Bytes towards the client that do not block the writer.
    pub out_quota: u32,
    /// How long NtFsControlFile(FSCTL_PIPE_WAIT) waits unless it says so: NT time, negative.
    pub timeout: i64,
}

/// How an end reads and waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mode {
    /// One message at a time.
    pub message_read: bool,
    /// Requests that would wait are refused instead.
    pub nonblocking: bool,
}

impl Mode {
    fn bits(self) -> u32 {
        u32::from(self.message_read) | u32::from(self.nonblocking) << 1
    }

    fn of(bits: u32) -> Mode {
        Mode { message_read: bits & 1 != 0, nonblocking: bits & 2 != 0 }
    }
}

/// A new end, and the reference that the member who made it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewEnd {
    /// Its object.
    pub object: u32,
    /// The reference.
    pub reference: u32,
}

/// What FILE_PIPE_LOCAL_INFORMATION and its kin tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Local {
    pub message: bool,
    pub sharing: u32,
    pub max_instances: u32,
    pub instances: u32,
    pub in_quota: u32,
    pub out_quota: u32,
    /// Bytes that can be read here.
    pub available: usize,
    /// Bytes that can be written here without waiting.
    pub writable: usize,
    pub connection: Connection,
    pub side: Side,
    pub mode: Mode,
}

/// What FSCTL_PIPE_PEEK tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Peek {
    pub connection: Connection,
    pub available: usize,
    pub messages: u32,
    pub message_length: usize,
    pub data: Vec<u8>,
}

/// Requests that read at an end.
fn readers(end: u32) -> List {
    List(end + end::READERS)
}

/// Requests that write towards an end.
fn writers(end: u32) -> List {
    List(end + end::WRITERS)
}

/// A name's path in the name space.
pub fn path(directory: &str, name: &[u16]) -> Vec<u16> {
    directory.encode_utf16().chain(name.iter().copied()).collect()
}

impl Tx<'_> {
    /// The last handle of any member to an object went: an end or a mailslot closes.
    pub(super) fn close_pipe(&mut self, object: u32) {
        let body = self.end_of(object);
        match self.type_of(object) {
            END => self.close_end(body),
            SLOT => self.close_slot(body),
            _ => {}
        }
    }

    /// The body of an end's object, or of a mailslot's.
    pub fn end_of(&self, object: u32) -> u32 {
        self.link(object + object::BODY)
    }

    fn side(&self, end: u32) -> Side {
        if self.get(end + end::SIDE) == 0 { Side::Server } else { Side::Client }
    }

    fn connection(&self, end: u32) -> Connection {
        match self.get(end + end::CONNECTION) {
            2 => Connection::Listening,
            3 => Connection::Connected,
            4 => Connection::Closing,
            _ => Connection::Disconnected,
        }
    }

    fn mode(&self, end: u32) -> Mode {
        Mode::of(self.get(end + end::MODE))
    }

    /// The body of the pipe that an end belongs to.
    fn pipe_of(&self, end: u32) -> Nt<u32> {
        if self.get(end + end::CUT_OFF) != 0 {
            return Err(STATUS_PIPE_DISCONNECTED);
        }
        match self.get(end + end::PIPE) {
            0 => Err(STATUS_PIPE_DISCONNECTED),
            pipe => Ok(self.end_of(pipe)),
        }
    }

    /// Whether messages keep their borders towards an end.
    fn is_message(&self, end: u32) -> bool {
        match self.get(end + end::PIPE) {
            0 => true,
            pipe => self.get(self.end_of(pipe) + body::MESSAGE) != 0,
        }
    }
}
