//! Unit tests of opening several files ahead.

use super::*;
use crate::guest::GuestPath;
use crate::locate::tests::Temporary;
use crate::names::Names;
use crate::terminal::Terminal;
use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::Path;

/// A broker with one mount at W:, on a file system that tells of changes; nothing where there is none.
fn broker(dir: &Temporary) -> Option<Broker> {
    let open = |name: &str| -> OwnedFd {
        let path = dir.0.join(name);
        fs::create_dir_all(&path).unwrap();
        fs::File::open(path).unwrap().into()
    };
    let root = open("granted");
    let kind = fstatfs(&root).unwrap().filesystem_type().0 as i64 & 0xffff_ffff;
    let volume = crate::host::volume(&crate::sys::statx(&root, c"").unwrap());
    let mut names = Names::new(None);
    names.mount(GuestPath::parse("W:\\").unwrap(), dir.0.join("granted"), root, volume, true, Kind::Granted);
    let log = fs::File::options().write(true).open("/dev/null").unwrap().into();
    let family = crate::family::Family::new(None).unwrap();
    TELLING.contains(&kind).then(|| Broker::new(names, Terminal::default(), open("scratch"), log, family, false))
}

fn request(names: &[&str], changes: bool) -> StreamOpenSeveral {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    StreamOpenSeveral { uri: "file:W:/above/folder".into(), names, changes }
}

fn changed(queue: &OwnedFd) -> bool {
    poll(&mut [PollFd::new(queue.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO).unwrap() != 0
}

fn text(fd: OwnedFd) -> String {
    let mut text = String::new();
    fs::File::from(fd).read_to_string(&mut text).unwrap();
    text
}

/// A folder with two files.
fn tree(dir: &Temporary) -> std::path::PathBuf {
    let folder = dir.0.join("granted/above/folder");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("a"), "first").unwrap();
    fs::write(folder.join("b"), "second").unwrap();
    folder
}

#[test]
fn files_are_opened_as_they_are_written_and_nothing_else_is() {
    let dir = Temporary::new();
    let Some(broker) = broker(&dir) else { return };
    let folder = tree(&dir);
    fs::create_dir(folder.join("deeper")).unwrap();
    fs::write(dir.0.join("outside"), "outside").unwrap();
    symlink("../../../outside", folder.join("out")).unwrap();
    symlink("a", folder.join("link")).unwrap();
    nix::unistd::mkfifo(&folder.join("fifo"), nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    let slot = Slot::default();
    let names = ["a", "A", "deeper", "out", "link", "fifo", "none", "b"];
    let (opened, mut descriptors) = broker.stream_open_several(&slot, &request(&names, true)).unwrap();
    let sizes: Vec<Option<u64>> = opened.files.iter().map(|file| file.as_ref().map(|info| info.size)).collect();
    assert_eq!(sizes, [Some(5), None, None, None, None, None, None, Some(6)]);
    assert_eq!(descriptors.len(), 3);
    assert_eq!((text(descriptors.remove(2)), text(descriptors.remove(1))), ("second".into(), "first".into()));
    let ask = |uri: &str, names: &[&str], changes| {
        let call = StreamOpenSeveral { uri: uri.into(), ..request(names, changes) };
        broker.stream_open_several(&slot, &call).map(|(opened, _)| opened.files.len())
    };
    assert_eq!(ask("file:W:/above/folder", &["../a"], false), Err(Error::NameInvalid));
    assert_eq!(ask("file:W:/above/none", &["a"], false), Err(Error::NotFound));
    assert_eq!(ask("file:W:/above/folder/link", &["a"], false), Err(Error::AccessDenied));
    assert_eq!(ask("file:Q:/above", &["a"], false), Err(Error::Unsupported));
    assert_eq!(ask("file:W:/above/folder", &["a"; MAX_SEVERAL + 1], false), Err(Error::Invalid));
    assert_eq!(ask("file:W:/above/folder", &["a"; MAX_SEVERAL], false), Ok(MAX_SEVERAL));
    let fresh = broker.stream_open_several(&Slot::default(), &request(&["a"], false));
    assert_eq!(fresh.map(|(opened, _)| opened), Err(Error::Invalid));
}

#[test]
fn every_change_that_gives_a_name_another_meaning_is_told() {
    type Change = fn(&Path);
    let all: [Change; 9] = [
        |folder| fs::remove_file(folder.join("a")).unwrap(),
        |folder| fs::rename(folder.join("a"), folder.join("c")).unwrap(),
        |folder| fs::rename(folder.join("b"), folder.join("a")).unwrap(),
        |folder| fs::rename(folder.with_file_name("other"), folder.join("a")).unwrap(),
        |folder| fs::rename(folder, folder.with_file_name("away")).unwrap(),
        |folder| fs::rename(folder.parent().unwrap(), folder.ancestors().nth(2).unwrap().join("away")).unwrap(),
        |folder| fs::set_permissions(folder.join("a"), fs::metadata(folder).unwrap().permissions()).unwrap(),
        |folder| fs::set_permissions(folder, fs::metadata(folder).unwrap().permissions()).unwrap(),
        |folder| fs::remove_dir_all(folder).unwrap(),
    ];
    for (index, change) in all.into_iter().enumerate() {
        let dir = Temporary::new();
        let Some(broker) = broker(&dir) else { return };
        let folder = tree(&dir);
        fs::write(folder.with_file_name("other"), "other").unwrap();
        let slot = Slot::default();
        let (_, descriptors) = broker.stream_open_several(&slot, &request(&["a"], true)).unwrap();
        // Neither what is written nor what comes new gives a name that is there another meaning.
        fs::write(folder.join("a"), "written").unwrap();
        fs::write(folder.join("new"), "new").unwrap();
        assert!(!changed(&descriptors[0]), "{index}");
        change(&folder);
        assert!(changed(&descriptors[0]), "{index}");
        // Later requests mean what the path means by then.
        let again = broker.stream_open_several(&slot, &request(&["a", "b"], false));
        let found = again.map_or(0, |(opened, _)| opened.files.iter().flatten().count());
        let there = ["a", "b"].iter().filter(|name| folder.join(name).exists()).count();
        assert_eq!(found, there, "{index}");
        // A new descriptor tells of what comes, not of what was.
        fs::create_dir_all(&folder).unwrap();
        let (_, descriptors) = broker.stream_open_several(&slot, &request(&["a"], true)).unwrap();
        assert!(!changed(&descriptors[0]), "{index}");
    }
}

#[test]
fn that_the_monitor_looks_no_longer_is_told() {
    let dir = Temporary::new();
    let Some(broker) = broker(&dir) else { return };
    tree(&dir);
    let slot = Slot::default();
    let (_, descriptors) = broker.stream_open_several(&slot, &request(&["a"], true)).unwrap();
    for index in 0..MOST {
        let uri = format!("file:W:/above/{index}");
        fs::create_dir(dir.0.join(format!("granted/above/{index}"))).unwrap();
        broker.stream_open_several(&slot, &StreamOpenSeveral { uri, ..request(&[], false) }).unwrap();
    }
    assert!(changed(&descriptors[0]));
    let slots: Vec<Slot> = (0..100).map(|_| Slot::default()).collect();
    let refused = slots.iter().filter(|slot| broker.stream_open_several(slot, &request(&[], true)).is_err()).count();
    assert!(refused > 30, "{refused}");
}
