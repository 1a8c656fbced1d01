//! The picoprocess's side: the cases.
#![allow(unsafe_code)]

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, send};
use shim_abi::boot::{Boot, MAX_BIRTH, Told, descriptor};
use shim_abi::calls::*;
use shim_abi::error::{Error, Result};
use shim_abi::member::{FIRST, place};
use shim_abi::page::{self, Page, Seen};
use shim_abi::stream::{Disposition, Entry, Expect, Identity, Kind, access, attributes};
use shim_abi::wire::{self, MonitorCall, Wire};
use shim_abi::{MAX_DESCRIPTORS, MAX_FRAME, MAX_SEVERAL};
use std::fs::File;
use std::io::{IoSliceMut, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt;

pub fn ask<C: MonitorCall>(call: &C) -> Result<(C::Reply, Option<OwnedFd>)> {
    ask_on(descriptor::LANES, call)
}

fn ask_on<C: MonitorCall>(lane: RawFd, call: &C) -> Result<(C::Reply, Option<OwnedFd>)> {
    send(lane, &wire::request(call)?, MsgFlags::MSG_NOSIGNAL).map_err(|_| Error::Closed)?;
    received(lane)
}

/// Asks, with a descriptor that goes along.
pub fn ask_with<C: MonitorCall>(call: &C, along: &impl std::os::fd::AsRawFd) -> Answer<C::Reply> {
    let request = wire::request(call)?;
    let (parts, along) = ([std::io::IoSlice::new(&request)], [along.as_raw_fd()]);
    let control = [nix::sys::socket::ControlMessage::ScmRights(&along)];
    nix::sys::socket::sendmsg::<()>(descriptor::LANES, &parts, &control, MsgFlags::MSG_NOSIGNAL, None)
        .map_err(|_| Error::Closed)?;
    received(descriptor::LANES)
}

/// Leaves a descriptor for others.
fn leave(left: &impl std::os::fd::AsRawFd) -> Result<u64> {
    ask_with(&StreamShare { token: 0, forget: false }, left).map(|(token, _)| token)
}

/// Receives a reply, with one descriptor at most.
fn received<T: Wire>(lane: RawFd) -> Answer<T> {
    received_several(lane).map(|(reply, mut descriptors)| (reply, descriptors.pop()))
}

/// Receives a reply, and its descriptors.
fn received_several<T: Wire>(lane: RawFd) -> Result<(T, Vec<OwnedFd>)> {
    let mut buffer = vec![0; MAX_FRAME];
    let mut control = nix::cmsg_space!([RawFd; MAX_DESCRIPTORS]);
    let mut into = [IoSliceMut::new(&mut buffer)];
    let message =
        recvmsg::<()>(lane, &mut into, Some(&mut control), MsgFlags::MSG_CMSG_CLOEXEC).map_err(|_| Error::Closed)?;
    let count = message.bytes;
    let mut descriptors = Vec::new();
    for one in message.cmsgs().map_err(|_| Error::Closed)? {
        if let ControlMessageOwned::ScmRights(fds) = one {
            for fd in fds {
                // SAFETY: the kernel just gave this descriptor to this process, and nothing else here knows it.
                descriptors.push(unsafe { OwnedFd::from_raw_fd(fd) });
            }
        }
    }
    Ok((wire::read_reply(&buffer[..count])?, descriptors))
}

/// A reply, and the descriptor that came with it.
pub type Answer<T> = Result<(T, Option<OwnedFd>)>;

/// The page beside the first lane.
fn page() -> std::result::Result<&'static Page, String> {
    use nix::sys::mman::{MapFlags, ProtFlags, mmap};
    let length = std::num::NonZeroUsize::new(page::BYTES).ok_or("no length")?;
    let prot = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a new mapping, never undone, of a file that the host keeps at its length; used as atomic words alone.
    unsafe {
        let file = BorrowedFd::borrow_raw(descriptor::PAGES);
        mmap(None, length, prot, MapFlags::MAP_SHARED, file, 0).map(|at| at.cast().as_ref()).map_err(|e| e.to_string())
    }
}

/// Asks on the first lane, through the page if the host looks at it; whether it did, and the answer.
fn ask_beside<C: MonitorCall>(page: &Page, call: &C) -> (bool, Answer<C::Reply>) {
    let request = match wire::request(call) {
        Ok(request) => request,
        Err(error) => return (false, Err(error)),
    };
    if !page::ask(page, &request, u32::MAX) {
        return (false, ask(call));
    }
    let mut reply = Vec::new();
    let start = std::time::Instant::now();
    loop {
        let seen = match start.elapsed().as_millis() {
            0 => page::look(page, &mut reply),
            _ => page::sleep(page, &mut reply),
        };
        match seen {
            Seen::Nothing => {}
            Seen::Reply => return (true, wire::read_reply(&reply).map(|reply| (reply, None))),
            Seen::Datagram => return (true, received(descriptor::LANES)),
        }
    }
}

fn open(uri: &str, access: u32, disposition: Disposition, expect: Expect) -> Result<(Opened, Option<OwnedFd>)> {
    ask(&StreamOpen { uri: uri.into(), access, disposition, expect, attributes: 0 })
}

/// Opens several files of a folder.
fn several(uri: &str, names: &[&str], changes: bool) -> Result<(OpenedSeveral, Vec<OwnedFd>)> {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let call = StreamOpenSeveral { uri: uri.into(), names, changes };
    send(descriptor::LANES, &wire::request(&call)?, MsgFlags::MSG_NOSIGNAL).map_err(|_| Error::Closed)?;
    received_several(descriptor::LANES)
}

/// Whether a descriptor can be read now.
fn is_ready(fd: &OwnedFd) -> bool {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO).is_ok_and(|ready| ready == 1)
}

fn exists(uri: &str) -> Result<Named> {
    ask(&StreamQueryName { uri: uri.into() }).map(|(named, _)| named)
}

fn identity(uri: &str) -> Identity {
    exists(uri).map_or(Identity { volume: 0, number: 0 }, |named| named.info.identity)
}

fn read(uri: &str) -> Result<String> {
    let (_, fd) = open(uri, access::READ, Disposition::Open, Expect::File)?;
    let mut text = String::new();
    File::from(fd.ok_or(Error::Malformed)?).read_to_string(&mut text).map_err(|_| Error::Io)?;
    Ok(text)
}

fn list(uri: &str) -> Result<Vec<Entry>> {
    let (listing, fd) = ask(&StreamEnumerate { uri: uri.into(), only_names: false })?;
    let Some(fd) = fd else { return Ok(listing.entries) };
    let mut bytes = Vec::new();
    File::from(fd).read_to_end(&mut bytes).map_err(|_| Error::Io)?;
    wire::decode(&bytes)
}

fn rename(from: &str, to: &str, replace: bool, link: bool) -> Result {
    let identity = identity(from);
    ask(&StreamRename { from: from.into(), identity, to: to.into(), replace, link }).map(drop)
}

fn delete(uri: &str) -> Result {
    ask(&StreamDelete { uri: uri.into(), identity: identity(uri) }).map(drop)
}

/// What a case saw, for the line that says it failed.
pub type Case = (&'static str, fn() -> std::result::Result<(), String>);

pub fn is<T: PartialEq + std::fmt::Debug>(got: T, want: T) -> std::result::Result<(), String> {
    if got == want { Ok(()) } else { Err(format!("got {got:?}, want {want:?}")) }
}

pub fn fails<T>(got: Result<T>, want: Error) -> std::result::Result<(), String> {
    is(got.map(drop), Err(want))
}

pub fn text<T>(result: Result<T>) -> std::result::Result<T, String> {
    result.map_err(|error| format!("{error:?}"))
}

const CASES: &[Case] = &[
    ("stream_open reads", || is(read("file:C:/rw/file.txt"), Ok("content".into()))),
    ("stream_open finds any letter case", || is(read("file:c:/RW/FILE.TXT"), Ok("content".into()))),
    ("stream_open answers the host's letter case", || {
        let (opened, _) = text(open("file:C:/RO/READ ME.TXT", access::READ, Disposition::Open, Expect::File))?;
        is(opened.uri.rsplit('/').next().map(str::to_owned), Some("Read Me.txt".into()))
    }),
    ("stream_open makes and writes", || {
        let (opened, fd) = text(open("file:C:/rw/made.txt", access::WRITE, Disposition::Create, Expect::File))?;
        let mut file = File::from(fd.ok_or("no descriptor")?);
        file.write_all(b"made here").map_err(|error| error.to_string())?;
        is((opened.made, opened.info.size), (true, 0))
    }),
    ("stream_open says whether it made", || {
        let (opened, _) = text(open("file:C:/rw/made.txt", access::READ, Disposition::OpenOrCreate, Expect::Any))?;
        is(opened.made, false)
    }),
    ("stream_open empties", || {
        let (opened, _) =
            text(open("file:C:/rw/emptied", access::WRITE, Disposition::OverwriteOrCreate, Expect::File))?;
        is(opened.made, true)?;
        let (opened, _) = text(open("file:C:/rw/emptied", access::WRITE, Disposition::Overwrite, Expect::File))?;
        is((opened.made, opened.info.size), (false, 0))
    }),
    ("stream_open makes a directory", || {
        let (opened, _) = text(open("file:C:/rw/new folder", access::READ, Disposition::Create, Expect::Directory))?;
        is((opened.made, opened.info.kind), (true, Kind::Directory))
    }),
    ("stream_open of the read descriptor refuses writes", || {
        let (_, fd) = text(open("file:C:/ro/Read Me.txt", access::READ, Disposition::Open, Expect::File))?;
        is(File::from(fd.ok_or("no descriptor")?).write(b"x").is_err(), true)
    }),
    ("stream_open_several before changes were asked for", || {
        fails(several("file:C:/rw", &["file.txt"], false), Error::Invalid)
    }),
    ("stream_open_several opens what is there, and tells when a name may mean something else", || {
        let folder = "file:C:/rw/several";
        text(open(folder, access::READ, Disposition::Create, Expect::Directory))?;
        for name in ["a", "b", "c"] {
            let (_, fd) = text(open(&format!("{folder}/{name}"), access::WRITE, Disposition::Create, Expect::File))?;
            File::from(fd.ok_or("no descriptor")?).write_all(name.as_bytes()).map_err(|error| error.to_string())?;
        }
        let (opened, mut descriptors) = match several(folder, &["a", "B", "none", "c"], true) {
            // On a file system that does not tell, a host may refuse.
            Err(Error::Unsupported) => return Ok(()),
            other => text(other)?,
        };
        let sizes: Vec<Option<u64>> = opened.files.iter().map(|file| file.as_ref().map(|info| info.size)).collect();
        is(sizes, vec![Some(1), None, None, Some(1)])?;
        is(descriptors.len(), 3)?;
        let mut last = String::new();
        let file = descriptors.pop().ok_or("no descriptor")?;
        File::from(file).read_to_string(&mut last).map_err(|error| error.to_string())?;
        is(last.as_str(), "c")?;
        let changes = &descriptors[0];
        text(open(&format!("{folder}/new"), access::WRITE, Disposition::Create, Expect::File))?;
        is(text(several(folder, &["b"], false))?.1.len(), 1)?;
        is(is_ready(changes), false)?;
        text(rename(&format!("{folder}/c"), &format!("{folder}/a"), true, false))?;
        is(is_ready(changes), true)?;
        is(text(several(folder, &[], true))?.1.len(), 1)
    }),
    ("stream_open_several of too many", || {
        fails(several("file:C:/rw", &["file.txt"; MAX_SEVERAL + 1], false), Error::Invalid)
    }),
    ("stream_open_several of what is no name", || fails(several("file:C:/rw", &[".."], false), Error::NameInvalid)),
    ("stream_open_several of no folder", || fails(several("file:C:/rw/none", &[], true), Error::NotFound)),
    ("stream_open_several in a folder of the image", || {
        fails(several("file:C:/windows", &["win.ini"], false), Error::Unsupported)
    }),
    ("stream_open_several gives nothing outside", || {
        let (opened, _) = match several("file:C:/rw", &["leads-out"], true) {
            Err(Error::Unsupported) => return Ok(()),
            other => text(other)?,
        };
        is(opened.files, vec![None])
    }),
    ("error NotFound", || fails(read("file:C:/rw/none"), Error::NotFound)),
    ("error PathNotFound", || fails(read("file:C:/rw/none/below"), Error::PathNotFound)),
    ("error Exists", || {
        fails(open("file:C:/rw/FILE.txt", access::WRITE, Disposition::Create, Expect::File), Error::Exists)
    }),
    ("error NotVisible", || fails(read("file:Q:/x"), Error::NotVisible)),
    ("error ReadOnly on writing", || {
        fails(open("file:C:/ro/Read Me.txt", access::WRITE, Disposition::Open, Expect::File), Error::ReadOnly)
    }),
    ("error ReadOnly on making", || {
        fails(open("file:C:/ro/new.txt", access::WRITE, Disposition::Create, Expect::File), Error::ReadOnly)
    }),
    ("error ReadOnly on deleting", || fails(delete("file:C:/ro/Read Me.txt"), Error::ReadOnly)),
    ("error ReadOnly on renaming", || {
        fails(rename("file:C:/ro/Read Me.txt", "file:C:/ro/other", false, false), Error::ReadOnly)
    }),
    ("error AccessDenied where a link leads out", || fails(read("file:C:/rw/leads-out"), Error::AccessDenied)),
    ("error IsDirectory", || {
        fails(open("file:C:/ro/folder", access::READ, Disposition::Open, Expect::File), Error::IsDirectory)
    }),
    ("error NotDirectory", || {
        fails(open("file:C:/rw/file.txt", access::READ, Disposition::Open, Expect::Directory), Error::NotDirectory)
    }),
    ("error NotDirectory on listing", || fails(list("file:C:/rw/file.txt"), Error::NotDirectory)),
    ("error NotEmpty", || fails(delete("file:C:/rw/full"), Error::NotEmpty)),
    ("error NameInvalid for ..", || fails(read("file:C:/rw/../ro/Read Me.txt"), Error::NameInvalid)),
    ("error NameInvalid for a host's path", || fails(read("file:/etc/passwd"), Error::NameInvalid)),
    ("error NameInvalid for no scheme", || fails(read("passwd"), Error::NameInvalid)),
    ("error NameInvalid for an unknown scheme", || fails(read("http:x"), Error::NameInvalid)),
    ("error NameTooLong", || fails(read(&format!("file:C:/rw/{}", "x".repeat(256))), Error::NameTooLong)),
    ("error Stale on deleting", || {
        let other = identity("file:C:/rw/made.txt");
        fails(ask(&StreamDelete { uri: "file:C:/rw/file.txt".into(), identity: other }), Error::Stale)
    }),
    ("error Stale on renaming", || {
        let identity = identity("file:C:/rw/made.txt");
        let (from, to) = ("file:C:/rw/file.txt".to_owned(), "file:C:/rw/stale".to_owned());
        fails(ask(&StreamRename { from, identity, to, replace: false, link: false }), Error::Stale)
    }),
    ("error Unsupported for a scheme of later versions", || fails(read("tcp:127.0.0.1:80"), Error::Unsupported)),
    ("stream_query_name of a file", || {
        let named = text(exists("file:C:/RW/file.TXT"))?;
        is(
            (named.info.kind, named.info.size, named.info.writable, named.uri.ends_with("file.txt")),
            (Kind::File, 7, true, true),
        )
    }),
    ("stream_query_name of a folder", || {
        let named = text(exists("file:C:/ro/folder"))?;
        is((named.info.kind, named.info.writable), (Kind::Directory, false))
    }),
    ("stream_query_name of nothing", || fails(exists("file:C:/rw/none"), Error::NotFound)),
    ("stream_enumerate lists without . and ..", || {
        let mut names: Vec<String> = text(list("file:C:/ro"))?.into_iter().map(|entry| entry.name).collect();
        names.sort();
        is(names, vec!["Read Me.txt".to_owned(), "folder".to_owned()])
    }),
    ("stream_enumerate of an empty folder", || is(text(list("file:C:/rw/empty"))?.len(), 0)),
    ("stream_enumerate of 2000 names, in a memory file", || {
        text(open("file:C:/rw/many", access::READ, Disposition::Create, Expect::Directory))?;
        for number in 0..2000 {
            let uri = format!("file:C:/rw/many/a rather long name of a file, the number of which is {number}");
            text(open(&uri, access::WRITE, Disposition::Create, Expect::File))?;
        }
        is(text(list("file:C:/rw/many"))?.len(), 2000)
    }),
    ("stream_rename", || {
        text(rename("file:C:/rw/emptied", "file:C:/rw/renamed", false, false))?;
        is((exists("file:C:/rw/emptied").is_err(), exists("file:C:/rw/renamed").is_ok()), (true, true))
    }),
    ("stream_rename onto an existing name", || {
        fails(rename("file:C:/rw/renamed", "file:C:/rw/made.txt", false, false), Error::Exists)
    }),
    ("stream_rename links", || {
        text(rename("file:C:/rw/made.txt", "file:C:/rw/link.txt", false, true))?;
        is(text(exists("file:C:/rw/link.txt"))?.info.links, 2)
    }),
    ("stream_rename replaces", || {
        text(rename("file:C:/rw/renamed", "file:C:/rw/link.txt", true, false))?;
        is(text(exists("file:C:/rw/link.txt"))?.info.links, 1)
    }),
    ("stream_rename between grants", || {
        let moved = rename("file:C:/rw/link.txt", "file:D:/link.txt", false, false);
        // Two grants are two volumes unless the host knows better.
        match moved {
            Ok(()) => is(exists("file:D:/link.txt").is_ok(), true),
            Err(error) => is(error, Error::CrossDevice),
        }
    }),
    ("stream_rename to where nothing is granted", || {
        fails(rename("file:C:/rw/file.txt", "file:Q:/file.txt", false, false), Error::NotVisible)
    }),
    ("stream_delete of a folder", || {
        text(delete("file:C:/rw/empty"))?;
        fails(exists("file:C:/rw/empty"), Error::NotFound)
    }),
    ("stream_set_attributes sets times", || {
        let uri = "file:C:/rw/file.txt".to_owned();
        let (written, accessed) = (Some(1_500_000_000_123_456_700), Some(1_400_000_000_000_000_000));
        let identity = identity(&uri);
        text(ask(&StreamSetAttributes {
            uri: uri.clone(),
            identity,
            attributes: None,
            created: None,
            accessed,
            written,
        }))?;
        let info = text(exists(&uri))?.info;
        is((info.written, info.accessed), (1_500_000_000_123_456_700, 1_400_000_000_000_000_000))
    }),
    ("stream_set_attributes keeps what a host file can carry", || {
        let uri = "file:C:/rw/file.txt".to_owned();
        let wanted = attributes::READONLY;
        let set = |bits| {
            let identity = identity(&uri);
            let (created, accessed, written) = (None, None, None);
            ask(&StreamSetAttributes { uri: uri.clone(), identity, attributes: Some(bits), created, accessed, written })
        };
        text(set(wanted))?;
        is(text(exists(&uri))?.info.attributes & wanted, wanted)?;
        text(set(attributes::ARCHIVE))?;
        is(text(exists(&uri))?.info.attributes & wanted, 0)
    }),
    ("stream_set_attributes where only reading is granted", || {
        let uri = "file:C:/ro/Read Me.txt".to_owned();
        let identity = identity(&uri);
        let (created, accessed, written) = (None, None, Some(1));
        fails(
            ask(&StreamSetAttributes { uri, identity, attributes: None, created, accessed, written }),
            Error::ReadOnly,
        )
    }),
    ("stream_watch tells of a new file", || {
        let (_, fd) = text(ask(&StreamWatch { uri: "file:C:/rw".into(), recursive: true }))?;
        let fd = fd.ok_or("no descriptor")?;
        text(open("file:C:/rw/full/watched", access::WRITE, Disposition::Create, Expect::File))?;
        let mut buffer = vec![0; MAX_FRAME];
        let mut into = [IoSliceMut::new(&mut buffer)];
        let raw = std::os::fd::AsRawFd::as_raw_fd(&fd);
        let message = recvmsg::<()>(raw, &mut into, None, MsgFlags::empty()).map_err(|error| error.to_string())?;
        let count = message.bytes;
        let change: Change = text(wire::decode(&buffer[..count]))?;
        is((change.action, change.path), (1, "full/watched".to_owned()))
    }),
    ("stream_watch of a file", || {
        is(ask(&StreamWatch { uri: "file:C:/rw/file.txt".into(), recursive: false }).is_err(), true)
    }),
    ("volume_query", || {
        let (volume, _) = text(ask(&VolumeQuery { uri: "file:C:/rw".into() }))?;
        is((volume.total > 0, volume.free <= volume.total, volume.writable), (true, true, true))
    }),
    ("volume_query of a grant for reading", || {
        is(text(ask(&VolumeQuery { uri: "file:C:/ro".into() }))?.0.writable, false)
    }),
    ("volume_query of nothing", || fails(ask(&VolumeQuery { uri: "file:Q:/".into() }), Error::NotVisible)),
    ("terminal_query without a terminal", || is(ask(&TerminalQuery {}).is_err(), true)),
    ("terminal_set_mode without a terminal", || is(ask(&TerminalSetMode { raw: true }).is_err(), true)),
    ("thread_set_priority of the first thread", || {
        text(ask(&ThreadSetPriority { thread: 1, nice: 5, processors: 0, slack: 0 })).map(drop)
    }),
    ("thread_set_priority of thread 0", || {
        is(ask(&ThreadSetPriority { thread: 0, nice: 0, processors: 0, slack: 0 }).is_err(), true)
    }),
    ("thread_set_priority of no thread", || {
        is(ask(&ThreadSetPriority { thread: 99_999, nice: 0, processors: 0, slack: 0 }).is_err(), true)
    }),
    ("process_create, living and process_terminate", || {
        let (first, second) = (text(ask(&further()))?.0, text(ask(&further()))?.0);
        is(first != second && first != FIRST && second != FIRST, true)?;
        is((living(FIRST)?, living(first)?, living(second)?), (FIRST, first, second))?;
        text(ask(&ProcessTerminate { process: first, status: 3 }))?;
        ended(first)?;
        is(living(second)?, second)?;
        fails(ask(&ProcessTerminate { process: first, status: 3 }), Error::NotFound)?;
        // Its place is used again, its number is not.
        let third = text(ask(&further()))?.0;
        is((place(third), third == first), (place(first), false))?;
        text(ask(&ProcessTerminate { process: second, status: 3 }))?;
        text(ask(&ProcessTerminate { process: third, status: 3 }))?;
        ended(second)?;
        ended(third)
    }),
    ("process_create: the end of a further one is told", || {
        let mut events = [0; 16];
        let number = text(ask(&ProcessCreate { birth: b"end".to_vec(), program: String::new(), child: true }))?.0;
        ended(number)?;
        let count = nix::sys::socket::recv(descriptor::EVENTS, &mut events, MsgFlags::empty());
        is((count.map_err(|errno| errno.to_string())?, events[0]), (1, Event::Ended as u8))
    }),
    ("process_create with more than may be handed over", || {
        fails(
            ask(&ProcessCreate { birth: vec![0; MAX_BIRTH + 1], program: String::new(), child: true }),
            Error::Invalid,
        )
    }),
    ("stream_share: what was left is given until it is forgotten", || {
        let (_, fd) = text(open("file:C:/rw/shared", access::WRITE, Disposition::Create, Expect::File))?;
        let file = File::from(fd.ok_or("no descriptor")?);
        let token = text(leave(&file))?;
        file.write_all_at(b"left", 0).map_err(|error| error.to_string())?;
        drop(file);
        let given = text(ask(&StreamShare { token, forget: false }))?.1.ok_or("no descriptor")?;
        is(File::from(given).metadata().map_err(|error| error.to_string())?.len(), 4)?;
        is(text(ask(&StreamShare { token, forget: true }))?.1.is_none(), true)?;
        fails(ask(&StreamShare { token, forget: false }), Error::NotFound)
    }),
    ("stream_share of a pipe, of nothing, and of what nobody left", || {
        fails(leave(&std::io::stdin()), Error::Unsupported)?;
        fails(ask(&StreamShare { token: 0, forget: false }), Error::Invalid)?;
        fails(ask(&StreamShare { token: u64::MAX, forget: true }), Error::NotFound)
    }),
    ("process_terminate of nobody", || fails(ask(&ProcessTerminate { process: 77, status: 0 }), Error::NotFound)),
    ("memory: is one for all who open it, and not to be cut", || {
        let open = |uri: &str| text(open(uri, access::READ | access::WRITE, Disposition::Open, Expect::Any));
        let take = |uri: &str| open(uri)?.1.map(File::from).ok_or_else(|| "no descriptor".to_owned());
        let (one, other) = (take("memory:")?, take("memory:")?);
        one.write_all_at(b"shared", 4096).map_err(|error| error.to_string())?;
        let mut bytes = [0; 6];
        other.read_exact_at(&mut bytes, 4096).map_err(|error| error.to_string())?;
        is(&bytes, b"shared")?;
        one.write_all_at(&[0; 6], 4096).map_err(|error| error.to_string())?;
        is((one.set_len(0).is_err(), one.set_len(1 << 40).is_err()), (true, true))?;
        is(take("living:")?.write_all_at(&[1; 4], 4).is_err(), true)
    }),
    ("every lane answers", || {
        for lane in descriptor::LANES..descriptor::PAGES {
            text(ask_on(lane, &StreamQueryName { uri: "file:C:/rw/file.txt".into() }))?;
        }
        Ok(())
    }),
    ("page: what goes through it is answered as a datagram is", || {
        let query = StreamQueryName { uri: "file:C:/rw/FILE.txt".into() };
        let open = StreamOpen {
            uri: "file:C:/rw/file.txt".into(),
            access: access::READ,
            disposition: Disposition::Open,
            expect: Expect::File,
            attributes: 0,
        };
        let page = page()?;
        // As often as it takes until the page served often; a host that never looks is in its right.
        let (start, mut served) = (std::time::Instant::now(), 0);
        while served < 500 && start.elapsed().as_secs() < 3 {
            let (through, named) = ask_beside(page, &query);
            is(text(named)?.0.uri.as_str(), "file:C:/rw/file.txt")?;
            let (too, opened) = ask_beside(page, &open);
            let mut content = String::new();
            let file = text(opened)?.1.ok_or("no descriptor")?;
            File::from(file).read_to_string(&mut content).map_err(|error| error.to_string())?;
            is(content.as_str(), "content")?;
            served += u32::from(through) + u32::from(too);
        }
        Ok(())
    }),
    ("image: opens a system file by its name, which may be changed in the sandbox's own layer", || {
        let (opened, fd) =
            text(open("file:C:/windows/system32/ntdll.dll", access::READ, Disposition::Open, Expect::File))?;
        let mut head = [0; 2];
        File::from(fd.ok_or("no descriptor")?).read_exact(&mut head).map_err(|error| error.to_string())?;
        is((&head, opened.info.writable), (b"MZ", true))
    }),
];

/// A further picoprocess that stays until it is ended.
fn further() -> ProcessCreate {
    ProcessCreate { birth: b"stay".to_vec(), program: String::new(), child: true }
}

/// Who lives in a member's place.
fn living(number: u32) -> std::result::Result<u32, String> {
    let (_, fd) = text(open("living:", access::READ, Disposition::Open, Expect::Any))?;
    let mut raw = [0; 4];
    let file = File::from(fd.ok_or("no descriptor")?);
    file.read_exact_at(&mut raw, u64::from(place(number)) * 4).map_err(|error| error.to_string())?;
    Ok(u32::from_le_bytes(raw))
}

/// Waits until a member has ended.
fn ended(number: u32) -> std::result::Result<(), String> {
    let start = std::time::Instant::now();
    while living(number)? == number {
        if start.elapsed().as_secs() > 20 {
            return Err(format!("{number} still lives"));
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    Ok(())
}

/// Runs every case and says how it went, then reports and ends.
pub fn main() -> ! {
    let mut bytes = Vec::new();
    // SAFETY: the boot block's descriptor, which nobody else in this process uses.
    let mut pipe = unsafe { File::from_raw_fd(descriptor::BOOT) };
    // To the end: of one that another made that is behind what it is told.
    let read = pipe.read_to_end(&mut bytes).map_err(|_| Error::Io);
    let length = bytes.first_chunk().map_or(0, |length| u32::from_le_bytes(*length) as usize);
    let (block, told) = bytes.get(4..).and_then(|rest| rest.split_at_checked(length)).unwrap_or_default();
    let boot: Result<Boot> = read.and_then(|_| wire::decode(block));
    if boot.as_ref().is_ok_and(|boot| boot.born) {
        if wire::decode(told).is_ok_and(|told: Told| told.birth == b"stay") {
            std::thread::sleep(std::time::Duration::from_secs(600));
        }
        std::process::exit(0);
    }
    let mut failed = 0;
    let mut say = |name: &str, result: std::result::Result<(), String>| {
        if let Err(why) = &result {
            failed += 1;
            println!("conformance::{name}: {why}");
        }
        println!("test conformance::{name} ... {}", if result.is_ok() { "ok" } else { "FAILED" });
    };
    say(
        "initialise: the boot block names the program and its mounts",
        text(boot).and_then(|boot| {
            let mounts: Vec<_> = boot.mounts.iter().map(|mount| (mount.guest.to_lowercase(), mount.writable)).collect();
            let has = |guest: &str, writable| {
                mounts.iter().any(|(at, rw)| at.trim_end_matches('/') == guest && *rw == writable)
            };
            is(
                (boot.program.to_lowercase().ends_with("program.exe"), has("c:/ro", false), has("c:/rw", true)),
                (true, true, true),
            )
            .map_err(|error| format!("{error}: {boot:?}"))
        }),
    );
    for (name, case) in CASES.iter().chain(super::sockets::CASES) {
        say(name, case());
    }
    println!("end of the cases");
    let status = u32::from(failed > 0);
    let _ = ask(&ProcessReport { status, message: String::new() });
    std::process::exit(status as i32);
}
