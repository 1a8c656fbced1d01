//! How a sandbox is managed from outside while it runs: requests of whoever started it, answered by its monitor.
//!
//! The monitor has a listening unix socket of the kind SOCK_SEQPACKET; who connects must have the monitor's own user number, or
//! be root. One datagram is one message, in the layout of [`crate::wire`], at most [`MAX_MESSAGE`] bytes.
//!
//! - To the monitor: `u8` [`VERSION`], `u8` zero, `u16` number of the request, `u32` tag of the sender's choice, then the fields of the
//!   request. A request of another version, an unknown one and one that breaks its layout close the connection.
//! - From it: `u8` [`VERSION`], `u8` kind ([`Kind`]), `u16` zero, `u32` tag of the request that it belongs to; then for a reply `u32` error
//!   number (0: none) and the fields of the reply, or what is to be said about the error as a string; for a notice a [`Notice`].
//!
//! Replies come in the order of the requests, but for [`Wait`], which is answered when what it waits for has happened. Notices
//! come in between, to who asked for them with [`Subscribe`] and to who made a process with [`Exec`]. A client that does not read
//! what it is sent loses its connection, and so what was asked for; nobody waits for it.

use crate::error::{Error, Result};
use crate::wire::{self, Wire};
use crate::{wire_enums, wire_structs};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Version of this protocol. It changes with any change of a layout here.
pub const VERSION: u8 = 2;

/// Largest message in bytes, header included.
pub const MAX_MESSAGE: usize = 128 * 1024;

/// Bytes of a message before its fields.
pub const HEADER: usize = 8;

/// Most descriptors that a request brings.
pub const MAX_BROUGHT: usize = 3;

wire_enums! {
    /// What a message of the monitor is.
    pub enum Kind {
        /// The answer to a request.
        Reply = 0,
        /// Something happened.
        Notice = 1,
    }

    /// In whose name a process runs.
    pub enum RunAs {
        /// The sandbox's user.
        User = 0,
        /// The system, S-1-5-18.
        System = 1,
    }

    /// What happened.
    pub enum What {
        /// The sandbox runs. Who subscribes hears it first, if it began before.
        Started = 0,
        /// A process began: `process`, `pid`, `maker` (0: made from outside, or the first), `text` (its program).
        Began = 1,
        /// A process ended: `process`, `pid`, `how`, `status`, `text` (why, for a person; may be empty).
        Ended = 2,
        /// Something was refused for want of a grant: `text` says what, and how to grant it.
        Refused = 3,
        /// A folder can be seen from now on: `text`, as the guest names it.
        Shared = 4,
        /// It can no longer be seen.
        Unshared = 5,
        /// The sandbox was asked to end.
        Stopping = 6,
        /// The sandbox ended: `how`, `status`, `text`. Nothing follows.
        Stopped = 7,
    }

    /// How a process or a sandbox ended.
    pub enum How {
        /// By itself, or by another program, with `status`.
        Status = 0,
        /// The host's kernel ended it by the signal `status`.
        Killed = 1,
        /// It used more memory than it may.
        OutOfMemory = 2,
        /// Its time ran out.
        TimedOut = 3,
        /// The monitor got the signal `status`.
        Signalled = 4,
        /// It broke the rules of the ABI.
        Hostile = 5,
        /// It was stopped through this protocol; of a process, with [`Signal::Kill`](SignalKind::Kill) or by its client's going away.
        Stopped = 6,
    }

    /// What a process is told, or what is done to it.
    pub enum SignalKind {
        /// Ctrl-C.
        Interrupt = 0,
        /// Ctrl-Break.
        Break = 1,
        /// Its console is closed: programs have five seconds for their handlers, and end then.
        Close = 2,
        /// It is ended at once.
        Kill = 3,
        /// The size of its terminal changed.
        Resize = 4,
    }
}

wire_structs! {
    /// Asks what the sandbox is.
    pub struct Describe {}

    /// Answers [`Describe`].
    pub struct Description {
        /// As `--id` gave it; may be empty.
        pub id: String,
        /// As `--name` gave it; may be empty.
        pub name: String,
        /// The monitor's process number.
        pub pid: u32,
        /// When it began, in nanoseconds since 1970.
        pub started: i64,
        /// Whether its first process is one without a program, which ends only when it is stopped.
        pub init: bool,
        /// Its processes, the first one first.
        pub members: Vec<Member>,
        /// The folders of the host that it sees.
        pub shares: Vec<SharedFolder>,
    }

    /// A process of the sandbox.
    pub struct Member {
        /// Its number in the sandbox, never used again.
        pub process: u32,
        /// The picoprocess's number in the host.
        pub pid: u32,
        /// The process that made it; 0 for the first, and those that were made from outside.
        pub maker: u32,
        /// Its program as it was asked for. What one of the sandbox made is what the maker says.
        pub program: String,
        /// When it began, in nanoseconds since 1970.
        pub started: i64,
        /// Its number as programs see it, as it says itself; 0 as long as it has not.
        pub guest_id: u32,
        /// How many NT calls it made, as it says itself.
        pub calls: u64,
    }

    /// A folder of the host that programs see.
    pub struct SharedFolder {
        /// Where: `C:\data`.
        pub guest: String,
        /// What it is in the host, as the monitor knows it; for messages.
        pub host: String,
        /// Whether it may be written.
        pub writable: bool,
    }

    /// Runs a program in the sandbox. Three descriptors come along, its standard input, output and error, or none: then it has
    /// no standard streams. A descriptor of a folder is refused.
    ///
    /// The reply comes as soon as the picoprocess exists; [`What::Ended`] with the request's tag tells its end, also where it could not begin.
    pub struct Exec {
        /// The program: a path of the guest (`C:\app\x.exe`), or a name that is looked for in the working directory and on the guest's PATH.
        pub program: String,
        /// Its arguments, the first being the program's name as the user gave it.
        pub arguments: Vec<String>,
        /// Names and values, on top of the environment that the sandbox's first process has.
        pub environment: Vec<(String, String)>,
        /// Working directory, a path of the guest; empty: the sandbox's own, `C:\users\USER` if there is no first program.
        pub workdir: String,
        /// In whose name.
        pub user: RunAs,
        /// Whether it goes on when the connection closes; else it is ended then.
        pub detached: bool,
        /// Whether all that it made, and they made, end with it.
        pub tree: bool,
    }

    /// Answers [`Exec`].
    pub struct Executed {
        /// The process's number in the sandbox.
        pub process: u32,
        /// The picoprocess's number in the host.
        pub pid: u32,
    }

    /// Tells a process something, or ends it.
    pub struct Signal {
        /// Its number in the sandbox, 0 for all.
        pub process: u32,
        /// What.
        pub kind: SignalKind,
        /// The exit status of one that is ended.
        pub status: u32,
    }

    /// Lets programs see a folder of the host, whose descriptor comes along (O_PATH suffices).
    pub struct Share {
        /// Where: `C:\data`.
        pub guest: String,
        /// What it is called in the host, for messages.
        pub host: String,
        /// Whether it may be written.
        pub writable: bool,
    }

    /// Ends that. What is open stays open.
    pub struct Unshare {
        /// Where: `C:\data`.
        pub guest: String,
    }

    /// Ends the sandbox. The reply comes at once.
    pub struct Stop {
        /// Milliseconds that programs have to see to it, after they were told ([`SignalKind::Close`]); 0: none.
        pub patience: u32,
    }

    /// Asks the monitor for what it alone knows: [`Statistics`]. What the host's kernel knows of a process is in /proc. The reply comes at once
    /// and has what processes told so far; each is asked to tell anew, for the next reply.
    pub struct Stats {}

    /// Answers [`Stats`].
    pub struct Statistics {
        /// Its processes.
        pub members: Vec<Member>,
        /// Processes that the sandbox had so far.
        pub begun: u64,
        /// NT calls of those that ended, as they said themselves.
        pub calls: u64,
        /// Bytes of the memory that its processes share, as far as it is used.
        pub shared: u64,
        /// Bytes that its throw-away folders hold, and that they may.
        pub scratch: (u64, u64),
        /// The control group's folder in the host, empty if there is none.
        pub group: String,
    }

    /// Has programs give back memory that they do not need.
    pub struct Trim {}

    /// Asks for notices of all that happens, from now to the end of the connection.
    pub struct Subscribe {}

    /// Waits for the end of a process, or of the sandbox.
    pub struct Wait {
        /// Its number; 0: the sandbox's.
        pub process: u32,
    }

    /// Answers [`Wait`].
    pub struct End {
        /// How it ended.
        pub how: How,
        /// The full exit status, or a number that `how` names.
        pub status: u32,
        /// Why, for a person; empty if there is nothing to say.
        pub message: String,
    }

    /// Something happened. What a field does not apply to has 0 or nothing there.
    pub struct Notice {
        /// What.
        pub what: What,
        /// When, in nanoseconds since 1970.
        pub time: i64,
        /// A process's number in the sandbox.
        pub process: u32,
        /// Its number in the host.
        pub pid: u32,
        /// Who made it.
        pub maker: u32,
        /// How it ended.
        pub how: How,
        /// With what.
        pub status: u32,
        /// For a person.
        pub text: String,
    }
}

/// A request.
pub trait Request: Wire {
    /// Its number.
    const NUMBER: u16;
    /// What answers it.
    type Reply: Wire;
}

macro_rules! requests {
    ($($number:literal $request:ident -> $reply:ty;)+) => {
        $(impl Request for $request {
            const NUMBER: u16 = $number;
            type Reply = $reply;
        })+
    };
}

requests! {
    1 Describe -> Description;
    2 Exec -> Executed;
    3 Signal -> ();
    4 Share -> ();
    5 Unshare -> ();
    6 Stop -> ();
    7 Stats -> Statistics;
    8 Trim -> ();
    9 Subscribe -> ();
    10 Wait -> End;
}

/// A message of the monitor, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it is.
    pub kind: Kind,
    /// The tag of the request that it belongs to.
    pub tag: u32,
    /// What follows: for [`read_reply`] or [`wire::decode`].
    pub body: &'a [u8],
}

fn header(out: &mut Vec<u8>, kind: u8, number: u16, tag: u32) {
    VERSION.put(out);
    kind.put(out);
    number.put(out);
    tag.put(out);
}

/// The datagram of a request.
///
/// # Errors
/// [`Error::TooLong`] if it would be longer than [`MAX_MESSAGE`].
pub fn request<R: Request>(tag: u32, request: &R) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(256);
    header(&mut out, 0, R::NUMBER, tag);
    request.put(&mut out);
    if out.len() > MAX_MESSAGE { Err(Error::TooLong) } else { Ok(out) }
}

/// Splits a request's datagram into its number, its tag and its fields.
///
/// # Errors
/// [`Error::Malformed`] if the header is not of this version.
pub fn split_request(frame: &[u8]) -> Result<(u16, u32, &[u8])> {
    let mut from = frame;
    let (version, zero) = (u8::take(&mut from)?, u8::take(&mut from)?);
    let (number, tag) = (u16::take(&mut from)?, u32::take(&mut from)?);
    let fits = frame.len() <= MAX_MESSAGE && version == VERSION && zero == 0;
    if fits { Ok((number, tag, from)) } else { Err(Error::Malformed) }
}

/// The datagram of a reply. The error has a sentence for a person with it.
pub fn reply<T: Wire>(tag: u32, answer: &core::result::Result<T, (Error, String)>) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    header(&mut out, Kind::Reply as u8, 0, tag);
    match answer {
        Ok(value) => {
            0u32.put(&mut out);
            value.put(&mut out);
        }
        Err((error, why)) => {
            (*error as u32).put(&mut out);
            why.put(&mut out);
        }
    }
    if out.len() > MAX_MESSAGE { reply::<()>(tag, &Err((Error::TooLong, Error::TooLong.to_string()))) } else { out }
}

/// The datagram of a notice. A text that is too long is cut.
pub fn notice(tag: u32, notice: &Notice) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + notice.text.len().min(MAX_TEXT));
    header(&mut out, Kind::Notice as u8, 0, tag);
    if notice.text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|end| notice.text.is_char_boundary(*end)).unwrap_or(0);
        Notice { text: notice.text.get(..end).unwrap_or_default().into(), ..notice.clone() }.put(&mut out);
    } else {
        notice.put(&mut out);
    }
    out
}

/// Most bytes of a notice's text.
const MAX_TEXT: usize = 16 * 1024;

/// Takes a datagram of the monitor's apart.
///
/// # Errors
/// [`Error::Malformed`] if the header is not of this version.
pub fn split(frame: &[u8]) -> Result<Message<'_>> {
    let mut body = frame;
    let (version, kind) = (u8::take(&mut body)?, Kind::take(&mut body)?);
    let (zero, tag) = (u16::take(&mut body)?, u32::take(&mut body)?);
    if version == VERSION && zero == 0 { Ok(Message { kind, tag, body }) } else { Err(Error::Malformed) }
}

/// Reads a reply's body: the inner result is the monitor's.
///
/// # Errors
/// [`Error::Malformed`].
pub fn read_reply<T: Wire>(mut body: &[u8]) -> Result<core::result::Result<T, (Error, String)>> {
    match u32::take(&mut body)? {
        0 => wire::decode(body).map(Ok),
        number => wire::decode(body).map(|why| Err((Error::from_number(number), why))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_request_arrives_as_it_was_sent() {
        let exec = Exec {
            program: "cmd.exe".into(),
            arguments: vec!["cmd.exe".into(), "/c".into(), "ver".into()],
            environment: vec![("A".into(), "ö".into())],
            workdir: String::new(),
            user: RunAs::System,
            detached: true,
            tree: false,
        };
        let frame = request(77, &exec).unwrap();
        let (number, tag, fields) = split_request(&frame).unwrap();
        assert_eq!((number, tag, wire::decode::<Exec>(fields)), (Exec::NUMBER, 77, Ok(exec)));
        for (at, value) in [(0, VERSION + 1), (1, 1)] {
            let mut other = frame.clone();
            other[at] = value;
            assert_eq!(split_request(&other), Err(Error::Malformed));
        }
        assert_eq!(split_request(&frame[..HEADER - 1]), Err(Error::Malformed));
        assert_eq!(request(1, &Unshare { guest: "x".repeat(MAX_MESSAGE) }), Err(Error::TooLong));
    }

    #[test]
    fn replies_bring_a_value_or_a_reason() {
        let frame = reply(5, &Ok(Executed { process: 3, pid: 4 }));
        let message = split(&frame).unwrap();
        assert_eq!((message.kind, message.tag), (Kind::Reply, 5));
        assert_eq!(read_reply(message.body), Ok(Ok(Executed { process: 3, pid: 4 })));
        let frame = reply::<Executed>(6, &Err((Error::NotFound, "no such program".into())));
        let body = split(&frame).unwrap().body;
        assert_eq!(read_reply::<Executed>(body), Ok(Err((Error::NotFound, "no such program".into()))));
        assert_eq!(read_reply::<Executed>(&body[..5]), Err(Error::Malformed));
        let long = reply(7, &Ok(Unshare { guest: "x".repeat(MAX_MESSAGE) }));
        assert!(matches!(read_reply::<Unshare>(split(&long).unwrap().body), Ok(Err((Error::TooLong, _)))));
    }

    #[test]
    fn a_notice_is_never_longer_than_a_message() {
        let one = Notice {
            what: What::Refused,
            time: 1,
            process: 2,
            pid: 3,
            maker: 0,
            how: How::Status,
            status: 0,
            text: "ä".repeat(MAX_MESSAGE),
        };
        let frame = notice(9, &one);
        assert!(frame.len() < MAX_MESSAGE);
        let message = split(&frame).unwrap();
        let read: Notice = wire::decode(message.body).unwrap();
        assert_eq!((message.kind, message.tag, read.text.len()), (Kind::Notice, 9, MAX_TEXT));
    }
}
