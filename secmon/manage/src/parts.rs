//! The other executables that belong together.

use anyhow::bail;
pub use secmon::policy::parts::{MANAGE, MKIMAGE, RUNTIME, find};
use std::path::PathBuf;

/// What shows desktops.
pub const DISPLAY: &str = "portcullis-display";

/// Finds the monitor: beside this executable, else where the monitor looks for this one from.
///
/// # Errors
/// A sentence that says where it was looked for.
pub fn monitor() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().unwrap_or(&own);
    let places = [folder.join("secmon"), folder.join("../../bin/secmon")];
    match places.iter().find(|place| place.is_file()) {
        Some(place) => Ok(place.clone()),
        None => bail!("secmon is missing: it was looked for as {} and {}", places[0].display(), places[1].display()),
    }
}
