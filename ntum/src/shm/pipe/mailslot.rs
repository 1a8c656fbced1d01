//! Mailslots: a queue of messages with one end to read from, and a name to write to.

use super::super::request::{Asker, Done, Kind, Step};
use super::super::{Tx, object::field as object};
use super::{MAX_BUFFERED, NewEnd, end, path, readers};
use crate::ke::dispatcher::Kind as Signal;
use crate::status::*;

/// Where mailslots have their names.
pub const DIRECTORY: &str = "\\Device\\Mailslot\\";

/// Words of a mailslot's body that an end has other uses for.
mod slot {
    /// Longest message, 0 for any.
    pub const MAXIMUM: u32 = super::end::CLIENT;
    /// How long a read waits: NT time; two words.
    pub const TIMEOUT: u32 = super::end::LISTEN;
    /// Whether there is such a time.
    pub const TIMED: u32 = super::end::LISTENS;
}

/// What a mailslot is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Longest message, 0 for any.
    pub maximum: u32,
    /// Its quota, which nothing is held to.
    pub quota: u32,
    /// How long a read waits: NT time.
    pub timeout: Option<i64>,
}

/// What there is to tell of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotFacts {
    /// What it was made with, or has been set since.
    pub slot: Slot,
    /// Bytes of the next message.
    pub next: Option<u32>,
    /// Messages in it.
    pub messages: u32,
}

impl Tx<'_> {
    /// Makes a mailslot.
    ///
    /// # Errors
    /// `STATUS_OBJECT_NAME_COLLISION`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn create_slot(&mut self, member: u32, name: &[u16], facts: Slot) -> Nt<NewEnd> {
        let path = path(DIRECTORY, name);
        if self.named(&path, true).is_some() {
            return Err(STATUS_OBJECT_NAME_COLLISION);
        }
        let object = self.new_object(super::SLOT, Signal::None, 0, 0)?;
        let body = self.allocate(end::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.fill(object + object::BODY, body);
        self.fill(body + end::QUOTA, facts.quota);
        self.fill(body + slot::MAXIMUM, facts.maximum);
        // Reads take one message.
        self.fill(body + end::MODE, 1);
        self.set_slot_timeout(body, facts.timeout);
        self.name(object, &path)?;
        Ok(NewEnd { object, reference: self.hold(object, member, true)? })
    }

    /// Opens a mailslot to write to. Its end stays its reader's.
    ///
    /// # Errors
    /// `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn open_slot(&mut self, member: u32, name: &[u16]) -> Nt<NewEnd> {
        let object = self.named(&path(DIRECTORY, name), true).ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
        Ok(NewEnd { object, reference: self.hold(object, member, false)? })
    }

    /// Whether there is a mailslot of that name.
    pub fn has_slot(&mut self, name: &[u16]) -> bool {
        self.named(&path(DIRECTORY, name), true).is_some()
    }

    /// Sets how long a read waits.
    pub fn set_slot_timeout(&mut self, body: u32, timeout: Option<i64>) {
        let time = timeout.unwrap_or(0);
        self.set(body + slot::TIMEOUT, time as u32);
        self.set(body + slot::TIMEOUT + 1, (time >> 32) as u32);
        self.set(body + slot::TIMED, u32::from(timeout.is_some()));
    }

    /// What there is to tell of one.
    pub fn slot_facts(&self, body: u32) -> SlotFacts {
        let (low, high) = (self.get(body + slot::TIMEOUT), self.get(body + slot::TIMEOUT + 1));
        let time = (u64::from(low) | u64::from(high) << 32) as i64;
        let messages = self.get(body + end::MESSAGES);
        SlotFacts {
            slot: Slot {
                maximum: self.get(body + slot::MAXIMUM),
                quota: self.get(body + end::QUOTA),
                timeout: (self.get(body + slot::TIMED) != 0).then_some(time),
            },
            next: (messages != 0).then(|| self.look(body, 0, true).1),
            messages,
        }
    }

    /// Reads a message, which must fit.
    ///
    /// # Errors
    /// `STATUS_BUFFER_TOO_SMALL`, `STATUS_IO_TIMEOUT`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn read_slot(&mut self, body: u32, capacity: u32, asker: Asker) -> Nt<(Step, Option<i64>)> {
        let facts = self.slot_facts(body);
        let timeout = facts.slot.timeout;
        match facts.next {
            Some(next) if next > capacity => return Err(STATUS_BUFFER_TOO_SMALL),
            None if timeout == Some(0) => return Err(STATUS_IO_TIMEOUT),
            None => return Ok((Step::Pending(self.ask(asker, Kind::Read, readers(body), 0, capacity)?), timeout)),
            Some(_) => {}
        }
        let (status, data) = self.take_data(body, capacity, true, true);
        Ok((Step::Done(Done { status, information: data.len(), data }), timeout))
    }

    /// Writes a message; never waits.
    ///
    /// # Errors
    /// `STATUS_FILE_DELETED`, `STATUS_INVALID_PARAMETER` for one that is too long, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn write_slot(&mut self, body: u32, data: &[u8]) -> Nt<()> {
        // The slot is gone when its handle is.
        if self.get(body + end::CLOSED) != 0 {
            return Err(STATUS_FILE_DELETED);
        }
        let length = u32::try_from(data.len()).map_err(|_| STATUS_INSUFFICIENT_RESOURCES)?;
        let maximum = self.get(body + slot::MAXIMUM);
        if maximum != 0 && length > maximum {
            return Err(STATUS_INVALID_PARAMETER);
        }
        if self.get(body + end::BYTES).saturating_add(length) > MAX_BUFFERED {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        // A reader without room for it hears so, and leaves it to the next.
        loop {
            let reader = self.first_request(readers(body));
            if reader == 0 {
                return self.append(body, data, 0, true);
            }
            if self.get(reader + super::super::request::field::LENGTH) >= length {
                return self.finish_with(reader, STATUS_SUCCESS, data);
            }
            self.finish(reader, STATUS_BUFFER_TOO_SMALL, 0);
        }
    }

    /// Closes a mailslot: its reader's last handle went.
    pub(in super::super) fn close_slot(&mut self, body: u32) {
        if body == 0 || self.get(body + end::CLOSED) != 0 {
            return;
        }
        self.set(body + end::CLOSED, 1);
        self.finish_all(readers(body), STATUS_CANCELLED);
        self.throw_away(body);
    }
}
