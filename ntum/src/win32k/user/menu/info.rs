//! Calls about a menu as a whole: its style, its numbers, where it is.

use super::super::super::{Failed, User, error};
use super::super::nonclient::Look;
use super::super::session::Window;
use super::{Menu, mf};
use crate::call::Cx;
use crate::shm::user::window::field;
use crate::um::UserPtr;
use crate::win32k::geometry::Rect;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// MENUINFO of 64-bit programs.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MenuInfo {
    /// sizeof: 40.
    pub size: u32,
    /// MIM_*.
    pub mask: u32,
    /// MNS_*.
    pub style: u32,
    /// Most rows.
    pub most_height: u32,
    /// Background.
    pub background: u64,
    /// Number for help.
    pub help: u32,
    /// Padding.
    pub pad: u32,
    /// The program's own.
    pub data: u64,
}

/// MIM_*.
mod mask {
    pub const MAX_HEIGHT: u32 = 0x1;
    pub const BACKGROUND: u32 = 0x2;
    pub const HELP: u32 = 0x4;
    pub const DATA: u32 = 0x8;
    pub const STYLE: u32 = 0x10;
    pub const TO_POPUPS: u32 = 0x8000_0000;
}

/// MENUBARINFO of 64-bit programs.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct BarInfo {
    /// sizeof: 48.
    pub size: u32,
    /// On the screen.
    pub bar: Rect,
    /// Padding.
    pub pad: u32,
    /// The menu.
    pub menu: u64,
    /// The window of what its item opens.
    pub window: u64,
    /// Bit 0: the bar is tracked; bit 1: so is the item.
    pub focused: u32,
    /// Padding.
    pub pad2: u32,
}

/// MenuInfo as a change.
fn apply(cx: &Cx<'_>, handle: u64, info: &MenuInfo, depth: usize) -> bool {
    let below = cx.k.user.menus.with(handle, |menu| {
        if info.mask & mask::BACKGROUND != 0 {
            menu.background = info.background;
        }
        if info.mask & mask::HELP != 0 {
            menu.help = info.help;
        }
        if info.mask & mask::MAX_HEIGHT != 0 {
            menu.most_height = info.most_height;
        }
        if info.mask & mask::DATA != 0 {
            menu.data = info.data;
        }
        if info.mask & mask::STYLE != 0 {
            menu.style = info.style;
        }
        let popups = menu.items.iter().filter(|item| item.is(mf::POPUP) && info.mask & mask::TO_POPUPS != 0);
        popups.map(|item| item.popup).collect::<Vec<_>>()
    });
    let Some(below) = below else { return false };
    for popup in below.into_iter().filter(|_| depth <= super::DEEPEST) {
        apply(cx, popup, info, depth + 1);
    }
    true
}

/// NtUserThunkedMenuInfo: SetMenuInfo.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn set(cx: &Cx<'_>, handle: u64, info: u64) -> User {
    if info == 0 {
        return Err(Failed::with(error::NOACCESS));
    }
    let info = UserPtr::<MenuInfo>::new(info).read(cx.k)?;
    if !apply(cx, handle, &info, 0) {
        return Err(Failed::with(error::INVALID_MENU_HANDLE));
    }
    Ok(1)
}

/// GetMenuInfo.
pub(in super::super) fn get(cx: &Cx<'_>, handle: u64, at: u64) -> User {
    let invalid = Failed::with(error::INVALID_PARAMETER);
    if at == 0 {
        return Err(invalid);
    }
    let mut info = UserPtr::<MenuInfo>::new(at).read(cx.k)?;
    if info.size as usize != size_of::<MenuInfo>() {
        return Err(invalid);
    }
    let menu = cx.k.user.menus.copy(handle).ok_or(invalid)?;
    if info.mask & mask::BACKGROUND != 0 {
        info.background = menu.background;
    }
    if info.mask & mask::HELP != 0 {
        info.help = menu.help;
    }
    if info.mask & mask::MAX_HEIGHT != 0 {
        info.most_height = menu.most_height;
    }
    if info.mask & mask::DATA != 0 {
        info.data = menu.data;
    }
    if info.mask & mask::STYLE != 0 {
        info.style = menu.style;
    }
    UserPtr::new(at).write(cx.k, info)?;
    Ok(1)
}

/// NtUserSetMenuContextHelpId.
///
/// # Errors
/// None; the answer is FALSE.
pub fn set_help(cx: &Cx<'_>, handle: u64, id: u32) -> User {
    Ok(cx.k.user.menus.with(handle, |menu| menu.help = id).is_some().into())
}

/// GetMenuItemCount: -1 if there is no such menu.
pub(in super::super) fn count(cx: &Cx<'_>, handle: u64) -> User {
    let count = cx.k.user.menus.with(handle, |menu| menu.items.len() as u64);
    count.ok_or(Failed::with(error::INVALID_MENU_HANDLE).answering(u32::MAX.into()))
}

/// A window's rectangles on the screen: all of it, and its client area.
pub(in super::super) fn on_screen(cx: &Cx<'_>, window: &Window) -> User<(Rect, Rect)> {
    let tx = cx.windows()?;
    let (x, y) = tx.origin(window.record);
    let at = |place| tx.window_rect(window.record, place).offset(x, y);
    Ok((at(field::WINDOW_RECT), at(field::CLIENT_RECT)))
}

/// Where an item is on the screen.
fn item_rect(cx: &Cx<'_>, window: u64, menu: &Menu, place: usize) -> Option<Rect> {
    let rect = menu.items.get(place)?.rect.offset(menu.area.left, menu.area.top);
    let window = cx.window(if window == 0 { menu.window.into() } else { window }).ok()?;
    let (whole, client) = on_screen(cx, &window).ok()?;
    // Popups draw on the client area, menu bars beside it.
    let origin = if menu.is_popup() { client } else { whole };
    let mirrored = cx.windows().ok()?.is_mirrored(window.record);
    let rect = if mirrored { rect.mirrored(origin.width()) } else { rect };
    Some(rect.offset(origin.left, origin.top))
}

/// NtUserGetMenuItemRect: on the screen.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn get_item_rect(cx: &Cx<'_>, window: u64, handle: u64, place: u32, rect: UserPtr<Rect>) -> User {
    let Some(menu) = cx.k.user.menus.copy(handle) else { return Ok(0) };
    let Some(found) = item_rect(cx, window, &menu, place as usize) else { return Ok(0) };
    rect.write(cx.k, found)?;
    Ok(1)
}

/// What of a menu lies at a point of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Hit {
    /// It does not.
    Nowhere,
    /// No item.
    Border,
    /// An item.
    Item,
    /// An arrow; the item that it would bring.
    ScrollUp,
    ScrollDown,
}

/// The item at a point of the screen.
pub(in super::super) fn hit(cx: &Cx<'_>, menu: &Menu, x: i32, y: i32) -> (Hit, Option<usize>) {
    let Ok(look) = Look::of(cx, menu.window.into()) else { return (Hit::Nowhere, None) };
    if !look.whole.contains(x, y) {
        return (Hit::Nowhere, None);
    }
    let (x, y) = look.point_on_window((x, y));
    hit_within(menu, x, y)
}

fn hit_within(menu: &Menu, x: i32, mut y: i32) -> (Hit, Option<usize>) {
    let area = &menu.area;
    let mut hit = Hit::Item;
    if !area.contains(x, y) {
        if !menu.scrolls || x < area.left || x >= area.right {
            return (Hit::Border, None);
        }
        (hit, y) = if y < area.top { (Hit::ScrollUp, area.top - 1) } else { (Hit::ScrollDown, area.bottom) };
    }
    let place = menu.items.iter().position(|item| menu.place(item).contains(x, y));
    match (hit, place) {
        (Hit::Item, None) => (Hit::Border, None),
        found => found,
    }
}

/// NtUserMenuItemFromPoint: -1 if there is none.
///
/// # Errors
/// None.
pub fn item_from_point(cx: &Cx<'_>, _window: u64, handle: u64, x: u32, y: u32) -> User {
    let none = Ok(u32::MAX.into());
    let Some(menu) = cx.k.user.menus.copy(handle) else { return none };
    match hit(cx, &menu, x as i32, y as i32) {
        (Hit::Item, Some(place)) => Ok(place as u64),
        _ => none,
    }
}

/// NtUserGetMenuBarInfo: of a menu bar, a system menu or a popup's window (OBJID_MENU, OBJID_SYSMENU, OBJID_CLIENT), or of one item.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn get_bar_info(cx: &Cx<'_>, window: u64, object: u32, item: u32, at: u64) -> User {
    const CLIENT: i32 = -4;
    const MENU: i32 = -3;
    const SYSTEM: i32 = -1;
    let handle = match object as i32 {
        CLIENT => {
            let found = cx.window(window)?;
            if cx.windows()?.get(found.record + field::ATOM) != super::super::class::MENU_CLASS.into() {
                return Err(Failed::with(error::INVALID_MENU_HANDLE));
            }
            super::super::long::get(cx, window, 0, 8, false)?
        }
        MENU => super::of_window(cx, window),
        SYSTEM => super::system::get(cx, window, 0)?,
        _ => return Ok(0),
    };
    if handle == 0 {
        return Ok(0);
    }
    let mut info = UserPtr::<BarInfo>::new(at).read(cx.k)?;
    if info.size as usize != size_of::<BarInfo>() {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let Some(menu) = cx.k.user.menus.copy(handle) else { return Ok(0) };
    let place = match item as usize {
        item if (item as i32) < 0 || item > menu.items.len() => return Ok(0),
        item => item.checked_sub(1),
    };
    let rect = item_rect(cx, window, &menu, place.unwrap_or(0));
    info.bar = match rect {
        _ if menu.height == 0 => Rect::default(),
        None => info.bar,
        Some(rect) if place.is_none() => Rect::sized(rect.left, rect.top, menu.width, menu.height),
        Some(rect) => rect,
    };
    let tracked = cx.k.user.menus.tracking.lock().menu == handle;
    let chosen = match place {
        None => tracked,
        place => menu.focused == place,
    };
    (info.menu, info.window) = (handle, 0);
    info.focused = info.focused & !3 | u32::from(tracked) | u32::from(chosen) << 1;
    if chosen && let Some(item) = place.and_then(|place| menu.items.get(place)).filter(|item| item.is(mf::POPUP)) {
        info.window = cx.k.user.menus.with(item.popup, |below| below.window).unwrap_or(0).into();
    }
    UserPtr::new(at).write(cx.k, info)?;
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::super::Item;
    use super::*;

    #[test]
    fn structures_lie_as_programs_have_them() {
        assert_eq!((size_of::<MenuInfo>(), size_of::<BarInfo>()), (40, 48));
        assert_eq!((core::mem::offset_of!(MenuInfo, data), core::mem::offset_of!(BarInfo, menu)), (32, 24));
    }

    #[test]
    fn what_lies_at_a_point_of_a_scrolled_menu() {
        let item = |top| Item { rect: Rect::new(0, top, 100, top + 20), ..Item::default() };
        let mut menu = Menu {
            items: vec![item(0), item(20), item(40), item(60)],
            area: Rect::new(3, 3, 103, 83),
            ..Menu::default()
        };
        assert_eq!(hit_within(&menu, 50, 30), (Hit::Item, Some(1)));
        assert_eq!(hit_within(&menu, 1, 30), (Hit::Border, None));
        (menu.scrolls, menu.scrolled, menu.area) = (true, 20, Rect::new(3, 17, 103, 57));
        assert_eq!(hit_within(&menu, 50, 20), (Hit::Item, Some(1)));
        assert_eq!(hit_within(&menu, 50, 5), (Hit::ScrollUp, Some(0)));
        assert_eq!(hit_within(&menu, 50, 60), (Hit::ScrollDown, Some(3)));
    }
}
