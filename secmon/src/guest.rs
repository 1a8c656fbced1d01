//! Paths as the guest sees them: `C:\data\a.txt`.

use shim_abi::error::Error;
use shim_abi::uri;
use std::fmt;

/// A checked absolute path of the guest: a drive letter and names below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GuestPath {
    drive: u8,
    below: String,
}

/// Why a text is no guest path.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotAPath {
    /// No drive letter and slash in front.
    #[error("`{0}` is no guest path: it must begin with a drive letter, as `C:\\data` does")]
    NoDrive(String),
    /// A name in it is not allowed.
    #[error("`{0}` is no guest path: the name `{1}` is not allowed in it")]
    Name(String, String),
}

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
#[path = "../tests/unit/guest.rs"]
mod tests;
