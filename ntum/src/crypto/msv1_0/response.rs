//! What NTLMv2 computes (MS-NLMP 3.3.2, 3.4.5).

use crate::nls::fold::fold;
use hmac::{Hmac, KeyInit, Mac};
use md4::{Digest, Md4};
use md5::Md5;
use rc4::{Rc4, StreamCipher};

/// A hash, or a key.
pub type Hash = [u8; 16];

/// UTF-16 units as bytes.
pub fn bytes(units: &[u16]) -> Vec<u8> {
    units.iter().flat_map(|unit| unit.to_le_bytes()).collect()
}

fn keyed(key: &[u8], parts: &[&[u8]]) -> Option<Hmac<Md5>> {
    let mut mac = Hmac::<Md5>::new_from_slice(key).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    Some(mac)
}

/// HMAC-MD5 of parts that follow each other.
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> Hash {
    // A key may have any length.
    keyed(key, parts).map_or([0; 16], |mac| mac.finalize().into_bytes().into())
}

/// Whether HMAC-MD5 of the parts is this, in a time that says nothing.
pub fn is_hmac(key: &[u8], parts: &[&[u8]], tag: &[u8]) -> bool {
    keyed(key, parts).is_some_and(|mac| mac.verify_slice(tag).is_ok())
}

/// NTOWFv1: the hash of a password.
pub fn of_password(password: &str) -> Hash {
    let units: Vec<u16> = password.encode_utf16().collect();
    Md4::digest(bytes(&units)).into()
}

/// NTOWFv2: the key of a user's responses.
pub fn of_user(password: &Hash, user: &[u16], domain: &[u16]) -> Hash {
    hmac(password, &[&bytes(&fold(user)), &bytes(domain)])
}

/// The keys that a session has, as both sides compute them from a proof.
pub fn session_key(of_user: &Hash, proof: &[u8]) -> Hash {
    hmac(of_user, &[proof])
}

/// RC4 with a key of its own: of a key that is exchanged, either way.
pub fn rc4(key: &Hash, mut data: Hash) -> Hash {
    use rc4::KeyInit as _;
    if let Ok(mut cipher) = Rc4::new_from_slice(key) {
        cipher.apply_keystream(&mut data);
    }
    data
}

/// A response to a challenge: the proof, and what it is a proof of.
pub fn response(of_user: &Hash, challenge: &[u8; 8], own: &[u8; 8], time: u64, target: &[u8]) -> Vec<u8> {
    let mut blob = vec![1, 1, 0, 0, 0, 0, 0, 0];
    blob.extend_from_slice(&time.to_le_bytes());
    blob.extend_from_slice(own);
    blob.extend_from_slice(&[0; 4]);
    blob.extend_from_slice(target);
    blob.extend_from_slice(&[0; 4]);
    let proof = hmac(of_user, &[challenge, &blob]);
    [&proof[..], &blob].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    /// The example of MS-NLMP 4.2.4.
    #[test]
    fn the_specification_s_example() {
        let user = of_user(&of_password("Password"), &units("User"), &units("Domain"));
        assert_eq!(
            user,
            [0x0c, 0x86, 0x8a, 0x40, 0x3b, 0xfd, 0x7a, 0x93, 0xa3, 0x00, 0x1e, 0xf2, 0x2e, 0xf0, 0x2e, 0x3f]
        );
        let mut target = vec![2, 0, 12, 0];
        target.extend(bytes(&units("Domain")));
        target.extend([1, 0, 12, 0]);
        target.extend(bytes(&units("Server")));
        target.extend([0, 0, 0, 0]);
        let challenge = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
        let response = response(&user, &challenge, &[0xaa; 8], 0, &target);
        let proof = [0x68, 0xcd, 0x0a, 0xb8, 0x51, 0xe5, 0x1c, 0x96, 0xaa, 0xbc, 0x92, 0x7b, 0xeb, 0xef, 0x6a, 0x1c];
        assert_eq!(response[..16], proof);
        let key = session_key(&user, &proof);
        assert_eq!(
            key,
            [0x8d, 0xe4, 0x0c, 0xca, 0xdb, 0xc1, 0x4a, 0x82, 0xf1, 0x5c, 0xb0, 0xad, 0x0d, 0xe9, 0x5c, 0xa3]
        );
        let sent = [0xc5, 0xda, 0xd2, 0x54, 0x4f, 0xc9, 0x79, 0x90, 0x94, 0xce, 0x1c, 0xe9, 0x0b, 0xc9, 0xd0, 0x3e];
        assert_eq!(rc4(&key, [0x55; 16]), sent);
        assert!(is_hmac(&user, &[&challenge, &response[16..]], &proof) && !is_hmac(&user, &[&challenge], &proof));
    }
}
