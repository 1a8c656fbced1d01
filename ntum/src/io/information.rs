//! What is known of files and volumes: NtQueryInformationFile and its like. Lengths and cutting are done here, and the
//! classes that no device has a say in.

use super::file::*;
use super::irp::Io;
use crate::answer::Fields;
use crate::call::Cx;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::types::DELETE;
use crate::status::*;
use crate::types::IoStatusBlock;
use crate::um::{UserPtr, UserSlice};
use std::sync::atomic::Ordering;

macro_rules! classes {
    ($($name:ident = $number:literal;)+) => {
        $(#[allow(missing_docs)] pub const $name: u32 = $number;)+
    };
}

classes! {
    FILE_DIRECTORY_INFORMATION = 1;
    FILE_FULL_DIRECTORY_INFORMATION = 2;
    FILE_BOTH_DIRECTORY_INFORMATION = 3;
    FILE_BASIC_INFORMATION = 4;
    FILE_STANDARD_INFORMATION = 5;
    FILE_INTERNAL_INFORMATION = 6;
    FILE_EA_INFORMATION = 7;
    FILE_ACCESS_INFORMATION = 8;
    FILE_NAME_INFORMATION = 9;
    FILE_RENAME_INFORMATION = 10;
    FILE_LINK_INFORMATION = 11;
    FILE_NAMES_INFORMATION = 12;
    FILE_DISPOSITION_INFORMATION = 13;
    FILE_POSITION_INFORMATION = 14;
    FILE_FULL_EA_INFORMATION = 15;
    FILE_MODE_INFORMATION = 16;
    FILE_ALIGNMENT_INFORMATION = 17;
    FILE_ALL_INFORMATION = 18;
    FILE_ALLOCATION_INFORMATION = 19;
    FILE_END_OF_FILE_INFORMATION = 20;
    FILE_ALTERNATE_NAME_INFORMATION = 21;
    FILE_STREAM_INFORMATION = 22;
    FILE_PIPE_INFORMATION = 23;
    FILE_PIPE_LOCAL_INFORMATION = 24;
    FILE_PIPE_REMOTE_INFORMATION = 25;
    FILE_MAILSLOT_QUERY_INFORMATION = 26;
    FILE_MAILSLOT_SET_INFORMATION = 27;
    FILE_COMPRESSION_INFORMATION = 28;
    FILE_COMPLETION_INFORMATION = 30;
    FILE_NETWORK_OPEN_INFORMATION = 34;
    FILE_ATTRIBUTE_TAG_INFORMATION = 35;
    FILE_ID_BOTH_DIRECTORY_INFORMATION = 37;
    FILE_ID_FULL_DIRECTORY_INFORMATION = 38;
    FILE_VALID_DATA_LENGTH_INFORMATION = 39;
    FILE_SHORT_NAME_INFORMATION = 40;
    FILE_IO_COMPLETION_NOTIFICATION_INFORMATION = 41;
    FILE_IO_STATUS_BLOCK_RANGE_INFORMATION = 42;
    FILE_IO_PRIORITY_HINT_INFORMATION = 43;
    FILE_HARD_LINK_INFORMATION = 46;
    FILE_NORMALIZED_NAME_INFORMATION = 48;
    FILE_IS_REMOTE_DEVICE_INFORMATION = 51;
    FILE_STANDARD_LINK_INFORMATION = 54;
    FILE_VOLUME_NAME_INFORMATION = 58;
    FILE_ID_INFORMATION = 59;
    FILE_ID_EXTD_DIRECTORY_INFORMATION = 60;
    FILE_REPLACE_COMPLETION_INFORMATION = 61;
    FILE_ID_EXTD_BOTH_DIRECTORY_INFORMATION = 63;
    FILE_DISPOSITION_INFORMATION_EX = 64;
    FILE_RENAME_INFORMATION_EX = 65;
    FILE_STAT_INFORMATION = 68;
    FILE_CASE_SENSITIVE_INFORMATION = 71;
    FILE_LINK_INFORMATION_EX = 72;

    FILE_FS_VOLUME_INFORMATION = 1;
    FILE_FS_LABEL_INFORMATION = 2;
    FILE_FS_SIZE_INFORMATION = 3;
    FILE_FS_DEVICE_INFORMATION = 4;
    FILE_FS_ATTRIBUTE_INFORMATION = 5;
    FILE_FS_CONTROL_INFORMATION = 6;
    FILE_FS_FULL_SIZE_INFORMATION = 7;
    FILE_FS_OBJECT_ID_INFORMATION = 8;
    FILE_FS_DRIVER_PATH_INFORMATION = 9;
    FILE_FS_VOLUME_FLAGS_INFORMATION = 10;
    FILE_FS_SECTOR_SIZE_INFORMATION = 11;
}

/// How a class is asked for: least length of the buffer, rights.
struct Rule {
    length: usize,
    access: u32,
}

const fn rule(length: usize, access: u32) -> Option<Rule> {
    Some(Rule { length, access })
}

/// What NtQueryInformationFile accepts. Windows asks for FILE_READ_ATTRIBUTES where something is told that a directory
/// listing does not tell; Wine's kernelbase comes with SYNCHRONIZE alone, and for it no right is asked for. Lengths are sizeof of the structures (`ntifs.h`, 64-bit).
fn query_rule(class: u32) -> Option<Rule> {
    match class {
        FILE_BASIC_INFORMATION => rule(40, 0),
        FILE_STANDARD_INFORMATION => rule(24, 0),
        FILE_INTERNAL_INFORMATION => rule(8, 0),
        FILE_EA_INFORMATION | FILE_ACCESS_INFORMATION | FILE_MODE_INFORMATION | FILE_ALIGNMENT_INFORMATION => {
            rule(4, 0)
        }
        FILE_NAME_INFORMATION | FILE_ALTERNATE_NAME_INFORMATION | FILE_NORMALIZED_NAME_INFORMATION => rule(8, 0),
        FILE_VOLUME_NAME_INFORMATION => rule(8, 0),
        FILE_POSITION_INFORMATION => rule(8, 0),
        // Windows only sets it; Wine's ntdll asks it for the size of a manifest.
        FILE_END_OF_FILE_INFORMATION => rule(8, 0),
        FILE_ALL_INFORMATION => rule(104, 0),
        FILE_STREAM_INFORMATION => rule(30, 0),
        FILE_PIPE_INFORMATION => rule(8, FILE_READ_ATTRIBUTES),
        FILE_PIPE_LOCAL_INFORMATION => rule(40, FILE_READ_ATTRIBUTES),
        FILE_PIPE_REMOTE_INFORMATION => rule(16, 0),
        FILE_MAILSLOT_QUERY_INFORMATION => rule(24, 0),
        FILE_COMPRESSION_INFORMATION => rule(16, 0),
        FILE_NETWORK_OPEN_INFORMATION => rule(56, 0),
        FILE_ATTRIBUTE_TAG_INFORMATION => rule(8, 0),
        FILE_IO_COMPLETION_NOTIFICATION_INFORMATION | FILE_IO_PRIORITY_HINT_INFORMATION => rule(4, 0),
        FILE_HARD_LINK_INFORMATION => rule(8, 0),
        FILE_IS_REMOTE_DEVICE_INFORMATION => rule(1, 0),
        FILE_STANDARD_LINK_INFORMATION => rule(12, 0),
        FILE_ID_INFORMATION => rule(24, 0),
        FILE_STAT_INFORMATION => rule(72, 0),
        FILE_CASE_SENSITIVE_INFORMATION => rule(4, 0),
        _ => None,
    }
}

/// Classes that end in a name or list, which is cut to the buffer with `STATUS_BUFFER_OVERFLOW`.
fn is_open_ended(class: u32) -> bool {
    matches!(
        class,
        FILE_NAME_INFORMATION
            | FILE_ALTERNATE_NAME_INFORMATION
            | FILE_NORMALIZED_NAME_INFORMATION
            | FILE_VOLUME_NAME_INFORMATION
            | FILE_ALL_INFORMATION
            | FILE_STREAM_INFORMATION
            | FILE_HARD_LINK_INFORMATION
            | FILE_PIPE_REMOTE_INFORMATION
    )
}

/// What NtSetInformationFile accepts. Attributes and times are set through handles without FILE_WRITE_ATTRIBUTES too, as
/// Wine's kernelbase does it; whether the file may be changed is the monitor's to say.
fn set_rule(class: u32) -> Option<Rule> {
    match class {
        FILE_BASIC_INFORMATION => rule(40, 0),
        FILE_RENAME_INFORMATION | FILE_RENAME_INFORMATION_EX => rule(24, DELETE),
        FILE_LINK_INFORMATION | FILE_LINK_INFORMATION_EX => rule(24, 0),
        FILE_DISPOSITION_INFORMATION => rule(1, DELETE),
        FILE_DISPOSITION_INFORMATION_EX => rule(4, DELETE),
        FILE_POSITION_INFORMATION => rule(8, 0),
        FILE_MODE_INFORMATION => rule(4, 0),
        FILE_ALLOCATION_INFORMATION | FILE_END_OF_FILE_INFORMATION => rule(8, FILE_WRITE_DATA),
        FILE_VALID_DATA_LENGTH_INFORMATION => rule(8, FILE_WRITE_DATA),
        FILE_PIPE_INFORMATION => rule(8, FILE_WRITE_ATTRIBUTES),
        FILE_PIPE_REMOTE_INFORMATION => rule(16, FILE_WRITE_ATTRIBUTES),
        FILE_MAILSLOT_SET_INFORMATION => rule(8, 0),
        FILE_COMPLETION_INFORMATION | FILE_REPLACE_COMPLETION_INFORMATION => rule(16, 0),
        FILE_SHORT_NAME_INFORMATION => rule(8, DELETE),
        FILE_IO_COMPLETION_NOTIFICATION_INFORMATION | FILE_IO_PRIORITY_HINT_INFORMATION => rule(4, 0),
        FILE_IO_STATUS_BLOCK_RANGE_INFORMATION => rule(16, 0),
        FILE_CASE_SENSITIVE_INFORMATION => rule(4, FILE_WRITE_ATTRIBUTES),
        _ => None,
    }
}

/// Stores as much of an answer as fits.
fn store(cx: &Cx<'_>, buffer: UserSlice, answer: &[u8]) -> Nt<Io> {
    let fits = answer.len().min(buffer.length as usize);
    cx.k.write_user(buffer.address, &answer[..fits])?;
    let status = if fits < answer.len() { STATUS_BUFFER_OVERFLOW } else { STATUS_SUCCESS };
    Ok(Io::Done(status, fits as u64))
}

/// The classes that the I/O manager answers itself.
fn common(file: &File, access: u32, class: u32) -> Option<Vec<u8>> {
    let options = file.options();
    Some(match class {
        FILE_ACCESS_INFORMATION => access.to_le_bytes().to_vec(),
        FILE_POSITION_INFORMATION => file.position.load().to_le_bytes().to_vec(),
        FILE_MODE_INFORMATION => (options & MODE_OPTIONS).to_le_bytes().to_vec(),
        FILE_ALIGNMENT_INFORMATION => 0u32.to_le_bytes().to_vec(),
        FILE_IO_COMPLETION_NOTIFICATION_INFORMATION => file.skip.load(Ordering::Relaxed).to_le_bytes().to_vec(),
        // IoPriorityNormal.
        FILE_IO_PRIORITY_HINT_INFORMATION => 2u32.to_le_bytes().to_vec(),
        FILE_IS_REMOTE_DEVICE_INFORMATION => vec![0],
        FILE_VOLUME_NAME_INFORMATION => name_information(&file.device.path().unwrap_or_default()),
        _ => return None,
    })
}

/// Options that FileModeInformation shows.
const MODE_OPTIONS: u32 = FILE_WRITE_THROUGH
    | FILE_SEQUENTIAL_ONLY
    | FILE_NO_INTERMEDIATE_BUFFERING
    | FILE_SYNCHRONOUS_IO_ALERT
    | FILE_SYNCHRONOUS_IO_NONALERT;

/// FILE_NAME_INFORMATION: length in bytes, then the units.
pub fn name_information(name: &[u16]) -> Vec<u8> {
    let mut out = ((name.len() * 2) as u32).to_le_bytes().to_vec();
    name.iter().for_each(|unit| out.extend_from_slice(&unit.to_le_bytes()));
    out
}

/// FILE_ALL_INFORMATION, from the device's classes and the common ones.
fn all(cx: &Cx<'_>, file: &File, object: &Ref, access: u32) -> Nt<Vec<u8>> {
    let mut out = match file.ops.query(cx, object, FILE_ALL_INFORMATION) {
        Ok(out) => out,
        Err(STATUS_INVALID_INFO_CLASS) => {
            let mut out = file.ops.query(cx, object, FILE_BASIC_INFORMATION)?;
            out.extend(file.ops.query(cx, object, FILE_STANDARD_INFORMATION)?);
            out.extend(file.ops.query(cx, object, FILE_INTERNAL_INFORMATION)?);
            out.extend(file.ops.query(cx, object, FILE_EA_INFORMATION)?);
            out.resize(96, 0);
            out.extend(file.ops.query(cx, object, FILE_NAME_INFORMATION)?);
            out
        }
        Err(status) => return Err(status),
    };
    // FILE_ACCESS_, POSITION_, MODE_ and ALIGNMENT_INFORMATION lie between the device's parts.
    let parts = [FILE_ACCESS_INFORMATION, FILE_POSITION_INFORMATION, FILE_MODE_INFORMATION, FILE_ALIGNMENT_INFORMATION];
    let mut at = 76;
    for class in parts {
        let part = common(file, access, class).unwrap_or_default();
        let place = out.get_mut(at..at + part.len()).ok_or(STATUS_INTERNAL_ERROR)?;
        place.copy_from_slice(&part);
        at += part.len();
    }
    Ok(out)
}

/// NtQueryInformationFile.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_ACCESS_DENIED`, and the device's;
/// `STATUS_BUFFER_OVERFLOW` (a warning) when a name was cut.
pub fn nt_query_information_file(
    cx: &Cx<'_>,
    handle: Handle,
    iosb: UserPtr<IoStatusBlock>,
    buffer: u64,
    length: u32,
    class: u32,
) -> Nt {
    let rule = query_rule(class).ok_or(STATUS_INVALID_INFO_CLASS)?;
    super::check_length(length, rule.length)?;
    quiet(cx, handle, rule.access, iosb, |file, object, access| {
        let answer = match common(file, access, class) {
            Some(answer) => answer,
            None if class == FILE_ALL_INFORMATION => all(cx, file, object, access)?,
            None => file.ops.query(cx, object, class)?,
        };
        if answer.len() > length as usize && !is_open_ended(class) {
            return Err(STATUS_INFO_LENGTH_MISMATCH);
        }
        store(cx, UserSlice::new(buffer, u64::from(length)), &answer)
    })
}

/// As [`Cx::io`], for requests that neither wait nor signal.
fn quiet(
    cx: &Cx<'_>,
    handle: Handle,
    access: u32,
    iosb: UserPtr<IoStatusBlock>,
    run: impl FnOnce(&File, &Ref, u32) -> Nt<Io>,
) -> Nt {
    let entry = cx.entry(handle, access)?;
    match run(entry.object.file()?, &entry.object, entry.access)? {
        Io::Done(status, information) => {
            iosb.write(cx.k, IoStatusBlock { status: status.0, pad: 0, information })?;
            Ok(status)
        }
        Io::Late(..) | Io::Pending(_) => Err(STATUS_INTERNAL_ERROR),
    }
}

/// FILE_COMPLETION_INFORMATION: handle of the port, key.
fn bind(cx: &Cx<'_>, file: &File, object: &Ref, data: &[u8], replace: bool) -> Nt {
    let data = Fields(data);
    let (port, key) = (data.u64(0), data.u64(8));
    if file.synchronous() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if replace && port == 0 {
        *file.binding.lock() = None;
        return cx.k.tell_binding(object, None).map(|()| STATUS_SUCCESS);
    }
    if file.is_bound(object) && !replace {
        return Err(STATUS_INVALID_PARAMETER);
    }
    /// IO_COMPLETION_MODIFY_STATE.
    const MODIFY_STATE: u32 = 2;
    let port = cx.object(Handle(port), MODIFY_STATE)?;
    port.io_completion()?;
    *file.binding.lock() = Some(Binding { port: port.clone(), key });
    if let Err(error) = cx.k.tell_binding(object, Some((&port, key))) {
        *file.binding.lock() = None;
        return Err(error);
    }
    if file.is_signalled_by_requests() {
        object.signal.set(cx.k);
    }
    Ok(STATUS_SUCCESS)
}

/// FILE_MODE_INFORMATION: everything but the kind of buffering can be changed; synchronous stays synchronous.
fn set_mode(file: &File, data: &[u8]) -> Nt {
    let mode = Fields(data).u32(0);
    const CHANGEABLE: u32 =
        FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
    const SYNCHRONOUS: u32 = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
    if mode & !CHANGEABLE != 0 || mode & SYNCHRONOUS == SYNCHRONOUS || (mode & SYNCHRONOUS != 0) != file.synchronous() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let kept = file.options() & !CHANGEABLE;
    file.options.store(kept | mode, Ordering::Relaxed);
    Ok(STATUS_SUCCESS)
}

/// Sets a class that the I/O manager sees to itself.
fn set_common(cx: &Cx<'_>, file: &File, object: &Ref, class: u32, data: &[u8]) -> Option<Nt> {
    Some(match class {
        FILE_COMPLETION_INFORMATION => bind(cx, file, object, data, false),
        FILE_REPLACE_COMPLETION_INFORMATION => bind(cx, file, object, data, true),
        FILE_MODE_INFORMATION => set_mode(file, data),
        FILE_POSITION_INFORMATION => {
            let position = Fields(data).i64(0);
            if position < 0 {
                Err(STATUS_INVALID_PARAMETER)
            } else {
                file.position.store(position);
                Ok(STATUS_SUCCESS)
            }
        }
        FILE_IO_COMPLETION_NOTIFICATION_INFORMATION => {
            let bits = Fields(data).u32(0);
            /// FILE_SKIP_SET_USER_EVENT_ON_FAST_IO: kept, but nothing here is fast I/O.
            const FAST_IO: u32 = 4;
            // Bits that nobody knows are passed over.
            let bits = bits & (FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE | FAST_IO);
            if bits & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS != 0 && file.synchronous() {
                Err(STATUS_INVALID_PARAMETER)
            } else {
                file.skip.fetch_or(bits, Ordering::Relaxed);
                Ok(STATUS_SUCCESS)
            }
        }
        // Where the program keeps its status blocks, and how urgent its requests are: hints.
        FILE_IO_STATUS_BLOCK_RANGE_INFORMATION => Ok(STATUS_SUCCESS),
        FILE_IO_PRIORITY_HINT_INFORMATION => {
            /// IoPriorityNormal: what is above is for drivers.
            const HIGHEST: u32 = 2;
            if Fields(data).u32(0) <= HIGHEST { Ok(STATUS_SUCCESS) } else { Err(STATUS_INVALID_PARAMETER) }
        }
        _ => return None,
    })
}

/// NtSetInformationFile.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_ACCESS_DENIED`, and the device's.
pub fn nt_set_information_file(
    cx: &Cx<'_>,
    handle: Handle,
    iosb: UserPtr<IoStatusBlock>,
    buffer: u64,
    length: u32,
    class: u32,
) -> Nt {
    let rule = set_rule(class).ok_or(STATUS_INVALID_INFO_CLASS)?;
    super::check_length(length, rule.length)?;
    let data = UserSlice::new(buffer, u64::from(length)).read_all(cx.k)?;
    quiet(cx, handle, rule.access, iosb, |file, object, _| {
        let status = match set_common(cx, file, object, class, &data) {
            Some(answer) => answer?,
            None => file.ops.set(cx, object, class, &data)?,
        };
        let of_requests = file.ops.signalled_by_requests();
        if class == FILE_IO_COMPLETION_NOTIFICATION_INFORMATION && of_requests && !file.is_signalled_by_requests() {
            object.signal.reset(cx.k);
        }
        Ok(Io::Done(status, 0))
    })
}

/// Least length of a volume class, as sizeof has it.
fn volume_length(class: u32) -> Option<usize> {
    Some(match class {
        FILE_FS_VOLUME_INFORMATION | FILE_FS_SIZE_INFORMATION => 24,
        FILE_FS_DEVICE_INFORMATION => 8,
        FILE_FS_ATTRIBUTE_INFORMATION => 16,
        FILE_FS_CONTROL_INFORMATION => 48,
        FILE_FS_FULL_SIZE_INFORMATION => 32,
        FILE_FS_OBJECT_ID_INFORMATION => 64,
        FILE_FS_DRIVER_PATH_INFORMATION => 12,
        FILE_FS_VOLUME_FLAGS_INFORMATION => 4,
        FILE_FS_SECTOR_SIZE_INFORMATION => 28,
        _ => return None,
    })
}

/// NtQueryVolumeInformationFile.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, and the device's; `STATUS_BUFFER_OVERFLOW` (a warning) when
/// a name was cut.
pub fn nt_query_volume_information_file(
    cx: &Cx<'_>,
    handle: Handle,
    iosb: UserPtr<IoStatusBlock>,
    buffer: u64,
    length: u32,
    class: u32,
) -> Nt {
    let least = volume_length(class).ok_or(STATUS_INVALID_INFO_CLASS)?;
    super::check_length(length, least)?;
    quiet(cx, handle, 0, iosb, |file, object, _| {
        let answer = match file.ops.query_volume(cx, object, class) {
            Err(STATUS_INVALID_DEVICE_REQUEST | STATUS_INVALID_INFO_CLASS) if class == FILE_FS_DEVICE_INFORMATION => {
                let mut answer = file.device_kind().to_le_bytes().to_vec();
                answer.extend_from_slice(&0u32.to_le_bytes());
                answer
            }
            answer => answer?,
        };
        store(cx, UserSlice::new(buffer, u64::from(length)), &answer)
    })
}

/// NtSetVolumeInformationFile.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, and the device's.
pub fn nt_set_volume_information_file(
    cx: &Cx<'_>,
    handle: Handle,
    iosb: UserPtr<IoStatusBlock>,
    buffer: u64,
    length: u32,
    class: u32,
) -> Nt {
    let data = UserSlice::new(buffer, u64::from(length)).read_all(cx.k)?;
    quiet(cx, handle, FILE_WRITE_DATA, iosb, |file, object, _| {
        Ok(Io::Done(file.ops.set_volume(cx, object, class, &data)?, 0))
    })
}
