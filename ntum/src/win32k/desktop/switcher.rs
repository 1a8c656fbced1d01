//! What Alt+Tab goes through, as it is shown while Alt is held: small pictures of the windows, the chosen one framed, its title below them.

use super::sheet::{Pen, Sheet, colour};
use super::shell::{MARGIN, colours};
use crate::host::Stream;
use crate::kernel::Kernel;
use crate::shm::Shm;
use crate::shm::user::surface::Surface;
use crate::shm::user::window::field;
use crate::win32k::geometry::Rect;
use zerocopy::IntoBytes;

/// A window's picture at most, and what it takes with what is free around it.
const PICTURE: (i32, i32) = (112, 84);
const CELL: (i32, i32) = (PICTURE.0 + 2 * MARGIN, PICTURE.1 + 2 * MARGIN);
/// Windows beside each other, and rows, that are seen at once.
const ACROSS: usize = 6;
const DOWN: usize = 3;
/// Pixels of a row of a window's that are looked at.
const LONGEST: u32 = 16_384;

/// What is to be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct List {
    /// Windows by handle: those of them that there is room for.
    windows: Vec<u32>,
    /// The chosen one among them, and its title in UTF-16.
    at: usize,
    title: Vec<u16>,
    screen: Rect,
}

/// The part of a list that is seen while somebody is at one of it: whole rows; and where that one is in it.
fn seen(order: &[u32], at: usize) -> (&[u32], usize) {
    let row = (at / ACROSS + 1).saturating_sub(DOWN) * ACROSS;
    let end = order.len().min(row + ACROSS * DOWN);
    (order.get(row..end).unwrap_or_default(), at.saturating_sub(row))
}

/// What is to be shown; `None` while nobody switches.
pub(super) fn list(shm: &Shm) -> Option<List> {
    let tx = shm.begin();
    let (order, at) = tx.switching()?;
    let (windows, at) = seen(&order, at);
    let text = windows.get(at).and_then(|handle| tx.window(*handle)).map(|window| tx.window_bytes(window, field::TEXT));
    let text = text.unwrap_or_default();
    let title = text.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    let screen = tx.window_rect(tx.root_window(false), field::WINDOW_RECT);
    Some(List { windows: windows.to_vec(), at, title, screen })
}

/// Paints it; answers where on the screen it lies.
pub(super) fn paint(k: &'static Kernel, shm: &'static Shm, list: &List, pen: &Pen) -> (Sheet, Rect) {
    let [face, shadow, light, text, marked] =
        [colours::BUTTON, colours::SHADOW, colours::LIGHT, colours::TEXT, colours::MARKED]
            .map(|index| colour(k, index));
    let across = list.windows.len().clamp(1, ACROSS) as i32;
    let down = list.windows.len().div_ceil(ACROSS).max(1) as i32;
    // Room for a title, also below one window.
    let width = (across * CELL.0).max(2 * CELL.0) + 2 * MARGIN;
    let mut sheet = Sheet::new(width, down * CELL.1 + pen.height + 3 * MARGIN, face);
    let all = Rect::new(0, 0, sheet.width, sheet.height);
    sheet.edge(&all, light, shadow);
    let first = (width - across * CELL.0) / 2;
    for (index, handle) in list.windows.iter().enumerate() {
        let (column, row) = ((index % ACROSS) as i32, (index / ACROSS) as i32);
        let cell = Rect::sized(first + column * CELL.0, MARGIN + row * CELL.1, CELL.0, CELL.1);
        if index == list.at {
            for inset in 1..4 {
                let frame = Rect::new(cell.left + inset, cell.top + inset, cell.right - inset, cell.bottom - inset);
                sheet.edge(&frame, marked, marked);
            }
        }
        let surface = {
            let tx = shm.begin();
            tx.window(*handle).map(|window| tx.surface(window)).unwrap_or_default()
        };
        let (wide, high) = fitted(&surface);
        let area = Rect::sized(cell.left + (CELL.0 - wide) / 2, cell.top + (CELL.1 - high) / 2, wide, high);
        // One that was never shown, or is gone meanwhile, has no pixels.
        if surface.number != 0
            && let Ok(stream) = k.host.take_left(surface.number)
        {
            shrink(k, &stream, &surface, &mut sheet, &area);
        }
        let frame = Rect::new(area.left - 1, area.top - 1, area.right + 1, area.bottom + 1);
        sheet.edge(&frame, shadow, shadow);
    }
    let title = pen.fitted(&list.title, width - 2 * MARGIN);
    let left = (width - pen.width(&title)) / 2;
    sheet.text(pen, left, sheet.height - pen.height - MARGIN, &title, text);
    let centre = |from: i32, to: i32, size: i32| from.saturating_add(to.saturating_sub(from).saturating_sub(size) / 2);
    let Rect { left, top, right, bottom } = list.screen;
    let rect =
        Rect::sized(centre(left, right, sheet.width), centre(top, bottom, sheet.height), sheet.width, sheet.height);
    (sheet, rect)
}

/// How large a window's picture is: as large as there is room for, never larger than the window.
fn fitted(surface: &Surface) -> (i32, i32) {
    let (width, height) = (i64::from(surface.width.max(1)), i64::from(surface.height.max(1)));
    let (most_wide, most_high) = (i64::from(PICTURE.0), i64::from(PICTURE.1));
    let (wide, high) = match () {
        () if width <= most_wide && height <= most_high => (width, height),
        () if width * most_high > height * most_wide => (most_wide, height * most_wide / width),
        () => (width * most_high / height, most_high),
    };
    (wide.max(1) as i32, high.max(1) as i32)
}

/// Draws a window's pixels on an area, each as the mean of two rows of those that it stands for.
fn shrink(k: &'static Kernel, stream: &Stream, surface: &Surface, sheet: &mut Sheet, area: &Rect) {
    let (wide, high) = (area.width().max(1) as u64, area.height().max(1) as u64);
    let width = u64::from(surface.width.min(LONGEST));
    let mut rows = [vec![0u32; width as usize], vec![0u32; width as usize]];
    for (y, row) in (area.top..area.bottom).zip(0u64..) {
        for (part, pixels) in rows.iter_mut().enumerate() {
            let line = (4 * row + 1 + 2 * part as u64) * u64::from(surface.height) / (4 * high);
            let from = line.saturating_mul(u64::from(surface.width)).saturating_mul(4);
            // What a program cut off is as it was before, or black.
            let _ = k.host.read_bytes(stream, pixels.as_mut_bytes(), Some(from));
        }
        for (x, column) in (area.left..area.right).zip(0u64..) {
            let (begin, end) = (column * width / wide, ((column + 1) * width / wide).max(column * width / wide + 1));
            let run = || rows.iter().flat_map(|row| row.get(begin as usize..end as usize).unwrap_or_default());
            let count = run().count().max(1) as u32;
            let mean = |shift: u32| (run().map(|pixel| pixel >> shift & 0xff).sum::<u32>() / count) << shift;
            sheet.set(x, y, mean(0) | mean(8) | mean(16));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_keep_their_shape() {
        let of = |width, height| fitted(&Surface { number: 1, width, height });
        assert_eq!(of(1024, 768), PICTURE);
        assert_eq!(of(2000, 100), (112, 5));
        assert_eq!(of(10, 3000), (1, 84));
        assert_eq!(of(50, 20), (50, 20));
        assert_eq!([of(0, 0), of(u32::MAX, 1), of(u32::MAX, u32::MAX)], [(1, 1), (112, 1), (84, 84)]);
    }

    #[test]
    fn the_chosen_one_is_among_those_that_are_seen() {
        let order: Vec<u32> = (0..40).collect();
        for at in 0..40 {
            let (all, there) = seen(&order, at);
            assert!(all.len() <= ACROSS * DOWN && all.get(there) == Some(&(at as u32)), "{at}");
        }
        assert_eq!(seen(&order, 17).0, &order[..18]);
        assert_eq!(seen(&order, 18).0, &order[6..24]);
        assert!(seen(&[], 7).0.is_empty());
    }
}
