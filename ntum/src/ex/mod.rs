//! Executive: time, the page shared with the guest, system information.

pub mod atom;
pub mod cpu;
pub mod crt;
pub mod firmware;
pub mod identity;
pub mod listing;
pub mod power;
pub mod processors;
pub mod refused;
pub mod report;
pub mod shared_data;
pub mod system;
#[cfg(test)]
mod system_tests;
pub mod tick;
#[cfg(test)]
mod tick_tests;
pub mod time;
pub mod time_zone;
pub mod zone;

pub mod unix;

use crate::call::Call;
use crate::types::UnicodeString;
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
    NtAllocateLocallyUniqueId(luid: UserPtr<[u32; 2]>) => identity::nt_allocate_locally_unique_id, Done;
    NtAllocateUuids(time: UserPtr<u64>, range: UserPtr<u32>, sequence: UserPtr<u32>, seed: UserPtr<[u8; 6]>) => identity::nt_allocate_uuids, Done;
    NtAddAtom(name: UserPtr<u16>, bytes: u32, atom: UserPtr<u16>) => atom::nt_add_atom, Done;
    NtFindAtom(name: UserPtr<u16>, bytes: u32, atom: UserPtr<u16>) => atom::nt_find_atom, Done;
    NtDeleteAtom(atom: u16) => atom::nt_delete_atom, Done;
    NtQueryInformationAtom(atom: u16, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) => atom::nt_query_information_atom, Done;
    NtPowerInformation(level: u32, input: u64, input_length: u32, output: u64, output_length: u32) => power::nt_power_information, Partial("power policies");
    NtSetThreadExecutionState(new: u32, old: UserPtr<u32>) => power::nt_set_thread_execution_state, Done;
    NtInitiatePowerAction(action: u32, lightest: u32, flags: u32, asynchronous: bool) => power::nt_initiate_power_action, Done;
    NtShutdownSystem(action: u32) => power::nt_shutdown_system, Done;
    NtRaiseHardError(status: u32, count: u32, strings: u32, parameters: UserPtr<u64>, option: u32, response: UserPtr<u32>) => report::nt_raise_hard_error, Done;
    NtDisplayString(text: UserPtr<UnicodeString>) => report::nt_display_string, Done;
    NtSetSystemInformation(class: u32, buffer: u64, length: u32) => refused::nt_set_system_information, Done;
    NtTraceControl(function: u32, input: u64, input_length: u32, output: u64, output_length: u32, returned: UserPtr<u32>) => refused::nt_trace_control, Done;
    NtLoadDriver(name: UserPtr<UnicodeString>) => refused::nt_load_driver, Done;
    NtUnloadDriver(name: UserPtr<UnicodeString>) => refused::nt_unload_driver, Done;
    NtSystemDebugControl(command: u32, input: u64, input_length: u32, output: u64, output_length: u32, returned: UserPtr<u32>) => refused::nt_system_debug_control, Done;
    NtSetDebugFilterState(component: u32, level: u32, state: bool) => refused::nt_set_debug_filter_state, Done;
    NtQuerySystemEnvironmentValue(name: UserPtr<UnicodeString>, value: u64, length: u32, returned: UserPtr<u32>) => refused::nt_query_system_environment_value, Done;
    NtQuerySystemEnvironmentValueEx(name: UserPtr<UnicodeString>, vendor: UserPtr<[u8; 16]>, value: u64, length: UserPtr<u32>, attributes: UserPtr<u32>) => refused::nt_query_system_environment_value_ex, Done;
    NtSetIntervalProfile(interval: u32, source: u32) => refused::nt_set_interval_profile, Done;
    NtSetLdtEntries(first: u32, a: u64, b: u64, second: u32, c: u64, d: u64) => refused::nt_set_ldt_entries, Done;
    NtGetCurrentProcessorNumber() => processors::nt_get_current_processor_number, Done;
    NtQuerySystemInformation(class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) => system::nt_query_system_information, Done;
    NtQuerySystemInformationEx(class: u32, query: u64, query_length: u32, buffer: u64, length: u32, returned: UserPtr<u32>) => system::nt_query_system_information_ex, Done;
};
