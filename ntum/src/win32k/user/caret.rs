//! The caret: a rectangle of a window with the focus that blinks. It is drawn by inversion, and so taken away again.

use super::super::{Failed, User, error};
use super::session::{Window, find};
use super::sysparams::kept;
use super::sysparams::settings::CARET_BLINK;
use super::{hook, timer};
use crate::call::Cx;
use crate::shm::user::window::field;
use crate::shm::user::{desk, input};
use crate::um::UserPtr;
use crate::win32k::geometry::Rect;

/// Number of the timer that has it blink.
const TIMER: u64 = 0xffff;

/// Whether a timer's message is the caret's.
pub(super) fn is_timer(id: u64) -> bool {
    id == TIMER
}

/// A caret as it was.
#[derive(Debug, Clone, Copy, Default)]
struct Caret {
    window: u32,
    rect: Rect,
    hidden: i32,
    on: bool,
}

/// What becomes of whether it is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Light {
    Keep,
    Off,
    On,
    Toggle,
    OnIfMoved,
}

/// Milliseconds between on and off.
fn blink_time(cx: &Cx<'_>) -> User<u32> {
    Ok(match cx.windows()?.of_desk(desk::field::BLINK) {
        0 => cx.k.number_setting(&CARET_BLINK, kept::DPI).max(0) as u32,
        set => set,
    })
}

/// Changes the caret of the calling thread's input; answers it as it was. With a window only if it is that one's.
fn change(cx: &Cx<'_>, window: u32, place: Option<(i32, i32)>, hide: i32, light: Light) -> User<Caret> {
    let mine = cx.queue()?.record;
    let mut tx = cx.windows()?;
    let shared = tx.input_of(mine);
    let record = tx.link(shared + input::field::CARET);
    let before = Caret {
        window: tx.handle_of(record),
        rect: tx.input_rect(shared, input::field::CARET_RECT),
        hidden: tx.get(shared + input::field::CARET_HIDDEN) as i32,
        on: tx.get(shared + input::field::CARET_ON) != 0,
    };
    let wanted = if window == 0 { record } else { tx.window(window).unwrap_or(0) };
    if record == 0 || wanted != record {
        return Err(Failed::with(error::ACCESS_DENIED));
    }
    if let Some((x, y)) = place {
        let rect = Rect::sized(x, y, before.rect.width(), before.rect.height());
        tx.set_input_rect(shared, input::field::CARET_RECT, rect);
    }
    if hide != 0 {
        let hidden = before.hidden.saturating_add(hide).max(0);
        tx.set(shared + input::field::CARET_HIDDEN, hidden as u32);
    }
    let on = match light {
        Light::Keep => before.on,
        Light::Off => false,
        // One that is not hidden is shown no further: it may just be off.
        Light::On => before.on || before.hidden == 1,
        Light::Toggle => !before.on,
        Light::OnIfMoved => before.on || place.is_some_and(|place| place != (before.rect.left, before.rect.top)),
    };
    tx.set(shared + input::field::CARET_ON, on.into());
    tx.commit()?;
    Ok(before)
}

/// Inverts the caret's rectangle.
fn draw(cx: &Cx<'_>, window: u32, rect: &Rect) {
    let bitmap = cx.queue().ok().and_then(|queue| queue.mouse.lock().caret);
    // A window that is gone has none.
    let _ = super::invert(cx, window, rect, bitmap);
}

fn set_timer(cx: &Cx<'_>, window: u32) -> User<()> {
    timer::set_system_timer(cx, window.into(), TIMER, blink_time(cx)?).map(drop)
}

/// NtUserCreateCaret: of a bitmap's shape, of the system's colour (0 and 1 as bitmaps are none), or of a size.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn create(cx: &Cx<'_>, window: u64, bitmap: u64, width: u32, height: u32) -> User {
    let found = cx.window(window)?;
    if !found.is_mine(cx) || !found.is_ours(cx) {
        return Err(Failed::with(error::ACCESS_DENIED));
    }
    let (mut width, mut height) = (width as i32, height as i32);
    let shape = (bitmap > 1).then_some(bitmap as u32);
    if let Some(bitmap) = shape {
        let bitmap = cx.k.gdi.handles.bitmap(bitmap).ok_or(Failed::with(error::INVALID_PARAMETER))?;
        let area = bitmap.surface.area();
        (width, height) = (area.width(), area.height());
    } else {
        // SM_CXBORDER and SM_CYBORDER.
        width = if width == 0 { 1 } else { width };
        height = if height == 0 { 1 } else { height };
    }
    destroy(cx)?;
    let mine = cx.queue()?.record;
    {
        let mut tx = cx.windows()?;
        let Some(found) = find(&tx, found.handle) else { return Err(Failed::with(error::INVALID_WINDOW_HANDLE)) };
        let shared = tx.input_of(mine);
        tx.set(shared + input::field::CARET, found.record);
        tx.set_input_rect(shared, input::field::CARET_RECT, Rect::sized(0, 0, width.max(0), height.max(0)));
        tx.set(shared + input::field::CARET_HIDDEN, 1);
        tx.set(shared + input::field::CARET_ON, 0);
        tx.commit()?;
    }
    cx.queue()?.mouse.lock().caret = shape;
    hook::event(cx, hook::event::CREATE, found.handle.into(), hook::event::CARET, 0);
    Ok(1)
}

/// DestroyCaret.
pub(super) fn destroy(cx: &Cx<'_>) -> User {
    let mine = cx.queue()?.record;
    let before = change(cx, 0, None, 0, Light::Keep).unwrap_or_default();
    {
        let mut tx = cx.windows()?;
        let shared = tx.input_of(mine);
        for place in [input::field::CARET, input::field::CARET_HIDDEN, input::field::CARET_ON] {
            tx.set(shared + place, 0);
        }
        tx.set_input_rect(shared, input::field::CARET_RECT, Rect::default());
        tx.commit()?;
    }
    if before.window != 0 && before.hidden == 0 {
        let _ = timer::kill(cx, before.window.into(), TIMER, true);
        if before.on {
            draw(cx, before.window, &before.rect);
        }
    }
    cx.queue()?.mouse.lock().caret = None;
    Ok((before.window != 0).into())
}

/// NtUserHideCaret: as often as it is, it must be shown.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn hide(cx: &Cx<'_>, window: u64) -> User {
    let before = change(cx, window as u32, None, 1, Light::Off)?;
    if before.hidden == 0 {
        if before.on {
            draw(cx, before.window, &before.rect);
        }
        let _ = timer::kill(cx, before.window.into(), TIMER, true);
    }
    Ok(1)
}

/// NtUserShowCaret.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn show(cx: &Cx<'_>, window: u64) -> User {
    let before = change(cx, window as u32, None, -1, Light::On)?;
    if before.hidden == 1 {
        draw(cx, before.window, &before.rect);
        set_timer(cx, before.window)?;
    }
    Ok(1)
}

/// SetCaretPos.
pub(super) fn set_place(cx: &Cx<'_>, x: i32, y: i32) -> User {
    let before = change(cx, 0, Some((x, y)), 0, Light::OnIfMoved)?;
    if before.hidden == 0 && (x, y) != (before.rect.left, before.rect.top) {
        if before.on {
            draw(cx, before.window, &before.rect);
        }
        draw(cx, before.window, &Rect::sized(x, y, before.rect.width(), before.rect.height()));
        set_timer(cx, before.window)?;
    }
    Ok(1)
}

/// A caret that is hidden while pixels below it are scrolled.
pub(super) struct Scrolled {
    window: u32,
    /// Whether it had to be hidden.
    hidden: bool,
    /// Where it is then, if it moves by itself: that of a child goes along with the child.
    place: Option<(i32, i32)>,
}

/// A window's pixels are scrolled: the thread's caret, if it is that one's, or with its children one of theirs, is hidden where it lies in what is moved,
/// or where that goes. `None` where it is another window's.
pub(super) fn hide_for_scroll(
    cx: &Cx<'_>,
    window: &Window,
    moved: &Rect,
    (x, y): (i32, i32),
    children: bool,
) -> User<Option<Scrolled>> {
    let mine = cx.queue()?.record;
    let found = {
        let tx = cx.windows()?;
        let shared = tx.input_of(mine);
        let (caret, rect) = (tx.link(shared + input::field::CARET), tx.input_rect(shared, input::field::CARET_RECT));
        let place = match tx.window(window.handle) {
            Some(record) if caret == record => Some((rect.left.saturating_add(x), rect.top.saturating_add(y))),
            Some(record) if caret != 0 && children && tx.is_below(caret, record) => None,
            _ => return Ok(None),
        };
        let client = |record: u32| tx.screen_rect(record, field::CLIENT_RECT);
        let (of_caret, of_window) = (client(caret), client(window.record));
        let rect = rect.offset(of_caret.left.wrapping_sub(of_window.left), of_caret.top.wrapping_sub(of_window.top));
        let meets = moved.intersect(&rect).is_some() || moved.offset(x, y).intersect(&rect).is_some();
        Scrolled { window: tx.handle_of(caret), hidden: meets, place }
    };
    if found.hidden {
        // One that went meanwhile is in nobody's way.
        let _ = hide(cx, found.window.into());
    }
    Ok(Some(found))
}

/// Shows it again, where it is now.
pub(super) fn show_scrolled(cx: &Cx<'_>, caret: &Scrolled) -> User<()> {
    if let Some((x, y)) = caret.place {
        set_place(cx, x, y)?;
    }
    if caret.hidden {
        let _ = show(cx, caret.window.into());
    }
    Ok(())
}

/// NtUserGetCaretPos.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn get_place(cx: &Cx<'_>, point: UserPtr<[i32; 2]>) -> User {
    let mine = cx.queue()?.record;
    let rect = {
        let tx = cx.windows()?;
        tx.input_rect(tx.input_of(mine), input::field::CARET_RECT)
    };
    point.write(cx.k, [rect.left, rect.top])?;
    Ok(1)
}

/// Its timer's time came.
pub(super) fn blink(cx: &Cx<'_>) -> User<()> {
    let Ok(before) = change(cx, 0, None, 0, Light::Toggle) else { return Ok(()) };
    if before.hidden == 0 {
        draw(cx, before.window, &before.rect);
    }
    Ok(())
}

/// NtUserGetCaretBlinkTime.
///
/// # Errors
/// None.
pub fn get_blink_time(cx: &Cx<'_>) -> User {
    blink_time(cx).map(u64::from)
}

/// SetCaretBlinkTime: of all programs, as long as the session lasts.
pub(super) fn set_blink_time(cx: &Cx<'_>, milliseconds: u32) -> User {
    let mut tx = cx.windows()?;
    tx.set_of_desk(desk::field::BLINK, milliseconds)?;
    tx.commit()?;
    Ok(1)
}
