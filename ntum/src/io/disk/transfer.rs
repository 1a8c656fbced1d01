//! Bytes in and out of files, straight from and to guest memory.

use super::DiskFile;
use crate::call::Cx;
use crate::host::Stream;
use crate::io::file::*;
use crate::io::irp::Io;
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::{UserSlice, in_range};
use shim_abi::error::Error;

/// What transfers past the host's cache must be multiples of.
pub const SECTOR: u64 = 512;

/// Bytes of a page of memory.
const PAGE: u64 = 4096;

/// Where a transfer starts, and whether the file's position follows it.
fn start(file: &File, offset: Option<i64>) -> Nt<u64> {
    let synchronous = file.synchronous();
    match offset {
        None | Some(FILE_USE_FILE_POINTER_POSITION) if synchronous => Ok(file.position.load().max(0) as u64),
        Some(offset) if offset >= 0 => Ok(offset as u64),
        _ => Err(STATUS_INVALID_PARAMETER),
    }
}

fn check_sectors(file: &File, start: u64, length: u64) -> Nt<()> {
    let unbuffered = file.options() & FILE_NO_INTERMEDIATE_BUFFERING != 0;
    if unbuffered && !(start.is_multiple_of(SECTOR) && length.is_multiple_of(SECTOR)) {
        Err(STATUS_INVALID_PARAMETER)
    } else {
        Ok(())
    }
}

/// Reads.
///
/// # Errors
/// `STATUS_END_OF_FILE`, `STATUS_FILE_LOCK_CONFLICT`, `STATUS_INVALID_PARAMETER`, `STATUS_ACCESS_VIOLATION`, the host's.
#[inline]
pub fn read(cx: &Cx<'_>, disk: &DiskFile, file: &File, buffer: UserSlice, offset: Option<i64>, key: u32) -> Nt<Io> {
    let stream = disk.stream()?;
    let _turn = file.position.turn(file.synchronous());
    let at = start(file, offset)?;
    check_sectors(file, at, buffer.length)?;
    disk.fcb.locks.check(disk.owner(key), at, buffer.length, false)?;
    disk.check_others(disk.owner(key), at, buffer.length, false)?;
    let read = move_bytes(cx.k, stream, buffer, at, Direction::Read)?;
    if read < buffer.length {
        // A buffer that cannot take as much as it claims is told before the end is. Its ends are looked at: to touch every
        // page, as NT does, would bring memory in that the program may never use. Who watches stores sees all of them, as on NT.
        if cx.k.mm.watches(buffer.address) {
            cx.k.probe_write(buffer.address, buffer.length)?;
        }
        cx.k.probe_write(buffer.address + read, 1)?;
        cx.k.probe_write(buffer.address + buffer.length - 1, 1)?;
    }
    if file.synchronous() {
        file.position.store((at + read) as i64);
    }
    if read != 0 || buffer.length == 0 {
        return Ok(ended(file, STATUS_SUCCESS, read));
    }
    if file.synchronous() { Err(STATUS_END_OF_FILE) } else { Ok(ended(file, STATUS_END_OF_FILE, 0)) }
}

/// Writes.
///
/// # Errors
/// As [`read`]; `STATUS_DISK_FULL`.
#[inline]
pub fn write(cx: &Cx<'_>, disk: &DiskFile, file: &File, buffer: UserSlice, offset: Option<i64>, key: u32) -> Nt<Io> {
    let stream = disk.stream()?;
    let _turn = file.position.turn(file.synchronous());
    let appending = (offset == Some(FILE_WRITE_TO_END_OF_FILE)).then(|| (disk.fcb.append.lock(), disk.hold_end()));
    let at = if appending.is_some() { cx.k.host.query(stream)?.size } else { start(file, offset)? };
    check_sectors(file, at, buffer.length)?;
    if at.checked_add(buffer.length).is_none_or(|end| end > i64::MAX as u64) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    disk.fcb.locks.check(disk.owner(key), at, buffer.length, true)?;
    disk.check_others(disk.owner(key), at, buffer.length, true)?;
    let written = move_bytes(cx.k, stream, buffer, at, Direction::Write)?;
    drop(appending);
    if file.options() & FILE_WRITE_THROUGH != 0 && written != 0 {
        cx.k.host.flush(stream)?;
    }
    if file.synchronous() {
        file.position.store((at + written) as i64);
    }
    Ok(ended(file, STATUS_SUCCESS, written))
}

/// The end of a transfer, told as the kind of file object asks for.
fn ended(file: &File, status: Status, moved: u64) -> Io {
    if file.synchronous() { Io::Done(status, moved) } else { Io::Late(status, moved) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Read,
    Write,
}

/// Moves bytes between a stream and guest memory until all are moved or the stream ends.
#[inline]
fn move_bytes(k: &'static Kernel, stream: &Stream, buffer: UserSlice, at: u64, direction: Direction) -> Nt<u64> {
    if buffer.length == 0 {
        return Ok(0);
    }
    // A bad buffer to write from has a status of its own.
    let bad = if direction == Direction::Read { STATUS_ACCESS_VIOLATION } else { STATUS_INVALID_USER_BUFFER };
    if !in_range(buffer.address, buffer.length) {
        return Err(bad);
    }
    let mut moved = 0;
    let mut probed = false;
    while moved < buffer.length {
        let (address, length) = (buffer.address + moved, (buffer.length - moved) as usize);
        let offset = Some(at + moved);
        let step = match direction {
            Direction::Read => k.host.read(stream, address, length, offset),
            Direction::Write => k.host.write(stream, address, length, offset),
        };
        match step {
            Ok(0) => break,
            Ok(count) => {
                moved += count as u64;
                // What gives less than was asked for has come to its end, unless it is the memory that did: at a page's edge.
                let edge = (address + count as u64).is_multiple_of(PAGE);
                if direction == Direction::Read && count < length && !edge {
                    break;
                }
            }
            Err(Error::Fault) if !probed => {
                // A page that the host could not reach may be one that a touch brings in.
                let touched = match direction {
                    Direction::Read => k.probe_write(address, length as u64),
                    Direction::Write => k.probe_read(address, length as u64),
                };
                touched.map_err(|_| bad)?;
                probed = true;
            }
            Err(Error::Interrupted) => {}
            Err(_) if moved != 0 => break,
            Err(Error::Fault) => return Err(bad),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(moved)
}
