//! Complex functions of C, with the special values of its standard (C11, annex G).
//!
//! Inverse functions after Kahan, "Branch cuts for complex elementary functions" (1987): they keep the sign of a zero, which says
//! on which side of a cut a number lies.

/// A complex number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Complex {
    /// Real part.
    pub re: f64,
    /// Imaginary part.
    pub im: f64,
}

/// What is no number.
pub const NAN: Complex = complex(f64::NAN, f64::NAN);
/// exp of more overflows.
const LARGEST_EXP: f64 = 709.0;

/// The number with these parts.
pub const fn complex(re: f64, im: f64) -> Complex {
    Complex { re, im }
}

/// i times a number.
fn times_i(z: Complex) -> Complex {
    complex(-z.im, z.re)
}

/// A number divided by i.
fn over_i(z: Complex) -> Complex {
    complex(z.im, -z.re)
}

pub fn conj(z: Complex) -> Complex {
    complex(z.re, -z.im)
}

pub fn abs(z: Complex) -> f64 {
    z.re.hypot(z.im)
}

pub fn arg(z: Complex) -> f64 {
    z.im.atan2(z.re)
}

/// Real part, as `creal` has it.
pub fn real(z: Complex) -> f64 {
    z.re
}

/// The square of the absolute value.
pub fn norm(z: Complex) -> f64 {
    z.re * z.re + z.im * z.im
}

pub fn mul(a: Complex, b: Complex) -> Complex {
    complex(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)
}

/// Projection onto the sphere, which has one infinity.
pub fn proj(z: Complex) -> Complex {
    if z.re.is_infinite() || z.im.is_infinite() { complex(f64::INFINITY, 0.0_f64.copysign(z.im)) } else { z }
}

/// `size * exp(x)` where exp(x) alone may overflow.
fn scaled(x: f64, size: f64) -> f64 {
    if x <= LARGEST_EXP {
        return x.exp() * size;
    }
    let half = (x / 2.0).exp();
    half * size * half
}

pub fn exp(z: Complex) -> Complex {
    let Complex { re: x, im: y } = z;
    if y == 0.0 {
        return complex(x.exp(), y);
    }
    if x == f64::NEG_INFINITY && !y.is_finite() {
        return complex(0.0, 0.0_f64.copysign(y));
    }
    if x == f64::INFINITY && !y.is_finite() {
        return complex(f64::INFINITY, f64::NAN);
    }
    complex(scaled(x, y.cos()), scaled(x, y.sin()))
}

/// Natural logarithm. Near the unit circle it is worked out from the distance to it, which hypot would round away.
pub fn log(z: Complex) -> Complex {
    let (large, small) = (z.re.abs().max(z.im.abs()), z.re.abs().min(z.im.abs()));
    let size = abs(z);
    let re = if (0.5..2.0).contains(&size) {
        0.5 * ((large - 1.0) * (large + 1.0) + small * small).ln_1p()
    } else if large > f64::MAX / 2.0 && size == f64::INFINITY && large.is_finite() {
        (z.re / 2.0).hypot(z.im / 2.0).ln() + std::f64::consts::LN_2
    } else {
        size.ln()
    };
    complex(re, arg(z))
}

pub fn log10(z: Complex) -> Complex {
    let natural = log(z);
    complex(natural.re / std::f64::consts::LN_10, natural.im / std::f64::consts::LN_10)
}

pub fn pow(base: Complex, exponent: Complex) -> Complex {
    if exponent == complex(0.0, 0.0) {
        return complex(1.0, 0.0);
    }
    if base == complex(0.0, 0.0) && exponent.re > 0.0 {
        return complex(0.0, 0.0);
    }
    exp(mul(exponent, log(base)))
}

pub fn sqrt(z: Complex) -> Complex {
    let Complex { re: a, im: b } = z;
    if a == 0.0 && b == 0.0 {
        return complex(0.0, b);
    }
    if b.is_infinite() {
        return complex(f64::INFINITY, b);
    }
    if a.is_nan() {
        return complex(a, f64::NAN);
    }
    if a.is_infinite() {
        let other = if b.is_finite() { 0.0 } else { f64::NAN };
        return if a < 0.0 { complex(other.abs(), a.copysign(b)) } else { complex(a, other.copysign(b)) };
    }
    // Neither may the sum overflow nor a small number lose its bits.
    let large = a.abs().max(b.abs());
    let (scale, back) = if large > f64::MAX / 4.0 {
        (0.25, 2.0)
    } else if large < f64::MIN_POSITIVE * 4.0 {
        (2.0_f64.powi(108), 2.0_f64.powi(-54))
    } else {
        (1.0, 1.0)
    };
    let (a, b) = (a * scale, b * scale);
    if a >= 0.0 {
        let root = ((a + a.hypot(b)) * 0.5).sqrt();
        complex(root * back, b / (2.0 * root) * back)
    } else {
        let root = ((-a + a.hypot(b)) * 0.5).sqrt();
        complex(b.abs() / (2.0 * root) * back, root.copysign(b) * back)
    }
}

pub fn sinh(z: Complex) -> Complex {
    let Complex { re: x, im: y } = z;
    if y == 0.0 {
        return complex(x.sinh(), y);
    }
    if !y.is_finite() {
        return if x == 0.0 {
            complex(x, f64::NAN)
        } else {
            complex(if x.is_infinite() { x } else { f64::NAN }, f64::NAN)
        };
    }
    if x == 0.0 {
        return complex(x * y.cos(), y.sin());
    }
    if x.abs() > LARGEST_EXP {
        let size = x.abs();
        return complex(scaled(size, y.cos() * 0.5) * x.signum(), scaled(size, y.sin() * 0.5));
    }
    complex(x.sinh() * y.cos(), x.cosh() * y.sin())
}

pub fn cosh(z: Complex) -> Complex {
    let Complex { re: x, im: y } = z;
    if y == 0.0 {
        return complex(x.cosh(), x.signum() * y);
    }
    if !y.is_finite() {
        return if x == 0.0 {
            complex(f64::NAN, x)
        } else {
            complex(if x.is_infinite() { x.abs() } else { f64::NAN }, f64::NAN)
        };
    }
    if x == 0.0 {
        return complex(y.cos(), x * y.sin());
    }
    if x.abs() > LARGEST_EXP {
        let size = x.abs();
        return complex(scaled(size, y.cos() * 0.5), scaled(size, y.sin() * 0.5) * x.signum());
    }
    complex(x.cosh() * y.cos(), x.sinh() * y.sin())
}

pub fn tanh(z: Complex) -> Complex {
    let Complex { re: x, im: y } = z;
    if x.is_nan() {
        return complex(x, if y == 0.0 { y } else { f64::NAN });
    }
    if x.abs() >= 22.0 {
        // e to the power of -4|x| is nothing beside 1.
        let side = if x.is_infinite() {
            0.0_f64.copysign(if y.is_finite() { (2.0 * y).sin() } else { y })
        } else {
            4.0 * y.sin() * y.cos() * (-2.0 * x.abs()).exp()
        };
        return complex(1.0_f64.copysign(x), side);
    }
    if !y.is_finite() {
        return complex(if x == 0.0 { x } else { f64::NAN }, f64::NAN);
    }
    let (tangent, sine) = (y.tan(), x.sinh());
    let beta = 1.0 + tangent * tangent;
    let rho = (1.0 + sine * sine).sqrt();
    if tangent.is_infinite() {
        return complex(rho / sine, 1.0 / tangent);
    }
    let below = 1.0 + beta * sine * sine;
    complex(beta * rho * sine / below, tangent / below)
}

pub fn sin(z: Complex) -> Complex {
    over_i(sinh(times_i(z)))
}

pub fn cos(z: Complex) -> Complex {
    cosh(times_i(z))
}

pub fn tan(z: Complex) -> Complex {
    over_i(tanh(times_i(z)))
}

/// Square roots of 1 - z and of 1 + z.
fn roots(z: Complex) -> (Complex, Complex) {
    (sqrt(complex(1.0 - z.re, -z.im)), sqrt(complex(1.0 + z.re, z.im)))
}

pub fn asin(z: Complex) -> Complex {
    let (minus, plus) = roots(z);
    complex(z.re.atan2(mul(minus, plus).re), mul(conj(minus), plus).im.asinh())
}

pub fn acos(z: Complex) -> Complex {
    let (minus, plus) = roots(z);
    complex(2.0 * minus.re.atan2(plus.re), mul(conj(plus), minus).im.asinh())
}

pub fn acosh(z: Complex) -> Complex {
    let minus = sqrt(complex(z.re - 1.0, z.im));
    let plus = sqrt(complex(z.re + 1.0, z.im));
    complex(mul(conj(minus), plus).re.asinh(), 2.0 * minus.im.atan2(plus.re))
}

pub fn asinh(z: Complex) -> Complex {
    over_i(asin(times_i(z)))
}

pub fn atanh(z: Complex) -> Complex {
    let Complex { re: x, im: y } = z;
    let away = (1.0 - x) * (1.0 - x) + y * y;
    // Far from the cuts the distance would overflow.
    let re = if away.is_finite() { (4.0 * x / away).ln_1p() / 4.0 } else { 0.0_f64.copysign(x) };
    let across = (1.0 - x) * (1.0 + x) - y * y;
    let im = if across.is_nan() { std::f64::consts::PI.copysign(y) } else { (2.0 * y).atan2(across) };
    complex(re, im / 2.0)
}

pub fn atan(z: Complex) -> Complex {
    over_i(atanh(times_i(z)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTS: [Complex; 7] = [
        complex(0.3, 0.4),
        complex(-0.7, 0.2),
        complex(1.5, -2.5),
        complex(-3.0, -0.1),
        complex(1e-9, 1e-9),
        complex(0.0, 0.9),
        complex(12.0, 3.0),
    ];

    #[track_caller]
    fn near(got: Complex, want: Complex) {
        let off = abs(complex(got.re - want.re, got.im - want.im));
        assert!(off <= 1e-14 * abs(want).max(1e-9), "{got:?} {want:?}");
    }

    #[test]
    fn inverses_invert() {
        for z in POINTS {
            near(exp(log(z)), z);
            near(mul(sqrt(z), sqrt(z)), z);
            near(sin(asin(z)), z);
            near(tan(atan(z)), z);
            near(sinh(asinh(z)), z);
            near(tanh(atanh(z)), z);
            near(pow(z, complex(2.0, 0.0)), mul(z, z));
            // A cosine is no better than what is near 1 can be.
            for back in [cos(acos(z)), cosh(acosh(z))] {
                assert!(abs(complex(back.re - z.re, back.im - z.im)) < 1e-14 * abs(z).max(1.0), "{back:?} {z:?}");
            }
        }
    }

    /// Python's cmath says so.
    #[test]
    fn known_values() {
        near(exp(complex(1.0, 2.0)), complex(-1.1312043837568135, 2.4717266720048188));
        near(log(complex(-3.0, 4.0)), complex(1.6094379124341003, 2.214297435588181));
        near(sqrt(complex(-3.0, 4.0)), complex(1.0, 2.0));
        near(asin(complex(2.0, 1.0)), complex(1.0634400235777521, 1.4693517443681852));
        near(atan(complex(2.0, 1.0)), complex(1.1780972450961724, 0.17328679513998632));
        near(tanh(complex(0.5, 1.5)), complex(2.124799127742997, 0.2551492218136518));
        near(acosh(complex(-2.0, 0.5)), complex(1.3618009008578458, 2.863838397032079));
    }

    #[test]
    fn zeros_keep_their_sign() {
        assert_eq!(sqrt(complex(-4.0, -0.0)), complex(0.0, -2.0));
        assert_eq!(sqrt(complex(-4.0, 0.0)), complex(0.0, 2.0));
        assert!(exp(complex(0.0, -0.0)).im.is_sign_negative());
        assert!(asin(complex(-0.0, 0.0)).re.is_sign_negative());
        assert_eq!(log(complex(-1.0, -0.0)).im, -std::f64::consts::PI);
    }

    #[test]
    fn large_numbers_do_not_overflow_on_the_way() {
        assert_eq!(sqrt(complex(f64::MAX, 0.0)).re, f64::MAX.sqrt());
        near(sqrt(complex(5e-324, 0.0)), complex(5e-324_f64.sqrt(), 0.0));
        assert!(exp(complex(710.0, 1.57)).re.is_finite());
        assert!(log(complex(f64::MAX, f64::MAX)).re.is_finite());
        for sign in [1.0, -1.0] {
            let large = sinh(complex(sign * 710.0, 2.0));
            let want = complex(sign * 2.0_f64.cos() * 710.0_f64.sinh(), 2.0_f64.sin() * 710.0_f64.cosh());
            assert!((large.re / want.re - 1.0).abs() < 1e-12 && (large.im / want.im - 1.0).abs() < 1e-12, "{large:?}");
            let large = cosh(complex(sign * 710.0, 2.0));
            assert!(
                (large.re / (sign * want.re) - 1.0).abs() < 1e-12 && (large.im / (sign * want.im) - 1.0).abs() < 1e-12
            );
        }
        assert_eq!(exp(complex(f64::NEG_INFINITY, f64::NAN)).re, 0.0);
        assert_eq!(tanh(complex(f64::INFINITY, 1.0)), complex(1.0, 0.0));
    }
}
