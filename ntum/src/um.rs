//! Guest memory: typed, range-checked, fault-tolerant accessors. A bad pointer is an error, never a crash of the kernel.

use crate::host::{Area, Block, Rows, Steps};
use crate::kernel::Kernel;
use crate::status::{Nt, STATUS_ACCESS_VIOLATION, STATUS_DATATYPE_MISALIGNMENT, Status};
use core::fmt;
use core::marker::PhantomData;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// First address a guest may use.
pub const LOWEST: u64 = 0x1_0000;
/// First address beyond the guest's half, as 64-bit Windows has it (MmHighestUserAddress + 1).
pub const HIGHEST: u64 = 0x7fff_ffff_0000;

/// What lies in guest memory as plain bytes.
pub trait Plain: FromBytes + IntoBytes + Immutable {}
impl<T: FromBytes + IntoBytes + Immutable> Plain for T {}

/// A guest address where a `T` lies, or null.
pub struct UserPtr<T> {
    address: u64,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for UserPtr<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for UserPtr<T> {}
impl<T> fmt::Debug for UserPtr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:x}", self.address)
    }
}

impl<T> UserPtr<T> {
    /// The pointer with this address.
    pub const fn new(address: u64) -> Self {
        UserPtr { address, of: PhantomData }
    }

    /// Its address.
    pub const fn address(self) -> u64 {
        self.address
    }

    /// Whether it is null.
    pub const fn is_null(self) -> bool {
        self.address == 0
    }

    /// The same address, taken to hold something else.
    pub const fn cast<U>(self) -> UserPtr<U> {
        UserPtr::new(self.address)
    }

    /// The address `bytes` further on.
    pub const fn byte_add<U>(self, bytes: u64) -> UserPtr<U> {
        UserPtr::new(self.address.wrapping_add(bytes))
    }

    /// The `index`th element of an array that starts here.
    pub const fn add(self, index: u64) -> Self {
        UserPtr::new(self.address.wrapping_add(index.wrapping_mul(size_of::<T>() as u64)))
    }
}

impl<T: Plain> UserPtr<T> {
    /// Loads the value.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn read(self, k: &Kernel) -> Nt<T> {
        let mut value = T::new_zeroed();
        k.read_user(self.address, value.as_mut_bytes_of())?;
        Ok(value)
    }

    /// Stores the value.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn write(self, k: &Kernel, value: T) -> Nt<()> {
        k.write_user(self.address, value.as_bytes())
    }

    /// Stores the value unless the pointer is null.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn write_opt(self, k: &Kernel, value: T) -> Nt<()> {
        if self.is_null() { Ok(()) } else { self.write(k, value) }
    }

    /// Loads the value, or `None` if the pointer is null.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn read_opt(self, k: &Kernel) -> Nt<Option<T>> {
        if self.is_null() { Ok(None) } else { self.read(k).map(Some) }
    }

    /// Loads `count` values that lie one after another.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn read_vec(self, k: &Kernel, count: usize) -> Nt<Vec<T>> {
        let bytes = count.checked_mul(size_of::<T>()).ok_or(STATUS_ACCESS_VIOLATION)?;
        // The range is probed page by page before memory is spent on what a guest claims.
        k.probe_read(self.address, bytes as u64)?;
        let mut values = Vec::with_capacity(count);
        values.resize_with(count, T::new_zeroed);
        k.read_user(self.address, values.as_mut_slice().as_mut_bytes())?;
        Ok(values)
    }
}

/// Bytes of a `T` to be overwritten.
trait AsMutBytes {
    fn as_mut_bytes_of(&mut self) -> &mut [u8];
}
impl<T: FromBytes + IntoBytes> AsMutBytes for T {
    fn as_mut_bytes_of(&mut self) -> &mut [u8] {
        self.as_mut_bytes()
    }
}

/// A range of guest memory.
#[derive(Clone, Copy, Debug)]
pub struct UserSlice {
    /// First address.
    pub address: u64,
    /// Bytes.
    pub length: u64,
}

impl UserSlice {
    /// The range.
    pub const fn new(address: u64, length: u64) -> Self {
        UserSlice { address, length }
    }

    /// Loads all of it.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn read_all(self, k: &Kernel) -> Nt<Vec<u8>> {
        k.probe_read(self.address, self.length)?;
        let mut bytes = vec![0; self.length as usize];
        k.read_user(self.address, &mut bytes)?;
        Ok(bytes)
    }

    /// Stores bytes at `offset`; they must lie within.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn write_at(self, k: &Kernel, offset: u64, bytes: &[u8]) -> Nt<()> {
        let end = offset.checked_add(bytes.len() as u64).ok_or(STATUS_ACCESS_VIOLATION)?;
        if end > self.length {
            return Err(STATUS_ACCESS_VIOLATION);
        }
        k.write_user(self.address.wrapping_add(offset), bytes)
    }
}

/// Whether `length` bytes from `address` lie in the guest's half.
pub fn in_range(address: u64, length: u64) -> bool {
    address >= LOWEST && address.checked_add(length).is_some_and(|end| end <= HIGHEST)
}

/// Whether so many rows lie in the guest's half. They lie in one direction: where the first and the last do, all do.
fn block_in_range(block: &Block, rows: usize) -> bool {
    let Some(last) = rows.checked_sub(1) else { return true };
    let way = i128::from(block.stride as i64) * last as i128;
    let end = u64::try_from(i128::from(block.address) + way);
    in_range(block.address, block.bytes as u64) && end.is_ok_and(|end| in_range(end, block.bytes as u64))
}

/// What NT's probes of a system call's arguments raise for a pointer that is not a multiple of `alignment`.
///
/// # Errors
/// `STATUS_DATATYPE_MISALIGNMENT`.
pub fn check_alignment(address: u64, alignment: u64) -> Nt<()> {
    if address.is_multiple_of(alignment) { Ok(()) } else { Err(STATUS_DATATYPE_MISALIGNMENT) }
}

impl Kernel {
    /// Loads bytes of guest memory; grows stacks and answers guard pages as a load by the guest would.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, or what the page's fault means.
    pub fn read_user(&self, address: u64, into: &mut [u8]) -> Nt<()> {
        if into.is_empty() {
            return Ok(());
        }
        if !in_range(address, into.len() as u64) {
            return Err(STATUS_ACCESS_VIOLATION);
        }
        while let Err(fault) = self.host.read_user(address, into) {
            self.resolve(fault)?;
        }
        Ok(())
    }

    /// Stores bytes to guest memory.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, or what the page's fault means.
    pub fn write_user(&self, address: u64, from: &[u8]) -> Nt<()> {
        if from.is_empty() {
            return Ok(());
        }
        if !in_range(address, from.len() as u64) {
            return Err(STATUS_ACCESS_VIOLATION);
        }
        while let Err(fault) = self.host.write_user(address, from) {
            self.resolve(fault)?;
        }
        Ok(())
    }

    /// Fills areas of guest memory with a value, from each row's first byte on.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, or what a page's fault means: some may be filled then.
    pub fn fill_user(&self, areas: &[Area], value: u32) -> Nt<()> {
        if !areas.iter().all(|area| block_in_range(&area.block, area.rows)) {
            return Err(STATUS_ACCESS_VIOLATION);
        }
        while let Err(fault) = self.host.fill_user(areas, value) {
            self.resolve(fault)?;
        }
        Ok(())
    }

    /// Stores a word along a line of guest memory.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, or what a page's fault means: some may be stored then.
    pub fn step_user(&self, steps: &Steps, value: u32) -> Nt<()> {
        let (low, high) = steps.bounds();
        if low < i128::from(LOWEST) || high + 4 > i128::from(HIGHEST) {
            return Err(STATUS_ACCESS_VIOLATION);
        }
        while let Err(fault) = self.host.step_user(steps, value) {
            self.resolve(fault)?;
        }
        Ok(())
    }

    /// Copies rows of guest memory to guest memory. No row may lie where its own source does.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, or what a page's fault means: some rows may be copied then.
    pub fn copy_user(&self, mut rows: Rows) -> Nt<()> {
        let (from, to) = (
            Block { address: rows.from, stride: rows.from_stride, bytes: rows.bytes },
            Block { address: rows.to, stride: rows.to_stride, bytes: rows.bytes },
        );
        if !block_in_range(&from, rows.rows) || !block_in_range(&to, rows.rows) {
            return Err(STATUS_ACCESS_VIOLATION);
        }
        while let Err(fault) = self.host.copy_user(&mut rows) {
            self.resolve(fault)?;
        }
        Ok(())
    }

    /// Loads rows of guest memory, which come to lie one after the other.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, or what a page's fault means.
    pub fn read_rows(&self, from: &Block, into: &mut [u8]) -> Nt<()> {
        if !block_in_range(from, into.len() / from.bytes.max(1)) {
            return Err(STATUS_ACCESS_VIOLATION);
        }
        while let Err(fault) = self.host.read_rows(from, into) {
            self.resolve(fault)?;
        }
        Ok(())
    }

    /// Stores rows that lie one after the other to guest memory.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, or what a page's fault means: some rows may be stored then.
    pub fn write_rows(&self, to: &Block, from: &[u8]) -> Nt<()> {
        if !block_in_range(to, from.len() / to.bytes.max(1)) {
            return Err(STATUS_ACCESS_VIOLATION);
        }
        while let Err(fault) = self.host.write_rows(to, from) {
            self.resolve(fault)?;
        }
        Ok(())
    }

    /// Lets `mm` answer a fault of the kernel's own access: `Ok` when the access is worth another try.
    fn resolve(&self, fault: crate::host::Fault) -> Nt<()> {
        self.mm.kernel_fault(self, fault).map_err(|_: Status| STATUS_ACCESS_VIOLATION)
    }

    /// Checks that a range can be loaded from, a byte in each page.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn probe_read(&self, address: u64, length: u64) -> Nt<()> {
        if length == 0 {
            return Ok(());
        }
        if !in_range(address, length) {
            return Err(STATUS_ACCESS_VIOLATION);
        }
        let mut at = address;
        let end = address + length;
        while at < end {
            self.read_user(at, &mut [0])?;
            at = (at & !0xfff) + 0x1000;
        }
        Ok(())
    }

    /// Checks that a range can be stored to, a byte in each page, without changing it.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn probe_write(&self, address: u64, length: u64) -> Nt<()> {
        if length == 0 {
            return Ok(());
        }
        if !in_range(address, length) {
            return Err(STATUS_ACCESS_VIOLATION);
        }
        let mut at = address;
        let end = address + length;
        while at < end {
            let word = at & !3;
            loop {
                // An exchange of a value for itself is a store that nobody can see.
                match self.host.swap_user_u32(word, 0, 0) {
                    Ok(_) => break,
                    Err(fault) => self.resolve(fault)?,
                }
            }
            at = (at & !0xfff) + 0x1000;
        }
        Ok(())
    }
}
