//! Pixels that the desktop draws itself: areas, edges, pictures, lines of text.

use crate::kernel::Kernel;
use crate::win32k::gdi::fonts::glyph::Shades;
use crate::win32k::gdi::fonts::raster::Smoothing;
use crate::win32k::gdi::fonts::realize::{Realized, STRAIGHT, select};
use crate::win32k::geometry::Rect;
use crate::win32k::user::sysparams::fonts::{self, FontUse};
use std::sync::Arc;

/// Dots per inch.
const DPI: u32 = 96;
/// Most units of a line that are drawn.
const LONGEST: usize = 512;

/// A colour of the system's, as pixels have it.
pub(super) fn colour(k: &'static Kernel, index: u32) -> u32 {
    let [red, green, blue, _] = k.system_colour(index).to_le_bytes();
    u32::from_le_bytes([blue, green, red, 0])
}

/// A font and how it is smoothed.
#[derive(Clone)]
pub(super) struct Pen {
    k: &'static Kernel,
    /// `None` where there is no font at all.
    font: Option<Arc<Realized>>,
    smoothing: Smoothing,
    /// Pixels above the line, and of a line.
    ascent: i32,
    pub height: i32,
}

impl Pen {
    /// The font of message boxes, or a bold one.
    pub(super) fn new(k: &'static Kernel, bold: bool) -> Pen {
        let font = fonts::font(k, if bold { FontUse::Caption } else { FontUse::Message }, DPI);
        let font = select(k, font, STRAIGHT, true);
        let metrics = font.as_ref().and_then(|font| font.text_metrics());
        // Thirds of a pixel are for what lies on a known background.
        let smoothing = match k.gdi.fonts.smoothing(k) {
            Smoothing::None => Smoothing::None,
            _ => Smoothing::Grey,
        };
        let smoothing = font.as_ref().map_or(smoothing, |font| font.smoothed_as(smoothing));
        let (ascent, height) = metrics.map_or((11, 13), |metrics| (metrics.ascent, metrics.height));
        Pen { k, font, smoothing, ascent, height: height.clamp(1, 100) }
    }

    fn steps(&self, text: &[u16]) -> Vec<i32> {
        let Some(font) = &self.font else { return vec![0; text.len()] };
        font.draw(self.k, text, false, self.smoothing, |glyphs| {
            glyphs.iter().map(|glyph| glyph.map_or(0, |glyph| glyph.metrics.advance_x.into())).collect()
        })
    }

    /// How wide a line is.
    pub(super) fn width(&self, text: &[u16]) -> i32 {
        self.steps(text.get(..LONGEST).unwrap_or(text)).into_iter().fold(0, i32::saturating_add)
    }

    /// As much of a line as there is room for; what is cut off ends with an ellipsis.
    pub(super) fn fitted(&self, text: &[u16], room: i32) -> Vec<u16> {
        let text = text.get(..LONGEST).unwrap_or(text);
        if self.width(text) <= room {
            return text.to_vec();
        }
        let dots = [u16::from(b'.'); 3];
        let left = room.saturating_sub(self.width(&dots));
        let mut at: i32 = 0;
        let fits = |step: &&i32| {
            at = at.saturating_add(**step);
            at <= left
        };
        let steps = self.steps(text);
        let count = steps.iter().take_while(fits).count();
        [text.get(..count).unwrap_or_default(), &dots].concat()
    }

    /// A text in lines that there is room for, broken where words end.
    pub(super) fn lines(&self, text: &[u16], room: i32) -> Vec<Vec<u16>> {
        let mut lines = Vec::new();
        for line in text.split(|unit| *unit == u16::from(b'\n')) {
            let line: Vec<u16> = line.iter().copied().filter(|unit| *unit != u16::from(b'\r')).collect();
            let mut now: Vec<u16> = Vec::new();
            for word in line.split(|unit| *unit == 0x20) {
                let longer = if now.is_empty() { word.to_vec() } else { [&now, &[0x20][..], word].concat() };
                if now.is_empty() || self.width(&longer) <= room {
                    now = longer;
                } else {
                    lines.push(std::mem::replace(&mut now, word.to_vec()));
                }
            }
            lines.push(now);
        }
        lines
    }
}

/// Pixels, the first row first: 0x00RRGGBB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sheet {
    pub width: i32,
    pub height: i32,
    pub pixels: Vec<u32>,
}

impl Sheet {
    /// One of a colour; with a side that is none it has no pixels.
    pub(super) fn new(width: i32, height: i32, colour: u32) -> Sheet {
        let (width, height) = (width.clamp(0, 16_384), height.clamp(0, 4096));
        Sheet { width, height, pixels: vec![colour; width as usize * height as usize] }
    }

    fn at(&mut self, x: i32, y: i32) -> Option<&mut u32> {
        if x < 0 || y < 0 || x >= self.width || y >= self.height {
            return None;
        }
        self.pixels.get_mut(y as usize * self.width as usize + x as usize)
    }

    /// Fills an area.
    pub(super) fn fill(&mut self, rect: &Rect, colour: u32) {
        let Some(rect) = rect.intersect(&Rect::new(0, 0, self.width, self.height)) else { return };
        for y in rect.top..rect.bottom {
            for x in rect.left..rect.right {
                self.at(x, y).into_iter().for_each(|pixel| *pixel = colour);
            }
        }
    }

    /// Sets a pixel.
    pub(super) fn set(&mut self, x: i32, y: i32, colour: u32) {
        self.at(x, y).into_iter().for_each(|pixel| *pixel = colour);
    }

    /// Draws the lines along an area's edges: left and upper, right and lower.
    pub(super) fn edge(&mut self, rect: &Rect, upper: u32, lower: u32) {
        let Rect { left, top, right, bottom } = *rect;
        self.fill(&Rect::new(left, top, right, top.saturating_add(1)), upper);
        self.fill(&Rect::new(left, top, left.saturating_add(1), bottom), upper);
        self.fill(&Rect::new(left, bottom.saturating_sub(1), right, bottom), lower);
        self.fill(&Rect::new(right.saturating_sub(1), top, right, bottom), lower);
    }

    /// Draws a square picture: blue, green, red and opacity, not multiplied.
    pub(super) fn picture(&mut self, x: i32, y: i32, picture: &[u8], side: usize) {
        for (row, line) in (y..).zip(picture.chunks_exact((side * 4).max(1))) {
            for (column, pixel) in (x..).zip(line.as_chunks::<4>().0) {
                let [blue, green, red, alpha] = *pixel;
                let colour = u32::from_le_bytes([blue, green, red, 0]);
                self.blend(column, row, colour, alpha.into(), 255);
            }
        }
    }

    fn blend(&mut self, x: i32, y: i32, colour: u32, part: u32, whole: u32) {
        let Some(pixel) = self.at(x, y) else { return };
        let part = part.min(whole);
        let mixed = |shift: u32| {
            let (above, below) = (colour >> shift & 0xff, *pixel >> shift & 0xff);
            ((above * part + below * (whole - part) + whole / 2) / whole) << shift
        };
        *pixel = mixed(0) | mixed(8) | mixed(16);
    }

    /// Draws a line of text from its upper left corner.
    pub(super) fn text(&mut self, pen: &Pen, x: i32, y: i32, text: &[u16], colour: u32) {
        let Some(font) = &pen.font else { return };
        let (mut x, line) = (x, y.saturating_add(pen.ascent));
        font.draw(pen.k, text.get(..LONGEST).unwrap_or(text), false, pen.smoothing, |glyphs| {
            for glyph in glyphs.iter().flatten() {
                let (left, top) = (x.saturating_add(glyph.metrics.left), line.saturating_sub(glyph.metrics.top));
                if let Shades::Levels(levels) = &glyph.shades {
                    for (row, levels) in (top..).zip(levels.chunks_exact(glyph.pitch.max(1))) {
                        for (column, level) in (left..).zip(levels.iter().take(glyph.metrics.width as usize)) {
                            self.blend(column, row, colour, (*level).into(), 16);
                        }
                    }
                }
                x = x.saturating_add(glyph.metrics.advance_x.into());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beyond_the_edges_is_not_drawn() {
        let mut sheet = Sheet::new(4, 3, 7);
        sheet.fill(&Rect::new(2, 1, i32::MAX, i32::MAX), 9);
        assert_eq!(sheet.pixels, [7, 7, 7, 7, 7, 7, 9, 9, 7, 7, 9, 9]);
        // Half opaque white; a pixel that is not there.
        sheet.picture(3, 2, &[255, 255, 255, 128, 0, 0, 0, 255, 1, 2, 3, 0, 4, 5, 6, 255], 2);
        assert_eq!(sheet.pixels[11] & 0xff, (255 * 128 + 9 * 127 + 127) / 255);
        assert!(Sheet::new(-5, i32::MAX, 0).pixels.is_empty());
    }
}
