//! Descriptors that the picoprocesses of a sandbox leave for each other. Each is known by a token, and stays until somebody has
//! it forgotten or the sandbox ends.

use crate::sys::lock;
use nix::sys::stat::{SFlag, fstat};
use shim_abi::calls::StreamShare;
use shim_abi::error::{Error, Result};
use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;

/// Most of a sandbox's at a time.
const MOST: usize = 8192;

#[derive(Default)]
struct Held {
    last: u64,
    by_token: HashMap<u64, OwnedFd>,
}

impl Held {
    fn leave(&mut self, descriptor: OwnedFd) -> u64 {
        self.last += 1;
        self.by_token.insert(self.last, descriptor);
        self.last
    }
}

/// What was left.
#[derive(Default)]
pub struct Deposits(Mutex<Held>);

/// Whether a descriptor may be left. A lane's own socket would keep that lane open for ever.
fn may_be_left(descriptor: &OwnedFd) -> bool {
    let kind = fstat(descriptor).map(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT);
    match kind {
        Ok(SFlag::S_IFREG) => true,
        Ok(SFlag::S_IFSOCK) => crate::net::local(descriptor.as_fd()).is_some(),
        _ => false,
    }
}

impl Deposits {
    /// Leaves descriptors that came from outside; their tokens.
    pub fn keep(&self, descriptors: Vec<OwnedFd>) -> Vec<u64> {
        let mut held = lock(&self.0);
        descriptors.into_iter().map(|descriptor| held.leave(descriptor)).collect()
    }

    /// Forgets one.
    pub fn forget(&self, token: u64) {
        drop(lock(&self.0).by_token.remove(&token));
    }

    /// stream_share.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a request that does not say what it wants, [`Error::Unsupported`] for a descriptor that may not be
    /// left, [`Error::TooManyOpen`], [`Error::NotFound`].
    pub fn stream_share(&self, call: &StreamShare, brought: Option<OwnedFd>) -> Result<(u64, Option<OwnedFd>)> {
        let mut held = lock(&self.0);
        match (call.token, brought) {
            (0, Some(descriptor)) if !call.forget => {
                if !may_be_left(&descriptor) {
                    return Err(Error::Unsupported);
                }
                if held.by_token.len() >= MOST {
                    return Err(Error::TooManyOpen);
                }
                Ok((held.leave(descriptor), None))
            }
            (0, _) | (_, Some(_)) => Err(Error::Invalid),
            (token, None) if call.forget => {
                let gone = held.by_token.remove(&token);
                // Closing may take its time.
                drop(held);
                gone.map(|_| (token, None)).ok_or(Error::NotFound)
            }
            (token, None) => {
                let descriptor = held.by_token.get(&token).ok_or(Error::NotFound)?;
                Ok((token, Some(descriptor.try_clone().map_err(|_| Error::TooManyOpen)?)))
            }
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/deposits.rs"]
mod tests;
