//! When programs have come to rest, as the host sees them: for those that do not say so.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How long it is waited at most.
const PATIENCE: Duration = Duration::from_secs(110);
/// How long nothing has to change.
const STILL: Duration = Duration::from_millis(400);
/// How long nobody has to have had anything to do: who hands work on to another is done when that one has it.
const QUIET: Duration = Duration::from_millis(100);
/// How long it is waited between two looks at that.
const LOOK: Duration = Duration::from_millis(25);
/// How long it counts that somebody has something to do: a program may never have nothing.
const RESTLESS: Duration = Duration::from_secs(15);

/// What lies in a folder; nothing if it is gone.
pub fn within(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// Whether a process, by its folder below `/proc`, has something to do: a thread of it runs, or would if there were a processor for it, or waits for
/// a disk. One that has ended has nothing.
pub fn is_busy(process: &Path) -> bool {
    within(&process.join("task")).any(|thread| {
        let stat = fs::read_to_string(thread.join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with(['R', 'D']))
    })
}

/// Waits until nothing changes any more, and nobody would change something if the machine were less busy.
pub fn wait<T: PartialEq>(shown: impl Fn() -> T, is_busy: impl Fn() -> bool) {
    let begun = Instant::now();
    let (mut changed, mut busy, mut before) = (begun, begun, shown());
    while (changed.elapsed() < STILL || busy.elapsed() < QUIET) && begun.elapsed() < PATIENCE {
        thread::sleep(LOOK);
        let now = shown();
        if now != before {
            (changed, before) = (Instant::now(), now);
        }
        if begun.elapsed() < RESTLESS && is_busy() {
            busy = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn who_runs_is_busy_and_who_waits_is_not() {
        for (script, busy) in [("while :; do :; done", true), ("read nothing; :", false)] {
            let mut child =
                Command::new("sh").args(["-c", script]).stdin(std::process::Stdio::piped()).spawn().unwrap();
            let process = Path::new("/proc").join(child.id().to_string());
            let begun = Instant::now();
            // The shell that waits has to come there first.
            while is_busy(&process) != busy && begun.elapsed() < Duration::from_secs(60) {
                thread::sleep(LOOK);
            }
            let is = (0..10).all(|_| is_busy(&process) == busy);
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(is, "{script}");
            assert!(!is_busy(&process), "it has ended");
        }
    }
}
