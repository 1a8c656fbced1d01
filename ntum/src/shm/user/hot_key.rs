//! Hot keys: keys that a thread is told of, whoever has the focus.

use super::desk;
use super::hardware::{key, number};
use super::message::Message;
use crate::shm::Tx;
use crate::shm::list::List;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// Words of a hot key.
mod field {
    /// Node in the list of all.
    pub const NODE: u32 = 0;
    /// The queue that is told; the window's handle, 0 for the thread.
    pub const QUEUE: u32 = 2;
    pub const WINDOW: u32 = 3;
    /// Its number, MOD_* and VK_*.
    pub const ID: u32 = 4;
    pub const MODIFIERS: u32 = 5;
    pub const KEY: u32 = 6;
    /// Number of words.
    pub const COUNT: u32 = 7;
}

/// MOD_ALT, MOD_CONTROL, MOD_SHIFT, MOD_WIN.
pub const MODIFIERS: u32 = 0xf;
/// Hot keys of the sandbox: what programs make without end ends here.
const MOST: usize = 1000;
/// Those of one process.
const MOST_OF_ONE: usize = MOST / 4;

/// How a hot key came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// It is new.
    New,
    /// In place of one with the same number: its modifiers and key.
    Instead(u32, u32),
    /// Another one has that key.
    Taken,
}

impl Tx<'_> {
    fn hot_keys(&self) -> Vec<u32> {
        let Some(desk) = self.desk() else { return Vec::new() };
        List(desk + desk::field::HOT_KEYS).nodes(self).into_iter().map(|node| node - field::NODE).collect()
    }

    fn hot_key(&self, queue: u32, window: u32, id: u32) -> Option<u32> {
        let same = |record: &u32| {
            self.link(record + field::QUEUE) == queue
                && self.get(record + field::WINDOW) == window
                && self.get(record + field::ID) == id
        };
        self.hot_keys().into_iter().find(same)
    }

    /// Has a queue's window (0: its thread) be told of a key.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn add_hot_key(&mut self, queue: u32, window: u32, id: u32, modifiers: u32, key: u32) -> Nt<Registered> {
        let all = self.hot_keys();
        let (modifiers, mine) = (modifiers & MODIFIERS, self.hot_key(queue, window, id));
        let same = |record: &u32| {
            self.get(record + field::KEY) == key && self.get(record + field::MODIFIERS) & MODIFIERS == modifiers
        };
        if all.iter().any(same) {
            return Ok(Registered::Taken);
        }
        if let Some(record) = mine {
            let before = (self.get(record + field::MODIFIERS), self.get(record + field::KEY));
            self.set(record + field::MODIFIERS, modifiers);
            self.set(record + field::KEY, key);
            return Ok(Registered::Instead(before.0, before.1));
        }
        let member = |queue: u32| self.link(queue + super::queue::field::MEMBER);
        let mine = all.iter().filter(|other| member(self.link(**other + field::QUEUE)) == member(queue)).count();
        if all.len() >= MOST || mine >= MOST_OF_ONE {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        let desk = self.make_desk()?;
        let record = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let facts = [
            (field::QUEUE, queue),
            (field::WINDOW, window),
            (field::ID, id),
            (field::MODIFIERS, modifiers),
            (field::KEY, key),
        ];
        for (at, value) in facts {
            self.set(record + at, value);
        }
        List(desk + desk::field::HOT_KEYS).push(self, record + field::NODE);
        Ok(Registered::New)
    }

    /// Whether there is such a hot key; if so it is gone.
    pub fn remove_hot_key(&mut self, queue: u32, window: u32, id: u32) -> bool {
        let (Some(desk), Some(record)) = (self.desk(), self.hot_key(queue, window, id)) else { return false };
        List(desk + desk::field::HOT_KEYS).remove(self, record + field::NODE);
        self.free(record);
        true
    }

    /// Hot keys of a queue that goes, or with `window` those of one of its windows, go.
    pub(super) fn drop_hot_keys(&mut self, queue: u32, window: u32) {
        let Some(desk) = self.desk() else { return };
        for record in self.hot_keys() {
            if self.link(record + field::QUEUE) == queue && (window == 0 || self.get(record + field::WINDOW) == window)
            {
                List(desk + desk::field::HOT_KEYS).remove(self, record + field::NODE);
                self.free(record);
            }
        }
    }

    /// Whether a message is a hot key's, which is told instead.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn take_hot_key(&mut self, message: &Message) -> Nt<bool> {
        if ![number::KEY_DOWN, number::SYS_KEY_DOWN].contains(&message.number) {
            return Ok(false);
        }
        let held = |keys: &[u8], bit: u32| if keys.iter().any(|key| self.desk_key(*key) & 0x80 != 0) { bit } else { 0 };
        let modifiers = held(&[key::MENU], 1)
            | held(&[key::CONTROL], 2)
            | held(&[key::SHIFT], 4)
            | held(&[key::LEFT_WIN, key::RIGHT_WIN], 8);
        let matches = |record: &u32| {
            u64::from(self.get(record + field::KEY)) == message.wparam
                && self.get(record + field::MODIFIERS) & MODIFIERS == modifiers
        };
        let Some(record) = self.hot_keys().into_iter().find(matches) else { return Ok(false) };
        let told = Message {
            window: self.get(record + field::WINDOW),
            number: number::HOT_KEY,
            wparam: u64::from(self.get(record + field::ID)),
            lparam: u64::from((self.get(record + field::KEY) & 0xffff) << 16 | modifiers),
            ..*message
        };
        let queue = self.link(record + field::QUEUE);
        self.post_message(queue, &told)?;
        Ok(true)
    }
}
