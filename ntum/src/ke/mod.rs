//! Dispatcher objects and waits.

pub mod apc;
pub mod dispatcher;
pub mod event;
pub mod keyed;
pub mod mutant;
pub mod semaphore;
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
    NtWaitForSingleObject(handle: Handle, alertable: bool, timeout: UserPtr<i64>) => wait::nt_wait_for_single_object, Done;
    NtWaitForMultipleObjects(count: u32, handles: UserPtr<Handle>, wait_any: u32, alertable: bool, timeout: UserPtr<i64>) => wait::nt_wait_for_multiple_objects, Done;
    NtSignalAndWaitForSingleObject(signal: Handle, wait: Handle, alertable: bool, timeout: UserPtr<i64>) => wait::nt_signal_and_wait_for_single_object, Done;
    NtDelayExecution(alertable: bool, timeout: UserPtr<i64>) => wait::nt_delay_execution, Done;
    NtAlertThreadByThreadId(thread: Handle) => wait::nt_alert_thread_by_thread_id, Done;
    NtWaitForAlertByThreadId(address: u64, timeout: UserPtr<i64>) => wait::nt_wait_for_alert_by_thread_id, Done;
    NtYieldExecution() => wait::nt_yield_execution, Done;
    NtTestAlert() => apc::nt_test_alert, Done;
};
