//! One TLS connection: rustls behind the calls that the DLL makes for InitializeSecurityContext, AcceptSecurityContext,
//! EncryptMessage and DecryptMessage. Bytes come in and go out as buffers; nothing here reaches a network.

use super::credentials::{AnyServer, Identity};
use super::provider::{FINISHED, provider, take_client_finished};
use super::status::*;
use crate::kernel::Kernel;
use crate::status::*;
use core::fmt;
use core::time::Duration;
use rustls::pki_types::{DnsName, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, Connection, Error, ServerConfig, ServerConnection, version,
};
use std::io::{Read, Write};
use std::sync::Arc;

/// Bytes of a record's header: type, version, length of what follows.
const HEADER: usize = 5;

/// Which end of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Client,
    Server,
}

/// A connection, before or after its first message.
pub struct Session {
    pub role: Role,
    identity: Option<Arc<Identity>>,
    target: Option<String>,
    protocols: Vec<Vec<u8>>,
    connection: Option<Connection>,
    /// Bytes for the peer that found no room yet.
    pending: Vec<u8>,
    /// The client's Finished.
    pub unique: Option<[u8; FINISHED]>,
}

struct Clock(&'static Kernel);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let now = u64::try_from(self.0.host.realtime()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_nanos(now)))
    }
}

/// What Windows answers where rustls says this.
fn status_of(error: &Error) -> Status {
    match error {
        Error::AlertReceived(AlertDescription::ProtocolVersion) => SEC_E_UNSUPPORTED_FUNCTION,
        Error::AlertReceived(_) => SEC_E_ILLEGAL_MESSAGE,
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol => SEC_E_ALGORITHM_MISMATCH,
        Error::InvalidCertificate(_) | Error::NoCertificatesPresented => SEC_E_CERT_UNKNOWN,
        Error::DecryptError => SEC_E_DECRYPT_FAILURE,
        Error::InvalidMessage(_) | Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            SEC_E_INVALID_TOKEN
        }
        Error::PeerMisbehaved(_) => SEC_E_ILLEGAL_MESSAGE,
        _ => SEC_E_INTERNAL_ERROR,
    }
}

impl Session {
    /// A connection that has not begun.
    pub fn new(role: Role, identity: Option<Arc<Identity>>) -> Session {
        Session {
            role,
            identity,
            target: None,
            protocols: Vec::new(),
            connection: None,
            pending: Vec::new(),
            unique: None,
        }
    }

    /// The name that the client asks for.
    pub fn set_target(&mut self, name: String) {
        self.target = Some(name);
    }

    /// The application protocols, in order of preference.
    pub fn set_protocols(&mut self, protocols: Vec<Vec<u8>>) {
        self.protocols = protocols;
    }

    /// The connection, if it has begun.
    pub fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    fn begin(&mut self, k: &'static Kernel) -> Result<Connection, Error> {
        let provider = provider();
        let versions = &[&version::TLS12];
        let mut connection = match self.role {
            Role::Client => {
                let builder = ClientConfig::builder_with_details(provider, Arc::new(Clock(k)))
                    .with_protocol_versions(versions)?
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(AnyServer));
                let mut config = match &self.identity {
                    Some(identity) => builder.with_client_cert_resolver(identity.clone()),
                    None => builder.with_no_client_auth(),
                };
                // What is bound to one handshake (tls-unique) must not stand for another.
                config.resumption = rustls::client::Resumption::disabled();
                config.alpn_protocols = self.protocols.clone();
                let name = self.target.clone().and_then(|name| ServerName::try_from(name).ok());
                // Without a name that can be sent, none is.
                config.enable_sni = name.is_some();
                let nobody = || DnsName::try_from("nobody.invalid").map(ServerName::DnsName);
                let name = match name {
                    Some(name) => name,
                    None => nobody().map_err(|_| Error::General("a name".to_owned()))?,
                };
                Connection::Client(ClientConnection::new(Arc::new(config), name)?)
            }
            Role::Server => {
                let identity = self.identity.clone().ok_or(Error::NoCertificatesPresented)?;
                let mut config = ServerConfig::builder_with_details(provider, Arc::new(Clock(k)))
                    .with_protocol_versions(versions)?
                    .with_no_client_auth()
                    .with_cert_resolver(identity);
                config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
                config.alpn_protocols = self.protocols.clone();
                Connection::Server(ServerConnection::new(Arc::new(config))?)
            }
        };
        connection.set_buffer_limit(None);
        Ok(connection)
    }

    /// Goes on with the handshake: how many of the bytes it took, and what the DLL is to answer. Records after the end of
    /// the handshake stay where they are.
    pub fn handshake(&mut self, k: &'static Kernel, input: &[u8]) -> (usize, Nt) {
        let mut connection = match self.connection.take() {
            Some(connection) if !connection.is_handshaking() && self.pending.is_empty() => {
                self.connection = Some(connection);
                // rustls never negotiates anew; it refuses by a message of its own when a server asks.
                return (0, Err(SEC_E_UNSUPPORTED_FUNCTION));
            }
            Some(connection) => connection,
            None => match self.begin(k) {
                Ok(connection) => connection,
                Err(error) => return (0, Err(status_of(&error))),
            },
        };
        let mut taken = 0;
        let mut failure = None;
        while connection.is_handshaking()
            && let Some(record) = record(input.get(taken..).unwrap_or_default())
        {
            taken += record.len();
            if let Err(error) = feed(&mut connection, record) {
                failure = Some(status_of(&error));
                break;
            }
        }
        if let Some(finished) = take_client_finished() {
            self.unique = Some(finished);
        }
        self.collect(&mut connection);
        let going_on = connection.is_handshaking();
        self.connection = Some(connection);
        let status = match failure {
            Some(status) => Err(status),
            None if going_on => Ok(SEC_I_CONTINUE_NEEDED),
            None => Ok(SEC_E_OK),
        };
        (taken, status)
    }

    /// Says that nothing more will come (close_notify), the only alert that rustls sends when asked.
    pub fn shut_down(&mut self) -> Nt<()> {
        let mut connection = self.connection.take().ok_or(SEC_E_INTERNAL_ERROR)?;
        connection.send_close_notify();
        self.collect(&mut connection);
        self.connection = Some(connection);
        Ok(())
    }

    /// Encrypts data; the records are then among what [`Session::take_output`] hands out.
    pub fn send(&mut self, data: &[u8]) -> Nt<()> {
        let mut connection = self.connection.take().ok_or(SEC_E_INTERNAL_ERROR)?;
        let written = connection.writer().write_all(data);
        self.collect(&mut connection);
        self.connection = Some(connection);
        written.map_err(|_| SEC_E_INTERNAL_ERROR)
    }

    /// Decrypts whole records to at most `room` bytes of data.
    pub fn receive(&mut self, input: &[u8], room: usize) -> Nt<(Vec<u8>, Status)> {
        let connection = self.connection.as_mut().filter(|connection| !connection.is_handshaking());
        let connection = connection.ok_or(SEC_E_INTERNAL_ERROR)?;
        let mut rest = input;
        while let Some(record) = record(rest) {
            rest = rest.get(record.len()..).unwrap_or_default();
            feed(connection, record).map_err(|error| status_of(&error))?;
        }
        let mut data = Vec::new();
        let ended = match connection.reader().take(room as u64).read_to_end(&mut data) {
            // Nothing more for now is an error to a reader; what came before it is in `data`.
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
            Ok(_) => data.is_empty() && room > 0,
        };
        let status = if ended && data.is_empty() { SEC_I_CONTEXT_EXPIRED } else { SEC_E_OK };
        Ok((data, status))
    }

    fn collect(&mut self, connection: &mut Connection) {
        while connection.wants_write() {
            if !connection.write_tls(&mut self.pending).is_ok_and(|written| written > 0) {
                break;
            }
        }
    }

    /// What goes to the peer; what the caller has no room for it gives back.
    pub fn take_output(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.pending)
    }

    /// Keeps bytes for the next time.
    pub fn put_back(&mut self, rest: &[u8]) {
        self.pending = rest.to_vec();
    }
}

/// The whole record at the start of `bytes`.
fn record(bytes: &[u8]) -> Option<&[u8]> {
    let length = usize::from(u16::from_be_bytes([*bytes.get(3)?, *bytes.get(4)?]));
    bytes.get(..HEADER + length)
}

fn feed(connection: &mut Connection, record: &[u8]) -> Result<(), Error> {
    let mut rest = record;
    while !rest.is_empty() {
        match connection.read_tls(&mut rest) {
            Ok(0) => break,
            Ok(_) => connection.process_new_packets()?,
            Err(error) => return Err(Error::General(error.to_string())),
        };
    }
    Ok(())
}
