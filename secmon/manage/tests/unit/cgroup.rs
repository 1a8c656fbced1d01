use super::*;

fn all() -> Policy {
    Policy {
        memory: Some(64 << 20),
        memory_soft: Some(32 << 20),
        cpus: Some("0.5".parse().unwrap()),
        cpu_weight: Some(20),
        pids: Some(100),
        ..Policy::default()
    }
}

/// A file of the first group that has it.
fn read(group: &Group, name: &str) -> Option<String> {
    group.folders.iter().find_map(|(folder, ..)| fs::read_to_string(folder.join(name)).ok())
}

#[test]
fn groups_come_and_go() {
    assert!(Group::new(&Policy::default()).unwrap().hand_over().unwrap().is_empty());
    let group = Group::new(&all()).unwrap();
    // Each limit says what keeps it, on every host.
    let what = ["memory: ", "memory-soft: ", "cpus: ", "cpu-weight: ", "pids: "];
    assert!(group.means.iter().zip(what).all(|(one, what)| one.starts_with(what)), "{:?}", group.means);
    assert_eq!(group.means.len(), what.len());
    let folders: Vec<PathBuf> = group.folders.iter().map(|(folder, ..)| folder.clone()).collect();
    for (limit, files) in [("memory:", ["memory.max", "memory.limit_in_bytes"]), ("pids", ["pids.max", "pids.max"])] {
        if group.means.iter().any(|means| means.starts_with(limit) && means.contains("of version")) {
            let text = files.iter().find_map(|file| read(&group, file)).unwrap();
            assert_eq!(text.trim(), if limit == "pids" { "100" } else { "67108864" });
        }
    }
    assert!(folders.iter().all(|folder| folder.is_dir()));
    group.remove();
    // Not every host lets groups be made; nothing may be left behind then either.
    assert!(folders.iter().all(|folder| !folder.exists()), "{folders:?}");
}

#[test]
fn what_is_not_there_is_named() {
    let missing = Policy { cpuset: Some("0,1000".parse().unwrap()), ..Policy::default() };
    let said = Group::new(&missing).unwrap_err().to_string();
    assert!(said.starts_with("cpuset: processor 1000 is not among"), "{said}");
    for path in ["/portcullis-no-such-group", "/../../tmp", ""] {
        let given = Policy { cgroup: Some(path.into()), ..Policy::default() };
        let said = Group::new(&given).unwrap_err().to_string();
        assert!(said.contains("no hierarchy has a control group of that name"), "{path}: {said}");
    }
}

#[test]
fn a_given_group_is_used_and_stays() {
    // One that stands ready, where groups can be made at all.
    let ready = Group::new(&all()).unwrap();
    let folder = ready.folders.iter().find(|(folder, ..)| folder.join("pids.max").exists());
    let Some(folder) = folder.map(|(folder, ..)| folder.clone()) else { return ready.remove() };
    let given = Policy { cgroup: Some(folder.clone()), pids: Some(50), ..Policy::default() };
    let group = Group::new(&given).unwrap();
    assert!(group.folders.iter().any(|(given, _, made)| *given == folder && !made));
    assert_eq!(fs::read_to_string(folder.join("pids.max")).unwrap().trim(), "50");
    group.remove();
    assert!(folder.is_dir());
    // A limit that this group cannot keep is refused, not dropped.
    let given = Policy { memory: Some(1 << 30), ..given };
    if ready.folders.iter().any(|(other, ..)| *other != folder && other.join("memory.limit_in_bytes").exists()) {
        let said = Group::new(&given).unwrap_err().to_string();
        assert!(said.contains(": memory: "), "{said}");
    }
    ready.remove();
}

/// Folders and files as the kernel has them in version 2, with these controllers for the group that this process is in and for the one above.
fn unified(own: Option<&str>, above: Option<&str>) -> (tempfile::TempDir, Tree) {
    let top = tempfile::tempdir().unwrap();
    let folder = top.path().join("user.slice/app.scope");
    fs::create_dir_all(&folder).unwrap();
    for (folder, controllers) in [(folder.as_path(), own), (folder.parent().unwrap(), above)] {
        fs::write(folder.join("cgroup.procs"), "").unwrap();
        fs::write(folder.join("cgroup.controllers"), controllers.unwrap_or("cpu memory pids")).unwrap();
        match controllers {
            Some(_) => fs::write(folder.join("cgroup.subtree_control"), "").unwrap(),
            // It has processes of its own: nothing is passed on to groups below, and the kernel says so.
            None => fs::create_dir(folder.join("cgroup.subtree_control")).unwrap(),
        }
    }
    let mounts = format!("proc /proc proc rw 0 0\ncgroup2 {} cgroup2 rw,nsdelegate 0 0\n", top.path().display());
    (top, Tree { mounts, own: "0::/user.slice/app.scope\n".into() })
}

#[test]
fn limits_are_kept_by_groups_of_version_2() {
    let (top, tree) = unified(Some("cpu memory pids"), Some("cpu memory pids"));
    let group = Group::within(tree, &all()).unwrap();
    assert!(group.means.iter().all(|means| means.ends_with("by a control group of version 2")), "{:?}", group.means);
    assert_eq!((group.folders.len(), group.nice), (1, 0), "one group has all of them");
    let folder = &group.folders[0].0;
    assert_eq!(folder.parent().unwrap(), top.path().join("user.slice/app.scope"));
    for (file, value) in [
        ("memory.max", "67108864"),
        ("memory.high", "33554432"),
        ("memory.swap.max", "0"),
        ("cpu.max", "50000 100000"),
        ("cpu.weight", "20"),
        ("pids.max", "100"),
    ] {
        assert_eq!(read(&group, file).as_deref(), Some(value), "{file}");
    }
    // What is handed to the monitor is to be removed by it.
    let words = group.hand_over().unwrap();
    assert_eq!(words, [format!("--own-group={}", folder.display()).as_str()]);
}

#[test]
fn a_group_with_processes_of_its_own_has_the_sandboxs_beside_it() {
    let (top, tree) = unified(None, Some("cpu memory pids"));
    let group = Group::within(tree, &all()).unwrap();
    assert!(group.means.iter().all(|means| means.ends_with("of version 2")), "{:?}", group.means);
    assert_eq!(group.folders[0].0.parent().unwrap(), top.path().join("user.slice"));
}

#[test]
fn what_is_not_delegated_is_kept_otherwise_or_said() {
    // Of three controllers one is there.
    let (_top, tree) = unified(Some("pids"), Some("pids"));
    let group = Group::within(tree, &all()).unwrap();
    let means: Vec<&str> = group.means.iter().map(String::as_str).collect();
    assert!(
        means[0].starts_with("memory: by RLIMIT_DATA") && means[0].contains("memory controller is not delegated"),
        "{means:?}"
    );
    assert!(means[1].starts_with("memory-soft: NOT KEPT") && means[2].starts_with("cpus: NOT KEPT"), "{means:?}");
    assert!(means[3].starts_with("cpu-weight: by the nice value 7") && group.nice == 7, "{means:?}");
    assert_eq!(means[4], "pids: by a control group of version 2");
    // A host without any.
    let group = Group::within(Tree::default(), &all()).unwrap();
    assert!(group.folders.is_empty() && group.means[4].starts_with("pids: NOT KEPT"), "{:?}", group.means);
    // One that is named is used as it is, or refused.
    let (top, tree) = unified(Some("pids"), Some("pids"));
    let given = Policy { cgroup: Some("/user.slice/app.scope".into()), pids: Some(5), ..Policy::default() };
    let group = Group::within(tree, &given).unwrap();
    assert_eq!(group.folders, [(top.path().join("user.slice/app.scope"), true, false)]);
    assert_eq!(read(&group, "pids.max").as_deref(), Some("5"));
}
