//! Executive: time, the page shared with the guest, system information.

pub mod cpu;
pub mod listing;
pub mod processors;
pub mod shared_data;
pub mod system;
pub mod tick;
pub mod time;
pub mod time_zone;
pub mod zone;

pub mod unix;

use crate::call::Call;
use crate::um::UserPtr;

pub use tick::{Ex, Resting};

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {
    NtQuerySystemTime(time: UserPtr<i64>) => time::nt_query_system_time, Done;
    NtSetSystemTime(new: UserPtr<i64>, old: UserPtr<i64>) => time::nt_set_system_time, Done;
    NtQueryPerformanceCounter(counter: UserPtr<i64>, frequency: UserPtr<i64>) => time::nt_query_performance_counter, Done;
    NtGetTickCount() => time::nt_get_tick_count, Done;
    NtQueryTimerResolution(coarsest: UserPtr<u32>, finest: UserPtr<u32>, current: UserPtr<u32>) => time::nt_query_timer_resolution, Done;
    NtSetTimerResolution(wanted: u32, set: bool, current: UserPtr<u32>) => time::nt_set_timer_resolution, Done;
    NtQuerySystemInformation(class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) => system::nt_query_system_information, Done;
    NtQuerySystemInformationEx(class: u32, query: u64, query_length: u32, buffer: u64, length: u32, returned: UserPtr<u32>) => system::nt_query_system_information_ex, Done;
};
