//! Images made larger or smaller, as StretchBlt does.
//!
//! Along each axis a pixel is taken from where its middle lies. What falls together is combined as the mode says.

use crate::status::Nt;
use crate::win32k::gdi::surface::Pixels;
use crate::win32k::geometry::Rect;
use std::ops::Range;

/// BLACKONWHITE: what falls together is combined by AND.
pub const AND: u16 = 1;
/// WHITEONBLACK: by OR.
pub const OR: u16 = 2;
/// COLORONCOLOR: one of it stays.
pub const DELETE: u16 = 3;
/// HALFTONE: means of colours.
pub const HALFTONE: u16 = 4;

/// An axis: where it starts and how long it is, which may be less than 0, and what of it is seen.
#[derive(Debug, Clone)]
pub struct Axis {
    /// First place.
    pub start: i32,
    /// Places; less than 0: backwards.
    pub length: i32,
    /// Places that are there.
    pub seen: Range<i32>,
}

impl Axis {
    fn place(&self, index: i64) -> i64 {
        if self.length < 0 { i64::from(self.start) - index } else { i64::from(self.start) + index }
    }

    fn index(&self, place: i32) -> Option<i64> {
        let index = i64::from(place) - i64::from(self.start);
        let index = if self.length < 0 { -index } else { index };
        (0..i64::from(self.length).abs()).contains(&index).then_some(index)
    }
}

/// Pairs of a place of the destination and a place of the source that lies there, in the order in which they are drawn.
pub fn pairs(to: &Axis, from: &Axis) -> Vec<(i32, i32)> {
    let (longer, shorter) = if from.length.unsigned_abs() > to.length.unsigned_abs() { (from, to) } else { (to, from) };
    let (long, short) = (i64::from(longer.length).abs().max(1), i64::from(shorter.length).abs());
    let shrinks = core::ptr::eq(longer, from);
    let mut found: Vec<(i64, i32, i32)> = Vec::new();
    for place in longer.seen.clone() {
        let Some(index) = longer.index(place) else { continue };
        // Half of a number of 64 bits at most, since an index is less than `long`.
        let middle = ((2 * index + 1) as u64) * short as u64;
        let other = shorter.place(middle.div_ceil(2 * long as u64) as i64 - 1);
        let Ok(other) = i32::try_from(other) else { continue };
        if shorter.seen.contains(&other) {
            found.push(if shrinks { (index, other, place) } else { (index, place, other) });
        }
    }
    found.sort_unstable_by_key(|(index, ..)| *index);
    found.into_iter().map(|(_, to, from)| (to, from)).collect()
}

fn merge(mode: u16, held: u32, new: u32) -> u32 {
    match mode {
        AND => held & new,
        OR => held | new,
        _ => new,
    }
}

/// Stretches an image, whose first pixel lies at `origin`; answers the image that is seen, and its first places.
///
/// # Errors
/// `STATUS_NO_MEMORY`.
pub fn stretch(
    image: &Pixels,
    origin: (i32, i32),
    to: (&Axis, &Axis),
    from: (&Axis, &Axis),
    mode: u16,
) -> Nt<(Pixels, i32, i32)> {
    let (columns, rows) = (pairs(to.0, from.0), pairs(to.1, from.1));
    let bounds = |pairs: &[(i32, i32)]| {
        let first = pairs.iter().map(|pair| pair.0).min().unwrap_or(0);
        (first, pairs.iter().map(|pair| pair.0).max().map_or(0, |last| last - first + 1))
    };
    let ((left, width), (top, height)) = (bounds(&columns), bounds(&rows));
    let mut out = Pixels::new(width, height)?;
    let shrinks = |to: &Axis, from: &Axis| from.length.unsigned_abs() > to.length.unsigned_abs();
    let (narrower, lower) = (shrinks(to.0, from.0), shrinks(to.1, from.1));
    let mut before = None;
    for (y, source) in rows {
        let kept = before == Some(y);
        before = Some(y);
        if kept && lower && mode == DELETE {
            continue;
        }
        let (source, target) = (image.row(source - origin.1), out.row_mut(y - top));
        let mut last = None;
        for &(x, from) in &columns {
            let Some(new) = source.get((from - origin.0) as usize) else { continue };
            let Some(pixel) = target.get_mut((x - left) as usize) else { continue };
            let merged = kept || narrower && last == Some(x);
            *pixel = if merged { merge(mode, *pixel, *new) } else { *new };
            last = Some(x);
        }
    }
    Ok((out, left, top))
}

/// An image in another size, no pixel of which is combined of several: each is one of the image's.
pub struct Scaled<'a> {
    image: &'a Pixels,
    /// Columns of the image for columns of the destination, from `left` on; what is no column is nothing.
    columns: Vec<u32>,
    /// Rows, from `top` on.
    rows: Vec<i32>,
    left: i32,
    top: i32,
    /// The row of the image that was drawn last, in the destination's size.
    row: Vec<u32>,
    held: Option<i32>,
}

/// No column, or no row.
const NONE: i32 = i32::MIN;

/// Which place of the source each place of the destination shows, and the first of these. Of several the last one counts, or the first.
fn shown(pairs: &[(i32, i32)], first_counts: bool, origin: i32) -> (i32, Vec<i32>) {
    let first = pairs.iter().map(|pair| pair.0).min().unwrap_or(0);
    let end = pairs.iter().map(|pair| pair.0).max().map_or(first, |last| last.saturating_add(1));
    let mut all = vec![NONE; end.wrapping_sub(first).max(0) as usize];
    for (to, from) in pairs {
        if let Some(place) = all.get_mut(to.wrapping_sub(first) as usize)
            && !(first_counts && *place != NONE)
        {
            *place = from.wrapping_sub(origin);
        }
    }
    (first, all)
}

impl<'a> Scaled<'a> {
    /// As [`stretch`], where nothing is to be combined; `None` where something is.
    pub fn new(
        image: &'a Pixels,
        origin: (i32, i32),
        to: (&Axis, &Axis),
        from: (&Axis, &Axis),
        mode: u16,
    ) -> Option<Scaled<'a>> {
        let shrinks = |to: &Axis, from: &Axis| from.length.unsigned_abs() > to.length.unsigned_abs();
        if mode != DELETE && (shrinks(to.0, from.0) || shrinks(to.1, from.1)) {
            return None;
        }
        let (left, columns) = shown(&pairs(to.0, from.0), false, origin.0);
        let (top, rows) = shown(&pairs(to.1, from.1), true, origin.1);
        let row = vec![0; columns.len()];
        let columns = columns.into_iter().map(|column| column as u32).collect();
        Some(Scaled { image, columns, rows, left, top, row, held: None })
    }

    /// What of the destination is drawn on.
    pub fn area(&self) -> Rect {
        Rect::sized(self.left, self.top, self.columns.len() as i32, self.rows.len() as i32)
    }

    /// Loads what lies on an area of the destination, row after row.
    pub fn load(&mut self, area: &Rect, out: &mut [u32]) {
        let width = area.width().max(1) as usize;
        let first = area.left.wrapping_sub(self.left);
        for (out, y) in out.chunks_exact_mut(width).zip(area.top..) {
            let index = usize::try_from(y.wrapping_sub(self.top)).ok();
            let row = index.and_then(|index| self.rows.get(index)).copied().unwrap_or(NONE);
            if self.held != Some(row) {
                let source = self.image.row(row);
                for (pixel, column) in self.row.iter_mut().zip(&self.columns) {
                    *pixel = source.get(*column as usize).copied().unwrap_or(0);
                }
                self.held = Some(row);
            }
            match usize::try_from(first).ok().and_then(|first| self.row.get(first..first + width)) {
                Some(part) => out.copy_from_slice(part),
                None => out.fill(0),
            }
        }
    }
}

/// Colours (0x00RRGGBB) mixed to another size, each from the four that lie around its place: what is smaller leaves some out. The fourth
/// byte is mixed too, where Wine clears it: Qt takes it for alpha, and what is stretched of a theme would be missing in its pictures.
///
/// # Errors
/// `STATUS_NO_MEMORY`.
pub fn mix(image: &Pixels, (width, height): (i32, i32), mirrored: (bool, bool)) -> Nt<Pixels> {
    let mut out = Pixels::new(width, height)?;
    if image.width <= 0 || image.height <= 0 {
        return Ok(out);
    }
    // For each place the two that it lies between, and how far it is from the first: sums of the width's parts, as Wine adds them.
    let along = |length: i32, count: i32, mirrored: bool| -> Vec<(i32, i32, f32)> {
        let step = length as f32 / count.max(1) as f32;
        let (mut place, step) = if mirrored { ((length - 1) as f32, -step) } else { (0.0, step) };
        (0..count)
            .map(|_| {
                place = place.clamp(0.0, (length - 1) as f32);
                let (at, first) = (place, place as i32);
                place += step;
                (first, (first + 1).min(length - 1), at - first as f32)
            })
            .collect()
    };
    let columns = along(image.width, width, mirrored.0);
    for (row, (above, below, down)) in out.rows_mut().zip(along(image.height, height, mirrored.1)) {
        let (above, below) = (image.row(above), image.row(below));
        for (pixel, &(left, right, across)) in row.iter_mut().zip(&columns) {
            let of = |row: &[u32], at: i32| row.get(at as usize).copied().unwrap_or(0);
            let corners = [of(above, left), of(above, right), of(below, left), of(below, right)];
            *pixel = [24, 16, 8, 0].iter().fold(0, |all, shift| {
                let part = corners.map(|corner| corner >> shift & 0xff);
                let between = |from: u32, to: u32, by: f32| (from as f32 + (to as f32 - from as f32) * by + 0.5) as u32;
                let value = between(between(part[0], part[1], across), between(part[2], part[3], across), down);
                all | value.min(255) << shift
            });
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(start: i32, length: i32, seen: Range<i32>) -> Axis {
        Axis { start, length, seen }
    }

    #[test]
    fn places_are_taken_from_the_middle() {
        let double = pairs(&axis(10, 6, 0..100), &axis(0, 3, 0..3));
        assert_eq!(double, [(10, 0), (11, 0), (12, 1), (13, 1), (14, 2), (15, 2)]);
        let half = pairs(&axis(0, 2, 0..100), &axis(5, 5, 0..100));
        assert_eq!(half.iter().map(|pair| pair.0).collect::<Vec<_>>(), [0, 0, 0, 1, 1]);
        let mirrored = pairs(&axis(5, -3, 0..100), &axis(0, 3, 0..3));
        assert_eq!(mirrored, [(5, 0), (4, 1), (3, 2)]);
        let clipped = pairs(&axis(0, 1_000_000_000, 5..7), &axis(0, 2, 0..2));
        assert_eq!(clipped, [(5, 0), (6, 0)]);
    }

    #[test]
    fn colors_are_mixed() {
        let mut image = Pixels::new(2, 1).unwrap();
        image.row_mut(0).copy_from_slice(&[0x00_0000, 0xff_8000]);
        assert_eq!(mix(&image, (4, 1), (false, false)).unwrap().row(0), [0, 0x80_4000, 0xff_8000, 0xff_8000]);
        assert_eq!(mix(&image, (2, 1), (true, false)).unwrap().row(0), [0xff_8000, 0]);
        assert_eq!(mix(&image, (1, 1), (false, false)).unwrap().row(0), [0]);
        image.row_mut(0).fill(0xff00_0010);
        assert_eq!(mix(&image, (3, 1), (false, false)).unwrap().row(0), [0xff00_0010; 3]);
    }

    #[test]
    fn what_falls_together_is_combined() {
        let mut image = Pixels::new(4, 2).unwrap();
        image.row_mut(0).copy_from_slice(&[0b0001, 0b0010, 0b1100, 0b0100]);
        image.row_mut(1).copy_from_slice(&[0b0011, 0b0011, 0b0101, 0b0101]);
        let run = |mode| {
            let (to, from) = (axis(0, 2, 0..2), axis(0, 4, 0..4));
            let (up, down) = (axis(0, 1, 0..1), axis(0, 2, 0..2));
            stretch(&image, (0, 0), (&to, &up), (&from, &down), mode).unwrap().0.row(0).to_vec()
        };
        assert_eq!(run(OR), [0b0011, 0b1101]);
        assert_eq!(run(AND), [0, 0b0100]);
        assert_eq!(run(DELETE), [0b0010, 0b0100]);
    }
}
