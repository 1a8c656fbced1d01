//! stream_enumerate.

use super::Broker;
use super::layer::{DRIVE, Sheet};
use crate::locate::join;
use crate::names::{Folder, Known, Place, fold};
use crate::refusal::Asked;
use crate::{host, sys};
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use shim_abi::MAX_FRAME;
use shim_abi::calls::StreamEnumerate;
use shim_abi::error::{Error, Result};
use shim_abi::stream::Info;
use shim_abi::wire::{self, Wire};
use std::collections::HashSet;
use std::io::Write;
use std::os::fd::OwnedFd;

/// Most entries of one list.
const MOST: u32 = 500_000;
/// Room for what stands around the entries in a frame.
const ROOM: usize = 64;

/// A list of entries, encoded as it is collected.
pub struct List {
    bytes: Vec<u8>,
    pub(super) count: u32,
    only_names: bool,
    /// Names that are in it, folded: of several that are the same the first counts. `None` where there are none such.
    seen: Option<HashSet<String>>,
}

impl List {
    fn add(&mut self, name: &str, info: Option<&Info>) {
        if self.count < MOST && self.seen.as_mut().is_none_or(|seen| seen.insert(fold::fold(name))) {
            (name.len() as u32).put(&mut self.bytes);
            self.bytes.extend_from_slice(name.as_bytes());
            if let Some(info) = info.filter(|_| !self.only_names) {
                info.put(&mut self.bytes);
            }
            self.count += 1;
        }
    }
}

impl Broker {
    /// stream_enumerate: the reply's encoded fields, and the descriptor that goes with it.
    ///
    /// # Errors
    /// [`Error::NotDirectory`], and as for opening.
    pub fn stream_enumerate(&self, call: &StreamEnumerate) -> Result<(Vec<u8>, Option<OwnedFd>)> {
        self.listed(self.list(&call.uri, call.only_names)?)
    }

    /// The names in a folder of drive C.
    pub(super) fn names_in(&self, path: &str) -> Result<Vec<String>> {
        let List { mut bytes, count, .. } = self.list(&format!("file:C:/{path}"), true)?;
        bytes[..4].copy_from_slice(&count.to_le_bytes());
        wire::decode(&bytes)
    }

    pub(super) fn list(&self, uri: &str, only_names: bool) -> Result<List> {
        let mut list = List { bytes: vec![0; 4], count: 0, only_names, seen: None };
        match self.streams(uri, false) {
            Ok(Some((streams, _))) => {
                self.host.enumerate(&streams, "", only_names, |name, info| list.add(name, info))?;
                return Ok(list);
            }
            Err(Error::NotFound) => return Ok(list),
            other => other.map(drop)?,
        }
        match self.place(uri)? {
            Place::Host { mount, rest, known } if self.layers.is(mount) || self.layers.is_below(mount) => {
                self.list_drive(&mut list, rest, known)?;
            }
            Place::Host { mount, rest, known } => {
                self.add_known(&mut list, known);
                match self.host.enumerate(mount, rest, only_names, |name, info| list.add(name, info)) {
                    Err(Error::NotFound | Error::PathNotFound) if known.is_some() => {}
                    other => other?,
                }
            }
            Place::Folder(Folder { image: Some(path), known, .. }) => self.list_drive(&mut list, &path, known)?,
            Place::Folder(folder) => self.add_known(&mut list, folder.known),
            Place::ImageFile(_) => return Err(Error::NotDirectory),
            place => return Err(self.absent(&place, Asked::Need)),
        }
        Ok(list)
    }

    /// The answer with a list.
    fn listed(&self, list: List) -> Result<(Vec<u8>, Option<OwnedFd>)> {
        if list.count >= MOST {
            return Err(Error::OutOfMemory);
        }
        let (only_names, mut bytes, mut reply) = (list.only_names, list.bytes, Vec::new());
        bytes[..4].copy_from_slice(&list.count.to_le_bytes());
        let brief = bytes.len() + ROOM <= MAX_FRAME;
        let none = 0u32.to_le_bytes();
        for names in [false, true] {
            reply.extend_from_slice(if brief && names == only_names { &bytes } else { &none });
        }
        (if brief { 0 } else { bytes.len() as u64 }).put(&mut reply);
        Ok((reply, if brief { None } else { Some(self.list_file(&bytes)?) }))
    }

    /// A file that holds a long list, open for reading alone; nobody else can open it.
    fn list_file(&self, bytes: &[u8]) -> Result<OwnedFd> {
        let mut file = std::fs::File::from(self.memory_file()?);
        file.write_all(bytes).map_err(|_| Error::NoSpace)?;
        open(sys::link(&file).as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).map_err(host::error)
    }

    /// The folders that are known beforehand in a folder.
    fn add_known(&self, list: &mut List, known: Option<Known>) {
        for (name, mount, child) in known.into_iter().flat_map(|known| self.names.children(known)) {
            let info = match mount.map(|mount| self.host.root(mount)) {
                Some(Ok(info)) => info,
                _ => self.known_folder(Some(child)).0,
            };
            list.seen.get_or_insert_default();
            list.add(name, Some(&info));
        }
    }

    /// A folder as the layers and the image have it.
    fn list_drive(&self, list: &mut List, path: &str, known: Option<Known>) -> Result {
        list.seen.get_or_insert_default();
        self.add_known(list, known);
        let mut above: Vec<&Sheet> = Vec::new();
        for sheet in self.layers.sheets() {
            if above.last().is_some_and(|last| last.hides(path)) {
                return Ok(());
            }
            let listed = self.host.enumerate(&sheet.mount, path, list.only_names, |name, info| {
                if !above.iter().any(|sheet| sheet.hides(&join(path, name))) {
                    let mut info = info.cloned();
                    info.iter_mut().for_each(|info| self.layers.known_as(&sheet.mount, info));
                    list.add(name, info.as_ref());
                }
            });
            above.push(sheet);
            match listed {
                Err(Error::NotFound | Error::PathNotFound) => {}
                Err(Error::NotDirectory) if above.len() > 1 => break,
                other => other?,
            }
        }
        let Place::Folder(folder) = self.names.find(DRIVE, path) else { return Ok(()) };
        let (Some(path), Some(image)) = (&folder.image, self.names.image()) else { return Ok(()) };
        let (files, folders) = image.list(path);
        let shows = |name: &str| !above.iter().any(|sheet| sheet.hides(&join(path, name)));
        for file in files.iter().filter(|file| shows(file.shown)) {
            list.add(file.shown, Some(&self.image_info(file)));
        }
        for name in folders.iter().filter(|name| shows(name)) {
            let shown = format!("{}/{name}", folder.shown.trim_end_matches('/'));
            let below = Folder { shown, known: None, image: None };
            list.add(name, Some(&self.folder_info(below.identity())));
        }
        Ok(())
    }
}
