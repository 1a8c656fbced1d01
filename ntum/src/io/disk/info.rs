//! What is known of files and volumes, in the layouts of NtQueryInformationFile (`ntifs.h`, 64-bit).

use super::link::{shown, tag_of};
use super::path::{self, DiskPath, nt_name};
use super::{DiskFile, ea};
use crate::call::Cx;
use crate::io::information::*;
use crate::status::*;
use crate::types::{nt_time, wide};
use shim_abi::calls::{StreamQueryName, VolumeQuery};
use shim_abi::stream::{Info, Kind, attributes as bits};
use std::sync::atomic::Ordering;

/// FILE_ATTRIBUTE_DIRECTORY.
pub const FILE_ATTRIBUTE_DIRECTORY: u32 = 0x10;
/// FILE_ATTRIBUTE_NORMAL: no other.
pub const FILE_ATTRIBUTE_NORMAL: u32 = 0x80;

/// Bytes of an allocation unit.
pub const CLUSTER: u64 = 4096;

/// FILE_ATTRIBUTE_* of what the monitor tells.
pub fn attributes(info: &Info) -> u32 {
    let stored = info.attributes & (bits::STORED | bits::LINK);
    match info.kind {
        Kind::Directory => stored | FILE_ATTRIBUTE_DIRECTORY,
        _ if stored == 0 => FILE_ATTRIBUTE_NORMAL,
        _ => stored,
    }
}

/// Appends numbers to an answer.
pub struct Layout(pub Vec<u8>);

impl Default for Layout {
    fn default() -> Self {
        // Most answers are no longer.
        Layout(Vec::with_capacity(64))
    }
}

impl Layout {
    /// 32 bits.
    pub fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// 64 bits.
    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Bytes.
    pub fn bytes(mut self, value: &[u8]) -> Self {
        self.0.extend_from_slice(value);
        self
    }

    /// UTF-16 units.
    pub fn units(mut self, value: &[u16]) -> Self {
        value.iter().for_each(|unit| self.0.extend_from_slice(&unit.to_le_bytes()));
        self
    }

    /// Made, last read, last written, changed.
    pub fn times(self, info: &Info) -> Self {
        let times = [info.created, info.accessed, info.written, info.changed];
        times.into_iter().fold(self, |layout, time| layout.u64(nt_time(time) as u64))
    }
}

/// FILE_BASIC_INFORMATION.
fn basic(info: &Info) -> Vec<u8> {
    Layout::default().times(info).u32(attributes(info)).u32(0).0
}

/// FILE_NETWORK_OPEN_INFORMATION.
fn network_open(info: &Info) -> Vec<u8> {
    Layout::default().times(info).u64(allocated(info)).u64(info.size).u32(attributes(info)).u32(0).0
}

/// Bytes that the file takes, in whole units.
pub fn allocated(info: &Info) -> u64 {
    match info.kind {
        Kind::Directory => 0,
        _ => info.allocated.max(info.size).checked_next_multiple_of(CLUSTER).unwrap_or(info.size),
    }
}

/// FILE_NETWORK_OPEN_INFORMATION of a name that is not opened: one call of the monitor.
///
/// # Errors
/// The monitor's; `STATUS_DELETE_PENDING`.
pub fn of_name(cx: &Cx<'_>, path: DiskPath) -> Nt<Vec<u8>> {
    let path = super::short::resolve(cx, path);
    let named = cx.k.host.ask(&StreamQueryName { uri: path.uri.clone() });
    let mut named = named.map_err(|error| super::open::refused(cx, &path.uri, error, false))?;
    named.info = shown(named.info);
    if path.directory && named.info.kind != Kind::Directory {
        return Err(STATUS_OBJECT_NAME_INVALID);
    }
    if cx.k.io.disk.table.get(&named.info.identity).is_some_and(|fcb| fcb.delete_pending()) {
        return Err(STATUS_DELETE_PENDING);
    }
    Ok(network_open(&named.info))
}

impl DiskFile {
    /// What is known of it now: sizes and times from the host, attributes as they were set.
    ///
    /// # Errors
    /// The host's.
    pub fn now(&self, cx: &Cx<'_>) -> Nt<Info> {
        let mut info = self.opened.clone();
        match &self.stream {
            Some(stream) => {
                let now = cx.k.host.query(stream)?;
                info.size = now.size;
                info.allocated = now.allocated;
                info.links = now.links;
                (info.accessed, info.written) = self.shown_times(now.accessed, now.written);
                info.changed = now.changed;
            }
            None => {
                let named = cx.k.host.ask(&StreamQueryName { uri: self.link.uri() });
                if let Ok(named) = named
                    && named.info.identity == self.fcb.identity_now()
                {
                    return Ok(shown(named.info));
                }
            }
        }
        let state = self.fcb.state.lock();
        info.attributes = state.attributes;
        info.created = state.created;
        Ok(shown(info))
    }

    /// The number that names it on its volume.
    pub fn index(&self) -> u64 {
        self.fcb.identity.number
    }
}

/// FILE_STANDARD_INFORMATION.
fn standard(file: &DiskFile, info: &Info) -> Vec<u8> {
    let pending = file.is_delete_pending();
    let links = if info.kind == Kind::Directory { 1 } else { info.links };
    let deleted = file.link.delete_pending.load(Ordering::Relaxed);
    let links = if deleted { links.saturating_sub(1) } else { links };
    Layout::default()
        .u64(allocated(info))
        .u64(info.size)
        .u32(links)
        .bytes(&[u8::from(pending), u8::from(info.kind == Kind::Directory), 0, 0])
        .0
}

/// FILE_ALL_INFORMATION; what the I/O manager knows stays zero.
fn all(file: &DiskFile, info: &Info, extended: u32) -> Vec<u8> {
    let name = name_information(&nt_name(&file.link.uri()));
    Layout(basic(info)).bytes(&standard(file, info)).u64(file.index()).u32(extended).bytes(&[0; 20]).bytes(&name).0
}

/// A 128-bit file id.
fn long_id(number: u64) -> [u8; 16] {
    u128::from(number).to_le_bytes()
}

/// FILE_STREAM_INFORMATION: the file's own bytes, which a directory has not, then the streams beside them.
fn streams(cx: &Cx<'_>, uri: &str) -> Nt<Vec<u8>> {
    let uri = path::stream(uri).map_or(uri, |(file, _)| file);
    let info = shown(cx.k.host.ask(&StreamQueryName { uri: uri.to_owned() })?.info);
    let mut all = Vec::new();
    if info.kind == Kind::File {
        all.push(("::$DATA".to_owned(), info));
    }
    let own = all.len();
    let _ = super::directory::list(cx.k, &format!("{uri}:"), false, |name, info| {
        all.extend(info.map(|info| (format!(":{name}:$DATA"), info)));
    });
    all[own..].sort_by(|one, other| one.0.cmp(&other.0));
    let (mut out, mut last) = (Vec::new(), 0);
    for (index, (name, info)) in all.iter().enumerate() {
        let at = out.len().next_multiple_of(8);
        if let Some(next) = out.get_mut(last..last + 4).filter(|_| index != 0) {
            next.copy_from_slice(&((at - last) as u32).to_le_bytes());
        }
        out.resize(at, 0);
        let name = wide(name);
        let entry =
            Layout::default().u32(0).u32(name.len() as u32 * 2).u64(info.size).u64(allocated(info)).units(&name);
        out.extend(entry.0);
        last = at;
    }
    Ok(out)
}

/// FILE_STAT_INFORMATION.
fn stat(file: &DiskFile, info: &Info, tag: u32) -> Vec<u8> {
    Layout::default()
        .u64(file.index())
        .times(info)
        .u64(allocated(info))
        .u64(info.size)
        .u32(attributes(info))
        .u32(tag)
        .u32(info.links)
        .u32(0x1f_01ff)
        .0
}

/// What is known of an open file.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_OBJECT_NAME_NOT_FOUND` for the short name of a root, the host's.
pub fn query(cx: &Cx<'_>, file: &DiskFile, class: u32) -> Nt<Vec<u8>> {
    let info = || file.now(cx);
    let extended = || ea::packed(&cx.k.extended_attributes(&file.fcb.identity));
    Ok(match class {
        FILE_BASIC_INFORMATION => basic(&info()?),
        FILE_STANDARD_INFORMATION => standard(file, &info()?),
        FILE_END_OF_FILE_INFORMATION => info()?.size.to_le_bytes().to_vec(),
        FILE_INTERNAL_INFORMATION => file.index().to_le_bytes().to_vec(),
        FILE_EA_INFORMATION => extended().to_le_bytes().to_vec(),
        FILE_NAME_INFORMATION | FILE_NORMALIZED_NAME_INFORMATION => name_information(&nt_name(&file.link.uri())),
        FILE_ALL_INFORMATION => all(file, &info()?, extended()),
        FILE_ALTERNATE_NAME_INFORMATION => {
            let uri = file.link.uri();
            let name = wide(path::last(path::stream(&uri).map_or(&uri, |(file, _)| file)));
            if name.is_empty() {
                return Err(STATUS_OBJECT_NAME_NOT_FOUND);
            }
            name_information(&super::short::short(&name).unwrap_or(name))
        }
        FILE_STREAM_INFORMATION => streams(cx, &file.link.uri())?,
        FILE_COMPRESSION_INFORMATION => Layout::default().u64(info()?.size).u64(0).0,
        FILE_NETWORK_OPEN_INFORMATION => network_open(&info()?),
        FILE_ATTRIBUTE_TAG_INFORMATION => {
            let info = info()?;
            Layout::default().u32(attributes(&info)).u32(tag_of(cx, &file.link.uri(), &info)).0
        }
        FILE_STANDARD_LINK_INFORMATION => {
            let info = info()?;
            let directory = u8::from(info.kind == Kind::Directory);
            let pending = u8::from(file.is_delete_pending());
            Layout::default().u32(info.links).u32(info.links).bytes(&[pending, directory, 0, 0]).0
        }
        FILE_HARD_LINK_INFORMATION => super::names::links(cx, file, info()?.links)?,
        FILE_ID_INFORMATION => Layout::default().u64(file.fcb.identity.volume).bytes(&long_id(file.index())).0,
        FILE_STAT_INFORMATION => {
            let info = info()?;
            stat(file, &info, tag_of(cx, &file.link.uri(), &info))
        }
        FILE_CASE_SENSITIVE_INFORMATION => vec![0; 4],
        _ => return Err(STATUS_INVALID_INFO_CLASS),
    })
}

/// FILE_FS_ATTRIBUTE_INFORMATION flags: case sensitive search, case preserved, Unicode, sparse files, hard links, POSIX
/// deletion and renaming, open by id, reparse points, named streams, object ids.
const FILE_SYSTEM_ATTRIBUTES: u32 =
    0x1 | 0x2 | 0x4 | 0x40 | 0x4_0000 | 0x40_0000 | 0x400 | 0x100_0000 | 0x80 | 0x1_0000;
/// FILE_READ_ONLY_VOLUME.
const FILE_READ_ONLY_VOLUME: u32 = 0x8_0000;

/// What is known of the volume that a name lies on.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, the monitor's.
pub fn query_volume(cx: &Cx<'_>, uri: &str, device: u32, class: u32) -> Nt<Vec<u8>> {
    let volume = || cx.k.host.ask(&VolumeQuery { uri: uri.to_owned() });
    let (sectors, sector) = ((CLUSTER / super::transfer::SECTOR) as u32, super::transfer::SECTOR as u32);
    Ok(match class {
        FILE_FS_VOLUME_INFORMATION => {
            // The volume was made when its root was. No label; objects are supported.
            let serial = volume()?.serial;
            let root = uri.get(..8).unwrap_or(uri).to_owned();
            let made = cx.k.host.ask(&StreamQueryName { uri: root }).map_or(0, |root| nt_time(root.info.created));
            Layout::default().u64(made as u64).u32((serial ^ (serial >> 32)) as u32).u32(0).bytes(&[1, 0]).0
        }
        FILE_FS_SIZE_INFORMATION => {
            let volume = volume()?;
            Layout::default().u64(volume.total / CLUSTER).u64(volume.free / CLUSTER).u32(sectors).u32(sector).0
        }
        FILE_FS_DEVICE_INFORMATION => {
            /// FILE_DEVICE_IS_MOUNTED.
            const MOUNTED: u32 = 0x20;
            Layout::default().u32(device).u32(MOUNTED).0
        }
        FILE_FS_ATTRIBUTE_INFORMATION => {
            let name: Vec<u16> = "NTFS".encode_utf16().collect();
            let readonly = if volume()?.writable { 0 } else { FILE_READ_ONLY_VOLUME };
            Layout::default().u32(FILE_SYSTEM_ATTRIBUTES | readonly).u32(255).u32(name.len() as u32 * 2).units(&name).0
        }
        FILE_FS_FULL_SIZE_INFORMATION => {
            let volume = volume()?;
            let (total, free) = (volume.total / CLUSTER, volume.free / CLUSTER);
            Layout::default().u64(total).u64(free).u64(free).u32(sectors).u32(sector).0
        }
        FILE_FS_SECTOR_SIZE_INFORMATION => {
            // Logical, physical for atomicity, physical for speed, effective for atomicity; aligned, no seek penalty; aligned at 0.
            let physical = CLUSTER as u32;
            Layout::default().u32(sector).u32(physical).u32(physical).u32(physical).u32(0x7).u32(0).u32(0).0
        }
        _ => return Err(STATUS_INVALID_INFO_CLASS),
    })
}
