//! ShowWindow: shows, hides, minimizes, maximizes and restores windows.

use super::super::{Failed, User, error};
use super::position::{OFF_SCREEN, set_window_pos};
use super::procedure::Letter;
use super::session::Window;
use super::tree::of_record;
use super::{focus, hook, internal, placement};
use crate::call::Cx;
use crate::shm::Tx;
use crate::shm::user::paint::swp;
use crate::shm::user::window::{CHILD, MINIMIZE, VISIBLE, field, flag};
use crate::win32k::geometry::Rect;
use placement::MAXIMIZE;

/// SW_*.
pub(super) mod command {
    pub const HIDE: u32 = 0;
    pub const SHOW_NORMAL: u32 = 1;
    pub const SHOW_MINIMIZED: u32 = 2;
    pub const SHOW_MAXIMIZED: u32 = 3;
    pub const SHOW_NO_ACTIVATE: u32 = 4;
    pub const SHOW: u32 = 5;
    pub const MINIMIZE: u32 = 6;
    pub const SHOW_MIN_NO_ACTIVATE: u32 = 7;
    pub const SHOW_NA: u32 = 8;
    pub const RESTORE: u32 = 9;
    pub const SHOW_DEFAULT: u32 = 10;
    pub const FORCE_MINIMIZE: u32 = 11;
}
/// WM_SHOWWINDOW, WM_SIZE, WM_MOVE, WM_ACTIVATE.
const SHOW_WINDOW: u32 = 0x18;
const SIZE: u32 = 0x5;
const MOVE: u32 = 0x3;
const ACTIVATE: u32 = 0x6;
/// SW_PARENTCLOSING, SW_PARENTOPENING.
const PARENT_CLOSING: u64 = 1;
const PARENT_OPENING: u64 = 3;

/// Two halves of a parameter.
pub(super) fn pair(low: i32, high: i32) -> u64 {
    u64::from(low as u16) | u64::from(high as u16) << 16
}

/// Sets and clears bits of a window's flags.
pub(super) fn set_flags(tx: &mut Tx<'_>, record: u32, set: u32, clear: u32) {
    let flags = tx.get(record + field::FLAGS);
    tx.set(record + field::FLAGS, flags & !clear | set);
}

/// Sets and clears bits of a window's style, without a message; answers what it was.
pub(super) fn set_style(cx: &Cx<'_>, window: &Window, set: u32, clear: u32) -> User<u32> {
    let mut tx = cx.windows()?;
    let Some(record) = tx.window(window.handle) else { return Err(Failed::with(error::INVALID_WINDOW_HANDLE)) };
    let before = tx.get(record + field::STYLE);
    let new = before & !clear | set;
    if new != before {
        tx.set(record + field::STYLE, new);
        tx.windows_changed();
        tx.commit()?;
    }
    Ok(before)
}

fn style_of(cx: &Cx<'_>, window: &Window) -> User<u32> {
    let record = cx.window_record(window)?;
    Ok(cx.windows()?.get(record + field::STYLE))
}

/// What a command is to do: SWP_* flags, and the new rectangle. `None`: nothing.
fn plan(cx: &Cx<'_>, window: &Window, what: u32, style: u32) -> User<Option<(u32, Option<Rect>)>> {
    let shown = style & VISIBLE != 0;
    let stays = swp::NO_SIZE | swp::NO_MOVE;
    let quiet = swp::NO_ACTIVATE | swp::NO_Z_ORDER;
    let of_child = if style & CHILD != 0 { quiet } else { 0 };
    Ok(match what {
        command::HIDE if shown => Some((swp::HIDE | stays | of_child, None)),
        command::SHOW_MIN_NO_ACTIVATE | command::MINIMIZE | command::FORCE_MINIMIZE | command::SHOW_MINIMIZED => {
            let how = if what == command::SHOW_MINIMIZED { 0 } else { quiet };
            let (flags, rect) = placement::change(cx, window, what)?;
            let done = style & MINIMIZE != 0 && shown;
            (!done).then_some((how | swp::SHOW | swp::FRAME_CHANGED | flags, rect))
        }
        command::SHOW_MAXIMIZED => {
            let how = if shown { 0 } else { swp::SHOW };
            let (flags, rect) = placement::change(cx, window, what)?;
            let done = style & MAXIMIZE != 0 && shown;
            (!done).then_some((how | swp::FRAME_CHANGED | flags, rect))
        }
        command::SHOW_NA => {
            let how = if style & CHILD != 0 { swp::NO_Z_ORDER } else { 0 };
            Some((swp::NO_ACTIVATE | swp::SHOW | stays | how, None))
        }
        command::SHOW if !shown => Some((swp::SHOW | stays | of_child, None)),
        command::SHOW_NO_ACTIVATE | command::RESTORE | command::SHOW_NORMAL | command::SHOW_DEFAULT => {
            let mut how = if what == command::SHOW_NO_ACTIVATE { quiet } else { 0 };
            if !shown {
                how |= swp::SHOW;
            }
            let mut rect = None;
            if style & (MINIMIZE | MAXIMIZE) != 0 {
                let (flags, new) = placement::change(cx, window, what)?;
                (how, rect) = (how | swp::FRAME_CHANGED | flags, new);
            } else if shown {
                return Ok(None);
            } else {
                how |= stays;
            }
            if how & swp::STATE_CHANGED == 0 {
                how |= of_child;
            }
            Some((how, rect))
        }
        _ => None,
    })
}

/// Shows a window of the calling thread as SW_* say; answers whether it was shown before.
pub(super) fn show(cx: &Cx<'_>, window: &Window, what: u32) -> User<bool> {
    let style = style_of(cx, window)?;
    let was_shown = style & VISIBLE != 0;
    let Some((mut flags, rect)) = plan(cx, window, what, style)? else { return Ok(was_shown) };
    let shows = what != command::HIDE;
    let handle = window.handle.into();
    if (shows != was_shown || what == command::SHOW_NA)
        && what != command::SHOW_MAXIMIZED
        && flags & swp::STATE_CHANGED == 0
    {
        let letter = Letter { message: SHOW_WINDOW, wparam: shows.into(), lparam: 0, ansi: false };
        cx.send(window, &letter)?;
    }
    let Ok(window) = cx.window(handle) else { return Ok(was_shown) };
    let window = &window;
    let now = style_of(cx, window)?;
    let mut rect = rect.unwrap_or_default();
    let parent_shown = {
        let tx = cx.windows()?;
        let parent = tx.link(window.record + field::PARENT);
        parent == 0 || tx.is_visible(parent)
    };
    if !rect.is_empty() && now & CHILD == 0 && now & MINIMIZE != 0 && (rect.left, rect.top) != (OFF_SCREEN, OFF_SCREEN)
    {
        // Icons of the desktop lie beyond it.
        rect = Rect::sized(OFF_SCREEN, OFF_SCREEN, rect.width(), rect.height());
        flags &= !(swp::NO_MOVE | swp::NO_CLIENT_MOVE);
    }
    if !parent_shown && flags & swp::STATE_CHANGED == 0 {
        let (set, clear) = if shows { (VISIBLE, 0) } else { (0, VISIBLE) };
        set_style(cx, window, set, clear)?;
    } else {
        set_window_pos(cx, handle, 0, rect.left, rect.top, rect.width(), rect.height(), flags)?;
    }
    let Ok(window) = cx.window(handle) else { return Ok(was_shown) };
    let now = style_of(cx, &window)?;
    if (style ^ now) & MINIMIZE != 0 {
        use hook::event::{MINIMIZE_END, MINIMIZE_START};
        let event = if now & MINIMIZE != 0 { MINIMIZE_START } else { MINIMIZE_END };
        hook::event(cx, event, handle, hook::event::WINDOW, 0);
    }
    let Ok(window) = cx.window(handle) else { return Ok(was_shown) };
    if what == command::HIDE {
        leave(cx, &window)?;
        return Ok(was_shown);
    }
    first_size(cx, &window)?;
    if style & MINIMIZE != 0
        && let Ok(window) = cx.window(handle)
    {
        focus::set_focus(cx, window.handle.into())?;
        let tx = cx.windows()?;
        let top_level = tx.top_level(window.record) == window.record;
        drop(tx);
        if top_level && flags & swp::NO_ACTIVATE == 0 {
            cx.send(&window, &Letter { message: ACTIVATE, wparam: 1, lparam: 0, ansi: false })?;
        }
    }
    Ok(was_shown)
}

/// A window was hidden: others are active and have the focus.
fn leave(cx: &Cx<'_>, window: &Window) -> User<()> {
    if focus::active(cx)? == window.handle {
        focus::activate_other(cx, window)?;
    }
    if focus::focused(cx)? == window.handle
        && let Ok(window) = cx.window(window.handle.into())
    {
        let tx = cx.windows()?;
        let parent = tx.link(window.record + field::PARENT);
        let parent = if parent == 0 || tx.is_root(parent) { 0 } else { tx.handle_of(parent) };
        drop(tx);
        focus::set_focus(cx, parent.into())?;
    }
    Ok(())
}

/// Tells a window its size when it is shown for the first time.
fn first_size(cx: &Cx<'_>, window: &Window) -> User<()> {
    let mut tx = cx.windows()?;
    if tx.get(window.record + field::FLAGS) & flag::NEED_SIZE == 0 {
        return Ok(());
    }
    set_flags(&mut tx, window.record, 0, flag::NEED_SIZE);
    let style = tx.get(window.record + field::STYLE);
    let client = tx.told_rect(window.record, field::CLIENT_RECT);
    tx.commit()?;
    // SIZE_RESTORED, SIZE_MINIMIZED, SIZE_MAXIMIZED.
    let (how, size) = match style & (MAXIMIZE | MINIMIZE) {
        0 => (0, pair(client.width(), client.height())),
        bits if bits & MAXIMIZE != 0 => (2, pair(client.width(), client.height())),
        _ => (1, 0),
    };
    cx.send(window, &Letter { message: SIZE, wparam: how, lparam: size, ansi: false })?;
    cx.send(window, &Letter { message: MOVE, wparam: 0, lparam: pair(client.left, client.top), ansi: false })?;
    Ok(())
}

/// Hides a window that goes.
pub(super) fn hide(cx: &Cx<'_>, window: &Window) -> User<()> {
    let style = style_of(cx, window)?;
    if style & VISIBLE == 0 {
        return Ok(());
    }
    if style & CHILD != 0 {
        // Only children are told.
        return show(cx, window, command::HIDE).map(drop);
    }
    let flags = swp::NO_MOVE | swp::NO_SIZE | swp::NO_Z_ORDER | swp::NO_ACTIVATE | swp::HIDE;
    set_window_pos(cx, window.handle.into(), 0, 0, 0, 0, 0, flags)?;
    match cx.window(window.handle.into()) {
        Ok(window) if focus::active(cx)? == window.handle => focus::activate_other(cx, &window),
        _ => Ok(()),
    }
}

/// NtUserShowWindow: whether it was shown before.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn show_window(cx: &Cx<'_>, window: u64, what: u32) -> User {
    if super::send::is_broadcast(window) {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let found = cx.window(window)?;
    if found.is_mine(cx) && found.is_ours(cx) {
        return Ok(show(cx, &found, what)?.into());
    }
    let shown = style_of(cx, &found)? & VISIBLE != 0;
    if what == command::HIDE && !shown || what == command::SHOW && shown {
        return Ok(shown.into());
    }
    if found.queue == 0 {
        return Ok(shown.into());
    }
    cx.send_internal(&found, &Letter { message: internal::SHOW, wparam: what.into(), ..Letter::default() })
}

/// NtUserShowWindowAsync: without waiting for another thread's.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn show_window_async(cx: &Cx<'_>, window: u64, what: u32) -> User {
    if super::send::is_broadcast(window) {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let found = cx.window(window)?;
    if found.is_mine(cx) && found.is_ours(cx) {
        return Ok(show(cx, &found, what)?.into());
    }
    let letter = Letter { message: internal::SHOW, wparam: what.into(), ..Letter::default() };
    cx.notify_internal(&found, &letter, &[])
}

/// ShowOwnedPopups: tells windows that a window owns that they are shown or hidden with it.
pub(super) fn show_owned(cx: &Cx<'_>, owner: u64, shows: bool) -> User {
    let owner = cx.window(owner)?;
    let owned: Vec<Window> = {
        let tx = cx.windows()?;
        let owned = tx.children(tx.root_window(false)).into_iter();
        let owned = owned.filter(|other| tx.link(other + field::OWNER) == owner.record);
        owned.filter_map(|record| of_record(&tx, record)).rev().collect()
    };
    for window in owned {
        let Ok(window) = cx.window(window.handle.into()) else { continue };
        let tx = cx.windows()?;
        let shown = tx.get(window.record + field::STYLE) & VISIBLE != 0;
        let waits = tx.get(window.record + field::FLAGS) & flag::SHOW_WITH_OWNER != 0;
        drop(tx);
        let (told, why) = if shows { (waits, PARENT_OPENING) } else { (shown, PARENT_CLOSING) };
        if told {
            let letter = Letter { message: SHOW_WINDOW, wparam: shows.into(), lparam: why, ansi: false };
            cx.send(&window, &letter)?;
        }
    }
    Ok(1)
}

/// What DefWindowProc does with WM_SHOWWINDOW: a popup is shown or hidden with its owner.
pub(super) fn with_owner(cx: &Cx<'_>, window: &Window, shows: bool, why: u64) -> User {
    /// WS_POPUP.
    const POPUP: u32 = 0x8000_0000;
    if why == 0 {
        return Ok(0);
    }
    let mut tx = cx.windows()?;
    let style = tx.get(window.record + field::STYLE);
    let waits = tx.get(window.record + field::FLAGS) & flag::SHOW_WITH_OWNER != 0;
    let owned = style & POPUP != 0 || tx.link(window.record + field::OWNER) != 0;
    if !owned || style & VISIBLE != 0 && shows || style & VISIBLE == 0 && !shows || shows && !waits {
        return Ok(0);
    }
    let bit = flag::SHOW_WITH_OWNER;
    set_flags(&mut tx, window.record, if shows { 0 } else { bit }, if shows { bit } else { 0 });
    tx.commit()?;
    let what = if shows { command::SHOW_NO_ACTIVATE } else { command::HIDE };
    show_window(cx, window.handle.into(), what)?;
    Ok(0)
}
