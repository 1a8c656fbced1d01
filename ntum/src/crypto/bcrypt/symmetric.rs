//! Ciphers: AES and 3DES in the modes ECB, CBC and CFB (8 bits), AES-GCM, RC4. CCM is absent: the DLL offers none for keys.
//!
//! The DLL hands CBC and CFB over a block at a time and chains calls by the vector that it keeps; the chain of a key
//! goes on here until the DLL resets it.

use super::{NUMBER, SymmetricKey, algorithm, load};
use crate::call::Cx;
use crate::status::*;
use crate::um::{UserPtr, UserSlice};
use aes::cipher::array::{Array, ArraySize};
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, KeyInit, StreamCipher};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use parking_lot::Mutex;
use std::sync::Arc;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// `enum chain_mode`.
mod mode {
    pub const CBC: u32 = 0;
    pub const ECB: u32 = 1;
    pub const CFB: u32 = 2;
    pub const GCM: u32 = 4;
}

/// Which way data goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Plain text in.
    Encrypt,
    /// Cipher text in.
    Decrypt,
}

/// A block cipher with its key.
enum Block {
    Aes128(Box<aes::Aes128>),
    Aes192(Box<aes::Aes192>),
    Aes256(Box<aes::Aes256>),
    TripleDes(Box<des::TdesEde3>),
}

fn chunks<N: ArraySize>(data: &mut [u8]) -> &mut [Array<u8, N>] {
    Array::slice_as_chunks_mut(data).0
}

impl Block {
    fn new(of: u32, secret: &[u8]) -> Nt<Block> {
        let made = match (of, secret.len()) {
            (algorithm::AES, 16) => aes::Aes128::new_from_slice(secret).ok().map(|key| Block::Aes128(Box::new(key))),
            (algorithm::AES, 24) => aes::Aes192::new_from_slice(secret).ok().map(|key| Block::Aes192(Box::new(key))),
            (algorithm::AES, 32) => aes::Aes256::new_from_slice(secret).ok().map(|key| Block::Aes256(Box::new(key))),
            (algorithm::TRIPLE_DES, 24) => {
                des::TdesEde3::new_from_slice(secret).ok().map(|key| Block::TripleDes(Box::new(key)))
            }
            _ => None,
        };
        made.ok_or(STATUS_NOT_SUPPORTED)
    }

    fn size(&self) -> usize {
        match self {
            Block::TripleDes(_) => des::TdesEde3::block_size(),
            _ => aes::Aes128::block_size(),
        }
    }

    /// Encrypts each block by itself; a rest that is no block stays as it is.
    fn encrypt(&self, data: &mut [u8]) {
        match self {
            Block::Aes128(key) => key.encrypt_blocks(chunks(data)),
            Block::Aes192(key) => key.encrypt_blocks(chunks(data)),
            Block::Aes256(key) => key.encrypt_blocks(chunks(data)),
            Block::TripleDes(key) => key.encrypt_blocks(chunks(data)),
        }
    }

    /// Likewise.
    fn decrypt(&self, data: &mut [u8]) {
        match self {
            Block::Aes128(key) => key.decrypt_blocks(chunks(data)),
            Block::Aes192(key) => key.decrypt_blocks(chunks(data)),
            Block::Aes256(key) => key.decrypt_blocks(chunks(data)),
            Block::TripleDes(key) => key.decrypt_blocks(chunks(data)),
        }
    }
}

/// What goes on from one piece of data to the next.
enum Chain {
    /// The vector has to be taken from the guest's structure.
    Unset,
    Ecb,
    Cbc(Vec<u8>),
    Cfb(Vec<u8>),
    Gcm(Box<Gcm>),
}

/// A GCM message under way (NIST SP 800-38D).
struct Gcm {
    hash: GHash,
    counter: [u8; 16],
    /// The first counter block, encrypted: what the tag is masked with.
    mask: [u8; 16],
    /// Bits of additional data and of text so far.
    lengths: [u64; 2],
    /// Whether the last piece ended within a block: nothing may follow.
    ended: bool,
}

impl Gcm {
    fn new(block: &Block, vector: &[u8]) -> Nt<Gcm> {
        // The only length that Windows knows.
        let nonce: &[u8; 12] = vector.try_into().map_err(|_| STATUS_INVALID_PARAMETER)?;
        let mut subkey = [0; 16];
        block.encrypt(&mut subkey);
        let mut counter = [0; 16];
        counter[..12].copy_from_slice(nonce);
        counter[15] = 1;
        let mut mask = counter;
        block.encrypt(&mut mask);
        Ok(Gcm { hash: GHash::new(&subkey.into()), counter, mask, lengths: [0; 2], ended: false })
    }

    fn auth_data(&mut self, data: &[u8]) -> Nt<()> {
        if self.lengths != [0; 2] {
            return Err(STATUS_INTERNAL_ERROR);
        }
        self.hash.update_padded(data);
        self.lengths[0] = data.len() as u64 * 8;
        Ok(())
    }

    fn crypt(&mut self, block: &Block, data: &mut [u8], direction: Direction) -> Nt<()> {
        if self.ended && !data.is_empty() {
            return Err(STATUS_INVALID_BUFFER_SIZE);
        }
        self.ended |= !data.len().is_multiple_of(16);
        self.lengths[1] += data.len() as u64 * 8;
        if direction == Direction::Decrypt {
            self.hash.update_padded(data);
        }
        // Many counter blocks at once: the processor works on several at a time.
        for piece in data.chunks_mut(512) {
            let mut stream = [0; 512];
            for into in stream.chunks_exact_mut(16).take(piece.len().div_ceil(16)) {
                let [head @ .., a, b, c, d] = self.counter;
                let count = u32::from_be_bytes([a, b, c, d]).wrapping_add(1).to_be_bytes();
                self.counter[12..].copy_from_slice(&count);
                into[..12].copy_from_slice(&head);
                into[12..].copy_from_slice(&count);
            }
            let used = piece.len().next_multiple_of(16);
            block.encrypt(&mut stream[..used]);
            xor(piece, &stream);
        }
        if direction == Direction::Encrypt {
            self.hash.update_padded(data);
        }
        Ok(())
    }

    fn tag(&self) -> [u8; 16] {
        let mut hash = self.hash.clone();
        let mut lengths = [0; 16];
        lengths[..8].copy_from_slice(&self.lengths[0].to_be_bytes());
        lengths[8..].copy_from_slice(&self.lengths[1].to_be_bytes());
        hash.update(&[lengths.into()]);
        let mut tag: [u8; 16] = hash.finalize().into();
        xor(&mut tag, &self.mask);
        tag
    }
}

fn xor(into: &mut [u8], with: &[u8]) {
    for (into, with) in into.iter_mut().zip(with) {
        *into ^= with;
    }
}

/// A key of a cipher.
pub struct Cipher {
    kind: Kind,
}

enum Kind {
    Block { block: Block, mode: u32, chain: Chain },
    Stream(Box<rc4::Rc4>),
}

impl Cipher {
    fn new(of: u32, mode: u32, secret: &[u8]) -> Nt<Cipher> {
        let kind = match of {
            algorithm::RC4 => {
                Kind::Stream(Box::new(rc4::Rc4::new_from_slice(secret).map_err(|_| STATUS_NOT_SUPPORTED)?))
            }
            _ => Kind::Block { block: Block::new(of, secret)?, mode, chain: Chain::Unset },
        };
        Ok(Cipher { kind })
    }

    /// Whether the vector is needed before data can go on.
    fn lacks_vector(&self, wanted: u32) -> bool {
        match &self.kind {
            Kind::Block { mode, chain, .. } => *mode != wanted || matches!(chain, Chain::Unset),
            Kind::Stream(_) => false,
        }
    }

    fn start(&mut self, wanted: u32, vector: &[u8]) -> Nt<()> {
        let Kind::Block { block, mode, chain } = &mut self.kind else { return Ok(()) };
        let size = block.size();
        let whole = |vector: &[u8]| -> Nt<Vec<u8>> {
            if vector.len() > size {
                return Err(STATUS_INVALID_PARAMETER);
            }
            let mut whole = vector.to_vec();
            whole.resize(size, 0);
            Ok(whole)
        };
        *chain = match wanted {
            mode::ECB => Chain::Ecb,
            mode::CBC => Chain::Cbc(whole(vector)?),
            mode::CFB => Chain::Cfb(whole(vector)?),
            mode::GCM if size == 16 => Chain::Gcm(Box::new(Gcm::new(block, vector)?)),
            _ => return Err(STATUS_NOT_SUPPORTED),
        };
        *mode = wanted;
        Ok(())
    }

    fn crypt(&mut self, data: &mut [u8], direction: Direction) -> Nt<()> {
        let (block, chain) = match &mut self.kind {
            Kind::Block { block, chain, .. } => (block, chain),
            Kind::Stream(stream) => return stream.try_apply_keystream(data).map_err(|_| STATUS_INTERNAL_ERROR),
        };
        let size = block.size();
        if matches!(chain, Chain::Ecb | Chain::Cbc(_)) && !data.len().is_multiple_of(size) {
            return Err(STATUS_INVALID_BUFFER_SIZE);
        }
        match chain {
            Chain::Unset => return Err(STATUS_INTERNAL_ERROR),
            Chain::Ecb if direction == Direction::Encrypt => block.encrypt(data),
            Chain::Ecb => block.decrypt(data),
            Chain::Cbc(last) => {
                for piece in data.chunks_exact_mut(size) {
                    if direction == Direction::Encrypt {
                        xor(piece, last);
                        block.encrypt(piece);
                        last.copy_from_slice(piece);
                    } else {
                        let text = piece.to_vec();
                        block.decrypt(piece);
                        xor(piece, last);
                        last.copy_from_slice(&text);
                    }
                }
            }
            Chain::Cfb(register) => {
                for byte in data {
                    let mut stream = register.clone();
                    block.encrypt(&mut stream);
                    let given = *byte;
                    *byte ^= stream.first().copied().unwrap_or_default();
                    register.rotate_left(1);
                    if let Some(end) = register.last_mut() {
                        *end = if direction == Direction::Encrypt { *byte } else { given };
                    }
                }
            }
            Chain::Gcm(gcm) => gcm.crypt(block, data, direction)?,
        }
        Ok(())
    }
}

/// The object behind a guest's key, with its chain ready; made if the key has none yet.
fn ready(cx: &Cx<'_>, address: u64) -> Nt<Arc<Mutex<Cipher>>> {
    let key = UserPtr::<SymmetricKey>::new(address).read(cx.k)?;
    let cipher = match cx.k.crypto.ciphers.get(key.head.number) {
        Some(cipher) => cipher,
        None => {
            let secret = load(cx, key.secret, key.secret_length)?;
            let number = cx.k.crypto.ciphers.insert(Mutex::new(Cipher::new(key.head.algorithm, key.mode, &secret)?));
            UserPtr::new(address.wrapping_add(NUMBER)).write(cx.k, number)?;
            cx.k.crypto.ciphers.get(number).ok_or(STATUS_INTERNAL_ERROR)?
        }
    };
    if cipher.lock().lacks_vector(key.mode) {
        let vector = if key.vector == 0 { Vec::new() } else { load(cx, key.vector, key.vector_length)? };
        cipher.lock().start(key.mode, &vector)?;
    }
    Ok(cipher)
}

/// `key_symmetric_vector_reset`: the next data starts a new chain.
pub fn reset(cx: &Cx<'_>, address: u64) -> Nt {
    let key = UserPtr::<SymmetricKey>::new(address).read(cx.k)?;
    let Some(cipher) = cx.k.crypto.ciphers.get(key.head.number) else { return Ok(STATUS_SUCCESS) };
    let mut cipher = cipher.lock();
    let again = match &mut cipher.kind {
        Kind::Block { chain, .. } => {
            *chain = Chain::Unset;
            false
        }
        Kind::Stream(_) => true,
    };
    drop(cipher);
    if again {
        // A stream cipher starts with its key.
        destroy(cx, address)?;
    }
    Ok(STATUS_SUCCESS)
}

/// `struct key_symmetric_set_auth_data_params`, `struct key_symmetric_get_tag_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Part {
    key: u64,
    buffer: u64,
    length: u32,
    pad: u32,
}

/// `key_symmetric_set_auth_data`.
pub fn set_auth_data(cx: &Cx<'_>, arguments: u64) -> Nt {
    let part = UserPtr::<Part>::new(arguments).read(cx.k)?;
    if part.buffer == 0 {
        return Ok(STATUS_SUCCESS);
    }
    let cipher = ready(cx, part.key)?;
    let data = UserSlice::new(part.buffer, part.length.into()).read_all(cx.k)?;
    match &mut cipher.lock().kind {
        Kind::Block { chain: Chain::Gcm(gcm), .. } => gcm.auth_data(&data)?,
        _ => return Err(STATUS_NOT_SUPPORTED),
    }
    Ok(STATUS_SUCCESS)
}

/// `key_symmetric_get_tag`.
pub fn tag(cx: &Cx<'_>, arguments: u64) -> Nt {
    let part = UserPtr::<Part>::new(arguments).read(cx.k)?;
    let cipher = ready(cx, part.key)?;
    let tag = match &cipher.lock().kind {
        Kind::Block { chain: Chain::Gcm(gcm), .. } => gcm.tag(),
        _ => return Err(STATUS_NOT_SUPPORTED),
    };
    let wanted = tag.get(..part.length as usize).ok_or(STATUS_INVALID_PARAMETER)?;
    cx.k.write_user(part.buffer, wanted)?;
    Ok(STATUS_SUCCESS)
}

/// `struct key_symmetric_encrypt_params` and `struct key_symmetric_decrypt_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Crypt {
    key: u64,
    input: u64,
    input_length: u32,
    pad: u32,
    output: u64,
    output_length: u32,
    pad2: u32,
}

/// `key_symmetric_encrypt` and `key_symmetric_decrypt`.
pub fn crypt(cx: &Cx<'_>, arguments: u64, direction: Direction) -> Nt {
    /// Bytes worked on at a time; whole blocks of every cipher.
    const PIECE: u64 = 1 << 16;
    let crypt = UserPtr::<Crypt>::new(arguments).read(cx.k)?;
    if crypt.output_length < crypt.input_length {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    let cipher = ready(cx, crypt.key)?;
    let mut done = 0;
    let length = u64::from(crypt.input_length);
    while done < length {
        let piece = (length - done).min(PIECE);
        let mut data = UserSlice::new(crypt.input.wrapping_add(done), piece).read_all(cx.k)?;
        cipher.lock().crypt(&mut data, direction)?;
        cx.k.write_user(crypt.output.wrapping_add(done), &data)?;
        done += piece;
    }
    Ok(STATUS_SUCCESS)
}

/// `key_symmetric_destroy`.
pub fn destroy(cx: &Cx<'_>, address: u64) -> Nt {
    let key = UserPtr::<SymmetricKey>::new(address).read(cx.k)?;
    if cx.k.crypto.ciphers.remove(key.head.number).is_some() {
        UserPtr::new(address.wrapping_add(NUMBER)).write(cx.k, 0u64)?;
    }
    Ok(STATUS_SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digit = |byte: u8| (byte as char).to_digit(16).unwrap() as u8;
        text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
    }

    fn run(of: u32, mode: u32, key: &str, vector: &str, text: &str, direction: Direction) -> Vec<u8> {
        let mut cipher = Cipher::new(of, mode, &hex(key)).unwrap();
        cipher.start(mode, &hex(vector)).unwrap();
        let mut data = hex(text);
        cipher.crypt(&mut data, direction).unwrap();
        data
    }

    /// Both ways, in one piece and chained.
    fn agree(of: u32, mode: u32, key: &str, vector: &str, plain: &str, cipher: &str) {
        assert_eq!(run(of, mode, key, vector, plain, Direction::Encrypt), hex(cipher));
        assert_eq!(run(of, mode, key, vector, cipher, Direction::Decrypt), hex(plain));
        let mut chained = Cipher::new(of, mode, &hex(key)).unwrap();
        chained.start(mode, &hex(vector)).unwrap();
        let mut data = hex(plain);
        for piece in data.chunks_mut(16) {
            chained.crypt(piece, Direction::Encrypt).unwrap();
        }
        assert_eq!(data, hex(cipher));
    }

    /// NIST SP 800-38A, appendix F.
    #[test]
    fn modes_of_aes_are_nist_s() {
        const KEY: &str = "2b7e151628aed2a6abf7158809cf4f3c";
        const VECTOR: &str = "000102030405060708090a0b0c0d0e0f";
        const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51";
        agree(
            algorithm::AES,
            mode::ECB,
            KEY,
            "",
            PLAIN,
            "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf",
        );
        agree(
            algorithm::AES,
            mode::CBC,
            KEY,
            VECTOR,
            PLAIN,
            "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
        );
        agree(
            algorithm::AES,
            mode::CFB,
            KEY,
            VECTOR,
            "6bc1bee22e409f96e93d7e117393172aae2d",
            "3b79424c9c0dd436bace9e0ed4586a4f32b9",
        );
        const LONG: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
        agree(
            algorithm::AES,
            mode::CBC,
            LONG,
            VECTOR,
            PLAIN,
            "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d",
        );
    }

    /// Test case 4 of the GCM specification: additional data, and a text that ends within a block.
    #[test]
    fn gcm_is_nist_s() {
        let key = hex("feffe9928665731c6d6a8f9467308308");
        let mut cipher = Cipher::new(algorithm::AES, mode::GCM, &key).unwrap();
        cipher.start(mode::GCM, &hex("cafebabefacedbaddecaf888")).unwrap();
        let mut data = hex(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        );
        let tag = |cipher: &Cipher| match &cipher.kind {
            Kind::Block { chain: Chain::Gcm(gcm), .. } => gcm.tag().to_vec(),
            _ => unreachable!(),
        };
        let add = |cipher: &mut Cipher| match &mut cipher.kind {
            Kind::Block { chain: Chain::Gcm(gcm), .. } => {
                gcm.auth_data(&hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"))
            }
            _ => unreachable!(),
        };
        add(&mut cipher).unwrap();
        let plain = data.clone();
        cipher.crypt(&mut data, Direction::Encrypt).unwrap();
        assert_eq!(
            data,
            hex(
                "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
            )
        );
        assert_eq!(tag(&cipher), hex("5bc94fbc3221a5db94fae95ae7121a47"));
        assert_eq!(cipher.crypt(&mut [0], Direction::Encrypt), Err(STATUS_INVALID_BUFFER_SIZE));
        cipher.start(mode::GCM, &hex("cafebabefacedbaddecaf888")).unwrap();
        add(&mut cipher).unwrap();
        cipher.crypt(&mut data, Direction::Decrypt).unwrap();
        assert_eq!(data, plain);
        assert_eq!(tag(&cipher), hex("5bc94fbc3221a5db94fae95ae7121a47"));
    }

    /// RFC 6229's first bytes, and 3DES of NIST SP 800-67's key with all parts alike (which is DES: FIPS 81's example).
    #[test]
    fn older_ciphers_are_theirs() {
        assert_eq!(
            run(algorithm::RC4, 0, "0102030405", "", "0000000000000000", Direction::Encrypt),
            hex("b2396305f03dc027")
        );
        let key = "0123456789abcdef0123456789abcdef0123456789abcdef";
        agree(algorithm::TRIPLE_DES, mode::ECB, key, "", "4e6f772069732074", "3fa40e8a984d4815");
        agree(
            algorithm::TRIPLE_DES,
            mode::CBC,
            key,
            "1234567890abcdef",
            "4e6f77206973207468652074696d6520",
            "e5c7cdde872bf27c43e934008c389c0f",
        );
    }

    #[test]
    fn what_there_is_none_of_is_refused() {
        assert!(matches!(Cipher::new(algorithm::AES, mode::CBC, &[0; 17]), Err(STATUS_NOT_SUPPORTED)));
        assert!(matches!(Cipher::new(algorithm::TRIPLE_DES, mode::CBC, &[0; 16]), Err(STATUS_NOT_SUPPORTED)));
        let mut cipher = Cipher::new(algorithm::AES, 3, &[0; 16]).unwrap();
        assert_eq!(cipher.start(3, &[]), Err(STATUS_NOT_SUPPORTED));
        assert_eq!(cipher.start(mode::GCM, &[0; 16]), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(cipher.start(mode::CBC, &[0; 17]), Err(STATUS_INVALID_PARAMETER));
        cipher.start(mode::CBC, &[0; 16]).unwrap();
        assert_eq!(cipher.crypt(&mut [0; 15], Direction::Encrypt), Err(STATUS_INVALID_BUFFER_SIZE));
    }
}
