//! Who a program says it is: a certificate with its RSA key, or nobody.

use crate::crypto::bcrypt::padding::{Digest, Padding};
use crate::crypto::bcrypt::rsa::RsaKey;
use crate::crypto::random::Random;
use crate::kernel::Kernel;
use core::fmt;
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{DigitallySignedStruct, Error, SignatureAlgorithm, SignatureScheme};
use sha2::Digest as _;
use std::sync::Arc;

/// A certificate and its key.
pub struct Identity(pub Arc<CertifiedKey>);

impl Identity {
    /// Of a certificate's DER and its key.
    pub fn new(k: &'static Kernel, certificate: Vec<u8>, key: RsaKey) -> Identity {
        let key = Arc::new(Key { k, key: Arc::new(key) });
        Identity(Arc::new(CertifiedKey::new(vec![CertificateDer::from(certificate)], key)))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _roots: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// An RSA key that signs handshakes. Not ring's: that one takes no key of less than 2048 bits, which programs still have.
struct Key {
    k: &'static Kernel,
    key: Arc<RsaKey>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// In order of preference.
const SCHEMES: [SignatureScheme; 6] = [
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA512,
];

impl SigningKey for Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = SCHEMES.into_iter().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(Signing { k: self.k, key: self.key.clone(), scheme }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

struct Signing {
    k: &'static Kernel,
    key: Arc<RsaKey>,
    scheme: SignatureScheme,
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.scheme.fmt(f)
    }
}

impl Signer for Signing {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let (hash, padding) = match self.scheme {
            SignatureScheme::RSA_PSS_SHA256 => {
                (sha2::Sha256::digest(message).to_vec(), Padding::Pss(Digest::Sha256, 32))
            }
            SignatureScheme::RSA_PSS_SHA384 => {
                (sha2::Sha384::digest(message).to_vec(), Padding::Pss(Digest::Sha384, 48))
            }
            SignatureScheme::RSA_PSS_SHA512 => {
                (sha2::Sha512::digest(message).to_vec(), Padding::Pss(Digest::Sha512, 64))
            }
            SignatureScheme::RSA_PKCS1_SHA256 => {
                (sha2::Sha256::digest(message).to_vec(), Padding::Pkcs1(Some(Digest::Sha256)))
            }
            SignatureScheme::RSA_PKCS1_SHA384 => {
                (sha2::Sha384::digest(message).to_vec(), Padding::Pkcs1(Some(Digest::Sha384)))
            }
            _ => (sha2::Sha512::digest(message).to_vec(), Padding::Pkcs1(Some(Digest::Sha512))),
        };
        self.key.sign(&hash, padding, &mut Random(self.k)).map_err(|status| Error::General(status.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

/// Takes every certificate, as the DLL does: who is behind a connection, programs ask crypt32 (SECPKG_ATTR_REMOTE_CERT_CONTEXT,
/// CertGetCertificateChain). That the peer holds the certificate's key is checked.
#[derive(Debug)]
pub struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _server: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        super::verify::signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        super::verify::signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        super::verify::SCHEMES.to_vec()
    }
}
