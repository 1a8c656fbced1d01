//! stream_enumerate.

use super::layer::{Covered, DRIVE};
use super::{Broker, missing};
use crate::host;
use crate::names::{Folder, Known, Place, fold};
use crate::refusal::Asked;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use shim_abi::MAX_FRAME;
use shim_abi::calls::StreamEnumerate;
use shim_abi::error::{Error, Result};
use shim_abi::stream::Info;
use shim_abi::wire::Wire;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};

/// Most entries of one list.
const MOST: u32 = 500_000;
/// Room for what stands around the entries in a frame.
const ROOM: usize = 64;

/// A list of entries, encoded as it is collected.
pub struct List {
    bytes: Vec<u8>,
    count: u32,
}

impl List {
    fn new() -> Self {
        List { bytes: vec![0; 4], count: 0 }
    }

    fn add(&mut self, name: &str, info: &Info) {
        if self.count < MOST {
            (name.len() as u32).put(&mut self.bytes);
            self.bytes.extend_from_slice(name.as_bytes());
            info.put(&mut self.bytes);
            self.count += 1;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if let Some(slot) = self.bytes.first_chunk_mut::<4>() {
            *slot = self.count.to_le_bytes();
        }
        self.bytes
    }
}

impl Broker {
    /// stream_enumerate: the reply's encoded fields, and the descriptor that goes with it.
    ///
    /// # Errors
    /// [`Error::NotDirectory`], and as for opening.
    pub fn stream_enumerate(&self, call: &StreamEnumerate) -> Result<(Vec<u8>, Option<OwnedFd>)> {
        let mut list = List::new();
        match self.streams(&call.uri, false) {
            Ok(Some((streams, _))) => {
                self.host.enumerate(&streams, "", |name, info| list.add(name, info))?;
                return self.listed(list);
            }
            Err(Error::NotFound) => return self.listed(list),
            other => other.map(drop)?,
        }
        match self.place(&call.uri)? {
            Place::Host { mount, rest, known } => {
                let leading: Vec<&str> = match known {
                    Some(known) => self.names.children(known).map(|(name, ..)| name).collect(),
                    None => Vec::new(),
                };
                let add = |name: &str, info: &Info| {
                    if !leading.iter().any(|other| fold::same(other, name)) {
                        list.add(name, info);
                    }
                };
                if self.layers.is(mount) || self.layers.is_below(mount) {
                    let covered = self.list_layers(rest, add)?;
                    match self.names.find(DRIVE, rest) {
                        Place::Folder(folder) => self.list_folder(&mut list, &folder, &covered),
                        _ => self.add_known(&mut list, known),
                    }
                } else {
                    match self.host.enumerate(mount, rest, add) {
                        Err(Error::NotFound | Error::PathNotFound) if known.is_some() => {}
                        other => other?,
                    }
                    self.add_known(&mut list, known);
                }
            }
            Place::Folder(folder) => {
                let path = folder.image.clone().unwrap_or_default();
                self.list_folder(&mut list, &folder, &self.list_layers(&path, |_, _| ())?);
            }
            Place::ImageFile(_) => return Err(Error::NotDirectory),
            Place::ImageMissing { folder } => return Err(missing(folder)),
            Place::Uncovered { first, below } => {
                self.refusals.not_visible(&first, below, Asked::Need);
                return Err(Error::NotVisible);
            }
        }
        self.listed(list)
    }

    /// The answer with a list.
    fn listed(&self, list: List) -> Result<(Vec<u8>, Option<OwnedFd>)> {
        if list.count >= MOST {
            return Err(Error::OutOfMemory);
        }
        let mut bytes = list.finish();
        if bytes.len() + ROOM <= MAX_FRAME {
            0u64.put(&mut bytes);
            return Ok((bytes, None));
        }
        let file = self.list_file(&bytes)?;
        let mut reply = Vec::new();
        0u32.put(&mut reply);
        (bytes.len() as u64).put(&mut reply);
        Ok((reply, Some(file)))
    }

    /// A file that holds a long list, open for reading alone; nobody else can open it.
    fn list_file(&self, bytes: &[u8]) -> Result<OwnedFd> {
        let mut file = std::fs::File::from(self.memory_file()?);
        file.write_all(bytes).map_err(|_| Error::NoSpace)?;
        let link = format!("/proc/self/fd/{}", file.as_raw_fd());
        open(link.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).map_err(host::error)
    }

    /// The folders that are known beforehand in a folder.
    fn add_known(&self, list: &mut List, known: Option<Known>) {
        let Some(known) = known else { return };
        for (name, mount, child) in self.names.children(known) {
            let info = match mount.map(|mount| self.host.root(mount)) {
                Some(Ok(info)) => info,
                _ => self.known_folder(Some(child)).0,
            };
            list.add(name, &info);
        }
    }

    fn list_folder(&self, list: &mut List, folder: &Folder, covered: &Covered<'_>) {
        let mut leading: Vec<&str> = Vec::new();
        if let Some(known) = folder.known {
            leading = self.names.children(known).map(|(name, ..)| name).collect();
        }
        if let (Some(path), Some(image)) = (&folder.image, self.names.image()) {
            let (files, folders) = image.list(path);
            for file in files.iter().filter(|file| covered.shows(file.shown)) {
                list.add(file.shown, &self.image_info(file));
            }
            let other = |name: &&String| !leading.iter().any(|other| fold::same(other, name)) && covered.shows(name);
            for name in folders.iter().filter(other) {
                let shown = format!("{}/{name}", folder.shown.trim_end_matches('/'));
                let below = Folder { shown, known: None, image: None };
                list.add(name, &self.folder_info(below.identity()));
            }
        }
        self.add_known(list, folder.known);
    }
}
