//! Members that are killed at every single store.

mod common;
mod files;
mod hosted;
mod hostile;
mod input;
mod journal;
mod mode;
mod outside;
mod pipes;
mod pipes_killed;
mod sound;
mod stations;
mod successors;
mod tray;
mod user;
mod waits;

use super::arena::Members;
use super::{Shm, layout};
use crate::host::Wake;
use parking_lot::{Condvar, Mutex};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What a killed member's thread unwinds with.
pub struct Killed;

thread_local! {
    static KILLED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// "Kills" the member whose thread this is.
pub fn kill() -> ! {
    KILLED.set(true);
    std::panic::panic_any(Killed)
}

/// Whether the thread's member was killed: it gives nothing back.
pub fn is_killed() -> bool {
    KILLED.get()
}

/// A machine that several members run on.
pub struct Machine {
    dead: Mutex<HashSet<u32>>,
    /// What was disposed of.
    pub done: Mutex<Vec<super::waste::Waste>>,
    sleepers: (Mutex<()>, Condvar),
    start: Instant,
}

impl Machine {
    pub fn leak() -> &'static Machine {
        Box::leak(Box::new(Machine {
            dead: Mutex::default(),
            done: Mutex::default(),
            sleepers: Default::default(),
            start: Instant::now(),
        }))
    }

    pub fn bury(&self, member: u32) {
        self.dead.lock().insert(member);
    }
}

impl Members for Machine {
    fn alive(&self, member: u32) -> bool {
        !self.dead.lock().contains(&member)
    }

    fn wait_shared(&self, word: &AtomicU32, expected: u32, deadline: Option<u64>) -> Wake {
        let mut guard = self.sleepers.0.lock();
        let until = deadline.map(|at| self.start + Duration::from_nanos(at));
        while word.load(Ordering::Acquire) == expected {
            match until {
                None => self.sleepers.1.wait(&mut guard),
                Some(until) if self.sleepers.1.wait_until(&mut guard, until).timed_out() => return Wake::TimedOut,
                Some(_) => {}
            }
        }
        Wake::Look
    }

    fn wake_shared(&self, _: &AtomicU32, _: u32) {
        drop(self.sleepers.0.lock());
        self.sleepers.1.notify_all();
    }

    fn dispose(&'static self, waste: &super::waste::Waste) {
        self.done.lock().push(waste.clone());
    }

    fn monotonic(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }
}

/// Fresh memory.
pub fn memory(words: usize) -> &'static [AtomicU32] {
    Box::leak((0..words).map(|_| AtomicU32::new(0)).collect())
}

const WORDS: usize = layout::HEAP as usize + 0x8000;

/// Runs `act` as a member that is killed after so many stores; answers whether it was.
pub fn killed_after(shm: &Shm, stores: i64, act: impl FnOnce(&Shm)) -> bool {
    shm.fuel.store(stores, Ordering::Relaxed);
    let end = catch_unwind(AssertUnwindSafe(|| act(shm)));
    shm.fuel.store(i64::MAX, Ordering::Relaxed);
    KILLED.set(false);
    match end {
        Ok(()) => false,
        Err(payload) if payload.is::<Killed>() => true,
        Err(payload) => std::panic::resume_unwind(payload),
    }
}

thread_local! {
    /// Looks at words that the thread has left, while somebody counts them.
    static LOOKS: std::cell::Cell<u64> = const { std::cell::Cell::new(u64::MAX) };
}

/// Somebody looks at a word: who does so without end is told.
pub fn look() {
    let left = LOOKS.get();
    if left != u64::MAX {
        assert!(left != 0, "looks without end");
        LOOKS.set(left - 1);
    }
}

/// From now on the calling thread may look so often; `u64::MAX`: nobody counts.
pub fn limit_looks(looks: u64) {
    LOOKS.set(looks);
}

/// No backtrace for a member's death.
pub fn quietly() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.payload().is::<Killed>() {
                before(info);
            }
        }));
    });
}

#[test]
#[should_panic = "a thread begins a transaction within another"]
fn a_thread_that_would_wait_for_itself_ends_the_process() {
    let shm = Shm::new(memory(WORDS), Machine::leak(), 1);
    let _outer = shm.begin();
    drop(shm.begin());
}

#[test]
fn a_transaction_ends_with_its_value_and_another_may_begin() {
    let shm = Shm::new(memory(WORDS), Machine::leak(), 1);
    drop(shm.begin());
    shm.begin().commit().unwrap();
    assert_eq!(shm.load(layout::LOCK), 0);
    super::tx::assert_none_open();
}

/// Free and used blocks; every word between heap and top is in exactly one.
fn account(shm: &Shm) -> (usize, usize) {
    let tx = shm.begin();
    let mut free = HashSet::new();
    for size in 0..layout::SIZES {
        let mut block = tx.get(layout::FREE + size);
        while block != 0 {
            assert!(free.insert(block), "a block is free twice");
            block = tx.get(block - 1);
        }
    }
    let top = tx.get(layout::TOP).max(layout::HEAP);
    let (mut at, mut used) = (layout::HEAP, 0);
    while at < top {
        // A used block's header is its size; a free one of 4 words is all that these tests make.
        used += usize::from(!free.contains(&(at + 1)));
        at += 4;
    }
    assert_eq!(at, top);
    (free.len(), used)
}

#[test]
fn nothing_happens_without_a_commit() {
    let shm = Shm::new(memory(WORDS), Machine::leak(), 1);
    let mut tx = shm.begin();
    tx.set(layout::ROOTS, 7);
    assert_eq!(tx.get(layout::ROOTS), 7);
    drop(tx);
    assert_eq!(shm.load(layout::ROOTS), 0);
    assert_eq!(shm.load(layout::LOCK), 0);
}

#[test]
fn a_large_transaction_is_whole_and_a_too_large_one_refused() {
    let shm = Shm::new(memory(WORDS), Machine::leak(), 1);
    let mut tx = shm.begin();
    for i in 0..layout::LOG_ENTRIES {
        tx.set(layout::HEAP + i, i + 1);
    }
    for i in 0..layout::LOG_ENTRIES {
        assert_eq!(tx.get(layout::HEAP + i), i + 1);
    }
    tx.commit().unwrap();
    assert_eq!(shm.load(layout::HEAP + layout::LOG_ENTRIES - 1), layout::LOG_ENTRIES);
    let mut tx = shm.begin();
    for i in 0..=layout::LOG_ENTRIES {
        tx.set(layout::HEAP + i, 0);
    }
    assert!(tx.commit().is_err());
    assert_eq!(shm.load(layout::HEAP), 1);
}

#[test]
fn a_member_killed_at_any_store_leaves_all_or_nothing() {
    quietly();
    let machine = Machine::leak();
    let words = memory(WORDS);
    let other = Shm::new(words, machine, 1);
    let mut survived = 0;
    for stores in 0.. {
        let member = 100 + stores as u32;
        let shm = Shm::new(words, machine, member);
        // A list of blocks at ROOTS: each transaction replaces the first by two. What it saw is what it leaves or made.
        let before = (other.load(layout::ROOTS), other.load(layout::ROOTS + 1));
        let killed = killed_after(&shm, stores, |shm| {
            let mut tx = shm.begin();
            let old = tx.get(layout::ROOTS);
            let (a, b) = (tx.allocate(2).unwrap(), tx.allocate(3).unwrap());
            tx.fill(a, b);
            tx.fill(b, 0xb);
            if old != 0 {
                let second = tx.get(old);
                tx.free(second);
                tx.free(old);
            }
            tx.set(layout::ROOTS, a);
            tx.set(layout::ROOTS + 1, stores as u32 + 1);
            tx.commit().unwrap();
        });
        if killed {
            machine.bury(member);
        } else {
            survived += 1;
        }
        let (free, used) = account(&other);
        let after = (other.load(layout::ROOTS), other.load(layout::ROOTS + 1));
        if after.0 != 0 {
            assert_eq!(used, 2, "after {stores} stores");
            assert_eq!(other.load(other.load(after.0)), 0xb);
        }
        assert!(free <= 4, "blocks are lost");
        assert!(after == before || after.1 == stores as u32 + 1, "half a transaction after {stores} stores");
        assert_eq!(other.load(layout::LOCK), 0);
        if survived == 2 {
            break;
        }
    }
}

#[test]
fn bytes_and_large_blocks() {
    let shm = Shm::new(memory(WORDS), Machine::leak(), 1);
    let mut tx = shm.begin();
    let text: Vec<u8> = (0..=255).cycle().take(1001).collect();
    let block = tx.allocate_bytes(&text).unwrap();
    assert_eq!(tx.bytes(block), text);
    tx.commit().unwrap();
    let mut tx = shm.begin();
    assert_eq!(tx.bytes(block), text);
    tx.free(block);
    assert_ne!(tx.allocate(255), Some(block), "what is freed is in use until the commit");
    drop(tx);
    let mut tx = shm.begin();
    tx.free(block);
    tx.commit().unwrap();
    let mut tx = shm.begin();
    let again = tx.allocate(255).unwrap();
    assert_eq!(again, block);
    assert!((again..again + 255).all(|place| tx.get(place) == 0), "a block begins as zeros");
    assert!(tx.allocate(u32::MAX / 8).is_none());
}

#[test]
fn what_large_blocks_had_is_there_for_small_ones() {
    let shm = Shm::new(memory(WORDS), Machine::leak(), 1);
    let given = vec![7; 4000];
    let mut tx = shm.begin();
    let large: Vec<u32> = std::iter::from_fn(|| tx.allocate_given(&given)).collect();
    tx.commit().unwrap();
    // They leave a quarter, which little blocks have, and end then.
    let mut tx = shm.begin();
    assert!(tx.allocate_given(&given[..100]).is_some() && tx.allocate_given(&given).is_none());
    assert!(std::iter::from_fn(|| tx.allocate(100)).count() > WORDS / 4 / 128 - 20);
    assert!(tx.allocate(100).is_none());
    drop(tx);
    let mut tx = shm.begin();
    let small: Vec<u32> = std::iter::from_fn(|| tx.allocate(7)).take(1000).collect();
    large.iter().for_each(|block| tx.free(*block));
    tx.commit().unwrap();
    let rest: Vec<u32> = std::iter::from_fn(|| {
        let mut tx = shm.begin();
        let block = tx.allocate(7)?;
        tx.commit().unwrap();
        Some(block)
    })
    .collect();
    assert!(rest.len() > large.len() * 1024 / 8, "{} of {}", rest.len(), large.len());
    let mut all: Vec<u32> = small.into_iter().chain(rest).collect();
    all.sort_unstable();
    assert!(all.windows(2).all(|two| two[1] - two[0] >= 8), "none lies in another");
    assert!(all.iter().all(|block| *block >= layout::HEAP && *block as usize + 7 <= WORDS));
}

#[test]
fn who_has_little_gets_some_of_a_memory_that_others_used_up() {
    let sandbox = waits::Sandbox::new();
    let (greedy, modest) = (sandbox.join(2), sandbox.join(3));
    let mut tx = greedy.shm.begin();
    tx.set(greedy.record + super::member::field::HOLDS, super::member::LITTLE);
    tx.commit().unwrap();
    let takes = |member: &waits::Member| {
        let mut tx = member.shm.begin();
        let took = tx.allocate(1000).is_some();
        tx.commit().unwrap();
        took
    };
    while takes(&greedy) {}
    assert!((0..10).all(|_| takes(&modest)), "the last eighth is for it");
    // It is no longer one that has little.
    let mut tx = modest.shm.begin();
    tx.set(modest.record + super::member::field::USER_HANDLES, super::member::LITTLE);
    tx.commit().unwrap();
    assert!(!takes(&modest) && !takes(&greedy));
}

#[test]
fn what_small_blocks_had_is_there_for_large_ones_whoever_is_killed_over_it() {
    quietly();
    let machine = Machine::leak();
    for stores in 0.. {
        let words = memory(WORDS);
        let (shm, other) = (Shm::new(words, machine, 1), Shm::new(words, machine, 2 + stores as u32));
        let mut tx = shm.begin();
        // One of them stays.
        let mut blocks: Vec<u32> = std::iter::from_fn(|| tx.allocate(255)).collect();
        tx.commit().unwrap();
        let kept = blocks.remove(20);
        let mut tx = shm.begin();
        blocks.iter().for_each(|block| tx.free(*block));
        tx.commit().unwrap();
        let mut tx = shm.begin();
        assert!(tx.allocate(4000).is_none());
        drop(tx);
        let killed = killed_after(&other, stores, |shm| shm.merge_free().unwrap());
        if killed {
            machine.bury(2 + stores as u32);
            shm.merge_free().unwrap();
        }
        let mut tx = shm.begin();
        let large: Vec<u32> = std::iter::from_fn(|| tx.allocate(4000)).collect();
        assert!(large.len() >= 6, "{} after {stores} stores", large.len());
        let apart = |block: &u32| *block + 4000 <= kept || kept + 256 <= *block;
        assert!(large.iter().all(apart) && large.iter().all(|block| *block as usize + 4000 <= WORDS));
        tx.commit().unwrap();
        if !killed {
            break;
        }
    }
}

#[test]
fn members_take_turns() {
    let machine = Machine::leak();
    let words = memory(WORDS);
    let threads: Vec<_> = (1..=4)
        .map(|me| {
            let shm = Arc::new(Shm::new(words, machine, me));
            std::thread::spawn(move || {
                for _ in 0..500 {
                    let mut tx = shm.begin();
                    let (a, b) = (tx.get(layout::ROOTS), tx.get(layout::ROOTS + 1));
                    assert_eq!(a, b);
                    tx.set(layout::ROOTS, a + 1);
                    tx.set(layout::ROOTS + 1, b + 1);
                    tx.commit().unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(words[layout::ROOTS as usize].load(Ordering::Relaxed), 2000);
}
