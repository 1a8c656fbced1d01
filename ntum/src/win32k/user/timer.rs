//! Timers of windows and threads.

use super::super::{Failed, User, error};
use crate::call::Cx;
use crate::shm::user::timer::Timer;

/// WM_TIMER and WM_SYSTIMER.
const TIMER: u32 = 0x113;
const SYSTEM_TIMER: u32 = 0x118;
/// USER_TIMER_MINIMUM and USER_TIMER_MAXIMUM, in milliseconds.
const SHORTEST: u32 = 10;
const LONGEST: u32 = 0x7fff_ffff;

fn set(cx: &Cx<'_>, window: u64, id: u64, milliseconds: u32, procedure: u64, message: u32) -> User {
    let period = milliseconds.clamp(SHORTEST, LONGEST);
    let due = cx.k.host.monotonic().saturating_add(u64::from(period) * 1_000_000);
    let (window, queue) = match window {
        0 => (0, cx.queue()?.record),
        _ => {
            let found = cx.own_window(window)?;
            (found.handle, found.queue)
        }
    };
    let mut tx = cx.windows()?;
    // A timer of the thread's own gets a number, unless it is set anew.
    let known = window != 0 || tx.kill_user_timer(queue, window, message, id);
    let id = if known { id } else { tx.free_timer_id(queue) };
    let set = tx.set_user_timer(queue, &Timer { window, message, id, procedure, period, due });
    set.map_err(|_| Failed::with(error::NO_MORE_USER_HANDLES))?;
    // Who waits for messages has to know of the new time.
    tx.queue_has(queue, 0);
    tx.commit()?;
    // One with the number 0 answers that it was set.
    Ok(id.max(1))
}

/// NtUserSetTimer: its number. How exact it must be (`tolerance`) is not asked of the host.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn set_timer(cx: &Cx<'_>, window: u64, id: u64, milliseconds: u32, procedure: u64, _tolerance: u32) -> User {
    let procedure = cx.k.user.procedures.handle(procedure, true);
    set(cx, window, id, milliseconds, procedure, TIMER)
}

/// NtUserSetSystemTimer.
///
/// # Errors
/// As [`set_timer`].
pub fn set_system_timer(cx: &Cx<'_>, window: u64, id: u64, milliseconds: u32) -> User {
    set(cx, window, id, milliseconds, 0, SYSTEM_TIMER)
}

pub(super) fn kill(cx: &Cx<'_>, window: u64, id: u64, system: bool) -> User {
    let (window, queue) = match window {
        0 => (0, cx.queue()?.record),
        _ => {
            let found = cx.window(window)?;
            (found.handle, found.queue)
        }
    };
    let mut tx = cx.windows()?;
    let message = if system { SYSTEM_TIMER } else { TIMER };
    if queue == 0 || !tx.kill_user_timer(queue, window, message, id) {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    tx.commit()?;
    Ok(1)
}

/// NtUserKillTimer.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn kill_timer(cx: &Cx<'_>, window: u64, id: u64) -> User {
    kill(cx, window, id, false)
}
