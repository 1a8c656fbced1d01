//! The screen as programs read it: what GetDC(NULL) and a DC of the display have for pixels. No such pixels are kept: windows have theirs, and what
//! is read is composed from them at that moment, as a desktop does it for whoever looks on.

use super::super::User;
use super::{dce, surface};
use crate::call::Cx;
use crate::shm::user::surface::TopLevel;
use crate::win32k::desktop::compose::mix;
use crate::win32k::gdi::dc::Device;
use crate::win32k::gdi::format::Format;
use crate::win32k::gdi::surface::Surface;
use crate::win32k::gdi::with;
use crate::win32k::geometry::Rect;
use std::sync::Arc;

/// COLOR_BACKGROUND.
const BACKGROUND: u32 = 1;

/// A part of the screen.
pub(in crate::win32k) struct Snapshot {
    /// Which.
    pub rect: Rect,
    /// Its pixels.
    pub surface: Arc<Surface>,
}

/// Whether a DC is the screen's: the desktop window's, or one that no window has.
fn is_screen(cx: &Cx<'_>, dc: u32) -> User<bool> {
    if with(cx, dc, |work| matches!(work.dc.device, Device::Screen)) != Some(true) {
        return Ok(false);
    }
    let window = dce::window_of(cx, dc);
    Ok(window == 0 || window == cx.top_window(false)?.1)
}

/// What is to be seen of an area of the screen; `None` if the DC is not the screen's, or nothing of it lies there.
pub(in crate::win32k) fn read(cx: &Cx<'_>, dc: u32, area: &Rect) -> User<Option<Snapshot>> {
    if !is_screen(cx, dc)? {
        return Ok(None);
    }
    let Some(rect) = cx.screen()?.intersect(area) else { return Ok(None) };
    let windows = cx.windows()?.top_levels();
    let made = Surface::new(rect.width(), rect.height(), Format::bgrx())?;
    let [red, green, blue, _] = cx.k.system_colour(BACKGROUND).to_le_bytes();
    let background = u32::from_le_bytes([blue, green, red, 0]);
    let mut row = vec![background; rect.width().max(0) as usize];
    let mut opened = made.open(cx.k);
    for y in 0..rect.height() {
        opened.store(0, y, &row)?;
    }
    // Those in front last.
    for window in windows.iter().rev().filter(|window| !window.minimized) {
        let Some(from) = surface::of(cx, window.handle, &window.surface) else { continue };
        let mut from = from.open(cx.k);
        for part in parts(window, &rect) {
            row.resize(part.width().max(0) as usize, 0);
            let mut below = vec![0; if window.layered.is_some() { row.len() } else { 0 }];
            for y in part.top..part.bottom {
                // Pixels that are gone meanwhile are left out.
                let (left, top) = (part.left.wrapping_sub(window.rect.left), y.wrapping_sub(window.rect.top));
                if from.load(left, top, &mut row).is_err() {
                    continue;
                }
                let (x, y) = (part.left.wrapping_sub(rect.left), y.wrapping_sub(rect.top));
                if let Some(how) = &window.layered {
                    opened.load(x, y, &mut below)?;
                    row.iter_mut().zip(&below).for_each(|(above, below)| *above = mix(*below, *above, how));
                }
                opened.store(x, y, &row)?;
            }
        }
    }
    drop(opened);
    Ok(Some(Snapshot { rect, surface: Arc::new(made) }))
}

/// The parts of a window that lie in an area and have pixels.
fn parts(window: &TopLevel, area: &Rect) -> Vec<Rect> {
    let side = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
    let (left, top) = (window.rect.left, window.rect.top);
    let filled = Rect::sized(left, top, side(window.surface.width), side(window.surface.height));
    let Some(whole) = filled.intersect(&window.rect).and_then(|filled| filled.intersect(area)) else {
        return Vec::new();
    };
    match &window.region {
        None => vec![whole],
        Some(region) => region.iter().filter_map(|part| part.offset(left, top).intersect(&whole)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shm::user::surface::Surface as Pixels;

    #[test]
    fn a_window_is_read_where_it_has_pixels() {
        let surface = Pixels { number: 1, width: 10, height: 10 };
        let window = TopLevel { rect: Rect::sized(5, 5, 20, 8), surface, ..TopLevel::default() };
        assert_eq!(parts(&window, &Rect::new(0, 0, 100, 100)), [Rect::new(5, 5, 15, 13)]);
        assert!(parts(&window, &Rect::new(16, 5, 30, 30)).is_empty());
        let shape = vec![Rect::new(0, 0, 2, 2), Rect::new(8, 0, 30, 2)];
        let shaped = TopLevel { region: Some(shape), ..window };
        assert_eq!(parts(&shaped, &Rect::new(6, 0, 100, 100)), [Rect::new(6, 5, 7, 7), Rect::new(13, 5, 15, 7)]);
    }
}
