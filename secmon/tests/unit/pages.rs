use super::*;
use nix::unistd::ftruncate;
use shim_abi::page;

#[test]
fn each_lane_has_its_own_and_nobody_cuts_them() {
    let pages = Pages::new().unwrap();
    page::listen(pages.of(COUNT - 1).unwrap(), true);
    assert!(page::ask(pages.of(COUNT - 1).unwrap(), b"x", 0));
    assert!(!page::ask(pages.of(0).unwrap(), b"x", 0));
    assert!(pages.of(COUNT).is_none());
    for length in [0, 4096, 1 << 20] {
        assert_eq!(ftruncate(pages.file(), length), Err(Errno::EPERM));
    }
}
