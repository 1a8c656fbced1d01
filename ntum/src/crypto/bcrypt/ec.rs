//! Keys on the curves P-256 and P-384, for signatures (ECDSA) and for agreement on a secret (ECDH).

use super::blob::{Reader, Writer};
use crate::crypto::random::Random;
use crate::status::*;
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p256::elliptic_curve::Generate;
use p256::elliptic_curve::sec1::ToSec1Point;

/// A curve.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    P256,
    P384,
}

impl Curve {
    /// Bytes of a coordinate.
    pub fn size(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
        }
    }
}

/// What a key is for: decides the magic number of its blobs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Agreement,
    Signature,
}

/// "ECK1" to "ECK4" and "ECS1" to "ECS4": public and private for P-256, then for P-384.
fn magic(curve: Curve, of: Use, private: bool) -> u32 {
    let letter = if of == Use::Agreement { b'K' } else { b'S' };
    let digit = b'1' + u8::from(private) + if curve == Curve::P384 { 2 } else { 0 };
    u32::from_le_bytes([b'E', b'C', letter, digit])
}

/// A key, with or without its private part.
pub enum EcKey {
    P256 { public: p256::PublicKey, secret: Option<p256::SecretKey> },
    P384 { public: p384::PublicKey, secret: Option<p384::SecretKey> },
}

/// Runs the same code for either curve.
macro_rules! on_curve {
    ($key:expr, $public:ident, $secret:ident, $curve:ident => $body:expr) => {
        match $key {
            EcKey::P256 { public: $public, secret: $secret } => {
                #[allow(unused_imports)]
                use p256 as $curve;
                $body
            }
            EcKey::P384 { public: $public, secret: $secret } => {
                #[allow(unused_imports)]
                use p384 as $curve;
                $body
            }
        }
    };
}

impl EcKey {
    /// A new key.
    pub fn generate(curve: Curve, random: &mut Random<'_>) -> EcKey {
        match curve {
            Curve::P256 => {
                let secret = p256::SecretKey::generate_from_rng(random);
                EcKey::P256 { public: secret.public_key(), secret: Some(secret) }
            }
            Curve::P384 => {
                let secret = p384::SecretKey::generate_from_rng(random);
                EcKey::P384 { public: secret.public_key(), secret: Some(secret) }
            }
        }
    }

    /// BCRYPT_ECCKEY_BLOB. A private blob's public part follows from the private one, which programs may leave out.
    pub fn import(curve: Curve, blob: &[u8], private: bool) -> Nt<EcKey> {
        let mut blob = Reader(blob);
        let _magic = blob.number()?;
        if blob.number()? as usize != curve.size() {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let mut point = vec![4];
        point.extend_from_slice(blob.bytes(curve.size() * 2)?);
        let secret = if private { Some(blob.bytes(curve.size())?) } else { None };
        macro_rules! import {
            ($curve:ident, $variant:ident) => {{
                let secret = match secret {
                    Some(secret) => Some($curve::SecretKey::from_slice(secret).map_err(|_| STATUS_INVALID_PARAMETER)?),
                    None => None,
                };
                let public = match &secret {
                    Some(secret) => secret.public_key(),
                    None => $curve::PublicKey::from_sec1_bytes(&point).map_err(|_| STATUS_INVALID_PARAMETER)?,
                };
                Ok(EcKey::$variant { public, secret })
            }};
        }
        match curve {
            Curve::P256 => import!(p256, P256),
            Curve::P384 => import!(p384, P384),
        }
    }

    /// A public key of a point as SEC 1 writes it.
    pub fn from_point(curve: Curve, point: &[u8]) -> Nt<EcKey> {
        let wrong = STATUS_INVALID_PARAMETER;
        Ok(match curve {
            Curve::P256 => {
                EcKey::P256 { public: p256::PublicKey::from_sec1_bytes(point).map_err(|_| wrong)?, secret: None }
            }
            Curve::P384 => {
                EcKey::P384 { public: p384::PublicKey::from_sec1_bytes(point).map_err(|_| wrong)?, secret: None }
            }
        })
    }

    /// Checks a signature of a hash that is written as X.509 and TLS write it.
    pub fn verify_der(&self, hash: &[u8], signature: &[u8]) -> Nt<()> {
        let raw = on_curve!(self, _public, _secret, curve => {
            let signature = curve::ecdsa::Signature::from_der(signature).map_err(|_| STATUS_INVALID_SIGNATURE)?;
            signature.to_bytes().to_vec()
        });
        self.verify(hash, &raw)
    }

    /// BCRYPT_ECCPUBLIC_BLOB or BCRYPT_ECCPRIVATE_BLOB.
    pub fn export(&self, of: Use, private: bool) -> Nt<Vec<u8>> {
        let curve = self.curve();
        let writer = Writer::new(&[magic(curve, of, private), curve.size() as u32]);
        on_curve!(self, public, secret, curve => {
            let point = public.to_sec1_point(false);
            let writer = writer.bytes(point.as_bytes().get(1..).ok_or(STATUS_INTERNAL_ERROR)?);
            if !private {
                return Ok(writer.0);
            }
            let secret = secret.as_ref().ok_or(STATUS_INVALID_PARAMETER)?;
            Ok(writer.bytes(&secret.to_bytes()).0)
        })
    }

    /// Its curve.
    pub fn curve(&self) -> Curve {
        match self {
            EcKey::P256 { .. } => Curve::P256,
            EcKey::P384 { .. } => Curve::P384,
        }
    }

    /// Whether it has a private part.
    pub fn is_private(&self) -> bool {
        on_curve!(self, _public, secret, curve => secret.is_some())
    }

    /// Signs a hash: r and s, one after the other.
    pub fn sign(&self, hash: &[u8]) -> Nt<Vec<u8>> {
        let hash = extended(hash, self.curve());
        on_curve!(self, _public, secret, curve => {
            let secret = secret.as_ref().ok_or(STATUS_INVALID_PARAMETER)?;
            let signature: curve::ecdsa::Signature =
                curve::ecdsa::SigningKey::from(secret).sign_prehash(&hash).map_err(|_| STATUS_INTERNAL_ERROR)?;
            Ok(signature.to_bytes().to_vec())
        })
    }

    /// Checks a signature of a hash.
    pub fn verify(&self, hash: &[u8], signature: &[u8]) -> Nt<()> {
        let hash = extended(hash, self.curve());
        on_curve!(self, public, _secret, curve => {
            let signature = curve::ecdsa::Signature::from_slice(signature).map_err(|_| STATUS_INVALID_SIGNATURE)?;
            curve::ecdsa::VerifyingKey::from(public).verify_prehash(&hash, &signature).map_err(|_| STATUS_INVALID_SIGNATURE)
        })
    }

    /// The secret that this private and that public key agree on.
    pub fn agree(&self, with: &EcKey) -> Nt<Vec<u8>> {
        match (self, with) {
            (EcKey::P256 { secret: Some(secret), .. }, EcKey::P256 { public, .. }) => {
                Ok(secret.diffie_hellman(public).raw_secret_bytes().to_vec())
            }
            (EcKey::P384 { secret: Some(secret), .. }, EcKey::P384 { public, .. }) => {
                Ok(secret.diffie_hellman(public).raw_secret_bytes().to_vec())
            }
            _ => Err(STATUS_INVALID_PARAMETER),
        }
    }
}

/// The crates take no hash shorter than half a coordinate; zeros in front do not change the number that it stands for.
fn extended(hash: &[u8], curve: Curve) -> Vec<u8> {
    let mut extended = vec![0; curve.size().saturating_sub(hash.len())];
    extended.extend_from_slice(hash);
    extended
}
