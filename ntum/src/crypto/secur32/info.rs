//! What a program asks about a connection.

use super::session;
use super::session::{Role, Session};
use super::status::*;
use crate::call::Cx;
use crate::status::*;
use crate::um::UserPtr;
use parking_lot::Mutex;
use rustls::{CipherSuite, NamedGroup};
use std::sync::Arc;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// SP_PROT_TLS1_2_CLIENT and SP_PROT_TLS1_2_SERVER.
pub const TLS1_2_CLIENT: u32 = 0x800;
pub const TLS1_2_SERVER: u32 = 0x400;
/// Bytes of data in a record at most.
pub const LONGEST_FRAGMENT: u32 = 16384;
/// Bytes that AES-GCM adds to the data of a record, with its header.
pub const OVERHEAD: u64 = 5 + 8 + 16;
/// Bytes of AES's block.
pub const BLOCK: u32 = 16;

const CALG_AES_128: u32 = 0x660e;
const CALG_AES_256: u32 = 0x6610;
const CALG_SHA_256: u32 = 0x800c;
const CALG_SHA_384: u32 = 0x800d;
const CALG_ECDH_EPHEM: u32 = 0xae06;
const CALG_RSA_SIGN: u32 = 0x2400;
const CALG_ECDSA: u32 = 0x2203;

/// A suite as Windows describes it.
struct Suite {
    number: u32,
    name: &'static str,
    bits: u32,
    hash: u32,
    signature: &'static str,
}

/// What was agreed on; nothing before the handshake came that far.
fn suite(session: &Mutex<Session>) -> Option<Suite> {
    let agreed = session.lock().connection()?.negotiated_cipher_suite()?.suite();
    let (name, bits, hash, signature) = match agreed {
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => {
            ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 256, CALG_SHA_384, "ECDSA")
        }
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => {
            ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 128, CALG_SHA_256, "ECDSA")
        }
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => {
            ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 256, CALG_SHA_384, "RSA")
        }
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => {
            ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 128, CALG_SHA_256, "RSA")
        }
        _ => return None,
    };
    Some(Suite { number: u16::from(agreed).into(), name, bits, hash, signature })
}

fn named(cx: &Cx<'_>, arguments: u64) -> Nt<(Arc<Mutex<Session>>, u64)> {
    let [number, into] = UserPtr::<[u64; 2]>::new(arguments).read(cx.k)?;
    Ok((session(cx, number)?, into))
}

/// SecPkgContext_ConnectionInfo; zeros before the handshake came that far. AEAD has no separate strength of a hash.
pub fn connection(cx: &Cx<'_>, arguments: u64) -> Nt {
    let (session, into) = named(cx, arguments)?;
    let mut info = [0u32; 7];
    if let Some(suite) = suite(&session) {
        let session = session.lock();
        let protocol = if session.role == Role::Server { TLS1_2_SERVER } else { TLS1_2_CLIENT };
        let group = session.connection().and_then(|connection| connection.negotiated_key_exchange_group());
        let exchange = match group.map(|group| group.name()) {
            Some(NamedGroup::secp384r1) => 384,
            Some(NamedGroup::secp256r1) => 256,
            Some(NamedGroup::X25519) => 255,
            _ => 0,
        };
        let cipher = if suite.bits == 256 { CALG_AES_256 } else { CALG_AES_128 };
        info = [protocol, cipher, suite.bits, suite.hash, 0, CALG_ECDH_EPHEM, exchange];
    }
    UserPtr::new(into).write(cx.k, info)?;
    Ok(SEC_E_OK)
}

/// SecPkgContext_CipherInfo behind its version.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct CipherInfo {
    protocol: u32,
    suite: u32,
    base_suite: u32,
    suite_name: [u16; 64],
    cipher: [u16; 64],
    cipher_bits: u32,
    block: u32,
    hash: [u16; 64],
    hash_bits: u32,
    exchange: [u16; 64],
    exchange_least: u32,
    exchange_most: u32,
    certificate: [u16; 64],
    key_type: u32,
}

/// SecPkgContext_CipherInfo.
pub fn cipher(cx: &Cx<'_>, arguments: u64) -> Nt {
    fn text(text: &str) -> [u16; 64] {
        let mut units = [0; 64];
        units.iter_mut().take(63).zip(text.encode_utf16()).for_each(|(into, unit)| *into = unit);
        units
    }
    const TLS_1_2: u32 = 0x303;
    let (session, into) = named(cx, arguments)?;
    let suite = suite(&session).ok_or(SEC_E_INTERNAL_ERROR)?;
    let info = CipherInfo {
        protocol: TLS_1_2,
        suite: suite.number,
        base_suite: suite.number,
        suite_name: text(suite.name),
        cipher: text("AES"),
        cipher_bits: suite.bits,
        block: BLOCK,
        // AEAD: no hash of its own.
        hash: text(""),
        hash_bits: 0,
        exchange: text("ECDH"),
        exchange_least: 0,
        exchange_most: 65536,
        certificate: text(suite.signature),
        key_type: 0,
    };
    UserPtr::new(into.wrapping_add(4)).write(cx.k, info)?;
    Ok(SEC_E_OK)
}

/// CALG_RSA_SIGN or CALG_ECDSA: the answer is the value itself.
pub fn signature_algorithm(cx: &Cx<'_>, arguments: u64) -> Nt {
    let session = session(cx, UserPtr::<u64>::new(arguments).read(cx.k)?)?;
    Ok(Status(match suite(&session) {
        None => 0,
        Some(suite) if suite.signature == "RSA" => CALG_RSA_SIGN,
        Some(_) => CALG_ECDSA,
    }))
}

/// SecPkgContext_ApplicationProtocol.
pub fn application_protocol(cx: &Cx<'_>, arguments: u64) -> Nt {
    /// SecApplicationProtocolNegotiationStatus_Success, SecApplicationProtocolNegotiationExt_ALPN.
    const SUCCESS: u8 = 1;
    const ALPN: u8 = 2;
    let (session, into) = named(cx, arguments)?;
    let mut info = [0u8; 264];
    if let Some(name) = session.lock().connection().and_then(|connection| connection.alpn_protocol())
        && let Ok(length) = u8::try_from(name.len())
        && let Some(space) = info.get_mut(9..9 + name.len())
    {
        space.copy_from_slice(name);
        (info[0], info[4], info[8]) = (SUCCESS, ALPN, length);
    }
    UserPtr::new(into).write(cx.k, info)?;
    Ok(SEC_E_OK)
}

/// The peer's certificates: their sizes, then they themselves.
pub fn peer_certificates(cx: &Cx<'_>, arguments: u64) -> Nt {
    let [number, buffer, size, count] = UserPtr::<[u64; 4]>::new(arguments).read(cx.k)?;
    let session = session(cx, number)?;
    let certificates = {
        let session = session.lock();
        session.connection().and_then(|connection| connection.peer_certificates()).map(<[_]>::to_vec)
    };
    let certificates = certificates.ok_or(SEC_E_INTERNAL_ERROR)?;
    let mut bytes: Vec<u8> = certificates.iter().flat_map(|one| (one.len() as u32).to_le_bytes()).collect();
    certificates.iter().for_each(|one| bytes.extend_from_slice(one));
    answer(cx, &bytes, buffer, UserPtr::new(size))?;
    UserPtr::new(count).write(cx.k, certificates.len() as u32)?;
    Ok(SEC_E_OK)
}

/// `tls-unique` (RFC 5929).
pub fn unique_binding(cx: &Cx<'_>, arguments: u64) -> Nt {
    let [number, buffer, size] = UserPtr::<[u64; 3]>::new(arguments).read(cx.k)?;
    let session = session(cx, number)?;
    let unique = session.lock().unique.ok_or(SEC_E_INTERNAL_ERROR)?;
    answer(cx, &unique, buffer, UserPtr::new(size))
}

/// Bytes if there is room for them, and their number in any case.
fn answer(cx: &Cx<'_>, bytes: &[u8], buffer: u64, size: UserPtr<u32>) -> Nt {
    let room = if buffer == 0 { 0 } else { size.read(cx.k)? };
    size.write(cx.k, bytes.len() as u32)?;
    if (room as usize) < bytes.len() {
        return Err(SEC_E_BUFFER_TOO_SMALL);
    }
    cx.k.write_user(buffer, bytes)?;
    Ok(SEC_E_OK)
}
