//! Starts a monitor that outlives its command and the terminal.
#![allow(unsafe_code)]

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};

/// Starts a command in a session of its own, which inherits these descriptors under their numbers.
///
/// # Errors
/// The host's.
pub fn spawn(command: &mut Command, inherited: &[&dyn AsFd]) -> io::Result<Child> {
    for fd in inherited {
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
    }
    // SAFETY: between fork and exec the closure makes one system call, which takes no lock and no memory.
    unsafe { command.pre_exec(|| Ok(nix::unistd::setsid().map(drop)?)) };
    command.spawn()
}

/// Starts a command without these descriptors, which others inherit.
///
/// # Errors
/// The host's.
pub fn without(command: &mut Command, closed: &[i32]) -> io::Result<Child> {
    let closed: Vec<i32> = closed.to_vec();
    let close = move || {
        for number in &closed {
            // SAFETY: between fork and exec nothing of this process uses them any more; the parent's stay open.
            unsafe { libc::close(*number) };
        }
        Ok(nix::unistd::setsid().map(drop)?)
    };
    // SAFETY: the closure makes system calls only, which take no lock and no memory.
    unsafe { command.pre_exec(close) };
    command.spawn()
}
