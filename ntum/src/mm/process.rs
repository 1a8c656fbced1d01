//! Calls about the memory of a process as a whole: reading and writing it, locking, caches, physical pages.

use super::Mm;
use super::page::{PAGE_SIZE, Page, protect};
use super::region::{Kind, page_range};
use crate::call::Cx;
use crate::host::Prot;
use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::um::UserPtr;
use std::ops::Range;
use std::sync::Arc;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// PROCESS_VM_OPERATION.
pub const VM_OPERATION: u32 = 0x8;
/// PROCESS_VM_READ.
pub const VM_READ: u32 = 0x10;
/// PROCESS_VM_WRITE.
pub const VM_WRITE: u32 = 0x20;
/// PROCESS_QUERY_INFORMATION.
pub const QUERY_INFORMATION: u32 = 0x400;
/// PROCESS_QUERY_LIMITED_INFORMATION.
pub const QUERY_LIMITED_INFORMATION: u32 = 0x1000;

impl Cx<'_> {
    /// Checks that a handle is to the process that this picoprocess holds, with the rights asked for.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`; `STATUS_NOT_IMPLEMENTED` for
    /// another process: there are none yet.
    pub fn own_process(&self, process: Handle, access: u32) -> Nt<()> {
        if process == Handle::CURRENT_PROCESS {
            return Ok(());
        }
        let object = self.object(process, access)?;
        object.process()?;
        if Arc::ptr_eq(&object, &self.k.ps.process_object()) { Ok(()) } else { Err(STATUS_NOT_IMPLEMENTED) }
    }
}

/// Copies guest memory, a page at a time, so that what lies before a bad page is copied; answers how many bytes could be
/// copied, and why no more. A guard page ends it: it raises once only, so nothing is tried again.
fn copy(k: &Kernel, from: u64, to: u64, size: u64) -> (u64, Option<Failed>) {
    let mut page = [0; PAGE_SIZE as usize];
    let mut done = 0;
    while done < size {
        let at = from.wrapping_add(done);
        let piece = (PAGE_SIZE - at % PAGE_SIZE).min(size - done);
        let bytes = page.get_mut(..piece as usize).unwrap_or_default();
        if k.read_user(at, bytes).is_err() {
            return (done, Some(Failed::Source));
        }
        if k.write_user(to.wrapping_add(done), bytes).is_err() {
            return (done, Some(Failed::Target));
        }
        done += piece;
    }
    (done, None)
}

enum Failed {
    Source,
    Target,
}

/// NtReadVirtualMemory, of the process itself.
///
/// # Errors
/// `STATUS_PARTIAL_COPY`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_read_virtual_memory(
    cx: &Cx<'_>,
    process: Handle,
    base: u64,
    buffer: u64,
    size: u64,
    read: UserPtr<u64>,
) -> Nt {
    // A handle without the right reads no bytes, and says so.
    cx.own_process(process, VM_READ).inspect_err(|_| read.write_opt(cx.k, 0).unwrap_or_default())?;
    let (done, failed) = copy(cx.k, base, buffer, size);
    // What was read before a bad page is there, but does not count.
    read.write_opt(cx.k, if failed.is_some() { 0 } else { done })?;
    match failed {
        None => Ok(STATUS_SUCCESS),
        Some(Failed::Source) => Err(STATUS_PARTIAL_COPY),
        Some(Failed::Target) => Err(STATUS_ACCESS_VIOLATION),
    }
}

/// NtWriteVirtualMemory, of the process itself.
///
/// # Errors
/// `STATUS_PARTIAL_COPY`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_write_virtual_memory(
    cx: &Cx<'_>,
    process: Handle,
    base: u64,
    buffer: u64,
    size: u64,
    written: UserPtr<u64>,
) -> Nt {
    cx.own_process(process, VM_WRITE)?;
    let (done, failed) = copy(cx.k, buffer, base, size);
    written.write_opt(cx.k, done)?;
    match failed {
        None => Ok(STATUS_SUCCESS),
        Some(_) => Err(STATUS_PARTIAL_COPY),
    }
}

impl Mm {
    fn lock_pages(&self, range: &Range<u64>, lock: bool) -> Nt {
        let mut space = self.space.lock();
        let region = space.find_mut(range.start).filter(|region| region.holds(range));
        let region = region.ok_or(if lock { STATUS_ACCESS_VIOLATION } else { STATUS_NOT_LOCKED })?;
        let usable =
            |page: Page| page.is_committed() && !page.is_guard() && page.base_protection() != protect::NOACCESS;
        let all = |wanted: &dyn Fn(Page) -> bool| region.pages.over(range.clone()).all(|(_, page)| wanted(page));
        if lock && !all(&usable) {
            return Err(STATUS_ACCESS_VIOLATION);
        }
        if !lock && !all(&Page::is_locked) {
            return Err(STATUS_NOT_LOCKED);
        }
        let was_locked = all(&Page::is_locked);
        region.pages.update(range.clone(), |page| page.locked(lock));
        Ok(if lock && was_locked { STATUS_WAS_LOCKED } else { STATUS_SUCCESS })
    }
}

fn lock(cx: &Cx<'_>, process: Handle, base: UserPtr<u64>, size: UserPtr<u64>, which: u32, lock: bool) -> Nt {
    /// MAP_PROCESS and MAP_SYSTEM: from being trimmed, and from being written to the page file.
    const KINDS: std::ops::RangeInclusive<u32> = 1..=3;
    let (asked, bytes) = (base.read(cx.k)?, size.read(cx.k)?);
    if !KINDS.contains(&which) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let range = page_range(asked, bytes).ok_or(STATUS_INVALID_PARAMETER)?;
    cx.own_process(process, VM_OPERATION)?;
    let status = cx.k.mm.lock_pages(&range, lock)?;
    base.write(cx.k, range.start)?;
    size.write(cx.k, range.end - range.start)?;
    Ok(status)
}

/// NtLockVirtualMemory: kept in the books. The host may still page memory out: what a lock promises is that access takes
/// no page fault, which no program can tell from a slow one.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_lock_virtual_memory(cx: &Cx<'_>, process: Handle, base: UserPtr<u64>, size: UserPtr<u64>, which: u32) -> Nt {
    lock(cx, process, base, size, which, true)
}

/// NtUnlockVirtualMemory.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_NOT_LOCKED`.
pub fn nt_unlock_virtual_memory(
    cx: &Cx<'_>,
    process: Handle,
    base: UserPtr<u64>,
    size: UserPtr<u64>,
    which: u32,
) -> Nt {
    lock(cx, process, base, size, which, false)
}

/// NtFlushVirtualMemory. A view of a file and reads of it agree at any time on this host, and what was stored reaches the
/// disk in time: only NtFlushBuffersFile waits for that, here as on Windows.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_NOT_MAPPED_DATA`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_flush_virtual_memory(
    cx: &Cx<'_>,
    process: Handle,
    base: UserPtr<u64>,
    size: UserPtr<u64>,
    result: UserPtr<crate::types::IoStatusBlock>,
) -> Nt {
    let (asked, bytes) = (base.read(cx.k)?, size.read(cx.k)?);
    cx.own_process(process, VM_OPERATION)?;
    let range = {
        let space = cx.k.mm.space.lock();
        let region = space.find(asked).ok_or(STATUS_NOT_MAPPED_VIEW)?;
        match &region.kind {
            Kind::Data(view) if view.area.file.is_some() => {}
            _ => return Err(STATUS_NOT_MAPPED_DATA),
        }
        let start = super::page::page_down(asked);
        match bytes {
            0 => start..region.end(),
            bytes => page_range(asked, bytes).filter(|range| region.holds(range)).ok_or(STATUS_INVALID_PARAMETER)?,
        }
    };
    base.write(cx.k, range.start)?;
    size.write(cx.k, range.end - range.start)?;
    if !result.is_null() {
        result
            .write(cx.k, crate::types::IoStatusBlock { information: range.end - range.start, ..Default::default() })?;
    }
    Ok(STATUS_SUCCESS)
}

/// NtFlushInstructionCache: the processor keeps its caches in step by itself.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`.
pub fn nt_flush_instruction_cache(cx: &Cx<'_>, process: Handle, _base: u64, _size: u64) -> Nt {
    cx.own_process(process, VM_WRITE)?;
    Ok(STATUS_SUCCESS)
}

impl Mm {
    /// Has every processor that runs a thread of the process see what was stored before. Taking the right to store to a
    /// page that was just stored to makes the host interrupt all those processors.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY`.
    pub fn flush_write_buffers(&self, k: &Kernel) -> Nt<()> {
        let mut page = self.barrier.lock();
        let at = match *page {
            Some(at) => at,
            None => {
                let mut space = self.space.lock();
                let windows = self.windows(k, super::region::Limits::default(), false);
                let map = |at| self.map_new(k, at, PAGE_SIZE, Prot::READ);
                let at = space.place(PAGE_SIZE, &windows, false, map)?;
                space.note_host(at..at + PAGE_SIZE, protect::READONLY);
                *page.insert(at)
            }
        };
        k.host.protect(at, PAGE_SIZE, Prot::READ_WRITE)?;
        k.host.write_user(at, &[1]).map_err(|_| STATUS_NO_MEMORY)?;
        k.host.protect(at, PAGE_SIZE, Prot::READ)?;
        Ok(())
    }
}

/// NtFlushProcessWriteBuffers.
///
/// # Errors
/// `STATUS_NO_MEMORY`.
pub fn nt_flush_process_write_buffers(cx: &Cx<'_>) -> Nt {
    cx.k.mm.flush_write_buffers(cx.k)?;
    Ok(STATUS_SUCCESS)
}

/// NtAllocateUserPhysicalPages: takes SeLockMemoryPrivilege, which no ordinary user has.
///
/// # Errors
/// Always `STATUS_PRIVILEGE_NOT_HELD`, or what is wrong with the handle.
pub fn nt_allocate_user_physical_pages(cx: &Cx<'_>, process: Handle, _count: u64, _frames: u64) -> Nt {
    cx.own_process(process, VM_OPERATION)?;
    Err(STATUS_PRIVILEGE_NOT_HELD)
}

/// NtFreeUserPhysicalPages: there can be none to free.
///
/// # Errors
/// Always `STATUS_CONFLICTING_ADDRESSES`, or what is wrong with the handle.
pub fn nt_free_user_physical_pages(cx: &Cx<'_>, process: Handle, _count: u64, _frames: u64) -> Nt {
    cx.own_process(process, VM_OPERATION)?;
    Err(STATUS_CONFLICTING_ADDRESSES)
}

/// NtMapUserPhysicalPages: there is no region of physical pages to map them in.
///
/// # Errors
/// Always `STATUS_INVALID_PARAMETER_1`.
pub fn nt_map_user_physical_pages(_cx: &Cx<'_>, _base: u64, _count: u64, _frames: u64) -> Nt {
    Err(STATUS_INVALID_PARAMETER_1)
}

/// NtCreatePagingFile: takes SeCreatePagefilePrivilege, which no ordinary user has.
///
/// # Errors
/// Always `STATUS_PRIVILEGE_NOT_HELD`.
pub fn nt_create_paging_file(_cx: &Cx<'_>, _name: u64, _least: u64, _most: u64, _priority: u32) -> Nt {
    Err(STATUS_PRIVILEGE_NOT_HELD)
}

/// NtAreMappedFilesTheSame: of two views of images.
///
/// # Errors
/// `STATUS_INVALID_ADDRESS`, `STATUS_CONFLICTING_ADDRESSES`, `STATUS_NOT_SAME_DEVICE`.
pub fn nt_are_mapped_files_the_same(cx: &Cx<'_>, first: u64, second: u64) -> Nt {
    let space = cx.k.mm.space.lock();
    let (one, other) = (space.find(first), space.find(second));
    let (one, other) = (one.ok_or(STATUS_INVALID_ADDRESS)?, other.ok_or(STATUS_INVALID_ADDRESS)?);
    let viewed = |kind: &Kind| matches!(kind, Kind::Data(_) | Kind::Image(_));
    if !viewed(&one.kind) || !viewed(&other.kind) {
        return Err(STATUS_CONFLICTING_ADDRESSES);
    }
    if one.base == other.base {
        return Ok(STATUS_SUCCESS);
    }
    match (image_file(&one.kind), image_file(&other.kind)) {
        (Some(one), Some(other)) if one == other => Ok(STATUS_SUCCESS),
        _ => Err(STATUS_NOT_SAME_DEVICE),
    }
}

/// The file behind a view of an image.
fn image_file(kind: &Kind) -> Option<&shim_abi::stream::Identity> {
    match kind {
        Kind::Image(view) => view.area.file.as_ref().map(|(identity, _)| identity),
        _ => None,
    }
}

/// MEMORY_RANGE_ENTRY.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MemoryRangeEntry {
    /// First address.
    pub base: u64,
    /// Bytes.
    pub size: u64,
}

/// NtSetInformationVirtualMemory: prefetching is the host's own business, so it is checked and done; page priorities
/// likewise; call targets are not guarded, so all are valid.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER_2` to `_6`, `STATUS_NOT_SUPPORTED`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_set_information_virtual_memory(
    cx: &Cx<'_>,
    process: Handle,
    class: u32,
    count: u64,
    ranges: UserPtr<MemoryRangeEntry>,
    information: UserPtr<u32>,
    length: u32,
) -> Nt {
    const PREFETCH: u32 = 0;
    const PAGE_PRIORITY: u32 = 1;
    const CALL_TARGETS: u32 = 2;
    const PAGE_DIRTY_STATE: u32 = 3;
    /// More ranges than any program passes; each costs kernel memory.
    const MOST: u64 = 0x1_0000;
    match class {
        PREFETCH | PAGE_PRIORITY => {}
        // Control flow guard is off for every process.
        CALL_TARGETS => return Err(STATUS_NOT_SUPPORTED),
        // So is the reporting of writes to code.
        PAGE_DIRTY_STATE => return Err(STATUS_NOT_SUPPORTED),
        _ => return Err(STATUS_INVALID_PARAMETER_2),
    }
    if information.is_null() {
        return Err(STATUS_INVALID_PARAMETER_5);
    }
    if length != 4 {
        return Err(STATUS_INVALID_PARAMETER_6);
    }
    if count == 0 || count > MOST {
        return Err(STATUS_INVALID_PARAMETER_3);
    }
    information.read(cx.k)?;
    let entries = ranges.read_vec(cx.k, count as usize)?;
    if entries.iter().any(|entry| entry.size == 0) {
        return Err(STATUS_INVALID_PARAMETER_4);
    }
    cx.own_process(process, VM_OPERATION)?;
    Ok(STATUS_SUCCESS)
}
