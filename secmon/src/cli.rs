//! The command line.

mod abi;
mod doctor;
mod image;
mod parts;
mod run;

use crate::exit;
use crate::sandbox::Early;
use clap::{Args, CommandFactory, Parser, Subcommand};
use shim_abi::net::rules::{Grant, Published};
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
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

/// Runs unmodified Windows programs, each in a picoprocess that sees only what is granted.
#[derive(Debug, Parser)]
#[command(name = "secmon", version, after_long_help = format!("{EXAMPLES}\n{}", exit::HELP))]
struct Cli {
    /// Say more; twice for details, three times for every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a program
    #[command(after_long_help = format!("{EXAMPLES}\n{POLICY}\n{}", exit::HELP))]
    Run(RunArgs),
    /// Make, show or check the base image
    #[command(subcommand)]
    Image(ImageCommand),
    /// Say what this host lacks, and how to get it
    Doctor,
    /// Show the ABI's calls and the system calls that the filter grants
    Abi {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// What `run` takes.
#[derive(Debug, Args)]
struct RunArgs {
    /// Let the program see a folder of the host: HOST=GUEST for reading, HOST=GUEST:rw for writing too
    #[arg(long, value_name = "HOST=GUEST[:rw]")]
    mount: Vec<String>,
    /// Working directory: a path of the guest, or a folder that a mount covers [default: the current folder if a mount
    /// covers it, else the program's]
    #[arg(long, value_name = "FOLDER")]
    workdir: Option<String>,
    /// Set an environment variable; nothing else is passed on
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// What of the network it may reach: none, sandbox (its own processes, by loopback addresses), loopback (this host's servers
    /// too), all, or places as example.com:443, *.example.com, 10.0.0.0/8:5432 or [2001:db8::/32] [default: none]
    #[arg(long, value_name = "WORD|PLACE,...", value_delimiter = ',')]
    net: Vec<Grant>,
    /// Have the host open a port of the program's: for this host's programs, or at an address of the host's for others too
    #[arg(long, value_name = "[ADDRESS:]PORT[:PORT][/udp]")]
    publish: Vec<Published>,
    /// Read grants and limits from a TOML file; options add to it and override it
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Most memory it may use, as 512MiB or 2G
    #[arg(long, value_name = "SIZE", value_parser = crate::policy::units::parse_bytes)]
    memory: Option<u64>,
    /// End it after this time, as 30s or 10m
    #[arg(long, value_name = "TIME", value_parser = crate::policy::units::parse_duration)]
    timeout: Option<std::time::Duration>,
    /// Most that its throw-away folders may hold
    #[arg(long, value_name = "SIZE", value_parser = crate::policy::units::parse_bytes)]
    scratch: Option<u64>,
    /// Print its NT calls with arguments and results to stderr
    #[arg(long)]
    trace: bool,
    /// Print its NT calls to a file
    #[arg(long, value_name = "FILE")]
    trace_to: Option<PathBuf>,
    /// Say in plain words what it would be granted, and end
    #[arg(long)]
    explain: bool,
    /// The program: a file of this host, a path of the guest (C:\...), or a program of the base image; then its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM ARGS")]
    command: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum ImageCommand {
    /// Make the base image from an installed or fetched libwine
    Build {
        /// Where to put it
        #[arg(long, value_name = "FOLDER")]
        output: Option<PathBuf>,
        /// Where Wine's PE files are
        #[arg(long, value_name = "FOLDER")]
        source: Option<PathBuf>,
        /// No progress
        #[arg(long)]
        quiet: bool,
    },
    /// Say what the base image is
    Info,
    /// Check every file of the base image
    Verify,
}

/// Says what went wrong, on stderr, after the monitor's name.
pub(crate) fn complain(what: impl std::fmt::Display) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "secmon: {what}");
}

/// Prints to stdout; a reader that went away is no failure.
pub(crate) fn print(text: impl AsRef<str>) {
    use std::io::Write as _;
    let _ = std::io::stdout().write_all(text.as_ref().as_bytes());
}

fn log(verbose: u8) {
    use tracing_subscriber::filter::LevelFilter;
    let level = match verbose {
        0 => LevelFilter::ERROR,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let format = tracing_subscriber::fmt().compact().without_time().with_target(false).with_ansi(false);
    let _ = format.with_max_level(level).with_writer(std::io::stderr).try_init();
}

/// The whole command.
pub fn main() -> ExitCode {
    // Making namespaces takes longer than reading the command line, so it goes on meanwhile.
    let early = std::env::args_os().nth(1).is_some_and(|first| first == "run").then(Early::new);
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { exit::FAILURE } else { 0 });
        }
    };
    log(cli.verbose);
    ExitCode::from(match cli.command {
        Command::Run(args) => run::run(args, cli.verbose, early),
        Command::Image(command) => image::image(command),
        Command::Doctor => doctor::doctor(),
        Command::Abi { json } => abi::abi(json),
        Command::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "secmon", &mut out);
            print(String::from_utf8_lossy(&out));
            0
        }
        Command::Man => manual(),
    })
}

/// The manual page: the command, and each command below it.
fn manual() -> u8 {
    let mut out = Vec::new();
    let command = Cli::command();
    let rendered = clap_mangen::Man::new(command.clone()).render(&mut out);
    let below = command.get_subcommands().try_for_each(|below| {
        let name = format!("secmon-{}", below.get_name());
        clap_mangen::Man::new(below.clone().name(name)).render(&mut out)
    });
    match rendered.and(below) {
        Ok(()) => {
            print(String::from_utf8_lossy(&out));
            0
        }
        Err(error) => {
            complain(error);
            exit::FAILURE
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/cli.rs"]
mod tests;
