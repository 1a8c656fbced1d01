//! Ports of local procedure calls: a server's connection port, and the two ends of each connection.
//!
//! Whatever clients send goes into one queue of the server's, in order; who waits for an answer waits on a [`Call`], which is found
//! by the number of its message.

use crate::call::Cx;
use crate::ke::dispatcher::Dispatcher;
use crate::ke::wait::Deadline;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::object::{Body, Object, Plain};
use crate::status::*;
use crate::types::ClientId;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// LPC_* types of messages.
pub mod kind {
    /// A request that waits for its reply.
    pub const REQUEST: u16 = 1;
    /// Its reply.
    pub const REPLY: u16 = 2;
    /// A client closed its end.
    pub const PORT_CLOSED: u16 = 5;
    /// A thread of a client's ended that had asked for this to be told.
    pub const CLIENT_DIED: u16 = 6;
    /// Somebody wants to connect.
    pub const CONNECTION_REQUEST: u16 = 10;
}

/// PORT_MESSAGE, 64-bit (`ntlpcapi.h`): what every message begins with.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Header {
    /// Bytes behind it.
    pub data: u16,
    /// Bytes in all.
    pub total: u16,
    /// One of [`kind`].
    pub kind: u16,
    /// Where descriptions of ranges stand; 0 for none.
    pub ranges: u16,
    /// Who sent it.
    pub client: ClientId,
    /// Its number.
    pub id: u32,
    /// Nothing.
    pub pad: u32,
    /// Bytes of the client's view.
    pub view: u64,
}

/// Bytes of [`Header`].
pub const HEAD: usize = size_of::<Header>();
const _: () = assert!(HEAD == 40);

/// A message.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Its header.
    pub header: Header,
    /// What follows it.
    pub data: Vec<u8>,
}

/// What somebody waits for.
pub struct Call {
    done: Ref,
    answer: Mutex<Option<Nt<Message>>>,
}

impl Call {
    fn new() -> Arc<Call> {
        let done = Object::new(Dispatcher::notification(false), Body::Event(Plain));
        Arc::new(Call { done, answer: Mutex::new(None) })
    }

    /// Ends it; the first answer counts.
    fn end(&self, k: &Kernel, answer: Nt<Message>) {
        self.answer.lock().get_or_insert(answer);
        self.done.signal.set(k);
    }
}

/// A server's queue.
pub struct Queue {
    /// Most bytes of a message, and of what a client says when it connects.
    pub longest: usize,
    /// Likewise.
    pub longest_connect: usize,
    filled: Ref,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closed: bool,
    messages: VecDeque<(Message, Arc<Connection>)>,
    /// Requests that were handed out, by number.
    calls: HashMap<u32, (Arc<Call>, Arc<Connection>)>,
}

/// A connection.
pub struct Connection {
    /// Its server.
    pub queue: Arc<Queue>,
    /// What the server knows it by.
    pub context: AtomicU64,
    /// Whether both ends are open.
    alive: AtomicBool,
    /// The client's wait for being accepted.
    connects: Mutex<Option<Arc<Call>>>,
    /// What the server says when it accepts.
    said: Mutex<Message>,
}

/// A port.
pub enum Port {
    /// Where clients connect.
    Server(Arc<Queue>),
    /// The server's end of a connection.
    Accepted(Arc<Connection>),
    /// The client's.
    Client(Arc<Connection>),
}

/// Requests to connect that no server decided about yet, by the number of their message.
static CONNECTING: Mutex<Option<HashMap<u32, Arc<Connection>>>> = Mutex::new(None);

fn number() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
}

impl Queue {
    /// One without messages.
    pub fn new(longest: usize, longest_connect: usize) -> Arc<Queue> {
        let filled = Object::new(Dispatcher::notification(false), Body::Event(Plain));
        Arc::new(Queue { longest, longest_connect, filled, state: Mutex::default() })
    }

    fn push(&self, k: &Kernel, message: Message, from: &Arc<Connection>, call: Option<Arc<Call>>) -> Nt<()> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(STATUS_PORT_DISCONNECTED);
        }
        if let Some(call) = call {
            state.calls.insert(message.header.id, (call, from.clone()));
        }
        state.messages.push_back((message, from.clone()));
        self.filled.signal.set(k);
        Ok(())
    }

    /// Takes the next message; waits for one.
    ///
    /// # Errors
    /// `STATUS_PORT_DISCONNECTED`; that the wait was cut short is none, and answers no message.
    pub fn receive(&self, cx: &Cx<'_>) -> Nt<Result<(Message, Arc<Connection>), Status>> {
        loop {
            {
                let mut state = self.state.lock();
                if let Some(next) = state.messages.pop_front() {
                    return Ok(Ok(next));
                }
                if state.closed {
                    return Err(STATUS_PORT_DISCONNECTED);
                }
                self.filled.signal.reset(cx.k);
            }
            let status = cx.wait_for(vec![self.filled.clone()], false, false, Deadline::Never)?;
            if status != STATUS_WAIT_0 {
                return Ok(Err(status));
            }
        }
    }

    /// Hands a reply to who waits for it.
    ///
    /// # Errors
    /// `STATUS_REPLY_MESSAGE_MISMATCH` if nobody does.
    pub fn reply(&self, k: &Kernel, message: Message) -> Nt<()> {
        let call = self.state.lock().calls.remove(&message.header.id);
        let (call, _) = call.ok_or(STATUS_REPLY_MESSAGE_MISMATCH)?;
        call.end(k, Ok(message));
        Ok(())
    }

    /// The server is gone.
    fn close(&self, k: &Kernel) {
        let calls = {
            let mut state = self.state.lock();
            state.closed = true;
            state.messages.clear();
            core::mem::take(&mut state.calls)
        };
        self.filled.signal.set(k);
        for (call, _) in calls.into_values() {
            call.end(k, Err(STATUS_PORT_DISCONNECTED));
        }
    }

    /// A connection is gone: nobody answers its requests.
    fn forget(&self, k: &Kernel, connection: &Arc<Connection>) {
        let mut state = self.state.lock();
        state.calls.retain(|_, (call, of)| {
            let its = Arc::ptr_eq(of, connection);
            if its {
                call.end(k, Err(STATUS_PORT_DISCONNECTED));
            }
            !its
        });
    }
}

/// What a message is from here on: its sender, its kind and its number.
fn addressed(cx: &Cx<'_>, kind: u16, data: Vec<u8>) -> Message {
    let client = ClientId { process: cx.k.ps.id(), thread: cx.t.id };
    let length = data.len() as u16;
    let header = Header { data: length, total: length + HEAD as u16, kind, client, id: number(), ..Header::default() };
    Message { header, data }
}

fn wait(cx: &Cx<'_>, call: &Call) -> Nt<Message> {
    let status = cx.wait_for(vec![call.done.clone()], false, false, Deadline::Never)?;
    match call.answer.lock().take() {
        Some(answer) => answer,
        None => Err(status),
    }
}

impl Connection {
    /// Asks a server for a connection, with some words, and waits until it decides; answers its words.
    ///
    /// # Errors
    /// `STATUS_PORT_CONNECTION_REFUSED`, `STATUS_PORT_DISCONNECTED`, `STATUS_PORT_MESSAGE_TOO_LONG`.
    pub fn connect(cx: &Cx<'_>, queue: &Arc<Queue>, words: Vec<u8>) -> Nt<(Arc<Connection>, Vec<u8>)> {
        if words.len() > queue.longest_connect {
            return Err(STATUS_PORT_MESSAGE_TOO_LONG);
        }
        let call = Call::new();
        let connection = Arc::new(Connection {
            queue: queue.clone(),
            context: AtomicU64::new(0),
            alive: AtomicBool::new(true),
            connects: Mutex::new(Some(call.clone())),
            said: Mutex::default(),
        });
        let message = addressed(cx, kind::CONNECTION_REQUEST, words);
        let id = message.header.id;
        CONNECTING.lock().get_or_insert_default().insert(id, connection.clone());
        let answered = queue.push(cx.k, message, &connection, Some(call.clone())).and_then(|()| wait(cx, &call));
        CONNECTING.lock().get_or_insert_default().remove(&id);
        queue.state.lock().calls.remove(&id);
        Ok((connection, answered?.data))
    }

    /// The request to connect that a message is.
    ///
    /// # Errors
    /// `STATUS_INVALID_CID`.
    pub fn asked_by(id: u32) -> Nt<Arc<Connection>> {
        CONNECTING.lock().get_or_insert_default().remove(&id).ok_or(STATUS_INVALID_CID)
    }

    /// Turns the client away.
    pub fn refuse(&self, k: &Kernel) {
        if let Some(call) = self.connects.lock().take() {
            call.end(k, Err(STATUS_PORT_CONNECTION_REFUSED));
        }
    }

    /// Keeps what the client is told when the connection is complete.
    pub fn accept(&self, context: u64, said: Message) {
        self.context.store(context, Ordering::Release);
        *self.said.lock() = said;
    }

    /// Lets the client go on.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` if it does already.
    pub fn complete(&self, k: &Kernel) -> Nt<()> {
        let call = self.connects.lock().take().ok_or(STATUS_INVALID_PARAMETER)?;
        call.end(k, Ok(self.said.lock().clone()));
        Ok(())
    }

    /// Sends a request and waits for its reply.
    ///
    /// # Errors
    /// `STATUS_PORT_DISCONNECTED`, `STATUS_PORT_MESSAGE_TOO_LONG`.
    pub fn request(self: &Arc<Self>, cx: &Cx<'_>, data: Vec<u8>) -> Nt<Message> {
        if data.len() + HEAD > self.queue.longest {
            return Err(STATUS_PORT_MESSAGE_TOO_LONG);
        }
        if !self.alive.load(Ordering::Acquire) {
            return Err(STATUS_PORT_DISCONNECTED);
        }
        let call = Call::new();
        let message = addressed(cx, kind::REQUEST, data);
        let id = message.header.id;
        self.queue.push(cx.k, message, self, Some(call.clone()))?;
        let answer = wait(cx, &call);
        self.queue.state.lock().calls.remove(&id);
        answer
    }

    /// Tells the server something that it does not answer.
    fn tell(self: &Arc<Self>, k: &Kernel, kind: u16, client: ClientId, data: Vec<u8>) {
        let length = data.len() as u16;
        let header =
            Header { data: length, total: length + HEAD as u16, kind, client, id: number(), ..Header::default() };
        // A server that is gone hears nothing.
        let _ = self.queue.push(k, Message { header, data }, self, None);
    }
}

impl Port {
    /// The queue that is received from with it.
    pub fn queue(&self) -> &Arc<Queue> {
        match self {
            Port::Server(queue) => queue,
            Port::Accepted(connection) | Port::Client(connection) => &connection.queue,
        }
    }
}

/// The last handle to a port was closed.
pub fn last_handle_closed(k: &Kernel, object: &Ref) {
    match object.alpc_port() {
        Ok(Port::Server(queue)) => queue.close(k),
        Ok(Port::Accepted(connection)) => {
            connection.alive.store(false, Ordering::Release);
            connection.refuse(k);
            connection.queue.forget(k, connection);
        }
        Ok(Port::Client(connection)) => {
            connection.alive.store(false, Ordering::Release);
            connection.tell(k, kind::PORT_CLOSED, ClientId { process: k.ps.id(), thread: 0 }, Vec::new());
        }
        Err(_) => {}
    }
}

/// A thread ended that had ports told of that: each hears when the thread began.
pub fn thread_ended(k: &Kernel, thread: &crate::ps::thread::Thread) {
    let ports = core::mem::take(&mut *thread.terminate_ports.lock());
    let client = ClientId { process: k.ps.id(), thread: thread.id };
    for port in ports {
        if let Ok(Port::Client(connection) | Port::Accepted(connection)) = port.alpc_port() {
            let began = thread.info.created.load(Ordering::Relaxed).to_le_bytes().to_vec();
            connection.tell(k, kind::CLIENT_DIED, client, began);
        }
    }
}
