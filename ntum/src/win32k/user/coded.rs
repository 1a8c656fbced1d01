//! NtUserCallHwnd and its kin: calls of Wine's user32 that are told apart by a number. The numbers are those of the enumerations in Wine
//! 10's `include/ntuser.h`.

use super::super::{Failed, User, error};
use super::position::set_window_pos;
use super::procedure::Letter;
use super::session::Window;
use super::{
    caret, class, clipboard, create, defer, dpi, focus, get, hook, icon, imm, input, keyboard, long, menu, monitor,
    nonclient, region, scrollbar, show, sysparams, timer, tree,
};
use crate::call::Cx;
use crate::shm::user::mirror::Start;
use crate::shm::user::paint::swp;
use crate::shm::user::window::{EX_TOPMOST, field};
use crate::shm::user::{desk, queue};
use crate::um::UserPtr;
use crate::win32k::gdi::adapters::open_display;
use std::sync::atomic::Ordering;

/// WS_DISABLED.
const DISABLED: u32 = 0x0800_0000;
/// WM_ENABLE and WM_CANCELMODE.
const ENABLE: u32 = 0x0a;
const CANCEL_MODE: u32 = 0x1f;

const ABSENT: Failed = Failed::with(error::CALL_NOT_IMPLEMENTED);

/// NtUserCallNoParam.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn no_param(cx: &Cx<'_>, code: u32) -> User {
    match code {
        0 => caret::destroy(cx),
        // GetDesktopWindow.
        1 => Ok(cx.top_window(false)?.1.into()),
        // GetDialogBaseUnits: of the system's font, 8 by 16.
        2 => Ok(8 | 16 << 16),
        // GetInputState: keys and buttons.
        3 => {
            let record = cx.queue()?.record;
            let (there, _) = cx.windows()?.queue_status(record, queue::KEY | queue::MOUSE_BUTTON);
            Ok(there.into())
        }
        // GetLastInputTime, GetProcessDefaultLayout.
        4 => Ok(cx.windows()?.of_desk(desk::field::LAST_INPUT).into()),
        5 => Ok(cx.k.user.layout.load(Ordering::Acquire).into()),
        // The program manager's window, the shell's, the task manager's.
        6 => shell(cx, desk::field::PROGMAN),
        7 => {
            cx.top_window(false)?;
            Ok(cx.windows()?.shell_window().into())
        }
        8 => shell(cx, desk::field::TASKMAN),
        9 => focus::release_capture(cx),
        // DisplayModeChanged.
        10 => Ok(1),
        // A thread ends: its windows go when it has.
        11 | 12 => Ok(1),
        _ => Err(ABSENT),
    }
}

/// A window of the shell's; 0 if it is gone.
fn shell(cx: &Cx<'_>, word: u32) -> User {
    let tx = cx.windows()?;
    let window = tx.of_desk(word);
    Ok(tx.window(window).map_or(0, |record| tx.handle_of(record)).into())
}

/// Sets one, once.
fn set_shell(cx: &Cx<'_>, word: u32, window: u64) -> User {
    let handle = if window == 0 { 0 } else { cx.window(window)?.handle };
    let mut tx = cx.windows()?;
    let before = tx.of_desk(word);
    if handle != 0 && tx.window(before).is_some() {
        return Ok(0);
    }
    tx.set_of_desk(word, handle)?;
    tx.commit()?;
    Ok(1)
}

/// NtUserSetShellWindowEx: the shell's window, and its list of icons.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn set_shell_window(cx: &Cx<'_>, shell: u64, list: u64) -> User {
    let of = |window: u64| if window == 0 { Ok(None) } else { cx.window(window).map(Some) };
    let (shell_window, list_window) = (of(shell)?, of(list)?);
    {
        let mut tx = cx.windows()?;
        let stays_on_top = |window: &Window| tx.get(window.record + field::EX_STYLE) & EX_TOPMOST != 0;
        let refused = [&shell_window, &list_window].into_iter().flatten().any(stays_on_top);
        let handle = shell_window.as_ref().map_or(0, |window| window.handle);
        if refused || !tx.set_shell_window(handle)? {
            return Ok(0);
        }
        tx.commit()?;
    }
    // HWND_BOTTOM.
    const BOTTOM: u64 = 1;
    let flags = swp::NO_MOVE | swp::NO_SIZE | swp::NO_ACTIVATE;
    for window in [list_window.filter(|_| list != shell), shell_window].into_iter().flatten() {
        set_window_pos(cx, window.handle.into(), BOTTOM, 0, 0, 0, 0, flags)?;
    }
    Ok(1)
}

/// NtUserCallOneParam.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn one_param(cx: &Cx<'_>, argument: u64, code: u32) -> User {
    match code {
        // CreateMenu, CreatePopupMenu; GetMenuItemCount.
        2 => menu::create(cx, argument as u32 != 0),
        9 => menu::info::count(cx, argument),
        0 => defer::begin(cx, argument as i32),
        // GetCursorPos.
        7 => {
            cx.top_window(false)?;
            let (x, y) = cx.windows()?.cursor_place();
            UserPtr::new(argument).write(cx.k, [x, y])?;
            Ok(1)
        }
        // GetPrimaryMonitorRect, GetVirtualScreenRect.
        10 | 15 => {
            let rect = cx.screen()?;
            UserPtr::new(argument).write(cx.k, create::rect_bytes(&rect))?;
            Ok(1)
        }
        11 => Ok(cx.k.system_colour(argument as u32).into()),
        12 => Ok(cx.k.system_brush(argument as u32).into()),
        13 => Ok(cx.k.system_pen(argument as u32).into()),
        14 => sysparams::metric(cx, argument as u32),
        // MessageBeep: there is no sound yet.
        16 => Ok(1),
        1 => icon::create(cx, argument),
        5 => clipboard::next_format(cx, argument as u32),
        6 => input::get_clip_cursor(cx, argument),
        8 => icon::parameter(cx, argument),
        20 => caret::set_blink_time(cx, argument as u32),
        // SetProcessDefaultLayout.
        21 => {
            cx.k.user.layout.store(argument as u32, Ordering::Release);
            Ok(1)
        }
        // SetKeyboardAutoRepeat: who brings keys repeats them.
        22 => Ok(1),
        23 => dpi::set_thread_context(cx, argument as u32),
        // D3DKMTOpenAdapterFromGdiDisplayName: an NTSTATUS.
        24 => Ok(open_display(cx, argument).unwrap_or_else(|status| status).0.into()),
        25 => keyboard::get_async_keyboard_state(cx, argument),
        17 => get::post_quit(cx, argument),
        19 => get::reply(cx, argument),
        _ => Err(ABSENT),
    }
}

/// NtUserCallTwoParam.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn two_param(cx: &Cx<'_>, first: u64, second: u64, code: u32) -> User {
    match code {
        // GetDialogProc: of a handle, what takes that kind of text.
        0 => match cx.k.user.procedures.get(first) {
            None => Ok(first),
            Some(held) => Ok(if second as u32 != 0 { held.ansi } else { held.unicode }),
        },
        1 => menu::info::get(cx, first, second),
        9 => nonclient::adjust(cx, first, second),
        // GetSystemMetricsForDpi: all is scaled as at 96.
        3 => sysparams::metric_for_dpi(cx, first as u32, second as u32),
        2 => monitor::info(cx, first, second),
        4 => monitor::from_rect(cx, first, second as u32),
        5 => caret::set_place(cx, first as i32, second as i32),
        6 => icon::set_parameter(cx, first, second),
        8 => hook::unhook_function(cx, first as i32, second),
        // GetVirtualScreenRect.
        10 => {
            let rect = cx.screen()?;
            UserPtr::new(first).write(cx.k, create::rect_bytes(&rect))?;
            Ok(1)
        }
        // AllocWinProc.
        11 => Ok(cx.k.user.procedures.handle(first, second as u32 != 0)),
        _ => Err(ABSENT),
    }
}

/// NtUserCallHwnd.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn hwnd(cx: &Cx<'_>, window: u64, code: u32) -> User {
    let word = |place: u32| -> User {
        let record = cx.window(window)?.record;
        Ok(cx.windows()?.get(record + place).into())
    };
    match code {
        1 => super::iconic::arrange(cx, window),
        2 => menu::bar::draw_again(cx, window),
        11 => Ok(menu::system::popup_of(cx, window)),
        // GetDialogInfo, GetWindowContextHelpId.
        3 => wide(cx, window, field::DIALOG),
        8 => word(field::HELP),
        4 => dpi::of_window(cx, window),
        // GetLastActivePopup.
        5 => {
            let found = cx.window(window)?;
            let tx = cx.windows()?;
            let last = tx.link(found.record + field::LAST_ACTIVE);
            Ok(if last == 0 { found.handle } else { tx.handle_of(last) }.into())
        }
        // GetMDIClientInfo.
        6 => wide(cx, window, field::MDI),
        7 => tree::parent(cx, window),
        9 => dpi::context_of_window(cx, window),
        10 => imm::of_window(cx, window),
        // GetWindowTextLength.
        12 => Ok(super::text::get(cx, &cx.window(window)?)?.len() as u64),
        // No handle at all leaves the last error as it is, which Wine's uiautomationcore counts on.
        13 if window == 0 => Ok(0),
        13 => cx.window(window).map(|_| 1),
        14 => Ok((word(field::STYLE)? as u32 & DISABLED == 0).into()),
        15 => {
            let found = cx.window(window)?;
            let flags = cx.windows()?.get(found.record + field::FLAGS);
            Ok((flags & crate::shm::user::window::flag::UNICODE != 0).into())
        }
        16 => tree::is_visible(cx, window),
        17 => focus::set_foreground_window(cx, window),
        18 => set_shell(cx, desk::field::PROGMAN, window),
        19 => set_shell(cx, desk::field::TASKMAN, window),
        // ActivateOtherWindow.
        0 => focus::activate_other(cx, &cx.window(window)?).map(|()| 1),
        // GetFullWindowHandle: what is no window's is told as it came.
        20 => Ok(cx.window(window).map_or(window, |found| found.handle.into())),
        21 => Ok(cx.window(window).map_or(0, |found| if found.is_ours(cx) { found.handle.into() } else { 0 })),
        22 => Ok(cx.window(window).map_or(0, |found| if found.is_mine(cx) { found.handle.into() } else { 0 })),
        _ => Err(ABSENT),
    }
}

fn wide(cx: &Cx<'_>, window: u64, place: u32) -> User {
    let found = cx.own_window(window)?;
    Ok(cx.windows()?.window_wide(found.record, place))
}

fn set_wide(cx: &Cx<'_>, window: u64, place: u32, value: u64) -> User {
    let found = cx.own_window(window)?;
    let mut tx = cx.windows()?;
    tx.set_window_wide(found.record, place, value);
    tx.commit()?;
    Ok(1)
}

/// NtUserCallHwndParam.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn hwnd_param(cx: &Cx<'_>, window: u64, param: u64, code: u32) -> User {
    let offset = param as i32;
    match code {
        // ClientToScreen.
        0 => move_point(cx, window, param, Start::to_screen),
        1 => enable(cx, window, param as u32 != 0),
        // GetChildRect: as the parent has it.
        2 => {
            let found = cx.window(window)?;
            let rect = cx.windows()?.told_rect(found.record, field::WINDOW_RECT);
            UserPtr::new(param).write(cx.k, create::rect_bytes(&rect))?;
            Ok(1)
        }
        3 => class::long(cx, window, offset, 4, true),
        4 => class::long(cx, window, offset, 4, false),
        5 => class::long(cx, window, offset, 8, true),
        6 => class::long(cx, window, offset, 8, false),
        7 => class::long(cx, window, offset, if offset < 0 { 4 } else { 2 }, true),
        8 => scrollbar::get_for(cx, window, param),
        // GetWindowLong and its kin.
        10 => long::get(cx, window, offset, 4, true),
        11 => long::get(cx, window, offset, 4, false),
        12 => long::get(cx, window, offset, 8, true),
        13 => long::get(cx, window, offset, 8, false),
        9 => info(cx, window, param),
        14 => rects(cx, window, param),
        15 => tree::relative(cx, window, param as u32),
        // GetWindowThread: its number; its process's where asked for.
        16 => {
            let found = cx.window(window)?;
            if param != 0 {
                UserPtr::new(param).write(cx.k, found.process)?;
            }
            Ok(found.thread.into())
        }
        _ => more_params(cx, window, param, code),
    }
}

fn more_params(cx: &Cx<'_>, window: u64, param: u64, code: u32) -> User {
    match code {
        // GetWindowWord.
        17 => word(cx, window, param as i32),
        // IsChild, KillSystemTimer, MapWindowPoints, ScreenToClient.
        18 => tree::is_child(cx, window, param),
        19 => timer::kill(cx, window, param, true),
        20 => map_points(cx, window, param),
        21 => region::mirror(cx, window, param),
        23 => move_point(cx, window, param, Start::to_client),
        // SetDialogInfo, SetMDIClientInfo, SetWindowContextHelpId.
        24 => set_wide(cx, window, field::DIALOG, param),
        25 => set_wide(cx, window, field::MDI, param),
        26 => {
            let found = cx.own_window(window)?;
            let mut tx = cx.windows()?;
            tx.set(found.record + field::HELP, param as u32);
            tx.commit()?;
            Ok(1)
        }
        27 => show::show_owned(cx, window, param as u32 != 0),
        22 => monitor::from_window(cx, window, param as u32),
        // GetWinMonitorDpi.
        30 => Ok(dpi::system(cx).into()),
        32 => set_style_bits(cx, window, param),
        _ => Err(ABSENT),
    }
}

/// GetWindowWord: of the window's own words, or of what lies beside it.
fn word(cx: &Cx<'_>, window: u64, offset: i32) -> User {
    match offset {
        long::at::USER_DATA | 0.. => long::get(cx, window, offset, 2, true),
        _ => Err(Failed::with(error::INVALID_INDEX)),
    }
}

/// From where places in a window's client area are counted; 0 is the desktop.
pub(super) fn client_start(cx: &Cx<'_>, window: u64) -> User<Start> {
    if window == 0 {
        return Ok(Start::default());
    }
    let found = cx.window(window)?;
    Ok(cx.windows()?.client_start(found.record))
}

fn move_point(cx: &Cx<'_>, window: u64, at: u64, which: fn(Start, (i32, i32)) -> (i32, i32)) -> User {
    cx.window(window)?;
    let start = client_start(cx, window)?;
    let at = UserPtr::<[i32; 2]>::new(at);
    let [x, y] = at.read(cx.k)?;
    at.write(cx.k, <[i32; 2]>::from(which(start, (x, y))))?;
    Ok(1)
}

/// MapWindowPoints: `struct map_window_points_params`. Answers how far they were moved, a half each.
fn map_points(cx: &Cx<'_>, from: u64, param: u64) -> User {
    /// More points than this are no program's.
    const MOST: u32 = 1 << 20;
    let [to, points] = UserPtr::<[u64; 2]>::new(param).read(cx.k)?;
    let count = UserPtr::<u32>::new(param + 16).read(cx.k)?;
    if count > MOST {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let (from, to) = (client_start(cx, from)?, client_start(cx, to)?);
    let at = UserPtr::<[i32; 2]>::new(points);
    let mut all = at.read_vec(cx.k, count as usize)?;
    for point in &mut all {
        *point = to.to_client(from.to_screen((point[0], point[1]))).into();
    }
    // Two are a rectangle's corners.
    if from.mirrored != to.mirrored
        && let [first, second] = &mut all[..]
    {
        core::mem::swap(&mut first[0], &mut second[0]);
    }
    for (index, point) in (0..).zip(all) {
        UserPtr::new(points + index * 8).write(cx.k, point)?;
    }
    let (x, y) = (from.x.wrapping_sub(to.x), from.y.wrapping_sub(to.y));
    let x = if from.mirrored { x.wrapping_neg() } else { x };
    Ok(u64::from(x as u16) | u64::from(y as u16) << 16)
}

/// GetWindowRect and GetClientRect: `struct get_window_rects_params`.
fn rects(cx: &Cx<'_>, window: u64, param: u64) -> User {
    let to = UserPtr::<u64>::new(param).read(cx.k)?;
    let client = UserPtr::<u32>::new(param + 8).read(cx.k)? != 0;
    let found = cx.window(window)?;
    let tx = cx.windows()?;
    let rect = if client {
        let rect = tx.window_rect(found.record, field::CLIENT_RECT);
        rect.offset(rect.left.wrapping_neg(), rect.top.wrapping_neg())
    } else {
        let (x, y) = tx.origin(found.record);
        tx.window_rect(found.record, field::WINDOW_RECT).offset(x, y)
    };
    drop(tx);
    UserPtr::new(to).write(cx.k, create::rect_bytes(&rect))?;
    Ok(1)
}

/// GetWindowInfo: WINDOWINFO, whose first word says its size.
fn info(cx: &Cx<'_>, window: u64, at: u64) -> User {
    /// WS_ACTIVECAPTION; WINVER.
    const ACTIVE: u32 = 1;
    const VERSION: u32 = 0x0400;
    let found = cx.window(window)?;
    let tx = cx.windows()?;
    let record = found.record;
    let (whole, client) = (tx.screen_rect(record, field::WINDOW_RECT), tx.screen_rect(record, field::CLIENT_RECT));
    let active =
        found.queue != 0 && tx.get(tx.input_of(found.queue) + crate::shm::user::input::field::ACTIVE) == record;
    let (style, extended) = (tx.get(record + field::STYLE), tx.get(record + field::EX_STYLE));
    let atom = tx.get(record + field::ATOM);
    drop(tx);
    let borders = [client.left - whole.left, whole.bottom - client.bottom].map(|side| side as u32);
    let mut words = vec![60u32];
    words.extend([whole, client].iter().flat_map(create::rect_bytes).map(|side| side as u32));
    words.extend([style, extended, if active { ACTIVE } else { 0 }, borders[0], borders[1]]);
    words.push(atom & 0xffff | VERSION << 16);
    for (place, word) in (0..).zip(words).skip(1) {
        UserPtr::new(at + place * 4).write(cx.k, word)?;
    }
    Ok(1)
}

/// EnableWindow: whether it was disabled before.
pub(super) fn enable(cx: &Cx<'_>, window: u64, enable: bool) -> User {
    if super::send::is_broadcast(window) {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let found: Window = cx.window(window)?;
    let letter = |message, wparam| Letter { message, wparam, lparam: 0, ansi: false };
    if !enable {
        cx.send(&found, &letter(CANCEL_MODE, 0))?;
    }
    let found = cx.window(window)?;
    let mut tx = cx.windows()?;
    let style = tx.get(found.record + field::STYLE);
    let disabled = style & DISABLED != 0;
    if disabled != enable {
        return Ok(disabled.into());
    }
    tx.set(found.record + field::STYLE, if enable { style & !DISABLED } else { style | DISABLED });
    tx.commit()?;
    hook::event(cx, hook::event::STATE_CHANGE, found.handle.into(), hook::event::WINDOW, 0);
    // What takes no input has no focus.
    if !enable && focus::focused(cx)? == found.handle {
        focus::set_focus(cx, 0)?;
    }
    if let Ok(found) = cx.window(window) {
        cx.send(&found, &letter(ENABLE, enable.into()))?;
    }
    Ok(disabled.into())
}

/// Sets and clears bits of a window's style without a message, as user32's controls do with their own; answers what it was.
fn set_style_bits(cx: &Cx<'_>, window: u64, at: u64) -> User {
    // STYLESTRUCT: bits to clear where the old style is told, bits to set where the new one is.
    let [clear, set] = UserPtr::<[u32; 2]>::new(at).read(cx.k)?;
    let found = cx.window(window)?;
    if found.queue == 0 {
        return Err(Failed::with(error::ACCESS_DENIED));
    }
    Ok(show::set_style(cx, &found, set, clear)?.into())
}
