//! WM_SYSCOMMAND, and the clicks and keys that lead there: what DefWindowProc does with the mouse outside of a client area.

use super::super::User;
use super::caption::{self, Button};
use super::draw::Canvas;
use super::menu::system::command;
use super::menu::{item, mf, system, track};
use super::nonclient::style::*;
use super::nonclient::{Look, ht};
use super::scrollbar::{HORIZONTAL, VERTICAL};
use super::{class, moving, reach, scrollproc, tree};
use crate::call::Cx;
use crate::shm::user::message::Message;
use crate::shm::user::window::{CHILD, POPUP};

/// WM_*.
mod message {
    pub const CLOSE: u32 = 0x10;
    pub const CONTEXT_MENU: u32 = 0x7b;
    pub const SYS_COMMAND: u32 = 0x112;
    pub const MOUSE: (u32, u32) = (0x200, 0x20e);
    pub const MOUSE_MOVE: u32 = 0x200;
    pub const LEFT_UP: u32 = 0x202;
    pub const RIGHT_UP: u32 = 0x205;
}

/// MSGF_MAX: what Wine calls its filters with meanwhile; CS_NOCLOSE.
const FILTER: u32 = 8;
const NO_CLOSE: u32 = 0x200;

/// A point as a message carries it.
pub(super) fn point(lparam: u64) -> (i32, i32) {
    (i32::from(lparam as i16), i32::from((lparam >> 16) as i16))
}

fn pair((x, y): (i32, i32)) -> u64 {
    u64::from(x as u16) | u64::from(y as u16) << 16
}

fn say(cx: &Cx<'_>, window: u64, what: u32, lparam: u64) -> User {
    reach::send(cx, &cx.window(window)?, message::SYS_COMMAND, what.into(), lparam)
}

/// Carries a command of the system menu out; 1 for those that user32 knows.
pub(super) fn run(cx: &Cx<'_>, window: u64, wparam: u64, lparam: u64) -> User {
    /// WS_DISABLED; SW_*.
    const DISABLED: u32 = 0x0800_0000;
    const SHOW_MAXIMIZED: u32 = 3;
    const SHOW_MINIMIZED: u32 = 6;
    const RESTORE: u32 = 9;
    let look = Look::of(cx, window)?;
    if look.has(DISABLED) || reach::is_command_refused(cx, wparam, lparam)? {
        return Ok(0);
    }
    let iconic = look.has(MINIMIZE);
    match wparam as u32 & 0xfff0 {
        command::SIZE | command::MOVE => moving::run(cx, window, wparam)?,
        command::MINIMIZE => {
            reach::show_owned(cx, window, false)?;
            reach::show_window(cx, window, SHOW_MINIMIZED)?;
        }
        command::MAXIMIZE => {
            if iconic {
                reach::show_owned(cx, window, true)?;
            }
            reach::show_window(cx, window, SHOW_MAXIMIZED)?;
        }
        command::RESTORE => {
            if iconic {
                reach::show_owned(cx, window, true)?;
            }
            reach::show_window(cx, window, RESTORE)?;
        }
        command::CLOSE => return reach::send(cx, &look.window, message::CLOSE, 0, 0),
        command::VERTICAL_SCROLL if wparam & 0xf == ht::VERTICAL_SCROLL as u64 => {
            scrollproc::track(cx, &look.window, VERTICAL, point(lparam))?;
        }
        command::HORIZONTAL_SCROLL if wparam & 0xf == ht::HORIZONTAL_SCROLL as u64 => {
            scrollproc::track(cx, &look.window, HORIZONTAL, point(lparam))?;
        }
        command::MOUSE_MENU => track::by_mouse(cx, window, (wparam & 0xf) as i32, point(lparam))?,
        command::KEY_MENU => track::by_key(cx, window, wparam as u32, lparam as u16)?,
        command::TASK_LIST | command::SCREEN_SAVE => return Ok(1),
        // There is nothing to arrange, and nobody to go to.
        command::VERTICAL_SCROLL
        | command::HORIZONTAL_SCROLL
        | command::HOT_KEY
        | command::ARRANGE
        | command::NEXT_WINDOW
        | command::PREVIOUS_WINDOW => {}
        _ => return Ok(1),
    }
    Ok(0)
}

/// WM_NCLBUTTONDOWN.
pub(super) fn left_down(cx: &Cx<'_>, window: u64, hit: u64, lparam: u64) -> User<()> {
    let look = Look::of(cx, window)?;
    match hit as i32 {
        ht::CAPTION => {
            // The window to which all of it belongs comes to the front.
            let mut top = window;
            while Look::of(cx, top)?.style & (POPUP | CHILD) == CHILD {
                let parent = tree::get_ancestor(cx, top, 1)?;
                if parent == 0 || parent == u64::from(cx.top_window(false)?.1) {
                    break;
                }
                top = parent;
            }
            if reach::bring_to_front(cx, top)? {
                say(cx, window, command::MOVE + ht::CAPTION as u32, lparam)?;
            }
        }
        ht::SYSTEM_MENU if look.has(SYSTEM_MENU) => {
            say(cx, window, command::MOUSE_MENU + ht::SYSTEM_MENU as u32, lparam)?;
        }
        ht::MENU => {
            say(cx, window, command::MOUSE_MENU, lparam)?;
        }
        ht::HORIZONTAL_SCROLL => {
            say(cx, window, command::HORIZONTAL_SCROLL + ht::HORIZONTAL_SCROLL as u32, lparam)?;
        }
        ht::VERTICAL_SCROLL => {
            say(cx, window, command::VERTICAL_SCROLL + ht::VERTICAL_SCROLL as u32, lparam)?;
        }
        ht::MIN_BUTTON => press(cx, &look, Button::Minimize, lparam)?,
        ht::MAX_BUTTON => press(cx, &look, Button::Maximize, lparam)?,
        ht::CLOSE => press(cx, &look, Button::Close, lparam)?,
        // WMSZ_* count from 1.
        side @ ht::LEFT..=ht::BOTTOM_RIGHT => {
            say(cx, window, command::SIZE + (side - ht::LEFT + 1) as u32, lparam)?;
        }
        _ => {}
    }
    Ok(())
}

/// Follows the mouse from a click on a caption's button; what it stands for happens if the mouse is let go on it.
fn press(cx: &Cx<'_>, look: &Look, button: Button, lparam: u64) -> User<()> {
    let window = look.window.handle.into();
    let (hit, id, style) = match button {
        Button::Minimize => (ht::MIN_BUTTON, command::MINIMIZE, MINIMIZE_BOX),
        Button::Maximize => (ht::MAX_BUTTON, command::MAXIMIZE, MAXIMIZE_BOX),
        Button::Close => (ht::CLOSE, command::CLOSE, 0),
    };
    if style != 0 && !look.has(style) {
        return Ok(());
    }
    let menu = system::get(cx, window, 0)?;
    let state = item::state(cx, menu, id, 0);
    let closes = button == Button::Close;
    if closes && (menu == 0 || state & (mf::DISABLED | mf::GRAYED) != 0) {
        return Ok(());
    }
    let dc = reach::window_dc(cx, window, true);
    let draw = |down: bool| {
        if let (Some(dc), Ok(look)) = (dc, Look::of(cx, window)) {
            caption::draw_button(&Canvas { cx, dc }, &look, button, down, false);
        }
    };
    reach::capture(cx, window);
    draw(true);
    let (mut pressed, mut last) = (true, Message::default());
    while let Some(told) = reach::get(cx, message::MOUSE)? {
        last = told;
        if reach::is_filtered(cx, &told, FILTER)? {
            continue;
        }
        if told.number == message::LEFT_UP {
            break;
        }
        if told.number != message::MOUSE_MOVE {
            continue;
        }
        let now = Look::of(cx, window)?.hit(cx, told.place.0, told.place.1) == hit;
        if now != pressed {
            pressed = now;
            draw(pressed);
        }
    }
    if pressed {
        draw(false);
    }
    reach::release_capture(cx, false);
    if let Some(dc) = dc {
        reach::release_dc(cx, dc);
    }
    if !pressed || state == u32::MAX {
        return Ok(());
    }
    let look = Look::of(cx, window)?;
    let (what, lparam) = match button {
        Button::Close => (command::CLOSE, lparam),
        Button::Minimize if look.has(MINIMIZE) => (command::RESTORE, pair(last.place)),
        Button::Maximize if look.has(MAXIMIZE) => (command::RESTORE, pair(last.place)),
        _ => (id, pair(last.place)),
    };
    say(cx, window, what, lparam)?;
    Ok(())
}

/// WM_NCRBUTTONDOWN: the caption's menu, once the button is let go.
pub(super) fn right_down(cx: &Cx<'_>, window: u64, hit: u64) -> User<()> {
    let on_caption = |hit: i32| [ht::CAPTION, ht::SYSTEM_MENU].contains(&hit);
    if !on_caption(hit as i32) {
        return Ok(());
    }
    reach::capture(cx, window);
    let (mut hit, mut place) = (hit as i32, (0, 0));
    while let Some(told) = reach::get(cx, message::MOUSE)? {
        place = told.place;
        if reach::is_filtered(cx, &told, FILTER)? {
            continue;
        }
        if told.number == message::RIGHT_UP {
            hit = Look::of(cx, window)?.hit(cx, place.0, place.1);
            break;
        }
    }
    reach::release_capture(cx, false);
    if on_caption(hit) {
        reach::send(cx, &cx.window(window)?, message::CONTEXT_MENU, window, pair(place))?;
    }
    Ok(())
}

/// WM_NCLBUTTONDBLCLK, and WM_LBUTTONDBLCLK of an icon.
pub(super) fn double_click(cx: &Cx<'_>, window: u64, hit: u64, lparam: u64) -> User<()> {
    let look = Look::of(cx, window)?;
    if look.has(MINIMIZE) {
        say(cx, window, command::RESTORE, lparam)?;
        return Ok(());
    }
    match hit as i32 {
        ht::CAPTION if look.has(MAXIMIZE_BOX) => {
            say(cx, window, if look.has(MAXIMIZE) { command::RESTORE } else { command::MAXIMIZE }, lparam)?;
        }
        ht::SYSTEM_MENU => {
            let menu = system::get(cx, window, 0)?;
            if item::state(cx, menu, command::CLOSE, 0) & (mf::DISABLED | mf::GRAYED) == 0 {
                say(cx, window, command::CLOSE, lparam)?;
            }
        }
        ht::HORIZONTAL_SCROLL => {
            say(cx, window, command::HORIZONTAL_SCROLL + ht::HORIZONTAL_SCROLL as u32, lparam)?;
        }
        ht::VERTICAL_SCROLL => {
            say(cx, window, command::VERTICAL_SCROLL + ht::VERTICAL_SCROLL as u32, lparam)?;
        }
        _ => {}
    }
    Ok(())
}

/// WM_CONTEXTMENU: up to the parent, or the caption's menu.
pub(super) fn context_menu(cx: &Cx<'_>, window: u64, lparam: u64) -> User<()> {
    let look = Look::of(cx, window)?;
    if look.has(CHILD) {
        let parent = cx.window(tree::parent(cx, window)?)?;
        reach::send(cx, &parent, message::CONTEXT_MENU, window, lparam)?;
        return Ok(());
    }
    let at = point(lparam);
    if [ht::CAPTION, ht::SYSTEM_MENU].contains(&look.hit(cx, at.0, at.1)) {
        popup_system_menu(cx, window, at)?;
    }
    Ok(())
}

/// Shows a window's system menu at a point of the screen.
pub(super) fn popup_system_menu(cx: &Cx<'_>, window: u64, at: (i32, i32)) -> User<()> {
    /// TPM_LEFTBUTTON is 0; TPM_RIGHTBUTTON.
    const RIGHT_BUTTON: u32 = 2;
    let menu = system::get(cx, window, 0)?;
    track::track_popup(cx, menu, RIGHT_BUTTON, at.0 as u32, at.1 as u32, window, 0).map(drop)
}

/// Alt and F10 as a thread presses them: what was pressed last and nothing since.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keys {
    /// F10 is down.
    pub f10: bool,
    /// So is Alt.
    pub alt: bool,
}

const VK_SHIFT: u32 = 0x10;
const VK_F4: u64 = 0x73;
const VK_F10: u64 = 0x79;
const VK_ESCAPE: u64 = 0x1b;
/// In the upper half of a key message's second parameter: Alt is down.
const ALT: u64 = 0x2000_0000;

/// Whether a key is Alt, of either side.
fn is_alt(key: u64) -> bool {
    matches!(key, 0x12 | 0xa4 | 0xa5)
}

/// WM_SYSKEYDOWN.
pub(super) fn key_down(cx: &Cx<'_>, window: u64, key: u64, lparam: u64) -> User<()> {
    let keys = &cx.k.user.keys;
    if lparam & ALT != 0 {
        {
            let mut keys = keys.lock();
            *keys = Keys { f10: false, alt: is_alt(key) && !keys.alt };
        }
        if key == VK_F4 {
            let top = tree::get_ancestor(cx, window, 2)?;
            if class::style_of(cx, &cx.window(top)?) & NO_CLOSE == 0 {
                super::get::post_message(cx, top, message::SYS_COMMAND, command::CLOSE.into(), 0)?;
            }
        }
    } else if key == VK_F10 {
        if reach::is_key_down(cx, VK_SHIFT) {
            // By keys alone: no place.
            reach::send(cx, &cx.window(window)?, message::CONTEXT_MENU, window, u64::MAX)?;
        }
        keys.lock().f10 = true;
    } else if key == VK_ESCAPE && reach::is_key_down(cx, VK_SHIFT) {
        say(cx, window, command::KEY_MENU, b' '.into())?;
    }
    Ok(())
}

/// WM_KEYUP and WM_SYSKEYUP: F10 or Alt alone goes to the menu bar.
pub(super) fn key_up(cx: &Cx<'_>, window: u64, key: u64) -> User<()> {
    let before = core::mem::take(&mut *cx.k.user.keys.lock());
    if is_alt(key) && before.alt || key == VK_F10 && before.f10 {
        say(cx, tree::get_ancestor(cx, window, 2)?, command::KEY_MENU, 0)?;
    }
    Ok(())
}

/// WM_SYSCHAR: Alt with a letter goes to the menu that it means.
pub(super) fn letter(cx: &Cx<'_>, window: u64, letter: u16, lparam: u64) -> User<()> {
    const WM_SYSCHAR: u32 = 0x106;
    cx.k.user.keys.lock().alt = false;
    let look = Look::of(cx, window)?;
    if letter == 0xd && look.has(MINIMIZE) {
        super::get::post_message(cx, window, message::SYS_COMMAND, command::RESTORE.into(), 0)?;
        return Ok(());
    }
    if lparam & ALT == 0 || letter == 0 {
        if u64::from(letter) != VK_ESCAPE {
            reach::beep(cx);
        }
        return Ok(());
    }
    match letter {
        0x9 | 0x1b => {}
        0x20 if look.has(CHILD) => {
            let parent = cx.window(tree::parent(cx, window)?)?;
            reach::send(cx, &parent, WM_SYSCHAR, letter.into(), lparam)?;
        }
        _ => {
            say(cx, window, command::KEY_MENU, letter.into())?;
        }
    }
    Ok(())
}
