//! The throw-away folders: a file system in memory that is mounted nowhere, so that it is gone with whoever holds it.

use crate::guest::GuestPath;
use crate::layer::make_folder as mkdir;
use crate::locate::{FOLDER, beneath, open_beneath};
use crate::names::{Kind, Mount, Names};
use crate::{host, sys};
use nix::errno::Errno;
use shim_abi::boot;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// Folders of a fresh profile, beside those that the image names.
pub const PROFILE: &[&str] = &[
    "AppData/Local/Temp",
    "AppData/Local/Microsoft/Windows/INetCache",
    "AppData/LocalLow",
    "AppData/Roaming/Microsoft/Windows/Templates",
    "Desktop",
    "Documents",
    "Downloads",
    "Music",
    "Pictures",
    "Videos",
];

/// Where each folder of the file system is seen; `{user}` stands for the user's name.
const PLACES: [(&str, &str); 4] = [
    ("profile", "C:\\users\\{user}"),
    ("public", "C:\\users\\Public"),
    ("ProgramData", "C:\\ProgramData"),
    ("temp", "C:\\windows\\temp"),
];

/// What lies in one of them at first.
fn fresh(place: &str) -> &'static [&'static str] {
    if place == PLACES[0].0 { PROFILE } else { &[] }
}

fn places(user: &str) -> impl Iterator<Item = (&'static str, GuestPath)> {
    // Names of users are checked with the policy, so that none of these is lost.
    PLACES
        .into_iter()
        .filter_map(move |(name, place)| Some((name, GuestPath::parse(&place.replace("{user}", user)).ok()?)))
}

/// What the guest is told of them.
pub(super) fn mounts(user: &str) -> Vec<boot::Mount> {
    places(user).map(|(_, guest)| boot::Mount { guest: guest.slashed(), writable: true }).collect()
}

/// Makes the folders that are mounted, and mounts them. What lies in them waits for somebody to look.
pub(super) fn furnish(scratch: &OwnedFd, names: &mut Names, user: &str) -> Result<(), Errno> {
    for (name, guest) in places(user) {
        // A mount of the user's at the same place is the one that counts.
        let taken =
            names.mounts().iter().any(|mount| crate::names::fold::same(&mount.guest.slashed(), &guest.slashed()));
        if !taken {
            mkdir(scratch, name)?;
            let root = open_beneath(scratch, name, beneath(FOLDER))?;
            let volume = host::volume(&sys::statx(&root, c"")?);
            names.mount(guest, PathBuf::from(name), root, volume, true, Kind::Scratch);
        }
    }
    Ok(())
}

/// Makes the folders of a fresh profile and those that the image names. Done when a name below them is first used.
pub fn fill(scratch: &OwnedFd, names: &Names) {
    let fill = |mount: &Mount| -> Result<(), Errno> {
        let top = mount.host.to_str().unwrap_or_default();
        fresh(top).iter().try_for_each(|path| make_path(scratch, top, path))?;
        let prefix = format!("{}/", mount.guest.below());
        let folders = names.image().map_or(&[][..], |image| image.folders());
        let below = folders.iter().filter_map(|folder| {
            let head = folder.get(..prefix.len())?;
            head.eq_ignore_ascii_case(&prefix).then(|| &folder[prefix.len()..])
        });
        below.into_iter().try_for_each(|path| make_path(scratch, top, path))
    };
    let all = names.mounts().iter().filter(|mount| mount.kind == Kind::Scratch);
    if let Err(errno) = all.into_iter().try_for_each(|mount| fill(mount)) {
        tracing::warn!("the throw-away folders lack some of what a fresh profile has: {errno}");
    }
}

/// Gives a layer that is to hold all of drive C the folders of a fresh profile, and notes in its folder that it has them.
pub(super) fn fill_drive(base: &OwnedFd, drive: &OwnedFd, user: &str) -> Result<(), Errno> {
    for (place, guest) in places(user) {
        make_path(drive, ".", guest.below())?;
        fresh(place).iter().try_for_each(|path| make_path(drive, guest.below(), path))?;
    }
    mkdir(base, "filled")
}

/// Makes a folder and those above it, down from one that exists.
fn make_path(scratch: &OwnedFd, top: &str, path: &str) -> Result<(), Errno> {
    let whole = format!("{top}/{path}");
    let ends = whole.match_indices('/').map(|(at, _)| at).skip(1).chain([whole.len()]);
    ends.into_iter().try_for_each(|end| mkdir(scratch, &whole[..end]))
}
