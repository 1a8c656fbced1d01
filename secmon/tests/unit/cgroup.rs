use super::*;
use crate::locate::tests::Temporary;

#[test]
fn files_are_those_of_the_first_group_that_has_them() {
    let dir = Temporary::new();
    let (own, other) = (dir.0.join("own"), dir.0.join("other"));
    for (folder, file, text) in [
        (&other, "cgroup.procs", ""),
        (&own, "cgroup.procs", ""),
        (&own, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n"),
    ] {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(file), text).unwrap();
    }
    let groups = Groups::new(vec![other.clone()], vec![own.clone()]);
    assert_eq!(
        (groups.folder(), groups.file("cgroup.procs")),
        (Some(other.as_path()), Some(other.join("cgroup.procs")))
    );
    assert_eq!(groups.file("memory.oom_control"), Some(own.join("memory.oom_control")));
    assert!(groups.file("memory.max").is_none() && !groups.ran_out());
    groups.add(Pid::from_raw(77)).unwrap();
    for folder in [&own, &other] {
        assert_eq!(fs::read_to_string(folder.join("cgroup.procs")).unwrap(), "77");
    }
    // Either version tells of those that it ended.
    for (file, text) in
        [("memory.oom_control", "oom_kill 2\n"), ("memory.events", "low 0\noom_kill 1\noom_group_kill 0\n")]
    {
        fs::write(own.join("memory.oom_control"), "oom_kill 0\n").unwrap();
        fs::write(own.join(file), text).unwrap();
        assert!(groups.ran_out(), "{file}");
    }
}

#[test]
fn the_sandboxs_own_groups_go_with_it() {
    let dir = Temporary::new();
    let (own, other) = (dir.0.join("own"), dir.0.join("other"));
    [&own, &other].into_iter().for_each(|folder| fs::create_dir_all(folder).unwrap());
    drop(Groups::new(vec![other.clone()], vec![own.clone(), dir.0.join("gone already")]));
    assert!(!own.exists() && other.is_dir());
}

#[test]
fn threads_run_where_they_are_told_to() {
    let all = processors();
    let thread = nix::unistd::gettid().as_raw();
    assert!(!all.is_empty());
    run_on(thread, [all[0]]).unwrap();
    assert_eq!(processors(), [all[0]]);
    assert!(run_on(thread, []).is_err());
    run_on(thread, all.iter().copied()).unwrap();
    assert_eq!(processors(), all);
}
