//! Glyphs over one background, four or eight pixels at a time: `ntum::host::tint`'s with what most processors have.
#![allow(unsafe_code)]

use core::arch::x86_64::*;
use ntum::host::tint::{DRAWN, Shades, Tint, WORD};

/// As [`Tint::draw`].
pub fn draw(tint: &Tint, run: &mut [u32], width: usize, shades: &Shades<'_>) -> Option<(usize, usize)> {
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has it.
        unsafe { in_pairs(&Table::new(tint), run, width, shades) }
    } else if is_x86_feature_detected!("ssse3") {
        // SAFETY: the processor has it.
        unsafe { in_words(&Table::new(tint), run, width, shades) }
    } else {
        tint.draw(run, width, shades)
    }
}

/// A tint, in registers.
struct Table {
    /// Each byte of a pixel, by shade less one.
    blue: __m128i,
    green: __m128i,
    red: __m128i,
    drawn: __m128i,
    there: u32,
    text: u32,
}

impl Table {
    fn new(tint: &Tint) -> Table {
        // SAFETY: 16 bytes are loaded, which the reference has.
        let [blue, green, red, drawn] =
            tint.parts.each_ref().map(|part| unsafe { _mm_loadu_si128(part.as_ptr().cast()) });
        Table { blue, green, red, drawn, there: tint.there, text: tint.text }
    }

    /// The lower and the upper four pixels of eight shades, the highest bit of each says whether it is drawn: each byte of them is looked
    /// up by all shades at once.
    #[inline]
    #[target_feature(enable = "ssse3")]
    fn pixels(&self, levels: __m128i) -> (__m128i, __m128i) {
        let by = _mm_subs_epu8(levels, _mm_set1_epi8(1));
        let low = _mm_unpacklo_epi8(_mm_shuffle_epi8(self.blue, by), _mm_shuffle_epi8(self.green, by));
        let high = _mm_unpacklo_epi8(_mm_shuffle_epi8(self.red, by), _mm_shuffle_epi8(self.drawn, by));
        (_mm_unpacklo_epi16(low, high), _mm_unpackhi_epi16(low, high))
    }

    /// Draws a word. What is drawn is what is under a shade and no text yet; the pixels are known where all that is drawn lies on the
    /// background: false, and nothing is drawn, where not.
    #[inline]
    #[target_feature(enable = "ssse3")]
    fn word(&self, pixels: &mut [u32; WORD], levels: u32) -> bool {
        if levels & DRAWN == 0 {
            return true;
        }
        let (new, _) = self.pixels(_mm_cvtsi32_si128(levels as i32));
        // SAFETY: a word of pixels is 16 bytes.
        let old = unsafe { _mm_loadu_si128(pixels.as_ptr().cast()) };
        let is_drawn = _mm_srai_epi32(new, 31);
        let is_text = _mm_cmpeq_epi32(old, _mm_set1_epi32(self.text as i32));
        let is_known = _mm_or_si128(is_text, _mm_cmpeq_epi32(old, _mm_set1_epi32(self.there as i32)));
        if _mm_movemask_epi8(_mm_andnot_si128(is_known, is_drawn)) != 0 {
            return false;
        }
        let changes = _mm_andnot_si128(is_text, is_drawn);
        let new = _mm_and_si128(changes, _mm_and_si128(new, _mm_set1_epi32(0xff_ffff)));
        let all = _mm_or_si128(_mm_andnot_si128(changes, old), new);
        // SAFETY: as above.
        unsafe { _mm_storeu_si128(pixels.as_mut_ptr().cast(), all) };
        true
    }

    /// As [`Table::word`], of two words.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn pair(&self, pixels: &mut [u32; PAIR], levels: u64) -> bool {
        if levels & (DRAWN as u64 | (DRAWN as u64) << 32) == 0 {
            return true;
        }
        let (low, high) = self.pixels(_mm_cvtsi64_si128(levels as i64));
        let new = _mm256_set_m128i(high, low);
        // SAFETY: two words of pixels are 32 bytes.
        let old = unsafe { _mm256_loadu_si256(pixels.as_ptr().cast()) };
        let is_drawn = _mm256_srai_epi32(new, 31);
        let is_text = _mm256_cmpeq_epi32(old, _mm256_set1_epi32(self.text as i32));
        let is_known = _mm256_or_si256(is_text, _mm256_cmpeq_epi32(old, _mm256_set1_epi32(self.there as i32)));
        // Whether nothing is drawn that is not known.
        if _mm256_testc_si256(is_known, is_drawn) == 0 {
            return false;
        }
        let changes = _mm256_andnot_si256(is_text, is_drawn);
        let all = _mm256_blendv_epi8(old, _mm256_and_si256(new, _mm256_set1_epi32(0xff_ffff)), changes);
        // SAFETY: as above.
        unsafe { _mm256_storeu_si256(pixels.as_mut_ptr().cast(), all) };
        true
    }
}

/// Pixels of two words.
const PAIR: usize = 2 * WORD;

/// Rows of pixels and of shades, as far as both are there.
fn rows<'a>(
    run: &'a mut [u32],
    width: usize,
    shades: &Shades<'a>,
) -> impl Iterator<Item = Option<(&'a mut [u32], &'a [u8])>> {
    let columns = shades.columns;
    let levels = shades.levels.chunks(shades.pitch.max(1));
    let rows = run.chunks_mut(width.max(1)).zip(levels);
    rows.map(move |(pixels, levels)| Some((pixels.get_mut(..columns)?, levels.get(..columns)?)))
        .chain([None])
        .take(shades.rows)
}

#[target_feature(enable = "ssse3")]
fn in_words(table: &Table, run: &mut [u32], width: usize, shades: &Shades<'_>) -> Option<(usize, usize)> {
    for (row, there) in rows(run, width, shades).enumerate() {
        let Some((pixels, levels)) = there else { return Some((row, 0)) };
        let words = pixels.as_chunks_mut().0.iter_mut().zip(levels.as_chunks().0);
        for (word, (pixels, levels)) in words.enumerate() {
            if !table.word(pixels, u32::from_le_bytes(*levels)) {
                return Some((row, word * WORD));
            }
        }
    }
    None
}

#[target_feature(enable = "avx2")]
fn in_pairs(table: &Table, run: &mut [u32], width: usize, shades: &Shades<'_>) -> Option<(usize, usize)> {
    for (row, there) in rows(run, width, shades).enumerate() {
        let Some((pixels, levels)) = there else { return Some((row, 0)) };
        let ((pixels, last), (levels, last_levels)) = (pixels.as_chunks_mut::<PAIR>(), levels.as_chunks::<PAIR>());
        for (pair, (pixels, levels)) in pixels.iter_mut().zip(levels).enumerate() {
            let levels = u64::from_le_bytes(*levels);
            if !table.pair(pixels, levels) {
                // The first of its words that is not known.
                let first = pixels.first_chunk_mut().is_some_and(|word| table.word(word, levels as u32));
                return Some((row, pair * PAIR + usize::from(first) * WORD));
            }
        }
        if let (Some(pixels), Some(levels)) = (last.first_chunk_mut(), last_levels.first_chunk())
            && !table.word(pixels, u32::from_le_bytes(*levels))
        {
            return Some((row, shades.columns / PAIR * PAIR));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_their_pixels_are() {
        let mut seed = 7u32;
        let mut next = |most: u32| {
            seed = seed.wrapping_mul(0x915f_77f5).wrapping_add(1);
            (seed >> 16) % most
        };
        for round in 0..2000 {
            let (there, text) = (next(0xffff) * 211, next(0xffff) * 101);
            let mut tint = Tint { there, ..Tint::new(text) };
            (2..=16).for_each(|shade| tint.set(shade, next(0xffff) * 173));
            let levels: Vec<u8> = (0..16 * 9).map(|_| [0, next(17) as u8, 16][next(3) as usize]).collect();
            let columns = [4, 7, 12, 16][next(4) as usize];
            let shades = Shades { levels: &levels, pitch: 16, columns, rows: 9 };
            // Now and then something else is there.
            let other = if round % 3 == 0 { 40 } else { 100_000 };
            let room = 9 * 20 - next(9) as usize;
            let mut pixel = || if next(other) == 0 { 1 } else { [there, text][next(2) as usize] };
            let mut run: Vec<u32> = (0..room).map(|_| pixel()).collect();
            let mut wanted = run.clone();
            let mut narrow = run.clone();
            let met = tint.draw(&mut wanted, 20, &shades);
            assert_eq!(draw(&tint, &mut run, 20, &shades), met);
            assert_eq!(run, wanted);
            if is_x86_feature_detected!("ssse3") {
                // SAFETY: the processor has it.
                assert_eq!(unsafe { in_words(&Table::new(&tint), &mut narrow, 20, &shades) }, met);
                assert_eq!(narrow, wanted);
            }
        }
    }
}
