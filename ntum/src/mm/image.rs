//! Mapping images: what lies where, from the file where that is possible, relocated where it is needed.

use super::Mm;
use super::allocate::mem;
use super::page::{PAGE_SIZE, Page, Pages, page_down, protect};
use super::pe::{self, Image, ImageInformation, SectionHeader, scn};
use super::region::{GRANULARITY, Kind, Limits, Region, Space, page_range};
use super::relocate::{self, Fixup};
use super::section::{ControlArea, FileBytes, Section};
use super::view::Mapping;
use crate::host::{Host, Placement, Prot, Sharing, Stream};
use crate::kernel::Kernel;
use crate::ob::directory::make_path;
use crate::status::*;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A view of an image section.
pub struct ImageView {
    /// The section's control area.
    pub area: Arc<ControlArea>,
    /// Memory that holds, at their offsets in the image, pages that were copied when they were first used.
    copies: Option<Stream>,
}

/// Bytes of code or constants that a part needs at least for it to be copied as it is used, rather than at once.
const COPY_LATER: u64 = 0x4_0000;
/// Bytes that are copied at a time then.
const CHUNK: u64 = 0x1_0000;

/// Where the bytes of a part of an image come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Pages of the file, from this offset.
    Mapped(u64),
    /// Bytes of the file that do not lie on pages there: offset and length.
    Copied(u64, u64),
    /// Nowhere: zeros.
    Zero,
    /// Memory that all views of the section with this number share.
    Shared(usize),
}

/// A part of an image whose pages are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Extent {
    /// Offsets in the image.
    range: Range<u64>,
    source: Source,
    /// PAGE_*.
    protection: u32,
    /// Whether it waits for its first access: debug data and relocations, which few programs ever look at, and what would
    /// have to be copied and is large.
    lazy: bool,
}

/// An image that was mapped.
#[derive(Debug, Clone)]
pub struct Mapped {
    /// Where.
    pub range: Range<u64>,
    /// `STATUS_SUCCESS`; `STATUS_IMAGE_NOT_AT_BASE` if the loader is to relocate it; `STATUS_IMAGE_MACHINE_TYPE_MISMATCH`.
    pub status: Status,
}

/// An image that the kernel mapped for itself, and what it has to know of it.
#[derive(Debug, Clone)]
pub struct MappedImage {
    /// Where it lies.
    pub base: u64,
    /// Bytes it takes there.
    pub size: u64,
    /// As NtQuerySection tells it, but with the entry point's address as it is now.
    pub info: ImageInformation,
    /// Its sections.
    pub sections: Vec<SectionHeader>,
}

fn section_protection(characteristics: u32) -> u32 {
    let has = |bit| characteristics & bit != 0;
    let shared = has(scn::SHARED);
    match (has(scn::EXECUTE), has(scn::READ), has(scn::WRITE)) {
        (false, false, false) => protect::NOACCESS,
        (false, true, false) => protect::READONLY,
        (false, _, true) if shared => protect::READWRITE,
        (false, _, true) => protect::WRITECOPY,
        (true, false, false) => protect::EXECUTE,
        (true, true, false) => protect::EXECUTE_READ,
        (true, _, true) if shared => protect::EXECUTE_READWRITE,
        (true, _, true) => protect::EXECUTE_WRITECOPY,
    }
}

/// What an image consists of, lowest first where sections do not overlap.
fn plan(image: &Image) -> Vec<Extent> {
    let file_size = u64::from(image.information.file_size);
    if image.is_flat() {
        // The whole file as it is, and zeros up to the image's size.
        let bytes = image.size.min(file_size.next_multiple_of(PAGE_SIZE));
        let protection = protect::EXECUTE_WRITECOPY;
        let file = Extent { range: 0..bytes, source: Source::Mapped(0), protection, lazy: false };
        let rest = Extent { range: bytes..image.size, source: Source::Zero, protection, lazy: false };
        return [file, rest].into_iter().filter(|extent| !extent.range.is_empty()).collect();
    }
    let mut extents = Vec::new();
    let header = image.header_size.min(file_size).min(image.size);
    split(&mut extents, file_size, 0, header.next_multiple_of(PAGE_SIZE), 0, header, protect::READONLY, false);
    for (index, section) in image.sections.iter().enumerate() {
        let (size, start, length) = pe::extent(section);
        let at = u64::from(section.virtual_address);
        let protection = section_protection(section.characteristics);
        if section.characteristics & scn::SHARED != 0 && section.characteristics & scn::WRITE != 0 {
            extents.push(Extent { range: at..at + size, source: Source::Shared(index), protection, lazy: false });
            continue;
        }
        let lazy = section.characteristics & scn::DISCARDABLE != 0
            && matches!(protection, protect::READONLY | protect::EXECUTE_READ);
        split(&mut extents, file_size, at, size, start, length, protection, lazy);
    }
    extents.retain(|extent| !extent.range.is_empty());
    extents.dedup_by(|next, extent| {
        let follows = next.range.start == extent.range.end
            && next.protection == extent.protection
            && next.lazy == extent.lazy
            && match (extent.source, next.source) {
                (Source::Mapped(offset), Source::Mapped(more)) => {
                    offset + (extent.range.end - extent.range.start) == more
                }
                (Source::Zero, Source::Zero) => true,
                _ => false,
            };
        if follows {
            extent.range.end = next.range.end;
        }
        follows
    });
    extents
}

/// Splits `length` bytes of the file at `start`, to lie at `at` with zeros up to `size`, into what can be mapped and what
/// has to be copied.
#[allow(clippy::too_many_arguments)]
fn split(
    extents: &mut Vec<Extent>,
    file_size: u64,
    at: u64,
    size: u64,
    start: u64,
    length: u64,
    protection: u32,
    lazy: bool,
) {
    let mut done = 0;
    if length != 0 && start.is_multiple_of(PAGE_SIZE) {
        // The file's own end is followed by zeros in its last page; anything else in that page must not be seen.
        let whole = if start + length >= file_size { length.next_multiple_of(PAGE_SIZE) } else { page_down(length) };
        extents.push(Extent { range: at..at + whole, source: Source::Mapped(start), protection, lazy });
        done = whole;
    }
    if done < length {
        let end = length.next_multiple_of(PAGE_SIZE);
        let source = Source::Copied(start + done, length - done);
        let lazy = lazy || length - done >= COPY_LATER && !Page::committed(protection).is_writable();
        extents.push(Extent { range: at + done..at + end, source, protection, lazy });
        done = end;
    }
    extents.push(Extent { range: at + done..at + size, source: Source::Zero, protection, lazy: false });
}

/// The state of an image's pages, and what the host protects them with while the image is put together.
struct Assembly<'a> {
    k: &'a Kernel,
    area: &'a ControlArea,
    image: &'a Image,
    base: u64,
    pages: Pages,
    /// Parts whose protection is not final yet, with what they have.
    unfinished: Vec<(Range<u64>, Prot)>,
}

impl Assembly<'_> {
    fn host(&self) -> &'static dyn Host {
        self.k.host
    }

    fn addresses(&self, range: &Range<u64>) -> Range<u64> {
        self.base + range.start..self.base + range.end
    }

    /// Maps every part. `written` says of which pages relocation will store to; `room` is how the reservation is protected.
    fn lay_out(&mut self, extents: &[Extent], room: Prot, fixups: &[Fixup]) -> Nt<()> {
        for extent in extents {
            let at = self.addresses(&extent.range);
            let length = at.end - at.start;
            let first = fixups.partition_point(|fixup| fixup.rva + fixup.kind.width() as u64 <= extent.range.start);
            let fixed = fixups.get(first).is_some_and(|fixup| fixup.rva < extent.range.end);
            let page = Page::committed(extent.protection).lazy(extent.lazy && !fixed);
            self.pages.set(at.clone(), page);
            let last = page.host(true);
            match extent.source {
                _ if page.is_lazy() => self.unfinished.push((at, room)),
                Source::Mapped(offset) => {
                    let prot = if fixed { Prot::READ_WRITE } else { last };
                    self.map_file(&at, prot, &self.area.stream, offset, Sharing::Private)?;
                    if prot != last {
                        self.unfinished.push((at, prot));
                    } else if !last.write {
                        self.pages.set(at, page.of_file(true));
                    }
                }
                Source::Copied(offset, bytes) => {
                    if room != Prot::READ_WRITE {
                        self.host().protect(at.start, length, Prot::READ_WRITE)?;
                    }
                    self.copy(at.start, offset, bytes)?;
                    self.unfinished.push((at, Prot::READ_WRITE));
                }
                Source::Zero => self.unfinished.push((at, room)),
                Source::Shared(section) => {
                    let stream = self.shared(section, length)?;
                    self.map_file(&at, last, &stream, 0, Sharing::Shared)?;
                }
            }
        }
        Ok(())
    }

    fn map_file(&self, at: &Range<u64>, prot: Prot, stream: &Stream, offset: u64, sharing: Sharing) -> Nt<()> {
        let length = at.end - at.start;
        Ok(self.host().map_stream(at.start, length, prot, Placement::Replace, stream, offset, sharing)?)
    }

    /// Reads bytes of the file to an address.
    fn copy(&self, at: u64, offset: u64, bytes: u64) -> Nt<()> {
        let mut done = 0;
        while done < bytes {
            let rest = (bytes - done) as usize;
            match self.host().read(&self.area.stream, at + done, rest, Some(offset + done))? {
                // The last sector of a file may be cut short.
                0 => break,
                count => done += count as u64,
            }
        }
        Ok(())
    }

    /// The memory behind a shared section, filled from the file when the first view is made.
    fn shared(&self, index: usize, size: u64) -> Nt<Arc<Stream>> {
        let mut shared = self.area.shared.lock();
        if let Some(stream) = shared.get(&index) {
            return Ok(stream.clone());
        }
        let stream = Arc::new(self.host().make_shared(size)?);
        if let Some(section) = self.image.sections.get(index) {
            let (_, start, length) = pe::extent(section);
            let bytes = pe::Bytes::read(&FileBytes { k: self.k, stream: &self.area.stream }, start, length as usize)?;
            fill(self.k, &stream, 0, &bytes)?;
        }
        shared.insert(index, stream.clone());
        Ok(stream)
    }

    /// Applies relocations.
    fn relocate(&self, fixups: &[Fixup], delta: u64) -> Nt<()> {
        let failed = |_| STATUS_INVALID_IMAGE_FORMAT;
        for (start, end, fixups) in relocate::runs(fixups) {
            let at = self.base + start;
            let mut bytes = vec![0; (end - start) as usize];
            self.host().read_user(at, &mut bytes).map_err(failed)?;
            for fixup in fixups {
                let into = (fixup.rva - start) as usize;
                if let Some(bytes) = bytes.get_mut(into..) {
                    fixup.kind.apply(bytes, delta);
                }
            }
            self.host().write_user(at, &bytes).map_err(failed)?;
        }
        Ok(())
    }

    /// Gives every part the protection it is to have.
    fn finish(&mut self) -> Nt<()> {
        let mut due: Option<(Range<u64>, Prot)> = None;
        self.unfinished.sort_by_key(|(range, _)| range.start);
        for (range, prot) in std::mem::take(&mut self.unfinished) {
            let last = self.pages.at(range.start).host(true);
            if last == prot {
                continue;
            }
            match &mut due {
                Some((before, same)) if before.end == range.start && *same == last => before.end = range.end,
                _ => {
                    if let Some((range, prot)) = due.replace((range, last)) {
                        self.host().protect(range.start, range.end - range.start, prot)?;
                    }
                }
            }
        }
        if let Some((range, prot)) = due {
            self.host().protect(range.start, range.end - range.start, prot)?;
        }
        Ok(())
    }
}

impl Mm {
    /// Maps an image section: at `mapping.base` if that is given, else at the address it was linked for if that is free,
    /// else where there is room, relocated.
    ///
    /// # Errors
    /// `STATUS_CONFLICTING_ADDRESSES`, `STATUS_NO_MEMORY`, `STATUS_INVALID_IMAGE_FORMAT`, `STATUS_NOT_SUPPORTED` if it is
    /// not for the machine asked for, `STATUS_COMMITMENT_LIMIT`.
    pub fn map_image(&self, k: &Kernel, section: &Section, mapping: &Mapping) -> Nt<Mapped> {
        let area = &section.area;
        let image = area.image()?;
        if mapping.machine != 0 && mapping.machine != image.information.machine {
            return Err(STATUS_NOT_SUPPORTED);
        }
        let extents = plan(image);
        let writable = extents.iter().filter(|extent| Page::committed(extent.protection).is_copy_on_write());
        let charge = writable.map(|extent| extent.range.end - extent.range.start).sum();
        self.charge(k, charge)?;
        let mut space = self.space.lock();
        let mapped = self.put_together(k, &space, area, image, &extents, mapping);
        let (range, pages) = mapped.inspect_err(|_| self.uncharge(charge))?;
        let protection = protect::EXECUTE_WRITECOPY;
        let mut region = Region::new(
            range.clone(),
            Kind::Image(ImageView { area: area.clone(), copies: None }),
            protection,
            Page::RESERVED,
        );
        region.pages = pages;
        region.charge = charge;
        space.insert(region);
        let status = if image.information.machine != pe::MACHINE_AMD64 && mapping.machine == 0 {
            STATUS_IMAGE_MACHINE_TYPE_MISMATCH
        } else if moved_from(area, image, range.start) {
            STATUS_IMAGE_NOT_AT_BASE
        } else {
            STATUS_SUCCESS
        };
        Ok(Mapped { range, status })
    }

    /// Maps an image from a stream that the kernel opened itself: ntdll (`system`), the program, the API sets. A program
    /// that does not bear addresses above 2 GB keeps everything after it below.
    ///
    /// # Errors
    /// As [`pe::parse`] and [`Mm::map_image`].
    pub fn map_image_file(&self, k: &Kernel, stream: Stream, path: &str, system: bool) -> Nt<MappedImage> {
        let section = self.image_section_of(k, stream, device_path(k, path))?;
        let body = section.section()?;
        let image = body.area.image()?;
        if !system && !image.is_dll() && !image.is_large_address_aware() {
            self.stay_below_2_gb();
        }
        // A DLL of data leaves the bases that DLLs are linked for to DLLs.
        let only_data = image.is_dll() && image.information.contains_code == 0;
        let limits = if only_data { self.beside_images() } else { Limits::default() };
        let mapping =
            Mapping { base: None, limits, offset: 0, size: 0, kind: 0, protection: protect::EXECUTE_READ, machine: 0 };
        let mapped = self.map_image(k, body, &mapping)?;
        let base = mapped.range.start;
        if mapped.status == STATUS_IMAGE_NOT_AT_BASE && image.is_fixed() && image.information.contains_code != 0 {
            self.unmap_view(k, base, false)?;
            return Err(STATUS_CONFLICTING_ADDRESSES);
        }
        if system {
            // Programs that want it untouched look for it here.
            let known = make_path(&k.ob.root, "\\KnownDlls");
            section.permanent.store(true, Ordering::Relaxed);
            let name = path.rsplit('\\').next().unwrap_or(path);
            crate::ob::directory::enter(&known, &crate::types::wide(name), &section)?;
        }
        let mut info = image.information;
        info.transfer_address = base.wrapping_add(u64::from(image.entry));
        Ok(MappedImage { base, size: image.size, info, sections: image.sections.clone() })
    }

    /// The image that holds an address: its file's name without the folders, and where it lies.
    pub fn module_at(&self, address: u64) -> Option<(String, u64)> {
        let space = self.space.lock();
        let region = space.find(address)?;
        let Kind::Image(view) = &region.kind else { return None };
        let (_, path) = view.area.file.as_ref()?;
        let name = path.rsplit(|unit| *unit == u16::from(b'\\')).next()?;
        Some((String::from_utf16_lossy(name), region.base))
    }

    fn put_together(
        &self,
        k: &Kernel,
        space: &Space,
        area: &ControlArea,
        image: &Image,
        extents: &[Extent],
        mapping: &Mapping,
    ) -> Nt<(Range<u64>, Pages)> {
        // Where bytes are copied all of it is writable at first, so that each part needs one call less.
        let copied =
            extents.iter().any(|extent| matches!(extent.source, Source::Copied(..)) && extent.range.start != 0);
        let room = if copied { Prot::READ_WRITE } else { Prot::NONE };
        let base = self.image_base(k, space, image, room, mapping)?;
        let range = base..base + image.size;
        // What no section covers cannot be touched.
        let pages = Pages::new(range.clone(), Page::committed(protect::NOACCESS));
        let mut assembly = Assembly { k, area, image, base, pages, unfinished: Vec::new() };
        if copied {
            assembly.unfinished.extend(gaps(extents, image.size).map(|gap| (base + gap.start..base + gap.end, room)));
        }
        let delta = base.wrapping_sub(image.base);
        let moved = delta != 0 && image.is_dynamically_relocated();
        let result = (|| {
            let fixups = if moved { fixups(k, area, image)? } else { Vec::new() };
            assembly.lay_out(extents, room, &fixups)?;
            if moved {
                assembly.relocate(&fixups, delta)?;
            }
            assembly.finish()
        })();
        match result {
            Ok(()) => Ok((range, assembly.pages)),
            Err(status) => {
                k.host.unmap(base, image.size);
                Err(status)
            }
        }
    }

    /// Reserves the address space of an image.
    fn image_base(&self, k: &Kernel, space: &Space, image: &Image, room: Prot, mapping: &Mapping) -> Nt<u64> {
        let size = image.size;
        let map = |at| self.map_new(k, at, size, room);
        if let Some(at) = mapping.base {
            let range = page_range(at, size).filter(|range| range.start >= crate::um::LOWEST && space.is_free(range));
            map(range.ok_or(STATUS_CONFLICTING_ADDRESSES)?.start)?;
            return Ok(at);
        }
        let limits = if image.is_32_bit() { mapping.limits.narrowed(&(0..1 << 32)) } else { mapping.limits };
        let highest = limits.high.min(self.highest());
        let preferred = page_range(image.base, size).filter(|range| {
            image.base.is_multiple_of(GRANULARITY)
                && range.start >= limits.low.max(crate::um::LOWEST)
                && range.end <= highest
                && space.is_free(range)
        });
        if let Some(range) = preferred {
            match map(range.start) {
                Ok(()) => return Ok(range.start),
                Err(shim_abi::error::Error::AddressInUse) => {}
                Err(error) => return Err(error.into()),
            }
        }
        space.place(size, &self.image_windows(limits), mapping.kind & mem::TOP_DOWN != 0, map)
    }

    /// Maps the part of an image that holds an address and waited for its first access.
    pub(super) fn map_lazy(&self, k: &Kernel, region: &mut Region, address: u64) -> Nt<()> {
        let base = region.base;
        let Kind::Image(view) = &mut region.kind else { return Err(STATUS_ACCESS_VIOLATION) };
        let area = view.area.clone();
        let extents = plan(area.image()?);
        let extent = extents.iter().find(|extent| extent.range.contains(&(address - base)));
        let Extent { range, source, .. } = extent.ok_or(STATUS_ACCESS_VIOLATION)?;
        let part = match source {
            Source::Copied(..) => {
                let start = ((address - base) & !(CHUNK - 1)).max(range.start);
                start..(start + CHUNK).min(range.end)
            }
            _ => range.clone(),
        };
        let (stream, offset) = match *source {
            Source::Mapped(offset) => (&*area.stream, offset),
            Source::Copied(offset, length) => {
                let copies = match &mut view.copies {
                    Some(copies) => copies,
                    none => none.insert(k.host.make_shared(area.size())?),
                };
                let into = part.start - range.start;
                let bytes = (part.end - part.start).min(length.saturating_sub(into));
                let file = FileBytes { k, stream: &area.stream };
                fill(k, copies, part.start, &pe::Bytes::read(&file, offset + into, bytes as usize)?)?;
                (&*copies, range.start)
            }
            Source::Zero | Source::Shared(_) => return Err(STATUS_ACCESS_VIOLATION),
        };
        let part = base + part.start..base + part.end;
        for (run, page) in region.pages.over(part.clone()).filter(|(_, page)| page.is_lazy()) {
            let prot = page.lazy(false).host(true);
            let from = offset + (run.start - base - range.start);
            let length = run.end - run.start;
            k.host.map_stream(run.start, length, prot, Placement::Replace, stream, from, Sharing::Private)?;
        }
        let mapped = matches!(source, Source::Mapped(_));
        let done = |page: Page| page.lazy(false).of_file(mapped && !page.lazy(false).host(true).write);
        region.pages.update(part, |page| if page.is_lazy() { done(page) } else { page });
        Ok(())
    }
}

/// Writes all bytes to a stream at an offset.
fn fill(k: &Kernel, stream: &Stream, offset: u64, bytes: &[u8]) -> Nt<()> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match k.host.write_bytes(stream, rest, Some(offset + done as u64))? {
            0 => return Err(STATUS_NO_MEMORY),
            count => done += count,
        }
    }
    Ok(())
}

/// Whether the loader is to hear that a view does not lie where its image belongs: where it was linked for, or, if the kernel
/// relocates it, where its first view was.
fn moved_from(area: &ControlArea, image: &Image, base: u64) -> bool {
    if !image.is_dynamically_relocated() {
        return base != image.base;
    }
    let first = area.first_base.compare_exchange(0, base, Ordering::AcqRel, Ordering::Acquire);
    first.is_err_and(|first| first != base)
}

/// The path of a file in the object manager's name space, from its path with a drive letter: what the letter's link in
/// `\??` leads to.
fn device_path(k: &Kernel, path: &str) -> Vec<u16> {
    let (drive, rest) = path.split_at_checked(2).unwrap_or((path, ""));
    let link = crate::types::wide(&format!("\\??\\{drive}"));
    let found = crate::ob::directory::walk(&k.ob.root, None, &link, true, true);
    let mut target = match found {
        Ok(crate::ob::directory::Found::Object(object)) => {
            object.symbolic_link().map(|link| link.target.read().clone())
        }
        _ => Err(STATUS_OBJECT_NAME_NOT_FOUND),
    }
    .unwrap_or(link);
    target.extend(rest.encode_utf16());
    target
}

/// Parts of an image that no section covers.
fn gaps(extents: &[Extent], size: u64) -> impl Iterator<Item = Range<u64>> {
    let mut covered: Vec<Range<u64>> = extents.iter().map(|extent| extent.range.clone()).collect();
    covered.sort_by_key(|range| range.start);
    covered.push(size..size);
    let mut at = 0;
    covered.into_iter().filter_map(move |range| {
        let gap = at..range.start;
        at = at.max(range.end);
        (!gap.is_empty()).then_some(gap)
    })
}

/// What has to be changed in an image that lies elsewhere than it was linked for: its relocations, and the field that says
/// where it was linked for, which the loader compares.
fn fixups(k: &Kernel, area: &ControlArea, image: &Image) -> Nt<Vec<Fixup>> {
    let mut fixups = Vec::new();
    if let Some((rva, size)) = image.relocations {
        let at = pe::file_offset(image, rva).ok_or(STATUS_INVALID_IMAGE_FORMAT)?;
        let length = u64::from(size).min(image.size) as usize;
        let bytes = pe::Bytes::read(&FileBytes { k, stream: &area.stream }, at, length)?;
        fixups = relocate::decode(image, &bytes)?;
    }
    let (at, width) = image.base_field;
    let kind = if width == 8 { relocate::FixupKind::Dir64 } else { relocate::FixupKind::HighLow };
    if at + width as u64 <= image.header_size.min(image.size) {
        fixups.push(Fixup { rva: at, kind });
        fixups.sort_unstable_by_key(|fixup| fixup.rva);
    }
    Ok(fixups)
}
