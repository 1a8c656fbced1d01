//! The network store: tables of interfaces, addresses and routes (`wine/nsi.h` of Wine 10). What a sandbox has is one interface, the
//! loopback one; the host's own are not told. Tables of connections name the sandbox's own, statistics count nothing.
//! Echo requests of ICMP are asked for here too ([`echo`]).

mod echo;

use super::afd::seen::{self, Seen};
use super::device::{Create, Driver, Opened, make_device};
use super::file::{Control, FileOps};
use super::irp::{Io, Request};
use crate::answer::Fields;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::directory::make_link;
use crate::status::*;
use std::collections::HashSet;
use std::sync::Arc;

/// FILE_DEVICE_NETWORK.
const FILE_DEVICE_NETWORK: u32 = 0x12;
/// IOCTL_NSIPROXY_WINE_*.
const ENUMERATE_ALL: u32 = 0x12_1000;
const GET_ALL_PARAMETERS: u32 = 0x12_1004;
const GET_PARAMETER: u32 = 0x12_1008;
const ICMP_ECHO: u32 = 0x12_100c;
const CHANGE_NOTIFICATION: u32 = 0x12_1010;
/// Longest input.
const MOST: u64 = 0x1000;

/// NPI_MS_*_MODULEID: GUIDs that differ in their first number alone.
mod module {
    pub const IPV4: u32 = 0xeb00_4a00;
    pub const IPV6: u32 = 0xeb00_4a01;
    pub const UDP: u32 = 0xeb00_4a02;
    pub const TCP: u32 = 0xeb00_4a03;
    pub const NDIS: u32 = 0xeb00_4a11;
    /// What follows the first number.
    pub const REST: [u8; 12] = [0x1a, 0x9b, 0xd4, 0x11, 0x91, 0x23, 0, 0x50, 4, 0x77, 0x59, 0xbc];
}

/// MIB_IF_TYPE_LOOPBACK.
const LOOPBACK: u32 = 24;
/// Number of the interface.
const INDEX: u32 = 1;
/// Its NET_LUID: the type in the upper 16 bits, a number among those of its type.
const LUID: u64 = (LOOPBACK as u64) << 48;
/// Bytes that a packet may have.
const MTU: u32 = 0x1_0000;
/// Bits in a second, as Windows has it for this interface.
const SPEED: u64 = 1_073_741_824;
/// A GUID for it.
const GUID: [u8; 16] = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, b'N', b'e', b't', b'D', b'e', b'v'];

/// Bytes of a row's key and of its three kinds of values: those that may be set, those that change, those that stay.
type Sizes = [usize; 4];

/// A table.
struct Table {
    sizes: Sizes,
    rows: Vec<Row>,
    /// Whether there is one row, whatever the key: statistics.
    single: bool,
}

/// A row, as its parts lie in memory.
#[derive(Clone)]
struct Row([Vec<u8>; 4]);

impl Row {
    fn empty(sizes: Sizes) -> Row {
        Row(sizes.map(|size| vec![0; size]))
    }

    /// With bytes at an offset of one of its parts.
    fn with(mut self, part: usize, at: usize, bytes: &[u8]) -> Row {
        if let Some(place) = self.0.get_mut(part).and_then(|part| part.get_mut(at..at + bytes.len())) {
            place.copy_from_slice(bytes);
        }
        self
    }

    fn number(self, part: usize, at: usize, number: u32) -> Row {
        self.with(part, at, &number.to_le_bytes())
    }

    /// With an IF_COUNTED_STRING: a USHORT of bytes, then UTF-16.
    fn text(self, part: usize, at: usize, text: &str) -> Row {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        self.with(part, at, &(units.len() as u16).to_le_bytes()).with(part, at + 2, &units)
    }
}

const KEY: usize = 0;
const RW: usize = 1;
const DYNAMIC: usize = 2;
const STATIC: usize = 3;

/// nsi_ndis_ifinfo_rw, _dynamic and _static.
fn interface(sizes: Sizes) -> Row {
    const UP: u32 = 1;
    const CONNECTED: u32 = 1;
    const ACCESS_LOOPBACK: u32 = 1;
    const DEDICATED: u32 = 1;
    let row = Row::empty(sizes).with(KEY, 0, &LUID.to_le_bytes());
    let row = row.number(RW, 16, UP).text(RW, 20, "Loopback Pseudo-Interface 1");
    let row = row.number(DYNAMIC, 0, UP).number(DYNAMIC, 8, CONNECTED).number(DYNAMIC, 16, MTU);
    let row = row.with(DYNAMIC, 24, &SPEED.to_le_bytes()).with(DYNAMIC, 32, &SPEED.to_le_bytes());
    let row =
        row.number(STATIC, 0, INDEX).text(STATIC, 4, "Software Loopback Interface 1").number(STATIC, 520, LOOPBACK);
    row.number(STATIC, 524, ACCESS_LOOPBACK).number(STATIC, 532, DEDICATED).with(STATIC, 536, &GUID)
}

/// nsi_ipv4_unicast_key or nsi_ipv6_unicast_key, nsi_ip_unicast_rw, _dynamic and _static.
fn address(sizes: Sizes, ip: &[u8], prefix: u32) -> Row {
    const MANUAL: u32 = 1;
    const PREFERRED: u32 = 4;
    let row = Row::empty(sizes).with(KEY, 0, &LUID.to_le_bytes()).with(KEY, 8, ip);
    let row = row.number(RW, 0, u32::MAX).number(RW, 4, u32::MAX).number(RW, 8, MANUAL).number(RW, 12, MANUAL);
    row.number(RW, 16, prefix).number(DYNAMIC, 4, PREFERRED)
}

/// nsi_ipv4_forward_key or nsi_ipv6_forward_key, nsi_ip_forward_rw, _dynamic and _static: a route to a network of the interface's own.
fn route(sizes: Sizes, network: &[u8], prefix: u8) -> Row {
    const LOCAL: u32 = 2;
    let luid_at = if network.len() == 4 { 24 } else { 40 };
    let row = Row::empty(sizes).with(KEY, 4, network).with(KEY, 4 + network.len(), &[prefix]);
    let row = row.with(KEY, luid_at, &LUID.to_le_bytes()).with(KEY, luid_at + 8, &LUID.to_le_bytes());
    let row = row.number(RW, 4, u32::MAX).number(RW, 8, u32::MAX).number(RW, 16, LOCAL).with(RW, 20, &[1, 0, 0, 1]);
    row.with(DYNAMIC, 16, network).number(STATIC, 4, INDEX)
}

/// nsi_ip_cmpt_rw and _dynamic.
fn compartment(sizes: Sizes) -> Row {
    const NOT_FORWARDING: u32 = 1;
    const HOPS: u32 = 128;
    let row = Row::empty(sizes).number(KEY, 0, 1).number(RW, 0, NOT_FORWARDING).number(RW, 8, HOPS);
    row.number(DYNAMIC, 0, 1).number(DYNAMIC, 4, 1).number(DYNAMIC, 12, 1)
}

/// nsi_tcp_conn_key, _dynamic and _static.
fn connection(sizes: Sizes, seen: &Seen) -> Row {
    let row = Row::empty(sizes).with(KEY, 0, &seen.local).with(KEY, 28, &seen.peer);
    row.number(DYNAMIC, 0, seen.state).number(STATIC, 12, seen.process)
}

/// nsi_udp_endpoint_key and _static.
fn endpoint(sizes: Sizes, seen: &Seen) -> Row {
    Row::empty(sizes).with(KEY, 0, &seen.local).number(STATIC, 0, seen.process)
}

/// Every socket of the sandbox that has an address.
fn sockets(cx: &Cx<'_>) -> Vec<Seen> {
    let all = core::iter::once(seen::own(cx.k)).chain(cx.sockets_of_others());
    once_each(all.flat_map(|told| seen::read(&told).collect::<Vec<_>>()).collect())
}

/// One that several processes have is told as the first one's, who made it: the others inherited it.
fn once_each(mut all: Vec<Seen>) -> Vec<Seen> {
    all.sort_by_key(|seen| seen.process);
    let mut told = HashSet::new();
    all.retain(|seen| told.insert((seen.state, seen.local.clone(), seen.peer.clone())));
    all
}

/// A table of a module's.
fn table(of: u32, number: u32, sockets: &dyn Fn() -> Vec<Seen>) -> Option<Table> {
    let of_sockets = |wanted: &dyn Fn(u32) -> bool| -> Vec<Seen> {
        sockets().into_iter().filter(|seen| wanted(seen.state)).collect()
    };
    let of_rows = |sizes: Sizes, rows: Vec<Row>| Some(Table { sizes, rows, single: false });
    let counters = |sizes: Sizes| Some(Table { sizes, rows: vec![Row::empty(sizes)], single: true });
    let v4 = of == module::IPV4;
    match (of, number) {
        (module::NDIS, 0) => {
            let sizes = [8, 1092, 216, 600];
            of_rows(sizes, vec![interface(sizes)])
        }
        (module::NDIS, 2) => {
            let sizes = [4, 0, 0, 8];
            of_rows(sizes, vec![Row::empty(sizes).number(KEY, 0, INDEX).with(STATIC, 0, &LUID.to_le_bytes())])
        }
        (module::IPV4 | module::IPV6, 2) => {
            let sizes = [4, 16, 16, 0];
            of_rows(sizes, vec![compartment(sizes)])
        }
        (module::IPV4 | module::IPV6, 3) => counters([0, 0, 2064, 0]),
        (module::IPV4 | module::IPV6, 6) => counters([0, 0, 216, 4]),
        (module::IPV4 | module::IPV6, 10) => {
            let sizes = [if v4 { 16 } else { 24 }, 28, 8, 8];
            let (ip, prefix) = loopback(v4);
            of_rows(sizes, vec![address(sizes, &ip, prefix)])
        }
        (module::IPV4 | module::IPV6, 11) => of_rows([if v4 { 24 } else { 32 }, 32, 16, 0], Vec::new()),
        (module::IPV4 | module::IPV6, 16) => {
            let sizes = if v4 { [48, 32, 20, 8] } else { [72, 32, 32, 8] };
            let (ip, prefix) = loopback(v4);
            let network = if v4 { vec![127, 0, 0, 0] } else { ip };
            of_rows(sizes, vec![route(sizes, &network, prefix as u8)])
        }
        (module::TCP, 0) => counters([2, 0, 104, 20]),
        // All, those that stand, those that wait for clients.
        (module::TCP, 3..=5) => {
            let sizes = [56, 0, 20, 32];
            let told = of_sockets(&|state| match number {
                4 => state == seen::state::ESTABLISHED,
                5 => state == seen::state::LISTEN,
                _ => state != seen::state::NONE,
            });
            of_rows(sizes, told.iter().map(|seen| connection(sizes, seen)).collect())
        }
        (module::UDP, 0) => counters([2, 0, 48, 0]),
        (module::UDP, 1) => {
            let sizes = [28, 0, 0, 32];
            let told = of_sockets(&|state| state == seen::state::NONE);
            of_rows(sizes, told.iter().map(|seen| endpoint(sizes, seen)).collect())
        }
        _ => None,
    }
}

/// The loopback address of a family, and the bits of its network.
fn loopback(v4: bool) -> (Vec<u8>, u32) {
    match v4 {
        true => (std::net::Ipv4Addr::LOCALHOST.octets().to_vec(), 8),
        false => (std::net::Ipv6Addr::LOCALHOST.octets().to_vec(), 128),
    }
}

/// The table that a request names: an NPI_MODULEID (length, kind 1 for a GUID, the GUID), and a number elsewhere.
fn named(input: &[u8], number_at: usize, sockets: &dyn Fn() -> Vec<Seen>) -> Nt<Table> {
    let fields = Fields(input);
    let rest = fields.bytes(12, module::REST.len())?;
    let found =
        (fields.u32(4) == 1 && rest == module::REST).then(|| table(fields.u32(8), fields.u32(number_at), sockets));
    found.flatten().ok_or(STATUS_INVALID_PARAMETER)
}

impl Table {
    fn find(&self, key: &[u8]) -> Nt<&Row> {
        if key.len() != self.sizes[KEY] {
            return Err(STATUS_INVALID_PARAMETER);
        }
        self.rows.iter().find(|row| self.single || row.0[KEY] == key).ok_or(STATUS_OBJECT_NAME_NOT_FOUND)
    }

    /// Whether a part is wanted, or none of it.
    fn wanted(&self, part: usize, size: u32) -> Nt<bool> {
        match size as usize {
            0 => Ok(false),
            size if size == self.sizes[part] => Ok(true),
            _ => Err(STATUS_INVALID_PARAMETER),
        }
    }
}

/// Every row: how many there are, then a column of each part that is wanted, each with room for as many rows as asked for.
fn enumerate_all(input: &[u8], room: u64, sockets: &dyn Fn() -> Vec<Seen>) -> Nt<(Status, Vec<u8>)> {
    const LENGTH: usize = 56;
    let fields = Fields(input);
    if input.len() != LENGTH {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let table = named(input, 32, sockets)?;
    let asked = [36, 40, 44, 48].map(|at| fields.u32(at));
    let most = fields.u32(52) as usize;
    let all = 4 + asked.iter().map(|size| u64::from(*size)).sum::<u64>() * most as u64;
    if room < all {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let shown = table.rows.len().min(most);
    let mut out = Vec::new();
    for (part, size) in asked.into_iter().enumerate() {
        if table.wanted(part, size)? {
            table.rows.iter().take(shown).for_each(|row| out.extend_from_slice(&row.0[part]));
            out.resize(out.len() + (most - shown).min(MOST as usize) * size as usize, 0);
        }
    }
    let asks_for_data = asked.iter().any(|size| *size != 0);
    let fits = !asks_for_data || table.rows.len() <= most;
    let count = if fits { table.rows.len() } else { most };
    let answer = [&(count as u32).to_le_bytes()[..], &out].concat();
    Ok((if fits { STATUS_SUCCESS } else { STATUS_BUFFER_OVERFLOW }, answer))
}

/// The parts of one row.
fn get_all(input: &[u8], room: u64, sockets: &dyn Fn() -> Vec<Seen>) -> Nt<Vec<u8>> {
    const KEY_AT: usize = 48;
    let fields = Fields(input);
    let table = named(input, 28, sockets)?;
    let row = table.find(fields.bytes(KEY_AT, fields.u32(32) as usize)?)?;
    let mut out = Vec::new();
    for (part, at) in [(RW, 36), (DYNAMIC, 40), (STATIC, 44)] {
        if table.wanted(part, fields.u32(at))? {
            out.extend_from_slice(&row.0[part]);
        }
    }
    if room < out.len() as u64 { Err(STATUS_INVALID_PARAMETER) } else { Ok(out) }
}

/// A piece of one part of one row, as long as the caller has room for.
fn get_one(input: &[u8], room: u64, sockets: &dyn Fn() -> Vec<Seen>) -> Nt<Vec<u8>> {
    const KEY_AT: usize = 44;
    let fields = Fields(input);
    let table = named(input, 28, sockets)?;
    let row = table.find(fields.bytes(KEY_AT, fields.u32(32) as usize)?)?;
    let part = match fields.u32(36) {
        0 => RW,
        1 => DYNAMIC,
        2 => STATIC,
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    let at = fields.u32(40) as usize;
    let length = usize::try_from(room).map_err(|_| STATUS_INVALID_PARAMETER)?;
    let end = at.checked_add(length).ok_or(STATUS_INVALID_PARAMETER)?;
    row.0[part].get(at..end).map(<[u8]>::to_vec).ok_or(STATUS_INVALID_PARAMETER)
}

struct Nsi;
struct NsiFile;

/// Makes the device and its name.
pub fn start(k: &'static Kernel) {
    make_device(k, "\\Device\\Nsi", FILE_DEVICE_NETWORK, Nsi);
    make_link(&k.ob.root, "\\??\\Nsi", "\\Device\\Nsi");
}

impl Driver for Nsi {
    fn open(&self, _cx: &Cx<'_>, device: &Ref, rest: &[u16], create: &Create) -> Nt<Opened> {
        if !rest.is_empty() {
            return Err(STATUS_OBJECT_NAME_NOT_FOUND);
        }
        Ok(Opened::existing(create, device, Vec::new(), NsiFile))
    }
}

impl FileOps for NsiFile {
    fn ioctl(&self, cx: &Cx<'_>, request: &Request<'_>, control: Control) -> Nt<Io> {
        if control.input.length > if control.code == ICMP_ECHO { echo::MOST } else { MOST } {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let input = control.input.read_all(cx.k)?;
        let room = control.output.length;
        let sockets = || sockets(cx);
        let (status, answer) = match control.code {
            ENUMERATE_ALL => enumerate_all(&input, room, &sockets)?,
            GET_ALL_PARAMETERS => (STATUS_SUCCESS, get_all(&input, room, &sockets)?),
            GET_PARAMETER => (STATUS_SUCCESS, get_one(&input, room, &sockets)?),
            ICMP_ECHO => {
                let answer = echo::answer(&input, room)?;
                control.output.write_at(cx.k, 0, &answer)?;
                // iphlpapi takes any other status than this for one that no APC follows.
                let irp = request.pend(cx.k);
                irp.complete(cx.k, STATUS_SUCCESS, answer.len() as u64);
                return Ok(Io::Pending(irp));
            }
            // Nothing of it ever changes: the request ends when it is cancelled.
            CHANGE_NOTIFICATION => {
                let irp = request.pend(cx.k);
                irp.on_cancel(cx.k, |k, irp| {
                    irp.complete(k, STATUS_CANCELLED, 0);
                });
                return Ok(Io::Pending(Arc::clone(&irp)));
            }
            _ => return Err(STATUS_NOT_SUPPORTED),
        };
        control.output.write_at(cx.k, 0, &answer)?;
        Ok(Io::Done(status, room))
    }

    fn as_any(&self) -> &dyn core::any::Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sandbox with a server and a place for datagrams.
    fn one() -> Vec<Seen> {
        let seen = |state| Seen { state, process: 0x24, local: vec![2; 28], peer: vec![0; 28] };
        vec![seen(seen::state::LISTEN), seen(seen::state::NONE)]
    }

    fn head(of: u32, numbers: &[u32]) -> Vec<u8> {
        let mut out = [24u32, 1, of].map(u32::to_le_bytes).concat();
        out.extend_from_slice(&module::REST);
        numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
        out
    }

    #[test]
    fn every_row_has_its_tables_sizes() {
        for of in [module::IPV4, module::IPV6, module::UDP, module::TCP, module::NDIS] {
            for table in (0..32).filter_map(|number| table(of, number, &one)) {
                for row in &table.rows {
                    assert_eq!([0, 1, 2, 3].map(|part| row.0[part].len()), table.sizes);
                }
            }
        }
        assert!(table(module::TCP, 1, &one).is_none() && table(0, 0, &one).is_none());
    }

    #[test]
    fn columns_have_room_for_as_many_rows_as_asked_for() {
        let ask = |most, sizes: [u32; 4], room| {
            let [key, rw, dynamic, fixed] = sizes;
            enumerate_all(&head(module::IPV4, &[1, 0, 10, key, rw, dynamic, fixed, most]), room, &one)
        };
        let (status, out) = ask(3, [16, 0, 8, 0], 4 + 3 * 24).unwrap();
        assert_eq!((status, out.len(), Fields(&out).u32(0)), (STATUS_SUCCESS, 4 + 3 * 24, 1));
        assert_eq!((&out[12..16], Fields(&out).u32(4 + 48 + 4)), (&[127, 0, 0, 1][..], 4));
        assert_eq!(ask(0, [0; 4], 4).unwrap(), (STATUS_SUCCESS, vec![1, 0, 0, 0]));
        assert_eq!(ask(0, [16, 0, 0, 0], 4).unwrap().0, STATUS_BUFFER_OVERFLOW);
        assert_eq!(ask(1, [16, 0, 0, 0], 19), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(ask(1, [15, 0, 0, 0], 99), Err(STATUS_INVALID_PARAMETER));
    }

    #[test]
    fn one_row_and_a_piece_of_it() {
        let mut input = head(module::NDIS, &[1, 0, 8, 0, 0, 600]);
        input.extend_from_slice(&LUID.to_le_bytes());
        let fixed = get_all(&input, 600, &one).unwrap();
        assert_eq!((Fields(&fixed).u32(0), Fields(&fixed).u32(520)), (INDEX, LOOPBACK));
        assert_eq!(get_all(&input, 599, &one), Err(STATUS_INVALID_PARAMETER));
        let mut input = head(module::NDIS, &[1, 2, 4, 2, 0]);
        input.extend_from_slice(&INDEX.to_le_bytes());
        assert_eq!(get_one(&input, 8, &one), Ok(LUID.to_le_bytes().to_vec()));
        assert_eq!(get_one(&input, 9, &one), Err(STATUS_INVALID_PARAMETER));
        input.truncate(44);
        assert!(get_one(&input, 8, &one).is_err());
        input.extend_from_slice(&9u32.to_le_bytes());
        assert_eq!(get_one(&input, 8, &one), Err(STATUS_OBJECT_NAME_NOT_FOUND));
    }

    #[test]
    fn sockets_are_told_by_what_they_do() {
        let child = one().into_iter().map(|seen| Seen { process: 0x28, ..seen });
        assert_eq!(once_each(child.chain(one()).collect()), one());
        let count = |of, number| table(of, number, &one).unwrap().rows.len();
        assert_eq!([3, 4, 5].map(|number| count(module::TCP, number)), [1, 0, 1]);
        let table = table(module::UDP, 1, &one).unwrap();
        assert_eq!((table.rows.len(), Fields(&table.rows[0].0[STATIC]).u32(0)), (1, 0x24));
    }
}
