//! Input contexts: what imm32 keeps for each thread and window. There is no input method, so that no key is ever one's.

use super::super::{Failed, User, error};
use super::session::find;
use crate::call::Cx;
use crate::shm::Tx;
use crate::shm::user::handle::Kind;
use crate::shm::user::input_context::Context;
use crate::shm::user::window::field;
use crate::status::*;
use crate::um::UserPtr;

/// Where user32 keeps the thread's default context.
const DEFAULT_CONTEXT: u64 = 52;
/// NtUserInputContextClientPtr, NtUserInputContextThreadId.
const CLIENT: u32 = 0;
const THREAD: u32 = 1;

fn context(tx: &Tx<'_>, handle: u64) -> User<Context> {
    tx.input_context(handle as u32).ok_or(Failed::with(error::INVALID_HANDLE))
}

/// NtUserCreateInputContext: with what imm32 keeps for it.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn create(cx: &Cx<'_>, client: u64) -> User {
    let mine = cx.queue()?.record;
    let mut tx = cx.windows()?;
    let handle = tx.add_input_context(mine, cx.t.id as u32, client)?;
    tx.commit()?;
    Ok(handle.into())
}

/// NtUserDestroyInputContext: of the calling thread.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn destroy(cx: &Cx<'_>, handle: u64) -> User {
    let mut tx = cx.windows()?;
    let found = context(&tx, handle)?;
    if u64::from(found.thread) != cx.t.id {
        return Err(Failed::with(error::ACCESS_DENIED));
    }
    tx.drop_input_context(handle as u32);
    tx.commit()?;
    Ok(1)
}

/// NtUserUpdateInputContext.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn update(cx: &Cx<'_>, handle: u64, attribute: u32, value: u64) -> User {
    let mut tx = cx.windows()?;
    context(&tx, handle)?;
    if attribute != CLIENT {
        return Err(Failed::SILENT);
    }
    tx.set_input_context(handle as u32, value);
    tx.commit()?;
    Ok(1)
}

/// NtUserQueryInputContext.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn query(cx: &Cx<'_>, handle: u64, attribute: u32) -> User {
    let tx = cx.windows()?;
    let found = context(&tx, handle)?;
    match attribute {
        CLIENT => Ok(found.client),
        THREAD => Ok(found.thread.into()),
        // What else there is, nobody has set.
        2 | 3 => Ok(0),
        _ => Err(Failed::with(error::INVALID_PARAMETER)),
    }
}

/// The context that a thread's windows have unless they were given another: made as it is asked for.
pub(super) fn default_context(cx: &Cx<'_>) -> User<u32> {
    let at = UserPtr::<u32>::new(cx.thread_info() + DEFAULT_CONTEXT);
    let kept = at.read(cx.k)?;
    if kept != 0 {
        return Ok(kept);
    }
    let made = create(cx, 0)? as u32;
    at.write(cx.k, made)?;
    Ok(made)
}

/// GetWindowInputContext: of a window of the calling process.
pub(super) fn of_window(cx: &Cx<'_>, window: u64) -> User {
    let found = cx.window(window)?;
    if !found.is_ours(cx) {
        return Ok(0);
    }
    let kept = cx.windows()?.get(found.record + field::INPUT_CONTEXT);
    match kept {
        0 if found.is_mine(cx) => default_context(cx).map(u64::from),
        NONE => Ok(0),
        kept => Ok(kept.into()),
    }
}

/// What a window has in place of a context that was taken from it.
const NONE: u32 = u32::MAX;

/// NtUserAssociateInputContext: AICR_*.
///
/// # Errors
/// The answer is AICR_FAILED, and the last error says why.
pub fn associate(cx: &Cx<'_>, window: u64, handle: u64, flags: u32) -> User {
    /// IACE_CHILDREN, IACE_DEFAULT, IACE_IGNORENOCONTEXT.
    const CHILDREN: u32 = 1;
    const DEFAULT: u32 = 0x10;
    const IGNORE_NONE: u32 = 0x20;
    /// AICR_OK, AICR_FOCUS_CHANGED, AICR_FAILED.
    const OK: u64 = 0;
    const FOCUS_CHANGED: u64 = 1;
    const FAILED: u64 = 2;
    let failed = |failure: Failed| failure.answering(FAILED);
    let found = cx.window(window).map_err(failed)?;
    if !found.is_ours(cx) {
        return Err(Failed::with(error::ACCESS_DENIED).answering(FAILED));
    }
    let wanted = match (flags & DEFAULT != 0, handle as u32) {
        (true, _) => default_context(cx).map_err(failed)?,
        (false, 0) => NONE,
        (false, handle) => {
            let tx = cx.windows()?;
            // One of another thread's is none for this one.
            if u64::from(context(&tx, handle.into()).map_err(failed)?.thread) != cx.t.id {
                return Ok(FAILED);
            }
            handle
        }
    };
    if wanted != NONE && !found.is_mine(cx) {
        return Ok(FAILED);
    }
    let focused = super::focus::focused(cx)?;
    let mut tx = cx.windows()?;
    let Some(found) = find(&tx, found.handle) else { return Ok(FAILED) };
    let mut all = vec![found.record];
    if flags & CHILDREN != 0 {
        all = tx.children(found.record).into_iter().chain(all).collect();
    }
    let mut changed = false;
    for record in all {
        let before = tx.get(record + field::INPUT_CONTEXT);
        if flags & IGNORE_NONE != 0 && before == NONE || before == wanted {
            continue;
        }
        tx.set(record + field::INPUT_CONTEXT, wanted);
        changed |= tx.handle_of(record) == focused;
    }
    tx.commit()?;
    Ok(if changed { FOCUS_CHANGED } else { OK })
}

/// NtUserBuildHimcList: contexts of a thread, or with all ones of all of the process; none where there is room for none.
///
/// # Errors
/// `STATUS_BUFFER_TOO_SMALL` (the number is told all the same), `STATUS_INVALID_PARAMETER`.
pub fn build_list(cx: &Cx<'_>, thread: u32, count: u32, buffer: u64, size: UserPtr<u32>) -> Nt {
    if buffer == 0 || size.is_null() {
        return Err(STATUS_UNSUCCESSFUL);
    }
    let wanted = match thread {
        u32::MAX => None,
        0 => Some(cx.t.id as u32),
        thread => Some(thread),
    };
    let all = match cx.windows() {
        Ok(tx) => tx.input_contexts(wanted, |handle| tx.user_record(handle, Kind::InputContext).is_some()),
        Err(_) => return Err(STATUS_UNSUCCESSFUL),
    };
    if count == 0 {
        size.write(cx.k, 0)?;
        return Ok(STATUS_SUCCESS);
    }
    size.write(cx.k, all.len() as u32)?;
    if all.len() > count as usize {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    for (index, handle) in (0..).zip(all) {
        UserPtr::new(buffer + index * 8).write(cx.k, u64::from(handle))?;
    }
    Ok(STATUS_SUCCESS)
}

/// NtUserNotifyIMEStatus: nobody listens.
///
/// # Errors
/// None.
pub fn notify_status(_cx: &Cx<'_>, _window: u64, _status: u32) -> User {
    Ok(0)
}
