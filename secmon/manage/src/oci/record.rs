//! What is known of a container between two commands: a folder below the runtime's root.

use anyhow::{Context as _, Result, bail, ensure};
use nix::fcntl::{Flock, FlockArg};
use oci_spec::runtime::{ContainerState, Spec, State, StateBuilder};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// Version of the file's form.
const VERSION: u32 = 1;
/// The file.
const FILE: &str = "container.json";
/// The pipe that holds a container back until it is started: while it is there, it was not.
const START: &str = "start";

/// What is kept of a container.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// Its name.
    pub id: String,
    /// Where its configuration lies.
    pub bundle: PathBuf,
    /// The monitor's process, and when that was started, in the host's ticks since it was booted; 0 until there is one.
    pub pid: i32,
    started: u64,
    /// Its control group, as the configuration has it.
    pub cgroup: PathBuf,
    /// Whether systemd makes control groups.
    pub systemd: bool,
    /// As the configuration has them.
    pub annotations: HashMap<String, String>,
    /// When it was made, in seconds since 1970.
    pub created: u64,
}

/// A container's folder.
pub struct Folder {
    path: PathBuf,
}

/// When a process was started, unless it is gone.
fn started(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    // proc_pid_stat(5): field 22; the name was field 2.
    (!matches!(state, "Z" | "X")).then(|| fields.nth(18)?.parse().ok()).flatten()
}

impl Record {
    /// A container that has no process yet.
    pub fn new(id: &str, bundle: &Path, spec: &Spec, systemd: bool) -> Record {
        let linux = spec.linux().as_ref();
        let cgroup = linux.and_then(|linux| linux.cgroups_path().clone());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Record {
            version: VERSION,
            id: id.into(),
            bundle: bundle.into(),
            pid: 0,
            started: 0,
            // Another root may have a container of the same name.
            cgroup: cgroup.unwrap_or_else(|| format!("/portcullis/{id}-{}", std::process::id()).into()),
            systemd,
            annotations: spec.annotations().clone().unwrap_or_default(),
            created: now.as_secs(),
        }
    }

    /// Notes its process.
    pub fn runs_as(&mut self, pid: i32) {
        (self.pid, self.started) = (pid, started(pid).unwrap_or(0));
    }

    /// Whether its process is there.
    pub fn lives(&self) -> bool {
        self.pid > 0 && started(self.pid) == Some(self.started)
    }
}

impl Folder {
    fn at(root: &Path, id: &str) -> Result<Folder> {
        let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-' | '.');
        ensure!(
            !id.is_empty() && id.len() <= 1024 && id.chars().all(ok) && id != "." && id != "..",
            "`{}` is no container's name: letters, digits, and _ + - . are",
            id.escape_debug()
        );
        Ok(Folder { path: root.join(id) })
    }

    /// Makes the folder of a new container.
    pub fn make(root: &Path, id: &str) -> Result<Folder> {
        let folder = Folder::at(root, id)?;
        DirBuilder::new().recursive(true).mode(0o711).create(root).with_context(|| root.display().to_string())?;
        match DirBuilder::new().mode(0o700).create(&folder.path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => bail!("container {id} exists already"),
            other => other.with_context(|| folder.path.display().to_string())?,
        }
        Ok(folder)
    }

    /// Opens a container's.
    pub fn open(root: &Path, id: &str) -> Result<Folder> {
        let folder = Folder::at(root, id)?;
        // The engines look for these words.
        ensure!(folder.path.is_dir(), "container {id} does not exist");
        Ok(folder)
    }

    /// All names below a root.
    pub fn all(root: &Path) -> Vec<String> {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The pipe that holds the container back.
    pub fn start(&self) -> PathBuf {
        self.file(START)
    }

    /// Keeps others from changing the container meanwhile.
    pub fn lock(&self) -> Result<Flock<File>> {
        let file = File::open(&self.path).with_context(|| self.path.display().to_string())?;
        Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno).context("cannot lock the container")
    }

    /// What is known of it.
    pub fn read(&self) -> Result<Record> {
        let path = self.file(FILE);
        let text = fs::read(&path).with_context(|| path.display().to_string())?;
        let record: Record = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
        ensure!(record.version == VERSION, "{} has version {}, not {VERSION}", path.display(), record.version);
        Ok(record)
    }

    /// Writes it down, whole or not at all.
    pub fn write(&self, record: &Record) -> Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
        serde_json::to_writer(&mut file, record)?;
        file.persist(self.file(FILE))?;
        Ok(())
    }

    /// How it stands, as far as its record and its process tell.
    pub fn status(&self, record: &Record) -> ContainerState {
        match (record.pid > 0, record.lives(), self.start().exists()) {
            (false, ..) => ContainerState::Creating,
            (_, false, _) => ContainerState::Stopped,
            (_, true, true) => ContainerState::Created,
            (_, true, false) => ContainerState::Running,
        }
    }

    /// The state as the specification has it: what `state` prints.
    pub fn state(&self, record: &Record) -> Result<State> {
        self.state_as(record, self.status(record))
    }

    /// What hooks are given: who calls knows how it stands.
    pub fn state_as(&self, record: &Record, status: ContainerState) -> Result<State> {
        let pid = if status == ContainerState::Stopped { 0 } else { record.pid };
        let state = StateBuilder::default()
            .version(super::VERSION)
            .id(&*record.id)
            .status(status)
            .pid(pid)
            .bundle(&*record.bundle)
            .annotations(record.annotations.clone())
            .build()?;
        Ok(state)
    }

    /// Removes the folder.
    pub fn remove(self) -> Result<()> {
        fs::remove_dir_all(&self.path).with_context(|| self.path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        Spec::default()
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_a_newer_one_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::make(root.path(), "a.b").unwrap();
        assert!(Folder::make(root.path(), "a.b").is_err());
        let mut record = Record::new("a.b", Path::new("/b"), &spec(), false);
        folder.write(&record).unwrap();
        assert_eq!(folder.status(&folder.read().unwrap()), ContainerState::Creating);
        record.version += 1;
        folder.write(&record).unwrap();
        assert!(folder.read().unwrap_err().to_string().contains("version"));
        folder.remove().unwrap();
        assert!(Folder::open(root.path(), "a.b").is_err());
    }

    #[test]
    fn a_process_is_known_by_its_start() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::make(root.path(), "a").unwrap();
        let mut record = Record::new("a", Path::new("/b"), &spec(), false);
        record.runs_as(std::process::id() as i32);
        assert_eq!(folder.status(&record), ContainerState::Running);
        fs::write(folder.start(), "").unwrap();
        assert_eq!(folder.status(&record), ContainerState::Created);
        // Another process with the same number.
        record.started += 1;
        assert_eq!(folder.status(&record), ContainerState::Stopped);
    }

    #[test]
    fn no_name_leads_out_of_the_root() {
        for name in ["", ".", "..", "a/b", "../x", "a\0"] {
            assert!(Folder::make(Path::new("/nowhere"), name).is_err(), "{name:?}");
        }
    }
}
