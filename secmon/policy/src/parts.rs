//! Where lies what belongs to the monitor: other executables, the base image.

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

/// The folder where images are looked for: `$PORTCULLIS_IMAGE`, else `portcullis/image` in the user's cache folder.
pub fn image() -> PathBuf {
    if let Some(folder) = std::env::var_os("PORTCULLIS_IMAGE").filter(|value| !value.is_empty()) {
        return folder.into();
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or("/".into())).join(".cache");
    cache.unwrap_or_else(home).join("portcullis/image")
}
