//! Filling what hangs together: ExtFloodFill.

use super::User;
use super::answer;
use super::dc::Work;
use super::region::Region;
use crate::call::{Call, Cx};
use crate::status::*;
use crate::win32k::geometry::{Point, Rect};

/// System calls about floods.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiExtFloodFill(dc: u32, x: i32, y: i32, color: u32, kind: u32) => fill, Done;
};

/// FLOODFILLBORDER: up to a colour; otherwise as far as there is that colour.
const BORDER: u32 = 0;

/// Pixels that may be filled, row after row, from the left.
struct Inside {
    width: usize,
    cells: Vec<bool>,
}

impl Inside {
    fn row(&mut self, y: usize) -> &mut [bool] {
        self.cells.get_mut(y * self.width..(y + 1) * self.width).unwrap_or_default()
    }

    /// Takes out all that hangs together with a pixel, as runs of rows.
    fn take(&mut self, x: usize, y: usize) -> Vec<(usize, usize, usize)> {
        let mut runs = Vec::new();
        let mut waiting = vec![(x, y)];
        while let Some((x, y)) = waiting.pop() {
            let row = self.row(y);
            if !row.get(x).copied().unwrap_or(false) {
                continue;
            }
            let left = row.iter().take(x).rposition(|cell| !cell).map_or(0, |at| at + 1);
            let right = row.iter().skip(x).position(|cell| !cell).map_or(row.len(), |count| x + count);
            row.get_mut(left..right).unwrap_or_default().fill(false);
            runs.push((left, right, y));
            for next in [y.checked_sub(1), Some(y + 1)].into_iter().flatten() {
                let row = self.row(next);
                let mut before = false;
                // One pixel of each run beside this one.
                for (x, cell) in row.iter().enumerate().take(right).skip(left) {
                    if *cell && !before {
                        waiting.push((x, next));
                    }
                    before = *cell;
                }
            }
        }
        runs
    }
}

fn flood(work: &mut Work<'_>, at: Point, color: u32, kind: u32) -> Nt<bool> {
    let Some(surface) = work.target() else { return Ok(false) };
    let format = surface.format();
    let wanted = work.pixel_of(&format, color, false);
    let Some(seen) = work.device_rect().and_then(|device| work.visible(&device)) else { return Ok(false) };
    if !seen.contains(at.x, at.y) {
        return Ok(false);
    }
    let clip = work.clipped(&seen);
    let origin = work.state.origin;
    let mut inside = Inside { width: seen.width() as usize, cells: Vec::new() };
    inside.cells.resize(inside.width * seen.height() as usize, false);
    {
        let mut opened = surface.open(work.k);
        let mut run = Vec::new();
        for rect in clip.rects() {
            run.resize(rect.width().max(0) as usize, 0);
            for y in rect.top..rect.bottom {
                opened.load(rect.left.wrapping_add(origin.x), y.wrapping_add(origin.y), &mut run)?;
                let first = (rect.left - seen.left) as usize;
                let row = inside.row((y - seen.top) as usize);
                for (cell, pixel) in row.iter_mut().skip(first).zip(&run) {
                    *cell = (*pixel == wanted) != (kind == BORDER);
                }
            }
        }
    }
    let runs = inside.take((at.x - seen.left) as usize, (at.y - seen.top) as usize);
    if runs.is_empty() {
        return Ok(false);
    }
    let rects: Vec<_> = runs
        .into_iter()
        .map(|(left, right, y)| {
            Rect::new(left as i32, y as i32, right as i32, y as i32 + 1).offset(seen.left, seen.top)
        })
        .collect();
    work.brush_region(&Region::of(&rects))?;
    Ok(true)
}

/// NtGdiExtFloodFill: with the brush, from a point on.
///
/// # Errors
/// None; the answer is FALSE where the point is not to be filled.
pub fn fill(cx: &Cx<'_>, dc: u32, x: i32, y: i32, color: u32, kind: u32) -> User {
    answer(cx, dc, |work| {
        let at = work.device_point(Point::new(x, y));
        flood(work, at, color, kind).unwrap_or(false).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_goes_around_corners() {
        let picture = ["..#...", ".##.#.", "....#.", "####..", "......"];
        let cells = picture.iter().flat_map(|row| row.chars().map(|cell| cell == '.')).collect();
        let mut inside = Inside { width: 6, cells };
        let runs = inside.take(0, 0);
        assert_eq!(runs.iter().map(|(left, right, _)| right - left).sum::<usize>(), 21);
        assert!(!inside.cells.contains(&true));
        assert!(inside.take(2, 0).is_empty());
        let mut two = Inside { width: 3, cells: vec![true, false, true] };
        assert_eq!(two.take(2, 0), [(2, 3, 0)]);
        assert_eq!(two.cells, [true, false, false]);
    }
}
