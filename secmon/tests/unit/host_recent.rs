use crate::host::{Host, attributes};
use crate::locate::tests::{Temporary, mount};
use crate::sys;
use shim_abi::stream::attributes as bits;
use std::fs;

#[test]
fn what_the_host_changes_is_seen() {
    let dir = Temporary::new();
    let path = dir.0.join("a");
    fs::write(&path, "").unwrap();
    let (mount, host) = (mount(&dir.0, true), Host::default());
    let bits_now = || host.query(&mount, "a").unwrap().0.attributes;
    // Old enough to be kept.
    std::thread::sleep(std::time::Duration::from_millis(50));
    for _ in 0..2 {
        assert_eq!(bits_now(), bits::ARCHIVE);
    }
    let file = fs::File::options().write(true).open(&path).unwrap();
    let plain = sys::statx(&file, c"").unwrap();
    // Where none can be kept, that alone is remembered.
    let keeps = sys::get_attribute(&file, attributes::NAME, &mut [0; 8]) != Err(nix::errno::Errno::EOPNOTSUPP);
    assert_eq!(host.recent.get(&plain), keeps.then(attributes::Attributes::default));
    if sys::set_attribute(&file, attributes::NAME, Some(b"0x2")).is_err() {
        // A file system that keeps none.
        return;
    }
    assert_eq!(bits_now(), bits::HIDDEN);
    let of = sys::statx(&file, c"").unwrap();
    assert!(host.recent.get(&of).is_none());
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert_eq!((bits_now(), bits_now()), (bits::HIDDEN, bits::HIDDEN));
    assert!(host.recent.get(&of).is_some());
    fs::remove_file(&path).unwrap();
    fs::write(&path, "").unwrap();
    assert_eq!(bits_now(), bits::ARCHIVE);
}
