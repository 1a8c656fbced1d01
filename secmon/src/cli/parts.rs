//! The other executables that belong to the monitor.

use std::path::PathBuf;

/// The runtime that is executed as the picoprocess.
pub const RUNTIME: &str = "portcullis-runtime";
/// What makes base images.
pub const MKIMAGE: &str = "portcullis-mkimage";
/// What does all but running.
pub const MANAGE: &str = "portcullis-manage";

/// Finds a part: beside the monitor's own executable, else in `../libexec/portcullis`.
///
/// # Errors
/// A sentence that says where it was looked for.
pub fn find(name: &str) -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| format!("cannot tell where secmon itself lies: {error}"))?;
    let folder = own.parent().unwrap_or(&own);
    let places = [folder.join(name), folder.join("../libexec/portcullis").join(name)];
    let found = places.iter().find(|place| place.is_file()).cloned();
    found.ok_or_else(|| {
        format!("{name} is missing: it belongs beside secmon ({}) or into {}", places[0].display(), places[1].display())
    })
}
