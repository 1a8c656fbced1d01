//! Errors that a call of the ABI can answer with.

/// Defines [`Error`] from one list: variant, number on the wire, meaning.
macro_rules! errors {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal,)+) => {
        /// Why the host side refused or failed a call. The numbers are part of the ABI and never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum Error { $($(#[doc = $doc])+ $name = $number,)+ }

        impl Error {
            /// Every error, in the order of its number.
            pub const ALL: &'static [Error] = &[$(Error::$name,)+];

            /// The error with this number; an unknown number reads as [`Error::Io`].
            pub fn from_number(number: u32) -> Error {
                match number { $($number => Error::$name,)+ _ => Error::Io }
            }

            /// The variant's name.
            pub fn name(self) -> &'static str {
                match self { $(Error::$name => stringify!($name),)+ }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Error::$name => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

errors! {
    /// The last component of the name does not exist.
    NotFound = 1,
    /// A folder on the way to the last component does not exist.
    PathNotFound = 2,
    /// Something of that name exists already.
    Exists = 3,
    /// No grant covers the name.
    NotVisible = 4,
    /// A grant covers the name, but only for reading.
    ReadOnly = 5,
    /// The host refuses the monitor's own user.
    AccessDenied = 6,
    /// The name is a directory where a file was asked for.
    IsDirectory = 7,
    /// The name, or one on the way to it, is no directory where one was asked for.
    NotDirectory = 8,
    /// The directory holds entries.
    NotEmpty = 9,
    /// The host's disk, or the limit set for the sandbox, is full.
    NoSpace = 10,
    /// No further descriptor can be had.
    TooManyOpen = 11,
    /// The name does not follow the grammar.
    NameInvalid = 12,
    /// The name or a component of it is too long.
    NameTooLong = 13,
    /// The thing is in use by the host.
    Busy = 14,
    /// Source and target lie on different volumes.
    CrossDevice = 15,
    /// The name no longer means what the caller opened.
    Stale = 16,
    /// This version of the host side does not have the call, or not for this stream.
    Unsupported = 17,
    /// The request does not follow the wire layout.
    Malformed = 18,
    /// The host failed.
    Io = 19,
    /// Memory is short, or the sandbox's limit is reached.
    OutOfMemory = 20,
    /// A signal arrived first.
    Interrupted = 21,
    /// The time given ran out.
    TimedOut = 22,
    /// The address range is in use.
    AddressInUse = 23,
    /// An address that was passed is not accessible.
    Fault = 24,
    /// The stream ended, or its other end closed.
    Closed = 25,
    /// Nothing is there now and the caller asked not to wait.
    WouldBlock = 26,
    /// An argument is outside its range.
    Invalid = 27,
    /// A lock of someone else covers the range.
    Locked = 28,
    /// Somebody else has the port.
    PortInUse = 29,
    /// No interface has the address.
    NoSuchAddress = 30,
    /// Nobody takes connections there.
    Refused = 31,
    /// The other end gave the connection up.
    Reset = 32,
    /// The connection was given up here.
    Aborted = 33,
    /// The socket leads nowhere.
    NotConnected = 34,
    /// The socket leads somewhere already.
    Connected = 35,
    /// No way leads to the network.
    NetworkUnreachable = 36,
    /// No way leads to the host.
    HostUnreachable = 37,
    /// More bytes than a datagram can hold, or than there was room for.
    TooLong = 38,
    /// The policy does not grant the address.
    NotGranted = 39,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.meaning())
    }
}

impl core::error::Error for Error {}

/// What a call of the ABI answers.
pub type Result<T = ()> = core::result::Result<T, Error>;
