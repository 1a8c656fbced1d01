//! Numbers of the system's colours, and the brush that mixes two.

use super::super::User;
use crate::call::Cx;
use crate::win32k::gdi::bitmap::Bitmap;
use crate::win32k::gdi::brush;
use crate::win32k::gdi::handles::{Object, kind};
use std::sync::Arc;

/// COLOR_*.
pub(super) mod color {
    pub const SCROLLBAR: u32 = 0;
    pub const ACTIVE_CAPTION: u32 = 2;
    pub const INACTIVE_CAPTION: u32 = 3;
    pub const MENU: u32 = 4;
    pub const WINDOW: u32 = 5;
    pub const WINDOW_FRAME: u32 = 6;
    pub const MENU_TEXT: u32 = 7;
    pub const WINDOW_TEXT: u32 = 8;
    pub const CAPTION_TEXT: u32 = 9;
    pub const ACTIVE_BORDER: u32 = 10;
    pub const INACTIVE_BORDER: u32 = 11;
    pub const HIGHLIGHT: u32 = 13;
    pub const HIGHLIGHT_TEXT: u32 = 14;
    pub const FACE: u32 = 15;
    pub const SHADOW: u32 = 16;
    pub const GRAY_TEXT: u32 = 17;
    pub const BUTTON_TEXT: u32 = 18;
    pub const INACTIVE_CAPTION_TEXT: u32 = 19;
    pub const LIT: u32 = 20;
    pub const DARK_SHADOW: u32 = 21;
    pub const LIGHT: u32 = 22;
    pub const GRADIENT_ACTIVE: u32 = 27;
    pub const GRADIENT_INACTIVE: u32 = 28;
    pub const MENU_HILIGHT: u32 = 29;
    pub const MENU_BAR: u32 = 30;
}

/// A brush of every other pixel: text colour and background. It is made once, and stays.
pub(super) fn checked_brush(cx: &Cx<'_>) -> User {
    let mut kept = cx.k.user.checked.lock();
    if *kept != 0 {
        return Ok((*kept).into());
    }
    let bitmap = Bitmap::new(8, 8, 1)?;
    {
        let mut opened = bitmap.surface.open(cx.k);
        for y in 0..8 {
            let row: Vec<u32> = (0..8).map(|x| u32::from((x + y) % 2 != 0)).collect();
            opened.store(0, y, &row)?;
        }
    }
    let handles = &cx.k.gdi.handles;
    let bitmap = handles.add(cx.k, kind::BITMAP, Object::Bitmap(Arc::new(bitmap)));
    let made = brush::create_pattern(cx, bitmap, 0, 0)?;
    handles.delete(cx.k, bitmap);
    // As if it were selected for ever: programs may delete it, and it stays.
    handles.select(made as u32);
    *kept = made as u32;
    Ok(made)
}
