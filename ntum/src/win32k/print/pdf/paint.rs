//! Brushes and pens as a page has them, and shapes that are drawn with them.

use super::canvas::{Clip, Fill, Paint, Stroke};
use super::document::{Kind, Used, list, name_of};
use super::image::Picture;
use super::matrix::{Matrix, spot, tame};
use super::path::Step;
use super::play::Player;
use super::state::{Brush, Pen};
use crate::win32k::gdi::pen::style;
use miniz_oxide::deflate::compress_to_vec_zlib;
use pdf_writer::types::{BlendMode, PaintType, TilingType};
use pdf_writer::{Content, Filter, Finish, Name, Rect, Ref};
use std::sync::Arc;

/// Dots of an inch of a screen, for which patterns and dashes are made.
const SCREEN: f64 = 96.0;
/// Pixels of a hatched brush's square.
const SQUARE: f64 = 8.0;

/// What becomes of a colour before it is mixed with what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing.
    Same,
    /// It is inverted.
    Inverted,
    /// Black, or white, whatever it was.
    Fixed(u32),
}

impl Tone {
    fn of(self, color: u32) -> u32 {
        match self {
            Tone::Same => color,
            Tone::Inverted => color ^ 0xff_ffff,
            Tone::Fixed(color) => color,
        }
    }
}

/// How a pen's raster operation (R2_*) is drawn, as near as PDF comes to it; `None`: nothing is.
pub fn mix(rop: u32) -> Option<(BlendMode, Tone)> {
    Some(match rop {
        1 => (BlendMode::Normal, Tone::Fixed(0)),
        3 => (BlendMode::Multiply, Tone::Inverted),
        4 => (BlendMode::Normal, Tone::Inverted),
        6 => (BlendMode::Difference, Tone::Fixed(0xff_ffff)),
        7 => (BlendMode::Difference, Tone::Same),
        9 => (BlendMode::Multiply, Tone::Same),
        10 => (BlendMode::Difference, Tone::Inverted),
        11 => return None,
        12 => (BlendMode::Screen, Tone::Inverted),
        15 => (BlendMode::Screen, Tone::Same),
        16 => (BlendMode::Normal, Tone::Fixed(0xff_ffff)),
        _ => (BlendMode::Normal, Tone::Same),
    })
}

impl Player<'_, '_> {
    /// How many pixels one of a screen's is.
    fn screen(&self) -> f64 {
        f64::from(self.device.dots.0) / SCREEN
    }

    /// Where a tile of the device lies on the page.
    fn tile_matrix(&self, size: f64) -> Matrix {
        let origin = self.state.origin;
        Matrix([size, 0.0, 0.0, size, origin.x, origin.y]).then(&self.canvas.base())
    }

    /// A pattern of squares of that size, which `content` draws.
    fn tile(&mut self, content: Content, used: &Used, size: (f64, f64), scale: f64) -> Paint {
        let id = self.document.number();
        let matrix = self.tile_matrix(scale).narrow();
        let bytes = compress_to_vec_zlib(&content.finish(), 6);
        let (width, height) = (size.0 as f32, size.1 as f32);
        let mut tile = self.document.pdf.tiling_pattern(id, &bytes);
        tile.filter(Filter::FlateDecode);
        tile.paint_type(PaintType::Colored).tiling_type(TilingType::ConstantSpacing);
        tile.bbox(Rect::new(0.0, 0.0, width, height)).x_step(width).y_step(height).matrix(matrix);
        list(&mut tile.resources(), used);
        tile.finish();
        Paint::Pattern(id.get())
    }

    /// Lines of a colour: HS_HORIZONTAL, VERTICAL, FDIAGONAL, BDIAGONAL, CROSS, DIAGCROSS.
    fn hatch(&mut self, color: u32, kind: u32) -> Paint {
        let key = (color, kind);
        if let Some(known) = self.hatches.get(&key) {
            return *known;
        }
        let mut content = Content::new();
        let mono = self.canvas.is_mono();
        let shown = if mono { u32::from(super::image::grey(color)) * 0x01_0101 } else { color };
        let [red, green, blue] = [16, 8, 0].map(|shift| (shown >> shift & 0xff) as f32 / 255.0);
        content.set_stroke_rgb(red, green, blue).set_line_width(1.0);
        let (end, middle) = (SQUARE as f32, SQUARE as f32 / 2.0);
        let mut line = |x1: f32, y1: f32, x2: f32, y2: f32| {
            content.move_to(x1, y1).line_to(x2, y2).stroke();
        };
        if matches!(kind, 0 | 4) {
            line(0.0, middle, end, middle);
        }
        if matches!(kind, 1 | 4) {
            line(middle, 0.0, middle, end);
        }
        // Beyond the corners, where the neighbours' lines end.
        if matches!(kind, 2 | 5) {
            line(-1.0, -1.0, end + 1.0, end + 1.0);
            line(end - 1.0, -1.0, end + 1.0, 1.0);
            line(-1.0, end - 1.0, 1.0, end + 1.0);
        }
        if matches!(kind, 3 | 5) {
            line(-1.0, end + 1.0, end + 1.0, -1.0);
            line(-1.0, 1.0, 1.0, -1.0);
            line(end - 1.0, end + 1.0, end + 1.0, end - 1.0);
        }
        let scale = self.screen();
        let paint = self.tile(content, &Used::new(), (SQUARE, SQUARE), scale);
        self.hatches.insert(key, paint);
        paint
    }

    fn picture_tile(&mut self, picture: &Picture) -> Paint {
        let id = self.document.image(picture, false, self.canvas.is_mono());
        let (width, height) = (f64::from(picture.width), f64::from(picture.height));
        let mut content = Content::new();
        content.transform([width as f32, 0.0, 0.0, -height as f32, 0.0, height as f32]);
        content.x_object(Name(name_of(Kind::Image, id).as_bytes()));
        let scale = self.screen().round().max(1.0);
        self.tile(content, &Used::from([(Kind::Image, id.get())]), (width, height), scale)
    }

    /// What a brush draws with; `None`: nothing. What lies between hatches is drawn by whoever asks.
    pub fn paint_of(&mut self, brush: &Brush, tone: Tone) -> Option<Paint> {
        Some(match brush {
            Brush::None => return None,
            Brush::Solid(color) => Paint::Color(tone.of(*color)),
            Brush::Hatched(..) | Brush::Picture(..) if matches!(tone, Tone::Fixed(_)) => Paint::Color(tone.of(0)),
            Brush::Hatched(color, kind) => self.hatch(tone.of(*color), *kind),
            Brush::Picture(picture, false) => self.picture_tile(picture),
            Brush::Picture(picture, true) => {
                let (text, back) = (self.state.text_color, self.state.back_color);
                let mut colored = Picture::clone(picture);
                let shown = |pixel: u32| if pixel & 0xff_ffff == 0 { text } else { back };
                colored.pixels.iter_mut().for_each(|pixel| *pixel = shown(*pixel));
                self.picture_tile(&colored)
            }
        })
    }

    /// The pen's line; `None`: there is none.
    fn stroke_of(&mut self, pen: &Pen, tone: Tone) -> Option<Stroke> {
        let line = pen.style & style::MASK;
        if line == style::NULL {
            return None;
        }
        let paint = self.paint_of(&pen.brush, tone)?;
        let scale = self.state.to_device().scale();
        let cosmetic = pen.style & style::TYPE_MASK == 0;
        let width = (pen.width * scale).max(1.0);
        // Thin lines have dashes of a screen's length, wide ones of their own width.
        let unit = if cosmetic && width <= self.screen() { self.screen() * 3.0 } else { width };
        let dashes: &[f64] = match line {
            style::DASH => &[3.0, 1.0],
            style::DOT => &[1.0, 1.0],
            style::DASH_DOT => &[3.0, 1.0, 1.0, 1.0],
            style::DASH_DOT_DOT => &[3.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            _ => &[],
        };
        let mut dashes: Vec<f32> = dashes.iter().map(|part| tame(part * unit)).collect();
        if line == style::USER {
            let unit = if cosmetic { self.screen() } else { scale };
            dashes = pen.dashes.iter().map(|part| tame(part * unit)).collect();
        }
        if dashes.iter().sum::<f32>() <= 0.0 {
            dashes.clear();
        }
        let cap = match pen.style & style::END_MASK {
            // Round ends would close the gaps.
            0 if !dashes.is_empty() && cosmetic => 0,
            0 => 1,
            style::END_SQUARE => 2,
            _ => 0,
        };
        let join = match pen.style & style::JOIN_MASK {
            0 => 1,
            style::JOIN_BEVEL => 2,
            _ => 0,
        };
        Some(Stroke { paint, width: tame(width), cap, join, miter: self.state.miter.max(1.0), dashes })
    }

    /// Draws a path on the device with the pen and the brush.
    pub fn draw(&mut self, path: &[Step], filled: bool, stroked: bool) {
        let brush = if filled { self.state.brush.clone() } else { Arc::new(Brush::None) };
        let pen = stroked.then(|| self.state.pen.clone());
        self.draw_with(path, &brush, pen.as_deref());
    }

    /// Draws a path on the device with a brush, and a pen.
    pub fn draw_with(&mut self, path: &[Step], brush: &Brush, pen: Option<&Pen>) {
        let Some((blend, tone)) = mix(self.state.rop) else { return };
        let shown = self.state.shown.clone();
        self.canvas.clip_to(&shown);
        self.canvas.blend(self.document, blend, 255);
        let winding = self.state.is_winding;
        let (opaque, back) = (self.state.is_opaque, Paint::Color(tone.of(self.state.back_color)));
        if opaque && matches!(brush, Brush::Hatched(..)) {
            self.canvas.draw(path, Some(Fill { paint: back, winding }), None);
        }
        let fill = self.paint_of(brush, tone).map(|paint| Fill { paint, winding });
        let stroke = pen.and_then(|pen| self.stroke_of(pen, tone));
        if let (true, Some(stroke), Some(pen)) = (opaque, &stroke, pen)
            && pen.style & style::TYPE_MASK == 0
            && !stroke.dashes.is_empty()
        {
            let gaps = Stroke { paint: back, dashes: Vec::new(), ..stroke.clone() };
            self.canvas.draw(path, fill, Some(&gaps));
            return self.canvas.draw(path, None, Some(stroke));
        }
        self.canvas.draw(path, fill, stroke.as_ref());
    }

    /// Fills a path with one colour, whatever the raster operation is.
    pub fn fill(&mut self, path: &[Step], color: u32) {
        let shown = self.state.shown.clone();
        self.canvas.clip_to(&shown);
        self.canvas.blend(self.document, BlendMode::Normal, 255);
        self.canvas.draw(path, Some(Fill { paint: Paint::Color(color), winding: true }), None);
    }

    /// Runs something that draws on a part alone.
    pub fn within(&mut self, part: Clip, run: impl FnOnce(&mut Self)) {
        let before = self.state.shown.clone();
        self.state.shown = Arc::new(before.with(&part));
        run(self);
        self.state.shown = before;
    }

    /// GradientFill: corners with colours, and which of them belong together. `mode`: GRADIENT_FILL_*.
    pub fn gradient(&mut self, corners: &[(super::matrix::Spot, [u16; 3])], meshes: &[[usize; 3]], mode: u32) {
        const TRIANGLES: u32 = 2;
        let shown = self.state.shown.clone();
        self.canvas.clip_to(&shown);
        self.canvas.blend(self.document, BlendMode::Normal, 255);
        let to = self.state.to_device();
        let mono = self.canvas.is_mono();
        let shown = |color: [u16; 3]| match mono {
            true => {
                let [red, green, blue] = color.map(|part| u32::from(part >> 8));
                [u16::from(super::image::grey(red << 16 | green << 8 | blue)) * 0x101; 3]
            }
            false => color,
        };
        let part = |color: [u16; 3]| shown(color).map(|part| f32::from(part) / 65535.0);
        if mode == TRIANGLES {
            let chosen = meshes.iter().filter_map(|mesh| {
                let [a, b, c] = mesh.map(|at| corners.get(at).copied());
                Some([a?, b?, c?])
            });
            let all: Vec<_> = chosen.flatten().map(|(at, color)| (to.apply(at), shown(color))).collect();
            let Some(id) = self.triangles(&all) else { return };
            return self.canvas.shade(id, None);
        }
        for mesh in meshes {
            let [Some((from, first)), Some((until, last))] = [mesh[0], mesh[1]].map(|at| corners.get(at).copied())
            else {
                continue;
            };
            let end = if mode == 0 { spot(until.x, from.y) } else { spot(from.x, until.y) };
            let (begin, end) = (to.apply(from), to.apply(end));
            let [function, shading] = [self.document.number(), self.document.number()];
            let pdf = &mut self.document.pdf;
            pdf.exponential_function(function).domain([0.0, 1.0]).c0(part(first)).c1(part(last)).n(1.0);
            let mut written = pdf.function_shading(shading);
            written.shading_type(pdf_writer::types::FunctionShadingType::Axial);
            written.color_space().device_rgb();
            written.coords([begin.x, begin.y, end.x, end.y].map(tame)).function(function);
            written.extend([true, true]);
            written.finish();
            let corners = [from, spot(until.x, from.y), until, spot(from.x, until.y)];
            let path = super::path::polygon(&corners.map(|at| to.apply(at)), true);
            self.canvas.shade(shading, Some(&path));
        }
    }

    /// A shading of triangles, three corners each.
    fn triangles(&mut self, corners: &[(super::matrix::Spot, [u16; 3])]) -> Option<Ref> {
        let first = corners.first()?.0;
        let (mut low, mut high) = (first, first);
        for (at, _) in corners {
            low = spot(low.x.min(at.x), low.y.min(at.y));
            high = spot(high.x.max(at.x), high.y.max(at.y));
        }
        let size = spot((high.x - low.x).max(1.0), (high.y - low.y).max(1.0));
        let mut bytes = Vec::with_capacity(corners.len() * 15);
        for (at, color) in corners {
            let whole = |value: f64| (value * f64::from(u32::MAX)) as u32;
            bytes.push(0);
            bytes.extend(whole((at.x - low.x) / size.x).to_be_bytes());
            bytes.extend(whole((at.y - low.y) / size.y).to_be_bytes());
            bytes.extend(color.iter().flat_map(|part| part.to_be_bytes()));
        }
        let id = self.document.number();
        let packed = compress_to_vec_zlib(&bytes, 6);
        let mut written = self.document.pdf.stream_shading(id, &packed);
        written.filter(Filter::FlateDecode);
        // Free-form triangles; the crate keeps its name for them to itself.
        written.pair(Name(b"ShadingType"), 4);
        written.color_space().device_rgb();
        written.bits_per_coordinate(32).bits_per_component(16).bits_per_flag(8);
        let decode = [low.x, low.x + size.x, low.y, low.y + size.y].map(tame);
        written.decode(decode.into_iter().chain([0.0, 1.0, 0.0, 1.0, 0.0, 1.0]));
        written.finish();
        Some(id)
    }
}
