//! DOS names as ntdll makes NT's of them, for calls of the kernel's that are given such (RtlDosPathNameToNtPathName).

use crate::call::Cx;
use crate::ps::layout::{parameters, peb};
use crate::status::{Nt, STATUS_NAME_TOO_LONG, STATUS_OBJECT_NAME_INVALID};
use crate::types::{UnicodeString, wide};
use crate::um::UserPtr;

const BACKSLASH: u16 = b'\\' as u16;
const COLON: u16 = b':' as u16;
/// Units of a name at most.
const LONGEST: usize = 0x7fff;

/// What a DOS name starts from (RTL_PATH_TYPE).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// `\\server\share`.
    Unc,
    /// `C:\name`.
    Drive,
    /// `C:name`.
    DriveRelative,
    /// `\name`.
    Rooted,
    /// `name`.
    Relative,
    /// `\\.\name`.
    Device,
    /// `\\?\name`, `\??\name`: as it is.
    Verbatim,
}

fn is_slash(unit: u16) -> bool {
    unit == BACKSLASH || unit == u16::from(b'/')
}

/// What a name starts from (RtlDetermineDosPathNameType_U).
pub fn start(name: &[u16]) -> Start {
    let slash = |at: usize| name.get(at).is_some_and(|unit| is_slash(*unit));
    let is = |at: usize, what: u8| name.get(at) == Some(&what.into());
    if slash(0) && is(1, b'?') && is(2, b'?') && slash(3) {
        return Start::Verbatim;
    }
    match (slash(0), slash(1)) {
        (true, true) if is(2, b'?') && slash(3) => Start::Verbatim,
        (true, true) if is(2, b'.') && slash(3) => Start::Device,
        (true, true) => Start::Unc,
        (true, false) => Start::Rooted,
        _ if name.get(1) != Some(&COLON) => Start::Relative,
        _ if slash(2) => Start::Drive,
        _ => Start::DriveRelative,
    }
}

/// The NT name of a DOS name; `here` is the current directory, as a DOS name with its drive.
///
/// # Errors
/// `STATUS_OBJECT_NAME_INVALID`, `STATUS_NAME_TOO_LONG`.
pub fn nt_name(name: &[u16], here: &[u16]) -> Nt<Vec<u16>> {
    if name.is_empty() {
        return Err(STATUS_OBJECT_NAME_INVALID);
    }
    let (drive, behind) = name.split_at_checked(2).unwrap_or_default();
    let (prefix, root, parts) = match start(name) {
        Start::Verbatim => return verbatim(name),
        Start::Device => ("\\??\\", &[][..], name.get(4..).unwrap_or_default().to_vec()),
        Start::Unc => ("\\??\\UNC\\", &[][..], name.get(2..).unwrap_or_default().to_vec()),
        Start::Drive => ("\\??\\", drive, name.get(3..).unwrap_or_default().to_vec()),
        // The current directory of another drive than the current one is its root.
        Start::DriveRelative if !same_drive(name, here) => ("\\??\\", drive, behind.to_vec()),
        from => {
            let (folder, rest) = match from {
                Start::Rooted => (here.get(..2).unwrap_or_default(), name),
                Start::DriveRelative => (here, behind),
                _ => (here, name),
            };
            return nt_name(&[folder, &[BACKSLASH], rest].concat(), &[]);
        }
    };
    let mut whole = wide(prefix);
    whole.extend_from_slice(root);
    let start = whole.len();
    let ends = parts.last().is_some_and(|unit| is_slash(*unit));
    let count = parts.split(|unit| is_slash(*unit)).filter(|part| !part.is_empty()).count();
    for (index, part) in parts.split(|unit| is_slash(*unit)).filter(|part| !part.is_empty()).enumerate() {
        if *part == wide(".") {
            continue;
        }
        if *part == wide("..") {
            let end = whole.iter().rposition(|unit| *unit == BACKSLASH).unwrap_or(0);
            whole.truncate(end.max(start));
            continue;
        }
        // Dots and spaces at a name's end go, of a folder's name one dot.
        let dropped = |unit: &u16| *unit == u16::from(b'.') || *unit == u16::from(b' ');
        let kept = if index + 1 == count && !ends {
            part.iter().rposition(|unit| !dropped(unit)).map_or(0, |at| at + 1)
        } else {
            part.len() - usize::from(part.ends_with(&wide(".")))
        };
        if whole.len() > start || !root.is_empty() {
            whole.push(BACKSLASH);
        }
        whole.extend_from_slice(part.get(..kept).unwrap_or_default());
    }
    if (ends || whole.len() == start) && whole.last() != Some(&BACKSLASH) {
        whole.push(BACKSLASH);
    }
    if whole.len() > LONGEST { Err(STATUS_NAME_TOO_LONG) } else { Ok(whole) }
}

fn verbatim(name: &[u16]) -> Nt<Vec<u16>> {
    let whole = [&wide("\\??\\")[..], name.get(4..).unwrap_or_default()].concat();
    if whole.len() > LONGEST { Err(STATUS_NAME_TOO_LONG) } else { Ok(whole) }
}

fn same_drive(name: &[u16], here: &[u16]) -> bool {
    let letter = |name: &[u16]| name.first().map(|unit| crate::nls::fold::upcase(*unit));
    here.get(1) == Some(&COLON) && letter(name) == letter(here)
}

/// The current directory, as the process's parameters have it.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn current_directory(cx: &Cx<'_>) -> Nt<Vec<u16>> {
    let at = UserPtr::<u64>::new(cx.k.ps.peb() + peb::PROCESS_PARAMETERS).read(cx.k)?;
    UserPtr::<UnicodeString>::new(at.wrapping_add(parameters::CURRENT_DIRECTORY)).text(cx.k)
}

/// A text of UTF-16 units that ends with a zero.
///
/// # Errors
/// `STATUS_NAME_TOO_LONG`, `STATUS_ACCESS_VIOLATION`.
pub fn text(cx: &Cx<'_>, mut at: u64) -> Nt<Vec<u16>> {
    let mut all = Vec::new();
    while all.len() <= LONGEST {
        // What lies on the next page may not be there.
        let count = ((0x1000 - at % 0x1000) / 2).max(1);
        let units = UserPtr::<u16>::new(at).read_units(cx.k, count as usize)?;
        match units.iter().position(|unit| *unit == 0) {
            Some(end) => {
                all.extend_from_slice(units.get(..end).unwrap_or_default());
                return Ok(all);
            }
            None => all.extend(units),
        }
        at = at.wrapping_add(count * 2);
    }
    Err(STATUS_NAME_TOO_LONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_those_of_nt() {
        let nt =
            |name: &str| nt_name(&wide(name), &wide("C:\\here\\now\\")).map(|name| String::from_utf16_lossy(&name));
        for (name, want) in [
            ("a", "\\??\\C:\\here\\now\\a"),
            ("a/b\\\\c", "\\??\\C:\\here\\now\\a\\b\\c"),
            ("..\\a", "\\??\\C:\\here\\a"),
            ("..\\..\\..\\a", "\\??\\C:\\a"),
            (".", "\\??\\C:\\here\\now"),
            ("a\\", "\\??\\C:\\here\\now\\a\\"),
            ("a.\\b. .", "\\??\\C:\\here\\now\\a\\b"),
            ("\\a", "\\??\\C:\\a"),
            ("c:a", "\\??\\C:\\here\\now\\a"),
            ("D:a", "\\??\\D:\\a"),
            ("D:\\", "\\??\\D:\\"),
            ("D:/a/../b", "\\??\\D:\\b"),
            ("\\\\server\\share\\a", "\\??\\UNC\\server\\share\\a"),
            ("\\\\.\\NUL", "\\??\\NUL"),
            ("\\\\?\\C:\\a.\\", "\\??\\C:\\a.\\"),
            ("\\??\\C:\\a", "\\??\\C:\\a"),
        ] {
            assert_eq!(nt(name).as_deref(), Ok(want), "{name}");
        }
        assert_eq!(nt(""), Err(STATUS_OBJECT_NAME_INVALID));
        assert_eq!(nt(&"a\\".repeat(0x4000)), Err(STATUS_NAME_TOO_LONG));
    }
}
