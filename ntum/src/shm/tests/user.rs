//! Windows and messages, with members that are killed at every single store.

use super::killed_after;
use super::pipes_killed::used;
use super::waits::{Member, Sandbox};
use crate::ke::dispatcher;
use crate::shm::Tx;
use crate::shm::user::handle::Kind;
use crate::shm::user::message::{Message, Sending, how};
use crate::shm::user::paint::{Placed, rdw, swp, update};
use crate::shm::user::queue;
use crate::shm::user::surface::{EX_LAYERED, Layered, Surface, TopLevel, layered};
use crate::shm::user::timer::Timer;
use crate::shm::user::visible::{CLIP_CHILDREN, dcx};
use crate::shm::user::window::{EX_TOPMOST, Made, Order, VISIBLE, field};
use crate::win32k::gdi::region::Region;
use crate::win32k::geometry::Rect;

const DESKTOP: Rect = Rect { left: 0, top: 0, right: 100, bottom: 100 };

/// A queue of a member's thread.
pub(super) fn queue(of: &Member, thread: u32) -> u32 {
    let mut tx = of.shm.begin();
    let event = tx.new_object(0, dispatcher::Kind::Notification, 0, 0).unwrap();
    tx.hold(event, of.record, true).unwrap();
    let queue = tx.make_queue(of.record, thread, event).unwrap();
    tx.commit().unwrap();
    queue
}

pub(super) fn desktop(of: &Member) -> u32 {
    let mut tx = of.shm.begin();
    let top = tx.make_root_window(false, b"d", DESKTOP).unwrap();
    tx.make_root_window(true, b"m", Rect::default()).unwrap();
    tx.commit().unwrap();
    top
}

/// A window: record and handle.
pub(super) fn window(of: &Member, queue: u32, parent: u32) -> (u32, u32) {
    let mut tx = of.shm.begin();
    let made = Made { member: of.record, queue, parent, extra: 8, name: b"c\0".to_vec(), ..Made::default() };
    let window = tx.make_window(&made).unwrap();
    let handle = tx.handle_of(window);
    tx.commit().unwrap();
    (window, handle)
}

fn letter(window: u32, number: u32) -> Message {
    Message { window, number, wparam: 1 << 40, lparam: u64::MAX, time: 3, ..Message::default() }
}

#[test]
fn a_handle_means_one_window_only() {
    let sandbox = Sandbox::new();
    let a = sandbox.join(1);
    let (top, mine) = (desktop(&a), queue(&a, 4));
    let (record, handle) = window(&a, mine, top);
    let mut tx = a.shm.begin();
    assert_eq!((tx.window(handle), tx.window(handle & 0xffff)), (Some(record), Some(record)));
    assert_eq!(tx.user_record(handle, Kind::Menu), None);
    assert_eq!([tx.window(0), tx.window(handle + 2), tx.window(handle + 0x1_0000)], [None; 3]);
    tx.drop_window(record);
    assert_eq!(tx.window(handle), None);
    tx.commit().unwrap();
    let (_, next) = window(&a, mine, top);
    assert_eq!((next & 0xffff, next >> 16), (handle & 0xffff, (handle >> 16) + 1), "the entry is used again");
    assert_eq!(a.shm.begin().window(handle), None);
}

#[test]
fn who_shows_nothing_keeps_nobody_waiting() {
    let sandbox = Sandbox::new();
    let a = sandbox.join(1);
    let (top, mine, other) = (desktop(&a), queue(&a, 4), queue(&a, 8));
    let messages = a.shm.begin().root_window(true);
    let (unseen, _) = window(&a, other, messages);
    window(&a, other, unseen);
    assert_eq!(a.shm.begin().restless_queues(), Some(vec![]), "windows that only get messages");
    window(&a, mine, top);
    assert_eq!(a.shm.begin().restless_queues(), Some(vec![(mine, 0)]));
}

#[test]
fn siblings_stand_in_order_and_topmost_ones_on_top() {
    let sandbox = Sandbox::new();
    let a = sandbox.join(1);
    let (top, mine) = (desktop(&a), queue(&a, 4));
    let all: Vec<u32> = (0..4).map(|_| window(&a, mine, top).0).collect();
    let mut tx = a.shm.begin();
    assert_eq!(tx.children(top), [all[3], all[2], all[1], all[0]]);
    tx.set(all[0] + field::EX_STYLE, EX_TOPMOST);
    tx.restack(all[0], Order::Top);
    tx.restack(all[1], Order::Top);
    assert_eq!(tx.children(top), [all[0], all[1], all[3], all[2]]);
    tx.restack(all[3], Order::Bottom);
    tx.restack(all[1], Order::Behind(all[2]));
    assert_eq!(tx.children(top), [all[0], all[2], all[1], all[3]]);
    // Down at the bottom it does not stay on top, nor behind others that do not.
    tx.restack(all[0], Order::Bottom);
    assert_eq!((tx.children(top), tx.get(all[0] + field::EX_STYLE)), (vec![all[2], all[1], all[3], all[0]], 0));
    tx.restack(all[0], Order::Topmost);
    tx.restack(all[3], Order::Topmost);
    tx.restack(all[0], Order::NotTopmost);
    assert_eq!(tx.children(top), [all[3], all[0], all[2], all[1]]);
    tx.restack(all[3], Order::Behind(all[1]));
    assert_eq!((tx.children(top), tx.get(all[3] + field::EX_STYLE)), (vec![all[0], all[2], all[1], all[3]], 0));
    tx.restack(all[0], Order::Topmost);
    assert_eq!((tx.sibling(all[2], true), tx.sibling(all[2], false)), (all[0], all[1]));
    assert!(tx.reparent(all[3], all[2]) && tx.reparent(all[1], all[3]));
    assert!(!tx.reparent(all[2], all[1]), "not below itself");
    assert_eq!((tx.ancestors(all[1]), tx.is_below(all[1], all[2])), (vec![all[3], all[2], top], true));
    for (window, left) in [(all[2], 5), (all[3], 7)] {
        tx.set_window_rect(window, field::CLIENT_RECT, Rect::sized(left, 1, 10, 10));
    }
    assert_eq!(tx.origin(all[1]), (12, 2));
    assert!(!tx.is_visible(all[1]));
    for window in [all[1], all[2], all[3]] {
        tx.set(window + field::STYLE, VISIBLE);
    }
    assert!(tx.is_visible(all[1]));
}

#[test]
fn posted_messages_come_in_order_and_a_queue_is_bounded() {
    let sandbox = Sandbox::new();
    let a = sandbox.join(1);
    let mine = queue(&a, 4);
    let mut tx = a.shm.begin();
    assert_eq!(tx.post_message(mine, &letter(0, 1)), Ok(true));
    assert_eq!(tx.post_message(mine, &letter(0, 2)), Ok(true));
    assert_eq!(tx.queue_status(mine, queue::POSTED), (queue::POSTED, queue::POSTED));
    assert_eq!(tx.queue_status(mine, queue::POSTED), (queue::POSTED, 0), "it was looked at");
    assert_eq!(tx.take_posted(mine, false, |_, message| message.number == 2), Some((letter(0, 2), Vec::new())));
    assert_eq!(tx.take_posted(mine, true, |_, _| true), Some((letter(0, 1), Vec::new())));
    assert_eq!(tx.take_posted(mine, true, |_, _| true), Some((letter(0, 2), Vec::new())));
    assert_eq!(tx.queue_status(mine, queue::POSTED), (0, 0));
    tx.set(mine + queue::field::POSTED_COUNT, 10_000);
    assert_eq!(tx.post_message(mine, &letter(0, 3)), Ok(false));
}

#[test]
fn an_answer_reaches_who_waits_for_it() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let (mine, theirs) = (queue(&a, 4), queue(&b, 1028));
    let before = used(&a.shm);
    let sending = Sending { how: how::PACKED, data: b"there".to_vec(), callback: (0, 0) };
    let mut tx = a.shm.begin();
    let record = tx.send_message(mine, theirs, &letter(9, 5), &sending).unwrap();
    assert!(tx.take_answer(record).is_none());
    tx.commit().unwrap();
    let mut tx = b.shm.begin();
    let sent = tx.receive_message(theirs).unwrap();
    assert_eq!((sent.message, sent.data.as_slice(), sent.sender), (letter(9, 5), b"there".as_slice(), a.record));
    assert!(tx.receive_message(theirs).is_none(), "once");
    assert_eq!(tx.answering(theirs), Some((how::PACKED, false)));
    assert!(tx.reply_early(theirs, 7, b"back"));
    assert!(!tx.reply_early(theirs, 8, b""));
    tx.answer_message(theirs, sent.record, 9, b"late");
    assert_eq!(tx.answering(theirs), None);
    tx.commit().unwrap();
    let mut tx = a.shm.begin();
    assert_eq!(tx.queue_status(mine, queue::RESULT).0, queue::RESULT);
    let answer = tx.take_answer(record).unwrap();
    assert_eq!((answer.result, answer.data.as_slice()), (Some(7), b"back".as_slice()));
    tx.commit().unwrap();
    assert_eq!(used(&a.shm), before);
}

#[test]
fn who_waits_hears_that_there_was_no_room_for_an_answer() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let (mine, theirs) = (queue(&a, 4), queue(&b, 1028));
    let mut tx = a.shm.begin();
    let record = tx.send_message(mine, theirs, &letter(9, 5), &Sending::default()).unwrap();
    while tx.allocate_sparingly(1000).is_some() {}
    tx.commit().unwrap();
    let mut tx = b.shm.begin();
    let sent = tx.receive_message(theirs).unwrap();
    tx.answer_message(theirs, sent.record, 9, &[1; 5000]);
    tx.commit().unwrap();
    let mut tx = a.shm.begin();
    assert_eq!(tx.queue_status(mine, queue::RESULT).0, queue::RESULT);
    assert_eq!(tx.take_answer(record).unwrap().result, None);
}

#[test]
fn what_nobody_waits_for_ends_somewhere() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let (mine, theirs) = (queue(&a, 4), queue(&b, 1028));
    let mut tx = a.shm.begin();
    tx.set(theirs + queue::field::NOTICES, 9_999);
    for bits in [how::NOTIFY, how::CALLBACK] {
        let sending = Sending { how: bits, ..Sending::default() };
        assert!(tx.send_message(mine, theirs, &letter(9, 5), &sending).is_ok());
        assert!(tx.send_message(mine, theirs, &letter(9, 5), &sending).is_err());
        // Whoever waits is no more than one of a thread's.
        assert!(tx.send_message(mine, theirs, &letter(9, 6), &Sending::default()).is_ok());
        let sent = tx.receive_message(theirs).unwrap();
        tx.answer_message(theirs, sent.record, 0, &[]);
        let sent = tx.receive_message(theirs).unwrap();
        tx.answer_message(theirs, sent.record, 0, &[]);
        assert_eq!(tx.get(theirs + queue::field::NOTICES), 9_999);
    }
}

#[test]
fn handles_of_a_process_end_somewhere() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let mut tx = a.shm.begin();
    let icon = tx.new_icon(a.record).unwrap();
    let count = a.record + crate::shm::member::field::USER_HANDLES;
    assert_eq!(tx.get(count), 1);
    tx.set(count, 10_000);
    assert!(tx.new_icon(a.record).is_err() && tx.new_icon(b.record).is_ok());
    tx.free_user_handle(icon);
    assert!(tx.new_icon(a.record).is_ok() && tx.new_icon(a.record).is_err());
}

#[test]
fn timers_come_when_they_are_due_the_first_first() {
    let sandbox = Sandbox::new();
    let a = sandbox.join(1);
    let mine = queue(&a, 4);
    let timer = |id, due| Timer { id, due, period: 5, message: 0x113, ..Timer::default() };
    let mut tx = a.shm.begin();
    tx.set_user_timer(mine, &timer(1, 200)).unwrap();
    tx.set_user_timer(mine, &timer(2, 100)).unwrap();
    assert_eq!((tx.next_timer(mine), tx.due_timer(mine, 99, true, |_, _| true)), (Some(100), None));
    assert_eq!(tx.due_timer(mine, 250, true, |_, _| true).map(|timer| timer.id), Some(2));
    assert_eq!(tx.due_timer(mine, 250, true, |_, _| true).map(|timer| timer.id), Some(1));
    assert_eq!(tx.due_timer(mine, 250, true, |_, _| true), None, "next a period later");
    assert_eq!(tx.next_timer(mine), Some(5_000_100));
    assert!(tx.kill_user_timer(mine, 0, 0x113, 2) && !tx.kill_user_timer(mine, 0, 0x113, 2));
    assert_eq!(tx.free_timer_id(mine), 0x7fff);
}

#[test]
fn what_is_laid_open_is_painted_in_order_and_once() {
    let sandbox = Sandbox::new();
    let a = sandbox.join(1);
    let (top, mine) = (desktop(&a), queue(&a, 4));
    let (main, _) = window(&a, mine, top);
    let (child, _) = window(&a, mine, main);
    let mut tx = a.shm.begin();
    let place = |tx: &mut Tx<'_>, window, flags, whole: Rect, client: Rect| {
        let (order, valid) = (Order::Top, Rect::default());
        tx.place_window(window, &Placed { flags: flags | swp::NO_COPY_BITS, order, window: whole, client, valid });
    };
    // A frame of 2, and a child in its corner.
    place(&mut tx, child, swp::SHOW, Rect::sized(0, 0, 10, 10), Rect::sized(1, 1, 8, 8));
    place(&mut tx, main, swp::SHOW, Rect::sized(10, 20, 44, 44), Rect::sized(12, 22, 40, 40));
    let all = Region::from(Rect::sized(0, 0, 44, 44));
    assert_eq!(
        (tx.update_region(main), tx.update_region(child)),
        (Some(all), Some(Region::from(Rect::sized(0, 0, 10, 10))))
    );
    assert_eq!(tx.queue_status(mine, queue::PAINT).0, queue::PAINT);
    assert_eq!(tx.window_to_paint(mine, 0), main, "who does not clip children is painted before them");
    let due = tx.take_due(main, 0, update::FRAME | update::ERASE | update::PAINT | update::NO_CHILDREN);
    assert_eq!((due.window, due.flags), (main, update::FRAME | update::ERASE | update::PAINT));
    assert_eq!(due.region.rects(), [Rect::sized(10, 20, 44, 44)], "on the screen");
    assert_eq!(tx.window_to_paint(mine, 0), child);
    assert_eq!(
        tx.take_due(main, 0, update::PAINT).window,
        main,
        "nothing of it, and its children only where it clips them"
    );
    assert_eq!(tx.take_due(main, 0, update::PAINT | update::ALL_CHILDREN).window, child);
    assert_eq!((tx.window_to_paint(mine, 0), tx.queue_status(mine, queue::PAINT).0), (0, 0));
    // A child that moves lays its parent open, which keeps children out where it clips them.
    tx.set(main + field::STYLE, VISIBLE | CLIP_CHILDREN);
    let moved = Placed {
        flags: swp::NO_Z_ORDER,
        order: Order::Top,
        window: Rect::sized(5, 0, 10, 10),
        client: Rect::sized(6, 1, 8, 8),
        valid: Rect::sized(6, 1, 8, 8),
    };
    tx.place_window(child, &moved);
    assert_eq!(tx.update_region(main).map(|region| region.bounds()), Some(Rect::sized(2, 2, 5, 10)));
    assert_eq!(tx.visible_region(main, dcx::CLIP_CHILDREN).rects().len(), 3);
    assert_eq!(tx.visible_region(child, dcx::WINDOW).bounds(), Rect::sized(0, 0, 10, 10));
    // Cut to a shape, the rest is not seen; hidden, nothing is to be painted.
    tx.reshape(main, Some(&[Rect::sized(0, 0, 10, 44)]), true).unwrap();
    assert_eq!(tx.visible_region(child, dcx::WINDOW).bounds(), Rect::sized(0, 0, 3, 10));
    tx.redraw(main, None, false, rdw::INTERNAL_PAINT);
    place(&mut tx, main, swp::HIDE, Rect::sized(10, 20, 44, 44), Rect::sized(12, 22, 40, 40));
    assert_eq!((tx.update_region(main), tx.queue_status(mine, queue::PAINT).0), (None, 0));
    assert!(tx.visible_region(main, dcx::WINDOW).is_empty());
    tx.commit().unwrap();
}

#[test]
fn surfaces_of_windows_are_told_top_first_and_damage_once() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let (top, mine) = (desktop(&a), queue(&a, 4));
    let (below, _) = window(&a, mine, top);
    let (above, handle) = window(&a, mine, top);
    let rect = Rect::sized(10, 20, 30, 40);
    let surface = |number| Surface { number, width: 30, height: 40 };
    let mut tx = a.shm.begin();
    for (window, number) in [(below, 1 << 33), (above, 2)] {
        tx.set_window_rect(window, field::WINDOW_RECT, rect);
        tx.set_surface(window, &surface(number));
    }
    assert!(tx.top_levels().is_empty(), "hidden ones are not seen");
    for window in [below, above] {
        tx.set(window + field::STYLE, VISIBLE);
    }
    tx.windows_changed();
    tx.commit().unwrap();
    assert_eq!((a.shm.has_display(), a.shm.display_sequence()), (false, 0), "nobody looks");
    let generation = a.shm.window_generation();
    // Another process composes.
    let mut tx = b.shm.begin();
    tx.attach_display(b.record).unwrap();
    let seen = tx.top_levels();
    let all = Rect::new(0, 0, 30, 40);
    let shown = |record, handle, number| TopLevel {
        record,
        handle,
        rect,
        surface: surface(number),
        damage: all,
        ..TopLevel::default()
    };
    assert_eq!(seen, [shown(above, handle, 2), shown(below, tx.handle_of(below), 1 << 33)]);
    assert_eq!((tx.take_damage(above), tx.take_damage(above)), (all, Rect::default()));
    tx.commit().unwrap();
    let sequence = b.shm.display_sequence();
    let mut tx = a.shm.begin();
    tx.add_damage(above, &Rect::new(1, 2, 3, 4));
    tx.add_damage(above, &Rect::new(5, 5, 6, 6));
    // What has a shape has it though that is empty; a layered window is seen once it is said how.
    tx.set_window_region(above, Some(&[])).unwrap();
    tx.set(below + field::EX_STYLE, EX_LAYERED);
    tx.windows_changed();
    tx.commit().unwrap();
    assert_ne!(a.shm.window_generation(), generation);
    assert_ne!(b.shm.display_sequence(), sequence);
    b.shm.await_display(sequence, None);
    let mut tx = b.shm.begin();
    let seen = tx.top_levels();
    assert_eq!((seen.len(), seen[0].damage, seen[0].region.clone()), (1, Rect::new(1, 2, 6, 6), Some(Vec::new())));
    let how = Layered { flags: layered::SET | layered::ALPHA, alpha: 128, key: 0 };
    tx.set_layered(below, &how);
    assert_eq!(tx.top_levels()[1].layered, Some(how));
    // A surface that is replaced is to be forgotten.
    tx.set_surface(above, &surface(3));
    tx.commit().unwrap();
    sandbox.kill(&a, &b);
    assert!(!a.shm.has_display(), "it went with its member");
}

/// What a member does that is killed over it: windows of its own, and a message to another's.
#[test]
fn a_member_killed_at_any_store_leaves_no_window() {
    let sandbox = Sandbox::new();
    for stores in 0.. {
        let sandbox = sandbox.anew();
        let (a, b) = (sandbox.join(1), sandbox.join(2));
        let (top, mine) = (desktop(&a), queue(&a, 4));
        let theirs = queue(&b, 1028);
        let (own, _) = window(&a, mine, top);
        let (others, handle) = window(&b, theirs, top);
        let (child, _) = window(&a, mine, others);
        // Who waits for an answer hears that there is none.
        let mut tx = a.shm.begin();
        let waits = tx.send_message(mine, theirs, &letter(handle, 1), &Sending::default()).unwrap();
        tx.commit().unwrap();
        let killed = killed_after(&b.shm, stores, |shm| {
            let mut tx = shm.begin();
            let made = Made { member: b.record, queue: theirs, parent: top, ..Made::default() };
            let second = tx.make_window(&made).unwrap();
            tx.set_window_bytes(second, field::TEXT, b"text").unwrap();
            tx.post_message(theirs, &letter(tx.handle_of(second), 2)).unwrap();
            tx.commit().unwrap();
            let mut tx = shm.begin();
            tx.send_message(theirs, mine, &letter(tx.handle_of(own), 3), &Sending::default()).unwrap();
            tx.commit().unwrap();
            let mut tx = shm.begin();
            tx.set_user_timer(theirs, &Timer { window: handle, ..Timer::default() }).unwrap();
            tx.drop_window(second);
            tx.set_surface(others, &Surface { number: 5, width: 1, height: 1 });
            tx.set(others + field::STYLE, VISIBLE);
            tx.commit().unwrap();
        });
        sandbox.kill(&a, &b);
        let mut tx = a.shm.begin();
        assert_eq!(tx.children(top), [own], "after {stores} stores");
        assert!(tx.is_orphan(child) && tx.windows_of(mine).contains(&child), "after {stores} stores");
        assert!(tx.window(handle).is_none(), "after {stores} stores");
        assert_eq!(tx.take_answer(waits).map(|answer| answer.result), Some(None), "after {stores} stores");
        assert!(tx.queue_of(1028).is_none());
        // Its own message to the living may be there: nobody hears the answer.
        let mut destroyed = false;
        while let Some(sent) = tx.receive_message(mine) {
            destroyed |= sent.message.number == queue::DESTROY_WINDOW && sent.message.window == tx.handle_of(child);
            tx.answer_message(mine, sent.record, 0, &[]);
        }
        assert!(destroyed, "after {stores} stores");
        tx.commit().unwrap();
        if !killed {
            break;
        }
    }
}
