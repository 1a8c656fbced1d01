//! Hands on what a person types and points at.

use crate::kernel::Kernel;
use crate::shm::Shm;
use crate::shm::user::desk;
use crate::win32k::user::input::{self, Event, key_flag, mouse_flag};
use shim_abi::display::{Button, Input, Key};
use std::collections::BTreeSet;

/// What is held down.
#[derive(Debug, Default)]
pub(super) struct Pressed {
    /// Scan codes, and whether each has a prefix.
    keys: BTreeSet<(u16, bool)>,
    /// Buttons, in the order of [`BUTTONS`].
    buttons: [bool; 5],
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
const MOST_KEYS: usize = 64;

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

/// Injects what a client says, if it is input; answers whether it was. What there is no room for is lost.
pub(super) fn from_client(k: &'static Kernel, shm: &'static Shm, input: &Input, pressed: &mut Pressed) -> bool {
    let mouse = |x: i32, y: i32, data: i32, flags: u32| Event::Mouse { x, y, data, flags, time: 0, extra: 0 };
    let event = match input {
        Input::Key(Key { scan, extended, up }) => {
            match up {
                true => drop(pressed.keys.remove(&(*scan, *extended))),
                false if pressed.keys.len() < MOST_KEYS => drop(pressed.keys.insert((*scan, *extended))),
                false => {}
            }
            of_key(*scan, *extended, *up)
        }
        Input::Unicode((unit, up)) => {
            let flags = key_flag::UNICODE | if *up { key_flag::UP } else { 0 };
            Event::Key { key: 0, scan: *unit, flags, time: 0, extra: 0 }
        }
        Input::Move((x, y)) => mouse(*x, *y, 0, mouse_flag::MOVE | mouse_flag::ABSOLUTE),
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
