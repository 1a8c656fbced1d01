//! Stacks and TEBs of threads that ended, kept for threads to come: to map, fault in and unmap them anew costs more than all
//! else about a short thread.
//!
//! In the books they are free: queries say so, nothing is charged for them, and whoever wants their addresses gets them,
//! which has the host unmap them first. Only what is as new goes into the store.

use super::Mm;
use super::fault::NewStack;
use super::page::{PAGE_SIZE, Page, protect};
use super::region::{Limits, Placeholder, Region, Space};
use crate::host::{Placement, Prot};
use crate::kernel::Kernel;
use crate::ps::layout::TEB_SIZE;
use crate::status::*;
use std::ops::Range;

/// Most that are kept.
const MOST: usize = 4;

/// What one thread had.
pub(super) struct Spare {
    stack: Region,
    teb: Region,
    /// Tib.StackLimit.
    limit: u64,
}

impl Spare {
    fn overlaps(&self, range: &Range<u64>) -> bool {
        [&self.stack, &self.teb].iter().any(|region| region.base < range.end && range.start < region.end())
    }

    fn unmap(&self, k: &Kernel) {
        for region in [&self.stack, &self.teb] {
            k.host.unmap(region.base, region.size);
        }
    }
}

/// Bytes of a stack whose limit is `limit` that are charged: its guard page too.
fn charged(stack: &Region, limit: u64) -> u64 {
    stack.end() - limit + PAGE_SIZE
}

/// The limit of a stack that is as [`Mm::new_stack`] makes them: reserved below, a guard page, the rest open.
fn limit_of(stack: &Region) -> Option<u64> {
    let mut runs = stack.pages.over(stack.range());
    let open = Page::committed(protect::READWRITE);
    let (_, below) = runs.next()?;
    let (guard, closed) = runs.next()?;
    let (rest, page) = runs.next()?;
    let as_new = below == Page::RESERVED
        && closed == open.with_guard()
        && guard.end - guard.start == PAGE_SIZE
        && page == open
        && runs.next().is_none();
    as_new.then_some(rest.start)
}

fn plain(region: &Region) -> bool {
    region.is_private()
        && !region.watched
        && region.placeholder == Placeholder::No
        && region.protection == protect::READWRITE
        && region.charge == 0
}

impl Mm {
    /// Takes the stack and the TEB of a thread that ended back, to free them or to keep them. Each is the first address of
    /// its allocation, or 0.
    pub fn retire(&self, k: &Kernel, stack: u64, teb: u64) {
        if self.keep(k, stack, teb) {
            return;
        }
        for block in [stack, teb] {
            if block != 0 {
                let _ = self.release(k, block);
            }
        }
    }

    fn keep(&self, k: &Kernel, stack: u64, teb: u64) -> bool {
        let mut space = self.space.lock();
        let Some(spare) = take(&mut space, stack, teb) else { return false };
        self.uncharge(charged(&spare.stack, spare.limit) + TEB_SIZE);
        let mut spares = self.spares.lock();
        spares.push(spare);
        if spares.len() > MOST {
            spares.remove(0).unmap(k);
        }
        true
    }

    /// A stack of that size with that limit, and a TEB, which still has what its thread left in it.
    pub(super) fn reuse(&self, k: &Kernel, size: u64, open: u64) -> Option<(NewStack, u64)> {
        let mut space = self.space.lock();
        let spare = {
            let mut spares = self.spares.lock();
            let fits = |spare: &Spare| spare.stack.size == size && spare.stack.end() - spare.limit == open;
            let place = spares.iter().rposition(fits)?;
            spares.remove(place)
        };
        if self.charge(k, charged(&spare.stack, spare.limit) + TEB_SIZE).is_err() {
            spare.unmap(k);
            return None;
        }
        let stack = NewStack { base: spare.stack.end(), limit: spare.limit, bottom: spare.stack.base };
        let teb = spare.teb.base;
        space.insert(spare.stack);
        space.insert(spare.teb);
        Some((stack, teb))
    }

    /// Has the host unmap what is kept in a range that is about to be used.
    pub(super) fn make_way(&self, k: &Kernel, range: Range<u64>) {
        self.spares.lock().retain(|spare| {
            let stays = !spare.overlaps(&range);
            if !stays {
                spare.unmap(k);
            }
            stays
        });
    }

    /// Maps new memory at a place that is free in the books. If the host has no memory left, what is kept goes first.
    ///
    /// # Errors
    /// The host's.
    pub(super) fn map_new(&self, k: &Kernel, at: u64, size: u64, prot: Prot) -> shim_abi::error::Result {
        self.make_way(k, at..at.saturating_add(size));
        match k.host.map(at, size, prot, Placement::New) {
            Err(shim_abi::error::Error::OutOfMemory) if !self.spares.lock().is_empty() => {
                self.make_way(k, 0..u64::MAX);
                k.host.map(at, size, prot, Placement::New)
            }
            mapped => mapped,
        }
    }

    /// A stack as [`Mm::new_stack`] makes it and cleared memory for a TEB.
    ///
    /// # Errors
    /// As [`Mm::allocate`].
    pub fn new_thread_memory(&self, k: &Kernel, size: u64, commit: u64, limits: Limits) -> Nt<(NewStack, u64)> {
        let (size, open) = super::fault::stack_shape(size, commit)?;
        // What lies ready lies anywhere.
        let anywhere = limits == Limits::default();
        if let Some((stack, teb)) = if anywhere { self.reuse(k, size, open) } else { None } {
            k.write_user(teb, &[0; TEB_SIZE as usize])?;
            return Ok((stack, teb));
        }
        let stack = self.new_stack(k, size, commit, limits)?;
        match self.allocate(k, &super::allocate::Request::commit(TEB_SIZE)) {
            Ok(range) => Ok((stack, range.start)),
            Err(status) => {
                let _ = self.release(k, stack.bottom);
                Err(status)
            }
        }
    }
}

/// Takes both out of the books if they are as new.
fn take(space: &mut Space, stack: u64, teb: u64) -> Option<Spare> {
    let limit = {
        let (held, other) = (space.find(stack)?, space.find(teb)?);
        let as_new = |region: &Region, base: u64| region.base == base && plain(region);
        let mut pages = other.pages.over(other.range());
        let whole = pages.next().is_some_and(|(_, page)| page == Page::committed(protect::READWRITE));
        if !as_new(held, stack) || !as_new(other, teb) || other.size != TEB_SIZE || !whole || pages.next().is_some() {
            return None;
        }
        limit_of(held)?
    };
    Some(Spare { stack: space.remove(stack)?, teb: space.remove(teb)?, limit })
}
