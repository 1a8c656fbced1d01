//! The mouse on the task bar and on what pops up beside it: programs are told of their icons, windows come forward or are minimized.

use super::places;
use crate::shm::Tx;
use crate::shm::user::hardware::number;
use crate::shm::user::input;
use crate::shm::user::message::{Message, Sending, how};
use crate::shm::user::tray::{block, event};
use crate::shm::user::window::{MINIMIZE as MINIMIZED, field};
use crate::status::Nt;

/// From WM_*BUTTONDOWN to WM_*BUTTONDBLCLK.
const TWICE: u32 = 2;
/// Milliseconds between two clicks that are a double one.
const DOUBLE_CLICK: u32 = 500;
/// WM_CONTEXTMENU, WM_SYSCOMMAND, SC_MINIMIZE, WM_POPUPSYSTEMMENU.
const CONTEXT_MENU: u32 = 0x7b;
const SYSTEM_COMMAND: u32 = 0x112;
const MINIMIZE: u64 = 0xf020;
const POPUP_SYSTEM_MENU: u32 = 0x313;
/// WS_MINIMIZEBOX.
const MINIMIZE_BOX: u32 = 0x2_0000;
/// NOTIFYICON_VERSION: from here on clicks are told as what they mean, too.
const VERSION_3: u32 = 3;

/// A message of the mouse's came in and the cursor is where that leads: does what it is to do if that is on the task bar.
///
/// # Errors
/// `STATUS_INSUFFICIENT_RESOURCES`.
pub(in crate::win32k) fn came_in(tx: &mut Tx<'_>, message: u32, now: u32) -> Nt<()> {
    if !(number::MOUSE_MOVE..=number::MOUSE_H_WHEEL).contains(&message) || tx.tray().is_none() {
        return Ok(());
    }
    if number::MOUSE_MOVE != message {
        // Who clicks has left the keyboard.
        tx.give_keyboard(0, 0);
    }
    let (x, y) = tx.cursor_place();
    let foreground = tx.foreground();
    let captured = foreground != 0 && tx.link(foreground + input::field::CAPTURE) != 0;
    let top = if captured { 0 } else { tx.top_window_at(x, y) };
    if !tx.is_of_tray(top) {
        tx.hover_icon(0);
        return Ok(());
    }
    if tx.tray().is_some_and(|tray| tx.link(tray + block::POPUP) == top) {
        return popup(tx, message);
    }
    let Some(places) = places::of(tx) else { return Ok(()) };
    let icon = places.icons.iter().find(|(_, rect)| rect.contains(x, y)).map_or(0, |(icon, _)| icon.record);
    tx.hover_icon(icon);
    if icon != 0 {
        on_icon(tx, icon, message, now);
    } else if let Some(button) = places.buttons.iter().find(|button| button.rect.contains(x, y)) {
        return on_button(tx, button.window, message, (x, y));
    }
    Ok(())
}

fn on_icon(tx: &mut Tx<'_>, icon: u32, message: u32, now: u32) {
    let told = match message {
        number::LEFT_DOWN | number::RIGHT_DOWN | number::MIDDLE_DOWN
            if tx.press_icon(icon, message, now, DOUBLE_CLICK) =>
        {
            message + TWICE
        }
        number::MOUSE_MOVE..=number::MIDDLE_UP => message,
        _ => return,
    };
    tx.tell_of_icon(icon, told);
    if tx.tray_version(icon) >= VERSION_3 {
        match told {
            number::LEFT_UP => tx.tell_of_icon(icon, event::SELECT),
            number::RIGHT_UP => tx.tell_of_icon(icon, CONTEXT_MENU),
            _ => {}
        }
    }
}

/// A click on a balloon is its program's matter; another button dismisses it.
fn popup(tx: &mut Tx<'_>, message: u32) -> Nt<()> {
    let shown = tx.shown_balloon();
    match message {
        _ if shown == 0 => {}
        number::LEFT_DOWN => tx.take_balloon(shown, event::BALLOON_CLICK),
        number::RIGHT_DOWN => tx.take_balloon(shown, event::BALLOON_TIMEOUT),
        _ => {}
    }
    Ok(())
}

/// Tells an icon's program of events at a place.
pub(super) fn hear(tx: &mut Tx<'_>, icon: u32, events: &[u32], place: (i32, i32)) {
    for event in events {
        tx.tell_of_icon_at(icon, *event, place);
    }
}

/// A button of the mouse on a window's button, or a key that stands for it.
pub(super) fn on_button(tx: &mut Tx<'_>, handle: u32, message: u32, (x, y): (i32, i32)) -> Nt<()> {
    let Some(window) = tx.window(handle) else { return Ok(()) };
    let (queue, style) = (tx.link(window + field::QUEUE), tx.get(window + field::STYLE));
    let in_front = tx.active_window() == window && style & (MINIMIZED | MINIMIZE_BOX) == MINIMIZE_BOX;
    match message {
        number::LEFT_DOWN if in_front => {
            let told = Message { window: handle, number: SYSTEM_COMMAND, wparam: MINIMIZE, ..Message::default() };
            tx.post_message(queue, &told).map(drop)
        }
        number::LEFT_DOWN => tx.bring_forward(window),
        number::RIGHT_UP if tx.unanswered(queue) == 0 => {
            let lparam = u64::from(x as u16) | u64::from(y as u16) << 16;
            let told = Message { window: handle, number: POPUP_SYSTEM_MENU, lparam, ..Message::default() };
            let sending = Sending { how: how::NOTIFY, ..Sending::default() };
            tx.send_message(0, queue, &told, &sending).map(drop)
        }
        _ => Ok(()),
    }
}
