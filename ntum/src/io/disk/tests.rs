//! The disk against the fake host.

use crate::call::Cx;
use crate::host::fake::Fake;
use crate::io::create::*;
use crate::io::file::*;
use crate::io::information::*;
use crate::io::transfer::*;
use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::ob::types::{DELETE, SYNCHRONIZE};
use crate::ps::thread::Thread;
use crate::status::*;
use crate::types::{IoStatusBlock, wide};
use crate::um::UserPtr;
use std::sync::Arc;

const READ: u32 = 0x12_0089;
const WRITE: u32 = 0x12_0116;
const SYNC: u32 = FILE_SYNCHRONOUS_IO_NONALERT;

struct Guest {
    fake: &'static Fake,
    k: &'static Kernel,
    t: Arc<Thread>,
}

/// A machine with `C:\dir` and `C:\dir\file.txt`.
fn guest() -> Guest {
    let (fake, k) = Fake::kernel();
    crate::io::start(k);
    fake.files.add_directory("file:C:/");
    fake.files.add_directory("file:C:/dir");
    fake.files.add_file("file:C:/dir/File.txt", b"0123456789".to_vec());
    let t = fake.attach(k);
    Guest { fake, k, t }
}

impl Guest {
    fn cx(&self) -> Cx<'_> {
        Cx { k: self.k, t: &self.t }
    }

    fn iosb(&self) -> UserPtr<IoStatusBlock> {
        self.fake.alloc(IoStatusBlock { status: 0xdead, pad: 0, information: 0xbeef })
    }

    fn create(&self, name: &str, access: u32, share: u32, disposition: u32, options: u32) -> Nt<(Handle, u64)> {
        self.create_with(name, access, share, disposition, options, 0)
    }

    fn create_with(
        &self,
        name: &str,
        access: u32,
        share: u32,
        disposition: u32,
        options: u32,
        attributes: u32,
    ) -> Nt<(Handle, u64)> {
        let handle = self.fake.alloc(Handle(0));
        let (iosb, object) = (self.iosb(), self.fake.attributes(name, 0x40));
        let (none, cx) = (UserPtr::new(0), self.cx());
        nt_create_file(
            &cx,
            handle,
            access | SYNCHRONIZE,
            object,
            iosb,
            none,
            attributes,
            share,
            disposition,
            options | SYNC,
            0,
            0,
        )?;
        Ok((handle.read(self.k)?, iosb.read(self.k)?.information))
    }

    fn open(&self, name: &str, access: u32) -> Handle {
        self.create(name, access, 7, FILE_OPEN, 0).unwrap().0
    }

    fn close(&self, handle: Handle) {
        self.k.close_handle(handle).unwrap();
    }

    fn read(&self, handle: Handle, length: u32, offset: Option<i64>) -> Nt<Vec<u8>> {
        let buffer = self.fake.alloc_bytes(&vec![0; length as usize]);
        let offset = offset.map_or(UserPtr::new(0), |offset| self.fake.alloc(offset));
        let iosb = self.iosb();
        nt_read_file(&self.cx(), handle, Handle(0), 0, 0, iosb, buffer, length, offset, UserPtr::new(0))?;
        let moved = iosb.read(self.k)?.information;
        UserPtr::<u8>::new(buffer).read_vec(self.k, moved as usize)
    }

    fn write(&self, handle: Handle, bytes: &[u8], offset: Option<i64>) -> Nt<u64> {
        let buffer = self.fake.alloc_bytes(bytes);
        let offset = offset.map_or(UserPtr::new(0), |offset| self.fake.alloc(offset));
        let iosb = self.iosb();
        let length = bytes.len() as u32;
        nt_write_file(&self.cx(), handle, Handle(0), 0, 0, iosb, buffer, length, offset, UserPtr::new(0))?;
        Ok(iosb.read(self.k)?.information)
    }

    fn query(&self, handle: Handle, class: u32, length: u32) -> Nt<(Status, Vec<u8>)> {
        let buffer = self.fake.alloc_bytes(&vec![0xcc; length as usize]);
        let iosb = self.iosb();
        let status = nt_query_information_file(&self.cx(), handle, iosb, buffer, length, class)?;
        let filled = iosb.read(self.k)?.information as usize;
        Ok((status, UserPtr::<u8>::new(buffer).read_vec(self.k, filled)?))
    }

    fn set(&self, handle: Handle, class: u32, data: &[u8]) -> Nt {
        let buffer = self.fake.alloc_bytes(data);
        nt_set_information_file(&self.cx(), handle, self.iosb(), buffer, data.len() as u32, class)
    }

    fn attributes(&self, name: &str) -> Nt<u32> {
        let information = self.fake.alloc_bytes(&[0; 40]);
        nt_query_attributes_file(&self.cx(), self.fake.attributes(name, 0x40), information)?;
        UserPtr::<u32>::new(information + 32).read(self.k)
    }

    fn rename(&self, handle: Handle, to: &str, flags: u32) -> Nt {
        let class = FILE_RENAME_INFORMATION_EX;
        self.set(handle, class, &name_request(to, flags, Handle(0)))
    }

    /// Names that a listing answers, with its status.
    fn list(
        &self,
        handle: Handle,
        mask: Option<&str>,
        length: u32,
        single: bool,
        restart: bool,
    ) -> Nt<(Status, Vec<String>)> {
        let buffer = self.fake.alloc_bytes(&vec![0; length as usize]);
        let mask = mask.map_or(UserPtr::new(0), |mask| self.fake.unicode_string(mask));
        let iosb = self.iosb();
        let class = FILE_NAMES_INFORMATION;
        let (cx, event) = (self.cx(), Handle(0));
        let status =
            nt_query_directory_file(&cx, handle, event, 0, 0, iosb, buffer, length, class, single, mask, restart)?;
        let raw = UserPtr::<u8>::new(buffer).read_vec(self.k, iosb.read(self.k)?.information as usize)?;
        let mut names = Vec::new();
        let mut at = 0;
        loop {
            let word = |at: usize| u32::from_le_bytes(raw[at..at + 4].try_into().unwrap()) as usize;
            let end = (at + 12 + word(at + 8)).min(raw.len());
            let units: Vec<u16> =
                raw[at + 12..end].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            names.push(String::from_utf16(&units).unwrap());
            if word(at) == 0 {
                return Ok((status, names));
            }
            at += word(at);
        }
    }

    fn lock(&self, handle: Handle, offset: u64, length: u64, exclusive: bool, at_once: bool) -> Nt {
        let (offset, length) = (self.fake.alloc(offset), self.fake.alloc(length));
        nt_lock_file(&self.cx(), handle, Handle(0), 0, 0, self.iosb(), offset, length, 0, at_once, exclusive)
    }

    fn unlock(&self, handle: Handle, offset: u64, length: u64) -> Nt {
        let (offset, length) = (self.fake.alloc(offset), self.fake.alloc(length));
        nt_unlock_file(&self.cx(), handle, self.iosb(), offset, length, 0)
    }

    fn exists(&self, uri: &str) -> bool {
        self.fake.files.get(uri).is_some()
    }
}

/// FILE_RENAME_INFORMATION and FILE_LINK_INFORMATION.
fn name_request(to: &str, flags: u32, root: Handle) -> Vec<u8> {
    let name: Vec<u8> = wide(to).into_iter().flat_map(u16::to_le_bytes).collect();
    let mut data = u64::from(flags).to_le_bytes().to_vec();
    data.extend_from_slice(&root.0.to_le_bytes());
    data.extend_from_slice(&(name.len() as u32).to_le_bytes());
    data.extend_from_slice(&name);
    data.resize(data.len().max(24), 0);
    data
}

#[test]
fn dispositions() {
    let g = guest();
    let file = "\\??\\C:\\dir\\new";
    let go = |disposition| {
        let made = g.create(file, READ | WRITE, 7, disposition, 0);
        made.map(|(handle, information)| {
            g.close(handle);
            information
        })
    };
    assert_eq!(go(FILE_OPEN), Err(STATUS_OBJECT_NAME_NOT_FOUND));
    assert_eq!(go(FILE_OVERWRITE), Err(STATUS_OBJECT_NAME_NOT_FOUND));
    assert_eq!(go(FILE_CREATE), Ok(FILE_CREATED));
    assert_eq!(go(FILE_CREATE), Err(STATUS_OBJECT_NAME_COLLISION));
    assert_eq!(go(FILE_OPEN), Ok(FILE_OPENED));
    assert_eq!(go(FILE_OPEN_IF), Ok(FILE_OPENED));
    assert_eq!(go(FILE_OVERWRITE), Ok(FILE_OVERWRITTEN));
    assert_eq!(go(FILE_OVERWRITE_IF), Ok(FILE_OVERWRITTEN));
    assert_eq!(go(FILE_SUPERSEDE), Ok(FILE_SUPERSEDED));
    assert_eq!(g.create("\\??\\C:\\no\\new", READ, 7, FILE_CREATE, 0).unwrap_err(), STATUS_OBJECT_PATH_NOT_FOUND);
    assert_eq!(g.create("\\??\\Q:\\new", READ, 7, FILE_OPEN, 0).unwrap_err(), STATUS_OBJECT_PATH_NOT_FOUND);
    assert_eq!(g.create("\\??\\C:\\dir\\a:b:c", READ, 7, FILE_OPEN, 0).unwrap_err(), STATUS_OBJECT_NAME_INVALID);
    assert_eq!(g.create("\\??\\C:\\dir\\a:b", READ, 7, FILE_OPEN, 0).unwrap_err(), STATUS_OBJECT_NAME_NOT_FOUND);
}

#[test]
fn one_call_of_the_monitor_each() {
    let g = guest();
    g.fake.asked.lock().clear();
    let handle = g.open("\\??\\C:\\DIR\\file.TXT", READ);
    g.close(handle);
    assert_eq!(g.fake.asked.lock().len(), 1);
    assert_eq!(g.attributes("\\??\\c:\\dir\\FILE.txt"), Ok(0x20));
    assert_eq!(g.fake.asked.lock().len(), 2);
}

#[test]
fn files_and_directories() {
    let g = guest();
    let open = |name: &str, options| g.create(name, READ, 7, FILE_OPEN, options).map(|(handle, _)| g.close(handle));
    assert_eq!(open("\\??\\C:\\dir", FILE_NON_DIRECTORY_FILE), Err(STATUS_FILE_IS_A_DIRECTORY));
    assert_eq!(open("\\??\\C:\\dir\\file.txt", FILE_DIRECTORY_FILE), Err(STATUS_NOT_A_DIRECTORY));
    assert_eq!(open("\\??\\C:\\dir\\", 0), Ok(()));
    assert_eq!(open("\\??\\C:\\", FILE_DIRECTORY_FILE), Ok(()));
    assert_eq!(open("\\??\\C:\\dir\\file.txt\\", 0), Err(STATUS_OBJECT_NAME_INVALID));
    assert_eq!(open("\\??\\C:", 0), Err(STATUS_ACCESS_DENIED));
    assert_eq!(g.attributes("\\??\\C:\\dir"), Ok(0x10));
    assert_eq!(g.create("\\??\\C:\\dir", WRITE, 7, FILE_OVERWRITE_IF, 0).unwrap_err(), STATUS_OBJECT_NAME_COLLISION);
    let (made, information) = g.create("\\??\\C:\\dir\\sub", READ, 7, FILE_CREATE, FILE_DIRECTORY_FILE).unwrap();
    assert_eq!(information, FILE_CREATED);
    g.close(made);
    assert!(g.exists("file:C:/dir/sub"));
}

#[test]
fn overwriting_waits_for_the_openers_consent() {
    let g = guest();
    let name = "\\??\\C:\\dir\\file.txt";
    let held = g.create(name, READ, 1, FILE_OPEN, 0).unwrap().0;
    assert_eq!(g.create(name, WRITE, 7, FILE_OVERWRITE_IF, 0).unwrap_err(), STATUS_SHARING_VIOLATION);
    assert_eq!(g.read(held, 20, None).unwrap(), b"0123456789", "nothing was cut");
    g.close(held);
    let over = g.create(name, WRITE, 7, FILE_OVERWRITE_IF, 0).unwrap().0;
    assert_eq!(g.fake.files.get("file:C:/dir/File.txt").unwrap().data.len(), 0);
    g.close(over);
}

#[test]
fn positions_and_ends() {
    let g = guest();
    let handle = g.open("\\??\\C:\\dir\\file.txt", READ | WRITE);
    assert_eq!(g.read(handle, 4, None).unwrap(), b"0123");
    assert_eq!(g.read(handle, 4, Some(FILE_USE_FILE_POINTER_POSITION)).unwrap(), b"4567");
    assert_eq!(g.read(handle, 4, None).unwrap(), b"89");
    assert_eq!(g.read(handle, 4, None), Err(STATUS_END_OF_FILE));
    assert_eq!(g.read(handle, 0, None), Ok(vec![]));
    assert_eq!(g.read(handle, 3, Some(1)).unwrap(), b"123");
    assert_eq!(g.query(handle, FILE_POSITION_INFORMATION, 8).unwrap().1, 4u64.to_le_bytes());
    assert_eq!(g.write(handle, b"ab", Some(FILE_WRITE_TO_END_OF_FILE)), Ok(2));
    assert_eq!(g.read(handle, 20, Some(8)).unwrap(), b"89ab");
    assert_eq!(g.read(handle, 20, Some(-3)), Err(STATUS_INVALID_PARAMETER));
    g.set(handle, FILE_POSITION_INFORMATION, &2u64.to_le_bytes()).unwrap();
    assert_eq!(g.write(handle, b"x", None), Ok(1));
    assert_eq!(g.read(handle, 20, Some(0)).unwrap(), b"01x3456789ab");
    g.set(handle, FILE_END_OF_FILE_INFORMATION, &3u64.to_le_bytes()).unwrap();
    assert_eq!(g.read(handle, 20, Some(0)).unwrap(), b"01x");
    g.close(handle);
    let append = g.create("\\??\\C:\\dir\\file.txt", FILE_APPEND_DATA, 7, FILE_OPEN, 0).unwrap().0;
    assert_eq!(g.write(append, b"yz", Some(0)), Ok(2));
    assert_eq!(g.read(append, 1, None), Err(STATUS_ACCESS_DENIED));
    g.close(append);
    assert_eq!(*g.fake.files.get("file:C:/dir/File.txt").unwrap().data.bytes(), b"01xyz");
}

#[test]
fn bad_buffers() {
    let g = guest();
    let handle = g.open("\\??\\C:\\dir\\file.txt", READ | WRITE);
    let none = UserPtr::new(0);
    let cx = g.cx();
    let read = |iosb, buffer| nt_read_file(&cx, handle, Handle(0), 0, 0, iosb, buffer, 4, none, UserPtr::new(0));
    assert_eq!(read(g.iosb(), 0x10), Err(STATUS_ACCESS_VIOLATION));
    assert_eq!(read(g.iosb(), 0x5000_0000), Err(STATUS_ACCESS_VIOLATION));
    assert_eq!(read(UserPtr::new(0), g.fake.alloc_bytes(&[0; 4])), Err(STATUS_ACCESS_VIOLATION));
    let write = nt_write_file(&cx, handle, Handle(0), 0, 0, g.iosb(), 0x5000_0000, 4, none, UserPtr::new(0));
    assert_eq!(write, Err(STATUS_INVALID_USER_BUFFER));
}

#[test]
fn unbuffered_transfers_are_whole_sectors() {
    let g = guest();
    let options = FILE_NO_INTERMEDIATE_BUFFERING;
    let handle = g.create("\\??\\C:\\dir\\file.txt", READ, 7, FILE_OPEN, options).unwrap().0;
    assert_eq!(g.read(handle, 100, Some(0)), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(g.read(handle, 512, Some(1)), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(g.read(handle, 512, Some(0)).unwrap(), b"0123456789");
}

#[test]
fn information() {
    let g = guest();
    let handle = g.open("\\??\\C:\\dir\\file.txt", READ);
    let (status, name) = g.query(handle, FILE_NAME_INFORMATION, 100).unwrap();
    assert_eq!((status, name), (STATUS_SUCCESS, name_information(&wide("\\dir\\File.txt"))));
    let (status, cut) = g.query(handle, FILE_NAME_INFORMATION, 8).unwrap();
    assert_eq!((status, cut.len(), cut[0]), (STATUS_BUFFER_OVERFLOW, 8, 26));
    assert_eq!(g.query(handle, FILE_NAME_INFORMATION, 7), Err(STATUS_INFO_LENGTH_MISMATCH));
    assert_eq!(g.query(handle, FILE_BASIC_INFORMATION, 39), Err(STATUS_INFO_LENGTH_MISMATCH));
    assert_eq!(g.query(handle, 999, 100), Err(STATUS_INVALID_INFO_CLASS));
    assert_eq!(g.query(handle, FILE_DISPOSITION_INFORMATION, 1), Err(STATUS_INVALID_INFO_CLASS));
    let standard = g.query(handle, FILE_STANDARD_INFORMATION, 24).unwrap().1;
    assert_eq!(standard[8..16], 10u64.to_le_bytes());
    assert_eq!(standard[..8], 4096u64.to_le_bytes());
    let all = g.query(handle, FILE_ALL_INFORMATION, 200).unwrap().1;
    assert_eq!(all.len(), 96 + 4 + 26);
    assert_eq!(all[40..64], standard);
    assert_eq!(all[76..80], (READ | SYNCHRONIZE).to_le_bytes());
    assert_eq!(all[88..92], SYNC.to_le_bytes());
    assert_eq!(g.query(handle, FILE_ALL_INFORMATION, 104).unwrap().0, STATUS_BUFFER_OVERFLOW);
    g.close(handle);
}

#[test]
fn times_and_attributes() {
    let g = guest();
    let handle = g.open("\\??\\C:\\dir\\file.txt", READ | WRITE);
    let before = g.query(handle, FILE_BASIC_INFORMATION, 40).unwrap().1;
    let set = |times: [i64; 4], attributes: u32| {
        let mut data: Vec<u8> = times.into_iter().flat_map(i64::to_le_bytes).collect();
        data.extend_from_slice(&u64::from(attributes).to_le_bytes());
        g.set(handle, FILE_BASIC_INFORMATION, &data)
    };
    set([0, -1, -2, 0], 0).unwrap();
    assert_eq!(g.query(handle, FILE_BASIC_INFORMATION, 40).unwrap().1, before);
    set([0, 0, 133_000_000_000_000_000, 0], 0x21).unwrap();
    let after = g.query(handle, FILE_BASIC_INFORMATION, 40).unwrap().1;
    assert_eq!(after[16..24], 133_000_000_000_000_000u64.to_le_bytes());
    assert_eq!(after[..16], before[..16]);
    assert_eq!(after[32..36], 0x21u32.to_le_bytes());
    assert_eq!(set([-3, 0, 0, 0], 0), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(set([0; 4], 0x10), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(g.create("\\??\\C:\\dir\\file.txt", WRITE, 7, FILE_OPEN, 0).unwrap_err(), STATUS_ACCESS_DENIED);
    set([0; 4], 0x80).unwrap();
    assert_eq!(g.attributes("\\??\\C:\\dir\\file.txt"), Ok(0x80));
}

#[test]
fn times_that_were_set_stay() {
    let g = guest();
    let name = "\\??\\C:\\dir\\file.txt";
    let set = |handle: Handle, written: i64| {
        let mut data = [0u8; 40];
        data[16..24].copy_from_slice(&written.to_le_bytes());
        g.set(handle, FILE_BASIC_INFORMATION, &data).unwrap();
    };
    let written = |handle: Handle| {
        let times = g.query(handle, FILE_BASIC_INFORMATION, 40).unwrap().1;
        i64::from_le_bytes(times[16..24].try_into().unwrap())
    };
    let old = 133_000_000_000_000_000;
    let handle = g.open(name, READ | WRITE);
    set(handle, old);
    g.write(handle, b"later", Some(0)).unwrap();
    assert_eq!(written(handle), old);
    g.close(handle);
    let handle = g.open(name, READ | WRITE);
    assert_eq!(written(handle), old);
    set(handle, -1);
    g.write(handle, b"again", Some(0)).unwrap();
    g.close(handle);
    let handle = g.open(name, READ | WRITE);
    assert_eq!(written(handle), old);
    set(handle, -1);
    set(handle, -2);
    g.write(handle, b"moves", Some(0)).unwrap();
    assert_ne!(written(handle), old);
    g.close(handle);
}

#[test]
fn deletion() {
    let g = guest();
    let name = "\\??\\C:\\dir\\file.txt";
    let uri = "file:C:/dir/file.txt";
    let first = g.create(name, READ | DELETE, 7, FILE_OPEN, 0).unwrap().0;
    let second = g.open(name, READ | DELETE);
    g.set(first, FILE_DISPOSITION_INFORMATION, &[1]).unwrap();
    assert_eq!(g.query(second, FILE_STANDARD_INFORMATION, 24).unwrap().1[20], 1);
    assert_eq!(g.create(name, READ, 7, FILE_OPEN, 0).unwrap_err(), STATUS_DELETE_PENDING);
    assert_eq!(g.attributes(name), Err(STATUS_DELETE_PENDING));
    g.set(second, FILE_DISPOSITION_INFORMATION, &[0]).unwrap();
    assert!(g.attributes(name).is_ok());
    g.set(first, FILE_DISPOSITION_INFORMATION, &[1]).unwrap();
    g.close(first);
    assert!(g.exists(uri));
    g.close(second);
    assert!(!g.exists(uri));
}

#[test]
fn deletion_as_posix_has_it() {
    let g = guest();
    let name = "\\??\\C:\\dir\\file.txt";
    let first = g.open(name, DELETE);
    let second = g.open(name, READ);
    g.set(first, FILE_DISPOSITION_INFORMATION_EX, &3u32.to_le_bytes()).unwrap();
    g.close(first);
    assert!(!g.exists("file:C:/dir/file.txt"));
    assert_eq!(g.read(second, 3, None).unwrap(), b"012");
    let again = g.create(name, WRITE, 7, FILE_CREATE, 0).unwrap().0;
    g.close(second);
    g.close(again);
    assert!(g.exists("file:C:/dir/file.txt"), "another file has the name now");
}

#[test]
fn deletion_on_close_and_what_forbids_it() {
    let g = guest();
    let name = "\\??\\C:\\dir\\file.txt";
    let doomed = g.create(name, DELETE, 7, FILE_OPEN, FILE_DELETE_ON_CLOSE).unwrap().0;
    let other = g.open(name, READ);
    g.close(doomed);
    assert_eq!(g.attributes(name), Err(STATUS_DELETE_PENDING));
    g.close(other);
    assert!(!g.exists("file:C:/dir/file.txt"));
    let readonly = g.create_with(name, DELETE | WRITE, 7, FILE_CREATE, 0, 1).unwrap().0;
    assert_eq!(g.set(readonly, FILE_DISPOSITION_INFORMATION, &[1]), Err(STATUS_CANNOT_DELETE));
    let dir = g.open("\\??\\C:\\dir", DELETE);
    assert_eq!(g.set(dir, FILE_DISPOSITION_INFORMATION, &[1]), Err(STATUS_DIRECTORY_NOT_EMPTY));
    g.set(readonly, FILE_DISPOSITION_INFORMATION_EX, &0x11u32.to_le_bytes()).unwrap();
    g.close(readonly);
    g.set(dir, FILE_DISPOSITION_INFORMATION, &[1]).unwrap();
    g.close(dir);
    assert!(!g.exists("file:C:/dir"));
    let no_right = g.open("\\??\\C:\\", READ);
    assert_eq!(g.set(no_right, FILE_DISPOSITION_INFORMATION, &[1]), Err(STATUS_ACCESS_DENIED));
    assert_eq!(nt_delete_file(&g.cx(), g.fake.attributes(name, 0x40)), Err(STATUS_OBJECT_PATH_NOT_FOUND));
}

#[test]
fn renaming() {
    let g = guest();
    let handle = g.open("\\??\\C:\\dir\\file.txt", READ | DELETE);
    g.rename(handle, "FILE.TXT", 0).unwrap();
    assert_eq!(g.query(handle, FILE_NAME_INFORMATION, 100).unwrap().1, name_information(&wide("\\dir\\FILE.TXT")));
    g.rename(handle, "\\??\\C:\\top", 0).unwrap();
    assert!(g.exists("file:C:/top") && !g.exists("file:C:/dir/file.txt"));
    let root = g.open("\\??\\C:\\dir", READ);
    g.set(handle, FILE_RENAME_INFORMATION, &name_request("back", 0, root)).unwrap();
    assert!(g.exists("file:C:/dir/back"));
    g.fake.files.add_file("file:C:/dir/target", b"t".to_vec());
    assert_eq!(g.rename(handle, "target", 0), Err(STATUS_OBJECT_NAME_COLLISION));
    let target = g.open("\\??\\C:\\dir\\target", READ);
    assert_eq!(g.rename(handle, "target", 1), Err(STATUS_ACCESS_DENIED), "it is open");
    g.rename(handle, "target", 3).unwrap();
    assert_eq!(g.read(target, 4, None).unwrap(), b"t", "who has it open keeps it");
    assert_eq!(g.rename(handle, "\\??\\C:\\none\\x", 0), Err(STATUS_OBJECT_PATH_NOT_FOUND));
    assert_eq!(g.rename(handle, "a*b", 0), Err(STATUS_OBJECT_NAME_INVALID));
    let dir = g.open("\\??\\C:\\dir", READ | DELETE);
    assert_eq!(g.rename(dir, "other", 0), Err(STATUS_ACCESS_DENIED), "files below are open");
    g.close(handle);
    g.close(target);
    g.rename(dir, "other", 0).unwrap();
    assert!(g.exists("file:C:/other/target"));
}

#[test]
fn listing() {
    let g = guest();
    for name in ["b", "A", "c.TXT", "Z_", "z0"] {
        g.fake.files.add_file(&format!("file:C:/dir/{name}"), Vec::new());
    }
    let dir = g.open("\\??\\C:\\dir", READ);
    let names = |list: Nt<(Status, Vec<String>)>| list.unwrap().1;
    assert_eq!(names(g.list(dir, None, 1000, false, true)), [".", "..", "A", "b", "c.TXT", "File.txt", "z0", "Z_"]);
    assert_eq!(g.list(dir, None, 1000, false, false).unwrap_err(), STATUS_NO_MORE_FILES);
    assert_eq!(names(g.list(dir, Some("<.txt"), 1000, false, true)), ["c.TXT", "File.txt"]);
    assert_eq!(names(g.list(dir, None, 1000, true, true)), ["c.TXT"], "the mask stays");
    assert_eq!(names(g.list(dir, None, 1000, true, false)), ["File.txt"]);
    assert_eq!(g.list(dir, Some("nothing*"), 1000, false, true).unwrap_err(), STATUS_NO_MORE_FILES);
    let fresh = g.open("\\??\\C:\\dir", READ);
    assert_eq!(g.list(fresh, Some("nothing*"), 1000, false, true).unwrap_err(), STATUS_NO_SUCH_FILE);
    assert_eq!(g.list(fresh, None, 1000, false, false).unwrap_err(), STATUS_NO_MORE_FILES);
    g.fake.asked.lock().clear();
    assert_eq!(names(g.list(dir, Some("FILE.TXT"), 1000, false, true)), ["File.txt"]);
    assert_eq!(*g.fake.asked.lock(), [shim_abi::calls::number::stream_query_name], "no listing for one name");
    let (status, cut) = g.list(dir, Some("file.txt"), 22, false, true).unwrap();
    assert_eq!((status, cut), (STATUS_BUFFER_OVERFLOW, vec!["File.".to_owned()]));
    assert_eq!(g.list(dir, None, 15, false, true).unwrap_err(), STATUS_INFO_LENGTH_MISMATCH);
}

#[test]
fn locks() {
    let g = guest();
    let name = "\\??\\C:\\dir\\file.txt";
    let (a, b) = (g.open(name, READ | WRITE), g.open(name, READ | WRITE));
    g.lock(a, 2, 4, true, true).unwrap();
    assert_eq!(g.lock(b, 5, 1, false, true), Err(STATUS_LOCK_NOT_GRANTED));
    assert_eq!(g.read(b, 3, Some(0)), Err(STATUS_FILE_LOCK_CONFLICT));
    assert_eq!(g.write(b, b"x", Some(5)), Err(STATUS_FILE_LOCK_CONFLICT));
    assert_eq!(g.read(b, 2, Some(0)).unwrap(), b"01");
    assert_eq!(g.write(a, b"x", Some(5)), Ok(1));
    assert_eq!(g.unlock(b, 2, 4), Err(STATUS_RANGE_NOT_LOCKED));
    assert_eq!(g.lock(a, u64::MAX, 2, true, true), Err(STATUS_INVALID_LOCK_RANGE));
    g.close(a);
    g.lock(b, 0, 100, true, true).unwrap();
}

#[test]
fn a_lock_that_waits() {
    let g = guest();
    let name = "\\??\\C:\\dir\\file.txt";
    let (a, b) = (g.open(name, READ), g.open(name, READ));
    g.lock(a, 0, 10, true, true).unwrap();
    let (fake, k) = (g.fake, g.k);
    let waiter = fake.thread(k, move |cx| {
        let g = Guest { fake, k, t: cx.t.clone() };
        g.lock(b, 5, 1, true, false)
    });
    while k.io.pending.lock().is_empty() {
        std::thread::yield_now();
    }
    g.unlock(a, 0, 10).unwrap();
    assert_eq!(waiter.join().unwrap(), Ok(STATUS_SUCCESS));
    let waiter = fake.thread(k, move |cx| {
        let g = Guest { fake, k, t: cx.t.clone() };
        g.lock(a, 5, 1, true, false)
    });
    while k.io.pending.lock().is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(nt_cancel_io_file_ex(&g.cx(), a, 0, g.iosb()), Ok(STATUS_SUCCESS));
    assert_eq!(waiter.join().unwrap(), Err(STATUS_CANCELLED));
}

#[test]
fn volumes() {
    let g = guest();
    let root = g.open("\\??\\C:\\", READ);
    let query = |class, length: u32| {
        let buffer = g.fake.alloc_bytes(&vec![0; length as usize]);
        let iosb = g.iosb();
        let status = nt_query_volume_information_file(&g.cx(), root, iosb, buffer, length, class)?;
        let filled = iosb.read(g.k)?.information as usize;
        Ok::<_, Status>((status, UserPtr::<u8>::new(buffer).read_vec(g.k, filled)?))
    };
    let (status, attribute) = query(FILE_FS_ATTRIBUTE_INFORMATION, 64).unwrap();
    assert_eq!((status, attribute.len()), (STATUS_SUCCESS, 20));
    assert_eq!(query(FILE_FS_ATTRIBUTE_INFORMATION, 16).unwrap().0, STATUS_BUFFER_OVERFLOW);
    assert_eq!(query(FILE_FS_SIZE_INFORMATION, 23), Err(STATUS_INFO_LENGTH_MISMATCH));
    let size = query(FILE_FS_SIZE_INFORMATION, 24).unwrap().1;
    assert_eq!(size[..8], (1u64 << 28).to_le_bytes());
    assert_eq!(query(FILE_FS_DEVICE_INFORMATION, 8).unwrap().1[0], 8);
    let device = g.create("\\??\\C:", FILE_READ_ATTRIBUTES, 7, FILE_OPEN, 0).unwrap().0;
    g.close(device);
    let guid = format!("\\??\\Volume{}\\dir", super::volume_guid(b'C'));
    assert_eq!(g.attributes(&guid), Ok(0x10));
}

#[test]
fn the_null_device() {
    let g = guest();
    let null = g.open("\\??\\nul", READ | WRITE);
    assert_eq!(g.write(null, b"abc", None), Ok(3));
    assert_eq!(g.read(null, 3, None), Err(STATUS_END_OF_FILE));
}

#[test]
fn notification() {
    let g = guest();
    let options = FILE_DIRECTORY_FILE | SYNC;
    let handle = g.fake.alloc(Handle(0));
    let object = g.fake.attributes("\\??\\C:\\dir", 0x40);
    let cx = g.cx();
    nt_open_file(&cx, handle, READ | SYNCHRONIZE, object, g.iosb(), 7, options).unwrap();
    let handle = handle.read(g.k).unwrap();
    let buffer = g.fake.alloc_bytes(&[0; 256]);
    let iosb = g.fake.alloc(IoStatusBlock { status: STATUS_PENDING.0, pad: 0, information: 0 });
    let ask = || nt_notify_change_directory_file(&cx, handle, Handle(0), 0, 0, iosb, buffer, 256, 3, false);
    assert_eq!(ask(), Ok(STATUS_PENDING));
    // Who changes what he watches has been told when the call returns.
    g.close(g.create("\\??\\C:\\dir\\new", WRITE, 7, FILE_CREATE, 0).unwrap().0);
    assert_eq!(iosb.read(g.k).unwrap().status, STATUS_SUCCESS.0);
    let raw = UserPtr::<u8>::new(buffer).read_vec(g.k, 18).unwrap();
    assert_eq!(raw, [&[0u8; 4][..], &[1, 0, 0, 0, 6, 0, 0, 0, b'n', 0, b'e', 0, b'w', 0]].concat());
    assert_eq!(iosb.read(g.k).unwrap().information, 18);
    assert_eq!(ask(), Ok(STATUS_PENDING));
    assert_eq!(nt_cancel_io_file(&cx, handle, g.iosb()), Ok(STATUS_SUCCESS));
    assert_eq!(iosb.read(g.k).unwrap().status, STATUS_CANCELLED.0);
    assert_eq!(ask(), Ok(STATUS_PENDING));
    g.close(handle);
    assert_eq!(iosb.read(g.k).unwrap().status, STATUS_NOTIFY_CLEANUP.0);
}

#[test]
fn relative_names_and_opening_again() {
    let g = guest();
    let dir = g.open("\\??\\C:\\dir", READ);
    let relative = |root: Handle, name: &str| {
        let object = g.fake.attributes(name, 0x40);
        let mut raw = object.read(g.k).unwrap();
        raw.root = root;
        object.write(g.k, raw).unwrap();
        let handle = g.fake.alloc(Handle(0));
        nt_open_file(&g.cx(), handle, READ, object, g.iosb(), 7, SYNC)?;
        handle.read(g.k)
    };
    let file = relative(dir, "file.txt").unwrap();
    assert_eq!(g.read(file, 2, None).unwrap(), b"01");
    let again = relative(file, "").unwrap();
    assert_eq!(g.read(again, 2, None).unwrap(), b"01");
    assert_eq!(relative(dir, "\\file.txt"), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(relative(dir, "none"), Err(STATUS_OBJECT_NAME_NOT_FOUND));
    assert_eq!(relative(file, "x"), Err(STATUS_OBJECT_PATH_NOT_FOUND));
}

#[test]
fn nothing_stays_behind() {
    let g = guest();
    let before = g.fake.files.count();
    for _ in 0..10 {
        let handle = g.open("\\??\\C:\\dir\\file.txt", READ | WRITE);
        g.lock(handle, 0, 1, true, true).unwrap();
        g.close(handle);
        assert!(g.create("\\??\\C:\\dir\\file.txt", READ, 7, FILE_CREATE, 0).is_err());
    }
    assert_eq!(g.fake.files.count(), before);
    assert!(g.k.io.disk.table.is_empty());
}

#[test]
fn by_id_and_as_much_as_is_allowed() {
    let g = guest();
    let file = g.open("\\??\\C:\\dir\\file.txt", READ);
    let id = g.query(file, FILE_INTERNAL_INFORMATION, 8).unwrap().1;
    let open = |id: [u8; 8]| {
        let buffer = g.fake.alloc_bytes(&id);
        let name = crate::types::UnicodeString { length: 8, maximum_length: 8, pad: 0, buffer };
        let name = g.fake.alloc(name).address();
        let raw = crate::types::ObjectAttributesRaw { length: 48, root: file, name, ..Default::default() };
        let handle = g.fake.alloc(Handle(0));
        nt_open_file(&g.cx(), handle, READ, g.fake.alloc(raw), g.iosb(), 7, SYNC | FILE_OPEN_BY_FILE_ID)?;
        handle.read(g.k)
    };
    let again = open(id.try_into().unwrap()).unwrap();
    assert_eq!(g.read(again, 2, None).unwrap(), b"01");
    assert_eq!(open([0xff; 8]), Err(STATUS_INVALID_PARAMETER));
    let all = g.open("\\??\\C:\\dir\\file.txt", crate::ob::types::MAXIMUM_ALLOWED);
    assert_eq!(g.query(all, FILE_ACCESS_INFORMATION, 4).unwrap().1, 0x1f_01ffu32.to_le_bytes());
    g.close(all);
}

#[test]
fn pages_that_lie_anywhere() {
    let g = guest();
    g.fake.files.add_file("file:C:/dir/pages", [vec![1; 4096], vec![2; 1000]].concat());
    let object = g.fake.attributes("\\??\\C:\\dir\\pages", 0x40);
    let handle = g.fake.alloc(Handle(0));
    nt_open_file(&g.cx(), handle, READ, object, g.iosb(), 7, FILE_NO_INTERMEDIATE_BUFFERING).unwrap();
    let handle = handle.read(g.k).unwrap();
    let room = g.fake.alloc_bytes(&[0; 4 * 4096]).next_multiple_of(4096);
    let segments = g.fake.alloc([room + 4096, room]).cast();
    let iosb = g.iosb();
    let read = |offset: i64| {
        let (cx, offset, none) = (g.cx(), g.fake.alloc(offset), UserPtr::new(0));
        crate::io::scatter::nt_read_file_scatter(&cx, handle, Handle(0), 0, 0, iosb, segments, 8192, offset, none)
    };
    assert_eq!(read(0), Ok(STATUS_PENDING));
    assert_eq!(iosb.read(g.k).unwrap().information, 5096);
    assert_eq!(UserPtr::<u8>::new(room + 4096).read(g.k), Ok(1));
    assert_eq!(UserPtr::<u8>::new(room + 999).read(g.k), Ok(2));
    assert_eq!(read(8192), Err(STATUS_END_OF_FILE));
    assert_eq!(read(-2), Err(STATUS_INVALID_PARAMETER));
}

/// A file opened for overlapped requests.
fn overlapped(g: &Guest) -> Handle {
    let object = g.fake.attributes("\\??\\C:\\dir\\file.txt", 0x40);
    let handle = g.fake.alloc(Handle(0));
    nt_open_file(&g.cx(), handle, READ | WRITE, object, g.iosb(), 7, 0).unwrap();
    handle.read(g.k).unwrap()
}

#[test]
fn completion_by_event_apc_and_port() {
    let g = guest();
    let handle = overlapped(&g);
    let (cx, none) = (g.cx(), UserPtr::new(0));
    let buffer = g.fake.alloc_bytes(&[0; 16]);
    let at = g.fake.alloc(2i64);
    let read = |event, apc, context, iosb, offset| {
        nt_read_file(&cx, handle, event, apc, context, iosb, buffer, 4, offset, UserPtr::new(0))
    };
    assert_eq!(read(Handle(0), 0, 0, g.iosb(), none), Err(STATUS_INVALID_PARAMETER));
    let event = g.fake.alloc(Handle(0));
    crate::ke::event::nt_create_event(&cx, event, 0x1f_0003, none.cast(), 0, true).unwrap();
    let event = event.read(g.k).unwrap();
    let signalled = || cx.object(event, 0).unwrap().signal.count() != 0;
    let far = g.fake.alloc(100i64);
    let iosb = g.iosb();
    assert_eq!(read(event, 0, 0, iosb, far), Ok(STATUS_PENDING));
    assert_eq!(iosb.read(g.k).unwrap().status, STATUS_END_OF_FILE.0);
    assert!(signalled());
    let bad = UserPtr::new(0x5000_0000);
    assert_eq!(read(event, 0, 0, bad, at), Err(STATUS_ACCESS_VIOLATION));
    assert_eq!(read(event, 0, 0, iosb, at), Ok(STATUS_PENDING));
    assert!(signalled());
    assert_eq!(iosb.read(g.k).unwrap().information, 4);
    assert_eq!(UserPtr::<[u8; 4]>::new(buffer).read(g.k).unwrap(), *b"2345");
    assert_eq!(read(Handle(0), 0x1234, 77, iosb, at), Ok(STATUS_PENDING));
    let apc = *g.t.apcs.lock().front().unwrap();
    assert_eq!((apc.function, apc.arguments), (0x1234, [77, iosb.address(), 0]));
    let port = crate::io::completion::new_port(g.k, 0);
    let port = cx.insert(port, 0x1f_0003, 0).unwrap();
    let bind = [port.0.to_le_bytes(), 5u64.to_le_bytes()].concat();
    g.set(handle, FILE_COMPLETION_INFORMATION, &bind).unwrap();
    assert_eq!(g.set(handle, FILE_COMPLETION_INFORMATION, &bind), Err(STATUS_INVALID_PARAMETER), "bound once");
    assert_eq!(read(Handle(0), 0, 99, iosb, at), Ok(STATUS_PENDING));
    let (key, value, soon) = (g.fake.alloc(0u64), g.fake.alloc(0u64), g.fake.alloc(0i64));
    let remove = || {
        let status = crate::io::completion::nt_remove_io_completion(&cx, port, key, value, g.iosb(), soon);
        (status, key.read(g.k).unwrap(), value.read(g.k).unwrap())
    };
    assert_eq!(remove(), (Ok(STATUS_SUCCESS), 5, 99));
    assert_eq!(read(Handle(0), 0, 0, iosb, at), Ok(STATUS_PENDING));
    assert_eq!(remove().0, Ok(STATUS_TIMEOUT), "without a context there is no packet");
    g.set(handle, FILE_IO_COMPLETION_NOTIFICATION_INFORMATION, &1u32.to_le_bytes()).unwrap();
    assert_eq!(read(Handle(0), 0, 99, iosb, at), Ok(STATUS_PENDING));
    assert_eq!(remove(), (Ok(STATUS_SUCCESS), 5, 99), "what was pending is told");
    assert_eq!(read(Handle(0), 0x1234, 77, iosb, at), Err(STATUS_INVALID_PARAMETER), "either port or routine");
    let synchronous = g.open("\\??\\C:\\dir\\file.txt", READ);
    assert_eq!(g.set(synchronous, FILE_COMPLETION_INFORMATION, &bind), Err(STATUS_INVALID_PARAMETER));
}

#[test]
fn what_a_section_holds_cannot_be_deleted_or_cut() {
    let g = guest();
    let handle = g.open("\\??\\C:\\dir\\file.txt", READ | WRITE | DELETE);
    let object = g.cx().object(handle, 0).unwrap();
    let source = object.file().unwrap().section_source(g.k, &object).unwrap();
    assert_eq!((source.size, source.name), (10, wide("\\Device\\HarddiskVolume1\\dir\\File.txt")));
    assert_eq!(g.set(handle, FILE_DISPOSITION_INFORMATION, &[1]), Err(STATUS_CANNOT_DELETE));
    assert_eq!(g.set(handle, FILE_END_OF_FILE_INFORMATION, &1u64.to_le_bytes()), Err(STATUS_USER_MAPPED_FILE));
    g.set(handle, FILE_END_OF_FILE_INFORMATION, &20u64.to_le_bytes()).unwrap();
    assert_eq!(g.create("\\??\\C:\\dir\\file.txt", WRITE, 7, FILE_OVERWRITE, 0).unwrap_err(), STATUS_USER_MAPPED_FILE);
    drop(source.stream);
    g.set(handle, FILE_END_OF_FILE_INFORMATION, &1u64.to_le_bytes()).unwrap();
    g.set(handle, FILE_DISPOSITION_INFORMATION, &[1]).unwrap();
}

/// A machine whose `C:\dir` holds 100 files, listed; and what was asked of the monitor is forgotten.
fn listed() -> Guest {
    let g = guest();
    for index in 0..100 {
        g.fake.files.add_file(&format!("file:C:/dir/{index:03}.txt"), index.to_string().into_bytes());
    }
    let folder = g.create("\\??\\C:\\dir", 1, 7, FILE_OPEN, FILE_DIRECTORY_FILE).unwrap().0;
    g.list(folder, None, 0x8000, false, false).unwrap();
    g.close(folder);
    g.fake.asked.lock().clear();
    g
}

fn numbered(g: &Guest, index: usize) -> Vec<u8> {
    let file = g.open(&format!("\\??\\C:\\dir\\{index:03}.txt"), READ);
    let bytes = g.read(file, 10, Some(0)).unwrap();
    g.close(file);
    bytes
}

#[test]
fn who_goes_through_a_directory_asks_the_monitor_seldom() {
    for backwards in [false, true] {
        let g = listed();
        for index in 0..100 {
            let index = if backwards { 99 - index } else { index };
            assert_eq!(numbered(&g, index), index.to_string().into_bytes());
        }
        let asked = g.fake.asked.lock().len();
        assert!(asked < 12, "{asked} calls");
    }
    // Nor do two who go through it at the same time hinder each other.
    let g = listed();
    for index in 0..40 {
        assert_eq!(numbered(&g, index), index.to_string().into_bytes());
        assert_eq!(numbered(&g, 99 - index), (99 - index).to_string().into_bytes());
    }
    assert!(g.fake.asked.lock().len() < 20);
}

#[test]
fn who_opens_here_and_there_has_nothing_opened_ahead() {
    let g = listed();
    let before = g.fake.files.count();
    for index in 0..60 {
        let index = index * 37 % 100;
        assert_eq!(numbered(&g, index), index.to_string().into_bytes());
    }
    assert_eq!(g.fake.asked.lock().len(), 60);
    assert_eq!(g.fake.files.count(), before);
}

#[test]
fn what_was_opened_ahead_is_not_used_once_a_name_means_another_file() {
    let g = listed();
    for index in 0..20 {
        numbered(&g, index);
    }
    g.fake.files.add_file("file:C:/dir/new", b"new".to_vec());
    let new = g.open("\\??\\C:\\dir\\new", READ | DELETE);
    g.rename(new, "\\??\\C:\\dir\\020.txt", 1).unwrap();
    g.close(new);
    assert_eq!(numbered(&g, 20), b"new");
    // What is written is seen through a stream that was opened before.
    for index in 21..40 {
        numbered(&g, index);
    }
    g.fake.files.get("file:C:/dir/040.txt").unwrap().data.write_at(0, b"written");
    let file = g.open("\\??\\C:\\dir\\040.txt", READ);
    let (_, standard) = g.query(file, FILE_STANDARD_INFORMATION, 24).unwrap();
    assert_eq!(standard[8..16], 7u64.to_le_bytes());
    assert_eq!(g.read(file, 10, Some(0)).unwrap(), b"written");
    g.close(file);
    // A file that is gone is not found.
    let file = g.open("\\??\\C:\\dir\\041.txt", DELETE);
    g.set(file, FILE_DISPOSITION_INFORMATION, &[1]).unwrap();
    g.close(file);
    assert_eq!(g.create("\\??\\C:\\dir\\041.txt", READ, 7, FILE_OPEN, 0), Err(STATUS_OBJECT_NAME_NOT_FOUND));
}

#[test]
fn in_another_letter_case_nothing_was_opened_ahead() {
    let g = listed();
    for index in 0..20 {
        numbered(&g, index);
    }
    g.fake.asked.lock().clear();
    g.close(g.open("\\??\\C:\\dir\\020.TXT", READ));
    g.close(g.open("\\??\\C:\\Dir\\020.txt", READ));
    assert_eq!(g.fake.asked.lock().len(), 2);
    numbered(&g, 20);
    assert_eq!(g.fake.asked.lock().len(), 2);
}

#[test]
fn share_modes_count_for_what_was_opened_ahead() {
    let g = listed();
    for index in 0..20 {
        numbered(&g, index);
    }
    let alone = g.create("\\??\\C:\\dir\\020.txt", READ | WRITE, 0, FILE_OPEN, 0).unwrap().0;
    assert_eq!(g.create("\\??\\C:\\dir\\020.txt", READ, 7, FILE_OPEN, 0), Err(STATUS_SHARING_VIOLATION));
    g.close(alone);
    assert_eq!(numbered(&g, 20), b"20");
}
