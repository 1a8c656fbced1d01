//! Headers of PE images, as far as mapping one needs them. Nothing in them is trusted.
//!
//! Which status a bad header gives follows what Windows and Wine's server/mapping.c answer.

use super::page::{PAGE_SIZE, page_up};
use crate::status::*;
use goblin::pe::data_directories::DataDirectory;
use goblin::pe::header::Header;
use goblin::pe::optional_header::OptionalHeader;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// IMAGE_FILE_MACHINE_AMD64.
pub const MACHINE_AMD64: u16 = 0x8664;
/// IMAGE_FILE_MACHINE_I386.
pub const MACHINE_I386: u16 = 0x14c;

/// IMAGE_FILE_RELOCS_STRIPPED.
const RELOCS_STRIPPED: u16 = 0x1;
/// IMAGE_FILE_LARGE_ADDRESS_AWARE.
const LARGE_ADDRESS_AWARE: u16 = 0x20;
/// IMAGE_FILE_DLL.
const DLL: u16 = 0x2000;
/// IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE.
const DYNAMIC_BASE: u16 = 0x40;

const DIRECTORY_BASERELOC: usize = 5;
const DIRECTORY_CLR: usize = 14;

/// Bits of SECTION_IMAGE_INFORMATION.ImageFlags.
mod flags {
    pub const COMPLUS_NATIVE_READY: u8 = 1;
    pub const COMPLUS_IL_ONLY: u8 = 2;
    pub const DYNAMICALLY_RELOCATED: u8 = 4;
    pub const MAPPED_FLAT: u8 = 8;
    pub const BASE_BELOW_4_GB: u8 = 0x10;
    pub const COMPLUS_PREFER_32_BIT: u8 = 0x20;
}

/// Most sections that NT loads.
const MAX_SECTIONS: usize = 96;

/// IMAGE_SCN_*.
#[allow(missing_docs)]
pub mod scn {
    pub const UNINITIALIZED: u32 = 0x80;
    pub const DISCARDABLE: u32 = 0x200_0000;
    pub const SHARED: u32 = 0x1000_0000;
    pub const EXECUTE: u32 = 0x2000_0000;
    pub const READ: u32 = 0x4000_0000;
    pub const WRITE: u32 = 0x8000_0000;
}

/// IMAGE_SECTION_HEADER.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SectionHeader {
    /// Its name, padded with zeros.
    pub name: [u8; 8],
    /// Bytes in memory; 0: as in the file.
    pub virtual_size: u32,
    /// Offset in the image.
    pub virtual_address: u32,
    /// Bytes in the file.
    pub raw_size: u32,
    /// Offset in the file.
    pub raw: u32,
    /// Not used in images.
    pub unused: [u32; 3],
    /// IMAGE_SCN_*.
    pub characteristics: u32,
}

/// SECTION_IMAGE_INFORMATION.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[allow(missing_docs)]
pub struct ImageInformation {
    pub transfer_address: u64,
    pub zero_bits: u32,
    pub pad: u32,
    pub maximum_stack_size: u64,
    pub committed_stack_size: u64,
    pub subsystem: u32,
    pub minor_subsystem_version: u16,
    pub major_subsystem_version: u16,
    pub major_operating_system_version: u16,
    pub minor_operating_system_version: u16,
    pub characteristics: u16,
    pub dll_characteristics: u16,
    pub machine: u16,
    pub contains_code: u8,
    pub flags: u8,
    pub loader_flags: u32,
    pub file_size: u32,
    pub checksum: u32,
}

const _: () = assert!(size_of::<ImageInformation>() == 0x40);

/// What the headers of an image say.
#[derive(Debug, Clone)]
pub struct Image {
    /// What NtQuerySection tells of it.
    pub information: ImageInformation,
    /// Address it was linked for.
    pub base: u64,
    /// Bytes in memory, a multiple of a page.
    pub size: u64,
    /// Bytes of headers.
    pub header_size: u64,
    /// Offset of the entry point, 0 for none.
    pub entry: u32,
    /// Sections in the header's order.
    pub sections: Vec<SectionHeader>,
    /// Offset in the image and size of the base relocations, if it has any.
    pub relocations: Option<(u32, u32)>,
    /// Offset in the file of the ImageBase field, and its bytes.
    pub base_field: (u64, usize),
}

impl Image {
    /// Whether it is a DLL.
    pub fn is_dll(&self) -> bool {
        self.information.characteristics & DLL != 0
    }

    /// Whether it bears addresses above 2 GB.
    pub fn is_large_address_aware(&self) -> bool {
        self.information.characteristics & LARGE_ADDRESS_AWARE != 0
    }

    /// Whether it holds 32-bit code.
    pub fn is_32_bit(&self) -> bool {
        self.information.machine == MACHINE_I386
    }

    /// Whether it can lie nowhere else than it was linked for: it says that its relocations were taken out. One that merely has
    /// none needs none.
    pub fn is_fixed(&self) -> bool {
        self.information.characteristics & RELOCS_STRIPPED != 0
    }

    /// Whether the kernel relocates it; others are left to the loader.
    pub fn is_dynamically_relocated(&self) -> bool {
        self.information.flags & flags::DYNAMICALLY_RELOCATED != 0
    }

    /// Whether its sections lie in memory as in the file, because they are aligned to less than a page.
    pub fn is_flat(&self) -> bool {
        self.information.flags & flags::MAPPED_FLAT != 0
    }
}

/// Bytes of a file at an offset: as many as there are, at most as many as asked.
pub trait Bytes {
    /// Reads them.
    ///
    /// # Errors
    /// What the host answers.
    fn read(&self, offset: u64, length: usize) -> Nt<Vec<u8>>;
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Reads and checks the headers of an image file of `file_size` bytes.
///
/// # Errors
/// `STATUS_INVALID_FILE_FOR_SECTION`, `STATUS_INVALID_IMAGE_NOT_MZ`, `_PROTECT`, `_WIN_16`, `_NE_FORMAT`, `_FORMAT`.
pub fn parse(file: &impl Bytes, file_size: u64) -> Nt<Image> {
    /// Magic, file header, optional header with all its directories.
    const NT_HEADERS: usize = 4 + 20 + 240;
    if file_size == 0 {
        return Err(STATUS_INVALID_FILE_FOR_SECTION);
    }
    // Nearly always all headers lie in the first page.
    let start = file.read(0, PAGE_SIZE as usize)?;
    if start.len() < 64 || !start.starts_with(b"MZ") {
        return Err(STATUS_INVALID_IMAGE_NOT_MZ);
    }
    let at = u64::from(long(&start, 60).unwrap_or(0));
    let mut headers = match start.get(at as usize..) {
        Some(rest) if rest.len() >= NT_HEADERS => rest[..NT_HEADERS].to_vec(),
        _ => file.read(at, NT_HEADERS)?,
    };
    if headers.len() < 24 {
        return Err(STATUS_INVALID_IMAGE_PROTECT);
    }
    headers.resize(NT_HEADERS, 0);
    if !headers.starts_with(b"PE\0\0") {
        return Err(not_pe(&headers));
    }
    let magic = word(&headers, 24);
    let machine = word(&headers, 4);
    match (magic, machine) {
        (Some(0x20b), Some(MACHINE_AMD64)) | (Some(0x10b), Some(MACHINE_I386)) => {}
        _ => return Err(STATUS_INVALID_IMAGE_FORMAT),
    }
    let long_format = magic == Some(0x20b);
    // More than 16 directories are no error, but there are no more.
    let directories = 24 + if long_format { 108 } else { 92 };
    if long(&headers, directories).is_none_or(|count| count > 16) {
        headers[directories..directories + 4].copy_from_slice(&16u32.to_le_bytes());
    }
    let header = Header::parse_without_dos(&headers).map_err(|_| STATUS_INVALID_IMAGE_FORMAT)?;
    let optional = header.optional_header.ok_or(STATUS_INVALID_IMAGE_FORMAT)?;
    let mut image = describe(&header, &optional, file_size)?;
    image.base_field = if long_format { (at + 24 + 24, 8) } else { (at + 24 + 28, 4) };

    let count = usize::from(header.coff_header.number_of_sections);
    if count > MAX_SECTIONS {
        return Err(STATUS_INVALID_IMAGE_FORMAT);
    }
    let table_at = at + 24 + u64::from(header.coff_header.size_of_optional_header);
    let table_size = count * size_of::<SectionHeader>();
    let table_end = table_at + table_size as u64;
    if table_end > image.size {
        return Err(STATUS_INVALID_FILE_FOR_SECTION);
    }
    image.header_size = image.header_size.max(table_end);
    let table = match start.get(table_at as usize..table_end as usize) {
        Some(table) => table.to_vec(),
        None => file.read(table_at, table_size)?,
    };
    if table.len() != table_size {
        return Err(STATUS_INVALID_FILE_FOR_SECTION);
    }
    let (sections, _) = table.as_chunks::<{ size_of::<SectionHeader>() }>();
    image.sections = sections.iter().filter_map(|raw| SectionHeader::read_from_bytes(raw).ok()).collect();
    let windows = &optional.windows_fields;
    if image.is_flat() && windows.section_alignment != windows.file_alignment {
        // What lies in memory as in the file must be said to.
        return Err(STATUS_INVALID_IMAGE_FORMAT);
    }
    check_sections(&image, file_size)?;
    if image.sections.iter().any(|section| section.characteristics & scn::EXECUTE != 0) {
        image.information.contains_code = 1;
    }
    managed(file, &mut image, &optional)?;
    Ok(image)
}

/// The status for what begins like a DOS program but is no PE image.
fn not_pe(headers: &[u8]) -> Status {
    if !headers.starts_with(b"NE") {
        return STATUS_INVALID_IMAGE_PROTECT;
    }
    // ne_exetyp: 2 is Windows, 5 a DOS extender's.
    match headers.get(0x36) {
        Some(2) => STATUS_INVALID_IMAGE_WIN_16,
        Some(5) => STATUS_INVALID_IMAGE_PROTECT,
        _ => STATUS_INVALID_IMAGE_NE_FORMAT,
    }
}

fn directory(optional: &OptionalHeader, index: usize) -> Option<DataDirectory> {
    let (_, directory) = (*optional.data_directories.data_directories.get(index)?)?;
    (directory.virtual_address != 0 && directory.size != 0).then_some(directory)
}

fn describe(header: &Header<'_>, optional: &OptionalHeader, file_size: u64) -> Nt<Image> {
    let (standard, windows) = (&optional.standard_fields, &optional.windows_fields);
    let coff = &header.coff_header;
    let size = page_up(u64::from(windows.size_of_image)).unwrap_or(0);
    if size == 0 {
        return Err(STATUS_INVALID_IMAGE_FORMAT);
    }
    let flat = !u64::from(windows.section_alignment).is_multiple_of(PAGE_SIZE);
    let stripped = coff.characteristics & RELOCS_STRIPPED != 0;
    let relocations = directory(optional, DIRECTORY_BASERELOC).filter(|_| !stripped);
    let code = standard.size_of_code != 0 || standard.address_of_entry_point != 0 || flat;
    let managed = directory(optional, DIRECTORY_CLR).is_some();
    let mut image_flags = 0;
    if flat {
        image_flags |= flags::MAPPED_FLAT;
    } else if windows.dll_characteristics & DYNAMIC_BASE != 0 && (relocations.is_some() || code) && !managed {
        image_flags |= flags::DYNAMICALLY_RELOCATED;
    }
    if windows.image_base < 1 << 32 && coff.machine == MACHINE_AMD64 {
        image_flags |= flags::BASE_BELOW_4_GB;
    }
    let entry = standard.address_of_entry_point;
    let information = ImageInformation {
        transfer_address: windows.image_base.wrapping_add(u64::from(entry)),
        zero_bits: 0,
        pad: 0,
        maximum_stack_size: windows.size_of_stack_reserve,
        committed_stack_size: windows.size_of_stack_commit,
        subsystem: u32::from(windows.subsystem),
        minor_subsystem_version: windows.minor_subsystem_version,
        major_subsystem_version: windows.major_subsystem_version,
        major_operating_system_version: windows.major_operating_system_version,
        minor_operating_system_version: windows.minor_operating_system_version,
        characteristics: coff.characteristics,
        dll_characteristics: windows.dll_characteristics,
        machine: coff.machine,
        contains_code: u8::from(code),
        flags: image_flags,
        loader_flags: u32::from(managed),
        file_size: u32::try_from(file_size).unwrap_or(u32::MAX),
        checksum: windows.check_sum,
    };
    Ok(Image {
        information,
        base: windows.image_base,
        size,
        header_size: u64::from(windows.size_of_headers),
        entry,
        sections: Vec::new(),
        relocations: relocations.map(|found| (found.virtual_address, found.size)),
        base_field: (0, 0),
    })
}

/// Bytes of a section in memory, and where they lie in the file: offset and length. Offsets count in sectors, whatever
/// FileAlignment says.
pub fn extent(section: &SectionHeader) -> (u64, u64, u64) {
    const SECTOR: u64 = 0x200;
    let (raw, raw_size) = (u64::from(section.raw), u64::from(section.raw_size));
    let virtual_size = match section.virtual_size {
        0 => raw_size,
        size => u64::from(size),
    };
    let size = page_up(virtual_size).unwrap_or(0);
    let start = raw & !(SECTOR - 1);
    let length = (raw_size + (raw - start)).next_multiple_of(SECTOR).min(size);
    // Uninitialised data has no place in the file, whatever its raw size says.
    if raw == 0 || raw_size == 0 { (size, 0, 0) } else { (size, start, length) }
}

fn check_sections(image: &Image, file_size: u64) -> Nt<()> {
    if image.is_flat() {
        let moved = |section: &SectionHeader| section.virtual_address != section.raw;
        return if image.sections.iter().any(moved) { Err(STATUS_INVALID_IMAGE_FORMAT) } else { Ok(()) };
    }
    for section in &image.sections {
        let (size, start, length) = extent(section);
        let at = u64::from(section.virtual_address);
        if !at.is_multiple_of(PAGE_SIZE) || at + size > image.size {
            return Err(STATUS_INVALID_IMAGE_FORMAT);
        }
        // A file may end inside the last sector.
        if length != 0 && (u64::from(section.raw) >= file_size || start + length > file_size.next_multiple_of(0x200)) {
            return Err(STATUS_INVALID_IMAGE_FORMAT);
        }
    }
    Ok(())
}

/// What the header of a .NET image adds: IMAGE_COR20_HEADER.Flags.
fn managed(file: &impl Bytes, image: &mut Image, optional: &OptionalHeader) -> Nt<()> {
    const IL_ONLY: u32 = 1;
    const REQUIRED_32_BIT: u32 = 2;
    const PREFERRED_32_BIT: u32 = 0x2_0000;
    let Some(found) = directory(optional, DIRECTORY_CLR) else { return Ok(()) };
    let Some(at) = file_offset(image, found.virtual_address) else { return Ok(()) };
    let header = file.read(at, 72)?;
    let version = (word(&header, 4).unwrap_or(0), word(&header, 6).unwrap_or(0));
    let clr = long(&header, 16).unwrap_or(0);
    if version < (2, 5) || clr & IL_ONLY == 0 {
        return Ok(());
    }
    image.information.flags |= flags::COMPLUS_IL_ONLY;
    if image.is_32_bit() {
        if clr & REQUIRED_32_BIT == 0 {
            image.information.flags |= flags::COMPLUS_NATIVE_READY;
        }
        if clr & PREFERRED_32_BIT != 0 {
            image.information.flags |= flags::COMPLUS_PREFER_32_BIT;
        }
    }
    Ok(())
}

/// Where the byte at an offset in the image lies in the file.
pub fn file_offset(image: &Image, rva: u32) -> Option<u64> {
    image.sections.iter().find_map(|section| {
        let (_, start, length) = extent(section);
        let into = u64::from(rva.checked_sub(section.virtual_address)?);
        (into < length).then_some(start + into)
    })
}
