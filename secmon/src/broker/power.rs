//! `power:`, what feeds the host, as it is when it is opened; and how late timers of a sandbox may be on battery.

use super::Broker;
use super::open::{Answer, only_reads, reading};
use nix::unistd::Pid;
use shim_abi::calls::StreamOpen;
use shim_abi::error::{Error, Result};
use shim_abi::power::{Attribute, Power, power};
use shim_abi::wire;
use std::fs;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Longest value of an attribute that is looked at.
const LONGEST: u64 = 64;
/// How late timers of a sandbox in the background may be on battery, in nanoseconds.
pub const LATE: u64 = 50_000_000;

/// What the supplies below a folder say, which is laid out as `/sys/class/power_supply`.
pub fn read(folder: &Path) -> Power {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let attribute = |path: std::path::PathBuf| {
        move |name: &str| {
            let mut text = String::new();
            let file = fs::File::open(path.join(name)).ok()?;
            file.take(LONGEST).read_to_string(&mut text).ok().map(|_| text)
        }
    };
    let supplies: Vec<_> = entries.map(|entry| attribute(entry.path())).collect();
    power(supplies.iter().map(|supply| supply as Attribute<'_>))
}

/// How late timers may be now; nothing on a host without batteries.
pub fn late(folder: &Path) -> Option<u64> {
    let power = read(folder);
    power.battery.map(|_| if power.online { 0 } else { LATE })
}

/// Lets timers of all threads of a process be so late; those that it makes later are as the ones that make them.
pub fn coalesce(process: Pid, slack: u64) {
    for thread in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
        let _ = fs::write(Path::new("/proc").join(thread.file_name()).join("timerslack_ns"), slack.to_string());
    }
}

impl Broker {
    /// Opens it, to be read.
    pub(super) fn open_power(&self, call: &StreamOpen) -> Result<Answer> {
        only_reads(call)?;
        let file = fs::File::from(self.memory_file()?);
        file.write_all_at(&wire::encode(&read(&self.supplies)), 0).map_err(|_| Error::OutOfMemory)?;
        reading(file.into(), call)
    }
}
