//! Wine's own conformance tests: built from Debian's source package, run in a sandbox and under stock Wine.
//!
//! Nothing of Wine's is kept in the repository: `tests/winetests.toml` pins the package and names, for each test file, the
//! failures known. Whoever runs a DLL's tests fetches the source and builds them once, into the user's cache folder.

mod build;
mod source;
mod verdict;

pub use build::{build, built};
pub use verdict::{End, Verdict};

use crate::command::Outcome;
use crate::oracle;
use crate::product::Sandbox;
use crate::repository;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// How long one test file may take.
const LIMIT: Duration = Duration::from_secs(180);

/// `tests/winetests.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Where the tests come from.
    pub source: Pinned,
    /// By DLL, without `.dll`.
    pub dll: BTreeMap<String, Dll>,
}

/// The source package.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// Its name.
    pub package: String,
    /// Debian's version of it.
    pub version: String,
    /// SHA-256 of the upstream archive in it.
    pub sha256: String,
}

/// What is known of one DLL's tests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dll {
    /// The test files of the default run: they pass wholly, in seconds, every time.
    #[serde(default)]
    pub default: Vec<String>,
    /// What of the network they are granted.
    pub net: Option<String>,
    /// The best known of each test file.
    #[serde(default)]
    pub known: BTreeMap<String, Known>,
}

/// How a test file is known to do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Known {
    /// It comes to its end, with so many failures.
    Failures(u32),
    /// It does not come to its end, for this reason.
    Cut(String),
}

/// The table.
///
/// # Errors
/// If it cannot be read or is not well-formed.
pub fn table() -> Result<Table> {
    toml::from_str(&text()?).context("tests/winetests.toml")
}

/// The table's text as it is now, whatever was blessed since this was built.
///
/// # Errors
/// If it cannot be read.
pub fn text() -> Result<String> {
    let path = repository().join("tests/winetests.toml");
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// The names of the test files in a DLL's test program.
///
/// # Errors
/// If the program does not list them.
pub fn names(program: &Path) -> Result<Vec<String>> {
    let outcome = Sandbox::new().program(program).arg("--list").run();
    let text = outcome.lines();
    let mut lines = text.lines();
    lines.find(|line| line.starts_with("Valid test names")).with_context(|| format!("--list: {outcome:?}"))?;
    Ok(lines.map(|line| line.trim().to_owned()).filter(|name| !name.is_empty()).collect())
}

/// Runs one test file in a sandbox; what it wrote, and what that means.
///
/// # Errors
/// If no scratch folder can be made.
pub fn run(program: &Path, test: &str, net: Option<&str>) -> Result<(Outcome, Verdict)> {
    let scratch = tempfile::tempdir()?;
    // The tests write beside their program.
    let name = program.file_name().context("a program without a name")?;
    let copy = scratch.path().join(name);
    std::fs::copy(program, &copy).with_context(|| program.display().to_string())?;
    let sandbox = net.iter().fold(Sandbox::new(), |sandbox, net| sandbox.option("--net", net));
    let outcome = sandbox.work(scratch.path()).program(&copy).arg(test).limit(LIMIT).run();
    let verdict = Verdict::of(test, &outcome);
    Ok((outcome, verdict))
}

/// The same under stock Wine, kept from the first time on; `None` without Wine.
pub fn peer(program: &Path, test: &str) -> Option<Verdict> {
    Some(Verdict::of(test, &oracle::answer(program, &[test])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_run_is_known_to_pass() {
        for (dll, entry) in table().unwrap().dll {
            for test in &entry.default {
                assert_eq!(entry.known.get(test), Some(&Known::Failures(0)), "{dll} {test}");
            }
        }
    }
}
