//! Waits: for one object, any of several, all of several; alertable, with a time limit.

use super::dispatcher::{Dispatcher, Kind, Locked, Seat};
use super::spin::spin;
use crate::call::Cx;
use crate::host::Wake;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::object::Body;
use crate::ob::types::SYNCHRONIZE;
use crate::ps::thread::{Thread, pending};
use crate::shm::wait::Begun;
use crate::status::*;
use crate::types::unix_time;
use crate::um::UserPtr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Most objects that one wait takes.
pub const MAXIMUM_WAIT_OBJECTS: usize = 64;

/// Value of a word that a thread sleeps on.
pub(crate) const WAITING: u32 = u32::MAX;

/// Result of a wait that is to begin anew: an object of it became shared.
const ANEW: u32 = u32::MAX - 1;
const ANEW_STATUS: Status = Status(ANEW);

/// One wait of one thread.
pub struct WaitBlock {
    thread: Arc<Thread>,
    objects: Vec<Ref>,
    all: bool,
    /// [`WAITING`], or the status that ends the wait. The thread sleeps on this word.
    result: AtomicU32,
}

/// A wait that was satisfied under the lock; its thread is to be woken after it.
pub struct Satisfied(Arc<WaitBlock>);

impl Satisfied {
    /// Wakes the thread.
    pub fn wake(self, k: &Kernel) {
        k.host.wake(&self.0.result, 1);
    }
}

/// Whether a thread's wait for the objects could end now, by the object of that index.
fn ready(locked: &Locked<'_>, thread: &Thread, objects: &[Ref], all: bool, index: usize) -> bool {
    let ready = |object: &Ref| object.signal.is_signalled_for(locked, thread.id);
    if all { objects.iter().all(ready) } else { objects.get(index).is_some_and(ready) }
}

/// Acquires what [`ready`] said can be acquired; answers the status that says so.
fn acquire(locked: &Locked<'_>, thread: &Thread, objects: &[Ref], all: bool, index: usize) -> Status {
    let mut abandoned = false;
    if all {
        for object in objects {
            abandoned |= object.signal.acquire(locked, thread, object);
        }
        return if abandoned { STATUS_ABANDONED_WAIT_0 } else { STATUS_WAIT_0 };
    }
    if let Some(object) = objects.get(index) {
        abandoned = object.signal.acquire(locked, thread, object);
    }
    let base = if abandoned { STATUS_ABANDONED_WAIT_0 } else { STATUS_WAIT_0 };
    Status(base.0 + index as u32)
}

impl WaitBlock {
    /// Whether the wait could end now, by the object of that index.
    pub(super) fn can_complete(&self, locked: &Locked<'_>, index: usize) -> bool {
        self.result.load(Ordering::Relaxed) == WAITING && ready(locked, &self.thread, &self.objects, self.all, index)
    }

    /// Has the wait begin anew, off every list; answers it, to be woken after the lock, if it was not satisfied.
    pub(super) fn begin_anew(self: &Arc<Self>, locked: &Locked<'_>) -> Option<Satisfied> {
        for object in &self.objects {
            object.signal.delist(locked, self);
        }
        let anew = self.result.compare_exchange(WAITING, ANEW, Ordering::AcqRel, Ordering::Relaxed);
        anew.ok().map(|_| Satisfied(self.clone()))
    }

    /// Ends the wait: acquires what it waited for and takes it off every list.
    pub(super) fn complete(self: &Arc<Self>, locked: &Locked<'_>, index: usize) -> Satisfied {
        let status = acquire(locked, &self.thread, &self.objects, self.all, index);
        for object in &self.objects {
            object.signal.delist(locked, self);
        }
        self.result.store(status.0, Ordering::Release);
        Satisfied(self.clone())
    }
}

/// When a wait ends by itself, in nanoseconds of [`crate::host::Host::monotonic`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// Never.
    Never,
    /// Then; a time that has passed polls.
    At(u64),
}

impl Deadline {
    /// Of NT's timeout: negative is relative, else a date; in 100 ns. `None` is never.
    pub fn of(k: &Kernel, timeout: Option<i64>) -> Deadline {
        match timeout {
            None => Deadline::Never,
            // Further off than any clock goes.
            Some(i64::MIN | i64::MAX) => Deadline::Never,
            Some(0) => Deadline::At(0),
            Some(t) if t < 0 => Deadline::At(k.host.monotonic().saturating_add(t.unsigned_abs().saturating_mul(100))),
            Some(t) => {
                let left = unix_time(t).saturating_sub(k.host.realtime()).max(0) as u64;
                Deadline::At(k.host.monotonic().saturating_add(left))
            }
        }
    }

    fn nanoseconds(self) -> Option<u64> {
        match self {
            Deadline::Never => None,
            Deadline::At(at) => Some(at),
        }
    }
}

/// A thread is on lists of objects while this lives. One that is suspended stands still before it goes there: see
/// [`Kernel::leaves_its_wait`].
struct Enlisted<'a, 'b>(&'a Cx<'b>);

impl<'a, 'b> Enlisted<'a, 'b> {
    fn new(cx: &'a Cx<'b>) -> Enlisted<'a, 'b> {
        loop {
            // Before the look at what is pending: whoever suspends does it the other way round.
            cx.t.enlisted.fetch_add(1, Ordering::SeqCst);
            let enlisted = Enlisted(cx);
            if cx.t.pending.load(Ordering::SeqCst) & pending::SUSPEND == 0 {
                return enlisted;
            }
            drop(enlisted);
            cx.k.stand_still(cx.t);
        }
    }
}

impl Drop for Enlisted<'_, '_> {
    fn drop(&mut self) {
        let thread = self.0.t;
        thread.enlisted.fetch_add(1, Ordering::SeqCst);
        if thread.watched.load(Ordering::SeqCst) != 0 {
            self.0.k.host.wake(&thread.enlisted, u32::MAX);
        }
    }
}

impl Cx<'_> {
    /// Waits for objects. What is signalled counts before an APC or alert that is pending, and both before the deadline.
    ///
    /// # Errors
    /// `STATUS_OBJECT_TYPE_MISMATCH` for an object that cannot be waited for. `STATUS_TIMEOUT`, `STATUS_USER_APC` and the
    /// like are no errors.
    pub fn wait_for(&self, objects: Vec<Ref>, all: bool, alertable: bool, deadline: Deadline) -> Nt {
        if objects.iter().any(|object| object.signal.kind() == Kind::None) {
            return Err(STATUS_OBJECT_TYPE_MISMATCH);
        }
        for file in objects.iter().filter_map(|object| object.file().ok()) {
            file.ops.about_to_wait(self.k);
        }
        let mut objects = objects;
        loop {
            if objects.iter().any(|object| object.signal.seat().is_some()) {
                return self.wait_shared(&objects, all, alertable, deadline);
            }
            let enlisted = Enlisted::new(self);
            let block = match self.begin_wait(&mut objects, all, alertable, deadline) {
                Ok(block) => block,
                Err(ANEW_STATUS) => continue,
                Err(status) => return Ok(status),
            };
            let status = self.sleep(&block.result, alertable, deadline, true);
            if status != STATUS_WAIT_0 {
                let locked = self.k.ke.lock();
                for object in &block.objects {
                    object.signal.delist(&locked, &block);
                }
            }
            // A wait that was satisfied in the last instant counts as satisfied.
            match block.result.load(Ordering::Acquire) {
                WAITING if status != STATUS_KERNEL_APC => return Ok(self.t.accept(status)),
                WAITING | ANEW => {}
                result => return Ok(Status(result)),
            }
            drop(enlisted);
            // A suspended thread acquires nothing: it waits anew when it is resumed.
            self.k.stand_still(self.t);
            objects = block.objects.clone();
        }
    }

    /// Enlists a wait, which takes the objects, unless it can end at once: then the status is the error.
    fn begin_wait(
        &self,
        objects: &mut Vec<Ref>,
        all: bool,
        alertable: bool,
        deadline: Deadline,
    ) -> Result<Arc<WaitBlock>, Status> {
        let locked = self.k.ke.lock();
        if objects.iter().any(|object| object.signal.seat().is_some()) {
            return Err(ANEW_STATUS);
        }
        // From here on every change of the objects takes the lock.
        for object in &*objects {
            object.signal.mark(&locked);
        }
        let candidates = if all { 1 } else { objects.len() };
        let index = (0..candidates).find(|index| ready(&locked, self.t, objects, all, *index));
        let early = match index {
            Some(index) => Some(acquire(&locked, self.t, objects, all, index)),
            None => match self.t.interruption(alertable) {
                Some(status) => Some(self.t.accept(status)),
                None => (deadline == Deadline::At(0)).then_some(STATUS_TIMEOUT),
            },
        };
        if let Some(status) = early {
            for object in &*objects {
                object.signal.unmark(&locked);
            }
            return Err(status);
        }
        let block = Arc::new(WaitBlock {
            thread: self.t.clone(),
            objects: core::mem::take(objects),
            all,
            result: AtomicU32::new(WAITING),
        });
        for (index, object) in block.objects.iter().enumerate() {
            object.signal.enlist(&locked, &block, index);
        }
        Ok(block)
    }

    /// As [`Cx::wait_for`], for objects of which one at least is shared: the others become so.
    fn wait_shared(&self, objects: &[Ref], all: bool, alertable: bool, deadline: Deadline) -> Nt {
        let seats = objects.iter().map(|object| self.k.share(object)).collect::<Nt<Vec<Seat>>>()?;
        let Some(shm) = seats.first().map(|seat| seat.shm) else { return Err(STATUS_INVALID_PARAMETER_1) };
        let places: Vec<u32> = seats.iter().map(|seat| seat.object).collect();
        let block = self.k.wait_block(self.t, places.len())?;
        let finish = |status: Status| {
            // Abandoned ones count from 0x80.
            let index = (status.0 & 0x7f) as usize;
            let acquired = if all { objects } else { objects.get(index..=index).unwrap_or(&[]) };
            if status.0 < STATUS_USER_APC.0 {
                acquired.iter().for_each(|object| object.signal.acquired(self.t, object));
            }
            status
        };
        loop {
            let enlisted = Enlisted::new(self);
            if let Begun::Done(status) = shm.begin_wait(block, &places, all, deadline == Deadline::At(0))? {
                if status == STATUS_TIMEOUT
                    && let Some(interruption) = self.t.interruption(alertable)
                {
                    return Ok(self.t.accept(interruption));
                }
                return Ok(finish(status));
            }
            let status = self.sleep(shm.result_of(block), alertable, deadline, true);
            // A wait that was satisfied in the last instant counts as satisfied.
            if let Some(status) = shm.end_wait(block)? {
                return Ok(finish(status));
            }
            if status != STATUS_KERNEL_APC {
                return Ok(self.t.accept(status));
            }
            drop(enlisted);
            self.k.stand_still(self.t);
        }
    }

    /// Sleeps until `word` is no longer [`WAITING`] (`STATUS_WAIT_0`), an APC or alert comes (if alertable), the thread is
    /// to end, or the deadline passes (`STATUS_TIMEOUT`). If the caller lets the interruption count, it calls
    /// [`Thread::accept`]. A suspended thread stands still in here, or out there (`STATUS_KERNEL_APC`).
    pub(crate) fn sleep(&self, word: &AtomicU32, alertable: bool, deadline: Deadline, out: bool) -> Status {
        let _resting = self.k.ex.rest(self.k);
        let _asleep = crate::io::completion::sleeps(self.k, self.t);
        // Stored before the first look at what is pending: whoever queues an APC does it the other way round.
        if alertable {
            self.t.alertable.store(true, Ordering::SeqCst);
        }
        let status = self.sleep_through(word, alertable, deadline, out);
        if alertable {
            self.t.alertable.store(false, Ordering::Release);
        }
        // What woke it may have come after its debugger's end, and the worker that is told of that runs when the host has it run.
        self.k.note_no_debugger();
        status
    }

    fn sleep_through(&self, word: &AtomicU32, alertable: bool, deadline: Deadline, out: bool) -> Status {
        loop {
            if word.load(Ordering::Acquire) != WAITING {
                return STATUS_WAIT_0;
            }
            if self.t.pending.load(Ordering::Acquire) & pending::SUSPEND != 0 {
                if out {
                    return STATUS_KERNEL_APC;
                }
                self.k.stand_still(self.t);
            }
            if let Some(status) = self.t.interruption(alertable) {
                return status;
            }
            if self.k.host.wait(word, WAITING, deadline.nanoseconds()) == Wake::TimedOut {
                return if word.load(Ordering::Acquire) == WAITING { STATUS_TIMEOUT } else { STATUS_WAIT_0 };
            }
        }
    }

    pub(super) fn timeout(&self, timeout: UserPtr<i64>) -> Nt<Option<i64>> {
        timeout.read_opt(self.k)
    }
}

/// NtWaitForSingleObject.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_wait_for_single_object(cx: &Cx<'_>, handle: Handle, alertable: bool, timeout: UserPtr<i64>) -> Nt {
    let timeout = cx.timeout(timeout)?;
    let acquire = |object: &Ref| match object.signal.try_acquire_for(cx.t, object) {
        None if timeout != Some(0) => spin(cx.k, cx.t, || object.signal.try_again_for(cx.t, object)),
        found => found,
    };
    if let Some(status) = cx.with_object(handle, SYNCHRONIZE, |object| Ok(acquire(object)))? {
        return Ok(status);
    }
    cx.wait_for(vec![waitable(cx, handle)?], false, alertable, Deadline::of(cx.k, timeout))
}

fn waitable(cx: &Cx<'_>, handle: Handle) -> Nt<Ref> {
    cx.object(handle, SYNCHRONIZE)
}

/// NtWaitForMultipleObjects: `wait_any` is WaitAny (1) or WaitAll (0).
///
/// # Errors
/// `STATUS_INVALID_PARAMETER_1`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`,
/// `STATUS_INVALID_PARAMETER_MIX` for an object that is twice in a wait for all.
pub fn nt_wait_for_multiple_objects(
    cx: &Cx<'_>,
    count: u32,
    handles: UserPtr<Handle>,
    wait_any: bool,
    alertable: bool,
    timeout: UserPtr<i64>,
) -> Nt {
    // What kernelbase makes of WaitForSingleObject.
    if count == 1 {
        return nt_wait_for_single_object(cx, handles.read(cx.k)?, alertable, timeout);
    }
    let count = count as usize;
    if count == 0 || count > MAXIMUM_WAIT_OBJECTS {
        return Err(STATUS_INVALID_PARAMETER_1);
    }
    let timeout = cx.timeout(timeout)?;
    let mut raw = [0u8; MAXIMUM_WAIT_OBJECTS * 8];
    let raw = &mut raw[..count * 8];
    cx.k.read_user(handles.address(), raw)?;
    let list = raw.chunks_exact(8).map(|bytes| Handle(u64::from_le_bytes(bytes.try_into().unwrap_or_default())));
    let objects = list.map(|handle| waitable(cx, handle)).collect::<Nt<Vec<_>>>()?;
    if objects.iter().any(|object| object.signal.kind() == Kind::None) {
        return Err(STATUS_OBJECT_TYPE_MISMATCH);
    }
    if wait_any {
        type Acquire = fn(&Dispatcher, &Thread, &Ref) -> Option<Status>;
        let any = |acquire: Acquire| {
            let found = |(index, object): (usize, &Ref)| {
                acquire(&object.signal, cx.t, object).map(|status| Status(status.0 + index as u32))
            };
            objects.iter().enumerate().find_map(found)
        };
        let found = match any(Dispatcher::try_acquire_for) {
            None if timeout != Some(0) => spin(cx.k, cx.t, || any(Dispatcher::try_again_for)),
            found => found,
        };
        if let Some(status) = found {
            return Ok(status);
        }
        return cx.wait_for(objects, false, alertable, Deadline::of(cx.k, timeout));
    }
    for (index, object) in objects.iter().enumerate() {
        if objects[..index].iter().any(|other| Arc::ptr_eq(object, other)) {
            return Err(STATUS_INVALID_PARAMETER_MIX);
        }
    }
    cx.wait_for(objects, true, alertable, Deadline::of(cx.k, timeout))
}

/// NtSignalAndWaitForSingleObject: events, mutants and semaphores can be signalled.
///
/// # Errors
/// As the signalling call and the wait.
pub fn nt_signal_and_wait_for_single_object(
    cx: &Cx<'_>,
    signal: Handle,
    wait: Handle,
    alertable: bool,
    timeout: UserPtr<i64>,
) -> Nt {
    let timeout = cx.timeout(timeout)?;
    let target = waitable(cx, wait)?;
    if target.signal.kind() == Kind::None {
        return Err(STATUS_OBJECT_TYPE_MISMATCH);
    }
    let object = cx.object(signal, 0)?;
    match &object.body {
        Body::Mutant(_) => {
            cx.object(signal, SYNCHRONIZE)?;
            super::mutant::release(cx, &object)?;
        }
        Body::Semaphore(_) => {
            cx.object(signal, super::semaphore::SEMAPHORE_MODIFY_STATE)?;
            super::semaphore::release(cx, &object, 1)?;
        }
        Body::Event(_) => {
            cx.object(signal, super::event::EVENT_MODIFY_STATE)?;
            object.signal.set(cx.k);
        }
        _ => return Err(STATUS_OBJECT_TYPE_MISMATCH),
    }
    cx.wait_for(vec![target], false, alertable, Deadline::of(cx.k, timeout))
}

/// NtDelayExecution.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn nt_delay_execution(cx: &Cx<'_>, alertable: bool, timeout: UserPtr<i64>) -> Nt {
    let timeout = cx.timeout(timeout)?;
    if timeout == Some(0) {
        if let Some(status) = cx.t.interruption(alertable) {
            return Ok(cx.t.accept(status));
        }
        cx.k.host.yield_now();
        return Ok(STATUS_SUCCESS);
    }
    let never = AtomicU32::new(WAITING);
    match cx.t.accept(cx.sleep(&never, alertable, Deadline::of(cx.k, timeout), false)) {
        STATUS_TIMEOUT => Ok(STATUS_SUCCESS),
        status => Ok(status),
    }
}

/// NtYieldExecution.
///
/// # Errors
/// None.
pub fn nt_yield_execution(cx: &Cx<'_>) -> Nt {
    cx.k.host.yield_now();
    Ok(STATUS_SUCCESS)
}

/// NtAlertThreadByThreadId: the thread's next (or present) NtWaitForAlertByThreadId returns.
///
/// # Errors
/// `STATUS_INVALID_CID`.
pub fn nt_alert_thread_by_thread_id(cx: &Cx<'_>, thread: Handle) -> Nt {
    let thread = cx.k.ps.thread(thread.0).ok_or(STATUS_INVALID_CID)?;
    if thread.alert.swap(0, Ordering::AcqRel) == WAITING {
        cx.k.host.wake(&thread.alert, 1);
    }
    Ok(STATUS_SUCCESS)
}

/// NtWaitForAlertByThreadId. The address is a hint for debuggers.
///
/// # Errors
/// None; `STATUS_ALERTED` and `STATUS_TIMEOUT` end it.
pub fn nt_wait_for_alert_by_thread_id(cx: &Cx<'_>, _address: u64, timeout: UserPtr<i64>) -> Nt {
    let timeout = cx.timeout(timeout)?;
    let alert = &cx.t.alert;
    if timeout != Some(0) && alert.load(Ordering::Acquire) != 0 {
        spin(cx.k, cx.t, || (alert.load(Ordering::Acquire) == 0).then_some(()));
    }
    // Only this thread arms the word; others only store 0.
    if alert.compare_exchange(Thread::NOT_ALERTED, WAITING, Ordering::AcqRel, Ordering::Acquire).is_err() {
        alert.store(Thread::NOT_ALERTED, Ordering::Release);
        return Ok(STATUS_ALERTED);
    }
    let status = cx.sleep(alert, false, Deadline::of(cx.k, timeout), false);
    // An alert of the last instant counts.
    if alert.swap(Thread::NOT_ALERTED, Ordering::AcqRel) == 0 {
        return Ok(STATUS_ALERTED);
    }
    Ok(cx.t.accept(status))
}
