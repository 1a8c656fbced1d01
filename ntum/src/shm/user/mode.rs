//! How the screen is set: its size and the bits of a pixel that programs are told of. Windows are drawn with 32 bits whatever the mode says.

use super::message::Message;
use super::surface::display;
use super::window::field;
use crate::shm::{Shm, Tx};
use crate::status::Nt;
use crate::win32k::geometry::Rect;

/// WM_DISPLAYCHANGE.
pub const DISPLAY_CHANGE: u32 = 0x7e;

/// A mode of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bits of a pixel: 8, 16 or 32.
    pub depth: u32,
}

impl Mode {
    /// What a desktop begins with.
    pub const FIRST: Mode = Mode { width: 1024, height: 768, depth: 32 };

    fn of(words: [u32; 3]) -> Option<Mode> {
        let [width, height, depth] = words;
        (depth != 0).then_some(Mode { width, height, depth })
    }

    /// All of the screen.
    pub fn rect(self) -> Rect {
        let side = |size: u32| i32::try_from(size).unwrap_or(i32::MAX);
        Rect::new(0, 0, side(self.width), side(self.height))
    }

    /// What WM_DISPLAYCHANGE has for parameters.
    pub fn parameters(self) -> (u64, u64) {
        (self.depth.into(), (self.width & 0xffff | (self.height & 0xffff) << 16).into())
    }
}

impl Tx<'_> {
    fn mode_at(&self, place: u32) -> Option<Mode> {
        let at = self.display()? + place;
        Mode::of([0, 1, 2].map(|word| self.get(at + word)))
    }

    fn set_mode_at(&mut self, place: u32, mode: Mode) -> Nt<()> {
        let at = self.make_display()? + place;
        for (word, value) in (at..).zip([mode.width, mode.height, mode.depth]) {
            self.set(word, value);
        }
        Ok(())
    }

    /// How the screen is set.
    pub fn screen_mode(&self) -> Mode {
        self.mode_at(display::MODE).unwrap_or(Mode::FIRST)
    }

    /// How it is to be when nobody wants it otherwise.
    pub fn kept_mode(&self) -> Mode {
        self.mode_at(display::KEPT_MODE).unwrap_or(Mode::FIRST)
    }

    /// Sets that.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn keep_mode(&mut self, mode: Mode) -> Nt<()> {
        self.set_mode_at(display::KEPT_MODE, mode)
    }

    /// Sets the screen, for as long as the member of that number lives (0: for good); answers whether it was set otherwise. Nobody is told.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn set_screen_mode(&mut self, mode: Mode, owner: u32) -> Nt<bool> {
        let at = self.make_display()?;
        self.set(at + display::MODE_OWNER, owner);
        if self.screen_mode() == mode {
            return Ok(false);
        }
        self.set_mode_at(display::MODE, mode)?;
        self.resize_desktops(mode.rect())?;
        Ok(true)
    }

    /// Top-level windows find a message about the screen, as it is set now, among those that were posted to them.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn post_mode(&mut self, time: u32) -> Nt<()> {
        let (wparam, lparam) = self.screen_mode().parameters();
        for window in self.children(self.root_window(false)) {
            let (handle, queue) = (self.handle_of(window), self.link(window + field::QUEUE));
            let told = Message { window: handle, number: DISPLAY_CHANGE, wparam, lparam, time, ..Message::default() };
            if queue != 0 {
                self.post_message(queue, &told)?;
            }
        }
        Ok(())
    }
}

impl Shm {
    /// How the screen is set at this moment, without a transaction.
    pub fn screen_mode(&self) -> Mode {
        let words = self.display_block().map(|at| [0, 1, 2].map(|word| self.load(at + display::MODE + word)));
        words.and_then(Mode::of).unwrap_or(Mode::FIRST)
    }

    /// A member is gone: if it had set the screen for itself, that is as it is kept again.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(in crate::shm) fn mode_loses(&self, member: u32) -> Nt<()> {
        let owner = || self.display_block().map_or(0, |at| self.load(at + display::MODE_OWNER));
        if member == 0 || owner() != member {
            return Ok(());
        }
        let mut tx = self.begin();
        if owner() != member {
            return Ok(());
        }
        tx.on_desktop(tx.input_desktop());
        if tx.set_screen_mode(tx.kept_mode(), 0)? {
            tx.post_mode(0)?;
        }
        tx.commit()
    }
}
