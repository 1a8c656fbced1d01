//! Menus. A menu belongs to the process that made it; its handle means nothing in another, and is nobody else's meanwhile.

pub mod accelerate;
pub mod bar;
mod draw;
pub mod info;
pub mod item;
mod keys;
pub(super) mod popup;
mod size;
pub mod system;
pub mod track;

pub(super) use keys::help_info;

use super::super::{Failed, User, error};
use crate::call::{Call, Cx};
use crate::shm::user::handle::Kind;
use crate::shm::user::window::{CHILD, POPUP, field};
use crate::um::UserPtr;
use crate::win32k::geometry::Rect;
use parking_lot::{Mutex, MutexGuard};
use std::collections::HashMap;

/// System calls about menus.
pub const CALLS: &[Call] = crate::calls! {
    NtUserDestroyMenu(menu: u64) => destroy, Done;
    NtUserThunkedMenuItemInfo(menu: u64, item: u32, flags: u32, method: u32, info: u64, text: u64) => item::thunked_info, Done;
    NtUserRemoveMenu(menu: u64, item: u32, flags: u32) => item::remove, Done;
    NtUserDeleteMenu(menu: u64, item: u32, flags: u32) => item::delete, Done;
    NtUserCheckMenuItem(menu: u64, item: u32, flags: u32) => item::check, Done;
    NtUserEnableMenuItem(menu: u64, item: u32, flags: u32) => item::enable, Done;
    NtUserSetMenuDefaultItem(menu: u64, item: u32, by_position: u32) => item::set_default, Done;
    NtUserThunkedMenuInfo(menu: u64, info: u64) => info::set, Partial("menus that close by themselves, that are dragged, that are not modal");
    NtUserSetMenuContextHelpId(menu: u64, id: u32) => info::set_help, Done;
    NtUserGetMenuItemRect(window: u64, menu: u64, item: u32, rect: UserPtr<Rect>) => info::get_item_rect, Done;
    NtUserMenuItemFromPoint(window: u64, menu: u64, x: u32, y: u32) => info::item_from_point, Done;
    NtUserGetMenuBarInfo(window: u64, object: u32, item: u32, info: u64) => info::get_bar_info, Done;
    NtUserGetSystemMenu(window: u64, revert: u32) => system::get, Done;
    NtUserSetSystemMenu(window: u64, menu: u64) => system::set, Done;
    NtUserSetMenu(window: u64, menu: u64) => bar::set, Done;
    NtUserDrawMenuBarTemp(window: u64, dc: u64, rect: UserPtr<Rect>, menu: u64, font: u64) => bar::draw_temp, Done;
    NtUserTrackPopupMenuEx(menu: u64, flags: u32, x: u32, y: u32, window: u64, parameters: u64) => track::track_popup, Partial("animation");
    NtUserHiliteMenuItem(window: u64, menu: u64, item: u32, flags: u32) => track::hilite, Done;
    NtUserEndMenu() => track::end_menu, Done;
};

/// MF_*, MFT_* and MFS_*: what an item is, and how it is.
pub(super) mod mf {
    pub const GRAYED: u32 = 0x1;
    pub const DISABLED: u32 = 0x2;
    pub const BITMAP: u32 = 0x4;
    pub const CHECKED: u32 = 0x8;
    pub const POPUP: u32 = 0x10;
    pub const MENU_BAR_BREAK: u32 = 0x20;
    pub const MENU_BREAK: u32 = 0x40;
    pub const HILITE: u32 = 0x80;
    pub const OWNER_DRAW: u32 = 0x100;
    pub const RADIO_CHECK: u32 = 0x200;
    pub const BY_POSITION: u32 = 0x400;
    pub const SEPARATOR: u32 = 0x800;
    pub const DEFAULT: u32 = 0x1000;
    pub const RIGHT_ORDER: u32 = 0x2000;
    /// Of a menu: a window's system menu, or what holds one.
    pub const SYSTEM: u32 = 0x2000;
    pub const RIGHT_JUSTIFY: u32 = 0x4000;
    /// Its popup is open.
    pub const MOUSE_SELECT: u32 = 0x8000;
}

/// Bits of an item that say what it is.
pub(super) const TYPE: u32 = mf::BITMAP
    | mf::OWNER_DRAW
    | mf::SEPARATOR
    | mf::MENU_BAR_BREAK
    | mf::MENU_BREAK
    | mf::RADIO_CHECK
    | mf::RIGHT_ORDER
    | mf::RIGHT_JUSTIFY;
/// Those that say how it is, as programs set and see them.
pub(super) const STATE: u32 = !(TYPE | mf::POPUP | mf::SYSTEM | mf::BY_POSITION | mf::MOUSE_SELECT);

/// Popups in popups deeper than this are refused.
const DEEPEST: usize = 30;
/// Items of a menu, and menus of a process: what a program makes without end ends here.
const MOST_ITEMS: usize = 0x4000;
const MOST: usize = 0x8000;

/// An item.
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    /// What it is, and how: MF_*.
    pub kind: u32,
    pub state: u32,
    /// Its number.
    pub id: u64,
    /// The menu that it opens.
    pub popup: u64,
    /// Bitmaps in place of the check mark, and of its absence.
    pub checked: u64,
    pub unchecked: u64,
    pub text: Option<Vec<u16>>,
    /// The program's own.
    pub data: u64,
    /// HBITMAP or HBMMENU_*.
    pub bitmap: u64,
    /// Where it is, within the menu's items; where what stands behind its tab begins.
    pub rect: Rect,
    pub tab: i32,
    /// Size of its bitmap.
    pub bitmap_size: (i32, i32),
}

impl Item {
    pub fn is(&self, kind: u32) -> bool {
        self.kind & kind != 0
    }

    pub fn has(&self, state: u32) -> bool {
        self.state & state != 0
    }
}

/// A menu.
#[derive(Debug, Clone, Default)]
pub(super) struct Menu {
    pub handle: u32,
    /// MF_POPUP, MF_SYSMENU.
    pub flags: u32,
    pub items: Vec<Item>,
    /// Size of the whole; a height of 0 is one that is not known.
    pub width: i32,
    pub height: i32,
    /// The window that shows it.
    pub window: u32,
    /// Place of the item that is chosen.
    pub focused: Option<usize>,
    /// The window that its messages are for.
    pub owner: u32,
    /// Whether it has arrows, how far it is scrolled, how high its items are together.
    pub scrolls: bool,
    pub scrolled: i32,
    pub total_height: i32,
    /// Where items are within the window: without margins and arrows.
    pub area: Rect,
    /// MNS_*; most rows; background brush; number for help; the program's own.
    pub style: u32,
    pub most_height: u32,
    pub background: u64,
    pub help: u32,
    pub data: u64,
    /// The menu that holds this one as a window's system menu.
    pub holder: u64,
    /// Where texts begin if items have bitmaps too.
    pub text_offset: i32,
}

impl Menu {
    /// Whether it is the holder of a window's system menu.
    pub fn is_system(&self) -> bool {
        self.flags & (mf::POPUP | mf::SYSTEM) == mf::SYSTEM
    }

    pub fn is_popup(&self) -> bool {
        self.flags & mf::POPUP != 0
    }

    pub fn chosen(&self) -> Option<&Item> {
        self.items.get(self.focused?)
    }

    /// Where an item is on the window, as it is scrolled.
    pub fn place(&self, item: &Item) -> Rect {
        item.rect.offset(self.area.left, self.area.top.wrapping_sub(if self.scrolls { self.scrolled } else { 0 }))
    }
}

/// Menus by the lower halves of their handles.
#[derive(Default)]
pub(super) struct All(HashMap<u16, Menu>);

/// The process's menus.
#[derive(Default)]
pub struct Menus {
    all: Mutex<All>,
    /// How one is being tracked.
    pub(super) tracking: Mutex<Tracking>,
}

/// What there is one of in a process, as there are no two menus tracked at a time.
#[derive(Debug, Default)]
pub(super) struct Tracking {
    /// The window of the menu that was opened first, and that menu; 0 for none.
    pub window: u32,
    pub menu: u64,
    /// EndMenu was called.
    pub ends: bool,
}

impl All {
    pub fn get(&self, handle: u64) -> Option<&Menu> {
        let (low, high) = (handle as u16, (handle >> 16) as u16);
        let menu = self.0.get(&low)?;
        (high == 0 || high == 0xffff || u32::from(high) == menu.handle >> 16).then_some(menu)
    }

    pub fn get_mut(&mut self, handle: u64) -> Option<&mut Menu> {
        self.get(handle)?;
        self.0.get_mut(&(handle as u16))
    }

    /// The item that a number or a position means, in a menu or those that it opens: the menu, and the place there.
    pub fn find(&self, handle: u64, id: u32, flags: u32) -> Option<(u64, usize)> {
        self.find_within(handle, id, flags, 0)
    }

    fn find_within(&self, handle: u64, id: u32, flags: u32, depth: usize) -> Option<(u64, usize)> {
        let menu = self.get(handle)?;
        let found = |place: usize| (u64::from(menu.handle), place);
        if flags & mf::BY_POSITION != 0 {
            return menu.items.get(id as usize).map(|_| found(id as usize));
        }
        if depth > DEEPEST {
            return None;
        }
        let mut popup = None;
        for (place, item) in menu.items.iter().enumerate() {
            let same = item.id == u64::from(id);
            if item.is(mf::POPUP) {
                if let Some(below) = self.find_within(item.popup, id, flags, depth + 1) {
                    return Some(below);
                }
                // One that opens a menu has the number only if no other has.
                if same {
                    popup = Some(found(place));
                }
            } else if same {
                return Some(found(place));
            }
        }
        popup
    }

    /// The item, where there is one.
    pub fn item_mut(&mut self, handle: u64, id: u32, flags: u32) -> Option<&mut Item> {
        let (menu, place) = self.find(handle, id, flags)?;
        self.get_mut(menu)?.items.get_mut(place)
    }

    pub fn item(&self, handle: u64, id: u32, flags: u32) -> Option<&Item> {
        let (menu, place) = self.find(handle, id, flags)?;
        self.get(menu)?.items.get(place)
    }

    /// The menu within which another is opened, at any depth, and the place of the item that does.
    pub fn holder_of(&self, handle: u64, popup: u64, depth: usize) -> Option<(u64, usize)> {
        let menu = self.get(handle).filter(|_| depth <= DEEPEST)?;
        for (place, item) in menu.items.iter().enumerate().filter(|(_, item)| item.is(mf::POPUP)) {
            if item.popup as u32 == popup as u32 {
                return Some((u64::from(menu.handle), place));
            }
            if let Some(found) = self.holder_of(item.popup, popup, depth + 1) {
                return Some(found);
            }
        }
        None
    }

    /// How deep menus are opened in each other from one on; more than [`DEEPEST`] if they form a ring.
    fn depth(&self, handle: u64, above: usize) -> usize {
        let depth = above + 1;
        let Some(menu) = self.get(handle).filter(|_| depth <= DEEPEST) else { return depth };
        let mut deepest = depth;
        for item in menu.items.iter().filter(|item| item.popup != 0 && self.get(item.popup).is_some()) {
            deepest = deepest.max(self.depth(item.popup, depth));
            if deepest > DEEPEST {
                break;
            }
        }
        deepest
    }
}

impl Menus {
    /// The process's menus; no callback while they are held.
    pub(super) fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock()
    }

    /// A copy of a menu.
    pub(super) fn copy(&self, handle: u64) -> Option<Menu> {
        self.all().get(handle).cloned()
    }

    /// Looks at a menu or changes it.
    pub(super) fn with<R>(&self, handle: u64, with: impl FnOnce(&mut Menu) -> R) -> Option<R> {
        self.all().get_mut(handle).map(with)
    }
}

/// Whether a handle is a menu's; the last error says that it is not.
pub(super) fn check(cx: &Cx<'_>, handle: u64) -> User<()> {
    match cx.k.user.menus.all().get(handle) {
        Some(_) => Ok(()),
        None => Err(Failed::with(error::INVALID_MENU_HANDLE)),
    }
}

/// CreateMenu and CreatePopupMenu.
pub(super) fn create(cx: &Cx<'_>, popup: bool) -> User {
    let menus = &cx.k.user.menus;
    if menus.all().0.len() >= MOST {
        return Err(Failed::with(error::NOT_ENOUGH_MEMORY));
    }
    let (shm, member) = cx.sandbox()?;
    let mut tx = shm.begin();
    // Who it belongs to: it goes with that member.
    let handle = tx.new_user_handle(Kind::Menu, member, member)?;
    tx.commit()?;
    let menu = Menu { handle, flags: if popup { mf::POPUP } else { 0 }, ..Menu::default() };
    menus.all().0.insert(handle as u16, menu);
    Ok(handle.into())
}

/// NtUserDestroyMenu: with the menus that it opens, and the window that shows it.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn destroy(cx: &Cx<'_>, handle: u64) -> User {
    destroy_within(cx, handle, 0)
}

fn destroy_within(cx: &Cx<'_>, handle: u64, depth: usize) -> User {
    let menus = &cx.k.user.menus;
    let menu = {
        let mut all = menus.all();
        let found = all.get(handle).map(|menu| menu.handle as u16);
        found.and_then(|low| all.0.remove(&low))
    };
    let menu = menu.ok_or(Failed::with(error::INVALID_HANDLE))?;
    let mut tx = cx.windows()?;
    tx.free_user_handle(menu.handle);
    tx.commit()?;
    if menu.flags & (mf::POPUP | mf::SYSTEM) == mf::POPUP && menu.window != 0 {
        let _ = super::destroy::destroy_window(cx, menu.window.into());
    }
    for item in menu.items.iter().filter(|item| item.is(mf::POPUP)) {
        if depth <= DEEPEST {
            let _ = destroy_within(cx, item.popup, depth + 1);
        }
    }
    Ok(1)
}

/// A window's menu bar: 0 for none, and for children, whose word is a number.
pub(super) fn of_window(cx: &Cx<'_>, window: u64) -> u64 {
    let Ok(found) = cx.window(window) else { return 0 };
    let Ok(tx) = cx.windows() else { return 0 };
    if tx.get(found.record + field::STYLE) & (CHILD | POPUP) == CHILD {
        return 0;
    }
    u64::from(tx.window_wide(found.record, field::ID) as u32)
}

/// Whether a window can have no menu bar.
pub(super) fn is_disallowed(cx: &Cx<'_>, window: u64) -> User<bool> {
    let found = cx.window(window)?;
    Ok(cx.windows()?.get(found.record + field::STYLE) & (CHILD | POPUP) == CHILD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn menu(all: &mut All, handle: u32, items: &[(u64, u64)]) {
        let items = items.iter().map(|(id, popup)| Item {
            id: *id,
            popup: *popup,
            kind: if *popup != 0 { mf::POPUP } else { 0 },
            ..Item::default()
        });
        all.0.insert(handle as u16, Menu { handle, items: items.collect(), ..Menu::default() });
    }

    #[test]
    fn an_item_is_found_by_its_number_in_menus_below_first() {
        let mut all = All::default();
        menu(&mut all, 0x1_0020, &[(1, 0), (2, 0x1_0022), (9, 0)]);
        menu(&mut all, 0x1_0022, &[(3, 0), (9, 0), (2, 0)]);
        assert_eq!(all.find(0x1_0020, 9, 0), Some((0x1_0022, 1)));
        assert_eq!(all.find(0x20, 2, 0), Some((0x1_0022, 2)), "an item before what opens its menu");
        assert_eq!(all.find(0x1_0020, 2, mf::BY_POSITION), Some((0x1_0020, 2)));
        assert_eq!((all.find(0x1_0020, 7, 0), all.find(0x2_0020, 1, 0)), (None, None));
        assert_eq!(all.holder_of(0x1_0020, 0x1_0022, 0), Some((0x1_0020, 1)));
    }

    #[test]
    fn menus_that_open_each_other_are_too_deep() {
        let mut all = All::default();
        menu(&mut all, 0x1_0020, &[(1, 0x1_0022)]);
        menu(&mut all, 0x1_0022, &[(2, 0)]);
        assert_eq!(all.depth(0x1_0020, 0), 2);
        menu(&mut all, 0x1_0022, &[(2, 0x1_0020)]);
        assert!(all.depth(0x1_0020, 0) > DEEPEST);
        assert_eq!(all.find(0x1_0020, 77, 0), None);
    }
}
