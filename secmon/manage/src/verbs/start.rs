//! `secmon start`.

use super::{Common, complain};
use crate::client::{Client, ClientError, listen};
use crate::command_line;
use crate::config::{Config, grant_words, maps};
use crate::record::{self, Folder, Record};
use crate::state::{self, Making, StateError, Store, file};
use crate::{detach, parts};
use anyhow::{Context as _, anyhow, bail};
use secmon::policy::Policy;
use secmon::policy::options::{Console, GrantArgs};
use serde::Serialize;
use shim_abi::control::{Describe, Exec, Member, RunAs, Stats, Stop, What};
use std::fs::File;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What is started.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Its id: a GUID [default: a new one]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// What it is granted: a file (a .wsb of Windows Sandbox, or TOML as for --policy), or the text itself
    #[arg(short, long, value_name = "FILE|TEXT")]
    config: Option<String>,
    /// A name for it, which no other that runs may have
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A command that it begins with; the configuration's LogonCommand if this is not said
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
    /// Where that command's console is, if it has one: what it writes is shown by `secmon logs` otherwise
    #[arg(long, value_name = "WHERE", default_value = "terminal")]
    console: Console,
    #[command(flatten)]
    grants: GrantArgs,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Started<'a> {
    id: &'a str,
    name: Option<&'a str>,
}

/// A sandbox whose folder is made, and what its monitor inherits.
pub(super) struct Made {
    pub(super) folder: PathBuf,
    pub(super) lock: File,
    pub(super) listener: OwnedFd,
}

pub(super) fn make(making: Making, record: &Record, policy: &str) -> anyhow::Result<Made> {
    let folder = making.folder();
    state::write(&folder.join(file::POLICY), policy.as_bytes())?;
    for name in [file::STDOUT, file::STDERR, file::EVENTS, file::AUDIT] {
        state::log_file(&folder.join(name))?;
    }
    let listener = listen(folder, file::CONTROL).with_context(|| folder.join(file::CONTROL).display().to_string())?;
    let (folder, lock) = making.keep(record)?;
    Ok(Made { folder, lock, listener })
}

/// Starts the monitor. What it inherits is closed here: it alone holds the lock from then on.
fn monitor(made: Made, record: &Record, words: &[String]) -> anyhow::Result<Child> {
    let Made { folder, lock, listener } = made;
    let mut command = Command::new(parts::monitor()?);
    command.args(["run", "--init", "--id", &record.id, "--lock-fd", &lock.as_raw_fd().to_string()]);
    command.args(["--control-fd", &listener.as_raw_fd().to_string()]);
    if let Some(name) = &record.name {
        command.args(["--name", name]);
    }
    command.arg("--events").arg(folder.join(file::EVENTS)).arg("--audit").arg(folder.join(file::AUDIT));
    command.arg("--policy").arg(folder.join(file::POLICY)).args(words);
    let errors = state::log_file(&folder.join(file::STDERR))?;
    let output = state::log_file(&folder.join(file::STDOUT))?;
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    detach::spawn(&mut command, &[&lock, &listener]).context("the monitor")
}

/// How long a command may take until it runs. One that takes longer has begun as far as anybody knows.
const BEGINNING: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(5);

/// Runs the command that a sandbox begins with, with its logs for standard streams or in a window, and waits until code of its program
/// runs.
fn begin(client: &mut Client, folder: &Path, command: &str, console: Console) -> anyhow::Result<()> {
    let arguments = command_line::arguments(command);
    let Some(program) = arguments.first().cloned() else { bail!("the command is empty") };
    let null = File::open("/dev/null")?;
    let (output, errors) = (state::log_file(&folder.join(file::STDOUT))?, state::log_file(&folder.join(file::STDERR))?);
    let exec = Exec {
        program,
        arguments,
        environment: Vec::new(),
        workdir: String::new(),
        user: RunAs::User,
        detached: true,
        tree: false,
    };
    let streams = [null.as_fd(), output.as_fd(), errors.as_fd()];
    let streams = if console == Console::Window { &[][..] } else { &streams };
    let executed = client.ask_with(&exec, streams).with_context(|| command.to_owned())?;
    let (tag, end) = (client.last_tag(), Instant::now() + BEGINNING);
    while Instant::now() < end {
        // Whoever made an NT call was found, mapped and begun.
        let runs = |member: &Member| member.process == executed.process && member.calls > 0;
        let said = client.ask(&Stats {})?;
        while let Some((of, notice)) = client.noticed() {
            if of == tag && notice.what == What::Ended {
                return match could_not_begin(notice.status) && !notice.text.is_empty() {
                    true => Err(anyhow!(notice.text)),
                    false => Ok(()),
                };
            }
        }
        if said.members.iter().any(runs) {
            break;
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Whether a status is one by which a program that cannot be begun ends, rather than one that ran: it is not there, may not be read, or is none.
fn could_not_begin(status: u32) -> bool {
    matches!(
        status,
        0xc000_000f | 0xc000_0034 | 0xc000_003a | 0xc000_0022 | 0xc000_0020 | 0xc000_007b | 0xc000_012f | 0xc000_0131
    )
}

fn record(id: String, arguments: &Arguments, config: &Config, policy: &Policy) -> Record {
    let folder = |mount: &secmon::policy::Mount| Folder {
        host_path: std::path::absolute(&mount.host).unwrap_or_else(|_| mount.host.clone()).display().to_string(),
        sandbox_path: mount.guest.to_string(),
        allow_write: mount.writable,
    };
    Record {
        version: record::VERSION,
        id,
        name: arguments.name.clone(),
        created: record::now(),
        config: config.file.as_ref().map(|path| path.display().to_string()),
        command: arguments.command.clone().or_else(|| config.command.clone()),
        user: policy.user.clone(),
        folders: policy.mounts.iter().map(folder).collect(),
        net: policy.grants.iter().map(ToString::to_string).collect(),
        published: policy.published.iter().map(ToString::to_string).collect(),
        memory: policy.memory,
        clipboard: policy.clipboard,
        sound: policy.sound,
    }
}

pub(super) fn run(mut arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    if arguments.config.is_some() && arguments.grants.policy.is_some() {
        bail!("--config and --policy are the same: say one of them");
    }
    let maps = maps(&arguments.grants)?;
    let mut config = match (&arguments.config, arguments.grants.policy.take()) {
        (Some(text), _) => Config::of(text, &maps)?,
        (None, Some(path)) => Config::read(&path, &maps)?,
        (None, None) => Config::default(),
    };
    config.give_way(&arguments.grants)?;
    if let Some(name) = &arguments.name {
        state::check_name(name)?;
    }
    let id = arguments.id.as_deref().map_or_else(state::new_id, state::parse_id)?;
    let words = grant_words(&arguments.grants);
    let policy = config.with(&arguments.grants)?;
    for mount in &policy.mounts {
        if !mount.host.is_dir() {
            bail!("cannot mount {}: it is no folder of this host", mount.host.display());
        }
    }
    config.warnings.iter().for_each(complain);
    // Made here, where somebody sees that it takes its time.
    crate::image::make_sure(&policy.user)?;
    let store = Store::open()?;
    store.clean()?;
    let record = record(id, &arguments, &config, &policy);
    let name = record.name.as_deref();
    let made = store.make(&record.id, name, |making| make(making, &record, &config.text))?;
    let folder = made.folder.clone();
    let begun = monitor(made, &record, &words).and_then(|mut child| {
        let mut connected = Client::connect(&folder, file::CONTROL);
        match connected.as_mut().map(|client| client.ask(&Describe {})) {
            Ok(Ok(_)) => {}
            // It may be gone before or after it was reached.
            Err(_) | Ok(Err(ClientError::Gone | ClientError::Io(_))) => {
                let _ = child.wait();
                let said = std::fs::read_to_string(folder.join(file::STDERR)).unwrap_or_default();
                let said = said.trim().trim_start_matches("secmon: ").replace("\nsecmon: ", "; ");
                bail!("{}", if said.is_empty() { "the monitor ended before the sandbox began".into() } else { said });
            }
            Ok(Err(error)) => return Err(error.into()),
        }
        let mut client = connected?;
        let Some(command) = record.command.as_deref() else { return Ok(()) };
        match begin(&mut client, &folder, command, arguments.console) {
            // A configuration's command that fails is told, and the sandbox stays, as with Windows.
            Err(error) if arguments.command.is_none() => complain(format!("LogonCommand `{command}`: {error:#}")),
            Err(error) => {
                let _ = client.ask(&Stop { patience: 0 });
                let _ = child.wait();
                return Err(error.context(format!("--command `{command}`")));
            }
            Ok(()) => {}
        }
        Ok(())
    });
    if let Err(error) = begun {
        match store.remove(&record.id) {
            Ok(()) | Err(StateError::Runs(_)) => {}
            Err(other) => complain(other),
        }
        return Err(error);
    }
    let text = format!("Windows Sandbox environment started successfully:\nId: {}\n", record.id);
    common.show(&Started { id: &record.id, name }, text)?;
    Ok(0)
}
