//! Where windows lie when they are minimized, maximized and neither: Get- and SetWindowPlacement, and what ShowWindow makes of it.

use super::super::{Failed, User, error};
use super::position::{MINIMIZED_METRICS, set_window_pos};
use super::procedure::Letter;
use super::session::Window;
use super::show::{self, command};
use super::{focus, hook, limits};
use crate::call::Cx;
use crate::shm::Tx;
use crate::shm::user::paint::swp;
use crate::shm::user::window::{CHILD, MINIMIZE, VISIBLE, field, flag};
use crate::um::UserPtr;
use crate::win32k::geometry::{Point, Rect};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// WS_MAXIMIZE.
pub(super) const MAXIMIZE: u32 = 0x0100_0000;
/// WM_QUERYOPEN.
const QUERY_OPEN: u32 = 0x13;
/// WPF_SETMINPOSITION, WPF_RESTORETOMAXIMIZED.
const SET_ICON_PLACE: u32 = 1;
const TO_MAXIMIZED: u32 = 2;
/// A place that nobody said.
const NOWHERE: Point = Point::new(-1, -1);

/// WINDOWPLACEMENT.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Placement {
    length: u32,
    flags: u32,
    command: u32,
    minimized: Point,
    maximized: Point,
    normal: Rect,
}

fn point(tx: &Tx<'_>, place: u32) -> Point {
    Point::new(tx.get(place) as i32, tx.get(place + 1) as i32)
}

fn set_point(tx: &mut Tx<'_>, place: u32, point: Point) {
    tx.set(place, point.x as u32);
    tx.set(place + 1, point.y as u32);
}

/// A new window's: nobody said anything.
pub(super) fn begin(tx: &mut Tx<'_>, record: u32) {
    for place in [field::ICON_PLACE, field::MAXIMIZED_PLACE] {
        set_point(tx, record + place, NOWHERE);
    }
}

/// A window that covers the screen has no place of its own when it is maximized.
fn forget_maximized(tx: &mut Tx<'_>, record: u32, work: &Rect) {
    let parent = tx.link(record + field::PARENT);
    if parent != 0 && !tx.is_root(parent) {
        return;
    }
    if tx.get(record + field::STYLE) & MAXIMIZE == 0 || tx.window_rect(record, field::WINDOW_RECT).covers(work) {
        set_point(tx, record + field::MAXIMIZED_PLACE, NOWHERE);
    }
}

fn maximized_work(cx: &Cx<'_>, window: &Window) -> User<Rect> {
    let style = cx.windows()?.get(window.record + field::STYLE);
    if style & (MINIMIZE | MAXIMIZE) == MAXIMIZE { limits::work_rect(cx, window) } else { Ok(Rect::default()) }
}

/// Where a window is, and would be; its record learns what it does not know.
fn read(cx: &Cx<'_>, window: &Window) -> User<Placement> {
    let work = maximized_work(cx, window)?;
    let mut tx = cx.windows()?;
    let record = window.record;
    let style = tx.get(record + field::STYLE);
    let rect = tx.told_rect(record, field::WINDOW_RECT);
    let command = match style & (MINIMIZE | MAXIMIZE) {
        0 => command::SHOW_NORMAL,
        bits if bits & MINIMIZE != 0 => command::SHOW_MINIMIZED,
        _ => command::SHOW_MAXIMIZED,
    };
    let length = size_of::<Placement>() as u32;
    if tx.is_root(record) {
        return Ok(Placement { length, command: 1, minimized: NOWHERE, maximized: NOWHERE, normal: rect, flags: 0 });
    }
    match command {
        command::SHOW_MINIMIZED => set_point(&mut tx, record + field::ICON_PLACE, Point::new(rect.left, rect.top)),
        command::SHOW_MAXIMIZED => set_point(&mut tx, record + field::MAXIMIZED_PLACE, Point::new(rect.left, rect.top)),
        _ => tx.set_window_rect(record, field::NORMAL_RECT, rect),
    }
    forget_maximized(&mut tx, record, &work);
    let to_maximized = tx.get(record + field::FLAGS) & flag::RESTORE_MAXIMIZED != 0;
    let placement = Placement {
        length,
        flags: if to_maximized { TO_MAXIMIZED } else { 0 },
        command,
        minimized: point(&tx, record + field::ICON_PLACE),
        maximized: point(&tx, record + field::MAXIMIZED_PLACE),
        normal: tx.window_rect(record, field::NORMAL_RECT),
    };
    tx.commit()?;
    Ok(placement)
}

/// NtUserGetWindowPlacement.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn get(cx: &Cx<'_>, window: u64, placement: UserPtr<Placement>) -> User {
    let found = cx.window(window)?;
    placement.write(cx.k, read(cx, &found)?)?;
    Ok(1)
}

/// NtUserGetInternalWindowPos: the command that would show it so.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn get_internal(cx: &Cx<'_>, window: u64, rect: u64, point: u64) -> User {
    let placement = read(cx, &cx.window(window)?)?;
    if rect != 0 {
        UserPtr::new(rect).write(cx.k, placement.normal)?;
    }
    if point != 0 {
        UserPtr::new(point).write(cx.k, placement.minimized)?;
    }
    Ok(placement.command.into())
}

fn on_screen(work: &Rect, rect: Rect) -> Rect {
    let shift = |low: i32, high: i32, from: i32, to: i32| {
        if high <= from {
            from.wrapping_sub(low)
        } else if low >= to {
            to.wrapping_sub(high)
        } else {
            0
        }
    };
    rect.offset(
        shift(rect.left, rect.right, work.left, work.right),
        shift(rect.top, rect.bottom, work.top, work.bottom),
    )
}

/// Which parts of a placement are set.
#[derive(Debug, Clone, Copy)]
struct Parts {
    minimized: bool,
    maximized: bool,
    normal: bool,
}

fn write(cx: &Cx<'_>, window: &Window, placement: &Placement, parts: Parts) -> User {
    let work = maximized_work(cx, window)?;
    let mut tx = cx.windows()?;
    let (screen, record) = (tx.work_area(), window.record);
    let near = |point: Point| {
        let rect = on_screen(&screen, Rect::sized(point.x, point.y, 1, 1));
        Point::new(rect.left, rect.top)
    };
    let (minimized, maximized) = (near(placement.minimized), near(placement.maximized));
    let normal = on_screen(&screen, placement.normal);
    if parts.minimized {
        set_point(&mut tx, record + field::ICON_PLACE, minimized);
    }
    if parts.maximized {
        set_point(&mut tx, record + field::MAXIMIZED_PLACE, maximized);
        forget_maximized(&mut tx, record, &work);
    }
    if parts.normal {
        tx.set_window_rect(record, field::NORMAL_RECT, normal);
    }
    let style = tx.get(record + field::STYLE);
    tx.commit()?;
    let handle = window.handle.into();
    let stay = swp::NO_Z_ORDER | swp::NO_ACTIVATE;
    if style & MINIMIZE != 0 {
        if parts.minimized {
            set_window_pos(cx, handle, 0, minimized.x, minimized.y, 0, 0, stay | swp::NO_SIZE)?;
        }
    } else if style & MAXIMIZE != 0 {
        if parts.maximized {
            set_window_pos(cx, handle, 0, maximized.x, maximized.y, 0, 0, stay | swp::NO_SIZE)?;
        }
    } else if parts.normal {
        set_window_pos(cx, handle, 0, normal.left, normal.top, normal.width(), normal.height(), stay)?;
    }
    show::show_window(cx, handle, placement.command)?;
    let Ok(window) = cx.window(handle) else { return Ok(1) };
    let mut tx = cx.windows()?;
    if tx.get(window.record + field::STYLE) & MINIMIZE != 0 && placement.flags & TO_MAXIMIZED != 0 {
        show::set_flags(&mut tx, window.record, flag::RESTORE_MAXIMIZED, 0);
        tx.commit()?;
    }
    Ok(1)
}

/// NtUserSetWindowPlacement.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn set(cx: &Cx<'_>, window: u64, placement: UserPtr<Placement>) -> User {
    let placement = placement.read(cx.k)?;
    if placement.length != size_of::<Placement>() as u32 {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let found = cx.own_window(window)?;
    let parts = Parts { minimized: placement.flags & SET_ICON_PLACE != 0, maximized: true, normal: true };
    write(cx, &found, &placement, parts)
}

/// NtUserSetInternalWindowPos.
///
/// # Errors
/// None that is told.
pub fn set_internal(cx: &Cx<'_>, window: u64, command: u32, rect: u64, point: u64) -> User {
    let found = cx.own_window(window)?;
    let mut placement = Placement { command, ..Placement::default() };
    if rect != 0 {
        placement.normal = UserPtr::new(rect).read(cx.k)?;
    }
    if point != 0 {
        placement.minimized = UserPtr::new(point).read(cx.k)?;
    }
    write(cx, &found, &placement, Parts { minimized: point != 0, maximized: false, normal: rect != 0 })
}

/// Makes a window minimized, maximized or neither, but for its rectangle: answers that, if it is another, and SWP_* flags.
pub(super) fn change(cx: &Cx<'_>, window: &Window, command: u32) -> User<(u32, Option<Rect>)> {
    const STAYS: u32 = swp::NO_SIZE | swp::NO_MOVE;
    let placement = read(cx, window)?;
    if hook::call(cx, hook::CBT, hook::cbt::MIN_MAX, window.handle.into(), command.into())? != 0 {
        return Ok((STAYS, None));
    }
    let window = &cx.window(window.handle.into())?;
    let style = cx.windows()?.get(window.record + field::STYLE);
    let screen = cx.screen()?;
    let metric = |index| cx.k.metric(index, screen, super::dpi::of_system(cx));
    let icon = |place: Point| Rect::sized(place.x, place.y, metric(MINIMIZED_METRICS.0), metric(MINIMIZED_METRICS.1));
    let minimizes = matches!(
        command,
        command::SHOW_MIN_NO_ACTIVATE | command::SHOW_MINIMIZED | command::FORCE_MINIMIZE | command::MINIMIZE
    );
    let mut flags = 0;
    if style & MINIMIZE != 0 {
        if minimizes {
            return Ok((STAYS, Some(icon(super::iconic::place(cx, window, placement.minimized)?))));
        }
        if cx.send(window, &Letter { message: QUERY_OPEN, ..Letter::default() })? == 0 {
            return Ok((STAYS, None));
        }
        flags |= swp::NO_COPY_BITS;
    }
    if minimizes {
        {
            let mut tx = cx.windows()?;
            let bit = flag::RESTORE_MAXIMIZED;
            let (set, clear) = if style & MAXIMIZE != 0 { (bit, 0) } else { (0, bit) };
            show::set_flags(&mut tx, window.record, set, clear);
            tx.commit()?;
        }
        if focus::focused(cx)? == window.handle {
            let tx = cx.windows()?;
            let parent = if style & CHILD != 0 { tx.handle_of(tx.link(window.record + field::PARENT)) } else { 0 };
            drop(tx);
            focus::set_focus(cx, parent.into())?;
        }
        let before = show::set_style(cx, window, MINIMIZE, MAXIMIZE)?;
        let place = super::iconic::place(cx, window, placement.minimized)?;
        if before & MINIMIZE == 0 {
            flags |= swp::STATE_CHANGED;
        }
        return Ok((flags | swp::NO_COPY_BITS, Some(icon(place))));
    }
    if command == command::SHOW_MAXIMIZED {
        if style & (MAXIMIZE | VISIBLE) == MAXIMIZE | VISIBLE {
            return Ok((STAYS, None));
        }
        let limits = limits::ask(cx, window)?;
        let before = show::set_style(cx, window, MAXIMIZE, MINIMIZE)?;
        if before & MINIMIZE != 0 {
            let mut tx = cx.windows()?;
            show::set_flags(&mut tx, window.record, flag::RESTORE_MAXIMIZED, 0);
            tx.commit()?;
        }
        if before & MAXIMIZE == 0 {
            flags |= swp::STATE_CHANGED;
        }
        return Ok((flags, Some(limits.maximized)));
    }
    if command == command::SHOW_NO_ACTIVATE {
        let mut tx = cx.windows()?;
        show::set_flags(&mut tx, window.record, 0, flag::RESTORE_MAXIMIZED);
        tx.commit()?;
    }
    let before = show::set_style(cx, window, 0, MINIMIZE | MAXIMIZE)?;
    if before & MINIMIZE != 0 {
        let to_maximized = cx.windows()?.get(window.record + field::FLAGS) & flag::RESTORE_MAXIMIZED != 0;
        if to_maximized {
            let limits = limits::ask(cx, window)?;
            show::set_style(cx, window, MAXIMIZE, 0)?;
            return Ok((flags | swp::STATE_CHANGED, Some(limits.maximized)));
        }
    } else if before & MAXIMIZE == 0 {
        return Ok((flags, None));
    }
    Ok((flags | swp::STATE_CHANGED, Some(placement.normal)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placement_lies_as_programs_read_it_and_stays_on_the_screen() {
        assert_eq!(size_of::<Placement>(), 44);
        let work = Rect::new(0, 0, 100, 80);
        assert_eq!(on_screen(&work, Rect::sized(-30, 90, 20, 10)), Rect::sized(0, 70, 20, 10));
        assert_eq!(on_screen(&work, Rect::sized(-10, 75, 20, 10)), Rect::sized(-10, 75, 20, 10));
    }
}
