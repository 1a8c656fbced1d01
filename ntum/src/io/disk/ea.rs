//! Extended attributes of files and folders: kept for all processes of the sandbox as long as it lives, as security descriptors
//! are (`shm::secured`). Layouts: FILE_FULL_EA_INFORMATION and FILE_GET_EA_INFORMATION of MS-FSCC 2.4.15.

use crate::kernel::Kernel;
use crate::shm::secured::Kept;
use crate::status::*;
use shim_abi::stream::Identity;

/// FILE_NEED_EA.
const NEED: u8 = 0x80;
/// Bytes before the name of an entry: the next one's offset, flags, lengths of name and value.
const HEADER: usize = 8;
/// Most bytes that a file's attributes take, as [`packed`] counts.
const MOST: usize = 0xffff;

/// One extended attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// 0 or FILE_NEED_EA.
    flags: u8,
    /// Its name, in capitals.
    name: Vec<u8>,
    /// What it says; an empty one takes the attribute away.
    value: Vec<u8>,
}

/// What is wrong with a list, and at which byte of it.
pub type Wrong = (Status, u64);

/// A name as it is kept, if it may be one.
fn name(bytes: &[u8]) -> Nt<Vec<u8>> {
    let bad = |byte: &u8| *byte < 0x20 || b"\\/:*?\"<>|,+=[];".contains(byte);
    if bytes.is_empty() || bytes.iter().any(bad) { Err(STATUS_INVALID_EA_NAME) } else { Ok(bytes.to_ascii_uppercase()) }
}

/// Goes through a list whose entries begin with the offset of the next: calls `entry` with each one's bytes, which answers how
/// many it takes.
fn entries(list: &[u8], mut entry: impl FnMut(&[u8]) -> Nt<usize>) -> Result<(), Wrong> {
    let mut at = 0;
    loop {
        let wrong = |status| (status, at as u64);
        let rest = list.get(at..).unwrap_or_default();
        let next = rest.first_chunk::<4>().ok_or(wrong(STATUS_EA_LIST_INCONSISTENT))?;
        let next = u32::from_le_bytes(*next) as usize;
        let size = entry(rest).map_err(wrong)?;
        if next == 0 {
            return Ok(());
        }
        if next < size || !next.is_multiple_of(4) {
            return Err(wrong(STATUS_EA_LIST_INCONSISTENT));
        }
        at += next;
    }
}

/// Reads a list of FILE_FULL_EA_INFORMATION.
///
/// # Errors
/// `STATUS_EA_LIST_INCONSISTENT`, `STATUS_INVALID_EA_NAME`.
pub fn parse(list: &[u8]) -> Result<Vec<Attribute>, Wrong> {
    let mut attributes = Vec::new();
    entries(list, |bytes| {
        let (header, rest) = bytes.split_first_chunk::<HEADER>().ok_or(STATUS_EA_LIST_INCONSISTENT)?;
        let [.., flags, name_length, low, high] = *header;
        let (name_length, length) = (usize::from(name_length), usize::from(u16::from_le_bytes([low, high])));
        let named = rest.get(..name_length).ok_or(STATUS_EA_LIST_INCONSISTENT)?;
        let value = rest.get(name_length + 1..name_length + 1 + length).ok_or(STATUS_EA_LIST_INCONSISTENT)?;
        if rest.get(name_length) != Some(&0) {
            return Err(STATUS_EA_LIST_INCONSISTENT);
        }
        if flags & !NEED != 0 {
            return Err(STATUS_INVALID_EA_NAME);
        }
        attributes.push(Attribute { flags, name: name(named)?, value: value.to_vec() });
        Ok(HEADER + name_length + 1 + length)
    })?;
    Ok(attributes)
}

/// Reads a list of FILE_GET_EA_INFORMATION: names, in capitals.
///
/// # Errors
/// As [`parse`].
pub fn names(list: &[u8]) -> Result<Vec<Vec<u8>>, Wrong> {
    let mut names = Vec::new();
    entries(list, |bytes| {
        let length = usize::from(*bytes.get(4).ok_or(STATUS_EA_LIST_INCONSISTENT)?);
        let named = name(bytes.get(5..5 + length).ok_or(STATUS_EA_LIST_INCONSISTENT)?)?;
        if !names.contains(&named) {
            names.push(named);
        }
        Ok(5 + length + 1)
    })?;
    Ok(names)
}

/// Puts as many attributes into a buffer as fit, or the first one alone; the answer says how many those are.
///
/// # Errors
/// `STATUS_BUFFER_TOO_SMALL` if not even one fits.
pub fn render(attributes: &[Attribute], room: usize, single: bool) -> Nt<(Vec<u8>, usize)> {
    let (mut out, mut last, mut count) = (Vec::new(), 0, 0);
    for attribute in attributes.iter().take(if single { 1 } else { usize::MAX }) {
        let at = out.len().next_multiple_of(4);
        if at + HEADER + attribute.name.len() + 1 + attribute.value.len() > room {
            break;
        }
        if let Some(next) = out.get_mut(last..last + 4).filter(|_| count != 0) {
            next.copy_from_slice(&((at - last) as u32).to_le_bytes());
        }
        out.resize(at, 0);
        out.extend([0, 0, 0, 0, attribute.flags, attribute.name.len() as u8]);
        out.extend((attribute.value.len() as u16).to_le_bytes());
        out.extend(&attribute.name);
        out.push(0);
        out.extend(&attribute.value);
        (last, count) = (at, count + 1);
    }
    if count == 0 && !attributes.is_empty() { Err(STATUS_BUFFER_TOO_SMALL) } else { Ok((out, count)) }
}

/// What a list has of these names, in their order; nothing where it has none.
pub fn picked(attributes: &[Attribute], names: Vec<Vec<u8>>) -> Vec<Attribute> {
    let pick = |name: Vec<u8>| match attributes.iter().find(|attribute| attribute.name == name) {
        Some(attribute) => attribute.clone(),
        None => Attribute { flags: 0, name, value: Vec::new() },
    };
    names.into_iter().map(pick).collect()
}

/// A list with changes made: what is set anew comes last.
fn changed(mut attributes: Vec<Attribute>, changes: Vec<Attribute>) -> Vec<Attribute> {
    for change in changes {
        attributes.retain(|attribute| attribute.name != change.name);
        if !change.value.is_empty() {
            attributes.push(change);
        }
    }
    attributes
}

/// What FILE_EA_INFORMATION tells: as an OS/2 list of them takes, 0 for none.
pub fn packed(attributes: &[Attribute]) -> u32 {
    let all: usize = attributes.iter().map(|attribute| 5 + attribute.name.len() + attribute.value.len()).sum();
    if all == 0 { 0 } else { all as u32 + 4 }
}

/// Whether who knows no extended attributes may not open a file with these.
pub fn needed(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.flags & NEED != 0)
}

impl Kernel {
    /// A file's extended attributes.
    pub fn extended_attributes(&'static self, of: &Identity) -> Vec<Attribute> {
        let kept = || {
            let (shm, _) = self.sandbox().ok().filter(|(shm, _)| shm.is_kept(Kept::Extended))?;
            let bytes = shm.begin().kept_of_file(Kept::Extended, of.volume, of.number)?;
            parse(&bytes).ok()
        };
        if self.has_entered_sandbox() { kept().unwrap_or_default() } else { Vec::new() }
    }

    /// Changes a file's extended attributes, or with `anew` gives it these alone.
    ///
    /// # Errors
    /// `STATUS_EA_TOO_LARGE`, `STATUS_INSUFFICIENT_RESOURCES`, `STATUS_EAS_NOT_SUPPORTED` on a machine without memory that lasts
    /// as long as the sandbox.
    pub fn set_extended_attributes(&'static self, of: &Identity, changes: Vec<Attribute>, anew: bool) -> Nt<()> {
        let before = self.extended_attributes(of);
        let after = changed(if anew { Vec::new() } else { before.clone() }, changes);
        if after == before {
            return Ok(());
        }
        if packed(&after) as usize > MOST {
            return Err(STATUS_EA_TOO_LARGE);
        }
        let (bytes, _) = render(&after, usize::MAX, false)?;
        let kept = Some(bytes.as_slice()).filter(|bytes| !bytes.is_empty());
        let mut tx = self.sandbox().map_err(|_| STATUS_EAS_NOT_SUPPORTED)?.0.begin();
        tx.keep_of_file(Kept::Extended, of.volume, of.number, kept)?;
        tx.commit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: &str, value: &str) -> Attribute {
        Attribute { flags: 0, name: name.into(), value: value.into() }
    }

    #[test]
    fn lists_are_read_as_they_are_written() {
        let list =
            vec![attribute("ONE", "1"), Attribute { flags: NEED, ..attribute("TWO.X", "twotwo") }, attribute("T", "")];
        let (bytes, count) = render(&list, usize::MAX, false).unwrap();
        assert_eq!((parse(&bytes), count), (Ok(list.clone()), 3));
        assert_eq!(bytes[..16], [16, 0, 0, 0, 0, 3, 1, 0, b'O', b'N', b'E', 0, b'1', 0, 0, 0]);
        assert_eq!(render(&list, bytes.len() - 1, false).unwrap().1, 2);
        assert_eq!(render(&list, 13, true).unwrap().0, [0, 0, 0, 0, 0, 3, 1, 0, b'O', b'N', b'E', 0, b'1']);
        assert_eq!(render(&list, 12, false), Err(STATUS_BUFFER_TOO_SMALL));
        assert_eq!(packed(&list), 4 + 9 + 16 + 6);
        assert!(needed(&list) && !needed(&list[..1]));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let (good, _) = render(&[attribute("A", "x"), attribute("B", "y")], usize::MAX, false).unwrap();
        for cut in 0..good.len() {
            assert_eq!(parse(&good[..cut]).unwrap_err().0, STATUS_EA_LIST_INCONSISTENT, "{cut}");
        }
        let spoilt = |at: usize, with: u8| {
            let mut bytes = good.clone();
            bytes[at] = with;
            parse(&bytes).unwrap_err()
        };
        assert_eq!(spoilt(0, 11), (STATUS_EA_LIST_INCONSISTENT, 0));
        assert_eq!(spoilt(0, 8), (STATUS_EA_LIST_INCONSISTENT, 0));
        assert_eq!(spoilt(9, 1), (STATUS_EA_LIST_INCONSISTENT, 0));
        assert_eq!(spoilt(12 + 8, b'*'), (STATUS_INVALID_EA_NAME, 12));
        assert_eq!(spoilt(12 + 4, 1), (STATUS_INVALID_EA_NAME, 12));
        assert_eq!(names(&[0, 0, 0, 0, 1, b'?', 0]), Err((STATUS_INVALID_EA_NAME, 0)));
        assert_eq!(
            names(&[8, 0, 0, 0, 1, b'a', 0, 0, 0, 0, 0, 0, 2, b'b', b'c', 0]),
            Ok(vec![b"A".to_vec(), b"BC".to_vec()])
        );
    }

    #[test]
    fn changes_replace_add_and_take_away() {
        let before = vec![attribute("A", "1"), attribute("B", "2")];
        let after =
            changed(before, vec![attribute("C", "3"), attribute("A", "4"), attribute("B", ""), attribute("D", "")]);
        assert_eq!(after, [attribute("C", "3"), attribute("A", "4")]);
        let asked = vec![b"A".to_vec(), b"X".to_vec()];
        assert_eq!(picked(&after, asked), [attribute("A", "4"), attribute("X", "")]);
    }
}
