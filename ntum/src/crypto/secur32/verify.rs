//! Whether a peer holds the key of its certificate.
//!
//! Not webpki's check: that one refuses certificates which Windows programs make for themselves, of version 1 or with short
//! keys. Here the certificate is only where the key stands.

use crate::crypto::bcrypt::ec::{Curve, EcKey};
use crate::crypto::bcrypt::padding::{Digest, Padding};
use crate::crypto::bcrypt::rsa::RsaKey;
use crate::status::{Nt, STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED};
use rsa::pkcs1::der::Decode;
use rsa::pkcs1::der::asn1::ObjectIdentifier;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme};
use sha2::Digest as _;
use x509_cert::certificate::{CertificateInner, Raw};

/// Signatures that are understood.
pub const SCHEMES: [SignatureScheme; 8] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// rsaEncryption, id-ecPublicKey, secp256r1, secp384r1.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

enum Key {
    Rsa(RsaKey),
    Ec(EcKey),
}

/// The public key in a certificate.
fn key(certificate: &[u8]) -> Nt<Key> {
    let wrong = STATUS_INVALID_PARAMETER;
    let certificate = CertificateInner::<Raw>::from_der(certificate).map_err(|_| wrong)?;
    let info = certificate.tbs_certificate().subject_public_key_info();
    let bits = info.subject_public_key.as_bytes().ok_or(wrong)?;
    if info.algorithm.oid == RSA {
        let key: rsa::pkcs1::RsaPublicKeyRef<'_> = Decode::from_der(bits).map_err(|_| wrong)?;
        return RsaKey::from_numbers(key.modulus.as_bytes(), key.public_exponent.as_bytes()).map(Key::Rsa);
    }
    if info.algorithm.oid != EC {
        return Err(STATUS_NOT_SUPPORTED);
    }
    let parameters = info.algorithm.parameters.as_ref().ok_or(wrong)?;
    let curve = match parameters.decode_as::<ObjectIdentifier>() {
        Ok(P256) => Curve::P256,
        Ok(P384) => Curve::P384,
        _ => return Err(STATUS_NOT_SUPPORTED),
    };
    EcKey::from_point(curve, bits).map(Key::Ec)
}

fn check(message: &[u8], key: &Key, scheme: SignatureScheme, signature: &[u8]) -> Nt<()> {
    let (digest, hash) = match scheme {
        SignatureScheme::ECDSA_NISTP256_SHA256
        | SignatureScheme::RSA_PSS_SHA256
        | SignatureScheme::RSA_PKCS1_SHA256 => (Digest::Sha256, sha2::Sha256::digest(message).to_vec()),
        SignatureScheme::ECDSA_NISTP384_SHA384
        | SignatureScheme::RSA_PSS_SHA384
        | SignatureScheme::RSA_PKCS1_SHA384 => (Digest::Sha384, sha2::Sha384::digest(message).to_vec()),
        SignatureScheme::RSA_PSS_SHA512 | SignatureScheme::RSA_PKCS1_SHA512 => {
            (Digest::Sha512, sha2::Sha512::digest(message).to_vec())
        }
        _ => return Err(STATUS_NOT_SUPPORTED),
    };
    match (key, scheme) {
        // In TLS 1.2 the scheme names the hash alone, not the curve.
        (Key::Ec(key), SignatureScheme::ECDSA_NISTP256_SHA256 | SignatureScheme::ECDSA_NISTP384_SHA384) => {
            key.verify_der(&hash, signature)
        }
        (
            Key::Rsa(key),
            SignatureScheme::RSA_PSS_SHA256 | SignatureScheme::RSA_PSS_SHA384 | SignatureScheme::RSA_PSS_SHA512,
        ) => key.verify(&hash, signature, Padding::Pss(digest, digest.size())),
        (
            Key::Rsa(key),
            SignatureScheme::RSA_PKCS1_SHA256 | SignatureScheme::RSA_PKCS1_SHA384 | SignatureScheme::RSA_PKCS1_SHA512,
        ) => key.verify(&hash, signature, Padding::Pkcs1(Some(digest))),
        _ => Err(STATUS_INVALID_PARAMETER),
    }
}

/// Checks the signature of a handshake.
///
/// # Errors
/// For a certificate that has no key of a known kind, and for a signature that is not of that key.
pub fn signature(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    if !SCHEMES.contains(&signed.scheme) {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    }
    let key = key(certificate).map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
    check(message, &key, signed.scheme, signed.signature())
        .map(|()| HandshakeSignatureValid::assertion())
        .map_err(|_| Error::InvalidCertificate(CertificateError::BadSignature))
}
