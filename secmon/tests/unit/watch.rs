use super::*;
use crate::locate::tests::Temporary;
use nix::sys::socket::MsgFlags;
use shim_abi::wire::decode;
use std::fs;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

fn next(from: &OwnedFd) -> Option<Change> {
    let until = Instant::now() + Duration::from_secs(5);
    let mut buffer = [0; 4096];
    while Instant::now() < until {
        match nix::sys::socket::recv(from.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
            Ok(count) => return decode(&buffer[..count]).ok(),
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    None
}

fn expect(from: &OwnedFd, action: u32, path: &str) {
    loop {
        match next(from) {
            // Writing a file may be told more than once.
            Some(change) if change.action == MODIFIED && action != MODIFIED => {}
            Some(change) => {
                assert_eq!((change.action, change.path.as_str()), (action, path));
                return;
            }
            None => panic!("no change {action} {path}"),
        }
    }
}

#[test]
fn changes_arrive_in_order() {
    let dir = Temporary::new();
    fs::create_dir(dir.0.join("sub")).unwrap();
    let watches = Watches::default();
    let from = watches.add(fs::File::open(&dir.0).unwrap().into(), true).unwrap();
    fs::write(dir.0.join("a"), "").unwrap();
    expect(&from, ADDED, "a");
    fs::rename(dir.0.join("a"), dir.0.join("b")).unwrap();
    expect(&from, OLD_NAME, "a");
    expect(&from, NEW_NAME, "b");
    fs::write(dir.0.join("b"), "text").unwrap();
    expect(&from, MODIFIED, "b");
    fs::write(dir.0.join("sub/c"), "").unwrap();
    expect(&from, ADDED, "sub/c");
    fs::rename(dir.0.join("sub"), dir.0.join("bus")).unwrap();
    expect(&from, OLD_NAME, "sub");
    expect(&from, NEW_NAME, "bus");
    fs::remove_file(dir.0.join("bus/c")).unwrap();
    expect(&from, REMOVED, "bus/c");
    fs::create_dir(dir.0.join("new")).unwrap();
    expect(&from, ADDED, "new");
}

#[test]
fn they_are_few_and_end_when_closed() {
    let dir = Temporary::new();
    let watches = Watches::default();
    let folder = || fs::File::open(&dir.0).unwrap().into();
    let all: Vec<OwnedFd> = (0..MOST).map(|_| watches.add(folder(), false).unwrap()).collect();
    assert_eq!(watches.add(folder(), false).unwrap_err(), Error::TooManyOpen);
    drop(all);
    let until = Instant::now() + Duration::from_secs(5);
    while watches.open.load(Ordering::Acquire) > 0 {
        assert!(Instant::now() < until, "watches end");
        std::thread::sleep(Duration::from_millis(2));
    }
}
