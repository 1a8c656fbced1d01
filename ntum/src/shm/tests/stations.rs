//! Atoms and desktops, with members that are killed at every single store.

use super::killed_after;
use super::pipes_killed::used;
use super::user::{desktop, queue, window};
use super::waits::Sandbox;
use crate::ke::dispatcher::Kind;
use crate::ob::shared::number;
use crate::ob::types::Type;
use crate::shm::Tx;
use crate::shm::user::queue::field;
use crate::shm::user::window::flag;
use crate::status::*;
use crate::types::wide;
use crate::win32k::geometry::Rect;

const AREA: Rect = Rect { left: 0, top: 0, right: 10, bottom: 10 };

#[test]
fn an_atom_is_the_same_for_all_and_goes_with_its_last_use() {
    let sandbox = Sandbox::new();
    let (a, b) = (sandbox.join(1), sandbox.join(2));
    let mut tx = a.shm.begin();
    let atom = tx.add_atom(&wide("Name")).unwrap();
    assert_eq!(tx.add_atom(&wide("other")).unwrap(), atom + 1);
    assert_eq!(tx.add_atom(&wide(&"x".repeat(256))), Err(STATUS_INVALID_PARAMETER));
    tx.commit().unwrap();
    let mut tx = b.shm.begin();
    assert_eq!(tx.add_atom(&wide("nAME")), Ok(atom));
    assert_eq!(tx.atom(atom), Some((wide("Name"), 2)));
    tx.delete_atom(atom).unwrap();
    tx.delete_atom(atom).unwrap();
    assert_eq!((tx.find_atom(&wide("name")), tx.delete_atom(atom)), (None, Err(STATUS_INVALID_HANDLE)));
    assert_eq!(tx.add_atom(&wide("third")), Ok(atom), "a free number is used again");
    assert_eq!(tx.all_atoms(), [atom, atom + 1]);
}

#[test]
fn atoms_that_a_member_killed_at_any_store_used_go_with_it() {
    let mut sandbox = Sandbox::new();
    for stores in 0.. {
        sandbox = sandbox.anew();
        let (a, b) = (sandbox.join(1), sandbox.join(2));
        let mut tx = a.shm.begin();
        let kept = tx.add_atom(&wide("kept")).unwrap();
        tx.commit().unwrap();
        let before = used(&a.shm);
        let killed = killed_after(&b.shm, stores, |shm| {
            for name in ["kept", "own", "own"] {
                let mut tx = shm.begin();
                tx.use_atom(b.record, &wide(name)).unwrap();
                tx.commit().unwrap();
            }
            let mut tx = shm.begin();
            let atom = tx.find_atom(&wide("own")).unwrap();
            tx.unuse_atom(b.record, atom);
            tx.commit().unwrap();
        });
        sandbox.kill(&a, &b);
        let tx = a.shm.begin();
        assert_eq!(tx.atom(kept), Some((wide("kept"), 1)), "after {stores} stores");
        assert_eq!(tx.find_atom(&wide("own")), None, "after {stores} stores");
        drop(tx);
        assert!(used(&a.shm) <= before, "after {stores} stores");
        if !killed {
            break;
        }
    }
}

/// A further desktop's object.
fn further(tx: &mut Tx<'_>, member: u32) -> (u32, u32) {
    let object = tx.new_object(number(Type::Desktop), Kind::None, 0, 0).unwrap();
    tx.make_desktop(object).unwrap();
    tx.hold(object, member, true).unwrap();
    (object, tx.desktop_of(object))
}

#[test]
fn a_desktop_has_windows_of_its_own_and_goes_with_a_member_killed_at_any_store() {
    let mut sandbox = Sandbox::new();
    for stores in 0.. {
        sandbox = sandbox.anew();
        let (a, b) = (sandbox.join(1), sandbox.join(2));
        let top = desktop(&a);
        let theirs = queue(&b, 1028);
        let killed = killed_after(&b.shm, stores, |shm| {
            let mut tx = shm.begin();
            let (_, made) = further(&mut tx, b.record);
            tx.set(theirs + field::DESKTOP, made);
            tx.on_desktop(made);
            assert_eq!(tx.root_window(false), 0);
            let root = tx.make_root_window(false, b"d", AREA).unwrap();
            assert!(root != top && tx.is_desktop(root) && tx.is_desktop(top));
            tx.set_input_desktop(made).unwrap();
            tx.commit().unwrap();
            let (own, _) = window(&b, theirs, root);
            let mut tx = shm.begin();
            assert_eq!((tx.root_window(false), tx.windows_of(theirs)), (root, vec![own]), "the user sees it");
            tx.unlink(own);
            assert_eq!((tx.children(root), tx.windows_of(theirs)), (vec![], vec![own]));
            assert!(tx.get(own + crate::shm::user::window::field::FLAGS) & flag::UNLINKED != 0);
            tx.commit().unwrap();
        });
        sandbox.kill(&a, &b);
        let tx = a.shm.begin();
        assert_eq!((tx.input_desktop(), tx.root_window(false)), (0, top), "after {stores} stores");
        assert!(tx.children(top).is_empty() && tx.queue_of(1028).is_none(), "after {stores} stores");
        drop(tx);
        if !killed {
            break;
        }
    }
}
