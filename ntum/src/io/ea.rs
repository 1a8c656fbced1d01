//! Extended attributes: no file has any, and none can be given one, as on a FAT volume.

use super::file::{FILE_READ_EA, FILE_WRITE_EA};
use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::types::IoStatusBlock;
use crate::um::UserPtr;

/// NtQueryEaFile.
///
/// # Errors
/// `STATUS_NO_EAS_ON_FILE`, and those of the handle.
#[allow(clippy::too_many_arguments)]
pub fn nt_query_ea_file(
    cx: &Cx<'_>,
    file: Handle,
    _iosb: UserPtr<IoStatusBlock>,
    buffer: u64,
    length: u32,
    _single: bool,
    _list: u64,
    _list_length: u32,
    _index: UserPtr<u32>,
    _restart: bool,
) -> Nt {
    cx.object(file, FILE_READ_EA)?.file()?;
    if length != 0 {
        // NTFS clears the buffer before it finds that there is nothing to put in.
        let zeros = vec![0; (length as usize).min(0x1_0000)];
        cx.k.write_user(buffer, &zeros)?;
    }
    Err(STATUS_NO_EAS_ON_FILE)
}

/// NtSetEaFile.
///
/// # Errors
/// `STATUS_EAS_NOT_SUPPORTED`, and those of the handle.
pub fn nt_set_ea_file(cx: &Cx<'_>, file: Handle, _iosb: UserPtr<IoStatusBlock>, _buffer: u64, _length: u32) -> Nt {
    cx.object(file, FILE_WRITE_EA)?.file()?;
    Err(STATUS_EAS_NOT_SUPPORTED)
}
