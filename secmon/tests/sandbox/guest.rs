//! The picoprocess's side.

use shim_abi::MAX_FRAME;
use shim_abi::boot::{Boot, descriptor};
use shim_abi::calls::*;
use shim_abi::error::{Error, Result};
use shim_abi::page;
use shim_abi::stream::{Disposition, Entry, Expect, Kind, access, attributes};
use shim_abi::wire::{self, MonitorCall};
use std::fs::File;
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, send, sendmsg};

const LANE: RawFd = descriptor::LANES;

fn exchange(lane: RawFd, request: &[u8]) -> Option<(Vec<u8>, Option<OwnedFd>)> {
    send(lane, request, MsgFlags::MSG_NOSIGNAL).ok()?;
    let mut buffer = vec![0; MAX_FRAME];
    let mut control = nix::cmsg_space!([RawFd; 4]);
    let mut into = [IoSliceMut::new(&mut buffer)];
    let message = recvmsg::<()>(lane, &mut into, Some(&mut control), MsgFlags::MSG_CMSG_CLOEXEC).ok()?;
    let count = message.bytes;
    let mut descriptor = None;
    for one in message.cmsgs().ok()? {
        if let ControlMessageOwned::ScmRights(fds) = one {
            for fd in fds {
                #[allow(unsafe_code)]
                // SAFETY: the kernel just gave it to this process.
                let fd = unsafe { OwnedFd::from_raw_fd(fd) };
                descriptor = Some(fd);
            }
        }
    }
    (count > 0).then(|| (buffer[..count].to_vec(), descriptor))
}

pub fn ask<C: MonitorCall>(call: &C) -> Result<(C::Reply, Option<OwnedFd>)> {
    let (reply, descriptor) = exchange(LANE, &wire::request(call)?).ok_or(Error::Closed)?;
    Ok((wire::read_reply(&reply)?, descriptor))
}

fn open(uri: &str, access: u32, disposition: Disposition, expect: Expect) -> Result<(Opened, Option<OwnedFd>)> {
    ask(&StreamOpen { uri: uri.into(), access, disposition, expect, attributes: 0 })
}

fn read(uri: &str) -> Result<String> {
    let (_, fd) = open(uri, access::READ, Disposition::Open, Expect::File)?;
    let mut text = String::new();
    File::from(fd.ok_or(Error::Malformed)?).read_to_string(&mut text).map_err(|_| Error::Io)?;
    Ok(text)
}

fn write(uri: &str, text: &str) -> Result {
    let (_, fd) = open(uri, access::WRITE, Disposition::OverwriteOrCreate, Expect::File)?;
    File::from(fd.ok_or(Error::Malformed)?).write_all(text.as_bytes()).map_err(|_| Error::NoSpace)
}

fn list(uri: &str) -> Result<Vec<Entry>> {
    let (listing, fd) = ask(&StreamEnumerate { uri: uri.into(), only_names: false })?;
    let Some(fd) = fd else { return Ok(listing.entries) };
    let mut bytes = Vec::new();
    File::from(fd).read_to_end(&mut bytes).map_err(|_| Error::Io)?;
    assert_eq!(bytes.len() as u64, listing.bytes);
    wire::decode(&bytes)
}

fn names(uri: &str) -> Vec<String> {
    let mut names: Vec<String> = list(uri).unwrap().into_iter().map(|entry| entry.name).collect();
    names.sort();
    names
}

/// Ends with a status, and with what to say about it.
fn finish(status: u32, message: &str) -> ! {
    let _ = ask(&ProcessReport { status, message: message.into() });
    std::process::exit(status as i32 & 0xff);
}

/// Sends bytes and waits for what the monitor makes of them: the end of this process.
fn hostile(bytes: &[u8]) {
    let _ = exchange(LANE, bytes);
    std::thread::sleep(std::time::Duration::from_secs(20));
    finish(1, "the monitor let it pass");
}

pub fn main() -> ! {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let _ = ask(&ProcessReport { status: 101, message: info.to_string() });
        previous(info);
        std::process::exit(101);
    }));
    let mut bytes = Vec::new();
    #[allow(unsafe_code)]
    // SAFETY: the boot block's descriptor, which nobody else in this process uses.
    let mut boot = unsafe { File::from_raw_fd(descriptor::BOOT) };
    boot.read_to_end(&mut bytes).unwrap();
    let (length, block) = bytes.split_first_chunk().unwrap();
    assert_eq!(u32::from_le_bytes(*length) as usize, block.len());
    let boot: Boot = wire::decode(block).unwrap();
    let what = boot.arguments.get(1).cloned().unwrap_or_default();
    match what.as_str() {
        "status" => finish(boot.arguments[2].parse().unwrap(), ""),
        "crash" => finish(0xc000_0005, "access violation\u{1b}[31m at 0"),
        "abort" => {
            // As process 1 it must be ended from outside, or by a fault that cannot be ignored.
            #[allow(unsafe_code)]
            // SAFETY: never returns, which is what is wanted.
            unsafe {
                std::ptr::null_mut::<u8>().write_volatile(1)
            };
        }
        "boot" => boot_block(&boot, bytes.len()),
        "walls" => walls(),
        "names" => names_are_confined(),
        "files" => files(),
        "scratch" => scratch(),
        "lists" => lists(),
        "absent" => absent(),
        "fill" => fill(),
        "memory" => memory(),
        "sleep" => std::thread::sleep(std::time::Duration::from_secs(60)),
        "started" => {
            println!("started");
            std::thread::sleep(std::time::Duration::from_secs(60));
        }
        "garbage" => hostile(&[0xff; 100]),
        "short" => hostile(&[1]),
        "version" => hostile(&[2, 0, 30, 0]),
        "number" => hostile(&[1, 0, 0xff, 0xff]),
        "direct" => hostile(&[1, 0, 1, 0]),
        "cut" => {
            let whole = wire::request(&StreamQueryName { uri: "file:C:/app".into() }).unwrap();
            hostile(&whole[..whole.len() - 1]);
        }
        "longer" => {
            let mut whole = wire::request(&StreamQueryName { uri: "file:C:/app".into() }).unwrap();
            whole.push(0);
            hostile(&whole);
        }
        "huge" => hostile(&vec![1; MAX_FRAME + 100]),
        "descriptors" => {
            let whole = wire::request(&StreamQueryName { uri: "file:C:/app".into() }).unwrap();
            let fds = [0, 1, 2, 5, 5, 5, 5, 5];
            let control = [ControlMessage::ScmRights(&fds)];
            for _ in 0..100 {
                let sent = sendmsg::<()>(LANE, &[IoSlice::new(&whole)], &control, MsgFlags::MSG_DONTWAIT, None);
                if sent.is_err() {
                    break;
                }
            }
            hostile(&whole);
        }
        "page" => page(),
        "flood" => flood(),
        "terminal" => terminal(),
        "bench" => bench(),
        other => panic!("no such scenario: {other}"),
    }
    finish(0, "");
}

fn boot_block(boot: &Boot, length: usize) {
    assert_eq!(boot.program, "C:/app/program.exe");
    assert_eq!(boot.workdir, "C:/app");
    assert_eq!(boot.arguments[2..], ["ä b", ""]);
    assert_eq!(boot.environment, [("NAME".to_string(), "value=1".to_string())]);
    let mounts: Vec<(&str, bool)> = boot.mounts.iter().map(|mount| (mount.guest.as_str(), mount.writable)).collect();
    assert!(mounts.contains(&("C:/app", false)) && mounts.contains(&("C:/users/user", true)), "{mounts:?}");
    use shim_abi::boot::Stdio::{Null, Pipe};
    assert_eq!((boot.memory, &boot.stdio[..]), (0, &[Null, Pipe, Pipe][..]));
    // It is not to be written.
    let again = File::from(dup(descriptor::BOOT));
    assert!((&again).write_all(b"x").is_err() && again.set_len(length as u64 + 1).is_err());
}

fn dup(fd: RawFd) -> OwnedFd {
    #[allow(unsafe_code)]
    // SAFETY: the descriptor is open for as long as this process lives.
    let fd = unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) };
    fd.try_clone_to_owned().unwrap()
}

/// What must not be there even without the filter.
fn walls() {
    for fd in descriptor::FIRST_FREE..1000 {
        // Descriptor 3 was taken over by `main`, and everything above the lanes is closed.
        assert!(nix::fcntl::fcntl(borrow(fd), nix::fcntl::FcntlArg::F_GETFD).is_err(), "descriptor {fd} is open");
    }
    // Nothing of the host's environment, but what the monitor itself tells the C library.
    assert!(std::env::vars_os().all(|(name, _)| name == "GLIBC_TUNABLES"));
    assert_eq!(std::fs::read_dir("/").unwrap().count(), 0);
    assert!(std::fs::create_dir("/x").is_err() && std::fs::read_dir("..").unwrap().count() == 0);
    for path in ["/proc/self", "/dev/null", "/etc/passwd", "/tmp"] {
        assert!(std::fs::metadata(path).is_err(), "{path}");
    }
    assert_eq!((std::process::id(), nix::unistd::getuid().as_raw()), (1, 65534));
    assert!(std::net::TcpStream::connect("127.0.0.1:22").is_err());
    assert!(nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).is_err());
    assert!(nix::mount::umount("/").is_err() && nix::unistd::chroot("/").is_err());
    assert!(nix::unistd::setuid(nix::unistd::Uid::from_raw(0)).is_err());
    assert_eq!(nix::sys::prctl::get_no_new_privs(), Ok(true));
    let limit = |resource| nix::sys::resource::getrlimit(resource).unwrap();
    assert_eq!(limit(nix::sys::resource::Resource::RLIMIT_CORE), (0, 0));
    assert!(limit(nix::sys::resource::Resource::RLIMIT_NOFILE).1 <= 4096);
}

fn borrow(fd: RawFd) -> std::os::fd::BorrowedFd<'static> {
    #[allow(unsafe_code)]
    // SAFETY: only asked whether it is open.
    unsafe {
        std::os::fd::BorrowedFd::borrow_raw(fd)
    }
}

/// Every form of name that might lead out of a grant; D: is a folder whose neighbour `outside` is not granted.
fn names_are_confined() {
    assert_eq!(read("file:D:/inside.txt").as_deref(), Ok("inside"));
    assert_eq!(read("file:d:/INSIDE.TXT").as_deref(), Ok("inside"));
    assert_eq!(read("file:D:/good-link").as_deref(), Ok("inside"));
    for (uri, expected) in [
        ("file:D:/../outside.txt", Error::NameInvalid),
        ("file:D:/./inside.txt", Error::NameInvalid),
        ("file:D://etc/passwd", Error::NameInvalid),
        ("file:D:/sub\\..\\..\\outside.txt", Error::NameInvalid),
        ("file:D:/inside.txt\0", Error::NameInvalid),
        ("file:/etc/passwd", Error::NameInvalid),
        ("file:D:/link-up", Error::AccessDenied),
        ("file:D:/LINK-UP", Error::AccessDenied),
        ("file:D:/link-absolute", Error::AccessDenied),
        ("file:D:/link-magic", Error::AccessDenied),
        ("file:D:/link-folder/outside.txt", Error::AccessDenied),
        ("file:D:/LINK-FOLDER/OUTSIDE.TXT", Error::AccessDenied),
        ("file:D:/fifo", Error::AccessDenied),
        ("file:D:/socket", Error::AccessDenied),
        ("file:D:/none", Error::NotFound),
        ("file:D:/none/none", Error::PathNotFound),
        ("file:D:/inside.txt/none", Error::NotDirectory),
        ("file:D:/sub", Error::IsDirectory),
        ("file:E:/x", Error::NotVisible),
        ("file:C:/data/x", Error::NotVisible),
        ("file:C:/windows/system32/none.dll", Error::NotFound),
        ("image:../etc/passwd", Error::NameInvalid),
        ("image:none", Error::NotFound),
        ("tcp:127.0.0.1:22", Error::Unsupported),
    ] {
        assert_eq!(read(uri), Err(expected), "{uri}");
    }
    assert_eq!(read("file:C:/Windows/SYSTEM32/sample.dll").as_deref(), Ok("sample"));
    assert_eq!(read("image:hive").as_deref(), Ok("the hive"));
    // D: is granted for reading only.
    for uri in ["file:D:/inside.txt", "file:D:/new.txt"] {
        assert_eq!(write(uri, "x"), Err(Error::ReadOnly), "{uri}");
    }
    // What is written to the image, or beside it, lies in the throw-away layer.
    for uri in ["file:C:/windows/system32/sample.dll", "file:C:/windows/new", "file:C:/new"] {
        write(uri, "of the sandbox").unwrap();
        assert_eq!(read(uri).as_deref(), Ok("of the sandbox"), "{uri}");
    }
    assert_eq!(write("image:hive", "x"), Err(Error::ReadOnly));
    for uri in ["file:C:/data/x", "file:C:/windows/none/x"] {
        assert!(matches!(write(uri, "x"), Err(Error::NotVisible | Error::PathNotFound)), "{uri}");
    }
    let (named, _) = ask(&StreamQueryName { uri: "file:D:/INSIDE.txt".into() }).unwrap();
    assert_eq!(named.uri, "file:D:/inside.txt");
    assert!(!named.info.writable && named.info.size == 6);
    let identity = named.info.identity;
    for to in ["file:D:/other.txt", "file:W:/stolen.txt"] {
        let rename = StreamRename {
            from: "file:D:/inside.txt".into(),
            identity: identity.clone(),
            to: to.into(),
            replace: true,
            link: true,
        };
        assert_eq!(ask(&rename).unwrap_err(), Error::ReadOnly);
    }
    assert_eq!(ask(&StreamDelete { uri: "file:D:/inside.txt".into(), identity }).unwrap_err(), Error::ReadOnly);
    let folder = |uri: &str| open(uri, access::READ, Disposition::Open, Expect::Directory).map(|(_, fd)| fd.is_none());
    assert_eq!(folder("file:D:/"), Ok(true), "no descriptor of a folder is given away");
    assert_eq!(folder("file:C:/"), Ok(true));
    finish(3, "");
}

/// The life of files; W: may be written.
fn files() {
    let uri = "file:W:/Datei.txt";
    write(uri, "eins").unwrap();
    assert_eq!(open(uri, access::WRITE, Disposition::Create, Expect::File).unwrap_err(), Error::Exists);
    assert_eq!(open("file:W:/DATEI.TXT", 2, Disposition::Create, Expect::Any).unwrap_err(), Error::Exists);
    let (opened, _) = open("file:W:/DATEI.TXT", access::READ, Disposition::OpenOrCreate, Expect::Any).unwrap();
    assert_eq!((opened.uri.as_str(), opened.made, opened.info.size), (uri, false, 4));
    assert_eq!(opened.info.attributes, attributes::ARCHIVE);
    let identity = opened.info.identity.clone();

    // Attributes and times.
    let set = StreamSetAttributes {
        uri: uri.into(),
        identity: identity.clone(),
        attributes: Some(attributes::READONLY | attributes::HIDDEN),
        created: Some(1_000_000_000_000_000_000),
        accessed: None,
        written: Some(1_100_000_000_000_000_123),
    };
    ask(&set).unwrap();
    let info = ask(&StreamQueryName { uri: uri.into() }).unwrap().0.info;
    assert_eq!(info.attributes & attributes::READONLY, attributes::READONLY);
    assert_eq!(info.written, 1_100_000_000_000_000_123);
    // Where the host keeps extended attributes, these are kept, in listings too.
    let kept = info.attributes & attributes::HIDDEN != 0;
    assert!(!kept || info.created == 1_000_000_000_000_000_000);
    let listed = list("file:W:/").unwrap().into_iter().find(|entry| entry.name == "Datei.txt").unwrap();
    assert_eq!(listed.info, info);
    assert_eq!(write(uri, "zwei"), Err(Error::AccessDenied));
    ask(&StreamSetAttributes { attributes: Some(attributes::ARCHIVE), written: None, ..set }).unwrap();
    write(uri, "zwei").unwrap();
    assert_eq!(read(uri).as_deref(), Ok("zwei"));

    // Names.
    let rename = |from: &str, to: &str, replace, link| {
        let identity = ask(&StreamQueryName { uri: from.into() })?.0.info.identity;
        ask(&StreamRename { from: from.into(), identity, to: to.into(), replace, link }).map(|(uri, _)| uri)
    };
    assert_eq!(rename(uri, "file:W:/datei.txt", false, false).as_deref(), Ok("file:W:/datei.txt"));
    write("file:W:/Other.txt", "other").unwrap();
    assert_eq!(rename("file:W:/datei.txt", "file:W:/OTHER.txt", false, false), Err(Error::Exists));
    assert_eq!(rename("file:W:/datei.txt", "file:W:/OTHER.txt", true, false).as_deref(), Ok("file:W:/OTHER.txt"));
    assert_eq!(read("file:W:/other.TXT").as_deref(), Ok("zwei"));
    assert_eq!(names("file:W:/"), ["OTHER.txt"]);
    assert_eq!(rename("file:W:/OTHER.txt", "file:W:/second", false, true).as_deref(), Ok("file:W:/second"));
    assert_eq!(ask(&StreamQueryName { uri: "file:W:/second".into() }).unwrap().0.info.links, 2);
    assert_eq!(rename("file:W:/OTHER.txt", "file:W:/none/x", false, false), Err(Error::PathNotFound));
    assert_eq!(rename("file:W:/OTHER.txt", "file:C:/users/user/x", false, false), Err(Error::CrossDevice));

    // Folders.
    let make =
        |uri: &str| open(uri, access::READ, Disposition::Create, Expect::Directory).map(|(opened, _)| opened.made);
    assert_eq!(make("file:W:/Ordner"), Ok(true));
    assert_eq!(make("file:W:/ORDNER"), Err(Error::Exists));
    assert_eq!(make("file:W:/none/x"), Err(Error::PathNotFound));
    write("file:W:/ORDNER/a", "a").unwrap();
    let delete = |uri: &str| {
        let identity = ask(&StreamQueryName { uri: uri.into() })?.0.info.identity;
        ask(&StreamDelete { uri: uri.into(), identity }).map(|_| ())
    };
    assert_eq!(delete("file:W:/ordner"), Err(Error::NotEmpty));
    assert_eq!(rename("file:W:/Ordner", "file:W:/Ordner/in", false, false), Err(Error::Invalid));
    assert_eq!(rename("file:W:/second", "file:W:/ordner", true, false), Err(Error::IsDirectory));
    assert_eq!(delete("file:W:/ordner/A"), Ok(()));
    assert_eq!(delete("file:W:/ordner"), Ok(()));
    assert_eq!(delete("file:W:/"), Err(Error::Busy));
    // What was opened is no longer what the name means.
    let gone = ask(&StreamDelete { uri: "file:W:/second".into(), identity: identity.clone() });
    assert!(gone.is_ok());
    write("file:W:/second", "another").unwrap();
    let stale = ask(&StreamDelete { uri: "file:W:/second".into(), identity }).unwrap_err();
    assert_eq!(stale, Error::Stale);
    let volume = ask(&VolumeQuery { uri: "file:W:/second".into() }).unwrap().0;
    assert!(volume.writable && volume.total >= volume.free && volume.free > 0);
}

fn scratch() {
    write("file:C:/users/USER/AppData/local/TEMP/x.txt", "x").unwrap();
    write("file:C:/windows/TEMP/y.txt", "y").unwrap();
    write("file:C:/ProgramData/z.txt", "z").unwrap();
    write("file:C:/Users/public/documents/p.txt", "p").unwrap();
    assert_eq!(read("file:C:/Windows/temp/Y.TXT").as_deref(), Ok("y"));
    assert!(names("file:C:/users/user").contains(&"Documents".to_string()));
    assert!(names("file:C:/users").contains(&"user".to_string()));
    let mut large = String::new();
    let chunk = "x".repeat(1 << 20);
    while large.len() < 40 << 20 {
        large.push_str(&chunk);
    }
    assert_eq!(write("file:C:/users/user/large", &large), Err(Error::NoSpace));
}

fn lists() {
    let names = names("file:C:/");
    assert_eq!(names, ["ProgramData", "app", "users", "windows"]);
    let kinds = |uri: &str| {
        let mut all: Vec<(String, Kind)> =
            list(uri).unwrap().into_iter().map(|entry| (entry.name, entry.info.kind)).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    };
    let expect = |uri: &str, expected: &[(&str, Kind)]| {
        let seen = kinds(uri);
        let seen: Vec<(&str, Kind)> = seen.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
        assert_eq!(seen, expected, "{uri}");
    };
    use Kind::{Directory, File};
    expect("file:C:/windows", &[("System32", Directory), ("temp", Directory)]);
    expect("file:C:/WINDOWS/system32", &[("sample.dll", File)]);
    // Neither FIFOs, sockets, names that Windows cannot have, nor links that lead out or nowhere.
    expect("file:D:/", &[("good-link", File), ("inside.txt", File), ("nested", Directory), ("sub", Directory)]);
    expect("file:D:/nested", &[("deep", Directory)]);
    expect("file:D:/nested/deep", &[]);
    assert_eq!(list("file:D:/inside.txt").unwrap_err(), Error::NotDirectory);
    assert_eq!(list("file:D:/none").unwrap_err(), Error::NotFound);
    assert_eq!(list("file:C:/none").unwrap_err(), Error::NotVisible);
    let many = list("file:M:/").unwrap();
    assert_eq!(many.len(), 3000);
    assert!(many.iter().all(|entry| entry.info.size == 3 && entry.name.starts_with("a rather long name")));
}

fn absent() {
    assert_eq!(ask(&StreamWaitClient {}).unwrap_err(), Error::Invalid);
    assert_eq!(
        ask(&ProcessCreate { birth: vec![1; 65], program: String::new(), child: true }).unwrap_err(),
        Error::Invalid
    );
    assert_eq!(ask(&ProcessTerminate { process: 2, status: 0 }).unwrap_err(), Error::NotFound);
    assert_eq!(ask(&TerminalQuery {}).unwrap_err(), Error::NotFound);
    let priority = |thread, nice| ask(&ThreadSetPriority { thread, nice, processors: 0, slack: 0 }).map(|_| ());
    assert_eq!(priority(1, 5), Ok(()));
    assert_eq!(priority(1, -20), Ok(()));
    assert_eq!(priority(77, 5), Err(Error::NotFound));
    assert_eq!((priority(0, 5), priority(1, 20)), (Err(Error::Invalid), Err(Error::Invalid)));
    let (_, changes) = ask(&StreamWatch { uri: "file:W:/".into(), recursive: true }).unwrap();
    write("file:W:/watched", "").unwrap();
    let mut buffer = [0; 1000];
    let count = nix::sys::socket::recv(changes.unwrap().as_raw_fd(), &mut buffer, MsgFlags::empty()).unwrap();
    assert_eq!(wire::decode(&buffer[..count]), Ok(Change { action: 1, path: "watched".into() }));
    let (_, log) = open("log:", access::WRITE, Disposition::Open, Expect::Any).unwrap();
    File::from(log.unwrap()).write_all(b"a line of the trace\n").unwrap();
    // Every lane serves.
    let request = wire::request(&StreamQueryName { uri: "file:W:/".into() }).unwrap();
    for lane in descriptor::LANES..descriptor::PAGES {
        assert!(exchange(lane, &request).is_some());
    }
}

/// Opens as many as it can without closing any, then some more.
fn fill() {
    let mut open_ones = Vec::new();
    for _ in 0..5000 {
        match open("file:D:/inside.txt", access::READ, Disposition::Open, Expect::Any) {
            Ok((_, Some(fd))) => open_ones.push(fd),
            // The kernel drops what does not fit, and says so to the runtime alone.
            Ok((_, None)) | Err(_) => break,
        }
    }
    assert!(open_ones.len() < 4096 && open_ones.len() > 1000, "{}", open_ones.len());
    drop(open_ones);
    assert_eq!(read("file:D:/inside.txt").as_deref(), Ok("inside"));
}

fn memory() {
    let mut held = Vec::new();
    for _ in 0..200 {
        let mut block: Vec<u8> = Vec::new();
        if block.try_reserve_exact(1 << 20).is_err() {
            finish(42, "");
        }
        block.resize(1 << 20, 1);
        held.push(block);
    }
    finish(1, "200 MiB were had");
}

/// Asks until the monitor looks at the page, and writes nonsense there.
fn page() {
    use nix::sys::mman::{MapFlags, ProtFlags, mmap};
    use std::os::fd::BorrowedFd;
    use std::sync::atomic::Ordering;
    let length = std::num::NonZeroUsize::new(page::BYTES).unwrap();
    let prot = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    #[allow(unsafe_code)]
    // SAFETY: a new mapping of a file that cannot be cut, used as atomic words alone.
    let page: &page::Page = unsafe {
        let file = BorrowedFd::borrow_raw(descriptor::PAGES);
        mmap(None, length, prot, MapFlags::MAP_SHARED, file, 0).unwrap().cast().as_ref()
    };
    for length in [0, 100, 1 << 20] {
        #[allow(unsafe_code)]
        // SAFETY: as above; the descriptor stays open.
        let file = unsafe { BorrowedFd::borrow_raw(descriptor::PAGES) };
        assert!(nix::unistd::ftruncate(file, length).is_err());
    }
    let request = wire::request(&StreamQueryName { uri: "file:C:/app".into() }).unwrap();
    // On no processor that the monitor knows.
    assert!(!page::ask(page, &request, u32::MAX));
    let start = std::time::Instant::now();
    while start.elapsed().as_secs() < 15 {
        exchange(LANE, &request).unwrap();
        // 1: the monitor looks.
        if page[page::CALL].compare_exchange(1, u64::MAX, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            std::thread::sleep(std::time::Duration::from_secs(20));
        }
    }
    finish(3, "the monitor never looked");
}

/// Requests without reading a single reply, on every lane at once.
fn flood() {
    let request = wire::request(&StreamEnumerate { uri: "file:M:/".into(), only_names: false }).unwrap();
    for _ in 0..2000 {
        for lane in descriptor::LANES..descriptor::PAGES {
            let _ = send(lane, &request, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL);
        }
    }
    println!("started");
    std::thread::sleep(std::time::Duration::from_secs(60));
}

fn terminal() {
    let size = ask(&TerminalQuery {}).unwrap().0;
    println!("size {} {}", size.columns, size.rows);
    for _ in 0..3 {
        let mut event = [0; 8];
        assert_eq!(nix::sys::socket::recv(descriptor::EVENTS, &mut event, MsgFlags::empty()), Ok(1));
        println!("event {}", event[0]);
    }
    ask(&TerminalSetMode { raw: true }).unwrap();
    println!("raw");
    let mut key = [0; 8];
    let count = std::io::stdin().read(&mut key).unwrap();
    assert_eq!(count, 1);
    println!("key {}", key[0]);
    finish(5, "");
}

fn bench() {
    let time = |what: &str, count: u32, mut body: Box<dyn FnMut()>| {
        let start = std::time::Instant::now();
        (0..count).for_each(|_| body());
        println!("{what:<28} {:>8.0} ns", start.elapsed().as_nanos() as f64 / f64::from(count));
    };
    let query = || ask(&TerminalQuery {}).map(drop).unwrap_or(());
    time("round trip", 20_000, Box::new(query));
    time(
        "open + close, read",
        20_000,
        Box::new(|| drop(open("file:D:/inside.txt", 1, Disposition::Open, Expect::Any))),
    );
    time(
        "open + close, other case",
        20_000,
        Box::new(|| drop(open("file:D:/INSIDE.txt", 1, Disposition::Open, Expect::Any))),
    );
    time("open of what is missing", 20_000, Box::new(|| drop(open("file:D:/none", 1, Disposition::Open, Expect::Any))));
    time("query name", 20_000, Box::new(|| drop(ask(&StreamQueryName { uri: "file:D:/inside.txt".into() }))));
    time(
        "open + close, image",
        20_000,
        Box::new(|| drop(open("file:C:/windows/system32/sample.dll", 1, Disposition::Open, Expect::Any))),
    );
    time("list 3000 files", 20, Box::new(|| drop(list("file:M:/"))));
}
