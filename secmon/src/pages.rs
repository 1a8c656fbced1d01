//! The pages beside the lanes: memory that a picoprocess shares with its monitor.
#![allow(unsafe_code)]

use crate::sys;
use nix::errno::Errno;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use shim_abi::boot::descriptor::LANE_COUNT;
use shim_abi::page::{BYTES, Page};
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

/// How many there are: one for each lane.
const COUNT: usize = LANE_COUNT as usize;
const LENGTH: NonZeroUsize = NonZeroUsize::new(COUNT * BYTES).unwrap();

/// A page for each lane, mapped here.
pub struct Pages {
    file: OwnedFd,
    at: NonNull<[Page; COUNT]>,
}

// SAFETY: the mapping belongs to no thread, and what lies in it is atomic.
unsafe impl Send for Pages {}
// SAFETY: likewise.
unsafe impl Sync for Pages {}

impl Pages {
    /// New pages.
    pub fn new() -> Result<Self, Errno> {
        let file = sys::memory(c"portcullis-lanes", LENGTH.get() as u64)?;
        let prot = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice replaces none.
        let at = unsafe { mmap(None, LENGTH, prot, MapFlags::MAP_SHARED, &file, 0) }?;
        Ok(Pages { file, at: at.cast() })
    }

    /// The file, for the picoprocess.
    pub fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// The page of a lane.
    pub fn of(&self, lane: usize) -> Option<&Page> {
        // SAFETY: the mapping is as long as the array, aligned to a page, lives as long as `self`, and its file cannot be cut.
        // It is read and written as atomic words alone, for which every value is valid, whatever the other process does.
        unsafe { self.at.as_ref() }.get(lane)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, and borrows of it have ended.
        let _ = unsafe { munmap(self.at.cast(), LENGTH.get()) };
    }
}

#[cfg(test)]
#[path = "../tests/unit/pages.rs"]
mod tests;
