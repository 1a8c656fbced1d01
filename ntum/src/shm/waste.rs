//! What the last reference to something left to do outside of the memory: a list, so that it outlives who was to do it.

use super::{Shm, Tx, layout};
use crate::status::Nt;

/// First of the list.
const FIRST: u32 = layout::ROOTS + 8;

mod field {
    pub const NEXT: u32 = 0;
    pub const KIND: u32 = 1;
    pub const NUMBER: u32 = 2;
    pub const BYTES: u32 = 4;
    pub const COUNT: u32 = 5;
}

/// Something to do, once or more often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waste {
    /// A stream that was left for others is to be forgotten: its token.
    Stream(u64),
    /// A file's name is to be deleted, which `bytes` say; then its link, in this place, goes.
    Name(u32, Vec<u8>),
}

impl Tx<'_> {
    /// Adds something to be done. Without memory for that it is lost: it costs the sandbox a stream.
    pub(super) fn leave_waste(&mut self, waste: &Waste) {
        let (kind, number, bytes) = match waste {
            Waste::Stream(token) => (0, *token, &[][..]),
            Waste::Name(link, bytes) => (1, u64::from(*link), &bytes[..]),
        };
        let Some(entry) = self.allocate(field::COUNT) else { return };
        if !bytes.is_empty() {
            let Some(block) = self.allocate_bytes(bytes) else { return self.free(entry) };
            self.set(entry + field::BYTES, block);
        }
        let first = self.get(FIRST);
        self.set(entry + field::NEXT, first);
        self.set(entry + field::KIND, kind);
        self.set_wide(entry + field::NUMBER, number);
        self.set(FIRST, entry);
    }

    fn first_waste(&self) -> Option<(u32, Waste)> {
        let entry = self.get(FIRST);
        if entry == 0 {
            return None;
        }
        let number = self.wide(entry + field::NUMBER);
        let waste = match self.get(entry + field::KIND) {
            0 => Waste::Stream(number),
            _ => Waste::Name(number as u32, self.bytes(self.get(entry + field::BYTES))),
        };
        Some((entry, waste))
    }
}

impl Shm {
    /// Has everything done that was left to do. Whoever is killed over it leaves the rest to the next.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`, when the memory is damaged.
    pub fn dispose(&self) -> Nt<()> {
        while self.load(FIRST) != 0 {
            let Some((entry, waste)) = self.begin().first_waste() else { return Ok(()) };
            self.members.dispose(&waste);
            let mut tx = self.begin();
            // Somebody else may have done it too.
            if tx.first_waste() == Some((entry, waste.clone())) {
                let next = tx.get(entry + field::NEXT);
                tx.set(FIRST, next);
                let bytes = tx.get(entry + field::BYTES);
                if bytes != 0 {
                    tx.free(bytes);
                }
                tx.free(entry);
                if let Waste::Name(link, _) = waste {
                    tx.name_was_deleted(link);
                }
                tx.commit()?;
            }
        }
        Ok(())
    }
}
