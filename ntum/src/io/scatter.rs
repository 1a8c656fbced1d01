//! Transfers between a file and pages that lie anywhere: NtReadFileScatter and NtWriteFileGather.

use super::file::*;
use super::irp::{Io, Request, Target};
use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::ps::info::IoKind;
use crate::status::*;
use crate::types::IoStatusBlock;
use crate::um::{UserPtr, UserSlice};

/// Bytes of the pages that FILE_SEGMENT_ELEMENTs point at.
const PAGE: u64 = 4096;

/// One page's transfer: buffer and offset.
type Step<'a> = &'a dyn Fn(&File, &Request<'_>, UserSlice, i64) -> Nt<Io>;

#[allow(clippy::too_many_arguments)]
fn transfer(
    cx: &Cx<'_>,
    handle: Handle,
    access: u32,
    target: Target,
    segments: UserPtr<u64>,
    length: u32,
    offset: UserPtr<i64>,
    step: Step<'_>,
) -> Nt {
    let offset = offset.read_opt(cx.k)?;
    let length = u64::from(length);
    let segments = segments.read_vec(cx.k, length.div_ceil(PAGE) as usize)?;
    cx.io(handle, access, target, |file, request| {
        let unbuffered = file.options() & FILE_NO_INTERMEDIATE_BUFFERING != 0;
        let offset = offset.filter(|offset| *offset >= 0).ok_or(STATUS_INVALID_PARAMETER)?;
        if file.synchronous() || !unbuffered || segments.iter().any(|address| !address.is_multiple_of(PAGE)) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let mut moved = 0;
        for address in &segments {
            let wanted = PAGE.min(length - moved);
            let at = offset.checked_add(moved as i64).ok_or(STATUS_INVALID_PARAMETER)?;
            match step(file, request, UserSlice::new(*address, wanted), at) {
                Ok(Io::Late(STATUS_END_OF_FILE, _)) if moved == 0 => return Err(STATUS_END_OF_FILE),
                Ok(Io::Done(_, count) | Io::Late(_, count)) => {
                    moved += count;
                    if count < wanted {
                        break;
                    }
                }
                Ok(Io::Pending(_)) => return Err(STATUS_INVALID_PARAMETER),
                Err(_) if moved != 0 => break,
                Err(status) => return Err(status),
            }
        }
        Ok(Io::Late(STATUS_SUCCESS, moved))
    })
}

/// NtReadFileScatter: into pages, for files opened asynchronously and without buffering.
///
/// # Errors
/// As `NtReadFile`; `STATUS_INVALID_PARAMETER` for another kind of file.
#[allow(clippy::too_many_arguments)]
pub fn nt_read_file_scatter(
    cx: &Cx<'_>,
    file: Handle,
    event: Handle,
    apc: u64,
    context: u64,
    iosb: UserPtr<IoStatusBlock>,
    segments: UserPtr<u64>,
    length: u32,
    offset: UserPtr<i64>,
    key: UserPtr<u32>,
) -> Nt {
    let key = key.read_opt(cx.k)?.unwrap_or(0);
    let target = Target { event, apc, context, iosb };
    transfer(cx, file, FILE_READ_DATA, target, segments, length, offset, &|file, request, buffer, at| {
        request.counts_as(IoKind::Read);
        file.ops.read(cx, request, buffer, Some(at), key)
    })
}

/// NtWriteFileGather: from pages.
///
/// # Errors
/// As [`nt_read_file_scatter`].
#[allow(clippy::too_many_arguments)]
pub fn nt_write_file_gather(
    cx: &Cx<'_>,
    file: Handle,
    event: Handle,
    apc: u64,
    context: u64,
    iosb: UserPtr<IoStatusBlock>,
    segments: UserPtr<u64>,
    length: u32,
    offset: UserPtr<i64>,
    key: UserPtr<u32>,
) -> Nt {
    let key = key.read_opt(cx.k)?.unwrap_or(0);
    let target = Target { event, apc, context, iosb };
    transfer(cx, file, FILE_WRITE_DATA, target, segments, length, offset, &|file, request, buffer, at| {
        request.counts_as(IoKind::Write);
        file.ops.write(cx, request, buffer, Some(at), key)
    })
}
