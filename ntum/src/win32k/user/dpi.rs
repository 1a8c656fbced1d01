//! Pixels to the inch: which of them processes, threads and windows know of.
//!
//! What a program does not know of is not stretched: windows have the size that they ask for, on any screen.

use super::super::{Failed, User, error};
use super::sysparams::kept;
use super::sysparams::settings::LOG_PIXELS;
use crate::call::Cx;
use crate::shm::Tx;
use crate::shm::user::window::field;
use crate::um::UserPtr;
use std::sync::atomic::Ordering;

/// NTUSER_DPI_UNAWARE: awareness, version and DPI, as Wine 10's `include/ntuser.h` packs them.
pub(super) const UNAWARE: u32 = 0x6010;
/// NTUSER_DPI_PER_MONITOR_AWARE.
const MONITORS: u32 = 0x12;
/// DPI_AWARENESS_UNAWARE, DPI_AWARENESS_SYSTEM_AWARE.
const OF_NONE: u32 = 0;
const OF_SYSTEM: u32 = 1;
const OF_MONITORS: u32 = 2;
/// Flags of a context: it is the process's; GDI stretches.
const PROCESS: u32 = 0x8000_0000;
const STRETCHED: u32 = 0x4000_0000;
/// Where user32 keeps a thread's context.
const THREAD_CONTEXT: u64 = 48;

/// Pixels to the inch as the user has set them.
pub(super) fn system(cx: &Cx<'_>) -> u32 {
    match cx.k.number_setting(&LOG_PIXELS, kept::DPI) {
        ..=0 => kept::DPI,
        dpi => (dpi as u32).min(480),
    }
}

fn is_valid(context: u32, system: u32) -> bool {
    let (awareness, version, dpi, flags) =
        (context & 0xf, context >> 4 & 0xf, context >> 8 & 0x1ff, context & 0xfffe_0000);
    if flags & !(PROCESS | STRETCHED) != 0 {
        return false;
    }
    match awareness {
        OF_NONE => version == 1 && dpi == kept::DPI,
        OF_SYSTEM => version == 1 && flags & STRETCHED == 0 && dpi == system,
        OF_MONITORS => (1..=2).contains(&version) && flags & STRETCHED == 0 && dpi == 0,
        _ => false,
    }
}

/// The context of the calling thread.
pub(super) fn of_thread(cx: &Cx<'_>) -> u32 {
    let own = UserPtr::<u32>::new(cx.thread_info() + THREAD_CONTEXT).read(cx.k).unwrap_or(0);
    let process = || cx.k.user.dpi.load(Ordering::Acquire);
    match if own != 0 { own } else { process() } {
        0 => UNAWARE,
        context => context & !PROCESS,
    }
}

/// A new window has its parent's context or, if it is no child, its thread's; the desktop's knows of monitors, and so does what knows that.
pub(super) fn begin(tx: &mut Tx<'_>, window: u32, of_thread: u32) {
    let monitors = of_thread & 0xf == OF_MONITORS;
    tx.set(window + field::DPI, if monitors { MONITORS } else { of_thread });
    inherit(tx, window);
}

/// A window that is no top-level one has its parent's context.
pub(super) fn inherit(tx: &mut Tx<'_>, window: u32) {
    let parent = tx.link(window + field::PARENT);
    if parent != 0 && !tx.is_root(parent) {
        let context = tx.get(parent + field::DPI);
        tx.set(window + field::DPI, context);
    }
}

/// Pixels to the inch as far as the calling thread knows of them.
pub(super) fn of_system(cx: &Cx<'_>) -> u32 {
    if of_thread(cx) & 0xf == OF_NONE { kept::DPI } else { system(cx) }
}

/// NtUserSetProcessDpiAwarenessContext: once.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn set_process_context(cx: &Cx<'_>, context: u32, _unknown: u32) -> User {
    if !is_valid(context, system(cx)) {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let set = cx.k.user.dpi.compare_exchange(0, context, Ordering::AcqRel, Ordering::Acquire);
    set.map(|_| 1).map_err(|_| Failed::with(error::ACCESS_DENIED))
}

/// NtUserGetProcessDpiAwarenessContext: of the calling process; others count as unaware.
///
/// # Errors
/// None.
pub fn get_process_context(cx: &Cx<'_>, process: u64) -> User {
    let own = process == 0 || process == u64::MAX;
    Ok(match cx.k.user.dpi.load(Ordering::Acquire) {
        context @ 1.. if own => context,
        _ => UNAWARE,
    }
    .into())
}

/// SetThreadDpiAwarenessContext: which it was.
pub(super) fn set_thread_context(cx: &Cx<'_>, context: u32) -> User {
    if !is_valid(context, system(cx)) {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let at = UserPtr::<u32>::new(cx.thread_info() + THREAD_CONTEXT);
    let before = match at.read(cx.k)? {
        0 => get_process_context(cx, 0)? as u32 | PROCESS,
        own => own,
    };
    at.write(cx.k, if context & PROCESS != 0 { 0 } else { context })?;
    Ok(before.into())
}

/// NtUserGetSystemDpiForProcess.
///
/// # Errors
/// None.
pub fn system_for_process(cx: &Cx<'_>, _process: u64) -> User {
    Ok(system(cx).into())
}

/// GetWindowDpiAwarenessContext.
pub(super) fn context_of_window(cx: &Cx<'_>, window: u64) -> User {
    let found = cx.window(window)?;
    let kept = cx.windows()?.get(found.record + field::DPI);
    // The desktop's own has none kept.
    Ok(if kept == 0 { MONITORS } else { kept }.into())
}

/// GetDpiForWindow.
pub(super) fn of_window(cx: &Cx<'_>, window: u64) -> User {
    let context = context_of_window(cx, window)? as u32;
    Ok(if context & 0xf == OF_NONE { kept::DPI } else { system(cx) }.into())
}

/// NtUserGetDpiForMonitor.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn of_monitor(cx: &Cx<'_>, _monitor: u64, kind: u32, x: UserPtr<u32>, y: UserPtr<u32>) -> User {
    /// ERROR_BAD_ARGUMENTS, ERROR_INVALID_ADDRESS.
    const BAD_ARGUMENTS: u32 = 160;
    const INVALID_ADDRESS: u32 = 487;
    if kind > 2 {
        return Err(Failed::with(BAD_ARGUMENTS));
    }
    if x.is_null() || y.is_null() {
        return Err(Failed::with(INVALID_ADDRESS));
    }
    let dpi = of_system(cx);
    x.write(cx.k, dpi)?;
    y.write(cx.k, dpi)?;
    Ok(1)
}

/// NtUserLogicalToPerMonitorDPIPhysicalPoint, and back: nothing is stretched, so it stays; it must lie in the window.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn convert_point(cx: &Cx<'_>, window: u64, point: UserPtr<[i32; 2]>) -> User {
    let found = cx.window(window)?;
    let [x, y] = point.read(cx.k)?;
    let tx = cx.windows()?;
    let (left, top) = tx.origin(found.record);
    let rect = tx.window_rect(found.record, field::WINDOW_RECT).offset(left, top);
    Ok((rect.left <= x && x <= rect.right && rect.top <= y && y <= rect.bottom).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_say_what_they_may() {
        assert!(is_valid(UNAWARE, 96) && is_valid(0x6011, 96) && is_valid(0x12, 96) && is_valid(0x22, 96));
        assert!(!is_valid(0x6011, 120) && is_valid(0x7811, 120) && !is_valid(0x32, 96) && !is_valid(0x6013, 96));
        assert!(is_valid(UNAWARE | STRETCHED, 96) && !is_valid(0x6011 | STRETCHED, 96));
    }
}
