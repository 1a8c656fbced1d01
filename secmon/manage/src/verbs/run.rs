//! `run` as far as it is not the monitor's: what needs to be prepared or explained, options in front of the verb, and configurations of
//! Windows Sandbox.

use super::{Common, complain, print, start};
use crate::cgroup::Group;
use crate::config::{Config, maps};
use crate::prepare::prepare;
use crate::record::{self, Record};
use crate::state::{self, Store, file};
use crate::{command_line, detach};
use anyhow::{Context as _, bail};
use rustix::io::{FdFlags, fcntl_setfd};
use secmon::policy::Policy;
use secmon::policy::options::{Console, Display, is_wsb};
use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;

/// The monitor's own.
pub(super) type Arguments = secmon::policy::options::RunArgs;

/// The words of the command line with the verb in front.
fn reordered(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.collect();
    if let Some(at) = words.iter().position(|word| word == "run") {
        words[..=at].rotate_right(1);
    }
    words
}

/// What takes the place of the words of the command line for a configuration of Windows Sandbox: its grants as a policy file, and its command.
fn configured(
    arguments: &Arguments,
    name: &str,
    words: &[OsString],
) -> anyhow::Result<(Vec<OsString>, OwnedFd, Policy)> {
    if arguments.command.len() > 1 {
        bail!("{name}: nothing can follow it; what runs is its LogonCommand");
    }
    if arguments.grants.policy.is_some() {
        bail!("{name}: it says itself what is granted, so --policy cannot be said too");
    }
    let mut config = Config::read(Path::new(name), &maps(&arguments.grants)?)?;
    config.give_way(&arguments.grants)?;
    config.warnings.iter().for_each(complain);
    let Some(command) = &config.command else {
        bail!("{name}: it has no LogonCommand to run; `secmon start --config {name}` starts a sandbox that stays");
    };
    let flags = rustix::fs::MemfdFlags::empty();
    let policy = rustix::fs::memfd_create("policy", flags).context("a file in memory")?;
    let mut file = File::from(policy);
    file.write_all(config.text.as_bytes())?;
    let policy = OwnedFd::from(file);
    let at = words.iter().rposition(|word| word == name).unwrap_or(words.len());
    let before = words.get(..at).unwrap_or_default().iter().filter(|word| *word != "--").cloned();
    let mut all = without_maps(before);
    all.push(format!("--policy=/proc/self/fd/{}", policy.as_raw_fd()).into());
    all.push("--".into());
    all.extend(command_line::arguments(command).into_iter().map(OsString::from));
    Ok((all, policy, config.with(&arguments.grants)?))
}

/// The words without `--map`, which is read here.
fn without_maps(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut value = false;
    let keep = |word: &OsString| {
        let is_map = word == "--map" && !value;
        let kept = !value && !is_map && !word.as_encoded_bytes().starts_with(b"--map=");
        value = is_map;
        kept
    };
    words.filter(keep).collect()
}

/// What a program would be granted, and what would keep its limits.
fn explain(policy: &Policy) -> anyhow::Result<u8> {
    let group = Group::new(policy)?;
    let means: String = group.means.iter().map(|one| format!("{one}.\n")).collect();
    group.remove();
    print(format!("{policy}\n{means}"));
    Ok(0)
}

/// Makes the sandbox one that is known while it runs, so that its display can be asked for; has that started, and said on stderr how it is
/// reached. What the monitor is told of it.
fn shown(arguments: &Arguments, policy: &Policy) -> anyhow::Result<Vec<OsString>> {
    let id = state::new_id()?;
    let store = Store::open()?;
    store.clean()?;
    let record = Record {
        version: record::VERSION,
        id: id.clone(),
        name: None,
        created: record::now(),
        config: None,
        command: Some(arguments.command.join(" ")),
        user: policy.user.clone(),
        folders: Vec::new(),
        net: policy.grants.iter().map(ToString::to_string).collect(),
        published: policy.published.iter().map(ToString::to_string).collect(),
        memory: policy.memory,
        clipboard: policy.clipboard,
        sound: policy.sound,
    };
    let made = store.make(&id, None, |making| start::make(making, &record, ""))?;
    for fd in [made.lock.as_fd(), made.listener.as_fd()] {
        fcntl_setfd(fd, FdFlags::empty())?;
    }
    let numbers = (made.lock.as_raw_fd(), made.listener.as_raw_fd());
    // It waits for the monitor, which this process becomes.
    let mut connect = std::process::Command::new(std::env::current_exe()?);
    let errors = std::io::stderr().as_fd().try_clone_to_owned()?;
    connect.arg0("secmon").args(["connect", &id]).stdin(Stdio::null()).stdout(errors);
    if arguments.display == Display::Window {
        connect.arg("--window");
    }
    // The lock is the monitor's alone.
    detach::without(&mut connect, &[numbers.0, numbers.1]).context("what starts the display")?;
    let mut words: Vec<OsString> = vec!["--id".into(), id.into()];
    words.extend([
        "--lock-fd".into(),
        numbers.0.to_string().into(),
        "--control-fd".into(),
        numbers.1.to_string().into(),
    ]);
    words.extend(["--events".into(), made.folder.join(file::EVENTS).into()]);
    std::mem::forget(made);
    Ok(words)
}

pub(super) fn run(arguments: Arguments, _: &Common) -> anyhow::Result<u8> {
    let mut words = reordered(std::env::args_os().skip(1));
    let mut policy = None;
    if let Some(name) = arguments.command.first().filter(|name| is_wsb(name)) {
        let (configured, file, granted) = configured(&arguments, name, &words)?;
        (words, policy) = (configured, Some(file));
        if arguments.display != Display::None {
            words.splice(1..1, shown(&arguments, &granted)?);
        }
    } else {
        let policy = arguments.grants.policy()?;
        if arguments.explain {
            return explain(&policy);
        }
        words.splice(1..1, prepare(&policy)?);
        if arguments.display != Display::None {
            words.splice(1..1, shown(&arguments, &policy)?);
        }
    }
    if arguments.console == Console::Window {
        let (name, value) = shim_abi::boot::CONSOLE_IN_WINDOW;
        words.splice(1..1, ["--env".into(), format!("{name}={value}").into()]);
    }
    let monitor = crate::parts::monitor()?;
    let mut command = std::process::Command::new(&monitor);
    let error = command.arg0("secmon").args(words).exec();
    drop(policy);
    Err(error).with_context(|| monitor.display().to_string())
}

#[cfg(test)]
#[path = "../../tests/unit/run.rs"]
mod tests;
