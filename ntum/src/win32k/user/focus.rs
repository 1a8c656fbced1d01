//! Which window is active and has the focus, the capture and the foreground, and who is told.
//!
//! What threads that are attached to each other have in common of it is an input record (`shm::user::input`). Every change is made first and
//! told then, as messages that may change it again: whoever goes on behind one looks again.

use super::super::{Failed, User, error};
use super::hook::{self, cbt};
use super::internal;
use super::procedure::Letter;
use super::session::{Window, find};
use super::tree;
use crate::call::Cx;
use crate::shm::Tx;
use crate::shm::user::message::how;
use crate::shm::user::window::{CHILD, MINIMIZE, POPUP, VISIBLE, field};
use crate::shm::user::{input, queue};
use crate::um::UserPtr;
use zerocopy::IntoBytes;

/// WM_*.
mod message {
    pub const ACTIVATE: u32 = 0x06;
    pub const SET_FOCUS: u32 = 0x07;
    pub const KILL_FOCUS: u32 = 0x08;
    pub const ACTIVATE_APP: u32 = 0x1c;
    pub const NC_ACTIVATE: u32 = 0x86;
    pub const CAPTURE_CHANGED: u32 = 0x215;
    pub const QUERY_NEW_PALETTE: u32 = 0x30f;
    pub const PALETTE_IS_CHANGING: u32 = 0x310;
}

/// WA_ACTIVE and WA_CLICKACTIVE.
const ACTIVE: u64 = 1;
const CLICK_ACTIVE: u64 = 2;
/// WS_DISABLED.
const DISABLED: u32 = 0x0800_0000;

/// What a thread that tracks something captures the mouse for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CaptureFor {
    /// The program's own purposes.
    Program,
    /// A menu: nobody else gets the capture meanwhile.
    Menu,
    /// Moving or sizing a window.
    Moving,
}

fn letter(message: u32, wparam: u64, lparam: u64) -> Letter {
    Letter { message, wparam, lparam, ansi: false }
}

/// Whether a window may be active and in the foreground: children may not.
fn may_be_active(tx: &Tx<'_>, record: u32) -> bool {
    tx.get(record + field::STYLE) & (CHILD | POPUP) != CHILD
}

/// Whether a window is shown on the desktop that the user sees.
fn is_seen(tx: &Tx<'_>, record: u32) -> bool {
    let desktop = tx.link(tx.link(record + field::QUEUE) + queue::field::DESKTOP);
    tx.get(record + field::STYLE) & VISIBLE != 0 && desktop == tx.input_desktop()
}

/// Which of the calling thread's windows has one of the roles of [`input::field`]: its handle, 0 for none.
pub(super) fn holder(cx: &Cx<'_>, role: u32) -> User<u32> {
    let mine = cx.queue()?.record;
    let tx = cx.windows()?;
    Ok(tx.handle_of(tx.get(tx.input_of(mine) + role)))
}

/// The calling thread's active window, that with the focus, and that with the capture: handles, 0 for none.
pub(super) fn active(cx: &Cx<'_>) -> User<u32> {
    holder(cx, input::field::ACTIVE)
}

/// See [`active`].
pub(super) fn focused(cx: &Cx<'_>) -> User<u32> {
    holder(cx, input::field::FOCUS)
}

/// See [`active`].
pub(super) fn captured(cx: &Cx<'_>) -> User<u32> {
    holder(cx, input::field::CAPTURE)
}

/// The active window of the input that has the foreground.
pub(super) fn foreground(cx: &Cx<'_>) -> User<u32> {
    let tx = cx.windows()?;
    Ok(match tx.foreground() {
        0 => 0,
        record => tx.handle_of(tx.link(record + input::field::ACTIVE)),
    })
}

/// Gives a window (0: none) a role of the calling thread's input; answers which window had it.
///
/// # Errors
/// ERROR_INVALID_WINDOW_HANDLE; ERROR_ACCESS_DENIED for one whose thread is not attached.
fn assign(cx: &Cx<'_>, role: u32, window: u32) -> User<u32> {
    let mine = cx.queue()?.record;
    let mut tx = cx.windows()?;
    let shared = tx.input_of(mine);
    let record = match window {
        0 => 0,
        window => {
            let found = find(&tx, window).ok_or(Failed::with(error::INVALID_WINDOW_HANDLE))?;
            if found.queue == 0 || tx.input_of(found.queue) != shared {
                return Err(Failed::with(error::ACCESS_DENIED));
            }
            found.record
        }
    };
    let before = tx.get(shared + role);
    let before = tx.handle_of(before);
    tx.set(shared + role, record);
    if role == input::field::ACTIVE && record != 0 {
        if tx.active_window() == 0 && is_seen(&tx, record) {
            // With nobody in front who becomes active is: no click is needed for keys to reach it.
            tx.set_foreground(shared);
        }
        // Who owns it, and owns that one, remembers. Nobody need be asked to look at them any more.
        let mut owner = record;
        for _ in 0..1000 {
            if owner == 0 {
                break;
            }
            tx.set(owner + field::LAST_ACTIVE, record);
            tx.ask_to_look(owner, false);
            owner = tx.link(owner + field::OWNER);
        }
    }
    if role == input::field::ACTIVE {
        tx.settle_full_screen();
    }
    tx.commit()?;
    Ok(before)
}

fn is_iconic(cx: &Cx<'_>, window: &Window) -> User<u64> {
    Ok(u64::from(cx.windows()?.get(window.record + field::STYLE) & MINIMIZE != 0))
}

/// Brings a window to the foreground and makes it active, as SetForegroundWindow does; `mouse` if a click did it. Answers whether it is.
///
/// # Errors
/// ERROR_INVALID_WINDOW_HANDLE, also for a child.
pub(super) fn activate(cx: &Cx<'_>, window: &Window, mouse: bool) -> User<bool> {
    bring_forward(cx, window, mouse, true)
}

/// See [`activate`]; with `focus` a window that becomes active in the calling thread gets the focus, if nothing in it has that.
fn bring_forward(cx: &Cx<'_>, window: &Window, mouse: bool, focus: bool) -> User<bool> {
    let mine = cx.queue()?.record;
    let mut tx = cx.windows()?;
    let found = find(&tx, window.handle).filter(|found| found.queue != 0 && may_be_active(&tx, found.record));
    let found = found.ok_or(Failed::with(error::INVALID_WINDOW_HANDLE))?;
    if tx.link(found.queue + queue::field::DESKTOP) != tx.input_desktop() {
        // The user does not see that desktop.
        return Ok(false);
    }
    let before = tx.foreground();
    let previous = if before == 0 { 0 } else { tx.link(before + input::field::ACTIVE) };
    let previous = super::tree::of_record(&tx, previous);
    let own = tx.input_of(mine);
    let new = tx.input_of(found.queue);
    tx.set_foreground(new);
    tx.commit()?;
    if previous.is_some_and(|previous| previous.handle == found.handle) {
        return Ok(true);
    }
    let mut good = true;
    match previous {
        Some(previous) if before != own => {
            let told = letter(internal::SET_ACTIVE, 0, found.thread.into());
            cx.notify(&previous, &told, how::NOTIFY | how::INTERNAL, (0, 0))?;
        }
        _ if new != own => good = set_active(cx, 0, mouse, true, found.thread)?.is_some(),
        _ => {}
    }
    if new != own {
        let told = letter(internal::SET_ACTIVE, found.handle.into(), 0);
        cx.notify(&found, &told, how::NOTIFY | how::INTERNAL, (0, 0))?;
        return Ok(good);
    }
    let already = active(cx)? == found.handle;
    let good = set_active(cx, found.handle, mouse, focus, 0)?.is_some();
    if already && before != new && foreground(cx)? == found.handle {
        // A dialog takes the focus before it is shown: it was active with nothing in front, and its caption says so still.
        if let Ok(found) = cx.window(found.handle.into()) {
            cx.send(&found, &letter(message::NC_ACTIVATE, 1, 0))?;
        }
    }
    Ok(good)
}

/// Makes a window (0: none) of the calling thread's input the active one, and with `focus` gives it the focus if nothing in it has that.
/// `new_thread` is told to the windows that are no longer active, if the new one belongs to another thread. Answers which it was; `None` if
/// a hook refused.
///
/// # Errors
/// ERROR_INVALID_WINDOW_HANDLE, ERROR_ACCESS_DENIED.
pub(super) fn set_active(cx: &Cx<'_>, window: u32, mouse: bool, focus: bool, new_thread: u32) -> User<Option<u32>> {
    let previous = active(cx)?;
    if previous == window {
        return Ok(Some(previous));
    }
    // CBTACTIVATESTRUCT.
    let told = [u64::from(mouse), u64::from(previous)];
    if hook::call_with(cx, hook::CBT, cbt::ACTIVATE, window.into(), told.as_bytes())?.0 != 0 {
        return Ok(None);
    }
    if let Ok(old) = cx.window(previous.into()) {
        cx.send(&old, &letter(message::NC_ACTIVATE, 0, window.into()))?;
        if let Ok(old) = cx.window(previous.into()) {
            let iconic = is_iconic(cx, &old)?;
            cx.send(&old, &letter(message::ACTIVATE, iconic << 16, window.into()))?;
        }
    }
    let previous = assign(cx, input::field::ACTIVE, window)?;
    if previous == window {
        return Ok(Some(previous));
    }
    if window != 0 {
        hook::event(cx, hook::event::FOREGROUND, window.into(), 0, 0);
        let new = cx.window(window.into())?;
        if cx.send(&new, &letter(message::QUERY_NEW_PALETTE, 0, 0))? != 0 {
            for other in cx.top_windows()? {
                let told = letter(message::PALETTE_IS_CHANGING, window.into(), 0);
                let _ = cx.notify(&other, &told, how::NOTIFY, (0, 0));
            }
        }
        let Ok(_) = cx.window(window.into()) else { return Ok(None) };
    }
    tell_programs(cx, previous, window, new_thread)?;
    if let Ok(new) = cx.window(window.into()) {
        let in_front = foreground(cx)? == window;
        cx.send(&new, &letter(message::NC_ACTIVATE, in_front.into(), previous.into()))?;
        if let Ok(new) = cx.window(window.into()) {
            let how = if mouse { CLICK_ACTIVE } else { ACTIVE };
            let iconic = is_iconic(cx, &new)?;
            cx.send(&new, &letter(message::ACTIVATE, how | iconic << 16, previous.into()))?;
        }
    }
    // Unless it is no longer active.
    if focus && active(cx)? == window {
        let focused = focused(cx)?;
        if focused == 0 || window == 0 || tree::get_ancestor(cx, focused.into(), 2).unwrap_or(0) != u64::from(window) {
            move_focus(cx, window)?;
        }
    }
    Ok(Some(previous))
}

/// Tells all top-level windows of two threads that the one is no longer active, and the other is.
fn tell_programs(cx: &Cx<'_>, previous: u32, window: u32, new_thread: u32) -> User<()> {
    let thread = |window: u32| cx.window(window.into()).map_or(0, |found| found.thread);
    let (old, new) = (thread(previous), thread(window));
    if old == new {
        return Ok(());
    }
    let all = cx.top_windows()?;
    let told = if new_thread != 0 { new_thread } else { new };
    for (whose, wparam, lparam) in [(old, 0, told), (new, 1, old)] {
        for window in all.iter().filter(|window| whose != 0 && window.thread == whose) {
            // One that is gone keeps it from none.
            let _ = cx.send(window, &letter(message::ACTIVATE_APP, wparam, lparam.into()));
        }
    }
    Ok(())
}

/// Gives a window (0: none) the focus and tells both; answers which had it.
fn move_focus(cx: &Cx<'_>, window: u32) -> User<u32> {
    let previous = assign(cx, input::field::FOCUS, window)?;
    if previous == window {
        return Ok(previous);
    }
    if let Ok(old) = cx.window(previous.into()) {
        cx.send(&old, &letter(message::KILL_FOCUS, window.into(), 0))?;
        super::ime::focus_changed(cx, previous, false)?;
        if focused(cx)? != window {
            return Ok(previous);
        }
    }
    if let Ok(new) = cx.window(window.into()) {
        super::ime::focus_changed(cx, window, true)?;
        hook::event(cx, hook::event::FOCUS, window.into(), hook::event::CLIENT, 0);
        cx.send(&new, &letter(message::SET_FOCUS, previous.into(), 0))?;
    }
    Ok(previous)
}

/// NtUserSetFocus: which window had it.
///
/// # Errors
/// The answer is 0, and the last error says why; none for one that can't have it.
pub fn set_focus(cx: &Cx<'_>, window: u64) -> User {
    let previous = focused(cx)?;
    if window == 0 {
        if previous == 0 || hook::call(cx, hook::CBT, cbt::SET_FOCUS, 0, previous.into())? != 0 {
            return Ok(0);
        }
        return move_focus(cx, 0).map(u64::from);
    }
    let found = cx.window(window)?;
    if found.handle == previous {
        return Ok(previous.into());
    }
    let Some(top) = top_of(cx, &found)? else { return Ok(0) };
    if hook::call(cx, hook::CBT, cbt::SET_FOCUS, found.handle.into(), previous.into())? != 0 {
        return Ok(0);
    }
    if top != active(cx)? && (!become_active(cx, top, false)? || cx.window(window).is_err() || top != active(cx)?) {
        return Ok(0);
    }
    move_focus(cx, found.handle).map(u64::from)
}

/// The window that is active while this one has the focus; `None` if it can't have it.
fn top_of(cx: &Cx<'_>, window: &Window) -> User<Option<u32>> {
    let tx = cx.windows()?;
    let (desktop, messages) = (tx.root_window(false), tx.root_window(true));
    let mut at = window.record;
    for _ in 0..1000 {
        let style = tx.get(at + field::STYLE);
        if style & (MINIMIZE | DISABLED) != 0 {
            return Ok(None);
        }
        if style & CHILD == 0 {
            break;
        }
        let parent = tx.link(at + field::PARENT);
        if parent == 0 || parent == desktop {
            if style & (POPUP | CHILD) == CHILD {
                return Ok(None);
            }
            break;
        }
        if parent == messages {
            return Ok(None);
        }
        at = parent;
    }
    Ok(Some(tx.handle_of(at)))
}

/// NtUserSetActiveWindow: which it was.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn set_active_window(cx: &Cx<'_>, window: u64) -> User {
    let mut handle = 0;
    if window != 0 {
        let found = cx.window(window)?;
        handle = found.handle;
        let tx = cx.windows()?;
        if !may_be_active(&tx, found.record) {
            drop(tx);
            return active(cx).map(u64::from);
        }
    }
    let previous = active(cx)?;
    Ok(if become_active(cx, handle, true)? { previous.into() } else { 0 })
}

/// A thread makes a window (0: none) of its own input the active one; see [`set_active`]. Answers whether no hook refused.
///
/// # Errors
/// ERROR_INVALID_WINDOW_HANDLE, ERROR_ACCESS_DENIED.
fn become_active(cx: &Cx<'_>, window: u32, focus: bool) -> User<bool> {
    let forward = match cx.window(window.into()) {
        Ok(found) => {
            let mine = cx.queue()?.record;
            let tx = cx.windows()?;
            let own = found.queue != 0 && tx.input_of(found.queue) == tx.input_of(mine);
            (own && tx.comes_forward(found.record)).then_some(found)
        }
        Err(_) => None,
    };
    match forward {
        Some(found) => bring_forward(cx, &found, false, focus),
        None => Ok(set_active(cx, window, false, focus, 0)?.is_some()),
    }
}

/// SetForegroundWindow.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub(super) fn set_foreground_window(cx: &Cx<'_>, window: u64) -> User {
    let found = cx.window(window)?;
    if cx.windows()?.is_desktop(found.record) {
        // Nothing of the caller's is active then.
        let mine = cx.queue()?.record;
        let mut tx = cx.windows()?;
        if tx.foreground() == tx.input_of(mine) {
            tx.set_foreground(0);
            tx.commit()?;
            set_active(cx, 0, false, true, 0)?;
        }
        return Ok(1);
    }
    activate(cx, &found, false).map(u64::from)
}

/// NtUserGetForegroundWindow.
///
/// # Errors
/// None.
pub fn get_foreground_window(cx: &Cx<'_>) -> User {
    foreground(cx).map(u64::from)
}

/// Another of the desktop's windows becomes active in place of one that goes: the owner, else the next one that can be.
pub(super) fn activate_other(cx: &Cx<'_>, window: &Window) -> User<()> {
    let candidate = {
        let tx = cx.windows()?;
        let able = |record: u32| {
            let style = tx.get(record + field::STYLE);
            record != 0
                && record != window.record
                && style & (DISABLED | VISIBLE) == VISIBLE
                && style & (POPUP | CHILD) != CHILD
        };
        let owner = tx.link(window.record + field::OWNER);
        let popup = tx.get(window.record + field::STYLE) & (POPUP | CHILD) == POPUP;
        let mut above = owner;
        // An owner that lies in another window stands for that.
        while above != 0 && !tx.is_desktop(tx.link(above + field::PARENT)) {
            above = tx.link(above + field::PARENT);
        }
        if popup && able(above) {
            Some(above)
        } else {
            // Those below it first, then from the top; no tool windows (WS_EX_TOOLWINDOW) or those that want none (WS_EX_NOACTIVATE).
            const EX_TOOL: u32 = 0x80;
            const EX_NO_ACTIVATE: u32 = 0x0800_0000;
            let all = tx.children(tx.root_window(false));
            let place = all.iter().position(|other| *other == window.record).map_or(0, |place| place + 1);
            let (above, below) = all.split_at(place.min(all.len()));
            let fit =
                |other: &&u32| able(**other) && tx.get(**other + field::EX_STYLE) & (EX_TOOL | EX_NO_ACTIVATE) == 0;
            below.iter().chain(above).find(fit).copied()
        }
        .and_then(|record| tree::of_record(&tx, record))
    };
    let in_front = foreground(cx)? == window.handle;
    match candidate {
        Some(next) if in_front || foreground(cx)? == 0 => drop(activate(cx, &next, false)?),
        Some(next) if next.is_mine(cx) && next.is_ours(cx) => drop(set_active(cx, next.handle, false, true, 0)?),
        _ => drop(set_active(cx, 0, false, true, 0)?),
    }
    Ok(())
}

/// Gives a window (0: none) the capture of the mouse and tells who had it; answers who that was.
///
/// # Errors
/// ERROR_INVALID_WINDOW_HANDLE; ERROR_ACCESS_DENIED for a window of a thread that is not attached, and while a menu is tracked.
pub(super) fn capture(cx: &Cx<'_>, window: u64, purpose: CaptureFor) -> User<u32> {
    let mine = cx.queue()?.record;
    let (previous, new) = {
        let mut tx = cx.windows()?;
        let shared = tx.input_of(mine);
        if tx.link(shared + input::field::MENU) != 0 && purpose != CaptureFor::Menu {
            return Err(Failed::with(error::ACCESS_DENIED));
        }
        let record = match window as u32 {
            0 => 0,
            window => {
                let found = find(&tx, window).ok_or(Failed::with(error::INVALID_WINDOW_HANDLE))?;
                if found.queue == 0 || tx.input_of(found.queue) != shared {
                    return Err(Failed::with(error::ACCESS_DENIED));
                }
                found.record
            }
        };
        let before = tx.link(shared + input::field::CAPTURE);
        let before = tx.handle_of(before);
        tx.set(shared + input::field::CAPTURE, record);
        tx.set(shared + input::field::MENU, if purpose == CaptureFor::Menu { record } else { 0 });
        tx.set(shared + input::field::MOVED, if purpose == CaptureFor::Moving { record } else { 0 });
        let new = tx.handle_of(record);
        tx.commit()?;
        (before, new)
    };
    if previous != 0 {
        hook::event(cx, hook::event::CAPTURE_END, previous.into(), 0, 0);
    }
    if new != 0 {
        hook::event(cx, hook::event::CAPTURE_START, new.into(), 0, 0);
    }
    if let Ok(old) = cx.window(previous.into()) {
        cx.send(&old, &letter(message::CAPTURE_CHANGED, 0, new.into()))?;
    }
    Ok(previous)
}

/// NtUserSetCapture: who had it.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn set_capture(cx: &Cx<'_>, window: u64) -> User {
    capture(cx, window, CaptureFor::Program).map(u64::from)
}

/// ReleaseCapture.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub(super) fn release_capture(cx: &Cx<'_>) -> User {
    let previous = capture(cx, 0, CaptureFor::Program)?;
    if previous != 0 {
        // The window below the cursor may have missed that it came there.
        super::input::cursor_meets(cx)?;
    }
    Ok(1)
}

/// NtUserAttachThreadInput: has two threads share their input, or no longer.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn attach_thread_input(cx: &Cx<'_>, from: u32, to: u32, attach: u32) -> User {
    for thread in [from, to] {
        if u64::from(thread) == cx.t.id {
            cx.queue()?;
        }
    }
    if from == to {
        return Err(Failed::with(error::ACCESS_DENIED));
    }
    let mut tx = cx.windows()?;
    let queues = (tx.queue_of(from), tx.queue_of(to));
    let (Some(from), Some(to)) = queues else { return Err(Failed::with(error::INVALID_PARAMETER)) };
    if attach != 0 {
        tx.join_input(from, to);
    } else if tx.input_of(from) == tx.input_of(to) {
        tx.split_input(from)?;
    } else {
        return Err(Failed::with(error::ACCESS_DENIED));
    }
    tx.commit()?;
    Ok(1)
}

/// sizeof(GUITHREADINFO).
const THREAD_INFO: u32 = 72;

/// NtUserGetGUIThreadInfo: what a thread's input is at; 0 stands for the thread in the foreground.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn get_gui_thread_info(cx: &Cx<'_>, thread: u32, info: u64) -> User {
    /// GUI_CARETBLINKING, GUI_INMOVESIZE, GUI_INMENUMODE.
    const CARET: u32 = 1;
    const MOVING: u32 = 2;
    const MENU: u32 = 4;
    if UserPtr::<u32>::new(info).read(cx.k)? != THREAD_INFO {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let mut words = [0u32; (THREAD_INFO / 4) as usize];
    words[0] = THREAD_INFO;
    let tx = cx.windows()?;
    let shared = match thread {
        0 => tx.foreground(),
        thread => tx.queue_of(thread).map_or(0, |queue| tx.input_of(queue)),
    };
    if shared != 0 {
        let roles = [
            input::field::ACTIVE,
            input::field::FOCUS,
            input::field::CAPTURE,
            input::field::MENU,
            input::field::MOVED,
            input::field::CARET,
        ];
        for (place, role) in (2..).step_by(2).zip(roles) {
            words[place] = tx.handle_of(tx.get(shared + role));
        }
        let flags = [(MENU, input::field::MENU), (MOVING, input::field::MOVED), (CARET, input::field::CARET)];
        for (bit, role) in flags {
            if tx.get(shared + role) != 0 {
                words[1] |= bit;
            }
        }
        for (place, side) in (14..).zip(0..4) {
            words[place] = tx.get(shared + input::field::CARET_RECT + side);
        }
    }
    drop(tx);
    cx.k.write_user(info, words.as_bytes())?;
    Ok(1)
}

/// What a thread does that is told that its window became active, or with 0 that another one's did.
pub(super) fn told(cx: &Cx<'_>, window: &Window, new: u64, thread: u64) -> User {
    if new == 0 && foreground(cx)? == window.handle {
        return Ok(0);
    }
    Ok(set_active(cx, new as u32, false, true, thread as u32)?.unwrap_or(0).into())
}
