//! GetSystemMetrics: sizes that follow from the user's settings, the fonts and the screen.

use super::super::super::User;
use super::fonts::{self, FontUse};
use super::kept::{DPI, Setting};
use super::settings::*;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::win32k::geometry::{Rect, muldiv};

/// SM_CXDLGFRAME.
const DIALOG_FRAME: i32 = 3;

/// Sizes of what lies around a window: NONCLIENTMETRICS without its fonts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Width of the border.
    pub border: i32,
    /// Width and height of a scroll bar.
    pub scroll: (i32, i32),
    /// Of a caption's buttons.
    pub caption: (i32, i32),
    /// Of a small caption's.
    pub small_caption: (i32, i32),
    /// Of a menu bar's buttons.
    pub menu: (i32, i32),
}

impl Kernel {
    /// What lies around windows, in pixels of so many to the inch: captions and menus have room for their fonts.
    pub(in super::super) fn frame(&'static self, dpi: u32) -> Frame {
        let size = |setting: &Setting| self.number_setting(setting, dpi);
        let font = |which: FontUse| fonts::metrics(self, which, dpi);
        let menu_font = font(FontUse::Menu);
        Frame {
            border: size(&BORDER).max(1),
            scroll: (size(&SCROLL_WIDTH).max(8), size(&SCROLL_HEIGHT).max(8)),
            caption: (size(&CAPTION_WIDTH).max(8), size(&CAPTION_HEIGHT).max(2 + font(FontUse::Caption).height)),
            small_caption: (
                size(&SMALL_CAPTION_WIDTH),
                size(&SMALL_CAPTION_HEIGHT).max(2 + font(FontUse::SmallCaption).height),
            ),
            menu: (size(&MENU_WIDTH), size(&MENU_HEIGHT).max(2 + menu_font.height + menu_font.leading)),
        }
    }

    /// GetSystemMetrics on a screen of that size; 0 for what there is nothing of. Numbers are SM_*.
    pub(in super::super) fn metric(&'static self, index: u32, screen: Rect, dpi: u32) -> i32 {
        let number = |setting: &Setting| self.number_setting(setting, dpi);
        let scaled = |size: i32| muldiv(size, dpi as i32, DPI as i32);
        let (width, height) = (screen.width(), screen.height());
        let sizing_frame = || DIALOG_FRAME + number(&BORDER).max(1);
        let caption = || self.frame(dpi).caption.1 + 1;
        let least_height = || caption() + 2 * sizing_frame();
        match index {
            0 | 78 => width,
            1 | 79 => height,
            2 | 3 => number(&SCROLL_WIDTH).max(8),
            9 | 10 | 20 | 21 => number(&SCROLL_HEIGHT).max(8),
            4 => caption(),
            // The border, and the focus rectangle's.
            5 | 6 | 83 | 84 => 1,
            7 | 8 => DIALOG_FRAME,
            11 | 12 => scaled(32),
            13 | 14 => match scaled(32) {
                64.. => 64,
                48.. => 48,
                _ => 32,
            },
            15 => self.frame(dpi).menu.1 + 1,
            16 => width,
            17 => height + 2 * caption() - least_height(),
            // A mouse with a wheel; all monitors are of one format; how many there are.
            19 | 75 | 80 | 81 => 1,
            23 => number(&BUTTONS_SWAPPED),
            28 | 34 => {
                let frame = self.frame(dpi);
                let letter = fonts::metrics(self, FontUse::Caption, dpi).width;
                3 * frame.caption.0 + frame.caption.1 + 4 * letter + 2 * sizing_frame() + 4
            }
            29 | 35 => least_height(),
            30 => number(&CAPTION_WIDTH).max(8),
            31 => self.frame(dpi).caption.1,
            32 | 33 => sizing_frame(),
            36 => number(&DOUBLE_CLICK_WIDTH),
            37 => number(&DOUBLE_CLICK_HEIGHT),
            38 => number(&ICON_SPACING),
            39 => number(&ICON_VERTICAL_SPACING),
            40 => number(&MENU_DROP_ALIGNMENT),
            // Buttons of the mouse; a network.
            43 | 63 => 3,
            45 | 46 => 2,
            47 => number(&MINIMIZED_WIDTH).max(0) + 6 + number(&MINIMIZED_H_GAP).max(0),
            48 => self.frame(dpi).caption.1 + 6 + number(&MINIMIZED_V_GAP).max(0),
            49 | 50 => scaled(16) & !1,
            51 => self.frame(dpi).small_caption.1 + 1,
            52 => number(&SMALL_CAPTION_WIDTH),
            53 => self.frame(dpi).small_caption.1,
            54 => number(&MENU_WIDTH),
            55 => self.frame(dpi).menu.1,
            56 => number(&MINIMIZED_ARRANGE) & 0xf,
            57 => number(&MINIMIZED_WIDTH).max(0) + 6,
            58 => self.frame(dpi).caption.1 + 6,
            59 => width + 4 + 2 * sizing_frame(),
            60 => height + 4 + 2 * sizing_frame(),
            61 => width + 2 * sizing_frame(),
            62 => height + 2 * caption(),
            68 => number(&DRAG_WIDTH),
            69 => number(&DRAG_HEIGHT),
            70 => number(&SHOW_SOUNDS_ON),
            71 | 72 => {
                let font = fonts::metrics(self, FontUse::Menu, dpi);
                (font.height + font.leading - 1) | 1
            }
            76 => screen.left,
            77 => screen.top,
            // How many there are.
            90 => 90,
            _ => 0,
        }
    }
}

/// GetSystemMetrics.
pub(in super::super) fn metric(cx: &Cx<'_>, index: u32) -> User {
    let dpi = super::super::dpi::of_system(cx);
    metric_for_dpi(cx, index, dpi)
}

/// GetSystemMetricsForDpi.
pub(in super::super) fn metric_for_dpi(cx: &Cx<'_>, index: u32, dpi: u32) -> User {
    // Scroll bars, captions, icons, cursors, menus, frames and icons' places; all else is the system's.
    let scales = matches!(index, 2..=4 | 9..=15 | 20 | 21 | 30..=33 | 38 | 39 | 49..=55 | 71 | 72);
    let dpi = if scales { dpi } else { super::super::dpi::of_system(cx) };
    let screen = cx.screen()?;
    Ok(u64::from(cx.k.metric(index, screen, dpi) as u32))
}
