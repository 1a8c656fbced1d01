//! The container's process, from `create` until it becomes the monitor.

use super::create::{CONFIG, READY, Sync, load};
use super::plan::{Bind, Plan};
use super::record::Folder;
use super::{Globals, hooks};
use crate::fds;
use anyhow::{Context as _, Result, ensure};
use nix::mount::{MsFlags, mount};
use nix::pty::{Winsize, openpty};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Gid, Uid, dup2_stderr, dup2_stdin, dup2_stdout, setgroups, setresgid, setresuid, setsid, ttyname};
use oci_spec::runtime::{ContainerState, LinuxNamespace, LinuxNamespaceType, Process, Spec};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, mkdirat, openat, openat2};
use std::fs::{self, File};
use std::io::{IoSlice, Write as _};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the container's process takes; `create` starts it.
#[derive(Debug, clap::Args)]
pub struct Args {
    id: String,
    #[arg(long)]
    sync: i32,
    #[arg(long)]
    control: i32,
    #[arg(long)]
    console_socket: Option<PathBuf>,
}

/// Makes itself ready, waits to be started, and becomes the monitor.
pub fn init(globals: &Globals, args: &Args) -> Result<()> {
    let mut sync = Sync(UnixStream::from(fds::inherited(args.sync)?));
    let control = fds::inherited(args.control)?;
    match prepare(globals, args, &mut sync) {
        Ok((spec, plan, folder, layer)) => {
            sync.say(READY)?;
            drop(sync);
            match layer {
                Some(layer) => become_monitor(&spec, &plan, &folder, &layer, control),
                None => {
                    // Nobody serves it: signals are the process's own.
                    drop(control);
                    keep_a_pod(&spec, &folder)
                }
            }
        }
        Err(error) => {
            sync.say(format!("{error:#}").as_bytes())?;
            // It was said where it is heard.
            std::process::exit(1)
        }
    }
}

fn prepare(globals: &Globals, args: &Args, sync: &mut Sync) -> Result<(Spec, Plan, Folder, Option<Layer>)> {
    let folder = Folder::open(&globals.root, &args.id)?;
    let spec = load(&folder.file(CONFIG))?;
    // In its control group from here on.
    sync.hear()?;
    let record = folder.read()?;
    let plan = Plan::new(&spec, &record.bundle, Path::is_dir)?;
    let _ = setsid();
    network(&spec)?;
    unshare(CloneFlags::CLONE_NEWNS).context("a mount namespace")?;
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none).context("a mount namespace")?;
    if namespaces(&spec).any(|one| one.typ() == LinuxNamespaceType::Pid) {
        // Processes go by their numbers in its namespace.
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        mount(Some("proc"), "/proc", Some("proc"), flags, none).context("/proc")?;
    }
    sync.say(READY)?;
    // The engine's hooks have run.
    sync.hear()?;
    let layer = if plan.waits { None } else { Some(drive(&plan, &folder)?) };
    for (source, place) in plan.resolver.iter().filter(|_| layer.is_some()) {
        let bound = mount(Some(source), place, none, MsFlags::MS_BIND, none);
        if let Err(errno) = bound {
            tracing::warn!("names of hosts are looked up in this host's {}: {errno}", place.display());
        }
    }
    let state = folder.state_as(&record, ContainerState::Created)?;
    let all = spec.hooks().as_ref();
    hooks::run("createContainer", all.and_then(|hooks| hooks.create_container().as_ref()), &state)?;
    if let Some(adjustment) = spec.process().as_ref().and_then(|process| process.oom_score_adj()) {
        fs::write("/proc/self/oom_score_adj", adjustment.to_string()).context("process.oomScoreAdj")?;
    }
    if let Some((socket, process)) = args.console_socket.as_ref().zip(spec.process().as_ref()) {
        terminal(socket, process)?;
    }
    Ok((spec, plan, folder, layer))
}

fn namespaces(spec: &Spec) -> impl Iterator<Item = &LinuxNamespace> {
    spec.linux().as_ref().and_then(|linux| linux.namespaces().as_ref()).into_iter().flatten()
}

/// Enters the network that the engine made, or makes an empty one if it says so.
fn network(spec: &Spec) -> Result<()> {
    let wanted = namespaces(spec).find(|one| one.typ() == LinuxNamespaceType::Network);
    match wanted.map(|one| one.path()) {
        None => Ok(()),
        Some(Some(path)) => {
            let namespace = File::open(path).with_context(|| path.display().to_string())?;
            setns(namespace, CloneFlags::CLONE_NEWNET).with_context(|| format!("the network {}", path.display()))
        }
        Some(None) => {
            unshare(CloneFlags::CLONE_NEWNET).context("a network namespace")?;
            secmon::net::loopback_up().context("loopback")
        }
    }
}

/// What the monitor is given as drive C.
struct Layer {
    /// Where it is noted what of the base image is deleted, and what was changed of the registry.
    root: OwnedFd,
    drive: OwnedFd,
}

/// The folder on the drive that holds those notes, as Windows has one for its own. Programs find it empty.
const NOTES: &str = "System Volume Information";

/// Lays what the configuration mounts onto the drive. What the image has there is not trusted: a link is followed within it.
fn drive(plan: &Plan, folder: &Folder) -> Result<Layer> {
    let none: Option<&str> = None;
    mount(Some(&plan.drive), &plan.drive, none, MsFlags::MS_BIND | MsFlags::MS_REC, none).context("the drive")?;
    let open = |path: &Path| openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let drive = open(&plan.drive).context("the drive")?;
    let root = match notes(&drive) {
        Ok(notes) => notes,
        // A drive that cannot be written has none, unless it brings them.
        Err(error) if plan.writable => return Err(error).with_context(|| format!("the folder {NOTES}")),
        Err(_) => {
            let empty = folder.file("notes");
            fs::create_dir(&empty).context("the container's folder")?;
            open(&empty).context("the container's folder")?
        }
    };
    for bind in &plan.binds {
        lay(&drive, bind).with_context(|| format!("mount at /{}", bind.below.display()))?;
    }
    if let Ok(place) = place(&drive, Path::new(NOTES), true) {
        let flags = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(Some("tmpfs"), &path_of(&place), Some("tmpfs"), flags, Some("mode=0700")).context("the drive's notes")?;
    }
    if !plan.writable {
        let again = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        mount(none, &plan.drive, none, again, none).context("root.readonly")?;
    }
    Ok(Layer { root, drive })
}

/// Opens the folder of notes, made if there is none.
fn notes(drive: &OwnedFd) -> Result<OwnedFd> {
    let made = place(drive, Path::new(NOTES), true)?;
    for folder in ["gone", "streams"] {
        match mkdirat(&made, folder, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(made)
}

/// A path to what a descriptor means.
fn path_of(fd: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

/// Finds a place below a folder, and makes what is not there.
fn place(root: &OwnedFd, below: &Path, folder: bool) -> Result<OwnedFd> {
    let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let mut at = openat2(root, ".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), within)?;
    let mut so_far = PathBuf::new();
    let count = below.components().count();
    for (index, part) in below.components().enumerate() {
        so_far.push(part);
        let found = openat2(root, &so_far, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), within);
        at = match found {
            Ok(found) => found,
            Err(rustix::io::Errno::NOENT) if folder || index + 1 < count => {
                mkdirat(&at, part.as_os_str(), Mode::from_raw_mode(0o755))?;
                openat2(root, &so_far, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), within)?
            }
            Err(rustix::io::Errno::NOENT) => {
                let make = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
                openat2(root, &so_far, make, Mode::from_raw_mode(0o644), within)?
            }
            Err(errno) => return Err(errno.into()),
        };
    }
    Ok(at)
}

fn lay(root: &OwnedFd, bind: &Bind) -> Result<()> {
    let none: Option<&str> = None;
    let folder = bind.source.as_deref().is_none_or(Path::is_dir);
    let place = place(root, &bind.below, folder)?;
    let at = path_of(&place);
    match &bind.source {
        None => mount(Some("tmpfs"), &at, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=0755"))?,
        Some(source) => {
            ensure!(source.exists(), "{} is not there", source.display());
            mount(Some(source), &at, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)?;
        }
    }
    if !bind.writable {
        // The descriptor is of what lies below: the mount has to be found anew.
        let place = self::place(root, &bind.below, folder)?;
        mount(none, &path_of(&place), none, MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY, none)?;
    }
    Ok(())
}

/// Makes a terminal, hands its other end to the engine, and takes it as its own.
pub fn terminal(socket: &Path, process: &Process) -> Result<()> {
    let size = process.console_size();
    let size = size.map(|size| Winsize {
        ws_row: size.height() as u16,
        ws_col: size.width() as u16,
        ws_xpixel: 0,
        ws_ypixel: 0,
    });
    let pair = openpty(size.as_ref(), None).context("a terminal")?;
    let name = ttyname(&pair.slave).context("a terminal")?;
    let engine = UnixStream::connect(fds::short(socket)?.path()).with_context(|| socket.display().to_string())?;
    let name = name.as_os_str().as_encoded_bytes();
    let rights = [pair.master.as_raw_fd()];
    let control = [ControlMessage::ScmRights(&rights)];
    sendmsg::<()>(engine.as_raw_fd(), &[IoSlice::new(name)], &control, MsgFlags::empty(), None)?;
    rustix::process::ioctl_tiocsctty(&pair.slave).context("a terminal")?;
    dup2_stdin(&pair.slave)?;
    dup2_stdout(&pair.slave)?;
    dup2_stderr(&pair.slave)?;
    Ok(())
}

/// Waits for `start` and executes the monitor.
fn become_monitor(spec: &Spec, plan: &Plan, folder: &Folder, layer: &Layer, control: OwnedFd) -> Result<()> {
    let mut command = Command::new(crate::parts::monitor()?);
    command.args(["run", "--prepared", "--engine"]).arg("--policy").arg(folder.file("policy.toml"));
    let (root, drive) = (fds::pass_on(&layer.root)?, fds::pass_on(&layer.drive)?);
    command.arg(if plan.writable { "--persist=container" } else { "--layer=container" });
    command.arg(format!("--layer-fd={root}:{drive}"));
    command.arg("--control-fd").arg(fds::pass_on(&control)?);
    command.arg("--").args(&plan.command);
    wait_for_start(spec, folder)?;
    Err(command.exec()).context("cannot execute secmon")
}

/// Waits for `start`, and goes on as whoever the configuration says.
fn wait_for_start(spec: &Spec, folder: &Folder) -> Result<()> {
    {
        // Opens as soon as `start` does.
        let mut start = File::options().write(true).open(folder.start()).context("the pipe for start")?;
        let _ = start.write_all(b"!");
    }
    let all = spec.hooks().as_ref();
    if let Some(wanted) = all.and_then(|hooks| hooks.start_container().as_ref()) {
        hooks::run("startContainer", Some(wanted), &folder.state_as(&folder.read()?, ContainerState::Created)?)?;
    }
    let user = spec.process().as_ref().map(|process| process.user().clone()).unwrap_or_default();
    if user.uid() != 0 || user.gid() != 0 {
        let (uid, gid) = (Uid::from_raw(user.uid()), Gid::from_raw(user.gid()));
        let groups: Vec<Gid> = user.additional_gids().iter().flatten().map(|gid| Gid::from_raw(*gid)).collect();
        setgroups(&groups).context("process.user")?;
        setresgid(gid, gid, gid).context("process.user")?;
        setresuid(uid, uid, uid).context("process.user")?;
    }
    Ok(())
}

/// Keeps what the containers of a pod share until it is told to end. It may be the first process of theirs: who is left to it is reaped.
fn keep_a_pod(spec: &Spec, folder: &Folder) -> Result<()> {
    let mut wanted = SigSet::empty();
    let ends = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP];
    ends.into_iter().chain([Signal::SIGCHLD]).for_each(|signal| wanted.add(signal));
    wanted.thread_block()?;
    wait_for_start(spec, folder)?;
    loop {
        match wanted.wait()? {
            Signal::SIGCHLD => {
                while matches!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Ok(status) if status != WaitStatus::StillAlive)
                {
                }
            }
            _ => std::process::exit(0),
        }
    }
}
