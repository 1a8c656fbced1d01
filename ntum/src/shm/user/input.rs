//! What threads that are attached to each other share of the input: the active window, the focus, the capture, the keys as the messages
//! that they took left them, and the messages of keyboard and mouse that they did not take yet.

use super::{hardware, queue, root};
use crate::shm::Tx;
use crate::shm::list::List;
use crate::shm::member::field::WAS_IN_FRONT;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};
use crate::win32k::geometry::Rect;

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
    /// The caret's window and rectangle; how often it is hidden, and whether it is on.
    pub const CARET: u32 = 6;
    pub const CARET_RECT: u32 = 7;
    pub const CARET_HIDDEN: u32 = 11;
    pub const CARET_ON: u32 = 12;
    /// The cursor that its windows show: a handle; how often it is shown more than hidden.
    pub const CURSOR: u32 = 13;
    pub const CURSOR_COUNT: u32 = 14;
    /// Messages of keyboard and mouse: a list.
    pub const MESSAGES: u32 = 15;
    /// A byte for each key: 0x80 down, 1 toggled; what of the desk's they were last taken from.
    pub const KEYS: u32 = 17;
    pub const SYNCED: u32 = 81;
    /// Number of words.
    pub const COUNT: u32 = 145;
}

impl Tx<'_> {
    /// The keyboard layout of a queue's thread, 0 for the user's own.
    pub fn keyboard_layout(&self, queue: u32) -> u32 {
        self.get(queue + queue::field::LAYOUT)
    }

    /// Gives a queue's thread a layout.
    pub fn set_keyboard_layout(&mut self, queue: u32, layout: u32) {
        self.set(queue + queue::field::LAYOUT, layout);
    }

    /// The layout of the thread that keys go to, 0 for the user's own.
    pub fn foreground_layout(&self) -> u32 {
        let input = self.foreground();
        let held = |place: u32| if input == 0 { 0 } else { self.link(input + place) };
        let window = [field::FOCUS, field::ACTIVE].map(held).into_iter().find(|window| *window != 0);
        let queue = window.map_or(0, |window| self.link(window + super::window::field::QUEUE));
        if queue == 0 { 0 } else { self.keyboard_layout(queue) }
    }

    /// A queue's input record.
    pub fn input_of(&self, queue: u32) -> u32 {
        self.link(queue + queue::field::INPUT)
    }

    /// The input record that has the foreground; 0 for none.
    pub fn foreground(&self) -> u32 {
        self.user_root().map_or(0, |root| self.link(root + root::FOREGROUND))
    }

    /// Gives the foreground to an input record, or with 0 to none. The cursor is free then.
    pub fn set_foreground(&mut self, input: u32) {
        if let Some(root) = self.user_root()
            && self.link(root + root::FOREGROUND) != input
        {
            self.set(root + root::FOREGROUND, input);
            for queue in self.queues() {
                let member = self.link(queue + queue::field::MEMBER);
                if self.input_of(queue) == input && input != 0 && self.get(member + WAS_IN_FRONT) == 0 {
                    self.set(member + WAS_IN_FRONT, 1);
                }
            }
            if let Some(desk) = self.desk() {
                self.set(desk + super::desk::field::CLIPPED, 0);
            }
        }
    }

    /// A window goes: it is none of these things any more.
    pub(super) fn input_loses(&mut self, window: u32) {
        let queue = self.link(window + super::window::field::QUEUE);
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

    /// A thread shows the cursor (1) or hides it (-1); answers how often its input's threads showed it more than hid it. A queue that has
    /// another input from now on has its part of that go along.
    pub fn count_cursor(&mut self, queue: u32, more: i32) -> i32 {
        let own = (self.get(queue + queue::field::CURSOR_COUNT) as i32).saturating_add(more);
        self.set(queue + queue::field::CURSOR_COUNT, own as u32);
        let input = self.input_of(queue);
        self.add_cursor_count(input, more)
    }

    fn add_cursor_count(&mut self, input: u32, more: i32) -> i32 {
        let count = (self.get(input + field::CURSOR_COUNT) as i32).saturating_add(more);
        if more != 0 {
            self.set(input + field::CURSOR_COUNT, count as u32);
        }
        count
    }

    /// A queue goes: its input does with the last that shares it.
    pub(super) fn leave_input(&mut self, queue: u32) {
        let input = self.input_of(queue);
        let count = self.get(queue + queue::field::CURSOR_COUNT) as i32;
        self.add_cursor_count(input, count.saturating_neg());
        let left = self.get(input + field::QUEUES).saturating_sub(1);
        self.set(input + field::QUEUES, left);
        if left == 0 {
            // The cursor stays where it is kept until somebody else comes to the foreground.
            if let Some(root) = self.user_root().filter(|_| self.foreground() == input) {
                self.set(root + root::FOREGROUND, 0);
            }
            for node in List(input + field::MESSAGES).nodes(self) {
                self.drop_hardware(node - hardware::field::NODE);
            }
            self.free(input);
        }
    }

    /// Has the input of two queues be one from now on: the first takes the second's, which has what it lacked.
    pub fn join_input(&mut self, queue: u32, with: u32) {
        let (old, input) = (self.input_of(queue), self.input_of(with));
        if input == old {
            return;
        }
        for role in [field::ACTIVE, field::FOCUS] {
            let held = self.get(old + role);
            if self.get(input + role) == 0 && held != 0 {
                self.set(input + role, held);
            }
        }
        self.leave_input(queue);
        let count = self.get(input + field::QUEUES);
        self.set(input + field::QUEUES, count.saturating_add(1));
        self.set(queue + queue::field::INPUT, input);
        let shown = self.get(queue + queue::field::CURSOR_COUNT) as i32;
        self.add_cursor_count(input, shown);
        for word in 0..64 {
            self.set(input + field::KEYS + word, 0);
        }
    }

    /// Has a queue have an input of its own again; active window and focus go with it if they are its own.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn split_input(&mut self, queue: u32) -> Nt<()> {
        let old = self.input_of(queue);
        let input = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(input + field::QUEUES, 1);
        self.begin_keys(input);
        for role in [field::ACTIVE, field::FOCUS] {
            let held = self.link(old + role);
            if held != 0 && self.link(held + super::window::field::QUEUE) == queue {
                self.set(input + role, held);
                self.set(old + role, 0);
            }
        }
        self.leave_input(queue);
        self.set(queue + queue::field::INPUT, input);
        let shown = self.get(queue + queue::field::CURSOR_COUNT) as i32;
        self.add_cursor_count(input, shown);
        Ok(())
    }

    /// A rectangle of an input.
    pub(crate) fn input_rect(&self, input: u32, place: u32) -> Rect {
        self.rect(input + place)
    }

    /// Sets one.
    pub(crate) fn set_input_rect(&mut self, input: u32, place: u32, rect: Rect) {
        self.set_rect(input + place, rect);
    }

    /// A new input has no key down, whatever the keyboard's are: only what changes from now on counts.
    pub(super) fn begin_keys(&mut self, input: u32) {
        let Some(desk) = self.desk() else { return };
        for word in 0..64 {
            let now = self.get(desk + super::desk::field::KEYS + word);
            if now != 0 {
                self.set(input + field::SYNCED + word, now);
            }
        }
    }

    /// Brings the keys of an input up to the keyboard's, unless messages wait that will.
    pub fn sync_keys(&mut self, input: u32) {
        let waits = List(input + field::MESSAGES).nodes(self).into_iter().any(|node| {
            let number = self.get(node - hardware::field::NODE + super::message::field::NUMBER);
            hardware::kind(number) & (queue::KEY | queue::MOUSE_BUTTON) != 0
        });
        let Some(desk) = self.desk().filter(|_| !waits) else { return };
        for word in 0..64 {
            let now = self.get(desk + super::desk::field::KEYS + word);
            let before = self.get(input + field::SYNCED + word);
            if now == before {
                continue;
            }
            // Key by key: what a program set stays until the key itself changes.
            let changed = (0..4).fold(0u32, |mask, byte| {
                let part = 0xff << (byte * 8);
                if (now ^ before) & part != 0 { mask | part } else { mask }
            });
            let own = self.get(input + field::KEYS + word);
            self.set(input + field::KEYS + word, own & !changed | now & changed);
            self.set(input + field::SYNCED + word, now);
        }
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
