//! The keyboard on the task bar: somebody comes to windows or icons there, goes along them and presses one.

use super::mouse::{hear, on_button};
use super::places::{self, Places};
use crate::shm::Tx;
use crate::shm::user::hardware::number;
use crate::shm::user::tray::event;
use crate::status::Nt;
use crate::win32k::geometry::Rect;

/// WM_CONTEXTMENU.
const CONTEXT_MENU: u32 = 0x7b;
/// NOTIFYICON_VERSION: from here on programs are told what was meant, before which button of the mouse that would have been.
const VERSION_3: u32 = 3;

/// What somebody does there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::win32k) enum Act {
    /// Comes to the first window, or to the first icon.
    ToWindows,
    /// See above.
    ToIcons,
    /// Goes on.
    Next,
    /// Goes back.
    Previous,
    /// Goes to the first of all.
    First,
    /// Goes to the last of all.
    Last,
    /// Uses it.
    Press,
    /// Asks for its menu.
    Menu,
    /// Goes back to the programs.
    Leave,
}

/// What can have the keyboard: a button's window and an icon, one of them 0; where.
type Item = (u32, u32, Rect);

fn items(places: &Places) -> Vec<Item> {
    let buttons = places.buttons.iter().map(|button| (button.window, 0, button.rect));
    buttons.chain(places.icons.iter().map(|(icon, rect)| (0, icon.record, *rect))).collect()
}

/// Which item is next, of so many, from the one that has the keyboard.
fn step(act: Act, at: usize, count: usize) -> usize {
    match act {
        Act::Next => (at + 1) % count,
        Act::Previous => (at + count - 1) % count,
        Act::Last => count - 1,
        _ => 0,
    }
}

/// Does it; answers whether the task bar has the keyboard, or had it before.
///
/// # Errors
/// `STATUS_INSUFFICIENT_RESOURCES`.
pub(in crate::win32k) fn act(tx: &mut Tx<'_>, act: Act) -> Nt<bool> {
    let before = tx.keyed();
    let all = places::of(tx).map(|places| items(&places)).unwrap_or_default();
    let found = all.iter().position(|(window, icon, _)| (*window, *icon) == before);
    let (Some(first), true) = (all.first(), before != (0, 0) || matches!(act, Act::ToWindows | Act::ToIcons)) else {
        tx.give_keyboard(0, 0);
        return Ok(before != (0, 0));
    };
    let (window, icon, _) = match (act, found) {
        (Act::ToWindows, _) => *first,
        (Act::ToIcons, _) => *all.iter().find(|(_, icon, _)| *icon != 0).unwrap_or(first),
        (Act::Press | Act::Menu, Some(at)) => {
            if let Some(item) = all.get(at) {
                use_it(tx, item, act == Act::Menu)?;
            }
            (0, 0, Rect::default())
        }
        (Act::Press | Act::Menu | Act::Leave, _) => (0, 0, Rect::default()),
        // The one that had it is gone.
        (_, None) => *first,
        (_, Some(at)) => all.get(step(act, at, all.len())).copied().unwrap_or(*first),
    };
    tx.give_keyboard(window, icon);
    Ok(true)
}

fn use_it(tx: &mut Tx<'_>, (window, icon, rect): &Item, menu: bool) -> Nt<()> {
    let place = (rect.left.saturating_add(rect.width() / 2), rect.top.saturating_add(rect.height() / 2));
    if *icon == 0 {
        return on_button(tx, *window, if menu { number::RIGHT_UP } else { number::LEFT_DOWN }, place);
    }
    let told: &[u32] = match (tx.tray_version(*icon) >= VERSION_3, menu) {
        (true, false) => &[event::KEY_SELECT],
        (true, true) => &[CONTEXT_MENU],
        (false, false) => &[number::LEFT_DOWN, number::LEFT_UP],
        (false, true) => &[number::RIGHT_DOWN, number::RIGHT_UP],
    };
    hear(tx, *icon, told, place);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_goes_on_behind_the_last_is_at_the_first() {
        assert_eq!([step(Act::Next, 0, 3), step(Act::Next, 2, 3), step(Act::Next, 0, 1)], [1, 0, 0]);
        assert_eq!([step(Act::Previous, 0, 3), step(Act::Previous, 2, 3)], [2, 1]);
        assert_eq!([step(Act::First, 2, 3), step(Act::Last, 0, 3)], [0, 2]);
    }
}
