//! The log of a layer that is kept: what its sandboxes changed of the registry. `ntum` writes and reads it, and so does who compares and
//! seals layers; the monitor only opens the file.
//!
//! ```text
//! log   = *frame
//! frame = "PCR1" length checksum payload     ; length and CRC-32 (IEEE) of the payload as 32-bit little-endian numbers
//! payload = list of Record                   ; as crate::wire has it: changes that were made together
//! ```
//! A frame that is not whole, because its writer was killed or the host was, is passed over: the next one begins where
//! another "PCR1" with the right checksum stands. Keys are named by their paths below `\REGISTRY`, so that a log fits
//! every base image.

use crate::error::{Error, Result};
use crate::fold::fold_char;
use crate::wire::{Wire, decode, encode};
use crate::wire_structs;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// What a frame begins with.
const MAGIC: [u8; 4] = *b"PCR1";
/// Bytes before the payload.
const HEADER: usize = 12;
const BACKSLASH: u16 = b'\\' as u16;

wire_structs! {
    /// A key that there is, and what is known of it.
    pub struct Key {
        /// Its path below `\REGISTRY`.
        pub path: Vec<u16>,
        /// Whether it was made: there was none before.
        pub made: bool,
        /// Its class, if that was set.
        pub class: Option<Vec<u16>>,
        /// Its flags, if those were set.
        pub flags: Option<u16>,
        /// Its security descriptor, if that was set.
        pub security: Option<Vec<u8>>,
        /// A word that is kept for whoever asks, by its number: see `cm::tree::Op::Keep`.
        pub kept: Option<(u8, u32)>,
        /// Its last write, in 100 ns since 1601.
        pub written: u64,
    }

    /// A value that was set.
    pub struct Value {
        /// The path of its key.
        pub path: Vec<u16>,
        /// Its name.
        pub name: Vec<u16>,
        /// Its type.
        pub kind: u32,
        /// Its data.
        pub data: Vec<u8>,
        /// When.
        pub written: u64,
    }
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A key was made or changed.
    Key(Key),
    /// A key was deleted with all that lies in it: its path, and when.
    Delete(Vec<u16>, u64),
    /// A value was set.
    Value(Value),
    /// A value was deleted: path of the key, name, and when.
    NoValue(Vec<u16>, Vec<u16>, u64),
}

impl Wire for Record {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Record::Key(key) => (0u8, key.clone()).put(out),
            Record::Delete(path, when) => (1u8, (path.clone(), *when)).put(out),
            Record::Value(value) => (2u8, value.clone()).put(out),
            Record::NoValue(path, name, when) => (3u8, (path.clone(), (name.clone(), *when))).put(out),
        }
    }

    fn take(from: &mut &[u8]) -> Result<Self> {
        Ok(match u8::take(from)? {
            0 => Record::Key(Key::take(from)?),
            1 => {
                let (path, when) = Wire::take(from)?;
                Record::Delete(path, when)
            }
            2 => Record::Value(Value::take(from)?),
            3 => {
                let (path, (name, when)) = Wire::take(from)?;
                Record::NoValue(path, name, when)
            }
            _ => return Err(Error::Malformed),
        })
    }
}

/// CRC-32 as IEEE 802.3 has it.
fn checksum(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut index = 0;
        while index < 256 {
            let mut value = index as u32;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 != 0 { value >> 1 ^ 0xedb8_8320 } else { value >> 1 };
                bit += 1;
            }
            table[index] = value;
            index += 1;
        }
        table
    };
    !bytes.iter().fold(!0u32, |sum, byte| TABLE[usize::from(sum as u8 ^ *byte)] ^ sum >> 8)
}

/// A frame of changes that were made together.
pub fn frame(records: &Vec<Record>) -> Vec<u8> {
    let payload = encode(records);
    let mut frame = Vec::with_capacity(HEADER + payload.len());
    frame.extend(MAGIC);
    frame.extend((payload.len() as u32).to_le_bytes());
    frame.extend(checksum(&payload).to_le_bytes());
    frame.extend(payload);
    frame
}

/// The records of a frame at the beginning of these bytes, and its length.
fn whole(bytes: &[u8]) -> Option<(Vec<Record>, usize)> {
    let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
    let [m0, m1, m2, m3, l0, l1, l2, l3, c0, c1, c2, c3] = *header;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    let payload = rest.get(..length).filter(|_| [m0, m1, m2, m3] == MAGIC)?;
    let good = checksum(payload) == u32::from_le_bytes([c0, c1, c2, c3]);
    Some((decode(payload).ok().filter(|_| good)?, HEADER + length))
}

/// Every record of a log, in order; frames that are not whole are passed over.
pub fn read(mut log: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    while !log.is_empty() {
        match whole(log) {
            Some((mut frame, length)) => {
                records.append(&mut frame);
                log = log.get(length..).unwrap_or_default();
            }
            None => {
                let next = log.windows(MAGIC.len()).skip(1).position(|bytes| bytes == MAGIC);
                log = next.and_then(|at| log.get(at + 1..)).unwrap_or_default();
            }
        }
    }
    records
}

/// What a name is found by.
pub fn folded(name: &[u16]) -> Vec<u16> {
    let fold = |unit: &u16| char::from_u32((*unit).into()).map_or(*unit, |c| fold_char(c) as u16);
    name.iter().map(fold).collect()
}

/// The names on a path.
pub fn names(path: &[u16]) -> impl Iterator<Item = &[u16]> {
    path.split(|unit| *unit == BACKSLASH).filter(|name| !name.is_empty())
}

/// What was changed of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// The value's name.
    pub name: Vec<u16>,
    /// Its type and data; `None`: it was deleted.
    pub to: Option<(u32, Vec<u8>)>,
    /// When.
    pub written: u64,
}

/// What was changed of a key and of all below it: a log without what was changed again later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    /// The key's name.
    pub name: Vec<u16>,
    /// Whether it was deleted, perhaps to be made anew: nothing that lies below this log is seen of it.
    pub gone: bool,
    /// Whether it is there, of those that were deleted.
    pub anew: bool,
    /// What is known of the key itself, if anything was changed; its path is empty.
    pub key: Option<Key>,
    /// Values, by their folded names.
    pub values: BTreeMap<Vec<u16>, Set>,
    /// Keys, by their folded names.
    pub keys: BTreeMap<Vec<u16>, Delta>,
}

impl Delta {
    /// What a log's records come to.
    pub fn of(records: impl IntoIterator<Item = Record>) -> Self {
        let mut delta = Delta::default();
        records.into_iter().for_each(|record| delta.apply(record));
        delta
    }

    /// Whether the key is deleted.
    pub fn is_deleted(&self) -> bool {
        self.gone && !self.anew
    }

    fn at(&mut self, path: &[u16]) -> &mut Delta {
        let mut at = self;
        for name in names(path) {
            // What lies in it is there again.
            at.anew = at.gone;
            at = at.keys.entry(folded(name)).or_insert_with(|| Delta { name: name.to_owned(), ..Delta::default() });
        }
        at
    }

    fn known(&mut self, when: u64) -> &mut Key {
        self.anew = self.gone;
        let nothing =
            Key { path: Vec::new(), made: false, class: None, flags: None, security: None, kept: None, written: when };
        let key = self.key.get_or_insert(nothing);
        key.written = key.written.max(when);
        key.made |= self.gone;
        key
    }

    /// Makes a further change.
    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Key(new) => {
                let at = self.at(&new.path);
                if let Some(name) = names(&new.path).last().filter(|_| new.made) {
                    at.name = name.to_owned();
                }
                let key = at.known(new.written);
                key.made |= new.made;
                key.class = new.class.or(key.class.take());
                key.flags = new.flags.or(key.flags);
                key.security = new.security.or(key.security.take());
                key.kept = new.kept.or(key.kept);
            }
            Record::Delete(path, when) => {
                let (above, name) = match path.iter().rposition(|unit| *unit == BACKSLASH) {
                    Some(at) => (path.get(..at).unwrap_or_default(), path.get(at + 1..).unwrap_or_default()),
                    None => (&[][..], &path[..]),
                };
                let above = self.at(above);
                above.known(when);
                let below = above.keys.remove(&folded(name));
                // What was only made here leaves no trace.
                if below.is_none_or(|key| key.gone || !key.key.is_some_and(|key| key.made)) {
                    above.keys.insert(folded(name), Delta { name: name.to_owned(), gone: true, ..Delta::default() });
                }
            }
            Record::Value(value) => {
                let at = self.at(&value.path);
                at.known(value.written);
                let set = Set { to: Some((value.kind, value.data)), written: value.written, name: value.name };
                at.values.insert(folded(&set.name), set);
            }
            Record::NoValue(path, name, when) => {
                let at = self.at(&path);
                at.known(when);
                at.values.insert(folded(&name), Set { name, to: None, written: when });
            }
        }
    }

    /// The shortest log that comes to the same.
    pub fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        self.put_down(&[], &mut records);
        records
    }

    fn put_down(&self, path: &[u16], records: &mut Vec<Record>) {
        let written = self.key.as_ref().map_or(0, |key| key.written);
        if self.gone {
            records.push(Record::Delete(path.to_owned(), written));
        }
        if self.is_deleted() {
            return;
        }
        if let Some(key) = &self.key {
            records.push(Record::Key(Key { path: path.to_owned(), ..key.clone() }));
        }
        for Set { name, to, written } in self.values.values().cloned() {
            let path = path.to_owned();
            records.push(match to {
                Some((kind, data)) => Record::Value(Value { path, name, kind, data, written }),
                None => Record::NoValue(path, name, written),
            });
        }
        for key in self.keys.values() {
            let mut below = path.to_owned();
            if !below.is_empty() {
                below.push(BACKSLASH);
            }
            below.extend(&key.name);
            key.put_down(&below, records);
        }
        if let Some(Key { made, written, .. }) =
            self.key.as_ref().filter(|_| !self.values.is_empty() || !self.keys.is_empty())
        {
            // What was made in it gave it another time.
            let (path, class, flags, security, kept) = (path.to_owned(), None, None, None, None);
            records.push(Record::Key(Key { path, made: *made, class, flags, security, kept, written: *written }));
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use alloc::vec;

    fn wide(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    fn made(path: &str) -> Record {
        let path = wide(path);
        Record::Key(Key { path, made: true, class: None, flags: None, security: None, kept: None, written: 1 })
    }

    fn set(path: &str, name: &str, data: u8) -> Record {
        Record::Value(Value { path: wide(path), name: wide(name), kind: 4, data: vec![data], written: 2 })
    }

    #[test]
    fn what_is_torn_is_passed_over() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
        let (one, two) = (vec![made("A")], vec![set("A", "v", 1), made("A\\B")]);
        let (first, second) = (frame(&one), frame(&two));
        let all = [one.clone(), two.clone()].concat();
        assert_eq!(read(&[first.clone(), second.clone()].concat()), all);
        for cut in 0..second.len() {
            let torn = [&first[..], &second[..cut]].concat();
            assert_eq!(read(&torn), one, "{cut}");
            // Somebody else of the sandbox went on behind it.
            let on = [&second[..cut], &first[..], &second[..]].concat();
            assert_eq!(read(&on), all, "{cut}");
        }
        for at in 0..second.len() {
            let mut spoilt = second.clone();
            spoilt[at] ^= 1;
            assert_eq!(read(&[spoilt, first.clone()].concat()), one, "{at}");
        }
    }

    #[test]
    fn what_was_changed_again_is_forgotten() {
        let steps = [
            made("Machine\\Soft\\New"),
            set("Machine\\Soft\\New", "v", 1),
            set("machine\\soft\\new", "V", 2),
            Record::Delete(wide("Machine\\Soft\\Old"), 3),
            set("Machine\\Soft\\Old", "back", 4),
            made("Machine\\Soft\\Short"),
            set("Machine\\Soft\\Short\\x", "back", 4),
            Record::Delete(wide("Machine\\Soft\\SHORT"), 5),
            Record::NoValue(wide("Machine\\Soft"), wide("there"), 6),
            Record::Delete(wide("Machine\\Soft\\Gone"), 7),
        ];
        let delta = Delta::of(steps);
        let records = delta.records();
        assert_eq!(Delta::of(records.clone()), delta);
        let text = std::format!("{records:?}");
        let short = std::format!("{:?}", wide("Short"));
        assert!(!text.contains(short.trim_matches(['[', ']'])), "{text}");
        assert_eq!(records.iter().filter(|record| matches!(record, Record::Value(_))).count(), 2);
        let soft = &delta.keys[&folded(&wide("MACHINE"))].keys[&folded(&wide("soft"))];
        assert_eq!(soft.values[&folded(&wide("THERE"))].to, None);
        assert!(soft.keys[&folded(&wide("gone"))].is_deleted());
        let old = &soft.keys[&folded(&wide("old"))];
        assert!(old.gone && old.anew && old.values.len() == 1);
    }
}
