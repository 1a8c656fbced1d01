//! DOS attributes and times that Linux has no place for: kept in an extended attribute, as Samba and Wine do.

use super::{Host, error, identity, kind};
use crate::names::Mount;
use crate::sys;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, fchmod, futimens};
use nix::sys::time::TimeSpec;
use shim_abi::error::{Error, Result};
use shim_abi::stream::{Identity, Kind, attributes as bits};
use std::ffi::CStr;
use std::os::fd::AsFd;

/// The extended attribute's name.
pub const NAME: &CStr = c"user.DOSATTRIB";
/// Longest value read: Samba's newer form is about 90 bytes.
pub const LONGEST: usize = 256;
/// What stands before the creation time in a value of ours: `0x22;created=1700000000000000000`.
const CREATED: &str = ";created=";

/// What is kept beside a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes {
    /// DOS attributes, if any were set.
    pub bits: Option<u32>,
    /// When it was made, in nanoseconds since 1970, if that was set.
    pub created: Option<i64>,
}

impl Attributes {
    /// Reads a value: hexadecimal digits, as Wine writes them and Samba begins, and our own time behind them.
    pub fn parse(value: &[u8]) -> Self {
        let text = value.split(|byte| *byte == 0).next().unwrap_or(value);
        let Some(text) = std::str::from_utf8(text).ok().and_then(|text| text.strip_prefix("0x")) else {
            return Attributes::default();
        };
        let (hex, created) = text.split_once(CREATED).map_or((text, None), |(hex, time)| (hex, time.parse().ok()));
        Attributes { bits: u32::from_str_radix(hex, 16).ok(), created }
    }

    /// The value to store; none if nothing needs it.
    fn value(&self, kind: Kind) -> Option<String> {
        let usual = if kind == Kind::File { bits::ARCHIVE } else { 0 };
        let bits = self.bits.unwrap_or(usual);
        match self.created {
            Some(time) => Some(format!("0x{bits:x}{CREATED}{time}")),
            None => (bits != usual).then(|| format!("0x{bits:x}")),
        }
    }

    /// Stores what is kept beside an open thing of this mode. A file system that keeps none is no failure: it loses them as
    /// FAT would.
    pub(super) fn store(&self, file: impl AsFd, kind: Kind, mode: u32) -> Result {
        let value = self.value(kind);
        let set = || sys::set_attribute(file.as_fd(), NAME, value.as_deref().map(str::as_bytes));
        let stored = match set() {
            // The host keeps them from whoever may not write the thing, even its owner: for a moment, let him.
            Err(Errno::EACCES | Errno::EPERM) if mode & 0o200 == 0 => {
                let change = |mode| fchmod(file.as_fd(), Mode::from_bits_truncate(mode & 0o7777));
                change(mode | 0o200).map_err(error)?;
                let stored = set();
                change(mode).map_err(error)?;
                stored
            }
            other => other,
        };
        match stored {
            Ok(()) | Err(Errno::ENODATA | Errno::EOPNOTSUPP) => Ok(()),
            Err(errno) => Err(error(errno)),
        }
    }
}

/// Times to set, in nanoseconds since 1970; what is `None` stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    /// When it was made.
    pub created: Option<i64>,
    /// When it was last read.
    pub accessed: Option<i64>,
    /// When it was last written.
    pub written: Option<i64>,
}

fn timespec(time: Option<i64>) -> TimeSpec {
    match time {
        Some(time) => TimeSpec::new(time.div_euclid(1_000_000_000), time.rem_euclid(1_000_000_000)),
        None => TimeSpec::UTIME_OMIT,
    }
}

impl Host {
    /// Sets attributes and times of what a name means.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Stale`] if it is not what the caller opened, and what the host refuses.
    pub fn set_attributes(
        &self,
        mount: &Mount,
        path: &str,
        expected: Identity,
        wanted: Option<u32>,
        times: Times,
    ) -> Result {
        if !mount.writable {
            return Err(Error::ReadOnly);
        }
        let (probe, real) = self.cache.open(mount, path, OFlag::O_PATH)?;
        let of = sys::statx(&probe, c"").map_err(error)?;
        let kind = kind(&of)?;
        self.check_volume(mount.volume, &probe, &of)?;
        if identity(&of) != expected {
            return Err(Error::Stale);
        }
        // Attributes are set through a descriptor that is open for data; which data does not matter.
        let open = |flags| self.cache.open(mount, &real, flags | OFlag::O_NONBLOCK);
        let (file, _) = match open(OFlag::O_RDONLY) {
            Err(Error::AccessDenied) if kind == Kind::File => open(OFlag::O_WRONLY)?,
            other => other?,
        };
        let of = sys::statx(&file, c"").map_err(error)?;
        if identity(&of) != expected {
            return Err(Error::Stale);
        }
        let mut kept = self.attributes(&file, &of);
        let before = kept;
        if let Some(wanted) = wanted {
            let wanted = wanted & bits::KEPT;
            kept.bits = Some(if kind == Kind::File { wanted & !bits::READONLY } else { wanted });
        }
        kept.created = times.created.or(kept.created);
        if kept != before {
            kept.store(&file, kind, u32::from(of.stx_mode))?;
        }
        if times.accessed.is_some() || times.written.is_some() {
            futimens(&file, &timespec(times.accessed), &timespec(times.written)).map_err(error)?;
        }
        if let (Some(wanted), Kind::File) = (wanted, kind) {
            let mode = u32::from(of.stx_mode) & 0o7777;
            let new = match (wanted & bits::READONLY != 0, mode & 0o222 == 0) {
                (true, false) => mode & !0o222,
                (false, true) => mode | 0o200 | 0o222 & !umask(),
                _ => mode,
            };
            if new != mode {
                fchmod(&file, Mode::from_bits_truncate(new)).map_err(error)?;
            }
        }
        Ok(())
    }
}

/// The mask for new files, from /proc: asking the kernel itself would change it for a moment.
fn umask() -> u32 {
    static MASK: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *MASK.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
        mask.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok()).unwrap_or(0o077)
    })
}

#[cfg(test)]
#[path = "../../tests/unit/host_attributes.rs"]
mod tests;
