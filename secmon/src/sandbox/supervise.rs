//! Watches over a picoprocess: its end, its time, the user's signals, and what the threads that serve it find.

use crate::broker::Broker;
use crate::cgroup::Group;
use crate::exit;
use crate::lane::{Hostile, Lane};
use crate::sys;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, pthread_sigmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{MsgFlags, send};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use shim_abi::calls::Event;
use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// How a sandbox ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status, and this to say.
    Status {
        /// Exit status.
        status: u32,
        /// Why, for a person; empty if there is nothing to say.
        message: String,
    },
    /// The kernel ended it by this signal.
    Killed(i32),
    /// It used more memory than it may.
    OutOfMemory,
    /// Its time ran out.
    TimedOut,
    /// The monitor got this signal.
    Signalled(i32),
    /// It broke the rules of the ABI.
    Hostile(Hostile),
}

impl Ended {
    /// The exit code for it.
    pub fn code(&self) -> u8 {
        match self {
            Ended::Status { status, .. } => exit::code(*status),
            Ended::Killed(signal) | Ended::Signalled(signal) => exit::SIGNAL.saturating_add(*signal as u8),
            Ended::OutOfMemory => exit::SIGNAL + Signal::SIGKILL as u8,
            Ended::TimedOut => exit::TIMEOUT,
            Ended::Hostile(_) => exit::SIGNAL + Signal::SIGSYS as u8,
        }
    }
}

/// The signals that the monitor takes as messages.
pub(super) struct Signals(SignalFd);

const TAKEN: [Signal; 7] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGWINCH,
    Signal::SIGTSTP,
    Signal::SIGCONT,
];

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

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// The file system that it made.
    pub(super) fn take_scratch(&self) -> Option<OwnedFd> {
        self.scratch.take()
    }

    /// Ends it. It is not yet waited for, so its number is still its own.
    fn kill(&self) {
        if !self.ended.get() {
            let _ = kill(self.pid, Signal::SIGKILL);
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

/// What is watched.
pub(super) struct Watched<'a> {
    pub(super) process: &'a Process,
    pub(super) signals: &'a Signals,
    pub(super) events: &'a OwnedFd,
    pub(super) bell: &'a EventFd,
    pub(super) verdict: &'a dyn Fn() -> Option<Hostile>,
    pub(super) broker: &'a Broker,
    pub(super) group: Option<&'a Group>,
    pub(super) timeout: Option<Duration>,
    /// Starts to serve a lane.
    pub(super) serve: &'a dyn Fn(Lane) -> io::Result<()>,
}

/// Watches until the picoprocess ended, and says how. `idle` are lanes that nobody serves yet.
pub(super) fn supervise(watched: &Watched<'_>, idle: &mut Vec<Lane>) -> Ended {
    let deadline = watched.timeout.and_then(|time| Instant::now().checked_add(time));
    loop {
        let fixed = [watched.process.pidfd.as_fd(), watched.signals.0.as_fd(), watched.bell.as_fd()];
        let all = fixed.into_iter().chain(idle.iter().map(AsFd::as_fd));
        let mut fds: Vec<PollFd<'_>> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return end(watched, Ended::TimedOut);
        }
        // A millisecond more, so that the time has passed when the wait is over.
        let wait = left.map_or(PollTimeout::NONE, |left| {
            PollTimeout::try_from(left.saturating_add(Duration::from_millis(1))).unwrap_or(PollTimeout::MAX)
        });
        if poll(&mut fds, wait).is_err_and(|errno| errno != Errno::EINTR) {
            // Cannot happen with descriptors that are open; waiting for the end remains.
            return natural(watched);
        }
        let ready: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        let [ended, signalled, rung, used @ ..] = &ready[..] else { return natural(watched) };
        // What it did wrong counts before how it ended.
        if *rung && let Some(hostile) = (watched.verdict)() {
            return end(watched, Ended::Hostile(hostile));
        }
        if *ended {
            return natural(watched);
        }
        if *signalled && let Some(signal) = signals(watched) {
            return end(watched, Ended::Signalled(signal));
        }
        for index in (0..used.len()).rev().filter(|index| used[*index]) {
            let lane = idle.swap_remove(index);
            if let Err(error) = (watched.serve)(lane) {
                // The picoprocess sees its lane closed, and has others.
                tracing::warn!("a lane is not served: {error}");
            }
        }
    }
}

/// Ends the picoprocess for a reason.
fn end(watched: &Watched<'_>, reason: Ended) -> Ended {
    watched.process.kill();
    watched.process.wait();
    reason
}

/// The picoprocess ended by itself: how.
fn natural(watched: &Watched<'_>) -> Ended {
    let status = watched.process.wait();
    if let Some(hostile) = (watched.verdict)() {
        return Ended::Hostile(hostile);
    }
    let report = watched.broker.report();
    match status {
        Some(WaitStatus::Exited(_, code)) => {
            let message = report.as_ref().map(|report| report.message.clone()).unwrap_or_default();
            Ended::Status { status: report.map_or(code as u32, |report| report.status), message }
        }
        Some(WaitStatus::Signaled(_, signal, _)) => match watched.group {
            Some(group) if signal == Signal::SIGKILL && group.ran_out() => Ended::OutOfMemory,
            _ => Ended::Killed(signal as i32),
        },
        _ => Ended::Killed(Signal::SIGKILL as i32),
    }
}

/// Takes the signals that arrived; the one that ends the sandbox, if one does.
fn signals(watched: &Watched<'_>) -> Option<i32> {
    while let Ok(Some(info)) = watched.signals.0.read_signal() {
        let number = info.ssi_signo as i32;
        match Signal::try_from(number) {
            Ok(Signal::SIGWINCH) => tell(watched, Event::Resize),
            // The terminal sends it to the whole group when Ctrl-C is pressed: that is for the program to decide on, unless
            // it does not listen.
            Ok(Signal::SIGINT) if info.ssi_code == SI_KERNEL && listens(watched) => tell(watched, Event::Interrupt),
            Ok(Signal::SIGQUIT) if info.ssi_code == SI_KERNEL && listens(watched) => tell(watched, Event::Break),
            Ok(Signal::SIGTSTP) => pause(watched),
            Ok(Signal::SIGCONT) => {
                let _ = kill(watched.process.pid, Signal::SIGCONT);
                watched.broker.terminal.resume();
            }
            _ => return Some(number),
        }
    }
    None
}

/// A signal that the kernel made, as for Ctrl-C on a terminal.
const SI_KERNEL: i32 = 0x80;

/// Whether the picoprocess took every event that it was sent.
fn listens(watched: &Watched<'_>) -> bool {
    sys::unread(watched.events).is_ok_and(|count| count == 0)
}

fn tell(watched: &Watched<'_>, event: Event) {
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    let _ = send(watched.events.as_raw_fd(), &[event as u8], flags);
}

/// Ctrl-Z: stops the picoprocess and the monitor, with the terminal as it was found, until the user continues them.
fn pause(watched: &Watched<'_>) {
    let _ = kill(watched.process.pid, Signal::SIGSTOP);
    watched.broker.terminal.restore();
    let _ = kill(Pid::this(), Signal::SIGSTOP);
}
