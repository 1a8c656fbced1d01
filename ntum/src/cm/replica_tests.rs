//! One registry, several processes: kernels on one sandbox's memory.

use super::tree::{Create, KeyId, Op, Resolved, SetValue, Tree};
use crate::host::fake::Fake;
use crate::kernel::Kernel;
use crate::shm::tests::{killed_after, quietly};
use crate::status::*;
use crate::types::wide;

fn find(k: &'static Kernel, path: &str) -> Option<KeyId> {
    let tree = &mut k.registry().tree;
    match tree.resolve(KeyId::ROOT, &wide(path), false) {
        Ok(Resolved::Key(key)) => Some(key),
        _ => None,
    }
}

fn make(k: &'static Kernel, path: &str) -> Nt<KeyId> {
    let plan = |tree: &mut Tree| match tree.resolve(KeyId::ROOT, &wide(path), false)? {
        Resolved::Key(_) => Err(STATUS_OBJECT_NAME_COLLISION),
        Resolved::Missing(parent, name) => {
            let (parent, flags, volatile) = (parent.0, 0, false);
            let made = Op::Create(Create { parent, name, flags, volatile, class: wide("c"), security: None, now: 3 });
            Ok((vec![made], tree.next_key()))
        }
    };
    k.alter(None, &[], plan, |tree, key| tree.open(*key))
}

fn set(k: &'static Kernel, key: KeyId, data: Vec<u8>) -> Nt<()> {
    let set = SetValue { key: key.0, name: wide("v"), kind: 3, data, now: 4 };
    k.alter(None, &[], |_| Ok((vec![Op::SetValue(set)], ())), |_, ()| ())
}

fn value(k: &'static Kernel, key: KeyId) -> Nt<Vec<u8>> {
    k.registry().tree.value(key, &wide("v")).map(|value| value.data.to_vec())
}

fn together<const N: usize>() -> [(&'static Fake, &'static Kernel); N] {
    let all = Fake::sandbox::<N>();
    all[0].1.publish_registry().unwrap();
    all.iter().skip(1).for_each(|(_, k)| k.join_registry());
    all
}

#[test]
fn what_one_changes_the_others_see() {
    let [(_, a), (_, b)] = Fake::sandbox();
    let before = make(a, "Machine\\Software\\Before").unwrap();
    a.publish_registry().unwrap();
    b.join_registry();
    assert_eq!(find(b, "Machine\\Software\\before"), Some(before));
    let key = make(b, "Machine\\Software\\Before\\New").unwrap();
    assert_eq!(make(a, "Machine\\Software\\Before\\NEW"), Err(STATUS_OBJECT_NAME_COLLISION));
    set(a, key, vec![1, 2]).unwrap();
    assert_eq!(value(b, key), Ok(vec![1, 2]));
    assert_eq!(b.registry().tree.view(key).unwrap().class.to_vec(), wide("c"));
    // One of them has it open when the other deletes it.
    a.registry().tree.open(key);
    b.alter(None, &[], |_| Ok((vec![Op::Delete(key, 5)], ())), |_, ()| ()).unwrap();
    assert_eq!(value(a, key), Err(STATUS_KEY_DELETED));
    assert_ne!(make(a, "Machine\\Software\\Before\\New"), Ok(key));
}

#[test]
fn a_journal_that_grows_long_begins_anew() {
    let [(_, a), (_, b)] = together();
    let key = make(a, "Machine\\Software\\Long").unwrap();
    let gone = make(a, "Machine\\Software\\Gone").unwrap();
    b.registry().tree.open_number(key);
    b.registry().tree.open_number(gone);
    a.alter(None, &[], |_| Ok((vec![Op::Delete(gone, 5)], ())), |_, ()| ()).unwrap();
    for round in 0..60u8 {
        set(a, key, vec![round; 8000]).unwrap();
    }
    // Far behind, and everything at once.
    assert_eq!(value(b, key), Ok(vec![59; 8000]));
    assert_eq!(value(b, gone), Err(STATUS_KEY_DELETED));
    let more = make(b, "Machine\\Software\\Long\\More").unwrap();
    assert_eq!(find(a, "Machine\\Software\\Long\\More"), Some(more));
    assert_eq!(a.registry().tree.snapshot(), b.registry().tree.snapshot());
}

#[test]
fn no_room_is_said_and_nothing_has_happened() {
    let [(_, a), (_, b)] = together();
    let key = make(a, "Machine\\Software\\Full").unwrap();
    set(a, key, vec![7]).unwrap();
    assert_eq!(set(a, key, vec![1; 1 << 20]), Err(STATUS_REGISTRY_QUOTA_LIMIT));
    assert_eq!(value(a, key), Ok(vec![7]));
    set(b, key, vec![8]).unwrap();
    assert_eq!(value(a, key), Ok(vec![8]));
}

#[test]
fn a_process_killed_while_it_changes_something_has_changed_it_or_not() {
    quietly();
    let all = together::<24>();
    let (_, k) = all[0];
    let key = make(k, "Machine\\Software\\Killed").unwrap();
    set(k, key, vec![0; 9]).unwrap();
    let mut done = 0;
    for (index, (fake, victim)) in all.into_iter().enumerate().skip(1) {
        let (shm, _) = victim.sandbox().unwrap();
        let mut answer = None;
        let killed = killed_after(shm, index as i64 * 2 - 2, |_| answer = Some(set(victim, key, vec![index as u8; 9])));
        if killed {
            fake.bury();
        } else {
            assert_eq!(answer, Some(Ok(())));
            done = index as u8;
        }
        let found = value(k, key).unwrap();
        assert!(found == vec![done; 9] || found == vec![index as u8; 9], "half a change after {index}");
        done = found[0];
        set(k, key, found).unwrap();
    }
    assert!(done > 0, "none came to its end");
}
