//! One sandbox from its start to its end.

pub mod control;
mod member;
pub mod scratch;
mod supervise;

pub use supervise::Ended;

use crate::boot::{self, Start};
use crate::broker::Broker;
use crate::broker::layer::Layers;
use crate::cgroup::{Group, LimitError};
use crate::client::Client;
use crate::exit;
use crate::family::Family;
use crate::filter;
use crate::guest::GuestPath;
use crate::host;
use crate::image::Image;
use crate::lane::{self, Hostile, Lane, Room};
use crate::layer::{self, Layer};
use crate::names::{Kind, Names, Place, fold};
use crate::net::Net;
use crate::pages::Pages;
use crate::policy::Policy;
use crate::spawn::{self, Setup, SpawnError, Starting};
use crate::sys;
use crate::terminal::{self, Terminal};
use control::Control;
use member::{Maker, Member, Parts};
use nix::fcntl::{OFlag, open, openat};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::sys::stat::Mode;
use nix::unistd::Pid;
use nix::unistd::pipe2;
use rustix::process::Resource;
use shim_abi::boot::descriptor;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What is run, and how.
pub struct Launch {
    /// What it may use.
    pub policy: Policy,
    /// The base image.
    pub image: Option<Image>,
    /// The folder of the host that the program lies in, and where the guest sees it.
    pub program_folder: Option<(PathBuf, GuestPath)>,
    /// The program; none for a sandbox in which programs are run from outside alone.
    pub program: Option<GuestPath>,
    /// Its arguments, the first being its name as the user gave it; a path of the host becomes the guest's.
    pub arguments: Vec<String>,
    /// Its working directory.
    pub workdir: GuestPath,
    /// Where the trace goes.
    pub log: OwnedFd,
    /// The layer that is kept, if one is.
    pub layer: Option<Layer>,
    /// Layers below it, the uppermost first.
    pub below: Vec<Layer>,
    /// Who manages it from outside.
    pub control: Option<Control>,
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder that is to be mounted cannot be opened.
    #[error("cannot mount {0}: {1}")]
    Mount(PathBuf, String),
    /// The runtime cannot be opened.
    #[error("cannot open the runtime {0}: {1}")]
    Runtime(PathBuf, nix::errno::Errno),
    /// The picoprocess cannot be made.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// Something that every host gives was refused.
    #[error("cannot prepare {0}: {1}")]
    Prepare(&'static str, io::Error),
    /// The program is not there, or cannot be one.
    #[error("{0}: {1}")]
    Program(GuestPath, shim_abi::error::Error),
    /// A limit that cannot be kept as it is written.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// A port is the host's, or another program's.
    #[error("cannot publish at {0}: {1}")]
    Publish(std::net::SocketAddr, nix::errno::Errno),
    /// The filter does not compile.
    #[error("the seccomp filter does not compile: {0}")]
    Filter(#[from] seccompiler::BackendError),
}

impl StartError {
    /// The exit code for it.
    pub fn code(&self) -> u8 {
        use shim_abi::error::Error;
        match self {
            StartError::Program(_, Error::NotFound | Error::PathNotFound | Error::NotVisible) => exit::NOT_FOUND,
            StartError::Program(..) => exit::CANNOT_RUN,
            _ => exit::FAILURE,
        }
    }
}

/// How a sandbox went.
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// What was refused, and what to grant.
    pub advice: Vec<String>,
    /// Whether the base image is no longer what it was made of.
    pub image_is_outdated: bool,
}

fn prepare<T, E: Into<io::Error>>(what: &'static str, result: Result<T, E>) -> Result<T, StartError> {
    result.map_err(|error| StartError::Prepare(what, error.into()))
}

/// Opens a folder to mount it.
fn open_folder(host: &Path) -> Result<(OwnedFd, u64), StartError> {
    let refuse = |why: String| StartError::Mount(host.into(), why);
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let root = open(host, flags, Mode::empty()).map_err(|errno| refuse(errno.desc().into()))?;
    check_folder(&root).map_err(refuse)
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
fn names(launch: &mut Launch) -> Result<Names, StartError> {
    let mut names = Names::new(launch.image.take());
    if let Some((host, guest)) = &launch.program_folder {
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

/// Looks whether the program is there, so that its absence is said before anything is made.
fn check_program(names: &Names, program: &GuestPath, layered: bool) -> Result<(), StartError> {
    use shim_abi::error::Error;
    let refuse = |error| Err(StartError::Program(program.clone(), error));
    match names.find(program.drive(), program.below()) {
        Place::Host { mount, rest, .. } => match host::Host::default().query(mount, rest) {
            Ok((info, _)) if info.kind == shim_abi::stream::Kind::Directory => refuse(Error::IsDirectory),
            Ok(_) => Ok(()),
            Err(error) => refuse(error),
        },
        Place::ImageFile(_) => Ok(()),
        Place::Folder(_) => refuse(Error::IsDirectory),
        // In the layers, perhaps: [`check_layers`].
        _ if layered && program.drive() == b'C' => Ok(()),
        Place::ImageMissing { .. } => refuse(Error::NotFound),
        Place::Uncovered { .. } => refuse(Error::NotVisible),
    }
}

/// The same, with the layers.
fn check_layers(broker: &Broker, program: &GuestPath) -> Result<(), StartError> {
    let uri = format!("file:{}", program.slashed());
    let found = broker.stream_query_name(&shim_abi::calls::StreamQueryName { uri });
    found.map(drop).map_err(|error| StartError::Program(program.clone(), error))
}

/// The resource limits of a picoprocess.
fn limits(policy: &Policy) -> Vec<(Resource, u64)> {
    let mut limits = vec![
        (Resource::Core, 0),
        (Resource::Nofile, policy.files),
        (Resource::Nproc, policy.threads),
        (Resource::Msgqueue, 0),
        (Resource::Memlock, 0),
        (Resource::Rtprio, 0),
        (Resource::Nice, 0),
    ];
    if let Some(memory) = policy.memory {
        limits.push((Resource::Data, memory));
    }
    limits
}

/// A picoprocess that enters its namespaces before anybody knows what for.
pub struct Early {
    starting: Starting,
    /// The file system of the throw-away folders, of the size that a policy has by default.
    scratch: Option<OwnedFd>,
}

impl Early {
    /// Begins one.
    ///
    /// # Errors
    /// [`SpawnError`].
    pub fn new() -> Result<Self, SpawnError> {
        sys::one_arena();
        let scratch = spawn::scratch(&scratch::options(Policy::default().scratch)).ok();
        Ok(Early { starting: spawn::begin(scratch.is_some())?, scratch })
    }
}

/// What is made before anybody knows which program it is for: the picoprocess makes itself ready meanwhile.
pub struct Beginning {
    starting: Starting,
    /// Where the boot block goes.
    boot: OwnedFd,
    events: OwnedFd,
    lanes: Vec<Lane>,
    scratch: Option<OwnedFd>,
    family: Family,
    parts: Parts,
}

/// Begins a sandbox: what of it only the policy decides.
///
/// # Errors
/// [`StartError`]: nothing is left behind.
pub fn begin(
    early: Result<Early, SpawnError>,
    policy: &Policy,
    runtime: &Path,
    stdio: &[OwnedFd; 3],
) -> Result<Beginning, StartError> {
    let Early { mut starting, scratch: mut own_scratch } = early?;
    let runtime = open(runtime, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(|errno| StartError::Runtime(runtime.into(), errno))?;
    let (their_boot, boot) = prepare("a pipe", pipe2(OFlag::O_CLOEXEC))?;
    let (events, their_events) = connection()?;
    let (lanes, their_lanes, pages) = make_lanes(starting.pid())?;
    let options = scratch::options(policy.scratch);
    if own_scratch.is_some() && policy.scratch != Policy::default().scratch {
        own_scratch = Some(prepare("the throw-away folders", spawn::scratch(&options))?);
    }
    let group = Group::new(policy)?;
    group.iter().flat_map(|group| &group.means).for_each(|means| tracing::info!("{means}"));
    let limits = limits(policy);
    let setup = Setup {
        runtime: runtime.as_fd(),
        descriptors: table(stdio, &their_boot, &their_events, &their_lanes, pages.file()),
        limits: &limits,
        scratch: own_scratch.is_none().then_some(&options[..]),
    };
    if let Some(group) = &group {
        prepare("the control group", group.add(starting.pid()))?;
    }
    starting.go_on(&setup)?;
    let privileged = own_scratch.is_some();
    let [input, output, errors] = stdio;
    let own = |stream: &OwnedFd| prepare("a standard stream", stream.try_clone());
    let stdio = [own(input)?, own(output)?, own(errors)?];
    let family = prepare("an event", Family::new(policy.commit.or(policy.memory)))?;
    Ok(Beginning {
        starting,
        boot,
        events,
        lanes,
        scratch: own_scratch,
        family,
        parts: Parts { runtime, stdio, limits, privileged, group },
    })
}

/// The two ends of a connection: ours, and the picoprocess's.
fn connection() -> Result<(OwnedFd, OwnedFd), StartError> {
    prepare("a connection", socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC))
}

/// The lanes of a picoprocess: our ends, the last of which is served first; its ends; and the pages beside them.
type Lanes = (Vec<Lane>, Vec<OwnedFd>, Arc<Pages>);

fn make_lanes(process: Pid) -> Result<Lanes, StartError> {
    let pages = Arc::new(prepare("the lanes", Pages::new())?);
    let client = Arc::new(Client::new(process, pages.clone()));
    let (mut lanes, mut their_lanes) = (Vec::new(), Vec::new());
    for number in 0..descriptor::LANE_COUNT as usize {
        let (socket, theirs) = connection()?;
        lanes.push(Lane { socket, number, pages: pages.clone(), client: client.clone() });
        their_lanes.push(theirs);
    }
    lanes.reverse();
    Ok((lanes, their_lanes, pages))
}

/// Why the sandbox is to be ended, from the threads that serve it.
#[derive(Default)]
struct Verdict(Mutex<Option<Hostile>>);

impl Verdict {
    fn take(&self) -> Option<Hostile> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Runs a program to its end.
///
/// The calling thread's signals INT, TERM, HUP, QUIT, WINCH, TSTP, TTOU and CONT are blocked for good: call it from the first
/// thread, before others are made, and from the one that called [`begin`].
///
/// # Errors
/// [`StartError`]: the program did not start, and nothing is left behind.
pub fn run(beginning: Beginning, mut launch: Launch) -> Result<Outcome, StartError> {
    let starting_span = tracing::info_span!("start", program = ?launch.program).entered();
    let signals = prepare("signals", supervise::Signals::block())?;
    let Beginning { starting, boot, events, lanes, scratch, family, parts } = beginning;
    let stdio = parts.stdio.iter().map(terminal::stdio).collect();
    let terminal = Terminal::find();
    let mut names = names(&mut launch)?;
    let layered = launch.layer.is_some() || !launch.below.is_empty();
    launch.program.iter().try_for_each(|program| check_program(&names, program, layered))?;

    let mut told = boot::mounts(&names);
    let scratch_mounts = scratch::mounts(&launch.policy.user).into_iter();
    let taken = |guest: &str| launch.policy.mounts.iter().any(|mount| fold::same(&mount.guest.slashed(), guest));
    told.extend(scratch_mounts.filter(|mount| !taken(&mount.guest)));
    let mut arguments = std::mem::take(&mut launch.arguments);
    if let Some((name, program)) = arguments.first_mut().zip(launch.program.as_ref())
        && (launch.program_folder.is_some() || name.starts_with('/'))
    {
        // A path of the host means nothing to the program.
        *name = program.to_string();
    }
    let start = Start {
        program: launch.program.as_ref().map(GuestPath::slashed).unwrap_or_default(),
        arguments: arguments.clone(),
        workdir: launch.workdir.slashed(),
        stdio,
        filter: filter::compile()?,
        managed: launch.control.is_some(),
    };
    let boot_block = boot::block(start, &launch.policy, &told);
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
    let layers = layers.map_err(|error| StartError::Prepare("the layers", io::Error::other(error.to_string())))?;
    if let Some(drive) = layers.drive().filter(|_| !filled) {
        let base = layers.kept.as_ref().map_or(&scratch, |layer| &layer.root);
        prepare("the layer", scratch::fill_drive(base, drive, &launch.policy.user))?;
    }
    let roots = launch.policy.roots.unwrap_or(launch.policy.network().any());
    let mut broker = Broker::new(names, terminal, scratch, launch.log, family, roots);
    broker.layers = layers;
    broker.supplies = launch.policy.power_supplies.clone();
    broker.share = parts.group.as_ref().map(Group::share).cloned().unwrap_or_default();
    broker.net = Net::new(launch.policy.network(), broker.refusals.clone())
        .map_err(|(one, errno)| StartError::Publish(one.at, errno))?;
    if layered {
        launch.program.iter().try_for_each(|program| check_layers(&broker, program))?;
    }
    let broker = Arc::new(broker);
    if broker.layers.kept() {
        let (broker, most) = (broker.clone(), launch.policy.scratch);
        let watch = move || broker.watch_size(most);
        prepare("a thread", std::thread::Builder::new().name("size".into()).stack_size(256 * 1024).spawn(watch))?;
    }
    let verdict = Arc::new(Verdict::default());
    let room = Arc::new(Room::new(boot::processors() as usize));
    // Who waits at a terminal, or is to have no less than others, is not kept waiting.
    let background = launch.policy.cpu_weight.is_some_and(|weight| weight < 100)
        || !boot_block.stdio.contains(&shim_abi::boot::Stdio::Terminal);
    let serve = |lane: Lane| {
        let (broker, verdict, room) = (broker.clone(), verdict.clone(), room.clone());
        let body = move || {
            if let Err(hostile) = lane::serve(&lane, &broker, &room) {
                verdict.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(hostile);
                broker.family.ring();
            }
        };
        std::thread::Builder::new().name("lane".into()).stack_size(256 * 1024).spawn(body).map(drop)
    };
    let program = launch.program.map(|program| program.to_string()).unwrap_or_default();
    let first = Member::first(process, events, lanes, &serve, program)?;
    let maker = Maker::new(&parts, boot_block, &serve);
    drop(starting_span);
    let ended = supervise::supervise(
        &supervise::Watched {
            signals: &signals,
            verdict: &|| verdict.take(),
            broker: &broker,
            group: parts.group.as_ref(),
            background,
            timeout: launch.policy.timeout,
            serve: &serve,
            maker: &maker,
        },
        first,
        launch.control,
    );
    broker.terminal.restore();
    let advice = broker.refusals.advice(&arguments);
    let outcome = Outcome { ended, advice, image_is_outdated: broker.image_is_outdated() };
    // The monitor is about to end, and the kernel frees all of it at once.
    std::mem::forget(broker);
    Ok(outcome)
}

/// The descriptors that a picoprocess starts with, by number.
fn table<'a>(
    stdio: &'a [OwnedFd; 3],
    block: &'a OwnedFd,
    events: &'a OwnedFd,
    lanes: &'a [OwnedFd],
    pages: BorrowedFd<'a>,
) -> [BorrowedFd<'a>; spawn::DESCRIPTORS] {
    let mut table = [block.as_fd(); spawn::DESCRIPTORS];
    let all = stdio.iter().chain([block, events]).chain(lanes).map(AsFd::as_fd).chain([pages]);
    for (slot, fd) in table.iter_mut().zip(all) {
        *slot = fd;
    }
    table
}
