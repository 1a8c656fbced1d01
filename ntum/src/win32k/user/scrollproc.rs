//! How scroll bars are used: the mouse and keys on them, and the procedure of those that are windows.

use super::super::User;
use super::draw::Canvas;
use super::nonclient::{Look, size, sm, style};
use super::procedure::Letter;
use super::reach;
use super::scrollbar::{
    CONTROL, DISABLE_BOTH, IS_VERTICAL, Info, SIZE_BOX, SIZE_GRIP, ScrollInfo, bar_info, bar_of, draw, get, load, part,
    refresh, save, set, set_as, sif,
};
use super::session::Window;
use super::{default, timer};
use crate::call::Cx;
use crate::um::UserPtr;
use crate::win32k::geometry::Rect;

/// WM_* and SBM_*.
pub(super) mod message {
    pub const CREATE: u32 = 0x1;
    pub const SET_FOCUS: u32 = 0x7;
    pub const KILL_FOCUS: u32 = 0x8;
    pub const ENABLE: u32 = 0xa;
    pub const PAINT: u32 = 0xf;
    pub const ERASE_BACKGROUND: u32 = 0x14;
    pub const SET_CURSOR: u32 = 0x20;
    pub const GET_DIALOG_CODE: u32 = 0x87;
    pub const NC_MOUSE_MOVE: u32 = 0xa0;
    pub const SET_PLACE: u32 = 0xe0;
    pub const GET_PLACE: u32 = 0xe1;
    pub const SET_RANGE: u32 = 0xe2;
    pub const GET_RANGE: u32 = 0xe3;
    pub const ENABLE_ARROWS: u32 = 0xe4;
    pub const SET_RANGE_REDRAW: u32 = 0xe6;
    pub const SET_SCROLL_INFO: u32 = 0xe9;
    pub const GET_SCROLL_INFO: u32 = 0xea;
    pub const GET_BAR_INFO: u32 = 0xeb;
    pub const KEY_DOWN: u32 = 0x100;
    pub const KEY_UP: u32 = 0x101;
    pub const SYS_COMMAND: u32 = 0x112;
    pub const HORIZONTAL: u32 = 0x114;
    pub const VERTICAL: u32 = 0x115;
    pub const SYS_TIMER: u32 = 0x118;
    pub const MOUSE_MOVE: u32 = 0x200;
    pub const LEFT_DOWN: u32 = 0x201;
    pub const LEFT_UP: u32 = 0x202;
    pub const LEFT_DOUBLE: u32 = 0x203;
    pub const NC_MOUSE_LEAVE: u32 = 0x2a2;
    pub const MOUSE_LEAVE: u32 = 0x2a3;
}

/// SB_*: what the owner is told.
mod sb {
    pub const LINE_UP: u64 = 0;
    pub const LINE_DOWN: u64 = 1;
    pub const PAGE_UP: u64 = 2;
    pub const PAGE_DOWN: u64 = 3;
    pub const THUMB_PLACE: u64 = 4;
    pub const THUMB_TRACK: u64 = 5;
    pub const TOP: u64 = 6;
    pub const BOTTOM: u64 = 7;
    pub const END: u64 = 8;
}

/// The timer's number; milliseconds until it first repeats, and between.
const TIMER: u64 = 0;
const FIRST_DELAY: u32 = 200;
const REPEAT_DELAY: u32 = 50;
/// MSGF_SCROLLBAR.
const FILTER: u32 = 5;

/// A bar in use.
struct Used<'a, 'b> {
    cx: &'a Cx<'b>,
    window: Window,
    bar: u32,
    vertical: bool,
    dc: Option<u32>,
}

impl Used<'_, '_> {
    /// Tells the owner.
    fn tell(&self, what: u64) {
        let number = if self.vertical { message::VERTICAL } else { message::HORIZONTAL };
        let (owner, control) = match self.bar {
            CONTROL => {
                (super::tree::parent(self.cx, self.window.handle.into()).unwrap_or(0), self.window.handle.into())
            }
            _ => (self.window.handle.into(), 0),
        };
        // An owner that is gone is told nothing.
        let _ = self.cx.window(owner).and_then(|owner| reach::send(self.cx, &owner, number, what, control));
    }

    fn tell_value(&self, what: u64, value: i32) {
        self.tell(what | u64::from(value as u16) << 16);
    }

    fn draw(&self, hit: u32, arrows: bool, interior: bool) {
        if let Some(dc) = self.dc {
            let _ = draw(&Canvas { cx: self.cx, dc }, &self.window, self.bar, hit, arrows, interior);
        }
    }

    /// While a part is held down it is told again and again.
    fn repeat(&self, hit: u32, number: u32, what: u64) {
        let scrolling = &self.cx.k.user.scrolling.0;
        let handle = self.window.handle.into();
        let (same, running) = {
            let using = scrolling.lock();
            (using.tracking.hit == hit, using.repeats)
        };
        if !same {
            scrolling.lock().repeats = false;
            let _ = timer::kill(self.cx, handle, TIMER, true);
        } else if !running || number == message::LEFT_DOWN || number == message::SYS_TIMER {
            self.tell(what);
            scrolling.lock().repeats = true;
            let delay = if number == message::LEFT_DOWN { FIRST_DELAY } else { REPEAT_DELAY };
            let _ = timer::set_system_timer(self.cx, handle, TIMER, delay);
        }
    }

    fn value(&self, place: i32) -> i32 {
        let arrow = size(self.cx, sm::CX_VSCROLL);
        match (load(self.cx, &self.window, self.bar, false), bar_of(self.cx, &self.window, self.bar)) {
            (Ok(Some(info)), Ok(bar)) => bar.value(&info, arrow, place),
            _ => 0,
        }
    }

    /// What the mouse does to the thumb.
    fn thumb(&self, number: u32, at: (i32, i32), hit: u32) {
        let scrolling = &self.cx.k.user.scrolling.0;
        match number {
            message::LEFT_DOWN => {
                let place = {
                    let using = scrolling.lock();
                    using.thumb.wrapping_add(using.last).wrapping_sub(using.clicked)
                };
                let value = self.value(place);
                let first = {
                    let mut using = scrolling.lock();
                    using.tracking.window = self.window.handle.into();
                    using.tracking.bar = self.bar;
                    (using.tracking.thumb_place, using.tracking.thumb_value) = (place, value);
                    !core::mem::replace(&mut using.drags, true)
                };
                if first {
                    self.draw(hit, false, true);
                }
            }
            message::LEFT_UP => self.draw(part::NOWHERE, false, true),
            message::MOUSE_MOVE => {
                let Ok(bar) = bar_of(self.cx, &self.window, self.bar) else { return };
                let place = {
                    let mut using = scrolling.lock();
                    // Far away the thumb goes back.
                    let along =
                        if bar.is_near(at) { bar.along(at).clamp(0, bar.length().max(0)) } else { using.clicked };
                    if along == using.last && using.drags {
                        return;
                    }
                    using.last = along;
                    using.thumb.wrapping_add(along).wrapping_sub(using.clicked)
                };
                let value = self.value(place);
                {
                    let mut using = scrolling.lock();
                    (using.tracking.thumb_place, using.tracking.thumb_value) = (place, value);
                }
                self.tell_value(sb::THUMB_TRACK, value);
                scrolling.lock().drags = true;
                self.draw(hit, false, true);
            }
            _ => {}
        }
    }
}

/// What the mouse or the timer does to a bar; the point is as the bar's rectangle counts.
pub(super) fn event(cx: &Cx<'_>, window: &Window, bar: u32, number: u32, at: (i32, i32)) -> User<()> {
    use message::*;
    if load(cx, window, bar, false)?.is_none() {
        return Ok(());
    }
    let scrolling = &cx.k.user.scrolling.0;
    let idle = scrolling.lock().tracking.hit == part::NOWHERE;
    if idle && ![LEFT_DOWN, MOUSE_MOVE, MOUSE_LEAVE, NC_MOUSE_MOVE, NC_MOUSE_LEAVE].contains(&number) {
        return Ok(());
    }
    let look = Look::of(cx, window.handle.into())?;
    if bar == CONTROL && look.has(SIZE_BOX) {
        return grip(cx, window, number, at);
    }
    if bar == CONTROL && number == NC_MOUSE_LEAVE || bar != CONTROL && number == MOUSE_LEAVE {
        return Ok(());
    }
    let shown = bar_of(cx, window, bar)?;
    let mut at = at;
    let hit = match number {
        LEFT_DOWN => {
            reach::hide_caret(cx);
            let hit = shown.hit(at, false);
            {
                let mut using = scrolling.lock();
                (using.tracking.vertical, using.tracking.hit) = (shown.vertical.into(), hit);
                using.clicked = shown.along(at);
                (using.last, using.thumb, using.mouse) = (using.clicked, shown.thumb_place, at);
            }
            /// WS_TABSTOP.
            const TAB_STOP: u32 = 0x1_0000;
            if bar == CONTROL && look.has(TAB_STOP) {
                reach::set_focus(cx, window);
            }
            reach::capture(cx, window.handle.into());
            hit
        }
        MOUSE_MOVE | NC_MOUSE_MOVE => {
            let vertical = scrolling.lock().tracking.vertical != 0;
            let dragging = shown.vertical == vertical && reach::captured(cx) == window.handle;
            scrolling.lock().mouse = at;
            if (bar == CONTROL) == (number == MOUSE_MOVE) {
                reach::track_leave(cx, window, bar != CONTROL);
            }
            shown.hit(at, dragging)
        }
        LEFT_UP => {
            reach::release_capture(cx, false);
            reach::show_caret_of(cx, window);
            part::NOWHERE
        }
        SYS_TIMER => {
            at = scrolling.lock().mouse;
            shown.hit(at, false)
        }
        NC_MOUSE_LEAVE | MOUSE_LEAVE => part::NOWHERE,
        _ => return Ok(()),
    };
    let dc = reach::window_dc(cx, window.handle.into(), bar != CONTROL);
    let used = Used { cx, window: *window, bar, vertical: shown.vertical, dc };
    follow(&used, number, at, hit)?;
    if let Some(dc) = dc {
        reach::release_dc(cx, dc);
    }
    Ok(())
}

/// What follows from where the mouse is.
fn follow(used: &Used<'_, '_>, number: u32, at: (i32, i32), hit: u32) -> User<()> {
    use message::*;
    let scrolling = &used.cx.k.user.scrolling.0;
    let held = scrolling.lock().tracking.hit;
    match held {
        part::NOWHERE => {
            // Bars that their window paints itself are left alone.
            let own = [NC_MOUSE_MOVE, NC_MOUSE_LEAVE].contains(&number)
                && load(used.cx, &used.window, used.bar, false)?.is_some_and(|info| info.painted != 0);
            if own || number == MOUSE_MOVE || number == MOUSE_LEAVE {
                used.draw(hit, true, true);
            }
        }
        part::THUMB => used.thumb(number, at, hit),
        part::TOP_ARROW | part::BOTTOM_ARROW => {
            used.draw(hit, true, false);
            used.repeat(hit, number, if held == part::TOP_ARROW { sb::LINE_UP } else { sb::LINE_DOWN });
        }
        _ => {
            used.draw(hit, false, true);
            used.repeat(hit, number, if held == part::ABOVE { sb::PAGE_UP } else { sb::PAGE_DOWN });
        }
    }
    let thumb_value = || {
        let using = *scrolling.lock();
        used.value(using.thumb.wrapping_add(using.last).wrapping_sub(using.clicked))
    };
    if number == LEFT_DOWN && hit == part::THUMB {
        used.tell_value(sb::THUMB_TRACK, thumb_value());
    }
    if number == LEFT_UP {
        let held = core::mem::take(&mut scrolling.lock().tracking.hit);
        if held == part::THUMB {
            used.tell_value(sb::THUMB_PLACE, thumb_value());
        }
        used.tell(sb::END);
        {
            let mut using = scrolling.lock();
            using.tracking.window = 0;
            (using.drags, using.repeats) = (false, false);
        }
        used.draw(part::NOWHERE, true, true);
    }
    Ok(())
}

/// A box that sizes its window: it only holds the mouse.
fn grip(cx: &Cx<'_>, window: &Window, number: u32, at: (i32, i32)) -> User<()> {
    let scrolling = &cx.k.user.scrolling.0;
    match number {
        message::LEFT_DOWN => {
            reach::hide_caret(cx);
            reach::capture(cx, window.handle.into());
            let mut using = scrolling.lock();
            (using.mouse, using.tracking.hit) = (at, part::THUMB);
        }
        message::MOUSE_MOVE => scrolling.lock().mouse = at,
        message::LEFT_UP => {
            reach::release_capture(cx, false);
            scrolling.lock().tracking.hit = part::NOWHERE;
            reach::show_caret_of(cx, window);
        }
        _ => {}
    }
    Ok(())
}

/// Follows the mouse from a click on a bar until the button is let go. The point is on the screen, for a control on its client area.
pub(super) fn track(cx: &Cx<'_>, window: &Window, bar: u32, at: (i32, i32)) -> User<()> {
    let handle = window.handle;
    let look = Look::of(cx, handle.into())?;
    // Messages count from the client area, bars at the edges from the window.
    let (left, top) = match bar {
        CONTROL => (0, 0),
        _ => {
            let client = look.on_window(&look.client);
            (client.left, client.top)
        }
    };
    let first = if bar == CONTROL { at } else { look.point_on_window(at) };
    event(cx, window, bar, message::LEFT_DOWN, first)?;
    while let Some(told) = reach::get(cx, (0, 0))? {
        if reach::is_filtered(cx, &told, FILTER)? {
            continue;
        }
        let ours = matches!(
            told.number,
            message::LEFT_UP
                | message::MOUSE_MOVE
                | message::MOUSE_LEAVE
                | message::NC_MOUSE_MOVE
                | message::NC_MOUSE_LEAVE
        ) || told.number == message::SYS_TIMER && told.wparam == TIMER;
        if ours {
            let (x, y) = (i32::from(told.lparam as i16), i32::from((told.lparam >> 16) as i16));
            event(cx, window, bar, told.number, (x.wrapping_add(left), y.wrapping_add(top)))?;
        } else {
            reach::translate(cx, &told)?;
            reach::dispatch(cx, &told)?;
        }
        if cx.window(handle.into()).is_err() {
            reach::release_capture(cx, false);
            break;
        }
        if told.number == message::LEFT_UP || reach::captured(cx) != handle {
            break;
        }
    }
    Ok(())
}

/// A control is made: where its style says that its size is the system's.
fn created(cx: &Cx<'_>, window: &Window, told: u64) -> User<()> {
    /// SBS_*ALIGN: at the left or upper edge, at the right or lower one.
    const FIRST_EDGE: u32 = 0x2;
    const LAST_EDGE: u32 = 0x4;
    const DISABLED: u32 = 0x0800_0000;
    // CREATESTRUCT: height, width, y, x, style.
    let [height, width, y, x, styles] = UserPtr::<[i32; 5]>::new(told + 32).read(cx.k)?;
    let styles = styles as u32;
    let info = Info { place: 0, least: 0, most: 0, page: 0, flags: 0, painted: 0 };
    save(cx, window, CONTROL, &Info { flags: if styles & DISABLED != 0 { DISABLE_BOTH } else { 0 }, ..info })?;
    let (across, down) = (size(cx, sm::CX_VSCROLL) + 1, size(cx, sm::CY_HSCROLL) + 1);
    let (last_x, last_y) = (x.wrapping_add(width).wrapping_sub(across), y.wrapping_add(height).wrapping_sub(down));
    let (first, last) = (styles & FIRST_EDGE != 0, styles & LAST_EDGE != 0);
    let rect = if styles & SIZE_BOX != 0 {
        match (first, last) {
            (true, _) => Rect::sized(x, y, across, down),
            (false, true) => Rect::sized(last_x, last_y, across, down),
            _ => return Ok(()),
        }
    } else if styles & IS_VERTICAL != 0 {
        match (first, last) {
            (true, _) => Rect::sized(x, y, across, height),
            (false, true) => Rect::sized(last_x, y, across, height),
            _ => return Ok(()),
        }
    } else {
        match (first, last) {
            (true, _) => Rect::sized(x, y, width, down),
            (false, true) => Rect::sized(x, last_y, width, down),
            _ => return Ok(()),
        }
    };
    reach::move_window(cx, window, &rect)
}

fn key(cx: &Cx<'_>, window: &Window, letter: &Letter) -> User<()> {
    // The key was down already: the caret is hidden by then.
    if letter.lparam & 0x4000_0000 == 0 {
        reach::hide_caret(cx);
    }
    let what = match letter.wparam {
        0x21 => sb::PAGE_UP,
        0x22 => sb::PAGE_DOWN,
        0x23 => sb::BOTTOM,
        0x24 => sb::TOP,
        0x25 | 0x26 => sb::LINE_UP,
        0x27 | 0x28 => sb::LINE_DOWN,
        _ => return Ok(()),
    };
    let vertical = Look::of(cx, window.handle.into())?.has(IS_VERTICAL);
    Used { cx, window: *window, bar: CONTROL, vertical, dc: None }.tell(what);
    Ok(())
}

/// The procedure of scroll bars that are windows.
///
/// # Errors
/// What the calls that it makes say.
pub(super) fn procedure(cx: &Cx<'_>, handle: u64, letter: &Letter) -> User {
    use message::*;
    /// DLGC_WANTARROWS.
    const WANT_ARROWS: u64 = 1;
    let window = cx.window(handle)?;
    let Letter { wparam, lparam, .. } = *letter;
    let at = (i32::from(lparam as i16), i32::from((lparam >> 16) as i16));
    let info = || load(cx, &window, CONTROL, false);
    let look = || Look::of(cx, handle);
    match letter.message {
        CREATE => created(cx, &window, lparam)?,
        KEY_DOWN => key(cx, &window, letter)?,
        KEY_UP => reach::show_caret(cx),
        LEFT_DOWN | LEFT_DOUBLE if look()?.has(SIZE_GRIP) => {
            /// SC_SIZE with WMSZ_BOTTOMRIGHT, WMSZ_BOTTOMLEFT.
            const SIZE_RIGHT: u64 = 0xf008;
            const SIZE_LEFT: u64 = 0xf007;
            let what = if look()?.is(style::EX_LAYOUT_RTL) { SIZE_LEFT } else { SIZE_RIGHT };
            let parent = cx.window(super::tree::parent(cx, handle)?)?;
            reach::send(cx, &parent, SYS_COMMAND, what, lparam)?;
        }
        LEFT_DOWN | LEFT_DOUBLE => track(cx, &window, CONTROL, at)?,
        LEFT_UP | NC_MOUSE_MOVE | NC_MOUSE_LEAVE | MOUSE_MOVE | MOUSE_LEAVE | SYS_TIMER => {
            event(cx, &window, CONTROL, letter.message, at)?;
        }
        ENABLE => {
            if let Some(info) = info()? {
                save(cx, &window, CONTROL, &Info { flags: if wparam != 0 { 0 } else { DISABLE_BOTH }, ..info })?;
                refresh(cx, &window, CONTROL, true, true);
            }
        }
        SET_FOCUS => {
            // The caret is the thumb's face.
            let bar = bar_of(cx, &window, CONTROL)?;
            let thumb = thumb_rect(&bar);
            reach::make_caret(
                cx,
                &window,
                &Rect { right: thumb.right - 2, bottom: thumb.bottom - 2, ..thumb }.offset(1, 1),
            );
        }
        KILL_FOCUS => {
            let bar = bar_of(cx, &window, CONTROL)?;
            reach::hide_caret(cx);
            let _ = reach::redraw(cx, handle, Some(&thumb_rect(&bar).offset(1, 1)), 1);
            reach::destroy_caret(cx);
        }
        ERASE_BACKGROUND => return Ok(1),
        GET_DIALOG_CODE => return Ok(WANT_ARROWS),
        PAINT => {
            let hit = cx.k.user.scrolling.0.lock().tracking.hit;
            let paint = |dc: u32| {
                let _ = draw(&Canvas { cx, dc }, &window, CONTROL, hit, true, true);
            };
            match wparam {
                0 => reach::paint(cx, handle, paint)?,
                dc => paint(dc as u32),
            }
        }
        SET_RANGE | SET_RANGE_REDRAW => {
            if let Some(info) = info()? {
                save(cx, &window, CONTROL, &Info { least: wparam as i32, most: lparam as i32, ..info })?;
            }
            if letter.message == SET_RANGE_REDRAW {
                refresh(cx, &window, CONTROL, true, true);
            }
        }
        GET_SCROLL_INFO => return get(cx, &window, CONTROL, lparam),
        GET_BAR_INFO => return bar_info(cx, &window, CONTROL, lparam),
        SET_SCROLL_INFO => return set(cx, &window, CONTROL, lparam, wparam != 0),
        SET_PLACE => {
            let mask = sif::PLACE | sif::RETURN_BEFORE;
            let said = ScrollInfo { size: 28, mask, place: wparam as i32, ..ScrollInfo::default() };
            return set_as(cx, &window, CONTROL, &said, lparam != 0);
        }
        GET_PLACE => return Ok(info()?.map_or(0, |info| u64::from(info.place as u32))),
        GET_RANGE => {
            let Some(info) = info()? else { return Ok(0) };
            for (to, value) in [(wparam, info.least), (lparam, info.most)] {
                if to != 0 {
                    UserPtr::new(to).write(cx.k, value)?;
                }
            }
            return Ok(1);
        }
        ENABLE_ARROWS => return super::scrollbar::enable(cx, handle, CONTROL, wparam as u32),
        SET_CURSOR if look()?.has(SIZE_GRIP) => {
            // IDC_SIZENWSE, IDC_SIZENESW.
            let mirrored = look()?.is(style::EX_LAYOUT_RTL);
            return reach::set_cursor(cx, if mirrored { 32643 } else { 32642 });
        }
        _ => return default::procedure(cx, handle, letter),
    }
    Ok(0)
}

/// The thumb on the bar.
fn thumb_rect(bar: &super::scrollbar::Bar) -> Rect {
    let (from, to) = (bar.thumb_place, bar.thumb_place.wrapping_add(bar.thumb));
    match bar.vertical {
        true => Rect { top: from, bottom: to, ..bar.rect },
        false => Rect { left: from, right: to, ..bar.rect },
    }
}
