//! Pictures that records draw.

use super::canvas::{Fill, Paint};
use super::image::{Picture, Place};
use super::matrix::{Matrix, Spot, spot};
use super::paint::Tone;
use super::path::polygon;
use super::play::Player;
use super::record::Record;
use super::state::{Brush, color};
use crate::win32k::geometry::{Rect, round};
use pdf_writer::types::BlendMode;

/// STRETCH_HALFTONE and others smooth; AC_SRC_ALPHA.
const SOURCE_ALPHA: u32 = 1;
/// The upper byte of SRCCOPY.
const COPY: u32 = 0xcc;

/// Where a picture goes: a corner, and what leads from it along its upper edge and its left one, logical.
type Frame = [Spot; 3];

fn frame(x: f64, y: f64, width: f64, height: f64) -> Frame {
    [spot(x, y), spot(width, 0.0), spot(0.0, height)]
}

/// A rectangle of the record: x, y, width, height.
fn four(record: &Record<'_>, at: usize) -> [f64; 4] {
    [0, 4, 8, 12].map(|more| f64::from(record.int(at + more)))
}

impl Player<'_, '_> {
    /// EMR_BITBLT, EMR_STRETCHBLT, EMR_MASKBLT, EMR_TRANSPARENTBLT, EMR_ALPHABLEND.
    pub fn blit(&mut self, record: &Record<'_>) {
        const STRETCH: u32 = 77;
        const MASK: u32 = 78;
        const ALPHA: u32 = 114;
        const TRANSPARENT: u32 = 116;
        let [x, y, width, height] = four(record, 24);
        let operation = record.word(40);
        let frame = frame(x, y, width, height);
        let source = Picture::of(record, Place { at: 84, usage: record.word(80) });
        let Some(source) = source else { return self.pattern(frame, operation >> 16 & 0xff) };
        // Where it lies in the source's own units.
        let from = record.xform(52).apply(record.spot(44));
        let (columns, rows) = match record.kind {
            STRETCH | ALPHA | TRANSPARENT => (record.int(100), record.int(104)),
            _ => (width as i32, height as i32),
        };
        let [across, .., down, _, _] = record.xform(52).0;
        let sized = |size: i32, by: f64| if by == 0.0 { size } else { round(f64::from(size) * by) };
        let place = Rect::sized(round(from.x), round(from.y), sized(columns, across), sized(rows, down));
        let Some((mut picture, frame)) = part(&source, &place, frame) else { return };
        match record.kind {
            ALPHA => {
                if operation >> 24 & SOURCE_ALPHA != 0 {
                    picture.divide_by_alpha();
                }
                self.place(&picture, frame, BlendMode::Normal, (operation >> 16) as u8);
            }
            TRANSPARENT => {
                picture.key_out(color(operation));
                self.place(&picture, frame, BlendMode::Normal, 255);
            }
            MASK => {
                let mask = Picture::of(record, Place { at: 112, usage: record.word(108) });
                let (left, top) = (record.int(100), record.int(104));
                if let Some(mask) = mask.and_then(|mask| mask.cut(left, top, picture.width, picture.height)) {
                    picture.mask_with(&mask);
                    // The lower operation is for where the mask is set.
                    return self.place(&picture, frame, BlendMode::Normal, 255);
                }
                self.operate(picture, frame, operation >> 16 & 0xff);
            }
            _ => self.operate(picture, frame, operation >> 16 & 0xff),
        }
    }

    /// EMR_PLGBLT.
    pub fn parallelogram(&mut self, record: &Record<'_>) {
        let Some(source) = Picture::of(record, Place { at: 96, usage: record.word(92) }) else { return };
        let [origin, right, below] = [24, 32, 40].map(|at| record.spot(at));
        let frame = [origin, right.plus(origin, -1.0), below.plus(origin, -1.0)];
        let place = Rect::sized(record.int(48), record.int(52), record.int(56), record.int(60));
        let Some((mut picture, frame)) = part(&source, &place, frame) else { return };
        let mask = Picture::of(record, Place { at: 124, usage: record.word(120) });
        let (left, top) = (record.int(112), record.int(116));
        if let Some(mask) = mask.and_then(|mask| mask.cut(left, top, picture.width, picture.height)) {
            picture.mask_with(&mask);
        }
        self.place(&picture, frame, BlendMode::Normal, 255);
    }

    /// EMR_STRETCHDIBITS.
    pub fn stretch_bits(&mut self, record: &Record<'_>) {
        let [x, y, columns, rows] = [24, 28, 40, 44].map(|at| record.int(at));
        let frame = frame(x.into(), y.into(), record.int(72).into(), record.int(76).into());
        let operation = record.word(68) >> 16 & 0xff;
        let picture = Picture::of(record, Place { at: 48, usage: record.word(64) });
        let Some(source) = picture else { return self.pattern(frame, operation) };
        // Rows are counted from below.
        let top = source.height.saturating_sub(record.int(36)).saturating_sub(rows);
        let place = Rect::sized(record.int(32), top, columns, rows);
        let Some((picture, frame)) = part(&source, &place, frame) else { return };
        self.operate(picture, frame, operation);
    }

    /// EMR_SETDIBITSTODEVICE.
    pub fn set_bits(&mut self, record: &Record<'_>) {
        let [x, y, width, height] = [24, 28, 40, 44].map(|at| record.int(at));
        let Some(source) = Picture::of(record, Place { at: 48, usage: record.word(64) }) else { return };
        let top = source.height.saturating_sub(record.int(36)).saturating_sub(height);
        let Some(picture) = source.cut(record.int(32), top, width, height) else { return };
        // Pixels are the device's, only the corner is logical.
        let corner = self.state.to_device().apply(spot(x.into(), y.into()));
        let place = [corner, spot(width.into(), 0.0), spot(0.0, height.into())];
        self.place_on_device(&picture, place, BlendMode::Normal, 255);
    }

    /// An operation without a source.
    fn pattern(&mut self, frame: Frame, operation: u32) {
        let (blend, tone) = match operation {
            0x00 => (BlendMode::Normal, Tone::Fixed(0)),
            0xff => (BlendMode::Normal, Tone::Fixed(0xff_ffff)),
            0x55 => (BlendMode::Difference, Tone::Fixed(0xff_ffff)),
            0x0f => (BlendMode::Normal, Tone::Inverted),
            0x5a => (BlendMode::Difference, Tone::Same),
            0xa0 => (BlendMode::Multiply, Tone::Same),
            0xfa => (BlendMode::Screen, Tone::Same),
            0xaa => return,
            _ => (BlendMode::Normal, Tone::Same),
        };
        let to = self.state.to_device();
        let [corner, right, below] = frame;
        let corners =
            [corner, corner.plus(right, 1.0), corner.plus(right, 1.0).plus(below, 1.0), corner.plus(below, 1.0)];
        let path = polygon(&corners.map(|at| to.apply(at)), true);
        let shown = self.state.shown.clone();
        self.canvas.clip_to(&shown);
        self.canvas.blend(self.document, blend, 255);
        let brush = self.state.brush.clone();
        if self.state.is_opaque && matches!(*brush, Brush::Hatched(..)) {
            let paint = Paint::Color(self.state.back_color);
            self.canvas.draw(&path, Some(Fill { paint, winding: true }), None);
        }
        let paint = match tone {
            Tone::Fixed(color) => Some(Paint::Color(color)),
            tone => self.paint_of(&brush, tone),
        };
        self.canvas.draw(&path, paint.map(|paint| Fill { paint, winding: true }), None);
    }

    /// A picture with a raster operation, as near as PDF comes to it.
    fn operate(&mut self, mut picture: Picture, frame: Frame, operation: u32) {
        let uses_source = (operation >> 2 ^ operation) & 0x33 != 0;
        if !uses_source {
            return self.pattern(frame, operation);
        }
        let blend = match operation {
            COPY => BlendMode::Normal,
            0x33 => {
                picture.invert();
                BlendMode::Normal
            }
            0x88 => BlendMode::Multiply,
            0xee => BlendMode::Screen,
            0x66 => BlendMode::Difference,
            0x22 | 0xbb | 0x99 => {
                picture.invert();
                match operation {
                    0x22 => BlendMode::Multiply,
                    0xbb => BlendMode::Screen,
                    _ => BlendMode::Difference,
                }
            }
            // The brush where the source is black, or where it is white.
            0xb8 | 0xe2 => {
                if operation == 0xb8 {
                    picture.invert();
                }
                let Brush::Solid(color) = *self.state.brush else { return };
                let mask = picture.clone();
                picture.pixels.iter_mut().for_each(|pixel| *pixel = color);
                picture.mask_with(&mask);
                BlendMode::Normal
            }
            _ => BlendMode::Normal,
        };
        self.place(&picture, frame, blend, 255);
    }

    fn place(&mut self, picture: &Picture, [corner, right, below]: Frame, blend: BlendMode, alpha: u8) {
        let to = self.state.to_device();
        let frame = [to.apply(corner), to.turn(right), to.turn(below)];
        self.place_on_device(picture, frame, blend, alpha);
    }

    fn place_on_device(&mut self, picture: &Picture, [corner, right, below]: Frame, blend: BlendMode, alpha: u8) {
        let shown = self.state.shown.clone();
        self.canvas.clip_to(&shown);
        self.canvas.blend(self.document, blend, alpha);
        let id = self.document.image(picture, self.state.smooth, self.canvas.is_mono());
        // The unit square's y is up.
        let place = Matrix([right.x, right.y, -below.x, -below.y, corner.x + below.x, corner.y + below.y]);
        self.canvas.picture(id, &place);
    }
}

/// The part of a picture, and where it goes; one of a size below 0 is turned over.
fn part(source: &Picture, place: &Rect, [corner, right, below]: Frame) -> Option<(Picture, Frame)> {
    let whole = place.ordered();
    let picture = source.cut(whole.left, whole.top, whole.width(), whole.height())?;
    let (corner, right) = match place.right < place.left {
        true => (corner.plus(right, 1.0), spot(-right.x, -right.y)),
        false => (corner, right),
    };
    let (corner, below) = match place.bottom < place.top {
        true => (corner.plus(below, 1.0), spot(-below.x, -below.y)),
        false => (corner, below),
    };
    Some((picture, [corner, right, below]))
}
