//! Dispatcher objects, names and members, with members that are killed at every single store.

use super::{Machine, WORDS, killed_after, memory, quietly};
use crate::host::fake::Fake;
use crate::ke::dispatcher::{Dispatcher, Kind, Seat};
use crate::ob::object::{Body, Object, Plain};
use crate::shm::Shm;
use crate::shm::layout;
use crate::shm::process::ProcessFacts;
use crate::shm::wait::{Begun, WAITING};
use crate::status::{STATUS_ABANDONED_WAIT_0, STATUS_PENDING, STATUS_TIMEOUT, STATUS_WAIT_0, Status};
use std::sync::atomic::{AtomicU32, Ordering};

/// A sandbox's memory, and the machine that its members run on.
pub struct Sandbox {
    pub machine: &'static Machine,
    pub words: &'static [AtomicU32],
}

/// A member, its record, and a thread of it.
pub struct Member {
    pub shm: Shm,
    pub record: u32,
    thread: u32,
    block: u32,
}

impl Sandbox {
    pub fn new() -> Sandbox {
        quietly();
        Sandbox { machine: Machine::leak(), words: memory(WORDS * 4) }
    }

    /// The same memory, empty again, on another machine.
    pub fn anew(&self) -> Sandbox {
        let used = self.words[layout::TOP as usize].load(Ordering::Relaxed).max(layout::HEAP) as usize;
        self.words[..used].iter().for_each(|word| word.store(0, Ordering::Relaxed));
        Sandbox { machine: Machine::leak(), words: self.words }
    }

    pub fn join(&self, number: u32) -> Member {
        let shm = Shm::new(self.words, self.machine, number);
        let mut tx = shm.begin();
        let facts = ProcessFacts { status: STATUS_PENDING.0, ..Default::default() };
        let process = tx.new_process(crate::ob::shared::number(crate::ob::types::Type::Process), &facts).unwrap();
        let record = tx.add_member(number, process, None).unwrap();
        let thread = tx.take_chunk(record, None).unwrap();
        let block = tx.new_block(record, thread, 8).unwrap();
        tx.commit().unwrap();
        Member { shm, record, thread, block }
    }

    pub fn kill(&self, by: &Member, member: &Member) {
        self.machine.bury(member.shm.me());
        assert!(by.shm.reap(member.shm.me()).unwrap());
        assert!(!by.shm.reap(member.shm.me()).unwrap(), "reaped twice");
    }
}

impl Member {
    fn make(&self, kind: Kind, state: u32, extra: u32, others: &[&Member]) -> u32 {
        let mut tx = self.shm.begin();
        let object = tx.new_object(1, kind, state, extra).unwrap();
        tx.hold(object, self.record, true).unwrap();
        for other in others {
            tx.hold(object, other.record, true).unwrap();
        }
        tx.commit().unwrap();
        object
    }

    fn begin(&self, objects: &[u32], all: bool) -> Begun {
        self.shm.begin_wait(self.block, objects, all, false).unwrap()
    }

    fn poll(&self, object: u32) -> Status {
        if let Some(status) = self.shm.try_acquire(object, self.thread) {
            return status;
        }
        match self.shm.begin_wait(self.block, &[object], false, true).unwrap() {
            Begun::Done(status) => status,
            Begun::Sleep => unreachable!(),
        }
    }

    fn result(&self) -> u32 {
        self.shm.result_of(self.block).load(Ordering::Relaxed)
    }
}

/// Who looks again and again sees the shared signal, as who acquires at once does.
#[test]
fn looking_again_acquires_what_is_shared() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let (fake, k) = Fake::kernel();
    let thread = fake.attach(k);
    let kinds = [(Kind::Notification, 0), (Kind::Synchronization, 0), (Kind::Semaphore, 0), (Kind::Mutant, b.thread)];
    let places = kinds.map(|(kind, state)| (kind, a.make(kind, state, u32::from(kind == Kind::Semaphore), &[&b])));
    let shm: &'static Shm = Box::leak(Box::new(Shm::new(sandbox.words, sandbox.machine, 1)));
    for (kind, object) in places {
        let object_there = Object::new(Dispatcher::seated(Seat { shm, object }), Body::Event(Plain));
        let again = || object_there.signal.try_again_for(&thread, &object_there);
        assert_eq!(again(), None, "{kind:?}");
        match kind {
            Kind::Semaphore => assert_eq!(b.shm.release(object, 1), Some(0)),
            Kind::Mutant => assert_eq!(b.shm.release_mutant(object, b.thread), Some(0)),
            _ => assert!(!b.shm.set(object)),
        }
        assert_eq!(again(), Some(STATUS_WAIT_0), "{kind:?}");
        let left = match kind {
            Kind::Notification => 1,
            Kind::Mutant => thread.id as u32,
            _ => 0,
        };
        assert_eq!(a.shm.count(object), left, "{kind:?}");
    }
}

#[test]
fn objects_count_and_hand_over() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let event = a.make(Kind::Synchronization, 0, 0, &[&b]);
    assert_eq!(a.poll(event), STATUS_TIMEOUT);
    assert!(!b.shm.set(event));
    assert!(b.shm.set(event));
    assert_eq!(a.poll(event), STATUS_WAIT_0);
    assert_eq!(b.begin(&[event], false), Begun::Sleep);
    assert!(!a.shm.set(event), "handed to the one who waits");
    assert_eq!(a.poll(event), STATUS_TIMEOUT);
    assert_eq!(b.shm.end_wait(b.block).unwrap(), Some(STATUS_WAIT_0));

    let semaphore = a.make(Kind::Semaphore, 1, 2, &[&b]);
    assert_eq!(b.shm.release(semaphore, 2), None);
    assert_eq!(b.shm.release(semaphore, 1), Some(1));
    assert_eq!((a.poll(semaphore), a.poll(semaphore), a.poll(semaphore)), (Status(0), Status(0), STATUS_TIMEOUT));

    let mutant = a.make(Kind::Mutant, 0, 0, &[&b]);
    assert_eq!((a.poll(mutant), a.poll(mutant), b.poll(mutant)), (Status(0), Status(0), STATUS_TIMEOUT));
    assert_eq!(b.shm.release_mutant(mutant, b.thread), None);
    assert_eq!(b.begin(&[event, mutant], false), Begun::Sleep);
    assert_eq!(a.shm.release_mutant(mutant, a.thread), Some(-1));
    assert_eq!(b.result(), WAITING);
    assert_eq!(a.shm.release_mutant(mutant, a.thread), Some(0));
    assert_eq!(b.shm.end_wait(b.block).unwrap(), Some(Status(1)));
    assert_eq!(b.shm.release_mutant(mutant, b.thread), Some(0));

    let manual = a.make(Kind::Notification, 0, 0, &[&b]);
    assert_eq!(b.begin(&[manual, event], true), Begun::Sleep);
    a.shm.set(manual);
    assert_eq!(b.result(), WAITING);
    a.shm.set(event);
    assert_eq!(b.shm.end_wait(b.block).unwrap(), Some(STATUS_WAIT_0));
    assert_eq!((a.shm.count(manual), a.shm.count(event)), (1, 0));
    a.shm.reset(manual);
    assert_eq!(b.begin(&[manual], false), Begun::Sleep);
    a.shm.pulse(manual);
    assert_eq!(b.shm.end_wait(b.block).unwrap(), Some(STATUS_WAIT_0));
    assert_eq!(a.shm.count(manual), 0);
    assert_eq!(b.begin(&[manual], false), Begun::Sleep);
    assert_eq!(b.shm.end_wait(b.block).unwrap(), None, "given up");
    a.shm.set(manual);
    assert_eq!(b.result(), WAITING, "nobody waits");
}

#[test]
fn many_waiters_are_more_than_a_transaction_has_room_for() {
    let sandbox = Sandbox::new();
    let a = sandbox.join(1);
    let event = a.make(Kind::Notification, 0, 0, &[]);
    let blocks: Vec<u32> = (0..3000)
        .map(|n| {
            let mut tx = a.shm.begin();
            let block = tx.new_block(a.record, 1 << 20 | n, 1).unwrap();
            tx.commit().unwrap();
            assert_eq!(a.shm.begin_wait(block, &[event], false, false).unwrap(), Begun::Sleep);
            block
        })
        .collect();
    a.shm.set(event);
    for block in blocks {
        assert_eq!(a.shm.end_wait(block).unwrap(), Some(STATUS_WAIT_0));
    }
}

/// Kills a member at each store of `act` in turn, until it survives; `check` looks at what is left.
fn at_any_store(
    prepare: impl Fn(&Sandbox) -> (Member, Member, u32),
    act: impl Fn(&Member, u32),
    check: impl Fn(&Sandbox, &Member, &Member, u32, bool),
) {
    let mut sandbox = Sandbox::new();
    for stores in 0.. {
        sandbox = sandbox.anew();
        let (witness, victim, object) = prepare(&sandbox);
        let killed = killed_after(&victim.shm, stores, |_| act(&victim, object));
        sandbox.kill(&witness, &victim);
        check(&sandbox, &witness, &victim, object, killed);
        assert_eq!(witness.shm.load(layout::LOCK), 0);
        if !killed {
            assert!(stores > 0);
            return;
        }
    }
}

#[test]
fn a_setter_killed_anywhere_signals_once_or_not_at_all() {
    let prepare = |sandbox: &Sandbox| {
        let (witness, victim) = (sandbox.join(1), sandbox.join(2));
        let event = witness.make(Kind::Synchronization, 0, 0, &[&victim]);
        assert_eq!(witness.begin(&[event], false), Begun::Sleep);
        (witness, victim, event)
    };
    let act = |victim: &Member, event: u32| {
        victim.shm.set(event);
    };
    at_any_store(prepare, act, |_, witness, _, event, killed| {
        assert_eq!(witness.shm.count(event), 0);
        if witness.result() == WAITING {
            assert!(killed);
            witness.shm.set(event);
        }
        assert_eq!(witness.shm.end_wait(witness.block).unwrap(), Some(STATUS_WAIT_0));
        assert_eq!(witness.poll(event), STATUS_TIMEOUT);
    });
}

#[test]
fn a_mutant_outlives_its_owner_killed_anywhere() {
    let prepare = |sandbox: &Sandbox| {
        let (witness, victim) = (sandbox.join(1), sandbox.join(2));
        let mutant = witness.make(Kind::Mutant, 0, 0, &[&victim]);
        (witness, victim, mutant)
    };
    let act = |victim: &Member, mutant: u32| {
        assert_eq!(victim.begin(&[mutant], false), Begun::Done(STATUS_WAIT_0));
        assert_eq!(victim.shm.try_acquire(mutant, victim.thread), Some(STATUS_WAIT_0));
        victim.shm.release_mutant(mutant, victim.thread);
    };
    at_any_store(prepare, act, |_, witness, _, mutant, killed| {
        let status = witness.poll(mutant);
        assert!(status == STATUS_ABANDONED_WAIT_0 || killed && status == STATUS_WAIT_0, "{status}");
        assert_eq!(witness.poll(mutant), STATUS_WAIT_0, "told once");
        assert_eq!(witness.shm.mutant_state(mutant), (witness.thread, 1, false));
    });
}

#[test]
fn a_waiter_killed_anywhere_is_forgotten() {
    let prepare = |sandbox: &Sandbox| {
        let (witness, victim) = (sandbox.join(1), sandbox.join(2));
        let event = witness.make(Kind::Synchronization, 0, 0, &[&victim]);
        (witness, victim, event)
    };
    let act = |victim: &Member, event: u32| {
        let other = victim.make(Kind::Notification, 0, 0, &[]);
        assert_eq!(victim.begin(&[event, other], true), Begun::Sleep);
        assert_eq!(victim.shm.end_wait(victim.block).unwrap(), None);
        assert_eq!(victim.begin(&[event, other], false), Begun::Sleep);
    };
    at_any_store(prepare, act, |_, witness, _, event, _| {
        assert!(!witness.shm.set(event));
        assert_eq!(witness.poll(event), STATUS_WAIT_0, "the signal does not go to the dead");
    });
}

#[test]
fn a_reaper_killed_anywhere_leaves_the_rest_to_the_next() {
    let mut sandbox = Sandbox::new();
    for stores in 0.. {
        sandbox = sandbox.anew();
        let (witness, reaper) = (sandbox.join(1), sandbox.join(2));
        let top = witness.shm.load(layout::TOP);
        let dead = sandbox.join(3);
        let mutants: Vec<u32> = (0..20).map(|_| witness.make(Kind::Mutant, 0, 0, &[&dead])).collect();
        mutants.iter().for_each(|mutant| assert_eq!(dead.poll(*mutant), STATUS_WAIT_0));
        let mut tx = witness.shm.begin();
        let process = tx.process_of(dead.record);
        tx.hold(process, witness.record, true).unwrap();
        tx.commit().unwrap();
        assert_eq!(witness.begin(&[process, mutants[7]], true), Begun::Sleep);
        sandbox.machine.bury(3);
        let killed = killed_after(&reaper.shm, stores, |shm| assert!(shm.reap(3).unwrap()));
        if killed {
            sandbox.machine.bury(2);
            witness.shm.reap(3).unwrap();
        }
        assert_eq!(witness.shm.end_wait(witness.block).unwrap(), Some(STATUS_ABANDONED_WAIT_0), "at {stores}");
        for (index, mutant) in mutants.iter().enumerate() {
            assert_eq!(witness.poll(*mutant), if index == 7 { STATUS_WAIT_0 } else { STATUS_ABANDONED_WAIT_0 });
        }
        assert_eq!(witness.shm.begin().members().len(), 2);
        assert!(witness.shm.load(layout::TOP) > top);
        if !killed {
            return;
        }
    }
}

#[test]
fn names_are_found_and_go_with_the_last_handle() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let path: Vec<u16> = "\\BaseNamedObjects\\Thing".encode_utf16().collect();
    let upper: Vec<u16> = "\\BASENAMEDOBJECTS\\THING".encode_utf16().collect();
    let mut tx = a.shm.begin();
    assert_eq!(tx.named(&path, true), None);
    let event = tx.new_object(1, Kind::Notification, 0, 0).unwrap();
    let by_a = tx.hold(event, a.record, true).unwrap();
    tx.name(event, &path).unwrap();
    tx.commit().unwrap();
    let mut tx = b.shm.begin();
    assert_eq!(tx.named(&path, false), Some(event));
    assert_eq!(tx.named(&upper, true), Some(event));
    assert_eq!(tx.named(&upper, false), None);
    assert_eq!(tx.path_of(event), Some(path.clone()));
    let by_b = tx.hold(event, b.record, true).unwrap();
    tx.close(by_a);
    assert_eq!(tx.named(&path, true), Some(event));
    tx.close(by_b);
    assert_eq!(tx.named(&path, true), None);
    assert!(tx.names().is_empty());
    tx.release(by_a);
    tx.release(by_b);
    tx.commit().unwrap();
    let mut tx = b.shm.begin();
    let again = tx.new_object(1, Kind::Notification, 0, 0).unwrap();
    assert_eq!(again, event, "its record is used again");
}

#[test]
fn the_dead_lose_their_names_and_numbers() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let mut tx = b.shm.begin();
    for n in 0..100u16 {
        let event = tx.new_object(1, Kind::Notification, 0, 0).unwrap();
        tx.hold(event, b.record, true).unwrap();
        tx.name(event, &[n + 65]).unwrap();
    }
    assert_eq!(tx.owner_of(b.thread + 4), Some(b.record));
    tx.commit().unwrap();
    sandbox.kill(&a, &b);
    let tx = a.shm.begin();
    assert!(tx.names().is_empty());
    assert_eq!(tx.owner_of(b.thread), None);
    assert_eq!(tx.owner_of(a.thread), Some(a.record));
}

#[test]
fn the_number_of_a_process_that_ended_is_its_own_while_somebody_holds_it() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let mut tx = a.shm.begin();
    let process = tx.process_of(b.record);
    let held = tx.hold(process, a.record, true).unwrap();
    let id = tx.id_of(b.record);
    tx.commit().unwrap();
    sandbox.kill(&a, &b);
    let mut tx = a.shm.begin();
    assert_eq!((tx.owner_of(id), tx.process_with(id)), (None, Some(process)));
    assert_ne!(tx.take_chunk(a.record, None).unwrap(), id);
    tx.release(held);
    assert_eq!(tx.process_with(id), None);
    assert_eq!(tx.take_chunk(a.record, None).unwrap(), id, "the lowest that is free");
}
