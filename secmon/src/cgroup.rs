//! The control groups that a sandbox is put into. `portcullis-manage` made them, or found them, and set their limits.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

/// The groups of one sandbox, one in each hierarchy that a limit needs. Its own are removed when this is dropped.
#[derive(Debug, Default)]
pub struct Groups {
    all: Vec<PathBuf>,
    own: Vec<PathBuf>,
}

/// Processors that the monitor may use, and so the sandbox.
pub fn processors() -> Vec<u16> {
    let set = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
    (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).map(|cpu| cpu as u16).collect()
}

/// Has a process or thread run on these processors alone.
pub fn run_on(thread: i32, processors: impl IntoIterator<Item = u16>) -> nix::Result<()> {
    let mut set = CpuSet::new();
    processors.into_iter().try_for_each(|cpu| set.set(usize::from(cpu)))?;
    sched_setaffinity(Pid::from_raw(thread), &set)
}

impl Groups {
    /// Of folders: somebody else's, and those that were made for this sandbox.
    pub fn new(others: Vec<PathBuf>, own: Vec<PathBuf>) -> Self {
        Groups { all: [others, own.clone()].concat(), own }
    }

    /// The first one's folder, if there is one.
    pub fn folder(&self) -> Option<&Path> {
        self.all.first().map(PathBuf::as_path)
    }

    /// Puts a process into them, before it has further threads.
    pub fn add(&self, process: Pid) -> io::Result<()> {
        self.all.iter().try_for_each(|folder| fs::write(folder.join("cgroup.procs"), process.to_string()))
    }

    /// A file of the groups, of the first that has it.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        self.all.iter().map(|folder| folder.join(name)).find(|file| file.exists())
    }

    /// Whether the kernel ended a process for want of memory.
    pub fn ran_out(&self) -> bool {
        let read = |file| self.file(file).and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        let text = read("memory.events") + &read("memory.oom_control");
        text.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count.trim() != "0"))
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for folder in &self.own {
            // The process has just ended; the kernel may take a moment to empty the group.
            let busy = || fs::remove_dir(folder).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy);
            for _ in (0..50).take_while(|_| busy()) {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/cgroup.rs"]
mod tests;
