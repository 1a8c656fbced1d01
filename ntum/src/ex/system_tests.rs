//! Classes of NtQuerySystemInformation as Wine's `dlls/ntdll/tests/info.c` shows them on Windows.

use super::system::{nt_query_system_information as query, nt_query_system_information_ex as query_ex};
use crate::call::Cx;
use crate::host::fake::Fake;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::um::UserPtr;

/// Runs as a guest thread with a buffer, and where lengths are returned.
fn run(test: fn(&'static Fake, &Cx<'_>, u64, UserPtr<u32>)) {
    let (fake, k) = Fake::kernel();
    super::shared_data::boot(k);
    fake.thread(k, move |cx| {
        let buffer = fake.alloc_bytes(&[0xcc; 0x4000]);
        let returned = fake.alloc(0u32);
        test(fake, cx, buffer, returned);
    })
    .join()
    .unwrap();
}

#[test]
fn classes_of_exact_length() {
    run(|_, cx, buffer, returned| {
        for (class, size) in [(0, 64u32), (62, 64), (114, 64), (28, 12), (50, 8), (9, 4), (123, 32), (145, 2)] {
            assert_eq!(query(cx, class, 0, 0, returned), Err(STATUS_INFO_LENGTH_MISMATCH), "class {class}");
            assert_eq!(returned.read(cx.k), Ok(size), "class {class}");
            assert_eq!(query(cx, class, 0, size, returned), Err(STATUS_ACCESS_VIOLATION), "class {class}");
            assert_eq!(query(cx, class, buffer, size + 1, returned), Err(STATUS_INFO_LENGTH_MISMATCH));
            assert_eq!(query(cx, class, buffer, size, UserPtr::new(0)), Ok(STATUS_SUCCESS), "class {class}");
        }
    });
}

#[test]
fn classes_of_least_length() {
    run(|_, cx, buffer, returned| {
        let sizes =
            [(1, 12u32), (2, 312), (21, 64), (23, 48), (35, 2), (37, 16), (58, 4), (63, 12), (103, 8), (149, 3)];
        for (class, size) in sizes.into_iter().chain([(154, 32), (44, 172), (102, 432), (105, 49)]) {
            assert_eq!(query(cx, class, buffer, size - 1, returned), Err(STATUS_INFO_LENGTH_MISMATCH), "class {class}");
            assert_eq!(returned.read(cx.k), Ok(size), "class {class}");
            assert_eq!(query(cx, class, buffer, size + 5, returned), Ok(STATUS_SUCCESS), "class {class}");
            assert_eq!(returned.read(cx.k), Ok(size), "class {class}");
            assert_eq!(query(cx, class, 0x10, size, returned), Err(STATUS_ACCESS_VIOLATION), "class {class}");
        }
    });
}

#[test]
fn unknown_classes() {
    run(|_, cx, buffer, returned| {
        assert_eq!(query(cx, u32::MAX, 0, 0, UserPtr::new(0)), Err(STATUS_INVALID_INFO_CLASS));
        assert_eq!(query(cx, 999, buffer, 64, returned), Err(STATUS_INVALID_INFO_CLASS));
        assert_eq!(query_ex(cx, 999, 0, 0, buffer, 64, returned), Err(STATUS_INVALID_INFO_CLASS));
    });
}

#[test]
fn the_machine_is_what_the_boot_block_says() {
    run(|_, cx, buffer, returned| {
        query(cx, 0, buffer, 64, returned).unwrap();
        let words: [u32; 6] = UserPtr::new(buffer).read(cx.k).unwrap();
        assert_eq!((words[2], words[5]), (0x1000, (1u32 << 20)));
        let longs: [u64; 5] = UserPtr::new(buffer + 24).read(cx.k).unwrap();
        assert_eq!(longs, [0x1_0000, 0x1_0000, 0x7fff_fffe_ffff, 3, 2]);
        query(cx, 1, buffer, 12, returned).unwrap();
        let cpu: [u16; 4] = UserPtr::new(buffer).read(cx.k).unwrap();
        assert_eq!((cpu[0], cpu[3]), (9, 2));
        query(cx, 63, buffer, 12, returned).unwrap();
        assert_eq!(UserPtr::<u16>::new(buffer).read(cx.k), Ok(0));
    });
}

#[test]
fn time_of_day_fills_what_there_is_room_for() {
    run(|_, cx, buffer, returned| {
        assert_eq!(query(cx, 3, buffer, 49, returned), Err(STATUS_INFO_LENGTH_MISMATCH));
        assert_eq!(returned.read(cx.k), Ok(0));
        for length in [0, 4, 32, 48] {
            assert_eq!(query(cx, 3, buffer, length, returned), Ok(STATUS_SUCCESS), "{length}");
            assert_eq!(returned.read(cx.k), Ok(length));
        }
        let [boot, now, bias]: [i64; 3] = UserPtr::new(buffer).read(cx.k).unwrap();
        assert!(boot <= now && now - cx.k.system_time() < 10_000_000);
        assert_eq!(bias, 0, "the fake has no time zone: UTC");
        query(cx, 3, buffer, 48, returned).unwrap();
        assert_eq!(UserPtr::<i64>::new(buffer).read(cx.k), Ok(boot), "the start does not move");
        assert_eq!(query(cx, 3, 0, 32, returned), Err(STATUS_ACCESS_VIOLATION));
    });
}

#[test]
fn processes_and_their_threads() {
    run(|_, cx, buffer, returned| {
        assert_eq!(query(cx, 5, 0, 0, returned), Err(STATUS_INFO_LENGTH_MISMATCH));
        let size = returned.read(cx.k).unwrap();
        // Header, one thread, `test.exe` and its zero.
        assert_eq!(size, 256 + 80 + 18);
        assert_eq!(query(cx, 5, buffer, size, returned), Ok(STATUS_SUCCESS));
        let [next, threads]: [u32; 2] = UserPtr::new(buffer).read(cx.k).unwrap();
        assert_eq!((next, threads), (0, 1));
        let name = UserPtr::<crate::types::UnicodeString>::new(buffer + 0x38);
        assert_eq!(String::from_utf16_lossy(&name.text(cx.k).unwrap()), "test.exe");
        assert_eq!(UserPtr::<u64>::new(buffer + 0x50).read(cx.k), Ok(0x20));
        assert_eq!(UserPtr::<[u64; 2]>::new(buffer + 0x100 + 0x28).read(cx.k), Ok([0x20, cx.t.id]));
        assert_eq!(query(cx, 57, buffer, 0x4000, returned), Ok(STATUS_SUCCESS));
        assert_eq!(returned.read(cx.k), Ok(256 + 136 + 18));
    });
}

#[test]
fn handles_are_listed() {
    run(|fake, cx, buffer, returned| {
        let out = fake.alloc(Handle(0));
        let create = crate::ke::event::nt_create_event;
        create(cx, out, 0x1f0003, UserPtr::new(0), 0, false).unwrap();
        let event = out.read(cx.k).unwrap();
        assert_eq!(query(cx, 16, buffer, 0x4000, returned), Ok(STATUS_SUCCESS));
        let count = u64::from(UserPtr::<u32>::new(buffer).read(cx.k).unwrap());
        assert_eq!(returned.read(cx.k), Ok(8 + 24 * count as u32));
        let entries = (0..count).map(|index| buffer + 8 + index * 24);
        let found = entries.filter(|at| UserPtr::<u16>::new(at + 6).read(cx.k) == Ok(event.0 as u16)).count();
        assert_eq!(found, 1);
        assert_eq!(query(cx, 64, buffer, 0x4000, returned), Ok(STATUS_SUCCESS));
        assert_eq!(UserPtr::<u64>::new(buffer).read(cx.k), Ok(count));
        let mut entries = (0..count).map(|index| buffer + 16 + index * 40);
        let at = entries.find(|at| UserPtr::<u64>::new(at + 16).read(cx.k) == Ok(event.0)).unwrap();
        assert_eq!(UserPtr::<u32>::new(at + 24).read(cx.k), Ok(0x1f0003));
    });
}

#[test]
fn processors_times_and_topology() {
    run(|fake, cx, buffer, returned| {
        assert_eq!(query(cx, 8, buffer, 0, returned), Err(STATUS_INFO_LENGTH_MISMATCH));
        for (length, told) in [(48, 48), (96, 96), (98, 96), (4096, 96)] {
            assert_eq!(query(cx, 8, buffer, length, returned), Ok(STATUS_SUCCESS));
            assert_eq!(returned.read(cx.k), Ok(told));
        }
        assert_eq!(query(cx, 83, buffer, 16, returned), Ok(STATUS_SUCCESS));
        assert_eq!(query(cx, 83, buffer, 15, returned), Err(STATUS_BUFFER_TOO_SMALL));
        // Every entry is as long as it says, and each relation's entries together are all.
        let all = fake.alloc(0xffffu32).address();
        assert_eq!(query_ex(cx, 107, 0, 0, buffer, 0, returned), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(query_ex(cx, 107, all, 4, buffer, 0, returned), Err(STATUS_INFO_LENGTH_MISMATCH));
        let size = returned.read(cx.k).unwrap();
        assert_eq!(query_ex(cx, 107, all, 4, buffer, size, returned), Ok(STATUS_SUCCESS));
        let (mut at, mut cores) = (0, 0);
        while at < size {
            let [relation, length]: [u32; 2] = UserPtr::new(buffer + u64::from(at)).read(cx.k).unwrap();
            assert!(relation <= 4 && length > 8);
            cores += u32::from(relation == 0);
            at += length;
        }
        assert_eq!((at, cores), (size, 2));
        let sum = (0..=4u32)
            .map(|relation| {
                let one = fake.alloc(relation).address();
                query_ex(cx, 107, one, 4, buffer, 0x4000, returned).unwrap();
                returned.read(cx.k).unwrap()
            })
            .sum::<u32>();
        assert_eq!(sum, size);
        assert_eq!(query(cx, 73, buffer, 0x4000, returned), Ok(STATUS_SUCCESS));
        assert_eq!(returned.read(cx.k).unwrap() % 32, 0);
        let own = fake.alloc(Handle::CURRENT_PROCESS).address();
        assert_eq!(query_ex(cx, 175, own, 8, buffer, 63, returned), Err(STATUS_BUFFER_TOO_SMALL));
        assert_eq!(query_ex(cx, 175, own, 8, buffer, 64, returned), Ok(STATUS_SUCCESS));
        let bad = fake.alloc(Handle(0xdead0)).address();
        assert_eq!(query_ex(cx, 175, bad, 8, buffer, 64, returned), Err(STATUS_INVALID_HANDLE));
        assert_eq!(query_ex(cx, 181, own, 8, buffer, 8, returned), Ok(STATUS_SUCCESS));
        assert_eq!(UserPtr::<[u32; 2]>::new(buffer).read(cx.k), Ok([0x000f_8664, 0]));
    });
}

#[test]
fn modules() {
    run(|_, cx, buffer, returned| {
        assert_eq!(query(cx, 11, 0, 0, returned), Err(STATUS_INFO_LENGTH_MISMATCH));
        let size = returned.read(cx.k).unwrap();
        assert_eq!(query(cx, 11, buffer, size, returned), Ok(STATUS_SUCCESS));
        let count = UserPtr::<u32>::new(buffer).read(cx.k).unwrap();
        assert_eq!(size, 8 + count * 296);
        assert_eq!(query(cx, 77, buffer, 0x4000, returned), Ok(STATUS_SUCCESS));
        let (mut at, mut found) = (buffer, 0);
        loop {
            let next = UserPtr::<u16>::new(at).read(cx.k).unwrap();
            if next == 0 {
                break;
            }
            assert_eq!(UserPtr::<u16>::new(at + 8 + 0x20).read(cx.k), Ok(found));
            at += u64::from(next);
            found += 1;
        }
        assert_eq!(u32::from(found), count);
        assert_eq!(at + 2 - buffer, u64::from(returned.read(cx.k).unwrap()));
    });
}

#[test]
fn a_process_is_found_by_its_number() {
    run(|fake, cx, buffer, returned| {
        let ask = |id: u64, length: u16, maximum: u16, size: u32| {
            let request = fake.alloc([id, u64::from(length) | u64::from(maximum) << 16, buffer]);
            (query(cx, 88, request.address(), size, returned), request.read(cx.k).unwrap()[1] as u32)
        };
        assert_eq!(ask(0x20, 0, 0, 23).0, Err(STATUS_INFO_LENGTH_MISMATCH));
        assert_eq!(returned.read(cx.k), Ok(24));
        assert_eq!(ask(0, 0, 512, 24).0, Err(STATUS_INVALID_CID));
        assert_eq!(ask(0x20, 2, 512, 24).0, Err(STATUS_INVALID_PARAMETER));
        let (status, lengths) = ask(0x20, 0, 4, 24);
        assert_eq!(status, Err(STATUS_INFO_LENGTH_MISMATCH));
        let needed = lengths >> 16;
        let (status, lengths) = ask(0x20, 0, needed as u16, 24);
        assert_eq!(status, Ok(STATUS_SUCCESS));
        assert_eq!(lengths, needed << 16 | (needed - 2));
        let text = UserPtr::<u16>::new(buffer).read_units(cx.k, needed as usize / 2 - 1).unwrap();
        assert!(String::from_utf16_lossy(&text).ends_with("\\app\\test.exe"));
    });
}
