//! The server's certificate: made anew at each start, known by its fingerprint.

use anyhow::Context as _;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The certificate and its key.
pub struct Identity {
    /// SHA-256 of the certificate, in the form `aa:bb:…`.
    pub fingerprint: String,
    /// What shakes hands.
    pub acceptor: TlsAcceptor,
    /// The key that clients bind their login to.
    pub public_key: Vec<u8>,
}

impl Identity {
    /// A new one.
    ///
    /// # Errors
    /// Where no key can be made.
    pub fn new() -> anyhow::Result<Self> {
        let key = rcgen::KeyPair::generate().context("a key")?;
        let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).context("a certificate")?;
        let certificate = parameters.self_signed(&key).context("a certificate")?;
        let digest = aws_lc_digest(certificate.der());
        let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret)?;
        let public_key = key.public_key_raw().to_vec();
        Ok(Identity { fingerprint: pairs.join(":"), acceptor: TlsAcceptor::from(Arc::new(config)), public_key })
    }
}

/// SHA-256, by the provider that TLS uses.
fn aws_lc_digest(bytes: &[u8]) -> Vec<u8> {
    let suite = aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let hash = suite.tls13().map(|suite| suite.common.hash_provider.hash(bytes));
    hash.map(|output| output.as_ref().to_vec()).unwrap_or_default()
}
