use super::*;
use crate::locate::tests::{Temporary, mount};
use std::fs;

#[test]
fn two_names_of_one_file() {
    let dir = Temporary::new();
    let (a, b) = (mount(&dir.0, true), mount(&dir.0, true));
    let b = Mount { number: 1, ..b };
    let host = Host::default();
    let identity = |path: &str| host.query(&a, path).unwrap().0.identity;
    fs::write(dir.0.join("one"), "text").unwrap();
    // The same name through another mount is itself: nothing is lost.
    assert_eq!(host.rename((&a, "one"), identity("one"), (&b, "one"), true, false).as_deref(), Ok("one"));
    assert_eq!(host.rename((&a, "one"), identity("one"), (&b, "ONE"), true, false).as_deref(), Ok("ONE"));
    assert_eq!(host.rename((&a, "ONE"), identity("ONE"), (&a, "two"), false, true).as_deref(), Ok("two"));
    assert_eq!(host.rename((&a, "ONE"), identity("ONE"), (&a, "two"), true, true).as_deref(), Ok("two"));
    assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 2);
    assert_eq!(host.rename((&a, "ONE"), identity("ONE"), (&a, "two"), true, false).as_deref(), Ok("two"));
    assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 1);
    assert_eq!(fs::read(dir.0.join("two")).unwrap(), b"text");
    // A link replaces another file in one step.
    fs::write(dir.0.join("other"), "other").unwrap();
    assert_eq!(host.rename((&a, "two"), identity("two"), (&a, "OTHER"), true, true).as_deref(), Ok("other"));
    assert_eq!(fs::read(dir.0.join("other")).unwrap(), b"text");
    assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 2);
}
