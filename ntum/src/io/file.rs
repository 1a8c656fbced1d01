//! File objects: what is common to files of every device.

use super::device::{Create, Opened};
use super::irp::{Io, Request};
use super::position::Position;
use crate::call::Cx;
use crate::host::Stream;
use crate::ke::dispatcher::{Dispatcher, Seat};
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::object::{Body, Object};
use crate::status::*;
use crate::um::UserSlice;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// FILE_READ_DATA, FILE_LIST_DIRECTORY.
pub const FILE_READ_DATA: u32 = 0x1;
/// FILE_WRITE_DATA, FILE_ADD_FILE.
pub const FILE_WRITE_DATA: u32 = 0x2;
/// FILE_APPEND_DATA, FILE_ADD_SUBDIRECTORY.
pub const FILE_APPEND_DATA: u32 = 0x4;
/// FILE_READ_EA.
pub const FILE_READ_EA: u32 = 0x8;
/// FILE_WRITE_EA.
pub const FILE_WRITE_EA: u32 = 0x10;
/// FILE_EXECUTE, FILE_TRAVERSE.
pub const FILE_EXECUTE: u32 = 0x20;
/// FILE_DELETE_CHILD.
pub const FILE_DELETE_CHILD: u32 = 0x40;
/// FILE_READ_ATTRIBUTES.
pub const FILE_READ_ATTRIBUTES: u32 = 0x80;
/// FILE_WRITE_ATTRIBUTES.
pub const FILE_WRITE_ATTRIBUTES: u32 = 0x100;

/// FILE_SUPERSEDE.
pub const FILE_SUPERSEDE: u32 = 0;
/// FILE_OPEN.
pub const FILE_OPEN: u32 = 1;
/// FILE_CREATE.
pub const FILE_CREATE: u32 = 2;
/// FILE_OPEN_IF.
pub const FILE_OPEN_IF: u32 = 3;
/// FILE_OVERWRITE.
pub const FILE_OVERWRITE: u32 = 4;
/// FILE_OVERWRITE_IF.
pub const FILE_OVERWRITE_IF: u32 = 5;

/// FILE_DIRECTORY_FILE.
pub const FILE_DIRECTORY_FILE: u32 = 0x1;
/// FILE_WRITE_THROUGH.
pub const FILE_WRITE_THROUGH: u32 = 0x2;
/// FILE_SEQUENTIAL_ONLY.
pub const FILE_SEQUENTIAL_ONLY: u32 = 0x4;
/// FILE_NO_INTERMEDIATE_BUFFERING.
pub const FILE_NO_INTERMEDIATE_BUFFERING: u32 = 0x8;
/// FILE_SYNCHRONOUS_IO_ALERT.
pub const FILE_SYNCHRONOUS_IO_ALERT: u32 = 0x10;
/// FILE_SYNCHRONOUS_IO_NONALERT.
pub const FILE_SYNCHRONOUS_IO_NONALERT: u32 = 0x20;
/// FILE_NON_DIRECTORY_FILE.
pub const FILE_NON_DIRECTORY_FILE: u32 = 0x40;
/// FILE_DELETE_ON_CLOSE.
pub const FILE_DELETE_ON_CLOSE: u32 = 0x1000;
/// FILE_NO_EA_KNOWLEDGE: whoever opens it knows no extended attributes.
pub const FILE_NO_EA_KNOWLEDGE: u32 = 0x200;
/// FILE_OPEN_BY_FILE_ID.
pub const FILE_OPEN_BY_FILE_ID: u32 = 0x2000;
/// FILE_OPEN_FOR_BACKUP_INTENT.
pub const FILE_OPEN_FOR_BACKUP_INTENT: u32 = 0x4000;
/// FILE_OPEN_REPARSE_POINT.
pub const FILE_OPEN_REPARSE_POINT: u32 = 0x20_0000;

/// As offset of a read or write: the current position.
pub const FILE_USE_FILE_POINTER_POSITION: i64 = -2;
/// As offset of a write: the end.
pub const FILE_WRITE_TO_END_OF_FILE: i64 = -1;
/// Every FILE_NOTIFY_CHANGE_*.
pub const FILE_NOTIFY_VALID_MASK: u32 = 0xfff;

/// FILE_SUPERSEDED, as IO_STATUS_BLOCK.Information of an open.
pub const FILE_SUPERSEDED: u64 = 0;
/// FILE_OPENED.
pub const FILE_OPENED: u64 = 1;
/// FILE_CREATED.
pub const FILE_CREATED: u64 = 2;
/// FILE_OVERWRITTEN.
pub const FILE_OVERWRITTEN: u64 = 3;

/// FILE_SKIP_COMPLETION_PORT_ON_SUCCESS.
pub const FILE_SKIP_COMPLETION_PORT_ON_SUCCESS: u32 = 1;
/// FILE_SKIP_SET_EVENT_ON_HANDLE.
pub const FILE_SKIP_SET_EVENT_ON_HANDLE: u32 = 2;

/// Which completion port hears of a file's requests.
pub struct Binding {
    /// The port.
    pub port: Ref,
    /// The key that its packets carry.
    pub key: u64,
}

/// A file object.
pub struct File {
    /// The device it was opened through.
    pub device: Ref,
    /// Its name below the device, with a leading backslash unless empty.
    pub name: Mutex<Vec<u16>>,
    /// Rights it was opened with.
    pub access: u32,
    /// FILE_SHARE_* it was opened with.
    pub share: u32,
    /// FILE_* options it was opened with; FileModeInformation changes some.
    pub options: AtomicU32,
    /// Where the next read or write without an offset starts.
    pub position: Position,
    /// Its completion port.
    pub binding: Mutex<Option<Binding>>,
    /// FILE_SKIP_*.
    pub skip: AtomicU32,
    /// What the device does.
    pub ops: Box<dyn FileOps>,
}

impl File {
    /// A new file object.
    pub fn object(create: &Create, device: &Ref, name: Vec<u16>, ops: impl FileOps + 'static) -> Ref {
        File::made(create, device, name, Box::new(ops))
    }

    /// A new file object over a driver's part.
    pub fn made(create: &Create, device: &Ref, name: Vec<u16>, ops: Box<dyn FileOps>) -> Ref {
        let signal = ops.seat().map_or_else(|| Dispatcher::notification(true), Dispatcher::seated);
        Object::new(signal, Body::File(File::new(create, device, name, ops)))
    }

    /// A file object's body.
    pub fn new(create: &Create, device: &Ref, name: Vec<u16>, ops: Box<dyn FileOps>) -> File {
        File {
            device: device.clone(),
            name: Mutex::new(name),
            access: create.access,
            share: create.share,
            options: AtomicU32::new(create.options),
            position: Position::default(),
            binding: Mutex::new(None),
            skip: AtomicU32::new(0),
            ops,
        }
    }

    /// FILE_* options now.
    pub fn options(&self) -> u32 {
        self.options.load(Ordering::Relaxed)
    }

    /// Whether requests wait inside the call.
    pub fn synchronous(&self) -> bool {
        self.options() & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT) != 0
    }

    /// Whether such a wait is alertable.
    pub fn alertable(&self) -> bool {
        self.options() & FILE_SYNCHRONOUS_IO_ALERT != 0
    }

    /// Whether requests without an event signal the file object.
    pub fn is_signalled_by_requests(&self) -> bool {
        self.ops.signalled_by_requests() && self.skip.load(Ordering::Relaxed) & FILE_SKIP_SET_EVENT_ON_HANDLE == 0
    }

    /// Whether a completion port hears of its requests; `object` is the file object.
    pub fn is_bound(&self, object: &Ref) -> bool {
        self.binding.lock().is_some() || object.signal.seat().is_some_and(|seat| seat.shm.is_bound(seat.object))
    }

    /// Whether a request that ended at once with this status sends no packet.
    pub fn skips_packet(&self, status: Status) -> bool {
        !status.is_error() && self.skip.load(Ordering::Relaxed) & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS != 0
    }

    /// Its full name as NtQueryObject shows it: `\Device\NamedPipe\x`. Files of drives show their drive letter,
    /// `\??\C:\Windows`, which is what Wine's kernelbase takes final paths from.
    pub fn path(&self) -> Vec<u16> {
        self.ops.path().unwrap_or_else(|| self.device_path())
    }

    /// Its full name through its device: `\Device\HarddiskVolume1\Windows`.
    pub fn device_path(&self) -> Vec<u16> {
        let mut path = self.device.path().unwrap_or_default();
        match self.ops.name() {
            Some(name) => path.extend_from_slice(&name),
            None => path.extend_from_slice(&self.name.lock()),
        }
        path
    }

    /// FILE_DEVICE_* of its device.
    pub fn device_kind(&self) -> u32 {
        self.device.device().map_or(0, |device| device.kind)
    }
}

/// A control request's buffers.
#[derive(Clone, Copy)]
pub struct Control {
    /// IOCTL_* or FSCTL_*.
    pub code: u32,
    /// What the caller gives.
    pub input: UserSlice,
    /// Where the answer goes.
    pub output: UserSlice,
}

/// Arguments of NtQueryDirectoryFile.
pub struct DirectoryQuery {
    /// FILE_INFORMATION_CLASS.
    pub class: u32,
    /// Where entries go.
    pub buffer: UserSlice,
    /// Whether one entry is enough.
    pub single: bool,
    /// Whether the scan starts anew.
    pub restart: bool,
    /// The pattern.
    pub mask: Option<Vec<u16>>,
}

/// Arguments of NtNotifyChangeDirectoryFile.
#[derive(Clone, Copy)]
pub struct Notify {
    /// Where changes go.
    pub buffer: UserSlice,
    /// FILE_NOTIFY_CHANGE_*.
    pub filter: u32,
    /// Whether folders below count.
    pub subtree: bool,
    /// Whether entries are FILE_NOTIFY_EXTENDED_INFORMATION.
    pub extended: bool,
}

/// Arguments of NtLockFile.
#[derive(Clone, Copy)]
pub struct LockRange {
    /// First byte.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
    /// Distinguishes locks of one file object.
    pub key: u32,
    /// Whether nobody else may have a lock there.
    pub exclusive: bool,
    /// Whether to fail at once rather than wait.
    pub fail_immediately: bool,
}

/// What a section needs of a file.
pub struct SectionSource {
    /// The host's stream.
    pub stream: Arc<Stream>,
    /// Bytes in the file.
    pub size: u64,
    /// Rights that the file object was opened with.
    pub access: u32,
    /// Identifies the file, however it was opened.
    pub identity: shim_abi::stream::Identity,
    /// `\Device\HarddiskVolume1\…`.
    pub name: Vec<u16>,
}

/// What a device does with its files; what it does not answer is `STATUS_INVALID_DEVICE_REQUEST`.
///
/// Rights of the handle were checked. A failure (severity error) leaves the IO_STATUS_BLOCK alone.
#[allow(unused_variables)]
pub trait FileOps: Send + Sync {
    /// Opens a name relative to this file. The name comes as given, empty to open the file itself again.
    ///
    /// # Errors
    /// The device's.
    fn open_relative(&self, cx: &Cx<'_>, object: &Ref, name: &[u16], create: &Create) -> Nt<Opened> {
        Err(STATUS_INVALID_DEVICE_REQUEST)
    }

    /// Its name below the device now, if it may change; else [`File::name`] counts.
    fn name(&self) -> Option<Vec<u16>> {
        None
    }

    /// Its full name, if that is not what its device and its name there make.
    fn path(&self) -> Option<Vec<u16>> {
        None
    }

    /// Reads. `offset` is as given; `None` or FILE_USE_FILE_POINTER_POSITION (-2) mean the current position.
    ///
    /// # Errors
    /// The device's.
    fn read(&self, cx: &Cx<'_>, request: &Request<'_>, buffer: UserSlice, offset: Option<i64>, key: u32) -> Nt<Io> {
        Err(STATUS_INVALID_DEVICE_REQUEST)
    }

    /// Writes. As [`FileOps::read`]; -1 (FILE_WRITE_TO_END_OF_FILE) appends.
    ///
    /// # Errors
    /// The device's.
    fn write(&self, cx: &Cx<'_>, request: &Request<'_>, buffer: UserSlice, offset: Option<i64>, key: u32) -> Nt<Io> {
        Err(STATUS_INVALID_DEVICE_REQUEST)
    }

    /// Has what was written reach the disk.
    ///
    /// # Errors
    /// The device's.
    fn flush(&self, cx: &Cx<'_>, request: &Request<'_>) -> Nt<Io> {
        Err(STATUS_INVALID_DEVICE_REQUEST)
    }

    /// NtDeviceIoControlFile.
    ///
    /// # Errors
    /// The device's.
    fn ioctl(&self, cx: &Cx<'_>, request: &Request<'_>, control: Control) -> Nt<Io> {
        Err(STATUS_INVALID_DEVICE_REQUEST)
    }

    /// NtFsControlFile.
    ///
    /// # Errors
    /// The device's.
    fn fsctl(&self, cx: &Cx<'_>, request: &Request<'_>, control: Control) -> Nt<Io> {
        Err(STATUS_INVALID_DEVICE_REQUEST)
    }

    /// The whole FILE_*_INFORMATION of a class; the caller checks lengths and cuts names. Position, mode, access and
    /// alignment are answered by the caller.
    ///
    /// # Errors
    /// `STATUS_INVALID_INFO_CLASS` for a class that is unknown to the device.
    fn query(&self, cx: &Cx<'_>, object: &Ref, class: u32) -> Nt<Vec<u8>> {
        Err(STATUS_INVALID_DEVICE_REQUEST)
    }

    /// NtSetInformationFile; `data` has the class's length or more. Completion, position and mode are the caller's.
    ///
    /// # Errors
    /// `STATUS_INVALID_INFO_CLASS` for a class that is unknown to the device.
    fn set(&self, cx: &Cx<'_>, object: &Ref, class: u32, data: &[u8]) -> Nt {
        Err(STATUS_INVALID_DEVICE_REQUEST)
    }

    /// The whole FILE_FS_*_INFORMATION of a class. FileFsDeviceInformation is answered by the caller.
    ///
    /// # Errors
    /// `STATUS_INVALID_INFO_CLASS` for a class that is unknown to the device.
    fn query_volume(&self, cx: &Cx<'_>, object: &Ref, class: u32) -> Nt<Vec<u8>> {
        Err(STATUS_INVALID_DEVICE_REQUEST)
    }

    /// NtSetVolumeInformationFile.
    ///
    /// # Errors
    /// The device's.
    fn set_volume(&self, cx: &Cx<'_>, object: &Ref, class: u32, data: &[u8]) -> Nt {
        Err(STATUS_INVALID_DEVICE_REQUEST)
    }

    /// NtQueryDirectoryFile.
    ///
    /// # Errors
    /// The device's.
    fn query_directory(&self, cx: &Cx<'_>, request: &Request<'_>, query: DirectoryQuery) -> Nt<Io> {
        Err(STATUS_INVALID_DEVICE_REQUEST)
    }

    /// NtNotifyChangeDirectoryFile.
    ///
    /// # Errors
    /// The device's.
    fn notify(&self, cx: &Cx<'_>, request: &Request<'_>, notify: Notify) -> Nt<Io> {
        Err(STATUS_INVALID_DEVICE_REQUEST)
    }

    /// NtLockFile.
    ///
    /// # Errors
    /// The device's.
    fn lock(&self, cx: &Cx<'_>, request: &Request<'_>, range: LockRange) -> Nt<Io> {
        Err(STATUS_INVALID_DEVICE_REQUEST)
    }

    /// NtUnlockFile.
    ///
    /// # Errors
    /// The device's.
    fn unlock(&self, cx: &Cx<'_>, object: &Ref, offset: u64, length: u64, key: u32) -> Nt {
        Err(STATUS_INVALID_DEVICE_REQUEST)
    }

    /// What a section is made of.
    ///
    /// # Errors
    /// `STATUS_INVALID_FILE_FOR_SECTION`.
    fn section_source(&self, k: &'static Kernel, object: &Ref) -> Nt<SectionSource> {
        Err(STATUS_INVALID_FILE_FOR_SECTION)
    }

    /// What another process of the sandbox needs to have the file too, and who makes it of that.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` for a file that cannot be another's.
    fn pack(&self, k: &'static Kernel) -> Nt<(super::parcel::Maker, Vec<u8>)> {
        Err(STATUS_NOT_SUPPORTED)
    }

    /// The stream that goes along, if there is one, when the file object becomes one that several processes have, with one
    /// position: `None` if each has one of its own instead.
    fn stream_along(&self) -> Option<Option<Arc<Stream>>> {
        None
    }

    /// A handle to the file object was made: others may be told of it.
    fn handle_made(&self, k: &'static Kernel, file: &File) {}

    /// The process's last handle was closed, but other processes have some.
    fn let_go(&self, k: &'static Kernel, object: &Ref) {
        self.cleanup(k, object);
    }

    /// Whether requests of the process's threads go on when the process's last handle is closed, but other processes have some.
    fn outlives_handles(&self) -> bool {
        false
    }

    /// Whether other processes have handles to what it is an object for, where they have file objects of their own for that.
    fn is_held_elsewhere(&self) -> bool {
        false
    }

    /// Its record in the sandbox's memory, which whoever gets the file holds too, and whether that keeps it open.
    fn record(&self) -> Option<(u32, bool)> {
        None
    }

    /// Whether requests without an event signal the file object; else its device says when.
    fn signalled_by_requests(&self) -> bool {
        true
    }

    /// A thread is about to wait for the file object.
    fn about_to_wait(&self, k: &'static Kernel) {}

    /// Where the file's signal is, if it is that of something that several processes have.
    fn seat(&self) -> Option<Seat> {
        None
    }

    /// The last handle was closed: end what waits, give up what the file held.
    fn cleanup(&self, k: &'static Kernel, object: &Ref) {}

    /// Runs with the security descriptor that this file shares with others; false if it has one of its own.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED`.
    fn with_security(&self, k: &'static Kernel, run: &mut dyn FnMut(&mut Option<Vec<u8>>)) -> Nt<bool> {
        Ok(false)
    }

    /// What NtQueryObject tells of its name.
    ///
    /// # Errors
    /// `STATUS_OBJECT_PATH_INVALID` for what has none.
    fn full_name(&self, file: &File) -> Nt<Vec<u16>> {
        Ok(file.path())
    }

    /// The driver's own type, for its other calls.
    fn as_any(&self) -> &dyn core::any::Any;
}

impl File {
    /// What a section is made of.
    ///
    /// # Errors
    /// `STATUS_INVALID_FILE_FOR_SECTION`.
    pub fn section_source(&self, k: &'static Kernel, object: &Ref) -> Nt<SectionSource> {
        self.ops.section_source(k, object)
    }

    /// The driver's part, if it is of this type.
    ///
    /// # Errors
    /// `STATUS_OBJECT_TYPE_MISMATCH`.
    pub fn driver<T: 'static>(&self) -> Nt<&T> {
        self.ops.as_any().downcast_ref().ok_or(STATUS_OBJECT_TYPE_MISMATCH)
    }
}

/// What happens when the last handle to a file object is closed (IRP_MJ_CLEANUP).
pub fn last_handle_closed(k: &'static Kernel, object: &Ref) {
    handles_closed(k, object, true);
}

/// What happens when the process's last handle to a file object is closed; `last`: there is none in other processes.
pub fn handles_closed(k: &'static Kernel, object: &Ref, last: bool) {
    let Ok(file) = object.file() else { return };
    let shared = !last || file.ops.is_held_elsewhere();
    if last {
        file.ops.cleanup(k, object)
    } else {
        file.ops.let_go(k, object)
    }
    let stays = |irp: &super::irp::Irp| shared && file.ops.outlives_handles() && !irp.is_for_port();
    super::irp::cancel_where(k, |irp| std::sync::Arc::ptr_eq(&irp.object, object) && !stays(irp));
}
