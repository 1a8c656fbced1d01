//! Section objects, and the control areas that they and their views share.

use super::Mm;
use super::page::{PAGE_SIZE, Page, Pages, check_protection, page_up, protect, rights, rights_of};
use super::pe::{self, Image};
use crate::host::Stream;
use crate::io::file::{FILE_EXECUTE, FILE_READ_DATA, FILE_WRITE_DATA, SectionSource};
use crate::ke::dispatcher::Dispatcher;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::object::{Body, Object};
use crate::status::*;
use parking_lot::Mutex;
use shim_abi::stream::Identity;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use zerocopy::IntoBytes;

/// SEC_* bits (`winnt.h`).
#[allow(missing_docs)]
pub mod sec {
    pub const PARTITION_OWNER_HANDLE: u32 = 0x4_0000;
    pub const SEC_64K_PAGES: u32 = 0x8_0000;
    pub const FILE: u32 = 0x80_0000;
    pub const IMAGE: u32 = 0x100_0000;
    pub const PROTECTED_IMAGE: u32 = 0x200_0000;
    pub const RESERVE: u32 = 0x400_0000;
    pub const COMMIT: u32 = 0x800_0000;
    pub const NOCACHE: u32 = 0x1000_0000;
    pub const IMAGE_NO_EXECUTE: u32 = IMAGE | NOCACHE;
    pub const WRITECOMBINE: u32 = 0x4000_0000;
    pub const LARGE_PAGES: u32 = 0x8000_0000;
}

/// SECTION_QUERY.
pub const SECTION_QUERY: u32 = 0x1;
/// SECTION_MAP_WRITE.
pub const SECTION_MAP_WRITE: u32 = 0x2;
/// SECTION_MAP_READ.
pub const SECTION_MAP_READ: u32 = 0x4;
/// SECTION_MAP_EXECUTE.
pub const SECTION_MAP_EXECUTE: u32 = 0x8;
/// SECTION_EXTEND_SIZE.
pub const SECTION_EXTEND_SIZE: u32 = 0x10;

/// Largest file that NTFS holds, and so the largest section of one.
const MAX_FILE: u64 = 1 << 54;
/// Largest section without a file: what the guest's half could hold.
const MAX_PAGEFILE: u64 = crate::um::HIGHEST;

/// What bytes a section has.
pub enum Backing {
    /// Memory. For SEC_RESERVE, which pages of it are committed, by offset.
    Pagefile(Option<Mutex<Pages>>),
    /// A file's data.
    File,
    /// A file laid out as an image.
    Image(Box<Image>),
}

/// What a section and its views share: alive while any of them is.
pub struct ControlArea {
    /// The bytes.
    pub stream: Arc<Stream>,
    /// How many. Sections of files can be extended.
    pub size: AtomicU64,
    /// SEC_*, as NtQuerySection tells them.
    pub attributes: u32,
    /// What they are.
    pub backing: Backing,
    /// The file: its identity, and its path in the object manager's name space.
    pub file: Option<(Identity, Vec<u16>)>,
    /// Memory that views of an image share: its shared writable sections, by their number.
    pub shared: Mutex<HashMap<usize, Arc<Stream>>>,
    /// Where an image was mapped first: what it counts as linked for from then on. 0 before.
    pub first_base: AtomicU64,
    /// The commit charge that it gives back.
    charge: Option<Charge>,
    /// Whether other processes commit its pages too: behind the section's bytes the stream then holds a byte for each page,
    /// not 0 for one that is committed. It is never taken back.
    pub(super) several: AtomicBool,
}

/// What says of a page, behind the bytes, that it is committed.
const COMMITTED: u8 = 1;
/// Pages whose state is read at a time.
const STATES: usize = 0x1_0000;

/// Bytes charged against the commit limit for as long as it lives.
struct Charge {
    k: &'static Kernel,
    bytes: AtomicU64,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.k.mm.uncharge(*self.bytes.get_mut());
    }
}

impl ControlArea {
    /// Bytes in it.
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// The image, if it is one.
    ///
    /// # Errors
    /// `STATUS_SECTION_NOT_IMAGE`.
    pub fn image(&self) -> Nt<&Image> {
        match &self.backing {
            Backing::Image(image) => Ok(image),
            _ => Err(STATUS_SECTION_NOT_IMAGE),
        }
    }

    /// Whether its file has this name, in whatever folder.
    pub fn is_of_file(&self, name: &str) -> bool {
        let path = self.file.as_ref().map_or(&[][..], |(_, path)| path);
        let own = path.rsplit(|unit| *unit == u16::from(b'\\')).next().unwrap_or_default();
        let lower = |unit: &u16| u8::try_from(*unit).map(|byte| byte.to_ascii_lowercase());
        own.iter().map(lower).eq(name.bytes().map(Ok))
    }

    /// Which pages are committed, if not all are.
    pub fn reserve(&self) -> Option<&Mutex<Pages>> {
        match &self.backing {
            Backing::Pagefile(committed) => committed.as_ref(),
            _ => None,
        }
    }

    /// Commits pages, by their offsets.
    ///
    /// # Errors
    /// `STATUS_COMMITMENT_LIMIT`.
    pub fn commit(&self, k: &Kernel, range: &Range<u64>) -> Nt<()> {
        let (Some(reserve), Some(charge)) = (self.reserve(), &self.charge) else { return Ok(()) };
        let mut pages = reserve.lock();
        self.learn_commitment(&mut pages, range);
        let bytes = range.end - range.start - pages.count(range.clone(), Page::is_committed);
        k.mm.charge(k, bytes)?;
        charge.bytes.fetch_add(bytes, Ordering::Relaxed);
        pages.set(range.clone(), Page::committed(protect::READWRITE));
        if self.several.load(Ordering::Acquire) {
            self.tell_commitment(k, range)?;
        }
        Ok(())
    }

    /// Tells other processes that pages are committed.
    ///
    /// # Errors
    /// What the host answers.
    pub(super) fn tell_commitment(&self, k: &Kernel, range: &Range<u64>) -> Nt<()> {
        let mut at = range.start / PAGE_SIZE;
        while at < range.end / PAGE_SIZE {
            let count = (range.end / PAGE_SIZE - at).min(STATES as u64);
            let states = vec![COMMITTED; count as usize];
            match k.host.write_bytes(&self.stream, &states, Some(self.size() + at))? {
                0 => return Err(STATUS_NO_MEMORY),
                written => at += written as u64,
            }
        }
        Ok(())
    }

    /// Takes over which pages other processes committed.
    pub(super) fn learn_commitment(&self, pages: &mut Pages, range: &Range<u64>) {
        let Some(Charge { k, .. }) = &self.charge else { return };
        if !self.several.load(Ordering::Acquire) {
            return;
        }
        let mut states = Vec::new();
        let mut at = range.start / PAGE_SIZE;
        while at < range.end / PAGE_SIZE {
            states.resize((range.end / PAGE_SIZE - at).min(STATES as u64) as usize, 0);
            let Ok(count @ 1..) = k.host.read_bytes(&self.stream, &mut states, Some(self.size() + at)) else { return };
            let runs = states[..count].chunk_by(|one, other| one == other);
            let mut first = at;
            for run in runs {
                let next = first + run.len() as u64;
                if run.first() == Some(&COMMITTED) {
                    pages.set(first * PAGE_SIZE..next * PAGE_SIZE, Page::committed(protect::READWRITE));
                }
                first = next;
            }
            at += count as u64;
        }
    }
}

/// A section.
pub struct Section {
    /// What its views will share with it.
    pub area: Arc<ControlArea>,
    /// Protection it was made with: views cannot have more.
    pub protection: u32,
    /// Bytes that its maker gave to a section of an image, which NtQuerySection tells then; 0 if none were.
    pub asked: u64,
}

impl Section {
    /// Bytes in it, as NtQuerySection tells them.
    pub fn size(&self) -> u64 {
        if self.asked == 0 { self.area.size() } else { self.asked }
    }
}

/// Volume and number of a file.
type FileKey = (u64, u64);

/// How sections and their views use a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileUse {
    /// Laid out as an image: nobody may write or delete the file.
    pub image: bool,
    /// As data that can be written: who opens the file shares it with a writer.
    pub writable: bool,
}

/// Control areas by the file they are of: those of images, whose views share shared sections and the first base, and those
/// of data that can be written.
#[derive(Default)]
pub struct Areas {
    by_file: Mutex<HashMap<FileKey, Vec<Weak<ControlArea>>>>,
}

impl Areas {
    fn living(&self, identity: &Identity) -> Vec<Arc<ControlArea>> {
        let mut by_file = self.by_file.lock();
        let key = (identity.volume, identity.number);
        let Some(areas) = by_file.get_mut(&key) else { return Vec::new() };
        areas.retain(|area| area.strong_count() != 0);
        if areas.is_empty() {
            by_file.remove(&key);
            return Vec::new();
        }
        areas.iter().filter_map(Weak::upgrade).collect()
    }

    fn add(&self, identity: &Identity, area: &Arc<ControlArea>) {
        let mut by_file = self.by_file.lock();
        let areas = by_file.entry((identity.volume, identity.number)).or_default();
        areas.retain(|area| area.strong_count() != 0);
        areas.push(Arc::downgrade(area));
    }
}

/// A file as [`pe`] reads it.
pub(super) struct FileBytes<'a> {
    pub k: &'a Kernel,
    pub stream: &'a Stream,
}

impl pe::Bytes for FileBytes<'_> {
    fn read(&self, offset: u64, length: usize) -> Nt<Vec<u8>> {
        let mut bytes = vec![0; length];
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.k.host.read_bytes(self.stream, rest, offset.checked_add(done as u64))? {
                0 => break,
                count => done += count,
            }
        }
        bytes.truncate(done);
        Ok(bytes)
    }
}

impl Mm {
    /// A section without a file.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER`, `STATUS_SECTION_TOO_BIG`, `STATUS_COMMITMENT_LIMIT`, `STATUS_NO_MEMORY`.
    pub fn pagefile_section(&self, k: &'static Kernel, size: u64, attributes: u32, protection: u32) -> Nt<Ref> {
        let size = page_up(size).filter(|size| *size != 0).ok_or(STATUS_INVALID_PARAMETER)?;
        if size > MAX_PAGEFILE {
            return Err(STATUS_SECTION_TOO_BIG);
        }
        let reserve = attributes & sec::RESERVE != 0;
        let charge = if reserve { 0 } else { size };
        self.charge(k, charge)?;
        let charge = Some(Charge { k, bytes: AtomicU64::new(charge) });
        // Behind the bytes, a state for each page that may be reserved only.
        let states = if reserve { size / PAGE_SIZE } else { 0 };
        let stream = k.host.make_shared(size + states)?;
        let area = pagefile_area(stream, size, attributes, charge);
        Ok(section(Section { area: Arc::new(area), protection, asked: 0 }))
    }

    /// A section without a file that another process made.
    pub(super) fn shared_section(
        &self,
        k: &'static Kernel,
        stream: Stream,
        size: u64,
        attributes: u32,
        protection: u32,
    ) -> Section {
        let area = pagefile_area(stream, size, attributes, Some(Charge { k, bytes: AtomicU64::new(0) }));
        area.several.store(true, Ordering::Release);
        Section { area: Arc::new(area), protection, asked: 0 }
    }

    /// Maps an anonymous section of the sandbox's for the kernel's own use, where the guest's memory has room; answers where. It is given
    /// back with [`Mm::unmap_view`]. Its pages are not charged here: who made the section answers for them.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY`, what the host answers.
    pub fn map_stream_of_others(&self, k: &'static Kernel, stream: Stream, size: u64) -> Nt<u64> {
        let size = page_up(size).filter(|size| *size != 0).ok_or(STATUS_INVALID_PARAMETER)?;
        let section = self.shared_section(k, stream, size, sec::COMMIT, protect::READWRITE);
        let mapping = super::view::Mapping {
            base: None,
            limits: super::region::Limits::default(),
            offset: 0,
            size,
            kind: super::allocate::mem::TOP_DOWN,
            protection: protect::READWRITE,
            machine: 0,
        };
        self.map_data(k, &section, &mapping).map(|range| range.start)
    }

    /// A section of a file's data. `size` 0 is all of the file; more than the file has extends it.
    ///
    /// # Errors
    /// `STATUS_MAPPED_FILE_SIZE_ZERO`, `STATUS_SECTION_TOO_BIG`, what the host answers.
    pub fn file_section(
        &self,
        k: &Kernel,
        source: SectionSource,
        size: u64,
        attributes: u32,
        protection: u32,
    ) -> Nt<Ref> {
        self.file_area(k, source, size, attributes, protection).map(section)
    }

    /// As [`Mm::file_section`], without an object.
    pub(super) fn file_area(
        &self,
        k: &Kernel,
        source: SectionSource,
        size: u64,
        attributes: u32,
        protection: u32,
    ) -> Nt<Section> {
        let size = match size {
            0 if source.size == 0 => return Err(STATUS_MAPPED_FILE_SIZE_ZERO),
            0 => source.size,
            size if size <= source.size => size,
            size if source.access & FILE_WRITE_DATA == 0
                || rights_of(protection) & rights::WRITE == 0
                || size > MAX_FILE =>
            {
                return Err(STATUS_SECTION_TOO_BIG);
            }
            size => {
                k.host.set_length(&source.stream, size)?;
                size
            }
        };
        let identity = source.identity.clone();
        let area = Arc::new(ControlArea {
            stream: source.stream,
            size: AtomicU64::new(size),
            attributes: sec::FILE | attributes & (sec::NOCACHE | sec::WRITECOMBINE),
            backing: Backing::File,
            file: Some((source.identity, source.name)),
            shared: Mutex::default(),
            first_base: AtomicU64::new(0),
            charge: None,
            several: AtomicBool::new(false),
        });
        if rights_of(protection) & rights::WRITE != 0 {
            self.areas.add(&identity, &area);
        }
        Ok(Section { area, protection, asked: 0 })
    }

    /// What sections and views there are of a file.
    pub fn file_use(&self, identity: &Identity) -> FileUse {
        let areas = self.areas.living(identity);
        FileUse {
            image: areas.iter().any(|area| area.image().is_ok()),
            writable: areas.iter().any(|area| area.image().is_err()),
        }
    }

    /// A section of a file laid out as an image.
    ///
    /// # Errors
    /// As [`pe::parse`]; `STATUS_SECTION_TOO_BIG` if `size` is more than the image's.
    pub fn image_section(&self, k: &Kernel, source: SectionSource, size: u64, protection: u32) -> Nt<Ref> {
        self.image_area(k, source, size, protection).map(section)
    }

    /// As [`Mm::image_section`], without an object.
    pub(super) fn image_area(&self, k: &Kernel, source: SectionSource, size: u64, protection: u32) -> Nt<Section> {
        let image = pe::parse(&FileBytes { k, stream: &source.stream }, source.size)?;
        if size > image.size {
            return Err(STATUS_SECTION_TOO_BIG);
        }
        let information = image.information;
        let known = self.areas.living(&source.identity).into_iter().find(|area| {
            // The same file, unless it was written since.
            area.image().is_ok_and(|other| other.information.as_bytes() == information.as_bytes())
        });
        let area = known.unwrap_or_else(|| {
            let area = Arc::new(ControlArea {
                stream: source.stream,
                size: AtomicU64::new(image.size),
                attributes: sec::FILE | sec::IMAGE,
                backing: Backing::Image(Box::new(image)),
                file: Some((source.identity.clone(), source.name)),
                shared: Mutex::default(),
                first_base: AtomicU64::new(0),
                charge: None,
                several: AtomicBool::new(false),
            });
            self.areas.add(&source.identity, &area);
            area
        });
        Ok(Section { area, protection, asked: size })
    }

    /// A section of an image that lies in a stream the kernel opened itself: ntdll and the program, at the start.
    /// `name` is its path in the object manager's name space.
    ///
    /// # Errors
    /// As [`Mm::image_section`].
    pub fn image_section_of(&self, k: &Kernel, stream: Stream, name: Vec<u16>) -> Nt<Ref> {
        let info = k.host.query(&stream)?;
        let access = FILE_READ_DATA | FILE_EXECUTE;
        let source = SectionSource { stream: Arc::new(stream), size: info.size, access, identity: info.identity, name };
        self.image_section(k, source, 0, protect::EXECUTE_READ)
    }

    /// Makes a section of a file longer; answers its size now.
    ///
    /// # Errors
    /// `STATUS_SECTION_NOT_EXTENDED`, `STATUS_SECTION_TOO_BIG`, what the host answers.
    pub(super) fn extend(&self, k: &Kernel, section: &Section, size: u64) -> Nt<u64> {
        if !matches!(section.area.backing, Backing::File) {
            return Err(STATUS_SECTION_NOT_EXTENDED);
        }
        if size > MAX_FILE {
            return Err(STATUS_SECTION_TOO_BIG);
        }
        if size > section.area.size() {
            if rights_of(section.protection) & rights::WRITE == 0 {
                return Err(STATUS_SECTION_NOT_EXTENDED);
            }
            if k.host.query(&section.area.stream)?.size < size {
                k.host.set_length(&section.area.stream, size)?;
            }
            section.area.size.fetch_max(size, Ordering::AcqRel);
        }
        Ok(section.area.size())
    }
}

fn section(section: Section) -> Ref {
    Object::new(Dispatcher::none(), Body::Section(section))
}

fn pagefile_area(stream: Stream, size: u64, attributes: u32, charge: Option<Charge>) -> ControlArea {
    let reserve = attributes & sec::RESERVE != 0;
    let committed = reserve.then(|| Mutex::new(Pages::new(0..size, Page::RESERVED)));
    ControlArea {
        stream: Arc::new(stream),
        size: AtomicU64::new(size),
        attributes,
        backing: Backing::Pagefile(committed),
        file: None,
        shared: Mutex::default(),
        first_base: AtomicU64::new(0),
        charge,
        several: AtomicBool::new(false),
    }
}

/// What a section is to be of, from NtCreateSection's arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Pagefile,
    File,
    Image,
}

/// Checks the attributes and the protection of a section to be made; answers what it will be, and the rights to the file
/// that takes.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `_6`, `STATUS_INVALID_PAGE_PROTECTION`, `STATUS_INVALID_FILE_FOR_SECTION`,
/// `STATUS_PRIVILEGE_NOT_HELD`.
pub(super) fn check_attributes(attributes: u32, protection: u32, has_file: bool) -> Nt<(Sort, u32)> {
    const KNOWN: u32 = sec::IMAGE
        | sec::RESERVE
        | sec::COMMIT
        | sec::NOCACHE
        | sec::WRITECOMBINE
        | sec::LARGE_PAGES
        | sec::PROTECTED_IMAGE;
    if attributes & !KNOWN != 0 {
        return Err(STATUS_INVALID_PARAMETER_6);
    }
    let protection = check_protection(protection)?;
    if protection & (protect::GUARD | protect::NOCACHE | protect::WRITECOMBINE) != 0
        || protection & 0xff == protect::NOACCESS
    {
        return Err(STATUS_INVALID_PAGE_PROTECTION);
    }
    let image = attributes & sec::IMAGE != 0;
    let file_access = match protection & 0xff {
        protect::READWRITE | protect::EXECUTE_READWRITE if !image => FILE_READ_DATA | FILE_WRITE_DATA,
        protect::EXECUTE => 0,
        _ => FILE_READ_DATA,
    };
    match attributes & (sec::IMAGE | sec::RESERVE | sec::COMMIT) {
        sec::IMAGE if attributes & (sec::WRITECOMBINE | sec::LARGE_PAGES) != 0 => Err(STATUS_INVALID_PARAMETER),
        sec::IMAGE if has_file => Ok((Sort::Image, file_access)),
        sec::IMAGE => Err(STATUS_INVALID_FILE_FOR_SECTION),
        // Large pages stay resident, which takes SeLockMemoryPrivilege.
        sec::COMMIT if attributes & sec::LARGE_PAGES != 0 && !has_file => Err(STATUS_PRIVILEGE_NOT_HELD),
        sec::COMMIT | sec::RESERVE if attributes & sec::LARGE_PAGES != 0 => Err(STATUS_INVALID_PARAMETER),
        sec::COMMIT | sec::RESERVE if has_file => Ok((Sort::File, file_access)),
        sec::COMMIT | sec::RESERVE => Ok((Sort::Pagefile, 0)),
        _ => Err(STATUS_INVALID_PARAMETER),
    }
}

/// The rights to a section that a view with this protection takes.
pub(super) fn view_access(protection: u32) -> u32 {
    let execute = if rights_of(protection) & rights::EXECUTE != 0 { SECTION_MAP_EXECUTE } else { 0 };
    let data = if rights_of(protection) & rights::WRITE != 0 { SECTION_MAP_WRITE } else { SECTION_MAP_READ };
    data | execute
}
