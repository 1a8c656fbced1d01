//! Input, hooks, cursors and the clipboard, with members that are killed at every single store.

use super::killed_after;
use super::user::{desktop, queue, window};
use super::waits::Sandbox;
use crate::shm::user::clipboard::Found;
use crate::shm::user::handle::Kind;
use crate::shm::user::hardware::{Hardware, key, number};
use crate::shm::user::hook::Hook;
use crate::shm::user::hot_key::Registered;
use crate::shm::user::icon::Picture;
use crate::shm::user::message::Message;
use crate::shm::user::window::{VISIBLE, field};
use crate::shm::user::{input, queue as queues};
use crate::win32k::geometry::Rect;

fn press(number: u32, key: u64) -> Hardware {
    Hardware { message: Message { number, wparam: key, lparam: 1, ..Message::default() }, ..Hardware::default() }
}

#[test]
fn keys_go_to_the_focus_and_count_when_they_are_taken() {
    let sandbox = Sandbox::new();
    let a = sandbox.join(1);
    let (top, mine) = (desktop(&a), queue(&a, 4));
    let (record, handle) = window(&a, mine, top);
    let mut tx = a.shm.begin();
    let shared = tx.input_of(mine);
    for role in [input::field::ACTIVE, input::field::FOCUS] {
        tx.set(shared + role, record);
    }
    tx.set_foreground(shared);
    tx.queue_hardware(&press(number::KEY_DOWN, 0x41), true, 5).unwrap();
    assert_eq!((tx.desk_key(0x41), tx.key(shared + input::field::KEYS, 0x41)), (0xc1, 0));
    assert_eq!(tx.queue_status(mine, queues::KEY), (queues::KEY, queues::KEY));
    tx.sync_keys(shared);
    assert_eq!(tx.key(shared + input::field::KEYS, 0x41), 0, "its message is still to come");
    assert!(tx.next_hardware(mine, 0, |_, _, _| false).is_none());
    let found = tx.next_hardware(mine, 0, |_, _, _| true).unwrap();
    assert_eq!((found.message.window, found.message.number, found.message.wparam), (handle, number::KEY_DOWN, 0x41));
    assert!(tx.next_hardware(mine, found.id, |_, _, _| true).is_none(), "there is no other");
    tx.accept_hardware(mine, found.id);
    assert_eq!(tx.key(shared + input::field::KEYS, 0x41), 0x81);
    assert_eq!(tx.queue_status(mine, queues::KEY).0, 0);
    // A hot key is told instead, to whoever asked for it.
    assert_eq!(tx.add_hot_key(mine, 0, 7, 2, 0x42), Ok(Registered::New));
    assert_eq!(tx.add_hot_key(mine, handle, 8, 2, 0x42), Ok(Registered::Taken));
    tx.queue_hardware(&press(number::KEY_DOWN, key::LEFT_CONTROL.into()), true, 6).unwrap();
    tx.queue_hardware(&press(number::KEY_DOWN, 0x42), true, 7).unwrap();
    let (told, _) = tx.take_posted(mine, true, |_, _| true).unwrap();
    assert_eq!((told.number, told.wparam, told.lparam), (number::HOT_KEY, 7, 0x42_0002));
    tx.commit().unwrap();
}

#[test]
fn the_mouse_meets_the_innermost_window() {
    let sandbox = Sandbox::new();
    let a = sandbox.join(1);
    let (top, mine) = (desktop(&a), queue(&a, 4));
    let (outer, _) = window(&a, mine, top);
    let (inner, _) = window(&a, mine, outer);
    let mut tx = a.shm.begin();
    for (window, rect) in [(outer, Rect::sized(10, 10, 50, 50)), (inner, Rect::sized(5, 5, 10, 10))] {
        tx.set(window + field::STYLE, VISIBLE);
        for place in [field::WINDOW_RECT, field::CLIENT_RECT] {
            tx.set_window_rect(window, place, rect);
        }
    }
    assert_eq!([tx.top_window_at(20, 20), tx.top_window_at(5, 5)], [outer, top]);
    assert_eq!(tx.windows_at(outer, 20, 20), [outer, inner]);
    assert_eq!((tx.windows_met(outer, 20, 20), tx.windows_met(outer, 40, 40)), (vec![inner, outer], vec![outer]));
    // Movements that nobody has looked at are one.
    let moved = |x, y| {
        let message = Message { number: number::MOUSE_MOVE, place: (x, y), ..Message::default() };
        Hardware { message, ..Hardware::default() }
    };
    tx.queue_hardware(&moved(20, 20), false, 1).unwrap();
    tx.queue_hardware(&moved(21, 22), false, 2).unwrap();
    let found = tx.next_hardware(mine, 0, |_, _, _| true).unwrap();
    assert_eq!((found.message.place, tx.cursor_place()), ((21, 22), (21, 22)));
    assert!(tx.next_hardware(mine, found.id, |_, _, _| true).is_none());
    tx.commit().unwrap();
}

#[test]
fn what_follows_from_a_format_is_there_when_the_clipboard_is_closed() {
    let sandbox = Sandbox::new();
    let a = sandbox.join(1);
    let (top, mine) = (desktop(&a), queue(&a, 4));
    let (_, handle) = window(&a, mine, top);
    let mut tx = a.shm.begin();
    assert_eq!(tx.open_clipboard(mine, handle), Ok(true));
    assert_eq!(tx.open_clipboard(mine, 0), Ok(false), "for another window");
    tx.empty_clipboard().unwrap();
    tx.set_clipboard_data(13, Some(b"t\0\0\0"), 0x409).unwrap();
    tx.set_clipboard_data(0xc001, None, 0).unwrap();
    tx.close_clipboard(1).unwrap();
    assert_eq!(tx.clipboard_formats(), [13, 0xc001, 16, 1, 7]);
    assert_eq!(tx.clipboard_data(1, true), Found::From(13));
    assert_eq!(tx.clipboard_data(0xc001, true), Found::Delayed);
    assert!(tx.set_clipboard_data(2, Some(&vec![0; 17 << 20]), 0).is_err(), "more than there is room for");
}

/// What a member does that is killed over it.
#[test]
fn a_member_killed_at_any_store_leaves_nothing_of_its_input() {
    let sandbox = Sandbox::new();
    for stores in 0.. {
        let sandbox = sandbox.anew();
        let (a, b) = (sandbox.join(1), sandbox.join(2));
        let top = desktop(&a);
        let (mine, theirs) = (queue(&a, 4), queue(&b, 1028));
        let (_, handle) = window(&b, theirs, top);
        let killed = killed_after(&b.shm, stores, |shm| {
            let mut tx = shm.begin();
            tx.add_hook(&Hook { kind: 5, owner: theirs, module: vec![1, 0], ..Hook::default() }).unwrap();
            tx.add_hot_key(theirs, 0, 1, 0, 0x41).unwrap();
            tx.add_input_context(theirs, 1028, 1).unwrap();
            tx.commit().unwrap();
            let mut tx = shm.begin();
            let icon = tx.new_icon(b.record).unwrap();
            tx.publish_cursor(icon, &Picture { width: 1, height: 1, pixels: vec![0; 4], ..Picture::default() })
                .unwrap();
            tx.open_clipboard(theirs, handle).unwrap();
            tx.set_clipboard_data(1, Some(b"x"), 0).unwrap();
            tx.set_raw_device(b.record, crate::shm::user::raw::MOUSE, None).unwrap();
            tx.commit().unwrap();
        });
        sandbox.kill(&a, &b);
        let mut tx = a.shm.begin();
        assert!(tx.hooks_of(5, 4, 4, None).is_empty() && !a.shm.is_hooked(5), "after {stores} stores");
        assert!(tx.user_handles(Kind::Icon).is_empty() && tx.user_handles(Kind::Hook).is_empty());
        assert!(tx.user_handles(Kind::InputContext).is_empty(), "after {stores} stores");
        assert_eq!(tx.add_hot_key(mine, 0, 1, 0, 0x41), Ok(Registered::New), "after {stores} stores");
        assert_eq!(tx.open_clipboard(mine, 0), Ok(true), "after {stores} stores");
        tx.commit().unwrap();
        if !killed {
            break;
        }
    }
}
