//! What threads that are attached to each other share of the input: the active window, the focus, the capture.

use super::{queue, root};
use crate::shm::Tx;

/// Words of an input record. Windows are records; 0 for none.
pub(crate) mod field {
    /// Queues that share it.
    pub const QUEUES: u32 = 0;
    /// The active window, that with the focus, that with the capture.
    pub const ACTIVE: u32 = 1;
    pub const FOCUS: u32 = 2;
    pub const CAPTURE: u32 = 3;
    /// The window that tracks a menu, and the one that is being moved or sized.
    pub const MENU: u32 = 4;
    pub const MOVED: u32 = 5;
    /// The caret's window and rectangle; whether it is hidden, and on.
    pub const CARET: u32 = 6;
    /// Number of words.
    pub const COUNT: u32 = 7;
}

impl Tx<'_> {
    /// A queue's input record.
    pub fn input_of(&self, queue: u32) -> u32 {
        self.get(queue + queue::field::INPUT)
    }

    /// The input record that has the foreground; 0 for none.
    pub fn foreground(&self) -> u32 {
        self.user_root().map_or(0, |root| self.get(root + root::FOREGROUND))
    }

    /// Gives the foreground to an input record, or with 0 to none.
    pub fn set_foreground(&mut self, input: u32) {
        if let Some(root) = self.user_root() {
            self.set(root + root::FOREGROUND, input);
        }
    }

    /// A window goes: it is none of these things any more.
    pub(super) fn input_loses(&mut self, window: u32) {
        let queue = self.get(window + super::window::field::QUEUE);
        if queue == 0 {
            return;
        }
        let input = self.input_of(queue);
        for at in [field::ACTIVE, field::FOCUS, field::CAPTURE, field::MENU, field::MOVED, field::CARET] {
            if self.get(input + at) == window {
                self.set(input + at, 0);
            }
        }
    }

    /// A queue goes: its input does with the last that shares it.
    pub(super) fn leave_input(&mut self, queue: u32) {
        let input = self.input_of(queue);
        let left = self.get(input + field::QUEUES).saturating_sub(1);
        self.set(input + field::QUEUES, left);
        if left == 0 {
            if self.foreground() == input {
                self.set_foreground(0);
            }
            self.free(input);
        }
    }

    /// Has the input of two queues be one from now on: the first takes the second's.
    pub fn join_input(&mut self, queue: u32, with: u32) {
        let input = self.input_of(with);
        if input == self.input_of(queue) {
            return;
        }
        self.leave_input(queue);
        let count = self.get(input + field::QUEUES);
        self.set(input + field::QUEUES, count + 1);
        self.set(queue + queue::field::INPUT, input);
    }

    /// The cursor's place on the screen.
    pub fn cursor_place(&self) -> (i32, i32) {
        let Some(root) = self.user_root() else { return (0, 0) };
        (self.get(root + root::CURSOR) as i32, self.get(root + root::CURSOR + 1) as i32)
    }

    /// Puts the cursor somewhere.
    pub fn set_cursor_place(&mut self, x: i32, y: i32) {
        if let Some(root) = self.user_root() {
            self.set(root + root::CURSOR, x as u32);
            self.set(root + root::CURSOR + 1, y as u32);
        }
    }
}
