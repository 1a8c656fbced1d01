use super::*;
use crate::guest::GuestPath;
use crate::locate::tests::{Temporary, mount};
use crate::names::{Kind as Why, Names};
use std::fs;

fn call(disposition: Disposition, expect: Expect, bits: u32) -> StreamOpen {
    StreamOpen { uri: String::new(), access: bits, disposition, expect, attributes: 0 }
}

#[test]
fn dispositions() {
    use Disposition::{Create, Open, OpenOrCreate, Overwrite, OverwriteOrCreate};
    let dir = Temporary::new();
    let (mount, host) = (mount(&dir.0, true), Host::default());
    let go = |path: &str, disposition, expect| {
        let handle = host.open_or_make(&mount, path, &call(disposition, expect, access::READ | access::WRITE))?;
        let size = handle.info.size;
        Ok::<_, Error>((handle.made, size, handle.real.into_owned()))
    };
    for disposition in [Open, Overwrite] {
        assert_eq!(go("a", disposition, Expect::Any), Err(Error::NotFound));
    }
    for (path, disposition) in [("a", Create), ("b", OpenOrCreate), ("c", OverwriteOrCreate)] {
        assert_eq!(go(path, disposition, Expect::File), Ok((true, 0, path.to_owned())));
        fs::write(dir.0.join(path), "text").unwrap();
    }
    assert_eq!(go("A", Create, Expect::Any), Err(Error::Exists));
    for disposition in [Open, OpenOrCreate] {
        assert_eq!(go("A", disposition, Expect::Any), Ok((false, 4, "a".into())));
    }
    assert_eq!(go("B", Overwrite, Expect::Any), Ok((false, 0, "b".into())));
    assert_eq!(go("C", OverwriteOrCreate, Expect::Any), Ok((false, 0, "c".into())));
    assert_eq!(fs::read(dir.0.join("c")).unwrap(), b"");
    assert_eq!(go("d", Create, Expect::Directory).map(|(made, ..)| made), Ok(true));
    assert_eq!(go("d", Overwrite, Expect::Any), Err(Error::IsDirectory));
    assert_eq!(go("a", Open, Expect::Directory), Err(Error::NotDirectory));
    assert_eq!(go("x/y", Create, Expect::Any), Err(Error::PathNotFound));
    // A link to nothing can neither be opened nor made.
    std::os::unix::fs::symlink("nothing", dir.0.join("link")).unwrap();
    assert_eq!(go("link", OpenOrCreate, Expect::Any), Err(Error::Exists));
    assert!(!dir.0.join("nothing").exists());
}

#[test]
fn overwriting_needs_no_access_to_data() {
    let dir = Temporary::new();
    fs::write(dir.0.join("a"), "text").unwrap();
    let (mount, host) = (mount(&dir.0, true), Host::default());
    let handle = host.open_or_make(&mount, "a", &call(Disposition::Overwrite, Expect::File, access::READ)).unwrap();
    assert_eq!(handle.info.size, 0);
    assert_eq!(fs::read(dir.0.join("a")).unwrap(), b"");
}

#[test]
fn the_kernels_own_windows_stay_shut_below_a_grant_of_everything() {
    let mut names = Names::new(None);
    let root = fs::File::open("/").unwrap().into();
    names.mount(GuestPath::parse("Z:\\").unwrap(), "/".into(), root, 0, true, Why::Granted);
    let (mount, host) = (&names.mounts()[0], Host::default());
    assert!(mount.wary);
    for path in
        ["proc/self/mem", "PROC/self/mem", "proc/self/status", "dev/null", "dev/tty", "sys/kernel/uevent_helper"]
    {
        let refused = host.open(mount, path, access::READ).err();
        assert!(matches!(refused, Some(Error::AccessDenied | Error::NotFound)), "{path}: {refused:?}");
    }
    assert_eq!(host.enumerate(mount, "proc", false, |_, _| {}), Err(Error::AccessDenied));
    assert!(host.open(mount, "etc/passwd", access::READ).is_ok());
}
