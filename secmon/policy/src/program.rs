//! Finds the program that the user named, and what it is called in the guest.

use crate::Mount;
use shim_abi::error::Error;
use shim_abi::guest::{GuestPath, NotAPath};
use shim_abi::{exit, fold, uri};
use std::io;
use std::path::{Path, PathBuf};

/// Why a program cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// There is none of that name.
    #[error("{0}: no such program, neither on this host nor in the base image")]
    NotFound(String),
    /// It is a folder.
    #[error("{0} is a folder, no program")]
    Folder(String),
    /// The host refuses it.
    #[error("{0}: {1}")]
    Host(String, io::Error),
    /// The guest could not name it.
    #[error("{0}: a Windows program cannot have that name")]
    Name(String),
    /// No path of the guest.
    #[error(transparent)]
    Guest(#[from] NotAPath),
    /// The sandbox has none at that path, or what cannot be one.
    #[error("{0}: {1}")]
    Inside(GuestPath, Error),
    /// A working directory that the guest does not see.
    #[error("--workdir {0}: no mount covers it; name a path of the guest, as C:\\data, or mount it")]
    Workdir(String),
}

impl ProgramError {
    /// The exit code for it.
    pub fn code(&self) -> u8 {
        match self {
            ProgramError::NotFound(_) => exit::NOT_FOUND,
            ProgramError::Host(_, error) if error.kind() == io::ErrorKind::NotFound => exit::NOT_FOUND,
            ProgramError::Inside(_, Error::NotFound | Error::PathNotFound | Error::NotVisible) => exit::NOT_FOUND,
            ProgramError::Workdir(_) => exit::FAILURE,
            _ => exit::CANNOT_RUN,
        }
    }
}

/// A program, as the guest will see it.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// Its path.
    pub guest: GuestPath,
    /// The host's folder to mount for it, and where; none if it is seen already.
    pub folder: Option<(PathBuf, GuestPath)>,
}

/// Whether a path is a file; `.exe` may be left out.
fn file(path: &Path) -> Option<PathBuf> {
    let with_suffix = || {
        let mut name = path.as_os_str().to_owned();
        name.push(".exe");
        PathBuf::from(name)
    };
    [path.to_owned(), with_suffix()].into_iter().find(|path| path.is_file())
}

/// Finds a program by the name that the user gave.
///
/// A path of the guest is taken as it is. A name with a slash, or one that the current folder or a folder of `$PATH` holds,
/// is a file of the host; else it is looked for in the system folders of the image: `image` says what a path of it is called there,
/// in the letter case to show.
///
/// # Errors
/// [`ProgramError`].
pub fn find(
    name: &str,
    here: &Path,
    search: &[PathBuf],
    mounts: &[Mount],
    image: impl Fn(&str) -> Option<String>,
) -> Result<Program, ProgramError> {
    if GuestPath::looks_like(name) && !here.join(name).exists() {
        return Ok(Program { guest: GuestPath::parse(name)?, folder: None });
    }
    let host = here.join(name);
    if let Some(host) = file(&host) {
        return on_host(name, &host, mounts);
    }
    if host.is_dir() {
        return Err(ProgramError::Folder(name.into()));
    }
    if !name.contains('/') {
        let system = ["windows/system32", "windows"].into_iter().find_map(|folder| {
            let found = |name: &str| image(&format!("{folder}/{name}"));
            found(name).or_else(|| found(&format!("{name}.exe"))).map(|shown| format!("C:/{folder}/{shown}"))
        });
        if let Some(path) = system {
            return Ok(Program { guest: GuestPath::parse(&path)?, folder: None });
        }
        let is_program = |path: &PathBuf| path.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("exe"));
        if let Some(host) = search.iter().filter_map(|folder| file(&folder.join(name))).find(is_program) {
            return on_host(name, &host, mounts);
        }
    }
    Err(ProgramError::NotFound(name.into()))
}

fn on_host(name: &str, path: &Path, mounts: &[Mount]) -> Result<Program, ProgramError> {
    // A link is followed to where the program's own files lie.
    let real = path.canonicalize().map_err(|error| ProgramError::Host(name.into(), error))?;
    let bad = || ProgramError::Name(name.into());
    let file = real.file_name().and_then(|file| file.to_str()).ok_or_else(bad)?;
    uri::check_component(file).map_err(|_| bad())?;
    let folder = real.parent().ok_or_else(bad)?;
    if let Some(seen) = guest_of(folder, mounts) {
        return Ok(Program { guest: seen.join(file).map_err(|_| bad())?, folder: None });
    }
    let taken = |path: &GuestPath| mounts.iter().any(|mount| fold::same(&mount.guest.slashed(), &path.slashed()));
    let places = std::iter::once("C:\\app".to_owned()).chain((2..).map(|number| format!("C:\\app{number}")));
    let place = places.filter_map(|place| GuestPath::parse(&place).ok()).find(|place| !taken(place)).ok_or_else(bad)?;
    let guest = place.join(file).map_err(|_| bad())?;
    Ok(Program { guest, folder: Some((folder.to_owned(), place)) })
}

/// The guest's name for a path of the host, through the mount that covers it most closely.
pub fn guest_of(host: &Path, mounts: &[Mount]) -> Option<GuestPath> {
    let covering = mounts.iter().filter_map(|mount| {
        let root = mount.host.canonicalize().ok()?;
        let rest = host.strip_prefix(&root).ok()?.to_str()?;
        Some((root.components().count(), mount.guest.join(rest).ok()?))
    });
    covering.max_by_key(|(depth, _)| *depth).map(|(_, guest)| guest)
}

/// The working directory: as asked, else the guest's name for the current folder, else the program's folder.
///
/// # Errors
/// [`ProgramError::Workdir`].
pub fn workdir(
    asked: Option<&str>,
    here: &Path,
    mounts: &[Mount],
    program: &Program,
) -> Result<GuestPath, ProgramError> {
    let mut seen = mounts.to_vec();
    if let Some((host, guest)) = &program.folder {
        seen.push(Mount { host: host.clone(), guest: guest.clone(), writable: false });
    }
    let of = |folder: &Path| folder.canonicalize().ok().and_then(|folder| guest_of(&folder, &seen));
    match asked {
        Some(text) if GuestPath::looks_like(text) => Ok(GuestPath::parse(text)?),
        Some(text) => of(&here.join(text)).ok_or_else(|| ProgramError::Workdir(text.into())),
        None => match of(here) {
            Some(path) => Ok(path),
            None => Ok(program.guest.split().map_or_else(|| program.guest.clone(), |(folder, _)| folder)),
        },
    }
}

#[cfg(test)]
#[path = "../tests/unit/program.rs"]
mod tests;
