//! Opens and makes files and folders.

use super::{Attributes, Host, attributes, error, identity, info, kind};
use crate::locate::{Located, beneath, open_beneath};
use crate::names::Mount;
use crate::sys;
use nix::errno::Errno;
use nix::fcntl::{OFlag, ResolveFlag};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::ftruncate;
use shim_abi::calls::StreamOpen;
use shim_abi::error::{Error, Result};
use shim_abi::stream::{Disposition, Expect, Info, Kind, access, attributes as bits};
use std::borrow::Cow;
use std::os::fd::OwnedFd;

/// How often making a name that somebody else makes or removes at the same time is tried.
const TRIES: usize = 4;

/// Something that was opened.
#[derive(Debug)]
pub struct Handle<'p> {
    /// The descriptor: open for data as asked, or for the path alone. The guest is given none of a folder.
    pub fd: OwnedFd,
    /// What is known of it.
    pub info: Info,
    /// Its path below the mount, in the host's letter case.
    pub real: Cow<'p, str>,
    /// Whether it was made.
    pub made: bool,
}

fn data_flags(bits: u32) -> OFlag {
    let flags = match (bits & access::READ != 0, bits & access::WRITE != 0) {
        (false, false) => OFlag::O_PATH,
        (true, false) => OFlag::O_RDONLY,
        (false, true) => OFlag::O_WRONLY,
        (true, true) => OFlag::O_RDWR,
    };
    flags | OFlag::O_NONBLOCK
}

impl Host {
    /// Opens what exists, for its data or for its path alone.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::PathNotFound`], [`Error::AccessDenied`] for what is neither file nor folder, and what
    /// the host refuses.
    pub fn open<'p>(&self, mount: &Mount, path: &'p str, data: u32) -> Result<Handle<'p>> {
        let flags = data_flags(data);
        if mount.wary && !flags.contains(OFlag::O_PATH) {
            let (fd, _) = self.cache.open(mount, path, OFlag::O_PATH)?;
            kind(&sys::statx(&fd, c"").map_err(error)?)?;
        }
        let (fd, real) = match self.cache.open(mount, path, flags) {
            // A folder that is to be changed.
            Err(Error::IsDirectory) => self.cache.open(mount, path, OFlag::O_PATH)?,
            other => other?,
        };
        let of = sys::statx(&fd, c"").map_err(error)?;
        let kind = kind(&of)?;
        self.check_volume(mount.volume, &fd, &of)?;
        let kept = match flags.contains(OFlag::O_PATH) {
            true => self.attributes_of_path(&fd, &of),
            false => self.attributes(&fd, &of),
        };
        let info = info(&of, kind, &kept, mount.writable);
        Ok(Handle { fd, info, real, made: false })
    }

    /// The attributes of what is open for its path alone: the kernel reads them by name only.
    pub(super) fn attributes_of_path(&self, fd: &OwnedFd, of: &crate::sys::Statx) -> Attributes {
        use std::io::Write as _;
        use std::os::fd::AsRawFd as _;
        let (mut name, mut buffer) = ([0u8; 40], [0; attributes::LONGEST]);
        self.read_attributes(of, true, || {
            write!(&mut name[..39], "/proc/self/fd/{}", fd.as_raw_fd()).map_err(|_| Errno::ENAMETOOLONG)?;
            let name = std::ffi::CStr::from_bytes_until_nul(&name).map_err(|_| Errno::ENAMETOOLONG)?;
            sys::get_attribute_at(name, true, attributes::NAME, &mut buffer)
        })
    }

    /// Does what a request to open asks for, below a mount.
    ///
    /// # Errors
    /// As [`Host::open`]; [`Error::ReadOnly`] if the mount is not to be written; [`Error::Exists`], [`Error::IsDirectory`],
    /// [`Error::NotDirectory`] as the request says.
    pub fn open_or_make<'p>(&self, mount: &Mount, path: &'p str, request: &StreamOpen) -> Result<Handle<'p>> {
        use Disposition::{Create, Open, OpenOrCreate, Overwrite, OverwriteOrCreate};
        let makes = matches!(request.disposition, Create | OpenOrCreate | OverwriteOrCreate);
        for _ in 0..TRIES {
            match self.open_existing(mount, path, request) {
                Err(Error::NotFound) if makes => {}
                other => return other,
            }
            if !mount.writable {
                return Err(Error::ReadOnly);
            }
            let located = self.cache.locate(mount, path)?;
            if located.exists {
                // It came into being just now, or is a link to nothing: that cannot be made.
                if request.disposition == Create || is_link(&located) {
                    return Err(Error::Exists);
                }
                continue;
            }
            match self.make(mount, &located, request) {
                Err(Error::Exists) => {}
                other => return other,
            }
        }
        match request.disposition {
            Open | Overwrite => Err(Error::NotFound),
            _ => Err(Error::Exists),
        }
    }

    fn open_existing<'p>(&self, mount: &Mount, path: &'p str, request: &StreamOpen) -> Result<Handle<'p>> {
        let overwrites = matches!(request.disposition, Disposition::Overwrite | Disposition::OverwriteOrCreate);
        let writes = overwrites || request.access & (access::WRITE | access::CHANGE) != 0;
        // Where nothing may be written, look first: what does not exist is missing, not read-only.
        let data = if mount.writable { request.access } else { request.access & access::READ };
        let data = if request.expect == Expect::Directory { 0 } else { data };
        let opened = if request.disposition == Disposition::Create {
            self.open(mount, path, 0).and(Err(Error::Exists))
        } else {
            self.open(mount, path, data)
        };
        let handle = opened?;
        match (request.expect, handle.info.kind) {
            (Expect::Directory, Kind::File) => return Err(Error::NotDirectory),
            (Expect::File, Kind::Directory) => return Err(Error::IsDirectory),
            _ => {}
        }
        if writes && !mount.writable {
            return Err(Error::ReadOnly);
        }
        let file = handle.info.kind == Kind::File;
        let locked = file && handle.info.attributes & bits::READONLY != 0;
        if locked && (overwrites || request.access & access::WRITE != 0) {
            return Err(Error::AccessDenied);
        }
        if !overwrites {
            return Ok(handle);
        }
        if !file {
            return Err(Error::IsDirectory);
        }
        self.empty(mount, handle, request)
    }

    /// Empties a file, and gives it the attributes of a new one.
    fn empty<'p>(&self, mount: &Mount, handle: Handle<'p>, request: &StreamOpen) -> Result<Handle<'p>> {
        let again;
        let fd = if request.access & access::WRITE != 0 {
            &handle.fd
        } else {
            again = self.open(mount, &handle.real, access::WRITE)?;
            if again.info.identity != handle.info.identity {
                return Err(Error::Stale);
            }
            &again.fd
        };
        ftruncate(fd, 0).map_err(error)?;
        let of = sys::statx(fd, c"").map_err(error)?;
        let kept = Attributes { bits: Some(new_bits(request)), created: self.attributes(fd, &of).created };
        kept.store(fd, Kind::File, u32::from(of.stx_mode))?;
        let info = info(&of, Kind::File, &kept, mount.writable);
        Ok(Handle { info, ..handle })
    }

    fn make<'p>(&self, mount: &Mount, located: &Located, request: &StreamOpen) -> Result<Handle<'p>> {
        let folder = request.expect == Expect::Directory;
        let name = located.name.as_str();
        let fd = if folder {
            mkdirat(&located.folder, name, Mode::from_bits_truncate(0o777)).map_err(error)?;
            self.cache.changed(mount, &located.folder, &located.path, None, Some(name));
            open_beneath(&located.folder, name, beneath(OFlag::O_RDONLY | OFlag::O_DIRECTORY)).map_err(error)?
        } else {
            let mode = if request.attributes & bits::READONLY != 0 { 0o444 } else { 0o666 };
            // A descriptor that may write is needed if only to store attributes; what the guest gets is opened below.
            let data = if request.access & (access::READ | access::WRITE) == 0 { access::READ } else { request.access };
            let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS;
            let how = beneath(data_flags(data) | OFlag::O_CREAT | OFlag::O_EXCL)
                .mode(Mode::from_bits_truncate(mode))
                .resolve(resolve);
            let fd = open_beneath(&located.folder, name, how).map_err(error)?;
            self.cache.changed(mount, &located.folder, &located.path, None, Some(name));
            fd
        };
        let of = sys::statx(&fd, c"").map_err(error)?;
        let kind = kind(&of)?;
        let kept = Attributes { bits: Some(new_bits(request)), created: None };
        if new_bits(request) & (bits::HIDDEN | bits::SYSTEM) != 0 {
            kept.store(&fd, kind, u32::from(of.stx_mode))?;
        }
        let info = info(&of, kind, &kept, mount.writable);
        Ok(Handle { fd, info, real: located.whole().into(), made: true })
    }

    /// Opens a file in an open folder below a mount, to read it: no link, and on the folder's own volume.
    pub fn open_in(&self, mount: &Mount, folder: &OwnedFd, name: &str) -> Result<(OwnedFd, Info)> {
        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV;
        let how = beneath(data_flags(access::READ)).resolve(resolve);
        let fd = open_beneath(folder, name, how).map_err(error)?;
        let of = sys::statx(&fd, c"").map_err(error)?;
        if kind(&of)? != Kind::File {
            return Err(Error::IsDirectory);
        }
        self.check_volume(mount.volume, &fd, &of)?;
        let info = info(&of, Kind::File, &self.attributes(&fd, &of), mount.writable);
        Ok((fd, info))
    }

    /// What is known of a name.
    pub fn query<'p>(&self, mount: &Mount, path: &'p str) -> Result<(Info, Cow<'p, str>)> {
        self.open(mount, path, 0).map(|handle| (handle.info, handle.real))
    }
}

/// The attributes kept beside something new: files are to be archived.
fn new_bits(request: &StreamOpen) -> u32 {
    match request.expect {
        Expect::Directory => request.attributes & bits::STORED & !bits::ARCHIVE,
        _ => request.attributes & bits::STORED & !bits::READONLY | bits::ARCHIVE,
    }
}

fn is_link(located: &Located) -> bool {
    sys::statx(&located.folder, &located.c_name())
        .is_ok_and(|of| u32::from(of.stx_mode) & libc::S_IFMT == libc::S_IFLNK)
}

impl Host {
    /// The identity of what a located name means, through a link that stays inside.
    ///
    /// # Errors
    /// [`Error::NotFound`], and what the host refuses.
    pub(super) fn meaning(
        &self,
        mount: &Mount,
        located: &Located,
    ) -> Result<(shim_abi::stream::Identity, crate::sys::Statx)> {
        let own = sys::statx(&located.folder, &located.c_name()).map_err(error)?;
        if u32::from(own.stx_mode) & libc::S_IFMT != libc::S_IFLNK {
            return Ok((identity(&own), own));
        }
        match open_beneath(&mount.root, &located.whole(), beneath(OFlag::O_PATH)) {
            Ok(fd) => sys::statx(&fd, c"").map(|of| (identity(&of), own)).map_err(error),
            Err(Errno::ENOENT) => Err(Error::NotFound),
            Err(errno) => Err(error(errno)),
        }
    }
}

#[cfg(test)]
#[path = "../../tests/unit/host_open.rs"]
mod tests;
