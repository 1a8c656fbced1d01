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
