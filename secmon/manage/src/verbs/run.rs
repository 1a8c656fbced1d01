//! `run`, for who says something before it: the monitor is given it in the order that it reads itself.

use super::Common;
use anyhow::{Context as _, bail};
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;

/// The monitor's own.
pub(super) type Arguments = secmon::cli::RunArgs;

/// The words of the command line with the verb in front.
fn reordered(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.collect();
    if let Some(at) = words.iter().position(|word| word == "run") {
        words[..=at].rotate_right(1);
    }
    words
}

pub(super) fn run(arguments: Arguments, _: &Common) -> anyhow::Result<u8> {
    if let Some(name) = arguments.command.first().filter(|name| secmon::cli::is_wsb(name)) {
        bail!("{name}: configurations of Windows Sandbox cannot be run yet");
    }
    let monitor = crate::parts::monitor()?;
    let mut command = std::process::Command::new(&monitor);
    let error = command.arg0("secmon").args(reordered(std::env::args_os().skip(1))).exec();
    Err(error).with_context(|| monitor.display().to_string())
}

#[cfg(test)]
#[path = "../../tests/unit/run.rs"]
mod tests;
