//! Dispatcher objects and waits.

pub mod apc;
pub mod dispatcher;
pub mod event;
pub mod keyed;
pub mod mutant;
pub mod semaphore;
pub mod spin;
#[cfg(test)]
mod tests;
pub mod timer;
pub mod wait;

use crate::call::Call;
use crate::ob::handle::Handle;
use crate::types::ObjectAttributesRaw;
use crate::um::UserPtr;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {
    NtCreateEvent(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, kind: u32, state: bool) => event::nt_create_event, Done;
    NtOpenEvent(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>) => event::nt_open_event, Done;
    NtSetEvent(handle: Handle, previous: UserPtr<i32>) => event::nt_set_event, Done;
    NtSetEventBoostPriority(handle: Handle) => event::nt_set_event_boost_priority, Done;
    NtResetEvent(handle: Handle, previous: UserPtr<i32>) => event::nt_reset_event, Done;
    NtClearEvent(handle: Handle) => event::nt_clear_event, Done;
    NtPulseEvent(handle: Handle, previous: UserPtr<i32>) => event::nt_pulse_event, Done;
    NtQueryEvent(handle: Handle, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) => event::nt_query_event, Done;
    NtCreateMutant(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, owned: bool) => mutant::nt_create_mutant, Done;
    NtOpenMutant(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>) => mutant::nt_open_mutant, Done;
    NtReleaseMutant(handle: Handle, previous: UserPtr<i32>) => mutant::nt_release_mutant, Done;
    NtQueryMutant(handle: Handle, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) => mutant::nt_query_mutant, Done;
    NtCreateSemaphore(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, initial: i32, limit: i32) => semaphore::nt_create_semaphore, Done;
    NtOpenSemaphore(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>) => semaphore::nt_open_semaphore, Done;
    NtReleaseSemaphore(handle: Handle, by: i32, previous: UserPtr<u32>) => semaphore::nt_release_semaphore, Done;
    NtQuerySemaphore(handle: Handle, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) => semaphore::nt_query_semaphore, Done;
    NtCreateTimer(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, kind: u32) => timer::nt_create_timer, Done;
    NtOpenTimer(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>) => timer::nt_open_timer, Done;
    NtSetTimer(handle: Handle, due: UserPtr<i64>, function: u64, argument: u64, resume: bool, period: i32, previous: UserPtr<u8>) => timer::nt_set_timer, Done;
    NtCancelTimer(handle: Handle, state: UserPtr<u8>) => timer::nt_cancel_timer, Done;
    NtQueryTimer(handle: Handle, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) => timer::nt_query_timer, Done;
    NtCreateKeyedEvent(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, flags: u32) => keyed::nt_create_keyed_event, Done;
    NtOpenKeyedEvent(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>) => keyed::nt_open_keyed_event, Done;
    NtWaitForKeyedEvent(handle: Handle, key: u64, alertable: bool, timeout: UserPtr<i64>) => keyed::nt_wait_for_keyed_event, Done;
    NtReleaseKeyedEvent(handle: Handle, key: u64, alertable: bool, timeout: UserPtr<i64>) => keyed::nt_release_keyed_event, Done;
    NtWaitForSingleObject(handle: Handle, alertable: bool, timeout: UserPtr<i64>) => wait::nt_wait_for_single_object, Done;
    NtWaitForMultipleObjects(count: u32, handles: UserPtr<Handle>, wait_any: bool, alertable: bool, timeout: UserPtr<i64>) => wait::nt_wait_for_multiple_objects, Done;
    NtSignalAndWaitForSingleObject(signal: Handle, wait: Handle, alertable: bool, timeout: UserPtr<i64>) => wait::nt_signal_and_wait_for_single_object, Done;
    NtDelayExecution(alertable: bool, timeout: UserPtr<i64>) => wait::nt_delay_execution, Done;
    NtAlertThreadByThreadId(thread: Handle) => wait::nt_alert_thread_by_thread_id, Done;
    NtWaitForAlertByThreadId(address: u64, timeout: UserPtr<i64>) => wait::nt_wait_for_alert_by_thread_id, Done;
    NtYieldExecution() => wait::nt_yield_execution, Done;
    NtTestAlert() => apc::nt_test_alert, Done;
};
