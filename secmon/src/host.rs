//! What is done on the host with a name that a mount covers.

mod attributes;
mod change;
mod enumerate;
mod open;
mod recent;

pub use attributes::{Attributes, Times};
pub use enumerate::space;
pub use open::Handle;

use crate::locate::Cache;
use crate::sys::{self, lock};
use nix::errno::Errno;
use nix::sys::statfs;
use shim_abi::error::{Error, Result};
use shim_abi::stream::{Identity, Info, Kind, attributes as bits};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError, RwLock};

/// File systems that are not data: through them a process reaches itself, others, or the kernel.
const REFUSED: &[i64] = &[
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0x6267_6570, // configfs
    0xcafe_4a11, // bpf
    0x27_e0eb,   // cgroup
    0x6367_7270, // cgroup2
    0x1cd1,      // devpts
    0x1980_0202, // mqueue
    0x6e73_6673, // nsfs
    0x6165_676c, // pstore
    0xde5e_81e4, // efivarfs
    0x4249_4e4d, // binfmt_misc
    0xf97c_ff8c, // selinuxfs
    0x4365_7265, // smackfs
    0x6573_5543, // fusectl
];

/// What the file operations share.
#[derive(Debug, Default)]
pub struct Host {
    /// Which names folders hold.
    pub cache: Cache,
    /// Volumes seen below mounts, and whether they are data.
    volumes: Mutex<Vec<(u64, bool)>>,
    /// Volumes that hold no extended attributes.
    plain: RwLock<Vec<u64>>,
    recent: recent::Recent,
}

/// The ABI's error for the host's.
pub fn error(errno: Errno) -> Error {
    match errno {
        Errno::ENOENT => Error::NotFound,
        Errno::EEXIST => Error::Exists,
        Errno::EACCES | Errno::EPERM | Errno::EXDEV | Errno::ELOOP | Errno::ENXIO | Errno::ENODEV => {
            Error::AccessDenied
        }
        Errno::EROFS => Error::ReadOnly,
        Errno::EISDIR => Error::IsDirectory,
        Errno::ENOTDIR => Error::NotDirectory,
        Errno::ENOTEMPTY => Error::NotEmpty,
        Errno::ENOSPC | Errno::EDQUOT | Errno::EFBIG => Error::NoSpace,
        Errno::EMFILE | Errno::ENFILE => Error::TooManyOpen,
        Errno::ENAMETOOLONG => Error::NameTooLong,
        Errno::EBUSY | Errno::ETXTBSY | Errno::EAGAIN => Error::Busy,
        Errno::ENOMEM => Error::OutOfMemory,
        Errno::EINTR => Error::Interrupted,
        Errno::EINVAL => Error::Invalid,
        Errno::EOPNOTSUPP | Errno::ENOSYS => Error::Unsupported,
        _ => Error::Io,
    }
}

/// The same of the standard library's.
pub fn of_io(error_of_io: std::io::Error) -> Error {
    error(Errno::from_raw(error_of_io.raw_os_error().unwrap_or_default()))
}

/// The number of the volume that statx tells, as fstat would tell it.
pub fn volume(of: &crate::sys::Statx) -> u64 {
    libc::makedev(of.stx_dev_major, of.stx_dev_minor)
}

/// What names the thing that statx tells of.
pub fn identity(of: &crate::sys::Statx) -> Identity {
    Identity { volume: volume(of), number: of.stx_ino }
}

/// Nanoseconds since 1970.
pub fn nanoseconds(time: &crate::sys::StatxTimestamp) -> i64 {
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(i64::from(time.tv_nsec))
}

/// What a thing is, as far as the guest may have it: files and folders, nothing else.
pub fn kind(of: &crate::sys::Statx) -> Result<Kind> {
    match u32::from(of.stx_mode) & libc::S_IFMT {
        libc::S_IFREG => Ok(Kind::File),
        libc::S_IFDIR => Ok(Kind::Directory),
        _ => Err(Error::AccessDenied),
    }
}

/// What is known of a thing.
pub fn info(of: &crate::sys::Statx, kind: Kind, kept: &Attributes, writable: bool) -> Info {
    let written = nanoseconds(&of.stx_mtime);
    let born = if of.stx_mask & libc::STATX_BTIME != 0 { nanoseconds(&of.stx_btime) } else { written };
    let mut attributes = match kept.bits {
        Some(stored) if kind == Kind::File => stored & bits::KEPT & !bits::READONLY,
        Some(stored) => stored & bits::STORED,
        None if kind == Kind::File => bits::ARCHIVE,
        None => 0,
    };
    let file = kind == Kind::File;
    if file && of.stx_mode & 0o222 == 0 {
        attributes |= bits::READONLY;
    }
    Info {
        kind,
        attributes,
        size: if file { of.stx_size } else { 0 },
        allocated: if file { of.stx_blocks.saturating_mul(512) } else { 0 },
        links: if file { of.stx_nlink } else { 1 },
        identity: identity(of),
        created: kept.created.unwrap_or(born),
        accessed: nanoseconds(&of.stx_atime),
        written,
        changed: nanoseconds(&of.stx_ctime),
        writable,
    }
}

impl Host {
    /// Whether the volume that an opened thing lies on is data, not a window into the kernel or into a process.
    ///
    /// # Errors
    /// [`Error::AccessDenied`] if it is not.
    pub fn check_volume(&self, known: u64, thing: impl AsFd, of: &crate::sys::Statx) -> Result {
        let number = volume(of);
        if number == known {
            return Ok(());
        }
        let mut volumes = lock(&self.volumes);
        let data = match volumes.iter().find(|(volume, _)| *volume == number) {
            Some((_, data)) => *data,
            None => {
                let data = is_data(thing)?;
                volumes.push((number, data));
                data
            }
        };
        if data { Ok(()) } else { Err(Error::AccessDenied) }
    }

    /// What the host keeps of a thing's attributes, for a descriptor that is open for data.
    fn attributes(&self, thing: impl AsFd, of: &crate::sys::Statx) -> Attributes {
        let mut buffer = [0; attributes::LONGEST];
        self.read_attributes(of, true, || sys::get_attribute(thing.as_fd(), attributes::NAME, &mut buffer))
    }

    fn read_attributes<'a>(
        &self,
        of: &crate::sys::Statx,
        remember: bool,
        read: impl FnOnce() -> std::result::Result<&'a [u8], Errno>,
    ) -> Attributes {
        if let Some(kept) = remember.then(|| self.recent.get(of)).flatten() {
            return kept;
        }
        if self.plain.read().unwrap_or_else(PoisonError::into_inner).contains(&volume(of)) {
            return Attributes::default();
        }
        let kept = match read() {
            Ok(text) => Attributes::parse(text),
            Err(Errno::ENODATA) => Attributes::default(),
            Err(Errno::EOPNOTSUPP) => {
                self.plain.write().unwrap_or_else(PoisonError::into_inner).push(volume(of));
                return Attributes::default();
            }
            Err(_) => return Attributes::default(),
        };
        if remember {
            self.recent.put(of, kept);
        }
        kept
    }
}

/// Whether the file system that a thing lies on holds data.
pub fn is_data(thing: impl AsFd) -> Result<bool> {
    let kind = statfs::fstatfs(thing).map_err(error)?.filesystem_type().0 as i64 & 0xffff_ffff;
    Ok(!REFUSED.contains(&kind))
}
