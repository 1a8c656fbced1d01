//! Base relocations: what an image needs that cannot have the address it was linked for.

use super::page::PAGE_SIZE;
use super::pe::Image;
use crate::status::*;

/// One relocation: offset in the image, and what to do there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixup {
    /// Offset in the image.
    pub rva: u64,
    /// What to do.
    pub kind: FixupKind,
}

/// IMAGE_REL_BASED_*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FixupKind {
    /// The upper half of a 32-bit sum.
    High,
    /// The lower half.
    Low,
    /// 32 bits.
    HighLow,
    /// 64 bits.
    Dir64,
}

impl FixupKind {
    /// Bytes it changes.
    pub fn width(self) -> usize {
        match self {
            FixupKind::High | FixupKind::Low => 2,
            FixupKind::HighLow => 4,
            FixupKind::Dir64 => 8,
        }
    }

    /// Adds `delta` to the number in these bytes.
    pub fn apply(self, bytes: &mut [u8], delta: u64) {
        fn changed<const N: usize>(bytes: &mut [u8], change: impl FnOnce([u8; N]) -> [u8; N]) {
            if let Some(chunk) = bytes.first_chunk_mut::<N>() {
                *chunk = change(*chunk);
            }
        }
        match self {
            FixupKind::High => {
                changed(bytes, |old| u16::from_le_bytes(old).wrapping_add((delta >> 16) as u16).to_le_bytes());
            }
            FixupKind::Low => changed(bytes, |old| u16::from_le_bytes(old).wrapping_add(delta as u16).to_le_bytes()),
            FixupKind::HighLow => {
                changed(bytes, |old| u32::from_le_bytes(old).wrapping_add(delta as u32).to_le_bytes());
            }
            FixupKind::Dir64 => changed(bytes, |old| u64::from_le_bytes(old).wrapping_add(delta).to_le_bytes()),
        }
    }
}

/// Decodes the bytes of the relocation directory. Blocks end where the first has no size or lies beyond the image, as
/// Windows takes it.
///
/// # Errors
/// `STATUS_INVALID_IMAGE_FORMAT` for a relocation of an unknown kind or outside the image.
pub fn decode(image: &Image, mut bytes: &[u8]) -> Nt<Vec<Fixup>> {
    let mut fixups = Vec::new();
    while let Some((header, _)) = bytes.split_first_chunk::<8>() {
        let page = u64::from(u32::from_le_bytes([header[0], header[1], header[2], header[3]]));
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        if length < 8 || page >= image.size {
            break;
        }
        let block = bytes.get(8..length).ok_or(STATUS_INVALID_IMAGE_FORMAT)?;
        for entry in block.as_chunks::<2>().0 {
            let entry = u16::from_le_bytes(*entry);
            let kind = match entry >> 12 {
                0 => continue,
                1 => FixupKind::High,
                2 => FixupKind::Low,
                3 => FixupKind::HighLow,
                10 => FixupKind::Dir64,
                _ => return Err(STATUS_INVALID_IMAGE_FORMAT),
            };
            let rva = page + u64::from(entry & 0xfff);
            if rva + kind.width() as u64 > image.size {
                return Err(STATUS_INVALID_IMAGE_FORMAT);
            }
            fixups.push(Fixup { rva, kind });
        }
        bytes = bytes.get(length..).unwrap_or_default();
    }
    fixups.sort_unstable_by_key(|fixup| fixup.rva);
    Ok(fixups)
}

/// Groups sorted fixups by runs of neighbouring pages: the offset where a run starts, where it ends, and its fixups.
pub fn runs(fixups: &[Fixup]) -> Vec<(u64, u64, &[Fixup])> {
    let page = |rva: u64| rva & !(PAGE_SIZE - 1);
    let mut runs: Vec<(u64, u64, &[Fixup])> = Vec::new();
    let mut first = 0;
    for (index, fixup) in fixups.iter().enumerate() {
        let end = page(fixup.rva + fixup.kind.width() as u64 - 1) + PAGE_SIZE;
        match runs.last_mut() {
            Some((_, last, of)) if page(fixup.rva) <= *last => {
                *last = end.max(*last);
                *of = fixups.get(first..=index).unwrap_or_default();
            }
            _ => {
                first = index;
                runs.push((page(fixup.rva), end, fixups.get(index..=index).unwrap_or_default()));
            }
        }
    }
    runs
}
