//! Hands on what a person types and points at.

use super::bar::Bar;
use super::keys::Keys;
use super::switch::Switch;
use crate::kernel::Kernel;
use crate::shm::Shm;
use crate::shm::user::desk;
use crate::win32k::user::input::{self, Event, key_flag, mouse_flag};
use crate::win32k::user::input_language::{self, Initial};
use crate::win32k::user::layout::{Character, Layout};
use shim_abi::display::{Button, Input, Key};
use std::collections::BTreeSet;

/// What is held down.
#[derive(Debug, Default)]
pub(super) struct Pressed {
    /// Scan codes, and whether each has a prefix.
    keys: BTreeSet<(u16, bool)>,
    /// Buttons, in the order of [`BUTTONS`].
    buttons: [bool; 5],
    switch: Switch,
    bar_keys: Keys,
    bar: Bar,
}

/// For each button what its going down and up are, and its number among the further ones.
const BUTTONS: [(u32, u32, i32); 5] = [
    (mouse_flag::LEFT_DOWN, mouse_flag::LEFT_UP, 0),
    (mouse_flag::RIGHT_DOWN, mouse_flag::RIGHT_UP, 0),
    (mouse_flag::MIDDLE_DOWN, mouse_flag::MIDDLE_UP, 0),
    (mouse_flag::X_DOWN, mouse_flag::X_UP, 1),
    (mouse_flag::X_DOWN, mouse_flag::X_UP, 2),
];
/// Toggles: the bit of each, and its key (VK_SCROLL, VK_NUMLOCK, VK_CAPITAL).
const TOGGLES: [(u8, u8); 3] = [(1, 0x91), (2, 0x90), (4, 0x14)];
/// Keys that may be held down at once: a client that says more makes them up.
pub(super) const MOST_KEYS: usize = 64;

fn of_key(scan: u16, extended: bool, up: bool) -> Event {
    let bit = |yes: bool, bit: u32| if yes { bit } else { 0 };
    let flags = key_flag::SCAN_CODE | bit(extended, key_flag::EXTENDED) | bit(up, key_flag::UP);
    Event::Key { key: 0, scan, flags, time: 0, extra: 0 }
}

fn of_button(button: usize, up: bool) -> Option<Event> {
    let (down, released, data) = *BUTTONS.get(button)?;
    Some(Event::Mouse { x: 0, y: 0, data, flags: if up { released } else { down }, time: 0, extra: 0 })
}

fn number(button: Button) -> usize {
    match button {
        Button::Left => 0,
        Button::Right => 1,
        Button::Middle => 2,
        Button::X1 => 3,
        Button::X2 => 4,
    }
}

/// Sets the keys that toggle as the client's keyboard has them.
fn toggle(shm: &Shm, shown: u8) -> crate::status::Nt<()> {
    let mut tx = shm.begin();
    let keys = tx.make_desk()? + desk::field::KEYS;
    for (bit, key) in TOGGLES {
        let before = tx.key(keys, key) & !1;
        tx.set_key(keys, key, before | u8::from(shown & bit != 0));
    }
    tx.commit()
}

/// The key that gives a character, alone or with Shift: its scan code, and whether Shift is pressed too.
fn key_of(layout: &Layout, unit: u16) -> Option<(u16, bool)> {
    /// What [`Layout::key_of`](crate::win32k::user::layout::Layout::key_of) says of Shift.
    const SHIFT: u16 = 0x100;
    let found = layout.key_of(unit);
    let scan = layout.scan_of_key(found as u8);
    let is_plain = unit >= 0x20
        && found & !SHIFT < 0x100
        && (1..0x100).contains(&scan)
        && matches!(layout.character(found as u8, usize::from(found >> 8), false), Character::Is(_));
    is_plain.then_some((scan, found & SHIFT != 0))
}

/// A character going down or up. Who looks at keys sees the one that gives it, if there is one and nothing is held down that would make another of it;
/// else the character comes without a key (VK_PACKET), which not every program takes for typed.
fn of_unit(k: &Kernel, shm: &Shm, unit: u16, up: bool, pressed: &Pressed) -> Vec<Event> {
    const LEFT_SHIFT: u16 = 0x2a;
    const CAPITAL: u8 = 0x14;
    let capital = || {
        let mut tx = shm.begin();
        tx.make_desk().is_ok_and(|desk| tx.key(desk + desk::field::KEYS, CAPITAL) & 1 != 0)
    };
    let initial = Initial::of(k);
    let layout = input_language::for_input(initial, &shm.begin());
    match key_of(layout, unit).filter(|_| pressed.keys.is_empty() && !capital()) {
        Some((scan, false)) => vec![of_key(scan, false, up)],
        Some((scan, true)) if up => vec![of_key(scan, false, true), of_key(LEFT_SHIFT, false, true)],
        Some((scan, true)) => vec![of_key(LEFT_SHIFT, false, false), of_key(scan, false, false)],
        None => {
            let flags = key_flag::UNICODE | if up { key_flag::UP } else { 0 };
            vec![Event::Key { key: 0, scan: unit, flags, time: 0, extra: 0 }]
        }
    }
}

/// Injects what a client says, if it is input; answers whether it was. What there is no room for is lost.
pub(super) fn from_client(k: &'static Kernel, shm: &'static Shm, input: &Input, pressed: &mut Pressed) -> bool {
    let me = k.known_member().map_or(0, |(_, me)| me);
    let mouse = |x: i32, y: i32, data: i32, flags: u32| Event::Mouse { x, y, data, flags, time: 0, extra: 0 };
    let event = match input {
        Input::Key(key) if pressed.switch.takes(shm, me, key) || pressed.bar_keys.takes(shm, key) => return true,
        Input::Key(Key { scan, extended, up }) => {
            match up {
                true => drop(pressed.keys.remove(&(*scan, *extended))),
                false if pressed.keys.len() < MOST_KEYS => drop(pressed.keys.insert((*scan, *extended))),
                false => {}
            }
            let _ = shm.begin().somebody_types();
            of_key(*scan, *extended, *up)
        }
        Input::Unicode((unit, up)) => {
            let _ = shm.begin().somebody_types();
            for event in of_unit(k, shm, *unit, *up, pressed) {
                let _ = input::inject(k, shm, &event);
            }
            return true;
        }
        Input::Move((x, y)) => mouse(*x, *y, 0, mouse_flag::MOVE | mouse_flag::ABSOLUTE),
        Input::Button((Button::Left, up)) if pressed.bar.takes(shm, *up) => return true,
        Input::Button((button, up)) => {
            let number = number(*button);
            if let Some(held) = pressed.buttons.get_mut(number) {
                *held = !up;
            }
            let Some(event) = of_button(number, *up) else { return true };
            event
        }
        Input::Wheel((amount, across)) => {
            mouse(0, 0, *amount, if *across { mouse_flag::H_WHEEL } else { mouse_flag::WHEEL })
        }
        Input::Locks(shown) => {
            let _ = toggle(shm, *shown);
            return true;
        }
        _ => return false,
    };
    let _ = input::inject(k, shm, &event);
    true
}

/// Lets go of what is held down.
pub(super) fn release(k: &'static Kernel, shm: &'static Shm, pressed: &Pressed) {
    let keys = pressed.keys.iter().map(|(scan, extended)| of_key(*scan, *extended, true));
    let held = pressed.buttons.iter().enumerate().filter(|(_, held)| **held);
    let buttons = held.filter_map(|(button, _)| of_button(button, true));
    for event in keys.chain(buttons) {
        let _ = input::inject(k, shm, &event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::win32k::user::layout::US;

    #[test]
    fn characters_are_keys_where_the_layout_has_them() {
        let of = |letter: char| key_of(&US, letter as u16);
        assert_eq!(
            [of('a'), of('A'), of('5'), of('%')],
            [Some((0x1e, false)), Some((0x1e, true)), Some((6, false)), Some((6, true))]
        );
        assert_eq!(
            [of(' '), of('/'), of('*'), of('\\')],
            [Some((0x39, false)), Some((0x35, false)), Some((9, true)), Some((0x2b, false))]
        );
        assert_eq!([of('\u{e9}'), of('\u{1}'), of('\u{7f}')], [None; 3]);
    }
}
