//! Images that are compressed by runs: BI_RLE4 and BI_RLE8.

use super::region::Region;
use super::surface::Pixels;
use crate::status::Nt;
use crate::win32k::geometry::Rect;

/// Expands an image, whose lower row comes first; answers its pixels, the upper row first, and what of them it tells.
///
/// # Errors
/// `STATUS_NO_MEMORY`.
pub fn expand(data: &[u8], width: i32, height: i32, nibbles: bool) -> Nt<(Pixels, Region)> {
    let mut pixels = Pixels::new(width, height)?;
    let mut runs = Vec::new();
    let (mut x, mut y, mut from) = (0, height - 1, 0);
    let mut bytes = data.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
    let value = |bytes: &[u8], index: usize| -> u32 {
        if nibbles {
            let byte = bytes.get(index / 2).copied().unwrap_or(0);
            u32::from(if index.is_multiple_of(2) { byte >> 4 } else { byte & 0xf })
        } else {
            u32::from(bytes.get(index).copied().unwrap_or(0))
        }
    };
    let close = |runs: &mut Vec<Rect>, from: i32, x: i32, y: i32| {
        if from < x {
            runs.push(Rect::new(from, y, x, y + 1));
        }
    };
    while let Some(pair) = bytes.next() {
        let (count, literal): (usize, Vec<u8>) = match pair {
            [0, code @ 0..=2] => {
                close(&mut runs, from, x, y);
                match code {
                    0 => (x, y) = (0, y - 1),
                    1 => break,
                    _ => {
                        let Some([right, up]) = bytes.next() else { break };
                        (x, y) = ((x + i32::from(right)).min(width), y - i32::from(up));
                    }
                }
                from = x;
                if y < 0 {
                    break;
                }
                continue;
            }
            [0, count] => {
                let count = usize::from(count);
                let length = if nibbles { count.div_ceil(2) } else { count };
                let words = length.div_ceil(2);
                let literal: Vec<u8> = bytes.by_ref().take(words).flatten().collect();
                if literal.len() < length {
                    break;
                }
                (count, literal)
            }
            [count, byte] if nibbles => (count.into(), vec![byte; 128]),
            [count, byte] => (count.into(), vec![byte; count.into()]),
        };
        let room = (width - x).max(0) as usize;
        let count = count.min(room);
        let row = pixels.row_mut(y);
        for (index, pixel) in row.iter_mut().skip(x as usize).take(count).enumerate() {
            *pixel = value(&literal, index);
        }
        x += count as i32;
    }
    close(&mut runs, from, x, y);
    runs.retain(|run| run.top >= 0);
    Ok((pixels, Region::of(&runs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_literals_and_jumps() {
        // Three of 7; two right and one up: 1 2 3; the end.
        let data = [3, 7, 0, 2, 1, 1, 0, 3, 1, 2, 3, 0, 0, 1];
        let (pixels, drawn) = expand(&data, 8, 3, false).unwrap();
        assert_eq!(pixels.row(2), [7, 7, 7, 0, 0, 0, 0, 0]);
        assert_eq!(pixels.row(1), [0, 0, 0, 0, 1, 2, 3, 0]);
        assert_eq!(drawn, Region::of(&[Rect::new(0, 2, 3, 3), Rect::new(4, 1, 7, 2)]));
        let (pixels, drawn) = expand(&[5, 0x12, 0, 0, 9, 0x34], 4, 2, true).unwrap();
        assert_eq!((pixels.row(1), pixels.row(0)), (&[1, 2, 1, 2][..], &[3, 4, 3, 4][..]));
        assert_eq!(drawn.bounds(), Rect::new(0, 0, 4, 2));
        for broken in [&[0, 9, 1][..], &[0, 2], &[], &[1], &[0, 2, 0, 200, 4, 4]] {
            assert!(expand(broken, 4, 2, false).unwrap().0.row(0).iter().all(|pixel| *pixel == 0));
        }
    }
}
