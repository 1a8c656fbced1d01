//! Unit tests of serving a lane.

use super::*;
use crate::guest::GuestPath;
use crate::locate::tests::Temporary;
use crate::names::{Kind, Names};
use crate::terminal::Terminal;
use shim_abi::calls::*;
use shim_abi::net::SocketCall;
use shim_abi::stream::{Disposition, Expect, Identity};
use std::fs;

/// A broker with one writable mount at W:.
pub(crate) fn broker(dir: &Temporary, roots: bool) -> Broker {
    let open = |name: &str| -> OwnedFd {
        let path = dir.0.join(name);
        fs::create_dir_all(&path).unwrap();
        fs::File::open(path).unwrap().into()
    };
    let mut names = Names::new(None);
    let root = open("granted");
    let volume = crate::host::volume(&crate::sys::statx(&root, c"").unwrap());
    let host = dir.0.join("granted");
    names.mount(GuestPath::parse("W:\\").unwrap(), host, root, volume, true, Kind::Granted);
    let log = fs::File::options().write(true).open("/dev/null").unwrap().into();
    Broker::new(names, Terminal::default(), open("scratch"), log, crate::family::Family::new(None).unwrap(), roots)
}

/// One request of every kind.
fn requests() -> Vec<Vec<u8>> {
    let uri = || String::from("file:W:/sub/Name.txt");
    let identity = || Identity { volume: 1, number: 2 };
    let open = StreamOpen {
        uri: uri(),
        access: 3,
        disposition: Disposition::OpenOrCreate,
        expect: Expect::Any,
        attributes: 0x20,
    };
    let names = vec!["Name.txt".into(), "other".into()];
    let several = StreamOpenSeveral { uri: "file:W:/sub".into(), names, changes: true };
    let rename = StreamRename { from: uri(), identity: identity(), to: "file:W:/b".into(), replace: true, link: false };
    let set = StreamSetAttributes {
        uri: uri(),
        identity: identity(),
        attributes: Some(1),
        created: Some(2),
        accessed: None,
        written: Some(i64::MIN),
    };
    let all = [
        wire::request(&open),
        wire::request(&several),
        wire::request(&rename),
        wire::request(&set),
        wire::request(&StreamDelete { uri: uri(), identity: identity() }),
        wire::request(&StreamQueryName { uri: uri() }),
        wire::request(&StreamEnumerate { uri: "file:W:/sub".into(), only_names: false }),
        wire::request(&VolumeQuery { uri: uri() }),
        wire::request(&TerminalQuery {}),
        wire::request(&TerminalSetMode { raw: true }),
        wire::request(&ThreadSetPriority { thread: 1, nice: 1, processors: 0, slack: 0 }),
        wire::request(&ProcessReport { status: 1, message: "why".into() }),
        wire::request(&ProcessCreate { birth: vec![1, 2, 3], program: String::new(), child: true }),
        wire::request(&StreamWaitClient {}),
        wire::request(&Socket { call: SocketCall::Listen { backlog: 3 } }),
        wire::request(&Socket { call: SocketCall::Resolve { name: "a.example".into() } }),
    ];
    all.into_iter().map(|request| request.unwrap()).collect()
}

/// A client that is no process.
fn nobody() -> Client {
    Client::new(nix::unistd::Pid::from_raw(0), Arc::new(Pages::new().unwrap()))
}

#[test]
fn no_damaged_request_harms_the_monitor_or_its_neighbours() {
    let dir = Temporary::new();
    let broker = broker(&dir, true);
    fs::create_dir_all(dir.0.join("granted/sub")).unwrap();
    fs::write(dir.0.join("neighbour"), "untouched").unwrap();
    let requests = requests();
    // A fixed sequence of numbers (xorshift), so that what fails fails again.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let (mut answered, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let mut frame = requests[next(requests.len())].clone();
        for _ in 0..next(4) {
            match next(3) {
                0 => {
                    let at = next(frame.len());
                    frame[at] = next(256) as u8;
                }
                1 => frame.truncate(next(frame.len()).max(1)),
                _ => frame.insert(next(frame.len()), b"./\\:*\0\xff"[next(7)]),
            }
        }
        match answer(&broker, &nobody(), &frame, None) {
            Ok((reply, descriptors)) => {
                answered += 1;
                assert!(reply.len() >= 4 && reply.len() <= MAX_FRAME && descriptors.len() <= shim_abi::MAX_DESCRIPTORS);
            }
            Err(_) => refused += 1,
        }
    }
    assert!(answered > 1000 && refused > 1000, "{answered} {refused}");
    assert_eq!(fs::read(dir.0.join("neighbour")).unwrap(), b"untouched");
    assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 3);
}

/// Both ends of a lane.
fn lane() -> (Lane, OwnedFd) {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
    let flags = SockFlag::SOCK_CLOEXEC;
    let (socket, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).unwrap();
    (Lane { socket, number: 1, pages: Arc::new(Pages::new().unwrap()), client: Arc::new(nobody()) }, theirs)
}

#[test]
fn a_closed_lane_ends_its_thread_without_a_word() {
    use nix::sys::socket::send;
    let dir = Temporary::new();
    let (broker, room) = (broker(&dir, true), Room::new(2));
    let (ours, theirs) = lane();
    drop(theirs);
    assert_eq!(serve(&ours, &broker, &room), Ok(()));
    let (ours, theirs) = lane();
    send(theirs.as_raw_fd(), &[9, 9, 9, 9], MsgFlags::empty()).unwrap();
    assert_eq!(serve(&ours, &broker, &room), Err(Hostile::Header));
}

/// Sends a request with descriptors.
fn send_with(theirs: &OwnedFd, request: &[u8], descriptors: &[std::os::fd::RawFd]) {
    let control = [ControlMessage::ScmRights(descriptors)];
    sendmsg::<()>(theirs.as_raw_fd(), &[IoSlice::new(request)], &control, MsgFlags::empty(), None).unwrap();
}

#[test]
fn descriptors_come_one_at_a_time_and_to_be_left_only() {
    let dir = Temporary::new();
    let (broker, room) = (broker(&dir, true), Room::new(2));
    let file = fs::File::create(dir.0.join("left")).unwrap();
    let share = wire::request(&calls::StreamShare { token: 0, forget: false }).unwrap();
    let query = wire::request(&calls::TerminalQuery {}).unwrap();
    for (request, count) in [(&query, 1), (&share, 2), (&share, 3)] {
        let (ours, theirs) = lane();
        send_with(&theirs, request, &vec![file.as_raw_fd(); count]);
        assert_eq!(serve(&ours, &broker, &room), Err(Hostile::Descriptors), "{count}");
    }
    let (ours, theirs) = lane();
    send_with(&theirs, &share, &[file.as_raw_fd()]);
    let mut reply = [0; 64];
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(serve(&ours, &broker, &room), Ok(())));
        let count = nix::sys::socket::recv(theirs.as_raw_fd(), &mut reply, MsgFlags::empty()).unwrap();
        assert_eq!(wire::read_reply::<u64>(&reply[..count]), Ok(1));
        drop(theirs);
    });
}

/// Asks as a picoprocess would; whether the reply came through the page.
fn ask(lane: &Lane, theirs: &OwnedFd, request: &[u8], patience: Duration) -> (bool, Vec<u8>) {
    use nix::sys::socket::{recv, send};
    let page = lane.pages.of(lane.number).unwrap();
    let mut reply = Vec::new();
    if page::ask(page, request, u32::MAX) {
        let start = Instant::now();
        while page::look(page, &mut reply) == page::Seen::Nothing && start.elapsed() < patience {}
        if page::sleep(page, &mut reply) == page::Seen::Reply {
            return (true, reply);
        }
    } else {
        send(theirs.as_raw_fd(), request, MsgFlags::empty()).unwrap();
    }
    reply.resize(MAX_FRAME, 0);
    let count = recv(theirs.as_raw_fd(), &mut reply, MsgFlags::empty()).unwrap();
    reply.truncate(count);
    (false, reply)
}

#[test]
fn calls_that_follow_each_other_go_through_the_page() {
    let dir = Temporary::new();
    let (broker, mut room) = (broker(&dir, true), Room::new(2));
    room.eager = true;
    let (ours, theirs) = lane();
    let query = |uri: String| wire::request(&StreamQueryName { uri }).unwrap();
    std::thread::scope(|scope| {
        let served = scope.spawn(|| serve(&ours, &broker, &room));
        let mut short = 0;
        for turn in 0..3000 {
            let missing = turn % 3 == 0;
            let uri = if missing { format!("file:W:/{turn}") } else { "file:W:/".into() };
            // Sometimes the reply is waited for, sometimes not.
            let patience = Duration::from_micros(turn % 2 * 10_000 + turn % 100);
            let (through, reply) = ask(&ours, &theirs, &query(uri), patience);
            let answer = wire::read_reply::<Named>(&reply).map(|named| named.uri);
            assert_eq!(answer, if missing { Err(Error::NotFound) } else { Ok("file:W:/".into()) });
            short += u32::from(through);
        }
        drop(theirs);
        nix::sys::socket::shutdown(ours.socket.as_raw_fd(), nix::sys::socket::Shutdown::Both).unwrap();
        assert_eq!(served.join().unwrap(), Ok(()));
        assert!(short > 0, "none went through the page");
    });
}

#[test]
fn no_scribbling_into_a_page_harms_the_monitor() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let dir = Temporary::new();
    let broker = broker(&dir, true);
    fs::create_dir_all(dir.0.join("granted/sub")).unwrap();
    let requests = requests();
    let pages = Pages::new().unwrap();
    let (page, stop) = (pages.of(0).unwrap(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        // Asks for this and that, and changes it meanwhile.
        scope.spawn(|| {
            let mut state = 0x9e37_79b9_7f4a_7c15_u64;
            for request in requests.iter().cycle() {
                let _ = page::ask(page, request, u32::MAX);
                for _ in 0..8 {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    page[32 + (state >> 33) as usize % 24].store(state, Ordering::Relaxed);
                }
                if state >> 60 == 0 {
                    page[page::CALL].store(state, Ordering::Relaxed);
                }
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let (mut copy, mut told) = (Vec::new(), 0);
        for _ in 0..20_000 {
            page::listen(page, true);
            match look(page, Duration::from_micros(100), &mut copy) {
                Ok(true) => {
                    assert!(copy.len() <= page::ROOM);
                    let _ = answer(&broker, &nobody(), &copy, None).map(|(reply, _)| page::reply(page, &reply));
                    told += 1;
                }
                Ok(false) => {}
                Err(hostile) => assert_eq!(hostile, Hostile::Page),
            }
        }
        stop.store(true, Ordering::Relaxed);
        assert!(told > 0);
    });
    assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 2);
}

#[test]
fn nonsense_in_a_page_is_hostile() {
    use std::sync::atomic::Ordering;
    let pages = Pages::new().unwrap();
    let page = pages.of(0).unwrap();
    let mut copy = Vec::new();
    page::listen(page, true);
    assert_eq!(look(page, Duration::ZERO, &mut copy), Ok(false));
    for word in [2, 1 << 32 | 1 << 20, u64::MAX] {
        page[page::CALL].store(word, Ordering::Relaxed);
        assert_eq!(look(page, Duration::MAX, &mut copy), Err(Hostile::Page), "{word:#x}");
    }
}
