//! What a fault means: an access worth another try, or an exception.

use super::Mm;
use super::page::{PAGE_SIZE, Page, page_down, page_up, protect};
use super::region::{Kind, Region};
use crate::host::Fault;
use crate::kernel::Kernel;
use crate::ps::thread::Thread;
use crate::status::*;
use crate::um::in_range;
use std::ops::Range;
use std::sync::atomic::Ordering;

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
    Execute,
}

impl Access {
    fn of(parameter: u64) -> Access {
        match parameter {
            0 => Access::Read,
            8 => Access::Execute,
            _ => Access::Write,
        }
    }
}

/// Where a thread's stack lies, from its TEB.
#[derive(Debug, Clone, Copy)]
struct Stack {
    teb: u64,
    /// First address beyond.
    base: u64,
    /// DeallocationStack.
    bottom: u64,
    /// Bytes that are kept for handling an overflow.
    guaranteed: u64,
}

/// Offsets in the TEB (`winternl.h`).
mod teb {
    pub const STACK_BASE: u64 = 0x8;
    pub const STACK_LIMIT: u64 = 0x10;
    pub const DEALLOCATION_STACK: u64 = 0x1478;
    pub const GUARANTEED_STACK_BYTES: u64 = 0x1748;
}

/// Bytes by which a stack grows at a time: a guard page that moves by one page at a time costs a fault for each.
const GROWTH: u64 = 16 * PAGE_SIZE;
/// Least bytes that are kept for handling an overflow: an exception frame, dispatch and unwinding, each with a CONTEXT.
const GUARANTEED: u64 = 3 * PAGE_SIZE;

impl Stack {
    fn of(k: &Kernel, thread: &Thread) -> Option<Stack> {
        let teb = thread.teb.load(Ordering::Acquire);
        let word = |at: u64| {
            let mut bytes = [0; 8];
            k.host.read_user(teb.wrapping_add(at), &mut bytes).ok()?;
            Some(u64::from_le_bytes(bytes))
        };
        if teb == 0 {
            return None;
        }
        let kept = page_up(word(teb::GUARANTEED_STACK_BYTES)? & 0xffff_ffff)?;
        Some(Stack {
            teb,
            base: word(teb::STACK_BASE)?,
            // The guest can write what it likes there.
            bottom: page_up(word(teb::DEALLOCATION_STACK)?)?,
            guaranteed: kept.max(GUARANTEED),
        })
    }

    fn holds(&self, address: u64) -> bool {
        self.bottom < address && address < self.base
    }

    fn set_limit(&self, k: &Kernel, limit: u64) {
        // A guest that takes its TEB away loses only its own stack's growth.
        let _ = k.host.write_user(self.teb + teb::STACK_LIMIT, &limit.to_le_bytes());
    }
}

/// Why an access is not worth another try.
enum Trouble {
    /// The page's protection, or that there is none.
    Violation,
    /// The page is a guard.
    Guard,
    /// The file does not reach so far any more, or the host cannot read it.
    InPage,
}

impl Mm {
    /// Answers a fault of guest code: `Ok` if the access is worth another try. `access` is what STATUS_ACCESS_VIOLATION has
    /// as its first parameter: 0 a load, 1 a store, 8 an instruction fetch. `beyond` says that the host has the page mapped
    /// but cannot supply its bytes.
    ///
    /// # Errors
    /// The exception's code: `STATUS_ACCESS_VIOLATION`, `STATUS_GUARD_PAGE_VIOLATION`, `STATUS_STACK_OVERFLOW`,
    /// `STATUS_IN_PAGE_ERROR`.
    pub fn fault(&self, k: &Kernel, thread: &Thread, address: u64, access: u64, beyond: bool) -> Nt<()> {
        self.resolve(k, address, Access::of(access), beyond).or_else(|trouble| match trouble {
            Trouble::Violation => Err(STATUS_ACCESS_VIOLATION),
            Trouble::InPage => Err(STATUS_IN_PAGE_ERROR),
            Trouble::Guard => self.guard(k, Stack::of(k, thread), address),
        })
    }

    /// Answers a fault of the kernel's own access to guest memory: `Ok` if the access is worth another try.
    ///
    /// # Errors
    /// What the fault means to the guest.
    pub fn kernel_fault(&self, k: &Kernel, fault: Fault) -> Nt<()> {
        let access = if fault.write { Access::Write } else { Access::Read };
        if !in_range(fault.address, 1) {
            return Err(STATUS_ACCESS_VIOLATION);
        }
        self.resolve(k, fault.address, access, false).or_else(|trouble| match trouble {
            Trouble::Violation => Err(STATUS_ACCESS_VIOLATION),
            Trouble::InPage => Err(STATUS_IN_PAGE_ERROR),
            Trouble::Guard => {
                // The kernel works for whoever owns the stack, mostly the thread that called it.
                let stacks = k.ps.threads().into_iter().filter_map(|thread| Stack::of(k, &thread));
                let stack = stacks.into_iter().find(|stack| stack.holds(fault.address));
                self.guard(k, stack, fault.address)
            }
        })
    }

    /// Makes room for a frame that the kernel is about to put on a thread's stack: `size` bytes below `sp`.
    ///
    /// # Errors
    /// `STATUS_STACK_OVERFLOW`, with the room that is kept for handling it now open; `STATUS_ACCESS_VIOLATION`.
    pub fn make_room(&self, k: &Kernel, thread: &Thread, sp: u64, size: u64) -> Nt<()> {
        let low = sp.checked_sub(size).filter(|low| *low >= crate::um::LOWEST).ok_or(STATUS_ACCESS_VIOLATION)?;
        let range = page_down(low)..sp;
        let guards = |space: &super::region::Space| {
            let region = space.find(range.start)?;
            let guard = region.pages.over(range.clone()).filter(|(_, page)| page.is_guard()).last()?;
            Some(guard.0.end - PAGE_SIZE)
        };
        // The highest first: each opens what lies above it, and sets the next.
        while let Some(page) = { guards(&self.space.lock()) } {
            self.guard(k, Stack::of(k, thread), page)?;
        }
        Ok(())
    }

    fn resolve(&self, k: &Kernel, address: u64, access: Access, beyond: bool) -> Result<(), Trouble> {
        let at = page_down(address);
        let range = at..at.saturating_add(PAGE_SIZE);
        let mut space = self.space.lock();
        let region = space.find_mut(address).ok_or(Trouble::Violation)?;
        region.refresh(&range);
        let page = region.pages.at(at);
        if !page.is_committed() || matches!(region.kind, Kind::Host) {
            return Err(Trouble::Violation);
        }
        if page.is_guard() {
            return Err(Trouble::Guard);
        }
        let violation = |_: Status| Trouble::Violation;
        let allowed = match access {
            Access::Write => page.is_writable(),
            Access::Read => page.base_protection() != protect::NOACCESS,
            Access::Execute => page.base_protection() >= protect::EXECUTE,
        };
        if !allowed {
            return Err(Trouble::Violation);
        }
        if page.is_lazy() {
            return match region.kind {
                Kind::Image(_) => self.map_lazy(k, region, address).map_err(violation),
                _ => {
                    let end = region.pages.run_end(at);
                    region.change(k.host, at..end, |page| page.lazy(false)).map_err(violation)
                }
            };
        }
        if beyond || past_the_end(k, region, at) {
            return Err(Trouble::InPage);
        }
        if access == Access::Write && page.is_clean() {
            return region.change(k.host, range, |page| page.clean(false)).map_err(violation);
        }
        if access == Access::Write && page.is_copy_on_write() && !region.copies() {
            return region.change(k.host, range, Page::copied).map_err(violation);
        }
        // Another thread was faster, or the host was not told all: it is told again.
        let prot = page.host(region.copies());
        k.host.protect(at, PAGE_SIZE, prot).map_err(|_| Trouble::InPage)
    }

    /// Takes the guard off a page; on a stack, sets up the next one further down.
    fn guard(&self, k: &Kernel, stack: Option<Stack>, address: u64) -> Nt<()> {
        let at = page_down(address);
        let mut space = self.space.lock();
        let region = space.find_mut(at).ok_or(STATUS_ACCESS_VIOLATION)?;
        if !region.pages.at(at).is_guard() {
            // Another thread was faster.
            return Ok(());
        }
        let is_stack = |stack: &Stack| {
            let room = stack.bottom.saturating_add(PAGE_SIZE).saturating_add(stack.guaranteed);
            stack.holds(address) && region.is_private() && region.base <= stack.bottom && room <= region.end()
        };
        let Some(stack) = stack.filter(is_stack) else {
            region.change(k.host, at..at + PAGE_SIZE, Page::without_guard)?;
            return Err(STATUS_GUARD_PAGE_VIOLATION);
        };
        let protection = region.pages.at(at).without_guard().protection();
        let kept = stack.bottom + PAGE_SIZE..stack.bottom + PAGE_SIZE + stack.guaranteed;
        if at >= kept.end {
            // The new guard lies at or above what is kept.
            let limit = at.saturating_sub(GROWTH - PAGE_SIZE).max(kept.end);
            let guard = (limit - PAGE_SIZE)..limit;
            self.grow(k, region, guard.start..at, protection)?;
            region.change(k.host, limit..at + PAGE_SIZE, Page::without_guard)?;
            region.change(k.host, guard, Page::with_guard)?;
            stack.set_limit(k, limit);
            return Ok(());
        }
        self.grow(k, region, kept.clone(), protection)?;
        region.change(k.host, at.min(kept.start)..kept.end, Page::without_guard)?;
        stack.set_limit(k, kept.start);
        Err(STATUS_STACK_OVERFLOW)
    }

    /// Commits what is not committed of a range of a stack. More than the limit allows is an overflow.
    fn grow(&self, k: &Kernel, region: &mut Region, range: Range<u64>, protection: u32) -> Nt<()> {
        let missing = range.end.saturating_sub(range.start) - region.pages.count(range.clone(), Page::is_committed);
        self.charge(k, missing).map_err(|_| STATUS_STACK_OVERFLOW)?;
        // Nothing is told to the host yet: the caller changes the pages' protection next.
        let commit = |page: Page| if page.is_committed() { page } else { Page::committed(protection).with_guard() };
        region.pages.update(range, commit);
        Ok(())
    }
}

/// Whether the file behind a page has become too short for it.
fn past_the_end(k: &Kernel, region: &Region, at: u64) -> bool {
    let (area, offset) = match &region.kind {
        Kind::Data(view) => (&view.area, view.offset + (at - region.base)),
        // An image's file cannot be written while it is mapped, except from outside.
        _ => return false,
    };
    k.host.query(&area.stream).is_ok_and(|info| offset >= info.size.next_multiple_of(PAGE_SIZE))
}

/// Bytes that a stack reserves, and how many of them are open, for what a thread asks for.
///
/// # Errors
/// `STATUS_NO_MEMORY`.
pub(super) fn stack_shape(size: u64, commit: u64) -> Nt<(u64, u64)> {
    let size = if size == 0 { 0x10_0000 } else { size.max(commit).max(0x1_0000) };
    let size = size.checked_next_multiple_of(super::region::GRANULARITY).ok_or(STATUS_NO_MEMORY)?;
    // The lowest page stays closed for ever; the guard needs one more.
    let most = size - 2 * PAGE_SIZE - GUARANTEED;
    Ok((size, page_up(commit).unwrap_or(most).max(GROWTH).min(most)))
}

/// A stack for a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewStack {
    /// Tib.StackBase: first address beyond.
    pub base: u64,
    /// Tib.StackLimit: lowest address that is open.
    pub limit: u64,
    /// DeallocationStack: first address of the allocation.
    pub bottom: u64,
}

impl Mm {
    /// Reserves a stack of `size` bytes, commits the upper `commit` of them, and sets a guard page below: as Windows lays
    /// stacks out. Never less than 1 MB is reserved if `size` is 0.
    ///
    /// # Errors
    /// As [`Mm::allocate`].
    pub fn new_stack(&self, k: &Kernel, size: u64, commit: u64, limits: super::region::Limits) -> Nt<NewStack> {
        use super::allocate::{Request, mem};
        let (size, open) = stack_shape(size, commit)?;
        let reserve = Request { base: None, size, kind: mem::RESERVE, protection: protect::READWRITE, limits };
        let range = self.allocate(k, &reserve)?;
        let limit = range.end - open;
        let request = |base: u64, size: u64, protection: u32| Request {
            base: Some(base),
            size,
            kind: mem::COMMIT,
            protection,
            limits,
        };
        let made = self.allocate(k, &request(limit, open, protect::READWRITE)).and_then(|_| {
            self.allocate(k, &request(limit - PAGE_SIZE, PAGE_SIZE, protect::READWRITE | protect::GUARD))
        });
        if let Err(status) = made {
            let _ = self.free(k, range.start, 0, 0x8000);
            return Err(status);
        }
        Ok(NewStack { base: range.end, limit, bottom: range.start })
    }
}
