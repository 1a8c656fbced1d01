//! Listing a directory: NtQueryDirectoryFile.

use super::info::{Layout, allocated, attributes};
use super::link::{is_link, shown, tag_of};
use super::pattern;
use super::short::{resolve, short};
use super::{DiskFile, ahead, path};
use crate::call::Cx;
use crate::io::file::DirectoryQuery;
use crate::io::information::*;
use crate::io::irp::Io;
use crate::kernel::Kernel;
use crate::nls::fold::upcase;
use crate::status::*;
use crate::types::wide;
use shim_abi::calls::{StreamEnumerate, StreamQueryName};
use shim_abi::stream::{Info, Kind};
use shim_abi::wire::{Wire, encode, text};
use std::cmp::Ordering;
use zerocopy::IntoBytes;

/// Longest listing that is taken from the monitor, in bytes.
const MAX_LISTING: u64 = 1 << 30;

/// A scan of a directory. It may hold very many entries, so they stay as they came.
#[derive(Default)]
pub struct Scan {
    mask: Option<Vec<u16>>,
    /// The entries, as they are on the wire.
    raw: Vec<u8>,
    /// Where each begins, as they are told.
    order: Vec<u32>,
    position: usize,
    /// Whether nothing but names was asked for.
    only_names: bool,
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

/// Appends an entry up to its name; of one that nothing is known of no more than its name can be told.
fn layout(out: Vec<u8>, class: u32, name: &[u16], info: Option<&Info>, tag: u32, extended: u32) -> Vec<u8> {
    // NextEntryOffset is filled in later; FileIndex is 0 on NTFS.
    let start = Layout(out).u32(0).u32(0);
    let length = name.len() as u32 * 2;
    let Some(info) = info.filter(|_| class != FILE_NAMES_INFORMATION) else { return start.u32(length).0 };
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

/// The entries of a directory as they are on the wire, behind their count.
fn ask(k: &'static Kernel, uri: &str, only_names: bool) -> Nt<Vec<u8>> {
    let (listing, stream) = k.host.ask_stream(&StreamEnumerate { uri: uri.to_owned(), only_names })?;
    let Some(stream) = stream else {
        return Ok(if only_names { encode(&listing.names) } else { encode(&listing.entries) });
    };
    if listing.bytes > MAX_LISTING {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    let mut raw = vec![0; listing.bytes as usize];
    let mut filled = 0;
    while filled < raw.len() {
        match k.host.read_bytes(&stream, &mut raw[filled..], Some(filled as u64))? {
            0 => return Err(STATUS_UNEXPECTED_IO_ERROR),
            count => filled += count,
        }
    }
    Ok(raw)
}

/// Takes an entry off the front: its name, and what is known of it.
fn take<'a>(from: &mut &'a [u8], only_names: bool) -> Nt<(&'a str, Option<Info>)> {
    Ok((text(from)?, if only_names { None } else { Some(Info::take(from)?) }))
}

/// Calls with every entry of a directory, and what is known of it unless `only_names`.
///
/// # Errors
/// The monitor's.
pub fn list(k: &'static Kernel, uri: &str, only_names: bool, mut each: impl FnMut(&str, Option<Info>)) -> Nt<()> {
    let raw = ask(k, uri, only_names)?;
    let mut from = &raw[..];
    for _ in 0..u32::take(&mut from)? {
        let (name, info) = take(&mut from, only_names)?;
        each(name, info);
    }
    Ok(())
}

/// A name's units in upper case, which NTFS orders names by.
fn upper(name: &str) -> impl Iterator<Item = u16> {
    name.encode_utf16().map(upcase)
}

/// The first eight of them, which decide nearly always.
fn key(name: &str) -> u128 {
    let mut units = upper(name);
    (0..8).fold(0, |key, _| key << 16 | u128::from(units.next().unwrap_or(0)))
}

/// The order of names: the two that every directory has come first.
fn order(a: &str, b: &str) -> Ordering {
    let dots = |name| matches!(name, "." | "..");
    dots(b).cmp(&dots(a)).then_with(|| upper(a).cmp(upper(b))).then_with(|| a.encode_utf16().cmp(b.encode_utf16()))
}

impl Scan {
    /// Starts a scan.
    ///
    /// # Errors
    /// The monitor's.
    fn start(cx: &Cx<'_>, file: &DiskFile, mask: Option<Vec<u16>>, only_names: bool) -> Nt<Scan> {
        let uri = file.link.uri();
        let mut scan = Scan { only_names, ..Scan::default() };
        match &mask {
            // A link opened itself leads nowhere.
            _ if file.is_link() => {}
            Some(name) if !pattern::is_pattern(name) => scan.one(cx, &uri, name),
            _ => scan.all(cx, file, &uri, mask.as_deref())?,
        }
        Ok(Scan { mask, ..scan })
    }

    /// The same scan with what is known of the entries, behind the name that was told last.
    fn learn(self, cx: &Cx<'_>, file: &DiskFile) -> Nt<Scan> {
        let last = self.position.checked_sub(1).and_then(|last| self.order.get(last));
        let told = last.map(|at| self.entry(*at)).transpose()?.map(|(name, _)| name.to_owned());
        let scan = Scan::start(cx, file, self.mask, false)?;
        let is_told = |at: &u32| told.as_ref().is_some_and(|told| order(scan.name(*at), told).is_le());
        let position = scan.order.partition_point(is_told);
        Ok(Scan { position, ..scan })
    }

    /// The entry that begins at a place.
    fn entry(&self, at: u32) -> Nt<(&str, Option<Info>)> {
        let (name, info) = take(&mut self.raw.get(at as usize..).unwrap_or_default(), self.only_names)?;
        Ok((name, info.map(shown)))
    }

    fn name(&self, at: u32) -> &str {
        text(&mut self.raw.get(at as usize..).unwrap_or_default()).unwrap_or_default()
    }

    fn add(&mut self, name: &str, info: Info) {
        self.order.push(self.raw.len() as u32);
        name.to_owned().put(&mut self.raw);
        if !self.only_names {
            info.put(&mut self.raw);
        }
    }

    /// The entry of a plain name, without a listing of the others.
    fn one(&mut self, cx: &Cx<'_>, uri: &str, name: &[u16]) {
        let Ok(path) = path::below(uri, name) else { return };
        if path.directory || path::parent(&path.uri) != uri {
            return;
        }
        if let Ok(named) = cx.k.host.ask(&StreamQueryName { uri: resolve(cx, path).uri }) {
            self.add(path::last(&named.uri), named.info);
        }
    }

    fn all(&mut self, cx: &Cx<'_>, file: &DiskFile, uri: &str, mask: Option<&[u16]>) -> Nt<()> {
        let mask = mask.filter(|mask| *mask != [u16::from(b'*')]);
        // A name is found by its short one too.
        let either = |mask: &[u16], name: &[u16]| {
            pattern::matches(mask, name) || short(name).is_some_and(|short| pattern::matches(mask, &short))
        };
        let fits = |name: &str| mask.is_none_or(|mask| either(mask, &wide(name)));
        self.raw = ask(cx.k, uri, self.only_names)?;
        let mut from = &self.raw[..];
        let count = u32::take(&mut from)?;
        let mut sorted = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let at = (self.raw.len() - from.len()) as u32;
            let (name, info) = take(&mut from, self.only_names)?;
            if fits(name) {
                let plain = info.is_none_or(|info| info.kind == Kind::File && !is_link(&info));
                sorted.push((key(name), at, plain));
            }
        }
        let later = |a: u32, b: u32| order(self.name(a), self.name(b));
        sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| later(a.1, b.1)));
        let plain = || sorted.iter().filter(|(.., plain)| *plain);
        let files = plain().map(|(_, at, _)| self.name(*at).to_owned());
        let few = ahead::WORTH.contains(&plain().count());
        cx.k.io.disk.ahead.listed(uri, if few { files.collect() } else { Vec::new() });
        // A root has neither. What the parent is, is not asked for: nobody looks.
        if !path::is_root(uri) && fits(".") {
            self.add(".", file.opened.clone());
            self.add("..", file.opened.clone());
        }
        self.order.extend(sorted.iter().map(|(_, at, _)| *at));
        Ok(())
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
    let only_names = query.class == FILE_NAMES_INFORMATION;
    let mut scan = file.scan.lock();
    let first = scan.is_none();
    if query.restart || first {
        // A mask given anew counts for the new scan.
        let mask = query.mask.or_else(|| scan.take().and_then(|scan| scan.mask));
        *scan = Some(Scan::start(cx, file, mask, only_names)?);
    }
    if !only_names && let Some(brief) = scan.take_if(|scan| scan.only_names) {
        *scan = Some(brief.learn(cx, file)?);
    }
    let Some(scan) = scan.as_mut() else { return Err(STATUS_INTERNAL_ERROR) };
    if first && scan.order.is_empty() {
        return Err(STATUS_NO_SUCH_FILE);
    }
    let uri = file.link.uri();
    let (mut out, mut units) = (Vec::with_capacity(room.min(0x1_0000)), Vec::new());
    let mut previous: Option<usize> = None;
    let mut status = STATUS_SUCCESS;
    while let Some(at) = scan.order.get(scan.position) {
        let (name, info) = scan.entry(*at)?;
        units.clear();
        units.extend(name.encode_utf16());
        let name = &units[..];
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
        if let Some(info) = info.filter(|_| !only_names) {
            let below = || path::below(&uri, name).map_or(0, |path| tag_of(cx, &path.uri, &info));
            let tag = if is_link(&info) { below() } else { 0 };
            let extended = super::ea::packed(&cx.k.extended_attributes(&info.identity));
            out = layout(out, query.class, name, Some(&info), tag, extended);
            if tells_ids(query.class) {
                remember(cx, &uri, name, &info);
            }
        } else {
            out = layout(out, query.class, name, None, 0, 0);
        }
        out.extend_from_slice(name.as_bytes());
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
                assert_eq!(layout(Vec::new(), class, &[], Some(&info), 0, 0).len(), length, "class {class}");
            }
        }
    }
}
