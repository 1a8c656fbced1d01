//! What the processes of a sandbox share of the window server: handles, windows, message queues. All of it is in the sandbox's
//! memory, so that windows of several picoprocesses form one desktop, and goes with the member that it belongs to.

pub mod app_bar;
mod balloon;
pub mod clipboard;
pub mod desk;
mod full_screen;
pub mod handle;
pub mod hardware;
pub mod hook;
pub mod hot_key;
pub mod icon;
pub mod input;
pub mod input_context;
pub mod message;
pub mod mirror;
pub mod mode;
pub mod orphan;
pub mod outside;
pub mod paint;
pub mod point;
pub mod queue;
pub mod raw;
pub mod sound;
pub mod station;
pub mod surface;
pub mod switched;
pub mod switcher;
pub mod timer;
pub mod tray;
pub mod visible;
pub mod window;

use super::{Tx, layout};
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};
use crate::win32k::geometry::Rect;

/// Where the root's block stands; 0 before the first window or queue.
const ROOT: u32 = layout::ROOTS + 60;

/// Words of the root.
mod root {
    /// Free handles: the first entry's number plus one, 0 for none.
    pub const FREE_HANDLE: u32 = 0;
    /// Entries of handles that were ever used.
    pub const HANDLES: u32 = 1;
    /// Every message queue: a list.
    pub const QUEUES: u32 = 2;
    /// The desktop's window and the parent of message-only windows: records, 0 before the first.
    pub const DESKTOP: u32 = 4;
    pub const MESSAGE: u32 = 5;
    /// What has the foreground: an input record, 0 for none.
    pub const FOREGROUND: u32 = 6;
    /// The cursor's place on the screen: x and y.
    pub const CURSOR: u32 = 7;
    /// What the desktop has one of: see [`super::desk`].
    pub const DESK: u32 = 9;
    /// Where the parts of the table of handles stand.
    pub const CHUNKS: u32 = 10;
    /// What there is about the display: see [`super::surface::display`]; 0 before anything is to be seen.
    pub const DISPLAY: u32 = CHUNKS + super::handle::CHUNKS;
    /// Desktops beside the first: a list, and which of all the user sees; see [`super::station`].
    pub const DESKTOPS: u32 = DISPLAY + 1;
    pub const INPUT_DESKTOP: u32 = DISPLAY + 3;
    /// What is played, and who listens: see [`super::sound`]; 0 before somebody does.
    pub const SOUND: u32 = DISPLAY + 4;
    /// The notification area: see [`super::tray`]; 0 before anybody asked for it.
    pub const TRAY: u32 = DISPLAY + 5;
    /// Handles that are in use.
    pub const USED_HANDLES: u32 = DISPLAY + 6;
    /// Number of words.
    pub const COUNT: u32 = DISPLAY + 7;
}

impl Tx<'_> {
    /// The root, made by whoever comes first.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn user(&mut self) -> Nt<u32> {
        let at = self.link(ROOT);
        if at != 0 {
            return Ok(at);
        }
        let at = self.allocate(root::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(ROOT, at);
        Ok(at)
    }

    /// The root, if there is one.
    pub(super) fn user_root(&self) -> Option<u32> {
        Some(self.link(ROOT)).filter(|at| *at != 0)
    }

    pub(super) fn rect(&self, place: u32) -> Rect {
        let side = |at: u32| self.get(place + at) as i32;
        Rect { left: side(0), top: side(1), right: side(2), bottom: side(3) }
    }

    pub(super) fn set_rect(&mut self, place: u32, rect: Rect) {
        let sides = [rect.left, rect.top, rect.right, rect.bottom];
        for (at, side) in (place..).zip(sides) {
            self.set(at, side as u32);
        }
    }

    /// Puts bytes of a program's where a word points, in place of those that were there.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn replace_bytes(&mut self, place: u32, bytes: &[u8]) -> Nt<()> {
        let new = match bytes {
            [] => 0,
            bytes => self.allocate_given(bytes).ok_or(STATUS_INSUFFICIENT_RESOURCES)?,
        };
        let old = self.get(place);
        if old != 0 {
            self.free(old);
        }
        self.set(place, new);
        Ok(())
    }

    /// The bytes where a word points.
    pub(super) fn kept_bytes(&self, place: u32) -> Vec<u8> {
        match self.get(place) {
            0 => Vec::new(),
            block => self.bytes(block),
        }
    }
}
