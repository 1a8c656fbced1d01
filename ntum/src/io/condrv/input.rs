//! Input records, and how they are made of the bytes that a terminal sends.

/// INPUT_RECORD: 20 bytes.
pub const RECORD_SIZE: usize = 20;

/// SHIFT_PRESSED.
pub const SHIFT: u32 = 0x10;
/// LEFT_CTRL_PRESSED.
pub const CTRL: u32 = 0x08;
/// RIGHT_CTRL_PRESSED.
pub const RIGHT_CTRL: u32 = 0x04;
/// LEFT_ALT_PRESSED.
pub const ALT: u32 = 0x02;
/// ENHANCED_KEY.
pub const ENHANCED: u32 = 0x100;

/// Virtual keys.
#[allow(missing_docs)]
pub mod vk {
    pub const CANCEL: u16 = 0x03;
    pub const BACK: u16 = 0x08;
    pub const TAB: u16 = 0x09;
    pub const RETURN: u16 = 0x0d;
    pub const SHIFT: u16 = 0x10;
    pub const CONTROL: u16 = 0x11;
    pub const MENU: u16 = 0x12;
    pub const ESCAPE: u16 = 0x1b;
    pub const SPACE: u16 = 0x20;
    pub const PRIOR: u16 = 0x21;
    pub const NEXT: u16 = 0x22;
    pub const END: u16 = 0x23;
    pub const HOME: u16 = 0x24;
    pub const LEFT: u16 = 0x25;
    pub const UP: u16 = 0x26;
    pub const RIGHT: u16 = 0x27;
    pub const DOWN: u16 = 0x28;
    pub const INSERT: u16 = 0x2d;
    pub const DELETE: u16 = 0x2e;
    pub const F1: u16 = 0x70;
}

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// KEY_EVENT.
    Key(Key),
    /// MOUSE_EVENT.
    Mouse {
        /// Cell.
        x: i16,
        /// Likewise.
        y: i16,
        /// Buttons that are down, and for a wheel its turn in the upper half.
        buttons: u32,
        /// Modifier keys.
        modifiers: u32,
        /// MOUSE_MOVED = 1, DOUBLE_CLICK = 2, MOUSE_WHEELED = 4.
        flags: u32,
    },
    /// WINDOW_BUFFER_SIZE_EVENT.
    Size(i16, i16),
    /// FOCUS_EVENT.
    Focus(bool),
    /// Any other, as a program wrote it.
    Other([u8; RECORD_SIZE]),
}

/// KEY_EVENT_RECORD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Key {
    /// Pressed, not released.
    pub down: bool,
    /// How often.
    pub repeat: u16,
    /// Virtual key.
    pub vk: u16,
    /// Scan code.
    pub scan: u16,
    /// UTF-16 unit, 0 for none.
    pub unit: u16,
    /// Modifier keys.
    pub modifiers: u32,
}

impl Record {
    /// As INPUT_RECORD lays it out.
    pub fn to_bytes(self) -> [u8; RECORD_SIZE] {
        let mut out = [0; RECORD_SIZE];
        let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
        match self {
            Record::Key(key) => {
                put(0, &1u16.to_le_bytes());
                put(4, &u32::from(key.down).to_le_bytes());
                put(8, &key.repeat.to_le_bytes());
                put(10, &key.vk.to_le_bytes());
                put(12, &key.scan.to_le_bytes());
                put(14, &key.unit.to_le_bytes());
                put(16, &key.modifiers.to_le_bytes());
            }
            Record::Mouse { x, y, buttons, modifiers, flags } => {
                put(0, &2u16.to_le_bytes());
                put(4, &x.to_le_bytes());
                put(6, &y.to_le_bytes());
                put(8, &buttons.to_le_bytes());
                put(12, &modifiers.to_le_bytes());
                put(16, &flags.to_le_bytes());
            }
            Record::Size(x, y) => {
                put(0, &4u16.to_le_bytes());
                put(4, &x.to_le_bytes());
                put(6, &y.to_le_bytes());
            }
            Record::Focus(on) => {
                put(0, &0x10u16.to_le_bytes());
                put(4, &u32::from(on).to_le_bytes());
            }
            Record::Other(bytes) => return bytes,
        }
        out
    }

    /// From INPUT_RECORD.
    pub fn from_bytes(bytes: [u8; RECORD_SIZE]) -> Record {
        let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let long = |at: usize| u32::from(word(at)) | u32::from(word(at + 2)) << 16;
        match word(0) {
            1 => Record::Key(Key {
                down: long(4) != 0,
                repeat: word(8),
                vk: word(10),
                scan: word(12),
                unit: word(14),
                modifiers: long(16),
            }),
            _ => Record::Other(bytes),
        }
    }
}

/// Characters of the US keyboard that are no letters: virtual key, scan code, unshifted, shifted.
const KEYS: &[(u16, u16, char, char)] = &[
    (0x30, 0x0b, '0', ')'),
    (0x31, 0x02, '1', '!'),
    (0x32, 0x03, '2', '@'),
    (0x33, 0x04, '3', '#'),
    (0x34, 0x05, '4', '$'),
    (0x35, 0x06, '5', '%'),
    (0x36, 0x07, '6', '^'),
    (0x37, 0x08, '7', '&'),
    (0x38, 0x09, '8', '*'),
    (0x39, 0x0a, '9', '('),
    (0xba, 0x27, ';', ':'),
    (0xbb, 0x0d, '=', '+'),
    (0xbc, 0x33, ',', '<'),
    (0xbd, 0x0c, '-', '_'),
    (0xbe, 0x34, '.', '>'),
    (0xbf, 0x35, '/', '?'),
    (0xc0, 0x29, '`', '~'),
    (0xdb, 0x1a, '[', '{'),
    (0xdc, 0x2b, '\\', '|'),
    (0xdd, 0x1b, ']', '}'),
    (0xde, 0x28, '\'', '"'),
    (vk::SPACE, 0x39, ' ', ' '),
];

/// Scan codes of A to Z.
const LETTERS: [u16; 26] = [
    0x1e, 0x30, 0x2e, 0x20, 0x12, 0x21, 0x22, 0x23, 0x17, 0x24, 0x25, 0x26, 0x32, 0x31, 0x18, 0x19, 0x10, 0x13, 0x1f,
    0x14, 0x16, 0x2f, 0x11, 0x2d, 0x15, 0x2c,
];

/// Scan code of a key without a character.
fn scan(key: u16) -> u16 {
    match key {
        vk::BACK => 0x0e,
        vk::TAB => 0x0f,
        vk::RETURN => 0x1c,
        vk::ESCAPE => 0x01,
        vk::CANCEL => 0x46,
        vk::SHIFT => 0x2a,
        vk::CONTROL => 0x1d,
        vk::MENU => 0x38,
        vk::PRIOR => 0x49,
        vk::NEXT => 0x51,
        vk::END => 0x4f,
        vk::HOME => 0x47,
        vk::LEFT => 0x4b,
        vk::UP => 0x48,
        vk::RIGHT => 0x4d,
        vk::DOWN => 0x50,
        vk::INSERT => 0x52,
        vk::DELETE => 0x53,
        0x70..=0x79 => 0x3b + (key - vk::F1),
        0x7a => 0x57,
        0x7b => 0x58,
        _ => 0,
    }
}

/// Virtual key, scan code and modifiers that type a character on a US keyboard; zeros if none does.
fn key_of(c: char) -> (u16, u16, u32) {
    if c.is_ascii_alphabetic() {
        let upper = c.to_ascii_uppercase();
        let shift = if c.is_ascii_uppercase() { SHIFT } else { 0 };
        return (upper as u16, LETTERS[(upper as u8 - b'A') as usize], shift);
    }
    let found = KEYS.iter().find(|(_, _, plain, shifted)| *plain == c || *shifted == c);
    found.map_or((0, 0, 0), |(vk, scan, plain, _)| (*vk, *scan, if *plain == c { 0 } else { SHIFT }))
}

/// A key pressed and released, with its modifier keys around it.
fn press(out: &mut Vec<Record>, vk: u16, scan: u16, unit: u16, modifiers: u32) {
    const HELD: [(u32, u16); 3] = [(SHIFT, vk::SHIFT), (ALT, vk::MENU), (CTRL, vk::CONTROL)];
    let mut now = 0;
    let key = |down, vk, scan, unit, modifiers| Record::Key(Key { down, repeat: 1, vk, scan, unit, modifiers });
    for (bit, held) in HELD {
        if modifiers & bit != 0 {
            now |= bit;
            out.push(key(true, held, self::scan(held), 0, now));
        }
    }
    let enhanced = matches!(vk, vk::PRIOR..=vk::DOWN | vk::INSERT | vk::DELETE);
    let all = now | if enhanced { ENHANCED } else { 0 };
    out.push(key(true, vk, scan, unit, all));
    out.push(key(false, vk, scan, unit, all));
    for (bit, held) in HELD.iter().rev() {
        if modifiers & bit != 0 {
            now &= !bit;
            out.push(key(false, *held, self::scan(*held), 0, now));
        }
    }
}

/// Text as if it were typed by something that has no keys: what the console answers to a program's questions.
pub fn typed(text: &str, out: &mut Vec<Record>) {
    for unit in text.encode_utf16() {
        for down in [true, false] {
            out.push(Record::Key(Key { down, repeat: 1, vk: 0, scan: 0, unit, modifiers: 0 }));
        }
    }
}

/// Takes a terminal's bytes apart.
#[derive(Default)]
pub struct Keys {
    bytes: Vec<u8>,
    buttons: u32,
}

/// Longest sequence that is waited for.
const MAX_PENDING: usize = 64;

impl Keys {
    /// Whether a sequence has begun that may be a single key too.
    pub fn is_waiting(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// Takes bytes. With `sequences`, escape sequences reach the program as characters (ENABLE_VIRTUAL_TERMINAL_INPUT).
    pub fn feed(&mut self, bytes: &[u8], sequences: bool, out: &mut Vec<Record>) {
        self.bytes.extend_from_slice(bytes);
        self.run(sequences, false, out);
    }

    /// Nothing followed in time: what is there is all.
    pub fn end(&mut self, sequences: bool, out: &mut Vec<Record>) {
        self.run(sequences, true, out);
        self.bytes.clear();
    }

    fn run(&mut self, sequences: bool, all: bool, out: &mut Vec<Record>) {
        let bytes = std::mem::take(&mut self.bytes);
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let all = all || rest.len() > MAX_PENDING;
            let used = if rest[0] == 0x1b && !sequences { self.escape(rest, all, out) } else { None };
            let used = match used {
                Some(0) => break,
                Some(used) => used,
                None => match decode(rest) {
                    Some((c, used)) => {
                        character(c, sequences, 0, out);
                        used
                    }
                    None if all => 1,
                    None => break,
                },
            };
            at += used;
        }
        self.bytes = bytes[at.min(bytes.len())..].to_vec();
    }

    /// A sequence that starts with ESC; answers its length, 0 if more is to come.
    fn escape(&mut self, bytes: &[u8], all: bool, out: &mut Vec<Record>) -> Option<usize> {
        let more = if all { None } else { Some(0) };
        match bytes.get(1) {
            None if all => {
                press(out, vk::ESCAPE, scan(vk::ESCAPE), 0x1b, 0);
                Some(1)
            }
            None => Some(0),
            Some(0x1b) => {
                press(out, vk::ESCAPE, scan(vk::ESCAPE), 0x1b, 0);
                Some(1)
            }
            Some(b'[') => {
                let Some(end) = bytes[2..].iter().position(|b| (0x40..=0x7e).contains(b)) else {
                    return more.or(Some(bytes.len()));
                };
                self.csi(&bytes[2..2 + end], bytes[2 + end], out);
                Some(3 + end)
            }
            Some(b'O') => match bytes.get(2) {
                None => more.or_else(|| {
                    character('O', false, ALT, out);
                    Some(2)
                }),
                Some(last) => {
                    if let Some((vk, unit, modifiers)) = final_key(*last) {
                        press(out, vk, scan(vk), unit, modifiers);
                    }
                    Some(3)
                }
            },
            Some(_) => match decode(&bytes[1..]) {
                Some((c, used)) => {
                    character(c, false, ALT, out);
                    Some(1 + used)
                }
                None => more.or(Some(bytes.len())),
            },
        }
    }

    fn csi(&mut self, body: &[u8], last: u8, out: &mut Vec<Record>) {
        let text = String::from_utf8_lossy(body);
        let numbers: Vec<u32> =
            text.trim_start_matches(['<', '?', '>']).split([';', ':']).map(|n| n.parse().unwrap_or(0)).collect();
        let number = |index: usize| numbers.get(index).copied().unwrap_or(0);
        if body.first() == Some(&b'<') {
            self.mouse(number(0), number(1), number(2), last == b'M', out);
            return;
        }
        let held = number(1).clamp(1, 16) - 1;
        let pairs = [(1, SHIFT), (2, ALT), (4, CTRL)];
        let modifiers = pairs.iter().filter(|(bit, _)| held & bit != 0).map(|(_, modifier)| modifier).sum();
        match last {
            b'I' | b'O' if body.is_empty() => out.push(Record::Focus(last == b'I')),
            b'~' => {
                let vk = match number(0) {
                    1 | 7 => vk::HOME,
                    2 => vk::INSERT,
                    3 => vk::DELETE,
                    4 | 8 => vk::END,
                    5 => vk::PRIOR,
                    6 => vk::NEXT,
                    n @ 11..=15 => vk::F1 + (n - 11) as u16,
                    n @ 17..=21 => vk::F1 + 5 + (n - 17) as u16,
                    n @ 23..=24 => vk::F1 + 10 + (n - 23) as u16,
                    // The marks around pasted text among them.
                    _ => return,
                };
                press(out, vk, scan(vk), 0, modifiers);
            }
            last => {
                if let Some((vk, unit, own)) = final_key(last) {
                    press(out, vk, scan(vk), unit, modifiers | own);
                }
            }
        }
    }

    /// A mouse report in xterm's SGR form.
    fn mouse(&mut self, code: u32, column: u32, row: u32, pressed: bool, out: &mut Vec<Record>) {
        let pairs = [(4, SHIFT), (8, ALT), (16, CTRL)];
        let modifiers = pairs.iter().filter(|(bit, _)| code & bit != 0).map(|(_, modifier)| modifier).sum();
        let place = |value: u32| value.saturating_sub(1).min(0x7fff) as i16;
        let (x, y) = (place(column), place(row));
        let (buttons, flags) = if code & 64 != 0 {
            // A wheel's turn: WHEEL_DELTA away from or towards the user.
            let turn: i16 = if code & 1 == 0 { 120 } else { -120 };
            (self.buttons | u32::from(turn as u16) << 16, 4)
        } else {
            let bit = match code & 3 {
                0 => 1,
                1 => 4,
                2 => 2,
                _ => 0,
            };
            if code & 32 == 0 {
                self.buttons = if pressed { self.buttons | bit } else { self.buttons & !bit };
            }
            (self.buttons, u32::from(code & 32 != 0))
        };
        out.push(Record::Mouse { x, y, buttons, modifiers, flags });
    }
}

/// Key, character and modifiers that a sequence's last letter stands for.
fn final_key(last: u8) -> Option<(u16, u16, u32)> {
    let vk = match last {
        b'A' => vk::UP,
        b'B' => vk::DOWN,
        b'C' => vk::RIGHT,
        b'D' => vk::LEFT,
        b'F' => vk::END,
        b'H' => vk::HOME,
        b'M' => return Some((vk::RETURN, 13, 0)),
        b'P'..=b'S' => vk::F1 + u16::from(last - b'P'),
        b'Z' => return Some((vk::TAB, 9, SHIFT)),
        _ => return None,
    };
    Some((vk, 0, 0))
}

/// The first character of UTF-8 bytes and its length; `None` if it is not whole. What is no UTF-8 is U+FFFD.
fn decode(bytes: &[u8]) -> Option<(char, usize)> {
    let part = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(part) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() > 0 => std::str::from_utf8(&part[..error.valid_up_to()]).unwrap_or(""),
        Err(error) => {
            return error.error_len().map(|length| (char::REPLACEMENT_CHARACTER, length));
        }
    };
    valid.chars().next().map(|c| (c, c.len_utf8()))
}

/// Keys that type a character.
fn character(c: char, sequences: bool, modifiers: u32, out: &mut Vec<Record>) {
    let unit = c as u16;
    match c {
        '\r' if !sequences => press(out, vk::RETURN, scan(vk::RETURN), 13, modifiers),
        '\n' if !sequences => press(out, vk::RETURN, scan(vk::RETURN), 10, modifiers | CTRL),
        '\t' if !sequences => press(out, vk::TAB, scan(vk::TAB), 9, modifiers),
        '\x7f' if !sequences => press(out, vk::BACK, scan(vk::BACK), 8, modifiers),
        '\x08' if !sequences => press(out, vk::BACK, scan(vk::BACK), 0x7f, modifiers | CTRL),
        '\x1c' if !sequences => press(out, vk::CANCEL, scan(vk::CANCEL), 0, CTRL),
        '\0' => press(out, vk::SPACE, 0x39, 0, modifiers | CTRL),
        '\x01'..='\x1a' if !sequences || c == '\x03' => {
            let letter = (b'A' + c as u8 - 1) as char;
            let (vk, scan, _) = key_of(letter);
            press(out, vk, scan, unit, modifiers | CTRL);
        }
        '\x1b'..='\x1f' if !sequences => {
            // Ctrl with the character 0x40 above.
            let (vk, scan, shift) = key_of((c as u8 + 0x40) as char);
            press(out, vk, scan, unit, modifiers | shift | CTRL);
        }
        c if sequences => typed(c.encode_utf8(&mut [0; 4]), out),
        c => {
            let (vk, scan, shift) = key_of(c);
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                press(out, vk, scan, *unit, modifiers | shift);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<(u16, u16, u32)> {
        let (mut keys, mut out) = (Keys::default(), Vec::new());
        keys.feed(bytes, false, &mut out);
        keys.end(false, &mut out);
        let down = |record: &Record| match record {
            Record::Key(key) if key.down && !(vk::SHIFT..=vk::MENU).contains(&key.vk) => {
                Some((key.vk, key.unit, key.modifiers))
            }
            _ => None,
        };
        out.iter().filter_map(down).collect()
    }

    #[test]
    fn characters_and_controls() {
        let expected = vec![
            (0x41, 97, 0),
            (0x41, 65, SHIFT),
            (0x31, 33, SHIFT),
            (vk::RETURN, 13, 0),
            (vk::BACK, 8, 0),
            (0x43, 3, CTRL),
            (0, 0xe9, 0),
            (0, 0xd83d, 0),
            (0, 0xde00, 0),
        ];
        assert_eq!(keys("aA!\r\x7f\x03é😀".as_bytes()), expected);
    }

    #[test]
    fn sequences_are_keys() {
        let expected = vec![
            (vk::UP, 0, ENHANCED),
            (vk::LEFT, 0, ENHANCED | CTRL),
            (vk::DELETE, 0, ENHANCED),
            (vk::F1 + 4, 0, 0),
            (vk::F1, 0, 0),
            (vk::TAB, 9, SHIFT),
            (0x58, 120, ALT),
            (vk::ESCAPE, 0x1b, 0),
        ];
        assert_eq!(keys(b"\x1b[A\x1b[1;5D\x1b[3~\x1b[15~\x1bOP\x1b[Z\x1bx\x1b"), expected);
    }

    #[test]
    fn what_is_split_waits() {
        let (mut keys, mut out) = (Keys::default(), Vec::new());
        for part in [&b"\x1b"[..], b"[1", b";2", b"C\xc3"] {
            keys.feed(part, false, &mut out);
            assert!(keys.is_waiting());
        }
        keys.feed(b"\xa9", false, &mut out);
        assert!(!keys.is_waiting());
        assert_eq!(out.len(), 6, "shift, right, right, shift; é down and up");
        assert_eq!(Record::from_bytes(out[1].to_bytes()), out[1]);
    }

    #[test]
    fn raw_sequences_and_mouse() {
        let (mut keys, mut out) = (Keys::default(), Vec::new());
        keys.feed(b"\x1b[A", true, &mut out);
        let units: Vec<u8> = out
            .iter()
            .filter_map(|record| match record {
                Record::Key(key) if key.down => Some(key.unit as u8),
                _ => None,
            })
            .collect();
        assert_eq!(units, b"\x1b[A");
        out.clear();
        keys.feed(b"\x1b[<0;3;2M\x1b[<65;3;2M\x1b[<0;3;2m", false, &mut out);
        let mouse = |buttons, flags| Record::Mouse { x: 2, y: 1, buttons, modifiers: 0, flags };
        assert_eq!(out, vec![mouse(1, 0), mouse(0xff88_0001, 4), mouse(0, 0)]);
    }
}
