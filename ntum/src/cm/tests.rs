//! The calls of the component on a fake host. What they must answer is what Windows answers in Wine's tests of ntdll.

use super::*;
use crate::call::Cx;
use crate::host::fake::Fake;
use crate::types::{OBJ_OPENLINK, ObjectAttributesRaw, wide};

const ALL: u32 = 0xf003f;
const READ: u32 = 0x2_0019;
const DELETE: u32 = 0x1_0000;
const PATH: &str = "\\Registry\\Machine\\Software\\Test";

/// A machine whose image has a small hive.
fn machine() -> (&'static Fake, &'static Kernel) {
    let (fake, k) = Fake::kernel();
    let mut root = Builder::new();
    for path in ["Machine\\Software\\Test", "User\\.Default"] {
        root.path(path);
    }
    let licence = root.path("Machine\\Software\\Wine\\LicenseInformation");
    licence.set(&wide("Text"), 1, vec![b'E', 0, 0, 0]);
    root.path("Machine\\Software\\Odd").set_flags(hive::flags::PREDEFINED);
    fake.files.add_file("image:hive", root.bytes().unwrap_or_default());
    (fake, k)
}

/// Calls as a guest makes them.
struct Guest<'a> {
    fake: &'static Fake,
    cx: &'a Cx<'a>,
    handle: UserPtr<Handle>,
}

impl Guest<'_> {
    fn attributes(&self, root: Handle, name: &str, attributes: u32) -> UserPtr<ObjectAttributesRaw> {
        let name = self.fake.unicode_string(name).address();
        self.fake.alloc(ObjectAttributesRaw { length: 48, root, name, attributes, ..Default::default() })
    }

    fn taken(&self, result: Nt) -> Nt<Handle> {
        let handle = self.handle.read(self.cx.k);
        match result {
            Ok(_) => handle,
            Err(status) => {
                assert_eq!(handle, Ok(Handle(0)), "a failed call leaves no handle");
                Err(status)
            }
        }
    }

    fn open(&self, root: Handle, name: &str, access: u32, attributes: u32) -> Nt<Handle> {
        let attributes = self.attributes(root, name, attributes);
        self.handle.write(self.cx.k, Handle(0xdead)).ok();
        self.taken(key::nt_open_key(self.cx, self.handle, access, attributes))
    }

    fn create(&self, root: Handle, name: &str, access: u32, options: u32, attributes: u32) -> Nt<(Handle, u32)> {
        let attributes = self.attributes(root, name, attributes);
        let disposition = self.fake.alloc(0u32);
        let none = UserPtr::new(0);
        self.handle.write(self.cx.k, Handle(0xdead)).ok();
        let result = key::nt_create_key(self.cx, self.handle, access, attributes, 0, none, options, disposition);
        Ok((self.taken(result)?, disposition.read(self.cx.k)?))
    }

    fn set(&self, key: Handle, name: &str, kind: u32, data: &[u8]) -> Nt {
        let name = self.fake.unicode_string(name);
        value::nt_set_value_key(self.cx, key, name, 0, kind, self.fake.alloc_bytes(data), data.len() as u32)
    }

    fn query(&self, key: Handle, name: &str, class: u32, room: u32) -> (Nt, Vec<u8>, u32) {
        let name = self.fake.unicode_string(name);
        let (buffer, returned) = (self.fake.alloc_bytes(&[0xcc; 128]), self.fake.alloc(0xbeefu32));
        let status = value::nt_query_value_key(self.cx, key, name, class, buffer, room, returned);
        self.answer(status, buffer, returned)
    }

    fn answer(&self, status: Nt, buffer: u64, returned: UserPtr<u32>) -> (Nt, Vec<u8>, u32) {
        let mut bytes = vec![0; 128];
        self.cx.k.read_user(buffer, &mut bytes).unwrap();
        (status, bytes, returned.read(self.cx.k).unwrap())
    }

    fn key_info(&self, key: Handle, index: Option<u32>, class: u32, room: u32) -> (Nt, Vec<u8>, u32) {
        let (buffer, returned) = (self.fake.alloc_bytes(&[0xcc; 128]), self.fake.alloc(0xbeefu32));
        let status = match index {
            Some(index) => query::nt_enumerate_key(self.cx, key, index, class, buffer, room, returned),
            None => query::nt_query_key(self.cx, key, class, buffer, room, returned),
        };
        self.answer(status, buffer, returned)
    }
}

fn run(test: impl FnOnce(&Guest<'_>) + Send + 'static) {
    let (fake, k) = machine();
    let done = fake.thread(k, move |cx| test(&Guest { fake, cx, handle: fake.alloc(Handle(0)) }));
    if let Err(panic) = done.join() {
        std::panic::resume_unwind(panic);
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn what_opening_answers_to_odd_names() {
    run(|g| {
        let root = Handle(0);
        for (name, status) in [
            ("Machine", STATUS_OBJECT_PATH_SYNTAX_BAD),
            ("", STATUS_OBJECT_PATH_SYNTAX_BAD),
            ("\\", STATUS_OBJECT_TYPE_MISMATCH),
            ("\\\\\\", STATUS_OBJECT_NAME_INVALID),
            ("\\Foobar", STATUS_OBJECT_NAME_NOT_FOUND),
            ("\\Foobar\\Machine", STATUS_OBJECT_PATH_NOT_FOUND),
            ("\\Registry\\Machine\\No", STATUS_OBJECT_NAME_NOT_FOUND),
            ("\\Registry\\Machine\\No\\No", STATUS_OBJECT_NAME_NOT_FOUND),
        ] {
            assert_eq!(g.open(root, name, READ, 0), Err(status), "open {name:?}");
        }
        for name in ["\\Registry", "\\REGISTRY\\", "\\Registry\\\\", "\\registry\\MACHINE\\software"] {
            assert!(g.open(root, name, READ, 0).is_ok(), "{name:?}");
        }
        let blind = g.open(root, PATH, 0, 0).unwrap();
        assert_eq!(g.query(blind, "x", 2, 128).0, Err(STATUS_ACCESS_DENIED), "it is there, and no more");
        let test = g.open(root, PATH, READ, 0).unwrap();
        assert_eq!(g.open(test, "\\x", READ, 0), Err(STATUS_OBJECT_PATH_SYNTAX_BAD));
        let null = UserPtr::new(0);
        assert_eq!(key::nt_open_key(g.cx, g.handle, READ, null), Err(STATUS_ACCESS_VIOLATION));
        let long = g.fake.alloc(ObjectAttributesRaw { length: 96, ..Default::default() });
        assert_eq!(key::nt_open_key(g.cx, g.handle, READ, long), Err(STATUS_INVALID_PARAMETER));
        let odd = g.attributes(root, PATH, 0);
        let name = UserPtr::<UnicodeString>::new(odd.read(g.cx.k).unwrap().name);
        name.write(g.cx.k, UnicodeString { length: 13, ..name.read(g.cx.k).unwrap() }).unwrap();
        assert_eq!(key::nt_open_key(g.cx, g.handle, READ, odd), Err(STATUS_OBJECT_NAME_INVALID));
    });
}

#[test]
fn making_keys() {
    run(|g| {
        let (test, disposition) = g.create(Handle(0), PATH, ALL, 0, 0).unwrap();
        assert_eq!(disposition, 2);
        assert_eq!(g.create(test, "a\\b", ALL, 0, 0), Err(STATUS_OBJECT_NAME_NOT_FOUND));
        let (a, disposition) = g.create(test, "a\\", ALL, 0, 0).unwrap();
        assert_eq!(disposition, 1);
        assert!(g.create(test, "a\\\\b\\\\", ALL, 0, 0).is_ok());
        assert_eq!(key::nt_delete_key(g.cx, a), Err(STATUS_ACCESS_DENIED), "it has a subkey");
        let v = g.create(test, "v", ALL, 1, 0).unwrap().0;
        assert_eq!(g.create(v, "x", ALL, 0, 0), Err(STATUS_CHILD_MUST_BE_VOLATILE));
        let flags = g.key_info(v, None, 5, 128);
        assert_eq!((flags.0, word(&flags.1, 4)), (Ok(STATUS_SUCCESS), 1));
        let odd = g.attributes(Handle(0), "\\Registry\\Machine\\Software\\Odd", 0);
        assert_eq!(key::nt_open_key(g.cx, g.handle, READ, odd), Ok(STATUS_PREDEFINED_HANDLE));
        let odd = g.handle.read(g.cx.k).unwrap();
        assert_eq!(g.key_info(odd, None, 0, 128).0, Err(STATUS_INVALID_HANDLE));
    });
}

#[test]
fn deleted_keys() {
    run(|g| {
        let key = g.open(Handle(0), PATH, ALL, 0).unwrap();
        assert_eq!(key::nt_delete_key(g.cx, Handle(0)), Err(STATUS_INVALID_HANDLE));
        let read_only = g.open(Handle(0), PATH, READ, 0).unwrap();
        assert_eq!(key::nt_delete_key(g.cx, read_only), Err(STATUS_ACCESS_DENIED));
        assert_eq!(key::nt_delete_key(g.cx, key), Ok(STATUS_SUCCESS));
        assert_eq!(key::nt_delete_key(g.cx, key), Ok(STATUS_SUCCESS));
        let deleted = STATUS_KEY_DELETED;
        assert_eq!(g.key_info(key, None, 3, 128).0, Err(deleted));
        assert_eq!(g.key_info(key, Some(0), 2, 128).0, Err(deleted));
        assert_eq!(g.query(key, "value", 0, 128).0, Err(deleted));
        assert_eq!(g.set(key, "value", 1, b"x"), Err(deleted));
        assert_eq!(value::nt_delete_value_key(g.cx, key, g.fake.unicode_string("value")), Err(deleted));
        assert_eq!(g.open(key, "sub", READ, 0), Err(deleted));
        assert_eq!(g.create(key, "sub", ALL, 0, 0), Err(deleted));
        assert_eq!(g.cx.object(key, 0).unwrap().key().unwrap().path(g.cx.k), Err(deleted));
        assert_eq!(g.open(Handle(0), PATH, READ, 0), Err(STATUS_OBJECT_NAME_NOT_FOUND));
    });
}

#[test]
fn querying_values() {
    run(|g| {
        let key = g.open(Handle(0), PATH, READ | access::SET_VALUE, 0).unwrap();
        g.set(key, "deletetest", 4, &711u32.to_le_bytes()).unwrap();
        let (status, bytes, returned) = g.query(key, "DeleteTest", 0, 12);
        assert_eq!((status, returned), (Err(STATUS_BUFFER_OVERFLOW), 32));
        assert_eq!([word(&bytes, 0), word(&bytes, 4), word(&bytes, 8)], [0, 4, 20]);
        assert_eq!(g.query(key, "deletetest", 0, 11).0, Err(STATUS_BUFFER_TOO_SMALL));
        let (status, bytes, returned) = g.query(key, "deletetest", 0, 32);
        assert_eq!((status, returned, &bytes[12..16]), (Ok(STATUS_SUCCESS), 32, &b"d\0e\0"[..]));
        let (status, bytes, returned) = g.query(key, "deletetest", 2, 16);
        assert_eq!((status, returned, word(&bytes, 12)), (Ok(STATUS_SUCCESS), 16, 711));
        let (status, bytes, returned) = g.query(key, "deletetest", 2, 14);
        assert_eq!((status, returned), (Err(STATUS_BUFFER_OVERFLOW), 16));
        assert_eq!(bytes[12..16], [0xc7, 2, 0xcc, 0xcc], "what fits is stored, and no more");
        let (_, bytes, returned) = g.query(key, "deletetest", 1, 128);
        assert_eq!((returned, word(&bytes, 8), word(&bytes, 12), word(&bytes, 40)), (44, 40, 4, 711));
        let (_, bytes, returned) = g.query(key, "deletetest", 3, 128);
        assert_eq!((returned, word(&bytes, 8), word(&bytes, 40)), (44, 40, 711));
        let (_, bytes, returned) = g.query(key, "deletetest", 4, 128);
        assert_eq!((returned, word(&bytes, 0), word(&bytes, 4), word(&bytes, 8)), (12, 4, 4, 711));
        assert_eq!(g.query(key, "deletetest", 9, 128).0, Err(STATUS_INVALID_PARAMETER));
        assert_eq!(g.query(key, "no", 2, 128).0, Err(STATUS_OBJECT_NAME_NOT_FOUND));
        g.set(key, "custtest", 0xff00_ff00, b"").unwrap();
        let (status, bytes, _) = g.query(key, "custtest", 2, 16);
        assert_eq!((status, word(&bytes, 4), word(&bytes, 8)), (Ok(STATUS_SUCCESS), 0xff00_ff00, 0));
        let long = g.fake.unicode_string(&"a".repeat(0x7ffd));
        assert_eq!(value::nt_set_value_key(g.cx, key, long, 0, 4, 0, 0), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(value::nt_delete_value_key(g.cx, key, long), Err(STATUS_OBJECT_NAME_NOT_FOUND));
        let blind = g.open(Handle(0), PATH, access::SET_VALUE, 0).unwrap();
        assert_eq!(g.query(blind, "deletetest", 2, 128).0, Err(STATUS_ACCESS_DENIED));
        let read_only = g.open(Handle(0), PATH, READ, 0).unwrap();
        assert_eq!(g.set(read_only, "x", 1, b""), Err(STATUS_ACCESS_DENIED));
    });
}

#[test]
fn several_values_at_once() {
    run(|g| {
        let key = g.open(Handle(0), PATH, ALL, 0).unwrap();
        g.set(key, "a", 3, b"12345").unwrap();
        g.set(key, "b", 4, &[9, 0, 0, 0]).unwrap();
        let mut raw = Vec::new();
        for name in ["a", "b"] {
            raw.extend(g.fake.unicode_string(name).address().to_le_bytes());
            raw.extend([0; 16]);
        }
        let entries = g.fake.alloc_bytes(&raw);
        let (buffer, length, required) = (g.fake.alloc_bytes(&[0xcc; 16]), g.fake.alloc(6u32), g.fake.alloc(0u32));
        let call = || value::nt_query_multiple_value_key(g.cx, key, entries, 2, buffer, length, required);
        assert_eq!(call(), Err(STATUS_BUFFER_OVERFLOW));
        assert_eq!((length.read(g.cx.k), required.read(g.cx.k)), (Ok(6), Ok(12)));
        length.write(g.cx.k, 16).unwrap();
        assert_eq!(call(), Ok(STATUS_SUCCESS));
        let mut bytes = [0; 16];
        g.cx.k.read_user(buffer, &mut bytes).unwrap();
        assert_eq!(&bytes[..12], b"12345\0\0\0\x09\0\0\0");
        let mut raw = [0; 48];
        g.cx.k.read_user(entries, &mut raw).unwrap();
        assert_eq!([word(&raw, 8), word(&raw, 12), word(&raw, 16)], [5, 0, 3]);
        assert_eq!([word(&raw, 32), word(&raw, 36), word(&raw, 40)], [4, 8, 4]);
    });
}

#[test]
fn querying_keys() {
    run(|g| {
        let key = g.open(Handle(0), PATH, ALL, 0).unwrap();
        let path = "\\REGISTRY\\Machine\\Software\\Test";
        let needed = 4 + path.len() as u32 * 2;
        for (room, status) in [
            (0, Err(STATUS_BUFFER_TOO_SMALL)),
            (3, Err(STATUS_BUFFER_TOO_SMALL)),
            (4, Err(STATUS_BUFFER_OVERFLOW)),
            (needed, Ok(STATUS_SUCCESS)),
        ] {
            let (got, _, returned) = g.key_info(key, None, 3, room);
            assert_eq!((got, returned), (status, needed));
        }
        let (sub, _) = g.create(key, "test_subkey", ALL, 0, 0).unwrap();
        g.create(sub, "test_subkey2", ALL, 0, 0).unwrap();
        g.set(sub, "val", 4, &[64, 0, 0, 0]).unwrap();
        let (status, bytes, returned) = g.key_info(sub, None, 4, 40);
        assert_eq!((status, returned), (Ok(STATUS_SUCCESS), 40));
        let words: Vec<u32> = (3..9).map(|index| word(&bytes, index * 4)).collect();
        assert_eq!(words, [1, 24, 1, 6, 4, 22]);
        let (status, bytes, returned) = g.key_info(key, Some(0), 0, 128);
        assert_eq!((status, returned, word(&bytes, 12)), (Ok(STATUS_SUCCESS), 38, 22));
        assert_eq!(g.key_info(key, Some(1), 0, 128).0, Err(STATUS_NO_MORE_ENTRIES));
        assert_eq!(g.key_info(key, Some(u32::MAX), 0, 128).0, Err(STATUS_NO_MORE_ENTRIES));
        let (status, bytes, returned) = g.key_info(key, Some(0), 1, 128);
        assert_eq!((status, returned, word(&bytes, 12), word(&bytes, 16)), (Ok(STATUS_SUCCESS), 46, u32::MAX, 0));
        let (status, bytes, returned) = g.key_info(key, Some(0), 2, 128);
        assert_eq!((status, returned, word(&bytes, 20), word(&bytes, 32)), (Ok(STATUS_SUCCESS), 44, 1, 1));
        assert_eq!(g.key_info(key, None, 10, 128).0, Err(STATUS_INVALID_PARAMETER));
    });
}

#[test]
fn links() {
    run(|g| {
        let root = g.open(Handle(0), PATH, ALL, 0).unwrap();
        let (link, _) = g.create(root, "link", ALL, 2, 0).unwrap();
        let target: Vec<u8> = wide(&format!("{PATH}\\target")).iter().flat_map(|unit| unit.to_le_bytes()).collect();
        assert_eq!(g.set(link, "SymbolicLinkValue", 1, &target), Err(STATUS_ACCESS_DENIED));
        assert_eq!(g.set(link, "other", 6, &target), Err(STATUS_ACCESS_DENIED));
        assert_eq!(g.set(link, "SymbolicLinkValue", 6, &target), Ok(STATUS_SUCCESS));
        assert_eq!(g.open(root, "link", ALL, 0), Err(STATUS_OBJECT_NAME_NOT_FOUND));
        let (target_key, disposition) = g.create(root, "link", ALL, 0, 0).unwrap();
        assert_eq!(disposition, 1, "the target is made through the link");
        g.set(target_key, "value", 4, &[1, 0, 0, 0]).unwrap();
        let through = g.open(root, "link", ALL, 0).unwrap();
        assert_eq!(g.query(through, "value", 2, 128).0, Ok(STATUS_SUCCESS));
        assert_eq!(g.query(through, "SymbolicLinkValue", 2, 128).0, Err(STATUS_OBJECT_NAME_NOT_FOUND));
        let itself = g.open(root, "link", ALL, OBJ_OPENLINK).unwrap();
        assert_eq!(g.query(itself, "SymbolicLinkValue", 2, 128).2, 12 + target.len() as u32);
        assert_eq!(g.create(root, "link", ALL, 2, 0), Err(STATUS_OBJECT_NAME_COLLISION));
        assert_eq!(g.create(root, "link", ALL, 0, OBJ_OPENLINK).unwrap().1, 2);
        let loops: Vec<u8> = wide(&format!("{PATH}\\link\\x")).iter().flat_map(|unit| unit.to_le_bytes()).collect();
        g.set(link, "SymbolicLinkValue", 6, &loops).unwrap();
        assert_eq!(g.open(root, "link", ALL, 0), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(key::nt_delete_key(g.cx, link), Ok(STATUS_SUCCESS));
    });
}

#[test]
fn renaming() {
    run(|g| {
        let key = g.open(Handle(0), PATH, READ | DELETE, 0).unwrap();
        let sub = g.create(key, "rename_subkey", READ | DELETE, 0, 0).unwrap().0;
        let (old, new) = (g.fake.unicode_string("rename_subkey"), g.fake.unicode_string("renamed_subkey"));
        let empty = g.fake.alloc(UnicodeString::default());
        assert_eq!(key::nt_rename_key(g.cx, Handle(0), UserPtr::new(0)), Err(STATUS_ACCESS_VIOLATION));
        assert_eq!(key::nt_rename_key(g.cx, sub, empty), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(key::nt_rename_key(g.cx, Handle(0), old), Err(STATUS_INVALID_HANDLE));
        assert_eq!(key::nt_rename_key(g.cx, sub, new), Err(STATUS_ACCESS_DENIED));
        let sub = g.create(key, "rename_subkey", access::WRITE | DELETE, 0, 0).unwrap().0;
        assert_eq!(key::nt_rename_key(g.cx, sub, old), Err(STATUS_CANNOT_DELETE));
        assert_eq!(key::nt_rename_key(g.cx, sub, new), Ok(STATUS_SUCCESS));
        let path = g.cx.object(sub, 0).unwrap().key().unwrap().path(g.cx.k).unwrap();
        assert!(String::from_utf16_lossy(&path).ends_with("\\Test\\renamed_subkey"));
    });
}

#[test]
fn notification() {
    run(|g| {
        let k = g.cx.k;
        let events: Vec<Handle> = (0..4)
            .map(|_| {
                let none = UserPtr::new(0);
                crate::ke::event::nt_create_event(g.cx, g.handle, 0x1f_0003, none, 0, true).unwrap();
                g.handle.read(k).unwrap()
            })
            .collect();
        let states = || -> Vec<bool> {
            let state = |event: &Handle| g.cx.object(*event, 0).unwrap().signal.count() != 0;
            events.iter().map(state).collect()
        };
        let block = g.fake.alloc(crate::types::IoStatusBlock::default());
        let wait = |key, event, filter, subtree| {
            let block = block.address();
            notify::nt_notify_change_key(g.cx, key, event, 0, 0, block, filter, subtree, 0, 0, true)
        };
        let key = g.open(Handle(0), PATH, ALL, 0).unwrap();
        let key2 = g.open(Handle(0), PATH, ALL, 0).unwrap();
        let above = g.open(Handle(0), "\\Registry\\Machine\\Software", ALL, 0).unwrap();
        assert_eq!(wait(key, events[0], 1, false), Ok(STATUS_PENDING));
        assert_eq!(wait(key, events[1], 0, false), Ok(STATUS_PENDING), "the first filter holds");
        assert_eq!(wait(key2, events[2], 0, false), Ok(STATUS_PENDING));
        assert_eq!(wait(above, events[3], notify::CHANGE_LAST_SET, true), Ok(STATUS_PENDING));
        assert_eq!(states(), [false; 4]);
        let sub = g.create(key, "test_subkey", ALL, 0, 0).unwrap().0;
        assert_eq!(states(), [true, true, false, false]);
        assert_eq!(block.read(k).unwrap().status, 0, "without an APC nobody looks there");
        g.set(sub, "x", 1, b"").unwrap();
        assert_eq!(states(), [true, true, false, true]);
        assert_eq!(wait(key, events[0], 0, false), Ok(STATUS_PENDING));
        assert_eq!(states(), [false, true, false, true]);
        k.close_handle(key).unwrap();
        assert_eq!(states(), [true, true, false, true], "closing answers");
        let told =
            |key| notify::nt_notify_change_key(g.cx, key, Handle(0), 0x1000, 7, block.address(), 1, false, 0, 0, true);
        let key = g.open(Handle(0), PATH, ALL, 0).unwrap();
        assert_eq!(told(key), Ok(STATUS_PENDING));
        g.create(key, "another", ALL, 0, 0).unwrap();
        assert_eq!(block.read(k).unwrap().status, STATUS_NOTIFY_ENUM_DIR.0);
        assert_eq!(told(key), Ok(STATUS_PENDING));
        k.close_handle(key).unwrap();
        assert_eq!(block.read(k).unwrap().status, STATUS_NOTIFY_CLEANUP.0);
        let blind = g.open(Handle(0), PATH, access::SET_VALUE, 0).unwrap();
        assert_eq!(wait(blind, events[0], 1, false), Err(STATUS_ACCESS_DENIED));
        assert_eq!(wait(key2, events[0], 0x40, false), Err(STATUS_INVALID_PARAMETER));
    });
}

#[test]
fn waiting_for_a_change() {
    let (fake, k) = machine();
    let waiter = fake.thread(k, move |cx| {
        let g = Guest { fake, cx, handle: fake.alloc(Handle(0)) };
        let key = g.open(Handle(0), PATH, ALL, 0).unwrap();
        notify::nt_notify_change_key(cx, key, Handle(0), 0, 0, 0, notify::CHANGE_LAST_SET, false, 0, 0, false)
    });
    let writer = fake.thread(k, move |cx| {
        let g = Guest { fake, cx, handle: fake.alloc(Handle(0)) };
        let key = g.open(Handle(0), PATH, ALL, 0).unwrap();
        for round in 0u32.. {
            if waiter.is_finished() {
                break;
            }
            g.set(key, "x", 4, &round.to_le_bytes()).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        waiter.join()
    });
    assert!(matches!(writer.join(), Ok(Ok(Ok(STATUS_SUCCESS)))));
}

#[test]
fn licence_values() {
    run(|g| {
        let text = g.fake.unicode_string("Text");
        let (kind, buffer, returned) = (g.fake.alloc(0xdeadu32), g.fake.alloc_bytes(&[0x11; 16]), g.fake.alloc(0u32));
        let null = UserPtr::new(0);
        let call = |name, room, returned| license::nt_query_license_value(g.cx, name, kind, buffer, room, returned);
        assert_eq!(call(UserPtr::new(0), 16, returned), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(call(text, 16, null), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(call(g.fake.unicode_string(""), 16, returned), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(call(g.fake.unicode_string("No"), 16, returned), Err(STATUS_OBJECT_NAME_NOT_FOUND));
        assert_eq!(kind.read(g.cx.k), Ok(0xdead));
        assert_eq!(call(text, 2, returned), Err(STATUS_BUFFER_TOO_SMALL));
        assert_eq!((kind.read(g.cx.k), returned.read(g.cx.k)), (Ok(1), Ok(4)));
        assert_eq!(call(text, 4, returned), Ok(STATUS_SUCCESS));
    });
}

#[test]
fn the_session_is_written_over_the_hive() {
    run(|g| {
        let name = "\\Registry\\Machine\\System\\CurrentControlSet\\Control\\ComputerName\\ActiveComputerName";
        let key = g.open(Handle(0), name, READ, 0).unwrap();
        let (_, bytes, returned) = g.query(key, "ComputerName", 2, 128);
        assert_eq!(&bytes[12..returned as usize], sz("COMPUTER"));
        let name = format!("\\Registry\\User\\{USER_SID}\\Volatile Environment");
        let key = g.open(Handle(0), &name, READ, 0).unwrap();
        let (_, bytes, returned) = g.query(key, "USERPROFILE", 2, 128);
        assert_eq!(&bytes[12..returned as usize], sz("C:\\users\\user"));
    });
}

#[test]
fn the_hardware_is_described_when_somebody_looks() {
    run(|g| {
        let machine = g.open(Handle(0), "\\Registry\\Machine", READ, 0).unwrap();
        let key = g.open(machine, "HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\1", READ, 0).unwrap();
        let (status, bytes, _) = g.query(key, "~MHz", 2, 128);
        assert_eq!(status, Ok(STATUS_SUCCESS));
        assert_ne!(word(&bytes, 12), 0);
        assert_eq!(
            g.open(machine, "Hardware\\Description\\System\\CentralProcessor\\2", READ, 0).err(),
            Some(STATUS_OBJECT_NAME_NOT_FOUND)
        );
    });
}

fn sz(text: &str) -> Vec<u8> {
    wide(text).into_iter().chain([0]).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn the_hosts_locale_takes_the_place_of_the_images() {
    let fake = Fake::leak();
    let boot = shim_abi::boot::Boot { locale: "xx-YY".into(), ..Fake::boot() };
    let k: &'static Kernel = Box::leak(Box::new(Kernel::new(fake, boot)));
    let mut root = Builder::new();
    let path = format!("User\\{USER_SID}\\Control Panel\\International");
    root.path(&path).set(&wide("LocaleName"), 1, sz("en-US"));
    fake.files.add_file("image:hive", root.bytes().unwrap_or_default());
    fake.files.add_file("image:nls/locale.nls", crate::nls::locale::tests::sample());
    let told = fake.thread(k, move |cx| {
        let g = Guest { fake, cx, handle: fake.alloc(Handle(0)) };
        let key = g.open(Handle(0), &format!("\\Registry\\{path}"), READ, 0).unwrap();
        let (_, bytes, returned) = g.query(key, "LocaleName", 2, 128);
        bytes[12..returned as usize].to_vec()
    });
    assert!(told.join().is_ok_and(|told| told == sz("xx-YY")));
}

#[test]
fn an_image_without_a_hive_has_the_roots() {
    let (fake, k) = Fake::kernel();
    let opened = fake.thread(k, move |cx| {
        let g = Guest { fake, cx, handle: fake.alloc(Handle(0)) };
        g.open(Handle(0), "\\Registry\\Machine\\Software", ALL, 0)
    });
    assert!(matches!(opened.join(), Ok(Ok(_))));
    assert!(fake.lines.lock().iter().any(|line| line.contains("the registry is empty")));
}

#[test]
fn a_change_of_either_key_queues_one_apc() {
    run(|g| {
        let block = g.fake.alloc(crate::types::IoStatusBlock::default());
        let key = g.open(Handle(0), PATH, ALL, 0).unwrap();
        let wait = |other: &str| {
            let others = g.attributes(Handle(0), other, 0).address();
            let (apc, context, block) = (0x1234, 7, block.address());
            let none = Handle(0);
            notify::nt_notify_change_multiple_keys(g.cx, key, 1, others, none, apc, context, block, 5, true, 0, 0, true)
        };
        assert_eq!(wait("\\Registry\\Machine\\Software"), Err(STATUS_INVALID_PARAMETER), "the same hive");
        assert_eq!(wait("\\Registry\\User\\None"), Err(STATUS_OBJECT_NAME_NOT_FOUND));
        assert_eq!(wait("\\Registry\\User\\.Default"), Ok(STATUS_PENDING));
        let apcs = || -> Vec<_> { g.cx.t.apcs.lock().iter().map(|apc| (apc.function, apc.arguments)).collect() };
        assert!(apcs().is_empty());
        let other = g.open(Handle(0), "\\Registry\\User\\.Default", ALL, 0).unwrap();
        g.set(other, "x", 1, b"").unwrap();
        assert_eq!(apcs(), [(0x1234, [7, block.address(), 0])]);
        assert_eq!(block.read(g.cx.k).unwrap().status, STATUS_NOTIFY_ENUM_DIR.0);
        g.set(key, "y", 1, b"").unwrap();
        assert_eq!(apcs().len(), 1, "answered once");
        g.cx.k.close_handle(key).unwrap();
        assert_eq!(apcs().len(), 1);
    });
}

#[test]
fn security_is_kept_with_the_key_and_inherited_by_new_ones() {
    use crate::se::descriptor::{Descriptor, List};
    use crate::se::{acl, sid::Sid};
    const CONTAINERS: u8 = 2;
    run(|g| {
        let path = format!("{PATH}\\Guarded");
        let key = g.create(Handle(0), &path, ALL, 0, 0).unwrap().0;
        let before = g.create(key, "Before", ALL, 0, 0).unwrap().0;
        let entry = acl::ace(acl::ace_type::ALLOWED, CONTAINERS, READ, &Sid::world());
        let dacl = List::Acl(acl::build(2, [entry.as_slice()]).unwrap());
        let descriptor = g.fake.alloc_bytes(&Descriptor { dacl, ..Descriptor::default() }.bytes());
        crate::ob::security::nt_set_security_object(g.cx, key, 4, descriptor).unwrap();
        assert_eq!(g.open(Handle(0), &path, access::SET_VALUE, 0), Err(STATUS_ACCESS_DENIED));
        assert!(g.open(Handle(0), &path, READ, 0).is_ok());
        assert!(g.open(Handle(0), &format!("{path}\\Before"), ALL, 0).is_ok(), "what was there stays as it is");
        // Who has a handle goes on, and what is made through it inherits.
        let after = g.create(key, "After", ALL, 0, 0).unwrap().0;
        assert_eq!(g.open(key, "After", access::SET_VALUE, 0), Err(STATUS_ACCESS_DENIED));
        let entries = |key: Handle| -> Vec<(u8, u32)> {
            let object = g.cx.object(key, 0).unwrap();
            let dacl = g.cx.k.descriptor(&object).unwrap().dacl;
            acl::aces(dacl.acl().unwrap()).map(|ace| (ace.flags, ace.mask)).collect()
        };
        assert_eq!(entries(after), [(CONTAINERS | 0x10, READ)]);
        assert_eq!(entries(key), [(CONTAINERS, READ)]);
        assert_ne!(entries(before), entries(key));
    });
}

#[test]
fn hives_take_privileges() {
    run(|g| {
        let key = g.open(Handle(0), PATH, ALL, 0).unwrap();
        assert_eq!(store::nt_save_key(g.cx, key, Handle(0)), Err(STATUS_PRIVILEGE_NOT_HELD));
        let none = UserPtr::new(0);
        assert_eq!(store::nt_load_key(g.cx, none, none), Err(STATUS_PRIVILEGE_NOT_HELD));
    });
}
