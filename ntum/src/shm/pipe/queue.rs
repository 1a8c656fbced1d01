//! Bytes on their way through a pipe: segments, chained from the first to be read to the last.
//!
//! A segment's words are filled before anybody can see them, so data never goes through the log. A message is one segment or
//! several, of which the last says so. A pipe of bytes fills its last segment up before it takes another, and keeps one.

use super::super::{Tx, layout, request};
use super::end;
use crate::status::{Nt, STATUS_BUFFER_OVERFLOW, STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS, Status};

/// Words of a segment.
mod segment {
    /// The next one of the chain.
    pub const NEXT: u32 = 0;
    /// Bytes in it.
    pub const LENGTH: u32 = 1;
    /// Bytes of it that were read.
    pub const READ: u32 = 2;
    /// Bytes that it has room for.
    pub const ROOM: u32 = 3;
    /// 1: it ends a message.
    pub const LAST: u32 = 4;
    /// The write that waits until it fits, 0 for none; in a message's last segment.
    pub const WRITER: u32 = 5;
    /// Where its bytes begin.
    pub const BYTES: u32 = 6;
}

/// Words that a pipe of bytes asks for at least.
const USUAL: u32 = 1000;
/// Room in the log that one more segment needs, and the rest of its transaction.
const ROOM: u32 = 1000;
/// Segments that are freed in one transaction.
const STEP: usize = 1000;

impl Tx<'_> {
    /// Bytes from a place on, `offset` bytes into it.
    fn copy_out(&self, place: u32, offset: u32, length: u32, into: &mut Vec<u8>) {
        let mut at = place + offset / 4;
        let mut left = length as usize;
        let first = (offset % 4) as usize;
        into.reserve(left);
        if first != 0 && left > 0 {
            let bytes = self.shm.load(at).to_le_bytes();
            let part = left.min(4 - first);
            into.extend_from_slice(&bytes[first..first + part]);
            (at, left) = (at + 1, left - part);
        }
        for word in self.shm.words(at, left / 4) {
            into.extend_from_slice(&word.load(std::sync::atomic::Ordering::Relaxed).to_le_bytes());
        }
        at += (left / 4) as u32;
        if !left.is_multiple_of(4) {
            into.extend_from_slice(&self.shm.load(at).to_le_bytes()[..left % 4]);
        }
    }

    /// Stores bytes that nobody can see yet.
    fn copy_in(&self, place: u32, offset: u32, data: &[u8]) {
        let mut at = place + offset / 4;
        let first = (offset % 4) as usize;
        let mut data = data;
        if first != 0 {
            let mut bytes = self.shm.load(at).to_le_bytes();
            let (head, rest) = data.split_at(data.len().min(4 - first));
            bytes[first..first + head.len()].copy_from_slice(head);
            self.fill(at, u32::from_le_bytes(bytes));
            (at, data) = (at + 1, rest);
        }
        let (words, rest) = data.as_chunks::<4>();
        for word in words {
            self.fill(at, u32::from_le_bytes(*word));
            at += 1;
        }
        if !rest.is_empty() {
            let mut bytes = [0; 4];
            bytes[..rest.len()].copy_from_slice(rest);
            self.fill(at, u32::from_le_bytes(bytes));
        }
    }

    /// A new segment with as much of the data as it takes: its place and how much that was.
    fn segment(&mut self, data: &[u8], words: u32) -> Nt<(u32, usize)> {
        let (segment, words) = self.allocate_data(words).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let room = (words - segment::BYTES) * 4;
        let part = data.len().min(room as usize);
        for place in segment..segment + segment::BYTES {
            self.fill(place, 0);
        }
        self.fill(segment + segment::LENGTH, part as u32);
        self.fill(segment + segment::ROOM, room);
        self.copy_in(segment + segment::BYTES, 0, &data[..part]);
        Ok((segment, part))
    }

    /// New segments that hold the data, at least one: first and last.
    fn segments(&mut self, data: &[u8], least: u32) -> Nt<(u32, u32)> {
        let wanted = |data: &[u8]| segment::BYTES + (data.len() as u32).div_ceil(4).max(least);
        let (first, mut at) = self.segment(data, wanted(data))?;
        let mut last = first;
        while at < data.len() {
            let rest = &data[at..];
            let (next, part) = self.segment(rest, wanted(rest))?;
            self.fill(last + segment::NEXT, next);
            (last, at) = (next, at + part);
        }
        self.fill(last + segment::LAST, 1);
        Ok((first, last))
    }

    /// A chain that holds what a request brings; 0 for nothing.
    pub(in super::super) fn data_chain(&mut self, data: &[u8]) -> Nt<u32> {
        if data.is_empty() { Ok(0) } else { Ok(self.segments(data, 0)?.0) }
    }

    /// What such a chain holds; it is gone.
    pub(in super::super) fn take_chain(&mut self, first: u32) -> Vec<u8> {
        let mut data = Vec::new();
        let mut segment = first;
        while segment != 0 && self.room() > ROOM {
            self.copy_out(segment + segment::BYTES, 0, self.get(segment + segment::LENGTH), &mut data);
            let next = self.get(segment + segment::NEXT);
            self.free(segment);
            segment = next;
        }
        data
    }

    /// Whether nothing can be read at an end.
    pub(super) fn is_empty(&self, end: u32) -> bool {
        self.get(end + end::MESSAGES) == 0 && self.get(end + end::BYTES) == 0
    }

    /// Adds a message, or bytes, to what can be read at an end; `writer` waits for them.
    pub(super) fn append(&mut self, end: u32, data: &[u8], writer: u32, message: bool) -> Nt<()> {
        let queued = self.get(end + end::BYTES);
        let last = self.get(end + end::LAST);
        let mut data = data;
        self.set(end + end::BYTES, queued + data.len() as u32);
        if !message && writer == 0 && last != 0 && self.get(last + segment::WRITER) == 0 {
            let length = self.get(last + segment::LENGTH);
            let room = self.get(last + segment::ROOM) - length;
            let (head, rest) = data.split_at(data.len().min(room as usize));
            self.copy_in(last + segment::BYTES, length, head);
            self.set(last + segment::LENGTH, length + head.len() as u32);
            if rest.is_empty() {
                return Ok(());
            }
            data = rest;
        }
        let least = if message { 0 } else { USUAL.min(self.get(end + end::QUOTA) / 4) };
        let (first, newest) = self.segments(data, least)?;
        self.fill(newest + segment::WRITER, writer);
        self.set(if last == 0 { end + end::FIRST } else { last + segment::NEXT }, first);
        self.set(end + end::LAST, newest);
        if message {
            let messages = self.get(end + end::MESSAGES);
            self.set(end + end::MESSAGES, messages + 1);
        }
        Ok(())
    }

    /// Takes what one read gets. A write whose message is read to its end is finished.
    pub(super) fn take_data(&mut self, end: u32, capacity: u32, one: bool, message: bool) -> (Status, Vec<u8>) {
        let mut data = Vec::new();
        let mut status = STATUS_SUCCESS;
        let mut first = self.get(end + end::FIRST);
        let mut messages = 0;
        while first != 0 && self.room() > ROOM {
            let (length, read) = (self.get(first + segment::LENGTH), self.get(first + segment::READ));
            let left = length - read;
            let part = left.min(capacity - data.len() as u32);
            self.copy_out(first + segment::BYTES, read, part, &mut data);
            if part < left {
                self.set(first + segment::READ, read + part);
                if one {
                    status = STATUS_BUFFER_OVERFLOW;
                }
                break;
            }
            let (writer, is_last) = (self.get(first + segment::WRITER), self.get(first + segment::LAST) != 0);
            if writer != 0 {
                let all = self.get(writer + request::field::LENGTH);
                self.finish(writer, STATUS_SUCCESS, all);
            }
            let next = self.get(first + segment::NEXT);
            if next == 0 && !message {
                // Kept for what comes next.
                self.set(first + segment::LENGTH, 0);
                self.set(first + segment::READ, 0);
                if writer != 0 {
                    self.set(first + segment::WRITER, 0);
                }
                break;
            }
            self.free(first);
            first = next;
            messages += u32::from(message && is_last);
            if (one && is_last) || (!one && data.len() as u32 >= capacity) {
                break;
            }
        }
        if first != self.get(end + end::FIRST) {
            self.set(end + end::FIRST, first);
            if first == 0 {
                self.set(end + end::LAST, 0);
            }
        }
        if !data.is_empty() {
            let queued = self.get(end + end::BYTES);
            self.set(end + end::BYTES, queued.saturating_sub(data.len() as u32));
        }
        if messages != 0 {
            let held = self.get(end + end::MESSAGES);
            self.set(end + end::MESSAGES, held.saturating_sub(messages));
        }
        (status, data)
    }

    /// The first bytes, up to `capacity`, of the first message or of all; and what is left of the first message.
    pub(super) fn look(&self, end: u32, capacity: u32, message: bool) -> (Vec<u8>, u32) {
        let (mut data, mut left) = (Vec::new(), 0u32);
        let mut segment = self.get(end + end::FIRST);
        while segment != 0 && (message || (data.len() as u32) < capacity) {
            let (length, read) = (self.get(segment + segment::LENGTH), self.get(segment + segment::READ));
            let part = (length - read).min(capacity - data.len() as u32);
            self.copy_out(segment + segment::BYTES, read, part, &mut data);
            left = left.saturating_add(length - read);
            if message && self.get(segment + segment::LAST) != 0 {
                break;
            }
            segment = self.get(segment + segment::NEXT);
        }
        (data, left)
    }

    /// Finishes the writes towards an end that what is left of them allows.
    pub(super) fn let_writers_go(&mut self, end: u32) {
        if super::writers(end).is_empty(self) {
            return;
        }
        let quota = self.get(end + end::QUOTA);
        let mut queued = 0u32;
        let mut segment = self.get(end + end::FIRST);
        while segment != 0 && self.room() > ROOM {
            queued = queued.saturating_add(self.get(segment + segment::LENGTH) - self.get(segment + segment::READ));
            let writer = self.get(segment + segment::WRITER);
            if writer != 0 {
                let all = self.get(writer + request::field::LENGTH);
                if queued > quota && all != 0 {
                    return;
                }
                self.set(segment + segment::WRITER, 0);
                self.finish(writer, STATUS_SUCCESS, all);
            }
            segment = self.get(segment + segment::NEXT);
        }
    }

    /// Takes the message of a write out that waits.
    pub(in super::super) fn take_back(&mut self, end: u32, writer: u32) {
        // In front of the message, and its first segment.
        let (mut before, mut first) = (0, self.get(end + end::FIRST));
        let mut segment = first;
        while segment != 0 && self.get(segment + segment::WRITER) != writer {
            if self.get(segment + segment::LAST) != 0 {
                (before, first) = (segment, self.get(segment + segment::NEXT));
            }
            segment = self.get(segment + segment::NEXT);
        }
        if segment == 0 {
            return;
        }
        let after = self.get(segment + segment::NEXT);
        self.set(if before == 0 { end + end::FIRST } else { before + segment::NEXT }, after);
        if after == 0 {
            self.set(end + end::LAST, before);
        }
        let mut bytes = 0;
        let mut at = first;
        while at != after && at != 0 {
            bytes += self.get(at + segment::LENGTH) - self.get(at + segment::READ);
            let next = self.get(at + segment::NEXT);
            self.free(at);
            at = next;
        }
        let queued = self.get(end + end::BYTES);
        self.set(end + end::BYTES, queued.saturating_sub(bytes));
        let messages = self.get(end + end::MESSAGES);
        self.set(end + end::MESSAGES, messages.saturating_sub(1));
    }

    /// Nobody will read what lies at an end.
    pub(super) fn throw_away(&mut self, end: u32) {
        let (first, last) = (self.get(end + end::FIRST), self.get(end + end::LAST));
        if first != 0 {
            let garbage = self.get(layout::GARBAGE);
            self.set(last + segment::NEXT, garbage);
            self.set(layout::GARBAGE, first);
            for place in [end::FIRST, end::LAST, end::BYTES, end::MESSAGES] {
                self.set(end + place, 0);
            }
        }
    }

    /// Frees some of what nobody reads any more.
    pub(in super::super) fn collect_some(&mut self) {
        let mut segment = self.link(layout::GARBAGE);
        for _ in 0..STEP {
            if segment == 0 {
                break;
            }
            let next = self.link(segment + segment::NEXT);
            // Damaged memory may hold a ring: what is gone leads nowhere.
            self.set(segment + segment::NEXT, 0);
            self.free(segment);
            segment = next;
        }
        self.set(layout::GARBAGE, segment);
    }
}
