//! What the user's settings say of sizes and colours: GetSystemMetrics and GetSysColor.
//!
//! They are read from the registry once (`HKCU\Control Panel\Colors`, `HKCU\Control Panel\Desktop\WindowMetrics`), where the image's setup
//! has left what a fresh Windows has.

use super::super::User;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::win32k::geometry::Rect;

/// Where they lie.
const COLOURS: &str = "Control Panel\\Colors";
const METRICS: &str = "Control Panel\\Desktop\\WindowMetrics";

/// COLOR_* in order: the value's name, and what it is if there is none.
const NAMES: [(&str, [u8; 3]); 31] = [
    ("Scrollbar", [212, 208, 200]),
    ("Background", [58, 110, 165]),
    ("ActiveTitle", [10, 36, 106]),
    ("InactiveTitle", [128, 128, 128]),
    ("Menu", [212, 208, 200]),
    ("Window", [255, 255, 255]),
    ("WindowFrame", [0, 0, 0]),
    ("MenuText", [0, 0, 0]),
    ("WindowText", [0, 0, 0]),
    ("TitleText", [255, 255, 255]),
    ("ActiveBorder", [212, 208, 200]),
    ("InactiveBorder", [212, 208, 200]),
    ("AppWorkSpace", [128, 128, 128]),
    ("Hilight", [10, 36, 106]),
    ("HilightText", [255, 255, 255]),
    ("ButtonFace", [212, 208, 200]),
    ("ButtonShadow", [128, 128, 128]),
    ("GrayText", [128, 128, 128]),
    ("ButtonText", [0, 0, 0]),
    ("InactiveTitleText", [212, 208, 200]),
    ("ButtonHilight", [255, 255, 255]),
    ("ButtonDkShadow", [64, 64, 64]),
    ("ButtonLight", [212, 208, 200]),
    ("InfoText", [0, 0, 0]),
    ("InfoWindow", [255, 255, 225]),
    ("ButtonAlternateFace", [181, 181, 181]),
    ("HotTrackingColor", [0, 0, 200]),
    ("GradientActiveTitle", [166, 202, 240]),
    ("GradientInactiveTitle", [192, 192, 192]),
    ("MenuHilight", [10, 36, 106]),
    ("MenuBar", [212, 208, 200]),
];

/// Sizes in pixels, and colours as 0x00bbggrr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    border: i32,
    caption: (i32, i32),
    small_caption: (i32, i32),
    menu: (i32, i32),
    scroll: (i32, i32),
    icon_spacing: (i32, i32),
    minimized: i32,
    colours: Vec<u32>,
}

/// Pixels of a size: as such, or in twips below zero (a 1440th of an inch, at 96 to the inch).
fn pixels(text: &str) -> Option<i32> {
    let number: i32 = text.trim().parse().ok()?;
    Some(if number < 0 { number.checked_neg()?.checked_add(7)? / 15 } else { number })
}

/// A colour of a text: red, green and blue in digits.
fn colour(text: &str) -> Option<u32> {
    let mut parts = text.split_ascii_whitespace().map(str::parse::<u8>);
    let mut next = || parts.next()?.ok();
    let [red, green, blue] = [next()?, next()?, next()?];
    Some(u32::from_le_bytes([red, green, blue, 0]))
}

impl Settings {
    fn read(get: impl Fn(&str, &str) -> Option<String>) -> Settings {
        let size = |name: &str, default| get(METRICS, name).as_deref().and_then(pixels).unwrap_or(default);
        let colours = NAMES.iter().map(|(name, [red, green, blue])| {
            let held = get(COLOURS, name).as_deref().and_then(colour);
            held.unwrap_or(u32::from_le_bytes([*red, *green, *blue, 0]))
        });
        Settings {
            border: size("BorderWidth", 1).max(1),
            caption: (size("CaptionWidth", 18).max(8), size("CaptionHeight", 18).max(8)),
            small_caption: (size("SmCaptionWidth", 15), size("SmCaptionHeight", 15)),
            menu: (size("MenuWidth", 18), size("MenuHeight", 18)),
            scroll: (size("ScrollWidth", 16).max(8), size("ScrollHeight", 16).max(8)),
            icon_spacing: (size("IconSpacing", 75), size("IconVerticalSpacing", 75)),
            minimized: size("MinWidth", 154),
            colours: colours.collect(),
        }
    }

    /// GetSysColor; black for a number that is none.
    pub fn colour(&self, index: u32) -> u32 {
        self.colours.get(index as usize).copied().unwrap_or(0)
    }

    /// GetSystemMetrics on a screen of that size; 0 for what there is nothing of. Numbers are SM_*.
    pub fn metric(&self, index: u32, screen: Rect) -> i32 {
        /// SM_CXDLGFRAME.
        const DIALOG_FRAME: i32 = 3;
        /// Width of an average letter of the caption's font.
        const LETTER: i32 = 8;
        let (width, height) = (screen.width(), screen.height());
        let frame = DIALOG_FRAME + self.border;
        let caption = self.caption.1 + 1;
        let least = (3 * self.caption.0 + self.caption.1 + 4 * LETTER + 2 * frame + 4, caption + 2 * frame);
        match index {
            0 | 78 => width,
            1 | 79 => height,
            2 | 3 => self.scroll.0,
            9 | 10 | 20 | 21 => self.scroll.1,
            4 => caption,
            // The border, and the focus rectangle's.
            5 | 6 | 83 | 84 => 1,
            7 | 8 => DIALOG_FRAME,
            // Icons and cursors.
            11..=14 => 32,
            15 => self.menu.1 + 1,
            16 => width,
            17 => height + 2 * caption - least.1,
            // A mouse with a wheel; monitors, all of one format.
            19 | 75 | 80 | 81 => 1,
            28 | 34 => least.0,
            29 | 35 => least.1,
            30 => self.caption.0,
            31 => self.caption.1,
            32 | 33 => frame,
            36 | 37 | 68 | 69 => 4,
            38 => self.icon_spacing.0,
            39 => self.icon_spacing.1,
            // Buttons of the mouse; a network.
            43 | 63 => 3,
            45 | 46 => 2,
            47 | 57 => self.minimized + 6,
            48 | 58 => self.caption.1 + 6,
            49 | 50 => 16,
            51 => self.small_caption.1 + 1,
            52 => self.small_caption.0,
            53 => self.small_caption.1,
            54 => self.menu.0,
            55 => self.menu.1,
            // ARW_HIDE.
            56 => 8,
            59 => width + 4 + 2 * frame,
            60 => height + 4 + 2 * frame,
            61 => width + 2 * frame,
            62 => height + 2 * caption,
            71 | 72 => 13,
            // How many there are.
            90 => 90,
            _ => 0,
        }
    }
}

impl Kernel {
    /// The user's settings.
    pub(in crate::win32k) fn settings(&self) -> &Settings {
        self.user.settings.get_or_init(|| Settings::read(|key, name| self.user_setting(key, name)))
    }
}

/// GetSystemMetrics.
pub(super) fn metric(cx: &Cx<'_>, index: u32) -> User {
    let screen = cx.screen()?;
    Ok(cx.k.settings().metric(index, screen) as u32 as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_colours_are_read_as_they_are_written() {
        assert_eq!(
            [pixels("-270"), pixels("-255"), pixels("17"), pixels("wide")],
            [Some(18), Some(17), Some(17), None]
        );
        assert_eq!([colour("58 110 165"), colour("1 2"), colour("1 2 300")], [Some(0x00a5_6e3a), None, None]);
    }

    #[test]
    fn metrics_follow_from_the_settings_and_the_screen() {
        let screen = Rect { left: 0, top: 0, right: 1024, bottom: 768 };
        let fresh = Settings::read(|_, _| None);
        let of = |index| fresh.metric(index, screen);
        assert_eq!((of(0), of(1), of(2), of(4), of(15), of(32)), (1024, 768, 16, 19, 19, 4));
        assert_eq!((of(28), of(29)), (116, 27));
        assert_eq!((of(17), of(59), of(61), of(62)), (779, 1036, 1032, 806));
        assert_eq!((fresh.colour(5), fresh.colour(31), of(1000)), (0x00ff_ffff, 0, 0));
        let wide = Settings::read(|_, name| (name == "ScrollWidth").then(|| "-255".to_owned()));
        assert_eq!((wide.metric(2, screen), wide.metric(20, screen)), (17, 16));
    }
}
