//! Reserving and committing memory: NtAllocateVirtualMemory and NtAllocateVirtualMemoryEx.

use super::Mm;
use super::extended::{Extended, MemExtendedParameter};
use super::layout::zero_bits_limit;
use super::page::{Page, check_protection, protect};
use super::region::{GRANULARITY, Kind, Limits, Placeholder, Region, page_range};
use crate::call::Cx;
use crate::host::Prot;
use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::um::UserPtr;
use std::ops::Range;

/// MEM_* bits of allocation types (`winnt.h`).
#[allow(missing_docs)]
pub mod mem {
    pub const PRESERVE_PLACEHOLDER: u32 = 0x2;
    pub const COMMIT: u32 = 0x1000;
    pub const RESERVE: u32 = 0x2000;
    pub const REPLACE_PLACEHOLDER: u32 = 0x4000;
    pub const RESERVE_PLACEHOLDER: u32 = 0x4_0000;
    pub const RESET: u32 = 0x8_0000;
    pub const TOP_DOWN: u32 = 0x10_0000;
    pub const WRITE_WATCH: u32 = 0x20_0000;
    pub const PHYSICAL: u32 = 0x40_0000;
    /// A view of an image need not lie where the first one does.
    pub const DIFFERENT_IMAGE_BASE_OK: u32 = 0x80_0000;
    pub const RESET_UNDO: u32 = 0x100_0000;
    pub const LARGE_PAGES: u32 = 0x2000_0000;
}

/// What an allocation asks for.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// Where; `None`: anywhere within the limits.
    pub base: Option<u64>,
    /// Bytes; rounded up to pages.
    pub size: u64,
    /// Bits of [`mem`].
    pub kind: u32,
    /// PAGE_*.
    pub protection: u32,
    /// Where it may be placed if it asks for no place.
    pub limits: Limits,
}

impl Request {
    /// Committed memory that can be loaded from and stored to, anywhere.
    pub fn commit(size: u64) -> Request {
        let kind = mem::RESERVE | mem::COMMIT;
        Request { base: None, size, kind, protection: protect::READWRITE, limits: Limits::default() }
    }
}

impl Mm {
    /// Reserves or commits memory; answers the pages it is about.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER`, `STATUS_INVALID_PAGE_PROTECTION`, `STATUS_CONFLICTING_ADDRESSES`, `STATUS_NO_MEMORY`,
    /// `STATUS_COMMITMENT_LIMIT`, `STATUS_ALREADY_COMMITTED`, `STATUS_WORKING_SET_LIMIT_RANGE`.
    pub fn allocate(&self, k: &Kernel, request: &Request) -> Nt<Range<u64>> {
        let Request { base, size, kind, .. } = *request;
        if size == 0 {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let undo_or_reset = kind & (mem::RESET | mem::RESET_UNDO);
        if kind & (mem::COMMIT | mem::RESERVE) == 0 && undo_or_reset == 0
            || undo_or_reset != 0 && kind & !mem::TOP_DOWN != mem::RESET && kind & !mem::TOP_DOWN != mem::RESET_UNDO
            || kind & mem::REPLACE_PLACEHOLDER != 0 && (kind & mem::RESERVE == 0 || base.is_none())
            || kind & mem::WRITE_WATCH != 0 && kind & mem::RESERVE == 0
            || kind & mem::RESERVE_PLACEHOLDER != 0
                && (kind & (mem::RESERVE | mem::COMMIT) != mem::RESERVE || request.protection != protect::NOACCESS)
        {
            return Err(STATUS_INVALID_PARAMETER);
        }
        if kind & mem::LARGE_PAGES != 0 {
            // They stay resident, which takes SeLockMemoryPrivilege: no ordinary user has it.
            return Err(STATUS_PRIVILEGE_NOT_HELD);
        }
        if kind & mem::PHYSICAL != 0 {
            return Err(STATUS_NOT_SUPPORTED);
        }
        let protection = check_protection(request.protection)?;
        // Only pages of a section's view can be copied on write.
        let copies = Page::committed(protection).is_copy_on_write();
        if copies && (base.is_none() || kind & mem::RESERVE != 0) {
            return Err(STATUS_INVALID_PAGE_PROTECTION);
        }
        if size > self.highest() {
            return Err(STATUS_WORKING_SET_LIMIT_RANGE);
        }
        match base {
            None => self.reserve_anywhere(k, request, protection),
            Some(base) if kind & mem::RESERVE != 0 => {
                let round = if kind & mem::REPLACE_PLACEHOLDER != 0 { 0xfff } else { GRANULARITY - 1 };
                let start = base & !round;
                if start < crate::um::LOWEST {
                    return Err(STATUS_INVALID_PARAMETER);
                }
                let range = size.checked_add(base - start).and_then(|size| page_range(start, size));
                let range = range.ok_or(STATUS_INVALID_PARAMETER)?;
                if kind & mem::REPLACE_PLACEHOLDER != 0 {
                    self.replace_placeholder(k, range, kind, protection)
                } else {
                    self.reserve_at(k, range, kind, protection)
                }
            }
            Some(base) => {
                let range = page_range(base, size).filter(|range| range.start >= crate::um::LOWEST);
                let range = range.ok_or(STATUS_INVALID_PARAMETER)?;
                if undo_or_reset != 0 { self.reset(k, range, undo_or_reset) } else { self.commit(k, range, protection) }
            }
        }
    }

    fn reserve_anywhere(&self, k: &Kernel, request: &Request, protection: u32) -> Nt<Range<u64>> {
        let size = super::page::page_up(request.size).ok_or(STATUS_INVALID_PARAMETER)?;
        let (page, charge) = new_pages(request.kind | committing_alone(request.kind), protection, size);
        self.charge(k, charge)?;
        let top_down = request.kind & mem::TOP_DOWN != 0;
        let windows = self.windows(k, request.limits, top_down);
        let mut space = self.space.lock();
        let placed = space.place(size, &windows, top_down, |at| self.map_new(k, at, size, page.host(false)));
        let at = placed.inspect_err(|_| self.uncharge(charge))?;
        self.note_watch(request.kind);
        space.insert(new_region(at..at + size, request.kind, protection, page));
        Ok(at..at + size)
    }

    fn reserve_at(&self, k: &Kernel, range: Range<u64>, kind: u32, protection: u32) -> Nt<Range<u64>> {
        let size = range.end - range.start;
        let (page, charge) = new_pages(kind, protection, size);
        let mut space = self.space.lock();
        if !space.is_free(&range) {
            return Err(STATUS_CONFLICTING_ADDRESSES);
        }
        self.charge(k, charge)?;
        self.map_new(k, range.start, size, page.host(false)).map_err(|error| {
            self.uncharge(charge);
            Status::from(error)
        })?;
        self.note_watch(kind);
        space.insert(new_region(range.clone(), kind, protection, page));
        Ok(range)
    }

    fn replace_placeholder(&self, k: &Kernel, range: Range<u64>, kind: u32, protection: u32) -> Nt<Range<u64>> {
        let size = range.end - range.start;
        let (page, charge) = new_pages(kind, protection, size);
        let mut space = self.space.lock();
        let region = space.find_mut(range.start).ok_or(STATUS_INVALID_PARAMETER)?;
        if region.range() != range {
            return Err(STATUS_CONFLICTING_ADDRESSES);
        }
        if region.placeholder != Placeholder::Free {
            return Err(STATUS_INVALID_PARAMETER);
        }
        self.charge(k, charge)?;
        let prot = page.host(false);
        if prot != Prot::NONE {
            k.host.protect(range.start, size, prot).map_err(|error| {
                self.uncharge(charge);
                Status::from(error)
            })?;
        }
        self.note_watch(kind);
        *region = new_region(range.clone(), kind, protection, page);
        region.placeholder = Placeholder::Replaced;
        Ok(range)
    }

    fn commit(&self, k: &Kernel, range: Range<u64>, protection: u32) -> Nt<Range<u64>> {
        let mut space = self.space.lock();
        let region = space.find_mut(range.start).filter(|region| region.holds(&range));
        let region = region.ok_or(STATUS_CONFLICTING_ADDRESSES)?;
        match &region.kind {
            Kind::Private if region.placeholder == Placeholder::Free => Err(STATUS_CONFLICTING_ADDRESSES),
            Kind::Private if Page::committed(protection).is_copy_on_write() => Err(STATUS_INVALID_PAGE_PROTECTION),
            Kind::Private => {
                let size = range.end - range.start;
                let charge = size - region.pages.count(range.clone(), Page::is_committed);
                self.charge(k, charge)?;
                let protection = region.cached(protection);
                let change = |page: Page| {
                    if page.is_committed() {
                        page.with_protection(protection)
                    } else {
                        Page::committed(protection).clean(page.is_clean())
                    }
                };
                region.change(k.host, range.clone(), change).inspect_err(|_| self.uncharge(charge))?;
                Ok(range)
            }
            // All of a section without a file may be committed again, which only changes the protection.
            Kind::Data(view) if view.area.file.is_none() => {
                if super::page::rights_of(protection) & !super::page::rights_of(region.protection) != 0 {
                    return Err(STATUS_INVALID_PAGE_PROTECTION);
                }
                view.commit(k, region.base, &range)?;
                if Page::committed(protection).is_copy_on_write() {
                    let commit =
                        |page: Page| if page.is_committed() { page } else { Page::committed(protect::READONLY) };
                    region.change(k.host, range.clone(), commit)?;
                    drop(space);
                    return self.protect(k, range.start, range.end - range.start, protection).map(|(range, _)| range);
                }
                let protection = region.cached(protection);
                let commit = |page: Page| if page.is_copied() { page } else { Page::committed(protection) };
                region.change(k.host, range.clone(), commit)?;
                Ok(range)
            }
            Kind::Data(_) | Kind::Image(_) => Err(STATUS_ALREADY_COMMITTED),
            Kind::Host => Err(STATUS_CONFLICTING_ADDRESSES),
        }
    }

    /// MEM_RESET gives the pages back at once; so MEM_RESET_UNDO always comes too late.
    fn reset(&self, k: &Kernel, range: Range<u64>, what: u32) -> Nt<Range<u64>> {
        let space = self.space.lock();
        let region = space.find(range.start).filter(|region| region.holds(&range));
        let region = region.ok_or(STATUS_CONFLICTING_ADDRESSES)?;
        if what == mem::RESET_UNDO {
            return Err(STATUS_NO_MEMORY);
        }
        if region.is_private() && region.pages.over(range.clone()).any(|(_, page)| page.is_committed()) {
            k.host.discard(range.start, range.end - range.start)?;
        }
        Ok(range)
    }
}

/// Committing without a place to commit reserves too.
fn committing_alone(kind: u32) -> u32 {
    if kind & mem::COMMIT != 0 { mem::RESERVE } else { 0 }
}

fn new_pages(kind: u32, protection: u32, size: u64) -> (Page, u64) {
    let clean = kind & mem::WRITE_WATCH != 0;
    if kind & mem::COMMIT == 0 {
        return (Page::RESERVED.clean(clean), 0);
    }
    (Page::committed(protection).clean(clean), size)
}

fn new_region(range: Range<u64>, kind: u32, protection: u32, page: Page) -> Region {
    let mut region = Region::new(range, Kind::Private, protection, page);
    region.watched = kind & mem::WRITE_WATCH != 0;
    if kind & mem::RESERVE_PLACEHOLDER != 0 {
        region.placeholder = Placeholder::Free;
    }
    region
}

/// NtAllocateVirtualMemory.
///
/// # Errors
/// As [`Mm::allocate`]; `STATUS_INVALID_PARAMETER_3` for bad zero bits, `STATUS_ACCESS_VIOLATION`.
pub fn nt_allocate_virtual_memory(
    cx: &Cx<'_>,
    process: Handle,
    base: UserPtr<u64>,
    zero_bits: u64,
    size: UserPtr<u64>,
    kind: u32,
    protection: u32,
) -> Nt {
    const KINDS: u32 = mem::COMMIT
        | mem::RESERVE
        | mem::TOP_DOWN
        | mem::WRITE_WATCH
        | mem::RESET
        | mem::RESET_UNDO
        | mem::LARGE_PAGES
        | mem::PHYSICAL;
    let asked = base.read(cx.k)?;
    let bytes = size.read(cx.k)?;
    if kind & !KINDS != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let high = zero_bits_limit(zero_bits, STATUS_INVALID_PARAMETER_3)?;
    cx.own_process(process, super::process::VM_OPERATION)?;
    let limits = Limits { high, ..Limits::default() };
    let request = Request { base: Some(asked).filter(|at| *at != 0), size: bytes, kind, protection, limits };
    allocated(cx, cx.k.mm.allocate(cx.k, &request)?, base, size)
}

/// NtAllocateVirtualMemoryEx.
///
/// # Errors
/// As [`Mm::allocate`]; `STATUS_INVALID_PARAMETER` for bad parameters, `STATUS_ACCESS_VIOLATION`.
#[allow(clippy::too_many_arguments)]
pub fn nt_allocate_virtual_memory_ex(
    cx: &Cx<'_>,
    process: Handle,
    base: UserPtr<u64>,
    size: UserPtr<u64>,
    kind: u32,
    protection: u32,
    parameters: UserPtr<MemExtendedParameter>,
    count: u32,
) -> Nt {
    const KINDS: u32 = mem::COMMIT
        | mem::RESERVE
        | mem::TOP_DOWN
        | mem::WRITE_WATCH
        | mem::RESET
        | mem::RESET_UNDO
        | mem::RESERVE_PLACEHOLDER
        | mem::REPLACE_PLACEHOLDER
        | mem::LARGE_PAGES
        | mem::PHYSICAL;
    let extended = Extended::load(cx.k, parameters, count)?;
    let asked = base.read(cx.k)?;
    let bytes = size.read(cx.k)?;
    if kind & !KINDS != 0 || asked != 0 && extended.is_limited() || extended.attributes & Extended::EC_CODE != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if bytes == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    cx.own_process(process, super::process::VM_OPERATION)?;
    let base_asked = Some(asked).filter(|at| *at != 0);
    let request = Request { base: base_asked, size: bytes, kind, protection, limits: extended.limits };
    allocated(cx, cx.k.mm.allocate(cx.k, &request)?, base, size)
}

fn allocated(cx: &Cx<'_>, range: Range<u64>, base: UserPtr<u64>, size: UserPtr<u64>) -> Nt {
    base.write(cx.k, range.start)?;
    size.write(cx.k, range.end - range.start)?;
    Ok(STATUS_SUCCESS)
}
