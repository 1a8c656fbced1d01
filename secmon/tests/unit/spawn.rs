//! Processes that are being made, ended at every moment of their way.

use super::{Nursery, begin};
use nix::sys::signal::{Signal, kill};

/// Whoever is killed leaves what it shares with the monitor as it is, and the monitor goes on.
#[test]
fn who_is_killed_on_its_way_takes_nobody_along() {
    let privileged = nix::unistd::geteuid().is_root();
    for round in 0..4000u32 {
        if round % 2 == 0 {
            let Ok(nursery) = Nursery::new(privileged) else { return };
            let born = nursery.begin().expect("a nursery makes processes");
            std::thread::sleep(std::time::Duration::from_micros(u64::from(round % 64)));
            drop(born);
            drop(nursery);
        } else {
            let starting = begin(privileged).expect("where a nursery is made, a picoprocess is");
            starting.go(super::GIVE_UP);
            std::thread::sleep(std::time::Duration::from_micros(u64::from(round % 64)));
            kill(starting.pid(), Signal::SIGKILL).expect("it is this process's child");
            drop(starting);
        }
    }
}
