//! Calls on another process: two kernels on one sandbox's memory.

use crate::call::{Args, Cx};
use crate::host::fake::Fake;
use crate::ke::event::*;
use crate::kernel::Kernel;
use crate::ob::duplicate::nt_duplicate_object;
use crate::ob::handle::Handle;
use crate::ps::control::nt_open_process;
use crate::status::*;
use crate::types::ClientId;
use crate::um::UserPtr;

const PROCESS_ALL_ACCESS: u32 = 0x1f_ffff;

fn null<T>() -> UserPtr<T> {
    UserPtr::new(0)
}

fn open(fake: &Fake, cx: &Cx<'_>, other: &'static Kernel, access: u32) -> Handle {
    other.serve_inbox();
    let handle = fake.alloc(Handle(0));
    let id = fake.alloc(ClientId { process: other.ps.id(), thread: 0 });
    nt_open_process(cx, handle, access, null(), id).unwrap();
    handle.read(cx.k).unwrap()
}

fn call(cx: &Cx<'_>, name: &str, arguments: &[u64]) -> Nt {
    let remote = super::remote::find(name).unwrap();
    cx.remote(remote, &Args(arguments)).expect("the handle is to another process")
}

#[test]
fn memory_of_another_process() {
    let [(a, ka), (_, kb)] = Fake::sandbox();
    let ta = a.attach(ka);
    let ca = Cx { k: ka, t: &ta };
    let process = open(a, &ca, kb, PROCESS_ALL_ACCESS);
    let (base, size) = (a.alloc(0u64), a.alloc(0x3000u64));
    let allocate = [process.0, base.address(), 0, size.address(), 0x3000, 4];
    assert_eq!(call(&ca, "NtAllocateVirtualMemory", &allocate), Ok(STATUS_SUCCESS));
    let at = base.read(ka).unwrap();
    assert!(at != 0 && size.read(ka) == Ok(0x3000));
    let text = a.alloc_bytes(b"over there");
    let count = a.alloc(0u64);
    assert_eq!(
        call(&ca, "NtWriteVirtualMemory", &[process.0, at + 0xffa, text, 10, count.address()]),
        Ok(STATUS_SUCCESS)
    );
    assert_eq!(count.read(ka), Ok(10));
    let mut there = [0; 10];
    kb.read_user(at + 0xffa, &mut there).unwrap();
    assert_eq!(&there, b"over there");
    let back = a.alloc_bytes(&[0; 10]);
    assert_eq!(call(&ca, "NtReadVirtualMemory", &[process.0, at + 0xffa, back, 10, 0]), Ok(STATUS_SUCCESS));
    let mut here = [0; 10];
    ka.read_user(back, &mut here).unwrap();
    assert_eq!(here, there);
    assert_eq!(call(&ca, "NtReadVirtualMemory", &[process.0, at + 0x2ffa, back, 10, 0]), Ok(STATUS_PARTIAL_COPY));
    let little = open(a, &ca, kb, 0x1000);
    assert_eq!(call(&ca, "NtReadVirtualMemory", &[little.0, at, back, 10, 0]), Err(STATUS_ACCESS_DENIED));
    assert!(ca.remote(super::remote::find("NtReadVirtualMemory").unwrap(), &Args(&[u64::MAX, 0, 0, 0, 0])).is_none());
}

#[test]
fn handles_go_to_another_process_and_back() {
    let [(a, ka), (b, kb)] = Fake::sandbox();
    let (ta, tb) = (a.attach(ka), b.attach(kb));
    let (ca, cb) = (Cx { k: ka, t: &ta }, Cx { k: kb, t: &tb });
    let process = open(a, &ca, kb, PROCESS_ALL_ACCESS);
    let own = a.alloc(Handle(0));
    nt_create_event(&ca, own, 0x1f_0003, null(), 1, false).unwrap();
    let own = own.read(ka).unwrap();
    let theirs = a.alloc(Handle(0));
    let me = Handle::CURRENT_PROCESS;
    assert_eq!(nt_duplicate_object(&ca, me, own, process, theirs, 0, 0, 2), Ok(STATUS_SUCCESS));
    let theirs = theirs.read(ka).unwrap();
    assert_eq!(nt_set_event(&cb, theirs, null()), Ok(STATUS_SUCCESS));
    let state = |handle| {
        let object = ca.object(handle, 0).unwrap();
        object.signal.count()
    };
    assert_eq!(state(own), 1);
    let back = a.alloc(Handle(0));
    assert_eq!(nt_duplicate_object(&ca, process, theirs, me, back, 0, 0, 3), Ok(STATUS_SUCCESS));
    let back = back.read(ka).unwrap();
    assert!(std::sync::Arc::ptr_eq(&ca.object(back, 0).unwrap(), &ca.object(own, 0).unwrap()));
    assert_eq!(nt_set_event(&cb, theirs, null()), Err(STATUS_INVALID_HANDLE), "it was closed there");
    assert_eq!(nt_duplicate_object(&ca, process, theirs, me, null(), 0, 0, 2), Err(STATUS_INVALID_HANDLE));
}

#[test]
fn who_asks_the_dead_is_told() {
    let [(a, ka), (b, kb)] = Fake::sandbox();
    let ta = a.attach(ka);
    let ca = Cx { k: ka, t: &ta };
    let handle = a.alloc(Handle(0));
    let id = a.alloc(ClientId { process: kb.ps.id(), thread: 0 });
    nt_open_process(&ca, handle, PROCESS_ALL_ACCESS, null(), id).unwrap();
    let process = handle.read(ka).unwrap();
    // Nobody serves there, and after a while nobody lives.
    b.bury();
    let at = a.alloc_bytes(&[0; 8]);
    assert_eq!(call(&ca, "NtReadVirtualMemory", &[process.0, at, at, 8, 0]), Err(STATUS_PROCESS_IS_TERMINATING));
    assert_eq!(ca.object(process, 0).unwrap().signal.count(), 1, "its end is told");
}
