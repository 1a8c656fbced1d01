//! What of a device a program may set beside drawing on it: gamma ramps, colour adjustment, the pixel format of OpenGL.

use super::dc::Device;
use super::{User, answer, done, error, failed, with};
use crate::call::{Call, Cx};
use crate::um::UserPtr;
use parking_lot::Mutex;

/// System calls about devices.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiGetDeviceGammaRamp(dc: u32, ramp: u64) => gamma, Done;
    NtGdiSetDeviceGammaRamp(dc: u32, ramp: u64) => set_gamma, Partial("a ramp is kept for the program alone; the picture stays as it is");
    NtGdiGetColorAdjustment(dc: u32, adjustment: UserPtr<ColorAdjustment>) => color_adjustment, Done;
    NtGdiSetColorAdjustment(dc: u32, adjustment: UserPtr<ColorAdjustment>) => set_color_adjustment, Partial("it is kept; HALFTONE draws as without");
    __wine_get_icm_profile(dc: u32, or_default: u32, size: UserPtr<u32>, name: u64) => color_profile, Done;
    NtGdiSetPixelFormat(dc: u32, format: i32) => set_pixel_format, Done;
    NtGdiDescribePixelFormat(dc: u32, format: i32, size: u32, description: u64) => describe_pixel_format, Partial("there is no OpenGL, so no format is known");
    NtGdiSwapBuffers(dc: u32) => swap_buffers, Partial("there is no OpenGL, so nothing has two buffers");
};

/// COLORADJUSTMENT: size, flags, illuminant, gammas, references, contrast, brightness, colourfulness, tint.
pub type ColorAdjustment = [u16; 12];

/// What a DC begins with: gammas of 1, black is black and white is white.
pub const PLAIN: ColorAdjustment = [24, 0, 0, 10_000, 10_000, 10_000, 0, 10_000, 0, 0, 0, 0];

/// Values of a gamma ramp: three colours.
const RAMP: usize = 3 * 256;

/// The gamma ramp of a program.
#[derive(Default)]
pub struct Gamma(Mutex<Option<Vec<u16>>>);

impl Gamma {
    fn get(&self) -> Vec<u16> {
        self.0.lock().clone().unwrap_or_else(|| (0..RAMP).map(|at| (at & 0xff) as u16 * 0x101).collect())
    }
}

/// Whether one colour's ramp is something that one can look at: it rises, and about as a curve of one gamma does.
fn is_ramp(ramp: &[u16]) -> bool {
    let (Some(first), Some(last)) = (ramp.first(), ramp.last()) else { return false };
    let (first, last) = (f64::from(*first), f64::from(*last));
    if first >= last {
        return false;
    }
    let range = last - first;
    let (mut low, mut high, mut sum, mut count) = (f64::MAX, f64::MIN, 0.0, 0.0);
    for (at, value) in (1..255u32).zip(ramp.iter().skip(1)) {
        let value = f64::from(*value);
        if value < first || value > last {
            return false;
        }
        let over = value - first;
        if over == 0.0 {
            continue;
        }
        let place = (f64::from(at) / 255.0).ln();
        let gamma = (over / range).ln() / place;
        // Tables of logarithms that games use are as coarse as that.
        let slack = -place * 128.0 / (over * place * place);
        (low, high) = (low.min(gamma + slack), high.max(gamma - slack));
        sum += gamma;
        count += 1.0;
    }
    if count == 0.0 {
        return false;
    }
    // One that is far from any curve, or so bright that nothing is seen, would lock the user out.
    high - low <= 12.8 && sum / count >= 0.2
}

/// Whether a device has gamma ramps: the display has.
fn has_gamma(cx: &Cx<'_>, dc: u32) -> User<bool> {
    match with(cx, dc, |work| matches!(work.dc.device, Device::Screen)) {
        Some(true) => Ok(true),
        Some(false) => Err(super::Failed::with(error::INVALID_PARAMETER)),
        None => Ok(false),
    }
}

/// NtGdiGetDeviceGammaRamp.
///
/// # Errors
/// `ERROR_INVALID_PARAMETER`: not of a display.
pub fn gamma(cx: &Cx<'_>, dc: u32, ramp: u64) -> User {
    if !has_gamma(cx, dc)? {
        return done(false);
    }
    let values: Vec<u8> = cx.k.gdi.gamma.get().into_iter().flat_map(u16::to_le_bytes).collect();
    cx.k.write_user(ramp, &values)?;
    done(true)
}

/// NtGdiSetDeviceGammaRamp.
///
/// # Errors
/// As [`gamma`].
pub fn set_gamma(cx: &Cx<'_>, dc: u32, ramp: u64) -> User {
    if !has_gamma(cx, dc)? {
        return done(false);
    }
    let values = UserPtr::<u16>::new(ramp).read_vec(cx.k, RAMP)?;
    if !values.chunks_exact(256).all(is_ramp) {
        return done(false);
    }
    *cx.k.gdi.gamma.0.lock() = Some(values);
    done(true)
}

/// NtGdiGetColorAdjustment.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn color_adjustment(cx: &Cx<'_>, dc: u32, adjustment: UserPtr<ColorAdjustment>) -> User {
    let Some(found) = with(cx, dc, |work| work.state.color_adjustment) else { return done(false) };
    adjustment.write(cx.k, found)?;
    done(true)
}

/// NtGdiSetColorAdjustment.
///
/// # Errors
/// `ERROR_INVALID_PARAMETER`: a size or a value that there is not.
pub fn set_color_adjustment(cx: &Cx<'_>, dc: u32, adjustment: UserPtr<ColorAdjustment>) -> User {
    let new = adjustment.read(cx.k)?;
    let [size, flags, illuminant, red, green, blue, black, white, ref levels @ ..] = new;
    let gammas = [red, green, blue].iter().all(|gamma| (2500..=65000).contains(gamma));
    let levels = levels.iter().all(|level| (-100..=100).contains(&(*level as i16)));
    if size != PLAIN[0] || flags > 3 || illuminant > 8 || !gammas || black > 4000 || !(6000..=10_000).contains(&white) {
        return failed(error::INVALID_PARAMETER);
    }
    if !levels {
        return failed(error::INVALID_PARAMETER);
    }
    answer(cx, dc, |work| {
        work.state.color_adjustment = new;
        1
    })
}

/// NtGdiSetPixelFormat: once and for all.
///
/// # Errors
/// None; the answer is FALSE where there is another one.
pub fn set_pixel_format(cx: &Cx<'_>, dc: u32, format: i32) -> User {
    answer(cx, dc, |work| {
        let held = &mut work.state.pixel_format;
        if *held == 0 {
            *held = format;
        }
        (*held == format).into()
    })
}

/// NtGdiDescribePixelFormat: how many formats there are, none, as win32u says without a driver. gdi32 asks opengl32 instead, which hears
/// from its Unix part that there are none.
///
/// # Errors
/// `ERROR_INVALID_PIXEL_FORMAT`.
pub fn describe_pixel_format(_: &Cx<'_>, _dc: u32, _format: i32, _size: u32, _description: u64) -> User {
    failed(error::INVALID_PIXEL_FORMAT)
}

/// NtGdiSwapBuffers: no DC has a format with two buffers.
///
/// # Errors
/// `ERROR_INVALID_PIXEL_FORMAT`.
pub fn swap_buffers(_: &Cx<'_>, _dc: u32) -> User {
    failed(error::INVALID_PIXEL_FORMAT)
}

/// The profile of the display, and of every other that says nothing else.
const PROFILE: &str = r"C:\windows\system32\spool\drivers\color\sRGB Color Space Profile.icm";

/// `__wine_get_icm_profile`, behind GetICMProfile: the name of the file with a device's colour profile.
///
/// # Errors
/// `ERROR_INSUFFICIENT_BUFFER`: `size`, in units, says how much is needed.
pub fn color_profile(cx: &Cx<'_>, dc: u32, or_default: u32, size: UserPtr<u32>, name: u64) -> User {
    let screen = with(cx, dc, |work| matches!(work.dc.device, Device::Screen));
    if screen != Some(true) || or_default == 0 || size.is_null() {
        return done(false);
    }
    let profile: Vec<u8> = PROFILE.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let needed = (profile.len() / 2) as u32;
    let room = size.read(cx.k)?;
    size.write(cx.k, needed)?;
    if room < needed {
        return failed(error::INSUFFICIENT_BUFFER);
    }
    if name != 0 {
        cx.k.write_user(name, &profile)?;
    }
    done(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ramps_rise_as_curves_do() {
        let curve = |gamma: f64| -> Vec<u16> {
            (0..256).map(|at| ((f64::from(at) / 255.0).powf(gamma) * 65535.0) as u16).collect()
        };
        assert!(is_ramp(&curve(1.0)) && is_ramp(&curve(2.2)) && is_ramp(&curve(0.8)));
        assert!(!is_ramp(&curve(0.1)), "so bright that nothing is seen");
        assert!(!is_ramp(&vec![0; 256]) && !is_ramp(&curve(1.0).into_iter().rev().collect::<Vec<_>>()));
        assert!(Gamma::default().get().chunks_exact(256).all(is_ramp));
    }
}
