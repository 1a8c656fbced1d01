//! The non-client area as it is drawn: frames, captions with their buttons, and where menu bars and scroll bars begin.

use super::super::User;
use super::callbacks::{self, image};
use super::colours::color;
use super::draw::{Canvas, Face, dt, edge, side};
use super::menu::{self, item, mf, system};
use super::nonclient::style::*;
use super::nonclient::{Look, size, sm};
use super::{class, reach, scrollbar};
use crate::call::Cx;
use crate::shm::user::window::field;
use crate::um::UserPtr;
use crate::win32k::geometry::Rect;

/// DFCS_*: what a button of a caption shows, and how.
mod button {
    pub const CLOSE: u32 = 0;
    pub const MINIMIZE: u32 = 1;
    pub const MAXIMIZE: u32 = 2;
    pub const RESTORE: u32 = 3;
    /// Marlett's letters for them.
    pub const LETTERS: [u16; 4] = [0x72, 0x30, 0x31, 0x32];
}

/// The buttons of a caption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Button {
    Close,
    Maximize,
    Minimize,
}

/// Most units of a caption's text.
const MOST_TEXT: usize = 256;
/// IDI_WINLOGO.
const WINDOWS_LOGO: u32 = 32517;
/// WM_GETTEXT.
const GET_TEXT: u32 = 0x0d;

/// The icon of a window's caption: its own, its class's, or the system's, which is loaded if `load` says so (else `Some(1)` stands for it).
pub(super) fn icon_of(cx: &Cx<'_>, look: &Look, load: bool) -> Option<u64> {
    /// GCLP_HICONSM and GCLP_HICON.
    const CLASS_ICONS: [i32; 2] = [-34, -14];
    let handle = look.window.handle.into();
    let own = cx.windows().ok().map(|tx| {
        let icon = |at: u32| tx.get(look.window.record + field::ICONS + at);
        if icon(1) != 0 { icon(1) } else { icon(0) }
    });
    if let Some(icon @ 1..) = own {
        return Some(icon.into());
    }
    let of_class = |at: &i32| class::long(cx, handle, *at, 8, false).ok().filter(|icon| *icon != 0);
    if let Some(icon) = CLASS_ICONS.iter().find_map(of_class) {
        return Some(icon);
    }
    if look.is(EX_MODAL_FRAME) {
        return None;
    }
    if !load {
        return Some(1);
    }
    callbacks::load_image(cx, 0, WINDOWS_LOGO, image::ICON, size(cx, sm::CX_SMALL_ICON), image::SHARED).ok()
}

/// A window's text as its caption has it.
fn text_of(cx: &Cx<'_>, look: &Look) -> Vec<u16> {
    let kept = || super::text::get(cx, &look.window).unwrap_or_default();
    let mut text = match look.window.is_mine(cx) && look.window.is_ours(cx) {
        true => {
            let room = vec![0u8; MOST_TEXT * 2];
            match cx.send_data(&look.window, GET_TEXT, MOST_TEXT as u64, &room) {
                Ok((length, bytes)) => {
                    let mut text = class::units(&bytes);
                    text.truncate(usize::try_from(length).unwrap_or(0));
                    text
                }
                Err(_) => kept(),
            }
        }
        false => kept(),
    };
    text.truncate(MOST_TEXT - 1);
    text
}

/// Where a caption's button is, from the window's upper left corner; `None` where tool windows have none.
fn button_rect(cx: &Cx<'_>, look: &Look, which: Button) -> Option<Rect> {
    /// Rows and columns of a tool window's button.
    const SMALL: i32 = 11;
    let mut rect = look.on_window(&look.inside(cx));
    if look.is(EX_TOOL_WINDOW) {
        let caption = size(cx, sm::CY_SMALL_CAPTION);
        let top = rect.top + (caption - 1 - SMALL) / 2;
        let left = rect.right - (caption + 1 + SMALL) / 2;
        return (which == Button::Close).then_some(Rect::new(left, top, left + SMALL, top + SMALL));
    }
    let width = size(cx, sm::CX_SIZE);
    if which != Button::Close && look.has(SYSTEM_MENU) {
        rect.right -= width;
    }
    if which == Button::Minimize && look.has(MAXIMIZE_BOX | MINIMIZE_BOX) {
        rect.right -= width - 2;
    }
    Some(Rect::new(rect.right - width, rect.top + 2, rect.right - 2, rect.top + size(cx, sm::CY_SIZE) - 2))
}

/// Draws a caption's button.
pub(super) fn draw_button(canvas: &Canvas<'_, '_>, look: &Look, which: Button, down: bool, grayed: bool) {
    let cx = canvas.cx;
    let Some(rect) = button_rect(cx, look, which) else { return };
    let picture = match which {
        Button::Close => button::CLOSE,
        Button::Maximize if look.has(MAXIMIZE) => button::RESTORE,
        Button::Maximize => button::MAXIMIZE,
        Button::Minimize if look.has(MINIMIZE) => button::RESTORE,
        Button::Minimize => button::MINIMIZE,
    };
    let mut face = rect;
    canvas.edge(&mut face, if down { edge::SUNKEN } else { edge::RAISED }, side::ALL | side::MIDDLE);
    let Some(letter) = button::LETTERS.get(picture as usize) else { return };
    // As large as the largest square that it has room for.
    let (square, height) = square(&rect);
    let before = canvas.set_face(Face::Marlett(2 - height));
    let (width, tall) = canvas.measure(&[*letter], dt::SINGLE_LINE | dt::NO_PREFIX);
    let (x, y) = ((square.left + square.right) / 2 - width / 2, (square.top + square.bottom) / 2 - tall / 2);
    let draw = |colour: u32, by: i32| {
        canvas.set_ink(canvas.colour(colour));
        let place = Rect::sized(x + by, y + by, width, tall);
        canvas.text(&[*letter], &place, dt::SINGLE_LINE | dt::NO_PREFIX | dt::NO_CLIP);
    };
    if grayed {
        draw(color::LIT, 1);
    }
    draw(if grayed { color::SHADOW } else { color::BUTTON_TEXT }, 0);
    canvas.set_font(before);
}

/// The largest square in the middle of a rectangle, and how high it is.
pub(super) fn square(rect: &Rect) -> (Rect, i32) {
    let (width, height) = (rect.width(), rect.height());
    let least = width.min(height);
    let square = if width < height {
        let top = rect.top + (height - width) / 2;
        Rect { top, bottom: top + least, ..*rect }
    } else {
        let left = rect.left + (width - height) / 2;
        Rect { left, right: left + least, ..*rect }
    };
    (square, least)
}

/// Draws the icon in a caption; answers whether there is one.
pub(super) fn draw_icon(canvas: &Canvas<'_, '_>, look: &Look) -> bool {
    let cx = canvas.cx;
    let Some(icon @ 1..) = icon_of(cx, look, true) else { return false };
    let inside = look.on_window(&look.inside(cx));
    let side = size(cx, sm::CX_SMALL_ICON);
    let top = inside.top + (size(cx, sm::CY_CAPTION) - side) / 2;
    reach::draw_icon(cx, canvas.dc, inside.left + 2, top, icon, side);
    true
}

/// The bar behind all of a caption.
fn draw_bar(canvas: &Canvas<'_, '_>, rect: &Rect, style: u32, active: bool, gradient: bool) {
    let cx = canvas.cx;
    let plain = if active { color::ACTIVE_CAPTION } else { color::INACTIVE_CAPTION };
    if !gradient {
        canvas.fill(rect, plain);
        return;
    }
    let other = if active { color::GRADIENT_ACTIVE } else { color::GRADIENT_INACTIVE };
    let mut buttons = size(cx, sm::CY_CAPTION) - 1;
    if style & SYSTEM_MENU != 0 && style & (MAXIMIZE_BOX | MINIMIZE_BOX) != 0 {
        buttons += 2 * (size(cx, sm::CX_SIZE) + 1);
    }
    // One colour behind the icon, the other behind the buttons, between them one becomes the other.
    let icon = if style & SYSTEM_MENU != 0 { size(cx, sm::CX_SMALL_ICON) } else { 0 };
    let first = (rect.left + icon).min(rect.right);
    let second = first.max(rect.right - buttons);
    canvas.fill(&Rect { right: first, ..*rect }, plain);
    canvas.shade(&Rect { left: first, right: second, ..*rect }, plain, other);
    canvas.fill(&Rect { left: second, ..*rect }, other);
}

fn draw_caption(canvas: &Canvas<'_, '_>, mut rect: Rect, look: &Look) {
    let cx = canvas.cx;
    let frame = look.extended & (EX_STATIC_EDGE | EX_CLIENT_EDGE | EX_MODAL_FRAME);
    let line = if frame == EX_STATIC_EDGE { color::WINDOW_FRAME } else { color::FACE };
    canvas.fill(&Rect { top: rect.bottom - 1, ..rect }, line);
    rect.bottom -= 1;
    draw_bar(canvas, &rect, look.style, look.active, reach::has_gradients(cx));
    if look.has(SYSTEM_MENU) && !look.is(EX_TOOL_WINDOW) && draw_icon(canvas, look) {
        rect.left += size(cx, sm::CX_SMALL_ICON) + 2;
    }
    if look.has(SYSTEM_MENU) {
        let menu = system::get(cx, look.window.handle.into(), 0).unwrap_or(0);
        let state = item::state(cx, menu, system::command::CLOSE, 0);
        // Gray too where there is no such item.
        draw_button(canvas, look, Button::Close, false, state & (mf::DISABLED | mf::GRAYED) != 0);
        rect.right -= size(cx, sm::CY_CAPTION) - 1;
        if look.has(MAXIMIZE_BOX | MINIMIZE_BOX) {
            for (which, style) in [(Button::Maximize, MAXIMIZE_BOX), (Button::Minimize, MINIMIZE_BOX)] {
                draw_button(canvas, look, which, false, !look.has(style));
                rect.right -= size(cx, sm::CX_SIZE) + 1;
            }
        }
    }
    let text = text_of(cx, look);
    if text.is_empty() {
        return;
    }
    let before = canvas.set_face(if look.is(EX_TOOL_WINDOW) { Face::SmallCaption } else { Face::Caption });
    let colour = if look.active { color::CAPTION_TEXT } else { color::INACTIVE_CAPTION_TEXT };
    canvas.set_ink(canvas.colour(colour));
    rect.left += 2;
    canvas.text(&text, &rect, dt::SINGLE_LINE | dt::MIDDLE | dt::NO_PREFIX);
    canvas.set_font(before);
}

/// Draws frame, caption, menu bar and scroll bars; `clip` is WM_NCPAINT's: a region of the screen, or 1 for all.
pub(super) fn paint(cx: &Cx<'_>, window: u64, clip: u64) -> User<()> {
    let look = Look::of(cx, window)?;
    if !look.window.is_ours(cx) {
        return Ok(());
    }
    let Some(dc) = reach::frame_dc(cx, &look, clip) else { return Ok(()) };
    draw(&Canvas { cx, dc }, &look);
    reach::release_dc(cx, dc);
    Ok(())
}

/// See [`paint`], on any DC that begins at the window's upper left corner.
pub(super) fn draw(canvas: &Canvas<'_, '_>, look: &Look) {
    let cx = canvas.cx;
    let mut rect = look.on_window(&look.whole);
    if look.has_static_edge() {
        canvas.edge(&mut rect, edge::SUNKEN_OUTER, side::ALL | side::ADJUST);
    } else if look.has_big_frame() {
        canvas.edge(&mut rect, edge::RAISED, side::ALL | side::ADJUST);
    }
    if look.has(THICK_FRAME) {
        let width = size(cx, sm::FRAME) - size(cx, sm::DIALOG_FRAME);
        let colour = if look.active { color::ACTIVE_BORDER } else { color::INACTIVE_BORDER };
        canvas.frame(&mut rect, width, width, colour);
    }
    if look.has(BORDER | DIALOG_FRAME) || look.is(EX_MODAL_FRAME) {
        let width = size(cx, sm::DIALOG_FRAME) - size(cx, sm::EDGE);
        let colour = if look.is(EX_MODAL_FRAME | EX_CLIENT_EDGE) {
            color::FACE
        } else if look.is(EX_STATIC_EDGE) || !look.has(DIALOG_FRAME | THICK_FRAME) {
            color::WINDOW_FRAME
        } else {
            color::FACE
        };
        canvas.frame(&mut rect, width, width, colour);
    }
    if look.has_caption() {
        let height = size(cx, if look.is(EX_TOOL_WINDOW) { sm::CY_SMALL_CAPTION } else { sm::CY_CAPTION });
        let bar = Rect { bottom: rect.top + height, ..rect };
        rect.top += height;
        if reach::is_visible(cx, canvas.dc, &bar) {
            draw_caption(canvas, bar, look);
        }
    }
    let window = look.window.handle.into();
    let bar = if look.is_child() { 0 } else { menu::of_window(cx, window) };
    if bar != 0 {
        let mut area = Rect { bottom: rect.top + size(cx, sm::CY_MENU), ..rect };
        rect.top += match cx.k.user.menus.copy(bar) {
            Some(_) => menu::bar::draw(canvas, window, &mut area, bar, 0),
            None => size(cx, sm::CY_MENU),
        };
    }
    if look.is(EX_CLIENT_EDGE) {
        canvas.edge(&mut rect, edge::SUNKEN, side::ALL | side::ADJUST);
    }
    scrollbar::draw_frame(canvas, look);
    if look.has(VERTICAL_SCROLL) && look.has(HORIZONTAL_SCROLL) {
        let (width, height) = (size(cx, sm::CX_VSCROLL), size(cx, sm::CY_HSCROLL));
        let mut corner = Rect { top: rect.bottom - height + 1, ..rect };
        if look.is(EX_LEFT_SCROLL_BAR) {
            corner.right = corner.left + width + 1;
        } else {
            corner.left = corner.right - width + 1;
        }
        canvas.fill(&corner, color::FACE);
    }
}

/// NtUserDrawCaptionTemp: a caption, or what stands on a button of the task bar.
///
/// # Errors
/// None: the answer is FALSE, as Wine's is.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn draw_caption_temp(
    cx: &Cx<'_>,
    window: u64,
    dc: u64,
    rect: UserPtr<Rect>,
    font: u64,
    icon: u64,
    text: u64,
    flags: u32,
) -> User {
    /// DC_ACTIVE, DC_SMALLCAP, DC_ICON, DC_TEXT, DC_INBUTTON, DC_GRADIENT; what centers the text.
    const ACTIVE: u32 = 0x1;
    const SMALL: u32 = 0x2;
    const ICON: u32 = 0x4;
    const TEXT: u32 = 0x8;
    const IN_BUTTON: u32 = 0x10;
    const GRADIENT: u32 = 0x20;
    const CENTERED: u32 = 0x4000;
    let mut rect = rect.read(cx.k)?.tamed();
    let canvas = Canvas { cx, dc: dc as u32 };
    let look = Look::of(cx, window).unwrap_or_default();
    let has = |flag: u32| flags & flag != 0;
    if has(IN_BUTTON) {
        canvas.fill(&rect, color::FACE);
        if has(ACTIVE) {
            let checked = super::colours::checked_brush(cx)?;
            canvas.fill_with(&rect, checked, super::draw::PATTERN_OR);
        }
    } else {
        draw_bar(&canvas, &rect, look.style, has(ACTIVE), has(GRADIENT));
    }
    if has(ICON) && !has(SMALL) {
        let side = size(cx, sm::CX_SMALL_ICON);
        let (left, top) = (rect.left + 2, (rect.bottom + rect.top - side) / 2);
        let icon = if icon != 0 { icon } else { icon_of(cx, &look, true).unwrap_or(0) };
        reach::draw_icon(cx, canvas.dc, left, top, icon, side);
        rect.left = left + side;
    }
    if has(TEXT) {
        let colour = match (has(IN_BUTTON), has(ACTIVE)) {
            (true, _) => color::BUTTON_TEXT,
            (false, true) => color::CAPTION_TEXT,
            (false, false) => color::INACTIVE_CAPTION_TEXT,
        };
        canvas.set_ink(canvas.colour(colour));
        let before = match font {
            0 => canvas.set_face(if has(SMALL) { Face::SmallCaption } else { Face::Caption }),
            font => canvas.set_font(font as u32),
        };
        let text = if text != 0 { super::text::read(cx, text, false)? } else { text_of(cx, &look) };
        rect.left += 2;
        let place = if has(CENTERED) { dt::CENTER } else { 0 };
        canvas.text(&text, &rect, place | dt::SINGLE_LINE | dt::MIDDLE | dt::NO_PREFIX | dt::END_ELLIPSIS);
        canvas.set_font(before);
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_square_and_in_the_middle() {
        assert_eq!(square(&Rect::new(10, 10, 26, 24)), (Rect::new(11, 10, 25, 24), 14));
        assert_eq!(square(&Rect::new(0, 0, 10, 14)), (Rect::new(0, 2, 10, 12), 10));
    }
}
