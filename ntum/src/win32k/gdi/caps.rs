//! What a device is like: GetDeviceCaps.

use super::User;
use super::answer;
use super::dc::{Device, Work};
use crate::call::{Call, Cx};
use crate::shm::user::mode::Mode;
use crate::win32k::geometry::muldiv;

/// System calls about devices.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiGetDeviceCaps(dc: u32, index: i32) => get, Done;
};

/// Index of the width in millimetres.
pub const HORZSIZE: i32 = 4;
/// Index of the height in millimetres.
pub const VERTSIZE: i32 = 6;
/// Index of the width in pixels.
pub const HORZRES: i32 = 8;
/// Index of the height in pixels.
pub const VERTRES: i32 = 10;

/// Index of what the device does with text.
pub const TEXTCAPS: i32 = 34;
/// TC_RA_ABLE, of TEXTCAPS: it takes fonts of pixels.
pub const RASTER_FONTS: i32 = 0x2000;

/// Pixels of an inch.
pub const RESOLUTION: i32 = 96;
/// Raster operations of a device: RC_*.
const RASTER: i32 = 0x1 | 0x8 | 0x10 | 0x80 | 0x200 | 0x400 | 0x800 | 0x1000 | 0x2000 | 0x8000;

/// RC_PALETTE.
const HAS_PALETTE: i32 = 0x100;

/// A value of a DC's device.
pub fn value(work: &Work<'_>, index: i32) -> i32 {
    if let Device::Metafile(caps) = &work.dc.device {
        return usize::try_from(index).ok().and_then(|index| caps.get(index)).copied().unwrap_or(0);
    }
    if let Some(value) = crate::win32k::print::driver::value(work, index) {
        return value;
    }
    let Mode { width, height, depth } = work.k.screen_mode();
    let (width, height) = (width as i32, height as i32);
    match index {
        0 => 0x4000,
        // TECHNOLOGY: DT_RASDISPLAY.
        2 => 1,
        HORZSIZE => muldiv(width, 254, RESOLUTION * 10),
        VERTSIZE => muldiv(height, 254, RESOLUTION * 10),
        HORZRES | 118 => width,
        VERTRES | 117 => height,
        // BITSPIXEL and PLANES.
        12 => depth as i32,
        14 => 1,
        // NUMBRUSHES, NUMPENS: without end.
        16 | 18 => -1,
        // CURVECAPS, LINECAPS, POLYGONALCAPS.
        28 => 0x1ff,
        30 => 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x40 | 0x80,
        32 => 0xff,
        TEXTCAPS => 0x59f7 | RASTER_FONTS,
        // CLIPCAPS.
        36 => 1,
        38 => RASTER | if depth <= 8 { HAS_PALETTE } else { 0 },
        // ASPECTX, ASPECTY, ASPECTXY.
        40 | 42 => 36,
        44 => 51,
        // NUMCOLORS.
        24 => -1,
        88 | 90 => RESOLUTION,
        // SIZEPALETTE.
        104 if depth <= 8 => 256,
        // NUMRESERVED.
        106 => 20,
        // COLORRES.
        108 => 24,
        // VREFRESH.
        116 => 60,
        _ => 0,
    }
}

/// NtGdiGetDeviceCaps.
///
/// # Errors
/// None; the answer is 0.
pub fn get(cx: &Cx<'_>, dc: u32, index: i32) -> User {
    answer(cx, dc, |work| value(work, index) as u32)
}
