//! Sockets that several processes have: inherited, or given by DuplicateHandle, which is what WSADuplicateSocket does. Each process has a
//! state of its own over the one connection; what requests and events wait for is each one's.

use super::device::SocketFile;
use super::socket::{Kind, Phase, Socket};
use crate::host::Stream;
use crate::kernel::Kernel;
use crate::status::*;
use shim_abi::net::{Endpoint, Family, Setting, Transport};
use shim_abi::wire::{decode, encode};
use std::sync::Arc;

shim_abi::wire_structs! {
    /// What of a socket travels beside its descriptor.
    pub struct SocketParcel {
        /// Its family, none for what is no socket yet.
        pub family: Option<Family>,
        /// Its transport.
        pub transport: Transport,
        /// AF_*, SOCK_* and IPPROTO_* as the program gave them.
        pub numbers: Vec<u32>,
        /// Place in [`PHASES`].
        pub phase: u8,
        /// What was set.
        pub settings: Vec<Setting>,
        /// Where it is bound, its own end and the other.
        pub bound: Option<Endpoint>,
        /// Likewise.
        pub local: Option<Endpoint>,
        /// Likewise.
        pub peer: Option<Endpoint>,
        /// One bit each for what is so.
        pub flags: u32,
        /// SO_RCVBUF, SO_SNDBUF, SO_RCVTIMEO and SO_SNDTIMEO.
        pub sizes: Vec<u32>,
        /// When it was connected.
        pub connected_at: u64,
    }
}

/// Bits of what is so or not.
mod flag {
    pub const NONBLOCKING: u32 = 1;
    pub const RD_SHUTDOWN: u32 = 2;
    pub const WR_SHUTDOWN: u32 = 4;
    pub const REUSE: u32 = 8;
    pub const EXCLUSIVE: u32 = 16;
}

const PHASES: [Phase; 4] = [Phase::Unconnected, Phase::Listening, Phase::Connected, Phase::Connectionless];

/// What another process makes the socket of.
///
/// # Errors
/// `STATUS_NOT_SUPPORTED` for one that is just being connected, the monitor's.
pub fn pack(k: &'static Kernel, socket: &Socket) -> Nt<Vec<u8>> {
    let mut state = socket.lock();
    if state.kind.is_some() && state.stream.is_none() {
        state.have_stream(k)?;
    }
    let phase = PHASES.iter().position(|phase| *phase == state.phase).ok_or(STATUS_NOT_SUPPORTED)?;
    let flags = [
        (state.nonblocking, flag::NONBLOCKING),
        (state.rd_shutdown, flag::RD_SHUTDOWN),
        (state.wr_shutdown, flag::WR_SHUTDOWN),
        (state.reuse, flag::REUSE),
        (state.exclusive, flag::EXCLUSIVE),
    ];
    Ok(encode(&SocketParcel {
        family: state.kind.map(|kind| kind.family),
        transport: state.kind.map_or(Transport::Stream, |kind| kind.transport),
        numbers: state.kind.map_or(Vec::new(), |kind| kind.numbers.to_vec()),
        phase: phase as u8,
        settings: state.settings.clone(),
        bound: state.bound,
        local: state.local,
        peer: state.peer,
        flags: flags.into_iter().filter_map(|(set, bit)| set.then_some(bit)).sum(),
        sizes: state.buffers.iter().chain(&state.timeouts).copied().collect(),
        connected_at: state.connected_at,
    }))
}

/// A socket of what came.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`.
pub fn unpack(raw: &[u8], stream: Option<Stream>) -> Nt<SocketFile> {
    let parcel: SocketParcel = decode(raw).map_err(|_| STATUS_INVALID_PARAMETER)?;
    let numbers = parcel.numbers.first_chunk::<3>().copied().unwrap_or_default();
    let sizes = parcel.sizes.first_chunk::<4>().ok_or(STATUS_INVALID_PARAMETER)?;
    let is = |bit: u32| parcel.flags & bit != 0;
    let socket = Socket::new();
    {
        let mut state = socket.lock();
        state.kind = parcel.family.map(|family| Kind { family, transport: parcel.transport, numbers });
        state.phase = *PHASES.get(usize::from(parcel.phase)).ok_or(STATUS_INVALID_PARAMETER)?;
        state.stream = stream.map(Arc::new);
        state.settings = parcel.settings;
        (state.bound, state.local, state.peer) = (parcel.bound, parcel.local, parcel.peer);
        state.nonblocking = is(flag::NONBLOCKING);
        (state.rd_shutdown, state.wr_shutdown) = (is(flag::RD_SHUTDOWN), is(flag::WR_SHUTDOWN));
        (state.reuse, state.exclusive) = (is(flag::REUSE), is(flag::EXCLUSIVE));
        (state.buffers, state.timeouts) = ([sizes[0], sizes[1]], [sizes[2], sizes[3]]);
        state.connected_at = parcel.connected_at;
    }
    Ok(SocketFile { socket })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn what_travels_is_what_comes() {
        let (_, k) = Fake::kernel();
        let socket = Socket::new();
        let at = Some(Endpoint { ip: [127, 0, 0, 1].into(), port: 80, scope: 0 });
        {
            let mut state = socket.lock();
            (state.phase, state.peer, state.nonblocking, state.timeouts) = (Phase::Connected, at, true, [7, 8]);
        }
        let came = unpack(&pack(k, &socket).unwrap(), None).unwrap();
        let state = came.socket.lock();
        assert_eq!((state.phase, state.peer, state.nonblocking, state.timeouts), (Phase::Connected, at, true, [7, 8]));
        drop(state);
        socket.lock().phase = Phase::Connecting;
        assert_eq!(pack(k, &socket), Err(STATUS_NOT_SUPPORTED));
        assert!(unpack(b"x", None).is_err());
    }
}
