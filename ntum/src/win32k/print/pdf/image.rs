//! Pictures: device-independent bitmaps of metafiles, as PDF takes them.

use super::record::Record;
use crate::win32k::gdi::format::{self, Format};
use crate::win32k::gdi::{header, rle};
use std::sync::Arc;

/// Pixels of a picture at most.
const MOST: i64 = 1 << 27;
/// And of one that is compressed, or taken from beside another.
const MOST_MADE: i64 = 1 << 24;

/// A picture: 0xAARRGGBB, the upper row first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// Columns.
    pub width: i32,
    /// Rows.
    pub height: i32,
    /// Of 32 bits a pixel: the upper ones are what the file has there.
    pub pixels: Vec<u32>,
    /// Whether the upper bits mean something.
    pub has_alpha: bool,
}

/// Where a metafile's record has a bitmap: its description, its bits, each with their length.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Where the record has the four numbers, one after the other.
    pub at: usize,
    /// DIB_*_COLORS.
    pub usage: u32,
}

impl Picture {
    /// The bitmap of a record; `None` if there is none, or none that can be read.
    pub fn of(record: &Record<'_>, place: Place) -> Option<Picture> {
        let number = |index: usize| record.word(place.at + index * 4) as usize;
        Picture::decode(record.part(number(0), number(1)), record.part(number(2), number(3)), place.usage)
    }

    /// A BITMAPINFO and its bits.
    pub fn decode(info: &[u8], bits: &[u8], usage: u32) -> Option<Picture> {
        let word = |at: usize| info.get(at..).and_then(|rest| rest.first_chunk()).map(|raw| u32::from_le_bytes(*raw));
        let half = |at: usize| info.get(at..).and_then(|rest| rest.first_chunk()).map(|raw| u16::from_le_bytes(*raw));
        let size = word(0)?;
        let core = size == header::CORE;
        let (width, height, depth, compression, used) = match core {
            true => (i32::from(half(4)?), i32::from(half(6)?), half(10)?, header::RGB, 0),
            false => (word(4)? as i32, word(8)? as i32, half(14)?, word(16)?, word(32)?),
        };
        let rows = i32::try_from(height.unsigned_abs()).ok()?;
        if width <= 0 || rows == 0 || i64::from(width) * i64::from(rows) > MOST {
            return None;
        }
        let depth = u32::from(depth);
        let masks = match compression {
            header::BITFIELDS => Some([word(40)?, word(44)?, word(48)?]),
            _ => None,
        };
        let colors = (depth <= 8).then(|| {
            let most = 1usize << depth;
            let count = if used == 0 { most } else { most.min(used as usize) };
            let entry = |index: usize| match (usage, core) {
                (header::RGB_COLORS, true) => {
                    let at = size as usize + index * 3;
                    info.get(at..at + 3).map_or(0, |raw| u32::from_le_bytes([raw[0], raw[1], raw[2], 0]))
                }
                (header::RGB_COLORS, false) => word(size as usize + index * 4).unwrap_or(0) & 0xff_ffff,
                // Patterns of one bit have no table.
                (header::PALETTE_INDICES, _) => {
                    if index == 0 {
                        0
                    } else {
                        0xff_ffff
                    }
                }
                // Of the default palette, which is what a printer's is.
                _ => {
                    let index = half(size as usize + index * 2).unwrap_or(0);
                    format::default_colors(8).get(usize::from(index)).copied().unwrap_or(0)
                }
            };
            Arc::from((0..count).map(entry).collect::<Vec<u32>>())
        });
        if !matches!(depth, 1 | 4 | 8 | 16 | 24 | 32) {
            return None;
        }
        let format = Format::new(depth, masks, colors);
        let stride = format.stride(width);
        let is_plain = matches!(compression, header::RGB | header::BITFIELDS);
        let most = if is_plain { bits.len() as i64 + 4 } else { MOST_MADE };
        let size = if is_plain { stride as i64 } else { width.into() };
        if size.saturating_mul(rows.into()) > most {
            return None;
        }
        let mut pixels = vec![0; width as usize * rows as usize];
        let lines = pixels.chunks_exact_mut(width as usize);
        if let (header::RLE8, 8) | (header::RLE4, 4) = (compression, depth) {
            let (expanded, _) = rle::expand(bits, width, rows, compression == header::RLE4).ok()?;
            for (y, line) in (0..).zip(lines) {
                line.copy_from_slice(expanded.row(y).get(..width as usize)?);
                line.iter_mut().for_each(|pixel| *pixel = format.color(*pixel));
            }
            return Some(Picture { width, height: rows, pixels, has_alpha: false });
        }
        if !is_plain {
            return None;
        }
        for (y, line) in lines.enumerate() {
            let row = if height > 0 { rows as usize - 1 - y } else { y };
            // The last row may lack its padding.
            let Some(from) = bits.get(row * stride..) else { continue };
            let bytes = from.get(..stride).unwrap_or(from);
            if bytes.len() < format::bytes_of(depth, 0, width as usize).end {
                continue;
            }
            format::unpack(bytes, depth, 0, line);
            // The upper eight bits may be opacity.
            if depth != 32 || masks.is_some_and(|masks| masks != format::MASKS_888) {
                line.iter_mut().for_each(|pixel| *pixel = format.color(*pixel));
            }
        }
        Some(Picture { width, height: rows, pixels, has_alpha: false })
    }

    /// The part at a place; what lies outside is white.
    #[must_use]
    pub fn cut(&self, x: i32, y: i32, width: i32, height: i32) -> Option<Picture> {
        if (x, y, width, height) == (0, 0, self.width, self.height) {
            return Some(self.clone());
        }
        let most = MOST_MADE.max(self.pixels.len() as i64);
        if width <= 0 || height <= 0 || i64::from(width) * i64::from(height) > most {
            return None;
        }
        let mut pixels = vec![0xff_ffff; width as usize * height as usize];
        for (row, line) in (0i64..).zip(pixels.chunks_exact_mut(width as usize)) {
            let from = i64::from(y) + row;
            let Some(from) = usize::try_from(from).ok().filter(|from| *from < self.height as usize) else { continue };
            let source = self.pixels.get(from * self.width as usize..(from + 1) * self.width as usize)?;
            let (begin, end) = (i64::from(x).max(0), (i64::from(x) + i64::from(width)).min(self.width.into()));
            if begin < end {
                let to = line.get_mut((begin - i64::from(x)) as usize..(end - i64::from(x)) as usize)?;
                to.copy_from_slice(source.get(begin as usize..end as usize)?);
            }
        }
        Some(Picture { width, height, pixels, has_alpha: self.has_alpha })
    }

    /// The other way round: black where it was white.
    pub fn invert(&mut self) {
        self.pixels.iter_mut().for_each(|pixel| *pixel ^= 0xff_ffff);
    }

    /// Colours that were multiplied with their opacity, as AlphaBlend has them, become what they are.
    pub fn divide_by_alpha(&mut self) {
        self.has_alpha = true;
        for pixel in &mut self.pixels {
            let alpha = *pixel >> 24;
            if alpha != 0 && alpha != 255 {
                let part = |shift: u32| (((*pixel >> shift & 0xff) * 255 + alpha / 2) / alpha).min(255) << shift;
                *pixel = alpha << 24 | part(16) | part(8) | part(0);
            }
        }
    }

    /// Pixels of one colour are not there.
    pub fn key_out(&mut self, color: u32) {
        self.has_alpha = true;
        let opaque = |pixel: u32| if pixel & 0xff_ffff == color { 0 } else { 0xff00_0000 };
        self.pixels.iter_mut().for_each(|pixel| *pixel = *pixel & 0xff_ffff | opaque(*pixel));
    }

    /// Pixels are there where a mask is not black.
    pub fn mask_with(&mut self, mask: &Picture) {
        self.has_alpha = true;
        for (pixel, mask) in self.pixels.iter_mut().zip(&mask.pixels) {
            let opaque = if mask & 0xff_ffff == 0 { 0 } else { 0xff00_0000 };
            *pixel = *pixel & 0xff_ffff | opaque;
        }
    }

    /// Opacities.
    pub fn alpha(&self) -> Option<Vec<u8>> {
        self.has_alpha.then(|| self.pixels.iter().map(|pixel| (pixel >> 24) as u8).collect())
    }

    /// Red, green and blue one after the other, or greys.
    pub fn samples(&self, mono: bool) -> Vec<u8> {
        if mono {
            return self.pixels.iter().map(|pixel| grey(*pixel)).collect();
        }
        self.pixels.iter().flat_map(|pixel| [(pixel >> 16) as u8, (pixel >> 8) as u8, *pixel as u8]).collect()
    }
}

/// How bright a colour is.
pub fn grey(color: u32) -> u8 {
    let [red, green, blue] = [color >> 16 & 0xff, color >> 8 & 0xff, color & 0xff];
    ((red * 299 + green * 587 + blue * 114 + 500) / 1000) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(width: i32, height: i32, depth: u16, colors: &[u32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [40, width, height, 1 | i32::from(depth) << 16, 0, 0, 0, 0, 0, 0] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(colors.iter().flat_map(|color| color.to_le_bytes()));
        bytes
    }

    #[test]
    fn the_upper_row_comes_first() {
        let bits = [1, 2, 3, 0, 4, 5, 6, 0];
        let picture = Picture::decode(&info(1, 2, 24, &[]), &bits, 0).unwrap();
        assert_eq!(picture.pixels, [0x06_0504, 0x03_0201]);
        let picture = Picture::decode(&info(1, -2, 24, &[]), &bits, 0).unwrap();
        assert_eq!(
            (picture.pixels.clone(), picture.samples(false)[..3].to_vec()),
            (vec![0x03_0201, 0x06_0504], vec![3, 2, 1])
        );
        let ink = Picture::decode(&info(2, 1, 1, &[0x112233, 0x445566]), &[0x40, 0, 0, 0], 0).unwrap();
        assert_eq!(ink.pixels, [0x112233, 0x445566]);
        let pattern = Picture::decode(&info(2, 1, 1, &[]), &[0x40, 0, 0, 0], header::PALETTE_INDICES).unwrap();
        assert_eq!(pattern.pixels, [0, 0xff_ffff]);
        assert_eq!(ink.cut(1, 0, 2, 1).unwrap().pixels, [0x445566, 0xff_ffff]);
        assert!(Picture::decode(&info(i32::MAX, i32::MIN, 32, &[]), &[], 0).is_none());
    }

    #[test]
    fn what_is_cut_off_is_no_picture() {
        let whole = info(2, 2, 8, &[1, 2]);
        assert!((0..36).all(|length| Picture::decode(&whole[..length], &[0; 8], 0).is_none()));
        // The last row may lack what makes it longer.
        assert_eq!(Picture::decode(&whole, &[1, 0, 0, 0, 0, 1], 0).unwrap().pixels, [1, 2, 2, 1]);
        assert!(Picture::decode(&whole, &[1, 0, 0], 0).is_none());
    }

    #[test]
    fn colours_lose_their_opacity() {
        let mut picture = Picture { width: 1, height: 1, pixels: vec![0x80_40_20_00], has_alpha: false };
        picture.divide_by_alpha();
        assert_eq!((picture.pixels[0], picture.alpha()), (0x80_80_40_00, Some(vec![0x80])));
    }
}
