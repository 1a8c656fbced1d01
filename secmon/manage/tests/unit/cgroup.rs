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
