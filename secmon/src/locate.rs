//! Finds names below a mount: confined to it by the kernel, and whatever their letter case.
//!
//! The exact name is tried first, in one system call. Only if there is none are the folders on the way read; what they
//! hold is remembered for as long as their times tell that nothing changed.

use crate::host::error;
use crate::names::{Mount, fold};
use crate::sys;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;
use shim_abi::error::{Error, Result};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::{CStr, CString};
use std::hash::RandomState;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest path that Linux takes.
const MAX_PATH: usize = libc::PATH_MAX as usize - 1;
/// Most names remembered, in all folders together.
const MAX_NAMES: usize = 100_000;
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

fn split(path: &str) -> (&str, &str) {
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

    fn is_young(&self) -> bool {
        is_young(self.changed.max(self.written))
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
    fn folders(&self) -> MutexGuard<'_, HashMap<(usize, Box<str>), Names>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host's letter case of a name in a folder, if it has it in any.
    fn find(&self, mount: &Mount, folder: &OwnedFd, path: &str, name: &str) -> Result<Option<String>> {
        let hash = fold::hash(name, &self.state);
        let key = (mount.number, Box::from(path));
        let stamp = Stamp::of(folder)?;
        if let Some(names) = self.folders().get(&key)
            && names.stamp == stamp
            && names.until.is_none_or(|until| Instant::now() < until)
        {
            return Ok(names.find(hash, name).map(str::to_owned));
        }
        let began = Instant::now();
        let young = stamp.is_young();
        let mut names = Names::new(stamp);
        for_each_name(folder, |name, _| names.add(fold::hash(name, &self.state), name))?;
        if young {
            // Believe it for a while that grows with what it costs to read, so that filling a folder stays linear.
            names.until = Some(Instant::now() + TICK.max(began.elapsed() * 16));
        }
        let found = names.find(hash, name).map(str::to_owned);
        if names.len() < MAX_NAMES {
            let mut folders = self.folders();
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
        let mut folders = self.folders();
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
    /// [`Error::PathNotFound`] if the folder does not exist, [`Error::AccessDenied`] if the path leads out of the mount.
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
    ///
    /// # Errors
    /// As [`Cache::locate`].
    pub fn folder(&self, mount: &Mount, path: &str) -> Result<(OwnedFd, String)> {
        if path.len() > MAX_PATH {
            return Err(Error::NameTooLong);
        }
        // The longest beginning that exists as it is written.
        let mut known = path;
        let mut folder = loop {
            match open_beneath(&mount.root, known, beneath(FOLDER)) {
                Ok(folder) => break folder,
                Err(Errno::ENOENT) if !known.is_empty() => known = split(known).0,
                Err(Errno::ENOENT | Errno::ENOTDIR) => return Err(Error::PathNotFound),
                Err(errno) => return Err(error(errno)),
            }
        };
        let mut real = known.to_owned();
        for name in path[known.len()..].split('/').filter(|name| !name.is_empty()) {
            let found = self.find(mount, &folder, &real, name)?.ok_or(Error::PathNotFound)?;
            real = join(&real, &found);
            folder = open_beneath(&mount.root, &real, beneath(FOLDER)).map_err(|errno| match errno {
                Errno::ENOENT | Errno::ENOTDIR => Error::PathNotFound,
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
        if path.len() > MAX_PATH {
            return Err(Error::NameTooLong);
        }
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
///
/// # Errors
/// The host's.
pub fn for_each_name(folder: impl AsFd, mut each: impl FnMut(&str, &CStr)) -> Result {
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
            Ok(name) if shim_abi::uri::check_component(name).is_ok() => each(name, entry.file_name()),
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
pub(crate) mod tests {
    use super::*;
    use crate::guest::GuestPath;
    use crate::names::Kind;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    /// A folder that is removed at the end.
    pub(crate) struct Temporary(pub PathBuf);

    impl Temporary {
        pub(crate) fn new() -> Self {
            use std::sync::atomic::{AtomicU32, Ordering};
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("secmon-test-{}-{number}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Temporary(path)
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    pub(crate) fn mount(host: &Path, writable: bool) -> Mount {
        let root: OwnedFd = fs::File::open(host).unwrap().into();
        let volume = crate::host::volume(&sys::statx(&root, c"").unwrap());
        let guest = GuestPath::parse("C:\\m").unwrap();
        Mount { number: 0, guest, host: host.into(), root, volume, writable, kind: Kind::Granted, wary: false }
    }

    fn real(cache: &Cache, mount: &Mount, path: &str) -> Result<String> {
        cache.open(mount, path, OFlag::O_PATH).map(|(_, real)| real.into_owned())
    }

    #[test]
    fn letter_case_does_not_matter() {
        let dir = Temporary::new();
        fs::create_dir_all(dir.0.join("Ordner/Tiefer")).unwrap();
        fs::write(dir.0.join("Ordner/Tiefer/Datei Ä.txt"), "x").unwrap();
        let (mount, cache) = (mount(&dir.0, false), Cache::default());
        for path in ["Ordner/Tiefer/Datei Ä.txt", "ORDNER/tiefer/dateI ä.TXT", "ordner/Tiefer/Datei Ä.txt"] {
            assert_eq!(real(&cache, &mount, path).as_deref(), Ok("Ordner/Tiefer/Datei Ä.txt"));
        }
        assert_eq!(real(&cache, &mount, "ordner/nichts"), Err(Error::NotFound));
        assert_eq!(real(&cache, &mount, "nichts/nichts"), Err(Error::PathNotFound));
        assert_eq!(real(&cache, &mount, "ordner/tiefer/datei ä.txt/x"), Err(Error::PathNotFound));
        assert_eq!(real(&cache, &mount, "").as_deref(), Ok(""));
    }

    #[test]
    fn of_names_that_differ_in_case_alone_the_exact_one_then_the_first() {
        let dir = Temporary::new();
        for name in ["abc", "Abc", "ABC"] {
            fs::write(dir.0.join(name), name).unwrap();
        }
        let (mount, cache) = (mount(&dir.0, false), Cache::default());
        for name in ["abc", "Abc", "ABC"] {
            assert_eq!(real(&cache, &mount, name).as_deref(), Ok(name));
        }
        assert_eq!(real(&cache, &mount, "aBC").as_deref(), Ok("ABC"));
    }

    #[test]
    fn changes_on_the_host_are_seen() {
        let dir = Temporary::new();
        let (mount, cache) = (mount(&dir.0, false), Cache::default());
        assert_eq!(real(&cache, &mount, "FILE"), Err(Error::NotFound));
        std::thread::sleep(TICK * 2);
        fs::write(dir.0.join("file"), "").unwrap();
        assert_eq!(real(&cache, &mount, "FILE").as_deref(), Ok("file"));
        fs::rename(dir.0.join("file"), dir.0.join("File")).unwrap();
        std::thread::sleep(TICK * 2);
        assert_eq!(real(&cache, &mount, "FILE").as_deref(), Ok("File"));
        fs::remove_file(dir.0.join("File")).unwrap();
        assert_eq!(real(&cache, &mount, "FILE"), Err(Error::NotFound));
    }

    #[test]
    fn links_that_stay_inside_lead_on_and_others_do_not() {
        let dir = Temporary::new();
        let inside = dir.0.join("in");
        fs::create_dir_all(inside.join("sub")).unwrap();
        fs::write(dir.0.join("secret"), "s").unwrap();
        fs::write(inside.join("sub/plain"), "p").unwrap();
        symlink("sub/plain", inside.join("good")).unwrap();
        symlink("sub", inside.join("folder")).unwrap();
        symlink("../secret", inside.join("up")).unwrap();
        symlink("..", inside.join("above")).unwrap();
        symlink("/etc/passwd", inside.join("absolute")).unwrap();
        symlink("sub/../../secret", inside.join("round")).unwrap();
        symlink("/proc/self/root/etc/passwd", inside.join("magic")).unwrap();
        symlink("loop", inside.join("loop")).unwrap();
        symlink("nowhere", inside.join("dangling")).unwrap();
        let (mount, cache) = (mount(&inside, true), Cache::default());
        assert!(real(&cache, &mount, "good").is_ok() && real(&cache, &mount, "FOLDER/PLAIN").is_ok());
        for path in ["up", "UP", "above", "above/secret", "ABOVE/secret", "absolute", "round", "magic", "loop"] {
            assert_eq!(real(&cache, &mount, path), Err(Error::AccessDenied), "{path}");
        }
        assert_eq!(real(&cache, &mount, "dangling"), Err(Error::NotFound));
        // The monitor never builds such paths, but the kernel would stop them too.
        assert_eq!(real(&cache, &mount, "../secret"), Err(Error::AccessDenied));
        assert_eq!(real(&cache, &mount, "/etc/passwd"), Err(Error::AccessDenied));
    }

    #[test]
    fn no_race_of_renames_leads_out() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicBool, Ordering};
        let dir = Temporary::new();
        let inside = dir.0.join("in");
        fs::create_dir_all(inside.join("a")).unwrap();
        fs::create_dir_all(dir.0.join("out")).unwrap();
        fs::write(inside.join("a/file"), "inside").unwrap();
        fs::write(dir.0.join("out/file"), "outside").unwrap();
        symlink("../out", inside.join("b")).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let swapper = std::thread::spawn({
            let (inside, stop) = (inside.clone(), stop.clone());
            move || {
                while !stop.load(Ordering::Relaxed) {
                    let names = [("a", "c"), ("b", "a"), ("a", "b"), ("c", "a")];
                    for (from, to) in names {
                        let _ = fs::rename(inside.join(from), inside.join(to));
                    }
                }
            }
        });
        let (mount, cache) = (mount(&inside, false), Cache::default());
        let (mut opened, mut refused) = (0, 0);
        for _ in 0..20_000 {
            for path in ["a/file", "A/FILE"] {
                match cache.open(&mount, path, OFlag::O_RDONLY) {
                    Ok((fd, _)) => {
                        let mut text = String::new();
                        std::io::Read::read_to_string(&mut fs::File::from(fd), &mut text).unwrap();
                        assert_eq!(text, "inside");
                        opened += 1;
                    }
                    Err(_) => refused += 1,
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
        swapper.join().unwrap();
        assert!(opened > 0 && refused > 0, "the race took place: {opened} {refused}");
    }

    #[test]
    fn filling_a_folder_keeps_the_cache_true() {
        let dir = Temporary::new();
        let (mount, cache) = (mount(&dir.0, true), Cache::default());
        for number in 0..50 {
            let name = format!("File{number}");
            let located = cache.locate(&mount, &name).unwrap();
            assert!(!located.exists);
            fs::write(dir.0.join(&name), "").unwrap();
            cache.changed(&mount, &located.folder, &located.path, None, Some(&name));
            assert_eq!(real(&cache, &mount, &name.to_uppercase()).as_deref(), Ok(name.as_str()));
        }
        let located = cache.locate(&mount, "FILE7").unwrap();
        fs::remove_file(dir.0.join("File7")).unwrap();
        cache.changed(&mount, &located.folder, &located.path, Some("File7"), None);
        assert!(!cache.locate(&mount, "file7").unwrap().exists);
    }
}
