//! Pens, brushes and fonts that records make and select, and regions that are drawn with brushes.

use super::image::{Picture, Place};
use super::matrix::Matrix;
use super::path::{self, Path};
use super::play::Player;
use super::record::Record;
use super::state::{Brush, Object, Pen, color, stock};
use crate::win32k::gdi::brush::style as brush_style;
use crate::win32k::gdi::font::Font;
use crate::win32k::gdi::pen::style as pen_style;
use crate::win32k::gdi::region::Mode;
use crate::win32k::geometry::round;
use std::sync::Arc;
use zerocopy::FromBytes;

/// Objects that a metafile makes at most.
const MOST_OBJECTS: usize = 0x1_0000;
/// Where a stock object's handle begins.
const STOCK: u32 = 0x8000_0000;

impl Player<'_, '_> {
    /// Pens, brushes and fonts.
    pub(super) fn objects(&mut self, record: &Record<'_>) {
        let handle = record.word(8);
        let solid = |at: usize| Brush::Solid(color(record.word(at)));
        let of_style = |at: usize| match record.word(at) {
            brush_style::NULL => Brush::None,
            brush_style::HATCHED => Brush::Hatched(color(record.word(at + 4)), record.word(at + 8)),
            _ => solid(at + 4),
        };
        let picture = |at: usize, usage: u32, mono: bool| {
            let picture = Picture::of(record, Place { at, usage });
            picture.map_or(Brush::None, |picture| Brush::Picture(Arc::new(picture), mono))
        };
        let made = match record.kind {
            37 => {
                let found = match handle >= STOCK {
                    true => stock(handle - STOCK),
                    false => self.objects.get(&handle).cloned(),
                };
                match found {
                    Some(Object::Pen(pen)) => self.state.pen = pen,
                    Some(Object::Brush(brush)) => self.state.brush = brush,
                    Some(Object::Font(font)) => self.state.font = font,
                    None => {}
                }
                return;
            }
            40 => {
                self.objects.remove(&handle);
                return;
            }
            38 => {
                let width = f64::from(record.int(16).unsigned_abs());
                Object::Pen(Arc::new(Pen { style: record.word(12), width, brush: solid(24), dashes: Vec::new() }))
            }
            39 => Object::Brush(Arc::new(of_style(12))),
            93 | 94 => Object::Brush(Arc::new(picture(16, record.word(12), record.kind == 93))),
            95 => {
                // An EXTLOGPEN as gdi32 has it in memory, with a hatch of 64 bits: the whole lies at a multiple of 8.
                let style = record.word(32);
                let brush = match record.word(40) {
                    brush_style::PATTERN | brush_style::DIB_PATTERN | brush_style::DIB_PATTERN_AT => {
                        picture(12, 0, false)
                    }
                    _ => of_style(40),
                };
                let width = if style & pen_style::GEOMETRIC != 0 { record.word(36).into() } else { 0.0 };
                let dashes = record.part(60, (record.word(56) as usize).min(16) * 4).as_chunks::<4>().0;
                let dashes = dashes.iter().map(|raw| u32::from_le_bytes(*raw).into()).collect();
                Object::Pen(Arc::new(Pen { style, width, brush, dashes }))
            }
            _ => match Font::read_from_prefix(record.part(12, size_of::<Font>())) {
                Ok((font, _)) => Object::Font(Arc::new(font)),
                Err(_) => return,
            },
        };
        if self.objects.len() < MOST_OBJECTS {
            self.objects.insert(handle, made);
        }
    }

    /// FillRgn, FrameRgn, InvertRgn, PaintRgn.
    pub(super) fn regions(&mut self, record: &Record<'_>) {
        let to = self.state.to_device();
        let at = match record.kind {
            71 => 32,
            72 => 40,
            _ => 28,
        };
        let rects = record.region(at);
        let path: Path = rects.iter().flat_map(|rect| path::rect(rect, &to)).collect();
        let brush = match self.objects.get(&record.word(28)) {
            Some(Object::Brush(brush)) => Some(brush.clone()),
            _ => record.word(28).checked_sub(STOCK).and_then(stock).and_then(|object| match object {
                Object::Brush(brush) => Some(brush),
                _ => None,
            }),
        };
        match (record.kind, brush) {
            (71, Some(brush)) => self.draw_with(&path, &brush, None),
            (72, Some(brush)) => {
                let whole = path::region(&path, true, &self.whole());
                let by = to.turn(record.spot(32));
                let (x, y) = (round(by.x.abs()).max(1), round(by.y.abs()).max(1));
                let inner = [(x, 0), (-x, 0), (0, y), (0, -y)]
                    .iter()
                    .fold(whole.clone(), |inner, (x, y)| inner.combine(&whole.offset(*x, *y), Mode::And));
                let frame = whole.combine(&inner, Mode::Diff);
                let plain = Matrix::default();
                let path: Path = frame.rects().iter().flat_map(|rect| path::rect(rect, &plain)).collect();
                self.draw_with(&path, &brush, None);
            }
            (73, _) => {
                /// R2_NOT.
                const NOT: u32 = 6;
                let before = core::mem::replace(&mut self.state.rop, NOT);
                self.draw_with(&path, &Brush::Solid(0), None);
                self.state.rop = before;
            }
            (74, _) => self.draw(&path, true, false),
            _ => {}
        }
    }
}
