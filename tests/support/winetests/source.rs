//! Wine's source as Debian packages it, fetched by apt and never installed.

use super::Pinned;
use crate::{cache, once};
use anyhow::{Context, Result, ensure};
use libos::image::{Apt, PackageKind};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names a folder with Wine's source, unpacked, to be used in place of Debian's.
const GIVEN: &str = "PORTCULLIS_WINE_SOURCE";

/// The folder given instead of Debian's package, if one is.
pub fn given() -> Option<PathBuf> {
    std::env::var_os(GIVEN).map(PathBuf::from).filter(|folder| !folder.as_os_str().is_empty())
}

/// Puts a copy of the source, fit to be changed, at this path.
///
/// # Errors
/// No apt, no network, another archive than the pinned one.
pub fn unpack(pinned: &Pinned, to: &Path) -> Result<()> {
    if let Some(folder) = given() {
        return run(Command::new("cp").args(["-r", "--no-preserve=ownership", "-T"]).arg(&folder).arg(to));
    }
    let archive = archive(pinned)?;
    fs::create_dir_all(to)?;
    run(Command::new("tar").args(["--strip-components=1", "--no-same-owner", "-C"]).arg(to).arg("-xf").arg(archive))
}

/// The upstream archive of the package, from the cache or from Debian.
fn archive(pinned: &Pinned) -> Result<PathBuf> {
    let place = cache("winetests").join(format!("{}.tar.xz", pinned.sha256));
    once::make(&place, |half| {
        let work = half.with_extension("apt");
        let _ = fs::remove_dir_all(&work);
        let fetched = fetch(pinned, &work).and_then(|file| Ok(fs::rename(file, half)?));
        let _ = fs::remove_dir_all(&work);
        fetched
    })?;
    Ok(place)
}

fn fetch(pinned: &Pinned, work: &Path) -> Result<PathBuf> {
    let apt = Apt::prepare(work, PackageKind::Source)?;
    apt.run(&["update"])?;
    let what = format!("{}={}", pinned.package, pinned.version);
    apt.run(&["source", "--download-only", "--tar-only", &what]).with_context(|| format!("fetching {what}"))?;
    let files = fs::read_dir(apt.downloads())?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut archives = files.filter(|path| path.to_string_lossy().contains(".orig.tar."));
    let archive = archives.next().with_context(|| format!("apt brought no archive of {what}"))?;
    let hash = once::hash(&fs::read(&archive)?);
    ensure!(hash == pinned.sha256, "{what} has hash {hash}, and {} was pinned", pinned.sha256);
    Ok(archive)
}

/// Runs a command that must succeed; its last words are the error.
///
/// # Errors
/// If it cannot be started or fails.
pub fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done =
        command.output().with_context(|| format!("{name} (`tests/setup winetests` installs what is missing)"))?;
    let said = String::from_utf8_lossy(&done.stderr);
    let lines: Vec<&str> = said.lines().collect();
    ensure!(done.status.success(), "{name}: {}", lines[lines.len().saturating_sub(12)..].join("\n"));
    Ok(())
}
