//! Timers of windows and threads: WM_TIMER and WM_SYSTIMER.

use super::queue;
use crate::shm::Tx;
use crate::shm::list::List;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};
use std::collections::HashSet;

/// Words of a timer.
mod field {
    /// Node in the queue's list.
    pub const NODE: u32 = 0;
    /// The window's handle, 0 for the thread's own.
    pub const WINDOW: u32 = 2;
    /// WM_TIMER or WM_SYSTIMER.
    pub const MESSAGE: u32 = 3;
    /// Its number, and what it goes to: two words each.
    pub const ID: u32 = 4;
    pub const PROCEDURE: u32 = 6;
    /// Milliseconds between two; when it is due, in nanoseconds on the host's clock.
    pub const PERIOD: u32 = 8;
    pub const DUE: u32 = 9;
    /// Number of words.
    pub const COUNT: u32 = 11;
}

/// Timers of a queue: what a program makes without end ends here.
const MOST: usize = 4096;

/// With more than these, further ones leave memory to others.
const FEW: usize = 16;

/// A timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timer {
    /// The window's handle, 0 for the thread's own.
    pub window: u32,
    /// WM_TIMER or WM_SYSTIMER.
    pub message: u32,
    /// Its number.
    pub id: u64,
    /// What it goes to instead of the window's procedure.
    pub procedure: u64,
    /// Milliseconds between two.
    pub period: u32,
    /// When it is due next, in nanoseconds on the host's clock.
    pub due: u64,
}

impl Tx<'_> {
    fn timers(&self, queue: u32) -> Vec<(u32, Timer)> {
        let read = |record: u32| Timer {
            window: self.get(record + field::WINDOW),
            message: self.get(record + field::MESSAGE),
            id: self.wide(record + field::ID),
            procedure: self.wide(record + field::PROCEDURE),
            period: self.get(record + field::PERIOD),
            due: self.wide(record + field::DUE),
        };
        let records = List(queue + queue::field::TIMERS).nodes(self).into_iter().map(|node| node - field::NODE);
        records.map(|record| (record, read(record))).collect()
    }

    /// Sets a timer, in place of one with the same window, message and number.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn set_user_timer(&mut self, queue: u32, timer: &Timer) -> Nt<()> {
        self.kill_user_timer(queue, timer.window, timer.message, timer.id);
        let count = List(queue + queue::field::TIMERS).nodes(self).len();
        if count >= MOST {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        let record = if count > FEW { self.allocate_sparingly(field::COUNT) } else { self.allocate(field::COUNT) };
        let record = record.ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(record + field::WINDOW, timer.window);
        self.set(record + field::MESSAGE, timer.message);
        self.set_wide(record + field::ID, timer.id);
        self.set_wide(record + field::PROCEDURE, timer.procedure);
        self.set(record + field::PERIOD, timer.period);
        self.set_wide(record + field::DUE, timer.due);
        List(queue + queue::field::TIMERS).push(self, record + field::NODE);
        Ok(())
    }

    /// Whether there is such a timer; if so it is gone.
    pub fn kill_user_timer(&mut self, queue: u32, window: u32, message: u32, id: u64) -> bool {
        let mut records = List(queue + queue::field::TIMERS).nodes(self).into_iter().map(|node| node - field::NODE);
        let found = records.find(|record| {
            self.wide(record + field::ID) == id
                && self.get(record + field::WINDOW) == window
                && self.get(record + field::MESSAGE) == message
        });
        let Some(record) = found else { return false };
        List(queue + queue::field::TIMERS).remove(self, record + field::NODE);
        self.free(record);
        true
    }

    /// A number that no timer of the thread's own has: they count down.
    pub fn free_timer_id(&self, queue: u32) -> u64 {
        let records = List(queue + queue::field::TIMERS).nodes(self).into_iter().map(|node| node - field::NODE);
        let own = records.filter(|record| self.get(record + field::WINDOW) == 0);
        let taken: HashSet<u64> = own.map(|record| self.wide(record + field::ID)).collect();
        (1..0x8000).rev().find(|id| !taken.contains(id)).unwrap_or(0)
    }

    /// Timers of a window go; with a window of 0 all of the queue's.
    pub(super) fn drop_timers(&mut self, queue: u32, window: u32) {
        for (record, timer) in self.timers(queue) {
            if window == 0 || timer.window == window {
                List(queue + queue::field::TIMERS).remove(self, record + field::NODE);
                self.free(record);
            }
        }
    }

    /// When the next timer of a queue is due.
    pub fn next_timer(&self, queue: u32) -> Option<u64> {
        self.timers(queue).into_iter().map(|(_, timer)| timer.due).min()
    }

    /// A timer that is due and that `takes` accepts; with `remove` it is due again a period later. The one that was due first comes first.
    pub fn due_timer(
        &mut self,
        queue: u32,
        now: u64,
        remove: bool,
        takes: impl Fn(&Self, &Timer) -> bool,
    ) -> Option<Timer> {
        let all = self.timers(queue).into_iter().filter(|(_, timer)| timer.due <= now && takes(self, timer));
        let (record, timer) = all.min_by_key(|(_, timer)| timer.due)?;
        if remove {
            // Behind those that are due as well; time that was missed is not made up for.
            let period = u64::from(timer.period) * 1_000_000;
            let due = timer.due.saturating_add(period).max(now.saturating_add(1));
            self.set_wide(record + field::DUE, due);
            let list = List(queue + queue::field::TIMERS);
            list.remove(self, record + field::NODE);
            list.push(self, record + field::NODE);
        }
        Some(timer)
    }
}
