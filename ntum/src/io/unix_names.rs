//! Wine's two calls between names of files and those that Unix has for them. Its shell32 keeps the latter with what lies in the
//! recycle bin, to know where that came from. Nothing of the host has these names: they are the sandbox's own.

use super::create::attributes_of;
use super::file::{FILE_CREATE, FILE_OPEN, FILE_OVERWRITE};
use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::types::{ObjectAttributesRaw, wide};
use crate::um::UserPtr;

/// Where the drives lie, as in a prefix of Wine's.
const DRIVES: &str = "/dosdevices/";
/// Most bytes of a Unix name: each unit of a UNICODE_STRING may become three.
const LONGEST: usize = 3 * 0x8000;

/// The Unix name of a file on a drive.
fn to_unix(name: &[u16]) -> Nt<String> {
    let name = String::from_utf16_lossy(name);
    let rest = ["\\??\\", "\\DosDevices\\"].iter().find_map(|prefix| name.strip_prefix(prefix));
    let (letter, path) = rest.and_then(|rest| rest.split_once(':')).ok_or(STATUS_BAD_DEVICE_TYPE)?;
    if letter.len() != 1 || !letter.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(STATUS_BAD_DEVICE_TYPE);
    }
    if !path.starts_with('\\') {
        return Err(STATUS_OBJECT_PATH_SYNTAX_BAD);
    }
    Ok(format!("{DRIVES}{}:{}", letter.to_ascii_lowercase(), path.replace('\\', "/")))
}

/// The file that has a Unix name.
fn from_unix(name: &str) -> Nt<Vec<u16>> {
    if !name.starts_with('/') {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let (letter, path) =
        name.strip_prefix(DRIVES).and_then(|rest| rest.split_once(':')).ok_or(STATUS_OBJECT_PATH_NOT_FOUND)?;
    if letter.len() != 1 || !letter.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(STATUS_OBJECT_PATH_NOT_FOUND);
    }
    Ok(wide(&format!("\\??\\{}:{}", letter.to_ascii_uppercase(), path.replace('/', "\\"))))
}

/// wine_nt_to_unix_file_name: fills in `unix`, whose room `size` has in bytes and gets with the final zero. Unless the file is to be
/// opened as it is, it need not be there.
///
/// # Errors
/// As NtQueryAttributesFile; `STATUS_NO_SUCH_FILE`: it is not there, and the name is filled in; `STATUS_BUFFER_TOO_SMALL`;
/// `STATUS_BAD_DEVICE_TYPE`: on no drive; `STATUS_NOT_IMPLEMENTED` with a folder that the name starts from.
pub fn wine_nt_to_unix_file_name(
    cx: &Cx<'_>,
    attributes: UserPtr<ObjectAttributesRaw>,
    unix: u64,
    size: UserPtr<u32>,
    disposition: u32,
) -> Nt {
    let attributes = attributes.load(cx.k)?;
    if attributes.root != Handle(0) {
        return Err(STATUS_NOT_IMPLEMENTED);
    }
    let name = to_unix(attributes.name.as_deref().unwrap_or_default())?;
    let status = match attributes_of(cx, &attributes) {
        Ok(_) if disposition == FILE_CREATE => return Err(STATUS_OBJECT_NAME_COLLISION),
        Ok(_) => STATUS_SUCCESS,
        Err(STATUS_OBJECT_NAME_NOT_FOUND) if !matches!(disposition, FILE_OPEN | FILE_OVERWRITE) => STATUS_NO_SUCH_FILE,
        Err(other) => return Err(other),
    };
    let mut bytes = name.into_bytes();
    bytes.push(0);
    let room = size.read(cx.k)?;
    size.write(cx.k, bytes.len() as u32)?;
    if (room as usize) < bytes.len() {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    cx.k.write_user(unix, &bytes)?;
    if status.is_error() { Err(status) } else { Ok(status) }
}

/// wine_unix_to_nt_file_name: fills in `name`, whose room `size` has in units and gets with the final zero.
///
/// # Errors
/// `STATUS_OBJECT_PATH_NOT_FOUND` for what the other call does not say; `STATUS_INVALID_PARAMETER` for what does not begin at the
/// root; `STATUS_BUFFER_TOO_SMALL`.
pub fn wine_unix_to_nt_file_name(cx: &Cx<'_>, unix: u64, name: u64, size: UserPtr<u32>) -> Nt {
    let mut bytes = Vec::new();
    loop {
        match UserPtr::<u8>::new(unix).add(bytes.len() as u64).read(cx.k)? {
            0 => break,
            _ if bytes.len() == LONGEST => return Err(STATUS_NAME_TOO_LONG),
            byte => bytes.push(byte),
        }
    }
    let mut units = from_unix(&String::from_utf8_lossy(&bytes))?;
    units.push(0);
    let room = size.read(cx.k)?;
    size.write(cx.k, units.len() as u32)?;
    if (room as usize) < units.len() {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    cx.k.write_user(name, &bytes)?;
    Ok(STATUS_SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_name_here_and_there() {
        let name = wide("\\??\\C:\\users\\me\\Ünder file.txt");
        let unix = to_unix(&name).unwrap();
        assert_eq!(unix, "/dosdevices/c:/users/me/Ünder file.txt");
        assert_eq!(from_unix(&unix).unwrap(), name);
    }

    #[test]
    fn what_is_on_no_drive_has_none() {
        for name in ["\\Device\\Null", "\\??\\UNC\\a\\b", "\\??\\pipe\\a:b", "C:\\a", "", "\\??\\:\\"] {
            assert_eq!(to_unix(&wide(name)).unwrap_err(), STATUS_BAD_DEVICE_TYPE, "{name}");
        }
        assert_eq!(to_unix(&wide("\\??\\C:a")).unwrap_err(), STATUS_OBJECT_PATH_SYNTAX_BAD);
        assert_eq!(from_unix("a/b").unwrap_err(), STATUS_INVALID_PARAMETER);
        for name in ["/", "/home/me", "/dosdevices/", "/dosdevices/com1", "/dosdevices/::/"] {
            assert_eq!(from_unix(name).unwrap_err(), STATUS_OBJECT_PATH_NOT_FOUND, "{name}");
        }
    }
}
