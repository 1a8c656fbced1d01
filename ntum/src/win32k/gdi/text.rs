//! Drawing text: NtGdiExtTextOutW.

use super::attr::{OPAQUE, RIGHT_TO_LEFT};
use super::blit::{STRIP, strip_rows, strips};
use super::dc::Work;
use super::fonts::glyph::{Glyph, Shades};
use super::fonts::measure::MOST;
use super::fonts::metrics::pitch;
use super::fonts::raster::Smoothing;
use super::fonts::realize::{Realized, Turn, select};
use super::ink::Ink;
use super::raster::{rop, shade};
use super::region::Region;
use super::{User, caps, done, shapes, with};
use crate::call::{Call, Cx};
use crate::host::tint;
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::UserPtr;
use crate::win32k::geometry::{Point, Rect};
use std::cell::Cell;
use std::sync::Arc;

/// System calls that draw text.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiExtTextOutW(dc: u32, x: i32, y: i32, flags: u32, rect: UserPtr<Rect>, text: u64, count: u32, distances: u64, page: u32) => ext_text_out, Partial("digits of a language");
};

/// ETO_*.
mod option {
    pub const OPAQUE: u32 = 2;
    pub const CLIPPED: u32 = 4;
    pub const NUMBERS: u32 = 0x10;
    pub const BOTH_WAYS: u32 = 0x2000;
}

/// TA_*.
mod align {
    pub const UPDATE: u16 = 1;
    pub const RIGHT: u16 = 2;
    pub const CENTER: u16 = 6;
    pub const BOTTOM: u16 = 8;
    pub const BASELINE: u16 = 24;
}

thread_local! {
    /// What a thread drew text on the last time: memory that need not be zeroed again.
    static PIXELS: Cell<Vec<u32>> = const { Cell::new(Vec::new()) };
}

/// GM_COMPATIBLE.
const COMPATIBLE: i32 = 1;

/// A font that was realized for a DC, and for what of its state.
#[derive(Clone)]
pub struct Realization {
    font: u32,
    transform: [f32; 4],
    mode: i32,
    generation: u64,
    realized: Arc<Realized>,
}

impl Work<'_> {
    /// The DC's font as it is drawn; `None` if there is no font at all.
    pub fn realized(&mut self) -> Option<Arc<Realized>> {
        let to = self.state.to_device;
        let transform = [to.m11, to.m12, to.m21, to.m22];
        let generation = self.k.gdi.fonts.generation();
        let (handle, mode) = (self.state.font.0, self.attr.graphics_mode);
        if let Some(known) = &self.state.realized
            && (known.font, known.transform, known.mode, known.generation) == (handle, transform, mode, generation)
        {
            return Some(known.realized.clone());
        }
        let mut font = *self.state.font.1;
        font.width = font.width.saturating_abs();
        let scaled = |value: i32, by: f32| (f64::from(value) * f64::from(by.abs())) as i32;
        let mut turn: Turn = [1.0, 0.0, 0.0, 1.0];
        if mode != COMPATIBLE {
            turn = transform;
            let [m11, m12, m21, m22] = transform;
            if m12 == 0.0 && m21 == 0.0 && m11 == m22 {
                (font.height, font.width) = (scaled(font.height, m11), scaled(font.width, m11));
                let sign = if m11 < 0.0 { -1.0 } else { 1.0 };
                (turn[0], turn[3]) = (sign, sign);
            }
        } else {
            font.orientation = font.escapement;
            if self.state.to_world.is_some() {
                if to.m11 * to.m22 < 0.0 {
                    font.orientation = font.orientation.wrapping_neg();
                }
                (font.height, font.width) = (scaled(font.height, to.m22), scaled(font.width, to.m22));
            }
        }
        /// OUT_TT_ONLY_PRECIS.
        const OUTLINES_ALONE: u8 = 7;
        let bitmaps = caps::value(self, caps::TEXTCAPS) & caps::RASTER_FONTS != 0;
        let realized = select(self.k, font, turn, bitmaps && font.output_precision != OUTLINES_ALONE)?;
        self.state.realized =
            Some(Realization { font: handle, transform, mode, generation, realized: realized.clone() });
        Some(realized)
    }

    /// How the DC's text is smoothed on a surface of so many bits.
    pub fn smoothing(&self, font: &Realized, depth: u32) -> Smoothing {
        /// *_QUALITY: not smoothed, smoothed, with the parts of a pixel.
        const ROUGH: u8 = 3;
        const SMOOTH: u8 = 4;
        const PARTS: u8 = 5;
        const NATURAL_PARTS: u8 = 6;
        let wanted = match font.asked.quality {
            _ if depth <= 8 => return Smoothing::None,
            ROUGH => return Smoothing::None,
            SMOOTH => Smoothing::Grey,
            PARTS | NATURAL_PARTS => Smoothing::clear_type(self.k),
            _ => self.k.gdi.fonts.smoothing(self.k),
        };
        font.smoothed_as(wanted)
    }
}

/// What is drawn where, all of it on the device.
struct Line<'a> {
    text: &'a [u16],
    by_number: bool,
    /// From each glyph to the next; without it, as far as they are wide.
    steps: Option<Vec<Point>>,
    clip: Option<Rect>,
}

/// NtGdiExtTextOutW.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn ext_text_out(
    cx: &Cx<'_>,
    dc: u32,
    x: i32,
    y: i32,
    flags: u32,
    rect: UserPtr<Rect>,
    text: u64,
    count: u32,
    distances: u64,
    _page: u32,
) -> User {
    if count > MOST {
        return done(false);
    }
    let rect = rect.read_opt(cx.k)?;
    let text = UserPtr::<u16>::new(text).read_vec(cx.k, count as usize)?;
    let per_glyph = if flags & option::BOTH_WAYS != 0 { 2 } else { 1 };
    let distances = match distances {
        0 => None,
        at => Some(UserPtr::<i32>::new(at).read_vec(cx.k, count as usize * per_glyph)?),
    };
    let drawn = with(cx, dc, |work| work.text_out(Point::new(x, y), flags, rect, &text, distances.as_deref()));
    done(matches!(drawn, Some(Ok(true))))
}

impl Work<'_> {
    /// A distance of the world on the device; as GM_COMPATIBLE has it, mirroring counts for nothing.
    fn device_distance(&self, distance: Point) -> Point {
        let (origin, end) = (self.device_point(Point::default()), self.device_point(distance));
        let mut to = Point::new(end.x.wrapping_sub(origin.x), end.y.wrapping_sub(origin.y));
        if self.attr.graphics_mode == COMPATIBLE && self.state.to_world.is_some() {
            if self.state.to_device.m11 < 0.0 {
                to.x = to.x.wrapping_neg();
            }
            if self.state.to_device.m22 < 0.0 {
                to.y = to.y.wrapping_neg();
            }
        }
        to
    }

    fn device_height(&self, height: i32) -> i32 {
        let (origin, end) = (self.device_point(Point::default()), self.device_point(Point::new(0, height)));
        end.y.wrapping_sub(origin.y)
    }

    /// Draws a text at a place of the world.
    pub fn text_out(
        &mut self,
        at: Point,
        flags: u32,
        rect: Option<Rect>,
        text: &[u16],
        distances: Option<&[i32]>,
    ) -> Nt<bool> {
        let by_number = flags & option::NUMBERS != 0;
        let mut alignment = self.attr.text_align;
        if self.attr.layout & RIGHT_TO_LEFT != 0 && alignment & align::CENTER != align::CENTER {
            alignment ^= align::RIGHT;
        }
        let at = if alignment & align::UPDATE != 0 { self.attr.position } else { at };
        let wanted = flags & (option::OPAQUE | option::CLIPPED);
        let area = rect.filter(|_| wanted != 0).map(|rect| self.device_corners(rect).ordered());
        let clip = area.filter(|_| flags & option::CLIPPED != 0);
        if let Some(area) = area.filter(|_| flags & option::OPAQUE != 0) {
            self.text_background(&area)?;
        }
        if text.is_empty() {
            return Ok(true);
        }
        let Some(font) = self.realized() else { return Ok(false) };
        let Some(metrics) = font.text_metrics() else { return Ok(false) };
        let logical = self.logical_metrics(metrics);
        let asked = self.state.font.1.clone();
        let mut escapement = if metrics.pitch_and_family & pitch::VECTOR != 0 { asked.escapement } else { 0 };
        let to = self.state.to_device;
        if self.attr.graphics_mode == COMPATIBLE && self.state.to_world.is_some() && to.m11 * to.m22 < 0.0 {
            escapement = escapement.wrapping_neg();
        }
        let (sine, cosine) = match escapement {
            0 => (0.0, 1.0),
            angle => (f64::from(angle) * core::f64::consts::PI / 1800.0).sin_cos(),
        };
        let place = self.device_point(at);
        let (mut x, mut y) = (place.x, place.y);
        let plain = self.attr.character_extra == 0
            && self.state.justification == (0, 0)
            && distances.is_none()
            && escapement == 0;
        let needs_width = alignment & (align::CENTER | align::UPDATE) != 0
            || self.attr.background_mode == OPAQUE
            || asked.underline != 0
            || asked.strike_out != 0;
        let (steps, width) = if plain && !needs_width {
            (None, Point::default())
        } else if plain {
            let (_, size) = self.extent(&font, text, by_number);
            (None, self.device_distance(Point::new(size.x, 0)))
        } else {
            let steps = self.steps(&font, text, by_number, flags, distances, (sine, cosine));
            let width = steps
                .iter()
                .fold(Point::default(), |sum, step| Point::new(sum.x.wrapping_add(step.x), sum.y.wrapping_add(step.y)));
            (Some(steps), width)
        };
        let ascent = self.device_height(logical.ascent).wrapping_abs();
        let descent = self.device_height(logical.descent).wrapping_abs();
        let update = |work: &mut Self, x: i32, y: i32| {
            if alignment & align::UPDATE != 0 {
                let place = work.world_point(Point::new(x, y));
                work.record_move(place);
                work.attr.position = place;
            }
        };
        match alignment & align::CENTER {
            align::CENTER => (x, y) = (x.wrapping_sub(width.x / 2), y.wrapping_sub(width.y / 2)),
            align::RIGHT => {
                (x, y) = (x.wrapping_sub(width.x), y.wrapping_sub(width.y));
                update(self, x, y);
            }
            _ => update(self, x.wrapping_add(width.x), y.wrapping_add(width.y)),
        }
        let moved = |value: i32, by: f64| (f64::from(value) + by) as i32;
        match alignment & align::BASELINE {
            align::BASELINE => {}
            align::BOTTOM => {
                y = moved(y, -f64::from(descent) * cosine);
                x = moved(x, -f64::from(descent) * sine);
            }
            _ => {
                y = moved(y, f64::from(ascent) * cosine);
                x = moved(x, f64::from(ascent) * sine);
            }
        }
        let opaque = flags & option::OPAQUE != 0;
        if self.attr.background_mode == OPAQUE && !(clip.is_some() && opaque) {
            let cell = Rect {
                left: x,
                top: y.saturating_sub(ascent),
                right: x.saturating_add(width.x),
                bottom: y.saturating_add(descent),
            };
            let covered = area.is_some_and(|area| {
                cell.left >= area.left && cell.right < area.right && cell.top >= area.top && cell.bottom < area.bottom
            });
            if !(opaque && covered) {
                let cell = match clip {
                    Some(clip) => cell.intersect(&clip),
                    None => (!cell.is_empty()).then_some(cell),
                };
                if let Some(cell) = cell {
                    self.text_background(&cell)?;
                }
            }
        }
        self.draw_line(&font, Point::new(x, y), &Line { text, by_number, steps, clip })?;
        if asked.underline != 0 || asked.strike_out != 0 {
            self.text_lines(
                &font,
                (asked.underline != 0, asked.strike_out != 0),
                ascent,
                Point::new(x, y),
                width,
                (sine, cosine),
            )?;
        }
        Ok(true)
    }

    /// From each glyph to the next, where that is not as they are wide.
    fn steps(
        &self,
        font: &Realized,
        text: &[u16],
        by_number: bool,
        flags: u32,
        distances: Option<&[i32]>,
        (sine, cosine): (f64, f64),
    ) -> Vec<Point> {
        let extra = self.attr.character_extra;
        let deltas: Vec<Point> = match distances {
            Some(distances) if flags & option::BOTH_WAYS != 0 => distances
                .chunks_exact(2)
                .map(|pair| match pair {
                    [x, y] => Point::new(x.wrapping_add(extra), y.wrapping_neg()),
                    _ => Point::default(),
                })
                .collect(),
            Some(distances) => distances.iter().map(|x| Point::new(x.wrapping_add(extra), 0)).collect(),
            None => {
                let (ends, _) = self.extent(font, text, by_number);
                let starts = core::iter::once(&0).chain(&ends);
                ends.iter().zip(starts).map(|(end, start)| Point::new(end.wrapping_sub(*start), 0)).collect()
            }
        };
        let (mut total, mut before) = (Point::default(), Point::default());
        let mut steps = Vec::with_capacity(deltas.len());
        for delta in deltas {
            total = Point::new(total.x.wrapping_add(delta.x), total.y.wrapping_add(delta.y));
            let (right, down) = (f64::from(total.x), f64::from(total.y));
            let turned = Point::new((cosine * right + sine * down) as i32, (cosine * down - sine * right) as i32);
            let place = self.device_distance(turned);
            steps.push(Point::new(place.x.wrapping_sub(before.x), place.y.wrapping_sub(before.y)));
            before = place;
        }
        steps
    }

    /// Fills behind text.
    fn text_background(&mut self, area: &Rect) -> Nt<()> {
        if self.is_recording() {
            return Ok(());
        }
        self.ready_format();
        let Some(surface) = self.drawn_on() else { return Ok(()) };
        let format = surface.format();
        let color = self.attr.background_color;
        let pixel = match format.depth {
            1 => {
                let front = self.pixel_of(&format, self.attr.text_color, true).min(1);
                if self.attr.text_color == color { front } else { 1 - front }
            }
            _ => self.pixel_of(&format, color, false),
        };
        let region = self.clipped(area);
        self.fill(&region, &Ink::Solid(pixel), rop::PATCOPY)
    }

    /// Draws glyphs from a place on.
    fn draw_line(&mut self, font: &Realized, from: Point, line: &Line<'_>) -> Nt<()> {
        if self.is_recording() {
            self.record_text(font, from, line.text, line.by_number, line.steps.as_deref());
            return Ok(());
        }
        self.ready_format();
        let Some(surface) = self.drawn_on() else { return Ok(()) };
        let smoothing = self.smoothing(font, surface.format().depth);
        font.draw(self.k, line.text, line.by_number, smoothing, |drawn| self.draw_glyphs(from, line, drawn))
    }

    fn draw_glyphs(&mut self, from: Point, line: &Line<'_>, drawn: &[Option<&Glyph>]) -> Nt<()> {
        let (mut at, mut bounds) = (from, Rect::default());
        let mut glyphs: Vec<(Rect, &Glyph)> = Vec::with_capacity(drawn.len());
        for (index, glyph) in drawn.iter().enumerate() {
            let Some(glyph) = *glyph else { continue };
            let metrics = &glyph.metrics;
            let (left, top) = (at.x.saturating_add(metrics.left), at.y.saturating_sub(metrics.top));
            let rect = Rect::sized(left, top, metrics.width as i32, metrics.height as i32);
            let step = match line.steps.as_ref().map(|steps| steps.get(index)) {
                Some(step) => step.copied().unwrap_or_default(),
                None => Point::new(metrics.advance_x.into(), metrics.advance_y.into()),
            };
            at = Point::new(at.x.saturating_add(step.x), at.y.saturating_add(step.y));
            if !rect.is_empty() {
                bounds = bounds.union(&rect);
                glyphs.push((rect, glyph));
            }
        }
        let bounds = match line.clip {
            Some(clip) => bounds.intersect(&clip),
            None => Some(bounds),
        };
        let Some(bounds) = bounds.filter(|bounds| !bounds.is_empty()) else { return Ok(()) };
        let region = self.clipped(&bounds);
        if region.is_empty() {
            return Ok(());
        }
        self.note_bounds(&region.bounds());
        if !self.ready_target(&region.bounds()) {
            return Ok(());
        }
        let Some(surface) = self.drawn_on() else { return Ok(()) };
        let format = surface.format();
        let pixel = self.pixel_of(&format, self.attr.text_color, true);
        let origin = self.state.origin;
        let mut opened = surface.open(self.k);
        opened.damage(&region.bounds().offset(origin.x, origin.y));
        let mut paint = shade::Paint::new(&format, pixel);
        let mut pixels = PIXELS.take();
        for clip in region.rects() {
            // Several rows at once, which are loaded once for all glyphs on them.
            let count = clip.width().max(0) as usize;
            for strip in strips(*clip, strip_rows(count).saturating_mul(2)) {
                let place = strip.offset(origin.x, origin.y);
                let length = count * strip.height().max(0) as usize;
                pixels.resize(length.max(pixels.len()), 0);
                let run = pixels.get_mut(..length).unwrap_or_default();
                opened.load_area(&place, run)?;
                for (rect, glyph) in &glyphs {
                    if let Some(seen) = rect.intersect(&strip) {
                        draw_glyph(self.k, &mut paint, glyph, rect, &seen, &strip, run);
                    }
                }
                opened.store_area(&place, run)?;
            }
        }
        if pixels.len() <= 2 * STRIP {
            PIXELS.set(pixels);
        }
        Ok(())
    }

    /// Draws the lines below and through text.
    fn text_lines(
        &mut self,
        font: &Realized,
        (below, through): (bool, bool),
        ascent: i32,
        at: Point,
        width: Point,
        (sine, cosine): (f64, f64),
    ) -> Nt<()> {
        // A position on the device keeps the sign that it has in the world, and a size is a pixel at least.
        let position = |work: &Self, value: i32| {
            let size = work.device_height(work.world_height(value)).wrapping_abs();
            if value < 0 { size.wrapping_neg() } else { size }
        };
        let thickness = |work: &Self, value: i32| {
            let size = work.device_height(work.world_height(value)).wrapping_abs().max(1);
            if value < 0 { size.wrapping_neg() } else { size }
        };
        let [underline, strike] = match font.outline_metrics() {
            None => [(0, ascent / 20 + 1), (ascent / 2, ascent / 20 + 1)],
            Some((_, outlines)) => [
                (position(self, outlines.underscore_position), thickness(self, outlines.underscore_size)),
                (position(self, outlines.strike_out_position), thickness(self, outlines.strike_out_size)),
            ],
        };
        let mut region = Region::default();
        for (is_drawn, (place, size)) in [(below, underline), (through, strike)] {
            if !is_drawn {
                continue;
            }
            let up = f64::from(place.wrapping_add(size / 2));
            let corner = |x: i32, y: i32, by: f64| {
                Point::new((f64::from(x) - by * sine) as i32, (f64::from(y) - by * cosine) as i32)
            };
            let thick = f64::from(size);
            let (end_x, end_y) = (at.x.wrapping_add(width.x), at.y.wrapping_add(width.y));
            let (first, second) = (corner(at.x, at.y, up), corner(end_x, end_y, up));
            let points = [first, second, corner(second.x, second.y, -thick), corner(first.x, first.y, -thick), first];
            // They are polygons of the world, whose corners are whole numbers there.
            let points = points.map(|point| self.device_point(self.world_point(point)));
            if self.is_recording() {
                let points = points.map(|point| self.world_point(point));
                self.record_figures(&points, &[points.len()], Some(true));
                continue;
            }
            if let Some(shape) = shapes::polygon(&points, &[points.len()], false, None) {
                region = region.combine(&shape, super::region::Mode::Or);
            }
        }
        self.ready_format();
        let Some(surface) = self.drawn_on() else { return Ok(()) };
        let pixel = self.pixel_of(&surface.format(), self.attr.text_color, true);
        let visible = region.combine(&self.clipped(&region.bounds()), super::region::Mode::And);
        self.fill(&visible, &Ink::Solid(pixel), rop::PATCOPY)
    }
}

/// Draws what is seen of a glyph on pixels of a strip.
fn draw_glyph(
    k: &Kernel,
    paint: &mut shade::Paint<'_>,
    glyph: &Glyph,
    rect: &Rect,
    seen: &Rect,
    strip: &Rect,
    run: &mut [u32],
) {
    let width = strip.width().max(0) as usize;
    let (left, top) = ((seen.left - rect.left) as usize, (seen.top - rect.top) as usize);
    // Nothing is drawn by what a row has beyond its last pixel, wherever that may be.
    let columns = match seen.right == rect.right {
        true => glyph.pitch.saturating_sub(left),
        false => seen.width() as usize,
    };
    let rows = (seen.bottom - seen.top).max(0) as usize;
    let mut from = top * glyph.pitch + left;
    let mut to = (seen.top - strip.top) as usize * width + (seen.left - strip.left) as usize;
    match &glyph.shades {
        Shades::Levels(levels) => {
            let levels = levels.get(from..).unwrap_or_default();
            let shades = tint::Shades { levels, pitch: glyph.pitch, columns, rows };
            paint.glyph(k.host, run.get_mut(to..).unwrap_or_default(), width, &shades);
        }
        Shades::Parts(parts) => {
            for _ in 0..rows {
                let end = (to + columns).min(run.len());
                let pixels = run.get_mut(to..end).unwrap_or_default();
                paint.parts(pixels, parts.get(from..from + columns).unwrap_or_default());
                from += glyph.pitch;
                to += width;
            }
        }
    }
}
