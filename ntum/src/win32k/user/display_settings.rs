//! Modes of the screen: EnumDisplaySettings and ChangeDisplaySettings. Every size of the usual ones can be had, with 8, 16 and 32 bits to a pixel.

use super::super::{Failed, User};
use super::monitor;
use crate::call::Cx;
use crate::shm::user::mode::Mode;
use crate::types::{UnicodeString, wide};
use crate::um::UserPtr;

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
/// Bits of a pixel that are offered, in that order.
const DEPTHS: [u32; 3] = [8, 16, 32];
/// Frames of a second.
pub(super) const RATE: u32 = 60;
/// ENUM_CURRENT_SETTINGS, ENUM_REGISTRY_SETTINGS.
const CURRENT: u32 = u32::MAX;
const KEPT: u32 = u32::MAX - 1;
/// DM_SPECVERSION; a DEVMODEW up to what it says of colour matching.
const SPECIFICATION: u16 = 0x401;
const SIZE: u16 = 188;
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
    pub const RATE: u32 = 0x40_0000;
    pub const PLACE: u32 = 0x20 | WIDTH | HEIGHT;
    pub const ALL: u32 = 0x20 | 0x80 | DEPTH | WIDTH | HEIGHT | 0x20_0000 | RATE;
}

/// The largest size there is.
pub(super) fn largest(now: (u32, u32)) -> (u32, u32) {
    SIZES.into_iter().chain([now]).max_by_key(|(width, height)| u64::from(*width) * u64::from(*height)).unwrap_or(now)
}

/// All modes.
fn modes(now: Mode) -> impl Iterator<Item = Mode> {
    let own = (now.width, now.height);
    let extra = (!SIZES.contains(&own)).then_some(own);
    DEPTHS
        .into_iter()
        .flat_map(move |depth| SIZES.into_iter().chain(extra).map(move |(width, height)| Mode { width, height, depth }))
}

/// NtUserEnumDisplaySettings: a mode by number.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn enumerate(cx: &Cx<'_>, device: UserPtr<UnicodeString>, number: u32, at: u64, _flags: u32) -> User {
    /// ERROR_NO_MORE_FILES.
    const NO_MORE: u32 = 18;
    if !monitor::is_adapter(cx, device)? {
        return Ok(0);
    }
    let (now, kept) = {
        let tx = cx.windows()?;
        (tx.screen_mode(), tx.kept_mode())
    };
    let mode = match number {
        CURRENT => Some(now),
        KEPT => Some(kept),
        index => modes(now).nth(index as usize),
    };
    let mode = mode.ok_or(Failed::with(NO_MORE))?;
    let mut name = wide("Wine Display Driver");
    name.resize(32, 0);
    let mut head: Vec<u8> = name.into_iter().flat_map(u16::to_le_bytes).collect();
    // Versions of the structure and of the driver, the structure's size, and what lies behind it.
    head.extend([SPECIFICATION, SPECIFICATION, SIZE, 0].into_iter().flat_map(u16::to_le_bytes));
    cx.k.write_user(at, &head)?;
    let numbers = [
        (place::FIELDS, fields::ALL),
        // Where it is, and how it is turned.
        (place::FIELDS + 4, 0),
        (place::FIELDS + 8, 0),
        (place::FIELDS + 12, 0),
        (place::FIELDS + 16, 0),
        (place::DEPTH, mode.depth),
        (place::WIDTH, mode.width),
        (place::HEIGHT, mode.height),
        (place::FLAGS, 0),
        (place::RATE, RATE),
    ];
    for (place, number) in numbers {
        UserPtr::new(at.wrapping_add(place)).write(cx.k, number)?;
    }
    Ok(1)
}

/// The mode that a DEVMODEW means; `None` if there is none such. One that says nothing means the one that is kept.
fn meant(cx: &Cx<'_>, at: u64, now: Mode, kept: Mode) -> User<Option<Mode>> {
    if at == 0 {
        return Ok(Some(kept));
    }
    let word = |place: u64| UserPtr::<u32>::new(at.wrapping_add(place)).read(cx.k);
    if UserPtr::<u16>::new(at.wrapping_add(place::SIZE)).read(cx.k)? < SIZE {
        return Ok(None);
    }
    let given = word(place::FIELDS)?;
    let of = |bit: u32, place: u64| if given & bit != 0 { word(place) } else { Ok(0) };
    let (depth, width) = (of(fields::DEPTH, place::DEPTH)?, of(fields::WIDTH, place::WIDTH)?);
    let (height, rate) = (of(fields::HEIGHT, place::HEIGHT)?, of(fields::RATE, place::RATE)?);
    let detached = given & fields::PLACE == fields::PLACE && (width, height) == (0, 0);
    if detached {
        // The only screen there is stays.
        return Ok(Some(now));
    }
    if [depth, width, height, rate] == [0; 4] {
        return Ok(Some(kept));
    }
    if given & (fields::WIDTH | fields::HEIGHT) != fields::WIDTH | fields::HEIGHT || rate > 1 && rate != RATE {
        return Ok(None);
    }
    let own = |value: u32, own: u32| if value == 0 { own } else { value };
    let wanted = Mode { width: own(width, now.width), height: own(height, now.height), depth };
    let fits =
        |mode: &Mode| (mode.width, mode.height) == (wanted.width, wanted.height) && (depth == 0 || mode.depth == depth);
    // Whoever says no depth wants the one that is.
    let unchanged = Mode { depth: now.depth, ..wanted };
    Ok(modes(now).chain([kept]).filter(fits).max_by_key(|mode| *mode == unchanged))
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
    /// CDS_UPDATEREGISTRY, CDS_TEST, CDS_FULLSCREEN, CDS_NORESET.
    const KEEP: u32 = 1;
    const TEST: u32 = 2;
    const WHILE_RUNNING: u32 = 4;
    const NOT_NOW: u32 = 0x1000_0000;
    if !monitor::is_adapter(cx, device)? {
        return Ok(BAD_PARAM);
    }
    let (now, kept) = {
        let tx = cx.windows()?;
        (tx.screen_mode(), tx.kept_mode())
    };
    let Some(wanted) = meant(cx, mode, now, kept)? else { return Ok(BAD_MODE) };
    if flags & KEEP != 0 && flags & TEST == 0 {
        let mut tx = cx.windows()?;
        tx.keep_mode(wanted)?;
        tx.commit()?;
    }
    if flags & (TEST | NOT_NOW) == 0 {
        let member = if flags & WHILE_RUNNING != 0 { cx.sandbox()?.0.me() } else { 0 };
        monitor::set_mode(cx, wanted, member)?;
    }
    Ok(SUCCESSFUL)
}
