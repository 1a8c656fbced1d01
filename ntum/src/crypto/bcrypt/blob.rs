//! Key blobs: fields and numbers one after another, as `bcrypt.h` and `wincrypt.h` lay them out.

use crate::status::{Nt, STATUS_INVALID_PARAMETER};
use crypto_bigint::BoxedUint;

/// Reads a blob front to back.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next bytes.
    pub fn bytes(&mut self, count: usize) -> Nt<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(STATUS_INVALID_PARAMETER)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// The next ULONG.
    pub fn number(&mut self) -> Nt<u32> {
        let bytes = self.bytes(4)?.try_into().map_err(|_| STATUS_INVALID_PARAMETER)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// The next bytes, last one first: a little-endian number of the older blobs.
    pub fn reversed(&mut self, count: usize) -> Nt<Vec<u8>> {
        Ok(self.bytes(count)?.iter().rev().copied().collect())
    }
}

/// Writes a blob front to back.
#[derive(Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    /// A blob that starts with these ULONGs.
    pub fn new(head: &[u32]) -> Writer {
        Writer(head.iter().flat_map(|number| number.to_le_bytes()).collect())
    }

    /// Bytes as they are.
    pub fn bytes(mut self, bytes: &[u8]) -> Writer {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A number in `size` bytes, big-endian.
    pub fn uint(self, number: &BoxedUint, size: usize) -> Writer {
        self.bytes(&to_bytes(number, size))
    }

    /// A number in `size` bytes, little-endian.
    pub fn reversed(self, number: &BoxedUint, size: usize) -> Writer {
        let mut bytes = to_bytes(number, size);
        bytes.reverse();
        self.bytes(&bytes)
    }
}

/// A big-endian number, with room for `bits` bits.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` if it has more.
pub fn uint(bytes: &[u8], bits: u32) -> Nt<BoxedUint> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    BoxedUint::from_be_slice(&bytes[zeros..], bits).map_err(|_| STATUS_INVALID_PARAMETER)
}

/// A number as `size` big-endian bytes; the low ones, if it has more.
pub fn to_bytes(number: &BoxedUint, size: usize) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let mut padded = vec![0; size.saturating_sub(bytes.len())];
    padded.extend_from_slice(&bytes[bytes.len().saturating_sub(size)..]);
    padded
}

/// Bytes that a number of so many bits takes.
pub fn size_of_bits(bits: u32) -> usize {
    bits.div_ceil(8) as usize
}
