//! The command line.

pub mod image;
pub mod parts;
mod run;

use crate::exit;
use crate::policy::log::LogArgs;
use crate::policy::options::{GrantArgs, help};
use crate::sandbox::Early;
use clap::{Args, Parser, Subcommand};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

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
    /// Serve who manages the sandbox, on this socket that listens
    #[arg(long, hide = true, value_name = "NUMBER")]
    control_fd: Option<i32>,
    /// A descriptor that is kept open as long as the monitor runs
    #[arg(long, hide = true, value_name = "NUMBER")]
    lock_fd: Option<i32>,
    /// What the sandbox is called, for who manages it
    #[arg(long, hide = true, default_value = "")]
    id: String,
    /// Likewise, by people
    #[arg(long, hide = true, default_value = "")]
    name: String,
    /// Run no program: others do that through the control socket, until it is stopped (exit code 0) or its time is up
    #[arg(long, hide = true, requires = "control_fd")]
    init: bool,
    /// The program: a file of this host, a path of the guest (C:\...), or a program of the base image; then its arguments
    #[arg(
        required_unless_present = "init",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "PROGRAM ARGS"
    )]
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
