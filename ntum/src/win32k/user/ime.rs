//! Input methods' windows: each thread that has windows has one of class `IME`, which user32 and imm32 talk to. There is no input method outside of
//! the program: what its own DLLs do with keys is asked for by callbacks.

use super::super::{Failed, User, error};
use super::class::{self, Name};
use super::create::{Asked, create_window};
use super::procedure::Letter;
use super::session::Window;
use super::{callbacks, destroy, input_language};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::shm::user::message::Message;
use crate::shm::user::window::{POPUP, field, flag};
use crate::types::wide;
use crate::win32k::user::internal;
use parking_lot::Mutex;
use std::collections::HashMap;

/// Its class.
const CLASS: &str = "IME";
/// An address that says that there is a text.
const TEXT: u64 = 0x1_0000;
/// CS_IME; WS_DISABLED and WS_CLIPSIBLINGS.
const CS_IME: u64 = 0x1_0000;
const STYLE: u32 = POPUP | 0x0c00_0000;
/// WM_IME_INTERNAL and what it says.
const INTERNAL: u32 = 0x287;
const ACTIVATE: u64 = 0x17;
const DEACTIVATE: u64 = 0x18;
const LAYOUT_COMES: u64 = 0x19;
const LAYOUT_GOES: u64 = 0x20;

/// A thread's.
#[derive(Debug, Clone, Copy, Default)]
struct Thread {
    /// Its window, 0 for none.
    window: u32,
    /// Windows that it is there for.
    count: u32,
    /// Whether the thread wants none.
    disabled: bool,
}

/// Those of a process, by thread; whether it wants none.
#[derive(Debug, Default)]
struct All {
    threads: HashMap<u32, Thread>,
    disabled: bool,
}

/// Windows for input methods of a process.
#[derive(Debug, Default)]
pub struct Windows(Mutex<All>);

impl Windows {
    /// Takes a thread's window from it.
    fn detach(&self, thread: u32) -> u32 {
        let mut all = self.0.lock();
        let Some(held) = all.threads.get_mut(&thread) else { return 0 };
        held.count = 0;
        core::mem::take(&mut held.window)
    }
}

/// A thread ends.
pub(super) fn thread_ended(k: &Kernel, thread: u32) {
    k.user.ime.0.lock().threads.remove(&thread);
}

/// The window of a thread of this process; 0 for none.
fn of_thread(cx: &Cx<'_>, thread: u32) -> u32 {
    cx.k.user.ime.0.lock().threads.get(&thread).map_or(0, |held| held.window)
}

/// The calling thread's.
pub(super) fn of_caller(cx: &Cx<'_>) -> u32 {
    of_thread(cx, cx.t.id as u32)
}

/// The window that is there for another of this process's, 0 for none.
pub(super) fn of_window(cx: &Cx<'_>, window: &Window) -> u32 {
    if window.is_ours(cx) { of_thread(cx, window.thread) } else { 0 }
}

/// A window is being made: its thread gets one for input methods with the first.
pub(super) fn window_comes(cx: &Cx<'_>, window: &Window) -> User<()> {
    let needs_none = {
        let tx = cx.windows()?;
        let root = tx.root_window(true);
        root != 0 && tx.is_below(window.record, root)
            || class::units(&tx.window_bytes(window.record, field::CLASS_NAME)) == wide(CLASS)
    };
    if needs_none || class::style_of(cx, window) as u64 & CS_IME != 0 {
        return Ok(());
    }
    let first = {
        let mut all = cx.k.user.ime.0.lock();
        if all.disabled {
            return Ok(());
        }
        let held = all.threads.entry(cx.t.id as u32).or_default();
        if held.disabled {
            return Ok(());
        }
        held.count += 1;
        held.count == 1
    };
    let mut tx = cx.windows()?;
    if let Some(record) = tx.window(window.handle) {
        super::show::set_flags(&mut tx, record, flag::HAS_IME, 0);
    }
    tx.commit()?;
    if first {
        let asked = Asked { style: STYLE, numbers: [0, 0, 1, 1], ..Asked::default() };
        // A program that refuses it goes without.
        let made = create_window(cx, Name::Text(wide(CLASS)), TEXT, (TEXT, wide("Default IME")), &asked).unwrap_or(0);
        if let Some(held) = cx.k.user.ime.0.lock().threads.get_mut(&(cx.t.id as u32)) {
            held.window = made as u32;
        }
    }
    Ok(())
}

/// A window of the calling thread goes: with the last one its window for input methods does.
pub(super) fn window_goes(cx: &Cx<'_>, window: &Window) -> User<()> {
    let thread = cx.t.id as u32;
    if of_thread(cx, thread) == window.handle {
        cx.k.user.ime.detach(thread);
        return Ok(());
    }
    let mut tx = cx.windows()?;
    let Some(record) = tx.window(window.handle) else { return Ok(()) };
    if tx.get(record + field::FLAGS) & flag::HAS_IME == 0 {
        return Ok(());
    }
    super::show::set_flags(&mut tx, record, 0, flag::HAS_IME);
    tx.commit()?;
    let last = {
        let mut all = cx.k.user.ime.0.lock();
        all.threads.get_mut(&thread).is_some_and(|held| {
            held.count = held.count.saturating_sub(1);
            held.count == 0
        })
    };
    if last && let gone @ 1.. = cx.k.user.ime.detach(thread) {
        // It may be gone already.
        let _ = destroy::destroy_window(cx, gone.into());
    }
    Ok(())
}

/// NtUserDisableThreadIme: of the calling thread (0), or with all ones of every thread of the process.
///
/// # Errors
/// The answer is FALSE for another thread.
pub fn disable(cx: &Cx<'_>, thread: u32) -> User {
    let own = cx.t.id as u32;
    let others: Vec<u32> = {
        let mut all = cx.k.user.ime.0.lock();
        match thread {
            u32::MAX => {
                all.disabled = true;
                let others = all.threads.iter().filter(|(thread, held)| **thread != own && held.window != 0);
                others.map(|(_, held)| held.window).collect()
            }
            thread if thread == 0 || thread == own => {
                all.threads.entry(own).or_default().disabled = true;
                Vec::new()
            }
            _ => return Ok(0),
        }
    };
    for window in others {
        if let Ok(window) = cx.window(window.into()) {
            let letter = Letter { message: internal::DESTROY, ..Letter::default() };
            cx.notify_internal(&window, &letter, &[])?;
        }
    }
    if let gone @ 1.. = cx.k.user.ime.detach(own) {
        let _ = destroy::destroy_window(cx, gone.into());
    }
    Ok(1)
}

fn tell(cx: &Cx<'_>, to: u32, wparam: u64, lparam: u64) -> User<()> {
    if let Ok(to) = cx.window(to.into()) {
        cx.send(&to, &Letter { message: INTERNAL, wparam, lparam, ansi: false })?;
    }
    Ok(())
}

/// The focus came to a window or left it.
pub(super) fn focus_changed(cx: &Cx<'_>, window: u32, has: bool) -> User<()> {
    let Ok(found) = cx.window(window.into()) else { return Ok(()) };
    tell(cx, of_window(cx, &found), if has { ACTIVATE } else { DEACTIVATE }, window.into())
}

/// The calling thread's layout comes or goes.
pub(super) fn layout_changes(cx: &Cx<'_>, layout: u64, comes: bool) -> User<()> {
    let wparam = if comes { LAYOUT_COMES } else { LAYOUT_GOES };
    tell(cx, of_caller(cx), wparam, layout & 0xffff_ffff)
}

/// DefWindowProc of messages that are an input method's.
pub(super) fn default(cx: &Cx<'_>, window: &Window, letter: &Letter) -> User {
    let to = of_window(cx, window);
    if to == 0 || u64::from(to) == super::tree::parent(cx, window.handle.into())? {
        return Ok(0);
    }
    cx.send(&cx.window(to.into())?, letter)
}

/// Whether an input method takes a key.
pub(super) fn process_key(cx: &Cx<'_>, message: &Message) -> User<bool> {
    if of_caller(cx) == 0 {
        return Ok(false);
    }
    let layout = input_language::of_thread(cx)?;
    callbacks::process_key(cx, message.window.into(), layout, message.wparam as u32, message.lparam)
}

/// What an input method makes of a key that it took.
pub(super) fn translate_message(cx: &Cx<'_>, window: u64, number: u32, wparam: u64, lparam: u64) -> User {
    callbacks::translate_by_method(cx, window, number, wparam, lparam).map(u64::from)
}

/// NtUserImeDriverCall: what imm32's own input method asks of one outside of the program.
pub(super) fn driver_call(call: u32) -> User {
    const PROCESS_KEY: u32 = 0;
    const TO_ASCII: u32 = 1;
    match call {
        // It takes no key, and so has no text for any.
        PROCESS_KEY => Ok(0),
        TO_ASCII => Ok(u64::from(crate::status::STATUS_NOT_FOUND.0)),
        _ => Err(Failed::with(error::CALL_NOT_IMPLEMENTED)),
    }
}
