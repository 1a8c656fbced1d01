//! The part of an object that can be waited for.
//!
//! Its state is one atomic word. While nobody waits, setting, resetting and acquiring are one exchange on that word. The
//! bit [`WAITERS`] says that somebody waits: from then on every change takes the dispatcher lock, satisfies who can be
//! satisfied, in the order they came, and clears the bit when the list is empty.
//!
//! An object that other processes see has its signal in the memory of the sandbox ([`Seat`]). Its own word then is
//! [`WAITERS`] for good, so that nothing gets past the lock, behind which the seat is found.

use super::wait::{Satisfied, WaitBlock};
use crate::kernel::Kernel;
use crate::ps::thread::Thread;
use crate::shm::Shm;
use crate::status::{STATUS_ABANDONED_WAIT_0, STATUS_WAIT_0, Status};
use parking_lot::{Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// How an object's signal is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Cannot be waited for.
    None,
    /// Stays signalled: manual-reset events, threads, processes, files.
    Notification,
    /// One waiter each: auto-reset events and timers.
    Synchronization,
    /// Counts down.
    Semaphore,
    /// Owned by a thread.
    Mutant,
}

/// Where the signal of a shared object is.
#[derive(Clone, Copy)]
pub struct Seat {
    /// The sandbox's memory.
    pub shm: &'static Shm,
    /// The object there.
    pub object: u32,
}

/// A mutant's recursion count went to its seat.
const MOVED: u32 = 1 << 31;

/// Somebody waits.
const WAITERS: u32 = 1 << 31;
const COUNT: u32 = WAITERS - 1;

/// Proof that the dispatcher lock is held.
pub type Locked<'a> = MutexGuard<'a, ()>;

/// The part of an object that can be waited for.
pub struct Dispatcher {
    kind: Kind,
    /// Signal count (mutants: 1 while free), and [`WAITERS`].
    state: AtomicU32,
    /// Mutants: the owner's thread number, 0 for none. Stored by whoever made the count 0, until the count is 1 again.
    owner: AtomicU64,
    /// Mutants: how often the owner acquired it beyond the first time.
    recursion: AtomicU32,
    /// Mutants: whether its owner ended without releasing it.
    abandoned: AtomicBool,
    seat: OnceLock<Seat>,
    waiters: Mutex<VecDeque<(Arc<WaitBlock>, usize)>>,
}

impl Dispatcher {
    fn new(kind: Kind, state: u32) -> Dispatcher {
        Dispatcher {
            kind,
            state: AtomicU32::new(state),
            owner: AtomicU64::new(0),
            recursion: AtomicU32::new(0),
            abandoned: AtomicBool::new(false),
            seat: OnceLock::new(),
            waiters: Mutex::new(VecDeque::new()),
        }
    }

    /// For an object that cannot be waited for.
    pub fn none() -> Dispatcher {
        Dispatcher::new(Kind::None, 0)
    }

    /// Stays signalled once set.
    pub fn notification(signalled: bool) -> Dispatcher {
        Dispatcher::new(Kind::Notification, u32::from(signalled))
    }

    /// Lets one waiter through for each time it is set.
    pub fn synchronization(signalled: bool) -> Dispatcher {
        Dispatcher::new(Kind::Synchronization, u32::from(signalled))
    }

    /// Lets `count` waiters through.
    pub fn semaphore(count: u32) -> Dispatcher {
        Dispatcher::new(Kind::Semaphore, count & COUNT)
    }

    /// Free, or owned by a thread.
    pub fn mutant(owner: Option<u64>) -> Dispatcher {
        let made = Dispatcher::new(Kind::Mutant, u32::from(owner.is_none()));
        made.owner.store(owner.unwrap_or(0), Ordering::Relaxed);
        made
    }

    /// For a shared object of another's making.
    pub fn seated(seat: Seat) -> Dispatcher {
        let made = Dispatcher::new(seat.shm.kind(seat.object), WAITERS);
        made.recursion.store(MOVED, Ordering::Relaxed);
        let _ = made.seat.set(seat);
        made
    }

    /// Where its signal is, if the object is shared.
    #[inline]
    pub fn seat(&self) -> Option<Seat> {
        if self.state.load(Ordering::Acquire) & WAITERS == 0 {
            return None;
        }
        self.seat.get().copied()
    }

    /// Moves the signal to a seat that `make` finds for it, of a count (a mutant's: its owner) and a mutant's recursion
    /// count. Who waits begins anew, and is to be woken after the lock.
    ///
    /// # Errors
    /// What `make` answers; nothing has happened then.
    pub fn share<E>(
        &self,
        k: &Kernel,
        make: impl FnOnce(u32, u32, bool) -> Result<Seat, E>,
    ) -> Result<(Seat, Vec<Satisfied>), E> {
        loop {
            let locked = k.ke.lock();
            if let Some(seat) = self.seat() {
                return Ok((seat, Vec::new()));
            }
            self.mark(&locked);
            let (count, owner) = (self.count(), self.owner.load(Ordering::Acquire));
            if self.kind == Kind::Mutant && count == 0 && owner == 0 {
                // Its owner is between two stores, and may need the lock to go on.
                self.unmark(&locked);
                drop(locked);
                k.host.yield_now();
                continue;
            }
            let extra = self.recursion.swap(MOVED, Ordering::AcqRel);
            let state = if self.kind == Kind::Mutant { owner as u32 } else { count };
            let seat = match make(state, extra, self.abandoned.load(Ordering::Relaxed)) {
                Ok(seat) => seat,
                Err(error) => {
                    self.recursion.store(extra, Ordering::Release);
                    self.unmark(&locked);
                    return Err(error);
                }
            };
            let _ = self.seat.set(seat);
            self.owner.store(0, Ordering::Relaxed);
            self.state.store(WAITERS, Ordering::Release);
            let waiters = core::mem::take(&mut *self.waiters.lock());
            return Ok((seat, waiters.into_iter().filter_map(|(block, _)| block.begin_anew(&locked)).collect()));
        }
    }

    /// How its signal is used up.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Signal count: 0 is not signalled.
    pub fn count(&self) -> u32 {
        match self.seat() {
            None => self.state.load(Ordering::Acquire) & COUNT,
            Some(seat) if self.kind == Kind::Mutant => u32::from(seat.shm.count(seat.object) == 0),
            Some(seat) => seat.shm.count(seat.object),
        }
    }

    /// Whether it is signalled and nobody waits: setting it would change nothing. For whoever needs no order between this
    /// and what it stored before.
    #[inline]
    pub fn is_quiet(&self) -> bool {
        self.state.load(Ordering::Acquire) == 1
    }

    /// A mutant's owner (0: none), recursion count, and whether it was abandoned.
    pub fn mutant_state(&self, _: &Locked<'_>) -> (u64, u32, bool) {
        if let Some(seat) = self.seat() {
            let (owner, recursion, abandoned) = seat.shm.mutant_state(seat.object);
            return (owner.into(), recursion, abandoned);
        }
        let relaxed = Ordering::Relaxed;
        (self.owner.load(relaxed), self.recursion.load(relaxed), self.abandoned.load(relaxed))
    }

    /// Acquires for a thread without the lock, if that can be done at once by one exchange. Answers the wait's status.
    #[inline]
    pub fn try_acquire_for(&self, thread: &Thread, object: &crate::ob::Ref) -> Option<Status> {
        let status = match self.kind {
            Kind::Mutant => self.try_acquire_mutant(thread, object),
            _ => self.try_acquire_fast().then_some(STATUS_WAIT_0),
        };
        status.or_else(|| {
            let seat = self.seat()?;
            let status = seat.shm.try_acquire(seat.object, thread.id as u32)?;
            self.acquired(thread, object);
            Some(status)
        })
    }

    /// A thread acquired a shared object: of mutants it keeps a list.
    pub fn acquired(&self, thread: &Thread, object: &crate::ob::Ref) {
        if self.kind == Kind::Mutant {
            let mut owned = thread.owned_mutants();
            if !owned.iter().any(|held| Arc::ptr_eq(held, object)) {
                owned.push(object.clone());
            }
        }
    }

    /// Changes a mutant's recursion count; answers the count before, `None` if it went to the seat.
    fn recur(&self, change: impl Fn(u32) -> u32) -> Option<u32> {
        let change = |count: u32| (count & MOVED == 0).then(|| change(count));
        self.recursion.fetch_update(Ordering::AcqRel, Ordering::Relaxed, change).ok()
    }

    /// As [`Dispatcher::try_acquire_for`], for whoever asks again and again: until it is signalled nothing is stored.
    pub fn try_again_for(&self, thread: &Thread, object: &crate::ob::Ref) -> Option<Status> {
        let signalled = match self.seat() {
            // A shared mutant's count is its owner.
            Some(seat) => (seat.shm.count(seat.object) == 0) == (self.kind == Kind::Mutant),
            None => self.state.load(Ordering::Relaxed) & COUNT != 0,
        };
        if !signalled {
            return None;
        }
        self.try_acquire_for(thread, object)
    }

    fn try_acquire_mutant(&self, thread: &Thread, object: &crate::ob::Ref) -> Option<Status> {
        // Only the owner stores its own number, and takes it away.
        if self.owner.load(Ordering::Relaxed) == thread.id {
            return self.recur(|count| count + 1).map(|_| STATUS_WAIT_0);
        }
        self.state.compare_exchange(1, 0, Ordering::AcqRel, Ordering::Relaxed).ok()?;
        self.owner.store(thread.id, Ordering::Relaxed);
        thread.owned_mutants().push(object.clone());
        let abandoned = self.abandoned.load(Ordering::Relaxed) && self.abandoned.swap(false, Ordering::Relaxed);
        Some(if abandoned { STATUS_ABANDONED_WAIT_0 } else { STATUS_WAIT_0 })
    }

    /// Acquires without the lock, if that can be done at once by one exchange. For all but mutants.
    #[inline]
    pub fn try_acquire_fast(&self) -> bool {
        match self.kind {
            Kind::Notification => self.state.load(Ordering::Acquire) & COUNT != 0,
            Kind::Synchronization => self.state.compare_exchange(1, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok(),
            Kind::Semaphore => {
                let state = self.state.load(Ordering::Relaxed);
                state & WAITERS == 0
                    && state != 0
                    && self.state.compare_exchange(state, state - 1, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            }
            Kind::Mutant | Kind::None => false,
        }
    }

    /// Whether this thread could acquire it now.
    pub fn is_signalled_for(&self, _: &Locked<'_>, thread: u64) -> bool {
        match self.kind {
            Kind::None => false,
            Kind::Mutant => self.count() != 0 || self.owner.load(Ordering::Relaxed) == thread,
            _ => self.count() != 0,
        }
    }

    /// Acquires what [`Dispatcher::is_signalled_for`] said can be acquired; answers whether it had been abandoned.
    /// The caller holds the lock and has set the waiters' bit, so that no exchange comes between.
    pub fn acquire(&self, _: &Locked<'_>, thread: &Thread, object: &crate::ob::Ref) -> bool {
        match self.kind {
            Kind::None | Kind::Notification => false,
            Kind::Synchronization => {
                self.state.fetch_and(!COUNT, Ordering::AcqRel);
                false
            }
            Kind::Semaphore => {
                self.state.fetch_sub(1, Ordering::AcqRel);
                false
            }
            Kind::Mutant => {
                if self.owner.load(Ordering::Relaxed) == thread.id {
                    self.recursion.fetch_add(1, Ordering::Relaxed);
                    return false;
                }
                self.owner.store(thread.id, Ordering::Relaxed);
                self.state.fetch_and(!COUNT, Ordering::AcqRel);
                thread.owned_mutants().push(object.clone());
                self.abandoned.swap(false, Ordering::Relaxed)
            }
        }
    }

    /// Puts a wait on the list. The waiters' bit must be set.
    pub(super) fn enlist(&self, _: &Locked<'_>, block: &Arc<WaitBlock>, index: usize) {
        self.waiters.lock().push_back((block.clone(), index));
    }

    /// Says that somebody is about to wait or needs several objects to stand still.
    pub(super) fn mark(&self, _: &Locked<'_>) {
        self.state.fetch_or(WAITERS, Ordering::AcqRel);
    }

    /// Takes a wait off the list.
    pub(super) fn delist(&self, locked: &Locked<'_>, block: &Arc<WaitBlock>) {
        self.waiters.lock().retain(|(held, _)| !Arc::ptr_eq(held, block));
        self.unmark(locked);
    }

    /// Clears the waiters' bit if nobody waits.
    pub(super) fn unmark(&self, _: &Locked<'_>) {
        if self.waiters.lock().is_empty() && self.seat.get().is_none() {
            self.state.fetch_and(!WAITERS, Ordering::AcqRel);
        }
    }

    /// Lets through who can be let through, in order.
    fn satisfy(&self, locked: &Locked<'_>, done: &mut Vec<Satisfied>) {
        let mut from = 0;
        while self.count() != 0 {
            // A wait that is satisfied leaves the list; those before it stay unable to go on, as signals only get fewer.
            let candidate = {
                let waiters = self.waiters.lock();
                let place = (from..waiters.len()).find(|place| {
                    let (block, index) = &waiters[*place];
                    block.can_complete(locked, *index)
                });
                place.map(|place| (place, waiters[place].clone()))
            };
            let Some((place, (block, index))) = candidate else { break };
            done.push(block.complete(locked, index));
            from = place;
        }
        self.unmark(locked);
    }

    /// Signals: sets an event, a thread's end and the like; answers the state before.
    #[inline]
    pub fn set(&self, k: &Kernel) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & WAITERS == 0 {
            match self.state.compare_exchange_weak(state, 1, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return state != 0,
                Err(now) => state = now,
            }
        }
        self.change(k, |count| Some(count.max(1)), false, |seat| Some(seat.shm.set(seat.object).into())).unwrap_or(0)
            != 0
    }

    /// As [`Dispatcher::set`], with the lock held: the caller wakes who is `done` after it.
    pub fn set_locked(&self, locked: &Locked<'_>, done: &mut Vec<Satisfied>) -> bool {
        if let Some(seat) = self.seat() {
            return seat.shm.set(seat.object);
        }
        self.mark(locked);
        let before = self.count();
        self.state.store(before.max(1) | WAITERS, Ordering::Release);
        self.satisfy(locked, done);
        before != 0
    }

    /// Takes the signal away; answers the state before.
    #[inline]
    pub fn reset(&self, k: &Kernel) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & WAITERS == 0 {
            match self.state.compare_exchange_weak(state, 0, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return state != 0,
                Err(now) => state = now,
            }
        }
        // Whoever holds the lock may be about to acquire this object among others: they must not lose it half-way.
        let locked = k.ke.lock();
        self.reset_locked(&locked)
    }

    /// As [`Dispatcher::reset`], with the lock held.
    pub fn reset_locked(&self, _: &Locked<'_>) -> bool {
        if let Some(seat) = self.seat() {
            return seat.shm.reset(seat.object);
        }
        self.state.fetch_and(!COUNT, Ordering::AcqRel) & COUNT != 0
    }

    /// Signals for whoever waits at this instant; answers the state before.
    pub fn pulse(&self, k: &Kernel) -> bool {
        self.change(k, |count| Some(count.max(1)), true, |seat| Some(seat.shm.pulse(seat.object).into())).unwrap_or(0)
            != 0
    }

    /// Adds to a semaphore's count unless that passes `limit`; answers the count before.
    pub fn release(&self, k: &Kernel, by: u32, limit: u32) -> Option<u32> {
        let sum = |count: u32| count.checked_add(by).filter(|sum| *sum <= limit && *sum <= COUNT);
        let mut state = self.state.load(Ordering::Relaxed);
        while state & WAITERS == 0 {
            let new = sum(state)?;
            match self.state.compare_exchange_weak(state, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Some(state),
                Err(now) => state = now,
            }
        }
        self.change(k, sum, false, |seat| seat.shm.release(seat.object, by))
    }

    /// Changes the count under the lock, lets waiters through, and then takes the signal away if it is for an instant
    /// only; answers the count before, `None` if `new` refused. `shared` does it where the object is shared.
    fn change(
        &self,
        k: &Kernel,
        new: impl FnOnce(u32) -> Option<u32>,
        instant: bool,
        shared: impl FnOnce(Seat) -> Option<u32>,
    ) -> Option<u32> {
        let mut done = Vec::new();
        let locked = k.ke.lock();
        if let Some(seat) = self.seat() {
            drop(locked);
            return shared(seat);
        }
        self.mark(&locked);
        let before = self.count();
        let Some(after) = new(before) else {
            self.unmark(&locked);
            return None;
        };
        self.state.store(after | WAITERS, Ordering::Release);
        self.satisfy(&locked, &mut done);
        if instant {
            self.reset_locked(&locked);
        }
        drop(locked);
        done.into_iter().for_each(|s| s.wake(k));
        Some(before)
    }

    /// Releases a mutant once; answers the count before as NT counts (1 - times owned), `None` if not the owner.
    pub fn release_mutant(&self, k: &Kernel, thread: &Thread, object: &crate::ob::Ref) -> Option<i32> {
        let disown = || {
            let mut owned = thread.owned_mutants();
            if let Some(place) = owned.iter().rposition(|held| Arc::ptr_eq(held, object)) {
                owned.swap_remove(place);
            }
        };
        let shared = |seat: Seat| {
            let before = seat.shm.release_mutant(seat.object, thread.id as u32)?;
            if before == 0 {
                disown();
            }
            Some(before)
        };
        if let Some(seat) = self.seat() {
            return shared(seat);
        }
        // What follows is the owner's alone to change, until the owner is no more.
        if self.owner.load(Ordering::Relaxed) != thread.id {
            return None;
        }
        match self.recur(|count| count.saturating_sub(1)) {
            Some(0) => {}
            Some(before) => return Some(-(before as i32)),
            None => return self.seat().and_then(shared),
        }
        disown();
        self.owner.store(0, Ordering::Relaxed);
        if self.state.compare_exchange(0, 1, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            return Some(0);
        }
        let mut done = Vec::new();
        let locked = k.ke.lock();
        if let Some(seat) = self.seat() {
            // It was shared while it was still owned.
            drop(locked);
            return seat.shm.release_mutant(seat.object, thread.id as u32);
        }
        self.free(&locked, &mut done);
        drop(locked);
        done.into_iter().for_each(|s| s.wake(k));
        Some(0)
    }

    /// Releases a mutant whose owner ended.
    pub fn abandon(&self, locked: &Locked<'_>, done: &mut Vec<Satisfied>) {
        if let Some(seat) = self.seat() {
            return seat.shm.abandon(seat.object, seat.shm.count(seat.object));
        }
        self.recursion.store(0, Ordering::Relaxed);
        self.abandoned.store(true, Ordering::Relaxed);
        self.free(locked, done);
    }

    fn free(&self, locked: &Locked<'_>, done: &mut Vec<Satisfied>) {
        self.owner.store(0, Ordering::Relaxed);
        self.mark(locked);
        self.state.store(1 | WAITERS, Ordering::Release);
        self.satisfy(locked, done);
    }
}

/// The component's state.
#[derive(Default)]
pub struct Ke {
    lock: Mutex<()>,
    /// Timers that are set.
    pub timers: super::timer::Queue,
}

impl Ke {
    /// Takes the dispatcher lock.
    pub fn lock(&self) -> Locked<'_> {
        self.lock.lock()
    }
}
