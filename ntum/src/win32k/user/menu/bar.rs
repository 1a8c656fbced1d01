//! Menu bars: how high they are, how they are drawn; SetMenu and DrawMenuBar.

use super::super::super::User;
use super::super::colours::color;
use super::super::draw::{Canvas, Face};
use super::super::nonclient::{size, sm};
use super::super::reach;
use super::draw::{Action, draw_item};
use super::size::{lay, ruler};
use super::{check, is_disallowed, of_window};
use crate::call::Cx;
use crate::um::UserPtr;
use crate::win32k::geometry::Rect;
use crate::win32k::user::long;

/// SWP_NOSIZE, SWP_NOMOVE, SWP_NOZORDER, SWP_NOACTIVATE, SWP_FRAMECHANGED.
const FRAME_CHANGED: u32 = 0x1 | 0x2 | 0x4 | 0x10 | 0x20;

/// How high a window's menu bar is, at a place of the window and so wide.
pub(in super::super) fn height(cx: &Cx<'_>, window: u64, width: i32, x: i32, y: i32) -> i32 {
    let bar = of_window(cx, window);
    if cx.k.user.menus.copy(bar).is_none() {
        return 0;
    }
    // What only measures needs no window's DC.
    let Some(dc) = reach::screen_dc(cx) else { return 0 };
    let canvas = Canvas { cx, dc };
    let mut rect = Rect::sized(x, y, width, size(cx, sm::CY_MENU));
    let owner = cx.window(window).map_or(0, |window| window.handle);
    let _ = lay(cx, bar, |menu| ruler(canvas, owner, true).lay_bar(menu, &mut rect));
    reach::release_dc(cx, dc);
    cx.k.user.menus.with(bar, |menu| menu.height).unwrap_or(0)
}

/// Draws a menu bar in a rectangle, whose bottom becomes the bar's; answers its height.
pub(in super::super) fn draw(canvas: &Canvas<'_, '_>, window: u64, rect: &mut Rect, handle: u64, font: u32) -> i32 {
    let cx = canvas.cx;
    let Some(menu) = cx.k.user.menus.copy(handle) else { return size(cx, sm::CY_MENU) };
    let owner = cx.window(window).map_or(0, |window| window.handle);
    let before = if font != 0 { canvas.set_font(font) } else { canvas.set_face(Face::Menu) };
    if menu.height == 0 {
        let _ = lay(cx, handle, |menu| ruler(*canvas, owner, true).lay_bar(menu, rect));
    }
    let Some(menu) = cx.k.user.menus.copy(handle) else { return 0 };
    rect.bottom = rect.top.saturating_add(menu.height);
    canvas.fill(rect, if reach::has_flat_menus(cx) { color::MENU_BAR } else { color::MENU });
    canvas.fill(&Rect::new(rect.left, rect.bottom, rect.right, rect.bottom.saturating_add(1)), color::FACE);
    for place in 0..menu.items.len() {
        draw_item(canvas, window, handle, place, owner, true, Action::Whole);
    }
    canvas.set_font(before);
    if menu.items.is_empty() { size(cx, sm::CY_MENU) } else { menu.height }
}

/// NtUserDrawMenuBarTemp: draws a menu bar; answers its height.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn draw_temp(cx: &Cx<'_>, window: u64, dc: u64, rect: UserPtr<Rect>, handle: u64, font: u64) -> User {
    let handle = if handle == 0 { of_window(cx, window) } else { handle };
    if rect.address() == 0 || cx.k.user.menus.copy(handle).is_none() {
        return Ok(size(cx, sm::CY_MENU) as u64);
    }
    let mut area = rect.read(cx.k)?.tamed();
    let height = draw(&Canvas { cx, dc: dc as u32 }, window, &mut area, handle, font as u32);
    rect.write(cx.k, area)?;
    Ok(height as u64)
}

/// SetMenu, without the window's frame being made anew. Answers whether it could be.
pub(in super::super) fn give(cx: &Cx<'_>, window: u64, handle: u64) -> User<bool> {
    if handle != 0 {
        check(cx, handle)?;
    }
    if is_disallowed(cx, window)? {
        return Ok(false);
    }
    let found = cx.window(window)?;
    if reach::captured(cx) == found.handle {
        reach::release_capture(cx, true);
    }
    cx.k.user.menus.with(handle, |menu| (menu.window, menu.height) = (found.handle, 0));
    long::set(cx, window, long::at::ID, handle, 8, false)?;
    Ok(true)
}

/// NtUserSetMenu.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn set(cx: &Cx<'_>, window: u64, handle: u64) -> User {
    if !give(cx, window, handle)? {
        return Ok(0);
    }
    // A window that nobody sees has no frame to be made anew: it is when it is shown.
    let _ = reach::set_position(cx, window, 0, &Rect::default(), FRAME_CHANGED);
    Ok(1)
}

/// DrawMenuBar.
pub(in super::super) fn draw_again(cx: &Cx<'_>, window: u64) -> User {
    if is_disallowed(cx, window)? {
        return Ok(1);
    }
    let (found, bar) = (cx.window(window)?, of_window(cx, window));
    cx.k.user.menus.with(bar, |menu| (menu.height, menu.owner) = (0, found.handle));
    reach::set_position(cx, window, 0, &Rect::default(), FRAME_CHANGED)
}
