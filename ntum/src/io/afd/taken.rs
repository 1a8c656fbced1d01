//! Which addresses this process's TCP sockets are bound to, and who else may be: SO_REUSEADDR and SO_EXCLUSIVEADDRUSE as Windows has
//! them. (Microsoft's "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE", and what Wine's server does.)

use crate::host::Stream;
use crate::kernel::Kernel;
use crate::status::*;
use parking_lot::Mutex;
use shim_abi::net::{Endpoint, Setting, SocketCall, SocketOption};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Weak};

/// How a socket is bound.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Where.
    pub at: Endpoint,
    /// SO_REUSEADDR.
    pub reuse: bool,
    /// SO_EXCLUSIVEADDRUSE.
    pub exclusive: bool,
    /// IPV6_V6ONLY: IPv4 is left to others.
    pub v6_only: bool,
}

/// An address that a socket has.
struct Held {
    socket: u64,
    at: Endpoint,
    reuse: bool,
    /// It is the address of all interfaces, and nobody is to be bound to one of them.
    all: bool,
    /// Its descriptor.
    stream: Weak<Stream>,
}

impl Held {
    fn meets(&self, other: &Held) -> bool {
        let same_port = self.at.port == other.at.port && self.at.family() == other.at.family();
        same_port && (self.all || other.all || self.at.ip == other.at.ip)
    }
}

/// All that are bound.
#[derive(Default)]
pub struct Taken(Mutex<Vec<Held>>);

/// The IPv4 address that an IPv6 one stands for.
fn v4_of(ip: Ipv6Addr, exclusive: bool) -> Option<Ipv4Addr> {
    if ip.is_unspecified() && exclusive {
        return Some(Ipv4Addr::UNSPECIFIED);
    }
    ip.to_ipv4_mapped()
}

impl Claim {
    fn held(&self, socket: u64) -> impl Iterator<Item = Held> {
        let Claim { at, reuse, exclusive, v6_only } = *self;
        let v4 = match at.ip {
            IpAddr::V6(ip) if !v6_only => v4_of(ip, exclusive),
            _ => None,
        };
        let also = v4.map(|ip| Endpoint { ip: ip.into(), port: at.port, scope: 0 });
        [Some(at), also].into_iter().flatten().map(move |at| {
            let all = exclusive && at.ip.is_unspecified();
            Held { socket, at, reuse, all, stream: Weak::new() }
        })
    }
}

impl Taken {
    /// Whether a socket may be bound so.
    ///
    /// # Errors
    /// `STATUS_SHARING_VIOLATION`, `STATUS_ACCESS_DENIED` for who would share but must not.
    pub fn check(&self, claim: &Claim) -> Nt<()> {
        let taken = self.0.lock();
        for wanted in claim.held(0).filter(|wanted| wanted.at.port != 0) {
            for held in taken.iter().filter(|held| held.meets(&wanted)) {
                if !held.reuse || !claim.reuse {
                    let told = claim.reuse || held.all;
                    return Err(if told { STATUS_ACCESS_DENIED } else { STATUS_SHARING_VIOLATION });
                }
            }
        }
        Ok(())
    }

    /// A socket is bound so.
    pub fn add(&self, socket: u64, claim: &Claim, stream: Option<&Arc<Stream>>) {
        let stream = stream.map(Arc::downgrade).unwrap_or_default();
        self.0.lock().extend(claim.held(socket).map(|held| Held { stream: stream.clone(), ..held }));
    }

    /// Has the host let others to the ports of this process's sockets that may be bound beside this one, which it takes for the same
    /// place: an address beside the one of all interfaces. Whether there are any.
    pub fn share(&self, k: &'static Kernel, claim: &Claim) -> bool {
        let beside = |held: &&Held| held.at.port == claim.at.port && claim.at.port != 0;
        let streams: Vec<_> = self.0.lock().iter().filter(beside).filter_map(|held| held.stream.upgrade()).collect();
        let shared = Setting { option: SocketOption::ReuseAddress, value: 1u32.to_le_bytes().to_vec() };
        let share =
            |stream: &Arc<Stream>| super::socket::about(k, stream, SocketCall::Set { setting: shared.clone() }).is_ok();
        streams.iter().filter(|stream| share(stream)).count() > 0
    }

    /// A socket is no more.
    pub fn remove(&self, socket: u64) {
        self.0.lock().retain(|held| held.socket != socket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(at: &str, reuse: bool, exclusive: bool) -> Claim {
        let at: std::net::SocketAddr = at.parse().unwrap();
        Claim { at: at.into(), reuse, exclusive, v6_only: false }
    }

    /// What the second one is told.
    fn second(first: Claim, second: Claim) -> Nt<()> {
        let taken = Taken::default();
        taken.check(&first).unwrap();
        taken.add(7, &first, None);
        let told = taken.check(&second);
        taken.remove(7);
        assert_eq!(taken.check(&second), Ok(()));
        told
    }

    #[test]
    fn an_address_is_shared_by_those_that_all_say_so() {
        let (one, any) = ("127.0.0.1:80", "0.0.0.0:80");
        assert_eq!(second(claim(one, false, false), claim(one, false, false)), Err(STATUS_SHARING_VIOLATION));
        assert_eq!(second(claim(one, true, false), claim(one, false, false)), Err(STATUS_SHARING_VIOLATION));
        assert_eq!(second(claim(one, false, false), claim(one, true, false)), Err(STATUS_ACCESS_DENIED));
        assert_eq!(second(claim(one, true, false), claim(one, true, false)), Ok(()));
        assert_eq!(second(claim(any, false, false), claim(one, false, false)), Ok(()));
        assert_eq!(second(claim("127.0.0.1:0", false, false), claim("127.0.0.1:0", false, false)), Ok(()));
        assert_eq!(second(claim(one, false, false), claim("127.0.0.1:81", false, false)), Ok(()));
    }

    #[test]
    fn who_is_exclusive_at_all_addresses_shares_none() {
        let (one, any) = ("127.0.0.1:80", "0.0.0.0:80");
        assert_eq!(second(claim(any, false, true), claim(one, false, false)), Err(STATUS_ACCESS_DENIED));
        assert_eq!(second(claim(one, false, false), claim(any, false, true)), Err(STATUS_SHARING_VIOLATION));
        assert_eq!(second(claim(one, false, true), claim(any, false, false)), Ok(()));
        assert_eq!(second(claim("[::]:80", false, true), claim(any, false, false)), Err(STATUS_ACCESS_DENIED));
        assert_eq!(second(claim("[::]:80", false, false), claim(any, false, true)), Ok(()));
        let mapped = claim("[::ffff:127.0.0.1]:80", false, false);
        assert_eq!(second(mapped, claim(one, false, false)), Err(STATUS_SHARING_VIOLATION));
        assert_eq!(second(Claim { v6_only: true, ..mapped }, claim(one, false, false)), Ok(()));
    }
}
