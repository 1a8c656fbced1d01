//! Tables of accelerators: keys that mean commands.

use super::super::{Failed, User, error};
use crate::call::Cx;
use crate::shm::user::handle::Kind;
use crate::shm::user::hardware::key;
use crate::um::{UserPtr, UserSlice};
use parking_lot::Mutex;
use std::collections::HashMap;

/// An ACCEL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    flags: u8,
    key: u16,
    command: u16,
}

/// The process's tables, by handle.
#[derive(Default)]
pub struct Tables(Mutex<HashMap<u32, Vec<Entry>>>);

/// sizeof(ACCEL).
const SIZE: u64 = 6;
/// Entries of a table, and tables of a process: what a program makes without end ends here.
const MOST_ENTRIES: u32 = 0x7fff;
const MOST: usize = 4096;
/// FVIRTKEY, FSHIFT, FCONTROL, FALT.
const IS_KEY: u8 = 1;
const SHIFT: u8 = 4;
const CONTROL: u8 = 8;
const ALT: u8 = 0x10;
/// Flags that a table keeps; the last entry of a resource has one more.
const KEPT: u8 = 0x7f;

/// NtUserCreateAcceleratorTable: its handle.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn create(cx: &Cx<'_>, table: u64, count: u32) -> User {
    if count == 0 || count > MOST_ENTRIES {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let bytes = UserSlice::new(table, u64::from(count) * SIZE).read_all(cx.k)?;
    let entry = |bytes: &[u8; 6]| Entry {
        flags: bytes[0] & KEPT,
        key: u16::from_le_bytes([bytes[2], bytes[3]]),
        command: u16::from_le_bytes([bytes[4], bytes[5]]),
    };
    let entries: Vec<Entry> = bytes.as_chunks::<6>().0.iter().map(entry).collect();
    let mut all = cx.k.user.accelerators.0.lock();
    if all.len() >= MOST {
        return Err(Failed::with(error::NOT_ENOUGH_MEMORY));
    }
    let (_, member) = cx.sandbox()?;
    let mut tx = cx.windows()?;
    let handle = tx.new_user_handle(Kind::Accelerators, member, member)?;
    tx.commit()?;
    all.insert(handle, entries);
    Ok(handle.into())
}

fn table(cx: &Cx<'_>, handle: u64) -> User<Vec<Entry>> {
    let found = cx.k.user.accelerators.0.lock().get(&(handle as u32)).cloned();
    found.ok_or(Failed::with(error::INVALID_ACCEL_HANDLE))
}

/// NtUserDestroyAcceleratorTable.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn destroy(cx: &Cx<'_>, handle: u64) -> User {
    let gone = cx.k.user.accelerators.0.lock().remove(&(handle as u32));
    gone.ok_or(Failed::with(error::INVALID_ACCEL_HANDLE))?;
    let mut tx = cx.windows()?;
    tx.free_user_handle(handle as u32);
    tx.commit()?;
    Ok(1)
}

/// NtUserCopyAcceleratorTable: how many entries were copied, or with no room how many there are.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn copy(cx: &Cx<'_>, handle: u64, to: u64, count: u32) -> User {
    let entries = table(cx, handle)?;
    if to == 0 {
        return Ok(entries.len() as u64);
    }
    let copied = entries.len().min(count as usize);
    let bytes = entries.iter().take(copied).flat_map(|entry| {
        let [key, command] = [entry.key.to_le_bytes(), entry.command.to_le_bytes()];
        [entry.flags, 0, key[0], key[1], command[0], command[1]]
    });
    cx.k.write_user(to, &bytes.collect::<Vec<u8>>())?;
    Ok(copied as u64)
}

/// Whether a message is an entry's.
fn is_meant(entry: &Entry, number: u32, wparam: u64, lparam: u64, held: u8) -> bool {
    /// WM_KEYDOWN, WM_SYSKEYDOWN, WM_CHAR, WM_SYSCHAR; Alt, in what goes along with a key.
    const KEY_DOWN: [u32; 2] = [0x100, 0x104];
    const CHARACTER: [u32; 2] = [0x102, 0x106];
    const ALT_DOWN: u64 = 0x2000_0000;
    if wparam != u64::from(entry.key) {
        return false;
    }
    if CHARACTER.contains(&number) {
        // Characters say by themselves what was held, but for Alt.
        return entry.flags & IS_KEY == 0 && (entry.flags & ALT != 0) == (number == CHARACTER[1]);
    }
    if !KEY_DOWN.contains(&number) {
        return false;
    }
    let held = held | if lparam & ALT_DOWN != 0 { ALT } else { 0 };
    if entry.flags & IS_KEY != 0 {
        return held == entry.flags & (SHIFT | CONTROL | ALT);
    }
    // A character that Alt goes along with never becomes one.
    lparam & ALT_DOWN != 0 && entry.flags & ALT != 0 && held == ALT
}

/// NtUserTranslateAccelerator: whether a message, a MSG, was a command's key; its window was told then.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn translate(cx: &Cx<'_>, window: u64, handle: u64, message: u64) -> User {
    /// WM_KEYDOWN to WM_SYSCHAR.
    const KEYS: core::ops::RangeInclusive<u32> = 0x100..=0x106;
    let [_, number, wparam, lparam] = UserPtr::<[u64; 4]>::new(message).read(cx.k)?;
    let number = number as u32;
    if window == 0 || handle == 0 || !KEYS.contains(&number) {
        return Ok(0);
    }
    let is_held = |key: u8| super::keyboard::get_key_state(cx, key.into()).is_ok_and(|state| state & 0x8000 != 0);
    let held = if is_held(key::SHIFT) { SHIFT } else { 0 } | if is_held(key::CONTROL) { CONTROL } else { 0 };
    let entries = table(cx, handle)?;
    let Some(entry) = entries.iter().find(|entry| is_meant(entry, number, wparam, lparam, held)) else { return Ok(0) };
    let found = cx.window(window)?;
    super::menu::accelerate::command(cx, &found, entry.command)?;
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_characters_are_told_apart() {
        let key = Entry { flags: IS_KEY | CONTROL, key: b'S'.into(), command: 1 };
        assert!(is_meant(&key, 0x100, b'S'.into(), 0, CONTROL));
        assert!(
            !is_meant(&key, 0x100, b'S'.into(), 0, CONTROL | SHIFT) && !is_meant(&key, 0x102, b'S'.into(), 0, CONTROL)
        );
        let character = Entry { flags: 0, key: b'x'.into(), command: 1 };
        assert!(is_meant(&character, 0x102, b'x'.into(), 0, SHIFT) && !is_meant(&character, 0x106, b'x'.into(), 0, 0));
    }
}
