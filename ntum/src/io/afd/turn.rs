//! What follows from a socket's being ready: requests end, events happen, polls answer.

use super::code::event;
use super::connect;
use super::socket::{Over, Phase, Socket, State};
use crate::host::Ready;
use crate::kernel::Kernel;
use crate::status::*;
use shim_abi::error::Error;
use std::sync::Arc;

/// Looks at a socket, and does what is to be done.
pub fn turn(k: &'static Kernel, socket: &Arc<Socket>) {
    turn_when(k, socket, None);
}

/// As [`turn`], where it may be known what one of its descriptors is ready for.
pub fn turn_when(k: &'static Kernel, socket: &Arc<Socket>, ready: Option<Ready>) {
    let mut over = Over::default();
    let polls = {
        let mut state = socket.lock();
        let one = state.published.is_none() && state.ways.is_empty();
        // What was so a moment ago may have been taken since, and is not told to who asks for events.
        let enough = one && state.mask == 0;
        state.advance(k, socket, ready.filter(|_| enough), &mut over);
        state.answered_polls(k)
    };
    over.tell(k);
    for (poll, flags, status) in polls {
        poll.happened(k, socket.number, flags, status);
    }
}

impl State {
    /// Ends what can be ended, and notes what happened.
    pub fn advance(&mut self, k: &'static Kernel, socket: &Arc<Socket>, known: Option<Ready>, over: &mut Over) {
        if self.stream.is_none() || self.phase == Phase::Unconnected {
            return;
        }
        let mut ready = known.unwrap_or_else(|| self.ready(k));
        match self.phase {
            Phase::Unconnected => {}
            Phase::Connecting => {
                if ready.error || ready.hangup {
                    let error = self.take_error(k).unwrap_or(Error::Refused);
                    self.connect_failed(k, error.into(), over);
                } else if ready.write {
                    self.connect_done(k, over);
                }
            }
            Phase::Listening => {
                while ready.read && !self.accepts.is_empty() {
                    if !connect::accept_next(k, socket, self, over) {
                        break;
                    }
                    ready = self.ready(k);
                }
                if ready.read {
                    self.happened(k, event::ACCEPT);
                }
            }
            Phase::Connected | Phase::Connectionless => self.carry(k, ready, over),
        }
    }

    /// A connection may stand before the poller comes to say so: who uses it need not wait for that. A failure is the poller's
    /// to tell, because the descriptor that wakes it goes with it.
    pub fn settle(&mut self, k: &'static Kernel) {
        if self.phase == Phase::Connecting && self.connecting.is_none() {
            let ready = self.ready(k);
            if ready.write && !ready.error && !ready.hangup {
                self.connect_done(k, &mut Over::default());
            }
        }
    }

    /// Moves data for requests that wait, and notes what is left to be told.
    fn carry(&mut self, k: &'static Kernel, mut ready: Ready, over: &mut Over) {
        connect::send_first(k, self, over);
        connect::receive_first(k, self, over);
        let waited = self.reads.len();
        while let Some(read) = self.reads.pop_front() {
            // Who has no room is told that there is something.
            let told = read.to.is_empty() && self.is_stream() && ready.read && !ready.error && !self.reset;
            let received = if told { Some(Ok((STATUS_SUCCESS, 0))) } else { self.receive(k, &read.to) };
            match received {
                Some(result) => over.push(&read.irp, result),
                None => {
                    self.reads.push_front(read);
                    break;
                }
            }
        }
        while let Some(mut write) = self.writes.pop_front() {
            match self.send(k, &mut write) {
                Some(result) => {
                    if let Some(irp) = &write.irp {
                        over.push(irp, result);
                    }
                }
                None => {
                    self.writes.push_front(write);
                    break;
                }
            }
        }
        if self.wr_shutdown_pending && self.writes.is_empty() {
            self.wr_shutdown_pending = false;
            self.end_sending(k);
        }
        // What was taken is not told: whoever asks for events hears of the rest, and whoever begins to ask looks for himself.
        if self.reads.len() < waited {
            ready = if self.mask != 0 { self.ready(k) } else { Ready { read: ready.hangup && ready.read, ..ready } };
        }
        // Nobody asked: who will, looks for himself.
        if self.mask != 0 || !self.polls.is_empty() {
            self.tell_events(k, ready);
        }
    }

    /// Notes what is to be told now, and ends nothing.
    pub fn note(&mut self, k: &'static Kernel) {
        let ready = self.ready(k);
        match self.phase {
            Phase::Unconnected | Phase::Connecting => {}
            Phase::Listening if ready.read => self.happened(k, event::ACCEPT),
            Phase::Listening => {}
            Phase::Connected | Phase::Connectionless => self.tell_events(k, ready),
        }
    }

    fn tell_events(&mut self, k: &'static Kernel, ready: Ready) {
        if self.is_stream() && !self.hangup && !self.reset && (ready.read || ready.error || ready.hangup) {
            self.look_for_the_end(k);
        }
        let flags = self.level(ready);
        for bit in [event::OOB, event::READ, event::WRITE, event::RESET, event::HUP] {
            if flags & bit != 0 {
                self.happened(k, bit);
            }
        }
    }

    /// Whether what can be read is the end, or a broken connection.
    fn look_for_the_end(&mut self, k: &'static Kernel) {
        let Some(stream) = &self.stream else { return };
        match k.host.unread(stream, true) {
            Ok(0) => self.hangup = true,
            Ok(_) => {}
            Err(error) => self.broke(error),
        }
    }

    /// Notes how a connection broke.
    pub fn broke(&mut self, error: Error) {
        match error {
            Error::WouldBlock => {}
            Error::Reset | Error::Closed => self.reset = true,
            error => {
                self.aborted = true;
                self.errors[event::HUP_BIT] = error.into();
            }
        }
    }

    /// AFD_POLL_* that hold now. A connection may have broken since the last look.
    pub fn level_now(&mut self, k: &'static Kernel) -> u32 {
        let ready = self.ready(k);
        let connected = self.phase == Phase::Connected && self.is_stream();
        if connected && !self.hangup && !self.reset && (ready.error || ready.hangup) {
            self.look_for_the_end(k);
        }
        self.level(ready)
    }

    /// AFD_POLL_* of a socket that is ready for this.
    fn level(&self, ready: Ready) -> u32 {
        let mut flags = 0;
        match self.phase {
            Phase::Unconnected | Phase::Connecting => {}
            Phase::Listening => flags |= if ready.read { event::ACCEPT } else { 0 },
            Phase::Connected | Phase::Connectionless => {
                // What a request waits for is its own.
                if ready.read && self.reads.is_empty() && !self.hangup && !self.reset {
                    flags |= event::READ;
                }
                if ready.urgent && self.reads.is_empty() {
                    let inline = self.number(shim_abi::net::SocketOption::UrgentInline) != 0;
                    flags |= if inline { event::READ } else { event::OOB };
                }
                if ready.write && self.writes.is_empty() {
                    flags |= event::WRITE;
                }
                if self.phase == Phase::Connected {
                    flags |= event::CONNECT;
                }
                if self.hangup || self.aborted {
                    flags |= event::HUP;
                }
                if self.reset {
                    flags |= event::RESET;
                }
            }
        }
        if self.phase != Phase::Connecting && self.errors[event::CONNECT_ERR_BIT] != STATUS_SUCCESS {
            flags |= event::CONNECT_ERR;
        }
        flags
    }

    /// An event happened: it is told once, until something resets it.
    pub fn happened(&mut self, k: &'static Kernel, bit: u32) {
        if self.reported & bit == 0 {
            self.reported |= bit;
            if let Some(addressee) = self.addressee {
                if self.mask & bit != 0 {
                    self.post(k, addressee, bit);
                }
                return;
            }
            self.pending |= bit;
            if self.mask & bit != 0
                && let Some(event) = &self.event
            {
                event.signal.set(k);
            }
        }
    }

    /// The status that goes with events.
    pub fn status_of(&self, flags: u32) -> Status {
        if flags & event::CONNECT_ERR != 0 {
            self.errors[event::CONNECT_ERR_BIT]
        } else if flags & event::HUP != 0 {
            self.errors[event::HUP_BIT]
        } else {
            STATUS_SUCCESS
        }
    }

    /// Poll requests that get an answer now.
    pub fn answered_polls(&mut self, k: &'static Kernel) -> Vec<(Arc<super::poll::Poll>, u32, Status)> {
        self.polls.retain(|poll| !poll.is_over());
        if self.polls.is_empty() {
            return Vec::new();
        }
        let flags = self.level_now(k);
        let status = self.status_of(flags);
        self.polls.iter().map(|poll| (poll.clone(), flags, status)).collect()
    }
}
