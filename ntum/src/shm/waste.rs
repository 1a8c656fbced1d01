//! What a change leaves to do outside of the memory: a list, in order, so that it outlives who was to do it.

use super::list::List;
use super::{Shm, Tx, layout};
use crate::status::Nt;

/// The list.
const LEFT: List = List(layout::ROOTS + 8);
/// Lock of who does it.
const TURN: u32 = layout::ROOTS + 10;

mod field {
    pub const NODE: u32 = 0;
    pub const KIND: u32 = 2;
    pub const NUMBERS: u32 = 3;
    pub const BYTES: u32 = 9;
    pub const COUNT: u32 = 10;
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
    /// A job's message to its completion port, which a member has.
    Message(JobMessage),
}

/// A job's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobMessage {
    /// Record of the member that has the port.
    pub member: u32,
    /// The job.
    pub job: u32,
    /// The key that messages carry.
    pub key: u64,
    /// JOB_OBJECT_MSG_*.
    pub message: u32,
    /// The process that it is about.
    pub process: u32,
}

impl Waste {
    fn numbers(&self) -> (u32, [u32; 6]) {
        match self {
            Waste::Stream(token) => (0, [*token as u32, (token >> 32) as u32, 0, 0, 0, 0]),
            Waste::Name(link, _) => (1, [*link, 0, 0, 0, 0, 0]),
            Waste::End(number, status) => (2, [*number, *status, 0, 0, 0, 0]),
            Waste::Message(of) => {
                (3, [of.member, of.job, of.key as u32, (of.key >> 32) as u32, of.message, of.process])
            }
        }
    }
}

impl Tx<'_> {
    /// Adds something to be done. Without memory for that it is lost: it costs the sandbox a stream.
    pub(super) fn leave_waste(&mut self, waste: &Waste) {
        let (kind, numbers) = waste.numbers();
        let Some(entry) = self.allocate(field::COUNT) else { return };
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
        let numbers: [u32; 6] = core::array::from_fn(|at| self.get(entry + field::NUMBERS + at as u32));
        let [first, second, third, fourth, fifth, sixth] = numbers;
        let wide = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        match self.get(entry + field::KIND) {
            0 => Waste::Stream(wide(first, second)),
            1 => Waste::Name(first, self.bytes(self.get(entry + field::BYTES))),
            2 => Waste::End(first, second),
            _ => Waste::Message(JobMessage {
                member: first,
                job: second,
                key: wide(third, fourth),
                message: fifth,
                process: sixth,
            }),
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
