//! The state of a page, and states of ranges of pages.

use crate::host::Prot;
use crate::status::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// Bytes of a page.
pub const PAGE_SIZE: u64 = 0x1000;

/// Rounds down to a page.
pub const fn page_down(address: u64) -> u64 {
    address & !(PAGE_SIZE - 1)
}

/// Rounds up to a page; `None` beyond the address space.
pub fn page_up(address: u64) -> Option<u64> {
    Some(page_down(address.checked_add(PAGE_SIZE - 1)?))
}

/// Protections as `winnt.h` numbers them.
#[allow(missing_docs)]
pub mod protect {
    pub const NOACCESS: u32 = 0x01;
    pub const READONLY: u32 = 0x02;
    pub const READWRITE: u32 = 0x04;
    pub const WRITECOPY: u32 = 0x08;
    pub const EXECUTE: u32 = 0x10;
    pub const EXECUTE_READ: u32 = 0x20;
    pub const EXECUTE_READWRITE: u32 = 0x40;
    pub const EXECUTE_WRITECOPY: u32 = 0x80;
    pub const GUARD: u32 = 0x100;
    pub const NOCACHE: u32 = 0x200;
    pub const WRITECOMBINE: u32 = 0x400;
    /// PAGE_TARGETS_INVALID, PAGE_TARGETS_NO_UPDATE: control flow guard's, which marks no targets here.
    pub const TARGETS: u32 = 0x4000_0000;
    /// PAGE_ENCLAVE_NO_CHANGE: about enclaves only, which there are none of; kernelbase's WriteProcessMemory asks for it.
    pub const ENCLAVE_NO_CHANGE: u32 = 0x2000_0000;
}
use protect::*;

/// Rights that a protection stands for: what a section, a handle or a view must give for it.
pub mod rights {
    /// Loads, and copy on write.
    pub const READ: u8 = 1;
    /// Stores.
    pub const WRITE: u8 = 2;
    /// Instruction fetches.
    pub const EXECUTE: u8 = 4;
}

/// State of a page: its protection in NT's bits, and what else `mm` knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Page(u32);

impl Page {
    /// Reserved, not committed.
    pub const RESERVED: Page = Page(0);
    /// It has storage.
    const COMMITTED: u32 = 0x10000;
    /// Its bytes are in the file still and not mapped; the first access maps them.
    const LAZY: u32 = 0x20000;
    /// Under write watch, and not written since the watch was last reset.
    const CLEAN: u32 = 0x40000;
    /// A copy of the view's own was made of it.
    const COPIED: u32 = 0x80000;
    /// NtLockVirtualMemory was asked to keep it.
    const LOCKED: u32 = 0x10_0000;

    /// Its bytes are an image's file's, mapped from there, and nobody could write to them yet.
    const OF_FILE: u32 = 0x20_0000;

    /// A committed page with a protection that [`check_protection`] accepted.
    pub const fn committed(protection: u32) -> Page {
        Page(protection & 0xffff | Page::COMMITTED)
    }

    /// Whether it is committed.
    pub const fn is_committed(self) -> bool {
        self.0 & Page::COMMITTED != 0
    }

    /// PAGE_*, 0 while only reserved.
    pub const fn protection(self) -> u32 {
        self.0 & 0xffff
    }

    /// PAGE_* without the modifiers.
    pub const fn base_protection(self) -> u32 {
        self.0 & 0xff
    }

    /// Whether the next access raises STATUS_GUARD_PAGE_VIOLATION.
    pub const fn is_guard(self) -> bool {
        self.0 & GUARD != 0
    }

    /// The page without its guard.
    pub const fn without_guard(self) -> Page {
        Page(self.0 & !GUARD)
    }

    /// The page as a guard.
    pub const fn with_guard(self) -> Page {
        Page(self.0 | GUARD)
    }

    /// Whether the first access is to map its bytes.
    pub const fn is_lazy(self) -> bool {
        self.0 & Page::LAZY != 0
    }

    /// Says whether the first access is to map its bytes.
    pub const fn lazy(self, yes: bool) -> Page {
        Page(if yes { self.0 | Page::LAZY } else { self.0 & !Page::LAZY })
    }

    /// Whether it is watched and was not written.
    pub const fn is_clean(self) -> bool {
        self.0 & Page::CLEAN != 0
    }

    /// Says whether it is watched and was not written.
    pub const fn clean(self, yes: bool) -> Page {
        Page(if yes { self.0 | Page::CLEAN } else { self.0 & !Page::CLEAN })
    }

    /// Whether the view has a copy of its own.
    pub const fn is_copied(self) -> bool {
        self.0 & Page::COPIED != 0
    }

    /// The page once its copy on write was made.
    pub const fn copied(self) -> Page {
        Page(without_copy(self.0) | Page::COPIED)
    }

    /// Whether it was asked to be kept in memory.
    pub const fn is_locked(self) -> bool {
        self.0 & Page::LOCKED != 0
    }

    /// Says whether it is to be kept in memory.
    pub const fn locked(self, yes: bool) -> Page {
        Page(if yes { self.0 | Page::LOCKED } else { self.0 & !Page::LOCKED })
    }

    /// Whether the host can bring its bytes again from an image's file.
    pub const fn is_of_file(self) -> bool {
        self.0 & Page::OF_FILE != 0
    }

    /// Says whether the host can bring its bytes again from an image's file.
    pub const fn of_file(self, yes: bool) -> Page {
        Page(if yes { self.0 | Page::OF_FILE } else { self.0 & !Page::OF_FILE })
    }

    /// The same page with another protection.
    pub const fn with_protection(self, protection: u32) -> Page {
        Page(self.0 & !0xffff | protection & 0xffff)
    }

    /// Whether a store makes a copy.
    pub const fn is_copy_on_write(self) -> bool {
        self.0 & (WRITECOPY | EXECUTE_WRITECOPY) != 0
    }

    /// Whether NT lets the guest store, now or after a copy.
    pub const fn is_writable(self) -> bool {
        self.is_committed()
            && self.0 & (READWRITE | EXECUTE_READWRITE | WRITECOPY | EXECUTE_WRITECOPY) != 0
            && self.0 & GUARD == 0
    }

    /// How the host is to protect it. `copies` says that the mapping is one whose stores the host itself keeps private,
    /// so that a copy on write needs no fault.
    pub fn host(self, copies: bool) -> Prot {
        if !self.is_committed() || self.0 & (GUARD | Page::LAZY) != 0 {
            return Prot::NONE;
        }
        let write = match self.base_protection() {
            READWRITE | EXECUTE_READWRITE => !self.is_clean(),
            WRITECOPY | EXECUTE_WRITECOPY => copies && !self.is_clean(),
            _ => false,
        };
        let execute = self.0 & (EXECUTE | EXECUTE_READ | EXECUTE_READWRITE | EXECUTE_WRITECOPY) != 0;
        Prot { read: self.base_protection() != NOACCESS, write, execute }
    }
}

/// The protection of a page that has been copied: what copy on write turns into.
pub const fn without_copy(protection: u32) -> u32 {
    match protection & 0xff {
        WRITECOPY => protection & !0xff | READWRITE,
        EXECUTE_WRITECOPY => protection & !0xff | EXECUTE_READWRITE,
        _ => protection,
    }
}

/// The protection as an image or a copy-on-write view gives it: stores make copies.
pub const fn with_copy(protection: u32) -> u32 {
    match protection & 0xff {
        READWRITE => protection & !0xff | WRITECOPY,
        EXECUTE_READWRITE => protection & !0xff | EXECUTE_WRITECOPY,
        _ => protection,
    }
}

/// Checks a protection that a guest asks for; answers it without what has no effect here.
///
/// # Errors
/// `STATUS_INVALID_PAGE_PROTECTION`.
pub fn check_protection(asked: u32) -> Nt<u32> {
    let protection = asked & !TARGETS;
    let known = (protection & 0xff).is_power_of_two() && protection & !0x7ff == 0;
    let modifiers = protection & (GUARD | NOCACHE | WRITECOMBINE);
    if !known
        || protection & 0xff == NOACCESS && modifiers != 0
        || modifiers & (NOCACHE | WRITECOMBINE) == NOCACHE | WRITECOMBINE
        || modifiers & GUARD != 0 && modifiers != GUARD
    {
        return Err(STATUS_INVALID_PAGE_PROTECTION);
    }
    Ok(protection)
}

/// [`rights`] that a checked protection stands for.
pub const fn rights_of(protection: u32) -> u8 {
    match protection & 0xff {
        READONLY | WRITECOPY => rights::READ,
        READWRITE => rights::READ | rights::WRITE,
        EXECUTE => rights::EXECUTE,
        EXECUTE_READ | EXECUTE_WRITECOPY => rights::READ | rights::EXECUTE,
        EXECUTE_READWRITE => rights::READ | rights::WRITE | rights::EXECUTE,
        _ => 0,
    }
}

/// States of consecutive pages: a map from the address where a run starts to its pages' state. It covers a range without
/// gaps, and neighbouring runs differ.
#[derive(Debug, Clone)]
pub struct Pages {
    end: u64,
    runs: BTreeMap<u64, Page>,
}

impl Pages {
    /// The range, all pages alike.
    pub fn new(range: Range<u64>, page: Page) -> Pages {
        Pages { end: range.end, runs: BTreeMap::from([(range.start, page)]) }
    }

    /// State of the page at an address inside the range.
    pub fn at(&self, address: u64) -> Page {
        self.runs.range(..=address).next_back().map_or(Page::RESERVED, |(_, page)| *page)
    }

    /// Runs that overlap `range`, cut to it.
    pub fn over(&self, range: Range<u64>) -> impl Iterator<Item = (Range<u64>, Page)> + '_ {
        let first = self.runs.range(..=range.start).next_back().map_or(range.start, |(start, _)| *start);
        let mut runs = self.runs.range(first..range.end.max(first)).peekable();
        std::iter::from_fn(move || {
            let (start, page) = runs.next()?;
            let end = runs.peek().map_or(self.end, |(next, _)| **next);
            Some(((*start).max(range.start)..end.min(range.end), *page))
        })
        .filter(|(run, _)| run.start < run.end)
    }

    /// Where the run of equal pages that holds `address` ends.
    pub fn run_end(&self, address: u64) -> u64 {
        self.runs.range(address.saturating_add(1)..).next().map_or(self.end, |(start, _)| *start)
    }

    /// Changes every page of `range`, which lies inside.
    pub fn update(&mut self, range: Range<u64>, change: impl Fn(Page) -> Page) {
        if range.start >= range.end {
            return;
        }
        self.split(range.start);
        self.split(range.end);
        for (_, page) in self.runs.range_mut(range.clone()) {
            *page = change(*page);
        }
        self.join(range);
    }

    /// Sets every page of `range`, which lies inside.
    pub fn set(&mut self, range: Range<u64>, page: Page) {
        self.update(range, |_| page);
    }

    /// Cuts the range down to `range`, which lies inside.
    pub fn crop(&mut self, range: Range<u64>) {
        self.split(range.start);
        self.split(range.end);
        self.runs = self.runs.split_off(&range.start);
        self.runs.split_off(&range.end);
        self.end = range.end;
    }

    /// Bytes of pages for which `counts` holds.
    pub fn count(&self, range: Range<u64>, counts: impl Fn(Page) -> bool) -> u64 {
        self.over(range).filter(|(_, page)| counts(*page)).map(|(run, _)| run.end - run.start).sum()
    }

    fn split(&mut self, at: u64) {
        if at < self.end && !self.runs.contains_key(&at) {
            let page = self.at(at);
            self.runs.insert(at, page);
        }
    }

    fn join(&mut self, range: Range<u64>) {
        let before = self.runs.range(..range.start).next_back().map(|(_, page)| *page);
        let mut previous = before;
        let mut same = Vec::new();
        for (start, page) in self.runs.range(range.start..=range.end) {
            if previous == Some(*page) {
                same.push(*start);
            }
            previous = Some(*page);
        }
        for start in same {
            self.runs.remove(&start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(pages: &Pages, range: Range<u64>) -> Vec<(u64, u64, u32)> {
        pages.over(range).map(|(run, page)| (run.start, run.end, page.protection())).collect()
    }

    #[test]
    fn runs_split_and_join() {
        let mut pages = Pages::new(0x1000..0x9000, Page::committed(READWRITE));
        pages.set(0x3000..0x5000, Page::committed(READONLY));
        assert_eq!(
            listed(&pages, 0x1000..0x9000),
            [(0x1000, 0x3000, READWRITE), (0x3000, 0x5000, READONLY), (0x5000, 0x9000, READWRITE)]
        );
        assert_eq!(listed(&pages, 0x4000..0x6000), [(0x4000, 0x5000, READONLY), (0x5000, 0x6000, READWRITE)]);
        assert_eq!(pages.run_end(0x3000), 0x5000);
        assert_eq!(pages.run_end(0x8000), 0x9000);
        pages.set(0x3000..0x5000, Page::committed(READWRITE));
        assert_eq!(pages.runs.len(), 1);
        pages.set(0x8000..0x9000, Page::RESERVED);
        pages.crop(0x2000..0x9000);
        assert_eq!(listed(&pages, 0..0x10000), [(0x2000, 0x8000, READWRITE), (0x8000, 0x9000, 0)]);
        assert_eq!(pages.count(0..0x10000, Page::is_committed), 0x6000);
    }

    #[test]
    fn protections() {
        for bad in [0, 3, 0x333, NOACCESS | GUARD, READONLY | NOCACHE | WRITECOMBINE, 0x800] {
            assert_eq!(check_protection(bad), Err(STATUS_INVALID_PAGE_PROTECTION), "{bad:x}");
        }
        assert_eq!(check_protection(EXECUTE_READ | TARGETS), Ok(EXECUTE_READ));
        let page = Page::committed(READWRITE | GUARD);
        assert_eq!(page.host(false), Prot::NONE);
        assert_eq!(page.without_guard().host(false), Prot::READ_WRITE);
        assert_eq!(Page::committed(WRITECOPY).host(false), Prot::READ);
        assert_eq!(Page::committed(WRITECOPY).host(true), Prot::READ_WRITE);
        assert_eq!(Page::committed(WRITECOPY).copied().protection(), READWRITE);
        assert_eq!(Page::committed(READWRITE).clean(true).host(false), Prot::READ);
    }
}
