//! The sandbox's own network: a namespace with loopback addresses and nothing else. A process of the monitor's own lives there
//! from the first socket on, makes sockets, and does nothing else.
#![allow(unsafe_code)]

use crate::sys::{self, lock};
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, getsockopt, recv, send, sendmsg, socketpair,
};
use nix::unistd::{ForkResult, dup2_stdin, fork};
use shim_abi::net::{Family, Transport};
use std::io::IoSlice;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Mutex;

/// The way to the process.
pub struct Inside {
    maker: Mutex<OwnedFd>,
    /// What tells its network from others.
    pub cookie: u64,
}

/// Makes a socket that never waits, in the caller's network.
pub fn make(family: Family, transport: Transport) -> Result<OwnedFd, Errno> {
    let family = if family == Family::V4 { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let kind = if transport == Transport::Stream { SockType::Stream } else { SockType::Datagram };
    nix::sys::socket::socket(family, kind, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)
}

impl Inside {
    /// Begins the process.
    ///
    /// # Errors
    /// The kernel's, where it refuses namespaces.
    pub fn new() -> Result<Self, Errno> {
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        // SAFETY: the C library's fork readies its own locks for the child, which runs `serve` alone: it takes no lock of this
        // program's and ends without running anything of it.
        if let ForkResult::Child = unsafe { fork() }? {
            let _ = serve(theirs);
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(0) }
        }
        drop(theirs);
        let mut inside = Inside { maker: Mutex::new(ours), cookie: 0 };
        inside.cookie = getsockopt(&inside.make(Family::V4, Transport::Datagram)?, sys::NetworkCookie)?;
        Ok(inside)
    }

    /// Makes a socket there.
    pub fn make(&self, family: Family, transport: Transport) -> Result<OwnedFd, Errno> {
        let maker = lock(&self.maker);
        send(maker.as_raw_fd(), &[family as u8, transport as u8], MsgFlags::MSG_NOSIGNAL)?;
        let mut errno = [0; 4];
        let (count, _, mut brought) = sys::receive(&*maker, &mut errno)?;
        let failed = if count == errno.len() { Errno::from_raw(i32::from_ne_bytes(errno)) } else { Errno::ENETDOWN };
        brought.pop().ok_or(failed)
    }
}

/// The process: enters its network, then makes what it is asked for until nobody can ask any more.
fn serve(asked: OwnedFd) -> Result<(), Errno> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)?;
    dup2_stdin(asked)?;
    sys::close_all_but_input()?;
    let asked = std::io::stdin();
    let ready = unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET).and_then(|()| super::loopback_up());
    let mut request = [0; 2];
    while recv(asked.as_raw_fd(), &mut request, MsgFlags::empty())? != 0 {
        let family = if request[0] == Family::V4 as u8 { Family::V4 } else { Family::V6 };
        let transport = if request[1] == Transport::Stream as u8 { Transport::Stream } else { Transport::Datagram };
        let made = ready.and_then(|()| make(family, transport));
        let errno = made.as_ref().err().map_or(0, |errno| *errno as i32).to_ne_bytes();
        let raw: Vec<i32> = made.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&raw)];
        let control = &rights[..raw.len()];
        sendmsg::<()>(asked.as_raw_fd(), &[IoSlice::new(&errno)], control, MsgFlags::MSG_NOSIGNAL, None)?;
    }
    Ok(())
}
