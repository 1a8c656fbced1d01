//! The picoprocesses of a sandbox, as the first thread holds them: what each is made of, and what is left to see to.

use super::supervise::Process;
use super::{StartError, connection, make_lanes, prepare, table};
use crate::boot;
use crate::cgroup::Group;
use crate::client::Client;
use crate::lane::Lane;
use crate::spawn::{self, Nursery, Setup, SpawnError, Starting};
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use rustix::process::Resource;
use shim_abi::boot::{Boot, Told};
use shim_abi::member::FIRST;
use std::cell::{OnceCell, RefCell};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// What every picoprocess of a sandbox is made of.
pub(super) struct Parts {
    /// The runtime's file.
    pub(super) runtime: OwnedFd,
    /// Standard input, output and error.
    pub(super) stdio: [OwnedFd; 3],
    /// The most of each resource.
    pub(super) limits: Vec<(Resource, u64)>,
    /// Whether the monitor can give it an identity other than its own.
    pub(super) privileged: bool,
    /// Its control group.
    pub(super) group: Option<Group>,
}

/// Starts to serve a lane.
pub(super) type Serve<'a> = &'a dyn Fn(Lane) -> io::Result<()>;

/// A picoprocess.
pub(super) struct Member {
    pub(super) number: u32,
    pub(super) process: Process,
    /// Where it is told what happens.
    pub(super) events: OwnedFd,
    /// Lanes that nobody serves yet.
    pub(super) lanes: Vec<Lane>,
    pub(super) client: Arc<Client>,
}

impl Member {
    /// The first one.
    pub(super) fn first(
        process: Process,
        events: OwnedFd,
        mut lanes: Vec<Lane>,
        serve: Serve,
    ) -> Result<Self, StartError> {
        let client = serve_one(&mut lanes, serve)?;
        Ok(Member { number: FIRST, process, events, lanes, client })
    }
}

/// One lane is served from now on, which is all that most programs need; the others get a thread when they are first used.
fn serve_one(lanes: &mut Vec<Lane>, serve: Serve) -> Result<Arc<Client>, StartError> {
    let first = prepare("the lanes", lanes.pop().ok_or(io::ErrorKind::NotFound))?;
    let client = first.client.clone();
    prepare("a thread", serve(first))?;
    Ok(client)
}

/// Makes further picoprocesses.
pub(super) struct Maker<'a> {
    parts: &'a Parts,
    /// What the first was told.
    boot: &'a Boot,
    serve: Serve<'a>,
    /// Where they come from.
    nursery: OnceCell<Nursery>,
    /// Who makes one is likely to make more: the next stands ready.
    spare: RefCell<Option<Ready>>,
}

/// A picoprocess that stands ready, or will in a moment: the runtime, which waits to be told what it is for.
struct Ready {
    starting: Starting,
    events: OwnedFd,
    lanes: Vec<Lane>,
    client: Arc<Client>,
    block: boot::Sending,
}

impl<'a> Maker<'a> {
    pub(super) fn new(parts: &'a Parts, boot: &'a Boot, serve: Serve<'a>) -> Self {
        Maker { parts, boot, serve, nursery: OnceCell::new(), spare: RefCell::new(None) }
    }

    /// Makes a picoprocess that is told `birth`. The calling thread must live as long as it.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left behind then.
    pub(super) fn make(&self, number: u32, birth: Vec<u8>) -> Result<Member, StartError> {
        let told = Told { member: number, birth };
        // One that was ended meanwhile, by whoever ends processes on this host, is not missed.
        if let Some(ready) = self.spare.take()
            && let Ok(member) = ready.tell(&told)
        {
            return Ok(member);
        }
        self.ready()?.tell(&told)
    }

    /// Has the next one stand ready.
    pub(super) fn look_ahead(&self) {
        if self.spare.borrow().is_none() {
            match self.ready() {
                Ok(ready) => drop(self.spare.replace(Some(ready))),
                Err(error) => tracing::debug!("no further process stands ready: {error}"),
            }
        }
    }

    /// Begins one in the sandbox's nursery, or, where that is gone, by itself.
    fn begin(&self) -> Result<Starting, StartError> {
        // Who started this process must write its files in /proc: what is being made shares its memory, and its user is mapped there.
        let open = |open| (!self.parts.privileged).then(|| nix::sys::prctl::set_dumpable(open));
        open(true);
        let starting = self.begin_open();
        open(false);
        Ok(starting?)
    }

    fn begin_open(&self) -> Result<Starting, SpawnError> {
        if self.nursery.get().is_none() {
            let _ = self.nursery.set(Nursery::new(self.parts.privileged)?);
        }
        let born = self.nursery.get().and_then(|nursery| nursery.begin().ok());
        born.map_or_else(|| spawn::begin(self.parts.privileged), Ok)
    }

    fn ready(&self) -> Result<Ready, StartError> {
        let mut starting = self.begin()?;
        let (their_boot, boot) = prepare("a pipe", pipe2(OFlag::O_CLOEXEC))?;
        let (events, their_events) = connection()?;
        let (mut lanes, their_lanes, pages) = make_lanes(starting.pid())?;
        if let Some(group) = &self.parts.group {
            prepare("the control group", group.add(starting.pid()))?;
        }
        starting.go_on(&Setup {
            runtime: self.parts.runtime.as_fd(),
            descriptors: table(&self.parts.stdio, &their_boot, &their_events, &their_lanes, pages.file()),
            limits: &self.parts.limits,
            scratch: None,
        })?;
        let client = serve_one(&mut lanes, self.serve)?;
        let block = prepare("the boot block", boot::send(&Boot { born: true, ..self.boot.clone() }, boot))?;
        Ok(Ready { starting, events, lanes, client, block })
    }
}

impl Ready {
    fn tell(self, told: &Told) -> Result<Member, StartError> {
        let Ready { starting, events, lanes, client, block } = self;
        let spawned = starting.finish()?;
        let process = Process::new(spawned.pid, spawned.pidfd, spawned.scratch);
        prepare("the boot block", block.tell(told))?;
        Ok(Member { number: told.member, process, events, lanes, client })
    }
}
