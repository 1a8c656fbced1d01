//! BeginDeferWindowPos and its kin: several windows that are moved one after the other.

use super::super::{Failed, User, error};
use super::position::{WindowPos, anywhere};
use crate::call::Cx;
use crate::shm::user::paint::swp;
use parking_lot::Mutex;
use std::collections::HashMap;

/// Lists that a process has at a time, and windows in one: more is nobody's.
const MOST_LISTS: usize = 4096;
const MOST: usize = 0x1_0000;
/// ERROR_INVALID_DWP_HANDLE.
const INVALID: Failed = Failed::with(1405);

/// A process's lists. Their handles are its own.
#[derive(Default)]
pub struct Deferred(Mutex<(u32, HashMap<u32, Vec<WindowPos>>)>);

/// BeginDeferWindowPos: a handle.
pub(super) fn begin(cx: &Cx<'_>, count: i32) -> User {
    if count < 0 {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let mut lists = cx.k.user.deferred.0.lock();
    let (last, all) = &mut *lists;
    if all.len() >= MOST_LISTS {
        return Err(Failed::with(error::NOT_ENOUGH_MEMORY));
    }
    // Even, as handles are, and never 0.
    *last = last.wrapping_add(2).max(2);
    while all.contains_key(last) {
        *last = last.wrapping_add(2).max(2);
    }
    all.insert(*last, Vec::new());
    Ok((*last).into())
}

/// NtUserDeferWindowPosAndBand: the handle.
///
/// # Errors
/// The answer is 0, and the last error says why.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn add(
    cx: &Cx<'_>,
    list: u64,
    window: u64,
    after: u64,
    x: i32,
    y: i32,
    width: i32,
    height: i32,
    flags: u32,
    _band: u32,
    _unknown: u32,
) -> User {
    let found = cx.window(window)?;
    if found.queue == 0 {
        return Err(Failed::with(error::INVALID_WINDOW_HANDLE));
    }
    let new = WindowPos { window: found.handle.into(), after, x, y, width, height, flags, pad: 0 };
    let mut lists = cx.k.user.deferred.0.lock();
    let all = lists.1.get_mut(&(list as u32)).ok_or(INVALID)?;
    let room = all.len() < MOST;
    match all.iter_mut().find(|known| known.window == new.window) {
        Some(known) => {
            if flags & swp::NO_Z_ORDER == 0 {
                known.after = after;
            }
            if flags & swp::NO_MOVE == 0 {
                (known.x, known.y) = (x, y);
            }
            if flags & swp::NO_SIZE == 0 {
                (known.width, known.height) = (width, height);
            }
            // What either does is done.
            const EITHER: u32 = swp::NO_SIZE
                | swp::NO_MOVE
                | swp::NO_Z_ORDER
                | swp::NO_REDRAW
                | swp::NO_ACTIVATE
                | swp::NO_COPY_BITS
                | swp::NO_OWNER_Z_ORDER;
            known.flags &= flags | !EITHER;
            known.flags |= flags & (swp::SHOW | swp::HIDE | swp::FRAME_CHANGED);
        }
        None if !room => return Err(Failed::with(error::NOT_ENOUGH_MEMORY)),
        None => all.push(new),
    }
    Ok(list)
}

/// NtUserEndDeferWindowPosEx: moves them.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn end(cx: &Cx<'_>, list: u64, _asynchronously: u32) -> User {
    let all = cx.k.user.deferred.0.lock().1.remove(&(list as u32)).ok_or(INVALID)?;
    for position in all {
        // One that went meanwhile keeps none of the others back.
        if let Ok(window) = cx.window(position.window) {
            let _ = anywhere(cx, &window, position);
        }
    }
    Ok(1)
}
