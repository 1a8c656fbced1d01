//! Glyphs of a realized font: which one a character has, what it measures, and its pixels.

use super::charset::SYMBOL_PAGE;
use super::face::Data;
use super::fixed::{Matrix, ceil, factor, floor, length, mul_div, mul_fix, round};
use super::fnt::Bits;
use super::metrics::pitch;
use super::mono;
use super::outline::{self, Drawn, Hinting, Outline};
use super::raster::{self, Smoothing};
use super::realize::{Realized, STRAIGHT};
use crate::io::condrv::codepage;
use crate::kernel::Kernel;
use skrifa::font::charmap::EncodingKind;
use skrifa::raw::TableProvider;
use skrifa::{DropoutControl, GlyphId};
use std::sync::Arc;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// GLYPHMETRICS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct GlyphMetrics {
    /// Columns of its pixels.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Where they begin, right of the place of drawing.
    pub left: i32,
    /// Above.
    pub top: i32,
    /// Where the next glyph is, to the right.
    pub advance_x: i16,
    /// Down.
    pub advance_y: i16,
}

/// ABC: space before a glyph, the glyph, space behind it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Abc {
    /// Before.
    pub a: i32,
    /// The glyph.
    pub b: u32,
    /// Behind.
    pub c: i32,
}

impl Abc {
    /// All three.
    pub fn width(&self) -> i32 {
        self.a.wrapping_add(self.b as i32).wrapping_add(self.c)
    }
}

/// What a glyph measures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measured {
    /// Its box.
    pub glyph: GlyphMetrics,
    /// Across, as if nothing were turned.
    pub abc: Abc,
}

/// A glyph as it is drawn.
#[derive(Debug, Clone, Default)]
pub struct Glyph {
    /// Its box.
    pub metrics: GlyphMetrics,
    /// Its pixels, row after row.
    pub shades: Shades,
    /// Pixels from a row to the next: a multiple of [`WORD`], so that rows are drawn in whole words. Those beyond the width are 0.
    pub pitch: usize,
}

/// Pixels of a word.
const WORD: usize = 4;

/// Rows with room for whole words.
fn in_words<T: Copy + Default>(rows: &[T], width: usize) -> (Vec<T>, usize) {
    let pitch = width.next_multiple_of(WORD);
    let mut out = Vec::with_capacity(rows.len() / width.max(1) * pitch);
    for row in rows.chunks_exact(width.max(1)) {
        out.extend_from_slice(row);
        out.resize(out.len() + pitch - width, T::default());
    }
    (out, pitch)
}

/// Pixels of a glyph.
#[derive(Debug, Clone)]
pub enum Shades {
    /// 0 to 16.
    Levels(Vec<u8>),
    /// 0 to 255 for each part, 0x00RRGGBB; where one of them is not 0, the upper byte is 255.
    Parts(Vec<u32>),
}

impl Default for Shades {
    fn default() -> Shades {
        Shades::Levels(Vec::new())
    }
}

impl Glyph {
    /// Bytes of its pixels.
    pub fn size(&self) -> usize {
        match &self.shades {
            Shades::Levels(levels) => levels.len(),
            Shades::Parts(parts) => parts.len() * 4,
        }
    }
}

/// Matrices that a glyph goes through: along the line, as it lies, and without being turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matrices {
    along: Matrix,
    placed: Matrix,
    unturned: Matrix,
}

/// A glyph that was loaded, before it becomes pixels.
pub struct Raw {
    /// Its shape.
    pub shape: Shape,
    /// What it goes through.
    pub matrices: Option<Matrices>,
    /// Its box in 64ths of a pixel, of whole pixels.
    pub frame: outline::Box,
    /// What it measures.
    pub measured: Measured,
}

/// The shape of a glyph.
pub enum Shape {
    /// Lines.
    Outline(Outline, DropoutControl),
    /// Pixels.
    Bits(Bits),
}

/// Metrics of a glyph in 64ths of a pixel, as FreeType has them.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    width: i32,
    height: i32,
    bearing_x: i32,
    bearing_y: i32,
    advance: i32,
    vertical_bearing: i32,
    vertical_advance: i32,
}

/// A character's glyph, and the font that has it.
pub struct Resolved {
    /// The font that has it, unless it is the one asked.
    pub child: Option<Arc<Realized>>,
    /// Its number.
    pub glyph: u32,
    /// Whether it is to lie on its side.
    pub vertical: bool,
}

/// The byte of a character in a code page, where that has it.
pub fn byte_of(k: &'static Kernel, page: u32, unit: u16, or_default: bool) -> Option<u8> {
    let pages = &k.io.console.pages;
    if !pages.is_valid(k, page) {
        return None;
    }
    let bytes = pages.encode(k, page, &[unit]);
    let &[byte] = &bytes[..] else { return None };
    let back = pages.decode(k, page, &mut vec![byte]);
    (or_default || back == [unit]).then_some(byte)
}

impl Realized {
    /// The glyph of a character in this font alone; 0 if there is none.
    pub fn glyph_of(&self, k: &'static Kernel, unit: u16) -> u32 {
        match &self.loaded.data {
            Data::Outline(_) => self.mapped(k, unit),
            Data::Bitmap(fnt) => {
                if self.charset.page == SYMBOL_PAGE {
                    let symbol = |code: u32| match fnt.glyph_of(if code < 0x100 { code + 0xf000 } else { code }) {
                        0 => fnt.glyph_of(code),
                        glyph => glyph,
                    };
                    return match symbol(unit.into()) {
                        0 => byte_of(k, codepage::ansi(k), unit, true).map_or(0, |byte| symbol(byte.into())),
                        glyph => glyph,
                    };
                }
                byte_of(k, self.charset.page, unit, false).map_or(0, |byte| fnt.glyph_of(byte.into()))
            }
        }
    }

    /// The glyph of a character in a table of characters.
    fn mapped(&self, k: &'static Kernel, unit: u16) -> u32 {
        let (Some(font), Some(encoding)) = (self.outlines(), self.encoding()) else { return 0 };
        let look = |code: u32| font.charmap().map_code(encoding, code).map_or(0, GlyphId::to_u32);
        if encoding.kind() != EncodingKind::MsSymbol {
            return look(unit.into());
        }
        let symbol = |code: u32| {
            let code = if code < 0x100 { code + 0xf000 } else { code };
            match look(code) {
                0 => look(code.wrapping_sub(0xf000)),
                glyph => glyph,
            }
        };
        match symbol(unit.into()) {
            0 => byte_of(k, codepage::ansi(k), unit, true).map_or(0, |byte| symbol(byte.into())),
            glyph => glyph,
        }
    }

    /// The glyph of a character, in this font or in one that it is linked to.
    pub fn resolve(&self, k: &'static Kernel, unit: u16) -> Resolved {
        let glyph = self.glyph_of(k, unit);
        let vertical = self.is_vertical() && is_upright(unit);
        if glyph == 0 && unit >= 32 {
            for child in self.children(k) {
                let glyph = child.glyph_of(k, unit);
                if glyph != 0 {
                    return Resolved { child: Some(child.clone()), glyph, vertical };
                }
            }
        }
        // A form for vertical text lies on its side as those do that stand upright.
        let form = self.form(glyph);
        Resolved { child: None, glyph: form, vertical: vertical || form != glyph }
    }

    /// A glyph's number as a program gives it: bitmap fonts have characters instead.
    pub fn by_number(&self, number: u16) -> u32 {
        match &self.loaded.data {
            Data::Outline(_) => number.into(),
            Data::Bitmap(fnt) => fnt.glyph_of(number.into()),
        }
    }

    /// What a character measures; `None` if it can't be loaded.
    pub fn measure(&self, k: &'static Kernel, unit: u16, by_number: bool) -> Option<Measured> {
        self.measure_text(k, &[unit], by_number).first().copied().flatten()
    }

    /// What the characters of a text measure.
    pub fn measure_text(&self, k: &'static Kernel, text: &[u16], by_number: bool) -> Vec<Option<Measured>> {
        self.measured_text(text, by_number, |unit| self.measure_anew(k, unit, by_number))
    }

    fn measure_anew(&self, k: &'static Kernel, unit: u16, by_number: bool) -> Option<Measured> {
        let (font, glyph, vertical) = if by_number {
            (None, self.by_number(unit), self.is_vertical())
        } else {
            let found = self.resolve(k, unit);
            (found.child, found.glyph, found.vertical)
        };
        let font = font.as_deref().unwrap_or(self);
        font.measured(glyph, vertical, || Some(font.raw(glyph, Hinting::Grey, false, vertical, None)?.measured))
    }

    /// What glyphs go through; `None` if nothing.
    fn matrices(&self, vertical: bool, user: Option<&Matrix>) -> Option<Matrices> {
        let mut needed = false;
        let mut unturned = Matrix::IDENTITY;
        let ratio = self.width_ratio();
        if ratio != 1.0 || self.repeat != 1 {
            let scale = Matrix { xx: factor(ratio), xy: 0, yx: 0, yy: self.repeat.saturating_mul(0x1_0000) };
            unturned = scale.after(&unturned);
            needed = true;
        }
        if self.slanted {
            unturned = Matrix { xy: 0x4000, ..Matrix::IDENTITY }.after(&unturned);
            needed = true;
        }
        let mut along = unturned;
        if self.face.is_scalable() && self.asked.orientation % 3600 != 0 {
            let angle = f64::from(self.asked.orientation) / 1800.0 * core::f64::consts::PI;
            let (sine, cosine) = angle.sin_cos();
            let part = |value: f64| (value * 65536.0).round() as i32;
            let turn = Matrix { xx: part(cosine), xy: part(-sine), yx: part(sine), yy: part(cosine) };
            along = turn.after(&along);
            needed = true;
        }
        let mut placed = along;
        if vertical {
            placed = Matrix { xx: 0, xy: -0x1_0000, yx: 0x1_0000, yy: 0 }.after(&placed);
            needed = true;
        }
        let mut all = Matrices { along, placed, unturned };
        let world = (self.turn != STRAIGHT).then(|| {
            let [m11, m12, m21, m22] = self.turn.map(|value| factor(f64::from(value)));
            Matrix { xx: m11, xy: -m21, yx: -m12, yy: m22 }
        });
        for matrix in world.iter().chain(user) {
            for one in [&mut all.along, &mut all.placed, &mut all.unturned] {
                *one = matrix.after(one);
            }
            needed = true;
        }
        needed.then_some(all)
    }

    /// The pixels that a font has of a glyph at this very size.
    fn embedded(&self, glyph: u32) -> Option<(Bits, Slot)> {
        let (bits, bearing, advance) = strike(self.outlines()?, glyph, self.ppem)?;
        let slot = Slot {
            width: (bits.width as i32) << 6,
            height: (bits.height as i32) << 6,
            bearing_x: bearing.0.saturating_mul(64),
            bearing_y: bearing.1.saturating_mul(64),
            advance,
            ..Slot::default()
        };
        Some((bits, slot))
    }

    /// Loads a glyph. `bits`: whether the font's own pixels will do.
    pub fn raw(&self, glyph: u32, hinting: Hinting, bits: bool, vertical: bool, user: Option<&Matrix>) -> Option<Raw> {
        let matrices = self.matrices(vertical, user);
        let (mut shape, mut slot) = self.load(glyph, hinting, bits && matrices.is_none())?;
        if self.bold {
            match &mut shape {
                Shape::Outline(outline, _) => {
                    outline.embolden(mul_div(self.ppem, 64, 24));
                    let bounds = outline.bounds();
                    (slot.width, slot.height) = (bounds.right - bounds.left, bounds.top - bounds.bottom);
                    (slot.bearing_x, slot.bearing_y) = (bounds.left, bounds.top);
                    slot.vertical_bearing = (slot.vertical_advance - slot.height) / 2;
                }
                Shape::Bits(_) if slot.width != 0 => slot.width += 64,
                Shape::Bits(_) => {}
            }
        }
        if let Some((ascent, descent)) = self.limits() {
            let top = slot.bearing_y.min(ascent.saturating_mul(64));
            let bottom = slot.bearing_y.saturating_sub(slot.height).max(descent.saturating_mul(-64));
            (slot.bearing_y, slot.height) = (top, top.saturating_sub(bottom));
        }
        let frame = frame(&slot, matrices.as_ref());
        let measured = self.measured_of(&slot, &frame, vertical, matrices.as_ref());
        Some(Raw { shape, matrices, frame, measured })
    }

    fn load(&self, glyph: u32, hinting: Hinting, bits: bool) -> Option<(Shape, Slot)> {
        if let Data::Bitmap(fnt) = &self.loaded.data {
            let bits = fnt.bits(glyph)?;
            let width = (bits.width as i32) << 6;
            let slot = Slot {
                width,
                height: (bits.height as i32) << 6,
                bearing_x: 0,
                bearing_y: i32::from(fnt.ascent) << 6,
                advance: width,
                vertical_bearing: 0,
                vertical_advance: i32::from(fnt.pixel_height) << 6,
            };
            return Some((Shape::Bits(bits), slot));
        }
        if bits && let Some((bits, slot)) = self.embedded(glyph) {
            return Some((Shape::Bits(bits), slot));
        }
        // A font whose instructions fail is drawn without them.
        let (drawn, hinted) = match outline::load(&*self.scaler(hinting)?, glyph) {
            Some(drawn) => (drawn, hinting != Hinting::None),
            None => (outline::load(&*self.scaler(Hinting::None)?, glyph)?, false),
        };
        let slot = self.slot(glyph, &drawn, hinted);
        Some((Shape::Outline(drawn.outline, drawn.dropout), slot))
    }

    fn slot(&self, glyph: u32, drawn: &Drawn, hinted: bool) -> Slot {
        let bounds = drawn.outline.bounds();
        let mut slot = Slot {
            width: bounds.right.saturating_sub(bounds.left),
            height: bounds.top.saturating_sub(bounds.bottom),
            bearing_x: bounds.left,
            bearing_y: bounds.top,
            advance: drawn.advance,
            ..Slot::default()
        };
        (slot.vertical_bearing, slot.vertical_advance) = self.vertical_slot(glyph, slot.height);
        if hinted {
            let (left, right) = (floor(bounds.left), ceil(bounds.right));
            let (bottom, top) = (floor(bounds.bottom), ceil(bounds.top));
            (slot.bearing_x, slot.width) = (left, right.saturating_sub(left));
            (slot.bearing_y, slot.height) = (top, top.saturating_sub(bottom));
            slot.advance = round(slot.advance);
            slot.vertical_advance = round(slot.vertical_advance);
            slot.vertical_bearing = floor(slot.vertical_bearing);
        }
        slot
    }

    /// Space above a glyph, and where the one below it is, in a line that goes down.
    fn vertical_slot(&self, glyph: u32, height: i32) -> (i32, i32) {
        let Some(font) = self.outlines() else { return (0, 0) };
        let tables = font.tables();
        let scale = mul_div(self.ppem.saturating_mul(64), 0x1_0000, font.units_per_em().into());
        let scaled = |value: i32| mul_fix(value, scale);
        let id = GlyphId::new(glyph);
        if let Ok(vmtx) = tables.vmtx()
            && let (Some(advance), bearing) = (vmtx.advance(id), vmtx.side_bearing(id).unwrap_or(0))
        {
            return (scaled(bearing.into()), scaled(advance.into()));
        }
        let advance = match tables.os2() {
            Ok(os2) => i32::from(os2.s_typo_ascender()) - i32::from(os2.s_typo_descender()),
            Err(_) => font.units_per_em().into(),
        };
        let advance = scaled(advance);
        ((advance - height) / 2, advance)
    }

    fn has_vertical(&self) -> bool {
        self.outlines().is_some_and(|font| font.tables().vhea().is_ok())
    }

    /// How far the next glyph is, in whole pixels; y goes down.
    fn advance(&self, base: i32, matrix: Option<&Matrix>) -> (i32, i32) {
        let mut to = (base, 0);
        // Of a font whose characters differ in width, those twice as wide as the mean are twice the mean, rounded.
        let wide = self
            .metrics()
            .filter(|metrics| metrics.outlines.is_some() && metrics.text.pitch_and_family & pitch::VARIABLE == 0);
        let mean = wide.zip(self.outlines()).and_then(|(metrics, font)| {
            let scale = mul_div(self.ppem, 0x1_0000, font.units_per_em().into());
            let mean = mul_fix(metrics.average_units, scale);
            let twice = mul_fix(metrics.average_units.saturating_mul(2), scale);
            (mean > 0 && base.saturating_add(63) >> 6 == twice).then_some((mean, metrics.average_units, scale))
        });
        match (matrix, mean) {
            (None, Some((mean, ..))) => to.0 = mean.saturating_mul(2) << 6,
            (None, None) => {}
            (Some(matrix), mean) => {
                to = matrix.apply(to);
                if let Some((_, units, scale)) = mean.filter(|_| to.1 == 0) {
                    to.0 = mul_fix(matrix.apply((units, 0)).0, scale).saturating_mul(2) << 6;
                }
            }
        }
        if self.bold {
            match matrix {
                None => to.0 = to.0.saturating_add(64),
                Some(matrix) => {
                    let vector = matrix.apply((64, 0));
                    let length = length(vector);
                    if length != 0 {
                        to.0 = to.0.saturating_add((vector.0 << 6) / length);
                        to.1 = to.1.saturating_add((vector.1 << 6) / length);
                    }
                }
            }
        }
        (ceil(to.0), -ceil(to.1))
    }

    fn measured_of(&self, slot: &Slot, frame: &outline::Box, vertical: bool, matrices: Option<&Matrices>) -> Measured {
        let has_vertical = vertical && self.has_vertical();
        let base = if has_vertical { slot.vertical_advance } else { slot.advance };
        let mut abc = Abc::default();
        let (origin, cell, total);
        match matrices {
            None => {
                let advance = self.advance(base, None);
                (cell, total) = ((advance.0 >> 6, 0), advance.0);
                origin = (frame.left, frame.top);
                abc.a = origin.0 >> 6;
                abc.b = (slot.width.saturating_add(63) >> 6) as u32;
            }
            Some(matrices) => {
                let typographic = self.metrics().and_then(|metrics| metrics.outlines).map(|outlines| outlines.descent);
                let bearing;
                match typographic.filter(|_| vertical) {
                    Some(descent) => {
                        let from_top = if has_vertical {
                            slot.bearing_y.saturating_add(slot.vertical_bearing)
                        } else {
                            slot.vertical_advance.saturating_add(descent << 6)
                        };
                        let moved = matrices.along.apply((from_top, descent << 6));
                        origin = (floor(moved.0.saturating_add(frame.left)), ceil(moved.1.saturating_add(frame.top)));
                        bearing = from_top.saturating_sub(slot.bearing_y);
                    }
                    None => {
                        origin = (frame.left, frame.top);
                        bearing = slot.bearing_x;
                    }
                }
                let advance = self.advance(base, Some(&matrices.along));
                cell = (advance.0 >> 6, advance.1 >> 6);
                total = length(self.advance(base, Some(&matrices.unturned)));
                let before = length(matrices.unturned.apply((bearing, 0)));
                abc.a = if bearing > 0 { before >> 6 } else { -(before.saturating_add(63) >> 6) };
                // From the same start, so that nothing is rounded twice.
                let extent = if vertical { slot.height } else { slot.width };
                let end = length(matrices.unturned.apply((bearing.saturating_add(extent), 0)));
                abc.b = ((end.saturating_add(63) >> 6) - abc.a) as u32;
            }
        }
        abc.b = abc.b.max(u32::from(abc.b == 0));
        abc.c = (total >> 6).wrapping_sub(abc.a).wrapping_sub(abc.b as i32);
        let size = |from: i32, to: i32| (to.saturating_sub(from) >> 6).max(1) as u32;
        Measured {
            glyph: GlyphMetrics {
                width: size(frame.left, frame.right),
                height: size(frame.bottom, frame.top),
                left: origin.0 >> 6,
                top: origin.1 >> 6,
                advance_x: cell.0 as i16,
                advance_y: cell.1 as i16,
            },
            abc,
        }
    }

    /// Has something done with the glyphs of a text as they are drawn; one that can't be is a space, or nothing.
    pub fn draw<R>(
        &self,
        k: &'static Kernel,
        text: &[u16],
        by_number: bool,
        smoothing: Smoothing,
        run: impl FnOnce(&[Option<&Glyph>]) -> R,
    ) -> R {
        let anew = |unit| [unit, 0, 0x20].into_iter().find_map(|unit| self.draw_anew(k, unit, by_number, smoothing));
        self.drawn(smoothing, text, by_number, anew, run)
    }

    fn draw_anew(&self, k: &'static Kernel, unit: u16, by_number: bool, smoothing: Smoothing) -> Option<Glyph> {
        let (font, glyph, vertical) = if by_number {
            (None, self.by_number(unit), self.is_vertical())
        } else {
            let found = self.resolve(k, unit);
            (found.child, found.glyph, found.vertical)
        };
        let font = font.as_deref().unwrap_or(self);
        let hinting = match smoothing {
            Smoothing::None => Hinting::Mono,
            Smoothing::Grey => Hinting::Grey,
            Smoothing::HorizontalRgb | Smoothing::HorizontalBgr => Hinting::Horizontal,
            Smoothing::VerticalRgb | Smoothing::VerticalBgr => Hinting::Vertical,
        };
        let raw = font.raw(glyph, hinting, smoothing == Smoothing::None, vertical, None)?;
        let (width, height) = raw.size();
        let mut metrics = raw.measured.glyph;
        if width == 0 || height == 0 {
            (metrics.width, metrics.height) = (0, 0);
            return Some(Glyph { metrics, ..Glyph::default() });
        }
        let levels = |levels: Vec<u8>| {
            let (levels, pitch) = in_words(&levels, metrics.width as usize);
            (Shades::Levels(levels), pitch)
        };
        let (shades, pitch) = match smoothing {
            Smoothing::None => levels(raw.bits(font.bold)?.levels(16)),
            Smoothing::Grey => levels(raw.grey(font.bold, 16)?),
            smoothing => {
                let (mut parts, frame) = raw.parts(font.bold, smoothing, &mut metrics)?;
                debug_assert_eq!(parts.len(), frame);
                parts.iter_mut().filter(|part| **part != 0).for_each(|part| *part |= 0xff00_0000);
                let (parts, pitch) = in_words(&parts, metrics.width as usize);
                (Shades::Parts(parts), pitch)
            }
        };
        Some(Glyph { metrics, shades, pitch })
    }
}

/// The pixels that a font has of a glyph at a size; where they begin, to the right and up, in pixels; and how far the next glyph
/// is, in 64ths.
pub(super) fn strike(font: &skrifa::Font, glyph: u32, ppem: i32) -> Option<(Bits, (i32, i32), i32)> {
    let strikes = font.bitmap_strikes();
    let strike =
        strikes.iter().find(|strike| i32::from(strike.ppem_x()) == ppem && i32::from(strike.ppem_y()) == ppem)?;
    let found = strike.get(GlyphId::new(glyph))?;
    let skrifa::raw::model::glyph::bitmap::Pixels::Mask(mask) = found.pixels() else { return None };
    let (width, height) = (mask.width() as usize, mask.height() as usize);
    let pitch = width.div_ceil(8);
    let mut rows = vec![0u8; pitch * height];
    for (y, row) in rows.chunks_exact_mut(pitch.max(1)).enumerate() {
        for x in 0..width {
            if mask.pixel(x as u32, y as u32).is_some_and(|value| value >= 128)
                && let Some(byte) = row.get_mut(x / 8)
            {
                *byte |= 0x80 >> (x % 8);
            }
        }
    }
    let advance = (found.h_advance().unwrap_or(0) as i32).saturating_mul(64);
    let bits = Bits { width, height, pitch, rows };
    Some((bits, (found.inner_x_bearing(), found.inner_y_bearing()), advance))
}

/// The box of whole pixels that a glyph lies in.
fn frame(slot: &Slot, matrices: Option<&Matrices>) -> outline::Box {
    let (right, bottom) = (slot.bearing_x.saturating_add(slot.width), slot.bearing_y.saturating_sub(slot.height));
    let corners =
        [(slot.bearing_x, slot.bearing_y), (right, slot.bearing_y), (slot.bearing_x, bottom), (right, bottom)];
    let corners = corners.map(|corner| matrices.map_or(corner, |matrices| matrices.placed.apply(corner)));
    let least = |of: fn(&(i32, i32)) -> i32| corners.iter().map(of).min().unwrap_or(0);
    let most = |of: fn(&(i32, i32)) -> i32| corners.iter().map(of).max().unwrap_or(0);
    outline::Box {
        left: floor(least(|corner| corner.0)),
        right: ceil(most(|corner| corner.0)),
        bottom: floor(least(|corner| corner.1)),
        top: ceil(most(|corner| corner.1)),
    }
}

impl Raw {
    /// Columns and rows of its pixels.
    pub fn size(&self) -> (i32, i32) {
        let frame = &self.frame;
        (frame.right.saturating_sub(frame.left) >> 6, frame.top.saturating_sub(frame.bottom) >> 6)
    }

    /// Its outline as it lies, if it has one.
    pub fn placed(&self) -> Option<Outline> {
        let Shape::Outline(outline, _) = &self.shape else { return None };
        let mut outline = outline.clone();
        if let Some(matrices) = &self.matrices {
            outline.transform(&matrices.placed);
        }
        Some(outline)
    }

    /// Its outline with the box's corner as its origin.
    fn framed(&self) -> Option<Outline> {
        let mut outline = self.placed()?;
        outline.shift(-self.frame.left, -self.frame.bottom);
        Some(outline)
    }

    /// Its pixels, black or white: rows of whole words of 32 bits.
    pub fn bits(&self, bold: bool) -> Option<Bits> {
        let (width, height) = self.size();
        match &self.shape {
            Shape::Outline(_, dropout) => mono::fill(&self.framed()?, width, height, *dropout),
            Shape::Bits(bits) => {
                if !(0..=raster::LARGEST).contains(&width) || !(0..=raster::LARGEST).contains(&height) {
                    return None;
                }
                Some(bits.fitted(width as usize, height as usize, bold))
            }
        }
    }

    /// Its pixels in shades from 0 to `most`.
    pub fn grey(&self, bold: bool, most: u32) -> Option<Vec<u8>> {
        let (width, height) = self.size();
        if let Shape::Bits(_) = self.shape {
            return Some(self.bits(bold)?.levels(most as u8));
        }
        let mut pixels = raster::grey(&self.framed()?, width, height)?;
        if most != 255 {
            for pixel in &mut pixels {
                *pixel = (u32::from(*pixel) * (most + 1) / 256) as u8;
            }
        }
        Some(pixels)
    }

    /// Its pixels in parts, in a box that is a pixel larger at both ends; and how many there are.
    pub fn parts(&self, bold: bool, smoothing: Smoothing, metrics: &mut GlyphMetrics) -> Option<(Vec<u32>, usize)> {
        let (width, height) = self.size();
        if let Shape::Bits(_) = self.shape {
            let levels = self.bits(bold)?.levels(1);
            let parts: Vec<u32> = levels.into_iter().map(|level| if level != 0 { 0xff_ffff } else { 0 }).collect();
            let count = parts.len();
            return Some((parts, count));
        }
        let mut outline = self.framed()?;
        let (width, height) = if matches!(smoothing, Smoothing::HorizontalRgb | Smoothing::HorizontalBgr) {
            metrics.width = metrics.width.saturating_add(2);
            metrics.left = metrics.left.saturating_sub(1);
            outline.shift(64, 0);
            (width.saturating_add(2), height)
        } else {
            metrics.height = metrics.height.saturating_add(2);
            metrics.top = metrics.top.saturating_add(1);
            outline.shift(0, 64);
            (width, height.saturating_add(2))
        };
        let parts = raster::parts(&outline, width, height, smoothing)?;
        let count = parts.len();
        Some((parts, count))
    }
}

impl Bits {
    /// Cut or extended to a size, with rows of whole words; bold: each pixel is two.
    fn fitted(&self, width: usize, height: usize, bold: bool) -> Bits {
        let pitch = width.div_ceil(32) * 4;
        let mut rows = vec![0u8; pitch * height];
        for (to, from) in rows.chunks_exact_mut(pitch.max(1)).zip(self.rows.chunks_exact(self.pitch.max(1))) {
            let mut carry = 0;
            for (to, from) in to.iter_mut().zip(from.iter().chain(bold.then_some(&0))) {
                *to = if bold { carry | from >> 1 | from } else { *from };
                carry = if bold { from << 7 } else { 0 };
            }
        }
        Bits { width, height, pitch, rows }
    }

    /// A number for each pixel: 0, or `most`.
    pub fn levels(&self, most: u8) -> Vec<u8> {
        let row = |row: &[u8]| -> Vec<u8> {
            let bit = |x: usize| row.get(x / 8).is_some_and(|byte| byte & 0x80 >> (x % 8) != 0);
            (0..self.width).map(|x| if bit(x) { most } else { 0 }).collect()
        };
        self.rows.chunks_exact(self.pitch.max(1)).flat_map(row).collect()
    }
}

/// Whether a character stands upright in vertical text, so that it lies on its side in a line that is turned: those of East Asian
/// scripts, and signs as wide.
fn is_upright(unit: u16) -> bool {
    matches!(
        unit,
        0x1100..=0x11ff | 0x2e80..=0x3007 | 0x3012..=0x3013 | 0x3020..=0x302f | 0x3031..=0x309f | 0x30a1..=0xd7ff
            | 0xe000..=0xfaff | 0xfe10..=0xfe1f | 0xfe30..=0xfe48 | 0xff01..=0xff07 | 0xff0a..=0xff0b | 0xff0f..=0xff19
            | 0xff1f..=0xff3a | 0xff3c | 0xff3e | 0xff40..=0xff5a | 0xffe0..=0xffe2 | 0xffe4..=0xffe6
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bold_bits_are_wider() {
        let bits = Bits { width: 3, height: 2, pitch: 1, rows: vec![0x80, 0x20] };
        let bold = bits.fitted(4, 2, true);
        assert_eq!((bold.pitch, bold.levels(1)), (4, vec![1, 1, 0, 0, 0, 0, 1, 1]));
        assert_eq!(bits.fitted(4, 1, false).levels(7), [7, 0, 0, 0]);
        let wide = Bits { width: 8, height: 1, pitch: 1, rows: vec![1] };
        assert_eq!(wide.fitted(9, 1, true).levels(1), [0, 0, 0, 0, 0, 0, 0, 1, 1]);
    }

    #[test]
    fn boxes_are_whole_pixels() {
        let slot = Slot { width: 100, height: 70, bearing_x: -10, bearing_y: 65, ..Slot::default() };
        let found = frame(&slot, None);
        assert_eq!((found.left, found.right, found.bottom, found.top), (-64, 128, -64, 128));
    }
}
