//! What menus, scroll bars and frames need of windows on the screen and of the input: each is one call of those who have it.

use super::super::{Failed, User};
use super::callbacks::{image, load_image};
use super::create::{self, Asked};
use super::focus::{self, CaptureFor};
use super::nonclient::{Look, style};
use super::procedure::Letter;
use super::session::Window;
use super::sysparams::settings::{FLAT_MENUS, GRADIENT_CAPTIONS};
use super::{caret, class, dce, get, hook, long, paint, position};
use crate::call::Cx;
use crate::shm::user::message::Message;
use crate::shm::user::mirror::Start;
use crate::shm::user::visible::dcx;
use crate::shm::user::window::POPUP;
use crate::status::STATUS_WAIT_0;
use crate::um::UserPtr;
use crate::win32k::gdi::region::{Mode, Region};
use crate::win32k::gdi::{self, regions};
use crate::win32k::geometry::Rect;
use zerocopy::IntoBytes;

/// What a wait for messages ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// There may be some.
    Look,
    /// The thread ends.
    Ends,
}

/// Sends a message without texts.
pub(super) fn send(cx: &Cx<'_>, window: &Window, message: u32, wparam: u64, lparam: u64) -> User {
    cx.send(window, &Letter { message, wparam, lparam, ansi: false })
}

/// SetWindowPos.
pub(super) fn set_position(cx: &Cx<'_>, window: u64, after: u64, rect: &Rect, flags: u32) -> User {
    position::set_window_pos(cx, window, after, rect.left, rect.top, rect.width(), rect.height(), flags)
}

/// MoveWindow without painting.
pub(super) fn move_window(cx: &Cx<'_>, window: &Window, rect: &Rect) -> User<()> {
    /// SWP_NOZORDER, SWP_NOREDRAW, SWP_NOACTIVATE.
    const QUIET: u32 = 0x4 | 0x8 | 0x10;
    set_position(cx, window.handle.into(), 0, rect, QUIET).map(drop)
}

/// ShowWindow.
pub(super) fn show_window(cx: &Cx<'_>, window: u64, command: u32) -> User {
    super::show::show_window(cx, window, command)
}

/// ShowOwnedPopups.
pub(super) fn show_owned(cx: &Cx<'_>, window: u64, shows: bool) -> User<()> {
    super::show::show_owned(cx, window, shows).map(drop)
}

/// RedrawWindow: a part of the client area, or all.
pub(super) fn redraw(cx: &Cx<'_>, window: u64, rect: Option<&Rect>, flags: u32) -> User<()> {
    let region = rect.map(|rect| Region::from(*rect));
    paint::redraw(cx, window, region.as_ref(), flags).map(drop)
}

/// A DC of the whole window, or of its client area.
pub(super) fn window_dc(cx: &Cx<'_>, window: u64, whole: bool) -> Option<u32> {
    dce::get(cx, window, None, dcx::CACHE | if whole { dcx::WINDOW } else { 0 }).ok().filter(|dc| *dc != 0)
}

/// A DC of the screen: for measuring.
pub(super) fn screen_dc(cx: &Cx<'_>) -> Option<u32> {
    gdi::dc::create_compatible(cx, 0).ok().map(|dc| dc as u32).filter(|dc| *dc != 0)
}

/// A DC of a window's frame alone, within WM_NCPAINT's region of the screen (1: all).
pub(super) fn frame_dc(cx: &Cx<'_>, look: &Look, clip: u64) -> Option<u32> {
    const WHOLE: u32 = dcx::USE_STYLE | dcx::WINDOW;
    let client = Region::from(look.client);
    let (region, how) = match regions::get(cx.k, clip as u32).filter(|_| clip > 1) {
        Some(clip) => (clip.combine(&client, Mode::Diff), dcx::INTERSECT),
        None => (client, dcx::EXCLUDE),
    };
    dce::get(cx, look.window.handle.into(), Some((0, region)), WHOLE | how).ok().filter(|dc| *dc != 0)
}

/// Gives a DC back.
pub(super) fn release_dc(cx: &Cx<'_>, dc: u32) {
    if !dce::release(cx, dc, false) {
        gdi::dc::delete(cx, dc);
    }
}

/// BeginPaint and EndPaint around a drawing.
pub(super) fn paint(cx: &Cx<'_>, window: u64, draw: impl FnOnce(u32)) -> User<()> {
    let (dc, _) = paint::begin(cx, &cx.window(window)?)?;
    draw(dc);
    dce::release(cx, dc, true);
    Ok(())
}

/// Whether anything of a rectangle would be seen.
pub(super) fn is_visible(cx: &Cx<'_>, dc: u32, rect: &Rect) -> bool {
    gdi::with(cx, dc, |work| work.visible(&work.device_corners(*rect)).is_some()).unwrap_or(false)
}

/// DrawIconEx, so large.
pub(super) fn draw_icon(cx: &Cx<'_>, dc: u32, x: i32, y: i32, icon: u64, size: i32) {
    /// DI_NORMAL.
    const NORMAL: u32 = 3;
    // An icon that is gone is not drawn.
    let _ = super::icon::draw(cx, dc, x as u32, y as u32, icon, size as u32, size as u32, 0, 0, NORMAL);
}

/// SPI_GETGRADIENTCAPTIONS.
pub(super) fn has_gradients(cx: &Cx<'_>) -> bool {
    cx.k.number_setting(&GRADIENT_CAPTIONS, super::dpi::of_system(cx)) != 0
}

/// SPI_GETFLATMENU.
pub(super) fn has_flat_menus(cx: &Cx<'_>) -> bool {
    cx.k.number_setting(&FLAT_MENUS, super::dpi::of_system(cx)) != 0
}

/// The part of the screen around a point that windows are to keep to.
pub(super) fn work_area(cx: &Cx<'_>, _at: (i32, i32)) -> User<Rect> {
    Ok(cx.windows()?.work_area())
}

/// A popup menu's window.
pub(super) fn create_popup(cx: &Cx<'_>, owner: u64, menu: u64, extended: u32) -> User<u32> {
    let asked = Asked { extended, style: POPUP, parent: owner, parameters: menu, ..Asked::default() };
    let class = class::Name::Atom(class::MENU_CLASS);
    let made = create::create_window(cx, class, class::MENU_CLASS.into(), (0, Vec::new()), &asked)?;
    if made == 0 { Err(Failed::SILENT) } else { Ok(made as u32) }
}

/// Least and largest size of a window that is pulled.
pub(super) fn size_limits(cx: &Cx<'_>, window: u64) -> User<((i32, i32), (i32, i32))> {
    let said = super::limits::ask(cx, &cx.window(window)?)?;
    Ok(((said.least.x, said.least.y), (said.most.x, said.most.y)))
}

/// From where places in a window's client area are counted; 0 is the desktop.
pub(super) fn client_start(cx: &Cx<'_>, window: u64) -> User<Start> {
    super::coded::client_start(cx, window)
}

/// The window that has the mouse.
pub(super) fn captured(cx: &Cx<'_>) -> u32 {
    focus::captured(cx).unwrap_or(0)
}

/// SetCapture.
pub(super) fn capture(cx: &Cx<'_>, window: u64) {
    // A window that is gone, or another thread's, gets none.
    let _ = focus::capture(cx, window, CaptureFor::Program);
}

/// The same for a menu, which nobody else gets it from; 0 ends that.
pub(super) fn capture_for_menu(cx: &Cx<'_>, window: u64) {
    let _ = focus::capture(cx, window, CaptureFor::Menu);
}

/// The same for a window that is moved.
pub(super) fn capture_for_moving(cx: &Cx<'_>, window: u64) {
    let _ = focus::capture(cx, window, CaptureFor::Moving);
}

/// ReleaseCapture, that of a menu too if `menu` says so.
pub(super) fn release_capture(cx: &Cx<'_>, menu: bool) {
    let _ = match menu {
        true => focus::capture(cx, 0, CaptureFor::Menu).map(u64::from),
        false => focus::release_capture(cx),
    };
}

/// SetFocus.
pub(super) fn set_focus(cx: &Cx<'_>, window: &Window) {
    // A window that cannot have it does without.
    let _ = focus::set_focus(cx, window.handle.into());
}

/// SetForegroundWindow; answers whether the window is in front, or active.
pub(super) fn bring_to_front(cx: &Cx<'_>, window: u64) -> User<bool> {
    let found = cx.window(window)?;
    Ok(focus::activate(cx, &found, true)? || focus::active(cx)? == found.handle)
}

/// Whether a key is down for the calling thread.
pub(super) fn is_key_down(cx: &Cx<'_>, key: u32) -> bool {
    super::keyboard::get_key_state(cx, key).is_ok_and(|state| state & 0x8000 != 0)
}

/// Whether the left button is.
pub(super) fn is_button_down(cx: &Cx<'_>) -> bool {
    /// VK_LBUTTON.
    const BUTTON: u32 = 1;
    is_key_down(cx, BUTTON)
}

/// HideCaret of whatever window has it.
pub(super) fn hide_caret(cx: &Cx<'_>) {
    // There may be none.
    let _ = caret::hide(cx, 0);
}

/// ShowCaret.
pub(super) fn show_caret(cx: &Cx<'_>) {
    let _ = caret::show(cx, 0);
}

/// ShowCaret, if the window has the focus.
pub(super) fn show_caret_of(cx: &Cx<'_>, window: &Window) {
    if focus::focused(cx).is_ok_and(|focused| focused == window.handle) {
        show_caret(cx);
    }
}

/// A gray caret there.
pub(super) fn make_caret(cx: &Cx<'_>, window: &Window, rect: &Rect) {
    /// What stands for a gray one.
    const GRAY: u64 = 1;
    let made = caret::create(cx, window.handle.into(), GRAY, rect.width() as u32, rect.height() as u32);
    if made.is_ok() && caret::set_place(cx, rect.left, rect.top).is_ok() {
        let _ = caret::show(cx, window.handle.into());
    }
}

/// DestroyCaret.
pub(super) fn destroy_caret(cx: &Cx<'_>) {
    let _ = caret::destroy(cx);
}

/// SetCursor with one of the system's; the handle.
pub(super) fn set_cursor(cx: &Cx<'_>, number: u32) -> User {
    let flags = image::SHARED | image::DEFAULT_SIZE;
    match load_image(cx, 0, number, image::CURSOR, 0, flags) {
        Ok(cursor) => super::icon::set_cursor(cx, cursor),
        // One that is not there leaves it as it was.
        Err(_) => Ok(0),
    }
}

/// SetCursor with any; the one before.
pub(super) fn put_cursor_shape(cx: &Cx<'_>, cursor: u64) -> User {
    super::icon::set_cursor(cx, cursor)
}

/// SetCursorPos.
pub(super) fn put_cursor(cx: &Cx<'_>, at: (i32, i32)) {
    let _ = super::input::set_cursor_pos(cx, at.0 as u32, at.1 as u32);
}

/// ClipCursor(NULL).
pub(super) fn free_cursor(cx: &Cx<'_>) {
    let _ = super::input::clip_cursor(cx, 0);
}

/// TrackMouseEvent: the window is told when the mouse leaves it, or its frame.
pub(super) fn track_leave(cx: &Cx<'_>, window: &Window, frame: bool) {
    let _ = super::mouse::track_leave(cx, window, frame);
}

/// GetMessagePos.
pub(super) fn message_place(cx: &Cx<'_>) -> User<(i32, i32)> {
    let place = UserPtr::<u32>::new(cx.thread_info() + 12).read(cx.k)?;
    Ok(super::command::point(place.into()))
}

/// Whether a hook of WH_CBT forbids a command of the system menu.
pub(super) fn is_command_refused(cx: &Cx<'_>, wparam: u64, lparam: u64) -> User<bool> {
    /// HCBT_SYSCOMMAND.
    const SYS_COMMAND: i32 = 8;
    Ok(hook::call(cx, hook::CBT, SYS_COMMAND, wparam, lparam)? != 0)
}

/// Whether one forbids that a window is where it was moved to.
pub(super) fn is_move_refused(cx: &Cx<'_>, window: u64, rect: &Rect) -> User<bool> {
    /// HCBT_MOVESIZE.
    const MOVE_SIZE: i32 = 0;
    Ok(hook::call_with(cx, hook::CBT, MOVE_SIZE, window, rect.as_bytes())?.0 != 0)
}

/// Tells who listens that a bar's place changed.
pub(super) fn scroll_changed(cx: &Cx<'_>, window: &Window, bar: u32) {
    /// EVENT_OBJECT_VALUECHANGE; OBJID_HSCROLL, OBJID_VSCROLL, OBJID_CLIENT.
    const VALUE_CHANGED: u32 = 0x800e;
    const OBJECTS: [i32; 3] = [-6, -5, -4];
    let Ok(look) = Look::of(cx, window.handle.into()) else { return };
    let style = [style::HORIZONTAL_SCROLL, style::VERTICAL_SCROLL].get(bar as usize).copied();
    if let Some(object) = OBJECTS.get(bar as usize).filter(|_| style.is_none_or(|style| look.has(style))) {
        hook::event(cx, VALUE_CHANGED, window.handle.into(), *object, 0);
    }
}

/// MessageBeep.
pub(super) fn beep(_cx: &Cx<'_>) {}

/// PeekMessage, of messages of some numbers (0 and 0: all).
pub(super) fn peek(cx: &Cx<'_>, range: (u32, u32), remove: bool) -> User<Option<Message>> {
    cx.look(get::filter_of(0, range.0, range.1, 0), remove)
}

/// GetMessage; `None` for WM_QUIT, and when the thread ends.
pub(super) fn get(cx: &Cx<'_>, range: (u32, u32)) -> User<Option<Message>> {
    loop {
        if let Some(told) = peek(cx, range, true)? {
            return Ok(Some(told).filter(|told| told.number != get::QUIT));
        }
        if wait(cx)? == Next::Ends {
            return Ok(None);
        }
    }
}

/// Waits for a message that was not looked at yet.
pub(super) fn wait(cx: &Cx<'_>) -> User<Next> {
    Ok(if get::wait_for_any(cx)? == STATUS_WAIT_0 { Next::Look } else { Next::Ends })
}

/// CallMsgFilter: whether a hook took it.
pub(super) fn is_filtered(cx: &Cx<'_>, told: &Message, code: u32) -> User<bool> {
    let bytes = get::bytes_of(told);
    for kind in [hook::SYSTEM_MESSAGE_FILTER, hook::MESSAGE_FILTER] {
        if hook::call_with(cx, kind, code as i32, 0, &bytes)?.0 != 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// TranslateMessage.
pub(super) fn translate(cx: &Cx<'_>, told: &Message) -> User<()> {
    super::keyboard::translate_key(cx, told.window.into(), told.number, (told.wparam, told.lparam)).map(drop)
}

/// DispatchMessage.
pub(super) fn dispatch(cx: &Cx<'_>, told: &Message) -> User<()> {
    get::dispatch(cx, told).map(drop)
}

/// The word of a window that programs keep there.
pub(super) fn long(cx: &Cx<'_>, window: u64, offset: i32) -> u64 {
    long::get(cx, window, offset, 8, false).unwrap_or(0)
}
