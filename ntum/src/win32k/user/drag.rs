//! Dragging that the window server does itself: DragDetect. What OLE drags is the DLLs' own business.

use super::super::User;
use super::reach::{self, Next};
use super::sysparams::metrics::metric;
use crate::call::Cx;
use crate::shm::user::hardware::number;
use crate::win32k::geometry::Rect;

/// WM_MOUSEFIRST to WM_MOUSELAST.
const MOUSE: (u32, u32) = (0x200, 0x20e);
/// SM_CXDRAG, SM_CYDRAG.
const WIDTH: u32 = 68;
const HEIGHT: u32 = 69;

/// NtUserDragDetect: whether the mouse leaves the surroundings of a place before its left button goes up. Messages of the mouse are lost
/// meanwhile.
///
/// # Errors
/// The answer is FALSE.
pub fn detect(cx: &Cx<'_>, window: u64, x: u32, y: u32) -> User {
    if !reach::is_button_down(cx) {
        return Ok(0);
    }
    let size = |index| metric(cx, index).map(|size| size as i32);
    let (width, height, x, y) = (size(WIDTH)?, size(HEIGHT)?, x as i32, y as i32);
    let around =
        Rect::new(x.saturating_sub(width), y.saturating_sub(height), x.saturating_add(width), y.saturating_add(height));
    reach::capture(cx, window);
    loop {
        while let Some(told) = reach::peek(cx, MOUSE, true)? {
            let (x, y) = super::command::point(told.lparam);
            let dragged = told.number == number::MOUSE_MOVE && !around.contains(x, y);
            if dragged || told.number == number::LEFT_UP {
                reach::release_capture(cx, false);
                return Ok(dragged.into());
            }
        }
        if reach::wait(cx)? == Next::Ends {
            reach::release_capture(cx, false);
            return Ok(0);
        }
    }
}
