//! Points, rectangles and transforms as the structures of windows and graphics have them.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// POINT, and SIZE.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Point {
    /// To the right.
    pub x: i32,
    /// Down.
    pub y: i32,
}

impl Point {
    /// The point.
    pub const fn new(x: i32, y: i32) -> Point {
        Point { x, y }
    }
}

/// RECT: what lies right of or on `left`, and left of `right`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Rect {
    /// First column.
    pub left: i32,
    /// First row.
    pub top: i32,
    /// First column beyond.
    pub right: i32,
    /// First row beyond.
    pub bottom: i32,
}

impl Rect {
    /// The rectangle with these edges.
    pub const fn new(left: i32, top: i32, right: i32, bottom: i32) -> Rect {
        Rect { left, top, right, bottom }
    }

    /// The rectangle of that place and size.
    pub const fn sized(left: i32, top: i32, width: i32, height: i32) -> Rect {
        Rect { left, top, right: left.saturating_add(width), bottom: top.saturating_add(height) }
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(&self) -> bool {
        self.left >= self.right || self.top >= self.bottom
    }

    /// Columns.
    pub const fn width(&self) -> i32 {
        self.right.wrapping_sub(self.left)
    }

    /// Rows.
    pub const fn height(&self) -> i32 {
        self.bottom.wrapping_sub(self.top)
    }

    /// What lies in both; `None` if nothing does.
    pub fn intersect(&self, other: &Rect) -> Option<Rect> {
        let both = Rect {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        };
        (!both.is_empty()).then_some(both)
    }

    /// The smallest rectangle around both; an empty one counts for nothing.
    pub fn union(&self, other: &Rect) -> Rect {
        if self.is_empty() {
            return *other;
        }
        if other.is_empty() {
            return *self;
        }
        Rect {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// Moved.
    #[must_use]
    pub const fn offset(&self, x: i32, y: i32) -> Rect {
        Rect {
            left: self.left.wrapping_add(x),
            top: self.top.wrapping_add(y),
            right: self.right.wrapping_add(x),
            bottom: self.bottom.wrapping_add(y),
        }
    }

    /// As it lies when columns of an area that is so wide are counted from the right.
    #[must_use]
    pub const fn mirrored(&self, width: i32) -> Rect {
        Rect { left: width.wrapping_sub(self.right), right: width.wrapping_sub(self.left), ..*self }
    }

    /// With each side so much further inside.
    #[must_use]
    pub const fn shrunk(&self, x: i32, y: i32) -> Rect {
        Rect {
            left: self.left.saturating_add(x),
            top: self.top.saturating_add(y),
            right: self.right.saturating_sub(x),
            bottom: self.bottom.saturating_sub(y),
        }
    }

    /// The same as far as sums of a few such numbers are numbers too.
    #[must_use]
    pub fn tamed(&self) -> Rect {
        const FAR: i32 = 1 << 28;
        let tame = |side: i32| side.clamp(-FAR, FAR);
        Rect { left: tame(self.left), top: tame(self.top), right: tame(self.right), bottom: tame(self.bottom) }
    }

    /// With edges in order, each the one it was.
    #[must_use]
    pub fn ordered(&self) -> Rect {
        Rect {
            left: self.left.min(self.right),
            top: self.top.min(self.bottom),
            right: self.left.max(self.right),
            bottom: self.top.max(self.bottom),
        }
    }

    /// Whether the point lies in it.
    pub const fn contains(&self, x: i32, y: i32) -> bool {
        x >= self.left && x < self.right && y >= self.top && y < self.bottom
    }

    /// Whether all of the other lies in it.
    pub const fn covers(&self, other: &Rect) -> bool {
        self.left <= other.left && self.top <= other.top && self.right >= other.right && self.bottom >= other.bottom
    }
}

/// Rounds as GDI does: halves up.
pub fn round(value: f64) -> i32 {
    (value + 0.5).floor() as i32
}

/// `a * b / c`, rounded away from zero at halves; -1 where there is no such number.
pub fn muldiv(a: i32, b: i32, c: i32) -> i32 {
    if c == 0 {
        return -1;
    }
    let (a, c) = if c < 0 { (-i64::from(a), -i64::from(c)) } else { (i64::from(a), i64::from(c)) };
    let product = a * i64::from(b);
    let half = c / 2;
    let result = if (a < 0) == (b < 0) { (product + half) / c } else { (product - half) / c };
    i32::try_from(result).ok().filter(|result| *result != i32::MIN).unwrap_or(-1)
}

/// XFORM.
#[derive(Debug, Clone, Copy, PartialEq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Xform {
    /// Row 1.
    pub m11: f32,
    /// Row 1.
    pub m12: f32,
    /// Row 2.
    pub m21: f32,
    /// Row 2.
    pub m22: f32,
    /// To the right.
    pub dx: f32,
    /// Down.
    pub dy: f32,
}

impl Default for Xform {
    fn default() -> Xform {
        Xform { m11: 1.0, m12: 0.0, m21: 0.0, m22: 1.0, dx: 0.0, dy: 0.0 }
    }
}

impl Xform {
    /// First this one, then the other.
    #[must_use]
    pub fn then(&self, next: &Xform) -> Xform {
        Xform {
            m11: self.m11 * next.m11 + self.m12 * next.m21,
            m12: self.m11 * next.m12 + self.m12 * next.m22,
            m21: self.m21 * next.m11 + self.m22 * next.m21,
            m22: self.m21 * next.m12 + self.m22 * next.m22,
            dx: self.dx * next.m11 + self.dy * next.m21 + next.dx,
            dy: self.dx * next.m12 + self.dy * next.m22 + next.dy,
        }
    }

    /// Back again; `None` if it leaves no area.
    pub fn inverse(&self) -> Option<Xform> {
        let determinant = f64::from(self.m11 * self.m22 - self.m12 * self.m21);
        if determinant.abs() < 1e-12 {
            return None;
        }
        let part = |value: f32| (f64::from(value) / determinant) as f32;
        let (m11, m12, m21, m22) = (part(self.m22), part(-self.m12), part(-self.m21), part(self.m11));
        Some(Xform { m11, m12, m21, m22, dx: -self.dx * m11 - self.dy * m21, dy: -self.dx * m12 - self.dy * m22 })
    }

    /// Where a point comes to lie.
    pub fn apply(&self, point: Point) -> Point {
        let (dx, dy) = (self.dx as i32, self.dy as i32);
        let moves = (self.m11, self.m12, self.m21, self.m22) == (1.0, 0.0, 0.0, 1.0);
        if moves && (dx as f32, dy as f32) == (self.dx, self.dy) {
            // Most only move, by whole numbers.
            return Point { x: point.x.saturating_add(dx), y: point.y.saturating_add(dy) };
        }
        let (x, y) = (f64::from(point.x), f64::from(point.y));
        Point {
            x: round(x * f64::from(self.m11) + y * f64::from(self.m21) + f64::from(self.dx)),
            y: round(x * f64::from(self.m12) + y * f64::from(self.m22) + f64::from(self.dy)),
        }
    }

    /// Whether it neither turns nor stretches.
    pub fn keeps_shapes(&self, other: &Xform) -> bool {
        (self.m11, self.m12, self.m21, self.m22) == (other.m11, other.m12, other.m21, other.m22)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_rounded_away_from_zero() {
        assert_eq!([muldiv(7, 3, 2), muldiv(-7, 3, 2), muldiv(7, -3, 2), muldiv(7, 3, -2)], [11, -11, -11, -11]);
        assert_eq!([muldiv(1, 1, 0), muldiv(i32::MAX, 2, 1), muldiv(1000, 508, 254)], [-1, -1, 2000]);
    }

    #[test]
    fn a_transform_leads_back() {
        let there = Xform { m11: 2.0, m12: 0.5, m21: -1.0, m22: 4.0, dx: 10.0, dy: -3.0 };
        let back = there.inverse().unwrap();
        for point in [Point::new(0, 0), Point::new(100, -40), Point::new(-7, 13)] {
            let moved = there.apply(point);
            let returned = back.apply(moved);
            assert!((returned.x - point.x).abs() <= 1 && (returned.y - point.y).abs() <= 1, "{point:?} {returned:?}");
        }
        assert!(Xform { m11: 0.0, m22: 0.0, ..there }.inverse().is_some());
        assert!(Xform { m11: 0.0, m12: 0.0, ..there }.inverse().is_none());
        assert_eq!(Xform::default().then(&there), there);
    }
}
