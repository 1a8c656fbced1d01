//! Reading and writing pipes, and waiting for them.

use super::super::Tx;
use super::super::list::List;
use super::super::request::{Asker, Done, Kind, Step};
use super::{Connection, MAX_BUFFERED, Peek, body, end, readers, writers};
use crate::status::*;

impl Tx<'_> {
    /// Reads up to `capacity` bytes.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED`, `STATUS_PIPE_LISTENING`, `STATUS_PIPE_BROKEN`, `STATUS_PIPE_EMPTY`,
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn read_pipe(&mut self, end: u32, capacity: u32, asker: Asker) -> Nt<Step> {
        let (empty, mode) = (self.is_empty(end), self.mode(end));
        match self.connection(end) {
            Connection::Connected if empty && mode.nonblocking => return Err(STATUS_PIPE_EMPTY),
            Connection::Connected => {}
            Connection::Disconnected => return Err(STATUS_PIPE_DISCONNECTED),
            Connection::Listening => return Err(STATUS_PIPE_LISTENING),
            Connection::Closing if empty => return Err(STATUS_PIPE_BROKEN),
            Connection::Closing => {}
        }
        if empty {
            return Ok(Step::Pending(self.ask(asker, Kind::Read, readers(end), end, capacity)?));
        }
        // Nobody else waits to read: there is something.
        let (status, data) = self.take_data(end, capacity, mode.message_read, self.is_message(end));
        self.settle(end);
        Ok(Step::Done(Done { status, information: data.len(), data }))
    }

    /// What lies at an end became less: lets those go on who waited for that.
    pub(in super::super) fn settle(&mut self, end: u32) {
        self.let_writers_go(end);
        let peer = self.get(end + end::PEER);
        if peer != 0 && !List(peer + end::FLUSHERS).is_empty(self) && self.is_empty(end) {
            self.finish_all(List(peer + end::FLUSHERS), STATUS_SUCCESS);
        }
    }

    /// Gives data to those who wait for it at an end; answers how many bytes they took, and whether that was all there is.
    pub(super) fn hand_over(&mut self, end: u32, data: &[u8], message: bool) -> Nt<(usize, bool)> {
        let one = message && self.mode(end).message_read;
        let (mut at, mut given) = (0, data.is_empty() && !message);
        while at < data.len() || !given {
            let reader = self.first_request(readers(end));
            if reader == 0 {
                break;
            }
            let capacity = self.get(reader + super::super::request::field::LENGTH) as usize;
            let part = capacity.min(data.len() - at);
            let cut = one && part < data.len() - at;
            let status = if cut { STATUS_BUFFER_OVERFLOW } else { STATUS_SUCCESS };
            self.finish_with(reader, status, &data[at..at + part])?;
            at += part;
            given = true;
        }
        Ok((at, given && at == data.len()))
    }

    /// Writes; waits until all of it is read or fits the other end's quota.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED`, `STATUS_PIPE_LISTENING`, `STATUS_PIPE_CLOSING`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn write_pipe(&mut self, end: u32, data: &[u8], asker: Asker) -> Nt<Step> {
        match self.connection(end) {
            Connection::Connected => {}
            Connection::Disconnected => return Err(STATUS_PIPE_DISCONNECTED),
            Connection::Listening => return Err(STATUS_PIPE_LISTENING),
            Connection::Closing => return Err(STATUS_PIPE_CLOSING),
        }
        let message = self.get(self.pipe_of(end)? + body::MESSAGE) != 0;
        let nonblocking = self.mode(end).nonblocking;
        let done = |information| Ok(Step::Done(Done::moved(information)));
        let peer = match self.get(end + end::PEER) {
            0 => return Err(STATUS_PIPE_DISCONNECTED),
            _ if data.is_empty() && !message => return done(0),
            peer => peer,
        };
        let length = u32::try_from(data.len()).map_err(|_| STATUS_INSUFFICIENT_RESOURCES)?;
        let (queued, quota) = (self.get(peer + end::BYTES), self.get(peer + end::QUOTA));
        if queued.saturating_add(length) > MAX_BUFFERED {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        if nonblocking && message {
            // A message is never split: it goes as a whole or not at all.
            let taken = match self.first_request(readers(peer)) {
                0 => 0,
                reader => self.get(reader + super::super::request::field::LENGTH).min(length),
            };
            if queued + length - taken > quota && length > taken {
                return done(0);
            }
        }
        let (at, all) = self.hand_over(peer, data, message)?;
        if all {
            return done(data.len());
        }
        let rest = &data[at..];
        if queued + rest.len() as u32 <= quota || data.is_empty() {
            self.append(peer, rest, 0, message)?;
            return done(data.len());
        }
        if nonblocking {
            // What no reader took and no quota holds is not written.
            return done(at);
        }
        let writer = self.ask(asker, Kind::Write, writers(peer), peer, length)?;
        self.append(peer, rest, writer, message)?;
        Ok(Step::Pending(writer))
    }

    /// FSCTL_PIPE_TRANSCEIVE: writes a message and reads the answer.
    ///
    /// # Errors
    /// `STATUS_INVALID_PIPE_STATE`, `STATUS_PIPE_DISCONNECTED`, `STATUS_INVALID_READ_MODE`, `STATUS_PIPE_BUSY`,
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn transceive(&mut self, end: u32, data: &[u8], capacity: u32, asker: Asker) -> Nt<Step> {
        let peer = match self.get(end + end::PEER) {
            0 if self.get(end + end::CUT_OFF) != 0 => return Err(STATUS_PIPE_DISCONNECTED),
            0 => return Err(STATUS_INVALID_PIPE_STATE),
            peer => peer,
        };
        if !self.mode(end).message_read {
            return Err(STATUS_INVALID_READ_MODE);
        }
        if !self.is_empty(end) {
            return Err(STATUS_PIPE_BUSY);
        }
        if (self.get(peer + end::BYTES) as usize).saturating_add(data.len()) > MAX_BUFFERED as usize {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        // The write half never waits.
        let (at, all) = self.hand_over(peer, data, true)?;
        if !all {
            self.append(peer, &data[at..], 0, true)?;
        }
        Ok(Step::Pending(self.ask(asker, Kind::Read, readers(end), end, capacity)?))
    }

    /// Waits until the other end has read everything.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn flush_pipe(&mut self, end: u32, asker: Asker) -> Nt<Step> {
        self.pipe_of(end)?;
        let peer = self.get(end + end::PEER);
        if peer != 0 && !self.is_empty(peer) {
            return Ok(Step::Pending(self.ask(asker, Kind::Other, List(end + end::FLUSHERS), end, 0)?));
        }
        Ok(Step::Done(Done::moved(0)))
    }

    /// FSCTL_PIPE_PEEK: what could be read, without reading it, up to `capacity` bytes. The status is
    /// `STATUS_BUFFER_OVERFLOW` when the first message is longer.
    ///
    /// # Errors
    /// `STATUS_PIPE_BROKEN`, `STATUS_PIPE_DISCONNECTED`, `STATUS_INVALID_PIPE_STATE`.
    pub fn peek_pipe(&self, end: u32, capacity: u32) -> Nt<(Peek, Status)> {
        let connection = self.connection(end);
        match connection {
            Connection::Connected => {}
            Connection::Closing if !self.is_empty(end) => {}
            Connection::Closing => return Err(STATUS_PIPE_BROKEN),
            _ if self.get(end + end::CUT_OFF) != 0 => return Err(STATUS_PIPE_DISCONNECTED),
            _ => return Err(STATUS_INVALID_PIPE_STATE),
        }
        let message = self.get(self.pipe_of(end)? + body::MESSAGE) != 0;
        let available = self.get(end + end::BYTES) as usize;
        let (data, first) = self.look(end, capacity, message);
        let message_length = if message && available != 0 { first as usize } else { 0 };
        let status = if message_length > data.len() { STATUS_BUFFER_OVERFLOW } else { STATUS_SUCCESS };
        let messages = self.get(end + end::MESSAGES);
        Ok((Peek { connection, available, messages, message_length, data }, status))
    }

    /// FSCTL_PIPE_WAIT: waits until an instance listens. With it comes how long the pipe says to wait.
    ///
    /// # Errors
    /// `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn wait_for_pipe(&mut self, name: &[u16], asker: Asker) -> Nt<(Step, i64)> {
        let object = self.pipe_named(name).ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
        let pipe = self.end_of(object);
        let (low, high) = (self.get(pipe + body::TIMEOUT), self.get(pipe + body::TIMEOUT + 1));
        let timeout = (u64::from(low) | u64::from(high) << 32) as i64;
        if List(pipe + body::LISTENING).is_empty(self) {
            let request = self.ask(asker, Kind::Other, List(pipe + body::WAITERS), 0, 0)?;
            return Ok((Step::Pending(request), timeout));
        }
        Ok((Step::Done(Done::moved(0)), timeout))
    }
}
