//! How large a window may be, and where it lies when maximized: WM_GETMINMAXINFO.

use super::super::User;
use super::class::little;
use super::session::Window;
use crate::call::Cx;
use crate::shm::user::window::{CHILD, POPUP, field};
use crate::win32k::geometry::{Point, Rect};
use zerocopy::IntoBytes;

/// WM_GETMINMAXINFO.
const GET_MIN_MAX_INFO: u32 = 0x24;
/// WS_BORDER, WS_DLGFRAME, both, WS_MAXIMIZEBOX.
const BORDER: u32 = 0x0080_0000;
const DIALOG_FRAME: u32 = 0x0040_0000;
const CAPTION: u32 = 0x00c0_0000;
const MAXIMIZE_BOX: u32 = 0x0001_0000;
/// SM_CXMINTRACK and its kin.
const TRACK: [u32; 4] = [34, 35, 59, 60];

/// What a window says of its size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Size and place when maximized.
    pub maximized: Rect,
    /// Smallest and largest size that it is given.
    pub least: Point,
    /// See above.
    pub most: Point,
}

/// A client area's window: AdjustWindowRectEx.
pub(super) fn with_frame(cx: &Cx<'_>, client: Rect, style: u32, menu: bool, extended: u32) -> User<Rect> {
    Ok(super::nonclient::adjusted(cx, &client, style, menu, extended))
}

/// What of the screen a window covers when maximized.
pub(super) fn work_rect(cx: &Cx<'_>, window: &Window) -> User<Rect> {
    let screen = cx.screen()?;
    let tx = cx.windows()?;
    let style = tx.get(window.record + field::STYLE);
    let framed = style & CAPTION == CAPTION || style & (CHILD | POPUP) == 0;
    Ok(if style & MAXIMIZE_BOX != 0 && framed { tx.work_area() } else { screen })
}

/// Has a window say how large it may be.
pub(super) fn ask(cx: &Cx<'_>, window: &Window) -> User<Limits> {
    let (style, extended, rect, parent, kept) = {
        let tx = cx.windows()?;
        let rect = tx.screen_rect(window.record, field::WINDOW_RECT);
        let parent = tx.link(window.record + field::PARENT);
        let parent = tx.window_rect(parent, field::CLIENT_RECT);
        let kept = [0, 1].map(|at| tx.get(window.record + field::MAXIMIZED_PLACE + at) as i32);
        (tx.get(window.record + field::STYLE), tx.get(window.record + field::EX_STYLE), rect, parent, kept)
    };
    let screen = cx.screen()?;
    let metric = |index| cx.k.metric(index, screen, super::dpi::of_system(cx));
    // A caption's border is no frame of its own.
    let frame = if style & CAPTION == CAPTION { style & !BORDER } else { style };
    let all = Rect::new(0, 0, parent.width(), parent.height());
    let all = with_frame(cx, all, frame, false, extended)?;
    let (left, top) = (-all.left, -all.top);
    let mut info = [rect.left, rect.top, all.width(), all.height(), -left, -top, 0, 0, 0, 0];
    for (place, index) in info.iter_mut().skip(6).zip(TRACK) {
        *place = metric(index);
    }
    if style & (DIALOG_FRAME | BORDER) == 0 {
        (info[6], info[7]) = (2 * left, 2 * top);
    }
    if kept != [-1, -1] {
        (info[4], info[5]) = (kept[0], kept[1]);
    }
    let (_, back) = cx.send_data(window, GET_MIN_MAX_INFO, 0, info.as_bytes())?;
    for (place, bytes) in info.iter_mut().zip(back.chunks_exact(4)) {
        *place = little(bytes) as i32;
    }
    let Ok(window) = cx.window(window.handle.into()) else {
        return Ok(Limits { maximized: rect, least: Point::default(), most: Point::default() });
    };
    let work = work_rect(cx, &window)?;
    if (info[2], info[3]) == (screen.width() + 2 * left, screen.height() + 2 * top) {
        (info[2], info[3]) = (work.width() + 2 * left, work.height() + 2 * top);
    }
    if (info[4], info[5]) == (-left, -top) {
        (info[4], info[5]) = (work.left - left, work.top - top);
    }
    let least = Point::new(info[6], info[7]);
    Ok(Limits {
        maximized: Rect::sized(info[4], info[5], info[2], info[3]),
        least,
        most: Point::new(info[8].max(least.x), info[9].max(least.y)),
    })
}
