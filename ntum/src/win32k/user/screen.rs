//! The screen as programs read it and draw on it: what GetDC(NULL) and a DC of the display have for pixels. No such pixels are kept: windows have theirs, and what
//! is read is composed from them at that moment, as a desktop does it for whoever looks on; what is drawn is drawn on them.

use super::super::User;
use super::{dce, surface};
use crate::call::Cx;
use crate::shm::user::surface::TopLevel;
use crate::status::Nt;
use crate::win32k::desktop::compose::mix;
use crate::win32k::gdi::dc::Device;
use crate::win32k::gdi::format::Format;
use crate::win32k::gdi::region::{Mode, Region};
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
    let made = Surface::new(rect.width(), rect.height(), Format::bgrx())?;
    compose(cx, &made, &rect, (rect.left, rect.top))?;
    Ok(Some(Snapshot { rect, surface: Arc::new(made) }))
}

/// What is behind all windows, where nothing was drawn.
fn background(cx: &Cx<'_>) -> u32 {
    let [red, green, blue, _] = cx.k.system_colour(BACKGROUND).to_le_bytes();
    u32::from_le_bytes([blue, green, red, 0])
}

/// Composes an area of the screen on a surface whose upper left corner lies at `corner` of the screen.
fn compose(cx: &Cx<'_>, made: &Surface, rect: &Rect, corner: (i32, i32)) -> User<()> {
    let windows = cx.windows()?.top_levels();
    let mut row = vec![background(cx); rect.width().max(0) as usize];
    let mut opened = made.open(cx.k);
    let on = |x: i32, y: i32| (x.wrapping_sub(corner.0), y.wrapping_sub(corner.1));
    for y in rect.top..rect.bottom {
        let (x, y) = on(rect.left, y);
        opened.store(x, y, &row)?;
    }
    // Those in front last.
    for window in windows.iter().rev().filter(|window| !window.minimized) {
        let Some(from) = surface::of(cx, window.handle, &window.surface) else { continue };
        let mut from = from.open(cx.k);
        for part in parts(window, rect) {
            row.resize(part.width().max(0) as usize, 0);
            let mut below = vec![0; if window.layered.is_some() { row.len() } else { 0 }];
            for y in part.top..part.bottom {
                // Pixels that are gone meanwhile are left out.
                let (left, top) = (part.left.wrapping_sub(window.rect.left), y.wrapping_sub(window.rect.top));
                if from.load(left, top, &mut row).is_err() {
                    continue;
                }
                let (x, y) = on(part.left, y);
                if let Some(how) = &window.layered {
                    opened.load(x, y, &mut below)?;
                    row.iter_mut().zip(&below).for_each(|(above, below)| *above = mix(*below, *above, how));
                }
                opened.store(x, y, &row)?;
            }
        }
    }
    Ok(())
}

/// A copy of what is to be seen of the screen, to draw on: the parts of it that a call said it would draw on, and what those were before.
pub(in crate::win32k) struct Drawn {
    /// As large as the screen.
    pub surface: Arc<Surface>,
    before: Vec<Snapshot>,
    copied: Region,
}

/// Parts that are copied one by one: who draws on more of them gets all there is to be seen at once.
const MOST_PARTS: usize = 8;

impl Drawn {
    /// For a DC of that window to draw on; `None` if that is not the screen's. Nothing is copied yet.
    pub(in crate::win32k) fn new(cx: &Cx<'_>, window: u32) -> User<Option<Drawn>> {
        if window != 0 && window != cx.top_window(false)?.1 {
            return Ok(None);
        }
        let screen = cx.screen()?;
        let surface = Surface::new(screen.width(), screen.height(), Format::bgrx())?;
        Ok(Some(Drawn { surface: Arc::new(surface), before: Vec::new(), copied: Region::default() }))
    }

    /// Has it show an area of the screen, of which no more than `all` is to be drawn on.
    pub(in crate::win32k) fn show(&mut self, cx: &Cx<'_>, area: &Rect, all: &Rect) -> User<()> {
        let area = if self.before.len() < MOST_PARTS { area } else { all };
        let Some(area) = self.surface.area().intersect(area) else { return Ok(()) };
        let area = Region::from(area);
        for rect in area.combine(&self.copied, Mode::Diff).rects() {
            let before = Surface::new(rect.width(), rect.height(), Format::bgrx())?;
            compose(cx, &before, rect, (rect.left, rect.top))?;
            let mut row = vec![0; rect.width().max(0) as usize];
            let (mut from, mut to) = (before.open(cx.k), self.surface.open(cx.k));
            for y in rect.top..rect.bottom {
                from.load(0, y.wrapping_sub(rect.top), &mut row)?;
                to.store(rect.left, y, &row)?;
            }
            drop((from, to));
            self.before.push(Snapshot { rect: *rect, surface: Arc::new(before) });
        }
        self.copied = self.copied.combine(&area, Mode::Or);
        Ok(())
    }
}

/// Has what was drawn on a copy of the screen be seen: as the windows that lie there have no other pixels, it is drawn on those, whose ever they are, until they
/// paint themselves again. What lies on none is the desktop's own. Layered windows are left out.
pub(in crate::win32k) fn put(cx: &Cx<'_>, drawn: &Drawn) -> User<()> {
    let area = drawn.surface.take_damage();
    let mut left = Region::from(area).combine(&drawn.copied, Mode::And);
    if left.is_empty() {
        return Ok(());
    }
    let windows = cx.windows()?.top_levels();
    for window in windows.iter().filter(|window| !window.minimized && window.layered.is_none()) {
        let there = parts(window, &area)
            .iter()
            .fold(Region::default(), |all, part| all.combine(&Region::from(*part), Mode::Or));
        let meets = left.combine(&there, Mode::And);
        if meets.is_empty() {
            continue;
        }
        left = left.combine(&there, Mode::Diff);
        if let Some(to) = surface::of(cx, window.handle, &window.surface) {
            put_on(cx, drawn, &meets, &to, (window.rect.left, window.rect.top))?;
        }
    }
    if differs(cx, drawn, &left)? {
        let (_, desktop) = cx.top_window(false)?;
        let screen = drawn.surface.area();
        if let Some((made, own)) = surface::make(cx, desktop, screen.width(), screen.height())? {
            let (mut opened, mut run, pixel) = (own.open(cx.k), Vec::new(), background(cx));
            for y in 0..screen.height() {
                opened.fill(0, y, screen.width().max(0) as usize, pixel, &mut run)?;
            }
            drop(opened);
            put_on(cx, drawn, &left, &own, (0, 0))?;
            let mut tx = cx.windows()?;
            let record = tx.root_window(false);
            tx.set_surface(record, &made);
            tx.commit()?;
        }
    }
    surface::flush(cx);
    Ok(())
}

/// Where pixels of a row changed: from and to.
fn changes(before: &[u32], now: &[u32]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, _) in before.iter().zip(now).enumerate().filter(|(_, (before, now))| before != now) {
        match runs.last_mut() {
            Some((_, end)) if *end == at => *end = at + 1,
            _ => runs.push((at, at + 1)),
        }
    }
    runs
}

/// Calls with what changed of each row of a region: its place, and the pixels.
fn each_change(cx: &Cx<'_>, drawn: &Drawn, region: &Region, mut run: impl FnMut(i32, i32, &[u32]) -> Nt<()>) -> Nt<()> {
    for part in &drawn.before {
        let (mut before, mut now) = (part.surface.open(cx.k), drawn.surface.open(cx.k));
        for rect in region.rects().iter().filter_map(|rect| rect.intersect(&part.rect)) {
            let mut rows = [vec![0; rect.width().max(0) as usize], vec![0; rect.width().max(0) as usize]];
            let [old, new] = &mut rows;
            for y in rect.top..rect.bottom {
                before.load(rect.left.wrapping_sub(part.rect.left), y.wrapping_sub(part.rect.top), old)?;
                now.load(rect.left, y, new)?;
                for (from, to) in changes(old, new) {
                    run(rect.left.saturating_add(from as i32), y, new.get(from..to).unwrap_or_default())?;
                }
            }
        }
    }
    Ok(())
}

fn differs(cx: &Cx<'_>, drawn: &Drawn, region: &Region) -> User<bool> {
    let mut differs = false;
    each_change(cx, drawn, region, |_, _, _| {
        differs = true;
        Ok(())
    })?;
    Ok(differs)
}

fn put_on(cx: &Cx<'_>, drawn: &Drawn, region: &Region, to: &Arc<Surface>, corner: (i32, i32)) -> User<()> {
    let mut opened = to.open(cx.k);
    each_change(cx, drawn, region, |x, y, pixels| {
        let (x, y) = (x.wrapping_sub(corner.0), y.wrapping_sub(corner.1));
        opened.damage(&Rect::sized(x, y, pixels.len() as i32, 1));
        opened.store(x, y, pixels)
    })?;
    Ok(())
}

/// What was drawn on the desktop itself is seen no longer: somebody asked for it to be painted.
pub(super) fn paint_desktop(cx: &Cx<'_>) -> User<()> {
    let mut tx = cx.windows()?;
    let desktop = tx.root_window(false);
    let number = if desktop == 0 { 0 } else { tx.surface(desktop).number };
    if number == 0 {
        return Ok(());
    }
    tx.set_surface(desktop, &Default::default());
    tx.commit()?;
    cx.k.user.surfaces.forget(number);
    surface::dispose(cx);
    Ok(())
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
    fn what_did_not_change_is_left_alone() {
        assert_eq!(changes(&[1, 2, 3, 4, 5], &[1, 0, 0, 4, 6]), [(1, 3), (4, 5)]);
        assert!(changes(&[1, 2], &[1, 2]).is_empty() && changes(&[], &[]).is_empty());
    }

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
