//! CreateSymbolicLinkW, of which Wine's kernelbase says that it did what it was asked for, and does nothing. `mm::kernelbase` puts a
//! call of the kernel in its place, with a number that no call of ntdll has.

use super::DiskFile;
use super::link::{HEAD, RELATIVE, SYMLINK};
use crate::call::Cx;
use crate::io::device::Create;
use crate::io::dos::{self, Start};
use crate::io::file::*;
use crate::ob::types::{DELETE, SYNCHRONIZE};
use crate::ps::layout::teb;
use crate::status::*;
use crate::types::{OBJ_CASE_INSENSITIVE, ObjectAttributes};
use crate::um::UserPtr;
use shim_abi::calls::StreamDelete;
use std::sync::atomic::Ordering;

/// The call's number.
pub const NUMBER: u32 = 0xe00;
/// SYMBOLIC_LINK_FLAG_DIRECTORY, SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE.
const DIRECTORY: u32 = 1;
const UNPRIVILEGED: u32 = 2;

/// Carries the function out, if the number is its: what it leaves in the register of a result.
#[cold]
pub fn call(cx: &Cx<'_>, number: u32, registers: [u64; 4]) -> Option<u64> {
    if number != NUMBER {
        return None;
    }
    let [name, target, flags, _] = registers;
    let made = create(cx, name, target, flags as u32);
    if cx.k.boot.trace {
        let shown = format!("(0x{name:x}, 0x{target:x}, 0x{flags:x}) = {made:x?}");
        cx.k.host.trace(&format!("{:04x} kernelbase.CreateSymbolicLinkW{shown}", cx.t.id));
    }
    if let Err(status) = made {
        let at = cx.t.teb.load(Ordering::Acquire) + teb::LAST_ERROR;
        // A thread without a TEB that can be written has nobody to ask for it.
        let _ = UserPtr::new(at).write(cx.k, error(status));
    }
    Some(made.is_ok().into())
}

/// What GetLastError says of a status that may come of it (RtlNtStatusToDosError).
fn error(status: Status) -> u32 {
    match status {
        STATUS_OBJECT_NAME_NOT_FOUND => 2,
        STATUS_OBJECT_PATH_NOT_FOUND => 3,
        STATUS_TOO_MANY_OPENED_FILES => 4,
        STATUS_ACCESS_DENIED | STATUS_DELETE_PENDING | STATUS_FILE_IS_A_DIRECTORY | STATUS_CANNOT_DELETE => 5,
        STATUS_NO_MEMORY => 8,
        STATUS_SHARING_VIOLATION => 32,
        STATUS_NOT_SUPPORTED => 50,
        STATUS_INVALID_PARAMETER => 87,
        STATUS_DISK_FULL => 112,
        STATUS_OBJECT_NAME_INVALID => 123,
        STATUS_OBJECT_PATH_SYNTAX_BAD => 161,
        STATUS_OBJECT_NAME_COLLISION => 183,
        STATUS_NAME_TOO_LONG => 206,
        STATUS_NOT_A_DIRECTORY => 267,
        STATUS_ACCESS_VIOLATION => 998,
        STATUS_UNEXPECTED_IO_ERROR => 1117,
        STATUS_INSUFFICIENT_RESOURCES => 1450,
        STATUS_IO_REPARSE_DATA_INVALID => 4392,
        // ERROR_MR_MID_NOT_FOUND.
        _ => 317,
    }
}

/// Makes a link. Everybody may, as where Windows is told that its user is a developer.
fn create(cx: &Cx<'_>, name: u64, target: u64, flags: u32) -> Nt<()> {
    if name == 0 || target == 0 || flags & !(DIRECTORY | UNPRIVILEGED) != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let (name, target) = (dos::text(cx, name)?, dos::text(cx, target)?);
    let here = dos::current_directory(cx)?;
    let data = reparse_data(&target, &here)?;
    let name = dos::nt_name(&name, &here)?;
    let attributes =
        ObjectAttributes { name: Some(name), attributes: OBJ_CASE_INSENSITIVE, ..ObjectAttributes::default() };
    let kind = if flags & DIRECTORY != 0 { FILE_DIRECTORY_FILE } else { FILE_NON_DIRECTORY_FILE };
    let options = kind | FILE_OPEN_REPARSE_POINT | FILE_SYNCHRONOUS_IO_NONALERT;
    let access = FILE_WRITE_ATTRIBUTES | DELETE | SYNCHRONIZE;
    let request = Create { disposition: FILE_CREATE, share: 0, ..Create::existing(access, options) };
    let opened = cx.open_file(&attributes, &request)?;
    let made = opened.object.file()?.driver::<DiskFile>().and_then(|file| {
        file.set_reparse_data(cx, &data).inspect_err(|_| {
            // Nothing is left of it.
            let _ = cx.k.host.ask(&StreamDelete { uri: file.link.uri(), identity: file.fcb.identity_now() });
        })
    });
    last_handle_closed(cx.k, &opened.object);
    made
}

/// REPARSE_DATA_BUFFER of a link to a DOS name: relative if that is, else with the NT name. What is shown is the name as given.
fn reparse_data(target: &[u16], here: &[u16]) -> Nt<Vec<u8>> {
    let (flags, to) = match dos::start(target) {
        Start::Relative | Start::Rooted => (RELATIVE, target.to_vec()),
        _ => (0, dos::nt_name(target, here)?),
    };
    let bytes = |text: &[u16]| text.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<u8>>();
    let (to, shown) = (bytes(&to), bytes(target));
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).map_err(|_| STATUS_NAME_TOO_LONG);
    // SubstituteNameOffset and -Length, PrintNameOffset and -Length, Flags, PathBuffer.
    let mut body = Vec::new();
    for half in [length(&shown)?, length(&to)?, 0, length(&shown)?] {
        body.extend(half.to_le_bytes());
    }
    body.extend(flags.to_le_bytes());
    body.extend(shown);
    body.extend(to);
    let mut data = Vec::with_capacity(HEAD + body.len());
    data.extend(SYMLINK.to_le_bytes());
    data.extend(u32::from(length(&body)?).to_le_bytes());
    data.extend(body);
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::wide;

    #[test]
    fn a_link_says_where_it_leads_and_what_it_was_given() {
        let data = |target: &str| reparse_data(&wide(target), &wide("C:\\here\\")).unwrap();
        let text = |bytes: &[u8]| {
            let units: Vec<u16> = bytes.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
            String::from_utf16_lossy(&units)
        };
        let relative = data("..\\a");
        assert_eq!(relative[..8], [0x0c, 0, 0, 0xa0, 28, 0, 0, 0]);
        assert_eq!(relative[8..20], [8, 0, 8, 0, 0, 0, 8, 0, 1, 0, 0, 0]);
        assert_eq!(text(&relative[20..]), "..\\a..\\a");
        let absolute = data("D:\\a");
        assert_eq!(absolute[8..20], [8, 0, 16, 0, 0, 0, 8, 0, 0, 0, 0, 0]);
        assert_eq!(text(&absolute[20..]), "D:\\a\\??\\D:\\a");
        assert_eq!(text(&data("c:a")[20..]), "c:a\\??\\C:\\here\\a");
        assert_eq!(reparse_data(&wide(&"a".repeat(0x7fff)), &[]), Err(STATUS_NAME_TOO_LONG));
    }
}
