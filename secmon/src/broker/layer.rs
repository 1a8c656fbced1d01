//! The layers over drive C: what is made outside of every mount, and what is changed of the image, lies in the uppermost one: in
//! the throw-away file system, or in a folder that is kept ([`crate::layer`]). Below it lie those that are only read, and
//! below them the image. Until something is written in the throw-away one, nobody asks it.

use super::Broker;
use crate::guest::GuestPath;
use crate::host::{self, error};
use crate::image::File;
use crate::layer::{self, make_folder};
use crate::locate::{Cache, FOLDER, Located, beneath, join, open_beneath, split};
use crate::names::{Folder, Kind, Mount, Place, fold};
use crate::sys::{self, lock};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, renameat};
use nix::sys::stat::{Mode, futimens, mkdirat};
use nix::sys::time::TimeSpec;
use nix::unistd::{fdatasync, linkat};
use shim_abi::error::{Error, Result};
use shim_abi::stream::{Identity, Info, Volume};
use std::collections::{HashMap, HashSet};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// The drive that has layers.
pub const DRIVE: u8 = b'C';
/// The folder of a layer that holds its files.
const TOP: &str = "drive";
/// Its log of the registry's changes, and one that is written in its place.
const LOG: &str = "registry";
const NEW_LOG: &str = "registry.new";

/// The layers, and what the sandbox knows of them.
#[derive(Default)]
pub struct Layers {
    /// The layer that is kept, if one is.
    pub kept: Option<layer::Layer>,
    /// The uppermost, once something was written.
    top: OnceLock<Sheet>,
    /// Those below it that are only read, from above.
    below: Vec<Sheet>,
    /// The most that a layer that is kept may hold, and what it held lately, in bytes.
    pub(super) most: AtomicU64,
    used: AtomicU64,
    /// Whether files may have streams beside their bytes.
    pub(super) streams: AtomicBool,
    /// What was copied up, by its number in the layer: it goes by the identity that it had for as long as the sandbox runs.
    raised: Mutex<HashMap<u64, Identity>>,
}

/// One layer.
pub(super) struct Sheet {
    pub(super) mount: Mount,
    /// Names of what lies below that are deleted, folded: what lies in them is not seen either.
    gone: Mutex<HashSet<String>>,
    /// Its folder, if it is kept.
    kept: Option<layer::Layer>,
}

impl Sheet {
    fn new(root: OwnedFd, number: usize, gone: HashSet<String>, kept: Option<layer::Layer>) -> Result<Self> {
        let mount = mount_of(root, number, TOP, number == usize::MAX)?;
        Ok(Sheet { mount, gone: Mutex::new(gone), kept })
    }

    /// Whether a name of what lies below is deleted.
    pub(super) fn hides(&self, path: &str) -> bool {
        let gone = lock(&self.gone);
        if gone.is_empty() {
            return false;
        }
        let folded = fold::fold(path);
        let ends = folded.match_indices('/').map(|(at, _)| at).chain([folded.len()]);
        ends.into_iter().any(|end| gone.contains(&folded[..end]))
    }

    /// Whether it has a name, or a file on the way to it.
    fn has(&self, cache: &Cache, path: &str) -> bool {
        cache.open(&self.mount, path, OFlag::O_PATH).map_or_else(|error| error == Error::NotDirectory, |_| true)
    }
}

/// A folder of a layer, as files are looked up below it.
pub(super) fn mount_of(root: OwnedFd, number: usize, name: &str, writable: bool) -> Result<Mount> {
    let volume = host::volume(&sys::statx(&root, c"").map_err(error)?);
    let guest = GuestPath::parse("C:\\").map_err(|_| Error::Invalid)?;
    Ok(Mount { number, guest, host: name.into(), root, volume, writable, kind: Kind::Scratch, wary: false })
}

/// The folder of the throw-away file system that is drive C.
fn throw_away(scratch: &OwnedFd) -> Result<OwnedFd> {
    make_folder(scratch, TOP).and_then(|()| open_beneath(scratch, TOP, beneath(FOLDER))).map_err(error)
}

impl Layers {
    /// Layers that are kept: the one to write in, if it is, and those below it, from above.
    pub fn new(top: Option<layer::Layer>, below: Vec<layer::Layer>, scratch: &OwnedFd) -> Result<Self> {
        let mut layers = Layers::default();
        for (layer, number) in below.into_iter().zip(1..) {
            let (drive, gone) = (layer.drive.try_clone().map_err(|_| Error::TooManyOpen)?, layer.gone.clone());
            layers.below.push(Sheet::new(drive, usize::MAX - number, gone, Some(layer))?);
        }
        if top.is_some() || !layers.below.is_empty() {
            let gone = top.as_ref().map(|top| top.gone.clone()).unwrap_or_default();
            let drive = match &top {
                Some(top) => top.drive.try_clone().map_err(|_| Error::TooManyOpen)?,
                None => throw_away(scratch)?,
            };
            let sheet = Sheet::new(drive, usize::MAX, gone, None)?;
            let _ = layers.top.set(sheet);
            layers.kept = top;
            layers.streams = true.into();
        }
        Ok(layers)
    }

    /// Whether nothing more may be made in a mount: it is the layer that is kept, and holds too much.
    pub(super) fn is_full(&self, mount: &Mount) -> bool {
        self.kept.is_some() && self.is(mount) && self.used.load(Ordering::Relaxed) > self.most.load(Ordering::Relaxed)
    }

    /// The folders of those that are only read, from above.
    pub(super) fn roots(&self) -> impl Iterator<Item = &OwnedFd> {
        self.below.iter().filter_map(|sheet| sheet.kept.as_ref()).map(|kept| &kept.root)
    }

    /// The folder that is drive C, if all of it lies in layers.
    pub fn drive(&self) -> Option<&OwnedFd> {
        self.top.get().map(|top| &top.mount.root)
    }

    /// All, from above.
    pub(super) fn sheets(&self) -> impl Iterator<Item = &Sheet> {
        self.top.get().into_iter().chain(&self.below)
    }

    /// Whether a mount is the one that is written in.
    pub(super) fn is(&self, mount: &Mount) -> bool {
        self.top.get().is_some_and(|top| std::ptr::eq(&raw const top.mount, mount))
    }

    /// Whether a mount is one that is only read.
    pub(super) fn is_below(&self, mount: &Mount) -> bool {
        self.below.iter().any(|sheet| std::ptr::eq(&raw const sheet.mount, mount))
    }

    /// Gives what was copied up the identity that it had; what lies below can be written too.
    pub(super) fn known_as(&self, mount: &Mount, info: &mut Info) {
        if self.is_below(mount) {
            info.writable = true;
        } else if self.is(mount)
            && let Some(identity) = lock(&self.raised).get(&info.identity.number)
        {
            info.identity = identity.clone();
        }
    }

    /// The identity that the host knows a thing by.
    pub(super) fn on_host(&self, mount: &Mount, identity: &Identity) -> Identity {
        if !self.is(mount) {
            return identity.clone();
        }
        let found = lock(&self.raised).iter().find(|(_, shown)| *shown == identity).map(|(number, _)| *number);
        found.map_or_else(|| identity.clone(), |number| Identity { volume: mount.volume, number })
    }
}

/// What lies below the layer that is written in.
enum Below<'a> {
    Nothing,
    Image(File<'a>),
    File(host::Handle<'a>),
    /// A folder: its name in the letter case to show, what it goes by, and what it is on the host, unless it is the image's.
    Folder(String, Identity, Option<OwnedFd>),
}

impl Broker {
    /// The folder that holds the layer that is written in.
    pub(super) fn base(&self) -> &OwnedFd {
        self.layers.kept.as_ref().map_or(&self.scratch, |kept| &kept.root)
    }

    /// The space that drive C has.
    pub(super) fn drive_space(&self) -> Result<Volume> {
        let mut space = host::space(self.base(), crate::names::IMAGE_VOLUME, true)?;
        let most = self.layers.most.load(Ordering::Relaxed);
        if most != 0 {
            space.free = space.free.min(most.saturating_sub(self.layers.used.load(Ordering::Relaxed)));
            space.total = space.total.min(most);
        }
        Ok(space)
    }

    /// Looks again and again how much the layer that is kept holds. Beyond the limit nothing is made or opened to be written; a sandbox
    /// that goes on to write what it has open is ended.
    pub fn watch_size(&self, most: u64) {
        self.layers.most.store(most, Ordering::Relaxed);
        let Some(kept) = &self.layers.kept else { return };
        loop {
            let began = Instant::now();
            let used = layer::size(&kept.root);
            let before = self.layers.used.swap(used, Ordering::Relaxed);
            if before > most && used > before.saturating_add(most / 4) {
                self.terminal.restore();
                crate::cli::complain("the sandbox was ended: its layer holds more than --scratch lets it");
                std::process::exit(crate::exit::FAILURE.into());
            }
            std::thread::sleep((began.elapsed() * 20).max(Duration::from_millis(100)));
        }
    }

    /// The layer that is written in.
    fn top(&self) -> Result<&Sheet> {
        if let Some(top) = self.layers.top.get() {
            return Ok(top);
        }
        let sheet = Sheet::new(throw_away(&self.scratch)?, usize::MAX, HashSet::new(), None)?;
        Ok(self.layers.top.get_or_init(|| sheet))
    }

    /// Looks in the layer that is written, where most lies that no mount covers; `None` if it has no such name.
    pub(super) fn in_top<T>(&self, drive: u8, path: &str, look: impl FnOnce(&Mount) -> Result<T>) -> Option<Result<T>> {
        let top = self.layers.top.get().filter(|_| drive == DRIVE && !self.names.is_mounted(path))?;
        Some(look(&top.mount)).filter(|found| !matches!(found, Err(Error::NotFound | Error::PathNotFound)))
    }

    /// What a path on the drive means that no mount covers: `place` without the layers; `below`: without the one that is written.
    pub(super) fn layered<'a>(&'a self, path: &'a str, place: Place<'a, 'a>, below: bool) -> Place<'a, 'a> {
        if self.layers.top.get().is_none() {
            return place;
        }
        let mut hidden = false;
        for (at, sheet) in self.layers.sheets().enumerate() {
            if (at > 0 || !below) && sheet.has(&self.host.cache, path) {
                let known = if let Place::Folder(folder) = &place { folder.known } else { None };
                return Place::Host { mount: &sheet.mount, rest: path, known };
            }
            hidden = sheet.hides(path);
            if hidden {
                break;
            }
        }
        let above = split(path).0;
        match place {
            _ if hidden => Place::ImageMissing { folder: self.is_folder(above) },
            Place::ImageMissing { folder: false } => Place::ImageMissing { folder: self.is_folder(above) },
            // Its beginning was made here.
            Place::Uncovered { first, .. } if self.is_folder(first.below()) => {
                Place::ImageMissing { folder: self.is_folder(above) }
            }
            place => place,
        }
    }

    fn is_folder(&self, path: &str) -> bool {
        for sheet in self.layers.sheets() {
            match self.host.cache.open(&sheet.mount, path, FOLDER) {
                Ok(_) => return true,
                Err(Error::NotDirectory) => return false,
                Err(_) if sheet.hides(path) => return false,
                Err(_) => {}
            }
        }
        matches!(self.names.find(DRIVE, path), Place::Folder(_))
    }

    /// What a path is without the layer that is written in.
    fn below<'a>(&'a self, path: &'a str) -> Result<Below<'a>> {
        if self.layers.top.get().is_some_and(|top| top.hides(path)) {
            return Ok(Below::Nothing);
        }
        for sheet in &self.layers.below {
            match self.host.open(&sheet.mount, path, 0) {
                Ok(handle) if handle.info.kind == shim_abi::stream::Kind::Directory => {
                    let shown = split(&handle.real).1.to_owned();
                    return Ok(Below::Folder(shown, handle.info.identity, Some(handle.fd)));
                }
                Ok(handle) => return Ok(Below::File(handle)),
                Err(Error::NotFound | Error::PathNotFound) if sheet.hides(path) => return Ok(Below::Nothing),
                Err(Error::NotFound | Error::PathNotFound) => {}
                Err(Error::NotDirectory) => return Ok(Below::Nothing),
                Err(error) => return Err(error),
            }
        }
        Ok(match self.names.find(DRIVE, path) {
            Place::ImageFile(file) => Below::Image(file),
            Place::Folder(folder) => Below::Folder(split(&folder.shown).1.to_owned(), folder.identity(), None),
            _ => Below::Nothing,
        })
    }

    /// Makes a folder of the layers below or of the image, and those above it, in the layer that is written in; that layer.
    ///
    /// # Errors
    /// [`Error::PathNotFound`] if there is none, and the host's.
    pub(super) fn raise_folder(&self, path: &str) -> Result<&Mount> {
        let top = &self.top()?.mount;
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for path in ends.filter(|end| *end > 0).map(|end| &path[..end]) {
            let located = self.host.cache.locate(top, path)?;
            if located.exists {
                continue;
            }
            let Below::Folder(name, was, from) = self.below(path)? else { return Err(Error::PathNotFound) };
            match mkdirat(&located.folder, name.as_str(), Mode::from_bits_truncate(0o700)) {
                Ok(()) => {
                    self.raised(&located, &name, was)?;
                    if let Some(from) = from {
                        let open =
                            |folder, name| open_beneath(folder, name, beneath(OFlag::O_RDONLY | OFlag::O_DIRECTORY));
                        let (from, to) =
                            (open(&from, "").map_err(error)?, open(&located.folder, &name).map_err(error)?);
                        layer::copy_attributes(&from, &to).map_err(error)?;
                    }
                }
                Err(Errno::EEXIST) => {}
                Err(errno) => return Err(error(errno)),
            }
        }
        Ok(top)
    }

    fn raised(&self, located: &Located, name: &str, was: Identity) -> Result {
        self.host.cache.changed(&self.top()?.mount, &located.folder, &located.path, None, Some(name));
        let fd = open_beneath(&located.folder, name, beneath(OFlag::O_PATH)).map_err(error)?;
        let of = sys::statx(&fd, c"").map_err(error)?;
        lock(&self.layers.raised).insert(of.stx_ino, was);
        Ok(())
    }

    /// The layer that is written in, ready for a name to be made there.
    pub(super) fn raise_above(&self, path: &str) -> Result<&Mount> {
        self.raise_folder(split(path).0)
    }

    /// Copies what lies below at a path into the layer that is written in: a file, or a folder without what lies in it; that layer.
    ///
    /// # Errors
    /// [`Error::NoSpace`], [`Error::Stale`], and the host's.
    pub(super) fn raise(&self, path: &str) -> Result<&Mount> {
        let top = self.raise_above(path)?;
        let located = self.host.cache.locate(top, path)?;
        if located.exists {
            return Ok(top);
        }
        if self.layers.is_full(top) {
            return Err(Error::NoSpace);
        }
        let (from, shown, was, written, mode) = match self.below(path)? {
            Below::Image(file) => {
                let was = self.image_info(&file).identity;
                (self.image_data(&file)?, file.shown.to_owned(), was, file.written, None)
            }
            Below::File(handle) => {
                let shown = split(&handle.real).1;
                let data = std::fs::File::open(sys::link(&handle.fd)).map_err(host::of_io)?;
                let mode = sys::statx(&data, c"").map_err(error)?.stx_mode;
                (data.into(), shown.to_owned(), handle.info.identity, handle.info.written, Some(mode))
            }
            Below::Folder(..) => return self.raise_folder(path),
            Below::Nothing => return Err(Error::NotFound),
        };
        let copy = layer::new_file(self.base()).map_err(error)?;
        let mut copied = std::fs::File::from(copy.try_clone().map_err(|_| Error::TooManyOpen)?);
        let mut data = std::fs::File::from(from);
        std::io::copy(&mut data, &mut copied).map_err(host::of_io)?;
        let time = TimeSpec::new(written.div_euclid(1_000_000_000), written.rem_euclid(1_000_000_000));
        futimens(&copy, &time, &time).map_err(error)?;
        if let Some(mode) = mode {
            layer::copy_attributes(&data.into(), &copy).map_err(error)?;
            nix::sys::stat::fchmod(&copy, Mode::from_bits_truncate(mode.into())).map_err(error)?;
        }
        if self.layers.kept.is_some() {
            fdatasync(&copy).map_err(error)?;
        }
        // It gets its name when it is whole.
        match linkat(AT_FDCWD, sys::link(&copy).as_str(), &located.folder, shown.as_str(), AtFlags::AT_SYMLINK_FOLLOW) {
            Ok(()) => self.raised(&located, &shown, was)?,
            Err(Errno::EEXIST) => {}
            Err(errno) => return Err(error(errno)),
        }
        Ok(top)
    }

    /// The log of the registry's changes in a layer: see [`shim_abi::uri::Uri::Registry`].
    ///
    /// # Errors
    /// [`Error::NotFound`], and the host's.
    pub(super) fn registry(&self, which: &str) -> Result<OwnedFd> {
        let make = OFlag::O_RDWR | OFlag::O_CREAT;
        let mode = Mode::from_bits_truncate(0o600);
        let (layer, name, how) = match which {
            "" => (self.layers.kept.as_ref(), LOG, beneath(make | OFlag::O_APPEND).mode(mode)),
            "new" => (self.layers.kept.as_ref(), NEW_LOG, beneath(make | OFlag::O_TRUNC).mode(mode)),
            number => {
                let from_above = number.parse().ok().and_then(|number| self.layers.below.len().checked_sub(number));
                let sheet = from_above.and_then(|at| self.layers.below.get(at));
                (sheet.and_then(|sheet| sheet.kept.as_ref()), LOG, beneath(OFlag::O_RDONLY))
            }
        };
        open_beneath(&layer.ok_or(Error::NotFound)?.root, name, how).map_err(error)
    }

    /// The log that was written anew takes the other's place.
    pub(super) fn replace_registry(&self) -> Result {
        let root = &self.layers.kept.as_ref().ok_or(Error::NotFound)?.root;
        renameat(root, NEW_LOG, root, LOG).map_err(error)
    }

    /// Notes that what lies below at a path is deleted, or not any more; whether that is news.
    fn hide(&self, path: &str, hide: bool) -> Result<bool> {
        let (top, folded) = (self.top()?, fold::fold(path));
        if lock(&top.gone).contains(&folded) == hide {
            return Ok(false);
        }
        if let Some(kept) = &self.layers.kept {
            layer::set_gone(&kept.root, &folded, hide)?;
        }
        let mut gone = lock(&top.gone);
        Ok(if hide { gone.insert(folded) } else { gone.remove(&folded) })
    }

    /// Deletes a name; whatever of it lies below is not seen any more.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::NotEmpty`], and as [`host::Host::delete`].
    pub(super) fn delete_on_drive(&self, path: &str, expected: &Identity, mount: Option<&Mount>) -> Result {
        let (identity, folder) = match self.below(path)? {
            Below::Image(file) => (Some(self.image_info(&file).identity), false),
            Below::File(handle) => (Some(handle.info.identity), false),
            Below::Folder(_, identity, _) => (Some(identity), true),
            Below::Nothing => (None, false),
        };
        if mount.is_none() && identity.as_ref() != Some(expected) {
            return Err(Error::Stale);
        }
        if folder && self.list(&format!("file:C:/{path}"), true)?.count != 0 {
            return Err(Error::NotEmpty);
        }
        let hidden = identity.is_some() && self.hide(path, true)?;
        let Some(mount) = mount else { return Ok(()) };
        let on_host = self.layers.on_host(mount, expected);
        let deleted = self.host.delete(mount, path, on_host.clone());
        match deleted {
            Ok(()) => drop(lock(&self.layers.raised).remove(&on_host.number)),
            Err(_) if hidden => drop(self.hide(path, false)?),
            Err(_) => {}
        }
        deleted
    }

    /// Copies something up, a folder with all that lies in it, which looks the same before and after, however far it comes.
    fn raise_all(&self, path: &str) -> Result {
        let mut left = vec![path.to_owned()];
        while let Some(path) = left.pop() {
            match self.raise(&path).and_then(|_| self.names_in(&path)) {
                Ok(names) => left.extend(names.iter().map(|name| join(&path, name))),
                // No folder, or gone meanwhile.
                Err(Error::NotDirectory | Error::NotFound | Error::PathNotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A name that is to be renamed or linked, in the layer that is written in now.
    pub(super) fn raise_source(&self, path: &str, place: &Place<'_, '_>, expected: &Identity) -> Result {
        let lies_below = match place {
            Place::ImageFile(file) if self.image_info(file).identity != *expected => return Err(Error::Stale),
            Place::ImageFile(_) | Place::Folder(Folder { known: None, .. }) => true,
            Place::Host { mount, .. } if self.layers.is(mount) => matches!(self.below(path)?, Below::Folder(..)),
            Place::Host { mount, .. } => self.layers.is_below(mount),
            _ => false,
        };
        if lies_below { self.raise_all(path) } else { Ok(()) }
    }

    /// A name is about to leave the layer: what lies below it is not to come forth.
    pub(super) fn moving_away(&self, path: &str) -> Result {
        if !matches!(self.below(path)?, Below::Nothing) {
            self.hide(path, true)?;
        }
        Ok(())
    }
}
