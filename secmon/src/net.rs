//! Sockets: made, bound, connected and opened to clients under the policy; the picoprocess gets the descriptor and moves the data.
//!
//! A socket lives on one of two sides: in the sandbox's own network, which has loopback addresses alone, or in the host's. The
//! address decides, never a name; and what is outside is bound so that only those reach it whom the policy means.

mod hosts;
mod inside;

use crate::refusal::Refusals;
use crate::{audit, sys};
use hosts::Hosts;
use inside::Inside;
use nix::errno::Errno;
use nix::sys::socket::{
    Backlog, MsgFlags, Shutdown, SockaddrStorage, bind, connect, getsockname, getsockopt, listen, recv, send,
    setsockopt, shutdown, sockopt,
};
use shim_abi::error::{Error, Result};
use shim_abi::net::rules::{Network, Place, Published, Side, Verdict, plain};
use shim_abi::net::{Endpoint, Family, Make, Setting, SocketCall, SocketReply, Transport};
use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, OnceLock};

/// What the monitor does about the network for one sandbox.
#[derive(Default)]
pub struct Net {
    policy: Network,
    hosts: Hosts,
    inside: OnceLock<std::result::Result<Inside, Errno>>,
    /// Ports that are published, and what holds them.
    published: Vec<(Published, OwnedFd)>,
    refusals: Arc<Refusals>,
}

/// What a call answers, and the descriptor that goes with it.
type Answer = Result<(SocketReply, Option<OwnedFd>)>;

/// The ABI's error for one of a socket's.
fn error(errno: Errno) -> Error {
    shim_abi::net::error_of_host(errno as i32).unwrap_or_else(|| crate::host::error(errno))
}

fn address(at: Endpoint) -> SockaddrStorage {
    SocketAddr::from(at).into()
}

/// Where a socket of the internet's is bound.
pub fn local(socket: BorrowedFd<'_>) -> Option<Endpoint> {
    let at = getsockname::<SockaddrStorage>(socket.as_raw_fd()).ok()?;
    let v4 = at.as_sockaddr_in().map(|v4| SocketAddr::from(*v4));
    v4.or_else(|| at.as_sockaddr_in6().map(|v6| SocketAddr::from(*v6))).map(Endpoint::from)
}

/// The host's end of a port that is published: bound, and no more.
fn open(one: &Published) -> std::result::Result<OwnedFd, Errno> {
    let at = Endpoint::from(one.at);
    let socket = inside::make(at.family(), one.transport)?;
    if one.transport == Transport::Stream {
        setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    }
    bind(socket.as_raw_fd(), &address(at))?;
    if one.transport == Transport::Datagram {
        // For those that answer, see `accept`.
        setsockopt(&socket, sockopt::ReusePort, &true)?;
    }
    Ok(socket)
}

/// Brings up the loopback addresses of the calling process's network, as of a new one.
///
/// # Errors
/// The kernel's, without the right to.
pub fn loopback_up() -> std::result::Result<(), Errno> {
    sys::loopback_up(inside::make(Family::V4, Transport::Datagram)?)
}

impl Net {
    /// What a policy grants. Ports that are published are taken now, so that nobody else has them later.
    ///
    /// # Errors
    /// The host's, for the port that it refuses.
    pub fn new(policy: Network, refusals: Arc<Refusals>) -> std::result::Result<Self, (Published, Errno)> {
        let hold = |one: &Published| Ok((*one, open(one).map_err(|errno| (*one, errno))?));
        let published = policy.published.iter().map(hold).collect::<std::result::Result<_, _>>()?;
        Ok(Net { policy, refusals, published, ..Net::default() })
    }

    fn published(&self, port: u16, transport: Transport) -> Option<&(Published, OwnedFd)> {
        self.published.iter().find(|(one, _)| (one.port, one.transport) == (port, transport))
    }

    /// On which side an address lies that is to be reached. What is refused is noted, with what to grant.
    ///
    /// # Errors
    /// [`Error::NoSuchAddress`] for no address; [`Error::NetworkUnreachable`] without a network, [`Error::NotGranted`].
    fn judge(&self, to: Endpoint, transport: Transport) -> Result<Side> {
        let place = Endpoint { ip: plain(to.ip), ..to };
        let leads = |named: &Place| self.hosts.leads(named, place.ip);
        match self.policy.judge(to, leads, || self.hosts.names_of(place.ip).pop()) {
            Verdict::Reach(side) => {
                if audit::on() {
                    let grants: Vec<_> = self.policy.grants.iter().map(|grant| format!("--net {grant}")).collect();
                    audit::note(true, &place.to_string(), &grants.join(" "), false);
                }
                Ok(side)
            }
            Verdict::Nowhere => Err(Error::NoSuchAddress),
            Verdict::Refused(advice) => {
                let kind = if transport == Transport::Datagram { " by UDP" } else { "" };
                Err(self.refuse(&format!("{place}{kind}"), &advice))
            }
        }
    }

    /// Notes what was refused and how it is granted; the error for it.
    fn refuse(&self, what: &str, advice: &str) -> Error {
        self.refusals.note(what, false, || crate::policy::advice::network(what, advice));
        if self.policy.any() { Error::NotGranted } else { Error::NetworkUnreachable }
    }

    fn make_on(&self, side: Side, family: Family, transport: Transport) -> Result<OwnedFd> {
        let made = match side {
            Side::Outside => inside::make(family, transport),
            Side::Inside => match self.inside.get_or_init(Inside::new) {
                Ok(inside) => inside.make(family, transport),
                Err(errno) => Err(*errno),
            },
        };
        made.map_err(error)
    }

    /// On which side something bound there and connected nowhere lives, and whether outside it hears this host alone.
    fn side_of(&self, at: Option<Endpoint>, transport: Transport) -> Result<(Side, bool)> {
        let policy = &self.policy;
        if policy.host() {
            return Ok((Side::Outside, false));
        }
        let Some(at) = at else { return Ok((Side::Inside, false)) };
        let ip = plain(at.ip);
        if !policy.host_loopback() || at.port != 0 && self.published(at.port, transport).is_some() {
            return Ok((Side::Inside, false));
        }
        if ip.is_loopback() {
            return Ok((Side::Outside, true));
        }
        // Answers to what it sends come to a datagram socket at whatever port it has.
        if policy.all() && transport == Transport::Datagram && at.port == 0 {
            return Ok((Side::Outside, false));
        }
        if ip.is_unspecified() || ip.is_multicast() {
            return Ok((Side::Outside, true));
        }
        // An address that is nobody's here is no matter of policy.
        let probe = inside::make(at.family(), transport).map_err(error)?;
        bind(probe.as_raw_fd(), &address(at.with_port(0))).map_err(error)?;
        Err(self.refuse(&format!("{at} for others to reach"), &format!("add --publish {at}")))
    }

    fn make(&self, make: &Make) -> Answer {
        let (side, this_host) = match make.connect {
            Some(to) => (self.judge(to, make.transport)?, false),
            None => self.side_of(make.bind, make.transport)?,
        };
        self.set_up(side, this_host, make)
    }

    fn set_up(&self, side: Side, this_host: bool, make: &Make) -> Answer {
        let socket = self.make_on(side, make.family, make.transport)?;
        let fd = socket.as_fd();
        make.settings.iter().try_for_each(|setting| self.set(fd, setting))?;
        if this_host {
            setsockopt(&fd, sockopt::BindToDevice, &OsString::from("lo")).map_err(error)?;
        }
        if make.shared {
            setsockopt(&fd, sockopt::ReusePort, &true).map_err(error)?;
        }
        if let Some(at) = make.bind {
            let bind = |at| bind(fd.as_raw_fd(), &address(at));
            let bound = match bind(at) {
                // Connections of the port that have ended do not keep it; a server does.
                Err(Errno::EADDRINUSE) if make.transport == Transport::Stream => {
                    setsockopt(&fd, sockopt::ReuseAddr, &true).and_then(|()| bind(at))
                }
                // The port is somebody else's outside: another will do.
                Err(Errno::EADDRINUSE | Errno::EACCES) if make.shared => bind(at.with_port(0)),
                bound => bound,
            };
            bound.map_err(error)?;
            if make.transport == Transport::Datagram {
                // Nobody else could take the port; from here on its own further sockets can.
                setsockopt(&fd, sockopt::ReusePort, &true).map_err(error)?;
            }
        }
        let mut pending = false;
        if let Some(to) = make.connect {
            match connect(fd.as_raw_fd(), &address(to)) {
                Err(Errno::EINPROGRESS) => pending = true,
                done => done.map_err(error)?,
            }
            if make.transport == Transport::Datagram {
                // What others sent before it was connected is none of its business.
                while recv(fd.as_raw_fd(), &mut [0], MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC).is_ok() {}
            }
        }
        Ok((SocketReply { local: local(fd), peer: make.connect, pending, ..SocketReply::empty() }, Some(socket)))
    }

    /// Sets an option. What is not in the ABI's list cannot be set, and a multicast group is a place like others.
    fn set(&self, socket: BorrowedFd<'_>, setting: &Setting) -> Result {
        let (level, name, value) = setting.of_host().ok_or(Error::Invalid)?;
        if let Some(ip) = setting.group()
            && !self.is_inside(socket)
        {
            self.judge(Endpoint { ip, port: local(socket).map_or(0, |at| at.port), scope: 0 }, Transport::Datagram)?;
        }
        sys::set_option(socket, level, name, &value).map_err(error)
    }

    fn is_inside(&self, socket: BorrowedFd<'_>) -> bool {
        let of = |inside: &Inside| getsockopt(&socket, sys::NetworkCookie) == Ok(inside.cookie);
        matches!(self.inside.get(), Some(Ok(inside)) if of(inside))
    }

    /// Lets a socket take clients if those that reach it are of the sandbox or of this host.
    fn listen(&self, socket: BorrowedFd<'_>, backlog: u32) -> Result {
        let at = local(socket).filter(|at| at.port != 0).ok_or(Error::Invalid)?;
        let this_host = || getsockopt(&socket, sockopt::BindToDevice).is_ok_and(|device| device == "lo");
        let outside =
            || self.policy.host() || self.policy.host_loopback() && (plain(at.ip).is_loopback() || this_host());
        if !self.is_inside(socket) && !outside() {
            return Err(Error::NotGranted);
        }
        setsockopt(&socket, sockopt::ReuseAddr, &true).map_err(error)?;
        let backlog = Backlog::new(backlog.clamp(1, 4096) as i32).unwrap_or(Backlog::MAXCONN);
        listen(&socket, backlog).map_err(error)
    }

    fn publish(&self, transport: Transport, port: u16) -> Answer {
        let Some((one, held)) = self.published(port, transport) else { return Ok((SocketReply::empty(), None)) };
        let socket = if transport == Transport::Datagram {
            held.try_clone().map_err(|_| Error::TooManyOpen)?
        } else {
            let socket = open(one).map_err(error)?;
            listen(&socket, Backlog::MAXALLOWABLE).map_err(error)?;
            socket
        };
        Ok((SocketReply { local: local(socket.as_fd()), ..SocketReply::empty() }, Some(socket)))
    }

    /// stream_wait_client. At a published port of datagrams a client is the sender of the first that waits: it may be answered.
    ///
    /// # Errors
    /// [`Error::WouldBlock`], [`Error::Invalid`] for what takes no clients, and the host's.
    pub fn accept(&self, server: Option<OwnedFd>) -> Answer {
        let server = server.ok_or(Error::Invalid)?;
        let at = local(server.as_fd()).ok_or(Error::Invalid)?;
        let of_io = |failed: std::io::Error| error(Errno::from_raw(failed.raw_os_error().unwrap_or_default()));
        let is = |(one, _): &(Published, OwnedFd)| one.transport == Transport::Datagram && Endpoint::from(one.at) == at;
        if self.published.iter().any(is) && !self.is_inside(server.as_fd()) {
            let (_, from) = UdpSocket::from(server).peek_from(&mut [0]).map_err(of_io)?;
            let (bind, connect) = (Some(at), Some(from.into()));
            let (family, transport, settings) = (at.family(), Transport::Datagram, Vec::new());
            let make = Make { family, transport, settings, bind, connect, shared: true };
            return self.set_up(Side::Outside, false, &make);
        }
        let (client, peer) = TcpListener::from(server).accept().map_err(of_io)?;
        client.set_nonblocking(true).map_err(of_io)?;
        let (local, peer) = (local(client.as_fd()), Some(peer.into()));
        Ok((SocketReply { local, peer, ..SocketReply::empty() }, Some(client.into())))
    }

    fn resolve(&self, name: &str) -> Answer {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if !self.policy.may_look_up(&name) {
            let name = name.escape_debug();
            self.refuse(&format!("the name {name}"), &format!("add --net {name}"));
            return Err(Error::NotFound);
        }
        let found = self.hosts.find(&name);
        let (addresses, others) = found.addresses.into_iter().partition::<Vec<_>, _>(|ip| self.policy.may_tell(*ip));
        if !addresses.is_empty() {
            return Ok((SocketReply { name: found.name, addresses, ..SocketReply::empty() }, None));
        }
        if let Some(ip) = others.first() {
            let advice = format!("the name leads there, and to no public address: add --net {ip}");
            self.refuse(&format!("{name} at {ip}"), &advice);
        }
        Err(Error::NotFound)
    }

    /// socket.
    ///
    /// # Errors
    /// [`Error::NotGranted`], [`Error::NetworkUnreachable`], [`Error::Invalid`], [`Error::NotFound`], and the host's.
    pub fn socket(&self, call: &SocketCall, brought: Option<OwnedFd>) -> Answer {
        let brought = brought.filter(|socket| local(socket.as_fd()).is_some());
        let socket = || brought.as_ref().map(AsFd::as_fd).ok_or(Error::Invalid);
        let done = |()| (SocketReply::empty(), None);
        match call {
            SocketCall::Make { make } => self.make(make),
            SocketCall::Listen { backlog } => self.listen(socket()?, *backlog).map(done),
            SocketCall::Publish { transport, port } => self.publish(*transport, *port),
            SocketCall::Set { setting } => self.set(socket()?, setting).map(done),
            SocketCall::TakeError => {
                let errno = getsockopt(&socket()?, sockopt::SocketError).map_err(error)?;
                let number = if errno == 0 { 0 } else { error(Errno::from_raw(errno)) as u32 };
                Ok((SocketReply { number, ..SocketReply::empty() }, None))
            }
            SocketCall::SendUrgent { data } => {
                let flags = MsgFlags::MSG_OOB | MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
                let number = send(socket()?.as_raw_fd(), data, flags).map_err(error)? as u32;
                Ok((SocketReply { number, ..SocketReply::empty() }, None))
            }
            SocketCall::EndSending => shutdown(socket()?.as_raw_fd(), Shutdown::Write).map_err(error).map(done),
            SocketCall::Resolve { name } => self.resolve(name),
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/net.rs"]
mod tests;
