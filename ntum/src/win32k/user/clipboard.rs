//! The clipboard. What lies there is bytes, which user32 makes of handles and back; a process keeps the handles that it gave or got until
//! the bytes change.

use super::super::{Failed, User, error};
use super::procedure::Letter;
use super::session::Window;
use crate::call::Cx;
use crate::ex::atom;
use crate::shm::user::clipboard::{DRAW, Found, Roles, id};
use crate::shm::user::message::how;
use crate::status::*;
use crate::um::{UserPtr, UserSlice};
use parking_lot::Mutex;
use zerocopy::IntoBytes;

/// WM_*.
mod message {
    pub const RENDER_FORMAT: u32 = 0x305;
    pub const RENDER_ALL_FORMATS: u32 = 0x306;
    pub const DESTROY: u32 = 0x307;
    pub const CHANGE_CHAIN: u32 = 0x30d;
}

/// Callbacks of user32: `NtUserFreeCachedClipboardData`, `NtUserRenderSynthesizedFormat`.
const FREE_CACHED: u32 = 10;
const RENDER_SYNTHESIZED: u32 = 18;
/// CF_PALETTE, CF_DSPBITMAP: handles of GDI's, with CF_BITMAP.
const PALETTE: u32 = 9;
const DISPLAY_BITMAP: u32 = 0x82;
/// Formats whose handles stay until the clipboard is emptied: these, metafiles, and both of them for display.
const LASTING: [u32; 7] =
    [id::BITMAP, PALETTE, DISPLAY_BITMAP, id::METAFILE_PICTURE, id::ENHANCED_METAFILE, 0x83, 0x8e];
/// ERROR_CLIPBOARD_NOT_OPEN, as statuses have Win32 codes.
const NOT_OPEN: Status = Status(0xc001_0000 | error::CLIPBOARD_NOT_OPEN);
/// Bytes of one format.
const MOST: u64 = 16 << 20;
/// Milliseconds that an owner has to let go.
const PATIENCE: u32 = 5000;
/// Milliseconds that who sits before the desktop has to send what it offered, or of files the next part.
const OUTSIDE_PATIENCE: u32 = 10_000;

/// A handle that a process keeps for a format.
#[derive(Debug, Clone, Copy)]
struct Cached {
    format: u32,
    sequence: u32,
    handle: u64,
}

/// Handles that a process keeps.
#[derive(Default)]
pub struct Cache {
    /// Of what lies on the clipboard.
    live: Mutex<Vec<Cached>>,
    /// Of what was there before: they go when the clipboard is emptied.
    stale: Mutex<Vec<Cached>>,
}

/// Handles of `Cache::stale` that wait: with more than that the first ones go.
const MOST_STALE: usize = 1024;

fn letter(message: u32, wparam: u64, lparam: u64) -> Letter {
    Letter { message, wparam, lparam, ansi: false }
}

fn roles(cx: &Cx<'_>) -> User<Roles> {
    Ok(cx.windows()?.clipboard_roles())
}

/// The thread has it open, or there is nothing to be done.
fn check_open(cx: &Cx<'_>) -> User<()> {
    let mine = cx.queue()?.record;
    if cx.windows()?.has_clipboard_open(mine) { Ok(()) } else { Err(Failed::with(error::CLIPBOARD_NOT_OPEN)) }
}

/// Tells the first viewer that something else lies there.
fn tell_viewer(cx: &Cx<'_>, viewer: u32, owner: u32) {
    if let Ok(viewer) = cx.window(viewer.into()) {
        // One that is gone keeps it from nobody.
        let _ = send_notice(cx, &viewer, &letter(DRAW, owner.into(), 0));
    }
}

fn send_notice(cx: &Cx<'_>, window: &Window, letter: &Letter) -> User {
    match window.is_mine(cx) && window.is_ours(cx) {
        true => cx.send(window, letter),
        false => cx.notify(window, letter, how::NOTIFY, (0, 0)),
    }
}

fn forget(cx: &Cx<'_>, cached: Cached) {
    if cached.handle == 0 {
        return;
    }
    match cached.format {
        id::BITMAP | PALETTE | DISPLAY_BITMAP => {
            cx.k.gdi.handles.hold(cached.handle as u32, false);
            cx.k.gdi.handles.delete(cx.k, cached.handle as u32);
        }
        format => {
            let told = [u64::from(format), cached.handle];
            let _ = cx.callback(FREE_CACHED, told.as_bytes());
        }
    }
}

/// NtUserOpenClipboard.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn open(cx: &Cx<'_>, window: u64, _unknown: u64) -> User {
    let handle = if window == 0 { 0 } else { cx.window(window)?.handle };
    let mine = cx.queue()?.record;
    let mut tx = cx.windows()?;
    if !tx.open_clipboard(mine, handle)? {
        return Err(Failed::with(error::ACCESS_DENIED));
    }
    let owner = tx.clipboard_roles().owner;
    tx.commit()?;
    // Who does not own what lies there keeps no memory of it from one time to the next.
    if !cx.window(owner.into()).is_ok_and(|owner| owner.is_ours(cx)) {
        let gone = {
            let mut all = cx.k.user.clipboard.live.lock();
            let (stay, gone) = all.drain(..).partition(|cached: &Cached| LASTING.contains(&cached.format));
            *all = stay;
            gone
        };
        gone.into_iter().for_each(|cached| forget(cx, cached));
    }
    Ok(1)
}

/// NtUserCloseClipboard.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn close(cx: &Cx<'_>) -> User {
    check_open(cx)?;
    let now = cx.milliseconds();
    let mut tx = cx.windows()?;
    let viewer = tx.close_clipboard(now)?;
    let owner = tx.clipboard_roles().owner;
    tx.commit()?;
    tell_viewer(cx, viewer, owner);
    Ok(1)
}

/// NtUserEmptyClipboard.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn empty(cx: &Cx<'_>) -> User {
    let owner = roles(cx)?.owner;
    if let Ok(owner) = cx.window(owner.into()) {
        let patience = super::send::Patience { milliseconds: PATIENCE, flags: 0 };
        let _ = cx.send_with(&owner, &letter(message::DESTROY, 0, 0), super::procedure::Mapping::SendTimeout, patience);
    }
    check_open(cx)?;
    let mut tx = cx.windows()?;
    tx.empty_clipboard()?;
    tx.commit()?;
    let mut all = core::mem::take(&mut *cx.k.user.clipboard.stale.lock());
    all.append(&mut cx.k.user.clipboard.live.lock());
    all.into_iter().for_each(|cached| forget(cx, cached));
    Ok(1)
}

/// NtUserSetClipboardData: `struct set_clipboard_params` of Wine 10's `include/ntuser.h`: data, its length, whether only the handle is told,
/// the sequence number of the data that it is for.
///
/// # Errors
/// ERROR_CLIPBOARD_NOT_OPEN as a status, `STATUS_INSUFFICIENT_RESOURCES`, `STATUS_UNSUCCESSFUL`.
pub fn set_data(cx: &Cx<'_>, format: u32, handle: u64, parameters: u64) -> Nt {
    let [data, size] = UserPtr::<[u64; 2]>::new(parameters).read(cx.k)?;
    let [handle_only, sequence] = UserPtr::<[u32; 2]>::new(parameters.wrapping_add(16)).read(cx.k)?;
    let cache = &cx.k.user.clipboard.live;
    if handle_only != 0 {
        let mut all = cache.lock();
        let known = all.iter_mut().find(|cached| cached.format == format && cached.sequence == sequence);
        return known.map(|cached| cached.handle = handle).map(|()| STATUS_SUCCESS).ok_or(STATUS_UNSUCCESSFUL);
    }
    if size > MOST {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    let bytes = if data == 0 { None } else { Some(UserSlice::new(data, size).read_all(cx.k)?) };
    let locale = crate::nls::user_locale(cx.k);
    let set = || -> User<Nt<u32>> {
        let mut tx = cx.windows()?;
        // By whomever: an owner renders what another one asks for.
        if format == 0 || !tx.is_clipboard_open() {
            return Ok(Err(NOT_OPEN));
        }
        let sequence = match tx.set_clipboard_data(format, bytes.as_deref(), locale) {
            Ok(sequence) => sequence,
            Err(status) => return Ok(Err(status)),
        };
        Ok(tx.commit().map(|()| sequence))
    };
    let sequence = set().map_err(|_| STATUS_UNSUCCESSFUL)??;
    let before = {
        let mut all = cache.lock();
        let before = all.iter().position(|cached| cached.format == format).map(|place| all.remove(place));
        if handle != 0 && bytes.is_some() {
            all.push(Cached { format, sequence, handle });
        }
        before
    };
    if handle != 0 && bytes.is_some() && [id::BITMAP, PALETTE].contains(&format) {
        // The clipboard's from now on, whoever deletes it.
        cx.k.gdi.handles.hold(handle as u32, true);
    }
    if let Some(before) = before.filter(|before| before.handle != handle) {
        forget(cx, before);
    }
    Ok(STATUS_SUCCESS)
}

/// Waits until who sits before the desktop has given what a program wants of its clipboard, or does not.
fn fetch_from_outside(cx: &Cx<'_>, format: u32) -> User<()> {
    let (shm, _) = cx.sandbox()?;
    let mut tx = shm.begin();
    let wanted = tx.want_from_outside(format);
    tx.commit()?;
    let Some(wanted) = wanted else { return Ok(()) };
    let mut progress = shm.progress_outside(&wanted);
    loop {
        let deadline = cx.k.host.monotonic().saturating_add(u64::from(OUTSIDE_PATIENCE) * 1_000_000);
        let mut came = false;
        while !came && cx.k.host.monotonic() < deadline {
            came = shm.await_outside(&wanted, deadline);
        }
        // Files take as long as they take.
        let now = shm.progress_outside(&wanted);
        if came || now == progress {
            return Ok(());
        }
        progress = now;
    }
}

/// NtUserGetClipboardData: `struct get_clipboard_params` of the same header: room for data and how much, how much there is, the sequence
/// number, whether the data alone is wanted. The answer is a handle that the process has already, or the room's address.
///
/// # Errors
/// The answer is 0; what is told says whether there is data or not enough room for it.
pub fn get_data(cx: &Cx<'_>, format: u32, parameters: u64) -> User {
    /// ERROR_NOT_FOUND.
    const NOT_FOUND: u32 = 1168;
    check_open(cx)?;
    let [room, size] = UserPtr::<[u64; 2]>::new(parameters).read(cx.k)?;
    let data_only = UserPtr::<u32>::new(parameters.wrapping_add(28)).read(cx.k)? != 0;
    let tell_size = |size: u64| UserPtr::new(parameters.wrapping_add(8)).write(cx.k, size);
    let tell_needed = |size: u64| UserPtr::new(parameters.wrapping_add(16)).write(cx.k, size);
    let mut render = true;
    loop {
        let (found, owner) = {
            let mut tx = cx.windows()?;
            let found = tx.clipboard_data(format, render);
            let owner = tx.clipboard_roles().owner;
            tx.commit()?;
            (found, owner)
        };
        match found {
            Found::Data(bytes, sequence) => {
                let cache = &cx.k.user.clipboard.live;
                let known = cache.lock().iter().find(|cached| cached.format == format).copied();
                let fits = known.filter(|cached| cached.handle != 0 && cached.sequence == sequence);
                if let Some(cached) = fits.filter(|_| !data_only) {
                    tell_size(bytes.len() as u64)?;
                    return Ok(cached.handle);
                }
                if bytes.len() as u64 > size {
                    tell_needed(bytes.len() as u64)?;
                    return Ok(0);
                }
                cx.k.write_user(room, &bytes)?;
                tell_size(bytes.len() as u64)?;
                if data_only {
                    return Ok(room);
                }
                let stale = {
                    let mut all = cache.lock();
                    let stale = all.iter().position(|cached| cached.format == format).map(|at| all.remove(at));
                    all.push(Cached { format, sequence, handle: 0 });
                    stale
                };
                if let Some(stale) = stale.filter(|stale| stale.handle != 0) {
                    let first = {
                        let mut all = cx.k.user.clipboard.stale.lock();
                        all.push(stale);
                        (all.len() > MOST_STALE).then(|| all.remove(0))
                    };
                    first.into_iter().for_each(|first| forget(cx, first));
                }
                UserPtr::new(parameters.wrapping_add(24)).write(cx.k, sequence)?;
                // All ones: the handle is to be made of the data.
                tell_needed(u64::MAX)?;
                return Ok(0);
            }
            Found::None => return Err(Failed::with(NOT_FOUND)),
            Found::From(from) if render => {
                let told = [format, from];
                let _ = cx.callback(RENDER_SYNTHESIZED, told.as_bytes());
            }
            Found::Outside if render => fetch_from_outside(cx, format)?,
            Found::Delayed if render => match cx.window(owner.into()) {
                Ok(owner) => drop(cx.send(&owner, &letter(message::RENDER_FORMAT, format.into(), 0))?),
                Err(_) => return Ok(0),
            },
            _ => return Ok(0),
        }
        render = false;
    }
}

/// NtUserCountClipboardFormats.
///
/// # Errors
/// None.
pub fn count_formats(cx: &Cx<'_>) -> User {
    Ok(cx.windows()?.clipboard_formats().len() as u64)
}

/// EnumClipboardFormats: the one behind another, 0 behind the last.
pub(super) fn next_format(cx: &Cx<'_>, previous: u32) -> User {
    check_open(cx)?;
    let all = cx.windows()?.clipboard_formats();
    let next = match previous {
        0 => all.first(),
        previous => all.iter().position(|format| *format == previous).and_then(|place| all.get(place + 1)),
    };
    // 0 without an error is the end.
    Err(Failed { error: Some(0), answer: next.copied().unwrap_or(0).into() })
}

/// NtUserIsClipboardFormatAvailable.
///
/// # Errors
/// None.
pub fn is_available(cx: &Cx<'_>, format: u32) -> User {
    Ok((format != 0 && cx.windows()?.clipboard_formats().contains(&format)).into())
}

/// NtUserGetUpdatedClipboardFormats.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn updated_formats(cx: &Cx<'_>, formats: u64, room: u32, count: UserPtr<u32>) -> User {
    if count.is_null() {
        return Err(Failed::with(error::NOACCESS));
    }
    let all = cx.windows()?.clipboard_formats();
    count.write(cx.k, all.len() as u32)?;
    if all.len() > room as usize {
        return Err(Failed::with(error::INSUFFICIENT_BUFFER));
    }
    if formats == 0 && !all.is_empty() {
        return Err(Failed::with(error::NOACCESS));
    }
    cx.k.write_user(formats, all.as_bytes())?;
    Ok(1)
}

/// NtUserGetPriorityClipboardFormat: the first of a list that is there; 0 if nothing is, -1 if none of them is.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn priority_format(cx: &Cx<'_>, list: UserPtr<u32>, count: u32) -> User {
    let all = cx.windows()?.clipboard_formats();
    if all.is_empty() {
        return Ok(0);
    }
    let wanted = list.read_vec(cx.k, (count as usize).min(0x1_0000))?;
    Ok(wanted.into_iter().find(|format| all.contains(format)).unwrap_or(u32::MAX).into())
}

/// NtUserGetClipboardFormatName: of a format that has one.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn format_name(cx: &Cx<'_>, format: u32, buffer: u64, room: u32) -> User {
    /// ERROR_MORE_DATA.
    const MORE_DATA: u32 = 234;
    if !(0xc000..=0xffff).contains(&format) {
        return Ok(0);
    }
    if room == 0 || room > i32::MAX as u32 {
        return Err(Failed::with(MORE_DATA));
    }
    let name = atom::name(cx.k, format as u16).map_err(|_| Failed::with(error::INVALID_HANDLE))?;
    super::text::store(cx, &name, buffer, room.into(), false)
}

/// NtUserGetClipboardOwner, NtUserGetClipboardViewer, NtUserGetOpenClipboardWindow, NtUserGetClipboardSequenceNumber.
///
/// # Errors
/// None.
pub fn owner(cx: &Cx<'_>) -> User {
    Ok(roles(cx)?.owner.into())
}

/// See [`owner`].
///
/// # Errors
/// None.
pub fn viewer(cx: &Cx<'_>) -> User {
    Ok(roles(cx)?.viewer.into())
}

/// See [`owner`].
///
/// # Errors
/// None.
pub fn open_window(cx: &Cx<'_>) -> User {
    Ok(roles(cx)?.open.into())
}

/// See [`owner`].
///
/// # Errors
/// None.
pub fn sequence(cx: &Cx<'_>) -> User {
    Ok(roles(cx)?.sequence.into())
}

/// NtUserSetClipboardViewer: the one before, to which the new one hands on what it is told.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn set_viewer(cx: &Cx<'_>, window: u64) -> User {
    let handle = if window == 0 { 0 } else { cx.window(window)?.handle };
    let mut tx = cx.windows()?;
    let (before, _) = tx.set_clipboard_viewer(handle, None)?;
    let owner = tx.clipboard_roles().owner;
    tx.commit()?;
    tell_viewer(cx, handle, owner);
    Ok(before.into())
}

/// NtUserChangeClipboardChain: a viewer goes, another one takes its place.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn change_chain(cx: &Cx<'_>, window: u64, next: u64) -> User {
    if window == 0 {
        return Ok(0);
    }
    let handle = cx.window(window)?.handle;
    let next = if next == 0 { 0 } else { cx.window(next)?.handle };
    let mut tx = cx.windows()?;
    let (before, done) = tx.set_clipboard_viewer(next, Some(handle))?;
    tx.commit()?;
    if done {
        return Ok(1);
    }
    let Ok(viewer) = cx.window(before.into()) else { return Err(Failed::with(error::INVALID_PARAMETER)) };
    let answer = cx.send(&viewer, &letter(message::CHANGE_CHAIN, handle.into(), next.into()))?;
    Ok((answer == 0).into())
}

fn listen(cx: &Cx<'_>, window: u64, listens: bool) -> User {
    let handle = cx.window(window)?.handle;
    let mut tx = cx.windows()?;
    if !tx.listen_to_clipboard(handle, listens)? {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    tx.commit()?;
    Ok(1)
}

/// NtUserAddClipboardFormatListener.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn add_listener(cx: &Cx<'_>, window: u64) -> User {
    listen(cx, window, true)
}

/// NtUserRemoveClipboardFormatListener.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn remove_listener(cx: &Cx<'_>, window: u64) -> User {
    listen(cx, window, false)
}

/// A window goes that may own the clipboard: it renders what it has not, and lets go.
pub(super) fn window_goes(cx: &Cx<'_>, window: &Window) -> User<()> {
    if roles(cx)?.owner != window.handle {
        return Ok(());
    }
    cx.send(window, &letter(message::RENDER_ALL_FORMATS, 0, 0))?;
    let now = cx.milliseconds();
    let mut tx = cx.windows()?;
    let viewer = tx.release_clipboard(window.handle, now)?;
    tx.commit()?;
    tell_viewer(cx, viewer, 0);
    Ok(())
}
