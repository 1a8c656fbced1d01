//! What the kernel needs to know of a system DLL: addresses of exports by name, and the numbers in its system-call stubs.

use crate::status::*;
use goblin::pe;
use std::collections::HashMap;

/// A system DLL's exports.
pub struct Symbols {
    base: u64,
    /// What the kernel itself asks for, by name.
    entries: HashMap<&'static str, u32>,
    /// Number and name of each system call.
    pub stubs: Vec<(u32, String)>,
}

/// Exports of ntdll that the kernel uses.
const ENTRIES: &[&str] = &[
    "DbgUiRemoteBreakin",
    "KiRaiseUserExceptionDispatcher",
    "KiUserApcDispatcher",
    "KiUserCallbackDispatcher",
    "KiUserExceptionDispatcher",
    "LdrInitializeThunk",
    "RtlUserThreadStart",
    "__wine_ctrl_routine",
    "__wine_syscall_dispatcher",
    "__wine_unix_call_dispatcher",
    "__wine_unixlib_handle",
];

/// `mov r10, rcx; mov eax, imm32`: how every system-call stub begins.
const STUB: [u8; 4] = [0x4c, 0x8b, 0xd1, 0xb8];

impl Symbols {
    /// Reads the exports of a DLL's file that is mapped as an image at `base`.
    ///
    /// # Errors
    /// `STATUS_INVALID_IMAGE_FORMAT` if the file is no DLL with exports.
    pub fn read(file: &[u8], base: u64) -> Nt<Symbols> {
        Self::parse(file, base).ok_or(STATUS_INVALID_IMAGE_FORMAT)
    }

    fn parse(file: &[u8], base: u64) -> Option<Symbols> {
        let header = pe::header::Header::parse(file).ok()?;
        let optional = header.optional_header?;
        let table_at = header.dos_header.pe_pointer as usize
            + pe::header::SIZEOF_PE_MAGIC
            + pe::header::SIZEOF_COFF_HEADER
            + usize::from(header.coff_header.size_of_optional_header);
        let sections = header.coff_header.sections(file, &mut { table_at }).ok()?;
        let alignment = optional.windows_fields.file_alignment;
        let directory = optional.data_directories.get_export_table()?;
        let exports = pe::export::ExportData::parse(file, *directory, &sections, alignment).ok()?;
        let offset = |rva: u32| {
            let section =
                sections.iter().find(|s| rva >= s.virtual_address && rva - s.virtual_address < s.size_of_raw_data)?;
            usize::try_from(u64::from(section.pointer_to_raw_data) + u64::from(rva - section.virtual_address)).ok()
        };
        let mut entries = HashMap::new();
        let mut stubs = Vec::new();
        for (pointer, ordinal) in exports.export_name_pointer_table.iter().zip(&exports.export_ordinal_table) {
            let Some(rest) = offset(*pointer).and_then(|at| file.get(at..)) else { continue };
            let is_call = rest.starts_with(b"Nt");
            let entry =
                || ENTRIES.iter().find(|name| rest.starts_with(name.as_bytes()) && rest.get(name.len()) == Some(&0));
            let entry = if is_call { None } else { entry() };
            if !is_call && entry.is_none() {
                continue;
            }
            let Some(pe::export::ExportAddressTableEntry::ExportRVA(rva)) =
                exports.export_address_table.get(usize::from(*ordinal))
            else {
                continue;
            };
            if let Some(name) = entry {
                entries.insert(*name, *rva);
                continue;
            }
            if let Some([a, b, c, d, number @ ..]) = offset(*rva).and_then(|at| file.get(at..at + 8))
                && [*a, *b, *c, *d] == STUB
                && let Ok(number) = <[u8; 4]>::try_from(number)
                && let Some(end) = rest.iter().take(512).position(|byte| *byte == 0)
                && let Ok(name) = core::str::from_utf8(&rest[..end])
            {
                stubs.push((u32::from_le_bytes(number), name.to_owned()));
            }
        }
        Some(Symbols { base, entries, stubs })
    }

    /// The address of one of [`ENTRIES`].
    pub fn address(&self, name: &str) -> Option<u64> {
        self.entries.get(name).map(|rva| self.base + u64::from(*rva))
    }
}
