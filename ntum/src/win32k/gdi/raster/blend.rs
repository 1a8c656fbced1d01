//! Images that let what lies below shine through. Sources have 32 bits: alpha, red, green, blue.

/// How a source is laid over a destination: BLENDFUNCTION.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blend {
    /// How much of all of the source counts, of 255.
    pub constant: u8,
    /// Whether each pixel has its own alpha, by which its colours are multiplied already.
    pub own: bool,
}

/// Two halves of a pixel, each with room for sixteen bits.
#[inline(always)]
fn halves(pixel: u32) -> [u32; 4] {
    [pixel & 0xff, pixel >> 8 & 0xff, pixel >> 16 & 0xff, pixel >> 24]
}

#[inline(always)]
fn whole(parts: [u32; 4]) -> u32 {
    (parts[0] & 0xff) | (parts[1] & 0xff) << 8 | (parts[2] & 0xff) << 16 | (parts[3] & 0xff) << 24
}

/// A source over a destination of the same form. `opaque`: the source's alpha is taken for 255.
#[inline(always)]
pub fn over(blend: Blend, destination: u32, source: u32, opaque: bool) -> u32 {
    let constant = u32::from(blend.constant);
    let (below, mut above) = (halves(destination), halves(source));
    if blend.own {
        if blend.constant != 255 {
            above = above.map(|part| (part * constant + 127) / 255);
        }
        let rest = 255 - above[3];
        return whole(core::array::from_fn(|at| above[at] + (below[at] * rest + 127) / 255));
    }
    if opaque {
        above[3] = 255;
    }
    whole(core::array::from_fn(|at| (above[at] * constant + below[at] * (255 - constant) + 127) / 255))
}

/// A row of sources over a row of destinations.
pub fn row(blend: Blend, destination: &mut [u32], source: &[u32], opaque: bool) {
    for (destination, source) in destination.iter_mut().zip(source) {
        *destination = over(blend, *destination, *source, opaque);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_and_everything() {
        let own = Blend { constant: 255, own: true };
        assert_eq!(over(own, 0x1122_3344, 0, false), 0x1122_3344);
        assert_eq!(over(own, 0x1122_3344, 0xff01_0203, false), 0xff01_0203);
        assert_eq!(over(own, 0x00ff_ffff, 0x8000_0000, false) & 0xff_ffff, 0x7f_7f7f);
        let half = Blend { constant: 128, own: false };
        assert_eq!(over(half, 0, 0x00ff_00ff, false), 0x0080_0080);
        assert_eq!(over(half, 0, 0, true), 0x8000_0000);
        assert_eq!(over(Blend { constant: 0, own: true }, 0xaabb_ccdd, 0xffff_ffff, false), 0xaabb_ccdd);
    }
}
