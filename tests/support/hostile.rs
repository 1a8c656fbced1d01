//! Clients of an RDP server that go as far as its logging in (CredSSP, MS-CSSP, with NTLM, MS-NLMP), and there say what is damaged.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned};
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// Takes any certificate: what is said over the connection is no secret.
#[derive(Debug)]
struct Anyone(CryptoProvider);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A connection within TLS, where the client is to log in.
pub struct Login(StreamOwned<ClientConnection, TcpStream>);

impl Login {
    /// Asks for that, and begins TLS.
    ///
    /// # Errors
    /// Where the server does not.
    pub fn begin(address: SocketAddr) -> anyhow::Result<Login> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        // A request for a connection (MS-RDPBCGR 2.2.1.1) with TLS and CredSSP, and what answers it.
        stream.write_all(&[3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0])?;
        let mut answer = [0; 19];
        stream.read_exact(&mut answer)?;
        anyhow::ensure!(answer[11] == 2 && answer[15] == 2, "it does not want a login: {answer:?}");
        let config = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone(ring::default_provider())))
            .with_no_client_auth();
        let connection = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost")?)?;
        Ok(Login(StreamOwned::new(connection, stream)))
    }

    /// Says something; what is answered at once, up to the end where it ends.
    ///
    /// # Errors
    /// The end of the connection without TLS's own, among others.
    pub fn say(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        self.0.write_all(bytes)?;
        self.0.flush()?;
        let mut answer = vec![0; 4096];
        let count = self.0.read(&mut answer)?;
        answer.truncate(count);
        Ok(answer)
    }

    /// Says something and goes, whatever comes of it.
    pub fn say_and_leave(mut self, bytes: &[u8]) {
        // It may be gone before all is said; a pause is no answer either.
        let _ = self.0.sock.set_read_timeout(Some(Duration::from_millis(100)));
        let _ = self.say(bytes);
    }
}

/// DER: a tag, and what it holds.
fn der(tag: u8, inside: &[u8]) -> Vec<u8> {
    let length = inside.len();
    let head = if length < 128 { vec![tag, length as u8] } else { vec![tag, 0x82, (length >> 8) as u8, length as u8] };
    [&head, inside].concat()
}

/// TSRequest of version 6 with one token.
fn request(token: &[u8]) -> Vec<u8> {
    let tokens = der(0x30, &der(0x30, &der(0xa0, &der(4, token))));
    der(0x30, &[der(0xa0, &[2, 1, 6]), der(0xa1, &tokens)].concat())
}

/// The first message: NEGOTIATE_MESSAGE with the flags of a client of today.
pub fn negotiate() -> Vec<u8> {
    let mut token = b"NTLMSSP\0\x01\0\0\0\xb7\x82\x08\xe2".to_vec();
    token.extend([0; 16]);
    token.extend([10, 0, 0x63, 0x45, 0, 0, 0, 15]);
    request(&token)
}

/// The second: AUTHENTICATE_MESSAGE of nobody, whose answers are no answers.
pub fn authenticate() -> Vec<u8> {
    let mut token = b"NTLMSSP\0\x03\0\0\0".to_vec();
    // LM's and NT's answer, domain, user, workstation, session key: length, room, offset.
    for (length, offset) in [(24u16, 88u32), (64, 112), (0, 176), (8, 176), (0, 184), (16, 184)] {
        token.extend(length.to_le_bytes());
        token.extend(length.to_le_bytes());
        token.extend(offset.to_le_bytes());
    }
    token.extend(0xe208_8235_u32.to_le_bytes());
    token.extend([10, 0, 0x63, 0x45, 0, 0, 0, 15]);
    token.extend([0; 16]);
    token.extend([7; 24 + 64]);
    token.extend(b"u\0s\0e\0r\0");
    token.extend([9; 16]);
    request(&token)
}
