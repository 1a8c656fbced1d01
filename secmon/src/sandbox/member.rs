//! The picoprocesses of a sandbox, as the first thread holds them: what each is made of, and what is left to see to.

use super::supervise::Process;
use super::{StartError, connection, make_lanes, prepare, table};
use crate::boot;
use crate::cgroup::Group;
use crate::client::Client;
use crate::lane::Lane;
use crate::spawn::{self, Setup};
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use shim_abi::boot::Boot;
use shim_abi::member::FIRST;
use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// What every picoprocess of a sandbox is made of.
pub(super) struct Parts {
    /// The runtime's file.
    pub(super) runtime: OwnedFd,
    /// Standard input, output and error.
    pub(super) stdio: [OwnedFd; 3],
    /// Resource limits: number of the resource and the most of it.
    pub(super) limits: Vec<(u32, u64)>,
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
    /// One lane is served from now on, which is all that most programs need; the others get a thread when they are first used.
    pub(super) fn new(
        process: Process,
        events: OwnedFd,
        mut lanes: Vec<Lane>,
        serve: Serve,
    ) -> Result<Self, StartError> {
        let first = prepare("the lanes", lanes.pop().ok_or(io::ErrorKind::NotFound))?;
        let client = first.client.clone();
        prepare("a thread", serve(first))?;
        Ok(Member { number: FIRST, process, events, lanes, client })
    }
}

/// Makes further picoprocesses.
pub(super) struct Maker<'a> {
    parts: &'a Parts,
    /// What the first was told.
    boot: &'a Boot,
    serve: Serve<'a>,
    /// Who makes one is likely to make more: the next stands ready.
    spare: RefCell<Option<Ready>>,
}

/// A picoprocess that stands ready: the runtime, which waits to be told what it is for.
struct Ready {
    member: Member,
    boot: OwnedFd,
}

/// Lets the files of this process in /proc be written by who started it, as long as it lives: a picoprocess that is being made
/// shares the monitor's memory, and its user is mapped there.
struct Open(bool);

impl Open {
    fn new(needed: bool) -> Self {
        if needed {
            let _ = nix::sys::prctl::set_dumpable(true);
        }
        Open(needed)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.0 {
            let _ = nix::sys::prctl::set_dumpable(false);
        }
    }
}

impl<'a> Maker<'a> {
    pub(super) fn new(parts: &'a Parts, boot: &'a Boot, serve: Serve<'a>) -> Self {
        Maker { parts, boot, serve, spare: RefCell::new(None) }
    }

    /// Makes a picoprocess that is told `birth`. The calling thread must live as long as it.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left behind then.
    pub(super) fn make(&self, number: u32, birth: Vec<u8>) -> Result<Member, StartError> {
        let told = Boot { member: number, birth, ..self.boot.clone() };
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

    fn ready(&self) -> Result<Ready, StartError> {
        let _open = Open::new(!self.parts.privileged);
        let mut starting = spawn::begin(self.parts.privileged)?;
        let (their_boot, boot) = prepare("a pipe", pipe2(OFlag::O_CLOEXEC))?;
        let (events, their_events) = connection()?;
        let (lanes, their_lanes, pages) = make_lanes(starting.pid())?;
        if let Some(group) = &self.parts.group {
            prepare("the control group", group.add(starting.pid()))?;
        }
        starting.go_on(&Setup {
            runtime: self.parts.runtime.as_fd(),
            descriptors: table(&self.parts.stdio, &their_boot, &their_events, &their_lanes, pages.file()),
            limits: &self.parts.limits,
            scratch: None,
        })?;
        let spawned = starting.finish()?;
        let process = Process::new(spawned.pid, spawned.pidfd, spawned.scratch);
        Ok(Ready { member: Member::new(process, events, lanes, self.serve)?, boot })
    }
}

impl Ready {
    fn tell(self, told: &Boot) -> Result<Member, StartError> {
        let block = prepare("the boot block", boot::send(told, self.boot))?;
        prepare("the boot block", block.finish())?;
        Ok(Member { number: told.member, ..self.member })
    }
}
