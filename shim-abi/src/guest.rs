//! Paths as the guest sees them: `C:\data\a.txt`.

use crate::error::Error;
use crate::uri;
use alloc::format;
use alloc::string::String;
use core::fmt;

/// A checked absolute path of the guest: a drive letter and names below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GuestPath {
    drive: u8,
    below: String,
}

/// Why a text is no guest path.
#[derive(Debug, PartialEq, Eq)]
pub enum NotAPath {
    /// No drive letter and slash in front.
    NoDrive(String),
    /// A name in it is not allowed.
    Name(String, String),
}

impl fmt::Display for NotAPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotAPath::NoDrive(text) => {
                write!(f, "`{text}` is no guest path: it must begin with a drive letter, as `C:\\data` does")
            }
            NotAPath::Name(text, name) => {
                write!(f, "`{text}` is no guest path: the name `{name}` is not allowed in it")
            }
        }
    }
}

impl core::error::Error for NotAPath {}

impl GuestPath {
    /// Reads a path written with `\` or `/`; slashes at the end and doubled ones do not matter.
    ///
    /// # Errors
    /// [`NotAPath`].
    pub fn parse(text: &str) -> Result<Self, NotAPath> {
        let (drive, rest) = match text.as_bytes() {
            [drive, b':'] if drive.is_ascii_alphabetic() => (*drive, ""),
            [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic() => (*drive, &text[3..]),
            _ => return Err(NotAPath::NoDrive(text.into())),
        };
        let mut below = String::new();
        for name in rest.split(['/', '\\']).filter(|name| !name.is_empty()) {
            uri::check_component(name).map_err(|_| NotAPath::Name(text.into(), name.into()))?;
            if !below.is_empty() {
                below.push('/');
            }
            below.push_str(name);
        }
        Ok(GuestPath { drive: drive.to_ascii_uppercase(), below })
    }

    /// Whether a text looks like a path of the guest rather than of the host.
    pub fn looks_like(text: &str) -> bool {
        matches!(text.as_bytes(), [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic())
    }

    /// The path `below` this one; `below` has '/' between names.
    ///
    /// # Errors
    /// [`Error::NameInvalid`] or [`Error::NameTooLong`] for the first name that is not allowed.
    pub fn join(&self, below: &str) -> Result<Self, Error> {
        let mut path = self.clone();
        for name in below.split('/').filter(|name| !name.is_empty()) {
            uri::check_component(name)?;
            if !path.below.is_empty() {
                path.below.push('/');
            }
            path.below.push_str(name);
        }
        Ok(path)
    }

    /// The folder it lies in, and its name there; nothing for the root of a drive.
    pub fn split(&self) -> Option<(Self, &str)> {
        let (folder, name) = match self.below.rsplit_once('/') {
            Some((folder, name)) => (folder, name),
            None if self.below.is_empty() => return None,
            None => ("", self.below.as_str()),
        };
        Some((GuestPath { drive: self.drive, below: folder.into() }, name))
    }

    /// Drive letter, in upper case.
    pub fn drive(&self) -> u8 {
        self.drive
    }

    /// Names below the drive, with '/' between them.
    pub fn below(&self) -> &str {
        &self.below
    }

    /// As the boot block and URIs have it: `C:/data/a.txt`.
    pub fn slashed(&self) -> String {
        format!("{}:/{}", char::from(self.drive), self.below)
    }
}

impl fmt::Display for GuestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:\\{}", char::from(self.drive), self.below.replace('/', "\\"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn forms() {
        for (text, shown) in
            [("c:", "C:\\"), ("Z:\\", "Z:\\"), ("C:/a//b/", "C:\\a\\b"), ("d:\\ü x\\y.txt", "D:\\ü x\\y.txt")]
        {
            assert_eq!(GuestPath::parse(text).unwrap().to_string(), shown);
        }
        for bad in ["", "C", "/data", "data", "C:data", "é:\\", "\\\\server\\share", "1:\\a"] {
            assert_eq!(GuestPath::parse(bad), Err(NotAPath::NoDrive(bad.into())));
        }
        for bad in ["C:\\..", "C:\\a\\.\\b", "C:\\a:b", "C:\\a*", "C:\\a\0b"] {
            assert!(matches!(GuestPath::parse(bad), Err(NotAPath::Name(..))), "{bad}");
        }
    }

    #[test]
    fn parts() {
        let path = GuestPath::parse("C:\\a\\b").unwrap();
        let (folder, name) = path.split().unwrap();
        assert_eq!((folder.to_string().as_str(), name), ("C:\\a", "b"));
        assert_eq!(folder.split().unwrap().0.slashed(), "C:/");
        assert_eq!(GuestPath::parse("C:\\").unwrap().split(), None);
        assert_eq!(folder.join("x/y").unwrap().slashed(), "C:/a/x/y");
        assert_eq!(folder.join("x/../y"), Err(Error::NameInvalid));
    }
}
