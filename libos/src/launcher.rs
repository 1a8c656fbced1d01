//! What a program links to run Windows programs in sandboxes: a builder over the `secmon` command.
//!
//! ```no_run
//! use libos::{Launcher, Stdio};
//! let child = Launcher::new("tools/7za.exe").arg("l").arg("in.zip").stdout(Stdio::piped()).spawn()?;
//! let output = child.wait_with_output()?;
//! # Ok::<(), libos::LaunchError>(())
//! ```

use crate::environment::Environment;
use shim_abi::net::rules::{Grant, Published};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

/// Why a sandbox could not be started or waited for.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The monitor is not where it was looked for.
    #[error("no `secmon` beside this program ({beside}) nor in PATH; set its place with Launcher::monitor")]
    NoMonitor {
        /// The folder of this program.
        beside: PathBuf,
    },
    /// The host refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The monitor refused; what it said.
    #[error("{0}")]
    Refused(String),
    /// The monitor answered something that this version does not know.
    #[error("secmon {verb} answered what is not its form: {source}")]
    Answer {
        /// What it was asked.
        verb: &'static str,
        /// What is wrong with the answer.
        source: serde_json::Error,
    },
}

/// A program to run, and what it is granted: nothing but its own folder, read-only, unless said here.
#[derive(Debug)]
pub struct Launcher {
    monitor: Option<PathBuf>,
    options: Vec<OsString>,
    program: OsString,
    arguments: Vec<OsString>,
    streams: [Option<Stdio>; 3],
}

impl Launcher {
    /// Runs a program: a path of the host, or one that the guest sees.
    pub fn new(program: impl AsRef<OsStr>) -> Launcher {
        Launcher {
            monitor: None,
            options: Vec::new(),
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            streams: [None, None, None],
        }
    }

    fn option(mut self, name: &str, value: impl AsRef<OsStr>) -> Launcher {
        let mut option = OsString::from(format!("--{name}="));
        option.push(value);
        self.options.push(option);
        self
    }

    /// An option that counts once: the last to be said.
    fn single(mut self, name: &str, value: impl AsRef<OsStr>) -> Launcher {
        let head = format!("--{name}=");
        self.options.retain(|option| !option.as_encoded_bytes().starts_with(head.as_bytes()));
        self.option(name, value)
    }

    /// The monitor's executable; else `secmon` beside the calling program, else in PATH.
    pub fn monitor(mut self, path: impl Into<PathBuf>) -> Launcher {
        self.monitor = Some(path.into());
        self
    }

    /// One more argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Launcher {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Further arguments.
    pub fn args(self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Launcher {
        arguments.into_iter().fold(self, Launcher::arg)
    }

    /// Shows a folder of the host to the guest, read-only, at a path such as `Z:\data`.
    pub fn mount(self, host: impl AsRef<Path>, guest: &str) -> Launcher {
        self.mount_as(host.as_ref(), guest, "")
    }

    /// Shows a folder of the host to the guest and lets it write there.
    pub fn mount_writable(self, host: impl AsRef<Path>, guest: &str) -> Launcher {
        self.mount_as(host.as_ref(), guest, ":rw")
    }

    fn mount_as(self, host: &Path, guest: &str, suffix: &str) -> Launcher {
        let mut value = host.as_os_str().to_owned();
        value.push(format!("={guest}{suffix}"));
        self.option("mount", value)
    }

    /// A variable of the guest's environment. Nothing of the host's is passed but this.
    pub fn env(self, name: &str, value: &str) -> Launcher {
        self.option("env", format!("{name}={value}"))
    }

    /// The working directory, as a path of the guest.
    pub fn workdir(self, guest: &str) -> Launcher {
        self.single("workdir", guest)
    }

    /// A policy file.
    pub fn policy(self, file: impl AsRef<Path>) -> Launcher {
        self.single("policy", file.as_ref())
    }

    /// Lets it reach something of the network; nothing unless this is said, as often as need be. A grant is read from text as
    /// `--net` takes it: `.net("example.com:443".parse()?)`.
    pub fn net(self, grant: Grant) -> Launcher {
        self.option("net", grant.to_string())
    }

    /// Has the host open a port of the program's. It is read from text as `--publish` takes it: `.publish("8080".parse()?)`.
    pub fn publish(self, port: Published) -> Launcher {
        self.option("publish", port.to_string())
    }

    /// Keeps what it changes of drive C and of the registry in a layer of this name.
    pub fn persist(self, name: &str) -> Launcher {
        self.single("persist", name)
    }

    /// Lays an image layer over the base image; the last one is the uppermost.
    pub fn layer(self, name: &str) -> Launcher {
        self.option("layer", name)
    }

    /// Most bytes that its throw-away folders may hold.
    pub fn scratch(self, bytes: u64) -> Launcher {
        self.single("scratch", bytes.to_string())
    }

    /// Any other option of `secmon run`, as `with("cpus", "2")`.
    pub fn with(self, option: &str, value: impl AsRef<OsStr>) -> Launcher {
        self.option(option, value)
    }

    /// Most bytes of memory that the guest may commit.
    pub fn memory(self, bytes: u64) -> Launcher {
        self.single("memory", bytes.to_string())
    }

    /// Ends the guest after this time; the exit code is then 124.
    pub fn timeout(self, time: Duration) -> Launcher {
        self.single("timeout", format!("{}ms", time.as_millis()))
    }

    /// The guest's standard input; the caller's own if not set.
    pub fn stdin(mut self, stream: impl Into<Stdio>) -> Launcher {
        self.streams[0] = Some(stream.into());
        self
    }

    /// The guest's standard output; the caller's own if not set.
    pub fn stdout(mut self, stream: impl Into<Stdio>) -> Launcher {
        self.streams[1] = Some(stream.into());
        self
    }

    /// The guest's standard error; the caller's own if not set.
    pub fn stderr(mut self, stream: impl Into<Stdio>) -> Launcher {
        self.streams[2] = Some(stream.into());
        self
    }

    /// Starts a sandbox that lives on without this process, until it is stopped, and in it the program, if its name is not empty:
    /// see [`Environment`]. Its standard streams go to the environment's logs.
    ///
    /// # Errors
    /// [`LaunchError`].
    pub fn start(self) -> Result<Environment, LaunchError> {
        let environment = Environment::start(monitor(self.monitor)?, &self.options)?;
        if !self.program.is_empty() {
            environment.exec(self.program).args(self.arguments).detach()?;
        }
        Ok(environment)
    }

    /// Starts the sandbox, which ends with the program.
    ///
    /// # Errors
    /// [`LaunchError`].
    pub fn spawn(self) -> Result<Sandbox, LaunchError> {
        let mut command = Command::new(monitor(self.monitor)?);
        command.arg("run").args(self.options).arg("--").arg(self.program).args(self.arguments);
        let [input, output, errors] = self.streams;
        input.map(|stream| command.stdin(stream));
        output.map(|stream| command.stdout(stream));
        errors.map(|stream| command.stderr(stream));
        Ok(Sandbox::new(command.spawn()?))
    }
}

/// The monitor that was named, or the one that is found.
pub(crate) fn monitor(named: Option<PathBuf>) -> Result<PathBuf, LaunchError> {
    named.map_or_else(find_monitor, Ok)
}

fn find_monitor() -> Result<PathBuf, LaunchError> {
    let own = std::env::current_exe()?;
    let beside = own.parent().unwrap_or(Path::new("/")).to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Examples and tests are built one folder below the executables.
    let folders = [Some(beside.clone()), beside.parent().map(Path::to_owned)].into_iter().flatten();
    folders
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join("secmon"))
        .find(|candidate| candidate.is_file())
        .ok_or(LaunchError::NoMonitor { beside })
}

/// A sandbox that runs. Dropping it leaves it running, as with [`Child`]; `kill` ends it and all that is in it.
#[derive(Debug)]
pub struct Sandbox {
    child: Child,
}

impl Sandbox {
    pub(crate) fn new(child: Child) -> Sandbox {
        Sandbox { child }
    }

    /// Waits for the end. The exit code is the program's; `secmon --help` has the table for what does not fit.
    ///
    /// # Errors
    /// [`LaunchError::Io`].
    pub fn wait(&mut self) -> Result<ExitStatus, LaunchError> {
        Ok(self.child.wait()?)
    }

    /// Whether it has ended, and how.
    ///
    /// # Errors
    /// [`LaunchError::Io`].
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, LaunchError> {
        Ok(self.child.try_wait()?)
    }

    /// Ends it. Nothing of it is left.
    ///
    /// # Errors
    /// [`LaunchError::Io`].
    pub fn kill(&mut self) -> Result<(), LaunchError> {
        Ok(self.child.kill()?)
    }

    /// Waits for the end and gathers what it wrote to piped streams.
    ///
    /// # Errors
    /// [`LaunchError::Io`].
    pub fn wait_with_output(self) -> Result<Output, LaunchError> {
        Ok(self.child.wait_with_output()?)
    }

    /// The piped streams and the host's process, as the standard library has them.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }
}
