//! The mouse: which window is below it, its messages in the thread that takes them, and threads that want to know when it rests or leaves.

use super::super::{Failed, User, error};
use super::get::Filter;
use super::keyboard::accept;
use super::procedure::Letter;
use super::session::{Window, find};
use super::{class, focus, hook, sysparams, timer, tree};
use crate::call::Cx;
use crate::shm::user::hardware::{Hardware, key, number};
use crate::shm::user::input;
use crate::shm::user::message::Message;
use crate::shm::user::window::{CHILD, MINIMIZE, POPUP, VISIBLE, field};
use crate::um::UserPtr;
use zerocopy::IntoBytes;

/// WM_*.
mod message {
    pub const SET_CURSOR: u32 = 0x20;
    pub const MOUSE_ACTIVATE: u32 = 0x21;
    pub const NC_HIT_TEST: u32 = 0x84;
    pub const NC_MOUSE_MOVE: u32 = 0xa0;
    pub const PARENT_NOTIFY: u32 = 0x210;
    pub const NC_MOUSE_HOVER: u32 = 0x2a0;
    pub const MOUSE_HOVER: u32 = 0x2a1;
    pub const NC_MOUSE_LEAVE: u32 = 0x2a2;
    pub const MOUSE_LEAVE: u32 = 0x2a3;
}

/// HT*.
const ERROR: i32 = -2;
const TRANSPARENT: i32 = -1;
const NOWHERE: i32 = 0;
const CLIENT: i32 = 1;
const CAPTION: i32 = 2;
/// WS_DISABLED.
const DISABLED: u32 = 0x0800_0000;
/// WS_EX_TRANSPARENT.
const EX_TRANSPARENT: u32 = 0x20;
/// CS_DBLCLKS.
const DOUBLE_CLICKS: u64 = 8;
/// GCL_STYLE.
const CLASS_STYLE: i32 = -26;
/// SM_CXDOUBLECLK, SM_CYDOUBLECLK, SM_SWAPBUTTON.
const DOUBLE_WIDTH: u32 = 36;
const DOUBLE_HEIGHT: u32 = 37;
const SWAPPED: u32 = 23;

/// What a thread remembers of mouse and keyboard.
#[derive(Default)]
pub struct Memory {
    /// The last click, until it became a double one.
    click: Option<Message>,
    /// What it wants to know of the mouse.
    tracked: Tracked,
    /// What went with its last WM_INPUT: the handle, and a RAWINPUT.
    pub raw: Option<(u32, Vec<u8>)>,
    /// A dead key that waits for the next one.
    pub dead: Option<char>,
    /// A character's number that is being pressed.
    pub pad: super::alt_pad::Pad,
    /// The bitmap that its caret looks like.
    pub caret: Option<u32>,
}

/// TRACKMOUSEEVENT, and where the mouse was.
#[derive(Debug, Clone, Copy, Default)]
struct Tracked {
    flags: u32,
    window: u32,
    time: u32,
    place: (i32, i32),
}

fn letter(message: u32, wparam: u64, lparam: u64) -> Letter {
    Letter { message, wparam, lparam, ansi: false }
}

/// Two halves of a parameter.
pub(super) fn pair(low: i32, high: i32) -> u64 {
    // With its sign, as a 32-bit number has it.
    i64::from((u32::from(low as u16) | u32::from(high as u16) << 16) as i32) as u64
}

/// The window at a place of the screen, in a window or what lies in it, and what of it is there (HT*): windows are asked, and those that
/// let the mouse through are passed over.
pub(super) fn window_from_point(cx: &Cx<'_>, scope: u32, place: (i32, i32)) -> User<Option<(Window, i32)>> {
    let all: Vec<Window> = {
        let tx = cx.windows()?;
        let Some(scope) = tx.window(scope) else { return Ok(None) };
        let (left, top) = tx.origin(scope);
        let hits = tx.windows_met(scope, place.0.wrapping_sub(left), place.1.wrapping_sub(top));
        hits.into_iter().filter_map(|record| tree::of_record(&tx, record)).collect()
    };
    for window in all {
        let style = {
            let tx = cx.windows()?;
            let Some(found) = find(&tx, window.handle) else { continue };
            tx.get(found.record + field::STYLE)
        };
        if style & MINIMIZE != 0 {
            return Ok(Some((window, CAPTION)));
        }
        if style & DISABLED != 0 {
            return Ok(Some((window, ERROR)));
        }
        if !window.is_mine(cx) || !window.is_ours(cx) {
            return Ok(Some((window, CLIENT)));
        }
        let hit = cx.send(&window, &letter(message::NC_HIT_TEST, 0, pair(place.0, place.1)))? as i32;
        if hit != TRANSPARENT {
            return Ok(Some((window, hit)));
        }
    }
    Ok(None)
}

/// NtUserWindowFromPoint.
///
/// # Errors
/// None; the answer is 0 where there is none.
pub fn from_point(cx: &Cx<'_>, x: u32, y: u32) -> User {
    // A POINT, which comes in one register.
    let place = (x as i32, y as i32);
    let (_, desktop) = cx.top_window(false)?;
    let top = {
        let tx = cx.windows()?;
        tx.handle_of(tx.top_window_at(place.0, place.1))
    };
    if top == 0 || top == desktop {
        return Ok(desktop.into());
    }
    Ok(window_from_point(cx, top, place)?.map_or(desktop, |(window, _)| window.handle).into())
}

/// NtUserChildWindowFromPointEx: of the children of a window, that at a place of its client area.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn child_from_point(cx: &Cx<'_>, parent: u64, x: u32, y: u32, flags: u32) -> User {
    /// CWP_SKIPINVISIBLE, CWP_SKIPDISABLED, CWP_SKIPTRANSPARENT.
    const SKIP: [(u32, bool); 3] = [(1, false), (2, false), (4, true)];
    let found = cx.window(parent)?;
    let tx = cx.windows()?;
    let (x, y) = (x as i32, y as i32);
    let client = tx.window_rect(found.record, field::CLIENT_RECT);
    if !(0..client.width()).contains(&x) || !(0..client.height()).contains(&y) {
        return Ok(0);
    }
    let skipped = |child: u32| {
        let (style, extended) = (tx.get(child + field::STYLE), tx.get(child + field::EX_STYLE));
        let hidden = [style & VISIBLE == 0, style & DISABLED != 0, extended & EX_TRANSPARENT != 0];
        SKIP.iter().zip(hidden).any(|((bit, _), hidden)| flags & bit != 0 && hidden)
    };
    let is_there = |child: &u32| tx.told_rect(*child, field::WINDOW_RECT).contains(x, y) && !skipped(*child);
    let child = tx.children(found.record).into_iter().find(is_there);
    Ok(child.map_or(found.handle, |child| tx.handle_of(child)).into())
}

/// NtUserRealChildWindowFromPoint: the same among those that are to be seen, and group boxes only if nothing else is there.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn real_child_from_point(cx: &Cx<'_>, parent: u64, x: u32, y: u32) -> User {
    child_from_point(cx, parent, x, y, 1 | 4)
}

/// Tells a window's parents of a click in it.
fn notify_parents(cx: &Cx<'_>, window: &Window, number: u32, place: (i32, i32)) -> User<()> {
    let mut at = *window;
    for _ in 0..1000 {
        let parent = {
            let tx = cx.windows()?;
            let Some(found) = find(&tx, at.handle) else { return Ok(()) };
            let silent = tx.get(found.record + field::EX_STYLE) & super::create::EX_NO_PARENT_NOTIFY != 0;
            let child = tx.get(found.record + field::STYLE) & CHILD != 0;
            let parent = tx.link(found.record + field::PARENT);
            if !child || silent || tx.is_desktop(parent) {
                return Ok(());
            }
            let Some(parent) = tree::of_record(&tx, parent) else { return Ok(()) };
            (parent, tx.client_start(parent.record).to_client(place))
        };
        let (parent, (x, y)) = parent;
        cx.send(&parent, &letter(message::PARENT_NOTIFY, number.into(), pair(x, y)))?;
        at = parent;
    }
    Ok(())
}

fn is_press(number: u32) -> bool {
    [number::LEFT_DOWN, number::RIGHT_DOWN, number::MIDDLE_DOWN, number::X_DOWN].contains(&number)
}

/// A message of the mouse as its thread gets it; `None` if it is not to have it.
pub(super) fn take(cx: &Cx<'_>, hardware: &Hardware, filter: &Filter, remove: bool) -> User<Option<Message>> {
    let mut message = hardware.message;
    let number = message.number;
    let captured = focus::captured(cx)?;
    let (window, hit) = match captured {
        0 => match window_from_point(cx, message.window, message.place)? {
            Some((window, hit)) if window.is_mine(cx) && window.is_ours(cx) => (window, hit),
            _ => {
                accept(cx, hardware.id)?;
                return Ok(None);
            }
        },
        captured => (cx.window(captured.into())?, CLIENT),
    };
    message.window = window.handle;
    {
        let tx = cx.windows()?;
        if !filter.takes_window(&tx, window.handle) {
            return Ok(None);
        }
    }
    let in_menu = focus::holder(cx, input::field::MENU)? != 0;
    let moving = focus::holder(cx, input::field::MOVED)? != 0;
    let (mut told, mut wparam, mut place) = (number, message.wparam, message.place);
    // There is no wheel outside of client areas.
    if number != number::MOUSE_WHEEL {
        if hit != CLIENT {
            told = told.wrapping_add(message::NC_MOUSE_MOVE.wrapping_sub(number::MOUSE_MOVE));
            wparam = i64::from(hit) as u64;
        } else if !in_menu {
            let tx = cx.windows()?;
            if let Some(found) = find(&tx, window.handle) {
                place = tx.client_start(found.record).to_client(place);
            }
        }
    }
    message.lparam = pair(place.0, place.1);
    if is_press(number) {
        let doubles = in_menu
            || moving
            || hit != CLIENT
            || class::long(cx, window.handle.into(), CLASS_STYLE, 4, false).unwrap_or(0) & DOUBLE_CLICKS != 0;
        let double = doubles && is_double(cx, &message)?;
        if double {
            told += number::RIGHT_DOWN - 1 - number::LEFT_DOWN;
        }
        if !filter.takes_number(told) {
            return Ok(None);
        }
        if remove {
            cx.queue()?.mouse.lock().click = (!double).then_some(message);
        }
    } else if !filter.takes_number(told) {
        return Ok(None);
    }
    let data = message.wparam;
    message.wparam = wparam;
    // MOUSEHOOKSTRUCTEX: place, window, what is hit, extra information, data.
    let structure = |message: &Message| {
        let mut bytes = [message.place.0, message.place.1].as_bytes().to_vec();
        bytes.extend_from_slice(&u64::from(message.window).to_le_bytes());
        bytes.extend_from_slice([hit, 0].as_bytes());
        bytes.extend_from_slice(&message.extra.to_le_bytes());
        bytes.extend_from_slice([data as u32, 0].as_bytes());
        bytes
    };
    let code = if remove { hook::ACTION } else { hook::NO_REMOVE };
    if hook::call_with(cx, hook::MOUSE, code, told.into(), &structure(&message))?.0 != 0 {
        accept(cx, hardware.id)?;
        hook::call_with(cx, hook::CBT, hook::cbt::CLICK_SKIPPED, told.into(), &structure(&message))?;
        return Ok(None);
    }
    let about = pair(hit, number as i32);
    let set_cursor = |window: &Window| cx.send(window, &letter(message::SET_CURSOR, window.handle.into(), about));
    if hit == ERROR || hit == NOWHERE {
        if let Ok(window) = cx.window(message.window.into()) {
            set_cursor(&window)?;
        }
        accept(cx, hardware.id)?;
        return Ok(None);
    }
    if remove {
        accept(cx, hardware.id)?;
    }
    message.number = told;
    if !remove || captured != 0 {
        return Ok(Some(message));
    }
    let mut eaten = false;
    if is_press(number) {
        notify_parents(cx, &window, number, message.place)?;
        if message.window != focus::active(cx)? {
            eaten = !activated(cx, &window, about)?;
        }
    }
    if let Ok(window) = cx.window(message.window.into()) {
        set_cursor(&window)?;
    }
    Ok((!eaten).then_some(message))
}

/// Whether a click is the second of a double one.
fn is_double(cx: &Cx<'_>, message: &Message) -> User<bool> {
    let Some(before) = cx.queue()?.mouse.lock().click else { return Ok(false) };
    let near = |a: i32, b: i32, metric: u32| -> User<bool> {
        let room = sysparams::metric(cx, metric)? as i32 / 2;
        Ok(a.abs_diff(b) < room.unsigned_abs())
    };
    Ok((message.number, message.window, message.wparam) == (before.number, before.window, before.wparam)
        && message.time.wrapping_sub(before.time) < sysparams::double_click_time(cx)
        && near(message.place.0, before.place.0, DOUBLE_WIDTH)?
        && near(message.place.1, before.place.1, DOUBLE_HEIGHT)?)
}

/// A click may activate the window that it is in: that says how. Answers whether the click is told.
fn activated(cx: &Cx<'_>, window: &Window, about: u64) -> User<bool> {
    /// MA_ACTIVATE, MA_ACTIVATEANDEAT, MA_NOACTIVATEANDEAT.
    const ACTIVATE: u32 = 1;
    const ACTIVATE_AND_EAT: u32 = 2;
    const NO_ACTIVATE_AND_EAT: u32 = 4;
    let Ok(top) = cx.window(tree::get_ancestor(cx, window.handle.into(), 2)?) else { return Ok(true) };
    let style = cx.windows()?.get(top.record + field::STYLE);
    if style & (POPUP | CHILD) == CHILD {
        return Ok(true);
    }
    let how = cx.send(window, &letter(message::MOUSE_ACTIVATE, top.handle.into(), about))? as u32;
    Ok(match how {
        NO_ACTIVATE_AND_EAT => false,
        0 | ACTIVATE | ACTIVATE_AND_EAT => {
            let Ok(top) = cx.window(top.handle.into()) else { return Ok(false) };
            focus::activate(cx, &top, true)? && how != ACTIVATE_AND_EAT
        }
        _ => true,
    })
}

/// Number of the timer that looks after the mouse.
const TIMER: u64 = 0xfffa;
/// TME_*.
mod track {
    pub const HOVER: u32 = 1;
    pub const LEAVE: u32 = 2;
    pub const NON_CLIENT: u32 = 0x10;
    pub const QUERY: u32 = 0x4000_0000;
    pub const CANCEL: u32 = 0x8000_0000;
}
/// sizeof(TRACKMOUSEEVENT).
const TRACK_SIZE: u32 = 24;

impl Tracked {
    /// The message that a window gets that the mouse has left.
    fn left(&self) -> u32 {
        if self.flags & track::NON_CLIENT != 0 { message::NC_MOUSE_LEAVE } else { message::MOUSE_LEAVE }
    }

    /// Whether the mouse is no longer where it is tracked.
    fn is_left(&self, window: u32, hit: i32) -> bool {
        self.window != window || (hit == CLIENT) != (self.flags & track::NON_CLIENT == 0)
    }
}

fn stop(cx: &Cx<'_>, tracked: &mut Tracked) {
    // It may be gone with its window.
    let _ = timer::kill(cx, tracked.window.into(), TIMER, true);
    *tracked = Tracked::default();
}

fn remember(cx: &Cx<'_>, tracked: Tracked) -> User<()> {
    cx.queue()?.mouse.lock().tracked = tracked;
    Ok(())
}

/// Which window the mouse is over as far as the thread that tracks it is concerned, and where.
fn over(cx: &Cx<'_>, window: u32) -> User<(u32, i32, (i32, i32))> {
    let place = cx.windows()?.cursor_place();
    let top = tree::get_ancestor(cx, window.into(), 2).unwrap_or(0) as u32;
    let at_top = {
        let tx = cx.windows()?;
        tx.handle_of(tx.top_window_at(place.0, place.1))
    };
    // Another window may lie above it.
    if at_top != top {
        return Ok((0, NOWHERE, place));
    }
    let found = window_from_point(cx, top, place)?;
    Ok(found.map_or((0, NOWHERE, place), |(window, hit)| (window.handle, hit, place)))
}

/// The timer's time came: the mouse may have left, or rest.
pub(super) fn look_after(cx: &Cx<'_>) -> User<()> {
    let mut tracked = cx.queue()?.mouse.lock().tracked;
    let (window, hit, place) = over(cx, tracked.window)?;
    let post = |number: u32, wparam: u64, lparam: u64| {
        let posted = super::get::post_message(cx, tracked.window.into(), number, wparam, lparam);
        posted.map(drop)
    };
    let number = tracked.left();
    let mut flags = tracked.flags;
    if flags & track::LEAVE != 0 && tracked.is_left(window, hit) {
        post(number, 0, 0)?;
        flags &= !track::LEAVE;
    }
    if tracked.window != window {
        flags &= !track::HOVER;
    }
    let mut rests_at = tracked.place;
    if flags & track::HOVER != 0 {
        let (width, height) = sysparams::hover_size(cx);
        if place.0.abs_diff(rests_at.0) > width / 2 || place.1.abs_diff(rests_at.1) > height / 2 {
            rests_at = place;
        } else {
            let (x, y) = {
                let tx = cx.windows()?;
                match find(&tx, window) {
                    Some(found) => tx.client_start(found.record).to_client(place),
                    None => place,
                }
            };
            if hit == CLIENT {
                post(message::MOUSE_HOVER, held_keys(cx)?, pair(x, y))?;
            } else if flags & track::NON_CLIENT != 0 {
                post(message::NC_MOUSE_HOVER, i64::from(hit) as u64, pair(place.0, place.1))?;
            }
            flags &= !track::HOVER;
        }
    }
    (tracked.flags, tracked.place) = (flags, rests_at);
    if flags & (track::HOVER | track::LEAVE) == 0 {
        stop(cx, &mut tracked);
    }
    remember(cx, tracked)
}

/// Whether a timer's message is the mouse's.
pub(super) fn is_timer(id: u64) -> bool {
    id == TIMER
}

/// MK_* of what is pressed.
fn held_keys(cx: &Cx<'_>) -> User<u64> {
    let swapped = sysparams::metric(cx, SWAPPED)? != 0;
    let (left, right) = if swapped { (2, 1) } else { (1, 2) };
    let tx = cx.windows()?;
    let all = [
        (key::LEFT_BUTTON, left),
        (key::RIGHT_BUTTON, right),
        (key::SHIFT, 4),
        (key::CONTROL, 8),
        (key::MIDDLE_BUTTON, 0x10),
        (key::X_BUTTON_1, 0x20),
        (key::X_BUTTON_2, 0x40),
    ];
    Ok(all.into_iter().filter(|(key, _)| tx.desk_key(*key) & 0x80 != 0).map(|(_, bit)| bit).sum())
}

/// NtUserTrackMouseEvent.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn track_event(cx: &Cx<'_>, at: u64) -> User {
    /// HOVER_DEFAULT.
    const DEFAULT: u32 = u32::MAX;
    let [size, flags] = UserPtr::<[u32; 2]>::new(at).read(cx.k)?;
    if size != TRACK_SIZE {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let mut tracked = cx.queue()?.mouse.lock().tracked;
    if flags & track::QUERY != 0 {
        let words = [TRACK_SIZE, tracked.flags, tracked.window, 0, tracked.time, 0];
        cx.k.write_user(at, words.as_bytes())?;
        return Ok(1);
    }
    let window = cx.window(UserPtr::<u64>::new(at.wrapping_add(8)).read(cx.k)?)?;
    let time = UserPtr::<u32>::new(at.wrapping_add(16)).read(cx.k)?;
    let time = match time {
        _ if flags & track::HOVER == 0 => sysparams::hover_time(cx),
        0 | DEFAULT => sysparams::hover_time(cx),
        time => time,
    };
    if flags & track::CANCEL != 0 {
        if tracked.window == window.handle {
            tracked.flags &= !(flags & !track::CANCEL);
            if tracked.flags & (track::HOVER | track::LEAVE) == 0 {
                stop(cx, &mut tracked);
            }
            remember(cx, tracked)?;
        }
        return Ok(1);
    }
    begin(cx, &window, flags, time)?;
    Ok(1)
}

/// Has a window told when the mouse leaves it, or its frame (TME_LEAVE, TME_NONCLIENT), unless that is so already.
pub(super) fn track_leave(cx: &Cx<'_>, window: &Window, frame: bool) -> User<()> {
    /// TME_NONCLIENT.
    const NON_CLIENT: u32 = 0x10;
    let flags = track::LEAVE | if frame { NON_CLIENT } else { 0 };
    let tracked = cx.queue()?.mouse.lock().tracked;
    if tracked.window == window.handle && tracked.flags & flags == flags {
        return Ok(());
    }
    begin(cx, window, flags, sysparams::hover_time(cx))
}

/// Begins to track a window.
fn begin(cx: &Cx<'_>, window: &Window, flags: u32, time: u32) -> User<()> {
    let mut tracked = cx.queue()?.mouse.lock().tracked;
    let (below, hit, place) = over(cx, window.handle)?;
    // What was tracked before may have been left without anybody having looked.
    if tracked.flags & track::LEAVE != 0 && tracked.window != 0 && tracked.is_left(below, hit) {
        let _ = super::get::post_message(cx, tracked.window.into(), tracked.left(), 0, 0);
    }
    stop(cx, &mut tracked);
    if below == window.handle {
        tracked = Tracked { flags, window: window.handle, time, place };
        timer::set_system_timer(cx, window.handle.into(), TIMER, time)?;
    } else if flags & track::LEAVE != 0 {
        // It is not there to begin with.
        let gone = Tracked { flags, window: window.handle, time, place };
        super::get::post_message(cx, window.handle.into(), gone.left(), 0, 0)?;
    }
    remember(cx, tracked)
}
