//! A control group for one sandbox, so that its memory is limited as a whole.
//!
//! Either version of control groups serves, wherever the monitor may make a group below its own or beside it. Where it may
//! not, RLIMIT_DATA alone remains, which leaves out memory shared between mappings.

use nix::unistd::Pid;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What names of our groups begin with; the monitor's process number follows.
const PREFIX: &str = "portcullis-";

/// A group; removed when dropped.
#[derive(Debug)]
pub struct Group {
    folder: PathBuf,
    unified: bool,
}

/// Where groups are mounted, and whether it is version 2.
fn mounted() -> Vec<(PathBuf, bool)> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let one = |line: &str| {
        let mut fields = line.split(' ');
        let (_, folder, kind, options) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        match kind {
            "cgroup2" => Some((PathBuf::from(folder), true)),
            "cgroup" if options.split(',').any(|option| option == "memory") => Some((PathBuf::from(folder), false)),
            _ => None,
        }
    };
    mounts.lines().filter_map(one).collect()
}

/// The monitor's own group, below where groups are mounted.
fn own(unified: bool) -> Option<String> {
    let text = fs::read_to_string("/proc/self/cgroup").ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let ours = if unified { controllers.is_empty() } else { controllers.split(',').any(|name| name == "memory") };
        ours.then(|| path.trim_start_matches('/').to_owned())
    })
}

impl Group {
    /// Makes a group that may hold so many bytes.
    ///
    /// # Errors
    /// The host's, for the last place tried.
    pub fn with_memory(bytes: u64) -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for (root, unified) in mounted() {
            let Some(own) = own(unified) else { continue };
            let own = root.join(own);
            // In version 2 a group with processes of its own has no limited ones below: then beside it.
            for parent in [Some(own.as_path()), own.parent().filter(|parent| parent.starts_with(&root))] {
                let Some(parent) = parent else { continue };
                sweep(parent);
                match Self::make(parent, unified, bytes) {
                    Ok(group) => return Ok(group),
                    Err(error) => last = error,
                }
            }
        }
        Err(last)
    }

    fn make(parent: &Path, unified: bool, bytes: u64) -> io::Result<Self> {
        let folder = parent.join(format!("{PREFIX}{}", std::process::id()));
        fs::create_dir(&folder)?;
        let group = Group { folder, unified };
        let limit = bytes.to_string();
        if unified {
            fs::write(group.folder.join("memory.max"), &limit)?;
            // No swap: the limit is what it may use, not what it may use before it swaps.
            let _ = fs::write(group.folder.join("memory.swap.max"), "0");
        } else {
            fs::write(group.folder.join("memory.limit_in_bytes"), &limit)?;
            let _ = fs::write(group.folder.join("memory.memsw.limit_in_bytes"), &limit);
        }
        Ok(group)
    }

    /// Puts a process into the group.
    ///
    /// # Errors
    /// The host's.
    pub fn add(&self, process: Pid) -> io::Result<()> {
        fs::write(self.folder.join("cgroup.procs"), process.to_string())
    }

    /// Whether the kernel ended a process for want of memory.
    pub fn ran_out(&self) -> bool {
        let file = if self.unified { "memory.events" } else { "memory.oom_control" };
        let text = fs::read_to_string(self.folder.join(file)).unwrap_or_default();
        text.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count.trim() != "0"))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The process has just ended; the kernel may take a moment to empty the group.
        for _ in 0..50 {
            match fs::remove_dir(&self.folder) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
                _ => return,
            }
        }
    }
}

/// Removes the empty groups of monitors that were killed.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|name| name.parse::<u32>().ok());
        if number.is_some_and(|number| !Path::new(&format!("/proc/{number}")).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/cgroup.rs"]
mod tests;
