//! What a picoprocess is told at its start, through a pipe at a fixed descriptor: the boot block, with its length in four bytes before it;
//! then, if another made it, what that hands to it, to the end.

use crate::wire_enums;
use crate::wire_structs;
use alloc::string::String;
use alloc::vec::Vec;

/// Bytes that the maker of a picoprocess may hand to it through the monitor.
pub const MAX_BIRTH: usize = 64;

/// What of its environment has a program's console be a window of its own rather than what its standard streams are.
pub const CONSOLE_IN_WINDOW: (&str, &str) = ("PORTCULLIS_CONSOLE", "window");

/// Descriptors that a picoprocess starts with, by number. 0, 1 and 2 are the program's own streams.
pub mod descriptor {
    /// The boot block.
    pub const BOOT: i32 = 3;
    /// Datagrams from the monitor, see [`crate::calls::Event`].
    pub const EVENTS: i32 = 4;
    /// First of the lanes: sockets to the monitor, each carrying one call at a time.
    pub const LANES: i32 = 5;
    /// How many lanes there are.
    pub const LANE_COUNT: i32 = 4;
    /// The pages beside the lanes, one for each, see [`crate::page`].
    pub const PAGES: i32 = LANES + LANE_COUNT;
    /// First number free for streams.
    pub const FIRST_FREE: i32 = PAGES + 1;
}

wire_enums! {
    /// What a standard stream is connected to.
    pub enum Stdio {
        /// Nothing.
        None = 0,
        /// A file.
        File = 1,
        /// A pipe or socket.
        Pipe = 2,
        /// A terminal.
        Terminal = 3,
        /// A device that swallows.
        Null = 4,
    }
}

wire_structs! {
    /// A folder that the guest sees.
    pub struct Mount {
        /// Where: `C:/app`, drive letter in upper case.
        pub guest: String,
        /// Whether it may be written.
        pub writable: bool,
    }

    /// A standard stream that is not the first picoprocess's: whoever runs the program from outside brought it.
    pub struct Brought {
        /// What it is connected to.
        pub kind: Stdio,
        /// The token under which it was left, see [`crate::calls::StreamShare`]; 0 if there is none.
        pub token: u64,
    }

    /// A program that is run from outside, in a sandbox that exists.
    pub struct Order {
        /// The program: a path that the guest sees (`C:/app/7za.exe`), or a name to be looked for.
        pub program: String,
        /// Its arguments, the first being the program's name as the user gave it.
        pub arguments: Vec<String>,
        /// Names and values on top of [`Boot::environment`].
        pub environment: Vec<(String, String)>,
        /// Its working directory, as a path the guest sees; empty: that of [`Boot`].
        pub workdir: String,
        /// Whether it runs as the system and not as the user.
        pub system: bool,
    }

    /// What a picoprocess is told that is not the first.
    pub struct Told {
        /// Its number in the sandbox: not 0, below 2^31, never used again.
        pub member: u32,
        /// What the picoprocess that made it hands to it; empty for the first, and for one that was made from outside.
        pub birth: Vec<u8>,
        /// Its standard streams, if they are others than the first picoprocess's: three, or none.
        pub streams: Vec<Brought>,
        /// What it is to run, if it was made from outside.
        pub order: Option<Order>,
    }

    /// The boot block.
    pub struct Boot {
        /// The program, as a path the guest sees: `C:/app/7za.exe`. Empty: there is none, and the picoprocess only keeps the
        /// sandbox for those that are made from outside.
        pub program: String,
        /// Its arguments, the first being the program's name as the user gave it, or its path if that was one of the host.
        pub arguments: Vec<String>,
        /// Its environment, names and values.
        pub environment: Vec<(String, String)>,
        /// Its working directory, as a path the guest sees.
        pub workdir: String,
        /// What it sees of the host.
        pub mounts: Vec<Mount>,
        /// Its standard input, output and error.
        pub stdio: Vec<Stdio>,
        /// Bytes of memory it may commit, 0: no limit.
        pub memory: u64,
        /// Processors that it may use.
        pub processors: u32,
        /// Bytes of memory in the host.
        pub host_memory: u64,
        /// Whether NT calls are traced to `log:`.
        pub trace: bool,
        /// User and computer names, as the guest sees them.
        pub user: String,
        /// Likewise.
        pub computer: String,
        /// Locale in the form `en-US`.
        pub locale: String,
        /// Name of the time zone in the IANA data base, and its TZif file (RFC 8536); empty: UTC.
        pub timezone: String,
        /// Likewise.
        pub tzif: Vec<u8>,
        /// Whether changes of the registry are kept, in the log `registry:`.
        pub kept: bool,
        /// Layers below that may have logs of their own, `registry:1` of the lowest and on.
        pub below: u32,
        /// Whether it is not the first: then a [`Told`] follows, as soon as there is one.
        pub born: bool,
        /// Whether picoprocesses are made from outside: then the first listens for [`crate::calls::Event`] from its start.
        pub managed: bool,
        /// The seccomp filter without its instruction-pointer row, as struct sock_filter; the runtime puts that row in front.
        pub filter: Vec<u64>,
    }
}
