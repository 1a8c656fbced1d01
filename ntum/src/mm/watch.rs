//! Write watch: NtGetWriteWatch and NtResetWriteWatch.

use super::Mm;
use super::page::{PAGE_SIZE, Page};
use super::region::page_range;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::um::UserPtr;
use std::ops::Range;
use std::sync::atomic::Ordering;

/// WRITE_WATCH_FLAG_RESET.
const RESET: u32 = 1;

impl Mm {
    /// A region is made: perhaps one whose stores are watched.
    pub(super) fn note_watch(&self, kind: u32) {
        if kind & super::allocate::mem::WRITE_WATCH != 0 {
            self.watches.store(true, Ordering::Relaxed);
        }
    }

    /// Whether stores to what lies there are watched.
    pub fn watches(&self, address: u64) -> bool {
        self.watches.load(Ordering::Relaxed) && self.space.lock().find(address).is_some_and(|region| region.watched)
    }

    /// The first `count` pages of a range that were written since the watch was reset; `reset` watches those looked at
    /// anew.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` if the range is not all of one watched region.
    pub fn written(&self, k: &Kernel, range: &Range<u64>, count: usize, reset: bool) -> Nt<Vec<u64>> {
        let mut space = self.space.lock();
        let region = space.find_mut(range.start).filter(|region| region.watched && region.holds(range));
        let region = region.ok_or(STATUS_INVALID_PARAMETER)?;
        let mut pages = Vec::new();
        let mut seen = range.start;
        for (run, page) in region.pages.over(range.clone()) {
            if !page.is_clean() {
                let room = (count - pages.len()) as u64;
                let end = run.end.min(run.start.saturating_add(room.saturating_mul(PAGE_SIZE)));
                pages.extend((run.start..end).step_by(PAGE_SIZE as usize));
                seen = end;
                if end < run.end || pages.len() == count {
                    break;
                }
            }
            seen = run.end;
        }
        if reset {
            region.change(k.host, range.start..seen, |page| page.clean(true))?;
        }
        Ok(pages)
    }

    /// Forgets what was written.
    ///
    /// # Errors
    /// As [`Mm::written`].
    pub fn reset_watch(&self, k: &Kernel, range: &Range<u64>) -> Nt<()> {
        let mut space = self.space.lock();
        let region = space.find_mut(range.start).filter(|region| region.watched && region.holds(range));
        let region = region.ok_or(STATUS_INVALID_PARAMETER)?;
        region.change(k.host, range.clone(), |page: Page| page.clean(true))
    }
}

/// NtGetWriteWatch.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_ACCESS_VIOLATION`.
#[allow(clippy::too_many_arguments)]
pub fn nt_get_write_watch(
    cx: &Cx<'_>,
    process: Handle,
    flags: u32,
    base: u64,
    size: u64,
    addresses: UserPtr<u64>,
    count: UserPtr<u64>,
    granularity: UserPtr<u32>,
) -> Nt {
    let room = count.read(cx.k)?;
    cx.k.probe_write(granularity.address(), 4)?;
    if room == 0 || size == 0 || flags & !RESET != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if addresses.is_null() {
        return Err(STATUS_ACCESS_VIOLATION);
    }
    let range = page_range(base, size).ok_or(STATUS_INVALID_PARAMETER)?;
    cx.own_process(process, super::process::VM_OPERATION)?;
    let most = room.min((range.end - range.start) / PAGE_SIZE) as usize;
    let pages = cx.k.mm.written(cx.k, &range, most, flags & RESET != 0)?;
    let bytes: Vec<u8> = pages.iter().flat_map(|page| page.to_le_bytes()).collect();
    cx.k.write_user(addresses.address(), &bytes)?;
    count.write(cx.k, pages.len() as u64)?;
    granularity.write(cx.k, PAGE_SIZE as u32)?;
    Ok(STATUS_SUCCESS)
}

/// NtResetWriteWatch.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`.
pub fn nt_reset_write_watch(cx: &Cx<'_>, process: Handle, base: u64, size: u64) -> Nt {
    let range = page_range(base, size).ok_or(STATUS_INVALID_PARAMETER)?;
    cx.own_process(process, super::process::VM_OPERATION)?;
    cx.k.mm.reset_watch(cx.k, &range)?;
    Ok(STATUS_SUCCESS)
}
