//! What a font's file holds: NtGdi calls about tables, characters, kerning and glyphs.

use super::face::{Data, Source};
use super::fixed::Matrix;
use super::glyph::{GlyphMetrics, byte_of};
use super::measure::{MOST, of_font, refused};
use super::outline::Hinting;
use super::raster::Smoothing;
use super::realize::Realized;
use crate::call::{Call, Cx};
use crate::um::UserPtr;
use crate::win32k::error;
use crate::win32k::gdi::{User, done, failed, with};
use skrifa::font::charmap::EncodingKind;
use skrifa::raw::{FontRef, TableProvider};
use zerocopy::IntoBytes;

/// System calls about a font's data.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiGetFontData(dc: u32, table: u32, offset: u32, buffer: u64, length: u32) => font_data, Done;
    NtGdiGetFontUnicodeRanges(dc: u32, ranges: u64) => unicode_ranges, Done;
    NtGdiGetGlyphIndicesW(dc: u32, text: u64, count: i32, numbers: u64, flags: u32) => glyph_numbers, Done;
    NtGdiGetGlyphOutline(dc: u32, character: u32, format: u32, metrics: UserPtr<GlyphMetrics>, size: u32, buffer: u64, matrix: UserPtr<[u32; 4]>, unturned: u32) => glyph_outline, Done;
    NtGdiGetKerningPairs(dc: u32, count: u32, pairs: u64) => kerning_pairs, Done;
    NtGdiGetRealizationInfo(dc: u32, info: UserPtr<[u32; 4]>) => realization_info, Done;
    NtGdiGetFontFileData(font: u32, file: u32, offset: UserPtr<u64>, buffer: u64, size: u64) => file_data, Done;
    NtGdiGetFontFileInfo(font: u32, file: u32, info: u64, size: u64, needed: UserPtr<u64>) => file_info, Done;
    NtGdiGetRasterizerCaps(status: UserPtr<[u16; 3]>, size: u32) => rasterizer_caps, Done;
    NtGdiFontIsLinked(dc: u32) => is_linked, Done;
};

/// GDI_ERROR.
const ERROR: u64 = u32::MAX as u64;

/// A table of a font, or all of its file (0), or of the collection that it is in ("ttcf"). As programs give it, the tag's first
/// letter is the lowest byte.
fn table(font: &Realized, tag: u32) -> Option<&[u8]> {
    /// "ttcf".
    const COLLECTION: u32 = 0x6663_7474;
    font.outlines()?;
    let bytes = &font.loaded.bytes[..];
    let is_collection = bytes.starts_with(b"ttcf");
    match tag {
        COLLECTION if is_collection => Some(bytes),
        0 if is_collection => {
            let at = bytes.get(12 + font.face.index as usize * 4..)?.first_chunk::<4>()?;
            bytes.get(u32::from_be_bytes(*at) as usize..)
        }
        0 => Some(bytes),
        tag => {
            let file = FontRef::from_index(bytes, font.face.index).ok()?;
            Some(file.table_data(skrifa::Tag::new(&tag.to_le_bytes()))?.as_bytes())
        }
    }
}

/// NtGdiGetFontData: how many bytes there are, or were stored.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn font_data(cx: &Cx<'_>, dc: u32, tag: u32, offset: u32, buffer: u64, length: u32) -> User {
    let found = with(cx, dc, |work| {
        let font = work.realized()?;
        let bytes = table(&font, tag)?.get(offset as usize..)?;
        if buffer == 0 || length == 0 {
            return Some((bytes.len(), Vec::new()));
        }
        let part = bytes.get(..(length as usize).min(bytes.len()))?;
        Some((part.len(), part.to_vec()))
    });
    let Some((count, bytes)) = found.flatten() else { return Ok(ERROR) };
    cx.k.write_user(buffer, &bytes)?;
    Ok(count as u64)
}

impl Realized {
    /// All characters of a font that has a table of Unicode, in order, with their glyphs.
    fn characters(&self) -> Vec<(u32, u32)> {
        let (Some(font), Some(encoding)) = (self.outlines(), self.encoding()) else { return Vec::new() };
        if encoding.kind() != EncodingKind::Unicode {
            return Vec::new();
        }
        let codes = font.charmap().codes(encoding).take(0x11_0000);
        let mut all: Vec<(u32, u32)> = codes.map(|(code, glyph)| (code, glyph.to_u32())).collect();
        all.sort_unstable();
        all.dedup_by_key(|(code, _)| *code);
        all
    }
}

/// NtGdiGetFontUnicodeRanges: a GLYPHSET of the font's characters; how many bytes it is.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn unicode_ranges(cx: &Cx<'_>, dc: u32, ranges: u64) -> User {
    let found = with(cx, dc, |work| Some(work.realized()?.characters())).flatten();
    let Some(characters) = found else { return Ok(0) };
    let mut found: Vec<(u16, u16)> = Vec::new();
    let mut before = None::<u32>;
    for (code, _) in &characters {
        match found.last_mut() {
            Some((_, count)) if before.is_some_and(|before| code - before <= 1) => *count = count.wrapping_add(1),
            _ => found.push((*code as u16, 1)),
        }
        before = Some(*code);
    }
    let size = 16 + found.len() * 4;
    if ranges != 0 {
        let mut bytes = Vec::with_capacity(size);
        for word in [size as u32, 0, characters.len() as u32, found.len() as u32] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(found.iter().flat_map(|(first, count)| [*first, *count]).flat_map(u16::to_le_bytes));
        cx.k.write_user(ranges, &bytes)?;
    }
    Ok(size as u64)
}

/// NtGdiGetGlyphIndicesW: the glyphs of a text, from this font alone.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn glyph_numbers(cx: &Cx<'_>, dc: u32, text: u64, count: i32, numbers: u64, flags: u32) -> User {
    /// GGI_MARK_NONEXISTING_GLYPHS.
    const MARK: u32 = 1;
    let Some(count) = u32::try_from(count).ok().filter(|count| *count <= MOST) else { return Ok(ERROR) };
    let text = UserPtr::<u16>::new(text).read_vec(cx.k, count as usize)?;
    let found = with(cx, dc, |work| {
        let font = work.realized()?;
        let missing = if flags & MARK != 0 { 0xffff } else { font.default_number(cx) };
        let number = |unit: &u16| match &font.loaded.data {
            Data::Outline(_) => font.form(font.glyph_of(work.k, *unit)) as u16,
            // Of bitmap fonts, characters are numbers.
            Data::Bitmap(_) if font.is_symbol() => match *unit {
                0xf020..=0xf100 => *unit - 0xf000,
                unit if unit < 0x100 => unit,
                _ => 0,
            },
            Data::Bitmap(_) => byte_of(work.k, font.charset.page, *unit, false).map_or(0, u16::from),
        };
        Some(
            text.iter()
                .map(|unit| Some(number(unit)).filter(|number| *number != 0).unwrap_or(missing))
                .collect::<Vec<u16>>(),
        )
    });
    let Some(found) = found.flatten() else { return Ok(ERROR) };
    cx.k.write_user(numbers, found.as_bytes())?;
    Ok(found.len() as u64)
}

impl Realized {
    /// The glyph for characters that there is none for.
    fn default_number(&self, cx: &Cx<'_>) -> u16 {
        match &self.loaded.data {
            Data::Outline(font) => {
                let default = font.tables().os2().ok().and_then(|os2| os2.us_default_char()).unwrap_or(0);
                if default == 0 { 0 } else { self.glyph_of(cx.k, default) as u16 }
            }
            Data::Bitmap(fnt) => u16::from(fnt.first) + u16::from(fnt.default),
        }
    }
}

/// GGO_*.
mod format {
    pub const METRICS: u32 = 0;
    pub const BITMAP: u32 = 1;
    pub const NATIVE: u32 = 2;
    pub const BEZIER: u32 = 3;
    pub const GREY2: u32 = 4;
    pub const GREY4: u32 = 5;
    pub const GREY8: u32 = 6;
    /// Wine's own: 255 shades, and parts of pixels.
    pub const GREY16: u32 = 0x10;
    pub const PARTS: core::ops::RangeInclusive<u32> = 0x11..=0x14;
    pub const NUMBER: u32 = 0x80;
    pub const UNHINTED: u32 = 0x100;
}

/// NtGdiGetGlyphOutline: what a glyph measures, and its pixels or lines.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn glyph_outline(
    cx: &Cx<'_>,
    dc: u32,
    character: u32,
    kind: u32,
    metrics: UserPtr<GlyphMetrics>,
    size: u32,
    buffer: u64,
    matrix: UserPtr<[u32; 4]>,
    _unturned: u32,
) -> User {
    if matrix.is_null() {
        return Ok(ERROR);
    }
    // FIXED: a fraction, then a whole number; the numbers of a matrix are 16.16 so.
    let [m11, m12, m21, m22] = matrix.read(cx.k)?.map(|value| value as i32);
    let matrix = Matrix { xx: m11, xy: m21, yx: m12, yy: m22 };
    let found = with(cx, dc, |work| {
        let font = work.realized()?;
        let by_number = kind & format::NUMBER != 0;
        let (child, glyph, vertical) = if by_number {
            (None, font.by_number(character as u16), font.is_vertical())
        } else {
            let found = font.resolve(work.k, character as u16);
            (found.child, found.glyph, found.vertical)
        };
        let font = child.as_ref().unwrap_or(&font);
        one_glyph(font, glyph, vertical, kind & !format::NUMBER, (matrix != Matrix::IDENTITY).then_some(&matrix))
    });
    let Some((measured, bytes)) = found.flatten() else { return Ok(ERROR) };
    let is_wanted = buffer != 0 && size != 0;
    let lines = matches!(kind & 0x7f, format::NATIVE | format::BEZIER);
    let refuses = |bytes: &Vec<u8>| bytes.len() > size as usize || bytes.is_empty() && !lines;
    // What is refused leaves the metrics alone.
    if is_wanted && bytes.as_ref().is_some_and(refuses) {
        return Ok(ERROR);
    }
    if !metrics.is_null() {
        metrics.write(cx.k, measured)?;
    }
    let Some(bytes) = bytes else { return Ok(1) };
    if is_wanted {
        cx.k.write_user(buffer, &bytes)?;
    }
    Ok(bytes.len() as u64)
}

/// A glyph in a format of GetGlyphOutline; `None` instead of bytes where metrics alone were asked for.
fn one_glyph(
    font: &Realized,
    glyph: u32,
    vertical: bool,
    kind: u32,
    matrix: Option<&Matrix>,
) -> Option<(GlyphMetrics, Option<Vec<u8>>)> {
    let bare = kind & !format::UNHINTED;
    let smoothing =
        [Smoothing::HorizontalRgb, Smoothing::HorizontalBgr, Smoothing::VerticalRgb, Smoothing::VerticalBgr];
    let hinting = match bare {
        _ if kind & format::UNHINTED != 0 => Hinting::None,
        format::BITMAP => Hinting::Mono,
        0x11 | 0x12 => Hinting::Horizontal,
        0x13 | 0x14 => Hinting::Vertical,
        _ => Hinting::Grey,
    };
    let raw = font.raw(glyph, hinting, bare == format::BITMAP, vertical, matrix)?;
    let mut metrics = raw.measured.glyph;
    let (width, height) = raw.size();
    let is_empty = width == 0 || height == 0;
    let bytes = match bare {
        format::METRICS => None,
        _ if is_empty && !matches!(bare, format::NATIVE | format::BEZIER) => Some(Vec::new()),
        format::BITMAP => Some(raw.bits(font.bold)?.rows),
        format::GREY2 => Some(padded(&raw.grey(font.bold, 4)?, width)),
        format::GREY4 => Some(padded(&raw.grey(font.bold, 16)?, width)),
        format::GREY8 => Some(padded(&raw.grey(font.bold, 64)?, width)),
        format::GREY16 => Some(padded(&raw.grey(font.bold, 255)?, width)),
        bare if format::PARTS.contains(&bare) => {
            let smoothing = *smoothing.get(bare as usize - 0x11)?;
            Some(raw.parts(font.bold, smoothing, &mut metrics)?.0.as_bytes().to_vec())
        }
        format::NATIVE => Some(raw.placed()?.native()),
        format::BEZIER => Some(raw.placed()?.bezier()),
        _ => return None,
    };
    Some((metrics, bytes))
}

/// Rows of whole words.
fn padded(pixels: &[u8], width: i32) -> Vec<u8> {
    let width = width.max(1) as usize;
    let pitch = width.div_ceil(4) * 4;
    pixels
        .chunks_exact(width)
        .flat_map(|row| row.iter().copied().chain(core::iter::repeat_n(0, pitch - width)))
        .collect()
}

/// NtGdiGetKerningPairs: how many there are, or were stored.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn kerning_pairs(cx: &Cx<'_>, dc: u32, count: u32, pairs: u64) -> User {
    if count == 0 && pairs != 0 {
        return refused();
    }
    let found = with(cx, dc, |work| Some(kerning(&*work.realized()?))).flatten().unwrap_or_default();
    if count == 0 || pairs == 0 {
        return Ok(found.len() as u64);
    }
    let stored = found.len().min(count as usize);
    let mut bytes = Vec::with_capacity(stored * 8);
    for (first, second, amount) in found.iter().take(stored) {
        bytes.extend(first.to_le_bytes());
        bytes.extend(second.to_le_bytes());
        bytes.extend(amount.to_le_bytes());
    }
    cx.k.write_user(pairs, &bytes)?;
    Ok(stored as u64)
}

/// The pairs of a font's `kern` table, by characters.
fn kerning(font: &Realized) -> Vec<(u16, u16, i32)> {
    let half = |bytes: &[u8], at: usize| bytes.get(at..)?.first_chunk().map(|raw| u16::from_be_bytes(*raw));
    let Some(kern) = table(font, u32::from_le_bytes(*b"kern")) else { return Vec::new() };
    let Some(outlines) = font.outlines() else { return Vec::new() };
    let units = i32::from(outlines.units_per_em()).max(1);
    let mut characters = vec![0u16; 0x1_0000];
    for (code, glyph) in font.characters() {
        if let Some(known) = characters.get_mut(glyph as usize).filter(|known| **known == 0) {
            *known = code as u16;
        }
    }
    let character = |glyph: u16| characters.get(usize::from(glyph)).copied().unwrap_or(0);
    let mut found = Vec::new();
    let mut at = 4;
    for _ in 0..half(kern, 2).unwrap_or(0) {
        let (Some(length), Some(coverage)) = (half(kern, at + 2), half(kern, at + 4)) else { break };
        // Format 0 is the only one that counts.
        if coverage >> 8 == 0 {
            let count = usize::from(half(kern, at + 6).unwrap_or(0));
            for pair in kern.get(at + 14..).unwrap_or_default().chunks_exact(6).take(count) {
                let (Some(left), Some(right), Some(value)) = (half(pair, 0), half(pair, 2), half(pair, 4)) else {
                    break;
                };
                let mut amount = i32::from(value as i16).saturating_mul(font.ppem);
                let round = units / 2 + font.ppem;
                amount = match amount {
                    amount if amount < 0 => amount.saturating_sub(round),
                    0 => 0,
                    amount => amount.saturating_add(round),
                };
                found.push((character(left), character(right), amount / units));
            }
        }
        if length == 0 {
            break;
        }
        at += usize::from(length);
    }
    found
}

/// NtGdiGetRealizationInfo: numbers of the DC's font.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn realization_info(cx: &Cx<'_>, dc: u32, info: UserPtr<[u32; 4]>) -> User {
    let [size, ..] = info.read(cx.k)?;
    if size != 16 && size != 24 {
        return done(false);
    }
    let found = with(cx, dc, |work| work.realized()).flatten();
    let Some(font) = found else { return done(false) };
    let flags = if font.face.is_scalable() { 3 } else { 1 };
    info.write(cx.k, [size, flags, font.number, font.number])?;
    if size == 24 {
        let simulations = u32::from(font.bold) | u32::from(font.slanted) << 1;
        let more = [1, font.face.index & 0xffff | simulations << 16];
        cx.k.write_user(info.address() + 16, more.as_bytes())?;
    }
    done(true)
}

/// NtGdiGetFontFileData: bytes of the file of a font that was realized.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn file_data(cx: &Cx<'_>, number: u32, _file: u32, offset: UserPtr<u64>, buffer: u64, size: u64) -> User {
    let Some(font) = cx.k.gdi.fonts.find(|font| font.number == number) else { return done(false) };
    let offset = offset.read(cx.k)?;
    let end = offset.checked_add(size).and_then(|end| usize::try_from(end).ok());
    let Some(bytes) = end.and_then(|end| font.loaded.bytes.get(offset as usize..end)) else {
        return failed(error::INVALID_PARAMETER);
    };
    cx.k.write_user(buffer, bytes)?;
    done(true)
}

/// NtGdiGetFontFileInfo: size, name and time of the file of a font that was realized.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`; `ERROR_INVALID_PARAMETER`: no such font, `ERROR_INSUFFICIENT_BUFFER`.
pub fn file_info(cx: &Cx<'_>, number: u32, _file: u32, info: u64, size: u64, needed: UserPtr<u64>) -> User {
    let found = cx.k.gdi.fonts.find(|font| font.number == number);
    let (path, time) = match found.as_ref().map(|font| &font.face.source) {
        Some(Source::File(uri)) => (crate::io::disk::path::dos_path(uri), super::load::written(cx.k, uri)),
        _ => Default::default(),
    };
    let required = if found.is_some() { 24 + path.len() as u64 * 2 } else { 0 };
    needed.write_opt(cx.k, required)?;
    let Some(font) = found else { return failed(error::INVALID_PARAMETER) };
    if required > size {
        return failed(error::INSUFFICIENT_BUFFER);
    }
    let mut bytes = i64::to_le_bytes(time).to_vec();
    bytes.extend((font.loaded.bytes.len() as u64).to_le_bytes());
    bytes.extend(path.iter().flat_map(|unit| unit.to_le_bytes()));
    bytes.extend([0; 2]);
    cx.k.write_user(info, &bytes)?;
    done(true)
}

/// NtGdiGetRasterizerCaps: TrueType fonts are drawn.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn rasterizer_caps(cx: &Cx<'_>, status: UserPtr<[u16; 3]>, _size: u32) -> User {
    /// TT_AVAILABLE and TT_ENABLED.
    const FLAGS: u16 = 3;
    status.write(cx.k, [6, FLAGS, 0])?;
    done(true)
}

/// NtGdiFontIsLinked: whether other fonts have what the DC's lacks.
///
/// # Errors
/// None; the answer is FALSE.
pub fn is_linked(cx: &Cx<'_>, dc: u32) -> User {
    of_font(cx, dc, |_, font| font.is_linked().into())
}
