//! Records of a spool file and of the enhanced metafiles in it (MS-EMFSPOOL, MS-EMF): read where they lie. What a record is too
//! short for is 0.

use super::matrix::{Matrix, Spot, spot};
use crate::win32k::geometry::Rect;

/// One record of a metafile.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// EMR_*.
    pub kind: u32,
    /// All of it, with its head.
    bytes: &'a [u8],
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |raw| u32::from_le_bytes(*raw))
}

impl<'a> Record<'a> {
    /// A number of 32 bits.
    pub fn word(&self, at: usize) -> u32 {
        word(self.bytes, at)
    }

    /// With a sign.
    pub fn int(&self, at: usize) -> i32 {
        self.word(at) as i32
    }

    /// A small one, with a sign.
    pub fn half(&self, at: usize) -> i16 {
        self.bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |raw| i16::from_le_bytes(*raw))
    }

    /// One with a fraction; what is no number is 0.
    pub fn float(&self, at: usize) -> f64 {
        let value = f32::from_bits(self.word(at));
        if value.is_finite() { value.into() } else { 0.0 }
    }

    /// A point.
    pub fn spot(&self, at: usize) -> Spot {
        spot(self.int(at).into(), self.int(at + 4).into())
    }

    /// A rectangle.
    pub fn rect(&self, at: usize) -> Rect {
        Rect::new(self.int(at), self.int(at + 4), self.int(at + 8), self.int(at + 12))
    }

    /// XFORM.
    pub fn xform(&self, at: usize) -> Matrix {
        Matrix(core::array::from_fn(|index| self.float(at + index * 4)))
    }

    /// Bytes; none if there are fewer.
    pub fn part(&self, at: usize, length: usize) -> &'a [u8] {
        at.checked_add(length).and_then(|end| self.bytes.get(at..end)).unwrap_or_default()
    }

    /// Points of 32 bits, or of 16: as many as there are, `count` at most.
    pub fn spots(&self, at: usize, count: u32, small: bool) -> Vec<Spot> {
        let size = if small { 4 } else { 8 };
        let there = self.bytes.len().saturating_sub(at) / size;
        let point = |index: usize| match small {
            true => spot(self.half(at + index * 4).into(), self.half(at + index * 4 + 2).into()),
            false => self.spot(at + index * 8),
        };
        (0..there.min(count as usize)).map(point).collect()
    }

    /// Rectangles of a RGNDATA.
    pub fn region(&self, at: usize) -> Vec<Rect> {
        let count = self.word(at + 8) as usize;
        let there = self.bytes.len().saturating_sub(at + 32) / 16;
        (0..count.min(there)).map(|index| self.rect(at + 32 + index * 16)).collect()
    }
}

/// Records of a metafile, one after the other, up to the first that is damaged.
pub fn records(metafile: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut rest = metafile;
    core::iter::from_fn(move || {
        let (kind, size) = (word(rest, 0), word(rest, 4) as usize);
        if size < 8 {
            return None;
        }
        let (bytes, after) = rest.split_at_checked(size)?;
        rest = after;
        Some(Record { kind, bytes })
    })
}

/// What a spool file says.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A DEVMODEW from here on; none: the printer's own.
    Mode(&'a [u8]),
    /// A page: a metafile.
    Page(&'a [u8]),
}

/// A spool file's head.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    /// The document's name.
    pub name: Vec<u16>,
    /// Where the program wants it; empty if it did not say.
    pub output: Vec<u16>,
}

/// `EMFSPOOL_VERSION`.
const VERSION: u32 = 0x1_0000;
/// EMRI_*.
const DEVMODE: u32 = 3;
const METAFILE: u32 = 1;
const METAFILE_DATA: u32 = 12;
const METAFILE_EXT: u32 = 13;
const BW_METAFILE_EXT: u32 = 14;

/// A spool file's head, and its parts in the order in which they count; `None` if it is none.
pub fn spool(file: &[u8]) -> Option<(Head, Vec<Part<'_>>)> {
    if word(file, 0) != VERSION {
        return None;
    }
    let text = |at: u32| -> Vec<u16> {
        let bytes = if at == 0 { &[] } else { file.get(at as usize..).unwrap_or_default() };
        bytes.as_chunks::<2>().0.iter().map(|raw| u16::from_le_bytes(*raw)).take_while(|unit| *unit != 0).collect()
    };
    let head = Head { name: text(word(file, 8)), output: text(word(file, 12)) };
    let mut rest = file.get(word(file, 4) as usize..)?;
    // A page counts where its place is told, behind the mode that is for it.
    let (mut parts, mut page) = (Vec::new(), None);
    while rest.len() >= 8 {
        let (kind, size) = (word(rest, 0), word(rest, 4) as usize);
        let (body, after) = rest.get(8..)?.split_at_checked(size)?;
        rest = after;
        match kind {
            DEVMODE => parts.push(Part::Mode(body)),
            METAFILE => parts.push(Part::Page(body)),
            METAFILE_DATA => page = Some(body),
            METAFILE_EXT | BW_METAFILE_EXT => parts.extend(page.take().map(Part::Page)),
            _ => {}
        }
    }
    Some((head, parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u32, body: &[u8]) -> Vec<u8> {
        [&kind.to_le_bytes()[..], &(body.len() as u32).to_le_bytes(), body].concat()
    }

    #[test]
    fn a_page_comes_behind_its_mode() {
        let words = |all: &[u32]| all.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let name: Vec<u8> = "ab\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut file = [words(&[VERSION, 22, 16, 0]), name].concat();
        file.extend(record(METAFILE_DATA, b"page"));
        file.extend(record(DEVMODE, b"mode"));
        file.extend(record(METAFILE_EXT, &[0; 8]));
        let (head, parts) = spool(&file).unwrap();
        assert_eq!((String::from_utf16_lossy(&head.name).as_str(), head.output.len()), ("ab", 0));
        assert_eq!(parts, [Part::Mode(b"mode"), Part::Page(b"page")]);
        // However it is cut, nothing is taken that is not there.
        assert!((0..file.len()).all(|length| spool(&file[..length]).is_none_or(|(_, parts)| parts.len() < 2)));
    }

    #[test]
    fn records_end_with_the_first_that_is_damaged() {
        let mut bytes =
            [&54u32.to_le_bytes()[..], &16u32.to_le_bytes(), &5i32.to_le_bytes(), &(-6i32).to_le_bytes()].concat();
        bytes.extend([54, 0, 0, 0, 200, 0, 0, 0]);
        let all: Vec<Record<'_>> = records(&bytes).collect();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].spot(8), spot(5.0, -6.0));
        assert_eq!((all[0].int(16), all[0].spots(8, 9, false).len(), all[0].part(12, 9).len()), (0, 1, 0));
    }
}
