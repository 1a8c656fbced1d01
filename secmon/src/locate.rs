//! Finds names below a mount: confined to it by the kernel, and whatever their letter case.
//!
//! The exact name is tried first, in one system call. Only if there is none are the folders on the way read; what they
//! hold is remembered for as long as their times tell that nothing changed.

use crate::host::error;
use crate::names::{Mount, fold};
use crate::sys::{self, lock};
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;
use shim_abi::error::{Error, Result};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::CString;
use std::hash::RandomState;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest path that Linux takes.
const MAX_PATH: usize = libc::PATH_MAX as usize - 1;
/// Most names remembered, in all folders together.
const MAX_NAMES: usize = 400_000;
/// How often a look-up that a rename on the host disturbed is tried again.
const TRIES: usize = 8;
/// How long after a change a further one may leave a folder's times as they are.
const TICK: Duration = Duration::from_millis(20);

/// How things are opened below a mount: nowhere outside of it, and not through /proc's links.
pub fn beneath(flags: OFlag) -> OpenHow {
    // What is opened for its path alone takes no flag that is about data.
    let path_flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    let flags = if flags.contains(OFlag::O_PATH) { flags & path_flags } else { flags | OFlag::O_NOCTTY };
    OpenHow::new()
        .flags(flags | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS)
}

/// Opens below a folder; nothing outside of it is ever reached.
pub fn open_beneath(root: impl AsFd, path: &str, how: OpenHow) -> std::result::Result<OwnedFd, Errno> {
    let path = if path.is_empty() { "." } else { path };
    if path.len() > MAX_PATH {
        // Of a path longer than Linux takes, a folder on the way comes first; then no link leads there.
        let cut = path.as_bytes()[..MAX_PATH].iter().rposition(|byte| *byte == b'/').ok_or(Errno::ENAMETOOLONG)?;
        let straight = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS;
        let above = open_beneath(root, &path[..cut], beneath(FOLDER).resolve(straight))?;
        return open_beneath(above, &path[cut + 1..], how);
    }
    for _ in 1..TRIES {
        match openat2(root.as_fd(), path, how) {
            // A folder on the way was renamed meanwhile.
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            other => return other,
        }
    }
    openat2(root.as_fd(), path, how)
}

/// The flags for a folder that is only passed through.
pub const FOLDER: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY);

/// A name in a folder of the host.
#[derive(Debug)]
pub struct Located {
    /// The folder.
    pub folder: OwnedFd,
    /// Its path below the mount, in the host's letter case.
    pub path: String,
    /// The name: the host's if it exists, else as asked.
    pub name: String,
    /// Whether it exists.
    pub exists: bool,
}

impl Located {
    /// The whole path below the mount.
    pub fn whole(&self) -> String {
        join(&self.path, &self.name)
    }

    /// The name for system calls.
    pub fn c_name(&self) -> CString {
        CString::new(self.name.as_str()).unwrap_or_default()
    }
}

/// A path and a name below it.
pub fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

/// What lies above a path's last name, and that name.
pub fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Tells when a folder's names changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    volume: (u32, u32),
    number: u64,
    changed: (i64, u32),
    written: (i64, u32),
}

impl Stamp {
    fn of(folder: impl AsFd) -> Result<Self> {
        let of = sys::statx(folder, c"").map_err(error)?;
        Ok(Stamp {
            volume: (of.stx_dev_major, of.stx_dev_minor),
            number: of.stx_ino,
            changed: (of.stx_ctime.tv_sec, of.stx_ctime.tv_nsec),
            written: (of.stx_mtime.tv_sec, of.stx_mtime.tv_nsec),
        })
    }
}

/// Whether a change is so young that another may hide behind the same time.
pub fn is_young((seconds, nanoseconds): (i64, u32)) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let then = Duration::new(u64::try_from(seconds).unwrap_or(0), nanoseconds.min(999_999_999));
    now.saturating_sub(then) < TICK
}

/// The names of one folder.
#[derive(Debug)]
struct Names {
    stamp: Stamp,
    /// Until when a stamp that was young when the names were read is believed.
    until: Option<Instant>,
    first: HashMap<u64, Box<str>>,
    /// Names whose hash another has too.
    more: Vec<(u64, Box<str>)>,
}

impl Names {
    fn new(stamp: Stamp) -> Self {
        Names { stamp, until: None, first: HashMap::new(), more: Vec::new() }
    }

    fn len(&self) -> usize {
        self.first.len() + self.more.len()
    }

    fn add(&mut self, hash: u64, name: &str) {
        match self.first.entry(hash) {
            Entry::Vacant(entry) => drop(entry.insert(name.into())),
            Entry::Occupied(entry) if **entry.get() == *name => {}
            Entry::Occupied(_) if self.more.iter().any(|(_, other)| **other == *name) => {}
            Entry::Occupied(_) => self.more.push((hash, name.into())),
        }
    }

    fn remove(&mut self, hash: u64, name: &str) {
        self.more.retain(|(_, other)| **other != *name);
        if self.first.get(&hash).is_some_and(|other| **other == *name) {
            self.first.remove(&hash);
            if let Some(at) = self.more.iter().position(|(other, _)| *other == hash) {
                let (hash, name) = self.more.swap_remove(at);
                self.first.insert(hash, name);
            }
        }
    }

    /// The name that is the same but for letter case; of several, the exact one, else the first in the order of bytes.
    fn find(&self, hash: u64, name: &str) -> Option<&str> {
        let first = self.first.get(&hash).map(|other| &**other);
        let more = self.more.iter().filter(|(other, _)| *other == hash).map(|(_, other)| &**other);
        let same = first.into_iter().chain(more).filter(|other| fold::same(other, name));
        same.min_by_key(|other| (*other != name, other.as_bytes()))
    }
}

/// Remembers which names folders hold.
#[derive(Debug, Default)]
pub struct Cache {
    state: RandomState,
    folders: Mutex<HashMap<(usize, Box<str>), Names>>,
}

impl Cache {
    /// The host's letter case of a name in a folder, if it has it in any.
    fn find(&self, mount: &Mount, folder: &OwnedFd, path: &str, name: &str) -> Result<Option<String>> {
        let hash = fold::hash(name, &self.state);
        let key = (mount.number, Box::from(path));
        let stamp = Stamp::of(folder)?;
        if let Some(names) = lock(&self.folders).get(&key)
            && names.stamp == stamp
            && names.until.is_none_or(|until| Instant::now() < until)
        {
            return Ok(names.find(hash, name).map(str::to_owned));
        }
        let began = Instant::now();
        let young = is_young(stamp.changed.max(stamp.written));
        let mut names = Names::new(stamp);
        for_each_name(folder, |name, _| names.add(fold::hash(name, &self.state), name))?;
        if young {
            // Believe it for a while that grows with what it costs to read, so that filling a folder stays linear.
            names.until = Some(Instant::now() + TICK.max(began.elapsed() * 16));
        }
        let found = names.find(hash, name).map(str::to_owned);
        if names.len() < MAX_NAMES {
            let mut folders = lock(&self.folders);
            let held: usize = folders.values().map(Names::len).sum();
            if held + names.len() > MAX_NAMES || folders.len() >= 1024 {
                folders.clear();
            }
            folders.insert(key, names);
        }
        Ok(found)
    }

    /// Notes what the monitor itself changed in a folder, so that it need not be read again.
    pub fn changed(&self, mount: &Mount, folder: &OwnedFd, path: &str, gone: Option<&str>, new: Option<&str>) {
        let mut folders = lock(&self.folders);
        let Some(names) = folders.get_mut(&(mount.number, Box::from(path))) else { return };
        let Ok(stamp) = Stamp::of(folder) else { return };
        if (stamp.volume, stamp.number) != (names.stamp.volume, names.stamp.number) {
            return;
        }
        names.stamp = stamp;
        if let Some(gone) = gone {
            names.remove(fold::hash(gone, &self.state), gone);
        }
        if let Some(new) = new {
            names.add(fold::hash(new, &self.state), new);
        }
    }

    /// Finds the folder that a path lies in, and the path's last name there.
    ///
    /// # Errors
    /// [`Error::PathNotFound`], [`Error::NotDirectory`] for a file on the way, [`Error::AccessDenied`] out of the mount.
    pub fn locate(&self, mount: &Mount, path: &str) -> Result<Located> {
        let (above, name) = split(path);
        let (folder, path) = self.folder(mount, above)?;
        let c_name = CString::new(name).map_err(|_| Error::NameInvalid)?;
        match sys::statx(&folder, &c_name) {
            Ok(_) => Ok(Located { folder, path, name: name.to_owned(), exists: true }),
            Err(Errno::ENOENT) => self.locate_other_case(mount, folder, path, name),
            Err(errno) => Err(error(errno)),
        }
    }

    /// Finds a name that is not in the folder as it is written.
    fn locate_other_case(&self, mount: &Mount, folder: OwnedFd, path: String, name: &str) -> Result<Located> {
        let found = self.find(mount, &folder, &path, name)?;
        let exists = found.is_some();
        Ok(Located { folder, path, name: found.unwrap_or_else(|| name.to_owned()), exists })
    }

    /// Opens a folder below a mount for its path alone; its path in the host's letter case.
    pub fn folder(&self, mount: &Mount, path: &str) -> Result<(OwnedFd, String)> {
        // The longest beginning that exists as it is written.
        let mut known = path;
        let mut folder = loop {
            match open_beneath(&mount.root, known, beneath(FOLDER)) {
                Ok(folder) => break folder,
                Err(Errno::ENOENT) if !known.is_empty() => known = split(known).0,
                Err(Errno::ENOENT) => return Err(Error::PathNotFound),
                Err(errno) => return Err(error(errno)),
            }
        };
        let mut real = known.to_owned();
        for name in path[known.len()..].split('/').filter(|name| !name.is_empty()) {
            let found = self.find(mount, &folder, &real, name)?.ok_or(Error::PathNotFound)?;
            real = join(&real, &found);
            folder = open_beneath(&mount.root, &real, beneath(FOLDER)).map_err(|errno| match errno {
                Errno::ENOENT => Error::PathNotFound,
                errno => error(errno),
            })?;
        }
        Ok((folder, real))
    }

    /// Opens what a path means, whatever its letter case; its path in the host's.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::PathNotFound`], and what the host refuses.
    pub fn open<'p>(&self, mount: &Mount, path: &'p str, flags: OFlag) -> Result<(OwnedFd, std::borrow::Cow<'p, str>)> {
        match open_beneath(&mount.root, path, beneath(flags)) {
            Ok(fd) => return Ok((fd, path.into())),
            Err(Errno::ENOENT | Errno::ENOTDIR) => {}
            Err(errno) => return Err(error(errno)),
        }
        let (above, name) = split(path);
        let (folder, above) = self.folder(mount, above)?;
        let located = self.locate_other_case(mount, folder, above, name)?;
        if !located.exists {
            return Err(Error::NotFound);
        }
        let real = located.whole();
        let fd = open_beneath(&mount.root, &real, beneath(flags)).map_err(error)?;
        Ok((fd, real.into()))
    }
}

/// Calls for every name in a folder that a guest can name; "." and ".." are not among them.
pub fn for_each_name(folder: impl AsFd, mut each: impl FnMut(&str, &nix::dir::Entry)) -> Result {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let fd = openat2(folder.as_fd(), ".", OpenHow::new().flags(flags).mode(Mode::empty())).map_err(error)?;
    let mut dir = Dir::from_fd(fd).map_err(error)?;
    for entry in dir.iter() {
        let entry = entry.map_err(error)?;
        let raw = entry.file_name().to_bytes();
        if raw == b"." || raw == b".." {
            continue;
        }
        match std::str::from_utf8(raw) {
            Ok(name) if shim_abi::uri::check_component(name).is_ok() => each(name, &entry),
            _ => unnameable(raw),
        }
    }
    Ok(())
}

/// Says once that there are names which the guest does not see.
fn unnameable(raw: &[u8]) {
    static SAID: std::sync::Once = std::sync::Once::new();
    SAID.call_once(|| {
        tracing::warn!("names such as {:?} cannot be Windows names and are not listed", String::from_utf8_lossy(raw));
    });
}

#[cfg(test)]
#[path = "../tests/unit/locate.rs"]
pub(crate) mod tests;
