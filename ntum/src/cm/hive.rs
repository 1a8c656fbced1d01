//! The registry of the base image: one flat file, read in place.
//!
//! Nothing is parsed at the start: a key is a number, and every look-up is a binary search in the bytes as they lie. A
//! mapping of the file is shared by all sandboxes. All numbers are little-endian; offsets count bytes.
//!
//! ```text
//! header  0 magic   8 version u32   12 zero u32   16 length u64   24 checksum u64 of everything after it
//!        32 keys: offset u32, count u32   40 values: offset u32, count u32   48 pool: offset u32, length u32   56 time u64
//! key     0 name u32 (in the pool)   4 name length u16   6 flags u16   8 class u32   12 class length u32
//!        16 last write u64   24 first subkey u32   28 subkeys u32   32 first value u32   36 values u32   40 parent u32   44 zero
//! value   0 name u32   4 name length u16   6 zero u16   8 type u32   12 data u32   16 data length u32
//! ```
//! Key 0 is the root. The subkeys of a key lie together, sorted by [`fold::compare`](super::fold::compare), and after the
//! key itself, so that no walk can go in circles; so do its values. Names are UTF-16 without a terminator.

use super::fold;
use core::cmp::Ordering;

mod build;
mod check;
pub use build::{Builder, TooLarge};

/// The file's first bytes.
pub const MAGIC: [u8; 8] = *b"PculHive";
/// Version of the layout; a file with another one is made anew.
pub const VERSION: u32 = 1;

const HEADER: usize = 64;
const KEY: usize = 48;
const VALUE: usize = 20;

/// Bits of a key's flags.
pub mod flags {
    /// The key is a symbolic link: its value `SymbolicLinkValue` names its target.
    pub const LINK: u16 = 1;
    /// The key's subtree has no separate 32-bit view (Wine's KEY_WOWSHARE).
    pub const WOW_SHARE: u16 = 2;
    /// The key only lends its name to data that is computed (Wine's KEY_PREDEF); it can't be used as a key.
    pub const PREDEFINED: u16 = 4;
}

/// Why bytes are not a hive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// Shorter than its header says.
    Truncated,
    /// Another kind of file.
    Magic,
    /// Another version of the layout.
    Version,
    /// The checksum does not agree.
    Checksum,
    /// A key or value points outside, or out of order.
    Structure,
}

impl core::fmt::Display for Damage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Damage::Truncated => "the registry file is cut off",
            Damage::Magic => "the file is not a registry file",
            Damage::Version => "the registry file has another version",
            Damage::Checksum => "the registry file is damaged: its checksum does not agree",
            Damage::Structure => "the registry file is damaged: its structure does not hold",
        })
    }
}

impl core::error::Error for Damage {}

/// A name or text in the hive: UTF-16, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// The text that these bytes are.
    pub fn of(bytes: &'a [u8]) -> Text<'a> {
        Text(bytes)
    }

    /// Its UTF-16 units.
    pub fn units(self) -> impl Iterator<Item = u16> + Clone + 'a {
        self.0.as_chunks::<2>().0.iter().map(|&pair| u16::from_le_bytes(pair))
    }

    /// Its bytes.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// A copy of its units.
    pub fn to_vec(self) -> Vec<u16> {
        self.units().collect()
    }
}

/// A key, taken from the bytes.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// Its class.
    pub class: Text<'a>,
    /// Bits of [`flags`].
    pub flags: u16,
    /// When it was last written, in units of 100 ns since 1601.
    pub written: u64,
    /// Its subkeys, by number.
    pub subkeys: Run,
    /// Its values, by number.
    pub values: Run,
    /// The number of the key it lies in; the root names itself.
    pub parent: u32,
}

/// A run of consecutive numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    first: u32,
    count: u32,
}

impl Run {
    /// How many there are.
    pub fn len(self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    /// The number at `index`.
    pub fn get(self, index: usize) -> Option<u32> {
        let index = u32::try_from(index).ok().filter(|&index| index < self.count)?;
        self.first.checked_add(index)
    }

    /// All numbers.
    pub fn iter(self) -> impl Iterator<Item = u32> {
        self.first..self.first.saturating_add(self.count)
    }
}

/// A value, taken from the bytes.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    /// Its name; the default value's is empty.
    pub name: Text<'a>,
    /// Its type: REG_SZ and so on.
    pub kind: u32,
    /// Its data.
    pub data: &'a [u8],
}

/// A hive over bytes that somebody else keeps; by default over none, with no key at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hive<'a> {
    keys: &'a [u8],
    values: &'a [u8],
    pool: &'a [u8],
    made: u64,
    whole: &'a [u8],
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|raw| u32::from_le_bytes(*raw))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|raw| u16::from_le_bytes(*raw))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|raw| u64::from_le_bytes(*raw))
}

/// `count` items of `size` bytes at `offset`.
fn table(bytes: &[u8], offset: u32, count: u32, size: usize) -> Option<&[u8]> {
    let start = offset as usize;
    let end = (count as usize).checked_mul(size)?.checked_add(start)?;
    bytes.get(start..end)
}

impl<'a> Hive<'a> {
    /// Takes bytes as a hive: checks the header and that the tables lie inside, and nothing else, since it runs at every start.
    ///
    /// # Errors
    /// Anything but [`Damage::Checksum`].
    pub fn open(bytes: &'a [u8]) -> Result<Hive<'a>, Damage> {
        if bytes.len() < HEADER {
            return Err(Damage::Truncated);
        }
        if !bytes.starts_with(&MAGIC) {
            return Err(Damage::Magic);
        }
        let at = |offset| word(bytes, offset).ok_or(Damage::Truncated);
        if at(8)? != VERSION {
            return Err(Damage::Version);
        }
        let length = long(bytes, 16).and_then(|length| usize::try_from(length).ok()).ok_or(Damage::Truncated)?;
        let bytes = bytes.get(..length).ok_or(Damage::Truncated)?;
        let hive = Hive {
            keys: table(bytes, at(32)?, at(36)?, KEY).ok_or(Damage::Structure)?,
            values: table(bytes, at(40)?, at(44)?, VALUE).ok_or(Damage::Structure)?,
            pool: table(bytes, at(48)?, at(52)?, 1).ok_or(Damage::Structure)?,
            made: long(bytes, 56).ok_or(Damage::Truncated)?,
            whole: bytes,
        };
        hive.key(0).map(|_| hive).ok_or(Damage::Structure)
    }

    /// When it was made, in units of 100 ns since 1601.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// How many keys it has.
    pub fn key_count(&self) -> usize {
        self.keys.len() / KEY
    }

    /// How many values it has.
    pub fn value_count(&self) -> usize {
        self.values.len() / VALUE
    }

    fn text(&self, offset: u32, length: usize) -> Option<Text<'a>> {
        let start = offset as usize;
        self.pool.get(start..start.checked_add(length)?).map(Text)
    }

    /// The key with this number, `None` if there is none or its bytes make no sense.
    pub fn key(&self, number: u32) -> Option<Key<'a>> {
        let at = (number as usize).checked_mul(KEY)?;
        let raw = self.keys.get(at..at.checked_add(KEY)?)?;
        let subkeys = Run { first: word(raw, 24)?, count: word(raw, 28)? };
        let parent = word(raw, 40)?;
        // What keeps walks finite on any bytes: down always raises the number, up always lowers it.
        if !subkeys.is_empty() && subkeys.first <= number || number != 0 && parent >= number {
            return None;
        }
        Some(Key {
            name: self.text(word(raw, 0)?, usize::from(half(raw, 4)?))?,
            flags: half(raw, 6)?,
            class: self.text(word(raw, 8)?, word(raw, 12)? as usize)?,
            written: long(raw, 16)?,
            subkeys,
            values: Run { first: word(raw, 32)?, count: word(raw, 36)? },
            parent,
        })
    }

    /// The value with this number, `None` if there is none or its bytes make no sense.
    pub fn value(&self, number: u32) -> Option<Value<'a>> {
        let at = (number as usize).checked_mul(VALUE)?;
        let raw = self.values.get(at..at.checked_add(VALUE)?)?;
        Some(Value {
            name: self.text(word(raw, 0)?, usize::from(half(raw, 4)?))?,
            kind: word(raw, 8)?,
            data: self.text(word(raw, 12)?, word(raw, 16)? as usize)?.bytes(),
        })
    }

    /// The subkey of `key` with this name.
    pub fn find_key(&self, key: &Key<'a>, name: &[u16]) -> Option<u32> {
        search(key.subkeys, name, |number| self.key(number).map(|key| key.name))
    }

    /// The value of `key` with this name.
    pub fn find_value(&self, key: &Key<'a>, name: &[u16]) -> Option<u32> {
        search(key.values, name, |number| self.value(number).map(|value| value.name))
    }

    /// The key that `path` leads to from the root, by names with '\' between them; links are not followed.
    pub fn find_path(&self, path: &str) -> Option<u32> {
        let mut number = 0;
        for name in path.split('\\').filter(|name| !name.is_empty()) {
            let name: Vec<u16> = name.encode_utf16().collect();
            number = self.find_key(&self.key(number)?, &name)?;
        }
        Some(number)
    }
}

/// Binary search in a run of names that are sorted.
fn search<'a>(run: Run, name: &[u16], text: impl Fn(u32) -> Option<Text<'a>>) -> Option<u32> {
    let (mut low, mut high) = (0, run.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let number = run.get(middle)?;
        match fold::compare(text(number)?.units(), name.iter().copied()) {
            Ordering::Equal => return Some(number),
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
        }
    }
    None
}
