//! The Unix part of dwrite.dll: outlines, pixels and measures of glyphs, of a font that the DLL has in memory.
//!
//! Codes and structures are Wine 10's (`dlls/dwrite/unixlib.h`). The guest holds numbers of fonts, which are looked up and
//! never trusted.

use super::fixed::{Matrix, ceil, floor, mul_div};
use super::fnt::Bits;
use super::native::third;
use super::outline::{self, Dot, Drawn, Hinting, Kind, Outline};
use super::{mono, raster};
use crate::call::Cx;
use crate::crypto::Table;
use crate::status::*;
use crate::um::{UserPtr, UserSlice};
use crate::win32k::geometry::Rect;
use parking_lot::Mutex;
use skrifa::raw::TableProvider;
use skrifa::{GlyphId, ScalerFont};
use std::sync::Arc;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `enum font_backend_funcs`.
mod code {
    pub const PROCESS_ATTACH: u32 = 0;
    pub const PROCESS_DETACH: u32 = 1;
    pub const CREATE_FONT_OBJECT: u32 = 2;
    pub const RELEASE_FONT_OBJECT: u32 = 3;
    pub const GET_GLYPH_OUTLINE: u32 = 4;
    pub const GET_GLYPH_COUNT: u32 = 5;
    pub const GET_GLYPH_ADVANCE: u32 = 6;
    pub const GET_GLYPH_BBOX: u32 = 7;
    pub const GET_GLYPH_BITMAP: u32 = 8;
    pub const GET_DESIGN_GLYPH_METRICS: u32 = 9;
}

/// DWRITE_FONT_SIMULATIONS_BOLD.
const BOLD: u32 = 1;
/// DWRITE_FONT_SIMULATIONS_OBLIQUE.
const OBLIQUE: u32 = 2;
/// DWRITE_MEASURING_MODE_NATURAL.
const NATURAL: u32 = 0;
/// DWRITE_RENDERING_MODE1_ALIASED.
const ALIASED: u32 = 1;

/// Bytes of a font at most.
const LARGEST: u64 = 1 << 28;
/// Sizes of a font that are kept.
const SIZES: usize = 16;

/// Fonts of a process, by the numbers that the guest knows.
pub type Objects = Table<Object>;

/// A font.
pub struct Object {
    font: skrifa::Font,
    scalers: Mutex<Vec<(i32, Hinting, Arc<ScalerFont>)>>,
}

struct Bytes(Vec<u8>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A glyph as it was loaded.
enum Loaded {
    Outline(Drawn),
    /// The font's own pixels, and where they begin: left of the place, above it; and how far the next glyph is.
    Pixels(Bits, (i32, i32), i32),
}

impl Object {
    fn scaler(&self, ppem: i32, hinting: Hinting) -> Arc<ScalerFont> {
        let mut scalers = self.scalers.lock();
        if let Some((.., known)) = scalers.iter().find(|(size, purpose, _)| (*size, *purpose) == (ppem, hinting)) {
            return known.clone();
        }
        if scalers.len() >= SIZES {
            scalers.remove(0);
        }
        let made = Arc::new(hinting.scaler(&self.font, ppem));
        scalers.push((ppem, hinting, made.clone()));
        made
    }

    fn outline(&self, glyph: u32, ppem: i32, hinting: Hinting) -> Option<Drawn> {
        // A font whose instructions fail is drawn without them.
        outline::load(&self.scaler(ppem, hinting), glyph)
            .or_else(|| outline::load(&self.scaler(ppem, Hinting::None), glyph))
    }

    fn load(&self, glyph: u32, ppem: i32, pixels: bool) -> Option<Loaded> {
        if pixels && let Some((bits, bearing, advance)) = super::glyph::strike(&self.font, glyph, ppem) {
            return Some(Loaded::Pixels(bits, bearing, advance));
        }
        self.outline(glyph, ppem, Hinting::Grey).map(Loaded::Outline)
    }
}

/// Pixels of an em, as FreeType takes them.
fn ppem(size: f32) -> i32 {
    (size as i32).clamp(1, 0xffff)
}

/// Made bold as dwrite does: wider, and no higher.
fn embolden(outline: &mut Outline, size: f32) {
    outline.embolden_along(mul_div(size as i32, 64, 24), 0);
}

/// What a glyph goes through; `None` if nothing. `turn`: m11, m12, m21, m22, with y down.
fn transform(simulations: u32, turn: [f32; 4]) -> Option<Matrix> {
    if turn == [1.0, 0.0, 0.0, 1.0] && simulations == 0 {
        return None;
    }
    let slant = if simulations & OBLIQUE != 0 { 0x1_0000 / 3 } else { 0 };
    let part = |value: f32| super::fixed::factor(f64::from(value));
    let [m11, m12, m21, m22] = turn;
    let turn = Matrix { xx: part(m11), xy: part(-m21), yx: part(-m12), yy: part(m22) };
    Some(turn.after(&Matrix { xy: slant, ..Matrix::IDENTITY }))
}

/// A call of dwrite's Unix part.
///
/// # Errors
/// `STATUS_NOT_IMPLEMENTED`: no such code. `STATUS_UNSUCCESSFUL`: a font or a glyph that cannot be read.
pub fn call(cx: &Cx<'_>, code: u32, arguments: u64) -> Nt {
    match code {
        code::PROCESS_ATTACH | code::PROCESS_DETACH => Ok(STATUS_SUCCESS),
        code::CREATE_FONT_OBJECT => create(cx, UserPtr::new(arguments).read(cx.k)?),
        code::RELEASE_FONT_OBJECT => {
            let number: u64 = UserPtr::new(arguments).read(cx.k)?;
            cx.k.gdi.fonts.objects.remove(number);
            Ok(STATUS_SUCCESS)
        }
        code::GET_GLYPH_OUTLINE => glyph_outline(cx, UserPtr::new(arguments).read(cx.k)?),
        code::GET_GLYPH_COUNT => {
            let [number, count]: [u64; 2] = UserPtr::new(arguments).read(cx.k)?;
            let glyphs =
                cx.k.gdi
                    .fonts
                    .objects
                    .get(number)
                    .and_then(|object| object.font.tables().maxp().ok().map(|maxp| u32::from(maxp.num_glyphs())));
            UserPtr::new(count).write(cx.k, glyphs.unwrap_or(0))?;
            Ok(STATUS_SUCCESS)
        }
        code::GET_GLYPH_ADVANCE => advance(cx, UserPtr::new(arguments).read(cx.k)?),
        code::GET_GLYPH_BBOX => glyph_box(cx, UserPtr::new(arguments).read(cx.k)?),
        code::GET_GLYPH_BITMAP => glyph_bitmap(cx, UserPtr::new(arguments).read(cx.k)?),
        code::GET_DESIGN_GLYPH_METRICS => design_metrics(cx, UserPtr::new(arguments).read(cx.k)?),
        _ => Err(STATUS_NOT_IMPLEMENTED),
    }
}

fn object(cx: &Cx<'_>, number: u64) -> Nt<Arc<Object>> {
    cx.k.gdi.fonts.objects.get(number).ok_or(STATUS_UNSUCCESSFUL)
}

/// `struct create_font_object_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Create {
    data: u64,
    size: u64,
    index: u32,
    pad: u32,
    object: u64,
}

fn create(cx: &Cx<'_>, asked: Create) -> Nt {
    if asked.size > LARGEST {
        return Err(STATUS_UNSUCCESSFUL);
    }
    let bytes = UserSlice::new(asked.data, asked.size).read_all(cx.k)?;
    let blob: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(Bytes(bytes));
    let font = skrifa::Font::new(skrifa::font::Blob::from(blob), asked.index).ok_or(STATUS_UNSUCCESSFUL)?;
    let number = cx.k.gdi.fonts.objects.insert(Object { font, scalers: Mutex::default() });
    UserPtr::new(asked.object).write(cx.k, number)?;
    Ok(STATUS_SUCCESS)
}

/// `struct get_glyph_outline_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct AskedOutline {
    object: u64,
    simulations: u32,
    glyph: u32,
    size: f32,
    pad: u32,
    outline: u64,
}

/// `struct dwrite_outline`: tags, then points.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Lists {
    tags: List,
    points: List,
}

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct List {
    values: u64,
    count: u64,
    size: u64,
}

/// `enum dwrite_outline_tags`.
mod tag {
    pub const BEGIN_FIGURE: u8 = 0;
    pub const END_FIGURE: u8 = 1;
    pub const LINE: u8 = 2;
    pub const BEZIER: u8 = 3;
}

/// An outline as dwrite takes it: what comes next, and points in pixels, with y down.
#[derive(Default)]
struct Told {
    tags: Vec<u8>,
    points: Vec<[f32; 2]>,
}

impl Told {
    fn point(&mut self, (x, y): (i32, i32)) {
        self.points.push([x as f32 / 64.0, y as f32 / 64.0]);
    }

    fn curve(&mut self, one: (i32, i32), two: (i32, i32), to: (i32, i32)) {
        for place in [one, two, to] {
            self.point(place);
        }
        self.tags.push(tag::BEZIER);
    }

    fn conic(&mut self, from: (i32, i32), control: (i32, i32), to: (i32, i32)) {
        let lean = |end: (i32, i32)| (third(control.0, end.0), third(control.1, end.1));
        self.curve(lean(from), lean(to), to);
    }

    fn contour(&mut self, dots: &[Dot]) {
        let place = |dot: &Dot| (dot.x, dot.y);
        let Some(first) = dots.first().map(place) else { return };
        self.tags.push(tag::BEGIN_FIGURE);
        self.point(first);
        let mut from = first;
        let mut waiting: Vec<(i32, i32)> = Vec::new();
        let closing = Dot { x: first.0, y: first.1, kind: Kind::On };
        for dot in dots.iter().skip(1).chain([&closing]) {
            let to = place(dot);
            match (dot.kind, waiting.as_slice()) {
                (Kind::On, []) => {
                    self.point(to);
                    self.tags.push(tag::LINE);
                    from = to;
                }
                (Kind::On, [control]) => {
                    self.conic(from, *control, to);
                    from = to;
                }
                (Kind::On, [one, two, ..]) => {
                    self.curve(*one, *two, to);
                    from = to;
                }
                (Kind::Conic, [control]) => {
                    let half = |a: i32, b: i32| a.wrapping_add(b) / 2;
                    let middle = (half(control.0, to.0), half(control.1, to.1));
                    self.conic(from, *control, middle);
                    from = middle;
                    waiting.clear();
                    waiting.push(to);
                    continue;
                }
                _ => {
                    waiting.push(to);
                    continue;
                }
            }
            waiting.clear();
        }
        self.tags.push(tag::END_FIGURE);
    }
}

fn glyph_outline(cx: &Cx<'_>, asked: AskedOutline) -> Nt {
    let object = object(cx, asked.object)?;
    let mut lists: Lists = UserPtr::new(asked.outline).read(cx.k)?;
    let Some(mut drawn) = object.outline(asked.glyph, ppem(asked.size), Hinting::Grey) else {
        return Ok(STATUS_SUCCESS);
    };
    if asked.simulations & BOLD != 0 && lists.points.values != 0 {
        embolden(&mut drawn.outline, asked.size);
    }
    let slant = if asked.simulations & OBLIQUE != 0 { 0x1_0000 / 3 } else { 0 };
    drawn.outline.transform(&Matrix { xx: 0x1_0000, xy: slant, yx: 0, yy: -0x1_0000 });
    let mut told = Told::default();
    for contour in &drawn.outline.contours {
        told.contour(contour);
    }
    (lists.tags.count, lists.points.count) = (told.tags.len() as u64, told.points.len() as u64);
    if lists.points.values != 0 {
        if lists.tags.size < lists.tags.count || lists.points.size < lists.points.count {
            return Err(STATUS_BUFFER_TOO_SMALL);
        }
        cx.k.write_user(lists.tags.values, &told.tags)?;
        cx.k.write_user(lists.points.values, told.points.as_bytes())?;
    }
    UserPtr::new(asked.outline).write(cx.k, lists)?;
    Ok(STATUS_SUCCESS)
}

/// `struct get_glyph_advance_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct AskedAdvance {
    object: u64,
    glyph: u32,
    mode: u32,
    size: f32,
    pad: u32,
    advance: u64,
    has_contours: u64,
}

fn advance(cx: &Cx<'_>, asked: AskedAdvance) -> Nt {
    let object = object(cx, asked.object)?;
    let size = ppem(asked.size);
    let loaded = if asked.mode == NATURAL {
        object.outline(asked.glyph, size, Hinting::None).map(Loaded::Outline)
    } else {
        object.load(asked.glyph, size, true)
    };
    let (advance, contours) = match loaded {
        Some(Loaded::Outline(drawn)) if asked.mode == NATURAL => (drawn.advance, !drawn.outline.contours.is_empty()),
        Some(Loaded::Outline(drawn)) => (super::fixed::round(drawn.advance), !drawn.outline.contours.is_empty()),
        Some(Loaded::Pixels(_, _, advance)) => (advance, false),
        None => (0, false),
    };
    UserPtr::new(asked.advance).write(cx.k, advance >> 6)?;
    UserPtr::new(asked.has_contours).write(cx.k, u32::from(contours))?;
    Ok(STATUS_SUCCESS)
}

/// `struct get_glyph_bbox_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct AskedBox {
    object: u64,
    simulations: u32,
    glyph: u32,
    size: f32,
    turn: [f32; 4],
    pad: u32,
    found: u64,
}

/// A glyph after what is simulated and after its transform.
fn placed(object: &Object, glyph: u32, size: f32, simulations: u32, turn: [f32; 4]) -> Option<Loaded> {
    let matrix = transform(simulations, turn);
    let mut loaded = object.load(glyph, ppem(size), matrix.is_none())?;
    if let (Loaded::Outline(drawn), Some(matrix)) = (&mut loaded, &matrix) {
        if simulations & BOLD != 0 {
            embolden(&mut drawn.outline, size);
        }
        drawn.outline.transform(matrix);
    }
    Some(loaded)
}

/// The whole pixels that a glyph lies in, with y down.
fn box_of(loaded: &Loaded) -> Rect {
    match loaded {
        Loaded::Outline(drawn) => {
            let bounds = drawn.outline.bounds();
            Rect::new(
                floor(bounds.left) >> 6,
                -(ceil(bounds.top) >> 6),
                ceil(bounds.right) >> 6,
                -(floor(bounds.bottom) >> 6),
            )
        }
        Loaded::Pixels(bits, (left, top), _) => {
            let (width, height) = (bits.width as i32, bits.height as i32);
            let up = top.saturating_neg();
            Rect::new(*left, up, left.saturating_add(width), up.saturating_add(height))
        }
    }
}

fn glyph_box(cx: &Cx<'_>, asked: AskedBox) -> Nt {
    let object = object(cx, asked.object)?;
    let found = placed(&object, asked.glyph, asked.size, asked.simulations, asked.turn);
    UserPtr::new(asked.found).write(cx.k, found.as_ref().map(box_of).unwrap_or_default())?;
    found.map(|_| STATUS_SUCCESS).ok_or(STATUS_UNSUCCESSFUL)
}

/// `struct get_glyph_bitmap_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct AskedBitmap {
    object: u64,
    simulations: u32,
    glyph: u32,
    mode: u32,
    size: f32,
    turn: [f32; 4],
    bounds: Rect,
    pitch: i32,
    pad: u32,
    bitmap: u64,
    is_mono: u64,
}

fn glyph_bitmap(cx: &Cx<'_>, asked: AskedBitmap) -> Nt {
    let object = object(cx, asked.object)?;
    let mono = asked.mode == ALIASED;
    let found = placed(&object, asked.glyph, asked.size, asked.simulations, asked.turn);
    let is_mono = UserPtr::new(asked.is_mono);
    is_mono.write(cx.k, 0u32)?;
    let pitch = usize::try_from(asked.pitch).map_err(|_| STATUS_INVALID_PARAMETER)?;
    let bounds = asked.bounds;
    let (width, height) = (bounds.right.wrapping_sub(bounds.left), bounds.bottom.wrapping_sub(bounds.top));
    let (rows, from, bits) = match found {
        None => return Ok(STATUS_SUCCESS),
        Some(Loaded::Pixels(bits, ..)) => (bits.rows, bits.pitch, true),
        Some(Loaded::Outline(mut drawn)) => {
            drawn.outline.shift(bounds.left.saturating_mul(-64), bounds.bottom.saturating_mul(64));
            if mono {
                let filled = mono::fill(&drawn.outline, width, height, drawn.dropout).ok_or(STATUS_UNSUCCESSFUL)?;
                (filled.rows, filled.pitch, true)
            } else {
                let filled = raster::grey(&drawn.outline, width, height).ok_or(STATUS_UNSUCCESSFUL)?;
                (filled, width.max(0) as usize, false)
            }
        }
    };
    is_mono.write(cx.k, u32::from(bits))?;
    if from == 0 {
        return Ok(STATUS_SUCCESS);
    }
    for (row, y) in rows.chunks_exact(from).zip(0..height.max(0) as u64) {
        let row = row.get(..from.min(pitch)).unwrap_or_default();
        cx.k.write_user(asked.bitmap + y * pitch as u64, row)?;
    }
    Ok(STATUS_SUCCESS)
}

/// `struct get_design_glyph_metrics_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct AskedMetrics {
    object: u64,
    simulations: u32,
    glyph: u32,
    units: u32,
    ascent: u32,
    metrics: u64,
}

/// DWRITE_GLYPH_METRICS, in units of the font.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct DesignMetrics {
    left: i32,
    advance_width: u32,
    right: i32,
    top: i32,
    advance_height: u32,
    bottom: i32,
    vertical_origin: i32,
}

fn design_metrics(cx: &Cx<'_>, asked: AskedMetrics) -> Nt {
    let object = object(cx, asked.object)?;
    let font = &object.font;
    let id = GlyphId::new(asked.glyph);
    let tables = font.tables();
    let unscaled = ScalerFont::unhinted(font.clone(), None);
    let Some(drawn) = outline::load(&unscaled, asked.glyph) else { return Ok(STATUS_SUCCESS) };
    // 64ths of a unit.
    let bounds = drawn.outline.bounds();
    let (left, right) = (bounds.left >> 6, bounds.right.saturating_add(63) >> 6);
    let (bottom, top) = (bounds.bottom >> 6, bounds.top.saturating_add(63) >> 6);
    let width = tables.hmtx().ok().and_then(|hmtx| hmtx.advance(id)).map_or(0, i32::from);
    let height = tables.vmtx().ok().and_then(|vmtx| vmtx.advance(id)).map(i32::from);
    let height = height.or_else(|| {
        let os2 = tables.os2().ok()?;
        Some(i32::from(os2.s_typo_ascender()) - i32::from(os2.s_typo_descender()))
    });
    let height = height.or_else(|| {
        let hhea = tables.hhea().ok()?;
        Some(i32::from(hhea.ascender().to_i16()) - i32::from(hhea.descender().to_i16()))
    });
    let height = height.unwrap_or(0);
    let ascent = asked.ascent as i32;
    let above = ascent.wrapping_sub(top);
    let mut metrics = DesignMetrics {
        left,
        advance_width: width as u32,
        right: width - right,
        top: above,
        advance_height: height as u32,
        bottom: height.wrapping_sub(top - bottom).wrapping_sub(above),
        vertical_origin: ascent,
    };
    if asked.simulations & BOLD != 0 && !drawn.outline.contours.is_empty() && width != 0 {
        metrics.advance_width = metrics.advance_width.wrapping_add(asked.units.wrapping_add(49) / 50);
    }
    UserPtr::new(asked.metrics).write(cx.k, metrics)?;
    Ok(STATUS_SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::offset_of;

    #[test]
    fn layouts_are_dwrites() {
        assert_eq!((offset_of!(Create, object), offset_of!(AskedOutline, outline)), (24, 24));
        assert_eq!((offset_of!(AskedAdvance, advance), offset_of!(AskedBox, found)), (24, 40));
        assert_eq!((offset_of!(AskedBitmap, bounds), offset_of!(AskedBitmap, bitmap)), (40, 64));
        assert_eq!((offset_of!(AskedMetrics, metrics), size_of::<DesignMetrics>()), (24, 28));
    }

    #[test]
    fn contours_are_closed() {
        let mut told = Told::default();
        let dot = |x, y, kind| Dot { x, y, kind };
        told.contour(&[dot(0, 0, Kind::On), dot(64, 0, Kind::On), dot(64, 64, Kind::Conic)]);
        assert_eq!(told.tags, [tag::BEGIN_FIGURE, tag::LINE, tag::BEZIER, tag::END_FIGURE]);
        assert_eq!(told.points.len(), 5);
        assert_eq!((told.points[1], told.points[4]), ([1.0, 0.0], [0.0, 0.0]));
    }

    #[test]
    fn what_is_turned_has_no_pixels_of_its_own() {
        assert!(transform(0, [1.0, 0.0, 0.0, 1.0]).is_none());
        let slanted = transform(OBLIQUE, [1.0, 0.0, 0.0, 1.0]).unwrap();
        assert_eq!(slanted.apply((0, 300)), (100, 300));
        // A quarter to the right, as dwrite counts: y down.
        assert_eq!(transform(0, [0.0, 1.0, -1.0, 0.0]).unwrap().apply((64, 0)), (0, -64));
    }
}
