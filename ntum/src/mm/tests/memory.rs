//! Allocation, protection, guard pages, stacks, write watch, placeholders.

use super::*;
use crate::mm::extended::MemExtendedParameter;
use crate::mm::region::Limits;
use crate::um::UserPtr;

#[test]
fn reserve_commit_decommit_release() {
    let m = Machine::new();
    let (p, size) = m.allocate(0, 0x2_8001, RESERVE, READWRITE).unwrap();
    assert_eq!((p % 0x1_0000, size), (0, 0x2_9000));
    let q = m.query(p + 0x5123);
    assert_eq!((q.base, q.size, q.state, q.protection), (p + 0x5000, 0x2_4000, RESERVE, 0));
    assert_eq!((q.allocation_base, q.allocation_protection, q.kind), (p, READWRITE, 0x2_0000));
    assert_eq!(m.load(p), Err(STATUS_ACCESS_VIOLATION));
    assert_eq!(m.allocate(p + 0x1_0000, 0x2001, COMMIT, READWRITE), Ok((p + 0x1_0000, 0x3000)));
    assert_eq!(m.store(p + 0x1_2fff, 7), Ok(()));
    assert_eq!(m.store(p + 0x1_3000, 7), Err(STATUS_ACCESS_VIOLATION));
    assert_eq!(m.k.mm.committed(), 0x3000);
    // Committing again keeps contents; decommitting loses them.
    m.allocate(p + 0x1_0000, 0x4000, COMMIT, READWRITE).unwrap();
    assert_eq!((m.load(p + 0x1_2fff), m.load(p + 0x1_3000)), (Ok(7), Ok(0)));
    assert_eq!(m.free(p + 0x1_1fff, 2, DECOMMIT), Ok((p + 0x1_1000, 0x2000)));
    assert_eq!(m.load(p + 0x1_2fff), Err(STATUS_ACCESS_VIOLATION));
    assert_eq!(m.k.mm.committed(), 0x2000);
    m.allocate(p + 0x1_2000, 1, COMMIT, READWRITE).unwrap();
    assert_eq!(m.load(p + 0x1_2fff), Ok(0));
    assert_eq!(m.free(p + 0x1000, 0, RELEASE), Err(STATUS_FREE_VM_NOT_AT_BASE));
    assert_eq!(m.free(p, 0x3_0000, RELEASE), Err(STATUS_UNABLE_TO_FREE_VM));
    assert_eq!(m.free(p, 0, 0), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(m.free(p + 0xfff, 0, RELEASE), Ok((p, 0x2_9000)));
    assert_eq!(m.k.mm.committed(), 0);
    assert_eq!((m.query(p).state, m.query(p).protection), (FREE, 1));
    assert_eq!(m.free(p, 0, RELEASE), Err(STATUS_MEMORY_NOT_ALLOCATED));
    assert_eq!(m.allocate(p, 0x1000, RESERVE | COMMIT, READWRITE), Ok((p, 0x1000)));
    assert_eq!(m.allocate(p + 0x1000, 0x1000, RESERVE, READWRITE), Err(STATUS_CONFLICTING_ADDRESSES));
}

#[test]
fn what_allocation_refuses() {
    let m = Machine::new();
    assert_eq!(m.allocate(0, 0, COMMIT, READWRITE), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(m.allocate(0, 0x1000, 0, READWRITE), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(m.allocate(0, 0x1000, COMMIT, 3), Err(STATUS_INVALID_PAGE_PROTECTION));
    assert_eq!(m.allocate(0, 0x1000, COMMIT, WRITECOPY), Err(STATUS_INVALID_PAGE_PROTECTION));
    assert_eq!(m.allocate(0x1000, 0x1000, RESERVE, READWRITE), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(m.allocate(0x30_0000, 0x1000, COMMIT, READWRITE), Err(STATUS_CONFLICTING_ADDRESSES));
    assert_eq!(m.allocate(u64::MAX, 0x1000, RESERVE, READWRITE), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(m.allocate(0, u64::MAX, RESERVE, READWRITE), Err(STATUS_WORKING_SET_LIMIT_RANGE));
    assert_eq!(m.allocate(0, 0x1000, RESERVE | COMMIT | 0x2000_0000, READWRITE), Err(STATUS_PRIVILEGE_NOT_HELD));
    assert_eq!(m.allocate(0, 0x1000, RESERVE | 0x4_0000, 1), Err(STATUS_INVALID_PARAMETER));
    // A place that the runtime took without telling.
    assert_eq!(m.allocate(0x7000_0000, 0x1000, RESERVE, READWRITE), Err(STATUS_CONFLICTING_ADDRESSES));
    m.k.mm.note_host_region(0x7ffe_0000..0x7ffe_2000, READONLY);
    assert_eq!(m.free(0x7ffe_0000, 0, RELEASE), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(m.protect(0x7ffe_0000, 1, READWRITE), Err(STATUS_CONFLICTING_ADDRESSES));
    assert_eq!(m.query(0x7ffe_0000).protection, READONLY);
}

#[test]
fn placement() {
    let m = Machine::new();
    let zero_bits = |bits: u64, kind: u32| {
        let (at, size) = (m.fake.alloc(0u64), m.fake.alloc(0x1000u64));
        let cx = m.cx();
        crate::mm::allocate::nt_allocate_virtual_memory(&cx, SELF, at, bits, size, kind, READWRITE)?;
        at.read(m.k)
    };
    assert!(zero_bits(1, RESERVE).unwrap() < 0x8000_0000);
    assert!(zero_bits(10, RESERVE | 0x10_0000).unwrap() < 0x40_0000);
    assert_eq!(zero_bits(20, RESERVE), Err(STATUS_NO_MEMORY));
    assert_eq!(zero_bits(22, RESERVE), Err(STATUS_INVALID_PARAMETER_3));
    let high = zero_bits(0, RESERVE | 0x10_0000).unwrap();
    let (low, _) = m.allocate(0, 64 << 30, RESERVE, 1).unwrap();
    assert!(high > low && low >= 0x10_0000_0000, "{low:x} {high:x}");
    // MEM_ADDRESS_REQUIREMENTS.
    let needs = m.fake.alloc([0x1_0000_0000u64, 0x1_ffff_ffff, 0x100_0000]);
    let parameter = |kind: u64, value: u64| m.fake.alloc(MemExtendedParameter { kind, value });
    let ex = |base: u64, parameters: UserPtr<MemExtendedParameter>| {
        let (at, size) = (m.fake.alloc(base), m.fake.alloc(0x1000u64));
        let cx = m.cx();
        crate::mm::allocate::nt_allocate_virtual_memory_ex(&cx, SELF, at, size, RESERVE, READWRITE, parameters, 1)?;
        at.read(m.k)
    };
    let at = ex(0, parameter(1, needs.address())).unwrap();
    assert!((0x1_0000_0000..0x2_0000_0000).contains(&at) && at.is_multiple_of(0x100_0000));
    assert_eq!(ex(0x30_0000, parameter(1, needs.address())), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(ex(0, parameter(7, 0)), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(ex(0, UserPtr::new(0)), Err(STATUS_INVALID_PARAMETER));
    m.k.mm.stay_below_2_gb();
    assert!(m.allocate(0, 0x1000, COMMIT, READWRITE).unwrap().0 < 0x8000_0000);
}

#[test]
fn protections() {
    let m = Machine::new();
    let (p, _) = m.allocate(0, 0x4000, COMMIT, READWRITE).unwrap();
    m.store(p, 1).unwrap();
    assert_eq!(m.protect(p, 1, READONLY), Ok(READWRITE));
    assert_eq!((m.load(p), m.store(p, 2), m.store(p + 0x1000, 2)), (Ok(1), Err(STATUS_ACCESS_VIOLATION), Ok(())));
    assert_eq!(m.protect(p, 0x2000, READWRITE), Ok(READONLY));
    assert_eq!(m.query(p).size, 0x4000);
    assert_eq!(m.protect(p, 1, WRITECOPY), Err(STATUS_INVALID_PAGE_PROTECTION));
    assert_eq!(m.protect(p, 1, 0x333), Err(STATUS_INVALID_PAGE_PROTECTION));
    assert_eq!(m.protect(p, 0x5000, READONLY), Err(STATUS_CONFLICTING_ADDRESSES));
    let (r, _) = m.allocate(0, 0x4000, RESERVE, READWRITE).unwrap();
    assert_eq!(m.protect(r, 1, READONLY), Err(STATUS_NOT_COMMITTED));
    assert_eq!(m.k.mm.fault(m.k, &m.t, p, FETCH, false), Err(STATUS_ACCESS_VIOLATION));
    assert_eq!(m.k.mm.fault(m.k, &m.t, u64::MAX, LOAD, false), Err(STATUS_ACCESS_VIOLATION));
}

#[test]
fn guard_pages_raise_once() {
    let m = Machine::new();
    let (p, _) = m.allocate(0, 0x3000, COMMIT, READWRITE).unwrap();
    m.protect(p + 0x1000, 0x1000, READWRITE | GUARD).unwrap();
    assert_eq!(m.query(p + 0x1000).protection, READWRITE | GUARD);
    assert_eq!(m.store(p + 0x1000, 1), Err(STATUS_GUARD_PAGE_VIOLATION));
    assert_eq!(m.query(p).size, 0x3000);
    assert_eq!(m.store(p + 0x1000, 1), Ok(()));
    m.protect(p + 0x1000, 0x1000, READWRITE | GUARD).unwrap();
    let (source, done) = (m.fake.alloc_bytes(&[5; 32]), m.fake.alloc(9u64));
    let status = crate::mm::process::nt_write_virtual_memory(&m.cx(), SELF, p + 0xff0, source, 32, done);
    assert_eq!((status, done.read(m.k)), (Err(STATUS_PARTIAL_COPY), Ok(0)));
    m.protect(p + 0x2000, 0x1000, READWRITE | GUARD).unwrap();
    let read = crate::mm::process::nt_read_virtual_memory(&m.cx(), SELF, p + 0x1ff0, source, 32, done);
    assert_eq!((read, done.read(m.k)), (Err(STATUS_PARTIAL_COPY), Ok(0)));
    let again = crate::mm::process::nt_read_virtual_memory(&m.cx(), SELF, p + 0x1ff0, source, 32, done);
    assert_eq!((again, done.read(m.k)), (Ok(STATUS_SUCCESS), Ok(32)));
}

/// A TEB with a stack of its own.
fn with_stack(m: &Machine, size: u64, commit: u64) -> crate::mm::fault::NewStack {
    let stack = m.k.mm.new_stack(m.k, size, commit, Limits::default()).unwrap();
    let (teb, _) = m.allocate(0, 0x2000, COMMIT, READWRITE).unwrap();
    let set = |at: u64, value: u64| UserPtr::new(teb + at).write(m.k, value).unwrap();
    set(0x8, stack.base);
    set(0x10, stack.limit);
    set(0x1478, stack.bottom);
    m.t.teb.store(teb, std::sync::atomic::Ordering::Release);
    stack
}

fn limit(m: &Machine) -> u64 {
    UserPtr::<u64>::new(m.t.teb.load(std::sync::atomic::Ordering::Acquire) + 0x10).read(m.k).unwrap()
}

#[test]
fn stacks_grow_and_overflow() {
    let m = Machine::new();
    let stack = with_stack(&m, 0x10_0000, 0x1_0000);
    assert_eq!((stack.base - stack.bottom, stack.base - stack.limit), (0x10_0000, 0x1_0000));
    let before = m.k.mm.committed();
    // Downwards page by page, as a stack probe does.
    let mut at = stack.base - 8;
    let overflow = loop {
        match m.store(at, 1) {
            Ok(()) => assert!(limit(&m) <= at),
            Err(code) => break code,
        }
        at -= 0x1000;
    };
    assert_eq!(overflow, STATUS_STACK_OVERFLOW);
    assert!(m.k.mm.committed() > before);
    // What is kept for the handler is open now, and the lowest page never is.
    assert_eq!(limit(&m), stack.bottom + 0x1000);
    assert!(at - limit(&m) >= 0x2000, "{at:x} {:x}", limit(&m));
    assert_eq!(m.store(stack.bottom + 0x1000, 1), Ok(()));
    assert_eq!(m.store(stack.bottom, 1), Err(STATUS_ACCESS_VIOLATION));
    // _resetstkoflw makes a guard of the page it runs on; the next touch of it sets the stack up again.
    let here = stack.bottom + 0x6_0000;
    m.protect(here, 1, READWRITE | GUARD).unwrap();
    assert_eq!(m.store(here, 1), Ok(()));
    assert!(limit(&m) > stack.bottom + 0x1000);
    let mut at = here;
    let again = loop {
        match m.store(at, 1) {
            Ok(()) => at -= 0x1000,
            Err(code) => break code,
        }
    };
    assert_eq!(again, STATUS_STACK_OVERFLOW);
}

#[test]
fn a_guest_may_write_anything_into_its_teb() {
    let m = Machine::new();
    let stack = with_stack(&m, 0x10_0000, 0x1_0000);
    let teb = m.t.teb.load(std::sync::atomic::Ordering::Acquire);
    let guard = stack.limit - 0x1000;
    let set = |at: u64, value: u64| UserPtr::new(teb + at).write(m.k, value).unwrap();
    for (bottom, kept) in [
        (stack.base - 1, 0u64),
        (guard - 1, 0),
        (guard + 8, 0),
        (stack.bottom, 0xffff_ffff),
        (stack.bottom + 5, 0x1234),
        (u64::MAX, u64::MAX),
        (0, 0),
    ] {
        set(0x1478, bottom);
        set(0x1748, kept);
        m.protect(guard, 0x1000, READWRITE | GUARD).unwrap();
        let _ = m.store(guard + 0x10, 1);
        assert_eq!(m.store(guard + 0x10, 1), Ok(()), "bottom {bottom:x}, kept {kept:x}");
    }
}

#[test]
fn the_kernel_grows_stacks_too() {
    let m = Machine::new();
    let stack = with_stack(&m, 0x10_0000, 0x1_0000);
    assert_eq!(m.k.write_user(stack.limit - 8, &[1; 16]), Ok(()));
    assert!(limit(&m) < stack.limit);
    let sp = limit(&m);
    assert_eq!(m.k.mm.make_room(m.k, &m.t, sp + 0x100, 0x3000), Ok(()));
    assert!(limit(&m) < sp - 0x2000);
    let small = with_stack(&m, 0x1_0000, 0);
    assert_eq!(m.k.mm.make_room(m.k, &m.t, small.limit + 8, 0x590), Ok(()));
    let last = limit(&m);
    assert_eq!(m.k.mm.make_room(m.k, &m.t, last + 8, 0x590), Err(STATUS_STACK_OVERFLOW));
    assert_eq!(m.k.mm.make_room(m.k, &m.t, last + 8, 0x590), Ok(()));
}

#[test]
fn write_watch() {
    let m = Machine::new();
    let (p, _) = m.allocate(0, 0x1_0000, RESERVE | COMMIT | 0x20_0000, READWRITE).unwrap();
    let range = p..p + 0x1_0000;
    let written = |count, reset| m.k.mm.written(m.k, &range, count, reset).unwrap();
    assert_eq!(written(16, false), []);
    for at in [0x3000, 0x3100, 0xf000] {
        m.store(p + at, 1).unwrap();
    }
    assert_eq!(written(16, false), [p + 0x3000, p + 0xf000]);
    assert_eq!(written(1, true), [p + 0x3000]);
    assert_eq!(written(16, true), [p + 0xf000]);
    assert_eq!(written(16, false), []);
    // The kernel's stores count, its loads do not.
    m.k.read_user(p, &mut [0; 0x3000]).unwrap();
    m.k.write_user(p + 0x5fff, &[1, 2]).unwrap();
    assert_eq!(written(16, false), [p + 0x5000, p + 0x6000]);
    m.k.mm.reset_watch(m.k, &range).unwrap();
    assert_eq!(written(16, false), []);
    let (list, count) = (m.fake.alloc([0u64; 4]), m.fake.alloc(4u64));
    let grain = m.fake.alloc(0u32);
    let cx = m.cx();
    (0..16).for_each(|page| m.store(p + page * 0x1000, 1).unwrap());
    let first = UserPtr::new(list.address());
    assert!(crate::mm::watch::nt_get_write_watch(&cx, SELF, 0, p, 0x1_0000, first, count, grain).is_ok());
    assert_eq!((count.read(m.k), grain.read(m.k)), (Ok(4), Ok(0x1000)));
    assert_eq!(list.read(m.k), Ok([p, p + 0x1000, p + 0x2000, p + 0x3000]));
    let (plain, _) = m.allocate(0, 0x1000, COMMIT, READWRITE).unwrap();
    let on_plain = crate::mm::watch::nt_get_write_watch(&cx, SELF, 0, plain, 0x1000, first, count, grain);
    assert_eq!(on_plain, Err(STATUS_INVALID_PARAMETER));
}

#[test]
fn placeholders() {
    const PLACEHOLDER: u32 = 0x4_0000;
    const REPLACE: u32 = 0x4000;
    const PRESERVE: u32 = 2;
    const COALESCE: u32 = 1;
    let m = Machine::new();
    assert_eq!(m.allocate_ex(0, 0x4_0000, RESERVE | PLACEHOLDER, READWRITE), Err(STATUS_INVALID_PARAMETER));
    let p = m.allocate_ex(0, 0x4_0000, RESERVE | PLACEHOLDER, 1).unwrap();
    assert_eq!(m.allocate(p, 0x1000, COMMIT, READWRITE), Err(STATUS_CONFLICTING_ADDRESSES));
    assert_eq!(m.free(p, 0x4_0000, RELEASE | PRESERVE), Err(STATUS_CONFLICTING_ADDRESSES));
    assert_eq!(m.free(p, 0, RELEASE | PRESERVE), Err(STATUS_INVALID_PARAMETER_3));
    assert_eq!(m.free(p + 0x1_0000, 0x1000, RELEASE | PRESERVE), Ok((p + 0x1_0000, 0x1000)));
    assert_eq!((m.query(p).size, m.query(p + 0x1_0000).size), (0x1_0000, 0x1000));
    assert_eq!(m.query(p + 0x1_1000).allocation_base, p + 0x1_1000);
    let replace = RESERVE | COMMIT | REPLACE;
    assert_eq!(m.allocate_ex(p, 0x8000, replace, READWRITE), Err(STATUS_CONFLICTING_ADDRESSES));
    assert_eq!(m.allocate_ex(p, 0x1_0000, COMMIT | REPLACE, READWRITE), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(m.allocate_ex(p, 0x1_0000, replace, READWRITE), Ok(p));
    m.store(p, 9).unwrap();
    assert_eq!(m.free(p, 0x4_0000, RELEASE | COALESCE), Err(STATUS_CONFLICTING_ADDRESSES));
    assert_eq!(m.free(p, 0x1_0000, RELEASE | PRESERVE), Ok((p, 0x1_0000)));
    assert_eq!((m.load(p), m.k.mm.committed()), (Err(STATUS_ACCESS_VIOLATION), 0));
    assert_eq!(m.free(p, 0x4_0000, COALESCE), Err(STATUS_INVALID_PARAMETER_4));
    assert_eq!(m.free(p, 0x3_0000, RELEASE | COALESCE), Err(STATUS_CONFLICTING_ADDRESSES));
    assert_eq!(m.free(p, 0x4_0000, RELEASE | COALESCE), Ok((p, 0x4_0000)));
    assert_eq!(m.query(p).size, 0x4_0000);
    assert_eq!(m.free(p, 0, RELEASE), Ok((p, 0x4_0000)));
    assert_eq!(m.query(p).state, FREE);
}

#[test]
fn partial_release_leaves_two_regions() {
    let m = Machine::new();
    let (p, _) = m.allocate(0, 0x4_0000, RESERVE | COMMIT, READWRITE).unwrap();
    assert_eq!(m.free(p + 0x1_0000, 0x1_0000, RELEASE), Ok((p + 0x1_0000, 0x1_0000)));
    assert_eq!((m.query(p).size, m.query(p + 0x1_0000).state), (0x1_0000, FREE));
    assert_eq!(m.query(p + 0x2_0000).allocation_base, p + 0x2_0000);
    assert_eq!(m.k.mm.committed(), 0x3_0000);
    assert_eq!(m.allocate(p + 0x1_0000, 0x1_0000, RESERVE, READWRITE), Ok((p + 0x1_0000, 0x1_0000)));
}

#[test]
fn the_commit_limit_holds() {
    let m = Machine::with_memory(0x10_0000);
    let (p, _) = m.allocate(0, 1 << 40, RESERVE, READWRITE).unwrap();
    assert_eq!(m.allocate(p, 0x10_1000, COMMIT, READWRITE), Err(STATUS_COMMITMENT_LIMIT));
    m.allocate(p, 0x10_0000, COMMIT, READWRITE).unwrap();
    assert_eq!(m.allocate(0, 0x1000, COMMIT, READWRITE), Err(STATUS_COMMITMENT_LIMIT));
    m.free(p, 0x1000, DECOMMIT).unwrap();
    m.allocate(0, 0x1000, COMMIT, READWRITE).unwrap();
    assert_eq!(m.k.mm.peak(), 0x10_0000);
}

#[test]
fn locks_are_kept_in_the_books() {
    let m = Machine::new();
    let (p, _) = m.allocate(0, 0x3000, COMMIT, READWRITE).unwrap();
    let call = |lock: bool| {
        let (at, size) = (m.fake.alloc(p + 5), m.fake.alloc(0x1000u64));
        let run = if lock {
            crate::mm::process::nt_lock_virtual_memory
        } else {
            crate::mm::process::nt_unlock_virtual_memory
        };
        run(&m.cx(), SELF, at, size, 1).inspect(|_| assert_eq!((at.read(m.k), size.read(m.k)), (Ok(p), Ok(0x2000))))
    };
    assert_eq!(call(false), Err(STATUS_NOT_LOCKED));
    assert_eq!((call(true), call(true)), (Ok(STATUS_SUCCESS), Ok(STATUS_WAS_LOCKED)));
    assert_eq!(m.query(p).size, 0x3000);
    assert_eq!((call(false), call(false)), (Ok(STATUS_SUCCESS), Err(STATUS_NOT_LOCKED)));
}

#[test]
fn the_host_is_told_what_the_books_say() {
    let m = Machine::new();
    let mut seed = 0x2545_f491_4f6c_dd1du64;
    let mut random = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let start = 0x2_0000_0000;
    for _ in 0..4000 {
        let (base, size) = (start + random(0x80) * 0x1000, random(0x20) * 0x1000);
        let protection = [1, 2, 4, 0x10, 0x20, 0x40, 0x104][random(7) as usize];
        let kind = [RESERVE, COMMIT, RESERVE | COMMIT, RESERVE | COMMIT | 0x20_0000][random(4) as usize];
        // Most of these are refused for one reason or another: whatever happens, the books must stay true.
        let _ = match random(8) {
            0 | 1 => m.k.mm.allocate(m.k, &request(base, size, kind, protection)).map(drop),
            2 => m.k.mm.allocate(m.k, &request(base, size, RESERVE | 0x4_0000, 1)).map(drop),
            3 => m.k.mm.allocate(m.k, &request(base, size, kind | RESERVE | 0x4000, protection)).map(drop),
            4 => {
                m.k.mm
                    .free(m.k, base, size, [DECOMMIT, RELEASE, RELEASE | 2, RELEASE | 1][random(4) as usize])
                    .map(drop)
            }
            5 | 6 => m.k.mm.protect(m.k, base, size, protection).map(drop),
            _ => m.store(base, 1),
        };
    }
    let space = m.k.mm.space.lock();
    let told = m.fake.memory.regions();
    let mut committed = 0;
    for page in (start..start + 0xa0_000).step_by(0x1000) {
        let host = told.iter().find(|(from, to, _)| (*from..*to).contains(&page)).map(|(_, _, prot)| *prot);
        let region = space.find(page);
        assert_eq!(host, region.map(|region| region.pages.at(page).host(false)), "page {page:x}");
        committed += region.map_or(0, |region| u64::from(region.pages.at(page).is_committed()) * 0x1000);
    }
    assert!(committed > 0 && space.iter().count() > 3);
    assert_eq!(m.k.mm.committed(), committed);
    let ends: Vec<_> = space.iter().map(|region| region.range()).collect();
    assert!(ends.windows(2).all(|pair| pair[0].end <= pair[1].start));
    drop(space);
    for region in ends {
        m.free(region.start, 0, RELEASE).unwrap();
    }
    assert_eq!(m.k.mm.space.lock().gap(0x100_0000, Limits::within(start..start + 0x100_0000), false), Some(start));
}

fn request(base: u64, size: u64, kind: u32, protection: u32) -> crate::mm::allocate::Request {
    crate::mm::allocate::Request { base: Some(base), size, kind, protection, limits: Limits::default() }
}

#[test]
fn memory_of_ended_threads_is_free_and_used_again() {
    let m = Machine::new();
    let (k, mm) = (m.k, &m.k.mm);
    let charged = mm.committed();
    let make = || mm.new_thread_memory(k, 0x10_0000, 0x1000, Limits::default()).unwrap();
    let (stack, teb) = make();
    k.write_user(teb + 0x100, b"dirt").unwrap();
    k.write_user(stack.base - 8, b"dirt").unwrap();
    let state = |at: u64| m.query(at).state;
    mm.retire(k, stack.bottom, teb);
    assert_eq!(mm.committed(), charged);
    assert_eq!((state(stack.base - 8), state(teb)), (FREE, FREE));
    // The next thread of the same shape gets it, with a clean TEB; another shape does not.
    let (other, other_teb) = mm.new_thread_memory(k, 0x20_0000, 0x1000, Limits::default()).unwrap();
    mm.retire(k, other.bottom, other_teb);
    let (stack, teb) = make();
    let mut bytes = [1; 4];
    k.read_user(teb + 0x100, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 4]);
    assert_eq!(state(stack.base - 8), COMMIT);
    assert_ne!(m.query(stack.limit - 1).protection & GUARD, 0);
    // A stack that was changed is not as new.
    assert!(m.protect(stack.limit, 0x1000, READONLY).is_ok());
    mm.retire(k, stack.bottom, teb);
    let (again, teb) = make();
    assert!(m.protect(again.limit, 0x1000, READWRITE).is_ok());
    // Whoever wants the addresses gets them, and new memory there.
    k.write_user(again.base - 8, b"dirt").unwrap();
    mm.retire(k, again.bottom, teb);
    let (at, size) = m.allocate(again.bottom, 0x10_0000, RESERVE | COMMIT, READWRITE).unwrap();
    assert_eq!((at, size), (again.bottom, 0x10_0000));
    k.read_user(again.base - 8, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 4]);
    assert_ne!(make().0.bottom, again.bottom);
}
