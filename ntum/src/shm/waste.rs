//! What a change leaves to do outside of the memory: a list, in order, so that it outlives who was to do it.

use super::list::List;
use super::{Shm, Tx, layout};
use crate::status::Nt;

/// The list.
const LEFT: List = List(layout::ROOTS + 8);
/// Lock of who does it.
pub(super) const TURN: u32 = layout::ROOTS + 10;

mod field {
    pub const NODE: u32 = 0;
    pub const KIND: u32 = 2;
    pub const NUMBERS: u32 = 3;
    pub const BYTES: u32 = 5;
    pub const COUNT: u32 = 6;
}

/// Something to do, once or, if who does it is killed, more often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waste {
    /// A stream that was left for others is to be forgotten: its token.
    Stream(u64),
    /// A file's name is to be deleted, which the bytes say; then its link, in this place, goes.
    Name(u32, Vec<u8>),
    /// The member of this number is to be ended, with this status.
    End(u32, u32),
    /// The member of this number is to be told of a control event of its console.
    Control(u32, u32),
}

impl Waste {
    fn numbers(&self) -> (u32, [u32; 2]) {
        match self {
            Waste::Stream(token) => (0, [*token as u32, (token >> 32) as u32]),
            Waste::Name(link, _) => (1, [*link, 0]),
            Waste::End(number, status) => (2, [*number, *status]),
            Waste::Control(number, event) => (3, [*number, *event]),
        }
    }
}

impl Tx<'_> {
    /// Adds something to be done. Without memory for that it is lost: it costs the sandbox a stream.
    pub(super) fn leave_waste(&mut self, waste: &Waste) {
        let (kind, numbers) = waste.numbers();
        let Some(entry) = self.allocate_last(field::COUNT) else { return };
        if let Waste::Name(_, bytes) = waste {
            let Some(block) = self.allocate_bytes(bytes) else { return self.free(entry) };
            self.set(entry + field::BYTES, block);
        }
        self.set(entry + field::KIND, kind);
        for (place, number) in (entry + field::NUMBERS..).zip(numbers) {
            self.set(place, number);
        }
        LEFT.push(self, entry + field::NODE);
    }

    /// Whether something is left to be done.
    pub(super) fn has_waste(&self) -> bool {
        !LEFT.is_empty(self)
    }

    fn waste_at(&self, entry: u32) -> Waste {
        let [first, second]: [u32; 2] = core::array::from_fn(|at| self.get(entry + field::NUMBERS + at as u32));
        match self.get(entry + field::KIND) {
            0 => Waste::Stream(u64::from(first) | u64::from(second) << 32),
            1 => Waste::Name(first, self.bytes(self.get(entry + field::BYTES))),
            3 => Waste::Control(first, second),
            _ => Waste::End(first, second),
        }
    }
}

impl Shm {
    /// Has everything done that was left to do, in order. Whoever is killed over it leaves the rest to the next.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`, when the memory is damaged.
    pub fn dispose(&self) -> Nt<()> {
        while self.load(LEFT.0) != 0 {
            let turn = self.hold_word(TURN);
            let tx = self.begin();
            let entry = LEFT.first(&tx);
            if entry == 0 {
                return Ok(());
            }
            let waste = tx.waste_at(entry - field::NODE);
            drop(tx);
            // The member's own end comes last.
            let own = matches!(waste, Waste::End(number, _) if number == self.me);
            if !own {
                self.members.dispose(&waste);
            }
            let mut tx = self.begin();
            LEFT.remove(&mut tx, entry);
            let bytes = tx.get(entry - field::NODE + field::BYTES);
            if bytes != 0 {
                tx.free(bytes);
            }
            tx.free(entry - field::NODE);
            if let Waste::Name(link, _) = waste {
                tx.name_was_deleted(link);
            }
            tx.commit()?;
            drop(turn);
            if own {
                self.members.dispose(&waste);
            }
        }
        Ok(())
    }
}
