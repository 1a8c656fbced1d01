//! Every call of the ABI, in one table; the requests that the monitor serves, as types.

use crate::net::{SocketCall, SocketReply};
use crate::stream::{Disposition, Entry, Expect, Identity, Info, Volume};
use crate::wire::MonitorCall;
use crate::wire_structs;
use alloc::string::String;
use alloc::vec::Vec;

/// Who carries a call out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The host's kernel, by the Linux system calls named, as far as [`crate::seccomp`] lets them pass.
    Direct(&'static [&'static str]),
    /// The monitor, by a message.
    Monitor,
    /// The runtime: the host side calls into the picoprocess.
    Upcall,
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Its number: on the wire for a monitor call.
    pub number: u16,
    /// Its name.
    pub name: &'static str,
    /// What it belongs to.
    pub group: &'static str,
    /// Who carries it out.
    pub how: How,
    /// What it does.
    pub doc: &'static str,
}

macro_rules! calls {
    ($($number:literal $group:ident $name:ident $how:expr, $doc:literal;)+) => {
        /// Every call, in the order of its number.
        pub const CALLS: &[Call] = &[$(
            Call { number: $number, name: stringify!($name), group: stringify!($group), how: $how, doc: $doc },
        )+];

        /// Numbers of the calls, by name.
        #[allow(missing_docs)]
        pub mod number {
            $(#[allow(non_upper_case_globals)] pub const $name: u16 = $number;)+
        }
    };
}

calls! {
    1 memory memory_allocate How::Direct(&["mmap", "brk", "mremap", "memfd_create"]), "Maps zeroed memory at an address, accessible or only reserved.";
    2 memory memory_free How::Direct(&["munmap"]), "Gives an address range back.";
    3 memory memory_protect How::Direct(&["mprotect"]), "Changes what may be done with a range.";
    4 memory memory_advise How::Direct(&["madvise"]), "Gives the pages of a range back.";
    5 threads thread_create How::Direct(&["clone", "clone3", "set_robust_list", "rseq", "rt_sigprocmask", "sigaltstack"]), "Starts a thread.";
    6 threads thread_exit How::Direct(&["exit"]), "Ends the calling thread.";
    7 threads thread_yield How::Direct(&["sched_yield"]), "Gives the processor to another thread.";
    8 threads thread_delay How::Direct(&["futex", "restart_syscall"]), "Sleeps: waits on a word that nobody wakes.";
    9 threads thread_interrupt How::Direct(&["tgkill", "gettid", "rt_sigreturn"]), "Makes a thread of the same picoprocess take an exception upcall.";
    10 threads thread_set_priority How::Monitor, "Sets a thread's nice value, the processors it runs on, and how late its timers may be.";
    11 waiting wait_on_address How::Direct(&["futex", "restart_syscall"]), "Sleeps while a word of memory keeps its value.";
    12 waiting wake_address How::Direct(&["futex"]), "Wakes who sleeps on a word of memory.";
    13 streams stream_open How::Monitor, "Opens a stream by its URI; the reply carries a descriptor.";
    14 streams stream_read How::Direct(&["read", "pread64", "recvmsg", "poll", "epoll_ctl", "epoll_wait"]), "Reads bytes, in order or at an offset, once there are some.";
    15 streams stream_write How::Direct(&["write", "pwrite64", "poll"]), "Writes bytes, in order or at an offset.";
    16 streams stream_map How::Direct(&["mmap"]), "Maps a stream's bytes into memory.";
    17 streams stream_set_length How::Direct(&["ftruncate"]), "Cuts or extends a stream.";
    18 streams stream_flush How::Direct(&["fsync"]), "Waits until what was written is on the disk.";
    19 streams stream_delete How::Monitor, "Deletes a stream by name.";
    20 streams stream_rename How::Monitor, "Gives a stream another name, or a further one.";
    21 streams stream_query_name How::Monitor, "Tells what is known of a stream, by name.";
    22 streams stream_query_handle How::Direct(&["fstat"]), "Tells what is known of an open stream.";
    23 streams stream_set_attributes How::Monitor, "Sets a stream's attributes and times.";
    24 streams stream_enumerate How::Monitor, "Lists a directory.";
    25 streams stream_lock How::Direct(&["fcntl"]), "Locks or unlocks a range of a stream against other sandboxes and the host.";
    26 streams stream_watch How::Monitor, "Watches a directory for changes; the reply carries a descriptor to read them from.";
    27 streams stream_wait_client How::Monitor, "Takes a client of a server socket, which comes along; the reply carries the client's descriptor.";
    28 streams stream_close How::Direct(&["close"]), "Closes a descriptor.";
    29 streams volume_query How::Monitor, "Tells the size and the free space of a volume.";
    30 streams terminal_query How::Monitor, "Tells the size of the terminal.";
    31 streams terminal_set_mode How::Monitor, "Switches the terminal between lines and single keys.";
    32 processes process_create How::Monitor, "Starts a further picoprocess in the same sandbox.";
    33 processes process_terminate How::Monitor, "Ends a picoprocess.";
    34 processes process_exit How::Direct(&["exit_group"]), "Ends the calling picoprocess.";
    35 processes process_report How::Monitor, "Tells the monitor, before the end, the full exit status and what went wrong.";
    36 system time How::Direct(&["clock_gettime"]), "Reads a clock.";
    37 system random How::Direct(&["getrandom"]), "Gets random bytes.";
    38 system event_poll How::Direct(&["recvmsg"]), "Waits for what the monitor has to tell: resize, interrupt, end.";
    39 system monitor_call How::Direct(&["sendmsg", "recvmsg"]), "Carries a call to the monitor and its reply back.";
    40 upcalls initialise How::Upcall, "Starts the runtime with its boot block.";
    41 upcalls thread_start How::Upcall, "Starts a thread in the runtime.";
    42 upcalls exception How::Upcall, "Hands a fault, a refused system call or an interrupt to the runtime.";
    43 streams stream_share How::Monitor, "Leaves a descriptor for the other picoprocesses of the sandbox, gives one that was left, or forgets it.";
    44 streams stream_open_several How::Monitor, "Opens files of one directory for reading, before they are asked for; the reply carries their descriptors.";
    45 streams socket How::Monitor, "Makes a socket, sets it up, binds, connects or opens it to clients, or finds a host, as far as the policy goes.";
}

/// The call with this number.
pub fn by_number(number: u16) -> Option<&'static Call> {
    CALLS.get(usize::from(number).checked_sub(1)?)
}

wire_structs! {
    /// Opens a stream. The descriptor in the reply is for data; names are always asked of the monitor. No descriptor comes of
    /// a directory, nor of a file opened without access to its data.
    pub struct StreamOpen {
        /// Its name.
        pub uri: String,
        /// Bits of [`crate::stream::access`]; none opens for [`Info`] alone.
        pub access: u32,
        /// What to do if it exists or not.
        pub disposition: Disposition,
        /// What it must be.
        pub expect: Expect,
        /// Attributes of a stream that is made, bits of [`crate::stream::attributes`].
        pub attributes: u32,
    }

    /// Answers [`StreamOpen`].
    pub struct Opened {
        /// What is known of it.
        pub info: Info,
        /// Whether it was made by this call.
        pub made: bool,
        /// The URI in the letter case that the host has stored.
        pub uri: String,
    }

    /// Opens files of one directory to read them, as they are written here: no link is followed, no other letter case found. For
    /// who expects to need them soon.
    ///
    /// The first request asks for `changes`: a descriptor that polls as readable from when any name that led to an opened file,
    /// of it or of a folder above, may mean something else. It counts for the later requests of the picoprocess too, until one
    /// asks for a new one. There is nothing to read in it. Folders are looked at from before their files are opened; that the
    /// monitor looks no longer is a change.
    pub struct StreamOpenSeveral {
        /// The directory.
        pub uri: String,
        /// Names there, at most [`crate::MAX_SEVERAL`].
        pub names: Vec<String>,
        /// Whether a descriptor for changes is asked for; what was opened with the one before must not be used any more.
        pub changes: bool,
    }

    /// Answers [`StreamOpenSeveral`]. The descriptors are that for changes, if it was asked for, then one for each file that
    /// was opened.
    pub struct OpenedSeveral {
        /// What is known of each that was opened, in the order of the names.
        pub files: Vec<Option<Info>>,
    }

    /// Deletes a stream if the name still means `identity`.
    pub struct StreamDelete {
        /// Its name.
        pub uri: String,
        /// What it must still be.
        pub identity: Identity,
    }

    /// Renames a stream, or gives it a further name, if the name still means `identity`.
    pub struct StreamRename {
        /// Its name.
        pub from: String,
        /// What it must still be.
        pub identity: Identity,
        /// The name to give.
        pub to: String,
        /// Whether something of that name is replaced.
        pub replace: bool,
        /// Whether the old name stays: a hard link.
        pub link: bool,
    }

    /// Asks what is known of a name.
    pub struct StreamQueryName {
        /// The name.
        pub uri: String,
    }

    /// Answers [`StreamQueryName`].
    pub struct Named {
        /// What is known of it.
        pub info: Info,
        /// The URI in the letter case that the host has stored.
        pub uri: String,
    }

    /// Sets attributes and times; what is `None` stays.
    pub struct StreamSetAttributes {
        /// The name.
        pub uri: String,
        /// What it must still be.
        pub identity: Identity,
        /// Bits of [`crate::stream::attributes`].
        pub attributes: Option<u32>,
        /// Nanoseconds since 1970.
        pub created: Option<i64>,
        /// Likewise.
        pub accessed: Option<i64>,
        /// Likewise.
        pub written: Option<i64>,
    }

    /// Lists a directory whole. Entries come in no order, without "." and "..".
    pub struct StreamEnumerate {
        /// The directory.
        pub uri: String,
        /// Whether names are all that is asked for: nothing is looked at then.
        pub only_names: bool,
    }

    /// Answers [`StreamEnumerate`]. A list too long for a frame comes as a descriptor of a file, open for reading alone, that
    /// holds the encoded list, `entries` or `names`, whichever was asked for; it is empty then, and `bytes` its length.
    pub struct Listing {
        /// The entries.
        pub entries: Vec<Entry>,
        /// The names, if they are all that was asked for.
        pub names: Vec<String>,
        /// Bytes in the memory file, 0 if there is none.
        pub bytes: u64,
    }

    /// Watches a directory. The descriptor in the reply gives datagrams, each a [`Change`].
    pub struct StreamWatch {
        /// The directory.
        pub uri: String,
        /// Whether folders below count.
        pub recursive: bool,
    }

    /// One change under a watched directory.
    pub struct Change {
        /// 1 added, 2 removed, 3 modified, 4 old name, 5 new name (the numbers of FILE_ACTION_*); 0: changes were lost, because
        /// they came faster than they were read.
        pub action: u32,
        /// Path below the watched directory, with '/' between names.
        pub path: String,
    }

    /// Asks for space on the volume that holds the name.
    pub struct VolumeQuery {
        /// The name.
        pub uri: String,
    }

    /// Asks for the terminal's size.
    pub struct TerminalQuery {}

    /// Answers [`TerminalQuery`].
    pub struct TerminalSize {
        /// Characters in a line.
        pub columns: u16,
        /// Lines.
        pub rows: u16,
    }

    /// Switches the terminal's input.
    pub struct TerminalSetMode {
        /// Whether keys come singly and unechoed, Ctrl-C among them as byte 3; else the host edits and echoes lines, and
        /// Ctrl-C comes as [`Event::Interrupt`]. Output modes stay as they are.
        pub raw: bool,
    }

    /// Sets what a thread gets of the processors.
    pub struct ThreadSetPriority {
        /// Its number as the picoprocess sees it; 0 is refused.
        pub thread: u32,
        /// -20 to 19; what the host does not grant is cut to what it does.
        pub nice: i32,
        /// The processors that it runs on: a bit for each of [`crate::boot::Boot::processors`]; 0 leaves them as they are, and bits
        /// beyond count for nothing.
        pub processors: u64,
        /// Nanoseconds that its timers may be late, so that they wake a processor together; 0 is the host's default, and what is more
        /// than a second is one.
        pub slack: u64,
    }

    /// The end of a picoprocess, in full.
    pub struct ProcessReport {
        /// Exit status.
        pub status: u32,
        /// For a person: why, or nothing when the program ended by itself.
        pub message: String,
    }

    /// Takes a client that waits at the server socket that comes along. Answers both its ends;
    /// [`Error::WouldBlock`](crate::error::Error::WouldBlock) if there is none.
    pub struct StreamWaitClient {}

    /// Does something with the socket that comes along, or that is to be made, or asks about a host.
    pub struct Socket {
        /// What.
        pub call: SocketCall,
    }

    /// Leaves the descriptor that comes with the request, the only one that any request brings to be kept, for every picoprocess of the
    /// sandbox: a file of the host's or of memory, or an internet socket. Answers its token, which is never 0. With a token, the
    /// reply brings the descriptor that was left under it.
    pub struct StreamShare {
        /// 0 to leave a descriptor.
        pub token: u64,
        /// Whether what was left is forgotten; no descriptor comes then.
        pub forget: bool,
    }

    /// Starts a picoprocess in the same sandbox; answers its number.
    pub struct ProcessCreate {
        /// What it is told at its start by its maker, opaque to the monitor: at most [`crate::boot::MAX_BIRTH`] bytes.
        pub birth: Vec<u8>,
        /// Its program, for a person.
        pub program: String,
        /// Whether it is the maker's child: then it has the maker's standard streams.
        pub child: bool,
    }

    /// Ends a picoprocess of the same sandbox: it is gone when it is no longer among the living.
    pub struct ProcessTerminate {
        /// Its number.
        pub process: u32,
        /// Exit status.
        pub status: u32,
    }
}

macro_rules! served {
    ($($request:ident = $name:ident -> $reply:ty;)+) => {$(
        impl MonitorCall for $request {
            const NUMBER: u16 = number::$name;
            type Reply = $reply;
        }
    )+};
}

served! {
    ThreadSetPriority = thread_set_priority -> ();
    StreamOpen = stream_open -> Opened;
    StreamOpenSeveral = stream_open_several -> OpenedSeveral;
    StreamDelete = stream_delete -> ();
    StreamRename = stream_rename -> String;
    StreamQueryName = stream_query_name -> Named;
    StreamSetAttributes = stream_set_attributes -> ();
    StreamEnumerate = stream_enumerate -> Listing;
    StreamWatch = stream_watch -> ();
    StreamWaitClient = stream_wait_client -> SocketReply;
    Socket = socket -> SocketReply;
    VolumeQuery = volume_query -> Volume;
    TerminalQuery = terminal_query -> TerminalSize;
    TerminalSetMode = terminal_set_mode -> ();
    ProcessCreate = process_create -> u32;
    ProcessTerminate = process_terminate -> ();
    ProcessReport = process_report -> ();
    StreamShare = stream_share -> u64;
}

crate::wire_enums! {
    /// What the monitor tells unasked: one datagram of one byte on the event descriptor.
    pub enum Event {
        /// The terminal's size changed.
        Resize = 1,
        /// The user pressed Ctrl-C.
        Interrupt = 2,
        /// The user pressed Ctrl-Break.
        Break = 3,
        /// The sandbox is to end.
        Terminate = 4,
        /// The host is short of memory.
        MemoryLow = 5,
        /// A picoprocess of the sandbox ended.
        Ended = 6,
        /// A picoprocess is made from outside: what it is to share with the first is to be shared from now on.
        Company = 7,
        /// Somebody wants to know how many calls the program made: the answer goes into the page, see [`crate::page::tell`].
        Count = 8,
        /// What the sandbox sees of the host changed.
        Shares = 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dense_and_few() {
        for (index, call) in CALLS.iter().enumerate() {
            assert_eq!(usize::from(call.number), index + 1, "{}", call.name);
        }
        assert!(CALLS.len() <= 45, "{} calls", CALLS.len());
    }

    #[test]
    fn direct_calls_name_granted_system_calls() {
        for call in CALLS {
            if let How::Direct(names) = call.how {
                for name in names {
                    assert!(crate::seccomp::GRANTS.iter().any(|g| g.name == *name), "{} needs {name}", call.name);
                }
            }
        }
    }

    #[test]
    fn every_grant_serves_a_call() {
        for grant in crate::seccomp::GRANTS {
            let used = CALLS.iter().any(|c| matches!(c.how, How::Direct(names) if names.contains(&grant.name)));
            assert!(used, "{} serves no call", grant.name);
        }
    }
}
