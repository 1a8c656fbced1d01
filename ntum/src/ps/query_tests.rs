//! What processes and threads say about themselves, and what can be set.

use super::query::nt_query_information_process;
use super::query_thread::nt_query_information_thread;
use super::set::{nt_set_information_process, nt_set_information_thread};
use crate::call::Cx;
use crate::host::fake::Fake;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::types::{UnicodeString, wide};
use crate::um::{Plain, UserPtr};
use zerocopy::IntoBytes;

/// A guest thread with a buffer.
struct Guest<'a> {
    fake: &'static Fake,
    cx: &'a Cx<'a>,
    buffer: u64,
    returned: UserPtr<u32>,
}

fn run(test: fn(Guest<'_>)) {
    let (fake, k) = Fake::kernel();
    fake.thread(k, move |cx| {
        let buffer = fake.alloc_bytes(&[0xcc; 0x1000]);
        let returned = fake.alloc(0u32);
        test(Guest { fake, cx, buffer, returned });
    })
    .join()
    .unwrap();
}

impl Guest<'_> {
    fn process(&self, class: u32, length: u32) -> Nt {
        nt_query_information_process(self.cx, Handle::CURRENT_PROCESS, class, self.buffer, length, self.returned)
    }

    fn thread(&self, class: u32, length: u32) -> Nt {
        nt_query_information_thread(self.cx, Handle::CURRENT_THREAD, class, self.buffer, length, self.returned)
    }

    fn set_process<T: Plain>(&self, class: u32, value: T) -> Nt {
        let at = self.fake.alloc(value).address();
        nt_set_information_process(self.cx, Handle::CURRENT_PROCESS, class, at, size_of::<T>() as u32)
    }

    fn set_thread<T: Plain>(&self, class: u32, value: T) -> Nt {
        let at = self.fake.alloc(value).address();
        nt_set_information_thread(self.cx, Handle::CURRENT_THREAD, class, at, size_of::<T>() as u32)
    }

    fn told<T: Plain>(&self) -> T {
        UserPtr::new(self.buffer).read(self.cx.k).unwrap()
    }

    fn length(&self) -> u32 {
        self.returned.read(self.cx.k).unwrap()
    }
}

#[test]
fn process_classes_have_their_lengths() {
    run(|g| {
        let classes =
            [(0, 48u32), (1, 48), (2, 48), (4, 32), (7, 8), (12, 4), (18, 2), (20, 4), (21, 8), (22, 4), (24, 4)];
        let more =
            [(26, 8), (28, 4), (29, 4), (31, 4), (33, 4), (34, 4), (36, 4), (38, 16), (39, 4), (61, 1), (88, 48)];
        for (class, size) in classes.into_iter().chain(more) {
            g.returned.write(g.cx.k, 0xdead_beef).unwrap();
            assert_eq!(g.process(class, size - 1), Err(STATUS_INFO_LENGTH_MISMATCH), "class {class}");
            // Some do not tell the right length.
            let told = if matches!(class, 7 | 21 | 26) { 0xdead_beef } else { size };
            assert_eq!(g.length(), told, "class {class}");
            assert_eq!(g.process(class, size), Ok(STATUS_SUCCESS), "class {class}");
            assert_eq!(g.length(), size, "class {class}");
            assert_eq!(g.process(class, size + 1), Err(STATUS_INFO_LENGTH_MISMATCH), "class {class}");
            let query = |handle, buffer| nt_query_information_process(g.cx, handle, class, buffer, size, g.returned);
            assert_eq!(query(Handle(0), g.buffer), Err(STATUS_INVALID_HANDLE), "class {class}");
            assert_eq!(query(Handle::CURRENT_PROCESS, 0), Err(STATUS_ACCESS_VIOLATION), "class {class}");
            assert_eq!(query(Handle::CURRENT_THREAD, g.buffer), Err(STATUS_OBJECT_TYPE_MISMATCH), "class {class}");
        }
        assert_eq!(g.process(u32::MAX, 4), Err(STATUS_INVALID_INFO_CLASS));
        assert_eq!(g.process(30, 8), Err(STATUS_PORT_NOT_SET));
    });
}

#[test]
fn rights_to_a_process_are_checked() {
    run(|g| {
        let object = g.cx.k.ps.process_object();
        let open = |access| g.cx.insert(object.clone(), access, 0).unwrap();
        let query = |handle, class, size| nt_query_information_process(g.cx, handle, class, g.buffer, size, g.returned);
        let none = open(0x10);
        assert_eq!(query(none, 3, 96), Err(STATUS_ACCESS_DENIED));
        let limited = open(0x1000);
        assert_eq!(query(limited, 3, 96), Ok(STATUS_SUCCESS));
        assert_eq!(query(limited, 7, 8), Err(STATUS_ACCESS_DENIED));
        let full = open(0x400);
        assert_eq!(query(full, 7, 8), Ok(STATUS_SUCCESS));
        let mode = g.fake.alloc(1u32).address();
        assert_eq!(nt_set_information_process(g.cx, full, 12, mode, 4), Err(STATUS_ACCESS_DENIED));
    });
}

#[test]
fn memory_counters_come_in_two_sizes() {
    run(|g| {
        assert_eq!(g.process(3, 24), Err(STATUS_INFO_LENGTH_MISMATCH));
        assert_eq!((g.process(3, 88), g.length()), (Ok(STATUS_SUCCESS), 88));
        assert_eq!((g.process(3, 96), g.length()), (Ok(STATUS_SUCCESS), 96));
        let before: [u64; 12] = g.told();
        let request = crate::mm::allocate::Request::commit(0x10_0000);
        g.cx.k.mm.allocate(g.cx.k, &request).unwrap();
        g.process(3, 96).unwrap();
        let after: [u64; 12] = g.told();
        assert_eq!((after[1] - before[1], after[9] - before[9]), (0x10_0000, 0x10_0000));
        assert_eq!(after[11], after[9]);
    });
}

#[test]
fn names_lie_behind_their_strings() {
    run(|g| {
        let text =
            |g: &Guest<'_>| String::from_utf16_lossy(&UserPtr::<UnicodeString>::new(g.buffer).text(g.cx.k).unwrap());
        assert_eq!(g.process(43, 8), Err(STATUS_INFO_LENGTH_MISMATCH));
        let size = g.length();
        assert_eq!(g.process(43, size), Ok(STATUS_SUCCESS));
        assert_eq!(text(&g), "C:\\app\\test.exe");
        assert_eq!(g.process(27, 512), Ok(STATUS_SUCCESS));
        assert!(text(&g).ends_with("\\app\\test.exe"));
    });
}

#[test]
fn the_cookie_stays() {
    run(|g| {
        g.process(36, 4).unwrap();
        let first: u32 = g.told();
        g.process(36, 4).unwrap();
        assert_eq!(g.told::<u32>(), first);
        assert_ne!(first, 0);
    });
}

#[test]
fn priorities_become_nice_values() {
    run(|g| {
        let nice = |g: &Guest<'_>| g.fake.schedules.lock().last().map(|(id, schedule)| (*id, schedule.nice));
        assert_eq!(g.set_process(18, [0u8, 3]), Ok(STATUS_SUCCESS));
        assert_eq!(nice(&g), Some((g.cx.t.id, -7)));
        assert_eq!(g.set_thread(3, -1i32), Ok(STATUS_SUCCESS));
        assert_eq!(nice(&g), Some((g.cx.t.id, -5)));
        assert_eq!(g.set_process(18, [0u8, 1]), Ok(STATUS_SUCCESS));
        assert_eq!(g.set_thread(3, -15i32), Ok(STATUS_SUCCESS));
        assert_eq!(nice(&g), Some((g.cx.t.id, 19)));
        g.thread(0, 48).unwrap();
        let basic: [u32; 12] = g.told();
        assert_eq!(basic[10..], [-15i32 as u32; 2]);
        assert_eq!((g.process(18, 2), g.told::<[u8; 2]>()), (Ok(STATUS_SUCCESS), [0, 1]));
        assert_eq!(g.set_thread(3, 3i32), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(g.set_thread(3, [0u8; 3]), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(g.set_process(18, [0u8, 7]), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(g.set_process(18, [0u8, 4]), Ok(STATUS_SUCCESS));
        assert_eq!(
            (g.process(18, 2), g.told::<[u8; 2]>()),
            (Ok(STATUS_SUCCESS), [0, 3]),
            "real time takes a privilege"
        );
    });
}

#[test]
fn the_host_is_told_of_processors_and_of_throttling() {
    run(|g| {
        let told = |g: &Guest<'_>| {
            let schedules = g.fake.schedules.lock();
            let (_, last) = schedules.last().unwrap();
            (last.nice, last.processors, last.slack)
        };
        // Nothing is said of processors before somebody chose some.
        assert_eq!((g.set_thread(3, -1i32), told(&g)), (Ok(STATUS_SUCCESS), (2, 0, 0)));
        assert_eq!((g.set_thread(4, 2u64), told(&g)), (Ok(STATUS_SUCCESS), (2, 2, 0)));
        // CPU sets are preferred within what affinity allows, and count for nothing where they contradict it.
        assert_eq!((g.set_thread(39, 1u64), told(&g)), (Ok(STATUS_SUCCESS), (2, 2, 0)));
        assert_eq!((g.set_thread(4, 3u64), told(&g)), (Ok(STATUS_SUCCESS), (2, 1, 0)));
        assert_eq!((g.thread(39, 8), g.told::<u64>()), (Ok(STATUS_SUCCESS), 1));
        assert_eq!((g.set_thread(39, 0u64), g.set_process(66, 2u64)), (Ok(STATUS_SUCCESS), Ok(STATUS_SUCCESS)));
        assert_eq!(told(&g), (2, 2, 0));
        assert_eq!(g.set_thread(39, 4u64), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(g.set_process(66, 1u32), Err(STATUS_INFO_LENGTH_MISMATCH));
        // The process is throttled, its thread says for itself that it is not, then says nothing.
        assert_eq!((g.set_process(77, [1u32, 1, 1]), told(&g)), (Ok(STATUS_SUCCESS), (10, 2, 15_625_000)));
        assert_eq!((g.set_thread(49, [1u32, 1, 0]), told(&g)), (Ok(STATUS_SUCCESS), (2, 2, 0)));
        assert_eq!((g.set_thread(49, [1u32, 0, 0]), told(&g)), (Ok(STATUS_SUCCESS), (10, 2, 15_625_000)));
        assert_eq!(g.set_thread(49, [2u32, 0, 0]), Err(STATUS_INVALID_PARAMETER));
        assert_eq!((g.process(77, 12), g.told::<[u32; 3]>()), (Ok(STATUS_SUCCESS), [1, 1, 1]));
        // A thread that begins now is told of.
        let before = g.fake.schedules.lock().len();
        g.cx.k.first_schedule(g.cx.t);
        assert_eq!(g.fake.schedules.lock().len(), before + 1);
    });
}

#[test]
fn nothing_is_told_of_threads_that_ask_for_nothing() {
    run(|g| {
        g.cx.k.first_schedule(g.cx.t);
        assert!(g.fake.schedules.lock().is_empty());
    });
}

#[test]
fn low_memory_is_said_and_given_back() {
    run(|g| {
        let k = g.cx.k;
        let event = |name: &str| {
            crate::ob::directory::find(&k.ob.root, &format!(r"\KernelObjects\{name}MemoryCondition")).unwrap()
        };
        // Each answers what it was before.
        assert_eq!((event("Low").signal.reset(k), event("High").signal.set(k)), (false, true));
        k.memory_is_low();
        assert_eq!((event("Low").signal.reset(k), event("High").signal.set(k)), (true, false));
        assert_eq!(g.fake.trims.load(std::sync::atomic::Ordering::Relaxed), 1);
    });
}

#[test]
fn affinity_stays_within_the_processors() {
    run(|g| {
        let process = |g: &Guest<'_>| (g.process(21, 8), g.told::<u64>()).1;
        let thread = |g: &Guest<'_>| (g.thread(4, 8), g.told::<u64>()).1;
        assert_eq!((process(&g), thread(&g)), (3, 3));
        assert_eq!(g.set_process(21, 4u64), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(g.set_process(21, 0u64), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(g.set_thread(4, 2u64), Ok(STATUS_SUCCESS));
        assert_eq!((process(&g), thread(&g)), (3, 2));
        assert_eq!(g.set_process(21, 1u64), Ok(STATUS_SUCCESS));
        assert_eq!((process(&g), thread(&g)), (1, 1));
        assert_eq!(g.set_thread(4, 2u64), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(g.set_thread(30, [1u64, 0]), Ok(STATUS_SUCCESS));
        assert_eq!(g.set_thread(30, [1u64, 1]), Err(STATUS_INVALID_PARAMETER));
        assert_eq!((g.thread(30, 16), g.told::<[u64; 2]>()), (Ok(STATUS_SUCCESS), [1, 0]));
    });
}

#[test]
fn thread_classes_have_their_lengths() {
    run(|g| {
        for (class, size) in
            [(12, 4u32), (14, 4), (16, 4), (17, 1), (18, 4), (20, 4), (22, 4), (23, 16), (24, 4), (33, 4), (35, 4)]
        {
            assert_eq!(g.thread(class, size + 1), Err(STATUS_INFO_LENGTH_MISMATCH), "class {class}");
            assert_eq!((g.thread(class, size), g.length()), (Ok(STATUS_SUCCESS), size), "class {class}");
        }
        assert_eq!(g.thread(99, 4), Err(STATUS_INVALID_INFO_CLASS));
        assert_eq!((g.thread(12, 4), g.told::<u32>()), (Ok(STATUS_SUCCESS), 1));
        assert_eq!((g.thread(20, 4), g.told::<u32>()), (Ok(STATUS_SUCCESS), 0));
    });
}

#[test]
fn threads_have_names() {
    run(|g| {
        let name = wide("worker");
        let at = g.fake.alloc_bytes(name.as_bytes());
        let text = UnicodeString { length: 12, maximum_length: 12, pad: 0, buffer: at };
        assert_eq!(g.set_thread(38, text), Ok(STATUS_SUCCESS));
        let none = nt_query_information_thread(g.cx, Handle::CURRENT_THREAD, 38, 0, 0, g.returned);
        assert_eq!((none, g.length()), (Err(STATUS_BUFFER_TOO_SMALL), 28));
        assert_eq!(g.thread(38, 27), Err(STATUS_BUFFER_TOO_SMALL));
        assert_eq!(g.thread(38, 28), Ok(STATUS_SUCCESS));
        assert_eq!(UserPtr::<UnicodeString>::new(g.buffer).text(g.cx.k), Ok(name));
        let lost = UnicodeString { buffer: 0, ..text };
        assert_eq!(g.set_thread(38, lost), Err(STATUS_ACCESS_VIOLATION));
    });
}

#[test]
fn hiding_from_debuggers_is_for_good() {
    run(|g| {
        assert_eq!((g.thread(17, 1), g.told::<u8>()), (Ok(STATUS_SUCCESS), 0));
        let set = |length| nt_set_information_thread(g.cx, Handle::CURRENT_THREAD, 17, g.buffer, length);
        assert_eq!(set(1), Err(STATUS_INFO_LENGTH_MISMATCH));
        assert_eq!(set(0), Ok(STATUS_SUCCESS));
        assert_eq!((g.thread(17, 1), g.told::<u8>()), (Ok(STATUS_SUCCESS), 1));
    });
}

#[test]
fn ideal_processors() {
    run(|g| {
        assert_eq!(g.set_thread(13, 1u32), Ok(Status(0)));
        assert_eq!(g.set_thread(13, 64u32), Ok(Status(1)), "64 only asks");
        assert_eq!(g.set_thread(13, 2u32), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(g.set_thread(13, 65u32), Err(STATUS_INVALID_PARAMETER));
        assert_eq!((g.thread(33, 4), g.told::<[u8; 4]>()), (Ok(STATUS_SUCCESS), [0, 0, 1, 0]));
    });
}

#[test]
fn tls_slots_are_cleared_in_every_thread() {
    run(|g| {
        let teb = g.fake.alloc_bytes(&[0xff; 0x1800]);
        let block = g.fake.alloc_bytes(&[0xff; 0x2000]);
        g.cx.t.teb.store(teb, std::sync::atomic::Ordering::Relaxed);
        UserPtr::<u64>::new(teb + 0x1780).write(g.cx.k, block).unwrap();
        assert_eq!(g.set_thread(10, 3u32), Ok(STATUS_SUCCESS));
        assert_eq!(g.set_thread(10, 64 + 5u32), Ok(STATUS_SUCCESS));
        assert_eq!(UserPtr::<[u64; 2]>::new(teb + 0x1480 + 16).read(g.cx.k), Ok([u64::MAX, 0]));
        assert_eq!(UserPtr::<[u64; 2]>::new(block + 40).read(g.cx.k), Ok([0, u64::MAX]));
        assert_eq!(g.set_thread(10, 64 + 1024u32), Err(STATUS_INVALID_PARAMETER));
    });
}

#[test]
fn stacks_are_reserved() {
    run(|g| {
        let request = g.fake.alloc([0x10_0000u64, 0, 0]);
        let at = request.address();
        assert_eq!(
            nt_set_information_process(g.cx, Handle::CURRENT_PROCESS, 41, at, 20),
            Err(STATUS_INFO_LENGTH_MISMATCH)
        );
        assert_eq!(nt_set_information_process(g.cx, Handle::CURRENT_PROCESS, 41, at, 24), Ok(STATUS_SUCCESS));
        let base = request.read(g.cx.k).unwrap()[2];
        assert!(base != 0 && base.is_multiple_of(0x1_0000));
        assert_eq!(g.cx.k.mm.query(base).map(|region| region.size), Ok(0x10_0000));
    });
}

#[test]
fn tokens_are_given_to_threads_and_taken() {
    run(|g| {
        let own = Handle::CURRENT_PROCESS_TOKEN;
        assert_eq!(g.set_thread(5, own), Err(STATUS_BAD_TOKEN_TYPE), "a primary token");
        let token = g.cx.k.process_token();
        let made =
            token.token().unwrap().duplicate(g.cx.k, Some(crate::se::token::Level::Impersonation), false).unwrap();
        let handle = g.cx.insert(made.clone(), 0x4, 0).unwrap();
        assert_eq!(g.set_thread(5, handle), Ok(STATUS_SUCCESS));
        assert!(g.cx.t.token().is_some_and(|held| std::sync::Arc::ptr_eq(&held, &made)));
        assert_eq!(g.set_thread(5, Handle(0)), Ok(STATUS_SUCCESS));
        assert!(g.cx.t.token().is_none());
        assert_eq!(g.set_process(9, [handle, Handle(0)]), Err(STATUS_ACCESS_DENIED));
    });
}
