//! NtUserSystemParametersInfo: SPI_*.

use super::super::super::{Failed, User, error};
use super::fonts::{self, FontUse};
use super::kept::{self, KEEP, key};
use super::settings::*;
use crate::call::Cx;
use crate::um::UserPtr;
use crate::win32k::geometry::{Rect, muldiv};
use zerocopy::IntoBytes;

/// SPI_* that are more than a number.
mod action {
    pub const GET_MOUSE: u32 = 3;
    pub const SET_MOUSE: u32 = 4;
    pub const GET_BORDER: u32 = 5;
    pub const SET_KEYBOARD_SPEED: u32 = 11;
    pub const LANG_DRIVER: u32 = 12;
    pub const ICON_H_SPACING: u32 = 13;
    pub const SET_WALLPAPER: u32 = 20;
    pub const SET_PATTERN: u32 = 21;
    pub const ICON_V_SPACING: u32 = 24;
    pub const GET_ICON_TITLE_FONT: u32 = 31;
    pub const SET_ICON_TITLE_FONT: u32 = 34;
    pub const GET_FAST_TASK_SWITCH: u32 = 35;
    pub const SET_FAST_TASK_SWITCH: u32 = 36;
    pub const GET_NON_CLIENT: u32 = 41;
    pub const SET_NON_CLIENT: u32 = 42;
    pub const GET_MINIMIZED: u32 = 43;
    pub const SET_MINIMIZED: u32 = 44;
    pub const GET_ICON_METRICS: u32 = 45;
    pub const SET_ICON_METRICS: u32 = 46;
    pub const SET_WORK_AREA: u32 = 47;
    pub const GET_WORK_AREA: u32 = 48;
    pub const SET_ANIMATION: u32 = 73;
    pub const GET_FONT_SMOOTHING: u32 = 74;
    pub const SET_FONT_SMOOTHING: u32 = 75;
    pub const GET_DEFAULT_INPUT_LANGUAGE: u32 = 89;
    pub const GET_WINDOWS_EXTENSION: u32 = 92;
    pub const GET_WALLPAPER: u32 = 115;
    pub const GET_AUDIO_DESCRIPTION: u32 = 116;
    pub const SET_AUDIO_DESCRIPTION: u32 = 117;
}

/// SPIF_SENDCHANGE.
const SEND: u32 = 2;
/// WM_SETTINGCHANGE.
const SETTING_CHANGE: u32 = 0x1a;

/// A structure that says of a feature for accessibility that there is none: the call, the structure's size, and what of it is not 0.
type Absent = (u32, u32, &'static [(usize, u32)]);

/// All of them.
const ABSENT: &[Absent] = &[
    // FILTERKEYS, TOGGLEKEYS, MOUSEKEYS (its speeds), STICKYKEYS, ACCESSTIMEOUT.
    (50, 24, &[]),
    (52, 8, &[]),
    (54, 28, &[(2, 360), (3, 1000)]),
    (58, 8, &[]),
    (60, 12, &[]),
    // SERIALKEYSW, SOUNDSENTRYW, HIGHCONTRASTW, ANIMATIONINFO.
    (62, 40, &[]),
    (64, 56, &[]),
    (66, 16, &[]),
    (72, 8, &[]),
];

/// sizeof(NONCLIENTMETRICSW), and what it is without its last number.
const NON_CLIENT_SIZE: u32 = 504;
const NON_CLIENT_OLD: u32 = 500;
/// Where it has numbers and fonts.
const FIRST_NUMBERS: u64 = 4;
const CAPTION_FONT: u64 = 24;
const SMALL_CAPTION: u64 = 116;
const SMALL_CAPTION_FONT: u64 = 124;
const MENU: u64 = 216;
const MENU_FONT: u64 = 224;
const STATUS_FONT: u64 = 316;
const MESSAGE_FONT: u64 = 408;
const PADDED: u64 = 500;
/// The fonts in it.
const FONTS: [(u64, FontUse); 5] = [
    (CAPTION_FONT, FontUse::Caption),
    (SMALL_CAPTION_FONT, FontUse::SmallCaption),
    (MENU_FONT, FontUse::Menu),
    (STATUS_FONT, FontUse::Status),
    (MESSAGE_FONT, FontUse::Message),
];
/// sizeof(ICONMETRICSW), sizeof(MINIMIZEDMETRICS), sizeof(AUDIODESCRIPTION).
const ICON_SIZE: u32 = 108;
const MINIMIZED_SIZE: u32 = 20;
const AUDIO_SIZE: u32 = 12;

fn words<const N: usize>(cx: &Cx<'_>, at: u64) -> User<[i32; N]> {
    let all = UserPtr::<i32>::new(at).read_vec(cx.k, N)?;
    all.try_into().map_err(|_| Failed::SILENT)
}

fn store(cx: &Cx<'_>, at: u64, words: &[i32]) -> User<()> {
    Ok(cx.k.write_user(at, words.as_bytes())?)
}

fn size_of(cx: &Cx<'_>, at: u64) -> User<u32> {
    if at == 0 { Err(Failed::SILENT) } else { Ok(UserPtr::new(at).read(cx.k)?) }
}

/// NONCLIENTMETRICS; its border is with the padding unless there is room for that.
fn get_non_client(cx: &Cx<'_>, at: u64, dpi: u32, padded_apart: bool) -> User<()> {
    let size = size_of(cx, at)?;
    let frame = cx.k.frame(dpi);
    let padding = cx.k.number_setting(&PADDED_BORDER, dpi);
    let border = cx.k.number_setting(&BORDER, dpi) + if padded_apart { 0 } else { padding };
    let numbers = [border.max(1), frame.scroll.0, frame.scroll.1, frame.caption.0, frame.caption.1];
    store(cx, at + FIRST_NUMBERS, &numbers)?;
    store(cx, at + SMALL_CAPTION, &[frame.small_caption.0, frame.small_caption.1])?;
    store(cx, at + MENU, &[frame.menu.0, frame.menu.1])?;
    for (place, which) in FONTS {
        cx.k.write_user(at + place, fonts::font(cx.k, which, dpi).as_bytes())?;
    }
    if size == NON_CLIENT_SIZE {
        store(cx, at + PADDED, &[if padded_apart { padding } else { 0 }])?;
    }
    Ok(())
}

/// A size that a program sets, as it is kept: pixels of 96 to the inch.
fn set_size(cx: &Cx<'_>, setting: &kept::Setting, value: i32, dpi: u32, flags: u32) -> User<()> {
    let value = if value > 0 { muldiv(value, kept::DPI as i32, dpi as i32) } else { value };
    kept::set_number(cx, setting, value as u32, flags)
}

fn set_non_client(cx: &Cx<'_>, at: u64, dpi: u32, flags: u32) -> User<()> {
    if ![NON_CLIENT_SIZE, NON_CLIENT_OLD].contains(&size_of(cx, at)?) {
        return Err(Failed::SILENT);
    }
    let first: [i32; 5] = words(cx, at + FIRST_NUMBERS)?;
    let small: [i32; 2] = words(cx, at + SMALL_CAPTION)?;
    let menu: [i32; 2] = words(cx, at + MENU)?;
    let padding = cx.k.number_setting(&PADDED_BORDER, dpi);
    let sizes = [
        (BORDER, first[0].saturating_sub(padding)),
        (SCROLL_WIDTH, first[1]),
        (SCROLL_HEIGHT, first[2]),
        (CAPTION_WIDTH, first[3]),
        (CAPTION_HEIGHT, first[4]),
        (SMALL_CAPTION_WIDTH, small[0]),
        (SMALL_CAPTION_HEIGHT, small[1]),
        (MENU_WIDTH, menu[0]),
        (MENU_HEIGHT, menu[1]),
    ];
    for (setting, value) in sizes {
        set_size(cx, &setting, value, dpi, flags)?;
    }
    for (place, which) in FONTS {
        set_font(cx, which, at + place, dpi, flags)?;
    }
    Ok(())
}

fn set_font(cx: &Cx<'_>, which: FontUse, at: u64, dpi: u32, flags: u32) -> User<()> {
    let bytes = crate::um::UserSlice::new(at, fonts::SIZE as u64).read_all(cx.k)?;
    fonts::set(cx, which, &bytes, dpi, flags)
}

fn get_icon_metrics(cx: &Cx<'_>, at: u64, dpi: u32) -> User<()> {
    if size_of(cx, at)? != ICON_SIZE {
        return Err(Failed::SILENT);
    }
    let number = |setting| cx.k.number_setting(setting, dpi);
    store(cx, at + 4, &[number(&ICON_SPACING), number(&ICON_VERTICAL_SPACING), number(&ICON_TITLE_WRAP)])?;
    Ok(cx.k.write_user(at + 16, fonts::font(cx.k, FontUse::Icon, dpi).as_bytes())?)
}

/// Tells all top-level windows that a setting has changed.
fn tell(cx: &Cx<'_>, action: u32) -> User<()> {
    cx.tell_all(SETTING_CHANGE, action.into(), &[0; 2])
}

/// NtUserSystemParametersInfo.
///
/// # Errors
/// The answer is FALSE, and the last error says why, if that is known.
pub fn parameters(cx: &Cx<'_>, action: u32, value: u32, at: u64, flags: u32) -> User {
    carry_out(cx, action, value, at, flags)?;
    // As long as it is not kept nobody is told.
    if flags & KEEP != 0 && flags & SEND != 0 {
        tell(cx, action)?;
    }
    Ok(1)
}

fn carry_out(cx: &Cx<'_>, action: u32, value: u32, at: u64, flags: u32) -> User<()> {
    let dpi = super::super::dpi::of_system(cx);
    let address = || if at == 0 { Err(Failed::SILENT) } else { Ok(at) };
    if let Some(Call(_, _, setting)) = CALLS.iter().find(|call| action != 0 && call.0 == action) {
        let number = cx.k.number_setting(setting, dpi);
        return store(cx, address()?, &[number]);
    }
    if let Some(Call(_, _, setting)) = CALLS.iter().find(|call| action != 0 && call.1 == action) {
        return match setting.form {
            // These are passed where the address should be.
            kept::Form::Word | kept::Form::Preference(..) => kept::set_number(cx, setting, at as u32, flags),
            kept::Form::Size => set_size(cx, setting, value as i32, dpi, flags),
            _ => kept::set_number(cx, setting, value, flags),
        };
    }
    if let Some((_, size, facts)) = ABSENT.iter().find(|(number, ..)| *number == action) {
        if size_of(cx, at)? != *size {
            return Err(Failed::SILENT);
        }
        let mut bytes = vec![0; *size as usize / 4];
        bytes[0] = *size as i32;
        for (place, value) in *facts {
            bytes[*place] = *value as i32;
        }
        return store(cx, at, &bytes);
    }
    match action {
        action::GET_MOUSE => store(cx, address()?, &super::mouse_speed(cx)),
        action::SET_MOUSE => {
            let values: [i32; 3] = words(cx, address()?)?;
            for (setting, value) in MOUSE_THRESHOLDS.iter().zip(values) {
                kept::set_text(cx, setting.key, setting.name, &value.to_string(), flags)?;
            }
            Ok(())
        }
        action::GET_BORDER => store(cx, address()?, &[cx.k.number_setting(&BORDER, dpi).max(1)]),
        action::SET_KEYBOARD_SPEED => {
            kept::set_text(cx, key::KEYBOARD, "KeyboardSpeed", &value.min(31).to_string(), flags)
        }
        action::LANG_DRIVER | action::SET_ANIMATION => Ok(()),
        action::ICON_H_SPACING | action::ICON_V_SPACING => {
            let setting = if action == action::ICON_H_SPACING { ICON_SPACING } else { ICON_VERTICAL_SPACING };
            if at != 0 {
                return store(cx, at, &[cx.k.number_setting(&setting, dpi)]);
            }
            let least = muldiv(32, dpi as i32, kept::DPI as i32);
            set_size(cx, &setting, (value as i32).max(least), dpi, flags)
        }
        action::SET_WALLPAPER | action::SET_PATTERN => {
            if at != 0 {
                let text = String::from_utf16_lossy(&super::super::text::read(cx, at, false)?);
                let name = if action == action::SET_WALLPAPER { "Wallpaper" } else { "Pattern" };
                kept::set_text(cx, key::DESKTOP, name, &text, flags)?;
            }
            super::repaint_all(cx)
        }
        action::GET_WALLPAPER => {
            let text = cx.k.text_setting(key::DESKTOP, "Wallpaper").unwrap_or_default();
            let text: Vec<u16> = text.encode_utf16().collect();
            super::super::text::store(cx, &text, address()?, value.into(), false).map(drop)
        }
        action::GET_ICON_TITLE_FONT => {
            Ok(cx.k.write_user(address()?, fonts::font(cx.k, FontUse::Icon, dpi).as_bytes())?)
        }
        action::SET_ICON_TITLE_FONT => set_font(cx, FontUse::Icon, address()?, dpi, flags),
        action::GET_FAST_TASK_SWITCH => store(cx, address()?, &[1]),
        action::SET_FAST_TASK_SWITCH | action::GET_WINDOWS_EXTENSION => Err(Failed::SILENT),
        action::GET_NON_CLIENT => get_non_client(cx, at, dpi, false),
        action::SET_NON_CLIENT => set_non_client(cx, address()?, dpi, flags),
        action::GET_MINIMIZED => {
            if size_of(cx, at)? != MINIMIZED_SIZE {
                return Err(Failed::SILENT);
            }
            let number = |setting| cx.k.number_setting(setting, dpi).max(0);
            let arrange = number(&MINIMIZED_ARRANGE) & 0xf;
            store(cx, at + 4, &[number(&MINIMIZED_WIDTH), number(&MINIMIZED_H_GAP), number(&MINIMIZED_V_GAP), arrange])
        }
        action::SET_MINIMIZED => {
            if size_of(cx, at)? != MINIMIZED_SIZE {
                return Err(Failed::SILENT);
            }
            let [width, horizontal, vertical, arrange]: [i32; 4] = words(cx, at + 4)?;
            let all = [
                (MINIMIZED_WIDTH, width.max(0)),
                (MINIMIZED_H_GAP, horizontal.max(0)),
                (MINIMIZED_V_GAP, vertical.max(0)),
                (MINIMIZED_ARRANGE, arrange & 0xf),
            ];
            all.into_iter().try_for_each(|(setting, value)| kept::set_number(cx, &setting, value as u32, flags))
        }
        action::GET_ICON_METRICS => get_icon_metrics(cx, at, dpi),
        action::SET_ICON_METRICS => {
            if size_of(cx, at)? != ICON_SIZE {
                return Err(Failed::SILENT);
            }
            let [horizontal, vertical, wrap]: [i32; 3] = words(cx, at + 4)?;
            set_size(cx, &ICON_SPACING, horizontal.max(32), dpi, flags)?;
            set_size(cx, &ICON_VERTICAL_SPACING, vertical.max(32), dpi, flags)?;
            kept::set_number(cx, &ICON_TITLE_WRAP, wrap as u32, flags)?;
            set_font(cx, FontUse::Icon, at + 16, dpi, flags)
        }
        action::GET_WORK_AREA => {
            let area = super::super::monitor::work_area(cx)?;
            store(cx, address()?, &[area.left, area.top, area.right, area.bottom])
        }
        action::SET_WORK_AREA => {
            let sides: [i32; 4] = words(cx, address()?)?;
            let mut tx = cx.windows()?;
            tx.set_work_area(Rect::new(sides[0], sides[1], sides[2], sides[3]))?;
            Ok(tx.commit()?)
        }
        action::GET_FONT_SMOOTHING => store(cx, address()?, &[(cx.k.number_setting(&FONT_SMOOTHING, dpi) != 0).into()]),
        action::SET_FONT_SMOOTHING => kept::set_number(cx, &FONT_SMOOTHING, if value != 0 { 2 } else { 0 }, flags),
        action::GET_DEFAULT_INPUT_LANGUAGE => {
            let layout = super::super::input_language::of_thread(cx)?;
            if at != 0 {
                UserPtr::new(at).write(cx.k, layout)?;
            }
            Ok(())
        }
        action::GET_AUDIO_DESCRIPTION | action::SET_AUDIO_DESCRIPTION => {
            if size_of(cx, at)? != AUDIO_SIZE || value != AUDIO_SIZE {
                return Err(Failed::SILENT);
            }
            let settings = [AUDIO_DESCRIPTION_ON, AUDIO_DESCRIPTION_LOCALE];
            if action == action::GET_AUDIO_DESCRIPTION {
                return store(cx, at + 4, &settings.map(|setting| cx.k.number_setting(&setting, dpi)));
            }
            let values: [i32; 2] = words(cx, at + 4)?;
            settings
                .iter()
                .zip(values)
                .try_for_each(|(setting, value)| kept::set_number(cx, setting, value as u32, flags))
        }
        _ => Err(Failed::with(error::INVALID_SPI_VALUE)),
    }
}

/// NtUserSystemParametersInfoForDpi: fonts and sizes.
///
/// # Errors
/// The answer is FALSE, and the last error says why, if that is known.
pub fn parameters_for_dpi(cx: &Cx<'_>, action: u32, _value: u32, at: u64, _flags: u32, dpi: u32) -> User {
    if at == 0 {
        return Err(Failed::SILENT);
    }
    match action {
        action::GET_ICON_TITLE_FONT => cx.k.write_user(at, fonts::font(cx.k, FontUse::Icon, dpi).as_bytes())?,
        action::GET_NON_CLIENT => get_non_client(cx, at, dpi, true)?,
        action::GET_ICON_METRICS => get_icon_metrics(cx, at, dpi)?,
        _ => return Err(Failed::with(error::INVALID_PARAMETER)),
    }
    Ok(1)
}
