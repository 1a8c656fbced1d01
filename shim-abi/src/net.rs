//! Sockets as both sides see them: where they lead, what may be set, and the requests of [`crate::calls::Socket`].
//!
//! A picoprocess never names an address to the host's kernel. What it wants bound, connected or heard goes to the monitor with
//! the socket's descriptor; what it gets back carries data by plain reads and writes.

pub mod rules;

use crate::error::{Error, Result};
use crate::wire::Wire;
use crate::{wire_enums, wire_structs};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Most bytes of an option's value.
pub const MAX_VALUE: usize = 64;

wire_enums! {
    /// Address family.
    pub enum Family {
        /// IPv4.
        V4 = 4,
        /// IPv6, and IPv4 in its mapped form unless [`SocketOption::V6Only`] is set.
        V6 = 6,
    }

    /// Transport.
    pub enum Transport {
        /// TCP.
        Stream = 0,
        /// UDP.
        Datagram = 1,
    }

    /// What can be set or asked. Values are little-endian `i32`s where nothing else is said; times are seconds.
    pub enum SocketOption {
        /// Whether datagrams may go to broadcast addresses.
        Broadcast = 1,
        /// Whether a silent peer is asked whether it lives.
        KeepAlive = 2,
        /// Whether close waits, and how long: two numbers.
        Linger = 3,
        /// Whether urgent data comes in order.
        UrgentInline = 4,
        /// Bytes of the buffer for what arrives.
        ReceiveBuffer = 5,
        /// Bytes of the buffer for what is sent.
        SendBuffer = 6,
        /// Whether a datagram port may be shared.
        ReuseAddress = 7,
        /// Hops that a packet may make.
        Ttl = 20,
        /// Type of service.
        Tos = 21,
        /// Whether packets are never cut into fragments.
        DontFragment = 22,
        /// Hops of multicast packets.
        MulticastTtl = 23,
        /// Whether own multicast packets come back.
        MulticastLoop = 24,
        /// The interface for multicast packets: an IPv4 address.
        MulticastInterface = 25,
        /// Whether datagrams come with the address that they were sent to.
        PacketInfo = 26,
        /// Whether datagrams come with their hops left.
        ReceiveTtl = 27,
        /// Whether datagrams come with their type of service.
        ReceiveTos = 28,
        /// A multicast group, and the address of the interface: 4 bytes each.
        AddMembership = 29,
        /// Likewise.
        DropMembership = 30,
        /// Whether IPv4 is left to others.
        V6Only = 40,
        /// As [`SocketOption::Ttl`].
        V6Hops = 41,
        /// As [`SocketOption::MulticastTtl`].
        V6MulticastHops = 42,
        /// As [`SocketOption::MulticastLoop`].
        V6MulticastLoop = 43,
        /// The interface for multicast packets, by its number.
        V6MulticastInterface = 44,
        /// As [`SocketOption::PacketInfo`].
        V6PacketInfo = 45,
        /// As [`SocketOption::ReceiveTtl`].
        V6HopLimit = 46,
        /// As [`SocketOption::ReceiveTos`].
        V6TrafficClass = 47,
        /// As [`SocketOption::DontFragment`].
        V6DontFragment = 48,
        /// A multicast group, 16 bytes, and the number of the interface.
        V6AddMembership = 49,
        /// Likewise.
        V6DropMembership = 50,
        /// Whether small pieces are sent at once.
        NoDelay = 60,
        /// Silence before a peer is asked whether it lives.
        KeepIdle = 61,
        /// Time between two such questions.
        KeepInterval = 62,
        /// How many go unanswered before the connection is lost.
        KeepCount = 63,
    }
}

impl SocketOption {
    /// Level and name of the host's option (`sys/socket.h`, `netinet/in.h`, `netinet/tcp.h` on x86-64), and the bytes of its value.
    const fn of_host(self) -> (i32, i32, usize) {
        const ALL: i32 = 1;
        const IP: i32 = 0;
        const TCP: i32 = 6;
        const V6: i32 = 41;
        match self {
            SocketOption::ReuseAddress => (ALL, 2, 4),
            SocketOption::Broadcast => (ALL, 6, 4),
            SocketOption::SendBuffer => (ALL, 7, 4),
            SocketOption::ReceiveBuffer => (ALL, 8, 4),
            SocketOption::KeepAlive => (ALL, 9, 4),
            SocketOption::UrgentInline => (ALL, 10, 4),
            SocketOption::Linger => (ALL, 13, 8),
            SocketOption::Tos => (IP, 1, 4),
            SocketOption::Ttl => (IP, 2, 4),
            SocketOption::PacketInfo => (IP, 8, 4),
            SocketOption::DontFragment => (IP, 10, 4),
            SocketOption::ReceiveTtl => (IP, 12, 4),
            SocketOption::ReceiveTos => (IP, 13, 4),
            SocketOption::MulticastInterface => (IP, 32, 4),
            SocketOption::MulticastTtl => (IP, 33, 4),
            SocketOption::MulticastLoop => (IP, 34, 4),
            SocketOption::AddMembership => (IP, 35, 8),
            SocketOption::DropMembership => (IP, 36, 8),
            SocketOption::V6Hops => (V6, 16, 4),
            SocketOption::V6MulticastInterface => (V6, 17, 4),
            SocketOption::V6MulticastHops => (V6, 18, 4),
            SocketOption::V6MulticastLoop => (V6, 19, 4),
            SocketOption::V6AddMembership => (V6, 20, 20),
            SocketOption::V6DropMembership => (V6, 21, 20),
            SocketOption::V6DontFragment => (V6, 23, 4),
            SocketOption::V6Only => (V6, 26, 4),
            SocketOption::V6PacketInfo => (V6, 49, 4),
            SocketOption::V6HopLimit => (V6, 51, 4),
            SocketOption::V6TrafficClass => (V6, 66, 4),
            SocketOption::NoDelay => (TCP, 1, 4),
            SocketOption::KeepIdle => (TCP, 4, 4),
            SocketOption::KeepInterval => (TCP, 5, 4),
            SocketOption::KeepCount => (TCP, 6, 4),
        }
    }
}

/// The error that a number of the host's means for a socket (`asm-generic/errno.h`); nothing for one that means no other than
/// elsewhere.
pub const fn error_of_host(number: i32) -> Option<Error> {
    Some(match number {
        11 => Error::WouldBlock,                 // EAGAIN
        19 | 99 => Error::NoSuchAddress,         // ENODEV, EADDRNOTAVAIL
        32 | 104 => Error::Reset,                // EPIPE, ECONNRESET
        89 | 107 => Error::NotConnected,         // EDESTADDRREQ, ENOTCONN
        90 => Error::TooLong,                    // EMSGSIZE
        92 | 93 | 95 | 97 => Error::Unsupported, // ENOPROTOOPT, EPROTONOSUPPORT, EOPNOTSUPP, EAFNOSUPPORT
        98 => Error::PortInUse,                  // EADDRINUSE
        100 | 101 => Error::NetworkUnreachable,  // ENETDOWN, ENETUNREACH
        103 => Error::Aborted,                   // ECONNABORTED
        105 => Error::OutOfMemory,               // ENOBUFS
        106 => Error::Connected,                 // EISCONN
        110 => Error::TimedOut,                  // ETIMEDOUT
        111 => Error::Refused,                   // ECONNREFUSED
        112 | 113 => Error::HostUnreachable,     // EHOSTDOWN, EHOSTUNREACH
        _ => return None,
    })
}

/// An address and a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// The address.
    pub ip: IpAddr,
    /// The port.
    pub port: u16,
    /// The interface of a link-local IPv6 address, else 0.
    pub scope: u32,
}

impl Endpoint {
    /// No address of the family, and no port.
    pub const fn any(family: Family) -> Endpoint {
        let ip = match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        Endpoint { ip, port: 0, scope: 0 }
    }

    /// Its family.
    pub const fn family(&self) -> Family {
        if self.ip.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// With another port.
    pub const fn with_port(self, port: u16) -> Endpoint {
        Endpoint { port, ..self }
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(at: SocketAddr) -> Self {
        let scope = if let SocketAddr::V6(v6) = at { v6.scope_id() } else { 0 };
        Endpoint { ip: at.ip(), port: at.port(), scope }
    }
}

impl From<Endpoint> for SocketAddr {
    fn from(at: Endpoint) -> Self {
        match at.ip {
            IpAddr::V4(ip) => SocketAddrV4::new(ip, at.port).into(),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, at.port, 0, at.scope).into(),
        }
    }
}

impl core::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.ip {
            IpAddr::V4(ip) => write!(f, "{ip}:{}", self.port),
            IpAddr::V6(ip) => write!(f, "[{ip}]:{}", self.port),
        }
    }
}

impl Wire for IpAddr {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            IpAddr::V4(ip) => {
                out.push(4);
                out.extend_from_slice(&ip.octets());
            }
            IpAddr::V6(ip) => {
                out.push(6);
                out.extend_from_slice(&ip.octets());
            }
        }
    }

    fn take(from: &mut &[u8]) -> Result<Self> {
        fn octets<const N: usize>(from: &mut &[u8]) -> Result<[u8; N]> {
            let (head, tail) = from.split_first_chunk().ok_or(Error::Malformed)?;
            *from = tail;
            Ok(*head)
        }
        match u8::take(from)? {
            4 => Ok(IpAddr::V4(octets::<4>(from)?.into())),
            6 => Ok(IpAddr::V6(octets::<16>(from)?.into())),
            _ => Err(Error::Malformed),
        }
    }
}

impl Wire for Endpoint {
    fn put(&self, out: &mut Vec<u8>) {
        self.ip.put(out);
        self.port.put(out);
        self.scope.put(out);
    }

    fn take(from: &mut &[u8]) -> Result<Self> {
        Ok(Endpoint { ip: IpAddr::take(from)?, port: u16::take(from)?, scope: u32::take(from)? })
    }
}

wire_structs! {
    /// A value for an option.
    pub struct Setting {
        /// The option.
        pub option: SocketOption,
        /// The value, at most [`MAX_VALUE`] bytes.
        pub value: Vec<u8>,
    }

    /// Makes a socket: sets it up, then binds it, then connects it, as far as asked. A descriptor never waits.
    pub struct Make {
        /// Its family.
        pub family: Family,
        /// Its transport.
        pub transport: Transport,
        /// What is set first.
        pub settings: Vec<Setting>,
        /// Where it is bound.
        pub bind: Option<Endpoint>,
        /// Where it leads.
        pub connect: Option<Endpoint>,
        /// Whether it shares its port with a datagram socket of the same program: one for each place that datagrams go to.
        pub shared: bool,
    }

    /// What a [`SocketCall`] answers; what its kind has no use for is empty.
    pub struct SocketReply {
        /// Where the socket is bound.
        pub local: Option<Endpoint>,
        /// Where it leads.
        pub peer: Option<Endpoint>,
        /// Whether it is still being connected.
        pub pending: bool,
        /// Number of an [`Error`], 0 for none; or bytes that were sent.
        pub number: u32,
        /// Addresses of a name.
        pub addresses: Vec<IpAddr>,
        /// The full form of a name.
        pub name: String,
    }
}

impl Setting {
    /// Level and name of the host's option, and its value there; nothing if the value has not the option's length.
    pub fn of_host(&self) -> Option<(i32, i32, Vec<u8>)> {
        let (level, name, length) = self.option.of_host();
        let mut value = (self.value.len() == length).then(|| self.value.clone())?;
        if matches!(self.option, SocketOption::DontFragment | SocketOption::V6DontFragment) {
            // IP_PMTUDISC_DO and IP_PMTUDISC_DONT of `linux/in.h`; IPv6's numbers are the same.
            let how: i32 = if value.iter().any(|byte| *byte != 0) { 2 } else { 0 };
            value = how.to_le_bytes().to_vec();
        }
        Some((level, name, value))
    }

    /// The multicast group that it joins.
    pub fn group(&self) -> Option<IpAddr> {
        match self.option {
            SocketOption::AddMembership => self.value.first_chunk::<4>().map(|raw| (*raw).into()),
            SocketOption::V6AddMembership => self.value.first_chunk::<16>().map(|raw| (*raw).into()),
            _ => None,
        }
    }
}

impl SocketReply {
    /// Nothing to say.
    pub const fn empty() -> SocketReply {
        SocketReply { local: None, peer: None, pending: false, number: 0, addresses: Vec::new(), name: String::new() }
    }
}

macro_rules! socket_calls {
    ($($(#[$meta:meta])* $name:ident = $number:literal $({ $($(#[$fmeta:meta])* $field:ident: $ty:ty),+ })?;)+) => {
        /// What is asked about a socket or a host.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum SocketCall { $($(#[$meta])* $name $({ $($(#[$fmeta])* $field: $ty,)+ })?,)+ }

        impl Wire for SocketCall {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(SocketCall::$name $({ $($field),+ })? => {
                        out.push($number);
                        $($($field.put(out);)+)?
                    })+
                }
            }
            fn take(from: &mut &[u8]) -> Result<Self> {
                match u8::take(from)? {
                    $($number => Ok(SocketCall::$name $({ $($field: <$ty>::take(from)?,)+ })?),)+
                    _ => Err(Error::Malformed),
                }
            }
        }
    };
}

socket_calls! {
    /// Makes one; the reply carries its descriptor, and says where it is bound and whether it is still being connected.
    Make = 1 {
        /// How.
        make: Make
    };
    /// Lets the one that comes along take clients.
    Listen = 2 {
        /// How many may wait.
        backlog: u32
    };
    /// Asks for the host's end of a port that the policy publishes. The reply carries its descriptor, which takes clients
    /// already if it is a stream's; without one the port is not published.
    Publish = 3 {
        /// Transport.
        transport: Transport,
        /// Port, as the program knows it.
        port: u16
    };
    /// Sets an option of the one that comes along.
    Set = 4 {
        /// Which, and to what.
        setting: Setting
    };
    /// Asks for the error that is pending at the one that comes along, which takes it.
    TakeError = 5;
    /// Sends urgent data on the one that comes along; the reply tells how many bytes went.
    SendUrgent = 9 {
        /// The data.
        data: Vec<u8>
    };
    /// Says that nothing more will be sent on the one that comes along.
    EndSending = 6;
    /// Asks for the addresses of a host.
    Resolve = 7 {
        /// Its name.
        name: String
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{decode, encode};
    use alloc::vec;

    #[test]
    fn calls_round_trip_and_no_part_of_one_is_one() {
        let at = |ip: &str, port| Endpoint { ip: ip.parse().unwrap(), port, scope: 3 };
        let make = Make {
            family: Family::V6,
            transport: Transport::Datagram,
            settings: vec![Setting { option: SocketOption::V6Only, value: vec![1, 0, 0, 0] }],
            bind: Some(at("::1", 80)),
            connect: Some(at("127.0.0.1", 443)),
            shared: true,
        };
        let calls = [
            SocketCall::Make { make },
            SocketCall::Listen { backlog: 5 },
            SocketCall::Resolve { name: "a.example".into() },
        ];
        for call in calls {
            let raw = encode(&call);
            assert_eq!(decode::<SocketCall>(&raw), Ok(call));
            for end in 0..raw.len() {
                assert_eq!(decode::<SocketCall>(&raw[..end]), Err(Error::Malformed));
            }
        }
    }
}
