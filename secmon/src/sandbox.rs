//! One sandbox from its start to its end.

pub mod control;
mod member;
pub mod scratch;
mod supervise;

use crate::broker::Broker;
use crate::broker::layer::Layers;
use crate::cgroup::{Groups, processors};
use crate::family::Family;
use crate::guest::GuestPath;
use crate::image::Image;
use crate::lane::{self, Hostile, Lane, Room};
use crate::layer::{self, Layer};
use crate::names::{Kind, Names, fold};
use crate::net::Net;
use crate::policy::Policy;
use crate::policy::plan::{self, Plan};
use crate::policy::program::ProgramError;
use crate::spawn::{self, SpawnError, Starting};
use crate::sys::{self, lock};
use crate::terminal::{self, Terminal};
use crate::{boot, filter, host};
use anyhow::{Context as _, anyhow};
use control::Control;
use member::{Ends, Maker, Member, Parts};
use nix::fcntl::{OFlag, open, openat};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::sys::stat::Mode;
use shim_abi::boot::{Boot, Stdio};
use shim_abi::calls::StreamQueryName;
use shim_abi::control::End;
use shim_abi::error::Error;
use shim_abi::stream;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What is run, and how.
pub struct Launch {
    /// What it may use.
    pub policy: Policy,
    /// The base image.
    pub image: Option<Image>,
    /// The program, and where it lies.
    pub plan: Plan,
    /// Where the trace goes.
    pub log: OwnedFd,
    /// The layer that is kept, if one is.
    pub layer: Option<Layer>,
    /// Layers below it, the uppermost first.
    pub below: Vec<Layer>,
    /// Who manages it from outside.
    pub control: Option<Control>,
}

/// How a sandbox went.
pub struct Outcome {
    /// How it ended.
    pub ended: End,
    /// What was refused, and what to grant.
    pub advice: Vec<String>,
    /// Whether the base image is no longer what it was made of.
    pub image_is_outdated: bool,
}

/// Names what could not be prepared.
fn prepare<T, E: Into<io::Error>>(what: &str, result: Result<T, E>) -> anyhow::Result<T> {
    result.map_err(|error| anyhow!("cannot prepare {what}: {}", error.into()))
}

/// Opens a folder to mount it.
fn open_folder(host: &Path) -> anyhow::Result<(OwnedFd, u64)> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let root = open(host, flags, Mode::empty()).map_err(|errno| errno.desc().to_owned());
    let checked = root.and_then(|root| check_folder(&root));
    checked.map_err(|why| anyhow!("cannot mount {}: {why}", host.display()))
}

/// Checks a folder that is to be mounted; answers it, opened for its path alone, and its volume.
fn check_folder(folder: &OwnedFd) -> Result<(OwnedFd, u64), String> {
    let open = |how| openat(folder, ".", how | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty());
    let root = open(OFlag::O_PATH).map_err(|errno| errno.desc())?;
    // Reading it must be possible, so that an unreadable one is said at once and not piece by piece.
    open(OFlag::O_RDONLY).map_err(|errno| errno.desc())?;
    if !host::is_data(&root).map_err(|error| error.to_string())? {
        return Err("it is no folder of files, but a window into the kernel".into());
    }
    let of = sys::statx(&root, c"").map_err(|errno| errno.desc())?;
    Ok((root, host::volume(&of)))
}

/// Everything the policy grants, as names.
fn names(launch: &mut Launch) -> anyhow::Result<Names> {
    let mut names = Names::new(launch.image.take());
    if let Some((host, guest)) = &launch.plan.folder {
        let (root, volume) = open_folder(host)?;
        names.mount(guest.clone(), host.clone(), root, volume, false, Kind::Granted);
    }
    for mount in &launch.policy.mounts {
        let (root, volume) = open_folder(&mount.host)?;
        let host = std::fs::canonicalize(&mount.host).unwrap_or_else(|_| mount.host.clone());
        names.mount(mount.guest.clone(), host, root, volume, mount.writable, Kind::Granted);
    }
    Ok(names)
}

/// Looks whether the program is there.
fn check_program(broker: &Broker, program: &GuestPath) -> Result<(), ProgramError> {
    let found = broker.stream_query_name(&StreamQueryName { uri: format!("file:{}", program.slashed()) });
    let error = match found {
        Ok(found) if found.info.kind != stream::Kind::Directory => return Ok(()),
        Ok(_) => Error::IsDirectory,
        Err(error) => error,
    };
    Err(ProgramError::Inside(program.clone(), error))
}

/// A picoprocess that enters its namespaces before anybody knows what for.
pub struct Early {
    starting: Starting,
    /// The file system of the throw-away folders, of the size that a policy has by default.
    scratch: Option<OwnedFd>,
}

impl Early {
    /// Begins one.
    pub fn new() -> Result<Self, SpawnError> {
        sys::one_arena();
        let scratch = spawn::scratch(&plan::scratch(Policy::default().scratch)).ok();
        Ok(Early { starting: spawn::begin(scratch.is_some())?, scratch })
    }
}

/// What is made before anybody knows which program it is for: the picoprocess makes itself ready meanwhile.
pub struct Beginning {
    starting: Starting,
    ends: Ends,
    scratch: Option<OwnedFd>,
    family: Family,
    parts: Parts,
}

/// Begins a sandbox: what of it only the policy decides.
///
/// # Errors
/// Why it cannot begin: nothing is left behind.
pub fn begin(
    early: Result<Early, SpawnError>,
    policy: &Policy,
    runtime: &Path,
    stdio: [OwnedFd; 3],
    groups: Groups,
) -> anyhow::Result<Beginning> {
    let Early { mut starting, mut scratch } = early?;
    let opened = open(runtime, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty());
    let runtime = prepare(&format!("the runtime {}", runtime.display()), opened)?;
    let options = plan::scratch(policy.scratch);
    if scratch.is_some() && policy.scratch != Policy::default().scratch {
        scratch = Some(prepare("the throw-away folders", spawn::scratch(&options))?);
    }
    let parts = Parts { runtime, stdio, limits: plan::limits(policy), privileged: scratch.is_some(), groups };
    let ends = parts.equip(&mut starting, scratch.is_none().then_some(&options[..]))?;
    let family = prepare("an event", Family::new(policy.commit.or(policy.memory)))?;
    Ok(Beginning { starting, ends, scratch, family, parts })
}

/// The two ends of a connection: ours, and the picoprocess's.
fn connection() -> anyhow::Result<(OwnedFd, OwnedFd)> {
    prepare("a connection", socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC))
}

/// Runs a program to its end.
///
/// The calling thread's signals INT, TERM, HUP, QUIT, WINCH, TSTP, TTOU and CONT are blocked for good: call it from the first
/// thread, before others are made, and from the one that called [`begin`].
///
/// # Errors
/// Why the program did not start; nothing is left behind.
pub fn run(beginning: Beginning, mut launch: Launch) -> anyhow::Result<Outcome> {
    let starting_span = tracing::info_span!("start", program = ?launch.plan.program).entered();
    let signals = prepare("signals", supervise::Signals::block())?;
    let Beginning { starting, ends: Ends { boot, events, lanes }, scratch, family, parts } = beginning;
    let stdio = parts.stdio.iter().map(terminal::stdio).collect();
    let terminal = Terminal::find();
    let mut names = names(&mut launch)?;
    let layered = launch.layer.is_some() || !launch.below.is_empty();

    let mut told = boot::mounts(&names);
    let scratch_mounts = scratch::mounts(&launch.policy.user).into_iter();
    let taken = |guest: &str| launch.policy.mounts.iter().any(|mount| fold::same(&mount.guest.slashed(), guest));
    told.extend(scratch_mounts.filter(|mount| !taken(&mount.guest)));
    let boot_block = Boot {
        mounts: told,
        stdio,
        processors: processors().len().max(1) as u32,
        managed: launch.control.is_some(),
        filter: filter::PROGRAM.to_vec(),
        ..launch.plan.boot(&launch.policy)
    };
    let block = prepare("the boot block", boot::send(&boot_block, boot))?;
    let process = starting.finish()?;
    // Ended by whatever fails from here on, and by the end of this thread in any case.
    let process = supervise::Process::new(process.pid, process.pidfd, process.scratch);
    // From here on nobody but root looks into the monitor.
    let _ = nix::sys::prctl::set_dumpable(false);
    prepare("the boot block", block.finish())?;
    let scratch = scratch.or_else(|| process.take_scratch());
    let scratch = prepare("the throw-away folders", scratch.ok_or(io::ErrorKind::NotFound))?;
    prepare("the throw-away folders", layer::make_folder(&scratch, "quiet"))?;
    if !layered {
        prepare("the throw-away folders", scratch::furnish(&scratch, &mut names, &launch.policy.user))?;
    }
    let filled = launch.layer.iter().chain(&launch.below).any(Layer::is_filled);
    let layers = Layers::new(launch.layer, launch.below, &scratch);
    let layers = layers.context("cannot prepare the layers")?;
    if let Some(drive) = layers.drive().filter(|_| !filled) {
        let base = layers.kept.as_ref().map_or(&scratch, |layer| &layer.root);
        prepare("the layer", scratch::fill_drive(base, drive, &launch.policy.user))?;
    }
    let roots = launch.policy.roots.unwrap_or(launch.policy.network().any());
    let mut broker = Broker::new(names, terminal, scratch, launch.log, family, roots);
    broker.layers = layers;
    broker.supplies = launch.policy.power_supplies.clone();
    broker.net = Net::new(launch.policy.network(), broker.refusals.clone())
        .map_err(|(one, errno)| anyhow!("cannot publish at {}: {errno}", one.at))?;
    launch.plan.program.iter().try_for_each(|program| check_program(&broker, program))?;
    let broker = Arc::new(broker);
    if broker.layers.kept.is_some() {
        let (broker, most) = (broker.clone(), launch.policy.scratch);
        let watch = move || broker.watch_size(most);
        prepare("a thread", std::thread::Builder::new().name("size".into()).stack_size(256 * 1024).spawn(watch))?;
    }
    // Why the sandbox is to be ended, from the threads that serve it.
    let verdict = Arc::new(Mutex::<Option<Hostile>>::default());
    let room = Arc::new(Room::new(boot_block.processors as usize));
    // Who waits at a terminal, or is to have no less than others, is not kept waiting.
    let background =
        launch.policy.cpu_weight.is_some_and(|weight| weight < 100) || !boot_block.stdio.contains(&Stdio::Terminal);
    let serve = |lane: Lane| {
        let (broker, verdict, room) = (broker.clone(), verdict.clone(), room.clone());
        let body = move || {
            if let Err(hostile) = lane::serve(&lane, &broker, &room) {
                lock(&verdict).get_or_insert(hostile);
                broker.family.ring();
            }
        };
        std::thread::Builder::new().name("lane".into()).stack_size(256 * 1024).spawn(body).map(drop)
    };
    let program = launch.plan.program.as_ref().map(|program| program.to_string()).unwrap_or_default();
    // Before a lane is served: wishes wait until somebody looks.
    broker.family.grants();
    let first = Member::first(process, events, lanes, &serve, program)?;
    let maker = Maker::new(&parts, boot_block, &serve);
    drop(starting_span);
    let watched = supervise::Watched {
        signals: &signals,
        verdict: &verdict,
        broker: &broker,
        groups: &parts.groups,
        background,
        timeout: launch.policy.timeout,
        serve: &serve,
        maker: &maker,
    };
    let ended = supervise::supervise(&watched, first, launch.control);
    broker.terminal.restore();
    let advice = broker.refusals.advice(&launch.plan.arguments);
    let outcome = Outcome { ended, advice, image_is_outdated: broker.image_is_outdated() };
    // The monitor is about to end, and the kernel frees all of it at once.
    std::mem::forget(broker);
    Ok(outcome)
}
