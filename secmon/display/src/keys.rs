//! What an X server's keys are: scan codes of set 1 where the key is where Windows' American keyboard has the same character, and the character itself
//! where it is not.

/// What a key brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// A scan code, and whether it has the prefix 0xe0.
    Key(u16, bool),
    /// A unit of UTF-16.
    Unit(u16),
}

/// Bits of an event's state: Shift, Ctrl, Mod1, which is Alt.
const SHIFT: u16 = 1;
const CONTROL: u16 = 4;
const ALT: u16 = 8;

/// Keys with the prefix: Linux's numbers of them (linux/input-event-codes.h), and their scan codes.
const EXTENDED: [(u8, u16); 18] = [
    (96, 0x1c),
    (97, 0x1d),
    (98, 0x35),
    (99, 0x37),
    (100, 0x38),
    (102, 0x47),
    (103, 0x48),
    (104, 0x49),
    (105, 0x4b),
    (106, 0x4d),
    (107, 0x4f),
    (108, 0x50),
    (109, 0x51),
    (110, 0x52),
    (111, 0x53),
    (125, 0x5b),
    (126, 0x5c),
    (127, 0x5d),
];
/// The last of those whose number is their scan code.
const PLAIN: u8 = 88;
/// Servers count from there.
const FIRST: u8 = 8;

/// Characters of the American keyboard by scan code, without and with Shift.
const ROWS: [(u8, &str, &str); 4] = [
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", "ASDFGHJKL:\"~"),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
];

/// The names that a server has for its keys.
#[derive(Debug)]
pub struct Map {
    first: u8,
    width: usize,
    names: Vec<u32>,
}

/// The character that a name stands for (X11/keysymdef.h): Latin-1 as it is, others with a bit that says so.
fn character(name: u32) -> Option<char> {
    match name {
        0x20..=0x7e | 0xa0..=0xff => char::from_u32(name),
        0x0100_0100..=0x0110_ffff => char::from_u32(name & 0x00ff_ffff),
        // EuroSign, of a table of its own.
        0x20ac => Some('€'),
        _ => None,
    }
}

fn american(scan: u8, shift: bool) -> Option<char> {
    let (first, plain, shifted) = ROWS.iter().rev().find(|(first, ..)| *first <= scan)?;
    (if shift { shifted } else { plain }).chars().nth(usize::from(scan - first))
}

impl Map {
    /// Of the names of keys from `first` on, so many for each.
    pub fn new(first: u8, width: usize, names: Vec<u32>) -> Self {
        Map { first, width, names }
    }

    fn name(&self, key: u8, level: usize) -> Option<u32> {
        let at = usize::from(key.checked_sub(self.first)?) * self.width + level;
        self.names.get(at).copied().filter(|name| *name != 0 && level < self.width)
    }

    /// What a key brings with those of Shift, Ctrl and Alt held; `None`: nothing that anybody has a word for.
    pub fn typed(&self, key: u8, state: u16) -> Option<Typed> {
        let number = key.checked_sub(FIRST)?;
        let scan = (1..=PLAIN).contains(&number).then_some(Typed::Key(number.into(), false));
        let extended = EXTENDED.iter().find(|(known, _)| *known == number).map(|(_, scan)| Typed::Key(*scan, true));
        let shift = state & SHIFT != 0;
        let name = self.name(key, shift.into()).or_else(|| self.name(key, 0));
        let here = name.and_then(character);
        // What is held with Ctrl or Alt means the key, not what is written on it.
        let there = scan.and_then(|_| american(number, shift));
        if let Some(here) = here.filter(|here| state & (CONTROL | ALT) == 0 && *here != ' ' && there != Some(*here))
            && !is_number_pad(number)
            && let [unit] = here.encode_utf16(&mut [0; 2])
        {
            return Some(Typed::Unit(*unit));
        }
        scan.or(extended)
    }
}

/// Whether a key is of the number pad: what it brings is Num Lock's to say.
fn is_number_pad(number: u8) -> bool {
    matches!(number, 55 | 71..=83 | 96 | 98)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_where_they_are_and_characters_what_they_are() {
        // The keys of a, y (where Germans have z), a spare one with a Greek letter, Left, Return, space.
        let names: Vec<u32> = (8..=255u32)
            .flat_map(|key| match key {
                38 => [0x61, 0x41],
                29 => [0x7a, 0x5a],
                200 => [0x0100_03b1, 0],
                113 => [0xff51, 0],
                36 => [0xff0d, 0],
                65 => [0x20, 0x20],
                _ => [0, 0],
            })
            .collect();
        let map = Map::new(8, 2, names);
        assert_eq!(map.typed(38, 0), Some(Typed::Key(30, false)));
        assert_eq!(map.typed(38, SHIFT), Some(Typed::Key(30, false)));
        assert_eq!(map.typed(29, 0), Some(Typed::Unit(0x7a)));
        assert_eq!(map.typed(29, SHIFT), Some(Typed::Unit(0x5a)));
        assert_eq!(map.typed(29, CONTROL), Some(Typed::Key(21, false)));
        assert_eq!(map.typed(200, 0), Some(Typed::Unit(0x3b1)));
        assert_eq!(map.typed(200, SHIFT), Some(Typed::Unit(0x3b1)));
        assert_eq!(map.typed(113, 0), Some(Typed::Key(0x4b, true)));
        assert_eq!([map.typed(36, 0), map.typed(65, 0)], [28, 57].map(|scan| Some(Typed::Key(scan, false))));
        assert_eq!([map.typed(0, 0), map.typed(255, 0)], [None; 2]);
    }

    #[test]
    fn the_american_keyboard_has_its_characters() {
        assert_eq!([american(2, false), american(13, true), american(41, true)], [Some('1'), Some('+'), Some('~')]);
        assert_eq!([american(43, false), american(53, true), american(44, true)], [Some('\\'), Some('?'), Some('Z')]);
        assert_eq!([american(1, false), american(28, false), american(57, false)], [None; 3]);
    }
}
