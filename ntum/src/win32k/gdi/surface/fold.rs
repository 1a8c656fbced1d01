//! Bitmaps that nobody has selected, once a program's start is over: the pixels of an icon of 256 x 256, of which comctl32 alone loads
//! six, take a tenth of their memory packed. Who opens such a surface finds its pixels as they were.

use super::{Memory, Surface};
use core::ops::RangeInclusive;
use zerocopy::{FromZeros, IntoBytes};

/// Bytes of pixels that are worth it, and whose packing takes some milliseconds at most.
const SIZES: RangeInclusive<usize> = 16 << 10..=4 << 20;

/// Pixels that are packed.
#[derive(Debug)]
pub struct Folded {
    packed: Box<[u8]>,
    words: usize,
}

impl Folded {
    /// `None` if that would not make less of them.
    fn of(words: &[u32]) -> Option<Folded> {
        let packed = lz4_flex::block::compress(words.as_bytes());
        (packed.len() <= words.len()).then(|| Folded { packed: packed.into(), words: words.len() })
    }

    /// The pixels.
    pub fn words(&self) -> Vec<u32> {
        let mut words = vec![0; self.words];
        if lz4_flex::block::decompress_into(&self.packed, words.as_mut_bytes()).is_err() {
            // Nobody but `of` makes one.
            words.zero();
        }
        words
    }
}

impl Surface {
    /// Packs its pixels, if they are the kernel's own and nobody has it open.
    pub fn fold(&self) {
        let Some(mut inner) = self.inner.try_lock() else { return };
        if let Memory::Own(words) = &inner.memory
            && SIZES.contains(&(words.len() * 4))
            && let Some(folded) = Folded::of(words)
        {
            inner.memory = Memory::Folded(folded);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;
    use crate::win32k::gdi::format::Format;

    fn surface(pixel: impl Fn(u32) -> u32) -> (&'static crate::kernel::Kernel, Surface, Vec<u32>) {
        let (_, k) = Fake::kernel();
        let surface = Surface::new(256, 64, Format::bgrx()).unwrap();
        let pixels: Vec<u32> = (0..256 * 64).map(pixel).collect();
        for (y, row) in (0..).zip(pixels.chunks(256)) {
            surface.open(k).store(0, y, row).unwrap();
        }
        (k, surface, pixels)
    }

    fn is_folded(surface: &Surface) -> bool {
        matches!(surface.inner.lock().memory, Memory::Folded(_))
    }

    #[test]
    fn pixels_are_as_they_were() {
        let (k, surface, pixels) = surface(|at| if at % 256 < 100 { 0xff33_6699 } else { at / 256 });
        surface.fold();
        assert!(is_folded(&surface));
        let mut row = vec![0; 256];
        for (y, wanted) in (0..).zip(pixels.chunks(256)) {
            surface.open(k).load(0, y, &mut row).unwrap();
            assert_eq!(row, wanted);
        }
        assert!(!is_folded(&surface));
    }

    #[test]
    fn noise_and_what_is_open_stay_as_they_are() {
        let (k, surface, _) = surface(|at| at.wrapping_mul(0x9e37_79b9) ^ at.rotate_left(13).wrapping_mul(0x85eb_ca6b));
        surface.fold();
        assert!(!is_folded(&surface));
        let flat = Surface::new(256, 64, Format::bgrx()).unwrap();
        let opened = flat.open(k);
        flat.fold();
        drop(opened);
        assert!(!is_folded(&flat));
        flat.fold();
        assert!(is_folded(&flat));
    }
}
