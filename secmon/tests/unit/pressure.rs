use super::*;
use crate::locate::tests::Temporary;

#[test]
fn nothing_is_watched_at_first_and_after_memory_was_short() {
    let mut pressure = Pressure::begin(false);
    let none = Groups::default();
    assert!(pressure.files(&none).is_empty() && pressure.rest().is_some_and(|rest| rest <= FIRST));
    pressure.from = Instant::now();
    assert!(pressure.rest().is_none());
    // One file where the host tells, none where it does not.
    assert_eq!(pressure.files(&none).len(), usize::from(watch(HOST).is_ok()));
    pressure.came();
    assert!(pressure.files(&none).is_empty() && pressure.rest().is_some_and(|rest| rest > FIRST));
}

#[test]
fn a_group_of_version_1_is_watched_where_there_is_one() {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let memory =
        shim_abi::share::hierarchies(&mounts).find(|(_, options, _)| shim_abi::share::lists(options, "memory"));
    let group = memory.map(|(root, ..)| Path::new(root).join(format!("portcullis-unit-{}", std::process::id())));
    let Some(group) = group.filter(|group| std::fs::create_dir(group).is_ok()) else {
        eprintln!("skipped: no control group of version 1 for memory can be made here");
        return;
    };
    let watched = watch_group(&group.join("memory.pressure_level"));
    let mut pressure = Pressure::begin(false);
    pressure.from = Instant::now();
    let groups = Groups::new(vec![group.clone()], Vec::new());
    let counters = pressure.files(&groups).iter().filter(|(_, when)| *when == PollFlags::POLLIN).count();
    pressure.came();
    let other = watch_group(&group.join("memory.limit_in_bytes"));
    std::fs::remove_dir(&group).unwrap();
    // It has not risen: nothing was taken back.
    assert!(watched.unwrap().read(&mut [0; 8]).is_err());
    assert_eq!(counters, 1);
    assert!(other.is_err() && watch_group(Path::new("/proc/self/status")).is_err());
}

#[test]
fn what_is_no_pressure_file_is_refused() {
    assert!(watch("/proc/pressure/nothing").is_err());
    assert!(watch("/proc/self/status").is_err());
}

#[test]
fn timers_are_late_on_battery_and_that_is_said_while_it_lasts() {
    let dir = Temporary::new();
    let supply = |name: &str, attributes: &[(&str, &str)]| {
        let folder = dir.0.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        attributes.iter().for_each(|(attribute, text)| std::fs::write(folder.join(attribute), text).unwrap());
    };
    let battery = [("type", "Battery\n"), ("present", "1\n"), ("status", "Discharging\n"), ("capacity", "50\n")];
    let mut pressure = Pressure::begin(true);
    assert!(pressure.sleep().is_some_and(|sleep| sleep <= FIRST));
    // Not yet: it has just begun.
    assert_eq!(pressure.lateness(&dir.0), None);
    supply("BAT0", &battery);
    supply("AC", &[("type", "Mains\n"), ("online", "0\n")]);
    let due = |pressure: &mut Pressure| {
        pressure.power = pressure.power.map(|_| Instant::now());
        pressure.lateness(&dir.0)
    };
    assert_eq!(due(&mut pressure), Some(crate::broker::power::LATE));
    // Again each time, for the processes that were made since.
    assert_eq!((pressure.lateness(&dir.0), due(&mut pressure)), (None, Some(crate::broker::power::LATE)));
    supply("AC", &[("online", "1\n")]);
    assert_eq!((due(&mut pressure), due(&mut pressure)), (Some(0), None));
    // A host without batteries is looked at once, and one in the foreground never.
    std::fs::remove_dir_all(dir.0.join("BAT0")).unwrap();
    assert_eq!((due(&mut pressure), pressure.power), (None, None));
    assert!(Pressure::begin(false).power.is_none());
}
