//! Waits: for one object, any of several, all of several; alertable, with a time limit.

use super::dispatcher::{Kind, Locked};
use crate::call::Cx;
use crate::host::Wake;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::types::SYNCHRONIZE;
use crate::ps::thread::Thread;
use crate::status::*;
use crate::types::unix_time;
use crate::um::UserPtr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Most objects that one wait takes.
pub const MAXIMUM_WAIT_OBJECTS: usize = 64;

const WAITING: u32 = u32::MAX;

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

impl WaitBlock {
    /// Whether the wait could end now, by the object of that index.
    pub(super) fn can_complete(&self, locked: &Locked<'_>, index: usize) -> bool {
        if self.result.load(Ordering::Relaxed) != WAITING {
            return false;
        }
        let ready = |object: &Ref| object.signal.is_signalled_for(locked, self.thread.id);
        if self.all { self.objects.iter().all(ready) } else { self.objects.get(index).is_some_and(ready) }
    }

    /// Ends the wait: acquires what it waited for and takes it off every list.
    pub(super) fn complete(self: &Arc<Self>, locked: &Locked<'_>, index: usize) -> Satisfied {
        let status = self.acquire(locked, index);
        for object in &self.objects {
            object.signal.delist(locked, self);
        }
        self.result.store(status.0, Ordering::Release);
        Satisfied(self.clone())
    }

    fn acquire(&self, locked: &Locked<'_>, index: usize) -> Status {
        if self.all {
            let mut abandoned = false;
            for object in &self.objects {
                abandoned |= object.signal.acquire(locked, &self.thread, object);
            }
            return if abandoned { STATUS_ABANDONED_WAIT_0 } else { STATUS_WAIT_0 };
        }
        let Some(object) = self.objects.get(index) else { return STATUS_WAIT_0 };
        let base =
            if object.signal.acquire(locked, &self.thread, object) { STATUS_ABANDONED_WAIT_0 } else { STATUS_WAIT_0 };
        Status(base.0 + index as u32)
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
            // The value that RtlWaitOnAddress and kernelbase's INFINITE come to.
            Some(i64::MIN) => Deadline::Never,
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

impl Cx<'_> {
    /// Waits for objects.
    ///
    /// # Errors
    /// `STATUS_OBJECT_TYPE_MISMATCH` for an object that cannot be waited for. `STATUS_TIMEOUT`, `STATUS_USER_APC` and the
    /// like are no errors.
    pub fn wait_for(&self, objects: Vec<Ref>, all: bool, alertable: bool, deadline: Deadline) -> Nt {
        if objects.iter().any(|object| object.signal.kind() == Kind::None) {
            return Err(STATUS_OBJECT_TYPE_MISMATCH);
        }
        let block = Arc::new(WaitBlock { thread: self.t.clone(), objects, all, result: AtomicU32::new(WAITING) });
        {
            let locked = self.k.ke.lock();
            for object in &block.objects {
                object.signal.mark(&locked);
            }
            let ready = if all {
                block.can_complete(&locked, 0).then_some(0)
            } else {
                (0..block.objects.len()).find(|index| block.can_complete(&locked, *index))
            };
            let early = match ready {
                Some(index) => Some(block.acquire(&locked, index)),
                None if deadline == Deadline::At(0) => Some(STATUS_TIMEOUT),
                None => None,
            };
            if let Some(status) = early {
                for object in &block.objects {
                    object.signal.unmark(&locked);
                }
                return Ok(status);
            }
            for (index, object) in block.objects.iter().enumerate() {
                object.signal.enlist(&locked, &block, index);
            }
        }
        let status = self.sleep(&block.result, alertable, deadline);
        if status.is_none_or(|s| s != STATUS_WAIT_0) {
            let locked = self.k.ke.lock();
            for object in &block.objects {
                object.signal.delist(&locked, &block);
            }
        }
        // A wait that was satisfied in the last instant counts as satisfied.
        let result = block.result.load(Ordering::Acquire);
        if result != WAITING {
            return Ok(Status(result));
        }
        Ok(status.unwrap_or(STATUS_TIMEOUT))
    }

    /// Sleeps until `word` is no longer [`WAITING`] (`STATUS_WAIT_0`), an APC or alert comes (if alertable), the thread is
    /// to end, or the deadline passes.
    fn sleep(&self, word: &AtomicU32, alertable: bool, deadline: Deadline) -> Option<Status> {
        let _resting = self.k.ex.rest(self.k);
        loop {
            if word.load(Ordering::Acquire) != WAITING {
                return Some(STATUS_WAIT_0);
            }
            self.k.stand_still(self.t);
            if let Some(status) = self.t.interruption(alertable) {
                return Some(status);
            }
            if self.k.host.wait(word, WAITING, deadline.nanoseconds()) == Wake::TimedOut {
                return Some(if word.load(Ordering::Acquire) != WAITING { STATUS_WAIT_0 } else { STATUS_TIMEOUT });
            }
        }
    }

    fn timeout(&self, timeout: UserPtr<i64>) -> Nt<Option<i64>> {
        timeout.read_opt(self.k)
    }
}

/// NtWaitForSingleObject.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_wait_for_single_object(cx: &Cx<'_>, handle: Handle, alertable: bool, timeout: UserPtr<i64>) -> Nt {
    let timeout = cx.timeout(timeout)?;
    wait_any(cx, &[handle], alertable, timeout)
}

/// The wait for any of some handles: the fast way first, one exchange and no reference.
fn wait_any(cx: &Cx<'_>, handles: &[Handle], alertable: bool, timeout: Option<i64>) -> Nt {
    if alertable && let Some(status) = cx.t.interruption(true) {
        return Ok(status);
    }
    for (index, handle) in handles.iter().enumerate() {
        if cx.with_object(*handle, SYNCHRONIZE, |object| Ok(object.signal.try_acquire_fast()))? {
            // The handles behind it must be good all the same.
            for rest in &handles[index + 1..] {
                cx.with_object(*rest, SYNCHRONIZE, |_| Ok(()))?;
            }
            return Ok(Status(STATUS_WAIT_0.0 + index as u32));
        }
    }
    let objects = handles.iter().map(|handle| waitable(cx, *handle)).collect::<Nt<Vec<_>>>()?;
    cx.wait_for(objects, false, alertable, Deadline::of(cx.k, timeout))
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
    wait_any_of: u32,
    alertable: bool,
    timeout: UserPtr<i64>,
) -> Nt {
    let count = count as usize;
    if count == 0 || count > MAXIMUM_WAIT_OBJECTS {
        return Err(STATUS_INVALID_PARAMETER_1);
    }
    let timeout = cx.timeout(timeout)?;
    let mut raw = [0u8; MAXIMUM_WAIT_OBJECTS * 8];
    let raw = &mut raw[..count * 8];
    cx.k.read_user(handles.address(), raw)?;
    let mut list = [Handle(0); MAXIMUM_WAIT_OBJECTS];
    for (handle, bytes) in list.iter_mut().zip(raw.chunks_exact(8)) {
        *handle = Handle(u64::from_le_bytes(bytes.try_into().unwrap_or_default()));
    }
    let list = &list[..count];
    if wait_any_of != 0 || count == 1 {
        return wait_any(cx, list, alertable, timeout);
    }
    if alertable && let Some(status) = cx.t.interruption(true) {
        return Ok(status);
    }
    let objects = list.iter().map(|handle| waitable(cx, *handle)).collect::<Nt<Vec<_>>>()?;
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
    let object = cx.object(signal, 0)?;
    match object.signal.kind() {
        Kind::Mutant => {
            super::mutant::release(cx, &object)?;
        }
        Kind::Semaphore => {
            cx.object(signal, 2)?;
            super::semaphore::release(cx, &object, 1)?;
        }
        _ if object.event().is_ok() => {
            cx.object(signal, super::event::EVENT_MODIFY_STATE)?;
            object.signal.set(cx.k);
        }
        _ => return Err(STATUS_OBJECT_TYPE_MISMATCH),
    }
    if alertable && let Some(status) = cx.t.interruption(true) {
        return Ok(status);
    }
    cx.wait_for(vec![target], false, alertable, Deadline::of(cx.k, timeout))
}

/// NtDelayExecution.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn nt_delay_execution(cx: &Cx<'_>, alertable: bool, timeout: UserPtr<i64>) -> Nt {
    let timeout = cx.timeout(timeout)?;
    if alertable && let Some(status) = cx.t.interruption(true) {
        return Ok(status);
    }
    if timeout == Some(0) {
        cx.k.host.yield_now();
        return Ok(STATUS_SUCCESS);
    }
    let never = AtomicU32::new(WAITING);
    match cx.sleep(&never, alertable, Deadline::of(cx.k, timeout)) {
        Some(STATUS_TIMEOUT) | None => Ok(STATUS_SUCCESS),
        Some(status) => Ok(status),
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
    let deadline = Deadline::of(cx.k, timeout);
    // 0: alerted. WAITING: armed.
    if cx.t.alert.swap(WAITING, Ordering::AcqRel) == 0 {
        return Ok(STATUS_ALERTED);
    }
    let status = match cx.sleep(&cx.t.alert, false, deadline) {
        Some(STATUS_WAIT_0) => STATUS_ALERTED,
        Some(status) => status,
        None => STATUS_TIMEOUT,
    };
    // Whoever was too late to be seen above is remembered for the next wait.
    if status == STATUS_ALERTED {
        cx.t.alert.store(Thread::NOT_ALERTED, Ordering::Release);
    } else {
        let _ = cx.t.alert.compare_exchange(WAITING, Thread::NOT_ALERTED, Ordering::AcqRel, Ordering::Relaxed);
    }
    Ok(status)
}
