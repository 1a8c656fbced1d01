//! What is written down of a sandbox while it runs: the audit log of every grant and refusal, and what happened. The lines are
//! [`shim_abi::journal`]'s.

use crate::sys::{self, lock};
use anyhow::Context as _;
use shim_abi::journal::{self, Decision};
use std::cell::Cell;
use std::collections::HashSet;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

/// Most lines of an audit log: a program that asks for ever more must not fill the host's disk.
const MOST: usize = 16 * 1024;

static AUDIT: OnceLock<(File, Mutex<HashSet<String>>)> = OnceLock::new();
static EVENTS: OnceLock<File> = OnceLock::new();

thread_local! {
    /// The picoprocess that this thread serves.
    static WHO: Cell<u32> = const { Cell::new(0) };
}

/// Has grants and refusals, and events, written to files from now on.
///
/// # Errors
/// The host's, with the file's name.
pub fn begin(audit: Option<&Path>, events: Option<&Path>) -> anyhow::Result<()> {
    let open = |path: &Path| File::options().create(true).append(true).open(path).context(path.display().to_string());
    let _ = audit.map(open).transpose()?.map(|file| AUDIT.set((file, Mutex::default())));
    let _ = events.map(open).transpose()?.map(|file| EVENTS.set(file));
    Ok(())
}

/// Writes an event down, if that is wanted.
pub fn event(notice: &shim_abi::control::Notice) {
    let _ = EVENTS.get().map(|mut file| file.write_all(journal::event(notice).as_bytes()));
}

/// What the calling thread notes from now on is this picoprocess's doing.
pub fn serves(who: u32) {
    WHO.set(who);
}

/// Whether grants and refusals are written down.
pub fn on() -> bool {
    AUDIT.get().is_some()
}

/// Writes a decision down, the first time that it is made.
pub fn note(granted: bool, what: &str, rule: &str, in_passing: bool) {
    let Some((file, known)) = AUDIT.get() else { return };
    let who = WHO.get();
    let mut known = lock(known);
    if known.len() < MOST && known.insert(format!("{who} {granted} {in_passing} {what} {rule}")) {
        let line = journal::decision(&Decision { time: sys::now(), granted, who, what, rule, in_passing });
        let _ = (&*file).write_all(line.as_bytes());
    }
}
