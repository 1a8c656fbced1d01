//! Raw input: which processes want to hear of the devices themselves.

use super::desk;
use super::hardware::{Hardware, number};
use super::message::Message;
use crate::shm::Tx;
use crate::shm::list::List;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// Words of a process's wish.
mod field {
    /// Node in the list of all.
    pub const NODE: u32 = 0;
    /// The member's record.
    pub const MEMBER: u32 = 2;
    /// Usage in the lower half, its page in the upper.
    pub const USAGE: u32 = 3;
    /// RIDEV_*, and the window's handle.
    pub const FLAGS: u32 = 4;
    pub const TARGET: u32 = 5;
    /// Number of words.
    pub const COUNT: u32 = 6;
}

/// Usages: a mouse's and a keyboard's, of the page of generic desktop devices.
pub const MOUSE: u32 = 0x1_0002;
/// See above.
pub const KEYBOARD: u32 = 0x1_0006;
/// RIDEV_INPUTSINK.
const SINK: u32 = 0x100;
/// Wishes of a process: what it makes without end ends here.
const MOST: usize = 64;

/// What a process wants of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Usage in the lower half, its page in the upper.
    pub usage: u32,
    /// RIDEV_*.
    pub flags: u32,
    /// The window that is told, 0 for that with the focus.
    pub target: u32,
}

impl Tx<'_> {
    fn raw_records(&self) -> Vec<u32> {
        let Some(desk) = self.desk() else { return Vec::new() };
        List(desk + desk::field::RAW).nodes(self).into_iter().map(|node| node - field::NODE).collect()
    }

    fn wish(&self, record: u32) -> Wish {
        let word = |at: u32| self.get(record + at);
        Wish { usage: word(field::USAGE), flags: word(field::FLAGS), target: word(field::TARGET) }
    }

    /// What a member wants of a device.
    pub fn raw_device(&self, member: u32, usage: u32) -> Option<Wish> {
        self.raw_devices(member).into_iter().find(|wish| wish.usage == usage)
    }

    /// What a member wants of all devices.
    pub fn raw_devices(&self, member: u32) -> Vec<Wish> {
        let mine = self.raw_records().into_iter().filter(|record| self.link(record + field::MEMBER) == member);
        mine.map(|record| self.wish(record)).collect()
    }

    /// Sets what a member wants of a device; `None` for nothing.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn set_raw_device(&mut self, member: u32, usage: u32, wish: Option<Wish>) -> Nt<()> {
        let desk = self.make_desk()?;
        let list = List(desk + desk::field::RAW);
        let all = self.raw_records();
        let mine: Vec<u32> = all.into_iter().filter(|record| self.link(record + field::MEMBER) == member).collect();
        let known = mine.iter().copied().find(|record| self.get(record + field::USAGE) == usage);
        let record = match (known, wish) {
            (None, None) => return Ok(()),
            (Some(record), None) => {
                list.remove(self, record + field::NODE);
                self.free(record);
                return Ok(());
            }
            (Some(record), Some(_)) => record,
            (None, Some(_)) if mine.len() >= MOST => return Err(STATUS_INSUFFICIENT_RESOURCES),
            (None, Some(_)) => {
                let record = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
                self.set(record + field::MEMBER, member);
                self.set(record + field::USAGE, usage);
                list.push(self, record + field::NODE);
                record
            }
        };
        if let Some(wish) = wish {
            self.set(record + field::FLAGS, wish.flags);
            self.set(record + field::TARGET, wish.target);
        }
        Ok(())
    }

    /// A member goes, and its wishes with it.
    pub(in crate::shm) fn drop_raw_devices(&mut self, member: u32) {
        let Some(desk) = self.desk() else { return };
        for record in self.raw_records() {
            if self.link(record + field::MEMBER) == member {
                List(desk + desk::field::RAW).remove(self, record + field::NODE);
                self.free(record);
            }
        }
    }

    /// Tells all that want to hear of a device what it did: a RAWINPUT. The one in the foreground hears of it, others only if they said so.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn queue_raw(&mut self, usage: u32, source: u32, message: &Message, raw: &[u8], now: u32) -> Nt<()> {
        let foreground = match self.foreground() {
            0 => 0,
            shared => match self.link(shared + super::input::field::FOCUS) {
                0 => 0,
                focus => self.link(focus + super::window::field::MEMBER),
            },
        };
        for record in self.raw_records() {
            let wish = self.wish(record);
            let in_front = self.link(record + field::MEMBER) == foreground && foreground != 0;
            if wish.usage != usage || foreground == 0 || !in_front && wish.flags & SINK == 0 {
                continue;
            }
            // RIM_INPUT or RIM_INPUTSINK.
            let wparam = u64::from(!in_front);
            let message = Message { window: wish.target, number: number::INPUT, wparam, lparam: 0, ..*message };
            let hardware = Hardware { message, source, raw: raw.to_vec(), ..Hardware::default() };
            self.queue_hardware(&hardware, true, now)?;
        }
        Ok(())
    }
}
