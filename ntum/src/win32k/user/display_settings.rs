//! Modes of the screen: EnumDisplaySettings and ChangeDisplaySettings. Every size of the usual ones can be had, with 32 bits to a pixel.

use super::super::User;
use super::monitor;
use crate::call::Cx;
use crate::types::UnicodeString;
use crate::um::{UserPtr, UserSlice};

/// Sizes that are offered, besides the one that is.
const SIZES: [(u32, u32); 18] = [
    (640, 480),
    (800, 600),
    (1024, 768),
    (1152, 864),
    (1280, 720),
    (1280, 800),
    (1280, 960),
    (1280, 1024),
    (1366, 768),
    (1400, 1050),
    (1440, 900),
    (1600, 900),
    (1600, 1200),
    (1680, 1050),
    (1920, 1080),
    (1920, 1200),
    (2560, 1440),
    (3840, 2160),
];
/// Bits of a pixel, frames of a second.
const DEPTH: u32 = 32;
pub(super) const RATE: u32 = 60;
/// ENUM_CURRENT_SETTINGS, ENUM_REGISTRY_SETTINGS.
const CURRENT: u32 = u32::MAX;
const KEPT: u32 = u32::MAX - 1;
/// DISP_CHANGE_*.
const SUCCESSFUL: u64 = 0;
const BAD_MODE: u64 = -2i32 as u32 as u64;
const BAD_PARAM: u64 = -5i32 as u32 as u64;
/// Where DEVMODEW has its size, its fields, bits of a pixel, width and height, frames of a second.
mod place {
    pub const SIZE: u64 = 68;
    pub const FIELDS: u64 = 72;
    pub const DEPTH: u64 = 168;
    pub const WIDTH: u64 = 172;
    pub const HEIGHT: u64 = 176;
    pub const FLAGS: u64 = 180;
    pub const RATE: u64 = 184;
}
/// DM_POSITION, DM_DISPLAYORIENTATION, DM_BITSPERPEL, DM_PELSWIDTH, DM_PELSHEIGHT, DM_DISPLAYFLAGS, DM_DISPLAYFREQUENCY.
mod fields {
    pub const DEPTH: u32 = 0x4_0000;
    pub const WIDTH: u32 = 0x8_0000;
    pub const HEIGHT: u32 = 0x10_0000;
    pub const ALL: u32 = 0x20 | 0x80 | DEPTH | WIDTH | HEIGHT | 0x20_0000 | 0x40_0000;
}

/// The largest size there is.
pub(super) fn largest(now: (u32, u32)) -> (u32, u32) {
    SIZES.into_iter().chain([now]).max_by_key(|(width, height)| u64::from(*width) * u64::from(*height)).unwrap_or(now)
}

/// NtUserEnumDisplaySettings: a mode by number.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn enumerate(cx: &Cx<'_>, device: UserPtr<UnicodeString>, mode: u32, at: u64, _flags: u32) -> User {
    if !monitor::is_adapter(cx, device)? {
        return Ok(0);
    }
    let screen = cx.screen()?;
    let now = (screen.width() as u32, screen.height() as u32);
    let (width, height) = match mode {
        CURRENT | KEPT => now,
        index => {
            let extra = (!SIZES.contains(&now)).then_some(now);
            match SIZES.into_iter().chain(extra).nth(index as usize) {
                Some(size) => size,
                None => return Ok(0),
            }
        }
    };
    let mut name = monitor::adapter_name();
    name.resize(32, 0);
    let name: Vec<u8> = name.into_iter().flat_map(u16::to_le_bytes).collect();
    cx.k.write_user(at, &name)?;
    let numbers = [
        (place::FIELDS, fields::ALL),
        // Where it is, and how it is turned.
        (place::FIELDS + 4, 0),
        (place::FIELDS + 8, 0),
        (place::FIELDS + 12, 0),
        (place::FIELDS + 16, 0),
        (place::DEPTH, DEPTH),
        (place::WIDTH, width),
        (place::HEIGHT, height),
        (place::FLAGS, 0),
        (place::RATE, RATE),
    ];
    for (place, number) in numbers {
        UserPtr::new(at.wrapping_add(place)).write(cx.k, number)?;
    }
    Ok(1)
}

/// NtUserChangeDisplaySettings: DISP_CHANGE_*.
///
/// # Errors
/// As documented, as the answer.
pub fn change(
    cx: &Cx<'_>,
    device: UserPtr<UnicodeString>,
    mode: u64,
    _window: u64,
    flags: u32,
    _parameter: u64,
) -> User {
    /// CDS_TEST.
    const TEST: u32 = 2;
    /// The size that a desktop begins with.
    const FIRST: (u32, u32) = (1024, 768);
    if !monitor::is_adapter(cx, device)? {
        return Ok(BAD_PARAM);
    }
    let screen = cx.screen()?;
    let now = (screen.width() as u32, screen.height() as u32);
    let (width, height) = if mode == 0 {
        FIRST
    } else {
        let word = |place: u64| UserPtr::<u32>::new(mode.wrapping_add(place)).read(cx.k);
        let size = UserSlice::new(mode.wrapping_add(place::SIZE), 2).read_all(cx.k)?;
        if usize::from(u16::from_le_bytes([size[0], size[1]])) < (place::FLAGS as usize) {
            return Ok(BAD_MODE);
        }
        let given = word(place::FIELDS)?;
        let of = |bit: u32, place: u64, default: u32| if given & bit != 0 { word(place) } else { Ok(default) };
        if ![0, 8, 16, 24, DEPTH].contains(&of(fields::DEPTH, place::DEPTH, DEPTH)?) {
            return Ok(BAD_MODE);
        }
        let size = (of(fields::WIDTH, place::WIDTH, now.0)?, of(fields::HEIGHT, place::HEIGHT, now.1)?);
        if size == (0, 0) { now } else { size }
    };
    if !SIZES.contains(&(width, height)) && (width, height) != now {
        return Ok(BAD_MODE);
    }
    if flags & TEST == 0 {
        monitor::resize(cx, width, height)?;
    }
    Ok(SUCCESSFUL)
}
