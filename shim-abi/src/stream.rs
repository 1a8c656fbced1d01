//! Streams as both sides see them: what is asked for at open, and what is known of one.

use crate::wire_enums;
use crate::wire_structs;
use alloc::string::String;

/// Access asked for: bits of [`StreamOpen::access`](crate::calls::StreamOpen::access).
pub mod access {
    /// Read data or list entries.
    pub const READ: u32 = 1;
    /// Write data anywhere.
    pub const WRITE: u32 = 2;
    /// Change names, times or attributes, or delete; needs a writable grant, gives no data access.
    pub const CHANGE: u32 = 4;
    /// All bits that have a meaning.
    pub const ALL: u32 = 7;
}

/// Attribute bits, as DOS and every Windows since number them.
pub mod attributes {
    /// No writes through new openings.
    pub const READONLY: u32 = 0x1;
    /// Hidden.
    pub const HIDDEN: u32 = 0x2;
    /// System.
    pub const SYSTEM: u32 = 0x4;
    /// To be archived.
    pub const ARCHIVE: u32 = 0x20;
    /// The bits that a host file can carry.
    pub const STORED: u32 = READONLY | HIDDEN | SYSTEM | ARCHIVE;
    /// Of a file: its bytes say where its name leads on to. Who opens it reads them and goes there; the monitor never does.
    pub const LINK: u32 = 0x400;
    /// Of such a file: it stands for a folder.
    pub const LINK_TO_FOLDER: u32 = 0x10;
    /// All that the monitor keeps of a file.
    pub const KEPT: u32 = STORED | LINK | LINK_TO_FOLDER;
}

wire_enums! {
    /// What to do when the name exists, and when it does not.
    pub enum Disposition {
        /// Open what exists, else fail.
        Open = 0,
        /// Make it, fail if it exists.
        Create = 1,
        /// Open what exists, else make it.
        OpenOrCreate = 2,
        /// Empty what exists, else fail.
        Overwrite = 3,
        /// Empty what exists, else make it.
        OverwriteOrCreate = 4,
    }

    /// What the name must be.
    pub enum Expect {
        /// Anything.
        Any = 0,
        /// No directory.
        File = 1,
        /// A directory.
        Directory = 2,
    }

    /// What a stream is.
    pub enum Kind {
        /// Bytes at offsets.
        File = 0,
        /// A list of names.
        Directory = 1,
        /// Bytes in order.
        Pipe = 2,
        /// A terminal.
        Terminal = 3,
        /// Takes all, gives nothing.
        Null = 4,
        /// A connected socket.
        Socket = 5,
    }
}

wire_structs! {
    /// What names a thing on the host for as long as it exists, whatever it is called.
    pub struct Identity {
        /// Number of the volume.
        pub volume: u64,
        /// Number on the volume.
        pub number: u64,
    }

    /// What is known of a stream without reading it.
    pub struct Info {
        /// What it is.
        pub kind: Kind,
        /// Bits of [`attributes`].
        pub attributes: u32,
        /// Bytes it holds.
        pub size: u64,
        /// Bytes it takes on the host.
        pub allocated: u64,
        /// Names it has.
        pub links: u32,
        /// Its identity.
        pub identity: Identity,
        /// Made, in nanoseconds since 1970.
        pub created: i64,
        /// Last read.
        pub accessed: i64,
        /// Last written.
        pub written: i64,
        /// Its attributes last changed.
        pub changed: i64,
        /// Whether the grant it lies under lets it be written.
        pub writable: bool,
    }

    /// One entry of a directory.
    pub struct Entry {
        /// Its name.
        pub name: String,
        /// What is known of it.
        pub info: Info,
    }

    /// Space on a volume, in bytes.
    pub struct Volume {
        /// All of it.
        pub total: u64,
        /// What the sandbox may still use.
        pub free: u64,
        /// Its number.
        pub serial: u64,
        /// Whether its grant lets it be written.
        pub writable: bool,
    }
}
