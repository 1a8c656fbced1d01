//! The Unix part of bcrypt.dll: ciphers and public keys. Hashes, random numbers and key derivation are the DLL's own.
//!
//! Codes, parameter structures and `struct key` are Wine 10's (`dlls/bcrypt/bcrypt_internal.h`).

pub mod asymmetric;
mod blob;
mod dh;
mod dsa;
pub(in crate::crypto) mod ec;
pub(in crate::crypto) mod padding;
pub(in crate::crypto) mod rsa;
pub mod symmetric;

use crate::call::Cx;
use crate::status::*;
use crate::um::{UserPtr, UserSlice};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// `enum key_funcs`.
mod code {
    pub const PROCESS_ATTACH: u32 = 0;
    pub const PROCESS_DETACH: u32 = 1;
    pub const SYMMETRIC_VECTOR_RESET: u32 = 2;
    pub const SYMMETRIC_SET_AUTH_DATA: u32 = 3;
    pub const SYMMETRIC_ENCRYPT: u32 = 4;
    pub const SYMMETRIC_DECRYPT: u32 = 5;
    pub const SYMMETRIC_GET_TAG: u32 = 6;
    pub const SYMMETRIC_DESTROY: u32 = 7;
    pub const ASYMMETRIC_GENERATE: u32 = 8;
    pub const ASYMMETRIC_DECRYPT: u32 = 9;
    pub const ASYMMETRIC_ENCRYPT: u32 = 10;
    pub const ASYMMETRIC_DUPLICATE: u32 = 11;
    pub const ASYMMETRIC_SIGN: u32 = 12;
    pub const ASYMMETRIC_VERIFY: u32 = 13;
    pub const ASYMMETRIC_DESTROY: u32 = 14;
    pub const ASYMMETRIC_EXPORT: u32 = 15;
    pub const ASYMMETRIC_IMPORT: u32 = 16;
    pub const ASYMMETRIC_DERIVE_KEY: u32 = 17;
}

/// `enum alg_id`, as far as keys have it.
mod algorithm {
    pub const TRIPLE_DES: u32 = 0;
    pub const AES: u32 = 1;
    pub const RC4: u32 = 2;
    pub const RSA: u32 = 10;
    pub const DH: u32 = 11;
    pub const ECDH_P256: u32 = 12;
    pub const ECDH_P384: u32 = 13;
    pub const RSA_SIGN: u32 = 14;
    pub const ECDSA_P256: u32 = 15;
    pub const ECDSA_P384: u32 = 16;
    pub const DSA: u32 = 17;
}

/// What all of `struct key` have in front: magic, algorithm, and three words for the backend, of which the first
/// holds our number for the object and the others stay 0.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct KeyHead {
    magic: u32,
    algorithm: u32,
    number: u64,
    spare: [u64; 2],
}

/// Offset of the first backend word in `struct key`.
const NUMBER: u64 = 8;

/// `struct key` of a cipher, up to the secret's length.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct SymmetricKey {
    head: KeyHead,
    mode: u32,
    block_size: u32,
    vector: u64,
    vector_length: u32,
    pad: u32,
    secret: u64,
    secret_length: u32,
    pad2: u32,
}

/// `struct key` of a public-key algorithm.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct AsymmetricKey {
    head: KeyHead,
    bits: u32,
    flags: u32,
    /// DSSSEED: a counter and 20 bytes.
    seed: [u8; 24],
}

/// Offset of the DSS seed in `struct key`.
const SEED: u64 = 40;

/// Bytes that a guest hands over at most in one piece, where they are not worked on part by part: no key, hash,
/// signature or label is longer.
const LONGEST: u64 = 1 << 20;

/// Loads what a guest handed over.
fn load(cx: &Cx<'_>, address: u64, length: u32) -> Nt<Vec<u8>> {
    if u64::from(length) > LONGEST {
        return Err(STATUS_INVALID_PARAMETER);
    }
    UserSlice::new(address, length.into()).read_all(cx.k)
}

/// Stores a result that the caller asks for twice: its length always, the bytes if there is room.
fn store(cx: &Cx<'_>, bytes: &[u8], output: u64, room: u32, length: UserPtr<u32>) -> Nt {
    length.write(cx.k, bytes.len() as u32)?;
    if output == 0 {
        return Ok(STATUS_SUCCESS);
    }
    if (room as usize) < bytes.len() {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    cx.k.write_user(output, bytes)?;
    Ok(STATUS_SUCCESS)
}

/// A Unix call of bcrypt.dll.
///
/// # Errors
/// What BCrypt functions answer; `STATUS_NOT_SUPPORTED` for an algorithm, mode or size that there is none of here.
pub fn call(cx: &Cx<'_>, code: u32, arguments: u64) -> Nt {
    match code {
        code::PROCESS_ATTACH | code::PROCESS_DETACH => Ok(STATUS_SUCCESS),
        code::SYMMETRIC_VECTOR_RESET => symmetric::reset(cx, arguments),
        code::SYMMETRIC_SET_AUTH_DATA => symmetric::set_auth_data(cx, arguments),
        code::SYMMETRIC_ENCRYPT => symmetric::crypt(cx, arguments, symmetric::Direction::Encrypt),
        code::SYMMETRIC_DECRYPT => symmetric::crypt(cx, arguments, symmetric::Direction::Decrypt),
        code::SYMMETRIC_GET_TAG => symmetric::tag(cx, arguments),
        code::SYMMETRIC_DESTROY => symmetric::destroy(cx, arguments),
        code::ASYMMETRIC_GENERATE => asymmetric::generate(cx, arguments),
        code::ASYMMETRIC_DECRYPT => asymmetric::decrypt(cx, arguments),
        code::ASYMMETRIC_ENCRYPT => asymmetric::encrypt(cx, arguments),
        code::ASYMMETRIC_DUPLICATE => asymmetric::duplicate(cx, arguments),
        code::ASYMMETRIC_SIGN => asymmetric::sign(cx, arguments),
        code::ASYMMETRIC_VERIFY => asymmetric::verify(cx, arguments),
        code::ASYMMETRIC_DESTROY => asymmetric::destroy(cx, arguments),
        code::ASYMMETRIC_EXPORT => asymmetric::export(cx, arguments),
        code::ASYMMETRIC_IMPORT => asymmetric::import(cx, arguments),
        code::ASYMMETRIC_DERIVE_KEY => asymmetric::derive(cx, arguments),
        _ => Err(STATUS_NOT_SUPPORTED),
    }
}
