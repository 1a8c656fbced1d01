//! Resources of a PE file: only its headers and its resource section are read.
//!
//! Layout: Microsoft, "PE Format", "The .rsrc Section". Every offset is checked; damage reads as absence.

use anyhow::{Context, Result};
use goblin::pe::header::Header;
use goblin::pe::section_table::SectionTable;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Directory number of the resources in the optional header.
const RESOURCE_DIRECTORY: usize = 2;
/// Set in an offset that leads to a table rather than to data, and in a name that is text rather than a number.
const HIGH: u32 = 0x8000_0000;

/// What a type, a resource or a language is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// By number.
    Number(u32),
    /// By text.
    Text(String),
}

/// Most bytes at a file's front that hold its headers.
const HEADERS: u64 = 4096;
/// Largest resource section that is read.
const LARGEST: u64 = 256 << 20;

/// The resources of one file: its resource section.
pub struct Resources {
    raw: Vec<u8>,
    /// The section's address relative to the image's base.
    address: u32,
    /// Where in the section the root of the tree lies; offsets count from there.
    base: usize,
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|raw| u32::from_le_bytes(*raw))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|raw| u16::from_le_bytes(*raw))
}

impl Resources {
    /// Reads the resources of a PE file; `None` if it is no PE file or has none.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn read(path: &Path) -> Result<Option<Resources>> {
        let what = || format!("{} can't be read", path.display());
        let mut file = File::open(path).with_context(what)?;
        let mut front = Vec::new();
        file.by_ref().take(HEADERS).read_to_end(&mut front).with_context(what)?;
        let Some((section, address)) = find_section(&front) else { return Ok(None) };
        let (start, length) = (u64::from(section.pointer_to_raw_data), u64::from(section.size_of_raw_data));
        file.seek(SeekFrom::Start(start)).with_context(what)?;
        let mut raw = Vec::new();
        file.take(length.min(LARGEST)).read_to_end(&mut raw).with_context(what)?;
        let base = address.saturating_sub(section.virtual_address) as usize;
        Ok(Some(Resources { raw, address: section.virtual_address, base }))
    }

    /// Name and target of each entry of the table at `table`.
    fn entries(&self, table: u32) -> Vec<(Name, u32)> {
        let Some(at) = self.base.checked_add((table & !HIGH) as usize) else { return Vec::new() };
        let count = |offset| half(&self.raw, at + offset).map_or(0, usize::from);
        (0..count(12) + count(14))
            .map_while(|index| {
                let entry = at.checked_add(16 + index * 8)?;
                Some((self.name(word(&self.raw, entry)?)?, word(&self.raw, entry + 4)?))
            })
            .collect()
    }

    fn name(&self, name: u32) -> Option<Name> {
        if name & HIGH == 0 {
            return Some(Name::Number(name));
        }
        let at = self.base.checked_add((name & !HIGH) as usize)?;
        let length = usize::from(half(&self.raw, at)?) * 2;
        let raw = self.raw.get(at + 2..at.checked_add(2 + length)?)?;
        let units = raw.as_chunks::<2>().0.iter().map(|&pair| u16::from_le_bytes(pair));
        Some(Name::Text(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()))
    }

    /// All resources of a type, in the order of the file, in the first language of each.
    pub fn of_type(&self, kind: &Name) -> Vec<(Name, &[u8])> {
        let same = |name: &Name| match (name, kind) {
            (Name::Text(a), Name::Text(b)) => a.eq_ignore_ascii_case(b),
            (a, b) => a == b,
        };
        let types = self.entries(0).into_iter().filter(|(name, target)| same(name) && target & HIGH != 0);
        let names = types.flat_map(|(_, table)| self.entries(table)).filter(|(_, target)| target & HIGH != 0);
        names
            .filter_map(|(name, table)| {
                let (_, leaf) = self.entries(table).into_iter().find(|(_, target)| target & HIGH == 0)?;
                let at = self.base.checked_add(leaf as usize)?;
                let start = word(&self.raw, at)?.checked_sub(self.address)? as usize;
                let length = word(&self.raw, at + 4)? as usize;
                Some((name, self.raw.get(start..start.checked_add(length)?)?))
            })
            .collect()
    }
}

/// The section that holds the resource directory, and the directory's address.
fn find_section(front: &[u8]) -> Option<(SectionTable, u32)> {
    let header = Header::parse(front).ok()?;
    let address =
        (*header.optional_header?.data_directories.data_directories.get(RESOURCE_DIRECTORY)?)?.1.virtual_address;
    let mut at = header.dos_header.pe_pointer as usize + 24 + usize::from(header.coff_header.size_of_optional_header);
    let sections = header.coff_header.sections(front, &mut at).ok()?;
    let holds = |section: &SectionTable| {
        address.checked_sub(section.virtual_address).is_some_and(|inside| inside < section.size_of_raw_data)
    };
    sections.into_iter().find(holds).map(|section| (section, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pe_file_has_none() {
        for bytes in [&b""[..], b"MZ", &[0; 4096], &b"MZ".repeat(200)] {
            assert!(find_section(bytes).is_none());
        }
    }

    #[test]
    fn wild_offsets_read_as_absence() {
        let resources = Resources { raw: vec![0xff; 256], address: 0x1000, base: 200 };
        assert!(resources.of_type(&Name::Number(24)).is_empty());
    }
}
