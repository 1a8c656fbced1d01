//! Names of shared objects: a hash table over full paths.

use super::object::field;
use super::{Tx, layout};
use crate::nls::fold::fold;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// Where the table's block stands; 0 before the first name.
const TABLE: u32 = layout::ROOTS;
/// Chains in the table.
const CHAINS: u32 = 1024;
/// Units of a path, at most: a string's, and what directories go before it with.
const LONGEST: u32 = 0x2_0000;

/// Words of a name: then the path in UTF-16, two units to a word.
mod name {
    /// The next name of the chain.
    pub const NEXT: u32 = 0;
    /// What it names.
    pub const OBJECT: u32 = 1;
    /// Hash of the folded path.
    pub const HASH: u32 = 2;
    /// Units of the path.
    pub const LENGTH: u32 = 3;
    /// The directory that it is in, if that has a record, which the path then begins with: see `directory`.
    pub const PARENT: u32 = 4;
    /// The first two.
    pub const UNITS: u32 = 5;
}

/// FNV-1a over folded units: names that differ in letter case only share a chain.
pub(super) fn hash(path: &[u16]) -> u32 {
    fold(path).iter().fold(0x811c_9dc5, |sum: u32, unit| (sum ^ u32::from(*unit)).wrapping_mul(0x0100_0193))
}

impl Tx<'_> {
    fn chain(&mut self, hash: u32) -> Option<u32> {
        let mut table = self.link(TABLE);
        if table == 0 {
            table = self.allocate(CHAINS)?;
            self.set(TABLE, table);
        }
        Some(table + hash % CHAINS)
    }

    /// The path that a name's block holds.
    fn path_at(&self, at: u32) -> Vec<u16> {
        // Of damaged memory no more than a path has, and the block.
        let room = self.words_of(at).saturating_sub(name::UNITS);
        let length = self.get(at + name::LENGTH).min(LONGEST).min(room.saturating_mul(2));
        let words = (0..length.div_ceil(2)).map(|word| self.get(at + name::UNITS + word));
        let mut path: Vec<u16> = words.flat_map(|word| [word as u16, (word >> 16) as u16]).collect();
        path.truncate(length as usize);
        path
    }

    /// The object of that path. Of several that differ in letter case the newest counts.
    pub fn named(&mut self, path: &[u16], ignore_case: bool) -> Option<u32> {
        if self.link(TABLE) == 0 {
            return None;
        }
        let (hash, folded) = (hash(path), fold(path));
        let chain = self.chain(hash)?;
        let is_meant = |at: &u32| {
            self.get(at + name::HASH) == hash && {
                let held = self.path_at(*at);
                held == path || ignore_case && fold(&held) == folded
            }
        };
        let found = self.chain_of(chain, name::NEXT).find(is_meant)?;
        Some(self.link(found + name::OBJECT)).filter(|object| *object != 0)
    }

    /// Gives an object a name that is not taken.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn name(&mut self, object: u32, path: &[u16]) -> Nt<()> {
        self.name_in(object, path, 0)
    }

    /// As [`Tx::name`], in a directory that has a record.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn name_in(&mut self, object: u32, path: &[u16], parent: u32) -> Nt<()> {
        let hash = hash(path);
        let chain = self.chain(hash).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let length = u32::try_from(path.len()).map_err(|_| STATUS_INSUFFICIENT_RESOURCES)?;
        let at = self.allocate(name::UNITS + length.div_ceil(2)).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.fill(at + name::OBJECT, object);
        self.fill(at + name::HASH, hash);
        self.fill(at + name::LENGTH, length);
        self.fill(at + name::PARENT, parent);
        if parent != 0 {
            self.pin(parent);
        }
        for (word, pair) in (at + name::UNITS..).zip(path.chunks(2)) {
            let high = pair.get(1).copied().unwrap_or(0);
            self.fill(word, u32::from(pair[0]) | u32::from(high) << 16);
        }
        let first = self.get(chain);
        self.set(at + name::NEXT, first);
        self.set(chain, at);
        self.set(object + field::NAME, at);
        Ok(())
    }

    /// Takes an object's name away.
    pub fn unname(&mut self, object: u32) {
        let at = self.get(object + field::NAME);
        if at == 0 {
            return;
        }
        let next = self.get(at + name::NEXT);
        let hash = self.get(at + name::HASH);
        let Some(mut link) = self.chain(hash) else { return };
        while self.get(link) != at && self.get(link) != 0 {
            link = self.get(link) + name::NEXT;
        }
        if self.get(link) == at {
            self.set(link, next);
        }
        self.set(object + field::NAME, 0);
        let parent = self.get(at + name::PARENT);
        self.free(at);
        if parent != 0 {
            self.unpin(parent);
        }
    }

    /// An object's path. Of a directory that has no name itself nothing is told.
    pub fn path_of(&self, object: u32) -> Option<Vec<u16>> {
        const DEEPEST: usize = 0x400;
        const BACKSLASH: u16 = b'\\' as u16;
        let mut at = self.link(object + field::NAME);
        if at == 0 {
            return None;
        }
        let mut parts: Vec<Vec<u16>> = Vec::new();
        // Damaged memory may hold a ring.
        while at != 0 && parts.len() < DEEPEST {
            let path = self.path_at(at);
            let parent = self.link(at + name::PARENT);
            if parent == 0 {
                parts.push(path);
                break;
            }
            let begin = path.iter().rposition(|unit| *unit == BACKSLASH).unwrap_or(0);
            parts.push(path[begin..].to_vec());
            at = self.link(parent + field::NAME);
        }
        parts.reverse();
        Some(parts.concat())
    }

    /// Every name and its object, in no order.
    pub fn names(&self) -> Vec<(Vec<u16>, u32)> {
        let table = self.link(TABLE);
        let mut names = Vec::new();
        for chain in 0..if table == 0 { 0 } else { CHAINS } {
            let all = self.chain_of(table + chain, name::NEXT);
            names.extend(all.map(|at| (self.path_at(at), self.link(at + name::OBJECT))));
        }
        names
    }
}
