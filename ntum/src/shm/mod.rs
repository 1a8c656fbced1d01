//! Memory of the sandbox: what its picoprocesses share.
//!
//! Every picoprocess of a sandbox maps one and the same memory, an array of words that starts as zeros. What NT processes
//! share lives there: dispatcher objects, names, handles on their way, the table of processes. It is changed in
//! transactions ([`Tx`]) under one lock, through a redo log that is itself in the memory: a picoprocess that is killed
//! at any instruction has either changed nothing, or what it changed is brought to its end by whoever takes the lock next.
//! No part of it is known to the monitor.

pub mod arena;
pub mod atom;
mod block;
pub mod console;
pub mod debug;
pub mod directory;
pub mod file;
pub mod hosted;
pub mod job;
pub mod journal;
pub mod limits;
mod list;
pub mod lock;
pub mod member;
pub mod names;
pub mod object;
pub mod pipe;
pub mod port;
pub mod post;
pub mod process;
pub mod request;
pub mod secured;
pub mod summon;
pub mod timer;
pub mod tx;
pub mod user;
pub mod wait;
pub mod waste;

#[cfg(test)]
pub(crate) mod tests;

pub use arena::Shm;
pub use tx::Tx;

/// Where things stand in the memory, in words.
pub(crate) mod layout {
    /// The lock: the holder's member number, and whether somebody waits.
    pub const LOCK: u32 = 1;
    /// Entries of the redo log that are committed and not yet all applied.
    pub const LOG_LENGTH: u32 = 2;
    /// First word that was never handed out; 0 stands for [`HEAP`].
    pub const TOP: u32 = 3;
    /// Heads of the lists of free blocks, one for each size.
    pub const FREE: u32 = 8;
    /// Sizes of blocks: 4 words, then twice as many each.
    pub const SIZES: u32 = 20;
    /// Segments of pipes that nobody reads any more: a chain, see `pipe::queue`.
    pub const GARBAGE: u32 = 28;
    /// Where the tables begin: words that their modules own.
    pub const ROOTS: u32 = 32;
    /// The redo log: pairs of a word's place and its value.
    pub const LOG: u32 = 128;
    /// Entries that it has room for.
    pub const LOG_ENTRIES: u32 = 16384;
    /// First word of the heap.
    pub const HEAP: u32 = LOG + LOG_ENTRIES * 2;
}
