//! Requests that wait in the sandbox's memory: how this process makes them, sleeps on them, and hears of their end.

use crate::call::Cx;
use crate::io::irp::{Io, Irp, Request};
use crate::ke::spin::spin;
use crate::ke::wait::Deadline;
use crate::kernel::Kernel;
use crate::shm::request::{Asker, Done, Step, WAITING};
use crate::shm::{Shm, Tx};
use crate::status::*;
use crate::um::UserSlice;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

struct Entry {
    irp: Arc<Irp>,
    buffer: UserSlice,
    /// Set, and its sleepers woken, when the request is over: its clock stops.
    over: Option<Arc<AtomicU32>>,
}

enum Slot {
    Waits(Entry),
    /// It was finished before its entry was made.
    Early(Done),
}

/// The process's requests that no thread sleeps on.
#[derive(Default)]
pub struct Waiting {
    slots: Mutex<HashMap<u64, Slot>>,
    next: AtomicU64,
}

/// Runs a change; if memory is short, once more without what nobody needs.
fn attempt<R>(shm: &Shm, run: impl Fn(&mut Tx<'_>) -> Nt<R>) -> Nt<R> {
    let once = || {
        let mut tx = shm.begin();
        let answer = run(&mut tx)?;
        tx.commit()?;
        Ok(answer)
    };
    match once() {
        Err(STATUS_INSUFFICIENT_RESOURCES) if shm.has_garbage() => {
            shm.collect()?;
            once()
        }
        answer => answer,
    }
}

impl Kernel {
    /// Runs a change of pipes or mailslots, on behalf of the process's member, and delivers what it finished.
    pub(crate) fn change_pipes<R>(&'static self, run: impl Fn(&mut Tx<'_>, u32) -> Nt<R>) -> Nt<R> {
        let (shm, me) = self.sandbox()?;
        let answer = attempt(shm, |tx| run(tx, me));
        if shm.has_garbage() {
            shm.collect()?;
        }
        self.deliver_requests();
        answer
    }

    /// Delivers what was finished of the process's requests.
    pub(crate) fn deliver_requests(&'static self) {
        let Ok((shm, me)) = self.sandbox() else { return };
        while shm.has_finished(me) {
            let Ok(Some((token, done))) = shm.take_finished(me) else { return };
            self.io.npfs.waiting.deliver(self, token, done);
        }
    }
}

/// A cancelled or belated request is taken out, and so comes to be finished with that status.
fn give_up(k: &'static Kernel, token: u64, status: Status) {
    let _ = k.change_pipes(|tx, me| Ok(tx.cancel(me, token, status)));
}

impl Waiting {
    /// Runs an operation that may have to wait; `buffer` takes what a read brings. `synchronous` says whether the caller waits
    /// for it inside the call.
    pub fn run(
        &self,
        cx: &Cx<'_>,
        request: &Request<'_>,
        buffer: UserSlice,
        synchronous: bool,
        operation: impl Fn(&mut Tx<'_>, Asker) -> Nt<(Step, Deadline)>,
    ) -> Nt<Io> {
        let (shm, member) = cx.k.sandbox()?;
        let token = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let asker = Asker { member, token, synchronous };
        let (step, deadline) = attempt(shm, |tx| operation(tx, asker))?;
        if shm.has_finished(member) {
            cx.k.deliver_requests();
        }
        match step {
            Step::Done(Done { status, .. }) if status.is_error() => Err(status),
            Step::Done(Done { status, information, data }) => {
                buffer.write_at(cx.k, 0, &data)?;
                Ok(Io::Done(status, information as u64))
            }
            Step::Pending(place) if synchronous => sleep(cx, request, place, token, buffer, deadline),
            Step::Pending(_) => {
                let irp = request.pend_as(cx.k, false);
                self.add(cx.k, irp.clone(), token, buffer, deadline);
                Ok(Io::Pending(irp))
            }
        }
    }

    /// Notes a request that waits, lets it be cancelled, and sets its clock.
    fn add(&self, k: &'static Kernel, irp: Arc<Irp>, token: u64, buffer: UserSlice, deadline: Deadline) {
        let over = matches!(deadline, Deadline::At(_)).then(|| Arc::new(AtomicU32::new(0)));
        let mut slots = self.slots.lock();
        let entry = Entry { irp: irp.clone(), buffer, over: over.clone() };
        let early = slots.insert(token, Slot::Waits(entry));
        drop(slots);
        if let Some(Slot::Early(done)) = early {
            return self.deliver(k, token, done);
        }
        irp.on_cancel(k, move |k, _| give_up(k, token, STATUS_CANCELLED));
        if let (Deadline::At(at), Some(over)) = (deadline, over) {
            let sleep = move || {
                while over.load(Ordering::Acquire) == 0 {
                    if k.host.wait(&over, 0, Some(at)) == crate::host::Wake::TimedOut {
                        give_up(k, token, STATUS_IO_TIMEOUT);
                        return;
                    }
                }
            };
            if k.host.spawn_worker(Box::new(sleep)).is_err() {
                give_up(k, token, STATUS_INSUFFICIENT_RESOURCES);
            }
        }
    }

    /// Delivers what is finished.
    fn deliver(&self, k: &'static Kernel, token: u64, done: Done) {
        let mut slots = self.slots.lock();
        let entry = match slots.remove(&token) {
            Some(Slot::Waits(entry)) => entry,
            _ => {
                slots.insert(token, Slot::Early(done));
                return;
            }
        };
        drop(slots);
        if let Some(over) = entry.over {
            over.store(1, Ordering::Release);
            k.host.wake(&over, 1);
        }
        finish(k, &entry.irp, entry.buffer, done);
    }
}

/// Ends a request with what it brought.
fn finish(k: &'static Kernel, irp: &Irp, buffer: UserSlice, done: Done) {
    let stored = if done.data.is_empty() { Ok(()) } else { buffer.write_at(k, 0, &done.data) };
    match stored {
        Ok(()) => irp.complete(k, done.status, done.information as u64),
        Err(fault) => irp.complete(k, fault, 0),
    };
}

/// Sleeps until a request is finished, and takes it in.
fn sleep(cx: &Cx<'_>, request: &Request<'_>, place: u32, token: u64, buffer: UserSlice, deadline: Deadline) -> Nt<Io> {
    let (shm, _) = cx.k.sandbox()?;
    let irp = request.pend_as(cx.k, true);
    irp.on_cancel(cx.k, move |k, _| give_up(k, token, STATUS_CANCELLED));
    let word = shm.result_of_request(place);
    let finished = || word.load(Ordering::Acquire) != WAITING;
    let mut alertable = request.file()?.alertable();
    if spin(cx.k, cx.t, || finished().then_some(())).is_none() {
        shm.will_sleep(place);
        while !finished() {
            match cx.sleep(word, alertable, deadline, false) {
                STATUS_WAIT_0 => {}
                STATUS_TIMEOUT => give_up(cx.k, token, STATUS_IO_TIMEOUT),
                interruption => {
                    cx.t.accept(interruption);
                    give_up(cx.k, token, STATUS_CANCELLED);
                    alertable = false;
                }
            }
        }
    }
    let done = shm.end_request(place)?;
    finish(cx.k, &irp, buffer, done);
    Ok(Io::Pending(irp))
}
