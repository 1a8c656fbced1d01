//! The wait for sockets on behalf of requests, and its thread. That begins with the first request that has to wait, so that a program
//! without sockets has none.

use super::lead::Role;
use super::poll::Poll;
use super::socket::Socket;
use super::taken::Taken;
use super::turn;
use crate::host::Stream;
use crate::io::irp::Irp;
use crate::kernel::Kernel;
use crate::status::*;
use parking_lot::Mutex;
use shim_abi::calls::StreamOpen;
use shim_abi::stream::{Disposition, Expect, access};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

/// The token of the bell.
const BELL: u64 = 0;

/// What happens when a deadline passes.
pub enum Timed {
    /// A poll request ends.
    Poll(Weak<Poll>),
    /// A request ends with `STATUS_IO_TIMEOUT`, by the way of its cancelling.
    Request(Weak<Irp>, Weak<Socket>),
}

#[derive(Default)]
struct Clock {
    /// By deadline on the monotonic clock, and a number.
    timed: BTreeMap<(u64, u64), Timed>,
    last: u64,
}

struct Started {
    many: Arc<Stream>,
    bell: Stream,
}

/// The driver's state.
#[derive(Default)]
pub struct Afd {
    started: OnceLock<Started>,
    starting: Mutex<()>,
    sockets: Mutex<HashMap<u64, Weak<Socket>>>,
    clock: Mutex<Clock>,
    /// Who waits for them.
    pub(super) role: Role,
    /// Where sockets are bound.
    pub taken: Taken,
}

fn open(k: &'static Kernel, uri: &str) -> Nt<Stream> {
    let (disposition, expect) = (Disposition::Open, Expect::Any);
    let open = StreamOpen { uri: uri.into(), access: access::READ | access::WRITE, disposition, expect, attributes: 0 };
    k.host.ask_stream(&open)?.1.ok_or(STATUS_INSUFFICIENT_RESOURCES)
}

impl Afd {
    /// The kernel's.
    pub fn of(k: &'static Kernel) -> &'static Afd {
        &k.io.afd
    }

    fn started(&'static self, k: &'static Kernel) -> Nt<&'static Started> {
        if let Some(started) = self.started.get() {
            return Ok(started);
        }
        let _one = self.starting.lock();
        if let Some(started) = self.started.get() {
            return Ok(started);
        }
        let many = Arc::new(open(k, "ready:")?);
        let bell = open(k, "bell:")?;
        k.host.watch(&many, &bell, BELL)?;
        let theirs = many.clone();
        k.host.spawn_worker(Box::new(move || self.run(k, &theirs)))?;
        Ok(self.started.get_or_init(|| Started { many, bell }))
    }

    /// Has every change of a socket's descriptors looked at.
    ///
    /// # Errors
    /// The host's.
    pub fn watch(&'static self, k: &'static Kernel, socket: &Arc<Socket>, streams: &[Arc<Stream>]) -> Nt<()> {
        let started = self.started(k)?;
        self.sockets.lock().insert(socket.number, Arc::downgrade(socket));
        for stream in streams {
            match k.host.watch(&started.many, stream, socket.number) {
                // It is watched already.
                Ok(()) | Err(shim_abi::error::Error::AddressInUse) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The socket is no more.
    pub fn forget(&self, number: u64) {
        self.sockets.lock().remove(&number);
        self.taken.remove(number);
    }

    /// Has something happen at a time.
    ///
    /// # Errors
    /// The host's.
    pub fn at(&'static self, k: &'static Kernel, deadline: u64, what: Timed) -> Nt<()> {
        self.started(k)?;
        let first = {
            let mut clock = self.clock.lock();
            clock.last += 1;
            let key = (deadline, clock.last);
            clock.timed.insert(key, what);
            clock.timed.first_key_value().is_some_and(|(first, _)| *first == key)
        };
        if first {
            // It sleeps too long now.
            self.ring_bell(k);
        }
        Ok(())
    }

    fn run(&'static self, k: &'static Kernel, many: &Stream) {
        while self.look(k, many, None, None).is_ok() {
            if self.role.passes() {
                self.role.stand_by(k);
            }
        }
    }

    /// What is waited at, once anything had to wait.
    pub(super) fn many(&self) -> Option<&Stream> {
        self.started.get().map(|started| &*started.many)
    }

    /// Has whoever waits look at what changed.
    pub(super) fn ring_bell(&self, k: &Kernel) {
        if let Some(started) = self.started.get() {
            let _ = k.host.write_bytes(&started.bell, &1u64.to_le_bytes(), None);
        }
    }

    /// Waits until something happens, at most until then, and does what follows; `waits` is cleared in between.
    pub(super) fn look(
        &self,
        k: &'static Kernel,
        many: &Stream,
        until: Option<u64>,
        waits: Option<&AtomicBool>,
    ) -> Nt<()> {
        let first = self.clock.lock().timed.first_key_value().map(|((at, _), _)| *at);
        let deadline = first.into_iter().chain(until).min();
        let ready = k.host.wait_ready(many, deadline)?;
        if let Some(waits) = waits {
            waits.store(false, Ordering::SeqCst);
        }
        for (token, ready) in ready {
            if token == BELL {
                if let Some(started) = self.started.get() {
                    let _ = k.host.read_bytes(&started.bell, &mut [0; 8], None);
                }
                continue;
            }
            let socket = self.sockets.lock().get(&token).and_then(Weak::upgrade);
            if let Some(socket) = socket {
                turn::turn_when(k, &socket, Some(ready));
            }
        }
        self.ring(k);
        Ok(())
    }

    /// Does what is due.
    fn ring(&self, k: &'static Kernel) {
        let now = k.host.monotonic();
        loop {
            let due = {
                let mut clock = self.clock.lock();
                match clock.timed.first_entry() {
                    Some(first) if first.key().0 <= now => first.remove(),
                    _ => return,
                }
            };
            match due {
                Timed::Poll(poll) => {
                    if let Some(poll) = poll.upgrade() {
                        poll.end(k, STATUS_TIMEOUT);
                    }
                }
                Timed::Request(irp, socket) => {
                    if let (Some(irp), Some(socket)) = (irp.upgrade(), socket.upgrade()) {
                        super::transfer::give_up(k, &socket, &irp, STATUS_IO_TIMEOUT);
                    }
                }
            }
        }
    }
}
