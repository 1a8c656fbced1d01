//! Echo requests of ICMP, for IcmpSendEcho and so for `ping`. The loopback network answers, which is as near as this kernel; no packet leaves a
//! sandbox, so nothing else is to be reached.

use crate::answer::Fields;
use crate::status::*;
use std::net::Ipv4Addr;

/// Longest input: its head, options and data.
pub const MOST: u64 = 0x1_0200;
/// Bytes of data that a packet of IPv4 has room for.
const MOST_DATA: usize = 65_507;

/// AF_INET.
const INET: u16 = 2;
/// IP_GENERAL_FAILURE: what is told when there is no route, and when an answer has no room.
const GENERAL_FAILURE: u32 = 11_050;
/// How many more networks an answer could have passed.
const HOPS: u8 = 128;

/// ICMP_ECHO_REPLY as its caller has it, by the bits of its pointers.
struct Reply {
    wide: bool,
    /// Where it lies for the caller.
    at: u64,
}

impl Reply {
    fn size(&self) -> usize {
        if self.wide { 40 } else { 28 }
    }

    fn pointer(&self, out: &mut Vec<u8>, address: u64) {
        let bytes = address.to_le_bytes();
        out.extend_from_slice(if self.wide { &bytes } else { &bytes[..4] });
    }

    /// With nothing but a status.
    fn failed(&self, status: u32) -> Vec<u8> {
        let mut out = [0, status].map(u32::to_le_bytes).concat();
        out.resize(self.size(), 0);
        out
    }

    /// One packet came back with this data.
    fn came(&self, from: Ipv4Addr, service: u8, data: &[u8]) -> Vec<u8> {
        let behind = self.at.wrapping_add(self.size() as u64);
        let mut out = from.octets().to_vec();
        // Status, and the milliseconds that it took.
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&(data.len() as u16).to_le_bytes());
        out.extend_from_slice(&1u16.to_le_bytes());
        self.pointer(&mut out, behind);
        // Time to live, type of service, flags, bytes of options.
        out.extend_from_slice(&[HOPS, service, 0, 0]);
        out.resize(out.len().next_multiple_of(if self.wide { 8 } else { 4 }), 0);
        self.pointer(&mut out, behind);
        out.extend_from_slice(data);
        out
    }
}

/// The answer to an echo request: `nsiproxy_icmp_echo` of `wine/nsi.h` comes in, an ICMP_ECHO_REPLY and its data go out.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` for a form that is none and a reply without room for its head, `STATUS_INVALID_ADDRESS_WILDCARD` for no address.
pub fn answer(input: &[u8], room: u64) -> Nt<Vec<u8>> {
    const TO_AT: usize = 28;
    const DATA_AT: usize = 80;
    if input.len() < DATA_AT {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let fields = Fields(input);
    let reply = Reply { wide: fields.bytes(64, 1)? != [32], at: fields.u64(56) };
    if fields.u16(TO_AT) != INET || room < reply.size() as u64 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let options = (fields.u32(68) as usize).next_multiple_of(4);
    let begin = DATA_AT.checked_add(options).ok_or(STATUS_INVALID_PARAMETER)?;
    let data = fields.bytes(begin, fields.u32(72) as usize)?;
    let to = Ipv4Addr::from(fields.u32(TO_AT + 4).to_le_bytes());
    if to.is_unspecified() {
        return Err(STATUS_INVALID_ADDRESS_WILDCARD);
    }
    let fits = data.len() <= MOST_DATA && (reply.size() + data.len()) as u64 <= room;
    if !to.is_loopback() || !fits {
        return Ok(reply.failed(GENERAL_FAILURE));
    }
    let service = fields.bytes(66, 1)?.first().copied().unwrap_or(0);
    Ok(reply.came(to, service, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(to: [u8; 4], bits: u8, options: u32, data: &[u8]) -> Vec<u8> {
        let mut out = vec![0; 80 + options.next_multiple_of(4) as usize];
        out[28..30].copy_from_slice(&INET.to_le_bytes());
        out[32..36].copy_from_slice(&to);
        out[56..64].copy_from_slice(&0x1000u64.to_le_bytes());
        out[64..68].copy_from_slice(&[bits, 0, 3, 0]);
        out[68..72].copy_from_slice(&options.to_le_bytes());
        out[72..76].copy_from_slice(&(data.len() as u32).to_le_bytes());
        out.extend_from_slice(data);
        out
    }

    #[test]
    fn loopback_answers_with_what_was_sent() {
        let out = answer(&request([127, 1, 2, 3], 64, 3, b"hello"), 45).unwrap();
        let fields = Fields(&out);
        assert_eq!((&out[..4], fields.u32(4), fields.u16(12), fields.u16(14)), (&[127, 1, 2, 3][..], 0, 5, 1));
        assert_eq!((fields.u64(16), &out[24..28], fields.u64(32)), (0x1028, &[128, 3, 0, 0][..], 0x1028));
        assert_eq!(&out[40..], b"hello");
        let out = answer(&request([127, 0, 0, 1], 32, 0, b""), 28).unwrap();
        assert_eq!((out.len(), Fields(&out).u32(16), Fields(&out).u32(24)), (28, 0x101c, 0x101c));
    }

    #[test]
    fn others_and_answers_without_room_fail() {
        for (to, data, room) in [([192, 0, 2, 1], &b""[..], 99), ([127, 0, 0, 1], b"hello", 44)] {
            let out = answer(&request(to, 64, 0, data), room).unwrap();
            assert_eq!((out.len(), Fields(&out).u32(4), Fields(&out).u16(14)), (40, GENERAL_FAILURE, 0));
        }
        assert_eq!(answer(&request([0; 4], 64, 0, b""), 99), Err(STATUS_INVALID_ADDRESS_WILDCARD));
        assert_eq!(answer(&request([127, 0, 0, 1], 64, 0, b""), 39), Err(STATUS_INVALID_PARAMETER));
        let whole = request([127, 0, 0, 1], 64, 0, b"hello");
        assert!((0..whole.len()).all(|length| answer(&whole[..length], 99).is_err()));
        for size in [u32::MAX, 0x7fff_ffff, 6] {
            let mut odd = whole.clone();
            odd[68..72].copy_from_slice(&size.to_le_bytes());
            assert!(answer(&odd, 99).is_err());
            let mut odd = whole.clone();
            odd[72..76].copy_from_slice(&size.to_le_bytes());
            assert!(answer(&odd, 99).is_err());
        }
    }
}
