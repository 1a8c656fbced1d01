//! What is done with a container that was made: `start`, `state`, `kill`, `delete` and the like.

use super::create::{CONFIG, CONTROL, load};
use super::record::{Folder, Record};
use super::{Globals, groups, hooks};
use crate::client::Client;
use anyhow::{Context as _, Result, bail, ensure};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill as send};
use nix::unistd::Pid;
use oci_spec::runtime::{ContainerState, LinuxResources};
use shim_abi::control::{self, SignalKind};
use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::str::FromStr as _;
use std::time::{Duration, Instant};

/// Lets a container's program run.
pub fn start(globals: &Globals, id: &str) -> Result<()> {
    let folder = Folder::open(&globals.root, id)?;
    let _lock = folder.lock()?;
    let record = folder.read()?;
    match folder.status(&record) {
        ContainerState::Created => {}
        other => bail!("container {id} is {other}, and only one that is created is started"),
    }
    // The container's process waits until somebody reads.
    let flags = nix::libc::O_NONBLOCK | nix::libc::O_CLOEXEC;
    let mut pipe = File::options().read(true).custom_flags(flags).open(folder.start()).context("the pipe for start")?;
    loop {
        let mut fds = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::from(100u16)).context("the pipe for start")?;
        if matches!(pipe.read(&mut [0; 1]), Ok(1)) {
            break;
        }
        ensure!(record.lives(), "container {id} ended before it was started");
    }
    fs::remove_file(folder.start()).context("the pipe for start")?;
    let spec = load(&folder.file(CONFIG))?;
    let after = spec.hooks().as_ref().and_then(|hooks| hooks.poststart().as_ref());
    hooks::run("poststart", after, &folder.state(&record)?)
}

/// Prints the state.
pub fn state(globals: &Globals, id: &str) -> Result<()> {
    let folder = Folder::open(&globals.root, id)?;
    let state = folder.state(&folder.read()?)?;
    println!("{}", serde_json::to_string_pretty(&state)?);
    Ok(())
}

/// A signal by number, or by name with SIG or without.
pub fn signal(text: &str) -> Result<Signal> {
    let upper = text.to_ascii_uppercase();
    let name = if upper.starts_with("SIG") { upper } else { format!("SIG{upper}") };
    let known = match text.parse::<i32>() {
        Ok(number) => Signal::try_from(number).ok(),
        Err(_) => Signal::from_str(&name).ok(),
    };
    known.with_context(|| format!("`{text}` is no signal"))
}

/// What the monitor takes. A program for Windows knows no others: they would end the monitor and say nothing to the program.
const TAKEN: [Signal; 9] = [
    Signal::SIGTERM,
    Signal::SIGKILL,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGHUP,
    Signal::SIGSTOP,
    Signal::SIGCONT,
    Signal::SIGTSTP,
    Signal::SIGWINCH,
];

/// What a program is told by a signal that asks it for something.
fn asks(signal: Signal) -> Option<SignalKind> {
    Some(match signal {
        Signal::SIGTERM | Signal::SIGHUP => SignalKind::Close,
        Signal::SIGINT => SignalKind::Interrupt,
        Signal::SIGQUIT => SignalKind::Break,
        _ => return None,
    })
}

/// Tells all programs of a container, as a console tells its own. Nobody waits for them: an engine sends KILL when its time is up.
fn ask(folder: &Folder, kind: SignalKind) -> Result<()> {
    let mut client = Client::connect(folder.path(), CONTROL)?;
    client.send(&control::Signal { process: 0, kind, status: 0 }, &[])?;
    Ok(())
}

/// Sends the container a signal, or has the monitor ask its programs.
pub fn kill(globals: &Globals, id: &str, text: &str, all: bool) -> Result<()> {
    let folder = Folder::open(&globals.root, id)?;
    let record = folder.read()?;
    let signal = signal(text)?;
    if !record.lives() {
        // Whoever kills all that is left is content.
        return if all { Ok(()) } else { bail!("container not running") };
    }
    ensure!(
        TAKEN.contains(&signal),
        "a Windows program knows no {signal}: TERM, HUP, INT and QUIT ask it to end, KILL ends it"
    );
    // One that was not started has no program, and a monitor that cannot be reached is ended.
    let runs = folder.status(&record) == ContainerState::Running;
    if runs && asks(signal).is_some_and(|kind| ask(&folder, kind).is_ok()) {
        return Ok(());
    }
    match send(Pid::from_raw(record.pid), signal) {
        Err(Errno::ESRCH) if all => Ok(()),
        Err(Errno::ESRCH) => bail!("container not running"),
        other => other.with_context(|| format!("cannot send {signal}")),
    }
}

/// Removes what is left of a container, and first ends it if that is asked for.
pub fn delete(globals: &Globals, id: &str, force: bool) -> Result<()> {
    let folder = match Folder::open(&globals.root, id) {
        Err(_) if force => return Ok(()),
        other => other?,
    };
    let _lock = folder.lock()?;
    // One that was left half made has a record that cannot be read, and nothing beside it.
    let record = match folder.read() {
        Err(_) if force => return folder.remove(),
        other => other?,
    };
    if record.lives() {
        ensure!(
            force || folder.status(&record) == ContainerState::Created,
            "container {id} is running: stop it first, or say --force"
        );
        end(&record)?;
    }
    groups::remove(&record);
    if let Ok(spec) = load(&folder.file(CONFIG)) {
        let after = spec.hooks().as_ref().and_then(|hooks| hooks.poststop().as_ref());
        if let Err(error) = hooks::run("poststop", after, &folder.state(&record)?) {
            tracing::warn!("{error:#}");
        }
    }
    folder.remove()
}

fn end(record: &Record) -> Result<()> {
    let _ = send(Pid::from_raw(record.pid), Signal::SIGKILL);
    let _ = groups::freeze(record, false);
    let deadline = Instant::now() + Duration::from_secs(10);
    while record.lives() {
        ensure!(Instant::now() < deadline, "process {} does not end", record.pid);
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Stops all processes of a container, or lets them run on.
pub fn pause(globals: &Globals, id: &str, paused: bool) -> Result<()> {
    let record = Folder::open(&globals.root, id)?.read()?;
    ensure!(record.lives(), "container not running");
    groups::freeze(&record, paused)
}

/// Changes its limits: JSON in the form of config.json's `linux.resources`, from a file or from standard input (`-`).
pub fn update(globals: &Globals, id: &str, resources: &Path) -> Result<()> {
    let record = Folder::open(&globals.root, id)?.read()?;
    let text = match resources {
        path if path == Path::new("-") => std::io::read_to_string(std::io::stdin())?,
        path => fs::read_to_string(path).with_context(|| path.display().to_string())?,
    };
    let resources: LinuxResources = serde_json::from_str(&text).context("resources")?;
    groups::limit(&record, &resources)
}

/// Prints the numbers of its processes in the host.
pub fn processes(globals: &Globals, id: &str, json: bool) -> Result<()> {
    let record = Folder::open(&globals.root, id)?.read()?;
    let all = groups::processes(&record)?;
    match json {
        true => println!("{}", serde_json::to_string(&all)?),
        false => all.iter().for_each(|pid| println!("{pid}")),
    }
    Ok(())
}

/// Prints all containers.
pub fn list(globals: &Globals, json: bool) -> Result<()> {
    let mut states = Vec::new();
    for id in Folder::all(&globals.root) {
        let Ok(folder) = Folder::open(&globals.root, &id) else { continue };
        if let Ok(record) = folder.read() {
            states.push(folder.state(&record)?);
        }
    }
    if json {
        println!("{}", serde_json::to_string(&states)?);
        return Ok(());
    }
    println!("{:<40} {:>8} {:<9} BUNDLE", "ID", "PID", "STATUS");
    for state in states {
        let (pid, status) = (state.pid().unwrap_or(0), state.status().to_string());
        println!("{:<40} {pid:>8} {status:<9} {}", state.id(), state.bundle().display());
    }
    Ok(())
}

/// Prints what it uses, once.
pub fn events(globals: &Globals, id: &str) -> Result<()> {
    let record = Folder::open(&globals.root, id)?.read()?;
    println!("{}", groups::usage(&record)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_numbers_and_names() {
        for text in ["15", "TERM", "sigterm", "SIGTERM"] {
            assert_eq!(signal(text).unwrap(), Signal::SIGTERM);
        }
        assert!(signal("0").is_err() && signal("SIGNOPE").is_err());
    }
}
