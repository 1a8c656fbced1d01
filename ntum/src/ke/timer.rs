//! Timers: one kernel thread, started with the first timer that is set, sleeps until the next is due.

use super::apc::{self, Apc};
use super::dispatcher::Dispatcher;
use crate::answer::Answer;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object};
use crate::ob::types::Type;
use crate::ps::thread::Thread;
use crate::shm;
use crate::status::*;
use crate::types::{ObjectAttributesRaw, nt_time, unix_time};
use crate::um::UserPtr;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// TIMER_QUERY_STATE.
pub const TIMER_QUERY_STATE: u32 = 1;
/// TIMER_MODIFY_STATE.
pub const TIMER_MODIFY_STATE: u32 = 2;

/// A timer.
pub struct Timer {
    number: u64,
    /// Of a timer that several processes have, what this one has to do with it.
    pub(crate) setting: Mutex<Setting>,
}

impl Timer {
    /// One that is not set.
    pub(crate) fn new() -> Timer {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        Timer { number: NUMBERS.fetch_add(1, Ordering::Relaxed), setting: Mutex::default() }
    }
}

/// How a timer is set.
#[derive(Default)]
pub(crate) struct Setting {
    /// Where it stands in the queue, if it is set.
    place: Option<Place>,
    /// The turn of its record that this is, if it has a record.
    turn: u32,
    /// The date it is due, if that is how it was set: the clock may be put back meanwhile.
    date: Option<i64>,
    /// Nanoseconds between signals, 0: once.
    period: u64,
    /// Who called NtSetTimer, the function to call there, and its argument.
    apc: Option<(Weak<Thread>, u64, u64)>,
}

/// Nanoseconds of [`crate::host::Host::monotonic`], and a number that no other entry has.
type Place = (u64, u64);

#[derive(Default)]
struct Entries {
    set: BTreeMap<Place, Weak<Object>>,
    last: u64,
    running: bool,
}

/// Timers that are set.
#[derive(Default)]
pub struct Queue {
    entries: Mutex<Entries>,
    /// Counts changes of what is due first. The kernel thread sleeps on it.
    changes: AtomicU32,
}

/// TIMER_BASIC_INFORMATION.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct BasicInformation {
    /// In 100 ns; 0 when it is not set.
    remaining: i64,
    state: u8,
    pad: [u8; 7],
}

impl Queue {
    fn insert(&self, k: &'static Kernel, due: u64, object: &Arc<Object>) -> Nt<Place> {
        let mut entries = self.entries.lock();
        if !entries.running {
            k.host.spawn_worker(Box::new(move || k.ke.timers.run(k))).map_err(|_| STATUS_INSUFFICIENT_RESOURCES)?;
            entries.running = true;
        }
        entries.last += 1;
        let place = (due, entries.last);
        entries.set.insert(place, Arc::downgrade(object));
        let first = entries.set.first_key_value().is_some_and(|(first, _)| *first == place);
        drop(entries);
        if first {
            self.changes.fetch_add(1, Ordering::Release);
            k.host.wake(&self.changes, 1);
        }
        Ok(place)
    }

    /// Forgets an entry; the kernel thread may wake up in vain for it.
    fn remove(&self, place: Place) {
        self.entries.lock().set.remove(&place);
    }

    fn run(&self, k: &'static Kernel) {
        loop {
            let seen = self.changes.load(Ordering::Acquire);
            let now = k.host.monotonic();
            let mut due = Vec::new();
            let next = {
                let mut entries = self.entries.lock();
                while let Some(first) = entries.set.first_entry().filter(|first| first.key().0 <= now) {
                    due.push(first.remove_entry());
                }
                entries.set.first_key_value().map(|((at, _), _)| *at)
            };
            if due.is_empty() {
                k.host.wait(&self.changes, seen, next);
                continue;
            }
            for (place, object) in due {
                if let Some(object) = object.upgrade() {
                    expire(k, &object, place);
                }
            }
        }
    }
}

impl Setting {
    /// What the record of a timer that this process makes common is to say.
    pub(crate) fn record(&self, keeper: u32) -> shm::timer::Setting {
        let due = self.place.map_or(0, |(due, _)| due);
        shm::timer::Setting { keeper, turn: self.turn, due, date: self.date, period: self.period }
    }
}

/// A timer's time has come.
fn expire(k: &'static Kernel, object: &Arc<Object>, place: Place) {
    let Ok(timer) = object.timer() else { return };
    let mut setting = timer.setting.lock();
    // It may have been cancelled or set anew since it left the queue.
    if setting.place.take_if(|held| *held == place).is_none() {
        return;
    }
    let seat = object.signal.seat();
    let (date, period) = match seat {
        None => (setting.date, setting.period),
        Some(seat) => {
            let record = seat.shm.begin().timer(seat.object);
            (record.date, record.period)
        }
    };
    let now = k.host.realtime();
    let early = date.map(|date| unix_time(date).saturating_sub(now)).filter(|left| *left > 0);
    let next = match (early, period) {
        (Some(left), _) => Some(k.host.monotonic().saturating_add(left as u64)),
        (None, 0) => None,
        (None, period) => {
            // Signals that were missed, as the machine slept or was busy, are not made up for.
            let late = k.host.monotonic().saturating_sub(place.0);
            Some(place.0.saturating_add((late / period + 1).saturating_mul(period)))
        }
    };
    if let Some(seat) = seat {
        // Another process may have set it, and keeps it then.
        let Ok((_, me)) = k.sandbox() else { return };
        let came = seat.shm.timer_came(seat.object, me, setting.turn, next.unwrap_or(0), early.is_none());
        if came != Ok(true) {
            return;
        }
    }
    setting.place = next.and_then(|due| k.ke.timers.insert(k, due, object).ok());
    if early.is_some() {
        return;
    }
    setting.date = None;
    if seat.is_none() {
        object.signal.set(k);
    }
    if let Some((thread, function, argument)) = &setting.apc
        && let Some(thread) = thread.upgrade()
    {
        let date = nt_time(now) as u64;
        // TIMER_APC_ROUTINE: context, date low, date high.
        let arguments = [*argument, date & 0xffff_ffff, date >> 32];
        apc::queue(k, &thread, Apc { function: *function, arguments, timer: timer.number, ..Apc::default() });
    }
}

/// Takes a timer out of the queue, and its APC back.
fn cancel(k: &Kernel, timer: &Timer, setting: &mut Setting) {
    if let Some(place) = setting.place.take() {
        k.ke.timers.remove(place);
    }
    if let Some((thread, ..)) = setting.apc.take()
        && let Some(thread) = thread.upgrade()
    {
        apc::revoke(&thread, timer.number);
    }
}

/// Keeps a timer of several processes, if this one is to: its maker kept it so far.
pub(crate) fn keep(k: &'static Kernel, object: &Arc<Object>) {
    let (Ok(timer), Some(seat), Ok((shm, me))) = (object.timer(), object.signal.seat(), k.sandbox()) else { return };
    let mut setting = timer.setting.lock();
    let record = shm.begin().timer(seat.object);
    if record.keeper != me || record.due == 0 || setting.place.is_some() && setting.turn == record.turn {
        return;
    }
    cancel(k, timer, &mut setting);
    setting.turn = record.turn;
    setting.place = k.ke.timers.insert(k, record.due, object).ok();
}

/// NtCreateTimer: kind 0 is NotificationTimer (manual reset), 1 SynchronizationTimer.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, and as `Cx::create_named`.
pub fn nt_create_timer(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    kind: u32,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let signal = match kind {
        0 => Dispatcher::notification(false),
        1 => Dispatcher::synchronization(false),
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    let attributes = attributes.load(cx.k)?;
    let (made, status) = cx.create_named(&attributes, access, Object::new(signal, Body::Timer(Timer::new())))?;
    cx.give(handle, made, status)
}

/// NtOpenTimer.
///
/// # Errors
/// As `Cx::open_named`.
pub fn nt_open_timer(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
) -> Nt {
    cx.open(handle, access, attributes, |object| object.timer().is_ok())
}

/// NtSetTimer: `due` is a date, or negative from now on, in 100 ns; `period` is in milliseconds. The timer stops being
/// signalled. The machine is not woken for it (`resume`), which the status says.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_INVALID_PARAMETER_6`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`,
/// `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_INSUFFICIENT_RESOURCES`.
#[allow(clippy::too_many_arguments)]
pub fn nt_set_timer(
    cx: &Cx<'_>,
    handle: Handle,
    due: UserPtr<i64>,
    function: u64,
    argument: u64,
    resume: bool,
    period: i32,
    previous: UserPtr<u8>,
) -> Nt {
    let due = due.read(cx.k)?;
    let period = u64::try_from(period).map_err(|_| STATUS_INVALID_PARAMETER_6)?;
    let object = cx.object_of(handle, Type::Timer, TIMER_MODIFY_STATE)?;
    let timer = object.timer()?;
    let before = {
        let mut setting = timer.setting.lock();
        cancel(cx.k, timer, &mut setting);
        setting.period = period * 1_000_000;
        setting.date = (due > 0).then_some(due);
        setting.apc = (function != 0).then(|| (Arc::downgrade(cx.t), function, argument));
        let at = match super::wait::Deadline::of(cx.k, Some(due)) {
            // "Now" is the present instant, from which the period counts.
            super::wait::Deadline::At(_) if due == 0 => Some(cx.k.host.monotonic()),
            super::wait::Deadline::At(at) => Some(at),
            super::wait::Deadline::Never => None,
        };
        let before = match object.signal.seat() {
            None => object.signal.reset(cx.k),
            Some(seat) => {
                let (_, keeper) = cx.k.sandbox()?;
                let (date, period) = (setting.date, setting.period);
                let record = shm::timer::Setting { keeper, turn: 0, due: at.unwrap_or(0), date, period };
                let (before, turn) = seat.shm.set_timer(seat.object, record, true)?;
                setting.turn = turn;
                before
            }
        };
        setting.place = at.map(|at| cx.k.ke.timers.insert(cx.k, at, &object)).transpose()?;
        before
    };
    previous.write_opt(cx.k, u8::from(before))?;
    Ok(if resume { STATUS_TIMER_RESUME_IGNORED } else { STATUS_SUCCESS })
}

/// NtCancelTimer. Answers whether it is signalled, which does not change.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_cancel_timer(cx: &Cx<'_>, handle: Handle, state: UserPtr<u8>) -> Nt {
    let object = cx.object_of(handle, Type::Timer, TIMER_MODIFY_STATE)?;
    let timer = object.timer()?;
    let mut setting = timer.setting.lock();
    cancel(cx.k, timer, &mut setting);
    if let Some(seat) = object.signal.seat() {
        (_, setting.turn) = seat.shm.set_timer(seat.object, shm::timer::Setting::default(), false)?;
    }
    drop(setting);
    state.write_opt(cx.k, u8::from(object.signal.count() != 0))?;
    Ok(STATUS_SUCCESS)
}

/// NtQueryTimer: TimerBasicInformation.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`,
/// `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_query_timer(cx: &Cx<'_>, handle: Handle, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) -> Nt {
    if class != 0 {
        return Err(STATUS_INVALID_INFO_CLASS);
    }
    Answer::new(buffer, length, returned).at_least(cx.k, || {
        let object = cx.object_of(handle, Type::Timer, TIMER_QUERY_STATE)?;
        let due = match object.signal.seat() {
            None => object.timer()?.setting.lock().place.map_or(0, |(due, _)| due),
            Some(seat) => seat.shm.begin().timer(seat.object).due,
        };
        let left = due.saturating_sub(cx.k.host.monotonic());
        let state = u8::from(object.signal.count() != 0);
        Ok(BasicInformation { remaining: i64::try_from(left / 100).unwrap_or(i64::MAX), state, pad: [0; 7] })
    })
}
