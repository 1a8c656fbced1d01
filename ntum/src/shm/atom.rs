//! Global atoms: names as 16-bit numbers, one table for all members. Numbers below [`FIRST`] name themselves and are not here.

use super::list::List;
use super::{Tx, layout};
use crate::nls::fold::fold;
use crate::status::*;

/// First atom that has a name of its own.
pub const FIRST: u16 = 0xc000;
/// Longest name in units.
pub const MAX_NAME: usize = 255;
/// How many there can be.
const MOST: u32 = 0x4000;
/// Where the table's block stands; 0 before the first atom.
const TABLE: u32 = layout::ROOTS + 15;
/// Chains of names, and atoms in a part of the table.
const CHAINS: u32 = 256;
const PART: u32 = 256;

/// Words of the table.
mod table {
    /// Names by hash: chains.
    pub const CHAINS: u32 = 0;
    /// Names by number: blocks of [`super::PART`] words each, 0 where none was needed yet.
    pub const PARTS: u32 = super::CHAINS;
    /// Atoms that members' classes use: a list.
    pub const USES: u32 = PARTS + super::MOST / super::PART;
    /// Numbers that were ever used.
    pub const USED: u32 = USES + 2;
    /// Number of words.
    pub const COUNT: u32 = USED + 1;
}

/// Words of a name: then its units, two to a word.
mod name {
    pub const NEXT: u32 = 0;
    pub const HASH: u32 = 1;
    pub const ATOM: u32 = 2;
    /// How often it was added and not deleted.
    pub const COUNT: u32 = 3;
    pub const LENGTH: u32 = 4;
    pub const UNITS: u32 = 5;
}

/// Words of a use.
mod held {
    pub const NODE: u32 = 0;
    pub const MEMBER: u32 = 2;
    pub const ATOM: u32 = 3;
    pub const COUNT: u32 = 4;
}

impl Tx<'_> {
    fn atoms(&mut self) -> Nt<u32> {
        let there = self.link(TABLE);
        if there != 0 {
            return Ok(there);
        }
        let table = self.allocate(table::COUNT).ok_or(STATUS_NO_MEMORY)?;
        self.set(TABLE, table);
        Ok(table)
    }

    fn atom_units(&self, block: u32) -> Vec<u16> {
        let length = self.get(block + name::LENGTH).min(MAX_NAME as u32);
        let words = (0..length.div_ceil(2)).map(|word| self.get(block + name::UNITS + word));
        let mut units: Vec<u16> = words.flat_map(|word| [word as u16, (word >> 16) as u16]).collect();
        units.truncate(length as usize);
        units
    }

    /// Where the table points at an atom's name.
    fn atom_slot(&self, atom: u16) -> Option<u32> {
        let (table, index) = (self.link(TABLE), u32::from(atom.checked_sub(FIRST)?));
        let part = if table == 0 { 0 } else { self.link(table + table::PARTS + index / PART) };
        (part != 0).then(|| part + index % PART)
    }

    fn atom_block(&self, atom: u16) -> Option<u32> {
        Some(self.link(self.atom_slot(atom)?)).filter(|block| *block != 0)
    }

    fn find_atom_block(&self, text: &[u16]) -> Option<u32> {
        let table = self.link(TABLE);
        if table == 0 {
            return None;
        }
        let (hash, folded) = (super::names::hash(text), fold(text));
        let mut chain = self.chain_of(table + table::CHAINS + hash % CHAINS, name::NEXT);
        chain.find(|block| self.get(block + name::HASH) == hash && fold(&self.atom_units(*block)) == folded)
    }

    /// The name's number, counted once more.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY`; `STATUS_INVALID_PARAMETER` for a name that is too long.
    pub fn add_atom(&mut self, text: &[u16]) -> Nt<u16> {
        if let Some(block) = self.find_atom_block(text) {
            let count = self.get(block + name::COUNT);
            // What comes to the most that can be told is never let go of.
            self.set(block + name::COUNT, count.saturating_add(1).min(u16::MAX.into()));
            return Ok(self.get(block + name::ATOM) as u16);
        }
        if text.len() > MAX_NAME {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let table = self.atoms()?;
        let used = self.get(table + table::USED);
        let is_free = |index: &u32| self.atom_block(FIRST + *index as u16).is_none();
        // The first number is nobody's, as under Windows.
        let index = (1..used).find(is_free).unwrap_or(used.max(1));
        if index >= MOST {
            return Err(STATUS_NO_MEMORY);
        }
        let part = table + table::PARTS + index / PART;
        if self.get(part) == 0 {
            let block = self.allocate(PART).ok_or(STATUS_NO_MEMORY)?;
            self.set(part, block);
        }
        let words = name::UNITS + (text.len() as u32).div_ceil(2);
        let block = self.allocate(words).ok_or(STATUS_NO_MEMORY)?;
        let hash = super::names::hash(text);
        let atom = FIRST + index as u16;
        let facts =
            [(name::HASH, hash), (name::ATOM, atom.into()), (name::COUNT, 1), (name::LENGTH, text.len() as u32)];
        for (at, value) in facts {
            self.set(block + at, value);
        }
        for (word, pair) in (block + name::UNITS..).zip(text.chunks(2)) {
            let high = pair.get(1).copied().unwrap_or(0);
            self.fill(word, u32::from(pair[0]) | u32::from(high) << 16);
        }
        let chain = table + table::CHAINS + hash % CHAINS;
        let first = self.get(chain);
        self.set(block + name::NEXT, first);
        self.set(chain, block);
        let slot = self.get(part) + index % PART;
        self.set(slot, block);
        if index >= used {
            self.set(table + table::USED, index + 1);
        }
        Ok(atom)
    }

    /// The name's number, if it has one.
    pub fn find_atom(&self, text: &[u16]) -> Option<u16> {
        self.find_atom_block(text).map(|block| self.get(block + name::ATOM) as u16)
    }

    /// Counts one use less.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`.
    pub fn delete_atom(&mut self, atom: u16) -> Nt<()> {
        let slot = self.atom_slot(atom).ok_or(STATUS_INVALID_HANDLE)?;
        let block = self.atom_block(atom).ok_or(STATUS_INVALID_HANDLE)?;
        let count = self.get(block + name::COUNT);
        if count == u16::MAX.into() {
            return Ok(());
        }
        self.set(block + name::COUNT, count.saturating_sub(1));
        if count > 1 {
            return Ok(());
        }
        let next = self.get(block + name::NEXT);
        let mut link = self.get(TABLE) + table::CHAINS + self.get(block + name::HASH) % CHAINS;
        while self.get(link) != block && self.get(link) != 0 {
            link = self.get(link) + name::NEXT;
        }
        if self.get(link) == block {
            self.set(link, next);
        }
        self.set(slot, 0);
        self.free(block);
        Ok(())
    }

    /// An atom's name, and how often it was added.
    pub fn atom(&self, atom: u16) -> Option<(Vec<u16>, u16)> {
        let block = self.atom_block(atom)?;
        Some((self.atom_units(block), self.get(block + name::COUNT) as u16))
    }

    /// Every atom.
    pub fn all_atoms(&self) -> Vec<u16> {
        let table = self.link(TABLE);
        let used = if table == 0 { 0 } else { self.get(table + table::USED).min(MOST) };
        (0..used).map(|index| FIRST + index as u16).filter(|atom| self.atom_block(*atom).is_some()).collect()
    }

    /// As [`Tx::add_atom`], for as long as the member lives or until [`Tx::unuse_atom`].
    ///
    /// # Errors
    /// As [`Tx::add_atom`].
    pub fn use_atom(&mut self, member: u32, text: &[u16]) -> Nt<u16> {
        let atom = self.add_atom(text)?;
        let table = self.atoms()?;
        let record = self.allocate(held::COUNT).ok_or(STATUS_NO_MEMORY)?;
        self.set(record + held::MEMBER, member);
        self.set(record + held::ATOM, atom.into());
        List(table + table::USES).push(self, record + held::NODE);
        Ok(atom)
    }

    /// A member uses an atom once less.
    pub fn unuse_atom(&mut self, member: u32, atom: u16) {
        let found = self.atom_uses(member).into_iter().find(|record| self.get(record + held::ATOM) == atom.into());
        if let Some(record) = found {
            self.drop_use(record);
        }
    }

    fn atom_uses(&self, member: u32) -> Vec<u32> {
        let table = self.link(TABLE);
        if table == 0 {
            return Vec::new();
        }
        let nodes = List(table + table::USES).nodes(self).into_iter().map(|node| node - held::NODE);
        nodes.filter(|record| self.get(record + held::MEMBER) == member).collect()
    }

    fn drop_use(&mut self, record: u32) {
        let uses = List(self.get(TABLE) + table::USES);
        uses.remove(self, record + held::NODE);
        let atom = self.get(record + held::ATOM) as u16;
        self.free(record);
        // What the program deleted itself is gone already.
        let _ = self.delete_atom(atom);
    }

    /// Atoms of a member that goes are used by it no longer; answers whether some are left, as a transaction has room for so many.
    pub(super) fn drop_atom_uses(&mut self, member: u32) -> bool {
        for record in self.atom_uses(member) {
            if self.room() < layout::LOG_ENTRIES / 2 {
                return true;
            }
            self.drop_use(record);
        }
        false
    }
}
