//! Requests: who asked, where the answer goes, and how an answer that comes later is delivered.

use super::completion::Packet;
use super::file::File;
use crate::call::Cx;
use crate::ke::apc::{self, Apc};
use crate::ke::dispatcher::Dispatcher;
use crate::ke::event::EVENT_MODIFY_STATE;
use crate::ke::wait::Deadline;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object, Plain};
use crate::ps::info::IoKind;
use crate::ps::thread::Thread;
use crate::status::*;
use crate::types::IoStatusBlock;
use crate::um::UserPtr;
use parking_lot::Mutex;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How an operation on a file answers, unless it fails at once.
pub enum Io {
    /// It is over: its status (success or warning), and what IO_STATUS_BLOCK.Information gets.
    Done(Status, u64),
    /// It is over, but the call answers `STATUS_PENDING`: what a disk's overlapped requests do since Vista, and what
    /// programs count on.
    Late(Status, u64),
    /// It goes on; [`Irp::complete`] ends it.
    Pending(Arc<Irp>),
}

impl Io {
    /// Success.
    pub fn done(information: u64) -> Nt<Io> {
        Ok(Io::Done(STATUS_SUCCESS, information))
    }
}

/// Where the answer of a request goes.
#[derive(Clone)]
struct Answer {
    iosb: UserPtr<IoStatusBlock>,
    event: Option<Ref>,
    /// PIO_APC_ROUTINE, 0 for none.
    apc: u64,
    /// Its argument; without a routine, what a completion packet carries (0: no packet).
    context: u64,
    /// What it counts as.
    kind: IoKind,
}

/// A request while its operation runs; it costs no memory of its own unless it has to wait.
pub struct Request<'a> {
    /// The file object.
    pub object: &'a Ref,
    /// Rights of the handle that was used.
    pub access: u32,
    thread: &'a Arc<Thread>,
    answer: Answer,
    kind: Cell<IoKind>,
}

/// The parts of a call that say where its answer goes.
#[derive(Clone, Copy)]
pub struct Target {
    /// Event to set, 0 for none.
    pub event: Handle,
    /// PIO_APC_ROUTINE, 0 for none.
    pub apc: u64,
    /// Its argument.
    pub context: u64,
    /// Where status and information go.
    pub iosb: UserPtr<IoStatusBlock>,
}

impl Target {
    /// Of a call that has an IO_STATUS_BLOCK only.
    pub fn plain(iosb: UserPtr<IoStatusBlock>) -> Target {
        Target { event: Handle(0), apc: 0, context: 0, iosb }
    }
}

/// A request that is not answered yet.
pub struct Irp {
    /// The file object.
    pub object: Ref,
    thread: Arc<Thread>,
    answer: Answer,
    number: u64,
    /// Whether the caller waits inside the call.
    synchronous: bool,
    done: Ref,
    completed: AtomicBool,
    result: Mutex<(Status, u64)>,
    cancel: Mutex<Cancel>,
}

type CancelRoutine = Box<dyn FnOnce(&'static Kernel, &Arc<Irp>) + Send>;

#[derive(Default)]
enum Cancel {
    #[default]
    None,
    Routine(CancelRoutine),
    Asked,
}

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Request<'_> {
    /// The file.
    ///
    /// # Errors
    /// None in fact: a request is made for a file only.
    pub fn file(&self) -> Nt<&File> {
        self.object.file()
    }

    /// Stores the status of a request that fails at once, which leaves the caller's memory alone otherwise.
    pub fn note_failure(&self, k: &'static Kernel, status: Status) {
        // A bad address is no further trouble: the call fails anyway.
        let _ = self.answer.iosb.write_opt(k, IoStatusBlock { status: status.0, pad: 0, information: 0 });
    }

    /// Has it count as a request that reads, or writes.
    #[inline]
    pub fn counts_as(&self, kind: IoKind) {
        self.kind.set(kind);
    }

    /// Has the answer come later. The operation keeps the request where [`Irp::complete`] will be called on it, sets
    /// what [`Irp::on_cancel`] does, and answers [`Io::Pending`].
    pub fn pend(&self, k: &'static Kernel) -> Arc<Irp> {
        self.pend_as(k, self.object.file().is_ok_and(File::synchronous))
    }

    /// As [`Request::pend`]; `synchronous` says whether the caller waits for it inside the call.
    pub fn pend_as(&self, k: &'static Kernel, synchronous: bool) -> Arc<Irp> {
        let irp = Arc::new(Irp {
            object: self.object.clone(),
            thread: self.thread.clone(),
            answer: Answer { kind: self.kind.get(), ..self.answer.clone() },
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            synchronous,
            done: Object::new(Dispatcher::notification(false), Body::Event(Plain)),
            completed: AtomicBool::new(false),
            result: Mutex::new((STATUS_PENDING, 0)),
            cancel: Mutex::new(Cancel::None),
        });
        if self.object.file().is_ok_and(|file| file.ops.signalled_by_requests()) {
            self.object.signal.reset(k);
        }
        k.io.pending.lock().insert(irp.number, irp.clone());
        irp
    }
}

impl Irp {
    /// Ends the request: stores the IO_STATUS_BLOCK, signals, queues the APC or the completion packet. Answers whether
    /// this call did it; the first one counts.
    pub fn complete(&self, k: &'static Kernel, status: Status, information: u64) -> bool {
        if self.completed.swap(true, Ordering::AcqRel) {
            return false;
        }
        k.io.pending.lock().remove(&self.number);
        *self.cancel.lock() = Cancel::None;
        *self.result.lock() = (status, information);
        // Who waits in the call hears of a failure from the call: no APC, no packet.
        let _ = if self.synchronous && status.is_error() {
            self.answer.tell(k, &self.object, status, information)
        } else {
            self.answer.deliver(k, &self.thread, &self.object, status, information, true)
        };
        self.done.signal.set(k);
        true
    }

    /// Says what is done when the request is cancelled: take it off its queue and complete it with `STATUS_CANCELLED`.
    /// If it was cancelled already, that is done now.
    pub fn on_cancel(
        self: &Arc<Self>,
        k: &'static Kernel,
        routine: impl FnOnce(&'static Kernel, &Arc<Irp>) + Send + 'static,
    ) {
        let mut cancel = self.cancel.lock();
        if self.completed.load(Ordering::Acquire) {
            return;
        }
        if matches!(*cancel, Cancel::Asked) {
            drop(cancel);
            routine(k, self);
        } else {
            *cancel = Cancel::Routine(Box::new(routine));
        }
    }

    /// Cancels the request, if it can be.
    pub fn cancel(self: &Arc<Self>, k: &'static Kernel) {
        let routine = {
            let mut cancel = self.cancel.lock();
            if self.completed.load(Ordering::Acquire) {
                return;
            }
            core::mem::replace(&mut *cancel, Cancel::Asked)
        };
        if let Cancel::Routine(routine) = routine {
            routine(k, self);
        }
    }

    /// Whether it was cancelled or completed: whoever works on it can stop.
    pub fn is_over(&self) -> bool {
        self.completed.load(Ordering::Acquire) || matches!(*self.cancel.lock(), Cancel::Asked)
    }

    /// The thread that asked.
    pub fn thread(&self) -> &Arc<Thread> {
        &self.thread
    }

    /// Its number, unlike any other's.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether its completion port alone hears of its end: then it is nobody's in particular, and outlives the thread that asked.
    pub fn is_for_port(&self) -> bool {
        let answer = &self.answer;
        let bound = || self.object.file().is_ok_and(|file| file.is_bound(&self.object));
        answer.context != 0 && answer.apc == 0 && answer.event.is_none() && bound()
    }

    /// Address of its IO_STATUS_BLOCK.
    pub fn iosb(&self) -> u64 {
        self.answer.iosb.address()
    }

    /// Waits for its end on behalf of a synchronous file object.
    pub(super) fn wait(self: &Arc<Self>, cx: &Cx<'_>, alertable: bool) -> Nt {
        let mut alertable = alertable;
        if self.done.signal.is_quiet() {
            let (status, _) = *self.result.lock();
            return if status.is_success() { Ok(status) } else { Err(status) };
        }
        loop {
            let ended = cx.wait_for(vec![self.done.clone()], false, alertable, Deadline::Never)?;
            if ended == STATUS_WAIT_0 {
                let (status, _) = *self.result.lock();
                return if status.is_success() { Ok(status) } else { Err(status) };
            }
            self.cancel(cx.k);
            if ended == STATUS_THREAD_IS_TERMINATING {
                return Err(STATUS_CANCELLED);
            }
            alertable = false;
        }
    }
}

impl Answer {
    /// `pended`: the call has answered `STATUS_PENDING` (or waits for this), so that failures are reported here too.
    #[inline]
    fn deliver(
        &self,
        k: &'static Kernel,
        thread: &Thread,
        object: &Ref,
        status: Status,
        information: u64,
        pended: bool,
    ) -> Nt<()> {
        let file = object.file()?;
        self.store(k, status, information)?;
        thread.info.io.count(self.kind, information);
        // Who sees the event set finds the packet.
        self.queue(k, thread, object, file, status, information, pended);
        self.signal(k, object, file);
        Ok(())
    }

    /// Queues the APC, or the packet.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    fn queue(
        &self,
        k: &'static Kernel,
        thread: &Thread,
        object: &Ref,
        file: &File,
        status: Status,
        information: u64,
        pended: bool,
    ) {
        if self.apc != 0 {
            let arguments = [self.context, self.iosb.address(), 0];
            apc::queue(k, thread, Apc { function: self.apc, arguments, ..Apc::default() });
            return;
        }
        // Synchronous files have no port.
        if self.context != 0 && !file.synchronous() && (pended || !file.skips_packet(status)) {
            match (&*file.binding.lock(), object.signal.seat()) {
                (Some(binding), _) => {
                    let packet = Packet { key: binding.key, context: self.context, status, information };
                    // What there is no memory for is lost: the request itself has ended.
                    let _ = super::completion::post(k, &binding.port, packet);
                }
                // Another process may have bound it.
                (None, Some(seat)) => drop(seat.shm.post_for_file(seat.object, self.context, status, information)),
                (None, None) => {}
            }
        }
    }

    /// Stores the status block and signals.
    #[inline]
    fn tell(&self, k: &'static Kernel, object: &Ref, status: Status, information: u64) -> Nt<()> {
        self.store(k, status, information)?;
        self.signal(k, object, object.file()?);
        Ok(())
    }

    #[inline]
    fn store(&self, k: &'static Kernel, status: Status, information: u64) -> Nt<()> {
        self.iosb.write_opt(k, IoStatusBlock { status: status.0, pad: 0, information })
    }

    #[inline]
    fn signal(&self, k: &'static Kernel, object: &Ref, file: &File) {
        match &self.event {
            Some(event) => event.signal.set(k),
            // Only requests that pend reset a file object: most find it signalled.
            None if file.is_signalled_by_requests() => object.signal.is_quiet() || object.signal.set(k),
            None => false,
        };
    }
}

impl Cx<'_> {
    /// Runs an operation of a file object's and delivers its answer.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_VIOLATION` for the
    /// IO_STATUS_BLOCK, and the operation's own.
    pub fn io(
        &self,
        handle: Handle,
        desired: u32,
        target: Target,
        run: impl FnOnce(&File, &Request<'_>) -> Nt<Io>,
    ) -> Nt {
        if !crate::um::in_range(target.iosb.address(), size_of::<IoStatusBlock>() as u64) {
            return Err(STATUS_ACCESS_VIOLATION);
        }
        self.io_unreported(handle, desired, target, run)
    }

    /// As [`Cx::io`], for calls that Wine's kernelbase makes without an IO_STATUS_BLOCK.
    ///
    /// # Errors
    /// As [`Cx::io`].
    #[inline(always)]
    pub fn io_unreported(
        &self,
        handle: Handle,
        desired: u32,
        target: Target,
        run: impl FnOnce(&File, &Request<'_>) -> Nt<Io>,
    ) -> Nt {
        let entry = self.entry(handle, desired)?;
        let file = entry.object.file()?;
        if target.apc != 0 && file.is_bound(&entry.object) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let mut was_set = false;
        let event = match target.event {
            Handle(0) => None,
            handle => {
                let event = self.object(handle, EVENT_MODIFY_STATE)?;
                event.event()?;
                was_set = event.signal.reset(self.k);
                Some(event)
            }
        };
        let mut request = Request {
            object: &entry.object,
            access: entry.access,
            thread: self.t,
            answer: Answer { iosb: target.iosb, event, apc: target.apc, context: target.context, kind: IoKind::Other },
            kind: Cell::new(IoKind::Other),
        };
        let ended = run(file, &request);
        request.answer.kind = request.kind.get();
        match ended {
            Ok(Io::Done(status, information)) => {
                request.answer.deliver(self.k, self.t, &entry.object, status, information, false)?;
                Ok(status)
            }
            Ok(Io::Late(status, information)) => {
                request.answer.deliver(self.k, self.t, &entry.object, status, information, true)?;
                Ok(STATUS_PENDING)
            }
            Ok(Io::Pending(irp)) if irp.synchronous => irp.wait(self, file.alertable()),
            Ok(Io::Pending(_)) => Ok(STATUS_PENDING),
            // A warning comes with its information block; an error leaves the caller's memory alone.
            Err(status) if !status.is_error() => {
                request.answer.deliver(self.k, self.t, &entry.object, status, 0, false)?;
                Err(status)
            }
            // The end of a file is told in full, but for the APC.
            Err(STATUS_END_OF_FILE) if file.synchronous() => {
                request.answer.tell(self.k, &entry.object, STATUS_END_OF_FILE, 0)?;
                Err(STATUS_END_OF_FILE)
            }
            Err(status) => {
                // Bad addresses are found before the event is touched; a request that fails at once sets none again.
                match &request.answer.event {
                    Some(event) if was_set && status == STATUS_ACCESS_VIOLATION => {
                        event.signal.set(self.k);
                    }
                    None if file.is_signalled_by_requests() && status != STATUS_ACCESS_VIOLATION => {
                        entry.object.signal.reset(self.k);
                    }
                    _ => {}
                }
                Err(status)
            }
        }
    }

    /// Cancels pending requests that `which` holds of; answers how many there were.
    pub fn cancel_where(&self, which: impl Fn(&Irp) -> bool) -> usize {
        cancel_where(self.k, which)
    }
}

/// Cancels pending requests that `which` holds of; answers how many there were.
pub fn cancel_where(k: &'static Kernel, which: impl Fn(&Irp) -> bool) -> usize {
    let found: Vec<Arc<Irp>> = k.io.pending.lock().values().filter(|irp| which(irp)).cloned().collect();
    found.iter().for_each(|irp| irp.cancel(k));
    found.len()
}

/// Whether a request is one that its caller waits for inside the call.
pub fn is_synchronous(irp: &Irp) -> bool {
    irp.synchronous
}
