//! The notification area, with members that are killed at every single store.

use super::killed_after;
use super::user::{desktop, queue, window};
use super::waits::Sandbox;
use crate::shm::user::mode::Mode;
use crate::shm::user::tray::{Balloon, Change, HEIGHT, Name, block, event};
use crate::shm::user::window::{VISIBLE, field};
use crate::win32k::geometry::Rect;

const CALLBACK: u32 = 0x8001;

fn told() -> Change {
    let balloon = Balloon { text: b"t\0".to_vec(), timeout: 1000, ..Balloon::default() };
    Change {
        callback: Some(CALLBACK),
        picture: Some(vec![1; 1024]),
        tip: Some(b"tip".to_vec()),
        balloon: Some(balloon),
        ..Change::default()
    }
}

#[test]
fn the_bar_is_there_while_an_icon_is() {
    let sandbox = Sandbox::new();
    let a = sandbox.join(1);
    let (top, mine) = (desktop(&a), queue(&a, 4));
    let (record, owner) = window(&a, mine, top);
    let mut tx = a.shm.begin();
    let name = Name { owner, id: 1, guid: None };
    let icon = tx.add_tray_icon(&name, &told()).unwrap().unwrap();
    assert_eq!(tx.add_tray_icon(&name, &told()).unwrap(), None, "it is there");
    assert_eq!(tx.add_tray_icon(&Name { owner: 77, ..name }, &told()).unwrap(), None, "no such window");
    let bar = tx.get(tx.tray().unwrap() + block::BAR);
    assert_eq!(tx.window_rect(bar, field::WINDOW_RECT), Rect::new(0, 100 - HEIGHT, 100, 100));
    assert_eq!((tx.work_area(), tx.shows_task_bar()), (Rect::new(0, 0, 100, 100 - HEIGHT), true));
    assert_eq!((tx.children(top)[0], tx.top_window_at(5, 95)), (bar, bar), "above all");
    assert!(tx.take_work_area_changed() && !tx.take_work_area_changed());
    // A balloon is told of when it comes, and when its time is over.
    let heard = |tx: &mut crate::shm::Tx<'_>| {
        let sent = tx.receive_message(mine)?;
        tx.answer_message(mine, sent.record, 0, &[]);
        Some((sent.message.number, sent.message.wparam, sent.message.lparam as u32))
    };
    assert_eq!((tx.turn_balloons(5), tx.shown_balloon()), (Some(1005), icon));
    assert_eq!(heard(&mut tx), Some((CALLBACK, 1, event::BALLOON_SHOW)));
    assert_eq!((tx.turn_balloons(1004), tx.turn_balloons(1005), tx.shown_balloon()), (Some(1005), None, 0));
    assert_eq!(heard(&mut tx), Some((CALLBACK, 1, event::BALLOON_TIMEOUT)));
    // A screen of another size has it at its edge.
    assert!(tx.set_screen_mode(Mode { width: 300, height: 200, depth: 32 }, 0).unwrap());
    assert_eq!(tx.work_area(), Rect::new(0, 0, 300, 200 - HEIGHT));
    assert_eq!(tx.window_rect(bar, field::WINDOW_RECT).bottom, 200);
    // It goes with its icons' windows.
    tx.drop_window(record);
    assert!(!tx.shows_task_bar() && tx.tray_icon(&name).is_none());
    assert_eq!((tx.work_area(), tx.get(bar + field::STYLE) & VISIBLE), (Rect::new(0, 0, 300, 200), 0));
    tx.commit().unwrap();
}

#[test]
fn icons_of_a_member_that_is_killed_are_gone() {
    let mut survived = 0;
    for stores in (0..).step_by(3) {
        let sandbox = Sandbox::new();
        let (a, b) = (sandbox.join(1), sandbox.join(2));
        let (top, _) = (desktop(&a), queue(&a, 4));
        let theirs = queue(&b, 1028);
        let (_, owner) = window(&b, theirs, top);
        let killed = killed_after(&b.shm, stores, |shm| {
            let mut tx = shm.begin();
            let name = |id: u32| Name { owner, id, guid: Some([id, 2, 3, 4]) };
            let icon = tx.add_tray_icon(&name(1), &told()).unwrap().unwrap();
            tx.commit().unwrap();
            let mut tx = shm.begin();
            tx.add_tray_icon(&name(2), &told()).unwrap();
            tx.turn_balloons(1);
            tx.hover_icon(icon);
            tx.commit().unwrap();
            let mut tx = shm.begin();
            tx.drop_tray_icon(icon);
            tx.commit().unwrap();
        });
        sandbox.kill(&a, &b);
        let tx = a.shm.begin();
        assert!(!tx.shows_task_bar() && tx.shown_icons().is_empty(), "after {stores} stores");
        assert_eq!((tx.hovered_icon(), tx.shown_balloon()), (0, 0), "after {stores} stores");
        assert_eq!(tx.work_area(), Rect::new(0, 0, 100, 100), "after {stores} stores");
        drop(tx);
        survived += u32::from(!killed);
        if survived > 1 {
            return;
        }
    }
}
