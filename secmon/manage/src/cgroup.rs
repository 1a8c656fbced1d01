//! Makes the control groups of one sandbox, one in each hierarchy that a limit needs, and says what keeps a limit where no group can.
//!
//! Either version of control groups serves, wherever this process may make a group below its own or beside it, or in the one
//! that it is told. Where it may not, RLIMIT_DATA keeps memory, which leaves out what is shared between mappings, and a nice value a
//! low weight. Which processors it runs on is kept by affinity everywhere: the filter does not let a picoprocess change it. Affinity and
//! nice value are this process's own, which becomes the monitor: what that makes inherits them.

use nix::unistd::{AccessFlags, access};
use rustix::process::{getpriority_process, setpriority_process};
use secmon::cgroup::{processors, run_on};
use secmon::policy::Policy;
use shim_abi::share::{Limits, Wanted, group_of, hierarchies, lists};
use std::ffi::OsString;
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

/// Where groups are mounted, and which ones this process is in, as the kernel writes it.
#[derive(Debug, Default)]
struct Tree {
    mounts: String,
    own: String,
}

impl Tree {
    fn of_host() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Tree { mounts: read("/proc/self/mounts"), own: read("/proc/self/cgroup") }
    }
}

/// Whether groups below a folder of version 2 have a controller, which is passed on to them if it can be.
fn passes_on(parent: &Path, controller: &str) -> bool {
    let has = |file| fs::read_to_string(parent.join(file)).is_ok_and(|list| lists(&list, controller));
    let pass = || fs::write(parent.join("cgroup.subtree_control"), format!("+{controller}")).is_ok();
    has("cgroup.subtree_control") || has("cgroup.controllers") && pass()
}

/// A sandbox's part of the host.
#[derive(Debug, Default)]
pub struct Group {
    /// The groups, whether each is version 2, and whether it was made here.
    folders: Vec<(PathBuf, bool, bool)>,
    /// What each limit is kept by, or that it is not.
    pub means: Vec<String>,
    processors: Vec<u16>,
    nice: i32,
    tree: Tree,
}

impl Group {
    /// What keeps a policy's limits.
    ///
    /// # Errors
    /// [`LimitError`]. That the host lets no group be made is none: see [`Group::means`].
    pub fn new(policy: &Policy) -> Result<Self, LimitError> {
        Self::within(Tree::of_host(), policy)
    }

    fn within(tree: Tree, policy: &Policy) -> Result<Self, LimitError> {
        let mut group = Group { tree, ..Group::default() };
        if let Some(given) = &policy.cgroup {
            group.enter(given)?;
        }
        if let Some(list) = &policy.cpuset {
            let there = processors();
            if let Some(missing) = list.numbers().iter().find(|number| !there.contains(number)) {
                let there: Vec<String> = there.iter().map(u16::to_string).collect();
                return Err(LimitError::Processor(*missing, there.join(",")));
            }
            group.processors = list.numbers().to_vec();
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
                    group.nice = limits.nice();
                    format!("by the nice value {}: no control group ({error})", limits.nice())
                }
                _ => format!("NOT KEPT: no control group ({error})"),
            });
            group.means.push(format!("{}: {by}", one.name));
        }
        Ok(group)
    }

    /// Takes an existing group, in every hierarchy that has it.
    fn enter(&mut self, given: &Path) -> Result<(), LimitError> {
        let refuse = |why: &str| LimitError::Group(given.into(), why.into());
        for (root, _, unified) in hierarchies(&self.tree.mounts) {
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
        let mounts = self.tree.mounts.clone();
        for (root, options, unified) in hierarchies(&mounts) {
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
        let own = root.join(group_of(&self.tree.own, controller, unified).ok_or(io::ErrorKind::NotFound)?);
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

    /// Gives this process the sandbox's processors and nice value; what the monitor is told of the groups, as which it goes on.
    ///
    /// # Errors
    /// The host's.
    pub fn hand_over(&self) -> io::Result<Vec<OsString>> {
        if !self.processors.is_empty() {
            run_on(0, self.processors.iter().copied())?;
        }
        if self.nice != 0 {
            setpriority_process(None, getpriority_process(None)?.saturating_add(self.nice).min(19))?;
        }
        let word = |(folder, _, made): &(PathBuf, bool, bool)| {
            let mut word = OsString::from(if *made { "--own-group=" } else { "--group=" });
            word.push(folder);
            word
        };
        Ok(self.folders.iter().map(word).collect())
    }

    /// Removes those that were made here, which nobody is in.
    pub fn remove(self) {
        self.folders.iter().filter(|(.., made)| *made).for_each(|(folder, ..)| drop(fs::remove_dir(folder)));
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
