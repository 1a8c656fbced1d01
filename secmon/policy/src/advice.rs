//! What a person is told to do about what was refused: options of `secmon`, or those of a container engine that starts it.

use shim_abi::guest::GuestPath;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

static ENGINE: AtomicBool = AtomicBool::new(false);

/// From now on a container engine is what grants something.
pub fn is_under_engine() {
    ENGINE.store(true, Ordering::Relaxed);
}

fn engine() -> bool {
    ENGINE.load(Ordering::Relaxed)
}

/// A path of drive C as a container has it: `/data`.
fn of_container(guest: &GuestPath) -> Option<String> {
    (guest.drive() == b'C').then(|| format!("/{}", guest.below()))
}

/// A path that no grant covers.
pub fn not_visible(path: &GuestPath) -> String {
    match (engine(), of_container(path)) {
        (false, _) => format!("{path} is not visible: add --mount HOSTFOLDER={path}"),
        (true, Some(place)) => format!("{path} is not visible: add -v HOSTFOLDER:{}", quoted(place.as_ref())),
        (true, None) => format!("{path} is not visible: a container has drive C alone; add -v HOSTFOLDER:/FOLDER"),
    }
}

/// A path below a folder that is granted for reading alone.
pub fn read_only(path: &GuestPath, host: &Path, guest: &GuestPath) -> String {
    match of_container(guest).filter(|_| engine()) {
        Some(place) => format!("{path} is read-only: add -v {}:{}", quoted(host), quoted(place.as_ref())),
        None => format!("{path} is read-only: add --mount {}={guest}:rw", quoted(host)),
    }
}

/// Something of the network, with the option of `secmon` that grants it.
pub fn network(what: &str, advice: &str) -> String {
    let advice =
        if engine() { "start the container with another --network, or publish the port with -p" } else { advice };
    format!("{what} is not granted: {advice}")
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    match text.chars().all(|c| c.is_alphanumeric() || "/._-+,@%".contains(c)) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_those_of_who_grants() {
        let path = |text: &str| GuestPath::parse(text).unwrap();
        let data = path("C:\\data\\a b");
        let host = Path::new("/srv/it's");
        assert_eq!(not_visible(&data), "C:\\data\\a b is not visible: add --mount HOSTFOLDER=C:\\data\\a b");
        assert_eq!(
            read_only(&path("C:\\m\\x"), host, &path("C:\\m")),
            "C:\\m\\x is read-only: add --mount '/srv/it'\\''s'=C:\\m:rw"
        );
        assert_eq!(network("10.0.0.1:80", "add --net 10.0.0.1"), "10.0.0.1:80 is not granted: add --net 10.0.0.1");
        is_under_engine();
        assert_eq!(not_visible(&data), "C:\\data\\a b is not visible: add -v HOSTFOLDER:'/data/a b'");
        assert!(not_visible(&path("D:\\x")).contains("drive C alone"));
        assert_eq!(
            read_only(&path("C:\\m\\x"), Path::new("/srv/m"), &path("C:\\m")),
            "C:\\m\\x is read-only: add -v /srv/m:/m"
        );
        assert!(!network("10.0.0.1:80", "add --net 10.0.0.1").contains("--net "));
    }
}
