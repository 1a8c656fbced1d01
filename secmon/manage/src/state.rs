//! What is known of sandboxes between one command and the next: a folder for each, without anybody who must run.
//!
//! A folder is made under another name and renamed when it is whole, and renamed before it is removed; so what has a sandbox's id for
//! its name is whole, and all else is left over from a command that was ended on its way. The monitor inherits a descriptor with
//! the folder's lock, which the host's kernel lets go when the monitor is gone, however it went: that alone says what still runs.

use crate::record::{End, Record, RecordError};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Where the lock of all of them is, held while names are looked at and given.
const LOCK: &str = ".lock";
/// How what is being made begins, and what is being removed.
const NEW: &str = ".new-";
const OLD: &str = ".old-";

/// The files in a sandbox's folder.
pub mod file {
    /// What it is: [`crate::record::Record`].
    pub const RECORD: &str = "sandbox.json";
    /// The socket on which its monitor listens.
    pub const CONTROL: &str = "control";
    /// What its programs wrote to their standard output, of those that have no other.
    pub const STDOUT: &str = "stdout";
    /// The same of standard error, and what the monitor said.
    pub const STDERR: &str = "stderr";
    /// What happened, a line of JSON each; the monitor writes it.
    pub const EVENTS: &str = "events.jsonl";
    /// What was granted and refused, a line of JSON each; the monitor writes it.
    pub const AUDIT: &str = "audit.jsonl";
    /// How its display is reached: [`crate::display::Reached`].
    pub const DISPLAY: &str = "display.json";
    /// What whoever serves its display holds a lock on.
    pub const DISPLAY_LOCK: &str = "display.lock";
    /// The policy as it was understood.
    pub const POLICY: &str = "policy.toml";
}

/// Why a sandbox's state is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The host refuses.
    #[error("{0}: {1}")]
    Host(PathBuf, io::Error),
    /// The folder is another user's.
    #[error("{0} belongs to another user: set PORTCULLIS_STATE to a folder of your own")]
    Foreign(PathBuf),
    /// There is none of that id or name.
    #[error("there is no sandbox `{0}`: `secmon list --all` has those that there are")]
    Missing(String),
    /// Several ids begin so.
    #[error("several sandboxes are meant by `{0}`: {1}")]
    Ambiguous(String, String),
    /// It has ended.
    #[error("sandbox {0} does not run any more: {1}")]
    Ended(String, String),
    /// It runs.
    #[error("sandbox {0} still runs: stop it first")]
    Runs(String),
    /// A sandbox of that id is there already.
    #[error("there is a sandbox {0} already")]
    Taken(String),
    /// A name that another one has that runs.
    #[error("sandbox {1} has the name `{0}`: give another, or stop that one")]
    NameTaken(String, String),
    /// No name.
    #[error("`{0}` is no name for a sandbox: up to 63 letters, digits, `-`, `_` and `.`, a letter or digit first")]
    Name(String),
    /// No id.
    #[error("`{0}` is no id: write a GUID, as 12345678-1234-1234-1234-1234567890ab")]
    Id(String),
    /// Its record cannot be used.
    #[error("sandbox {0}: {1}; `secmon prune` removes it when it does not run")]
    Record(String, RecordError),
}

fn host<T>(path: &Path, result: io::Result<T>) -> Result<T, StateError> {
    result.map_err(|error| StateError::Host(path.into(), error))
}

/// Whether a text is a GUID, in the form that ids have here.
pub fn is_id(text: &str) -> bool {
    let shape = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
    };
    text.len() == 36 && text.bytes().enumerate().all(shape)
}

/// An id as people give it, braces and capital letters too.
///
/// # Errors
/// [`StateError::Id`].
pub fn parse_id(text: &str) -> Result<String, StateError> {
    let plain = text.trim().trim_start_matches('{').trim_end_matches('}').to_ascii_lowercase();
    if is_id(&plain) { Ok(plain) } else { Err(StateError::Id(text.into())) }
}

/// A new id: a GUID of version 4.
///
/// # Errors
/// [`StateError::Host`] if the host gives no random numbers.
pub fn new_id() -> Result<String, StateError> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0u8; 16];
    host(source, File::open(source).and_then(|mut file| file.read_exact(&mut bytes)))?;
    let number = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0xc << 60) | (4 << 76) | (8 << 60);
    let text = format!("{number:032x}");
    Ok([&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-"))
}

/// Checks a name that somebody gives to a sandbox.
///
/// # Errors
/// [`StateError::Name`].
pub fn check_name(name: &str) -> Result<(), StateError> {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let rest = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if first && rest && name.len() <= 63 && !is_id(name) { Ok(()) } else { Err(StateError::Name(name.into())) }
}

/// Whether a sandbox runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Life {
    /// Its monitor holds the lock.
    Running,
    /// Its monitor said how it ended.
    Ended(End),
    /// Its monitor is gone and said nothing: it was killed, or the host went down.
    Lost,
}

impl Life {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Life::Running => "running",
            Life::Ended(_) => "ended",
            Life::Lost => "lost",
        }
    }

    /// A sentence about it.
    pub fn told(&self) -> String {
        match self {
            Life::Running => "it runs".into(),
            Life::Ended(end) => end.told(),
            Life::Lost => "its monitor was killed, or the host went down".into(),
        }
    }
}

/// A sandbox that there is or was.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its folder.
    pub folder: PathBuf,
    /// What it is.
    pub record: Record,
    /// Whether it runs.
    pub life: Life,
}

impl Kept {
    /// A file of its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Itself, if it runs.
    ///
    /// # Errors
    /// [`StateError::Ended`].
    pub fn running(self) -> Result<Self, StateError> {
        match self.life {
            Life::Running => Ok(self),
            ref life => Err(StateError::Ended(self.record.id.clone(), life.told())),
        }
    }
}

/// A folder that is being made; removed again unless it is [kept](Making::keep).
pub struct Making {
    folder: PathBuf,
    place: PathBuf,
    lock: Option<File>,
    kept: bool,
}

impl Making {
    /// Where it is for now.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Gives it its id for a name, so that others see it. The lock is the caller's from then on, to hand it to the monitor.
    ///
    /// # Errors
    /// [`StateError::Host`], [`StateError::Taken`].
    pub fn keep(mut self, record: &Record) -> Result<(PathBuf, File), StateError> {
        write(&self.folder.join(file::RECORD), record.to_text().as_bytes())?;
        if self.place.exists() {
            return Err(StateError::Taken(record.id.clone()));
        }
        host(&self.place, fs::rename(&self.folder, &self.place))?;
        self.kept = true;
        let lock = self.lock.take().ok_or_else(|| StateError::Taken(record.id.clone()))?;
        Ok((self.place.clone(), lock))
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Writes a file whole or not at all.
///
/// # Errors
/// [`StateError::Host`].
pub fn write(path: &Path, content: &[u8]) -> Result<(), StateError> {
    let mut half = path.as_os_str().to_owned();
    half.push(".half");
    let half = PathBuf::from(half);
    let made = File::create(&half).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    host(&half, made)?;
    host(path, fs::rename(&half, path))
}

/// What [`Store::prune`] did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Ids of the sandboxes whose state was removed.
    pub ids: Vec<String>,
    /// How many folders were removed that a command had left half made or half removed.
    pub leftovers: usize,
}

/// All sandboxes of a user.
#[derive(Debug, Clone)]
pub struct Store {
    top: PathBuf,
}

impl Store {
    /// Where state is kept: `$PORTCULLIS_STATE`; else, of root, `/var/lib/portcullis`; else `portcullis` in the user's state folder.
    pub fn place() -> PathBuf {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(folder) = variable("PORTCULLIS_STATE") {
            return std::path::absolute(&folder).unwrap_or(folder);
        }
        if nix::unistd::geteuid().is_root() {
            return "/var/lib/portcullis".into();
        }
        let state = variable("XDG_STATE_HOME").filter(|folder| folder.is_absolute());
        let home = || variable("HOME").unwrap_or_else(|| "/".into()).join(".local/state");
        state.unwrap_or_else(home).join("portcullis")
    }

    /// Opens the user's own, making the folder if there is none.
    ///
    /// # Errors
    /// [`StateError::Host`], [`StateError::Foreign`].
    pub fn open() -> Result<Self, StateError> {
        Self::at(&Self::place())
    }

    /// Opens the one in a folder.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn at(folder: &Path) -> Result<Self, StateError> {
        let top = folder.join("sandboxes");
        host(&top, fs::DirBuilder::new().recursive(true).mode(0o700).create(&top))?;
        let meta = host(&top, fs::metadata(&top))?;
        if meta.uid() != nix::unistd::geteuid().as_raw() {
            return Err(StateError::Foreign(folder.into()));
        }
        Ok(Store { top })
    }

    /// A file or folder with its lock, which lasts until the last copy of the descriptor is closed; none if somebody else has it or it is gone.
    fn lock(&self, path: &Path, how: FlockOperation) -> Result<Option<File>, StateError> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => host(path, file)?,
        };
        match flock(&file, how) {
            Ok(()) => Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(errno) => Err(StateError::Host(path.into(), errno.into())),
        }
    }

    /// Keeps other commands from giving and removing names for as long as it is held.
    fn alone(&self) -> Result<Option<File>, StateError> {
        let path = self.top.join(LOCK);
        let made = File::options().create(true).truncate(false).write(true).mode_600().open(&path);
        host(&path, made)?;
        self.lock(&path, FlockOperation::LockExclusive)
    }

    /// Begins a sandbox's folder, whose lock is held from now on. `keep` of the folder that `fill` was given makes it a sandbox's.
    ///
    /// # Errors
    /// [`StateError::Taken`], [`StateError::NameTaken`], [`StateError::Host`]; what `fill` says.
    pub fn make<T, E: From<StateError>>(
        &self,
        id: &str,
        name: Option<&str>,
        fill: impl FnOnce(Making) -> Result<T, E>,
    ) -> Result<T, E> {
        let _alone = self.alone()?;
        let place = self.top.join(id);
        if place.exists() {
            return Err(StateError::Taken(id.into()).into());
        }
        if let Some(name) = name {
            let taken = |kept: &Kept| kept.life == Life::Running && kept.record.name.as_deref() == Some(name);
            if let Some(other) = self.all()?.into_iter().find(taken) {
                return Err(StateError::NameTaken(name.into(), other.record.id).into());
            }
        }
        let folder = self.top.join(format!("{NEW}{id}"));
        host(
            &folder,
            fs::DirBuilder::new().mode(0o700).create(&folder).or_else(|error| {
                // Left by a command that was killed: its id is asked for again.
                if error.kind() != io::ErrorKind::AlreadyExists {
                    return Err(error);
                }
                fs::remove_dir_all(&folder)?;
                fs::DirBuilder::new().mode(0o700).create(&folder)
            }),
        )?;
        let lock = self.lock(&folder, FlockOperation::NonBlockingLockExclusive)?;
        fill(Making { folder, place, lock, kept: false })
    }

    fn life(&self, folder: &Path) -> Result<Life, StateError> {
        match self.lock(folder, FlockOperation::NonBlockingLockShared)? {
            None if folder.exists() => Ok(Life::Running),
            _ => Ok(End::of(&folder.join(file::EVENTS)).map_or(Life::Lost, Life::Ended)),
        }
    }

    fn read(&self, id: &str) -> Result<Kept, StateError> {
        let folder = self.top.join(id);
        let record = Record::read(&folder.join(file::RECORD)).map_err(|error| StateError::Record(id.into(), error))?;
        let life = self.life(&folder)?;
        Ok(Kept { folder, record, life })
    }

    fn ids(&self) -> Result<Vec<String>, StateError> {
        let mut ids: Vec<String> = self.names()?.into_iter().filter(|name| is_id(name)).collect();
        ids.sort();
        Ok(ids)
    }

    fn names(&self) -> Result<Vec<String>, StateError> {
        let entries = host(&self.top, fs::read_dir(&self.top))?;
        Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
    }

    /// All that can be read, the oldest first.
    ///
    /// # Errors
    /// [`StateError::Host`].
    pub fn all(&self) -> Result<Vec<Kept>, StateError> {
        Ok(self.all_and_faults()?.0)
    }

    /// All that can be read, the oldest first, and what is wrong with the others.
    ///
    /// # Errors
    /// [`StateError::Host`].
    pub fn all_and_faults(&self) -> Result<(Vec<Kept>, Vec<StateError>), StateError> {
        let (mut all, mut faults) = (Vec::new(), Vec::new());
        for id in self.ids()? {
            match self.read(&id) {
                Ok(kept) => all.push(kept),
                // It was removed meanwhile.
                Err(StateError::Record(..)) if !self.top.join(&id).exists() => {}
                Err(fault) => faults.push(fault),
            }
        }
        all.sort_by(|a, b| a.record.created.cmp(&b.record.created));
        Ok((all, faults))
    }

    /// The sandbox that is meant: by its id, the beginning of an id, or its name. Of several with a name the one that runs is meant, else
    /// the last one.
    ///
    /// # Errors
    /// [`StateError::Missing`], [`StateError::Ambiguous`], [`StateError::Record`], [`StateError::Host`].
    pub fn find(&self, what: &str) -> Result<Kept, StateError> {
        let plain = what.trim().trim_start_matches('{').trim_end_matches('}').to_ascii_lowercase();
        let ids = self.ids()?;
        if ids.contains(&plain) {
            return self.read(&plain);
        }
        let named: Vec<Kept> =
            self.all()?.into_iter().filter(|kept| kept.record.name.as_deref() == Some(what)).collect();
        if let Some(kept) = named.iter().find(|kept| kept.life == Life::Running).or(named.last()) {
            return Ok(kept.clone());
        }
        let begin: Vec<&String> = ids.iter().filter(|id| !plain.is_empty() && id.starts_with(&plain)).collect();
        match begin[..] {
            [] => Err(StateError::Missing(what.into())),
            [id] => self.read(id),
            _ => {
                let all: Vec<&str> = begin.iter().map(|id| id.as_str()).collect();
                Err(StateError::Ambiguous(what.into(), all.join(", ")))
            }
        }
    }

    /// Removes the state of a sandbox that does not run. Its name goes first, at once.
    ///
    /// # Errors
    /// [`StateError::Runs`], [`StateError::Host`].
    pub fn remove(&self, id: &str) -> Result<(), StateError> {
        let folder = self.top.join(id);
        let Some(_lock) = self.lock(&folder, FlockOperation::NonBlockingLockExclusive)? else {
            return if folder.exists() { Err(StateError::Runs(id.into())) } else { Ok(()) };
        };
        let old = self.top.join(format!("{OLD}{id}"));
        let _ = fs::remove_dir_all(&old);
        host(&folder, fs::rename(&folder, &old))?;
        host(&old, fs::remove_dir_all(&old))
    }

    /// Removes what is left of sandboxes that ended before `before` (seconds since 1970; all if there is none), and what commands left half
    /// done. A folder whose record cannot be read goes only if it was not written by a newer version.
    ///
    /// # Errors
    /// [`StateError::Host`].
    pub fn prune(&self, before: Option<u64>) -> Result<Pruned, StateError> {
        let mut pruned = Pruned { leftovers: self.clean()?, ids: Vec::new() };
        let (all, faults) = self.all_and_faults()?;
        for kept in all {
            let changed = fs::metadata(&kept.folder).map(|meta| meta.mtime().max(0) as u64).unwrap_or(0);
            if kept.life != Life::Running && before.is_none_or(|before| changed < before) {
                match self.remove(&kept.record.id) {
                    // Somebody looks at it just now.
                    Err(StateError::Runs(_)) => {}
                    done => {
                        done?;
                        pruned.ids.push(kept.record.id);
                    }
                }
            }
        }
        for fault in faults {
            if let StateError::Record(id, error) = fault
                && !matches!(error, RecordError::Newer(_))
                && before.is_none()
                && self.remove(&id).is_ok()
            {
                pruned.ids.push(id);
            }
        }
        Ok(pruned)
    }

    /// Removes what commands that were killed left half made or half removed.
    ///
    /// # Errors
    /// [`StateError::Host`].
    pub fn clean(&self) -> Result<usize, StateError> {
        let mut count = 0;
        for name in self.names()? {
            let path = self.top.join(&name);
            let left = name.starts_with(NEW) || name.starts_with(OLD);
            if left
                && self.lock(&path, FlockOperation::NonBlockingLockExclusive)?.is_some()
                && fs::remove_dir_all(&path).is_ok()
            {
                count += 1;
            }
        }
        Ok(count)
    }
}

/// Waits until the monitor of a sandbox that was stopped is gone: it closes its connections a moment before its lock.
///
/// # Errors
/// [`StateError::Runs`] if it does not go.
pub fn settle(store: &Store, id: &str) -> Result<(), StateError> {
    for _ in 0..500 {
        match store.find(id) {
            Ok(Kept { life: Life::Running, .. }) => std::thread::sleep(std::time::Duration::from_millis(10)),
            Ok(_) | Err(StateError::Missing(_)) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Err(StateError::Runs(id.into()))
}

/// Files that only their owner reads.
trait Private {
    fn mode_600(&mut self) -> &mut Self;
}

impl Private for fs::OpenOptions {
    fn mode_600(&mut self) -> &mut Self {
        std::os::unix::fs::OpenOptionsExt::mode(self, 0o600)
    }
}

/// Makes an empty file that its owner alone reads, to be appended to.
///
/// # Errors
/// [`StateError::Host`].
pub fn log_file(path: &Path) -> Result<File, StateError> {
    let file = host(path, File::options().create(true).append(true).mode_600().open(path))?;
    host(path, file.set_permissions(Permissions::from_mode(0o600)))?;
    Ok(file)
}

#[cfg(test)]
#[path = "../tests/unit/state.rs"]
mod tests;
