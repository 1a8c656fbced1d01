//! `secmon run`.

use super::{RunArgs, complain, image, parts, print};
use crate::audit;
use crate::cgroup::Group;
use crate::exit;
use crate::guest::GuestPath;
use crate::layer::Layer;
use crate::policy::program::{self, Program, ProgramError};
use crate::sandbox::control::Control;
use crate::sandbox::{self, Beginning, Early, Ended, Launch, StartError};
use crate::spawn::SpawnError;
use crate::sys;
use crate::terminal;
use anyhow::Context as _;
use shim_abi::boot::Stdio;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

/// A picoprocess that was begun before the command line was read.
pub(super) type EarlyResult = Result<Early, SpawnError>;

/// Why nothing was run, and the exit code for it.
struct Failure(u8, String);

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error: anyhow::Error = error.into();
        let code = match error.downcast_ref::<StartError>() {
            Some(error) => error.code(),
            None => error.downcast_ref::<ProgramError>().map_or(exit::FAILURE, ProgramError::code),
        };
        Failure(code, format!("{error:#}"))
    }
}

fn launch(args: RunArgs, early: EarlyResult) -> Result<Option<(Beginning, Launch)>, Failure> {
    let _span = tracing::info_span!("prepare").entered();
    let mut policy = args.grants.policy()?;
    policy.trace |= args.trace || args.trace_to.is_some();
    if args.explain {
        let group = Group::new(&policy)?;
        let means: String = group.iter().flat_map(|group| &group.means).map(|one| format!("{one}.\n")).collect();
        print(format!("{policy}\n{means}"));
        return Ok(None);
    }
    let layers = args.layer_fd.iter().map(|numbers| Layer::at(numbers)).collect::<Result<Vec<_>, _>>();
    let mut layers = layers.context("the layers")?;
    if layers.len() < policy.layers.len() + usize::from(policy.persist.is_some()) {
        // Opening layers needs no trust.
        drop(early);
        let names = policy.persist.iter().map(|name| format!("--persist={name}"));
        let names = names.chain(policy.layers.iter().rev().map(|name| format!("--layer={name}")));
        super::manage(&["lay".to_owned()].into_iter().chain(names).chain(["--".to_owned()]).collect::<Vec<_>>());
        return Err(Failure(exit::FAILURE, "nothing was run".into()));
    }
    let file = |path: &Option<PathBuf>, to: fn(&std::path::Path) -> std::io::Result<()>| {
        path.as_ref().map_or(Ok(()), |path| to(path).with_context(|| path.display().to_string()))
    };
    file(&args.audit, audit::audit_to)?;
    file(&args.events, audit::events_to)?;
    policy.granted().iter().for_each(|(what, rule)| audit::note(true, what, rule, false));
    let runtime = parts::find(parts::RUNTIME).map_err(|error| Failure(exit::FAILURE, error))?;
    let (input, output, errors) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let own = |stream: std::os::fd::BorrowedFd<'_>| match terminal::stdio(stream) {
        // No descriptor of a folder goes to a picoprocess.
        Stdio::None => Ok(OwnedFd::from(fs::File::options().read(true).write(true).open("/dev/null")?)),
        _ => stream.try_clone_to_owned(),
    };
    let own = |stream| own(stream).context("standard streams");
    let stdio = [own(input.as_fd())?, own(output.as_fd())?, own(errors.as_fd())?];
    let beginning = sandbox::begin(early, &policy, &runtime, &stdio)?;
    let image = image::open_or_build(&policy.user)?;
    let here = std::env::current_dir().context("the current folder")?;
    let search: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let name = args.command.first().cloned().unwrap_or_default();
    let shown = |path: &str| image.find(path).map(|file| file.shown.to_owned());
    let program = if args.init { None } else { Some(program::find(&name, &here, &search, &policy.mounts, shown)?) };
    let home = Program { guest: GuestPath::parse(&format!("C:\\users\\{}", policy.user))?, folder: None };
    let workdir = match (&program, &policy.workdir) {
        (None, None) => home.guest,
        _ => program::workdir(policy.workdir.as_deref(), &here, &policy.mounts, program.as_ref().unwrap_or(&home))?,
    };
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
        program_folder: program.as_ref().and_then(|program| program.folder.clone()),
        program: program.map(|program| program.guest),
        arguments: args.command,
        workdir,
        log,
        control,
    };
    Ok(Some((beginning, launch)))
}

/// A message of the picoprocess, without what would steer a terminal.
fn harmless(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

pub(super) fn run(args: RunArgs, verbose: u8, early: EarlyResult) -> u8 {
    let outcome = match launch(args, early) {
        Ok(Some((beginning, launch))) => sandbox::run(beginning, launch).map_err(Failure::from),
        Ok(None) => return 0,
        Err(failure) => Err(failure),
    };
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(Failure(code, why)) => {
            complain(why);
            return code;
        }
    };
    let code = outcome.ended.code();
    match &outcome.ended {
        Ended::Status { status, message } => {
            if !message.is_empty() {
                complain(harmless(message));
            } else if let Some(meaning) = exit::meaning(*status) {
                complain(format!("the program ended with status {status:#010x}: {meaning}"));
            } else if (0x8000_0000..0xffff_0000).contains(status) {
                // Too large for a count and no small negative number: said in full, as the exit code cannot.
                complain(format!("the program ended with status {status:#010x}"));
            }
        }
        Ended::Killed(signal) => complain(format!("the picoprocess was ended by signal {signal}")),
        Ended::OutOfMemory => complain("the program used more memory than --memory lets it"),
        Ended::TimedOut => complain("the program was ended because its time ran out"),
        Ended::Signalled(_) | Ended::Stopped { .. } => {}
        Ended::Hostile(why) => complain(format!("the sandbox was ended: {why}")),
    }
    if code != 0 || verbose > 0 {
        outcome.advice.iter().for_each(complain);
    }
    if outcome.image_is_outdated {
        complain("the base image is out of date: `secmon image build` makes it anew");
    }
    code
}
