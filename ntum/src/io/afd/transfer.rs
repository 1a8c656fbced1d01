//! Data: receiving and sending, at once, inside the call, or later.

use super::code::event;
use super::inside::{Inside, arm, deadline, inside};
use super::socket::{Phase, Socket, State, about};
use crate::call::Cx;
use crate::host::{Beside, Message, Ready, Receive, Stream};
use crate::io::irp::{Io, Irp, Request};
use crate::ke::spin::spin_by;
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::UserPtr;
use shim_abi::calls::StreamWaitClient;
use shim_abi::error::Error;
use shim_abi::net::{Endpoint, SocketCall, SocketOption, SocketReply};
use std::net::IpAddr;
use std::sync::Arc;

/// Most bytes of a call that are gathered from several buffers.
const MOST: u64 = 64 << 20;
/// Bytes that a receive has made accessible beforehand.
const AHEAD: u64 = 0x1_0000;
/// What it takes to ask the host whether there is data, in rounds of [`spin_by`].
const TRY: u32 = 8;
/// Port `discard`: what is sent to port 0 goes nowhere.
const DISCARD: u16 = 9;
/// MSG_CTRUNC.
const MSG_CTRUNC: u32 = 0x200;

/// Where what is received goes.
#[derive(Clone, Default)]
pub struct Target {
    /// The buffers.
    pub buffers: Vec<(u64, usize)>,
    /// How.
    pub how: Receive,
    /// Where the sender's address goes, and its length.
    pub from: Option<(u64, u64)>,
    /// A WSABUF for what comes beside it, 0 for none.
    pub control: u64,
    /// Flags that are answered, 0 for none.
    pub flags: u64,
    /// Whether the caller does nothing but wait for it: ws2_32 does.
    pub awaited: bool,
}

impl Target {
    /// Whether it has no room for data, and nothing else is asked.
    pub fn is_empty(&self) -> bool {
        self.control == 0 && self.from.is_none() && !self.how.urgent && self.buffers.iter().all(|(_, room)| *room == 0)
    }
}

/// A receive that waits.
pub struct Read {
    /// The request.
    pub irp: Arc<Irp>,
    /// Where it goes.
    pub to: Target,
}

/// What is sent.
pub enum Data {
    /// It lies in the guest's memory, which holds it until the request is over.
    Guest(u64, usize),
    /// It was copied.
    Own(Vec<u8>),
}

/// A send, as far as it is not done.
pub struct Write {
    /// The request; none for what the program believes sent.
    pub irp: Option<Arc<Irp>>,
    /// The descriptor.
    pub stream: Arc<Stream>,
    /// What is sent.
    pub data: Data,
    /// How much of it was.
    pub sent: usize,
    /// Whether it is urgent.
    pub urgent: bool,
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Data::Guest(_, length) => *length,
            Data::Own(bytes) => bytes.len(),
        }
    }
}

/// An array of WSABUF: a ULONG length, padding, and an address each.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_INVALID_PARAMETER`.
pub fn buffers(k: &Kernel, at: u64, count: u32) -> Nt<Vec<(u64, usize)>> {
    if count > 0x1_0000 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let raw = UserPtr::<[u64; 2]>::new(at).read_vec(k, count as usize)?;
    Ok(raw.into_iter().map(|[length, address]| (address, (length & 0xffff_ffff) as usize)).collect())
}

/// Checks the ends of what something is to be stored in: enough for what is there already, as the host checks the rest.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn probe_ends(k: &Kernel, buffers: &[(u64, usize)]) -> Nt<()> {
    buffers.iter().filter(|(_, length)| *length > 0).try_for_each(|(at, length)| {
        k.probe_write(*at, 1)?;
        k.probe_write(at.saturating_add(*length as u64 - 1), 1)
    })
}

/// Checks all of it, for a request that waits.
fn probe(k: &Kernel, buffers: &[(u64, usize)]) -> Nt<()> {
    buffers.iter().try_for_each(|(at, length)| k.probe_write(*at, *length as u64))
}

impl State {
    /// Receives what there is; nothing if there is nothing yet.
    pub fn receive(&mut self, k: &'static Kernel, to: &Target) -> Option<Nt<(Status, u64)>> {
        if self.reset {
            return Some(Err(STATUS_CONNECTION_RESET));
        }
        let stream = self.is_stream();
        match self.phase {
            Phase::Connected => {}
            Phase::Connectionless if self.bound.is_some() => {}
            Phase::Connectionless => return Some(Err(STATUS_INVALID_PARAMETER)),
            _ => return Some(Err(STATUS_INVALID_CONNECTION)),
        }
        if to.how.urgent && (!stream || self.number(SocketOption::UrgentInline) != 0) {
            return Some(Err(STATUS_INVALID_PARAMETER));
        }
        if self.stream.is_none()
            && let Err(status) = self.have_stream(k)
        {
            return Some(Err(status));
        }
        let connected = self.peer.is_some();
        for source in self.streams() {
            if !stream && self.published.as_ref().is_some_and(|published| Arc::ptr_eq(published, &source)) {
                self.meet(k, &source);
            }
            let mut message = (!stream || to.control != 0).then(Message::default);
            // Where the host finds a page of the guest's not there yet, it is made to be, once; and trouble of a place that a
            // datagram went to is passed over.
            for _ in 0..8 {
                match k.host.receive_message(&source, &to.buffers, to.how, message.as_mut()) {
                    Ok(count) => {
                        self.drained = stream && to.buffers.iter().map(|(_, room)| room).sum::<usize>() > count;
                        if count == 0 && stream && to.buffers.iter().any(|(_, length)| *length > 0) {
                            self.hangup = true;
                            // The other end ended it, and then refused what was sent to it.
                            if self.ready(k).error {
                                self.reset = true;
                                return Some(Err(STATUS_CONNECTION_RESET));
                            }
                        }
                        return Some(tell(k, to, count, message.unwrap_or_default()));
                    }
                    Err(Error::WouldBlock) => break,
                    Err(Error::Invalid) if to.how.urgent => break,
                    Err(Error::Fault) => {
                        if let Err(status) = probe(k, &to.buffers) {
                            return Some(Err(status));
                        }
                    }
                    Err(_) if !stream && !connected => {}
                    Err(Error::Refused) if !stream => return Some(Err(STATUS_CONNECTION_RESET)),
                    Err(error) => {
                        if stream {
                            self.broke(error);
                        }
                        return Some(Err(error.into()));
                    }
                }
            }
        }
        None
    }

    /// Gets the way to whoever sent the first datagram that waits at a published port.
    fn meet(&mut self, k: &'static Kernel, published: &Stream) {
        // Where nobody sent anything there is nothing to get, and who has no way gets no answer.
        let Ok((SocketReply { peer: Some(to), .. }, Some(stream))) = k.host.ask_about(published, &StreamWaitClient {})
        else {
            return;
        };
        self.add_way(to, Arc::new(stream));
    }

    /// Sends as much as there is room for; nothing if that was not all.
    pub fn send(&mut self, k: &'static Kernel, write: &mut Write) -> Option<Nt<(Status, u64)>> {
        let stream = self.is_stream();
        let mut refused = false;
        loop {
            let length = write.data.len();
            let left = length - write.sent;
            if left == 0 && (stream || length > 0) {
                return Some(Ok((STATUS_SUCCESS, length as u64)));
            }
            let sent = match &write.data {
                _ if write.urgent => self.send_urgent(k, write),
                // An address of nothing may be any.
                Data::Guest(_, 0) => k.host.send_bytes(&write.stream, &[]),
                Data::Guest(address, _) => k.host.send(&write.stream, address + write.sent as u64, left),
                Data::Own(bytes) => k.host.send_bytes(&write.stream, bytes.get(write.sent..).unwrap_or_default()),
            };
            match sent {
                Ok(count) if stream => write.sent += count,
                Ok(_) => return Some(Ok((STATUS_SUCCESS, length as u64))),
                Err(Error::WouldBlock) => return None,
                // Told of an earlier datagram, which Windows keeps to itself here.
                Err(Error::Refused) if !stream && !refused => refused = true,
                Err(Error::Fault) if !refused => {
                    refused = true;
                    if let Data::Guest(address, length) = write.data
                        && let Err(status) = k.probe_read(address, length as u64)
                    {
                        return Some(Err(status));
                    }
                }
                Err(error) => {
                    if stream {
                        self.broke(error);
                    }
                    return Some(Err(error.into()));
                }
            }
        }
    }

    fn send_urgent(&self, k: &'static Kernel, write: &Write) -> Result<usize, Error> {
        let Data::Own(bytes) = &write.data else { return Err(Error::Invalid) };
        let data = bytes.iter().skip(write.sent).take(0x4000).copied().collect();
        Ok(about(k, &write.stream, SocketCall::SendUrgent { data })?.number as usize)
    }

    /// Says that nothing more is sent.
    pub fn end_sending(&self, k: &'static Kernel) {
        for stream in self.streams() {
            // A connection that is gone needs no word.
            let _ = about(k, &stream, SocketCall::EndSending);
        }
    }
}

/// Stores what is told of what was received.
fn tell(k: &'static Kernel, to: &Target, count: usize, message: Message) -> Nt<(Status, u64)> {
    let mut status = if message.cut { STATUS_BUFFER_OVERFLOW } else { STATUS_SUCCESS };
    if let (Some((address, length)), Some(from)) = (to.from, &message.from) {
        let raw = super::address::write(from);
        let length = UserPtr::<u32>::new(length);
        let room = length.read(k)? as usize;
        k.write_user(address, raw.get(..room).unwrap_or(&raw))?;
        length.write(k, raw.len() as u32)?;
    }
    if to.control != 0 && !store_beside(k, to.control, &message)? {
        let flags = UserPtr::<u32>::new(to.flags);
        if to.flags != 0 {
            let old = flags.read(k)?;
            flags.write(k, old | MSG_CTRUNC)?;
        }
        status = STATUS_BUFFER_OVERFLOW;
    }
    Ok((status, count as u64))
}

/// Stores control messages in a WSABUF: WSACMSGHDR (SIZE_T length with the header, INT level, INT kind), then data, padded to 8
/// bytes. Answers whether there was room.
fn store_beside(k: &'static Kernel, control: u64, message: &Message) -> Nt<bool> {
    const IP: u32 = 0;
    const IPV6: u32 = 41;
    let [length, address] = UserPtr::<[u64; 2]>::new(control).read(k)?;
    let room = (length & 0xffff_ffff) as usize;
    let v6 = message.from.is_some_and(|from| from.ip.is_ipv6())
        || message.beside.iter().any(|one| matches!(one, Beside::Destination(IpAddr::V6(_), _)));
    let mut out = Vec::new();
    for one in &message.beside {
        // IP_PKTINFO and IPV6_PKTINFO 19; IP_TTL 4, IPV6_HOPLIMIT 21; IP_TOS 3, IPV6_TCLASS 39.
        let (level, kind, data) = match one {
            Beside::Destination(IpAddr::V4(ip), interface) => {
                (IP, 19, [&ip.octets()[..], &interface.to_le_bytes()].concat())
            }
            Beside::Destination(IpAddr::V6(ip), interface) => {
                (IPV6, 19, [&ip.octets()[..], &interface.to_le_bytes()].concat())
            }
            Beside::Hops(number) if v6 => (IPV6, 21, number.to_le_bytes().to_vec()),
            Beside::Hops(number) => (IP, 4, number.to_le_bytes().to_vec()),
            Beside::Class(number) if v6 => (IPV6, 39, number.to_le_bytes().to_vec()),
            Beside::Class(number) => (IP, 3u32, number.to_le_bytes().to_vec()),
        };
        out.extend_from_slice(&(16 + data.len() as u64).to_le_bytes());
        out.extend_from_slice(&level.to_le_bytes());
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&data);
        out.resize(out.len().next_multiple_of(8), 0);
    }
    let fits = out.len() <= room;
    let stored = if fits { out.len() } else { 0 };
    k.write_user(address, out.get(..stored).unwrap_or_default())?;
    UserPtr::<u32>::new(control).write(k, stored as u32)?;
    Ok(fits)
}

/// Takes a request off its socket's queues, and ends it with a status, unless it is being answered.
pub fn give_up(k: &'static Kernel, socket: &Arc<Socket>, irp: &Arc<Irp>, status: Status) {
    let number = irp.number();
    let found = {
        let mut state = socket.lock();
        let count = |state: &State| state.reads.len() + state.writes.len() + state.accepts.len();
        let before = count(&state);
        state.reads.retain(|read| read.irp.number() != number);
        state.writes.retain(|write| write.irp.as_ref().is_none_or(|irp| irp.number() != number));
        state.accepts.retain(|accept| accept.irp.number() != number);
        let connecting = state.connecting.take_if(|one| one.irp.number() == number);
        let accepting = state.accepting.take_if(|one| one.irp.number() == number);
        count(&state) < before || connecting.is_some() || accepting.is_some()
    };
    // Whoever took it off first has an answer for it, which must not be lost: data, or a client.
    if found {
        irp.complete(k, status, 0);
    }
}

/// Receives.
///
/// # Errors
/// `STATUS_DEVICE_NOT_READY` where it is not to wait, and those of the connection.
pub fn recv(cx: &Cx<'_>, socket: &Arc<Socket>, request: &Request<'_>, to: Target, force: bool) -> Nt<Io> {
    let wanted = if to.how.urgent { event::OOB } else { event::READ };
    let timeout;
    let irp = {
        let mut state = socket.lock();
        state.kind()?;
        state.settle(cx.k);
        if !state.is_stream() {
            // An address that has no room is an error, and what came stays.
            if let Some((_, length)) = to.from
                && let Some(kind) = &state.kind
                && (UserPtr::<u32>::new(length).read(cx.k)? as usize) < super::address::length(kind.family)
            {
                return Err(STATUS_BUFFER_TOO_SMALL);
            }
            to.buffers.iter().try_for_each(|(at, length)| cx.k.probe_write(*at, (*length as u64).min(AHEAD)))?;
        }
        if state.rd_shutdown {
            return Err(STATUS_PIPE_DISCONNECTED);
        }
        state.rearm(wanted);
        // Who took all there was is likely to have to wait.
        let open = !state.hangup && !state.reset && state.phase == Phase::Connected && !to.how.urgent;
        let waits = state.drained && to.awaited && !force && !state.nonblocking && open;
        if state.reads.is_empty()
            && !waits
            && let Some(result) = state.receive(cx.k, &to)
        {
            remind(cx.k, &mut state);
            let (status, information) = result?;
            // Who asked for an overlapped request of a message that was cut hears of it as of one that waited: Winsock takes
            // what is told at once for a failure, which tells no length.
            return Ok(if force && status == STATUS_BUFFER_OVERFLOW {
                Io::Late(status, information)
            } else {
                Io::Done(status, information)
            });
        }
        if !force && state.nonblocking {
            state.attend_if_asked(cx.k, socket)?;
            return Err(STATUS_DEVICE_NOT_READY);
        }
        probe(cx.k, &to.buffers)?;
        timeout = if force { 0 } else { state.timeouts[0] };
        if to.awaited && !force && state.reads.is_empty() && state.stream.is_some() {
            None
        } else {
            state.attend(cx.k, socket)?;
            let irp = request.pend(cx.k);
            state.reads.push_back(Read { irp: irp.clone(), to: to.clone() });
            Some(irp)
        }
    };
    match irp {
        Some(irp) => arm(cx, socket, irp, deadline(cx, timeout)),
        None => {
            let attempt = |state: &mut State| {
                let tried = if state.reads.is_empty() { state.receive(cx.k, &to) } else { None };
                if tried.is_some() {
                    remind(cx.k, state);
                }
                tried
            };
            if let Some(result) = spin_by(cx.k, cx.t, &socket.spin, TRY, || attempt(&mut socket.lock())) {
                let (status, information) = result?;
                return Ok(Io::Done(status, information));
            }
            let wanted = if to.how.urgent { Ready { urgent: true, ..Ready::default() } } else { Ready::READ };
            let mut later =
                |state: &mut State, irp: &Arc<Irp>| state.reads.push_back(Read { irp: irp.clone(), to: to.clone() });
            let how = Inside { wanted, timeout, later: Some(&mut later) };
            inside(cx, socket, request, how, |state, _| attempt(state))
        }
    }
}

/// After a call that took something: who selects events hears that there is more.
pub fn remind(k: &'static Kernel, state: &mut State) {
    if state.mask != 0 {
        state.note(k);
    }
}

/// Sends.
///
/// # Errors
/// `STATUS_DEVICE_NOT_READY` where it is not to wait, and those of the connection.
pub fn send(
    cx: &Cx<'_>,
    socket: &Arc<Socket>,
    request: &Request<'_>,
    buffers: &[(u64, usize)],
    to: Option<Endpoint>,
    urgent: bool,
    force: bool,
) -> Nt<Io> {
    let data = match buffers {
        [(address, length)] if !urgent => Data::Guest(*address, *length),
        _ => Data::Own(gather(cx.k, buffers)?),
    };
    send_data(cx, socket, request, data, to, urgent, force)
}

/// Sends what is given.
///
/// # Errors
/// As [`send`].
pub fn send_data(
    cx: &Cx<'_>,
    socket: &Arc<Socket>,
    request: &Request<'_>,
    data: Data,
    to: Option<Endpoint>,
    urgent: bool,
    force: bool,
) -> Nt<Io> {
    let mut state = socket.lock();
    state.kind()?;
    state.settle(cx.k);
    if state.wr_shutdown {
        return Err(STATUS_PIPE_DISCONNECTED);
    }
    let stream = match (state.phase, to) {
        (Phase::Connected, _) => state.have_stream(cx.k)?,
        (Phase::Connectionless, to) if to.is_none() || to == state.peer => {
            state.peer.ok_or(STATUS_INVALID_CONNECTION)?;
            state.have_stream(cx.k)?
        }
        (Phase::Connectionless, Some(to)) => {
            if to.family() != state.kind()?.family {
                return Err(STATUS_INVALID_ADDRESS);
            }
            let stream = state.way(cx.k, if to.port == 0 { to.with_port(DISCARD) } else { to })?;
            // What comes back comes by it.
            state.attend_if_asked(cx.k, socket)?;
            stream
        }
        _ => return Err(STATUS_INVALID_CONNECTION),
    };
    let mut write = Write { irp: None, stream, data, sent: 0, urgent };
    if state.writes.is_empty()
        && let Some(result) = state.send(cx.k, &mut write)
    {
        let (status, information) = result?;
        return Ok(Io::Done(status, information));
    }
    state.rearm(event::WRITE);
    state.attend_if_asked(cx.k, socket)?;
    if !force && state.nonblocking {
        if write.sent == 0 {
            return Err(STATUS_DEVICE_NOT_READY);
        }
        // Windows takes all of it or nothing: the rest is copied, and follows when there is room.
        let length = write.data.len();
        if let Data::Guest(address, _) = write.data {
            let rest = crate::um::UserSlice::new(address + write.sent as u64, (length - write.sent) as u64);
            (write.data, write.sent) = (Data::Own(rest.read_all(cx.k)?), 0);
        }
        state.attend(cx.k, socket)?;
        state.writes.push_back(write);
        return Ok(Io::Done(STATUS_SUCCESS, length as u64));
    }
    let timeout = if force { 0 } else { state.timeouts[1] };
    if force || !state.writes.is_empty() {
        state.attend(cx.k, socket)?;
        let irp = request.pend(cx.k);
        write.irp = Some(irp.clone());
        state.writes.push_back(write);
        drop(state);
        return arm(cx, socket, irp, deadline(cx, timeout));
    }
    drop(state);
    // Wine's ws2_32 does not wait alertably for this.
    let how = Inside { wanted: Ready::WRITE, timeout, later: None };
    inside(cx, socket, request, how, |state, _| state.send(cx.k, &mut write))
}

fn gather(k: &'static Kernel, buffers: &[(u64, usize)]) -> Nt<Vec<u8>> {
    let total: u64 = buffers.iter().map(|(_, length)| *length as u64).sum();
    if total > MOST {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    let mut all = vec![0; total as usize];
    let mut rest = &mut all[..];
    for (address, length) in buffers {
        let (part, after) = rest.split_at_mut_checked(*length).ok_or(STATUS_INVALID_PARAMETER)?;
        k.read_user(*address, part)?;
        rest = after;
    }
    Ok(all)
}

impl State {
    /// Has the poller look after it if events or polls ask for it.
    ///
    /// # Errors
    /// The host's.
    pub fn attend_if_asked(&mut self, k: &'static Kernel, socket: &Arc<Socket>) -> Nt<()> {
        let asked = self.mask != 0 || !self.polls.is_empty() || !self.reads.is_empty() || !self.writes.is_empty();
        if asked { self.attend(k, socket) } else { Ok(()) }
    }
}
