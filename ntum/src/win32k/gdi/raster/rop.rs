//! Raster operations: what of pattern, source and destination becomes the destination, bit by bit.
//!
//! A ROP3 is a table of eight bits, whose place is pattern, source, destination from the upper bit to the lower; a ROP2 one
//! of four, of pen and destination. Wherever a bit of a ROP2's number says that it holds, so it is; numbers count from 1.

/// PATCOPY.
pub const PATCOPY: u8 = 0xf0;

/// Whether a ROP3 looks at the pattern.
pub const fn uses_pattern(rop: u8) -> bool {
    rop >> 4 != rop & 0xf
}

/// Whether a ROP3 looks at the source.
pub const fn uses_source(rop: u8) -> bool {
    rop >> 2 & 0x33 != rop & 0x33
}

/// Whether a ROP3 looks at the destination.
pub const fn uses_destination(rop: u8) -> bool {
    rop >> 1 & 0x55 != rop & 0x55
}

/// The ROP3 that does with the pattern what a ROP2 (1 to 16) does with the pen.
pub const fn of_pen(rop2: u16) -> u8 {
    let table = rop2.wrapping_sub(1) as u8 & 0xf;
    // Alike for both values of the source.
    let low = table & 3;
    let high = table >> 2;
    low | low << 2 | high << 4 | high << 6
}

/// All ones where a bit of the table is set.
const fn mask(rop: u8, bit: u32) -> u32 {
    0u32.wrapping_sub(rop as u32 >> bit & 1)
}

/// Chooses `one` where the bit is set.
#[inline(always)]
const fn choose(bits: u32, one: u32, zero: u32) -> u32 {
    zero ^ bits & (one ^ zero)
}

/// Combines three rows into the destination; all are as long as it is.
pub fn combine(rop: u8, destination: &mut [u32], source: &[u32], pattern: &[u32]) {
    match rop {
        0x00 => destination.fill(0),
        0xff => destination.fill(u32::MAX),
        0xaa => {}
        0x55 => destination.iter_mut().for_each(|d| *d = !*d),
        0xcc => copy(destination, source),
        0xf0 => copy(destination, pattern),
        0x33 => one(destination, source, |_, s| !s),
        0x0f => one(destination, pattern, |_, p| !p),
        0x66 => one(destination, source, |d, s| d ^ s),
        0x88 => one(destination, source, |d, s| d & s),
        0xee => one(destination, source, |d, s| d | s),
        0x5a => one(destination, pattern, |d, p| d ^ p),
        0xa0 => one(destination, pattern, |d, p| d & p),
        0xfa => one(destination, pattern, |d, p| d | p),
        _ if !uses_pattern(rop) => {
            let table: [u32; 4] = core::array::from_fn(|bit| mask(rop, bit as u32));
            one(destination, source, |d, s| choose(s, choose(d, table[3], table[2]), choose(d, table[1], table[0])));
        }
        _ if !uses_source(rop) => {
            let table = [mask(rop, 0), mask(rop, 1), mask(rop, 4), mask(rop, 5)];
            one(destination, pattern, |d, p| choose(p, choose(d, table[3], table[2]), choose(d, table[1], table[0])));
        }
        _ => {
            let table: [u32; 8] = core::array::from_fn(|bit| mask(rop, bit as u32));
            for ((d, s), p) in destination.iter_mut().zip(source).zip(pattern) {
                let low = choose(*s, choose(*d, table[3], table[2]), choose(*d, table[1], table[0]));
                let high = choose(*s, choose(*d, table[7], table[6]), choose(*d, table[5], table[4]));
                *d = choose(*p, high, low);
            }
        }
    }
}

#[inline(always)]
fn one(destination: &mut [u32], other: &[u32], run: impl Fn(u32, u32) -> u32) {
    for (d, o) in destination.iter_mut().zip(other) {
        *d = run(*d, *o);
    }
}

fn copy(destination: &mut [u32], from: &[u32]) {
    let count = destination.len().min(from.len());
    if let (Some(to), Some(from)) = (destination.get_mut(..count), from.get(..count)) {
        to.copy_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_followed() {
        let (p, s, d) = (0xf0f0_f0f0, 0xcccc_cccc, 0xaaaa_aaaa);
        for rop in 0..=255u8 {
            let mut row = [d; 5];
            combine(rop, &mut row, &[s; 5], &[p; 5]);
            // With these rows each byte of the result is the table itself.
            assert_eq!(row, [u32::from_le_bytes([rop; 4]); 5], "{rop:#x}");
            let depends = |bit: u32| (0..8).any(|at: u32| rop >> at & 1 != rop >> (at ^ 1 << bit) & 1);
            assert_eq!(
                [uses_destination(rop), uses_source(rop), uses_pattern(rop)],
                [0, 1, 2].map(depends),
                "{rop:#x}"
            );
        }
    }

    #[test]
    fn pens_are_patterns() {
        // R2_BLACK, R2_NOTMERGEPEN, R2_MASKNOTPEN, R2_NOTCOPYPEN, R2_NOT, R2_XORPEN, R2_NOP, R2_COPYPEN, R2_WHITE.
        let known =
            [(1, 0x00), (2, 0x05), (3, 0x0a), (4, 0x0f), (6, 0x55), (7, 0x5a), (11, 0xaa), (13, 0xf0), (16, 0xff)];
        for (rop2, rop3) in known {
            assert_eq!(of_pen(rop2), rop3, "{rop2}");
        }
    }
}
