//! The remaining control requests: receive and send as their structures have them, events, options, what is asked about a socket.

use super::code;
use super::device::SocketFile;
use super::message::Addressee;
use super::option::{self, Access};
use super::socket::{Kind, Phase, Socket, State};
use super::transfer::{self, Target};
use super::{address, turn};
use crate::answer::Fields;
use crate::call::Cx;
use crate::host::Receive;
use crate::io::file::Control;
use crate::io::irp::{Io, Request};
use crate::ke::event::EVENT_MODIFY_STATE;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::um::{UserPtr, UserSlice};
use shim_abi::net::{Setting, SocketOption as O, Transport};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// MSG_OOB.
const MSG_OOB: u32 = 1;
/// MSG_PEEK.
const MSG_PEEK: u32 = 2;
/// Least that SO_RCVBUF means to the host.
const LEAST_BUFFER: u32 = 0x1_0000;
/// Bytes of the longest option.
const LONGEST_OPTION: u64 = 64;
/// Longest input of the requests here.
const MOST: u64 = 0x1000;

/// IOCTL_AFD_RECV: WSABUFs, their number, flags; AFD_MSG_NOT_OOB 0x20, AFD_MSG_OOB 0x40, AFD_MSG_PEEK 0x80.
///
/// # Errors
/// As [`transfer::recv`].
pub fn recv(cx: &Cx<'_>, socket: &Arc<Socket>, request: &Request<'_>, control: Control) -> Nt<Io> {
    let raw = control.input.read_all(cx.k)?;
    let fields = Fields(&raw);
    let (force, flags) = (fields.u32(12) & 2 != 0, fields.u32(16));
    if raw.len() < 24 || !matches!(flags & 0x60, 0x20 | 0x40) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let how = Receive { peek: flags & 0x80 != 0, urgent: flags & 0x40 != 0 };
    let buffers = transfer::buffers(cx.k, fields.u64(0), fields.u32(8))?;
    transfer::probe_ends(cx.k, &buffers)?;
    transfer::recv(cx, socket, request, Target { buffers, how, ..Target::default() }, force)
}

/// IOCTL_AFD_WINE_RECVMSG: a WSABUF for control messages, address, its length, flags, whether it is overlapped, WSABUFs.
///
/// # Errors
/// As [`transfer::recv`].
pub fn recvmsg(cx: &Cx<'_>, socket: &Arc<Socket>, request: &Request<'_>, control: Control) -> Nt<Io> {
    let raw = control.input.read_all(cx.k)?;
    if raw.len() < 48 {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    let fields = Fields(&raw);
    let flags_at = fields.u64(24);
    let flags = UserPtr::<u32>::new(flags_at).read_opt(cx.k)?.unwrap_or(0);
    let how = Receive { peek: flags & MSG_PEEK != 0, urgent: flags & MSG_OOB != 0 };
    let buffers = transfer::buffers(cx.k, fields.u64(40), fields.u32(36))?;
    transfer::probe_ends(cx.k, &buffers)?;
    let from = (fields.u64(8) != 0 && fields.u64(16) != 0).then(|| (fields.u64(8), fields.u64(16)));
    let to = Target { buffers, how, from, control: fields.u64(0), flags: flags_at, awaited: true };
    transfer::recv(cx, socket, request, to, fields.u32(32) != 0)
}

/// IOCTL_AFD_WINE_SENDMSG: address, its length, flags, whether it is overlapped, WSABUFs.
///
/// # Errors
/// As [`transfer::send`].
pub fn sendmsg(cx: &Cx<'_>, socket: &Arc<Socket>, request: &Request<'_>, control: Control) -> Nt<Io> {
    let raw = control.input.read_all(cx.k)?;
    if raw.len() < 32 {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    let fields = Fields(&raw);
    let buffers = transfer::buffers(cx.k, fields.u64(24), fields.u32(20))?;
    // A stream leads where it leads.
    let to = match fields.u64(0) {
        0 => None,
        _ if socket.lock().is_stream() => None,
        at => {
            let mut name = vec![0; (fields.u32(8) as usize).min(128)];
            cx.k.read_user(at, &mut name)?;
            Some(address::read(&name)?)
        }
    };
    transfer::send(cx, socket, request, &buffers, to, fields.u32(12) & MSG_OOB != 0, fields.u32(16) != 0)
}

fn answer(cx: &Cx<'_>, control: Control, bytes: &[u8]) -> Nt<Io> {
    if control.output.length < bytes.len() as u64 {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    control.output.write_at(cx.k, 0, bytes)?;
    Io::done(bytes.len() as u64)
}

/// A number whose length the request does not tell.
fn answer_apart(cx: &Cx<'_>, control: Control, number: u32) -> Nt<Io> {
    answer(cx, control, &number.to_le_bytes())?;
    Io::done(0)
}

/// As much of a number as there is room for.
fn answer_cut(cx: &Cx<'_>, control: Control, number: u32) -> Nt<Io> {
    let bytes = number.to_le_bytes();
    let room = bytes.len().min(control.output.length as usize);
    if room == 0 {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    answer(cx, control, &bytes[..room])
}

/// What is left: quick answers about a socket, and changes of it.
///
/// # Errors
/// `STATUS_BUFFER_TOO_SMALL`, `STATUS_INVALID_PARAMETER`, `STATUS_NOT_SUPPORTED`, and the request's own.
pub fn other(cx: &Cx<'_>, socket: &Arc<Socket>, request: &Request<'_>, control: Control) -> Nt<Io> {
    if control.code == code::GET_EVENTS {
        return get_events(cx, socket, control);
    }
    let is_option = matches!(control.code, code::FIRST_OPTION..=code::LAST_OPTION);
    // Of an option no more is looked at than it has.
    let control = match control.input.length {
        LONGEST_OPTION.. if is_option => {
            Control { input: UserSlice { length: LONGEST_OPTION, ..control.input }, ..control }
        }
        _ => control,
    };
    if control.input.length > MOST {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let raw = control.input.read_all(cx.k)?;
    let fields = Fields(&raw);
    let number = || if raw.len() < 4 { Err(STATUS_BUFFER_TOO_SMALL) } else { Ok(fields.u32(0)) };
    let mut state = socket.lock();
    if control.code == code::CREATE {
        return create(&mut state, &raw);
    }
    if is_option {
        return with_option(cx, &mut state, control, &raw);
    }
    if control.code != code::COMPLETE_ASYNC {
        state.kind()?;
        state.settle(cx.k);
    }
    match control.code {
        code::GETSOCKNAME => match (state.bound, state.local) {
            (Some(_), Some(local)) => answer(cx, control, &address::write(&local)),
            _ => Err(STATUS_INVALID_PARAMETER),
        },
        code::GETPEERNAME => {
            let known = matches!(state.phase, Phase::Connected | Phase::Connecting | Phase::Connectionless);
            match state.peer.filter(|_| known && state.connecting.is_none()) {
                Some(peer) => answer(cx, control, &address::write(&peer)),
                None => Err(STATUS_INVALID_CONNECTION),
            }
        }
        code::EVENT_SELECT => {
            let (handle, mask) = (Handle(fields.u64(0)), fields.u32(8));
            let event = if raw.len() >= 12 && handle.0 == 0 && mask == 0 {
                None
            } else {
                let event = cx.object(handle, EVENT_MODIFY_STATE).ok().filter(|event| event.event().is_ok());
                if raw.len() < 12 || event.is_none() {
                    request.note_failure(cx.k, STATUS_INVALID_PARAMETER);
                    return Err(STATUS_INVALID_PARAMETER);
                }
                event
            };
            (state.event, state.mask, state.nonblocking) = (event, mask, true);
            state.addressee = None;
            if mask != 0 {
                state.watched = false;
                state.attend(cx.k, socket)?;
            }
            if state.pending & mask != 0
                && let Some(event) = &state.event
            {
                event.signal.set(cx.k);
            }
            drop(state);
            turn::turn(cx.k, socket);
            Io::done(0)
        }
        code::MESSAGE_SELECT => {
            if raw.len() < 16 {
                return Err(STATUS_BUFFER_TOO_SMALL);
            }
            let (handle, window, number) = (fields.u32(0), fields.u32(4), fields.u32(8));
            let to = Addressee { window, message: number, socket: handle.into() };
            state.select_messages(cx.k, to, fields.u32(12));
            if state.mask != 0 {
                state.watched = false;
                state.attend(cx.k, socket)?;
            }
            drop(state);
            turn::turn(cx.k, socket);
            Io::done(0)
        }
        code::FIONBIO => {
            let on = number()? != 0;
            if !on && state.mask != 0 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            state.nonblocking = on;
            Io::done(0)
        }
        // A failure is told as if it came later, as far as there is a way to.
        code::COMPLETE_ASYNC => match Status(number()?) {
            status if status.is_error() && request.file()?.synchronous() => Err(status),
            status if status.is_error() => Ok(Io::Late(status, 0)),
            status => Ok(Io::Done(status, 0)),
        },
        code::FIONREAD => {
            let stream = state.is_stream();
            let mut count = 0;
            if state.phase != Phase::Listening {
                for source in state.streams() {
                    count += cx.k.host.unread(&source, stream).unwrap_or(0);
                    if count > 0 {
                        break;
                    }
                }
            }
            answer_apart(cx, control, count as u32)
        }
        // Windows tells whether no urgent data waits, apart from what is in order.
        code::SIOCATMARK => {
            let waits = state.number(O::UrgentInline) == 0 && state.ready(cx.k).urgent;
            answer_apart(cx, control, u32::from(!waits))
        }
        code::GET_INTERFACE_LIST => interfaces(cx, control),
        code::KEEPALIVE_VALS => {
            if raw.len() < 12 {
                return Err(STATUS_BUFFER_TOO_SMALL);
            }
            let on = fields.u32(0) != 0;
            let seconds = |at: usize| (fields.u32(at).saturating_add(500) / 1000).clamp(1, 0x7fff);
            let mut set = |option, value: u32| state.set(cx.k, option, value.to_le_bytes().to_vec());
            set(O::KeepAlive, u32::from(on))?;
            if on {
                set(O::KeepIdle, seconds(4))?;
                set(O::KeepInterval, seconds(8))?;
            }
            Io::done(0)
        }
        code::DEFER => {
            let object = cx.object(Handle(u64::from(number()?)), 0)?;
            let client = object.file()?.driver::<SocketFile>()?.socket.clone();
            if Arc::ptr_eq(&client, socket) {
                return Err(STATUS_INVALID_PARAMETER);
            }
            // The caller closes its handle: what is kept is the connection.
            let mut own = client.lock();
            state.deferred = own.stream.take().map(|stream| (stream, own.local, own.peer));
            Io::done(0)
        }
        code::GET_INFO => {
            let numbers = state.kind()?.numbers;
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            answer(cx, control, &bytes)
        }
        // The addresses of this machine do not change while the sandbox lives.
        code::ADDRESS_LIST_CHANGE => {
            if state.nonblocking && number()? == 0 {
                return Err(STATUS_DEVICE_NOT_READY);
            }
            drop(state);
            let irp = request.pend(cx.k);
            irp.on_cancel(cx.k, |k, irp| {
                irp.complete(k, STATUS_CANCELLED, 0);
            });
            Ok(Io::Pending(irp))
        }
        _ if control.code >> 16 == 0x12 => Err(STATUS_NOT_SUPPORTED),
        _ => Err(STATUS_INVALID_DEVICE_REQUEST),
    }
}

/// IOCTL_AFD_WINE_CREATE: AF_*, SOCK_*, IPPROTO_*, flags. Errors are Windows' own numbers, as ws2_32 takes them
/// (0xc001.... with the error below).
fn create(state: &mut State, raw: &[u8]) -> Nt<Io> {
    const fn error(number: u32) -> Status {
        Status(0xc001_0000 | number)
    }
    const WSAEACCES: u32 = 10013;
    const WSAEPROTONOSUPPORT: u32 = 10043;
    const WSAESOCKTNOSUPPORT: u32 = 10044;
    const WSAEAFNOSUPPORT: u32 = 10047;
    if raw.len() != 16 || state.kind.is_some() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let fields = Fields(raw);
    let numbers = [fields.u32(0), fields.u32(4), fields.u32(8)];
    let [family, kind, protocol] = numbers;
    let known_kind = matches!(kind, 1..=3);
    // IP, ICMP, IGMP, TCP, UDP, IPv6 and what goes in it, raw.
    let known_protocol = matches!(protocol, 0..=2 | 4 | 6 | 17 | 41 | 43 | 44 | 50 | 51 | 58..=60 | 255);
    let named = u16::try_from(family).ok().and_then(address::family);
    if (named.is_some() || family == 0) && !known_protocol && (kind == 0 || known_kind) {
        return Err(error(WSAEPROTONOSUPPORT));
    }
    let Some(family) = named else {
        return Err(error(if known_kind || (family as i32) < 0 { WSAEAFNOSUPPORT } else { WSAESOCKTNOSUPPORT }));
    };
    // SOCK_STREAM 1 with TCP 6, SOCK_DGRAM 2 with UDP 17, or either with none.
    let transport = match (kind, protocol) {
        (1, 0 | 6) => Transport::Stream,
        (2, 0 | 17) => Transport::Datagram,
        // Packets of one's own making are nobody's to send here.
        (3, _) => return Err(error(WSAEACCES)),
        (1 | 2, _) => return Err(error(WSAEPROTONOSUPPORT)),
        _ => return Err(error(WSAESOCKTNOSUPPORT)),
    };
    state.kind = Some(Kind { family, transport, numbers });
    state.phase = if transport == Transport::Stream { Phase::Unconnected } else { Phase::Connectionless };
    let setting = |(option, value): (O, i32)| Setting { option, value: value.to_le_bytes().to_vec() };
    state.settings = option::initial(family, transport).into_iter().map(setting).collect();
    Io::done(0)
}

/// IOCTL_AFD_GET_EVENTS: flags, and a status for each; the input's address is the handle of an event to be reset.
fn get_events(cx: &Cx<'_>, socket: &Arc<Socket>, control: Control) -> Nt<Io> {
    if control.output.length < 56 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let event = match control.input.address {
        0 => None,
        handle => {
            let event = cx.object(Handle(handle), EVENT_MODIFY_STATE)?;
            event.event()?;
            Some(event)
        }
    };
    let mut bytes = Vec::with_capacity(56);
    {
        let mut state = socket.lock();
        state.kind()?;
        bytes.extend_from_slice(&(state.pending & state.mask).to_le_bytes());
        state.errors.iter().for_each(|status| bytes.extend_from_slice(&status.0.to_le_bytes()));
        state.pending &= !state.mask;
        if let Some(event) = event {
            event.signal.reset(cx.k);
        }
    }
    control.output.write_at(cx.k, 0, &bytes)?;
    Io::done(0)
}

/// INTERFACE_INFO of the one interface that a sandbox has for sure: flags, then address, broadcast address and mask, 24 bytes each.
fn interfaces(cx: &Cx<'_>, control: Control) -> Nt<Io> {
    /// IFF_UP | IFF_LOOPBACK | IFF_MULTICAST.
    const FLAGS: u32 = 1 | 4 | 16;
    let mut bytes = FLAGS.to_le_bytes().to_vec();
    for ip in [Some(Ipv4Addr::LOCALHOST), None, Some(Ipv4Addr::new(255, 0, 0, 0))] {
        let at = ip.map(|ip| shim_abi::net::Endpoint { ip: IpAddr::V4(ip), port: 0, scope: 0 });
        let mut raw = at.map(|at| address::write(&at)).unwrap_or_default();
        raw.resize(24, 0);
        bytes.extend(raw);
    }
    if control.output.length < bytes.len() as u64 {
        return Ok(Io::Late(STATUS_BUFFER_TOO_SMALL, 0));
    }
    control.output.write_at(cx.k, 0, &bytes)?;
    Ok(Io::Late(STATUS_SUCCESS, bytes.len() as u64))
}

/// WSA* of an error that a socket had.
fn windows_error(status: Status) -> u32 {
    match status {
        STATUS_SUCCESS => 0,
        STATUS_CONNECTION_REFUSED => 10061,
        STATUS_CONNECTION_RESET => 10054,
        STATUS_CONNECTION_ABORTED => 10053,
        STATUS_IO_TIMEOUT => 10060,
        STATUS_NETWORK_UNREACHABLE => 10051,
        STATUS_HOST_UNREACHABLE => 10065,
        STATUS_ACCESS_DENIED => 10013,
        STATUS_INVALID_ADDRESS_COMPONENT => 10049,
        STATUS_SHARING_VIOLATION => 10048,
        STATUS_INVALID_CONNECTION => 10057,
        _ => 10022,
    }
}

/// Options that are no numbers of the host's.
fn with_option(cx: &Cx<'_>, state: &mut State, control: Control, raw: &[u8]) -> Nt<Io> {
    state.kind()?;
    let number = || match raw {
        [] => Err(STATUS_BUFFER_TOO_SMALL),
        // Some are given as a byte or two.
        _ => Ok(raw.iter().take(4).rev().fold(0, |number, byte| number << 8 | u32::from(*byte))),
    };
    let whole = || if raw.len() < 4 { Err(STATUS_BUFFER_TOO_SMALL) } else { number() };
    if let Some((access, datagrams_only)) = option::of_code(control.code) {
        if datagrams_only && state.is_stream() {
            return Err(STATUS_INVALID_PARAMETER);
        }
        return match access {
            Access::Get(option) => {
                let length = if option::is_short(option) && control.output.length < 4 { 1 } else { 4 };
                let output = UserSlice { length: control.output.length.min(length), ..control.output };
                answer_cut(cx, Control { output, ..control }, state.number(option) as u32)
            }
            Access::Set(option) if option::length(option) != 4 => {
                let value = raw.get(..option::length(option)).ok_or(STATUS_INVALID_PARAMETER)?.to_vec();
                if !state.is_stream() && state.stream.is_none() {
                    state.have_stream(cx.k)?;
                }
                state.set(cx.k, option, value)?;
                Io::done(0)
            }
            // An IPv4 socket that is not bound takes it and does nothing.
            Access::Set(O::V6Only) if state.kind()?.family == shim_abi::net::Family::V4 => match state.bound {
                None => Io::done(0),
                Some(_) => Err(STATUS_INVALID_PARAMETER),
            },
            Access::Set(O::V6Only) if state.bound.is_some() => Err(STATUS_INVALID_PARAMETER),
            Access::Set(option) => {
                let value = option::kept(option, number()?).ok_or(STATUS_INVALID_PARAMETER)?;
                state.set(cx.k, option, value.to_le_bytes().to_vec())?;
                Io::done(0)
            }
        };
    }
    /// The code of an option that is the socket's own.
    const fn own(function: u32) -> u32 {
        code::wine(function)
    }
    const GET_ACCEPTCONN: u32 = own(219);
    const GET_ERROR: u32 = own(222);
    const GET_LINGER: u32 = own(225);
    const SET_LINGER: u32 = own(226);
    const SET_RCVBUF: u32 = own(229);
    const GET_RCVBUF: u32 = own(230);
    const SET_RCVTIMEO: u32 = own(231);
    const GET_RCVTIMEO: u32 = own(232);
    const GET_REUSEADDR: u32 = own(233);
    const SET_REUSEADDR: u32 = own(234);
    const SET_SNDBUF: u32 = own(235);
    const GET_SNDBUF: u32 = own(236);
    const GET_SNDTIMEO: u32 = own(237);
    const SET_SNDTIMEO: u32 = own(238);
    const GET_HEADER_INCLUDED: u32 = own(246);
    const SET_HEADER_INCLUDED: u32 = own(247);
    const GET_IP_OPTIONS: u32 = own(254);
    const SET_IP_OPTIONS: u32 = own(255);
    const GET_INTERFACE: u32 = own(263);
    const SET_INTERFACE: u32 = own(264);
    const V6_GET_INTERFACE: u32 = own(277);
    const V6_SET_INTERFACE: u32 = own(278);
    const GET_CONNECT_TIME: u32 = own(292);
    const GET_EXCLUSIVE: u32 = own(297);
    const SET_EXCLUSIVE: u32 = own(298);
    match control.code {
        GET_ACCEPTCONN => answer(cx, control, &u32::from(state.phase == Phase::Listening).to_le_bytes()),
        GET_ERROR => {
            let error = state.errors.iter().copied().find(|status| *status != STATUS_SUCCESS);
            answer(cx, control, &windows_error(error.unwrap_or(STATUS_SUCCESS)).to_le_bytes())
        }
        // struct linger has two u_shorts on Windows.
        GET_LINGER => {
            let set = state.settings.iter().rfind(|setting| setting.option == O::Linger);
            let value = set.map_or([0; 8], |setting| setting.value.first_chunk().copied().unwrap_or_default());
            let word = |at: usize| Fields(&value).u32(at).min(0xffff) as u16;
            answer(cx, control, &[word(0).to_le_bytes(), word(4).to_le_bytes()].concat())
        }
        SET_LINGER => {
            let value = Fields(raw.get(..4).ok_or(STATUS_BUFFER_TOO_SMALL)?);
            let words = [u32::from(value.u16(0)), u32::from(value.u16(2))];
            state.set(cx.k, O::Linger, words.iter().flat_map(|word| word.to_le_bytes()).collect())?;
            Io::done(0)
        }
        GET_RCVBUF => answer(cx, control, &state.buffers[0].to_le_bytes()),
        GET_SNDBUF => answer(cx, control, &state.buffers[1].to_le_bytes()),
        SET_RCVBUF | SET_SNDBUF => {
            let (which, option) = if control.code == SET_RCVBUF { (0, O::ReceiveBuffer) } else { (1, O::SendBuffer) };
            let size = whole()?;
            let host = if which == 0 { size.max(LEAST_BUFFER) } else { size }.min(i32::MAX as u32);
            state.set(cx.k, option, host.to_le_bytes().to_vec())?;
            state.buffers[which] = size;
            Io::done(0)
        }
        GET_RCVTIMEO => answer(cx, control, &state.timeouts[0].to_le_bytes()),
        GET_SNDTIMEO => answer(cx, control, &state.timeouts[1].to_le_bytes()),
        SET_RCVTIMEO => {
            state.timeouts[0] = whole()?;
            Io::done(0)
        }
        SET_SNDTIMEO => {
            state.timeouts[1] = whole()?;
            Io::done(0)
        }
        GET_REUSEADDR => answer_cut(cx, control, u32::from(state.reuse)),
        GET_EXCLUSIVE => answer_cut(cx, control, u32::from(state.exclusive)),
        SET_REUSEADDR | SET_EXCLUSIVE => {
            let on = number()? != 0;
            let other = if control.code == SET_REUSEADDR { state.exclusive } else { state.reuse };
            if on && other {
                return Err(STATUS_INVALID_PARAMETER);
            }
            if control.code == SET_EXCLUSIVE {
                state.exclusive = on;
                return Io::done(0);
            }
            state.set(cx.k, O::ReuseAddress, u32::from(on).to_le_bytes().to_vec())?;
            state.reuse = on;
            Io::done(0)
        }
        GET_CONNECT_TIME => {
            let seconds = (cx.k.host.monotonic() - state.connected_at) / 1_000_000_000;
            let time = if state.phase == Phase::Connected { seconds as u32 } else { u32::MAX };
            answer(cx, control, &time.to_le_bytes())
        }
        // For raw sockets alone.
        GET_HEADER_INCLUDED | SET_HEADER_INCLUDED => Err(STATUS_INVALID_PARAMETER),
        // There are none, and none are set.
        GET_IP_OPTIONS => answer(cx, control, &[]),
        SET_IP_OPTIONS if raw.iter().all(|byte| *byte == 0) => Io::done(0),
        // 0: whichever interface leads there; no other is told.
        GET_INTERFACE | V6_GET_INTERFACE => answer(cx, control, &[0; 4]),
        SET_INTERFACE | V6_SET_INTERFACE => match whole()? {
            0 => Io::done(0),
            _ => Err(STATUS_INVALID_PARAMETER),
        },
        _ => Err(STATUS_NOT_SUPPORTED),
    }
}
