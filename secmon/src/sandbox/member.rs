//! The picoprocesses of a sandbox, as the first thread holds them: what each is made of, and what is left to see to.

use super::supervise::Process;
use super::{connection, prepare};
use crate::cgroup::Groups;
use crate::client::Client;
use crate::deposits::Deposits;
use crate::lane::Lane;
use crate::names::Names;
use crate::pages::Pages;
use crate::spawn::{self, Nursery, Setup, SpawnError, Starting};
use crate::terminal::Terminal;
use crate::{boot, sys};
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use rustix::process::Resource;
use shim_abi::boot::{Boot, Brought, Order, Told, descriptor};
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
    /// Its control groups.
    pub(super) groups: Groups,
}

/// Our ends of what a picoprocess begins with.
pub(super) struct Ends {
    /// Where the boot block goes.
    pub(super) boot: OwnedFd,
    /// Where it is told what happens.
    pub(super) events: OwnedFd,
    /// The last of them is served first.
    pub(super) lanes: Vec<Lane>,
}

impl Parts {
    /// Lets a picoprocess go on with all that it begins with.
    pub(super) fn equip(&self, starting: &mut Starting, scratch: Option<&[(String, String)]>) -> anyhow::Result<Ends> {
        let (their_boot, boot) = prepare("a pipe", pipe2(OFlag::O_CLOEXEC))?;
        let (events, their_events) = connection()?;
        let pages = Arc::new(prepare("the lanes", Pages::new())?);
        let client = Arc::new(Client::new(starting.pid(), pages.clone()));
        let (mut lanes, mut theirs) = (Vec::new(), vec![their_boot, their_events]);
        for number in 0..descriptor::LANE_COUNT as usize {
            let (socket, other) = connection()?;
            lanes.push(Lane { socket, number, pages: pages.clone(), client: client.clone() });
            theirs.push(other);
        }
        lanes.reverse();
        // By number: see `shim_abi::boot::descriptor`.
        let all: Vec<_> = self.stdio.iter().chain(&theirs).map(AsFd::as_fd).chain([pages.file()]).collect();
        let descriptors = prepare("its descriptors", all.try_into().map_err(|_| io::ErrorKind::InvalidInput))?;
        prepare("the control group", self.groups.add(starting.pid()))?;
        starting.go_on(&Setup { runtime: self.runtime.as_fd(), descriptors, limits: &self.limits, scratch })?;
        Ok(Ends { boot, events, lanes })
    }
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
    pub(super) about: About,
}

/// What a program run from outside and all that it makes have in common.
pub(super) struct Kin {
    /// The number of the first of them.
    pub(super) root: u32,
    /// Their standard streams, if these are not those of the sandbox's first.
    pub(super) streams: Vec<Brought>,
    /// Their terminal, likewise.
    pub(super) terminal: Option<Arc<Terminal>>,
}

impl Kin {
    /// The last of them ended.
    pub(super) fn forget(&self, deposits: &Deposits) {
        self.streams.iter().for_each(|brought| deposits.forget(brought.token));
        self.terminal.iter().for_each(|terminal| terminal.restore());
    }
}

/// What is told of a picoprocess.
pub(super) struct About {
    /// Who made it; 0 for nobody in the sandbox.
    pub(super) maker: u32,
    /// Its program, for a person.
    pub(super) program: String,
    /// When it began, in nanoseconds since 1970.
    pub(super) started: i64,
    pub(super) kin: Arc<Kin>,
    /// If it was run from outside, by whom.
    pub(super) ordered: Option<Ordered>,
    /// The status that it was ended with from outside.
    pub(super) stopped: Option<u32>,
}

/// Who ran a program from outside, by which request, and how it was meant.
pub(super) struct Ordered {
    pub(super) client: u64,
    pub(super) tag: u32,
    /// Whether it goes on without the client.
    pub(super) detached: bool,
    /// Whether all that it made ends with it.
    pub(super) tree: bool,
}

impl Member {
    /// The first one.
    pub(super) fn first(
        process: Process,
        events: OwnedFd,
        mut lanes: Vec<Lane>,
        serve: Serve,
        program: String,
    ) -> anyhow::Result<Self> {
        let client = serve_one(&mut lanes, serve)?;
        let kin = Arc::new(Kin { root: FIRST, streams: Vec::new(), terminal: None });
        let about = About { maker: 0, program, started: sys::now(), kin, ordered: None, stopped: None };
        Ok(Member { number: FIRST, process, events, lanes, client, about })
    }

    /// Ends it from outside.
    pub(super) fn end(&mut self, status: u32) {
        self.about.stopped.get_or_insert(status);
        self.process.kill();
    }
}

/// One lane is served from now on, which is all that most programs need; the others get a thread when they are first used.
fn serve_one(lanes: &mut Vec<Lane>, serve: Serve) -> anyhow::Result<Arc<Client>> {
    let first = prepare("the lanes", lanes.pop().ok_or(io::ErrorKind::NotFound))?;
    let client = first.client.clone();
    prepare("a thread", serve(first))?;
    Ok(client)
}

/// Makes further picoprocesses.
pub(super) struct Maker<'a> {
    parts: &'a Parts,
    /// What the first was told, but for the folders that were shared since.
    boot: RefCell<Boot>,
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
    pub(super) fn new(parts: &'a Parts, boot: Boot, serve: Serve<'a>) -> Self {
        Maker { parts, boot: RefCell::new(boot), serve, nursery: OnceCell::new(), spare: RefCell::new(None) }
    }

    /// Makes a picoprocess that is told `birth`, or what it is to run. The calling thread must live as long as it.
    ///
    /// # Errors
    /// Why there is none; nothing is left behind then.
    pub(super) fn make(
        &self,
        member: u32,
        birth: Vec<u8>,
        order: Option<Order>,
        about: About,
    ) -> anyhow::Result<Member> {
        let told = Told { member, birth, streams: about.kin.streams.clone(), order };
        let spare = self.spare.take().and_then(|ready| ready.tell(&told).ok());
        let (process, events, lanes, client) = match spare {
            Some(told) => told,
            // One that was ended meanwhile, by whoever ends processes on this host, is not missed.
            None => self.ready()?.tell(&told)?,
        };
        if let Some(terminal) = &about.kin.terminal {
            let _ = client.terminal.set(terminal.clone());
        }
        Ok(Member { number: member, process, events, lanes, client, about })
    }

    /// The sandbox sees other folders of the host: those that are made from now on know.
    pub(super) fn told_of(&self, names: &Names) {
        drop(self.spare.take());
        self.boot.borrow_mut().mounts = boot::mounts(names);
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
    fn begin(&self) -> anyhow::Result<Starting> {
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

    fn ready(&self) -> anyhow::Result<Ready> {
        let mut starting = self.begin()?;
        let Ends { boot, events, mut lanes } = self.parts.equip(&mut starting, None)?;
        let client = serve_one(&mut lanes, self.serve)?;
        let block = prepare("the boot block", boot::send(&Boot { born: true, ..self.boot.borrow().clone() }, boot))?;
        Ok(Ready { starting, events, lanes, client, block })
    }
}

impl Ready {
    fn tell(self, told: &Told) -> anyhow::Result<(Process, OwnedFd, Vec<Lane>, Arc<Client>)> {
        let Ready { starting, events, lanes, client, block } = self;
        let spawned = starting.finish()?;
        let process = Process::new(spawned.pid, spawned.pidfd, spawned.scratch);
        prepare("the boot block", block.tell(told))?;
        Ok((process, events, lanes, client))
    }
}
