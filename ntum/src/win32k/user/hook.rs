//! Hooks: SetWindowsHookEx, SetWinEventHook, and how they are called.
//!
//! A hook of Windows' runs in the thread that something happens to; a low-level one of keyboard or mouse in the thread that set it, which is
//! asked by a message. Which hooks a chain has is settled as it begins; those that are gone by their turn are left out.

use super::super::{Failed, User, error};
use super::internal;
use super::procedure::Letter;
use super::send::{Patience, Target};
use crate::call::Cx;
use crate::shm::user::hook::{Hook, flags};
use crate::shm::user::message::{Message, Sending, how};
use crate::types::UnicodeString;
use crate::um::{UserPtr, UserSlice};
use zerocopy::IntoBytes;

/// WH_*.
pub(super) const MESSAGE_FILTER: i32 = -1;
const JOURNAL_RECORD: i32 = 0;
const JOURNAL_PLAYBACK: i32 = 1;
pub(super) const KEYBOARD: i32 = 2;
pub(super) const GET_MESSAGE: i32 = 3;
pub(super) const CALL_PROCEDURE: i32 = 4;
pub(super) const CBT: i32 = 5;
pub(super) const SYSTEM_MESSAGE_FILTER: i32 = 6;
pub(super) const MOUSE: i32 = 7;
pub(super) const SHELL: i32 = 10;
pub(super) const CALL_PROCEDURE_RETURNED: i32 = 12;
pub(super) const KEYBOARD_LOW: i32 = 13;
pub(super) const MOUSE_LOW: i32 = 14;
/// Not one of SetWindowsHookEx: events of accessibility.
const EVENTS: i32 = 15;

/// HCBT_*.
pub(super) mod cbt {
    pub const MIN_MAX: i32 = 1;
    pub const CREATE_WINDOW: i32 = 3;
    pub const DESTROY_WINDOW: i32 = 4;
    pub const ACTIVATE: i32 = 5;
    pub const CLICK_SKIPPED: i32 = 6;
    pub const KEY_SKIPPED: i32 = 7;
    pub const SET_FOCUS: i32 = 9;
}

/// EVENT_* and OBJID_*.
pub(super) mod event {
    pub const FOREGROUND: u32 = 0x0003;
    pub const CAPTURE_START: u32 = 0x0008;
    pub const CAPTURE_END: u32 = 0x0009;
    pub const MINIMIZE_START: u32 = 0x0016;
    pub const MINIMIZE_END: u32 = 0x0017;
    pub const CREATE: u32 = 0x8000;
    pub const DESTROY: u32 = 0x8001;
    pub const SHOW: u32 = 0x8002;
    pub const HIDE: u32 = 0x8003;
    pub const FOCUS: u32 = 0x8005;
    pub const STATE_CHANGE: u32 = 0x800a;
    pub const LOCATION_CHANGE: u32 = 0x800b;
    /// OBJID_WINDOW, OBJID_CLIENT, OBJID_CARET, OBJID_CURSOR.
    pub const WINDOW: i32 = 0;
    pub const CLIENT: i32 = -4;
    pub const CARET: i32 = -8;
    pub const CURSOR: i32 = -9;
}

/// HC_ACTION, HC_NOREMOVE.
pub(super) const ACTION: i32 = 0;
pub(super) const NO_REMOVE: i32 = 3;
/// Callbacks of user32: `NtUserCallWinEventHook`, `NtUserCallWindowsHook`.
const CALL_EVENT_HOOK: u32 = 3;
const CALL_HOOK: u32 = 5;
/// Hooks deeper in each other than this are not called.
const DEEPEST: usize = 25;
/// Milliseconds that a low-level hook has for its answer.
pub(super) const LOW_LEVEL_PATIENCE: u32 = 2000;

/// A chain of hooks that a thread is in.
pub struct Chain {
    /// Those to be called still, the next one last: handles.
    left: Vec<u32>,
    /// Whether the one that is called takes UTF-16.
    unicode: bool,
}

/// What user32 is told of a hook that it is to call: `struct win_hook_params` of Wine 10's `include/ntuser.h`, which ends with the module's
/// path; then, at a multiple of 16, what the parameter points at.
fn arguments(hook: &Hook, code: i32, wparam: u64, lparam: u64, before: bool, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64 + hook.module.len() + data.len());
    bytes.extend(hook.function.to_le_bytes());
    bytes.extend(u64::from(hook.handle).to_le_bytes());
    // The process and thread that it is called in: this one.
    bytes.extend([0; 8]);
    bytes.extend(hook.kind.to_le_bytes());
    bytes.extend(code.to_le_bytes());
    bytes.extend(wparam.to_le_bytes());
    bytes.extend(lparam.to_le_bytes());
    bytes.extend(u32::from(before).to_le_bytes());
    bytes.extend(u32::from(hook.unicode).to_le_bytes());
    bytes.extend_from_slice(&hook.module);
    bytes.extend([0; 2]);
    if !data.is_empty() {
        bytes.resize(bytes.len().next_multiple_of(16), 0);
        bytes.extend_from_slice(data);
    }
    bytes
}

impl Cx<'_> {
    /// Whether there is any hook of a kind: what is asked before anything is made ready for one.
    pub(super) fn is_hooked(&self, kind: i32) -> bool {
        self.t.messages.get().is_some() && self.sandbox().is_ok_and(|(shm, _)| shm.is_hooked(kind))
    }

    /// Calls one hook, the others being next in its chain; answers its result, and the data as it left them.
    fn call_hook(
        &self,
        hook: &Hook,
        left: Vec<u32>,
        before: bool,
        (code, wparam, lparam): (i32, u64, u64),
        data: &[u8],
    ) -> User<(u64, Vec<u8>)> {
        if is_low(hook.kind) && u64::from(hook.owner_thread) != self.t.id {
            // The thread that set it calls it, and goes on with the others.
            let told = [u64::from(hook.handle).to_le_bytes().as_slice(), data].concat();
            let letter = Letter { message: internal::CALL_HOOK, wparam, lparam: code as u64, ansi: false };
            let patience = Patience { milliseconds: LOW_LEVEL_PATIENCE, flags: 0 };
            return Ok(match self.send_to_thread(hook.owner_thread, &letter, told, patience) {
                Ok(result) => (result, Vec::new()),
                // Who does not answer has nothing to say.
                Err(_) => (0, Vec::new()),
            });
        }
        let queue = self.queue()?;
        {
            let mut chains = queue.chains.lock();
            if chains.len() >= DEEPEST {
                return Ok((0, Vec::new()));
            }
            chains.push(Chain { left, unicode: hook.unicode });
        }
        let ended = self.callback(CALL_HOOK, &arguments(hook, code, wparam, lparam, before, data));
        queue.chains.lock().pop();
        let Ok(ended) = ended else { return Ok((0, Vec::new())) };
        let Some((result, data)) = ended.bytes.split_first_chunk() else { return Ok((0, Vec::new())) };
        Ok((u64::from_le_bytes(*result), data.to_vec()))
    }

    fn hooks(&self, kind: i32, event: Option<u32>) -> User<Vec<Hook>> {
        let (thread, process) = (self.t.id as u32, self.k.ps.id() as u32);
        Ok(self.windows()?.hooks_of(kind, thread, process, event))
    }

    /// Has the calling thread go through the hooks that follow: those of a chain, or with none those behind a hook.
    fn call_chain(&self, hooks: &[Hook], letter: (i32, u64, u64), data: &[u8]) -> User<(u64, Vec<u8>)> {
        let Some((first, rest)) = hooks.split_first() else { return Ok((0, Vec::new())) };
        let left = rest.iter().rev().map(|hook| hook.handle).collect();
        self.call_hook(first, left, true, letter, data)
    }
}

fn is_low(kind: i32) -> bool {
    kind == KEYBOARD_LOW || kind == MOUSE_LOW
}

/// Calls the hooks of a kind; answers the result, 0 if there are none.
pub(super) fn call(cx: &Cx<'_>, kind: i32, code: i32, wparam: u64, lparam: u64) -> User {
    if !cx.is_hooked(kind) {
        return Ok(0);
    }
    let hooks = cx.hooks(kind, None)?;
    cx.call_chain(&hooks, (code, wparam, lparam), &[]).map(|(result, _)| result)
}

/// As [`call`], with what the second parameter points at; answers that too, as the hooks left it.
pub(super) fn call_with(cx: &Cx<'_>, kind: i32, code: i32, wparam: u64, data: &[u8]) -> User<(u64, Vec<u8>)> {
    if !cx.is_hooked(kind) {
        return Ok((0, Vec::new()));
    }
    let hooks = cx.hooks(kind, None)?;
    cx.call_chain(&hooks, (code, wparam, 0), data)
}

/// A low-level hook of the calling thread's is to be called, by number; then those behind it.
pub(super) fn call_low(cx: &Cx<'_>, handle: u32, code: i32, wparam: u64, data: &[u8]) -> User {
    let Some(hook) = cx.windows()?.find_hook(handle) else { return Ok(0) };
    let behind = cx.hooks(hook.kind, None)?;
    let place = behind.iter().position(|other| other.handle == handle).map_or(behind.len(), |place| place + 1);
    let left = behind.get(place..).unwrap_or_default().iter().rev().map(|hook| hook.handle).collect();
    cx.call_hook(&hook, left, true, (code, wparam, 0), data).map(|(result, _)| result)
}

/// The first low-level hook of a kind: who is to be asked about input.
pub(super) fn first_low(cx: &Cx<'_>, kind: i32) -> User<Option<Hook>> {
    if !cx.is_hooked(kind) {
        return Ok(None);
    }
    Ok(cx.hooks(kind, None)?.into_iter().next())
}

/// Sets a hook for a thread (0: all).
fn set(cx: &Cx<'_>, hook: Hook) -> User {
    let mine = cx.queue()?.record;
    let hook = Hook { owner: mine, owner_thread: cx.t.id as u32, owner_process: cx.k.ps.id() as u32, ..hook };
    let mut tx = cx.windows()?;
    let handle = tx.add_hook(&hook)?;
    tx.commit()?;
    Ok(handle.into())
}

/// A module's path as hooks keep it.
fn module_of(cx: &Cx<'_>, module: UserPtr<UnicodeString>) -> User<Vec<u8>> {
    /// MAX_PATH units.
    const MOST: u64 = 520;
    if module.is_null() {
        return Ok(Vec::new());
    }
    let text = module.read(cx.k)?;
    Ok(UserSlice::new(text.buffer, u64::from(text.length).min(MOST)).read_all(cx.k)?)
}

/// The process of a thread that a hook is to be for.
fn process_of(cx: &Cx<'_>, thread: u32) -> User<u32> {
    if u64::from(thread) == cx.t.id || cx.k.ps.thread(u64::from(thread)).is_some() {
        return Ok(cx.k.ps.id() as u32);
    }
    let tx = cx.windows()?;
    let queue = tx.queue_of(thread).ok_or(Failed::with(error::INVALID_PARAMETER))?;
    Ok(tx.id_of(tx.get(queue + crate::shm::user::queue::field::MEMBER)))
}

/// NtUserSetWindowsHookEx: the hook's handle.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn set_windows_hook(
    cx: &Cx<'_>,
    instance: u64,
    module: UserPtr<UnicodeString>,
    thread: u32,
    kind: u32,
    function: u64,
    ansi: u32,
) -> User {
    let kind = kind as i32;
    let mut instance = instance;
    if function == 0 {
        return Err(Failed::with(error::INVALID_FILTER_PROC));
    }
    if thread != 0 {
        if matches!(kind, JOURNAL_RECORD | JOURNAL_PLAYBACK | KEYBOARD_LOW | MOUSE_LOW | SYSTEM_MESSAGE_FILTER) {
            return Err(Failed::with(error::GLOBAL_ONLY_HOOK));
        }
    } else if kind == JOURNAL_RECORD || kind == JOURNAL_PLAYBACK {
        // As Windows has it since it isolates processes: only programs for accessibility may.
        return Err(Failed::with(error::ACCESS_DENIED));
    } else if is_low(kind) {
        instance = 0;
    } else if instance == 0 {
        return Err(Failed::with(error::HOOK_NEEDS_HMOD));
    }
    if !(MESSAGE_FILTER..=MOUSE_LOW).contains(&kind) {
        return Err(Failed::with(error::INVALID_HOOK_FILTER));
    }
    let module = if instance == 0 { Vec::new() } else { module_of(cx, module)? };
    if thread != 0 && process_of(cx, thread)? != cx.k.ps.id() as u32 && module.is_empty() {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let function = if instance == 0 { function } else { function.wrapping_sub(instance) };
    let hook = Hook {
        kind,
        thread,
        events: (1, i32::MAX as u32),
        flags: flags::IN_CONTEXT,
        unicode: ansi == 0,
        function,
        module,
        ..Hook::default()
    };
    set(cx, hook)
}

/// NtUserUnhookWindowsHookEx.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn unhook(cx: &Cx<'_>, hook: u64) -> User {
    let mut tx = cx.windows()?;
    if !tx.remove_hook(hook as u32, false) {
        return Err(Failed::with(error::INVALID_HOOK_HANDLE));
    }
    tx.commit()?;
    Ok(1)
}

/// UnhookWindowsHook: by kind and function.
pub(super) fn unhook_function(cx: &Cx<'_>, kind: i32, function: u64) -> User {
    let handle = cx.windows()?.hook_with(cx.t.id as u32, kind, function);
    unhook(cx, handle.ok_or(Failed::with(error::INVALID_PARAMETER))?.into())
}

/// NtUserCallNextHookEx: has the next hook of the chain that the thread is in called.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn call_next(cx: &Cx<'_>, _hook: u64, code: u32, wparam: u64, lparam: u64) -> User {
    let queue = cx.queue()?;
    let (left, unicode) = {
        let chains = queue.chains.lock();
        let Some(chain) = chains.last() else { return Ok(0) };
        (chain.left.clone(), chain.unicode)
    };
    let mut left = left;
    while let Some(next) = left.pop() {
        let Some(hook) = cx.windows()?.find_hook(next) else { continue };
        // What it points at, where another thread is to be asked.
        let size = match hook.kind {
            KEYBOARD_LOW => 24,
            MOUSE_LOW => 32,
            _ => 0,
        };
        let elsewhere = is_low(hook.kind) && u64::from(hook.owner_thread) != cx.t.id;
        let data = if elsewhere { UserSlice::new(lparam, size).read_all(cx.k)? } else { Vec::new() };
        return cx.call_hook(&hook, left, unicode, (code as i32, wparam, lparam), &data).map(|(result, _)| result);
    }
    Ok(0)
}

/// NtUserCallMsgFilter: whether a hook took the message, a MSG.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn call_message_filter(cx: &Cx<'_>, message: u64, code: u32) -> User {
    /// sizeof(MSG).
    const SIZE: u64 = 48;
    for kind in [SYSTEM_MESSAGE_FILTER, MESSAGE_FILTER] {
        if !cx.is_hooked(kind) {
            continue;
        }
        // A hook gets a copy, and what it changes of that comes back.
        let told = UserSlice::new(message, SIZE).read_all(cx.k)?;
        let (taken, back) = call_with(cx, kind, code as i32, 0, &told)?;
        if back.len() as u64 == SIZE {
            cx.k.write_user(message, &back)?;
        }
        if taken != 0 {
            return Ok(1);
        }
    }
    Ok(0)
}

/// NtUserSetWinEventHook: the hook's handle.
///
/// # Errors
/// The answer is 0, and the last error says why.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn set_event_hook(
    cx: &Cx<'_>,
    first: u32,
    last: u32,
    instance: u64,
    module: UserPtr<UnicodeString>,
    function: u64,
    process: u32,
    thread: u32,
    how: u32,
) -> User {
    if how & flags::IN_CONTEXT != 0 && instance == 0 {
        return Err(Failed::with(error::HOOK_NEEDS_HMOD));
    }
    if first > last {
        return Err(Failed::with(error::INVALID_HOOK_FILTER));
    }
    if function == 0 {
        return Err(Failed::with(error::INVALID_FILTER_PROC));
    }
    if thread != 0 {
        process_of(cx, thread)?;
    }
    let relative = instance != 0 && thread == 0;
    let hook = Hook {
        kind: EVENTS,
        thread,
        process,
        events: (first, last),
        flags: how,
        unicode: true,
        function: if relative { function.wrapping_sub(instance) } else { function },
        module: if relative { module_of(cx, module)? } else { Vec::new() },
        ..Hook::default()
    };
    set(cx, hook)
}

/// NtUserUnhookWinEvent.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn unhook_event(cx: &Cx<'_>, hook: u64) -> User {
    let mut tx = cx.windows()?;
    if !tx.remove_hook(hook as u32, true) {
        return Err(Failed::with(error::INVALID_HANDLE));
    }
    tx.commit()?;
    Ok(1)
}

/// What user32 is told of an event: `struct win_event_hook_params` of the same header.
fn event_arguments(hook: &Hook, event: u32, window: u64, object: (i32, i32), thread: u32, time: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64 + hook.module.len());
    bytes.extend(event.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(window.to_le_bytes());
    bytes.extend(object.0.to_le_bytes());
    bytes.extend(object.1.to_le_bytes());
    bytes.extend(u64::from(hook.handle).to_le_bytes());
    bytes.extend(thread.to_le_bytes());
    bytes.extend(time.to_le_bytes());
    bytes.extend(hook.function.to_le_bytes());
    bytes.extend_from_slice(&hook.module);
    bytes.extend([0; 2]);
    bytes
}

/// Tells hooks on events that something happened to a window. Nothing of it fails.
pub(super) fn event(cx: &Cx<'_>, event: u32, window: u64, object: i32, child: i32) {
    if !cx.is_hooked(EVENTS) {
        return;
    }
    let Ok(hooks) = cx.hooks(EVENTS, Some(event)) else { return };
    let time = cx.milliseconds();
    for hook in hooks {
        let told = event_arguments(&hook, event, window, (object, child), cx.t.id as u32, time);
        if hook.flags & flags::IN_CONTEXT != 0 {
            let _ = cx.callback(CALL_EVENT_HOOK, &told);
            continue;
        }
        // The thread that set it hears of it when it next looks at its messages.
        let message = Message { number: internal::EVENT, wparam: hook.handle.into(), time, ..Message::default() };
        let sending = Sending { how: how::NOTIFY | how::INTERNAL, data: told, callback: (0, 0) };
        let post = || -> User<()> {
            let mut tx = cx.windows()?;
            if let Some(queue) = tx.queue_of(hook.owner_thread) {
                tx.send_message(0, queue, &message, &sending)?;
                tx.commit()?;
            }
            Ok(())
        };
        let _ = post();
    }
}

/// An event that another thread told of.
pub(super) fn told(cx: &Cx<'_>, hook: u64, data: &[u8]) -> User {
    if cx.windows()?.find_hook(hook as u32).is_some() {
        let _ = cx.callback(CALL_EVENT_HOOK, data);
    }
    Ok(0)
}

/// NtUserNotifyWinEvent.
///
/// # Errors
/// The last error says why.
pub fn notify_event(cx: &Cx<'_>, which: u32, window: u64, object: u32, child: u32) -> User {
    if window == 0 {
        return Err(Failed::with(error::INVALID_WINDOW_HANDLE));
    }
    event(cx, which, window, object as i32, child as i32);
    Ok(0)
}

/// The hooks on messages that are sent see one: before its window's procedure does, or with its result after that. `data` is what the
/// parameters point at if that is not the guest's.
pub(super) fn message_sent(cx: &Cx<'_>, same: bool, window: u64, letter: &Letter, result: Option<u64>, data: &[u8]) {
    let kind = if result.is_some() { CALL_PROCEDURE_RETURNED } else { CALL_PROCEDURE };
    if !cx.is_hooked(kind) {
        return;
    }
    // CWPSTRUCT; CWPRETSTRUCT has the result in front.
    let words = [letter.lparam, letter.wparam, letter.message.into(), window];
    let mut bytes = result.map_or(Vec::new(), |result| result.to_le_bytes().to_vec());
    bytes.extend_from_slice(words.as_bytes());
    if !data.is_empty() {
        bytes.resize(bytes.len().next_multiple_of(16), 0);
        bytes.extend_from_slice(data);
    }
    // What they answer means nothing.
    let _ = call_with(cx, kind, ACTION, same.into(), &bytes);
}

impl Cx<'_> {
    /// Has a thread do one of the window server's own messages, with data.
    pub(super) fn send_to_thread(&self, thread: u32, letter: &Letter, data: Vec<u8>, patience: Patience) -> User {
        let sending = Sending { how: how::INTERNAL, data, callback: (0, 0) };
        self.await_answer(Target::Thread(thread), letter, &sending, patience).map(|(result, _)| result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_user32_is_told_lies_as_it_reads_it() {
        let hook = Hook { kind: CBT, handle: 0x1_0020, function: 0x5000, module: vec![b'm', 0], ..Hook::default() };
        let bytes = arguments(&hook, 3, 7, 9, true, &[1, 2, 3]);
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        assert_eq!((word(0), word(8), word(32), word(40)), (0x5000, 0x1_0020, 7, 9));
        assert_eq!((&bytes[24..28], &bytes[28..32]), (&5u32.to_le_bytes()[..], &3u32.to_le_bytes()[..]));
        assert_eq!((&bytes[56..60], &bytes[64..]), (&[b'm', 0, 0, 0][..], &[1, 2, 3][..]));
        let bytes = event_arguments(&hook, 0x8005, 2, (-4, 1), 8, 9);
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        assert_eq!((word(8), word(24), word(40), bytes.len()), (2, 0x1_0020, 0x5000, 52));
    }
}
