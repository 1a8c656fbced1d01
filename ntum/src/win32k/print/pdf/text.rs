//! Text that records draw: glyphs of the fonts that GDI finds, where the record says.

use super::canvas::Clip;
use super::document::Kind;
use super::matrix::{Matrix, Spot, spot, tame};
use super::path;
use super::play::Player;
use super::record::Record;
use crate::win32k::gdi::font::Font;
use crate::win32k::gdi::fonts::realize::{Realized, STRAIGHT, select};
use crate::win32k::geometry::Rect;
use pdf_writer::types::BlendMode;
use pdf_writer::{Name, Str};
use std::sync::Arc;

/// ETO_*.
mod option {
    pub const OPAQUE: u32 = 2;
    pub const CLIPPED: u32 = 4;
    pub const GLYPHS: u32 = 0x10;
    pub const BOTH_WAYS: u32 = 0x2000;
}

/// TA_*.
mod align {
    pub const UPDATE: u32 = 1;
    pub const RIGHT: u32 = 2;
    pub const CENTER: u32 = 6;
    pub const BOTTOM: u32 = 8;
    pub const BASELINE: u32 = 24;
}

/// GM_COMPATIBLE.
const COMPATIBLE: u32 = 1;
/// How far the top of a glyph that is slanted leans over, for its height.
const SLANT: f64 = 0.2126;
/// Width of the line that makes glyphs bold, for the height of an em.
const BOLD: f64 = 1.0 / 24.0;

/// How text lies on the device.
struct Lie {
    font: Arc<Realized>,
    /// One pixel along the line and one towards the glyphs' tops.
    along: Spot,
    up: Spot,
    /// Pixels along the line for a logical unit.
    unit: f64,
}

/// A glyph and where it goes, in pixels along the line and towards the tops.
struct Placed {
    glyph: u32,
    /// The font that has it, where it is another.
    other: Option<Arc<Realized>>,
    text: Vec<char>,
    at: Spot,
}

impl Player<'_, '_> {
    /// The font that is selected, as [`crate::win32k::gdi::dc::Work::realized`] has it.
    fn lie(&self, mode: u32) -> Option<Lie> {
        let [m11, m12, m21, m22, ..] = self.state.to_device().0;
        let mut font: Font = *self.state.font;
        font.width = font.width.saturating_abs();
        let scaled = |value: i32, by: f64| (f64::from(value) * by.abs()) as i32;
        let (mut turn, mut unit) = (Matrix::default(), m11.abs());
        if mode == COMPATIBLE {
            font.orientation = font.escapement;
            if m11 * m22 < 0.0 {
                font.orientation = font.orientation.wrapping_neg();
            }
            (font.height, font.width) = (scaled(font.height, m22), scaled(font.width, m22));
        } else if m12 == 0.0 && m21 == 0.0 && m11 == m22 {
            (font.height, font.width) = (scaled(font.height, m11), scaled(font.width, m11));
            let sign = m11.signum();
            turn = Matrix([sign, 0.0, 0.0, sign, 0.0, 0.0]);
        } else {
            (turn, unit) = (Matrix([m11, m12, m21, m22, 0.0, 0.0]), 1.0);
        }
        let angle = f64::from(font.orientation) * std::f64::consts::PI / 1800.0;
        // The outlines of the file are taken, so it is not asked for turned glyphs.
        let font = select(self.cx.k, Font { escapement: 0, orientation: 0, ..font }, STRAIGHT, false)?;
        let (along, up) = (spot(angle.cos(), -angle.sin()), spot(-angle.sin(), -angle.cos()));
        Some(Lie { font, along: turn.turn(along), up: turn.turn(up), unit })
    }

    /// EMR_EXTTEXTOUTW.
    pub fn text(&mut self, record: &Record<'_>) {
        let (options, count) = (record.word(52), record.word(44) as usize);
        let rect = record.rect(56);
        let has_rect = options & (option::OPAQUE | option::CLIPPED) != 0 && rect != Rect::new(0, 0, -1, -1);
        let area = path::rect(&rect, &self.state.to_device());
        if has_rect && options & option::OPAQUE != 0 {
            self.fill(&area, self.state.back_color);
        }
        let units = record.part(record.word(48) as usize, count.saturating_mul(2)).as_chunks::<2>().0;
        let units: Vec<u16> = units.iter().map(|raw| u16::from_le_bytes(*raw)).collect();
        if units.is_empty() {
            return;
        }
        let both = options & option::BOTH_WAYS != 0;
        let steps = record.part(record.word(72) as usize, units.len().saturating_mul(if both { 8 } else { 4 }));
        let steps: Vec<i32> = steps.as_chunks::<4>().0.iter().map(|raw| i32::from_le_bytes(*raw)).collect();
        let Some(lie) = self.lie(record.word(24)) else { return };
        if has_rect && options & option::CLIPPED != 0 {
            let clip = Clip { region: None, paths: vec![Arc::new((area, true))] };
            return self.within(clip, |player| player.line(record, &lie, &units, &steps, both, true));
        }
        self.line(record, &lie, &units, &steps, both, has_rect && options & option::OPAQUE != 0);
    }

    /// One line of text. `is_filled`: whether the background was drawn.
    fn line(&mut self, record: &Record<'_>, lie: &Lie, units: &[u16], steps: &[i32], both: bool, is_filled: bool) {
        let by_number = record.word(52) & option::GLYPHS != 0;
        let (placed, total) = self.place_text(lie, units, steps, both, by_number);
        let Some(metrics) = lie.font.text_metrics() else { return };
        let (ascent, descent) = (f64::from(metrics.ascent), f64::from(metrics.descent));
        let to = self.state.to_device();
        let how = self.state.align;
        let reference = if how & align::UPDATE != 0 { self.state.position } else { record.spot(36) };
        let before = match how & align::CENTER {
            align::CENTER => total / 2.0,
            align::RIGHT => total,
            _ => 0.0,
        };
        let above = match how & align::BASELINE {
            align::BASELINE => 0.0,
            align::BOTTOM => descent,
            _ => -ascent,
        };
        let start = to.apply(reference);
        let origin = start.plus(lie.along, -before).plus(lie.up, above);
        if how & align::UPDATE != 0 && how & align::CENTER != align::CENTER {
            let end = start.plus(lie.along, if before == 0.0 { total } else { -total });
            self.state.position = to.inverse().map_or(reference, |back| back.apply(end));
        }
        // A band along the line, between two heights above its base.
        let band = |from: f64, until: f64| {
            let (low, high) = (origin.plus(lie.up, from), origin.plus(lie.up, until));
            path::polygon(&[low, low.plus(lie.along, total), high.plus(lie.along, total), high], true)
        };
        if self.state.is_opaque && !is_filled && !self.is_in_path() {
            self.fill(&band(-descent, ascent), self.state.back_color);
        }
        let shown = self.state.shown.clone();
        self.canvas.clip_to(&shown);
        self.canvas.blend(self.document, BlendMode::Normal, 255);
        let mut rest = &placed[..];
        while let Some(first) = rest.first() {
            let same = |other: &Placed| match (&first.other, &other.other) {
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                (None, None) => true,
                _ => false,
            };
            let length = rest.iter().position(|other| !same(other)).unwrap_or(rest.len());
            let (run, after) = rest.split_at(length);
            rest = after;
            let font = first.other.clone().unwrap_or_else(|| lie.font.clone());
            self.run(&font, lie, origin, run);
        }
        let line = |size: i32, position: i32| {
            let (size, middle) = (f64::from(size.abs().max(1)), f64::from(position));
            (middle - size / 2.0, middle + size / 2.0)
        };
        if self.is_in_path() {
            return;
        }
        let Some((_, outlines)) = lie.font.outline_metrics() else { return };
        if self.state.font.underline != 0 {
            let (from, until) = line(outlines.underscore_size, outlines.underscore_position);
            self.fill(&band(from, until), self.state.text_color);
        }
        if self.state.font.strike_out != 0 {
            let (from, until) = line(outlines.strike_out_size, outlines.strike_out_position);
            self.fill(&band(from, until), self.state.text_color);
        }
    }

    /// Glyphs of a text, and how long it is in pixels along the line.
    fn place_text(&self, lie: &Lie, units: &[u16], steps: &[i32], both: bool, by_number: bool) -> (Vec<Placed>, f64) {
        let k = self.cx.k;
        let mut placed: Vec<Placed> = Vec::with_capacity(units.len());
        let mut at = Spot::default();
        let mut high = None;
        for (index, unit) in units.iter().enumerate() {
            let step = |place: usize| steps.get(place).map(|step| f64::from(*step) * lie.unit);
            let (along, up) = match both {
                true => (step(index * 2), step(index * 2 + 1).unwrap_or(0.0)),
                false => (step(index), 0.0),
            };
            let here = at;
            let mut add = |glyph: u32, other: Option<Arc<Realized>>, text: Vec<char>| {
                let font = other.as_deref().unwrap_or(&lie.font);
                let natural = || font.outlines().map_or(0.0, |file| advance(font, file, glyph));
                let along = along.unwrap_or_else(natural);
                placed.push(Placed { glyph, other, text, at: here });
                along
            };
            let moved = if by_number {
                add(lie.font.by_number(*unit), None, Vec::new())
            } else if (0xd800..0xdc00).contains(unit) {
                high = Some(*unit);
                along.unwrap_or(0.0)
            } else if let (0xdc00..0xe000, Some(high)) = (*unit, high.take()) {
                let letter = char::decode_utf16([high, *unit]).next().and_then(Result::ok);
                let (glyph, other) = beyond(k, &lie.font, letter.unwrap_or('\u{fffd}'));
                add(glyph, other, letter.into_iter().collect())
            } else {
                let found = lie.font.resolve(k, *unit);
                // Symbols lie in the private area, and mean what the program wrote.
                let text = char::from_u32((*unit).into()).filter(|letter| !letter.is_control());
                add(found.glyph, found.child, text.into_iter().collect())
            };
            at = spot(at.x + moved, at.y + up);
        }
        (placed, at.x)
    }

    /// Glyphs of one font.
    fn run(&mut self, font: &Realized, lie: &Lie, origin: Spot, run: &[Placed]) {
        let lean = if font.slanted { SLANT } else { 0.0 };
        let up = lie.up.plus(lie.along, lean);
        if self.is_in_path() {
            for one in run {
                let at = origin.plus(lie.along, one.at.x).plus(lie.up, one.at.y);
                let wide = spot(lie.along.x * font.width_ratio(), lie.along.y * font.width_ratio());
                let place = Matrix([wide.x, wide.y, up.x, up.y, at.x, at.y]);
                self.add_to_path(super::glyph::outline(font, one.glyph, &place));
            }
            return;
        }
        let Some(place) = self.document.font(font) else { return };
        let Some(embedded) = self.document.embedded(place) else { return };
        let id = embedded.id;
        let size = f64::from(font.ppem.max(1));
        let ratio = font.width_ratio();
        let glyphs: Vec<(u16, f64, Spot)> = run
            .iter()
            .map(|one| {
                (embedded.glyph(one.glyph, &one.text), embedded.width(one.glyph) * size * ratio / 1000.0, one.at)
            })
            .collect();
        let name = self.canvas.name(Kind::Font, id);
        let bold = if font.bold { (size * BOLD) as f32 } else { 0.0 };
        let color = self.state.text_color;
        self.canvas.text(color, bold, |content| {
            content.set_font(Name(name.as_bytes()), size as f32);
            let mut rest = &glyphs[..];
            // What lies on one height is shown at once.
            while let Some((_, _, first)) = rest.first() {
                let length = rest.iter().position(|(_, _, at)| at.y != first.y).unwrap_or(rest.len());
                let (level, after) = rest.split_at(length);
                rest = after;
                let at = origin.plus(lie.along, first.x).plus(lie.up, first.y);
                let matrix = [lie.along.x * ratio, lie.along.y * ratio, up.x, up.y, at.x, at.y];
                content.set_text_matrix(matrix.map(tame));
                let mut shown = content.show_positioned();
                let mut items = shown.items();
                let mut bytes = Vec::new();
                let mut now = first.x;
                for (glyph, width, at) in level {
                    let gap = (now - at.x) / (size * ratio) * 1000.0;
                    if gap.abs() >= 1.0 && gap.is_finite() {
                        if !bytes.is_empty() {
                            items.show(Str(&bytes));
                            bytes.clear();
                        }
                        items.adjust(tame(gap));
                        now = at.x;
                    }
                    bytes.extend(glyph.to_be_bytes());
                    now += width;
                }
                if !bytes.is_empty() {
                    items.show(Str(&bytes));
                }
            }
        });
    }
}

/// Pixels from a glyph to the next.
fn advance(font: &Realized, file: &skrifa::Font, glyph: u32) -> f64 {
    use skrifa::raw::TableProvider;
    let hmtx = file.tables().hmtx().ok();
    let width = hmtx.and_then(|hmtx| hmtx.advance(skrifa::GlyphId::new(glyph))).unwrap_or(0);
    f64::from(width) * f64::from(font.ppem) * font.width_ratio() / f64::from(file.units_per_em().max(1))
}

/// The glyph of a character beyond the first 65,536, and the font that has it where it is another.
fn beyond(k: &'static crate::kernel::Kernel, font: &Arc<Realized>, letter: char) -> (u32, Option<Arc<Realized>>) {
    let look = |font: &Realized| {
        font.outlines().and_then(|file| file.charmap().map_unicode(letter)).map(|glyph| glyph.to_u32())
    };
    if let Some(glyph) = look(font) {
        return (glyph, None);
    }
    let child = font.children(k).iter().find_map(|child| Some((look(child)?, Some(child.clone()))));
    child.unwrap_or((0, None))
}
