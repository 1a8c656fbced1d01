//! The clipboard of a desktop's client, with a desktop that is killed at every single store.

use super::killed_after;
use super::user::{desktop, queue, window};
use super::waits::Sandbox;
use crate::shm::user::clipboard::{Found, id};
use crate::shm::user::window::field;
use crate::status::STATUS_INSUFFICIENT_RESOURCES;

const LOCALE: u32 = 0x409;

#[test]
fn what_a_client_offers_is_there_once_it_is_wanted() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let (top, mine) = (desktop(&a), queue(&a, 4));
    let (record, handle) = window(&a, mine, top);
    let mut tx = a.shm.begin();
    tx.make_display().unwrap();
    // A program has something there, and has it open.
    tx.open_clipboard(mine, handle).unwrap();
    tx.empty_clipboard().unwrap();
    tx.set_clipboard_data(id::TEXT, None, 0).unwrap();
    assert_eq!(tx.offer_from_outside(b.record, &[id::UNICODE_TEXT], LOCALE, 1), Ok(false), "it is open");
    tx.close_clipboard(1).unwrap();
    assert_eq!(tx.offer_from_outside(b.record, &[id::UNICODE_TEXT], LOCALE, 1), Ok(true));
    tx.commit().unwrap();
    let mut tx = a.shm.begin();
    assert!(!tx.is_clipboard_open());
    assert_eq!(tx.clipboard_formats(), [id::UNICODE_TEXT, id::LOCALE, id::TEXT, id::OEM_TEXT]);
    let told = tx.receive_message(tx.get(record + field::QUEUE)).map(|sent| (sent.message.window, sent.message.number));
    assert_eq!(told, Some((handle, 0x307)), "the owner before hears of it");
    assert_eq!(tx.first_own_format(&[id::UNICODE_TEXT, id::TEXT]), None);
    tx.open_clipboard(mine, handle).unwrap();
    assert_eq!(tx.clipboard_data(id::UNICODE_TEXT, true), Found::Outside);
    let wanted = tx.want_from_outside(id::UNICODE_TEXT).unwrap();
    tx.commit().unwrap();
    assert!(!a.shm.await_outside(&wanted, 0));
    let mut tx = b.shm.begin();
    assert_eq!((tx.wanted_from_outside(a.record), tx.wanted_from_outside(b.record)), (None, Some(id::UNICODE_TEXT)));
    let before = tx.clipboard_roles().sequence;
    tx.answer_from_outside(id::UNICODE_TEXT, Some(b"t\0\0\0")).unwrap();
    assert_eq!((tx.clipboard_roles().sequence, tx.wanted_from_outside(b.record)), (before, None));
    tx.commit().unwrap();
    assert!(a.shm.await_outside(&wanted, u64::MAX));
    let mut tx = a.shm.begin();
    assert!(matches!(tx.clipboard_data(id::UNICODE_TEXT, false), Found::Data(bytes, _) if bytes == b"t\0\0\0"));
    // More than there is room for is nothing.
    tx.close_clipboard(1).unwrap();
    assert_eq!(tx.offer_from_outside(b.record, &[id::DIB], LOCALE, 1), Ok(true));
    assert_eq!(tx.answer_from_outside(id::DIB, Some(&vec![0; 17 << 20])), Err(STATUS_INSUFFICIENT_RESOURCES));
}

#[test]
fn a_desktop_opens_the_clipboard_for_what_is_to_be_rendered() {
    let sandbox = Sandbox::new();
    let a = sandbox.join(1);
    let (top, mine) = (desktop(&a), queue(&a, 4));
    let (_, handle) = window(&a, mine, top);
    let mut tx = a.shm.begin();
    tx.open_clipboard(mine, handle).unwrap();
    tx.empty_clipboard().unwrap();
    tx.set_clipboard_data(id::UNICODE_TEXT, None, LOCALE).unwrap();
    assert_eq!(tx.take_out(id::UNICODE_TEXT), Ok(None), "somebody has it open");
    tx.close_clipboard(1).unwrap();
    assert_eq!(tx.first_own_format(&[id::DIB, id::UNICODE_TEXT]), Some(id::UNICODE_TEXT));
    assert_eq!(tx.take_out(id::UNICODE_TEXT), Ok(Some(Found::Delayed)));
    tx.have_rendered(id::UNICODE_TEXT, 1).unwrap();
    let told = tx.receive_message(mine).map(|sent| (sent.message.window, sent.message.number, sent.message.wparam));
    assert_eq!(told, Some((handle, 0x305, id::UNICODE_TEXT.into())));
    assert_eq!(tx.open_clipboard(mine, handle), Ok(false), "the desktop has it open");
    let before = tx.clipboard_roles().sequence;
    tx.set_clipboard_data(id::UNICODE_TEXT, Some(b"x\0\0\0"), LOCALE).unwrap();
    assert!(matches!(tx.take_out(id::UNICODE_TEXT), Ok(Some(Found::Data(bytes, _))) if bytes == b"x\0\0\0"));
    tx.end_take_out();
    assert_eq!((tx.is_clipboard_open(), tx.clipboard_roles().sequence), (false, before));
    assert_eq!(tx.open_clipboard(mine, handle), Ok(true));
}

#[test]
fn a_desktop_killed_at_any_store_leaves_no_clipboard_that_is_open() {
    let sandbox = Sandbox::new();
    for stores in 0.. {
        let sandbox = sandbox.anew();
        let (a, b) = (sandbox.join(1), sandbox.join(2));
        let (top, mine) = (desktop(&a), queue(&a, 4));
        let (_, handle) = window(&a, mine, top);
        let killed = killed_after(&b.shm, stores, |shm| {
            let mut tx = shm.begin();
            tx.offer_from_outside(b.record, &[id::UNICODE_TEXT], LOCALE, 1).unwrap();
            tx.commit().unwrap();
            let mut tx = shm.begin();
            let _ = tx.take_out(id::UNICODE_TEXT).unwrap();
            tx.commit().unwrap();
        });
        sandbox.kill(&a, &b);
        let mut tx = a.shm.begin();
        assert_eq!(tx.open_clipboard(mine, handle), Ok(true), "after {stores} stores");
        let texts = [id::UNICODE_TEXT, id::TEXT, id::OEM_TEXT];
        assert!(!tx.clipboard_formats().iter().any(|format| texts.contains(format)), "after {stores} stores");
        assert_eq!(tx.want_from_outside(id::UNICODE_TEXT), None);
        drop(tx);
        if !killed {
            break;
        }
    }
}
