//! What DefWindowProc does with messages about painting and about a window's place.

use super::super::User;
use super::paint;
use super::position::WindowPos;
use super::procedure::Letter;
use super::session::Window;
use super::show::pair;
use super::{class, dce, limits};
use crate::call::Cx;
use crate::shm::user::paint::{rdw, swp};
use crate::shm::user::window::{CHILD, MINIMIZE, POPUP, VISIBLE, field};
use crate::um::UserPtr;
use crate::win32k::gdi::{self, blit, brush};
use crate::win32k::geometry::Rect;

/// GCLP_HBRBACKGROUND, GCL_STYLE; CS_PARENTDC.
const BACKGROUND: i32 = -10;
const CLASS_STYLE: i32 = -26;
const PARENT_DC: u32 = 0x80;
/// The last number that stands for a system colour's brush: COLOR_MENUBAR and one.
const LAST_COLOR: u64 = 31;
/// PATCOPY.
const PATTERN: u32 = 0x00f0_0021;
/// WS_THICKFRAME, WS_MAXIMIZE.
const THICK_FRAME: u32 = 0x0004_0000;
const MAXIMIZE: u32 = 0x0100_0000;
/// WM_MOVE, WM_SIZE, WM_ERASEBKGND, WM_PRINTCLIENT.
const MOVE: u32 = 0x3;
const SIZE: u32 = 0x5;
const ERASE: u32 = 0x14;
const PRINT_CLIENT: u32 = 0x318;
/// PRF_CHECKVISIBLE, PRF_CLIENT, PRF_ERASEBKGND.
const CHECK_VISIBLE: u64 = 0x1;
const CLIENT: u64 = 0x4;
const ERASE_BACKGROUND: u64 = 0x8;

/// Fills a rectangle of a DC with a brush, or with a system colour's where the handle is that one's number and one (FillRect).
pub(super) fn fill_rect(cx: &Cx<'_>, dc: u32, rect: &Rect, handle: u64) -> User<()> {
    let own = (1..=LAST_COLOR).contains(&handle);
    let filler = if own {
        let color = cx.k.system_colour(handle as u32 - 1);
        brush::create_solid(cx, color, 0)? as u32
    } else {
        handle as u32
    };
    let before = brush::select(cx, dc, filler)?;
    if before != 0 {
        blit::pattern(cx, dc, rect.left, rect.top, rect.width(), rect.height(), PATTERN)?;
        brush::select(cx, dc, before as u32)?;
    }
    if own {
        cx.k.gdi.handles.delete(cx.k, filler);
    }
    Ok(())
}

/// WM_ERASEBKGND: fills what is to be painted with the class's brush.
pub(super) fn erase(cx: &Cx<'_>, window: &Window, dc: u32) -> User {
    let handle = window.handle.into();
    let filler = class::long(cx, handle, BACKGROUND, 8, false).unwrap_or(0);
    if filler == 0 {
        return Ok(0);
    }
    let style = class::long(cx, handle, CLASS_STYLE, 4, false).unwrap_or(0) as u32;
    let client = cx.windows()?.window_rect(window.record, field::CLIENT_RECT);
    let rect = gdi::with(cx, dc, |work| {
        // A parent's DC shows more than the window.
        if style & PARENT_DC != 0 {
            return work.world_box(Rect::new(0, 0, client.width(), client.height()));
        }
        let seen = work.state.total.as_ref().map(|total| total.bounds());
        let device = work.device_rect();
        let seen = match (seen, device) {
            (Some(seen), Some(device)) => seen.intersect(&device).unwrap_or_default(),
            (seen, device) => seen.or(device).unwrap_or_default(),
        };
        work.world_box(seen)
    });
    if let Some(rect) = rect {
        fill_rect(cx, dc, &rect, filler)?;
    }
    Ok(1)
}

/// WM_PAINT: what is invalid is not any more.
pub(super) fn paint(cx: &Cx<'_>, window: &Window) -> User {
    let (dc, _) = paint::begin(cx, window)?;
    if dc != 0 {
        dce::release(cx, dc, true);
    }
    Ok(0)
}

/// WM_SYNCPAINT.
pub(super) fn sync(cx: &Cx<'_>, window: &Window) -> User {
    paint::redraw(cx, window.handle.into(), None, rdw::ERASE_NOW | rdw::ERASE | rdw::ALL_CHILDREN)?;
    Ok(0)
}

/// WM_SETREDRAW: a window that is not to be painted is as good as hidden, to all but itself.
pub(super) fn set_redraw(cx: &Cx<'_>, window: &Window, on: bool) -> User {
    if !on {
        paint::redraw(cx, window.handle.into(), None, rdw::ALL_CHILDREN | rdw::VALIDATE)?;
    }
    let (set, clear) = if on { (VISIBLE, 0) } else { (0, VISIBLE) };
    super::show::set_style(cx, window, set, clear)?;
    Ok(0)
}

/// WM_PRINT: has the window paint on another DC; frames and children are left out, as Wine has it.
pub(super) fn print(cx: &Cx<'_>, window: &Window, dc: u64, how: u64) -> User {
    if how & CHECK_VISIBLE != 0 && !cx.windows()?.is_visible(window.record) {
        return Ok(0);
    }
    if how & ERASE_BACKGROUND != 0 {
        cx.send(window, &Letter { message: ERASE, wparam: dc, lparam: 0, ansi: false })?;
    }
    if how & CLIENT != 0 {
        cx.send(window, &Letter { message: PRINT_CLIENT, wparam: dc, lparam: how, ansi: false })?;
    }
    Ok(0)
}

/// WM_WINDOWPOSCHANGING: a window that can be sized keeps within what it says it may have.
pub(super) fn changing(cx: &Cx<'_>, window: &Window, at: u64) -> User {
    let at = UserPtr::<WindowPos>::new(at);
    let mut position = at.read(cx.k)?;
    if position.flags & swp::NO_SIZE != 0 {
        return Ok(0);
    }
    let style = cx.windows()?.get(window.record + field::STYLE);
    if style & THICK_FRAME != 0 || style & (POPUP | CHILD) == 0 {
        let limits = limits::ask(cx, window)?;
        position.width = position.width.min(limits.most.x);
        position.height = position.height.min(limits.most.y);
        if style & MINIMIZE == 0 {
            position.width = position.width.max(limits.least.x);
            position.height = position.height.max(limits.least.y);
        }
        at.write(cx.k, position)?;
    }
    Ok(0)
}

/// WM_WINDOWPOSCHANGED: WM_MOVE and WM_SIZE follow.
pub(super) fn changed(cx: &Cx<'_>, window: &Window, at: u64) -> User {
    let position = UserPtr::<WindowPos>::new(at).read(cx.k)?;
    let client = cx.windows()?.told_rect(window.record, field::CLIENT_RECT);
    if position.flags & swp::NO_CLIENT_MOVE == 0 {
        let lparam = pair(client.left, client.top);
        cx.send(window, &Letter { message: MOVE, wparam: 0, lparam, ansi: false })?;
    }
    if position.flags & swp::NO_CLIENT_SIZE == 0 || position.flags & swp::STATE_CHANGED != 0 {
        let Ok(window) = cx.window(window.handle.into()) else { return Ok(0) };
        let style = cx.windows()?.get(window.record + field::STYLE);
        // SIZE_RESTORED, SIZE_MINIMIZED, SIZE_MAXIMIZED.
        let (how, lparam) = match style & (MINIMIZE | MAXIMIZE) {
            0 => (0, pair(client.width(), client.height())),
            bits if bits & MINIMIZE != 0 => (1, 0),
            _ => (2, pair(client.width(), client.height())),
        };
        cx.send(&window, &Letter { message: SIZE, wparam: how, lparam, ansi: false })?;
    }
    Ok(0)
}
