//! A journal: records that are only ever added, which every member reads in the same order.
//!
//! It is a chain of blocks, filled one after the other with records: a length in bytes, then the bytes, four to a word. Words
//! behind the end mean nothing, so a record is written there directly, and one transaction moves the end over it. When the
//! journal has grown long, whoever adds to it begins a new one, whose first records say where the old one led.

use super::{Shm, Tx, layout};
use crate::status::{Nt, STATUS_REGISTRY_QUOTA_LIMIT};
use std::sync::atomic::{AtomicU32, Ordering};

/// Words that the journal keeps.
mod root {
    use super::layout;
    const BASE: u32 = layout::ROOTS + 40;
    /// Changes with every record: who sleeps until there is one, sleeps on it. 0 before the first.
    pub const VERSION: u32 = BASE;
    /// Changes with every new beginning.
    pub const GENERATION: u32 = BASE + 1;
    /// First block.
    pub const FIRST: u32 = BASE + 2;
    /// Last block.
    pub const LAST: u32 = BASE + 3;
    /// Words of the last block that are written.
    pub const USED: u32 = BASE + 4;
    /// Words of all records.
    pub const LENGTH: u32 = BASE + 5;
    /// Words of the records it began with.
    pub const BEGAN: u32 = BASE + 6;
    /// 1 when somebody sleeps until there is a record.
    pub const WATCHED: u32 = BASE + 7;
}

/// Words of a block before what it holds: the next block, and how many words it holds.
const HEAD: u32 = 2;
/// Words that a block holds, unless a record needs more.
const COMMON: u32 = 4096 - 1 - HEAD;
/// Most words that a block holds.
const MOST: u32 = (4 << (layout::SIZES - 1)) - 1 - HEAD;
/// Length, in words, from which on a journal may be begun anew.
const LONG: u32 = 0x4000;
/// The part of the memory that the journal may take.
const SHARE: u32 = 4;

/// How far a member has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    version: u32,
    generation: u32,
    block: u32,
    at: u32,
}

/// What a member had not read yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Whether the records begin anew, in place of all that were read before.
    pub anew: bool,
    /// They, in order.
    pub records: Vec<Vec<u8>>,
}

/// Where records are being written.
struct Pen {
    block: u32,
    used: u32,
    capacity: u32,
}

impl Tx<'_> {
    /// Whether the journal was begun.
    pub fn has_journal(&self) -> bool {
        self.get(root::VERSION) != 0
    }

    /// Whether it has grown so long that it should begin anew.
    pub fn journal_is_long(&self) -> bool {
        let (length, began) = (self.get(root::LENGTH), self.get(root::BEGAN));
        length >= LONG && length / 4 >= began
    }

    fn new_journal_block(&mut self, wanted: u32) -> Nt<Pen> {
        let capacity = wanted.clamp(COMMON, MOST);
        let block = self.allocate(HEAD + capacity).ok_or(STATUS_REGISTRY_QUOTA_LIMIT)?;
        self.fill(block + 1, capacity);
        Ok(Pen { block, used: 0, capacity })
    }

    /// Writes a word; `left` is how many more will come.
    fn write_word(&mut self, pen: &mut Pen, word: u32, left: u32) -> Nt<()> {
        if pen.used == pen.capacity {
            let next = self.new_journal_block(left)?;
            self.set(pen.block, next.block);
            *pen = next;
        }
        self.fill(pen.block + HEAD + pen.used, word);
        pen.used += 1;
        Ok(())
    }

    /// Writes a record; answers its words.
    fn write_record(&mut self, pen: &mut Pen, record: &[u8]) -> Nt<u32> {
        let bytes = u32::try_from(record.len()).map_err(|_| STATUS_REGISTRY_QUOTA_LIMIT)?;
        let words = bytes.div_ceil(4).checked_add(1).ok_or(STATUS_REGISTRY_QUOTA_LIMIT)?;
        if words > self.shm().size() / SHARE {
            return Err(STATUS_REGISTRY_QUOTA_LIMIT);
        }
        let mut left = words;
        self.write_word(pen, bytes, left)?;
        for four in record.chunks(4) {
            left -= 1;
            let mut word = [0; 4];
            word[..four.len()].copy_from_slice(four);
            self.write_word(pen, u32::from_le_bytes(word), left)?;
        }
        Ok(words)
    }

    fn put_down(&mut self, pen: &Pen, length: u32) {
        self.set(root::LAST, pen.block);
        self.set(root::USED, pen.used);
        self.set(root::LENGTH, length);
        let version = self.get(root::VERSION).wrapping_add(1).max(1);
        self.set(root::VERSION, version);
    }

    /// Begins the journal, or begins it anew, with these records.
    ///
    /// # Errors
    /// `STATUS_REGISTRY_QUOTA_LIMIT` when they do not fit into the journal's part of the memory.
    pub fn begin_journal(&mut self, records: &[Vec<u8>]) -> Nt<()> {
        let mut old = self.get(root::FIRST);
        let mut pen = self.new_journal_block(0)?;
        self.set(root::FIRST, pen.block);
        let mut length = 0;
        for record in records {
            length += self.write_record(&mut pen, record)?;
            if length > self.shm().size() / SHARE {
                return Err(STATUS_REGISTRY_QUOTA_LIMIT);
            }
        }
        self.put_down(&pen, length);
        self.set(root::BEGAN, length);
        let generation = self.get(root::GENERATION).wrapping_add(1);
        self.set(root::GENERATION, generation);
        let mut freed = 0;
        while old != 0 && freed < layout::LOG_ENTRIES / 4 {
            let next = self.get(old);
            self.free(old);
            old = next;
            freed += 1;
        }
        Ok(())
    }

    /// Adds a record. It is there when the transaction is committed.
    ///
    /// # Errors
    /// `STATUS_REGISTRY_QUOTA_LIMIT` when the journal's part of the memory is used up.
    pub fn add_to_journal(&mut self, record: &[u8]) -> Nt<()> {
        let block = self.get(root::LAST);
        let mut pen = Pen { block, used: self.get(root::USED), capacity: self.get(block + 1) };
        let words = self.write_record(&mut pen, record)?;
        let length = self.get(root::LENGTH).saturating_add(words);
        if length > self.shm().size() / SHARE {
            return Err(STATUS_REGISTRY_QUOTA_LIMIT);
        }
        self.put_down(&pen, length);
        Ok(())
    }

    /// Reads what a member has not read yet.
    pub fn read_journal(&self, cursor: &mut Cursor) -> News {
        let mut news = News::default();
        let generation = self.get(root::GENERATION);
        if cursor.generation != generation || cursor.block == 0 {
            news.anew = true;
            *cursor = Cursor { generation, block: self.get(root::FIRST), ..Cursor::default() };
        }
        cursor.version = self.get(root::VERSION);
        let (last, used) = (self.get(root::LAST), self.get(root::USED));
        // Damaged memory may hold a ring.
        let mut steps = self.shm().size();
        let mut word = |cursor: &mut Cursor| -> Option<u32> {
            if cursor.block == last && cursor.at >= used {
                return None;
            }
            if cursor.at >= self.get(cursor.block + 1) {
                (cursor.block, cursor.at) = (self.get(cursor.block), 0);
            }
            steps = steps.checked_sub(1)?;
            let word = self.get(cursor.block + HEAD + cursor.at);
            cursor.at += 1;
            (cursor.block != 0).then_some(word)
        };
        while let Some(bytes) = word(cursor) {
            let bytes = bytes as usize;
            let mut record = Vec::new();
            while record.len() < bytes {
                let Some(four) = word(cursor) else { return news };
                record.extend_from_slice(&four.to_le_bytes());
            }
            record.truncate(bytes);
            news.records.push(record);
        }
        news
    }

    /// Where one stands who has read everything, this transaction's own records too.
    pub fn end_of_journal(&self) -> Cursor {
        Cursor {
            version: self.get(root::VERSION),
            generation: self.get(root::GENERATION),
            block: self.get(root::LAST),
            at: self.get(root::USED),
        }
    }

    /// Whether a record of so many bytes fits into the journal's part of the memory.
    pub fn journal_has_room(&self, bytes: usize) -> bool {
        let words = u64::from(self.get(root::LENGTH)) + (bytes as u64).div_ceil(4) + 1;
        words <= u64::from(self.shm().size() / SHARE)
    }

    /// From now on somebody sleeps until there is a record.
    pub fn watch_journal(&mut self) {
        self.set(root::WATCHED, 1);
    }
}

impl Shm {
    /// Where who waits for a record sleeps.
    pub fn journal_version(&self) -> &AtomicU32 {
        self.word(root::VERSION)
    }

    /// Whether a member has read everything: one load.
    #[inline]
    pub fn has_read_journal(&self, cursor: &Cursor) -> bool {
        self.load(root::VERSION) == cursor.version
    }

    /// Wakes who waits for a record, after the transaction that added one.
    pub fn tell_of_journal(&self) {
        if self.word(root::WATCHED).load(Ordering::Relaxed) != 0 {
            self.members.wake_shared(self.word(root::VERSION), u32::MAX);
        }
    }
}
