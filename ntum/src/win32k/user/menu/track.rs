//! How the user goes through menus, with the mouse and with keys, from TrackPopupMenuEx or a click on a menu bar until it ends.

use super::super::super::{Failed, User, error};
use super::super::nonclient::{Look, ht, style};
use super::super::reach::{self, Next};
use super::info::{Hit, hit};
use super::popup::{self, MENU_SELECT, UNINIT_MENU_POPUP, close_below, open_chosen, select, step, tell, tpm};
use super::{Menu, keys, mf, system};
use crate::call::Cx;
use crate::shm::user::message::Message;
use crate::shm::user::mirror::EX_LAYOUT_RTL;
use crate::um::UserPtr;
use crate::win32k::geometry::Rect;

/// WM_*.
pub(super) mod message {
    pub const SET_CURSOR: u32 = 0x20;
    pub const CANCEL_MODE: u32 = 0x1f;
    pub const KEY_DOWN: u32 = 0x100;
    pub const CHAR: u32 = 0x102;
    pub const SYS_KEY_DOWN: u32 = 0x104;
    pub const SYS_CHAR: u32 = 0x106;
    pub const KEYS: core::ops::RangeInclusive<u32> = 0x100..=0x109;
    pub const COMMAND: u32 = 0x111;
    pub const SYS_COMMAND: u32 = 0x112;
    pub const TIMER: u32 = 0x113;
    pub const INIT_MENU: u32 = 0x116;
    pub const ENTER_IDLE: u32 = 0x121;
    pub const MENU_COMMAND: u32 = 0x126;
    pub const MOUSE: core::ops::RangeInclusive<u32> = 0x200..=0x20e;
    pub const MOUSE_MOVE: u32 = 0x200;
    pub const LEFT_DOWN: u32 = 0x201;
    pub const LEFT_UP: u32 = 0x202;
    pub const LEFT_DOUBLE: u32 = 0x203;
    pub const RIGHT_DOWN: u32 = 0x204;
    pub const RIGHT_UP: u32 = 0x205;
    pub const RIGHT_DOUBLE: u32 = 0x206;
    pub const ENTER_MENU_LOOP: u32 = 0x211;
    pub const EXIT_MENU_LOOP: u32 = 0x212;
}

/// MSGF_MENU; MNS_NOTIFYBYPOS.
const MENU_FILTER: u32 = 2;
const NOTIFY_BY_PLACE: u32 = 0x0800_0000;

/// How far the user is.
pub(super) struct Tracker<'a, 'b> {
    pub cx: &'a Cx<'b>,
    pub flags: u32,
    /// The menu that was opened first, and the last one.
    pub top: u64,
    pub current: u64,
    /// The window that is told.
    pub owner: u64,
    /// Where the mouse is on the screen.
    pub at: (i32, i32),
    /// The button was let go on a menu bar.
    pub released: bool,
    /// The message is no more in the queue; a popup is not opened, as it would close at once.
    pub taken: bool,
    pub suspended: bool,
}

/// What an item that is carried out leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    /// Nothing: it is gray, or there is none.
    Nothing,
    /// Its menu was opened.
    Opened,
    /// It was: its number.
    Done(u64),
}

impl Tracker<'_, '_> {
    pub fn menu(&self, handle: u64) -> Option<Menu> {
        self.cx.k.user.menus.copy(handle)
    }

    /// Carries the chosen item out.
    pub fn carry_out(&mut self, handle: u64) -> Carried {
        let cx = self.cx;
        let Some(menu) = self.menu(handle) else { return Carried::Nothing };
        let (Some(place), Some(item)) = (menu.focused, menu.chosen()) else { return Carried::Nothing };
        if item.is(mf::POPUP) {
            self.current = open_chosen(cx, self.owner, handle, true, self.flags);
            return Carried::Opened;
        }
        if item.has(mf::GRAYED | mf::DISABLED) || item.is(mf::SEPARATOR) {
            return Carried::Nothing;
        }
        if self.flags & tpm::RETURN_COMMAND == 0 {
            let post = |message, wparam, lparam| {
                // An owner that is gone is told nothing.
                let _ = super::super::get::post_message(cx, self.owner, message, wparam, lparam);
            };
            let style = menu.style | self.menu(self.top).map_or(0, |top| top.style);
            if menu.flags & mf::SYSTEM != 0 {
                post(message::SYS_COMMAND, item.id, u64::from(self.at.0 as u16) | u64::from(self.at.1 as u16) << 16);
            } else if style & NOTIFY_BY_PLACE != 0 {
                post(message::MENU_COMMAND, place as u64, handle);
            } else {
                post(message::COMMAND, item.id, 0);
            }
        }
        Carried::Done(item.id)
    }

    /// Goes to another menu's item: what was opened elsewhere closes.
    fn switch(&mut self, handle: u64, place: usize) {
        let cx = self.cx;
        let bar = |menu: Option<Menu>| menu.is_some_and(|menu| !menu.is_popup());
        if self.top != handle && bar(self.menu(handle)) && bar(self.menu(self.top)) {
            close_below(cx, self.owner, self.top, false, self.flags);
            select(cx, self.owner, self.top, None, false, 0);
            self.top = handle;
        } else {
            close_below(cx, self.owner, handle, false, self.flags);
        }
        select(cx, self.owner, handle, Some(place), true, 0);
    }

    /// A button goes down on a menu, or beside all; answers whether it goes on.
    fn button_down(&mut self, number: u32, handle: Option<u64>) -> bool {
        let Some((handle, menu)) = handle.and_then(|handle| Some((handle, self.menu(handle)?))) else { return false };
        let (what, place) = if menu.is_system() {
            if number == message::LEFT_DOUBLE {
                return false;
            }
            (Hit::Item, Some(0))
        } else {
            hit(self.cx, &menu, self.at.0, self.at.1)
        };
        if let Some(place) = place {
            if menu.focused != Some(place) {
                self.switch(handle, place);
            }
            let opened =
                self.menu(handle).and_then(|menu| menu.items.get(place).map(|item| item.has(mf::MOUSE_SELECT)));
            if opened == Some(false) {
                self.current = open_chosen(self.cx, self.owner, handle, false, self.flags);
            }
        }
        what == Hit::Item || menu.is_popup() && what != Hit::Nowhere
    }

    /// A button goes up on a menu; answers the number of the item that was carried out, 0 for the end without one.
    fn button_up(&mut self, handle: u64) -> Option<u64> {
        let menu = self.menu(handle)?;
        let place = if menu.is_system() {
            Some(0)
        } else {
            match hit(self.cx, &menu, self.at.0, self.at.1) {
                (Hit::Item, place) => place,
                _ => None,
            }
        };
        if let Some(item) = place.filter(|place| menu.focused == Some(*place)).and_then(|place| menu.items.get(place)) {
            if !item.is(mf::POPUP) {
                return match self.carry_out(handle) {
                    Carried::Done(id) => Some(id),
                    _ => None,
                };
            }
            // A second click on what is open already closes it.
            if (self.top == handle || menu.is_system()) && self.released {
                return Some(0);
            }
        }
        if menu.is_system() || super::of_window(self.cx, menu.window.into()) == handle {
            if place.is_none() {
                return Some(0);
            }
            self.released = true;
        }
        None
    }

    fn mouse_move(&mut self, handle: u64) {
        let Some(menu) = self.menu(handle) else { return };
        let place = if menu.is_system() {
            Some(0)
        } else {
            match hit(self.cx, &menu, self.at.0, self.at.1) {
                (Hit::Item, place) => place,
                _ => None,
            }
        };
        match place {
            None => select(self.cx, self.owner, self.current, None, true, self.top),
            Some(place) if menu.focused != Some(place) => {
                self.switch(handle, place);
                self.current = open_chosen(self.cx, self.owner, handle, false, self.flags);
            }
            Some(_) => {}
        }
    }

    /// The menu at the mouse's place: of those that are open the last one first.
    fn menu_here(&self) -> Option<u64> {
        let (mut open, mut at) = (Vec::new(), self.top);
        while let Some(menu) = self.menu(at).filter(|_| open.len() <= super::DEEPEST) {
            open.push((at, menu.clone()));
            match menu.chosen().filter(|item| item.is(mf::POPUP) && item.has(mf::MOUSE_SELECT)) {
                Some(item) => at = item.popup,
                None => break,
            }
        }
        open.into_iter().rev().find_map(|(handle, menu)| {
            let look = Look::of(self.cx, menu.window.into()).ok()?;
            match look.hit(self.cx, self.at.0, self.at.1) {
                ht::NOWHERE | ht::ERROR => None,
                _ if menu.is_popup() => Some(handle),
                ht::SYSTEM_MENU => Some(system::holder(self.cx, menu.window.into())),
                ht::MENU => Some(super::of_window(self.cx, menu.window.into())),
                _ => None,
            }
        })
    }

    /// One message about the mouse: whether it is taken from the queue, the item that was carried out, whether the menu ends.
    fn mouse(&mut self, told: &Message) -> (bool, Option<u64>, bool) {
        self.at = (i32::from(told.lparam as i16), i32::from((told.lparam >> 16) as i16));
        let handle = self.menu_here();
        let right = self.flags & tpm::RIGHT_BUTTON != 0;
        match told.number {
            message::RIGHT_DOWN | message::RIGHT_DOUBLE if !right => (false, None, false),
            message::RIGHT_UP if !right => (false, None, false),
            message::RIGHT_DOWN | message::RIGHT_DOUBLE | message::LEFT_DOWN | message::LEFT_DOUBLE => {
                // What does not belong to the menu stays in the queue for whom it belongs to.
                let on = self.button_down(told.number, handle);
                (on, None, !on)
            }
            message::LEFT_UP | message::RIGHT_UP => match handle {
                Some(handle) => {
                    let carried = self.button_up(handle);
                    (carried.is_some(), carried, carried.is_some())
                }
                None => (false, None, self.flags & tpm::POPUP == 0),
            },
            message::MOUSE_MOVE => {
                if let Some(handle) = handle {
                    self.mouse_move(handle);
                }
                (false, None, false)
            }
            _ => (false, None, false),
        }
    }

    /// Waits for the next message, which stays in the queue; the owner is told once that nothing happens.
    fn next(&self, idle_told: &mut bool) -> User<Option<Message>> {
        let cx = self.cx;
        loop {
            match reach::peek(cx, (0, 0), false)? {
                Some(told) => {
                    if !reach::is_filtered(cx, &told, MENU_FILTER)? {
                        return Ok(Some(told));
                    }
                    reach::peek(cx, (told.number, told.number), true)?;
                }
                None => {
                    if !core::mem::replace(idle_told, true) {
                        let window = self.menu(self.current).filter(Menu::is_popup).map_or(0, |menu| menu.window);
                        tell(cx, self.owner, message::ENTER_IDLE, MENU_FILTER.into(), window.into());
                    }
                    if reach::wait(cx)? == Next::Ends {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Goes on until the menu ends; the item that was carried out.
    fn run(&mut self) -> User<Option<u64>> {
        let cx = self.cx;
        let menus = &cx.k.user.menus;
        let (mut idle_told, mut carried) = (false, None);
        while !menus.tracking.lock().ends {
            if self.menu(self.current).is_none() {
                break;
            }
            let Some(told) = self.next(&mut idle_told)? else { break };
            if told.number == message::CANCEL_MODE {
                menus.tracking.lock().ends = true;
                reach::peek(cx, (told.number, told.number), true)?;
                break;
            }
            self.at = told.place;
            let own = self.menu(self.current).is_some_and(|menu| menu.window == told.window);
            if own || told.number != message::TIMER {
                idle_told = false;
            }
            let (mut remove, ends);
            if message::MOUSE.contains(&told.number) {
                let item;
                (remove, item, ends) = self.mouse(&told);
                carried = item.or(carried);
            } else if message::KEYS.contains(&told.number) {
                remove = true;
                let item;
                (item, ends) = keys::press(self, &told)?;
                carried = item.or(carried);
            } else {
                reach::peek(cx, (told.number, told.number), true)?;
                reach::dispatch(cx, &told)?;
                continue;
            }
            let ends = {
                let mut tracking = menus.tracking.lock();
                tracking.ends |= ends;
                tracking.ends
            };
            remove |= !ends;
            if remove && !self.taken {
                reach::peek(cx, (told.number, told.number), true)?;
            }
            self.taken = false;
        }
        Ok(carried)
    }
}

/// Tracks a menu that is shown; the number of the item that was carried out, or TRUE.
fn track(cx: &Cx<'_>, handle: u64, flags: u32, at: (i32, i32), window: u64) -> User {
    let menus = &cx.k.user.menus;
    let menu = menus.copy(handle).ok_or(Failed::with(error::INVALID_MENU_HANDLE))?;
    let mut tracker = Tracker {
        cx,
        flags,
        top: handle,
        current: handle,
        owner: window,
        at,
        released: false,
        taken: false,
        suspended: false,
    };
    if flags & tpm::BUTTON_DOWN != 0 {
        let on = tracker.button_down(message::LEFT_DOWN, Some(handle));
        menus.tracking.lock().ends = !on;
    }
    if flags & tpm::ENDS != 0 {
        menus.tracking.lock().ends = true;
    }
    // The owner of a popup may be one that is not seen.
    let captor = if flags & tpm::POPUP != 0 { menu.window.into() } else { window };
    reach::capture_for_menu(cx, captor);
    if flags & tpm::POPUP != 0 && menu.items.is_empty() {
        return Ok(0);
    }
    let ran = tracker.run();
    reach::capture_for_menu(cx, 0);
    let (top, owner) = (tracker.top, tracker.owner);
    if let Some(menu) = menus.copy(top)
        && cx.window(owner).is_ok()
    {
        close_below(cx, owner, top, false, flags);
        if menu.is_popup() {
            popup::close(cx, top);
            if flags & tpm::NO_NOTIFY == 0 {
                tell(cx, owner, UNINIT_MENU_POPUP, top, u64::from(menu.is_system()) << 16);
            }
        }
        select(cx, owner, top, None, false, 0);
        // Of a popup whose window is gone nothing is drawn, and nothing chosen stays.
        menus.with(top, |menu| {
            if let Some(item) = menu.focused.take().and_then(|place| menu.items.get_mut(place)) {
                item.state &= !(mf::HILITE | mf::MOUSE_SELECT);
            }
        });
        tell(cx, owner, MENU_SELECT, 0xffff << 16, 0);
    }
    let carried = ran?;
    Ok(if flags & tpm::RETURN_COMMAND == 0 { 1 } else { carried.unwrap_or(0) })
}

fn begin(cx: &Cx<'_>, window: u64, handle: u64, is_popup: bool, flags: u32) -> User<()> {
    reach::hide_caret(cx);
    let menus = &cx.k.user.menus;
    let found = cx.window(window)?;
    let shown = menus.with(handle, |menu| {
        if !is_popup {
            menu.window = found.handle;
        }
        menu.window
    });
    let Some(shown) = shown else { return Ok(()) };
    popup::note_first(cx, shown, handle);
    menus.tracking.lock().ends = false;
    if flags & tpm::NO_NOTIFY == 0 {
        tell(cx, window, message::ENTER_MENU_LOOP, is_popup.into(), 0);
    }
    tell(cx, window, message::SET_CURSOR, found.handle.into(), ht::CAPTION as u64);
    if flags & tpm::NO_NOTIFY == 0 {
        tell(cx, window, message::INIT_MENU, handle, 0);
    }
    Ok(())
}

fn end(cx: &Cx<'_>, window: u64, is_popup: bool) {
    tell(cx, window, message::EXIT_MENU_LOOP, is_popup.into(), 0);
    reach::show_caret(cx);
    let mut tracking = cx.k.user.menus.tracking.lock();
    (tracking.window, tracking.menu) = (0, 0);
}

fn mirrored(cx: &Cx<'_>, window: u64) -> u32 {
    let extended = Look::of(cx, window).map_or(0, |look| look.extended);
    if extended & EX_LAYOUT_RTL != 0 { tpm::RIGHT_TO_LEFT } else { 0 }
}

/// A click on a menu bar, or on the icon of a caption.
pub(in super::super) fn by_mouse(cx: &Cx<'_>, window: u64, hit: i32, at: (i32, i32)) -> User<()> {
    let menu = || if hit == ht::SYSTEM_MENU { system::holder(cx, window) } else { super::of_window(cx, window) };
    if hit == ht::SYSTEM_MENU {
        system::get(cx, window, 0)?;
    }
    let (handle, flags) = (menu(), tpm::BUTTON_DOWN | mirrored(cx, window));
    if cx.k.user.menus.copy(handle).is_none() {
        return Ok(());
    }
    begin(cx, window, handle, false, flags)?;
    // It may be another one by now.
    let tracked = track(cx, menu(), flags, at, window);
    end(cx, window, false);
    tracked.map(drop)
}

/// Alt, F10, or Alt with a letter.
pub(in super::super) fn by_key(cx: &Cx<'_>, window: u64, code: u32, letter: u16) -> User<()> {
    const SPACE: u16 = 0x20;
    let mut window = window;
    while super::is_disallowed(cx, window)? {
        window = super::super::tree::get_ancestor(cx, window, 1)?;
        if window == 0 {
            return Ok(());
        }
    }
    let look = Look::of(cx, window)?;
    let own = super::of_window(cx, window);
    let of_system = own == 0 || look.has(style::MINIMIZE) || letter == SPACE;
    if of_system {
        if !look.has(style::SYSTEM_MENU) {
            return Ok(());
        }
        system::get(cx, window, 0)?;
    }
    // HTSYSMENU among the bits: no item is looked for.
    let by_system = of_system || code & ht::SYSTEM_MENU as u32 == ht::SYSTEM_MENU as u32;
    let menu = || if by_system { system::holder(cx, window) } else { super::of_window(cx, window) };
    let mut flags = mirrored(cx, window);
    if cx.k.user.menus.copy(menu()).is_none() {
        return Ok(());
    }
    begin(cx, window, menu(), false, flags)?;
    let handle = menu();
    let mut item = of_system.then_some(0);
    let mut found = true;
    if letter != 0 && letter != SPACE {
        match keys::find(cx, window, handle, letter, by_system) {
            keys::Found::Item(place) => item = Some(place),
            other => {
                if other == keys::Found::Nothing {
                    reach::beep(cx);
                }
                flags |= tpm::ENDS;
                found = false;
            }
        }
    }
    if found {
        select(cx, window, handle, item, true, 0);
        if !by_system || letter == SPACE {
            match item {
                None => step(cx, window, handle, true),
                // VK_RETURN: what is chosen opens.
                Some(_) => drop(super::super::get::post_message(cx, window, message::KEY_DOWN, 0xd, 0)?),
            }
        }
    }
    let tracked = track(cx, handle, flags, (0, 0), window);
    end(cx, window, false);
    tracked.map(drop)
}

/// NtUserTrackPopupMenuEx: TRUE, or the number of the item that was chosen.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn track_popup(cx: &Cx<'_>, handle: u64, flags: u32, x: u32, y: u32, window: u64, parameters: u64) -> User {
    // TPMPARAMS: a rectangle of the screen that the menu is not to cover.
    let spared = match parameters {
        0 => Rect::default(),
        at => UserPtr::<Rect>::new(at.wrapping_add(4)).read(cx.k)?,
    };
    let menus = &cx.k.user.menus;
    let flags = flags & 0xffff;
    let menu = menus.copy(handle).ok_or(Failed::with(error::INVALID_MENU_HANDLE))?;
    if cx.window(menu.window.into()).is_ok() {
        return Err(Failed::with(error::POPUP_ALREADY_ACTIVE));
    }
    let look = Look::of(cx, window)?;
    popup::open(cx, window, handle, flags)?;
    begin(cx, window, handle, true, flags)?;
    if flags & tpm::NO_NOTIFY == 0 {
        tell(cx, window, popup::INIT_MENU_POPUP, handle, 0);
    }
    if menu.flags & mf::SYSTEM != 0 {
        system::prepare(cx, handle, look.style, super::super::class::style_of(cx, &look.window))?;
    }
    let shown = popup::show(cx, handle, flags, (x as i32, y as i32), (0, 0), &spared);
    let tracked = match shown {
        Ok(()) => track(cx, handle, flags | tpm::POPUP, (0, 0), window),
        Err(failed) => Err(failed),
    };
    end(cx, window, true);
    if menus.with(handle, |menu| menu.window != 0).unwrap_or(false) {
        popup::close(cx, handle);
        if flags & tpm::NO_NOTIFY == 0 {
            let system = menus.with(handle, |menu| menu.is_system()).unwrap_or(false);
            tell(cx, window, UNINIT_MENU_POPUP, handle, u64::from(system) << 16);
        }
    }
    // 0 without an error: nothing was chosen.
    tracked.and_then(|chosen| Err(Failed { error: Some(0), answer: chosen }))
}

/// NtUserEndMenu.
///
/// # Errors
/// None: the answer is whether a menu ends.
pub fn end_menu(cx: &Cx<'_>) -> User {
    let (window, ends) = {
        let mut tracking = cx.k.user.menus.tracking.lock();
        let ends = !tracking.ends && tracking.window != 0;
        tracking.ends |= ends;
        (if ends { tracking.window } else { 0 }, tracking.ends)
    };
    if window != 0 {
        // Wakes who tracks it.
        let _ = super::super::get::post_message(cx, window.into(), message::CANCEL_MODE, 0, 0);
    }
    Ok(ends.into())
}

/// A window goes: if it is the menu that is tracked, that ends.
pub(in super::super) fn window_goes(cx: &Cx<'_>, window: u32) {
    if cx.k.user.menus.tracking.lock().window == window {
        let _ = end_menu(cx);
    }
}

/// A window's modes end: so does its menu.
pub(in super::super) fn cancel(cx: &Cx<'_>, window: u64) {
    let menu = cx.k.user.menus.tracking.lock().menu;
    let Ok(found) = cx.window(window) else { return };
    let of_it = cx.k.user.menus.with(menu, |menu| [menu.window, menu.owner].contains(&found.handle));
    if of_it.unwrap_or(false) {
        let _ = end_menu(cx);
    }
}

/// NtUserHiliteMenuItem.
///
/// # Errors
/// None; the answer is FALSE.
pub fn hilite(cx: &Cx<'_>, window: u64, handle: u64, id: u32, flags: u32) -> User {
    let Some((menu, place)) = cx.k.user.menus.all().find(handle, id, flags) else { return Ok(0) };
    if cx.k.user.menus.with(menu, |menu| menu.focused) != Some(Some(place)) {
        close_below(cx, window, menu, false, 0);
        select(cx, window, menu, Some(place), true, 0);
    }
    Ok(1)
}
