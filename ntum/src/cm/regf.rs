//! Registry files as Windows keeps them (`regf`, version 1.3): what NtSaveKey writes and NtLoadKey and NtRestoreKey read.
//!
//! All numbers are little-endian. A header of 4096 bytes is followed by bins, these hold cells: a size (negative while the
//! cell is in use), then a key (`nk`), a value (`vk`), a list of keys (`lf`, `lh`, `li`, `ri`), a descriptor (`sk`), or
//! plain data. Offsets count from the first bin. What is read is untrusted: damage is an error, never a loop.

use super::fold::compare;
use super::hive::Damage;

const BASE: usize = 4096;
const BIN_HEADER: usize = 32;
const NONE: u32 = u32::MAX;
/// Flags of a key.
mod key {
    /// The root of its hive.
    pub const ROOT: u16 = 0x4;
    /// It cannot be deleted.
    pub const NO_DELETE: u16 = 0x8;
    /// A symbolic link.
    pub const LINK: u16 = 0x10;
    /// Its name has one byte for each character.
    pub const COMPRESSED: u16 = 0x20;
    /// Bytes before its name.
    pub const SIZE: usize = 76;
}
/// A value's name has one byte for each character.
const COMPRESSED_VALUE: u16 = 1;
/// Bytes of a value before its name.
const VALUE_SIZE: usize = 20;
/// In a value's size: the data stands where its offset would.
const RESIDENT: u32 = 0x8000_0000;
/// Most data in one cell; more is split (`db`), from version 1.4 on.
const SEGMENT: usize = 16344;
/// Deepest nesting that is read.
const MAX_DEPTH: usize = 512;
/// Most subkeys in one list that is written.
const MAX_LIST: usize = 500;

/// A value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BranchValue {
    /// Its name; the default value's is empty.
    pub name: Vec<u16>,
    /// Its type.
    pub kind: u32,
    /// Its data.
    pub data: Vec<u8>,
}

/// A key with all that lies in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Branch {
    /// Its name.
    pub name: Vec<u16>,
    /// Its class.
    pub class: Vec<u16>,
    /// Last write, 100 ns since 1601.
    pub written: u64,
    /// Whether it is a symbolic link.
    pub link: bool,
    /// Its own security descriptor, self-relative, if it has one.
    pub security: Option<Vec<u8>>,
    /// Its values, by name.
    pub values: Vec<BranchValue>,
    /// Its subkeys, by name.
    pub subkeys: Vec<Branch>,
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|raw| u16::from_le_bytes(*raw))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|raw| u32::from_le_bytes(*raw))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|raw| u64::from_le_bytes(*raw))
}

/// The XOR of the header's words before the sum itself; 0 and all ones are avoided.
fn checksum(header: &[u8]) -> u32 {
    let words = header.as_chunks::<4>().0.iter().take(127);
    match words.fold(0, |sum, raw| sum ^ u32::from_le_bytes(*raw)) {
        0 => 1,
        u32::MAX => u32::MAX - 1,
        sum => sum,
    }
}

fn utf16(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|&pair| u16::from_le_bytes(pair)).collect()
}

fn name(raw: &[u8], compressed: bool) -> Vec<u16> {
    if compressed { raw.iter().map(|&byte| u16::from(byte)).collect() } else { utf16(raw) }
}

struct Reader<'a> {
    /// The bins.
    bins: &'a [u8],
    /// Keys that may still be read: a damaged file may name one many times.
    left: usize,
}

impl<'a> Reader<'a> {
    /// The contents of a cell in use.
    fn cell(&self, offset: u32) -> Option<&'a [u8]> {
        let at = offset as usize;
        let size = word(self.bins, at)?.cast_signed().checked_neg()?;
        let size = usize::try_from(size).ok().filter(|size| *size >= 8)?;
        self.bins.get(at + 4..at.checked_add(size)?)
    }

    /// Offsets of the keys in a list, and in the lists that it may consist of.
    fn list(&self, offset: u32, depth: usize, into: &mut Vec<u32>) -> Option<()> {
        let cell = self.cell(offset)?;
        let count = usize::from(half(cell, 2)?);
        let step = match cell.get(..2)? {
            b"lf" | b"lh" => 8,
            b"li" | b"ri" => 4,
            _ => return None,
        };
        for index in 0..count {
            let entry = word(cell, 4 + index * step)?;
            if !cell.starts_with(b"ri") {
                into.push(entry);
            } else if depth == 0 {
                self.list(entry, 1, into)?;
            } else {
                return None;
            }
            if into.len() > self.bins.len() / key::SIZE {
                return None;
            }
        }
        Some(())
    }

    fn data(&self, size: u32, cell: &[u8]) -> Option<Vec<u8>> {
        if size & RESIDENT != 0 {
            return cell.get(8..8 + (size & !RESIDENT) as usize).filter(|data| data.len() <= 4).map(<[u8]>::to_vec);
        }
        let size = size as usize;
        if size == 0 {
            return Some(Vec::new());
        }
        let data = self.cell(word(cell, 8)?)?;
        if size <= SEGMENT || !data.starts_with(b"db") {
            return data.get(..size).map(<[u8]>::to_vec);
        }
        let list = self.cell(word(data, 4)?)?;
        let mut whole = Vec::new();
        for index in 0..usize::from(half(data, 2)?) {
            let segment = self.cell(word(list, index * 4)?)?;
            let rest = size.saturating_sub(whole.len()).min(SEGMENT);
            whole.extend_from_slice(segment.get(..rest)?);
        }
        (whole.len() == size).then_some(whole)
    }

    fn value(&self, offset: u32) -> Option<BranchValue> {
        let cell = self.cell(offset)?;
        if !cell.starts_with(b"vk") {
            return None;
        }
        let length = usize::from(half(cell, 2)?);
        let raw = cell.get(VALUE_SIZE..VALUE_SIZE + length)?;
        let data = self.data(word(cell, 4)?, cell)?;
        Some(BranchValue { name: name(raw, half(cell, 16)? & COMPRESSED_VALUE != 0), kind: word(cell, 12)?, data })
    }

    /// A key without its subkeys, and where they are.
    fn key(&mut self, offset: u32) -> Option<(Branch, Vec<u32>)> {
        self.left = self.left.checked_sub(1)?;
        let cell = self.cell(offset).filter(|cell| cell.starts_with(b"nk"))?;
        let flags = half(cell, 2)?;
        let length = usize::from(half(cell, 72)?);
        let raw = cell.get(key::SIZE..key::SIZE + length)?;
        let class = match (word(cell, 48)?, usize::from(half(cell, 74)?)) {
            (NONE, _) | (_, 0) => Vec::new(),
            (at, length) => utf16(self.cell(at)?.get(..length)?),
        };
        let security = match word(cell, 44)? {
            NONE => None,
            at => {
                let cell = self.cell(at).filter(|cell| cell.starts_with(b"sk"))?;
                Some(cell.get(20..20 + word(cell, 16)? as usize)?.to_vec())
            }
        };
        let mut branch = Branch {
            name: name(raw, flags & key::COMPRESSED != 0),
            class,
            written: long(cell, 4)?,
            link: flags & key::LINK != 0,
            security,
            ..Branch::default()
        };
        let values = word(cell, 36)? as usize;
        if values != 0 {
            let list = self.cell(word(cell, 40)?)?;
            for index in 0..values {
                branch.values.push(self.value(word(list, index * 4)?)?);
            }
        }
        let mut keys = Vec::new();
        if word(cell, 20)? != 0 {
            self.list(word(cell, 28)?, 0, &mut keys)?;
        }
        // The last first.
        keys.reverse();
        Some((branch, keys))
    }

    /// A key with all that lies in it.
    fn whole(&mut self, offset: u32) -> Option<Branch> {
        let mut stack = vec![self.key(offset)?];
        loop {
            let (_, keys) = stack.last_mut()?;
            match keys.pop() {
                Some(_) if stack.len() >= MAX_DEPTH => return None,
                Some(next) => {
                    let next = self.key(next)?;
                    stack.push(next);
                }
                None => {
                    let (mut done, _) = stack.pop()?;
                    // What was written by others may be in another order.
                    done.subkeys.sort_by(|a, b| compare(a.name.iter().copied(), b.name.iter().copied()));
                    match stack.last_mut() {
                        Some((above, _)) => above.subkeys.push(done),
                        None => return Some(done),
                    }
                }
            }
        }
    }
}

/// Reads a registry file; the root's name is what the file calls it.
///
/// # Errors
/// [`Damage`].
pub fn read(bytes: &[u8]) -> Result<Branch, Damage> {
    if !bytes.starts_with(b"regf") {
        return Err(Damage::Magic);
    }
    let header = bytes.get(..BASE).ok_or(Damage::Truncated)?;
    let at = |offset| word(header, offset).ok_or(Damage::Truncated);
    if (at(20)?, at(24)? > 6) != (1, false) {
        return Err(Damage::Version);
    }
    if at(508)? != checksum(header) {
        return Err(Damage::Checksum);
    }
    let size = at(40)? as usize;
    let bins = bytes.get(BASE..BASE.saturating_add(size)).ok_or(Damage::Truncated)?;
    let mut reader = Reader { bins, left: bins.len() / key::SIZE };
    reader.whole(at(36)?).ok_or(Damage::Structure)
}

/// The hash of a name in an `lh` list: over the folded name, times 37 each.
fn hash(name: &[u16]) -> u32 {
    crate::cm::fold::folded(name).iter().fold(0, |hash: u32, unit| hash.wrapping_mul(37).wrapping_add(u32::from(*unit)))
}

#[derive(Default)]
struct Writer {
    bins: Vec<u8>,
    /// Descriptors, with their cells and how many keys have them.
    security: Vec<(Vec<u8>, u32, u32)>,
}

impl Writer {
    /// Adds a cell; its offset.
    fn cell(&mut self, contents: &[u8]) -> u32 {
        let at = self.bins.len() as u32;
        let size = (contents.len() + 4).next_multiple_of(8);
        self.bins.extend_from_slice(&(size as i32).wrapping_neg().to_le_bytes());
        self.bins.extend_from_slice(contents);
        self.bins.resize(at as usize + size, 0);
        at
    }

    fn put(&mut self, cell: u32, offset: usize, value: u32) {
        let at = cell as usize + 4 + offset;
        if let Some(slot) = self.bins.get_mut(at..at + 4) {
            slot.copy_from_slice(&value.to_le_bytes());
        }
    }

    fn security(&mut self, descriptor: &[u8]) -> u32 {
        if let Some((_, cell, users)) = self.security.iter_mut().find(|(held, ..)| held == descriptor) {
            *users += 1;
            return *cell;
        }
        let mut sk = b"sk".to_vec();
        sk.resize(16, 0);
        sk.extend((descriptor.len() as u32).to_le_bytes());
        sk.extend_from_slice(descriptor);
        let cell = self.cell(&sk);
        self.security.push((descriptor.to_vec(), cell, 1));
        cell
    }

    /// Bytes of a name, and whether each stands for a character.
    fn name(name: &[u16]) -> (Vec<u8>, bool) {
        match name.iter().map(|unit| u8::try_from(*unit).ok()).collect::<Option<Vec<u8>>>() {
            Some(bytes) => (bytes, true),
            None => (name.iter().flat_map(|unit| unit.to_le_bytes()).collect(), false),
        }
    }

    fn data(&mut self, data: &[u8]) -> (u32, [u8; 4]) {
        if data.len() <= 4 {
            let mut inside = [0; 4];
            inside[..data.len()].copy_from_slice(data);
            return (data.len() as u32 | RESIDENT, inside);
        }
        let cell = if data.len() <= SEGMENT {
            self.cell(data)
        } else {
            let segments: Vec<u32> = data.chunks(SEGMENT).map(|segment| self.cell(segment)).collect();
            let list: Vec<u8> = segments.iter().flat_map(|at| at.to_le_bytes()).collect();
            let list = self.cell(&list);
            let mut db = b"db".to_vec();
            db.extend((segments.len() as u16).to_le_bytes());
            db.extend(list.to_le_bytes());
            self.cell(&db)
        };
        (data.len() as u32, cell.to_le_bytes())
    }

    fn value(&mut self, value: &BranchValue) -> u32 {
        let (raw, compressed) = Self::name(&value.name);
        let (size, data) = self.data(&value.data);
        let mut vk = b"vk".to_vec();
        vk.extend((raw.len() as u16).to_le_bytes());
        vk.extend(size.to_le_bytes());
        vk.extend(data);
        vk.extend(value.kind.to_le_bytes());
        vk.extend((if compressed { COMPRESSED_VALUE } else { 0 }).to_le_bytes());
        vk.extend([0; 2]);
        vk.extend(raw);
        self.cell(&vk)
    }

    /// Writes a key without the list of its subkeys.
    fn key<'a>(&mut self, branch: &'a Branch, parent: u32, inherited: &'a [u8], root: bool) -> Begun<'a> {
        let (raw, compressed) = Self::name(&branch.name);
        let mut flags = if compressed { key::COMPRESSED } else { 0 };
        if root {
            flags |= key::ROOT | key::NO_DELETE;
        }
        if branch.link {
            flags |= key::LINK;
        }
        let mut nk = b"nk".to_vec();
        nk.extend(flags.to_le_bytes());
        nk.extend(branch.written.to_le_bytes());
        nk.extend([0; 4]);
        nk.extend(parent.to_le_bytes());
        nk.extend((branch.subkeys.len() as u32).to_le_bytes());
        nk.extend([0; 4]);
        for unset in [NONE, NONE] {
            nk.extend(unset.to_le_bytes());
        }
        nk.extend((branch.values.len() as u32).to_le_bytes());
        for unset in [NONE, NONE, NONE] {
            nk.extend(unset.to_le_bytes());
        }
        let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0) as u32;
        for most in [
            longest(&mut branch.subkeys.iter().map(|key| key.name.len() * 2)),
            longest(&mut branch.subkeys.iter().map(|key| key.class.len() * 2)),
            longest(&mut branch.values.iter().map(|value| value.name.len() * 2)),
            longest(&mut branch.values.iter().map(|value| value.data.len())),
            0,
        ] {
            nk.extend(most.to_le_bytes());
        }
        nk.extend((raw.len() as u16).to_le_bytes());
        nk.extend((branch.class.len() as u16 * 2).to_le_bytes());
        nk.extend(raw);
        let cell = self.cell(&nk);
        let descriptor = branch.security.as_deref().unwrap_or(inherited);
        if !descriptor.is_empty() {
            let at = self.security(descriptor);
            self.put(cell, 44, at);
        }
        if !branch.class.is_empty() {
            let class: Vec<u8> = branch.class.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let at = self.cell(&class);
            self.put(cell, 48, at);
        }
        if !branch.values.is_empty() {
            let values: Vec<u8> = branch.values.iter().flat_map(|value| self.value(value).to_le_bytes()).collect();
            let at = self.cell(&values);
            self.put(cell, 40, at);
        }
        Begun { branch, cell, descriptor, entries: Vec::new() }
    }

    /// Writes a key with all that lies in it; its cell.
    fn whole(&mut self, root: &Branch, inherited: &[u8]) -> u32 {
        let mut stack = vec![self.key(root, NONE, inherited, true)];
        loop {
            let Some(begun) = stack.last() else { return NONE };
            if let Some(next) = begun.branch.subkeys.get(begun.entries.len()) {
                let next = self.key(next, begun.cell, begun.descriptor, false);
                stack.push(next);
                continue;
            }
            let Some(done) = stack.pop() else { return NONE };
            if !done.entries.is_empty() {
                let list = self.list(&done.entries);
                self.put(done.cell, 28, list);
            }
            match stack.last_mut() {
                Some(above) => above.entries.push((done.cell, hash(&done.branch.name))),
                None => return done.cell,
            }
        }
    }

    fn list(&mut self, entries: &[(u32, u32)]) -> u32 {
        let mut lists = Vec::new();
        for part in entries.chunks(MAX_LIST) {
            let mut lh = b"lh".to_vec();
            lh.extend((part.len() as u16).to_le_bytes());
            for (cell, hash) in part {
                lh.extend(cell.to_le_bytes());
                lh.extend(hash.to_le_bytes());
            }
            lists.push(self.cell(&lh));
        }
        if let [one] = lists[..] {
            return one;
        }
        let mut ri = b"ri".to_vec();
        ri.extend((lists.len() as u16).to_le_bytes());
        ri.extend(lists.iter().flat_map(|at| at.to_le_bytes()));
        self.cell(&ri)
    }
}

/// A key that is written, but for the list of its subkeys.
struct Begun<'a> {
    branch: &'a Branch,
    cell: u32,
    /// The descriptor that its subkeys inherit.
    descriptor: &'a [u8],
    /// Cells of subkeys that are written, and the hashes of their names.
    entries: Vec<(u32, u32)>,
}

/// The file for a key with all that lies in it. `inherited` is the descriptor of keys that have none of their own.
pub fn write(root: &Branch, inherited: &[u8]) -> Vec<u8> {
    let mut writer = Writer { bins: vec![0; BIN_HEADER], ..Writer::default() };
    let key = writer.whole(root, inherited);
    // Descriptors form a ring.
    let ring: Vec<(u32, u32)> = writer.security.iter().map(|(_, cell, users)| (*cell, *users)).collect();
    for (index, (cell, users)) in ring.iter().enumerate() {
        let next = ring[(index + 1) % ring.len()].0;
        let before = ring[(index + ring.len() - 1) % ring.len()].0;
        for (offset, value) in [(4, next), (8, before), (12, *users)] {
            writer.put(*cell, offset, value);
        }
    }
    let mut bins = writer.bins;
    // What is left of the bin is one free cell.
    let used = bins.len();
    let size = used.next_multiple_of(BASE);
    bins.resize(size, 0);
    if size > used {
        bins[used..used + 4].copy_from_slice(&((size - used) as i32).to_le_bytes());
    }
    bins[..4].copy_from_slice(b"hbin");
    bins[8..12].copy_from_slice(&(size as u32).to_le_bytes());
    bins[20..28].copy_from_slice(&root.written.to_le_bytes());

    let mut file = b"regf".to_vec();
    for value in [1u32, 1] {
        file.extend(value.to_le_bytes());
    }
    file.extend(root.written.to_le_bytes());
    // Version 1.5, a primary file, loaded into memory as it is.
    for value in [1u32, 5, 0, 1, key, size as u32, 1] {
        file.extend(value.to_le_bytes());
    }
    file.resize(BASE, 0);
    let sum = checksum(&file);
    file[508..512].copy_from_slice(&sum.to_le_bytes());
    file.extend(bins);
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::wide;

    fn branch() -> Branch {
        let value = |name: &str, kind, data: &[u8]| BranchValue { name: wide(name), kind, data: data.to_vec() };
        let leaf = |name: &str| Branch { name: wide(name), written: 7, ..Branch::default() };
        let mut root = leaf("root");
        root.class = wide("kind");
        root.security = Some(vec![1, 2, 3, 4, 5]);
        root.values = vec![
            value("", 1, b"a\0b\0"),
            value("empty", 0, &[]),
            value("large", 3, &vec![9; 3 * SEGMENT + 5]),
            value("text", 1, b"a longer text"),
            value("\u{17d}", 4, &[1, 0, 0, 0]),
        ];
        root.subkeys = (0..MAX_LIST + 3).map(|number| leaf(&format!("k{number:04}"))).collect();
        root.subkeys[2].subkeys = vec![Branch { link: true, ..leaf("\u{416}") }];
        root
    }

    fn with_security(mut branch: Branch, descriptor: &[u8]) -> Branch {
        let own = branch.security.get_or_insert_with(|| descriptor.to_vec()).clone();
        branch.subkeys = branch.subkeys.into_iter().map(|key| with_security(key, &own)).collect();
        branch
    }

    #[test]
    fn what_is_written_is_read() {
        let whole = branch();
        let file = write(&whole, &[]);
        assert_eq!(file.len() % BASE, 0);
        assert_eq!(read(&file), Ok(with_security(whole, &[])));
        let plain = Branch { name: wide("x"), ..Branch::default() };
        assert_eq!(read(&write(&plain, &[])), Ok(plain));
    }

    #[test]
    fn damage_is_refused_and_never_loops() {
        let mut small = branch();
        small.subkeys.truncate(4);
        small.values.truncate(2);
        let file = write(&small, &[8; 20]);
        assert!(read(&file[..BASE - 1]).is_err() && read(&file[..file.len() - 1]).is_err());
        for at in 0..BASE.min(512) {
            let mut wrong = file.clone();
            wrong[at] ^= 0x41;
            assert!(read(&wrong).is_err(), "header byte {at}");
        }
        // Anything at all in the bins: an error or a branch, but an end.
        for at in BASE..file.len() {
            for bits in [0xff, 0x80, 0x01] {
                let mut wrong = file.clone();
                wrong[at] ^= bits;
                let _ = read(&wrong);
            }
        }
    }
}
