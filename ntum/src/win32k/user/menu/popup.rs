//! Popups: the windows that show menus (`#32768`), which item is chosen, what is opened from there.

use super::super::super::User;
use super::super::class;
use super::super::draw::{Canvas, Face};
use super::super::nonclient::{Look, size, sm};
use super::super::procedure::Letter;
use super::super::reach;
use super::draw::{Action, draw_item, draw_popup};
use super::info::on_screen;
use super::size::{MARGIN, lay, ruler};
use super::{Menu, mf, system};
use crate::call::Cx;
use crate::shm::user::mirror::EX_LAYOUT_RTL;
use crate::win32k::geometry::Rect;
use crate::win32k::user::{default, long};

/// TPM_*.
pub(in super::super) mod tpm {
    pub const RIGHT_BUTTON: u32 = 0x2;
    pub const CENTER: u32 = 0x4;
    pub const RIGHT: u32 = 0x8;
    pub const MIDDLE: u32 = 0x10;
    pub const BOTTOM: u32 = 0x20;
    pub const VERTICAL: u32 = 0x40;
    pub const NO_NOTIFY: u32 = 0x80;
    pub const RETURN_COMMAND: u32 = 0x100;
    pub const RIGHT_TO_LEFT: u32 = 0x8000;
    /// How the window server itself asks: the menu ends at once; it was clicked; it is a popup.
    pub const ENDS: u32 = 0x1_0000;
    pub const BUTTON_DOWN: u32 = 0x4000_0000;
    pub const POPUP: u32 = 0x2000_0000;
}

/// WM_MENUSELECT, WM_INITMENUPOPUP, WM_UNINITMENUPOPUP.
pub(super) const MENU_SELECT: u32 = 0x11f;
pub(super) const INIT_MENU_POPUP: u32 = 0x117;
pub(super) const UNINIT_MENU_POPUP: u32 = 0x125;

/// Sends a window a message without texts; a window that is gone answers 0.
pub(super) fn tell(cx: &Cx<'_>, window: u64, message: u32, wparam: u64, lparam: u64) -> u64 {
    let letter = Letter { message, wparam, lparam, ansi: false };
    cx.window(window).and_then(|window| cx.send(&window, &letter)).unwrap_or(0)
}

/// Notes which menu was opened first, if none is.
pub(super) fn note_first(cx: &Cx<'_>, window: u32, menu: u64) {
    let mut tracking = cx.k.user.menus.tracking.lock();
    if tracking.window == 0 {
        (tracking.window, tracking.menu) = (window, menu);
    }
}

/// Makes the window that shows a popup.
pub(super) fn open(cx: &Cx<'_>, owner: u64, handle: u64, flags: u32) -> User<()> {
    let found = cx.window(owner)?;
    cx.k.user.menus.with(handle, |menu| menu.owner = found.handle);
    let extended = if flags & tpm::RIGHT_TO_LEFT != 0 { EX_LAYOUT_RTL } else { 0 };
    let window = reach::create_popup(cx, owner, handle, extended)?;
    cx.k.user.menus.with(handle, |menu| menu.window = window);
    Ok(())
}

/// Lays a popup out at a point of the screen and shows it. What it must not cover is so wide and high.
pub(super) fn show(
    cx: &Cx<'_>,
    handle: u64,
    flags: u32,
    at: (i32, i32),
    beside: (i32, i32),
    spared: &Rect,
) -> User<()> {
    let menus = &cx.k.user.menus;
    let said = menus.with(handle, |menu| {
        if let Some(item) = menu.focused.take().and_then(|place| menu.items.get_mut(place)) {
            item.state &= !(mf::HILITE | mf::MOUSE_SELECT);
        }
        menu.scrolled = 0;
        (menu.owner, menu.most_height)
    });
    let Some((owner, most)) = said else { return Ok(()) };
    let work = reach::work_area(cx, at)?;
    let height = match i32::try_from(most) {
        Ok(most @ 1..) => most.min(work.height()),
        _ => work.height(),
    };
    if let Some(dc) = reach::screen_dc(cx) {
        let _ = lay(cx, handle, |menu| ruler(Canvas { cx, dc }, owner, false).lay_popup(menu, height));
        reach::release_dc(cx, dc);
    }
    let Some(menu) = menus.copy(handle) else { return Ok(()) };
    let (x, y) = place_popup(&work, flags, at, beside, (menu.width, menu.height));
    let (x, y) = keep_off(&work, flags, (x, y), (menu.width, menu.height), spared);
    note_first(cx, menu.window, handle);
    /// SWP_SHOWWINDOW, SWP_NOACTIVATE; HWND_TOPMOST; RDW_UPDATENOW, RDW_ALLCHILDREN.
    const SHOW: u32 = 0x40 | 0x10;
    const TOPMOST: u64 = u64::MAX;
    const UPDATE: u32 = 0x100 | 0x80;
    reach::set_position(cx, menu.window.into(), TOPMOST, &Rect::sized(x, y, menu.width, menu.height), SHOW)?;
    reach::redraw(cx, menu.window.into(), None, UPDATE)?;
    Ok(())
}

/// Where a popup is put, so that all of it is on the screen.
fn place_popup(work: &Rect, flags: u32, at: (i32, i32), beside: (i32, i32), size: (i32, i32)) -> (i32, i32) {
    let flags = if flags & tpm::RIGHT_TO_LEFT != 0 { flags ^ tpm::RIGHT } else { flags };
    let tame = |place: i32| place.clamp(-(1 << 20), 1 << 20);
    let (mut x, mut y) = (tame(at.0), tame(at.1));
    let ((width, height), (across, down)) = (size, (tame(beside.0), tame(beside.1)));
    x -= if flags & tpm::RIGHT != 0 { width } else { 0 };
    x -= if flags & tpm::CENTER != 0 { width / 2 } else { 0 };
    y -= if flags & tpm::BOTTOM != 0 { height } else { 0 };
    y -= if flags & tpm::MIDDLE != 0 { height / 2 } else { 0 };
    if x + width > work.right {
        if across != 0 && x >= width - across {
            x -= width - across;
        }
        if x + width > work.right {
            x = work.right - width;
        }
    }
    if y + height > work.bottom {
        if down != 0 && y >= height + down {
            y -= height + down;
        }
        if y + height > work.bottom {
            y = work.bottom - height;
        }
    }
    (x.max(work.left), y.max(work.top))
}

/// Where a popup is put that would cover what it is not to cover: beside that, or below or above it with TPM_VERTICAL, where there is room.
fn keep_off(work: &Rect, flags: u32, (x, y): (i32, i32), (width, height): (i32, i32), spared: &Rect) -> (i32, i32) {
    if Rect::sized(x, y, width, height).intersect(spared).is_none_or(|both| both.is_empty()) {
        return (x, y);
    }
    let fits_across = |x: &i32| *x >= work.left && x.saturating_add(width) <= work.right;
    let fits_down = |y: &i32| *y >= work.top && y.saturating_add(height) <= work.bottom;
    let across = [spared.right, spared.left.saturating_sub(width)].into_iter().find(fits_across).map(|x| (x, y));
    let down = [spared.bottom, spared.top.saturating_sub(height)].into_iter().find(fits_down).map(|y| (x, y));
    let found = if flags & tpm::VERTICAL != 0 { down.or(across) } else { across.or(down) };
    found.unwrap_or((x, y))
}

/// Draws an item again on its window.
fn draw_again(cx: &Cx<'_>, handle: u64, place: usize, owner: u64, action: Action) {
    let Some(menu) = cx.k.user.menus.copy(handle) else { return };
    let Some(dc) = reach::window_dc(cx, menu.window.into(), !menu.is_popup()) else { return };
    let canvas = Canvas { cx, dc };
    canvas.set_face(Face::Menu);
    let owner = cx.window(owner).map_or(0, |owner| owner.handle);
    draw_item(&canvas, menu.window.into(), handle, place, owner, !menu.is_popup(), action);
    reach::release_dc(cx, dc);
}

/// Scrolls a popup until an item is seen.
fn scroll_to(cx: &Cx<'_>, handle: u64, place: usize) {
    let scrolled = cx.k.user.menus.with(handle, |menu| {
        let rect = menu.items.get(place).filter(|_| menu.scrolls)?.rect;
        let (before, height) = (menu.scrolled, menu.area.height());
        if rect.bottom > before + height {
            menu.scrolled = rect.bottom - height;
        } else if rect.top < before {
            menu.scrolled = rect.top;
        }
        (menu.scrolled != before).then_some(menu.window)
    });
    /// RDW_INVALIDATE, RDW_ERASE, RDW_UPDATENOW.
    const ALL: u32 = 0x1 | 0x4 | 0x100;
    if let Some(Some(window)) = scrolled {
        let _ = reach::redraw(cx, window.into(), None, ALL);
    }
}

/// Chooses an item (or none), and says so to the owner. `top`: the menu that was opened first, whose item is told where none is chosen.
pub(super) fn select(cx: &Cx<'_>, owner: u64, handle: u64, place: Option<usize>, says: bool, top: u64) {
    let menus = &cx.k.user.menus;
    let Some(menu) = menus.copy(handle) else { return };
    if menu.items.is_empty() || menu.window == 0 || menu.focused == place {
        return;
    }
    note_first(cx, menu.window, handle);
    if let Some(before) = menu.focused {
        menus.with(handle, |menu| {
            if let Some(item) = menu.items.get_mut(before) {
                item.state &= !(mf::HILITE | mf::MOUSE_SELECT);
            }
        });
        draw_again(cx, handle, before, owner, Action::Select);
    }
    let chosen = menus.with(handle, |menu| {
        menu.focused = place;
        let flags = menu.flags;
        let item = place.and_then(|place| menu.items.get_mut(place))?;
        if !item.is(mf::SEPARATOR) {
            item.state |= mf::HILITE;
        }
        Some((item.clone(), flags))
    });
    match (chosen.flatten(), place) {
        (Some((item, flags)), Some(place)) => {
            if !item.is(mf::SEPARATOR) {
                scroll_to(cx, handle, place);
                draw_again(cx, handle, place, owner, Action::Select);
            }
            if says {
                tell_selected(cx, owner, handle, (place, &item), flags);
            }
        }
        _ if says && top != 0 => {
            let found = {
                let all = menus.all();
                all.holder_of(top, handle, 0).and_then(|(holder, place)| {
                    let menu = all.get(holder)?;
                    Some((holder, place, menu.items.get(place)?.clone(), menu.flags))
                })
            };
            if let Some((holder, place, item, flags)) = found {
                tell_selected(cx, owner, holder, (place, &item), flags);
            }
        }
        _ => {}
    }
}

/// WM_MENUSELECT: the item's number, or its place if it opens a menu, and how it is.
fn tell_selected(cx: &Cx<'_>, owner: u64, handle: u64, chosen: (usize, &super::Item), flags: u32) {
    let (place, item) = chosen;
    let which = if item.is(mf::POPUP) { place as u64 } else { item.id };
    let how = u64::from(item.kind | item.state | flags & mf::SYSTEM);
    tell(cx, owner, MENU_SELECT, which & 0xffff | (how & 0xffff) << 16, handle);
}

/// Chooses the next item that can be, or the one before; from none on, the first or the last.
pub(super) fn step(cx: &Cx<'_>, owner: u64, handle: u64, forward: bool) {
    let Some(menu) = cx.k.user.menus.copy(handle) else { return };
    let can = |place: &usize| menu.items.get(*place).is_some_and(|item| !item.is(mf::SEPARATOR));
    let count = menu.items.len();
    let find = |mut places: Box<dyn Iterator<Item = usize>>| places.find(|place| can(place));
    let ordered = |from: usize, to: usize| -> Box<dyn Iterator<Item = usize>> {
        if forward { Box::new(from..to) } else { Box::new((from..to).rev()) }
    };
    let beyond = match menu.focused {
        Some(_) if count == 1 => return,
        Some(place) if forward => find(ordered(place + 1, count)),
        Some(place) => find(ordered(0, place.min(count))),
        None => None,
    };
    if let Some(place) = beyond.or_else(|| find(ordered(0, count))) {
        select(cx, owner, handle, Some(place), true, 0);
    }
}

/// Closes what an item of a menu has opened, and what was opened from there.
pub(super) fn close_below(cx: &Cx<'_>, owner: u64, handle: u64, says: bool, flags: u32) {
    let menus = &cx.k.user.menus;
    if menus.tracking.lock().window == 0 {
        return;
    }
    let opened = menus.with(handle, |menu| {
        let item = menu.focused.and_then(|place| menu.items.get_mut(place))?;
        if !item.is(mf::POPUP) || !item.has(mf::MOUSE_SELECT) {
            return None;
        }
        item.state &= !mf::MOUSE_SELECT;
        Some(item.popup)
    });
    let Some(Some(popup)) = opened else { return };
    if menus.copy(popup).is_none() {
        return;
    }
    close_below(cx, owner, popup, false, flags);
    select(cx, owner, popup, None, says, 0);
    close(cx, popup);
    if flags & tpm::NO_NOTIFY == 0 {
        let system = menus.with(popup, |menu| menu.is_system()).unwrap_or(false);
        tell(cx, owner, UNINIT_MENU_POPUP, popup, u64::from(system) << 16);
    }
}

/// Takes a popup's window away.
pub(super) fn close(cx: &Cx<'_>, handle: u64) {
    if let Some(window @ 1..) = cx.k.user.menus.with(handle, |menu| core::mem::take(&mut menu.window)) {
        let _ = super::super::destroy::destroy_window(cx, window.into());
    }
}

/// Opens the menu of the chosen item; answers it, or the menu itself if there is none to open.
pub(super) fn open_chosen(cx: &Cx<'_>, owner: u64, handle: u64, first: bool, flags: u32) -> u64 {
    let menus = &cx.k.user.menus;
    let Some(menu) = menus.copy(handle) else { return handle };
    let (Some(place), Some(item)) = (menu.focused, menu.chosen()) else { return handle };
    if !item.is(mf::POPUP) || item.has(mf::GRAYED | mf::DISABLED) {
        return handle;
    }
    if flags & tpm::NO_NOTIFY == 0 {
        tell(cx, owner, INIT_MENU_POPUP, item.popup, place as u64 & 0xffff | u64::from(menu.is_system()) << 16);
    }
    // The owner may have changed all of it.
    let rect = item.rect;
    let again = menus.with(handle, |menu| {
        let item = menu.focused.and_then(|place| menu.items.get_mut(place))?;
        let lit = item.has(mf::HILITE);
        item.state |= mf::HILITE | mf::MOUSE_SELECT;
        if item.rect == Rect::default() {
            item.rect = rect;
        }
        Some((lit, item.popup))
    });
    let Some(Some((lit, popup))) = again else { return handle };
    if !lit {
        draw_again(cx, handle, place, owner, Action::Whole);
    }
    let Some(menu) = menus.copy(handle) else { return handle };
    let Some((at, beside)) = anchor(cx, &menu, popup, flags) else { return handle };
    let flags = flags & !(tpm::CENTER | tpm::RIGHT | tpm::MIDDLE | tpm::BOTTOM);
    if open(cx, owner, popup, flags).is_err() || show(cx, popup, flags, at, beside, &Rect::default()).is_err() {
        return popup;
    }
    if first {
        step(cx, owner, popup, true);
    }
    popup
}

/// Where the menu of the chosen item is opened, and what beside that it is not to cover.
fn anchor(cx: &Cx<'_>, menu: &Menu, popup: u64, flags: u32) -> Option<((i32, i32), (i32, i32))> {
    let window = cx.window(menu.window.into()).ok()?;
    let mirrored = flags & tpm::RIGHT_TO_LEFT != 0;
    if menu.is_system() {
        let look = Look::of(cx, menu.window.into()).ok()?;
        let _ = system::prepare(cx, popup, look.style, class::style_of(cx, &window));
        let rect = icon_rect(cx, &look);
        let left = if mirrored { rect.right } else { rect.left };
        return Some(((left, rect.bottom), (size(cx, sm::CX_SIZE), size(cx, sm::CY_SIZE))));
    }
    let (whole, _) = on_screen(cx, &window).ok()?;
    let item = menu.place(menu.chosen()?);
    let border = size(cx, sm::BORDER);
    if menu.is_popup() {
        let left = whole.left + if mirrored { border } else { item.right - border };
        let beside = (item.left - item.right + border, item.top - item.bottom - 2 * MARGIN);
        return Some(((left, whole.top + item.top - MARGIN), beside));
    }
    let left = if mirrored { whole.right - item.left } else { whole.left + item.left };
    Some(((left, whole.top + item.bottom), (item.width(), item.height())))
}

/// Where the icon of a caption is on the screen, whose menu is opened below it.
fn icon_rect(cx: &Cx<'_>, look: &Look) -> Rect {
    if look.has(super::super::nonclient::style::MINIMIZE) {
        return look.whole;
    }
    let inside = look.inside(cx);
    let side = size(cx, sm::CY_CAPTION) - 1;
    let icon = Rect::sized(inside.left, inside.top, side, side);
    if look.is(EX_LAYOUT_RTL) { icon.offset(inside.width() - side, 0) } else { icon }
}

/// The procedure of popups' windows.
///
/// # Errors
/// What the calls that it makes say.
pub(in super::super) fn procedure(cx: &Cx<'_>, window: u64, letter: &Letter) -> User {
    mod message {
        pub const CREATE: u32 = 0x1;
        pub const DESTROY: u32 = 0x2;
        pub const PAINT: u32 = 0xf;
        pub const ERASE_BACKGROUND: u32 = 0x14;
        pub const SHOW_WINDOW: u32 = 0x18;
        pub const MOUSE_ACTIVATE: u32 = 0x21;
        pub const GET_MENU: u32 = 0x1e1;
        pub const PRINT_CLIENT: u32 = 0x318;
    }
    /// MA_NOACTIVATE.
    const NO_ACTIVATE: u64 = 3;
    let handle = || long::get(cx, window, 0, 8, false).unwrap_or(0);
    match letter.message {
        message::CREATE => {
            // CREATESTRUCT begins with what CreateWindow was given.
            let menu = crate::um::UserPtr::<u64>::new(letter.lparam).read(cx.k)?;
            long::set(cx, window, 0, menu, 8, false)?;
            Ok(0)
        }
        message::MOUSE_ACTIVATE => Ok(NO_ACTIVATE),
        message::PAINT => {
            reach::paint(cx, window, |dc| draw_popup(&Canvas { cx, dc }, window, handle()))?;
            Ok(0)
        }
        message::PRINT_CLIENT => {
            draw_popup(&Canvas { cx, dc: letter.wparam as u32 }, window, handle());
            Ok(0)
        }
        message::ERASE_BACKGROUND => Ok(1),
        message::DESTROY => {
            let mut tracking = cx.k.user.menus.tracking.lock();
            if cx.window(window).is_ok_and(|found| found.handle == tracking.window) {
                (tracking.window, tracking.menu) = (0, 0);
            }
            Ok(0)
        }
        message::SHOW_WINDOW => {
            if letter.wparam == 0 {
                long::set(cx, window, 0, 0, 8, false)?;
            }
            Ok(0)
        }
        message::GET_MENU => Ok(handle()),
        _ => default::procedure(cx, window, letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn popups_stay_on_the_screen() {
        let work = Rect::new(0, 0, 1024, 768);
        let place = |flags, at, beside| place_popup(&work, flags, at, beside, (100, 200));
        assert_eq!(place(0, (10, 20), (0, 0)), (10, 20));
        assert_eq!(place(tpm::RIGHT | tpm::BOTTOM, (500, 500), (0, 0)), (400, 300));
        assert_eq!(place(tpm::CENTER | tpm::MIDDLE, (500, 500), (0, 0)), (450, 400));
        assert_eq!(place(0, (1000, 700), (0, 0)), (924, 568));
        // Of a popup's item, on its other side; of a bar's, above it.
        assert_eq!(place(0, (1000, 700), (-80, 20)), (820, 480));
        assert_eq!(place(0, (-50, -50), (0, 0)), (0, 0));
    }

    #[test]
    fn popups_keep_off_what_they_are_not_to_cover() {
        let work = Rect::new(0, 0, 1024, 768);
        let off = |flags, at, spared: Rect| keep_off(&work, flags, at, (100, 200), &spared);
        assert_eq!(off(0, (10, 20), Rect::default()), (10, 20));
        assert_eq!(off(tpm::VERTICAL, (10, 568), Rect::new(10, 700, 60, 740)), (10, 500));
        assert_eq!(off(tpm::VERTICAL, (10, 20), Rect::new(10, 0, 60, 40)), (10, 40));
        assert_eq!(off(0, (924, 20), Rect::new(980, 20, 1024, 60)), (880, 20));
        // Nowhere: it is covered.
        assert_eq!(off(0, (0, 0), work), (0, 0));
    }
}
