//! What the monitor does for a sandbox: every call that [`crate::lane`] takes off the wire.

pub mod layer;
mod listing;
mod open;
pub mod power;
mod roots;
pub mod several;
mod streams;

use crate::deposits::Deposits;
use crate::family::Family;
use crate::host::{Host, Times, space};
use crate::locate::{FOLDER, beneath, open_beneath};
use crate::names::{self, Folder, IMAGE_VOLUME, Known, Mount, Names, Place};
use crate::net::Net;
use crate::refusal::{Asked, Refusals};
use crate::sys;
use crate::terminal::Terminal;
use crate::watch::Watches;
use shim_abi::calls::{
    Named, StreamDelete, StreamQueryName, StreamRename, StreamSetAttributes, StreamWatch, VolumeQuery,
};
use shim_abi::error::{Error, Result};
use shim_abi::stream::{Identity, Info, Kind, Volume, attributes as bits};
use shim_abi::uri::{self, Uri};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};

/// Everything that the calls of one sandbox work on.
pub struct Broker {
    /// What names mean.
    pub names: Names,
    /// What was refused.
    pub refusals: Arc<Refusals>,
    /// What it may do on the network.
    pub net: Net,
    /// The terminal.
    pub terminal: Terminal,
    host: Host,
    watches: Watches,
    /// The file system of the throw-away folders: long lists come from it, so that its limit is theirs.
    scratch: OwnedFd,
    /// Whether they hold what a fresh profile has.
    filled: Once,
    /// The layers over drive C.
    pub layers: layer::Layers,
    /// Where `log:` goes.
    log: OwnedFd,
    /// The picoprocesses.
    pub family: Family,
    /// Where the host says what feeds it.
    pub supplies: PathBuf,
    /// What they left for each other.
    pub deposits: Deposits,
    /// When the sandbox started, in nanoseconds since 1970: the times of what has none.
    started: i64,
    outdated: AtomicBool,
    /// Whether the host's root certificates are given.
    roots: bool,
}

impl Broker {
    /// A broker for a sandbox that is about to start.
    pub fn new(names: Names, terminal: Terminal, scratch: OwnedFd, log: OwnedFd, family: Family, roots: bool) -> Self {
        Broker {
            names,
            refusals: Arc::default(),
            net: Net::default(),
            terminal,
            host: Host::default(),
            watches: Watches::default(),
            scratch,
            filled: Once::new(),
            layers: layer::Layers::default(),
            log,
            family,
            supplies: PathBuf::new(),
            deposits: Deposits::default(),
            started: sys::now(),
            outdated: AtomicBool::new(false),
            roots,
        }
    }

    /// Whether a file of the image turned out to be another than when the image was made.
    pub fn image_is_outdated(&self) -> bool {
        self.outdated.load(Ordering::Acquire)
    }

    /// What a path means.
    fn find<'a>(&'a self, drive: u8, path: &'a str) -> Place<'a, 'a> {
        self.find_from(drive, path, false)
    }

    /// The same; `below`: of a name that [`Broker::in_top`] did not find.
    fn find_from<'a>(&'a self, drive: u8, path: &'a str, below: bool) -> Place<'a, 'a> {
        let place = self.names.find(drive, path);
        match place {
            Place::Host { mount, .. } if mount.kind == names::Kind::Scratch => {
                self.filled.call_once(|| crate::sandbox::scratch::fill(&self.scratch, &self.names));
                place
            }
            Place::Host { .. } => place,
            _ if drive == layer::DRIVE => self.layered(path, place, below),
            _ => place,
        }
    }

    /// The place that a `file:` URI names.
    fn place<'a>(&'a self, uri: &'a str) -> Result<Place<'a, 'a>> {
        match uri::parse(uri)? {
            Uri::File { drive, path } => Ok(self.find(drive, path)),
            _ => Err(Error::Unsupported),
        }
    }

    /// The place of a name that is to be changed or made: not a folder that leads to another.
    fn changeable<'a>(&'a self, uri: &'a str) -> Result<(&'a Mount, &'a str)> {
        let place = self.place(uri)?;
        let drive_path = uri.strip_prefix("file:C:/");
        match (place, drive_path) {
            (Place::Host { known: Some(known), .. }, _) if self.names.leads_on(known) => Err(Error::Busy),
            (Place::Host { mount, .. }, Some(path)) if self.layers.is_below(mount) => {
                Ok((self.raise_above(path)?, path))
            }
            (Place::Host { mount, rest, .. }, _) => {
                if !mount.writable {
                    self.refusals.read_only(mount, rest);
                }
                Ok((mount, rest))
            }
            (Place::Folder(Folder { known: Some(_), .. }), _) => Err(Error::Busy),
            (Place::ImageMissing { folder: true } | Place::Uncovered { below: false, .. }, Some(path)) => {
                Ok((self.raise_above(path)?, path))
            }
            (Place::ImageFile(_) | Place::Folder(_), _) => Err(Error::ReadOnly),
            (place, _) => Err(self.absent(&place, Asked::Need)),
        }
    }

    /// Why there is nothing at a place that is none of a host's, a file's or a folder's; notes what is not visible.
    fn absent(&self, place: &Place<'_, '_>, asked: Asked) -> Error {
        match place {
            Place::Uncovered { first, below } => {
                self.refusals.not_visible(first, *below, asked);
                Error::NotVisible
            }
            Place::ImageMissing { folder: false } => Error::PathNotFound,
            _ => Error::NotFound,
        }
    }

    /// Copies what lies below the layer that is written up into it, to be changed; the place as it is then.
    fn raised_place<'a>(&'a self, uri: &'a str) -> Result<Place<'a, 'a>> {
        let mount = match (self.place(uri)?, uri.strip_prefix("file:C:/")) {
            (Place::Host { mount, .. }, Some(path)) if self.layers.is_below(mount) => self.raise(path)?,
            (Place::ImageFile(_), Some(path)) => self.raise(path)?,
            (Place::Folder(_), Some(path)) => self.raise_folder(path)?,
            (place, _) => return Ok(place),
        };
        Ok(Place::Host { mount, rest: uri.get("file:C:/".len()..).unwrap_or_default(), known: None })
    }

    /// stream_delete.
    ///
    /// # Errors
    /// As [`Host::delete`], and for names that no mount covers.
    pub fn stream_delete(&self, call: &StreamDelete) -> Result {
        if let Some((streams, name)) = self.streams(&call.uri, true)? {
            return self.host.delete(&streams, name, call.identity.clone());
        }
        let streams = match self.place(&call.uri) {
            Ok(Place::Host { mount, rest, .. }) => self.last_streams(mount, rest),
            _ => None,
        };
        let deleted = self.delete_file(call);
        if let (Ok(()), Some(folder)) = (&deleted, streams) {
            self.remove_streams(&folder);
        }
        deleted
    }

    fn delete_file(&self, call: &StreamDelete) -> Result {
        if let Uri::File { drive: layer::DRIVE, path } = uri::parse(&call.uri)? {
            match self.find(layer::DRIVE, path) {
                Place::Host { known: Some(known), .. } if self.names.leads_on(known) => return Err(Error::Busy),
                Place::Host { mount, .. } if self.layers.is(mount) => {
                    return self.delete_on_drive(path, &call.identity, Some(mount));
                }
                Place::Host { mount, .. } if self.layers.is_below(mount) => {
                    return self.delete_on_drive(path, &call.identity, None);
                }
                Place::ImageFile(_) | Place::Folder(Folder { known: None, .. }) => {
                    return self.delete_on_drive(path, &call.identity, None);
                }
                _ => {}
            }
        }
        match self.changeable(&call.uri) {
            // Nothing is deleted that is not there.
            Ok((mount, _)) if self.layers.is(mount) => Err(Error::NotFound),
            Ok((mount, rest)) => self.host.delete(mount, rest, call.identity.clone()),
            Err(error) => Err(error),
        }
    }

    /// stream_rename.
    ///
    /// # Errors
    /// As [`Host::rename`], and for names that no mount covers.
    pub fn stream_rename(&self, call: &StreamRename) -> Result<String> {
        if (call.from.as_str(), call.to.as_str()) == ("registry:new", "registry:") {
            return self.replace_registry().map(|()| call.to.clone());
        }
        if let Some((streams, name)) = self.streams(&call.from, true)? {
            let (file, to) = (call.from.rsplit_once(':'), call.to.rsplit_once(':'));
            let (Some((file, _)), Some((other, to))) = (file, to) else { return Err(Error::Invalid) };
            if call.link || to.is_empty() || !names::fold::same(file, other) {
                return Err(Error::CrossDevice);
            }
            uri::parse(&call.to)?;
            let real =
                self.host.rename((&streams, name), call.identity.clone(), (&streams, to), call.replace, false)?;
            return Ok(format!("{file}:{real}"));
        }
        let source = call.from.strip_prefix("file:C:/");
        if let Some(path) = source {
            self.raise_source(path, &self.place(&call.from)?, &call.identity)?;
        }
        let from = self.changeable(&call.from)?;
        let to = match (self.place(&call.to)?, call.to.strip_prefix("file:C:/")) {
            (Place::ImageFile(_) | Place::Folder(_), Some(_)) if !call.replace => return Err(Error::Exists),
            (Place::ImageFile(_), Some(path)) => (self.raise_above(path)?, path),
            (Place::Folder(_), Some(_)) => return Err(Error::IsDirectory),
            (Place::Host { mount, rest, .. }, Some(path)) if self.layers.is_below(mount) => {
                match (call.replace, self.host.query(mount, rest)?.0.kind) {
                    (false, _) => return Err(Error::Exists),
                    (_, Kind::Directory) => return Err(Error::IsDirectory),
                    _ => (self.raise_above(path)?, path),
                }
            }
            _ => self.changeable(&call.to)?,
        };
        let identity = self.layers.on_host(from.0, &call.identity);
        if let (Some(path), true, false) = (source, self.layers.is(from.0), call.link) {
            self.moving_away(path)?;
        }
        let real = self.host.rename(from, identity, to, call.replace, call.link)?;
        Ok(file_uri(to.0, &real))
    }

    /// stream_set_attributes.
    ///
    /// # Errors
    /// As [`Host::set_attributes`], and for names that no mount covers.
    pub fn stream_set_attributes(&self, call: &StreamSetAttributes) -> Result {
        let times = Times { created: call.created, accessed: call.accessed, written: call.written };
        if let Some((streams, name)) = self.streams(&call.uri, true)? {
            return self.host.set_attributes(&streams, name, call.identity.clone(), call.attributes, times);
        }
        let (mount, rest) = match self.raised_place(&call.uri)? {
            // A mount's own folder may have attributes set.
            Place::Host { mount, rest, .. } if rest.is_empty() || self.layers.is(mount) => (mount, rest),
            _ => self.changeable(&call.uri)?,
        };
        let identity = self.layers.on_host(mount, &call.identity);
        self.host.set_attributes(mount, rest, identity, call.attributes, times)
    }

    /// stream_query_name.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::PathNotFound`], [`Error::NotVisible`], and what the host refuses.
    pub fn stream_query_name(&self, call: &StreamQueryName) -> Result<Named> {
        if let Uri::Image(name) = uri::parse(&call.uri)? {
            let file = self.image_file(name)?;
            return Ok(Named { info: self.image_info(&file), uri: call.uri.clone() });
        }
        if let Some((streams, name)) = self.streams(&call.uri, false)? {
            let (info, _) = self.host.query(&streams, name)?;
            return Ok(Named { info, uri: call.uri.clone() });
        }
        match self.place(&call.uri)? {
            Place::Host { mount, rest, known } => match self.host.query(mount, rest) {
                Ok((mut info, real)) => {
                    self.layers.known_as(mount, &mut info);
                    Ok(Named { info, uri: file_uri(mount, &real) })
                }
                Err(Error::NotFound | Error::PathNotFound) if known.is_some() => {
                    let (info, uri) = self.known_folder(known);
                    Ok(Named { info, uri })
                }
                Err(error) => Err(error),
            },
            Place::ImageFile(file) => {
                let info = Info { writable: true, ..self.image_info(&file) };
                Ok(Named { info, uri: self.image_uri(&call.uri, &file) })
            }
            Place::Folder(folder) => Ok(self.folder(&folder)).map(|(info, uri)| Named { info, uri }),
            // Programs ask for all drives; that is no wish to see them.
            Place::Uncovered { first, .. } if first.below().is_empty() => Err(Error::NotVisible),
            place => Err(self.absent(&place, Asked::Open)),
        }
    }

    /// What is known of a folder that is not the host's, and its URI.
    fn folder(&self, folder: &Folder) -> (Info, String) {
        let info = Info { writable: folder.shown.starts_with("C:"), ..self.folder_info(folder.identity()) };
        (info, format!("file:{}", folder.shown))
    }

    /// The same for one known beforehand.
    fn known_folder(&self, known: Option<Known>) -> (Info, String) {
        let shown = known.map_or("", |known| self.names.shown(known)).to_owned();
        self.folder(&Folder { shown, known, image: None })
    }

    fn folder_info(&self, identity: Identity) -> Info {
        Info {
            kind: Kind::Directory,
            attributes: 0,
            size: 0,
            allocated: 0,
            links: 1,
            identity,
            created: self.started,
            accessed: self.started,
            written: self.started,
            changed: self.started,
            writable: false,
        }
    }

    fn image_file(&self, name: &str) -> Result<crate::image::File<'_>> {
        let image = self.names.image().ok_or(Error::NotFound)?;
        image.find(name).or_else(|| image.find(&format!("@{name}"))).ok_or(Error::NotFound)
    }

    fn image_info(&self, file: &crate::image::File<'_>) -> Info {
        Info {
            kind: Kind::File,
            attributes: bits::ARCHIVE,
            size: file.size,
            allocated: file.size.next_multiple_of(4096),
            links: 1,
            identity: Identity { volume: IMAGE_VOLUME, number: file.number as u64 + 1 },
            created: file.written,
            accessed: file.written,
            written: file.written,
            changed: file.written,
            writable: false,
        }
    }

    /// A file's URI in the letter case to show.
    fn image_uri(&self, uri: &str, file: &crate::image::File<'_>) -> String {
        let above = uri.get("file:C:/".len()..).and_then(|path| path.rsplit_once('/')).map(|(above, _)| above);
        match above.and_then(|above| self.names.image()?.folder(above)) {
            Some(above) => format!("file:C:/{above}/{}", file.shown),
            None => format!("file:C:/{}", file.shown),
        }
    }

    /// stream_watch.
    ///
    /// # Errors
    /// [`Error::NotDirectory`], [`Error::TooManyOpen`], and as for opening.
    pub fn stream_watch(&self, call: &StreamWatch) -> Result<OwnedFd> {
        if matches!(self.place(&call.uri)?, Place::ImageFile(_)) {
            return Err(Error::NotDirectory);
        }
        match self.raised_place(&call.uri)? {
            Place::Host { mount, rest, .. } => {
                let info = self.host.query(mount, rest)?.0;
                if info.kind != Kind::Directory {
                    return Err(Error::NotDirectory);
                }
                let (folder, _) = self.host.cache.open(mount, rest, FOLDER)?;
                self.watches.add(folder, call.recursive)
            }
            // Nothing ever changes there: a watch on the empty folder that nothing is made in.
            Place::Folder(_) => {
                let quiet = open_beneath(&self.scratch, "quiet", beneath(FOLDER));
                self.watches.add(quiet.map_err(crate::host::error)?, false)
            }
            place => Err(self.absent(&place, Asked::Need)),
        }
    }

    /// volume_query.
    ///
    /// # Errors
    /// [`Error::NotVisible`], and the host's.
    pub fn volume_query(&self, call: &VolumeQuery) -> Result<Volume> {
        match self.place(&call.uri)? {
            // All of drive C that is no grant is one volume.
            Place::Host { mount, .. } if self.layers.is(mount) || self.layers.is_below(mount) => self.drive_space(),
            Place::Host { mount, .. } => space(&mount.root, mount.volume, mount.writable),
            Place::ImageFile(_) | Place::Folder(_) | Place::ImageMissing { .. } => {
                if call.uri.starts_with("file:C:") {
                    self.drive_space()
                } else {
                    space(&self.scratch, IMAGE_VOLUME, false)
                }
            }
            Place::Uncovered { .. } => Err(Error::NotVisible),
        }
    }

    /// Space on the file system of the throw-away folders.
    pub fn scratch_space(&self) -> Result<Volume> {
        space(&self.scratch, IMAGE_VOLUME, true)
    }
}

/// The URI of something below a mount.
fn file_uri(mount: &Mount, real: &str) -> String {
    let below = mount.guest.below();
    let mut uri = String::with_capacity(10 + below.len() + real.len());
    uri.push_str("file:");
    uri.push(char::from(mount.guest.drive()));
    for part in [":/", below, if below.is_empty() || real.is_empty() { "" } else { "/" }, real] {
        uri.push_str(part);
    }
    uri
}
