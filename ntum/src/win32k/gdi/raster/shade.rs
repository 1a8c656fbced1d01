//! Putting the shades of glyphs down: the colour of text over what is there.
//!
//! Shades of grey are 0 to 16 and mean what stock Wine shows: how light a pixel becomes is looked up, in a ramp that was
//! measured, for black on white and white on black, and what lies between is between.

use super::super::format::Format;
use crate::host::Host;
use crate::host::tint::{Shades, Tint, WORD};
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
    /// The parts of a word of pixels.
    word: Word,
    /// What shades mean over the background that is kept in mind; the text itself at first.
    tint: Tint,
    /// How often something else may be met until backgrounds are no longer looked for.
    patience: u32,
    /// What that was the last time.
    met: Option<u32>,
}

/// Backgrounds that are met before each pixel is mixed by itself.
const PATIENCE: u32 = 64;

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

impl<'a> Paint<'a> {
    /// Paint of a surface's pixel.
    pub fn new(format: &'a Format, pixel: u32) -> Paint<'a> {
        let [_, red, green, blue] = format.color(pixel).to_be_bytes();
        let part = |at: usize| [blue, green, red, 0].get(at % 4).copied().map_or(0, u16::from);
        let plain = format.is_like(&Format::bgrx());
        let tables = [red, green, blue].map(table);
        let word = core::array::from_fn(part);
        let paint = Paint { format, pixel, tables, plain, word, tint: Tint::new(pixel), patience: 0, met: None };
        // Backgrounds are kept in mind where what is text already stays what it is, and pixels leave a byte free.
        let stays = plain || (2..16).all(|shade| paint.mixed(pixel, shade) == pixel);
        Paint { patience: if stays && pixel >> 24 == 0 { PATIENCE } else { 0 }, ..paint }
    }

    /// What becomes of a pixel under a shade.
    fn mixed(&self, there: u32, shade: u8) -> u32 {
        let mut pixel = [there];
        self.levels(&mut pixel, &[shade]);
        let [pixel] = pixel;
        pixel
    }

    /// Puts a glyph's shades down, on rows of pixels that are `width` apart. Where `run` ends, so does the glyph.
    pub fn glyph(&mut self, host: &dyn Host, run: &mut [u32], width: usize, shades: &Shades<'_>) {
        let columns = shades.columns;
        let mut row = 0;
        while row < shades.rows {
            let mut from = 0;
            if self.patience > 0 {
                let (Some(run), Some(levels)) = (run.get_mut(row * width..), shades.levels.get(row * shades.pitch..))
                else {
                    return;
                };
                let rest = Shades { levels, rows: shades.rows - row, ..*shades };
                let met = host.tint(&self.tint, run, width, &rest);
                let (done, column) = met.unwrap_or((rest.rows, 0));
                self.leftovers(run, width, &Shades { rows: done, ..rest });
                (row, from) = (row + done, column);
                if met.is_none() {
                    break;
                }
            }
            let end = (row * width + columns).min(run.len());
            let pixels = run.get_mut(row * width + from..end).unwrap_or_default();
            let at = row * shades.pitch;
            let levels = shades.levels.get(at + from..at + columns).unwrap_or_default();
            self.meet(pixels, levels);
            self.levels(pixels, levels);
            row += 1;
        }
    }

    /// Puts down what rows have beyond whole words.
    fn leftovers(&self, run: &mut [u32], width: usize, shades: &Shades<'_>) {
        let left = shades.columns % WORD;
        if left == 0 {
            return;
        }
        for row in 0..shades.rows {
            let (pixel, level) = (row * width + shades.columns, row * shades.pitch + shades.columns);
            let levels = shades.levels.get(level - left..level).unwrap_or_default();
            self.levels(run.get_mut(pixel - left..pixel).unwrap_or_default(), levels);
        }
    }

    /// Keeps the background in mind that mixed pixels are drawn over, if it is the first, or was met twice in turn.
    fn meet(&mut self, pixels: &[u32], levels: &[u8]) {
        let is_new = |there: u32| there != self.pixel && there != self.tint.there;
        let mixed = pixels.iter().zip(levels).filter(|(_, level)| (2..16).contains(*level));
        let Some(met) = mixed.map(|(there, _)| *there).find(|there| is_new(*there)) else { return };
        self.patience = self.patience.saturating_sub(1);
        if self.met.is_none_or(|before| before == met) {
            let mut tint = Tint { there: met, ..Tint::new(self.pixel) };
            for shade in 2..=16 {
                let pixel = self.mixed(met, shade);
                if pixel >> 24 != 0 {
                    self.patience = 0;
                }
                tint.set(shade, pixel);
            }
            self.tint = tint;
        }
        self.met = Some(met);
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

    /// Puts shades of the parts of pixels down. Where one is not 0, the upper byte is 255.
    pub fn parts(&self, pixels: &mut [u32], parts: &[u32]) {
        if self.plain {
            return blend_words(pixels, parts, &self.word);
        }
        let text = self.format.color(self.pixel);
        for (pixel, part) in pixels.iter_mut().zip(parts) {
            if *part != 0 {
                *pixel = self.format.pixel(blended(self.format.color(*pixel), text, *part) & 0xff_ffff);
            }
        }
    }
}

/// Each part of a pixel, of which so many of 255 are text.
fn blended(there: u32, text: u32, parts: u32) -> u32 {
    let one = |shift: u32| {
        let [there, text, alpha] = [there, text, parts].map(|value| value >> shift & 0xff);
        ((text * alpha + there * (255 - alpha) + 127) / 255) << shift
    };
    one(16) | one(8) | one(0)
}

/// Pixels that are blended together.
const PIXELS: usize = 4;
/// A number for each part of them.
type Word = [u16; 4 * PIXELS];

/// As [`blended`], of pixels that are colours as they are: parts are bytes, and the upper one of what is drawn on becomes 0. It stands by
/// itself so that nothing is known of the text's colour, and all parts of a word are computed alike, at once.
#[inline(never)]
fn blend_words(pixels: &mut [u32], parts: &[u32], text: &Word) {
    let count = pixels.len().min(parts.len());
    let (pixels, parts) = (pixels.get_mut(..count).unwrap_or_default(), parts.get(..count).unwrap_or_default());
    let (words, pixels) = pixels.as_chunks_mut::<PIXELS>();
    let (whole, parts) = parts.as_chunks::<PIXELS>();
    for (there, parts) in words.iter_mut().zip(whole) {
        let there: &mut [u8; 4 * PIXELS] = zerocopy::transmute_mut!(there);
        let parts: &[u8; 4 * PIXELS] = zerocopy::transmute_ref!(parts);
        *there = core::array::from_fn(|at| {
            let (there, alpha) = (u16::from(there[at]), u16::from(parts[at]));
            ((text[at] * alpha + there * (255 - alpha) + 127) / 255) as u8
        });
    }
    let color = u32::from_le_bytes([0, 1, 2, 3].map(|at: usize| text[at] as u8));
    for (pixel, part) in pixels.iter_mut().zip(parts) {
        if *part != 0 {
            *pixel = blended(*pixel, color, *part);
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
    fn glyphs_are_what_their_pixels_are() {
        let (_, k) = crate::host::fake::Fake::kernel();
        let (plain, other) = (Format::bgrx(), Format::new(16, None, None));
        let mut seed = 1u32;
        let mut next = |most: u32| {
            seed = seed.wrapping_mul(0x915f_77f5).wrapping_add(1);
            (seed >> 16) % most
        };
        // One background, two that take turns, and another for each pixel; twice over the same place.
        for (format, all) in [(&plain, 0xff_ffff), (&other, 0x7fff)] {
            for kinds in [1, 2, 1000] {
                for columns in [1, 4, 9, 12, 16] {
                    let text = (next(0xffff) * 99) & all;
                    let levels: Vec<u8> = (0..16 * 20).map(|_| [0, next(17) as u8, 16][next(3) as usize]).collect();
                    let mut run: Vec<u32> =
                        (0..20 * 16).map(|_| next(kinds).wrapping_mul(0x9e37_79b9) ^ 0x00c3_d2e1).collect();
                    run.iter_mut().for_each(|pixel| *pixel &= all);
                    let mut wanted = run.clone();
                    let mut paint = Paint::new(format, text);
                    for _ in 0..2 {
                        for row in 0..16 {
                            let pixels = wanted.get_mut(row * 20 + 3..).unwrap();
                            let count = columns.min(pixels.len());
                            paint.levels(&mut pixels[..count], &levels[row * 16..row * 16 + count]);
                        }
                        let shades = Shades { levels: &levels, pitch: 16, columns, rows: 16 };
                        paint.glyph(k.host, &mut run[3..], 20, &shades);
                        assert_eq!(run, wanted, "{kinds} {columns}");
                    }
                }
            }
        }
        // Nothing is drawn where there is no room.
        let shades = Shades { levels: &[16; 64], pitch: 16, columns: 16, rows: 4 };
        let mut run = vec![7; 16 + 5];
        Paint::new(&plain, 9).glyph(k.host, &mut run, 16, &shades);
        assert_eq!(run, [9; 21]);
    }

    #[test]
    fn parts_are_blended_each() {
        let format = Format::bgrx();
        let mut pixels = [0xff_ffff, 0x12_3456];
        Paint::new(&format, 0).parts(&mut pixels, &[0xffff_0080, 0]);
        assert_eq!(pixels, [0x00_ff7f, 0x12_3456]);
        // Words and what is left of them are the same.
        for text in [0, 0xff_ffff, 0x12_80fe] {
            let there: Vec<u32> = (0..1023u32).map(|at| at.wrapping_mul(0x9e37_79b9) & 0xff_ffff).collect();
            let parts: Vec<u32> = (0..1023u32)
                .map(|at| if at % 3 == 0 { 0 } else { at.wrapping_mul(0x85eb_ca6b) | 0xff00_0000 })
                .collect();
            let mut pixels = there.clone();
            Paint::new(&format, text).parts(&mut pixels, &parts);
            for ((pixel, there), part) in pixels.iter().zip(&there).zip(&parts) {
                assert_eq!(*pixel, if *part == 0 { *there } else { blended(*there, text, *part) });
            }
        }
    }
}
