//! The input language of threads: which keyboard layout they have, and which there are.
//!
//! A layout's handle (HKL) has the user's language in its lower half, and in the upper what names the layout: the language that it is made for, or
//! 0xf000 and its "Layout Id", or 0xe000 and more of an input method's.

use super::super::{Failed, User, error};
use super::layout::Layout;
use super::layouts::of_handle;
use super::procedure::Letter;
use super::{focus, ime};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::shm::Tx;
use crate::types::wide;
use crate::um::UserPtr;
use zerocopy::IntoBytes;

/// WM_INPUTLANGCHANGE.
const CHANGED: u32 = 0x51;
/// MAKELANGID(LANG_INVARIANT, SUBLANG_DEFAULT).
const INVARIANT: u64 = 0x47f;
/// HKL_PREV, HKL_NEXT.
const NEIGHBOURS: [u64; 2] = [0, 1];
/// Layouts that are registered.
const LAYOUTS: &str = "Machine\\System\\CurrentControlSet\\Control\\Keyboard Layouts";
/// Layouts of a list at most.
const MOST: usize = 1024;

/// The layout that threads begin with: the user's language, twice.
fn default_layout(k: &Kernel) -> u32 {
    let language = crate::nls::user_locale(k) & 0xffff;
    language | language << 16
}

/// The layout that threads begin with: found out before a transaction is begun, as the registry may have to be asked.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Initial(u32);

impl Initial {
    pub(in super::super) fn of(k: &Kernel) -> Initial {
        Initial(default_layout(k))
    }
}

/// A handle as programs have it: a number with a sign.
fn told_as(handle: u32) -> u64 {
    i64::from(handle as i32) as u64
}

/// The layout of the thread that keys go to.
pub(in super::super) fn for_input(initial: Initial, tx: &Tx<'_>) -> &'static Layout {
    let held = tx.foreground_layout();
    of_handle(if held == 0 { initial.0 } else { held }.into())
}

/// The calling thread's layout.
pub(super) fn of_thread(cx: &Cx<'_>) -> User<u64> {
    let mine = cx.queue()?.record;
    let kept = cx.windows()?.keyboard_layout(mine);
    Ok(told_as(if kept == 0 { default_layout(cx.k) } else { kept }))
}

/// NtUserGetKeyboardLayout: of a thread; 0 is the calling one.
///
/// # Errors
/// None.
pub fn get(cx: &Cx<'_>, thread: u32) -> User {
    if thread == 0 {
        return of_thread(cx);
    }
    let tx = cx.windows()?;
    let kept = tx.queue_of(thread).map_or(0, |queue| tx.keyboard_layout(queue));
    drop(tx);
    Ok(told_as(if kept == 0 { default_layout(cx.k) } else { kept }))
}

/// A layout was given to the thread by a message that told it.
pub(super) fn told(cx: &Cx<'_>, handle: u64) -> User<()> {
    let mine = cx.queue()?.record;
    let mut tx = cx.windows()?;
    tx.set_keyboard_layout(mine, handle as u32);
    Ok(tx.commit()?)
}

/// NtUserActivateKeyboardLayout: which it was.
///
/// # Errors
/// The answer is 0, and the last error says why: the user's language stays what it is.
pub fn activate(cx: &Cx<'_>, handle: u64, _flags: u32) -> User {
    let default = u64::from(default_layout(cx.k));
    let handle = if NEIGHBOURS.contains(&handle) { neighbour(cx, handle == NEIGHBOURS[1])? } else { handle };
    if handle & 0xffff != INVARIANT && handle & 0xffff != default & 0xffff {
        return Err(Failed::with(error::CALL_NOT_IMPLEMENTED));
    }
    let before = of_thread(cx)?;
    if before as u32 != handle as u32 {
        ime::layout_changes(cx, before, false)?;
        told(cx, handle)?;
        ime::layout_changes(cx, handle, true)?;
        if let Ok(window) = cx.window(focus::focused(cx)?.into())
            && window.is_mine(cx)
        {
            // The charset of those that have a table of their own: ANSI_CHARSET.
            cx.send(&window, &Letter { message: CHANGED, wparam: 0, lparam: handle, ansi: false })?;
        }
    }
    Ok(before)
}

/// The layout before or behind the thread's among those that there are, which close in a ring.
fn neighbour(cx: &Cx<'_>, next: bool) -> User<u64> {
    let (all, now) = (handles(cx), of_thread(cx)? & 0xffff_ffff);
    let at = all.iter().position(|handle| *handle == now).unwrap_or(0);
    let step = if next { 1 } else { all.len().saturating_sub(1) };
    let found = all.get((at + step) % all.len().max(1)).copied().unwrap_or(now);
    Ok(told_as(found as u32))
}

/// Layouts that are registered: their names, and what stands for them in the upper half of a handle.
fn registered(cx: &Cx<'_>) -> Vec<(u32, u16)> {
    let digits = |text: &str| u32::from_str_radix(text.trim_end_matches('\0'), 16).ok();
    let names = cx.k.key_names(LAYOUTS, MOST);
    let known = names.iter().filter_map(|name| {
        let number = digits(name)?;
        let id = cx.k.setting(&format!("{LAYOUTS}\\{name}"), "Layout Id").and_then(|(_, data)| {
            let units: Vec<u16> = data.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
            digits(&String::from_utf16_lossy(&units))
        });
        let upper = match id {
            Some(id) => 0xf000 | id as u16 & 0xfff,
            // An input method is named by all of it.
            None if number >> 28 == 0xe => (number >> 16) as u16,
            None => number as u16,
        };
        Some((number, upper))
    });
    known.collect()
}

/// Handles of all layouts, with the user's language; the user's own first.
fn handles(cx: &Cx<'_>) -> Vec<u64> {
    let default = u64::from(default_layout(cx.k));
    let mut all = vec![default];
    for (_, upper) in registered(cx) {
        let handle = default & 0xffff | u64::from(upper) << 16;
        if !all.contains(&handle) {
            all.push(handle);
        }
    }
    all
}

/// NtUserGetKeyboardLayoutList: how many there are.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn list(cx: &Cx<'_>, size: u32, list: u64) -> User {
    let mut all = handles(cx);
    if size != 0 && list != 0 {
        all.truncate(size as usize);
        for (at, handle) in (0..).zip(&all) {
            UserPtr::new(list + at * 8).write(cx.k, told_as(*handle as u32))?;
        }
    }
    Ok(all.len() as u64)
}

/// NtUserGetKeyboardLayoutName: eight hexadecimal digits.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn name(cx: &Cx<'_>, name: u64) -> User {
    if name == 0 {
        return Err(Failed::with(error::NOACCESS));
    }
    let layout = of_thread(cx)? & 0xffff_ffff;
    let upper = (layout >> 16) as u16;
    let found = registered(cx).into_iter().find(|(_, held)| *held == upper).map(|(number, _)| u64::from(number));
    let plain = if upper >> 12 < 0xe { u64::from(upper) } else { layout };
    let mut text = wide(&format!("{:08X}", found.unwrap_or(plain)));
    text.push(0);
    cx.k.write_user(name, text.as_bytes())?;
    Ok(1)
}
