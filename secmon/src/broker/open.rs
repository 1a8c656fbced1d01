//! stream_open.

use super::layer::DRIVE;
use super::{Broker, file_uri};
use crate::host::{self, Attributes};
use crate::image::File;
use crate::layer::new_file;
use crate::names::{Known, Mount, Place};
use crate::refusal::Asked;
use crate::sys;
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};
use shim_abi::calls::{Opened, StreamOpen};
use shim_abi::error::{Error, Result};
use shim_abi::stream::{Disposition, Expect, Info, Kind, access};
use shim_abi::uri::{self, Uri};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::Ordering;

/// What a call to open answers: the reply, and the descriptor that goes with it.
pub type Answer = (Opened, Option<OwnedFd>);

/// Whether a request would change the data of something that exists.
fn changes(call: &StreamOpen) -> bool {
    let empties = matches!(call.disposition, Disposition::Overwrite | Disposition::OverwriteOrCreate);
    (empties || call.access & access::WRITE != 0)
        && call.disposition != Disposition::Create
        && call.expect != Expect::Directory
}

/// Whether a request makes what there is none of.
fn makes(call: &StreamOpen) -> bool {
    !matches!(call.disposition, Disposition::Open | Disposition::Overwrite)
}

impl Broker {
    /// stream_open.
    ///
    /// # Errors
    /// As [`host::Host::open_or_make`]; [`Error::NotVisible`], [`Error::ReadOnly`]; [`Error::Stale`] for a file of the image
    /// that changed since the image was made.
    pub fn stream_open(&self, call: &StreamOpen) -> Result<Answer> {
        if call.access & !access::ALL != 0 {
            return Err(Error::Invalid);
        }
        let uri = uri::parse(&call.uri)?;
        let mut below = false;
        if let Uri::File { drive, path } = uri
            && !makes(call)
        {
            match self.in_top(drive, path, |top| self.open_on_host(top, path, None, call)) {
                Some(answer) => return answer,
                None => below = self.layers.drive().is_some(),
            }
        }
        match uri {
            Uri::File { drive, path } => match self.find_from(drive, path, below) {
                Place::Host { mount, .. } if self.layers.is_below(mount) && changes(call) => {
                    self.open_on_host(self.raise(path)?, path, None, call)
                }
                Place::Host { mount, rest, known } if self.layers.is_below(mount) => {
                    let reading = StreamOpen { access: call.access & access::READ, ..call.clone() };
                    self.open_on_host(mount, rest, known, &reading)
                }
                Place::Host { mount, rest, known } => self.open_on_host(mount, rest, known, call),
                Place::ImageFile(_) if drive == DRIVE && changes(call) => {
                    self.open_on_host(self.raise(path)?, path, None, call)
                }
                Place::ImageFile(file) => {
                    let uri = self.image_uri(&call.uri, &file);
                    let (mut opened, fd) = self.open_image_file(&file, uri, call)?;
                    opened.info.writable = true;
                    Ok((opened, fd))
                }
                Place::Folder(folder) => {
                    let (info, uri) = self.folder(&folder);
                    open_folder(info, uri, call)
                }
                Place::ImageMissing { folder: true } | Place::Uncovered { below: false, .. }
                    if drive == DRIVE && makes(call) =>
                {
                    self.open_on_host(self.raise_above(path)?, path, None, call)
                }
                Place::Uncovered { first, below } => {
                    let looks = call.disposition == Disposition::Open && call.access & !access::READ == 0;
                    let asked = if looks { Asked::Open } else { Asked::Need };
                    self.refusals.not_visible(&first, below || call.expect == Expect::Directory, asked);
                    Err(Error::NotVisible)
                }
                place => Err(self.absent(&place, Asked::Open)),
            },
            Uri::Stream { name, .. } => {
                let change = call.access & !access::READ != 0 || call.disposition != Disposition::Open;
                let (streams, _) = self.streams(&call.uri, change)?.ok_or(Error::NotFound)?;
                if name.is_empty() || call.expect == Expect::Directory {
                    return Err(Error::NameInvalid);
                }
                let handle = self.host.open_or_make(&streams, name, call)?;
                let data = call.access & (access::READ | access::WRITE) != 0;
                Ok((Opened { info: handle.info, made: handle.made, uri: call.uri.clone() }, data.then_some(handle.fd)))
            }
            Uri::Image(name) => self.open_image_file(&self.image_file(name)?, call.uri.clone(), call),
            Uri::Console => {
                let fd = self.terminal.open()?;
                self.open_device(fd, Kind::Terminal, call)
            }
            Uri::Memory => self.open_device(self.family.memory()?, Kind::File, call),
            Uri::Living => self.open_device(self.family.living()?, Kind::File, call),
            Uri::Roots => self.open_roots(call),
            Uri::Registry(which) => self.open_device(self.registry(which)?, Kind::File, call),
            Uri::Power => self.open_power(call),
            Uri::Ready => {
                let fd = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(host::error)?.0;
                self.open_device(fd, Kind::Pipe, call)
            }
            Uri::Bell => {
                let bell = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).map_err(host::error)?;
                self.open_device(bell.into(), Kind::Pipe, call)
            }
            Uri::Log => {
                let fd = self.log.try_clone().map_err(|_| Error::TooManyOpen)?;
                self.open_device(fd, Kind::Pipe, call)
            }
        }
    }

    fn open_on_host(&self, mount: &Mount, rest: &str, known: Option<Known>, call: &StreamOpen) -> Result<Answer> {
        let grows = call.access & access::WRITE != 0 || makes(call);
        if grows && self.layers.is_full(mount) {
            return Err(Error::NoSpace);
        }
        match self.host.open_or_make(mount, rest, call) {
            Ok(mut handle) => {
                self.layers.known_as(mount, &mut handle.info);
                let data = call.access & (access::READ | access::WRITE) != 0 && handle.info.kind == Kind::File;
                let uri = file_uri(mount, &handle.real);
                Ok((Opened { info: handle.info, made: handle.made, uri }, data.then_some(handle.fd)))
            }
            Err(Error::NotFound | Error::PathNotFound) if known.is_some() => {
                let (info, uri) = self.known_folder(known);
                open_folder(info, uri, call)
            }
            Err(Error::ReadOnly) => {
                self.refusals.read_only(mount, rest);
                Err(Error::ReadOnly)
            }
            Err(error) => Err(error),
        }
    }

    /// Opens a file of the image where it lies.
    fn open_image_file(&self, file: &File<'_>, uri: String, call: &StreamOpen) -> Result<Answer> {
        match (call.disposition, call.expect) {
            (Disposition::Create, _) => return Err(Error::Exists),
            (_, Expect::Directory) => return Err(Error::NotDirectory),
            _ if changes(call) => return Err(Error::ReadOnly),
            _ => {}
        }
        let data = if call.access & access::READ != 0 { Some(self.image_data(file)?) } else { None };
        Ok((Opened { info: self.image_info(file), made: false, uri }, data))
    }

    /// The data of a file of the image, if it is still the one that the image was made of.
    pub(super) fn image_data(&self, file: &File<'_>) -> Result<OwnedFd> {
        let image = self.names.image().ok_or(Error::NotFound)?;
        let path = image.host_path(file);
        let opened = std::fs::File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(&path);
        let fd = match opened {
            Ok(fd) => OwnedFd::from(fd),
            Err(error) => return Err(self.changed(file, &error.to_string())),
        };
        let of = sys::statx(&fd, c"").map_err(host::error)?;
        let same = file.is_still(of.stx_size, host::nanoseconds(&of.stx_mtime));
        if !same || host::kind(&of) != Ok(Kind::File) {
            return Err(self.changed(file, "it is another file now"));
        }
        Ok(fd)
    }

    fn changed(&self, file: &File<'_>, why: &str) -> Error {
        if !self.outdated.swap(true, Ordering::AcqRel) {
            tracing::error!("the base image is out of date: {}: {why}", file.host);
        }
        Error::Stale
    }

    /// A new file without a name, in the memory that the limit of the throw-away folders bounds.
    pub(super) fn memory_file(&self) -> Result<OwnedFd> {
        new_file(&self.scratch).map_err(host::error)
    }

    /// A device's descriptor, and what is told of it.
    pub fn open_device(&self, fd: OwnedFd, kind: Kind, call: &StreamOpen) -> Result<Answer> {
        let of = sys::statx(fd.as_fd(), c"").map_err(host::error)?;
        let mut info = host::info(&of, Kind::File, &Attributes::default(), true);
        (info.kind, info.size, info.allocated) = (kind, 0, 0);
        Ok((Opened { info, made: false, uri: call.uri.clone() }, Some(fd)))
    }
}

/// Checks a request to open what is for reading alone, and no folder.
pub(super) fn only_reads(call: &StreamOpen) -> Result {
    match call.expect {
        _ if call.access & access::READ != call.access || call.disposition != Disposition::Open => Err(Error::ReadOnly),
        Expect::Directory => Err(Error::NotDirectory),
        _ => Ok(()),
    }
}

/// What opening a file that is for reading alone answers.
pub(super) fn reading(fd: OwnedFd, call: &StreamOpen) -> Result<Answer> {
    let of = sys::statx(&fd, c"").map_err(host::error)?;
    let info = host::info(&of, Kind::File, &Attributes::default(), true);
    Ok((Opened { info, made: false, uri: call.uri.clone() }, Some(fd)))
}

/// Opens a folder that is not the host's: for looking only.
fn open_folder(info: Info, uri: String, call: &StreamOpen) -> Result<Answer> {
    match (call.disposition, call.expect) {
        (Disposition::Create, _) => Err(Error::Exists),
        (_, Expect::File) => Err(Error::IsDirectory),
        (Disposition::Overwrite | Disposition::OverwriteOrCreate, _) => Err(Error::IsDirectory),
        _ if call.access & (access::WRITE | access::CHANGE) != 0 && !info.writable => Err(Error::ReadOnly),
        _ => Ok((Opened { info, made: false, uri }, None)),
    }
}
