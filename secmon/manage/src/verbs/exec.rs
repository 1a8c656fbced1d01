//! `secmon exec`.

use super::{Common, Which, complain};
use crate::client::{Client, ClientError};
use crate::record::End;
use crate::state::{self, file};
use crate::{command_line, record};
use anyhow::{Context as _, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal as HostSignal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use secmon::exit;
use secmon::policy::options::Console;
use serde::Serialize;
use shim_abi::control::{Exec, RunAs, Signal, SignalKind, What};
use std::fs::File;
use std::io::{PipeReader, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::thread::{self, JoinHandle};

/// In whose name, as Windows' own command has it.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
#[value(rename_all = "PascalCase")]
enum As {
    /// The sandbox's user
    ExistingLogin,
    /// The system
    System,
}

/// What is run.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// The command as one text
    #[arg(short, long, value_name = "COMMAND", required_unless_present = "program", conflicts_with = "program")]
    command: Option<String>,
    /// In whose name it runs
    #[arg(short, long, value_name = "WHO", default_value = "ExistingLogin", ignore_case = true)]
    run_as: As,
    /// The folder of the sandbox that it starts in
    #[arg(short = 'd', long, value_name = "FOLDER")]
    working_directory: Option<String>,
    /// Set an environment variable for it
    #[arg(short, long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Leave it running; what it writes is shown by `secmon logs`
    #[arg(long)]
    detach: bool,
    /// Where a console program's console is
    #[arg(long, value_name = "WHERE", default_value = "terminal")]
    console: Console,
    /// The program, as the sandbox sees it, and its arguments
    #[arg(last = true, value_name = "PROGRAM ARGS")]
    program: Vec<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Begun {
    process: u32,
    pid: u32,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Executed<'a> {
    exit_code: u8,
    status: u32,
    how: &'a str,
    text: &'a str,
    output: String,
    errors: String,
}

fn request(arguments: &Arguments) -> anyhow::Result<Exec> {
    let words = match &arguments.command {
        Some(text) => command_line::arguments(text),
        None => arguments.program.clone(),
    };
    let Some(program) = words.first().filter(|name| !name.is_empty()).cloned() else { bail!("the command is empty") };
    let variable = |text: &String| {
        let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty())?;
        Some((name.to_owned(), value.to_owned()))
    };
    let mut environment = Vec::new();
    for text in &arguments.env {
        environment.push(variable(text).with_context(|| format!("--env `{text}`: write it as NAME=VALUE"))?);
    }
    let user = match arguments.run_as {
        As::ExistingLogin => RunAs::User,
        As::System => RunAs::System,
    };
    let workdir = arguments.working_directory.clone().unwrap_or_default();
    Ok(Exec { program, arguments: words, environment, workdir, user, detached: arguments.detach, tree: false })
}

/// A stream that is gathered.
fn gather() -> anyhow::Result<(OwnedFd, JoinHandle<Vec<u8>>)> {
    let (reader, writer) = std::io::pipe()?;
    let read = |mut reader: PipeReader| {
        let mut bytes = Vec::new();
        // What came before an error is what there is.
        let _ = reader.read_to_end(&mut bytes);
        bytes
    };
    Ok((writer.into(), thread::spawn(move || read(reader))))
}

/// Waits for the end of the process that a request made, and hands on what the user's signals ask for.
pub(crate) fn wait(client: &mut Client, tag: u32, process: u32) -> anyhow::Result<End> {
    let taken = [HostSignal::SIGINT, HostSignal::SIGQUIT, HostSignal::SIGTERM, HostSignal::SIGHUP];
    let taken: SigSet = taken.into_iter().collect();
    taken.thread_block()?;
    let signals = SignalFd::with_flags(&taken, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    loop {
        while let Some((of, notice)) = client.noticed() {
            if of == tag && notice.what == What::Ended {
                let time = record::time(notice.time);
                return Ok(End {
                    how: shim_abi::journal::how(notice.how).into(),
                    status: notice.status,
                    time,
                    text: notice.text,
                });
            }
        }
        let mut waits =
            [PollFd::new(client.as_fd(), PollFlags::POLLIN), PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        match poll(&mut waits, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => continue,
            done => done?,
        };
        let [of_client, of_signals] = waits.map(|wait| wait.any().unwrap_or(false));
        if of_signals && let Some(signal) = signals.read_signal()? {
            let kind = match signal.ssi_signo as i32 {
                libc::SIGINT => SignalKind::Interrupt,
                libc::SIGQUIT => SignalKind::Break,
                libc::SIGHUP => SignalKind::Close,
                _ => SignalKind::Kill,
            };
            client.send(&Signal { process, kind, status: 128 + signal.ssi_signo }, &[])?;
        }
        if of_client {
            client.take()?;
        }
    }
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let exec = request(&arguments)?;
    let (kept, mut client) = arguments.which.connect()?;
    // Who has no streams makes a console for itself.
    let in_window = arguments.console == Console::Window;
    if arguments.detach {
        let null = File::open("/dev/null")?;
        let output = state::log_file(&kept.file(file::STDOUT))?;
        let errors = state::log_file(&kept.file(file::STDERR))?;
        let streams = [null.as_fd(), output.as_fd(), errors.as_fd()];
        let begun = client.ask_with(&exec, if in_window { &[] } else { &streams })?;
        let text = format!("{}\n", begun.process);
        common.show(&Begun { process: begun.process, pid: begun.pid }, text)?;
        return Ok(0);
    }
    let gathered = if common.raw { Some((gather()?, gather()?)) } else { None };
    let (input, output, errors) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let streams: [BorrowedFd<'_>; 3] = match &gathered {
        Some((output, errors)) => [input.as_fd(), output.0.as_fd(), errors.0.as_fd()],
        None => [input.as_fd(), output.as_fd(), errors.as_fd()],
    };
    let executed = client.ask_with(&exec, if in_window { &[] } else { &streams })?;
    let tag = client.last_tag();
    // Only the program has the other ends from here on.
    let gathered = gathered.map(|((_, output), (_, errors))| (output, errors));
    let end = match wait(&mut client, tag, executed.process) {
        Err(error) if error.downcast_ref::<ClientError>().is_some_and(|error| matches!(error, ClientError::Gone)) => {
            bail!("the sandbox ended while the program ran");
        }
        end => end?,
    };
    if let Some((output, errors)) = gathered {
        let text =
            |thread: JoinHandle<Vec<u8>>| String::from_utf8_lossy(&thread.join().unwrap_or_default()).into_owned();
        let (exit_code, how, said) = (code(&end), end.how.as_str(), end.text.as_str());
        let (output, errors) = (text(output), text(errors));
        common.show(&Executed { exit_code, status: end.status, how, text: said, output, errors }, "")?;
    } else if let Some(what) = end.remark() {
        complain(what);
    }
    Ok(code(&end))
}

/// The exit code for how it ended. STATUS_NO_SUCH_FILE, STATUS_OBJECT_NAME_NOT_FOUND and STATUS_OBJECT_PATH_NOT_FOUND with a remark are not the
/// program's own: it is not there.
fn code(end: &End) -> u8 {
    let missing = matches!(end.status, 0xc000_000f | 0xc000_0034 | 0xc000_003a) && !end.text.is_empty();
    if missing { exit::NOT_FOUND } else { end.code() }
}
