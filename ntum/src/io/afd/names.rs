//! Names of hosts: the Unix part of ws2_32 (`dlls/ws2_32/ws2_32_private.h` of Wine 10), through the monitor, under the policy. What
//! needs no question to anybody (numbers, the machine's own names) is answered here.

use super::address;
use crate::answer::Fields;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::UserPtr;
use shim_abi::calls::Socket;
use shim_abi::error::Error;
use shim_abi::net::{Endpoint, SocketCall};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Codes of the Unix part.
mod code {
    pub const GETADDRINFO: u32 = 0;
    pub const GETHOSTBYADDR: u32 = 1;
    pub const GETHOSTBYNAME: u32 = 2;
    pub const GETHOSTNAME: u32 = 3;
    pub const GETNAMEINFO: u32 = 4;
}

/// AI_*.
mod hint {
    pub const PASSIVE: u32 = 1;
    pub const CANONNAME: u32 = 2;
    pub const NUMERICHOST: u32 = 4;
    pub const NUMERICSERV: u32 = 8;
}

/// NI_*.
mod want {
    pub const NUMERICHOST: u32 = 2;
    pub const NAMEREQD: u32 = 4;
    pub const NUMERICSERV: u32 = 8;
}

const ERROR_INSUFFICIENT_BUFFER: Status = Status(122);
const WSAEFAULT: Status = Status(10014);
const WSAEINVAL: Status = Status(10022);
const WSAESOCKTNOSUPPORT: Status = Status(10044);
const WSAEAFNOSUPPORT: Status = Status(10047);
const WSATYPE_NOT_FOUND: Status = Status(10109);
const WSAHOST_NOT_FOUND: Status = Status(11001);
const WSATRY_AGAIN: Status = Status(11002);
const WSANO_DATA: Status = Status(11004);

/// Longest name.
const LONGEST: usize = 1025;

/// Services that programs ask for by name, as the list of assigned numbers has them.
const SERVICES: &[(&str, u16)] = &[
    ("echo", 7),
    ("discard", 9),
    ("daytime", 13),
    ("ftp-data", 20),
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("time", 37),
    ("domain", 53),
    ("tftp", 69),
    ("http", 80),
    ("pop3", 110),
    ("ntp", 123),
    ("imap", 143),
    ("snmp", 161),
    ("ldap", 389),
    ("https", 443),
    ("smtps", 465),
    ("submission", 587),
    ("ldaps", 636),
    ("ftps", 990),
    ("imaps", 993),
    ("pop3s", 995),
    ("socks", 1080),
    ("ms-sql-s", 1433),
    ("mysql", 3306),
    ("postgresql", 5432),
    ("redis", 6379),
    ("http-alt", 8080),
];

/// What a name was found to be.
pub struct Found {
    name: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// Carries a call out; answers 0, or a WSA* number.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn call(cx: &Cx<'_>, code: u32, arguments: u64) -> Nt {
    match code {
        code::GETADDRINFO => getaddrinfo(cx, arguments),
        code::GETHOSTBYADDR => gethostbyaddr(cx, arguments),
        code::GETHOSTBYNAME => gethostbyname(cx, arguments),
        code::GETHOSTNAME => gethostname(cx, arguments),
        code::GETNAMEINFO => getnameinfo(cx, arguments),
        _ => Err(STATUS_NOT_SUPPORTED),
    }
}

fn words<const N: usize>(cx: &Cx<'_>, arguments: u64) -> Nt<[u64; N]>
where
    [u64; N]: crate::um::Plain,
{
    UserPtr::<[u64; N]>::new(arguments).read(cx.k)
}

/// A text that ends with a zero; none at address 0.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn text(k: &Kernel, at: u64) -> Nt<Option<String>> {
    if at == 0 {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    while bytes.len() < LONGEST {
        match UserPtr::<u8>::new(at + bytes.len() as u64).read(k)? {
            0 => break,
            byte => bytes.push(byte),
        }
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Looks a name up.
///
/// # Errors
/// A WSA* number.
pub fn resolve(cx: &Cx<'_>, name: &str) -> Result<Found, Status> {
    if let Ok(ip) = name.parse::<IpAddr>() {
        return Ok(Found { name: name.into(), addresses: vec![ip] });
    }
    let own = name.eq_ignore_ascii_case(&cx.k.boot.computer);
    if own || name.eq_ignore_ascii_case("localhost") {
        let addresses = vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
        return Ok(Found { name: name.to_owned(), addresses });
    }
    let question = Socket { call: SocketCall::Resolve { name: name.to_owned() } };
    match cx.k.host.ask(&question) {
        Ok(reply) => {
            let full = if reply.name.is_empty() { name.to_owned() } else { reply.name };
            Ok(Found { name: full, addresses: reply.addresses })
        }
        Err(Error::Busy | Error::OutOfMemory) => Err(WSATRY_AGAIN),
        Err(_) => Err(WSAHOST_NOT_FOUND),
    }
}

fn service(name: &str) -> Option<u16> {
    match name.parse::<u32>() {
        Ok(number) => Some(number as u16),
        Err(_) => SERVICES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, port)| *port),
    }
}

/// { node, service, hints, info, size }: a list of struct addrinfo in one block, each followed by its name and address.
fn getaddrinfo(cx: &Cx<'_>, arguments: u64) -> Nt {
    const ENTRY: u64 = 48;
    let [node, named, hints, info, size_at] = words::<5>(cx, arguments)?;
    let (node, named) = (text(cx.k, node)?, text(cx.k, named)?);
    let raw = if hints == 0 { [0u32; 4] } else { UserPtr::<[u32; 4]>::new(hints).read(cx.k)? };
    let [flags, family, kind, protocol] = raw;
    if !matches!(family, 0 | 2 | 23) {
        return Ok(WSAEAFNOSUPPORT);
    }
    if kind > 5 {
        return Ok(WSAESOCKTNOSUPPORT);
    }
    if flags & hint::CANONNAME != 0 && node.is_none() {
        return Ok(WSAEINVAL);
    }
    let port = match named.as_deref() {
        None | Some("") => 0,
        Some(name) if flags & hint::NUMERICSERV != 0 && name.parse::<u32>().is_err() => return Ok(WSAHOST_NOT_FOUND),
        Some(name) => match service(name) {
            Some(port) => port,
            None => return Ok(WSATYPE_NOT_FOUND),
        },
    };
    let found = match node.as_deref() {
        None => {
            let passive = flags & hint::PASSIVE != 0;
            let addresses = match passive {
                true => vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
                false => vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()],
            };
            Found { name: String::new(), addresses }
        }
        Some(name) if flags & hint::NUMERICHOST != 0 && name.parse::<IpAddr>().is_err() => {
            return Ok(WSAHOST_NOT_FOUND);
        }
        // A number may carry the interface behind it.
        Some(name) => match resolve(cx, name.split('%').next().unwrap_or(name)) {
            Ok(found) => found,
            Err(status) => return Ok(status),
        },
    };
    let scope =
        node.as_deref().and_then(|name| name.split_once('%')).and_then(|(_, scope)| scope.parse().ok()).unwrap_or(0);
    let of_family = |ip: &&IpAddr| family == 0 || ip.is_ipv4() == (family == 2);
    let chosen: Vec<IpAddr> = found.addresses.iter().filter(of_family).copied().collect();
    if chosen.is_empty() {
        return Ok(if found.addresses.is_empty() { WSAHOST_NOT_FOUND } else { WSANO_DATA });
    }
    // Without hints each address is there for either transport.
    let kinds: &[(u32, u32)] = match (kind, protocol) {
        (0, 0) if hints == 0 => &[(0, 0)],
        _ => &[(kind, protocol)],
    };
    let mut out: Vec<u8> = Vec::new();
    let count = chosen.len() * kinds.len();
    let mut index = 0;
    for ip in chosen {
        let raw = address::write(&Endpoint { ip, port, scope: if ip.is_ipv6() { scope } else { 0 } });
        for (kind, protocol) in kinds {
            let at = info + out.len() as u64;
            let mut canonical = Vec::new();
            if index == 0 && flags & hint::CANONNAME != 0 {
                canonical = found.name.clone().into_bytes();
                canonical.push(0);
                canonical.resize(canonical.len().next_multiple_of(8), 0);
            }
            let name_at = if canonical.is_empty() { 0 } else { at + ENTRY };
            let address_at = at + ENTRY + canonical.len() as u64;
            let padded = raw.len().next_multiple_of(8);
            index += 1;
            let next = if index < count { address_at + padded as u64 } else { 0 };
            let number = if ip.is_ipv4() { 2u32 } else { 23 };
            for word in [flags, number, *kind, *protocol] {
                out.extend_from_slice(&word.to_le_bytes());
            }
            for word in [raw.len() as u64, name_at, address_at, next] {
                out.extend_from_slice(&word.to_le_bytes());
            }
            out.extend_from_slice(&canonical);
            out.extend_from_slice(&raw);
            out.resize(out.len() + padded - raw.len(), 0);
        }
    }
    store(cx, info, size_at, &out)
}

/// Stores a block, or says how long it is.
fn store(cx: &Cx<'_>, at: u64, size_at: u64, bytes: &[u8]) -> Nt {
    let size = UserPtr::<u32>::new(size_at);
    if (size.read(cx.k)? as usize) < bytes.len() {
        size.write(cx.k, bytes.len() as u32)?;
        return Ok(ERROR_INSUFFICIENT_BUFFER);
    }
    cx.k.write_user(at, bytes)?;
    Ok(STATUS_SUCCESS)
}

/// A struct hostent: name, aliases, family, length, addresses; then the lists, the addresses and the name.
fn store_host(cx: &Cx<'_>, at: u64, size_at: u64, name: &str, addresses: &[IpAddr]) -> Nt {
    const HEAD: u64 = 32;
    let v4 = addresses.first().is_some_and(IpAddr::is_ipv4);
    let addresses: Vec<Vec<u8>> = addresses
        .iter()
        .map(|ip| match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        })
        .collect();
    let length: u16 = if v4 { 4 } else { 16 };
    let (aliases_at, list_at) = (at + HEAD, at + HEAD + 8);
    let data_at = list_at + (addresses.len() as u64 + 1) * 8;
    let name_at = data_at + addresses.len() as u64 * u64::from(length);
    let mut out = Vec::new();
    for word in [name_at, aliases_at] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    for word in [if v4 { 2u16 } else { 23 }, length, 0, 0] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    for word in [list_at, 0] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    for index in 0..addresses.len() as u64 {
        out.extend_from_slice(&(data_at + index * u64::from(length)).to_le_bytes());
    }
    out.extend_from_slice(&[0; 8]);
    addresses.iter().for_each(|address| out.extend_from_slice(address));
    out.extend_from_slice(name.as_bytes());
    out.push(0);
    store(cx, at, size_at, &out)
}

/// { name, host, size }.
fn gethostbyname(cx: &Cx<'_>, arguments: u64) -> Nt {
    let [name, host, size_at] = words::<3>(cx, arguments)?;
    let name = text(cx.k, name)?.unwrap_or_default();
    match resolve(cx, &name) {
        Ok(found) => {
            let v4: Vec<IpAddr> = found.addresses.into_iter().filter(IpAddr::is_ipv4).collect();
            if v4.is_empty() {
                return Ok(WSANO_DATA);
            }
            store_host(cx, host, size_at, &found.name, &v4)
        }
        Err(status) => Ok(status),
    }
}

/// The name of an address: no name server is asked, which would tell it whom the program means.
fn name_of(ip: IpAddr) -> Option<String> {
    ip.is_loopback().then(|| "localhost".into())
}

/// { addr, len, family, host, size }.
fn gethostbyaddr(cx: &Cx<'_>, arguments: u64) -> Nt {
    let [at, lengths, host, size_at] = words::<4>(cx, arguments)?;
    let (length, family) = (lengths as u32, (lengths >> 32) as u32);
    let ip: IpAddr = match (family, length) {
        (2, 4) => Ipv4Addr::from(UserPtr::<[u8; 4]>::new(at).read(cx.k)?).into(),
        (23, 16) => Ipv6Addr::from(UserPtr::<[u8; 16]>::new(at).read(cx.k)?).into(),
        (2 | 23, _) => return Ok(WSAEFAULT),
        _ => return Ok(WSAEAFNOSUPPORT),
    };
    match name_of(ip) {
        Some(name) => store_host(cx, host, size_at, &name, &[ip]),
        None => Ok(WSAHOST_NOT_FOUND),
    }
}

/// { name, size }.
fn gethostname(cx: &Cx<'_>, arguments: u64) -> Nt {
    let [name, size] = words::<2>(cx, arguments)?;
    give(cx, name, size as u32, &cx.k.boot.computer)
}

/// Stores a text with a zero behind it.
fn give(cx: &Cx<'_>, at: u64, room: u32, text: &str) -> Nt {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    if bytes.len() > room as usize {
        return Ok(WSAEFAULT);
    }
    cx.k.write_user(at, &bytes)?;
    Ok(STATUS_SUCCESS)
}

/// { addr, addr_len, host, host_len, serv, serv_len, flags }.
fn getnameinfo(cx: &Cx<'_>, arguments: u64) -> Nt {
    let [addr, addr_len, host, host_len, serv, lengths] = words::<6>(cx, arguments)?;
    let (serv_len, flags) = (lengths as u32, (lengths >> 32) as u32);
    let mut raw = vec![0; (addr_len as u32 as usize).min(128)];
    cx.k.read_user(addr, &mut raw)?;
    if !matches!(Fields(&raw).u16(0), address::AF_INET | address::AF_INET6) {
        return Ok(WSAEAFNOSUPPORT);
    }
    let Ok(at) = address::read(&raw) else { return Ok(WSAEFAULT) };
    if host != 0 && host_len as u32 != 0 {
        let name = if flags & want::NUMERICHOST != 0 { None } else { name_of(at.ip) };
        if name.is_none() && flags & want::NAMEREQD != 0 {
            return Ok(WSAHOST_NOT_FOUND);
        }
        let digits = || if at.scope == 0 { at.ip.to_string() } else { format!("{}%{}", at.ip, at.scope) };
        match give(cx, host, host_len as u32, &name.unwrap_or_else(digits))? {
            STATUS_SUCCESS => {}
            status => return Ok(status),
        }
    }
    if serv != 0 && serv_len != 0 {
        let known = SERVICES.iter().find(|(_, port)| *port == at.port && flags & want::NUMERICSERV == 0);
        let name = known.map_or_else(|| at.port.to_string(), |(name, _)| (*name).to_owned());
        return give(cx, serv, serv_len, &name);
    }
    Ok(STATUS_SUCCESS)
}
