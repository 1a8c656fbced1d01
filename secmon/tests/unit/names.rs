use super::*;
use std::path::Path;

fn names() -> Names {
    let image = crate::image::tests::make(
        Path::new("/img"),
        &[("windows/system32/ntdll.dll", "ntdll.dll")],
        &["windows", "windows/System32", "users", "users/Public"],
    );
    let mut names = Names::new(Some(image));
    for (guest, host) in [
        ("C:\\App", "/app"),
        ("C:\\app\\data\\deep", "/deep"),
        ("C:\\users\\ann", "/scratch"),
        ("C:\\windows\\temp", "/temp"),
        ("Z:\\", "/z"),
    ] {
        let root = std::fs::File::open("/").unwrap().into();
        names.mount(GuestPath::parse(guest).unwrap(), host.into(), root, 1, false, Kind::Granted);
    }
    names
}

fn said(path: &str) -> String {
    said_by(&names(), path)
}

fn said_by(names: &Names, path: &str) -> String {
    match names.find(path.as_bytes()[0], &path[3..]) {
        Place::Host { mount, rest, known } => format!("{} {rest} {}", mount.host.display(), known.is_some()),
        Place::ImageFile(file) => format!("file {}", file.host),
        Place::Folder(folder) => format!("folder {} {:?}", folder.shown, folder.image),
        Place::ImageMissing { folder } => format!("missing {folder}"),
        Place::Uncovered { first, .. } => format!("uncovered {first}"),
    }
}

#[test]
fn the_deepest_mount_counts() {
    assert_eq!(said("C:/APP/x.exe"), "/app x.exe false");
    assert_eq!(said("C:/app"), "/app  true");
    assert_eq!(said("C:/app/data"), "/app data true");
    assert_eq!(said("C:/app/data/other"), "/app data/other false");
    assert_eq!(said("C:/app/DATA/deep/a/b"), "/deep a/b false");
    assert_eq!(said("C:/application"), "uncovered C:\\application");
    assert_eq!(said("Z:/"), "/z  true");
    assert_eq!(said("Z:/etc"), "/z etc false");
}

#[test]
fn the_image_and_what_lies_beside_it() {
    assert_eq!(said("C:/"), "folder C:/ Some(\"\")");
    assert_eq!(said("C:/Windows"), "folder C:/windows Some(\"windows\")");
    assert_eq!(said("C:/windows/SYSTEM32"), "folder C:/windows/System32 Some(\"windows/System32\")");
    assert_eq!(said("C:/windows/system32/NTDLL.dll"), "file ntdll.dll");
    assert_eq!(said("C:/windows/system32/none.dll"), "missing true");
    assert_eq!(said("C:/windows/none/none.dll"), "missing false");
    assert_eq!(said("C:/windows/Temp/x"), "/temp x false");
    assert_eq!(said("C:/users/ann/x"), "/scratch x false");
    assert_eq!(said("C:/users/bob/x"), "uncovered C:\\users\\bob");
    assert_eq!(said("C:/users/bob"), "uncovered C:\\users\\bob");
    assert_eq!(said("C:/users/public/x"), "missing true");
    assert_eq!(said("C:/users/public/x/y"), "missing false");
    assert_eq!(said("C:/data/x"), "uncovered C:\\data");
    assert_eq!(said("D:/data/x"), "uncovered D:\\data");
    assert_eq!(said("D:/"), "uncovered D:\\");
}

#[test]
fn what_is_shared_counts_at_once_and_until_it_is_no_more() {
    let names = names();
    let guest = |text: &str| GuestPath::parse(text).unwrap();
    let share = |place: &str, host: &str| {
        names.share(guest(place), host.into(), std::fs::File::open("/").unwrap().into(), 1, true)
    };
    let before = names.find(b'C', "app/x");
    for place in ["Q:\\deep\\er", "C:\\app\\data", "C:\\users\\ann"] {
        assert!(share(place, "/shared"));
    }
    assert_eq!(said_by(&names, "Q:/deep/er/f"), "/shared f false");
    assert_eq!(said_by(&names, "Q:/deep"), "folder Q:/deep None");
    assert_eq!(said_by(&names, "C:/app/data/f"), "/shared f false");
    assert_eq!(said_by(&names, "C:/app/data/deep/f"), "/deep f false");
    assert_eq!(said_by(&names, "C:/users/ann/f"), "/shared f false");
    assert_eq!(names.seen().filter(|mount| mount.host == Path::new("/shared")).count(), 3);
    let Place::Folder(folder) = names.find(b'Q', "deep") else { panic!("a folder") };
    let known = folder.known.unwrap();
    assert_eq!(
        names.children(known).map(|(name, mount, _)| (name, mount.is_some())).collect::<Vec<_>>(),
        [("er", true)]
    );
    // What was found before is still what it was.
    assert!(matches!(before, Place::Host { mount, rest: "x", .. } if mount.host == Path::new("/app")));

    for place in ["q:\\DEEP\\er", "C:\\app\\data", "C:\\users\\ann"] {
        assert!(names.unshare(&guest(place)));
        assert!(!names.unshare(&guest(place)), "once");
    }
    for place in ["C:\\app", "Z:\\", "C:\\nowhere", "Q:\\deep"] {
        assert!(!names.unshare(&guest(place)), "{place} was not shared");
    }
    for path in ["Q:/deep/er/f", "Q:/deep", "C:/app/data/f", "C:/app/data/deep/f", "C:/users/ann/f", "Q:/"] {
        assert_eq!(said_by(&names, path), said(path), "{path}");
    }
    assert!(names.children(known).next().is_none() && !names.leads_on(known));
    assert!(std::iter::repeat_with(|| share("Q:\\x", "/shared")).take(MOST_SHARED + 1).any(|shared| !shared));
}
