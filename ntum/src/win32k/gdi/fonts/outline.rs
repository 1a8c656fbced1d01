//! Outlines of glyphs: points in 64ths of a pixel, y up, as FreeType has them.

use super::fixed::{Matrix, mul_div, mul_fix};
use skrifa::{DrawMemory, DropoutControl, GlyphId, HintOptions, PathSink, RasterTarget, ScalerFont};

/// What outlines are fitted to the grid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hinting {
    /// They are not.
    None,
    /// Pixels that are black or white.
    Mono,
    /// Pixels in shades of grey.
    Grey,
    /// Pixels whose parts lie beside each other.
    Horizontal,
    /// Pixels whose parts lie above each other.
    Vertical,
}

impl Hinting {
    /// Outlines for this purpose, at a size.
    pub fn scaler(self, font: &skrifa::Font, ppem: i32) -> ScalerFont {
        let ppem = ppem as f32;
        let target = match self {
            Hinting::None => return ScalerFont::unhinted(font.clone(), Some(ppem)),
            Hinting::Mono => RasterTarget::Mono,
            Hinting::Grey => RasterTarget::Normal,
            Hinting::Horizontal => RasterTarget::Lcd,
            Hinting::Vertical => RasterTarget::VerticalLcd,
        };
        let options = HintOptions::auto_fallback().with_target(target).with_classic_cleartype(true).with_pedantic(true);
        ScalerFont::hinted(font.clone(), ppem, options)
    }
}

/// What a point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A point of the line.
    On,
    /// One that a curve of the second degree leans to.
    Conic,
    /// One of two that a curve of the third degree leans to.
    Cubic,
}

/// A point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dot {
    /// To the right.
    pub x: i32,
    /// Up.
    pub y: i32,
    /// What it is.
    pub kind: Kind,
}

/// Closed lines around what is filled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// The lines.
    pub contours: Vec<Vec<Dot>>,
}

/// The box around all points: left, bottom, right, top.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Box {
    /// Left.
    pub left: i32,
    /// Bottom.
    pub bottom: i32,
    /// Right.
    pub right: i32,
    /// Top.
    pub top: i32,
}

/// An outline that was loaded.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// The outline.
    pub outline: Outline,
    /// How far the next glyph is.
    pub advance: i32,
    /// What becomes of lines that are thinner than a pixel.
    pub dropout: DropoutControl,
}

/// Points of an outline at most.
const MOST: usize = 1 << 17;

struct Pen {
    outline: Outline,
    points: usize,
}

fn fixed(value: f32) -> i32 {
    // A cast of what is no number, or too large, is clamped.
    (value * 64.0).round() as i32
}

impl Pen {
    fn add(&mut self, x: f32, y: f32, kind: Kind) {
        self.points += 1;
        if self.points <= MOST
            && let Some(contour) = self.outline.contours.last_mut()
        {
            contour.push(Dot { x: fixed(x), y: fixed(y), kind });
        }
    }
}

impl PathSink for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.outline.contours.push(Vec::new());
        self.add(x, y, Kind::On);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.add(x, y, Kind::On);
    }

    fn quad_to(&mut self, cx0: f32, cy0: f32, x: f32, y: f32) {
        self.add(cx0, cy0, Kind::Conic);
        self.add(x, y, Kind::On);
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        self.add(cx0, cy0, Kind::Cubic);
        self.add(cx1, cy1, Kind::Cubic);
        self.add(x, y, Kind::On);
    }

    fn close(&mut self) {
        let Some(contour) = self.outline.contours.last_mut() else { return };
        // Files have the first point once, and leave out points in the middle between two that are leant to.
        if contour.len() > 1 && contour.first() == contour.last() {
            contour.pop();
        }
        drop_middles(contour);
    }
}

fn drop_middles(contour: &mut Vec<Dot>) {
    let count = contour.len();
    let is_middle = |at: usize| {
        let (Some(before), Some(dot), Some(after)) =
            (contour.get((at + count - 1) % count), contour.get(at), contour.get((at + 1) % count))
        else {
            return false;
        };
        let middle = |a: i32, b: i32, c: i32| (i64::from(a) + i64::from(c) - 2 * i64::from(b)).abs() <= 1;
        dot.kind == Kind::On
            && before.kind == Kind::Conic
            && after.kind == Kind::Conic
            && middle(before.x, dot.x, after.x)
            && middle(before.y, dot.y, after.y)
    };
    // The first point stays: lines begin with one that is on them.
    let kept: Vec<Dot> =
        contour.iter().enumerate().filter(|(at, _)| *at == 0 || !is_middle(*at)).map(|(_, dot)| *dot).collect();
    *contour = kept;
}

/// Loads a glyph's outline; `None` if the font has none, or a broken one.
pub fn load(scaler: &ScalerFont, glyph: u32) -> Option<Drawn> {
    let outline = scaler.outline(GlyphId::new(glyph))?;
    let mut pen = Pen { outline: Outline::default(), points: 0 };
    let metrics = outline.draw(DrawMemory::Scratch, &mut pen).ok()?;
    if pen.points > MOST {
        return None;
    }
    pen.outline.contours.retain(|contour| contour.len() > 1);
    let advance = metrics.h_advance.or_else(|| {
        let ppem = scaler.ppem()?;
        let font = scaler.font();
        let advance = font.glyph_metrics().h_advance_exact(GlyphId::new(glyph)).to_f32();
        Some(advance * ppem / f32::from(font.units_per_em()))
    });
    Some(Drawn { outline: pen.outline, advance: fixed(advance.unwrap_or(0.0)), dropout: metrics.dropout_control })
}

impl Outline {
    /// All points.
    pub fn dots(&self) -> impl Iterator<Item = &Dot> {
        self.contours.iter().flatten()
    }

    /// The box around all points, those that curves lean to among them.
    pub fn bounds(&self) -> Box {
        let mut dots = self.dots();
        let Some(first) = dots.next() else { return Box::default() };
        let start = Box { left: first.x, bottom: first.y, right: first.x, top: first.y };
        dots.fold(start, |all, dot| Box {
            left: all.left.min(dot.x),
            bottom: all.bottom.min(dot.y),
            right: all.right.max(dot.x),
            top: all.top.max(dot.y),
        })
    }

    /// Stretches and turns it.
    pub fn transform(&mut self, matrix: &Matrix) {
        for dot in self.contours.iter_mut().flatten() {
            (dot.x, dot.y) = matrix.apply((dot.x, dot.y));
        }
    }

    /// Moves it.
    pub fn shift(&mut self, x: i32, y: i32) {
        for dot in self.contours.iter_mut().flatten() {
            (dot.x, dot.y) = (dot.x.saturating_add(x), dot.y.saturating_add(y));
        }
    }

    /// Twice the area within, less than 0 where lines go clockwise.
    fn area(&self) -> i128 {
        let of = |contour: &Vec<Dot>| -> i128 {
            let next = contour.iter().cycle().skip(1);
            contour
                .iter()
                .zip(next)
                .map(|(a, b)| (i128::from(b.y) - i128::from(a.y)) * (i128::from(b.x) + i128::from(a.x)))
                .sum()
        };
        self.contours.iter().map(of).sum()
    }

    /// Makes strokes thicker, as FreeType does: every point goes outwards, along the line that halves its angle.
    pub fn embolden(&mut self, strength: i32) {
        self.embolden_along(strength, strength);
    }

    /// The same with a strength across and another one up.
    pub fn embolden_along(&mut self, across: i32, up: i32) {
        let strength = (across / 2, up / 2);
        let area = self.area();
        if strength == (0, 0) || area == 0 {
            return;
        }
        for contour in &mut self.contours {
            embolden(contour, strength, area < 0);
        }
    }
}

/// A vector of length 1 in 16.16, and how long it was.
fn unit(x: i32, y: i32) -> ((i32, i32), i32) {
    let length = f64::from(x).hypot(f64::from(y));
    if length == 0.0 {
        return ((0, 0), 0);
    }
    let part = |value: i32| (f64::from(value) / length * 65536.0).round() as i32;
    ((part(x), part(y)), length.round() as i32)
}

fn embolden(dots: &mut [Dot], strength: (i32, i32), clockwise: bool) {
    let count = dots.len();
    if count < 2 {
        return;
    }
    let (mut from, mut to, mut anchor) = (count - 1, 0, None::<(usize, (i32, i32), i32)>);
    let (mut inward, mut inward_length) = ((0, 0), 0);
    // Each point is met once, and the one that was moved first once more.
    for _ in 0..2 * count + 2 {
        if to == from || anchor.is_some_and(|(at, ..)| at == from) {
            break;
        }
        let (outward, outward_length) = match anchor {
            Some((at, direction, length)) if at == to => (direction, length),
            _ => {
                let (Some(a), Some(b)) = (dots.get(from), dots.get(to)) else { return };
                unit(b.x.saturating_sub(a.x), b.y.saturating_sub(a.y))
            }
        };
        let next = if to + 1 < count { to + 1 } else { 0 };
        if outward_length == 0 {
            to = next;
            continue;
        }
        if inward_length != 0 {
            if anchor.is_none() {
                anchor = Some((from, inward, inward_length));
            }
            let shift = corner(inward, outward, inward_length.min(outward_length), strength, clockwise);
            while from != to {
                if let Some(dot) = dots.get_mut(from) {
                    dot.x = dot.x.saturating_add(strength.0).saturating_add(shift.0);
                    dot.y = dot.y.saturating_add(strength.1).saturating_add(shift.1);
                }
                from = if from + 1 < count { from + 1 } else { 0 };
            }
        } else {
            from = to;
        }
        (inward, inward_length) = (outward, outward_length);
        to = next;
    }
}

/// How far a corner goes, beside what all points are moved by.
fn corner(inward: (i32, i32), outward: (i32, i32), length: i32, strength: (i32, i32), clockwise: bool) -> (i32, i32) {
    let along = mul_fix(inward.0, outward.0).saturating_add(mul_fix(inward.1, outward.1));
    // Sharper turns than about 160 degrees stay.
    if along <= -0xf000 {
        return (0, 0);
    }
    let along = along + 0x1_0000;
    let (mut x, mut y) = (inward.1 + outward.1, inward.0 + outward.0);
    let mut across = mul_fix(outward.0, inward.1) - mul_fix(outward.1, inward.0);
    if clockwise {
        (x, across) = (-x, -across);
    } else {
        y = -y;
    }
    let part = |value: i32, strength: i32| {
        let far = mul_fix(strength, across) <= mul_fix(length, along);
        if far { mul_div(value, strength, along) } else { mul_div(value, length, across) }
    };
    (part(x, strength.0), part(y, strength.1))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A square, clockwise.
    pub fn square(left: i32, bottom: i32, size: i32) -> Outline {
        let corners = [(0, 0), (0, size), (size, size), (size, 0)];
        let dots = corners.map(|(x, y)| Dot { x: left + x, y: bottom + y, kind: Kind::On });
        Outline { contours: vec![dots.to_vec()] }
    }

    #[test]
    fn bold_is_thicker() {
        let mut outline = square(0, 0, 640);
        outline.embolden(64);
        let bounds = outline.bounds();
        assert_eq!((bounds.left, bounds.bottom, bounds.right, bounds.top), (0, 0, 704, 704));
        let mut empty = Outline::default();
        empty.embolden(64);
        assert_eq!(empty.bounds(), Box::default());
    }

    #[test]
    fn middles_are_left_out() {
        let dot = |x, y, kind| Dot { x, y, kind };
        let mut contour = vec![
            dot(0, 0, Kind::On),
            dot(0, 64, Kind::Conic),
            dot(32, 64, Kind::On),
            dot(64, 64, Kind::Conic),
            dot(64, 0, Kind::On),
        ];
        drop_middles(&mut contour);
        assert_eq!(contour.len(), 4);
        assert!(!contour.contains(&dot(32, 64, Kind::On)));
    }
}
