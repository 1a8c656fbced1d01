//! Files and jobs, with members that are killed at every single store.

use super::killed_after;
use super::waits::{Member, Sandbox};
use crate::io::file::{FILE_READ_DATA, FILE_WRITE_DATA};
use crate::ke::dispatcher::Kind;
use crate::ob::shared::number;
use crate::ob::types::Type;
use crate::shm::Shm;
use crate::shm::file::{Bytes, DELETE_ON_CLOSE, Key};
use crate::shm::job::{LIMITS, field, limit};
use crate::shm::member::UNBORN;
use crate::shm::port::Found;
use crate::shm::process::ProcessFacts;
use crate::shm::waste::Waste;
use crate::status::*;
use std::sync::atomic::Ordering;

const KEY: Key = (7, 1 << 40 | 9);
const READ: (u32, u32) = (FILE_READ_DATA, 7);
const ALONE: (u32, u32) = (FILE_READ_DATA | FILE_WRITE_DATA, 0);

fn open(shm: &Shm, record: u32, wanted: (u32, u32)) -> Nt<u32> {
    let mut tx = shm.begin();
    let opening = tx.open_file(record, KEY, "file:C:/A", wanted, |a, b| a.eq_ignore_ascii_case(b), true)?;
    tx.commit()?;
    Ok(opening)
}

fn bytes(opening: u32, start: u64, last: u64) -> Bytes {
    Bytes { opening, key: 0, start, last, exclusive: true }
}

fn close(shm: &Shm, opening: u32) {
    let mut tx = shm.begin();
    tx.close_file(opening);
    tx.commit().unwrap();
    shm.dispose().unwrap();
}

/// Opens, locks, has the name go, and closes.
fn use_file(shm: &Shm, record: u32) {
    let opening = open(shm, record, READ).unwrap();
    let mut tx = shm.begin();
    tx.set_opening_flags(opening, DELETE_ON_CLOSE);
    tx.lock_bytes(&bytes(opening, 10, 19)).unwrap();
    tx.commit().unwrap();
    close(shm, opening);
}

fn is_forgotten(shm: &Shm) -> bool {
    shm.begin().file_with(KEY).is_none()
}

#[test]
fn share_modes_and_locks_are_all_members() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let one = open(&a.shm, a.record, (FILE_READ_DATA, 1)).unwrap();
    assert_eq!(open(&b.shm, b.record, ALONE), Err(STATUS_SHARING_VIOLATION));
    let other = open(&b.shm, b.record, READ).unwrap();
    let mut tx = a.shm.begin();
    tx.lock_bytes(&bytes(one, 10, 19)).unwrap();
    tx.commit().unwrap();
    let mut tx = b.shm.begin();
    assert!(tx.is_hindered(&bytes(other, 19, 30)) && !tx.is_hindered(&bytes(other, 20, u64::MAX)));
    assert!(tx.are_locked(&Bytes { exclusive: false, ..bytes(other, 0, 10) }));
    assert!(!tx.are_locked(&Bytes { key: 0, ..bytes(one, 0, 10) }));
    tx.set_pending(other, true);
    tx.commit().unwrap();
    assert_eq!(open(&a.shm, a.record, READ), Err(STATUS_DELETE_PENDING));
    close(&b.shm, other);
    assert!(sandbox.machine.done.lock().is_empty(), "somebody has it open still");
    sandbox.kill(&b, &a);
    assert!(matches!(sandbox.machine.done.lock().as_slice(), [Waste::Name(_, name)] if name.ends_with(b"file:C:/A")));
    assert!(is_forgotten(&b.shm));
}

#[test]
fn a_member_killed_anywhere_leaves_no_file_open() {
    let mut sandbox = Sandbox::new();
    for stores in 0.. {
        sandbox = sandbox.anew();
        let (witness, dead) = (sandbox.join(1), sandbox.join(2));
        let killed = killed_after(&dead.shm, stores, |shm| use_file(shm, dead.record));
        sandbox.kill(&witness, &dead);
        assert!(is_forgotten(&witness.shm), "at {stores}");
        let alone = open(&witness.shm, witness.record, ALONE).unwrap();
        close(&witness.shm, alone);
        // What was done twice is the same name.
        assert!(sandbox.machine.done.lock().iter().all(|waste| matches!(waste, Waste::Name(..))));
        if !killed {
            return;
        }
    }
}

/// A job that the member has a handle to.
fn make_job(of: &Member, flags: u32) -> u32 {
    let mut tx = of.shm.begin();
    let job = tx.new_object(number(Type::Job), Kind::Notification, 0, 0).unwrap();
    tx.make_job(job).unwrap();
    tx.hold(job, of.record, true).unwrap();
    let mut limits = [0; LIMITS];
    limits[4] = flags;
    limits[10] = 1;
    tx.set_job_words(job, field::LIMITS, &limits);
    tx.commit().unwrap();
    job
}

#[test]
fn jobs_count_and_end_with_their_last_handle() {
    let sandbox = Sandbox::new();
    let (holder, inside, witness) = (sandbox.join(1), sandbox.join(2), sandbox.join(3));
    let job = make_job(&holder, limit::KILL_ON_JOB_CLOSE | limit::ACTIVE_PROCESS);
    let mut tx = holder.shm.begin();
    let ports = [42, 43].map(|_| {
        let port = tx.new_object(number(Type::IoCompletion), Kind::Notification, 0, 0).unwrap();
        tx.make_port(port, core::iter::empty()).unwrap();
        tx.hold(port, holder.record, true).unwrap();
        port
    });
    assert!(tx.set_job_port(job, ports[0], 42) && !tx.set_job_port(job, ports[1], 43));
    let process = tx.process_of(inside.record);
    assert_eq!(tx.enter_job(process, job), Ok(false));
    assert_eq!(tx.enter_job(process, job), Ok(false));
    assert_eq!(tx.job_words::<2>(job, field::ACTIVE), [1, 1]);
    assert!(tx.is_in_job(process, job) && tx.processes_in(job) == [process]);
    // One too many.
    assert_eq!(tx.enter_job(tx.process_of(witness.record), job), Ok(true));
    tx.commit().unwrap();
    let told = |port: u32| -> Vec<u64> {
        match holder.shm.take_packets(port, 8, None).unwrap() {
            Found::Packets(packets) => packets.iter().map(|packet| packet.key * 100 + packet.information).collect(),
            _ => Vec::new(),
        }
    };
    // A new one, and one too many.
    assert_eq!(told(ports[0]), [4206, 4203]);
    // Nobody hears what is told now; then another port says what is there.
    let mut tx = holder.shm.begin();
    assert!(tx.set_job_port(job, 0, 0) && tx.set_job_port(job, ports[1], 43));
    tx.commit().unwrap();
    assert_eq!((told(ports[0]), told(ports[1])), (vec![], vec![4306, 4306]));
    sandbox.kill(&holder, &witness);
    assert_eq!(told(ports[1]), [4307]);
    let mut tx = holder.shm.begin();
    tx.last_job_handle(job);
    tx.commit().unwrap();
    holder.shm.dispose().unwrap();
    assert_eq!(core::mem::take(&mut *sandbox.machine.done.lock()), [Waste::End(2, 0)]);
    sandbox.kill(&holder, &inside);
    assert_eq!(told(ports[1]), [4307, 4304]);
}

#[test]
fn jobs_limit_memory_and_time() {
    use crate::shm::limits::{Limits, limit as kept};
    use crate::shm::process::Used;
    let sandbox = Sandbox::new();
    let (one, two) = (sandbox.join(1), sandbox.join(2));
    let (outer, inner) = (make_job(&one, 0), make_job(&one, 0));
    let set = |job: u32, flags: u32, at: usize, value: u32| {
        let mut tx = one.shm.begin();
        let mut limits: [u32; LIMITS] = tx.job_words(job, field::LIMITS);
        (limits[4], limits[at]) = (flags, value);
        tx.set_job_words(job, field::LIMITS, &limits);
        if flags & kept::JOB_TIME != 0 {
            tx.begin_job_time(job);
        }
        tx.commit().unwrap();
    };
    let mut tx = one.shm.begin();
    let (first, second) = (tx.process_of(one.record), tx.process_of(two.record));
    for process in [first, second] {
        tx.enter_job(process, outer).unwrap();
    }
    tx.enter_job(second, inner).unwrap();
    tx.commit().unwrap();
    assert_eq!(one.shm.begin().limits_of(second), Limits::default());
    set(outer, kept::PROCESS_MEMORY | kept::PRIORITY_CLASS, 28, 0x5000);
    set(inner, kept::PROCESS_MEMORY | kept::AFFINITY, 28, 0x3000);
    let limits = one.shm.begin().limits_of(second);
    assert_eq!((limits.memory, limits.affinity, limits.class), (Some(0x3000), Some(0), Some(0)));
    assert_eq!(one.shm.begin().limits_of(first).memory, Some(0x5000));
    let much = |process, bytes| one.shm.begin().is_too_much(process, bytes);
    assert!(!much(first, 0x5000) && much(first, 0x6000) && !much(second, 0x3000) && much(second, 0x4000));
    // All together, of which one has two pages.
    set(inner, 0, 28, 0);
    set(outer, kept::JOB_MEMORY, 30, 0x6000);
    one.shm.word(one.shm.begin().committed_of(second)).store(2, Ordering::Relaxed);
    assert!(!much(first, 0x4000) && much(first, 0x5000) && !much(second, 0x6000) && much(second, 0x7000));
    // Time that was used before the limit does not count.
    let spend = |process, user| {
        let mut tx = one.shm.begin();
        tx.spend_time(process, &Used { user, ..Default::default() });
        tx.commit().unwrap();
        one.shm.dispose().unwrap();
        core::mem::take(&mut *sandbox.machine.done.lock())
    };
    assert_eq!(spend(second, 100), []);
    set(outer, kept::JOB_TIME, 2, 50);
    assert_eq!((spend(second, 120), spend(first, 30)), (vec![], vec![]));
    let ended = spend(first, 31);
    assert!(ended.contains(&Waste::End(2, 1816)), "{ended:?}");
}

#[test]
fn a_member_killed_anywhere_leaves_its_job() {
    let mut sandbox = Sandbox::new();
    for stores in 0.. {
        sandbox = sandbox.anew();
        let (witness, dead) = (sandbox.join(1), sandbox.join(2));
        let job = make_job(&witness, 0);
        let inner = make_job(&witness, 0);
        let killed = killed_after(&dead.shm, stores, |shm| {
            for job in [job, inner] {
                let mut tx = shm.begin();
                tx.enter_job(tx.process_of(dead.record), job).unwrap();
                tx.commit().unwrap();
            }
        });
        sandbox.kill(&witness, &dead);
        let tx = witness.shm.begin();
        let counts = [job, inner].map(|job| tx.job_words::<2>(job, field::ACTIVE));
        assert!(counts.iter().all(|[active, total]| *active == 0 && *total <= 1), "{counts:?} at {stores}");
        assert!(tx.processes_in(job).is_empty());
        if !killed {
            assert_eq!(counts, [[0, 1], [0, 1]]);
            return;
        }
    }
}

#[test]
fn a_program_is_started_once_and_anew_when_it_ended() {
    let mut sandbox = Sandbox::new();
    for stores in 0.. {
        sandbox = sandbox.anew();
        let (witness, dead) = (sandbox.join(1), sandbox.join(2));
        let killed = killed_after(&dead.shm, stores, |shm| {
            let mut tx = shm.begin();
            let process = tx.new_process(1, &ProcessFacts::default()).unwrap();
            tx.add_member(UNBORN, process, None).unwrap();
            tx.set_summoned(0, process, dead.record);
            tx.commit().unwrap();
        });
        sandbox.kill(&witness, &dead);
        // Whoever looks next knows who was about to start it, and that nobody will.
        let mut tx = witness.shm.begin();
        if let Some(process) = tx.summoned(0) {
            let (member, maker) = tx.unborn_summoned(0).unwrap();
            assert_eq!((tx.process_of(member), maker), (process, 2));
            tx.forget_member(member);
        }
        assert_eq!((tx.summoned(0), tx.unborn_summoned(0), tx.summoned(1)), (None, None, None), "at {stores}");
        tx.commit().unwrap();
        if !killed {
            break;
        }
    }
    // One that began is the one until it is gone.
    let (witness, program) = (sandbox.join(3), sandbox.join(4));
    let mut tx = witness.shm.begin();
    let process = tx.process_of(program.record);
    tx.set_summoned(0, process, witness.record);
    tx.commit().unwrap();
    let tx = witness.shm.begin();
    assert_eq!((tx.summoned(0), tx.unborn_summoned(0)), (Some(process), None));
    drop(tx);
    sandbox.kill(&witness, &program);
    assert_eq!(witness.shm.begin().summoned(0), None);
}

#[test]
fn a_name_goes_with_its_object_though_nobody_ever_had_a_handle() {
    let sandbox = Sandbox::new();
    let (witness, dead) = (sandbox.join(1), sandbox.join(2));
    let path: Vec<u16> = "\\BaseNamedObjects\\x".encode_utf16().collect();
    let mut tx = dead.shm.begin();
    let event = tx.new_object(number(Type::Event), Kind::Notification, 0, 0).unwrap();
    tx.hold(event, dead.record, false).unwrap();
    tx.name(event, &path).unwrap();
    tx.commit().unwrap();
    assert_eq!(witness.shm.begin().named(&path, false), Some(event));
    sandbox.kill(&witness, &dead);
    assert_eq!(witness.shm.begin().named(&path, false), None);
}
