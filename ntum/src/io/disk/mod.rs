//! The disk file system: drives whose files the monitor holds, with the behaviour of NTFS.

pub mod ahead;
pub mod control;
pub mod directory;
pub mod ea;
pub mod fcb;
pub mod hostlock;
pub mod info;
pub mod link;
pub mod lock;
mod names;
pub mod notify;
pub mod open;
pub mod path;
pub mod pattern;
pub mod security;
pub mod set;
pub mod settle;
pub mod short;
pub mod symlink;
#[cfg(test)]
mod tests;
mod times;
pub mod together;
pub mod transfer;
pub mod volume;

use super::device::{Create, Driver, Opened, make_device};
use super::file::{Control, DirectoryQuery, FILE_OPEN_BY_FILE_ID, FileOps, LockRange, Notify, SectionSource};
use super::irp::{Io, Request};
use crate::call::Cx;
use crate::host::Stream;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::directory::make_link;
use crate::status::*;
use crate::um::UserSlice;
use fcb::{Fcb, Link, Table};
use lock::Owner;
use parking_lot::Mutex;
use shim_abi::stream::Info;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// FILE_DEVICE_DISK.
pub const FILE_DEVICE_DISK: u32 = 7;
/// FILE_DEVICE_DISK_FILE_SYSTEM: what Wine's kernelbase knows a fixed drive by.
pub const FILE_DEVICE_DISK_FILE_SYSTEM: u32 = 8;

/// The component's state.
#[derive(Default)]
pub struct Disk {
    /// Files that are open.
    pub table: Table,
    /// Files opened before they were asked for.
    pub ahead: ahead::Ahead,
    /// Who watches directories.
    pub watches: settle::Watches,
    next_file: AtomicU64,
    /// Whether the process has made others.
    several: AtomicBool,
    /// Drives that were shared after the start, in their order.
    later: Mutex<Vec<u8>>,
    /// One at a time is told to them.
    entering: Mutex<()>,
}

/// A drive.
pub struct Volume {
    /// Its letter, `b'A'` to `b'Z'`.
    pub letter: u8,
    /// Its place among the volumes, from 1.
    pub number: u32,
}

/// Letters of the drives that exist: C and those of the mounts, in order.
pub fn letters(k: &Kernel) -> Vec<u8> {
    let mounts = k.boot.mounts.iter().filter_map(|mount| mount.guest.bytes().next());
    let mut letters: Vec<u8> = mounts.filter(u8::is_ascii_alphabetic).map(|l| l.to_ascii_uppercase()).collect();
    letters.push(b'C');
    letters.extend(k.io.disk.later.lock().iter());
    letters.sort_unstable();
    letters.dedup();
    letters
}

/// Letters of the volumes in the order of their devices: C is the first, as on any Windows.
pub fn volumes(k: &Kernel) -> Vec<u8> {
    let mut letters = letters(k);
    let later = k.io.disk.later.lock();
    let place = |letter: &u8| later.iter().position(|known| known == letter).map_or(0, |place| place + 1);
    letters.sort_by_key(|letter| (place(letter), *letter != b'C', *letter));
    letters
}

/// The GUID that a volume goes by, in braces.
pub fn volume_guid(letter: u8) -> String {
    format!("{{70636c73-0000-4000-8000-0000000000{letter:02x}}}")
}

/// Makes the drives' devices and the names that lead to them.
pub fn start(k: &'static Kernel) {
    for (letter, number) in volumes(k).into_iter().zip(1..) {
        make_volume(k, letter, number);
    }
}

/// What the sandbox sees of the host changed: a drive that was not there before is from now on. One that is gone stays, and nothing in it
/// can be opened.
pub fn look_for_drives(k: &'static Kernel) {
    let known = letters(k);
    for letter in (b'A'..=b'Z').filter(|letter| !known.contains(letter)) {
        let uri = format!("file:{}:/", char::from(letter));
        if k.host.ask(&shim_abi::calls::StreamQueryName { uri }).is_ok() {
            k.io.disk.later.lock().push(letter);
            make_volume(k, letter, volumes(k).len() as u32);
        }
    }
}

/// Asks for a name on a drive that no mount has. The answer is known; the monitor notes what it refuses, and says what would grant it.
pub fn ask_for_drive(k: &Kernel, name: &[u16]) {
    let Some(([letter, colon], rest)) =
        name.strip_prefix(crate::types::wide("\\??\\").as_slice()).and_then(<[u16]>::split_first_chunk)
    else {
        return;
    };
    let letter = u8::try_from(*letter).ok().filter(u8::is_ascii_alphabetic).filter(|_| *colon == u16::from(b':'));
    // The drive alone is asked for by whoever looks which there are.
    if let Some(letter) = letter.filter(|_| rest.len() > 1)
        && let Ok(path) = path::on_drive(letter.to_ascii_uppercase(), rest)
    {
        let _ = k.host.ask(&shim_abi::calls::StreamQueryName { uri: path.uri });
    }
}

fn make_volume(k: &'static Kernel, letter: u8, number: u32) {
    let device = format!("\\Device\\HarddiskVolume{number}");
    make_device(k, &device, FILE_DEVICE_DISK_FILE_SYSTEM, Volume { letter, number });
    make_link(&k.ob.root, &format!("\\??\\{}:", char::from(letter)), &device);
    make_link(&k.ob.root, &format!("\\??\\Volume{}", volume_guid(letter)), &device);
}

impl Driver for Volume {
    fn as_any(&self) -> &dyn core::any::Any {
        self
    }

    fn open(&self, cx: &Cx<'_>, device: &Ref, rest: &[u16], create: &Create) -> Nt<Opened> {
        if rest.is_empty() {
            return volume::open(self, device, create);
        }
        let path = match create.options & FILE_OPEN_BY_FILE_ID {
            0 => path::on_drive(self.letter, rest)?,
            _ => open::by_id(cx, &format!("file:{}:/", char::from(self.letter)), &rest[1..])?,
        };
        open::open(cx, device, path, create)
    }

    fn attributes_of(&self, cx: &Cx<'_>, rest: &[u16]) -> Option<Nt<Vec<u8>>> {
        if rest.is_empty() {
            return None;
        }
        match path::on_drive(self.letter, rest).and_then(|path| info::of_name(cx, path)) {
            // A link may lie on the way.
            Err(STATUS_NOT_A_DIRECTORY) => None,
            answer => Some(answer),
        }
    }
}

/// The host's stream of a file of a disk that was opened for data.
pub fn stream_of(object: &Ref) -> Option<Arc<Stream>> {
    let file: &DiskFile = object.file().ok()?.ops.as_any().downcast_ref()?;
    file.stream.clone()
}

/// A file object's part of an open file.
pub struct DiskFile {
    /// Its number, unlike any other's.
    pub number: u64,
    /// The file.
    pub fcb: Arc<Fcb>,
    /// The name it was opened by.
    pub link: Arc<Link>,
    /// The host's stream, if it was opened for data.
    pub stream: Option<Arc<Stream>>,
    /// What the monitor said when it was opened.
    pub opened: Info,
    /// Lives as long as the file object does.
    pub alive: Arc<()>,
    /// Where a listing has come to.
    pub scan: Mutex<Option<directory::Scan>>,
    /// Its change notification.
    pub watch: Mutex<Option<Arc<notify::Watch>>>,
    /// Whether it was opened with FILE_DELETE_ON_CLOSE.
    pub opened_delete_on_close: bool,
    /// Whether the name goes when this file object's last handle is closed.
    pub delete_on_close: AtomicBool,
    /// Whether the name goes at once when that happens, whoever else has the file open.
    pub posix_delete: AtomicBool,
    /// How many extended attributes were told.
    pub told_attributes: AtomicU32,
    /// Times that stay as they are.
    pub kept: times::Kept,
    /// What other processes see of it.
    pub together: OnceLock<together::Opening>,
}

impl DiskFile {
    fn owner(&self, key: u32) -> Owner {
        Owner { file: self.number, key }
    }

    /// The host's stream.
    ///
    /// # Errors
    /// `STATUS_INVALID_DEVICE_REQUEST` for a directory; `STATUS_ACCESS_DENIED` if it was not opened for data.
    pub fn stream(&self) -> Nt<&Arc<Stream>> {
        match &self.stream {
            Some(stream) => Ok(stream),
            None if self.is_directory() => Err(STATUS_INVALID_DEVICE_REQUEST),
            None => Err(STATUS_ACCESS_DENIED),
        }
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.fcb.kind == shim_abi::stream::Kind::Directory
    }
}

impl Disk {
    /// A number for a file object.
    pub fn new_number(&self) -> u64 {
        self.next_file.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl FileOps for DiskFile {
    fn open_relative(&self, cx: &Cx<'_>, object: &Ref, name: &[u16], create: &Create) -> Nt<Opened> {
        let device = &object.file()?.device;
        if name.is_empty() {
            return open::open(cx, device, path::below(&self.link.uri(), name)?, create);
        }
        if create.options & FILE_OPEN_BY_FILE_ID != 0 {
            return open::open(cx, device, open::by_id(cx, &self.link.uri(), name)?, create);
        }
        if name.first() == Some(&u16::from(b'\\')) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        if !self.is_directory() {
            return Err(STATUS_OBJECT_PATH_NOT_FOUND);
        }
        open::open(cx, device, path::below(&self.link.uri(), name)?, create)
    }

    fn name(&self) -> Option<Vec<u16>> {
        Some(path::nt_name(&self.link.uri()))
    }

    fn path(&self) -> Option<Vec<u16>> {
        Some(path::dos_path(&self.link.uri()))
    }

    fn read(&self, cx: &Cx<'_>, request: &Request<'_>, buffer: UserSlice, offset: Option<i64>, key: u32) -> Nt<Io> {
        transfer::read(cx, self, request.file()?, buffer, offset, key)
    }

    fn write(&self, cx: &Cx<'_>, request: &Request<'_>, buffer: UserSlice, offset: Option<i64>, key: u32) -> Nt<Io> {
        transfer::write(cx, self, request.file()?, buffer, offset, key)
    }

    fn flush(&self, cx: &Cx<'_>, _request: &Request<'_>) -> Nt<Io> {
        if let Some(stream) = &self.stream {
            cx.k.host.flush(stream)?;
        }
        Io::done(0)
    }

    fn query(&self, cx: &Cx<'_>, _object: &Ref, class: u32) -> Nt<Vec<u8>> {
        info::query(cx, self, class)
    }

    fn set(&self, cx: &Cx<'_>, object: &Ref, class: u32, data: &[u8]) -> Nt {
        set::set(cx, self, object, class, data)
    }

    fn fsctl(&self, cx: &Cx<'_>, request: &Request<'_>, control: Control) -> Nt<Io> {
        control::fsctl(cx, self, request, control)
    }

    fn ioctl(&self, cx: &Cx<'_>, request: &Request<'_>, control: Control) -> Nt<Io> {
        let device = &request.file()?.device;
        let number = device.device()?.driver.as_any().downcast_ref().map_or(0, |volume: &Volume| volume.number);
        control::ioctl(cx, control, &self.link.uri(), &device.path().unwrap_or_default(), number)
    }

    fn notify(&self, cx: &Cx<'_>, request: &Request<'_>, notify: Notify) -> Nt<Io> {
        notify::notify(cx, self, request, notify)
    }

    fn lock(&self, cx: &Cx<'_>, request: &Request<'_>, range: LockRange) -> Nt<Io> {
        hostlock::lock(cx, self, request, range)
    }

    fn unlock(&self, cx: &Cx<'_>, _object: &Ref, offset: u64, length: u64, key: u32) -> Nt {
        hostlock::unlock(cx.k, self, offset, length, key)
    }

    fn with_security(&self, k: &'static Kernel, run: &mut dyn FnMut(&mut Option<Vec<u8>>)) -> Nt<bool> {
        security::with_security(k, &self.fcb, run).map(|()| true)
    }

    fn query_directory(&self, cx: &Cx<'_>, _request: &Request<'_>, query: DirectoryQuery) -> Nt<Io> {
        directory::query(cx, self, query)
    }

    fn query_volume(&self, cx: &Cx<'_>, object: &Ref, class: u32) -> Nt<Vec<u8>> {
        info::query_volume(cx, &self.link.uri(), object.file()?.device_kind(), class)
    }

    fn section_source(&self, k: &'static Kernel, object: &Ref) -> Nt<SectionSource> {
        let Some(stream) = &self.stream else { return Err(STATUS_INVALID_FILE_FOR_SECTION) };
        let file = object.file()?;
        self.fcb.add_section(stream, &self.alive);
        Ok(SectionSource {
            stream: stream.clone(),
            size: k.host.query(stream)?.size,
            access: file.access,
            identity: self.fcb.identity.clone(),
            name: file.device_path(),
        })
    }

    fn cleanup(&self, k: &'static Kernel, object: &Ref) {
        open::cleanup(k, self, object);
    }

    fn let_go(&self, k: &'static Kernel, object: &Ref) {
        open::let_go(k, self, object);
    }

    fn handle_made(&self, k: &'static Kernel, file: &super::file::File) {
        together::handle_made(k, self, file);
    }

    fn pack(&self, _: &'static Kernel) -> Nt<(super::parcel::Maker, Vec<u8>)> {
        Ok((super::parcel::Maker::Disk, open::pack(self)))
    }

    fn stream_along(&self) -> Option<Option<Arc<Stream>>> {
        Some(self.stream.clone())
    }

    fn as_any(&self) -> &dyn core::any::Any {
        self
    }
}
