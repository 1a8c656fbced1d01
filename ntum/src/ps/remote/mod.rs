//! System calls on another process, or a thread of one: they are carried out there, by a worker of that process's kernel.
//!
//! One [`table`] says which calls, and which of their arguments point at memory of the caller: what is there goes along, into memory
//! of the other process, and what the call leaves there comes back. Rights are checked where the handle is.

mod call;
mod objects;
mod serve;
mod table;
mod wire;

pub use serve::Inbox;
pub use table::{Remote, find};
