//! SetWindowPos: where a window lies, how large it is, what is above it, whether it is seen.

use super::super::{Failed, User, error};
use super::create::{rect_bytes, rect_of};
use super::paint;
use super::procedure::Letter;
use super::session::{Window, find};
use super::{caret, dce, focus, hook, internal, surface};
use crate::call::Cx;
use crate::shm::Tx;
use crate::shm::user::paint::{Placed, swp, update};
use crate::shm::user::surface as shared;
use crate::shm::user::visible::dcx;
use crate::shm::user::window::{CHILD, EX_TOPMOST, MINIMIZE, Order, POPUP, VISIBLE, field};
use crate::win32k::gdi;
use crate::win32k::gdi::surface::{Opened, Surface};
use crate::win32k::geometry::Rect;
use std::sync::Arc;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// WM_WINDOWPOSCHANGING, WM_WINDOWPOSCHANGED, WM_NCCALCSIZE, WM_CHILDACTIVATE.
pub(super) const CHANGING: u32 = 0x46;
pub(super) const CHANGED: u32 = 0x47;
const CALC_SIZE: u32 = 0x83;
const CHILD_ACTIVATE: u32 = 0x22;
/// HWND_TOP, HWND_BOTTOM, HWND_TOPMOST, HWND_NOTOPMOST.
const TOP: u64 = 0;
const BOTTOM: u64 = 1;
const TOPMOST: u64 = u64::MAX;
const NOT_TOPMOST: u64 = u64::MAX - 1;
/// WVR_*: what of the window is drawn anew.
mod redraw {
    pub const ALIGN_RIGHT: u32 = 0x20;
    pub const ALIGN_BOTTOM: u32 = 0x40;
    pub const HORIZONTAL: u32 = 0x100;
    pub const VERTICAL: u32 = 0x200;
    pub const ALL: u32 = HORIZONTAL | VERTICAL;
    pub const VALID_RECTS: u32 = 0x400;
}
/// Flags that say that a window kept size and order, or that nothing at all changed; all that say what changed.
const NO_GEOMETRY: u32 = swp::NO_SIZE | swp::NO_CLIENT_SIZE | swp::NO_Z_ORDER;
const NO_CHANGE: u32 = NO_GEOMETRY | swp::NO_MOVE | swp::NO_CLIENT_MOVE;
const STATUS: u32 = NO_CHANGE | swp::FRAME_CHANGED | swp::SHOW | swp::HIDE;
const NO_CLIENT: u32 = swp::NO_CLIENT_SIZE | swp::NO_CLIENT_MOVE;
/// SM_CXMINIMIZED, SM_CYMINIMIZED.
pub(super) const MINIMIZED_METRICS: (u32, u32) = (57, 58);
/// Where minimized windows of the desktop lie.
pub(super) const OFF_SCREEN: i32 = -32000;
/// SRCCOPY.
const COPY: u32 = 0x00cc_0020;

/// WINDOWPOS of 64-bit programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct WindowPos {
    /// The window.
    pub window: u64,
    /// HWND_TOP and so on, or the window above.
    pub after: u64,
    /// Where, and how large.
    pub x: i32,
    /// See above.
    pub y: i32,
    /// See above.
    pub width: i32,
    /// See above.
    pub height: i32,
    /// SWP_*.
    pub flags: u32,
    /// Padding.
    pub pad: u32,
}

impl WindowPos {
    /// Of its bytes.
    pub(super) fn of(bytes: &[u8]) -> Option<WindowPos> {
        bytes.get(..size_of::<WindowPos>()).and_then(|bytes| WindowPos::read_from_bytes(bytes).ok())
    }

    fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    fn clamp_place(&mut self) {
        (self.x, self.y) = (self.x.clamp(-32768, 32767), self.y.clamp(-32768, 32767));
    }

    fn clamp_size(&mut self) {
        (self.width, self.height) = (self.width.clamp(0, 32767), self.height.clamp(0, 32767));
    }
}

/// A window's rectangle and its client area, as programs count in its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rects {
    window: Rect,
    client: Rect,
}

impl Rects {
    fn of(tx: &Tx<'_>, record: u32) -> Rects {
        Rects { window: tx.told_rect(record, field::WINDOW_RECT), client: tx.told_rect(record, field::CLIENT_RECT) }
    }
}

/// HWND_* as a number with its sign, and whole handles.
fn whole(cx: &Cx<'_>, after: u64) -> u64 {
    match after as u32 {
        0xffff | u32::MAX => TOPMOST,
        0xfffe | 0xffff_fffe => NOT_TOPMOST,
        0 | 1 => u64::from(after as u32),
        _ => cx.window(after).map_or(after, |found| found.handle.into()),
    }
}

/// NtUserSetWindowPos.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn set_window_pos(
    cx: &Cx<'_>,
    window: u64,
    after: u64,
    x: i32,
    y: i32,
    width: i32,
    height: i32,
    flags: u32,
) -> User {
    if super::send::is_broadcast(window) {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let found = cx.window(window)?;
    let position =
        WindowPos { window: found.handle.into(), after: whole(cx, after), x, y, width, height, flags, pad: 0 };
    anywhere(cx, &found, position)
}

/// Puts a window of whatever thread elsewhere.
pub(super) fn anywhere(cx: &Cx<'_>, window: &Window, position: WindowPos) -> User {
    if window.is_mine(cx) && window.is_ours(cx) {
        return set(cx, window, position);
    }
    if window.queue == 0 {
        return Err(Failed::with(error::ACCESS_DENIED));
    }
    let letter = Letter { message: internal::SET_POSITION, ..Letter::default() };
    if position.has(swp::ASYNC) {
        return cx.notify_internal(window, &letter, position.as_bytes());
    }
    cx.send_internal_with(window, &letter, position.as_bytes())
}

/// NtUserMoveWindow.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn move_window(cx: &Cx<'_>, window: u64, x: i32, y: i32, width: i32, height: i32, repaint: u32) -> User {
    let flags = swp::NO_Z_ORDER | swp::NO_ACTIVATE | if repaint == 0 { swp::NO_REDRAW } else { 0 };
    set_window_pos(cx, window, 0, x, y, width, height, flags)
}

/// Puts a window of the calling thread elsewhere, as SetWindowPos does.
pub(super) fn set(cx: &Cx<'_>, window: &Window, position: WindowPos) -> User {
    set_in_parent(cx, window, position, (0, 0))
}

/// As [`set`], of a window whose parent is another since a moment ago: how far the old one lies from the new one.
pub(super) fn set_in_parent(cx: &Cx<'_>, window: &Window, mut position: WindowPos, shift: (i32, i32)) -> User {
    let asked = position.flags;
    if !position.has(swp::NO_Z_ORDER) {
        position.after = whole(cx, position.after);
        match position.after {
            TOPMOST | NOT_TOPMOST => {
                let tx = cx.windows()?;
                if tx.is_below(window.record, tx.root_window(true)) {
                    return Ok(1);
                }
            }
            TOP | BOTTOM => {}
            other => {
                let tx = cx.windows()?;
                let parent = |record: u32| tx.link(record + field::PARENT);
                match tx.window(other as u32) {
                    None => return Err(Failed::with(error::INVALID_WINDOW_HANDLE)),
                    Some(other) if tx.is_root(other) => return Ok(0),
                    Some(other) if parent(other) != parent(window.record) => return Ok(1),
                    Some(_) => {}
                }
            }
        }
    }
    if !position.has(swp::NO_MOVE) {
        position.clamp_place();
    }
    if !position.has(swp::NO_SIZE) {
        position.clamp_size();
    }
    // The window may have its say.
    let quiet = position.has(swp::NO_SEND_CHANGING) || asked & NO_CLIENT == NO_CLIENT && position.has(swp::SHOW);
    if !quiet {
        let (_, back) = cx.send_data(window, CHANGING, 0, position.as_bytes())?;
        position = WindowPos::of(&back).unwrap_or(position);
    }
    let Ok(window) = cx.window(window.handle.into()) else { return Ok(0) };
    let window = &window;
    let (old, mut new) = destination(cx, window, &mut position)?;
    let shifted = |rect: &Rect| rect.offset(shift.0.wrapping_neg(), shift.1.wrapping_neg());
    fix_flags(cx, window, &mut position, &shifted(&old.window))?;
    if position.flags & (swp::NO_Z_ORDER | swp::HIDE | swp::SHOW) != swp::NO_Z_ORDER {
        let tx = cx.windows()?;
        let top_level = tx.is_desktop(tx.link(window.record + field::PARENT));
        drop(tx);
        if top_level {
            position.after = lift_owned(cx, window, position.after)?;
        }
    }
    let seen = shifted(&old.client);
    let (to, from) = calc_size(cx, window, &mut position, &old, &mut new, (seen.left, seen.top))?;
    if !apply(cx, window, &position, &new, (to, from))? {
        return Ok(0);
    }
    settle(cx, window, position, asked, &new)
}

/// What follows once a window is where it was to be: activation, erasing, WM_WINDOWPOSCHANGED.
fn settle(cx: &Cx<'_>, window: &Window, mut position: WindowPos, asked: u32, new: &Rects) -> User {
    let handle = window.handle.into();
    if position.has(swp::HIDE) {
        hook::event(cx, hook::event::HIDE, handle, hook::event::WINDOW, 0);
        // A window without the caret has none to hide.
        let _ = caret::hide(cx, handle);
    } else if position.has(swp::SHOW) {
        hook::event(cx, hook::event::SHOW, handle, hook::event::WINDOW, 0);
        let _ = caret::show(cx, handle);
    }
    let Ok(window) = cx.window(handle) else { return Ok(1) };
    let window = &window;
    if position.flags & (swp::NO_ACTIVATE | swp::HIDE) == 0 {
        let style = cx.windows()?.get(window.record + field::STYLE);
        if style & (CHILD | POPUP) == CHILD {
            cx.send(window, &Letter { message: CHILD_ACTIVATE, ..Letter::default() })?;
        } else {
            focus::activate(cx, window, false)?;
        }
    }
    let here = || cx.window(window.handle.into()).ok();
    if asked & swp::DEFER_ERASE == 0 {
        let moved = asked & swp::SHOW == 0 && position.flags & STATUS != NO_GEOMETRY;
        if (asked & swp::HIDE != 0 || moved)
            && let Some(window) = here()
        {
            let tx = cx.windows()?;
            let parent = tx.link(window.record + field::PARENT);
            let erased = if parent == 0 || tx.is_root(parent) { window.record } else { parent };
            let erased = super::tree::of_record(&tx, erased);
            drop(tx);
            if let Some(erased) = erased {
                paint::erase_now(cx, &erased, 0)?;
            }
        }
        if position.flags & STATUS != NO_CHANGE
            && asked & NO_CLIENT != NO_CLIENT
            && asked & swp::SHOW != 0
            && let Some(window) = here()
        {
            paint::erase_now(cx, &window, 0)?;
        }
    }
    if position.flags & STATUS != NO_CHANGE
        && !(asked & NO_CLIENT == NO_CLIENT && asked & swp::SHOW != 0)
        && let Some(window) = here()
    {
        (position.x, position.y) = (new.window.left, new.window.top);
        (position.width, position.height) = (new.window.width(), new.window.height());
        cx.send_data(&window, CHANGED, 0, position.as_bytes())?;
    }
    const STAYED: u32 = swp::NO_SIZE | swp::NO_MOVE;
    if position.flags & (STAYED | swp::FRAME_CHANGED) != STAYED {
        hook::event(cx, hook::event::LOCATION_CHANGE, handle, hook::event::WINDOW, 0);
    }
    Ok(1)
}

/// Where a window lies, and where it is to lie.
fn destination(cx: &Cx<'_>, window: &Window, position: &mut WindowPos) -> User<(Rects, Rects)> {
    let tx = cx.windows()?;
    let old = Rects::of(&tx, window.record);
    let style = tx.get(window.record + field::STYLE);
    let parent = tx.link(window.record + field::PARENT);
    let top_level = parent == 0 || tx.is_root(parent);
    drop(tx);
    let mut new = old;
    if !position.has(swp::NO_SIZE) {
        let (width, height) = if style & MINIMIZE != 0 {
            let screen = cx.screen()?;
            let metric = |index| cx.k.metric(index, screen, super::dpi::of_system(cx));
            (metric(MINIMIZED_METRICS.0), metric(MINIMIZED_METRICS.1))
        } else {
            (position.width, position.height)
        };
        new.window = Rect::sized(new.window.left, new.window.top, width, height);
    }
    if !position.has(swp::NO_MOVE) {
        if style & MINIMIZE != 0 && top_level && old.window.left <= OFF_SCREEN && old.window.top <= OFF_SCREEN {
            (position.x, position.y) = (OFF_SCREEN, OFF_SCREEN);
        }
        let (x, y) = (position.x.wrapping_sub(old.window.left), position.y.wrapping_sub(old.window.top));
        new.window = new.window.offset(x, y);
        new.client = new.client.offset(x, y);
    }
    position.flags |= NO_CLIENT;
    Ok((old, new))
}

/// Flags that follow from what is so already.
fn fix_flags(cx: &Cx<'_>, window: &Window, position: &mut WindowPos, old: &Rect) -> User<()> {
    position.window = window.handle.into();
    position.clamp_place();
    position.clamp_size();
    let after = whole(cx, position.after);
    position.after = after;
    let tx = cx.windows()?;
    let parent = tx.link(window.record + field::PARENT);
    if parent != 0 && !tx.is_visible(parent) {
        position.flags |= swp::NO_REDRAW;
    }
    let style = tx.get(window.record + field::STYLE);
    if style & VISIBLE != 0 {
        position.flags &= !swp::SHOW;
    } else {
        position.flags &= !swp::HIDE;
        if !position.has(swp::SHOW) {
            position.flags |= swp::NO_REDRAW;
        }
    }
    if (old.width(), old.height()) == (position.width, position.height) {
        position.flags |= swp::NO_SIZE;
    }
    if (old.left, old.top) == (position.x, position.y) {
        position.flags |= swp::NO_MOVE;
    }
    if style & (POPUP | CHILD) != CHILD
        && position.flags & (swp::NO_ACTIVATE | swp::HIDE) == 0
        && (position.has(swp::NO_Z_ORDER) || !matches!(after, TOPMOST | NOT_TOPMOST))
    {
        // What is activated comes up.
        position.flags &= !swp::NO_Z_ORDER;
        position.after = TOP;
    }
    if position.has(swp::NO_Z_ORDER) {
        return Ok(());
    }
    let topmost = tx.get(window.record + field::EX_STYLE) & EX_TOPMOST != 0;
    let siblings = tx.children(parent);
    let is_first = siblings.first() == Some(&window.record);
    let there = match position.after {
        TOP => is_first,
        BOTTOM => !topmost && siblings.last() == Some(&window.record),
        TOPMOST => topmost && is_first,
        NOT_TOPMOST => !topmost,
        other => tx
            .window(other as u32)
            .is_some_and(|other| other == window.record || tx.sibling(other, false) == window.record),
    };
    if there {
        position.flags |= swp::NO_Z_ORDER;
    }
    Ok(())
}

/// Windows that a window owns stay above it, and it above its owner: moves them up, and answers behind what it itself is to be.
fn lift_owned(cx: &Cx<'_>, window: &Window, after: u64) -> User<u64> {
    struct Top {
        handle: u32,
        record: u32,
        owner: u32,
        topmost: bool,
    }
    let (style, owner, own_topmost, all) = {
        let tx = cx.windows()?;
        let seen = |record: u32| Top {
            handle: tx.handle_of(record),
            record,
            owner: tx.link(record + field::OWNER),
            topmost: tx.get(record + field::EX_STYLE) & EX_TOPMOST != 0,
        };
        let all: Vec<Top> = tx.children(tx.root_window(false)).into_iter().map(seen).collect();
        let own = seen(window.record);
        (tx.get(window.record + field::STYLE), own.owner, own.topmost, all)
    };
    if style & CHILD != 0 {
        return Ok(after);
    }
    let mut after = after;
    if owner != 0 && after != TOPMOST {
        for (at, top) in all.iter().enumerate() {
            if top.record == owner {
                after = match at.checked_sub(1).and_then(|at| all.get(at)) {
                    Some(above) => above.handle.into(),
                    None if top.topmost => TOPMOST,
                    None => TOP,
                };
                break;
            }
            if matches!(after, TOP | NOT_TOPMOST) {
                if !top.topmost {
                    break;
                }
            } else if u64::from(top.handle) == after {
                break;
            }
        }
    }
    if after == BOTTOM {
        return Ok(after);
    }
    let mut begin = 0;
    if matches!(after, TOP | NOT_TOPMOST) {
        if after == NOT_TOPMOST || !own_topmost {
            begin = all.iter().take_while(|top| top.topmost).count();
        }
    } else if after != TOPMOST {
        for (at, top) in all.iter().enumerate() {
            begin = at;
            if u64::from(top.handle) == after {
                break;
            }
            if top.record == window.record {
                // It goes down: what is above it stays there.
                return Ok(after);
            }
        }
    }
    for top in all.iter().skip(begin) {
        if top.record == window.record {
            break;
        }
        if top.owner != window.record {
            continue;
        }
        let flags = swp::NO_MOVE | swp::NO_SIZE | swp::NO_ACTIVATE | swp::NO_SEND_CHANGING | swp::DEFER_ERASE;
        set_window_pos(cx, top.handle.into(), after, 0, 0, 0, 0, flags)?;
        after = top.handle.into();
    }
    Ok(after)
}

/// Has a window say where its client area is; answers what of it stays as it was: where it comes to lie, and where it was.
fn calc_size(
    cx: &Cx<'_>,
    window: &Window,
    position: &mut WindowPos,
    old: &Rects,
    new: &mut Rects,
    before: (i32, i32),
) -> User<(Rect, Rect)> {
    const NOTHING: (Rect, Rect) = (Rect::new(0, 0, 0, 0), Rect::new(0, 0, 0, 0));
    let mut how = 0;
    let mut valid = NOTHING;
    if position.flags & (swp::FRAME_CHANGED | swp::NO_SIZE) != swp::NO_SIZE {
        let mut told = *position;
        if told.has(swp::NO_MOVE) {
            (told.x, told.y) = (old.window.left, old.window.top);
        }
        if told.has(swp::NO_SIZE) {
            (told.width, told.height) = (old.window.width(), old.window.height());
        }
        // CS_VREDRAW and CS_HREDRAW.
        let class = super::class::long(cx, window.handle.into(), -26, 4, false).unwrap_or(0) as u32;
        if class & 1 != 0 {
            how |= redraw::VERTICAL;
        }
        if class & 2 != 0 {
            how |= redraw::HORIZONTAL;
        }
        // NCCALCSIZE_PARAMS, and the WINDOWPOS that it points at.
        let mut data = [new.window, old.window, old.client].map(|rect| rect_bytes(&rect)).as_bytes().to_vec();
        data.extend_from_slice(&[0; 8]);
        data.extend_from_slice(told.as_bytes());
        let (result, back) = cx.send_data(window, CALC_SIZE, 1, &data)?;
        how |= result as u32;
        let rect = |at: usize| back.get(at * 16..at * 16 + 16).and_then(rect_of);
        new.client = rect(0).unwrap_or(new.client);
        valid = (rect(1).unwrap_or_default(), rect(2).unwrap_or_default());
        if (new.client.left, new.client.top) != before {
            position.flags &= !swp::NO_CLIENT_MOVE;
        }
        if new.client.width() == old.client.width() {
            how &= !redraw::HORIZONTAL;
        } else {
            position.flags &= !swp::NO_CLIENT_SIZE;
        }
        if new.client.height() == old.client.height() {
            how &= !redraw::VERTICAL;
        } else {
            position.flags &= !swp::NO_CLIENT_SIZE;
        }
    } else if !position.has(swp::NO_MOVE) && (new.client.left, new.client.top) != before {
        position.flags &= !swp::NO_CLIENT_MOVE;
    }
    if position.flags & (swp::NO_COPY_BITS | swp::NO_REDRAW | swp::SHOW | swp::HIDE) != 0 {
        return Ok(NOTHING);
    }
    let tx = cx.windows()?;
    if tx.is_mirrored(window.record) != tx.is_mirrored(tx.link(window.record + field::PARENT)) {
        // What lies in it keeps its distance from that side.
        how ^= redraw::ALIGN_RIGHT;
    }
    drop(tx);
    Ok(valid_rects(&old.client, &new.client, how, valid).unwrap_or(NOTHING))
}

/// What stays of a client area, by WVR_* bits and the rectangles that the window gave: where it comes to lie, and where it was.
fn valid_rects(old: &Rect, new: &Rect, how: u32, given: (Rect, Rect)) -> Option<(Rect, Rect)> {
    if how & redraw::ALL != 0 {
        return None;
    }
    let (mut to, mut from, mut how) = (*new, *old, how);
    if how & redraw::VALID_RECTS != 0 {
        (to, from) = (given.0.intersect(new)?, given.1.intersect(old)?);
        how = 0;
    }
    let (width, height) = (to.width().min(from.width()), to.height().min(from.height()));
    for rect in [&mut to, &mut from] {
        if how & redraw::ALIGN_BOTTOM != 0 {
            rect.top = rect.bottom.wrapping_sub(height);
        } else {
            rect.bottom = rect.top.wrapping_add(height);
        }
        if how & redraw::ALIGN_RIGHT != 0 {
            rect.left = rect.right.wrapping_sub(width);
        } else {
            rect.right = rect.left.wrapping_add(width);
        }
    }
    Some((to, from))
}

/// Where a window goes among its siblings, by its HWND_* or the window above.
fn order(tx: &Tx<'_>, after: u64) -> Option<Order> {
    Some(match after {
        TOP => Order::Top,
        BOTTOM => Order::Bottom,
        TOPMOST => Order::Topmost,
        NOT_TOPMOST => Order::NotTopmost,
        other => Order::Behind(tx.window(other as u32)?),
    })
}

/// The surface that a window is to have, if it is another than it has: `None` says that it keeps what it has.
type Replaced = Option<Option<(shared::Surface, Arc<Surface>)>>;

fn replace_surface(cx: &Cx<'_>, window: &Window, flags: u32, rect: &Rect) -> User<Replaced> {
    let tx = cx.windows()?;
    let parent = tx.link(window.record + field::PARENT);
    if !tx.is_desktop(parent) {
        let has = tx.surface(window.record).number != 0;
        return Ok(has.then_some(None));
    }
    let style = tx.get(window.record + field::STYLE);
    // What UpdateLayeredWindow gave a window is its own until it gets other pixels.
    let given = tx.layered(window.record).flags & shared::layered::UPDATED != 0;
    let seen = given || (style & VISIBLE != 0 || flags & swp::SHOW != 0) && flags & swp::HIDE == 0;
    let has = tx.surface(window.record);
    drop(tx);
    // A hidden window's pixels are nobody's to see, and are painted anew when it is shown.
    if !seen || rect.is_empty() {
        return Ok((has.number != 0).then_some(None));
    }
    if has.number != 0 && (has.width as i32, has.height as i32) == (rect.width(), rect.height()) {
        return Ok(None);
    }
    surface::make(cx, window.handle, rect.width(), rect.height()).map(Some)
}

/// Puts a window where it is to be, in the sandbox's memory, and moves the pixels that stay. Answers whether it is there still.
fn apply(cx: &Cx<'_>, window: &Window, position: &WindowPos, new: &Rects, valid: (Rect, Rect)) -> User<bool> {
    let replaced = replace_surface(cx, window, position.flags, &new.window)?;
    let mut tx = cx.windows()?;
    let Some(window) = find(&tx, window.handle) else {
        drop(tx);
        forget(cx, &replaced);
        return Ok(false);
    };
    // From here on all is as it lies on the screen.
    let parent = tx.link(window.record + field::PARENT);
    let held = |rect: &Rect| tx.turned(parent, *rect);
    let new = &Rects { window: held(&new.window), client: held(&new.client) };
    let kept = |rect: &Rect| if rect.is_empty() { *rect } else { held(rect) };
    let valid = (kept(&valid.0), kept(&valid.1));
    let old = tx.window_rect(window.record, field::WINDOW_RECT);
    let before = tx.surface(window.record);
    let mut flags = position.flags;
    if replaced.is_some() {
        flags |= swp::FRAME_CHANGED;
    }
    if position.after == position.window {
        flags |= swp::NO_Z_ORDER;
    }
    let order = if flags & swp::NO_Z_ORDER != 0 { Some(Order::Top) } else { order(&tx, position.after) };
    let Some(order) = order else {
        drop(tx);
        forget(cx, &replaced);
        return Err(Failed::with(error::INVALID_WINDOW_HANDLE));
    };
    let layered = tx.get(window.record + field::EX_STYLE) & shared::EX_LAYERED != 0;
    if layered
        && tx.layered(window.record).flags & (shared::layered::SET | shared::layered::UPDATED) != shared::layered::SET
    {
        // Its pixels come with UpdateLayeredWindow.
        flags |= swp::NO_REDRAW;
    }
    let placed = Placed { flags, order, window: new.window, client: new.client, valid: valid.0 };
    let (x, y) = tx.origin(window.record);
    let (cursor, was_shown) = (tx.cursor_place(), tx.get(window.record + field::STYLE) & VISIBLE != 0);
    let below = |rect: &Rect| rect.offset(x, y).contains(cursor.0, cursor.1);
    let moved = old != new.window || tx.window_rect(window.record, field::CLIENT_RECT) != new.client;
    let meets = moved && was_shown && flags & swp::HIDE == 0 && (below(&old) || below(&new.window));
    tx.place_window(window.record, &placed);
    if let Some(replaced) = &replaced {
        let new = replaced.as_ref().map_or_else(Default::default, |(surface, _)| *surface);
        tx.set_surface(window.record, &new);
    }
    if tx.commit().is_err() {
        forget(cx, &replaced);
        return Err(Failed::with(error::NOT_ENOUGH_MEMORY));
    }
    if meets {
        super::input::cursor_meets(cx)?;
    }
    let (to, mut from) = valid;
    if let Some(replaced) = &replaced
        && before.number != 0
    {
        if let Some((_, surface)) = replaced
            && let Some(was) = surface::of(cx, window.handle, &before)
        {
            let own = |rect: &Rect, of: &Rect| rect.offset(of.left.wrapping_neg(), of.top.wrapping_neg());
            carry_over(cx, &was, surface, &own(&to, &new.window), &own(&from, &old));
        }
        cx.k.user.surfaces.forget(before.number);
        surface::dispose(cx);
    } else if !to.is_empty() {
        if before.number != 0 {
            // Its pixels moved with it.
            from = from.offset(new.window.left.wrapping_sub(old.left), new.window.top.wrapping_sub(old.top));
        }
        move_pixels(cx, &window, &new.window, &to, &from)?;
    }
    Ok(true)
}

/// Puts a window at a rectangle at once, without a message; its client area keeps its distance from the edges. Answers whether it is there.
pub(super) fn place(cx: &Cx<'_>, window: &Window, position: &WindowPos, rect: &Rect) -> User<bool> {
    let old = {
        let tx = cx.windows()?;
        let Some(record) = tx.window(window.handle) else { return Ok(false) };
        Rects::of(&tx, record)
    };
    let (x, y) = (rect.left.wrapping_sub(old.window.left), rect.top.wrapping_sub(old.window.top));
    let mut client = old.client.offset(x, y);
    client.right = client.right.wrapping_add(rect.width().wrapping_sub(old.window.width()));
    client.bottom = client.bottom.wrapping_add(rect.height().wrapping_sub(old.window.height()));
    let new = Rects { window: *rect, client };
    apply(cx, window, position, &new, (Rect::default(), Rect::default()))
}

/// A surface that was made for nothing goes.
fn forget(cx: &Cx<'_>, replaced: &Replaced) {
    if let Some(Some((surface, _))) = replaced {
        cx.k.user.surfaces.forget(surface.number);
        let _ = cx.k.host.forget_left(surface.number);
    }
}

/// Copies what a window's pixels were to those that it has now: all that both have, so that nothing flickers, then what stays of its
/// client area, each counted from its surface's upper left corner.
fn carry_over(cx: &Cx<'_>, was: &Arc<Surface>, now: &Arc<Surface>, to: &Rect, from: &Rect) {
    let (mut from_opened, mut to_opened) = Opened::two(cx.k, was, now);
    let mut row = Vec::new();
    let mut copy = |to: &Rect, from: &Rect| {
        let width = to.width().min(from.width()).max(0);
        row.resize(width as usize, 0);
        for at in 0..to.height().min(from.height()) {
            // Memory that a program took away shows nothing.
            if from_opened.load(from.left, from.top.wrapping_add(at), &mut row).is_ok() {
                let _ = to_opened.store(to.left, to.top.wrapping_add(at), &row);
            }
        }
    };
    if let Some(both) = was.area().intersect(&now.area()) {
        copy(&both, &both);
    }
    if !to.is_empty() && to != from {
        copy(to, from);
    }
}

/// Moves what stays of a window's client area within its top-level window's pixels; rectangles are in its parent's client area, from the left.
fn move_pixels(cx: &Cx<'_>, window: &Window, whole: &Rect, to: &Rect, from: &Rect) -> User<()> {
    if (to.left, to.top) == (from.left, from.top) {
        return Ok(());
    }
    let mut tx = cx.windows()?;
    let Some(record) = tx.window(window.handle) else { return Ok(()) };
    // What is invalid is not worth it.
    let due = tx.take_due(record, 0, update::NO_CHILDREN | update::CLIP_CHILDREN);
    drop(tx);
    let flags = dcx::CACHE | dcx::WINDOW | dcx::EXCLUDE;
    let dc = dce::get(cx, window.handle.into(), Some((0, due.region)), flags)?;
    gdi::mapping::set_layout(cx, dc, -1, 0)?;
    let (x, y) = (whole.left.wrapping_neg(), whole.top.wrapping_neg());
    let (to, from) = (to.offset(x, y), from.offset(x, y));
    let done = gdi::blit::copy(cx, dc, to.left, to.top, to.width(), to.height(), dc, from.left, from.top, COPY, 0, 0);
    dce::release(cx, dc, true);
    done.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_of_a_client_area_keeps_to_the_side_that_was_asked_for() {
        assert_eq!(size_of::<WindowPos>(), 40);
        let (old, new) = (Rect::sized(0, 0, 100, 50), Rect::sized(10, 0, 80, 70));
        let nothing = (Rect::default(), Rect::default());
        assert_eq!(valid_rects(&old, &new, 0, nothing), Some((Rect::sized(10, 0, 80, 50), Rect::sized(0, 0, 80, 50))));
        let right = valid_rects(&old, &new, redraw::ALIGN_RIGHT | redraw::ALIGN_BOTTOM, nothing);
        assert_eq!(right, Some((Rect::sized(10, 20, 80, 50), Rect::sized(20, 0, 80, 50))));
        assert_eq!(valid_rects(&old, &new, redraw::HORIZONTAL, nothing), None);
        let given = (Rect::sized(0, 0, 20, 20), Rect::sized(5, 5, 10, 10));
        let kept = valid_rects(&old, &new, redraw::VALID_RECTS, given);
        assert_eq!(kept, Some((Rect::sized(10, 0, 10, 10), Rect::sized(5, 5, 10, 10))));
    }
}
