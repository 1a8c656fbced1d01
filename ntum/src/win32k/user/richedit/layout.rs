//! Lines of text and rows of tables, measured as the device has its fonts. Places are in that device's pixels.

use super::super::super::User;
use super::document::{Align, Block, Cell, Document, Format, Paragraph, Row, Spacing, Style};
use super::failed;
use super::guest::{Guest, MOST_UNITS};
use super::line::{Line, Measured, is_break};
use crate::win32k::gdi::font::Font as LogFont;
use core::cell::RefCell;
use zerocopy::IntoBytes;

/// Twips of an inch, and of what tabs are from each other that nobody set.
pub const INCH: f64 = 1440.0;
const DEFAULT_TAB: f64 = 720.0;
/// SYMBOL_CHARSET.
const SYMBOLS: u8 = 2;

/// How high a font's characters are.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Height {
    ascent: f64,
    descent: f64,
}

impl Height {
    fn with(self, other: Height) -> Height {
        Height { ascent: self.ascent.max(other.ascent), descent: self.descent.max(other.descent) }
    }

    fn raised(self, by: f64) -> Height {
        Height { ascent: self.ascent + by, descent: self.descent - by }
    }
}

/// A device and the fonts that are made for it.
pub struct Device<'a> {
    guest: &'a Guest<'a>,
    /// Its device context.
    pub dc: u64,
    /// Its dots of an inch.
    pub dots: (f64, f64),
    fonts: RefCell<Vec<(Style, u64, Height)>>,
}

impl Drop for Device<'_> {
    /// The context is as it was before; see [`Device::new`].
    fn drop(&mut self) {
        let _ = self.guest.gdi("RestoreDC", &[self.dc, u64::MAX]);
        for (_, font, _) in self.fonts.take() {
            let _ = self.guest.gdi("DeleteObject", &[font]);
        }
    }
}

impl<'a> Device<'a> {
    /// Of a device context, whose state is kept until this is dropped.
    pub fn new(guest: &'a Guest<'a>, dc: u64) -> User<Device<'a>> {
        /// LOGPIXELSX, LOGPIXELSY.
        const DOTS: [u64; 2] = [88, 90];
        let [across, down] = DOTS.map(|index| guest.gdi("GetDeviceCaps", &[dc, index]).map(|dots| dots as i32));
        let (across, down) = (across?, down?);
        if across <= 0 || down <= 0 || guest.gdi("SaveDC", &[dc])? == 0 {
            return Err(failed());
        }
        Ok(Device { guest, dc, dots: (across.into(), down.into()), fonts: RefCell::default() })
    }

    /// Twips as its pixels, across.
    pub fn across(&self, twips: i32) -> f64 {
        f64::from(twips) * self.dots.0 / INCH
    }

    /// Twips as its pixels, down.
    pub fn down(&self, twips: i32) -> f64 {
        f64::from(twips) * self.dots.1 / INCH
    }

    /// Selects the font of a style.
    pub fn select(&self, document: &Document, style: &Style) -> User<()> {
        self.height(document, style).map(drop)
    }

    fn height(&self, document: &Document, style: &Style) -> User<Height> {
        // What makes no other font of it.
        let key = Style { raised: 0, spacing: 0, hidden: false, colour: None, back: None, ..*style };
        let known =
            self.fonts.borrow().iter().find(|(known, ..)| *known == key).map(|(_, font, height)| (*font, *height));
        if let Some((font, height)) = known {
            self.guest.gdi("SelectObject", &[self.dc, font])?;
            return Ok(height);
        }
        let at = self.guest.put(self.described(document, style).as_bytes())?;
        let font = self.guest.gdi("CreateFontIndirectW", &[at])?;
        if font == 0 {
            return Err(failed());
        }
        self.fonts.borrow_mut().push((key, font, Height::default()));
        self.guest.gdi("SelectObject", &[self.dc, font])?;
        // TEXTMETRICW has 60 bytes: the height first, then what is above the base line and below.
        let at = self.guest.put(&[0; 60])?;
        self.guest.gdi("GetTextMetricsW", &[self.dc, at])?;
        let [_, ascent, descent] = self.guest.taken::<[i32; 3]>()?;
        let height = Height { ascent: ascent.into(), descent: descent.into() };
        if let Some((.., held)) = self.fonts.borrow_mut().last_mut() {
            *held = height;
        }
        Ok(height)
    }

    fn described(&self, document: &Document, style: &Style) -> LogFont {
        let mut height = self.down(style.size.saturating_mul(10));
        if style.script != 0 {
            height = height * 2.0 / 3.0;
        }
        let weight = if style.bold { 700 } else { 400 };
        let font = document.fonts.get(style.font);
        let mut made = LogFont::named(-(height.round() as i32), 0, weight, font.map_or(1, |font| font.charset), 0, "");
        for (to, from) in made.face.iter_mut().take(31).zip(font.map_or(&[][..], |font| &font.name)) {
            *to = *from;
        }
        (made.italic, made.underline) = (style.italic.into(), style.underline.into());
        made.strike_out = style.strike_out.into();
        made
    }

    /// Widths of characters in the font that is selected.
    fn widths(&self, units: &[u16]) -> User<Vec<f64>> {
        let mut all = Vec::with_capacity(units.len());
        for part in units.chunks(MOST_UNITS) {
            let (text, at) = self.guest.put_text(part, &[])?;
            let size = self.guest.put(&[0; 8])?;
            let arguments = [self.dc, text, part.len() as u64, 0, 0, at, size];
            if self.guest.gdi("GetTextExtentExPointW", &arguments)? as u32 == 0 {
                return Err(failed());
            }
            let mut before = 0;
            for end in self.guest.widths(part.len())? {
                all.push(f64::from(end) - f64::from(before));
                before = end;
            }
        }
        Ok(all)
    }
}

/// Something at a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// To the right of the text's left edge.
    pub x: f64,
    /// Below the slice's upper edge: of the base line, or of the upper edge.
    pub y: f64,
    /// What is there.
    pub what: What,
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Characters of one style, with their widths.
    Text(Style, Vec<u16>, Vec<f64>),
    /// An area of one colour, so large.
    Fill(u32, f64, f64),
    /// The picture that stands at a position, so large.
    Picture(usize, f64, f64),
}

/// What stands on one page or on the next, but not on both.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slice {
    /// Its first character.
    pub start: usize,
    /// The next one's.
    pub next: usize,
    /// How high it is.
    pub height: f64,
    /// What is empty below it, if something follows on the page.
    pub after: f64,
    /// Whether it begins a page.
    pub breaks: bool,
    /// What it shows.
    pub pieces: Vec<Piece>,
}

/// How a document is laid out.
pub struct Layout<'a> {
    /// The document.
    pub document: &'a Document,
    /// What it is measured by.
    pub device: &'a Device<'a>,
}

/// Where text may stand.
#[derive(Debug, Clone, Copy)]
struct Column {
    left: f64,
    width: f64,
}

impl Layout<'_> {
    /// Tells of the slices of a part of the text in a column so wide, until `tell` has enough; answers whether it had.
    pub fn slices(
        &self,
        (first, end): (usize, usize),
        width: f64,
        tell: &mut dyn FnMut(Slice) -> User<bool>,
    ) -> User<bool> {
        let column = Column { left: 0.0, width };
        for block in &self.document.blocks {
            let (start, next) = block.range();
            if next <= first && start != first {
                continue;
            }
            if start >= end {
                break;
            }
            let enough = match block {
                Block::Paragraph(paragraph) => self.paragraph(paragraph, (first, end), column, tell)?,
                Block::Row(row) => {
                    let slice = self.row(row)?;
                    tell(slice)?
                }
            };
            if enough {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn paragraph(
        &self,
        paragraph: &Paragraph,
        (first, end): (usize, usize),
        column: Column,
        tell: &mut dyn FnMut(Slice) -> User<bool>,
    ) -> User<bool> {
        let from = first.clamp(paragraph.start, paragraph.end);
        let until = end.clamp(from, paragraph.end);
        let measured = self.measured(paragraph, from, until)?;
        let format = &paragraph.format;
        let [begin, offset, right] = [format.first, format.offset, format.right].map(|twips| self.device.across(twips));
        let label = paragraph.label.as_ref().filter(|_| from == paragraph.start);
        let label = match label {
            Some(label) => {
                let (style, _) = self.document.style(paragraph.start);
                let is_symbol = self.document.fonts.get(label.font).is_some_and(|font| font.charset == SYMBOLS);
                // Wine's own font of symbols has something else where their bullet is.
                let (font, text) = match label.text[..] {
                    [0xb7] if is_symbol => (style.font, vec![0x2022]),
                    _ => (label.font, label.text.clone()),
                };
                let style = Style { font, underline: false, strike_out: false, ..style };
                let height = self.device.height(self.document, &style)?;
                let widths = self.device.widths(&text)?;
                let space = self.device.widths(&[0x20])?.iter().sum::<f64>();
                let width = (widths.iter().sum::<f64>() + space).max(self.device.across(format.number));
                Some((style, height, text, widths, width))
            }
            None => None,
        };
        let (mut at, mut begins) = (0, from == paragraph.start);
        loop {
            let mut indent = if begins { begin } else { begin + offset }.max(0.0);
            let mut slice = Slice { start: from + at, ..Slice::default() };
            let mut least = Height::default();
            if let Some((style, height, text, widths, width)) = label.as_ref().filter(|_| begins) {
                let what = What::Text(*style, text.clone(), widths.clone());
                slice.pieces.push(Piece { x: column.left + indent, y: 0.0, what });
                (least, indent) = (*height, indent + width);
            }
            let room = (column.width - indent - right).max(1.0);
            let mut line = measured.line(at, indent, room);
            let align = match (format.align, format.mirrored) {
                (Align::Left, true) => Align::Right,
                (align, _) => align,
            };
            if align == Align::Justify {
                line.justify(&measured.units, room);
            }
            let shift = match align {
                Align::Right => room - line.width,
                Align::Centre => (room - line.width) / 2.0,
                Align::Left | Align::Justify => 0.0,
            };
            let ended_by_break =
                line.next.checked_sub(1).and_then(|last| measured.units.get(last)).is_some_and(|last| is_break(*last));
            let is_last = line.next >= measured.units.len() && !ended_by_break;
            self.fill(&mut slice, (from, &measured, &line), column.left + indent + shift.max(0.0), least, format)?;
            if begins {
                let before = self.device.down(format.before);
                slice.breaks = format.breaks;
                slice.height += before;
                slice.pieces.iter_mut().for_each(|piece| piece.y += before);
            }
            slice.next = from + line.next;
            if is_last && until == paragraph.end {
                slice.next = paragraph.next;
                slice.after = self.device.down(format.after);
            }
            (at, begins) = (line.next, false);
            if tell(slice)? {
                return Ok(true);
            }
            if is_last {
                return Ok(false);
            }
        }
    }

    /// A part of a paragraph with the widths of its characters.
    fn measured(&self, paragraph: &Paragraph, from: usize, until: usize) -> User<Measured> {
        let units = self.document.text.get(from..until).unwrap_or_default().to_vec();
        let mut widths = vec![0.0; units.len()];
        let mut at = from;
        while at < until {
            let (style, next) = self.document.style(at);
            let end = next.clamp(at + 1, until);
            if !style.hidden {
                self.run(&units, &mut widths, (at - from, end - from), from, &style)?;
            }
            at = end;
        }
        let tabs = paragraph.format.tabs.iter().map(|(place, kind)| (self.device.across(*place), *kind)).collect();
        Ok(Measured { units, widths, tabs, default_tab: DEFAULT_TAB * self.device.dots.0 / INCH })
    }

    /// Widths of characters of one style.
    fn run(
        &self,
        units: &[u16],
        widths: &mut [f64],
        (start, end): (usize, usize),
        from: usize,
        style: &Style,
    ) -> User<()> {
        self.device.select(self.document, style)?;
        let more = self.device.across(style.spacing);
        let mut at = start;
        while at < end {
            let rest = units.get(at..end).unwrap_or_default();
            let count = rest.iter().take_while(|unit| is_shown(**unit)).count();
            for (to, width) in
                widths.iter_mut().skip(at).zip(self.device.widths(rest.get(..count).unwrap_or_default())?)
            {
                *to = width + more;
            }
            at += count;
            if let (Some(picture), Some(to)) = (self.document.picture(from + at), widths.get_mut(at)) {
                *to = self.device.across(picture.size.0).max(0.0);
            }
            at += 1;
        }
        Ok(())
    }

    /// Gives a slice a line's characters, from `x` on, and its height.
    fn fill(
        &self,
        slice: &mut Slice,
        (from, measured, line): (usize, &Measured, &Line),
        mut x: f64,
        least: Height,
        format: &Format,
    ) -> User<()> {
        let mut height = least;
        let mut at = line.start;
        // A line without characters is as high as what would be written there.
        if line.next == line.start || line.end == line.start {
            height = height.with(self.device.height(self.document, &self.document.style(from + at).0)?);
        }
        let mut fills = Vec::new();
        while at < line.end {
            let (style, next) = self.document.style(from + at);
            let end = next.saturating_sub(from).clamp(at + 1, line.end);
            let of_font = self.device.height(self.document, &style)?;
            let raised = self.device.down(raised(&style));
            height = height.with(of_font.raised(raised));
            let begin = x;
            while at < end {
                let rest = measured.units.get(at..end).unwrap_or_default();
                let widths = line.widths.get(at - line.start..).unwrap_or_default();
                let count = if style.hidden { 0 } else { rest.iter().take_while(|unit| is_shown(**unit)).count() };
                if count != 0 {
                    let widths = widths.get(..count).unwrap_or_default().to_vec();
                    let width = widths.iter().sum::<f64>();
                    let what = What::Text(style, rest.get(..count).unwrap_or_default().to_vec(), widths);
                    slice.pieces.push(Piece { x, y: -raised, what });
                    (x, at) = (x + width, at + count);
                    continue;
                }
                let width = widths.first().copied().unwrap_or(0.0);
                if let Some(picture) = self.document.picture(from + at).filter(|_| !style.hidden) {
                    let tall = self.device.down(picture.size.1).max(0.0);
                    height.ascent = height.ascent.max(tall);
                    slice.pieces.push(Piece { x, y: -tall, what: What::Picture(from + at, width, tall) });
                }
                (x, at) = (x + width, at + 1);
            }
            if let Some(colour) = style.back.filter(|_| !style.hidden) {
                fills.push((begin, x - begin, colour));
            }
        }
        let own = height.ascent + height.descent;
        slice.height = match format.spacing {
            Spacing::Single => own,
            Spacing::Multiple(parts) => own * f64::from(parts) / 240.0,
            Spacing::AtLeast(twips) => own.max(self.device.down(twips)),
            Spacing::Exactly(twips) => self.device.down(twips).max(1.0),
        };
        // What is too high stands out above.
        let base = height.ascent + (slice.height - own).min(0.0);
        slice.pieces.iter_mut().for_each(|piece| piece.y += base);
        let top = base - height.ascent;
        let areas =
            fills.into_iter().map(|(x, width, colour)| Piece { x, y: top, what: What::Fill(colour, width, own) });
        slice.pieces.splice(0..0, areas);
        Ok(())
    }

    /// A table's row, as one slice.
    fn row(&self, row: &Row) -> User<Slice> {
        let mut slice = Slice { start: row.start, next: row.next, ..Slice::default() };
        let gap = self.device.across(row.gap).max(0.0);
        let mut left = self.device.across(row.left);
        let mut edges = Vec::new();
        for cell in &row.cells {
            let right = self.device.across(cell.right).max(left);
            let column = Column { left: left + gap, width: (right - left - 2.0 * gap).max(1.0) };
            let mut y = 0.0;
            for paragraph in &cell.paragraphs {
                self.paragraph(paragraph, (paragraph.start, paragraph.end), column, &mut |part| {
                    slice.pieces.extend(part.pieces.into_iter().map(|piece| Piece { y: piece.y + y, ..piece }));
                    y += part.height + part.after;
                    Ok(false)
                })?;
            }
            slice.height = slice.height.max(y);
            edges.push((cell, left, right));
            left = right;
        }
        for (cell, left, right) in edges {
            slice.pieces.extend(self.borders(cell, (left, right), slice.height));
        }
        Ok(slice)
    }

    /// The lines around a cell.
    fn borders(&self, cell: &Cell, (left, right): (f64, f64), height: f64) -> Vec<Piece> {
        let mut all = Vec::new();
        for (side, border) in cell.borders.iter().enumerate().filter(|(_, border)| border.width > 0) {
            let (wide, tall) = (self.device.across(border.width).max(1.0), self.device.down(border.width).max(1.0));
            let (x, y, width, height) = match side {
                0 => (left, 0.0, right - left, tall),
                1 => (left, 0.0, wide, height),
                2 => (left, height - tall, right - left, tall),
                _ => (right - wide, 0.0, wide, height),
            };
            all.push(Piece { x, y, what: What::Fill(border.colour, width, height) });
        }
        all
    }
}

/// Whether a unit is a character that a font has a picture of.
fn is_shown(unit: u16) -> bool {
    unit >= 0x20 && unit != 0xfffc
}

/// How much higher than its line a style's characters stand, in twips.
fn raised(style: &Style) -> i32 {
    let height = style.size.saturating_mul(10);
    match style.script {
        1.. => height / 3,
        0 => style.raised,
        _ => -(height / 12),
    }
}
