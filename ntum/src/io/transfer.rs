//! Reading, writing, control requests, locks, directory scans: system calls that become operations of a file's device.

use super::file::*;
use super::irp::{Irp, Target, is_synchronous};
use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::ps::info::IoKind;
use crate::status::*;
use crate::types::{IoStatusBlock, UnicodeString};
use crate::um::{UserPtr, UserSlice};
use std::sync::Arc;

/// NtReadFile.
///
/// # Errors
/// Those of [`Cx::io`] and of the device.
#[allow(clippy::too_many_arguments)]
pub fn nt_read_file(
    cx: &Cx<'_>,
    file: Handle,
    event: Handle,
    apc: u64,
    context: u64,
    iosb: UserPtr<IoStatusBlock>,
    buffer: u64,
    length: u32,
    offset: UserPtr<i64>,
    key: UserPtr<u32>,
) -> Nt {
    let offset = offset.read_opt(cx.k)?;
    let key = key.read_opt(cx.k)?.unwrap_or(0);
    let buffer = UserSlice::new(buffer, u64::from(length));
    cx.io(file, FILE_READ_DATA, Target { event, apc, context, iosb }, |file, request| {
        request.counts_as(IoKind::Read);
        file.ops.read(cx, request, buffer, offset, key)
    })
}

/// NtWriteFile. FILE_APPEND_DATA alone lets it write at the end.
///
/// # Errors
/// Those of [`Cx::io`] and of the device.
#[allow(clippy::too_many_arguments)]
pub fn nt_write_file(
    cx: &Cx<'_>,
    file: Handle,
    event: Handle,
    apc: u64,
    context: u64,
    iosb: UserPtr<IoStatusBlock>,
    buffer: u64,
    length: u32,
    offset: UserPtr<i64>,
    key: UserPtr<u32>,
) -> Nt {
    let mut offset = offset.read_opt(cx.k)?;
    let key = key.read_opt(cx.k)?.unwrap_or(0);
    let buffer = UserSlice::new(buffer, u64::from(length));
    cx.io(file, 0, Target { event, apc, context, iosb }, |file, request| {
        match request.access & (FILE_WRITE_DATA | FILE_APPEND_DATA) {
            0 => return Err(STATUS_ACCESS_DENIED),
            FILE_APPEND_DATA => offset = Some(FILE_WRITE_TO_END_OF_FILE),
            _ => {}
        }
        request.counts_as(IoKind::Write);
        file.ops.write(cx, request, buffer, offset, key)
    })
}

/// Rights that a control code asks for: its bits 14 and 15.
fn control_access(code: u32) -> u32 {
    let asked = (code >> 14) & 3;
    (if asked & 1 != 0 { FILE_READ_DATA } else { 0 }) | (if asked & 2 != 0 { FILE_WRITE_DATA } else { 0 })
}

/// A control request: its code, and address and length of either buffer.
fn control(code: u32, input: (u64, u32), output: (u64, u32)) -> Control {
    let buffer = |(address, length): (u64, u32)| UserSlice::new(address, u64::from(length));
    Control { code, input: buffer(input), output: buffer(output) }
}

/// NtDeviceIoControlFile.
///
/// # Errors
/// Those of [`Cx::io`] and of the device.
#[allow(clippy::too_many_arguments)]
pub fn nt_device_io_control_file(
    cx: &Cx<'_>,
    file: Handle,
    event: Handle,
    apc: u64,
    context: u64,
    iosb: UserPtr<IoStatusBlock>,
    code: u32,
    input: u64,
    input_length: u32,
    output: u64,
    output_length: u32,
) -> Nt {
    let control = control(code, (input, input_length), (output, output_length));
    cx.io(file, control_access(code), Target { event, apc, context, iosb }, |file, request| {
        file.ops.ioctl(cx, request, control)
    })
}

/// NtFsControlFile.
///
/// # Errors
/// Those of [`Cx::io`] and of the device.
#[allow(clippy::too_many_arguments)]
pub fn nt_fs_control_file(
    cx: &Cx<'_>,
    file: Handle,
    event: Handle,
    apc: u64,
    context: u64,
    iosb: UserPtr<IoStatusBlock>,
    code: u32,
    input: u64,
    input_length: u32,
    output: u64,
    output_length: u32,
) -> Nt {
    let control = control(code, (input, input_length), (output, output_length));
    cx.io(file, control_access(code), Target { event, apc, context, iosb }, |file, request| {
        file.ops.fsctl(cx, request, control)
    })
}

/// NtFlushBuffersFile.
///
/// # Errors
/// `STATUS_ACCESS_DENIED` without a right to write, those of [`Cx::io`] and of the device.
pub fn nt_flush_buffers_file(cx: &Cx<'_>, file: Handle, iosb: UserPtr<IoStatusBlock>) -> Nt {
    cx.io(file, 0, Target::plain(iosb), |file, request| {
        if request.access & (FILE_WRITE_DATA | FILE_APPEND_DATA) == 0 {
            return Err(STATUS_ACCESS_DENIED);
        }
        file.ops.flush(cx, request)
    })
}

/// NtFlushBuffersFileEx. What the flags leave out is flushed all the same.
///
/// # Errors
/// As [`nt_flush_buffers_file`].
pub fn nt_flush_buffers_file_ex(
    cx: &Cx<'_>,
    file: Handle,
    _flags: u32,
    _parameters: u64,
    _size: u32,
    iosb: UserPtr<IoStatusBlock>,
) -> Nt {
    nt_flush_buffers_file(cx, file, iosb)
}

fn cancel(cx: &Cx<'_>, iosb: UserPtr<IoStatusBlock>, missing: Status, which: impl Fn(&Irp) -> bool) -> Nt {
    let status = if cx.cancel_where(which) == 0 { missing } else { STATUS_SUCCESS };
    iosb.write(cx.k, IoStatusBlock { status: status.0, pad: 0, information: 0 })?;
    if status.is_error() { Err(status) } else { Ok(status) }
}

/// NtCancelIoFile: what this thread asked of the file.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_cancel_io_file(cx: &Cx<'_>, file: Handle, iosb: UserPtr<IoStatusBlock>) -> Nt {
    let object = cx.object(file, 0)?;
    object.file()?;
    let mine = |irp: &Irp| Arc::ptr_eq(&irp.object, &object) && irp.thread().id == cx.t.id;
    cancel(cx, iosb, STATUS_SUCCESS, mine)
}

/// NtCancelIoFileEx: what anybody asked of the file, or the one request with that IO_STATUS_BLOCK.
///
/// # Errors
/// `STATUS_NOT_FOUND` if there is none, and as [`nt_cancel_io_file`].
pub fn nt_cancel_io_file_ex(cx: &Cx<'_>, file: Handle, which: u64, iosb: UserPtr<IoStatusBlock>) -> Nt {
    let object = cx.object(file, 0)?;
    object.file()?;
    let meant = |irp: &Irp| Arc::ptr_eq(&irp.object, &object) && (which == 0 || irp.iosb() == which);
    cancel(cx, iosb, STATUS_NOT_FOUND, meant)
}

/// NtCancelSynchronousIoFile: what the thread waits for inside a call.
///
/// # Errors
/// `STATUS_NOT_FOUND` if it does not, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_cancel_synchronous_io_file(cx: &Cx<'_>, thread: Handle, which: u64, iosb: UserPtr<IoStatusBlock>) -> Nt {
    /// THREAD_TERMINATE.
    const THREAD_TERMINATE: u32 = 1;
    let object = cx.object(thread, THREAD_TERMINATE)?;
    let id = object.thread()?.id;
    let meant = |irp: &Irp| is_synchronous(irp) && irp.thread().id == id && (which == 0 || irp.iosb() == which);
    cancel(cx, iosb, STATUS_NOT_FOUND, meant)
}

/// NtLockFile.
///
/// # Errors
/// `STATUS_LOCK_NOT_GRANTED`, `STATUS_INVALID_LOCK_RANGE`, those of [`Cx::io`] and of the device.
#[allow(clippy::too_many_arguments)]
pub fn nt_lock_file(
    cx: &Cx<'_>,
    file: Handle,
    event: Handle,
    apc: u64,
    context: u64,
    iosb: UserPtr<IoStatusBlock>,
    offset: UserPtr<u64>,
    length: UserPtr<u64>,
    key: u32,
    fail_immediately: bool,
    exclusive: bool,
) -> Nt {
    let range = LockRange { offset: offset.read(cx.k)?, length: length.read(cx.k)?, key, exclusive, fail_immediately };
    cx.io_unreported(file, 0, Target { event, apc, context, iosb }, |file, request| {
        if request.access & (FILE_READ_DATA | FILE_WRITE_DATA) == 0 {
            return Err(STATUS_ACCESS_DENIED);
        }
        file.ops.lock(cx, request, range)
    })
}

/// NtUnlockFile.
///
/// # Errors
/// `STATUS_RANGE_NOT_LOCKED`, those of [`Cx::io`] and of the device.
pub fn nt_unlock_file(
    cx: &Cx<'_>,
    file: Handle,
    iosb: UserPtr<IoStatusBlock>,
    offset: UserPtr<u64>,
    length: UserPtr<u64>,
    key: u32,
) -> Nt {
    let (offset, length) = (offset.read(cx.k)?, length.read(cx.k)?);
    cx.io_unreported(file, 0, Target::plain(iosb), |file, request| {
        let status = file.ops.unlock(cx, request.object, offset, length, key)?;
        Ok(super::irp::Io::Done(status, 0))
    })
}

/// NtQueryDirectoryFile.
///
/// # Errors
/// Those of [`Cx::io`] and of the device.
#[allow(clippy::too_many_arguments)]
pub fn nt_query_directory_file(
    cx: &Cx<'_>,
    file: Handle,
    event: Handle,
    apc: u64,
    context: u64,
    iosb: UserPtr<IoStatusBlock>,
    buffer: u64,
    length: u32,
    class: u32,
    single: bool,
    mask: UserPtr<UnicodeString>,
    restart: bool,
) -> Nt {
    let mask = if mask.is_null() { None } else { Some(mask.text(cx.k)?) };
    let query = DirectoryQuery {
        class,
        buffer: UserSlice::new(buffer, u64::from(length)),
        single,
        restart,
        mask: mask.filter(|mask| !mask.is_empty()),
    };
    cx.io(file, FILE_READ_DATA, Target { event, apc, context, iosb }, |file, request| {
        file.ops.query_directory(cx, request, query)
    })
}

/// NtQueryDirectoryFileEx: SL_RESTART_SCAN = 1, SL_RETURN_SINGLE_ENTRY = 2.
///
/// # Errors
/// As [`nt_query_directory_file`].
#[allow(clippy::too_many_arguments)]
pub fn nt_query_directory_file_ex(
    cx: &Cx<'_>,
    file: Handle,
    event: Handle,
    apc: u64,
    context: u64,
    iosb: UserPtr<IoStatusBlock>,
    buffer: u64,
    length: u32,
    class: u32,
    flags: u32,
    mask: UserPtr<UnicodeString>,
) -> Nt {
    let (restart, single) = (flags & 1 != 0, flags & 2 != 0);
    nt_query_directory_file(cx, file, event, apc, context, iosb, buffer, length, class, single, mask, restart)
}

/// NtNotifyChangeDirectoryFile.
///
/// # Errors
/// Those of [`Cx::io`] and of the device.
#[allow(clippy::too_many_arguments)]
pub fn nt_notify_change_directory_file(
    cx: &Cx<'_>,
    file: Handle,
    event: Handle,
    apc: u64,
    context: u64,
    iosb: UserPtr<IoStatusBlock>,
    buffer: u64,
    length: u32,
    filter: u32,
    subtree: bool,
) -> Nt {
    nt_notify_change_directory_file_ex(cx, file, event, apc, context, iosb, buffer, length, filter, subtree, 1)
}

/// NtNotifyChangeDirectoryFileEx: class 1 is DirectoryNotifyInformation, 2 DirectoryNotifyExtendedInformation.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION` without a status block, `STATUS_INVALID_PARAMETER` for another class or an unknown filter, those of [`Cx::io`] and of the device.
#[allow(clippy::too_many_arguments)]
pub fn nt_notify_change_directory_file_ex(
    cx: &Cx<'_>,
    file: Handle,
    event: Handle,
    apc: u64,
    context: u64,
    iosb: UserPtr<IoStatusBlock>,
    buffer: u64,
    length: u32,
    filter: u32,
    subtree: bool,
    class: u32,
) -> Nt {
    let buffer = UserSlice::new(buffer, u64::from(length));
    let notify = Notify { buffer, filter, subtree, extended: class == 2 };
    if iosb.address() == 0 {
        return Err(STATUS_ACCESS_VIOLATION);
    }
    if filter == 0 || filter & !FILE_NOTIFY_VALID_MASK != 0 || !(1..=2).contains(&class) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    cx.io(file, FILE_READ_DATA, Target { event, apc, context, iosb }, |file, request| {
        file.ops.notify(cx, request, notify)
    })
}
