//! The boot block: what a picoprocess is told at its start.

use crate::names::Names;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use shim_abi::boot::{Boot, Mount, Told};
use shim_abi::wire;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;

/// The mounts as the guest is told of them.
pub fn mounts(names: &Names) -> Vec<Mount> {
    names.seen().map(|mount| Mount { guest: mount.guest.slashed(), writable: mount.writable }).collect()
}

/// The block on its way through a pipe, which is closed behind it.
pub struct Sending {
    pipe: fs::File,
    rest: Vec<u8>,
}

/// Sends as much as the pipe takes without a reader.
pub fn send(boot: &Boot, pipe: OwnedFd) -> std::io::Result<Sending> {
    let block = wire::encode(boot);
    let mut bytes = [&(block.len() as u32).to_le_bytes(), &block[..]].concat();
    fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let mut pipe = fs::File::from(pipe);
    let sent = match pipe.write(&bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        other => other?,
    };
    Ok(Sending { pipe, rest: bytes.split_off(sent.min(bytes.len())) })
}

impl Sending {
    /// As [`Sending::finish`], with what one is told that another made.
    pub fn tell(mut self, told: &Told) -> std::io::Result<()> {
        self.rest.extend(wire::encode(told));
        self.finish()
    }

    /// Sends the rest, now that there is a reader.
    ///
    /// # Errors
    /// The host's; a picoprocess that is gone already is none, as its end says more.
    pub fn finish(mut self) -> std::io::Result<()> {
        fcntl(&self.pipe, FcntlArg::F_SETFL(OFlag::empty()))?;
        match self.pipe.write_all(&self.rest) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/boot.rs"]
mod tests;
