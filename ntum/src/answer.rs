//! The buffer of a query call: an information class is answered into it, with the length rule that the class has. And the
//! buffer of a set or control call: the fields of the structure given.

use crate::kernel::Kernel;
use crate::status::*;
use crate::um::{Plain, UserPtr};

/// Where a query call wants its answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// The buffer's address.
    pub buffer: u64,
    /// Its length in bytes.
    pub length: u32,
    /// Where the length of the answer goes, or null.
    pub returned: UserPtr<u32>,
}

impl Answer {
    /// A buffer of `length` bytes.
    pub const fn new(buffer: u64, length: u32, returned: UserPtr<u32>) -> Answer {
        Answer { buffer, length, returned }
    }

    /// Answers a class whose buffer must have the answer's own length.
    ///
    /// # Errors
    /// `STATUS_INFO_LENGTH_MISMATCH` (the right length is returned all the same), `STATUS_ACCESS_VIOLATION`, and what
    /// `value` says.
    pub fn exact<T: Plain>(&self, k: &Kernel, value: impl FnOnce() -> Nt<T>) -> Nt {
        if self.length as usize != size_of::<T>() {
            return self.too_small(k, size_of::<T>());
        }
        k.probe_write(self.buffer, u64::from(self.length))?;
        self.store(k, value()?.as_bytes())
    }

    /// As [`Answer::exact`], but for a wrong length the right one is not returned.
    ///
    /// # Errors
    /// As [`Answer::exact`].
    pub fn exact_or_nothing<T: Plain>(&self, k: &Kernel, value: impl FnOnce() -> Nt<T>) -> Nt {
        if self.length as usize != size_of::<T>() {
            return Err(STATUS_INFO_LENGTH_MISMATCH);
        }
        self.exact(k, value)
    }

    /// Answers a class whose buffer may be longer than the answer.
    ///
    /// # Errors
    /// As [`Answer::exact`].
    pub fn at_least<T: Plain>(&self, k: &Kernel, value: impl FnOnce() -> Nt<T>) -> Nt {
        if (self.length as usize) < size_of::<T>() {
            return self.too_small(k, size_of::<T>());
        }
        self.store(k, value()?.as_bytes())
    }

    /// Answers a class that fills as much of the buffer as there is.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn cut<T: Plain>(&self, k: &Kernel, value: T) -> Nt {
        let bytes = value.as_bytes();
        let length = bytes.len().min(self.length as usize);
        if self.buffer != 0 {
            k.write_user(self.buffer, &bytes[..length])?;
        }
        self.returned.write_opt(k, length as u32)?;
        Ok(STATUS_SUCCESS)
    }

    /// Answers with bytes of any number; `short` is the status for a buffer that they do not fit.
    ///
    /// # Errors
    /// `short` (the length is returned all the same), `STATUS_ACCESS_VIOLATION`.
    pub fn bytes(&self, k: &Kernel, bytes: &[u8], short: Status) -> Nt {
        if (self.length as usize) < bytes.len() {
            self.returned.write_opt(k, bytes.len() as u32)?;
            return Err(short);
        }
        self.store(k, bytes)
    }

    fn store(&self, k: &Kernel, bytes: &[u8]) -> Nt {
        k.write_user(self.buffer, bytes)?;
        self.returned.write_opt(k, bytes.len() as u32)?;
        Ok(STATUS_SUCCESS)
    }

    fn too_small(&self, k: &Kernel, length: usize) -> Nt {
        self.returned.write_opt(k, length as u32)?;
        Err(STATUS_INFO_LENGTH_MISMATCH)
    }
}

/// What a set or control call was given: the little-endian fields of a structure, by offset. One that lies beyond the end reads
/// as 0; the length was checked before.
#[derive(Clone, Copy)]
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    fn raw<const N: usize>(self, at: usize) -> [u8; N] {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    /// A USHORT.
    pub fn u16(self, at: usize) -> u16 {
        u16::from_le_bytes(self.raw(at))
    }

    /// A ULONG.
    pub fn u32(self, at: usize) -> u32 {
        u32::from_le_bytes(self.raw(at))
    }

    /// A ULONG_PTR.
    pub fn u64(self, at: usize) -> u64 {
        u64::from_le_bytes(self.raw(at))
    }

    /// A LARGE_INTEGER.
    pub fn i64(self, at: usize) -> i64 {
        i64::from_le_bytes(self.raw(at))
    }

    /// A BOOLEAN.
    pub fn flag(self, at: usize) -> bool {
        self.0.get(at).is_some_and(|byte| *byte != 0)
    }

    /// So many bytes.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` if there are fewer.
    pub fn bytes(self, at: usize, length: usize) -> Nt<&'a [u8]> {
        self.0.get(at..).and_then(|rest| rest.get(..length)).ok_or(STATUS_INVALID_PARAMETER)
    }
}

/// The UTF-16 units that bytes are; an odd one at the end is left out.
pub fn units(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
}

/// Bytes of an answer that is made of parts.
#[derive(Default)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    /// Adds a value.
    pub fn push<T: Plain>(&mut self, value: T) -> &mut Bytes {
        self.0.extend_from_slice(value.as_bytes());
        self
    }

    /// Adds bytes.
    pub fn extend(&mut self, bytes: &[u8]) -> &mut Bytes {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds a text with a zero behind it.
    pub fn text(&mut self, units: &[u16]) -> &mut Bytes {
        units.iter().chain(&[0]).for_each(|unit| self.0.extend_from_slice(&unit.to_le_bytes()));
        self
    }

    /// Adds zeros up to a multiple of `alignment`.
    pub fn align(&mut self, alignment: usize) -> &mut Bytes {
        self.0.resize(self.0.len().next_multiple_of(alignment), 0);
        self
    }
}
