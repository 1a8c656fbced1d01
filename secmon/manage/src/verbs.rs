//! The verbs: one table, one file each.

mod abi;
mod completions;
mod doctor;
mod image;
mod lay;
mod man;
mod oci;
mod run;

use clap::{CommandFactory as _, Parser, Subcommand};
use secmon::cli::{EXAMPLES, complain};
use secmon::exit;
use std::process::ExitCode;

/// What every verb may be told.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// Say more; twice for details, three times for every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// Makes the table: a verb's module has its `Arguments`, and a function `run` that takes them and gives the exit code.
macro_rules! verbs {
    ($($(#[$about:meta])* $verb:ident => $module:ident,)*) => {
        #[derive(Debug, Subcommand)]
        #[expect(clippy::large_enum_variant, reason = "there is one, and not for long")]
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
    #[command(after_long_help = secmon::cli::help())]
    Run => run,
    /// Make, show or check the base image
    Image => image,
    /// Open layers for a sandbox, and run it: what `run` does if there are any
    #[command(hide = true)]
    Lay => lay,
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
    secmon::cli::log(cli.common.verbose);
    ExitCode::from(cli.verb.run(&cli.common).unwrap_or_else(|error| {
        complain(format!("{error:#}"));
        exit::FAILURE
    }))
}

#[cfg(test)]
#[path = "../tests/unit/verbs.rs"]
mod tests;
