//! Who has the foreground after a member that had it, and app bars, with members that are killed at every single store.

use super::killed_after;
use super::user::{desktop, queue, window};
use super::waits::{Member, Sandbox};
use crate::shm::user::app_bar::Edge;
use crate::shm::user::input;
use crate::shm::user::queue::BRING_FORWARD;
use crate::shm::user::window::{MINIMIZE, VISIBLE, field};
use crate::win32k::geometry::Rect;

/// A queue with a window that is to be seen.
fn shown(of: &Member, thread: u32, top: u32) -> (u32, u32) {
    let queue = queue(of, thread);
    let (record, _) = window(of, queue, top);
    let mut tx = of.shm.begin();
    tx.set(record + field::STYLE, VISIBLE);
    tx.commit().unwrap();
    (queue, record)
}

#[test]
fn the_window_in_front_succeeds_whoever_is_killed_over_it() {
    let sandbox = Sandbox::new();
    for stores in 0.. {
        let sandbox = sandbox.anew();
        let (a, b, c) = (sandbox.join(1), sandbox.join(2), sandbox.join(3));
        let top = desktop(&a);
        let (mine, record) = shown(&a, 4, top);
        let (_, minimized) = shown(&a, 8, top);
        let (next, _) = shown(&c, 2052, top);
        let (theirs, active) = shown(&b, 1028, top);
        let mut tx = a.shm.begin();
        tx.set(minimized + field::STYLE, VISIBLE | MINIMIZE);
        let input = tx.input_of(theirs);
        tx.set(input + input::field::ACTIVE, active);
        tx.set_foreground(input);
        tx.commit().unwrap();
        let killed = killed_after(&b.shm, stores, |shm| {
            let mut tx = shm.begin();
            tx.drop_windows(theirs);
            tx.drop_queue(theirs);
            tx.commit().unwrap();
        });
        sandbox.kill(&a, &b);
        let tx = a.shm.begin();
        assert_eq!(tx.foreground(), tx.input_of(next), "after {stores} stores");
        drop(tx);
        // That one is killed before it could come.
        sandbox.kill(&a, &c);
        let mut tx = a.shm.begin();
        assert_eq!(tx.foreground(), tx.input_of(mine), "after {stores} stores");
        let told = tx.receive_message(mine).expect("it is to come").message;
        assert_eq!((told.number, told.window), (BRING_FORWARD, tx.handle_of(record)), "after {stores} stores");
        drop(tx);
        if !killed {
            break;
        }
    }
}

#[test]
fn who_was_just_started_comes_forward_once() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let top = desktop(&a);
    let (mine, first) = shown(&a, 4, top);
    let (_, hidden) = window(&a, mine, top);
    let (theirs, second) = shown(&b, 1028, top);
    let mut tx = a.shm.begin();
    let hidden = tx.window(hidden).unwrap();
    assert!(tx.comes_forward(first) && tx.comes_forward(second) && !tx.comes_forward(hidden));
    for (queue, window) in [(mine, first), (theirs, second)] {
        assert!(tx.comes_forward(window), "it is new");
        let input = tx.input_of(queue);
        tx.set(input + input::field::ACTIVE, window);
        tx.set_foreground(input);
        assert!(!tx.comes_forward(window), "it is there");
    }
    assert!(!tx.comes_forward(first), "it had its turn");
    tx.commit().unwrap();
}

#[test]
fn app_bars_of_a_member_that_is_killed_take_nothing_of_the_screen() {
    let mut survived = 0;
    for stores in 0.. {
        let sandbox = Sandbox::new();
        let (a, b) = (sandbox.join(1), sandbox.join(2));
        let top = desktop(&a);
        let (mine, own) = shown(&a, 4, top);
        let (_, theirs) = shown(&b, 1028, top);
        let mut tx = a.shm.begin();
        let (own, theirs) = (tx.handle_of(own), tx.handle_of(theirs));
        assert!(tx.add_app_bar(own, 0x8001).unwrap());
        let below = Rect::new(0, 90, 100, 100);
        assert_eq!(tx.place_app_bar(own, Edge::Bottom, below), below);
        tx.commit().unwrap();
        let killed = killed_after(&b.shm, stores, |shm| {
            let mut tx = shm.begin();
            assert!(tx.add_app_bar(theirs, 0x8001).unwrap());
            let placed = tx.place_app_bar(theirs, Edge::Left, Rect::new(0, 0, 20, 100));
            assert_eq!((placed, tx.work_area()), (Rect::new(0, 0, 20, 90), Rect::new(20, 0, 100, 90)));
            assert!(tx.hide_app_bar(theirs, Edge::Left, true));
            tx.commit().unwrap();
        });
        sandbox.kill(&a, &b);
        let mut tx = a.shm.begin();
        assert_eq!(tx.work_area(), Rect::new(0, 0, 100, 90), "after {stores} stores");
        assert_eq!(tx.hiding_app_bar(Edge::Left), 0, "after {stores} stores");
        // It came, and it went.
        let mut heard = 0;
        while tx.take_posted(mine, true, |_, message| message.number == 0x8001).is_some() {
            heard += 1;
        }
        assert!(heard == 0 || heard == 2, "{heard} after {stores} stores");
        drop(tx);
        survived += u32::from(!killed);
        if survived > 0 {
            return;
        }
    }
}
