//! Diffie-Hellman keys.

use super::blob::{Reader, Writer, size_of_bits, to_bytes, uint};
use crate::crypto::random::Random;
use crate::status::*;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use crypto_primes::Flavor;
use rsa::rand_core::TryRng;

/// BCRYPT_DH_PUBLIC_MAGIC, BCRYPT_DH_PRIVATE_MAGIC, BCRYPT_DH_PARAMETERS_MAGIC.
const PUBLIC: u32 = 0x4250_4844;
const PRIVATE: u32 = 0x5650_4844;
const PARAMETERS: u32 = 0x4d50_4844;

/// Sizes of a prime that Windows takes, in bits.
const SIZES: core::ops::RangeInclusive<u32> = 512..=4096;

/// The integer part of 2^3966 pi.
const PI: &str = "\
    c90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437\
    4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3d\
    c2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804\
    f1746c08ca18217c32905e462e36ce3be39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae5\
    15d2261898fa051015728e5a8aaac42dad33170d04507a33a85521abdf1cba64ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7\
    abf5ae8cdb0933d71e8c94e04a25619dcee3d2261ad2ee6bf12ffa06d98a0864d87602733ec86a64521f2b18177b200cbbe117577a615d6c\
    770988c0bad946e208e24fa074e5ab3143db5bfce0fd108e4b82d120a92108011a723c12a787e6d788719a10bdba5b2699c327186af4e23c\
    1a946834b6150bda2583e9ca2ad44ce8dbbbc2db04de8ef92e8efc141fbecaa6287c59474e6bc05d99b2964fa090c3a2233ba186515be7ed\
    1f612970cee2d7afb81bdd762170481cd0069127d5b05aa993b4ea988d8fddc186ffb7dc90a6c08f4df435c934028492";

/// Sizes of the well-known groups and what tells them apart (RFC 2409, 6.1 and 6.2; RFC 3526, 2 to 5): the prime is
/// 2^size - 2^(size-64) - 1 + 2^64 ([2^(size-130) pi] + the number here), the generator 2.
const KNOWN: [(u32, u32); 6] =
    [(768, 149_686), (1024, 129_093), (1536, 741_804), (2048, 124_476), (3072, 1_690_314), (4096, 240_904)];

/// A prime and a generator.
#[derive(Clone)]
pub struct Group {
    params: BoxedMontyParams,
    generator: BoxedUint,
}

impl Group {
    fn new(prime: BoxedUint, generator: BoxedUint) -> Nt<Group> {
        let bits = prime.bits_vartime();
        let prime = Odd::new(prime).into_option().ok_or(STATUS_INVALID_PARAMETER)?;
        let one = BoxedUint::one();
        if !SIZES.contains(&bits) || generator <= one || generator >= *prime.as_ref() {
            return Err(STATUS_INVALID_PARAMETER);
        }
        Ok(Group { params: BoxedMontyParams::new(prime), generator })
    }

    /// The group that a key gets if the program names none.
    fn of_size(bits: u32, random: &mut Random<'_>) -> Nt<Group> {
        let prime = match KNOWN.iter().find(|(size, _)| *size == bits) {
            Some((_, number)) => well_known(bits, *number)?,
            // Short ones are found fast enough; a longer one has to be given.
            None if (512..1024).contains(&bits) => {
                crypto_primes::random_prime::<BoxedUint, _>(random, Flavor::Safe, bits)
            }
            None => return Err(STATUS_NOT_SUPPORTED),
        };
        let generator = uint(&[2], prime.bits_precision())?;
        Group::new(prime, generator)
    }

    fn prime(&self) -> &BoxedUint {
        self.params.modulus().as_ref()
    }

    /// Bytes of the prime, and of everything else.
    fn size(&self) -> usize {
        size_of_bits(self.prime().bits_vartime())
    }

    /// A number of a blob that stands for an element.
    fn element(&self, bytes: &[u8]) -> Nt<BoxedUint> {
        let element = uint(bytes, self.params.bits_precision())?;
        if element <= BoxedUint::one() || element >= *self.prime() {
            Err(STATUS_INVALID_PARAMETER)
        } else {
            Ok(element)
        }
    }

    fn power(&self, base: &BoxedUint, exponent: &BoxedUint) -> BoxedUint {
        BoxedMontyForm::new(base.clone(), &self.params).pow(exponent).retrieve()
    }
}

fn well_known(bits: u32, number: u32) -> Nt<BoxedUint> {
    let digits = PI.get(..(bits as usize - 128) / 4).ok_or(STATUS_INTERNAL_ERROR)?;
    let mut middle: Vec<u8> = Vec::new();
    for pair in digits.as_bytes().chunks(2) {
        let pair = core::str::from_utf8(pair).map_err(|_| STATUS_INTERNAL_ERROR)?;
        middle.push(u8::from_str_radix(pair, 16).map_err(|_| STATUS_INTERNAL_ERROR)?);
    }
    // The 1 taken away at the bottom is borrowed here.
    let mut carry = u64::from(number).saturating_sub(1);
    for byte in middle.iter_mut().rev() {
        carry += u64::from(*byte);
        *byte = carry as u8;
        carry >>= 8;
    }
    uint(&[&[0xff; 8][..], &middle, &[0xff; 8]].concat(), bits)
}

/// A Diffie-Hellman key: at first perhaps a group alone.
pub struct DhKey {
    group: Group,
    public: Option<BoxedUint>,
    private: Option<BoxedUint>,
}

impl DhKey {
    /// A new key in `group`, or in one of `bits` bits.
    pub fn generate(group: Option<Group>, bits: u32, random: &mut Random<'_>) -> Nt<DhKey> {
        let group = match group {
            Some(group) => group,
            None => Group::of_size(bits, random)?,
        };
        let mut bytes = vec![0; group.size()];
        loop {
            let Ok(()) = random.try_fill_bytes(&mut bytes);
            // Cut to the prime's length, at least every other number is a private key.
            let spare = group.size() as u32 * 8 - group.prime().bits_vartime();
            if let Some(first) = bytes.first_mut() {
                *first = first.checked_shr(spare).unwrap_or_default();
            }
            let Ok(private) = group.element(&bytes) else { continue };
            let public = group.power(&group.generator, &private);
            return Ok(DhKey { group, public: Some(public), private: Some(private) });
        }
    }

    /// The value of the property BCRYPT_DH_PARAMETERS: a group, for a key to be generated.
    pub fn import_parameters(blob: &[u8]) -> Nt<DhKey> {
        let mut blob = Reader(blob);
        let (_length, _magic) = (blob.number()?, blob.number()?);
        let size = blob.number()? as usize;
        Ok(DhKey { group: read_group(&mut blob, size)?, public: None, private: None })
    }

    /// BCRYPT_DH_PUBLIC_BLOB or BCRYPT_DH_PRIVATE_BLOB. The public part of a private one follows from it.
    pub fn import(blob: &[u8], private: bool) -> Nt<DhKey> {
        let mut blob = Reader(blob);
        let _magic = blob.number()?;
        let size = blob.number()? as usize;
        let group = read_group(&mut blob, size)?;
        let public = blob.bytes(size)?;
        if !private {
            let public = group.element(public)?;
            return Ok(DhKey { group, public: Some(public), private: None });
        }
        let private = group.element(blob.bytes(size)?)?;
        let public = group.power(&group.generator, &private);
        Ok(DhKey { group, public: Some(public), private: Some(private) })
    }

    /// BCRYPT_DH_PUBLIC_BLOB or BCRYPT_DH_PRIVATE_BLOB.
    pub fn export(&self, private: bool) -> Nt<Vec<u8>> {
        let size = self.group.size();
        let public = self.public.as_ref().ok_or(STATUS_INVALID_PARAMETER)?;
        let writer = Writer::new(&[if private { PRIVATE } else { PUBLIC }, size as u32])
            .uint(self.group.prime(), size)
            .uint(&self.group.generator, size)
            .uint(public, size);
        if !private {
            return Ok(writer.0);
        }
        Ok(writer.uint(self.private.as_ref().ok_or(STATUS_INVALID_PARAMETER)?, size).0)
    }

    /// The value of the property BCRYPT_DH_PARAMETERS.
    pub fn export_parameters(&self) -> Vec<u8> {
        let size = self.group.size();
        Writer::new(&[12 + 2 * size as u32, PARAMETERS, size as u32])
            .uint(self.group.prime(), size)
            .uint(&self.group.generator, size)
            .0
    }

    /// The group.
    pub fn group(&self) -> Group {
        self.group.clone()
    }

    /// Whether it has a private part.
    pub fn is_private(&self) -> bool {
        self.private.is_some()
    }

    /// The secret that this private and that public key agree on.
    pub fn agree(&self, with: &DhKey) -> Nt<Vec<u8>> {
        let private = self.private.as_ref().ok_or(STATUS_INVALID_PARAMETER)?;
        let public = with.public.as_ref().ok_or(STATUS_INVALID_PARAMETER)?;
        if self.group.prime() != with.group.prime() {
            return Err(STATUS_INVALID_PARAMETER);
        }
        Ok(to_bytes(&self.group.power(public, private), self.group.size()))
    }
}

fn read_group(blob: &mut Reader<'_>, size: usize) -> Nt<Group> {
    let bits = (size as u32).saturating_mul(8);
    if !SIZES.contains(&bits) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let prime = uint(blob.bytes(size)?, bits)?;
    let generator = uint(blob.bytes(size)?, bits)?;
    Group::new(prime, generator)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slip in a digit of the constants would make the number composite.
    #[test]
    fn well_known_groups_are_of_safe_primes() {
        for (bits, number) in KNOWN.into_iter().filter(|(bits, _)| *bits <= 2048) {
            let prime = well_known(bits, number).unwrap();
            assert_eq!(prime.bits_vartime(), bits);
            assert!(crypto_primes::is_prime(Flavor::Safe, &prime), "{bits}");
        }
        // Longer ones take long to prove: their first and last digits are looked at.
        let longest = to_bytes(&well_known(4096, 240_904).unwrap(), 512);
        assert_eq!(longest[..12], [255, 255, 255, 255, 255, 255, 255, 255, 0xc9, 0x0f, 0xda, 0xa2]);
        assert_eq!(longest[500..], [0x34, 0x06, 0x31, 0x99, 255, 255, 255, 255, 255, 255, 255, 255]);
    }
}
