//! The notification area: what shell32's Shell_NotifyIcon says to the window `Shell_TrayWnd`.
//!
//! That window belongs to nobody: what is sent to it is carried out by the sender's own kernel, on what all share (`shm::user::tray`). So no process has to
//! run for it, icons outlive whoever looks at the screen, and go with their windows. [`places`] says what of the task bar is where, [`mouse`]
//! and [`keys`] what a click or a key there does; the desktop that shows it paints it (`win32k::desktop::shell`). [`app_bar`] is
//! what SHAppBarMessage says to another such window.

mod app_bar;
pub mod keys;
pub mod mouse;
mod picture;
pub mod places;

use super::super::User;
use super::internal;
use super::placement::MAXIMIZE;
use super::procedure::Letter;
use crate::call::Cx;
use crate::shm::Tx;
use crate::shm::user::message::{Message, Sending, how};
use crate::shm::user::tray::{Balloon, Change, Name};
use crate::shm::user::window::field;
use crate::um::{UserPtr, UserSlice};

/// The classes of the task bar and of the window that SHAppBarMessage speaks to, as names are compared.
const CLASS: &str = "SHELL_TRAYWND";
const APP_BAR_CLASS: &str = "WINEAPPBAR";
/// What other programs' windows are told when the task bar is there.
const CREATED: &str = "TaskbarCreated";
/// WM_COPYDATA, WM_SETTINGCHANGE, SPI_SETWORKAREA.
const COPY_DATA: u32 = 0x4a;
const SETTING_CHANGE: u32 = 0x1a;
const SET_WORK_AREA: u64 = 0x2f;

/// `struct notify_data` of Wine 10's `dlls/shell32/systray.c`: where what stands.
mod layout {
    pub const WINDOW: usize = 0;
    pub const ID: usize = 4;
    pub const FLAGS: usize = 8;
    pub const CALLBACK: usize = 12;
    /// Width, height, planes, bits of a pixel.
    pub const ICON: usize = 16;
    pub const TIP: usize = 32;
    pub const STATE: usize = 288;
    pub const STATE_MASK: usize = 292;
    pub const TEXT: usize = 296;
    /// How long a balloon is shown, or NOTIFYICON_VERSION.
    pub const TIMEOUT: usize = 808;
    pub const TITLE: usize = 812;
    pub const INFO: usize = 940;
    pub const GUID: usize = 944;
    pub const SIGN: usize = 960;
    /// Pictures: of each which pixels stay, then the colours.
    pub const PIXELS: usize = 976;
}

/// NIM_*.
mod action {
    pub const ADD: u64 = 0;
    pub const MODIFY: u64 = 1;
    pub const DELETE: u64 = 2;
    pub const SET_FOCUS: u64 = 3;
    pub const SET_VERSION: u64 = 4;
}

/// NIF_*.
mod flag {
    pub const MESSAGE: u32 = 1;
    pub const ICON: u32 = 2;
    pub const TIP: u32 = 4;
    pub const STATE: u32 = 8;
    pub const INFO: u32 = 0x10;
    pub const GUID: u32 = 0x20;
    pub const REAL_TIME: u32 = 0x40;
    pub const SHOW_TIP: u32 = 0x80;
}

/// NIIF_ICON_MASK and, of it, NIIF_USER.
const SIGN_MASK: u32 = 0xf;
const OWN_SIGN: u32 = 4;
/// The least and the longest time that a balloon is shown, ms.
const TIMES: (u32, u32) = (10_000, 30_000);
/// Most bytes that are looked at: two icons of 256 pixels each way.
const MOST: u64 = 1 << 20;

/// Somebody looks for a window of that class, its name as names are compared: one of the shell's is there for whoever asks for it.
///
/// # Errors
/// `STATUS_INSUFFICIENT_RESOURCES`.
pub(super) fn looked_for(cx: &Cx<'_>, name: &[u16]) -> User<()> {
    let is = |class: &str| name.iter().copied().eq(class.encode_utf16());
    if is(CLASS) {
        find(cx)?;
    } else if is(APP_BAR_CLASS) {
        app_bar::make(cx)?;
    }
    Ok(())
}

/// The task bar, made if it is not there: its handle. 0 where it lies on another desktop.
pub(super) fn find(cx: &Cx<'_>) -> User {
    let (desktop, _) = cx.top_window(false)?;
    let mut tx = cx.windows()?;
    let is_new = tx.tray().is_none();
    let tray = tx.make_tray()?;
    let bar = tx.get(tray + crate::shm::user::tray::block::BAR);
    let (handle, parent) = (tx.handle_of(bar), tx.link(bar + field::PARENT));
    if is_new {
        tell_created(&mut tx, cx.k.ps.id() as u32)?;
    }
    tx.commit()?;
    Ok(if parent == desktop { handle.into() } else { 0 })
}

/// Tells other processes' top-level windows that there is a task bar, which they may have missed before.
fn tell_created(tx: &mut Tx<'_>, process: u32) -> crate::status::Nt<()> {
    let name: Vec<u16> = CREATED.encode_utf16().collect();
    let number = tx.add_atom(&name)?.into();
    for window in tx.children(tx.root_window(false)) {
        let (handle, queue) = (tx.handle_of(window), tx.link(window + field::QUEUE));
        if queue != 0 && tx.get(window + field::PROCESS) != process {
            tx.post_message(queue, &Message { window: handle, number, ..Message::default() })?;
        }
    }
    Ok(())
}

fn word(data: &[u8], at: usize) -> u32 {
    data.get(at..at + 4).map_or(0, super::class::little) as u32
}

/// A text's units up to its zero, as bytes.
fn text(data: &[u8], at: usize, units: usize) -> Vec<u8> {
    let all = data.get(at..at + units * 2).unwrap_or_default();
    all.chunks_exact(2).take_while(|unit| **unit != [0, 0]).flatten().copied().collect()
}

/// What is sent to a window of the shell's: WM_COPYDATA from Shell_NotifyIcon or SHAppBarMessage; TRUE where that was done.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`; `STATUS_INSUFFICIENT_RESOURCES`.
pub(super) fn told(cx: &Cx<'_>, window: u32, letter: &Letter) -> User {
    let (tray, for_app_bars) = {
        let tx = cx.windows()?;
        (tx.is_of_tray(window), tx.is_for_app_bars(window))
    };
    if letter.message != COPY_DATA || !tray && !for_app_bars {
        return Ok(0);
    }
    // COPYDATASTRUCT.
    let [action, length, address] = UserPtr::<[u64; 3]>::new(letter.lparam).read(cx.k)?;
    let length = u64::from(length as u32);
    if length > MOST {
        return Ok(0);
    }
    let data = UserSlice::new(address, length).read_all(cx.k)?;
    if for_app_bars { app_bar::told(cx, action as u32, &data) } else { told_of_icon(cx, action, &data) }
}

fn told_of_icon(cx: &Cx<'_>, action: u64, data: &[u8]) -> User {
    if data.len() < layout::PIXELS {
        return Ok(0);
    }
    let flags = word(data, layout::FLAGS);
    let has = |flag: u32| flags & flag != 0;
    let guid = || [0, 4, 8, 12].map(|part| word(data, layout::GUID + part));
    let name = Name { owner: word(data, layout::WINDOW), id: word(data, layout::ID), guid: has(flag::GUID).then(guid) };
    let change = change_of(data, flags, cx.sandbox()?.0.has_display());
    let mut tx = cx.windows()?;
    let known = tx.tray_icon(&name);
    let done = match (action, known) {
        (action::ADD, _) => tx.add_tray_icon(&name, &change)?.is_some(),
        (action::MODIFY, Some(icon)) => {
            tx.change_tray_icon(icon, &change)?;
            true
        }
        (action::DELETE, Some(icon)) => {
            tx.drop_tray_icon(icon);
            true
        }
        // The keyboard was never with it.
        (action::SET_FOCUS, Some(_)) => true,
        (action::SET_VERSION, Some(icon)) => {
            let version = word(data, layout::TIMEOUT);
            let possible = matches!(version, 0 | 3 | 4);
            if possible {
                tx.set_tray_version(icon, version);
            }
            possible
        }
        _ => false,
    };
    tell_work_area(&mut tx)?;
    tx.commit()?;
    let _ = cx.sandbox()?.0.dispose();
    Ok(done.into())
}

/// What is said of an icon. `seen`: somebody looks at the screen.
fn change_of(data: &[u8], flags: u32, seen: bool) -> Change {
    let has = |flag: u32| flags & flag != 0;
    let mut pixels = data.get(layout::PIXELS..).unwrap_or_default();
    let mut picture = |at: usize| {
        let [width, height, planes, bits] = [0, 4, 8, 12].map(|part| word(data, at + part));
        let (picture, used) = picture::of(pixels, width, height, planes, bits)?;
        pixels = pixels.get(used..).unwrap_or_default();
        Some(picture)
    };
    let icon = has(flag::ICON).then(|| picture(layout::ICON).unwrap_or_default());
    let balloon = || {
        let info = word(data, layout::INFO);
        let own = info & SIGN_MASK == OWN_SIGN;
        Balloon {
            title: text(data, layout::TITLE, 64),
            text: text(data, layout::TEXT, 256),
            sign: if own { picture(layout::SIGN).unwrap_or_default() } else { Vec::new() },
            flags: info,
            timeout: word(data, layout::TIMEOUT).clamp(TIMES.0, TIMES.1),
        }
    };
    let mut balloon = has(flag::INFO).then(balloon);
    if has(flag::REAL_TIME)
        && !seen
        && let Some(balloon) = &mut balloon
    {
        // It makes no sense later.
        balloon.text.clear();
    }
    Change {
        callback: has(flag::MESSAGE).then(|| word(data, layout::CALLBACK)),
        picture: icon,
        tip: has(flag::TIP).then(|| text(data, layout::TIP, 128)),
        state: has(flag::STATE).then(|| (word(data, layout::STATE), word(data, layout::STATE_MASK))),
        balloon,
        shows_tip: has(flag::SHOW_TIP),
    }
}

/// Tells top-level windows that the work area is another, if the task bar made it so; those that are maximized are fitted into it.
///
/// # Errors
/// `STATUS_INSUFFICIENT_RESOURCES`.
pub(in crate::win32k) fn tell_work_area(tx: &mut Tx<'_>) -> crate::status::Nt<()> {
    if !tx.take_work_area_changed() {
        return Ok(());
    }
    for window in tx.children(tx.root_window(false)) {
        let (handle, queue) = (tx.handle_of(window), tx.link(window + field::QUEUE));
        let told = Message { window: handle, number: SETTING_CHANGE, wparam: SET_WORK_AREA, ..Message::default() };
        if queue == 0 {
            continue;
        }
        tx.post_message(queue, &told)?;
        if tx.get(window + field::STYLE) & MAXIMIZE != 0 {
            let fit = Message { window: handle, number: internal::FIT, ..Message::default() };
            let sending = Sending { how: how::INTERNAL | how::NOTIFY, ..Sending::default() };
            tx.send_message(0, queue, &fit, &sending)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(data: &mut [u8], at: usize, value: u32) {
        data[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    #[test]
    fn what_shell32_says_is_read_part_by_part() {
        let mut data = vec![0; layout::PIXELS];
        put(&mut data, layout::CALLBACK, 0x8001);
        put(&mut data, layout::STATE, 3);
        put(&mut data, layout::STATE_MASK, 1);
        put(&mut data, layout::TIMEOUT, 5);
        data[layout::TIP..layout::TIP + 4].copy_from_slice(b"T\0p\0");
        data[layout::TEXT..layout::TEXT + 2].copy_from_slice(b"x\0");
        assert_eq!(change_of(&data, 0, true), Change::default());
        let all = flag::MESSAGE | flag::TIP | flag::STATE | flag::INFO | flag::SHOW_TIP;
        let change = change_of(&data, all, true);
        assert_eq!((change.callback, change.state, change.shows_tip), (Some(0x8001), Some((3, 1)), true));
        assert_eq!(change.tip.as_deref(), Some(&b"T\0p\0"[..]));
        let balloon = change.balloon.unwrap();
        assert_eq!((balloon.text.as_slice(), balloon.timeout), (&b"x\0"[..], TIMES.0));
        // What is for now alone is lost where nobody looks.
        let unseen = change_of(&data, flag::INFO | flag::REAL_TIME, false).balloon.unwrap();
        assert!(unseen.text.is_empty());
        // An icon without pixels is none.
        put(&mut data, layout::ICON, 16);
        put(&mut data, layout::ICON + 4, 16);
        put(&mut data, layout::ICON + 8, 1);
        put(&mut data, layout::ICON + 12, 32);
        assert_eq!(change_of(&data, flag::ICON, true).picture, Some(Vec::new()));
    }
}
