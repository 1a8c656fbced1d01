//! A socket's state, and how its descriptors come about.
//!
//! A socket has no descriptor until it is bound, connected or used: only then is it known on which side of the policy it lives, and
//! one request to the monitor does all that is to be done. A datagram socket has a further descriptor for each place that it
//! sends to, because a descriptor can only send where the monitor connected it.

use super::address;
use super::code::event;
use super::message::Addressee;
use super::option;
use super::poll::Poll;
use super::poller::Afd;
use super::transfer::{Read, Write};
use crate::host::{Ready, Stream};
use crate::io::irp::Irp;
use crate::ke::spin::Spin;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::status::*;
use parking_lot::{Mutex, MutexGuard};
use shim_abi::calls;
use shim_abi::error::Error;
use shim_abi::net::{Endpoint, Family, Make, Setting, SocketCall, SocketOption, SocketReply, Transport};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// Most places that a datagram socket keeps a descriptor for.
const WAYS: usize = 32;

/// How far a socket has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A stream's that leads nowhere.
    Unconnected,
    /// It takes clients.
    Listening,
    /// It is being connected.
    Connecting,
    /// A stream's that leads somewhere.
    Connected,
    /// A datagram socket's.
    Connectionless,
}

/// What a socket is.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its family.
    pub family: Family,
    /// Its transport.
    pub transport: Transport,
    /// AF_*, SOCK_* and IPPROTO_* as the program gave them.
    pub numbers: [u32; 3],
}

/// A request that waits for a client.
pub struct Accept {
    /// The request.
    pub irp: Arc<Irp>,
    /// What becomes of the client.
    pub into: Client,
}

/// What becomes of an accepted client.
#[derive(Clone)]
pub enum Client {
    /// A new socket, for accept: its handle goes there.
    New(crate::um::UserSlice),
    /// A socket that the program made, for AcceptEx.
    Given(Into),
}

/// Where an accepted client goes.
#[derive(Clone)]
pub struct Into {
    /// The file object of the socket.
    pub object: Ref,
    /// Where data and addresses go.
    pub output: crate::um::UserSlice,
    /// Bytes for data.
    pub data: usize,
    /// Bytes for the own address.
    pub local: usize,
}

/// A client's descriptor, its own end and the other.
pub type Taken = (Arc<Stream>, Option<Endpoint>, Option<Endpoint>);

/// A request that waits to be connected, and what it sends then.
pub struct Connecting {
    /// The request.
    pub irp: Arc<Irp>,
    /// What is sent first.
    pub data: Vec<u8>,
    /// How much of it was.
    pub sent: usize,
}

/// What is sent where.
pub struct Way {
    /// Where.
    pub to: Endpoint,
    /// The descriptor that leads there.
    pub stream: Arc<Stream>,
}

/// A socket.
pub struct Socket {
    /// Tells it from every other.
    pub number: u64,
    /// Whether it pays to look again before waiting for data.
    pub spin: Spin,
    state: Mutex<State>,
}

/// What changes of it.
pub struct State {
    /// What it is, once it was made one.
    pub kind: Option<Kind>,
    /// How far it has come.
    pub phase: Phase,
    /// Its descriptor.
    pub stream: Option<Arc<Stream>>,
    /// The host's end of its port, if that is published.
    pub published: Option<Arc<Stream>>,
    /// Descriptors of the places that it sends to; the last used is last.
    pub ways: Vec<Way>,
    /// Whether the poller knows its descriptors.
    pub watched: bool,
    /// What was set, in order.
    pub settings: Vec<Setting>,
    /// Where it was bound by its program, before the port was chosen for it; what it is bound to.
    pub bound: Option<Endpoint>,
    /// Its own end.
    pub local: Option<Endpoint>,
    /// The other end.
    pub peer: Option<Endpoint>,
    /// Whether calls that do not say otherwise never wait.
    pub nonblocking: bool,
    /// Nothing more is received.
    pub rd_shutdown: bool,
    /// Nothing more is sent, once the queue is empty.
    pub wr_shutdown: bool,
    /// The queue must empty first.
    pub wr_shutdown_pending: bool,
    /// The other end sends nothing more.
    pub hangup: bool,
    /// The connection broke.
    pub aborted: bool,
    /// The other end gave it up.
    pub reset: bool,
    /// It was bound to port 0: any port will do.
    pub any_port: bool,
    /// SO_REUSEADDR.
    pub reuse: bool,
    /// SO_EXCLUSIVEADDRUSE.
    pub exclusive: bool,
    /// SO_RCVBUF and SO_SNDBUF.
    pub buffers: [u32; 2],
    /// SO_RCVTIMEO and SO_SNDTIMEO, in milliseconds.
    pub timeouts: [u32; 2],
    /// What went wrong, by event.
    pub errors: [Status; event::COUNT],
    /// Events that WSAEventSelect's caller was not told of yet.
    pub pending: u32,
    /// Events that happened, and are not told again until something resets them.
    pub reported: u32,
    /// Events asked for.
    pub mask: u32,
    /// What is set then.
    pub event: Option<Ref>,
    /// Who is told then, in place of an event.
    pub addressee: Option<Addressee>,
    /// Requests that wait.
    pub reads: VecDeque<Read>,
    /// Likewise.
    pub writes: VecDeque<Write>,
    /// Likewise.
    pub accepts: VecDeque<Accept>,
    /// Likewise.
    pub connecting: Option<Connecting>,
    /// An AcceptEx that waits for this socket's first data.
    pub accepting: Option<Accept>,
    /// An AcceptEx that waits for a client that becomes this socket.
    pub promised: Weak<Irp>,
    /// Poll requests that name it.
    pub polls: Vec<Arc<Poll>>,
    /// The one of them that came when there was no other.
    pub main_poll: Option<Arc<super::poll::Poll>>,
    /// A client that was accepted and put back.
    pub deferred: Option<Taken>,
    /// When it was connected, on the monotonic clock.
    pub connected_at: u64,
    /// The last receive took all there was.
    pub drained: bool,
    /// Its last handle is closed.
    pub closed: bool,
}

/// Requests that are over, to be told without the socket's lock.
#[derive(Default)]
pub struct Over(pub Vec<(Arc<Irp>, Status, u64)>);

impl Over {
    /// Adds one.
    pub fn push(&mut self, irp: &Arc<Irp>, result: Nt<(Status, u64)>) {
        let (status, information) = result.unwrap_or_else(|status| (status, 0));
        self.0.push((irp.clone(), status, information));
    }

    /// Tells who asked.
    pub fn tell(self, k: &'static Kernel) {
        for (irp, status, information) in self.0 {
            irp.complete(k, status, information);
        }
    }
}

/// Does something with a socket of the monitor's.
pub fn about(k: &'static Kernel, stream: &Stream, call: SocketCall) -> Result<SocketReply, Error> {
    k.host.ask_about(stream, &calls::Socket { call }).map(|(reply, _)| reply)
}

impl Socket {
    /// One that is no socket yet.
    pub fn new() -> Arc<Socket> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let state = State {
            kind: None,
            phase: Phase::Unconnected,
            stream: None,
            published: None,
            ways: Vec::new(),
            watched: false,
            settings: Vec::new(),
            bound: None,
            local: None,
            peer: None,
            nonblocking: false,
            rd_shutdown: false,
            wr_shutdown: false,
            wr_shutdown_pending: false,
            hangup: false,
            aborted: false,
            reset: false,
            any_port: false,
            reuse: false,
            exclusive: false,
            buffers: [0x1_0000; 2],
            timeouts: [0; 2],
            errors: [STATUS_SUCCESS; event::COUNT],
            pending: 0,
            reported: 0,
            mask: 0,
            event: None,
            addressee: None,
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            accepts: VecDeque::new(),
            connecting: None,
            accepting: None,
            promised: Weak::new(),
            polls: Vec::new(),
            main_poll: None,
            deferred: None,
            connected_at: 0,
            drained: false,
            closed: false,
        };
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        Arc::new(Socket { number, spin: Spin::brief(), state: Mutex::new(state) })
    }

    /// Its state, for the caller alone.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl State {
    /// What it is.
    ///
    /// # Errors
    /// `STATUS_INVALID_DEVICE_REQUEST` for what is no socket yet.
    pub fn kind(&self) -> Nt<Kind> {
        self.kind.ok_or(STATUS_INVALID_DEVICE_REQUEST)
    }

    /// Whether it carries a stream.
    pub fn is_stream(&self) -> bool {
        self.kind.is_some_and(|kind| kind.transport == Transport::Stream)
    }

    /// The number that an option was set to, or is from the start.
    pub fn number(&self, option: SocketOption) -> i32 {
        let set = self.settings.iter().rfind(|setting| setting.option == option);
        let transport = self.kind.map_or(Transport::Stream, |kind| kind.transport);
        let number = |setting: &Setting| setting.value.first_chunk().map_or(0, |raw| i32::from_le_bytes(*raw));
        set.map_or_else(|| option::default(option, transport), number)
    }

    /// Sets an option: now, and for every descriptor that is made.
    ///
    /// # Errors
    /// The host's.
    pub fn set(&mut self, k: &'static Kernel, option: SocketOption, value: Vec<u8>) -> Nt<()> {
        let setting = Setting { option, value };
        for stream in self.streams() {
            about(k, &stream, SocketCall::Set { setting: setting.clone() })?;
        }
        if !option::adds(option) {
            self.settings.retain(|known| known.option != option);
        }
        self.settings.push(setting);
        Ok(())
    }

    /// Every descriptor that it has, its own first.
    pub fn streams(&self) -> Vec<Arc<Stream>> {
        let own = self.stream.iter().chain(&self.published).cloned();
        own.chain(self.ways.iter().map(|way| way.stream.clone())).collect()
    }

    /// What is ready now.
    pub fn ready(&self, k: &'static Kernel) -> Ready {
        let streams = self.streams();
        if streams.is_empty() {
            // What has no descriptor yet can send as soon as it is asked to, if it needs no connection.
            return Ready { write: self.phase == Phase::Connectionless, ..Ready::default() };
        }
        let all: Vec<&Stream> = streams.iter().map(|stream| &**stream).collect();
        let found = k.host.poll_sockets(&all, Ready::ALL, Some(0)).unwrap_or_default();
        let mut found = found.into_iter();
        let own = found.next().unwrap_or_default();
        // Whether there is room to send is the first's to say, and a way's trouble is none of the socket's.
        found.fold(own, |own, other| Ready { read: own.read || other.read, ..own })
    }

    /// Has the monitor make a descriptor.
    fn make(
        &self,
        k: &'static Kernel,
        bind: Option<Endpoint>,
        connect: Option<Endpoint>,
        shared: bool,
    ) -> Result<(SocketReply, Arc<Stream>), Error> {
        let kind = self.kind.ok_or(Error::Invalid)?;
        let settings = self.settings.clone();
        let make = Make { family: kind.family, transport: kind.transport, settings, bind, connect, shared };
        let call = calls::Socket { call: SocketCall::Make { make } };
        let (reply, stream) = k.host.ask_stream(&call)?;
        Ok((reply, Arc::new(stream.ok_or(Error::Malformed)?)))
    }

    /// Gives it a descriptor of its own, in place of the one that it had.
    fn adopt(&mut self, stream: Arc<Stream>) {
        self.stream = Some(stream);
        self.watched = false;
    }

    /// Binds it.
    ///
    /// # Errors
    /// The monitor's.
    pub fn bind(&mut self, k: &'static Kernel, at: Endpoint) -> Nt<()> {
        self.stream = None;
        let (reply, stream) = self.make(k, Some(address::to_bind(at)), None, false)?;
        self.adopt(stream);
        // Where an address is no link's own, its interface says nothing.
        let (port, scope) = reply.local.map_or((at.port, at.scope), |local| (local.port, local.scope));
        self.bound = Some(Endpoint { port, scope, ..at });
        self.any_port = at.port == 0;
        self.local = self.bound;
        if !self.is_stream() && at.port != 0 {
            self.publish(k);
        }
        Ok(())
    }

    /// Takes the host's end of its port, if it is published.
    pub fn publish(&mut self, k: &'static Kernel) {
        let (Some(kind), Some(at)) = (self.kind, self.bound) else { return };
        let call = SocketCall::Publish { transport: kind.transport, port: at.port };
        let published = k.host.ask_stream(&calls::Socket { call });
        self.published = published.ok().and_then(|(_, stream)| stream).map(Arc::new);
        self.watched = false;
    }

    /// Connects it; whether that is still going on.
    ///
    /// # Errors
    /// The monitor's.
    pub fn connect(&mut self, k: &'static Kernel, to: Endpoint) -> Nt<bool> {
        // Its port is needed for the new descriptor.
        self.stream = None;
        self.ways.clear();
        let bind = self.bound.map(address::to_bind);
        let to_reach = Some(address::to_reach(to));
        let made = match self.make(k, bind, to_reach, false) {
            // Between the two descriptors another socket may have got the port that the host chose for this one.
            Err(Error::PortInUse | Error::NoSuchAddress) if self.any_port => {
                self.make(k, bind.map(|at| at.with_port(0)), to_reach, false)
            }
            made => made,
        };
        let (reply, stream) = made?;
        self.adopt(stream);
        self.local = reply.local;
        if let (Some(bound), Some(local), true) = (&mut self.bound, reply.local, self.any_port) {
            bound.port = local.port;
        }
        self.bound = self.bound.or(reply.local.map(|local| Endpoint { ip: Endpoint::any(local.family()).ip, ..local }));
        self.peer = Some(to);
        Ok(reply.pending)
    }

    /// Gives it a descriptor if it has none: unbound, or bound where it was.
    ///
    /// # Errors
    /// The monitor's.
    pub fn have_stream(&mut self, k: &'static Kernel) -> Nt<Arc<Stream>> {
        if let Some(stream) = &self.stream {
            return Ok(stream.clone());
        }
        let (reply, stream) = self.make(k, self.bound.map(address::to_bind), None, false)?;
        self.adopt(stream.clone());
        if self.bound.is_some() {
            self.local = reply.local.or(self.local);
        }
        Ok(stream)
    }

    /// The descriptor that sends there.
    ///
    /// # Errors
    /// The monitor's.
    pub fn way(&mut self, k: &'static Kernel, to: Endpoint) -> Nt<Arc<Stream>> {
        if let Some(at) = self.ways.iter().position(|way| way.to == to) {
            // The last used is the last to go.
            let way = self.ways.remove(at);
            let stream = way.stream.clone();
            self.ways.push(way);
            return Ok(stream);
        }
        let kind = self.kind()?;
        if self.bound.is_none() {
            self.bind(k, Endpoint::any(kind.family))?;
        }
        let (_, stream) = self.make(k, self.bound.map(address::to_bind), Some(address::to_reach(to)), true)?;
        self.add_way(to, stream.clone());
        Ok(stream)
    }

    /// Adds a descriptor that leads somewhere, in place of another that does.
    pub fn add_way(&mut self, to: Endpoint, stream: Arc<Stream>) {
        self.ways.retain(|way| way.to != to);
        if self.ways.len() >= WAYS {
            self.ways.remove(0);
        }
        self.ways.push(Way { to, stream });
        self.watched = false;
    }

    /// Has the poller look after it.
    ///
    /// # Errors
    /// The host's.
    pub fn attend(&mut self, k: &'static Kernel, socket: &Arc<Socket>) -> Nt<()> {
        if self.watched || self.stream.is_none() {
            return Ok(());
        }
        Afd::of(k).watch(k, socket, &self.streams())?;
        self.watched = true;
        Ok(())
    }

    /// The error that waits at its descriptor, which takes it.
    pub fn take_error(&self, k: &'static Kernel) -> Option<Error> {
        let stream = self.stream.as_ref()?;
        match about(k, stream, SocketCall::TakeError).ok()?.number {
            0 => None,
            number => Some(Error::from_number(number)),
        }
    }

    /// Events that a call resets: they are told again when they happen again.
    pub fn rearm(&mut self, events: u32) {
        self.pending &= !events;
        self.reported &= !events;
    }
}
