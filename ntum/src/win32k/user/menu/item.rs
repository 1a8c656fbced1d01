//! Calls about a menu's items.

use super::super::super::{Failed, User, error};
use super::{DEEPEST, Item, MOST_ITEMS, STATE, TYPE, mf};
use crate::call::Cx;
use crate::um::UserPtr;
use crate::win32k::user::text;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// MENUITEMINFOW of 64-bit programs.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ItemInfo {
    /// sizeof: 80.
    pub size: u32,
    /// MIIM_*.
    pub mask: u32,
    /// MFT_*.
    pub kind: u32,
    /// MFS_*.
    pub state: u32,
    /// Its number.
    pub id: u32,
    /// Padding.
    pub pad: u32,
    /// The menu that it opens.
    pub popup: u64,
    /// Bitmaps for check marks.
    pub checked: u64,
    /// See above.
    pub unchecked: u64,
    /// The program's own.
    pub data: u64,
    /// Address of a text.
    pub text: u64,
    /// Its length, or what there is room for.
    pub length: u32,
    /// Padding.
    pub pad2: u32,
    /// HBITMAP or HBMMENU_*.
    pub bitmap: u64,
}

/// MIIM_*.
mod mask {
    pub const STATE: u32 = 0x1;
    pub const ID: u32 = 0x2;
    pub const POPUP: u32 = 0x4;
    pub const CHECK_MARKS: u32 = 0x8;
    pub const TYPE: u32 = 0x10;
    pub const DATA: u32 = 0x20;
    pub const STRING: u32 = 0x40;
    pub const BITMAP: u32 = 0x80;
    pub const KIND: u32 = 0x100;
}

/// SC_TASKLIST: an item that old programs ask for and nobody has.
const TASK_LIST: u32 = 0xf130;
/// What tells that there is no such item.
const NONE: u64 = u32::MAX as u64;

/// What NtUserThunkedMenuItemInfo is to do: `include/ntuser.h` of Wine 10.
mod method {
    pub const SET: u32 = 0;
    pub const INSERT: u32 = 1;
    pub const CHECK_RADIO: u32 = 2;
    pub const GET_DEFAULT: u32 = 3;
    pub const GET_ID: u32 = 4;
    pub const GET_ANSI: u32 = 5;
    pub const GET: u32 = 6;
    pub const GET_STATE: u32 = 7;
    pub const GET_POPUP: u32 = 8;
}

/// Whether a bitmap is one of HBMMENU_*, which stand for pictures of the system's.
pub(in super::super) fn is_magic(bitmap: u64) -> bool {
    bitmap != 0 && (-1..12).contains(&(bitmap as i64))
}

fn read(cx: &Cx<'_>, info: u64) -> User<ItemInfo> {
    let invalid = Failed::with(error::INVALID_PARAMETER);
    if info == 0 {
        return Err(invalid);
    }
    let info = UserPtr::<ItemInfo>::new(info).read(cx.k)?;
    if info.size as usize == size_of::<ItemInfo>() { Ok(info) } else { Err(invalid) }
}

/// Changes an item as a structure says.
fn apply(cx: &Cx<'_>, menu: u64, place: usize, info: &ItemInfo) -> User<()> {
    let text = match info.mask & mask::STRING != 0 && info.text != 0 {
        true => Some(text::read(cx, info.text, false)?),
        false => None,
    };
    let mut all = cx.k.user.menus.all();
    let popup = info.mask & mask::POPUP != 0;
    let opened = if popup { info.popup } else { 0 };
    let gone = Failed::SILENT;
    {
        let item = all.get_mut(menu).and_then(|menu| menu.items.get_mut(place)).ok_or(gone)?;
        if info.mask & mask::KIND != 0 {
            item.kind = item.kind & !TYPE | info.kind & TYPE;
        }
        if info.mask & mask::STRING != 0 {
            item.text = text;
        }
        if info.mask & mask::STATE != 0 {
            item.state = info.state & STATE;
        }
        if info.mask & mask::ID != 0 {
            item.id = info.id.into();
        }
        if popup {
            item.popup = opened;
            if opened == 0 {
                item.kind &= !mf::POPUP;
            }
        }
    }
    if opened != 0 {
        if all.get(opened).is_none() {
            return Err(Failed::with(error::INVALID_PARAMETER));
        }
        if all.depth(opened, 0) > DEEPEST {
            if let Some(item) = all.get_mut(menu).and_then(|menu| menu.items.get_mut(place)) {
                item.popup = 0;
            }
            return Err(gone);
        }
        if let Some(below) = all.get_mut(opened) {
            below.flags |= mf::POPUP;
        }
    }
    let item = all.get_mut(menu).and_then(|menu| menu.items.get_mut(place)).ok_or(gone)?;
    if opened != 0 {
        item.kind |= mf::POPUP;
    }
    if info.mask & mask::CHECK_MARKS != 0 {
        (item.checked, item.unchecked) = (info.checked, info.unchecked);
    }
    if info.mask & mask::DATA != 0 {
        item.data = info.data;
    }
    if info.mask & mask::BITMAP != 0 {
        item.bitmap = info.bitmap;
    }
    if item.text.is_none() && !item.is(mf::OWNER_DRAW) && item.bitmap == 0 {
        item.kind |= mf::SEPARATOR;
    }
    Ok(())
}

/// Puts a new item before another, or at the end; answers the menu and its place.
pub(super) fn make_room(cx: &Cx<'_>, handle: u64, id: u32, flags: u32) -> Option<(u64, usize)> {
    let mut all = cx.k.user.menus.all();
    let (handle, place) = match all.find(handle, id, flags) {
        Some(found) => found,
        None => (handle, all.get(handle)?.items.len()),
    };
    let menu = all.get_mut(handle).filter(|menu| menu.items.len() < MOST_ITEMS)?;
    // Buttons of a maximized MDI child stay at the end: HBMMENU_SYSTEM to HBMMENU_MBAR_CLOSE_D.
    let buttons = menu.items.iter().take(place).rev().take_while(|item| (1..=6).contains(&item.bitmap)).count();
    let place = place - buttons;
    menu.items.insert(place, Item::default());
    // Whoever is chosen still is.
    menu.height = 0;
    Some((u64::from(menu.handle), place))
}

fn insert(cx: &Cx<'_>, handle: u64, id: u32, flags: u32, info: u64) -> User {
    let info = read(cx, info)?;
    let Some((menu, place)) = make_room(cx, handle, id, flags) else {
        return Ok((id == TASK_LIST && flags & mf::BY_POSITION == 0).into());
    };
    if let Err(failed) = apply(cx, menu, place, &info) {
        remove(cx, menu, place as u32, mf::BY_POSITION)?;
        return Err(failed);
    }
    Ok(1)
}

fn set(cx: &Cx<'_>, handle: u64, id: u32, flags: u32, info: u64) -> User {
    let info = read(cx, info)?;
    let found = cx.k.user.menus.all().find(handle, id, flags);
    let Some((menu, place)) = found else {
        return Ok((id == TASK_LIST && flags & mf::BY_POSITION == 0).into());
    };
    apply(cx, menu, place, &info)?;
    cx.k.user.menus.with(menu, |menu| menu.height = 0);
    Ok(1)
}

fn get(cx: &Cx<'_>, handle: u64, id: u32, flags: u32, at: u64, ansi: bool) -> User {
    let mut info = read(cx, at)?;
    let item = cx.k.user.menus.all().item(handle, id, flags).cloned();
    let item = item.ok_or(Failed::with(error::MENU_ITEM_NOT_FOUND))?;
    if info.mask & mask::TYPE != 0 {
        if info.mask & (mask::STRING | mask::KIND | mask::BITMAP) != 0 {
            return Err(Failed::with(error::INVALID_PARAMETER));
        }
        info.kind = item.kind & TYPE;
        if item.bitmap != 0 && !is_magic(item.bitmap) {
            info.kind |= mf::BITMAP;
        }
        info.bitmap = item.bitmap;
        if info.kind & mf::BITMAP != 0 {
            (info.text, info.length) = (item.bitmap, 0);
        } else if info.kind & (mf::OWNER_DRAW | mf::SEPARATOR) != 0 {
            (info.text, info.length) = (0, 0);
        }
    }
    if info.mask & (mask::TYPE | mask::STRING) != 0 {
        let kept = item.text.as_deref().unwrap_or_default();
        let length = if ansi { text::to_ansi(cx, kept).len() } else { kept.len() } as u32;
        if info.text != 0 && info.length != 0 {
            text::store(cx, kept, info.text, info.length.into(), ansi)?;
            // Of a part, its length is told.
            info.length = if item.text.is_none() { 0 } else { length.min(info.length - 1) };
        } else {
            info.length = length;
        }
    }
    if info.mask & mask::KIND != 0 {
        info.kind = item.kind & TYPE;
    }
    if info.mask & mask::BITMAP != 0 {
        info.bitmap = item.bitmap;
    }
    if info.mask & mask::STATE != 0 {
        info.state = item.state & STATE;
    }
    if info.mask & mask::ID != 0 {
        info.id = item.id as u32;
    }
    if info.mask & mask::DATA != 0 {
        info.data = item.data;
    }
    info.popup = if info.mask & mask::POPUP != 0 { item.popup } else { 0 };
    if info.mask & mask::CHECK_MARKS != 0 {
        (info.checked, info.unchecked) = (item.checked, item.unchecked);
    }
    UserPtr::new(at).write(cx.k, info)?;
    Ok(1)
}

/// GetMenuState: for an item that opens a menu, how many that has in the second byte.
pub(in super::super) fn state(cx: &Cx<'_>, handle: u64, id: u32, flags: u32) -> u32 {
    let all = cx.k.user.menus.all();
    let Some(item) = all.item(handle, id, flags) else { return u32::MAX };
    match item.is(mf::POPUP) {
        false => item.kind | item.state,
        true => match all.get(item.popup) {
            Some(below) => (below.items.len() as u32) << 8 | (item.state | item.kind) & 0xff,
            None => u32::MAX,
        },
    }
}

/// GetSubMenu.
pub(in super::super) fn popup(cx: &Cx<'_>, handle: u64, place: u32) -> u64 {
    let all = cx.k.user.menus.all();
    let item = all.item(handle, place, mf::BY_POSITION);
    item.filter(|item| item.is(mf::POPUP)).map_or(0, |item| item.popup)
}

fn check_radio(cx: &Cx<'_>, handle: u64, items: (u32, u32, u32), flags: u32) -> bool {
    let (first, last, wanted) = items;
    let mut all = cx.k.user.menus.all();
    let (mut one, mut done) = (None, false);
    // Items beyond the last of all menus are none, whatever was named.
    for id in (first..=last).take(MOST_ITEMS.max(0x1_0000)) {
        let Some((menu, place)) = all.find(handle, id, flags) else { continue };
        if *one.get_or_insert(menu) != menu {
            continue;
        }
        let Some(item) = all.get_mut(menu).and_then(|menu| menu.items.get_mut(place)) else { continue };
        if item.kind == mf::SEPARATOR {
            continue;
        }
        if id == wanted {
            item.kind |= mf::RADIO_CHECK;
            item.state |= mf::CHECKED;
            done = true;
        } else {
            item.state &= !mf::CHECKED;
        }
    }
    done
}

fn default_item(cx: &Cx<'_>, handle: u64, by_position: bool, flags: u32, depth: usize) -> u64 {
    /// GMDI_USEDISABLED, GMDI_GOINTOPOPUPS.
    const USE_DISABLED: u32 = 1;
    const GO_INTO_POPUPS: u32 = 2;
    let found = cx.k.user.menus.with(handle, |menu| {
        let place = menu.items.iter().position(|item| item.has(mf::DEFAULT))?;
        let item = menu.items.get(place)?;
        (flags & USE_DISABLED != 0 || !item.has(mf::DISABLED | mf::GRAYED)).then(|| (place, item.clone()))
    });
    let Some(Some((place, item))) = found else { return NONE };
    if item.is(mf::POPUP) && flags & GO_INTO_POPUPS != 0 && depth <= DEEPEST {
        let below = default_item(cx, item.popup, by_position, flags, depth + 1);
        if below != NONE {
            return below;
        }
    }
    if by_position { place as u64 } else { item.id }
}

/// NtUserThunkedMenuItemInfo: what `method` says, with one item.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn thunked_info(cx: &Cx<'_>, handle: u64, id: u32, flags: u32, method: u32, info: u64, _text: u64) -> User {
    match method {
        method::SET => set(cx, handle, id, flags, info),
        method::INSERT => insert(cx, handle, id, flags, info),
        method::CHECK_RADIO => {
            let info = UserPtr::<ItemInfo>::new(info).read(cx.k)?;
            Ok(check_radio(cx, handle, (id, info.length, info.mask), flags).into())
        }
        method::GET_DEFAULT => Ok(default_item(cx, handle, id != 0, flags, 0)),
        method::GET_ID => {
            let all = cx.k.user.menus.all();
            let item = all.item(handle, id, flags).filter(|item| !item.is(mf::POPUP));
            Ok(item.map_or(NONE, |item| item.id))
        }
        method::GET_ANSI => get(cx, handle, id, flags, info, true),
        method::GET => get(cx, handle, id, flags, info, false),
        method::GET_STATE => Ok(state(cx, handle, id, flags).into()),
        method::GET_POPUP => Ok(popup(cx, handle, id)),
        _ => Err(Failed::with(error::CALL_NOT_IMPLEMENTED)),
    }
}

/// NtUserRemoveMenu: takes an item away; the menu that it opens stays.
///
/// # Errors
/// None; the answer is FALSE.
pub fn remove(cx: &Cx<'_>, handle: u64, id: u32, flags: u32) -> User {
    let mut all = cx.k.user.menus.all();
    let Some((menu, place)) = all.find(handle, id, flags) else { return Ok(0) };
    if let Some(menu) = all.get_mut(menu) {
        menu.items.remove(place);
        // Whatever is chosen is not beyond the end.
        menu.focused = menu.focused.filter(|chosen| *chosen < menu.items.len());
    }
    Ok(1)
}

/// NtUserDeleteMenu: takes an item away, with the menu that it opens.
///
/// # Errors
/// None; the answer is FALSE.
pub fn delete(cx: &Cx<'_>, handle: u64, id: u32, flags: u32) -> User {
    let found = {
        let all = cx.k.user.menus.all();
        all.find(handle, id, flags).map(|(menu, place)| (menu, place, all.item(handle, id, flags).cloned()))
    };
    let Some((menu, place, item)) = found else { return Ok(0) };
    if let Some(item) = item.filter(|item| item.is(mf::POPUP)) {
        // One that was destroyed already is none.
        let _ = super::destroy(cx, item.popup);
    }
    remove(cx, menu, place as u32, mf::BY_POSITION)
}

/// NtUserCheckMenuItem: MF_CHECKED if it was, or -1 if there is none.
///
/// # Errors
/// None.
pub fn check(cx: &Cx<'_>, handle: u64, id: u32, flags: u32) -> User {
    let mut all = cx.k.user.menus.all();
    let Some(item) = all.item_mut(handle, id, flags) else { return Ok(NONE) };
    let before = item.state & mf::CHECKED;
    item.state = item.state & !mf::CHECKED | flags & mf::CHECKED;
    Ok(before.into())
}

/// NtUserEnableMenuItem: what of MF_GRAYED and MF_DISABLED it had, or -1 if there is none.
///
/// # Errors
/// None.
pub fn enable(cx: &Cx<'_>, handle: u64, id: u32, flags: u32) -> User {
    const BOTH: u32 = mf::GRAYED | mf::DISABLED;
    let (before, window) = {
        let mut all = cx.k.user.menus.all();
        let Some((menu, place)) = all.find(handle, id, flags) else { return Ok(NONE) };
        let Some(menu) = all.get_mut(menu) else { return Ok(NONE) };
        let holder = menu.holder;
        let Some(item) = menu.items.get_mut(place) else { return Ok(NONE) };
        let before = item.state & BOTH;
        item.state = item.state & !BOTH | flags & BOTH;
        // The close button of a window looks as its item.
        let closes = item.id == u64::from(super::system::command::CLOSE) && before != flags && holder != 0;
        (before, if closes { all.get(holder).map(|holder| holder.window) } else { None })
    };
    if let Some(window) = window {
        super::super::nonclient::redraw_frame(cx, window.into());
    }
    Ok(before.into())
}

/// NtUserSetMenuDefaultItem: none with -1.
///
/// # Errors
/// None; the answer is FALSE.
pub fn set_default(cx: &Cx<'_>, handle: u64, id: u32, by_position: u32) -> User {
    let done = cx.k.user.menus.with(handle, |menu| {
        let mut found = id == u32::MAX;
        for (place, item) in (0..).zip(&mut menu.items) {
            item.state &= !mf::DEFAULT;
            let wanted = if by_position != 0 { place == id } else { item.id == u64::from(id) };
            if id != u32::MAX && wanted {
                item.state |= mf::DEFAULT;
                found = true;
            }
        }
        found
    });
    Ok(done.unwrap_or(false).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_items_structure_lies_as_programs_have_it() {
        assert_eq!(size_of::<ItemInfo>(), 80);
        assert_eq!(core::mem::offset_of!(ItemInfo, text), 56);
        assert_eq!(core::mem::offset_of!(ItemInfo, bitmap), 72);
        assert!(is_magic(u64::MAX) && is_magic(11) && !is_magic(0) && !is_magic(12));
    }
}
