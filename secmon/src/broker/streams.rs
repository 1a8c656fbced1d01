//! Alternate data streams: files beside, in the layer that is written. A file that has some names the folder that they lie in by an
//! extended attribute, so that they go with it wherever it is renamed to; with it they are deleted.

use super::Broker;
use super::layer::{DRIVE, mount_of};
use crate::host::{self, error};
use crate::layer::make_folder;
use crate::locate::{FOLDER, beneath, for_each_name, open_beneath};
use crate::names::{Mount, Place};
use crate::refusal::Asked;
use crate::sys;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{UnlinkatFlags, unlinkat};
use shim_abi::error::{Error, Result};
use shim_abi::stream::Kind;
use shim_abi::uri::{self, Uri};
use std::ffi::CStr;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;

/// The extended attribute.
const NAME: &CStr = c"user.portcullis.streams";
/// Where the folders lie in a layer.
const STREAMS: &str = "streams";

/// The folder that a file names, if it names one.
fn named(file: &OwnedFd) -> Result<Option<String>> {
    let mut buffer = [0; 32];
    match sys::get_attribute(file, NAME, &mut buffer) {
        Ok(name) if name.len() == 32 && name.iter().all(u8::is_ascii_hexdigit) => {
            Ok(Some(String::from_utf8_lossy(name).into_owned()))
        }
        // Somebody else's, which means nothing here.
        Ok(_) | Err(Errno::ENODATA | Errno::ERANGE | Errno::EOPNOTSUPP) => Ok(None),
        Err(errno) => Err(error(errno)),
    }
}

/// A name that nothing else has.
fn new_name() -> Result<String> {
    let mut random = [0; 16];
    std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut random)).map_err(|_| Error::Io)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Broker {
    /// The streams of the file that a URI means, as a folder of files, and the stream's name; `change`: what there is none of is made.
    /// `None`: no stream is meant.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it has none, [`Error::Unsupported`] where the host keeps no extended attributes, and as for opening the
    /// file itself.
    pub(super) fn streams<'a>(&self, uri: &'a str, change: bool) -> Result<Option<(Mount, &'a str)>> {
        let Uri::Stream { drive, path, name } = uri::parse(uri)? else { return Ok(None) };
        let (mount, rest) = match self.find(drive, path) {
            Place::Host { mount, .. } if change && self.layers.is_below(mount) => (self.raise(path)?, path),
            Place::Host { mount, rest, .. } => (mount, rest),
            Place::ImageFile(_) | Place::Folder(_) if change && drive == DRIVE => (self.raise(path)?, path),
            Place::ImageFile(_) | Place::Folder(_) => return Err(Error::NotFound),
            Place::Uncovered { .. } => return Err(Error::NotVisible),
            place => return Err(self.absent(&place, Asked::Open)),
        };
        if change && !mount.writable {
            return Err(Error::ReadOnly);
        }
        let file = self.host.cache.open(mount, rest, OFlag::O_RDONLY | OFlag::O_NONBLOCK)?.0;
        let of = sys::statx(&file, c"").map_err(error)?;
        host::kind(&of)?;
        let folder = match named(&file)? {
            Some(folder) => folder,
            None if !change => return Err(Error::NotFound),
            None => {
                let folder = new_name()?;
                sys::set_attribute(&file, NAME, Some(folder.as_bytes())).map_err(error)?;
                folder
            }
        };
        let place = format!("{STREAMS}/{folder}");
        let open = |layer: &OwnedFd| open_beneath(layer, &place, beneath(FOLDER));
        let root = match open(self.base()) {
            Err(Errno::ENOENT) => {
                let below = self.layers.roots().find_map(|layer| open(layer).ok());
                match below {
                    Some(below) if !change => below,
                    None if !change => return Err(Error::NotFound),
                    below => {
                        self.layers.streams.store(true, Ordering::Release);
                        make_folder(self.base(), STREAMS)
                            .and_then(|()| make_folder(self.base(), &place))
                            .map_err(error)?;
                        let root = open(self.base()).map_err(error)?;
                        below.map_or(Ok(()), |below| copy(&below, &root))?;
                        root
                    }
                }
            }
            root => root.map_err(error)?,
        };
        let writable = change || mount.writable || self.layers.is_below(mount);
        Ok(Some((mount_of(root, usize::MAX / 2, STREAMS, writable)?, name)))
    }

    /// The folder of a file's streams, if the file goes with this name: to be removed when it has gone.
    pub(super) fn last_streams(&self, mount: &Mount, path: &str) -> Option<String> {
        if !self.layers.streams.load(Ordering::Acquire) {
            return None;
        }
        let (file, _) = self.host.cache.open(mount, path, OFlag::O_RDONLY | OFlag::O_NONBLOCK).ok()?;
        let of = sys::statx(&file, c"").ok()?;
        let last = host::kind(&of) == Ok(Kind::Directory) || of.stx_nlink == 1;
        named(&file).ok().flatten().filter(|_| last)
    }

    /// Removes the streams of a file that has gone.
    pub(super) fn remove_streams(&self, folder: &str) {
        let place = format!("{STREAMS}/{folder}");
        let Ok(root) = open_beneath(self.base(), &place, beneath(FOLDER)) else { return };
        let _ = for_each_name(&root, |_, entry| {
            let _ = unlinkat(&root, entry.file_name(), UnlinkatFlags::NoRemoveDir);
        });
        let _ = unlinkat(self.base(), place.as_str(), UnlinkatFlags::RemoveDir);
    }
}

/// Copies the streams of a file that was copied up.
fn copy(from: &OwnedFd, to: &OwnedFd) -> Result {
    let mut copied = Ok(());
    for_each_name(from, |name, _| {
        let open = |folder, flags| open_beneath(folder, name, beneath(flags).mode(nix::sys::stat::Mode::S_IRWXU));
        let one = open(from, OFlag::O_RDONLY).and_then(|from| Ok((from, open(to, OFlag::O_WRONLY | OFlag::O_CREAT)?)));
        let done = one.map(|(from, to)| std::io::copy(&mut std::fs::File::from(from), &mut std::fs::File::from(to)));
        if !matches!(done, Ok(Ok(_))) {
            copied = Err(Error::NoSpace);
        }
    })?;
    copied
}
