//! The settings that SystemParametersInfo tells and changes as numbers: which calls, and where each is kept.

use super::kept::Form::{Number, Preference, Size, Truth, Word, Yes};
use super::kept::{Form, Setting, key::*};

const fn setting(key: &'static str, name: &'static str, form: Form, default: i32) -> Setting {
    Setting { key, name, form, default }
}

const fn preference(place: usize, bit: u8) -> Setting {
    setting(DESKTOP, "UserPreferencesMask", Preference(place, bit), 0)
}

pub const BEEP: Setting = setting(SOUND, "Beep", Yes, 1);
pub const MOUSE_THRESHOLDS: [Setting; 3] = [
    setting(MOUSE, "MouseThreshold1", Number, 6),
    setting(MOUSE, "MouseThreshold2", Number, 10),
    setting(MOUSE, "MouseSpeed", Number, 1),
];
pub const BORDER: Setting = setting(METRICS, "BorderWidth", Size, -15);
pub const PADDED_BORDER: Setting = setting(METRICS, "PaddedBorderWidth", Size, 0);
pub const CAPTION_WIDTH: Setting = setting(METRICS, "CaptionWidth", Size, -270);
pub const CAPTION_HEIGHT: Setting = setting(METRICS, "CaptionHeight", Size, -270);
pub const SMALL_CAPTION_WIDTH: Setting = setting(METRICS, "SmCaptionWidth", Size, -225);
pub const SMALL_CAPTION_HEIGHT: Setting = setting(METRICS, "SmCaptionHeight", Size, -225);
pub const MENU_WIDTH: Setting = setting(METRICS, "MenuWidth", Size, -270);
pub const MENU_HEIGHT: Setting = setting(METRICS, "MenuHeight", Size, -270);
pub const SCROLL_WIDTH: Setting = setting(METRICS, "ScrollWidth", Size, -240);
pub const SCROLL_HEIGHT: Setting = setting(METRICS, "ScrollHeight", Size, -240);
pub const ICON_SPACING: Setting = setting(METRICS, "IconSpacing", Size, -1125);
pub const ICON_VERTICAL_SPACING: Setting = setting(METRICS, "IconVerticalSpacing", Size, -1125);
pub const ICON_TITLE_WRAP: Setting = setting(DESKTOP, "IconTitleWrap", Truth, 1);
pub const MINIMIZED_WIDTH: Setting = setting(METRICS, "MinWidth", Number, 154);
pub const MINIMIZED_H_GAP: Setting = setting(METRICS, "MinHorzGap", Number, 0);
pub const MINIMIZED_V_GAP: Setting = setting(METRICS, "MinVertGap", Number, 0);
/// ARW_HIDE.
pub const MINIMIZED_ARRANGE: Setting = setting(METRICS, "MinArrange", Number, 8);
pub const DOUBLE_CLICK_TIME: Setting = setting(MOUSE, "DoubleClickSpeed", Number, 500);
pub const DOUBLE_CLICK_WIDTH: Setting = setting(MOUSE, "DoubleClickWidth", Number, 4);
pub const DOUBLE_CLICK_HEIGHT: Setting = setting(MOUSE, "DoubleClickHeight", Number, 4);
pub const BUTTONS_SWAPPED: Setting = setting(MOUSE, "SwapMouseButtons", Truth, 0);
pub const DRAG_WIDTH: Setting = setting(DESKTOP, "DragWidth", Number, 4);
pub const DRAG_HEIGHT: Setting = setting(DESKTOP, "DragHeight", Number, 4);
pub const SHOW_SOUNDS_ON: Setting = setting(SHOW_SOUNDS, "On", Truth, 0);
pub const MENU_DROP_ALIGNMENT: Setting = setting(DESKTOP, "MenuDropAlignment", Number, 0);
pub const HOVER_WIDTH: Setting = setting(MOUSE, "MouseHoverWidth", Number, 4);
pub const HOVER_HEIGHT: Setting = setting(MOUSE, "MouseHoverHeight", Number, 4);
pub const HOVER_TIME: Setting = setting(MOUSE, "MouseHoverTime", Number, 400);
pub const FONT_SMOOTHING: Setting = setting(DESKTOP, "FontSmoothing", Number, 2);
pub const LOG_PIXELS: Setting = setting(DESKTOP, "LogPixels", Word, 0);
pub const CARET_BLINK: Setting = setting(DESKTOP, "CursorBlinkRate", Number, 500);
pub const AUDIO_DESCRIPTION_ON: Setting = setting(AUDIO_DESCRIPTION, "On", Truth, 0);
pub const AUDIO_DESCRIPTION_LOCALE: Setting = setting(AUDIO_DESCRIPTION, "Locale", Word, 0);
const ACTIVE_TIMEOUT: Setting = setting(DESKTOP, "ActiveWndTrackTimeout", Word, 0);
pub const GRADIENT_CAPTIONS: Setting = preference(0, 0x10);
pub const FLAT_MENUS: Setting = preference(2, 0x02);
const CONTRAST: Setting = setting(DESKTOP, "FontSmoothingGamma", Word, 0);
const SCREEN_SAVER_RUNNING: Setting = setting(DESKTOP, "WINE_ScreenSaverRunning", Truth, 0);

/// Sizes of what lies around windows and of icons, as a profile has them from its first log-on on: the key below the user's, the value
/// and its text. Programs read them there, and a change is taken back by writing what was there.
pub fn first_metrics() -> impl Iterator<Item = (&'static str, &'static str, String)> {
    let all = [
        BORDER,
        PADDED_BORDER,
        CAPTION_WIDTH,
        CAPTION_HEIGHT,
        SMALL_CAPTION_WIDTH,
        SMALL_CAPTION_HEIGHT,
        MENU_WIDTH,
        MENU_HEIGHT,
        ICON_SPACING,
        ICON_VERTICAL_SPACING,
    ];
    all.into_iter().map(|setting| (setting.key, setting.name, setting.default.to_string()))
}

/// A setting with the numbers of the calls that tell and set it; 0 where there is none. Those that set it from the address rather than from
/// the number say so.
pub struct Call(pub u32, pub u32, pub Setting);

/// SPI_*.
pub const CALLS: &[Call] = &[
    Call(1, 2, BEEP),
    Call(0, 6, BORDER),
    Call(10, 0, setting(KEYBOARD, "KeyboardSpeed", Number, 31)),
    Call(14, 15, setting(DESKTOP, "ScreenSaveTimeOut", Number, 300)),
    Call(16, 17, setting(DESKTOP, "ScreenSaveActive", Truth, 1)),
    Call(18, 19, setting(DESKTOP, "GridGranularity", Number, 0)),
    Call(22, 23, setting(KEYBOARD, "KeyboardDelay", Number, 1)),
    Call(25, 26, ICON_TITLE_WRAP),
    Call(27, 28, MENU_DROP_ALIGNMENT),
    Call(0, 29, DOUBLE_CLICK_WIDTH),
    Call(0, 30, DOUBLE_CLICK_HEIGHT),
    Call(0, 32, DOUBLE_CLICK_TIME),
    Call(0, 33, BUTTONS_SWAPPED),
    Call(38, 37, setting(DESKTOP, "DragFullWindows", Truth, 0)),
    Call(56, 57, SHOW_SOUNDS_ON),
    Call(68, 69, setting(KEYBOARD_PREFERENCE, "On", Truth, 1)),
    Call(70, 71, setting(BLIND_ACCESS, "On", Truth, 0)),
    Call(0, 76, DRAG_WIDTH),
    Call(0, 77, DRAG_HEIGHT),
    Call(83, 85, setting(DESKTOP, "LowPowerActive", Truth, 0)),
    Call(84, 86, setting(DESKTOP, "PowerOffActive", Truth, 0)),
    Call(94, 93, setting(MOUSE, "MouseTrails", Number, 0)),
    Call(95, 96, setting(MOUSE, "SnapToDefaultButton", Truth, 0)),
    Call(114, 97, SCREEN_SAVER_RUNNING),
    Call(98, 99, HOVER_WIDTH),
    Call(100, 101, HOVER_HEIGHT),
    Call(102, 103, HOVER_TIME),
    Call(104, 105, setting(DESKTOP, "WheelScrollLines", Number, 3)),
    Call(106, 107, setting(DESKTOP, "MenuShowDelay", Number, 400)),
    Call(108, 109, setting(DESKTOP, "WheelScrollChars", Number, 3)),
    Call(112, 113, setting(MOUSE, "MouseSensitivity", Number, 10)),
    Call(0x1000, 0x1001, setting(MOUSE, "ActiveWindowTracking", Word, 0)),
    Call(0x1002, 0x1003, preference(0, 0x02)),
    Call(0x1004, 0x1005, preference(0, 0x04)),
    Call(0x1006, 0x1007, preference(0, 0x08)),
    Call(0x1008, 0x1009, GRADIENT_CAPTIONS),
    Call(0x100a, 0x100b, preference(0, 0x20)),
    Call(0x100c, 0x100d, preference(0, 0x40)),
    Call(0x100e, 0x100f, preference(0, 0x80)),
    Call(0x1012, 0x1013, preference(1, 0x02)),
    Call(0x1014, 0x1015, preference(1, 0x04)),
    Call(0x1016, 0x1017, preference(1, 0x08)),
    Call(0x1018, 0x1019, preference(1, 0x10)),
    Call(0x101a, 0x101b, preference(1, 0x20)),
    Call(0x101c, 0x101d, preference(1, 0x40)),
    Call(0x101e, 0x101f, preference(1, 0x80)),
    Call(0x1020, 0x1021, preference(2, 0x01)),
    Call(0x1022, 0x1023, FLAT_MENUS),
    Call(0x1024, 0x1025, preference(2, 0x04)),
    Call(0x1026, 0x1027, setting(DESKTOP, "BlockSendInputResets", Truth, 0)),
    Call(0x103e, 0x103f, preference(3, 0x80)),
    Call(0x1040, 0x1041, preference(4, 0x01)),
    Call(0x1042, 0x1043, preference(4, 0x02)),
    Call(0x1048, 0x1049, preference(4, 0x10)),
    Call(0x104a, 0x104b, preference(4, 0x20)),
    Call(0x2000, 0x2001, setting(DESKTOP, "ForegroundLockTimeout", Word, 0)),
    Call(0x2002, 0x2003, ACTIVE_TIMEOUT),
    Call(0x2004, 0x2005, setting(DESKTOP, "ForegroundFlashCount", Word, 3)),
    Call(0x2006, 0x2007, setting(DESKTOP, "CaretWidth", Word, 1)),
    Call(0x2008, 0x2009, setting(DESKTOP, "ClickLockTime", Word, 1200)),
    Call(0x200a, 0x200b, setting(DESKTOP, "FontSmoothingType", Word, 1)),
    Call(0x200c, 0x200d, CONTRAST),
    Call(0x200e, 0x200f, setting(DESKTOP, "FocusBorderWidth", Word, 1)),
    Call(0x2010, 0x2011, setting(DESKTOP, "FocusBorderHeight", Word, 1)),
    Call(0x2012, 0x2013, setting(DESKTOP, "FontSmoothingOrientation", Word, 1)),
];
