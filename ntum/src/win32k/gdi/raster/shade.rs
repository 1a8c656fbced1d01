//! Putting the shades of glyphs down: the colour of text over what is there.
//!
//! Shades of grey are 0 to 16 and mean what stock Wine shows: how light a pixel becomes is looked up, in a ramp that was
//! measured, for black on white and white on black, and what lies between is between.

use super::super::format::Format;
use std::sync::OnceLock;

/// Light of the 17 shades of white on black.
const RAMP: [u8; 17] =
    [0, 0x4d, 0x68, 0x7c, 0x8c, 0x9a, 0xa7, 0xb2, 0xbd, 0xc7, 0xd0, 0xd9, 0xe1, 0xe9, 0xf0, 0xf8, 0xff];

/// What becomes of each part of what is there, by shade.
type Table = [[u8; 256]; 17];

/// The tables of all parts of text's colours, made when they are first needed: programs have few colours.
static TABLES: [OnceLock<Box<Table>>; 256] = [const { OnceLock::new() }; 256];

fn table(text: u8) -> &'static Table {
    static NONE: Table = [[0; 256]; 17];
    let Some(place) = TABLES.get(usize::from(text)) else { return &NONE };
    place.get_or_init(|| {
        let mut table = Box::new([[0; 256]; 17]);
        for (shade, row) in table.iter_mut().enumerate() {
            for (there, value) in (0..=255).zip(row) {
                *value = mixed(there, text, shade);
            }
        }
        table
    })
}

/// A colour of text for one surface.
pub struct Paint<'a> {
    format: &'a Format,
    pixel: u32,
    /// For red, green and blue.
    tables: [&'static Table; 3],
    /// Whether pixels are colours as they are.
    plain: bool,
}

/// A part of a pixel of which `shade` of 16 is text.
fn mixed(there: u8, text: u8, shade: usize) -> u8 {
    let (there, text) = (u32::from(there), u32::from(text));
    let ramp = |shade: usize| RAMP.get(shade).copied().map_or(0xff, u32::from);
    let light = ramp(16 - shade.min(16));
    let least = ramp(shade) * text / 0xff;
    let most = light + (0xff - light) * text / 0xff;
    (match there {
        there if there > text => text + (there - text) * (most - text.min(most)) / (0xff - text),
        there if there < text => text - (text - there) * (text - least) / text,
        there => there,
    }) as u8
}

/// A part of a pixel of which `alpha` of 255 is text.
fn blended(there: u32, text: u32, alpha: u32) -> u32 {
    (text * alpha + there * (255 - alpha) + 127) / 255
}

impl<'a> Paint<'a> {
    /// Paint of a surface's pixel.
    pub fn new(format: &'a Format, pixel: u32) -> Paint<'a> {
        let [_, red, green, blue] = format.color(pixel).to_be_bytes();
        Paint { format, pixel, tables: [red, green, blue].map(table), plain: format.is_like(&Format::bgrx()) }
    }

    /// Puts shades from 0 to 16 down.
    pub fn levels(&self, pixels: &mut [u32], levels: &[u8]) {
        for (pixel, level) in pixels.iter_mut().zip(levels) {
            match level {
                0 | 1 => {}
                16.. => *pixel = self.pixel,
                level => {
                    let there = if self.plain { *pixel } else { self.format.color(*pixel) };
                    let [_, red, green, blue] = there.to_be_bytes();
                    let part = |table: &Table, value: u8| {
                        table.get(usize::from(*level)).map_or(0, |row| u32::from(row[usize::from(value)]))
                    };
                    let [reds, greens, blues] = self.tables;
                    let color = part(reds, red) << 16 | part(greens, green) << 8 | part(blues, blue);
                    *pixel = if self.plain { color } else { self.format.pixel(color) };
                }
            }
        }
    }

    /// Puts shades of the parts of pixels down.
    pub fn parts(&self, pixels: &mut [u32], parts: &[u32]) {
        let text = self.format.color(self.pixel);
        for (pixel, part) in pixels.iter_mut().zip(parts) {
            if *part == 0 {
                continue;
            }
            let there = self.format.color(*pixel);
            let one = |shift: u32| blended(there >> shift & 0xff, text >> shift & 0xff, part >> shift & 0xff) << shift;
            *pixel = self.format.pixel(one(16) | one(8) | one(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_lie_between() {
        let format = Format::bgrx();
        let black = Paint::new(&format, 0);
        let mut pixels = [0xff_ffff; 5];
        black.levels(&mut pixels, &[0, 1, 8, 15, 16]);
        assert_eq!(pixels, [0xff_ffff, 0xff_ffff, 0xbd_bdbd, 0x4d_4d4d, 0]);
        let white = Paint::new(&format, 0xff_ffff);
        let mut pixels = [0; 2];
        white.levels(&mut pixels, &[8, 16]);
        assert_eq!(pixels, [0xbd_bdbd, 0xff_ffff]);
        for shade in 0..=16 {
            for there in [0, 1, 100, 255] {
                for text in [0, 7, 200, 255] {
                    let (low, high) = (there.min(text), there.max(text));
                    assert!((low..=high).contains(&mixed(there, text, shade)));
                }
            }
        }
    }

    #[test]
    fn parts_are_blended_each() {
        let format = Format::bgrx();
        let mut pixels = [0xff_ffff, 0x12_3456];
        Paint::new(&format, 0).parts(&mut pixels, &[0xff_0080, 0]);
        assert_eq!(pixels, [0x00_ff7f, 0x12_3456]);
    }
}
