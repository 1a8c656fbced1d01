//! The connection to a running sandbox's monitor: [`shim_abi::control`].

use nix::sys::socket::{self, AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr};
use shim_abi::control::{self, Kind, Notice, Request};
use shim_abi::{error::Error, wire};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

/// Why a monitor did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("its monitor does not answer: {0}")]
    Connect(io::Error),
    /// The connection is gone.
    #[error("its monitor is gone")]
    Gone,
    /// The host refuses.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It said something that the protocol does not have.
    #[error("its monitor speaks another version of the protocol than {}", control::VERSION)]
    Malformed,
    /// It refused.
    #[error("{}", if .1.is_empty() { .0.to_string() } else { .1.clone() })]
    Refused(Error, String),
}

impl From<nix::errno::Errno> for ClientError {
    fn from(errno: nix::errno::Errno) -> Self {
        match errno {
            nix::errno::Errno::EPIPE | nix::errno::Errno::ECONNRESET => ClientError::Gone,
            errno => ClientError::Io(errno.into()),
        }
    }
}

/// The address of a socket in a folder whose path may be longer than an address is.
fn address(folder: &File, name: &str) -> io::Result<UnixAddr> {
    Ok(UnixAddr::new(format!("/proc/self/fd/{}/{name}", folder.as_raw_fd()).as_str())?)
}

fn socket() -> nix::Result<OwnedFd> {
    socket::socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)
}

/// Makes a socket in a folder that listens.
///
/// # Errors
/// The host's.
pub fn listen(folder: &Path, name: &str) -> io::Result<OwnedFd> {
    let open = File::open(folder)?;
    let listener = socket()?;
    socket::bind(listener.as_raw_fd(), &address(&open, name)?)?;
    socket::listen(&listener, socket::Backlog::new(64)?)?;
    Ok(listener)
}

/// A notice, and the request that it belongs to.
pub type Told = (u32, Notice);

/// A connection.
pub struct Client {
    socket: OwnedFd,
    tag: u32,
    /// Notices that came before they were asked for.
    early: VecDeque<Told>,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects to the socket of a name in a folder.
    ///
    /// # Errors
    /// [`ClientError::Connect`].
    pub fn connect(folder: &Path, name: &str) -> Result<Self, ClientError> {
        let connected = || -> io::Result<OwnedFd> {
            let open = File::open(folder)?;
            let socket = socket()?;
            socket::connect(socket.as_raw_fd(), &address(&open, name)?)?;
            Ok(socket)
        };
        Ok(Self::over(connected().map_err(ClientError::Connect)?))
    }

    /// Talks over a socket that is connected.
    pub fn over(socket: OwnedFd) -> Self {
        Client { socket, tag: 0, early: VecDeque::new(), buffer: vec![0; control::MAX_MESSAGE] }
    }

    /// Sends a request; its tag.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn send<R: Request>(&mut self, request: &R, descriptors: &[BorrowedFd<'_>]) -> Result<u32, ClientError> {
        self.tag += 1;
        let frame = control::request(self.tag, request)
            .map_err(|error| ClientError::Refused(error, "the request is too long".into()))?;
        let raw: Vec<i32> = descriptors.iter().map(|fd| fd.as_raw_fd()).collect();
        let rights = [ControlMessage::ScmRights(&raw)];
        let rights = if raw.is_empty() { &[][..] } else { &rights[..] };
        let fd = self.socket.as_raw_fd();
        socket::sendmsg::<()>(fd, &[IoSlice::new(&frame)], rights, MsgFlags::MSG_NOSIGNAL, None)?;
        Ok(self.tag)
    }

    /// Sends a request and waits for its reply.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn ask<R: Request>(&mut self, request: &R) -> Result<R::Reply, ClientError> {
        self.ask_with(request, &[])
    }

    /// The same with descriptors.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn ask_with<R: Request>(&mut self, request: &R, with: &[BorrowedFd<'_>]) -> Result<R::Reply, ClientError> {
        let tag = self.send(request, with)?;
        loop {
            match self.receive()? {
                Received::Reply(other, body) if other == tag => {
                    let read = control::read_reply(&body).map_err(|_| ClientError::Malformed)?;
                    return read.map_err(|(error, why)| ClientError::Refused(error, why));
                }
                Received::Reply(..) => {}
                Received::Notice(told) => self.early.push_back(told),
            }
        }
    }

    /// The next notice.
    ///
    /// # Errors
    /// [`ClientError::Gone`] after the last one.
    pub fn notice(&mut self) -> Result<Told, ClientError> {
        if let Some(told) = self.early.pop_front() {
            return Ok(told);
        }
        loop {
            if let Received::Notice(told) = self.receive()? {
                return Ok(told);
            }
        }
    }

    /// The tag of the last request.
    pub fn last_tag(&self) -> u32 {
        self.tag
    }

    /// A notice that came already.
    pub fn noticed(&mut self) -> Option<Told> {
        self.early.pop_front()
    }

    /// Takes one datagram; a notice is kept for [`Client::noticed`], a reply that nobody waits for is dropped.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn take(&mut self) -> Result<(), ClientError> {
        if let Received::Notice(told) = self.receive()? {
            self.early.push_back(told);
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<Received, ClientError> {
        let length = loop {
            match socket::recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::empty()) {
                Err(nix::errno::Errno::EINTR) => {}
                other => break other?,
            }
        };
        if length == 0 {
            return Err(ClientError::Gone);
        }
        let frame = self.buffer.get(..length).unwrap_or_default();
        let message = control::split(frame).map_err(|_| ClientError::Malformed)?;
        match message.kind {
            Kind::Reply => Ok(Received::Reply(message.tag, message.body.to_vec())),
            Kind::Notice => match wire::decode(message.body) {
                Ok(notice) => Ok(Received::Notice((message.tag, notice))),
                Err(_) => Err(ClientError::Malformed),
            },
        }
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

enum Received {
    Reply(u32, Vec<u8>),
    Notice(Told),
}

#[cfg(test)]
#[path = "../tests/unit/client.rs"]
mod tests;
