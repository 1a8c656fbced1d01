//! Options: which control code is which, what a socket has before a program sets anything, and what it may set.

use super::code::wine;
use shim_abi::net::{Family, SocketOption as O, Transport};

/// What a control code does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Asks for an option of the host's.
    Get(O),
    /// Sets it.
    Set(O),
}

/// Whom an option is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    All,
    Datagrams,
}

use For::{All, Datagrams};

/// An option: the number of its code to ask, the one to set, whom it is for. 0: there is none.
const TABLE: &[(u32, u32, O, For)] = &[
    (220, 221, O::Broadcast, All),
    (223, 224, O::KeepAlive, All),
    (227, 228, O::UrgentInline, All),
    (0, 239, O::AddMembership, All),
    (242, 243, O::DontFragment, All),
    (0, 244, O::DropMembership, All),
    (248, 249, O::MulticastInterface, Datagrams),
    (250, 251, O::MulticastLoop, Datagrams),
    (252, 253, O::MulticastTtl, Datagrams),
    (256, 257, O::PacketInfo, Datagrams),
    (258, 259, O::Tos, All),
    (260, 261, O::Ttl, All),
    (0, 265, O::V6AddMembership, All),
    (266, 267, O::V6DontFragment, All),
    (0, 268, O::V6DropMembership, All),
    (269, 270, O::V6MulticastHops, Datagrams),
    (271, 272, O::V6MulticastInterface, Datagrams),
    (273, 274, O::V6MulticastLoop, Datagrams),
    (275, 276, O::V6Hops, All),
    (279, 280, O::V6Only, All),
    (284, 285, O::NoDelay, All),
    (286, 287, O::V6HopLimit, Datagrams),
    (288, 289, O::V6PacketInfo, Datagrams),
    (290, 291, O::V6TrafficClass, Datagrams),
    (293, 294, O::ReceiveTtl, Datagrams),
    (295, 296, O::ReceiveTos, Datagrams),
    (299, 300, O::KeepIdle, All),
    (301, 302, O::KeepCount, All),
    (303, 304, O::KeepInterval, All),
];

/// The option that a code is about, and whether it is for datagram sockets only.
pub fn of_code(code: u32) -> Option<(Access, bool)> {
    TABLE.iter().find_map(|(get, set, option, whom)| {
        let only = *whom == Datagrams;
        if *get != 0 && code == wine(*get) {
            Some((Access::Get(*option), only))
        } else if code == wine(*set) {
            Some((Access::Set(*option), only))
        } else {
            None
        }
    })
}

/// What an option is until a program sets it, as the host has it or as the socket is made.
pub fn default(option: O, transport: Transport) -> i32 {
    match option {
        O::DontFragment | O::V6DontFragment => i32::from(transport == Transport::Stream),
        O::Ttl | O::V6Hops => 64,
        O::MulticastTtl | O::V6MulticastHops | O::MulticastLoop | O::V6MulticastLoop | O::V6Only => 1,
        O::KeepIdle => 7200,
        O::KeepCount => 9,
        O::KeepInterval => 75,
        _ => 0,
    }
}

/// A value as Windows keeps it: what is on or off is 1 or 0, and what goes into one byte fits there.
pub fn kept(option: O, value: u32) -> Option<u32> {
    match option {
        O::Broadcast | O::KeepAlive | O::UrgentInline | O::NoDelay | O::V6Only => Some(u32::from(value != 0)),
        O::DontFragment | O::V6DontFragment | O::MulticastLoop | O::V6MulticastLoop => Some(u32::from(value != 0)),
        O::PacketInfo | O::V6PacketInfo | O::V6HopLimit | O::V6TrafficClass => Some(u32::from(value != 0)),
        O::ReceiveTtl | O::ReceiveTos => Some(u32::from(value != 0)),
        // -1: the default.
        O::V6Hops | O::V6MulticastHops => (value <= 0xff || value == u32::MAX).then_some(value),
        O::Ttl | O::MulticastTtl | O::KeepCount => (value <= 0xff).then_some(value),
        _ => Some(value),
    }
}

/// Whether whoever has room for less than a number is told one byte.
pub fn is_short(option: O) -> bool {
    matches!(option, O::Tos | O::Ttl | O::MulticastTtl | O::MulticastLoop)
}

/// What every socket is made with, as Windows has it: an IPv6 one leaves IPv4 to others, and datagrams are cut where they must be.
pub fn initial(family: Family, transport: Transport) -> Vec<(O, i32)> {
    let mut all = Vec::new();
    if family == Family::V6 {
        all.push((O::V6Only, 1));
    }
    if transport == Transport::Datagram {
        all.push((if family == Family::V6 { O::V6DontFragment } else { O::DontFragment }, 0));
    }
    all
}

/// Whether setting it adds to what was set before, so that it cannot be asked for, nor repeated.
pub fn adds(option: O) -> bool {
    matches!(option, O::AddMembership | O::DropMembership | O::V6AddMembership | O::V6DropMembership)
}

/// Bytes of an option's value where it is no number.
pub fn length(option: O) -> usize {
    match option {
        O::AddMembership | O::DropMembership | O::Linger => 8,
        O::V6AddMembership | O::V6DropMembership => 20,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_is_two_options() {
        let codes = TABLE.iter().flat_map(|(get, set, ..)| [*get, *set]).filter(|code| *code != 0);
        let mut codes: Vec<u32> = codes.collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert_eq!(of_code(wine(285)), Some((Access::Set(O::NoDelay), false)));
        assert_eq!(of_code(wine(0)), None);
    }
}
