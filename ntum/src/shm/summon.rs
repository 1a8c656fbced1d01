//! The system's programs that run because somebody asked for what they offer: at most one process for each.

use super::{Tx, layout};

/// Two words for each: the process's record, 0 for none, and the member that started it.
const TABLE: u32 = layout::ROOTS + 56;
/// Programs that there is room for.
pub const ROOM: u32 = 8;

impl Tx<'_> {
    /// The process that runs a program, by its record, if one was started and has not ended.
    pub fn summoned(&self, row: u32) -> Option<u32> {
        Some(self.get(TABLE + 2 * (row % ROOM))).filter(|process| *process != 0)
    }

    /// A process, by its record, is the program's from now on; `by` is the member that starts it.
    pub fn set_summoned(&mut self, row: u32, process: u32, by: u32) {
        let number = self.get(by + super::member::field::NUMBER);
        self.set(TABLE + 2 * (row % ROOM), process);
        self.set(TABLE + 2 * (row % ROOM) + 1, number);
    }

    /// The member record of a program that has not been started yet, and the number of the member that was about to.
    pub fn unborn_summoned(&self, row: u32) -> Option<(u32, u32)> {
        let process = self.summoned(row).filter(|process| self.member_of(*process) == 0)?;
        Some((self.member_that_is(process)?, self.get(TABLE + 2 * (row % ROOM) + 1)))
    }

    /// A process is gone: if a program ran in it, that one may be started anew.
    pub(super) fn summoned_goes(&mut self, process: u32) {
        for row in (0..ROOM).filter(|row| self.get(TABLE + 2 * row) == process).collect::<Vec<_>>() {
            self.set(TABLE + 2 * row, 0);
        }
    }
}
