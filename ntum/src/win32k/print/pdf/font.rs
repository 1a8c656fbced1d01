//! Fonts of a document: those glyphs that it uses, with what they mean.

use super::document::{Document, Shared};
use crate::win32k::gdi::fonts::face::ntm;
use crate::win32k::gdi::fonts::realize::Realized;
use crate::win32k::gdi::fonts::sfnt;
use miniz_oxide::deflate::compress_to_vec_zlib;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish, Name, Rect, Ref, Str};
use skrifa::GlyphId;
use skrifa::raw::TableProvider;
use std::collections::BTreeMap;
use std::sync::Arc;
use subsetter::GlyphRemapper;

/// Glyphs that one font brings at most; the crate's numbers end at 65,535.
const MOST: u16 = 0xfff0;
/// What the glyphs' numbers are called.
const SYSTEM: SystemInfo<'static> = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// A font of a document.
pub struct Embedded {
    /// Its object.
    pub id: Ref,
    loaded: Shared,
    index: u32,
    italic: bool,
    glyphs: GlyphRemapper,
    /// What each glyph means, by its new number.
    texts: BTreeMap<u16, Vec<char>>,
    /// Characters of glyphs, made when it is needed.
    characters: Option<BTreeMap<u32, char>>,
}

impl Embedded {
    /// A font with outlines; `None` for one of bitmaps.
    pub fn new(font: &Realized, id: Ref) -> Option<Embedded> {
        font.outlines()?;
        Some(Embedded {
            id,
            loaded: font.loaded.clone(),
            index: font.face.index,
            italic: font.face.ntm & ntm::ITALIC != 0,
            glyphs: GlyphRemapper::new(),
            texts: BTreeMap::new(),
            characters: None,
        })
    }

    /// Whether it is of the same face.
    pub fn is_of(&self, font: &Realized) -> bool {
        Arc::ptr_eq(&self.loaded, &font.loaded) && self.index == font.face.index
    }

    fn file(&self) -> Option<&skrifa::Font> {
        match &self.loaded.data {
            crate::win32k::gdi::fonts::face::Data::Outline(font) => Some(font),
            crate::win32k::gdi::fonts::face::Data::Bitmap(_) => None,
        }
    }

    fn units(&self) -> f64 {
        self.file().map_or(1000.0, |file| f64::from(file.units_per_em().max(1)))
    }

    /// The width of a glyph of the file's, in 1000ths of an em.
    pub fn width(&self, glyph: u32) -> f64 {
        let hmtx = self.file().and_then(|file| file.tables().hmtx().ok());
        let width = hmtx.and_then(|hmtx| hmtx.advance(GlyphId::new(glyph))).unwrap_or(0);
        f64::from(width) * 1000.0 / self.units()
    }

    /// The number in the document of a glyph of the file's, which stands for these characters.
    pub fn glyph(&mut self, glyph: u32, text: &[char]) -> u16 {
        let Some(old) = u16::try_from(glyph).ok().filter(|_| self.glyphs.num_gids() < MOST) else { return 0 };
        let new = self.glyphs.remap(old);
        // What stands for all that the font lacks means nothing.
        if new != 0 && !self.texts.contains_key(&new) {
            let text = match text {
                [] => self.character(glyph).into_iter().collect(),
                text => text.to_vec(),
            };
            self.texts.insert(new, text);
        }
        new
    }

    /// A character that has this glyph.
    fn character(&mut self, glyph: u32) -> Option<char> {
        if self.characters.is_none() {
            let mut all = BTreeMap::new();
            if let Some(file) = self.file() {
                for (code, glyph) in file.charmap().unicodes() {
                    if let Some(letter) = char::from_u32(code) {
                        all.entry(glyph.to_u32()).or_insert(letter);
                    }
                }
            }
            self.characters = Some(all);
        }
        self.characters.as_ref()?.get(&glyph).copied()
    }

    /// The name that PostScript knows the font by.
    fn name(&self) -> String {
        const POSTSCRIPT: u16 = 6;
        const ENGLISH: u16 = 0x409;
        let tables = self.file().map(skrifa::Font::tables);
        let table = tables.as_ref().and_then(|tables| tables.name().ok());
        let name = table.and_then(|table| sfnt::text(&table, skrifa::raw::types::NameId::new(POSTSCRIPT), ENGLISH));
        let name = String::from_utf16_lossy(&name.unwrap_or_default());
        let plain: String = name.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect();
        if plain.is_empty() { "Font".to_owned() } else { plain }
    }

    /// Six letters that tell this subset from others.
    fn tag(&self) -> String {
        let sum = self.texts.keys().fold(self.id.get() as u64, |sum, glyph| {
            sum.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(u64::from(*glyph) + 1)
        });
        (0..6u32).map(|at| char::from(b'A' + (sum >> (at * 8) & 0xff) as u8 % 26)).collect()
    }

    /// Writes it, when all of its glyphs are known.
    pub fn write(self, document: &mut Document) {
        let subset = subsetter::subset(&self.loaded.bytes, self.index, &self.glyphs).ok();
        let compact = subset.as_deref().and_then(|file| sfnt::table(file, 0, b"CFF ", |table| Some(table.to_vec())));
        let name = format!("{}+{}", self.tag(), self.name());
        let name = Name(name.as_bytes());
        let [descendant, descriptor] = [document.number(), document.number()];
        let file = subset.map(|whole| {
            let id = document.number();
            let bytes = compact.as_deref().unwrap_or(&whole);
            let packed = compress_to_vec_zlib(bytes, 6);
            let mut stream = document.pdf.stream(id, &packed);
            stream.filter(Filter::FlateDecode);
            match compact {
                Some(_) => stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C")),
                None => stream.pair(Name(b"Length1"), bytes.len() as i32),
            };
            id
        });
        let mut meanings = UnicodeCmap::new(Name(b"Custom"), SYSTEM);
        for (glyph, text) in self.texts.iter().filter(|(_, text)| !text.is_empty()) {
            meanings.pair_with_multiple(*glyph, text.iter().copied());
        }
        let meanings = document.stream(&meanings.finish());
        let pdf = &mut document.pdf;
        pdf.type0_font(self.id)
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(descendant)
            .to_unicode(meanings);
        let mut cid = pdf.cid_font(descendant);
        cid.subtype(if compact.is_some() { CidFontType::Type0 } else { CidFontType::Type2 });
        cid.base_font(name).system_info(SYSTEM).font_descriptor(descriptor).default_width(0.0);
        if compact.is_none() {
            cid.cid_to_gid_map_predefined(Name(b"Identity"));
        }
        let widths: Vec<f32> = self.glyphs.remapped_gids().map(|old| self.width(old.into()) as f32).collect();
        cid.widths().consecutive(0, widths);
        cid.finish();
        let scaled = |value: i32| (f64::from(value) * 1000.0 / self.units()) as f32;
        let tables = self.file().map(skrifa::Font::tables);
        let head = tables.as_ref().and_then(|tables| tables.head().ok());
        let hhea = tables.as_ref().and_then(|tables| tables.hhea().ok());
        let bounds = head.map_or([0; 4], |head| [head.x_min(), head.y_min(), head.x_max(), head.y_max()]);
        let [left, bottom, right, top] = bounds.map(|edge| scaled(edge.into()));
        let ascent = hhea.as_ref().map_or(0, |hhea| hhea.ascender().to_i16());
        let descent = hhea.as_ref().map_or(0, |hhea| hhea.descender().to_i16());
        let mut flags = FontFlags::SYMBOLIC;
        flags.set(FontFlags::ITALIC, self.italic);
        let mut written = pdf.font_descriptor(descriptor);
        written
            .name(name)
            .flags(flags)
            .bbox(Rect::new(left, bottom, right, top))
            .italic_angle(if self.italic { -12.0 } else { 0.0 })
            .ascent(scaled(ascent.into()))
            .descent(scaled(descent.into()))
            .cap_height(scaled(ascent.into()))
            .stem_v(80.0);
        match (file, compact.is_some()) {
            (Some(file), true) => written.font_file3(file),
            (Some(file), false) => written.font_file2(file),
            (None, _) => &mut written,
        };
    }
}
