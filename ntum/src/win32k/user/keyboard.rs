//! The keyboard: its state, what keys mean, and its messages in the thread that takes them.

use super::super::User;
use super::alt_pad::Meaning;
use super::get::Filter;
use super::layout::{Character, Layout};
use super::layouts::{combined, of_handle};
use super::{focus, hook, input_language};
use crate::call::Cx;
use crate::shm::user::hardware::{Hardware, key};
use crate::shm::user::message::Message;
use crate::shm::user::{desk, input};
use crate::types::wide;
use crate::um::{UserPtr, UserSlice};
use zerocopy::IntoBytes;

/// WM_*.
mod message {
    pub const KEY_DOWN: u32 = 0x100;
    pub const KEY_UP: u32 = 0x101;
    pub const CHARACTER: u32 = 0x102;
    pub const DEAD_CHARACTER: u32 = 0x103;
    pub const SYS_KEY_DOWN: u32 = 0x104;
    pub const SYS_KEY_UP: u32 = 0x105;
    pub const SYS_CHARACTER: u32 = 0x106;
    pub const SYS_DEAD_CHARACTER: u32 = 0x107;
    pub const LAST: u32 = 0x109;
    pub const CONTEXT_MENU: u32 = 0x7b;
    pub const KEY_F1: u32 = 0x4d;
    pub const APP_COMMAND: u32 = 0x319;
}

/// VK_*.
const F1: u64 = 0x70;
const APPS: u64 = 0x5d;
const PACKET: u64 = 0xe7;
const PROCESS_KEY: u64 = 0xe5;
const CAPITAL: u8 = 0x14;
/// VK_BROWSER_BACK to VK_LAUNCH_APP2.
const COMMANDS: core::ops::RangeInclusive<u64> = 0xa6..=0xb7;

/// The layout of a handle; 0 is the calling thread's.
fn layout(cx: &Cx<'_>, handle: u64) -> User<&'static Layout> {
    let handle = if handle == 0 { input_language::of_thread(cx)? } else { handle };
    Ok(of_handle(handle))
}

/// A key that has a left and a right one, for either of them.
fn both(key: u8) -> u8 {
    match key {
        key::LEFT_SHIFT | key::RIGHT_SHIFT => key::SHIFT,
        key::LEFT_CONTROL | key::RIGHT_CONTROL => key::CONTROL,
        key::LEFT_MENU | key::RIGHT_MENU => key::MENU,
        key => key,
    }
}

/// A message of the keyboard as its thread gets it; `None` if it is not to have it.
pub(super) fn take(cx: &Cx<'_>, hardware: &Hardware, filter: &Filter, remove: bool) -> User<Option<Message>> {
    let mut message = hardware.message;
    let keys = [message::KEY_DOWN, message::KEY_UP, message::SYS_KEY_DOWN, message::SYS_KEY_UP];
    if keys.contains(&message.number) && message.wparam < 0x100 {
        message.wparam = both(message.wparam as u8).into();
    }
    if !filter.takes_number(message.number) {
        return Ok(None);
    }
    if remove {
        let window = cx.window(message.window.into());
        if message.number == message::KEY_DOWN {
            if message.wparam == F1 {
                super::get::post_message(cx, message.window.into(), message::KEY_F1, 0, 0)?;
            } else if COMMANDS.contains(&message.wparam)
                && let Ok(window) = window
            {
                let command = message.wparam - COMMANDS.start() + 1;
                let letter = super::procedure::Letter {
                    message: message::APP_COMMAND,
                    wparam: message.window.into(),
                    lparam: command << 16,
                    ansi: false,
                };
                cx.send(&window, &letter)?;
            }
        } else if message.number == message::KEY_UP && message.wparam == APPS && !menu_is_tracked(cx)? {
            let at = u64::from(u32::MAX);
            let at = i64::from(at as i32) as u64;
            super::get::post_message(cx, message.window.into(), message::CONTEXT_MENU, message.window.into(), at)?;
        }
        accept(cx, hardware.id)?;
    }
    let code = if remove { hook::ACTION } else { hook::NO_REMOVE };
    if hook::call(cx, hook::KEYBOARD, code, message.wparam & 0xffff, message.lparam)? != 0 {
        if !remove {
            accept(cx, hardware.id)?;
        }
        hook::call(cx, hook::CBT, hook::cbt::KEY_SKIPPED, message.wparam & 0xffff, message.lparam)?;
        return Ok(None);
    }
    if remove
        && [message::KEY_DOWN, message::KEY_UP].contains(&message.number)
        && super::ime::process_key(cx, &message)?
    {
        message.wparam = PROCESS_KEY;
    }
    Ok(Some(message))
}

fn menu_is_tracked(cx: &Cx<'_>) -> User<bool> {
    Ok(focus::holder(cx, input::field::MENU)? != 0)
}

/// A message is taken out of the input.
pub(super) fn accept(cx: &Cx<'_>, id: u32) -> User<()> {
    let mine = cx.queue()?.record;
    let mut tx = cx.windows()?;
    tx.accept_hardware(mine, id);
    Ok(tx.commit()?)
}

/// NtUserGetKeyState: a key as the messages that the thread took left it.
///
/// # Errors
/// None.
pub fn get_key_state(cx: &Cx<'_>, key: u32) -> User {
    let mine = cx.queue()?.record;
    let mut tx = cx.windows()?;
    let shared = tx.input_of(mine);
    tx.sync_keys(shared);
    let state = tx.key(shared + input::field::KEYS, key as u8) & 0x81;
    tx.commit()?;
    Ok(u64::from(i16::from(state as i8) as u16))
}

/// NtUserGetAsyncKeyState: a key as it is now, and whether it was pressed since somebody asked.
///
/// # Errors
/// None.
pub fn get_async_key_state(cx: &Cx<'_>, key: u32) -> User {
    let Ok(key) = u8::try_from(key) else { return Ok(0) };
    let mut tx = cx.windows()?;
    let Some(desk) = tx.desk() else { return Ok(0) };
    let state = tx.key(desk + desk::field::KEYS, key);
    if state & 0x40 != 0 {
        tx.set_key(desk + desk::field::KEYS, key, state & !0x40);
        tx.commit()?;
    }
    Ok(u64::from(state & 0x80) << 8 | u64::from(state & 0x40 != 0))
}

fn table(tx: &crate::shm::Tx<'_>, at: u32) -> [u8; 256] {
    core::array::from_fn(|key| tx.key(at, key as u8))
}

fn keys(cx: &Cx<'_>) -> User<[u8; 256]> {
    let mine = cx.queue()?.record;
    let tx = cx.windows()?;
    let shared = tx.input_of(mine);
    Ok(table(&tx, shared + input::field::KEYS).map(|state| state & 0x81))
}

/// NtUserGetKeyboardState: a byte for each key.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn get_keyboard_state(cx: &Cx<'_>, state: u64) -> User {
    cx.k.write_user(state, &keys(cx)?)?;
    Ok(1)
}

/// GetAsyncKeyboardState: of the keyboard as it is now.
pub(super) fn get_async_keyboard_state(cx: &Cx<'_>, state: u64) -> User {
    let tx = cx.windows()?;
    let all = tx.desk().map_or([0; 256], |desk| table(&tx, desk + desk::field::KEYS));
    drop(tx);
    cx.k.write_user(state, &all)?;
    Ok(1)
}

/// NtUserSetKeyboardState: of the thread's input.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn set_keyboard_state(cx: &Cx<'_>, state: u64) -> User {
    let bytes = UserSlice::new(state, 256).read_all(cx.k)?;
    let mine = cx.queue()?.record;
    let mut tx = cx.windows()?;
    let shared = tx.input_of(mine);
    let now = tx.desk();
    for (word, four) in (0..).zip(bytes.as_chunks::<4>().0) {
        tx.set(shared + input::field::KEYS + word, u32::from_le_bytes(*four));
        let synced = now.map_or(0, |desk| tx.get(desk + desk::field::KEYS + word));
        tx.set(shared + input::field::SYNCED + word, synced);
    }
    tx.commit()?;
    Ok(1)
}

/// NtUserVkKeyScanEx.
///
/// # Errors
/// None.
pub fn key_scan(cx: &Cx<'_>, character: u32, handle: u64) -> User {
    Ok(layout(cx, handle)?.key_of(character as u16).into())
}

/// NtUserMapVirtualKeyEx: MAPVK_*.
///
/// # Errors
/// None; the answer is 0 where there is none.
pub fn map_key(cx: &Cx<'_>, code: u32, how: u32, handle: u64) -> User {
    let layout = layout(cx, handle)?;
    let to_scan = |code: u32| {
        let Ok(key) = u8::try_from(code) else { return 0 };
        let key = match key {
            key::SHIFT => key::LEFT_SHIFT,
            key::CONTROL => key::LEFT_CONTROL,
            key::MENU => key::LEFT_MENU,
            // Digits of the number pad and its point stand for what they are without Num Lock.
            0x60..=0x69 => [0x2d, 0x23, 0x28, 0x22, 0x25, 0x0c, 0x27, 0x24, 0x26, 0x21][usize::from(key - 0x60)],
            0x6e => 0x2e,
            key => key,
        };
        layout.scan_of_key(key)
    };
    let to_key = |code: u32| u16::try_from(code).map_or(0, |scan| layout.key_of_scan(scan) & 0xff);
    Ok(match how {
        // MAPVK_VK_TO_VSC and the same with what it is sent with.
        0 => match to_scan(code) {
            scan if scan >> 8 == 0xe1 => 0,
            scan => scan & 0xff,
        }
        .into(),
        4 => to_scan(code).into(),
        // MAPVK_VSC_TO_VK and the same with sides.
        1 => u64::from(both(to_key(code) as u8)),
        3 => to_key(code).into(),
        // MAPVK_VK_TO_CHAR.
        2 => match code {
            0x41..=0x5a => code.into(),
            _ => match u8::try_from(code).map(|key| layout.plain(key)) {
                Ok(Character::Is(character)) => u64::from(u32::from(character)),
                Ok(Character::Dead(character)) => u64::from(u32::from(character)) | 0x8000_0000,
                _ => 0,
            },
        },
        _ => 0,
    })
}

/// NtUserGetKeyNameText: a key's name, by what the second parameter of its messages says.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn key_name(cx: &Cx<'_>, lparam: u32, buffer: u64, size: u32) -> User {
    /// "Don't care": left and right are the same.
    const EITHER: u32 = 0x200_0000;
    if buffer == 0 || size == 0 {
        return Ok(0);
    }
    let layout = layout(cx, 0)?;
    let mut code = (lparam >> 16 & 0x1ff) as u16;
    if lparam & EITHER != 0 {
        let key = layout.key_of_scan(code) as u8;
        if [key::RIGHT_SHIFT, key::RIGHT_CONTROL, key::RIGHT_MENU].contains(&key) {
            code = layout.scan_of_key(key - 1);
        }
    }
    let name = match Layout::name(code) {
        Some(name) => wide(name),
        None => {
            let key = both((layout.key_of_scan(code & 0xff) & 0xff) as u8);
            let character = map_key(cx, key.into(), 2, 0)? as u16;
            vec![character]
        }
    };
    super::text::store(cx, &name, buffer, size.into(), false)
}

/// What a key gives in a state of the keyboard; -1 and one unit for a dead one. `keep` leaves a dead key that waits as it is.
fn translate(cx: &Cx<'_>, key: u32, scan: u32, state: &[u8], handle: u64, keep: bool) -> User<(i32, Vec<u16>)> {
    let Ok(key) = u8::try_from(key) else { return Ok((0, Vec::new())) };
    if scan & 0x8000 != 0 {
        return Ok((0, Vec::new()));
    }
    let layout = layout(cx, handle)?;
    let is_held = |key: u8| state.get(usize::from(key)).is_some_and(|state| state & 0x80 != 0);
    let held = usize::from(is_held(key::SHIFT))
        | usize::from(is_held(key::CONTROL)) << 1
        | usize::from(is_held(key::MENU)) << 2;
    let caps = state.get(usize::from(CAPITAL)).is_some_and(|state| state & 1 != 0);
    let units = |character: char| {
        let mut room = [0; 2];
        character.encode_utf16(&mut room).to_vec()
    };
    let queue = cx.queue()?;
    let mut memory = queue.mouse.lock();
    let waiting = memory.dead;
    Ok(match (layout.character(key, held, caps), waiting) {
        (Character::None, _) => (0, Vec::new()),
        (Character::Is(character), None) => (1, units(character)),
        (Character::Dead(character), None) => {
            if !keep {
                memory.dead = Some(character);
            }
            (-1, units(character))
        }
        (Character::Is(next) | Character::Dead(next), Some(dead)) => {
            if !keep {
                memory.dead = None;
            }
            match combined(dead, next) {
                Some(made) => (1, units(made)),
                None => (2, [units(dead), units(next)].concat()),
            }
        }
    })
}

/// NtUserToUnicodeEx: what a key gives; how many units, -1 for a dead key.
///
/// # Errors
/// The answer is 0, and the last error says why.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn to_unicode(cx: &Cx<'_>, key: u32, scan: u32, state: u64, text: u64, size: u32, flags: u32, handle: u64) -> User {
    if state == 0 || size == 0 || size > i32::MAX as u32 {
        return Ok(0);
    }
    let state = UserSlice::new(state, 256).read_all(cx.k)?;
    // Bit 2: the keyboard's state stays as it is.
    let (count, units) = translate(cx, key, scan, &state, handle, flags & 4 != 0)?;
    let mut out: Vec<u16> = units.into_iter().take(size as usize).collect();
    if out.len() < size as usize {
        out.push(0);
    }
    cx.k.write_user(text, out.as_bytes())?;
    Ok(u64::from(count.min(size as i32) as u32))
}

/// NtUserTranslateMessage: posts the characters that a key's message means.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn translate_message(cx: &Cx<'_>, at: u64, _flags: u32) -> User {
    let [window, number, wparam, lparam] = UserPtr::<[u64; 4]>::new(at).read(cx.k)?;
    translate_key(cx, window, number as u32, (wparam, lparam))
}

/// As NtUserTranslateMessage, of a message that the kernel took itself.
pub(super) fn translate_key(cx: &Cx<'_>, window: u64, number: u32, (wparam, lparam): (u64, u64)) -> User {
    if !(message::KEY_DOWN..=message::LAST).contains(&number) {
        return Ok(0);
    }
    if wparam == PROCESS_KEY {
        return super::ime::translate_message(cx, window, number, wparam, lparam);
    }
    let (up, with_alt) = match number {
        message::KEY_UP => (true, false),
        message::SYS_KEY_UP => (true, true),
        message::KEY_DOWN => (false, false),
        message::SYS_KEY_DOWN => (false, true),
        _ => return Ok(1),
    };
    let meaning = cx.queue()?.mouse.lock().pad.follow(with_alt, up, (wparam, lparam));
    match meaning {
        Meaning::Digit if with_alt => return Ok(1),
        Meaning::Ends(number) => {
            let unit = number.character(cx)?;
            super::get::post_message(cx, window, message::CHARACTER, unit.into(), lparam)?;
            return Ok(1);
        }
        _ if up => return Ok(1),
        _ => {}
    }
    let plain = number == message::KEY_DOWN;
    let character = if plain { message::CHARACTER } else { message::SYS_CHARACTER };
    if wparam == PACKET {
        super::get::post_message(cx, window, character, lparam >> 16 & 0xffff, lparam & 0xffff)?;
        return Ok(1);
    }
    let state = keys(cx)?;
    let (count, units) = translate(cx, wparam as u32, (lparam >> 16) as u32 & 0xffff, &state, 0, false)?;
    let number = match (count, plain) {
        (-1, true) => message::DEAD_CHARACTER,
        (-1, false) => message::SYS_DEAD_CHARACTER,
        _ => character,
    };
    for unit in units {
        super::get::post_message(cx, window, number, unit.into(), lparam)?;
    }
    Ok(1)
}
