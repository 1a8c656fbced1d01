//! The address space: regions (what NT's VADs are) and the gaps between them.

use super::image::ImageView;
use super::page::{PAGE_SIZE, Page, Pages, protect};
use super::view::View;
use crate::host::{Host, Prot};
use crate::status::*;
use crate::um::{HIGHEST, LOWEST};
use std::collections::BTreeMap;
use std::ops::Range;

/// Allocations start at multiples of it: MmAllocationGranularity.
pub const GRANULARITY: u64 = 0x1_0000;

/// What lies in a region.
pub enum Kind {
    /// Memory of its own.
    Private,
    /// A view of a data section.
    Data(View),
    /// A view of an image section.
    Image(ImageView),
    /// What the runtime mapped; the guest cannot change it.
    Host,
}

/// What a region is to placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// It was never one.
    No,
    /// It is one, to be replaced or split.
    Free,
    /// It took the place of one and can become one again.
    Replaced,
}

/// A region: what one allocation or mapping made.
pub struct Region {
    /// First address.
    pub base: u64,
    /// Bytes, a multiple of a page.
    pub size: u64,
    /// What lies in it.
    pub kind: Kind,
    /// Protection it was made with.
    pub protection: u32,
    /// Whether stores to it are watched.
    pub watched: bool,
    /// Its part in the play of placeholders.
    pub placeholder: Placeholder,
    /// Bytes charged against the commit limit for it, beyond what its own committed pages are charged.
    pub charge: u64,
    /// State of its pages.
    pub pages: Pages,
}

impl Region {
    /// A region of private memory, or of the runtime's.
    pub fn new(range: Range<u64>, kind: Kind, protection: u32, page: Page) -> Region {
        Region {
            base: range.start,
            size: range.end - range.start,
            kind,
            protection,
            watched: false,
            placeholder: Placeholder::No,
            charge: 0,
            pages: Pages::new(range, page),
        }
    }

    /// First address beyond it.
    pub fn end(&self) -> u64 {
        self.base + self.size
    }

    /// Its addresses.
    pub fn range(&self) -> Range<u64> {
        self.base..self.end()
    }

    /// Whether the region holds all of `range`.
    pub fn holds(&self, range: &Range<u64>) -> bool {
        self.base <= range.start && range.end <= self.end()
    }

    /// Whether it is private memory, and no placeholder.
    pub fn is_private(&self) -> bool {
        matches!(self.kind, Kind::Private)
    }

    /// Whether the host itself keeps stores to it private, without a fault: images.
    pub fn copies(&self) -> bool {
        matches!(self.kind, Kind::Image(_))
    }

    /// Whether such a page of it is one that the host may forget, because it can bring its bytes again from a file.
    pub fn is_of_file(&self, page: Page) -> bool {
        match &self.kind {
            _ if page.is_locked() => false,
            Kind::Image(_) => page.is_of_file(),
            Kind::Data(view) => {
                let own = page.is_copied() || page.is_copy_on_write() || !page.is_committed();
                view.area.file.is_some() && view.is_shared() && !own
            }
            Kind::Private | Kind::Host => false,
        }
    }

    /// A protection as it applies here: whether caches are used is the allocation's matter, not the page's.
    pub fn cached(&self, protection: u32) -> u32 {
        const CACHES: u32 = protect::NOCACHE | protect::WRITECOMBINE;
        protection & !CACHES | self.protection & CACHES
    }

    /// Changes the state of pages, and has the host follow where that makes a difference to it.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY`, `STATUS_ACCESS_DENIED`; the pages' states are then as before.
    pub fn change(&mut self, host: &dyn Host, range: Range<u64>, change: impl Fn(Page) -> Page) -> Nt<()> {
        let copies = self.copies();
        if copies {
            // Before the host hears of it: what comes to be writable is the file's no more, whatever happens next.
            self.pages
                .update(range.clone(), |page| page.of_file(page.is_of_file() && !change(page).host(copies).write));
        }
        let mut due: Option<(Range<u64>, Prot)> = None;
        for (run, page) in self.pages.over(range.clone()) {
            let prot = change(page).host(copies);
            if prot == page.host(copies) {
                continue;
            }
            match &mut due {
                Some((range, same)) if range.end == run.start && *same == prot => range.end = run.end,
                _ => {
                    if let Some((range, prot)) = due.replace((run, prot)) {
                        host.protect(range.start, range.end - range.start, prot)?;
                    }
                }
            }
        }
        if let Some((range, prot)) = due {
            host.protect(range.start, range.end - range.start, prot)?;
        }
        self.pages.update(range, change);
        Ok(())
    }

    /// Cuts it in two at `at`, a page inside it; answers the upper part. Views cannot be cut.
    pub fn split(&mut self, at: u64) -> Region {
        let mut upper = Region {
            base: at,
            size: self.end() - at,
            kind: Kind::Private,
            pages: self.pages.clone(),
            charge: 0,
            ..*self
        };
        upper.pages.crop(at..self.end());
        self.pages.crop(self.base..at);
        self.size = at - self.base;
        upper
    }
}

/// Where something may be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Lowest address.
    pub low: u64,
    /// First address beyond, at most [`HIGHEST`].
    pub high: u64,
    /// Multiple that it starts at, a power of two of at least [`GRANULARITY`].
    pub align: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { low: LOWEST, high: HIGHEST, align: GRANULARITY }
    }
}

impl Limits {
    /// Within this range.
    pub fn within(range: Range<u64>) -> Limits {
        Limits { low: range.start, high: range.end, ..Limits::default() }
    }

    /// The part of it that lies in `range` too.
    pub fn narrowed(self, range: &Range<u64>) -> Limits {
        Limits { low: self.low.max(range.start), high: self.high.min(range.end), align: self.align }
    }
}

/// The regions of the address space and the gaps between them, both without overlaps.
pub struct Space {
    regions: BTreeMap<u64, Region>,
    /// Gaps in multiples of [`GRANULARITY`]: start to end. A granule is free when no region touches it.
    gaps: BTreeMap<u64, u64>,
}

impl Default for Space {
    fn default() -> Space {
        Space { regions: BTreeMap::new(), gaps: BTreeMap::from([(LOWEST, HIGHEST)]) }
    }
}

fn granules(range: &Range<u64>) -> Range<u64> {
    let mask = GRANULARITY - 1;
    (range.start & !mask).max(LOWEST)..((range.end + mask) & !mask).min(HIGHEST)
}

impl Space {
    /// The region that holds an address.
    pub fn find(&self, address: u64) -> Option<&Region> {
        self.regions.range(..=address).next_back().map(|(_, region)| region).filter(|region| address < region.end())
    }

    /// The region that holds an address, to change it.
    pub fn find_mut(&mut self, address: u64) -> Option<&mut Region> {
        let found = self.regions.range_mut(..=address).next_back();
        found.map(|(_, region)| region).filter(|region| address < region.end())
    }

    /// The first region that starts at or above an address.
    pub fn next(&self, address: u64) -> Option<&Region> {
        self.regions.range(address..).next().map(|(_, region)| region)
    }

    /// The last region that ends at or below an address.
    pub fn previous(&self, address: u64) -> Option<&Region> {
        self.regions.range(..address).next_back().map(|(_, region)| region)
    }

    /// Every region, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = &Region> {
        self.regions.values()
    }

    /// Every region, to change it.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Region> {
        self.regions.values_mut()
    }

    /// Whether no region touches the range.
    pub fn is_free(&self, range: &Range<u64>) -> bool {
        self.find(range.start).is_none() && self.next(range.start).is_none_or(|next| next.base >= range.end)
    }

    /// Adds a region where nothing is.
    pub fn insert(&mut self, region: Region) {
        let taken = granules(&region.range());
        let touched: Vec<_> = self.gaps.range(..taken.end).rev().take_while(|(_, end)| **end > taken.start).collect();
        let touched: Vec<_> = touched.into_iter().map(|(start, end)| (*start, *end)).collect();
        for (start, end) in touched {
            self.gaps.remove(&start);
            if start < taken.start {
                self.gaps.insert(start, taken.start);
            }
            if taken.end < end {
                self.gaps.insert(taken.end, end);
            }
        }
        self.regions.insert(region.base, region);
    }

    /// Takes the region out that starts at `base`.
    pub fn remove(&mut self, base: u64) -> Option<Region> {
        let region = self.regions.remove(&base)?;
        let mut freed = granules(&region.range());
        // Neighbours may share the granules at both ends.
        if self.previous(region.base).is_some_and(|previous| previous.end() > freed.start) {
            freed.start += GRANULARITY;
        }
        if self.next(region.end()).is_some_and(|next| next.base < freed.end) {
            freed.end -= GRANULARITY;
        }
        if freed.start < freed.end {
            self.free(freed);
        }
        Some(region)
    }

    fn free(&mut self, mut freed: Range<u64>) {
        if let Some((start, end)) = self.gaps.range(..freed.start).next_back().map(|(start, end)| (*start, *end))
            && end == freed.start
        {
            self.gaps.remove(&start);
            freed.start = start;
        }
        if let Some(end) = self.gaps.remove(&freed.end) {
            freed.end = end;
        }
        self.gaps.insert(freed.start, freed.end);
    }

    /// A place for `size` bytes within the limits: the lowest, or the highest.
    pub fn gap(&self, size: u64, limits: Limits, top_down: bool) -> Option<u64> {
        let mask = limits.align - 1;
        let fit = |(start, end): (u64, u64)| -> Option<u64> {
            let (start, end) = (start.max(limits.low), end.min(limits.high));
            let at = if top_down { end.checked_sub(size)? & !mask } else { start.checked_add(mask)? & !mask };
            (at >= start && at.checked_add(size)? <= end).then_some(at)
        };
        let first = self.gaps.range(..=limits.low).next_back().map_or(limits.low, |(start, _)| *start);
        let mut gaps = self.gaps.range(first..limits.high.max(first)).map(|(start, end)| (*start, *end));
        if top_down { gaps.rev().find_map(fit) } else { gaps.find_map(fit) }
    }

    /// Finds a place in one of the windows, in their order, and has `map` map there. Where the runtime has mappings that
    /// `mm` knows nothing of, the next place is tried.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY` if there is no place; what `map` says.
    pub fn place(
        &self,
        size: u64,
        windows: &[Limits],
        top_down: bool,
        mut map: impl FnMut(u64) -> shim_abi::error::Result,
    ) -> Nt<u64> {
        for window in windows {
            let mut window = *window;
            let mut step = window.align;
            while let Some(at) = self.gap(size, window, top_down) {
                match map(at) {
                    Ok(()) => return Ok(at),
                    Err(shim_abi::error::Error::AddressInUse) => {}
                    Err(error) => return Err(error.into()),
                }
                if top_down {
                    window.high = (at + size).saturating_sub(step);
                } else {
                    window.low = at.saturating_add(step);
                }
                step = step.saturating_mul(2);
            }
        }
        Err(STATUS_NO_MEMORY)
    }

    /// Takes a range that the runtime mapped itself into the books.
    pub fn note_host(&mut self, range: Range<u64>, protection: u32) {
        self.insert(Region::new(range, Kind::Host, protection, Page::committed(protection)));
    }
}

/// `size` bytes from `base` as a range of whole pages inside the guest's half.
pub fn page_range(base: u64, size: u64) -> Option<Range<u64>> {
    let end = super::page::page_up(base.checked_add(size)?)?;
    let start = super::page::page_down(base);
    (end <= HIGHEST && start < end && (end - start).is_multiple_of(PAGE_SIZE)).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mm::page::protect::*;

    fn region(base: u64, size: u64) -> Region {
        Region::new(base..base + size, Kind::Private, READWRITE, Page::committed(READWRITE))
    }

    #[test]
    fn gaps_follow_regions() {
        let mut space = Space::default();
        assert_eq!(space.gap(0x1000, Limits::default(), false), Some(LOWEST));
        space.insert(region(0x1_0000, 0x1000));
        space.insert(region(0x3_0000, 0x1_1000));
        assert_eq!(space.gap(0x1000, Limits::default(), false), Some(0x2_0000));
        assert_eq!(space.gap(0x1_1000, Limits::default(), false), Some(0x5_0000));
        let low = Limits::within(0x2_0000..0x6_0000);
        assert_eq!(space.gap(0x1_0000, low, true), Some(0x5_0000));
        assert_eq!(space.gap(0x2_0000, low, true), None);
        // A second region in the same granule, as a split placeholder leaves it.
        space.insert(region(0x4_1000, 0x1000));
        space.remove(0x3_0000);
        assert_eq!(space.gap(0x2_0000, Limits::default(), false), Some(0x2_0000));
        assert_eq!(space.gap(0x3_0000, Limits::default(), false), Some(0x5_0000));
        space.remove(0x4_1000);
        space.remove(0x1_0000);
        assert_eq!(space.gaps, BTreeMap::from([(LOWEST, HIGHEST)]));
    }

    #[test]
    fn aligned_places() {
        let mut space = Space::default();
        space.insert(region(0x1_0000, 0x1000));
        let limits = Limits { align: 0x10_0000, ..Limits::default() };
        assert_eq!(space.gap(0x1000, limits, false), Some(0x10_0000));
        assert_eq!(
            space.gap(0x1000, limits, true),
            Some(HIGHEST & !0xf_ffff).map(|at| at - 0x10_0000 * u64::from(at + 0x1000 > HIGHEST))
        );
    }

    #[test]
    fn place_goes_around_what_the_host_has() {
        let space = Space::default();
        let mut tried = Vec::new();
        let at = space.place(0x1000, &[Limits::default()], false, |at| {
            tried.push(at);
            if at < 0x6_0000 { Err(shim_abi::error::Error::AddressInUse) } else { Ok(()) }
        });
        assert_eq!(at, Ok(0x8_0000));
        assert_eq!(tried, [0x1_0000, 0x2_0000, 0x4_0000, 0x8_0000]);
    }

    #[test]
    fn page_ranges() {
        assert_eq!(page_range(0x1_0fff, 2), Some(0x1_0000..0x1_2000));
        assert_eq!(page_range(0x1_0000, 0), None);
        assert_eq!(page_range(u64::MAX, 2), None);
        assert_eq!(page_range(HIGHEST - 0x1000, 0x1001), None);
    }
}
