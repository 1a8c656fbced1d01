//! How a stream is named: `scheme:body`.
//!
//! ```text
//! uri       = "file:" path [":" [component]] | "image:" name | "console:" | "log:" | "memory:" | "living:" | "roots:" | "power:"
//!           | "ready:" | "bell:"
//!           | "registry:" [number | "new"]
//! path      = letter ":/" [component *("/" component)]     ; letter A-Z, case ignored
//! component = 1 to 255 UTF-8 bytes, none of < > : " / \ | ? * nor below 0x20; not "." or ".."
//! name      = component *("/" component)
//! ```
//! Schemes named by the design and not served by this version (`pipe:`, `tcp:`, `udp:`, `display:` …) answer Unsupported.

use crate::error::{Error, Result};

/// Longest URI in bytes.
pub const MAX_URI: usize = 32 * 1024;
/// Longest component in bytes: what Linux file systems hold.
pub const MAX_COMPONENT: usize = 255;

/// A URI taken apart; borrows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uri<'a> {
    /// A file or directory the guest sees: drive letter in upper case, and the path below it without a leading '/'.
    File {
        /// `b'A'` to `b'Z'`.
        drive: u8,
        /// Components with '/' between them; empty for the root of the drive.
        path: &'a str,
    },
    /// A stream beside the bytes of such a file.
    Stream {
        /// As of a file.
        drive: u8,
        /// As of a file.
        path: &'a str,
        /// Its name; empty where all of the file's streams are meant.
        name: &'a str,
    },
    /// A file of the base image, by its name there.
    Image(&'a str),
    /// The terminal.
    Console,
    /// The monitor's log.
    Log,
    /// The memory that all picoprocesses of the sandbox share.
    Memory,
    /// Who of them lives, see [`crate::member`]; to be read only.
    Living,
    /// The host's root certificates, if the policy gives them: PEM, to be read only.
    Roots,
    /// The log of the registry's changes ([`crate::registry`]), if they are kept: to be read and added to. `new`: one that is written
    /// in its place, and takes it by a rename. A number: that of a layer below, from 1, the lowest's, on; to be read only.
    Registry(&'a str),
    /// What feeds the host, a [`crate::power::Power`] as it is when it is opened; to be read only.
    Power,
    /// Which of many sockets are ready: an epoll instance of the caller's own.
    Ready,
    /// A count that wakes who waits for it: an eventfd of the caller's own.
    Bell,
}

/// Schemes that have a meaning in the design, but none here yet.
const LATER: &[&str] = &["pipe", "tcp", "tcp.srv", "udp", "display", "input", "clipboard", "audio", "gpu"];

/// Checks one component.
///
/// # Errors
/// [`Error::NameInvalid`] or [`Error::NameTooLong`].
pub fn check_component(name: &str) -> Result {
    if name.is_empty() || name == "." || name == ".." {
        return Err(Error::NameInvalid);
    }
    if name.len() > MAX_COMPONENT {
        return Err(Error::NameTooLong);
    }
    let bad = |b: u8| b < 0x20 || matches!(b, b'<' | b'>' | b':' | b'"' | b'/' | b'\\' | b'|' | b'?' | b'*');
    if name.bytes().any(bad) { Err(Error::NameInvalid) } else { Ok(()) }
}

fn check_path(path: &str) -> Result {
    path.split('/').try_for_each(check_component)
}

/// Takes a URI apart and checks every part of it.
///
/// # Errors
/// [`Error::NameInvalid`], [`Error::NameTooLong`], or [`Error::Unsupported`] for a scheme of a later version.
pub fn parse(uri: &str) -> Result<Uri<'_>> {
    if uri.len() > MAX_URI {
        return Err(Error::NameTooLong);
    }
    let (scheme, body) = uri.split_once(':').ok_or(Error::NameInvalid)?;
    match scheme {
        "file" => {
            let [drive, b':', b'/', ..] = body.as_bytes() else { return Err(Error::NameInvalid) };
            if !drive.is_ascii_alphabetic() {
                return Err(Error::NameInvalid);
            }
            let (path, stream) =
                body[3..].split_once(':').map_or((&body[3..], None), |(path, name)| (path, Some(name)));
            if !path.is_empty() {
                check_path(path)?;
            }
            let drive = drive.to_ascii_uppercase();
            match stream {
                None => Ok(Uri::File { drive, path }),
                Some("") => Ok(Uri::Stream { drive, path, name: "" }),
                Some(name) => check_component(name).map(|()| Uri::Stream { drive, path, name }),
            }
        }
        "image" => check_path(body).map(|()| Uri::Image(body)),
        "console" if body.is_empty() => Ok(Uri::Console),
        "memory" if body.is_empty() => Ok(Uri::Memory),
        "living" if body.is_empty() => Ok(Uri::Living),
        "ready" if body.is_empty() => Ok(Uri::Ready),
        "bell" if body.is_empty() => Ok(Uri::Bell),
        "log" if body.is_empty() => Ok(Uri::Log),
        "roots" if body.is_empty() => Ok(Uri::Roots),
        "registry" if body.is_empty() || body == "new" || body.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(Uri::Registry(body))
        }
        "power" if body.is_empty() => Ok(Uri::Power),
        _ if LATER.contains(&scheme) => Err(Error::Unsupported),
        _ => Err(Error::NameInvalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn files() {
        assert_eq!(parse("file:c:/"), Ok(Uri::File { drive: b'C', path: "" }));
        assert_eq!(parse("file:C:/a:s"), Ok(Uri::Stream { drive: b'C', path: "a", name: "s" }));
        assert_eq!(parse("file:c:/a/b:"), Ok(Uri::Stream { drive: b'C', path: "a/b", name: "" }));
        assert_eq!(parse("file:Z:/a b/ü.txt"), Ok(Uri::File { drive: b'Z', path: "a b/ü.txt" }));
    }

    #[test]
    fn nothing_climbs_or_hides() {
        for bad in [
            "",
            "file:",
            "file:/etc/passwd",
            "file:C:",
            "file:C:x",
            "file:C:/..",
            "file:C:/a/../b",
            "file:C:/a//b",
            "file:C:/a/",
            "file:C:/./a",
            "file:1:/a",
            "file:C:/a\\b",
            "file:C:/a\0",
            "file:C:/a:s:t",
            "file:C:/a:s/t",
            "file:C:/a/:s",
            "file:é:/",
            "image:",
            "image:../x",
            "image:/x",
            "console:1",
            "roots:/etc/ssl",
            "registry:../x",
            "power:BAT0",
            "what:x",
        ] {
            assert_eq!(parse(bad), Err(Error::NameInvalid), "{bad:?}");
        }
    }

    #[test]
    fn limits() {
        assert_eq!(parse(&format!("file:C:/{}", "a".repeat(256))), Err(Error::NameTooLong));
        assert_eq!(parse(&format!("file:C:/{}", "a/".repeat(MAX_URI))), Err(Error::NameTooLong));
        assert_eq!(parse("tcp:127.0.0.1:80"), Err(Error::Unsupported));
    }
}
