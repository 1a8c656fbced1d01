//! Names on a disk: from an NT path to a URI of the ABI, and back.

use crate::nls::fold::upcase;
use crate::status::*;

const BACKSLASH: u16 = b'\\' as u16;
/// Longest component, in UTF-16 units.
const MAX_COMPONENT: usize = 255;
/// The type of a stream of bytes, the only one that can be opened.
const DATA: &str = "$DATA";

/// A name on a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskPath {
    /// `file:C:/a/b`; the root is `file:C:/`.
    pub uri: String,
    /// Whether it ended in a backslash: only a directory can be meant.
    pub directory: bool,
}

/// Whether a component may not hold the unit.
fn is_invalid(unit: u16) -> bool {
    const BAD: &[u8] = b"<>:\"/|?*\\";
    unit < 0x20 || u8::try_from(unit).is_ok_and(|byte| BAD.contains(&byte))
}

/// Checks a component and appends it.
fn push_component(uri: &mut String, name: &[u16]) -> Nt<()> {
    if name.is_empty() || name.len() > MAX_COMPONENT || name.iter().copied().any(is_invalid) {
        return Err(STATUS_OBJECT_NAME_INVALID);
    }
    let start = uri.len();
    for unit in char::decode_utf16(name.iter().copied()) {
        uri.push(unit.map_err(|_| STATUS_OBJECT_NAME_INVALID)?);
    }
    match &uri[start..] {
        "." | ".." => Err(STATUS_OBJECT_NAME_INVALID),
        _ => Ok(()),
    }
}

/// The URI of a drive's root.
pub fn root_uri(drive: u8) -> String {
    format!("file:{}:/", char::from(drive))
}

/// Whether a URI names a drive's root.
pub fn is_root(uri: &str) -> bool {
    uri.ends_with('/')
}

/// Takes the name of a stream off a name's end: `a:s`, `a:s:$DATA`; `a::$DATA` is the file itself.
fn split_stream(name: &[u16]) -> Nt<(&[u16], Option<&[u16]>)> {
    const COLON: u16 = b':' as u16;
    let last = name.iter().rposition(|unit| *unit == BACKSLASH).map_or(0, |at| at + 1);
    let Some(colon) = name[last..].iter().position(|unit| *unit == COLON) else { return Ok((name, None)) };
    let (file, stream) = (&name[..last + colon], &name[last + colon + 1..]);
    let (stream, kind) = match stream.iter().position(|unit| *unit == COLON) {
        Some(at) => (&stream[..at], Some(&stream[at + 1..])),
        None => (stream, None),
    };
    let is_data = |kind: &[u16]| kind.iter().map(|unit| upcase(*unit)).eq(DATA.encode_utf16());
    match kind {
        _ if colon == 0 || kind.is_some_and(|kind| !is_data(kind)) => Err(STATUS_OBJECT_NAME_INVALID),
        None if stream.is_empty() => Err(STATUS_OBJECT_NAME_INVALID),
        _ => Ok((file, Some(stream).filter(|stream| !stream.is_empty()))),
    }
}

/// The file that a URI names a stream of, and the stream's name.
pub fn stream(uri: &str) -> Option<(&str, &str)> {
    // "file:C:/"
    let at = uri.get(8..)?.find(':')? + 8;
    Some((uri.get(..at)?, uri.get(at + 1..)?))
}

/// Resolves a name below a URI; `rest` has no leading backslash.
///
/// # Errors
/// `STATUS_OBJECT_NAME_INVALID`.
pub fn below(base: &str, rest: &[u16]) -> Nt<DiskPath> {
    let (rest, stream) = split_stream(rest)?;
    let mut uri = String::with_capacity(base.len() + rest.len() + 2);
    uri.push_str(base);
    let directory = rest.last() == Some(&BACKSLASH);
    let names = if directory { &rest[..rest.len() - 1] } else { rest };
    if names.is_empty() {
        return if directory {
            Err(STATUS_OBJECT_NAME_INVALID)
        } else {
            Ok(DiskPath { uri, directory: is_root(base) })
        };
    }
    for name in names.split(|unit| *unit == BACKSLASH) {
        if !is_root(&uri) {
            uri.push('/');
        }
        push_component(&mut uri, name)?;
    }
    if let Some(stream) = stream.filter(|_| !directory) {
        uri.push(':');
        push_component(&mut uri, stream)?;
    }
    if uri.len() > shim_abi::uri::MAX_URI {
        return Err(STATUS_OBJECT_NAME_INVALID);
    }
    Ok(DiskPath { uri, directory })
}

/// Resolves a path below a drive's device: with its leading backslash.
///
/// # Errors
/// `STATUS_OBJECT_NAME_INVALID`.
pub fn on_drive(drive: u8, rest: &[u16]) -> Nt<DiskPath> {
    // One backslash too many is forgiven there, and nowhere else.
    let rest = if rest.starts_with(&[BACKSLASH; 2]) { &rest[1..] } else { rest };
    match rest.split_first() {
        Some((&BACKSLASH, [])) => Ok(DiskPath { uri: root_uri(drive), directory: true }),
        Some((&BACKSLASH, rest)) => below(&root_uri(drive), rest),
        _ => Err(STATUS_OBJECT_NAME_INVALID),
    }
}

/// The path below its device, as NT shows it: `\a\b`, or `\` for the root.
pub fn nt_name(uri: &str) -> Vec<u16> {
    // "file:C:" is 7 bytes.
    uri.get(7..)
        .unwrap_or("/")
        .encode_utf16()
        .map(|unit| if unit == u16::from(b'/') { BACKSLASH } else { unit })
        .collect()
}

/// The path with its drive letter: `\??\C:\a\b`.
pub fn dos_path(uri: &str) -> Vec<u16> {
    let mut path = crate::types::wide("\\??\\");
    path.extend(uri.get(5..7).unwrap_or_default().encode_utf16());
    path.extend(nt_name(uri));
    path
}

/// The last component; empty for a root.
pub fn last(uri: &str) -> &str {
    uri.rsplit_once('/').map_or("", |(_, name)| name)
}

/// The URI of the directory that holds it; a root's is its own.
pub fn parent(uri: &str) -> &str {
    match uri.rfind('/') {
        // "file:C:/x"
        Some(7) => &uri[..8],
        Some(at) => &uri[..at],
        None => uri,
    }
}

/// What names compare by.
pub fn fold(uri: &str) -> Vec<u16> {
    let units: Vec<u16> = uri.encode_utf16().collect();
    crate::nls::fold::fold(&units)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::wide;

    fn on_c(rest: &str) -> Nt<DiskPath> {
        on_drive(b'C', &wide(rest))
    }

    #[test]
    fn paths() {
        let path = |uri: &str, directory| Ok(DiskPath { uri: uri.into(), directory });
        assert_eq!(on_c("\\"), path("file:C:/", true));
        assert_eq!(on_c("\\a b\\Ü.txt"), path("file:C:/a b/Ü.txt", false));
        assert_eq!(on_c("\\a\\"), path("file:C:/a", true));
        assert_eq!(on_c("\\\\"), path("file:C:/", true));
        assert_eq!(on_c("\\\\a\\b"), path("file:C:/a/b", false));
        assert_eq!(on_c("\\a::$data"), path("file:C:/a", false));
        assert_eq!(on_c("\\a\\b:s"), path("file:C:/a/b:s", false));
        assert_eq!(on_c("\\b:s:$Data"), path("file:C:/b:s", false));
        assert_eq!(stream("file:C:/a/b:s"), Some(("file:C:/a/b", "s")));
        assert_eq!(stream("file:C:/a/b"), None);
        assert_eq!(below("file:D:/x", &wide("y\\z")), path("file:D:/x/y/z", false));
        assert_eq!(below("file:D:/", &wide("y")), path("file:D:/y", false));
        assert_eq!(below("file:D:/x", &[]), path("file:D:/x", false));
    }

    #[test]
    fn bad_names() {
        for bad in [
            "",
            "a",
            "\\\\\\",
            "\\\\\\a",
            "\\a\\\\b",
            "\\a:",
            "\\a:b:c",
            "\\a:b:$INDEX",
            "\\:b",
            "\\a:b\\c",
            "\\::$DATA",
            "\\a*",
            "\\a?",
            "\\a/b",
            "\\a\u{1}",
            "\\..",
            "\\a\\.\\b",
            "\\a\"",
            "\\<",
        ] {
            assert_eq!(on_c(bad), Err(STATUS_OBJECT_NAME_INVALID), "{bad:?}");
        }
        let long = format!("\\{}", "a".repeat(256));
        assert_eq!(on_c(&long), Err(STATUS_OBJECT_NAME_INVALID));
        assert_eq!(on_drive(b'C', &[BACKSLASH, 0xd800]), Err(STATUS_OBJECT_NAME_INVALID));
    }

    #[test]
    fn names_and_parents() {
        assert_eq!(nt_name("file:C:/"), wide("\\"));
        assert_eq!(nt_name("file:C:/a/b"), wide("\\a\\b"));
        assert_eq!(dos_path("file:C:/a/b"), wide("\\??\\C:\\a\\b"));
        assert_eq!(dos_path("file:C:/"), wide("\\??\\C:\\"));
        assert_eq!((last("file:C:/a/b"), parent("file:C:/a/b")), ("b", "file:C:/a"));
        assert_eq!((last("file:C:/a"), parent("file:C:/a")), ("a", "file:C:/"));
        assert_eq!((last("file:C:/"), parent("file:C:/")), ("", "file:C:/"));
    }
}
