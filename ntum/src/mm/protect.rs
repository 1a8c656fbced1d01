//! NtProtectVirtualMemory.

use super::Mm;
use super::page::protect::ENCLAVE_NO_CHANGE;
use super::page::{Page, check_protection, rights_of, with_copy, without_copy};
use super::region::{Kind, page_range};
use crate::call::Cx;
use crate::host::Sharing;
use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::um::UserPtr;
use std::ops::Range;

impl Mm {
    /// Changes the protection of committed pages of one region; answers the pages and the protection that the first of
    /// them had. The host hears of it only where it makes a difference.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER`, `STATUS_INVALID_PAGE_PROTECTION`, `STATUS_SECTION_PROTECTION`, `STATUS_NOT_COMMITTED`,
    /// `STATUS_CONFLICTING_ADDRESSES`.
    pub fn protect(&self, k: &Kernel, base: u64, size: u64, protection: u32) -> Nt<(Range<u64>, u32)> {
        let protection = check_protection(protection & !ENCLAVE_NO_CHANGE)?;
        let range = page_range(base, size).ok_or(STATUS_INVALID_PARAMETER)?;
        let mut space = self.space.lock();
        let region = space.find_mut(range.start).filter(|region| region.holds(&range));
        let region = region.ok_or(STATUS_CONFLICTING_ADDRESSES)?;
        let copy_on_write = Page::committed(protection).is_copy_on_write();
        match &region.kind {
            Kind::Host => return Err(STATUS_CONFLICTING_ADDRESSES),
            Kind::Private if copy_on_write => return Err(STATUS_INVALID_PAGE_PROTECTION),
            Kind::Data(_) if rights_of(protection) & !rights_of(region.protection) != 0 => {
                return Err(STATUS_SECTION_PROTECTION);
            }
            _ => {}
        }
        region.refresh(&range);
        if !region.pages.over(range.clone()).all(|(_, page)| page.is_committed()) {
            return Err(STATUS_NOT_COMMITTED);
        }
        let protection = region.cached(protection);
        let old = region.pages.at(range.start).protection();
        if let Kind::Data(view) = &region.kind
            && view.is_shared()
        {
            // A shared view whose pages are to be copied on write is mapped so that the host keeps stores private.
            let private = region.pages.over(range.clone()).any(|(_, page)| page.is_copy_on_write());
            if copy_on_write {
                view.remap(k, region.base, &range, &region.pages, Sharing::Private)?;
            } else if private {
                view.remap(k, region.base, &range, &region.pages, Sharing::Shared)?;
            }
        }
        let image = matches!(region.kind, Kind::Image(_));
        let change = |page: Page| match (page.is_copied(), image) {
            (true, _) => page.with_protection(without_copy(protection)),
            (false, true) => page.with_protection(with_copy(protection)),
            (false, false) => page.with_protection(protection),
        };
        region.change(k.host, range.clone(), change)?;
        Ok((range, old))
    }
}

/// NtProtectVirtualMemory.
///
/// # Errors
/// As [`Mm::protect`]; `STATUS_ACCESS_VIOLATION`.
pub fn nt_protect_virtual_memory(
    cx: &Cx<'_>,
    process: Handle,
    base: UserPtr<u64>,
    size: UserPtr<u64>,
    protection: u32,
    old: UserPtr<u32>,
) -> Nt {
    let asked = base.read(cx.k)?;
    let bytes = size.read(cx.k)?;
    cx.k.probe_write(old.address(), 4)?;
    cx.own_process(process, super::process::VM_OPERATION)?;
    let (range, before) = cx.k.mm.protect(cx.k, asked, bytes, protection)?;
    base.write(cx.k, range.start)?;
    size.write(cx.k, range.end - range.start)?;
    old.write(cx.k, before)?;
    Ok(STATUS_SUCCESS)
}
