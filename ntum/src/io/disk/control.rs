//! File system control requests (NtFsControlFile) and device control requests of files and volumes.

use super::DiskFile;
use crate::call::Cx;
use crate::host::Stream;
use crate::io::file::{Control, FILE_WRITE_ATTRIBUTES, FILE_WRITE_DATA};
use crate::io::irp::{Io, Request};
use crate::status::*;
use crate::um::{UserPtr, UserSlice};

/// What FSCTL_* and IOCTL_* codes stand for (`winioctl.h`).
mod code {
    pub const REQUEST_OPLOCKS: [u32; 5] = [0x9_0000, 0x9_0004, 0x9_0008, 0x9_005c, 0x9_0240];
    pub const IS_VOLUME_MOUNTED: u32 = 0x9_0028;
    pub const IS_PATHNAME_VALID: u32 = 0x9_002c;
    pub const GET_COMPRESSION: u32 = 0x9_003c;
    pub const SET_COMPRESSION: u32 = 0x9_c040;
    pub const GET_OBJECT_ID: u32 = 0x9_009c;
    pub const CREATE_OR_GET_OBJECT_ID: u32 = 0x9_00c0;
    pub const SET_REPARSE_POINT: u32 = 0x9_00a4;
    pub const GET_REPARSE_POINT: u32 = 0x9_00a8;
    pub const DELETE_REPARSE_POINT: u32 = 0x9_00ac;
    pub const SET_SPARSE: u32 = 0x9_00c4;
    pub const SET_ZERO_DATA: u32 = 0x9_80c8;
    pub const QUERY_ALLOCATED_RANGES: u32 = 0x9_40cf;
    pub const STORAGE_GET_DEVICE_NUMBER: u32 = 0x2d_1080;
    pub const STORAGE_CHECK_VERIFY: u32 = 0x2d_4800;
    pub const STORAGE_CHECK_VERIFY2: u32 = 0x2d_0800;
    pub const DISK_GET_LENGTH_INFO: u32 = 0x7_405c;
    pub const MOUNTDEV_QUERY_DEVICE_NAME: u32 = 0x4d_0008;
}

/// Stores an answer that must fit whole.
fn store(cx: &Cx<'_>, output: UserSlice, answer: &[u8]) -> Nt<Io> {
    if output.length < answer.len() as u64 {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    output.write_at(cx.k, 0, answer)?;
    Io::done(answer.len() as u64)
}

/// Two numbers of the input.
fn pair(cx: &Cx<'_>, input: UserSlice) -> Nt<(i64, i64)> {
    if input.length < 16 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let [first, second] = UserPtr::<[i64; 2]>::new(input.address).read(cx.k)?;
    Ok((first, second))
}

/// Answers NtFsControlFile.
///
/// # Errors
/// `STATUS_INVALID_DEVICE_REQUEST` for a request that the file system does not know.
pub fn fsctl(cx: &Cx<'_>, file: &DiskFile, request: &Request<'_>, control: Control) -> Nt<Io> {
    match control.code {
        code if code::REQUEST_OPLOCKS.contains(&code) => Err(STATUS_OPLOCK_NOT_GRANTED),
        code::IS_VOLUME_MOUNTED | code::IS_PATHNAME_VALID | code::SET_SPARSE => Io::done(0),
        code::GET_COMPRESSION => store(cx, control.output, &[0; 2]),
        code::SET_COMPRESSION => {
            let mut format = [0; 2];
            if control.input.length < 2 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            cx.k.read_user(control.input.address, &mut format)?;
            // COMPRESSION_FORMAT_NONE is what there is.
            if format == [0; 2] { Io::done(0) } else { Err(STATUS_INVALID_DEVICE_REQUEST) }
        }
        code::GET_OBJECT_ID | code::CREATE_OR_GET_OBJECT_ID => {
            // FILE_OBJECTID_BUFFER. The id is what the host knows the file by.
            let mut answer = [0; 64];
            answer[..8].copy_from_slice(&file.fcb.identity.volume.to_le_bytes());
            answer[8..16].copy_from_slice(&file.fcb.identity.number.to_le_bytes());
            store(cx, control.output, &answer)
        }
        code::GET_REPARSE_POINT if control.output.length == 0 => Err(STATUS_INVALID_USER_BUFFER),
        code::GET_REPARSE_POINT => {
            let data = file.reparse_data(cx)?;
            let fit = data.len().min(control.output.length as usize);
            if fit < 8 {
                return Err(STATUS_BUFFER_TOO_SMALL);
            }
            control.output.write_at(cx.k, 0, &data[..fit])?;
            Ok(Io::Done(if fit < data.len() { STATUS_BUFFER_OVERFLOW } else { STATUS_SUCCESS }, fit as u64))
        }
        code::SET_REPARSE_POINT | code::DELETE_REPARSE_POINT => {
            if request.access & (FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES) == 0 {
                return Err(STATUS_ACCESS_DENIED);
            }
            let mut data = vec![0; (control.input.length as usize).min(0x4001)];
            cx.k.read_user(control.input.address, &mut data)?;
            match control.code {
                code::SET_REPARSE_POINT => file.set_reparse_data(cx, &data)?,
                _ => file.delete_reparse_data(cx, &data)?,
            }
            Io::done(0)
        }
        code::SET_ZERO_DATA => zero(cx, file, request, pair(cx, control.input)?),
        code::QUERY_ALLOCATED_RANGES => ranges(cx, file, control),
        _ => Err(STATUS_INVALID_DEVICE_REQUEST),
    }
}

/// Writes all of some bytes at the beginning of a stream.
pub fn write_all(cx: &Cx<'_>, stream: &Stream, bytes: &[u8]) -> Nt<()> {
    let mut done = 0;
    while done < bytes.len() {
        match cx.k.host.write_bytes(stream, &bytes[done..], Some(done as u64))? {
            0 => return Err(STATUS_DISK_FULL),
            count => done += count,
        }
    }
    Ok(())
}

/// FSCTL_SET_ZERO_DATA: from the first offset up to the second, as far as the file goes.
fn zero(cx: &Cx<'_>, file: &DiskFile, request: &Request<'_>, (from, to): (i64, i64)) -> Nt<Io> {
    const CHUNK: usize = 0x1_0000;
    if from < 0 || to < from {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if request.access & FILE_WRITE_DATA == 0 {
        return Err(STATUS_ACCESS_DENIED);
    }
    let stream = file.stream()?;
    let end = (to as u64).min(cx.k.host.query(stream)?.size);
    let mut at = from as u64;
    file.fcb.locks.check(file.owner(0), at, end.saturating_sub(at), true)?;
    let zeros = vec![0; CHUNK.min(end.saturating_sub(at) as usize)];
    while at < end {
        let length = zeros.len().min((end - at) as usize);
        match cx.k.host.write_bytes(stream, &zeros[..length], Some(at))? {
            0 => return Err(STATUS_DISK_FULL),
            count => at += count as u64,
        }
    }
    Io::done(0)
}

/// FSCTL_QUERY_ALLOCATED_RANGES: what of a range the file covers; the host does not tell of holes.
fn ranges(cx: &Cx<'_>, file: &DiskFile, control: Control) -> Nt<Io> {
    let (offset, length) = pair(cx, control.input)?;
    let (Ok(offset), Ok(length)) = (u64::try_from(offset), u64::try_from(length)) else {
        return Err(STATUS_INVALID_PARAMETER);
    };
    let end = offset.saturating_add(length).min(cx.k.host.query(file.stream()?)?.size);
    if end <= offset {
        return Io::done(0);
    }
    if control.output.length < 16 {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    let mut answer = offset.to_le_bytes().to_vec();
    answer.extend_from_slice(&(end - offset).to_le_bytes());
    store(cx, control.output, &answer)
}

/// Answers NtDeviceIoControlFile, for a volume and for files on it. `name` is the device's, `number` counts volumes from 1.
///
/// # Errors
/// `STATUS_INVALID_DEVICE_REQUEST` for a request that the device does not know.
pub fn ioctl(cx: &Cx<'_>, control: Control, uri: &str, name: &[u16], number: u32) -> Nt<Io> {
    match control.code {
        code::STORAGE_GET_DEVICE_NUMBER => {
            // STORAGE_DEVICE_NUMBER: the disk's type, its number, the partition's.
            let answer = [super::FILE_DEVICE_DISK, 0, number].map(u32::to_le_bytes);
            store(cx, control.output, answer.as_flattened())
        }
        code::STORAGE_CHECK_VERIFY | code::STORAGE_CHECK_VERIFY2 => Io::done(0),
        code::DISK_GET_LENGTH_INFO => {
            let volume = cx.k.host.ask(&shim_abi::calls::VolumeQuery { uri: uri.to_owned() })?;
            store(cx, control.output, &volume.total.to_le_bytes())
        }
        code::MOUNTDEV_QUERY_DEVICE_NAME => {
            // MOUNTDEV_NAME: length in bytes, units.
            let mut answer = ((name.len() * 2) as u16).to_le_bytes().to_vec();
            name.iter().for_each(|unit| answer.extend_from_slice(&unit.to_le_bytes()));
            if control.output.length < 4 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            if control.output.length < answer.len() as u64 {
                control.output.write_at(cx.k, 0, &answer[..2])?;
                return Ok(Io::Done(STATUS_BUFFER_OVERFLOW, 4));
            }
            store(cx, control.output, &answer)
        }
        _ => Err(STATUS_INVALID_DEVICE_REQUEST),
    }
}
