//! Keys while a menu is tracked.

use super::super::super::User;
use super::super::nonclient::Look;
use super::super::nonclient::style;
use super::super::reach;
use super::popup::{close_below, open_chosen, select, step, tell};
use super::track::{Carried, Tracker, message};
use super::{Menu, mf, system};
use crate::call::Cx;
use crate::nls::fold::fold;
use crate::shm::user::message::Message;
use crate::shm::user::window::CHILD;
use zerocopy::IntoBytes;

/// VK_*.
mod vk {
    pub const MENU: u64 = 0x12;
    pub const ESCAPE: u64 = 0x1b;
    pub const END: u64 = 0x23;
    pub const HOME: u64 = 0x24;
    pub const LEFT: u64 = 0x25;
    pub const UP: u64 = 0x26;
    pub const RIGHT: u64 = 0x27;
    pub const DOWN: u64 = 0x28;
    pub const F1: u64 = 0x70;
    pub const F10: u64 = 0x79;
}

/// WM_MENUCHAR, WM_NEXTMENU, WM_HELP.
const MENU_CHAR: u32 = 0x120;
const NEXT_MENU: u32 = 0x213;
const HELP: u32 = 0x53;

/// What a letter means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Item(usize),
    Nothing,
    /// The menu is to be closed.
    Close,
}

/// The letter behind the first single `&` of a text.
fn mnemonic(text: &[u16]) -> Option<u16> {
    const MARK: u16 = b'&' as u16;
    let mut at = 0;
    loop {
        at += text.get(at..)?.iter().position(|unit| *unit == MARK)?;
        match text.get(at + 1) {
            Some(&MARK) => at += 2,
            letter => return letter.copied(),
        }
    }
}

/// The item that a letter means; `ask`: the owner alone knows.
pub(super) fn find(cx: &Cx<'_>, owner: u64, handle: u64, letter: u16, ask: bool) -> Found {
    /// MNC_CLOSE, MNC_EXECUTE.
    const CLOSE: u64 = 1;
    const EXECUTE: u64 = 2;
    let menus = &cx.k.user.menus;
    let handle = if menus.copy(handle).is_some() { handle } else { system::popup_of(cx, owner) };
    let Some(menu) = menus.copy(handle) else { return Found::Nothing };
    if !ask {
        let means = |item: &super::Item| {
            let key = item.text.as_deref().and_then(mnemonic);
            key.is_some_and(|key| fold(&[key]) == fold(&[letter]))
        };
        if let Some(place) = menu.items.iter().position(means) {
            return Found::Item(place);
        }
    }
    let said = tell(cx, owner, MENU_CHAR, u64::from(letter) | u64::from(menu.flags & 0xffff) << 16, handle);
    match said >> 16 & 0xffff {
        EXECUTE => Found::Item((said & 0xffff) as usize),
        CLOSE => Found::Close,
        _ => Found::Nothing,
    }
}

/// A key: the item that was carried out, and whether the menu ends.
pub(super) fn press(tracker: &mut Tracker<'_, '_>, told: &Message) -> User<(Option<u64>, bool)> {
    match told.number {
        message::KEY_DOWN | message::SYS_KEY_DOWN => down(tracker, told).map(|ends| (None, ends)),
        message::CHAR | message::SYS_CHAR => Ok(letter(tracker, told.wparam as u16)),
        _ => Ok((None, false)),
    }
}

fn down(tracker: &mut Tracker<'_, '_>, told: &Message) -> User<bool> {
    let (cx, owner, flags) = (tracker.cx, tracker.owner, tracker.flags);
    match told.wparam {
        vk::MENU | vk::F10 => return Ok(true),
        key @ (vk::HOME | vk::END) => {
            select(cx, owner, tracker.current, None, false, 0);
            step(cx, owner, tracker.current, key == vk::HOME);
        }
        key @ (vk::UP | vk::DOWN) => {
            if tracker.menu(tracker.current).is_some_and(|menu| menu.is_popup()) {
                step(cx, owner, tracker.current, key == vk::DOWN);
            } else {
                tracker.current = open_chosen(cx, owner, tracker.top, true, flags);
            }
        }
        vk::LEFT => left(tracker, told.number)?,
        vk::RIGHT => right(tracker, told.number)?,
        vk::ESCAPE => return Ok(escape(tracker)),
        vk::F1 => help(tracker, told),
        _ => reach::translate(cx, told)?,
    }
    Ok(false)
}

fn letter(tracker: &mut Tracker<'_, '_>, letter: u16) -> (Option<u64>, bool) {
    let carried = |carried: Carried| match carried {
        Carried::Done(id) => (Some(id), true),
        Carried::Nothing => (None, true),
        Carried::Opened => (None, false),
    };
    match letter {
        0xd | 0x20 => carried(tracker.carry_out(tracker.current)),
        0..0x20 => (None, false),
        _ => match find(tracker.cx, tracker.owner, tracker.current, letter, false) {
            Found::Close => (None, true),
            Found::Nothing => {
                reach::beep(tracker.cx);
                (None, false)
            }
            Found::Item(place) => {
                select(tracker.cx, tracker.owner, tracker.current, Some(place), true, 0);
                carried(tracker.carry_out(tracker.current))
            }
        },
    }
}

/// The menu from which the last one was opened.
fn opener(tracker: &Tracker<'_, '_>) -> u64 {
    let (mut before, mut at) = (tracker.top, tracker.top);
    for _ in 0..=super::DEEPEST {
        if at == tracker.current {
            break;
        }
        before = at;
        let menu = tracker.menu(at);
        let open = menu.as_ref().and_then(Menu::chosen).filter(|item| item.is(mf::POPUP) && item.has(mf::MOUSE_SELECT));
        match open {
            Some(item) => at = item.popup,
            None => break,
        }
    }
    before
}

/// Escape closes one popup; answers whether it ends all.
fn escape(tracker: &mut Tracker<'_, '_>) -> bool {
    let popup = tracker.menu(tracker.current).is_some_and(|menu| menu.is_popup());
    if tracker.current == tracker.top || !popup {
        return true;
    }
    let before = opener(tracker);
    close_below(tracker.cx, tracker.owner, before, true, tracker.flags);
    tracker.current = before;
    false
}

/// Where the column before the chosen item's begins, or the one behind it.
fn column(menu: &Menu, before: bool) -> Option<usize> {
    let breaks = |place: &usize| menu.items.get(*place).is_some_and(|i| i.is(mf::MENU_BREAK | mf::MENU_BAR_BREAK));
    let chosen = menu.focused;
    if !before {
        return (chosen.map_or(0, |place| place + 1)..menu.items.len()).find(breaks);
    }
    let begin = (1..=chosen?).rev().find(breaks)?;
    Some((1..begin).rev().find(breaks).unwrap_or(0))
}

fn left(tracker: &mut Tracker<'_, '_>, number: u32) -> User<()> {
    let (cx, owner, flags) = (tracker.cx, tracker.owner, tracker.flags);
    if let Some(place) = tracker.menu(tracker.current).and_then(|menu| column(&menu, true)) {
        select(cx, owner, tracker.current, Some(place), true, 0);
        return Ok(());
    }
    let popup = tracker.menu(tracker.top).is_some_and(|menu| menu.is_popup());
    let (before, was) = (opener(tracker), tracker.current);
    close_below(cx, owner, before, true, flags);
    tracker.current = before;
    if before == tracker.top && !popup {
        if !next_menu(tracker, vk::LEFT)? {
            step(cx, tracker.owner, tracker.top, false);
        }
        if (before != was || tracker.suspended) && !suspend(tracker, number)? {
            tracker.current = open_chosen(cx, tracker.owner, tracker.top, true, flags);
        }
    }
    Ok(())
}

fn right(tracker: &mut Tracker<'_, '_>, number: u32) -> User<()> {
    let (cx, owner, flags) = (tracker.cx, tracker.owner, tracker.flags);
    let popup = tracker.menu(tracker.top).is_some_and(|menu| menu.is_popup());
    if popup || tracker.current != tracker.top {
        let before = tracker.current;
        tracker.current = open_chosen(cx, owner, before, true, flags);
        if tracker.current != before {
            return Ok(());
        }
    }
    if let Some(place) = tracker.menu(tracker.current).and_then(|menu| column(&menu, false)) {
        select(cx, owner, tracker.current, Some(place), true, 0);
        return Ok(());
    }
    if popup {
        return Ok(());
    }
    let opened = tracker.current != tracker.top;
    if opened {
        close_below(cx, owner, tracker.top, false, flags);
        tracker.current = tracker.top;
    }
    if !next_menu(tracker, vk::RIGHT)? {
        step(cx, tracker.owner, tracker.top, true);
    }
    if (opened || tracker.suspended) && !suspend(tracker, number)? {
        tracker.current = open_chosen(cx, tracker.owner, tracker.top, true, flags);
    }
    Ok(())
}

/// Whether the next key would close a popup at once, so that it is not opened. The key that led here is taken from the queue.
fn suspend(tracker: &mut Tracker<'_, '_>, number: u32) -> User<bool> {
    const KEY_UP: u32 = 0x101;
    const PAINT: u32 = 0xf;
    let cx = tracker.cx;
    reach::peek(cx, (number, number), true)?;
    (tracker.taken, tracker.suspended) = (true, false);
    if number == message::KEY_DOWN
        && reach::peek(cx, (0, 0), false)?.is_some_and(|told| [KEY_UP, PAINT].contains(&told.number))
    {
        reach::peek(cx, (0, 0), true)?;
        let next = reach::peek(cx, (0, 0), false)?;
        let turns = |told: Message| told.number == message::KEY_DOWN && [vk::LEFT, vk::RIGHT].contains(&told.wparam);
        tracker.suspended = next.is_some_and(turns);
    }
    Ok(tracker.suspended)
}

/// From an end of a menu bar to the system menu, or to what the owner says; answers whether it went.
fn next_menu(tracker: &mut Tracker<'_, '_>, key: u64) -> User<bool> {
    let cx = tracker.cx;
    let Some(menu) = tracker.menu(tracker.top) else { return Ok(false) };
    let is_button = |item: &super::Item| {
        (u64::from(system::command::SIZE)..=u64::from(system::command::RESTORE)).contains(&item.id)
    };
    let at_end = if key == vk::LEFT {
        menu.focused == Some(0)
    } else if menu.is_system() {
        menu.focused.is_some_and(|place| place + 1 == menu.items.len())
    } else {
        // Buttons of a maximized MDI child are no menus.
        menu.items.iter().skip(menu.focused.map_or(0, |place| place + 1)).all(is_button)
    };
    if !at_end {
        return Ok(false);
    }
    let shown = if menu.is_system() { super::item::popup(cx, tracker.top, 0) } else { tracker.top };
    // MDINEXTMENU: the menu, the next one and its window.
    let told = [shown, 0, 0];
    let answer = match cx.window(tracker.owner) {
        Ok(owner) => cx.send_data(&owner, NEXT_MENU, key, told.as_bytes())?.1,
        Err(_) => return Ok(false),
    };
    let word = |at: usize| answer.get(at..at + 8).map_or(0, super::super::class::little);
    let (mut place, mut window) = (0, tracker.owner);
    let new = if word(8) == 0 || word(16) == 0 {
        let look = Look::of(cx, window)?;
        if menu.is_system() {
            let bar = if look.has(CHILD) { 0 } else { super::of_window(cx, window) };
            let Some(menu) = tracker.menu(bar) else { return Ok(false) };
            if key == vk::LEFT {
                place = menu.items.iter().rposition(|item| !is_button(item)).unwrap_or(0);
            }
            bar
        } else if look.has(style::SYSTEM_MENU) {
            system::get(cx, window, 0)?;
            system::holder(cx, window)
        } else {
            return Ok(false);
        }
    } else {
        let (wanted, of) = (word(8), word(16));
        let Ok(look) = Look::of(cx, of) else { return Ok(false) };
        window = look.window.handle.into();
        if look.has(style::SYSTEM_MENU) && system::popup_of(cx, window) == wanted {
            system::holder(cx, window)
        } else if look.has(CHILD) || super::of_window(cx, window) != wanted {
            return Ok(false);
        } else {
            wanted
        }
    };
    if new != tracker.top {
        select(cx, tracker.owner, tracker.top, None, false, 0);
        if tracker.current != tracker.top {
            close_below(cx, tracker.owner, tracker.top, false, tracker.flags);
        }
    }
    if window != tracker.owner {
        tracker.owner = window;
        reach::capture_for_menu(cx, window);
    }
    (tracker.top, tracker.current) = (new, new);
    cx.k.user.menus.with(new, |menu| {
        if menu.window == 0 {
            menu.window = window as u32;
        }
    });
    select(cx, tracker.owner, new, Some(place), true, 0);
    Ok(true)
}

/// F1: HELPINFO of the chosen item.
fn help(tracker: &Tracker<'_, '_>, told: &Message) {
    let Some(menu) = tracker.menu(tracker.current) else { return };
    let id = menu.chosen().map_or(0, |item| item.id);
    // sizeof, HELPINFO_MENUITEM.
    let info = help_info(2, id as u32, tracker.current, menu.help, told.place);
    // An owner that is gone helps nobody.
    let _ = tracker.cx.window(tracker.owner).and_then(|owner| tracker.cx.send_data(&owner, HELP, 0, &info));
}

/// HELPINFO of 64-bit programs.
pub(in super::super) fn help_info(kind: u32, id: u32, item: u64, context: u32, place: (i32, i32)) -> Vec<u8> {
    let head = [40, kind, id, 0];
    [head.as_bytes(), item.as_bytes(), u64::from(context).as_bytes(), [place.0, place.1].as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::wide;

    #[test]
    fn the_letter_behind_a_single_mark() {
        assert_eq!(mnemonic(&wide("&File")), Some(u16::from(b'F')));
        assert_eq!(mnemonic(&wide("A && &B")), Some(u16::from(b'B')));
        assert_eq!((mnemonic(&wide("A && B")), mnemonic(&wide("A &"))), (None, None));
    }

    #[test]
    fn columns_begin_where_items_break() {
        let item = |kind| super::super::Item { kind, ..Default::default() };
        let items = vec![item(0), item(0), item(mf::MENU_BREAK), item(0), item(mf::MENU_BAR_BREAK), item(0)];
        let at = |place| Menu { items: items.clone(), focused: Some(place), ..Menu::default() };
        assert_eq!((column(&at(0), false), column(&at(3), false), column(&at(5), false)), (Some(2), Some(4), None));
        assert_eq!((column(&at(1), true), column(&at(3), true), column(&at(5), true)), (None, Some(0), Some(2)));
    }
}
