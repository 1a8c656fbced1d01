//! Unit tests of finding names under a root.

use super::*;
use crate::guest::GuestPath;
use crate::names::Kind;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A folder that is removed at the end.
pub(crate) struct Temporary(pub PathBuf);

impl Temporary {
    pub(crate) fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("secmon-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Temporary(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn mount(host: &Path, writable: bool) -> Mount {
    let root: OwnedFd = fs::File::open(host).unwrap().into();
    let volume = crate::host::volume(&sys::statx(&root, c"").unwrap());
    let guest = GuestPath::parse("C:\\m").unwrap();
    Mount { number: 0, guest, host: host.into(), root, volume, writable, kind: Kind::Granted, wary: false }
}

fn real(cache: &Cache, mount: &Mount, path: &str) -> Result<String> {
    cache.open(mount, path, OFlag::O_PATH).map(|(_, real)| real.into_owned())
}

#[test]
fn letter_case_does_not_matter() {
    let dir = Temporary::new();
    fs::create_dir_all(dir.0.join("Ordner/Tiefer")).unwrap();
    fs::write(dir.0.join("Ordner/Tiefer/Datei Ä.txt"), "x").unwrap();
    let (mount, cache) = (mount(&dir.0, false), Cache::default());
    for path in ["Ordner/Tiefer/Datei Ä.txt", "ORDNER/tiefer/dateI ä.TXT", "ordner/Tiefer/Datei Ä.txt"] {
        assert_eq!(real(&cache, &mount, path).as_deref(), Ok("Ordner/Tiefer/Datei Ä.txt"));
    }
    assert_eq!(real(&cache, &mount, "ordner/nichts"), Err(Error::NotFound));
    assert_eq!(real(&cache, &mount, "nichts/nichts"), Err(Error::PathNotFound));
    assert_eq!(real(&cache, &mount, "ordner/tiefer/datei ä.txt/x"), Err(Error::NotDirectory));
    assert_eq!(real(&cache, &mount, "").as_deref(), Ok(""));
}

#[test]
fn of_names_that_differ_in_case_alone_the_exact_one_then_the_first() {
    let dir = Temporary::new();
    for name in ["abc", "Abc", "ABC"] {
        fs::write(dir.0.join(name), name).unwrap();
    }
    let (mount, cache) = (mount(&dir.0, false), Cache::default());
    for name in ["abc", "Abc", "ABC"] {
        assert_eq!(real(&cache, &mount, name).as_deref(), Ok(name));
    }
    assert_eq!(real(&cache, &mount, "aBC").as_deref(), Ok("ABC"));
}

#[test]
fn changes_on_the_host_are_seen() {
    let dir = Temporary::new();
    let (mount, cache) = (mount(&dir.0, false), Cache::default());
    assert_eq!(real(&cache, &mount, "FILE"), Err(Error::NotFound));
    std::thread::sleep(TICK * 2);
    fs::write(dir.0.join("file"), "").unwrap();
    assert_eq!(real(&cache, &mount, "FILE").as_deref(), Ok("file"));
    fs::rename(dir.0.join("file"), dir.0.join("File")).unwrap();
    std::thread::sleep(TICK * 2);
    assert_eq!(real(&cache, &mount, "FILE").as_deref(), Ok("File"));
    fs::remove_file(dir.0.join("File")).unwrap();
    assert_eq!(real(&cache, &mount, "FILE"), Err(Error::NotFound));
}

#[test]
fn links_that_stay_inside_lead_on_and_others_do_not() {
    let dir = Temporary::new();
    let inside = dir.0.join("in");
    fs::create_dir_all(inside.join("sub")).unwrap();
    fs::write(dir.0.join("secret"), "s").unwrap();
    fs::write(inside.join("sub/plain"), "p").unwrap();
    symlink("sub/plain", inside.join("good")).unwrap();
    symlink("sub", inside.join("folder")).unwrap();
    symlink("../secret", inside.join("up")).unwrap();
    symlink("..", inside.join("above")).unwrap();
    symlink("/etc/passwd", inside.join("absolute")).unwrap();
    symlink("sub/../../secret", inside.join("round")).unwrap();
    symlink("/proc/self/root/etc/passwd", inside.join("magic")).unwrap();
    symlink("loop", inside.join("loop")).unwrap();
    symlink("nowhere", inside.join("dangling")).unwrap();
    let (mount, cache) = (mount(&inside, true), Cache::default());
    assert!(real(&cache, &mount, "good").is_ok() && real(&cache, &mount, "FOLDER/PLAIN").is_ok());
    for path in ["up", "UP", "above", "above/secret", "ABOVE/secret", "absolute", "round", "magic", "loop"] {
        assert_eq!(real(&cache, &mount, path), Err(Error::AccessDenied), "{path}");
    }
    assert_eq!(real(&cache, &mount, "dangling"), Err(Error::NotFound));
    // The monitor never builds such paths, but the kernel would stop them too.
    assert_eq!(real(&cache, &mount, "../secret"), Err(Error::AccessDenied));
    assert_eq!(real(&cache, &mount, "/etc/passwd"), Err(Error::AccessDenied));
}

#[test]
fn no_race_of_renames_leads_out() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let dir = Temporary::new();
    let inside = dir.0.join("in");
    fs::create_dir_all(inside.join("a")).unwrap();
    fs::create_dir_all(dir.0.join("out")).unwrap();
    fs::write(inside.join("a/file"), "inside").unwrap();
    fs::write(dir.0.join("out/file"), "outside").unwrap();
    symlink("../out", inside.join("b")).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let swapper = std::thread::spawn({
        let (inside, stop) = (inside.clone(), stop.clone());
        move || {
            while !stop.load(Ordering::Relaxed) {
                let names = [("a", "c"), ("b", "a"), ("a", "b"), ("c", "a")];
                for (from, to) in names {
                    let _ = fs::rename(inside.join(from), inside.join(to));
                }
            }
        }
    });
    let (mount, cache) = (mount(&inside, false), Cache::default());
    let (mut opened, mut refused) = (0, 0);
    for _ in 0..20_000 {
        for path in ["a/file", "A/FILE"] {
            match cache.open(&mount, path, OFlag::O_RDONLY) {
                Ok((fd, _)) => {
                    let mut text = String::new();
                    std::io::Read::read_to_string(&mut fs::File::from(fd), &mut text).unwrap();
                    assert_eq!(text, "inside");
                    opened += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
    assert!(opened > 0 && refused > 0, "the race took place: {opened} {refused}");
}

#[test]
fn filling_a_folder_keeps_the_cache_true() {
    let dir = Temporary::new();
    let (mount, cache) = (mount(&dir.0, true), Cache::default());
    for number in 0..50 {
        let name = format!("File{number}");
        let located = cache.locate(&mount, &name).unwrap();
        assert!(!located.exists);
        fs::write(dir.0.join(&name), "").unwrap();
        cache.changed(&mount, &located.folder, &located.path, None, Some(&name));
        assert_eq!(real(&cache, &mount, &name.to_uppercase()).as_deref(), Ok(name.as_str()));
    }
    let located = cache.locate(&mount, "FILE7").unwrap();
    fs::remove_file(dir.0.join("File7")).unwrap();
    cache.changed(&mount, &located.folder, &located.path, Some("File7"), None);
    assert!(!cache.locate(&mount, "file7").unwrap().exists);
}
