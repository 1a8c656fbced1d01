//! Blocks of words, allocated and freed within transactions: what a killed member had not committed is not lost.

use super::{Shm, Tx, layout};
use crate::status::Nt;
use std::collections::BTreeMap;

/// Sizes of free blocks that are put together again: there may be too many smaller ones.
const MERGED: u32 = 6;
/// Blocks that one transaction puts together.
const RUN: usize = 2048;

/// Words in a block of each size, its header among them.
fn words(size: u32) -> u32 {
    4 << size
}

/// The smallest size that has room for so many words besides the header.
fn size_of(wanted: u32) -> Option<u32> {
    (0..layout::SIZES).find(|size| words(*size) > wanted)
}

impl Tx<'_> {
    /// A block of at least `wanted` words, all zero; `None` when the memory is used up. Its header is the word in front. The last eighth of the memory is for
    /// members that have little: see [`Tx::has_little`].
    pub fn allocate(&mut self, wanted: u32) -> Option<u32> {
        let size = self.shm.size();
        let block = self.allocate_below(wanted, size / 8 * 7);
        if block.is_none() && self.has_little() { self.allocate_below(wanted, size) } else { block }
    }

    /// The same of all the memory: what is to be done for a member that ends does not hang on what others have.
    pub(super) fn allocate_last(&mut self, wanted: u32) -> Option<u32> {
        self.allocate_below(wanted, self.shm.size())
    }

    /// The same for what one program may want much of: that leaves a quarter of the memory to everything else.
    pub(super) fn allocate_sparingly(&mut self, wanted: u32) -> Option<u32> {
        self.allocate_below(wanted, self.shm.size() / 4 * 3)
    }

    fn allocate_below(&mut self, wanted: u32, limit: u32) -> Option<u32> {
        let size = size_of(wanted)?;
        let block = self.take_block(size, limit)?;
        for place in block..block + words(size) - 1 {
            // Memory that was never used is zero, unless a transaction that came to nothing filled it.
            if self.shm.load(place) != 0 {
                self.fill(place, 0);
            }
        }
        Some(block)
    }

    /// A block of a size as it is; memory that was never used is used up to `limit` only.
    fn take_block(&mut self, size: u32, limit: u32) -> Option<u32> {
        if let Some(block) = self.take_free(size, limit) {
            return Some(block);
        }
        let top = self.get(layout::TOP).max(layout::HEAP);
        let Some(end) = top.checked_add(words(size)).filter(|end| *end <= limit) else {
            return self.split_block(size, limit);
        };
        self.set(layout::TOP, end);
        self.set(top, size);
        Some(top + 1)
    }

    /// A block of a size that is free, and ends below `limit`.
    fn take_free(&mut self, size: u32, limit: u32) -> Option<u32> {
        // What this transaction freed itself is in use until it is committed, and is not written before.
        let (mut link, mut block) = (layout::FREE + size, self.link(layout::FREE + size));
        // Damaged memory may hold a ring.
        let mut left = layout::LOG_ENTRIES;
        let is_beyond = |block: u32| limit.checked_sub(words(size) - 1).is_none_or(|last| block > last);
        while block != 0 && (is_beyond(block) || self.is_written(block - 1)) && left > 0 {
            (link, block, left) = (block - 1, self.link(block - 1), left - 1);
        }
        if block == 0 || left == 0 {
            return None;
        }
        let next = self.get(block - 1);
        self.set(link, next);
        self.set(block - 1, size);
        Some(block)
    }

    /// A part of a larger block that is free, whose rest is free in pieces: what was once used for large ones is not lost to small ones.
    fn split_block(&mut self, size: u32, limit: u32) -> Option<u32> {
        let mut larger = size + 1..layout::SIZES;
        let (larger, block) = larger.find_map(|larger| Some((larger, self.take_free(larger, limit)?)))?;
        for half in (size..larger).rev() {
            self.set_free(block + words(half), half);
        }
        self.set(block - 1, size);
        Some(block)
    }

    /// A block is the first of the free ones of its size.
    fn set_free(&mut self, block: u32, size: u32) {
        let head = layout::FREE + size;
        let next = self.get(head);
        self.set(block - 1, next);
        self.set(head, block);
    }

    /// A block as it is, for what may be many: that leaves a quarter of the memory to everything else.
    pub(super) fn allocate_bulk(&mut self, wanted: u32) -> Option<u32> {
        self.take_block(size_of(wanted)?, self.shm.size() / 4 * 3)
    }

    /// A block for data of a pipe, of one of a few sizes: its place and the words that it has, which may be less than `wanted`.
    /// What it holds is anything. Data leaves a quarter of the memory to everything else.
    pub(super) fn allocate_data(&mut self, wanted: u32) -> Option<(u32, u32)> {
        const SIZES: [u32; 6] = [2, 4, 6, 8, 10, 12];
        const LEAST: usize = 1;
        let best = SIZES.into_iter().position(|size| words(size) > wanted).unwrap_or(SIZES.len() - 1);
        let limit = self.shm.size() / 4 * 3;
        // When memory runs short, several small ones or one that is too large.
        let others = (LEAST..best).rev().chain(best + 1..SIZES.len());
        std::iter::once(best).chain(others).find_map(|at| {
            let block = self.take_block(SIZES[at], limit)?;
            Some((block, words(SIZES[at]) - 1))
        })
    }

    /// Takes blocks that are free out of the lists that they stand in.
    fn unlist(&mut self, blocks: &BTreeMap<u32, u32>) {
        for size in MERGED..layout::SIZES {
            let (mut link, mut block) = (layout::FREE + size, self.link(layout::FREE + size));
            // Who damages memory may do so after it was looked at.
            for _ in 0..self.shm.size() {
                if block == 0 {
                    break;
                }
                let next = self.link(block - 1);
                if blocks.contains_key(&block) {
                    self.set(link, next);
                } else {
                    link = block - 1;
                }
                block = next;
            }
        }
    }

    /// Puts a few free blocks together that lie side by side; answers whether there were any.
    fn merge(&mut self) -> bool {
        let mut all = BTreeMap::new();
        for size in MERGED..layout::SIZES {
            let mut block = self.link(layout::FREE + size);
            while block != 0 {
                if all.insert(block, size).is_some() {
                    // A ring: damaged memory is not made worse.
                    return false;
                }
                block = self.link(block - 1);
            }
        }
        let top = self.get(layout::TOP).max(layout::HEAP);
        let mut run: BTreeMap<u32, u32> = BTreeMap::new();
        let mut end = 0;
        for (block, size) in all {
            let header = block - 1;
            if header != end || run.len() == RUN {
                if self.merge_run(&run, end, top) {
                    return true;
                }
                run.clear();
            }
            run.insert(block, size);
            end = header + words(size);
        }
        self.merge_run(&run, end, top)
    }

    /// The same of these, which end there; they may be the last that were ever handed out.
    fn merge_run(&mut self, run: &BTreeMap<u32, u32>, end: u32, top: u32) -> bool {
        let Some(start) = run.keys().next().map(|block| block - 1) else { return false };
        if end == top {
            self.unlist(run);
            self.set(layout::TOP, start);
            return true;
        }
        let pieces = |length: u32| {
            (0..layout::SIZES).rev().scan(length, |left, size| {
                let count = *left / words(size);
                *left -= count * words(size);
                Some((size, count))
            })
        };
        let length = end - start;
        if pieces(length).map(|(_, count)| count as usize).sum::<usize>() >= run.len() {
            return false;
        }
        self.unlist(run);
        let mut at = start;
        for (size, count) in pieces(length) {
            for _ in 0..count {
                self.set_free(at + 1, size);
                at += words(size);
            }
        }
        true
    }

    /// Gives a block back.
    pub fn free(&mut self, block: u32) {
        if self.shm.as_block(block) == 0 {
            return;
        }
        let size = self.get(block - 1);
        if size >= layout::SIZES {
            // Not a block: damaged memory is not made worse.
            return;
        }
        self.set_free(block, size);
    }

    /// A block that holds bytes: their number, then four to a word.
    pub fn allocate_bytes(&mut self, bytes: &[u8]) -> Option<u32> {
        let size = self.shm.size();
        let block = self.allocate_bytes_below(bytes, size / 8 * 7);
        if block.is_none() && self.has_little() { self.allocate_bytes_below(bytes, size) } else { block }
    }

    /// The same for what programs give as much of as they like: where that is more than a little, it leaves a quarter of the memory to everything else.
    pub(super) fn allocate_given(&mut self, bytes: &[u8]) -> Option<u32> {
        const LITTLE: usize = 256;
        if bytes.len() <= LITTLE {
            return self.allocate_bytes(bytes);
        }
        self.allocate_bytes_below(bytes, self.shm.size() / 4 * 3)
    }

    fn allocate_bytes_below(&mut self, bytes: &[u8], limit: u32) -> Option<u32> {
        let length = u32::try_from(bytes.len()).ok()?;
        let block = self.allocate_below(1 + length.div_ceil(4), limit)?;
        self.fill(block, length);
        for (place, four) in (block + 1..).zip(bytes.chunks(4)) {
            let mut word = [0; 4];
            word[..four.len()].copy_from_slice(four);
            self.fill(place, u32::from_le_bytes(word));
        }
        Some(block)
    }

    /// Words that a block has; none if it is not one, as damaged memory may say.
    pub(super) fn words_of(&self, block: u32) -> u32 {
        let size = if self.shm.as_block(block) == 0 { layout::SIZES } else { self.get(block - 1) };
        if size >= layout::SIZES { 0 } else { words(size) - 1 }
    }

    /// The bytes of such a block.
    pub fn bytes(&self, block: u32) -> Vec<u8> {
        self.first_bytes(block, usize::MAX)
    }

    /// So many of them at most: who looks at many blocks has a use for no more, and what they say of themselves may be damaged.
    pub fn first_bytes(&self, block: u32, most: usize) -> Vec<u8> {
        // Nobody takes all of a damaged memory for one text.
        let room = self.words_of(block);
        if room == 0 {
            return Vec::new();
        }
        let length = (self.get(block) as usize).min(most);
        let mut bytes = Vec::new();
        for place in block + 1..block + room {
            if bytes.len() >= length {
                break;
            }
            bytes.extend_from_slice(&self.get(place).to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}

impl Shm {
    /// Puts free blocks together again where much of the memory was used: what a program had in small pieces is there for large ones.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`, when the memory is damaged.
    pub(super) fn merge_free(&self) -> Nt<()> {
        // Each step makes less of them.
        for _ in 0..1000 {
            let mut tx = self.begin();
            if tx.get(layout::TOP) < self.size() / 2 || !tx.merge() {
                break;
            }
            tx.commit()?;
        }
        Ok(())
    }
}
