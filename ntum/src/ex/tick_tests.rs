//! Shared times while threads run, rest and end.

use super::time::{nt_query_timer_resolution, nt_set_timer_resolution};
use crate::host::fake::Fake;
use crate::kernel::Kernel;
use crate::status::*;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// InterruptTime's low word.
fn interrupt_time(k: &Kernel) -> u32 {
    k.host.shared_data()[2].load(Ordering::Relaxed)
}

/// Whether the time moves within a while.
fn moves(k: &Kernel, within: Duration) -> bool {
    let before = interrupt_time(k);
    let start = Instant::now();
    while start.elapsed() < within {
        if interrupt_time(k) != before {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

/// Waits until the tick that was under way has passed.
fn parked(k: &Kernel) {
    let start = Instant::now();
    while !k.ex.is_parked() {
        assert!(start.elapsed() < LONG, "it ticks on");
        std::thread::sleep(Duration::from_millis(1));
    }
}

const LONG: Duration = Duration::from_secs(5);
const SHORT: Duration = Duration::from_millis(100);

#[test]
fn times_tick_only_while_a_thread_runs() {
    let (_, k) = Fake::kernel();
    super::shared_data::boot(k);
    assert!(!moves(k, SHORT), "nobody runs yet");
    k.ex.thread_started(k);
    assert!(moves(k, LONG));
    k.ex.thread_started(k);
    {
        let _first = k.ex.rest(k);
        assert!(moves(k, LONG), "the other one runs");
        let second = k.ex.rest(k);
        parked(k);
        assert!(!moves(k, SHORT), "both rest");
        let before = interrupt_time(k);
        drop(second);
        assert_ne!(interrupt_time(k), before, "who goes on brings the time up to date");
        assert!(moves(k, LONG), "and it ticks again");
    }
    k.ex.thread_ended(k);
    assert!(moves(k, LONG));
    k.ex.thread_ended(k);
    parked(k);
    assert!(!moves(k, SHORT), "all have ended");
}

#[test]
fn both_high_words_agree_and_times_match_the_clocks() {
    let (_, k) = Fake::kernel();
    super::shared_data::boot(k);
    let page = k.host.shared_data();
    let word = |offset: usize| page[offset / 4].load(Ordering::Relaxed);
    for at in [0x008, 0x014, 0x020, 0x320] {
        assert_eq!(word(at + 4), word(at + 8), "{at:#x}");
    }
    let system = u64::from(word(0x014)) | u64::from(word(0x018)) << 32;
    assert!((k.system_time() as u64).abs_diff(system) < 100_000_000);
    assert_eq!(u64::from(word(0x320)) / 1000, u64::from(word(0)) / 1000);
    assert_eq!((word(0x308), word(0x26c), word(0x260), word(0x3c0)), (1, 10, 19045, 2));
    let root: Vec<u16> = (0..10).map(|i| (word(0x30 + i / 2 * 4) >> (i % 2 * 16)) as u16).collect();
    assert_eq!(String::from_utf16_lossy(&root), "C:\\windows");
}

#[test]
fn the_period_is_asked_for_and_given_back() {
    let (fake, k) = Fake::kernel();
    fake.thread(k, move |cx| {
        let words = [fake.alloc(0u32), fake.alloc(0u32), fake.alloc(0u32)];
        let query = || {
            nt_query_timer_resolution(cx, words[0], words[1], words[2]).unwrap();
            words.map(|word| word.read(cx.k).unwrap())
        };
        assert_eq!(query(), [156_250, 5_000, 10_000]);
        let set = |period, on| {
            let status = nt_set_timer_resolution(cx, period, on, words[2]);
            (status, words[2].read(cx.k).unwrap())
        };
        assert_eq!(set(0, false), (Err(STATUS_TIMER_RESOLUTION_NOT_SET), 10_000));
        assert_eq!(set(7_000, true), (Ok(STATUS_SUCCESS), 7_000));
        assert_eq!(query()[2], 7_000);
        assert_eq!(set(1, true), (Ok(STATUS_SUCCESS), 5_000));
        assert_eq!(set(0, false), (Ok(STATUS_SUCCESS), 10_000));
    })
    .join()
    .unwrap();
}
