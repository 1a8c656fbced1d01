//! The control groups of one sandbox, one in each hierarchy that a limit needs, and what keeps a limit where no group can.
//!
//! Either version of control groups serves, wherever the monitor may make a group below its own or beside it, or in the one
//! that it is told. Where it may not, RLIMIT_DATA keeps memory, which leaves out what is shared between mappings, and a nice value a
//! low weight. Which processors it runs on is kept by affinity everywhere: the filter does not let a picoprocess change it.

use crate::policy::Policy;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::{AccessFlags, Pid, access};
use rustix::process::setpriority_process;
use shim_abi::share::{Limits, Wanted, group_of, hierarchies, lists};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// What names of our groups begin with; the monitor's process number follows, a dot and a number.
const PREFIX: &str = "portcullis-";

/// Why limits cannot be kept as they are written.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// A processor that is not there.
    #[error("cpuset: processor {0} is not among those that this host lets the monitor use, {1}")]
    Processor(u16, String),
    /// A group that is not there, or not the monitor's to fill.
    #[error("cgroup {0}: {1}")]
    Group(PathBuf, String),
}

fn mounts() -> String {
    fs::read_to_string("/proc/self/mounts").unwrap_or_default()
}

/// Whether groups below a folder of version 2 have a controller, which is passed on to them if it can be.
fn passes_on(parent: &Path, controller: &str) -> bool {
    let has = |file| fs::read_to_string(parent.join(file)).is_ok_and(|list| lists(&list, controller));
    let pass = || fs::write(parent.join("cgroup.subtree_control"), format!("+{controller}")).is_ok();
    has("cgroup.subtree_control") || has("cgroup.controllers") && pass()
}

/// A sandbox's part of the host. The groups made for it are removed when it is dropped.
#[derive(Debug, Default)]
pub struct Group {
    /// The groups, whether each is version 2, and whether it was made here.
    folders: Vec<(PathBuf, bool, bool)>,
    /// What each limit is kept by, or that it is not.
    pub means: Vec<String>,
    share: Share,
}

/// Which processors a sandbox's threads run on, and what their nice values begin at.
#[derive(Debug, Clone, Default)]
pub struct Share {
    /// By number; none for all.
    pub processors: Vec<u16>,
    /// 0 to 19.
    pub nice: i32,
}

/// Processors that the monitor may use.
pub fn processors() -> Vec<u16> {
    let set = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
    (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).map(|cpu| cpu as u16).collect()
}

/// Has a process or thread run on these processors alone.
///
/// # Errors
/// The host's.
pub fn run_on(thread: i32, processors: impl IntoIterator<Item = u16>) -> nix::Result<()> {
    let mut set = CpuSet::new();
    processors.into_iter().try_for_each(|cpu| set.set(usize::from(cpu)))?;
    sched_setaffinity(Pid::from_raw(thread), &set)
}

impl Group {
    /// Its folder, if it has one; the first if it has several.
    pub fn folder(&self) -> Option<&Path> {
        self.folders.first().map(|(folder, ..)| folder.as_path())
    }

    /// What keeps a policy's limits; nothing if there are none.
    ///
    /// # Errors
    /// [`LimitError`]. That the host lets no group be made is none: see [`Group::means`].
    pub fn new(policy: &Policy) -> Result<Option<Self>, LimitError> {
        let mut group = Group::default();
        if let Some(given) = &policy.cgroup {
            group.enter(given)?;
        }
        if let Some(list) = &policy.cpuset {
            let there = processors();
            if let Some(missing) = list.numbers().iter().find(|number| !there.contains(number)) {
                let there: Vec<String> = there.iter().map(u16::to_string).collect();
                return Err(LimitError::Processor(*missing, there.join(",")));
            }
            group.share.processors = list.numbers().to_vec();
            group.means.push(format!("cpuset {list}: by the affinity of its threads"));
        }
        let Policy { memory, memory_soft, cpus, cpu_weight, pids, .. } = *policy;
        let limits = Limits { memory, memory_soft, cpus, cpu_weight, pids };
        for one in limits.wanted() {
            let kept = group.keep(&one, policy.cgroup.is_some());
            if let (Some(given), Err(error)) = (&policy.cgroup, &kept) {
                return Err(LimitError::Group(given.clone(), format!("{}: {error}", one.name)));
            }
            let by = kept.unwrap_or_else(|error| match one.name {
                "memory" => {
                    format!("by RLIMIT_DATA, for each process and without shared memory: no control group ({error})")
                }
                "cpu-weight" if limits.nice() > 0 => {
                    group.share.nice = limits.nice();
                    format!("by the nice value {}: no control group ({error})", limits.nice())
                }
                _ => format!("NOT KEPT: no control group ({error})"),
            });
            group.means.push(format!("{}: {by}", one.name));
        }
        Ok((!group.means.is_empty() || !group.folders.is_empty()).then_some(group))
    }

    /// Takes an existing group, in every hierarchy that has it.
    fn enter(&mut self, given: &Path) -> Result<(), LimitError> {
        let refuse = |why: &str| LimitError::Group(given.into(), why.into());
        for (root, _, unified) in hierarchies(&mounts()) {
            let root = Path::new(root);
            let below = given.strip_prefix(root).or_else(|_| given.strip_prefix("/")).unwrap_or(given);
            let folder = root.join(below);
            if below.file_name().is_some()
                && below.components().all(|part| matches!(part, std::path::Component::Normal(_)))
                && folder.join("cgroup.procs").exists()
            {
                access(&folder.join("cgroup.procs"), AccessFlags::W_OK).map_err(|errno| refuse(errno.desc()))?;
                self.folders.push((folder, unified, false));
            }
        }
        if self.folders.is_empty() { Err(refuse("no hierarchy has a control group of that name")) } else { Ok(()) }
    }

    /// Keeps a limit by a group; says by which version.
    fn keep(&mut self, wanted: &Wanted, given: bool) -> io::Result<String> {
        let mut last = io::Error::other(format!("there is no {} controller", wanted.controller));
        for (root, options, unified) in hierarchies(&mounts()) {
            if !unified && !lists(options, wanted.controller) {
                continue;
            }
            let root = Path::new(root);
            let here =
                self.folders.iter().find(|(folder, ..)| folder.starts_with(root)).map(|(folder, ..)| folder.clone());
            let folder = match here {
                Some(folder) => folder,
                None if given => continue,
                None => match self.make(root, wanted.controller, unified) {
                    Ok(folder) => folder,
                    Err(error) => {
                        last = error;
                        continue;
                    }
                },
            };
            if unified && !given {
                folder.parent().map(|parent| passes_on(parent, wanted.controller));
            }
            let (file, value) = &wanted.files[usize::from(unified)];
            match fs::write(folder.join(file), value) {
                Ok(()) => {
                    let beside = wanted.beside.as_ref().map(|beside| &beside[usize::from(unified)]);
                    beside.map(|(file, value)| fs::write(folder.join(file), value));
                    return Ok(format!("by a control group of version {}", 1 + u8::from(unified)));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Makes a group below the monitor's own or beside it.
    fn make(&mut self, root: &Path, controller: &str, unified: bool) -> io::Result<PathBuf> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("{PREFIX}{}.{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let own = root.join(group_of(&own, controller, unified).ok_or(io::ErrorKind::NotFound)?);
        let mut last = io::Error::other(format!("the {controller} controller is not delegated"));
        // In version 2 a group with processes of its own has no limited ones below: then beside it.
        for parent in
            [Some(own.as_path()), own.parent().filter(|parent| parent.starts_with(root))].into_iter().flatten()
        {
            if unified && !passes_on(parent, controller) {
                continue;
            }
            sweep(parent);
            let folder = parent.join(&name);
            match fs::create_dir(&folder) {
                Ok(()) => {
                    self.folders.push((folder.clone(), unified, true));
                    return Ok(folder);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Puts a process into the groups, and on its processors, before it has further threads.
    ///
    /// # Errors
    /// The host's.
    pub fn add(&self, process: Pid) -> io::Result<()> {
        let files = self.folders.iter().map(|(folder, ..)| folder.join("cgroup.procs"));
        files.into_iter().try_for_each(|file| fs::write(file, process.to_string()))?;
        if !self.share.processors.is_empty() {
            run_on(process.as_raw(), self.share.processors.iter().copied())?;
        }
        if self.share.nice != 0 {
            setpriority_process(rustix::process::Pid::from_raw(process.as_raw()), self.share.nice)?;
        }
        Ok(())
    }

    /// What its threads have of processors.
    pub fn share(&self) -> &Share {
        &self.share
    }

    /// A file of the groups, of the first that has it.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        self.folders.iter().map(|(folder, ..)| folder.join(name)).find(|file| file.exists())
    }

    /// Whether the kernel ended a process for want of memory.
    pub fn ran_out(&self) -> bool {
        let read = |file| self.file(file).and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        let text = read("memory.events") + &read("memory.oom_control");
        text.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count.trim() != "0"))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for (folder, ..) in self.folders.iter().filter(|(.., made)| *made) {
            // The process has just ended; the kernel may take a moment to empty the group.
            for _ in 0..50 {
                match fs::remove_dir(folder) {
                    Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                        std::thread::sleep(std::time::Duration::from_millis(2));
                    }
                    _ => break,
                }
            }
        }
    }
}

/// Removes the empty groups of monitors that were killed.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).unwrap_or_default();
        let number = rest.split('.').next().and_then(|number| number.parse::<u32>().ok());
        if number.is_some_and(|number| !Path::new(&format!("/proc/{number}")).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/cgroup.rs"]
mod tests;
