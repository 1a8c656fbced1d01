//! Calls that their caller waits for anyway: the wait takes place in the call, as long as nothing else is asked of the thread.

use super::poller::{Afd, Timed};
use super::socket::{Over, Socket, State};
use super::transfer::give_up;
use crate::call::Cx;
use crate::host::{Ready, Stream};
use crate::io::irp::{Io, Irp, Request, is_synchronous};
use crate::ps::thread::{Thread, pending};
use crate::status::*;
use shim_abi::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a try inside a call came to.
pub type Tried = Option<Nt<(Status, u64)>>;

/// Puts a request on its socket's queue.
pub type Queue<'a> = &'a mut dyn FnMut(&mut State, &Arc<Irp>);

/// What a call waits for, and how.
pub struct Inside<'a> {
    /// What the socket is to become.
    pub wanted: Ready,
    /// Milliseconds that it may take; 0: for ever.
    pub timeout: u32,
    /// For callers that wait alertably for what is not done at once: how the request goes on without its call.
    pub later: Option<Queue<'a>>,
}

/// The deadline of a request that may take so many milliseconds, 0 for ever, in nanoseconds of the monotonic clock.
pub fn deadline(cx: &Cx<'_>, timeout: u32) -> Option<u64> {
    (timeout != 0).then(|| cx.k.host.monotonic().saturating_add(u64::from(timeout) * 1_000_000))
}

/// Lets a request that was queued be cancelled, and be over in time.
///
/// # Errors
/// The host's.
pub fn arm(cx: &Cx<'_>, socket: &Arc<Socket>, irp: Arc<Irp>, deadline: Option<u64>) -> Nt<Io> {
    let its = socket.clone();
    irp.on_cancel(cx.k, move |k, irp| give_up(k, &its, irp, STATUS_CANCELLED));
    if let Some(deadline) = deadline {
        let what = Timed::Request(Arc::downgrade(&irp), Arc::downgrade(socket));
        Afd::of(cx.k).at(cx.k, deadline, what)?;
    }
    Ok(Io::Pending(irp))
}

/// The thread's wait is alertable until this goes.
struct Alertable<'a>(&'a Thread);

impl<'a> Alertable<'a> {
    /// Stored before the first look at what is pending: whoever queues an APC does it the other way round.
    fn begin(thread: &'a Thread) -> Alertable<'a> {
        thread.alertable.store(true, Ordering::SeqCst);
        Alertable(thread)
    }
}

impl Drop for Alertable<'_> {
    fn drop(&mut self) {
        self.0.alertable.store(false, Ordering::Release);
    }
}

/// Waits inside the call until a try succeeds, which did not a moment ago, because the caller waits for it anyway: that spares two
/// changes of threads. When an APC comes for a caller that waits alertably, the request goes on without the call.
///
/// # Errors
/// Those of a request that is queued.
pub fn inside(
    cx: &Cx<'_>,
    socket: &Arc<Socket>,
    request: &Request<'_>,
    how: Inside<'_>,
    mut attempt: impl FnMut(&mut State, &mut Over) -> Tried,
) -> Nt<Io> {
    let irp = request.pend(cx.k);
    let deadline = deadline(cx, how.timeout);
    cx.t.cancelled();
    irp.on_cancel(cx.k, |k, irp| {
        irp.thread().cancel.store(true, Ordering::Release);
        k.host.interrupt(irp.thread());
    });
    let _asleep = crate::io::completion::sleeps(cx.k, cx.t);
    // Who waits for a synchronous file does not run APCs.
    let mut later = how.later.filter(|_| !is_synchronous(&irp));
    let alertable = later.is_some().then(|| Alertable::begin(cx.t));
    let (status, information) = loop {
        if irp.is_over() || cx.t.pending.load(Ordering::Acquire) & pending::TERMINATE != 0 {
            break (STATUS_CANCELLED, 0);
        }
        let gives_way = alertable.is_some() && cx.t.interruption(true).is_some();
        if !gives_way {
            let streams = socket.lock().streams();
            let all: Vec<&Stream> = streams.iter().map(|stream| &**stream).collect();
            match if all.is_empty() { Ok(Vec::new()) } else { cx.k.host.poll_sockets(&all, how.wanted, deadline) } {
                Ok(found) if !all.is_empty() && found.iter().all(|one| *one == Ready::default()) => {
                    break (STATUS_IO_TIMEOUT, 0);
                }
                Err(Error::Interrupted) => continue,
                Ok(_) => {}
                Err(error) => break (error.into(), 0),
            }
        }
        let mut over = Over::default();
        let mut queued = false;
        let tried = {
            let mut state = socket.lock();
            // What is there comes before an APC.
            let mut tried = attempt(&mut state, &mut over);
            if tried.is_none()
                && gives_way
                && let Some(later) = later.take()
            {
                later(&mut state, &irp);
                queued = true;
                tried = state.attend(cx.k, socket).err().map(Err);
            }
            tried
        };
        over.tell(cx.k);
        match tried {
            Some(result) => break result.unwrap_or_else(|status| (status, 0)),
            None if queued => return arm(cx, socket, irp, deadline),
            None => {}
        }
    };
    irp.complete(cx.k, status, information);
    Ok(Io::Pending(irp))
}
