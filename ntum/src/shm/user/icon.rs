//! Cursors and icons: handles that mean the same in all processes. The pictures are their process's own; of a cursor that a window shows, what
//! it looks like lies here too, for whoever composes the screen.

use super::handle::Kind;
use crate::shm::Tx;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// Words of a record.
mod field {
    /// The member that it belongs to.
    pub const MEMBER: u32 = 0;
    /// Width and height, the place in it that points, milliseconds to the next picture.
    pub const WIDTH: u32 = 1;
    pub const HEIGHT: u32 = 2;
    pub const POINT: u32 = 3;
    /// Its pixels: a block of bytes, 0 until it is shown.
    pub const PIXELS: u32 = 5;
    /// Number of words.
    pub const COUNT: u32 = 6;
}

/// The arrow that is shown over what is nobody's; no handle is like it.
pub const ARROW: u32 = u32::MAX;

/// What a cursor looks like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The place in it that points: from the left, from above.
    pub point: (i32, i32),
    /// Blue, green, red and opacity of each, not multiplied; the first row first.
    pub pixels: Vec<u8>,
}

impl Tx<'_> {
    /// A handle for a cursor or icon of a member's.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn new_icon(&mut self, member: u32) -> Nt<u32> {
        let record = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(record + field::MEMBER, member);
        self.new_user_handle(Kind::Icon, record, member)
    }

    /// Whether there is such a cursor or icon.
    pub fn is_icon(&self, handle: u32) -> bool {
        self.user_record(handle, Kind::Icon).is_some()
    }

    /// Tells what a cursor looks like.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn publish_cursor(&mut self, handle: u32, picture: &Picture) -> Nt<()> {
        let Some(record) = self.user_record(handle, Kind::Icon) else { return Ok(()) };
        let facts = [
            (field::WIDTH, picture.width),
            (field::HEIGHT, picture.height),
            (field::POINT, picture.point.0 as u32),
            (field::POINT + 1, picture.point.1 as u32),
        ];
        for (at, value) in facts {
            self.set(record + at, value);
        }
        self.replace_bytes(record + field::PIXELS, &picture.pixels)
    }

    /// What a cursor looks like, if that was told.
    pub fn cursor_picture(&self, handle: u32) -> Option<Picture> {
        let record = self.user_record(handle, Kind::Icon)?;
        let word = |at: u32| self.get(record + at);
        if word(field::PIXELS) == 0 {
            return None;
        }
        Some(Picture {
            width: word(field::WIDTH),
            height: word(field::HEIGHT),
            point: (word(field::POINT) as i32, word(field::POINT + 1) as i32),
            pixels: self.kept_bytes(record + field::PIXELS),
        })
    }

    /// A cursor or icon goes.
    pub fn drop_icon(&mut self, handle: u32) {
        let Some(record) = self.user_record(handle, Kind::Icon) else { return };
        let pixels = self.get(record + field::PIXELS);
        if pixels != 0 {
            self.free(pixels);
        }
        self.free_user_handle(handle);
        self.free(record);
    }

    /// Cursors and icons of a member that goes, go, as many as a transaction has room for; answers whether some are left.
    pub(in crate::shm) fn drop_icons(&mut self, member: u32) -> bool {
        for (handle, record) in self.user_handles(Kind::Icon) {
            if self.room() < crate::shm::layout::LOG_ENTRIES / 2 {
                return true;
            }
            if self.link(record + field::MEMBER) == member {
                self.drop_icon(handle);
            }
        }
        false
    }
}
