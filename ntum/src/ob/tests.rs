//! Names, directories, links and handles, with the statuses that Windows answers.

use super::*;
use crate::call::Cx;
use crate::host::fake::Fake;
use crate::ke::{event, mutant};
use crate::kernel::Kernel;
use crate::ps::thread::Thread;
use crate::status::*;
use crate::types::*;
use std::sync::Arc;

struct Machine {
    fake: &'static Fake,
    k: &'static Kernel,
    t: Arc<Thread>,
}

type Make = fn(&Cx<'_>, UserPtr<Handle>, u32, UserPtr<ObjectAttributesRaw>) -> Nt;

const MAKE_EVENT: Make = |cx, to, access, at| event::nt_create_event(cx, to, access, at, 0, false);
const MAKE_MUTANT: Make = |cx, to, access, at| mutant::nt_create_mutant(cx, to, access, at, false);
impl Machine {
    fn new() -> Machine {
        let (fake, k) = Fake::kernel();
        Machine { fake, k, t: fake.attach(k) }
    }

    fn at(&self, root: Handle, name: &str, attributes: u32) -> UserPtr<ObjectAttributesRaw> {
        let pointer = self.fake.attributes(name, attributes);
        let raw = pointer.read(self.k).map(|raw| ObjectAttributesRaw { root, ..raw });
        raw.map(|raw| self.fake.alloc(raw)).unwrap_or(pointer)
    }

    fn try_in(&self, make: Make, root: Handle, name: &str, attributes: u32) -> Result<(Handle, Status), Status> {
        let to = self.fake.alloc(Handle(0x77));
        let status = make(&Cx { k: self.k, t: &self.t }, to, 0x1000_0000, self.at(root, name, attributes));
        let made = to.read(self.k).unwrap_or_default();
        if status.is_err() {
            assert_eq!(made, Handle(0), "{name}");
        }
        status.map(|status| (made, status))
    }

    fn status(&self, make: Make, name: &str, attributes: u32) -> Status {
        self.status_in(make, Handle(0), name, attributes)
    }

    fn status_in(&self, make: Make, root: Handle, name: &str, attributes: u32) -> Status {
        match self.try_in(make, root, name, attributes) {
            Ok((made, status)) => {
                assert_eq!(self.k.close_handle(made), Ok(()));
                status
            }
            Err(status) => status,
        }
    }

    fn make(&self, make: Make, name: &str) -> Handle {
        match self.try_in(make, Handle(0), name, 0) {
            Ok((made, STATUS_SUCCESS)) => made,
            other => panic!("{name}: {other:?}"),
        }
    }

    fn link(&self, name: &str, target: &str) -> Handle {
        let (to, target) = (self.fake.alloc(Handle(0)), self.fake.unicode_string(target));
        let attributes = self.at(Handle(0), name, 0);
        let cx = Cx { k: self.k, t: &self.t };
        assert_eq!(link::nt_create_symbolic_link_object(&cx, to, 1, attributes, target), Ok(STATUS_SUCCESS));
        to.read(self.k).unwrap_or_default()
    }

    fn close(&self, handle: Handle) {
        assert_eq!(self.k.close_handle(handle), Ok(()));
    }
}

#[test]
fn letter_case_counts_unless_it_is_ignored() {
    let m = Machine::new();
    let mutant = m.make(MAKE_MUTANT, r"\BaseNamedObjects\test");
    assert_eq!(m.status(MAKE_EVENT, r"\BaseNamedObjects\test", 0), STATUS_OBJECT_TYPE_MISMATCH);
    let event = m.make(MAKE_EVENT, r"\BaseNamedObjects\Test");
    let ignore = OBJ_CASE_INSENSITIVE;
    assert_eq!(m.status(mutant::nt_open_mutant, r"\BaseNamedObjects\TEst", ignore), STATUS_OBJECT_TYPE_MISMATCH);
    m.close(mutant);
    assert_eq!(m.status(MAKE_MUTANT, r"\BASENamedObjects\test", ignore), STATUS_OBJECT_TYPE_MISMATCH);
    assert_eq!(m.status(MAKE_EVENT, r"\BASENamedObjects\test", ignore), STATUS_OBJECT_NAME_COLLISION);
    assert_eq!(m.status(MAKE_MUTANT, r"\BASENamedObjects\test", 0), STATUS_OBJECT_PATH_NOT_FOUND);
    assert_eq!(m.status(MAKE_EVENT, r"\BASENamedObjects\test", ignore | OBJ_OPENIF), STATUS_OBJECT_NAME_EXISTS);
    m.close(event);
    assert_eq!(m.status(event::nt_open_event, r"\BaseNamedObjects\Test", 0), STATUS_OBJECT_NAME_NOT_FOUND);
}

#[test]
fn bad_paths_are_told_apart() {
    let m = Machine::new();
    let make: Make = link::nt_create_directory_object;
    let open: Make = link::nt_open_directory_object;
    let both = |root, name: &str, expected| {
        assert_eq!(m.status_in(make, root, name, 0), expected, "create {name}");
        assert_eq!(m.status_in(open, root, name, 0), expected, "open {name}");
    };
    both(Handle(0), "BaseNamedObjects", STATUS_OBJECT_PATH_SYNTAX_BAD);
    both(Handle(0), r"\BaseNamedObjects\", STATUS_OBJECT_NAME_INVALID);
    both(Handle(0), r"\\BaseNamedObjects", STATUS_OBJECT_NAME_INVALID);
    both(Handle(0), r"\BaseNamedObjects\\x", STATUS_OBJECT_NAME_INVALID);
    both(Handle(0), r"\BaseNamedObjects\x\", STATUS_OBJECT_PATH_NOT_FOUND);
    let Ok((base, _)) = m.try_in(open, Handle(0), r"\BaseNamedObjects", 0) else { panic!() };
    both(base, "", STATUS_SUCCESS);
    both(base, r"\", STATUS_OBJECT_PATH_SYNTAX_BAD);
    both(base, r"\x", STATUS_OBJECT_PATH_SYNTAX_BAD);
    both(base, r"x\", STATUS_OBJECT_PATH_NOT_FOUND);
    assert_eq!(m.status_in(MAKE_MUTANT, base, r"x\y", 0), STATUS_OBJECT_PATH_NOT_FOUND);
    let mutant = m.make(MAKE_MUTANT, "");
    assert_eq!(m.status_in(mutant::nt_open_mutant, mutant, "", 0), STATUS_OBJECT_TYPE_MISMATCH);
    assert_eq!(m.status(make, r"\", 0), STATUS_OBJECT_NAME_COLLISION);
    assert_eq!(m.status(make, r"\", OBJ_OPENIF), STATUS_OBJECT_NAME_EXISTS);
    assert_eq!(m.status(MAKE_MUTANT, r"\", OBJ_OPENIF), STATUS_OBJECT_TYPE_MISMATCH);
    // Without a name, with and without a root; without attributes.
    let cx = Cx { k: m.k, t: &m.t };
    let to = m.fake.alloc(Handle(0));
    let none = m.fake.alloc(ObjectAttributesRaw { length: 48, ..Default::default() });
    let rooted = m.fake.alloc(ObjectAttributesRaw { length: 48, root: base, ..Default::default() });
    assert_eq!(MAKE_EVENT(&cx, to, 0, none), Ok(STATUS_SUCCESS));
    assert_eq!(MAKE_EVENT(&cx, to, 0, rooted), Err(STATUS_OBJECT_NAME_INVALID));
    assert_eq!(event::nt_open_event(&cx, to, 0, none), Err(STATUS_OBJECT_PATH_SYNTAX_BAD));
    assert_eq!(event::nt_open_event(&cx, to, 0, rooted), Err(STATUS_OBJECT_NAME_INVALID));
    assert_eq!(event::nt_open_event(&cx, to, 0, UserPtr::new(0)), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(MAKE_EVENT(&cx, UserPtr::new(0xdead_bee0), 0, none), Err(STATUS_ACCESS_VIOLATION));
    let short = m.fake.alloc(ObjectAttributesRaw { length: 47, ..Default::default() });
    assert_eq!(MAKE_EVENT(&cx, to, 0, short), Err(STATUS_INVALID_PARAMETER));
    for (length, buffer, expected) in [
        (67, 0x7000_0000, STATUS_OBJECT_NAME_INVALID),
        (3, 0x7000_0001, STATUS_DATATYPE_MISALIGNMENT),
        (0xfffe, 0x7000_0000, STATUS_OBJECT_NAME_INVALID),
        (2, 0xdead_bee0, STATUS_ACCESS_VIOLATION),
    ] {
        let name = m.fake.alloc(UnicodeString { length, maximum_length: length, pad: 0, buffer }).address();
        let bad = m.fake.alloc(ObjectAttributesRaw { length: 48, name, ..Default::default() });
        assert_eq!(MAKE_EVENT(&cx, to, 0, bad), Err(expected));
    }
}

#[test]
fn links_lead_on_and_are_no_directories() {
    let m = Machine::new();
    let link = m.link(r"\??\test_link", r"\BaseNamedObjects");
    let directory = m.make(link::nt_create_directory_object, r"\BaseNamedObjects\dir");
    let mutant = m.make(MAKE_MUTANT, r"\DosDevices\test_link\dir\object");
    assert_eq!(m.status(mutant::nt_open_mutant, r"\BaseNamedObjects\Local\dir\object", 0), STATUS_SUCCESS);
    assert_eq!(m.status(MAKE_MUTANT, r"\BaseNamedObjects\dir\object", 0), STATUS_OBJECT_NAME_COLLISION);
    assert_eq!(m.status_in(mutant::nt_open_mutant, link, r"dir\object", 0), STATUS_OBJECT_TYPE_MISMATCH);
    assert_eq!(m.status_in(mutant::nt_open_mutant, directory, "object", 0), STATUS_SUCCESS);
    assert_eq!(m.status(link::nt_open_symbolic_link_object, r"\??\test_link", 0), STATUS_SUCCESS);
    let root = r"\??\GLOBALROOT\??\GLOBALROOT\BaseNamedObjects\Session\0\dir\object";
    assert_eq!(m.status(mutant::nt_open_mutant, root, 0), STATUS_SUCCESS);
    let cx = Cx { k: m.k, t: &m.t };
    for (name, expected) in [(r"\??\GLOBALROOT", ""), (r"\??\GLOBALROOT\DosDevices", r"\??")] {
        let Ok((handle, _)) = m.try_in(link::nt_open_symbolic_link_object, Handle(0), name, 0) else { panic!() };
        let buffer = m.fake.alloc_bytes(&[0xaa; 64]);
        let room = (expected.len() as u16 + 1) * 2;
        let returned = m.fake.alloc(0u32);
        for (maximum_length, status) in [(room - 1, Err(STATUS_BUFFER_TOO_SMALL)), (room, Ok(STATUS_SUCCESS))] {
            let string = m.fake.alloc(UnicodeString { length: 0x4444, maximum_length, pad: 0, buffer });
            assert_eq!(link::nt_query_symbolic_link_object(&cx, handle, string, returned), status);
            assert_eq!(returned.read(m.k), Ok(u32::from(room)));
            if status.is_ok() {
                assert_eq!(string.text(m.k), Ok(wide(expected)));
            } else {
                assert_eq!(string.read(m.k).map(|s| s.length), Ok(0x4444));
            }
        }
    }
    // Links that lead to each other end.
    m.link(r"\??\a", r"\??\b");
    m.link(r"\??\b", r"\??\a");
    assert_eq!(m.status(event::nt_open_event, r"\??\a\x", 0), STATUS_INVALID_PARAMETER);
    let at = m.at(Handle(0), r"\??\c", 0);
    let unreadable = link::nt_create_symbolic_link_object(&cx, m.fake.alloc(Handle(0)), 1, at, UserPtr::new(0x10));
    assert_eq!(unreadable, Err(STATUS_ACCESS_VIOLATION));
    m.close(mutant);
}

#[test]
fn a_directory_is_listed_as_far_as_it_fits() {
    let m = Machine::new();
    let directory = m.make(link::nt_create_directory_object, r"\BaseNamedObjects\dir");
    let cx = Cx { k: m.k, t: &m.t };
    let buffer = m.fake.alloc_bytes(&[0xcc; 400]);
    let (context, returned) = (m.fake.alloc(0u32), m.fake.alloc(0u32));
    let list = |length, single, restart| {
        let status =
            link::nt_query_directory_object(&cx, directory, buffer, length, single, restart, context, returned);
        (status, context.read(m.k).unwrap_or_default(), returned.read(m.k).unwrap_or_default())
    };
    let _ = context.write(m.k, 7);
    assert_eq!(list(200, true, true), (Err(STATUS_NO_MORE_ENTRIES), 7, 32));
    assert_eq!(list(0, false, true), (Err(STATUS_NO_MORE_ENTRIES), 7, 32));
    let _first = m.make(MAKE_MUTANT, r"\BaseNamedObjects\dir\Oileus");
    let _second = m.make(MAKE_MUTANT, r"\BaseNamedObjects\dir\Telamon");
    let one = 2 * 32 + 2 * (7 + 7);
    assert_eq!(list(0, true, true), (Err(STATUS_BUFFER_TOO_SMALL), 7, one));
    assert_eq!(list(one - 1, true, true), (Err(STATUS_BUFFER_TOO_SMALL), 7, one));
    assert_eq!(list(one, true, true), (Ok(STATUS_SUCCESS), 1, one));
    assert_eq!(UserPtr::<UnicodeString>::new(buffer).text(m.k), Ok(wide("Oileus")));
    assert_eq!(UserPtr::<UnicodeString>::new(buffer + 16).text(m.k), Ok(wide("Mutant")));
    assert_eq!(list(400, true, false), (Ok(STATUS_SUCCESS), 2, one + 2));
    assert_eq!(list(400, true, false), (Err(STATUS_NO_MORE_ENTRIES), 2, 32));
    let both = 3 * 32 + 2 * (7 + 7 + 8 + 7);
    assert_eq!(list(400, false, true), (Ok(STATUS_SUCCESS), 2, both));
    assert_eq!(UserPtr::<UnicodeString>::new(buffer + 32).text(m.k), Ok(wide("Telamon")));
    assert_eq!(list(both - 1, false, true), (Ok(STATUS_MORE_ENTRIES), 1, one));
    assert_eq!(list(32, false, true), (Ok(STATUS_MORE_ENTRIES), 0, 32));
    let bad = link::nt_query_directory_object(&cx, directory, buffer, 9, true, true, UserPtr::new(0), returned);
    assert_eq!(bad, Err(STATUS_ACCESS_VIOLATION));
}

#[test]
fn handles_are_duplicated_with_their_rights() {
    let m = Machine::new();
    let cx = Cx { k: m.k, t: &m.t };
    let own = Handle::CURRENT_PROCESS;
    let event = m.make(MAKE_EVENT, "");
    let to = m.fake.alloc(Handle(0));
    let duplicate = |source, access, attributes, options| {
        duplicate::nt_duplicate_object(&cx, own, source, own, to, access, attributes, options)
    };
    assert_eq!(duplicate(event, 0x2, OBJ_INHERIT, 0), Ok(STATUS_SUCCESS));
    let lesser = to.read(m.k).unwrap_or_default();
    assert_eq!(cx.entry(lesser, 0).map(|entry| (entry.access, entry.attributes)), Ok((2, OBJ_INHERIT)));
    assert_eq!(event::nt_set_event(&cx, lesser, UserPtr::new(0)), Ok(STATUS_SUCCESS));
    assert_eq!(mutant::nt_release_mutant(&cx, lesser, UserPtr::new(0)), Err(STATUS_OBJECT_TYPE_MISMATCH));
    assert_eq!(cx.object(lesser, 1).err(), Some(STATUS_ACCESS_DENIED));
    assert_eq!(query::nt_compare_objects(&cx, lesser, event), Ok(STATUS_SUCCESS));
    assert_eq!(query::nt_compare_objects(&cx, own, event), Err(STATUS_NOT_SAME_OBJECT));
    assert_eq!(duplicate(event, u32::MAX, 0, 0), Err(STATUS_ACCESS_DENIED));
    assert_eq!(to.read(m.k), Ok(Handle(0)));
    // Pseudo handles become real ones.
    assert_eq!(duplicate(Handle::CURRENT_THREAD, 0, 0, 2), Ok(STATUS_SUCCESS));
    let thread = to.read(m.k).unwrap_or_default();
    assert_eq!(query::nt_compare_objects(&cx, thread, Handle::CURRENT_THREAD), Ok(STATUS_SUCCESS));
    // A protected handle is not closed, but duplicated.
    let flags = m.fake.alloc([0u8, 1]);
    assert_eq!(query::nt_set_information_object(&cx, event, 4, flags.address(), 2), Ok(STATUS_SUCCESS));
    assert_eq!(m.k.close_handle(event), Err(STATUS_HANDLE_NOT_CLOSABLE));
    assert_eq!(duplicate(event, 0, 0, 2 | 4), Ok(STATUS_SUCCESS));
    let copy = to.read(m.k).unwrap_or_default();
    assert_eq!(m.k.close_handle(copy), Err(STATUS_HANDLE_NOT_CLOSABLE));
    // So it is where it would be moved.
    assert_eq!(duplicate(event, 0, 0, 1 | 2), Ok(STATUS_SUCCESS));
    let copy = to.read(m.k).unwrap_or_default();
    assert!(copy != event && cx.object(event, 0).is_ok() && m.k.close_handle(copy).is_ok());
    // What would be closed becomes the duplicate, unless that has more rights.
    assert_eq!(duplicate(lesser, 0, 0, 1 | 2), Ok(STATUS_SUCCESS));
    assert_eq!(to.read(m.k), Ok(lesser));
    assert_eq!(cx.entry(lesser, 0).map(|entry| (entry.access, entry.attributes)), Ok((2, 0)));
    assert_eq!(duplicate(lesser, 3, 0, 1), Ok(STATUS_SUCCESS));
    let moved = to.read(m.k).unwrap_or_default();
    assert!(moved != lesser && cx.object(moved, 3).is_ok());
    assert_eq!(cx.object(lesser, 0).err(), Some(STATUS_INVALID_HANDLE));
    // Moving closes the source, even if nothing came of it.
    assert_eq!(duplicate(moved, u32::MAX, 0, 1), Err(STATUS_ACCESS_DENIED));
    assert_eq!(cx.object(moved, 0).err(), Some(STATUS_INVALID_HANDLE));
}

#[test]
fn an_object_tells_its_name_type_and_rights() {
    let m = Machine::new();
    let cx = Cx { k: m.k, t: &m.t };
    let event = m.make(MAKE_EVENT, r"\Sessions\1\BaseNamedObjects\e");
    let buffer = m.fake.alloc_bytes(&[0xcc; 8000]);
    let returned = m.fake.alloc(0u32);
    let query = |handle, class, length| {
        let status = query::nt_query_object(&cx, handle, class, buffer, length, returned);
        (status, returned.read(m.k).unwrap_or_default())
    };
    let name = wide(r"\Sessions\1\BaseNamedObjects\e");
    let needed = 16 + name.len() as u32 * 2 + 2;
    assert_eq!(query(event, 1, 16), (Err(STATUS_INFO_LENGTH_MISMATCH), needed));
    assert_eq!(query(event, 1, needed - 2), (Err(STATUS_INFO_LENGTH_MISMATCH), needed));
    assert_eq!(query(event, 1, needed), (Ok(STATUS_SUCCESS), needed));
    assert_eq!(UserPtr::<UnicodeString>::new(buffer).text(m.k), Ok(name));
    let nameless = m.make(MAKE_EVENT, "");
    assert_eq!(query(nameless, 1, 100), (Ok(STATUS_SUCCESS), 16));
    assert_eq!(query(event, 2, 104), (Err(STATUS_INFO_LENGTH_MISMATCH), 116));
    assert_eq!(query(event, 2, 116), (Ok(STATUS_SUCCESS), 116));
    assert_eq!(UserPtr::<UnicodeString>::new(buffer).text(m.k), Ok(wide("Event")));
    assert_eq!(UserPtr::<[u32; 2]>::new(buffer + 16).read(m.k), Ok([2, 2]));
    assert_eq!(query(event, 0, 55), (Err(STATUS_INFO_LENGTH_MISMATCH), 56));
    assert_eq!(query(event, 0, 56), (Ok(STATUS_SUCCESS), 56));
    assert_eq!(UserPtr::<[u32; 3]>::new(buffer).read(m.k), Ok([0, 0x1f_0003, 1]));
    let (status, all) = query(Handle(0), 3, 100);
    assert_eq!(status, Err(STATUS_INFO_LENGTH_MISMATCH));
    assert_eq!(query(Handle(0), 3, all), (Ok(STATUS_SUCCESS), all));
    // Every entry is found where the one before says it ends.
    let count = UserPtr::<u32>::new(buffer).read(m.k).unwrap_or_default();
    let mut at = buffer + 8;
    let mut seen = Vec::new();
    for _ in 0..count {
        let Ok(name) = UserPtr::<UnicodeString>::new(at).read(m.k) else { panic!() };
        seen.push(String::from_utf16_lossy(&name.read(m.k).unwrap_or_default()));
        at = (name.buffer + u64::from(name.maximum_length)).next_multiple_of(8);
    }
    assert!(
        ["Event", "Mutant", "Token", "Directory", "SymbolicLink"].iter().all(|name| seen.contains(&(*name).into()))
    );
    assert_eq!(query(event, 9, 100).0, Err(STATUS_INVALID_INFO_CLASS));
}

#[test]
fn a_permanent_object_stays_until_it_is_made_temporary() {
    let m = Machine::new();
    let cx = Cx { k: m.k, t: &m.t };
    let path = r"\BaseNamedObjects\stays";
    let Ok((event, _)) = m.try_in(MAKE_EVENT, Handle(0), path, OBJ_PERMANENT) else { panic!() };
    m.close(event);
    let Ok((event, _)) = m.try_in(event::nt_open_event, Handle(0), path, 0) else { panic!() };
    assert_eq!(m.k.ob.handles.set_access(event, 0x1e_0003, 0), Ok(()));
    assert_eq!(query::nt_make_temporary_object(&cx, event), Err(STATUS_ACCESS_DENIED));
    assert_eq!(m.k.ob.handles.set_access(event, 0x1f_0003, 0), Ok(()));
    assert_eq!(query::nt_make_temporary_object(&cx, event), Ok(STATUS_SUCCESS));
    assert_eq!(m.status(event::nt_open_event, path, 0), STATUS_SUCCESS);
    m.close(event);
    assert_eq!(m.status(event::nt_open_event, path, 0), STATUS_OBJECT_NAME_NOT_FOUND);
}

#[test]
fn a_shadow_fills_the_gaps_of_a_directory() {
    let m = Machine::new();
    let cx = Cx { k: m.k, t: &m.t };
    let shadow = m.make(link::nt_create_directory_object, r"\BaseNamedObjects\shadow");
    let _below = m.make(MAKE_EVENT, r"\BaseNamedObjects\shadow\below");
    let to = m.fake.alloc(Handle(0));
    let at = m.at(Handle(0), r"\BaseNamedObjects\over", 0);
    assert_eq!(link::nt_create_directory_object_ex(&cx, to, 0xf, at, shadow, 0), Ok(STATUS_SUCCESS));
    assert_eq!(m.status(event::nt_open_event, r"\BaseNamedObjects\over\below", 0), STATUS_SUCCESS);
    assert_eq!(m.status(event::nt_open_event, r"\BaseNamedObjects\over\none", 0), STATUS_OBJECT_NAME_NOT_FOUND);
}

#[test]
fn a_descriptor_limits_who_opens_the_object() {
    use crate::se::acl;
    use crate::se::descriptor::{Descriptor, List};
    use crate::se::sid::Sid;
    let m = Machine::new();
    let cx = Cx { k: m.k, t: &m.t };
    // Everybody may wait for it and read its descriptor, nobody may set it.
    let dacl = List::Acl(acl::allowing(&[(Sid::world(), 0x12_0001)]));
    let given = Descriptor { dacl, owner: Some(Sid::system()), ..Descriptor::default() };
    let security = m.fake.alloc_bytes(&given.bytes());
    let path = r"\BaseNamedObjects\guarded";
    let at = m.at(Handle(0), path, 0);
    let at = at.read(m.k).map(|raw| m.fake.alloc(ObjectAttributesRaw { security, ..raw })).unwrap_or(at);
    let to = m.fake.alloc(Handle(0));
    // Its maker gets what it asks for all the same.
    assert_eq!(event::nt_create_event(&cx, to, 0x1f_0003, at, 0, false), Ok(STATUS_SUCCESS));
    let made = to.read(m.k).unwrap_or_default();
    let open = |access| event::nt_open_event(&cx, to, access, m.at(Handle(0), path, 0));
    assert_eq!(open(0x10_0001), Ok(STATUS_SUCCESS));
    assert_eq!(open(0x2), Err(STATUS_ACCESS_DENIED));
    assert_eq!(open(types::MAXIMUM_ALLOWED), Ok(STATUS_SUCCESS));
    let lesser = to.read(m.k).unwrap_or_default();
    assert_eq!(cx.entry(lesser, 0).map(|entry| entry.access), Ok(0x12_0001));
    let own = Handle::CURRENT_PROCESS;
    let more = duplicate::nt_duplicate_object(&cx, own, lesser, own, to, 0x2, 0, 0);
    assert_eq!(more, Err(STATUS_ACCESS_DENIED));
    // The descriptor is told, part by part, and can be changed through a handle that allows it.
    let buffer = m.fake.alloc_bytes(&[0; 400]);
    let needed = m.fake.alloc(0u32);
    assert_eq!(security::nt_query_security_object(&cx, lesser, 4, buffer, 0, needed), Err(STATUS_BUFFER_TOO_SMALL));
    let length = needed.read(m.k).unwrap_or_default();
    assert_eq!(security::nt_query_security_object(&cx, lesser, 4, buffer, length, needed), Ok(STATUS_SUCCESS));
    let told = Descriptor::read(m.k, buffer);
    assert_eq!(told.map(|told| (told.owner, told.dacl)), Ok((None, given.dacl.clone())));
    let open_to_all = Descriptor { dacl: List::Null, ..Descriptor::default() };
    let new = m.fake.alloc_bytes(&open_to_all.bytes());
    assert_eq!(security::nt_set_security_object(&cx, lesser, 4, new), Err(STATUS_ACCESS_DENIED));
    assert_eq!(security::nt_set_security_object(&cx, made, 4, new), Ok(STATUS_SUCCESS));
    assert_eq!(open(0x2), Ok(STATUS_SUCCESS));
    assert_eq!(security::nt_set_security_object(&cx, made, 4, 0), Err(STATUS_ACCESS_VIOLATION));
}

#[test]
fn a_drive_that_leads_elsewhere_is_noticed_at_once() {
    use super::directory::{Found, enter, find, make_link};
    let m = Machine::new();
    crate::io::disk::start(m.k);
    let other = crate::io::disk::Volume { letter: b'Q', number: 9 };
    crate::io::device::make_device(m.k, "\\Device\\Other", crate::io::disk::FILE_DEVICE_DISK, other);
    let cx = Cx { k: m.k, t: &m.t };
    let walk = |name: &str| {
        let attributes = m.at(Handle(0), name, OBJ_CASE_INSENSITIVE).load(m.k).unwrap();
        match cx.walk_to_file(&attributes) {
            Ok(Found::Rest(device, rest)) => Ok((device.path().unwrap(), rest)),
            Ok(_) => panic!("no device: {name}"),
            Err(status) => Err(status),
        }
    };
    let on = |device: &str, rest: &str| Ok((wide(device), wide(rest)));
    for _ in 0..2 {
        assert_eq!(walk("\\??\\C:\\a"), on("\\Device\\HarddiskVolume1", "\\a"));
        assert_eq!(walk("\\??\\c:\\A\\b"), on("\\Device\\HarddiskVolume1", "\\A\\b"));
        assert_eq!(walk("\\??\\C:"), on("\\Device\\HarddiskVolume1", ""));
    }
    // Of several names that differ in nothing the newest counts.
    make_link(&m.k.ob.root, "\\??\\C:", "\\Device\\Other");
    assert_eq!(walk("\\??\\C:\\a"), on("\\Device\\Other", "\\a"));
    let (folder, devices) = (find(&m.k.ob.root, "\\??").unwrap(), find(&m.k.ob.root, "\\Device").unwrap());
    let newest = folder.directory().unwrap().get(&wide("C:"), true).unwrap();
    folder.directory().unwrap().remove(&wide("C:"), &newest);
    assert_eq!(walk("\\??\\C:\\a"), on("\\Device\\HarddiskVolume1", "\\a"));
    // What is entered elsewhere changes nothing.
    enter(&devices, &wide("other"), &newest).unwrap();
    assert_eq!(walk("\\??\\C:\\a"), on("\\Device\\HarddiskVolume1", "\\a"));
}
