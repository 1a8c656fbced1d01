//! Sections and views.

use super::*;
use crate::host::Stream;
use crate::host::fake::files::Open;
use crate::io::file::SectionSource;
use crate::mm::calls;
use crate::ob::Ref;
use crate::um::UserPtr;
use shim_abi::stream::Identity;

const SEC_COMMIT: u32 = 0x800_0000;
const SEC_RESERVE: u32 = 0x400_0000;
const ALL: u32 = 0xf001f;

impl Machine {
    fn section(&self, size: i64, attributes: u32, protection: u32) -> Nt<Handle> {
        let (handle, none) = (self.fake.alloc(Handle(1)), UserPtr::new(0));
        let size = self.fake.alloc(size);
        calls::nt_create_section(&self.cx(), handle, ALL, none, size, protection, attributes, Handle(0))?;
        handle.read(self.k)
    }

    fn handle(&self, section: Ref, access: u32) -> Handle {
        self.cx().insert(section, access, 0).unwrap()
    }

    fn map(&self, section: Handle, base: u64, offset: i64, size: u64, protection: u32) -> Nt<(u64, u64)> {
        let (at, from, bytes) = (self.fake.alloc(base), self.fake.alloc(offset), self.fake.alloc(size));
        calls::nt_map_view_of_section(&self.cx(), section, SELF, at, 0, 0, from, bytes, 1, 0, protection)?;
        Ok((at.read(self.k)?, bytes.read(self.k)?))
    }

    fn unmap(&self, address: u64) -> Nt {
        calls::nt_unmap_view_of_section(&self.cx(), SELF, address)
    }

    /// A file, as its file object would give it to a section.
    pub(super) fn source(&self, bytes: Vec<u8>, access: u32) -> SectionSource {
        let size = bytes.len() as u64;
        let node = self.fake.files.add_file("file:C:/mapped.bin", bytes);
        let number = self.fake.files.adopt(Open::File(node, Arc::default()));
        SectionSource {
            stream: Arc::new(Stream::adopt(self.fake, number)),
            size,
            access,
            identity: Identity { volume: 1, number: u64::from(number) },
            name: crate::types::wide("\\Device\\HarddiskVolume1\\mapped.bin"),
        }
    }
}

#[test]
fn views_of_the_page_file_share() {
    let m = Machine::new();
    let section = m.section(0x2_1000, SEC_COMMIT, READWRITE).unwrap();
    assert_eq!(m.k.mm.committed(), 0x2_1000);
    let (a, size) = m.map(section, 0, 0, 0, READWRITE).unwrap();
    let (b, _) = m.map(section, 0, 0, 0, READONLY).unwrap();
    let (c, part) = m.map(section, 0, 0x2_0000, 0x1000, READONLY).unwrap();
    assert_eq!((size, part), (0x2_1000, 0x1000));
    m.store(a + 0x2_0000, 5).unwrap();
    assert_eq!((m.load(b + 0x2_0000), m.load(c)), (Ok(5), Ok(5)));
    assert_eq!(m.store(b, 1), Err(STATUS_ACCESS_VIOLATION));
    let q = m.query(a + 0x1000);
    assert_eq!((q.kind, q.size, q.protection, q.allocation_base), (0x4_0000, 0x2_0000, READWRITE, a));
    // Its protection bounds that of its pages; what allocation made is not a view, nor the other way round.
    assert_eq!(m.protect(b, 1, READWRITE), Err(STATUS_SECTION_PROTECTION));
    assert_eq!(m.free(b, 0, RELEASE), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(m.free(b, 0x1000, DECOMMIT), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(m.allocate(b, 0x1000, COMMIT, READWRITE), Err(STATUS_INVALID_PAGE_PROTECTION));
    assert_eq!(m.allocate(a, 0x1000, COMMIT, READONLY), Ok((a, 0x1000)));
    assert_eq!(m.protect(a, 0x1000, READWRITE), Ok(READONLY));
    // The handle may go before the views, which end by any address inside.
    m.k.close_handle(section).unwrap();
    assert_eq!(m.load(b + 0x2_0000), Ok(5));
    for view in [a, b + 0x123, c] {
        assert_eq!(m.unmap(view), Ok(STATUS_SUCCESS));
    }
    assert_eq!((m.unmap(a), m.query(a).state), (Err(STATUS_NOT_MAPPED_VIEW), FREE));
    assert_eq!(m.k.mm.committed(), 0);
}

#[test]
fn what_mapping_refuses() {
    let m = Machine::new();
    assert_eq!(m.section(0, SEC_COMMIT, READWRITE), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(m.section(-1, SEC_COMMIT, READWRITE), Err(STATUS_SECTION_TOO_BIG));
    assert_eq!(m.section(0x1000, 0, READWRITE), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(m.section(0x1000, SEC_COMMIT | SEC_RESERVE, READWRITE), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(m.section(0x1000, 0x100_0000, READONLY), Err(STATUS_INVALID_FILE_FOR_SECTION));
    assert_eq!(m.section(0x1000, SEC_COMMIT | 0x8000_0000, READWRITE), Err(STATUS_PRIVILEGE_NOT_HELD));
    assert_eq!(m.section(0x1000, SEC_COMMIT, 1), Err(STATUS_INVALID_PAGE_PROTECTION));
    let s = m.section(0x8000, SEC_COMMIT, READWRITE).unwrap();
    let at = 0x6000_0000;
    assert_eq!(m.map(s, at, 0, 0, READWRITE), Ok((at, 0x8000)));
    assert_eq!(m.map(s, at, 0, 0, READWRITE), Err(STATUS_CONFLICTING_ADDRESSES));
    assert_eq!(m.map(s, at + 0x1000, 0, 0, READWRITE), Err(STATUS_MAPPED_ALIGNMENT));
    assert_eq!(m.map(s, 0, 0x1000, 0, READWRITE), Err(STATUS_MAPPED_ALIGNMENT));
    assert_eq!(m.map(s, 0, 0, 0x9000, READWRITE), Err(STATUS_INVALID_VIEW_SIZE));
    assert_eq!(m.map(s, 0, 0x1_0000, 0, READWRITE), Err(STATUS_INVALID_VIEW_SIZE));
    assert_eq!(m.map(s, 0, 0, 0, 0x40), Err(STATUS_SECTION_PROTECTION));
    assert_eq!(m.map(s, 0, 0, 0, 3), Err(STATUS_INVALID_PAGE_PROTECTION));
    assert_eq!(m.map(Handle(0xdead0), 0, 0, 0, READWRITE), Err(STATUS_INVALID_HANDLE));
    let object = m.cx().object(s, 0).unwrap();
    let reader = m.handle(object.clone(), crate::mm::section::SECTION_MAP_READ);
    assert_eq!(m.map(reader, 0, 0, 0, READWRITE), Err(STATUS_ACCESS_DENIED));
    assert!(m.map(reader, 0, 0, 0, WRITECOPY).is_ok());
    let (out, returned) = (m.fake.alloc([9u64; 3]), m.fake.alloc(0u64));
    let query = |class, length| calls::nt_query_section(&m.cx(), s, class, out.address(), length, returned);
    assert_eq!(query(0, 24), Ok(STATUS_SUCCESS));
    assert_eq!((out.read(m.k), returned.read(m.k)), (Ok([0, u64::from(SEC_COMMIT), 0x8000]), Ok(24)));
    assert_eq!(query(0, 20), Err(STATUS_INFO_LENGTH_MISMATCH));
    assert_eq!(query(1, 64), Err(STATUS_SECTION_NOT_IMAGE));
    assert_eq!(query(9, 64), Err(STATUS_INVALID_INFO_CLASS));
}

#[test]
fn pages_of_a_reserved_section_are_committed_for_all_views() {
    let m = Machine::with_memory(0x2_0000);
    let section = m.section(0x10_0000, SEC_RESERVE, READWRITE).unwrap();
    let (a, _) = m.map(section, 0, 0, 0, READWRITE).unwrap();
    let (b, _) = m.map(section, 0, 0x1_0000, 0, READWRITE).unwrap();
    assert_eq!((m.query(a).state, m.query(a).size, m.k.mm.committed()), (RESERVE, 0x10_0000, 0));
    assert_eq!(m.store(a, 1), Err(STATUS_ACCESS_VIOLATION));
    assert_eq!(m.allocate(a + 0x1_0000, 0x1000, COMMIT, READWRITE), Ok((a + 0x1_0000, 0x1000)));
    assert_eq!(m.k.mm.committed(), 0x1000);
    m.store(a + 0x1_0000, 7).unwrap();
    let q = m.query(b);
    assert_eq!((q.state, q.size, q.protection), (COMMIT, 0x1000, READWRITE));
    assert_eq!((m.load(b), m.load(b + 0x1000)), (Ok(7), Err(STATUS_ACCESS_VIOLATION)));
    assert_eq!(m.allocate(b, 0x2_1000, COMMIT, READWRITE), Err(STATUS_COMMITMENT_LIMIT));
    assert_eq!(m.allocate(a, 0x1_0000, COMMIT, 0x40), Err(STATUS_INVALID_PAGE_PROTECTION));
    m.unmap(a).unwrap();
    m.unmap(b).unwrap();
    m.k.close_handle(section).unwrap();
    assert_eq!(m.k.mm.committed(), 0);
}

#[test]
fn views_of_a_file() {
    let m = Machine::new();
    let bytes: Vec<u8> = (0..5000u32).map(|n| n as u8).collect();
    let source = m.source(bytes, 3);
    let stream = source.stream.clone();
    let section = m.k.mm.file_section(m.k, source, 0, SEC_COMMIT, READWRITE).unwrap();
    let s = m.handle(section, ALL);
    let (v, size) = m.map(s, 0, 0, 0, READWRITE).unwrap();
    assert_eq!((size, m.load(v + 4999), m.load(v + 5000)), (0x2000, Ok(4999u32 as u8), Ok(0)));
    m.store(v, 0x55).unwrap();
    let mut first = [0];
    m.k.host.read_bytes(&stream, &mut first, Some(0)).unwrap();
    assert_eq!(first, [0x55]);
    // A copy-on-write view keeps its stores to itself, and says so page by page.
    let (cow, _) = m.map(s, 0, 0, 0, WRITECOPY).unwrap();
    assert_eq!((m.query(cow).protection, m.query(cow).size), (WRITECOPY, 0x2000));
    m.store(cow, 1).unwrap();
    assert_eq!((m.load(v), m.load(cow)), (Ok(0x55), Ok(1)));
    assert_eq!((m.query(cow).protection, m.query(cow).size), (READWRITE, 0x1000));
    assert_eq!(m.query(cow + 0x1000).protection, WRITECOPY);
    assert_eq!(m.protect(cow, 0x2000, READWRITE), Err(STATUS_SECTION_PROTECTION));
    // Part of a shared view made copy on write, and back.
    assert_eq!(m.protect(v + 0x1000, 1, WRITECOPY), Ok(READWRITE));
    assert_eq!(m.protect(v + 0x1000, 1, READWRITE), Ok(WRITECOPY));
    m.store(v + 0x1001, 0x66).unwrap();
    assert_eq!(m.load(cow + 0x1001), Ok(0x66));
    // Cut from outside, its pages can no longer be had.
    m.k.host.set_length(&stream, 100).unwrap();
    assert_eq!(m.load(v + 0x1001), Err(STATUS_IN_PAGE_ERROR));
    assert_eq!(m.load(v + 50), Ok(50));
    assert_eq!(m.k.mm.mapped_file(v).unwrap(), crate::types::wide("\\Device\\HarddiskVolume1\\mapped.bin"));
    m.unmap(v).unwrap();
    m.unmap(cow).unwrap();
    m.k.close_handle(s).unwrap();
    // Nothing holds the file any more: the disk driver counts on that to tell whether it is mapped.
    assert_eq!(Arc::strong_count(&stream), 1);
}

#[test]
fn sections_and_the_size_of_their_file() {
    let m = Machine::new();
    let make = |bytes: Vec<u8>, access, size, protection| {
        let source = m.source(bytes, access);
        let stream = source.stream.clone();
        let made = m.k.mm.file_section(m.k, source, size, SEC_COMMIT, protection);
        made.map(|section| (section, m.k.host.query(&stream).unwrap().size, stream))
    };
    assert_eq!(make(vec![], 3, 0, READWRITE).err(), Some(STATUS_MAPPED_FILE_SIZE_ZERO));
    assert_eq!(make(vec![0; 10], 1, 0x1_0000, READONLY).err(), Some(STATUS_SECTION_TOO_BIG));
    assert_eq!(make(vec![0; 10], 3, 1 << 60, READWRITE).err(), Some(STATUS_SECTION_TOO_BIG));
    let (section, size, stream) = make(vec![0; 10], 3, 0x2_0000, READWRITE).unwrap();
    assert_eq!(size, 0x2_0000);
    let s = m.handle(section, ALL);
    let extend = |to: i64| {
        let size = m.fake.alloc(to);
        calls::nt_extend_section(&m.cx(), s, size).map(|_| size.read(m.k).unwrap())
    };
    assert_eq!((extend(0x3_0000), extend(5)), (Ok(0x3_0000), Ok(0x3_0000)));
    assert_eq!(m.k.host.query(&stream).unwrap().size, 0x3_0000);
    assert_eq!(m.map(s, 0, 0x2_0000, 0x1_0000, READWRITE).map(|(_, size)| size), Ok(0x1_0000));
    let paged = m.section(0x1000, SEC_COMMIT, READWRITE).unwrap();
    let size = m.fake.alloc(0x2000i64);
    assert_eq!(calls::nt_extend_section(&m.cx(), paged, size), Err(STATUS_SECTION_NOT_EXTENDED));
}

#[test]
fn views_take_the_place_of_placeholders() {
    const REPLACE: u32 = 0x4000;
    let m = Machine::new();
    let p = m.allocate_ex(0, 0x3_0000, RESERVE | 0x4_0000, 1).unwrap();
    m.free(p + 0x1000, 0x2000, RELEASE | 2).unwrap();
    let s = m.section(0x2000, SEC_COMMIT, READWRITE).unwrap();
    let map = |base: u64, size: u64, kind: u32| {
        let (at, from, bytes) = (m.fake.alloc(base), m.fake.alloc(0i64), m.fake.alloc(size));
        let none = UserPtr::new(0);
        calls::nt_map_view_of_section_ex(&m.cx(), s, SELF, at, from, bytes, kind, READWRITE, none, 0)?;
        at.read(m.k)
    };
    assert_eq!(map(p, 0x1000, 0), Err(STATUS_CONFLICTING_ADDRESSES));
    assert_eq!(map(p + 0x1000, 0x1000, REPLACE), Err(STATUS_CONFLICTING_ADDRESSES));
    assert_eq!(map(p + 0x1000, 0x2000, REPLACE), Ok(p + 0x1000));
    m.store(p + 0x1000, 3).unwrap();
    let unmap = |address, flags| calls::nt_unmap_view_of_section_ex(&m.cx(), SELF, address, flags);
    assert_eq!(unmap(p, 2), Err(STATUS_NOT_MAPPED_VIEW));
    assert_eq!(unmap(p + 0x1000, 0x100), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(unmap(p + 0x1000, 2), Ok(STATUS_SUCCESS));
    let q = m.query(p + 0x1000);
    assert_eq!((q.state, q.size, q.kind), (RESERVE, 0x2000, 0x2_0000));
    let other = m.map(s, 0, 0, 0, READWRITE).unwrap().0;
    assert_eq!(unmap(other, 2), Err(STATUS_CONFLICTING_ADDRESSES));
    assert_eq!(m.load(other), Ok(3));
    assert_eq!(m.free(p, 0x3_0000, RELEASE | 1), Ok((p, 0x3_0000)));
}

#[test]
fn named_sections() {
    let m = Machine::new();
    crate::ob::directory::make_path(&m.k.ob.root, "\\BaseNamedObjects");
    let name = m.fake.attributes("\\BaseNamedObjects\\Part", 0x80);
    let create = || {
        let (handle, size) = (m.fake.alloc(Handle(0)), m.fake.alloc(0x1000i64));
        let status = calls::nt_create_section(&m.cx(), handle, ALL, name, size, READWRITE, SEC_COMMIT, Handle(0));
        status.map(|status| (status, handle.read(m.k).unwrap()))
    };
    let (made, first) = create().unwrap();
    let (again, _) = create().unwrap();
    assert_eq!((made, again), (STATUS_SUCCESS, STATUS_OBJECT_NAME_EXISTS));
    let opened = m.fake.alloc(Handle(0));
    assert_eq!(calls::nt_open_section(&m.cx(), opened, 4, name), Ok(STATUS_SUCCESS));
    let (a, _) = m.map(first, 0, 0, 0, READWRITE).unwrap();
    let (b, _) = m.map(opened.read(m.k).unwrap(), 0, 0, 0, READONLY).unwrap();
    m.store(a, 8).unwrap();
    assert_eq!(m.load(b), Ok(8));
    assert_eq!(m.map(opened.read(m.k).unwrap(), 0, 0, 0, READWRITE), Err(STATUS_ACCESS_DENIED));
}
