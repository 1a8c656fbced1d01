//! The kernel's part of DefWindowProc.

use super::super::User;
use super::command;
use super::nonclient::{Look, client_of, style};
use super::procedure::Letter;
use super::scrollbar::{self, HORIZONTAL, VERTICAL};
use super::session::Window;
use super::{caption, class, default_paint, destroy, menu, reach, scrollproc, text, tree};
use crate::call::Cx;
use crate::shm::user::window::{CHILD, VISIBLE, field, flag};
use crate::um::UserPtr;
use crate::win32k::geometry::Rect;

/// WM_*.
mod message {
    pub const ACTIVATE: u32 = 0x06;
    pub const SET_REDRAW: u32 = 0x0b;
    pub const SET_TEXT: u32 = 0x0c;
    pub const GET_TEXT: u32 = 0x0d;
    pub const GET_TEXT_LENGTH: u32 = 0x0e;
    pub const CLOSE: u32 = 0x10;
    pub const QUERY_END_SESSION: u32 = 0x11;
    pub const QUERY_OPEN: u32 = 0x13;
    pub const NC_CREATE: u32 = 0x81;
    pub const NC_DESTROY: u32 = 0x82;
    pub const INPUT_LANGUAGE_REQUEST: u32 = 0x50;
    pub const INPUT_LANGUAGE_CHANGE: u32 = 0x51;
    /// WM_IME_STARTCOMPOSITION, WM_IME_ENDCOMPOSITION, WM_IME_COMPOSITION.
    pub const IME_COMPOSITION: core::ops::RangeInclusive<u32> = 0x10d..=0x10f;
    pub const IME_SET_CONTEXT: u32 = 0x281;
    pub const IME_NOTIFY: u32 = 0x282;
    pub const GET_ICON: u32 = 0x7f;
    pub const SET_ICON: u32 = 0x80;
    pub const HELP: u32 = 0x53;
    pub const PAINT: u32 = 0x0f;
    pub const PAINT_ICON: u32 = 0x26;
    pub const ERASE_BACKGROUND: u32 = 0x14;
    pub const ICON_ERASE_BACKGROUND: u32 = 0x27;
    pub const SHOW_WINDOW: u32 = 0x18;
    pub const STYLE_CHANGED: u32 = 0x7d;
    pub const WINDOW_POS_CHANGING: u32 = 0x46;
    pub const WINDOW_POS_CHANGED: u32 = 0x47;
    pub const SYNC_PAINT: u32 = 0x88;
    pub const PRINT: u32 = 0x317;
    pub const CANCEL_MODE: u32 = 0x1f;
    pub const SET_CURSOR: u32 = 0x20;
    pub const MOUSE_ACTIVATE: u32 = 0x21;
    pub const IS_ACTIVE_ICON: u32 = 0x35;
    pub const QUERY_DRAG_ICON: u32 = 0x37;
    pub const VKEY_TO_ITEM: u32 = 0x2e;
    pub const CHAR_TO_ITEM: u32 = 0x2f;
    pub const NOTIFY_FORMAT: u32 = 0x55;
    pub const KEY_F1: u32 = 0x4d;
    pub const CONTEXT_MENU: u32 = 0x7b;
    pub const NC_CALC_SIZE: u32 = 0x83;
    pub const NC_HIT_TEST: u32 = 0x84;
    pub const NC_PAINT: u32 = 0x85;
    pub const NC_ACTIVATE: u32 = 0x86;
    pub const NC_MOUSE_MOVE: u32 = 0xa0;
    pub const NC_LEFT_DOWN: u32 = 0xa1;
    pub const NC_LEFT_DOUBLE: u32 = 0xa3;
    pub const NC_RIGHT_DOWN: u32 = 0xa4;
    pub const NC_X_UP: u32 = 0xac;
    pub const KEY_DOWN: u32 = 0x100;
    pub const KEY_UP: u32 = 0x101;
    pub const SYS_KEY_DOWN: u32 = 0x104;
    pub const SYS_KEY_UP: u32 = 0x105;
    pub const SYS_CHAR: u32 = 0x106;
    pub const SYS_COMMAND: u32 = 0x112;
    pub const CTL_COLOR_OLD: u32 = 0x19;
    pub const CTL_COLOR_MSGBOX: u32 = 0x132;
    pub const CTL_COLOR_STATIC: u32 = 0x138;
    pub const LEFT_DOWN: u32 = 0x201;
    pub const LEFT_DOUBLE: u32 = 0x203;
    pub const RIGHT_DOWN: u32 = 0x204;
    pub const RIGHT_UP: u32 = 0x205;
    pub const MIDDLE_DOWN: u32 = 0x207;
    pub const WHEEL: u32 = 0x20a;
    pub const X_UP: u32 = 0x20c;
    pub const HORIZONTAL_WHEEL: u32 = 0x20e;
    pub const DROP_OBJECT: u32 = 0x22a;
    pub const QUERY_DROP_OBJECT: u32 = 0x22b;
    pub const NC_MOUSE_LEAVE: u32 = 0x2a2;
    pub const POPUP_SYSTEM_MENU: u32 = 0x313;
    pub const APP_COMMAND: u32 = 0x319;
}

/// Where CREATESTRUCT has the name.
const NAME: u64 = 56;
/// Where it has the style.
const STYLE: u64 = 48;

/// What a window does with a message that its procedure leaves to the system.
pub(super) fn procedure(cx: &Cx<'_>, window: u64, letter: &Letter) -> User {
    let found = cx.window(window)?;
    let Letter { message, wparam, lparam, ansi } = *letter;
    match message {
        message::NC_CREATE => {
            if lparam != 0 {
                let name = UserPtr::<u64>::new(lparam + NAME).read(cx.k)?;
                set_text(cx, &found, name, ansi)?;
                let styles = UserPtr::<u32>::new(lparam + STYLE).read(cx.k)?;
                scrollbar::begin(cx, &found, styles)?;
            }
            Ok(1)
        }
        message::NC_DESTROY => {
            text::set(cx, &found, &[])?;
            let mut tx = cx.windows()?;
            tx.set_window_bytes(found.record, field::SCROLL, &[])?;
            tx.commit()?;
            Ok(0)
        }
        message::SET_TEXT => {
            if lparam != 0 && lparam < 0x1_0000 {
                return Ok(0);
            }
            set_text(cx, &found, lparam, ansi)?;
            repaint_caption(cx, window)?;
            Ok(1)
        }
        message::GET_TEXT => {
            if wparam == 0 {
                return Ok(0);
            }
            let kept = text::get(cx, &found)?;
            text::store(cx, &kept, lparam, wparam, ansi)
        }
        message::GET_TEXT_LENGTH => {
            let kept = text::get(cx, &found)?;
            Ok(if ansi { text::to_ansi(cx, &kept).len() } else { kept.len() } as u64)
        }
        message::CLOSE => {
            destroy::destroy_window(cx, window)?;
            Ok(0)
        }
        message::QUERY_END_SESSION | message::QUERY_OPEN => Ok(1),
        message::SET_REDRAW => default_paint::set_redraw(cx, &found, wparam != 0),
        message::PAINT | message::PAINT_ICON => default_paint::paint(cx, &found),
        message::ERASE_BACKGROUND | message::ICON_ERASE_BACKGROUND => default_paint::erase(cx, &found, wparam as u32),
        message::SYNC_PAINT => default_paint::sync(cx, &found),
        message::PRINT => default_paint::print(cx, &found, wparam, lparam),
        message::WINDOW_POS_CHANGING => default_paint::changing(cx, &found, lparam),
        message::WINDOW_POS_CHANGED => default_paint::changed(cx, &found, lparam),
        message::STYLE_CHANGED => super::layered::style_changed(cx, &found, wparam, lparam),
        message::SHOW_WINDOW => super::show::with_owner(cx, &found, wparam != 0, lparam),
        message::INPUT_LANGUAGE_REQUEST => {
            super::input_language::activate(cx, lparam, 0)?;
            Ok(0)
        }
        message::INPUT_LANGUAGE_CHANGE => {
            super::input_language::told(cx, lparam)?;
            let children: Vec<Window> = {
                let tx = cx.windows()?;
                tx.children(found.record).into_iter().filter_map(|child| tree::of_record(&tx, child)).collect()
            };
            for child in children {
                // One that goes meanwhile keeps it from none.
                let _ = cx.send(&child, letter);
            }
            Ok(0)
        }
        message::IME_SET_CONTEXT | message::IME_NOTIFY => super::ime::default(cx, &found, letter),
        number if message::IME_COMPOSITION.contains(&number) => super::ime::default(cx, &found, letter),
        message::GET_ICON => super::window_icon::get(cx, &found, wparam),
        message::SET_ICON => {
            let before = super::window_icon::set(cx, &found, wparam, lparam)?;
            repaint_caption(cx, window)?;
            Ok(before)
        }
        message::HELP => {
            // Up to who asked for it: a parent, or a popup's owner.
            let parent = super::tree::parent(cx, window)?;
            match cx.window(parent) {
                Ok(parent) => cx.send(&parent, letter),
                Err(_) => Ok(0),
            }
        }
        _ => frame(cx, window, letter),
    }
}

/// What is about a window's frame, and about its keys.
fn frame(cx: &Cx<'_>, window: u64, letter: &Letter) -> User {
    let Letter { message, wparam, lparam, .. } = *letter;
    let found = cx.window(window)?;
    match message {
        message::NC_CALC_SIZE => {
            if lparam != 0 {
                let at = UserPtr::<Rect>::new(lparam);
                let rect = at.read(cx.k)?;
                let look = Look::of(cx, window)?;
                // On the screen, or as the parent counts.
                let other_way = {
                    let tx = cx.windows()?;
                    let parent = if wparam == 0 { 0 } else { tx.link(look.window.record + field::PARENT) };
                    look.is(style::EX_LAYOUT_RTL) != tx.is_mirrored(parent)
                };
                let client = client_of(cx, &look, &rect, other_way);
                at.write(cx.k, client)?;
            }
        }
        message::NC_HIT_TEST => {
            let (x, y) = command::point(lparam);
            return Ok(i64::from(Look::of(cx, window)?.hit(cx, x, y)) as u64);
        }
        message::NC_PAINT => paint_frame(cx, window, wparam)?,
        message::NC_ACTIVATE => {
            let mut tx = cx.windows()?;
            let flags = tx.get(found.record + field::FLAGS);
            let active = if wparam != 0 { flag::NC_ACTIVE } else { 0 };
            tx.set(found.record + field::FLAGS, flags & !flag::NC_ACTIVE | active);
            tx.commit()?;
            // -1: nothing is to be drawn.
            if lparam != u64::MAX {
                caption::paint(cx, window, 1)?;
            }
            return Ok(1);
        }
        message::NC_LEFT_DOWN => command::left_down(cx, window, wparam, lparam)?,
        message::NC_RIGHT_DOWN => command::right_down(cx, window, wparam)?,
        message::NC_LEFT_DOUBLE => command::double_click(cx, window, wparam, lparam)?,
        // HTCLIENT.
        message::LEFT_DOUBLE => command::double_click(cx, window, 1, lparam)?,
        message::NC_MOUSE_MOVE | message::NC_MOUSE_LEAVE => hover(cx, window, letter)?,
        message::CONTEXT_MENU => command::context_menu(cx, window, lparam)?,
        message::POPUP_SYSTEM_MENU => command::popup_system_menu(cx, window, command::point(lparam))?,
        message::SYS_COMMAND => return command::run(cx, window, wparam, lparam),
        message::LEFT_DOWN | message::RIGHT_DOWN | message::MIDDLE_DOWN => *cx.k.user.keys.lock() = Default::default(),
        // VK_F10.
        message::KEY_DOWN => cx.k.user.keys.lock().f10 |= wparam == 0x79,
        message::SYS_KEY_DOWN => command::key_down(cx, window, wparam, lparam)?,
        message::KEY_UP | message::SYS_KEY_UP => command::key_up(cx, window, wparam)?,
        message::SYS_CHAR => {
            let letter = match letter.ansi {
                true => text::to_wide(cx, &[wparam as u8]).first().copied().unwrap_or(0),
                false => wparam as u16,
            };
            command::letter(cx, window, letter, lparam)?;
        }
        message::CANCEL_MODE => {
            cx.k.user.keys.lock().alt = false;
            menu::track::cancel(cx, window);
            if reach::captured(cx) == found.handle {
                reach::release_capture(cx, false);
            }
        }
        message::ACTIVATE => {
            if wparam & 0xffff != 0 && !Look::of(cx, window)?.has(style::MINIMIZE) {
                reach::set_focus(cx, &found);
            }
        }
        _ => return asked(cx, &found, letter),
    }
    Ok(0)
}

/// What a window is asked, or hands on to its parent.
fn asked(cx: &Cx<'_>, window: &Window, letter: &Letter) -> User {
    let Letter { message, wparam, lparam, .. } = *letter;
    let handle = u64::from(window.handle);
    let look = Look::of(cx, handle)?;
    let parent = || tree::parent(cx, handle).and_then(|parent| cx.window(parent));
    match message {
        message::MOUSE_ACTIVATE => {
            /// MA_ACTIVATE, MA_NOACTIVATE; HTCAPTION, WM_LBUTTONDOWN.
            const ACTIVATE: u64 = 1;
            const NO_ACTIVATE: u64 = 3;
            const ON_CAPTION: u64 = 2 | (message::LEFT_DOWN as u64) << 16;
            if look.has(CHILD) {
                let said = reach::send(cx, &parent()?, message, wparam, lparam)?;
                if said != 0 {
                    return Ok(said);
                }
            }
            // A click on a caption activates where it is handled.
            Ok(if lparam & 0xffff_ffff == ON_CAPTION { NO_ACTIVATE } else { ACTIVATE })
        }
        message::SET_CURSOR => set_cursor(cx, &look, letter),
        message::WHEEL | message::HORIZONTAL_WHEEL if look.has(CHILD) => {
            reach::send(cx, &parent()?, message, wparam, lparam)
        }
        message::RIGHT_UP => {
            let (x, y) = reach::client_start(cx, handle)?.to_screen(command::point(lparam));
            let at = u64::from(x as u16) | u64::from(y as u16) << 16;
            reach::send(cx, window, message::CONTEXT_MENU, handle, at)?;
            Ok(0)
        }
        message::X_UP | message::NC_X_UP => {
            /// FAPPCOMMAND_MOUSE.
            const MOUSE: u64 = 0x8000;
            let button = wparam >> 16 & 0xffff;
            if button == 1 || button == 2 {
                let what = wparam & 0xffff | (MOUSE | button) << 16;
                reach::send(cx, window, message::APP_COMMAND, handle, what)?;
            }
            Ok(0)
        }
        message::APP_COMMAND => {
            if let Ok(parent) = parent() {
                reach::send(cx, &parent, message, wparam, lparam)?;
            }
            Ok(0)
        }
        message::CTL_COLOR_MSGBOX..=message::CTL_COLOR_STATIC => {
            control_colour(cx, wparam as u32, message - message::CTL_COLOR_MSGBOX)
        }
        message::CTL_COLOR_OLD => control_colour(cx, wparam as u32, (lparam >> 16 & 0xffff) as u32),
        message::VKEY_TO_ITEM | message::CHAR_TO_ITEM => Ok(u64::MAX),
        // What is dropped there is files.
        message::DROP_OBJECT => Ok(0x454c_4946),
        // WS_EX_ACCEPTFILES.
        message::QUERY_DROP_OBJECT => Ok(look.is(0x10).into()),
        message::IS_ACTIVE_ICON => Ok(look.active.into()),
        message::NOTIFY_FORMAT => {
            let flags = cx.windows()?.get(window.record + field::FLAGS);
            Ok(if flags & flag::UNICODE != 0 { 2 } else { 1 })
        }
        message::QUERY_DRAG_ICON => drag_icon(cx, window),
        message::KEY_F1 => help(cx, window),
        _ => Ok(0),
    }
}

/// Draws a window's frame, if the window is one that is shown.
fn paint_frame(cx: &Cx<'_>, window: u64, clip: u64) -> User<()> {
    if Look::of(cx, window)?.has(VISIBLE) {
        caption::paint(cx, window, clip)?;
    }
    Ok(())
}

/// Text and icon of a caption changed.
fn repaint_caption(cx: &Cx<'_>, window: u64) -> User<()> {
    if Look::of(cx, window)?.has_caption() {
        paint_frame(cx, window, 1)?;
    }
    Ok(())
}

/// The mouse is over scroll bars of the frame, or leaves them.
fn hover(cx: &Cx<'_>, window: u64, letter: &Letter) -> User<()> {
    let look = Look::of(cx, window)?;
    let (x, y) = command::point(letter.lparam);
    let at = look.point_on_window((x, y));
    for (bar, hit, has) in [(HORIZONTAL, 6, style::HORIZONTAL_SCROLL), (VERTICAL, 7, style::VERTICAL_SCROLL)] {
        let moves = letter.message == message::NC_MOUSE_MOVE;
        if moves && letter.wparam == hit {
            scrollproc::event(cx, &look.window, bar, letter.message, at)?;
        } else if !moves && look.has(has) {
            scrollproc::event(cx, &look.window, bar, letter.message, (0, 0))?;
        }
    }
    Ok(())
}

/// WM_SETCURSOR: the parent may first; then the class's, or an arrow that shows which side would be pulled.
fn set_cursor(cx: &Cx<'_>, look: &Look, letter: &Letter) -> User {
    /// IDC_*; GCLP_HCURSOR; HTERROR.
    const ARROW: u32 = 32512;
    const CLASS_CURSOR: i32 = -12;
    let (hit, clicked) = (i32::from(letter.lparam as i16), (letter.lparam >> 16) as u32 & 0xffff);
    let sizing = (super::nonclient::ht::LEFT..=super::nonclient::ht::BOTTOM_RIGHT).contains(&hit);
    if look.has(CHILD) && !sizing {
        let parent = tree::parent(cx, look.window.handle.into())?;
        let desktop = u64::from(cx.top_window(false)?.1);
        if parent != desktop
            && let Ok(parent) = cx.window(parent)
            && reach::send(cx, &parent, message::SET_CURSOR, letter.wparam, letter.lparam)? != 0
        {
            return Ok(1);
        }
    }
    let number = match hit {
        super::nonclient::ht::CLIENT => {
            let cursor = class::long(cx, letter.wparam, CLASS_CURSOR, 8, false).unwrap_or(0);
            if cursor != 0 {
                reach::put_cursor_shape(cx, cursor)?;
            }
            return Ok(0);
        }
        10 | 11 => 32644,
        12 | 15 => 32645,
        13 | 17 => 32642,
        14 | 16 => 32643,
        super::nonclient::ht::ERROR => {
            // A click on what is disabled.
            if [0x201, 0x204, 0x207, 0x20b].contains(&clicked) {
                reach::beep(cx);
            }
            ARROW
        }
        _ => ARROW,
    };
    reach::set_cursor(cx, number)?;
    Ok(0)
}

/// WM_CTLCOLOR*: the colours of a control's text, and the brush behind it.
fn control_colour(cx: &Cx<'_>, dc: u32, kind: u32) -> User {
    use super::colours::{checked_brush, color};
    let brush = |index: u32| -> User { Ok(cx.k.system_brush(index).into()) };
    use super::draw::Canvas;
    /// CTLCOLOR_EDIT, CTLCOLOR_LISTBOX, CTLCOLOR_SCROLLBAR.
    const EDIT: u32 = 1;
    const LIST_BOX: u32 = 2;
    const SCROLL_BAR: u32 = 5;
    let canvas = Canvas { cx, dc };
    let set = |text: u32, back: u32| {
        canvas.set_text_colour(canvas.colour(text));
        canvas.set_background(canvas.colour(back));
    };
    match kind {
        SCROLL_BAR => {
            set(color::FACE, color::LIT);
            // So that the bar does not look as the window behind it.
            let same = canvas.colour(color::LIT) == canvas.colour(color::WINDOW);
            if same { checked_brush(cx) } else { brush(color::SCROLLBAR) }
        }
        EDIT | LIST_BOX => {
            set(color::WINDOW_TEXT, color::WINDOW);
            brush(color::WINDOW)
        }
        _ => {
            set(color::WINDOW_TEXT, color::FACE);
            brush(color::FACE)
        }
    }
}

/// WM_QUERYDRAGICON: the class's icon, the first one of the program, or the system's.
fn drag_icon(cx: &Cx<'_>, window: &Window) -> User {
    use super::callbacks::{image, load_image};
    /// GCLP_HICON, GWLP_HINSTANCE, IDI_APPLICATION.
    const CLASS_ICON: i32 = -14;
    const INSTANCE: i32 = -6;
    const APPLICATION: u32 = 32512;
    let handle = window.handle.into();
    let own = class::long(cx, handle, CLASS_ICON, 8, false).unwrap_or(0);
    if own != 0 {
        return Ok(own);
    }
    let flags = image::SHARED | image::DEFAULT_SIZE;
    let instance = reach::long(cx, handle, INSTANCE);
    let first = (1..64).find_map(|number| load_image(cx, instance, number, image::ICON, 0, flags).ok());
    Ok(first.or_else(|| load_image(cx, 0, APPLICATION, image::ICON, 0, flags).ok()).unwrap_or(0))
}

/// WM_KEYF1: help on the window.
fn help(cx: &Cx<'_>, window: &Window) -> User {
    /// HELPINFO_WINDOW.
    const WINDOW: u32 = 1;
    let (context, id, place) = {
        let tx = cx.windows()?;
        (tx.get(window.record + field::HELP), tx.window_wide(window.record, field::ID), tx.cursor_place())
    };
    let info = menu::help_info(WINDOW, id as u32, window.handle.into(), context, place);
    cx.send_data(window, message::HELP, 0, &info)?;
    Ok(0)
}

/// The desktop's procedure.
pub(super) fn desktop(cx: &Cx<'_>, window: u64, letter: &Letter) -> User {
    match letter.message {
        message::NC_CREATE => Ok(1),
        message::NC_CALC_SIZE => Ok(0),
        _ => procedure(cx, window, letter),
    }
}

/// A window's text is what lies there, or a number of a resource: none.
fn set_text(cx: &Cx<'_>, window: &Window, at: u64, ansi: bool) -> User<()> {
    let text = if at < 0x1_0000 { Vec::new() } else { text::read(cx, at, ansi)? };
    text::set(cx, window, &text)
}
