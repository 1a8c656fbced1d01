//! Transforms of the plane, in the order that PDF and XFORM have: `x' = a x + c y + e`, `y' = b x + d y + f`.

/// A point.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spot {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

/// The point.
pub const fn spot(x: f64, y: f64) -> Spot {
    Spot { x, y }
}

impl Spot {
    /// Moved by a multiple of a vector.
    #[must_use]
    pub fn plus(self, by: Spot, times: f64) -> Spot {
        spot(self.x + by.x * times, self.y + by.y * times)
    }
}

/// A number as PDF takes it: its readers know none that are larger, and the crate's own counts end with 32 bits.
pub fn tame(value: f64) -> f32 {
    const FAR: f64 = 1e8;
    if value.is_nan() { 0.0 } else { value.clamp(-FAR, FAR) as f32 }
}

/// A transform: a, b, c, d, e, f.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Matrix(pub [f64; 6]);

impl Default for Matrix {
    fn default() -> Matrix {
        Matrix([1.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    }
}

impl Matrix {
    /// First this one, then the other.
    #[must_use]
    pub fn then(&self, next: &Matrix) -> Matrix {
        let ([a, b, c, d, e, f], [na, nb, nc, nd, ne, nf]) = (self.0, next.0);
        Matrix([
            a * na + b * nc,
            a * nb + b * nd,
            c * na + d * nc,
            c * nb + d * nd,
            e * na + f * nc + ne,
            e * nb + f * nd + nf,
        ])
    }

    /// Where a point comes to lie.
    pub fn apply(&self, at: Spot) -> Spot {
        let [a, b, c, d, e, f] = self.0;
        spot(a * at.x + c * at.y + e, b * at.x + d * at.y + f)
    }

    /// What a vector becomes.
    pub fn turn(&self, by: Spot) -> Spot {
        let [a, b, c, d, ..] = self.0;
        spot(a * by.x + c * by.y, b * by.x + d * by.y)
    }

    /// How many times larger an area becomes; less than 0: turned over.
    pub fn determinant(&self) -> f64 {
        let [a, b, c, d, ..] = self.0;
        a * d - b * c
    }

    /// How many times longer a line becomes, in the mean of all directions.
    pub fn scale(&self) -> f64 {
        self.determinant().abs().sqrt()
    }

    /// Back again; `None` if it leaves no area.
    pub fn inverse(&self) -> Option<Matrix> {
        let size = self.determinant();
        if size.abs() < 1e-12 || !size.is_finite() {
            return None;
        }
        let [a, b, c, d, e, f] = self.0;
        Some(Matrix([d / size, -b / size, -c / size, a / size, (c * f - d * e) / size, (b * e - a * f) / size]))
    }

    /// Whether upright rectangles stay such.
    pub fn is_upright(&self) -> bool {
        let [_, b, c, ..] = self.0;
        b.abs() < 1e-9 && c.abs() < 1e-9
    }

    /// As PDF takes it.
    pub fn narrow(&self) -> [f32; 6] {
        self.0.map(tame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let there = Matrix([2.0, 1.0, -1.0, 3.0, 10.0, 20.0]);
        assert_eq!(there.apply(spot(1.0, 2.0)), spot(10.0, 27.0));
        let back = there.inverse().unwrap().apply(spot(10.0, 27.0));
        assert!((back.x - 1.0).abs() < 1e-9 && (back.y - 2.0).abs() < 1e-9);
        assert_eq!(there.then(&Matrix::default()), there);
        assert!(Matrix([0.0; 6]).inverse().is_none());
        assert_eq!([tame(f64::NAN), tame(f64::INFINITY), tame(-0.5)], [0.0, 1e8, -0.5]);
    }
}
