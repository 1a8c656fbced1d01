//! Composes the surfaces of top-level windows into the framebuffer, where something changed.

use super::bar;
use super::layout::{Damage, Layout};
use super::link::Link;
use crate::host::Stream;
use crate::kernel::Kernel;
use crate::shm::Shm;
use crate::shm::user::surface::{Layered, TopLevel, layered};
use crate::status::*;
use crate::win32k::geometry::Rect;
use shim_abi::display::{Area, Size};
use std::collections::HashMap;
use zerocopy::IntoBytes;

/// COLOR_BACKGROUND.
const BACKGROUND: u32 = 1;
/// Most windows that are composed: those below are as if they were not there.
const MOST: usize = 512;
/// Pixels that are composed at a time.
const BAND: usize = 1 << 16;

/// What it takes to compose.
pub(super) struct Compositor {
    k: &'static Kernel,
    screen: Rect,
    /// Surfaces by their numbers; nothing for one that cannot be had.
    surfaces: HashMap<u64, Option<Stream>>,
    layout: Layout,
    damage: Damage,
    /// Whether all of the screen is to be composed.
    all: bool,
    /// The last frame's number, and whether the client has yet to take it.
    number: u32,
    outstanding: bool,
    /// What is behind all windows, as the framebuffer has it; found out when it is first needed.
    background: Option<u32>,
}

impl Compositor {
    pub(super) fn new(k: &'static Kernel) -> Compositor {
        Compositor {
            k,
            screen: Rect::default(),
            surfaces: HashMap::new(),
            layout: Layout::default(),
            damage: Damage::default(),
            all: true,
            number: 0,
            outstanding: false,
            background: None,
        }
    }

    /// The screen has that size.
    pub(super) fn resize(&mut self, size: &Size) {
        self.screen = Rect::new(0, 0, size.width as i32, size.height as i32);
        self.forget();
    }

    /// The next frame is the whole screen.
    pub(super) fn forget(&mut self) {
        self.all = true;
        self.outstanding = false;
        self.layout.forget();
        self.damage.take();
    }

    /// The client took a frame.
    pub(super) fn shown(&mut self, number: u32) {
        if number == self.number {
            self.outstanding = false;
        }
    }

    /// Brings the framebuffer up to date; the frame's number and what of it changed, if something did. While the client has yet to
    /// take the one before, the framebuffer is left alone.
    ///
    /// # Errors
    /// What the host answers.
    pub(super) fn compose(&mut self, shm: &'static Shm, live: bool, link: &Link) -> Nt<Option<(u32, Vec<Area>)>> {
        if self.outstanding {
            return Ok(None);
        }
        let mut tx = shm.begin();
        let mut windows = tx.top_levels();
        if tx.shows_task_bar() {
            windows.retain(|window| !window.minimized);
        }
        windows.truncate(MOST);
        if live {
            for window in windows.iter().filter(|window| !window.damage.is_empty()) {
                tx.take_damage(window.record);
            }
            tx.commit()?;
        } else {
            drop(tx);
        }
        let screen = self.screen;
        bar::place(&mut windows, &screen);
        self.layout.change(&windows, &screen, &mut self.damage);
        for window in &windows {
            let (left, top) = (window.rect.left, window.rect.top);
            // Who is not told of damage looks at all that is there.
            let damage = if live { window.damage } else { window.rect.offset(left.wrapping_neg(), top.wrapping_neg()) };
            let moved = damage.offset(left, top).intersect(&window.rect);
            moved.iter().for_each(|area| self.damage.add(area, &screen));
        }
        if std::mem::take(&mut self.all) {
            self.damage.add(&screen, &screen);
        }
        if self.damage.is_empty() {
            return Ok(None);
        }
        self.surfaces.retain(|number, _| windows.iter().any(|window| window.surface.number == *number));
        for window in &windows {
            let take = |number: &u64| self.k.host.take_left(*number).ok();
            self.surfaces.entry(window.surface.number).or_insert_with_key(take);
        }
        let background = self.background();
        let mut changed = Vec::new();
        for area in self.damage.take() {
            if self.area(&windows, &area, background, link, live)? {
                let Rect { left, top, right, bottom } = area;
                changed.push(Area { left, top, right, bottom });
            }
        }
        if changed.is_empty() {
            return Ok(None);
        }
        self.number = self.number.wrapping_add(1);
        self.outstanding = true;
        Ok(Some((self.number, changed)))
    }

    /// What is behind all windows.
    fn background(&mut self) -> u32 {
        let k = self.k;
        *self.background.get_or_insert_with(|| {
            let [red, green, blue, _] = k.system_colour(BACKGROUND).to_le_bytes();
            u32::from_le_bytes([blue, green, red, 0])
        })
    }

    /// Composes an area of the screen, in bands; answers whether the framebuffer is another for it. Who is not told of damage finds
    /// that out by looking.
    fn area(&self, windows: &[TopLevel], area: &Rect, background: u32, link: &Link, live: bool) -> Nt<bool> {
        let width = area.width().max(1) as usize;
        let rows = (BAND / width).max(1) as i32;
        let (mut pixels, mut row, mut changed) = (Vec::new(), Vec::new(), live);
        let mut top = area.top;
        while top < area.bottom {
            let band = Rect { top, bottom: top.saturating_add(rows).min(area.bottom), ..*area };
            pixels.clear();
            pixels.resize(width * band.height().max(0) as usize, background);
            // Nothing below a window that covers all of the band is seen.
            let covers = |window: &TopLevel| {
                let opaque = window.layered.is_none() && window.region.is_none() && window.surface.number != 0;
                let there = matches!(self.surfaces.get(&window.surface.number), Some(Some(_)));
                opaque && there && filled(window).covers(&band)
            };
            let last = windows.iter().position(covers).unwrap_or(windows.len());
            for window in windows.iter().take(last + 1).rev() {
                self.window(window, &band, &mut pixels, &mut row);
            }
            changed |= self.write(link, &band, &pixels, !live)?;
            top = band.bottom;
        }
        Ok(changed)
    }

    /// Draws what lies of a window in the band.
    fn window(&self, window: &TopLevel, band: &Rect, pixels: &mut [u32], row: &mut Vec<u32>) {
        let Some(Some(stream)) = self.surfaces.get(&window.surface.number) else { return };
        let Some(part) = filled(window).intersect(band) else { return };
        match &window.region {
            None => self.part(window, stream, &part, band, pixels, row),
            Some(region) => {
                for piece in region {
                    if let Some(piece) = piece.offset(window.rect.left, window.rect.top).intersect(&part) {
                        self.part(window, stream, &piece, band, pixels, row);
                    }
                }
            }
        }
    }

    fn part(&self, window: &TopLevel, stream: &Stream, part: &Rect, band: &Rect, to: &mut [u32], row: &mut Vec<u32>) {
        let width = part.width().max(0) as usize;
        let stride = band.width().max(0) as usize;
        row.clear();
        row.resize(width, 0);
        for y in part.top..part.bottom {
            let from = (i64::from(y) - i64::from(window.rect.top)) * i64::from(window.surface.width)
                + (i64::from(part.left) - i64::from(window.rect.left));
            let Ok(from) = u64::try_from(from * 4) else { continue };
            // What a program cut off its surface is what was there before, or black.
            if self.k.host.read_bytes(stream, row.as_mut_bytes(), Some(from)).is_err() {
                continue;
            }
            let at = (y - band.top).max(0) as usize * stride + (part.left - band.left).max(0) as usize;
            let Some(into) = to.get_mut(at..at + width) else { continue };
            match &window.layered {
                None => into.copy_from_slice(row),
                Some(how) => into.iter_mut().zip(row.iter()).for_each(|(into, from)| *into = mix(*into, *from, how)),
            }
        }
    }

    /// Writes a band into the framebuffer, if it is to be compared only where it differs; answers whether something was written.
    fn write(&self, link: &Link, band: &Rect, pixels: &[u32], compare: bool) -> Nt<bool> {
        let stride = self.screen.width().max(0) as usize;
        let width = band.width().max(1) as usize;
        let whole = width == stride;
        let run = if whole { pixels.len().max(1) } else { width };
        let (mut there, mut written) = (Vec::new(), false);
        for (index, part) in pixels.chunks(run).enumerate() {
            let at = ((band.top.max(0) as usize + index) * stride + band.left.max(0) as usize) as u64 * 4;
            if compare {
                there.clear();
                there.resize(part.len(), 0u32);
                let same = self.k.host.read_bytes(&link.framebuffer, there.as_mut_bytes(), Some(at));
                if same == Ok(part.len() * 4) && there == part {
                    continue;
                }
            }
            written = true;
            let (bytes, mut done) = (part.as_bytes(), 0);
            while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
                match self.k.host.write_bytes(&link.framebuffer, rest, Some(at + done as u64))? {
                    0 => return Err(STATUS_DISK_FULL),
                    count => done += count,
                }
            }
        }
        Ok(written)
    }
}

/// The part of a window's rectangle that its surface has pixels for.
fn filled(window: &TopLevel) -> Rect {
    let side = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
    let (rect, surface) = (&window.rect, &window.surface);
    Rect {
        right: rect.right.min(rect.left.saturating_add(side(surface.width))),
        bottom: rect.bottom.min(rect.top.saturating_add(side(surface.height))),
        ..*rect
    }
}

/// A layered window's pixel over another.
pub(in crate::win32k) fn mix(below: u32, pixel: u32, how: &Layered) -> u32 {
    if how.flags & layered::COLOR_KEY != 0 && pixel & 0xff_ffff == how.key & 0xff_ffff {
        return below;
    }
    let constant = if how.flags & layered::ALPHA != 0 { how.alpha & 0xff } else { 255 };
    let per_pixel = how.flags & layered::PER_PIXEL != 0;
    let channel = |value: u32, shift: u32| value >> shift & 0xff;
    let over = |shift: u32| {
        let (above, below) = (channel(pixel, shift), channel(below, shift));
        // Colours with an opacity of their own were multiplied by it already.
        let opacity = if per_pixel { channel(pixel, 24) * constant / 255 } else { constant };
        let above = above * constant / 255;
        (above + below * (255 - opacity) / 255).min(255) << shift
    };
    over(0) | over(8) | over(16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shm::user::surface::Surface;

    #[test]
    fn layered_windows_are_mixed_as_they_say() {
        let how = |flags, alpha, key| Layered { flags, alpha, key };
        assert_eq!(mix(0x102030, 0xabcdef, &how(layered::COLOR_KEY, 0, 0xabcdef)), 0x102030);
        assert_eq!(mix(0x102030, 0xff_abcdee, &how(layered::COLOR_KEY, 0, 0xabcdef)), 0xabcdee);
        assert_eq!(mix(0x000000, 0xffffff, &how(layered::ALPHA, 128, 0)), 0x808080);
        assert_eq!(mix(0x102030, 0xffffff, &how(layered::ALPHA, 0, 0)), 0x102030);
        // Half opaque white, multiplied; all clear.
        assert_eq!(mix(0, 0x80_808080, &how(layered::PER_PIXEL, 0, 0)), 0x808080);
        assert_eq!(mix(0x123456, 0, &how(layered::PER_PIXEL, 0, 0)), 0x123456);
        // Colours that were not multiplied do not run over.
        assert_eq!(mix(0xffffff, 0x01_ffffff, &how(layered::PER_PIXEL, 0, 0)), 0xffffff);
    }

    #[test]
    fn a_window_has_no_more_pixels_than_its_surface() {
        let surface = |width, height| Surface { number: 1, width, height };
        let window = |rect, surface| TopLevel { rect, surface, ..TopLevel::default() };
        let rect = Rect::sized(5, 5, 20, 20);
        assert_eq!(filled(&window(rect, surface(10, 30))), Rect::new(5, 5, 15, 25));
        assert_eq!(filled(&window(rect, surface(u32::MAX, u32::MAX))), rect);
        assert!(filled(&window(Rect::new(9, 9, 1, 1), surface(4, 4))).is_empty());
    }
}
