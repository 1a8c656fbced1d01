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
    let names = names();
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
