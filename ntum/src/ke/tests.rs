//! Waits with real threads on the fake host, through the system calls themselves.

use super::*;
use crate::call::Cx;
use crate::host::fake::Fake;
use crate::kernel::Kernel;
use crate::ps::thread::Thread;
use crate::status::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const ALL: u32 = 0x1f_0003;

struct Machine {
    fake: &'static Fake,
    k: &'static Kernel,
    t: Arc<Thread>,
}

impl Machine {
    fn new() -> Machine {
        let (fake, k) = Fake::kernel();
        Machine { fake, k, t: fake.attach(k) }
    }

    fn cx(&self) -> Cx<'_> {
        Cx { k: self.k, t: &self.t }
    }

    fn made(&self, make: impl FnOnce(&Cx<'_>, UserPtr<Handle>) -> Nt) -> Handle {
        let to = self.fake.alloc(Handle(1));
        assert_eq!(make(&self.cx(), to), Ok(STATUS_SUCCESS));
        to.read(self.k).unwrap_or_default()
    }

    fn event(&self, kind: u32, state: bool) -> Handle {
        self.made(|cx, to| event::nt_create_event(cx, to, ALL, UserPtr::new(0), kind, state))
    }

    fn semaphore(&self, initial: i32, limit: i32) -> Handle {
        self.made(|cx, to| semaphore::nt_create_semaphore(cx, to, ALL, UserPtr::new(0), initial, limit))
    }

    fn mutant(&self, owned: bool) -> Handle {
        self.made(|cx, to| mutant::nt_create_mutant(cx, to, 0x1f_0001, UserPtr::new(0), owned))
    }

    fn timer(&self, kind: u32) -> Handle {
        self.made(|cx, to| timer::nt_create_timer(cx, to, ALL, UserPtr::new(0), kind))
    }

    fn time(&self, milliseconds: i64) -> UserPtr<i64> {
        self.fake.alloc(milliseconds * 10_000)
    }

    fn handles(&self, handles: &[Handle]) -> UserPtr<Handle> {
        let bytes: Vec<u8> = handles.iter().flat_map(|h| h.0.to_le_bytes()).collect();
        UserPtr::new(self.fake.alloc_bytes(&bytes))
    }
}

fn wait(cx: &Cx<'_>, handle: Handle, timeout: UserPtr<i64>) -> Nt {
    wait::nt_wait_for_single_object(cx, handle, false, timeout)
}

fn set(cx: &Cx<'_>, handle: Handle) -> Nt {
    event::nt_set_event(cx, handle, UserPtr::new(0))
}

const FOREVER: UserPtr<i64> = UserPtr::new(0);

#[test]
fn events_keep_or_lose_their_signal() {
    let m = Machine::new();
    let (cx, none) = (m.cx(), m.time(0));
    let (manual, auto) = (m.event(0, false), m.event(1, true));
    assert_eq!(wait(&cx, auto, none), Ok(STATUS_WAIT_0));
    assert_eq!(wait(&cx, auto, none), Ok(STATUS_TIMEOUT));
    assert_eq!(set(&cx, manual), Ok(STATUS_SUCCESS));
    let both = m.handles(&[auto, manual]);
    assert_eq!(wait::nt_wait_for_multiple_objects(&cx, 2, both, true, false, none), Ok(Status(1)));
    assert_eq!(wait::nt_wait_for_multiple_objects(&cx, 2, both, true, false, none), Ok(Status(1)));
    assert_eq!(wait::nt_wait_for_multiple_objects(&cx, 2, both, false, false, none), Ok(STATUS_TIMEOUT));
    let before = m.fake.alloc(9i32);
    assert_eq!(event::nt_pulse_event(&cx, manual, before), Ok(STATUS_SUCCESS));
    assert_eq!(before.read(m.k), Ok(1));
    assert_eq!(wait(&cx, manual, none), Ok(STATUS_TIMEOUT));
    assert_eq!(wait(&cx, Handle(0x4444), none), Err(STATUS_INVALID_HANDLE));
    let twice = m.handles(&[auto, auto]);
    assert_eq!(
        wait::nt_wait_for_multiple_objects(&cx, 2, twice, false, false, none),
        Err(STATUS_INVALID_PARAMETER_MIX)
    );
    assert_eq!(wait::nt_wait_for_multiple_objects(&cx, 65, twice, false, false, none), Err(STATUS_INVALID_PARAMETER_1));
    assert_eq!(cx.k.close_handle(auto), Ok(()));
    assert_eq!(set(&cx, auto), Err(STATUS_INVALID_HANDLE));
}

#[test]
fn a_remembered_handle_forgets_what_was_closed() {
    let m = Machine::new();
    let cx = m.cx();
    let first = m.event(0, false);
    assert_eq!(set(&cx, first), Ok(STATUS_SUCCESS));
    assert_eq!(cx.k.close_handle(first), Ok(()));
    // The number is used again, for something else.
    let second = m.semaphore(0, 1);
    assert_eq!(first, second);
    assert_eq!(set(&cx, first), Err(STATUS_OBJECT_TYPE_MISMATCH));
    assert_eq!(cx.k.ob.handles.set_access(second, 0, 0), Ok(()));
    assert_eq!(semaphore::nt_release_semaphore(&cx, second, 1, UserPtr::new(0)), Err(STATUS_ACCESS_DENIED));
}

#[test]
fn ping_pong_loses_no_turn() {
    const TURNS: u32 = 2000;
    let m = Machine::new();
    let (ping, pong) = (m.event(1, false), m.event(1, false));
    let other = m.fake.thread(m.k, move |cx| {
        for _ in 0..TURNS {
            assert_eq!(wait(cx, ping, FOREVER), Ok(STATUS_WAIT_0));
            assert_eq!(set(cx, pong), Ok(STATUS_SUCCESS));
        }
    });
    let cx = m.cx();
    for _ in 0..TURNS {
        assert_eq!(set(&cx, ping), Ok(STATUS_SUCCESS));
        assert_eq!(wait(&cx, pong, FOREVER), Ok(STATUS_WAIT_0));
    }
    assert!(other.join().is_ok());
}

#[test]
fn a_semaphore_lets_through_as_many_as_it_counts() {
    static INSIDE: AtomicU32 = AtomicU32::new(0);
    let m = Machine::new();
    let gate = m.semaphore(2, 2);
    let threads: Vec<_> = (0..6)
        .map(|_| {
            m.fake.thread(m.k, move |cx| {
                for _ in 0..200 {
                    assert_eq!(wait(cx, gate, FOREVER), Ok(STATUS_WAIT_0));
                    assert!(INSIDE.fetch_add(1, Ordering::SeqCst) < 2);
                    std::thread::yield_now();
                    INSIDE.fetch_sub(1, Ordering::SeqCst);
                    assert_eq!(semaphore::nt_release_semaphore(cx, gate, 1, UserPtr::new(0)), Ok(STATUS_SUCCESS));
                }
            })
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().is_ok()));
    let over = semaphore::nt_release_semaphore(&m.cx(), gate, 1, UserPtr::new(0));
    assert_eq!(over, Err(STATUS_SEMAPHORE_LIMIT_EXCEEDED));
}

#[test]
fn a_wait_for_all_takes_all_or_nothing() {
    const TURNS: u32 = 500;
    let m = Machine::new();
    let (a, b) = (m.event(1, false), m.event(1, false));
    let all = m.handles(&[a, b]);
    // Two threads need both, one takes a alone now and then: if a wait took one of two and slept, all would stand still.
    let taken: Vec<_> = (0..2)
        .map(|_| {
            m.fake.thread(m.k, move |cx| {
                for _ in 0..TURNS {
                    assert_eq!(
                        wait::nt_wait_for_multiple_objects(cx, 2, all, false, false, FOREVER),
                        Ok(STATUS_WAIT_0)
                    );
                    assert_eq!(set(cx, a), Ok(STATUS_SUCCESS));
                    assert_eq!(set(cx, b), Ok(STATUS_SUCCESS));
                }
            })
        })
        .collect();
    let thief = m.fake.thread(m.k, move |cx| {
        for _ in 0..TURNS {
            assert_eq!(wait(cx, a, FOREVER), Ok(STATUS_WAIT_0));
            std::thread::yield_now();
            assert_eq!(set(cx, a), Ok(STATUS_SUCCESS));
        }
    });
    let cx = m.cx();
    assert_eq!(set(&cx, b), Ok(STATUS_SUCCESS));
    assert_eq!(set(&cx, a), Ok(STATUS_SUCCESS));
    assert!(taken.into_iter().all(|thread| thread.join().is_ok()));
    assert!(thief.join().is_ok());
    // Both are signalled again, once each.
    assert_eq!(wait::nt_wait_for_multiple_objects(&cx, 2, all, false, false, m.time(0)), Ok(STATUS_WAIT_0));
    assert_eq!(wait(&cx, a, m.time(0)), Ok(STATUS_TIMEOUT));
    assert_eq!(wait(&cx, b, m.time(0)), Ok(STATUS_TIMEOUT));
}

#[test]
fn a_pulse_releases_those_who_wait_and_nobody_else() {
    let m = Machine::new();
    let (event, ready) = (m.event(0, false), m.semaphore(0, 9));
    let sleepers: Vec<_> = (0..3)
        .map(|_| {
            m.fake.thread(m.k, move |cx| {
                assert!(semaphore::nt_release_semaphore(cx, ready, 1, UserPtr::new(0)).is_ok());
                wait(cx, event, FOREVER)
            })
        })
        .collect();
    let cx = m.cx();
    for _ in 0..3 {
        assert_eq!(wait(&cx, ready, FOREVER), Ok(STATUS_WAIT_0));
    }
    std::thread::sleep(Duration::from_millis(20));
    assert!(event::nt_pulse_event(&cx, event, UserPtr::new(0)).is_ok());
    assert!(sleepers.into_iter().all(|thread| thread.join().is_ok_and(|status| status == Ok(STATUS_WAIT_0))));
    assert_eq!(wait(&cx, event, m.time(0)), Ok(STATUS_TIMEOUT));
}

#[test]
fn mutants_count_and_are_abandoned() {
    let m = Machine::new();
    let cx = m.cx();
    let mutant = m.mutant(true);
    let state = |expected: [u8; 6]| {
        let to = m.fake.alloc_bytes(&[0xcc; 8]);
        assert_eq!(mutant::nt_query_mutant(&cx, mutant, 0, to, 8, UserPtr::new(0)), Ok(STATUS_SUCCESS));
        let mut bytes = [0; 6];
        assert!(m.k.read_user(to, &mut bytes).is_ok());
        assert_eq!(bytes, expected);
    };
    let release = |before: i32| {
        let to = m.fake.alloc(99i32);
        assert_eq!(mutant::nt_release_mutant(&cx, mutant, to), Ok(STATUS_SUCCESS));
        assert_eq!(to.read(m.k), Ok(before));
    };
    state([0, 0, 0, 0, 1, 0]);
    assert_eq!(wait(&cx, mutant, FOREVER), Ok(STATUS_WAIT_0));
    state([0xff, 0xff, 0xff, 0xff, 1, 0]);
    release(-1);
    release(0);
    assert_eq!(mutant::nt_release_mutant(&cx, mutant, UserPtr::new(0)), Err(STATUS_MUTANT_NOT_OWNED));
    let other = m.fake.thread(m.k, move |cx| {
        assert_eq!(wait(cx, mutant, FOREVER), Ok(STATUS_WAIT_0));
        mutant::abandon_all(cx.k, cx.t);
    });
    assert!(other.join().is_ok());
    state([1, 0, 0, 0, 0, 1]);
    assert_eq!(wait(&cx, mutant, FOREVER), Ok(STATUS_ABANDONED_WAIT_0));
    state([0, 0, 0, 0, 1, 0]);
}

#[test]
fn one_thread_at_a_time_owns_a_mutant() {
    static OWNERS: AtomicU32 = AtomicU32::new(0);
    let m = Machine::new();
    let mutant = m.mutant(false);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            m.fake.thread(m.k, move |cx| {
                for _ in 0..300 {
                    assert_eq!(wait(cx, mutant, FOREVER), Ok(STATUS_WAIT_0));
                    assert_eq!(wait(cx, mutant, FOREVER), Ok(STATUS_WAIT_0));
                    assert_eq!(OWNERS.fetch_add(1, Ordering::SeqCst), 0);
                    OWNERS.fetch_sub(1, Ordering::SeqCst);
                    assert!(mutant::nt_release_mutant(cx, mutant, UserPtr::new(0)).is_ok());
                    assert!(mutant::nt_release_mutant(cx, mutant, UserPtr::new(0)).is_ok());
                }
            })
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().is_ok()));
}

#[test]
fn timers_signal_once_or_again_and_call() {
    let m = Machine::new();
    let cx = m.cx();
    let timer = m.timer(1);
    let set = |due, function, period| timer::nt_set_timer(&cx, timer, due, function, 7, false, period, UserPtr::new(0));
    assert_eq!(set(m.time(-5), 0, 0), Ok(STATUS_SUCCESS));
    assert_eq!(wait(&cx, timer, m.time(0)), Ok(STATUS_TIMEOUT));
    assert_eq!(wait(&cx, timer, m.time(-5000)), Ok(STATUS_WAIT_0));
    assert_eq!(wait(&cx, timer, m.time(-20)), Ok(STATUS_TIMEOUT));
    assert_eq!(set(m.time(0), 0, 2), Ok(STATUS_SUCCESS));
    for _ in 0..3 {
        assert_eq!(wait(&cx, timer, m.time(-5000)), Ok(STATUS_WAIT_0));
    }
    assert_eq!(timer::nt_cancel_timer(&cx, timer, UserPtr::new(0)), Ok(STATUS_SUCCESS));
    assert!(wait(&cx, timer, m.time(-1)).is_ok());
    assert_eq!(wait(&cx, timer, m.time(-20)), Ok(STATUS_TIMEOUT));
    // With a function, an alertable wait of the thread that set it ends.
    assert_eq!(set(m.time(-5), 0x1234, 0), Ok(STATUS_SUCCESS));
    assert_eq!(wait::nt_delay_execution(&cx, true, m.time(-5000)), Ok(STATUS_USER_APC));
    let called = m.t.apcs.lock().front().map(|apc| (apc.function, apc.arguments[0]));
    assert_eq!(called, Some((0x1234, 7)));
    // Cancelling takes back what was not delivered.
    assert_eq!(timer::nt_cancel_timer(&cx, timer, UserPtr::new(0)), Ok(STATUS_SUCCESS));
    assert!(m.t.apcs.lock().is_empty());
    assert_eq!(set(m.time(-5), 0, -1), Err(STATUS_INVALID_PARAMETER_6));
    // A date in the past is now.
    assert_eq!(set(m.time(1), 0, 0), Ok(STATUS_SUCCESS));
    assert_eq!(wait(&cx, timer, m.time(-5000)), Ok(STATUS_WAIT_0));
}

#[test]
fn keyed_events_pair_waiters_with_releasers() {
    let m = Machine::new();
    let cx = m.cx();
    let handle = m.made(|cx, to| keyed::nt_create_keyed_event(cx, to, 0xf_0003, UserPtr::new(0), 0));
    let other = m.fake.thread(m.k, move |cx| {
        for turn in 0..200u64 {
            let meet = if turn % 2 == 0 { keyed::nt_release_keyed_event } else { keyed::nt_wait_for_keyed_event };
            assert_eq!(meet(cx, handle, turn * 2, false, FOREVER), Ok(STATUS_SUCCESS));
        }
    });
    for turn in 0..200u64 {
        let meet = if turn % 2 == 0 { keyed::nt_wait_for_keyed_event } else { keyed::nt_release_keyed_event };
        assert_eq!(meet(&cx, handle, turn * 2, false, FOREVER), Ok(STATUS_SUCCESS));
    }
    assert!(other.join().is_ok());
    let short = m.time(-10);
    assert_eq!(keyed::nt_wait_for_keyed_event(&cx, handle, 8, false, short), Ok(STATUS_TIMEOUT));
    assert_eq!(keyed::nt_release_keyed_event(&cx, Handle(0), 8, false, short), Ok(STATUS_TIMEOUT));
    assert_eq!(keyed::nt_wait_for_keyed_event(&cx, handle, 9, false, short), Err(STATUS_INVALID_PARAMETER_1));
    let event = m.event(0, false);
    assert_eq!(keyed::nt_wait_for_keyed_event(&cx, event, 8, false, short), Err(STATUS_OBJECT_TYPE_MISMATCH));
}

#[test]
fn an_apc_ends_an_alertable_wait_only() {
    let m = Machine::new();
    let event = m.event(1, false);
    let cx = m.cx();
    apc::queue(m.k, &m.t, apc::Apc { function: 1, ..Default::default() });
    assert_eq!(wait(&cx, event, m.time(-1)), Ok(STATUS_TIMEOUT));
    assert_eq!(wait::nt_wait_for_single_object(&cx, event, true, FOREVER), Ok(STATUS_USER_APC));
    // What is signalled counts first.
    assert_eq!(set(&cx, event), Ok(STATUS_SUCCESS));
    assert_eq!(wait::nt_wait_for_single_object(&cx, event, true, FOREVER), Ok(STATUS_WAIT_0));
    for _ in 0..50 {
        let t = std::sync::mpsc::channel();
        let sleeper = m.fake.thread(m.k, move |cx| {
            let _ = t.0.send(cx.t.clone());
            wait::nt_wait_for_single_object(cx, event, true, FOREVER)
        });
        let Ok(thread) = t.1.recv() else { panic!() };
        apc::queue(m.k, &thread, apc::Apc { function: 1, ..Default::default() });
        assert_eq!(sleeper.join().ok(), Some(Ok(STATUS_USER_APC)));
    }
}

#[test]
fn alerts_by_number_are_remembered_once() {
    let m = Machine::new();
    let cx = m.cx();
    let me = Handle(m.t.id);
    assert_eq!(wait::nt_alert_thread_by_thread_id(&cx, me), Ok(STATUS_SUCCESS));
    assert_eq!(wait::nt_alert_thread_by_thread_id(&cx, me), Ok(STATUS_SUCCESS));
    assert_eq!(wait::nt_wait_for_alert_by_thread_id(&cx, 0, FOREVER), Ok(STATUS_ALERTED));
    assert_eq!(wait::nt_wait_for_alert_by_thread_id(&cx, 0, m.time(-5)), Ok(STATUS_TIMEOUT));
    assert_eq!(wait::nt_alert_thread_by_thread_id(&cx, Handle(0x7777_7770)), Err(STATUS_INVALID_CID));
    let other = m.fake.thread(m.k, move |cx| {
        for _ in 0..500 {
            assert_eq!(wait::nt_wait_for_alert_by_thread_id(cx, 0, FOREVER), Ok(STATUS_ALERTED));
            assert_eq!(wait::nt_alert_thread_by_thread_id(cx, me), Ok(STATUS_SUCCESS));
        }
    });
    let number = m.k.ps.threads().iter().map(|thread| thread.id).find(|id| *id != m.t.id);
    let number = number.unwrap_or_else(|| {
        std::thread::sleep(Duration::from_millis(50));
        m.k.ps.threads().iter().map(|thread| thread.id).find(|id| *id != m.t.id).unwrap_or_default()
    });
    for _ in 0..500 {
        assert_eq!(wait::nt_alert_thread_by_thread_id(&cx, Handle(number)), Ok(STATUS_SUCCESS));
        assert_eq!(wait::nt_wait_for_alert_by_thread_id(&cx, 0, FOREVER), Ok(STATUS_ALERTED));
    }
    assert!(other.join().is_ok());
}
