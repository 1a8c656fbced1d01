//! Realized fonts: a face at the size and in the style that a device context asked for.

use super::by_unit::ByUnit;
use super::charset::{self, Charset};
use super::face::{Catalog, Data, Face, Loaded};
use super::fixed::mul_div;
use super::glyph::{Glyph, Measured};
use super::metrics::Metrics;
use super::outline::Hinting;
use super::raster::{self, Smoothing};
use super::vertical::Forms;
use super::{Wide, load, matching, sfnt, vdmx};
use crate::kernel::Kernel;
use crate::win32k::gdi::font::Font;
use crate::win32k::geometry::round;
use parking_lot::{Mutex, RwLock};
use skrifa::ScalerFont;
use skrifa::font::charmap::{Encoding, EncodingKind};
use skrifa::raw::TableProvider;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// The part of a world transform that turns and stretches: m11, m12, m21, m22.
pub type Turn = [f32; 4];
/// Neither.
pub const STRAIGHT: Turn = [1.0, 0.0, 0.0, 1.0];

/// A font as it is drawn.
pub struct Realized {
    /// The face.
    pub face: Arc<Face>,
    /// Its bytes.
    pub loaded: Arc<Loaded>,
    /// What was asked for, on the device.
    pub asked: Font,
    /// What is to be done with glyphs besides.
    pub turn: Turn,
    /// The `turn` that was asked for.
    key: Turn,
    bitmaps: bool,
    /// Pixels of an em.
    pub ppem: i32,
    /// Ascent and descent that the font itself says for this size.
    pub told: Option<(i32, i32)>,
    /// How often rows of bitmaps are repeated.
    pub repeat: i32,
    /// Mean width asked for; 0: the font's own.
    pub average_width: i32,
    /// The character set.
    pub charset: Charset,
    /// Whether outlines are made bold, and slanted.
    pub bold: bool,
    /// As the field's name.
    pub slanted: bool,
    /// The family that it was found in.
    pub family: Wide,
    /// The name that a program sees: the one it asked for, if that stands for the family's.
    pub name: Wide,
    /// The number that it knows the font by.
    pub number: u32,
    encoding: Option<Encoding>,
    links: Vec<Arc<Face>>,
    children: OnceLock<Vec<Arc<Realized>>>,
    /// Of a font for vertical text.
    forms: OnceLock<Forms>,
    metrics: OnceLock<Option<Metrics>>,
    /// Of the font that this one stands in for: how high glyphs are at most.
    base: Option<(i32, i32)>,
    scalers: Mutex<HashMap<Hinting, Arc<ScalerFont>>>,
    measured: Mutex<HashMap<(u32, bool), Measured>>,
    /// What characters measure, and what glyphs do by number.
    units: Mutex<[ByUnit<Measured>; 2]>,
    glyphs: RwLock<Glyphs>,
}

/// Glyphs that were drawn, by how they are smoothed, and number.
#[derive(Default)]
struct Glyphs {
    drawn: Vec<(Kind, ByUnit<Arc<Glyph>>)>,
    bytes: usize,
}

/// How glyphs are smoothed, and whether they are looked up by number.
type Kind = (Smoothing, bool);

impl Glyphs {
    /// Those that are smoothed in one way, by character or by number, if there are any.
    fn known(&self, smoothing: Smoothing, by_number: bool) -> Option<&ByUnit<Arc<Glyph>>> {
        self.drawn.iter().find(|(known, _)| *known == (smoothing, by_number)).map(|(_, glyphs)| glyphs)
    }

    /// Those that are smoothed in one way, by character or by number.
    fn of(&mut self, smoothing: Smoothing, by_number: bool) -> &mut ByUnit<Arc<Glyph>> {
        let key = (smoothing, by_number);
        let index = self.drawn.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            self.drawn.push((key, ByUnit::default()));
            self.drawn.len() - 1
        });
        &mut self.drawn[index].1
    }
}

/// Bytes of glyphs that one font keeps.
const KEPT: usize = 2 << 20;

/// Finds the font for a request and makes it ready. `font` is in device units.
pub fn select(k: &'static Kernel, mut font: Font, turn: Turn, bitmaps: bool) -> Option<Arc<Realized>> {
    // "Symbol" is meant whatever character set was asked for.
    if super::face::same(font.name(), &"Symbol".encode_utf16().collect::<Vec<_>>()) {
        font.charset = charset::SYMBOL;
    }
    let fonts = &k.gdi.fonts;
    let is_meant = |known: &Realized| known.bitmaps == bitmaps && known.key == turn && known.asked == font;
    if let Some(known) = fonts.find(is_meant) {
        return Some(known);
    }
    let catalog = fonts.catalog(k);
    let system = load::system_charset(k);
    let found = matching::find(&catalog, &font, bitmaps, system)?;
    let charset = found.charset.filter(|set| set.mask != 0);
    let charset = charset.unwrap_or_else(|| matching::nearest(&catalog, &found.face, system));
    let mut made = make(k, &catalog, found.face.clone(), &font, turn, charset)?;
    made.bitmaps = bitmaps;
    made.family = found.family.unwrap_or_else(|| found.face.family.clone());
    made.name = if found.substituted { font.name().to_vec() } else { made.family.clone() };
    let made = Arc::new(made);
    fonts.keep(&made);
    Some(made)
}

/// A face at a size, without a request's name.
pub fn make(
    k: &'static Kernel,
    catalog: &Catalog,
    face: Arc<Face>,
    font: &Font,
    turn: Turn,
    charset: Charset,
) -> Option<Realized> {
    let loaded = face.load(|uri| load::read(k, uri))?;
    let mut made = Realized {
        asked: *font,
        turn,
        key: turn,
        bitmaps: true,
        ppem: 0,
        told: None,
        repeat: 1,
        average_width: if font.height != 0 { font.width } else { 0 },
        charset,
        bold: font.weight > 550 && face.ntm & super::face::ntm::BOLD == 0 && face.weight < 550,
        slanted: font.italic != 0 && face.ntm & super::face::ntm::ITALIC == 0,
        family: face.family.clone(),
        name: face.family.clone(),
        number: k.gdi.fonts.number(),
        encoding: None,
        links: Vec::new(),
        children: OnceLock::new(),
        forms: OnceLock::new(),
        metrics: OnceLock::new(),
        base: None,
        scalers: Mutex::default(),
        measured: Mutex::default(),
        units: Mutex::default(),
        glyphs: RwLock::default(),
        loaded,
        face,
    };
    match &made.loaded.data {
        Data::Outline(outlines) => {
            match sfnt::table(&made.loaded.bytes, made.face.index, b"VDMX", |table| vdmx::find(table, font.height)) {
                Some(size) => (made.ppem, made.told) = (size.ppem, Some((size.ascent, size.descent))),
                None => made.ppem = pixels_per_em(outlines, font.height)?,
            }
            made.encoding = encoding_of(outlines, charset.number);
        }
        Data::Bitmap(_) => {
            made.ppem = made.face.size.map_or(1, |size| size.ppem.1 >> 6);
            made.fit_bitmap();
        }
    }
    made.links = made.linked(catalog);
    Some(made)
}

/// Pixels of an em for a height: of a cell, or if it is less than 0 of an em.
fn pixels_per_em(font: &skrifa::Font, height: i32) -> Option<i32> {
    const MOST: i32 = 0xffff;
    let units = i32::from(font.units_per_em());
    let height = if height == 0 { 16 } else { height };
    if height < 0 {
        return Some(if height >= -MOST { -height } else { 1 });
    }
    let tables = font.tables();
    let (os2, hhea) = (tables.os2().ok()?, tables.hhea().ok()?);
    let (ascent, descent) = (i32::from(os2.us_win_ascent()), windows_descent(os2.us_win_descent()));
    let cell = match ascent + descent {
        0 => i32::from(hhea.ascender().to_i16()) - i32::from(hhea.descender().to_i16()),
        cell => cell,
    };
    let ppem = mul_div(units, height, cell);
    let ppem = if ppem > 1 && mul_div(cell, ppem, units) > height { ppem - 1 } else { ppem };
    Some(if ppem > MOST { 1 } else { ppem.max(0) })
}

/// The descent that some files have the wrong sign of.
pub fn windows_descent(descent: u16) -> i32 {
    i32::from(descent as i16).abs()
}

/// The table of characters that is looked at, as FreeType and Wine choose it.
fn encoding_of(font: &skrifa::Font, charset: u8) -> Option<Encoding> {
    let mut order = [EncodingKind::Unicode, EncodingKind::AppleRoman, EncodingKind::MsSymbol];
    if charset == charset::SYMBOL {
        order.rotate_right(1);
    }
    let all: Vec<Encoding> = font.charmap().encodings().collect();
    let rank = |encoding: &Encoding| match encoding.sfnt_ids() {
        Some((3, _)) => 0,
        Some((1, _)) => 1,
        Some((2, _)) => 2,
        Some((0, _)) => 3,
        _ => 4,
    };
    for kind in order {
        // The last one of a rank counts.
        let best = all.iter().rev().filter(|encoding| encoding.kind() == kind).min_by_key(|encoding| rank(encoding));
        if let Some(best) = best {
            return Some(*best);
        }
    }
    all.first().copied()
}

impl Realized {
    /// How a bitmap font comes to the height asked for: its rows are repeated as a whole.
    fn fit_bitmap(&mut self) {
        let Some(size) = self.face.size else { return };
        let asked = self.asked.height;
        let gap = match asked {
            asked if asked > 0 => asked.saturating_sub(size.height),
            asked => asked.saturating_neg().saturating_sub(size.height - size.internal_leading),
        };
        let mut height = round(f64::from(asked) * f64::from(self.turn[3])).saturating_abs();
        if self.average_width != 0 {
            self.average_width = (f64::from(self.average_width) * f64::from(self.turn[0])) as i32;
        }
        (self.turn[0], self.turn[3]) = (1.0, 1.0);
        if height != 0 {
            height = gap;
        }
        let (height, rows) = (i64::from(height) + i64::from(size.height), i64::from(size.height.max(1)));
        let mut repeat = (height + rows - 1).div_euclid(rows);
        let over = repeat * rows - height;
        if repeat > 2 && over > rows / 4 || repeat == 2 && over > rows / 4 - 1 {
            repeat -= 1;
        }
        self.repeat = repeat.clamp(0, 0x1000) as i32;
    }

    /// Faces that are looked at for characters that this one lacks.
    fn linked(&self, catalog: &Catalog) -> Vec<Arc<Face>> {
        let mut found: Vec<Arc<Face>> = Vec::new();
        let mut add = |family: &[u16]| {
            found.extend(matching::child(catalog, &self.asked, family));
        };
        let mut add_links = |name: &[u16], itself: bool| {
            if itself {
                add(name);
            }
            for (family, _) in catalog.link(name).into_iter().flat_map(|link| &link.entries) {
                add(family);
            }
        };
        add_links(&self.face.full, false);
        if !matches!(self.charset.number, charset::SYMBOL | charset::OEM) {
            for name in ["Microsoft Sans Serif", "Tahoma"] {
                let name: Wide = name.encode_utf16().collect();
                if !super::face::same(&self.face.full, &name) {
                    add_links(&name, true);
                }
            }
        }
        found
    }

    /// The fonts that are looked at for characters that this one lacks.
    pub fn children(&self, k: &'static Kernel) -> &[Arc<Realized>] {
        self.children.get_or_init(|| {
            let limits = self.metrics().map(|metrics| (metrics.text.ascent, metrics.text.descent));
            let child = |face: &Arc<Face>| {
                let empty = Catalog::default();
                let mut made = make(k, &empty, face.clone(), &self.asked, self.turn, self.charset)?;
                (made.repeat, made.average_width, made.base) = (self.repeat, self.average_width, limits);
                Some(Arc::new(made))
            };
            self.links.iter().filter_map(child).collect()
        })
    }

    /// How its glyphs are smoothed where that is wanted: its file may say that they are not, at this size.
    pub fn smoothed_as(&self, wanted: Smoothing) -> Smoothing {
        let simulated = self.bold || self.slanted;
        match self.outlines() {
            // What the file says is about grey alone.
            Some(outlines) if wanted == Smoothing::Grey && !simulated && !raster::wants_grey(outlines, self.ppem) => {
                Smoothing::None
            }
            _ => wanted,
        }
    }

    /// Whether there are such fonts.
    pub fn is_linked(&self) -> bool {
        !self.links.is_empty()
    }

    /// The tables of a font with outlines.
    pub fn outlines(&self) -> Option<&skrifa::Font> {
        match &self.loaded.data {
            Data::Outline(font) => Some(font),
            Data::Bitmap(_) => None,
        }
    }

    /// Its metrics at its size, before they are stretched; `None` if it is broken.
    pub fn metrics(&self) -> Option<&Metrics> {
        self.metrics.get_or_init(|| Metrics::of(self)).as_ref()
    }

    /// How high and deep glyphs are at most: as the font's metrics say, or those of the font it stands in for.
    pub fn limits(&self) -> Option<(i32, i32)> {
        self.base.or_else(|| self.metrics().map(|metrics| (metrics.text.ascent, metrics.text.descent)))
    }

    /// The table of characters that is looked at.
    pub fn encoding(&self) -> Option<Encoding> {
        self.encoding
    }

    /// Outlines at this size, hinted for a purpose.
    pub fn scaler(&self, hinting: Hinting) -> Option<Arc<ScalerFont>> {
        let font = self.outlines()?;
        let mut scalers = self.scalers.lock();
        Some(scalers.entry(hinting).or_insert_with(|| Arc::new(hinting.scaler(font, self.ppem))).clone())
    }

    /// What a glyph measures, once it is known.
    pub fn measured(&self, glyph: u32, vertical: bool, measure: impl FnOnce() -> Option<Measured>) -> Option<Measured> {
        if let Some(known) = self.measured.lock().get(&(glyph, vertical)) {
            return Some(*known);
        }
        let measured = measure()?;
        self.measured.lock().insert((glyph, vertical), measured);
        Some(measured)
    }

    /// Has something done with the glyphs of a text as they are drawn, which are drawn when they are first asked for; `None` for
    /// those that can't be. Where all are known, they are lent, not counted: other threads read beside this one.
    pub fn drawn<R>(
        &self,
        smoothing: Smoothing,
        text: &[u16],
        by_number: bool,
        draw: impl Fn(u16) -> Option<Glyph>,
        run: impl FnOnce(&[Option<&Glyph>]) -> R,
    ) -> R {
        {
            let glyphs = self.glyphs.read_recursive();
            if let Some(known) = glyphs.known(smoothing, by_number) {
                let found: Vec<_> = text.iter().map(|unit| known.get(*unit).map(|glyph| &**glyph)).collect();
                if found.iter().all(Option::is_some) {
                    return run(&found);
                }
            }
        }
        let mut found = Vec::with_capacity(text.len());
        for unit in text {
            // Another place of the text may have had it drawn.
            let known = self.glyphs.write().of(smoothing, by_number).get(*unit).cloned();
            if known.is_some() {
                found.push(known);
                continue;
            }
            let drawn = draw(*unit).map(Arc::new);
            if let Some(drawn) = &drawn {
                let mut glyphs = self.glyphs.write();
                let bytes = drawn.size() + 64;
                if glyphs.bytes + bytes > KEPT {
                    *glyphs = Glyphs::default();
                }
                glyphs.bytes += bytes;
                glyphs.of(smoothing, by_number).insert(*unit, drawn.clone());
            }
            found.push(drawn);
        }
        let found: Vec<_> = found.iter().map(Option::as_deref).collect();
        run(&found)
    }

    /// What the units of a text measure, which are measured when they are first asked for; `None` for those that can't be.
    pub fn measured_text(
        &self,
        text: &[u16],
        by_number: bool,
        measure: impl Fn(u16) -> Option<Measured>,
    ) -> Vec<Option<Measured>> {
        let place = usize::from(by_number);
        let mut found: Vec<_> = {
            let known = self.units.lock();
            text.iter().map(|unit| known.get(place).and_then(|known| known.get(*unit)).copied()).collect()
        };
        for (unit, found) in text.iter().zip(&mut found) {
            if found.is_some() {
                continue;
            }
            *found = measure(*unit);
            if let (Some(found), Some(known)) = (*found, self.units.lock().get_mut(place)) {
                known.insert(*unit, found);
            }
        }
        found
    }

    /// What stands for a glyph in vertical text, if this is a font for that.
    pub fn form(&self, glyph: u32) -> u32 {
        if !self.is_vertical() {
            return glyph;
        }
        let outlines = || self.outlines().map_or_else(Forms::default, |font| Forms::of(font, self.charset.number));
        self.forms.get_or_init(outlines).form(glyph)
    }

    /// Whether text is drawn from above to below.
    pub fn is_vertical(&self) -> bool {
        self.name.first() == Some(&u16::from(b'@'))
    }
}
