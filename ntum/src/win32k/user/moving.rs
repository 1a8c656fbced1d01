//! Windows that the user moves and sizes: WM_SYSCOMMAND with SC_MOVE and SC_SIZE, by mouse and by keys.

use super::super::User;
use super::create::{rect_bytes, rect_of};
use super::menu::system::command;
use super::nonclient::style::*;
use super::nonclient::{Look, ht, size, sm};
use super::reach;
use crate::call::Cx;
use crate::shm::user::message::Message;
use crate::shm::user::window::{CHILD, VISIBLE};
use crate::win32k::geometry::Rect;
use zerocopy::IntoBytes;

/// WM_*.
mod message {
    pub const NC_HIT_TEST: u32 = 0x84;
    pub const SET_CURSOR: u32 = 0x20;
    pub const KEY_DOWN: u32 = 0x100;
    pub const SYS_COMMAND: u32 = 0x112;
    pub const MOUSE_MOVE: u32 = 0x200;
    pub const LEFT_UP: u32 = 0x202;
    pub const SIZING: u32 = 0x214;
    pub const MOVING: u32 = 0x216;
    pub const ENTER_SIZE_MOVE: u32 = 0x231;
    pub const EXIT_SIZE_MOVE: u32 = 0x232;
}

/// MSGF_SIZE; SWP_NOSIZE; VK_*; how far a key moves.
const FILTER: u32 = 4;
const NO_SIZE: u32 = 0x1;
const RETURN: u64 = 0x0d;
const ESCAPE: u64 = 0x1b;
const LEFT: u64 = 0x25;
const UP: u64 = 0x26;
const RIGHT: u64 = 0x27;
const DOWN: u64 = 0x28;
const STEP: i32 = 8;

/// Which sides a hit moves: left, top, right, bottom.
fn sides(hit: i32) -> [bool; 4] {
    let any = |of: [i32; 3]| of.contains(&hit);
    [
        any([ht::LEFT, ht::TOP_LEFT, ht::BOTTOM_LEFT]),
        any([ht::TOP, ht::TOP_LEFT, ht::TOP_RIGHT]),
        any([ht::RIGHT, ht::TOP_RIGHT, ht::BOTTOM_RIGHT]),
        any([ht::BOTTOM, ht::BOTTOM_LEFT, ht::BOTTOM_RIGHT]),
    ]
}

/// Where the mouse may go, so that the window stays within its sizes: of one that is at `at` when it begins.
fn mouse_area(mut area: Rect, rect: &Rect, hit: i32, at: (i32, i32), least: (i32, i32), most: (i32, i32)) -> Rect {
    let [left, top, right, bottom] = sides(hit);
    let within = |low: &mut i32, high: &mut i32, first: i32, second: i32| {
        *low = (*low).max(first);
        *high = (*high).min(second);
    };
    let add = i32::saturating_add;
    if left {
        let by = at.0.saturating_sub(rect.left);
        let end = rect.right;
        within(
            &mut area.left,
            &mut area.right,
            add(end.saturating_sub(most.0), by),
            add(end.saturating_sub(least.0), by),
        );
    } else if right {
        let by = at.0.saturating_sub(rect.right);
        within(&mut area.left, &mut area.right, add(add(rect.left, least.0), by), add(add(rect.left, most.0), by));
    }
    if top {
        let by = at.1.saturating_sub(rect.top);
        let end = rect.bottom;
        within(
            &mut area.top,
            &mut area.bottom,
            add(end.saturating_sub(most.1), by),
            add(end.saturating_sub(least.1), by),
        );
    } else if bottom {
        let by = at.1.saturating_sub(rect.bottom);
        within(&mut area.top, &mut area.bottom, add(add(rect.top, least.1), by), add(add(rect.top, most.1), by));
    }
    area
}

/// The rectangle as a hit that is pulled so far leaves it.
fn pulled(rect: &Rect, hit: i32, x: i32, y: i32) -> Rect {
    if hit == ht::CAPTION || hit == ht::BORDER {
        return rect.offset(x, y);
    }
    let [left, top, right, bottom] = sides(hit);
    let by = |side: i32, moves: bool, by: i32| if moves { side.wrapping_add(by) } else { side };
    Rect {
        left: by(rect.left, left, x),
        top: by(rect.top, top, y),
        right: by(rect.right, right, x),
        bottom: by(rect.bottom, bottom, y),
    }
}

/// A point within a rectangle.
fn clamped(at: (i32, i32), area: &Rect) -> (i32, i32) {
    let within = |place: i32, low: i32, high: i32| place.max(low).min(high.saturating_sub(1));
    (within(at.0, area.left, area.right), within(at.1, area.top, area.bottom))
}

fn pair((x, y): (i32, i32)) -> u64 {
    u64::from(x as u16) | u64::from(y as u16) << 16
}

/// From a menu: where the mouse is put, and what it is then taken to pull. `None`: it is not to be.
fn begin_by_key(cx: &Cx<'_>, look: &Look, moves: bool) -> User<Option<(i32, (i32, i32))>> {
    let handle = look.window.handle.into();
    let found = if moves {
        // About the middle of the caption.
        let mut rect = look.whole;
        let button = size(cx, sm::CX_SIZE) + 1;
        rect.top += size(cx, sm::BORDER);
        rect.left += if look.has(SYSTEM_MENU) { button } else { 0 };
        rect.right -= if look.has(MINIMIZE_BOX) { button } else { 0 };
        rect.right -= if look.has(MAXIMIZE_BOX) { button } else { 0 };
        Some((ht::CAPTION, ((rect.left + rect.right) / 2, rect.top + size(cx, sm::CY_SIZE) / 2)))
    } else {
        /// IDC_SIZEALL.
        const SIZE_ALL: u32 = 32646;
        reach::set_cursor(cx, SIZE_ALL)?;
        pick_side(cx, look)?
    };
    if let Some((hit, at)) = found {
        reach::put_cursor(cx, at);
        let hit = u64::from(hit as u16) | u64::from(message::MOUSE_MOVE) << 16;
        reach::send(cx, &cx.window(handle)?, message::SET_CURSOR, handle, hit)?;
    }
    Ok(found)
}

/// Waits until a key or the mouse says which side is pulled.
fn pick_side(cx: &Cx<'_>, look: &Look) -> User<Option<(i32, (i32, i32))>> {
    let (whole, half) = (look.whole, size(cx, sm::FRAME) / 2);
    let middle = ((whole.left + whole.right) / 2, (whole.top + whole.bottom) / 2);
    loop {
        let Some(told) = reach::get(cx, (0, 0))? else { return Ok(None) };
        if reach::is_filtered(cx, &told, FILTER)? {
            continue;
        }
        match told.number {
            message::MOUSE_MOVE => {
                let at = clamped(told.place, &whole);
                let window = cx.window(look.window.handle.into())?;
                let hit = reach::send(cx, &window, message::NC_HIT_TEST, 0, pair(at))? as i32;
                if (ht::LEFT..=ht::BOTTOM_RIGHT).contains(&hit) {
                    return Ok(Some((hit, at)));
                }
            }
            message::LEFT_UP => return Ok(None),
            message::KEY_DOWN => match told.wparam {
                UP => return Ok(Some((ht::TOP, (middle.0, whole.top + half)))),
                DOWN => return Ok(Some((ht::BOTTOM, (middle.0, whole.bottom - half)))),
                LEFT => return Ok(Some((ht::LEFT, (whole.left + half, middle.1)))),
                RIGHT => return Ok(Some((ht::RIGHT, (whole.right - half, middle.1)))),
                RETURN | ESCAPE => return Ok(None),
                _ => {}
            },
            _ => {
                reach::translate(cx, &told)?;
                reach::dispatch(cx, &told)?;
            }
        }
    }
}

/// A window that is pulled.
struct Pulled<'a, 'b> {
    cx: &'a Cx<'b>,
    window: u64,
    /// The parent of a child; 0 for none.
    parent: u64,
    hit: i32,
    sizes: bool,
    /// On the screen: where it is, where it was, where the mouse may go.
    rect: Rect,
    first: Rect,
    area: Rect,
    at: (i32, i32),
    moved: bool,
}

impl Pulled<'_, '_> {
    fn place(&self, rect: &Rect) -> User<()> {
        let rect = reach::client_start(self.cx, self.parent)?.rect_to_client(rect);
        let how = if self.hit == ht::CAPTION { NO_SIZE } else { 0 };
        reach::set_position(self.cx, self.window, 0, &rect, how)?;
        Ok(())
    }

    /// The mouse or a key came: `key` only moves the mouse, which tells the rest.
    fn pull(&mut self, to: (i32, i32), key: bool) -> User<()> {
        let cx = self.cx;
        let mut to = clamped(to, &self.area);
        if self.parent == 0 {
            to = clamped(to, &reach::work_area(cx, to)?);
        }
        let by = (to.0.wrapping_sub(self.at.0), to.1.wrapping_sub(self.at.1));
        if by == (0, 0) {
            return Ok(());
        }
        self.moved = true;
        if key {
            reach::put_cursor(cx, to);
            return Ok(());
        }
        let rect = pulled(&self.rect, self.hit, by.0, by.1);
        self.at = to;
        // WMSZ_* are the hits from HTLEFT on, counted from 1.
        let side = if (ht::LEFT..=ht::BOTTOM_RIGHT).contains(&self.hit) { self.hit - ht::LEFT + 1 } else { 0 };
        let (number, wparam) =
            if self.sizes && self.hit != ht::BORDER { (message::SIZING, side) } else { (message::MOVING, 0) };
        let window = cx.window(self.window)?;
        let (_, back) = cx.send_data(&window, number, wparam as u64, rect_bytes(&rect).as_bytes())?;
        self.rect = rect_of(&back).unwrap_or(rect).tamed();
        self.place(&self.rect.clone())
    }
}

/// SC_MOVE and SC_SIZE: the lower four bits say what is pulled, if the mouse does.
pub(super) fn run(cx: &Cx<'_>, window: u64, wparam: u64) -> User<()> {
    let mut look = Look::of(cx, window)?;
    let command = wparam as u32 & 0xfff0;
    let hit = (wparam & 0xf) as i32;
    if look.has(MAXIMIZE) || !look.has(VISIBLE) || !cx.windows()?.is_visible(look.window.record) {
        return Ok(());
    }
    let mut at = reach::message_place(cx)?;
    reach::free_cursor(cx);
    let moves = command == command::MOVE;
    let hit = match (moves, hit) {
        (true, 1..) => hit,
        // WMSZ_* count from 1.
        (false, 1..) => hit + ht::LEFT - 1,
        _ => {
            if !moves {
                reach::capture_for_moving(cx, window);
            }
            let Some((hit, from)) = begin_by_key(cx, &look, moves)? else {
                reach::capture_for_moving(cx, 0);
                return Ok(());
            };
            at = from;
            hit
        }
    };
    let (least, most) = reach::size_limits(cx, window)?;
    look = Look::of(cx, window)?;
    let parent = if look.has(CHILD) { super::tree::get_ancestor(cx, window, 1)? } else { 0 };
    let area = match parent {
        0 => cx.screen()?,
        parent => Look::of(cx, parent)?.client,
    };
    let area = mouse_area(area, &look.whole, hit, at, least, most);
    /// RDW_UPDATENOW, RDW_ALLCHILDREN.
    const UPDATE: u32 = 0x100 | 0x80;
    reach::redraw(cx, window, None, UPDATE)?;
    reach::send(cx, &cx.window(window)?, message::ENTER_SIZE_MOVE, 0, 0)?;
    reach::capture_for_moving(cx, window);
    let (rect, first) = (look.whole, look.whole);
    let mut pulled =
        Pulled { cx, window, parent, hit, sizes: command == command::SIZE, rect, first, area, at, moved: false };
    let ended = follow(&mut pulled);
    reach::capture_for_moving(cx, 0);
    let last = ended?;
    if reach::is_move_refused(cx, window, &pulled.rect)? {
        pulled.moved = false;
    }
    let Ok(found) = cx.window(window) else { return Ok(()) };
    reach::send(cx, &found, message::EXIT_SIZE_MOVE, 0, 0)?;
    let escaped = last.is_some_and(|told| told.number == message::KEY_DOWN && told.wparam == ESCAPE);
    if pulled.moved && escaped {
        pulled.place(&pulled.first)?;
    }
    if look.has(MINIMIZE) && look.has(SYSTEM_MENU) && !pulled.moved {
        // A click alone opens an icon's menu.
        let found = cx.window(window)?;
        let what = u64::from(command::MOUSE_MENU) + ht::SYSTEM_MENU as u64;
        reach::send(cx, &found, message::SYS_COMMAND, what, pair(pulled.at))?;
    }
    Ok(())
}

/// Goes on until the button is let go, or a key ends it; answers the last message.
fn follow(pulled: &mut Pulled<'_, '_>) -> User<Option<Message>> {
    let cx = pulled.cx;
    let by_mouse = reach::is_button_down(cx);
    loop {
        let Some(told) = reach::get(cx, (0, 0))? else { return Ok(None) };
        if reach::is_filtered(cx, &told, FILTER)? {
            continue;
        }
        let key = told.number == message::KEY_DOWN;
        if told.number == message::LEFT_UP || key && [RETURN, ESCAPE].contains(&told.wparam) {
            return Ok(Some(told));
        }
        if !key && told.number != message::MOUSE_MOVE {
            reach::translate(cx, &told)?;
            reach::dispatch(cx, &told)?;
            // Whoever handled that may have taken the end of it.
            if by_mouse && !reach::is_button_down(cx) {
                return Ok(Some(told));
            }
            continue;
        }
        let (x, y) = told.place;
        let to = match told.wparam {
            UP if key => (x, y.saturating_sub(STEP)),
            DOWN if key => (x, y.saturating_add(STEP)),
            LEFT if key => (x.saturating_sub(STEP), y),
            RIGHT if key => (x.saturating_add(STEP), y),
            _ => (x, y),
        };
        pulled.pull(to, key)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_pulled_within_the_windows_sizes() {
        let (screen, rect) = (Rect::new(0, 0, 1024, 768), Rect::new(100, 100, 300, 200));
        let area = |hit, at| mouse_area(screen, &rect, hit, at, (50, 40), (400, 300));
        assert_eq!(area(ht::CAPTION, (150, 105)), screen);
        // Two pixels inside the right side: from 48 wide of the left one on to 398.
        assert_eq!(area(ht::RIGHT, (298, 150)), Rect::new(148, 0, 498, 768));
        assert_eq!(area(ht::TOP_LEFT, (101, 102)), Rect::new(0, 0, 251, 162));
        assert_eq!(pulled(&rect, ht::TOP_LEFT, -5, 7), Rect::new(95, 107, 300, 200));
        assert_eq!(pulled(&rect, ht::CAPTION, -5, 7), rect.offset(-5, 7));
        assert_eq!(clamped((2000, -3), &screen), (1023, 0));
    }
}
