use super::*;
use crate::locate::tests::{Temporary, mount};

#[test]
fn each_is_named_once_with_what_to_grant() {
    let dir = Temporary::new();
    let refusals = Refusals::default();
    for path in ["C:\\data", "c:\\DATA", "D:\\"] {
        refusals.not_visible(&GuestPath::parse(path).unwrap(), true, Asked::Open);
    }
    for path in ["C:\\package.json", "C:\\.git"] {
        refusals.not_visible(&GuestPath::parse(path).unwrap(), path.ends_with(".git"), Asked::Open);
    }
    refusals.read_only(&mount(&dir.0, false), "a/b.txt");
    let host = dir.0.display();
    assert_eq!(
        refusals.advice(&[]),
        [
            "C:\\data is not visible: add --mount HOSTFOLDER=C:\\data".to_string(),
            format!("C:\\m\\a\\b.txt is read-only: add --mount {host}=C:\\m:rw"),
            "D:\\ is not visible: add --mount HOSTFOLDER=D:\\".to_string(),
        ]
    );
    let named = refusals.advice(&["--in=c:/PACKAGE.json".into()]);
    assert!(named.iter().any(|line| line.starts_with("C:\\package.json is not visible")), "{named:?}");
    refusals.not_visible(&GuestPath::parse("C:\\.git").unwrap(), false, Asked::Need);
    assert_eq!(refusals.advice(&[]).len(), 4);
    for number in 0..100 {
        refusals.not_visible(&GuestPath::parse(&format!("C:\\x{number}")).unwrap(), true, Asked::Open);
    }
    assert_eq!(refusals.advice(&[]).len(), MOST);
}
