//! RSA keys.

use super::blob::{Reader, Writer, size_of_bits, uint};
use super::padding::{Digest, Padding};
use crate::crypto::random::Random;
use crate::status::*;
use crypto_bigint::BoxedUint;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::{PaddingScheme, PrivateKeyParts, PublicKeyParts, SignatureScheme};
use rsa::{Oaep, Pkcs1v15Encrypt, Pkcs1v15Sign, Pss, RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

/// BCRYPT_RSAPUBLIC_MAGIC, BCRYPT_RSAPRIVATE_MAGIC, BCRYPT_RSAFULLPRIVATE_MAGIC.
const PUBLIC: u32 = 0x3141_5352;
const PRIVATE: u32 = 0x3241_5352;
const FULL: u32 = 0x3341_5352;

/// PRIVATEKEYBLOB.
const PRIVATEKEYBLOB: u32 = 7;

/// Sizes of a modulus that Windows takes, in bits.
const SIZES: core::ops::RangeInclusive<usize> = 512..=16384;

/// An RSA key, with or without its private part.
pub struct RsaKey {
    public: RsaPublicKey,
    private: Option<RsaPrivateKey>,
}

/// What the crate takes for granted.
fn check_primes(p: &BoxedUint, q: &BoxedUint) -> Nt<()> {
    let two = BoxedUint::from(2u32);
    if p <= &two || q <= &two || p == q || !p.bit_vartime(0) || !q.bit_vartime(0) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    Ok(())
}

/// What the crate refuses is what does not fit together.
fn wrong(_: rsa::Error) -> Status {
    STATUS_INVALID_PARAMETER
}

impl RsaKey {
    /// A new key.
    pub fn generate(bits: u32, random: &mut Random<'_>) -> Nt<RsaKey> {
        if !SIZES.contains(&(bits as usize)) || !bits.is_multiple_of(64) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        RsaPrivateKey::new_unchecked(random, bits as usize).map(RsaKey::from).map_err(|_| STATUS_INTERNAL_ERROR)
    }

    /// BCRYPT_RSAKEY_BLOB. A blob with all numbers keeps its private exponent; otherwise it follows from the primes.
    pub fn import(blob: &[u8], private: bool) -> Nt<RsaKey> {
        let mut blob = Reader(blob);
        let magic = blob.number()?;
        let _bits = blob.number()?;
        let [e, n, p, q] = [blob.number()?, blob.number()?, blob.number()?, blob.number()?].map(|size| size as usize);
        let e = uint(blob.bytes(e)?, 64)?;
        let n = blob.bytes(n)?;
        let bits = n.len() as u32 * 8;
        let n = uint(n, bits)?;
        let public = RsaPublicKey::new_with_size_limits(n.clone(), e.clone(), SIZES).map_err(wrong)?;
        if !private {
            return Ok(RsaKey { public, private: None });
        }
        let (first, second) = (uint(blob.bytes(p)?, bits)?, uint(blob.bytes(q)?, bits)?);
        check_primes(&first, &second)?;
        let private = if magic == FULL {
            blob.bytes(p)?;
            blob.bytes(q)?;
            blob.bytes(p)?;
            let d = uint(blob.bytes(bits as usize / 8)?, bits)?;
            RsaPrivateKey::from_components(n, e, d, vec![first, second]).map_err(wrong)?
        } else {
            let private = RsaPrivateKey::from_p_q(first, second, e).map_err(wrong)?;
            if private.n().as_ref() != &n {
                return Err(STATUS_INVALID_PARAMETER);
            }
            private
        };
        Ok(RsaKey { public, private: Some(private) })
    }

    /// A public key of its numbers, big-endian.
    pub fn from_numbers(n: &[u8], e: &[u8]) -> Nt<RsaKey> {
        let bits = u32::try_from(n.len()).ok().and_then(|size| size.checked_mul(8)).ok_or(STATUS_INVALID_PARAMETER)?;
        let public = RsaPublicKey::new_with_size_limits(uint(n, bits)?, uint(e, 64)?, SIZES).map_err(wrong)?;
        Ok(RsaKey { public, private: None })
    }

    /// A private key as PKCS #8 has it.
    pub fn from_pkcs8(der: &[u8]) -> Nt<RsaKey> {
        RsaPrivateKey::from_pkcs8_der(der).map(RsaKey::from).map_err(|_| STATUS_INVALID_PARAMETER)
    }

    /// PRIVATEKEYBLOB of the older interface (`wincrypt.h`): numbers little-endian.
    pub fn import_capi(blob: &[u8]) -> Nt<RsaKey> {
        let mut blob = Reader(blob);
        let (head, _algorithm, magic, bits) = (blob.number()?, blob.number()?, blob.number()?, blob.number()?);
        if head & 0xff != PRIVATEKEYBLOB || magic != PRIVATE || !SIZES.contains(&(bits as usize)) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let e = BoxedUint::from(u64::from(blob.number()?));
        let (size, half) = (size_of_bits(bits), size_of_bits(bits).div_ceil(2));
        let n = uint(&blob.reversed(size)?, bits)?;
        let (p, q) = (uint(&blob.reversed(half)?, bits)?, uint(&blob.reversed(half)?, bits)?);
        blob.bytes(3 * half)?;
        let d = uint(&blob.reversed(size)?, bits)?;
        check_primes(&p, &q)?;
        RsaPrivateKey::from_components(n, e, d, vec![p, q]).map(RsaKey::from).map_err(wrong)
    }

    /// PRIVATEKEYBLOB of the older interface, for key exchange.
    pub fn export_capi(&self) -> Nt<Vec<u8>> {
        const CALG_RSA_KEYX: u32 = 0xa400;
        let key = self.private()?;
        let (size, half) = (self.size(), self.size().div_ceil(2));
        let e = self.public.e().to_be_bytes_trimmed_vartime();
        let e = e.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte));
        let [p, q] = key.primes() else { return Err(STATUS_NOT_SUPPORTED) };
        let (dp, dq) = key.dp().zip(key.dq()).ok_or(STATUS_INTERNAL_ERROR)?;
        let inverse = key.crt_coefficient().ok_or(STATUS_INTERNAL_ERROR)?;
        let head = [0x200 | PRIVATEKEYBLOB, CALG_RSA_KEYX, PRIVATE, size as u32 * 8, e];
        let writer = Writer::new(&head).reversed(self.public.n(), size).reversed(p, half).reversed(q, half);
        Ok(writer.reversed(dp, half).reversed(dq, half).reversed(&inverse, half).reversed(key.d(), size).0)
    }

    /// BCRYPT_RSAPUBLIC_BLOB.
    pub fn export_public(&self) -> Vec<u8> {
        self.head(PUBLIC, 0).0
    }

    /// BCRYPT_RSAPRIVATE_BLOB or BCRYPT_RSAFULLPRIVATE_BLOB.
    pub fn export_private(&self, full: bool) -> Nt<Vec<u8>> {
        let key = self.private()?;
        let half = self.size().div_ceil(2);
        let [p, q] = key.primes() else { return Err(STATUS_NOT_SUPPORTED) };
        let writer = self.head(if full { FULL } else { PRIVATE }, half).uint(p, half).uint(q, half);
        if !full {
            return Ok(writer.0);
        }
        let (dp, dq) = key.dp().zip(key.dq()).ok_or(STATUS_INTERNAL_ERROR)?;
        let inverse = key.crt_coefficient().ok_or(STATUS_INTERNAL_ERROR)?;
        Ok(writer.uint(dp, half).uint(dq, half).uint(&inverse, half).uint(key.d(), self.size()).0)
    }

    fn head(&self, magic: u32, prime: usize) -> Writer {
        let e = self.public.e().to_be_bytes_trimmed_vartime();
        let (size, prime) = (self.size(), prime as u32);
        let bits = self.public.n().bits_vartime();
        Writer::new(&[magic, bits, e.len() as u32, size as u32, prime, prime]).bytes(&e).uint(self.public.n(), size)
    }

    /// Bytes of the modulus, of a signature, and of an encrypted message.
    pub fn size(&self) -> usize {
        size_of_bits(self.public.n().bits_vartime())
    }

    /// The private part.
    pub fn private(&self) -> Nt<&RsaPrivateKey> {
        self.private.as_ref().ok_or(STATUS_INVALID_PARAMETER)
    }

    /// Signs a hash.
    pub fn sign(&self, hash: &[u8], padding: Padding, random: &mut Random<'_>) -> Nt<Vec<u8>> {
        fn with(
            key: &RsaPrivateKey,
            hash: &[u8],
            scheme: impl SignatureScheme,
            random: &mut Random<'_>,
        ) -> Nt<Vec<u8>> {
            key.sign_with_rng(random, scheme, hash).map_err(wrong)
        }
        let key = self.private()?;
        match padding {
            Padding::Pkcs1(digest) => with(key, hash, pkcs1(digest), random),
            Padding::Pss(digest, salt) => {
                // Longer than it can be: refused before memory is spent on it.
                if salt > self.size() {
                    return Err(STATUS_INVALID_PARAMETER);
                }
                match digest {
                    Digest::Sha1 => with(key, hash, Pss::<Sha1>::new_with_salt(salt), random),
                    Digest::Sha256 => with(key, hash, Pss::<Sha256>::new_with_salt(salt), random),
                    Digest::Sha384 => with(key, hash, Pss::<Sha384>::new_with_salt(salt), random),
                    Digest::Sha512 => with(key, hash, Pss::<Sha512>::new_with_salt(salt), random),
                    Digest::Md2 | Digest::Md5 => Err(STATUS_NOT_SUPPORTED),
                }
            }
            Padding::Oaep(..) => Err(STATUS_INVALID_PARAMETER),
        }
    }

    /// Checks a signature of a hash.
    pub fn verify(&self, hash: &[u8], signature: &[u8], padding: Padding) -> Nt<()> {
        let with = match padding {
            Padding::Pkcs1(digest) => self.public.verify(pkcs1(digest), hash, signature),
            Padding::Pss(_, salt) if salt > self.size() => return Err(STATUS_INVALID_SIGNATURE),
            Padding::Pss(Digest::Sha1, salt) => self.public.verify(Pss::<Sha1>::new_with_salt(salt), hash, signature),
            Padding::Pss(Digest::Sha256, salt) => {
                self.public.verify(Pss::<Sha256>::new_with_salt(salt), hash, signature)
            }
            Padding::Pss(Digest::Sha384, salt) => {
                self.public.verify(Pss::<Sha384>::new_with_salt(salt), hash, signature)
            }
            Padding::Pss(Digest::Sha512, salt) => {
                self.public.verify(Pss::<Sha512>::new_with_salt(salt), hash, signature)
            }
            Padding::Pss(..) => return Err(STATUS_NOT_SUPPORTED),
            Padding::Oaep(..) => return Err(STATUS_INVALID_PARAMETER),
        };
        with.map_err(|_| STATUS_INVALID_SIGNATURE)
    }

    /// Encrypts a message.
    pub fn encrypt(&self, message: &[u8], padding: Padding, random: &mut Random<'_>) -> Nt<Vec<u8>> {
        fn with(
            key: &RsaPublicKey,
            message: &[u8],
            scheme: impl PaddingScheme,
            random: &mut Random<'_>,
        ) -> Nt<Vec<u8>> {
            key.encrypt(random, scheme, message).map_err(wrong)
        }
        match padding {
            Padding::Pkcs1(_) => with(&self.public, message, Pkcs1v15Encrypt, random),
            Padding::Oaep(Digest::Sha1, label) => {
                with(&self.public, message, Oaep::<Sha1>::new_with_label(label), random)
            }
            Padding::Oaep(Digest::Sha256, label) => {
                with(&self.public, message, Oaep::<Sha256>::new_with_label(label), random)
            }
            Padding::Oaep(Digest::Sha384, label) => {
                with(&self.public, message, Oaep::<Sha384>::new_with_label(label), random)
            }
            Padding::Oaep(Digest::Sha512, label) => {
                with(&self.public, message, Oaep::<Sha512>::new_with_label(label), random)
            }
            Padding::Oaep(..) => Err(STATUS_NOT_SUPPORTED),
            Padding::Pss(..) => Err(STATUS_INVALID_PARAMETER),
        }
    }

    /// Decrypts a message. A padding of PKCS #1 1.5 that is wrong yields bytes that mean nothing instead of an error, so
    /// that nobody learns of keys by asking.
    pub fn decrypt(&self, message: &[u8], padding: Padding, random: &mut Random<'_>) -> Nt<Vec<u8>> {
        fn with(
            key: &RsaPrivateKey,
            message: &[u8],
            scheme: impl PaddingScheme,
            random: &mut Random<'_>,
        ) -> Nt<Vec<u8>> {
            key.decrypt_blinded(random, scheme, message).map_err(wrong)
        }
        let key = self.private()?;
        match padding {
            Padding::Pkcs1(_) => with(key, message, Pkcs1v15Encrypt, random),
            Padding::Oaep(Digest::Sha1, label) => with(key, message, Oaep::<Sha1>::new_with_label(label), random),
            Padding::Oaep(Digest::Sha256, label) => with(key, message, Oaep::<Sha256>::new_with_label(label), random),
            Padding::Oaep(Digest::Sha384, label) => with(key, message, Oaep::<Sha384>::new_with_label(label), random),
            Padding::Oaep(Digest::Sha512, label) => with(key, message, Oaep::<Sha512>::new_with_label(label), random),
            Padding::Oaep(..) => Err(STATUS_NOT_SUPPORTED),
            Padding::Pss(..) => Err(STATUS_INVALID_PARAMETER),
        }
    }
}

impl From<RsaPrivateKey> for RsaKey {
    fn from(key: RsaPrivateKey) -> RsaKey {
        RsaKey { public: key.to_public_key(), private: Some(key) }
    }
}

fn pkcs1(digest: Option<Digest>) -> Pkcs1v15Sign {
    match digest {
        None => Pkcs1v15Sign::new_unprefixed(),
        Some(digest) => Pkcs1v15Sign { hash_len: Some(digest.size()), prefix: digest.prefix().into() },
    }
}
