//! Security descriptors of files: kept as long as the sandbox, by what each file is on the host.

use super::{Shm, Tx, layout};
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// Where the table's block stands: chains of files by number. 0 before the first.
const TABLE: u32 = layout::ROOTS + 48;
/// How many files have a descriptor.
const FILES: u32 = layout::ROOTS + 49;
/// Chains in the table.
const CHAINS: u32 = 256;
/// Most files that have one: a program must not use up the memory that processes are made of.
const MOST_FILES: u32 = 16_384;
/// Most bytes of one.
const MOST_BYTES: usize = 0x1000;

/// Words of an entry.
mod entry {
    pub const NEXT: u32 = 0;
    pub const VOLUME: u32 = 1;
    pub const NUMBER: u32 = 3;
    /// The descriptor: a block of bytes.
    pub const SECURITY: u32 = 5;
    pub const COUNT: u32 = 6;
}

impl Shm {
    /// Whether any file has a descriptor.
    pub fn has_secured_files(&self) -> bool {
        self.load(FILES) != 0
    }
}

impl Tx<'_> {
    /// The word that leads to a file's entry, or to the end of its chain; `None` without a table.
    fn link_to_secured(&self, volume: u64, number: u64) -> Option<u32> {
        let table = self.get(TABLE);
        if table == 0 {
            return None;
        }
        let mut link = table + (number ^ number >> 32) as u32 % CHAINS;
        loop {
            let at = self.get(link);
            if at == 0 || self.wide(at + entry::VOLUME) == volume && self.wide(at + entry::NUMBER) == number {
                return Some(link);
            }
            link = at + entry::NEXT;
        }
    }

    /// A file's descriptor, if it was given one.
    pub fn file_security(&self, volume: u64, number: u64) -> Option<Vec<u8>> {
        let at = self.get(self.link_to_secured(volume, number)?);
        (at != 0).then(|| self.bytes(self.get(at + entry::SECURITY)))
    }

    /// Gives a file a descriptor, or takes the one away that it has.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn set_file_security(&mut self, volume: u64, number: u64, descriptor: Option<&[u8]>) -> Nt<()> {
        const FULL: crate::status::Status = STATUS_INSUFFICIENT_RESOURCES;
        let Some(descriptor) = descriptor else {
            self.forget_file_security(volume, number);
            return Ok(());
        };
        if descriptor.len() > MOST_BYTES {
            return Err(FULL);
        }
        if self.get(TABLE) == 0 {
            let table = self.allocate(CHAINS).ok_or(FULL)?;
            self.set(TABLE, table);
        }
        let link = self.link_to_secured(volume, number).ok_or(FULL)?;
        let new = self.allocate_bytes(descriptor).ok_or(FULL)?;
        match self.get(link) {
            0 => {
                let files = self.get(FILES);
                if files >= MOST_FILES {
                    return Err(FULL);
                }
                let at = self.allocate(entry::COUNT).ok_or(FULL)?;
                self.set_wide(at + entry::VOLUME, volume);
                self.set_wide(at + entry::NUMBER, number);
                self.set(at + entry::SECURITY, new);
                self.set(link, at);
                self.set(FILES, files + 1);
            }
            at => {
                let old = self.get(at + entry::SECURITY);
                self.free(old);
                self.set(at + entry::SECURITY, new);
            }
        }
        Ok(())
    }

    fn forget_file_security(&mut self, volume: u64, number: u64) {
        let Some(link) = self.link_to_secured(volume, number) else { return };
        let at = self.get(link);
        if at == 0 {
            return;
        }
        let (next, security) = (self.get(at + entry::NEXT), self.get(at + entry::SECURITY));
        self.set(link, next);
        self.free(security);
        self.free(at);
        let files = self.get(FILES).saturating_sub(1);
        self.set(FILES, files);
    }
}
