//! What a metafile's records change, and later ones draw with.

use super::canvas::Clip;
use super::image::Picture;
use super::matrix::{Matrix, Spot, spot};
use super::path;
use crate::win32k::gdi::font::Font;
use crate::win32k::gdi::region::{Mode, Region};
use crate::win32k::geometry::Rect;
use crate::win32k::print::mode::Measures;
use std::sync::Arc;

/// What shapes are filled with.
#[derive(Debug, Clone, PartialEq)]
pub enum Brush {
    /// Nothing.
    None,
    /// A colour, 0x00RRGGBB.
    Solid(u32),
    /// Lines of a colour: HS_*.
    Hatched(u32, u32),
    /// A picture; of one bit: in the colours of text and background.
    Picture(Arc<Picture>, bool),
}

/// What lines are drawn with.
#[derive(Debug, Clone, PartialEq)]
pub struct Pen {
    /// PS_*.
    pub style: u32,
    /// Logical units, or of cosmetic pens pixels.
    pub width: f64,
    /// In what.
    pub brush: Brush,
    /// PS_USERSTYLE's.
    pub dashes: Vec<f64>,
}

/// What a handle stands for.
#[derive(Debug, Clone)]
pub enum Object {
    /// A pen.
    Pen(Arc<Pen>),
    /// A brush.
    Brush(Arc<Brush>),
    /// A font.
    Font(Arc<Font>),
}

/// How far anything may lie.
const FAR: f64 = 1e9;

/// MM_*.
mod map {
    pub const TEXT: u32 = 1;
    pub const LO_METRIC: u32 = 2;
    pub const HI_METRIC: u32 = 3;
    pub const LO_ENGLISH: u32 = 4;
    pub const HI_ENGLISH: u32 = 5;
    pub const TWIPS: u32 = 6;
    pub const ISOTROPIC: u32 = 7;
}

/// The state.
#[derive(Debug, Clone)]
pub struct State {
    /// MM_*.
    pub map_mode: u32,
    /// Origins and extents, logical and on the device.
    pub window: (Spot, Spot),
    /// As the field before.
    pub viewport: (Spot, Spot),
    /// The world's transform.
    pub world: Matrix,
    /// 0x00RRGGBB.
    pub text_color: u32,
    /// As the field before.
    pub back_color: u32,
    /// Whether gaps are filled.
    pub is_opaque: bool,
    /// WINDING.
    pub is_winding: bool,
    /// R2_*.
    pub rop: u32,
    /// Whether pictures are smoothed.
    pub smooth: bool,
    /// TA_*.
    pub align: u32,
    /// How long a corner may be.
    pub miter: f32,
    /// AD_CLOCKWISE.
    pub is_clockwise: bool,
    /// Where patterns begin, on the device.
    pub origin: Spot,
    /// Where lines begin, logical.
    pub position: Spot,
    /// The pen.
    pub pen: Arc<Pen>,
    /// The brush.
    pub brush: Arc<Brush>,
    /// The font.
    pub font: Arc<Font>,
    /// What is drawn on.
    pub clip: Arc<Clip>,
    /// What SetMetaRgn put aside, which is drawn on at most.
    pub meta: Arc<Clip>,
    /// What lies in both.
    pub shown: Arc<Clip>,
}

/// A COLORREF's colour.
pub fn color(reference: u32) -> u32 {
    crate::win32k::gdi::format::swapped(reference & 0xff_ffff)
}

/// A stock object.
pub fn stock(index: u32) -> Option<Object> {
    let brush = |brush| Some(Object::Brush(Arc::new(brush)));
    let solid = |color| brush(Brush::Solid(color));
    let pen = |style, color| {
        Some(Object::Pen(Arc::new(Pen { style, width: 0.0, brush: Brush::Solid(color), dashes: Vec::new() })))
    };
    let font =
        |height, weight, pitch, name| Some(Object::Font(Arc::new(Font::named(height, 0, weight, 0, pitch, name))));
    match index {
        0 | 18 => solid(0xff_ffff),
        1 => solid(0xc0_c0c0),
        2 => solid(0x80_8080),
        3 => solid(0x40_4040),
        4 => solid(0),
        5 => brush(Brush::None),
        6 => pen(0, 0xff_ffff),
        7 | 19 => pen(0, 0),
        8 => pen(5, 0),
        10 | 11 | 16 => font(16, 400, 0x31, "Courier New"),
        12 => font(12, 400, 0x22, "MS Sans Serif"),
        13 | 14 => font(16, 700, 0x22, "System"),
        17 => font(-11, 400, 0x22, "MS Shell Dlg"),
        _ => None,
    }
}

impl State {
    /// What a page begins with.
    pub fn new() -> State {
        let unit = (Spot::default(), spot(1.0, 1.0));
        let brush = Arc::new(Brush::Solid(0xff_ffff));
        let pen = Arc::new(Pen { style: 0, width: 0.0, brush: Brush::Solid(0), dashes: Vec::new() });
        State {
            map_mode: map::TEXT,
            window: unit,
            viewport: unit,
            world: Matrix::default(),
            text_color: 0,
            back_color: 0xff_ffff,
            is_opaque: true,
            is_winding: false,
            rop: 13,
            smooth: false,
            align: 0,
            miter: 10.0,
            is_clockwise: false,
            origin: Spot::default(),
            position: Spot::default(),
            pen,
            brush,
            font: Arc::new(Font::named(16, 7, 700, 0, 0x22, "System")),
            clip: Arc::default(),
            meta: Arc::default(),
            shown: Arc::default(),
        }
    }

    /// Draws on that from now on, and on what was put aside.
    pub fn set_clip(&mut self, clip: Clip) {
        self.clip = Arc::new(clip);
        let none = self.meta.region.is_none() && self.meta.paths.is_empty();
        self.shown = if none { self.clip.clone() } else { Arc::new(self.clip.with(&self.meta)) };
    }

    /// Combines what is drawn on with pixels: RGN_*. `whole`: all of the device.
    pub fn combine_clip(&mut self, region: Region, mode: u32, whole: &Rect) {
        let now = &self.clip;
        let mode = match mode {
            1 => {
                let region = now.region.as_ref().map_or_else(|| region.clone(), |now| now.combine(&region, Mode::And));
                let paths = now.paths.clone();
                return self.set_clip(Clip { region: Some(region), paths });
            }
            2 => Mode::Or,
            3 => Mode::Xor,
            4 => Mode::Diff,
            _ => return self.set_clip(Clip { region: Some(region), paths: Vec::new() }),
        };
        let mut pixels = now.region.clone().unwrap_or_else(|| Region::from(*whole));
        for outline in &now.paths {
            pixels = pixels.combine(&path::region(&outline.0, outline.1, whole), Mode::And);
        }
        self.set_clip(Clip { region: Some(pixels.combine(&region, mode)), paths: Vec::new() });
    }

    /// SetMetaRgn.
    pub fn put_clip_aside(&mut self) {
        self.meta = self.shown.clone();
        self.set_clip(Clip::default());
    }

    /// SetMapMode.
    pub fn set_map_mode(&mut self, mode: u32, device: &Measures) {
        self.map_mode = mode;
        let dots = spot(device.dots.0.into(), device.dots.1.into());
        // Units of an inch.
        let units = match mode {
            map::LO_METRIC => 254.0,
            map::HI_METRIC => 2540.0,
            map::LO_ENGLISH => 100.0,
            map::HI_ENGLISH => 1000.0,
            map::TWIPS => 1440.0,
            map::ISOTROPIC => 254.0,
            map::TEXT => {
                (self.window.1, self.viewport.1) = (spot(1.0, 1.0), spot(1.0, 1.0));
                return;
            }
            _ => return,
        };
        (self.window.1, self.viewport.1) = (spot(units, units), spot(dots.x, -dots.y));
    }

    /// Whether extents may be set.
    fn has_extents(&self) -> bool {
        self.map_mode >= map::ISOTROPIC
    }

    /// SetWindowExtEx, SetViewportExtEx.
    pub fn set_extent(&mut self, window: bool, extent: Spot) {
        let is_good = |part: f64| part != 0.0 && part.abs() < FAR * 4.0;
        if !self.has_extents() || !is_good(extent.x) || !is_good(extent.y) {
            return;
        }
        *(if window { &mut self.window.1 } else { &mut self.viewport.1 }) = extent;
        self.keep_square();
    }

    /// ScaleWindowExtEx, ScaleViewportExtEx.
    pub fn scale_extent(&mut self, window: bool, across: (f64, f64), down: (f64, f64)) {
        if [across.0, across.1, down.0, down.1].contains(&0.0) {
            return;
        }
        let now = if window { self.window.1 } else { self.viewport.1 };
        let part = |value: f64, (times, by): (f64, f64)| match (value * times / by).trunc() {
            0.0 => 1.0,
            value => value,
        };
        self.set_extent(window, spot(part(now.x, across), part(now.y, down)));
    }

    /// MM_ISOTROPIC: units are as long in both directions.
    fn keep_square(&mut self) {
        if self.map_mode != map::ISOTROPIC {
            return;
        }
        let (window, view) = (self.window.1, &mut self.viewport.1);
        let (across, down) = ((view.x / window.x).abs(), (view.y / window.y).abs());
        if across > down {
            view.x *= down / across;
        } else if down > across {
            view.y *= across / down;
        }
    }

    /// Sets the world's transform, if it is one that leaves points where numbers reach.
    pub fn set_world(&mut self, world: Matrix) {
        if world.0.iter().all(|part| part.abs() < FAR) {
            self.world = world;
        }
    }

    /// How logical units come to lie on the device.
    pub fn to_device(&self) -> Matrix {
        let ((from, size), (to, extent)) = (self.window, self.viewport);
        let (across, down) = (extent.x / size.x, extent.y / size.y);
        self.world.then(&Matrix([across, 0.0, 0.0, down, to.x - from.x * across, to.y - from.y * down]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_become_pixels() {
        let device = Measures { dots: (300, 300), ..Measures::default() };
        let mut state = State::new();
        state.set_map_mode(map::TWIPS, &device);
        let at = state.to_device().apply(spot(1440.0, -1440.0));
        assert_eq!((at.x.round(), at.y.round()), (300.0, 300.0));
        // Extents are the mode's.
        state.set_extent(true, spot(1.0, 1.0));
        assert_eq!(state.window.1, spot(1440.0, 1440.0));
        state.set_map_mode(8, &device);
        state.set_extent(true, spot(100.0, 50.0));
        state.set_extent(false, spot(200.0, 200.0));
        assert_eq!(state.to_device().apply(spot(10.0, 10.0)), spot(20.0, 40.0));
        state.map_mode = map::ISOTROPIC;
        state.set_extent(false, spot(200.0, 200.0));
        assert_eq!(state.to_device().apply(spot(10.0, 10.0)), spot(20.0, 20.0));
    }
}
