//! Addresses as Windows programs write them: SOCKADDR_IN and SOCKADDR_IN6.

use crate::answer::Fields;
use crate::status::*;
use shim_abi::net::{Endpoint, Family};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// AF_UNSPEC.
pub const AF_UNSPEC: u16 = 0;
/// AF_INET.
pub const AF_INET: u16 = 2;
/// AF_INET6, as Windows numbers it.
pub const AF_INET6: u16 = 23;

/// Bytes of a SOCKADDR_IN.
const V4: usize = 16;
/// Bytes of a SOCKADDR_IN6.
const V6: usize = 28;

/// What Wine's ws2_32 gives for the machine's own name: a loopback address that means all interfaces when something is bound to it.
const OWN: Ipv4Addr = Ipv4Addr::new(127, 12, 34, 56);

/// Bytes of a family's structure.
pub fn length(family: Family) -> usize {
    if family == Family::V4 { V4 } else { V6 }
}

/// The address that a structure holds.
///
/// # Errors
/// `STATUS_INVALID_ADDRESS` for another family, or if it is too short.
pub fn read(raw: &[u8]) -> Nt<Endpoint> {
    let fields = Fields(raw);
    let port = u16::from_be(fields.u16(2));
    match fields.u16(0) {
        AF_INET if raw.len() >= V4 => {
            Ok(Endpoint { ip: IpAddr::V4(Ipv4Addr::from(u32::from_be(fields.u32(4)))), port, scope: 0 })
        }
        AF_INET6 if raw.len() >= V6 => {
            let ip = raw.get(8..).and_then(|rest| rest.first_chunk::<16>()).ok_or(STATUS_INVALID_ADDRESS)?;
            Ok(Endpoint { ip: IpAddr::V6(Ipv6Addr::from(*ip)), port, scope: fields.u32(24) })
        }
        _ => Err(STATUS_INVALID_ADDRESS),
    }
}

/// The structure that holds an address.
pub fn write(at: &Endpoint) -> Vec<u8> {
    let mut raw = Vec::with_capacity(V6);
    let family = if at.ip.is_ipv4() { AF_INET } else { AF_INET6 };
    raw.extend_from_slice(&family.to_le_bytes());
    raw.extend_from_slice(&at.port.to_be_bytes());
    match at.ip {
        IpAddr::V4(ip) => {
            raw.extend_from_slice(&ip.octets());
            raw.resize(V4, 0);
        }
        IpAddr::V6(ip) => {
            raw.extend_from_slice(&[0; 4]);
            raw.extend_from_slice(&ip.octets());
            raw.extend_from_slice(&at.scope.to_le_bytes());
        }
    }
    raw
}

/// Family of AF_INET and AF_INET6.
pub fn family(number: u16) -> Option<Family> {
    match number {
        AF_INET => Some(Family::V4),
        AF_INET6 => Some(Family::V6),
        _ => None,
    }
}

/// Where something is bound that a program binds there.
pub fn to_bind(at: Endpoint) -> Endpoint {
    if at.ip == OWN { Endpoint { ip: Ipv4Addr::UNSPECIFIED.into(), ..at } } else { at }
}

/// Where a program that names it wants to go.
pub fn to_reach(at: Endpoint) -> Endpoint {
    if at.ip == OWN { Endpoint { ip: Ipv4Addr::LOCALHOST.into(), ..at } } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_round_trip_and_short_ones_are_refused() {
        for (text, scope, length) in [("10.1.2.3", 0, V4), ("fe80::1:2", 7, V6)] {
            let at = Endpoint { ip: text.parse().unwrap(), port: 0x1234, scope };
            let raw = write(&at);
            assert_eq!((raw.len(), &raw[2..4]), (length, &[0x12, 0x34][..]));
            assert_eq!(read(&raw), Ok(at));
            assert_eq!(read(&raw[..length - 1]), Err(STATUS_INVALID_ADDRESS));
        }
        assert_eq!(read(&[17, 0]), Err(STATUS_INVALID_ADDRESS));
        assert_eq!(read(&[]), Err(STATUS_INVALID_ADDRESS));
    }
}
