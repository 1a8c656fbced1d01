//! Listing a directory: NtQueryDirectoryFile.

use super::info::{Layout, allocated, attributes};
use super::link::{is_link, shown, tag_of};
use super::pattern;
use super::short::{resolve, short};
use super::{DiskFile, path};
use crate::call::Cx;
use crate::io::file::DirectoryQuery;
use crate::io::information::*;
use crate::io::irp::Io;
use crate::nls::fold::fold;
use crate::status::*;
use crate::types::wide;
use shim_abi::calls::{StreamEnumerate, StreamQueryName};
use shim_abi::stream::{Entry, Info, Kind};
use shim_abi::wire::decode;

/// Longest listing that is taken from the monitor, in bytes.
const MAX_LISTING: u64 = 1 << 30;

/// A scan of a directory.
pub struct Scan {
    mask: Option<Vec<u16>>,
    /// With the tags of those that are links.
    entries: Vec<(Vec<u16>, Info, u32)>,
    position: usize,
}

/// Bytes in front of the name in an entry of the class (`ntifs.h`, 64-bit).
fn header(class: u32) -> Nt<usize> {
    Ok(match class {
        FILE_DIRECTORY_INFORMATION => 64,
        FILE_FULL_DIRECTORY_INFORMATION => 68,
        FILE_BOTH_DIRECTORY_INFORMATION => 94,
        FILE_NAMES_INFORMATION => 12,
        FILE_ID_BOTH_DIRECTORY_INFORMATION => 104,
        FILE_ID_FULL_DIRECTORY_INFORMATION => 80,
        FILE_ID_EXTD_DIRECTORY_INFORMATION => 88,
        FILE_ID_EXTD_BOTH_DIRECTORY_INFORMATION => 114,
        _ => return Err(STATUS_INVALID_INFO_CLASS),
    })
}

/// Length of an entry of the classes that list something else than files, which there is none of: object ids, quotas,
/// reparse points.
fn foreign(class: u32) -> Option<u64> {
    match class {
        29 => Some(72),
        32 => Some(56),
        33 => Some(16),
        _ => None,
    }
}

fn tells_ids(class: u32) -> bool {
    matches!(
        class,
        FILE_ID_BOTH_DIRECTORY_INFORMATION
            | FILE_ID_FULL_DIRECTORY_INFORMATION
            | FILE_ID_EXTD_DIRECTORY_INFORMATION
            | FILE_ID_EXTD_BOTH_DIRECTORY_INFORMATION
    )
}

/// Keeps an entry's name for opening by its id.
fn remember(cx: &Cx<'_>, folder: &str, name: &[u16], info: &Info) {
    if let Ok(path) = path::below(folder, name) {
        cx.k.io.disk.table.list(info.identity.number, path.uri);
    }
}

/// ShortNameLength and ShortName.
fn short_name(name: &[u16]) -> [u8; 26] {
    let mut field = [0; 26];
    let short = short(name).unwrap_or_default();
    field[0] = short.len() as u8 * 2;
    for (slot, unit) in field[2..].chunks_exact_mut(2).zip(&short) {
        slot.copy_from_slice(&unit.to_le_bytes());
    }
    field
}

/// Appends an entry up to its name.
fn layout(out: Vec<u8>, class: u32, name: &[u16], info: &Info, tag: u32, extended: u32) -> Vec<u8> {
    // NextEntryOffset is filled in later; FileIndex is 0 on NTFS.
    let start = Layout(out).u32(0).u32(0);
    let length = name.len() as u32 * 2;
    if class == FILE_NAMES_INFORMATION {
        return start.u32(length).0;
    }
    let number = info.identity.number;
    let common = start.times(info).u64(info.size).u64(allocated(info)).u32(attributes(info)).u32(length);
    // A link's tag stands where EaSize does, unless there is room for both.
    let either = if tag == 0 { extended } else { tag };
    match class {
        FILE_FULL_DIRECTORY_INFORMATION => common.u32(either),
        FILE_BOTH_DIRECTORY_INFORMATION => common.u32(either).bytes(&short_name(name)),
        FILE_ID_BOTH_DIRECTORY_INFORMATION => common.u32(either).bytes(&short_name(name)).bytes(&[0; 2]).u64(number),
        FILE_ID_FULL_DIRECTORY_INFORMATION => common.u32(either).u32(0).u64(number),
        FILE_ID_EXTD_DIRECTORY_INFORMATION => common.u32(extended).u32(tag).u64(number).u64(0),
        FILE_ID_EXTD_BOTH_DIRECTORY_INFORMATION => {
            common.u32(extended).u32(tag).u64(number).u64(0).bytes(&short_name(name))
        }
        _ => common,
    }
    .0
}

/// Every entry of a directory.
///
/// # Errors
/// The monitor's.
pub fn list(cx: &Cx<'_>, uri: &str) -> Nt<Vec<Entry>> {
    let (listing, stream) = cx.k.host.ask_stream(&StreamEnumerate { uri: uri.to_owned() })?;
    let Some(stream) = stream else { return Ok(listing.entries) };
    if listing.bytes > MAX_LISTING {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    let mut raw = vec![0; listing.bytes as usize];
    let mut filled = 0;
    while filled < raw.len() {
        match cx.k.host.read_bytes(&stream, &mut raw[filled..], Some(filled as u64))? {
            0 => return Err(STATUS_UNEXPECTED_IO_ERROR),
            count => filled += count,
        }
    }
    Ok(decode(&raw)?)
}

impl Scan {
    /// Starts a scan.
    ///
    /// # Errors
    /// The monitor's.
    fn start(cx: &Cx<'_>, file: &DiskFile, mask: Option<Vec<u16>>) -> Nt<Scan> {
        let uri = file.link.uri();
        let entries = match &mask {
            // A link opened itself leads nowhere.
            _ if file.is_link() => Vec::new(),
            Some(name) if !pattern::is_pattern(name) => Scan::one(cx, &uri, name)?,
            _ => Scan::all(cx, file, &uri, mask.as_deref())?,
        };
        Ok(Scan { mask, entries, position: 0 })
    }

    /// The entry of a plain name, without a listing of the others.
    fn one(cx: &Cx<'_>, uri: &str, name: &[u16]) -> Nt<Vec<(Vec<u16>, Info, u32)>> {
        let Ok(path) = path::below(uri, name) else { return Ok(Vec::new()) };
        if path.directory || path::parent(&path.uri) != uri {
            return Ok(Vec::new());
        }
        match cx.k.host.ask(&StreamQueryName { uri: resolve(cx, path).uri }) {
            Ok(named) => {
                let info = shown(named.info);
                let tag = tag_of(cx, &named.uri, &info);
                Ok(vec![(wide(path::last(&named.uri)), info, tag)])
            }
            Err(_) => Ok(Vec::new()),
        }
    }

    fn all(cx: &Cx<'_>, file: &DiskFile, uri: &str, mask: Option<&[u16]>) -> Nt<Vec<(Vec<u16>, Info, u32)>> {
        let mask = mask.filter(|mask| *mask != [u16::from(b'*')]);
        // A name is found by its short one too.
        let either = |mask: &[u16], name: &[u16]| {
            pattern::matches(mask, name) || short(name).is_some_and(|short| pattern::matches(mask, &short))
        };
        let fits = |name: &[u16]| mask.is_none_or(|mask| either(mask, name));
        let mut entries: Vec<(Vec<u16>, Vec<u16>, Entry)> = Vec::new();
        for entry in list(cx, uri)? {
            let name = wide(&entry.name);
            if fits(&name) {
                entries.push((fold(&name), name, entry));
            }
        }
        // NTFS keeps names in the order of their upper case.
        entries.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        let mut all = Vec::with_capacity(entries.len() + 2);
        // A root has neither. What the parent is, is not asked for: nobody looks.
        if !path::is_root(uri) && fits(&wide(".")) {
            all.push((wide("."), file.opened.clone(), 0));
            all.push((wide(".."), file.opened.clone(), 0));
        }
        let mut files = Vec::with_capacity(entries.len());
        for (_, name, entry) in entries {
            let info = shown(entry.info);
            let tag = match is_link(&info) {
                true => path::below(uri, &name).map_or(0, |path| tag_of(cx, &path.uri, &info)),
                false => 0,
            };
            if info.kind == Kind::File && tag == 0 {
                files.push(entry.name);
            }
            all.push((name, info, tag));
        }
        cx.k.io.disk.ahead.listed(uri, files);
        Ok(all)
    }
}

/// Answers NtQueryDirectoryFile.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_NO_SUCH_FILE`, `STATUS_NO_MORE_FILES`,
/// `STATUS_INVALID_PARAMETER` for a file, `STATUS_ACCESS_VIOLATION`, the monitor's.
pub fn query(cx: &Cx<'_>, file: &DiskFile, query: DirectoryQuery) -> Nt<Io> {
    if let Some(length) = foreign(query.class) {
        return Err(if query.buffer.length == length {
            STATUS_INVALID_INFO_CLASS
        } else {
            STATUS_INFO_LENGTH_MISMATCH
        });
    }
    let header = header(query.class)?;
    let room = query.buffer.length as usize;
    if room < (header + 2).next_multiple_of(8) {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    if !file.is_directory() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let mut scan = file.scan.lock();
    let first = scan.is_none();
    if query.restart || first {
        // A mask given anew counts for the new scan.
        let mask = query.mask.or_else(|| scan.take().and_then(|scan| scan.mask));
        *scan = Some(Scan::start(cx, file, mask)?);
    }
    let Some(scan) = scan.as_mut() else { return Err(STATUS_INTERNAL_ERROR) };
    if first && scan.entries.is_empty() {
        return Err(STATUS_NO_SUCH_FILE);
    }
    let uri = file.link.uri();
    let mut out: Vec<u8> = Vec::new();
    let mut previous: Option<usize> = None;
    let mut status = STATUS_SUCCESS;
    while let Some((name, info, tag)) = scan.entries.get(scan.position) {
        let start = out.len().next_multiple_of(8);
        let left = room.saturating_sub(start);
        let bytes = name.len() * 2;
        if previous.is_some() && header + bytes > left {
            break;
        }
        if let Some(previous) = previous {
            let distance = ((start - previous) as u32).to_le_bytes();
            out[previous..previous + 4].copy_from_slice(&distance);
        }
        out.resize(start, 0);
        let extended = super::ea::packed(&cx.k.extended_attributes(&info.identity));
        out = layout(out, query.class, name, info, *tag, extended);
        if tells_ids(query.class) {
            remember(cx, &uri, name, info);
        }
        name.iter().for_each(|unit| out.extend_from_slice(&unit.to_le_bytes()));
        scan.position += 1;
        previous = Some(start);
        if out.len() > room {
            // The first entry comes even if its name must be cut.
            out.truncate(room);
            status = STATUS_BUFFER_OVERFLOW;
            break;
        }
        if query.single {
            break;
        }
    }
    if previous.is_none() {
        return Err(STATUS_NO_MORE_FILES);
    }
    cx.k.write_user(query.buffer.address, &out)?;
    Ok(Io::Done(status, out.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shim_abi::stream::{Identity, Kind};

    #[test]
    fn headers_have_their_length() {
        let info = Info {
            kind: Kind::File,
            attributes: 0,
            size: 1,
            allocated: 4096,
            links: 1,
            identity: Identity { volume: 1, number: 2 },
            created: 0,
            accessed: 0,
            written: 0,
            changed: 0,
            writable: true,
        };
        for class in 0..100 {
            if let Ok(length) = header(class) {
                assert_eq!(layout(Vec::new(), class, &[], &info, 0, 0).len(), length, "class {class}");
            }
        }
    }
}
