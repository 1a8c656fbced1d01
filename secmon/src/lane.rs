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
use crate::{audit, sys};
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, recv, sendmsg};
use rustix::net::ReturnFlags;
use shim_abi::MAX_FRAME;
use shim_abi::boot::MAX_BIRTH;
use shim_abi::calls::{self, number};
use shim_abi::error::{Error, Result};
use shim_abi::page::{self, Page};
use shim_abi::stream::Kind;
use shim_abi::wire::{self, Wire};
use std::io::IoSlice;
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

    /// Whether nothing is left to be served: the other side is gone.
    pub fn is_over(&self) -> bool {
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        recv(self.socket.as_raw_fd(), &mut [0], flags) == Ok(0)
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
    /// With descriptors that its request has no use for.
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
    audit::serves(lane.client.process().as_raw().unsigned_abs());
    // One byte more than the longest request tells a longer one.
    let mut buffer = vec![0; MAX_FRAME + 1];
    let mut copy = Vec::with_capacity(page::ROOM + 8);
    let mut patience = Patience::new(room, lane.key());
    let mut awake = false;
    loop {
        let found = if awake { Some(look(page, LONGEST, &mut copy)?) } else { None };
        let (request, brought) = if found == Some(true) {
            (&copy[..], None)
        } else {
            match receive(lane.socket.as_fd(), &mut buffer)? {
                Some((count, brought)) => (&buffer[..count], brought),
                None => return Ok(()),
            }
        };
        patience.came(found);
        let (reply, descriptors) = answer(broker, &lane.client, request, brought)?;
        // Said before the reply, so that the next request finds it said.
        awake = patience.looks(page::processor(page));
        page::listen(page, awake);
        if descriptors.is_empty() && page::reply(page, &reply) {
            continue;
        }
        if !send(lane.socket.as_fd(), &reply, &descriptors) {
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

/// A request's length, and the descriptor that it brought.
type Received = (usize, Option<OwnedFd>);

/// Receives a request; nothing if the other end is closed.
fn receive(lane: BorrowedFd<'_>, buffer: &mut [u8]) -> std::result::Result<Option<Received>, Hostile> {
    // Room for one descriptor: those beyond are closed by the kernel, which says so.
    let (count, flags, brought) = loop {
        match sys::receive(lane, buffer) {
            Ok(received) => break received,
            Err(Errno::EINTR) => {}
            Err(_) => return Ok(None),
        }
    };
    if flags.contains(ReturnFlags::CTRUNC) || brought.len() > 1 {
        return Err(Hostile::Descriptors);
    }
    if count > MAX_FRAME || flags.contains(ReturnFlags::TRUNC) {
        return Err(Hostile::TooLong);
    }
    Ok((count > 0).then(|| (count, brought.into_iter().next())))
}

/// Sends a reply; whether the other end is still there.
fn send(lane: BorrowedFd<'_>, reply: &[u8], descriptors: &[OwnedFd]) -> bool {
    let parts = [IoSlice::new(reply)];
    let raw: Vec<_> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let control = [ControlMessage::ScmRights(&raw)];
    let control = if raw.is_empty() { &[][..] } else { &control[..] };
    loop {
        match sendmsg::<()>(lane.as_raw_fd(), &parts, control, MsgFlags::MSG_NOSIGNAL, None) {
            Ok(_) => return true,
            Err(Errno::EINTR) => {}
            // Too many descriptors are on their way already.
            Err(Errno::ETOOMANYREFS) if !raw.is_empty() => {
                return send(lane, &wire::reply::<()>(&Err(Error::TooManyOpen)), &[]);
            }
            Err(_) => return false,
        }
    }
}

/// An encoded reply, and the descriptors that go with it.
type Reply = (Vec<u8>, Vec<OwnedFd>);

/// A reply with descriptors.
fn with_descriptors<T: Wire>(answer: Result<(T, impl IntoIterator<Item = OwnedFd>)>) -> Reply {
    match answer {
        Ok((value, descriptors)) => (wire::reply(&Ok(value)), descriptors.into_iter().collect()),
        Err(error) => plain::<()>(Err(error)),
    }
}

fn plain<T: Wire>(answer: Result<T>) -> Reply {
    (wire::reply(&answer), Vec::new())
}

/// Answers one request.
fn answer(
    broker: &Broker,
    client: &Client,
    frame: &[u8],
    brought: Option<OwnedFd>,
) -> std::result::Result<Reply, Hostile> {
    let (number, body) = wire::split_request(frame).map_err(|_| Hostile::Header)?;
    let call = calls::by_number(number).ok_or(Hostile::Header)?;
    if brought.is_some() && !matches!(number, number::stream_share | number::stream_wait_client | number::socket) {
        return Err(Hostile::Descriptors);
    }
    let _span = tracing::trace_span!("call", name = call.name, process = client.process().as_raw()).entered();
    macro_rules! request {
        () => {
            wire::decode(body).map_err(|_| Hostile::Malformed(call.name))?
        };
    }
    Ok(match number {
        number::stream_open => {
            let call: calls::StreamOpen = request!();
            match client.terminal.get().filter(|_| call.uri == "console:") {
                Some(own) => with_descriptors(own.open().and_then(|fd| broker.open_device(fd, Kind::Terminal, &call))),
                None => with_descriptors(broker.stream_open(&call)),
            }
        }
        number::stream_open_several => with_descriptors(broker.stream_open_several(&client.changes, &request!())),
        number::stream_delete => plain(broker.stream_delete(&request!())),
        number::stream_rename => plain(broker.stream_rename(&request!())),
        number::stream_query_name => plain(broker.stream_query_name(&request!())),
        number::stream_set_attributes => plain(broker.stream_set_attributes(&request!())),
        number::stream_enumerate => match broker.stream_enumerate(&request!()) {
            Ok((fields, descriptor)) => {
                let mut reply = Vec::with_capacity(4 + fields.len());
                0u32.put(&mut reply);
                reply.extend_from_slice(&fields);
                (reply, descriptor.into_iter().collect())
            }
            Err(error) => plain::<()>(Err(error)),
        },
        number::stream_watch => with_descriptors(broker.stream_watch(&request!()).map(|fd| ((), Some(fd)))),
        number::stream_share => with_descriptors(broker.deposits.stream_share(&request!(), brought)),
        number::volume_query => plain(broker.volume_query(&request!())),
        number::terminal_query => {
            let calls::TerminalQuery {} = request!();
            plain(client.terminal.get().map_or(&broker.terminal, |own| own).query())
        }
        number::terminal_set_mode => {
            let calls::TerminalSetMode { raw } = request!();
            plain(client.terminal.get().map_or(&broker.terminal, |own| own).set_raw(raw))
        }
        number::thread_set_priority => plain(client.thread_set_priority(&request!())),
        number::process_report => {
            client.process_report(request!());
            plain(Ok(()))
        }
        number::stream_wait_client => {
            let calls::StreamWaitClient {} = request!();
            with_descriptors(broker.net.accept(brought))
        }
        number::socket => {
            let calls::Socket { call } = request!();
            with_descriptors(broker.net.socket(&call, brought))
        }
        number::process_create => {
            let call: calls::ProcessCreate = request!();
            if call.birth.len() > MAX_BIRTH {
                plain::<u32>(Err(Error::Invalid))
            } else {
                plain(broker.family.wish(Wish::Begin(call, client.process())))
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
#[path = "../tests/unit/lane.rs"]
pub(crate) mod tests;
