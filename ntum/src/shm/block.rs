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
        let head = layout::FREE + size;
        let mut block = self.get(head);
        if block == 0 {
            let top = self.get(layout::TOP).max(layout::HEAP);
            let end = top.checked_add(words(size))?;
            if end > self.shm.size() {
                return None;
            }
            self.set(layout::TOP, end);
            block = top + 1;
        } else {
            let next = self.get(block - 1);
            self.set(head, next);
            // Fresh memory is zero already.
            (block..block + words(size) - 1).for_each(|place| self.fill(place, 0));
        }
        self.set(block - 1, size);
        Some(block)
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
