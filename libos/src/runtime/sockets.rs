//! Data of sockets, by direct calls of the host's, and which of them are ready. Where they lead is the monitor's to say: no call here
//! names an address.
#![allow(unsafe_code)]

use super::entry::portcullis_call;
use super::layout;
use ntum::host::{Beside, Message, Ready, Receive};
use shim_abi::error::{Error, Result};
use shim_abi::net::{self, Endpoint};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::AtomicU32;

/// Most ready sockets told at a time.
const MOST: usize = 64;
/// Bytes for what comes beside a datagram.
const CONTROL: usize = 256;
/// Most buffers of one receive: what the host takes.
const BUFFERS: usize = 1024;

/// An ABI error of a Linux error number that a socket answers.
fn error_of(number: i32) -> Error {
    match number {
        libc::EACCES | libc::EPERM => Error::NotGranted,
        other => net::error_of_host(other).unwrap_or_else(|| layout::error_of(other)),
    }
}

fn check(result: isize) -> Result<usize> {
    let last = || error_of(std::io::Error::last_os_error().raw_os_error().unwrap_or(0));
    usize::try_from(result).map_err(|_| last())
}

/// Repeats a call that a signal interrupted before it did anything.
fn again(mut call: impl FnMut() -> isize) -> Result<usize> {
    loop {
        match check(call()) {
            Err(Error::Interrupted) => {}
            result => return result,
        }
    }
}

/// Room for control messages, aligned as their headers are.
#[repr(C, align(8))]
struct Control([u8; CONTROL]);

/// Receives what there is into guest memory.
///
/// # Errors
/// [`Error::WouldBlock`], [`Error::Fault`], and the connection's.
pub fn receive(socket: i32, buffers: &[(u64, usize)], how: Receive, message: Option<&mut Message>) -> Result<usize> {
    let mut parts = Vec::with_capacity(buffers.len().min(BUFFERS));
    for (address, length) in buffers.iter().take(BUFFERS) {
        if !ntum::um::in_range(*address, (*length).max(1) as u64) && *length > 0 {
            return Err(Error::Fault);
        }
        parts.push(libc::iovec { iov_base: *address as *mut libc::c_void, iov_len: *length });
    }
    // SAFETY: all-zero values of both are valid.
    let (mut name, mut header): (libc::sockaddr_storage, libc::msghdr) = unsafe { core::mem::zeroed() };
    let mut control = Control([0; CONTROL]);
    (header.msg_iov, header.msg_iovlen) = (parts.as_mut_ptr(), parts.len());
    if message.is_some() {
        (header.msg_name, header.msg_namelen) = ((&raw mut name).cast(), size_of_val(&name) as libc::socklen_t);
        (header.msg_control, header.msg_controllen) = (control.0.as_mut_ptr().cast(), CONTROL);
    }
    let flags = libc::MSG_DONTWAIT
        | libc::MSG_CMSG_CLOEXEC
        | if how.peek { libc::MSG_PEEK } else { 0 }
        | if how.urgent { libc::MSG_OOB } else { 0 };
    // SAFETY: the header names parts in the guest's half, whose addresses the host checks (EFAULT), a name and a control buffer
    // that live until the call returns.
    let count = again(|| unsafe { libc::recvmsg(socket, &mut header, flags) })?;
    if let Some(message) = message {
        message.from = (header.msg_namelen > 0).then(|| endpoint(&name)).flatten();
        message.cut = header.msg_flags & libc::MSG_TRUNC != 0;
        let filled = header.msg_controllen.min(CONTROL);
        message.beside = beside(control.0.get(..filled).unwrap_or_default());
    }
    Ok(count)
}

/// The address that the host stored.
fn endpoint(name: &libc::sockaddr_storage) -> Option<Endpoint> {
    match i32::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says which structure it is, and the storage is large and aligned enough for each.
            let v4 = unsafe { &*core::ptr::from_ref(name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(Endpoint { ip: ip.into(), port: u16::from_be(v4.sin_port), scope: 0 })
        }
        libc::AF_INET6 => {
            // SAFETY: likewise.
            let v6 = unsafe { &*core::ptr::from_ref(name).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some(Endpoint { ip: ip.into(), port: u16::from_be(v6.sin6_port), scope: v6.sin6_scope_id })
        }
        _ => None,
    }
}

/// Reads control messages: headers of 16 bytes (length with the header, level, kind), each padded to 8 bytes.
fn beside(mut rest: &[u8]) -> Vec<Beside> {
    let mut all = Vec::new();
    while let Some((header, _)) = rest.split_first_chunk::<16>() {
        let word = |at: usize| header[at..at + 4].try_into().map_or(0, i32::from_ne_bytes);
        let length = header[..8].try_into().map_or(0, usize::from_ne_bytes);
        let Some(data) = rest.get(16..length) else { break };
        let number = || match *data {
            [byte] => i32::from(byte),
            _ => data.first_chunk().map_or(0, |raw| i32::from_ne_bytes(*raw)),
        };
        match (word(8), word(12)) {
            // struct in_pktinfo: interface, local address, destination.
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                if let (Some(interface), Some(to)) =
                    (data.first_chunk::<4>(), data.get(8..).and_then(|to| to.first_chunk::<4>()))
                {
                    all.push(Beside::Destination(IpAddr::from(*to), u32::from_ne_bytes(*interface)));
                }
            }
            // struct in6_pktinfo: destination, interface.
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                if let (Some(to), Some(interface)) =
                    (data.first_chunk::<16>(), data.get(16..).and_then(|raw| raw.first_chunk::<4>()))
                {
                    all.push(Beside::Destination(IpAddr::from(*to), u32::from_ne_bytes(*interface)));
                }
            }
            (libc::IPPROTO_IP, libc::IP_TTL) | (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                all.push(Beside::Hops(number()))
            }
            (libc::IPPROTO_IP, libc::IP_TOS) | (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) => {
                all.push(Beside::Class(number()))
            }
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(8)..).unwrap_or_default();
    }
    all
}

/// Bytes that a receive would find, of a datagram or of a stream: with MSG_TRUNC the host tells their number.
///
/// # Errors
/// [`Error::WouldBlock`] if there is nothing yet, and the connection's.
pub fn unread(socket: i32, stream: bool) -> Result<usize> {
    let mut byte = 0u8;
    let flags = libc::MSG_DONTWAIT | libc::MSG_PEEK | libc::MSG_TRUNC;
    // More than a stream ever holds, at an address at which nothing can be stored.
    let (base, length) = if stream { (core::ptr::null_mut(), 1 << 28) } else { ((&raw mut byte).cast(), 1) };
    let mut part = libc::iovec { iov_base: base, iov_len: length };
    // SAFETY: an all-zero header is a valid one.
    let mut header: libc::msghdr = unsafe { core::mem::zeroed() };
    (header.msg_iov, header.msg_iovlen) = (&mut part, 1);
    // SAFETY: of a datagram one byte is stored, for which there is room; bytes of a TCP stream are counted and not stored
    // (tcp(7), MSG_TRUNC).
    again(|| unsafe { libc::recvmsg(socket, &mut header, flags) })
}

/// Sends from memory: the guest's, or the kernel's own.
///
/// # Errors
/// [`Error::WouldBlock`], [`Error::Fault`], and the connection's.
pub fn send(socket: i32, address: u64, length: usize) -> Result<usize> {
    // SAFETY: reads memory only; the host checks the address (EFAULT). SIGPIPE is not delivered to process 1 of a namespace.
    again(|| unsafe { libc::write(socket, address as *const libc::c_void, length) })
}

/// Adds a socket to those that are watched: for every change, until it is closed.
///
/// # Errors
/// The host's.
pub fn watch(many: i32, socket: i32, token: u64) -> Result {
    let events = libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLPRI | libc::EPOLLRDHUP | libc::EPOLLET;
    let mut event = libc::epoll_event { events: events as u32, u64: token };
    // SAFETY: the event lives until the call returns.
    check(unsafe { libc::epoll_ctl(many, libc::EPOLL_CTL_ADD, socket, &mut event) } as isize).map(drop)
}

/// Waits for changes; the tokens of the sockets that had one, and what they are ready for.
///
/// # Errors
/// [`Error::Interrupted`], also where the word says so already, and the host's.
pub fn wait_ready(many: i32, milliseconds: i32, interrupted: &AtomicU32) -> Result<Vec<(u64, Ready)>> {
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; MOST];
    let (many, at, wait) = (many as u64, events.as_mut_ptr() as u64, milliseconds as u64);
    // SAFETY: there is room for that many events, and the word lives until the call returns.
    let count = unsafe { portcullis_call(libc::SYS_epoll_wait, many, at, MOST as u64, wait, interrupted.as_ptr()) };
    if count < 0 {
        return Err(layout::error_of(-count as i32));
    }
    let ready = |events: u32| {
        let is = |bit: libc::c_int| events & bit as u32 != 0;
        Ready {
            read: is(libc::EPOLLIN),
            write: is(libc::EPOLLOUT),
            urgent: is(libc::EPOLLPRI),
            hangup: is(libc::EPOLLHUP),
            error: is(libc::EPOLLERR),
        }
    };
    Ok(events.iter().take(count as usize).map(|event| (event.u64, ready(event.events))).collect())
}

/// An entry for poll.
pub fn wanted(socket: i32, wanted: Ready) -> libc::pollfd {
    let bit = |wanted: bool, bit: libc::c_short| if wanted { bit } else { 0 };
    let events = bit(wanted.read, libc::POLLIN) | bit(wanted.write, libc::POLLOUT) | bit(wanted.urgent, libc::POLLPRI);
    libc::pollfd { fd: socket, events, revents: 0 }
}

/// What poll found.
pub fn found(entry: &libc::pollfd) -> Ready {
    let is = |bit: libc::c_short| entry.revents & bit != 0;
    Ready {
        read: is(libc::POLLIN),
        write: is(libc::POLLOUT),
        urgent: is(libc::POLLPRI),
        hangup: is(libc::POLLHUP),
        error: is(libc::POLLERR),
    }
}
