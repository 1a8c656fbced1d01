//! What processes of a sandbox ask of each other, and answer.

use crate::ob::parcel::Parcel;

/// Bytes that travel in one message, at most: larger reads and writes go in pieces.
pub(super) const PIECE: u64 = 0x4_0000;

shim_abi::wire_structs! {
    /// What is asked of another process.
    pub struct Ask {
        /// What to do.
        pub kind: u8,
        /// Name of the system call.
        pub name: String,
        /// Its arguments.
        pub arguments: Vec<u64>,
        /// What its pointers point at: the argument's index, and the bytes.
        pub windows: Vec<(u8, Vec<u8>)>,
        /// Words of windows that point into them: the argument's index, and where. They hold the distance from the begin.
        pub pointers: Vec<(u8, u32)>,
        /// The thread that it is about, 0 for the process.
        pub thread: u32,
        /// A handle on its way.
        pub parcel: Option<Parcel>,
        /// Rights of the handle to what comes along.
        pub rights: u32,
        /// The record of who asks.
        pub from: u32,
    }

    /// What is answered.
    pub struct Answered {
        /// The call's status.
        pub status: u32,
        /// What its pointers point at now.
        pub windows: Vec<(u8, Vec<u8>)>,
        /// A handle's value, or the rights of one that comes along.
        pub handle: u32,
        /// A handle on its way.
        pub parcel: Option<Parcel>,
    }
}

/// Kinds of [`Ask`].
pub(super) mod kind {
    /// A system call.
    pub const CALL: u8 = 0;
    /// A handle to what comes along: arguments are its rights and attributes.
    pub const GIVE: u8 = 1;
    /// What a handle stands for, which is closed if the second argument is 1.
    pub const TAKE: u8 = 2;
    /// A control event of the console: which. Nobody waits for the answer.
    pub const CONTROL: u8 = 4;
    /// A new thread, which comes along: arguments are start, parameter, flags, zero bits, stack to commit and to reserve.
    pub const THREAD: u8 = 5;
    /// A new thread, which comes along, with registers and stack of its maker's: the windows; 1 as argument if it is suspended.
    pub const THREAD_WITH: u8 = 10;
    /// A primary token, which comes along.
    pub const TOKEN: u8 = 12;
    /// The primary token, which comes along.
    pub const TOKEN_OF: u8 = 13;
    /// The token that the thread impersonates with from now on, which comes along; none if nothing does.
    pub const THREAD_TOKEN: u8 = 14;
    /// The token that the thread impersonates with, which comes along.
    pub const THREAD_TOKEN_OF: u8 = 15;
    /// The process is to look at what its jobs limit.
    pub const LIMITS: u8 = 11;
    /// The thread of a number, which comes along.
    pub const FIND: u8 = 6;
    /// What the process tells of itself for a list of all; 1 as argument for the longer form.
    pub const LIST: u8 = 7;
    /// What the process tells of its sockets.
    pub const SOCKETS: u8 = 16;
    /// A debugger: its debug object comes along.
    pub const DEBUG: u8 = 8;
    /// What the process used, for its jobs.
    pub const USED: u8 = 9;
    /// Handles for a process that is made in this one's name: arguments are those of `birth::Choice::arguments`.
    pub const CHOOSE: u8 = 3;
}

/// A question with nothing but arguments and what comes along.
pub(super) fn ask(kind: u8, arguments: Vec<u64>, parcel: Option<Parcel>) -> Ask {
    Ask {
        kind,
        name: String::new(),
        arguments,
        windows: Vec::new(),
        pointers: Vec::new(),
        thread: 0,
        parcel,
        rights: 0,
        from: 0,
    }
}
