//! `create`: everything that a container needs is made, and its process waits to be started.
//!
//! That process becomes the monitor: an engine's own monitor (conmon, containerd's shim) adopts it, and its exit status is the program's.

use super::plan::Plan;
use super::record::{Folder, Record};
use super::{Globals, groups, hooks};
use crate::{client, fds};
use anyhow::{Context as _, Result, bail, ensure};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use oci_spec::runtime::{ContainerState, LinuxNamespaceType, Spec};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// What the child says when it has come so far.
pub const READY: &[u8] = b"ready";
/// What it is told.
pub const GO: &[u8] = b"go";
/// The configuration's name in its bundle, and in the container's folder.
pub const CONFIG: &str = "config.json";
/// Where the monitor of a running container listens.
pub const CONTROL: &str = "control";

/// What `create` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The container's name
    pub id: String,
    /// The folder that config.json lies in
    #[arg(short, long, default_value = ".")]
    pub bundle: PathBuf,
    /// Where to write the number of the container's process
    #[arg(long)]
    pub pid_file: Option<PathBuf>,
    /// A socket that is sent the terminal, if the container has one
    #[arg(long)]
    pub console_socket: Option<PathBuf>,
    /// Accepted: descriptors beyond the standard streams are not passed on
    #[arg(long, default_value_t = 0)]
    pub preserve_fds: u32,
    /// Accepted: nothing is pivoted
    #[arg(long)]
    pub no_pivot: bool,
    /// Accepted: there is no keyring
    #[arg(long)]
    pub no_new_keyring: bool,
}

/// Reads a bundle's configuration.
pub fn load(path: &Path) -> Result<Spec> {
    let text = fs::read(path).with_context(|| path.display().to_string())?;
    let spec: Spec = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
    let major = spec.version().split('.').next().unwrap_or_default();
    ensure!(major == "1", "{}: ociVersion {} is none that is known (1.x)", path.display(), spec.version());
    Ok(spec)
}

/// Makes the container.
pub fn create(globals: &Globals, args: &Args) -> Result<()> {
    let bundle = fs::canonicalize(&args.bundle).with_context(|| args.bundle.display().to_string())?;
    let spec = load(&bundle.join(CONFIG))?;
    let plan = Plan::new(&spec, &bundle, Path::is_dir)?;
    ensure!(plan.drive.is_dir(), "root.path: {} is no folder", plan.drive.display());
    let terminal = spec.process().as_ref().and_then(|process| process.terminal()).unwrap_or(false);
    ensure!(terminal == args.console_socket.is_some(), "process.terminal and --console-socket go together");
    plan.ignored.iter().for_each(|what| tracing::warn!("not carried out: {what}"));

    let folder = Folder::make(&globals.root, &args.id)?;
    let mut record = Record::new(&args.id, &bundle, &spec, globals.systemd_cgroup);
    let made = prepare(&folder, &mut record, &spec, &plan, &bundle).and_then(|()| {
        spawn(globals, args, &folder, &mut record, &spec)?;
        match &args.pid_file {
            Some(path) => fs::write(path, record.pid.to_string()).with_context(|| path.display().to_string()),
            None => Ok(()),
        }
    });
    if made.is_err() {
        if record.pid > 0 {
            let _ = kill(Pid::from_raw(record.pid), Signal::SIGKILL);
        }
        groups::remove(&record);
        let _ = folder.remove();
    }
    made
}

/// What lies in the container's folder before there is a process.
fn prepare(folder: &Folder, record: &mut Record, spec: &Spec, plan: &Plan, bundle: &Path) -> Result<()> {
    let _lock = folder.lock()?;
    folder.write(record)?;
    fs::copy(bundle.join(CONFIG), folder.file(CONFIG))?;
    fs::write(folder.file("policy.toml"), toml::to_string(&plan.granted)?)?;
    mkfifo(&folder.start(), Mode::from_bits_truncate(0o600)).context("the pipe for start")?;
    // Whoever the program's files are used as starts it.
    let user = spec.process().as_ref().map(|process| process.user());
    if let Some(user) = user.filter(|user| user.uid() != 0) {
        std::os::unix::fs::chown(folder.start(), Some(user.uid()), Some(user.gid()))?;
    }
    Ok(())
}

/// Starts the container's process and brings it to where it waits.
fn spawn(globals: &Globals, args: &Args, folder: &Folder, record: &mut Record, spec: &Spec) -> Result<()> {
    let (ours, theirs) = UnixStream::pair()?;
    let control = client::listen(folder.path(), CONTROL).context("the control socket")?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg0("portcullis-oci").arg("--root").arg(&globals.root).arg("init").envs(super::home());
    command.arg("--sync").arg(fds::pass_on(&theirs)?).arg("--control").arg(fds::pass_on(&control)?);
    if let Some(socket) = &args.console_socket {
        command.arg("--console-socket").arg(socket);
    }
    let child = in_namespace(spec, || command.arg(&args.id).spawn()).context("the container's process")?;
    drop((theirs, control));
    record.runs_as(child.id() as i32);
    folder.write(record)?;
    groups::make(record, spec)?;
    let mut sync = Sync(ours);
    // Its namespaces.
    sync.go()?;
    sync.ready()?;
    let state = folder.state_as(record, ContainerState::Creating)?;
    let all = spec.hooks().as_ref();
    #[allow(deprecated, reason = "engines still use it")]
    hooks::run("prestart", all.and_then(|hooks| hooks.prestart().as_ref()), &state)?;
    hooks::run("createRuntime", all.and_then(|hooks| hooks.create_runtime().as_ref()), &state)?;
    // Its drive and its terminal.
    sync.go()?;
    sync.ready()
}

/// Has what `make` starts live in the process namespace that the configuration wants: the first process of a new one is the container's,
/// and whatever is left ends with it.
fn in_namespace(spec: &Spec, make: impl FnOnce() -> std::io::Result<Child> + Send) -> Result<Child> {
    let namespaces = spec.linux().as_ref().and_then(|linux| linux.namespaces().as_ref());
    let Some(wanted) = namespaces.into_iter().flatten().find(|one| one.typ() == LinuxNamespaceType::Pid) else {
        return Ok(make()?);
    };
    // A thread of its own enters it, and is gone: hooks are none of the container's, and a rootless engine may not come back.
    let enter = || -> Result<Child> {
        match wanted.path() {
            Some(path) => setns(File::open(path)?, CloneFlags::CLONE_NEWPID)?,
            None => unshare(CloneFlags::CLONE_NEWPID)?,
        }
        Ok(make()?)
    };
    std::thread::scope(|scope| scope.spawn(enter).join()).unwrap_or_else(|_| anyhow::bail!("the thread that enters it"))
}

/// The connection between `create` and the container's process.
pub struct Sync(pub UnixStream);

impl Sync {
    /// Lets the other side go on.
    pub fn go(&mut self) -> Result<()> {
        self.say(GO)
    }

    /// Says something to the other side, as one message with its length before it.
    pub fn say(&mut self, what: &[u8]) -> Result<()> {
        let length = u32::try_from(what.len())?.to_ne_bytes();
        self.0.write_all(&[&length, what].concat()).context("the other side is gone")
    }

    /// What the other side says.
    pub fn hear(&mut self) -> Result<Vec<u8>> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).context("the other side is gone")?;
        let length = u32::from_ne_bytes(length);
        ensure!(length < 1 << 16, "a message of {length} bytes");
        let mut text = vec![0; length as usize];
        self.0.read_exact(&mut text)?;
        Ok(text)
    }

    /// Waits until the container's process is ready, or says why it is not.
    pub fn ready(&mut self) -> Result<()> {
        match self.hear()? {
            said if said == READY => Ok(()),
            said => bail!("{}", String::from_utf8_lossy(&said)),
        }
    }
}
