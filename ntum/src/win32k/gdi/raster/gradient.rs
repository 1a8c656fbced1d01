//! Colours that change from one corner to another.

use crate::win32k::gdi::format::Format;
use crate::win32k::gdi::ink::bayer;
use crate::win32k::geometry::{Point, Rect};

/// A corner: where it lies on the device, and red, green, blue, alpha in sixteen bits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Corner {
    /// Where.
    pub at: Point,
    /// Colour.
    pub color: [u16; 4],
}

/// What a colour lies between.
#[derive(Debug, Clone)]
pub enum Gradient {
    /// From left to right.
    Across([Corner; 2], Rect),
    /// From above to below.
    Down([Corner; 2], Rect),
    /// Within three corners, the upper one first, the lower one last.
    Triangle([Corner; 3]),
}

/// Where an edge crosses a row.
fn edge(y: i32, a: Point, b: Point) -> i32 {
    let (y, dy) = (i64::from(y), i64::from(b.y) - i64::from(a.y));
    let dx = i64::from(b.x) - i64::from(a.x);
    if dy == 0 {
        return a.x;
    }
    // From the right to the left.
    let from = if dx > 0 { b } else { a };
    (i64::from(from.x) + (y - i64::from(from.y)) * dx / dy) as i32
}

impl Gradient {
    /// A gradient between two corners.
    pub fn between(one: Corner, other: Corner, down: bool) -> Gradient {
        let bounds = Rect::new(one.at.x, one.at.y, other.at.x, other.at.y).ordered();
        let swap = if down { other.at.y < one.at.y } else { other.at.x < one.at.x };
        let corners = if swap { [other, one] } else { [one, other] };
        if down { Gradient::Down(corners, bounds) } else { Gradient::Across(corners, bounds) }
    }

    /// A gradient within three corners; `None` if these lie on a line.
    pub fn triangle(a: Corner, b: Corner, c: Corner) -> Option<Gradient> {
        let corners = match (a.at.y > b.at.y, c.at.y) {
            (true, y) if y < b.at.y => [c, b, a],
            (true, y) if y < a.at.y => [b, c, a],
            (true, _) => [b, a, c],
            (false, y) if y < a.at.y => [c, a, b],
            (false, y) if y < b.at.y => [a, c, b],
            (false, _) => [a, b, c],
        };
        (determinant(&corners) != 0).then_some(Gradient::Triangle(corners))
    }

    /// The smallest rectangle around it.
    pub fn bounds(&self) -> Rect {
        match self {
            Gradient::Across(_, bounds) | Gradient::Down(_, bounds) => *bounds,
            Gradient::Triangle(corners) => {
                let xs = corners.map(|corner| corner.at.x);
                let [a, b, c] = xs;
                Rect::new(a.min(b).min(c), corners[0].at.y, a.max(b).max(c), corners[2].at.y)
            }
        }
    }

    /// Columns of a row that it covers.
    pub fn columns(&self, y: i32) -> (i32, i32) {
        match self {
            Gradient::Across(_, bounds) | Gradient::Down(_, bounds) => (bounds.left, bounds.right),
            Gradient::Triangle([top, middle, bottom]) => {
                let one = if y < middle.at.y { edge(y, top.at, middle.at) } else { edge(y, middle.at, bottom.at) };
                let other = edge(y, top.at, bottom.at);
                (one.min(other), one.max(other))
            }
        }
    }

    /// A part of the colour at a place, times 256, divided by `by`.
    fn parts(&self, x: i32, y: i32, by: i64) -> [i64; 4] {
        let linear = |corners: &[Corner; 2], place: i32, first: i32, end: i32| {
            let length = (i64::from(end) - i64::from(first)).max(1);
            let along = i64::from(place) - i64::from(first);
            core::array::from_fn(|part| {
                let of = |corner: usize| i64::from(corners[corner].color[part]);
                (of(0) * (length - along) + of(1) * along) / length / by
            })
        };
        match self {
            Gradient::Across(corners, bounds) => linear(corners, x, bounds.left, bounds.right),
            Gradient::Down(corners, bounds) => linear(corners, y, bounds.top, bounds.bottom),
            Gradient::Triangle(corners) => {
                let det = determinant(corners);
                let [a, b, c] = corners.map(|corner| (i64::from(corner.at.x), i64::from(corner.at.y)));
                let (x, y) = (i64::from(x), i64::from(y));
                let one = (b.1 - c.1) * (x - c.0) - (b.0 - c.0) * (y - c.1);
                let other = (c.1 - a.1) * (x - c.0) - (c.0 - a.0) * (y - c.1);
                core::array::from_fn(|part| {
                    let of = |corner: usize| i128::from(corners[corner].color[part]);
                    let weight =
                        of(0) * i128::from(one) + of(1) * i128::from(other) + of(2) * i128::from(det - one - other);
                    (weight / i128::from(det) / i128::from(by)) as i64
                })
            }
        }
    }

    /// The pixel at a place. Few colours are mixed in patterns.
    pub fn pixel(&self, format: &Format, x: i32, y: i32) -> u32 {
        let byte = |value: i64| value as u32 & 0xff;
        let place = |bits| i64::from(bayer(x as u32 & 15, y as u32 & 15, bits));
        match format.depth {
            32 | 24 => {
                let [red, green, blue, alpha] = self.parts(x, y, 256).map(byte);
                let color = red << 16 | green << 8 | blue;
                if format.depth == 32 && format.masks == crate::win32k::gdi::format::MASKS_888 {
                    alpha << 24 | color
                } else {
                    format.pixel(color)
                }
            }
            16 => {
                let threshold = i64::from(bayer(x as u32 & 3, y as u32 & 3, 2));
                let five = self.parts(x, y, 128).map(|part| ((part + threshold) / 16).clamp(0, 31) as u32);
                let [red, green, blue, _] = five.map(|part| part << 3 | part >> 2);
                format.pixel(red << 16 | green << 8 | blue)
            }
            _ => {
                let mixed = self.parts(x, y, 128).map(|part| (byte((part + place(4)) / 256) * 127) & 0xff);
                format.pixel(mixed[0] << 16 | mixed[1] << 8 | mixed[2])
            }
        }
    }
}

fn determinant(corners: &[Corner; 3]) -> i64 {
    let [a, b, c] = corners.map(|corner| (i64::from(corner.at.x), i64::from(corner.at.y)));
    (c.1 - b.1) * (c.0 - a.0) - (c.0 - b.0) * (c.1 - a.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corner(x: i32, y: i32, grey: u16) -> Corner {
        Corner { at: Point::new(x, y), color: [grey, grey, grey, 0] }
    }

    #[test]
    fn colours_go_from_corner_to_corner() {
        let format = Format::bgrx();
        let across = Gradient::between(corner(10, 5, 0xff00), corner(0, 0, 0), false);
        assert_eq!(across.bounds(), Rect::new(0, 0, 10, 5));
        assert_eq!([0, 5, 9].map(|x| across.pixel(&format, x, 2)), [0, 0x7f_7f7f, 0xe5_e5e5]);
        let triangle = Gradient::triangle(corner(0, 0, 0), corner(0, 10, 0), corner(10, 10, 0xff00)).unwrap();
        assert_eq!((triangle.columns(4), triangle.pixel(&format, 0, 4)), ((0, 4), 0));
        assert!(Gradient::triangle(corner(0, 0, 0), corner(5, 5, 0), corner(10, 10, 0)).is_none());
    }
}
