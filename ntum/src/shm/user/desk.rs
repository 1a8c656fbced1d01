//! What the whole desktop has one of: the keyboard's state, the cursor's bounds, hot keys, hooks, the clipboard.

use super::root;
use crate::shm::Tx;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};
use crate::win32k::geometry::Rect;

/// Places of the cursor that GetMouseMovePointsEx knows.
pub const HISTORY: u32 = 64;
/// Kinds of hooks: WH_MSGFILTER to WH_MOUSE_LL, and that on events.
pub const HOOK_KINDS: u32 = 17;

/// Words of the desk.
pub(crate) mod field {
    /// A byte for each key: 0x80 down, 0x40 was pressed since somebody asked, 1 toggled.
    pub const KEYS: u32 = 0;
    /// What the cursor is kept in, if it is: a rectangle, and whether.
    pub const CLIP: u32 = 64;
    pub const CLIPPED: u32 = 68;
    /// When the last input came, and when the cursor was moved last: milliseconds.
    pub const LAST_INPUT: u32 = 69;
    /// Whether Alt was pressed and nothing else since.
    pub const ALT: u32 = 70;
    /// Last number of a hardware message.
    pub const LAST_HARDWARE: u32 = 71;
    /// 1: the user's input is kept back (BlockInput), by a thread's queue.
    pub const BLOCKED: u32 = 72;
    /// Hot keys, hooks, processes' raw devices: lists.
    pub const HOT_KEYS: u32 = 73;
    pub const HOOKS: u32 = 75;
    pub const RAW: u32 = 77;
    /// How many hooks there are of each kind.
    pub const HOOK_COUNTS: u32 = 79;
    /// The clipboard: a block, 0 before somebody asks for it.
    pub const CLIPBOARD: u32 = 96;
    /// Counts changes of the user's settings.
    pub const SETTINGS: u32 = 97;
    /// What feeds the host, as somebody saw it last: see `win32k::user::power`.
    pub const POWER: u32 = 98;
    /// The window right below the cursor: a handle.
    pub const UNDER_CURSOR: u32 = 100;
    /// Input contexts: a list.
    pub const CONTEXTS: u32 = 102;
    /// The shell's window, that of the program manager and of the task manager: handles.
    pub const SHELL: u32 = 104;
    pub const PROGMAN: u32 = 105;
    pub const TASKMAN: u32 = 106;
    /// Milliseconds of the caret's blinking.
    pub const BLINK: u32 = 107;
    /// The last place in the cursor's history, and that: x, y, time, extra information (two words) of each.
    pub const HISTORY_LAST: u32 = 108;
    pub const HISTORY: u32 = 109;
    /// Number of words.
    pub const COUNT: u32 = HISTORY + super::HISTORY * 5;
}

impl Tx<'_> {
    /// The desk, if there is one.
    pub(crate) fn desk(&self) -> Option<u32> {
        Some(self.link(self.user_root()? + root::DESK)).filter(|at| *at != 0)
    }

    /// The desk, made if it is not there.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn make_desk(&mut self) -> Nt<u32> {
        if let Some(desk) = self.desk() {
            return Ok(desk);
        }
        let root = self.user()?;
        let desk = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(root + root::DESK, desk);
        Ok(desk)
    }

    /// A word of the desk; 0 while there is none.
    pub(crate) fn of_desk(&self, word: u32) -> u32 {
        self.desk().map_or(0, |desk| self.get(desk + word))
    }

    /// Sets a word of the desk.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn set_of_desk(&mut self, word: u32, value: u32) -> Nt<()> {
        let desk = self.make_desk()?;
        self.set(desk + word, value);
        Ok(())
    }

    /// A byte of a table of keys.
    pub(crate) fn key(&self, table: u32, key: u8) -> u8 {
        (self.get(table + u32::from(key) / 4) >> (u32::from(key) % 4 * 8)) as u8
    }

    /// Sets a byte of a table of keys.
    pub(crate) fn set_key(&mut self, table: u32, key: u8, value: u8) {
        let (place, shift) = (table + u32::from(key) / 4, u32::from(key) % 4 * 8);
        let word = self.get(place) & !(0xff << shift) | u32::from(value) << shift;
        self.set(place, word);
    }

    /// The state of a key on the keyboard; 0 while nothing was ever pressed.
    pub(crate) fn desk_key(&self, key: u8) -> u8 {
        self.desk().map_or(0, |desk| self.key(desk + field::KEYS, key))
    }

    /// What the cursor may not leave.
    pub(crate) fn cursor_bounds(&self) -> Rect {
        match self.desk() {
            Some(desk) if self.get(desk + field::CLIPPED) != 0 => self.rect(desk + field::CLIP),
            _ => match self.root_window(false) {
                0 => Rect::default(),
                desktop => self.window_rect(desktop, super::window::field::CLIENT_RECT),
            },
        }
    }

    /// Notes where the cursor is, for GetMouseMovePointsEx.
    pub(super) fn note_place(&mut self, place: (i32, i32), time: u32, extra: u64) -> Nt<()> {
        let desk = self.make_desk()?;
        let last = self.get(desk + field::HISTORY_LAST).wrapping_add(1) % HISTORY;
        self.set(desk + field::HISTORY_LAST, last);
        let at = desk + field::HISTORY + last * 5;
        self.set(at, place.0 as u32);
        self.set(at + 1, place.1 as u32);
        self.set(at + 2, time);
        self.set_wide(at + 3, extra);
        Ok(())
    }

    /// Where the cursor was, the last place first: place, time, extra information.
    pub(crate) fn places(&self) -> Vec<((i32, i32), u32, u64)> {
        let Some(desk) = self.desk() else { return Vec::new() };
        let last = self.get(desk + field::HISTORY_LAST);
        let read = |back: u32| {
            let at = desk + field::HISTORY + (last + HISTORY - back) % HISTORY * 5;
            let place = (self.get(at) as i32, self.get(at + 1) as i32);
            (place, self.get(at + 2), self.wide(at + 3))
        };
        (0..HISTORY).map(read).collect()
    }
}

impl crate::shm::Shm {
    /// A word of the desk as it is at this moment, without a transaction; 0 while there is no desk.
    pub fn desk_word(&self, word: u32) -> u32 {
        let root = self.link(super::ROOT);
        let desk = if root == 0 { 0 } else { self.link(root + root::DESK) };
        if desk == 0 { 0 } else { self.load(desk + word) }
    }
}
