//! What a sandbox uses: what its monitor says, and what the host's kernel says of its processes.

use crate::client::{Client, ClientError};
use crate::state::{Kept, file};
use serde::Serialize;
use shim_abi::control::{Describe, Stats};
use std::fs;
use std::time::Duration;

/// What a sandbox has used so far, its monitor included.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct Usage {
    /// Its id.
    pub id: String,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// Processes that it has.
    pub processes: usize,
    /// Processes that it had so far.
    pub processes_begun: u64,
    /// Processor time, in seconds.
    pub cpu_seconds: f64,
    /// Bytes of memory that nobody else has.
    pub private_bytes: u64,
    /// Bytes of memory that others have as well, files of the image above all.
    pub shared_bytes: u64,
    /// Bytes that its programs share among themselves.
    pub common_bytes: u64,
    /// Bytes that were read, if the host tells.
    pub read_bytes: Option<u64>,
    /// Bytes that were written, if the host tells.
    pub written_bytes: Option<u64>,
    /// Bytes that its throw-away folders hold.
    pub scratch_bytes: u64,
    /// Bytes that they may hold.
    pub scratch_limit: u64,
    /// NT calls that were made, by processes that ended too, as they say themselves.
    pub nt_calls: u64,
}

/// The processor time in a line of `/proc/PID/stat`: its own, and that of children that were waited for, in ticks.
fn ticks(stat: &str) -> Option<(u64, u64)> {
    // The name may hold anything, blanks and brackets too.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let at = |number: usize| fields.get(number).and_then(|text| text.parse::<u64>().ok());
    Some((at(11)? + at(12)?, at(13)? + at(14)?))
}

/// The number of a line `NAME: 123` or `NAME: 123 kB`.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// Private and shared bytes of a process. Where the host does not tell them apart, what is anonymous counts as private.
fn memory(pid: u32) -> (u64, u64) {
    let kilobytes = |text: &str, names: &[&str]| names.iter().filter_map(|name| field(text, name)).sum::<u64>() << 10;
    if let Ok(text) = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
        let private = kilobytes(&text, &["Private_Clean", "Private_Dirty"]);
        return (private, kilobytes(&text, &["Rss"]).saturating_sub(private));
    }
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    (kilobytes(&text, &["RssAnon"]), kilobytes(&text, &["RssFile", "RssShmem"]))
}

/// How long processes are given to say how many NT calls they made: what they say later is in the next figures.
const TELLING: Duration = Duration::from_millis(10);

impl Usage {
    /// Asks for what sandboxes have used, all of them at once.
    pub fn of_all<'a>(all: impl IntoIterator<Item = &'a Kept>) -> Vec<(&'a Kept, Result<Self, ClientError>)> {
        let ask = |kept: &'a Kept| {
            let client = Client::connect(&kept.folder, file::CONTROL).and_then(|mut client| {
                client.ask(&Stats {})?;
                Ok(client)
            });
            (kept, client)
        };
        let asked: Vec<_> = all.into_iter().map(ask).collect();
        if !asked.is_empty() {
            std::thread::sleep(TELLING);
        }
        asked.into_iter().map(|(kept, client)| (kept, client.and_then(|client| Self::of(kept, client)))).collect()
    }

    fn of(kept: &Kept, mut client: Client) -> Result<Self, ClientError> {
        let monitor = client.ask(&Describe {})?.pid;
        let said = client.ask(&Stats {})?;
        let mut usage = Usage {
            id: kept.record.id.clone(),
            name: kept.record.name.clone(),
            processes: said.members.len(),
            processes_begun: said.begun,
            common_bytes: said.shared,
            scratch_bytes: said.scratch.0,
            scratch_limit: said.scratch.1,
            nt_calls: said.members.iter().fold(said.calls, |sum, member| sum.saturating_add(member.calls)),
            ..Usage::default()
        };
        let per_second = rustix::param::clock_ticks_per_second().max(1) as f64;
        let mut sum = 0;
        for (pid, of_children) in said.members.iter().map(|member| (member.pid, false)).chain([(monitor, true)]) {
            // One that ended meanwhile is in what its parent waited for.
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let (own, children) = ticks(&stat).unwrap_or_default();
            sum += own + if of_children { children } else { 0 };
            let (private, shared) = memory(pid);
            usage.private_bytes += private;
            usage.shared_bytes += shared;
            if let Ok(text) = fs::read_to_string(format!("/proc/{pid}/io")) {
                *usage.read_bytes.get_or_insert(0) += field(&text, "rchar").unwrap_or(0);
                *usage.written_bytes.get_or_insert(0) += field(&text, "wchar").unwrap_or(0);
            }
        }
        usage.cpu_seconds = sum as f64 / per_second;
        Ok(usage)
    }
}

#[cfg(test)]
#[path = "../tests/unit/usage.rs"]
mod tests;
