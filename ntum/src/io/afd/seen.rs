//! What a process tells of its sockets for the tables of connections (GetExtendedTcpTable, netstat). Nothing of it is kept: who looks asks
//! every process of the sandbox.

use super::address;
use super::device::SocketFile;
use super::socket::{Phase, State};
use crate::answer::Fields;
use crate::kernel::Kernel;
use shim_abi::net::{Endpoint, Transport};
use std::collections::HashSet;

/// Bytes of a SOCKADDR_INET.
const ADDRESS: usize = 28;
/// Bytes of a socket as it travels: its state, its process, both addresses.
const LENGTH: usize = 8 + 2 * ADDRESS;

/// MIB_TCP_STATE_*: how far a connection has come.
#[allow(missing_docs)]
pub mod state {
    /// It is no connection, but a place where datagrams come in.
    pub const NONE: u32 = 0;
    pub const LISTEN: u32 = 2;
    pub const SYN_SENT: u32 = 3;
    pub const ESTABLISHED: u32 = 5;
    pub const FIN_WAIT_2: u32 = 7;
    pub const CLOSE_WAIT: u32 = 8;
}

/// A socket that others may know of.
#[derive(Debug, PartialEq)]
pub struct Seen {
    /// One of [`state`].
    pub state: u32,
    /// Number of its process.
    pub process: u32,
    /// SOCKADDR_INET of its own end.
    pub local: Vec<u8>,
    /// SOCKADDR_INET of the other end.
    pub peer: Vec<u8>,
}

fn padded(at: &Endpoint) -> Vec<u8> {
    let mut raw = address::write(at);
    raw.resize(ADDRESS, 0);
    raw
}

/// What of a socket's state is told; nothing before it has an address, or of a stream that leads nowhere.
fn seen(socket: &State, process: u32) -> Option<Seen> {
    let kind = socket.kind?;
    let local = socket.local?;
    let state = match (kind.transport, socket.phase) {
        (Transport::Datagram, _) => state::NONE,
        (_, Phase::Listening) => state::LISTEN,
        (_, Phase::Connecting) => state::SYN_SENT,
        (_, Phase::Connected) if socket.hangup => state::CLOSE_WAIT,
        (_, Phase::Connected) if socket.wr_shutdown => state::FIN_WAIT_2,
        (_, Phase::Connected) => state::ESTABLISHED,
        _ => return None,
    };
    let peer = socket.peer.filter(|_| !matches!(state, state::NONE | state::LISTEN));
    let peer = peer.unwrap_or_else(|| Endpoint::any(local.family()));
    Some(Seen { state, process, local: padded(&local), peer: padded(&peer) })
}

/// The process's own sockets, as they travel.
pub fn own(k: &Kernel) -> Vec<u8> {
    let mut told = HashSet::new();
    let mut out = Vec::new();
    for (_, entry) in k.ob.handles.list() {
        let Ok(socket) = entry.object.file().and_then(|file| file.driver::<SocketFile>()) else { continue };
        if !told.insert(socket.socket.number) {
            continue;
        }
        if let Some(seen) = seen(&socket.socket.lock(), k.ps.id() as u32) {
            out.extend_from_slice(&seen.state.to_le_bytes());
            out.extend_from_slice(&seen.process.to_le_bytes());
            out.extend_from_slice(&seen.local);
            out.extend_from_slice(&seen.peer);
        }
    }
    out
}

/// Sockets as they travelled.
pub fn read(bytes: &[u8]) -> impl Iterator<Item = Seen> {
    bytes.as_chunks::<LENGTH>().0.iter().map(|raw| {
        let (local, peer) = raw[8..].split_at(ADDRESS);
        let fields = Fields(raw);
        Seen { state: fields.u32(0), process: fields.u32(4), local: local.to_vec(), peer: peer.to_vec() }
    })
}
