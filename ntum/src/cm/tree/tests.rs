use super::*;
use crate::cm::hive::Builder;

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
    assert_eq!(tree.delete_tree(software, 10), Ok(()));
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
    tree.delete_tree(top, 10).unwrap();
}
