//! A program of the table beside its Linux twin: the twin's output is the oracle.

use crate::command::{Outcome, Run};
use crate::product::Sandbox;
use crate::programs::{linux, windows};
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(240);

/// A program of the table in a sandbox that works in `dir`.
#[track_caller]
pub fn there(name: &str, dir: &Path) -> Run {
    Sandbox::new().work(dir).program(windows(name)).limit(LIMIT)
}

/// Its Linux twin, working in `dir`.
#[track_caller]
pub fn here(name: &str, dir: &Path) -> Run {
    Run::new(linux(name)).dir(dir).limit(LIMIT)
}

/// Text without what differs by system: line ends, separators of paths, `.exe`.
pub fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\\', "/").replace(".exe", "")
}

/// Runs a program and its twin with the same arguments in the same folder, and compares status and standard output.
///
/// # Panics
/// If they differ.
#[track_caller]
pub fn same(name: &str, dir: &Path, args: &[&str], input: &str) -> (Outcome, Outcome) {
    let ours = there(name, dir).args(args).input(input).run();
    let theirs = here(name, dir).args(args).input(input).run();
    assert_eq!(ours.status, theirs.status, "{name} {args:?}\nours: {ours:?}\ntheirs: {theirs:?}");
    assert_eq!(plain(&ours.text()), plain(&theirs.text()), "{name} {args:?}\nours: {ours:?}\ntheirs: {theirs:?}");
    (ours, theirs)
}

/// Lines, sorted.
pub fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = plain(text).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}
