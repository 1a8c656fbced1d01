//! Timers, completion ports and directories, with members that are killed at every single store.

use super::killed_after;
use super::pipes_killed::used;
use super::waits::{Member, Sandbox};
use crate::io::completion::Packet;
use crate::ke::dispatcher::Kind;
use crate::ob::shared::number;
use crate::ob::types::Type;
use crate::shm::debug::Told;
use crate::shm::port::{Found, brought};
use crate::shm::request::Asker;
use crate::shm::timer::Setting;
use crate::shm::waste::Waste;
use crate::shm::{Shm, Tx};
use crate::status::*;

/// A new object of a type for members, all with handles.
fn make(by: &Member, kind: Type, signal: Kind, all: &[&Member], fill: impl FnOnce(&mut Tx<'_>, u32)) -> u32 {
    let mut tx = by.shm.begin();
    let object = tx.new_object(number(kind), signal, 0, 0).unwrap();
    fill(&mut tx, object);
    for member in all {
        tx.hold(object, member.record, true).unwrap();
    }
    tx.commit().unwrap();
    object
}

fn release(member: &Member, object: u32) {
    let mut tx = member.shm.begin();
    let reference = tx.reference_of(member.record, object).unwrap();
    tx.release(reference);
    tx.commit().unwrap();
}

fn wide(n: u64) -> Packet {
    Packet { key: n << 33 | 1, context: !n, status: Status(n as u32), information: n << 40 }
}

#[test]
fn packets_go_to_the_last_that_waits_and_else_in_order() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let port = make(&a, Type::IoCompletion, Kind::Notification, &[&a, &b], |tx, port| {
        tx.make_port(port, [wide(1)].into_iter()).unwrap();
    });
    a.shm.post_packet(port, &wide(2)).unwrap();
    b.shm.post_packet(port, &wide(3)).unwrap();
    assert_eq!((a.shm.port_depth(port), a.shm.count(port)), (3, 1));
    assert_eq!(b.shm.take_packets(port, 2, None), Ok(Found::Packets(vec![wide(1), wide(2)])));
    assert_eq!(a.shm.take_packets(port, 2, None), Ok(Found::Packets(vec![wide(3)])));
    assert_eq!((a.shm.port_depth(port), a.shm.count(port)), (0, 0));
    let waits = |of: &Member| match of.shm.take_packets(port, 1, Some(of.record)) {
        Ok(Found::Nothing(Some(request))) => request,
        other => panic!("{other:?}"),
    };
    let (first, second, third) = (waits(&a), waits(&b), waits(&a));
    assert_eq!(a.shm.withdraw_request(third), Ok(true));
    a.shm.post_packet(port, &wide(4)).unwrap();
    assert_eq!(b.shm.withdraw_request(second), Ok(false));
    let done = b.shm.end_request(second).unwrap();
    assert_eq!((done.status, brought(&done.data)), (STATUS_SUCCESS, Some(wide(4))));
    release(&a, port);
    release(&b, port);
    assert_eq!(a.shm.end_request(first).unwrap().status, STATUS_ABANDONED_WAIT_0);
}

#[test]
fn a_member_killed_at_any_store_leaves_a_port_sound() {
    let sandbox = Sandbox::new();
    for stores in 0.. {
        let sandbox = sandbox.anew();
        let (a, b) = (sandbox.join(1), sandbox.join(2));
        let before = used(&a.shm);
        let port = make(&a, Type::IoCompletion, Kind::Notification, &[&a, &b], |tx, port| {
            tx.make_port(port, std::iter::empty()).unwrap();
        });
        let killed = killed_after(&b.shm, stores, |shm| {
            let Ok(Found::Nothing(Some(waiting))) = shm.take_packets(port, 1, Some(b.record)) else { panic!() };
            shm.post_packet(port, &wide(1)).unwrap();
            shm.end_request(waiting).unwrap();
            shm.post_packet(port, &wide(2)).unwrap();
            shm.post_packet(port, &wide(3)).unwrap();
            shm.take_packets(port, 1, None).unwrap();
        });
        sandbox.kill(&a, &b);
        // Nobody waits any more: what is posted is there, behind what is left.
        a.shm.post_packet(port, &wide(9)).unwrap();
        let Ok(Found::Packets(left)) = a.shm.take_packets(port, 9, None) else { panic!("after {stores} stores") };
        assert_eq!(left.last(), Some(&wide(9)));
        assert!(
            left.len() <= 3 && left.iter().rev().skip(1).all(|packet| [wide(2), wide(3), wide(1)].contains(packet))
        );
        assert_eq!((a.shm.port_depth(port), a.shm.count(port)), (0, 0), "after {stores} stores");
        release(&a, port);
        a.shm.collect().unwrap();
        // One member and its block are gone as well.
        assert!(used(&a.shm) < before, "after {stores} stores");
        if !killed {
            break;
        }
    }
}

#[test]
fn what_lies_in_a_port_goes_with_its_last_handle() {
    let sandbox = Sandbox::new();
    let a = sandbox.join(1);
    let before = used(&a.shm);
    let port = make(&a, Type::IoCompletion, Kind::Notification, &[&a], |tx, port| {
        tx.make_port(port, (0..300).map(wide)).unwrap();
    });
    let file = make(&a, Type::File, Kind::Notification, &[&a], |tx, file| {
        tx.describe(file, b"file", 0).unwrap();
        tx.bind_file(file, port, 7);
    });
    release(&a, port);
    a.shm.collect().unwrap();
    // A file that is bound to it needs the record still.
    assert!(a.shm.post_for_file(file, 1, STATUS_SUCCESS, 2) && a.shm.is_bound(file));
    assert_eq!(a.shm.port_depth(port), 0);
    release(&a, file);
    assert_eq!(used(&a.shm), before);
}

#[test]
fn a_timer_whose_keeper_is_killed_at_any_store_has_another() {
    let sandbox = Sandbox::new();
    let mut kept = 0;
    for stores in 0.. {
        let sandbox = sandbox.anew();
        let (a, b) = (sandbox.join(1), sandbox.join(2));
        let timer = make(&a, Type::Timer, Kind::Notification, &[&a, &b], |tx, timer| {
            tx.make_timer(timer, &Setting::default()).unwrap();
        });
        let set = |of: &Member, due| Setting { keeper: of.record, due, period: 5, ..Setting::default() };
        let killed = killed_after(&b.shm, stores, |shm| {
            shm.set_timer(timer, set(&b, 100), true).unwrap();
            assert_eq!(shm.timer_came(timer, b.record, 1, 105, true), Ok(true));
            shm.set_timer(timer, set(&b, 200), true).unwrap();
        });
        sandbox.kill(&a, &b);
        let setting = a.shm.begin().timer(timer);
        if setting.due != 0 {
            assert_eq!(setting.keeper, a.record, "after {stores} stores");
            assert!(a.shm.takes_timers(a.record) && !a.shm.takes_timers(a.record));
            assert_eq!(a.shm.timer_came(timer, b.record, setting.turn, 0, true), Ok(false));
            assert_eq!(a.shm.timer_came(timer, a.record, setting.turn + 1, 0, true), Ok(false));
            assert_eq!(a.shm.timer_came(timer, a.record, setting.turn, 0, true), Ok(true));
            assert_eq!((a.shm.count(timer), a.shm.begin().timer(timer).due), (1, 0));
            kept += 1;
        }
        release(&a, timer);
        if !killed {
            break;
        }
    }
    assert!(kept > 3);
}

#[test]
fn names_keep_their_directory_and_are_not_those_of_the_next() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let path = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
    let directory = |tx: &mut Tx<'_>, made| {
        tx.make_directory(made, b"", 0).unwrap();
        tx.name(made, &path("\\d")).unwrap();
    };
    let first = make(&a, Type::Directory, Kind::None, &[&a], directory);
    let within = |tx: &Tx<'_>, of, name: &str| [tx.prefix_of(of), path(name)].concat();
    let event = make(&a, Type::Event, Kind::Notification, &[&b], |tx, event| {
        let path = within(tx, first, "\\e");
        tx.name_in(event, &path, first).unwrap();
    });
    assert_eq!(a.shm.begin().path_of(event), Some(path("\\d\\e")));
    release(&a, first);
    let second = make(&a, Type::Directory, Kind::None, &[&a], directory);
    assert_ne!(first, second, "the first is needed still");
    let mut tx = a.shm.begin();
    let (old, new) = (within(&tx, first, "\\E"), within(&tx, second, "\\E"));
    assert_eq!(
        (tx.named(&old, true), tx.named(&new, true), tx.named(&path("\\d"), false)),
        (Some(event), None, Some(second))
    );
    drop(tx);
    let before = used(&a.shm);
    release(&b, event);
    // The event, its reference, its name; the directory and its body with its description.
    assert_eq!(before - used(&a.shm), 6);
}

/// What a killed member left to be done is done before anybody hears of its end.
#[test]
fn the_end_of_a_member_is_told_last() {
    let sandbox = Sandbox::new();
    let a = sandbox.join(1);
    for stores in 0.. {
        let b = sandbox.join(100 + stores as u32);
        let (shm, machine) = (Shm::new(sandbox.words, sandbox.machine, 5000 + stores as u32), sandbox.machine);
        let process = b.shm.begin().process_of(b.record);
        let watched = make(&a, Type::Event, Kind::Notification, &[&b], |tx, event| {
            tx.describe(event, b"", 1000 + stores as u64).unwrap();
        });
        let mut tx = a.shm.begin();
        let reference = tx.hold(process, a.record, false).unwrap();
        tx.commit().unwrap();
        machine.bury(b.shm.me());
        let killed = killed_after(&shm, stores, |shm| {
            shm.reap(b.shm.me()).unwrap();
        });
        machine.bury(shm.me());
        let done = || machine.done.lock().iter().any(|waste| *waste == Waste::Stream(1000 + stores as u64));
        // Taking the lock brings a commit to its end.
        drop(a.shm.begin());
        assert!(a.shm.count(process) == 0 || done(), "told before it was done, after {stores} stores");
        a.shm.reap(b.shm.me()).unwrap();
        assert!(a.shm.count(process) == 1 && done(), "after {stores} stores");
        let _ = watched;
        let mut tx = a.shm.begin();
        tx.release(reference);
        tx.commit().unwrap();
        if !killed {
            break;
        }
    }
}

/// A debug object of one member, and another that is attached to it.
fn debugged(a: &Member, b: &Member, flags: u32) -> u32 {
    let debug = make(a, Type::DebugObject, Kind::Notification, &[a], |tx, debug| tx.make_debug(debug, flags).unwrap());
    let mut tx = a.shm.begin();
    tx.attach_debugger(b.record, debug).unwrap();
    assert_eq!(tx.attach_debugger(b.record, debug), Err(STATUS_PORT_ALREADY_SET));
    tx.commit().unwrap();
    debug
}

fn tell(member: &Member, debug: u32) -> Option<Told> {
    let mut tx = member.shm.begin();
    let told = tx.tell_event(debug);
    tx.commit().unwrap();
    told
}

fn event(of: &Member, thread: u32, what: &[u8]) -> u32 {
    let mut tx = of.shm.begin();
    let asker = Asker { member: of.record, token: 0, synchronous: true };
    let request = tx.add_event(of.record, thread, what, Some(asker)).unwrap();
    tx.commit().unwrap();
    request
}

fn answer(by: &Member, debug: u32, told: &Told, status: Status) -> bool {
    let mut tx = by.shm.begin();
    let found = tx.answer_event(debug, told.process_id, told.thread, status);
    tx.commit().unwrap();
    found
}

#[test]
fn one_event_of_a_process_is_told_at_a_time() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let debug = debugged(&a, &b, 0);
    let (first, second) = (event(&b, 4, b"one"), event(&b, 8, b"two"));
    assert_eq!(a.shm.count(debug), 1);
    let told = tell(&a, debug).unwrap();
    assert_eq!((told.thread, &told.what[..]), (4, &b"one"[..]));
    assert_eq!((tell(&a, debug), a.shm.count(debug)), (None, 0));
    assert!(!answer(&a, debug, &Told { thread: 8, ..told.clone() }, STATUS_SUCCESS));
    assert!(answer(&a, debug, &told, Status(77)) && !answer(&a, debug, &told, Status(77)));
    assert_eq!(b.shm.end_request(first).unwrap().status, Status(77));
    assert_eq!(tell(&a, debug).unwrap().what, b"two");
    // Detached, whoever waits goes on.
    let mut tx = a.shm.begin();
    tx.detach_debugger(b.record);
    tx.commit().unwrap();
    assert_eq!(b.shm.end_request(second).unwrap().status, crate::shm::debug::CONTINUE);
    assert!(!b.shm.is_debugged(b.record));
}

#[test]
fn a_debugged_member_killed_at_any_store_is_told_of_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    for stores in 0.. {
        let sandbox = sandbox.anew();
        let a = sandbox.join(1);
        let before = used(&a.shm);
        let b = sandbox.join(2);
        let debug = debugged(&a, &b, 0);
        let killed = killed_after(&b.shm, stores, |_| {
            event(&b, 4, b"one");
            event(&b, 8, b"two");
        });
        sandbox.machine.bury(2);
        let told = tell(&a, debug);
        sandbox.kill(&a, &b);
        if let Some(told) = told {
            assert!(answer(&a, debug, &told, STATUS_SUCCESS), "after {stores} stores");
        }
        let end = tell(&a, debug).unwrap();
        assert_eq!(end.what, crate::ps::debug::end_of_process(1), "after {stores} stores");
        assert!(answer(&a, debug, &end, STATUS_SUCCESS));
        assert_eq!(tell(&a, debug), None);
        release(&a, debug);
        assert_eq!(used(&a.shm), before, "after {stores} stores");
        if !killed {
            break;
        }
    }
}

#[test]
fn a_debugger_killed_at_any_store_lets_go_or_takes_along() {
    let sandbox = Sandbox::new();
    for flags in 0..2 {
        for stores in 0.. {
            let sandbox = sandbox.anew();
            let (a, b) = (sandbox.join(1), sandbox.join(2));
            let debug = debugged(&a, &b, flags);
            let (first, second) = (event(&b, 4, b"one"), event(&b, 8, b"two"));
            let killed = killed_after(&a.shm, stores, |_| {
                let told = tell(&a, debug).unwrap();
                answer(&a, debug, &told, STATUS_SUCCESS);
                release(&a, debug);
            });
            sandbox.kill(&b, &a);
            assert!(!b.shm.is_debugged(b.record), "after {stores} stores");
            let ends = sandbox.machine.done.lock().contains(&Waste::End(2, STATUS_DEBUGGER_INACTIVE.0));
            assert_eq!(ends, flags == 1, "after {stores} stores");
            // Of one that is ended nobody waits any more.
            assert!(ends || b.shm.is_answered(first) && b.shm.is_answered(second), "after {stores} stores");
            if !killed {
                break;
            }
        }
    }
}
