//! FlashWindowEx: a caption that looks active and inactive in turn.

use super::super::{Failed, User, error};
use super::procedure::Letter;
use super::{caret, focus, timer};
use crate::call::Cx;
use crate::shm::user::window::{field, flag};
use crate::um::UserPtr;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// WM_NCACTIVATE.
const NC_ACTIVATE: u32 = 0x86;
/// FLASHW_CAPTION, FLASHW_TRAY (the window's button on the task bar, until it is active), FLASHW_TIMER (until FLASHW_STOP), FLASHW_TIMERNOFG (until the window comes to the foreground).
const CAPTION: u32 = 1;
const TRAY: u32 = 2;
const TIMER: u32 = 4;
const TIMER_NO_FOREGROUND: u32 = 0xc;
/// Number of the system's timer that flashes.
const TIMER_ID: u64 = 0xfff8;
/// Windows of a process that flash: what a program makes without end ends here.
const MOST: usize = 1000;

/// FLASHWINFO.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Flash {
    size: u32,
    pad: u32,
    window: u64,
    flags: u32,
    count: u32,
    milliseconds: u32,
    pad2: u32,
}

/// A window that flashes.
#[derive(Debug, Clone, Copy)]
pub struct Flashing {
    window: u32,
    flags: u32,
    /// How often it changes still, if it does not go on for ever.
    left: u32,
}

/// Whether a system timer is this one.
pub(super) fn is_timer(id: u64) -> bool {
    id == TIMER_ID
}

/// Whether a window's caption looks active.
fn looks_active(cx: &Cx<'_>, window: u64) -> User<bool> {
    let found = cx.own_window(window)?;
    Ok(cx.windows()?.get(found.record + field::FLAGS) & flag::NC_ACTIVE != 0)
}

fn show(cx: &Cx<'_>, window: u64, active: bool) -> User<()> {
    let letter = Letter { message: NC_ACTIVATE, wparam: active.into(), ..Letter::default() };
    cx.send(&cx.own_window(window)?, &letter).map(drop)
}

/// Ends a window's flashing; answers how it flashed.
fn stop(cx: &Cx<'_>, window: u32) -> Option<Flashing> {
    let mut all = cx.k.user.flashing.lock();
    let place = all.iter().position(|flashing| flashing.window == window)?;
    let was = all.swap_remove(place);
    drop(all);
    // Its timer went with the window, if that is gone.
    let _ = timer::kill(cx, window.into(), TIMER_ID, true);
    Some(was)
}

/// NtUserFlashWindowEx: whether its caption looked active before.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn flash(cx: &Cx<'_>, info: UserPtr<Flash>) -> User {
    if info.address() == 0 {
        return Err(Failed::with(error::NOACCESS));
    }
    let info = info.read(cx.k)?;
    let found = cx.own_window(info.window).map_err(|_| Failed::with(error::INVALID_PARAMETER))?;
    if info.size as usize != size_of::<Flash>() {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let handle = u64::from(found.handle);
    let in_front = focus::foreground(cx)? == found.handle;
    {
        let mut tx = cx.windows()?;
        tx.ask_to_look(found.record, info.flags & TRAY != 0 && !in_front);
        tx.commit()?;
    }
    let before = looks_active(cx, handle)?;
    // What flashes elsewhere than in its caption counts as changed once.
    let unseen = stop(cx, found.handle).is_some_and(|was| was.flags & CAPTION == 0);
    if info.flags == 0 {
        show(cx, handle, in_front)?;
        return Ok((before != unseen).into());
    }
    let left = info.count.saturating_mul(2).saturating_sub(1);
    if info.flags & TIMER != 0 || left > 1 {
        let milliseconds = match info.milliseconds {
            0 => caret::get_blink_time(cx)? as u32,
            milliseconds => milliseconds,
        };
        let mut all = cx.k.user.flashing.lock();
        if all.len() < MOST {
            all.push(Flashing { window: found.handle, flags: info.flags, left });
        }
        drop(all);
        timer::set_system_timer(cx, handle, TIMER_ID, milliseconds)?;
    }
    if info.flags & CAPTION != 0 {
        show(cx, handle, !before)?;
    }
    Ok(before.into())
}

/// The timer's time came.
pub(super) fn tick(cx: &Cx<'_>, window: u64) -> User<()> {
    let found = cx.own_window(window)?;
    let in_front = focus::foreground(cx)? == found.handle;
    let flashing = {
        let mut all = cx.k.user.flashing.lock();
        let Some(held) = all.iter_mut().find(|held| held.window == found.handle) else { return Ok(()) };
        held.left = held.left.saturating_sub(1);
        *held
    };
    let for_ever = flashing.flags & TIMER != 0;
    let came = flashing.flags & TIMER_NO_FOREGROUND == TIMER_NO_FOREGROUND && in_front;
    let ends = came || !for_ever && flashing.left == 0;
    if ends {
        stop(cx, found.handle);
    }
    if flashing.flags & CAPTION != 0 {
        let active = if ends { in_front } else { !looks_active(cx, window)? };
        show(cx, window, active)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_flashing_lies_as_programs_write_it() {
        assert_eq!(size_of::<Flash>(), 32);
        assert_eq!(core::mem::offset_of!(Flash, milliseconds), 24);
    }
}
