//! What the monitor does for a sandbox: every call that [`crate::lane`] takes off the wire.

mod listing;
mod open;

use crate::deposits::Deposits;
use crate::family::Family;
use crate::host::{Host, Times, space};
use crate::names::{self, Folder, IMAGE_VOLUME, Known, Mount, Names, Place};
use crate::refusal::{Asked, Refusals};
use crate::terminal::Terminal;
use crate::watch::{WATCHED, Watches};
use shim_abi::calls::{
    Named, StreamDelete, StreamQueryName, StreamRename, StreamSetAttributes, StreamWatch, TerminalQuery,
    TerminalSetMode, TerminalSize, VolumeQuery,
};
use shim_abi::error::{Error, Result};
use shim_abi::stream::{Identity, Info, Kind, Volume, attributes as bits};
use shim_abi::uri::{self, Uri};
use std::os::fd::OwnedFd;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Everything that the calls of one sandbox work on.
pub struct Broker {
    /// What names mean.
    pub names: Names,
    /// What was refused.
    pub refusals: Refusals,
    /// The terminal.
    pub terminal: Terminal,
    host: Host,
    watches: Watches,
    /// The file system of the throw-away folders: long lists come from it, so that its limit is theirs.
    scratch: OwnedFd,
    /// Whether they hold what a fresh profile has.
    filled: Once,
    /// Where `log:` goes.
    log: OwnedFd,
    /// The picoprocesses.
    pub family: Family,
    /// What they left for each other.
    pub deposits: Deposits,
    /// When the sandbox started, in nanoseconds since 1970: the times of what has none.
    started: i64,
    outdated: AtomicBool,
}

impl Broker {
    /// A broker for a sandbox that is about to start.
    pub fn new(names: Names, terminal: Terminal, scratch: OwnedFd, log: OwnedFd, family: Family) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Broker {
            names,
            refusals: Refusals::default(),
            terminal,
            host: Host::default(),
            watches: Watches::default(),
            scratch,
            filled: Once::new(),
            log,
            family,
            deposits: Deposits::default(),
            started: i64::try_from(now.as_nanos()).unwrap_or(0),
            outdated: AtomicBool::new(false),
        }
    }

    /// Whether a file of the image turned out to be another than when the image was made.
    pub fn image_is_outdated(&self) -> bool {
        self.outdated.load(Ordering::Acquire)
    }

    /// What a path means.
    fn find<'a>(&'a self, drive: u8, path: &'a str) -> Place<'a, 'a> {
        let place = self.names.find(drive, path);
        if matches!(place, Place::Host { mount, .. } if mount.kind == names::Kind::Scratch) {
            self.filled.call_once(|| crate::sandbox::scratch::fill(&self.scratch, &self.names));
        }
        place
    }

    /// The place that a `file:` URI names.
    fn place<'a>(&'a self, uri: &'a str) -> Result<Place<'a, 'a>> {
        match uri::parse(uri)? {
            Uri::File { drive, path } => Ok(self.find(drive, path)),
            Uri::Image(_) | Uri::Console | Uri::Log | Uri::Memory | Uri::Living => Err(Error::Unsupported),
        }
    }

    /// The place of a name that is to be changed: below a mount, and not a folder that leads to another.
    fn changeable<'a>(&'a self, uri: &'a str) -> Result<(&'a Mount, &'a str)> {
        match self.place(uri)? {
            Place::Host { known: Some(known), .. } if self.names.leads_on(known) => Err(Error::Busy),
            Place::Host { mount, rest, .. } => {
                if !mount.writable {
                    self.refusals.read_only(mount, rest);
                }
                Ok((mount, rest))
            }
            Place::ImageFile(_) => Err(Error::ReadOnly),
            Place::Folder(folder) => Err(if folder.known.is_some() { Error::Busy } else { Error::ReadOnly }),
            Place::ImageMissing { folder: true } => Err(Error::NotFound),
            Place::ImageMissing { folder: false } => Err(Error::PathNotFound),
            Place::Uncovered { first, below } => {
                self.refusals.not_visible(&first, below, Asked::Need);
                Err(Error::NotVisible)
            }
        }
    }

    /// stream_delete.
    ///
    /// # Errors
    /// As [`Host::delete`], and for names that no mount covers.
    pub fn stream_delete(&self, call: &StreamDelete) -> Result {
        let (mount, rest) = self.changeable(&call.uri)?;
        self.host.delete(mount, rest, call.identity.clone())
    }

    /// stream_rename.
    ///
    /// # Errors
    /// As [`Host::rename`], and for names that no mount covers.
    pub fn stream_rename(&self, call: &StreamRename) -> Result<String> {
        let from = self.changeable(&call.from)?;
        let to = match self.changeable(&call.to) {
            // The name would be made there.
            Err(Error::NotFound | Error::PathNotFound) => return Err(Error::ReadOnly),
            other => other?,
        };
        let real = self.host.rename(from, call.identity.clone(), to, call.replace, call.link)?;
        Ok(file_uri(to.0, &real))
    }

    /// stream_set_attributes.
    ///
    /// # Errors
    /// As [`Host::set_attributes`], and for names that no mount covers.
    pub fn stream_set_attributes(&self, call: &StreamSetAttributes) -> Result {
        let (mount, rest) = match self.place(&call.uri)? {
            // A mount's own folder may have attributes set.
            Place::Host { mount, rest: "", .. } => (mount, ""),
            _ => self.changeable(&call.uri)?,
        };
        let times = Times { created: call.created, accessed: call.accessed, written: call.written };
        self.host.set_attributes(mount, rest, call.identity.clone(), call.attributes, times)
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
        match self.place(&call.uri)? {
            Place::Host { mount, rest, known } => match self.host.query(mount, rest) {
                Ok((info, real)) => Ok(Named { info, uri: file_uri(mount, &real) }),
                Err(Error::NotFound | Error::PathNotFound) if known.is_some() => {
                    let (info, uri) = self.known_folder(known);
                    Ok(Named { info, uri })
                }
                Err(error) => Err(error),
            },
            Place::ImageFile(file) => Ok(Named { info: self.image_info(&file), uri: self.image_uri(&call.uri, &file) }),
            Place::Folder(folder) => Ok(self.folder(&folder)).map(|(info, uri)| Named { info, uri }),
            Place::ImageMissing { folder } => Err(missing(folder)),
            Place::Uncovered { first, below } => {
                // Programs ask for all drives; that is no wish to see them.
                if !first.below().is_empty() {
                    self.refusals.not_visible(&first, below, Asked::Open);
                }
                Err(Error::NotVisible)
            }
        }
    }

    /// What is known of a folder that is not the host's, and its URI.
    fn folder(&self, folder: &Folder) -> (Info, String) {
        (self.folder_info(folder.identity()), format!("file:{}", folder.shown))
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
        match self.place(&call.uri)? {
            Place::Host { mount, rest, .. } => {
                let info = self.host.query(mount, rest)?.0;
                if info.kind != Kind::Directory {
                    return Err(Error::NotDirectory);
                }
                let (folder, _) = self.host.cache.open(mount, rest, WATCHED)?;
                self.watches.add(folder, call.recursive)
            }
            Place::ImageFile(_) => Err(Error::NotDirectory),
            // Nothing ever changes there: a watch on the empty folder that nothing is made in.
            Place::Folder(_) => {
                let quiet = crate::locate::open_beneath(&self.scratch, "quiet", crate::locate::beneath(WATCHED));
                self.watches.add(quiet.map_err(crate::host::error)?, false)
            }
            Place::ImageMissing { folder } => Err(missing(folder)),
            Place::Uncovered { first, below } => {
                self.refusals.not_visible(&first, below, Asked::Need);
                Err(Error::NotVisible)
            }
        }
    }

    /// volume_query.
    ///
    /// # Errors
    /// [`Error::NotVisible`], and the host's.
    pub fn volume_query(&self, call: &VolumeQuery) -> Result<Volume> {
        match self.place(&call.uri)? {
            Place::Host { mount, .. } => space(&mount.root, mount.volume, mount.writable),
            Place::ImageFile(_) | Place::Folder(_) | Place::ImageMissing { .. } => {
                space(&self.scratch, IMAGE_VOLUME, false)
            }
            Place::Uncovered { .. } => Err(Error::NotVisible),
        }
    }

    /// terminal_query.
    ///
    /// # Errors
    /// [`Error::NotFound`] without a terminal.
    pub fn terminal_query(&self, _: &TerminalQuery) -> Result<TerminalSize> {
        self.terminal.size().map(|(columns, rows)| TerminalSize { columns, rows })
    }

    /// terminal_set_mode.
    ///
    /// # Errors
    /// [`Error::NotFound`] without a terminal.
    pub fn terminal_set_mode(&self, call: &TerminalSetMode) -> Result {
        self.terminal.set_raw(call.raw)
    }
}

fn missing(folder: bool) -> Error {
    if folder { Error::NotFound } else { Error::PathNotFound }
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
