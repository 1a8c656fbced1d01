use super::*;
use shim_abi::image;
use shim_abi::image::INDEX_VERSION;

pub(crate) fn make(folder: &Path, files: &[(&str, &str)], folders: &[&str]) -> Image {
    let mut files: Vec<image::File> = files
        .iter()
        .map(|(guest, host)| {
            let meta = fs::metadata(folder.join(host)).ok();
            let written = meta.as_ref().and_then(|meta| {
                Some(meta.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?.as_nanos() as i64)
            });
            image::File {
                guest: guest.to_lowercase(),
                shown: guest.rsplit('/').next().unwrap().into(),
                host: (*host).into(),
                size: meta.map_or(1, |meta| meta.len()),
                written: written.unwrap_or(2),
            }
        })
        .collect();
    files.sort_by(|a, b| a.guest.cmp(&b.guest));
    let folders = folders.iter().map(|folder| (*folder).into()).collect();
    let index = image::Index { version: INDEX_VERSION, source: "test".into(), files, folders };
    Image::from_bytes(folder, index.to_file(), "Ann").unwrap()
}

#[test]
fn finds_and_lists() {
    let image = make(
        Path::new("/img"),
        &[
            ("@hive", "hive"),
            ("windows/system32/ntdll.dll", "/w/ntdll.dll"),
            ("windows/system32/Drivers/x.sys", "/w/x.sys"),
            ("windows/system32-old.txt", "/w/old"),
            ("windows/win.ini", "files/win.ini"),
            ("users/@user/a.txt", "files/a"),
        ],
        &["windows", "windows/System32", "Program Files", "users/@user/Desktop"],
    );
    assert_eq!(image.find("Windows/SYSTEM32/NTDLL.DLL").unwrap().host, "/w/ntdll.dll");
    assert_eq!(image.host_path(&image.find("windows/win.ini").unwrap()), Path::new("/img/files/win.ini"));
    assert_eq!(image.find("users/ann/A.TXT").unwrap().host, "files/a");
    assert!(image.find("windows/system32").is_none() && image.find("@hive").is_some());
    assert_eq!(image.folder("windows/system32").as_deref(), Some("windows/System32"));
    assert!(image.folder("windows/system32/drivers").is_some() && image.folder("users/Ann").is_some());
    assert!(image.folder("windows/sys").is_none());
    let shown = |path: &str| {
        let (files, folders) = image.list(path);
        (files.iter().map(|file| file.shown.to_owned()).collect::<Vec<_>>(), folders)
    };
    let (files, folders) = shown("");
    assert_eq!((files.len(), folders.as_slice()), (0, &["windows".into(), "Program Files".into(), "users".into()][..]));
    let (files, folders) = shown("WINDOWS");
    assert_eq!(files, ["system32-old.txt", "win.ini"]);
    assert_eq!(folders, ["System32"]);
    assert_eq!(shown("windows/system32").1, ["drivers"]);
}

#[test]
fn damage_is_refused() {
    let index = image::Index { version: INDEX_VERSION, source: "s".into(), files: vec![], folders: vec![] };
    let good = index.to_file();
    assert!(Image::from_bytes(Path::new("/"), good.clone(), "u").is_ok());
    for at in 0..good.len() {
        assert!(Image::from_bytes(Path::new("/"), good[..at].to_vec(), "u").is_err());
    }
    let other = image::Index { version: INDEX_VERSION + 1, ..index };
    let error = Image::from_bytes(Path::new("/i"), other.to_file(), "u").err().unwrap();
    assert!(error.to_string().contains("another version"), "{error}");
    // A well-sealed body that lies about its counts.
    let mut lie = INDEX_VERSION.to_le_bytes().to_vec();
    lie.extend([0, 0, 0, 0, 255, 255, 255, 255]);
    assert!(Image::from_bytes(Path::new("/"), image::seal(&lie), "u").is_err());
}
