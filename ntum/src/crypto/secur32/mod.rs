//! The Unix part of secur32.dll: TLS behind SSPI (schannel).
//!
//! Codes and parameter structures are Wine 10's (`dlls/secur32/secur32_priv.h`). What there is: TLS 1.2 with ECDHE and AES-GCM,
//! client and server, RSA certificates of one's own. Absent: TLS 1.0, 1.1 and SSL (rustls has none), TLS 1.3 (the DLL knows none),
//! DTLS, cipher suites without ECDHE or AEAD, renegotiation, client certificates asked for by a server, alerts other than
//! close_notify. NTLM is msv1_0's ([`super::msv1_0`]); Kerberos is absent.

mod credentials;
mod info;
mod provider;
mod session;
pub(super) mod status;
mod verify;

use self::credentials::Identity;
use self::session::{Role, Session};
use self::status::*;
use super::bcrypt::rsa::RsaKey;
use crate::call::Cx;
use crate::status::*;
use crate::um::{UserPtr, UserSlice};
use parking_lot::Mutex;
use std::sync::Arc;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// `enum schan_funcs`.
mod code {
    pub const PROCESS_ATTACH: u32 = 0;
    pub const PROCESS_DETACH: u32 = 1;
    pub const ALLOCATE_CERTIFICATE_CREDENTIALS: u32 = 2;
    pub const CREATE_SESSION: u32 = 3;
    pub const DISPOSE_SESSION: u32 = 4;
    pub const FREE_CERTIFICATE_CREDENTIALS: u32 = 5;
    pub const GET_APPLICATION_PROTOCOL: u32 = 6;
    pub const GET_CIPHER_INFO: u32 = 7;
    pub const GET_CONNECTION_INFO: u32 = 8;
    pub const GET_ENABLED_PROTOCOLS: u32 = 9;
    pub const GET_KEY_SIGNATURE_ALGORITHM: u32 = 10;
    pub const GET_MAX_MESSAGE_SIZE: u32 = 11;
    pub const GET_SESSION_CIPHER_BLOCK_SIZE: u32 = 12;
    pub const GET_SESSION_PEER_CERTIFICATE: u32 = 13;
    pub const GET_UNIQUE_CHANNEL_BINDING: u32 = 14;
    pub const HANDSHAKE: u32 = 15;
    pub const RECV: u32 = 16;
    pub const SEND: u32 = 17;
    pub const SET_APPLICATION_PROTOCOLS: u32 = 18;
    pub const SET_DTLS_MTU: u32 = 19;
    pub const SET_SESSION_TARGET: u32 = 20;
    pub const SET_DTLS_TIMEOUTS: u32 = 21;
}

/// SECPKG_CRED_INBOUND.
const INBOUND: u32 = 1;
/// X509_ASN_ENCODING.
const X509_ASN_ENCODING: u32 = 1;
/// Longest record: header, data, and what encryption may add (RFC 5246, 6.2.3).
const LONGEST_INPUT: u32 = 1 << 20;
/// Longest certificate, key or name taken.
const LONGEST: u32 = 1 << 16;

/// Credentials: perhaps an identity.
pub struct Credentials {
    identity: Option<Arc<Identity>>,
}

/// Connections and credentials of the process.
#[derive(Default)]
pub struct Secur32 {
    credentials: super::Table<Credentials>,
    sessions: super::Table<Mutex<Session>>,
}

/// `schan_credentials`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct CredentialsRaw {
    used_for: u32,
    protocols: u32,
    number: u64,
}

/// Offset of the backend's word in it.
const NUMBER: u64 = 8;

/// A Unix call of secur32.dll.
///
/// # Errors
/// What SSPI functions answer.
pub fn call(cx: &Cx<'_>, code: u32, arguments: u64) -> Nt {
    match code {
        code::PROCESS_ATTACH | code::PROCESS_DETACH => Ok(STATUS_SUCCESS),
        code::ALLOCATE_CERTIFICATE_CREDENTIALS => allocate_credentials(cx, arguments),
        code::CREATE_SESSION => create_session(cx, arguments),
        code::DISPOSE_SESSION => {
            cx.k.crypto.secur32.sessions.remove(UserPtr::<u64>::new(arguments).read(cx.k)?);
            Ok(STATUS_SUCCESS)
        }
        code::FREE_CERTIFICATE_CREDENTIALS => {
            let credentials = UserPtr::<u64>::new(arguments).read(cx.k)?;
            let raw = UserPtr::<CredentialsRaw>::new(credentials).read(cx.k)?;
            cx.k.crypto.secur32.credentials.remove(raw.number);
            Ok(STATUS_SUCCESS)
        }
        code::GET_APPLICATION_PROTOCOL => info::application_protocol(cx, arguments),
        code::GET_CIPHER_INFO => info::cipher(cx, arguments),
        code::GET_CONNECTION_INFO => info::connection(cx, arguments),
        // The answer is the value itself.
        code::GET_ENABLED_PROTOCOLS => Ok(Status(info::TLS1_2_CLIENT | info::TLS1_2_SERVER)),
        code::GET_KEY_SIGNATURE_ALGORITHM => info::signature_algorithm(cx, arguments),
        code::GET_MAX_MESSAGE_SIZE => Ok(Status(info::LONGEST_FRAGMENT)),
        code::GET_SESSION_CIPHER_BLOCK_SIZE => Ok(Status(info::BLOCK)),
        code::GET_SESSION_PEER_CERTIFICATE => info::peer_certificates(cx, arguments),
        code::GET_UNIQUE_CHANNEL_BINDING => info::unique_binding(cx, arguments),
        code::HANDSHAKE => handshake(cx, arguments),
        code::RECV => receive(cx, arguments),
        code::SEND => send(cx, arguments),
        code::SET_APPLICATION_PROTOCOLS => set_protocols(cx, arguments),
        code::SET_SESSION_TARGET => set_target(cx, arguments),
        code::SET_DTLS_MTU | code::SET_DTLS_TIMEOUTS => Err(SEC_E_UNSUPPORTED_FUNCTION),
        _ => Err(STATUS_NOT_SUPPORTED),
    }
}

/// The session with a number that a guest gave.
fn session(cx: &Cx<'_>, number: u64) -> Nt<Arc<Mutex<Session>>> {
    cx.k.crypto.secur32.sessions.get(number).ok_or(SEC_E_INVALID_HANDLE)
}

fn load(cx: &Cx<'_>, address: u64, length: u32, longest: u32) -> Nt<Vec<u8>> {
    if length > longest {
        return Err(STATUS_INVALID_PARAMETER);
    }
    UserSlice::new(address, length.into()).read_all(cx.k)
}

/// `struct allocate_certificate_credentials_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Allocate {
    credentials: u64,
    encoding: u32,
    certificate_size: u32,
    certificate: u64,
    key_size: u32,
    pad: u32,
    key: u64,
}

fn allocate_credentials(cx: &Cx<'_>, arguments: u64) -> Nt {
    let raw = UserPtr::<Allocate>::new(arguments).read(cx.k)?;
    let identity = if raw.certificate == 0 {
        None
    } else {
        if raw.encoding != X509_ASN_ENCODING {
            return Err(STATUS_INTERNAL_ERROR);
        }
        let certificate = load(cx, raw.certificate, raw.certificate_size, LONGEST)?;
        let key = RsaKey::import_capi(&load(cx, raw.key, raw.key_size, LONGEST)?)?;
        Some(Arc::new(Identity::new(cx.k, certificate, key)))
    };
    let number = cx.k.crypto.secur32.credentials.insert(Credentials { identity });
    UserPtr::new(raw.credentials.wrapping_add(NUMBER)).write(cx.k, number)?;
    Ok(STATUS_SUCCESS)
}

fn create_session(cx: &Cx<'_>, arguments: u64) -> Nt {
    let [credentials, into] = UserPtr::<[u64; 2]>::new(arguments).read(cx.k)?;
    let raw = UserPtr::<CredentialsRaw>::new(credentials).read(cx.k)?;
    let credentials = cx.k.crypto.secur32.credentials.get(raw.number).ok_or(STATUS_INTERNAL_ERROR)?;
    let role = if raw.used_for == INBOUND { Role::Server } else { Role::Client };
    let session = Session::new(role, credentials.identity.clone());
    let number = cx.k.crypto.secur32.sessions.insert(Mutex::new(session));
    UserPtr::new(into).write(cx.k, number)?;
    Ok(STATUS_SUCCESS)
}

/// SecBuffer.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Buffer {
    size: u32,
    kind: u32,
    address: u64,
}

/// The buffers of a SecBufferDesc; none if there is none.
fn buffers(cx: &Cx<'_>, description: u64) -> Nt<Vec<Buffer>> {
    /// More than any SSPI function has a use for.
    const MOST: u32 = 64;
    if description == 0 {
        return Ok(Vec::new());
    }
    let [_version, count] = UserPtr::<[u32; 2]>::new(description).read(cx.k)?;
    if count > MOST {
        return Err(SEC_E_INVALID_TOKEN);
    }
    let first = UserPtr::<u64>::new(description.wrapping_add(8)).read(cx.k)?;
    UserPtr::<Buffer>::new(first).read_vec(cx.k, count as usize)
}

/// The first `limit` bytes of buffers that follow each other.
fn gather(cx: &Cx<'_>, from: &[Buffer], limit: u32) -> Nt<Vec<u8>> {
    let mut bytes = Vec::new();
    for buffer in from {
        let left = limit.saturating_sub(bytes.len() as u32).min(buffer.size);
        bytes.extend(load(cx, buffer.address, left, LONGEST_INPUT)?);
    }
    Ok(bytes)
}

/// Where output ended: the buffer's place, -1 for none, and bytes in it. What found no room is how many bytes from the end.
fn scatter(cx: &Cx<'_>, into: &[Buffer], bytes: &[u8], place: u64, offset: u64) -> Nt<usize> {
    let mut rest = bytes;
    let mut last = (u32::MAX, 0);
    for (index, buffer) in into.iter().enumerate() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at(rest.len().min(buffer.size as usize));
        if now.is_empty() {
            continue;
        }
        cx.k.write_user(buffer.address, now)?;
        last = (index as u32, now.len() as u32);
        rest = later;
    }
    if last.0 != u32::MAX {
        UserPtr::new(place).write(cx.k, last.0)?;
        UserPtr::new(offset).write(cx.k, last.1)?;
    }
    Ok(rest.len())
}

/// Hands a session's output to the guest and keeps what found no room; whether all found some.
fn flush(cx: &Cx<'_>, session: &Mutex<Session>, into: &[Buffer], place: u64, offset: u64) -> Nt<bool> {
    let output = session.lock().take_output();
    let left = scatter(cx, into, &output, place, offset)?;
    if left > 0 {
        session.lock().put_back(output.get(output.len() - left..).unwrap_or_default());
    }
    Ok(left == 0)
}

/// `struct handshake_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Handshake {
    session: u64,
    input: u64,
    input_size: u32,
    pad: u32,
    output: u64,
    input_offset: u64,
    output_place: u64,
    output_offset: u64,
    /// `enum control_token`: none, shutdown, alert.
    token: u32,
    alert_type: u32,
    alert_number: u32,
    pad2: u32,
}

fn handshake(cx: &Cx<'_>, arguments: u64) -> Nt {
    const NO_TOKEN: u32 = 0;
    /// TLS1_ALERT_CLOSE_NOTIFY.
    const CLOSE_NOTIFY: u32 = 0;
    let raw = UserPtr::<Handshake>::new(arguments).read(cx.k)?;
    let session = session(cx, raw.session)?;
    let input = gather(cx, &buffers(cx, raw.input)?, raw.input_size)?;
    let output = buffers(cx, raw.output)?;
    let (taken, status) = match (raw.token, raw.alert_number) {
        (NO_TOKEN, _) => session.lock().handshake(cx.k, &input),
        (_, CLOSE_NOTIFY) => (0, session.lock().shut_down().map(|()| SEC_E_OK)),
        _ => (0, Err(SEC_E_UNSUPPORTED_FUNCTION)),
    };
    UserPtr::new(raw.input_offset).write(cx.k, taken as u32)?;
    let all = flush(cx, &session, &output, raw.output_place, raw.output_offset)?;
    // With output left over the caller has to come again.
    if all { status } else { status.map(|_| SEC_I_CONTINUE_NEEDED) }
}

/// `struct recv_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Receive {
    session: u64,
    input: u64,
    input_size: u32,
    pad: u32,
    buffer: u64,
    length: u64,
}

fn receive(cx: &Cx<'_>, arguments: u64) -> Nt {
    let raw = UserPtr::<Receive>::new(arguments).read(cx.k)?;
    let session = session(cx, raw.session)?;
    let input = gather(cx, &buffers(cx, raw.input)?, raw.input_size)?;
    let length = UserPtr::<u32>::new(raw.length);
    let room = length.read(cx.k)?;
    let (data, status) = session.lock().receive(&input, room as usize)?;
    cx.k.write_user(raw.buffer, &data)?;
    length.write(cx.k, data.len() as u32)?;
    Ok(status)
}

/// `struct send_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Send {
    session: u64,
    output: u64,
    buffer: u64,
    length: u32,
    pad: u32,
    output_place: u64,
    output_offset: u64,
}

fn send(cx: &Cx<'_>, arguments: u64) -> Nt {
    let raw = UserPtr::<Send>::new(arguments).read(cx.k)?;
    let session = session(cx, raw.session)?;
    let output = buffers(cx, raw.output)?;
    let data = load(cx, raw.buffer, raw.length, LONGEST_INPUT)?;
    // A record that does not fit must not leave half of itself: it could never be mended.
    let room: u64 = output.iter().map(|buffer| u64::from(buffer.size)).sum();
    let records = (data.len() as u64).div_ceil(info::LONGEST_FRAGMENT.into()).max(1);
    if room < data.len() as u64 + records * info::OVERHEAD {
        return Err(SEC_E_BUFFER_TOO_SMALL);
    }
    session.lock().send(&data)?;
    let all = flush(cx, &session, &output, raw.output_place, raw.output_offset)?;
    Ok(if all { SEC_E_OK } else { SEC_I_CONTINUE_NEEDED })
}

/// SEC_APPLICATION_PROTOCOLS with one list, as RFC 7301 writes it.
fn set_protocols(cx: &Cx<'_>, arguments: u64) -> Nt {
    /// SecApplicationProtocolNegotiationExt_ALPN.
    const ALPN: u32 = 2;
    let [number, buffer, length] = UserPtr::<[u64; 3]>::new(arguments).read(cx.k)?;
    let session = session(cx, number)?;
    let bytes = load(cx, buffer, length as u32, LONGEST)?;
    let word = |at: usize| -> Nt<u32> {
        let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).ok_or(STATUS_INVALID_PARAMETER)?;
        Ok(u32::from_le_bytes(word))
    };
    word(0)?;
    if word(4)? != ALPN {
        return Err(STATUS_NOT_SUPPORTED);
    }
    let size = bytes.get(8..10).and_then(|size| size.try_into().ok()).ok_or(STATUS_INVALID_PARAMETER)?;
    let size = usize::from(u16::from_le_bytes(size));
    let mut list = bytes.get(10..10 + size).ok_or(STATUS_INVALID_PARAMETER)?;
    let mut protocols = Vec::new();
    while let Some((length, rest)) = list.split_first() {
        let (name, rest) = rest.split_at_checked((*length).into()).ok_or(STATUS_INVALID_PARAMETER)?;
        if name.is_empty() {
            return Err(STATUS_INVALID_PARAMETER);
        }
        protocols.push(name.to_vec());
        list = rest;
    }
    session.lock().set_protocols(protocols);
    Ok(STATUS_SUCCESS)
}

/// The name that the client asks for, as a C string.
fn set_target(cx: &Cx<'_>, arguments: u64) -> Nt {
    const LONGEST_NAME: u64 = 255;
    let [number, name] = UserPtr::<[u64; 2]>::new(arguments).read(cx.k)?;
    let session = session(cx, number)?;
    let mut text = Vec::new();
    loop {
        match UserPtr::<u8>::new(name).add(text.len() as u64).read(cx.k)? {
            0 => break,
            _ if text.len() as u64 >= LONGEST_NAME => return Err(STATUS_INVALID_PARAMETER),
            byte => text.push(byte),
        }
    }
    session.lock().set_target(String::from_utf8(text).map_err(|_| STATUS_INVALID_PARAMETER)?);
    Ok(STATUS_SUCCESS)
}
