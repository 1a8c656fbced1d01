//! Connections: bind, listen, connect, accept, shut down.

use super::address;
use super::code::event;
use super::device::SocketFile;
use super::inside::{Inside, Tried, arm, inside};
use super::message::Addressee;
use super::poller::Afd;
use super::socket::{Accept, Client, Connecting, Into, Over, Phase, Socket, State, Taken};
use super::taken::Claim;
use super::transfer;
use crate::answer::Fields;
use crate::call::Cx;
use crate::host::{Ready, Receive};
use crate::io::file::Control;
use crate::io::irp::{Io, Irp, Request};
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::handle::{Entry, Handle};
use crate::ob::types::SYNCHRONIZE;
use crate::status::*;
use crate::types::OBJ_INHERIT;
use crate::um::UserSlice;
use shim_abi::calls::StreamWaitClient;
use shim_abi::error::Error;
use shim_abi::net::{Endpoint, SocketCall, SocketOption};
use std::sync::Arc;

/// GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE.
const ACCESS: u32 = 0xc000_0000 | SYNCHRONIZE;
/// SD_BOTH.
const SD_BOTH: u32 = 2;
/// Longest address that is taken.
const MOST: u64 = 0x1000;

/// IOCTL_AFD_BIND: an int, and the address; answers the address that it has then.
///
/// # Errors
/// `STATUS_ADDRESS_ALREADY_ASSOCIATED`, `STATUS_SHARING_VIOLATION`, `STATUS_INVALID_ADDRESS_COMPONENT`, `STATUS_INVALID_ADDRESS`.
pub fn bind(cx: &Cx<'_>, socket: &Arc<Socket>, request: &Request<'_>, control: Control) -> Nt<Io> {
    let length = control.input.length;
    if !(6..=MOST).contains(&length) || control.output.length + 4 < length {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let raw = control.input.read_all(cx.k)?;
    let mut state = socket.lock();
    let kind = state.kind()?;
    if state.bound.is_some() {
        return Err(STATUS_ADDRESS_ALREADY_ASSOCIATED);
    }
    let at = address::read(raw.get(4..).unwrap_or_default())?;
    if at.family() != kind.family {
        return Err(STATUS_INVALID_ADDRESS);
    }
    if let Err(status) = claim(cx.k, socket.number, &mut state, at) {
        let status = if status == STATUS_SHARING_VIOLATION && state.reuse { STATUS_ACCESS_DENIED } else { status };
        return if request.file()?.synchronous() { Err(status) } else { Ok(Io::Late(status, 0)) };
    }
    state.attend_if_asked(cx.k, socket)?;
    let bound = address::write(&state.local.unwrap_or(at));
    control.output.write_at(cx.k, 0, &bound)?;
    Ok(Io::Late(STATUS_SUCCESS, bound.len() as u64))
}

/// Binds a socket, unless another has the address.
fn claim(k: &'static Kernel, number: u64, state: &mut State, at: Endpoint) -> Nt<()> {
    if !state.is_stream() {
        return state.bind(k, at);
    }
    let v6_only = state.number(SocketOption::V6Only) != 0;
    let claim = Claim { at, reuse: state.reuse, exclusive: state.exclusive, v6_only };
    let taken = &Afd::of(k).taken;
    taken.check(&claim)?;
    match state.bind(k, at) {
        Err(STATUS_SHARING_VIOLATION) if taken.share(k, &claim) => state.bind(k, at)?,
        bound => bound?,
    }
    taken.add(number, &Claim { at: state.bound.unwrap_or(at), ..claim }, state.stream.as_ref());
    Ok(())
}

/// IOCTL_AFD_LISTEN: an int, the backlog, an int.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_NOT_SUPPORTED`, `STATUS_SHARING_VIOLATION`.
pub fn listen(cx: &Cx<'_>, socket: &Arc<Socket>, control: Control) -> Nt<Io> {
    let raw = control.input.read_all(cx.k)?;
    if raw.len() < 12 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let mut state = socket.lock();
    state.kind()?;
    if !state.is_stream() {
        return Err(STATUS_NOT_SUPPORTED);
    }
    if state.bound.is_none() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if matches!(state.phase, Phase::Connected | Phase::Connecting) {
        return Err(STATUS_CONNECTION_ACTIVE);
    }
    let stream = state.have_stream(cx.k)?;
    let backlog = Fields(&raw).u32(4);
    super::socket::about(cx.k, &stream, SocketCall::Listen { backlog })?;
    if state.phase != Phase::Listening {
        state.phase = Phase::Listening;
        state.publish(cx.k);
    }
    state.attend_if_asked(cx.k, socket)?;
    Io::done(0)
}

/// IOCTL_AFD_WINE_CONNECT: length of the address, whether it is connect() rather than ConnectEx(), the address, and what is sent
/// first.
///
/// # Errors
/// `STATUS_DEVICE_NOT_READY` where it is not to wait, and why it failed.
pub fn connect(cx: &Cx<'_>, socket: &Arc<Socket>, request: &Request<'_>, control: Control) -> Nt<Io> {
    let raw = control.input.read_all(cx.k)?;
    let fields = Fields(&raw);
    let (length, synchronous) = (fields.u32(0) as usize, fields.u32(4) != 0);
    let Ok(name) = fields.bytes(8, length) else { return Err(STATUS_BUFFER_TOO_SMALL) };
    let data = raw.get(8 + length..).unwrap_or_default().to_vec();
    let mut state = socket.lock();
    let kind = state.kind()?;
    let promised = state.promised.upgrade().is_some_and(|irp| !irp.is_over());
    if !synchronous && state.bound.is_none() || promised || state.accepting.is_some() || state.connecting.is_some() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    state.settle(cx.k);
    match state.phase {
        Phase::Listening => return Err(STATUS_INVALID_PARAMETER),
        Phase::Connecting if synchronous => return Err(STATUS_ADDRESS_ALREADY_ASSOCIATED),
        Phase::Connecting => return Err(STATUS_INVALID_PARAMETER),
        Phase::Connected => return Err(STATUS_CONNECTION_ACTIVE),
        Phase::Unconnected | Phase::Connectionless => {}
    }
    if !state.is_stream() && fields.u16(8) == address::AF_UNSPEC
        || Fields(name).u32(4) == 0 && !state.is_stream() && fields.u16(8) == address::AF_INET
    {
        // A datagram socket that is led nowhere is connectionless again.
        if state.peer.take().is_some() {
            state.stream = None;
            state.have_stream(cx.k)?;
        }
        return Io::done(0);
    }
    let to = address::read(name)?;
    if to.family() != kind.family {
        return Err(STATUS_INVALID_ADDRESS);
    }
    state.errors[event::CONNECT_ERR_BIT] = STATUS_SUCCESS;
    let before = state.bound;
    let going_on = state.connect(cx.k, to)?;
    if let (true, Some(at), true) = (before != state.bound, state.bound, before.is_some() && state.is_stream()) {
        let v6_only = state.number(SocketOption::V6Only) != 0;
        let taken = &Afd::of(cx.k).taken;
        taken.remove(socket.number);
        let claim = Claim { at, reuse: state.reuse, exclusive: state.exclusive, v6_only };
        taken.add(socket.number, &claim, state.stream.as_ref());
    }
    if !state.is_stream() {
        state.attend_if_asked(cx.k, socket)?;
        return Io::done(0);
    }
    if !going_on {
        state.connected(cx.k);
        if data.is_empty() {
            state.attend_if_asked(cx.k, socket)?;
            transfer::remind(cx.k, &mut state);
            return Io::done(0);
        }
    } else {
        state.phase = Phase::Connecting;
    }
    if synchronous && state.nonblocking {
        state.attend(cx.k, socket)?;
        return Err(STATUS_DEVICE_NOT_READY);
    }
    if synchronous && data.is_empty() {
        state.attend_if_asked(cx.k, socket)?;
        drop(state);
        let mut later = |state: &mut State, irp: &Arc<Irp>| {
            state.connecting = Some(Connecting { irp: irp.clone(), data: Vec::new(), sent: 0 });
        };
        let how = Inside { wanted: Ready::WRITE, timeout: 0, later: Some(&mut later) };
        return inside(cx, socket, request, how, |state, over| {
            state.advance(cx.k, socket, None, over);
            match state.phase {
                Phase::Connected => Some(Ok((STATUS_SUCCESS, 0))),
                Phase::Connecting => None,
                _ => Some(Err(state.errors[event::CONNECT_ERR_BIT])),
            }
        });
    }
    let irp = request.pend(cx.k);
    state.connecting = Some(Connecting { irp: irp.clone(), data, sent: 0 });
    state.watched = false;
    state.attend(cx.k, socket)?;
    drop(state);
    arm(cx, socket, irp, None)
}

impl State {
    fn connected(&mut self, k: &'static Kernel) {
        self.phase = Phase::Connected;
        self.connected_at = k.host.monotonic();
        self.errors[event::CONNECT_ERR_BIT] = STATUS_SUCCESS;
        (self.hangup, self.aborted, self.reset) = (false, false, false);
    }

    /// The connection stands.
    pub fn connect_done(&mut self, k: &'static Kernel, over: &mut Over) {
        self.connected(k);
        self.happened(k, event::CONNECT);
        self.happened(k, event::WRITE);
        send_first(k, self, over);
    }

    /// It does not, and never will.
    pub fn connect_failed(&mut self, k: &'static Kernel, status: Status, over: &mut Over) {
        self.phase = Phase::Unconnected;
        self.stream = None;
        self.peer = None;
        self.errors[event::CONNECT_ERR_BIT] = status;
        if let Some(connecting) = self.connecting.take() {
            over.push(&connecting.irp, Err(status));
        }
        self.happened(k, event::CONNECT_ERR);
    }
}

/// Sends what ConnectEx was given, and ends it.
pub fn send_first(k: &'static Kernel, state: &mut State, over: &mut Over) {
    let Some(mut connecting) = state.connecting.take() else { return };
    let Some(stream) = state.stream.clone() else {
        return over.push(&connecting.irp, Err(STATUS_CANCELLED));
    };
    while connecting.sent < connecting.data.len() {
        let rest = connecting.data.get(connecting.sent..).unwrap_or_default();
        match k.host.send_bytes(&stream, rest) {
            Ok(count) => connecting.sent += count,
            Err(Error::WouldBlock) => {
                state.connecting = Some(connecting);
                return;
            }
            Err(error) => return over.push(&connecting.irp, Err(error.into())),
        }
    }
    over.push(&connecting.irp, Ok((STATUS_SUCCESS, connecting.sent as u64)));
}

/// A client that waits at a server's socket.
fn take_client(k: &'static Kernel, state: &mut State) -> Result<Taken, Error> {
    if let Some(taken) = state.deferred.take() {
        return Ok(taken);
    }
    for server in state.stream.iter().chain(&state.published) {
        let waits = k.host.poll_sockets(&[server], Ready::READ, Some(0))?.first().is_some_and(|one| one.read);
        if !waits {
            continue;
        }
        match k.host.ask_about(server, &StreamWaitClient {}) {
            Err(Error::WouldBlock | Error::Aborted) => {}
            other => {
                let (reply, client) = other?;
                return Ok((Arc::new(client.ok_or(Error::Malformed)?), reply.local, reply.peer));
            }
        }
    }
    Err(Error::WouldBlock)
}

/// Makes a client's connection a socket's.
fn become_client(k: &'static Kernel, server: &State, own: &mut State, taken: Taken) {
    own.kind = server.kind;
    own.stream = Some(taken.0);
    own.watched = false;
    own.local = taken.1;
    own.bound = taken.1;
    own.peer = taken.2;
    own.settings.clone_from(&server.settings);
    own.rearm(u32::MAX);
    own.connected(k);
}

/// A file object for a client, like its server's.
fn client_object(k: &'static Kernel, server: &State, object: &Ref, taken: Taken) -> Nt<(Ref, Arc<Socket>)> {
    let socket = Socket::new();
    {
        let mut own = socket.lock();
        become_client(k, server, &mut own, taken);
        own.nonblocking = server.nonblocking;
        // A window hears of it once it has a handle, which messages name.
        own.mask = if server.addressee.is_some() { 0 } else { server.mask };
        own.event.clone_from(&server.event);
        (own.reuse, own.exclusive) = (server.reuse, server.exclusive);
        (own.buffers, own.timeouts) = (server.buffers, server.timeouts);
        own.attend_if_asked(k, &socket)?;
    }
    Ok((SocketFile::beside(object, socket.clone())?, socket))
}

/// Makes a handle to a client, and stores 32 bits of it. The server's window, if it has one, hears of the client from then on.
fn give_handle(
    k: &'static Kernel,
    server: &State,
    (object, socket): (Ref, Arc<Socket>),
    output: UserSlice,
) -> Nt<(Status, u64)> {
    let access = object.kind().map_access(ACCESS);
    let handle = k.ob.handles.insert(Entry { object, access, attributes: OBJ_INHERIT })?;
    match output.write_at(k, 0, &(handle.0 as u32).to_le_bytes()) {
        Ok(()) => {
            if let Some(addressee) = server.addressee {
                let mut own = socket.lock();
                own.select_messages(k, Addressee { socket: handle.0, ..addressee }, server.mask);
                own.attend_if_asked(k, &socket)?;
                own.note(k);
            }
            Ok((STATUS_SUCCESS, 4))
        }
        Err(status) => {
            let _ = k.close_handle(handle);
            Err(status)
        }
    }
}

/// Answers the first request that waits for a client; whether there was a client.
pub fn accept_next(k: &'static Kernel, _socket: &Arc<Socket>, state: &mut State, over: &mut Over) -> bool {
    let taken = match take_client(k, state) {
        Ok(taken) => taken,
        Err(Error::WouldBlock) => return false,
        Err(error) => {
            if let Some(accept) = state.accepts.pop_front() {
                over.push(&accept.irp, Err(error.into()));
            }
            return true;
        }
    };
    let Some(accept) = state.accepts.pop_front() else { return false };
    state.rearm(event::ACCEPT);
    match accept.into.clone() {
        Client::New(output) => {
            let made = client_object(k, state, &accept.irp.object, taken);
            over.push(&accept.irp, made.and_then(|made| give_handle(k, state, made, output)));
        }
        Client::Given(into) => {
            let own = match into.object.file().and_then(|file| file.driver::<SocketFile>()) {
                Ok(own) => own.socket.clone(),
                Err(status) => {
                    over.push(&accept.irp, Err(status));
                    return true;
                }
            };
            let mut client = own.lock();
            become_client(k, state, &mut client, taken);
            client.accepting = Some(accept);
            receive_first(k, &mut client, over);
            if client.accepting.is_some()
                && let Err(status) = client.attend(k, &own)
                && let Some(accept) = client.accepting.take()
            {
                over.push(&accept.irp, Err(status));
            }
        }
    }
    true
}

/// Ends an AcceptEx whose client sent its first data, or that wants none.
pub fn receive_first(k: &'static Kernel, state: &mut State, over: &mut Over) {
    let Some(accept) = state.accepting.take() else { return };
    let Client::Given(into) = accept.into.clone() else { return };
    let mut count = 0;
    if into.data > 0 {
        let Some(stream) = state.stream.clone() else {
            return over.push(&accept.irp, Err(STATUS_CANCELLED));
        };
        let buffers = [(into.output.address, into.data)];
        match k.host.receive_message(&stream, &buffers, Receive::default(), None) {
            Ok(received) => count = received,
            Err(Error::WouldBlock) => {
                state.accepting = Some(accept);
                return;
            }
            Err(error) => return over.push(&accept.irp, Err(error.into())),
        }
    }
    let stored = store_ends(k, state, &into);
    over.push(&accept.irp, stored.map(|()| (STATUS_SUCCESS, count as u64)));
}

/// Behind the data lie both ends: an int for the length, and the address.
fn store_ends(k: &'static Kernel, state: &State, into: &Into) -> Nt<()> {
    let rest = into.output.length as usize - into.data - into.local;
    for (offset, room, end) in [(into.data, into.local, state.local), (into.data + into.local, rest, state.peer)] {
        let raw = end.map(|end| address::write(&end)).unwrap_or_default();
        if room == 0 {
            continue;
        }
        if room < 4 + raw.len() {
            return Err(STATUS_BUFFER_TOO_SMALL);
        }
        into.output.write_at(k, offset as u64, &(raw.len() as u32).to_le_bytes())?;
        into.output.write_at(k, offset as u64 + 4, &raw)?;
    }
    Ok(())
}

/// IOCTL_AFD_WINE_ACCEPT: answers a handle, 32 bits of it.
///
/// # Errors
/// `STATUS_DEVICE_NOT_READY` where it is not to wait, `STATUS_INVALID_PARAMETER` for what is no server.
pub fn accept(cx: &Cx<'_>, socket: &Arc<Socket>, request: &Request<'_>, control: Control) -> Nt<Io> {
    if control.output.length != 4 {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    cx.k.probe_write(control.output.address, 4)?;
    let attempt = |state: &mut State, _: &mut Over| -> Tried {
        if state.closed || state.phase != Phase::Listening {
            return Some(Err(STATUS_INVALID_PARAMETER));
        }
        let made = match take_client(cx.k, state) {
            Ok(taken) => match client_object(cx.k, state, request.object, taken) {
                Ok(made) => made,
                Err(status) => return Some(Err(status)),
            },
            Err(Error::WouldBlock) => return None,
            Err(error) => return Some(Err(error.into())),
        };
        state.rearm(event::ACCEPT);
        let given = give_handle(cx.k, state, made, control.output);
        transfer::remind(cx.k, state);
        Some(given)
    };
    {
        let mut state = socket.lock();
        state.kind()?;
        if let Some(result) = attempt(&mut state, &mut Over::default()) {
            let (status, information) = result?;
            return Ok(Io::Done(status, information));
        }
        if state.nonblocking {
            return Err(STATUS_DEVICE_NOT_READY);
        }
    }
    let mut later = |state: &mut State, irp: &Arc<Irp>| {
        state.accepts.push_back(Accept { irp: irp.clone(), into: Client::New(control.output) });
    };
    let how = Inside { wanted: Ready::READ, timeout: 0, later: Some(&mut later) };
    inside(cx, socket, request, how, attempt)
}

/// IOCTL_AFD_WINE_ACCEPT_INTO: the socket that becomes the client's, bytes for data, bytes for the own address.
///
/// # Errors
/// `STATUS_BUFFER_TOO_SMALL`, `STATUS_INVALID_PARAMETER`, and those of the handle.
pub fn accept_into(cx: &Cx<'_>, socket: &Arc<Socket>, request: &Request<'_>, control: Control) -> Nt<Io> {
    let raw = control.input.read_all(cx.k)?;
    let (fields, output) = (Fields(&raw), control.output);
    let (data, local) = (fields.u32(4) as usize, fields.u32(8) as usize);
    if raw.len() != 12 || (output.length as usize) < data.saturating_add(local) {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    if output.length as usize - data - local < 4 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    cx.k.probe_write(output.address, output.length)?;
    let object = cx.object(Handle(u64::from(fields.u32(0))), 0)?;
    let own = object.file()?.driver::<SocketFile>()?.socket.clone();
    if Arc::ptr_eq(&own, socket) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    {
        let own = own.lock();
        let promised = own.promised.upgrade().is_some_and(|irp| !irp.is_over());
        if promised || own.accepting.is_some() || own.phase != Phase::Unconnected || own.bound.is_some() {
            return Err(STATUS_INVALID_PARAMETER);
        }
    }
    let (irp, over) = {
        let mut state = socket.lock();
        state.kind()?;
        if state.phase != Phase::Listening {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let irp = request.pend(cx.k);
        own.lock().promised = Arc::downgrade(&irp);
        let into = Into { object, output: UserSlice::new(output.address, output.length), data, local };
        state.accepts.push_back(Accept { irp: irp.clone(), into: Client::Given(into) });
        state.attend(cx.k, socket)?;
        let mut over = Over::default();
        // A client may wait already.
        accept_next(cx.k, socket, &mut state, &mut over);
        (irp, over)
    };
    over.tell(cx.k);
    let its = socket.clone();
    irp.on_cancel(cx.k, move |k, irp| {
        let number = irp.number();
        // It may have gone on to the client's socket.
        let of_client = its.lock().accepts.iter().all(|accept| accept.irp.number() != number);
        transfer::give_up(k, if of_client { &own } else { &its }, irp, STATUS_CANCELLED);
    });
    Ok(Io::Pending(irp))
}

/// IOCTL_AFD_WINE_SHUTDOWN: SD_RECEIVE 0, SD_SEND 1, SD_BOTH 2.
///
/// # Errors
/// `STATUS_INVALID_CONNECTION`, `STATUS_INVALID_PARAMETER`.
pub fn shutdown(cx: &Cx<'_>, socket: &Arc<Socket>, control: Control) -> Nt<Io> {
    let raw = control.input.read_all(cx.k)?;
    if raw.len() < 4 {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    let how = Fields(&raw).u32(0);
    if how > SD_BOTH {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let mut state = socket.lock();
    state.kind()?;
    state.settle(cx.k);
    if !matches!(state.phase, Phase::Connected | Phase::Connectionless) {
        return Err(STATUS_INVALID_CONNECTION);
    }
    if how != 1 {
        state.rd_shutdown = true;
    }
    if how != 0 {
        state.wr_shutdown = true;
        if state.writes.is_empty() {
            if state.is_stream() {
                state.end_sending(cx.k);
            }
        } else {
            state.wr_shutdown_pending = true;
        }
    }
    if how == SD_BOTH {
        (state.event, state.mask, state.nonblocking) = (None, 0, true);
        state.addressee = None;
    }
    state.watched = false;
    state.attend_if_asked(cx.k, socket)?;
    Io::done(0)
}
