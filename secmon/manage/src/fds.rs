//! Descriptors by number, between processes of ours.
#![allow(unsafe_code)]

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

/// Lets the next program that is executed have a descriptor; its number, as an argument for it.
///
/// # Errors
/// The host's.
pub fn pass_on(fd: &impl AsFd) -> io::Result<String> {
    let fd = fd.as_fd();
    fcntl_setfd(fd, fcntl_getfd(fd)? - FdFlags::CLOEXEC)?;
    Ok(fd.as_raw_fd().to_string())
}

/// Takes a descriptor that whoever executed this program passed on, as it said by an argument. To be called once for each, before
/// anything else is opened.
///
/// # Errors
/// A number that no open descriptor has, or that of a standard stream.
pub fn inherited(number: i32) -> io::Result<OwnedFd> {
    if number <= 2 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: for the time of the call; the kernel answers an error if nothing is open there.
    let flags = fcntl_getfd(unsafe { BorrowedFd::borrow_raw(number) })?;
    // SAFETY: it is open, and nobody in this program owns it: it was passed on under this number, and is taken once.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl_setfd(&fd, flags | FdFlags::CLOEXEC)?;
    Ok(fd)
}

/// A short name for a file whose path may be longer than a socket's address holds (unix(7): 108 bytes).
pub struct Short {
    _folder: std::fs::File,
    path: PathBuf,
}

impl Short {
    /// The name, which lasts as long as this.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes one.
///
/// # Errors
/// The host's, of the folder that the file lies in.
pub fn short(path: &Path) -> io::Result<Short> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let folder = std::fs::File::open(folder)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
    Ok(Short { _folder: folder, path })
}
