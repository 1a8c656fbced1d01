//! Named pipes as data: pipes, their ends, what is buffered, who waits.
//!
//! Nothing here knows files, threads or guest memory. A request that has to wait leaves its [`Token`]; what finishes is
//! collected in a list that the caller takes and carries out. So the whole of it can lie wherever it must to be shared.

use crate::nls::fold::fold;
use crate::status::*;
use std::collections::{BTreeMap, VecDeque};

/// Names a request that waits.
pub type Token = u64;
/// Names an end of a pipe.
pub type EndId = u32;
type PipeId = u32;

/// Which end of a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Made by NtCreateNamedPipeFile.
    Server,
    /// Opened by name.
    Client,
}

/// FILE_PIPE_*_STATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Connection {
    /// Neither.
    Disconnected = 1,
    /// The server waits for a client, or would take one.
    Listening = 2,
    /// Both ends are there.
    Connected = 3,
    /// The other end was closed.
    Closing = 4,
}

/// What all instances of a pipe have in common.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Messages keep their borders (FILE_PIPE_MESSAGE_TYPE).
    pub message: bool,
    /// FILE_SHARE_READ: clients may read; FILE_SHARE_WRITE: clients may write.
    pub sharing: u32,
    /// Most instances.
    pub max_instances: u32,
    /// Bytes towards the server that do not block the writer.
    pub in_quota: u32,
    /// Bytes towards the client that do not block the writer.
    pub out_quota: u32,
    /// How long NtFsControlFile(FSCTL_PIPE_WAIT) waits unless it says so: NT time, negative.
    pub timeout: i64,
}

/// How an end reads and waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mode {
    /// One message at a time.
    pub message_read: bool,
    /// Requests that would wait are refused instead.
    pub nonblocking: bool,
}

struct Pipe {
    name: Option<Vec<u16>>,
    config: Config,
    instances: u32,
    listening: VecDeque<EndId>,
    /// Who waits for an instance.
    waiters: Vec<Token>,
    /// The security descriptor of all ends, self-relative, if one was set.
    security: Option<Vec<u8>>,
}

struct Message {
    data: Vec<u8>,
    /// Bytes read of it.
    read: usize,
    /// The write that waits until it fits.
    writer: Option<Token>,
}

impl Message {
    fn left(&self) -> usize {
        self.data.len() - self.read
    }
}

struct End {
    pipe: PipeId,
    side: Side,
    /// The server threw this client out: nothing of the pipe is left to it.
    cut_off: bool,
    connection: Connection,
    mode: Mode,
    peer: Option<EndId>,
    quota: u32,
    /// What can be read here.
    incoming: VecDeque<Message>,
    readers: VecDeque<(Token, usize)>,
    /// Flushes of this end, which wait until the other end has read all.
    flushers: Vec<Token>,
    listeners: Vec<Token>,
    processes: [u32; 2],
    /// Set by FSCTL_PIPE_SET_CLIENT_PROCESS.
    attributes: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// A request that is finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Which.
    pub token: Token,
    /// How.
    pub status: Status,
    /// Bytes moved.
    pub information: usize,
    /// What a read brought.
    pub data: Vec<u8>,
}

/// How a request went at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is finished.
    Done(Done),
    /// It waits.
    Pending,
}

/// What FILE_PIPE_LOCAL_INFORMATION and its kin tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Local {
    pub message: bool,
    pub sharing: u32,
    pub max_instances: u32,
    pub instances: u32,
    pub in_quota: u32,
    pub out_quota: u32,
    /// Bytes that can be read here.
    pub available: usize,
    /// Bytes that can be written here without waiting.
    pub writable: usize,
    pub connection: Connection,
    pub side: Side,
    pub mode: Mode,
}

/// What FSCTL_PIPE_PEEK tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Peek {
    pub connection: Connection,
    pub available: usize,
    pub messages: u32,
    pub message_length: usize,
    pub data: Vec<u8>,
}

/// Every pipe there is.
#[derive(Default)]
pub struct State {
    pipes: BTreeMap<PipeId, Pipe>,
    names: BTreeMap<Vec<u16>, PipeId>,
    ends: BTreeMap<EndId, End>,
    next: u32,
    done: Vec<Done>,
}

/// FILE_SHARE_READ.
const SHARE_READ: u32 = 1;
/// FILE_SHARE_WRITE.
const SHARE_WRITE: u32 = 2;
/// Bytes that one direction of a pipe holds whatever its quota, so that a guest cannot make the kernel hold all memory.
const MAX_BUFFERED: usize = 256 << 20;

impl State {
    fn id(&mut self) -> u32 {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    /// Requests that finished since the last call.
    pub fn take_done(&mut self) -> Vec<Done> {
        std::mem::take(&mut self.done)
    }

    fn finish(&mut self, token: Token, status: Status, information: usize) {
        self.done.push(Done { token, status, information, data: Vec::new() });
    }

    /// The step of a request that was queued: done if it finished on the way.
    fn step(&mut self, token: Token) -> Step {
        match self.done.iter().position(|done| done.token == token) {
            Some(index) => Step::Done(self.done.remove(index)),
            None => Step::Pending,
        }
    }

    fn end(&self, id: EndId) -> Nt<&End> {
        self.ends.get(&id).ok_or(STATUS_INVALID_HANDLE)
    }

    fn end_mut(&mut self, id: EndId) -> Nt<&mut End> {
        self.ends.get_mut(&id).ok_or(STATUS_INVALID_HANDLE)
    }

    fn pipe_of(&self, end: &End) -> Nt<&Pipe> {
        if end.cut_off {
            return Err(STATUS_PIPE_DISCONNECTED);
        }
        self.pipes.get(&end.pipe).ok_or(STATUS_PIPE_DISCONNECTED)
    }

    /// Makes the server end of a new instance; `create` says what may exist: `Some(true)` must be new, `Some(false)` must
    /// exist, `None` either. Answers the end, and whether the pipe itself is new.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER`, `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_INSTANCE_NOT_AVAILABLE`, `STATUS_ACCESS_DENIED`.
    pub fn create(
        &mut self,
        name: Option<&[u16]>,
        config: Config,
        mode: Mode,
        create: Option<bool>,
        process: u32,
    ) -> Nt<(EndId, bool)> {
        let bad_sharing = config.sharing == 0 || config.sharing & !(SHARE_READ | SHARE_WRITE) != 0;
        if bad_sharing || (mode.message_read && !config.message) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let existing = name.and_then(|name| self.names.get(&fold(name)).copied());
        let (id, made) = match existing.and_then(|id| Some((id, self.pipes.get(&id)?))) {
            Some((id, pipe)) => {
                if pipe.instances >= pipe.config.max_instances {
                    return Err(STATUS_INSTANCE_NOT_AVAILABLE);
                }
                if pipe.config.sharing != config.sharing || create == Some(true) {
                    return Err(STATUS_ACCESS_DENIED);
                }
                (id, false)
            }
            None if create == Some(false) => return Err(STATUS_OBJECT_NAME_NOT_FOUND),
            None => {
                if config.max_instances == 0 {
                    return Err(STATUS_INVALID_PARAMETER);
                }
                let id = self.id();
                let pipe = Pipe {
                    name: name.map(<[u16]>::to_vec),
                    config,
                    instances: 0,
                    listening: VecDeque::new(),
                    waiters: Vec::new(),
                    security: None,
                };
                self.pipes.insert(id, pipe);
                if let Some(name) = name {
                    self.names.insert(fold(name), id);
                }
                (id, true)
            }
        };
        let end = self.new_end(id, Side::Server, mode, [0, process])?;
        let pipe = self.pipes.get_mut(&id).ok_or(STATUS_INTERNAL_ERROR)?;
        pipe.instances += 1;
        pipe.listening.push_back(end);
        self.wake_waiters(id);
        Ok((end, made))
    }

    fn new_end(&mut self, pipe: PipeId, side: Side, mode: Mode, processes: [u32; 2]) -> Nt<EndId> {
        let config = self.pipes.get(&pipe).ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?.config;
        let id = self.id();
        let (connection, quota) = match side {
            Side::Server => (Connection::Listening, config.in_quota),
            Side::Client => (Connection::Connected, config.out_quota),
        };
        let end = End {
            pipe,
            side,
            cut_off: false,
            connection,
            mode,
            peer: None,
            quota,
            incoming: VecDeque::new(),
            readers: VecDeque::new(),
            flushers: Vec::new(),
            listeners: Vec::new(),
            processes,
            attributes: BTreeMap::new(),
        };
        self.ends.insert(id, end);
        Ok(id)
    }

    fn wake_waiters(&mut self, pipe: PipeId) {
        let waiters = self.pipes.get_mut(&pipe).map(|pipe| std::mem::take(&mut pipe.waiters)).unwrap_or_default();
        for token in waiters {
            self.finish(token, STATUS_SUCCESS, 0);
        }
    }

    /// Whether a pipe of that name exists.
    pub fn exists(&self, name: &[u16]) -> bool {
        self.names.contains_key(&fold(name))
    }

    /// Names of all pipes, with the instances each has and may have.
    pub fn list(&self) -> Vec<(Vec<u16>, u32, u32)> {
        let all = self.names.values().filter_map(|id| self.pipes.get(id));
        all.filter_map(|p| Some((p.name.clone()?, p.instances, p.config.max_instances))).collect()
    }

    /// Connects a client by the pipe's name.
    ///
    /// # Errors
    /// `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_PIPE_NOT_AVAILABLE`, `STATUS_ACCESS_DENIED`.
    pub fn connect(&mut self, name: &[u16], read: bool, write: bool, process: u32) -> Nt<EndId> {
        let pipe = *self.names.get(&fold(name)).ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
        self.connect_to(pipe, read, write, process)
    }

    /// Connects a client to the pipe that a server end belongs to.
    ///
    /// # Errors
    /// As [`State::connect`].
    pub fn connect_at(&mut self, server: EndId, read: bool, write: bool, process: u32) -> Nt<EndId> {
        let end = self.end(server)?;
        if end.side != Side::Server {
            return Err(STATUS_OBJECT_TYPE_MISMATCH);
        }
        self.connect_to(end.pipe, read, write, process)
    }

    fn connect_to(&mut self, id: PipeId, read: bool, write: bool, process: u32) -> Nt<EndId> {
        let pipe = self.pipes.get(&id).ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
        let server = *pipe.listening.front().ok_or(STATUS_PIPE_NOT_AVAILABLE)?;
        let sharing = pipe.config.sharing;
        if (read && sharing & SHARE_READ == 0) || (write && sharing & SHARE_WRITE == 0) {
            return Err(STATUS_ACCESS_DENIED);
        }
        let server_process = self.end(server)?.processes[1];
        let client = self.new_end(id, Side::Client, Mode::default(), [process, server_process])?;
        if let Some(pipe) = self.pipes.get_mut(&id) {
            pipe.listening.pop_front();
        }
        self.end_mut(client)?.peer = Some(server);
        let end = self.end_mut(server)?;
        end.connection = Connection::Connected;
        end.peer = Some(client);
        end.processes[0] = process;
        for token in std::mem::take(&mut end.listeners) {
            self.finish(token, STATUS_SUCCESS, 0);
        }
        Ok(client)
    }

    /// FSCTL_PIPE_LISTEN: waits for a client.
    ///
    /// # Errors
    /// `STATUS_ILLEGAL_FUNCTION` at a client's end, `STATUS_PIPE_CONNECTED`, `STATUS_PIPE_CLOSING`, `STATUS_PIPE_LISTENING`.
    pub fn listen(&mut self, id: EndId, token: Token) -> Nt<Step> {
        let end = self.end_mut(id)?;
        if end.side == Side::Client {
            return Err(STATUS_ILLEGAL_FUNCTION);
        }
        let pipe = end.pipe;
        match end.connection {
            Connection::Connected => return Err(STATUS_PIPE_CONNECTED),
            Connection::Closing => return Err(STATUS_PIPE_CLOSING),
            Connection::Listening => {}
            Connection::Disconnected => {
                end.connection = Connection::Listening;
                if let Some(pipe) = self.pipes.get_mut(&pipe) {
                    pipe.listening.push_back(id);
                }
            }
        }
        self.wake_waiters(pipe);
        let end = self.end_mut(id)?;
        if end.mode.nonblocking {
            return Err(STATUS_PIPE_LISTENING);
        }
        end.listeners.push(token);
        Ok(Step::Pending)
    }

    /// FSCTL_PIPE_DISCONNECT: throws the client out; what it has not read is lost.
    ///
    /// # Errors
    /// `STATUS_ILLEGAL_FUNCTION` at a client's end, `STATUS_PIPE_LISTENING`, `STATUS_PIPE_DISCONNECTED`.
    pub fn disconnect(&mut self, id: EndId) -> Nt<()> {
        let end = self.end(id)?;
        if end.side == Side::Client {
            return Err(STATUS_ILLEGAL_FUNCTION);
        }
        match end.connection {
            Connection::Listening => return Err(STATUS_PIPE_LISTENING),
            Connection::Disconnected => return Err(STATUS_PIPE_DISCONNECTED),
            Connection::Connected | Connection::Closing => {}
        }
        let client = end.peer;
        self.part(id, STATUS_PIPE_DISCONNECTED);
        if let Some(client) = client.and_then(|client| self.ends.get_mut(&client)) {
            client.cut_off = true;
        }
        Ok(())
    }

    /// Parts two ends: `STATUS_PIPE_DISCONNECTED` drops what is buffered, `STATUS_PIPE_BROKEN` leaves it to be read.
    fn part(&mut self, id: EndId, status: Status) {
        let mut next = Some(id);
        while let Some(id) = next {
            let Some(end) = self.ends.get_mut(&id) else { return };
            next = end.peer.take();
            let gone = status == STATUS_PIPE_DISCONNECTED;
            end.connection = if gone { Connection::Disconnected } else { Connection::Closing };
            let mut waiting: Vec<Token> = end.readers.drain(..).map(|(token, _)| token).collect();
            waiting.append(&mut end.flushers);
            waiting.append(&mut end.listeners);
            end.incoming.retain_mut(|message| match message.writer.take() {
                Some(token) => {
                    waiting.push(token);
                    false
                }
                None => !gone,
            });
            for token in waiting {
                self.finish(token, status, 0);
            }
        }
    }

    /// Closes an end.
    pub fn close(&mut self, id: EndId) {
        let Some(end) = self.ends.get(&id) else { return };
        let (pipe, side) = (end.pipe, end.side);
        self.part(id, STATUS_PIPE_BROKEN);
        self.ends.remove(&id);
        if side == Side::Client {
            return;
        }
        let Some(held) = self.pipes.get_mut(&pipe) else { return };
        held.listening.retain(|listening| *listening != id);
        held.instances = held.instances.saturating_sub(1);
        if held.instances == 0 {
            // Clients that are still open keep what is buffered at their end, which is all they need.
            let waiters = std::mem::take(&mut held.waiters);
            if let Some(name) = held.name.clone() {
                self.names.remove(&fold(&name));
            }
            for token in waiters {
                self.finish(token, STATUS_OBJECT_NAME_NOT_FOUND, 0);
            }
        }
        self.forget_pipe(pipe);
    }

    /// Drops a pipe that no end refers to any more.
    fn forget_pipe(&mut self, pipe: PipeId) {
        if self.pipes.get(&pipe).is_some_and(|p| p.instances == 0) && !self.ends.values().any(|end| end.pipe == pipe) {
            self.pipes.remove(&pipe);
        }
    }

    /// Takes one waiting request out, whatever it waits for; it finishes with `status`.
    pub fn cancel(&mut self, token: Token, status: Status) {
        let mut found = false;
        let mut changed = None;
        for (id, end) in &mut self.ends {
            let before = end.readers.len() + end.flushers.len() + end.listeners.len() + end.incoming.len();
            end.readers.retain(|(held, _)| *held != token);
            end.flushers.retain(|held| *held != token);
            end.listeners.retain(|held| *held != token);
            end.incoming.retain(|message| message.writer != Some(token));
            if end.readers.len() + end.flushers.len() + end.listeners.len() + end.incoming.len() != before {
                found = true;
                changed = Some(*id);
                break;
            }
        }
        for pipe in self.pipes.values_mut() {
            let before = pipe.waiters.len();
            pipe.waiters.retain(|held| *held != token);
            found |= pipe.waiters.len() != before;
        }
        if found {
            self.finish(token, status, 0);
        }
        if let Some(id) = changed {
            self.settle(id);
        }
    }

    /// Lets reads and writes through that what lies at this end allows.
    fn settle(&mut self, id: EndId) {
        let mut finished = Vec::new();
        let Some(end) = self.ends.get_mut(&id) else { return };
        while !end.incoming.is_empty()
            && let Some((token, capacity)) = end.readers.pop_front()
        {
            let (status, data) = end.take(capacity, &mut finished);
            finished.push(Done { token, status, information: data.len(), data });
        }
        let mut queued = 0;
        for message in &mut end.incoming {
            queued += message.left();
            if (queued <= end.quota as usize || message.data.is_empty())
                && let Some(token) = message.writer.take()
            {
                let information = message.data.len();
                finished.push(Done { token, status: STATUS_SUCCESS, information, data: Vec::new() });
            }
        }
        let empty = end.incoming.is_empty();
        let peer = end.peer;
        self.done.append(&mut finished);
        if empty && let Some(peer) = peer.and_then(|peer| self.ends.get_mut(&peer)) {
            for token in std::mem::take(&mut peer.flushers) {
                self.finish(token, STATUS_SUCCESS, 0);
            }
        }
    }

    /// Reads up to `capacity` bytes.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED`, `STATUS_PIPE_LISTENING`, `STATUS_PIPE_BROKEN`, `STATUS_PIPE_EMPTY`.
    pub fn read(&mut self, id: EndId, capacity: usize, token: Token) -> Nt<Step> {
        let end = self.end_mut(id)?;
        let empty = end.incoming.is_empty();
        match end.connection {
            Connection::Connected if empty && end.mode.nonblocking => return Err(STATUS_PIPE_EMPTY),
            Connection::Connected => {}
            Connection::Disconnected => return Err(STATUS_PIPE_DISCONNECTED),
            Connection::Listening => return Err(STATUS_PIPE_LISTENING),
            Connection::Closing if empty => return Err(STATUS_PIPE_BROKEN),
            Connection::Closing => {}
        }
        end.readers.push_back((token, capacity));
        self.settle(id);
        Ok(self.step(token))
    }

    /// Writes; waits until all of it is read or fits the other end's quota.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED`, `STATUS_PIPE_LISTENING`, `STATUS_PIPE_CLOSING`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn write(&mut self, id: EndId, data: Vec<u8>, token: Token) -> Nt<Step> {
        let end = self.end(id)?;
        match end.connection {
            Connection::Connected => {}
            Connection::Disconnected => return Err(STATUS_PIPE_DISCONNECTED),
            Connection::Listening => return Err(STATUS_PIPE_LISTENING),
            Connection::Closing => return Err(STATUS_PIPE_CLOSING),
        }
        let message_type = self.pipe_of(end)?.config.message;
        let nonblocking = end.mode.nonblocking;
        let peer = end.peer.ok_or(STATUS_PIPE_DISCONNECTED)?;
        let done = |information| Ok(Step::Done(Done { token, status: STATUS_SUCCESS, information, data: Vec::new() }));
        if data.is_empty() && !message_type {
            return done(0);
        }
        let reader = self.end_mut(peer)?;
        let queued = reader.queued();
        if queued.saturating_add(data.len()) > MAX_BUFFERED {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        if nonblocking && message_type {
            // A message is never split: it goes as a whole or not at all.
            let taken = reader.readers.front().map_or(0, |(_, capacity)| *capacity).min(data.len());
            if queued + data.len() - taken > reader.quota as usize && data.len() > taken {
                return done(0);
            }
        }
        reader.incoming.push_back(Message { data, read: 0, writer: Some(token) });
        self.settle(peer);
        if nonblocking && let Some(reader) = self.ends.get_mut(&peer) {
            // What no reader took and no quota holds is not written.
            if let Some(last) = reader.incoming.pop_back_if(|message| message.writer == Some(token)) {
                return done(last.read);
            }
        }
        Ok(self.step(token))
    }

    /// FSCTL_PIPE_TRANSCEIVE: writes a message and reads the answer.
    ///
    /// # Errors
    /// `STATUS_INVALID_PIPE_STATE`, `STATUS_PIPE_DISCONNECTED`, `STATUS_INVALID_READ_MODE`, `STATUS_PIPE_BUSY`.
    pub fn transceive(&mut self, id: EndId, data: Vec<u8>, capacity: usize, token: Token) -> Nt<Step> {
        let end = self.end(id)?;
        let Some(peer) = end.peer else {
            return Err(if end.cut_off { STATUS_PIPE_DISCONNECTED } else { STATUS_INVALID_PIPE_STATE });
        };
        if !end.mode.message_read {
            return Err(STATUS_INVALID_READ_MODE);
        }
        if !end.incoming.is_empty() {
            return Err(STATUS_PIPE_BUSY);
        }
        let reader = self.end_mut(peer)?;
        if reader.queued().saturating_add(data.len()) > MAX_BUFFERED {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        // The write half never waits.
        reader.incoming.push_back(Message { data, read: 0, writer: None });
        self.settle(peer);
        self.end_mut(id)?.readers.push_back((token, capacity));
        self.settle(id);
        Ok(self.step(token))
    }

    /// Waits until the other end has read everything.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED`.
    pub fn flush(&mut self, id: EndId, token: Token) -> Nt<Step> {
        let end = self.end(id)?;
        self.pipe_of(end)?;
        let peer = end.peer.and_then(|peer| self.ends.get(&peer));
        if peer.is_some_and(|peer| !peer.incoming.is_empty()) {
            self.end_mut(id)?.flushers.push(token);
            return Ok(Step::Pending);
        }
        Ok(Step::Done(Done { token, status: STATUS_SUCCESS, information: 0, data: Vec::new() }))
    }

    /// FSCTL_PIPE_PEEK: what could be read, without reading it, up to `capacity` bytes. The status is
    /// `STATUS_BUFFER_OVERFLOW` when the first message is longer.
    ///
    /// # Errors
    /// `STATUS_PIPE_BROKEN`, `STATUS_PIPE_DISCONNECTED`, `STATUS_INVALID_PIPE_STATE`.
    pub fn peek(&self, id: EndId, capacity: usize) -> Nt<(Peek, Status)> {
        let end = self.end(id)?;
        match end.connection {
            Connection::Connected => {}
            Connection::Closing if !end.incoming.is_empty() => {}
            Connection::Closing => return Err(STATUS_PIPE_BROKEN),
            _ if end.cut_off => return Err(STATUS_PIPE_DISCONNECTED),
            _ => return Err(STATUS_INVALID_PIPE_STATE),
        }
        let message_type = self.pipe_of(end)?.config.message;
        let available = end.queued();
        let message_length = match end.incoming.front() {
            Some(message) if message_type && available != 0 => message.left(),
            _ => 0,
        };
        let mut length = capacity.min(available);
        if message_type {
            length = length.min(message_length);
        }
        let bytes = end.incoming.iter().flat_map(|message| message.data.get(message.read..).unwrap_or(&[]));
        let data: Vec<u8> = bytes.take(length).copied().collect();
        let status = if message_length > data.len() { STATUS_BUFFER_OVERFLOW } else { STATUS_SUCCESS };
        let messages = if message_type { end.incoming.len() as u32 } else { 0 };
        Ok((Peek { connection: end.connection, available, messages, message_length, data }, status))
    }

    /// FSCTL_PIPE_WAIT: waits until an instance listens.
    ///
    /// # Errors
    /// `STATUS_OBJECT_NAME_NOT_FOUND`.
    pub fn wait(&mut self, name: &[u16], token: Token) -> Nt<(Step, i64)> {
        let id = self.names.get(&fold(name)).ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
        let pipe = self.pipes.get_mut(id).ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
        let timeout = pipe.config.timeout;
        if pipe.listening.is_empty() {
            pipe.waiters.push(token);
            return Ok((Step::Pending, timeout));
        }
        Ok((Step::Done(Done { token, status: STATUS_SUCCESS, information: 0, data: Vec::new() }), timeout))
    }

    /// What there is to tell of an end.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED` at a client that was thrown out.
    pub fn local(&self, id: EndId) -> Nt<Local> {
        let end = self.end(id)?;
        let pipe = self.pipe_of(end)?;
        let peer = end.peer.and_then(|peer| self.ends.get(&peer));
        Ok(Local {
            message: pipe.config.message,
            sharing: pipe.config.sharing,
            max_instances: pipe.config.max_instances,
            instances: pipe.instances,
            in_quota: pipe.config.in_quota,
            out_quota: pipe.config.out_quota,
            available: end.queued(),
            writable: peer.map_or(0, |peer| (peer.quota as usize).saturating_sub(peer.queued())),
            connection: end.connection,
            side: end.side,
            mode: end.mode,
        })
    }

    /// The pipe's name, if it has one.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED`.
    pub fn name(&self, id: EndId) -> Nt<Option<Vec<u16>>> {
        Ok(self.pipe_of(self.end(id)?)?.name.clone())
    }

    /// The security descriptor that all ends share.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED`.
    pub fn security(&mut self, id: EndId) -> Nt<&mut Option<Vec<u8>>> {
        let end = self.end(id)?;
        self.pipe_of(end)?;
        let pipe = end.pipe;
        Ok(&mut self.pipes.get_mut(&pipe).ok_or(STATUS_PIPE_DISCONNECTED)?.security)
    }

    /// The same of the pipe of that name, if there is one and it has one.
    pub fn security_of(&self, name: &[u16]) -> Option<Vec<u8>> {
        self.pipes.get(self.names.get(&fold(name))?)?.security.clone()
    }

    /// The client's and the server's process.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`.
    pub fn processes(&self, id: EndId) -> Nt<[u32; 2]> {
        Ok(self.end(id)?.processes)
    }

    /// Sets how an end reads and waits.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED`; `STATUS_INVALID_PARAMETER` for message reads of a byte pipe.
    pub fn set_mode(&mut self, id: EndId, mode: Mode) -> Nt<()> {
        let end = self.end(id)?;
        if mode.message_read && !self.pipe_of(end)?.config.message {
            return Err(STATUS_INVALID_PARAMETER);
        }
        self.pipe_of(end)?;
        self.end_mut(id)?.mode = mode;
        Ok(())
    }

    /// A named attribute of an end (FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE and its kin).
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`; `STATUS_NOT_FOUND`.
    pub fn attribute(&self, id: EndId, name: &[u8]) -> Nt<Vec<u8>> {
        self.end(id)?.attributes.get(name).cloned().ok_or(STATUS_NOT_FOUND)
    }

    /// Sets a named attribute of an end, and of the other end.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`; `STATUS_INSUFFICIENT_RESOURCES` when there are too many.
    pub fn set_attribute(&mut self, id: EndId, name: &[u8], value: &[u8]) -> Nt<()> {
        let peer = self.end(id)?.peer;
        for id in std::iter::once(id).chain(peer) {
            let attributes = &mut self.end_mut(id)?.attributes;
            if attributes.len() >= 64 && !attributes.contains_key(name) {
                return Err(STATUS_INSUFFICIENT_RESOURCES);
            }
            attributes.insert(name.to_vec(), value.to_vec());
        }
        Ok(())
    }
}

impl End {
    fn queued(&self) -> usize {
        self.incoming.iter().map(Message::left).sum()
    }

    /// Takes what one read gets. Messages that are read to their end free their writer.
    fn take(&mut self, capacity: usize, finished: &mut Vec<Done>) -> (Status, Vec<u8>) {
        let mut data = Vec::new();
        let mut status = STATUS_SUCCESS;
        while let Some(message) = self.incoming.front_mut() {
            let part = message.left().min(capacity - data.len());
            data.extend_from_slice(message.data.get(message.read..message.read + part).unwrap_or(&[]));
            message.read += part;
            if message.left() == 0 {
                if let Some(token) = message.writer {
                    let information = message.data.len();
                    finished.push(Done { token, status: STATUS_SUCCESS, information, data: Vec::new() });
                }
                self.incoming.pop_front();
            } else if self.mode.message_read {
                status = STATUS_BUFFER_OVERFLOW;
            }
            if self.mode.message_read || data.len() >= capacity {
                break;
            }
        }
        (status, data)
    }
}
