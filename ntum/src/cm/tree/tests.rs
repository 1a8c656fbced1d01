use super::*;
use crate::cm::hive::{Builder, flags};

/// Changes as the calls make them: checked, then made.
impl Tree {
    fn made(&mut self) -> Made<'_> {
        Made { tree: self, ops: Vec::new() }
    }

    fn create(&mut self, parent: KeyId, name: &[u16], volatile: bool, link: bool, now: u64) -> Nt<KeyId> {
        self.made().create(parent, name, volatile, link, now)
    }

    fn set_value(&mut self, key: KeyId, name: &[u16], kind: u32, data: &[u8], now: u64) -> Nt<bool> {
        self.made().set_value(key, name, kind, data, now)
    }

    fn delete_value(&mut self, key: KeyId, name: &[u16], now: u64) -> Nt<()> {
        self.may_delete_value(key, name)?;
        self.apply(&Op::DeleteValue(key, name.into(), now));
        Ok(())
    }

    fn delete(&mut self, key: KeyId, now: u64) -> Nt<()> {
        if self.may_delete(key)? {
            self.apply(&Op::Delete(key, now));
        }
        Ok(())
    }

    fn rename(&mut self, key: KeyId, name: &[u16], now: u64) -> Nt<()> {
        self.may_rename(key, name)?;
        self.apply(&Op::Rename(key, name.into(), now));
        Ok(())
    }

    fn delete_all(&mut self, key: KeyId, now: u64) -> Nt<()> {
        let ops = self.delete_tree(key, true, now)?;
        self.made().carry_out(ops);
        Ok(())
    }
}

fn hive() -> Hive<'static> {
    let mut root = Builder::new();
    root.set_written(5);
    for name in ["Alpha", "beta", "Gamma"] {
        root.path(&format!("Machine\\Software\\{name}\\Deep")).set(&wide("v"), 4, vec![1, 0, 0, 0]);
    }
    root.path("Machine\\Software").set(&wide("one"), 1, vec![1]);
    root.path("Machine\\Software").set(&wide("three"), 1, vec![3]);
    let link = root.path("Machine\\Link");
    link.set_flags(flags::LINK);
    link.set(&wide(LINK_VALUE), REG_LINK, bytes_of(&wide("\\Registry\\Machine\\Software")).into_vec());
    Hive::open(root.bytes().unwrap().leak()).unwrap()
}

fn tree() -> Tree {
    Tree::new(hive())
}

fn open(tree: &mut Tree, path: &str) -> Nt<KeyId> {
    match tree.resolve(KeyId::ROOT, &wide(path), false)? {
        Resolved::Key(key) => {
            tree.open(key);
            Ok(key)
        }
        Resolved::Missing(..) => Err(STATUS_OBJECT_NAME_NOT_FOUND),
    }
}

fn make(tree: &mut Tree, path: &str, volatile: bool) -> Nt<KeyId> {
    match tree.resolve(KeyId::ROOT, &wide(path), false)? {
        Resolved::Missing(parent, name) => {
            let key = tree.create(parent, &name, volatile, false, 9)?;
            tree.open(key);
            Ok(key)
        }
        Resolved::Key(_) => Err(STATUS_OBJECT_NAME_COLLISION),
    }
}

fn subkeys(tree: &Tree, key: KeyId) -> Vec<String> {
    let names = (0..).map_while(|index| tree.subkey_view(key, index).ok().map(|(view, _)| view.name.to_vec()));
    names.map(|name| String::from_utf16(&name).unwrap()).collect()
}

fn values(tree: &Tree, key: KeyId) -> Vec<String> {
    let names = (0..).map_while(|index| tree.value_at(key, index).ok().map(|value| value.name.to_vec()));
    names.map(|name| String::from_utf16(&name).unwrap()).collect()
}

#[test]
fn keys_of_the_hive_cost_nothing_once_closed() {
    let mut tree = tree();
    assert_eq!(tree.nodes_in_use(), 1);
    let key = open(&mut tree, "machine\\SOFTWARE\\Beta\\deep").unwrap();
    assert_eq!(tree.nodes_in_use(), 5);
    assert_eq!(String::from_utf16(&tree.path(key).unwrap()).unwrap(), "\\REGISTRY\\Machine\\Software\\beta\\Deep");
    assert_eq!(tree.value(key, &wide("V")).unwrap().data, [1, 0, 0, 0]);
    tree.close(key);
    assert_eq!(tree.nodes_in_use(), 1);
    let again = open(&mut tree, "machine\\software\\beta").unwrap();
    assert_eq!(subkeys(&tree, again), ["Deep"]);
}

#[test]
fn changes_lie_over_the_hive() {
    let mut tree = tree();
    let software = open(&mut tree, "Machine\\Software").unwrap();
    let bravo = make(&mut tree, "Machine\\Software\\Bravo", false).unwrap();
    assert_eq!(subkeys(&tree, software), ["Alpha", "beta", "Bravo", "Gamma"]);
    assert_eq!(tree.set_value(software, &wide("two"), 4, &[2], 11), Ok(true));
    assert_eq!(tree.set_value(software, &wide("ONE"), 1, &[1], 12), Ok(false));
    assert_eq!(tree.set_value(software, &wide("ONE"), 1, &[7], 12), Ok(true));
    assert_eq!(values(&tree, software), ["one", "three", "two"]);
    assert_eq!(tree.view(software).unwrap().written, 12);
    tree.close(bravo);
    tree.close(software);
    let again = open(&mut tree, "Machine\\Software").unwrap();
    assert_eq!(tree.value(again, &wide("one")).unwrap().data, [7]);
    assert_eq!(tree.delete_value(again, &wide("three"), 13), Ok(()));
    assert_eq!(tree.delete_value(again, &wide("three"), 13), Err(STATUS_OBJECT_NAME_NOT_FOUND));
    assert_eq!(values(&tree, again), ["one", "two"]);
    let extent = tree.extent(again).unwrap();
    assert_eq!(extent, Extent { subkeys: 4, name: 10, class: 0, values: 2, value_name: 6, data: 1 });
}

#[test]
fn deletion() {
    let mut tree = tree();
    let software = open(&mut tree, "Machine\\Software").unwrap();
    let alpha = open(&mut tree, "Machine\\Software\\Alpha").unwrap();
    let deep = open(&mut tree, "Machine\\Software\\Alpha\\Deep").unwrap();
    assert_eq!(tree.delete(alpha, 9), Err(STATUS_ACCESS_DENIED));
    assert_eq!(tree.delete(deep, 9), Ok(()));
    assert_eq!(tree.delete(alpha, 9), Ok(()));
    assert_eq!(tree.delete(alpha, 9), Ok(()));
    assert_eq!(subkeys(&tree, software), ["beta", "Gamma"]);
    assert_eq!(tree.view(alpha).err(), Some(STATUS_KEY_DELETED));
    assert_eq!(tree.value(deep, &wide("v")).err(), Some(STATUS_KEY_DELETED));
    assert_eq!(tree.set_value(alpha, &wide("x"), 1, &[], 9), Err(STATUS_KEY_DELETED));
    let alpha_again = make(&mut tree, "Machine\\Software\\alpha", false).unwrap();
    assert_ne!(alpha, alpha_again);
    assert_eq!(subkeys(&tree, software), ["alpha", "beta", "Gamma"]);
    assert!(subkeys(&tree, alpha_again).is_empty());
    tree.close(deep);
    tree.close(alpha);
    assert_eq!(tree.delete_all(software, 10), Ok(()));
    let machine = open(&mut tree, "Machine").unwrap();
    assert_eq!(subkeys(&tree, machine), ["Link"]);
    for key in [alpha_again, software, machine] {
        tree.close(key);
    }
    assert_eq!(tree.nodes_in_use(), 2, "the root, and Machine with its own list");
}

#[test]
fn links() {
    let mut tree = tree();
    let target = open(&mut tree, "Machine\\Software").unwrap();
    assert_eq!(open(&mut tree, "Machine\\Link"), Ok(target));
    let beta = open(&mut tree, "Machine\\Software\\beta").unwrap();
    assert_eq!(open(&mut tree, "machine\\link\\BETA"), Ok(beta));
    let Resolved::Key(link) = tree.resolve(KeyId::ROOT, &wide("Machine\\Link"), true).unwrap() else { panic!() };
    assert_ne!(link, target);
    assert_eq!(tree.set_value(link, &wide("other"), REG_LINK, &[], 9), Err(STATUS_ACCESS_DENIED));
    assert_eq!(tree.set_value(link, &wide(LINK_VALUE), 1, &[], 9), Err(STATUS_ACCESS_DENIED));
    let to = |path: &str| bytes_of(&wide(path));
    tree.set_value(link, &wide(LINK_VALUE), REG_LINK, &to("\\Registry\\Machine\\Link\\x"), 9).unwrap();
    assert_eq!(open(&mut tree, "Machine\\Link"), Err(STATUS_INVALID_PARAMETER), "a link in a circle");
    tree.set_value(link, &wide(LINK_VALUE), REG_LINK, &to("Machine"), 9).unwrap();
    assert_eq!(open(&mut tree, "Machine\\Link"), Err(STATUS_OBJECT_NAME_NOT_FOUND));
    tree.set_value(link, &wide(LINK_VALUE), REG_LINK, &to("\\Registry\\Machine\\New"), 9).unwrap();
    let made = make(&mut tree, "Machine\\Link", false).unwrap();
    assert_eq!(open(&mut tree, "Machine\\New"), Ok(made));
}

#[test]
fn paths() {
    let mut tree = tree();
    let Resolved::Missing(_, name) = tree.resolve(KeyId::ROOT, &wide("\\Machine\\\\New\\\\"), false).unwrap() else {
        panic!()
    };
    assert_eq!(name, wide("New"));
    assert_eq!(tree.resolve(KeyId::ROOT, &wide("Machine\\No\\No"), false), Err(STATUS_OBJECT_NAME_NOT_FOUND));
    let long = vec![65; MAX_NAME + 1];
    assert_eq!(tree.resolve(KeyId::ROOT, &long, false), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(path::below_registry(&wide("\\registry")), Some(&[][..]));
    assert_eq!(path::below_registry(&wide("\\registryx")), None);
}

#[test]
fn volatile_parents_have_volatile_children() {
    let mut tree = tree();
    make(&mut tree, "Machine\\V", true).unwrap();
    assert_eq!(make(&mut tree, "Machine\\V\\x", false), Err(STATUS_CHILD_MUST_BE_VOLATILE));
    assert!(make(&mut tree, "Machine\\V\\x", true).is_ok());
}

#[test]
fn renaming() {
    let mut tree = tree();
    let software = open(&mut tree, "Machine\\Software").unwrap();
    let alpha = open(&mut tree, "Machine\\Software\\Alpha").unwrap();
    assert_eq!(tree.rename(alpha, &wide("BETA"), 9), Err(STATUS_CANNOT_DELETE));
    assert_eq!(tree.rename(alpha, &wide("Alpha"), 9), Err(STATUS_CANNOT_DELETE));
    assert_eq!(tree.rename(alpha, &wide("a\\b"), 9), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(tree.rename(KeyId::ROOT, &wide("x"), 9), Err(STATUS_CANNOT_DELETE));
    assert_eq!(tree.rename(alpha, &wide("Zed"), 9), Ok(()));
    assert_eq!(subkeys(&tree, software), ["beta", "Gamma", "Zed"]);
    assert_eq!(subkeys(&tree, alpha), ["Deep"]);
    tree.close(alpha);
    let zed = open(&mut tree, "Machine\\Software\\ZED\\Deep").unwrap();
    assert_eq!(tree.value(zed, &wide("v")).unwrap().kind, 4);
    assert!(open(&mut tree, "Machine\\Software\\Alpha").is_err());
}

#[test]
fn depth_has_a_limit() {
    let mut tree = tree();
    let mut at = open(&mut tree, "Machine").unwrap();
    let status = loop {
        match tree.create(at, &wide("d"), false, false, 9) {
            Ok(key) => at = key,
            Err(status) => break status,
        }
    };
    assert_eq!(status, STATUS_INVALID_PARAMETER);
    let top = open(&mut tree, "Machine\\d").unwrap();
    tree.delete_all(top, 10).unwrap();
}

/// Everything that a tree shows: paths, classes, times, values.
fn shown(tree: &mut Tree, at: KeyId, path: &str, out: &mut Vec<String>) {
    let view = tree.view(at).unwrap();
    out.push(format!("{path} {:?} {} {} {:?}", view.class.to_vec(), view.written, view.volatile, tree.security(at)));
    for index in 0..tree.value_count(at).unwrap() {
        let value = tree.value_at(at, index).unwrap();
        out.push(format!("{path} {:?} {} {:?}", value.name.to_vec(), value.kind, value.data));
    }
    for index in 0.. {
        let Some(child) = tree.subkey_at(at, index) else { break };
        let name = String::from_utf16(&tree.view(child).unwrap().name.to_vec()).unwrap();
        shown(tree, child, &format!("{path}\\{name}"), out);
        tree.settle(child);
    }
}

fn all(tree: &mut Tree) -> Vec<String> {
    let mut out = Vec::new();
    shown(tree, KeyId::ROOT, "", &mut out);
    out
}

/// Changes of every kind.
fn changes(tree: &mut Tree) -> Vec<Op> {
    let mut made = tree.made();
    let find = |made: &mut Made<'_>, path: &str| match made.tree.resolve(KeyId::ROOT, &wide(path), true).unwrap() {
        Resolved::Key(key) => key,
        Resolved::Missing(..) => panic!("{path}"),
    };
    let software = find(&mut made, "Machine\\Software");
    let new = made.create(software, &wide("New"), false, false, 20).unwrap();
    let deeper = made.create(new, &wide("Deeper"), true, false, 21).unwrap();
    made.set_value(deeper, &wide("v"), 1, &[1, 2, 3], 22).unwrap();
    let deep = find(&mut made, "Machine\\Software\\Alpha\\Deep");
    made.set_value(deep, &wide("w"), 3, &[7; 70], 23).unwrap();
    let beta = find(&mut made, "Machine\\Software\\beta");
    let mut ops = made.tree.delete_tree(beta, true, 24).unwrap();
    ops.push(Op::Rename(find(&mut made, "Machine\\Software\\Gamma"), wide("aaa"), 25));
    ops.push(Op::Secure(deep, vec![1; 20]));
    ops.push(Op::Dress(new, wide("class"), 0, 26));
    ops.push(Op::Keep(new, 1, 9));
    ops.push(Op::Mount(new, wide("\\Device\\X")));
    ops.push(Op::DeleteValue(software, wide("one"), 27));
    ops.push(Op::Touch(deep, 28));
    made.carry_out(ops);
    made.ops
}

#[test]
fn the_same_changes_make_the_same_registry() {
    let mut one = tree();
    let ops = changes(&mut one);
    let bytes = shim_abi::wire::encode(&ops);
    assert_eq!(shim_abi::wire::decode::<Vec<Op>>(&bytes), Ok(ops.clone()));
    let mut other = tree();
    // What is open there is no hindrance, and lies where it lay.
    let open = open(&mut other, "Machine\\Software\\beta\\Deep").unwrap();
    for op in &ops {
        other.apply(op);
    }
    assert_eq!(all(&mut one), all(&mut other));
    assert_eq!(other.view(open).err(), Some(STATUS_KEY_DELETED));
    assert_eq!(one.next_key(), other.next_key());
}

#[test]
fn a_snapshot_is_the_registry() {
    let mut one = tree();
    changes(&mut one);
    let bytes = shim_abi::wire::encode(&one.snapshot());
    let snapshot: Vec<Op> = shim_abi::wire::decode(&bytes).unwrap();
    let mut late = tree();
    let kept = open(&mut late, "Machine\\Software\\Gamma\\Deep").unwrap();
    let gone = open(&mut late, "Machine\\Software\\beta\\Deep").unwrap();
    let mut now = late.from_snapshot(&snapshot);
    assert_eq!(all(&mut now), all(&mut one));
    assert_eq!(now.next_key(), one.next_key());
    assert_eq!(String::from_utf16(&now.path(kept).unwrap()).unwrap(), "\\REGISTRY\\Machine\\Software\\aaa\\Deep");
    assert_eq!(now.path(gone), Err(STATUS_KEY_DELETED));
    assert!(!late.differences(&now).is_empty());
    assert!(now.differences(&one.from_snapshot(&snapshot)).iter().all(|(key, _)| *key == gone));
    now.close(gone);
    now.close(kept);
    let again = now.snapshot();
    assert_eq!(again, snapshot, "nothing else is changed by it");
    // And so is one of a registry that went on from there.
    let key = open(&mut now, "Machine\\Software\\New").unwrap();
    now.create(key, &wide("x"), false, false, 30).unwrap();
    one.create(key, &wide("x"), false, false, 30).unwrap();
    assert_eq!(all(&mut now), all(&mut one));
}

#[test]
fn a_branch_is_planted_as_it_was() {
    let mut tree = tree();
    changes(&mut tree);
    let from = open(&mut tree, "Machine\\Software").unwrap();
    let branch = tree.branch(from, false).unwrap();
    let file = crate::cm::regf::write(&branch, &[]);
    let read = crate::cm::regf::read(&file).unwrap();
    let to = make(&mut tree, "Machine\\Copy", false).unwrap();
    let ops = tree.plant(to, &read, 0, false).unwrap();
    tree.made().carry_out(ops);
    let copy = tree.branch(to, true).unwrap();
    assert_eq!((copy.subkeys, copy.values), (branch.subkeys, branch.values));
    assert!(open(&mut tree, "Machine\\Copy\\New").is_ok());
    assert!(open(&mut tree, "Machine\\Copy\\New\\Deeper").is_err(), "a volatile key is not saved");
}

#[test]
fn what_is_logged_makes_the_same_registry_again() {
    use crate::cm::log::{records, replay};
    use shim_abi::registry::{Delta, frame, read};
    let mut one = tree();
    let ops = changes(&mut tree());
    // All at once, and one after the other.
    let together = records(&mut one, &ops);
    let mut single = Vec::new();
    for op in &ops {
        single.extend(records(&mut one, std::slice::from_ref(op)));
        one.apply(op);
    }
    let lost = |line: &String| !line.starts_with("\\Machine\\Software\\New\\Deeper");
    // The hive that was mounted, and what is volatile, are lost with the session.
    assert!(!together.iter().any(|record| format!("{record:?}").contains(&format!("{:?}", wide("Deeper")))));
    let key = find_key(&mut one, "Machine\\Software\\New");
    one.apply(&Op::Mount(key, Vec::new()));
    let wanted: Vec<String> = all(&mut one).into_iter().filter(lost).collect();
    for log in [single.clone(), read(&frame(&single)), Delta::of(single).records()] {
        let mut again = tree();
        replay(&mut again, log);
        assert_eq!(all(&mut again), wanted);
    }
    let mut again = tree();
    replay(&mut again, together);
    let new = |line: &String| !line.starts_with("\\Machine\\Software\\New");
    let rest = |lines: Vec<String>| lines.into_iter().filter(new).collect::<Vec<_>>();
    assert_eq!(rest(all(&mut again)), rest(wanted), "but for the hive that it holds");
}

fn find_key(tree: &mut Tree, path: &str) -> KeyId {
    match tree.resolve(KeyId::ROOT, &wide(path), true).unwrap() {
        Resolved::Key(key) => key,
        Resolved::Missing(..) => panic!("{path}"),
    }
}
