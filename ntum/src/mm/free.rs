//! Giving memory back: NtFreeVirtualMemory, and what becomes of placeholders.

use super::Mm;
use super::allocate::mem;
use super::page::{Page, page_down, protect};
use super::region::{Kind, Placeholder, Region, Space, page_range};
use crate::call::Cx;
use crate::host::{Placement, Prot};
use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::um::UserPtr;
use std::ops::Range;

const DECOMMIT: u32 = 0x4000;
const RELEASE: u32 = 0x8000;
const COALESCE_PLACEHOLDERS: u32 = 0x1;

impl Mm {
    /// Decommits (0x4000) or releases (0x8000) memory, or turns it into placeholders; answers the pages it was about. A
    /// size of 0 means all of the region that starts at `base`.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER`, `_3`, `_4`, `STATUS_MEMORY_NOT_ALLOCATED`, `STATUS_FREE_VM_NOT_AT_BASE`,
    /// `STATUS_UNABLE_TO_FREE_VM`, `STATUS_CONFLICTING_ADDRESSES`.
    pub fn free(&self, k: &Kernel, base: u64, size: u64, kind: u32) -> Nt<Range<u64>> {
        let start = page_down(base);
        let mut space = self.space.lock();
        let region =
            space.find(start).ok_or(if start == 0 { STATUS_INVALID_PARAMETER } else { STATUS_MEMORY_NOT_ALLOCATED })?;
        if !region.is_private() {
            return Err(STATUS_INVALID_PARAMETER);
        }
        if size == 0 && start != region.base {
            return Err(STATUS_FREE_VM_NOT_AT_BASE);
        }
        let whole = region.range();
        let range = if size == 0 { whole.clone() } else { page_range(base, size).ok_or(STATUS_UNABLE_TO_FREE_VM)? };
        if range.end > whole.end && kind & COALESCE_PLACEHOLDERS == 0 {
            return Err(STATUS_UNABLE_TO_FREE_VM);
        }
        match kind {
            DECOMMIT => {
                let region = space.find_mut(start).ok_or(STATUS_MEMORY_NOT_ALLOCATED)?;
                self.decommit(k, region, range.clone())?;
                // Windows 10 answers the size it was asked for.
                Ok(if size == 0 { start..start } else { range })
            }
            RELEASE => {
                self.take_out(k, &mut space, &whole, &range);
                Ok(range)
            }
            _ if kind == RELEASE | mem::PRESERVE_PLACEHOLDER && size != 0 => {
                self.preserve(k, &mut space, &range)?;
                Ok(range)
            }
            _ if kind == RELEASE | COALESCE_PLACEHOLDERS && size != 0 => {
                coalesce(&mut space, &range)?;
                Ok(range)
            }
            _ if kind == RELEASE | mem::PRESERVE_PLACEHOLDER || kind == RELEASE | COALESCE_PLACEHOLDERS => {
                Err(STATUS_INVALID_PARAMETER_3)
            }
            COALESCE_PLACEHOLDERS => Err(STATUS_INVALID_PARAMETER_4),
            _ => Err(STATUS_INVALID_PARAMETER),
        }
    }

    /// Releases the region of private memory that starts at `base`.
    ///
    /// # Errors
    /// As [`Mm::free`].
    pub fn release(&self, k: &Kernel, base: u64) -> Nt<()> {
        self.free(k, base, 0, RELEASE).map(drop)
    }

    fn decommit(&self, k: &Kernel, region: &mut Region, range: Range<u64>) -> Nt<()> {
        let committed = region.pages.count(range.clone(), Page::is_committed);
        if committed == 0 {
            return Ok(());
        }
        k.host.map(range.start, range.end - range.start, Prot::NONE, Placement::Replace)?;
        // A watch remembers what was written, even if it is gone.
        region.pages.update(range, |page| Page::RESERVED.clean(page.is_clean()));
        self.uncharge(committed);
        Ok(())
    }

    /// Takes `range` out of the private region `whole`: what is left of it on either side stays, as regions of their own.
    fn take_out(&self, k: &Kernel, space: &mut Space, whole: &Range<u64>, range: &Range<u64>) {
        let Some(freed) = carve(space, whole, range) else { return };
        self.uncharge(freed.pages.count(range.clone(), Page::is_committed));
        k.host.unmap(range.start, range.end - range.start);
    }

    /// Turns a range of what took a placeholder's place into a placeholder again, or splits a placeholder.
    fn preserve(&self, k: &Kernel, space: &mut Space, range: &Range<u64>) -> Nt<()> {
        let region = space.find(range.start).ok_or(STATUS_MEMORY_NOT_ALLOCATED)?;
        let whole = region.range();
        match region.placeholder {
            Placeholder::No => return Err(STATUS_CONFLICTING_ADDRESSES),
            Placeholder::Free if whole == *range => return Err(STATUS_CONFLICTING_ADDRESSES),
            Placeholder::Free => {}
            Placeholder::Replaced => {
                k.host.map(range.start, range.end - range.start, Prot::NONE, Placement::Replace)?;
            }
        }
        if let Some(freed) = carve(space, &whole, range) {
            self.uncharge(freed.pages.count(range.clone(), Page::is_committed));
        }
        space.insert(placeholder(range.clone()));
        Ok(())
    }
}

/// A free placeholder.
pub(super) fn placeholder(range: Range<u64>) -> Region {
    let mut region = Region::new(range, Kind::Private, protect::NOACCESS, Page::RESERVED);
    region.placeholder = Placeholder::Free;
    region
}

/// Cuts `range` out of the private region `whole` and takes it out of the books; answers it.
fn carve(space: &mut Space, whole: &Range<u64>, range: &Range<u64>) -> Option<Region> {
    let mut region = space.remove(whole.start)?;
    if range.end < whole.end {
        let upper = region.split(range.end);
        space.insert(upper);
    }
    if whole.start < range.start {
        let freed = region.split(range.start);
        space.insert(region);
        return Some(freed);
    }
    Some(region)
}

/// Makes one placeholder of several that lie side by side and cover `range` exactly.
fn coalesce(space: &mut Space, range: &Range<u64>) -> Nt<()> {
    let mut parts = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let part = space.find(at).filter(|part| part.base == at && part.placeholder == Placeholder::Free);
        let part = part.ok_or(STATUS_CONFLICTING_ADDRESSES)?;
        parts.push(part.base);
        at = part.end();
    }
    if at != range.end || parts.len() < 2 {
        return Err(STATUS_CONFLICTING_ADDRESSES);
    }
    for base in parts {
        space.remove(base);
    }
    space.insert(placeholder(range.clone()));
    Ok(())
}

/// NtFreeVirtualMemory.
///
/// # Errors
/// As [`Mm::free`]; `STATUS_ACCESS_VIOLATION`.
pub fn nt_free_virtual_memory(cx: &Cx<'_>, process: Handle, base: UserPtr<u64>, size: UserPtr<u64>, kind: u32) -> Nt {
    let asked = base.read(cx.k)?;
    let bytes = size.read(cx.k)?;
    cx.own_process(process, super::process::VM_OPERATION)?;
    let range = cx.k.mm.free(cx.k, asked, bytes, kind)?;
    base.write(cx.k, range.start)?;
    size.write(cx.k, range.end - range.start)?;
    Ok(STATUS_SUCCESS)
}
