//! The Unix part of crypt32.dll: the host's root certificates, and keys with certificates from PKCS #12 files.
//!
//! Codes and parameter structures are Wine 10's (`dlls/crypt32/crypt32_private.h`).

use super::Table;
use super::bcrypt::rsa::RsaKey;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::{UserPtr, UserSlice};
use p12_keystore::Pkcs12Archive;
use parking_lot::Mutex;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// `enum unix_funcs`.
mod code {
    pub const PROCESS_ATTACH: u32 = 0;
    pub const PROCESS_DETACH: u32 = 1;
    pub const OPEN_CERT_STORE: u32 = 2;
    pub const IMPORT_STORE_KEY: u32 = 3;
    pub const IMPORT_STORE_CERT: u32 = 4;
    pub const CLOSE_CERT_STORE: u32 = 5;
    pub const ENUM_ROOT_CERTS: u32 = 6;
}

/// Longest PKCS #12 file and longest password taken, in bytes and UTF-16 units.
const LONGEST_FILE: u32 = 16 << 20;
const LONGEST_PASSWORD: u64 = 1024;
/// Longest file of root certificates read.
const LONGEST_ROOTS: usize = 16 << 20;

/// What a PKCS #12 file holds: a key as PRIVATEKEYBLOB, and its certificates, its own first.
pub struct Store {
    key: Vec<u8>,
    certificates: Vec<Vec<u8>>,
}

/// State of the part.
#[derive(Default)]
pub struct Crypt32 {
    stores: Table<Store>,
    /// Root certificates that the DLL has not taken yet, the next one last. Read when first asked for.
    roots: Mutex<Option<Vec<Vec<u8>>>>,
}

/// A Unix call of crypt32.dll.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_BUFFER_TOO_SMALL`, `STATUS_NO_MORE_ENTRIES`, `STATUS_ACCESS_VIOLATION`.
pub fn call(cx: &Cx<'_>, code: u32, arguments: u64) -> Nt {
    match code {
        code::PROCESS_ATTACH | code::PROCESS_DETACH => Ok(STATUS_SUCCESS),
        code::OPEN_CERT_STORE => open(cx, arguments),
        code::IMPORT_STORE_KEY => {
            let [number, buffer, size] = UserPtr::<[u64; 3]>::new(arguments).read(cx.k)?;
            let store = cx.k.crypto.crypt32.stores.get(number).ok_or(STATUS_INVALID_PARAMETER)?;
            answer(cx, &store.key, buffer, size)
        }
        code::IMPORT_STORE_CERT => {
            let [number, index, buffer, size] = UserPtr::<[u64; 4]>::new(arguments).read(cx.k)?;
            let store = cx.k.crypto.crypt32.stores.get(number).ok_or(STATUS_INVALID_PARAMETER)?;
            let certificate = store.certificates.get(index as u32 as usize).ok_or(STATUS_NO_MORE_ENTRIES)?;
            answer(cx, certificate, buffer, size)
        }
        code::CLOSE_CERT_STORE => {
            cx.k.crypto.crypt32.stores.remove(UserPtr::<u64>::new(arguments).read(cx.k)?);
            Ok(STATUS_SUCCESS)
        }
        code::ENUM_ROOT_CERTS => next_root(cx, arguments),
        _ => Err(STATUS_NOT_SUPPORTED),
    }
}

/// Bytes if there is room for them; their number if there is none.
fn answer(cx: &Cx<'_>, bytes: &[u8], buffer: u64, size: u64) -> Nt {
    let size = UserPtr::<u32>::new(size);
    if buffer == 0 || (size.read(cx.k)? as usize) < bytes.len() {
        size.write(cx.k, bytes.len() as u32)?;
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    cx.k.write_user(buffer, bytes)?;
    Ok(STATUS_SUCCESS)
}

/// A CRYPT_DATA_BLOB, a password, and where the store's number goes.
fn open(cx: &Cx<'_>, arguments: u64) -> Nt {
    let [file, password, into] = UserPtr::<[u64; 3]>::new(arguments).read(cx.k)?;
    let [length, address] = UserPtr::<[u64; 2]>::new(file).read(cx.k)?;
    if length as u32 > LONGEST_FILE {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let file = UserSlice::new(address, length & 0xffff_ffff).read_all(cx.k)?;
    let password = if password == 0 { String::new() } else { text(cx, password)? };
    let number = cx.k.crypto.crypt32.stores.insert(parse(&file, &password)?);
    UserPtr::new(into).write(cx.k, number)?;
    Ok(STATUS_SUCCESS)
}

/// A password, up to its zero.
fn text(cx: &Cx<'_>, address: u64) -> Nt<String> {
    let mut units = Vec::new();
    loop {
        match UserPtr::<u16>::new(address).add(units.len() as u64).read(cx.k)? {
            0 => return Ok(String::from_utf16_lossy(&units)),
            _ if units.len() as u64 >= LONGEST_PASSWORD => return Err(STATUS_INVALID_PARAMETER),
            unit => units.push(unit),
        }
    }
}

/// The first RSA key of a PKCS #12 file, and the certificates that lead from its own upwards. Other kinds of keys are absent:
/// the DLL hands keys on to a provider for RSA.
fn parse(file: &[u8], password: &str) -> Nt<Store> {
    let archive = Pkcs12Archive::from_pkcs12(file, password).map_err(|_| STATUS_INVALID_PARAMETER)?;
    let mut keys = archive.keys.iter().filter_map(|held| {
        let key = RsaKey::from_pkcs8(held.key.as_der()).ok()?;
        Some((key, held.local_key_id.as_ref().map(|id| id.0.clone())))
    });
    let (key, id) = keys.next().ok_or(STATUS_INVALID_PARAMETER)?;
    let own = archive.certs.iter().find(|held| id.is_some() && held.local_key_id == id).or(archive.certs.first());
    let mut chain = Vec::new();
    let mut next = own.map(|held| &held.cert);
    while let Some(certificate) = next {
        chain.push(certificate);
        let issuer = archive.certs.iter().map(|held| &held.cert).find(|held| held.subject() == certificate.issuer());
        next = issuer.filter(|issuer| !chain.contains(issuer));
    }
    let certificates = chain.into_iter().map(|certificate| certificate.as_der().to_vec()).collect();
    Ok(Store { key: key.export_capi()?, certificates })
}

/// `{ void *buffer; DWORD size; DWORD *needed; }`: the next root certificate. One that finds no room comes again.
fn next_root(cx: &Cx<'_>, arguments: u64) -> Nt {
    let [buffer, size, needed] = UserPtr::<[u64; 3]>::new(arguments).read(cx.k)?;
    let next = cx.k.crypto.crypt32.roots.lock().get_or_insert_with(|| read_roots(cx.k)).pop();
    let certificate = next.ok_or(STATUS_NO_MORE_ENTRIES)?;
    UserPtr::new(needed).write(cx.k, certificate.len() as u32)?;
    if certificate.len() > size as u32 as usize {
        if let Some(left) = cx.k.crypto.crypt32.roots.lock().as_mut() {
            left.push(certificate);
        }
        return Ok(STATUS_SUCCESS);
    }
    cx.k.write_user(buffer, &certificate)?;
    Ok(STATUS_SUCCESS)
}

/// The host's root certificates; none if the policy or the host gives none.
fn read_roots(k: &'static Kernel) -> Vec<Vec<u8>> {
    let Ok(stream) = k.host.open_roots() else { return Vec::new() };
    let mut text = Vec::new();
    let mut piece = vec![0; 1 << 16];
    while text.len() < LONGEST_ROOTS {
        match k.host.read_bytes(&stream, &mut piece, Some(text.len() as u64)) {
            Ok(0) | Err(_) => break,
            Ok(count) => text.extend_from_slice(piece.get(..count).unwrap_or_default()),
        }
    }
    let mut roots: Vec<Vec<u8>> =
        CertificateDer::pem_slice_iter(&text).filter_map(|one| Some(one.ok()?.to_vec())).collect();
    roots.reverse();
    roots
}
