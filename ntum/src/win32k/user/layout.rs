//! Keyboard layouts, as data: which key a scan code is, and which character a key gives.

/// A layout: what it has of its own; all else is as in the American one.
pub struct Layout {
    /// What the characters of a key depend on: for each sum of Shift (1), Control (2) and Alt (4), which of them it is.
    pub modifiers: &'static [u8],
    /// Whether the right Alt key counts as Control and Alt.
    pub alt_gr: bool,
    /// Keys and their characters.
    pub keys: &'static [Key],
    /// Keys by scan code that lie elsewhere than in the American layout.
    pub moved: &'static [(u8, u8)],
}

/// Bits beside a key of a scan code: KBDEXT, KBDMULTIVK, KBDSPECIAL, KBDNUMPAD.
pub mod flag {
    /// It is an extended one.
    pub const EXTENDED: u16 = 0x100;
    /// It depends on Shift and Control.
    pub const SEVERAL: u16 = 0x200;
    /// It is treated specially.
    pub const SPECIAL: u16 = 0x400;
    /// It is of the number pad, and follows Num Lock.
    pub const NUMBER_PAD: u16 = 0x800;
}

/// A key's characters.
pub struct Key {
    /// VK_*.
    pub key: u8,
    /// Whether Caps Lock counts as Shift.
    pub caps: bool,
    /// What it gives, in the order of [`Layout::modifiers`].
    pub characters: &'static [Character],
}

/// What a key gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Character {
    /// Nothing.
    None,
    /// A character.
    Is(char),
    /// One that waits for the next.
    Dead(char),
}

pub(super) const fn plain(key: u8, characters: &'static [Character]) -> Key {
    Key { key, caps: false, characters }
}

pub(super) const fn letter(key: u8, characters: &'static [Character]) -> Key {
    Key { key, caps: true, characters }
}

macro_rules! is {
    ($($character:literal),+) => { &[$(Character::Is($character)),+] };
}

/// VK_OEM_* and the like.
pub(super) const OEM_1: u8 = 0xba;
pub(super) const OEM_PLUS: u8 = 0xbb;
pub(super) const OEM_COMMA: u8 = 0xbc;
pub(super) const OEM_MINUS: u8 = 0xbd;
pub(super) const OEM_PERIOD: u8 = 0xbe;
pub(super) const OEM_2: u8 = 0xbf;
pub(super) const OEM_3: u8 = 0xc0;
pub(super) const OEM_4: u8 = 0xdb;
pub(super) const OEM_5: u8 = 0xdc;
pub(super) const OEM_6: u8 = 0xdd;
pub(super) const OEM_7: u8 = 0xde;
pub(super) const OEM_102: u8 = 0xe2;
/// No key.
const NONE: u16 = 0xff;
/// A key of the number pad that Num Lock turns into a digit.
const PAD: u16 = flag::NUMBER_PAD | flag::SPECIAL;

/// The American layout: `kbdus.dll`.
pub static US: Layout = Layout {
    modifiers: &[0, 1, 2, 3, 0, 1, 0, 0],
    alt_gr: false,
    keys: &[
        plain(OEM_4, is!['[', '{', '\x1b']),
        plain(OEM_6, is![']', '}', '\x1d']),
        plain(OEM_5, is!['\\', '|', '\x1c']),
        plain(OEM_102, is!['\\', '|', '\x1c']),
        plain(0x08, is!['\x08', '\x08', '\x7f']),
        plain(0x1b, is!['\x1b', '\x1b', '\x1b']),
        plain(0x0d, is!['\r', '\r', '\n']),
        plain(0x20, is![' ', ' ', ' ']),
        plain(0x03, is!['\x03', '\x03', '\x03']),
        plain(b'2', &[Character::Is('2'), Character::Is('@'), Character::None, Character::Is('\0')]),
        plain(b'6', &[Character::Is('6'), Character::Is('^'), Character::None, Character::Is('\x1e')]),
        plain(OEM_MINUS, &[Character::Is('-'), Character::Is('_'), Character::None, Character::Is('\x1f')]),
        plain(OEM_3, is!['`', '~']),
        plain(b'1', is!['1', '!']),
        plain(b'3', is!['3', '#']),
        plain(b'4', is!['4', '$']),
        plain(b'5', is!['5', '%']),
        plain(b'7', is!['7', '&']),
        plain(b'8', is!['8', '*']),
        plain(b'9', is!['9', '(']),
        plain(b'0', is!['0', ')']),
        plain(OEM_PLUS, is!['=', '+']),
        letter(b'Q', is!['q', 'Q']),
        letter(b'W', is!['w', 'W']),
        letter(b'E', is!['e', 'E']),
        letter(b'R', is!['r', 'R']),
        letter(b'T', is!['t', 'T']),
        letter(b'Y', is!['y', 'Y']),
        letter(b'U', is!['u', 'U']),
        letter(b'I', is!['i', 'I']),
        letter(b'O', is!['o', 'O']),
        letter(b'P', is!['p', 'P']),
        letter(b'A', is!['a', 'A']),
        letter(b'S', is!['s', 'S']),
        letter(b'D', is!['d', 'D']),
        letter(b'F', is!['f', 'F']),
        letter(b'G', is!['g', 'G']),
        letter(b'H', is!['h', 'H']),
        letter(b'J', is!['j', 'J']),
        letter(b'K', is!['k', 'K']),
        letter(b'L', is!['l', 'L']),
        plain(OEM_1, is![';', ':']),
        plain(OEM_7, is!['\'', '"']),
        letter(b'Z', is!['z', 'Z']),
        letter(b'X', is!['x', 'X']),
        letter(b'C', is!['c', 'C']),
        letter(b'V', is!['v', 'V']),
        letter(b'B', is!['b', 'B']),
        letter(b'N', is!['n', 'N']),
        letter(b'M', is!['m', 'M']),
        plain(OEM_COMMA, is![',', '<']),
        plain(OEM_PERIOD, is!['.', '>']),
        plain(OEM_2, is!['/', '?']),
        plain(0x6e, is!['.', '.']),
        plain(0x09, is!['\t', '\t']),
        plain(0x6b, is!['+', '+']),
        plain(0x6f, is!['/', '/']),
        plain(0x6a, is!['*', '*']),
        plain(0x6d, is!['-', '-']),
        plain(0x60, is!['0']),
        plain(0x61, is!['1']),
        plain(0x62, is!['2']),
        plain(0x63, is!['3']),
        plain(0x64, is!['4']),
        plain(0x65, is!['5']),
        plain(0x66, is!['6']),
        plain(0x67, is!['7']),
        plain(0x68, is!['8']),
        plain(0x69, is!['9']),
    ],
    moved: &[],
};

/// Names of keys by scan code; 0x100 more for extended ones.
static NAMES: &[(u16, &str)] = &[
    (0x01, "Esc"),
    (0x0e, "Backspace"),
    (0x0f, "Tab"),
    (0x1c, "Enter"),
    (0x1d, "Ctrl"),
    (0x2a, "Shift"),
    (0x36, "Right Shift"),
    (0x37, "Num *"),
    (0x38, "Alt"),
    (0x39, "Space"),
    (0x3a, "Caps Lock"),
    (0x3b, "F1"),
    (0x3c, "F2"),
    (0x3d, "F3"),
    (0x3e, "F4"),
    (0x3f, "F5"),
    (0x40, "F6"),
    (0x41, "F7"),
    (0x42, "F8"),
    (0x43, "F9"),
    (0x44, "F10"),
    (0x45, "Pause"),
    (0x46, "Scroll Lock"),
    (0x47, "Num 7"),
    (0x48, "Num 8"),
    (0x49, "Num 9"),
    (0x4a, "Num -"),
    (0x4b, "Num 4"),
    (0x4c, "Num 5"),
    (0x4d, "Num 6"),
    (0x4e, "Num +"),
    (0x4f, "Num 1"),
    (0x50, "Num 2"),
    (0x51, "Num 3"),
    (0x52, "Num 0"),
    (0x53, "Num Del"),
    (0x54, "Sys Req"),
    (0x57, "F11"),
    (0x58, "F12"),
    (0x7c, "F13"),
    (0x7d, "F14"),
    (0x7e, "F15"),
    (0x7f, "F16"),
    (0x80, "F17"),
    (0x81, "F18"),
    (0x82, "F19"),
    (0x83, "F20"),
    (0x84, "F21"),
    (0x85, "F22"),
    (0x86, "F23"),
    (0x87, "F24"),
    (0x11c, "Num Enter"),
    (0x11d, "Right Ctrl"),
    (0x135, "Num /"),
    (0x137, "Prnt Scrn"),
    (0x138, "Right Alt"),
    (0x145, "Num Lock"),
    (0x146, "Break"),
    (0x147, "Home"),
    (0x148, "Up"),
    (0x149, "Page Up"),
    (0x14b, "Left"),
    (0x14d, "Right"),
    (0x14f, "End"),
    (0x150, "Down"),
    (0x151, "Page Down"),
    (0x152, "Insert"),
    (0x153, "Delete"),
    (0x154, "<00>"),
    (0x156, "Help"),
    (0x15b, "Left Windows"),
    (0x15c, "Right Windows"),
    (0x15d, "Application"),
];

/// Keys by scan code, `0xff` for none, with bits of [`flag`].
static SCANS: &[u16] = &[
    NONE,
    0x1b,
    0x31,
    0x32,
    0x33,
    0x34,
    0x35,
    0x36,
    0x37,
    0x38,
    0x39,
    0x30,
    0xbd,
    0xbb,
    0x08,
    0x09,
    0x51,
    0x57,
    0x45,
    0x52,
    0x54,
    0x59,
    0x55,
    0x49,
    0x4f,
    0x50,
    0xdb,
    0xdd,
    0x0d,
    0xa2,
    0x41,
    0x53,
    0x44,
    0x46,
    0x47,
    0x48,
    0x4a,
    0x4b,
    0x4c,
    0xba,
    0xde,
    0xc0,
    0xa0,
    0xdc,
    0x5a,
    0x58,
    0x43,
    0x56,
    0x42,
    0x4e,
    0x4d,
    0xbc,
    0xbe,
    0xbf,
    0xa1 | flag::EXTENDED,
    0x6a | flag::SEVERAL,
    0xa4,
    0x20,
    0x14,
    0x70,
    0x71,
    0x72,
    0x73,
    0x74,
    0x75,
    0x76,
    0x77,
    0x78,
    0x79,
    0x90 | flag::EXTENDED | flag::SEVERAL,
    0x91 | flag::SEVERAL,
    0x24 | PAD,
    0x26 | PAD,
    0x21 | PAD,
    0x6d,
    0x25 | PAD,
    0x0c | PAD,
    0x27 | PAD,
    0x6b,
    0x23 | PAD,
    0x28 | PAD,
    0x22 | PAD,
    0x2d | PAD,
    0x2e | PAD,
    0x2c,
    NONE,
    0xe2,
    0x7a,
    0x7b,
    0x0c,
    0xee,
    0xf1,
    0xea,
    0xf9,
    0xf5,
    0xf3,
    NONE,
    NONE,
    0xfb,
    0x2f,
    0x7c,
    0x7d,
    0x7e,
    0x7f,
    0x80,
    0x81,
    0x82,
    0x83,
    0x84,
    0x85,
    0x86,
    0xed,
    NONE,
    0xe9,
    NONE,
    0xc1,
    NONE,
    NONE,
    0x87,
    NONE,
    NONE,
    NONE,
    NONE,
    0xeb,
    0x09,
    NONE,
    0xc2,
];

/// Keys by scan code of those that are sent with 0xe0 in front.
static EXTENDED: &[(u8, u8)] = &[
    (0x10, 0xb1),
    (0x19, 0xb0),
    (0x1c, 0x0d),
    (0x1d, 0xa3),
    (0x20, 0xad),
    (0x21, 0xb7),
    (0x22, 0xb3),
    (0x24, 0xb2),
    (0x2e, 0xae),
    (0x30, 0xaf),
    (0x32, 0xac),
    (0x35, 0x6f),
    (0x37, 0x2c),
    (0x38, 0xa5),
    (0x46, 0x03),
    (0x47, 0x24),
    (0x48, 0x26),
    (0x49, 0x21),
    (0x4b, 0x25),
    (0x4d, 0x27),
    (0x4f, 0x23),
    (0x50, 0x28),
    (0x51, 0x22),
    (0x52, 0x2d),
    (0x53, 0x2e),
    (0x5b, 0x5b),
    (0x5c, 0x5c),
    (0x5d, 0x5d),
    (0x5f, 0x5f),
    (0x65, 0xaa),
    (0x66, 0xab),
    (0x67, 0xa8),
    (0x68, 0xa9),
    (0x69, 0xa7),
    (0x6a, 0xa6),
    (0x6b, 0xb6),
    (0x6c, 0xb4),
    (0x6d, 0xb5),
];

/// And with 0xe1.
static PREFIXED: &[(u8, u8)] = &[(0x1d, 0x13)];

impl Layout {
    /// The key of a scan code, with bits of [`flag`]; 0 for none. 0xe0 or 0xe1 in the upper half is what it is sent with.
    pub fn key_of_scan(&self, scan: u16) -> u16 {
        let low = scan as u8;
        let among = |table: &[(u8, u8)]| table.iter().find(|(held, _)| *held == low).map(|(_, key)| u16::from(*key));
        let found = match scan >> 8 {
            0 => {
                let usual = || SCANS.get(usize::from(scan)).copied().filter(|key| *key & 0xff != NONE);
                among(self.moved).or_else(usual)
            }
            0xe0 | 1 => among(EXTENDED).map(|key| key | flag::EXTENDED),
            0xe1 | 2 => among(PREFIXED),
            _ => None,
        };
        found.unwrap_or(0)
    }

    /// The scan code of a key, with 0xe0 or 0xe1 in the upper half where it is sent with that; 0 for none.
    pub fn scan_of_key(&self, key: u8) -> u16 {
        let own = self.moved.iter().find(|(_, held)| *held == key).map(|(scan, _)| u16::from(*scan));
        let is_moved = |scan: usize| self.moved.iter().any(|(held, _)| usize::from(*held) == scan);
        let mut usual = SCANS.iter().enumerate();
        let plain = usual.find(|(scan, held)| **held as u8 == key && **held & 0xff != NONE && !is_moved(*scan));
        let among = |table: &[(u8, u8)], prefix: u16| {
            table.iter().find(|(_, held)| *held == key).map(|(scan, _)| prefix | u16::from(*scan))
        };
        let found = own.or_else(|| plain.and_then(|(scan, _)| u16::try_from(scan).ok()));
        found.or_else(|| among(EXTENDED, 0xe000)).or_else(|| among(PREFIXED, 0xe100)).unwrap_or(0)
    }

    fn of(&self, key: u8) -> Option<&Key> {
        self.keys.iter().chain(US.keys).find(|held| held.key == key)
    }

    /// What a key gives with nothing else pressed.
    pub fn plain(&self, key: u8) -> Character {
        self.of(key).and_then(|key| key.characters.first()).copied().unwrap_or(Character::None)
    }

    /// What a key gives; bit 0 of `held` is Shift, bit 1 Control, bit 2 Alt.
    pub fn character(&self, key: u8, held: usize, caps: bool) -> Character {
        let (control, alt) = (held & 2 != 0, held & 4 != 0);
        if control && alt && !self.alt_gr {
            return Character::None;
        }
        if !control && key == 0x1b {
            return Character::Is('\x1b');
        }
        if control && !alt && key.is_ascii_uppercase() {
            return Character::Is(char::from(key - b'A' + 1));
        }
        // Control and the number pad are the same everywhere.
        let pad = (0x60..=0x69).contains(&key);
        let layout = if control && !alt || pad { &US } else { self };
        let which = |held: usize| layout.modifiers.get(held).map_or(usize::MAX, |place| usize::from(*place));
        let Some(found) = layout.of(key) else { return Character::None };
        if control && alt && !self.keys.iter().any(|own| own.key == key) {
            return Character::None;
        }
        let place = which(held);
        let caps_place = if caps { which(held | 1) } else { place };
        if place >= found.characters.len() {
            return Character::None;
        }
        let place = if found.caps && caps_place < found.characters.len() { caps_place } else { place };
        found.characters.get(place).copied().unwrap_or(Character::None)
    }

    /// The key that gives a character in the lower half, and what else is to be pressed (1 Shift, 2 Control, 4 Alt) in the upper; -1 if
    /// none does.
    pub fn key_of(&self, unit: u16) -> u16 {
        if unit == 0x1b {
            return 0x1b;
        }
        let wanted = char::from_u32(unit.into());
        let gives = |character: &Character| match character {
            Character::Is(held) | Character::Dead(held) => Some(*held) == wanted,
            Character::None => false,
        };
        let mut usual = US.keys.iter().filter(|usual| self.keys.iter().all(|own| own.key != usual.key));
        for key in self.keys.iter().chain(usual.by_ref()) {
            if let Some(place) = key.characters.iter().position(gives) {
                let held = self.modifiers.iter().position(|which| usize::from(*which) == place).unwrap_or(0);
                return (held as u16) << 8 | u16::from(key.key);
            }
        }
        match unit {
            1..=0x1a => 0x200 | (u16::from(b'A') + unit - 1),
            0x80.. => u16::MAX,
            _ => 0,
        }
    }

    /// A key's name, by scan code.
    pub fn name(scan: u16) -> Option<&'static str> {
        NAMES.iter().find(|(held, _)| *held == scan).map(|(_, name)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_american_layout_is_what_its_keys_say() {
        let is = |key: u8, held: usize, caps: bool| US.character(key, held, caps);
        assert_eq!([is(b'A', 0, false), is(b'A', 1, false)], [Character::Is('a'), Character::Is('A')]);
        assert_eq!([is(b'A', 0, true), is(b'1', 0, true)], [Character::Is('A'), Character::Is('1')]);
        assert_eq!([is(b'C', 2, false), is(b'2', 3, false)], [Character::Is('\x03'), Character::Is('\0')]);
        assert_eq!([is(b'C', 6, false), is(0x70, 0, false)], [Character::None; 2]);
        assert_eq!((US.key_of(u16::from(b'%')), US.key_of(0x1b), US.key_of(3)), (0x135, 0x1b, 0x03));
        assert_eq!((US.key_of(0x20ac), US.key_of(u16::from(b'\n'))), (u16::MAX, 0x20d));
    }

    #[test]
    fn scan_codes_and_keys_lead_to_each_other() {
        assert_eq!(SCANS.len(), 0x7f);
        assert_eq!([US.key_of_scan(0x1e), US.key_of_scan(0x56), US.key_of_scan(0x57)], [0x41, 0xe2, 0x7a]);
        assert_eq!([US.key_of_scan(0x76), US.key_of_scan(0x7e), US.key_of_scan(0x6e)], [0x87, 0xc2, 0x86]);
        assert_eq!([US.key_of_scan(0xe01d), US.key_of_scan(0xe11d)], [0xa3 | flag::EXTENDED, 0x13]);
        assert_eq!([US.scan_of_key(0xa3), US.scan_of_key(0x13), US.scan_of_key(0x41)], [0xe01d, 0xe11d, 0x1e]);
        assert_eq!(
            (Layout::name(0x1c), Layout::name(0x11c), Layout::name(0x1e)),
            (Some("Enter"), Some("Num Enter"), None)
        );
    }
}
