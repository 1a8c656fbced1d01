//! What lies around a window's client area: where its parts are, and which of them a point hits.

use super::super::User;
use super::menu;
use super::reach;
use super::session::{Window, find};
use crate::call::{Call, Cx};
use crate::shm::user::window::{CHILD, POPUP, field, flag};
use crate::um::UserPtr;
use crate::win32k::geometry::Rect;

/// System calls about frames.
pub const CALLS: &[Call] = crate::calls! {
    NtUserDrawCaptionTemp(window: u64, dc: u64, rect: UserPtr<Rect>, font: u64, icon: u64, text: u64, flags: u32) => super::caption::draw_caption_temp, Done;
    NtUserGetTitleBarInfo(window: u64, info: u64) => get_title_bar_info, Done;
};

/// WS_* and WS_EX_* that shape a window.
pub(super) mod style {
    pub use crate::shm::user::window::MINIMIZE;
    pub const MAXIMIZE: u32 = 0x0100_0000;
    pub const CAPTION: u32 = 0x00c0_0000;
    pub const BORDER: u32 = 0x0080_0000;
    pub const DIALOG_FRAME: u32 = 0x0040_0000;
    pub const VERTICAL_SCROLL: u32 = 0x0020_0000;
    pub const HORIZONTAL_SCROLL: u32 = 0x0010_0000;
    pub const SYSTEM_MENU: u32 = 0x0008_0000;
    pub const THICK_FRAME: u32 = 0x0004_0000;
    pub const MINIMIZE_BOX: u32 = 0x0002_0000;
    pub const MAXIMIZE_BOX: u32 = 0x0001_0000;
    pub const EX_MODAL_FRAME: u32 = 0x1;
    pub const EX_MDI_CHILD: u32 = 0x40;
    pub const EX_TOOL_WINDOW: u32 = 0x80;
    pub const EX_CLIENT_EDGE: u32 = 0x200;
    pub const EX_CONTEXT_HELP: u32 = 0x400;
    pub const EX_LEFT_SCROLL_BAR: u32 = 0x4000;
    pub const EX_STATIC_EDGE: u32 = 0x2_0000;
    pub use crate::shm::user::mirror::EX_LAYOUT_RTL;
}
use style::*;

/// HT*.
pub(super) mod ht {
    pub const NOWHERE: i32 = 0;
    pub const CLIENT: i32 = 1;
    pub const CAPTION: i32 = 2;
    pub const SYSTEM_MENU: i32 = 3;
    pub const SIZE: i32 = 4;
    pub const MENU: i32 = 5;
    pub const HORIZONTAL_SCROLL: i32 = 6;
    pub const VERTICAL_SCROLL: i32 = 7;
    pub const MIN_BUTTON: i32 = 8;
    pub const MAX_BUTTON: i32 = 9;
    pub const LEFT: i32 = 10;
    pub const RIGHT: i32 = 11;
    pub const TOP: i32 = 12;
    pub const TOP_LEFT: i32 = 13;
    pub const TOP_RIGHT: i32 = 14;
    pub const BOTTOM: i32 = 15;
    pub const BOTTOM_LEFT: i32 = 16;
    pub const BOTTOM_RIGHT: i32 = 17;
    pub const BORDER: i32 = 18;
    pub const CLOSE: i32 = 20;
    pub const ERROR: i32 = -2;
}

/// SM_* that parts of windows have.
pub(super) mod sm {
    pub const CX_VSCROLL: u32 = 2;
    pub const CY_HSCROLL: u32 = 3;
    pub const CY_CAPTION: u32 = 4;
    pub const BORDER: u32 = 5;
    pub const DIALOG_FRAME: u32 = 7;
    pub const CY_MENU: u32 = 15;
    pub const CX_SIZE: u32 = 30;
    pub const CY_SIZE: u32 = 31;
    pub const FRAME: u32 = 32;
    pub const EDGE: u32 = 45;
    pub const CX_SMALL_ICON: u32 = 49;
    pub const CY_SMALL_ICON: u32 = 50;
    pub const CY_SMALL_CAPTION: u32 = 51;
    pub const CX_MENU_SIZE: u32 = 54;
    pub const CY_MENU_SIZE: u32 = 55;
    pub const CX_MENU_CHECK: u32 = 71;
    pub const CY_MENU_CHECK: u32 = 72;
}

/// A size of the system's that no screen has to do with.
pub(super) fn size(cx: &Cx<'_>, index: u32) -> i32 {
    cx.k.metric(index, Rect::default(), super::dpi::of_system(cx))
}

/// What a window looks like.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Look {
    pub window: Window,
    pub style: u32,
    pub extended: u32,
    /// On the screen.
    pub whole: Rect,
    pub client: Rect,
    /// Whether its caption is an active window's.
    pub active: bool,
}

impl Look {
    /// Looks at a window.
    pub fn of(cx: &Cx<'_>, window: u64) -> User<Look> {
        let found = cx.window(window)?;
        let tx = cx.windows()?;
        let Some(found) = find(&tx, found.handle) else { return Err(super::super::Failed::SILENT) };
        let (x, y) = tx.origin(found.record);
        let at = |place| tx.window_rect(found.record, place).offset(x, y).tamed();
        Ok(Look {
            window: found,
            style: tx.get(found.record + field::STYLE),
            extended: tx.get(found.record + field::EX_STYLE),
            whole: at(field::WINDOW_RECT),
            client: at(field::CLIENT_RECT),
            active: tx.get(found.record + field::FLAGS) & flag::NC_ACTIVE != 0,
        })
    }

    pub fn has(&self, style: u32) -> bool {
        self.style & style != 0
    }

    pub fn is(&self, extended: u32) -> bool {
        self.extended & extended != 0
    }

    pub fn has_caption(&self) -> bool {
        self.style & CAPTION == CAPTION
    }

    pub fn is_child(&self) -> bool {
        self.style & (CHILD | POPUP) == CHILD
    }

    pub fn has_thick_frame(&self) -> bool {
        self.has(THICK_FRAME) && self.style & (DIALOG_FRAME | BORDER) != DIALOG_FRAME
    }

    fn has_dialog_frame(&self) -> bool {
        self.is(EX_MODAL_FRAME) || self.has(DIALOG_FRAME) && !self.has(THICK_FRAME)
    }

    fn has_thin_frame(&self) -> bool {
        self.has(BORDER) || !self.has(CHILD | POPUP)
    }

    pub fn has_big_frame(&self) -> bool {
        self.has(THICK_FRAME | DIALOG_FRAME) || self.is(EX_MODAL_FRAME)
    }

    pub fn has_static_edge(&self) -> bool {
        self.extended & (EX_STATIC_EDGE | EX_MODAL_FRAME) == EX_STATIC_EDGE
    }

    /// As its own DC counts: from its upper left corner, or upper right.
    pub fn on_window(&self, rect: &Rect) -> Rect {
        let rect = rect.offset(-self.whole.left, -self.whole.top);
        if self.is(EX_LAYOUT_RTL) { rect.mirrored(self.whole.width()) } else { rect }
    }

    /// Where on the screen what its own DC counts is.
    pub fn on_screen(&self, rect: &Rect) -> Rect {
        let rect = if self.is(EX_LAYOUT_RTL) { rect.mirrored(self.whole.width()) } else { *rect };
        rect.offset(self.whole.left, self.whole.top)
    }

    /// A point of the screen, as its own DC counts.
    pub fn point_on_window(&self, (x, y): (i32, i32)) -> (i32, i32) {
        let x = if self.is(EX_LAYOUT_RTL) { self.whole.right - 1 - x } else { x - self.whole.left };
        (x, y - self.whole.top)
    }

    /// The frame's width.
    fn frame(&self, cx: &Cx<'_>) -> i32 {
        if self.has_thick_frame() {
            size(cx, sm::FRAME)
        } else if self.has_dialog_frame() {
            size(cx, sm::DIALOG_FRAME)
        } else if self.has_thin_frame() {
            size(cx, sm::BORDER)
        } else {
            0
        }
    }

    /// All of it without its frame, on the screen.
    pub fn inside(&self, cx: &Cx<'_>) -> Rect {
        let mut width = self.frame(cx);
        if self.has(CHILD) && !self.is(EX_MDI_CHILD) {
            width += if self.is(EX_CLIENT_EDGE) { size(cx, sm::EDGE) } else { 0 };
            width += if self.is(EX_STATIC_EDGE) { size(cx, sm::BORDER) } else { 0 };
        }
        self.whole.shrunk(width, width)
    }

    /// Which part of it a point of the screen hits: HT*.
    pub fn hit(&self, cx: &Cx<'_>, x: i32, y: i32) -> i32 {
        if !self.whole.contains(x, y) {
            return ht::NOWHERE;
        }
        if self.client.contains(x, y) {
            return ht::CLIENT;
        }
        let frame = self.frame(cx);
        let mut left = self.whole.shrunk(frame, frame);
        if !left.contains(x, y) {
            return if self.has_thick_frame() { sizing_border(&left, x, y, size(cx, sm::CX_SIZE)) } else { ht::BORDER };
        }
        if self.has_caption() {
            let small = self.is(EX_TOOL_WINDOW);
            left.top += size(cx, if small { sm::CY_SMALL_CAPTION } else { sm::CY_CAPTION }) - 1;
            if !left.contains(x, y) {
                return self.hit_caption(cx, left, x);
            }
        }
        self.hit_inside(cx, x, y)
    }

    /// Which part of the caption a column hits.
    fn hit_caption(&self, cx: &Cx<'_>, mut left: Rect, x: i32) -> i32 {
        let (caption, button) = (size(cx, sm::CY_CAPTION), size(cx, sm::CX_SIZE));
        let boxes = self.has(SYSTEM_MENU) && self.has(MINIMIZE_BOX | MAXIMIZE_BOX) && !self.is(EX_TOOL_WINDOW);
        let icon = self.has(SYSTEM_MENU)
            && !self.is(EX_TOOL_WINDOW)
            && super::caption::icon_of(cx, self, false).is_some_and(|icon| icon != 0);
        let mirrored = self.is(EX_LAYOUT_RTL);
        if icon {
            if mirrored {
                left.right -= caption - 1;
            } else {
                left.left += caption - 1;
            }
            if (mirrored && x > left.right) || (!mirrored && x < left.left) {
                return ht::SYSTEM_MENU;
            }
        }
        let mut buttons = Vec::new();
        if self.has(SYSTEM_MENU) {
            buttons.push((caption, ht::CLOSE));
        }
        if boxes {
            buttons.extend([(button, ht::MAX_BUTTON), (button, ht::MIN_BUTTON)]);
        }
        for (width, hit) in buttons {
            if mirrored {
                left.left += width;
            } else {
                left.right -= width;
            }
            if (mirrored && x < left.left) || (!mirrored && x > left.right) {
                return hit;
            }
        }
        ht::CAPTION
    }

    /// Menu bar, scroll bars and what lies between these.
    fn hit_inside(&self, cx: &Cx<'_>, x: i32, y: i32) -> i32 {
        let mut client = self.client;
        let bar = !self.is_child() && menu::of_window(cx, self.window.handle.into()) != 0;
        if bar && y < client.top && x >= client.left && x < client.right {
            return ht::MENU;
        }
        let at_left = self.is(EX_LEFT_SCROLL_BAR) != self.is(EX_LAYOUT_RTL);
        let width = size(cx, sm::CX_VSCROLL);
        if self.has(VERTICAL_SCROLL) {
            if at_left {
                client.left -= width;
            } else {
                client.right += width;
            }
            if client.contains(x, y) {
                return ht::VERTICAL_SCROLL;
            }
        }
        if self.has(HORIZONTAL_SCROLL) {
            client.bottom += size(cx, sm::CY_HSCROLL);
            if client.contains(x, y) {
                let corner = if at_left { x <= client.left + width } else { x >= client.right - width };
                return if self.has(VERTICAL_SCROLL) && corner { ht::SIZE } else { ht::HORIZONTAL_SCROLL };
            }
        }
        ht::NOWHERE
    }
}

/// Which side or corner of a sizing border lies outside of a rectangle at a point.
fn sizing_border(inner: &Rect, x: i32, y: i32, corner: i32) -> i32 {
    let third = |place: i32, low: i32, high: i32, names: [i32; 3]| match place {
        _ if place < low => names[0],
        _ if place >= high => names[2],
        _ => names[1],
    };
    let columns = (inner.left + corner, inner.right - corner);
    let rows = (inner.top + corner, inner.bottom - corner);
    if y < inner.top {
        third(x, columns.0, columns.1, [ht::TOP_LEFT, ht::TOP, ht::TOP_RIGHT])
    } else if y >= inner.bottom {
        third(x, columns.0, columns.1, [ht::BOTTOM_LEFT, ht::BOTTOM, ht::BOTTOM_RIGHT])
    } else if x < inner.left {
        third(y, rows.0, rows.1, [ht::TOP_LEFT, ht::LEFT, ht::BOTTOM_LEFT])
    } else {
        third(y, rows.0, rows.1, [ht::TOP_RIGHT, ht::RIGHT, ht::BOTTOM_RIGHT])
    }
}

/// AdjustWindowRectEx: the window's rectangle around a client area.
pub(super) fn adjusted(cx: &Cx<'_>, rect: &Rect, style: u32, bar: bool, extended: u32) -> Rect {
    adjusted_for(cx, rect, style, bar, extended, super::dpi::of_system(cx))
}

/// As [`adjusted`], in pixels of so many to the inch.
fn adjusted_for(cx: &Cx<'_>, rect: &Rect, style: u32, bar: bool, extended: u32, dpi: u32) -> Rect {
    let size = |index: u32| cx.k.metric(index, Rect::default(), dpi);
    let mut width = if extended & (EX_STATIC_EDGE | EX_MODAL_FRAME) == EX_STATIC_EDGE {
        1
    } else if extended & EX_MODAL_FRAME != 0 || style & (THICK_FRAME | DIALOG_FRAME) != 0 {
        2
    } else {
        0
    };
    if style & THICK_FRAME != 0 {
        // What the frame has beside the dialog's: the border that it is pulled at.
        width += size(sm::FRAME) - size(sm::DIALOG_FRAME);
    }
    if style & (BORDER | DIALOG_FRAME) != 0 || extended & EX_MODAL_FRAME != 0 {
        width += 1;
    }
    let mut rect = rect.tamed().shrunk(-width, -width);
    if style & CAPTION == CAPTION {
        let small = extended & EX_TOOL_WINDOW != 0;
        rect.top -= size(if small { sm::CY_SMALL_CAPTION } else { sm::CY_CAPTION });
    }
    if bar {
        rect.top -= size(sm::CY_MENU);
    }
    if extended & EX_CLIENT_EDGE != 0 {
        rect = rect.shrunk(-size(sm::EDGE), -size(sm::EDGE));
    }
    rect
}

/// AdjustWindowRectEx and its kin: `struct adjust_window_rect_params`.
pub(super) fn adjust(cx: &Cx<'_>, rect: u64, parameters: u64) -> User {
    let [style, extended, bar, dpi] = UserPtr::<[u32; 4]>::new(parameters).read(cx.k)?;
    let at = UserPtr::<Rect>::new(rect);
    let found = adjusted_for(cx, &at.read(cx.k)?, style, bar != 0, extended, dpi);
    at.write(cx.k, found)?;
    Ok(1)
}

/// What WM_NCCALCSIZE leaves of a window's rectangle for its client area. `other_way`: the rectangle is counted from another side than
/// what lies in the window.
pub(super) fn client_of(cx: &Cx<'_>, look: &Look, rect: &Rect, other_way: bool) -> Rect {
    if look.has(MINIMIZE) {
        return Rect::new(rect.left, rect.top, rect.left, rect.top);
    }
    let frame = adjusted(cx, &Rect::default(), look.style, false, look.extended & !EX_CLIENT_EDGE);
    let mut client = Rect {
        left: rect.left.saturating_sub(frame.left),
        top: rect.top.saturating_sub(frame.top),
        right: rect.right.saturating_sub(frame.right),
        bottom: rect.bottom.saturating_sub(frame.bottom),
    };
    let window = look.window.handle.into();
    if !look.is_child() && menu::of_window(cx, window) != 0 {
        let bar = menu::bar::height(cx, window, client.width(), -frame.left, -frame.top);
        client.top = client.top.saturating_add(bar);
    }
    let edge = size(cx, sm::EDGE);
    if look.is(EX_CLIENT_EDGE) && client.width() > 2 * edge && client.height() > 2 * edge {
        client = client.shrunk(edge, edge);
    }
    let bar = size(cx, sm::CX_VSCROLL);
    if look.has(VERTICAL_SCROLL) && client.width() >= bar {
        let at_left = look.is(EX_LEFT_SCROLL_BAR) != other_way;
        if at_left {
            client.left = client.left.saturating_add(bar);
        } else {
            client.right = client.right.saturating_sub(bar);
        }
    }
    let bar = size(cx, sm::CY_HSCROLL);
    if look.has(HORIZONTAL_SCROLL) && client.height() > bar {
        client.bottom = client.bottom.saturating_sub(bar);
    }
    client.bottom = client.bottom.max(client.top);
    client.right = client.right.max(client.left);
    client
}

/// Has a window's frame drawn anew.
pub(super) fn redraw_frame(cx: &Cx<'_>, window: u64) {
    /// RDW_INVALIDATE, RDW_NOCHILDREN, RDW_FRAME.
    const FRAME: u32 = 0x1 | 0x40 | 0x400;
    let Ok(look) = Look::of(cx, window) else { return };
    let client = look.on_window(&look.client);
    let above = look.on_window(&look.whole).offset(-client.left, -client.top);
    let above = Rect { bottom: 0, ..above };
    // Whoever is not to be seen needs none.
    let _ = reach::redraw(cx, window, Some(&above), FRAME);
}

/// TITLEBARINFO.
const TITLE_BAR_INFO: u32 = 44;

/// NtUserGetTitleBarInfo: where the caption is on the screen, and which of its parts are there.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn get_title_bar_info(cx: &Cx<'_>, window: u64, info: u64) -> User {
    use super::super::{Failed, error};
    /// STATE_SYSTEM_UNAVAILABLE, _INVISIBLE, _FOCUSABLE; CS_NOCLOSE.
    const UNAVAILABLE: u32 = 0x1;
    const INVISIBLE: u32 = 0x8000;
    const FOCUSABLE: u32 = 0x10_0000;
    const NO_CLOSE: u32 = 0x200;
    if info == 0 {
        return Err(Failed::with(error::NOACCESS));
    }
    if UserPtr::<u32>::new(info).read(cx.k)? != TITLE_BAR_INFO {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let look = Look::of(cx, window)?;
    let mut bar = look.inside(cx);
    bar.bottom = bar.top;
    if look.is(EX_TOOL_WINDOW) {
        bar.bottom += size(cx, sm::CY_SMALL_CAPTION);
    } else {
        bar.bottom += size(cx, sm::CY_CAPTION);
        bar.left += size(cx, sm::CX_SIZE);
    }
    // The bar, something that is not used, then the buttons: minimize, maximize, help, close.
    let mut states = [0u32; 6];
    states[0] = FOCUSABLE;
    if !look.has(CAPTION) {
        states[0] |= INVISIBLE;
    } else {
        states[1] = INVISIBLE;
        if look.has(SYSTEM_MENU) {
            for (state, style) in [(2, MINIMIZE_BOX), (3, MAXIMIZE_BOX)] {
                states[state] = match (look.has(MINIMIZE_BOX | MAXIMIZE_BOX), look.has(style)) {
                    (false, _) => INVISIBLE,
                    (true, false) => UNAVAILABLE,
                    (true, true) => 0,
                };
            }
            states[4] = if look.is(EX_CONTEXT_HELP) { 0 } else { INVISIBLE };
            if super::class::style_of(cx, &look.window) & NO_CLOSE != 0 {
                states[5] = UNAVAILABLE;
            }
        } else {
            states[2..].fill(INVISIBLE);
        }
    }
    UserPtr::new(info + 4).write(cx.k, bar)?;
    UserPtr::new(info + 20).write(cx.k, states)?;
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_of_a_sizing_border_are_as_wide_as_a_button() {
        let inner = Rect::new(4, 4, 196, 96);
        let hit = |x, y| sizing_border(&inner, x, y, 18);
        assert_eq!((hit(10, 1), hit(21, 1), hit(22, 1), hit(177, 1), hit(178, 1)), (13, 13, 12, 12, 14));
        assert_eq!((hit(1, 50), hit(198, 50), hit(198, 80), hit(100, 98), hit(1, 98)), (10, 11, 17, 15, 16));
    }

    #[test]
    fn frames_follow_from_styles() {
        let of = |style, extended| Look { style, extended, ..Look::default() };
        assert!(of(THICK_FRAME | CAPTION, 0).has_thick_frame() && !of(THICK_FRAME | DIALOG_FRAME, 0).has_thick_frame());
        assert!(of(CAPTION, 0).has_dialog_frame() && of(CHILD, EX_MODAL_FRAME).has_dialog_frame());
        assert!(of(0, 0).has_thin_frame() && !of(CHILD, 0).has_thin_frame());
        assert!(of(0, EX_STATIC_EDGE).has_static_edge() && !of(0, EX_STATIC_EDGE | EX_MODAL_FRAME).has_static_edge());
    }
}
