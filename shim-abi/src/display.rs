//! What a sandbox's desktop and whoever shows it tell each other.
//!
//! The desktop is a picoprocess of the sandbox without a program: an [`Exec`](crate::control::Exec) of [`ROLE`], whose three descriptors are
//! the framebuffer (a memory file that its client made and sealed), where the desktop writes [`Notice`]s, and where it reads [`Input`]s.
//! It ends when the last one does. Neither side trusts the other: every message is bounded, and one that breaks the form ends the
//! connection.
//!
//! A message: `u32` length of what follows, `u16` number, then its fields ([`crate::wire`]). The framebuffer has rows of
//! `width * 4` bytes, a pixel being blue, green, red and a byte without meaning; its first byte is the screen's upper left corner. What
//! [`Notice::Frame`] tells of stands still until [`Input::Shown`] answers it.

use crate::error::{Error, Result};
use crate::wire::{self, Wire};
use crate::{wire_enums, wire_structs};
use alloc::string::String;
use alloc::vec::Vec;

/// The program that an [`Exec`](crate::control::Exec) names to be given a desktop. No file's path has this form.
pub const ROLE: &str = "desktop:";
/// Most bytes of a message, its length not counted.
pub const MAX_MESSAGE: usize = 1 << 20;
/// Widest and highest screen.
pub const MAX_SIDE: u32 = 8192;
/// Smallest.
pub const MIN_SIDE: u32 = 64;
/// Most pixels of a screen; a framebuffer has [`FRAMEBUFFER`] bytes, of which only those are ever touched that are shown.
pub const MAX_PIXELS: u32 = 1 << 24;
/// Bytes of a framebuffer.
pub const FRAMEBUFFER: u64 = MAX_PIXELS as u64 * 4;
/// Most rectangles of a frame.
pub const MAX_DAMAGE: usize = 32;
/// Widest and highest cursor.
pub const MAX_CURSOR: u32 = 96;
/// Most windows of a [`Notice::Windows`]; more come in further ones.
pub const MAX_WINDOWS: usize = 256;
/// Most UTF-16 units of a window's title that are told.
pub const MAX_TITLE: usize = 512;
/// Most bytes of what lies on a clipboard in one form.
pub const MAX_CLIP: usize = 16 << 20;
/// Most of them in a message.
pub const CLIP_PART: usize = 256 << 10;
/// Frames a second of what is heard: two samples of 16 bits, little-endian, the left one first.
pub const SOUND_RATE: u32 = 48000;
/// Most bytes of it in a message: 100 ms. Each has whole frames.
pub const MAX_SOUND: usize = SOUND_RATE as usize / 10 * 4;

wire_enums! {
    /// A mouse button.
    pub enum Button {
        /// The left one.
        Left = 0,
        /// The right one.
        Right = 1,
        /// The middle one.
        Middle = 2,
        /// The first beside.
        X1 = 3,
        /// The second.
        X2 = 4,
    }

    /// A form of what lies on a clipboard.
    pub enum Clip {
        /// UTF-16, little-endian, lines ending with CR LF, without a terminator.
        Text = 0,
        /// A packed DIB, as CF_DIB has it.
        Image = 1,
        /// Files and folders, a folder before what is in it: their number and a FILEDESCRIPTORW of each, as CFSTR_FILEDESCRIPTORW has them.
        Files = 2,
    }

    /// Whether a message is the last of several.
    pub enum More {
        /// It is.
        Last = 0,
        /// More follow.
        Follow = 1,
    }
}

wire_structs! {
    /// A rectangle of the screen: columns from `left` up to before `right`, rows likewise.
    pub struct Area {
        /// First column.
        pub left: i32,
        /// First row.
        pub top: i32,
        /// First column beyond.
        pub right: i32,
        /// First row beyond.
        pub bottom: i32,
    }

    /// A key goes down or up.
    pub struct Key {
        /// Its scan code of set 1, without the prefix.
        pub scan: u16,
        /// Whether it has the prefix 0xe0.
        pub extended: bool,
        /// Whether it goes up.
        pub up: bool,
    }

    /// The size of a screen in pixels.
    pub struct Size {
        /// Columns.
        pub width: u32,
        /// Rows.
        pub height: u32,
    }

    /// What the pointer looks like.
    pub struct Cursor {
        /// The pixel that points: column and row.
        pub hot: (u32, u32),
        /// Columns and rows, both 0 if the pointer is hidden; [`MAX_CURSOR`] at most.
        pub size: (u32, u32),
        /// Pixels: blue, green, red, alpha (not premultiplied).
        pub pixels: Vec<u8>,
    }

    /// A part of a file that lies on a clipboard.
    pub struct FileRange {
        /// Which one, as [`Clip::Files`] lists them.
        pub index: u32,
        /// Its first byte.
        pub offset: u64,
        /// Bytes that are wanted, [`CLIP_PART`] at most; fewer come at the file's end alone.
        pub length: u32,
    }

    /// A window.
    pub struct Window {
        /// Its handle.
        pub handle: u32,
        /// Its parent's; 0 for one on the desktop.
        pub parent: u32,
        /// Its owner's; 0 for none.
        pub owner: u32,
        /// Its class's name.
        pub class: String,
        /// Its text, cut to [`MAX_TITLE`].
        pub title: String,
        /// Where it is on the screen.
        pub place: Area,
        /// Where its client area is on the screen.
        pub client: Area,
        /// WS_*.
        pub style: u32,
        /// WS_EX_*.
        pub ex_style: u32,
        /// Whether it and all above it are visible.
        pub visible: bool,
        /// Whether it is what has the foreground.
        pub active: bool,
        /// Whether keys go to it.
        pub focus: bool,
        /// Numbers of its process and its thread.
        pub process: u32,
        /// Likewise.
        pub thread: u32,
    }
}

impl Clip {
    /// All forms.
    pub const ALL: [Clip; 3] = [Clip::Text, Clip::Image, Clip::Files];
}

impl Area {
    /// The part of it that lies on a screen of that size, if any does: column, row, columns, rows.
    pub fn on(&self, size: &Size) -> Option<(u32, u32, u32, u32)> {
        let edge = |value: i32, most: u32| (value.max(0) as u32).min(most);
        let (left, right) = (edge(self.left, size.width), edge(self.right, size.width));
        let (top, bottom) = (edge(self.top, size.height), edge(self.bottom, size.height));
        (left < right && top < bottom).then(|| (left, top, right - left, bottom - top))
    }
}

impl Size {
    /// The nearest size that a screen can have. Widths are multiples of four, as clients of RDP have it.
    #[must_use]
    pub fn fitted(&self) -> Size {
        let width = self.width.clamp(MIN_SIDE, MAX_SIDE) & !3;
        let height = self.height.clamp(MIN_SIDE, MAX_SIDE).min(MAX_PIXELS / width);
        Size { width, height }
    }

    /// Whether a screen can have it.
    pub fn is_possible(&self) -> bool {
        let side = |side: u32| (MIN_SIDE..=MAX_SIDE).contains(&side);
        side(self.width) && side(self.height) && self.width.saturating_mul(self.height) <= MAX_PIXELS
    }
}

impl Cursor {
    /// Whether the fields agree with each other.
    pub fn is_possible(&self) -> bool {
        let (width, height) = self.size;
        let fits = width <= MAX_CURSOR && height <= MAX_CURSOR && (width == 0) == (height == 0);
        fits && self.pixels.len() as u64 == u64::from(width) * u64::from(height) * 4
            && (width == 0 || (self.hot.0 < width && self.hot.1 < height))
    }
}

/// Defines messages: an enum of their numbers and what each carries.
macro_rules! messages {
    ($($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident($body:ty) = $number:literal,)+ })+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name { $($(#[$vmeta])* $variant($body),)+ }

        impl Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $($name::$variant(body) => {
                        let number: u16 = $number;
                        number.put(out);
                        body.put(out);
                    })+
                }
            }
            fn take(from: &mut &[u8]) -> Result<Self> {
                match u16::take(from)? {
                    $($number => <$body as Wire>::take(from).map($name::$variant),)+
                    _ => Err(Error::Malformed),
                }
            }
        }
    )+};
}

messages! {
    /// What a client tells the desktop.
    pub enum Input {
        /// A key.
        Key(Key) = 1,
        /// A unit of UTF-16 that was typed, and whether its key goes up.
        Unicode((u16, bool)) = 2,
        /// The mouse is there: column and row.
        Move((i32, i32)) = 3,
        /// A mouse button, and whether it goes up.
        Button((Button, bool)) = 4,
        /// The wheel, in 120ths of a notch (away from the user, or to the right), and whether it is the horizontal one.
        Wheel((i32, bool)) = 5,
        /// The screen is to have this size.
        Resize(Size) = 6,
        /// What a frame told of was taken from the framebuffer: its number.
        Shown(u32) = 7,
        /// Whether frames are wanted from now on. The first one is the whole screen.
        Watch(bool) = 8,
        /// Asks for all windows, under a tag.
        Windows(u32) = 9,
        /// Asks to be told, under a tag, once every thread with windows waits for messages and has none.
        AwaitIdle(u32) = 10,
        /// Toggles as the client's keyboard shows them: scroll lock 1, num lock 2, caps lock 4.
        Locks(u8) = 11,
        /// What lies on the client's clipboard, which it is asked for when a program pastes.
        ClipOffer(Vec<Clip>) = 12,
        /// Whether the client wants to hear what lies on the sandbox's clipboard.
        ClipWatch(bool) = 13,
        /// Asks for what lies on the sandbox's clipboard, under a tag.
        ClipWanted((u32, Clip)) = 14,
        /// Answers [`Notice::ClipWanted`]: the tag, whether more follows, [`CLIP_PART`] bytes at most. None at all: there is nothing.
        ClipData((u32, (More, Vec<u8>))) = 15,
        /// Asks for a part of a file that lies on the sandbox's clipboard, under a tag; it was told which there are.
        FileWanted((u32, FileRange)) = 16,
        /// Answers [`Notice::FileWanted`]; `None` if it cannot be read.
        FileData((u32, Option<Vec<u8>>)) = 17,
        /// Asks where the pointer is, under a tag.
        PointerWanted(u32) = 18,
        /// Whether the client wants to hear what programs play.
        SoundWatch(bool) = 19,
        /// Files are dropped at that column and row: which, as [`Clip::Files`] lists them. Where a program takes them there, they are asked for by
        /// [`Notice::FileWanted`].
        Drop(((i32, i32), Vec<u8>)) = 20,
    }

    /// What the desktop tells a client.
    pub enum Notice {
        /// The screen has this size. Comes first, and whenever it changes; a whole frame follows if frames are wanted.
        Screen(Size) = 1,
        /// Pixels changed: the frame's number, and where.
        Frame((u32, Vec<Area>)) = 2,
        /// The pointer looks different.
        Cursor(Cursor) = 3,
        /// A program put the pointer there.
        CursorAt((i32, i32)) = 4,
        /// Windows, parents before their children and siblings from top to bottom: the tag, whether more follow.
        Windows((u32, (More, Vec<Window>))) = 5,
        /// Nothing is to be done: the tag.
        Idle(u32) = 6,
        /// What lies on the sandbox's clipboard, if a program put it there.
        ClipOffer(Vec<Clip>) = 7,
        /// A program pastes what the client offered: a tag, and the form.
        ClipWanted((u32, Clip)) = 8,
        /// Answers [`Input::ClipWanted`], as [`Input::ClipData`] does.
        ClipData((u32, (More, Vec<u8>))) = 9,
        /// A program pastes files, or they were dropped on one: asks for a part of one.
        FileWanted((u32, FileRange)) = 10,
        /// Answers [`Input::FileWanted`], as [`Input::FileData`] does.
        FileData((u32, Option<Vec<u8>>)) = 11,
        /// The pointer is there: the tag, column and row.
        PointerAt((u32, (i32, i32))) = 12,
        /// What programs play, mixed, as it is to be heard next; [`MAX_SOUND`] bytes at most. While nothing plays, nothing comes.
        Sound(Vec<u8>) = 13,
    }
}

/// What lies on a clipboard, in the parts that messages carry; nothing if it is more than [`MAX_CLIP`].
pub fn clip_parts(bytes: &[u8]) -> Vec<(More, Vec<u8>)> {
    let bytes = if bytes.len() > MAX_CLIP { &[] } else { bytes };
    let count = bytes.len().div_ceil(CLIP_PART).max(1);
    let part = |index: usize| {
        let end = bytes.len().min((index + 1) * CLIP_PART);
        let more = if index + 1 == count { More::Last } else { More::Follow };
        (more, bytes.get(index * CLIP_PART..end).unwrap_or_default().to_vec())
    };
    (0..count).map(part).collect()
}

/// Puts such parts together again.
#[derive(Debug, Default)]
pub struct Clipping {
    tag: u32,
    bytes: Vec<u8>,
    /// Whether there was more than there may be.
    excess: bool,
}

impl Clipping {
    /// Adds a part; answers tag and whole once it was the last one. What is more than [`MAX_CLIP`] is nothing.
    pub fn add(&mut self, tag: u32, more: More, part: &[u8]) -> Option<(u32, Vec<u8>)> {
        if self.tag != tag {
            *self = Clipping { tag, ..Clipping::default() };
        }
        self.excess |= self.bytes.len().saturating_add(part.len()) > MAX_CLIP;
        if self.excess {
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(part);
        }
        (more == More::Last).then(|| (tag, core::mem::take(self).bytes))
    }
}

/// The bytes of a message.
///
/// # Errors
/// [`Error::TooLong`] if it has more than [`MAX_MESSAGE`].
pub fn frame<M: Wire>(message: &M) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(64);
    0u32.put(&mut out);
    message.put(&mut out);
    let length = out.len() - 4;
    if length > MAX_MESSAGE {
        return Err(Error::TooLong);
    }
    out.splice(..4, (length as u32).to_le_bytes());
    Ok(out)
}

/// Takes messages out of bytes as they come in, whatever parts they come in.
#[derive(Debug, Default)]
pub struct Reader {
    bytes: Vec<u8>,
}

impl Reader {
    /// Adds what came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message, if it is there whole.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is none, or longer than one may be.
    pub fn take<M: Wire>(&mut self) -> Result<Option<M>> {
        let Some((head, rest)) = self.bytes.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*head) as usize;
        if length > MAX_MESSAGE {
            return Err(Error::Malformed);
        }
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let message = wire::decode(body)?;
        self.bytes.drain(..4 + length);
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn messages_arrive_whole_in_whatever_parts() {
        let area = Area { left: 1, top: 2, right: 3, bottom: 4 };
        let all = [
            Notice::Screen(Size { width: 800, height: 600 }),
            Notice::Frame((7, vec![area])),
            Notice::Cursor(Cursor { hot: (0, 0), size: (1, 1), pixels: vec![1, 2, 3, 4] }),
            Notice::Idle(9),
        ];
        let bytes: Vec<u8> = all.iter().flat_map(|one| frame(one).unwrap()).collect();
        for part in [1, 3, 7, bytes.len()] {
            let (mut reader, mut read) = (Reader::default(), Vec::new());
            for chunk in bytes.chunks(part) {
                reader.push(chunk);
                while let Some(one) = reader.take::<Notice>().unwrap() {
                    read.push(one);
                }
            }
            assert_eq!(read, all);
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let mut reader = Reader::default();
        reader.push(&(MAX_MESSAGE as u32 + 1).to_le_bytes());
        assert_eq!(reader.take::<Input>(), Err(Error::Malformed));
        let mut reader = Reader::default();
        reader.push(&[2, 0, 0, 0, 0xff, 0xff]);
        assert_eq!(reader.take::<Input>(), Err(Error::Malformed));
        // A byte too many.
        let mut bytes = frame(&Input::Watch(true)).unwrap();
        bytes[0] += 1;
        bytes.push(0);
        let mut reader = Reader::default();
        reader.push(&bytes);
        assert_eq!(reader.take::<Input>(), Err(Error::Malformed));
        let pixels = vec![0; MAX_MESSAGE];
        assert_eq!(frame(&Notice::Cursor(Cursor { hot: (0, 0), size: (1, 1), pixels })), Err(Error::TooLong));
    }

    #[test]
    fn what_lies_on_a_clipboard_comes_in_parts_and_is_bounded() {
        for length in [0, 1, CLIP_PART, CLIP_PART + 1, 3 * CLIP_PART] {
            let bytes: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let mut clipping = Clipping::default();
            let parts = clip_parts(&bytes);
            assert!(parts.iter().all(|(_, part)| part.len() <= CLIP_PART));
            let whole: Vec<_> = parts.iter().filter_map(|(more, part)| clipping.add(7, *more, part)).collect();
            assert_eq!(whole, [(7, bytes)]);
        }
        assert_eq!(clip_parts(&vec![0; MAX_CLIP + 1]), [(More::Last, Vec::new())]);
        let mut clipping = Clipping::default();
        for _ in 0..MAX_CLIP / CLIP_PART + 5 {
            assert_eq!(clipping.add(1, More::Follow, &[1; CLIP_PART]), None);
            assert!(clipping.bytes.len() <= MAX_CLIP);
        }
        assert_eq!(clipping.add(1, More::Last, &[1]), Some((1, Vec::new())));
        // One that was left in the middle does not go on in another.
        assert_eq!(clipping.add(2, More::Follow, b"ab"), None);
        assert_eq!(clipping.add(3, More::Last, b"c"), Some((3, b"c".to_vec())));
    }

    #[test]
    fn sizes_fit() {
        let size = |width, height| Size { width, height }.fitted();
        assert_eq!(size(1023, 768), Size { width: 1020, height: 768 });
        for (width, height) in [(0, 0), (u32::MAX, u32::MAX), (8192, 8192), (8191, 1)] {
            assert!(size(width, height).is_possible());
        }
        let screen = Size { width: 100, height: 50 };
        let area = |left, top, right, bottom| Area { left, top, right, bottom }.on(&screen);
        assert_eq!(area(-5, -5, 10, 10), Some((0, 0, 10, 10)));
        assert_eq!(area(90, 40, i32::MAX, i32::MAX), Some((90, 40, 10, 10)));
        assert_eq!(area(10, 0, 5, 10), None);
        assert_eq!(area(i32::MIN, 0, 0, 10), None);
    }
}
