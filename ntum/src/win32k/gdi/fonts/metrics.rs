//! How large a font's characters are: TEXTMETRICW and OUTLINETEXTMETRICW (Wine 10's `include/wingdi.h`).

use super::face::{Data, ntm};
use super::fixed::{mul_div, mul_fix};
use super::fnt::Fnt;
use super::realize::{Realized, windows_descent};
use super::{Wide, charset, sfnt};
use crate::win32k::geometry::{Point, Rect, round};
use skrifa::raw::TableProvider;
use skrifa::raw::types::NameId;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// TEXTMETRICW.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TextMetrics {
    /// Rows of a cell.
    pub height: i32,
    /// Above the base line.
    pub ascent: i32,
    /// Below.
    pub descent: i32,
    /// For accents.
    pub internal_leading: i32,
    /// Between lines.
    pub external_leading: i32,
    /// Columns of a character in the mean.
    pub average_width: i32,
    /// At most.
    pub max_width: i32,
    /// FW_*.
    pub weight: i32,
    /// Columns that bold adds to bitmaps.
    pub overhang: i32,
    /// Dots of an inch, across.
    pub aspect_x: i32,
    /// Down.
    pub aspect_y: i32,
    /// First character.
    pub first: u16,
    /// Last one.
    pub last: u16,
    /// What stands for others.
    pub default: u16,
    /// What words end with.
    pub space: u16,
    /// Whether it is slanted.
    pub italic: u8,
    /// Whether it has a line below.
    pub underlined: u8,
    /// Whether it is struck out.
    pub struck_out: u8,
    /// TMPF_* and FF_*.
    pub pitch_and_family: u8,
    /// *_CHARSET.
    pub charset: u8,
    /// Nothing.
    pub pad: [u8; 3],
}

/// Bits of `pitch_and_family`; the first means the opposite of its name.
pub mod pitch {
    /// TMPF_FIXED_PITCH: characters differ in width.
    pub const VARIABLE: u8 = 1;
    /// TMPF_VECTOR.
    pub const VECTOR: u8 = 2;
    /// TMPF_TRUETYPE.
    pub const TRUETYPE: u8 = 4;
    /// TMPF_DEVICE.
    pub const DEVICE: u8 = 8;
}

/// What OUTLINETEXTMETRICW has between the text's metrics and the names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Outlines {
    filler: u8,
    /// PANOSE.
    pub panose: [u8; 10],
    pad: u8,
    /// fsSelection.
    pub selection: u32,
    /// fsType.
    pub kind: u32,
    /// Of a caret.
    pub slope_rise: i32,
    /// As the field's name.
    pub slope_run: i32,
    /// Of the `post` table; Wine says 0.
    pub italic_angle: i32,
    /// Units of an em.
    pub em: u32,
    /// As typographers mean it.
    pub ascent: i32,
    /// As the field's name.
    pub descent: i32,
    /// As the field's name.
    pub line_gap: i32,
    /// Height of capitals.
    pub capitals: i32,
    /// Height of an x.
    pub x_height: i32,
    /// Around all glyphs; the top is above the bottom.
    pub font_box: Rect,
    /// As a Macintosh means it.
    pub mac_ascent: i32,
    /// As the field's name.
    pub mac_descent: i32,
    /// As the field's name.
    pub mac_line_gap: i32,
    minimum: u32,
    /// Size of subscripts.
    pub subscript: Point,
    /// Where they are.
    pub subscript_offset: Point,
    /// Size of superscripts.
    pub superscript: Point,
    /// Where they are.
    pub superscript_offset: Point,
    /// Of the line through text.
    pub strike_out_size: i32,
    /// Where it is.
    pub strike_out_position: i32,
    /// Of the line below text.
    pub underscore_size: i32,
    /// Where it is.
    pub underscore_position: i32,
}

/// Metrics of a font at its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// Of text.
    pub text: TextMetrics,
    /// Of outlines.
    pub outlines: Option<Outlines>,
    /// The mean width in units of the file.
    pub average_units: i32,
    /// Bearings: the least of all glyphs, left and right.
    pub bearings: (i16, i16),
    /// The file's own identifier of the font.
    pub identifier: Wide,
}

impl Metrics {
    /// Metrics of a font.
    pub fn of(font: &Realized) -> Option<Metrics> {
        match &font.loaded.data {
            Data::Outline(outlines) => of_outlines(font, outlines),
            Data::Bitmap(bitmaps) => Some(of_bitmaps(font, bitmaps)),
        }
    }
}

fn of_bitmaps(font: &Realized, fnt: &Fnt) -> Metrics {
    let (height, ascent) = (i32::from(fnt.pixel_height), i32::from(fnt.ascent));
    let place = |index: u8| u16::from(fnt.first) + u16::from(index);
    let text = TextMetrics {
        height,
        ascent,
        descent: height - ascent,
        internal_leading: fnt.internal_leading.into(),
        external_leading: fnt.external_leading.into(),
        average_width: fnt.average_width.into(),
        max_width: fnt.max_width.into(),
        weight: if font.bold { 700 } else { fnt.weight.into() },
        overhang: 0,
        aspect_x: fnt.horizontal_resolution.into(),
        aspect_y: fnt.vertical_resolution.into(),
        first: fnt.first.into(),
        last: fnt.last.into(),
        default: place(fnt.default),
        space: place(fnt.space),
        italic: fnt.italic,
        underlined: if font.asked.underline != 0 { 0xff } else { 0 },
        struck_out: if font.asked.strike_out != 0 { 0xff } else { 0 },
        pitch_and_family: fnt.pitch_and_family,
        charset: fnt.charset,
        pad: [0; 3],
    };
    Metrics { text, outlines: None, average_units: text.average_width, bearings: (0, 0), identifier: Wide::new() }
}

fn of_outlines(font: &Realized, file: &skrifa::Font) -> Option<Metrics> {
    let tables = file.tables();
    let (os2, hhea, head) = (tables.os2().ok()?, tables.hhea().ok()?, tables.head().ok()?);
    let post = tables.post().ok();
    let units = i32::from(file.units_per_em()).max(1);
    let scale = mul_div(font.ppem, 0x1_0000, units);
    let scaled = |value: i32| mul_fix(value, scale);
    let line_ascent = i32::from(hhea.ascender().to_i16());
    let line_descent = i32::from(hhea.descender().to_i16());
    let line_gap = i32::from(hhea.line_gap().to_i16());
    let (mut ascent, mut descent) = (i32::from(os2.us_win_ascent()), windows_descent(os2.us_win_descent()));
    if ascent + descent == 0 {
        (ascent, descent) = (line_ascent, -line_descent);
    }
    let (first, last) = (os2.us_first_char_index(), os2.us_last_char_index());
    let symbols = has_symbols(file) || sfnt::is_symbol(first);
    let space = match first {
        0 | 1 => first + 2,
        2..=0xff => first,
        _ => 0x20,
    };
    let panose: [u8; 10] = core::array::from_fn(|at| os2.panose_10().get(at).copied().unwrap_or(0));
    let selection = os2.fs_selection().bits();
    let italic = if font.slanted || selection & 0x201 != 0 { 255 } else { 0 };
    let (rows_above, rows_below) = font.told.unwrap_or((scaled(ascent), scaled(descent)));
    let text = TextMetrics {
        height: rows_above + rows_below,
        ascent: rows_above,
        descent: rows_below,
        internal_leading: match font.told {
            Some(_) => rows_above + rows_below - font.ppem,
            None => scaled(ascent + descent - units),
        },
        external_leading: scaled(line_gap - ((ascent + descent) - (line_ascent - line_descent))).max(0),
        average_width: match scaled(os2.x_avg_char_width().into()) {
            0 => 1,
            width => width,
        },
        max_width: scaled(i32::from(head.x_max()) - i32::from(head.x_min())),
        weight: if font.bold { 700 } else { os2.us_weight_class().into() },
        overhang: 0,
        aspect_x: 96,
        aspect_y: 96,
        first: if symbols { 0 } else { first },
        last: if symbols { 0xf0ff } else { last },
        default: if symbols { 0x1f } else { space - 1 },
        space: if symbols { 0x20 } else { space },
        italic,
        underlined: if font.asked.underline != 0 { 255 } else { 0 },
        struck_out: if font.asked.strike_out != 0 { 255 } else { 0 },
        pitch_and_family: pitch_of(font, post.as_ref().is_some_and(|post| post.is_fixed_pitch() != 0), &panose),
        charset: font.charset.number,
        pad: [0; 3],
    };
    let point = |x: i16, y: i16| Point::new(scaled(x.into()), scaled(y.into()));
    let mut chosen = u32::from(selection);
    if font.slanted {
        chosen |= 1;
    }
    if font.bold {
        chosen |= 1 << 5;
    }
    let outlines = Outlines {
        filler: 0,
        panose,
        pad: 0,
        selection: chosen,
        kind: u32::from(os2.fs_type()) & 0x30e,
        slope_rise: hhea.caret_slope_rise().into(),
        slope_run: hhea.caret_slope_run().into(),
        italic_angle: 0,
        em: units as u32,
        ascent: scaled(os2.s_typo_ascender().into()),
        descent: scaled(os2.s_typo_descender().into()),
        line_gap: scaled(os2.s_typo_line_gap().into()),
        capitals: scaled(os2.s_cap_height().unwrap_or(0).into()),
        x_height: scaled(os2.sx_height().unwrap_or(0).into()),
        font_box: Rect {
            left: scaled(head.x_min().into()),
            top: scaled(head.y_max().into()),
            right: scaled(head.x_max().into()),
            bottom: scaled(head.y_min().into()),
        },
        mac_ascent: text.ascent,
        mac_descent: -text.descent,
        mac_line_gap: scaled(line_gap),
        minimum: 0,
        subscript: point(os2.y_subscript_x_size(), os2.y_subscript_y_size()),
        subscript_offset: point(os2.y_subscript_x_offset(), os2.y_subscript_y_offset()),
        superscript: point(os2.y_superscript_x_size(), os2.y_superscript_y_size()),
        superscript_offset: point(os2.y_superscript_x_offset(), os2.y_superscript_y_offset()),
        strike_out_size: scaled(os2.y_strikeout_size().into()),
        strike_out_position: scaled(os2.y_strikeout_position().into()),
        underscore_size: post.as_ref().map_or(0, |post| scaled(post.underline_thickness().to_i16().into())),
        underscore_position: post.as_ref().map_or(0, |post| scaled(post.underline_position().to_i16().into())),
    };
    let name = tables.name().ok();
    let identifier = name.and_then(|name| sfnt::text(&name, NameId::UNIQUE_ID, 0x409));
    Some(Metrics {
        text,
        outlines: Some(outlines),
        average_units: os2.x_avg_char_width().into(),
        bearings: (
            scaled(hhea.min_left_side_bearing().to_i16().into()) as i16,
            scaled(hhea.min_right_side_bearing().to_i16().into()) as i16,
        ),
        identifier: identifier.unwrap_or_else(|| "fake name".encode_utf16().collect()),
    })
}

/// Whether one of a font's tables of characters is one of symbols.
pub fn has_symbols(file: &skrifa::Font) -> bool {
    file.charmap().encodings().any(|encoding| encoding.kind() == skrifa::font::charmap::EncodingKind::MsSymbol)
}

fn pitch_of(font: &Realized, fixed: bool, panose: &[u8; 10]) -> u8 {
    const MODERN: u8 = 0x30;
    let [family, serifs, _, proportion, ..] = *panose;
    let monospaced = proportion == 9;
    let variable = !fixed && !monospaced;
    let mut answer = if variable { pitch::VARIABLE } else { 0 };
    match family {
        // Script, decorative.
        3 => answer |= 0x40,
        4 => answer |= 0x50,
        _ if !variable || monospaced => answer = MODERN,
        _ => {
            answer |= match serifs {
                2..=10 => 0x10,
                11..=15 => 0x20,
                _ => 0,
            }
        }
    }
    answer |= pitch::VECTOR;
    answer | if font.face.ntm & ntm::POSTSCRIPT != 0 { pitch::DEVICE } else { pitch::TRUETYPE }
}

/// How a font's metrics are stretched, across and down.
fn stretch(font: &Realized, text: &TextMetrics) -> (f64, f64) {
    let across = match font.average_width {
        0 => f64::from(font.repeat),
        width => f64::from(width) / f64::from(text.average_width.max(1)),
    };
    (across * f64::from(font.turn[0]).abs(), f64::from(font.repeat) * f64::from(font.turn[3]).abs())
}

impl Realized {
    /// How much wider than high its glyphs are made.
    pub fn width_ratio(&self) -> f64 {
        match (self.average_width, self.metrics()) {
            (width, Some(metrics)) if width != 0 => f64::from(width) / f64::from(metrics.text.average_width.max(1)),
            _ => f64::from(self.repeat),
        }
    }

    /// A mean width that makes no sense for the height counts for nothing.
    fn sane_stretch(&self, text: &TextMetrics) -> (f64, f64) {
        let height = i64::from(text.height).max(1);
        let (across, down) = stretch(self, text);
        if self.average_width != 0 && (i64::from(self.average_width) + height - 1) / height > 100 {
            return (f64::from(self.repeat) * f64::from(self.turn[0]).abs(), down);
        }
        (across, down)
    }

    /// Metrics of text, in pixels of the device.
    pub fn text_metrics(&self) -> Option<TextMetrics> {
        let metrics = self.metrics()?;
        let mut text = metrics.text;
        let (across, down) = self.sane_stretch(&text);
        self.stretch_text(&mut text, across, down);
        Some(text)
    }

    fn stretch_text(&self, text: &mut TextMetrics, across: f64, down: f64) {
        for value in [
            &mut text.height,
            &mut text.ascent,
            &mut text.descent,
            &mut text.internal_leading,
            &mut text.external_leading,
        ] {
            *value = round(f64::from(*value) * down);
        }
        text.overhang = round(f64::from(text.overhang) * across);
        if self.bold {
            text.overhang += i32::from(!self.face.is_scalable());
            text.average_width += 1;
            text.max_width += 1;
        }
        text.average_width = round(f64::from(text.average_width) * across);
        text.max_width = round(f64::from(text.max_width) * across);
    }

    /// Metrics of text and of outlines, in pixels of the device; `None` for bitmaps.
    pub fn outline_metrics(&self) -> Option<(TextMetrics, Outlines)> {
        let metrics = self.metrics()?;
        let (mut text, mut outlines) = (metrics.text, metrics.outlines?);
        let (across, down) = stretch(self, &text);
        self.stretch_text(&mut text, across, down);
        outlines.map(|x| round(f64::from(x) * across), |y| round(f64::from(y) * down));
        Some((text, outlines))
    }

    /// The character that words end with, for justified text.
    pub fn space(&self) -> u16 {
        self.metrics().map_or(0x20, |metrics| metrics.text.space)
    }

    /// Whether characters are those of symbols.
    pub fn is_symbol(&self) -> bool {
        self.charset.page == charset::SYMBOL_PAGE
    }
}

impl Outlines {
    /// Changes all lengths, across and down.
    pub fn map(&mut self, across: impl Fn(i32) -> i32, down: impl Fn(i32) -> i32) {
        for value in [
            &mut self.ascent,
            &mut self.descent,
            &mut self.line_gap,
            &mut self.capitals,
            &mut self.x_height,
            &mut self.font_box.top,
            &mut self.font_box.bottom,
            &mut self.mac_ascent,
            &mut self.mac_descent,
            &mut self.mac_line_gap,
            &mut self.subscript.y,
            &mut self.subscript_offset.y,
            &mut self.superscript.y,
            &mut self.superscript_offset.y,
            &mut self.strike_out_size,
            &mut self.strike_out_position,
            &mut self.underscore_size,
            &mut self.underscore_position,
        ] {
            *value = down(*value);
        }
        for value in [
            &mut self.font_box.left,
            &mut self.font_box.right,
            &mut self.subscript.x,
            &mut self.subscript_offset.x,
            &mut self.superscript.x,
            &mut self.superscript_offset.x,
        ] {
            *value = across(*value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts() {
        assert_eq!((size_of::<TextMetrics>(), size_of::<Outlines>()), (60, 136));
    }
}
