//! Glyphs over one background, four pixels at a time: `ntum::host::tint`'s with what most processors have.
#![allow(unsafe_code)]

use core::arch::x86_64::*;
use ntum::host::tint::{DRAWN, Shades, Tint, WORD};

/// As [`Tint::draw`].
pub fn draw(tint: &Tint, run: &mut [u32], width: usize, shades: &Shades<'_>) -> Option<(usize, usize)> {
    if !is_x86_feature_detected!("ssse3") {
        return tint.draw(run, width, shades);
    }
    // SAFETY: the processor has it.
    unsafe { in_words(tint, run, width, shades) }
}

/// Each byte of a word's pixels is looked up by all four shades at once. What is drawn is what is under a shade and no text yet; the pixels
/// are known where all that is drawn lies on the background.
#[target_feature(enable = "ssse3")]
fn in_words(tint: &Tint, run: &mut [u32], width: usize, shades: &Shades<'_>) -> Option<(usize, usize)> {
    // SAFETY: 16 bytes are loaded, which the reference has.
    let [blue, green, red, drawn] = tint.parts.each_ref().map(|part| unsafe { _mm_loadu_si128(part.as_ptr().cast()) });
    let (there, text) = (_mm_set1_epi32(tint.there as i32), _mm_set1_epi32(tint.text as i32));
    let (one, color) = (_mm_set1_epi8(1), _mm_set1_epi32(0xff_ffff));
    for row in 0..shades.rows {
        let pixels = run.get_mut(row * width..row * width + shades.columns);
        let levels = shades.levels.get(row * shades.pitch..row * shades.pitch + shades.columns);
        let (Some(pixels), Some(levels)) = (pixels, levels) else { return Some((row, 0)) };
        let words = pixels.as_chunks_mut::<WORD>().0.iter_mut().zip(levels.as_chunks::<WORD>().0);
        for (word, (pixels, levels)) in words.enumerate() {
            let levels = u32::from_le_bytes(*levels);
            if levels & DRAWN == 0 {
                continue;
            }
            let by = _mm_subs_epu8(_mm_cvtsi32_si128(levels as i32), one);
            let low = _mm_unpacklo_epi8(_mm_shuffle_epi8(blue, by), _mm_shuffle_epi8(green, by));
            let high = _mm_unpacklo_epi8(_mm_shuffle_epi8(red, by), _mm_shuffle_epi8(drawn, by));
            let new = _mm_unpacklo_epi16(low, high);
            // SAFETY: a word of pixels is 16 bytes.
            let old = unsafe { _mm_loadu_si128(pixels.as_ptr().cast()) };
            let is_drawn = _mm_srai_epi32(new, 31);
            let is_text = _mm_cmpeq_epi32(old, text);
            let is_known = _mm_or_si128(is_text, _mm_cmpeq_epi32(old, there));
            if _mm_movemask_epi8(_mm_andnot_si128(is_known, is_drawn)) != 0 {
                return Some((row, word * WORD));
            }
            let changes = _mm_andnot_si128(is_text, is_drawn);
            let new = _mm_and_si128(changes, _mm_and_si128(new, color));
            let all = _mm_or_si128(_mm_andnot_si128(changes, old), new);
            // SAFETY: as above.
            unsafe { _mm_storeu_si128(pixels.as_mut_ptr().cast(), all) };
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
            assert_eq!(draw(&tint, &mut run, 20, &shades), tint.draw(&mut wanted, 20, &shades));
            assert_eq!(run, wanted);
        }
    }
}
