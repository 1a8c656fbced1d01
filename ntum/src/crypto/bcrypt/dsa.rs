//! DSA keys.

use super::blob::{Reader, Writer, size_of_bits, uint};
use crate::crypto::random::Random;
use crate::status::*;
use core::convert::Infallible;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, NonZero, Odd, Resize};
use crypto_primes::Flavor;
use dsa::signature::hazmat::{PrehashVerifier, RandomizedPrehashSigner};
use dsa::{Components, KeySize, Signature, SigningKey, VerifyingKey};
use rsa::rand_core::TryRng;

/// BCRYPT_DSA_PUBLIC_MAGIC, BCRYPT_DSA_PRIVATE_MAGIC; DSS1 and DSS2 of the older blobs.
const PUBLIC: u32 = 0x4250_5344;
const PRIVATE: u32 = 0x5650_5344;
const DSS1: u32 = 0x3153_5344;
const DSS2: u32 = 0x3253_5344;
/// BLOBHEADER: PUBLICKEYBLOB or PRIVATEKEYBLOB, version 2; CALG_DSS_SIGN.
const PUBLIC_HEAD: u32 = 0x0206;
const PRIVATE_HEAD: u32 = 0x0207;
const CALG_DSS_SIGN: u32 = 0x2200;

/// Bytes of the group's order in every blob here: those for longer ones are absent, in the DLL too.
const ORDER: usize = 20;

/// Bytes of a DSSSEED.
pub const SEED_SIZE: usize = 24;

/// A DSA key, with or without its private part.
pub struct DsaKey {
    public: VerifyingKey,
    private: Option<SigningKey>,
}

fn wrong(_: dsa::signature::Error) -> Status {
    STATUS_INVALID_PARAMETER
}

/// The group, if its sizes are such as DSA has.
fn group(p: &[u8], q: &[u8], g: &[u8]) -> Nt<Components> {
    let bits = p.len() as u32 * 8;
    let (p, q, g) = (uint(p, bits)?, uint(q, ORDER as u32 * 8)?, uint(g, bits)?);
    if !(512..=3072).contains(&p.bits_vartime()) || q.bits_vartime() != 160 || !q.bit_vartime(0) || !p.bit_vartime(0) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    Components::from_components_unchecked(p, q, g).map_err(wrong)
}

/// A new group of the sizes that the crate makes.
fn long_group(size: KeySize, random: &mut Random<'_>) -> Components {
    let Ok(group) = Components::try_generate_from_rng_with_key_size(random, size);
    group
}

/// A new group as Windows makes them: a prime of `bits` bits, an order of 160 (FIPS 186-2's sizes).
fn short_group(bits: u32, random: &mut Random<'_>) -> Nt<Components> {
    let order: BoxedUint = crypto_primes::random_prime(random, Flavor::Any, ORDER as u32 * 8);
    let wide = order.clone().resize(bits);
    let double = NonZero::new(wide.wrapping_add(&wide)).into_option().ok_or(STATUS_INTERNAL_ERROR)?;
    let one = BoxedUint::one_with_precision(bits);
    let mut bytes = vec![0; size_of_bits(bits)];
    let prime = loop {
        let Ok(()) = random.try_fill_bytes(&mut bytes);
        if let Some(first) = bytes.first_mut() {
            *first |= 0x80;
        }
        let number = uint(&bytes, bits)?;
        let prime = number.wrapping_sub(number.rem(&double)).wrapping_add(&one);
        if prime.bits_vartime() == bits && crypto_primes::is_prime(Flavor::Any, &prime) {
            break prime;
        }
    };
    // What h^((p-1)/q) is, is of order q or 1.
    let exponent =
        prime.wrapping_sub(&one).wrapping_div(&NonZero::new(wide).into_option().ok_or(STATUS_INTERNAL_ERROR)?);
    let params = BoxedMontyParams::new(Odd::new(prime.clone()).into_option().ok_or(STATUS_INTERNAL_ERROR)?);
    for base in 2..100u8 {
        let generator = BoxedMontyForm::new(uint(&[base], bits)?, &params).pow(&exponent).retrieve();
        if generator > one {
            return Components::from_components_unchecked(prime, order, generator).map_err(wrong);
        }
    }
    Err(STATUS_INTERNAL_ERROR)
}

impl DsaKey {
    /// A new key in a new group.
    pub fn generate(bits: u32, random: &mut Random<'_>) -> Nt<DsaKey> {
        let group = match bits {
            512..=1024 if bits.is_multiple_of(64) => short_group(bits, random)?,
            2048 => long_group(KeySize::DSA_2048_256, random),
            3072 => long_group(KeySize::DSA_3072_256, random),
            _ => return Err(STATUS_INVALID_PARAMETER),
        };
        let made: Result<SigningKey, Infallible> = SigningKey::try_generate_from_rng_with_components(random, group);
        let Ok(private) = made;
        Ok(DsaKey { public: private.verifying_key().clone(), private: Some(private) })
    }

    /// BCRYPT_DSA_PUBLIC_BLOB.
    pub fn import(blob: &[u8]) -> Nt<DsaKey> {
        let mut blob = Reader(blob);
        let _magic = blob.number()?;
        let size = blob.number()? as usize;
        let _count_and_seed = blob.bytes(4 + 20)?;
        let q = blob.bytes(ORDER)?;
        let (p, g, y) = (blob.bytes(size)?, blob.bytes(size)?, blob.bytes(size)?);
        DsaKey::public(group(p, q, g)?, y)
    }

    fn public(group: Components, y: &[u8]) -> Nt<DsaKey> {
        let y = uint(y, group.p().bits_precision())?;
        if y >= *group.p().as_ref() {
            return Err(STATUS_INVALID_PARAMETER);
        }
        Ok(DsaKey { public: VerifyingKey::from_components(group, y).map_err(wrong)?, private: None })
    }

    /// LEGACY_DSA_V2_PUBLIC_BLOB or LEGACY_DSA_V2_PRIVATE_BLOB, and the seed at its end.
    pub fn import_legacy(blob: &[u8], private: bool) -> Nt<(DsaKey, [u8; SEED_SIZE])> {
        let mut blob = Reader(blob);
        blob.bytes(8)?;
        let _magic = blob.number()?;
        let size = size_of_bits(blob.number()?);
        let (p, q, g) = (blob.reversed(size)?, blob.reversed(ORDER)?, blob.reversed(size)?);
        let group = group(&p, &q, &g)?;
        let key = if private {
            let x = uint(&blob.reversed(ORDER)?, ORDER as u32 * 8)?;
            let generator: &BoxedUint = group.g();
            let params = BoxedMontyParams::new(group.p().clone());
            let y = BoxedMontyForm::new(generator.clone(), &params).pow(&x).retrieve();
            let public = VerifyingKey::from_components(group, y).map_err(wrong)?;
            let private = SigningKey::from_components(public.clone(), x).map_err(wrong)?;
            DsaKey { public, private: Some(private) }
        } else {
            DsaKey::public(group, &blob.reversed(size)?)?
        };
        let seed = blob.bytes(SEED_SIZE)?.try_into().map_err(|_| STATUS_INVALID_PARAMETER)?;
        Ok((key, seed))
    }

    fn size(&self) -> usize {
        size_of_bits(self.public.components().p().bits_vartime())
    }

    /// The longer groups' blobs are absent.
    fn fits_blobs(&self) -> Nt<()> {
        if self.signature_size() == ORDER * 2 && self.size() <= 128 { Ok(()) } else { Err(STATUS_NOT_IMPLEMENTED) }
    }

    /// BCRYPT_DSA_PUBLIC_BLOB or BCRYPT_DSA_PRIVATE_BLOB. Count and seed are not kept: all ones says so.
    pub fn export(&self, private: bool) -> Nt<Vec<u8>> {
        self.fits_blobs()?;
        let (group, size) = (self.public.components(), self.size());
        let writer = Writer::new(&[if private { PRIVATE } else { PUBLIC }, size as u32])
            .bytes(&[0xff; 4 + 20])
            .uint(group.q(), ORDER)
            .uint(group.p(), size)
            .uint(group.g(), size)
            .uint(self.public.y(), size);
        if !private {
            return Ok(writer.0);
        }
        let x: &BoxedUint = self.private()?.x();
        Ok(writer.uint(x, ORDER).0)
    }

    /// LEGACY_DSA_V2_PUBLIC_BLOB or LEGACY_DSA_V2_PRIVATE_BLOB.
    pub fn export_legacy(&self, private: bool, seed: &[u8; SEED_SIZE]) -> Nt<Vec<u8>> {
        self.fits_blobs()?;
        let (group, size) = (self.public.components(), self.size());
        let (head, magic) = if private { (PRIVATE_HEAD, DSS2) } else { (PUBLIC_HEAD, DSS1) };
        let writer = Writer::new(&[head, CALG_DSS_SIGN, magic, size as u32 * 8])
            .reversed(group.p(), size)
            .reversed(group.q(), ORDER)
            .reversed(group.g(), size);
        let writer = if private {
            let x: &BoxedUint = self.private()?.x();
            writer.reversed(x, ORDER)
        } else {
            writer.reversed(self.public.y(), size)
        };
        Ok(writer.bytes(seed).0)
    }

    /// The private part.
    pub fn private(&self) -> Nt<&SigningKey> {
        self.private.as_ref().ok_or(STATUS_INVALID_PARAMETER)
    }

    /// Bytes of a signature.
    pub fn signature_size(&self) -> usize {
        size_of_bits(self.public.components().q().bits_vartime()) * 2
    }

    /// Signs a hash: r and s, one after the other.
    pub fn sign(&self, hash: &[u8], random: &mut Random<'_>) -> Nt<Vec<u8>> {
        let key = self.private()?;
        let signature: Signature = key.sign_prehash_with_rng(random, hash).map_err(|_| STATUS_INTERNAL_ERROR)?;
        let size = self.signature_size() / 2;
        Ok(Writer::default().uint(signature.r(), size).uint(signature.s(), size).0)
    }

    /// Checks a signature of a hash.
    pub fn verify(&self, hash: &[u8], signature: &[u8]) -> Nt<()> {
        if signature.len() != self.signature_size() {
            return Err(STATUS_INVALID_SIGNATURE);
        }
        let bits = self.signature_size() as u32 * 4;
        let (r, s) = signature.split_at(signature.len() / 2);
        let signature = Signature::from_components(uint(r, bits)?, uint(s, bits)?).ok_or(STATUS_INVALID_SIGNATURE)?;
        self.public.verify_prehash(hash, &signature).map_err(|_| STATUS_INVALID_SIGNATURE)
    }
}
