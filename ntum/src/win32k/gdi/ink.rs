//! Brushes as pixels of one surface: what a fill puts down.

use super::attr::TRANSPARENT;
use super::blit::{strip_rows, strips};
use super::brush::{Brush, Pattern, style};
use super::dc::Work;
use super::format::{Conversion, Format, swapped};
use super::handles::Handles;
use super::raster::rop;
use super::region::Region;
use super::stock;
use super::surface::Pixels;
use crate::status::Nt;
use crate::win32k::geometry::{Point, Rect};
use std::sync::Arc;

/// What is put down.
pub enum Ink {
    /// Nothing.
    None,
    /// One pixel everywhere.
    Solid(u32),
    /// Pixels that are repeated.
    Pattern(Tile),
}

/// Pixels that are repeated.
pub struct Tile {
    pixels: Pixels,
    /// Where nothing is put down: 0.
    mask: Option<Pixels>,
    /// Where the first pixel lies.
    origin: Point,
}

/// The hatches of HS_*: eight rows of eight, the first pixel in the upper bit.
const HATCHES: [[u8; 8]; 6] = [
    [0, 0, 0, 0xff, 0, 0, 0, 0],
    [8; 8],
    [0x80, 0x40, 0x20, 0x10, 8, 4, 2, 1],
    [1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80],
    [8, 8, 8, 0xff, 8, 8, 8, 8],
    [0x81, 0x42, 0x24, 0x18, 0x18, 0x24, 0x42, 0x81],
];

/// The threshold of ordered dithering at a place: Bayer's matrix of 2^`bits` rows.
pub fn bayer(x: u32, y: u32, bits: u32) -> u32 {
    (0..bits).fold(0, |sum, bit| {
        let (x, y) = (x >> bit & 1, y >> bit & 1);
        sum | ((x ^ y) << 1 | y) << (2 * (bits - 1 - bit))
    })
}

/// Pixels of a pattern that are kept for all rows of an area.
const MOST_OF_PATTERN: usize = 1 << 16;

/// How light a colour is, times 100.
fn lightness(color: u32) -> u32 {
    30 * (color >> 16 & 0xff) + 59 * (color >> 8 & 0xff) + 11 * (color & 0xff)
}

impl Work<'_> {
    /// The DC's brush, for a surface.
    pub fn brush_ink(&self, format: &Format) -> Ink {
        let (handle, brush) = &self.state.brush;
        let color = Handles::is_stock(*handle, stock::DC_BRUSH).then_some(self.attr.brush_color);
        self.ink(format, brush, color, true)
    }

    /// The pen's brush, for a surface.
    pub fn pen_ink(&self, format: &Format) -> Ink {
        let (handle, pen) = &self.state.pen;
        let color = Handles::is_stock(*handle, stock::DC_PEN).then_some(self.attr.pen_color);
        self.ink(format, &pen.brush, color, pen.extended)
    }

    /// A brush, for a surface; `color` instead of its own. `dither`: whether a colour that a bitmap of the device does not have
    /// is mixed of those that it has.
    pub fn ink(&self, format: &Format, brush: &Brush, color: Option<u32>, dither: bool) -> Ink {
        let color = color.unwrap_or(brush.color);
        let origin = self.attr.brush_origin;
        if let Some(pattern) = &brush.pattern {
            return match self.tile(format, pattern) {
                Ok(pixels) => Ink::Pattern(Tile { pixels, mask: None, origin }),
                Err(_) => Ink::None,
            };
        }
        match brush.style {
            style::NULL => Ink::None,
            style::HATCHED => self.hatch(format, brush.hatch as usize, color, origin).unwrap_or(Ink::None),
            _ if dither && needs_dither(format, color) => {
                let rgb = self.color_of(format, color).unwrap_or(0);
                match dithered(rgb) {
                    Ok(pixels) => Ink::Pattern(Tile { pixels, mask: None, origin }),
                    Err(_) => Ink::None,
                }
            }
            _ => Ink::Solid(self.pixel_of(format, color, true)),
        }
    }

    fn hatch(&self, format: &Format, hatch: usize, color: u32, origin: Point) -> Option<Ink> {
        let rows = HATCHES.get(hatch)?;
        let front = self.pixel_of(format, color, true);
        let transparent = self.attr.background_mode == TRANSPARENT;
        let back = match format.depth {
            1 if color != self.attr.background_color => 1 - front.min(1),
            1 => front,
            _ => self.pixel_of(format, self.attr.background_color, false),
        };
        let mut pixels = Pixels::new(8, 8).ok()?;
        let mut mask = Pixels::new(8, 8).ok()?;
        for (y, row) in (0..).zip(rows) {
            for (x, (pixel, mask)) in pixels.row_mut(y).iter_mut().zip(mask.row_mut(y)).enumerate() {
                let line = row >> (7 - x) & 1 != 0;
                *pixel = if line { front } else { back };
                *mask = if line { u32::MAX } else { 0 };
            }
        }
        Some(Ink::Pattern(Tile { pixels, mask: transparent.then_some(mask), origin }))
    }

    /// A pattern's pixels, as a surface has them.
    fn tile(&self, format: &Format, pattern: &Arc<Pattern>) -> Nt<Pixels> {
        let mut from = match &pattern.info {
            Some(info) => info.format(&self.state.palette.1),
            None => pattern.format.clone(),
        };
        let bare = |format: &Format| format.depth == 1 && format.colors.is_none();
        let device = bare(&from);
        if device && !bare(format) {
            // A bitmap of the device of one bit has the colours of the DC.
            let color = |color| self.color_of(format, color).unwrap_or(0);
            let colors = [color(self.attr.text_color), color(self.attr.background_color)];
            from.colors = Some(colors.as_slice().into());
        }
        let mut pixels = pattern.pixels.clone();
        if format.depth == 1 && !device {
            for (y, row) in (0u32..).zip(pixels.rows_mut()) {
                for (x, pixel) in (0u32..).zip(row) {
                    let light = lightness(from.color(*pixel)) / 100 + bayer(x, y, 4) > 255;
                    *pixel = format.pixel(if light { 0xff_ffff } else { 0 });
                }
            }
        } else {
            Conversion::new(&from, format).apply(pixels.values_mut());
        }
        Ok(pixels)
    }
}

fn needs_dither(format: &Format, color: u32) -> bool {
    if format.depth > 8 || format.colors.is_some() || color >> 16 == 0x10ff {
        return false;
    }
    color & 1 << 24 != 0 || !format.table().contains(&swapped(color & 0xff_ffff))
}

/// Black and white that look like a colour.
fn dithered(color: u32) -> Nt<Pixels> {
    let mut pixels = Pixels::new(8, 8)?;
    let grey = (lightness(color) + 200) / 400;
    for (y, row) in (0u32..).zip(pixels.rows_mut()) {
        for (x, pixel) in (0u32..).zip(row) {
            *pixel = u32::from(grey + bayer(x, y, 3) > 63);
        }
    }
    Ok(pixels)
}

impl Tile {
    /// Rows after which all is as before.
    fn period(&self) -> i32 {
        self.pixels.height.max(1)
    }

    /// Fills a run with the tile's pixels, and another with its mask if there is one.
    pub fn run(&self, x: i32, y: i32, pixels: &mut [u32], mask: &mut [u32]) -> bool {
        let place =
            |at: i32, origin: i32, size: i32| (i64::from(at) - i64::from(origin)).rem_euclid(size.max(1).into());
        let row = place(y, self.origin.y, self.pixels.height) as i32;
        let first = place(x, self.origin.x, self.pixels.width) as usize;
        repeat(self.pixels.row(row), first, pixels);
        match &self.mask {
            Some(of) => {
                repeat(of.row(row), first, mask);
                true
            }
            None => false,
        }
    }
}

/// Repeats a row from its `first` pixel on.
fn repeat(row: &[u32], first: usize, out: &mut [u32]) {
    let (Some(start), Some(end)) = (row.get(first..), row.get(..first)) else { return };
    let mut done = 0;
    for part in [start, end] {
        let count = part.len().min(out.len() - done);
        if let (Some(to), Some(part)) = (out.get_mut(done..done + count), part.get(..count)) {
            to.copy_from_slice(part);
        }
        done += count;
    }
    // What is there repeats itself, twice as much each time.
    while done > 0 && done < out.len() {
        let count = done.min(out.len() - done);
        out.copy_within(..count, done);
        done += count;
    }
}

impl Work<'_> {
    /// Notes what is drawn on, for GetBoundsRect.
    pub fn note_bounds(&mut self, rect: &Rect) {
        if self.state.keep_bounds {
            self.state.bounds = self.state.bounds.union(rect);
        }
    }

    /// Fills a region of the device: pen and destination become the destination by a ROP3 that looks at no source.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`: the guest took the surface's memory away.
    pub fn fill(&mut self, region: &Region, ink: &Ink, operation: u8) -> Nt<()> {
        self.fill_areas(region.rects(), &region.bounds(), ink, operation)
    }

    /// As [`Work::fill`], for areas that lie within bounds. Where they overlap, what they do is done more than once.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn fill_areas(&mut self, areas: &[Rect], bounds: &Rect, ink: &Ink, operation: u8) -> Nt<()> {
        if matches!(ink, Ink::None) && rop::uses_pattern(operation) || areas.is_empty() {
            return Ok(());
        }
        self.note_bounds(bounds);
        if !self.ready_target(bounds) {
            return Ok(());
        }
        let Some(surface) = self.drawn_on() else { return Ok(()) };
        let origin = self.state.origin;
        let mut opened = surface.open(self.k);
        opened.damage(&bounds.offset(origin.x, origin.y));
        let all = opened.format.mask();
        let looks = rop::uses_destination(operation);
        // One pixel that the destination says nothing about.
        if let Ink::Solid(pixel) = ink
            && !looks
        {
            let mut one = [0];
            rop::combine(operation, &mut one, &[0], &[*pixel]);
            return opened.fill_areas(areas, bounds, (origin.x, origin.y), one[0] & all);
        }
        let (mut run, mut pattern, mut mask) = (Vec::new(), Vec::new(), Vec::new());
        for area in areas {
            let count = area.width().max(0) as usize;
            // Strips as high as the pattern, or several times as high, have the same one each.
            let period = if let Ink::Pattern(tile) = ink { tile.period() } else { 1 };
            let repeats = (period as usize).saturating_mul(count) <= MOST_OF_PATTERN;
            let high =
                if repeats { (strip_rows(count) / period).max(1).saturating_mul(period) } else { strip_rows(count) };
            let high = high.min(area.height().max(1));
            pattern.resize(count * high as usize, 0);
            mask.resize(pattern.len(), 0);
            let mut masked = false;
            for strip in strips(*area, high) {
                let length = count * strip.height() as usize;
                let place = strip.offset(origin.x, origin.y);
                match ink {
                    Ink::Solid(pixel) => pattern.fill(*pixel),
                    Ink::Pattern(tile) if !repeats || strip.top == area.top => {
                        let rows = pattern.chunks_exact_mut(count.max(1)).zip(mask.chunks_exact_mut(count.max(1)));
                        for ((pixels, mask), y) in rows.zip(strip.top..strip.bottom) {
                            masked = tile.run(area.left, y, pixels, mask);
                        }
                        pattern.iter_mut().for_each(|pixel| *pixel &= all);
                    }
                    _ => {}
                }
                let pattern = pattern.get(..length).unwrap_or_default();
                if operation == rop::PATCOPY && !masked {
                    opened.store_area(&place, pattern)?;
                    continue;
                }
                run.resize(length, 0);
                if masked || looks {
                    opened.load_area(&place, &mut run)?;
                }
                if masked {
                    let mut drawn = run.clone();
                    rop::combine(operation, &mut drawn, &[], pattern);
                    for ((pixel, drawn), mask) in run.iter_mut().zip(&drawn).zip(&mask) {
                        *pixel ^= mask & (*pixel ^ drawn);
                    }
                } else {
                    rop::combine(operation, &mut run, &[], pattern);
                }
                if all != u32::MAX {
                    run.iter_mut().for_each(|pixel| *pixel &= all);
                }
                opened.store_area(&place, &run)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_bayers() {
        assert_eq!(
            [bayer(1, 0, 3), bayer(0, 1, 3), bayer(1, 1, 3), bayer(2, 0, 3), bayer(7, 7, 3)],
            [32, 48, 16, 8, 21]
        );
        let mut all: Vec<_> = (0..256).map(|at| bayer(at % 16, at / 16, 4)).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..256));
    }

    #[test]
    fn tiles_are_repeated_from_their_origin() {
        let mut pixels = Pixels::new(3, 1).unwrap();
        pixels.row_mut(0).copy_from_slice(&[1, 2, 3]);
        let tile = Tile { pixels, mask: None, origin: Point::new(2, 0) };
        let mut run = [0; 7];
        assert!(!tile.run(-2, -5, &mut run, &mut []));
        assert_eq!(run, [3, 1, 2, 3, 1, 2, 3]);
    }
}
