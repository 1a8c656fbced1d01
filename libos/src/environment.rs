//! Sandboxes that live on by themselves: started, listed, used and stopped by any process of the same user, through the verbs of `secmon`.
//!
//! ```no_run
//! use libos::{Launcher, Stdio};
//! let environment = Launcher::new("").mount("/srv/data", r"C:\data").start()?;
//! let output = environment.exec("cmd.exe").args(["/c", r"dir C:\data"]).stdout(Stdio::piped()).spawn()?.wait_with_output()?;
//! environment.stop()?;
//! # Ok::<(), libos::LaunchError>(())
//! ```

use crate::launcher::{LaunchError, Sandbox, monitor};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A sandbox that lives on without whoever started it. Dropping this leaves it running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    monitor: PathBuf,
    id: String,
}

/// What a list says of a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// `running`, or what became of it.
    pub status: String,
    /// When it was made, as RFC 3339 has it.
    pub created: String,
    /// The command that it began with.
    pub command: Option<String>,
}

/// What a sandbox has used so far, its monitor included.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Usage {
    /// Processes that it has.
    pub processes: u64,
    /// Processor time, in seconds.
    pub cpu_seconds: f64,
    /// Bytes of memory that nobody else has.
    pub private_bytes: u64,
    /// Bytes of memory that others have as well: files of the image above all.
    pub shared_bytes: u64,
    /// Bytes that were read, if the host tells.
    pub read_bytes: Option<u64>,
    /// Bytes that were written, if the host tells.
    pub written_bytes: Option<u64>,
    /// Bytes that its throw-away folders hold.
    pub scratch_bytes: u64,
    /// NT calls that were made.
    pub nt_calls: u64,
}

/// How a sandbox ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Ended {
    /// The exit code, as `secmon --help` has the table.
    pub exit_code: u8,
}

/// Asks the monitor something, and reads its answer.
fn ask<T: DeserializeOwned>(monitor: &Path, verb: &'static str, words: &[OsString]) -> Result<T, LaunchError> {
    let mut command = Command::new(monitor);
    let output = command.args([verb, "--raw"]).args(words).stdin(Stdio::null()).output()?;
    match serde_json::from_slice(&output.stdout) {
        Ok(answer) => Ok(answer),
        Err(_) if !output.status.success() => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(LaunchError::Refused(said.trim().trim_start_matches("secmon: ").into()))
        }
        Err(source) => Err(LaunchError::Answer { verb, source }),
    }
}

fn words<const N: usize>(words: [&OsStr; N]) -> Vec<OsString> {
    words.map(OsStr::to_owned).into()
}

/// An answer of which nothing is wanted.
#[derive(Deserialize)]
struct Done {}

impl Environment {
    pub(crate) fn start(monitor: PathBuf, options: &[OsString]) -> Result<Environment, LaunchError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Started {
            id: String,
        }
        let started: Started = ask(&monitor, "start", options)?;
        Ok(Environment { monitor, id: started.id })
    }

    /// The sandboxes of this user that run. `monitor` as for [`Launcher::monitor`](crate::Launcher::monitor).
    ///
    /// # Errors
    /// [`LaunchError`].
    pub fn list(monitor: Option<PathBuf>) -> Result<Vec<Listed>, LaunchError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct List {
            windows_sandbox_environments: Vec<Listed>,
        }
        let list: List = ask(&self::monitor(monitor)?, "list", &[])?;
        Ok(list.windows_sandbox_environments)
    }

    /// The sandbox of an id, the beginning of one, or a name.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] if there is none, or if several are meant.
    pub fn find(what: &str, monitor: Option<PathBuf>) -> Result<Environment, LaunchError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Known {
            id: String,
        }
        let monitor = self::monitor(monitor)?;
        let known: Known = ask(&monitor, "inspect", &words(["--id".as_ref(), what.as_ref()]))?;
        Ok(Environment { monitor, id: known.id })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn ask<T: DeserializeOwned>(&self, verb: &'static str, more: &[OsString]) -> Result<T, LaunchError> {
        let mut all = words(["--id".as_ref(), self.id.as_ref()]);
        all.extend_from_slice(more);
        ask(&self.monitor, verb, &all)
    }

    /// A program to be run in it: a path as the sandbox sees it, or a program of the base image.
    pub fn exec(&self, program: impl AsRef<OsStr>) -> Exec<'_> {
        let words = vec![program.as_ref().to_owned()];
        Exec { environment: self, options: Vec::new(), words, streams: [None, None, None] }
    }

    /// Shows it a folder of the host, from now on, and lets it write there or not.
    ///
    /// # Errors
    /// [`LaunchError`].
    pub fn share(&self, host: impl AsRef<Path>, guest: &str, writable: bool) -> Result<(), LaunchError> {
        let mut all =
            words(["--host-path".as_ref(), host.as_ref().as_os_str(), "--sandbox-path".as_ref(), guest.as_ref()]);
        if writable {
            all.push("--allow-write".into());
        }
        self.ask::<Done>("share", &all).map(drop)
    }

    /// Ends that; what is open stays open.
    ///
    /// # Errors
    /// [`LaunchError`].
    pub fn unshare(&self, guest: &str) -> Result<(), LaunchError> {
        let all = words(["--remove".as_ref(), "--sandbox-path".as_ref(), guest.as_ref()]);
        self.ask::<Done>("share", &all).map(drop)
    }

    /// What it used so far.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] if it has ended.
    pub fn usage(&self) -> Result<Usage, LaunchError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Statistics {
            statistics: Vec<Usage>,
        }
        let all: Statistics = self.ask("stats", &["--no-stream".into()])?;
        all.statistics.into_iter().next().ok_or_else(|| LaunchError::Refused(format!("sandbox {} has ended", self.id)))
    }

    /// Has its programs give back memory that they do not need.
    ///
    /// # Errors
    /// [`LaunchError`].
    pub fn trim(&self) -> Result<(), LaunchError> {
        self.ask::<Done>("trim", &[]).map(drop)
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// [`LaunchError`].
    pub fn wait(&self) -> Result<Ended, LaunchError> {
        self.ask("wait", &[])
    }

    /// Ends it: programs are told, and have five seconds.
    ///
    /// # Errors
    /// [`LaunchError`].
    pub fn stop(&self) -> Result<(), LaunchError> {
        self.ask::<Done>("stop", &[]).map(drop)
    }

    /// Ends it at once, and removes its logs and all else that is left of it.
    ///
    /// # Errors
    /// [`LaunchError`].
    pub fn remove(self) -> Result<(), LaunchError> {
        self.ask::<Done>("stop", &["--time=0".into(), "--rm".into()]).map(drop)
    }
}

/// A program to be run in a sandbox that is there.
#[derive(Debug)]
pub struct Exec<'a> {
    environment: &'a Environment,
    options: Vec<OsString>,
    words: Vec<OsString>,
    streams: [Option<Stdio>; 3],
}

impl Exec<'_> {
    fn option(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        let mut option = OsString::from(format!("--{name}="));
        option.push(value);
        self.options.push(option);
        self
    }

    /// One more argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.words.push(argument.as_ref().to_owned());
        self
    }

    /// Further arguments.
    pub fn args(self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        arguments.into_iter().fold(self, Exec::arg)
    }

    /// A variable of its environment, beside those of the sandbox.
    pub fn env(self, name: &str, value: &str) -> Self {
        self.option("env", format!("{name}={value}"))
    }

    /// Its working directory, as a path of the guest.
    pub fn workdir(self, guest: &str) -> Self {
        self.option("working-directory", guest)
    }

    /// Runs it in the name of the system, not of the sandbox's user.
    pub fn as_system(self) -> Self {
        self.option("run-as", "System")
    }

    /// Its standard input; the caller's own if not set.
    pub fn stdin(mut self, stream: impl Into<Stdio>) -> Self {
        self.streams[0] = Some(stream.into());
        self
    }

    /// Its standard output; the caller's own if not set.
    pub fn stdout(mut self, stream: impl Into<Stdio>) -> Self {
        self.streams[1] = Some(stream.into());
        self
    }

    /// Its standard error; the caller's own if not set.
    pub fn stderr(mut self, stream: impl Into<Stdio>) -> Self {
        self.streams[2] = Some(stream.into());
        self
    }

    /// Starts it. What comes back ends with the program and has its exit code; killing it ends the program.
    ///
    /// # Errors
    /// [`LaunchError`].
    pub fn spawn(self) -> Result<Sandbox, LaunchError> {
        let mut command = Command::new(&self.environment.monitor);
        command.args(["exec", "--id", &self.environment.id]).args(self.options).arg("--").args(self.words);
        let [input, output, errors] = self.streams;
        input.map(|stream| command.stdin(stream));
        output.map(|stream| command.stdout(stream));
        errors.map(|stream| command.stderr(stream));
        Ok(Sandbox::new(command.spawn()?))
    }

    /// Starts it and leaves it running: its number in the sandbox. What it writes goes to the sandbox's logs.
    ///
    /// # Errors
    /// [`LaunchError`].
    pub fn detach(self) -> Result<u32, LaunchError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Begun {
            process: u32,
        }
        let mut all = self.options;
        all.extend(["--detach".into(), "--".into()]);
        all.extend(self.words);
        self.environment.ask("exec", &all).map(|begun: Begun| begun.process)
    }
}
