//! What there is to tell of a pipe, and what of it may be set.

use super::super::Tx;
use super::{Local, Mode, body, end};
use crate::status::*;

/// Attributes by name.
type Attributes = Vec<(Vec<u8>, Vec<u8>)>;
/// Most attributes of an end.
const MOST: usize = 64;

impl Tx<'_> {
    /// What there is to tell of an end.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED` at a client that was thrown out.
    pub fn local(&self, end: u32) -> Nt<Local> {
        let pipe = self.pipe_of(end)?;
        let writable = match self.get(end + end::PEER) {
            0 => 0,
            peer => self.get(peer + end::QUOTA).saturating_sub(self.get(peer + end::BYTES)) as usize,
        };
        Ok(Local {
            message: self.get(pipe + body::MESSAGE) != 0,
            sharing: self.get(pipe + body::SHARING),
            max_instances: self.get(pipe + body::MAX_INSTANCES),
            instances: self.get(pipe + body::INSTANCES),
            in_quota: self.get(pipe + body::IN_QUOTA),
            out_quota: self.get(pipe + body::OUT_QUOTA),
            available: self.get(end + end::BYTES) as usize,
            writable,
            connection: self.connection(end),
            side: self.side(end),
            mode: self.mode(end),
        })
    }

    /// The path of the pipe's name, if it has one.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED`.
    pub fn pipe_path(&self, end: u32) -> Nt<Option<Vec<u16>>> {
        self.pipe_of(end)?;
        Ok(self.path_of(self.get(end + end::PIPE)))
    }

    fn security_at(&self, pipe: u32) -> Option<Vec<u8>> {
        let block = self.get(pipe + body::SECURITY);
        (block != 0).then(|| self.bytes(block))
    }

    /// The security descriptor that all ends share, self-relative, if one was set.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED`.
    pub fn pipe_security(&self, end: u32) -> Nt<Option<Vec<u8>>> {
        Ok(self.security_at(self.pipe_of(end)?))
    }

    /// The same of the pipe of that name, if there is one and it has one.
    pub fn security_of_pipe(&mut self, name: &[u16]) -> Option<Vec<u8>> {
        let pipe = self.pipe_named(name)?;
        self.security_at(self.end_of(pipe))
    }

    /// Sets it.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn set_pipe_security(&mut self, end: u32, security: Option<&[u8]>) -> Nt<()> {
        let place = self.pipe_of(end)? + body::SECURITY;
        self.set_bytes(place, security)
    }

    /// Keeps bytes in a block that a word names.
    fn set_bytes(&mut self, place: u32, bytes: Option<&[u8]>) -> Nt<()> {
        let block = match bytes {
            Some(bytes) => self.allocate_bytes(bytes).ok_or(STATUS_INSUFFICIENT_RESOURCES)?,
            None => 0,
        };
        let before = self.get(place);
        self.set(place, block);
        if before != 0 {
            self.free(before);
        }
        Ok(())
    }

    /// The client's and the server's process.
    pub fn processes_of(&self, end: u32) -> [u32; 2] {
        [self.get(end + end::CLIENT), self.get(end + end::SERVER)]
    }

    /// Sets how an end reads and waits.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED`; `STATUS_INVALID_PARAMETER` for message reads of a byte pipe.
    pub fn set_pipe_mode(&mut self, end: u32, mode: Mode) -> Nt<()> {
        let pipe = self.pipe_of(end)?;
        if mode.message_read && self.get(pipe + body::MESSAGE) == 0 {
            return Err(STATUS_INVALID_PARAMETER);
        }
        self.set(end + end::MODE, mode.bits());
        Ok(())
    }

    fn attributes(&self, end: u32) -> Attributes {
        match self.get(end + end::ATTRIBUTES) {
            0 => Attributes::new(),
            block => shim_abi::wire::decode(&self.bytes(block)).unwrap_or_default(),
        }
    }

    /// A named attribute of an end (FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE and its kin).
    ///
    /// # Errors
    /// `STATUS_NOT_FOUND`.
    pub fn attribute(&self, end: u32, name: &[u8]) -> Nt<Vec<u8>> {
        let held = self.attributes(end).into_iter().find(|(held, _)| held == name);
        held.map(|(_, value)| value).ok_or(STATUS_NOT_FOUND)
    }

    /// Sets a named attribute of an end, and of the other end.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES` when there are too many.
    pub fn set_attribute(&mut self, end: u32, name: &[u8], value: &[u8]) -> Nt<()> {
        for end in [end, self.get(end + end::PEER)] {
            if end == 0 {
                continue;
            }
            let mut attributes = self.attributes(end);
            attributes.retain(|(held, _)| held != name);
            if attributes.len() >= MOST {
                return Err(STATUS_INSUFFICIENT_RESOURCES);
            }
            attributes.push((name.to_vec(), value.to_vec()));
            self.set_bytes(end + end::ATTRIBUTES, Some(&shim_abi::wire::encode(&attributes)))?;
        }
        Ok(())
    }
}
