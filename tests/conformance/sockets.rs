//! The cases of `socket` and `stream_wait_client`, under `--net sandbox` with one port published.

use super::cases::{Case, ask, ask_with, fails, is, text};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use shim_abi::calls::{Socket, StreamWaitClient};
use shim_abi::error::{Error, Result};
use shim_abi::net::{Endpoint, Family, Make, Setting, SocketCall, SocketOption, SocketReply, Transport};
use std::fs::File;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, OwnedFd};

/// The program's number of the port that is published.
pub const PUBLISHED: u16 = 4321;

type Outcome<T> = std::result::Result<T, String>;

fn at(ip: [u8; 4], port: u16) -> Endpoint {
    Endpoint { ip: Ipv4Addr::from(ip).into(), port, scope: 0 }
}

fn local(port: u16) -> Endpoint {
    at([127, 0, 0, 1], port)
}

fn call(call: SocketCall) -> Result<(SocketReply, Option<OwnedFd>)> {
    ask(&Socket { call })
}

fn call_on(socket: &OwnedFd, call: SocketCall) -> Result<SocketReply> {
    ask_with(&Socket { call }, socket).map(|(reply, _)| reply)
}

fn make(transport: Transport, bind: Option<Endpoint>, connect: Option<Endpoint>) -> Make {
    Make { family: Family::V4, transport, settings: Vec::new(), bind, connect, shared: false }
}

fn made(make: Make) -> Outcome<(SocketReply, OwnedFd)> {
    let (reply, socket) = text(call(SocketCall::Make { make }))?;
    Ok((reply, socket.ok_or("no descriptor")?))
}

fn refused(make: Make, error: Error) -> Outcome<()> {
    fails(call(SocketCall::Make { make }), error)
}

fn ready(socket: &OwnedFd, what: PollFlags) {
    let _ = poll(&mut [PollFd::new(socket.as_fd(), what)], PollTimeout::from(10_000u16));
}

fn accept(server: &OwnedFd) -> Result<(SocketReply, Option<OwnedFd>)> {
    ask_with(&StreamWaitClient {}, server)
}

/// A server at a port of its own, and where it is.
fn server() -> Outcome<(OwnedFd, Endpoint)> {
    let (reply, socket) = made(make(Transport::Stream, Some(local(0)), None))?;
    text(call_on(&socket, SocketCall::Listen { backlog: 5 }))?;
    Ok((socket, reply.local.ok_or("not bound")?))
}

/// Both ends of a connection.
fn pair() -> Outcome<(OwnedFd, OwnedFd)> {
    let (server, place) = server()?;
    let (_, client) = made(make(Transport::Stream, None, Some(place)))?;
    ready(&server, PollFlags::POLLIN);
    Ok((client, text(accept(&server))?.1.ok_or("no client")?))
}

fn number(option: SocketOption, value: i32) -> SocketCall {
    SocketCall::Set { setting: Setting { option, value: value.to_le_bytes().to_vec() } }
}

pub const CASES: &[Case] = &[
    ("socket: Make, Listen and stream_wait_client: a connection carries data", || {
        let (client, other) = pair()?;
        let (mut client, mut other) = (File::from(client), File::from(other));
        client.write_all(b"there").map_err(|error| error.to_string())?;
        let mut bytes = [0; 5];
        ready(&other.as_fd().try_clone_to_owned().map_err(|error| error.to_string())?, PollFlags::POLLIN);
        other.read_exact(&mut bytes).map_err(|error| error.to_string())?;
        is(&bytes, b"there")
    }),
    ("socket: Make says where it is bound and where it leads", || {
        let (server, place) = server()?;
        let (reply, _client) = made(make(Transport::Stream, None, Some(place)))?;
        is((reply.peer, reply.local.map(|at| at.ip)), (Some(place), Some(place.ip)))?;
        ready(&server, PollFlags::POLLIN);
        let (seen, _) = text(accept(&server))?;
        is((seen.local, seen.peer), (Some(place), reply.local))
    }),
    ("socket: Make of what the policy does not grant: NotGranted", || {
        refused(make(Transport::Stream, None, Some(at([10, 0, 0, 1], 80))), Error::NotGranted)?;
        refused(make(Transport::Datagram, None, Some(at([169, 254, 169, 254], 80))), Error::NotGranted)
    }),
    ("socket: Make towards no address: NoSuchAddress", || {
        refused(make(Transport::Stream, None, Some(at([0; 4], 80))), Error::NoSuchAddress)?;
        refused(make(Transport::Stream, Some(at([10, 1, 1, 1], 0)), None), Error::NoSuchAddress)
    }),
    ("socket: Make at a port that is taken: PortInUse", || {
        let (_server, place) = server()?;
        refused(make(Transport::Stream, Some(place), None), Error::PortInUse)
    }),
    ("socket: Make with an address of another family: Unsupported", || {
        refused(Make { family: Family::V6, ..make(Transport::Stream, None, Some(local(80))) }, Error::Unsupported)
    }),
    ("socket: Make with a value of the wrong length: Invalid", || {
        let settings = vec![Setting { option: SocketOption::KeepAlive, value: vec![1] }];
        refused(Make { settings, ..make(Transport::Stream, None, None) }, Error::Invalid)
    }),
    ("socket: TakeError tells that nobody listens, once", || {
        let (_, holder) = made(make(Transport::Stream, Some(local(0)), None))?;
        let place =
            nix::sys::socket::getsockname::<nix::sys::socket::SockaddrIn>(std::os::fd::AsRawFd::as_raw_fd(&holder));
        let port = place.map_err(|errno| errno.to_string())?.port();
        match call(SocketCall::Make { make: make(Transport::Stream, None, Some(local(port))) }) {
            Err(error) => is(error, Error::Refused),
            Ok((_, socket)) => {
                let socket = socket.ok_or("no descriptor")?;
                ready(&socket, PollFlags::POLLOUT);
                is(text(call_on(&socket, SocketCall::TakeError))?.number, Error::Refused as u32)?;
                is(text(call_on(&socket, SocketCall::TakeError))?.number, 0)
            }
        }
    }),
    ("socket: Listen without a port: Invalid", || {
        let (_, socket) = made(make(Transport::Stream, None, None))?;
        fails(call_on(&socket, SocketCall::Listen { backlog: 1 }), Error::Invalid)
    }),
    ("socket: Listen of datagrams: Unsupported", || {
        let (_, socket) = made(make(Transport::Datagram, Some(local(0)), None))?;
        fails(call_on(&socket, SocketCall::Listen { backlog: 1 }), Error::Unsupported)
    }),
    ("socket: Publish gives the host's end of a port that is published, and nothing else", || {
        let publish = |transport, port| text(call(SocketCall::Publish { transport, port }));
        let (reply, server) = publish(Transport::Stream, PUBLISHED)?;
        is((reply.local.map(|at| at.ip), server.is_some()), (Some(local(0).ip), true))?;
        fails(accept(&server.ok_or("no descriptor")?), Error::WouldBlock)?;
        is(publish(Transport::Stream, PUBLISHED + 1)?.1.is_none(), true)?;
        is(publish(Transport::Datagram, PUBLISHED)?.1.is_none(), true)
    }),
    ("socket: Set", || {
        let (socket, _) = pair()?;
        text(call_on(&socket, number(SocketOption::NoDelay, 1)))?;
        let none = nix::sys::socket::getsockopt(&socket, nix::sys::socket::sockopt::TcpNoDelay);
        is(none, Ok(true))?;
        fails(call_on(&socket, number(SocketOption::V6Hops, 1)), Error::Unsupported)
    }),
    ("socket: Set of what its kind has not: an error", || {
        let (_, socket) = made(make(Transport::Datagram, Some(local(0)), None))?;
        is(call_on(&socket, number(SocketOption::KeepIdle, 1)).is_err(), true)
    }),
    ("socket: SendUrgent, and NotConnected for what is not connected", || {
        let (client, other) = pair()?;
        let data = b"u".to_vec();
        is(text(call_on(&client, SocketCall::SendUrgent { data: data.clone() }))?.number, 1)?;
        ready(&other, PollFlags::POLLPRI);
        let mut byte = [0];
        let raw = std::os::fd::AsRawFd::as_raw_fd(&other);
        is(nix::sys::socket::recv(raw, &mut byte, nix::sys::socket::MsgFlags::MSG_OOB), Ok(1))?;
        let (_, socket) = made(make(Transport::Stream, Some(local(0)), None))?;
        let lost = call_on(&socket, SocketCall::SendUrgent { data });
        is(matches!(lost, Err(Error::NotConnected | Error::Reset)), true)
    }),
    ("socket: EndSending ends what the other reads, and NotConnected for what is not connected", || {
        let (client, other) = pair()?;
        text(call_on(&client, SocketCall::EndSending))?;
        ready(&other, PollFlags::POLLIN);
        is(File::from(other).read(&mut [0]).map_err(|error| error.to_string())?, 0)?;
        let (_, socket) = made(make(Transport::Stream, Some(local(0)), None))?;
        fails(call_on(&socket, SocketCall::EndSending), Error::NotConnected)
    }),
    ("socket: Resolve of a name that is not granted: NotFound", || {
        fails(call(SocketCall::Resolve { name: "host.example".into() }), Error::NotFound)
    }),
    ("socket and stream_wait_client without a socket, and with what is none of the internet's: Invalid", || {
        let (a, _b) = std::os::unix::net::UnixStream::pair().map_err(|error| error.to_string())?;
        let a = OwnedFd::from(a);
        for one in [SocketCall::Listen { backlog: 1 }, SocketCall::TakeError, SocketCall::EndSending] {
            fails(call(one.clone()), Error::Invalid)?;
            fails(call_on(&a, one), Error::Invalid)?;
        }
        fails(ask(&StreamWaitClient {}), Error::Invalid)?;
        fails(accept(&a), Error::Invalid)
    }),
    ("stream_wait_client where nobody waits: WouldBlock", || {
        let (server, _) = server()?;
        fails(accept(&server), Error::WouldBlock)
    }),
    ("stream_wait_client of what takes no clients: Invalid", || {
        let (client, _other) = pair()?;
        fails(accept(&client), Error::Invalid)
    }),
];
