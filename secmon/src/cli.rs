//! The command line: `secmon run`.

use crate::cgroup::Groups;
use crate::image::{Image, ImageError};
use crate::layer::Layer;
use crate::policy::log::LogArgs;
use crate::policy::options::{Display, RunArgs, help, is_wsb};
use crate::policy::parts;
use crate::policy::plan::Plan;
use crate::policy::program::ProgramError;
use crate::sandbox::control::Control;
use crate::sandbox::{self, Beginning, Early, Launch};
use crate::spawn::SpawnError;
use crate::{audit, exit, sys, terminal};
use anyhow::{Context as _, bail};
use clap::Parser;
use shim_abi::boot::Stdio;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::ExitCode;

/// What the monitor itself does, `run`. All else is `portcullis-manage`'s, help of the whole too.
#[derive(Debug, Parser)]
#[command(name = "run", bin_name = "secmon run", about = "Run a program to its end", after_long_help = help())]
struct Cli {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    args: RunArgs,
}

/// Says what went wrong, on stderr, after the monitor's name.
pub fn complain(what: impl std::fmt::Display) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "secmon: {what}");
}

/// The whole command.
pub fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_none_or(|verb| verb != "run") {
        return manage();
    }
    // Making namespaces takes longer than reading the command line, so it goes on meanwhile.
    let early = Early::new();
    let cli = match Cli::try_parse_from(std::env::args_os().skip(1)) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { exit::FAILURE } else { 0 });
        }
    };
    cli.log.begin();
    let outcome = match launch(cli.args, early) {
        Ok(Some((beginning, launch))) => sandbox::run(beginning, launch),
        Ok(None) => return manage(),
        Err(error) => Err(error),
    };
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            complain(format!("{error:#}"));
            return ExitCode::from(error.downcast_ref::<ProgramError>().map_or(exit::FAILURE, ProgramError::code));
        }
    };
    let code = exit::of(&outcome.ended);
    exit::remark(&outcome.ended).iter().for_each(complain);
    if code != 0 || cli.log.verbose > 0 {
        outcome.advice.iter().for_each(complain);
    }
    if outcome.image_is_outdated {
        complain("the base image is out of date: `secmon image build` makes it anew");
    }
    ExitCode::from(code)
}

/// Becomes what does all but running.
fn manage() -> ExitCode {
    let executed = parts::find(parts::MANAGE).map(|path| {
        let error = std::process::Command::new(&path).arg0("secmon").args(std::env::args_os().skip(1)).exec();
        format!("{}: {error}", path.display())
    });
    complain(executed.unwrap_or_else(|missing| missing));
    ExitCode::from(exit::FAILURE)
}

/// Begins the sandbox; nothing if it is to be prepared first, or wants something else than to be run.
fn launch(args: RunArgs, early: Result<Early, SpawnError>) -> anyhow::Result<Option<(Beginning, Launch)>> {
    let _span = tracing::info_span!("prepare").entered();
    if args.explain || args.command.first().is_some_and(|name| is_wsb(name)) {
        return Ok(None);
    }
    args.engine.then(crate::policy::advice::is_under_engine);
    let groups = Groups::new(args.group, args.own_group);
    let mut policy = args.grants.policy()?;
    if (policy.is_to_be_prepared() || args.display != Display::None) && !args.prepared {
        return Ok(None);
    }
    policy.trace |= args.trace || args.trace_to.is_some();
    let layers = args.layer_fd.iter().map(|numbers| Layer::at(numbers)).collect::<Result<Vec<_>, _>>();
    let mut layers = layers.context("the layers")?;
    if layers.len() != policy.layers.len() + usize::from(policy.persist.is_some()) {
        bail!("--prepared, and not with the layers of the policy");
    }
    let runtime = parts::find(parts::RUNTIME).map_err(anyhow::Error::msg)?;
    let (input, output, errors) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let own = |stream: std::os::fd::BorrowedFd<'_>| match terminal::stdio(stream) {
        // No descriptor of a folder goes to a picoprocess.
        Stdio::None => Ok(OwnedFd::from(fs::File::options().read(true).write(true).open("/dev/null")?)),
        _ => stream.try_clone_to_owned(),
    };
    let own = |stream| own(stream).context("standard streams");
    let stdio = [own(input.as_fd())?, own(output.as_fd())?, own(errors.as_fd())?];
    let beginning = sandbox::begin(early, &policy, &runtime, stdio, groups)?;
    let image = match Image::open(&parts::image(), &policy.user) {
        Err(ImageError::Missing(_) | ImageError::Damaged(..)) if !args.prepared => return Ok(None),
        opened => opened?,
    };
    audit::begin(args.audit.as_deref(), args.events.as_deref())?;
    policy.granted().iter().for_each(|(what, rule)| audit::note(true, what, rule, false));
    let shown = |path: &str| image.find(path).map(|file| file.shown.to_owned());
    let plan = Plan::new(&policy, args.command, args.init, shown)?;
    let control = match args.control_fd {
        Some(number) => {
            let socket = sys::given(number).context("--control-fd")?;
            // Stays open, as nothing closes it.
            args.lock_fd.map(sys::given).transpose().context("--lock-fd")?;
            Some(Control::new(socket, args.id, args.name, args.init))
        }
        None => None,
    };
    let log = match &args.trace_to {
        Some(path) => OwnedFd::from(fs::File::create(path).with_context(|| format!("--trace-to {}", path.display()))?),
        None => own(errors.as_fd())?,
    };
    let launch = Launch {
        layer: policy.persist.as_ref().map(|_| layers.remove(0)),
        below: layers,
        policy,
        image: Some(image),
        plan,
        log,
        control,
    };
    Ok(Some((beginning, launch)))
}

#[cfg(test)]
#[path = "../tests/unit/cli.rs"]
mod tests;
