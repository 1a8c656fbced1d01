//! `exec`: a further program in a container that runs.
//!
//! A process of the host's stands for the program, whose exit status it has; an engine adopts it as it does a container's. When it ends,
//! so does the program.

use super::create::{CONTROL, READY, Sync};
use super::record::Folder;
use super::{Globals, child, plan};
use crate::client::Client;
use crate::fds;
use crate::record::End;
use anyhow::{Context as _, Result, ensure};
use oci_spec::runtime::{ContainerState, Process, ProcessBuilder};
use shim_abi::control::{Exec, RunAs};
use std::fs;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::Command;

/// What `exec` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The container's name
    pub id: String,
    /// The program, unless --process says it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
    /// A file in the form of config.json's `process`
    #[arg(short, long)]
    pub process: Option<PathBuf>,
    /// Where to write the number of the process that stands for the program
    #[arg(long)]
    pub pid_file: Option<PathBuf>,
    /// A socket that is sent the terminal, if the program has one
    #[arg(long)]
    pub console_socket: Option<PathBuf>,
    /// Do not wait for its end
    #[arg(short, long)]
    pub detach: bool,
    /// Its working directory, unless --process says it
    #[arg(long)]
    pub cwd: Option<PathBuf>,
    /// A variable, unless --process says them
    #[arg(short, long)]
    pub env: Vec<String>,
    /// Accepted: descriptors beyond the standard streams are not passed on
    #[arg(long, default_value_t = 0)]
    pub preserve_fds: u32,
    /// What the process that stands for it inherits
    #[arg(long, hide = true)]
    sync: Option<i32>,
}

fn process(args: &Args) -> Result<Process> {
    if let Some(path) = &args.process {
        let text = fs::read(path).with_context(|| path.display().to_string())?;
        return serde_json::from_slice(&text).with_context(|| path.display().to_string());
    }
    let cwd = args.cwd.clone().unwrap_or_else(|| "/".into());
    Ok(ProcessBuilder::default().args(args.command.clone()).env(args.env.clone()).cwd(cwd).build()?)
}

/// Runs it; the exit code.
pub fn exec(globals: &Globals, args: &Args) -> Result<u8> {
    if let Some(number) = args.sync {
        stand_for(globals, args, Sync(UnixStream::from(fds::inherited(number)?)))
    }
    let folder = Folder::open(&globals.root, &args.id)?;
    let status = folder.status(&folder.read()?);
    ensure!(status == ContainerState::Running, "container {} is {status}, and only one that runs runs more", args.id);
    let process = process(args)?;
    let terminal = process.terminal().unwrap_or(false);
    ensure!(terminal == args.console_socket.is_some(), "process.terminal and --console-socket go together");

    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg0("portcullis-oci").arg("--root").arg(&globals.root).arg("exec").envs(super::home());
    command.arg("--sync").arg(fds::pass_on(&theirs)?);
    let kept = tempfile::NamedTempFile::new_in(folder.path())?;
    serde_json::to_writer(&kept, &process)?;
    command.arg("--process").arg(kept.path());
    if let Some(socket) = &args.console_socket {
        command.arg("--console-socket").arg(socket);
    }
    let mut child = command.arg(&args.id).spawn().context("the process that stands for it")?;
    drop(theirs);
    Sync(ours).ready()?;
    if let Some(path) = &args.pid_file {
        fs::write(path, child.id().to_string()).with_context(|| path.display().to_string())?;
    }
    if args.detach {
        return Ok(0);
    }
    let status = child.wait()?;
    let signal = status.signal().map(|signal| signal.saturating_add(128));
    Ok(status.code().or(signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}

/// Asks the monitor for the program, and ends as it does.
fn stand_for(globals: &Globals, args: &Args, mut sync: Sync) -> ! {
    let asked = || -> Result<_> {
        let folder = Folder::open(&globals.root, &args.id)?;
        let process = process(args)?;
        if let Some(socket) = &args.console_socket {
            let _ = nix::unistd::setsid();
            child::terminal(socket, &process)?;
        }
        let arguments = plan::command(&process)?;
        let request = Exec {
            program: arguments.first().cloned().unwrap_or_default(),
            arguments,
            environment: plan::environment(&process).0.into_iter().collect(),
            workdir: plan::workdir(&process)?,
            user: RunAs::User,
            detached: false,
            tree: false,
        };
        let mut client = Client::connect(folder.path(), CONTROL)?;
        let (input, output, errors) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
        let made = client.ask_with(&request, &[input.as_fd(), output.as_fd(), errors.as_fd()])?;
        Ok((client, made.process))
    };
    let code = match asked() {
        Ok((mut client, process)) => {
            let _ = sync.say(READY);
            drop(sync);
            let tag = client.last_tag();
            let end = crate::verbs::await_end(&mut client, tag, process);
            if let Some(what) = end.as_ref().ok().and_then(End::remark) {
                secmon::cli::complain(what);
            }
            // Without its monitor it has ended as well.
            end.as_ref().map_or(137, End::code)
        }
        Err(error) => {
            let _ = sync.say(format!("{error:#}").as_bytes());
            1
        }
    };
    std::process::exit(code.into())
}
