//! Objects between processes: two kernels on one sandbox's memory.

use super::handle::Handle;
use crate::call::Cx;
use crate::host::fake::Fake;
use crate::ke::event::*;
use crate::ke::mutant::*;
use crate::ke::semaphore::*;
use crate::ke::wait::*;
use crate::status::*;
use crate::types::{OBJ_CASE_INSENSITIVE, OBJ_OPENIF};
use crate::um::UserPtr;

const NAME: &str = "\\BaseNamedObjects\\Thing";
const ALL: u32 = 0x1f_0003;

fn null<T>() -> UserPtr<T> {
    UserPtr::new(0)
}

fn event(fake: &Fake, cx: &Cx<'_>, kind: u32, state: bool) -> Nt<Handle> {
    let handle = fake.alloc(Handle(0));
    let named = fake.attributes(NAME, OBJ_CASE_INSENSITIVE | OBJ_OPENIF);
    nt_create_event(cx, handle, ALL, named, kind, state)?;
    handle.read(cx.k)
}

fn open_event(fake: &Fake, cx: &Cx<'_>, name: &str, attributes: u32) -> Nt<Handle> {
    let handle = fake.alloc(Handle(0));
    nt_open_event(cx, handle, ALL, fake.attributes(name, attributes))?;
    handle.read(cx.k)
}

fn wait(cx: &Cx<'_>, handle: Handle, milliseconds: i64, fake: &Fake) -> Nt {
    nt_wait_for_single_object(cx, handle, false, fake.alloc(-10_000 * milliseconds))
}

#[test]
fn named_events_are_one_thing_to_two_processes() {
    let [(a, ka), (b, kb)] = Fake::sandbox();
    let (ta, tb) = (a.attach(ka), b.attach(kb));
    let (ca, cb) = (Cx { k: ka, t: &ta }, Cx { k: kb, t: &tb });
    assert_ne!(ta.id, tb.id);
    assert_eq!(open_event(b, &cb, NAME, 0), Err(STATUS_OBJECT_NAME_NOT_FOUND));
    let ours = event(a, &ca, 1, false).unwrap();
    let theirs = event(b, &cb, 0, true).unwrap();
    assert_eq!(wait(&cb, theirs, 0, b), Ok(STATUS_TIMEOUT), "the first one's kind and state hold");
    nt_set_event(&ca, ours, null()).unwrap();
    assert_eq!(wait(&cb, theirs, 0, b), Ok(STATUS_WAIT_0));
    assert_eq!(wait(&ca, ours, 0, a), Ok(STATUS_TIMEOUT));
    assert_eq!(open_event(b, &cb, "\\BaseNamedObjects\\THING", 0), Err(STATUS_OBJECT_NAME_NOT_FOUND));
    assert!(open_event(b, &cb, "\\BaseNamedObjects\\THING", OBJ_CASE_INSENSITIVE).is_ok());
    // Another type of that name.
    let handle = b.alloc(Handle(0));
    let named = b.attributes(NAME, OBJ_OPENIF);
    assert_eq!(nt_create_mutant(&cb, handle, ALL, named, false), Err(STATUS_OBJECT_TYPE_MISMATCH));
    let named = b.attributes(NAME, 0);
    assert_eq!(nt_create_event(&cb, handle, ALL, named, 0, false), Err(STATUS_OBJECT_NAME_COLLISION));
}

#[test]
fn a_security_descriptor_holds_for_every_process() {
    use super::security::{nt_query_security_object, nt_set_security_object};
    use crate::se::acl::allowing;
    use crate::se::descriptor::{Descriptor, List, information};
    let [(a, ka), (b, kb)] = Fake::sandbox();
    let (ta, tb) = (a.attach(ka), b.attach(kb));
    let (ca, cb) = (Cx { k: ka, t: &ta }, Cx { k: kb, t: &tb });
    const SYNCHRONIZE: u32 = 0x10_0000;
    let only = |mask| {
        let dacl = List::Acl(allowing(&[(crate::se::user_sid(), mask)]));
        Descriptor { owner: Some(crate::se::sid::Sid::system()), dacl, ..Descriptor::default() }
    };
    let open = |access| {
        let handle = b.alloc(Handle(0));
        nt_open_event(&cb, handle, access, b.attributes(NAME, 0)).map(|_| handle.read(kb).unwrap())
    };
    let named = a.attributes(NAME, 0);
    let security = a.alloc_bytes(&only(SYNCHRONIZE).bytes());
    let named = a.alloc(crate::types::ObjectAttributesRaw { security, ..named.read(ka).unwrap() });
    let handle = a.alloc(Handle(0));
    nt_create_event(&ca, handle, ALL, named, 0, false).unwrap();
    let ours = handle.read(ka).unwrap();
    open(SYNCHRONIZE).unwrap();
    assert_eq!(open(ALL), Err(STATUS_ACCESS_DENIED));
    // Another one counts from then on, wherever it was set.
    let wider = a.alloc_bytes(&only(0x2_0003).bytes());
    nt_set_security_object(&ca, ours, information::DACL, wider).unwrap();
    assert_eq!(open(SYNCHRONIZE), Err(STATUS_ACCESS_DENIED));
    let theirs = open(0x2_0003).unwrap();
    let (buffer, needed) = (b.alloc_bytes(&[0; 200]), b.alloc(0u32));
    nt_query_security_object(&cb, theirs, information::OWNER | information::DACL, buffer, 200, needed).unwrap();
    let told = Descriptor::read(kb, buffer).unwrap();
    assert_eq!(told, only(0x2_0003));
}

#[test]
fn a_name_goes_with_the_last_handle_of_any_process() {
    let [(a, ka), (b, kb)] = Fake::sandbox();
    let (ta, tb) = (a.attach(ka), b.attach(kb));
    let (ca, cb) = (Cx { k: ka, t: &ta }, Cx { k: kb, t: &tb });
    let ours = event(a, &ca, 1, true).unwrap();
    let theirs = event(b, &cb, 1, true).unwrap();
    ka.close_handle(ours).unwrap();
    let again = open_event(a, &ca, NAME, 0).unwrap();
    kb.close_handle(theirs).unwrap();
    ka.close_handle(again).unwrap();
    assert_eq!(open_event(b, &cb, NAME, 0), Err(STATUS_OBJECT_NAME_NOT_FOUND));
    let fresh = event(b, &cb, 0, false).unwrap();
    assert_eq!(wait(&cb, fresh, 0, b), Ok(STATUS_TIMEOUT));
}

#[test]
fn a_thread_waits_for_what_another_process_does() {
    let [(a, ka), (b, kb)] = Fake::sandbox();
    let tb = b.attach(kb);
    let cb = Cx { k: kb, t: &tb };
    let theirs = event(b, &cb, 1, false).unwrap();
    let waiter = a.thread(ka, move |cx| {
        let shared = event(a, cx, 1, false).unwrap();
        // Together with one that nobody else sees.
        let own = a.alloc(Handle(0));
        nt_create_event(cx, own, ALL, null(), 1, false).unwrap();
        let own = own.read(cx.k).unwrap();
        let handles = a.alloc([own, shared]);
        let handles = UserPtr::<Handle>::new(handles.address());
        let first = nt_wait_for_multiple_objects(cx, 2, handles, true, false, a.alloc(-100_000_000));
        nt_set_event(cx, own, null()).unwrap();
        let second = nt_wait_for_multiple_objects(cx, 2, handles, true, false, a.alloc(0));
        let all = nt_wait_for_multiple_objects(cx, 2, handles, false, false, a.alloc(-100_000));
        (first, second, all)
    });
    std::thread::sleep(std::time::Duration::from_millis(30));
    nt_set_event(&cb, theirs, null()).unwrap();
    assert_eq!(waiter.join().unwrap(), (Ok(Status(1)), Ok(STATUS_WAIT_0), Ok(STATUS_TIMEOUT)));
}

#[test]
fn an_object_that_is_waited_for_becomes_shared() {
    let (fake, k) = Fake::kernel();
    let handle = fake.alloc(Handle(0));
    let object = fake.thread(k, move |cx| {
        nt_create_event(cx, handle, ALL, null(), 1, false).unwrap();
        cx.object(handle.read(cx.k).unwrap(), 0).unwrap()
    });
    let object = object.join().unwrap();
    let handle = handle.read(k).unwrap();
    let waiters = [(); 3].map(|()| fake.thread(k, move |cx| wait(cx, handle, 10_000, fake)));
    std::thread::sleep(std::time::Duration::from_millis(30));
    k.share(&object).unwrap();
    for _ in 0..3 {
        std::thread::sleep(std::time::Duration::from_millis(10));
        assert!(!object.signal.set(k));
    }
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap(), Ok(STATUS_WAIT_0));
    }
    assert_eq!(object.signal.count(), 0);
}

#[test]
fn mutants_and_semaphores_between_processes() {
    let [(a, ka), (b, kb)] = Fake::sandbox();
    let tb = b.attach(kb);
    let cb = Cx { k: kb, t: &tb };
    let owner = a.thread(ka, move |cx| {
        let handle = a.alloc(Handle(0));
        nt_create_mutant(cx, handle, ALL, a.attributes(NAME, 0), true).unwrap();
        let mutant = handle.read(cx.k).unwrap();
        assert_eq!(wait(cx, mutant, 0, a), Ok(STATUS_WAIT_0));
        let state = a.alloc(0u64);
        nt_query_mutant(cx, mutant, 0, state.address(), 8, null()).unwrap();
        assert_eq!(state.read(cx.k), Ok(0x1_ffff_ffff), "count -1, owned by the caller");
        let handle = a.alloc(Handle(0));
        nt_create_semaphore(cx, handle, ALL, a.attributes("\\BaseNamedObjects\\S", 0), 1, 2).unwrap();
        // Ends without releasing the mutant.
        crate::ke::mutant::abandon_all(cx.k, cx.t);
    });
    owner.join().unwrap();
    let handle = b.alloc(Handle(0));
    nt_open_mutant(&cb, handle, ALL, b.attributes(NAME, 0)).unwrap();
    let mutant = handle.read(kb).unwrap();
    assert_eq!(wait(&cb, mutant, 0, b), Ok(STATUS_ABANDONED_WAIT_0));
    assert_eq!(wait(&cb, mutant, 0, b), Ok(STATUS_WAIT_0));
    let before = b.alloc(7);
    assert_eq!(nt_release_mutant(&cb, mutant, before), Ok(STATUS_SUCCESS));
    assert_eq!(before.read(kb), Ok(-1));
    assert_eq!(nt_release_mutant(&cb, mutant, before), Ok(STATUS_SUCCESS));
    assert_eq!(nt_release_mutant(&cb, mutant, before), Err(STATUS_MUTANT_NOT_OWNED));
    nt_open_semaphore(&cb, handle, ALL, b.attributes("\\BaseNamedObjects\\S", 0)).unwrap();
    let semaphore = handle.read(kb).unwrap();
    assert_eq!(nt_release_semaphore(&cb, semaphore, 2, null()), Err(STATUS_SEMAPHORE_LIMIT_EXCEEDED));
    assert_eq!(nt_release_semaphore(&cb, semaphore, 1, null()), Ok(STATUS_SUCCESS));
    let waits = [(); 3].map(|()| wait(&cb, semaphore, 0, b));
    assert_eq!(waits, [Ok(STATUS_WAIT_0), Ok(STATUS_WAIT_0), Ok(STATUS_TIMEOUT)]);
}
