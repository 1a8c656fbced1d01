//! Bitmap fonts of Windows: `.fnt` resources, alone or in a `.fon` library of 16 bits.
//!
//! Layouts: FONTINFO of Windows 2 and 3, and the resource table of an NE file. Everything is checked where it is read; a glyph
//! that lies outside of the file is empty.

use super::Wide;

/// One font of a file.
#[derive(Debug, Clone, Default)]
pub struct Fnt {
    bytes: Vec<u8>,
    /// Points.
    pub points: u16,
    /// Dots of an inch, down.
    pub vertical_resolution: u16,
    /// Dots of an inch, across.
    pub horizontal_resolution: u16,
    /// Rows above the base line.
    pub ascent: u16,
    /// Rows for accents.
    pub internal_leading: u16,
    /// Rows between lines.
    pub external_leading: u16,
    /// Whether it is slanted.
    pub italic: u8,
    /// FW_*.
    pub weight: u16,
    /// *_CHARSET.
    pub charset: u8,
    /// Rows.
    pub pixel_height: u16,
    /// *_PITCH and FF_*.
    pub pitch_and_family: u8,
    /// Columns of a character in the mean.
    pub average_width: u16,
    /// Columns at most.
    pub max_width: u16,
    /// First character.
    pub first: u8,
    /// Last character.
    pub last: u8,
    /// What stands for others, counted from the first.
    pub default: u8,
    /// What words end with, counted from the first.
    pub space: u8,
    /// Name of the typeface.
    pub face: Wide,
    wide_offsets: bool,
}

/// A glyph's rows: bits, the first pixel in the upper one, each row `pitch` bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bits {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bytes of a row.
    pub pitch: usize,
    /// The rows.
    pub rows: Vec<u8>,
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|raw| u16::from_le_bytes(*raw))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|raw| u32::from_le_bytes(*raw))
}

/// A resource's type: RT_FONT, as NE files have it.
const RT_FONT: u16 = 0x8008;
/// Bytes of a font at most, and fonts of a file.
const LARGEST: usize = 4 << 20;
const MOST: usize = 256;

/// Where the fonts of a file lie.
pub fn places(file: &[u8]) -> Vec<core::ops::Range<usize>> {
    if matches!(half(file, 0), Some(0x200 | 0x300)) {
        return Vec::from([core::ops::Range { start: 0, end: file.len() }]);
    }
    ne_fonts(file).unwrap_or_default()
}

fn ne_fonts(file: &[u8]) -> Option<Vec<core::ops::Range<usize>>> {
    if !file.starts_with(b"MZ") {
        return None;
    }
    let ne = word(file, 0x3c)? as usize;
    if !file.get(ne..)?.starts_with(b"NE") {
        return None;
    }
    let mut at = ne.checked_add(usize::from(half(file, ne.checked_add(0x24)?)?))?;
    let shift = u32::from(half(file, at)?).min(16);
    at = at.checked_add(2)?;
    let mut found = Vec::new();
    loop {
        let (kind, count) = (half(file, at)?, half(file, at.checked_add(2)?)?);
        if kind == 0 {
            return Some(found);
        }
        at = at.checked_add(8)?;
        for _ in 0..count {
            if kind == RT_FONT && found.len() < MOST {
                let start = usize::from(half(file, at)?) << shift;
                let length = usize::from(half(file, at.checked_add(2)?)?) << shift;
                found.push(start..start.saturating_add(length).min(file.len()));
            }
            at = at.checked_add(12)?;
        }
    }
}

impl Fnt {
    /// Takes the bytes of one font; `None` if they are none, or lines instead of dots.
    pub fn open(bytes: &[u8]) -> Option<Fnt> {
        let version = half(bytes, 0)?;
        let size = (word(bytes, 2)? as usize).min(bytes.len());
        let bytes = bytes.get(..size).filter(|bytes| bytes.len() <= LARGEST)?;
        if !matches!(version, 0x200 | 0x300) || half(bytes, 66)? & 1 != 0 {
            return None;
        }
        let name = bytes.get(word(bytes, 105)? as usize..).unwrap_or_default();
        let face = name.iter().take(31).take_while(|byte| **byte != 0).map(|byte| u16::from(*byte)).collect();
        let byte = |at: usize| bytes.get(at).copied();
        let font = Fnt {
            points: half(bytes, 68)?,
            vertical_resolution: half(bytes, 70)?,
            horizontal_resolution: half(bytes, 72)?,
            ascent: half(bytes, 74)?,
            internal_leading: half(bytes, 76)?,
            external_leading: half(bytes, 78)?,
            italic: byte(80)?,
            weight: half(bytes, 83)?,
            charset: byte(85)?,
            pixel_height: half(bytes, 88)?,
            pitch_and_family: byte(90)?,
            average_width: half(bytes, 91)?,
            max_width: half(bytes, 93)?,
            first: byte(95)?,
            last: byte(96)?,
            default: byte(97)?,
            space: byte(98)?,
            face,
            wide_offsets: version == 0x300,
            bytes: bytes.to_vec(),
        };
        (font.pixel_height != 0 && font.first <= font.last).then_some(font)
    }

    /// The glyph of a character of the font's code page; 0 is what stands for others.
    pub fn glyph_of(&self, code: u32) -> u32 {
        match code.checked_sub(u32::from(self.first)) {
            Some(index) if code <= u32::from(self.last) => index + 1,
            _ => 0,
        }
    }

    /// Columns of a glyph, and where its bits lie.
    fn entry(&self, glyph: u32) -> Option<(usize, usize)> {
        let index = glyph.checked_sub(1).unwrap_or(u32::from(self.default)) as usize;
        if index > usize::from(self.last - self.first) {
            return None;
        }
        if self.wide_offsets {
            let at = 148 + index * 6;
            Some((half(&self.bytes, at)?.into(), word(&self.bytes, at + 2)? as usize))
        } else {
            let at = 118 + index * 4;
            Some((half(&self.bytes, at)?.into(), half(&self.bytes, at + 2)?.into()))
        }
    }

    /// A glyph's bits; the file has them column by column, eight pixels wide.
    pub fn bits(&self, glyph: u32) -> Option<Bits> {
        let (width, start) = self.entry(glyph)?;
        let (height, pitch) = (usize::from(self.pixel_height), width.div_ceil(8));
        let columns = self.bytes.get(start..start.checked_add(pitch * height)?)?;
        let mut rows = vec![0; pitch * height];
        for (x, column) in columns.chunks_exact(height).enumerate() {
            for (row, byte) in rows.chunks_exact_mut(pitch).zip(column) {
                if let Some(to) = row.get_mut(x) {
                    *to = *byte;
                }
            }
        }
        Some(Bits { width, height, pitch, rows })
    }

    /// Pixels of an em, across and down, in 64ths: the nominal size in points at the font's resolution.
    pub fn pixels_per_em(&self) -> (i32, i32) {
        let resolution = |dots: u16| i64::from(if dots == 0 { 72 } else { dots });
        let (across, down) = (resolution(self.horizontal_resolution), resolution(self.vertical_resolution));
        let round = |value: i64| (value + 32) & !63;
        let mut size = i64::from(self.points) * 64;
        let mut y = round((size * down + 36) / 72);
        if y > i64::from(self.pixel_height) << 6 {
            y = i64::from(self.pixel_height) << 6;
            size = (y * 72 + down / 2) / down;
        }
        (round((size * across + 36) / 72) as i32, y as i32)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A font of two characters, `A` and `B`, nine columns wide and two rows high.
    pub fn sample() -> Vec<u8> {
        let mut file = vec![0; 118];
        let mut put = |at: usize, value: u16| file[at..at + 2].copy_from_slice(&value.to_le_bytes());
        put(0, 0x200);
        for (at, value) in [(68, 8), (70, 96), (72, 96), (74, 2), (83, 700), (88, 2), (91, 9), (93, 9)] {
            put(at, value);
        }
        (file[95], file[96]) = (b'A', b'B');
        for offset in [126u16, 130] {
            file.extend(9u16.to_le_bytes());
            file.extend(offset.to_le_bytes());
        }
        file.extend([0x81, 0xff, 0x80, 0x00, 1, 2, 3, 4]);
        let name = file.len() as u32;
        file[105..109].copy_from_slice(&name.to_le_bytes());
        file.extend(b"Sample\0");
        let size = file.len() as u32;
        file[2..6].copy_from_slice(&size.to_le_bytes());
        file
    }

    #[test]
    fn columns_become_rows() {
        let file = sample();
        assert_eq!(places(&file).first(), Some(&(0..file.len())));
        let font = Fnt::open(&file).unwrap();
        assert_eq!((String::from_utf16_lossy(&font.face).as_str(), font.weight), ("Sample", 700));
        assert_eq!((font.glyph_of(65), font.glyph_of(66), font.glyph_of(67), font.glyph_of(10)), (1, 2, 0, 0));
        let bits = font.bits(1).unwrap();
        assert_eq!((bits.width, bits.height, bits.pitch), (9, 2, 2));
        assert_eq!(bits.rows, [0x81, 0x80, 0xff, 0x00]);
        assert_eq!(font.bits(0), font.bits(1));
        assert_eq!(font.bits(3), None);
        assert_eq!(font.pixels_per_em(), (128, 128));
    }

    #[test]
    fn nonsense_is_no_font() {
        let file = sample();
        for length in 0..file.len() {
            if let Some(font) = Fnt::open(&file[..length]) {
                (0..4).for_each(|glyph| drop(font.bits(glyph)));
            }
        }
        assert!(places(b"MZ").is_empty());
        let mut library = vec![0; 0x40];
        library[..2].copy_from_slice(b"MZ");
        library[0x3c] = 0xff;
        assert!(places(&library).is_empty());
    }
}
