//! What rustls computes with: ring's algorithms, those of TLS 1.2 that Windows has too, and a look at the PRF.
//!
//! `tls-unique` (RFC 5929, 3) is the client's Finished message, which rustls shows to nobody; it comes out of the PRF.

use rustls::crypto::tls12::Prf;
use rustls::crypto::{ActiveKeyExchange, CryptoProvider, ring};
use rustls::{CipherSuite, Error, SupportedCipherSuite, Tls12CipherSuite};
use std::cell::Cell;
use std::sync::{Arc, OnceLock};

/// Bytes of a Finished message's verify_data in TLS 1.2.
pub const FINISHED: usize = 12;

/// The suites, as Windows orders them.
const SUITES: [CipherSuite; 4] = [
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
];

thread_local! {
    /// The verify_data of the client's Finished that this thread computed last.
    static CLIENT_FINISHED: Cell<Option<[u8; FINISHED]>> = const { Cell::new(None) };
}

/// Takes what the connection that this thread just worked on computed.
pub fn take_client_finished() -> Option<[u8; FINISHED]> {
    CLIENT_FINISHED.take()
}

/// A PRF that keeps the client's Finished.
struct Watched(&'static dyn Prf);

impl Prf for Watched {
    fn for_key_exchange(
        &self,
        output: &mut [u8; 48],
        kx: Box<dyn ActiveKeyExchange>,
        peer: &[u8],
        label: &[u8],
        seed: &[u8],
    ) -> Result<(), Error> {
        self.0.for_key_exchange(output, kx, peer, label, seed)
    }

    fn for_secret(&self, output: &mut [u8], secret: &[u8], label: &[u8], seed: &[u8]) {
        self.0.for_secret(output, secret, label, seed);
        if label == b"client finished" {
            CLIENT_FINISHED.set((&*output).try_into().ok());
        }
    }
}

/// The provider, made when the first connection needs it, and then kept.
pub fn provider() -> Arc<CryptoProvider> {
    static MADE: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let make = || {
        let mut provider = ring::default_provider();
        let mut suites = Vec::new();
        for wanted in SUITES {
            let Some(SupportedCipherSuite::Tls12(suite)) =
                provider.cipher_suites.iter().find(|suite| suite.suite() == wanted)
            else {
                continue;
            };
            let Tls12CipherSuite { common, prf_provider, kx, sign, aead_alg } = *suite;
            let watched: &'static Watched = Box::leak(Box::new(Watched(*prf_provider)));
            let common = rustls::crypto::CipherSuiteCommon { ..*common };
            let suite = Tls12CipherSuite { common, prf_provider: watched, kx: *kx, sign, aead_alg: *aead_alg };
            suites.push(SupportedCipherSuite::Tls12(Box::leak(Box::new(suite))));
        }
        provider.cipher_suites = suites;
        Arc::new(provider)
    };
    MADE.get_or_init(make).clone()
}
