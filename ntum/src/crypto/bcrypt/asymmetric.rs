//! Public-key algorithms: the calls, and which kind of key each is for.

use super::dh::DhKey;
use super::dsa::DsaKey;
use super::ec::{Curve, EcKey, Use};
use super::padding::{self, Padding};
use super::rsa::RsaKey;
use super::{AsymmetricKey, NUMBER, SEED, algorithm, load, store};
use crate::call::Cx;
use crate::crypto::random::Random;
use crate::status::*;
use crate::um::UserPtr;
use std::sync::Arc;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// KEY_FLAG_LEGACY_DSA_V2: the key came in, and goes out, as a blob of the older interface.
const LEGACY_DSA: u32 = 1;
/// KEY_FLAG_FINALIZED.
const FINALIZED: u32 = 2;

/// KEY_EXPORT_FLAG_PUBLIC, KEY_EXPORT_FLAG_RSA_FULL, KEY_EXPORT_FLAG_DH_PARAMETERS.
const EXPORT_PUBLIC: u32 = 1;
const EXPORT_RSA_FULL: u32 = 2;
const EXPORT_DH_PARAMETERS: u32 = 4;

/// KEY_IMPORT_FLAG_PUBLIC, KEY_IMPORT_FLAG_DH_PARAMETERS.
const IMPORT_PUBLIC: u32 = 1;
const IMPORT_DH_PARAMETERS: u32 = 2;

/// A key.
pub enum Key {
    /// For RSA.
    Rsa(RsaKey),
    /// For ECDSA and ECDH.
    Ec(EcKey),
    /// For DSA.
    Dsa(DsaKey),
    /// For Diffie-Hellman.
    Dh(DhKey),
}

/// The kind of key that an algorithm has.
enum Kind {
    Rsa,
    Ec(Curve, Use),
    Dsa,
    Dh,
}

fn kind(of: u32) -> Nt<Kind> {
    Ok(match of {
        algorithm::RSA | algorithm::RSA_SIGN => Kind::Rsa,
        algorithm::ECDH_P256 => Kind::Ec(Curve::P256, Use::Agreement),
        algorithm::ECDH_P384 => Kind::Ec(Curve::P384, Use::Agreement),
        algorithm::ECDSA_P256 => Kind::Ec(Curve::P256, Use::Signature),
        algorithm::ECDSA_P384 => Kind::Ec(Curve::P384, Use::Signature),
        algorithm::DSA => Kind::Dsa,
        algorithm::DH => Kind::Dh,
        _ => return Err(STATUS_NOT_SUPPORTED),
    })
}

impl Key {
    fn is_private(&self) -> bool {
        match self {
            Key::Rsa(key) => key.private().is_ok(),
            Key::Ec(key) => key.is_private(),
            Key::Dsa(key) => key.private().is_ok(),
            Key::Dh(key) => key.is_private(),
        }
    }
}

/// The guest's structure, and the object behind it.
struct Named {
    address: u64,
    raw: AsymmetricKey,
    key: Option<Arc<Key>>,
}

impl Named {
    fn read(cx: &Cx<'_>, address: u64) -> Nt<Named> {
        let raw = UserPtr::<AsymmetricKey>::new(address).read(cx.k)?;
        Ok(Named { address, raw, key: cx.k.crypto.keys.get(raw.head.number) })
    }

    fn key(&self) -> Nt<&Key> {
        self.key.as_deref().ok_or(STATUS_INVALID_PARAMETER)
    }

    /// Puts another object behind the structure.
    fn set(&self, cx: &Cx<'_>, key: Arc<Key>) -> Nt {
        let number = cx.k.crypto.keys.insert_shared(key);
        UserPtr::new(self.address.wrapping_add(NUMBER)).write(cx.k, number)?;
        cx.k.crypto.keys.remove(self.raw.head.number);
        Ok(STATUS_SUCCESS)
    }
}

/// `key_asymmetric_generate`: the structure itself is the argument.
pub fn generate(cx: &Cx<'_>, address: u64) -> Nt {
    let named = Named::read(cx, address)?;
    if named.key.as_ref().is_some_and(|key| key.is_private()) {
        return Err(STATUS_INVALID_HANDLE);
    }
    let (bits, random) = (named.raw.bits, &mut Random(cx.k));
    let key = match kind(named.raw.head.algorithm)? {
        Kind::Rsa => Key::Rsa(RsaKey::generate(bits, random)?),
        Kind::Ec(curve, _) => Key::Ec(EcKey::generate(curve, random)),
        Kind::Dsa => Key::Dsa(DsaKey::generate(bits, random)?),
        Kind::Dh => {
            let group = match named.key.as_deref() {
                Some(Key::Dh(key)) => Some(key.group()),
                _ => None,
            };
            Key::Dh(DhKey::generate(group, bits, random)?)
        }
    };
    named.set(cx, Arc::new(key))
}

/// `struct key_asymmetric_decrypt_params` and `struct key_asymmetric_encrypt_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Message {
    key: u64,
    input: u64,
    input_length: u32,
    pad: u32,
    padding: u64,
    output: u64,
    output_length: u32,
    pad2: u32,
    returned: UserLength,
    flags: u32,
    pad3: u32,
}

/// Address of a ULONG.
type UserLength = u64;

impl Message {
    fn padding(&self, cx: &Cx<'_>) -> Nt<Padding> {
        if self.flags & padding::PAD_OAEP != 0 { padding::oaep(cx, self.padding) } else { Ok(Padding::Pkcs1(None)) }
    }
}

/// `key_asymmetric_decrypt`.
pub fn decrypt(cx: &Cx<'_>, arguments: u64) -> Nt {
    let message = UserPtr::<Message>::new(arguments).read(cx.k)?;
    let named = Named::read(cx, message.key)?;
    let Key::Rsa(key) = named.key()? else { return Err(STATUS_NOT_SUPPORTED) };
    let padding = message.padding(cx)?;
    let input = load(cx, message.input, message.input_length)?;
    let text = key.decrypt(&input, padding, &mut Random(cx.k))?;
    store(cx, &text, message.output, message.output_length, UserPtr::new(message.returned))
}

/// `key_asymmetric_encrypt`.
pub fn encrypt(cx: &Cx<'_>, arguments: u64) -> Nt {
    let message = UserPtr::<Message>::new(arguments).read(cx.k)?;
    let named = Named::read(cx, message.key)?;
    let Some(key) = named.key.as_deref() else { return Err(STATUS_INVALID_HANDLE) };
    let Key::Rsa(key) = key else { return Err(STATUS_NOT_SUPPORTED) };
    let padding = message.padding(cx)?;
    let returned = UserPtr::<u32>::new(message.returned);
    if message.output == 0 || message.output_length == 0 {
        returned.write(cx.k, key.size() as u32)?;
        return Ok(STATUS_SUCCESS);
    }
    let input = load(cx, message.input, message.input_length)?;
    let text = key.encrypt(&input, padding, &mut Random(cx.k))?;
    store(cx, &text, message.output, message.output_length, returned)
}

/// `key_asymmetric_duplicate`: keys do not change, so that both structures have the same one.
pub fn duplicate(cx: &Cx<'_>, arguments: u64) -> Nt {
    let [from, to] = UserPtr::<[u64; 2]>::new(arguments).read(cx.k)?;
    let from = Named::read(cx, from)?;
    let to = Named::read(cx, to)?;
    match from.key {
        Some(key) => to.set(cx, key),
        None => Ok(STATUS_SUCCESS),
    }
}

/// `struct key_asymmetric_sign_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Sign {
    key: u64,
    padding: u64,
    input: u64,
    input_length: u32,
    pad: u32,
    output: u64,
    output_length: u32,
    pad2: u32,
    returned: UserLength,
    flags: u32,
    pad3: u32,
}

/// The hash that a padding of PKCS #1 names must be as long as what is signed with ECDSA, if it names one.
fn check_ec_hash(cx: &Cx<'_>, sign: &Sign) -> Nt<()> {
    if !matches!(sign.input_length, 20 | 32 | 48 | 64) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if sign.flags == padding::PAD_PKCS1
        && sign.padding != 0
        && let Padding::Pkcs1(Some(digest)) = padding::pkcs1(cx, sign.padding)?
        && digest.size() != sign.input_length as usize
    {
        return Err(STATUS_INVALID_PARAMETER);
    }
    Ok(())
}

/// `key_asymmetric_sign`.
pub fn sign(cx: &Cx<'_>, arguments: u64) -> Nt {
    let sign = UserPtr::<Sign>::new(arguments).read(cx.k)?;
    let named = Named::read(cx, sign.key)?;
    let key = named.key()?;
    let padding = match key {
        Key::Rsa(_) => Some(match sign.flags {
            padding::PAD_PKCS1 => padding::pkcs1(cx, sign.padding)?,
            padding::PAD_PSS => padding::pss(cx, sign.padding, STATUS_INVALID_PARAMETER)?,
            0 => return Err(STATUS_INVALID_PARAMETER),
            _ => return Err(STATUS_NOT_IMPLEMENTED),
        }),
        Key::Ec(_) => {
            check_ec_hash(cx, &sign)?;
            None
        }
        Key::Dsa(key) if sign.input_length as usize * 2 != key.signature_size() => {
            return Err(STATUS_INVALID_PARAMETER);
        }
        Key::Dsa(_) => None,
        Key::Dh(_) => return Err(STATUS_NOT_SUPPORTED),
    };
    let returned = UserPtr::<u32>::new(sign.returned);
    let size = match key {
        Key::Rsa(key) => key.size(),
        Key::Ec(key) => key.curve().size() * 2,
        Key::Dsa(key) => key.signature_size(),
        Key::Dh(_) => return Err(STATUS_NOT_SUPPORTED),
    };
    if sign.output == 0 {
        returned.write(cx.k, size as u32)?;
        return Ok(STATUS_SUCCESS);
    }
    let hash = load(cx, sign.input, sign.input_length)?;
    let random = &mut Random(cx.k);
    let signature = match (key, padding) {
        (Key::Rsa(key), Some(padding)) => key.sign(&hash, padding, random)?,
        (Key::Ec(key), _) => key.sign(&hash)?,
        (Key::Dsa(key), _) => key.sign(&hash, random)?,
        _ => return Err(STATUS_NOT_SUPPORTED),
    };
    store(cx, &signature, sign.output, sign.output_length, returned)
}

/// `struct key_asymmetric_verify_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Verify {
    key: u64,
    padding: u64,
    hash: u64,
    hash_length: u32,
    pad: u32,
    signature: u64,
    signature_length: u32,
    flags: u32,
}

/// `key_asymmetric_verify`.
pub fn verify(cx: &Cx<'_>, arguments: u64) -> Nt {
    let verify = UserPtr::<Verify>::new(arguments).read(cx.k)?;
    let named = Named::read(cx, verify.key)?;
    let key = named.key()?;
    let hash = load(cx, verify.hash, verify.hash_length)?;
    let signature = load(cx, verify.signature, verify.signature_length)?;
    match key {
        Key::Rsa(key) => {
            let padding = if verify.flags & padding::PAD_PKCS1 != 0 {
                padding::pkcs1(cx, verify.padding)?
            } else if verify.flags & padding::PAD_PSS != 0 {
                padding::pss(cx, verify.padding, STATUS_INVALID_SIGNATURE)?
            } else {
                return Err(STATUS_INVALID_PARAMETER);
            };
            key.verify(&hash, &signature, padding)?;
        }
        Key::Ec(key) => {
            if !matches!(hash.len(), 20 | 32 | 48 | 64) {
                return Err(STATUS_INVALID_SIGNATURE);
            }
            key.verify(&hash, &signature)?;
        }
        Key::Dsa(key) => {
            if hash.len() * 2 != key.signature_size() {
                return Err(STATUS_INVALID_PARAMETER);
            }
            key.verify(&hash, &signature)?;
        }
        Key::Dh(_) => return Err(STATUS_NOT_SUPPORTED),
    }
    Ok(STATUS_SUCCESS)
}

/// `key_asymmetric_destroy`: the structure itself is the argument.
pub fn destroy(cx: &Cx<'_>, address: u64) -> Nt {
    let named = Named::read(cx, address)?;
    if cx.k.crypto.keys.remove(named.raw.head.number).is_some() {
        UserPtr::new(address.wrapping_add(NUMBER)).write(cx.k, 0u64)?;
    }
    Ok(STATUS_SUCCESS)
}

/// `struct key_asymmetric_export_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Export {
    key: u64,
    flags: u32,
    pad: u32,
    buffer: u64,
    length: u32,
    pad2: u32,
    returned: UserLength,
}

/// `key_asymmetric_export`.
pub fn export(cx: &Cx<'_>, arguments: u64) -> Nt {
    let export = UserPtr::<Export>::new(arguments).read(cx.k)?;
    let named = Named::read(cx, export.key)?;
    if named.raw.flags & FINALIZED == 0 {
        return Err(STATUS_INVALID_HANDLE);
    }
    let private = export.flags & EXPORT_PUBLIC == 0;
    let blob = match (named.key()?, kind(named.raw.head.algorithm)?) {
        (Key::Rsa(key), Kind::Rsa) if private => key.export_private(export.flags & EXPORT_RSA_FULL != 0)?,
        (Key::Rsa(key), Kind::Rsa) => key.export_public(),
        (Key::Ec(key), Kind::Ec(_, of)) => key.export(of, private)?,
        (Key::Dsa(key), Kind::Dsa) if named.raw.flags & LEGACY_DSA != 0 => {
            key.export_legacy(private, &named.raw.seed)?
        }
        (Key::Dsa(key), Kind::Dsa) => key.export(private)?,
        (Key::Dh(key), Kind::Dh) if export.flags & EXPORT_DH_PARAMETERS != 0 => key.export_parameters(),
        (Key::Dh(key), Kind::Dh) => key.export(private)?,
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    store(cx, &blob, export.buffer, export.length, UserPtr::new(export.returned))
}

/// `struct key_asymmetric_import_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Import {
    key: u64,
    flags: u32,
    pad: u32,
    buffer: u64,
    length: u32,
    pad2: u32,
}

/// `key_asymmetric_import`.
pub fn import(cx: &Cx<'_>, arguments: u64) -> Nt {
    let import = UserPtr::<Import>::new(arguments).read(cx.k)?;
    let named = Named::read(cx, import.key)?;
    let blob = load(cx, import.buffer, import.length)?;
    let private = import.flags & IMPORT_PUBLIC == 0;
    let key = match kind(named.raw.head.algorithm)? {
        Kind::Rsa => Key::Rsa(RsaKey::import(&blob, private)?),
        Kind::Ec(curve, _) => Key::Ec(EcKey::import(curve, &blob, private)?),
        Kind::Dsa if named.raw.flags & LEGACY_DSA != 0 => {
            let (key, seed) = DsaKey::import_legacy(&blob, private)?;
            UserPtr::new(import.key.wrapping_add(SEED)).write(cx.k, seed)?;
            Key::Dsa(key)
        }
        // The DLL takes no private blob of the newer kind either.
        Kind::Dsa if private => return Err(STATUS_NOT_IMPLEMENTED),
        Kind::Dsa => Key::Dsa(DsaKey::import(&blob)?),
        Kind::Dh if import.flags & IMPORT_DH_PARAMETERS != 0 => Key::Dh(DhKey::import_parameters(&blob)?),
        Kind::Dh => Key::Dh(DhKey::import(&blob, private)?),
    };
    named.set(cx, Arc::new(key))
}

/// `struct key_asymmetric_derive_key_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Derive {
    private: u64,
    public: u64,
    output: u64,
    output_length: u32,
    pad: u32,
    returned: UserLength,
}

/// `key_asymmetric_derive_key`: the secret that both keys agree on, big-endian.
pub fn derive(cx: &Cx<'_>, arguments: u64) -> Nt {
    let derive = UserPtr::<Derive>::new(arguments).read(cx.k)?;
    let (private, public) = (Named::read(cx, derive.private)?, Named::read(cx, derive.public)?);
    let secret = match (private.key()?, public.key()?) {
        (Key::Ec(private), Key::Ec(public)) => private.agree(public)?,
        (Key::Dh(private), Key::Dh(public)) => private.agree(public)?,
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    store(cx, &secret, derive.output, derive.output_length, UserPtr::new(derive.returned))
}
