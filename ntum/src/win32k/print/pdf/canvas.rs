//! A page while it is drawn, in pixels of the device. What was said already is not said again.

use super::document::{Document, Kind, Used, name_of};
use super::matrix::{Matrix, tame};
use super::path::{self, Path, Step};
use crate::win32k::gdi::region::{Mode, Region};
use pdf_writer::types::{BlendMode, ColorSpaceOperand, LineCapStyle, LineJoinStyle};
use pdf_writer::{Content, Name, Ref};
use std::sync::Arc;

/// What is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// A colour, 0x00RRGGBB.
    Color(u32),
    /// A pattern.
    Pattern(i32),
}

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub struct Stroke {
    /// With what.
    pub paint: Paint,
    /// Pixels.
    pub width: f32,
    /// How it ends.
    pub cap: i32,
    /// How it bends.
    pub join: i32,
    /// How long a corner may be.
    pub miter: f32,
    /// Pixels on and off.
    pub dashes: Vec<f32>,
}

/// How a shape is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// With what.
    pub paint: Paint,
    /// Whether all that is gone around counts.
    pub winding: bool,
}

/// A path that is clipped to, and whether all that it goes around counts.
pub type Outline = (Path, bool);

/// What is drawn on.
#[derive(Debug, Clone, Default)]
pub struct Clip {
    /// Pixels; none: all.
    pub region: Option<Region>,
    /// Paths.
    pub paths: Vec<Arc<Outline>>,
}

impl Clip {
    /// What lies in both.
    #[must_use]
    pub fn with(&self, other: &Clip) -> Clip {
        let region = match (&self.region, &other.region) {
            (Some(a), Some(b)) => Some(a.combine(b, Mode::And)),
            (a, b) => a.clone().or_else(|| b.clone()),
        };
        Clip { region, paths: self.paths.iter().chain(&other.paths).cloned().collect() }
    }
}

/// What was said last.
#[derive(Default)]
struct Said {
    fill: Option<Paint>,
    stroke: Option<Stroke>,
    blend: Option<(BlendMode, u8)>,
}

/// A page.
pub struct Canvas {
    content: Content,
    used: Used,
    size: (f32, f32),
    base: Matrix,
    clip: Arc<Clip>,
    said: Said,
    mono: bool,
}

/// How much the name of a colour says.
fn parts(color: u32, mono: bool) -> [f32; 3] {
    let color = if mono { u32::from(super::image::grey(color)) * 0x01_0101 } else { color };
    [16, 8, 0].map(|shift| (color >> shift & 0xff) as f32 / 255.0)
}

impl Canvas {
    /// A page of so many points. `base`: how pixels come to lie on it. `clip`: all of it.
    pub fn new(size: (f32, f32), base: Matrix, mono: bool, clip: Arc<Clip>) -> Canvas {
        let mut content = Content::new();
        content.transform(base.narrow()).save_state();
        Canvas { content, used: Used::new(), size, base, clip, said: Said::default(), mono }
    }

    /// How pixels come to lie on the page.
    pub fn base(&self) -> Matrix {
        self.base
    }

    /// Whether it is of greys.
    pub fn is_mono(&self) -> bool {
        self.mono
    }

    /// Ends the page.
    pub fn finish(mut self, document: &mut Document) {
        self.content.restore_state();
        document.page(self.content, &self.used, self.size);
    }

    /// Names a resource.
    pub fn name(&mut self, kind: Kind, id: Ref) -> String {
        self.used.insert((kind, id.get()));
        name_of(kind, id)
    }

    /// Draws on that from now on.
    pub fn clip_to(&mut self, clip: &Arc<Clip>) {
        if Arc::ptr_eq(&self.clip, clip) {
            return;
        }
        self.clip = clip.clone();
        self.said = Said::default();
        self.content.restore_state().save_state();
        if let Some(region) = &clip.region {
            if region.is_empty() {
                self.content.rect(0.0, 0.0, 0.0, 0.0);
            }
            for rect in region.rects() {
                let [x, y, width, height] =
                    [rect.left, rect.top, rect.width(), rect.height()].map(|edge| tame(edge.into()));
                self.content.rect(x, y, width, height);
            }
            self.content.clip_nonzero().end_path();
        }
        for outline in &clip.paths {
            let (steps, winding) = &**outline;
            if steps.is_empty() {
                self.content.rect(0.0, 0.0, 0.0, 0.0);
            }
            path::write(&mut self.content, steps);
            match winding {
                true => self.content.clip_nonzero(),
                false => self.content.clip_even_odd(),
            };
            self.content.end_path();
        }
    }

    /// Mixes what is drawn from now on with what is there.
    pub fn blend(&mut self, document: &mut Document, blend: BlendMode, alpha: u8) {
        let wanted = (blend, alpha);
        let plain = (BlendMode::Normal, 255);
        if self.said.blend.unwrap_or(plain) != wanted {
            let id = document.state(blend, alpha);
            let name = self.name(Kind::State, id);
            self.content.set_parameters(Name(name.as_bytes()));
            self.said.blend = Some(wanted);
        }
    }

    fn fill_with(&mut self, paint: Paint) {
        if self.said.fill == Some(paint) {
            return;
        }
        self.said.fill = Some(paint);
        match paint {
            Paint::Color(color) => {
                let [red, green, blue] = parts(color, self.mono);
                self.content.set_fill_rgb(red, green, blue);
            }
            Paint::Pattern(id) => {
                let name = self.name(Kind::Pattern, Ref::new(id));
                self.content.set_fill_color_space(ColorSpaceOperand::Pattern);
                self.content.set_fill_pattern([], Name(name.as_bytes()));
            }
        }
    }

    fn stroke_with(&mut self, stroke: &Stroke) {
        let before = self.said.stroke.take();
        let other =
            |differs: fn(&Stroke, &Stroke) -> bool| before.as_ref().is_none_or(|before| differs(before, stroke));
        if other(|a, b| a.paint != b.paint) {
            match stroke.paint {
                Paint::Color(color) => {
                    let [red, green, blue] = parts(color, self.mono);
                    self.content.set_stroke_rgb(red, green, blue);
                }
                Paint::Pattern(id) => {
                    let name = self.name(Kind::Pattern, Ref::new(id));
                    self.content.set_stroke_color_space(ColorSpaceOperand::Pattern);
                    self.content.set_stroke_pattern([], Name(name.as_bytes()));
                }
            }
        }
        if other(|a, b| a.width != b.width) {
            self.content.set_line_width(stroke.width);
        }
        if other(|a, b| a.cap != b.cap) {
            self.content.set_line_cap(match stroke.cap {
                1 => LineCapStyle::RoundCap,
                2 => LineCapStyle::ProjectingSquareCap,
                _ => LineCapStyle::ButtCap,
            });
        }
        if other(|a, b| a.join != b.join) {
            self.content.set_line_join(match stroke.join {
                1 => LineJoinStyle::RoundJoin,
                2 => LineJoinStyle::BevelJoin,
                _ => LineJoinStyle::MiterJoin,
            });
        }
        if other(|a, b| a.miter != b.miter) {
            self.content.set_miter_limit(stroke.miter);
        }
        if other(|a, b| a.dashes != b.dashes) {
            self.content.set_dash_pattern(stroke.dashes.iter().copied(), 0.0);
        }
        self.said.stroke = Some(stroke.clone());
    }

    /// Draws a path.
    pub fn draw(&mut self, steps: &[Step], fill: Option<Fill>, stroke: Option<&Stroke>) {
        if steps.is_empty() {
            return;
        }
        if let Some(fill) = fill {
            self.fill_with(fill.paint);
        }
        if let Some(stroke) = stroke {
            self.stroke_with(stroke);
        }
        if fill.is_none() && stroke.is_none() {
            return;
        }
        path::write(&mut self.content, steps);
        match (fill.map(|fill| fill.winding), stroke.is_some()) {
            (Some(true), true) => self.content.fill_nonzero_and_stroke(),
            (Some(true), false) => self.content.fill_nonzero(),
            (Some(false), true) => self.content.fill_even_odd_and_stroke(),
            (Some(false), false) => self.content.fill_even_odd(),
            (None, _) => self.content.stroke(),
        };
    }

    /// Draws a picture where its unit square comes to lie.
    pub fn picture(&mut self, id: Ref, place: &Matrix) {
        let name = self.name(Kind::Image, id);
        self.content.save_state().transform(place.narrow()).x_object(Name(name.as_bytes())).restore_state();
    }

    /// Draws a shading within a path.
    pub fn shade(&mut self, id: Ref, within: Option<&[Step]>) {
        let name = self.name(Kind::Shading, id);
        self.content.save_state();
        if let Some(steps) = within {
            path::write(&mut self.content, steps);
            self.content.clip_nonzero().end_path();
        }
        self.content.shading(Name(name.as_bytes())).restore_state();
    }

    /// Draws text: `write` is given what is between the operators. `bold`: the width of a line around the glyphs; 0: none.
    pub fn text(&mut self, color: u32, bold: f32, write: impl FnOnce(&mut Content)) {
        self.fill_with(Paint::Color(color));
        if bold > 0.0 {
            let paint = Paint::Color(color);
            self.stroke_with(&Stroke { paint, width: bold, cap: 0, join: 1, miter: 10.0, dashes: Vec::new() });
        }
        self.content.begin_text();
        let mode = if bold > 0.0 {
            pdf_writer::types::TextRenderingMode::FillStroke
        } else {
            pdf_writer::types::TextRenderingMode::Fill
        };
        self.content.set_text_rendering_mode(mode);
        write(&mut self.content);
        self.content.end_text();
    }
}
