use super::*;

#[test]
fn a_program_of_the_image_is_planned_and_told() {
    let policy = Policy { memory: Some(1 << 30), layers: vec!["a".into()], ..Policy::default() };
    let image = |path: &str| (path == "windows/system32/none-such.exe").then(|| "None-Such.exe".to_owned());
    let plan = Plan::new(&policy, vec!["none-such".into(), "/x".into()], false, image).unwrap();
    assert_eq!(plan.program.as_ref().unwrap().to_string(), "C:\\windows\\system32\\None-Such.exe");
    assert_eq!((plan.arguments.as_slice(), &plan.folder), (&["none-such".into(), "/x".into()][..], &None));
    let boot = plan.boot(&policy);
    assert_eq!((boot.memory, boot.below, boot.kept), (1 << 30, 1, false));
    assert_eq!(boot.program, "C:/windows/system32/None-Such.exe");
    assert!(limits(&policy).contains(&(Resource::Data, 1 << 30)));
    assert!(!limits(&Policy::default()).iter().any(|(resource, _)| *resource == Resource::Data));
    let missing = Plan::new(&policy, vec!["none-such".into()], false, |_| None).unwrap_err();
    assert_eq!(missing.code(), shim_abi::exit::NOT_FOUND);
}

#[test]
fn a_program_of_the_host_goes_by_the_guests_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.exe");
    std::fs::write(&file, "").unwrap();
    let plan = Plan::new(&Policy::default(), vec![file.to_str().unwrap().into()], false, |_| None).unwrap();
    assert_eq!(plan.arguments, ["C:\\app\\a.exe"]);
    assert_eq!(plan.folder.unwrap().0, folder.path().canonicalize().unwrap());
}

#[test]
fn a_sandbox_without_a_program_begins_in_the_profile() {
    let plan = Plan::new(&Policy::default(), Vec::new(), true, |_| None).unwrap();
    assert_eq!((plan.program, plan.workdir.to_string().as_str()), (None, "C:\\users\\user"));
}

#[test]
fn small_folders_have_room_for_names() {
    assert!(scratch(1 << 20).contains(&("nr_inodes".into(), "16384".into())));
    assert!(scratch(1 << 30).contains(&("nr_inodes".into(), "262144".into())));
}
