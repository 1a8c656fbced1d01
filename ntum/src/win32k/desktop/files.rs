//! Files that go between clipboards: a program's CF_HDROP names files of the sandbox, which its desktop's client reads part by part; what the client has is
//! written into a new folder of the user's temporary ones before the program that pastes hears where it lies.

use crate::host::Stream;
use crate::io::condrv::codepage;
use crate::io::disk::{directory, path};
use crate::kernel::Kernel;
use crate::types::{nt_time, unix_time, wide};
use shim_abi::calls::{StreamOpen, StreamQueryName, StreamSetAttributes};
use shim_abi::display::{CLIP_PART, FileRange};
use shim_abi::error::Error;
use shim_abi::stream::{Disposition, Expect, Info, Kind, access, attributes as bits};

/// Files and folders that go over at a time, bytes of what comes in, and folders within each other.
const MOST_FILES: usize = 4096;
const MOST_BYTES: u64 = 4 << 30;
const DEEPEST: usize = 32;
/// Names of folders that are tried for what comes in.
const MOST_FOLDERS: u32 = 10_000;

/// Bytes of FILEDESCRIPTORW, and of DROPFILES.
const DESCRIPTOR: usize = 592;
const DROP: usize = 20;
/// Where FILEDESCRIPTORW has dwFileAttributes, ftLastWriteTime, nFileSizeHigh, cFileName.
const ATTRIBUTES: usize = 36;
const WRITTEN: usize = 56;
const SIZE: usize = 64;
const NAME: usize = 72;
/// UTF-16 units of a name, without its zero.
const MOST_NAME: usize = 259;
/// FD_ATTRIBUTES, FD_WRITESTIME, FD_FILESIZE, FD_PROGRESSUI.
const HAS_ATTRIBUTES: u32 = 4;
const HAS_WRITTEN: u32 = 0x20;
const HAS_SIZE: u32 = 0x40;
const SHOW_PROGRESS: u32 = 0x4000;
/// FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_ARCHIVE.
const FOLDER: u32 = 0x10;
const ARCHIVE: u32 = 0x20;

const BACKSLASH: u16 = b'\\' as u16;

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|four| u32::from_le_bytes(*four))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk::<8>().map(|eight| u64::from_le_bytes(*eight))
}

/// UTF-16 up to its zero.
fn text(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).take_while(|unit| *unit != 0).collect()
}

/// A file or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Descriptor {
    /// Its name below what was copied, with backslashes.
    name: Vec<u16>,
    folder: bool,
    /// Bytes, if that is known.
    size: Option<u64>,
    /// Last written, in nanoseconds since 1970, if that is known.
    written: Option<i64>,
}

impl Descriptor {
    fn put(&self, out: &mut Vec<u8>) {
        let mut record = [0u8; DESCRIPTOR];
        let mut set = |at: usize, bytes: &[u8]| {
            if let Some(place) = record.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        };
        let has = |is: bool, flag: u32| if is { flag } else { 0 };
        let flags = HAS_ATTRIBUTES
            | SHOW_PROGRESS
            | has(self.size.is_some(), HAS_SIZE)
            | has(self.written.is_some(), HAS_WRITTEN);
        set(0, &flags.to_le_bytes());
        set(ATTRIBUTES, &if self.folder { FOLDER } else { ARCHIVE }.to_le_bytes());
        set(WRITTEN, &self.written.map_or(0, nt_time).to_le_bytes());
        let size = self.size.unwrap_or(0);
        set(SIZE, &((size >> 32) as u32).to_le_bytes());
        set(SIZE + 4, &(size as u32).to_le_bytes());
        self.name
            .iter()
            .take(MOST_NAME)
            .enumerate()
            .for_each(|(index, unit)| set(NAME + index * 2, &unit.to_le_bytes()));
        out.extend_from_slice(&record);
    }

    fn take(record: &[u8]) -> Option<Descriptor> {
        let flags = word(record, 0)?;
        let size = u64::from(word(record, SIZE)?) << 32 | u64::from(word(record, SIZE + 4)?);
        let written = unix_time(i64::try_from(long(record, WRITTEN)?).ok()?);
        let name = text(record.get(NAME..DESCRIPTOR)?);
        let folder = flags & HAS_ATTRIBUTES != 0 && word(record, ATTRIBUTES)? & FOLDER != 0;
        Some(Descriptor {
            name: Some(name).filter(|name| is_name(name))?,
            folder,
            size: (flags & HAS_SIZE != 0).then_some(size),
            written: (flags & HAS_WRITTEN != 0).then_some(written),
        })
    }
}

/// Whether a name leads to nothing but a file below the folder that it is resolved in, by which Win32 calls find it too.
fn is_name(name: &[u16]) -> bool {
    const DEVICES: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];
    let is_part = |part: &[u16]| {
        let Ok(part) = String::from_utf16(part) else { return false };
        let stem = part.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
        let is_port = |kind: &str| stem.strip_prefix(kind).is_some_and(|rest| rest.chars().count() == 1);
        let is_device = DEVICES.contains(&stem.as_str()) || is_port("COM") || is_port("LPT");
        // Of a stream's name no file is made.
        !(part.is_empty() || part.ends_with(['.', ' ']) || part.contains(':') || is_device)
    };
    name.len() <= MOST_NAME
        && name.split(|unit| *unit == BACKSLASH).all(is_part)
        && path::below("file:C:/", name).is_ok()
}

/// Descriptors behind their number; `None` if they are none, or too many.
fn decode(bytes: &[u8]) -> Option<Vec<Descriptor>> {
    let count = word(bytes, 0)? as usize;
    let records = bytes.get(4..)?.chunks_exact(DESCRIPTOR);
    if count > MOST_FILES || count > records.len() {
        return None;
    }
    records.take(count).map(Descriptor::take).collect()
}

/// CF_HDROP of these paths.
fn drop_of(paths: &[Vec<u16>]) -> Vec<u8> {
    // Where the names are; a point and whether it lies outside; whether the names are UTF-16.
    let mut bytes: Vec<u8> = [DROP as u32, 0, 0, 0, 1].into_iter().flat_map(u32::to_le_bytes).collect();
    let units = paths.iter().flat_map(|path| path.iter().copied().chain([0])).chain([0]);
    bytes.extend(units.flat_map(u16::to_le_bytes));
    bytes
}

/// The paths of a CF_HDROP.
fn paths_of(k: &'static Kernel, drop: &[u8]) -> Option<Vec<Vec<u16>>> {
    let names = drop.get(word(drop, 0)? as usize..)?;
    let units = if word(drop, 16)? != 0 {
        names.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
    } else {
        k.io.console.pages.decode(k, codepage::ansi(k), &mut names.to_vec())
    };
    Some(units.split(|unit| *unit == 0).take_while(|path| !path.is_empty()).map(<[u16]>::to_vec).collect())
}

/// Files that the client may read: those that a program copied last.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    uris: Vec<String>,
    /// The one that was read last.
    open: Option<(u32, Stream)>,
}

impl Outgoing {
    /// Takes a CF_HDROP; the descriptors of what it names, and of what is in its folders. `None`: one is not there, or they are too many.
    pub(super) fn take(&mut self, k: &'static Kernel, drop: &[u8]) -> Option<Vec<u8>> {
        *self = Outgoing::default();
        let mut found = Vec::new();
        for path in paths_of(k, drop)? {
            let (drive, rest) = path.split_first()?;
            let rest = rest.strip_prefix(&[u16::from(b':')])?;
            let drive = u8::try_from(*drive).ok().filter(u8::is_ascii_alphabetic)?;
            let uri = path::on_drive(drive.to_ascii_uppercase(), rest).ok()?.uri;
            let named = k.host.ask(&StreamQueryName { uri }).ok()?;
            let name = wide(path::last(&named.uri));
            add(k, &mut found, named.uri, name, &named.info, 0)?;
        }
        let mut bytes = (found.len() as u32).to_le_bytes().to_vec();
        for (uri, descriptor) in found {
            descriptor.put(&mut bytes);
            self.uris.push(uri);
        }
        Some(bytes)
    }

    /// A part of one of them.
    pub(super) fn read(&mut self, k: &'static Kernel, range: &FileRange) -> Option<Vec<u8>> {
        if self.open.as_ref().is_none_or(|(index, _)| *index != range.index) {
            let uri = self.uris.get(range.index as usize)?.clone();
            self.open = Some((range.index, opened(k, uri, access::READ, Disposition::Open, Expect::File).ok()??));
        }
        let (_, stream) = self.open.as_ref()?;
        let mut bytes = vec![0; (range.length as usize).min(CLIP_PART)];
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match k.host.read_bytes(stream, rest, Some(range.offset.checked_add(done as u64)?)).ok()? {
                0 => break,
                count => done += count,
            }
        }
        bytes.truncate(done);
        Some(bytes)
    }
}

/// Adds what a URI names, and what is in it. Links are passed over: what they lead to need not lie in what was copied.
fn add(
    k: &'static Kernel,
    all: &mut Vec<(String, Descriptor)>,
    uri: String,
    name: Vec<u16>,
    info: &Info,
    depth: usize,
) -> Option<()> {
    if info.attributes & bits::LINK != 0 {
        return Some(());
    }
    if all.len() >= MOST_FILES || depth > DEEPEST || name.is_empty() || name.len() > MOST_NAME {
        return None;
    }
    let folder = info.kind == Kind::Directory;
    let size = (!folder).then_some(info.size);
    all.push((uri.clone(), Descriptor { name: name.clone(), folder, size, written: Some(info.written) }));
    if !folder {
        return Some(());
    }
    let mut inner = Vec::new();
    let listed = directory::list(k, &uri, false, |name, info| {
        if let Some(info) = info.filter(|_| !matches!(name, "." | "..") && inner.len() <= MOST_FILES) {
            inner.push((name.to_owned(), info));
        }
    });
    listed.ok()?;
    // The same each time, so that a client that asks twice hears of the same.
    inner.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    for (own, info) in inner {
        let below = [name.as_slice(), &[BACKSLASH], &wide(&own)].concat();
        add(k, all, format!("{uri}/{own}"), below, &info, depth + 1)?;
    }
    Some(())
}

fn opened(
    k: &'static Kernel,
    uri: String,
    access: u32,
    disposition: Disposition,
    expect: Expect,
) -> shim_abi::error::Result<Option<Stream>> {
    k.host.ask_stream(&StreamOpen { uri, access, disposition, expect, attributes: 0 }).map(|(_, stream)| stream)
}

/// What is to be done next about files that come in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The client is to be asked for that.
    Want(FileRange),
    /// All is there: CF_HDROP of it.
    Done(Vec<u8>),
    /// Something went wrong: nothing is pasted.
    Failed,
}

/// Files that come in.
#[derive(Debug)]
pub(super) struct Incoming {
    folder: String,
    files: Vec<Descriptor>,
    at: usize,
    /// The one that is being written, and how much of it is there; whether it has no more.
    stream: Option<Stream>,
    offset: u64,
    ended: bool,
    total: u64,
}

impl Incoming {
    /// Takes descriptors and makes a folder, whose name begins like that, for what they describe. `None`: they describe nothing that could be made.
    pub(super) fn begin(k: &'static Kernel, prefix: &str, descriptors: &[u8]) -> Option<Incoming> {
        let files = decode(descriptors).filter(|files| !files.is_empty())?;
        let temporary = format!("file:C:/users/{}/AppData/Local/Temp", k.boot.user);
        let made = |number: u32| {
            let folder = format!("{temporary}/{prefix}-{number}");
            match opened(k, folder.clone(), 0, Disposition::Create, Expect::Directory) {
                Ok(_) => Some(Some(folder)),
                Err(Error::Exists) => None,
                Err(_) => Some(None),
            }
        };
        let folder = (1..MOST_FOLDERS).find_map(made)??;
        Some(Incoming { folder, files, at: 0, stream: None, offset: 0, ended: false, total: 0 })
    }

    /// Goes on as far as can be without the client.
    pub(super) fn next(&mut self, k: &'static Kernel) -> Next {
        self.go_on(k).unwrap_or(Next::Failed)
    }

    fn go_on(&mut self, k: &'static Kernel) -> Option<Next> {
        while let Some(file) = self.files.get(self.at) {
            let uri = path::below(&self.folder, &file.name).ok()?.uri;
            if file.folder {
                opened(k, uri, 0, Disposition::Create, Expect::Directory).ok()?;
                self.at += 1;
                continue;
            }
            if self.stream.is_none() {
                self.stream = Some(opened(k, uri.clone(), access::WRITE, Disposition::Create, Expect::File).ok()??);
                (self.offset, self.ended) = (0, false);
            }
            let left = file.size.map_or(CLIP_PART as u64, |size| size.saturating_sub(self.offset));
            if left != 0 && !self.ended {
                let length = left.min(CLIP_PART as u64) as u32;
                return Some(Next::Want(FileRange { index: self.at as u32, offset: self.offset, length }));
            }
            self.stream = None;
            if let Some(written) = file.written {
                date(k, uri, written);
            }
            self.at += 1;
        }
        let top = |file: &&Descriptor| !file.name.contains(&BACKSLASH);
        let folder = path::dos_path(&self.folder);
        let below = |file: &Descriptor| [folder.get(4..).unwrap_or_default(), &[BACKSLASH], &file.name].concat();
        Some(Next::Done(drop_of(&self.files.iter().filter(top).map(below).collect::<Vec<_>>())))
    }

    /// Takes what the client has of what it was asked for; answers whether it goes on.
    pub(super) fn took(&mut self, k: &'static Kernel, data: Option<&[u8]>) -> bool {
        let (Some(mut rest), Some(stream), Some(file)) = (data, &self.stream, self.files.get(self.at)) else {
            return false;
        };
        self.ended = rest.is_empty();
        if self.ended && file.size.is_some() {
            // It is not as long as it was said to be.
            return false;
        }
        self.total = self.total.saturating_add(rest.len() as u64);
        if self.total > MOST_BYTES {
            return false;
        }
        while !rest.is_empty() {
            match k.host.write_bytes(stream, rest, Some(self.offset)) {
                Ok(0) | Err(_) => return false,
                Ok(count) => {
                    self.offset = self.offset.saturating_add(count as u64);
                    rest = rest.get(count..).unwrap_or_default();
                }
            }
        }
        true
    }
}

/// Says when a file was last written.
fn date(k: &'static Kernel, uri: String, written: i64) {
    let Ok(named) = k.host.ask(&StreamQueryName { uri }) else { return };
    let (uri, identity) = (named.uri, named.info.identity);
    let call =
        StreamSetAttributes { uri, identity, attributes: None, created: None, accessed: None, written: Some(written) };
    // A time is no reason to have nothing.
    let _ = k.host.ask(&call);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, folder: bool, size: Option<u64>) -> Descriptor {
        Descriptor { name: wide(name), folder, size, written: Some(1_700_000_000_000_000_000) }
    }

    fn encode(all: &[Descriptor]) -> Vec<u8> {
        let mut bytes = (all.len() as u32).to_le_bytes().to_vec();
        all.iter().for_each(|one| one.put(&mut bytes));
        bytes
    }

    #[test]
    fn descriptors_say_what_they_say_and_lead_nowhere_else() {
        let all = [file("a", true, None), file("a\\b ü.txt", false, Some(5 << 32 | 7)), file("c", false, None)];
        let bytes = encode(&all);
        assert_eq!(bytes.len(), 4 + 3 * DESCRIPTOR);
        assert_eq!(decode(&bytes).as_deref(), Some(&all[..]));
        for cut in 0..bytes.len() {
            assert_eq!(decode(&bytes[..cut]), None);
        }
        for name in [
            "..",
            "a\\..\\b",
            "\\a",
            "a\\\\b",
            "C:\\x",
            "c:x",
            "a/b",
            "x:y",
            "a.",
            "b ",
            "",
            "CON",
            "a\\nul.txt",
            "com1",
            "a\\",
        ] {
            assert_eq!(decode(&encode(&[file(name, false, None)])), None, "{name}");
        }
        assert_eq!(decode(&u32::MAX.to_le_bytes()), None);
        assert!(decode(&encode(&[file("COMMON.txt", false, None), file("console", false, None)])).is_some());
    }

    #[test]
    fn what_was_dropped_is_read_as_it_was_written() {
        let (_, k) = crate::host::fake::Fake::kernel();
        let paths = [wide("C:\\a b.txt"), wide("D:\\ü")];
        assert_eq!(paths_of(k, &drop_of(&paths)).as_deref(), Some(&paths[..]));
        let drop = drop_of(&paths);
        (0..drop.len()).for_each(|cut| drop_within(k, &drop[..cut]));
    }

    fn drop_within(k: &'static Kernel, drop: &[u8]) {
        let _ = paths_of(k, drop);
        assert!(Outgoing::default().take(k, drop).is_none_or(|bytes| bytes == [0; 4]));
    }
}
