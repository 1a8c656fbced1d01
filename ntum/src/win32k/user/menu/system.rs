//! System menus: what a window's icon opens. As Windows has it, a window's is a menu bar with one item, which opens the menu that
//! programs see.

use super::super::super::User;
use super::super::callbacks;
use super::{Item, create, destroy, item, mf};
use crate::call::Cx;
use crate::shm::user::window::{MINIMIZE, field};

/// SC_*.
pub(in super::super) mod command {
    pub const SIZE: u32 = 0xf000;
    pub const MOVE: u32 = 0xf010;
    pub const MINIMIZE: u32 = 0xf020;
    pub const MAXIMIZE: u32 = 0xf030;
    pub const CLOSE: u32 = 0xf060;
    pub const VERTICAL_SCROLL: u32 = 0xf070;
    pub const HORIZONTAL_SCROLL: u32 = 0xf080;
    pub const MOUSE_MENU: u32 = 0xf090;
    pub const KEY_MENU: u32 = 0xf100;
    pub const RESTORE: u32 = 0xf120;
    pub const TASK_LIST: u32 = 0xf130;
    pub const SCREEN_SAVE: u32 = 0xf140;
    pub const HOT_KEY: u32 = 0xf150;
    pub const ARRANGE: u32 = 0xf110;
    pub const NEXT_WINDOW: u32 = 0xf040;
    pub const PREVIOUS_WINDOW: u32 = 0xf050;
}

/// WS_SYSMENU, WS_EX_MDICHILD, CS_NOCLOSE, MNS_CHECKORBMP.
const SYSTEM_MENU: u32 = 0x8_0000;
const EX_MDI_CHILD: u32 = 0x40;
const NO_CLOSE: u32 = 0x200;
const CHECK_OR_BITMAP: u32 = 0x0400_0000;
/// Pictures of items: HBMMENU_POPUP_*.
const PICTURES: [(u32, u64); 4] =
    [(command::CLOSE, 8), (command::RESTORE, 9), (command::MAXIMIZE, 10), (command::MINIMIZE, 11)];

/// The standard one, which user32 has as a resource.
fn standard(cx: &Cx<'_>, mdi: bool) -> User {
    let handle = callbacks::load_system_menu(cx, mdi)?;
    let mut all = cx.k.user.menus.all();
    if let Some(menu) = all.get_mut(handle) {
        menu.flags |= mf::SYSTEM | mf::POPUP;
        menu.style = CHECK_OR_BITMAP;
    }
    for (id, picture) in PICTURES {
        if let Some(item) = all.item_mut(handle, id, 0) {
            item.bitmap = picture;
        }
    }
    drop(all);
    item::set_default(cx, handle, command::CLOSE, 0)?;
    Ok(handle)
}

/// The holder of a window's system menu, around a menu that there is or the standard one.
fn make(cx: &Cx<'_>, window: u64, popup: u64) -> User {
    let found = cx.own_window(window)?;
    let holder = create(cx, false)?;
    let (style, extended) =
        (super::super::class::style_of(cx, &found), cx.windows()?.get(found.record + field::EX_STYLE));
    let popup = match popup {
        0 => standard(cx, extended & EX_MDI_CHILD != 0).unwrap_or(0),
        popup => popup,
    };
    if popup == 0 {
        destroy(cx, holder)?;
        return Ok(0);
    }
    if style & NO_CLOSE != 0 {
        item::delete(cx, popup, command::CLOSE, 0)?;
    }
    let mut all = cx.k.user.menus.all();
    if let Some(menu) = all.get_mut(holder) {
        menu.flags = mf::SYSTEM;
        menu.window = found.handle;
        menu.items = vec![Item { kind: mf::SYSTEM | mf::POPUP, id: popup, popup, ..Item::default() }];
    }
    if let Some(menu) = all.get_mut(popup) {
        menu.flags |= mf::SYSTEM | mf::POPUP;
    }
    Ok(holder)
}

/// The holder of a window's system menu, as it is kept; 0 for none.
pub(in super::super) fn holder(cx: &Cx<'_>, window: u64) -> u64 {
    let Ok(found) = cx.own_window(window) else { return 0 };
    cx.windows().map_or(0, |tx| tx.get(found.record + field::SYSTEM_MENU).into())
}

fn keep(cx: &Cx<'_>, window: u64, holder: u64) -> User<()> {
    let found = cx.own_window(window)?;
    let mut tx = cx.windows()?;
    tx.set(found.record + field::SYSTEM_MENU, holder as u32);
    Ok(tx.commit()?)
}

/// NtUserGetSystemMenu: the menu, made if there is none; with `revert` it becomes the standard one, and the answer is 0.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn get(cx: &Cx<'_>, window: u64, revert: u32) -> User {
    let found = cx.own_window(window)?;
    if found.queue == 0 {
        return Ok(0);
    }
    let mut all = holder(cx, window);
    if all != 0 && revert != 0 {
        let _ = destroy(cx, all);
        all = 0;
        keep(cx, window, 0)?;
    }
    if all == 0 && cx.windows()?.get(found.record + field::STYLE) & SYSTEM_MENU != 0 {
        all = make(cx, window, 0)?;
        keep(cx, window, all)?;
    }
    let popup = item::popup(cx, all, 0);
    // Whose button is to look as the item that closes.
    cx.k.user.menus.with(popup, |menu| menu.holder = all);
    Ok(if revert != 0 { 0 } else { popup })
}

/// NtUserSetSystemMenu.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn set(cx: &Cx<'_>, window: u64, menu: u64) -> User {
    cx.own_window(window)?;
    let before = holder(cx, window);
    if before != 0 {
        let _ = destroy(cx, before);
    }
    let made = make(cx, window, menu)?;
    keep(cx, window, made)?;
    Ok(1)
}

/// GetWindowSysSubMenu: the menu that a window has already.
pub(in super::super) fn popup_of(cx: &Cx<'_>, window: u64) -> u64 {
    item::popup(cx, holder(cx, window), 0)
}

/// Grays what a window in its state cannot do.
pub(in super::super) fn prepare(cx: &Cx<'_>, popup: u64, style: u32, class_style: u32) -> User<()> {
    /// WS_THICKFRAME, WS_MAXIMIZE, WS_MINIMIZEBOX, WS_MAXIMIZEBOX.
    const THICK_FRAME: u32 = 0x4_0000;
    const MAXIMIZED: u32 = 0x0100_0000;
    const MINIMIZE_BOX: u32 = 0x2_0000;
    const MAXIMIZE_BOX: u32 = 0x1_0000;
    let gray = [
        (command::SIZE, style & THICK_FRAME == 0 || style & (MAXIMIZED | MINIMIZE) != 0),
        (command::MOVE, style & MAXIMIZED != 0),
        (command::MINIMIZE, style & MINIMIZE_BOX == 0 || style & MINIMIZE != 0),
        (command::MAXIMIZE, style & MAXIMIZE_BOX == 0 || style & MAXIMIZED != 0),
        (command::RESTORE, style & (MAXIMIZED | MINIMIZE) == 0),
    ];
    for (id, gray) in gray {
        item::enable(cx, popup, id, if gray { mf::GRAYED } else { 0 })?;
    }
    if class_style & NO_CLOSE != 0 {
        item::enable(cx, popup, command::CLOSE, mf::GRAYED)?;
    }
    Ok(())
}
