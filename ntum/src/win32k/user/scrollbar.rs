//! Scroll bars, those at a window's edges and those that are windows: what they show, and what is asked and told of them.

use super::super::{Failed, User};
use super::callbacks::{self, ScrollBarDrawing, ScrollTracking};
use super::draw::Canvas;
use super::nonclient::{Look, size, sm, style};
use super::reach;
use super::session::Window;
use crate::call::{Call, Cx};
use crate::shm::user::window::field;
use crate::um::UserPtr;
use crate::win32k::geometry::{Rect, muldiv};
use parking_lot::Mutex;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// System calls about scroll bars.
pub const CALLS: &[Call] = crate::calls! {
    NtUserSetScrollInfo(window: u64, bar: u32, info: u64, redraw: u32) => set_info, Done;
    NtUserShowScrollBar(window: u64, bar: u32, shown: u32) => show, Done;
    NtUserEnableScrollBar(window: u64, bar: u32, flags: u32) => enable, Done;
    NtUserGetScrollBarInfo(window: u64, object: u32, info: u64) => get_bar_info, Done;
};

/// SB_HORZ, SB_VERT, SB_CTL, SB_BOTH.
pub(super) const HORIZONTAL: u32 = 0;
pub(super) const VERTICAL: u32 = 1;
pub(super) const CONTROL: u32 = 2;
pub(super) const BOTH: u32 = 3;
/// SBS_VERT; SBS_SIZEBOX, SBS_SIZEGRIP.
pub(super) const IS_VERTICAL: u32 = 1;
pub(super) const SIZE_GRIP: u32 = 0x10;
pub(super) const SIZE_BOX: u32 = 0x8 | SIZE_GRIP;
/// ESB_DISABLE_LTUP, ESB_DISABLE_RTDN, ESB_DISABLE_BOTH.
const DISABLE_UP: u32 = 1;
const DISABLE_DOWN: u32 = 2;
pub(super) const DISABLE_BOTH: u32 = 3;
/// Pixels that are left between the arrows, and those that a thumb has, at least.
const LEAST_BETWEEN: i32 = 4;
const LEAST_THUMB: i32 = 17;

/// What of a bar a point hits: `enum SCROLL_HITTEST` of Wine 10's `include/winuser.h`.
pub(super) mod part {
    pub const NOWHERE: u32 = 0;
    pub const TOP_ARROW: u32 = 1;
    pub const ABOVE: u32 = 2;
    pub const THUMB: u32 = 3;
    pub const BELOW: u32 = 4;
    pub const BOTTOM_ARROW: u32 = 5;
}

/// What a bar shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct Info {
    pub place: i32,
    pub least: i32,
    pub most: i32,
    pub page: i32,
    /// ESB_*.
    pub flags: u32,
    /// Whether DefWindowProc painted it: it may do so again.
    pub painted: u32,
}

impl Info {
    const FRESH: Info = Info { place: 0, least: 0, most: 100, page: 0, flags: 0, painted: 0 };

    /// The last place that can be scrolled to.
    fn end(&self) -> i32 {
        self.most.wrapping_sub(self.page.wrapping_sub(1).max(0))
    }

    fn range(&self) -> i32 {
        self.most.wrapping_sub(self.least)
    }

    /// Whether there is nothing to scroll.
    fn is_whole(&self) -> bool {
        self.least >= self.end()
    }
}

/// The process's scroll bar that is used at the moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Using {
    pub tracking: ScrollTracking,
    /// The thumb is dragged; the timer runs that repeats.
    pub drags: bool,
    pub repeats: bool,
    /// Where the mouse was; where the thumb was, and where the bar was clicked, and where the mouse was last, along the bar.
    pub mouse: (i32, i32),
    pub thumb: i32,
    pub clicked: i32,
    pub last: i32,
}

/// See [`Using`].
#[derive(Default)]
pub struct Scrolling(pub(super) Mutex<Using>);

/// Beside a control's window: what tells that it is one, then what it shows.
const MAGIC: u32 = 0x5c60_11ba;
const KEPT: usize = size_of::<Info>();
/// Bytes beside a window of the class: one with less is no scroll bar.
pub(super) const EXTRA: usize = 80;

/// What a bar shows; a window without bars has none, unless `fresh` says that it is to have them.
pub(super) fn load(cx: &Cx<'_>, window: &Window, bar: u32, fresh: bool) -> User<Option<Info>> {
    let tx = cx.windows()?;
    let at = match bar {
        HORIZONTAL | VERTICAL => {
            let bytes = tx.window_bytes(window.record, field::SCROLL);
            if bytes.is_empty() {
                return Ok(fresh.then_some(Info::FRESH));
            }
            return Ok(bytes
                .get(bar as usize * KEPT..)
                .and_then(|bytes| Info::read_from_prefix(bytes).ok())
                .map(first));
        }
        CONTROL => tx.window_bytes(window.record, field::EXTRA),
        _ => return Ok(None),
    };
    let marked = at.first_chunk().is_some_and(|magic| u32::from_le_bytes(*magic) == MAGIC);
    Ok(at.get(4..).filter(|_| marked).and_then(|bytes| Info::read_from_prefix(bytes).ok()).map(first))
}

fn first<T, U>((first, _): (T, U)) -> T {
    first
}

/// Keeps what a bar shows.
pub(super) fn save(cx: &Cx<'_>, window: &Window, bar: u32, info: &Info) -> User<()> {
    let window = cx.window(window.handle.into())?;
    let mut tx = cx.windows()?;
    let (place, at) = if bar == CONTROL { (field::EXTRA, 0) } else { (field::SCROLL, bar as usize * KEPT) };
    let mut bytes = tx.window_bytes(window.record, place);
    if bar != CONTROL && bytes.is_empty() {
        bytes = [Info::FRESH; 2].as_bytes().to_vec();
    }
    let new = match bar {
        CONTROL => [MAGIC.as_bytes(), info.as_bytes()].concat(),
        _ => info.as_bytes().to_vec(),
    };
    if bar == CONTROL && bytes.len() < EXTRA {
        return Ok(());
    }
    let Some(room) = bytes.get_mut(at..at + new.len()) else { return Ok(()) };
    room.copy_from_slice(&new);
    tx.set_window_bytes(window.record, place, &bytes)?;
    Ok(tx.commit()?)
}

/// Where a bar is and how it is divided, in pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bar {
    /// From the window's upper left corner; of a control, from its client area's.
    pub rect: Rect,
    pub vertical: bool,
    pub arrow: i32,
    /// The thumb, from the bar's beginning on; 0: there is none.
    pub thumb_place: i32,
    pub thumb: i32,
}

impl Bar {
    /// Its length.
    pub fn length(&self) -> i32 {
        if self.vertical { self.rect.height() } else { self.rect.width() }
    }

    /// A point's distance from its beginning.
    pub fn along(&self, (x, y): (i32, i32)) -> i32 {
        if self.vertical { y.wrapping_sub(self.rect.top) } else { x.wrapping_sub(self.rect.left) }
    }

    fn divide(&mut self, info: &Info, arrow: i32) {
        let length = self.length();
        if length <= 2 * arrow + LEAST_BETWEEN {
            self.arrow = ((length - LEAST_BETWEEN) / 2).max(0);
            return;
        }
        self.arrow = arrow;
        let between = length - 2 * arrow;
        self.thumb = thumb_size(info, between, arrow);
        let free = between - self.thumb;
        if free < 0 || info.flags & DISABLE_BOTH == DISABLE_BOTH {
            self.thumb = 0;
            return;
        }
        let end = info.end();
        let moved = if info.least >= end {
            0
        } else {
            muldiv(free, info.place.wrapping_sub(info.least), end.wrapping_sub(info.least))
        };
        self.thumb_place = arrow.wrapping_add(moved);
    }

    /// What of it a point hits.
    pub fn hit(&self, at: (i32, i32), dragging: bool) -> u32 {
        if dragging && !self.is_near(at) || !self.rect.contains(at.0, at.1) {
            return part::NOWHERE;
        }
        match self.along(at) {
            place if place < self.arrow => part::TOP_ARROW,
            place if place >= self.length() - self.arrow => part::BOTTOM_ARROW,
            _ if self.thumb_place == 0 => part::ABOVE,
            place if place < self.thumb_place => part::ABOVE,
            place if place >= self.thumb_place.wrapping_add(self.thumb) => part::BELOW,
            _ => part::THUMB,
        }
    }

    /// Whether a point is so near that the thumb still follows.
    pub fn is_near(&self, (x, y): (i32, i32)) -> bool {
        let width = if self.vertical { self.rect.width() } else { self.rect.height() };
        let (far, near) = (width.saturating_mul(8), width.saturating_mul(2));
        let (across, down) = if self.vertical { (far, near) } else { (near, far) };
        self.rect.shrunk(-across, -down).contains(x, y)
    }

    /// The value that a place of the thumb means.
    pub fn value(&self, info: &Info, arrow: i32, place: i32) -> i32 {
        let between = self.length() - 2 * arrow;
        if between <= 0 {
            return info.least;
        }
        let free = between - thumb_size(info, between, arrow);
        if free <= 0 {
            return info.least;
        }
        let place = place.wrapping_sub(arrow).clamp(0, free);
        let range = if info.page == 0 { info.range() } else { info.range().wrapping_sub(info.page).wrapping_add(1) };
        info.least.wrapping_add(muldiv(place, range, free))
    }
}

fn thumb_size(info: &Info, between: i32, arrow: i32) -> i32 {
    match info.page {
        0 => arrow,
        page => muldiv(between, page, info.range().wrapping_add(1)).max(LEAST_THUMB),
    }
}

/// Where a window's bar is.
pub(super) fn bar_of(cx: &Cx<'_>, window: &Window, bar: u32) -> User<Bar> {
    let look = Look::of(cx, window.handle.into())?;
    let client = look.on_window(&look.client);
    let mut found = Bar::default();
    match bar {
        HORIZONTAL => {
            let right = client.right + i32::from(look.has(style::VERTICAL_SCROLL));
            found.rect = Rect::new(client.left, client.bottom, right, client.bottom + size(cx, sm::CY_HSCROLL));
        }
        VERTICAL => {
            let width = size(cx, sm::CX_VSCROLL);
            let bottom = client.bottom + i32::from(look.has(style::HORIZONTAL_SCROLL));
            let left = if look.is(style::EX_LEFT_SCROLL_BAR) { client.left - width } else { client.right };
            (found.rect, found.vertical) = (Rect::new(left, client.top, left + width, bottom), true);
        }
        CONTROL => {
            found.rect = Rect::new(0, 0, client.width(), client.height());
            found.vertical = look.has(IS_VERTICAL);
        }
        _ => return Err(Failed::SILENT),
    }
    if let Some(info) = load(cx, window, bar, true)? {
        found.divide(&info, size(cx, sm::CX_VSCROLL));
    }
    Ok(found)
}

/// Draws a bar: user32 does, on a DC that begins where the bar's rectangle counts from.
pub(super) fn draw(
    canvas: &Canvas<'_, '_>,
    window: &Window,
    bar: u32,
    hit: u32,
    arrows: bool,
    interior: bool,
) -> User<()> {
    let cx = canvas.cx;
    let look = Look::of(cx, window.handle.into())?;
    let there = match bar {
        HORIZONTAL => look.has(style::HORIZONTAL_SCROLL),
        VERTICAL => look.has(style::VERTICAL_SCROLL),
        _ => true,
    };
    if !there {
        return Ok(());
    }
    let Some(mut info) = load(cx, window, bar, true)? else { return Ok(()) };
    let using = *cx.k.user.scrolling.0.lock();
    let mut shown = bar_of(cx, window, bar)?;
    if bar == CONTROL && look.has(SIZE_BOX) {
        shown = Bar { rect: shown.rect, ..Bar::default() };
    } else if using.drags && using.tracking.window == u64::from(window.handle) && using.tracking.bar == bar {
        let last = shown.length() - shown.arrow - shown.thumb;
        shown.thumb_place = using.tracking.thumb_place.min(last).max(shown.arrow);
    }
    if shown.rect.is_empty() {
        return Ok(());
    }
    callbacks::draw_scroll_bar(
        cx,
        &ScrollBarDrawing {
            window: window.handle.into(),
            dc: canvas.dc.into(),
            bar,
            hit,
            tracking: using.tracking,
            arrows: arrows.into(),
            interior: interior.into(),
            rect: shown.rect,
            enabled: info.flags,
            arrow_size: shown.arrow,
            thumb_place: shown.thumb_place,
            thumb_size: shown.thumb,
            vertical: shown.vertical.into(),
            pad: 0,
        },
    )?;
    if bar != CONTROL && info.painted == 0 && reach::is_visible(cx, canvas.dc, &shown.rect) {
        info.painted = 1;
        save(cx, window, bar, &info)?;
    }
    Ok(())
}

/// Draws the bars at a window's edges.
pub(super) fn draw_frame(canvas: &Canvas<'_, '_>, look: &Look) {
    let hit = canvas.cx.k.user.scrolling.0.lock().tracking.hit;
    for (bar, style) in [(HORIZONTAL, style::HORIZONTAL_SCROLL), (VERTICAL, style::VERTICAL_SCROLL)] {
        if look.has(style) {
            // A window that is gone has none.
            let _ = draw(canvas, &look.window, bar, hit, true, true);
        }
    }
}

/// Draws a bar anew where it is seen.
pub(super) fn refresh(cx: &Cx<'_>, window: &Window, bar: u32, arrows: bool, interior: bool) {
    let Some(dc) = reach::window_dc(cx, window.handle.into(), bar != CONTROL) else { return };
    let hit = cx.k.user.scrolling.0.lock().tracking.hit;
    let _ = draw(&Canvas { cx, dc }, window, bar, hit, arrows, interior);
    reach::release_dc(cx, dc);
}

/// Shows or hides bars; answers whether the window's frame changed.
fn show_bars(cx: &Cx<'_>, window: &Window, bar: u32, across: bool, down: bool) -> User<bool> {
    /// SW_HIDE, SW_SHOW; SWP_NOSIZE, SWP_NOMOVE, SWP_NOZORDER, SWP_NOACTIVATE, SWP_FRAMECHANGED.
    const HIDE: u32 = 0;
    const SHOW: u32 = 5;
    const FRAME_CHANGED: u32 = 0x1 | 0x2 | 0x4 | 0x10 | 0x20;
    let (mut set, mut clear) = (0, 0);
    let mut want = |style: u32, shown: bool| if shown { set |= style } else { clear |= style };
    match bar {
        CONTROL => {
            reach::show_window(cx, window.handle.into(), if across { SHOW } else { HIDE })?;
            return Ok(true);
        }
        HORIZONTAL => want(style::HORIZONTAL_SCROLL, across),
        VERTICAL => want(style::VERTICAL_SCROLL, down),
        BOTH => {
            want(style::HORIZONTAL_SCROLL, across);
            want(style::VERTICAL_SCROLL, down);
        }
        _ => return Ok(false),
    }
    let window = cx.window(window.handle.into())?;
    let mut tx = cx.windows()?;
    let before = tx.get(window.record + field::STYLE);
    tx.set(window.record + field::STYLE, before & !clear | set);
    tx.commit()?;
    if before & clear == 0 && before & set == set {
        return Ok(false);
    }
    reach::set_position(cx, window.handle.into(), 0, &Rect::default(), FRAME_CHANGED)?;
    Ok(true)
}

/// NtUserShowScrollBar.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn show(cx: &Cx<'_>, window: u64, bar: u32, shown: u32) -> User {
    let found = cx.window(window)?;
    let shown = shown != 0;
    show_bars(cx, &found, bar, shown && bar != VERTICAL, shown && bar != HORIZONTAL)?;
    Ok(1)
}

/// SCROLLINFO.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct ScrollInfo {
    pub size: u32,
    /// SIF_*.
    pub mask: u32,
    pub least: i32,
    pub most: i32,
    pub page: u32,
    pub place: i32,
    pub tracked: i32,
}

/// SIF_*.
pub(super) mod sif {
    pub const RANGE: u32 = 0x1;
    pub const PAGE: u32 = 0x2;
    pub const PLACE: u32 = 0x4;
    pub const DISABLE: u32 = 0x8;
    pub const TRACKED: u32 = 0x10;
    pub const ALL: u32 = RANGE | PAGE | PLACE | TRACKED;
    /// Wine's user32 asks for the place as it was.
    pub const RETURN_BEFORE: u32 = 0x1000;
}

/// A SCROLLINFO, which may be without its last field.
fn read(cx: &Cx<'_>, at: u64) -> User<Option<ScrollInfo>> {
    const WHOLE: u32 = 28;
    let [size, mask] = UserPtr::<[u32; 2]>::new(at).read(cx.k)?;
    if mask & !(sif::ALL | sif::DISABLE | sif::RETURN_BEFORE) != 0 || size != WHOLE && size != WHOLE - 4 {
        return Ok(None);
    }
    let [least, most, page, place] = UserPtr::<[i32; 4]>::new(at + 8).read(cx.k)?;
    Ok(Some(ScrollInfo { size, mask, least, most, page: page as u32, place, tracked: 0 }))
}

/// GetScrollInfo.
pub(super) fn get(cx: &Cx<'_>, window: &Window, bar: u32, at: u64) -> User {
    let (Some(wanted), Some(info)) = (read(cx, at)?, load(cx, window, bar, false)?) else { return Ok(0) };
    let has = |bit: u32| wanted.mask & bit != 0;
    if has(sif::RANGE) {
        UserPtr::new(at + 8).write(cx.k, [info.least, info.most])?;
    }
    if has(sif::PAGE) {
        UserPtr::new(at + 16).write(cx.k, info.page)?;
    }
    if has(sif::PLACE) {
        UserPtr::new(at + 20).write(cx.k, info.place)?;
    }
    if has(sif::TRACKED) && wanted.size == 28 {
        let tracking = cx.k.user.scrolling.0.lock().tracking;
        let dragged = tracking.window == u64::from(window.handle);
        UserPtr::new(at + 24).write(cx.k, if dragged { tracking.thumb_value } else { info.place })?;
    }
    Ok(has(sif::ALL).into())
}

/// GetScrollInfo of user32: `struct get_scroll_info_params`.
pub(super) fn get_for(cx: &Cx<'_>, window: u64, parameters: u64) -> User {
    let found = cx.window(window)?;
    let [bar, at] = UserPtr::<[u64; 2]>::new(parameters).read(cx.k)?;
    match bar as u32 {
        // The control knows itself.
        CONTROL => reach::send(cx, &found, super::scrollproc::message::GET_SCROLL_INFO, 0, at),
        bar => get(cx, &found, bar, at),
    }
}

/// What changes with SetScrollInfo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Change {
    refresh: bool,
    show: bool,
    hide: bool,
    arrows: bool,
}

/// Takes over what SetScrollInfo says; whether anything is to be drawn anew, and the arrows' flags.
fn apply(info: &mut Info, said: &ScrollInfo, standard: bool) -> (Change, u32) {
    let has = |bit: u32| said.mask & bit != 0;
    let mut change = Change::default();
    if has(sif::PAGE) && info.page != said.page as i32 {
        (info.page, change.refresh) = (said.page as i32, true);
    }
    if has(sif::PLACE) && info.place != said.place {
        (info.place, change.refresh) = (said.place, true);
    }
    if has(sif::RANGE) {
        if said.least > said.most || said.most.checked_sub(said.least).is_none() {
            (info.least, info.most, change.refresh) = (0, 0, true);
        } else if (info.least, info.most) != (said.least, said.most) {
            (info.least, info.most, change.refresh) = (said.least, said.most, true);
        }
    }
    info.page = info.page.max(0);
    let whole = i64::from(info.most) - i64::from(info.least) + 1;
    if i64::from(info.page) > whole {
        info.page = whole as i32;
    }
    if info.place < info.least {
        info.place = info.least;
    } else if info.place > info.end() {
        info.place = info.end();
    }
    let mut flags = info.flags;
    if has(sif::ALL) && has(sif::RANGE | sif::PAGE | sif::DISABLE) {
        if info.is_whole() {
            if has(sif::DISABLE) {
                (flags, change.refresh) = (DISABLE_BOTH, true);
            } else if standard && change.refresh {
                change = Change { hide: true, ..Change::default() };
            }
        } else if said.mask != sif::PAGE {
            flags = 0;
            change.show = standard && change.refresh;
        }
    }
    (change, flags)
}

/// SetScrollInfo: the place as it is then, or was.
pub(super) fn set(cx: &Cx<'_>, window: &Window, bar: u32, at: u64, redraw: bool) -> User {
    let Some(said) = read(cx, at)? else { return Ok(0) };
    set_as(cx, window, bar, &said, redraw)
}

/// See [`set`].
pub(super) fn set_as(cx: &Cx<'_>, window: &Window, bar: u32, said: &ScrollInfo, redraw: bool) -> User {
    let Some(mut info) = load(cx, window, bar, true)? else { return Ok(0) };
    let before = info.place;
    let (mut change, flags) = apply(&mut info, said, bar != CONTROL);
    let judged = said.mask & sif::ALL != 0 && said.mask & (sif::RANGE | sif::PAGE | sif::DISABLE) != 0;
    save(cx, window, bar, &info)?;
    if judged && bar == CONTROL && redraw && (flags == 0 || flags == DISABLE_BOTH) && is_visible(cx, window)? {
        super::coded::enable(cx, window.handle.into(), flags == 0)?;
    }
    if judged && let Some(kept) = load(cx, window, bar, false)?.filter(|kept| kept.flags != flags) {
        save(cx, window, bar, &Info { flags, ..kept })?;
        change.arrows = true;
    }
    let answer = if said.mask & sif::RETURN_BEFORE != 0 { before } else { info.place };
    let answer = Ok(u64::from(answer as u32));
    if change.hide {
        show_bars(cx, window, bar, false, false)?;
        return answer;
    }
    if change.show && show_bars(cx, window, bar, true, true)? {
        // Its frame was drawn anew by then.
        return answer;
    }
    if redraw || change.arrows {
        refresh(cx, window, bar, true, redraw);
    }
    if redraw {
        reach::scroll_changed(cx, window, bar);
    }
    answer
}

fn is_visible(cx: &Cx<'_>, window: &Window) -> User<bool> {
    Ok(cx.windows()?.is_visible(window.record))
}

/// NtUserSetScrollInfo.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn set_info(cx: &Cx<'_>, window: u64, bar: u32, info: u64, redraw: u32) -> User {
    let found = cx.window(window)?;
    match bar {
        CONTROL => reach::send(cx, &found, super::scrollproc::message::SET_SCROLL_INFO, redraw.into(), info),
        _ => set(cx, &found, bar, info, redraw != 0),
    }
}

/// NtUserEnableScrollBar: whether anything changed.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn enable(cx: &Cx<'_>, window: u64, bar: u32, flags: u32) -> User {
    let found = cx.window(window)?;
    let flags = flags & DISABLE_BOTH;
    let put = |bar: u32| -> User<Option<bool>> {
        let Some(info) = load(cx, &found, bar, true)? else { return Ok(None) };
        save(cx, &found, bar, &Info { flags, ..info })?;
        Ok(Some(info.flags == flags))
    };
    let mut same = bar != CONTROL;
    let mut bar = bar;
    if bar == BOTH {
        let Some(unchanged) = put(VERTICAL)? else { return Ok(0) };
        if !unchanged {
            refresh(cx, &found, VERTICAL, true, true);
        }
        (same, bar) = (unchanged, HORIZONTAL);
    }
    let Some(unchanged) = put(bar)? else { return Ok(0) };
    if same && unchanged {
        return Ok(0);
    }
    if bar == CONTROL && (flags == 0 || flags == DISABLE_BOTH) {
        super::coded::enable(cx, window, flags == 0)?;
    }
    refresh(cx, &found, bar, true, true);
    Ok(1)
}

/// NtUserGetScrollBarInfo: OBJID_CLIENT, OBJID_VSCROLL, OBJID_HSCROLL.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn get_bar_info(cx: &Cx<'_>, window: u64, object: u32, at: u64) -> User {
    let found = cx.window(window)?;
    match object as i32 {
        -4 => reach::send(cx, &found, super::scrollproc::message::GET_BAR_INFO, 0, at),
        -5 => bar_info(cx, &found, VERTICAL, at),
        -6 => bar_info(cx, &found, HORIZONTAL, at),
        _ => Ok(0),
    }
}

/// SCROLLBARINFO: sizeof, rectangle, arrows, thumb, then the states of the bar and its parts.
pub(super) fn bar_info(cx: &Cx<'_>, window: &Window, bar: u32, at: u64) -> User {
    /// STATE_SYSTEM_UNAVAILABLE, _PRESSED, _INVISIBLE, _OFFSCREEN; WS_DISABLED.
    const UNAVAILABLE: u32 = 0x1;
    const PRESSED: u32 = 0x8;
    const INVISIBLE: u32 = 0x8000;
    const OFF_SCREEN: u32 = 0x1_0000;
    const DISABLED: u32 = 0x0800_0000;
    const SIZE: u32 = 60;
    if UserPtr::<u32>::new(at).read(cx.k)? != SIZE {
        return Ok(0);
    }
    let look = Look::of(cx, window.handle.into())?;
    let shown = bar_of(cx, window, bar)?;
    let rect = look.on_screen(&shown.rect);
    UserPtr::new(at + 4).write(cx.k, rect)?;
    // As Wine tells it: the line's button is the thumb's size, the thumb ends so far behind its beginning.
    let sizes = [shown.thumb, shown.thumb_place, shown.thumb_place.wrapping_add(shown.thumb), 0];
    UserPtr::new(at + 20).write(cx.k, sizes)?;
    let Some(info) = load(cx, window, bar, true)? else { return Ok(0) };
    let mut states = [0u32; 6];
    let hidden = bar == HORIZONTAL && !look.has(style::HORIZONTAL_SCROLL)
        || bar == VERTICAL && !look.has(style::VERTICAL_SCROLL);
    states[0] = match (hidden, info.is_whole()) {
        (true, true) => INVISIBLE | OFF_SCREEN,
        (true, false) => INVISIBLE,
        (false, true) => UNAVAILABLE,
        (false, false) => 0,
    };
    if bar == CONTROL && look.has(DISABLED) {
        states[0] |= UNAVAILABLE;
    }
    let tracking = cx.k.user.scrolling.0.lock().tracking;
    let pressed = (bar == VERTICAL) == (tracking.vertical != 0) && reach::captured(cx) == window.handle;
    let parts = [part::TOP_ARROW, part::ABOVE, part::THUMB, part::BELOW, part::BOTTOM_ARROW];
    for (state, part) in states.iter_mut().skip(1).zip(parts) {
        if pressed && tracking.hit == part {
            *state |= PRESSED;
        }
    }
    states[1] |= if info.flags & DISABLE_UP != 0 { UNAVAILABLE } else { 0 };
    states[2] |= if info.place == info.least { INVISIBLE } else { 0 };
    states[4] |= if info.place >= info.most.wrapping_sub(1) { INVISIBLE } else { 0 };
    states[5] |= if info.flags & DISABLE_DOWN != 0 { UNAVAILABLE } else { 0 };
    UserPtr::new(at + 36).write(cx.k, states)?;
    Ok(1)
}

/// Bars of a new window with such styles go from 0 to 100.
pub(super) fn begin(cx: &Cx<'_>, window: &Window, styles: u32) -> User<()> {
    if styles & (style::HORIZONTAL_SCROLL | style::VERTICAL_SCROLL) == 0 {
        return Ok(());
    }
    let said = ScrollInfo { size: 28, mask: sif::ALL, most: 100, ..ScrollInfo::default() };
    set_as(cx, window, HORIZONTAL, &said, false)?;
    set_as(cx, window, VERTICAL, &said, false)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(length: i32) -> Bar {
        Bar { rect: Rect::new(0, 0, 16, length), vertical: true, ..Bar::default() }
    }

    #[test]
    fn a_bar_is_divided_by_its_page() {
        let info = Info { place: 25, page: 50, ..Info::FRESH };
        let mut found = bar(232);
        found.divide(&info, 16);
        // 200 pixels between the arrows, 50 of 101 of them the thumb's.
        assert_eq!((found.arrow, found.thumb, found.thumb_place), (16, 99, 16 + 50));
        assert_eq!(found.hit((3, 10), false), part::TOP_ARROW);
        assert_eq!((found.hit((3, 20), false), found.hit((3, 70), false)), (part::ABOVE, part::THUMB));
        assert_eq!((found.hit((3, 180), false), found.hit((3, 231), false)), (part::BELOW, part::BOTTOM_ARROW));
        assert_eq!((found.hit((20, 70), false), found.value(&info, 16, 66)), (part::NOWHERE, 25));
        let mut small = bar(30);
        small.divide(&info, 16);
        assert_eq!((small.arrow, small.thumb), (13, 0));
    }

    #[test]
    fn what_is_said_of_a_bar_is_kept_within_its_range() {
        let mut info = Info::FRESH;
        let say = |mask, least, most, page, place| ScrollInfo { size: 28, mask, least, most, page, place, tracked: 0 };
        let (change, _) = apply(&mut info, &say(sif::ALL, 0, 50, 10, 100), true);
        assert_eq!((info.place, info.page, change.show), (41, 10, true));
        let (change, _) = apply(&mut info, &say(sif::RANGE, 0, 5, 0, 0), true);
        assert_eq!((info.page, info.place, change.hide), (6, 0, true));
        let (change, flags) = apply(&mut info, &say(sif::RANGE | sif::DISABLE, 0, 5, 0, 0), true);
        assert_eq!((change.hide, flags), (false, DISABLE_BOTH));
        apply(&mut info, &say(sif::RANGE, 10, 5, 0, 0), true);
        assert_eq!((info.least, info.most), (0, 0));
        apply(&mut info, &say(sif::RANGE, i32::MIN, i32::MAX, 0, 0), true);
        assert_eq!((info.least, info.most), (0, 0), "more than a number can say");
    }
}
