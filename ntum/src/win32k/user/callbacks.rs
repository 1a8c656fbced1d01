//! What user32 does for the window server: callbacks of Wine 10's `include/ntuser.h` other than window procedures'.

use super::super::{Failed, User, error};
use crate::call::Cx;
use crate::status::STATUS_SUCCESS;
use crate::win32k::geometry::Rect;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

const COPY_IMAGE: u32 = 6;
const DRAW_BUTTON: u32 = 7;
const DRAW_SCROLL_BAR: u32 = 8;
const DRAW_TEXT: u32 = 9;
const PROCESS_KEY: u32 = 11;
const TRANSLATE_BY_METHOD: u32 = 12;
const LOAD_IMAGE: u32 = 15;
const LOAD_SYSTEM_MENU: u32 = 16;

/// IMAGE_BITMAP, IMAGE_ICON, IMAGE_CURSOR.
pub(super) mod image {
    pub const BITMAP: u32 = 0;
    pub const ICON: u32 = 1;
    pub const CURSOR: u32 = 2;
    /// LR_DEFAULTSIZE, LR_SHARED.
    pub const DEFAULT_SIZE: u32 = 0x40;
    pub const SHARED: u32 = 0x8000;
}

/// `struct draw_scroll_bar_params`.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct ScrollBarDrawing {
    pub window: u64,
    pub dc: u64,
    pub bar: u32,
    pub hit: u32,
    pub tracking: ScrollTracking,
    pub arrows: u32,
    pub interior: u32,
    pub rect: Rect,
    pub enabled: u32,
    pub arrow_size: i32,
    pub thumb_place: i32,
    pub thumb_size: i32,
    pub vertical: u32,
    pub pad: u32,
}

/// `struct SCROLL_TRACKING_INFO` of Wine 10's `include/winuser.h`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ScrollTracking {
    /// The window whose thumb is dragged.
    pub window: u64,
    /// SB_*.
    pub bar: u32,
    /// Where the thumb is, in pixels.
    pub thumb_place: i32,
    /// What value that means.
    pub thumb_value: i32,
    /// Whether it moves up and down.
    pub vertical: u32,
    /// What was clicked.
    pub hit: u32,
    /// Padding.
    pub pad: u32,
}

/// A handle that a callback answers.
fn handle(cx: &Cx<'_>, number: u32, arguments: &[u8]) -> User {
    let ended = cx.callback(number, arguments)?;
    let bytes = ended.bytes.first_chunk().filter(|_| ended.status == STATUS_SUCCESS);
    bytes.map(|bytes| u64::from_le_bytes(*bytes)).ok_or(Failed::with(error::NOT_ENOUGH_MEMORY))
}

/// The standard system menu, of an MDI child or of any other window.
pub(super) fn load_system_menu(cx: &Cx<'_>, mdi: bool) -> User {
    handle(cx, LOAD_SYSTEM_MENU, u32::from(mdi).as_bytes())
}

/// CopyImage.
pub(super) fn copy_image(cx: &Cx<'_>, of: u64, kind: u32, width: u32, height: u32, flags: u32) -> User {
    handle(cx, COPY_IMAGE, &[of.as_bytes(), [kind, width, height, flags].as_bytes()].concat())
}

/// LoadImage, of a resource by number.
pub(super) fn load_image(cx: &Cx<'_>, instance: u64, name: u32, kind: u32, size: i32, flags: u32) -> User {
    let words = [instance, name.into(), u64::from(kind) | u64::from(size as u32) << 32];
    let rest = [size as u32, flags];
    handle(cx, LOAD_IMAGE, &[words.as_bytes(), rest.as_bytes()].concat())
}

/// DrawText: the text's height, and the rectangle as it leaves it.
pub(super) fn draw_text(cx: &Cx<'_>, dc: u32, text: &[u16], rect: &Rect, flags: u32) -> User<(i32, Rect)> {
    let head = [u64::from(dc)];
    let count = text.len() as u32;
    let bytes = [head.as_bytes(), count.as_bytes(), rect.as_bytes(), flags.as_bytes(), text.as_bytes()].concat();
    let ended = cx.callback(DRAW_TEXT, &bytes)?;
    let (height, rect) = ended.bytes.split_first_chunk::<4>().ok_or(Failed::SILENT)?;
    let rect = Rect::read_from_prefix(rect).map_err(|_| Failed::SILENT)?.0;
    Ok((i32::from_le_bytes(*height), rect))
}

/// ImmProcessKey: whether the program's input method takes a key.
pub(super) fn process_key(cx: &Cx<'_>, window: u64, layout: u64, key: u32, data: u64) -> User<bool> {
    // Handles are numbers with a sign.
    let layout = i64::from(layout as i32) as u64;
    let ended = cx.callback(PROCESS_KEY, [window, layout, key.into(), data].as_bytes())?;
    Ok(ended.status == STATUS_SUCCESS)
}

/// ImmTranslateMessage: whether it made something of a key that it took.
pub(super) fn translate_by_method(cx: &Cx<'_>, window: u64, message: u32, wparam: u64, data: u64) -> User<bool> {
    let ended = cx.callback(TRANSLATE_BY_METHOD, [window, message.into(), wparam, data].as_bytes())?;
    Ok(ended.status == STATUS_SUCCESS)
}

/// Draws a scroll bar.
pub(super) fn draw_scroll_bar(cx: &Cx<'_>, what: &ScrollBarDrawing) -> User<()> {
    cx.callback(DRAW_SCROLL_BAR, what.as_bytes())?;
    Ok(())
}

/// Draws a button of a maximized MDI child on a menu bar: NONCLIENT_BUTTON_TYPE.
pub(super) fn draw_button(
    cx: &Cx<'_>,
    window: u32,
    dc: u32,
    rect: &Rect,
    kind: u32,
    down: bool,
    grayed: bool,
) -> User<()> {
    let head = [u64::from(window), u64::from(dc)];
    let tail = [u32::from(down), u32::from(grayed), 0];
    let bytes = [head.as_bytes(), kind.as_bytes(), rect.as_bytes(), tail.as_bytes()].concat();
    cx.callback(DRAW_BUTTON, &bytes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_lie_as_user32_reads_them() {
        assert_eq!((size_of::<ScrollBarDrawing>(), size_of::<ScrollTracking>()), (104, 32));
        assert_eq!(core::mem::offset_of!(ScrollBarDrawing, arrows), 56);
        assert_eq!(core::mem::offset_of!(ScrollBarDrawing, vertical), 96);
    }
}
