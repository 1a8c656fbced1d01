//! Whether the host, or the sandbox's own group, is short of memory: pressure stall information, whose files poll as urgent once tasks
//! waited for memory. Nothing is opened before a sandbox has lived for a while, and nothing costs time while there is enough. The monitor gives
//! what only its start needed back then.

use crate::broker::power::late;
use crate::cgroup::Groups;
use nix::poll::PollFlags;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
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
    files: Vec<(File, PollFlags)>,
    /// When to look at what feeds the host; never again on one without batteries.
    power: Option<Instant>,
    /// How late timers may be.
    late: u64,
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

/// Has a counter rise when a control group of version 1, which has no such file, finds little to take back; of its `memory.pressure_level`.
pub fn watch_group(path: &Path) -> std::io::Result<File> {
    let counter = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
    let level = File::open(path)?;
    let line = format!("{} {} medium", counter.as_fd().as_raw_fd(), level.as_raw_fd());
    std::fs::write(path.with_file_name("cgroup.event_control"), line)?;
    Ok(OwnedFd::from(counter).into())
}

impl Pressure {
    /// Of a sandbox that starts; in the background its timers may be late on battery.
    pub fn begin(background: bool) -> Self {
        let from = Instant::now() + FIRST;
        Pressure { from, opened: false, files: Vec::new(), power: background.then_some(from), late: 0 }
    }

    /// What is to be polled now.
    pub fn files(&mut self, groups: &Groups) -> &[(File, PollFlags)] {
        if self.rest().is_some() {
            return &[];
        }
        if !self.opened {
            self.opened = true;
            crate::sys::forget_code();
            let stalls = groups.file("memory.pressure").into_iter().chain([HOST.into()]);
            let level = groups.file("memory.pressure_level").and_then(|path| watch_group(&path).ok());
            let stalls = stalls.filter_map(|path| watch(path).ok()).map(|file| (file, PollFlags::POLLPRI));
            self.files = stalls.chain(level.map(|counter| (counter, PollFlags::POLLIN))).collect();
        }
        &self.files
    }

    /// How long nothing is to be polled yet.
    pub fn rest(&self) -> Option<Duration> {
        Some(self.from.saturating_duration_since(Instant::now())).filter(|rest| !rest.is_zero())
    }

    /// How long the first thread may sleep.
    pub fn sleep(&self) -> Option<Duration> {
        let power = self.power.map(|at| at.saturating_duration_since(Instant::now()));
        self.rest().into_iter().chain(power).min()
    }

    /// How late timers may be from now on, if that is to be said: on battery, and once when that is over.
    pub fn lateness(&mut self, supplies: &Path) -> Option<u64> {
        self.power.filter(|at| *at <= Instant::now())?;
        let (late, before) = (late(supplies), self.late);
        self.power = late.map(|_| Instant::now() + POWER);
        self.late = late.unwrap_or(0);
        late.filter(|late| *late != 0 || before != 0)
    }

    /// Memory is short.
    pub fn came(&mut self) {
        // A counter begins anew; what the others say is not looked at.
        self.files.iter().for_each(|(file, _)| drop((&*file).read(&mut [0; 8])));
        self.from = Instant::now() + REST;
    }
}

#[cfg(test)]
#[path = "../tests/unit/pressure.rs"]
mod tests;
