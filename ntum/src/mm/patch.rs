//! One change to Wine's ntdll, in the picoprocess's own copy of one page.
//!
//! `signal_start_thread`, where every thread begins, fills the 960 KB of stack below its context with zeros before it goes on:
//!
//! ```text
//! 48 8d b9 00 00 f1 ff   lea -0xf0000(%rcx), %rdi
//! ```
//! That is for debuggers' sake in Wine; here fresh stacks are zero anyway, and the fill costs each thread 240 page faults and
//! 960 KB of memory that it will never use (measured: CreateThread and join took 875 µs with it, 76 µs without). The
//! displacement is changed to -0x1000: one page is filled instead. If the bytes are not exactly these, nothing is changed.

use super::Mm;
use crate::host::Prot;
use crate::kernel::Kernel;
use crate::status::*;

/// The instruction, and what stands before it in the function: and $~0xfff, %rcx.
const FOUND: [u8; 14] = [0x48, 0x81, 0xe1, 0x00, 0xf0, 0xff, 0xff, 0x48, 0x8d, 0xb9, 0x00, 0x00, 0xf1, 0xff];
/// Offset of the displacement in it.
const DISPLACEMENT: u64 = 10;
/// -0x1000.
const CHANGED: [u8; 4] = [0x00, 0xf0, 0xff, 0xff];
/// How far behind RtlUserThreadStart the function is looked for.
const REACH: usize = 256;

impl Mm {
    /// Makes the change if the instruction stands shortly behind `start`, the address of RtlUserThreadStart; answers
    /// whether it did.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, what the host answers.
    pub fn spare_the_stack(&self, k: &Kernel, start: u64) -> Nt<bool> {
        let mut code = [0; REACH];
        k.read_user(start, &mut code)?;
        let Some(at) = code.windows(FOUND.len()).position(|bytes| bytes == FOUND) else { return Ok(false) };
        let at = start + at as u64 + DISPLACEMENT;
        let page = super::page::page_down(at);
        let length = super::page::page_down(at + 3) + super::page::PAGE_SIZE - page;
        let space = self.space.lock();
        let region = space.find(page).filter(|region| region.copies() && region.holds(&(page..page + length)));
        let before = region.ok_or(STATUS_INVALID_PARAMETER)?.pages.at(page).host(true);
        k.host.protect(page, length, Prot::READ_WRITE)?;
        let written = k.host.write_user(at, &CHANGED);
        k.host.protect(page, length, before)?;
        written.map_err(|_| STATUS_ACCESS_VIOLATION)?;
        Ok(true)
    }
}
