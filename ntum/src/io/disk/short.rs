//! Short names: what a name that does not fit 8.3 is called by programs that know no longer ones.
//!
//! The host keeps none, so that they are made from the name alone: in the form that NTFS goes over to when too many names of a
//! directory begin alike (two letters, four digits made from the name, `~1`, the extension).

use super::path::{self, DiskPath};
use crate::call::Cx;
use crate::nls::fold::{fold, upcase};
use crate::types::wide;
use shim_abi::calls::StreamQueryName;

const DOT: u16 = b'.' as u16;
/// Digits of the number: no vowels, so that masks with letters fit none by chance.
const DIGITS: &[u8; 32] = b"0123456789BCDFGHJKLMNPQRSTVWXYZ_";
/// What stands behind the number.
const TAIL: &[u16] = &[b'~' as u16, b'1' as u16];

/// Whether a unit may stand in a short name.
fn is_legal(unit: u16) -> bool {
    u8::try_from(unit).is_ok_and(|byte| byte.is_ascii_graphic() && !b"\"*+,./:;<=>?[\\]|".contains(&byte))
}

/// Whether a name fits 8.3, in whatever letter case.
pub fn fits(name: &[u16]) -> bool {
    let mut parts = name.split(|unit| *unit == DOT);
    let (base, extension) = (parts.next().unwrap_or_default(), parts.next());
    let good = |part: &[u16], most| !part.is_empty() && part.len() <= most && part.iter().all(|unit| is_legal(*unit));
    parts.next().is_none() && good(base, 8) && extension.is_none_or(|extension| good(extension, 3))
}

/// The short name of a name that does not fit 8.3; none of one that does, and of `.` and `..`.
pub fn short(name: &[u16]) -> Option<Vec<u16>> {
    let start = name.iter().position(|unit| *unit != DOT)?;
    if fits(name) {
        return None;
    }
    let rest = &name[start..];
    let (base, extension) = match rest.iter().rposition(|unit| *unit == DOT) {
        Some(dot) => (&rest[..dot], &rest[dot + 1..]),
        None => (rest, &[][..]),
    };
    let part = |part: &[u16], most: usize| -> Vec<u16> {
        let kept = part.iter().filter(|unit| !matches!(**unit, DOT | 0x20)).take(most);
        kept.map(|unit| if is_legal(*unit) { upcase(*unit) } else { u16::from(b'_') }).collect()
    };
    let number =
        fold(name).iter().fold(0x811c_9dc5_u32, |hash, unit| (hash ^ u32::from(*unit)).wrapping_mul(0x0100_0193));
    let mut short = part(base, 2);
    let digits = [0, 5, 10, 15].map(|shift| DIGITS[(number ^ number >> 20) as usize >> shift & 31]);
    short.extend(digits.map(u16::from));
    short.extend_from_slice(TAIL);
    let extension = part(extension, 3);
    if !extension.is_empty() {
        short.push(DOT);
        short.extend(extension);
    }
    Some(short)
}

/// Whether a name may be one that [`short`] made.
fn is_made(name: &[u16]) -> bool {
    let base = name.split(|unit| *unit == DOT).next().unwrap_or_default();
    fits(name) && base.len() >= 4 + TAIL.len() && base.ends_with(TAIL)
}

/// The path with long names in the place of short ones. Of a name that exists as it is, no other is looked for.
pub fn resolve(cx: &Cx<'_>, path: DiskPath) -> DiskPath {
    if !path.uri.contains("~1") {
        return path;
    }
    // "file:C:/"
    let Some((root, names)) = path.uri.split_at_checked(8) else { return path };
    let mut uri = root.to_owned();
    for name in names.split('/') {
        let folder = uri.clone();
        if !path::is_root(&uri) {
            uri.push('/');
        }
        let units = wide(name);
        let long = || {
            cx.k.host.ask(&StreamQueryName { uri: format!("{uri}{name}") }).err()?;
            let named = |long: &str| short(&wide(long)).is_some_and(|short| fold(&short) == fold(&units));
            let mut found = None;
            super::directory::list(cx.k, &folder, true, |long, _| {
                if found.is_none() && named(long) {
                    found = Some(long.to_owned());
                }
            })
            .ok()?;
            found
        };
        match if is_made(&units) { long() } else { None } {
            Some(long) => uri.push_str(&long),
            None => uri.push_str(name),
        }
    }
    DiskPath { uri, directory: path.directory }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for plain in ["a", "readme.txt", "AUTOEXEC.BAT", "a~1.b", "a{}!"] {
            assert!(fits(&wide(plain)) && short(&wide(plain)).is_none(), "{plain}");
        }
        for (long, begin, end) in [
            ("a long name.html", "AL", "~1.HTM"),
            (".aaa", "AA", "~1"),
            ("a.a.a", "AA", "~1.A"),
            (" .a", "", "~1.A"),
            ("Übergröße.text", "_B", "~1.TEX"),
            ("a+b", "A_", "~1"),
            ("a.", "A", "~1"),
        ] {
            let made = String::from_utf16(&short(&wide(long)).unwrap()).unwrap();
            assert!(made.starts_with(begin) && made.ends_with(end), "{long}: {made}");
            assert_eq!(made.find('~'), Some(begin.len() + 4), "{long}: {made}");
            assert!(is_made(&wide(&made)) && short(&wide(&made)).is_none(), "{made}");
        }
        assert!(short(&wide(".")).is_none() && short(&wide("..")).is_none());
        assert_eq!(short(&wide("A Long Name")), short(&wide("a long name")));
        assert_ne!(short(&wide("a long name 1")), short(&wide("a long name 2")));
    }
}
