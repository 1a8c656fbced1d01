//! Directories and symbolic links of several members.
//!
//! A directory that a program makes has a number, which is never used again. Names in it are paths that begin with that number
//! and no backslash, so that they are not those of another directory that has the same name later. They pin it; a name is found
//! as long as whoever looks has come to the directory.

use super::object::{NESTED, field as object};
use super::{Shm, Tx, layout};
use crate::ob::shared::number;
use crate::ob::types::Type;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// The last directory's or link's number; 0 while no program has made one.
const LAST: u32 = layout::ROOTS + 14;

/// Words of a body.
mod body {
    pub const NUMBER: u32 = 1;
    /// Where names are looked up that it lacks, if that has a record.
    pub const SHADOW: u32 = 2;
    pub const COUNT: u32 = 3;
}

/// What begins the names in a directory.
const MARK: u16 = 1;

impl Tx<'_> {
    /// Gives a new object the body of a directory or link: what its maker says of it, and a directory's shadow, 0 for none.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn make_directory(&mut self, of: u32, description: &[u8], shadow: u32) -> Nt<()> {
        let body = self.allocate(body::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let description = self.allocate_bytes(description).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let number = self.get(LAST).checked_add(1).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(LAST, number);
        self.fill(body + NESTED, description);
        self.fill(body + body::NUMBER, number);
        self.fill(body + body::SHADOW, shadow);
        self.set(of + object::BODY, body);
        if shadow != 0 {
            self.pin(shadow);
        }
        Ok(())
    }

    /// What the names in a directory begin with.
    pub fn prefix_of(&self, directory: u32) -> Vec<u16> {
        let number = self.get(self.link(directory + object::BODY) + body::NUMBER);
        [MARK].into_iter().chain(number.to_string().encode_utf16()).collect()
    }

    /// What its maker says of a directory or link, and its shadow.
    pub fn directory(&self, of: u32) -> (Vec<u8>, u32) {
        let body = self.link(of + object::BODY);
        (self.bytes(self.get(body + NESTED)), self.get(body + body::SHADOW))
    }

    /// A directory goes: it needs its shadow no longer.
    pub(super) fn drop_directory(&mut self, of: u32, body: u32) {
        if self.type_of(of) == number(Type::Directory) {
            let shadow = self.get(body + body::SHADOW);
            if shadow != 0 {
                self.set(body + body::SHADOW, 0);
                self.unpin(shadow);
            }
        }
    }
}

impl Shm {
    /// Whether a program has made directories or links.
    pub fn has_directories(&self) -> bool {
        self.load(LAST) != 0
    }
}
