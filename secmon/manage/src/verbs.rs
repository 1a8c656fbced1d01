//! The verbs: one table, one file each.

mod abi;
mod commit;
mod completions;
mod connect;
mod desktop;
mod diff;
mod doctor;
mod events;
mod exec;
mod export;
mod image;
mod input;
mod inspect;
mod ip;
mod layers;
mod list;
mod logs;
mod man;
mod metrics;
mod oci;
mod policy;
mod prune;
mod run;
mod screenshot;
mod share;
mod start;
mod stats;
mod stop;
mod trim;
mod view;
mod wait;
mod wait_window;
mod windows;

use crate::client::Client;
use crate::state::{Kept, Store, file};
use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};
pub(crate) use secmon::cli::complain;
use secmon::exit;
use secmon::policy::options::EXAMPLES;
use std::process::ExitCode;

/// Prints to stdout; a reader that went away is no failure.
pub(crate) fn print(text: impl AsRef<str>) {
    use std::io::Write as _;
    let _ = std::io::stdout().write_all(text.as_ref().as_bytes());
}

/// What every verb may be told.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// What is told of what happens.
    #[command(flatten)]
    pub log: secmon::policy::log::LogArgs,
    /// Write results as JSON
    #[arg(long, global = true)]
    pub raw: bool,
}

impl Common {
    /// Shows a result: as JSON with a version, or as text.
    fn show(&self, value: &impl serde::Serialize, text: impl AsRef<str>) -> anyhow::Result<()> {
        if self.raw {
            print(raw(value)? + "\n")
        } else {
            print(text)
        }
        Ok(())
    }
}

/// The version of what `--raw` writes. Fields are added without a new one; none goes or changes its meaning.
pub const RAW_VERSION: u32 = 1;

/// A result as JSON on one line.
fn raw(value: &impl serde::Serialize) -> anyhow::Result<String> {
    #[derive(serde::Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Raw<'a, T> {
        version: u32,
        #[serde(flatten)]
        value: &'a T,
    }
    Ok(serde_json::to_string(&Raw { version: RAW_VERSION, value })?)
}

/// Which sandbox.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The sandbox: its id, the beginning of it, or its name
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// The same without `--id`
    #[arg(value_name = "ID", id = "which")]
    which: Option<String>,
}

impl Which {
    /// The one of that id or name, for verbs that take more words.
    fn of(text: &str) -> Which {
        Which { id: Some(text.to_owned()), which: None }
    }

    /// What was said.
    fn text(&self) -> &str {
        self.id.as_deref().or(self.which.as_deref()).unwrap_or_default()
    }

    /// The sandbox.
    fn find(&self) -> anyhow::Result<Kept> {
        Ok(Store::open()?.find(self.text())?)
    }

    /// The sandbox, which runs, and the connection to its monitor.
    fn connect(&self) -> anyhow::Result<(Kept, Client)> {
        connect_to(self.find()?)
    }
}

/// Connects to the monitor of a sandbox that runs.
fn connect_to(kept: Kept) -> anyhow::Result<(Kept, Client)> {
    let kept = kept.running()?;
    let client = Client::connect(&kept.folder, file::CONTROL).with_context(|| kept.record.id.clone())?;
    Ok((kept, client))
}

/// Makes the table: a verb's module has its `Arguments`, and a function `run` that takes them and gives the exit code.
macro_rules! verbs {
    ($($(#[$about:meta])* $verb:ident => $module:ident,)*) => {
        #[derive(Debug, Subcommand)]
        enum Verb {
            $($(#[$about])* $verb($module::Arguments),)*
        }

        impl Verb {
            fn run(self, common: &Common) -> anyhow::Result<u8> {
                match self {
                    $(Verb::$verb(arguments) => $module::run(arguments, common),)*
                }
            }
        }
    };
}

verbs! {
    /// Run a program to its end
    #[command(after_long_help = secmon::policy::options::help())]
    Run => run,
    /// Start a sandbox that stays, and programs can be run in
    #[command(alias = "StartSandbox")]
    Start => start,
    /// List the sandboxes that run
    #[command(alias = "ListRunningSandboxes")]
    List => list,
    /// Run a program in a sandbox
    #[command(alias = "Execute")]
    Exec => exec,
    /// Stop a sandbox
    #[command(alias = "StopSandbox")]
    Stop => stop,
    /// Show a folder of this host to a sandbox
    #[command(alias = "ShareFolder")]
    Share => share,
    /// Say at which addresses a sandbox is reached
    #[command(alias = "GetIpAddress")]
    Ip => ip,
    /// Say how a sandbox's display is reached by RDP
    #[command(alias = "ConnectToSandbox")]
    Connect => connect,
    /// Show a sandbox's display in a browser: prints a link that can be used once
    View => view,
    /// Write a picture of a sandbox's display to a PNG file
    Screenshot => screenshot,
    /// Type, press keys, click, drag or scroll in a sandbox
    Input => input,
    /// Show the windows of a sandbox
    Windows => windows,
    /// Wait until a sandbox has a window, or has it no more
    WaitWindow => wait_window,
    /// Show what a sandbox's programs wrote
    Logs => logs,
    /// Show what sandboxes use: processor, memory, input and output, NT calls
    Stats => stats,
    /// Show or serve what sandboxes use, for Prometheus
    Metrics => metrics,
    /// Show all that is known of a sandbox
    Inspect => inspect,
    /// Wait for a sandbox's end
    Wait => wait,
    /// Show what happened in sandboxes
    Events => events,
    /// Have sandboxes give back memory that they do not need
    Trim => trim,
    /// Remove what is left of sandboxes that ended
    Prune => prune,
    /// Check, explain or learn what is granted
    Policy => policy,
    /// Make, show or check the base image
    Image => image,
    /// Say what a sandbox changed of its drive C and of the registry
    Diff => diff,
    /// Make an image layer of what a sandbox changed
    Commit => commit,
    /// Copy files of a layer to the host
    Export => export,
    /// Show or remove layers
    Layers => layers,
    /// Say what this host lacks, and how to get it
    Doctor => doctor,
    /// Show the ABI's calls and the system calls that the filter grants
    Abi => abi,
    /// Be the OCI runtime of podman, containerd or Kubernetes
    Oci => oci,
    /// Print completions for a shell
    Completions => completions,
    /// Print the manual page
    Man => man,
}

/// Runs unmodified Windows programs, each in a picoprocess that sees only what is granted.
#[derive(Debug, Parser)]
#[command(name = "secmon", bin_name = "secmon", version, after_long_help = format!("{EXAMPLES}\n{}", exit::HELP))]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

/// The whole command as `clap` describes it: for help, completions and the manual.
pub fn command() -> clap::Command {
    Cli::command()
}

/// The whole command.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { exit::FAILURE } else { 0 });
        }
    };
    cli.common.log.begin();
    ExitCode::from(cli.verb.run(&cli.common).unwrap_or_else(|error| {
        complain(format!("{error:#}"));
        exit::FAILURE
    }))
}

pub(crate) use exec::wait as await_end;

#[cfg(test)]
#[path = "../tests/unit/raw.rs"]
mod raw_schema;
#[cfg(test)]
#[path = "../tests/unit/verbs.rs"]
mod tests;
