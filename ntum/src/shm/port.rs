//! Completion ports of several members: packets in order of arrival, and the threads that wait for them.
//!
//! A packet is a block that is filled before anybody can see it. A thread that waits is a request; the last to come is the first
//! to be given a packet, which is its own from then on.

use super::list::List;
use super::object::field as object;
use super::request::{self, Asker, Kind};
use super::{Shm, Tx, file, layout};
use crate::io::completion::Packet;
use crate::ob::shared::number;
use crate::ob::types::Type;
use crate::status::*;

/// Words of a port's body; the first is for a nested block, which it has not.
mod body {
    /// The packet that is taken next, and the last.
    pub const FIRST: u32 = 1;
    pub const LAST: u32 = 2;
    /// How many.
    pub const DEPTH: u32 = 3;
    /// 1: no handle is left.
    pub const CLOSED: u32 = 4;
    /// Threads that wait: a list of requests.
    pub const WAITERS: u32 = 5;
    pub const COUNT: u32 = 7;
}

/// Words of a packet. It chains as a segment of a pipe does, so that it is thrown away like one.
mod packet {
    pub const NEXT: u32 = 0;
    /// Key, context, status and information: see [`super::words`].
    pub const WORDS: u32 = 1;
    pub const COUNT: u32 = 8;
}

/// Words of a packet that a request brings.
const WORDS: usize = 7;
/// Room in the log that one more packet needs, and the rest of its transaction.
const ROOM: u32 = 1000;

/// What a thread finds at a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Packets, one at least.
    Packets(Vec<Packet>),
    /// None, and there will be none.
    Closed,
    /// None so far; the request that waits for one, if it was to.
    Nothing(Option<u32>),
}

fn words(of: &Packet) -> [u32; WORDS] {
    let (low, high) = (|wide: u64| wide as u32, |wide: u64| (wide >> 32) as u32);
    let Packet { key, context, status, information } = *of;
    [low(key), high(key), low(context), high(context), status.0, low(information), high(information)]
}

fn packet(words: [u32; WORDS]) -> Packet {
    let wide = |at: usize| u64::from(words[at]) | u64::from(words[at + 1]) << 32;
    Packet { key: wide(0), context: wide(2), status: Status(words[4]), information: wide(5) }
}

/// The packet that a finished request brought.
pub fn brought(data: &[u8]) -> Option<Packet> {
    let (words, _) = data.as_chunks::<4>();
    let words = words.first_chunk::<WORDS>()?;
    Some(packet(words.map(u32::from_le_bytes)))
}

impl Tx<'_> {
    /// Gives a new object a port's body, with packets in it.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn make_port(&mut self, port: u32, packets: impl Iterator<Item = Packet>) -> Nt<()> {
        let body = self.allocate(body::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(port + object::BODY, body);
        for packet in packets {
            self.push_packet(body, &packet)?;
        }
        Ok(())
    }

    fn push_packet(&mut self, body: u32, of: &Packet) -> Nt<()> {
        let block = self.allocate_bulk(packet::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.fill(block + packet::NEXT, 0);
        for (place, word) in (block + packet::WORDS..).zip(words(of)) {
            self.fill(place, word);
        }
        let last = self.get(body + body::LAST);
        self.set(if last == 0 { body + body::FIRST } else { last + packet::NEXT }, block);
        self.set(body + body::LAST, block);
        let depth = self.get(body + body::DEPTH);
        self.set(body + body::DEPTH, depth.wrapping_add(1));
        Ok(())
    }

    /// Takes up to so many packets; the port is signalled while some are left.
    fn pull_packets(&mut self, port: u32, count: usize) -> Vec<Packet> {
        let body = self.link(port + object::BODY);
        let mut packets = Vec::new();
        let mut first = self.get(body + body::FIRST);
        while first != 0 && packets.len() < count && self.room() > ROOM {
            packets.push(packet(core::array::from_fn(|word| self.get(first + packet::WORDS + word as u32))));
            let next = self.get(first + packet::NEXT);
            self.free(first);
            first = next;
        }
        self.set(body + body::FIRST, first);
        let depth = self.get(body + body::DEPTH).saturating_sub(packets.len() as u32);
        self.set(body + body::DEPTH, depth);
        if first == 0 {
            self.set(body + body::LAST, 0);
            self.take_signal(port);
        }
        packets
    }

    /// Adds a packet, or gives it to a thread that waits; one that nobody can wait for any more is swallowed.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn post_packet(&mut self, port: u32, of: &Packet) -> Nt<()> {
        let body = self.body_of(port);
        if self.get(body + body::CLOSED) != 0 {
            return Ok(());
        }
        let last = self.get(body + body::WAITERS + 1);
        if last != 0 {
            let bytes: Vec<u8> = words(of).into_iter().flat_map(u32::to_le_bytes).collect();
            return self.finish_with(last - request::field::NODE, STATUS_SUCCESS, &bytes);
        }
        self.push_packet(body, of)?;
        self.shm.mark(port);
        let mut woken = Vec::new();
        self.signal(port, &mut woken);
        self.after.blocks.extend(woken);
        Ok(())
    }

    /// A port that nobody has handles to gives no packets: who waits hears so.
    pub(super) fn close_port(&mut self, port: u32) {
        let body = self.link(port + object::BODY);
        let is_port = self.type_of(port) == number(Type::IoCompletion) && body != 0;
        if !is_port || self.get(body + body::CLOSED) != 0 {
            return;
        }
        self.set(body + body::CLOSED, 1);
        self.finish_all(List(body + body::WAITERS), STATUS_ABANDONED_WAIT_0);
        let (first, last) = (self.get(body + body::FIRST), self.get(body + body::LAST));
        if first != 0 {
            let garbage = self.get(layout::GARBAGE);
            self.set(last + packet::NEXT, garbage);
            self.set(layout::GARBAGE, first);
            for place in [body::FIRST, body::LAST, body::DEPTH] {
                self.set(body + place, 0);
            }
        }
    }

    /// A file's requests are told to a port from now on, with a key; 0 for none.
    pub fn bind_file(&mut self, of: u32, port: u32, key: u64) {
        let body = self.link(of + object::BODY);
        let before = self.get(body + file::body::PORT);
        if port != 0 {
            self.pin(port);
        }
        self.set(body + file::body::PORT, port);
        self.set_wide(body + file::body::KEY, key);
        if before != 0 {
            self.unpin(before);
        }
    }

    /// A file object goes: it needs its port no longer.
    pub(super) fn unbind_file(&mut self, of: u32, body: u32) {
        if self.type_of(of) == number(Type::File) && self.get(body + file::body::PORT) != 0 {
            self.bind_file(of, 0, 0);
        }
    }
}

impl Shm {
    /// Adds a packet, or gives it to a thread that waits; one that nobody can wait for any more is swallowed.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn post_packet(&self, port: u32, packet: &Packet) -> Nt<()> {
        let mut tx = self.begin();
        tx.post_packet(port, packet)?;
        tx.commit()
    }

    /// Tells the port of a file that several members have of a request's end. Answers whether it has one.
    pub fn post_for_file(&self, of: u32, context: u64, status: Status, information: u64) -> bool {
        if !self.is_bound(of) {
            return false;
        }
        let mut tx = self.begin();
        let body = tx.body_of(of);
        let (port, key) = (tx.get(body + file::body::PORT), tx.wide(body + file::body::KEY));
        if port == 0 {
            return false;
        }
        let told = tx.post_packet(port, &Packet { key, context, status, information });
        let _ = told.and_then(|()| tx.commit());
        true
    }

    /// Whether the requests of a file that several members have are told to a port.
    pub fn is_bound(&self, of: u32) -> bool {
        let is_file = self.load(of + object::TYPE) == number(Type::File);
        is_file && self.load(self.load(of + object::BODY) + file::body::PORT) != 0
    }

    /// Packets that lie in a port.
    pub fn port_depth(&self, port: u32) -> u32 {
        self.load(self.load(port + object::BODY) + body::DEPTH)
    }

    /// Takes up to so many packets; if there is none, `waiter`, a member, waits for one.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn take_packets(&self, port: u32, count: usize, waiter: Option<u32>) -> Nt<Found> {
        let mut tx = self.begin();
        let body = tx.body_of(port);
        if tx.get(body + body::FIRST) != 0 {
            self.mark(port);
            let packets = tx.pull_packets(port, count);
            tx.unmark(port);
            tx.commit()?;
            return Ok(Found::Packets(packets));
        }
        if tx.get(body + body::CLOSED) != 0 {
            return Ok(Found::Closed);
        }
        let Some(member) = waiter else { return Ok(Found::Nothing(None)) };
        let asker = Asker { member, token: 0, synchronous: true };
        let request = tx.ask(asker, Kind::Other, List(body + body::WAITERS), 0, 0)?;
        tx.commit()?;
        Ok(Found::Nothing(Some(request)))
    }
}
