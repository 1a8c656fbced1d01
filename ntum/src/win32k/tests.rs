//! Message queues.

use super::queue::{ALL_POSTED, Filter, Message, POSTED, QUIT, Queue};
use crate::host::fake::Fake;

const ALL: Filter = Filter { range: (0, 0), posted: true };

fn message(number: u32) -> Message {
    Message { number, parameters: [1, u64::from(number)], time: 7 }
}

#[test]
fn messages_come_in_order_and_quit_comes_last() {
    let (_, k) = Fake::kernel();
    let queue = Queue::default();
    queue.quit(k, 5);
    assert!(queue.post(k, message(0x400)) && queue.post(k, message(0x401)));
    assert_eq!(queue.look(k, ALL, false, 9), Some(message(0x400)), "left");
    let second = Filter { range: (0x401, 0x401), posted: true };
    assert_eq!(queue.look(k, second, true, 9), Some(message(0x401)));
    assert_eq!(queue.look(k, Filter { posted: false, ..ALL }, true, 9), None);
    assert_eq!(queue.look(k, ALL, true, 9), Some(message(0x400)));
    // No filter keeps it back, and it is told once.
    let quit = Message { number: QUIT, parameters: [5, 0], time: 9 };
    assert_eq!([queue.look(k, second, false, 9), queue.look(k, second, true, 9)], [Some(quit); 2]);
    assert_eq!(queue.look(k, ALL, true, 9), None);
}

#[test]
fn what_came_is_told_until_it_is_looked_at() {
    let (_, k) = Fake::kernel();
    let queue = Queue::default();
    let signalled = || queue.event.signal.count() == 1;
    queue.await_these(k, 0, POSTED);
    assert!(!signalled());
    queue.post(k, message(1));
    assert!(signalled());
    let both = POSTED | ALL_POSTED;
    assert_eq!(queue.status(k, both), (both, both));
    assert!(!signalled(), "it was looked at");
    assert_eq!(queue.status(k, both), (both, 0));
    queue.await_these(k, POSTED, POSTED);
    assert!(signalled(), "it is there");
    queue.look(k, ALL, true, 0);
    assert!(!signalled());
    assert_eq!(queue.status(k, both), (0, 0));
}

#[test]
fn a_queue_is_bounded() {
    let (_, k) = Fake::kernel();
    let queue = Queue::default();
    let posted = (0..20_000).filter(|number| queue.post(k, message(*number))).count();
    assert_eq!(posted, 10_000);
    queue.look(k, ALL, true, 0);
    assert!(queue.post(k, message(1)));
}
