//! NtQueryVirtualMemory.

use super::Mm;
use super::page::{Page, page_down, protect};
use super::process::{QUERY_INFORMATION, QUERY_LIMITED_INFORMATION, VM_READ};
use super::region::{Kind, Region};
use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::um::{HIGHEST, UserPtr};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

const MEM_COMMIT: u32 = 0x1000;
const MEM_RESERVE: u32 = 0x2000;
const MEM_FREE: u32 = 0x1_0000;
const MEM_PRIVATE: u32 = 0x2_0000;
const MEM_MAPPED: u32 = 0x4_0000;
const MEM_IMAGE: u32 = 0x100_0000;

/// MEMORY_INFORMATION_CLASS (`winternl.h`); from 1000 on Wine's own.
mod class {
    pub const BASIC: u32 = 0;
    pub const WORKING_SET: u32 = 1;
    pub const MAPPED_FILENAME: u32 = 2;
    pub const REGION: u32 = 3;
    pub const WORKING_SET_EX: u32 = 4;
    pub const SHARED_COMMIT: u32 = 5;
    pub const IMAGE: u32 = 6;
    pub const REGION_EX: u32 = 7;
    pub const PRIVILEGED_BASIC: u32 = 8;
    pub const BASIC_CAPPED: u32 = 10;
    pub const WINE_UNIX_FUNCS: u32 = 1000;
    pub const WINE_UNIX_WOW64_FUNCS: u32 = 1001;
}

/// MEMORY_BASIC_INFORMATION.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[allow(missing_docs)]
pub struct BasicInformation {
    pub base: u64,
    pub allocation_base: u64,
    pub allocation_protection: u32,
    pub partition: u32,
    pub size: u64,
    pub state: u32,
    pub protection: u32,
    pub kind: u32,
    pub pad: u32,
}

/// MEMORY_REGION_INFORMATION.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct RegionInformation {
    allocation_base: u64,
    allocation_protection: u32,
    kind: u32,
    size: u64,
    commit_size: u64,
    partition: u64,
    node: u64,
}

/// MEMORY_IMAGE_INFORMATION.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct ImageInformation {
    base: u64,
    size: u64,
    /// Partial map, not executable, signing level in bits 2 to 5.
    flags: u32,
    pad: u32,
}

/// MEMORY_WORKING_SET_EX_INFORMATION.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct WorkingSetEx {
    address: u64,
    flags: u64,
}

impl Mm {
    /// What is at an address: a run of pages alike, or a gap.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` beyond the guest's half.
    pub fn query(&self, address: u64) -> Nt<BasicInformation> {
        let base = page_down(address);
        if base >= HIGHEST {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let mut space = self.space.lock();
        let end = space.next(base).map_or(HIGHEST, |next| next.base);
        let Some(region) = space.find_mut(base) else {
            return Ok(BasicInformation {
                base,
                allocation_base: 0,
                allocation_protection: 0,
                partition: 0,
                size: end - base,
                state: MEM_FREE,
                protection: protect::NOACCESS,
                kind: 0,
                pad: 0,
            });
        };
        let rest = base..region.end();
        region.refresh(&rest);
        let same = |page: Page| (page.is_committed(), page.protection());
        let first = region.pages.at(base);
        let run = region.pages.over(rest.clone()).take_while(|(_, page)| same(*page) == same(first)).last();
        let end = run.map_or(rest.end, |(run, _)| run.end);
        Ok(BasicInformation {
            base,
            allocation_base: region.base,
            allocation_protection: region.protection,
            partition: 0,
            size: end - base,
            state: if first.is_committed() { MEM_COMMIT } else { MEM_RESERVE },
            protection: first.protection(),
            kind: match region.kind {
                Kind::Private | Kind::Host => MEM_PRIVATE,
                Kind::Data(_) => MEM_MAPPED,
                Kind::Image(_) => MEM_IMAGE,
            },
            pad: 0,
        })
    }

    fn query_region(&self, address: u64) -> Nt<RegionInformation> {
        let mut space = self.space.lock();
        let region = space.find_mut(page_down(address)).ok_or(STATUS_INVALID_ADDRESS)?;
        region.refresh(&region.range());
        Ok(RegionInformation {
            allocation_base: region.base,
            allocation_protection: region.protection,
            // MappedDataFile, MappedImage. Windows sets neither Private nor MappedPageFile here (Wine's tests of virtual memory).
            kind: match &region.kind {
                Kind::Data(view) if view.area.file.is_some() => 2,
                Kind::Image(_) => 4,
                Kind::Private | Kind::Host | Kind::Data(_) => 0,
            },
            size: region.size,
            commit_size: region.pages.count(region.range(), Page::is_committed),
            partition: 0,
            node: 0,
        })
    }

    fn query_image(&self, address: u64) -> Nt<ImageInformation> {
        let space = self.space.lock();
        let region = space.find(page_down(address)).ok_or(STATUS_INVALID_ADDRESS)?;
        let none = ImageInformation { base: 0, size: 0, flags: 0, pad: 0 };
        Ok(match region.kind {
            // Signing level 12: Windows' own. Wine says so of all images, and programs that look want it.
            Kind::Image(_) => ImageInformation { base: region.base, size: region.size, flags: 12 << 2, pad: 0 },
            _ => none,
        })
    }

    /// The path of the file behind a view, in the object manager's name space.
    ///
    /// # Errors
    /// `STATUS_INVALID_ADDRESS` if there is no view, `STATUS_FILE_INVALID` if no file is behind it.
    pub fn mapped_file(&self, address: u64) -> Nt<Vec<u16>> {
        let space = self.space.lock();
        let area = match space.find(page_down(address)).map(|region| &region.kind) {
            Some(Kind::Data(view)) => &view.area,
            Some(Kind::Image(view)) => &view.area,
            _ => return Err(STATUS_INVALID_ADDRESS),
        };
        area.file.as_ref().map(|(_, name)| name.clone()).ok_or(STATUS_FILE_INVALID)
    }

    /// Where the image of that file's lies that holds an address.
    ///
    /// # Errors
    /// `STATUS_INVALID_ADDRESS` if there is none.
    pub fn base_of_file(&self, address: u64, file: &str) -> Nt<u64> {
        let space = self.space.lock();
        match space.find(page_down(address)) {
            Some(Region { base, kind: Kind::Image(view), .. }) if view.area.is_of_file(file) => Ok(*base),
            _ => Err(STATUS_INVALID_ADDRESS),
        }
    }

    /// MEMORY_WORKING_SET_BLOCK of every page that counts as being in memory: see [`working_set_flags`].
    fn whole_working_set(&self) -> Vec<u64> {
        /// ShareCount, if nothing more is known than that others may have it.
        const SHARED: u64 = 1 << 5 | 1 << 8;
        let mut space = self.space.lock();
        let mut blocks = Vec::new();
        for region in space.iter_mut().filter(|region| !matches!(region.kind, Kind::Host)) {
            let range = region.range();
            region.refresh(&range);
            for (run, page) in region.pages.over(range) {
                let flags = working_set_flags(region, page);
                if flags & 1 == 0 {
                    continue;
                }
                let shared = if flags & 2 != 0 { SHARED } else { 0 };
                let block = working_set_protection(page.protection()) | shared;
                // Addresses are multiples of a page: the low bits are free for the rest.
                blocks.extend((run.start..run.end).step_by(super::page::PAGE_SIZE as usize).map(|at| at | block));
            }
        }
        blocks
    }

    /// Bytes that views of sections without a file have committed.
    fn shared_commit(&self) -> u64 {
        let mut space = self.space.lock();
        let mut bytes = 0;
        for region in space.iter_mut() {
            let Kind::Data(view) = &region.kind else { continue };
            if view.area.file.is_some() {
                continue;
            }
            let range = region.range();
            region.refresh(&range);
            let committed = region.pages.over(range).filter(|(_, page)| page.is_committed());
            bytes += committed.map(|(run, _)| run.end - run.start).sum::<u64>();
        }
        bytes
    }

    fn working_set(&self, address: u64) -> u64 {
        let mut space = self.space.lock();
        let Some(region) = space.find_mut(page_down(address)) else { return 0 };
        let at = page_down(address);
        region.refresh(&(at..at + super::page::PAGE_SIZE));
        working_set_flags(region, region.pages.at(at))
    }
}

/// Protection as MEMORY_WORKING_SET_BLOCK has it, in five bits: see PSAPI_WORKING_SET_BLOCK in `psapi.h`'s documentation.
fn working_set_protection(protection: u32) -> u64 {
    let basic = match protection & 0xff {
        protect::READONLY => 1,
        protect::EXECUTE => 2,
        protect::EXECUTE_READ => 3,
        protect::READWRITE => 4,
        protect::WRITECOPY => 5,
        protect::EXECUTE_READWRITE => 6,
        protect::EXECUTE_WRITECOPY => 7,
        _ => 0,
    };
    let modifier = match protection & (protect::GUARD | protect::NOCACHE | protect::WRITECOMBINE) {
        protect::NOCACHE => 8,
        protect::GUARD => 16,
        protect::WRITECOMBINE => 24,
        _ => 0,
    };
    basic | modifier
}

/// MEMORY_WORKING_SET_EX_BLOCK. Which pages the host keeps in memory is its own business: every page that can be used
/// counts as there.
fn working_set_flags(region: &Region, page: Page) -> u64 {
    let shared = match region.kind {
        Kind::Private | Kind::Host => false,
        Kind::Data(_) | Kind::Image(_) => !page.is_copied(),
    };
    if !page.is_committed() {
        return 0;
    }
    let shared_bits = if shared { 1 << 15 } else { 0 };
    if page.is_guard() || page.base_protection() == protect::NOACCESS {
        return shared_bits;
    }
    let locked = if page.is_locked() { 1 << 22 } else { 0 };
    1 | u64::from(shared) << 1 | u64::from(page.protection() & 0x7ff) << 4 | shared_bits | locked
}

/// NtQueryVirtualMemory.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_INVALID_PARAMETER`, `STATUS_INVALID_ADDRESS`,
/// `STATUS_BUFFER_OVERFLOW`, `STATUS_ACCESS_VIOLATION`; `STATUS_DLL_NOT_FOUND` for the Unix part of a Wine DLL.
pub fn nt_query_virtual_memory(
    cx: &Cx<'_>,
    process: Handle,
    address: u64,
    class: u32,
    buffer: u64,
    length: u64,
    returned: UserPtr<u64>,
) -> Nt {
    let access = match class {
        class::WORKING_SET | class::WORKING_SET_EX => QUERY_INFORMATION | VM_READ,
        // As since Windows 8.
        _ => QUERY_LIMITED_INFORMATION,
    };
    let whole = |bytes: &[u8]| -> Nt {
        cx.k.write_user(buffer, bytes)?;
        returned.write_opt(cx.k, bytes.len() as u64)?;
        Ok(STATUS_SUCCESS)
    };
    let at_least = |size: usize| if length < size as u64 { Err(STATUS_INFO_LENGTH_MISMATCH) } else { Ok(()) };
    match class {
        class::BASIC | class::PRIVILEGED_BASIC | class::BASIC_CAPPED => {
            at_least(size_of::<BasicInformation>())?;
            cx.own_process(process, access)?;
            whole(cx.k.mm.query(address)?.as_bytes())
        }
        class::REGION | class::REGION_EX => {
            // Callers made for older Windows have no room for the fields from CommitSize on.
            const OLDEST: usize = 24;
            at_least(OLDEST)?;
            cx.own_process(process, access)?;
            let information = cx.k.mm.query_region(address)?;
            let bytes = information.as_bytes();
            let fields = [OLDEST, 32, 40, 48].into_iter().rfind(|size| *size as u64 <= length).unwrap_or(OLDEST);
            whole(bytes.get(..fields).unwrap_or_default())
        }
        class::IMAGE => {
            at_least(size_of::<ImageInformation>())?;
            cx.own_process(process, access)?;
            whole(cx.k.mm.query_image(address)?.as_bytes())
        }
        class::MAPPED_FILENAME => {
            cx.own_process(process, access)?;
            mapped_filename(cx, address, buffer, length, returned)
        }
        class::WORKING_SET => {
            at_least(16)?;
            cx.own_process(process, access)?;
            let blocks = cx.k.mm.whole_working_set();
            // How many there are is told also where not all fit.
            UserPtr::<u64>::new(buffer).write(cx.k, blocks.len() as u64)?;
            let needed = 8 + 8 * blocks.len() as u64;
            if length < needed {
                return Err(STATUS_INFO_LENGTH_MISMATCH);
            }
            cx.k.write_user(buffer.wrapping_add(8), blocks.as_bytes())?;
            returned.write_opt(cx.k, needed)?;
            Ok(STATUS_SUCCESS)
        }
        class::SHARED_COMMIT => {
            at_least(8)?;
            cx.own_process(process, access)?;
            whole(cx.k.mm.shared_commit().as_bytes())
        }
        class::WORKING_SET_EX => {
            const ENTRY: u64 = size_of::<WorkingSetEx>() as u64;
            at_least(size_of::<WorkingSetEx>())?;
            cx.own_process(process, access)?;
            for index in 0..length / ENTRY {
                let entry = UserPtr::<WorkingSetEx>::new(buffer.wrapping_add(index * ENTRY));
                let asked = entry.read(cx.k)?;
                entry.write(cx.k, WorkingSetEx { flags: cx.k.mm.working_set(asked.address), ..asked })?;
            }
            returned.write_opt(cx.k, length)?;
            Ok(STATUS_SUCCESS)
        }
        class::WINE_UNIX_FUNCS | class::WINE_UNIX_WOW64_FUNCS => {
            if length != 8 {
                return Err(STATUS_INFO_LENGTH_MISMATCH);
            }
            let (module, _) = cx.k.mm.module_at(address).ok_or(STATUS_DLL_NOT_FOUND)?;
            // A DLL without a part here does without, or says what it lacks.
            let part = crate::ex::unix::part_of(&module).ok_or(STATUS_DLL_NOT_FOUND)?;
            UserPtr::new(buffer).write(cx.k, part)?;
            returned.write_opt(cx.k, 8)?;
            Ok(STATUS_SUCCESS)
        }
        _ => Err(STATUS_INVALID_INFO_CLASS),
    }
}

/// MemoryMappedFilenameInformation: a UNICODE_STRING, its text behind it.
fn mapped_filename(cx: &Cx<'_>, address: u64, buffer: u64, length: u64, returned: UserPtr<u64>) -> Nt {
    const HEADER: u64 = 16;
    let name = cx.k.mm.mapped_file(address)?;
    let bytes = name.len() as u64 * 2;
    let needed = HEADER + bytes + 2;
    returned.write_opt(cx.k, needed)?;
    if length < HEADER {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    if length < needed {
        return Err(STATUS_BUFFER_OVERFLOW);
    }
    let text: Vec<u8> = name.iter().chain(&[0]).flat_map(|unit| unit.to_le_bytes()).collect();
    cx.k.write_user(buffer.wrapping_add(HEADER), &text)?;
    let string = crate::types::UnicodeString {
        length: bytes as u16,
        maximum_length: (bytes + 2) as u16,
        pad: 0,
        buffer: buffer.wrapping_add(HEADER),
    };
    UserPtr::new(buffer).write(cx.k, string)?;
    Ok(STATUS_SUCCESS)
}

const _: () = assert!(size_of::<BasicInformation>() == 48 && size_of::<ImageInformation>() == 24);
