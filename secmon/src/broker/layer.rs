//! The layer over drive C: what is made outside of every mount, and what is changed of the image, lies in the throw-away file
//! system. Until something is written there, nobody asks it.

use super::Broker;
use crate::guest::GuestPath;
use crate::host::{self, error};
use crate::image::File;
use crate::locate::{FOLDER, Located, beneath, open_beneath};
use crate::names::{Folder, Kind, Mount, Place, fold};
use crate::sys;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
use nix::sys::stat::{Mode, futimens, mkdirat};
use nix::sys::time::TimeSpec;
use nix::unistd::linkat;
use shim_abi::error::{Error, Result};
use shim_abi::stream::{Identity, Info};
use std::collections::{HashMap, HashSet};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// The drive that has a layer.
pub const DRIVE: u8 = b'C';
/// Its folder in the throw-away file system.
const TOP: &str = "drive";

/// What was laid over the image.
#[derive(Default)]
pub struct Layer {
    /// The folder, once something was written.
    top: OnceLock<Mount>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Names of the image that are deleted, folded: what lies below them is not seen either.
    gone: HashSet<String>,
    /// What was copied up, by its number in the layer: it goes by its number in the image for as long as the sandbox runs.
    raised: HashMap<u64, Identity>,
}

impl Layer {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a name of the image is deleted.
    fn is_gone(&self, path: &str) -> bool {
        let state = self.state();
        if state.gone.is_empty() {
            return false;
        }
        let folded = fold::fold(path);
        let ends = folded.match_indices('/').map(|(at, _)| at).chain([folded.len()]);
        ends.into_iter().any(|end| state.gone.contains(&folded[..end]))
    }

    /// Whether a mount is the layer's.
    pub(super) fn is(&self, mount: &Mount) -> bool {
        self.top.get().is_some_and(|top| std::ptr::eq(top, mount))
    }

    /// Gives what was copied up the identity that it had.
    pub(super) fn known_as(&self, mount: &Mount, info: &mut Info) {
        if self.is(mount)
            && let Some(identity) = self.state().raised.get(&info.identity.number)
        {
            info.identity = identity.clone();
        }
    }

    /// The identity that the host knows a thing by.
    pub(super) fn on_host(&self, mount: &Mount, identity: &Identity) -> Identity {
        if !self.is(mount) {
            return identity.clone();
        }
        let found = self.state().raised.iter().find(|(_, shown)| *shown == identity).map(|(number, _)| *number);
        found.map_or_else(|| identity.clone(), |number| Identity { volume: mount.volume, number })
    }
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

impl Broker {
    /// The layer's folder.
    fn top(&self) -> Result<&Mount> {
        if let Some(top) = self.layer.top.get() {
            return Ok(top);
        }
        match mkdirat(&self.scratch, TOP, Mode::from_bits_truncate(0o700)) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(error(errno)),
        }
        let root = open_beneath(&self.scratch, TOP, beneath(FOLDER)).map_err(error)?;
        let volume = host::volume(&sys::statx(&root, c"").map_err(error)?);
        let guest = GuestPath::parse("C:\\").map_err(|_| Error::Invalid)?;
        let (host, kind, number) = (PathBuf::from(TOP), Kind::Scratch, usize::MAX);
        let top = Mount { number, guest, host, root, volume, writable: true, kind, wary: false };
        Ok(self.layer.top.get_or_init(|| top))
    }

    /// What a path on the drive means that no mount covers: `place` without the layer.
    pub(super) fn layered<'a>(&'a self, path: &'a str, place: Place<'a, 'a>) -> Place<'a, 'a> {
        let Some(top) = self.layer.top.get() else { return place };
        // A file on the way is the layer's too.
        if self.host.cache.open(top, path, OFlag::O_PATH).map_or_else(|error| error == Error::NotDirectory, |_| true) {
            let known = if let Place::Folder(folder) = &place { folder.known } else { None };
            return Place::Host { mount: top, rest: path, known };
        }
        let above = split(path).0;
        match place {
            _ if self.layer.is_gone(path) => Place::ImageMissing { folder: self.is_folder(above) },
            Place::ImageMissing { folder: false } => Place::ImageMissing { folder: self.is_folder(above) },
            // Its beginning was made here.
            Place::Uncovered { first, .. } if self.host.cache.open(top, first.below(), FOLDER).is_ok() => {
                Place::ImageMissing { folder: self.is_folder(above) }
            }
            place => place,
        }
    }

    fn is_folder(&self, path: &str) -> bool {
        let above = self.layer.top.get().map(|top| self.host.cache.open(top, path, FOLDER));
        matches!(above, Some(Ok(_))) || !self.layer.is_gone(path) && self.is_below(path).is_some()
    }

    /// The folder that a path is without the layer.
    pub(super) fn is_below(&self, path: &str) -> Option<Folder> {
        match self.names.find(DRIVE, path) {
            Place::Folder(folder) if !self.layer.is_gone(path) => Some(folder),
            _ => None,
        }
    }

    /// Whether a name of the image is neither deleted nor covered by one of the layer: whether a list shows it.
    pub(super) fn shows_through(&self, path: &str) -> bool {
        let Some(top) = self.layer.top.get() else { return true };
        !self.layer.is_gone(path) && self.host.cache.open(top, path, OFlag::O_PATH).is_err()
    }

    /// Makes a folder of the image, and those above it, in the layer too; the layer.
    ///
    /// # Errors
    /// [`Error::PathNotFound`] if there is none, and the host's.
    pub(super) fn raise_folder(&self, path: &str) -> Result<&Mount> {
        let top = self.top()?;
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for path in ends.filter(|end| *end > 0).map(|end| &path[..end]) {
            let located = self.host.cache.locate(top, path)?;
            if located.exists {
                continue;
            }
            let below = self.is_below(path).ok_or(Error::PathNotFound)?;
            let name = split(&below.shown).1;
            match mkdirat(&located.folder, name, Mode::from_bits_truncate(0o700)) {
                Ok(()) => {
                    self.raised(top, &located, name, below.identity())?;
                }
                Err(Errno::EEXIST) => {}
                Err(errno) => return Err(error(errno)),
            }
        }
        Ok(top)
    }

    fn raised(&self, top: &Mount, located: &Located, name: &str, was: Identity) -> Result {
        self.host.cache.changed(top, &located.folder, &located.path, None, Some(name));
        let fd = open_beneath(&located.folder, name, beneath(OFlag::O_PATH)).map_err(error)?;
        let of = sys::statx(&fd, c"").map_err(error)?;
        self.layer.state().raised.insert(of.stx_ino, was);
        Ok(())
    }

    /// The layer, ready for a name to be made there.
    ///
    /// # Errors
    /// As [`Broker::raise_folder`].
    pub(super) fn raise_above(&self, path: &str) -> Result<&Mount> {
        self.raise_folder(split(path).0)
    }

    /// Copies a file of the image into the layer; the layer.
    ///
    /// # Errors
    /// [`Error::NoSpace`], [`Error::Stale`], and the host's.
    pub(super) fn raise(&self, path: &str, file: &File<'_>) -> Result<&Mount> {
        let top = self.raise_above(path)?;
        let located = self.host.cache.locate(top, path)?;
        if located.exists {
            return Ok(top);
        }
        let mut from = std::fs::File::from(self.image_data(file)?);
        let mut copy = std::fs::File::from(self.memory_file()?);
        std::io::copy(&mut from, &mut copy).map_err(|io| error(Errno::from_raw(io.raw_os_error().unwrap_or(0))))?;
        let written = file.written;
        let time = TimeSpec::new(written.div_euclid(1_000_000_000), written.rem_euclid(1_000_000_000));
        futimens(&copy, &time, &time).map_err(error)?;
        // It gets its name when it is whole.
        let whole = format!("/proc/self/fd/{}", copy.as_raw_fd());
        match linkat(AT_FDCWD, whole.as_str(), &located.folder, file.shown, AtFlags::AT_SYMLINK_FOLLOW) {
            Ok(()) => self.raised(top, &located, file.shown, self.image_info(file).identity)?,
            Err(Errno::EEXIST) => {}
            Err(errno) => return Err(error(errno)),
        }
        Ok(top)
    }

    /// Deletes a name; whatever of it lies in the image is not seen any more.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::NotEmpty`], and as [`host::Host::delete`].
    pub(super) fn delete_on_drive(&self, path: &str, expected: &Identity, mount: Option<&Mount>) -> Result {
        let below = self.names.find(DRIVE, path);
        let identity = match &below {
            Place::ImageFile(file) => Some(self.image_info(file).identity),
            Place::Folder(folder) => Some(folder.identity()),
            _ => None,
        };
        if mount.is_none() && identity.as_ref() != Some(expected) {
            return Err(Error::Stale);
        }
        if let Place::Folder(folder) = below
            && !self.layer.is_gone(path)
            && !self.is_empty_below(&folder)
        {
            return Err(Error::NotEmpty);
        }
        self.top()?;
        let hidden = identity.is_some() && self.layer.state().gone.insert(fold::fold(path));
        let Some(mount) = mount else { return Ok(()) };
        let on_host = self.layer.on_host(mount, expected);
        let deleted = self.host.delete(mount, path, on_host.clone());
        let mut state = self.layer.state();
        match deleted {
            Ok(()) => drop(state.raised.remove(&on_host.number)),
            Err(_) if hidden => drop(state.gone.remove(&fold::fold(path))),
            Err(_) => {}
        }
        deleted
    }

    /// A name that is renamed or linked, in the layer now; `None` for what no layer has to do with.
    ///
    /// # Errors
    /// [`Error::AccessDenied`] for a folder of the image: what lies in it cannot go along; and as [`Broker::raise`].
    pub(super) fn raise_source(
        &self,
        path: &str,
        place: &Place<'_, '_>,
        expected: &Identity,
    ) -> Result<Option<&Mount>> {
        match place {
            Place::ImageFile(file) if self.image_info(file).identity != *expected => Err(Error::Stale),
            Place::ImageFile(file) => self.raise(path, file).map(Some),
            Place::Folder(Folder { known: None, .. }) => Err(Error::AccessDenied),
            Place::Host { mount, .. } if self.layer.is(mount) && self.is_below(path).is_some() => {
                Err(Error::AccessDenied)
            }
            _ => Ok(None),
        }
    }

    /// A name has left the layer: what the image has there is not to come forth.
    pub(super) fn moved_away(&self, path: &str) {
        if matches!(self.names.find(DRIVE, path), Place::ImageFile(_)) {
            self.layer.state().gone.insert(fold::fold(path));
        }
    }

    /// Whether a thing of the layer is a folder that has others of the image in it.
    fn is_empty_below(&self, folder: &Folder) -> bool {
        let Some((image, path)) = self.names.image().zip(folder.image.as_deref()) else { return true };
        let (files, folders) = image.list(path);
        let mut names = files.iter().map(|file| file.shown.to_owned()).chain(folders);
        !names.any(|name| self.shows_through(&crate::locate::join(path, &name)))
    }
}
