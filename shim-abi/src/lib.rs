//! The ABI between a picoprocess and its monitor, as types and tables.
//!
//! Both sides depend on this crate; it depends on nothing but a type for networks. [`calls`] lists every call, [`seccomp`] every Linux system call
//! that a picoprocess may issue, [`wire`] and [`page`] how a call travels to the monitor, [`uri`] how a stream is named, [`boot`] what a
//! picoprocess is told at its start; [`guest`] and [`exit`] what a path and a status of a guest are to those outside, [`image`] how a
//! base image lies on the host, [`control`] how a running sandbox is managed from outside, [`display`] how its desktop is shown, [`share`] how a
//! share of the host's processors is written, [`power`] what feeds the host. `ABI.md` beside this crate is rendered from those tables and kept true by a test.
#![no_std]

extern crate alloc;

pub mod boot;
pub mod calls;
pub mod control;
pub mod display;
pub mod error;
pub mod exit;
pub mod fold;
pub mod guest;
pub mod image;
pub mod journal;
pub mod member;
pub mod net;
pub mod page;
pub mod power;
pub mod registry;
pub mod render;
pub mod seccomp;
pub mod share;
pub mod stream;
pub mod uri;
pub mod wire;

/// Version of the ABI. A monitor refuses a picoprocess that speaks another one.
pub const VERSION: u8 = 1;

/// Largest request or reply in bytes, header included.
pub const MAX_FRAME: usize = 64 * 1024;

/// Most files that one request opens, see [`calls::StreamOpenSeveral`].
pub const MAX_SEVERAL: usize = 64;

/// Most descriptors that one reply may carry.
pub const MAX_DESCRIPTORS: usize = MAX_SEVERAL + 1;
