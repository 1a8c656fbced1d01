//! Window stations and desktops of programs.
//!
//! Both are objects with names that all processes see. What a desktop has of its own is its windows (`shm::user::station`); keys, cursor,
//! hooks and clipboard are the session's. A desktop's name is kept as its station's, [`BETWEEN`] and its own.

use super::super::{Failed, User, error};
use crate::call::Cx;
use crate::ke::dispatcher::Dispatcher;
use crate::nls::fold::fold;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object, Plain};
use crate::ob::types::Type;
use crate::ps::layout::{parameters, peb};
use crate::shm::user::queue;
use crate::status::*;
use crate::types::{
    OBJ_CASE_INSENSITIVE, OBJ_INHERIT, OBJ_OPENIF, ObjectAttributes, ObjectAttributesRaw, UnicodeString, wide,
};
use crate::um::UserPtr;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use zerocopy::IntoBytes;

/// Where their names are.
const STATIONS: &str = r"\Sessions\1\Windows\WindowStations";
const DESKTOPS: &str = r"\Sessions\1\Windows\Desktops";
/// Stands between a station's name and a desktop's: no character, so that it is in neither.
const BETWEEN: u16 = 0xffff;
const BACKSLASH: u16 = b'\\' as u16;
/// The station that has a screen, and its first desktop.
const VISIBLE_STATION: &str = "WinSta0";
const FIRST_DESKTOP: &str = "Default";
/// STANDARD_RIGHTS_REQUIRED with WINSTA_ALL_ACCESS, and with DESKTOP_ALL_ACCESS.
const ALL_OF_STATION: u32 = 0xf_037f;
const ALL_OF_DESKTOP: u32 = 0xf_01ff;
/// WINSTA_ENUMDESKTOPS, WINSTA_CREATEDESKTOP; DESKTOP_READOBJECTS with DESKTOP_WRITEOBJECTS.
const ENUMERATE_DESKTOPS: u32 = 0x1;
const CREATE_DESKTOP: u32 = 0x8;
const USE_OBJECTS: u32 = 0x81;
/// WSF_VISIBLE.
const VISIBLE: u32 = 1;
/// Longest name in bytes: what is MAX_PATH units is too long.
const LONGEST: usize = 520;
/// Win32 codes.
const FILE_NOT_FOUND: u32 = 2;
const INVALID_FUNCTION: u32 = 1;
const PATH_NOT_FOUND: u32 = 3;
const BUFFER_OVERFLOW: u32 = 111;
const INVALID_NAME: u32 = 123;
const BAD_PATHNAME: u32 = 161;
const BUSY: u32 = 170;
const ALREADY_EXISTS: u32 = 183;
const NAME_TOO_LONG: u32 = 206;

/// What a desktop's object is.
pub struct Desktop {
    /// The one that there is from the start: its windows are number 0's.
    pub first: bool,
}

/// What a process has of them.
#[derive(Default)]
pub struct Stations {
    held: Mutex<Held>,
    /// Whether it has any handle that must not be closed.
    any: AtomicBool,
}

/// Handles, 0 for none.
#[derive(Default)]
struct Held {
    station: u64,
    desktop: u64,
    /// Of threads that were given another.
    threads: HashMap<u32, u64>,
}

impl Stations {
    /// Whether a handle is the process's station or the desktop of a thread: programs do not close these.
    pub(crate) fn keeps(&self, handle: Handle) -> bool {
        self.any.load(Ordering::Acquire) && {
            let held = self.held.lock();
            [held.station, held.desktop].contains(&handle.0) || held.threads.values().any(|other| *other == handle.0)
        }
    }

    /// A thread ended.
    pub(super) fn thread_ended(&self, thread: u32) {
        if self.any.load(Ordering::Acquire) {
            self.held.lock().threads.remove(&thread);
        }
    }
}

fn failed(status: Status) -> Failed {
    Failed::with(match status {
        STATUS_OBJECT_NAME_NOT_FOUND => FILE_NOT_FOUND,
        STATUS_OBJECT_PATH_NOT_FOUND => PATH_NOT_FOUND,
        STATUS_OBJECT_PATH_SYNTAX_BAD => BAD_PATHNAME,
        STATUS_OBJECT_NAME_INVALID => INVALID_NAME,
        STATUS_OBJECT_NAME_COLLISION => ALREADY_EXISTS,
        status => error::of(status),
    })
}

/// The last part of a path: a station's name, or a desktop's with its station's.
fn last_part(path: &[u16]) -> &[u16] {
    let begin = path.iter().rposition(|unit| *unit == BACKSLASH).map_or(0, |at| at + 1);
    path.get(begin..).unwrap_or_default()
}

/// A desktop's own name, of the one that it is kept by.
pub(crate) fn own_name(kept: &[u16]) -> &[u16] {
    let begin = kept.iter().position(|unit| *unit == BETWEEN).map_or(0, |at| at + 1);
    kept.get(begin..).unwrap_or_default()
}

fn is(name: &[u16], known: &str) -> bool {
    fold(name) == fold(&wide(known))
}

/// The name that an object is kept by.
fn kept_name(object: &Ref) -> Vec<u16> {
    object.kept_path().map_or_else(Vec::new, |path| last_part(&path).to_vec())
}

fn named(folder: &str, name: &[u16], attributes: u32) -> ObjectAttributes {
    let mut path = wide(folder);
    path.push(BACKSLASH);
    path.extend_from_slice(name);
    ObjectAttributes { root: Handle(0), name: Some(path), attributes, security: 0 }
}

fn full_name(station: &[u16], desktop: &[u16]) -> Vec<u16> {
    [station, &[BETWEEN], desktop].concat()
}

fn make_station(cx: &Cx<'_>, attributes: &ObjectAttributes, access: u32) -> Nt<Handle> {
    let object = Object::new(Dispatcher::none(), Body::WindowStation(Plain));
    cx.create_named(attributes, access, object).map(|(made, _)| made)
}

fn make_desktop(cx: &Cx<'_>, station: &[u16], desktop: &[u16], attributes: u32, access: u32) -> Nt<Handle> {
    let first = is(station, VISIBLE_STATION) && is(desktop, FIRST_DESKTOP);
    let object = Object::new(Dispatcher::none(), Body::Desktop(Desktop { first }));
    let attributes = named(DESKTOPS, &full_name(station, desktop), attributes);
    cx.create_named(&attributes, access, object).map(|(made, _)| made)
}

/// What the process was started on: a station and a desktop, a desktop alone, or nothing.
fn asked_for(cx: &Cx<'_>) -> Nt<Vec<u16>> {
    let block = UserPtr::<u64>::new(cx.k.ps.peb() + peb::PROCESS_PARAMETERS).read(cx.k)?;
    UserPtr::<UnicodeString>::new(block + parameters::DESKTOP).read(cx.k)?.read(cx.k)
}

/// The process's station and its threads' first desktop: those that it was started on, or the first ones.
fn begin(cx: &Cx<'_>) -> User<(Handle, Handle)> {
    {
        let held = cx.k.user.stations.held.lock();
        if held.station != 0 && held.desktop != 0 {
            return Ok((Handle(held.station), Handle(held.desktop)));
        }
    }
    let asked = asked_for(cx).unwrap_or_default();
    let asked_desktop = last_part(&asked).to_vec();
    let asked_station = asked.get(..asked.len().saturating_sub(asked_desktop.len() + 1)).unwrap_or_default();
    const OPEN: u32 = OBJ_CASE_INSENSITIVE;
    let is_station = |object: &Object| object.window_station().is_ok();
    let is_desktop = |object: &Object| object.desktop().is_ok();
    let mut station = Err(STATUS_OBJECT_NAME_NOT_FOUND);
    if !asked_station.is_empty() {
        station = cx.open_named(&named(STATIONS, asked_station, OPEN), ALL_OF_STATION, is_station);
    }
    let station = match station {
        Ok(station) => station,
        Err(_) => make_station(cx, &named(STATIONS, &wide(VISIBLE_STATION), OPEN | OBJ_OPENIF), ALL_OF_STATION)?,
    };
    let name = kept_name(&cx.object(station, 0)?);
    let mut desktop = Err(STATUS_OBJECT_NAME_NOT_FOUND);
    if !asked_desktop.is_empty() {
        let attributes = named(DESKTOPS, &full_name(&name, &asked_desktop), OPEN);
        desktop = cx.open_named(&attributes, ALL_OF_DESKTOP, is_desktop);
    }
    let desktop = match desktop {
        Ok(desktop) => desktop,
        Err(_) => make_desktop(cx, &name, &wide(FIRST_DESKTOP), OPEN | OBJ_OPENIF, ALL_OF_DESKTOP)?,
    };
    let mut held = cx.k.user.stations.held.lock();
    let lost = (held.station != 0).then_some(station).into_iter().chain((held.desktop != 0).then_some(desktop));
    let lost: Vec<Handle> = lost.collect();
    if held.station == 0 {
        held.station = station.0;
    }
    if held.desktop == 0 {
        held.desktop = desktop.0;
    }
    let told = (Handle(held.station), Handle(held.desktop));
    cx.k.user.stations.any.store(true, Ordering::Release);
    drop(held);
    for handle in lost {
        // Another thread was quicker.
        let _ = cx.k.close_handle(handle);
    }
    Ok(told)
}

/// The number of a desktop's windows.
fn number(cx: &Cx<'_>, handle: Handle) -> User<u32> {
    let object = cx.object_of(handle, Type::Desktop, 0)?;
    if object.desktop()?.first {
        return Ok(0);
    }
    let seat = cx.k.share(&object)?;
    Ok(cx.windows()?.desktop_of(seat.object))
}

/// A desktop's own window, which its top-level windows lie in: a record, 0 before the first of them.
pub(super) fn window_of(cx: &Cx<'_>, handle: Handle) -> User<u32> {
    let desktop = number(cx, handle)?;
    let mut tx = cx.windows()?;
    tx.on_desktop(desktop);
    Ok(tx.root_window(false))
}

/// The desktop of a thread that looks at its messages for the first time.
pub(super) fn of_new_queue(cx: &Cx<'_>) -> u32 {
    if !cx.k.user.stations.any.load(Ordering::Acquire) {
        let asked = asked_for(cx).unwrap_or_default();
        if asked.is_empty() || is(last_part(&asked), FIRST_DESKTOP) {
            return 0;
        }
    }
    begin(cx).and_then(|(_, desktop)| number(cx, desktop)).unwrap_or(0)
}

/// NtUserCreateWindowStation.
///
/// # Errors
/// The answer is 0, and the last error says why.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn create_station(
    cx: &Cx<'_>,
    attributes: UserPtr<ObjectAttributesRaw>,
    access: u32,
    _unknown: u32,
    _unknown2: u32,
    _unknown3: u32,
    _unknown4: u32,
    _unknown5: u32,
) -> User {
    let attributes = load(cx, attributes)?;
    make_station(cx, &attributes, access).map(|made| made.0).map_err(failed)
}

fn load(cx: &Cx<'_>, attributes: UserPtr<ObjectAttributesRaw>) -> User<ObjectAttributes> {
    let attributes = attributes.load(cx.k).map_err(failed)?;
    if attributes.name.as_ref().is_some_and(|name| name.len() * 2 >= LONGEST || name.contains(&BETWEEN)) {
        return Err(Failed::with(NAME_TOO_LONG));
    }
    Ok(attributes)
}

/// NtUserOpenWindowStation.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn open_station(cx: &Cx<'_>, attributes: UserPtr<ObjectAttributesRaw>, access: u32) -> User {
    let attributes = load(cx, attributes)?;
    if attributes.name.as_ref().is_some_and(|name| is(name, VISIBLE_STATION)) {
        // It is there whether anybody asked for it yet or not.
        begin(cx)?;
    }
    let opened = cx.open_named(&attributes, access, |object| object.window_station().is_ok());
    opened.map(|opened| opened.0).map_err(failed)
}

/// NtUserCloseWindowStation.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn close_station(cx: &Cx<'_>, handle: Handle) -> User {
    cx.object_of(handle, Type::WindowStation, 0)?;
    if cx.k.user.stations.keeps(handle) {
        return Err(Failed::with(error::ACCESS_DENIED));
    }
    cx.k.close_handle(handle)?;
    Ok(1)
}

/// NtUserGetProcessWindowStation.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn process_station(cx: &Cx<'_>) -> User {
    begin(cx).map(|(station, _)| station.0)
}

/// NtUserSetProcessWindowStation.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn set_process_station(cx: &Cx<'_>, handle: Handle) -> User {
    begin(cx)?;
    cx.object_of(handle, Type::WindowStation, 0)?;
    cx.k.user.stations.held.lock().station = handle.0;
    Ok(1)
}

fn station_of(cx: &Cx<'_>, handle: Handle, access: u32) -> User<Vec<u16>> {
    let handle = if handle == Handle(0) { begin(cx)?.0 } else { handle };
    Ok(kept_name(&cx.object_of(handle, Type::WindowStation, access)?))
}

fn desktop_name(attributes: &ObjectAttributes) -> User<&[u16]> {
    match attributes.name.as_deref() {
        None | Some([]) => Err(Failed::with(error::INVALID_HANDLE)),
        Some(name) if name.contains(&BACKSLASH) => Err(Failed::with(BAD_PATHNAME)),
        Some(name) => Ok(name),
    }
}

/// NtUserCreateDesktopEx: on the process's station. Devices and their modes are none of a desktop's here.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn create_desktop(
    cx: &Cx<'_>,
    attributes: UserPtr<ObjectAttributesRaw>,
    device: u64,
    mode: u64,
    _flags: u32,
    access: u32,
    _heap: u32,
) -> User {
    if device != 0 || mode != 0 {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let attributes = load(cx, attributes)?;
    let name = desktop_name(&attributes)?;
    let station = station_of(cx, Handle(0), CREATE_DESKTOP)?;
    make_desktop(cx, &station, name, attributes.attributes, access).map(|made| made.0).map_err(failed)
}

/// NtUserOpenDesktop: of a station (the attributes' root), or of the process's.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn open_desktop(cx: &Cx<'_>, attributes: UserPtr<ObjectAttributesRaw>, _flags: u32, access: u32) -> User {
    let attributes = load(cx, attributes)?;
    let name = desktop_name(&attributes)?;
    let station = station_of(cx, attributes.root, 0)?;
    let wanted = named(DESKTOPS, &full_name(&station, name), attributes.attributes);
    let opened = cx.open_named(&wanted, access | USE_OBJECTS, |object| object.desktop().is_ok());
    opened.map(|opened| opened.0).map_err(failed)
}

/// NtUserCloseDesktop.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn close_desktop(cx: &Cx<'_>, handle: Handle) -> User {
    cx.object_of(handle, Type::Desktop, 0)?;
    if cx.k.user.stations.keeps(handle) {
        return Err(Failed::with(BUSY));
    }
    cx.k.close_handle(handle)?;
    Ok(1)
}

/// NtUserGetThreadDesktop: of a thread of the process.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn thread_desktop(cx: &Cx<'_>, thread: u32) -> User {
    let (_, first) = begin(cx)?;
    if u64::from(thread) != cx.t.id && cx.k.ps.thread(u64::from(thread)).is_none() {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    Ok(cx.k.user.stations.held.lock().threads.get(&thread).copied().unwrap_or(first.0))
}

/// NtUserSetThreadDesktop: of a thread without windows.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn set_thread_desktop(cx: &Cx<'_>, handle: Handle) -> User {
    let station = station_of(cx, Handle(0), 0)?;
    let name = kept_name(&cx.object_of(handle, Type::Desktop, 0)?);
    if name.strip_prefix(&station[..]).is_none_or(|rest| rest.first() != Some(&BETWEEN)) {
        return Err(Failed::with(error::ACCESS_DENIED));
    }
    let desktop = number(cx, handle)?;
    let mine = cx.queue()?.record;
    {
        let mut tx = cx.windows()?;
        if tx.link(mine + queue::field::DESKTOP) != desktop {
            if tx.get(mine + queue::field::WINDOWS) != 0 {
                return Err(Failed::with(BUSY));
            }
            tx.set(mine + queue::field::DESKTOP, desktop);
            tx.commit()?;
        }
    }
    cx.k.user.stations.held.lock().threads.insert(cx.t.id as u32, handle.0);
    // What user32 keeps of the desktop's window and of that of messages: see `struct ntuser_thread_info` of Wine 10's `include/ntuser.h`.
    UserPtr::new(cx.thread_info() + 40).write(cx.k, [0u32; 2])?;
    Ok(1)
}

/// NtUserOpenInputDesktop: the one that the user sees.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn open_input_desktop(cx: &Cx<'_>, _flags: u32, inherit: u32, access: u32) -> User {
    let station = station_of(cx, Handle(0), 0)?;
    if !is(&station, VISIBLE_STATION) {
        return Err(Failed::with(INVALID_FUNCTION));
    }
    let attributes = if inherit != 0 { OBJ_INHERIT } else { 0 };
    let place = {
        let tx = cx.windows()?;
        match tx.input_desktop() {
            0 => 0,
            desktop => tx.object_of_desktop(desktop),
        }
    };
    if place == 0 {
        let attributes = attributes | OBJ_CASE_INSENSITIVE | OBJ_OPENIF;
        let opened = make_desktop(cx, &station, &wide(FIRST_DESKTOP), attributes, access | USE_OBJECTS)?;
        return Ok(opened.0);
    }
    let object = cx.k.import_at(place)?;
    Ok(cx.insert(object, access | USE_OBJECTS, attributes)?.0)
}

/// NtUserSwitchDesktop: the user sees another desktop of the station that has a screen.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn switch_desktop(cx: &Cx<'_>, handle: Handle) -> User {
    let name = kept_name(&cx.object_of(handle, Type::Desktop, 0)?);
    let station = name.split(|unit| *unit == BETWEEN).next().unwrap_or_default();
    if !is(station, VISIBLE_STATION) {
        return Err(Failed::with(error::ACCESS_DENIED));
    }
    let desktop = number(cx, handle)?;
    let mut tx = cx.windows()?;
    if tx.input_desktop() != desktop {
        tx.set_input_desktop(desktop)?;
        tx.commit()?;
    }
    Ok(1)
}

/// Whether the calling thread is on the desktop that the user sees.
pub(super) fn has_input(cx: &Cx<'_>) -> User<bool> {
    let mine = cx.queue()?.record;
    let tx = cx.windows()?;
    Ok(tx.link(mine + queue::field::DESKTOP) == tx.input_desktop())
}

/// NtUserGetObjectInformation: UOI_FLAGS, UOI_NAME and UOI_TYPE.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn information(cx: &Cx<'_>, handle: Handle, index: u32, at: u64, length: u32, needed: UserPtr<u32>) -> User {
    /// UOI_*.
    const FLAGS: u32 = 1;
    const NAME: u32 = 2;
    const TYPE: u32 = 3;
    let object = || -> User<_> {
        let object = cx.object(handle, 0)?;
        match object.kind() {
            Type::WindowStation | Type::Desktop => Ok(object),
            _ => Err(Failed::with(error::INVALID_HANDLE)),
        }
    };
    let text = match index {
        FLAGS => {
            // USEROBJECTFLAGS: whether the handle is inherited, a word that is kept free, flags.
            needed.write_opt(cx.k, 12)?;
            if length < 12 {
                return Err(Failed::with(BUFFER_OVERFLOW));
            }
            let object = object()?;
            let entry = cx.entry(handle, 0)?;
            let flags = flags_of(cx, &object)?;
            UserPtr::new(at).write(cx.k, [u32::from(entry.attributes & OBJ_INHERIT != 0), 0, flags])?;
            return Ok(1);
        }
        NAME => own_name(&kept_name(&object()?)).to_vec(),
        TYPE => wide(object()?.kind().name()),
        _ => return Err(Failed::with(error::INVALID_PARAMETER)),
    };
    let bytes = [text.as_bytes(), &[0; 2]].concat();
    needed.write_opt(cx.k, bytes.len() as u32)?;
    if (length as usize) < bytes.len() {
        return Err(Failed::with(error::INSUFFICIENT_BUFFER));
    }
    cx.k.write_user(at, &bytes)?;
    Ok(1)
}

fn flags_of(cx: &Cx<'_>, object: &Ref) -> User<u32> {
    let seat = cx.k.share(object)?;
    let kept = cx.windows()?.extra(seat.object);
    let visible = object.kind() == Type::WindowStation && is(&kept_name(object), VISIBLE_STATION);
    Ok(kept | if visible { VISIBLE } else { 0 })
}

/// NtUserSetObjectInformation: UOI_FLAGS.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn set_information(cx: &Cx<'_>, handle: Handle, index: u32, at: u64, length: u32) -> User {
    if index != 1 || at == 0 || length < 12 {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let [_, _, flags] = UserPtr::<[u32; 3]>::new(at).read(cx.k)?;
    let object = cx.object(handle, 0)?;
    if !matches!(object.kind(), Type::WindowStation | Type::Desktop) {
        return Err(Failed::with(error::INVALID_HANDLE));
    }
    let seat = cx.k.share(&object)?;
    let mut tx = cx.windows()?;
    tx.set_extra(seat.object, flags);
    tx.commit()?;
    Ok(1)
}

/// NtUserBuildNameList: the names of all stations, or of a station's desktops.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_BUFFER_TOO_SMALL` (what fits is told), `STATUS_ACCESS_VIOLATION`.
pub fn build_names(cx: &Cx<'_>, station: Handle, size: u32, at: u64, needed: UserPtr<u32>) -> Nt {
    /// `struct ntuser_name_list`: bytes, names, the names with a zero each, and a last zero.
    const HEAD: usize = 10;
    let room = (size as usize).checked_sub(HEAD).filter(|room| *room > 0).ok_or(STATUS_INVALID_HANDLE)?;
    begin(cx).map_err(|_| STATUS_INSUFFICIENT_RESOURCES)?;
    let (folder, prefix) = match station {
        Handle(0) => (STATIONS, Vec::new()),
        station => {
            let name = kept_name(&cx.object_of(station, Type::WindowStation, ENUMERATE_DESKTOPS)?);
            (DESKTOPS, full_name(&name, &[]))
        }
    };
    let directory = crate::ob::directory::find(&cx.k.ob.root, folder).ok_or(STATUS_OBJECT_PATH_NOT_FOUND)?;
    let own = directory.directory()?.list().into_iter().map(|(name, _)| name);
    let names = own.chain(cx.k.shared_names(&directory).into_iter().map(|(name, _)| name));
    let names = names.filter_map(|name| name.strip_prefix(&prefix[..]).map(<[u16]>::to_vec));
    let (mut count, mut total, mut told) = (0u32, 0, Vec::new());
    for name in names {
        count += 1;
        total += (name.len() + 1) * 2;
        if total <= room {
            told.extend_from_slice(name.as_bytes());
            told.extend_from_slice(&[0; 2]);
        }
    }
    let mut bytes = [(HEAD + told.len()) as u32, count].as_bytes().to_vec();
    bytes.extend_from_slice(&told);
    bytes.extend_from_slice(&[0; 2]);
    cx.k.write_user(at, &bytes)?;
    needed.write(cx.k, (HEAD + total) as u32)?;
    if total <= room { Ok(STATUS_SUCCESS) } else { Err(STATUS_BUFFER_TOO_SMALL) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desktops_name_is_told_without_its_stations() {
        let kept = full_name(&wide("WinSta0"), &wide("Default"));
        assert_eq!(own_name(&kept), wide("Default"));
        assert_eq!(own_name(&wide("WinSta0")), wide("WinSta0"));
        assert_eq!(last_part(&wide("a\\b\\c")), wide("c"));
        assert_eq!(last_part(&wide("c")), wide("c"));
        assert!(is(&wide("winsta0"), VISIBLE_STATION) && !is(&wide("winsta"), VISIBLE_STATION));
    }
}
