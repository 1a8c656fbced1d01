//! What files have that the host has no place for, security descriptors and extended attributes: kept as long as the sandbox, by
//! what each file is on the host.

use super::{Shm, Tx, layout};
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// Where the table's block stands: chains of files by number. 0 before the first.
const TABLE: u32 = layout::ROOTS + 48;
/// For each [`Kept`], how many files have it.
const FILES: u32 = layout::ROOTS + 49;
/// For each [`Kept`], bytes of all files.
const BYTES: u32 = layout::ROOTS + 51;
/// Chains in the table.
const CHAINS: u32 = 256;
/// Most files that have either: a program must not use up the memory that processes are made of.
const MOST_FILES: u32 = 16_384;
/// Most bytes of all files' extended attributes, for the same reason.
const MOST_EXTENDED: usize = 16 << 20;

/// What is kept of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Its security descriptor.
    Security = 0,
    /// Its extended attributes.
    Extended = 1,
}

impl Kept {
    /// Most bytes, of one file and of all.
    fn most(self) -> (usize, usize) {
        match self {
            Kept::Security => (0x1000, MOST_FILES as usize * 0x1000),
            Kept::Extended => (0x1_0000, MOST_EXTENDED),
        }
    }
}

/// Words of an entry.
mod entry {
    pub const NEXT: u32 = 0;
    pub const VOLUME: u32 = 1;
    pub const NUMBER: u32 = 3;
    /// Blocks of bytes, one for each [`super::Kept`]; 0 for what the file has not.
    pub const KEPT: u32 = 5;
    pub const COUNT: u32 = KEPT + 2;
}

impl Shm {
    /// Whether any file has it.
    pub fn is_kept(&self, what: Kept) -> bool {
        self.load(FILES + what as u32) != 0
    }
}

impl Tx<'_> {
    /// The word that leads to a file's entry, or to the end of its chain; `None` without a table.
    fn link_to_file(&self, volume: u64, number: u64) -> Option<u32> {
        let table = self.link(TABLE);
        if table == 0 {
            return None;
        }
        let mut link = table + (number ^ number >> 32) as u32 % CHAINS;
        // Damaged memory may hold a ring.
        for _ in 0..self.shm().size() / 4 {
            let at = self.link(link);
            if at == 0 || self.wide(at + entry::VOLUME) == volume && self.wide(at + entry::NUMBER) == number {
                return Some(link);
            }
            link = at + entry::NEXT;
        }
        None
    }

    /// What a file has, if it was given it.
    pub fn kept_of_file(&self, what: Kept, volume: u64, number: u64) -> Option<Vec<u8>> {
        let at = self.get(self.link_to_file(volume, number)?);
        let block = if at == 0 { 0 } else { self.get(at + entry::KEPT + what as u32) };
        (block != 0).then(|| self.bytes(block))
    }

    fn change(&mut self, place: u32, by: impl FnOnce(u32) -> u32) {
        let changed = by(self.get(place));
        self.set(place, changed);
    }

    /// Gives a file something, or takes away what it has.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn keep_of_file(&mut self, what: Kept, volume: u64, number: u64, bytes: Option<&[u8]>) -> Nt<()> {
        const FULL: crate::status::Status = STATUS_INSUFFICIENT_RESOURCES;
        self.forget_of_file(what, volume, number);
        let Some(bytes) = bytes else { return Ok(()) };
        let (files, all) = (self.get(FILES + what as u32), self.get(BYTES + what as u32) as usize);
        let (most, most_of_all) = what.most();
        if bytes.len() > most || all + bytes.len() > most_of_all || files >= MOST_FILES {
            return Err(FULL);
        }
        if self.get(TABLE) == 0 {
            let table = self.allocate(CHAINS).ok_or(FULL)?;
            self.set(TABLE, table);
        }
        let link = self.link_to_file(volume, number).ok_or(FULL)?;
        let block = self.allocate_bytes(bytes).ok_or(FULL)?;
        let mut at = self.get(link);
        if at == 0 {
            at = self.allocate(entry::COUNT).ok_or(FULL)?;
            self.set_wide(at + entry::VOLUME, volume);
            self.set_wide(at + entry::NUMBER, number);
            self.set(link, at);
        }
        self.set(at + entry::KEPT + what as u32, block);
        self.change(FILES + what as u32, |files| files.wrapping_add(1));
        self.change(BYTES + what as u32, |all| all.wrapping_add(bytes.len() as u32));
        Ok(())
    }

    fn forget_of_file(&mut self, what: Kept, volume: u64, number: u64) {
        let Some(link) = self.link_to_file(volume, number) else { return };
        let at = self.get(link);
        let block = if at == 0 { 0 } else { self.get(at + entry::KEPT + what as u32) };
        if block == 0 {
            return;
        }
        let length = self.bytes(block).len() as u32;
        self.free(block);
        self.set(at + entry::KEPT + what as u32, 0);
        self.change(FILES + what as u32, |files| files.saturating_sub(1));
        self.change(BYTES + what as u32, |all| all.saturating_sub(length));
        if (0..2).all(|kept| self.get(at + entry::KEPT + kept) == 0) {
            let next = self.get(at + entry::NEXT);
            self.set(link, next);
            self.free(at);
        }
    }
}
