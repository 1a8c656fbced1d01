//! The clipboard: what lies on it, whose that is, and who wants to hear of changes.
//!
//! A format without data is one that its owner has still to render, or one that is made from another.

use super::desk;
use super::message::{Message, Sending, how};
use crate::shm::Tx;
use crate::shm::list::List;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// Words of the clipboard.
pub(super) mod field {
    /// The queue of the thread that has it open; the window that it is open for; owner and first viewer: handles.
    pub const OPEN_QUEUE: u32 = 0;
    pub const OPEN_WINDOW: u32 = 1;
    pub const OWNER: u32 = 2;
    pub const VIEWER: u32 = 3;
    /// The locale of texts; counts changes; that when it was opened.
    pub const LOCALE: u32 = 4;
    pub const SEQUENCE: u32 = 5;
    pub const OPENED_AT: u32 = 6;
    /// How deep formats are being rendered.
    pub const RENDERING: u32 = 7;
    /// Formats: a list.
    pub const FORMATS: u32 = 8;
    /// Windows that listen: a block of bytes, four each.
    pub const LISTENERS: u32 = 10;
    /// Bytes that lie on it.
    pub const BYTES: u32 = 11;
    /// What a desktop's client has to do with it: see [`super::super::outside`]. The desktop's member; the format that is
    /// wanted of its client, 0 for none; counts answers.
    pub const OUTSIDE: u32 = 12;
    pub const WANTED: u32 = 13;
    pub const ANSWERS: u32 = 14;
    /// Counts what has come of an answer that takes its time.
    pub const PROGRESS: u32 = 15;
    /// Number of words.
    pub const COUNT: u32 = 16;
}

/// Words of a format.
pub(super) mod format {
    /// What [`FROM`] is of one that lies on the clipboard of a desktop's client.
    pub const OUTSIDE: u32 = u32::MAX;
    /// Node in the list.
    pub const NODE: u32 = 0;
    /// Its number, what it is made from, the sequence number of its data, the data: a block of bytes, 0 for none.
    pub const ID: u32 = 2;
    pub const FROM: u32 = 3;
    pub const SEQUENCE: u32 = 4;
    pub const DATA: u32 = 5;
    /// Whether there is data, which may be empty.
    pub const FILLED: u32 = 6;
    /// Number of words.
    pub const COUNT: u32 = 7;
}

/// CF_*.
pub(crate) mod id {
    pub const TEXT: u32 = 1;
    pub const BITMAP: u32 = 2;
    pub const METAFILE_PICTURE: u32 = 3;
    pub const OEM_TEXT: u32 = 7;
    pub const DIB: u32 = 8;
    pub const UNICODE_TEXT: u32 = 13;
    pub const ENHANCED_METAFILE: u32 = 14;
    pub const DROP: u32 = 15;
    pub const LOCALE: u32 = 16;
    pub const DIB_V5: u32 = 17;
}

/// What is made from what, the first that is there.
const MADE_FROM: [(u32, &[u32]); 8] = [
    (id::TEXT, &[id::OEM_TEXT, id::UNICODE_TEXT]),
    (id::OEM_TEXT, &[id::UNICODE_TEXT, id::TEXT]),
    (id::UNICODE_TEXT, &[id::TEXT, id::OEM_TEXT]),
    (id::METAFILE_PICTURE, &[id::ENHANCED_METAFILE]),
    (id::ENHANCED_METAFILE, &[id::METAFILE_PICTURE]),
    (id::BITMAP, &[id::DIB, id::DIB_V5]),
    (id::DIB, &[id::BITMAP, id::DIB_V5]),
    (id::DIB_V5, &[id::BITMAP, id::DIB]),
];
/// WM_CLIPBOARDUPDATE, WM_DRAWCLIPBOARD.
const UPDATE: u32 = 0x31d;
pub(crate) const DRAW: u32 = 0x308;
/// Bytes that may lie on the clipboard, and formats: what is more is refused.
const MOST_BYTES: usize = 16 << 20;
const MOST_FORMATS: usize = 512;
/// Windows that may listen.
const MOST_LISTENERS: usize = 1024;

/// Who has to do with the clipboard: handles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Roles {
    /// The window that it is open for.
    pub open: u32,
    /// The window that what lies there is from.
    pub owner: u32,
    /// The first of the viewers.
    pub viewer: u32,
    /// Counts changes.
    pub sequence: u32,
}

/// A format that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is there: its data, and the sequence number of that.
    Data(Vec<u8>, u32),
    /// It is to be made from another one.
    From(u32),
    /// Its owner has to render it.
    Delayed,
    /// It lies on the clipboard of a desktop's client.
    Outside,
    /// There is none.
    None,
}

impl Tx<'_> {
    pub(super) fn clipboard(&self) -> Option<u32> {
        Some(self.shm.as_block(self.of_desk(desk::field::CLIPBOARD))).filter(|at| *at != 0)
    }

    pub(super) fn make_clipboard(&mut self) -> Nt<u32> {
        if let Some(at) = self.clipboard() {
            return Ok(at);
        }
        let at = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set_of_desk(desk::field::CLIPBOARD, at)?;
        Ok(at)
    }

    pub(super) fn formats(&self) -> Vec<u32> {
        let Some(at) = self.clipboard() else { return Vec::new() };
        List(at + field::FORMATS).nodes(self).into_iter().map(|node| node - format::NODE).collect()
    }

    pub(super) fn format(&self, id: u32) -> Option<u32> {
        self.formats().into_iter().find(|record| self.get(record + format::ID) == id)
    }

    /// Numbers of the formats, in the order in which they came.
    pub fn clipboard_formats(&self) -> Vec<u32> {
        self.formats().into_iter().map(|record| self.get(record + format::ID)).collect()
    }

    /// Who has to do with the clipboard.
    pub fn clipboard_roles(&self) -> Roles {
        let Some(at) = self.clipboard() else { return Roles::default() };
        let word = |place: u32| self.get(at + place);
        Roles {
            open: word(field::OPEN_WINDOW),
            owner: word(field::OWNER),
            viewer: word(field::VIEWER),
            sequence: word(field::SEQUENCE),
        }
    }

    /// Whether a queue's thread has the clipboard open.
    pub fn has_clipboard_open(&self, queue: u32) -> bool {
        self.clipboard().is_some_and(|at| self.get(at + field::OPEN_QUEUE) == queue)
    }

    /// Whether anybody has the clipboard open.
    pub fn is_clipboard_open(&self) -> bool {
        self.clipboard().is_some_and(|at| self.get(at + field::OPEN_QUEUE) != 0)
    }

    /// Opens the clipboard for a queue's thread and a window (0: none); answers whether it could be.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn open_clipboard(&mut self, queue: u32, window: u32) -> Nt<bool> {
        let at = self.make_clipboard()?;
        let (held, open) = (self.get(at + field::OPEN_QUEUE), self.get(at + field::OPEN_WINDOW));
        if held != 0 && open != window {
            return Ok(false);
        }
        let sequence = self.get(at + field::SEQUENCE);
        if held == 0 {
            self.set(at + field::OPENED_AT, sequence);
        }
        if held != queue {
            self.set(at + field::RENDERING, 0);
        }
        self.set(at + field::OPEN_QUEUE, queue);
        self.set(at + field::OPEN_WINDOW, window);
        Ok(true)
    }

    /// Closes the clipboard; answers the viewer that is to be told of a change, 0 for none. Formats that follow from others are there then,
    /// and who listens is told.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn close_clipboard(&mut self, now: u32) -> Nt<u32> {
        let at = self.make_clipboard()?;
        self.set(at + field::OPEN_QUEUE, 0);
        self.set(at + field::OPEN_WINDOW, 0);
        self.tell_outside(at);
        if self.get(at + field::SEQUENCE) == self.get(at + field::OPENED_AT) {
            return Ok(0);
        }
        let ids = self.clipboard_formats();
        let texts = [id::TEXT, id::OEM_TEXT, id::UNICODE_TEXT];
        if !ids.contains(&id::LOCALE) && texts.iter().any(|text| ids.contains(text)) {
            let locale = self.get(at + field::LOCALE);
            let record = self.add_format(id::LOCALE)?;
            self.fill_format(record, Some(&locale.to_le_bytes()))?;
        }
        let mut more = false;
        for (made, from) in MADE_FROM {
            let from = from.iter().find(|from| ids.contains(from));
            if let Some(from) = from.filter(|_| !ids.contains(&made)) {
                let record = self.add_format(made)?;
                let sequence = self.get(at + field::SEQUENCE);
                self.set(record + format::FROM, *from);
                self.set(record + format::SEQUENCE, sequence);
                more = true;
            }
        }
        if more {
            self.count_clipboard(at);
        }
        self.tell_listeners(now)
    }

    pub(super) fn count_clipboard(&mut self, at: u32) -> u32 {
        let sequence = self.get(at + field::SEQUENCE).wrapping_add(1);
        self.set(at + field::SEQUENCE, sequence);
        sequence
    }

    fn listeners(&self) -> Vec<u32> {
        let bytes = self.clipboard().map_or(Vec::new(), |at| self.kept_bytes(at + field::LISTENERS));
        bytes.as_chunks::<4>().0.iter().map(|four| u32::from_le_bytes(*four)).collect()
    }

    fn tell_listeners(&mut self, now: u32) -> Nt<u32> {
        for handle in self.listeners() {
            let Some(window) = self.window(handle) else { continue };
            let queue = self.link(window + super::window::field::QUEUE);
            if queue != 0 {
                let place = self.cursor_place();
                let message = Message { window: handle, number: UPDATE, time: now, place, ..Message::default() };
                self.post_message(queue, &message)?;
            }
        }
        Ok(self.clipboard_roles().viewer)
    }

    pub(super) fn add_format(&mut self, id: u32) -> Nt<u32> {
        let at = self.make_clipboard()?;
        if self.formats().len() >= MOST_FORMATS {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        let record = self.allocate(format::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(record + format::ID, id);
        List(at + field::FORMATS).push(self, record + format::NODE);
        Ok(record)
    }

    /// Gives a format its data, or none yet; answers the sequence number.
    pub(super) fn fill_format(&mut self, record: u32, data: Option<&[u8]>) -> Nt<u32> {
        let at = self.make_clipboard()?;
        let before = self.kept_bytes(record + format::DATA).len();
        let now = (self.get(at + field::BYTES) as usize).saturating_sub(before);
        let bytes = now.saturating_add(data.map_or(0, <[u8]>::len));
        if bytes > MOST_BYTES {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        self.set(at + field::BYTES, bytes as u32);
        self.replace_bytes(record + format::DATA, data.unwrap_or_default())?;
        self.set(record + format::FILLED, data.is_some().into());
        self.set(record + format::FROM, 0);
        let sequence = self.get(at + field::SEQUENCE);
        self.set(record + format::SEQUENCE, sequence);
        self.tell_outside(at);
        // Data that is rendered was there for everybody before.
        if self.get(at + field::RENDERING) == 0 {
            self.count_clipboard(at);
        }
        Ok(sequence)
    }

    /// Puts a format on the clipboard, with data or to be rendered; answers the sequence number of the data.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES` for more than it has room for.
    pub fn set_clipboard_data(&mut self, id: u32, data: Option<&[u8]>, locale: u32) -> Nt<u32> {
        let record = match self.format(id) {
            Some(record) => record,
            None => self.add_format(id)?,
        };
        let sequence = self.fill_format(record, data)?;
        let at = self.make_clipboard()?;
        if [id::TEXT, id::OEM_TEXT, id::UNICODE_TEXT].contains(&id) {
            self.set(at + field::LOCALE, locale);
        }
        Ok(sequence)
    }

    /// A format's data. With `render`, who asks has it made where it is not there, and is at that until it asks without.
    pub fn clipboard_data(&mut self, id: u32, render: bool) -> Found {
        let Some(at) = self.clipboard() else { return Found::None };
        let depth = self.get(at + field::RENDERING);
        if !render {
            self.set(at + field::RENDERING, depth.saturating_sub(1));
        }
        let Some(record) = self.format(id) else { return Found::None };
        if self.get(record + format::FILLED) != 0 {
            return Found::Data(self.kept_bytes(record + format::DATA), self.get(record + format::SEQUENCE));
        }
        if render {
            self.set(at + field::RENDERING, depth.saturating_add(1));
        }
        match self.get(record + format::FROM) {
            0 => Found::Delayed,
            format::OUTSIDE => Found::Outside,
            from => Found::From(from),
        }
    }

    pub(super) fn drop_format(&mut self, record: u32) {
        let Some(at) = self.clipboard() else { return };
        let length = self.kept_bytes(record + format::DATA).len() as u32;
        let left = self.get(at + field::BYTES).saturating_sub(length);
        self.set(at + field::BYTES, left);
        List(at + field::FORMATS).remove(self, record + format::NODE);
        let data = self.get(record + format::DATA);
        if data != 0 {
            self.free(data);
        }
        self.free(record);
    }

    /// Empties the clipboard: what comes there next is the window's that it is open for.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn empty_clipboard(&mut self) -> Nt<()> {
        let at = self.make_clipboard()?;
        for record in self.formats() {
            self.drop_format(record);
        }
        let owner = self.get(at + field::OPEN_WINDOW);
        self.set(at + field::OWNER, owner);
        self.count_clipboard(at);
        Ok(())
    }

    /// Sets the first viewer; with `previous` only if that is it. Answers the one before, and whether it was set.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn set_clipboard_viewer(&mut self, window: u32, previous: Option<u32>) -> Nt<(u32, bool)> {
        let at = self.make_clipboard()?;
        let before = self.get(at + field::VIEWER);
        if previous.is_some_and(|previous| previous != before) {
            return Ok((before, false));
        }
        self.set(at + field::VIEWER, window);
        Ok((before, true))
    }

    /// Has a window hear of changes, or no longer; answers whether that is new.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn listen_to_clipboard(&mut self, window: u32, listens: bool) -> Nt<bool> {
        let at = self.make_clipboard()?;
        let mut all = self.listeners();
        let known = all.iter().position(|other| *other == window);
        match (known, listens) {
            (Some(_), true) | (None, false) => return Ok(false),
            (Some(place), false) => drop(all.remove(place)),
            (None, true) if all.len() >= MOST_LISTENERS => return Err(STATUS_INSUFFICIENT_RESOURCES),
            (None, true) => all.push(window),
        }
        let bytes: Vec<u8> = all.into_iter().flat_map(u32::to_le_bytes).collect();
        self.replace_bytes(at + field::LISTENERS, &bytes)?;
        Ok(true)
    }

    /// The owner goes: what it has not rendered goes too. Answers the viewer that is to be told, 0 for none.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn release_clipboard(&mut self, window: u32, now: u32) -> Nt<u32> {
        let Some(at) = self.clipboard().filter(|at| self.get(at + field::OWNER) == window) else { return Ok(0) };
        self.set(at + field::OWNER, 0);
        let mut changed = false;
        for record in self.formats() {
            let from = self.get(record + format::FROM);
            let stays = self.get(record + format::FILLED) != 0 || from != 0 && self.format(from).is_some();
            if !stays {
                self.drop_format(record);
                changed = true;
            }
        }
        if !changed {
            return Ok(0);
        }
        self.count_clipboard(at);
        self.tell_listeners(now)
    }

    /// A window goes: it has nothing more to do with the clipboard. What it was to render goes too, and if the clipboard was open for it, it
    /// is closed. Where there is no room to tell somebody of that, nobody is told.
    pub(super) fn clipboard_loses(&mut self, window: u32) {
        let Some(at) = self.clipboard() else { return };
        // With less to keep there is room for it.
        let _ = self.listen_to_clipboard(window, false);
        if self.get(at + field::VIEWER) == window {
            self.set(at + field::VIEWER, 0);
        }
        let now = self.of_desk(desk::field::LAST_INPUT);
        let _ = self.release_clipboard(window, now);
        if self.get(at + field::OPEN_WINDOW) == window {
            self.abandon_clipboard();
        }
    }

    /// A queue goes: its thread has the clipboard open no longer.
    pub(super) fn clipboard_loses_queue(&mut self, queue: u32) {
        if self.clipboard().is_some_and(|at| self.get(at + field::OPEN_QUEUE) == queue) {
            self.abandon_clipboard();
        }
    }

    /// Closes the clipboard for whoever is gone, at the time of the last input; the first viewer hears of what changed.
    fn abandon_clipboard(&mut self) {
        let now = self.of_desk(desk::field::LAST_INPUT);
        let viewer = self.close_clipboard(now).ok().and_then(|viewer| self.window(viewer));
        let queue = viewer.map_or(0, |viewer| self.link(viewer + super::window::field::QUEUE));
        if let Some(viewer) = viewer.filter(|_| queue != 0) {
            let owner = self.clipboard_roles().owner;
            let handle = self.handle_of(viewer);
            let message =
                Message { window: handle, number: DRAW, wparam: owner.into(), time: now, ..Message::default() };
            let _ = self.send_message(0, queue, &message, &Sending { how: how::NOTIFY, ..Sending::default() });
        }
    }
}
