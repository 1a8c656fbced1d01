//! Messages of keyboard and mouse, from where they come in to the thread that takes them.
//!
//! They stand in the input of the threads that may take them, in order. Which window one is for is decided when it is taken: the focus and
//! the windows below the cursor may be others by then. The keys of an input change as its messages are taken.

use super::message::{self, Message};
use super::{desk, input, queue};
use crate::shm::Tx;
use crate::shm::list::List;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// Words of a hardware message: those of a posted one, and more.
pub(super) mod field {
    pub use super::message::field::NODE;
    use super::message::field::SENDER_NODE;
    /// What who takes it knows it by, once it was looked at.
    pub const ID: u32 = SENDER_NODE;
    /// LLKHF_* or LLMHF_*.
    pub const FLAGS: u32 = SENDER_NODE + 1;
    /// IMDT_* in the lower half, IMO_* in the upper.
    pub const SOURCE: u32 = SENDER_NODE + 2;
    /// A RAWINPUT without its handle: a block of bytes.
    pub const RAW: u32 = SENDER_NODE + 3;
    /// Number of words.
    pub const COUNT: u32 = SENDER_NODE + 4;
}

/// WM_*.
pub(crate) mod number {
    pub const NC_MOUSE_MOVE: u32 = 0xa0;
    pub const INPUT_DEVICE_CHANGE: u32 = 0xfe;
    pub const INPUT: u32 = 0xff;
    pub const KEY_DOWN: u32 = 0x100;
    pub const KEY_UP: u32 = 0x101;
    pub const SYS_KEY_DOWN: u32 = 0x104;
    pub const SYS_KEY_UP: u32 = 0x105;
    pub const KEY_LAST: u32 = 0x109;
    pub const MOUSE_MOVE: u32 = 0x200;
    pub const LEFT_DOWN: u32 = 0x201;
    pub const LEFT_UP: u32 = 0x202;
    pub const RIGHT_DOWN: u32 = 0x204;
    pub const RIGHT_UP: u32 = 0x205;
    pub const MIDDLE_DOWN: u32 = 0x207;
    pub const MIDDLE_UP: u32 = 0x208;
    pub const MOUSE_WHEEL: u32 = 0x20a;
    pub const X_DOWN: u32 = 0x20b;
    pub const X_UP: u32 = 0x20c;
    pub const MOUSE_H_WHEEL: u32 = 0x20e;
    pub const HOT_KEY: u32 = 0x312;
}

/// VK_*.
pub(crate) mod key {
    pub const LEFT_BUTTON: u8 = 0x01;
    pub const RIGHT_BUTTON: u8 = 0x02;
    pub const MIDDLE_BUTTON: u8 = 0x04;
    pub const X_BUTTON_1: u8 = 0x05;
    pub const X_BUTTON_2: u8 = 0x06;
    pub const SHIFT: u8 = 0x10;
    pub const CONTROL: u8 = 0x11;
    pub const MENU: u8 = 0x12;
    pub const LEFT_WIN: u8 = 0x5b;
    pub const RIGHT_WIN: u8 = 0x5c;
    pub const LEFT_SHIFT: u8 = 0xa0;
    pub const RIGHT_SHIFT: u8 = 0xa1;
    pub const LEFT_CONTROL: u8 = 0xa2;
    pub const RIGHT_CONTROL: u8 = 0xa3;
    pub const LEFT_MENU: u8 = 0xa4;
    pub const RIGHT_MENU: u8 = 0xa5;
}

/// RIDEV_NOLEGACY.
pub const NO_LEGACY: u32 = 0x30;
/// Hardware messages that an input keeps: what nobody takes ends here.
const MOST: usize = 1000;

/// A hardware message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hardware {
    /// Its window is 0 until it is taken.
    pub message: Message,
    /// LLKHF_* or LLMHF_*.
    pub flags: u32,
    /// IMDT_* in the lower half, IMO_* in the upper.
    pub source: u32,
    /// Of WM_INPUT: a RAWINPUT.
    pub raw: Vec<u8>,
    /// What it is taken by.
    pub id: u32,
}

/// QS_* of a message's number.
pub fn kind(number: u32) -> u32 {
    match number {
        number::INPUT | number::INPUT_DEVICE_CHANGE => queue::RAW,
        number::MOUSE_MOVE | number::NC_MOUSE_MOVE => queue::MOUSE_MOVE,
        number::KEY_DOWN..=number::KEY_LAST => queue::KEY,
        _ => queue::MOUSE_BUTTON,
    }
}

impl Tx<'_> {
    /// A key goes up or down in a table of keys; `pressed` is what such a key's byte gets.
    fn press(&mut self, table: u32, key: u8, pressed: u8) {
        let before = self.key(table, key);
        let toggled = if before & 0x80 == 0 { before ^ 1 } else { before };
        self.set_key(table, key, if pressed == 0 { before & !0x80 } else { toggled | pressed });
    }

    /// A table of keys follows a message.
    fn note_keys(&mut self, table: u32, message: &Message, pressed: u8) {
        use number::*;
        let down = |is: bool| if is { pressed } else { 0 };
        let (key, down) = match message.number {
            LEFT_DOWN | LEFT_UP => (key::LEFT_BUTTON, down(message.number == LEFT_DOWN)),
            RIGHT_DOWN | RIGHT_UP => (key::RIGHT_BUTTON, down(message.number == RIGHT_DOWN)),
            MIDDLE_DOWN | MIDDLE_UP => (key::MIDDLE_BUTTON, down(message.number == MIDDLE_DOWN)),
            X_DOWN | X_UP => {
                let which = if message.wparam >> 16 & 0xffff == 1 { key::X_BUTTON_1 } else { key::X_BUTTON_2 };
                (which, down(message.number == X_DOWN))
            }
            KEY_DOWN | SYS_KEY_DOWN => (message.wparam as u8, pressed),
            KEY_UP | SYS_KEY_UP => (message.wparam as u8, 0),
            _ => return,
        };
        self.press(table, key, down);
        let pairs = [
            (key::LEFT_SHIFT, key::RIGHT_SHIFT, key::SHIFT),
            (key::LEFT_CONTROL, key::RIGHT_CONTROL, key::CONTROL),
            (key::LEFT_MENU, key::RIGHT_MENU, key::MENU),
        ];
        if let Some((left, right, both)) = pairs.into_iter().find(|(left, right, _)| key == *left || key == *right) {
            let held = (self.key(table, left) | self.key(table, right)) & 0x80;
            self.press(table, both, held);
        }
    }

    /// The window that a hardware message is for as things stand, the number that it has for that, and the queue of who takes it.
    fn place_hardware(&self, shared: u32, hardware: &Hardware) -> Option<(u32, u32, u32)> {
        let message = &hardware.message;
        let mut number = message.number;
        let role = |role: u32| if shared == 0 { 0 } else { self.link(shared + role) };
        let window = match kind(number) {
            queue::RAW => self.window(message.window).unwrap_or_else(|| role(input::field::FOCUS)),
            queue::KEY => match role(input::field::FOCUS) {
                0 => {
                    // Nothing has the focus: it is a matter of the system's.
                    if number < number::SYS_KEY_DOWN {
                        number += number::SYS_KEY_DOWN - number::KEY_DOWN;
                    }
                    role(input::field::ACTIVE)
                }
                focus => focus,
            },
            _ => match role(input::field::CAPTURE) {
                0 => {
                    let (x, y) = message.place;
                    let top = self.top_window_at(x, y);
                    let inner = if top == 0 { 0 } else { self.windows_at(top, x, y).last().copied().unwrap_or(0) };
                    let queue = |window: u32| self.link(window + super::window::field::QUEUE);
                    let queue = if inner == 0 { 0 } else { queue(inner) };
                    return (queue != 0).then_some((top, number, queue));
                }
                capture => capture,
            },
        };
        let queue = if window == 0 { 0 } else { self.link(window + super::window::field::QUEUE) };
        (queue != 0).then_some((window, number, queue))
    }

    /// RIDEV_* of what a member asked for of a message's device.
    fn raw_flags(&self, member: u32, number: u32) -> u32 {
        let usage = match kind(number) {
            queue::KEY => super::raw::KEYBOARD,
            queue::RAW => return 0,
            _ => super::raw::MOUSE,
        };
        self.raw_device(member, usage).map_or(0, |device| device.flags)
    }

    /// A message comes in: the keyboard's state follows it, the cursor moves, and it stands in the input of who will take it. One that
    /// moves the cursor to where it is counts for nothing, unless `always`.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn queue_hardware(&mut self, hardware: &Hardware, always: bool, now: u32) -> Nt<()> {
        let desk = self.make_desk()?;
        let mut hardware = hardware.clone();
        let mut always = always || hardware.message.number != number::MOUSE_MOVE;
        self.note_keys(desk + desk::field::KEYS, &hardware.message, 0xc0);
        self.set(desk + desk::field::LAST_INPUT, now);
        let held = |tx: &Self, key: u8| tx.key(desk + desk::field::KEYS, key) & 0x80 != 0;
        let message = &mut hardware.message;
        match kind(message.number) {
            queue::KEY => {
                if self.take_hot_key(message)? {
                    return Ok(());
                }
                // KF_ALTDOWN; a shift key is never an extended one.
                if held(self, key::MENU) {
                    message.lparam |= 0x2000 << 16;
                }
                if [key::SHIFT, key::LEFT_SHIFT, key::RIGHT_SHIFT].contains(&(message.wparam as u8)) {
                    message.lparam &= !(0x100 << 16);
                }
            }
            queue::RAW => {}
            kind => {
                if kind == queue::MOUSE_MOVE {
                    self.note_place(message.place, message.time, message.extra)?;
                }
                always |= self.move_cursor(message.place)?;
                // MK_*.
                let buttons = [
                    (key::LEFT_BUTTON, 1),
                    (key::RIGHT_BUTTON, 2),
                    (key::SHIFT, 4),
                    (key::CONTROL, 8),
                    (key::MIDDLE_BUTTON, 0x10),
                    (key::X_BUTTON_1, 0x20),
                    (key::X_BUTTON_2, 0x40),
                ];
                for (key, bit) in buttons {
                    if held(self, key) {
                        message.wparam |= bit;
                    }
                }
            }
        }
        message.place = self.cursor_place();
        let target = self.window(message.window).map(|window| self.link(window + super::window::field::QUEUE));
        let shared = match target {
            Some(queue @ 1..) => self.input_of(queue),
            _ => self.foreground(),
        };
        let found = self.place_hardware(shared, &hardware);
        let flags = found.map_or(0, |(_, _, queue)| {
            self.raw_flags(self.link(queue + queue::field::MEMBER), hardware.message.number)
        });
        let Some((_, _, queue)) = found.filter(|_| flags & NO_LEGACY == 0) else {
            if shared != 0 && flags & NO_LEGACY == 0 {
                self.note_keys(shared + input::field::KEYS, &hardware.message, 0x80);
            }
            return Ok(());
        };
        let shared = self.input_of(queue);
        if !always {
            return Ok(());
        }
        // A move that goes into one that waits is news all the same: its thread may have looked past that one.
        if !self.merge_hardware(shared, &hardware) {
            self.add_hardware(shared, &hardware)?;
        }
        self.queue_has(queue, kind(hardware.message.number));
        Ok(())
    }

    fn add_hardware(&mut self, shared: u32, hardware: &Hardware) -> Nt<()> {
        let list = List(shared + input::field::MESSAGES);
        if list.nodes(self).len() >= MOST {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        let record = self.make_message_of(&hardware.message, field::COUNT, 0)?;
        self.set(record + field::FLAGS, hardware.flags);
        self.set(record + field::SOURCE, hardware.source);
        self.replace_bytes(record + field::RAW, &hardware.raw)?;
        list.push(self, record + field::NODE);
        Ok(())
    }

    /// A movement of the mouse replaces one right before it that nobody has looked at.
    fn merge_hardware(&mut self, shared: u32, hardware: &Hardware) -> bool {
        if hardware.message.number != number::MOUSE_MOVE {
            return false;
        }
        let list = List(shared + input::field::MESSAGES);
        let number = |tx: &Self, node: u32| tx.get(node - field::NODE + message::field::NUMBER);
        let last = list.nodes(self).into_iter().rev().find(|node| number(self, *node) != number::INPUT);
        let Some(node) = last.filter(|node| number(self, *node) == number::MOUSE_MOVE) else { return false };
        let record = node - field::NODE;
        self.set_message(record, &hardware.message);
        list.remove(self, node);
        list.push(self, node);
        true
    }

    fn hardware(&self, record: u32) -> Hardware {
        Hardware {
            message: self.message(record),
            flags: self.get(record + field::FLAGS),
            source: self.get(record + field::SOURCE),
            raw: self.kept_bytes(record + field::RAW),
            id: self.get(record + field::ID),
        }
    }

    pub(super) fn drop_hardware(&mut self, record: u32) {
        let raw = self.get(record + field::RAW);
        if raw != 0 {
            self.free(raw);
        }
        self.free(record);
    }

    fn remove_hardware(&mut self, shared: u32, record: u32) {
        let message = self.message(record);
        self.note_keys(shared + input::field::KEYS, &message, 0x80);
        List(shared + input::field::MESSAGES).remove(self, record + field::NODE);
        self.drop_hardware(record);
    }

    /// The next message behind that with the number `after` (0: the first) that a queue's thread is to take and whose window and number
    /// `takes` accepts. It stays until [`Tx::accept_hardware`].
    pub fn next_hardware(
        &mut self,
        queue: u32,
        after: u32,
        takes: impl Fn(&Self, u32, u32) -> bool,
    ) -> Option<Hardware> {
        let shared = self.input_of(queue);
        let nodes = List(shared + input::field::MESSAGES).nodes(self);
        let is_known = |node: &u32| after != 0 && self.get(node - field::NODE + field::ID) == after;
        let begin = nodes.iter().position(is_known).map_or(0, |place| place + 1);
        let mut nothing = if begin == 0 { queue::INPUT } else { 0 };
        let mut others = false;
        for node in nodes.into_iter().skip(begin) {
            let record = node - field::NODE;
            let hardware = self.hardware(record);
            let kind = kind(hardware.message.number);
            let Some((window, number, taker)) = self.place_hardware(shared, &hardware) else {
                self.remove_hardware(shared, record);
                continue;
            };
            if taker != queue {
                if self.input_of(taker) == shared {
                    // Another thread's turn: what follows waits for that.
                    self.queue_has(taker, kind);
                    others = true;
                } else {
                    self.remove_hardware(shared, record);
                }
                continue;
            }
            let window = self.handle_of(window);
            if others || !takes(self, window, number) {
                nothing &= !kind;
                continue;
            }
            let id = match hardware.id {
                0 => {
                    let desk = self.desk()?;
                    let id = self.get(desk + desk::field::LAST_HARDWARE).wrapping_add(1).max(1);
                    self.set(desk + desk::field::LAST_HARDWARE, id);
                    self.set(record + field::ID, id);
                    id
                }
                id => id,
            };
            let message = Message { window, number, ..hardware.message };
            return Some(Hardware { message, id, ..hardware });
        }
        self.queue_lacks(queue, nothing);
        None
    }

    /// A message was taken: the keys of its input follow it.
    pub fn accept_hardware(&mut self, queue: u32, id: u32) {
        let shared = self.input_of(queue);
        let nodes = List(shared + input::field::MESSAGES).nodes(self);
        let records: Vec<u32> = nodes.into_iter().map(|node| node - field::NODE).collect();
        let Some(record) = records.iter().copied().find(|record| self.get(record + field::ID) == id) else { return };
        let kind_of = |tx: &Self, record: u32| kind(tx.get(record + message::field::NUMBER));
        let mine = kind_of(self, record);
        let more = records.iter().any(|other| *other != record && kind_of(self, *other) == mine);
        self.remove_hardware(shared, record);
        if !more {
            self.queue_lacks(queue, mine);
        }
    }

    /// Moves the cursor as far as it may; answers whether that is elsewhere than it was.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn move_cursor(&mut self, place: (i32, i32)) -> Nt<bool> {
        let bounds = self.cursor_bounds();
        let x = place.0.min(bounds.right.saturating_sub(1)).max(bounds.left);
        let y = place.1.min(bounds.bottom.saturating_sub(1)).max(bounds.top);
        let moved = self.cursor_place() != (x, y);
        if moved {
            self.set_cursor_place(x, y);
            self.display_changed();
        }
        let top = self.top_window_at(x, y);
        let under = self.handle_of(top);
        if self.of_desk(desk::field::UNDER_CURSOR) != under {
            self.set_of_desk(desk::field::UNDER_CURSOR, under)?;
            self.follow_cursor();
            return Ok(true);
        }
        Ok(moved)
    }

    /// Has the cursor to be seen be that of the window below it.
    pub fn follow_cursor(&mut self) {
        let under = self.window(self.of_desk(desk::field::UNDER_CURSOR));
        let queue = under.map_or(0, |window| self.link(window + super::window::field::QUEUE));
        let cursor = match (under, queue) {
            (None, _) => return,
            // The desktop, or the task bar.
            (_, 0) => super::icon::ARROW,
            _ => {
                let shared = self.input_of(queue);
                let count = self.get(shared + input::field::CURSOR_COUNT) as i32;
                if count < 0 { 0 } else { self.get(shared + input::field::CURSOR) }
            }
        };
        if self.shown_cursor().0 != cursor {
            self.show_cursor(cursor);
        }
    }
}
