//! Ends of pipes: made, connected, parted, closed.

use super::super::list::List;
use super::super::request::{Asker, Kind, Step};
use super::super::{Tx, object::field as object};
use super::{Config, Connection, DIRECTORY, Mode, NewEnd, Side, body, end, path, readers, writers};
use crate::ke::dispatcher::Kind as Signal;
use crate::status::*;

/// FILE_SHARE_READ.
const SHARE_READ: u32 = 1;
/// FILE_SHARE_WRITE.
const SHARE_WRITE: u32 = 2;

impl Tx<'_> {
    /// The pipe's object of that name.
    pub(super) fn pipe_named(&mut self, name: &[u16]) -> Option<u32> {
        self.named(&path(DIRECTORY, name), true)
    }

    /// Makes the server end of a new instance; `create` says what may exist: `Some(true)` must be new, `Some(false)` must
    /// exist, `None` either. Answers the end, and whether the pipe itself is new.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER`, `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_INSTANCE_NOT_AVAILABLE`, `STATUS_ACCESS_DENIED`,
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn create_pipe(
        &mut self,
        member: u32,
        name: Option<&[u16]>,
        config: Config,
        mode: Mode,
        create: Option<bool>,
        process: u32,
    ) -> Nt<(NewEnd, bool)> {
        let bad_sharing = config.sharing == 0 || config.sharing & !(SHARE_READ | SHARE_WRITE) != 0;
        if bad_sharing || (mode.message_read && !config.message) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let (object, made) = match name.and_then(|name| self.pipe_named(name)) {
            Some(object) => {
                let body = self.end_of(object);
                if self.get(body + body::INSTANCES) >= self.get(body + body::MAX_INSTANCES) {
                    return Err(STATUS_INSTANCE_NOT_AVAILABLE);
                }
                if self.get(body + body::SHARING) != config.sharing || create == Some(true) {
                    return Err(STATUS_ACCESS_DENIED);
                }
                (object, false)
            }
            None if create == Some(false) => return Err(STATUS_OBJECT_NAME_NOT_FOUND),
            None if config.max_instances == 0 => return Err(STATUS_INVALID_PARAMETER),
            None => (self.new_pipe(name, config)?, true),
        };
        let made_end = self.new_end(member, object, Side::Server, mode, [0, process])?;
        let body = self.end_of(object);
        let instances = self.get(body + body::INSTANCES);
        self.set(body + body::INSTANCES, instances + 1);
        let end = self.end_of(made_end.object);
        self.listens(end, body);
        self.finish_all(List(body + body::WAITERS), STATUS_SUCCESS);
        Ok((made_end, made))
    }

    fn new_pipe(&mut self, name: Option<&[u16]>, config: Config) -> Nt<u32> {
        let object = self.new_object(super::PIPE, Signal::None, 0, 0)?;
        let body = self.allocate(body::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.fill(object + object::BODY, body);
        self.fill(body + body::MESSAGE, u32::from(config.message));
        self.fill(body + body::SHARING, config.sharing);
        self.fill(body + body::MAX_INSTANCES, config.max_instances);
        self.fill(body + body::IN_QUOTA, config.in_quota);
        self.fill(body + body::OUT_QUOTA, config.out_quota);
        self.fill(body + body::TIMEOUT, config.timeout as u32);
        self.fill(body + body::TIMEOUT + 1, (config.timeout >> 32) as u32);
        if let Some(name) = name {
            self.name(object, &path(DIRECTORY, name))?;
        }
        Ok(object)
    }

    fn new_end(&mut self, member: u32, pipe: u32, side: Side, mode: Mode, processes: [u32; 2]) -> Nt<NewEnd> {
        let object = self.new_object(super::END, Signal::None, 0, 0)?;
        let end = self.allocate(end::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.fill(object + object::BODY, end);
        let body = self.end_of(pipe);
        let (connection, quota) = match side {
            Side::Server => (Connection::Listening, body::IN_QUOTA),
            Side::Client => (Connection::Connected, body::OUT_QUOTA),
        };
        let quota = self.get(body + quota);
        self.fill(end + end::PIPE, pipe);
        self.fill(end + end::SIDE, u32::from(side == Side::Client));
        self.fill(end + end::CONNECTION, connection as u32);
        self.fill(end + end::MODE, mode.bits());
        self.fill(end + end::QUOTA, quota);
        self.fill(end + end::CLIENT, processes[0]);
        self.fill(end + end::SERVER, processes[1]);
        let ends = self.get(body + body::ENDS);
        self.set(body + body::ENDS, ends + 1);
        Ok(NewEnd { object, reference: self.hold(object, member, true)? })
    }

    /// An end may be connected to.
    fn listens(&mut self, end: u32, pipe: u32) {
        List(pipe + body::LISTENING).push(self, end + end::LISTEN);
        self.set(end + end::LISTENS, 1);
    }

    fn listens_no_more(&mut self, end: u32, pipe: u32) {
        if self.get(end + end::LISTENS) != 0 {
            List(pipe + body::LISTENING).remove(self, end + end::LISTEN);
            self.set(end + end::LISTENS, 0);
        }
    }

    /// Connects a client by the pipe's name.
    ///
    /// # Errors
    /// `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_PIPE_NOT_AVAILABLE`, `STATUS_ACCESS_DENIED`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn connect_pipe(&mut self, member: u32, name: &[u16], access: (bool, bool), process: u32) -> Nt<NewEnd> {
        let pipe = self.pipe_named(name).ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
        self.connect_to(member, pipe, access, process)
    }

    /// Connects a client to the pipe that a server end belongs to.
    ///
    /// # Errors
    /// As [`Tx::connect_pipe`].
    pub fn connect_at(&mut self, member: u32, server: u32, access: (bool, bool), process: u32) -> Nt<NewEnd> {
        if self.side(server) != Side::Server {
            return Err(STATUS_OBJECT_TYPE_MISMATCH);
        }
        self.connect_to(member, self.get(server + end::PIPE), access, process)
    }

    fn connect_to(&mut self, member: u32, pipe: u32, (read, write): (bool, bool), process: u32) -> Nt<NewEnd> {
        let body = self.end_of(pipe);
        let server = match List(body + body::LISTENING).first(self) {
            0 => return Err(STATUS_PIPE_NOT_AVAILABLE),
            node => node - end::LISTEN,
        };
        let sharing = self.get(body + body::SHARING);
        if (read && sharing & SHARE_READ == 0) || (write && sharing & SHARE_WRITE == 0) {
            return Err(STATUS_ACCESS_DENIED);
        }
        let server_process = self.get(server + end::SERVER);
        let made = self.new_end(member, pipe, Side::Client, Mode::default(), [process, server_process])?;
        self.listens_no_more(server, body);
        let client = self.end_of(made.object);
        self.fill(client + end::PEER, server);
        self.set(server + end::PEER, client);
        self.set(server + end::CONNECTION, Connection::Connected as u32);
        self.set(server + end::CLIENT, process);
        self.finish_all(List(server + end::LISTENERS), STATUS_SUCCESS);
        Ok(made)
    }

    /// FSCTL_PIPE_LISTEN: waits for a client.
    ///
    /// # Errors
    /// `STATUS_ILLEGAL_FUNCTION` at a client's end, `STATUS_PIPE_CONNECTED`, `STATUS_PIPE_CLOSING`, `STATUS_PIPE_LISTENING`.
    pub fn listen(&mut self, end: u32, asker: Asker) -> Nt<Step> {
        if self.side(end) == Side::Client {
            return Err(STATUS_ILLEGAL_FUNCTION);
        }
        let pipe = self.pipe_of(end)?;
        match self.connection(end) {
            Connection::Connected => return Err(STATUS_PIPE_CONNECTED),
            Connection::Closing => return Err(STATUS_PIPE_CLOSING),
            Connection::Listening => {}
            Connection::Disconnected => {
                self.set(end + end::CONNECTION, Connection::Listening as u32);
                self.listens(end, pipe);
            }
        }
        self.finish_all(List(pipe + body::WAITERS), STATUS_SUCCESS);
        if self.mode(end).nonblocking {
            // It listens from now on all the same.
            return Ok(Step::Done(super::super::request::Done {
                status: STATUS_PIPE_LISTENING,
                information: 0,
                data: Vec::new(),
            }));
        }
        Ok(Step::Pending(self.ask(asker, Kind::Other, List(end + end::LISTENERS), end, 0)?))
    }

    /// FSCTL_PIPE_DISCONNECT: throws the client out; what it has not read is lost.
    ///
    /// # Errors
    /// `STATUS_ILLEGAL_FUNCTION` at a client's end, `STATUS_PIPE_LISTENING`, `STATUS_PIPE_DISCONNECTED`.
    pub fn disconnect(&mut self, end: u32) -> Nt<()> {
        if self.side(end) == Side::Client {
            return Err(STATUS_ILLEGAL_FUNCTION);
        }
        match self.connection(end) {
            Connection::Listening => return Err(STATUS_PIPE_LISTENING),
            Connection::Disconnected => return Err(STATUS_PIPE_DISCONNECTED),
            Connection::Connected | Connection::Closing => {}
        }
        let client = self.get(end + end::PEER);
        self.part(end, STATUS_PIPE_DISCONNECTED);
        if client != 0 {
            self.set(client + end::CUT_OFF, 1);
        }
        Ok(())
    }

    /// Parts two ends: `STATUS_PIPE_DISCONNECTED` drops what is buffered, `STATUS_PIPE_BROKEN` leaves it to be read.
    fn part(&mut self, end: u32, status: Status) {
        let gone = status == STATUS_PIPE_DISCONNECTED;
        let connection = if gone { Connection::Disconnected } else { Connection::Closing };
        for end in [end, self.get(end + end::PEER)] {
            if end == 0 {
                continue;
            }
            self.set(end + end::PEER, 0);
            self.set(end + end::CONNECTION, connection as u32);
            self.finish_all(readers(end), status);
            self.finish_all(List(end + end::FLUSHERS), status);
            self.finish_all(List(end + end::LISTENERS), status);
            for writer in writers(end).nodes(self) {
                self.take_back(end, writer);
                self.finish(writer, status, 0);
            }
            if gone {
                self.throw_away(end);
            }
        }
    }

    /// Closes an end: the last handle to it went.
    pub(in super::super) fn close_end(&mut self, end: u32) {
        if end == 0 || self.get(end + end::CLOSED) != 0 {
            return;
        }
        self.set(end + end::CLOSED, 1);
        self.part(end, STATUS_PIPE_BROKEN);
        self.throw_away(end);
        let object = self.get(end + end::PIPE);
        self.set(end + end::PIPE, 0);
        let pipe = self.end_of(object);
        let ends = self.get(pipe + body::ENDS).saturating_sub(1);
        self.set(pipe + body::ENDS, ends);
        if self.side(end) == Side::Server {
            self.listens_no_more(end, pipe);
            let instances = self.get(pipe + body::INSTANCES).saturating_sub(1);
            self.set(pipe + body::INSTANCES, instances);
            if instances == 0 {
                // Clients that are still open keep what is buffered at their end, which is all they need.
                self.unname(object);
                self.finish_all(List(pipe + body::WAITERS), STATUS_OBJECT_NAME_NOT_FOUND);
            }
        }
        if ends == 0 {
            let security = self.get(pipe + body::SECURITY);
            if security != 0 {
                self.free(security);
            }
            self.free(pipe);
            self.free(object);
        }
    }

    /// Names of all pipes, with the instances each has and may have.
    pub fn list_pipes(&self) -> Vec<(Vec<u16>, u32, u32)> {
        let directory: Vec<u16> = DIRECTORY.encode_utf16().collect();
        let named = |(path, object): (Vec<u16>, u32)| {
            let pipe = self.end_of(object);
            let name = path.strip_prefix(&directory[..])?.to_vec();
            let is_pipe = self.type_of(object) == super::PIPE;
            is_pipe.then(|| (name, self.get(pipe + body::INSTANCES), self.get(pipe + body::MAX_INSTANCES)))
        };
        self.names().into_iter().filter_map(named).collect()
    }
}
