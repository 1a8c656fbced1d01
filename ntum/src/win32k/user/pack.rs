//! Messages whose parameters are addresses: what lies there goes along when they cross into another process, come from the kernel, or are
//! sent within a thread through the kernel, and comes back with the answer.
//!
//! The packed form is what user32's `unpack_message` (Wine 10, `dlls/user32/winproc.c`) reads: the structure as a 64-bit program has it,
//! then the texts or data that it points at, one behind the other.

use super::super::{Failed, User, error};
use super::procedure::{Letter, Mapping};
use super::send::Patience;
use super::session::Window;
use crate::call::Cx;
use crate::shm::user::window::field;
use crate::um::{UserPtr, UserSlice};

/// What a message's parameters point at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A text that ends with a zero.
    Text,
    /// Room for a text of so many units as the first parameter says.
    TextRoom,
    /// A structure of so many bytes, and whether it comes back.
    Structure(usize, bool),
    /// Room for a structure.
    Room(usize),
    /// CREATESTRUCT, MDICREATESTRUCT, NCCALCSIZE_PARAMS (or a RECT), COPYDATASTRUCT.
    Create,
    /// See above.
    MdiCreate,
    /// See above.
    CalcSize,
    /// See above.
    CopyData,
    /// As many 32-bit numbers as the first parameter says, there and back, or back alone.
    Numbers,
    /// See above.
    NumbersRoom,
    /// Two numbers, at each parameter one.
    TwoNumbers,
    /// A line of text, whose first unit says how many there is room for.
    Line,
    /// A structure that begins with its length.
    Sized,
    /// A text, or a number if the control keeps none: which is not known from here.
    TextOfControl,
    /// Room for one.
    RoomOfControl,
    /// It is no other process's business.
    Refused,
}

/// By number; what is not here has no addresses. From the documentation of each message; sizes are those of 64-bit structures.
const SHAPES: &[(u32, Shape)] = &[
    (0x01, Shape::Create),
    (0x0c, Shape::Text),
    (0x0d, Shape::TextRoom),
    (0x1a, Shape::Text),
    (0x1b, Shape::Text),
    (0x24, Shape::Structure(40, true)),
    (0x2b, Shape::Structure(64, false)),
    (0x2c, Shape::Structure(32, true)),
    (0x2d, Shape::Structure(32, false)),
    (0x39, Shape::Structure(56, false)),
    (0x46, Shape::Structure(40, true)),
    (0x47, Shape::Structure(40, false)),
    (0x4a, Shape::CopyData),
    (0x4e, Shape::Refused),
    (0x53, Shape::Structure(40, false)),
    (0x7c, Shape::Structure(8, true)),
    (0x7d, Shape::Structure(8, false)),
    (0x81, Shape::Create),
    (0x83, Shape::CalcSize),
    (0x87, Shape::Structure(48, false)),
    (0xb0, Shape::TwoNumbers),
    (0xb2, Shape::Room(16)),
    (0xb3, Shape::Structure(16, true)),
    (0xb4, Shape::Structure(16, true)),
    (0xc2, Shape::Text),
    (0xc4, Shape::Line),
    (0xcb, Shape::Numbers),
    (0xe3, Shape::TwoNumbers),
    (0xe9, Shape::Structure(28, true)),
    (0xea, Shape::Structure(28, true)),
    (0xeb, Shape::Structure(60, true)),
    (0x140, Shape::TwoNumbers),
    (0x143, Shape::TextOfControl),
    (0x145, Shape::Text),
    (0x148, Shape::RoomOfControl),
    (0x14a, Shape::TextOfControl),
    (0x14c, Shape::TextOfControl),
    (0x14d, Shape::TextOfControl),
    (0x152, Shape::Room(16)),
    (0x158, Shape::TextOfControl),
    (0x164, Shape::Structure(64, true)),
    (0x180, Shape::TextOfControl),
    (0x181, Shape::TextOfControl),
    (0x189, Shape::RoomOfControl),
    (0x18c, Shape::TextOfControl),
    (0x18d, Shape::Text),
    (0x18f, Shape::TextOfControl),
    (0x191, Shape::NumbersRoom),
    (0x192, Shape::Numbers),
    (0x196, Shape::Text),
    (0x198, Shape::Structure(16, true)),
    (0x1a2, Shape::TextOfControl),
    (0x213, Shape::Structure(24, true)),
    (0x214, Shape::Structure(16, true)),
    (0x216, Shape::Structure(16, true)),
    (0x219, Shape::Sized),
    (0x220, Shape::MdiCreate),
    (0x229, Shape::Room(4)),
    (0x30c, Shape::TextRoom),
];
/// Most bytes that go with a message: what WM_COPYDATA is asked for at most, far below what the sandbox's memory holds.
const MOST: u64 = 16 << 20;
/// Most units of a text.
const MOST_UNITS: u64 = 1 << 20;
/// Most bytes that are copied within a thread, where they lie on its stack.
const MOST_COPIED: usize = 1 << 16;
/// Room for a text has so many bytes at least, whatever its sender has: some controls write without asking.
const LEAST_ROOM: usize = 2048;
/// CB_GETLBTEXT, CB_GETLBTEXTLEN, LB_GETTEXTLEN; WM_GETTEXT.
const COMBO_TEXT: u32 = 0x148;
const COMBO_LENGTH: u32 = 0x149;
const LIST_LENGTH: u32 = 0x18a;
const GET_TEXT: u32 = 0x0d;

/// What goes with a message.
#[derive(Debug, Default)]
pub(super) struct Packed {
    /// It.
    pub data: Vec<u8>,
    /// Bytes of a text that its sender has room for.
    room: usize,
}

/// Whether a message's parameters are addresses, so that it is sent and never posted.
pub(super) fn has_addresses(message: u32, wparam: u64) -> bool {
    /// WM_NOTIFY: to a window of another process its address means nothing, and it is sent all the same.
    const NOTIFY: u32 = 0x4e;
    match shape(message).filter(|_| message != NOTIFY) {
        None => false,
        Some(Shape::Sized) => wparam & 0x8000 != 0,
        Some(_) => message <= 0x220,
    }
}

fn shape(message: u32) -> Option<Shape> {
    SHAPES.iter().find(|(number, _)| *number == message).map(|(_, shape)| *shape)
}

impl Cx<'_> {
    /// A text up to its zero, that among them.
    pub(in crate::win32k) fn text(&self, at: u64, ansi: bool) -> User<Vec<u8>> {
        let width = if ansi { 1 } else { 2 };
        let mut bytes = Vec::new();
        while bytes.len() as u64 <= MOST_UNITS {
            // A page at a time: what lies behind the text's may not be there.
            let from = at.wrapping_add(bytes.len() as u64);
            let length = 0x1000 - (from & 0xfff);
            let part = UserSlice::new(from, length).read_all(self.k)?;
            let begin = bytes.len();
            bytes.extend_from_slice(&part);
            let zero =
                bytes.chunks_exact(width).skip(begin / width).position(|unit| unit.iter().all(|byte| *byte == 0));
            if let Some(zero) = zero {
                bytes.truncate((begin / width + zero + 1) * width);
                return Ok(bytes);
            }
        }
        Err(Failed::with(error::INVALID_PARAMETER))
    }

    fn bytes(&self, at: u64, length: u64) -> User<Vec<u8>> {
        if length > MOST {
            return Err(Failed::with(error::NOT_ENOUGH_MEMORY));
        }
        Ok(UserSlice::new(at, length).read_all(self.k)?)
    }

    /// Bytes that a list or combo box tells a text in, by what the control says itself.
    fn room_of_control(&self, window: &Window, letter: &Letter, patience: Patience) -> User<u64> {
        /// LBS_ and CBS_OWNERDRAWFIXED and _OWNERDRAWVARIABLE, LBS_HASSTRINGS, CBS_HASSTRINGS.
        const OWNER_DRAWN: u32 = 0x30;
        const LIST_OF_TEXTS: u32 = 0x40;
        const COMBO_OF_TEXTS: u32 = 0x200;
        let (length, of_texts) = match letter.message {
            COMBO_TEXT => (COMBO_LENGTH, COMBO_OF_TEXTS),
            _ => (LIST_LENGTH, LIST_OF_TEXTS),
        };
        let style = self.windows()?.get(window.record + field::STYLE);
        if style & OWNER_DRAWN != 0 && style & of_texts == 0 {
            // Numbers of the program's.
            return Ok(8);
        }
        let asked = Letter { message: length, lparam: 0, ..*letter };
        let length = self.send_with(window, &asked, Mapping::SendTimeout, patience)? as i64;
        let width = if letter.ansi { 1 } else { 2 };
        Ok(u64::try_from(length).map_or(0, |length| (length.min(MOST_UNITS) + 1) * width))
    }

    /// What goes with a message that is sent within its thread; `None` if its parameters are handed on as they are.
    pub(super) fn copied(&self, window: &Window, letter: &Letter, patience: Patience) -> Option<Packed> {
        match shape(letter.message)? {
            Shape::Text | Shape::TextOfControl | Shape::Refused => None,
            // A hook would not know what kind of texts these are.
            Shape::Create | Shape::MdiCreate if letter.ansi => None,
            // What cannot be read is the procedure's business.
            _ => self.pack(window, letter, patience).ok()?.filter(|packed| packed.data.len() <= MOST_COPIED),
        }
    }

    /// What goes to those who are told of such a message's answer, which left `back`.
    pub(super) fn copied_again(&self, window: &Window, letter: &Letter, packed: Packed, back: Vec<u8>) -> Vec<u8> {
        match shape(letter.message) {
            Some(Shape::RoomOfControl) => vec![0; packed.data.len()],
            Some(Shape::TextRoom | Shape::Room(_) | Shape::NumbersRoom | Shape::TwoNumbers | Shape::Line) => {
                let mut back = back;
                back.resize(packed.data.len(), 0);
                back
            }
            _ => self.copied(window, letter, Patience::default()).unwrap_or_default().data,
        }
    }

    /// What goes with a message into another process; `None` if nothing does.
    ///
    /// # Errors
    /// ERROR_INVALID_PARAMETER for what cannot cross, ERROR_NOACCESS.
    pub(super) fn pack(&self, window: &Window, letter: &Letter, patience: Patience) -> User<Option<Packed>> {
        let &Letter { message, wparam, lparam, ansi } = letter;
        let Some(shape) = shape(message) else { return Ok(None) };
        let width = if ansi { 1 } else { 2 };
        let mut room = usize::MAX;
        let texts = |mut bytes: Vec<u8>, pointers: [u64; 2]| {
            for pointer in pointers.into_iter().filter(|pointer| *pointer >= 0x1_0000) {
                bytes.extend(self.text(pointer, ansi)?);
            }
            Ok(Some(Packed { data: bytes, room: usize::MAX }))
        };
        let word = |bytes: &[u8], at: usize| super::class::little(&bytes[at..at + 8]);
        if lparam == 0 && !matches!(shape, Shape::TwoNumbers | Shape::Refused) {
            return Ok(None);
        }
        let data = match shape {
            Shape::Text | Shape::TextOfControl => self.text(lparam, ansi)?,
            Shape::TextRoom => {
                room = (wparam.min(MOST_UNITS) * width) as usize;
                vec![0; room.max(LEAST_ROOM)]
            }
            Shape::Structure(size, _) => self.bytes(lparam, size as u64)?,
            Shape::Room(size) => vec![0; size],
            Shape::Create => {
                let bytes = self.bytes(lparam, 80)?;
                let pointers = [word(&bytes, 56), word(&bytes, 64)];
                return texts(bytes, pointers);
            }
            Shape::MdiCreate => {
                let bytes = self.bytes(lparam, 56)?;
                let pointers = [word(&bytes, 0), word(&bytes, 8)];
                return texts(bytes, pointers);
            }
            Shape::CalcSize if wparam == 0 => self.bytes(lparam, 16)?,
            Shape::CalcSize => {
                let mut bytes = self.bytes(lparam, 56)?;
                let position = word(&bytes, 48);
                bytes.extend(self.bytes(position, 40)?);
                bytes
            }
            Shape::CopyData => {
                let mut bytes = self.bytes(lparam, 24)?;
                let (length, data) = (super::class::little(&bytes[8..12]), word(&bytes, 16));
                if data != 0 && length != 0 {
                    bytes.extend(self.bytes(data, length)?);
                }
                bytes
            }
            Shape::Numbers => self.bytes(lparam, wparam.saturating_mul(4))?,
            Shape::NumbersRoom => vec![0; (wparam.min(MOST_UNITS) * 4) as usize],
            Shape::TwoNumbers => vec![0; 8],
            Shape::Line => {
                let units = UserPtr::<u16>::new(lparam).read(self.k)?;
                room = usize::from(units) * width as usize;
                let mut bytes = units.to_le_bytes().to_vec();
                bytes.resize(2 + (usize::from(units) + 1) * 2, 0);
                bytes
            }
            Shape::Sized if wparam & 0x8000 == 0 => return Ok(None),
            Shape::Sized => {
                let length = UserPtr::<u32>::new(lparam).read(self.k)?;
                self.bytes(lparam, length.into())?
            }
            Shape::RoomOfControl => {
                room = self.room_of_control(window, letter, patience)? as usize;
                vec![0; room.max(LEAST_ROOM)]
            }
            Shape::Refused => return Err(Failed::with(error::INVALID_PARAMETER)),
        };
        Ok(Some(Packed { data, room }))
    }

    /// Stores what came back with the answer to a message where its parameters point.
    pub(super) fn unpack(&self, letter: &Letter, packed: &Packed, result: u64, data: &[u8]) -> User<()> {
        let &Letter { message, wparam, lparam, ansi } = letter;
        let Some(shape) = shape(message) else { return Ok(()) };
        let back = |length: usize| self.k.write_user(lparam, &data[..length.min(data.len())]);
        // Up to the text's end.
        let text = || {
            let width = if ansi { 1 } else { 2 };
            let zero = data.chunks_exact(width).position(|unit| unit.iter().all(|byte| *byte == 0));
            zero.map_or(data.len(), |zero| (zero + 1) * width).min(packed.room)
        };
        if data.is_empty() || lparam == 0 && shape != Shape::TwoNumbers {
            return Ok(());
        }
        match shape {
            Shape::TextRoom if message == GET_TEXT && result == 0 => {
                let none = [0; 2];
                self.k.write_user(lparam, &none[..packed.room.min(if ansi { 1 } else { 2 })])?;
            }
            Shape::TextRoom | Shape::Line => back(text())?,
            Shape::RoomOfControl if (result as i64) < 0 => {}
            Shape::RoomOfControl if packed.room == 8 => back(8)?,
            Shape::RoomOfControl => back(text())?,
            // Who gives what cannot be written wants nothing back.
            Shape::Structure(size, true) => drop(back(size)),
            Shape::Room(size) => back(size)?,
            // Not the pointers to name and class.
            Shape::Create => {
                back(56).and_then(|()| self.k.write_user(lparam + 72, data.get(72..80).unwrap_or_default()))?
            }
            Shape::CalcSize if wparam == 0 => back(16)?,
            Shape::CalcSize => {
                back(48)?;
                let position = UserPtr::<u64>::new(lparam + 48).read(self.k)?;
                self.k.write_user(position, data.get(56..96).unwrap_or_default())?;
            }
            Shape::NumbersRoom => back((result.min(MOST_UNITS) * 4) as usize)?,
            Shape::TwoNumbers => {
                for (at, number) in [wparam, lparam].into_iter().zip(data.chunks_exact(4)) {
                    if at != 0 {
                        self.k.write_user(at, number)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}
