//! Watches over a picoprocess: its end, its time, the user's signals, and what the threads that serve it find.

use super::control::{Control, blank, end_as};
use super::member::{About, Maker, Member, Ordered, Serve};
use crate::broker::Broker;
use crate::broker::power::coalesce;
use crate::cgroup::Groups;
use crate::family::Wish;
use crate::lane::Hostile;
use crate::pressure::Pressure;
use crate::sys::lock;
use crate::{exit, sys};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, pthread_sigmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use shim_abi::calls::{Event, ProcessCreate, ProcessReport};
use shim_abi::control::{End, How, Notice, What};
use shim_abi::error::Error;
use shim_abi::member::FIRST;
use std::cell::Cell;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Most bytes of a program's name that are kept to be shown.
const MOST_SHOWN: usize = 120;

/// The signals that the monitor takes as messages.
pub(super) struct Signals(SignalFd);

const TAKEN: [Signal; 7] = {
    use Signal::*;
    [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT]
};

impl Signals {
    /// Blocks them in this thread and in those that it will make.
    pub(super) fn block() -> Result<Self, Errno> {
        let taken: SigSet = TAKEN.into_iter().collect();
        let mut blocked = taken;
        // Setting terminal modes from the background must not stop the monitor.
        blocked.add(Signal::SIGTTOU);
        pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&blocked), None)?;
        SignalFd::with_flags(&taken, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map(Signals)
    }
}

/// A picoprocess; killed and waited for when dropped.
pub(super) struct Process {
    pid: Pid,
    pidfd: OwnedFd,
    scratch: Cell<Option<OwnedFd>>,
    ended: Cell<bool>,
}

impl Process {
    pub(super) fn new(pid: Pid, pidfd: OwnedFd, scratch: Option<OwnedFd>) -> Self {
        Process { pid, pidfd, scratch: Cell::new(scratch), ended: Cell::new(false) }
    }

    /// Its number.
    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// The file system that it made.
    pub(super) fn take_scratch(&self) -> Option<OwnedFd> {
        self.scratch.take()
    }

    /// Ends it. It is not yet waited for, so its number is still its own.
    pub(super) fn kill(&self) {
        self.signal(Signal::SIGKILL);
    }

    fn signal(&self, signal: Signal) {
        if !self.ended.get() {
            let _ = kill(self.pid, signal);
        }
    }

    /// Waits for its end.
    fn wait(&self) -> Option<WaitStatus> {
        loop {
            match waitid(Id::PIDFd(self.pidfd.as_fd()), WaitPidFlag::WEXITED) {
                Err(Errno::EINTR) => {}
                other => {
                    self.ended.set(true);
                    return other.ok();
                }
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.ended.get() {
            self.kill();
            let _ = self.wait();
        }
    }
}

/// What is watched, and what it takes.
pub(super) struct Watched<'a> {
    pub(super) signals: &'a Signals,
    pub(super) verdict: &'a Mutex<Option<Hostile>>,
    pub(super) broker: &'a Broker,
    pub(super) groups: &'a Groups,
    /// Whether its timers may be late on battery.
    pub(super) background: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) serve: Serve<'a>,
    /// Makes further picoprocesses.
    pub(super) maker: &'a Maker<'a>,
}

/// Watches until the first picoprocess ended, and says how. The others end with it.
pub(super) fn supervise(watched: &Watched<'_>, first: Member, mut control: Option<Control>) -> End {
    let mut members = vec![first];
    if control.is_some() {
        let bell = watched.broker.family.bell().as_fd().try_clone_to_owned();
        let _ = bell.map(|bell| watched.broker.refusals.bell.set(bell));
        // Somebody is going to run something in it.
        watched.maker.look_ahead();
    }
    let ended = watch(watched, &mut members, control.as_mut());
    if let Some(control) = &mut control {
        members.iter().for_each(|member| control.ended(Some(member), &ended));
        control.ended(None, &ended);
    }
    ended
}

fn watch(watched: &Watched<'_>, members: &mut Vec<Member>, mut control: Option<&mut Control>) -> End {
    let deadline = watched.timeout.and_then(|time| Instant::now().checked_add(time));
    let mut pressure = Pressure::begin(watched.background);
    loop {
        if let Some(ended) = control.as_ref().and_then(|control| control.has_stopped(members)) {
            return ended;
        }
        let fixed = [watched.signals.0.as_fd(), watched.broker.family.bell().as_fd()];
        let all = fixed.into_iter().chain(members.iter().map(|member| member.process.pidfd.as_fd()));
        let all = all.chain(members.iter().flat_map(|member| member.lanes.iter().map(|lane| lane.socket.as_fd())));
        let all = all.chain(control.iter().flat_map(|control| control.sockets()));
        let mut fds: Vec<PollFd<'_>> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let (usual, rest) = (fds.len(), pressure.sleep());
        fds.extend(pressure.files(watched.groups).iter().map(|(file, when)| PollFd::new(file.as_fd(), *when)));
        let left = |at: Instant| at.saturating_duration_since(Instant::now());
        if deadline.map(left) == Some(Duration::ZERO) {
            return end_as(How::TimedOut, 0);
        }
        let stops = control.as_ref().and_then(|control| control.stops);
        let left = deadline.into_iter().chain(stops).min().map(left);
        // A millisecond more, so that the time has passed when the wait is over.
        let wait = left.into_iter().chain(rest).min().map_or(PollTimeout::NONE, |left| {
            PollTimeout::try_from(left.saturating_add(Duration::from_millis(1))).unwrap_or(PollTimeout::MAX)
        });
        if poll(&mut fds, wait).is_err_and(|errno| errno != Errno::EINTR) {
            // Cannot happen with descriptors that are open; waiting for the end remains.
            return natural(watched, members);
        }
        let mut ready: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        if let Some(late) = pressure.lateness(&watched.broker.supplies) {
            members.iter().for_each(|member| coalesce(member.process.pid, late));
        }
        if ready.iter().skip(usual).any(|ready| *ready) {
            pressure.came();
            members.iter().for_each(|member| tell(member, Event::MemoryLow));
        }
        ready.truncate(usual);
        let Some(([signalled, rung], rest)) = ready.split_first_chunk() else { return natural(watched, members) };
        let (ended, rest) = rest.split_at(members.len().min(rest.len()));
        let lanes = members.iter().map(|member| member.lanes.len()).sum::<usize>();
        let (used, managing) = rest.split_at(lanes.min(rest.len()));
        if *rung {
            watched.broker.family.heard();
        }
        // What they did wrong counts before how they ended.
        if *rung && let Some(hostile) = &*lock(watched.verdict) {
            return of_hostile(hostile);
        }
        if ended.first() == Some(&true) {
            return natural(watched, members);
        }
        if *signalled && let Some(signal) = signals(watched, members) {
            return end_as(How::Signalled, signal as u32);
        }
        let mut used = used.iter();
        for member in members.iter_mut() {
            let idle = std::mem::take(&mut member.lanes);
            for lane in idle {
                if used.next() == Some(&true) {
                    // Most are never used: no thread is made to find that out.
                    if !lane.is_over()
                        && let Err(error) = (watched.serve)(lane)
                    {
                        // The picoprocess sees its lane closed, and has others.
                        tracing::warn!("a lane is not served: {error}");
                    }
                } else {
                    member.lanes.push(lane);
                }
            }
        }
        for index in (1..ended.len()).rev().filter(|index| ended.get(*index) == Some(&true)) {
            let gone = members.swap_remove(index);
            let ended = end_of(watched, &gone);
            watched.broker.family.leave(gone.number);
            members.iter().for_each(|member| tell(member, Event::Ended));
            let kin = gone.about.kin.clone();
            if Arc::strong_count(&kin) == 2 {
                kin.forget(&watched.broker.deposits);
            }
            if let Some(control) = &mut control {
                control.ended(Some(&gone), &ended);
            }
            if let Some(Ordered { tree: true, .. }) = gone.about.ordered {
                let made = members.iter_mut().filter(|member| Arc::ptr_eq(&member.about.kin, &kin));
                made.for_each(|member| member.end(exit::SIGNAL.into()));
            }
        }
        if *rung {
            let wishes = watched.broker.family.wishes();
            let (begun, before) = (wishes.iter().any(|(wish, _)| matches!(wish, Wish::Begin(..))), members.len());
            for (wish, answer) in wishes {
                let _ = answer.send(grant(watched, members, wish));
            }
            if let Some(control) = &mut control {
                members.iter().skip(before).for_each(|member| control.began(member));
                let fresh = watched.broker.refusals.fresh().into_iter();
                fresh.for_each(|text| control.tell(&Notice { text, ..blank(What::Refused) }));
            }
            if begun {
                watched.maker.look_ahead();
            }
        }
        if let Some(control) = &mut control {
            control.serve(managing, watched, members);
        }
    }
}

/// Does what a picoprocess wishes of another.
fn grant(watched: &Watched<'_>, members: &mut Vec<Member>, wish: Wish) -> Result<u32, Error> {
    let family = &watched.broker.family;
    match wish {
        Wish::Begin(ProcessCreate { birth, mut program, child }, maker) => {
            let maker = members.iter().find(|member| member.process.pid == maker).ok_or(Error::NotFound)?;
            let kin = members.first().filter(|_| !child).unwrap_or(maker).about.kin.clone();
            program.truncate(program.floor_char_boundary(MOST_SHOWN));
            let (maker, started) = (maker.number, sys::now());
            let about = About { maker, program, started, kin, ordered: None, stopped: None };
            let number = family.enter().ok_or(Error::TooManyOpen)?;
            match watched.maker.make(number, birth, None, about) {
                Ok(member) => {
                    members.push(member);
                    Ok(number)
                }
                Err(error) => {
                    tracing::warn!("a further process does not start: {error:#}");
                    family.leave(number);
                    Err(Error::OutOfMemory)
                }
            }
        }
        Wish::End(number, status) => {
            let member = members.iter().find(|member| member.number == number).ok_or(Error::NotFound)?;
            member.client.process_report(ProcessReport { status, message: String::new() });
            member.process.kill();
            Ok(number)
        }
    }
}

/// The first picoprocess ended by itself, or others ended it: how.
fn natural(watched: &Watched<'_>, members: &[Member]) -> End {
    let Some(first) = members.first() else { return end_as(How::Killed, Signal::SIGKILL as u32) };
    let ended = end_of(watched, first);
    lock(watched.verdict).as_ref().map_or(ended, of_hostile)
}

fn of_hostile(why: &Hostile) -> End {
    End { message: why.to_string(), ..end_as(How::Hostile, 0) }
}

/// How a picoprocess ended that has.
fn end_of(watched: &Watched<'_>, member: &Member) -> End {
    let (status, report) = (member.process.wait(), member.client.report());
    if let Some(status) = member.about.stopped {
        return end_as(How::Stopped, status);
    }
    match (status, report) {
        (Some(WaitStatus::Signaled(_, Signal::SIGKILL, _)), None) if watched.groups.ran_out() => {
            end_as(How::OutOfMemory, 0)
        }
        (Some(WaitStatus::Exited(..) | WaitStatus::Signaled(_, Signal::SIGKILL, _)), Some(report)) => {
            End { message: report.message, ..end_as(How::Status, report.status) }
        }
        (Some(WaitStatus::Exited(_, code)), None) => end_as(How::Status, code as u32),
        (Some(WaitStatus::Signaled(_, signal, _)), _) => end_as(How::Killed, signal as u32),
        _ => end_as(How::Killed, Signal::SIGKILL as u32),
    }
}

/// Takes the signals that arrived; the one that ends the sandbox, if one does.
fn signals(watched: &Watched<'_>, members: &[Member]) -> Option<i32> {
    while let Ok(Some(info)) = watched.signals.0.read_signal() {
        let number = info.ssi_signo as i32;
        // Who was run from outside has another terminal, or none.
        let here = || members.iter().filter(|member| member.about.kin.root == FIRST);
        let own = |event| here().for_each(|member| tell(member, event));
        match Signal::try_from(number) {
            Ok(Signal::SIGWINCH) => own(Event::Resize),
            // The terminal sends it to the whole group when Ctrl-C is pressed: that is for the program to decide on, unless
            // it does not listen.
            Ok(Signal::SIGINT) if info.ssi_code == SI_KERNEL && listens(members) => own(Event::Interrupt),
            Ok(Signal::SIGQUIT) if info.ssi_code == SI_KERNEL && listens(members) => own(Event::Break),
            Ok(Signal::SIGTSTP) => pause(watched, members),
            Ok(Signal::SIGCONT) => {
                members.iter().for_each(|member| member.process.signal(Signal::SIGCONT));
                watched.broker.terminal.resume();
            }
            _ => return Some(number),
        }
    }
    None
}

/// A signal that the kernel made, as for Ctrl-C on a terminal.
const SI_KERNEL: i32 = 0x80;

/// Whether the first picoprocess took every event that it was sent.
fn listens(members: &[Member]) -> bool {
    members.first().is_some_and(|first| sys::unread(&first.events).is_ok_and(|count| count == 0))
}

pub(super) fn tell(member: &Member, event: Event) {
    sys::send_now(&member.events, &[event as u8]);
}

/// Ctrl-Z: stops the picoprocesses and the monitor, with the terminal as it was found, until the user continues them.
fn pause(watched: &Watched<'_>, members: &[Member]) {
    members.iter().for_each(|member| member.process.signal(Signal::SIGSTOP));
    watched.broker.terminal.restore();
    let _ = kill(Pid::this(), Signal::SIGSTOP);
}
