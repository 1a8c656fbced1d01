//! Views of data sections.

use super::Mm;
use super::allocate::mem;
use super::page::{Page, Pages, check_protection, page_up, protect, rights_of};
use super::region::{Kind, Limits, Placeholder, Region};
use super::section::{ControlArea, Section, sec};
use crate::host::{Placement, Sharing};
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::HIGHEST;
use std::ops::Range;
use std::sync::Arc;

/// A view of a data section.
pub struct View {
    /// The section's control area.
    pub area: Arc<ControlArea>,
    /// Offset in the section where the view starts.
    pub offset: u64,
    /// Whether stores reach the section.
    sharing: Sharing,
}

/// Where a view is to be, and how.
#[derive(Debug, Clone, Copy)]
pub struct Mapping {
    /// Where; `None`: anywhere within the limits.
    pub base: Option<u64>,
    /// Where it may be placed.
    pub limits: Limits,
    /// Offset in the section.
    pub offset: u64,
    /// Bytes; 0: up to the section's end.
    pub size: u64,
    /// MEM_*: RESERVE, TOP_DOWN, REPLACE_PLACEHOLDER.
    pub kind: u32,
    /// PAGE_*.
    pub protection: u32,
    /// IMAGE_FILE_MACHINE_* that an image must have, 0 for any.
    pub machine: u16,
}

impl View {
    /// Whether its pages are committed one by one.
    pub fn is_reserve(&self) -> bool {
        self.area.reserve().is_some()
    }

    fn offsets(&self, base: u64, range: &Range<u64>) -> Range<u64> {
        range.start - base + self.offset..range.end - base + self.offset
    }

    /// Commits pages of it, for every view of the section.
    ///
    /// # Errors
    /// `STATUS_COMMITMENT_LIMIT`.
    pub fn commit(&self, k: &Kernel, base: u64, range: &Range<u64>) -> Nt<()> {
        self.area.commit(k, &self.offsets(base, range))
    }

    /// The ranges of it that are committed, whoever committed them.
    pub fn committed(&self, base: u64, range: &Range<u64>) -> Vec<Range<u64>> {
        let Some(reserve) = self.area.reserve() else { return vec![range.clone()] };
        let mut pages = reserve.lock();
        self.area.learn_commitment(&mut pages, &self.offsets(base, range));
        let back = |offset: u64| offset - self.offset + base;
        let over = pages.over(self.offsets(base, range)).filter(|(_, page)| page.is_committed());
        over.map(|(run, _)| back(run.start)..back(run.end)).collect()
    }

    /// Maps a range of it anew, shared or private; pages that had a copy keep it.
    ///
    /// # Errors
    /// What the host answers.
    pub(super) fn remap(&self, k: &Kernel, base: u64, range: &Range<u64>, pages: &Pages, sharing: Sharing) -> Nt<()> {
        for (run, page) in pages.over(range.clone()).filter(|(_, page)| !page.is_copied()) {
            let (prot, length) = (page.host(false), run.end - run.start);
            let offset = self.offsets(base, &run).start;
            k.host.map_stream(run.start, length, prot, Placement::Replace, &self.area.stream, offset, sharing)?;
        }
        Ok(())
    }

    /// Whether stores reach the section.
    pub fn is_shared(&self) -> bool {
        self.sharing == Sharing::Shared
    }
}

impl Region {
    /// Takes over what other views of the same section committed.
    pub(super) fn refresh(&mut self, range: &Range<u64>) {
        let Kind::Data(view) = &self.kind else { return };
        if !view.is_reserve() {
            return;
        }
        let protection = self.protection;
        for committed in view.committed(self.base, range) {
            let commit = |page: Page| if page.is_committed() { page } else { Page::committed(protection) };
            // The host hears of it when the page is used: its first access faults.
            let stale = |page: Page| if page.is_committed() { page } else { commit(page).lazy(true) };
            self.pages.update(committed, stale);
        }
    }
}

impl Mm {
    /// Maps a view of a data section; answers where.
    ///
    /// # Errors
    /// `STATUS_INVALID_VIEW_SIZE`, `STATUS_SECTION_PROTECTION`, `STATUS_CONFLICTING_ADDRESSES`, `STATUS_NO_MEMORY`,
    /// `STATUS_COMMITMENT_LIMIT`, `STATUS_INVALID_PAGE_PROTECTION`.
    pub fn map_data(&self, k: &Kernel, section: &Section, mapping: &Mapping) -> Nt<Range<u64>> {
        let protection = check_protection(mapping.protection)?;
        if rights_of(protection) & !rights_of(section.protection) != 0 {
            return Err(STATUS_SECTION_PROTECTION);
        }
        let area = &section.area;
        let left = area.size().checked_sub(mapping.offset).filter(|left| *left != 0).ok_or(STATUS_INVALID_VIEW_SIZE)?;
        let size = match mapping.size {
            0 => left,
            size if size <= left => size,
            _ => return Err(STATUS_INVALID_VIEW_SIZE),
        };
        let size = page_up(size).filter(|size| *size <= HIGHEST).ok_or(STATUS_INVALID_VIEW_SIZE)?;
        let copies = protection & (protect::WRITECOPY | protect::EXECUTE_WRITECOPY) != 0;
        let sharing = if copies { Sharing::Private } else { Sharing::Shared };
        let caches = if area.attributes & sec::NOCACHE != 0 { protect::NOCACHE } else { 0 };
        let protection = protection & !protect::NOCACHE | caches;
        let page = if area.reserve().is_some() { Page::RESERVED } else { Page::committed(protection) };
        let prot = page.host(false);
        let charge = if copies { size } else { 0 };
        self.charge(k, charge)?;

        let mut space = self.space.lock();
        let map = |at: u64, placement: Placement| {
            k.host.map_stream(at, size, prot, placement, &area.stream, mapping.offset, sharing)
        };
        let placed = self.place_view(k, &space, mapping, size, map);
        let at = placed.inspect_err(|_| self.uncharge(charge))?;
        let view = View { area: area.clone(), offset: mapping.offset, sharing };
        let mut region = Region::new(at..at + size, Kind::Data(view), protection, page);
        region.charge = charge;
        if mapping.kind & mem::REPLACE_PLACEHOLDER != 0 {
            region.placeholder = Placeholder::Replaced;
            space.remove(at);
        }
        space.insert(region);
        Ok(at..at + size)
    }

    /// Finds the place of a view and has `map` map it there.
    pub(super) fn place_view(
        &self,
        k: &Kernel,
        space: &super::region::Space,
        mapping: &Mapping,
        size: u64,
        map: impl Fn(u64, Placement) -> shim_abi::error::Result,
    ) -> Nt<u64> {
        let top_down = mapping.kind & mem::TOP_DOWN != 0;
        let map_new = |at: u64| {
            self.make_way(k, at..at.saturating_add(size));
            map(at, Placement::New)
        };
        let Some(at) = mapping.base else {
            let windows = self.windows(k, mapping.limits, top_down);
            return space.place(size, &windows, top_down, map_new);
        };
        let range = super::region::page_range(at, size).filter(|range| range.start >= crate::um::LOWEST);
        let range = range.ok_or(STATUS_CONFLICTING_ADDRESSES)?;
        if mapping.kind & mem::REPLACE_PLACEHOLDER != 0 {
            let region = space.find(at).ok_or(STATUS_INVALID_PARAMETER)?;
            if region.range() != range {
                return Err(STATUS_CONFLICTING_ADDRESSES);
            }
            if region.placeholder != Placeholder::Free {
                return Err(STATUS_INVALID_PARAMETER);
            }
            map(at, Placement::Replace)?;
            return Ok(at);
        }
        if !space.is_free(&range) {
            return Err(STATUS_CONFLICTING_ADDRESSES);
        }
        map_new(at)?;
        Ok(at)
    }

    /// Unmaps the view that holds an address.
    ///
    /// # Errors
    /// `STATUS_NOT_MAPPED_VIEW`, `STATUS_CONFLICTING_ADDRESSES` if it is to become a placeholder and was none.
    pub fn unmap_view(&self, k: &Kernel, address: u64, preserve: bool) -> Nt<()> {
        let mut space = self.space.lock();
        let region = space.find(address).ok_or(STATUS_NOT_MAPPED_VIEW)?;
        if !matches!(region.kind, Kind::Data(_) | Kind::Image(_)) {
            return Err(STATUS_NOT_MAPPED_VIEW);
        }
        let range = region.range();
        if preserve {
            if region.placeholder != Placeholder::Replaced {
                return Err(STATUS_CONFLICTING_ADDRESSES);
            }
            k.host.map(range.start, range.end - range.start, crate::host::Prot::NONE, Placement::Replace)?;
        } else {
            k.host.unmap(range.start, range.end - range.start);
        }
        let gone = space.remove(range.start);
        if preserve {
            space.insert(super::free::placeholder(range));
        }
        drop(space);
        // The last reference to a control area closes its stream: outside the lock.
        if let Some(region) = gone {
            self.uncharge(region.charge);
        }
        Ok(())
    }
}
