//! Images: made here, so that every field can be wrong.

use super::*;
use crate::mm::calls;
use crate::mm::image::Mapped;
use crate::mm::page::PAGE_SIZE;
use crate::mm::pe::{self, ImageInformation, SectionHeader, scn};
use crate::mm::region::Limits;
use crate::mm::section::Section;
use crate::mm::view::Mapping;
use crate::ob::Ref;
use shim_abi::calls::StreamOpen;
use shim_abi::stream::{Disposition, Expect, access};
use zerocopy::{FromBytes, IntoBytes};

const BASE: u64 = 0x1_8000_0000;
const HEADER: usize = 0x80;
const CODE: u32 = 0x20 | scn::READ | scn::EXECUTE;
const DATA: u32 = 0x40 | scn::READ | scn::WRITE;
const RODATA: u32 = 0x40 | scn::READ;

/// An image file to be.
struct Maker {
    file_alignment: u32,
    section_alignment: u32,
    machine: u16,
    characteristics: u16,
    dll_characteristics: u16,
    /// Name, bytes in memory (0: as in the file), bytes in the file, IMAGE_SCN_*.
    sections: Vec<(&'static str, u32, Vec<u8>, u32)>,
    /// Offsets in the image of 64-bit numbers to relocate.
    relocations: Vec<u32>,
}

impl Maker {
    fn dll(file_alignment: u32) -> Maker {
        Maker {
            file_alignment,
            section_alignment: 0x1000,
            machine: pe::MACHINE_AMD64,
            characteristics: 0x2022,
            dll_characteristics: 0x160,
            sections: vec![
                (".text", 0, vec![0x90; 0x1234], CODE),
                (".data", 0x3000, (0..0x1100u32).map(|n| n as u8).collect(), DATA),
                (".rdata", 0, vec![7; 0x300], RODATA),
                (".bss", 0x2000, vec![], 0x80 | scn::READ | scn::WRITE),
            ],
            relocations: vec![],
        }
    }

    fn file(&self) -> Vec<u8> {
        let mut sections = self.sections.clone();
        if !self.relocations.is_empty() {
            let mut block = Vec::new();
            for rva in &self.relocations {
                block.extend_from_slice(&(rva & !0xfff).to_le_bytes());
                block.extend_from_slice(&12u32.to_le_bytes());
                block.extend_from_slice(&(0xa000 | (rva & 0xfff) as u16).to_le_bytes());
                block.extend_from_slice(&[0, 0]);
            }
            sections.push((".reloc", 0, block, RODATA | scn::DISCARDABLE));
        }
        let mut headers = Vec::new();
        let mut bodies: Vec<u8> = Vec::new();
        let header_size = 0x400u32.next_multiple_of(self.file_alignment);
        let (mut rva, mut directory) = (header_size.next_multiple_of(self.section_alignment), [0u32; 2]);
        for (name, size, body, characteristics) in &sections {
            let raw = header_size + bodies.len() as u32;
            let raw_size = (body.len() as u32).next_multiple_of(self.file_alignment);
            let mut text = [0; 8];
            text[..name.len()].copy_from_slice(name.as_bytes());
            let virtual_size = if *size == 0 { body.len() as u32 } else { *size };
            headers.push(SectionHeader {
                name: text,
                virtual_size,
                virtual_address: rva,
                raw_size,
                raw: if raw_size == 0 { 0 } else { raw },
                unused: [0; 3],
                characteristics: *characteristics,
            });
            if *name == ".reloc" {
                directory = [rva, body.len() as u32];
            }
            bodies.extend_from_slice(body);
            bodies.resize((raw + raw_size - header_size) as usize, 0xcc);
            rva = (rva + virtual_size).next_multiple_of(self.section_alignment);
        }
        let mut file = b"MZ".to_vec();
        file.resize(HEADER, 0);
        file[60] = HEADER as u8;
        let mut put = |bytes: &[u8]| file.extend_from_slice(bytes);
        let half = |n: u16| n.to_le_bytes();
        let word = |n: u32| n.to_le_bytes();
        put(b"PE\0\0");
        put(&half(self.machine));
        put(&half(headers.len() as u16));
        put(&[0; 12]);
        put(&half(240));
        put(&half(self.characteristics));
        put(&half(0x20b));
        put(&[14, 0]);
        [0x2000, 0, 0, 0x1010, 0x1000].iter().for_each(|n| put(&word(*n)));
        put(&BASE.to_le_bytes());
        put(&word(self.section_alignment));
        put(&word(self.file_alignment));
        [6, 1, 0, 0, 5, 2].iter().for_each(|n| put(&half(*n)));
        [0, rva, header_size, 0x1234_5678].iter().for_each(|n| put(&word(*n)));
        put(&half(3));
        put(&half(self.dll_characteristics));
        [0x10_0000u64, 0x2000, 0x10_0000, 0x1000].iter().for_each(|n| put(&n.to_le_bytes()));
        [0, 16].iter().for_each(|n| put(&word(*n)));
        for index in 0..16 {
            let [at, size] = if index == 5 { directory } else { [0, 0] };
            put(&word(at));
            put(&word(size));
        }
        headers.iter().for_each(|header| put(header.as_bytes()));
        file.resize(header_size as usize, 0xee);
        file.extend_from_slice(&bodies);
        file
    }
}

impl Machine {
    fn image(&self, file: Vec<u8>) -> Nt<Ref> {
        self.k.mm.image_section(self.k, self.source(file, 0x21), 0, 0x20)
    }

    fn map_image(&self, section: &Section, limits: Limits) -> Nt<Mapped> {
        let mapping = Mapping { base: None, limits, offset: 0, size: 0, kind: 0, protection: 0x20, machine: 0 };
        self.k.mm.map_image(self.k, section, &mapping)
    }

    fn runs(&self, range: &std::ops::Range<u64>) -> Vec<(u64, u32)> {
        let mut runs = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let q = self.query(at);
            runs.push((q.size, q.protection));
            at += q.size;
        }
        runs
    }
}

#[test]
fn laid_out_whatever_the_alignment() {
    for alignment in [0x1000, 0x200] {
        let m = Machine::new();
        let section = m.image(Maker::dll(alignment).file()).unwrap();
        let mapped = m.map_image(section.section().unwrap(), Limits::default()).unwrap();
        let base = mapped.range.start;
        assert_eq!((mapped.status, base), (STATUS_SUCCESS, BASE));
        let expected = [(0x1000, 2), (0x2000, 0x20), (0x3000, 8), (0x1000, 2), (0x2000, 8)];
        assert_eq!(m.runs(&mapped.range), expected, "alignment {alignment:x}");
        let q = m.query(base);
        assert_eq!((q.kind, q.allocation_protection), (0x100_0000, 0x80));
        assert_eq!((m.load(base), m.load(base + 0x1000), m.load(base + 0x2233)), (Ok(b'M'), Ok(0x90), Ok(0x90)));
        let data = base + 0x3000;
        assert_eq!((m.load(data + 0x10ff), m.load(data + 0x2000), m.load(base + 0x6000)), (Ok(0xff), Ok(0), Ok(7)));
        assert_eq!((m.store(data, 1), m.load(data)), (Ok(()), Ok(1)));
        assert_eq!((m.store(base + 0x8fff, 1), m.load(base + 0x8fff)), (Ok(()), Ok(1)));
        assert_eq!(m.store(base, 1), Err(STATUS_ACCESS_VIOLATION));
        assert_eq!(m.store(base + 0x1000, 1), Err(STATUS_ACCESS_VIOLATION));
        assert_eq!(m.k.mm.fault(m.k, &m.t, data, FETCH, false), Err(STATUS_ACCESS_VIOLATION));
        // Nothing behind the bytes of a section in its file is seen.
        if alignment == 0x200 {
            assert_eq!((m.load(base + 0x400), m.load(data + 0x1200)), (Ok(0), Ok(0)));
        }
        // Stores to images are the process's own: read-write means copy on write.
        assert_eq!(m.protect(base + 0x1000, 1, 0x40), Ok(0x20));
        assert_eq!(m.query(base + 0x1000).protection, 0x80);
        assert_eq!(m.store(base + 0x1000, 0xcc), Ok(()));
        assert_eq!(m.protect(data, 1, 4), Ok(8));
        m.k.mm.unmap_view(m.k, base + 0x123, false).unwrap();
        assert_eq!((m.query(base).state, m.k.mm.committed()), (FREE, 0));
    }
}

#[test]
fn relocated_where_it_is_needed() {
    for alignment in [0x1000, 0x200] {
        let m = Machine::new();
        let mut maker = Maker::dll(alignment);
        // The last one crosses a page.
        maker.relocations = vec![0x3010, 0x3ffc, 0x6008];
        let number = BASE + 0x1234;
        for (at, section) in [(0x10, 1), (0xffc, 1), (0x8, 2)] {
            maker.sections[section].2[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        let section = m.image(maker.file()).unwrap();
        let read = |at: u64| crate::um::UserPtr::<u64>::new(at).read(m.k).unwrap();
        let first = m.map_image(section.section().unwrap(), Limits::default()).unwrap();
        assert_eq!((first.range.start, read(BASE + 0x3010)), (BASE, number));
        let second = m.map_image(section.section().unwrap(), Limits::default()).unwrap();
        let base = second.range.start;
        // It is relocated, but not where its first view is.
        assert_eq!(second.status, STATUS_IMAGE_NOT_AT_BASE);
        assert_ne!(base, BASE);
        for at in [0x3010, 0x3ffc, 0x6008] {
            assert_eq!(read(base + at), base + 0x1234, "at {at:x}, alignment {alignment:x}");
        }
        // The loader sees an image that lies where it was linked for.
        assert_eq!(read(base + HEADER as u64 + 48), base);
        assert_eq!(m.runs(&second.range), m.runs(&first.range));
        assert_eq!(m.store(base + 0x6000, 1), Err(STATUS_ACCESS_VIOLATION));
        let same = calls_same(&m, BASE + 5, base);
        assert_eq!(same, Ok(STATUS_SUCCESS));
        // One that does not ask for it is left to the loader.
        maker.dll_characteristics = 0;
        let section = m.image(maker.file()).unwrap();
        let third = m.map_image(section.section().unwrap(), Limits::default()).unwrap();
        assert_eq!((third.status, read(third.range.start + 0x3010)), (STATUS_IMAGE_NOT_AT_BASE, number));
        assert_eq!(calls_same(&m, BASE, third.range.start), Err(STATUS_NOT_SAME_DEVICE));
        let low = m.map_image(section.section().unwrap(), Limits::within(0x1_0000..0x8000_0000)).unwrap();
        assert!(low.range.end <= 0x8000_0000);
    }
}

#[test]
fn what_the_host_forgets_after_a_start_is_what_the_file_has() {
    for alignment in [0x1000, 0x200] {
        let m = Machine::new();
        let mut maker = Maker::dll(alignment);
        maker.relocations = vec![0x3010, 0x6008];
        maker.sections.push((".code2", 0, vec![0x91; 0x3000], CODE));
        let section = m.image(maker.file()).unwrap();
        m.map_image(section.section().unwrap(), Limits::default()).unwrap();
        // Relocated; one page of code was written to and is as it was again, one was patched by the kernel, and data was stored to.
        let range = m.map_image(section.section().unwrap(), Limits::default()).unwrap().range;
        let (code, data) = (range.start + 0x9000, range.start + 0x3000);
        assert_eq!((m.protect(code, 1, 0x40), m.store(code, 0xcc)), (Ok(0x20), Ok(())));
        assert_eq!(m.protect(code, 1, 0x20), Ok(0x80));
        m.k.mm.change(m.k, code + 0x1ffe, &[1, 2, 3, 4]).unwrap();
        assert_eq!((m.store(data + 1, 9), m.store(range.start + 0x7000, 8)), (Ok(()), Ok(())));
        let all = |m: &Machine| range.clone().map(|at| m.fake.memory_read(at)).collect::<Vec<_>>();
        let before = all(&m);
        let region_has = |at: u64| m.k.mm.forgettable(at);
        assert_eq!([code, code + 0x1000, code + 0x2000, data, range.start].map(region_has), [false; 5]);
        // What does not lie on pages in the file was copied.
        assert_eq!(region_has(range.start + 0x1000), alignment == 0x1000);
        // Before the first wait nothing ends.
        m.k.end_start(1);
        let ends = m.k.mm.start_ends(5).unwrap();
        m.k.end_start(ends - 1);
        assert_eq!((all(&m) == before, m.k.mm.start_ends(7)), (true, Some(ends)));
        m.k.end_start(ends);
        m.k.end_start(ends + 1);
        assert_eq!(m.k.mm.start_ends(9), None);
        assert_eq!((all(&m) == before, m.fake.trims.load(std::sync::atomic::Ordering::Relaxed)), (true, 1));
    }
}

fn calls_same(m: &Machine, one: u64, other: u64) -> Nt {
    crate::mm::process::nt_are_mapped_files_the_same(&m.cx(), one, other)
}

#[test]
fn what_is_seldom_looked_at_is_mapped_when_it_is() {
    seldom(0x1000);
    // As Go's linker does it: the last section happens to lie on a page, the others do not.
    seldom(0x200);
}

fn seldom(alignment: u32) {
    let m = Machine::new();
    let mut maker = Maker::dll(alignment);
    if alignment == 0x200 {
        maker.sections[2].2.resize(0x600, 7);
    }
    maker.sections.push((".debug", 0, vec![0x77; 0x2345], RODATA | scn::DISCARDABLE));
    let section = m.image(maker.file()).unwrap();
    let mapped = m.map_image(section.section().unwrap(), Limits::default()).unwrap();
    let debug = mapped.range.start + 0x9000;
    assert_eq!((m.query(debug).state, m.query(debug).protection), (COMMIT, 2));
    assert!(m.fake.memory_read(debug).is_none());
    let answer = m.fake.alloc([0u8; 16]);
    let none = crate::um::UserPtr::new(0);
    let read = crate::mm::process::nt_read_virtual_memory(&m.cx(), SELF, debug + 0x1000, answer.address(), 16, none);
    assert_eq!((read, answer.read(m.k)), (Ok(STATUS_SUCCESS), Ok([0x77; 16])));
    assert_eq!(m.fake.memory_read(debug), Some(0x77));
    assert_eq!(m.store(debug, 1), Err(STATUS_ACCESS_VIOLATION));
}

#[test]
fn large_code_is_copied_as_it_is_used() {
    let m = Machine::new();
    let mut maker = Maker::dll(0x200);
    let code: Vec<u8> = (0..0x6_0123u32).map(|n| (n ^ n >> 8) as u8).collect();
    maker.sections[0].2.clone_from(&code);
    // Its data is relocated, its code needs none.
    maker.relocations = vec![0x6_2010];
    let section = m.image(maker.file()).unwrap();
    m.k.mm.note_host_region(BASE..BASE + 0x1000, READONLY);
    let mapped = m.map_image(section.section().unwrap(), Limits::default()).unwrap();
    let text = mapped.range.start + 0x1000;
    assert_eq!((m.query(text).size, m.query(text).protection), (0x6_1000, 0x20));
    assert!(m.fake.memory_read(text).is_none());
    for at in [0, 1, 0xefff, 0xf000, 0x5_f000, 0x6_0122, 0x3_0000] {
        assert_eq!(m.load(text + at), Ok(code[at as usize]), "at {at:x}");
    }
    assert!(m.fake.memory_read(text + 0x4_0000).is_none());
    assert_eq!(m.load(text + 0x6_0200), Ok(0));
    assert_eq!(m.store(text, 1), Err(STATUS_ACCESS_VIOLATION));
    // Changed before it was ever used, as a debugger or a hook does.
    let hooked = text + 0x2_1000;
    assert_eq!(m.protect(hooked, 2, 0x40), Ok(0x20));
    assert_eq!((m.store(hooked, 0xcc), m.load(hooked), m.load(hooked + 1)), (Ok(()), Ok(0xcc), Ok(code[0x2_1001])));
    let mut all = vec![0; code.len()];
    m.k.read_user(text, &mut all).unwrap();
    all[0x2_1000] = code[0x2_1000];
    assert!(all == code);
}

#[test]
fn shared_sections_are_shared_by_views() {
    let m = Machine::new();
    let mut maker = Maker::dll(0x1000);
    maker.sections[1].3 |= scn::SHARED;
    let section = m.image(maker.file()).unwrap();
    let one = m.map_image(section.section().unwrap(), Limits::default()).unwrap().range.start;
    let other = m.map_image(section.section().unwrap(), Limits::default()).unwrap().range.start;
    assert_eq!((m.load(other + 0x30ff), m.query(one + 0x3000).protection), (Ok(0xff), READWRITE));
    m.store(one + 0x3000, 0xab).unwrap();
    assert_eq!(m.load(other + 0x3000), Ok(0xab));
}

#[test]
fn section_image_information() {
    let m = Machine::new();
    let section = m.image(Maker::dll(0x200).file()).unwrap();
    let handle = m.cx().insert(section, 1, 0).unwrap();
    let (out, none) = (m.fake.alloc([0u8; 64]), crate::um::UserPtr::new(0));
    let query = |class, length| calls::nt_query_section(&m.cx(), handle, class, out.address(), length, none);
    assert_eq!(query(1, 63), Err(STATUS_INFO_LENGTH_MISMATCH));
    assert_eq!(query(1, 64), Ok(STATUS_SUCCESS));
    let info = ImageInformation::read_from_bytes(&out.read(m.k).unwrap()).unwrap();
    assert_eq!((info.transfer_address, info.machine, info.subsystem), (BASE + 0x1010, 0x8664, 3));
    assert_eq!((info.maximum_stack_size, info.committed_stack_size, info.checksum), (0x10_0000, 0x2000, 0x1234_5678));
    assert_eq!((info.major_subsystem_version, info.minor_subsystem_version), (5, 2));
    assert_eq!((info.contains_code, info.flags, info.characteristics), (1, 4, 0x2022));
    assert_eq!(query(3, 8), Ok(STATUS_SUCCESS));
    assert_eq!(out.read(m.k).unwrap()[..8], BASE.to_le_bytes());
}

#[test]
fn an_image_section_tells_the_size_that_its_maker_gave() {
    let m = Machine::new();
    let size = |asked: u64| {
        let section = m.k.mm.image_section(m.k, m.source(Maker::dll(0x200).file(), 0x21), asked, 0x20)?;
        Ok(section.section()?.size())
    };
    let whole = size(0).unwrap();
    assert_eq!((size(1), size(whole)), (Ok(1), Ok(whole)));
    assert_eq!(size(whole + 1), Err(STATUS_SECTION_TOO_BIG));
}

#[test]
fn a_program_that_keeps_below_2_gb_has_its_dlls_of_data_there() {
    let m = Machine::new();
    let data = |characteristics| {
        let sections = vec![(".apiset", 0, vec![1; 64], RODATA)];
        let mut file = Maker { characteristics, sections, ..Maker::dll(0x200) }.file();
        // Neither code nor an entry point.
        file[HEADER + 24 + 4..][..4].fill(0);
        file[HEADER + 24 + 16..][..4].fill(0);
        file
    };
    m.fake.files.add_file("file:C:/low.exe", data(0x2));
    m.fake.files.add_file("file:C:/sets.dll", data(0x2022));
    let map = |name: &str| {
        let uri = format!("file:{name}");
        let (disposition, expect) = (Disposition::Open, Expect::File);
        let open = StreamOpen { uri, access: access::READ, disposition, expect, attributes: 0 };
        let stream = m.k.host.ask_stream(&open).unwrap().1.unwrap();
        m.k.mm.map_image_file(m.k, stream, &name.replace('/', "\\"), false).unwrap().base
    };
    assert!(map("C:/sets.dll") >= 0x10_0000_0000);
    assert!(map("C:/low.exe") < 0x8000_0000);
    assert!(map("C:/sets.dll") < 0x8000_0000);
}

#[test]
fn bad_headers() {
    let m = Machine::new();
    let good = Maker::dll(0x200).file();
    let status = |file: Vec<u8>| m.image(file).err();
    let with = |at: usize, bytes: &[u8]| {
        let mut file = good.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        status(file)
    };
    assert_eq!(status(vec![]), Some(STATUS_INVALID_FILE_FOR_SECTION));
    assert_eq!(status(b"this is no image at all".to_vec()), Some(STATUS_INVALID_IMAGE_NOT_MZ));
    assert_eq!(status(good[..50].to_vec()), Some(STATUS_INVALID_IMAGE_NOT_MZ));
    assert_eq!(status(good[..HEADER + 10].to_vec()), Some(STATUS_INVALID_IMAGE_PROTECT));
    assert_eq!(with(60, &u32::MAX.to_le_bytes()), Some(STATUS_INVALID_IMAGE_PROTECT));
    assert_eq!(with(HEADER, b"NOPE"), Some(STATUS_INVALID_IMAGE_PROTECT));
    let mut ne = good.clone();
    ne[HEADER..HEADER + 2].copy_from_slice(b"NE");
    for (kind, expected) in
        [(2, STATUS_INVALID_IMAGE_WIN_16), (5, STATUS_INVALID_IMAGE_PROTECT), (1, STATUS_INVALID_IMAGE_NE_FORMAT)]
    {
        ne[HEADER + 0x36] = kind;
        assert_eq!(status(ne.clone()), Some(expected));
    }
    assert_eq!(with(HEADER + 4, &[0x64, 0xaa]), Some(STATUS_INVALID_IMAGE_FORMAT));
    assert_eq!(with(HEADER + 24, &[0x0b, 0x01]), Some(STATUS_INVALID_IMAGE_FORMAT));
    // Too many sections, and a table beyond the image.
    assert_eq!(with(HEADER + 6, &97u16.to_le_bytes()), Some(STATUS_INVALID_IMAGE_FORMAT));
    // A section beyond the image, beyond the file, and between pages.
    let first = HEADER + 24 + 240;
    assert_eq!(with(first + 8, &0x100_0000u32.to_le_bytes()), Some(STATUS_INVALID_IMAGE_FORMAT));
    assert_eq!(with(first + 12, &0x1800u32.to_le_bytes()), Some(STATUS_INVALID_IMAGE_FORMAT));
    assert_eq!(with(first + 20, &0x100_0000u32.to_le_bytes()), Some(STATUS_INVALID_IMAGE_FORMAT));
    assert_eq!(with(HEADER + 24 + 56, &0u32.to_le_bytes()), Some(STATUS_INVALID_IMAGE_FORMAT));
    // What lies in memory as in the file must be said to.
    let sections = vec![(".text", 0, vec![0x90; 0x300], CODE)];
    let mut flat = Maker { section_alignment: 0x200, sections, ..Maker::dll(0x200) }.file();
    assert_eq!(status(flat.clone()), None);
    flat[HEADER + 24 + 36..][..4].copy_from_slice(&0x400u32.to_le_bytes());
    assert_eq!(status(flat), Some(STATUS_INVALID_IMAGE_FORMAT));
    // More directories than there are is no error.
    assert_eq!(with(HEADER + 24 + 108, &u32::MAX.to_le_bytes()), None);
    // Cut anywhere, it is refused or mapped, never worse.
    for length in (0..good.len()).step_by(37) {
        if let Ok(section) = m.image(good[..length].to_vec()) {
            let mapped = m.map_image(section.section().unwrap(), Limits::default()).unwrap();
            m.k.mm.unmap_view(m.k, mapped.range.start, false).unwrap();
        }
    }
    assert_eq!(status(good[..good.len() - 0x400].to_vec()), Some(STATUS_INVALID_IMAGE_FORMAT));
}

#[test]
fn any_bytes_in_the_headers() {
    let m = Machine::new();
    let mut maker = Maker::dll(0x200);
    maker.relocations = vec![0x3010];
    let good = maker.file();
    // xorshift: the same bytes each time.
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    m.k.mm.note_host_region(BASE..BASE + 0x1000, READONLY);
    let reloc = good.len() - 0x200;
    for _ in 0..3000 {
        let mut file = good.clone();
        for _ in 0..=random() % 3 {
            let at = match random() % 4 {
                0 => reloc + random() as usize % 16,
                _ => HEADER + random() as usize % 0x200,
            };
            file[at] = if random() % 2 == 0 { random() as u8 } else { 0xff };
        }
        // The header's own size may ask for more than the fake host can keep.
        let Ok(section) = m.image(file) else { continue };
        let section = section.section().unwrap();
        if section.area.size() > 0x100_0000 {
            continue;
        }
        if let Ok(mapped) = m.map_image(section, Limits::default()) {
            assert_eq!(m.runs(&mapped.range).iter().map(|(size, _)| size).sum::<u64>() % PAGE_SIZE, 0);
            m.k.mm.unmap_view(m.k, mapped.range.start, false).unwrap();
        }
    }
    assert_eq!(m.k.mm.committed(), 0);
}

#[test]
fn the_stack_is_spared() {
    let m = Machine::new();
    let mut maker = Maker::dll(0x1000);
    let code = [0x48, 0x81, 0xe1, 0x00, 0xf0, 0xff, 0xff, 0x48, 0x8d, 0xb9, 0x00, 0x00, 0xf1, 0xff, 0xc3];
    maker.sections[0].2[0x40..0x40 + code.len()].copy_from_slice(&code);
    let section = m.image(maker.file()).unwrap();
    let base = m.map_image(section.section().unwrap(), Limits::default()).unwrap().range.start;
    assert_eq!(m.k.mm.spare_the_stack(m.k, base + 0x1100), Ok(false));
    assert_eq!(m.k.mm.spare_the_stack(m.k, base + 0x1020), Ok(true));
    let mut now = [0; 15];
    m.k.read_user(base + 0x1040, &mut now).unwrap();
    assert_eq!(now[7..], [0x48, 0x8d, 0xb9, 0x00, 0xf0, 0xff, 0xff, 0xc3]);
    assert_eq!(m.store(base + 0x1000, 1), Err(STATUS_ACCESS_VIOLATION));
    assert_eq!(m.k.mm.spare_the_stack(m.k, base + 0x1020), Ok(false));
}

#[test]
fn a_function_is_diverted() {
    let m = Machine::new();
    let mut maker = Maker::dll(0x1000);
    // One function at 0x1100 of the image: the directory, its three tables, and the name.
    const TABLES: u32 = 0x6000;
    let mut exports = vec![0; 40];
    for (at, word) in [(20, 1), (24, 1), (28, TABLES + 40), (32, TABLES + 44), (36, TABLES + 48)] {
        exports[at..at + 4].copy_from_slice(&u32::to_le_bytes(word));
    }
    exports.extend([0x1100, TABLES + 50].iter().flat_map(|word: &u32| word.to_le_bytes()));
    exports.extend([0, 0]);
    exports.extend(b"Print\0");
    maker.sections[2].2[..exports.len()].copy_from_slice(&exports);
    let mut file = maker.file();
    file[HEADER + 24 + 112..HEADER + 24 + 116].copy_from_slice(&TABLES.to_le_bytes());
    let section = m.image(file).unwrap();
    let base = m.map_image(section.section().unwrap(), Limits::default()).unwrap().range.start;
    let code = |distance: i32| [&[0xe9][..], &(distance - 5).to_le_bytes()].concat();
    assert_eq!(m.k.mm.divert(m.k, base, b"Printer", code), Ok(false));
    assert_eq!(m.k.mm.divert(m.k, base, b"Pri", code), Ok(false));
    assert_eq!(m.k.mm.divert(m.k, base, b"Print", |_| vec![0x90; 0x1000]), Ok(false));
    assert_eq!(m.k.mm.divert(m.k, base, b"Print", code), Ok(true));
    // It lies behind the code, and jumps to the function.
    let mut entry = [0; 4];
    m.k.read_user(base + u64::from(TABLES) + 40, &mut entry).unwrap();
    let mut jump = [0; 5];
    m.k.read_user(base + u64::from(u32::from_le_bytes(entry)), &mut jump).unwrap();
    assert_eq!((u32::from_le_bytes(entry), jump[0]), (0x2240, 0xe9));
    assert_eq!(0x2240 + 5 + i32::from_le_bytes([jump[1], jump[2], jump[3], jump[4]]), 0x1100);
    assert_eq!(m.store(base + 0x2240, 1), Err(STATUS_ACCESS_VIOLATION));
}
