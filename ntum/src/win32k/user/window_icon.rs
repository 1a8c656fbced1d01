//! What stands for a window: WM_GETICON and WM_SETICON, and NtUserInternalGetWindowIcon.

use super::super::{Failed, User, error};
use super::callbacks::{self, image};
use super::nonclient::sm;
use super::session::Window;
use super::{class, icon, sysparams};
use crate::call::Cx;
use crate::shm::user::window::field;

/// ICON_SMALL, ICON_BIG, ICON_SMALL2.
const SMALL: u32 = 0;
const BIG: u32 = 1;
const SMALL2: u32 = 2;
/// GCLP_HICON, GCLP_HICONSM.
const CLASS_ICON: i32 = -14;
const CLASS_SMALL_ICON: i32 = -34;
/// IDI_APPLICATION.
const APPLICATION: u32 = 32512;

/// A small icon of a large one; 0 of what is none.
fn small_of(cx: &Cx<'_>, large: u32) -> u32 {
    let size = |index: u32| sysparams::metrics::metric(cx, index).unwrap_or(16) as u32;
    let (width, height) = (size(sm::CX_SMALL_ICON), size(sm::CY_SMALL_ICON));
    callbacks::copy_image(cx, large.into(), image::ICON, width, height, 0).unwrap_or(0) as u32
}

/// WM_GETICON.
pub(super) fn get(cx: &Cx<'_>, window: &Window, which: u64) -> User {
    let tx = cx.windows()?;
    let word = |at: u32| tx.get(window.record + at);
    Ok(match which as u32 {
        BIG => word(field::ICONS),
        SMALL => word(field::ICONS + 1),
        SMALL2 if word(field::ICONS + 1) == 0 => word(field::SMALL_COPY),
        SMALL2 => word(field::ICONS + 1),
        _ => 0,
    }
    .into())
}

/// WM_SETICON: what the icon was.
pub(super) fn set(cx: &Cx<'_>, window: &Window, which: u64, icon: u64) -> User {
    let which = which as u32;
    if which != BIG && which != SMALL {
        return Ok(0);
    }
    let (large, small, copy) = {
        let tx = cx.windows()?;
        let word = |at: u32| tx.get(window.record + at);
        (word(field::ICONS), word(field::ICONS + 1), word(field::SMALL_COPY))
    };
    let icon = icon as u32;
    let (before, made) = match which {
        BIG => (large, if icon != 0 && small == 0 { small_of(cx, icon) } else { 0 }),
        _ if icon != 0 => (small, 0),
        _ if small != 0 && large != 0 => (small, small_of(cx, large)),
        _ => (small, copy),
    };
    let window = cx.window(window.handle.into())?;
    let mut tx = cx.windows()?;
    tx.set(window.record + field::ICONS + u32::from(which != BIG), icon);
    tx.set(window.record + field::SMALL_COPY, made);
    tx.commit()?;
    if copy != made {
        release(cx, copy);
    }
    Ok(before.into())
}

/// Lets a small icon go that was made here.
pub(super) fn release(cx: &Cx<'_>, made: u32) {
    if made != 0 {
        // A program may have destroyed it itself.
        let _ = icon::destroy(cx, made.into(), 0);
    }
}

/// NtUserInternalGetWindowIcon: of a window of the calling process; the icon is the caller's.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn copy(cx: &Cx<'_>, window: u64, which: u32) -> User {
    let found = cx.window(window)?;
    if !found.is_ours(cx) {
        return Ok(0);
    }
    let (large, small) = {
        let tx = cx.windows()?;
        let icon = |at: u32| u64::from(tx.get(found.record + at));
        let small = icon(field::ICONS + 1);
        (icon(field::ICONS), if small == 0 { icon(field::SMALL_COPY) } else { small })
    };
    let of_class = |offset: i32| class::long(cx, window, offset, 8, false).unwrap_or(0);
    let candidates = match which {
        BIG => vec![large, of_class(CLASS_ICON)],
        SMALL | SMALL2 => vec![small, of_class(CLASS_SMALL_ICON), of_class(CLASS_ICON)],
        _ => return Err(Failed::with(error::INVALID_PARAMETER)),
    };
    let icon = match candidates.into_iter().find(|icon| *icon != 0) {
        Some(icon) => icon,
        None => callbacks::load_image(cx, 0, APPLICATION, image::ICON, 0, image::SHARED | image::DEFAULT_SIZE)?,
    };
    callbacks::copy_image(cx, icon, image::ICON, 0, 0, 0)
}
