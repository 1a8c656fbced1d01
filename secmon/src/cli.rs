//! The command line.

pub mod image;
pub mod parts;
mod run;

use crate::exit;
use crate::policy::Policy;
use crate::sandbox::Early;
use clap::{Args, Parser, Subcommand};
use shim_abi::net::rules::{Grant, Published};
use shim_abi::share::{CpuList, Cpus};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// How it is used.
pub const EXAMPLES: &str = "\
Examples:
  secmon run ./7za.exe b                                  a program that needs nothing
  secmon run --mount .=C:\\work:rw ./7za.exe a out.7z docs  one that reads and writes the current folder
  secmon run --mount /srv/data=Z:\\data rg.exe -n text Z:\\data
  secmon run --net sandbox --publish 8080 node.exe server.js  a server that this host's programs reach
  secmon run --policy build.toml --timeout 10m esbuild.exe app.js
  secmon run cmd.exe /c dir C:\\windows                    a program of the base image
";

const POLICY: &str = "\
Policy file (TOML), every key optional:
  workdir = 'C:\\data'  memory = \"2G\"  timeout = \"10m\"  scratch = \"1G\"  threads = 4096  files = 4096
  user = \"user\"  computer = \"PORTCULLIS\"  trace = false  roots = true
  [env]
  NAME = \"value\"
  [[mount]]
  host = \"/srv/data\"  guest = 'C:\\data'  writable = true   (each key on a line of its own)
";

/// What `run --help` says at its end.
pub fn help() -> String {
    format!("{EXAMPLES}\n{POLICY}\n{}", exit::HELP)
}

/// What the monitor itself does. All else is `portcullis-manage`'s, help of the whole too.
#[derive(Debug, Parser)]
#[command(name = "secmon", bin_name = "secmon", version)]
struct Cli {
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a program to its end
    #[command(after_long_help = help())]
    Run(RunArgs),
}

/// What a sandbox is granted.
#[derive(Debug, Args)]
pub struct GrantArgs {
    /// Let the program see a folder of the host: HOST=GUEST for reading, HOST=GUEST:rw for writing too
    #[arg(long, value_name = "HOST=GUEST[:rw]")]
    pub mount: Vec<String>,
    /// Working directory: a path of the guest, or a folder that a mount covers [default: the current folder if a mount
    /// covers it, else the program's]
    #[arg(long, value_name = "FOLDER")]
    pub workdir: Option<String>,
    /// Set an environment variable; nothing else is passed on
    #[arg(long, value_name = "NAME=VALUE")]
    pub env: Vec<String>,
    /// What of the network it may reach: none, sandbox (its own processes, by loopback addresses), loopback (this host's servers
    /// too), all, host (all, and be reached at any port, as the host's own programs), or places as example.com:443, *.example.com,
    /// 10.0.0.0/8:5432 or [2001:db8::/32] [default: none]
    #[arg(long, value_name = "WORD|PLACE,...", value_delimiter = ',')]
    pub net: Vec<Grant>,
    /// Have the host open a port of the program's: for this host's programs, or at an address of the host's for others too
    #[arg(long, value_name = "[ADDRESS:]PORT[:PORT][/udp]")]
    pub publish: Vec<Published>,
    /// Read grants and limits from a TOML file; options add to it and override it
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Most memory it may use, as 512MiB or 2G
    #[arg(long, value_name = "SIZE", value_parser = crate::policy::units::parse_bytes)]
    pub memory: Option<u64>,
    /// Memory beyond which the host takes its pages back first
    #[arg(long, value_name = "SIZE", value_parser = crate::policy::units::parse_bytes)]
    pub memory_soft: Option<u64>,
    /// Most processor time it may use, in processors: 2 or 0.5
    #[arg(long, value_name = "NUMBER")]
    pub cpus: Option<Cpus>,
    /// Its part of processors that others want too, 1 to 10000; everything else has 100
    #[arg(long, value_name = "WEIGHT")]
    pub cpu_weight: Option<u64>,
    /// Processors it may run on, as 0-3,6; the program sees that many
    #[arg(long, value_name = "LIST")]
    pub cpuset: Option<CpuList>,
    /// Most threads of all its processes together
    #[arg(long, value_name = "COUNT")]
    pub pids: Option<u64>,
    /// Put it into this control group, as /proc/self/cgroup names it, instead of one made for it
    #[arg(long, value_name = "PATH")]
    pub cgroup: Option<PathBuf>,
    /// End it after this time, as 30s or 10m
    #[arg(long, value_name = "TIME", value_parser = crate::policy::units::parse_duration)]
    pub timeout: Option<std::time::Duration>,
    /// Most that its throw-away folders may hold
    #[arg(long, value_name = "SIZE", value_parser = crate::policy::units::parse_bytes)]
    pub scratch: Option<u64>,
    /// Keep what it changes of drive C and of the registry in a layer of this name, made if there is none
    #[arg(long, value_name = "NAME")]
    pub persist: Option<String>,
    /// Lay an image layer of this name over the base image; the last one given is the uppermost
    #[arg(long, value_name = "NAME")]
    pub layer: Vec<String>,
}

impl GrantArgs {
    /// The policy of the file and of the options.
    ///
    /// # Errors
    /// What is wrong with either.
    pub fn policy(&self) -> anyhow::Result<Policy> {
        let mut policy = match &self.policy {
            Some(path) => Policy::from_file(path)?,
            None => Policy::default(),
        };
        self.add_to(&mut policy)?;
        Ok(policy)
    }

    /// Adds the options to a policy.
    ///
    /// # Errors
    /// What is wrong with them, or with what comes out.
    pub fn add_to(&self, policy: &mut Policy) -> anyhow::Result<()> {
        self.mount.iter().try_for_each(|text| policy.mount(text))?;
        self.env.iter().try_for_each(|text| policy.env(text))?;
        policy.grants.extend_from_slice(&self.net);
        policy.published.extend_from_slice(&self.publish);
        policy.workdir = self.workdir.clone().or(policy.workdir.take());
        policy.memory = self.memory.or(policy.memory);
        policy.memory_soft = self.memory_soft.or(policy.memory_soft);
        policy.cpus = self.cpus.or(policy.cpus);
        policy.cpu_weight = self.cpu_weight.or(policy.cpu_weight);
        policy.cpuset = self.cpuset.clone().or(policy.cpuset.take());
        policy.pids = self.pids.or(policy.pids);
        policy.cgroup = self.cgroup.clone().or(policy.cgroup.take());
        policy.timeout = self.timeout.or(policy.timeout);
        policy.scratch = self.scratch.unwrap_or(policy.scratch);
        policy.persist = self.persist.clone().or(policy.persist.take());
        policy.layers.extend_from_slice(&self.layer);
        Ok(policy.check()?)
    }
}

/// What `run` takes.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// What it is granted.
    #[command(flatten)]
    pub grants: GrantArgs,
    /// The folders of its layers, open: what `portcullis-manage lay` adds
    #[arg(long, hide = true)]
    layer_fd: Vec<String>,
    /// Print its NT calls with arguments and results to stderr
    #[arg(long)]
    trace: bool,
    /// Print its NT calls to a file
    #[arg(long, value_name = "FILE")]
    trace_to: Option<PathBuf>,
    /// Write every grant and refusal to a file, a line of JSON each: who, what, by which rule
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Write what happens to a file, a line of JSON each
    #[arg(long, hide = true, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Say in plain words what it would be granted, and end
    #[arg(long)]
    explain: bool,
    /// The program: a file of this host, a path of the guest (C:\...), or a program of the base image; then its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM ARGS")]
    pub command: Vec<String>,
}

/// Says what went wrong, on stderr, after the monitor's name.
pub fn complain(what: impl std::fmt::Display) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "secmon: {what}");
}

/// Prints to stdout; a reader that went away is no failure.
pub fn print(text: impl AsRef<str>) {
    use std::io::Write as _;
    let _ = std::io::stdout().write_all(text.as_ref().as_bytes());
}

/// How what happens is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// A line for a person
    #[default]
    Text,
    /// A JSON object each
    Json,
}

/// How much is told of what happens, and how.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct LogArgs {
    /// Say more; twice for details, three times for every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// How what is said with -v is written to stderr
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

impl LogArgs {
    /// Has what happens told on stderr. Spans say how long the start, and each request, took.
    pub fn begin(self) {
        use tracing_subscriber::{filter::LevelFilter, fmt::format::FmtSpan};
        let level = match self.verbose {
            0 => LevelFilter::ERROR,
            1 => LevelFilter::INFO,
            2 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        };
        let format = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
        let format = format.with_span_events(FmtSpan::CLOSE).with_ansi(false);
        let _ = match self.log_format {
            LogFormat::Text => format.compact().without_time().with_target(false).try_init(),
            LogFormat::Json => format.json().try_init(),
        };
    }
}

/// The whole command.
pub fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_none_or(|verb| verb != "run") {
        return manage(&[]);
    }
    // Making namespaces takes longer than reading the command line, so it goes on meanwhile.
    let early = Early::new();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { exit::FAILURE } else { 0 });
        }
    };
    cli.log.begin();
    let Command::Run(args) = cli.command;
    if args.command.first().is_some_and(|name| is_wsb(name)) {
        drop(early);
        return manage(&[]);
    }
    ExitCode::from(run::run(args, cli.log.verbose, early))
}

/// Whether a program's name is that of a configuration of Windows Sandbox, which the monitor does not read itself.
pub fn is_wsb(name: &str) -> bool {
    name.get(name.len().wrapping_sub(4)..).is_some_and(|end| end.eq_ignore_ascii_case(".wsb"))
}

/// Becomes what does all but running; `before` goes before the arguments.
fn manage(before: &[String]) -> ExitCode {
    let executed = parts::find(parts::MANAGE).map(|path| {
        let mut command = std::process::Command::new(&path);
        let error = command.arg0("secmon").args(before).args(std::env::args_os().skip(1)).exec();
        format!("{}: {error}", path.display())
    });
    complain(executed.unwrap_or_else(|missing| missing));
    ExitCode::from(exit::FAILURE)
}

#[cfg(test)]
#[path = "../tests/unit/cli.rs"]
mod tests;
