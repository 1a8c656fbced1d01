//! Blocks of words, allocated and freed within transactions: what a killed member had not committed is not lost.

use super::{Tx, layout};

/// Words in a block of each size, its header among them.
fn words(size: u32) -> u32 {
    4 << size
}

/// The smallest size that has room for so many words besides the header.
fn size_of(wanted: u32) -> Option<u32> {
    (0..layout::SIZES).find(|size| words(*size) > wanted)
}

impl Tx<'_> {
    /// A block of at least `wanted` words, all zero; `None` when the memory is used up. Its header is the word in front.
    pub fn allocate(&mut self, wanted: u32) -> Option<u32> {
        let size = size_of(wanted)?;
        let block = self.take_block(size, self.shm.size())?;
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
        // What this transaction freed itself is in use until it is committed, and is not written before.
        let (mut link, mut block) = (layout::FREE + size, self.get(layout::FREE + size));
        while block != 0 && self.is_written(block - 1) {
            (link, block) = (block - 1, self.get(block - 1));
        }
        if block == 0 {
            let top = self.get(layout::TOP).max(layout::HEAP);
            let end = top.checked_add(words(size))?;
            if end > limit {
                return None;
            }
            self.set(layout::TOP, end);
            self.set(top, size);
            return Some(top + 1);
        }
        let next = self.get(block - 1);
        self.set(link, next);
        self.set(block - 1, size);
        Some(block)
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

    /// Gives a block back.
    pub fn free(&mut self, block: u32) {
        let size = self.get(block - 1);
        if size >= layout::SIZES {
            // Not a block: damaged memory is not made worse.
            return;
        }
        let head = layout::FREE + size;
        let next = self.get(head);
        self.set(block - 1, next);
        self.set(head, block);
    }

    /// A block that holds bytes: their number, then four to a word.
    pub fn allocate_bytes(&mut self, bytes: &[u8]) -> Option<u32> {
        let length = u32::try_from(bytes.len()).ok()?;
        let block = self.allocate(1 + length.div_ceil(4))?;
        self.fill(block, length);
        for (place, four) in (block + 1..).zip(bytes.chunks(4)) {
            let mut word = [0; 4];
            word[..four.len()].copy_from_slice(four);
            self.fill(place, u32::from_le_bytes(word));
        }
        Some(block)
    }

    /// The bytes of such a block.
    pub fn bytes(&self, block: u32) -> Vec<u8> {
        let length = self.get(block) as usize;
        let mut bytes = Vec::new();
        for place in block + 1.. {
            if bytes.len() >= length || place >= self.shm.size() {
                break;
            }
            bytes.extend_from_slice(&self.get(place).to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}
