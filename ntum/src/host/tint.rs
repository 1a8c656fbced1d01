//! Glyphs over a background of one colour, which most of them are drawn on: what becomes of a pixel is then the shade's to say alone.

/// What shades of text make of one background. Pixels have 24 bits.
#[derive(Debug, Clone, Default)]
pub struct Tint {
    /// The background's pixel.
    pub there: u32,
    /// The text's pixel, which stays as it is under any shade.
    pub text: u32,
    /// By shade less one, each byte of the pixel, the lowest first; then 255. The first of each, for shades that draw nothing, are 0.
    pub parts: [[u8; 16]; 4],
}

/// Rows of a glyph's shades, 0 to 16.
#[derive(Debug, Clone, Copy)]
pub struct Shades<'a> {
    /// One after the other.
    pub levels: &'a [u8],
    /// From a row to the next.
    pub pitch: usize,
    /// In a row. Those that are left over from whole words are not drawn.
    pub columns: usize,
    /// How many there are.
    pub rows: usize,
}

/// Pixels of a word.
pub const WORD: usize = 4;

/// Shades that draw nothing are 0 under it, four of them at once.
pub const DRAWN: u32 = 0xfefe_fefe;

impl Tint {
    /// What shades of text make of text.
    pub fn new(text: u32) -> Tint {
        let mut tint = Tint { there: text, text, ..Tint::default() };
        (2..=16).for_each(|shade| tint.set(shade, text));
        tint
    }

    /// Makes a shade mean a pixel.
    pub fn set(&mut self, shade: u8, pixel: u32) {
        let [blue, green, red, _] = pixel.to_le_bytes();
        for (parts, part) in self.parts.iter_mut().zip([blue, green, red, 255]) {
            if let Some(place) = parts.get_mut(usize::from(shade).wrapping_sub(1)) {
                *place = part;
            }
        }
    }

    /// Draws words of pixels, row by row, `width` from a row to the next; answers row and column of the first word that it cannot draw:
    /// something else is there, or no room.
    pub fn draw(&self, run: &mut [u32], width: usize, shades: &Shades<'_>) -> Option<(usize, usize)> {
        for row in 0..shades.rows {
            let pixels = run.get_mut(row * width..row * width + shades.columns);
            let levels = shades.levels.get(row * shades.pitch..row * shades.pitch + shades.columns);
            let (Some(pixels), Some(levels)) = (pixels, levels) else { return Some((row, 0)) };
            let words = pixels.as_chunks_mut::<WORD>().0.iter_mut().zip(levels.as_chunks::<WORD>().0);
            for (word, (pixels, levels)) in words.enumerate() {
                let is_drawn = |level: u8| level > 1;
                let knows = |there: u32| there == self.there || there == self.text;
                if pixels.iter().zip(levels).any(|(there, level)| is_drawn(*level) && !knows(*there)) {
                    return Some((row, word * WORD));
                }
                for (pixel, level) in pixels.iter_mut().zip(levels) {
                    if is_drawn(*level) && *pixel != self.text {
                        let part = |at: usize| {
                            self.parts
                                .get(at)
                                .and_then(|parts| parts.get(usize::from(*level) - 1))
                                .copied()
                                .unwrap_or(0)
                        };
                        *pixel = u32::from_le_bytes([part(0), part(1), part(2), 0]);
                    }
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_left_to_the_caller() {
        let mut tint = Tint { there: 0xff_ffff, text: 5, ..Tint::default() };
        for shade in 2..=16 {
            tint.set(shade, 0x01_0101 * u32::from(shade));
        }
        let levels = [0, 1, 2, 16, 9, 9, 9, 9, 3, 3, 3, 3, 0, 0, 0, 0];
        let shades = Shades { levels: &levels, pitch: 8, columns: 8, rows: 2 };
        let mut run = [0xff_ffff; 16];
        (run[5], run[12], run[13]) = (5, 7, 7);
        assert_eq!(tint.draw(&mut run, 8, &shades), None);
        let white = 0xff_ffff;
        assert_eq!(run[..8], [white, white, 0x02_0202, 0x10_1010, 0x09_0909, 5, 0x09_0909, 0x09_0909]);
        assert_eq!(run[8..], [0x03_0303, 0x03_0303, 0x03_0303, 0x03_0303, 7, 7, white, white]);
        // Now there is something else.
        assert_eq!(tint.draw(&mut run, 8, &shades), Some((0, 0)));
        assert_eq!(tint.draw(&mut [white; 12], 8, &shades), Some((1, 0)));
    }
}
