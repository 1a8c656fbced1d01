//! Serves a lane: a socket on which a picoprocess sends one request at a time and gets one reply to each.
//!
//! Everything that arrives is taken as hostile. A datagram that is no request of this version, that is too long, or that
//! brings descriptors ends the sandbox; nothing that arrives ends the monitor.

use crate::broker::Broker;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, recvmsg, sendmsg};
use shim_abi::MAX_FRAME;
use shim_abi::calls::{self, number};
use shim_abi::error::{Error, Result};
use shim_abi::wire::{self, Wire};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

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
}

/// Serves a lane until the picoprocess closes it or is gone.
///
/// # Errors
/// [`Hostile`]: the picoprocess is to be ended.
pub fn serve(lane: BorrowedFd<'_>, broker: &Broker) -> std::result::Result<(), Hostile> {
    // One byte more than the longest request tells a longer one.
    let mut buffer = vec![0; MAX_FRAME + 1];
    loop {
        let received = {
            let mut into = [IoSliceMut::new(&mut buffer)];
            // Without room for control messages the kernel closes descriptors that come along, and says so.
            match recvmsg::<()>(lane.as_raw_fd(), &mut into, None, MsgFlags::MSG_CMSG_CLOEXEC) {
                Ok(message) => (message.bytes, message.flags),
                Err(Errno::EINTR) => continue,
                Err(_) => return Ok(()),
            }
        };
        let (count, flags) = received;
        if flags.contains(MsgFlags::MSG_CTRUNC) {
            return Err(Hostile::Descriptors);
        }
        if count > MAX_FRAME || flags.contains(MsgFlags::MSG_TRUNC) {
            return Err(Hostile::TooLong);
        }
        if count == 0 {
            return Ok(());
        }
        let (reply, descriptor) = answer(broker, &buffer[..count])?;
        if !send(lane, &reply, descriptor.as_ref()) {
            return Ok(());
        }
    }
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
fn answer(broker: &Broker, frame: &[u8]) -> std::result::Result<Reply, Hostile> {
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
        number::thread_set_priority => plain(broker.thread_set_priority(&request!())),
        number::process_report => {
            broker.process_report(request!());
            plain(Ok(()))
        }
        number::stream_wait_client => absent!(calls::StreamWaitClient),
        number::process_create => absent!(calls::ProcessCreate),
        number::process_wait => absent!(calls::ProcessWait),
        number::process_terminate => absent!(calls::ProcessTerminate),
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
    use std::os::fd::AsFd;

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
        Broker::new(names, Terminal::default(), open("scratch"), log)
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
            wire::request(&ProcessCreate { boot: vec![1, 2, 3] }),
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
            match answer(&broker, &frame) {
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

    #[test]
    fn a_closed_lane_ends_its_thread_without_a_word() {
        use nix::sys::socket::{AddressFamily, SockFlag, SockType, send, socketpair};
        let dir = Temporary::new();
        let broker = broker(&dir);
        let flags = SockFlag::SOCK_CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).unwrap();
        drop(theirs);
        assert_eq!(serve(ours.as_fd(), &broker), Ok(()));
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).unwrap();
        send(theirs.as_raw_fd(), &[9, 9, 9, 9], MsgFlags::empty()).unwrap();
        assert_eq!(serve(ours.as_fd(), &broker), Err(Hostile::Header));
    }
}
