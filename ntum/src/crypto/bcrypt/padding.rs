//! Paddings of RSA as the guest describes them, and the names of hashes.

use crate::call::Cx;
use crate::status::*;
use crate::um::UserPtr;

/// BCRYPT_PAD_NONE is refused by the DLL itself.
pub const PAD_PKCS1: u32 = 2;
/// BCRYPT_PAD_OAEP.
pub const PAD_OAEP: u32 = 4;
/// BCRYPT_PAD_PSS.
pub const PAD_PSS: u32 = 8;

/// A hash that a padding names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Digest {
    Md2,
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    /// By the name that `bcrypt.h` gives it.
    pub fn named(name: &str) -> Option<Digest> {
        Some(match name {
            "MD2" => Digest::Md2,
            "MD5" => Digest::Md5,
            "SHA1" => Digest::Sha1,
            "SHA256" => Digest::Sha256,
            "SHA384" => Digest::Sha384,
            "SHA512" => Digest::Sha512,
            _ => return None,
        })
    }

    /// Bytes of its output.
    pub fn size(self) -> usize {
        match self {
            Digest::Md2 | Digest::Md5 => 16,
            Digest::Sha1 => 20,
            Digest::Sha256 => 32,
            Digest::Sha384 => 48,
            Digest::Sha512 => 64,
        }
    }

    /// What stands before it in a signature of PKCS #1 1.5: a DigestInfo up to the octets (RFC 8017, 9.2, note 1).
    pub fn prefix(self) -> Vec<u8> {
        let id: &[u8] = match self {
            Digest::Md2 => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x02],
            Digest::Md5 => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05],
            Digest::Sha1 => &[0x2b, 0x0e, 0x03, 0x02, 0x1a],
            Digest::Sha256 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
            Digest::Sha384 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
            Digest::Sha512 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
        };
        let (id_length, size) = (id.len() as u8, self.size() as u8);
        let mut prefix = vec![0x30, 8 + id_length + size, 0x30, 4 + id_length, 6, id_length];
        prefix.extend_from_slice(id);
        prefix.extend_from_slice(&[5, 0, 4, size]);
        prefix
    }
}

/// The name of a hash at a guest's address.
fn digest(cx: &Cx<'_>, address: u64) -> Nt<Option<Digest>> {
    if address == 0 {
        return Ok(None);
    }
    let mut name = String::new();
    for index in 0..8 {
        match UserPtr::<u16>::new(address).add(index).read(cx.k)? {
            0 => return Digest::named(&name).map(Some).ok_or(STATUS_NOT_SUPPORTED),
            unit => name.push(char::from_u32(unit.into()).unwrap_or('?')),
        }
    }
    Err(STATUS_NOT_SUPPORTED)
}

/// A padding.
pub enum Padding {
    /// PKCS #1 1.5; without a hash, the bytes are signed as they are.
    Pkcs1(Option<Digest>),
    /// OAEP.
    Oaep(Digest, Vec<u8>),
    /// PSS, with the salt's length.
    Pss(Digest, usize),
}

/// BCRYPT_PKCS1_PADDING_INFO.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` if there is none; `STATUS_NOT_SUPPORTED` for an unknown hash.
pub fn pkcs1(cx: &Cx<'_>, info: u64) -> Nt<Padding> {
    if info == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    Ok(Padding::Pkcs1(digest(cx, UserPtr::<u64>::new(info).read(cx.k)?)?))
}

/// BCRYPT_PSS_PADDING_INFO.
///
/// # Errors
/// As [`pkcs1`]; `nameless` if no hash is named.
pub fn pss(cx: &Cx<'_>, info: u64, nameless: Status) -> Nt<Padding> {
    if info == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let [name, salt] = UserPtr::<[u64; 2]>::new(info).read(cx.k)?;
    let digest = digest(cx, name)?.ok_or(nameless)?;
    Ok(Padding::Pss(digest, salt as u32 as usize))
}

/// BCRYPT_OAEP_PADDING_INFO.
///
/// # Errors
/// As [`pkcs1`].
pub fn oaep(cx: &Cx<'_>, info: u64) -> Nt<Padding> {
    if info == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let [name, label, length] = UserPtr::<[u64; 3]>::new(info).read(cx.k)?;
    let digest = digest(cx, name)?.ok_or(STATUS_INVALID_PARAMETER)?;
    let label = if label == 0 { Vec::new() } else { super::load(cx, label, length as u32)? };
    Ok(Padding::Oaep(digest, label))
}
