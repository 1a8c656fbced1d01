//! NtUserCreateWindowEx.

use super::super::{Failed, User, error};
use super::class::{Name, register_builtins};
use super::long::{CLIP_SIBLINGS, with_edge};
use super::placement::MAXIMIZE;
use super::procedure::Letter;
use super::session::{HWND_MESSAGE, Window};
use super::show::{command, pair, set_flags, set_style};
use super::{destroy, hook, text};
use crate::call::Cx;
use crate::ex::atom;
use crate::shm::user::mirror::EX_LAYOUT_RTL;
use crate::shm::user::paint::swp;
use crate::shm::user::surface::EX_LAYERED;
use crate::shm::user::window::{CHILD, MINIMIZE, Made, Order, POPUP, VISIBLE, field, flag};
use crate::types::UnicodeString;
use crate::um::UserPtr;
use crate::win32k::geometry::Rect;
use std::sync::atomic::Ordering;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// CW_USEDEFAULT, and what 16-bit programs have for it.
const USE_DEFAULT: [i32; 2] = [i32::MIN, 0x8000];
/// WM_NCCREATE, WM_CREATE, WM_NCCALCSIZE, WM_SIZE, WM_MOVE, WM_PARENTNOTIFY.
const NC_CREATE: u32 = 0x81;
const CREATE: u32 = 0x1;
const NC_CALC_SIZE: u32 = 0x83;
const SIZE: u32 = 0x5;
const MOVE: u32 = 0x3;
pub(super) const PARENT_NOTIFY: u32 = 0x210;
/// WS_CAPTION, WS_DLGFRAME, WS_THICKFRAME.
const CAPTION: u32 = 0x00c0_0000;
const DIALOG_FRAME: u32 = 0x0040_0000;
const THICK_FRAME: u32 = 0x0004_0000;
/// WS_EX_WINDOWEDGE, WS_EX_NOPARENTNOTIFY.
const EX_WINDOW_EDGE: u32 = 0x100;
/// WS_EX_MDICHILD.
const EX_MDI_CHILD: u32 = 0x40;
/// WS_EX_NOINHERITLAYOUT; LAYOUT_RTL.
const EX_NO_INHERIT_LAYOUT: u32 = 0x0010_0000;
const LAYOUT_RTL: u32 = 1;
pub(super) const EX_NO_PARENT_NOTIFY: u32 = 0x4;

/// CREATESTRUCTW of 64-bit programs.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct CreateStruct {
    parameters: u64,
    instance: u64,
    menu: u64,
    parent: u64,
    height: i32,
    width: i32,
    y: i32,
    x: i32,
    style: u32,
    pad: u32,
    name: u64,
    class: u64,
    extended: u32,
    pad2: u32,
}

/// A text that a message carries: an address that only says there is one, and the text with its zero.
fn carried(cx: &Cx<'_>, address: u64, text: &[u16], ansi: bool) -> (u64, Vec<u8>) {
    if address < 0x1_0000 {
        return (address, Vec::new());
    }
    let mut bytes = if ansi { text::to_ansi(cx, text) } else { text.as_bytes().to_vec() };
    bytes.resize(bytes.len() + if ansi { 1 } else { 2 }, 0);
    (address, bytes)
}

/// NtUserCreateWindowEx: the window's handle.
///
/// # Errors
/// The answer is 0, and the last error says why; none when the window's procedure refused it.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn create(
    cx: &Cx<'_>,
    extended: u32,
    class: UserPtr<UnicodeString>,
    _version: UserPtr<UnicodeString>,
    name: UserPtr<UnicodeString>,
    style: u32,
    x: u32,
    y: u32,
    width: u32,
    height: u32,
    parent: u64,
    menu: u64,
    instance: u64,
    parameters: u64,
    _flags: u32,
    client_instance: u64,
    _unknown: u32,
    ansi: u32,
) -> User {
    let ansi = ansi != 0;
    register_builtins(cx);
    let class_at = class.read(cx.k)?.buffer;
    let which = Name::read(cx.k, class)?;
    // A name that is a number of a resource is told as it is.
    let (name_at, name_text) = match name.address() {
        0 => (0, Vec::new()),
        _ => {
            let name = name.read(cx.k)?;
            (name.buffer, if name.buffer < 0x1_0000 { Vec::new() } else { name.read(cx.k)? })
        }
    };
    let asked = Asked {
        extended,
        style,
        numbers: [x, y, width, height].map(|value| value as i32),
        parent,
        menu,
        instance,
        client_instance,
        parameters,
        ansi,
    };
    create_window(cx, which, class_at, (name_at, name_text), &asked)
}

/// What a window is to be like, as NtUserCreateWindowEx is told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asked {
    /// WS_EX_* and WS_*.
    pub extended: u32,
    pub style: u32,
    /// Where, and how large; CW_USEDEFAULT.
    pub numbers: [i32; 4],
    pub parent: u64,
    /// A menu, or a child's number.
    pub menu: u64,
    pub instance: u64,
    pub client_instance: u64,
    /// What the procedure finds in CREATESTRUCT.
    pub parameters: u64,
    pub ansi: bool,
}

/// Makes a window of a class, with a name: address and text of both are told to its procedure.
pub(super) fn create_window(cx: &Cx<'_>, which: Name, class_at: u64, name: (u64, Vec<u16>), asked: &Asked) -> User {
    register_builtins(cx);
    let Asked { extended, style, numbers, parent, menu, instance, client_instance, parameters, ansi } = *asked;
    let (name_at, name_text) = name;
    let is_child = style & (CHILD | POPUP) == CHILD;
    let mut mirrored = cx.k.user.layout.load(Ordering::Acquire) & LAYOUT_RTL != 0 && parent == 0;
    let (parent_record, owner, parent_told) = match parent as u32 {
        0 if is_child => return Err(Failed::with(error::TLW_WITH_WSCHILD)),
        0 => (cx.top_window(false)?.0, 0, 0),
        HWND_MESSAGE => {
            let (record, handle) = cx.top_window(true)?;
            (record, 0, handle.into())
        }
        _ => {
            let found = cx.window(parent)?;
            let (message, _) = cx.top_window(true)?;
            if is_child || found.record == message {
                let extended = cx.windows()?.get(found.record + field::EX_STYLE);
                mirrored = is_child && extended & (EX_LAYOUT_RTL | EX_NO_INHERIT_LAYOUT) == EX_LAYOUT_RTL;
                (found.record, 0, u64::from(found.handle))
            } else {
                let tx = cx.windows()?;
                // The owner is a top-level window, whatever child of it was named.
                let top = tx.root_window(false);
                // A child stands for what it lies in, up to a window that is none.
                let mut owner = found.record;
                let is_child = |record: u32| tx.get(record + field::STYLE) & (CHILD | POPUP) == CHILD;
                while is_child(owner) && !tx.is_root(tx.link(owner + field::PARENT)) {
                    owner = tx.link(owner + field::PARENT);
                }
                let owner = if tx.is_root(owner) { 0 } else { owner };
                (top, owner, u64::from(found.handle))
            }
        }
    };
    if cx.windows()?.is_orphan(parent_record) {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let atom = which.atom(cx.k);
    let pattern = cx.k.user.classes.use_for_window(atom, instance);
    let pattern = pattern.ok_or(Failed::with(error::CANNOT_FIND_WND_CLASS))?;
    let mine = cx.queue()?.record;
    let class_name = atom::name(cx.k, pattern.atom)?;
    // Windows are found by the name that programs know.
    let class_name = class_name.get(pattern.version..).unwrap_or(&class_name);
    let made = Made {
        member: cx.sandbox()?.1,
        process: cx.k.ps.id() as u32,
        thread: cx.t.id as u32,
        queue: mine,
        atom: pattern.atom.into(),
        class: pattern.number,
        parent: parent_record,
        owner,
        name: class_name.as_bytes().to_vec(),
        extra: pattern.extra,
    };
    let (place, command) = default_place(cx, style, numbers)?;
    let (x, y, width, height) = (place[0], place[1], place[2], place[3]);
    let extended = if mirrored { extended | EX_LAYOUT_RTL } else { extended };
    let extended = with_edge(style, extended);
    let told = CreateStruct {
        parameters,
        instance: if client_instance != 0 { client_instance } else { instance },
        menu,
        parent: parent_told,
        height,
        width,
        y,
        x,
        style,
        pad: 0,
        name: name_at,
        class: class_at,
        extended,
        pad2: 0,
    };
    let window = match make(cx, &made, &told, pattern.procedure, ansi) {
        Ok(window) => window,
        Err(failed) => {
            cx.k.user.classes.window_gone(pattern.number);
            return Err(failed);
        }
    };
    let class_text = match which {
        Name::Text(text) => text,
        Name::Atom(_) => Vec::new(),
    };
    let admitted = admit(cx, &window, &told, (&name_text, &class_text));
    if !matches!(admitted, Ok(true)) {
        destroy::free(cx, &window)?;
        return admitted.map(|_| 0);
    }
    match complete(cx, &window, &told, (&name_text, &class_text), ansi, command) {
        Ok(true) => Ok(cx.window(window.handle.into()).map_or(0, |_| window.handle.into())),
        refused => {
            // It may have destroyed itself.
            if let Ok(window) = cx.window(window.handle.into()) {
                destroy::destroy(cx, &window)?;
            }
            refused.map(|_| 0)
        }
    }
}

/// Makes the window's record.
fn make(cx: &Cx<'_>, made: &Made, told: &CreateStruct, procedure: u64, ansi: bool) -> User<Window> {
    let (shm, _) = cx.sandbox()?;
    let style = told.style & !VISIBLE;
    let unicode = cx.k.user.procedures.is_unicode(procedure, !ansi);
    let rect = Rect::sized(told.x, told.y, told.width, told.height);
    let awareness = super::dpi::of_thread(cx);
    // Without one it is given the thread's when that is asked for.
    let context = super::imm::default_context(cx).unwrap_or(0);
    let mut tx = shm.begin();
    let record = tx.make_window(made)?;
    super::dpi::begin(&mut tx, record, awareness);
    let menu = told.style & (CHILD | POPUP) == CHILD;
    for (place, value) in
        [(field::ID, if menu { told.menu } else { 0 }), (field::INSTANCE, told.instance), (field::PROCEDURE, procedure)]
    {
        tx.set_window_wide(record, place, value);
    }
    tx.set(record + field::STYLE, style);
    tx.set(record + field::EX_STYLE, told.extended & !EX_LAYERED);
    tx.set(record + field::FLAGS, if unicode { flag::UNICODE } else { 0 });
    super::placement::begin(&mut tx, record);
    tx.set(record + field::INPUT_CONTEXT, context);
    // It is nowhere before it said how large it may be.
    tx.set_window_rect(record, field::NORMAL_RECT, rect);
    // Nobody finds it before it has a client area.
    tx.unlink(record);
    let handle = tx.handle_of(record);
    tx.commit()?;
    cx.window(handle.into())
}

/// Has hooks have their say about a window, and gives it the style and the menu that it has from then on. Answers whether it is to be.
fn admit(cx: &Cx<'_>, window: &Window, told: &CreateStruct, texts: (&[u16], &[u16])) -> User<bool> {
    // CREATESTRUCT and its texts, as the message that follows has them.
    let (_, name) = carried(cx, told.name, texts.0, false);
    let (_, class) = carried(cx, told.class, texts.1, false);
    let data = [told.as_bytes(), &name, &class].concat();
    let handle = u64::from(window.handle);
    if hook::call_with(cx, hook::CBT, hook::cbt::CREATE_WINDOW, handle, &data)?.0 != 0 {
        return Ok(false);
    }
    let Ok(window) = cx.window(handle) else { return Ok(false) };
    let mut tx = cx.windows()?;
    let record = window.record;
    let mut style = tx.get(record + field::STYLE);
    if style & (CHILD | POPUP) != CHILD {
        style |= CLIP_SIBLINGS;
        if style & POPUP == 0 {
            style |= CAPTION;
        }
    }
    let mut extended = told.extended;
    if style & (DIALOG_FRAME | THICK_FRAME) != 0 && style & (CHILD | POPUP) == 0 {
        extended |= EX_WINDOW_EDGE;
    }
    tx.set(record + field::STYLE, style);
    tx.set(record + field::EX_STYLE, extended);
    set_flags(&mut tx, record, if style & (CHILD | POPUP) == 0 { flag::NEED_SIZE } else { 0 }, 0);
    tx.commit()?;
    if style & (CHILD | POPUP) != CHILD && told.menu != 0 {
        return super::menu::bar::give(cx, handle, told.menu);
    }
    Ok(true)
}

/// Where a window is to be that leaves that to the system, and how it is shown then.
fn default_place(cx: &Cx<'_>, style: u32, numbers: [i32; 4]) -> User<([i32; 4], u32)> {
    let default = |value: i32| USE_DEFAULT.contains(&value);
    let [mut x, mut y, mut width, mut height] = numbers;
    let mut command = command::SHOW;
    if style & (CHILD | POPUP) != 0 {
        if default(x) {
            (x, y) = (0, 0);
        }
        if default(width) {
            (width, height) = (0, 0);
        }
    } else if default(x) || default(width) || default(height) {
        let screen = cx.screen()?;
        let work = cx.windows()?.work_area();
        let work = if work.is_empty() { screen } else { work };
        if default(x) {
            if !default(y) {
                command = y as u32;
            }
            (x, y) = (work.left, work.top);
        }
        // Three quarters of it.
        let part = |size: i32, from: i32| (size * 3 / 4).saturating_sub(from);
        if default(width) {
            (width, height) = (part(work.width(), x), part(work.height(), y));
        } else if default(height) {
            height = part(work.height(), y);
        }
    }
    Ok(([x, y, width, height], command))
}

/// Sends a new window the messages that it is made with; answers whether it is to be.
fn complete(
    cx: &Cx<'_>,
    window: &Window,
    told: &CreateStruct,
    texts: (&[u16], &[u16]),
    ansi: bool,
    command: u32,
) -> User<bool> {
    let creation = |message: u32| -> User<u64> {
        // A number of a resource stands behind this, in UTF-16 alone.
        let ansi = ansi && texts.0.first() != Some(&0xffff);
        let (_, name) = carried(cx, told.name, texts.0, ansi);
        let (_, class) = carried(cx, told.class, texts.1, ansi);
        let data = [told.as_bytes(), &name, &class].concat();
        cx.send_data_as(window, &Letter { message, wparam: 0, lparam: 0, ansi }, &data).map(|(result, _)| result)
    };
    put_first(cx, window, told)?;
    if creation(NC_CREATE)? == 0 {
        return Ok(false);
    }
    super::ime::window_comes(cx, window)?;
    // In coordinates of the screen.
    let tx = cx.windows()?;
    let Some(record) = tx.window(window.handle) else { return Ok(false) };
    let (left, top) = tx.origin(record);
    let rect = tx.window_rect(record, field::WINDOW_RECT).offset(left, top);
    drop(tx);
    let (_, back) = cx.send_data(window, NC_CALC_SIZE, 0, rect_bytes(&rect).as_bytes())?;
    let client = rect_of(&back).unwrap_or(rect).offset(-left, -top);
    let mut tx = cx.windows()?;
    let Some(record) = tx.window(window.handle) else { return Ok(false) };
    tx.set_window_rect(record, field::CLIENT_RECT, client);
    // Children are put below the others, top-level windows above them.
    let child = tx.get(record + field::STYLE) & CHILD != 0;
    tx.restack(record, if child { Order::Bottom } else { Order::Top });
    tx.commit()?;
    if creation(CREATE)? as u32 == u32::MAX {
        return Ok(false);
    }
    let mut tx = cx.windows()?;
    let Some(record) = tx.window(window.handle) else { return Ok(false) };
    set_flags(&mut tx, record, flag::CREATED, 0);
    let client = tx.told_rect(record, field::CLIENT_RECT);
    let need_size = tx.get(record + field::FLAGS) & flag::NEED_SIZE != 0;
    tx.commit()?;
    hook::event(cx, hook::event::CREATE, window.handle.into(), hook::event::WINDOW, 0);
    if !need_size {
        let letter = |message, lparam| Letter { message, wparam: 0, lparam, ansi: false };
        cx.send(window, &letter(SIZE, pair(client.width(), client.height())))?;
        cx.send(window, &letter(MOVE, pair(client.left, client.top)))?;
    }
    let Ok(found) = cx.window(window.handle.into()) else { return Ok(false) };
    let style = set_style(cx, &found, 0, MAXIMIZE | MINIMIZE)?;
    if style & (MAXIMIZE | MINIMIZE) != 0 {
        let how = if style & MINIMIZE != 0 { command::MINIMIZE } else { command::SHOW_MAXIMIZED };
        let (mut flags, rect) = super::placement::change(cx, &found, how)?;
        flags |= swp::FRAME_CHANGED;
        // It is not shown before all of this is done.
        flags |= swp::NO_ACTIVATE;
        let rect = rect.unwrap_or_default();
        super::position::set_window_pos(
            cx,
            found.handle.into(),
            0,
            rect.left,
            rect.top,
            rect.width(),
            rect.height(),
            flags,
        )?;
    }
    notify_parent(cx, window, CREATE)?;
    let Ok(window) = cx.window(window.handle.into()) else { return Ok(false) };
    if told.style & VISIBLE != 0 {
        let command = match told.style & (MAXIMIZE | MINIMIZE) {
            0 => command,
            bits if bits & MAXIMIZE != 0 => command::SHOW,
            _ => command::SHOW_MINIMIZED,
        };
        super::show::show(cx, &window, command)?;
        if told.extended & EX_MDI_CHILD != 0 {
            refresh_mdi(cx, &window, told.parent)?;
        }
    }
    let Ok(window) = cx.window(window.handle.into()) else { return Ok(false) };
    let tx = cx.windows()?;
    let owned = tx.link(window.record + field::OWNER) != 0;
    let child = tx.get(window.record + field::STYLE) & CHILD != 0;
    drop(tx);
    if !child && !owned {
        // HSHELL_WINDOWCREATED.
        hook::call(cx, hook::SHELL, 1, window.handle.into(), 0)?;
    }
    Ok(true)
}

/// A new MDI child: the client's menu is made anew, and the child brought up, which showing it did not.
fn refresh_mdi(cx: &Cx<'_>, window: &Window, parent: u64) -> User<()> {
    /// WM_MDIREFRESHMENU.
    const REFRESH_MENU: u32 = 0x234;
    if let Ok(parent) = cx.window(parent) {
        cx.send(&parent, &Letter { message: REFRESH_MENU, ..Letter::default() })?;
    }
    let flags = swp::SHOW | swp::NO_MOVE | swp::NO_SIZE;
    super::position::set_window_pos(cx, window.handle.into(), 0, 0, 0, 0, 0, flags).map(drop)
}

/// Puts a new window where it is to be, as large as it says that it may be.
fn put_first(cx: &Cx<'_>, window: &Window, told: &CreateStruct) -> User<()> {
    let (mut width, mut height) = (told.width, told.height);
    if told.style & THICK_FRAME != 0 || told.style & (POPUP | CHILD) == 0 {
        let limits = super::limits::ask(cx, window)?;
        width = width.min(limits.most.x).max(limits.least.x);
        height = height.min(limits.most.y).max(limits.least.y);
    }
    let mut tx = cx.windows()?;
    let Some(record) = tx.window(window.handle) else { return Ok(()) };
    let rect = Rect::sized(told.x, told.y, width.max(0), height.max(0));
    let rect = tx.turned(tx.link(record + field::PARENT), rect);
    tx.set_window_rect(record, field::WINDOW_RECT, rect);
    tx.set_window_rect(record, field::CLIENT_RECT, rect);
    Ok(tx.commit()?)
}

/// A RECT's bytes, and back.
pub(super) fn rect_bytes(rect: &Rect) -> [i32; 4] {
    [rect.left, rect.top, rect.right, rect.bottom]
}

/// See [`rect_bytes`].
pub(super) fn rect_of(bytes: &[u8]) -> Option<Rect> {
    let mut sides = bytes.chunks_exact(4).map(|side| super::class::little(side) as i32);
    Some(Rect { left: sides.next()?, top: sides.next()?, right: sides.next()?, bottom: sides.next()? })
}

/// Tells a child's parent that it came or goes.
pub(super) fn notify_parent(cx: &Cx<'_>, window: &Window, message: u32) -> User<()> {
    let tx = cx.windows()?;
    let Some(record) = tx.window(window.handle) else { return Ok(()) };
    let child = tx.get(record + field::STYLE) & (CHILD | POPUP) == CHILD;
    let silent = tx.get(record + field::EX_STYLE) & EX_NO_PARENT_NOTIFY != 0;
    let id = tx.window_wide(record, field::ID);
    let parent = super::tree::of_record(&tx, tx.link(record + field::PARENT));
    drop(tx);
    let Some(parent) = parent.filter(|parent| child && !silent && parent.queue != 0) else { return Ok(()) };
    let wparam = u64::from(message) | (id & 0xffff) << 16;
    cx.send(&parent, &Letter { message: PARENT_NOTIFY, wparam, lparam: window.handle.into(), ansi: false })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_window_is_told_lies_as_programs_read_it() {
        assert_eq!(size_of::<CreateStruct>(), 80);
        assert_eq!(core::mem::offset_of!(CreateStruct, name), 56);
        let rect = Rect { left: -3, top: 4, right: 5, bottom: 600 };
        assert_eq!(rect_of(rect_bytes(&rect).as_bytes()), Some(rect));
    }
}
