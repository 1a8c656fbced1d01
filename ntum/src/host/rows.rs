//! Areas of guest memory that are filled or copied at once, as drawing does it.

/// Rows of bytes on the way from one place to another. What is done is taken off, so that who is stopped by a fault goes on
/// with the row where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    /// Where the next row goes.
    pub to: u64,
    /// From there to where the one after it goes; counts modulo 2^64, so rows may go upwards.
    pub to_stride: u64,
    /// Where the next row comes from.
    pub from: u64,
    /// From there to the one after it.
    pub from_stride: u64,
    /// Bytes of a row. A row's source and its destination share none.
    pub bytes: usize,
    /// Rows that are left.
    pub rows: usize,
}

impl Rows {
    /// A row is done.
    pub fn advance(&mut self) {
        self.to = self.to.wrapping_add(self.to_stride);
        self.from = self.from.wrapping_add(self.from_stride);
        self.rows = self.rows.saturating_sub(1);
    }
}

/// Rows of guest memory, beside rows of the kernel's that lie one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Block {
    /// Where the first row lies.
    pub address: u64,
    /// From a row to the next, modulo 2^64.
    pub stride: u64,
    /// Bytes of a row.
    pub bytes: usize,
}

impl Block {
    /// Where a row lies.
    pub fn row(&self, index: usize) -> u64 {
        self.address.wrapping_add(self.stride.wrapping_mul(index as u64))
    }
}

/// Rows of guest memory that are filled, each a whole number of what it is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Area {
    /// Where they lie.
    pub block: Block,
    /// How many.
    pub rows: usize,
}

/// Words of guest memory along a line: from one to the next it is `along` bytes, and `aside` more wherever `rest`, to which each step
/// adds `more`, has reached `whole` and begins again with what is beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Steps {
    /// The first.
    pub address: u64,
    /// How many.
    pub count: u64,
    /// Modulo 2^64.
    pub along: u64,
    /// Modulo 2^64.
    pub aside: u64,
    /// Less than `whole`.
    pub rest: i64,
    /// Not more than `whole`.
    pub more: i64,
    /// More than 0.
    pub whole: i64,
}

impl Steps {
    /// The word after this one; `count` says whether there is one.
    pub fn advance(&mut self) {
        self.count = self.count.saturating_sub(1);
        self.address = self.address.wrapping_add(self.along);
        self.rest = self.rest.wrapping_add(self.more);
        if self.rest >= self.whole {
            self.rest -= self.whole;
            self.address = self.address.wrapping_add(self.aside);
        }
    }

    /// The lowest and the highest address that may be meant.
    pub fn bounds(&self) -> (i128, i128) {
        let most = i128::from(self.count.saturating_sub(1));
        let ways = [self.along, self.aside].map(|way| i128::from(way as i64) * most);
        let first = i128::from(self.address);
        (
            first + ways.iter().map(|way| *way.min(&0)).sum::<i128>(),
            first + ways.iter().map(|way| *way.max(&0)).sum::<i128>(),
        )
    }
}
