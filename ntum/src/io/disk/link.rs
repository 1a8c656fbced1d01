//! Reparse points: symbolic links and junctions that programs make.
//!
//! On the host one is a file that the monitor keeps a mark of, and whose bytes are the reparse data: nothing there follows it.
//! Where it leads is a name of NT's, looked up from the root of the name space like any other that the program might have given.

use super::path::{self, DiskPath, is_root};
use super::{DiskFile, Volume};
use crate::call::Cx;
use crate::host::Stream;
use crate::io::device::{Create, Opened};
use crate::io::file::*;
use crate::ob::directory::Found;
use crate::ob::object::Body;
use crate::ob::types::{DELETE, SYNCHRONIZE};
use crate::status::*;
use crate::types::{ObjectAttributes, wide};
use crate::um::UserPtr;
use shim_abi::calls::{StreamDelete, StreamOpen, StreamQueryName, StreamRename, StreamSetAttributes};
use shim_abi::error::Error;
use shim_abi::stream::{self, Disposition, Expect, Identity, Info, Kind, attributes as bits};

/// IO_REPARSE_TAG_MOUNT_POINT.
pub const MOUNT_POINT: u32 = 0xa000_0003;
/// IO_REPARSE_TAG_SYMLINK.
pub const SYMLINK: u32 = 0xa000_000c;
/// SYMLINK_FLAG_RELATIVE.
pub const RELATIVE: u32 = 1;
/// MAXIMUM_REPARSE_DATA_BUFFER_SIZE.
const LONGEST: usize = 0x4000;
/// Bytes of REPARSE_DATA_BUFFER in front of its data; of REPARSE_GUID_DATA_BUFFER, which tags of others than Microsoft have.
pub const HEAD: usize = 8;
const GUID_HEAD: usize = 24;
/// Most links on the way to one file, as Windows has it.
const MOST: u32 = 63;

const BACKSLASH: u16 = b'\\' as u16;

/// What the monitor told, as NT sees it: a link has no bytes of its own, and one to a folder is a folder. To be applied once to
/// each answer.
pub fn shown(mut info: Info) -> Info {
    if is_link(&info) {
        (info.size, info.allocated) = (0, 0);
        if info.attributes & bits::LINK_TO_FOLDER != 0 {
            info.kind = Kind::Directory;
        }
    }
    info
}

/// Whether it is a link. Folders of the host never carry the mark.
pub fn is_link(info: &Info) -> bool {
    info.attributes & bits::LINK != 0
}

/// Whether a request is about a link itself: it says so, or it only means the name. DeleteFile, RemoveDirectory and MoveFile of
/// Wine's kernelbase say no more than that, what a link leads to must not go in its place; nor does SetFileAttributes, which asks for no
/// right at all (as GetCompressedFileSize does, by which a link is empty).
pub fn means_itself(create: &Create) -> bool {
    // With READ_CONTROL.
    const OF_THE_NAME: u32 = DELETE | SYNCHRONIZE | 0x2_0000 | FILE_READ_ATTRIBUTES;
    let only_names = create.access & DELETE != 0 && create.access & !OF_THE_NAME == 0;
    let for_attributes =
        create.access == SYNCHRONIZE && create.share == 0 && create.options == FILE_SYNCHRONOUS_IO_NONALERT;
    create.options & FILE_OPEN_REPARSE_POINT != 0 || (only_names || for_attributes) && !create.maximum_allowed
}

/// Whether the caller is Wine's CreateFileW and was asked for FILE_FLAG_OPEN_REPARSE_POINT, which it does not pass on. It reads
/// its attributes from its stack just before it calls:
///
/// ```text
/// 8b 84 24 78 01 00 00   mov 0x178(%rsp), %eax
/// 25 b7 7f 00 00         and $0x7fb7, %eax      FILE_ATTRIBUTE_VALID_FLAGS
/// ```
/// Where the code is another there is no such flag. Looked at only when a link was met.
fn asked_for_itself(cx: &Cx<'_>) -> bool {
    const MOVE: [u8; 3] = [0x8b, 0x84, 0x24];
    const AND: [u8; 5] = [0x25, 0xb7, 0x7f, 0x00, 0x00];
    const REACH: u64 = 48;
    let look = || {
        let stack = cx.k.host.call_context()?.rsp;
        let back = UserPtr::<u64>::new(stack).read(cx.k).ok()?;
        let mut code = [0; REACH as usize];
        cx.k.read_user(back.checked_sub(REACH)?, &mut code).ok()?;
        let found = code.windows(12).rev().find(|code| code.starts_with(&MOVE) && code.ends_with(&AND))?;
        let offset = u32::from_le_bytes(*found.get(3..)?.first_chunk()?);
        UserPtr::<u32>::new(stack.checked_add(8 + u64::from(offset))?).read(cx.k).ok()
    };
    // FILE_FLAG_OPEN_REPARSE_POINT is the same bit as the option.
    look().is_some_and(|flags| flags & FILE_OPEN_REPARSE_POINT != 0)
}

/// The first link on the way.
struct Met {
    /// Its name as the host stores it.
    uri: String,
    /// What follows it, `b/c`.
    rest: String,
    info: Info,
}

/// The deepest thing on the way to a name that exists, if that is a link.
fn met(cx: &Cx<'_>, uri: &str) -> Nt<Option<Met>> {
    let mut at = uri;
    loop {
        match cx.k.host.ask(&StreamQueryName { uri: at.to_owned() }) {
            Ok(named) => {
                let rest = uri.get(at.len()..).unwrap_or_default().trim_start_matches('/').to_owned();
                let info = shown(named.info);
                return Ok(is_link(&info).then_some(Met { uri: named.uri, rest, info }));
            }
            Err(Error::NotDirectory | Error::NotFound | Error::PathNotFound) if !is_root(at) => at = path::parent(at),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Opens a name that the monitor stopped at: a link is what it means, or lies on the way.
///
/// # Errors
/// `STATUS_REPARSE_POINT_NOT_RESOLVED` for links that lead in a circle, `STATUS_REPARSE_POINT_ENCOUNTERED` for one that is not to be
/// followed, and those of the place where it leads.
pub fn open(cx: &Cx<'_>, path: &DiskPath, create: &Create, stopped: Status) -> Nt<Result<Opened, Create>> {
    let flag = if create.links == 0 && asked_for_itself(cx) { FILE_OPEN_REPARSE_POINT } else { 0 };
    let create = &Create { options: create.options | flag, ..create.clone() };
    let Some(met) = met(cx, &path.uri)? else {
        let exists = cx.k.host.ask(&StreamQueryName { uri: path.uri.clone() }).is_ok();
        return Err(if exists { stopped } else { STATUS_OBJECT_PATH_NOT_FOUND });
    };
    if met.rest.is_empty() && means_itself(create) {
        if create.options & FILE_DIRECTORY_FILE != 0 && met.info.kind != Kind::Directory {
            return Err(STATUS_NOT_A_DIRECTORY);
        }
        // On the host it is a file whatever it stands for.
        return Ok(Err(Create { options: create.options & !FILE_DIRECTORY_FILE, ..create.clone() }));
    }
    if create.no_links {
        return Err(STATUS_REPARSE_POINT_ENCOUNTERED);
    }
    if create.links >= MOST {
        return Err(STATUS_REPARSE_POINT_NOT_RESOLVED);
    }
    let mut name = leads_to(cx, &met)?;
    if path.directory && name.last() != Some(&BACKSLASH) {
        name.push(BACKSLASH);
    }
    let attributes = ObjectAttributes { name: Some(name), attributes: 0x40, ..ObjectAttributes::default() };
    let onwards = Create { links: create.links + 1, ..create.clone() };
    cx.open_file(&attributes, &onwards).map(Ok)
}

/// A name on a disk with every link on the way to its last part followed.
///
/// # Errors
/// As [`open`]; `STATUS_NOT_SAME_DEVICE` for one that leads from the disks.
pub fn straight(cx: &Cx<'_>, path: DiskPath) -> Nt<DiskPath> {
    let mut now = path;
    for _ in 0..=MOST {
        let above = path::parent(&now.uri);
        match cx.k.host.ask(&StreamQueryName { uri: above.to_owned() }) {
            Ok(named) if !is_link(&named.info) => return Ok(now),
            Ok(_) | Err(Error::NotDirectory) => {}
            Err(_) => return Ok(now),
        }
        let Some(mut met) = met(cx, above)? else { return Err(STATUS_OBJECT_PATH_NOT_FOUND) };
        let last = path::last(&now.uri);
        met.rest = if met.rest.is_empty() { last.to_owned() } else { format!("{}/{last}", met.rest) };
        let attributes = ObjectAttributes { name: Some(leads_to(cx, &met)?), attributes: 0x40, ..Default::default() };
        let Found::Rest(device, rest) = cx.walk(&attributes, false)? else { return Err(STATUS_OBJECT_PATH_NOT_FOUND) };
        let Body::Device(device) = &device.body else { return Err(STATUS_OBJECT_PATH_NOT_FOUND) };
        let volume = device.driver.as_any().downcast_ref::<Volume>().ok_or(STATUS_NOT_SAME_DEVICE)?;
        now = DiskPath { directory: now.directory, ..path::on_drive(volume.letter, &rest)? };
    }
    Err(STATUS_REPARSE_POINT_NOT_RESOLVED)
}

/// The name that a link leads on to, with what follows the link.
fn leads_to(cx: &Cx<'_>, met: &Met) -> Nt<Vec<u16>> {
    let data = read(cx, &met.uri)?;
    let mut name = target(&data, &met.uri)?;
    if !met.rest.is_empty() {
        if name.last() != Some(&BACKSLASH) {
            name.push(BACKSLASH);
        }
        name.extend(wide(&met.rest.replace('/', "\\")));
    }
    Ok(name)
}

fn number<const N: usize>(data: &[u8], at: usize) -> Nt<[u8; N]> {
    data.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(STATUS_IO_REPARSE_DATA_INVALID)
}

fn word(data: &[u8], at: usize) -> Nt<usize> {
    Ok(usize::from(u16::from_le_bytes(number(data, at)?)))
}

/// The tag of reparse data.
fn tag(data: &[u8]) -> Nt<u32> {
    Ok(u32::from_le_bytes(number(data, 0)?))
}

/// What reparse data of a link says: flags, and the name that it leads to.
fn substitute(data: &[u8]) -> Nt<(u32, Vec<u16>)> {
    // SubstituteNameOffset and -Length, PrintNameOffset and -Length, Flags of a symbolic link alone; PathBuffer.
    let (flags, buffer) = match tag(data)? {
        MOUNT_POINT => (0, HEAD + 8),
        SYMLINK => (u32::from_le_bytes(number(data, HEAD + 8)?), HEAD + 12),
        _ => return Err(STATUS_IO_REPARSE_TAG_NOT_HANDLED),
    };
    let start = buffer + word(data, HEAD)?;
    let bytes = data.get(start..start + word(data, HEAD + 2)?).ok_or(STATUS_IO_REPARSE_DATA_INVALID)?;
    if bytes.is_empty() {
        return Err(STATUS_IO_REPARSE_DATA_INVALID);
    }
    Ok((flags, bytes.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect()))
}

/// The NT name that reparse data of a link leads to; `uri` is the link's own.
fn target(data: &[u8], uri: &str) -> Nt<Vec<u16>> {
    let (flags, name) = substitute(data)?;
    if flags & RELATIVE == 0 {
        return if name.first() == Some(&BACKSLASH) { Ok(name) } else { Err(STATUS_IO_REPARSE_DATA_INVALID) };
    }
    // Below the link's own folder, or the root of its drive; never above that.
    let drive = path::dos_path(uri).get(..6).map(<[u16]>::to_vec).unwrap_or_default();
    let rooted = name.first() == Some(&BACKSLASH);
    let folder = if rooted { Vec::new() } else { path::nt_name(path::parent(uri)) };
    let mut parts: Vec<&[u16]> = Vec::new();
    let (dot, dots) = (wide("."), wide(".."));
    for part in [folder.as_slice(), name.as_slice()].into_iter().flat_map(|name| name.split(|unit| *unit == BACKSLASH))
    {
        if part == dots {
            parts.pop().ok_or(STATUS_IO_REPARSE_DATA_INVALID)?;
        } else if !(part.is_empty() || part == dot) {
            parts.push(part);
        }
    }
    let mut whole = drive;
    if parts.is_empty() {
        whole.push(BACKSLASH);
    }
    for part in parts {
        whole.push(BACKSLASH);
        whole.extend_from_slice(part);
    }
    Ok(whole)
}

/// Checks REPARSE_DATA_BUFFER as it is given to be set.
fn check(data: &[u8], directory: bool) -> Nt<u32> {
    /// Of Microsoft; two tags mean nothing.
    const MICROSOFT: u32 = 0x8000_0000;
    if data.len() < HEAD {
        return Err(STATUS_IO_REPARSE_DATA_INVALID);
    }
    let tag = tag(data)?;
    let head = if tag & MICROSOFT != 0 { HEAD } else { GUID_HEAD };
    if data.len() > LONGEST || word(data, 4)? + head != data.len() {
        return Err(STATUS_IO_REPARSE_DATA_INVALID);
    }
    match tag {
        0 | 1 => return Err(STATUS_IO_REPARSE_TAG_INVALID),
        MOUNT_POINT if !directory => return Err(STATUS_NOT_A_DIRECTORY),
        MOUNT_POINT | SYMLINK => drop(substitute(data)?),
        _ => {}
    }
    Ok(tag)
}

fn open_bytes(cx: &Cx<'_>, uri: &str, access: u32, disposition: Disposition) -> Nt<(Info, Stream)> {
    let request = StreamOpen { uri: uri.to_owned(), access, disposition, expect: Expect::File, attributes: 0 };
    let (opened, stream) = cx.k.host.ask_stream(&request)?;
    Ok((opened.info, stream.ok_or(STATUS_ACCESS_DENIED)?))
}

/// The reparse data of a link.
///
/// # Errors
/// `STATUS_NOT_A_REPARSE_POINT`, the monitor's.
pub fn read(cx: &Cx<'_>, uri: &str) -> Nt<Vec<u8>> {
    let (info, stream) = open_bytes(cx, uri, stream::access::READ, Disposition::Open)?;
    if info.kind != Kind::File || !is_link(&info) {
        return Err(STATUS_NOT_A_REPARSE_POINT);
    }
    let mut data = vec![0; (info.size as usize).min(LONGEST)];
    let mut done = 0;
    while done < data.len() {
        match cx.k.host.read_bytes(&stream, &mut data[done..], Some(done as u64))? {
            0 => break,
            count => done += count,
        }
    }
    data.truncate(done);
    Ok(data)
}

/// The tag of a link for listings; 0 for what is none.
pub fn tag_of(cx: &Cx<'_>, uri: &str, info: &Info) -> u32 {
    let known = is_link(info).then(|| read(cx, uri).and_then(|data| tag(&data)).ok()).flatten();
    known.unwrap_or(0)
}

fn mark(cx: &Cx<'_>, uri: &str, identity: &Identity, attributes: u32) -> Nt<()> {
    let call = StreamSetAttributes {
        uri: uri.to_owned(),
        identity: identity.clone(),
        attributes: Some(attributes),
        created: None,
        accessed: None,
        written: None,
    };
    Ok(cx.k.host.ask(&call)?)
}

/// Makes an empty file a link: its bytes first, which mean nothing until it is marked.
fn make_link(cx: &Cx<'_>, uri: &str, info: &Info, bytes: &Stream, data: &[u8], marks: u32) -> Nt<()> {
    super::control::write_all(cx, bytes, data)?;
    mark(cx, uri, &info.identity, marks)?;
    let named = cx.k.host.ask(&StreamQueryName { uri: uri.to_owned() })?;
    if is_link(&named.info) { Ok(()) } else { Err(STATUS_NOT_SUPPORTED) }
}

impl DiskFile {
    /// Whether it is a link that was opened itself.
    pub fn is_link(&self) -> bool {
        self.fcb.state.lock().attributes & bits::LINK != 0
    }

    /// FSCTL_GET_REPARSE_POINT.
    ///
    /// # Errors
    /// `STATUS_NOT_A_REPARSE_POINT`, the monitor's.
    pub fn reparse_data(&self, cx: &Cx<'_>) -> Nt<Vec<u8>> {
        if self.is_link() { read(cx, &self.link.uri()) } else { Err(STATUS_NOT_A_REPARSE_POINT) }
    }

    /// FSCTL_SET_REPARSE_POINT: of an empty folder, an empty file, or a link with the same tag.
    ///
    /// A link that takes something's place is made whole beside it first: whoever is killed on the way leaves what was there or the link, or,
    /// between the end of a folder and the link's coming, neither of them; never a half of one under the name.
    ///
    /// # Errors
    /// `STATUS_IO_REPARSE_DATA_INVALID`, `STATUS_IO_REPARSE_TAG_INVALID`, `STATUS_IO_REPARSE_TAG_MISMATCH`,
    /// `STATUS_DIRECTORY_NOT_EMPTY`, `STATUS_NOT_A_DIRECTORY`, `STATUS_NOT_SUPPORTED` for a file with bytes or where the host
    /// keeps no marks, the monitor's.
    pub fn set_reparse_data(&self, cx: &Cx<'_>, data: &[u8]) -> Nt<()> {
        let new = check(data, self.is_directory())?;
        let uri = self.link.uri();
        let was_link = self.is_link();
        if was_link && tag(&read(cx, &uri)?)? != new {
            return Err(STATUS_IO_REPARSE_TAG_MISMATCH);
        }
        if is_root(&uri) {
            return Err(STATUS_ACCESS_DENIED);
        }
        let folder = self.is_directory() && !was_link;
        let before = self.fcb.state.lock().attributes;
        let to_folder = if self.is_directory() { bits::LINK_TO_FOLDER } else { bits::ARCHIVE };
        let marks = before & bits::STORED & !bits::ARCHIVE | to_folder | bits::LINK;
        let access = stream::access::READ | stream::access::WRITE;
        let identity = if folder || was_link {
            let identity = self.fcb.identity_now();
            // One that was left there by somebody who was killed is taken over.
            let beside = format!("{}/.portcullis-{:x}", path::parent(&uri), identity.number);
            let (info, bytes) = open_bytes(cx, &beside, access, Disposition::OverwriteOrCreate)?;
            let forget = |status| {
                let gone = StreamDelete { uri: beside.clone(), identity: info.identity.clone() };
                let _ = cx.k.host.ask(&gone);
                Err(status)
            };
            if let Err(status) = make_link(cx, &beside, &info, &bytes, data, marks) {
                return forget(status);
            }
            // Fails if anything is in it.
            if folder && let Err(error) = cx.k.host.ask(&StreamDelete { uri: uri.clone(), identity }) {
                return forget(error.into());
            }
            let (from, identity) = (beside.clone(), info.identity.clone());
            if let Err(error) =
                cx.k.host.ask(&StreamRename { from, identity, to: uri.clone(), replace: !folder, link: false })
            {
                if folder {
                    self.make_folder(cx, &uri, before)?;
                }
                return forget(error.into());
            }
            info.identity
        } else {
            let (info, bytes) = open_bytes(cx, &uri, access, Disposition::Open)?;
            if info.size != 0 {
                return Err(STATUS_NOT_SUPPORTED);
            }
            make_link(cx, &uri, &info, &bytes, data, marks).inspect_err(|_| {
                let _ = cx.k.host.set_length(&bytes, 0);
            })?;
            info.identity
        };
        self.fcb.became(identity);
        self.fcb.state.lock().attributes = marks;
        Ok(())
    }

    /// FSCTL_DELETE_REPARSE_POINT: what is left is an empty folder or file.
    ///
    /// # Errors
    /// `STATUS_NOT_A_REPARSE_POINT`, `STATUS_IO_REPARSE_TAG_MISMATCH`, `STATUS_IO_REPARSE_DATA_INVALID`, the monitor's.
    pub fn delete_reparse_data(&self, cx: &Cx<'_>, data: &[u8]) -> Nt<()> {
        let before = tag(&self.reparse_data(cx)?)?;
        if data.len() < HEAD || word(data, 4)? != 0 {
            return Err(STATUS_IO_REPARSE_DATA_INVALID);
        }
        if tag(data)? != before {
            return Err(STATUS_IO_REPARSE_TAG_MISMATCH);
        }
        let uri = self.link.uri();
        let kept = self.fcb.state.lock().attributes & bits::STORED;
        if self.is_directory() {
            cx.k.host.ask(&StreamDelete { uri: uri.clone(), identity: self.fcb.identity_now() })?;
            return self.make_folder(cx, &uri, kept);
        }
        mark(cx, &uri, &self.fcb.identity_now(), kept)?;
        self.fcb.state.lock().attributes = kept;
        let (_, bytes) = open_bytes(cx, &uri, stream::access::WRITE, Disposition::Open)?;
        Ok(cx.k.host.set_length(&bytes, 0)?)
    }

    fn make_folder(&self, cx: &Cx<'_>, uri: &str, attributes: u32) -> Nt<()> {
        let request = StreamOpen {
            uri: uri.to_owned(),
            access: 0,
            disposition: Disposition::Create,
            expect: Expect::Directory,
            attributes: attributes & bits::STORED,
        };
        let (opened, _) = cx.k.host.ask_stream(&request)?;
        self.fcb.became(opened.info.identity);
        self.fcb.state.lock().attributes = attributes & bits::STORED;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(tag: u32, flags: u32, name: &str) -> Vec<u8> {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = name.len() as u16;
        let mut body = [0, length, length, 0].into_iter().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        if tag == SYMLINK {
            body.extend(flags.to_le_bytes());
        }
        body.extend(&name);
        let head = [tag.to_le_bytes(), (body.len() as u32).to_le_bytes()].concat();
        [head, body].concat()
    }

    #[test]
    fn links_lead_within_their_drive() {
        let at = "file:D:/a/b/link";
        let to = |tag, flags, name| target(&data(tag, flags, name), at).map(|name| String::from_utf16_lossy(&name));
        assert_eq!(to(MOUNT_POINT, 0, "\\??\\C:\\x").as_deref(), Ok("\\??\\C:\\x"));
        assert_eq!(to(SYMLINK, 0, "\\??\\C:\\x").as_deref(), Ok("\\??\\C:\\x"));
        assert_eq!(to(SYMLINK, RELATIVE, "x\\y").as_deref(), Ok("\\??\\D:\\a\\b\\x\\y"));
        assert_eq!(to(SYMLINK, RELATIVE, ".\\..\\y").as_deref(), Ok("\\??\\D:\\a\\y"));
        assert_eq!(to(SYMLINK, RELATIVE, "..\\..").as_deref(), Ok("\\??\\D:\\"));
        assert_eq!(to(SYMLINK, RELATIVE, "\\y").as_deref(), Ok("\\??\\D:\\y"));
        assert_eq!(to(SYMLINK, RELATIVE, "..\\..\\..\\etc"), Err(STATUS_IO_REPARSE_DATA_INVALID));
        assert_eq!(to(MOUNT_POINT, 0, "etc"), Err(STATUS_IO_REPARSE_DATA_INVALID));
        assert_eq!(to(0x8000_0017, 0, "x"), Err(STATUS_IO_REPARSE_TAG_NOT_HANDLED));
    }

    #[test]
    fn what_is_set_is_checked() {
        let good = data(MOUNT_POINT, 0, "\\??\\C:\\x");
        assert_eq!(check(&good, true), Ok(MOUNT_POINT));
        assert_eq!(check(&good, false), Err(STATUS_NOT_A_DIRECTORY));
        assert_eq!(check(&good[..good.len() - 1], true), Err(STATUS_IO_REPARSE_DATA_INVALID));
        assert_eq!(check(&good[..7], true), Err(STATUS_IO_REPARSE_DATA_INVALID));
        assert_eq!(check(&data(1, 0, ""), true), Err(STATUS_IO_REPARSE_DATA_INVALID));
        let mut far = good.clone();
        far[8..10].copy_from_slice(&u16::MAX.to_le_bytes());
        assert_eq!(target(&far, "file:C:/a"), Err(STATUS_IO_REPARSE_DATA_INVALID));
        assert_eq!(check(&data(SYMLINK, RELATIVE, "..\\x"), false), Ok(SYMLINK));
        assert_eq!(check(&data(SYMLINK, 0, ""), false), Err(STATUS_IO_REPARSE_DATA_INVALID));
    }
}
