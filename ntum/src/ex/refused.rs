//! Calls that only the system or an administrator may make: refused, as Windows refuses them to a normal user.

use super::system::class;
use crate::call::Cx;
use crate::status::*;
use crate::types::UnicodeString;
use crate::um::UserPtr;

/// NtSetSystemInformation.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD`; `STATUS_INVALID_INFO_CLASS` for what nobody can set.
pub fn nt_set_system_information(_: &Cx<'_>, class: u32, _buffer: u64, _length: u32) -> Nt {
    match class {
        class::BASIC..=class::PROCESS | class::MODULE | class::HANDLE => Err(STATUS_INVALID_INFO_CLASS),
        _ => Err(STATUS_PRIVILEGE_NOT_HELD),
    }
}

/// NtTraceControl: sessions of event tracing are for administrators and who may log performance (StartTrace, ControlTrace).
///
/// # Errors
/// `STATUS_ACCESS_DENIED`.
pub fn nt_trace_control(
    _: &Cx<'_>,
    _function: u32,
    _input: u64,
    _input_length: u32,
    _output: u64,
    _output_length: u32,
    _returned: UserPtr<u32>,
) -> Nt {
    Err(STATUS_ACCESS_DENIED)
}

/// NtLoadDriver.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_load_driver(cx: &Cx<'_>, name: UserPtr<UnicodeString>) -> Nt {
    name.text(cx.k)?;
    Err(STATUS_PRIVILEGE_NOT_HELD)
}

/// NtUnloadDriver.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_unload_driver(cx: &Cx<'_>, name: UserPtr<UnicodeString>) -> Nt {
    name.text(cx.k)?;
    Err(STATUS_PRIVILEGE_NOT_HELD)
}

/// NtSystemDebugControl: nobody debugs the kernel.
///
/// # Errors
/// `STATUS_DEBUGGER_INACTIVE`.
pub fn nt_system_debug_control(
    _: &Cx<'_>,
    _command: u32,
    _input: u64,
    _input_length: u32,
    _output: u64,
    _output_length: u32,
    _returned: UserPtr<u32>,
) -> Nt {
    Err(STATUS_DEBUGGER_INACTIVE)
}

/// NtSetDebugFilterState.
///
/// # Errors
/// `STATUS_ACCESS_DENIED`.
pub fn nt_set_debug_filter_state(_: &Cx<'_>, _component: u32, _level: u32, _state: bool) -> Nt {
    Err(STATUS_ACCESS_DENIED)
}

/// NtQuerySystemEnvironmentValue: firmware variables; a machine without UEFI has none.
///
/// # Errors
/// `STATUS_NOT_IMPLEMENTED`, as documented for such a machine.
pub fn nt_query_system_environment_value(
    _: &Cx<'_>,
    _name: UserPtr<UnicodeString>,
    _value: u64,
    _length: u32,
    _returned: UserPtr<u32>,
) -> Nt {
    Err(STATUS_NOT_IMPLEMENTED)
}

/// NtQuerySystemEnvironmentValueEx.
///
/// # Errors
/// As [`nt_query_system_environment_value`].
pub fn nt_query_system_environment_value_ex(
    _: &Cx<'_>,
    _name: UserPtr<UnicodeString>,
    _vendor: UserPtr<[u8; 16]>,
    _value: u64,
    _length: UserPtr<u32>,
    _attributes: UserPtr<u32>,
) -> Nt {
    Err(STATUS_NOT_IMPLEMENTED)
}

/// NtSetIntervalProfile: nothing is profiled; any interval is as good.
///
/// # Errors
/// None.
pub fn nt_set_interval_profile(_: &Cx<'_>, _interval: u32, _source: u32) -> Nt {
    Ok(STATUS_SUCCESS)
}

/// NtSetLdtEntries: 64-bit processes have no local descriptor table.
///
/// # Errors
/// `STATUS_NOT_IMPLEMENTED`, as on 64-bit Windows.
pub fn nt_set_ldt_entries(_: &Cx<'_>, _first: u32, _a: u64, _b: u64, _second: u32, _c: u64, _d: u64) -> Nt {
    Err(STATUS_NOT_IMPLEMENTED)
}
