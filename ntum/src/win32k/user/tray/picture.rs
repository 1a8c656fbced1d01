//! Icons as shell32 sends them: the bits of two bitmaps.

use crate::shm::user::tray::SIDE;

/// The largest icon each way.
const MOST: u32 = 256;

/// An icon's pixels at the size that the task bar has them - blue, green, red, opacity, the first row first - and how many bytes were its. `None`: there are
/// not as many, or it is none.
///
/// Rows of bitmaps end at 16 bits. First comes which pixels stay as they are (1), then the colours; an icon without colours (of one bit) has two
/// masks in the first, the second of which says white or black.
pub(super) fn of(bytes: &[u8], width: u32, height: u32, planes: u32, bits: u32) -> Option<(Vec<u8>, usize)> {
    if width == 0
        || height == 0
        || width > MOST
        || height > MOST
        || planes != 1
        || ![1, 4, 8, 16, 24, 32].contains(&bits)
    {
        return None;
    }
    let (width, height, bits) = (width as usize, height as usize, bits as usize);
    let row = |bits: usize| (width * bits).div_ceil(16) * 2;
    let mask = row(1) * height;
    let (mask, colours) = (bytes.get(..mask)?, bytes.get(mask..mask + row(bits) * height)?);
    let bit = |from: &[u8], x: usize, y: usize| from.get(y * row(1) + x / 8).map_or(0, |byte| byte >> (7 - x % 8) & 1);
    let colour = |x: usize, y: usize| -> [u8; 4] {
        let at = y * row(bits) + x * bits / 8;
        let part = |index: usize| colours.get(at + index).copied().unwrap_or(0);
        match bits {
            32 => [part(0), part(1), part(2), part(3)],
            24 => [part(0), part(1), part(2), 0],
            16 => {
                let (low, high) = (part(0), part(1));
                let five = |value: u8| (value & 0x1f) << 3 | (value & 0x1f) >> 2;
                let green = low >> 5 | high << 3;
                [five(low), five(green), five(high >> 2), 0]
            }
            // Which colours its numbers mean was not sent.
            8 => [part(0), part(0), part(0), 0],
            4 => [(part(0) >> if x.is_multiple_of(2) { 4 } else { 0 } & 0xf) * 17; 3].into_four(),
            _ => [255 * bit(colours, x, y); 3].into_four(),
        }
    };
    let opaque = bits == 32 && (0..height).any(|y| (0..width).any(|x| colour(x, y)[3] != 0));
    let mut out = Vec::with_capacity(SIDE * SIDE * 4);
    for y in 0..SIDE {
        for x in 0..SIDE {
            // The mean of the pixels that lie there, by their opacity.
            let span = |at: usize, size: usize| (at * size / SIDE, ((at + 1) * size).div_ceil(SIDE));
            let ((left, right), (top, bottom)) = (span(x, width), span(y, height));
            let (mut sum, mut weight, mut count) = ([0u32; 3], 0u32, 0u32);
            for from_y in top..bottom {
                for from_x in left..right {
                    let [blue, green, red, alpha] = colour(from_x, from_y);
                    let alpha = if opaque { alpha } else { 255 * (1 - bit(mask, from_x, from_y)) };
                    for (sum, part) in sum.iter_mut().zip([blue, green, red]) {
                        *sum += u32::from(part) * u32::from(alpha);
                    }
                    weight += u32::from(alpha);
                    count += 1;
                }
            }
            out.extend(sum.map(|sum| sum.checked_div(weight).unwrap_or(0) as u8));
            out.push(weight.checked_div(count).unwrap_or(0) as u8);
        }
    }
    Some((out, mask.len() + colours.len()))
}

trait IntoFour {
    fn into_four(self) -> [u8; 4];
}

impl IntoFour for [u8; 3] {
    fn into_four(self) -> [u8; 4] {
        let [blue, green, red] = self;
        [blue, green, red, 0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icons_of_any_depth_and_size_are_pictures() {
        let pixel =
            |picture: &[u8], x: usize, y: usize| -> [u8; 4] { picture[(y * SIDE + x) * 4..][..4].try_into().unwrap() };
        // 16 by 16, 32 bits, without opacity: the mask leaves out the right half.
        let (mask, colours) = ([0x00, 0xff].repeat(16), [1, 2, 3, 0].repeat(256));
        let (picture, used) = of(&[mask.clone(), colours].concat(), 16, 16, 1, 32).unwrap();
        assert_eq!((used, picture.len()), (32 + 1024, SIDE * SIDE * 4));
        assert_eq!((pixel(&picture, 0, 0), pixel(&picture, 15, 15)), ([1, 2, 3, 255], [0; 4]));
        // With opacity of its own, the mask counts for nothing; twice as large.
        let (mask, colours) = ([0xff; 4].repeat(32), [10, 20, 30, 128].repeat(1024));
        let (picture, _) = of(&[mask, colours].concat(), 32, 32, 1, 32).unwrap();
        assert_eq!(pixel(&picture, 7, 7), [10, 20, 30, 128]);
        // Of one bit.
        let (picture, used) = of(&[[0; 2].repeat(16), [0xf0, 0].repeat(16)].concat(), 16, 16, 1, 1).unwrap();
        assert_eq!((used, pixel(&picture, 0, 3), pixel(&picture, 9, 3)), (64, [255; 4], [0, 0, 0, 255]));
        for (width, height, planes, bits) in
            [(0, 16, 1, 32), (16, 257, 1, 32), (16, 16, 2, 1), (16, 16, 1, 7), (u32::MAX, u32::MAX, 1, 32)]
        {
            assert_eq!(of(&[0; 64], width, height, planes, bits), None);
        }
        assert_eq!(of(&[0; 64], 16, 16, 1, 32), None);
    }
}
