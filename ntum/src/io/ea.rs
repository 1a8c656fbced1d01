//! NtQueryEaFile and NtSetEaFile: extended attributes, which files and folders of disks have (`disk::ea`).

use super::disk::DiskFile;
use super::disk::ea;
use super::file::{FILE_READ_EA, FILE_WRITE_EA};
use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::types::IoStatusBlock;
use crate::um::{UserPtr, UserSlice};
use std::sync::atomic::Ordering;

/// Most bytes of a list that is looked at.
const LONGEST: u64 = 0x10_0000;

/// Stores the outcome: a list that is wrong tells where.
fn told(cx: &Cx<'_>, iosb: UserPtr<IoStatusBlock>, status: Status, information: u64) -> Nt {
    iosb.write(cx.k, IoStatusBlock { status: status.0, pad: 0, information })?;
    if status == STATUS_SUCCESS { Ok(status) } else { Err(status) }
}

fn load(cx: &Cx<'_>, list: u64, length: u32) -> Nt<Vec<u8>> {
    match u64::from(length) {
        long if long > LONGEST => Err(STATUS_EA_TOO_LARGE),
        length => UserSlice::new(list, length).read_all(cx.k),
    }
}

/// The attributes that a file is to be made with.
///
/// # Errors
/// `STATUS_EA_LIST_INCONSISTENT`, `STATUS_INVALID_EA_NAME`, `STATUS_EA_TOO_LARGE`, `STATUS_ACCESS_VIOLATION`.
pub fn wanted(cx: &Cx<'_>, list: UserSlice) -> Nt<Vec<ea::Attribute>> {
    if list.length == 0 {
        return Ok(Vec::new());
    }
    let bytes = if list.length > LONGEST { Err(STATUS_EA_TOO_LARGE) } else { list.read_all(cx.k) }?;
    ea::parse(&bytes).map_err(|(status, _)| status)
}

/// NtQueryEaFile: those of a list of names, or from an index on, or those that follow what the handle was told last.
///
/// # Errors
/// `STATUS_NO_EAS_ON_FILE`, `STATUS_NO_MORE_EAS`, `STATUS_NONEXISTENT_EA_ENTRY`, `STATUS_EA_LIST_INCONSISTENT`,
/// `STATUS_INVALID_EA_NAME`, `STATUS_BUFFER_TOO_SMALL`, `STATUS_BUFFER_OVERFLOW` if some did not fit,
/// `STATUS_INVALID_DEVICE_REQUEST` for what is no file of a disk, and those of the handle.
#[allow(clippy::too_many_arguments)]
pub fn nt_query_ea_file(
    cx: &Cx<'_>,
    file: Handle,
    iosb: UserPtr<IoStatusBlock>,
    buffer: u64,
    length: u32,
    single: bool,
    list: u64,
    list_length: u32,
    index: UserPtr<u32>,
    restart: bool,
) -> Nt {
    let object = cx.object(file, FILE_READ_EA)?;
    let file: &DiskFile = object.file()?.driver().map_err(|_| STATUS_INVALID_DEVICE_REQUEST)?;
    if length != 0 {
        // NTFS clears the buffer before it finds what is to be put in.
        let zeros = vec![0; (length as usize).min(0x1_0000)];
        cx.k.write_user(buffer, &zeros)?;
    }
    let all = cx.k.extended_attributes(&file.fcb.identity);
    let answer = |attributes: &[ea::Attribute]| {
        let (bytes, count) = ea::render(attributes, length as usize, single)?;
        cx.k.write_user(buffer, &bytes)?;
        let whole = count == attributes.len() || single;
        Nt::Ok((count, told(cx, iosb, if whole { STATUS_SUCCESS } else { STATUS_BUFFER_OVERFLOW }, bytes.len() as u64)))
    };
    if list != 0 && list_length != 0 {
        return match ea::names(&load(cx, list, list_length)?) {
            Ok(names) => answer(&ea::picked(&all, names))?.1,
            Err((status, at)) => told(cx, iosb, status, at),
        };
    }
    if all.is_empty() {
        return Err(STATUS_NO_EAS_ON_FILE);
    }
    let from = match index.read_opt(cx.k)? {
        Some(0) => return Err(STATUS_NONEXISTENT_EA_ENTRY),
        Some(index) if index as usize > all.len() + 1 => return Err(STATUS_NONEXISTENT_EA_ENTRY),
        Some(index) => index as usize - 1,
        None if restart => 0,
        None => file.told_attributes.load(Ordering::Acquire) as usize,
    };
    let rest = all.get(from..).filter(|rest| !rest.is_empty()).ok_or(STATUS_NO_MORE_EAS)?;
    let (count, status) = answer(rest)?;
    file.told_attributes.store((from + count) as u32, Ordering::Release);
    status
}

/// NtSetEaFile: sets attributes, and takes those away that come without a value.
///
/// # Errors
/// `STATUS_EA_LIST_INCONSISTENT`, `STATUS_INVALID_EA_NAME`, `STATUS_EA_TOO_LARGE`, `STATUS_INSUFFICIENT_RESOURCES`,
/// `STATUS_INVALID_DEVICE_REQUEST` for what is no file of a disk, and those of the handle.
pub fn nt_set_ea_file(cx: &Cx<'_>, file: Handle, iosb: UserPtr<IoStatusBlock>, buffer: u64, length: u32) -> Nt {
    let object = cx.object(file, FILE_WRITE_EA)?;
    let file: &DiskFile = object.file()?.driver().map_err(|_| STATUS_INVALID_DEVICE_REQUEST)?;
    let bytes = load(cx, buffer, length)?;
    let changes = if bytes.is_empty() { Ok(Vec::new()) } else { ea::parse(&bytes) };
    match changes {
        Ok(changes) => {
            cx.k.set_extended_attributes(&file.fcb.identity, changes, false)?;
            // The next question begins anew.
            file.told_attributes.store(0, Ordering::Release);
            told(cx, iosb, STATUS_SUCCESS, 0)
        }
        Err((status, at)) => told(cx, iosb, status, at),
    }
}
