//! The boot block: what a picoprocess is told at its start.

use crate::names::Names;
use crate::policy::Policy;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{SysconfVar, sysconf};
use shim_abi::boot::{Boot, Mount, Stdio, Told};
use shim_abi::wire;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Largest time zone file that is passed on.
const MAX_TZIF: usize = 64 * 1024;

/// What of the boot block a launch decides.
pub struct Start {
    /// The program, as the guest names it: `C:/app/7za.exe`.
    pub program: String,
    /// Its arguments, the first being the program's name as the user gave it.
    pub arguments: Vec<String>,
    /// Its working directory, as the guest names it.
    pub workdir: String,
    /// What its standard streams are.
    pub stdio: Vec<Stdio>,
    /// The seccomp filter.
    pub filter: Vec<u64>,
    /// Whether it is managed from outside.
    pub managed: bool,
}

/// Puts the boot block together.
pub fn block(start: Start, policy: &Policy, names: &[Mount]) -> Boot {
    let (timezone, tzif) = timezone();
    Boot {
        program: start.program,
        arguments: start.arguments,
        environment: policy.environment.clone(),
        workdir: start.workdir,
        mounts: names.to_vec(),
        stdio: start.stdio,
        memory: policy.commit.or(policy.memory).unwrap_or(0),
        processors: policy.cpuset.as_ref().map_or_else(processors, |list| list.numbers().len() as u32),
        host_memory: host_memory(),
        trace: policy.trace,
        user: policy.user.clone(),
        computer: policy.computer.clone(),
        locale: locale(|name| std::env::var(name).ok()),
        timezone,
        tzif,
        kept: policy.persist.is_some(),
        below: policy.layers.len() as u32,
        born: false,
        managed: start.managed,
        filter: start.filter,
    }
}

/// The mounts as the guest is told of them.
pub fn mounts(names: &Names) -> Vec<Mount> {
    names.seen().map(|mount| Mount { guest: mount.guest.slashed(), writable: mount.writable }).collect()
}

/// The block on its way through a pipe, which is closed behind it.
pub struct Sending {
    pipe: fs::File,
    rest: Vec<u8>,
}

/// Sends as much as the pipe takes without a reader.
///
/// # Errors
/// The host's.
pub fn send(boot: &Boot, pipe: OwnedFd) -> std::io::Result<Sending> {
    let block = wire::encode(boot);
    let mut bytes = [&(block.len() as u32).to_le_bytes(), &block[..]].concat();
    fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let mut pipe = fs::File::from(pipe);
    let sent = match pipe.write(&bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        other => other?,
    };
    Ok(Sending { pipe, rest: bytes.split_off(sent.min(bytes.len())) })
}

impl Sending {
    /// As [`Sending::finish`], with what one is told that another made.
    ///
    /// # Errors
    /// Likewise.
    pub fn tell(mut self, told: &Told) -> std::io::Result<()> {
        self.rest.extend(wire::encode(told));
        self.finish()
    }

    /// Sends the rest, now that there is a reader.
    ///
    /// # Errors
    /// The host's; a picoprocess that is gone already is none, as its end says more.
    pub fn finish(mut self) -> std::io::Result<()> {
        fcntl(&self.pipe, FcntlArg::F_SETFL(OFlag::empty()))?;
        match self.pipe.write_all(&self.rest) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}

/// How many processors there are to run on.
pub fn processors() -> u32 {
    crate::cgroup::processors().len().max(1) as u32
}

fn host_memory() -> u64 {
    let value = |name| sysconf(name).ok().flatten().and_then(|value| u64::try_from(value).ok());
    match (value(SysconfVar::_PHYS_PAGES), value(SysconfVar::PAGE_SIZE)) {
        (Some(pages), Some(size)) => pages.saturating_mul(size),
        _ => 1 << 30,
    }
}

/// The host's locale in the form `de-DE`.
fn locale(variable: impl Fn(&str) -> Option<String>) -> String {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    let value = set.unwrap_or_default();
    let name = value.split(['.', '@']).next().unwrap_or_default();
    let letters =
        |text: &str, count| (count..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    match name.split_once('_') {
        Some((language, region)) if letters(language, 2) && letters(region, 2) => {
            format!("{}-{}", language.to_ascii_lowercase(), region.to_ascii_uppercase())
        }
        _ => "en-US".into(),
    }
}

/// The host's time zone: its name and its file.
fn timezone() -> (String, Vec<u8>) {
    let zones = Path::new("/usr/share/zoneinfo");
    let set = std::env::var("TZ").ok().map(|value| value.trim_start_matches(':').to_owned());
    let path: PathBuf = match set.as_deref() {
        Some("") => return (String::new(), Vec::new()),
        Some(name) if zones.join(name).is_file() => zones.join(name),
        _ => "/etc/localtime".into(),
    };
    let bytes = fs::read(&path).unwrap_or_default();
    if bytes.len() > MAX_TZIF || !bytes.starts_with(b"TZif") {
        return (String::new(), Vec::new());
    }
    let real = fs::canonicalize(&path).unwrap_or(path);
    let linked = real.strip_prefix(zones).ok().and_then(Path::to_str).map(str::to_owned);
    let noted = || fs::read_to_string("/etc/timezone").ok().map(|name| name.trim().to_owned());
    (linked.or_else(noted).unwrap_or_default(), bytes)
}

#[cfg(test)]
#[path = "../tests/unit/boot.rs"]
mod tests;
