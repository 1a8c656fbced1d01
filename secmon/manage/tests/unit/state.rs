use super::*;

fn record(id: &str, name: Option<&str>) -> Record {
    Record {
        version: crate::record::VERSION,
        id: id.into(),
        name: name.map(str::to_owned),
        created: crate::record::now(),
        config: None,
        command: None,
        user: "user".into(),
        folders: Vec::new(),
        net: Vec::new(),
        published: Vec::new(),
        memory: None,
        clipboard: secmon::policy::Clipboard::None,
        sound: false,
    }
}

const ONE: &str = "12345678-1234-1234-1234-1234567890ab";
const TWO: &str = "12399999-1234-1234-1234-1234567890ab";

/// Makes a sandbox; as long as its lock is held it runs.
fn make(store: &Store, id: &str, name: Option<&str>) -> Result<File, StateError> {
    store.make(id, name, |making| making.keep(&record(id, name)).map(|(_, lock)| lock))
}

fn store() -> (tempfile::TempDir, Store) {
    let top = tempfile::tempdir().unwrap();
    let store = Store::at(top.path()).unwrap();
    (top, store)
}

#[test]
fn ids_are_guids() {
    let id = new_id().unwrap();
    assert!(is_id(&id) && id != new_id().unwrap(), "{id}");
    assert!(id.as_bytes()[14] == b'4' && b"89ab".contains(&id.as_bytes()[19]), "{id}");
    assert_eq!(parse_id("{12345678-1234-1234-1234-1234567890AB}").unwrap(), ONE);
    assert!(parse_id("12345678").is_err() && parse_id(&ONE.replace('a', "g")).is_err());
    assert!(["a", "build-1", "7z.x_y"].iter().all(|name| check_name(name).is_ok()));
    assert!(["", "-a", "a b", "../x", ONE, &"a".repeat(64)].iter().all(|name| check_name(name).is_err()));
}

#[test]
fn one_is_found_by_id_beginning_and_name() {
    let (_top, store) = store();
    let _one = make(&store, ONE, Some("first")).unwrap();
    let two = make(&store, TWO, None).unwrap();
    for what in [ONE, "{12345678-1234-1234-1234-1234567890AB}", "12345", "first"] {
        assert_eq!(store.find(what).unwrap().record.id, ONE, "{what}");
    }
    assert!(
        matches!(store.find("123"), Err(StateError::Ambiguous(_, both)) if both.contains(ONE) && both.contains(TWO))
    );
    assert!(matches!(store.find("fir"), Err(StateError::Missing(_))));
    assert!(matches!(store.find(""), Err(StateError::Missing(_))));
    assert!(matches!(make(&store, ONE, None), Err(StateError::Taken(_))));
    let name = make(&store, "aaaaaaaa-1234-1234-1234-1234567890ab", Some("first"));
    assert!(matches!(name, Err(StateError::NameTaken(_, id)) if id == ONE));
    assert_eq!(store.find("12399").unwrap().life, Life::Running);
    drop(two);
    assert_eq!(store.find("12399").unwrap().life, Life::Lost);
}

#[test]
fn what_the_monitor_said_last_is_how_it_ended() {
    let (_top, store) = store();
    let lock = make(&store, ONE, None).unwrap();
    let events = store.find(ONE).unwrap().file(file::EVENTS);
    let end = r#"{"Event":"stopped","Time":"t","How":"status","Status":5,"Text":""}"#;
    fs::write(&events, format!("{{\"Event\":\"started\"}}\n{end}\n")).unwrap();
    assert_eq!(store.find(ONE).unwrap().life, Life::Running, "its lock is held");
    drop(lock);
    let Life::Ended(end) = store.find(ONE).unwrap().life else { panic!("it ended") };
    assert_eq!((end.how.as_str(), end.status, end.code()), ("status", 5, 5));
    fs::write(&events, "{\"Event\":\"stop").unwrap();
    assert_eq!(store.find(ONE).unwrap().life, Life::Lost, "half a line says nothing");
}

#[test]
fn pruning_leaves_what_runs_and_what_is_newer() {
    let (_top, store) = store();
    let _running = make(&store, ONE, None).unwrap();
    drop(make(&store, TWO, None).unwrap());
    let newer = "bbbbbbbb-1234-1234-1234-1234567890ab";
    drop(make(&store, newer, None).unwrap());
    let path = store.top.join(newer).join(file::RECORD);
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("\"Version\": 1", "\"Version\": 2")).unwrap();
    let broken = "cccccccc-1234-1234-1234-1234567890ab";
    fs::create_dir(store.top.join(broken)).unwrap();
    fs::create_dir(store.top.join(".new-x")).unwrap();
    fs::create_dir_all(store.top.join(".old-y/half")).unwrap();
    let said = store.find(newer).unwrap_err().to_string();
    assert!(said.contains("version 2, of a newer secmon"), "{said}");
    assert_eq!(store.all().unwrap().len(), 2, "what is broken hides nothing");

    assert!(matches!(store.remove(ONE), Err(StateError::Runs(_))));
    assert_eq!(store.prune(Some(1)).unwrap(), Pruned { ids: vec![], leftovers: 2 }, "none ended before 1970");
    assert_eq!(store.prune(None).unwrap(), Pruned { ids: vec![TWO.into(), broken.into()], leftovers: 0 });
    assert!(store.top.join(ONE).exists() && store.top.join(newer).exists());
    assert!(matches!(store.find(TWO), Err(StateError::Missing(_))));
}

#[test]
fn what_is_not_kept_is_gone() {
    let (_top, store) = store();
    let failed: Result<(), StateError> = store.make(ONE, None, |making| {
        assert!(making.folder().exists());
        Err(StateError::Missing("x".into()))
    });
    assert!(failed.is_err() && store.names().unwrap() == [".lock"], "{:?}", store.names());
    // A command that was killed on its way does not keep the next from the same id.
    fs::create_dir(store.top.join(format!(".new-{ONE}"))).unwrap();
    make(&store, ONE, None).unwrap();
}
