//! Formats of pixels: how a pixel's value means a colour, and which value a colour gets.
//!
//! A colour is a number 0x00RRGGBB here, as RGBQUAD lies in memory; COLORREF is the other way round. How values are
//! expanded, cut off and looked up is Windows' (five bits of each part name an entry of a table of 256 colours), as Wine 10's
//! `dlls/win32u/dibdrv/primitives.c` has it from tests.

use std::sync::Arc;

/// Where a part of a colour lies in a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Field {
    shift: u32,
    bits: u32,
}

impl Field {
    /// The first run of ones in a mask.
    fn of(mask: u32) -> Field {
        if mask == 0 {
            return Field::default();
        }
        let shift = mask.trailing_zeros();
        Field { shift, bits: (mask >> shift).trailing_ones() }
    }

    /// Bits of the eight that the field has room for.
    fn kept(self) -> u32 {
        if self.bits >= 8 { 0xff } else { 0xff & !(0xff >> self.bits) }
    }

    /// The part, in eight bits; the upper bits are repeated below.
    fn get(self, pixel: u32) -> u32 {
        let shift = self.shift as i32 - (8 - self.bits as i32);
        let value = if shift < 0 { pixel << -shift } else { pixel >> shift };
        let value = value & self.kept();
        value | value.checked_shr(self.bits).unwrap_or(0)
    }

    fn put(self, part: u32) -> u32 {
        let shift = self.shift as i32 - (8 - self.bits as i32);
        let value = part & self.kept();
        if shift < 0 { value >> -shift } else { value << shift }
    }
}

/// A format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// Bits of a pixel: 1, 4, 8, 16, 24, 32.
    pub depth: u32,
    /// Masks of red, green and blue, of 16 and 32 bits.
    pub masks: [u32; 3],
    fields: [Field; 3],
    /// The colour table, of 8 bits or fewer; without one the default table counts, and of one bit the colours of the DC.
    pub colors: Option<Arc<[u32]>>,
}

/// Masks of 32 bits as BI_RGB has them.
pub const MASKS_888: [u32; 3] = [0xff_0000, 0xff00, 0xff];
/// Masks of 16 bits as BI_RGB has them.
pub const MASKS_555: [u32; 3] = [0x7c00, 0x3e0, 0x1f];

/// The parts of a colour.
const fn parts(color: u32) -> [u32; 3] {
    [color >> 16 & 0xff, color >> 8 & 0xff, color & 0xff]
}

/// A COLORREF's colour, or a colour's COLORREF.
pub const fn swapped(color: u32) -> u32 {
    (color & 0xff) << 16 | color & 0xff00 | color >> 16 & 0xff
}

/// The system's twenty colours: the first ten entries of a palette and the last ten.
pub const SYSTEM_COLORS: [u32; 20] = [
    0, 0x80_0000, 0x00_8000, 0x80_8000, 0x00_0080, 0x80_0080, 0x00_8080, 0xc0_c0c0, 0xc0_dcc0, 0xa6_caf0, 0xff_fbf0,
    0xa0_a0a4, 0x80_8080, 0xff_0000, 0x00_ff00, 0xff_ff00, 0x00_00ff, 0xff_00ff, 0x00_ffff, 0xff_ffff,
];

/// The colour table of a format that brings none: of 1, 4 and 8 bits.
pub fn default_colors(depth: u32) -> Vec<u32> {
    match depth {
        1 => vec![0, 0xff_ffff],
        4 => {
            let [low, high] = [&SYSTEM_COLORS[..8], &SYSTEM_COLORS[12..]];
            // Grey and light grey change places.
            let mut all: Vec<u32> = low.iter().chain(high).copied().collect();
            all.swap(7, 8);
            all
        }
        8 => (0..256u32)
            .map(|index| match index {
                0..=9 => SYSTEM_COLORS[index as usize],
                246.. => SYSTEM_COLORS[index as usize - 236],
                _ => (index & 7) << 21 | (index >> 3 & 7) << 13 | index >> 6 << 6,
            })
            .collect(),
        _ => Vec::new(),
    }
}

impl Format {
    /// A format with a colour table or with masks; none of both are BI_RGB's.
    pub fn new(depth: u32, masks: Option<[u32; 3]>, colors: Option<Arc<[u32]>>) -> Format {
        let masks = masks.unwrap_or(match depth {
            16 => MASKS_555,
            24 | 32 => MASKS_888,
            _ => [0; 3],
        });
        Format { depth, masks, fields: masks.map(Field::of), colors: colors.filter(|_| depth <= 8) }
    }

    /// 32 bits, blue first.
    pub fn bgrx() -> Format {
        Format::new(32, None, None)
    }

    /// The same with another colour table.
    #[must_use]
    pub fn with_colors(&self, colors: Option<Arc<[u32]>>) -> Format {
        Format { colors: colors.filter(|_| self.depth <= 8), ..self.clone() }
    }

    /// Whether values of both mean the same.
    pub fn is_like(&self, other: &Format) -> bool {
        self.depth == other.depth && self.masks == other.masks && self.colors == other.colors
    }

    /// All bits of a pixel.
    pub fn mask(&self) -> u32 {
        if self.depth >= 32 { u32::MAX } else { (1 << self.depth) - 1 }
    }

    /// Bytes of a row: padded to a multiple of four.
    pub fn stride(&self, width: i32) -> usize {
        stride(width, self.depth)
    }

    /// The colour table, or the default one.
    pub fn table(&self) -> Arc<[u32]> {
        self.colors.clone().unwrap_or_else(|| default_colors(self.depth).into())
    }

    /// A pixel's colour.
    pub fn color(&self, pixel: u32) -> u32 {
        match self.depth {
            16 | 32 if self.masks != MASKS_888 => {
                let [red, green, blue] = self.fields;
                red.get(pixel) << 16 | green.get(pixel) << 8 | blue.get(pixel)
            }
            24 | 32 => pixel & 0xff_ffff,
            _ => match &self.colors {
                Some(colors) => colors.get(pixel as usize).map_or(0, |color| color & 0xff_ffff),
                None => default_colors(self.depth).get(pixel as usize).copied().unwrap_or(0),
            },
        }
    }

    /// The pixel of a colour, or of the nearest that there is.
    pub fn pixel(&self, color: u32) -> u32 {
        match self.depth {
            16 | 32 if self.masks != MASKS_888 => {
                let [red, green, blue] = parts(color);
                self.fields[0].put(red) | self.fields[1].put(green) | self.fields[2].put(blue)
            }
            24 | 32 => color & 0xff_ffff,
            _ => match &self.colors {
                Some(colors) => nearest(colors, color),
                None => nearest(&default_colors(self.depth), color),
            },
        }
    }
}

/// Bytes of a row of so many pixels, padded to a multiple of four.
pub fn stride(width: i32, depth: u32) -> usize {
    ((width.max(0) as usize * depth as usize).div_ceil(32)) * 4
}

/// The first entry that is nearest to a colour.
pub fn nearest(colors: &[u32], color: u32) -> u32 {
    let of = |other: u32| -> u32 { parts(color).iter().zip(parts(other)).map(|(a, b)| a.abs_diff(b).pow(2)).sum() };
    let mut best = (u32::MAX, 0);
    for (index, other) in colors.iter().enumerate() {
        let distance = of(*other);
        if distance < best.0 {
            best = (distance, index as u32);
            if distance == 0 {
                break;
            }
        }
    }
    best.1
}

/// How pixels of one format become pixels of another.
pub enum Conversion {
    /// They stay what they are.
    Same,
    /// Each value has its new one.
    Table(Vec<u32>),
    /// By their colours, one by one.
    Colors(Format, Format),
    /// By five bits of each part of the colour: each entry is filled in when it is first asked for.
    Lookup(Format, Format, Box<[u16; 0x8000]>),
    /// One bit: 1 where the value is this one.
    Match(u32),
}

impl Conversion {
    /// How pixels of `from` become pixels of `to`.
    pub fn new(from: &Format, to: &Format) -> Conversion {
        if from.is_like(to) {
            Conversion::Same
        } else if from.depth <= 8 {
            let count = 1 << from.depth;
            let table = from.table();
            let new = |index: usize| to.pixel(table.get(index).copied().unwrap_or(0) & 0xff_ffff);
            Conversion::Table((0..count).map(new).collect())
        } else if to.depth == 8 {
            Conversion::Lookup(from.clone(), to.clone(), Box::new([u16::MAX; 0x8000]))
        } else {
            Conversion::Colors(from.clone(), to.clone())
        }
    }

    /// Converts pixels where they lie.
    pub fn apply(&mut self, pixels: &mut [u32]) {
        match self {
            Conversion::Same => {}
            Conversion::Table(table) => {
                for pixel in pixels {
                    *pixel = table.get(*pixel as usize).copied().unwrap_or(0);
                }
            }
            Conversion::Colors(from, to) if from.masks == MASKS_888 && to.masks == MASKS_888 => {
                for pixel in pixels {
                    *pixel &= 0xff_ffff;
                }
            }
            Conversion::Colors(from, to) => {
                for pixel in pixels {
                    *pixel = to.pixel(from.color(*pixel));
                }
            }
            Conversion::Lookup(from, to, found) => {
                for pixel in pixels {
                    let color = from.color(*pixel);
                    let [red, green, blue] = parts(color).map(|part| part >> 3);
                    let place = (red | green << 5 | blue << 10) as usize & 0x7fff;
                    if found[place] == u16::MAX {
                        found[place] = to.pixel(color & 0xf8_f8f8 | 0x04_0404) as u16;
                    }
                    *pixel = u32::from(found[place]);
                }
            }
            Conversion::Match(value) => {
                for pixel in pixels {
                    *pixel = u32::from(*pixel == *value);
                }
            }
        }
    }
}

/// Takes the pixels of a row apart, from the `first`th on.
pub fn unpack(row: &[u8], depth: u32, first: usize, out: &mut [u32]) {
    match depth {
        32 => {
            for (pixel, bytes) in out.iter_mut().zip(row.get(first * 4..).unwrap_or_default().chunks_exact(4)) {
                *pixel = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            }
        }
        24 => {
            for (pixel, bytes) in out.iter_mut().zip(row.get(first * 3..).unwrap_or_default().chunks_exact(3)) {
                *pixel = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
            }
        }
        16 => {
            for (pixel, bytes) in out.iter_mut().zip(row.get(first * 2..).unwrap_or_default().chunks_exact(2)) {
                *pixel = u32::from(u16::from_le_bytes([bytes[0], bytes[1]]));
            }
        }
        8 => {
            for (pixel, byte) in out.iter_mut().zip(row.get(first..).unwrap_or_default()) {
                *pixel = u32::from(*byte);
            }
        }
        4 => {
            for (pixel, at) in out.iter_mut().zip(first..) {
                let byte = row.get(at / 2).copied().unwrap_or(0);
                *pixel = u32::from(if at.is_multiple_of(2) { byte >> 4 } else { byte & 0xf });
            }
        }
        _ => {
            for (pixel, at) in out.iter_mut().zip(first..) {
                let byte = row.get(at / 8).copied().unwrap_or(0);
                *pixel = u32::from(byte >> (7 - at % 8) & 1);
            }
        }
    }
}

/// Puts pixels into a row, from the `first`th on.
pub fn pack(row: &mut [u8], depth: u32, first: usize, pixels: &[u32]) {
    match depth {
        32 => {
            for (pixel, bytes) in pixels.iter().zip(row.get_mut(first * 4..).unwrap_or_default().chunks_exact_mut(4)) {
                bytes.copy_from_slice(&pixel.to_le_bytes());
            }
        }
        24 => {
            for (pixel, bytes) in pixels.iter().zip(row.get_mut(first * 3..).unwrap_or_default().chunks_exact_mut(3)) {
                let [a, b, c, _] = pixel.to_le_bytes();
                bytes.copy_from_slice(&[a, b, c]);
            }
        }
        16 => {
            for (pixel, bytes) in pixels.iter().zip(row.get_mut(first * 2..).unwrap_or_default().chunks_exact_mut(2)) {
                bytes.copy_from_slice(&(*pixel as u16).to_le_bytes());
            }
        }
        8 => {
            for (pixel, byte) in pixels.iter().zip(row.get_mut(first..).unwrap_or_default()) {
                *byte = *pixel as u8;
            }
        }
        4 => {
            for (pixel, at) in pixels.iter().zip(first..) {
                if let Some(byte) = row.get_mut(at / 2) {
                    let shift = if at.is_multiple_of(2) { 4 } else { 0 };
                    *byte = *byte & !(0xf << shift) | (*pixel as u8 & 0xf) << shift;
                }
            }
        }
        _ => {
            for (pixel, at) in pixels.iter().zip(first..) {
                if let Some(byte) = row.get_mut(at / 8) {
                    let bit = 0x80 >> (at % 8);
                    *byte = if pixel & 1 != 0 { *byte | bit } else { *byte & !bit };
                }
            }
        }
    }
}

/// The bytes of a row that hold so many pixels from the `first`th on.
pub fn bytes_of(depth: u32, first: usize, count: usize) -> core::ops::Range<usize> {
    let bits = depth as usize;
    first * bits / 8..((first + count) * bits).div_ceil(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_cut_off_and_expanded() {
        let high = Format::new(16, Some([0xf800, 0x7e0, 0x1f]), None);
        assert_eq!(high.pixel(0xff_8040), 0xf800 | 0x20 << 5 | 8);
        assert_eq!(high.color(high.pixel(0xff_8040)), 0xff_8242);
        let low = Format::new(16, None, None);
        assert_eq!((low.pixel(0x12_3456), low.color(0x7fff)), (0x2 << 10 | 0x6 << 5 | 0xa, 0xff_ffff));
        let wide = Format::new(32, Some([0x3ff0_0000, 0xf_fc00, 0x3ff]), None);
        assert_eq!(wide.color(wide.pixel(0xab_cdef)), 0xab_cdef);
        assert_eq!(Format::bgrx().pixel(0xff12_3456), 0x12_3456);
    }

    #[test]
    fn tables_answer_the_nearest_colour() {
        let four = Format::new(4, None, None);
        assert_eq!([0, 0x80_0000, 0xc0_c0c0, 0x80_8080, 0xff_ffff].map(|color| four.pixel(color)), [0, 1, 8, 7, 15]);
        let eight = Format::new(8, None, None);
        assert_eq!((eight.color(10), eight.color(245), eight.color(255)), (0x40_2000, 0xa0_c0c0, 0xff_ffff));
        let own = Format::new(8, None, Some(vec![1, 2, 3].into()));
        assert_eq!((own.pixel(0), own.pixel(0xff), own.color(7)), (0, 2, 0));
    }

    #[test]
    fn rows_are_what_was_put_into_them() {
        for depth in [1, 4, 8, 16, 24, 32] {
            let format = Format::new(depth, None, None);
            let mut row = vec![0xff; format.stride(20)];
            let pixels: Vec<u32> = (0..9).map(|n: u32| n.wrapping_mul(0x9e37_79b9) & format.mask()).collect();
            pack(&mut row, depth, 3, &pixels);
            let mut back = vec![0; 11];
            unpack(&row, depth, 2, &mut back);
            assert_eq!((back[0], back[10]), (format.mask(), format.mask()), "{depth}");
            assert_eq!(back[1..10], pixels, "{depth}");
        }
        assert_eq!((bytes_of(1, 7, 2), bytes_of(4, 1, 1), bytes_of(24, 2, 2)), (0..2, 0..1, 6..12));
    }

    #[test]
    fn conversions_go_by_tables_and_by_five_bits() {
        let mut pixels = [0xff_0000, 0x00_ff07, 0x07_0707];
        Conversion::new(&Format::bgrx(), &Format::new(4, None, None)).apply(&mut pixels);
        assert_eq!(pixels, [9, 10, 0]);
        let mut pixels = [0, 1, 1];
        let mono = Format::new(1, None, Some(vec![0x11_2233, 0x44_5566].into()));
        Conversion::new(&mono, &Format::bgrx()).apply(&mut pixels);
        assert_eq!(pixels, [0x11_2233, 0x44_5566, 0x44_5566]);
        let mut pixels = [5, 6];
        Conversion::Match(6).apply(&mut pixels);
        assert_eq!(pixels, [0, 1]);
    }
}
