//! Whether the host, or the sandbox's own group, is short of memory: pressure stall information, whose files poll as urgent once tasks
//! waited for memory. Nothing is opened before a sandbox has lived for a while, and nothing costs time while there is enough.

use crate::cgroup::Group;
use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

/// The host's.
pub const HOST: &str = "/proc/pressure/memory";
/// Some task waited for 200 ms of two seconds, the shortest time that a user without rights may watch.
const TRIGGER: &[u8] = b"some 200000 2000000\0";
/// How long a sandbox lives before it watches.
const FIRST: Duration = Duration::from_secs(2);
/// How long it does not watch after memory was short: what gives memory back takes time itself.
const REST: Duration = Duration::from_secs(10);

/// How often what feeds the host is looked at, for sandboxes whose timers may be late on battery.
const POWER: Duration = Duration::from_secs(60);

/// What is watched, and from when on.
pub struct Pressure {
    from: Instant,
    opened: bool,
    files: Vec<File>,
    /// When to look at what feeds the host; never again on one without batteries.
    power: Option<Instant>,
}

/// Has a file poll as urgent under pressure.
///
/// # Errors
/// The host's: it has no such file, or lets nobody else watch.
pub fn watch(path: impl AsRef<std::path::Path>) -> std::io::Result<File> {
    let mut file = File::options().read(true).write(true).open(path)?;
    file.write_all(TRIGGER)?;
    Ok(file)
}

impl Pressure {
    /// Of a sandbox that starts.
    pub fn begin() -> Self {
        Pressure { from: Instant::now() + FIRST, opened: false, files: Vec::new(), power: Some(Instant::now() + FIRST) }
    }

    /// What is to be polled now.
    pub fn files(&mut self, group: Option<&Group>) -> &[File] {
        if self.rest().is_some() {
            return &[];
        }
        if !self.opened {
            self.opened = true;
            let own = group.and_then(|group| group.file("memory.pressure"));
            self.files = own.into_iter().chain([HOST.into()]).filter_map(|path| watch(path).ok()).collect();
        }
        &self.files
    }

    /// How long nothing is to be polled yet.
    pub fn rest(&self) -> Option<Duration> {
        Some(self.from.saturating_duration_since(Instant::now())).filter(|rest| !rest.is_zero())
    }

    /// How long the first thread may sleep.
    pub fn sleep(&self, background: bool) -> Option<Duration> {
        let power = self.power.filter(|_| background).map(|at| at.saturating_duration_since(Instant::now()));
        self.rest().into_iter().chain(power).min()
    }

    /// Whether it is time to look at what feeds the host.
    pub fn looks_at_power(&self, background: bool) -> bool {
        background && self.power.is_some_and(|at| at <= Instant::now())
    }

    /// It was looked at, and there are batteries or not.
    pub fn looked(&mut self, batteries: bool) {
        self.power = batteries.then(|| Instant::now() + POWER);
    }

    /// Memory is short.
    pub fn came(&mut self) {
        self.from = Instant::now() + REST;
    }
}

#[cfg(test)]
#[path = "../tests/unit/pressure.rs"]
mod tests;
