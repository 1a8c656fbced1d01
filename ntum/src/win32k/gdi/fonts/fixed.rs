//! Arithmetic of FreeType's numbers: 26.6 for pixels, 16.16 for factors. Products are rounded to the nearest number, halves
//! away from zero; nothing overflows.

fn narrow(value: i128) -> i32 {
    value.clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

/// `a * b / c`.
pub fn mul_div(a: i32, b: i32, c: i32) -> i32 {
    let (product, divisor) = (i128::from(a) * i128::from(b), i128::from(c));
    if divisor == 0 {
        return if product < 0 { -i32::MAX } else { i32::MAX };
    }
    let magnitude = (product.abs() + divisor.abs() / 2) / divisor.abs();
    narrow(if (product < 0) == (divisor < 0) { magnitude } else { -magnitude })
}

/// A product with a factor of 16.16.
pub fn mul_fix(a: i32, factor: i32) -> i32 {
    let product = i128::from(a) * i128::from(factor);
    let magnitude = (product.abs() + 0x8000) >> 16;
    narrow(if product < 0 { -magnitude } else { magnitude })
}

/// A factor of a number.
pub fn factor(value: f64) -> i32 {
    (value * 65536.0) as i32
}

/// A matrix of factors: `x' = xx x + xy y`, `y' = yx x + yy y`, with y up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matrix {
    /// Row 1.
    pub xx: i32,
    /// Row 1.
    pub xy: i32,
    /// Row 2.
    pub yx: i32,
    /// Row 2.
    pub yy: i32,
}

impl Matrix {
    /// Changes nothing.
    pub const IDENTITY: Matrix = Matrix { xx: 0x1_0000, xy: 0, yx: 0, yy: 0x1_0000 };

    /// First the other one, then this one.
    #[must_use]
    pub fn after(&self, first: &Matrix) -> Matrix {
        let sum = |a: i32, b: i32, c: i32, d: i32| mul_fix(a, b).saturating_add(mul_fix(c, d));
        Matrix {
            xx: sum(self.xx, first.xx, self.xy, first.yx),
            xy: sum(self.xx, first.xy, self.xy, first.yy),
            yx: sum(self.yx, first.xx, self.yy, first.yx),
            yy: sum(self.yx, first.xy, self.yy, first.yy),
        }
    }

    /// Where a point comes to lie.
    pub fn apply(&self, (x, y): (i32, i32)) -> (i32, i32) {
        let sum = |a: i32, b: i32| mul_fix(x, a).saturating_add(mul_fix(y, b));
        (sum(self.xx, self.xy), sum(self.yx, self.yy))
    }
}

/// The length of a vector.
pub fn length((x, y): (i32, i32)) -> i32 {
    if y == 0 {
        return x.saturating_abs();
    }
    f64::from(x).hypot(f64::from(y)).round().min(f64::from(i32::MAX)) as i32
}

/// Down to whole pixels.
pub const fn floor(value: i32) -> i32 {
    value & -64
}

/// Up to whole pixels.
pub const fn ceil(value: i32) -> i32 {
    value.saturating_add(63) & -64
}

/// To the nearest whole pixel.
pub const fn round(value: i32) -> i32 {
    value.saturating_add(32) & -64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_away_from_zero() {
        assert_eq!([mul_div(7, 1, 2), mul_div(-7, 1, 2), mul_div(7, 1, -2)], [4, -4, -4]);
        assert_eq!([mul_fix(1, 0x8000), mul_fix(-1, 0x8000), mul_fix(3, 0x1_0000)], [1, -1, 3]);
        assert_eq!([floor(-1), ceil(-1), ceil(1), round(32), round(31)], [-64, 0, 64, 64, 0]);
        assert_eq!(mul_div(1, 1, 0), i32::MAX);
    }

    #[test]
    fn matrices_follow_each_other() {
        let turn = Matrix { xx: 0, xy: -0x1_0000, yx: 0x1_0000, yy: 0 };
        let wide = Matrix { xx: 0x2_0000, ..Matrix::IDENTITY };
        assert_eq!(turn.after(&wide).apply((64, 0)), (0, 128));
        assert_eq!(wide.after(&turn).apply((64, 0)), (0, 64));
        assert_eq!(length((3, 4)), 5);
    }
}
