//! What of this process's memory nobody needs any more.
#![allow(unsafe_code)]

use std::ffi::c_void;

unsafe extern "C" {
    /// Where the program's file is mapped, and where its code ends there: of the linker.
    static __executable_start: u8;
    static etext: u8;
}

/// Gives back the pages of code and constants: what is used again is found in the host's cache of files. A login runs through most of the program
/// (key exchange, certificates, passwords), and what comes then through little of it.
pub fn forget_code() {
    let (from, to) = (&raw const __executable_start, &raw const etext);
    // The page that code ends in is in no other mapping: linkers begin what is written to in the next one.
    let length = (to as usize).saturating_sub(from as usize);
    // SAFETY: of these pages, which are the file's own bytes and never written to, the host makes the same again at the next look.
    unsafe { libc::madvise(from.cast_mut().cast::<c_void>(), length, libc::MADV_DONTNEED) };
}
