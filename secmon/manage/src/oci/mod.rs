//! An OCI runtime: what podman, containerd and CRI-O execute to run a container, as a command line that is runc's.
//!
//! The specification (opencontainers/runtime-spec 1.2) says what `create`, `start`, `state`, `kill`, `delete` and `features` do; runc's
//! further commands and options are here as far as those engines use them. A container is a sandbox whose drive C is the container's root
//! (or the folder `Files` in it, as layers of Windows images have it); the image needs no Linux.

mod child;
mod create;
mod exec;
mod features;
mod groups;
mod hooks;
mod lifecycle;
mod plan;
mod record;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The version of the specification.
pub const VERSION: &str = "1.2.0";

/// How errors are written to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Lines.
    Text,
    /// An object on each line.
    Json,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
pub struct Globals {
    /// Where containers are noted [default: /run/portcullis-oci, or portcullis-oci in XDG_RUNTIME_DIR]
    #[arg(long, default_value_os_t = default_root(), hide_default_value = true)]
    pub root: PathBuf,
    /// Where errors are written too, for the engine
    #[arg(long)]
    log: Option<PathBuf>,
    /// How
    #[arg(long, value_enum, default_value = "text")]
    log_format: LogFormat,
    /// Have systemd make control groups
    #[arg(long)]
    pub systemd_cgroup: bool,
    /// Accepted: the host is asked what it allows
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    rootless: Option<String>,
    /// Say more
    #[arg(long)]
    debug: bool,
}

fn default_root() -> PathBuf {
    let own = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty());
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    match own.filter(|_| !nix::unistd::geteuid().is_root() || !is_whole(&map)) {
        Some(folder) => Path::new(&folder).join("portcullis-oci"),
        None => PathBuf::from("/run/portcullis-oci"),
    }
}

/// Whether a map of user ids is the one that every user is in: root in another one is a plain user of the host's, whose engine runs
/// there without being root.
fn is_whole(map: &str) -> bool {
    map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// The home folder, in which the base image is looked for, if the engine does not tell it: containerd's shim has no environment.
fn home() -> Option<(&'static str, String)> {
    if std::env::var_os("HOME").is_some() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    home_of(&users, nix::unistd::getuid().as_raw()).map(|home| ("HOME", home.to_owned()))
}

/// The home folder of a user, as `/etc/passwd` has it.
fn home_of(users: &str, uid: u32) -> Option<&str> {
    users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find_map(|fields| match fields[..] {
        [_, _, number, _, _, home, ..] if number.parse() == Ok(uid) => Some(home),
        _ => None,
    })
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Make a container, which waits to be started
    Create(create::Args),
    /// Start the program of a container
    Start { id: String },
    /// Run a further program in a container
    Exec(exec::Args),
    /// Print a container's state as JSON
    State { id: String },
    /// Send a container a signal
    Kill {
        id: String,
        #[arg(default_value = "SIGTERM")]
        signal: String,
        /// To all that is left of it
        #[arg(short, long)]
        all: bool,
    },
    /// Remove a container that ended
    Delete {
        id: String,
        /// End it first
        #[arg(short, long)]
        force: bool,
    },
    /// Print what this runtime carries out, as JSON
    Features,
    /// Stop a container's processes for a while
    Pause { id: String },
    /// Let them run on
    Resume { id: String },
    /// Change a container's limits
    Update {
        id: String,
        #[arg(short, long, default_value = "-")]
        resources: PathBuf,
    },
    /// Print the numbers of a container's processes
    Ps {
        id: String,
        #[arg(short, long, default_value = "table")]
        format: String,
    },
    /// Print all containers
    List {
        #[arg(short, long, default_value = "table")]
        format: String,
    },
    /// Print what a container uses
    Events {
        id: String,
        /// Once; there are no other events
        #[arg(long)]
        stats: bool,
    },
    #[command(hide = true)]
    Init(child::Args),
}

/// What `secmon oci` takes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// Runs Windows programs for podman, containerd and Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "portcullis-oci", version = version())]
struct Cli {
    #[command(flatten)]
    arguments: Arguments,
}

/// In the form of runc's, which engines read.
fn version() -> &'static str {
    concat!(env!("CARGO_PKG_VERSION"), "\nspec: 1.2.0")
}

impl Arguments {
    fn carry_out(&self) -> Result<u8> {
        let globals = &self.globals;
        match &self.command {
            Command::Create(args) => create::create(globals, args),
            Command::Start { id } => lifecycle::start(globals, id),
            Command::Exec(args) => return exec::exec(globals, args),
            Command::State { id } => lifecycle::state(globals, id),
            Command::Kill { id, signal, all } => lifecycle::kill(globals, id, signal, *all),
            Command::Delete { id, force } => lifecycle::delete(globals, id, *force),
            Command::Features => features::features(),
            Command::Pause { id } => lifecycle::pause(globals, id, true),
            Command::Resume { id } => lifecycle::pause(globals, id, false),
            Command::Update { id, resources } => lifecycle::update(globals, id, resources),
            Command::Ps { id, format } => lifecycle::processes(globals, id, format == "json"),
            Command::List { format } => lifecycle::list(globals, format == "json"),
            Command::Events { id, .. } => lifecycle::events(globals, id),
            Command::Init(args) => child::init(globals, args),
        }
        .map(|()| 0)
    }
}

impl Globals {
    /// Tells the engine what went wrong.
    fn note(&self, level: &str, message: &str) {
        let Some(mut log) =
            self.log.as_ref().and_then(|path| File::options().create(true).append(true).open(path).ok())
        else {
            return;
        };
        let time = humantime::format_rfc3339_seconds(std::time::SystemTime::now());
        let line = match self.log_format {
            LogFormat::Json => {
                serde_json::json!({ "level": level, "msg": message, "time": time.to_string() }).to_string()
            }
            LogFormat::Text => format!("time=\"{time}\" level={level} msg={message:?}"),
        };
        let _ = writeln!(log, "{line}");
    }
}

/// Carries out a command: the exit code.
pub fn run(arguments: &Arguments) -> u8 {
    match arguments.carry_out() {
        Ok(code) => code,
        Err(error) => {
            let message = format!("{error:#}");
            arguments.globals.note("error", &message);
            secmon::cli::complain(message);
            1
        }
    }
}

/// The command `portcullis-oci`, as an engine executes it.
pub fn main(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    let arguments = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli.arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    let verbose = if arguments.globals.debug { 2 } else { 0 };
    secmon::policy::log::LogArgs { verbose, ..Default::default() }.begin();
    ExitCode::from(run(&arguments))
}

#[cfg(test)]
#[path = "../../tests/unit/oci.rs"]
mod tests;
