//! Outlines as GetGlyphOutline gives them: TTPOLYGONHEADER and TTPOLYCURVE, points as POINTFX.

use super::outline::{Dot, Kind, Outline};

/// TT_POLYGON_TYPE.
const POLYGON: u32 = 24;
/// What a stretch of an outline consists of (TT_PRIM_*).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Primitive {
    /// Lines.
    Line = 1,
    /// Curves of the second degree.
    Conic = 2,
    /// Curves of the third degree.
    Cubic = 3,
}

/// FIXED of a number of 64ths: the fraction's bits are repeated.
fn fixed(value: i32, out: &mut Vec<u8>) {
    let fraction = ((value & 0x3f) << 10) as u16;
    out.extend((fraction | fraction >> 6 | fraction >> 12).to_le_bytes());
    out.extend(((value >> 6) as i16).to_le_bytes());
}

fn point((x, y): (i32, i32), out: &mut Vec<u8>) {
    fixed(x, out);
    fixed(y, out);
}

/// The curves of a contour: kind and points.
pub type Curves = Vec<(Primitive, Vec<(i32, i32)>)>;

fn bytes_of(contours: impl Iterator<Item = (Dot, Curves)>) -> Vec<u8> {
    let mut all = Vec::new();
    for (start, curves) in contours {
        let mut body = Vec::new();
        for (kind, points) in curves {
            body.extend((kind as u16).to_le_bytes());
            body.extend((points.len() as u16).to_le_bytes());
            points.into_iter().for_each(|place| point(place, &mut body));
        }
        all.extend((body.len() as u32 + 16).to_le_bytes());
        all.extend(POLYGON.to_le_bytes());
        point((start.x, start.y), &mut all);
        all.extend(body);
    }
    all
}

/// Consecutive points that are all on the line, or all not.
fn same_kind(contour: &[Dot], at: usize) -> usize {
    let Some(first) = contour.get(at) else { return 0 };
    let on = first.kind == Kind::On;
    contour.iter().skip(at).take_while(|dot| (dot.kind == Kind::On) == on).count()
}

fn native(contour: &[Dot]) -> Curves {
    let mut curves = Curves::new();
    let mut at = 1;
    while let Some(dot) = contour.get(at) {
        let count = same_kind(contour, at);
        let mut points: Vec<_> = contour.iter().skip(at).take(count).map(|dot| (dot.x, dot.y)).collect();
        at += count;
        let kind = if dot.kind == Kind::On { Primitive::Line } else { Primitive::Conic };
        if kind == Primitive::Conic {
            // A curve has the point where it ends, which is the contour's first where there is no other.
            let end = contour.get(at).or(contour.first());
            points.extend(end.map(|dot| (dot.x, dot.y)));
            at += 1;
        }
        curves.push((kind, points));
    }
    curves
}

/// Half way, rounded as Wine does.
fn middle(a: (i32, i32), b: (i32, i32)) -> (i32, i32) {
    let half = |a: i32, b: i32| ((i64::from(a) + i64::from(b) + 1) >> 1) as i32;
    (half(a.0, b.0), half(a.1, b.1))
}

/// A control point of a curve of the third degree, of one of the second.
pub(super) fn third(control: i32, end: i32) -> i32 {
    ((2 * i64::from(control) + 1) / 3 + (i64::from(end) + 1) / 3) as i32
}

fn bezier(contour: &[Dot]) -> Curves {
    let mut curves = Curves::new();
    let place = |dot: &Dot| (dot.x, dot.y);
    let mut at = 1;
    while let Some(dot) = contour.get(at) {
        let count = same_kind(contour, at);
        let mut points = Vec::new();
        match dot.kind {
            Kind::On => points.extend(contour.iter().skip(at).take(count).map(place)),
            Kind::Cubic => {
                points.extend(contour.iter().skip(at).take(count).map(place));
                points.extend(contour.get(at + count).or(contour.first()).map(place));
            }
            Kind::Conic => {
                for index in at..at + count {
                    let (Some(before), Some(control)) = (contour.get(index.wrapping_sub(1)), contour.get(index)) else {
                        break;
                    };
                    let control = place(control);
                    let from = if before.kind == Kind::On { place(before) } else { middle(place(before), control) };
                    let to = match contour.get(index + 1) {
                        None => contour.first().map_or(control, place),
                        Some(after) if after.kind == Kind::On => place(after),
                        Some(after) => middle(place(after), control),
                    };
                    points.push((third(control.0, from.0), third(control.1, from.1)));
                    points.push((third(control.0, to.0), third(control.1, to.1)));
                    points.push(to);
                }
            }
        }
        at += count;
        if dot.kind != Kind::On {
            at += 1;
        }
        curves.push((if dot.kind == Kind::On { Primitive::Line } else { Primitive::Cubic }, points));
    }
    curves
}

impl Outline {
    /// With curves as the font has them (GGO_NATIVE).
    pub fn native(&self) -> Vec<u8> {
        self.as_curves(native)
    }

    /// With curves of the third degree (GGO_BEZIER).
    pub fn bezier(&self) -> Vec<u8> {
        self.as_curves(bezier)
    }

    /// Its contours, each with the point that it begins at, with curves as the font has them.
    pub fn curves(&self) -> impl Iterator<Item = (Dot, Curves)> {
        self.contours.iter().filter_map(|contour| Some((*contour.first()?, native(contour))))
    }

    fn as_curves(&self, curves: fn(&[Dot]) -> Curves) -> Vec<u8> {
        bytes_of(self.contours.iter().filter_map(|contour| Some((*contour.first()?, curves(contour)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contour() -> Outline {
        let dot = |x, y, kind| Dot { x, y, kind };
        Outline {
            contours: vec![vec![
                dot(0, 0, Kind::On),
                dot(0, 64, Kind::On),
                dot(32, 96, Kind::Conic),
                dot(64, 64, Kind::Conic),
                dot(64, 0, Kind::On),
            ]],
        }
    }

    #[test]
    fn curves_have_their_ends() {
        let bytes = contour().native();
        let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        assert_eq!(bytes.len() as u32, u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        assert_eq!([half(16), half(18)], [Primitive::Line as u16, 1]);
        assert_eq!([half(28), half(30)], [Primitive::Conic as u16, 3]);
        assert_eq!(bytes.len(), 32 + 3 * 8);
        // 32 64ths are a half.
        assert_eq!([half(32), half(34)], [0x8208, 0]);
    }

    #[test]
    fn two_curves_become_six_points() {
        let bytes = contour().bezier();
        assert_eq!(bytes.len(), 32 + 6 * 8);
        assert!(Outline::default().native().is_empty());
    }
}
