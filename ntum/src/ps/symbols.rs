//! What the kernel needs to know of a system DLL: addresses of exports by name, and the numbers in its system-call stubs.

use crate::status::*;
use goblin::pe;
use std::collections::HashMap;

/// A system DLL's exports.
pub struct Symbols<'a> {
    base: u64,
    /// What the kernel itself asks for, by name.
    entries: HashMap<&'static str, u32>,
    /// Number and name of each system call.
    pub stubs: Vec<(u32, &'a str)>,
}

/// Exports of ntdll that the kernel uses.
const ENTRIES: &[&str] = &[
    "DbgUiRemoteBreakin",
    "KiRaiseUserExceptionDispatcher",
    "KiUserApcDispatcher",
    "KiUserCallbackDispatcher",
    "KiUserExceptionDispatcher",
    "LdrInitializeThunk",
    "NtAllocateVirtualMemory",
    "RtlGetProcessHeaps",
    "RtlLockHeap",
    "RtlUnlockHeap",
    "RtlUserThreadStart",
    "RtlWalkHeap",
    "__wine_ctrl_routine",
    "__wine_syscall_dispatcher",
    "__wine_unix_call_dispatcher",
    "__wine_unixlib_handle",
];

/// Bytes of a name, at most.
const MAX_NAME: usize = 512;

/// `mov r10, rcx; mov eax, imm32`: how every system-call stub begins.
const STUB: [u8; 4] = [0x4c, 0x8b, 0xd1, 0xb8];

impl<'a> Symbols<'a> {
    /// Reads the exports of a DLL's file that is mapped as an image at `base`.
    ///
    /// # Errors
    /// `STATUS_INVALID_IMAGE_FORMAT` if the file is no DLL with exports.
    pub fn read(file: &'a [u8], base: u64) -> Nt<Symbols<'a>> {
        Self::parse(file, base).ok_or(STATUS_INVALID_IMAGE_FORMAT)
    }

    fn parse(file: &'a [u8], base: u64) -> Option<Symbols<'a>> {
        let header = pe::header::Header::parse(file).ok()?;
        let optional = header.optional_header?;
        let table_at = header.dos_header.pe_pointer as usize
            + pe::header::SIZEOF_PE_MAGIC
            + pe::header::SIZEOF_COFF_HEADER
            + usize::from(header.coff_header.size_of_optional_header);
        let sections = header.coff_header.sections(file, &mut { table_at }).ok()?;
        let directory = optional.data_directories.get_export_table()?;
        let offset = |rva: u32| {
            let section =
                sections.iter().find(|s| rva >= s.virtual_address && rva - s.virtual_address < s.size_of_raw_data)?;
            usize::try_from(u64::from(section.pointer_to_raw_data) + u64::from(rva - section.virtual_address)).ok()
        };
        let bytes = |at: usize, length: usize| file.get(at..at.checked_add(length)?);
        let word = |at: usize| Some(u32::from_le_bytes(*bytes(at, 4)?.first_chunk()?));
        // IMAGE_EXPORT_DIRECTORY: its tables are read as they lie.
        let exports = offset(directory.virtual_address)?;
        let field = |at: usize| word(exports.checked_add(at)?);
        let (functions, names) = (field(20)?, field(24)? as usize);
        let addresses = bytes(offset(field(28)?)?, (functions as usize).checked_mul(4)?)?;
        let pointers = bytes(offset(field(32)?)?, names.checked_mul(4)?)?;
        let ordinals = bytes(offset(field(36)?)?, names.checked_mul(2)?)?;
        let name_at = |index: usize| -> Option<&'a [u8]> {
            let rest = file.get(offset(u32::from_le_bytes(*pointers.as_chunks::<4>().0.get(index)?))?..)?;
            Some(&rest[..rest.iter().take(MAX_NAME).position(|byte| *byte == 0)?])
        };
        let rva_at = |index: usize| {
            let ordinal = u16::from_le_bytes(*ordinals.as_chunks::<2>().0.get(index)?);
            addresses.as_chunks::<4>().0.get(usize::from(ordinal)).map(|raw| u32::from_le_bytes(*raw))
        };
        // The names are sorted, as the loader needs them to be.
        let first = |wanted: &[u8]| {
            let (mut low, mut high) = (0, names);
            while low < high {
                let middle = low + (high - low) / 2;
                if name_at(middle).is_some_and(|name| name < wanted) { low = middle + 1 } else { high = middle }
            }
            low
        };
        let mut entries = HashMap::new();
        for entry in ENTRIES {
            let index = first(entry.as_bytes());
            if name_at(index) == Some(entry.as_bytes())
                && let Some(rva) = rva_at(index)
            {
                entries.insert(*entry, rva);
            }
        }
        let mut stubs = Vec::with_capacity(256);
        // Wine's own calls have names that begin otherwise: among win32u's, and two among ntdll's.
        let prefixed = |prefix: &'static [u8]| {
            let all = (first(prefix)..names).map_while(|index| Some((index, name_at(index)?)));
            all.take_while(move |(_, name)| name.starts_with(prefix))
        };
        for (index, name) in prefixed(b"Nt").chain(prefixed(b"__wine_")).chain(prefixed(b"wine_")) {
            if let Some([a, b, c, d, number @ ..]) = rva_at(index).and_then(&offset).and_then(|at| bytes(at, 8))
                && [*a, *b, *c, *d] == STUB
                && let Ok(number) = <[u8; 4]>::try_from(number)
                && let Ok(name) = core::str::from_utf8(name)
            {
                stubs.push((u32::from_le_bytes(number), name));
            }
        }
        Some(Symbols { base, entries, stubs })
    }

    /// The address of one of [`ENTRIES`].
    pub fn address(&self, name: &str) -> Option<u64> {
        self.entries.get(name).map(|rva| self.base + u64::from(*rva))
    }
}
