//! Memory manager: address space, sections, images.
//!
//! [`region`] keeps the books of the address space, [`page`] the state of pages; the host is asked for what the books say
//! and told nothing that makes no difference to it. One lock guards the books. It is never held across an access to guest
//! memory that may fault into `mm` again: such accesses are the host's own, which answer a fault as an error.
//!
//! Reserving maps pages that nothing may be done with, committing allows what the protection says, decommitting maps
//! them anew, so that their memory goes back at once. Nothing costs memory before it is touched.

pub mod allocate;
pub mod calls;
pub mod divert;
pub mod extended;
pub mod fault;
pub mod free;
pub mod image;
pub mod kernelbase;
pub mod layout;
pub mod page;
pub mod parcel;
pub mod patch;
pub mod pe;
pub mod process;
pub mod protect;
pub mod query;
pub mod region;
pub mod relocate;
pub mod section;
pub mod spare;
pub mod trim;
pub mod view;
pub mod watch;

#[cfg(test)]
mod tests;

use crate::call::Call;
use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::types::{IoStatusBlock, ObjectAttributesRaw};
use crate::um::UserPtr;
use extended::MemExtendedParameter;
use parking_lot::Mutex;
use process::MemoryRangeEntry;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {
    NtAllocateVirtualMemory(process: Handle, base: UserPtr<u64>, zero_bits: u64, size: UserPtr<u64>, kind: u32, protection: u32) => allocate::nt_allocate_virtual_memory, Partial("MEM_PHYSICAL");
    NtAllocateVirtualMemoryEx(process: Handle, base: UserPtr<u64>, size: UserPtr<u64>, kind: u32, protection: u32, parameters: UserPtr<MemExtendedParameter>, count: u32) => allocate::nt_allocate_virtual_memory_ex, Partial("MEM_PHYSICAL");
    NtFreeVirtualMemory(process: Handle, base: UserPtr<u64>, size: UserPtr<u64>, kind: u32) => free::nt_free_virtual_memory, Done;
    NtProtectVirtualMemory(process: Handle, base: UserPtr<u64>, size: UserPtr<u64>, protection: u32, old: UserPtr<u32>) => protect::nt_protect_virtual_memory, Done;
    NtQueryVirtualMemory(process: Handle, address: u64, class: u32, buffer: u64, length: u64, returned: UserPtr<u64>) => query::nt_query_virtual_memory, Partial("image pages read PAGE_WRITECOPY still once stored to");
    NtReadVirtualMemory(process: Handle, base: u64, buffer: u64, size: u64, read: UserPtr<u64>) => process::nt_read_virtual_memory, Done;
    NtWriteVirtualMemory(process: Handle, base: u64, buffer: u64, size: u64, written: UserPtr<u64>) => process::nt_write_virtual_memory, Done;
    NtLockVirtualMemory(process: Handle, base: UserPtr<u64>, size: UserPtr<u64>, which: u32) => process::nt_lock_virtual_memory, Done;
    NtUnlockVirtualMemory(process: Handle, base: UserPtr<u64>, size: UserPtr<u64>, which: u32) => process::nt_unlock_virtual_memory, Done;
    NtFlushVirtualMemory(process: Handle, base: UserPtr<u64>, size: UserPtr<u64>, result: UserPtr<IoStatusBlock>) => process::nt_flush_virtual_memory, Done;
    NtFlushInstructionCache(process: Handle, base: u64, size: u64) => process::nt_flush_instruction_cache, Done;
    NtFlushProcessWriteBuffers() => process::nt_flush_process_write_buffers, Done;
    NtAllocateUserPhysicalPages(process: Handle, count: u64, frames: u64) => process::nt_allocate_user_physical_pages, Done;
    NtFreeUserPhysicalPages(process: Handle, count: u64, frames: u64) => process::nt_free_user_physical_pages, Done;
    NtMapUserPhysicalPages(base: u64, count: u64, frames: u64) => process::nt_map_user_physical_pages, Done;
    NtMapUserPhysicalPagesScatter(bases: u64, count: u64, frames: u64) => process::nt_map_user_physical_pages, Done;
    NtCreatePagingFile(name: u64, least: u64, most: u64, priority: u32) => process::nt_create_paging_file, Done;
    NtAreMappedFilesTheSame(first: u64, second: u64) => process::nt_are_mapped_files_the_same, Done;
    NtSetInformationVirtualMemory(process: Handle, class: u32, count: u64, ranges: UserPtr<MemoryRangeEntry>, information: UserPtr<u32>, length: u32) => process::nt_set_information_virtual_memory, Partial("other processes, VmPageDirtyStateInformation");
    NtGetWriteWatch(process: Handle, flags: u32, base: u64, size: u64, addresses: UserPtr<u64>, count: UserPtr<u64>, granularity: UserPtr<u32>) => watch::nt_get_write_watch, Done;
    NtResetWriteWatch(process: Handle, base: u64, size: u64) => watch::nt_reset_write_watch, Done;
    NtCreateSection(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, size: UserPtr<i64>, protection: u32, section_attributes: u32, file: Handle) => calls::nt_create_section, Done;
    NtOpenSection(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>) => calls::nt_open_section, Done;
    NtQuerySection(handle: Handle, class: u32, buffer: u64, length: u64, returned: UserPtr<u64>) => calls::nt_query_section, Done;
    NtExtendSection(handle: Handle, size: UserPtr<i64>) => calls::nt_extend_section, Done;
    NtMapViewOfSection(section: Handle, process: Handle, base: UserPtr<u64>, zero_bits: u64, commit_size: u64, offset: UserPtr<i64>, size: UserPtr<u64>, inherit: u32, kind: u32, protection: u32) => calls::nt_map_view_of_section, Done;
    NtMapViewOfSectionEx(section: Handle, process: Handle, base: UserPtr<u64>, offset: UserPtr<i64>, size: UserPtr<u64>, kind: u32, protection: u32, parameters: UserPtr<MemExtendedParameter>, count: u32) => calls::nt_map_view_of_section_ex, Done;
    NtUnmapViewOfSection(process: Handle, address: u64) => calls::nt_unmap_view_of_section, Done;
    NtUnmapViewOfSectionEx(process: Handle, address: u64, flags: u32) => calls::nt_unmap_view_of_section_ex, Done;
};

/// The component's state.
#[derive(Default)]
pub struct Mm {
    /// The books of the address space.
    space: Mutex<region::Space>,
    /// First address that no placement may reach; 0: [`crate::um::HIGHEST`].
    highest: AtomicU64,
    /// Where private memory begins, once something was placed.
    private_start: OnceLock<u64>,
    /// Bytes charged against the commit limit.
    charged: AtomicU64,
    /// The most there ever were.
    peak: AtomicU64,
    /// Where others see how many pages are committed.
    shown: OnceLock<&'static AtomicU32>,
    /// Control areas of images, and of files' data that can be written.
    areas: section::Areas,
    /// Stacks and TEBs to be used again.
    spares: Mutex<Vec<spare::Spare>>,
    /// Whether the host is short of memory.
    low: trim::Low,
    /// The page of [`Mm::flush_write_buffers`].
    barrier: Mutex<Option<u64>>,
    /// Whether a region was ever made whose stores are watched.
    watches: AtomicBool,
}

impl Mm {
    /// Takes a range that the runtime mapped for the guest into the books: shared data, the dispatcher's page. The guest
    /// sees it as private memory with this protection, and cannot change it.
    pub fn note_host_region(&self, range: Range<u64>, protection: u32) {
        self.space.lock().note_host(range, protection);
    }

    /// Bytes committed.
    pub fn committed(&self) -> u64 {
        self.charged.load(Ordering::Relaxed)
    }

    /// The most bytes that were ever committed.
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }

    /// Bytes that may be committed: what the boot block allows, else as much as the host has and half as much again.
    pub fn commit_limit(&self, k: &Kernel) -> u64 {
        match k.boot.memory {
            0 => k.boot.host_memory.saturating_add(k.boot.host_memory / 2),
            limit => limit,
        }
    }

    /// Bytes in all regions, committed or not.
    pub fn reserved(&self) -> u64 {
        self.space.lock().iter().map(|region| region.size).sum()
    }

    /// Charges bytes against the commit limit. Without one in the boot block nothing is refused: memory that is never
    /// touched costs the host nothing, and programs commit far more than they touch.
    ///
    /// # Errors
    /// `STATUS_COMMITMENT_LIMIT`.
    fn charge(&self, k: &Kernel, bytes: u64) -> Nt<()> {
        if bytes == 0 {
            return Ok(());
        }
        let now = self.charged.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if k.boot.memory != 0 && now > k.boot.memory {
            self.uncharge(bytes);
            return Err(STATUS_COMMITMENT_LIMIT);
        }
        // Shown before it is asked, so that of two processes that charge at once one sees the other.
        self.show();
        k.ps.kept.charge(now).inspect_err(|_| self.uncharge(bytes))?;
        self.peak.fetch_max(now, Ordering::Relaxed);
        Ok(())
    }

    /// Gives a charge back.
    fn uncharge(&self, bytes: u64) {
        if bytes != 0 {
            self.charged.fetch_sub(bytes, Ordering::Relaxed);
            self.show();
        }
    }

    /// Has the other processes of the sandbox see in this word how many pages are committed, from now on.
    pub fn show_in(&self, word: &'static AtomicU32) {
        let _ = self.shown.set(word);
        self.show();
    }

    /// Whether they do.
    pub fn is_shown(&self) -> bool {
        self.shown.get().is_some()
    }

    fn show(&self) {
        if let Some(word) = self.shown.get() {
            word.store(u32::try_from(self.committed() / page::PAGE_SIZE).unwrap_or(u32::MAX), Ordering::Relaxed);
        }
    }
}
