//! Makes the bytes of a hive.

use super::{HEADER, KEY, MAGIC, VALUE, VERSION, check, flags};
use crate::cm::fold;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// What is too large for a hive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

impl core::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("a registry file holds at most 4 GB, and names of 32766 bytes")
    }
}

impl core::error::Error for TooLarge {}

/// A value to be written.
#[derive(Debug, Clone, Default)]
struct Value {
    name: Box<[u16]>,
    kind: u32,
    data: Vec<u8>,
}

/// A tree of keys that becomes a hive.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    name: Box<[u16]>,
    class: Box<[u16]>,
    flags: u16,
    written: u64,
    subkeys: BTreeMap<Box<[u16]>, Builder>,
    values: BTreeMap<Box<[u16]>, Value>,
}

impl Builder {
    /// A root with nothing in it.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// The subkey of this name, made if need be.
    pub fn key(&mut self, name: &[u16]) -> &mut Builder {
        let written = self.written;
        self.subkeys.entry(fold::folded(name)).or_insert_with(|| Builder {
            name: name.into(),
            written,
            ..Builder::default()
        })
    }

    /// The key that `path` leads to, by names with '\' between them, made if need be; links are not followed.
    pub fn path(&mut self, path: &str) -> &mut Builder {
        path.split('\\').filter(|name| !name.is_empty()).fold(self, |key, name| {
            let name: Vec<u16> = name.encode_utf16().collect();
            key.key(&name)
        })
    }

    /// The subkey of this name, if there is one.
    pub fn find(&self, name: &[u16]) -> Option<&Builder> {
        self.subkeys.get(&fold::folded(name))
    }

    /// Removes the subkey of this name with all that lies in it.
    pub fn remove_key(&mut self, name: &[u16]) -> bool {
        self.subkeys.remove(&fold::folded(name)).is_some()
    }

    /// Sets a value.
    pub fn set(&mut self, name: &[u16], kind: u32, data: Vec<u8>) {
        self.values
            .entry(fold::folded(name))
            .and_modify(|value| (value.kind, value.data) = (kind, data.clone()))
            .or_insert_with(|| Value { name: name.into(), kind, data });
    }

    /// The value of this name: type and data.
    pub fn value(&self, name: &[u16]) -> Option<(u32, &[u8])> {
        self.values.get(&fold::folded(name)).map(|value| (value.kind, value.data.as_slice()))
    }

    /// Removes a value.
    pub fn remove_value(&mut self, name: &[u16]) -> bool {
        self.values.remove(&fold::folded(name)).is_some()
    }

    /// Gives the key a class.
    pub fn set_class(&mut self, class: &[u16]) {
        self.class = class.into();
    }

    /// Sets bits of [`flags`].
    pub fn set_flags(&mut self, bits: u16) {
        self.flags |= bits;
    }

    /// Whether the key is a symbolic link.
    pub fn is_link(&self) -> bool {
        self.flags & flags::LINK != 0
    }

    /// Sets when the key was last written; subkeys made later begin with the same time.
    pub fn set_written(&mut self, written: u64) {
        self.written = written;
    }

    /// The hive's bytes.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn bytes(&self) -> Result<Vec<u8>, TooLarge> {
        let mut keys: Vec<u8> = Vec::new();
        let mut values: Vec<u8> = Vec::new();
        let mut pool = Pool::default();
        let (mut next_key, mut next_value) = (1usize, 0usize);
        let mut queue = VecDeque::from([(self, 0usize)]);
        let mut number = 0usize;
        while let Some((key, parent)) = queue.pop_front() {
            let name = pool.text(&key.name)?;
            put32(&mut keys, name)?;
            put16(&mut keys, key.name.len() * 2)?;
            keys.extend(key.flags.to_le_bytes());
            let class = pool.text(&key.class)?;
            put32(&mut keys, class)?;
            put32(&mut keys, key.class.len() * 2)?;
            keys.extend(key.written.to_le_bytes());
            put32(&mut keys, next_key)?;
            put32(&mut keys, key.subkeys.len())?;
            put32(&mut keys, next_value)?;
            put32(&mut keys, key.values.len())?;
            put32(&mut keys, parent)?;
            put32(&mut keys, 0)?;
            for value in key.values.values() {
                let name = pool.text(&value.name)?;
                put32(&mut values, name)?;
                put16(&mut values, value.name.len() * 2)?;
                put16(&mut values, 0)?;
                values.extend(value.kind.to_le_bytes());
                let data = pool.bytes(&value.data)?;
                put32(&mut values, data)?;
                put32(&mut values, value.data.len())?;
            }
            queue.extend(key.subkeys.values().map(|subkey| (subkey, number)));
            next_key += key.subkeys.len();
            next_value += key.values.len();
            number += 1;
        }
        let mut out = Vec::with_capacity(HEADER + keys.len() + values.len() + pool.raw.len());
        out.extend(MAGIC);
        out.extend(VERSION.to_le_bytes());
        out.extend([0; 4]);
        let length = HEADER + keys.len() + values.len() + pool.raw.len();
        out.extend((length as u64).to_le_bytes());
        out.extend([0; 8]);
        for (offset, count) in [
            (HEADER, keys.len() / KEY),
            (HEADER + keys.len(), values.len() / VALUE),
            (HEADER + keys.len() + values.len(), pool.raw.len()),
        ] {
            put32(&mut out, offset)?;
            put32(&mut out, count)?;
        }
        out.extend(self.written.to_le_bytes());
        out.extend(keys);
        out.extend(values);
        out.extend(pool.raw);
        let sum = check::checksum(&out).to_le_bytes();
        if let Some(field) = out.get_mut(24..32) {
            field.copy_from_slice(&sum);
        }
        Ok(out)
    }
}

fn put32(out: &mut Vec<u8>, number: usize) -> Result<(), TooLarge> {
    out.extend(u32::try_from(number).map_err(|_| TooLarge)?.to_le_bytes());
    Ok(())
}

fn put16(out: &mut Vec<u8>, number: usize) -> Result<(), TooLarge> {
    out.extend(u16::try_from(number).map_err(|_| TooLarge)?.to_le_bytes());
    Ok(())
}

/// Names and data, each different one once.
#[derive(Default)]
struct Pool {
    raw: Vec<u8>,
    known: HashMap<Vec<u8>, usize>,
}

impl Pool {
    fn text(&mut self, text: &[u16]) -> Result<usize, TooLarge> {
        let raw: Vec<u8> = text.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        self.bytes(&raw)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<usize, TooLarge> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if let Some(&offset) = self.known.get(bytes) {
            return Ok(offset);
        }
        // Names are read as units of two bytes, so everything begins at an even offset.
        self.raw.resize(self.raw.len().next_multiple_of(2), 0);
        let offset = self.raw.len();
        self.raw.extend(bytes);
        self.known.insert(bytes.to_vec(), offset);
        Ok(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Damage, Hive};
    use super::*;

    fn utf16(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    fn sample() -> Vec<u8> {
        let mut root = Builder::new();
        root.set_written(77);
        let software = root.path("Machine\\Software");
        software.set(&utf16("Zeta"), 1, vec![1, 2, 3]);
        software.set(&[], 4, vec![9; 4]);
        software.set(&utf16("alpha"), 3, vec![]);
        software.set_class(&utf16("shell"));
        root.path("machine\\SOFTWARE\\Wine").set_flags(flags::LINK);
        root.path("User\\.Default");
        root.bytes().unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let raw = sample();
        let hive = Hive::open(&raw).unwrap();
        assert_eq!(hive.verify(), Ok(()));
        assert_eq!((hive.key_count(), hive.value_count(), hive.made()), (6, 3, 77));
        let software = hive.key(hive.find_path("MACHINE\\software").unwrap()).unwrap();
        assert_eq!(software.name.to_vec(), utf16("Software"));
        assert_eq!(software.class.to_vec(), utf16("shell"));
        assert_eq!(software.written, 77);
        let zeta = hive.value(hive.find_value(&software, &utf16("zETA")).unwrap()).unwrap();
        assert_eq!((zeta.kind, zeta.data, zeta.name.to_vec()), (1, &[1, 2, 3][..], utf16("Zeta")));
        let unnamed = hive.value(hive.find_value(&software, &[]).unwrap()).unwrap();
        assert_eq!((unnamed.kind, unnamed.data), (4, &[9; 4][..]));
        assert!(hive.find_value(&software, &utf16("zet")).is_none());
        let wine = hive.key(hive.find_path("Machine\\Software\\WINE").unwrap()).unwrap();
        assert_eq!(wine.flags, flags::LINK);
        assert!(hive.find_path("Machine\\Nothing").is_none());
    }

    #[test]
    fn every_changed_byte_is_noticed_and_none_panics() {
        let raw = sample();
        for at in 0..raw.len() {
            for bits in [0xff, 0x01, 0x80] {
                let mut bad = raw.clone();
                bad[at] ^= bits;
                let Ok(hive) = Hive::open(&bad) else { continue };
                assert!(hive.verify().is_err() || (12..16).contains(&at), "byte {at} changed unseen");
                for number in 0..16 {
                    if let Some(key) = hive.key(number) {
                        let _ = hive.find_key(&key, &utf16("wine"));
                        let _ = hive.find_value(&key, &utf16("zeta"));
                        let _ = key.subkeys.iter().take(64).filter_map(|number| hive.key(number)).count();
                    }
                    let _ = hive.value(number);
                }
                let _ = hive.find_path("Machine\\Software\\Wine");
            }
        }
    }

    #[test]
    fn every_shortening_is_noticed() {
        let raw = sample();
        for end in 0..raw.len() {
            assert_eq!(Hive::open(&raw[..end]).err(), Some(Damage::Truncated), "cut at {end}");
        }
    }

    #[test]
    fn names_beyond_the_layout_are_refused() {
        let mut root = Builder::new();
        root.key(&vec![65; 40000]);
        assert_eq!(root.bytes().err(), Some(TooLarge));
    }
}
