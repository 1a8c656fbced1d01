//! Serves a lane: a socket on which a picoprocess sends one request at a time and gets one reply to each, and the page beside
//! it, which spares both sides the socket as long as [`patience`] lets the thread look at it.
//!
//! Everything that arrives is taken as hostile. A datagram that is no request of this version, that is too long, or that
//! brings descriptors ends the sandbox; nothing that arrives ends the monitor.

mod patience;

pub use patience::Room;

use patience::{LONGEST, Patience};

use crate::broker::Broker;
use crate::client::Client;
use crate::family::Wish;
use crate::pages::Pages;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, recvmsg, sendmsg};
use shim_abi::MAX_FRAME;
use shim_abi::boot::MAX_BIRTH;
use shim_abi::calls::{self, number};
use shim_abi::error::{Error, Result};
use shim_abi::page::{self, Page};
use shim_abi::wire::{self, Wire};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The monitor's end of a lane.
pub struct Lane {
    /// The socket.
    pub socket: OwnedFd,
    /// Its number, from 0.
    pub number: usize,
    /// The pages, of which one is beside it.
    pub pages: Arc<Pages>,
    /// Whose it is.
    pub client: Arc<Client>,
}

impl Lane {
    /// Tells it apart from the sandbox's others.
    fn key(&self) -> usize {
        Arc::as_ptr(&self.client).addr().wrapping_add(self.number)
    }
}

impl AsFd for Lane {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Why a picoprocess is ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hostile {
    /// No request of this version.
    #[error("it sent a message that is no request of version {} of the ABI", shim_abi::VERSION)]
    Header,
    /// A request that does not follow its layout.
    #[error("it sent a {0} request that does not follow the wire layout")]
    Malformed(&'static str),
    /// Longer than a request may be.
    #[error("it sent a message longer than {MAX_FRAME} bytes")]
    TooLong,
    /// With descriptors, which no request has.
    #[error("it sent descriptors")]
    Descriptors,
    /// In a page.
    #[error("it wrote into a page beside its lanes what is no request")]
    Page,
}

/// Serves a lane until the picoprocess closes it or is gone.
///
/// # Errors
/// [`Hostile`]: the picoprocess is to be ended.
pub fn serve(lane: &Lane, broker: &Broker, room: &Room) -> std::result::Result<(), Hostile> {
    let Some(page) = lane.pages.of(lane.number) else { return Ok(()) };
    // One byte more than the longest request tells a longer one.
    let mut buffer = vec![0; MAX_FRAME + 1];
    let mut copy = Vec::with_capacity(page::ROOM + 8);
    let mut patience = Patience::new(room, lane.key());
    let mut awake = false;
    loop {
        let found = if awake { Some(look(page, LONGEST, &mut copy)?) } else { None };
        let request = if found == Some(true) {
            &copy[..]
        } else {
            match receive(lane.as_fd(), &mut buffer)? {
                Some(count) => &buffer[..count],
                None => return Ok(()),
            }
        };
        patience.came(found);
        let (reply, descriptor) = answer(broker, &lane.client, request)?;
        // Said before the reply, so that the next request finds it said.
        awake = patience.looks(page::processor(page));
        page::listen(page, awake);
        if descriptor.is_none() && page::reply(page, &reply) {
            continue;
        }
        if !send(lane.as_fd(), &reply, descriptor.as_ref()) {
            return Ok(());
        }
        page::sent(page);
    }
}

/// Looks for a request in a page, which is copied; whether one came in time.
fn look(page: &Page, window: Duration, copy: &mut Vec<u8>) -> std::result::Result<bool, Hostile> {
    let start = Instant::now();
    loop {
        // The clock is read seldom: looking at the page is what is to be fast.
        for _ in 0..16 {
            if page::request(page, copy).map_err(|_| Hostile::Page)? {
                return Ok(true);
            }
            std::hint::spin_loop();
        }
        if start.elapsed() >= window && page::doze(page) {
            return Ok(false);
        }
    }
}

/// Receives a request; its length, or nothing if the other end is closed.
fn receive(lane: BorrowedFd<'_>, buffer: &mut [u8]) -> std::result::Result<Option<usize>, Hostile> {
    let (count, flags) = loop {
        let mut into = [IoSliceMut::new(buffer)];
        // Without room for control messages the kernel closes descriptors that come along, and says so.
        match recvmsg::<()>(lane.as_raw_fd(), &mut into, None, MsgFlags::MSG_CMSG_CLOEXEC) {
            Ok(message) => break (message.bytes, message.flags),
            Err(Errno::EINTR) => {}
            Err(_) => return Ok(None),
        }
    };
    if flags.contains(MsgFlags::MSG_CTRUNC) {
        return Err(Hostile::Descriptors);
    }
    if count > MAX_FRAME || flags.contains(MsgFlags::MSG_TRUNC) {
        return Err(Hostile::TooLong);
    }
    Ok((count > 0).then_some(count))
}

/// Sends a reply; whether the other end is still there.
fn send(lane: BorrowedFd<'_>, reply: &[u8], descriptor: Option<&OwnedFd>) -> bool {
    let parts = [IoSlice::new(reply)];
    let raw = descriptor.map(|fd| [fd.as_raw_fd()]);
    let control = raw.as_ref().map(|raw| [ControlMessage::ScmRights(raw)]);
    let control = control.as_ref().map_or(&[][..], |control| &control[..]);
    loop {
        match sendmsg::<()>(lane.as_raw_fd(), &parts, control, MsgFlags::MSG_NOSIGNAL, None) {
            Ok(_) => return true,
            Err(Errno::EINTR) => {}
            // Too many descriptors are on their way already.
            Err(Errno::ETOOMANYREFS) if descriptor.is_some() => {
                return send(lane, &wire::reply::<()>(&Err(Error::TooManyOpen)), None);
            }
            Err(_) => return false,
        }
    }
}

type Reply = (Vec<u8>, Option<OwnedFd>);

/// A reply with a descriptor.
fn with_descriptor<T: Wire>(answer: Result<(T, Option<OwnedFd>)>) -> Reply {
    match answer {
        Ok((value, descriptor)) => (wire::reply(&Ok(value)), descriptor),
        Err(error) => (wire::reply::<()>(&Err(error)), None),
    }
}

fn plain<T: Wire>(answer: Result<T>) -> Reply {
    (wire::reply(&answer), None)
}

/// Answers one request.
fn answer(broker: &Broker, client: &Client, frame: &[u8]) -> std::result::Result<Reply, Hostile> {
    let (number, body) = wire::split_request(frame).map_err(|_| Hostile::Header)?;
    let call = calls::by_number(number).ok_or(Hostile::Header)?;
    tracing::trace!("{}", call.name);
    macro_rules! request {
        () => {
            wire::decode(body).map_err(|_| Hostile::Malformed(call.name))?
        };
    }
    macro_rules! absent {
        ($request:ty) => {{
            let _: $request = request!();
            plain::<()>(Err(Error::Unsupported))
        }};
    }
    Ok(match number {
        number::stream_open => with_descriptor(broker.stream_open(&request!())),
        number::stream_delete => plain(broker.stream_delete(&request!())),
        number::stream_rename => plain(broker.stream_rename(&request!())),
        number::stream_query_name => plain(broker.stream_query_name(&request!())),
        number::stream_set_attributes => plain(broker.stream_set_attributes(&request!())),
        number::stream_enumerate => match broker.stream_enumerate(&request!()) {
            Ok((fields, descriptor)) => {
                let mut reply = Vec::with_capacity(4 + fields.len());
                0u32.put(&mut reply);
                reply.extend_from_slice(&fields);
                (reply, descriptor)
            }
            Err(error) => plain::<()>(Err(error)),
        },
        number::stream_watch => with_descriptor(broker.stream_watch(&request!()).map(|fd| ((), Some(fd)))),
        number::volume_query => plain(broker.volume_query(&request!())),
        number::terminal_query => plain(broker.terminal_query(&request!())),
        number::terminal_set_mode => plain(broker.terminal_set_mode(&request!())),
        number::thread_set_priority => plain(client.thread_set_priority(&request!())),
        number::process_report => {
            client.process_report(request!());
            plain(Ok(()))
        }
        number::stream_wait_client => absent!(calls::StreamWaitClient),
        number::process_create => {
            let call: calls::ProcessCreate = request!();
            if call.birth.len() > MAX_BIRTH {
                plain::<u32>(Err(Error::Invalid))
            } else {
                plain(broker.family.wish(Wish::Begin(call.birth)))
            }
        }
        number::process_terminate => {
            let call: calls::ProcessTerminate = request!();
            plain(broker.family.wish(Wish::End(call.process, call.status)).map(drop))
        }
        // A call that the kernel or the runtime carries out has no business here.
        _ => return Err(Hostile::Malformed(call.name)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::GuestPath;
    use crate::locate::tests::Temporary;
    use crate::names::{Kind, Names};
    use crate::terminal::Terminal;
    use shim_abi::calls::*;
    use shim_abi::stream::{Disposition, Expect, Identity};
    use std::fs;

    /// A broker with one writable mount at W:.
    fn broker(dir: &Temporary) -> Broker {
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
        Broker::new(names, Terminal::default(), open("scratch"), log, crate::family::Family::new(None).unwrap())
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
        let rename =
            StreamRename { from: uri(), identity: identity(), to: "file:W:/b".into(), replace: true, link: false };
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
            wire::request(&rename),
            wire::request(&set),
            wire::request(&StreamDelete { uri: uri(), identity: identity() }),
            wire::request(&StreamQueryName { uri: uri() }),
            wire::request(&StreamEnumerate { uri: "file:W:/sub".into() }),
            wire::request(&VolumeQuery { uri: uri() }),
            wire::request(&TerminalQuery {}),
            wire::request(&TerminalSetMode { raw: true }),
            wire::request(&ThreadSetPriority { thread: 1, nice: 1 }),
            wire::request(&ProcessReport { status: 1, message: "why".into() }),
            wire::request(&ProcessCreate { birth: vec![1, 2, 3] }),
        ];
        all.into_iter().map(|request| request.unwrap()).collect()
    }

    #[test]
    fn no_damaged_request_harms_the_monitor_or_its_neighbours() {
        let dir = Temporary::new();
        let broker = broker(&dir);
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
            match answer(&broker, &Client::default(), &frame) {
                Ok((reply, _)) => {
                    answered += 1;
                    assert!(reply.len() >= 4 && reply.len() <= MAX_FRAME);
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
        (Lane { socket, number: 1, pages: Arc::new(Pages::new().unwrap()), client: Arc::default() }, theirs)
    }

    #[test]
    fn a_closed_lane_ends_its_thread_without_a_word() {
        use nix::sys::socket::send;
        let dir = Temporary::new();
        let (broker, room) = (broker(&dir), Room::new(2));
        let (ours, theirs) = lane();
        drop(theirs);
        assert_eq!(serve(&ours, &broker, &room), Ok(()));
        let (ours, theirs) = lane();
        send(theirs.as_raw_fd(), &[9, 9, 9, 9], MsgFlags::empty()).unwrap();
        assert_eq!(serve(&ours, &broker, &room), Err(Hostile::Header));
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
        let (broker, room) = (broker(&dir), Room::eager());
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
        let broker = broker(&dir);
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
                        let _ = answer(&broker, &Client::default(), &copy).map(|(reply, _)| page::reply(page, &reply));
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
}
