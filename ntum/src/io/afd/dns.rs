//! The Unix part of dnsapi (`dlls/dnsapi/dnsapi.h` of Wine 10): addresses of names through the monitor, under the policy, told as the
//! message that a name server would have sent (RFC 1035, section 4). Which servers there are the sandbox is not told.

use super::names::{resolve, text};
use crate::answer::Fields;
use crate::call::Cx;
use crate::status::*;
use crate::um::UserPtr;
use std::net::IpAddr;

/// Codes of the Unix part.
mod code {
    pub const GET_SEARCHLIST: u32 = 0;
    pub const GET_SERVERLIST: u32 = 1;
    pub const SET_SERVERLIST: u32 = 2;
    pub const QUERY: u32 = 3;
}

/// Kinds of records.
const A: u16 = 1;
const AAAA: u16 = 28;

const ERROR_MORE_DATA: Status = Status(234);
const DNS_ERROR_RCODE_NAME_ERROR: Status = Status(9003);
const DNS_ERROR_RCODE_REFUSED: Status = Status(9005);
const DNS_INFO_NO_RECORDS: Status = Status(9501);

/// Seconds that an answer may be kept: as long as the monitor takes one for new.
const KEPT: u32 = 5;

/// Carries a call out; answers 0, or a Win32 error.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn call(cx: &Cx<'_>, code: u32, arguments: u64) -> Nt {
    match code {
        // { list, len }: no domains that are tried, a list that ends at once.
        code::GET_SEARCHLIST => {
            let [list, length_at] = UserPtr::<[u64; 2]>::new(arguments).read(cx.k)?;
            let length = UserPtr::<u32>::new(length_at);
            let room = length.read(cx.k)?;
            length.write(cx.k, 2)?;
            match (list, room) {
                (0, _) => Ok(STATUS_SUCCESS),
                (_, 0..2) => Ok(ERROR_MORE_DATA),
                _ => cx.k.write_user(list, &[0; 2]).map(|()| STATUS_SUCCESS),
            }
        }
        code::GET_SERVERLIST => servers(cx, arguments),
        // The monitor asks whom the host asks.
        code::SET_SERVERLIST => Ok(STATUS_SUCCESS),
        code::QUERY => query(cx, arguments),
        _ => Err(STATUS_NOT_SUPPORTED),
    }
}

/// { family, addrs, len }: a DNS_ADDR_ARRAY of no servers. iphlpapi takes it for a failure if there is no such list.
fn servers(cx: &Cx<'_>, arguments: u64) -> Nt {
    const HEAD: u32 = 32;
    let [_, list, length_at] = UserPtr::<[u64; 3]>::new(arguments).read(cx.k)?;
    let length = UserPtr::<u32>::new(length_at);
    let room = length.read(cx.k)?;
    length.write(cx.k, HEAD)?;
    match (list, room) {
        (0, _) => Ok(STATUS_SUCCESS),
        (_, 0..HEAD) => Ok(ERROR_MORE_DATA),
        _ => cx.k.write_user(list, &[0; HEAD as usize]).map(|()| STATUS_SUCCESS),
    }
}

/// { name, type, options, buf, len }.
fn query(cx: &Cx<'_>, arguments: u64) -> Nt {
    let [name, kind, buffer, length_at] = UserPtr::<[u64; 4]>::new(arguments).read(cx.k)?;
    let kind = Fields(&kind.to_le_bytes()).u16(0);
    let name = text(cx.k, name)?.unwrap_or_default();
    if !matches!(kind, A | AAAA) {
        return Ok(DNS_ERROR_RCODE_REFUSED);
    }
    let Ok(found) = resolve(cx, name.strip_suffix('.').unwrap_or(&name)) else {
        return Ok(DNS_ERROR_RCODE_NAME_ERROR);
    };
    let of_kind = |ip: &&IpAddr| ip.is_ipv4() == (kind == A);
    let addresses: Vec<IpAddr> = found.addresses.iter().filter(of_kind).copied().collect();
    if addresses.is_empty() {
        return Ok(DNS_INFO_NO_RECORDS);
    }
    let Some(message) = answer(&name, kind, &addresses) else { return Ok(DNS_ERROR_RCODE_NAME_ERROR) };
    let length = UserPtr::<u32>::new(length_at);
    if message.len() > length.read(cx.k)? as usize {
        return Ok(ERROR_MORE_DATA);
    }
    cx.k.write_user(buffer, &message)?;
    length.write(cx.k, message.len() as u32)?;
    Ok(STATUS_SUCCESS)
}

/// A message with one question and its answers; none for what is no name.
fn answer(name: &str, kind: u16, addresses: &[IpAddr]) -> Option<Vec<u8>> {
    /// An answer, recursion was wanted and is there.
    const FLAGS: u16 = 0x8180;
    const INTERNET: u16 = 1;
    /// The question's name, by its place in the message.
    const SAME_NAME: u16 = 0xc00c;
    let count = addresses.len().min(usize::from(u8::MAX));
    let mut out: Vec<u8> = [0, FLAGS, 1, count as u16, 0, 0].map(u16::to_be_bytes).concat();
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length))?;
        out.push(length);
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    out.extend([kind, INTERNET].map(u16::to_be_bytes).concat());
    for ip in addresses.iter().take(count) {
        let data = match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        out.extend([SAME_NAME, kind, INTERNET].map(u16::to_be_bytes).concat());
        out.extend_from_slice(&KEPT.to_be_bytes());
        out.extend_from_slice(&(data.len() as u16).to_be_bytes());
        out.extend_from_slice(&data);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_its_question_and_answers() {
        let message = answer("a.bc.", A, &["1.2.3.4".parse().unwrap(), "5.6.7.8".parse().unwrap()]).unwrap();
        let question = [0, 0, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0, 1, b'a', 2, b'b', b'c', 0, 0, 1, 0, 1];
        assert_eq!(message[..question.len()], question);
        let record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 1, 2, 3, 4];
        assert_eq!(message[question.len()..][..record.len()], record);
        assert_eq!(message.len(), question.len() + 2 * record.len());
        assert!(answer("a..b", A, &[]).is_none() && answer(&"x".repeat(64), A, &[]).is_none());
    }
}
