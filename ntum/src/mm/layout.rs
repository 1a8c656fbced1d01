//! Where in the guest's half things go that did not ask for a place.
//!
//! The guest's half is 0x10000 to 0x7ffffffeffff, as on Windows. The runtime's own image, heap and stacks lie in its upper
//! part (0x5555… and above 0x7eff…), where the host put them: nothing is placed there unless the guest asks for it. Images
//! lie close together above 4 GB, near the bases most of them were linked for, so that few of them need relocating and few
//! page tables are needed; private memory begins at a place that differs from start to start.

use super::Mm;
use super::region::Limits;
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::{HIGHEST, LOWEST};
use std::ops::Range;
use std::sync::atomic::Ordering;

/// Images that cannot have the base they were linked for.
const IMAGES: Range<u64> = 0x1_8000_0000..0x10_0000_0000;
/// Private memory and views begin in the first part of it.
const PRIVATE: Range<u64> = 0x10_0000_0000..0x5000_0000_0000;
/// Places of the beginning of private memory: a 20-bit number times 64 KB.
const CHOICES: u64 = 1 << 20;
/// Everything that is above the 4 GB that 32-bit habits look at, and below the runtime.
const ABOVE_4_GB: Range<u64> = 0x1_0000_0000..0x5000_0000_0000;

impl Mm {
    /// First address that no placement may reach: 2 GB for a program that is not large-address-aware.
    pub fn highest(&self) -> u64 {
        match self.highest.load(Ordering::Relaxed) {
            0 => HIGHEST,
            highest => highest,
        }
    }

    /// Keeps all placements below 2 GB from now on: the program's header does not say that it bears higher addresses.
    pub fn stay_below_2_gb(&self) {
        self.highest.store(0x8000_0000, Ordering::Relaxed);
    }

    fn private(&self, k: &Kernel) -> Range<u64> {
        let start = self.private_start.get_or_init(|| {
            let mut bytes = [0; 8];
            k.host.random(&mut bytes);
            PRIVATE.start + (u64::from_le_bytes(bytes) % CHOICES) * super::region::GRANULARITY
        });
        *start..PRIVATE.end
    }

    /// Where to look for a place for private memory or a view, in this order.
    pub(super) fn windows(&self, k: &Kernel, limits: Limits, top_down: bool) -> [Limits; 2] {
        let all = limits.narrowed(&(LOWEST..self.highest()));
        let first = if top_down { all.narrowed(&ABOVE_4_GB) } else { all.narrowed(&self.private(k)) };
        [first, all]
    }

    /// Anywhere but where images lie; anywhere at all in a program that keeps below 2 GB.
    pub(super) fn beside_images(&self) -> Limits {
        if self.highest() <= PRIVATE.start { Limits::default() } else { Limits::within(PRIVATE) }
    }

    /// Where to look for a place for an image.
    pub(super) fn image_windows(&self, limits: Limits) -> [Limits; 3] {
        let all = limits.narrowed(&(LOWEST..self.highest()));
        [all.narrowed(&IMAGES), all.narrowed(&ABOVE_4_GB), all]
    }
}

/// The address limit (exclusive) that the ZeroBits argument of a call means: a count of high bits to be zero in 32 bits, or,
/// from 32 on, a mask whose leading zeros count.
///
/// # Errors
/// `bad` if it is neither.
pub fn zero_bits_limit(zero_bits: u64, bad: Status) -> Nt<u64> {
    match zero_bits {
        0 => Ok(HIGHEST),
        1..=21 => Ok(1 << (32 - zero_bits)),
        22..=31 => Err(bad),
        mask if mask < super::region::GRANULARITY => Err(bad),
        mask => Ok((u64::MAX >> mask.leading_zeros()).saturating_add(1).min(HIGHEST)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_bits() {
        let limit = |bits| zero_bits_limit(bits, STATUS_INVALID_PARAMETER_3);
        assert_eq!(limit(0), Ok(HIGHEST));
        assert_eq!(limit(1), Ok(0x8000_0000));
        assert_eq!(limit(20), Ok(0x1000));
        assert_eq!(limit(22), Err(STATUS_INVALID_PARAMETER_3));
        assert_eq!(limit(33), Err(STATUS_INVALID_PARAMETER_3));
        assert_eq!(limit(0x1aaa_aaaa), Ok(0x2000_0000));
        assert_eq!(limit(u64::MAX), Ok(HIGHEST));
    }
}
