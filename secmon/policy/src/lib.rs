//! What a sandbox may use: one checked struct, made of a policy file and the command line. The monitor, the verbs and a launcher have it
//! in common; nothing that a picoprocess says comes here.

pub mod advice;
mod file;
pub mod host;
pub mod log;
pub mod options;
pub mod parts;
pub mod plan;
pub mod program;
pub mod units;

pub use file::FileError;

use serde::Deserialize;
use shim_abi::guest::{self, GuestPath};
use shim_abi::net::rules::{Grant, Network, Published, RuleError};
use shim_abi::share::{CpuList, Cpus};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// A folder of the host that the guest sees.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// Folder of the host.
    pub host: PathBuf,
    /// Where the guest sees it.
    #[serde(deserialize_with = "file::guest")]
    pub guest: GuestPath,
    /// Whether it may be written.
    #[serde(default)]
    pub writable: bool,
}

/// Why a policy is refused.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A mount on the command line has not the form asked for.
    #[error("--mount `{0}`: write it as HOST=GUEST or HOST=GUEST:rw, as in `--mount /srv/data=C:\\data:rw`")]
    MountForm(String),
    /// A variable on the command line has not the form asked for.
    #[error("--env `{0}`: write it as NAME=VALUE")]
    EnvForm(String),
    /// A name that no environment variable can have.
    #[error("environment variable `{0}`: a name is not empty and holds no `=` and no NUL, a value no NUL")]
    EnvName(String),
    /// Not a path of the guest.
    #[error("{0}: {1}")]
    Path(String, guest::NotAPath),
    /// Grants of the network that do not go together.
    #[error(transparent)]
    Network(#[from] RuleError),
    /// Two mounts at one place.
    #[error("two mounts at {0}")]
    Twice(GuestPath),
    /// A mount where the system's own files lie.
    #[error("{0}: the guest's own system lies there; mount elsewhere")]
    System(GuestPath),
    /// A user or computer name that does not fit in a path.
    #[error("{0} `{1}` must be a file name of at most 20 characters")]
    Name(&'static str, String),
    /// A limit that is too small or too large.
    #[error("{key} must be between {least} and {most}")]
    Limit {
        /// Key in the policy file.
        key: &'static str,
        /// Smallest value.
        least: String,
        /// Largest value.
        most: String,
    },
}

/// Everything a sandbox may use.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Folders that the guest sees, beside the program's own.
    #[serde(rename = "mount")]
    pub mounts: Vec<Mount>,
    /// Environment variables set for the program.
    #[serde(rename = "env", deserialize_with = "file::variables")]
    pub environment: Vec<(String, String)>,
    /// Working directory.
    pub workdir: Option<String>,
    /// Bytes of memory, if limited.
    #[serde(deserialize_with = "file::size")]
    pub memory: Option<u64>,
    /// Bytes that programs may commit, if that is to be another number than the limit: where somebody else keeps that.
    #[serde(deserialize_with = "file::size")]
    pub commit: Option<u64>,
    /// Bytes of memory beyond which the host takes its pages back first.
    #[serde(rename = "memory-soft", deserialize_with = "file::size")]
    pub memory_soft: Option<u64>,
    /// Processor time, if limited.
    #[serde(deserialize_with = "file::text")]
    pub cpus: Option<Cpus>,
    /// Its part of processors that others want too, 1 to 10000; everything else has 100.
    #[serde(rename = "cpu-weight")]
    pub cpu_weight: Option<u64>,
    /// Processors that it may run on, if not all.
    #[serde(deserialize_with = "file::text")]
    pub cpuset: Option<CpuList>,
    /// Threads of all its processes together, if limited.
    pub pids: Option<u64>,
    /// The control group that it is put into, as `/proc/self/cgroup` names it; else one is made where a limit wants it.
    pub cgroup: Option<PathBuf>,
    /// Where the host says what feeds it, if not in `/sys/class/power_supply`: for tests.
    #[serde(rename = "power-supplies")]
    pub power_supplies: PathBuf,
    /// Time until the sandbox is ended.
    #[serde(deserialize_with = "file::time")]
    pub timeout: Option<Duration>,
    /// Bytes that the throw-away folders may hold.
    #[serde(deserialize_with = "file::size")]
    pub scratch: u64,
    /// Threads that may live at a time.
    pub threads: u64,
    /// Descriptors that may be open at a time.
    pub files: u64,
    /// Name of the user that the guest sees.
    pub user: String,
    /// Name of the computer that the guest sees.
    pub computer: String,
    /// Whether the guest may read the host's root certificates; if it is not said, who may reach a network may.
    pub roots: Option<bool>,
    /// What of the network it may reach.
    #[serde(rename = "net", deserialize_with = "file::texts")]
    pub grants: Vec<Grant>,
    /// Its ports that the host opens.
    #[serde(rename = "publish", deserialize_with = "file::texts")]
    pub published: Vec<Published>,
    /// What goes between its clipboard and that of whoever looks at its display.
    pub clipboard: Clipboard,
    /// Whether who looks at its display hears what it plays.
    pub sound: bool,
    /// Whether NT calls are traced.
    pub trace: bool,
    /// Name of the layer that keeps what it changes of drive C.
    pub persist: Option<String>,
    /// Names of image layers below that, the uppermost last.
    #[serde(rename = "layer")]
    pub layers: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            mounts: Vec::new(),
            environment: Vec::new(),
            workdir: None,
            memory: None,
            commit: None,
            memory_soft: None,
            cpus: None,
            cpu_weight: None,
            cpuset: None,
            pids: None,
            cgroup: None,
            power_supplies: "/sys/class/power_supply".into(),
            timeout: None,
            scratch: 1 << 30,
            threads: 4096,
            files: 4096,
            user: "user".into(),
            computer: "PORTCULLIS".into(),
            roots: None,
            grants: Vec::new(),
            published: Vec::new(),
            clipboard: Clipboard::None,
            sound: false,
            trace: false,
            persist: None,
            layers: Vec::new(),
        }
    }
}

/// What goes between a sandbox's clipboard and that of whoever looks at its display.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Clipboard {
    /// Nothing
    #[default]
    None,
    /// Programs can paste what the viewer copied
    In,
    /// The viewer can paste what programs copied
    Out,
    /// Both
    Both,
}

impl Clipboard {
    /// Whether programs get what the viewer copied.
    pub fn goes_in(self) -> bool {
        matches!(self, Clipboard::In | Clipboard::Both)
    }

    /// Whether the viewer gets what programs copied.
    pub fn goes_out(self) -> bool {
        matches!(self, Clipboard::Out | Clipboard::Both)
    }
}

impl fmt::Display for Clipboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Clipboard::None => "none",
            Clipboard::In => "in",
            Clipboard::Out => "out",
            Clipboard::Both => "both",
        })
    }
}

/// Whether a place is the system's own, where nothing is mounted.
pub fn is_systems(guest: &GuestPath) -> bool {
    let top = guest.below().split('/').next().unwrap_or_default();
    guest.drive() == b'C' && (top.is_empty() || top.eq_ignore_ascii_case("windows"))
}

impl Policy {
    /// What of the network is granted.
    pub fn network(&self) -> Network {
        Network { grants: self.grants.clone(), published: self.published.clone() }
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// [`FileError`]: it cannot be read, or a key is unknown or has a value it must not have.
    pub fn from_file(path: &std::path::Path) -> Result<Self, FileError> {
        file::read(path)
    }

    /// Reads a policy from text; relative host folders are taken from `base`.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn from_text(text: &str, base: &std::path::Path) -> Result<Self, FileError> {
        file::parse(text, base)
    }

    /// Adds a mount written `HOST=GUEST[:rw]`.
    ///
    /// # Errors
    /// [`PolicyError::MountForm`], [`PolicyError::Path`].
    pub fn mount(&mut self, text: &str) -> Result<(), PolicyError> {
        let form = || PolicyError::MountForm(text.into());
        let (rest, writable) = match text.strip_suffix(":rw") {
            Some(rest) => (rest, true),
            None => (text.strip_suffix(":ro").unwrap_or(text), false),
        };
        // The host's part may hold '=': the guest's begins with a drive letter, which tells where it starts.
        let at = rest
            .match_indices('=')
            .map(|(at, _)| at)
            .find(|at| GuestPath::looks_like(&rest[at + 1..]) || rest.len() == at + 3 && rest.ends_with(':'))
            .or_else(|| rest.rfind('='))
            .filter(|at| *at > 0)
            .ok_or_else(form)?;
        let guest =
            GuestPath::parse(&rest[at + 1..]).map_err(|error| PolicyError::Path(format!("--mount `{text}`"), error))?;
        self.mounts.push(Mount { host: PathBuf::from(&rest[..at]), guest, writable });
        Ok(())
    }

    /// Adds an environment variable written `NAME=VALUE`; a later one replaces an earlier one of that name.
    ///
    /// # Errors
    /// [`PolicyError::EnvForm`].
    pub fn env(&mut self, text: &str) -> Result<(), PolicyError> {
        let (name, value) = text.split_once('=').ok_or_else(|| PolicyError::EnvForm(text.into()))?;
        self.environment.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.environment.push((name.into(), value.into()));
        Ok(())
    }

    /// Everything that is granted of the host, for a log: what, and the option that grants it.
    pub fn granted(&self) -> Vec<(String, String)> {
        let mount = |mount: &Mount| {
            let how = if mount.writable { ":rw" } else { "" };
            (mount.guest.to_string(), format!("--mount {}={}{how}", mount.host.display(), mount.guest))
        };
        let mut all: Vec<(String, String)> = self.mounts.iter().map(mount).collect();
        all.extend(self.grants.iter().map(|grant| ("network".into(), format!("--net {grant}"))));
        all.extend(self.published.iter().map(|one| (one.at.to_string(), format!("--publish {one}"))));
        all.extend(self.environment.iter().map(|(name, _)| (name.clone(), "--env".into())));
        if self.clipboard != Clipboard::None {
            all.push(("clipboard".into(), format!("--clipboard {}", self.clipboard)));
        }
        if self.sound {
            all.push(("sound".into(), "--sound".into()));
        }
        if self.roots.unwrap_or(self.network().any()) {
            all.push(("roots".into(), if self.roots.is_some() { "roots = true" } else { "--net" }.into()));
        }
        all
    }

    /// Whether something is to be made ready for it that the monitor does not make itself: layers, control groups, a place among processors.
    pub fn is_to_be_prepared(&self) -> bool {
        let limits = [self.memory, self.memory_soft, self.cpu_weight, self.pids].iter().any(Option::is_some);
        let share = self.cpus.is_some() || self.cpuset.is_some() || self.cgroup.is_some();
        limits || share || self.persist.is_some() || !self.layers.is_empty()
    }

    /// Checks what must hold between the parts.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn check(&self) -> Result<(), PolicyError> {
        for (index, mount) in self.mounts.iter().enumerate() {
            let place = mount.guest.slashed();
            let same = |other: &Mount| shim_abi::fold::same(&other.guest.slashed(), &place);
            if self.mounts[..index].iter().any(same) {
                return Err(PolicyError::Twice(mount.guest.clone()));
            }
            if is_systems(&mount.guest) {
                return Err(PolicyError::System(mount.guest.clone()));
            }
        }
        for (name, value) in &self.environment {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                return Err(PolicyError::EnvName(name.escape_debug().to_string()));
            }
        }
        for (what, name) in [("user", &self.user), ("computer", &self.computer)] {
            if shim_abi::uri::check_component(name).is_err() || name.chars().count() > 20 {
                return Err(PolicyError::Name(what, name.clone()));
            }
        }
        let limit = |key, value: u64, least: u64, most: u64, shown: fn(u64) -> String| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err(PolicyError::Limit { key, least: shown(least), most: shown(most) })
            }
        };
        limit("commit", self.commit.unwrap_or(1 << 30), 16 << 20, 1 << 46, units::bytes)?;
        limit("memory", self.memory.unwrap_or(1 << 30), 16 << 20, 1 << 46, units::bytes)?;
        limit("memory-soft", self.memory_soft.unwrap_or(1 << 30), 1 << 20, 1 << 46, units::bytes)?;
        limit("cpu-weight", self.cpu_weight.unwrap_or(100), 1, 10_000, |n| n.to_string())?;
        limit("pids", self.pids.unwrap_or(1 << 10), 16, 1 << 22, |n| n.to_string())?;
        limit("scratch", self.scratch, 1 << 20, 1 << 46, units::bytes)?;
        limit("threads", self.threads, 1, 1 << 20, |n| n.to_string())?;
        limit("files", self.files, 64, 1 << 20, |n| n.to_string())?;
        Ok(self.network().check()?)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "It sees the folder of the program, for reading, and its own throw-away folders.")?;
        for mount in &self.mounts {
            let how = if mount.writable { "for reading and writing" } else { "for reading" };
            writeln!(f, "It sees {} as {}, {how}.", mount.host.display(), mount.guest)?;
        }
        if let Some(workdir) = &self.workdir {
            writeln!(f, "It starts in {workdir}.")?;
        }
        match self.environment.len() {
            0 => writeln!(f, "It is given no environment variables of the host.")?,
            _ => {
                let names: Vec<&str> = self.environment.iter().map(|(name, _)| name.as_str()).collect();
                writeln!(f, "It is given the environment variables {}.", names.join(", "))?;
            }
        }
        match self.memory {
            Some(bytes) => writeln!(f, "It may use {} of memory.", units::bytes(bytes))?,
            None => writeln!(f, "Its memory is not limited.")?,
        }
        if let Some(bytes) = self.memory_soft {
            writeln!(f, "Beyond {} of memory the host takes its pages back first.", units::bytes(bytes))?;
        }
        if let Some(cpus) = self.cpus {
            writeln!(f, "It may use the time of {cpus} processors.")?;
        }
        if let Some(weight) = self.cpu_weight {
            writeln!(f, "Of processors that others want too it gets {weight} parts where those get 100.")?;
        }
        if let Some(cpuset) = &self.cpuset {
            writeln!(f, "It runs on the processors {cpuset}.")?;
        }
        if let Some(pids) = self.pids {
            writeln!(f, "All its processes together may have {pids} threads.")?;
        }
        writeln!(
            f,
            "It may keep {} in its throw-away folders, {} threads and {} open files.",
            units::bytes(self.scratch),
            self.threads,
            self.files
        )?;
        if let Some(name) = &self.persist {
            writeln!(f, "What it changes of drive C and of the registry is kept in the layer {name}.")?;
        }
        if !self.layers.is_empty() {
            writeln!(f, "Over the base image lie the layers {}.", self.layers.join(", "))?;
        }
        match self.timeout {
            Some(time) => writeln!(f, "It is ended after {}.", humantime::format_duration(time))?,
            None => writeln!(f, "Its time is not limited.")?,
        }
        writeln!(f, "{}.", self.network())?;
        if self.roots.unwrap_or(self.network().any()) {
            writeln!(f, "It may read the host's root certificates.")?;
        }
        match self.clipboard {
            Clipboard::None => {}
            Clipboard::In => writeln!(f, "Its programs can paste what who looks at its display copied.")?,
            Clipboard::Out => writeln!(f, "Who looks at its display can paste what its programs copied.")?,
            Clipboard::Both => writeln!(f, "It shares the clipboard of who looks at its display.")?,
        }
        if self.sound {
            writeln!(f, "Who looks at its display hears what it plays.")?;
        }
        write!(f, "It cannot reach other processes or devices.")
    }
}

#[cfg(test)]
#[path = "../tests/unit/policy.rs"]
mod tests;
