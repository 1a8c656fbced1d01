//! The system calls about sections and views.

use super::allocate::mem;
use super::extended::{Extended, MemExtendedParameter};
use super::layout::zero_bits_limit;
use super::page::{PAGE_SIZE, check_protection, protect};
use super::process::VM_OPERATION;
use super::region::{GRANULARITY, Limits};
use super::section::{SECTION_EXTEND_SIZE, SECTION_QUERY, Sort, check_attributes, view_access};
use super::view::Mapping;
use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::types::ObjectAttributesRaw;
use crate::um::UserPtr;
use std::sync::atomic::Ordering;
use zerocopy::IntoBytes;

/// NtCreateSection.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `_6`, `STATUS_INVALID_PAGE_PROTECTION`, `STATUS_INVALID_FILE_FOR_SECTION`,
/// `STATUS_MAPPED_FILE_SIZE_ZERO`, `STATUS_SECTION_TOO_BIG`, the statuses of bad images, and as `Cx::create_named`.
#[allow(clippy::too_many_arguments)]
pub fn nt_create_section(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    size: UserPtr<i64>,
    protection: u32,
    section_attributes: u32,
    file: Handle,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let size = u64::try_from(size.read_opt(cx.k)?.unwrap_or(0)).map_err(|_| STATUS_SECTION_TOO_BIG)?;
    let (sort, file_access) = check_attributes(section_attributes, protection, file != Handle(0))?;
    let protection = check_protection(protection)?;
    let attributes = attributes.load(cx.k)?;
    let source = || {
        let object = cx.object(file, file_access)?;
        let body = object.file().map_err(|_| STATUS_INVALID_FILE_FOR_SECTION)?;
        body.section_source(cx.k, &object)
    };
    let section = match sort {
        Sort::Pagefile => cx.k.mm.pagefile_section(cx.k, size, section_attributes, protection)?,
        Sort::File => cx.k.mm.file_section(cx.k, source()?, size, section_attributes, protection)?,
        Sort::Image => cx.k.mm.image_section(cx.k, source()?, size, protection)?,
    };
    let (made, status) = cx.create_named(&attributes, access, section)?;
    handle.write(cx.k, made)?;
    Ok(status)
}

/// NtOpenSection.
///
/// # Errors
/// As `Cx::open_named`.
pub fn nt_open_section(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
) -> Nt {
    cx.open(handle, access, attributes, |object| object.section().is_ok())
}

/// NtQuerySection: SECTION_BASIC_INFORMATION, SECTION_IMAGE_INFORMATION, how far an image lies from where it was linked for, where
/// that is, and SECTION_INTERNAL_IMAGE_INFORMATION.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_SECTION_NOT_IMAGE`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_query_section(
    cx: &Cx<'_>,
    handle: Handle,
    class: u32,
    buffer: u64,
    length: u64,
    returned: UserPtr<u64>,
) -> Nt {
    const BASIC: u32 = 0;
    const IMAGE: u32 = 1;
    const RELOCATION: u32 = 2;
    const ORIGINAL_BASE: u32 = 3;
    const INTERNAL_IMAGE: u32 = 4;
    let needed = match class {
        BASIC => 24,
        IMAGE => size_of::<super::pe::ImageInformation>(),
        RELOCATION | ORIGINAL_BASE => 8,
        // Flags behind the image's: export suppression, CET, none of which the images here have.
        INTERNAL_IMAGE => size_of::<super::pe::ImageInformation>() + 8,
        _ => return Err(STATUS_INVALID_INFO_CLASS),
    };
    if length < needed as u64 {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let object = cx.object(handle, SECTION_QUERY)?;
    let section = object.section()?;
    let area = &section.area;
    let bytes = match class {
        // BaseAddress, AllocationAttributes, MaximumSize.
        BASIC => [0, u64::from(area.attributes), section.size()].as_bytes().to_vec(),
        IMAGE => area.image()?.information.as_bytes().to_vec(),
        INTERNAL_IMAGE => [area.image()?.information.as_bytes(), &[0; 8]].concat(),
        RELOCATION => {
            let (base, first) = (area.image()?.base, area.first_base.load(std::sync::atomic::Ordering::Acquire));
            if first == 0 { vec![0; 8] } else { first.wrapping_sub(base).to_le_bytes().to_vec() }
        }
        _ => area.image()?.base.to_le_bytes().to_vec(),
    };
    cx.k.write_user(buffer, &bytes)?;
    returned.write_opt(cx.k, bytes.len() as u64)?;
    Ok(STATUS_SUCCESS)
}

/// NtExtendSection.
///
/// # Errors
/// `STATUS_SECTION_NOT_EXTENDED`, `STATUS_SECTION_TOO_BIG`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`.
pub fn nt_extend_section(cx: &Cx<'_>, handle: Handle, size: UserPtr<i64>) -> Nt {
    let asked = u64::try_from(size.read(cx.k)?).map_err(|_| STATUS_SECTION_TOO_BIG)?;
    let object = cx.object(handle, SECTION_EXTEND_SIZE)?;
    let now = cx.k.mm.extend(cx.k, object.section()?, asked)?;
    size.write(cx.k, now as i64)?;
    Ok(STATUS_SUCCESS)
}

/// Allocation types of a view. AT_ROUND_TO_PAGE is for 32-bit programs only.
const ALLOCATION_TYPES: u32 =
    mem::RESERVE | mem::TOP_DOWN | mem::REPLACE_PLACEHOLDER | mem::LARGE_PAGES | mem::DIFFERENT_IMAGE_BASE_OK;

/// Where the caller's base and size of a view lie, and its offset in the section.
struct Place {
    base: UserPtr<u64>,
    offset: UserPtr<i64>,
    size: UserPtr<u64>,
}

impl Place {
    /// Loads them, and checks what they are multiples of.
    fn load(&self, cx: &Cx<'_>, kind: u32) -> Nt<(Option<u64>, u64, u64)> {
        let multiple = if kind & mem::REPLACE_PLACEHOLDER != 0 { PAGE_SIZE } else { GRANULARITY };
        let base = self.base.read(cx.k)?;
        let offset = self.offset.read_opt(cx.k)?.unwrap_or(0) as u64;
        let size = self.size.read(cx.k)?;
        if !base.is_multiple_of(multiple) || !offset.is_multiple_of(multiple) {
            return Err(STATUS_MAPPED_ALIGNMENT);
        }
        Ok((Some(base).filter(|base| *base != 0), offset, size))
    }

    fn store(&self, cx: &Cx<'_>, base: u64, size: u64) -> Nt<()> {
        self.base.write(cx.k, base)?;
        self.size.write(cx.k, size)
    }
}

fn map(cx: &Cx<'_>, section: Handle, mapping: &Mapping, place: &Place) -> Nt {
    let protection = check_protection(mapping.protection)?;
    let object = cx.object(section, view_access(protection))?;
    let section = object.section()?;
    if section.area.image().is_ok() {
        let mapped = cx.k.mm.map_image(cx.k, section, mapping)?;
        place.store(cx, mapped.range.start, mapped.range.end - mapped.range.start)?;
        if section.area.is_of_file("ucrtbase.dll") {
            cx.k.mm.fill_in(cx.k, mapped.range.start, crate::ex::crt::code)?;
        } else if section.area.is_of_file("mscms.dll") {
            cx.k.mm.fill_in(cx.k, mapped.range.start, super::patch::no_profile)?;
        } else if section.area.is_of_file("crypt32.dll") {
            cx.k.mm.widen_sizes(cx.k, mapped.range.start)?;
        } else if section.area.is_of_file("kernelbase.dll") {
            cx.k.mm.have_links(cx.k, mapped.range.start)?;
        }
        if section.area.is_of_file("wineps.drv") {
            crate::win32k::print::job::go_before(cx, mapped.range.start)?;
        } else if section.area.is_of_file("gdi32.dll") {
            // The loader's own comes first.
            let gdi = &cx.k.user.rich_edits.gdi;
            let _ = gdi.compare_exchange(0, mapped.range.start, Ordering::AcqRel, Ordering::Relaxed);
        }
        cx.k.report_load(cx.t, mapped.range.start);
        return Ok(mapped.status);
    }
    if mapping.kind & mem::LARGE_PAGES != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let range = cx.k.mm.map_data(cx.k, section, mapping)?;
    place.store(cx, range.start, range.end - range.start)?;
    Ok(STATUS_SUCCESS)
}

/// Maps `size` bytes of a data section for both loads and stores, wherever there is room: what the window server does for a
/// program. Answers where.
///
/// # Errors
/// As [`nt_map_view_of_section`].
pub fn map_section(cx: &Cx<'_>, section: Handle, offset: u64, size: u64) -> Nt<u64> {
    let protection = protect::READWRITE;
    let object = cx.object(section, view_access(protection))?;
    let limits = Limits::default();
    let mapping = Mapping { base: None, limits, offset, size, kind: 0, protection, machine: 0 };
    Ok(cx.k.mm.map_data(cx.k, object.section()?, &mapping)?.start)
}

/// NtMapViewOfSection.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER_4`, `_8`, `_9`, `STATUS_MAPPED_ALIGNMENT`, `STATUS_INVALID_PAGE_PROTECTION`, and as
/// `Mm::map_data` and `Mm::map_image`.
#[allow(clippy::too_many_arguments)]
pub fn nt_map_view_of_section(
    cx: &Cx<'_>,
    section: Handle,
    process: Handle,
    base: UserPtr<u64>,
    zero_bits: u64,
    _commit_size: u64,
    offset: UserPtr<i64>,
    size: UserPtr<u64>,
    inherit: u32,
    kind: u32,
    protection: u32,
) -> Nt {
    let high = zero_bits_limit(zero_bits, STATUS_INVALID_PARAMETER_4)?;
    // ViewShare, ViewUnmap.
    if !(1..=2).contains(&inherit) {
        return Err(STATUS_INVALID_PARAMETER_8);
    }
    if kind & !ALLOCATION_TYPES != 0 || kind & mem::REPLACE_PLACEHOLDER != 0 {
        return Err(STATUS_INVALID_PARAMETER_9);
    }
    if base.read(cx.k)? >= high {
        return Err(STATUS_INVALID_PARAMETER_4);
    }
    let place = Place { base, offset, size };
    let (asked, at, bytes) = place.load(cx, kind)?;
    cx.own_process(process, VM_OPERATION)?;
    let limits = Limits { high, ..Limits::default() };
    map(cx, section, &Mapping { base: asked, limits, offset: at, size: bytes, kind, protection, machine: 0 }, &place)
}

/// NtMapViewOfSectionEx.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, and as [`nt_map_view_of_section`].
#[allow(clippy::too_many_arguments)]
pub fn nt_map_view_of_section_ex(
    cx: &Cx<'_>,
    section: Handle,
    process: Handle,
    base: UserPtr<u64>,
    offset: UserPtr<i64>,
    size: UserPtr<u64>,
    kind: u32,
    protection: u32,
    parameters: UserPtr<MemExtendedParameter>,
    count: u32,
) -> Nt {
    let extended = Extended::load(cx.k, parameters, count)?;
    if extended.aligned || kind & !ALLOCATION_TYPES != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let place = Place { base, offset, size };
    let (asked, at, bytes) = place.load(cx, kind)?;
    if asked.is_some() && extended.is_limited() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    cx.own_process(process, VM_OPERATION)?;
    let Extended { limits, machine, .. } = extended;
    map(cx, section, &Mapping { base: asked, limits, offset: at, size: bytes, kind, protection, machine }, &place)
}

/// NtUnmapViewOfSection.
///
/// # Errors
/// `STATUS_NOT_MAPPED_VIEW`.
pub fn nt_unmap_view_of_section(cx: &Cx<'_>, process: Handle, address: u64) -> Nt {
    nt_unmap_view_of_section_ex(cx, process, address, 0)
}

/// NtUnmapViewOfSectionEx.
///
/// # Errors
/// `STATUS_NOT_MAPPED_VIEW`, `STATUS_CONFLICTING_ADDRESSES`, `STATUS_INVALID_PARAMETER`.
pub fn nt_unmap_view_of_section_ex(cx: &Cx<'_>, process: Handle, address: u64, flags: u32) -> Nt {
    /// MEM_UNMAP_WITH_TRANSIENT_BOOST: the pages may be needed again soon, which the host knows best.
    const TRANSIENT_BOOST: u32 = 1;
    if flags & !(TRANSIENT_BOOST | mem::PRESERVE_PLACEHOLDER) != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    cx.own_process(process, VM_OPERATION)?;
    let image = cx.debugged_image(address);
    cx.k.mm.unmap_view(cx.k, address, flags & mem::PRESERVE_PLACEHOLDER != 0)?;
    if let Some(base) = image {
        cx.k.report_unload(cx.t, base);
    }
    Ok(STATUS_SUCCESS)
}
