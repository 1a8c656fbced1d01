//! `roots:`, the host's root certificates. They are public data: a policy gives them with the network, unless it says otherwise.

use super::Broker;
use super::open::{Answer, only_reads, reading};
use crate::{host, sys};
use shim_abi::calls::StreamOpen;
use shim_abi::error::{Error, Result};
use shim_abi::stream::Kind;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;

/// Where distributions keep them, in one file of PEM.
const KNOWN: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

impl Broker {
    /// Opens the first that there is, to be read.
    pub(super) fn open_roots(&self, call: &StreamOpen) -> Result<Answer> {
        only_reads(call)?;
        if !self.roots {
            return Err(Error::NotFound);
        }
        let open = |path: &&str| {
            std::fs::File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path).ok()
        };
        let fd = OwnedFd::from(KNOWN.iter().find_map(open).ok_or(Error::NotFound)?);
        if host::kind(&sys::statx(&fd, c"").map_err(host::error)?) != Ok(Kind::File) {
            return Err(Error::NotFound);
        }
        reading(fd, call)
    }
}

#[cfg(test)]
#[path = "../../tests/unit/broker_roots.rs"]
mod tests;
