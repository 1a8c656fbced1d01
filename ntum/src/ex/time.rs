//! Calls that tell the time.

use crate::call::Cx;
use crate::kernel::Kernel;
use crate::status::*;
use crate::types::nt_time;
use crate::um::{UserPtr, check_alignment};

/// Ticks of the performance counter in a second, as Windows 10 has it.
pub const COUNTER_FREQUENCY: i64 = 10_000_000;
/// Coarsest period of the clock, in 100 ns: 15.625 ms.
pub const COARSEST_PERIOD: u32 = 156_250;
/// Finest period of the clock, in 100 ns: 0.5 ms.
pub const FINEST_PERIOD: u32 = 5_000;
/// How exact waits are though nobody asks for it: as if some program of the machine had asked for 1 ms, as mostly one has.
pub const USUAL_PERIOD: u32 = 10_000;

impl Kernel {
    /// NT time: 100 ns since 1601, UTC.
    pub fn system_time(&self) -> i64 {
        nt_time(self.host.realtime())
    }

    /// 100 ns since the host started; never goes back.
    pub fn interrupt_time(&self) -> u64 {
        self.host.monotonic() / 100
    }
}

/// NtQuerySystemTime.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn nt_query_system_time(cx: &Cx<'_>, time: UserPtr<i64>) -> Nt {
    time.write(cx.k, cx.k.system_time())?;
    Ok(STATUS_SUCCESS)
}

/// NtSetSystemTime: a normal user may not.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_set_system_time(cx: &Cx<'_>, new: UserPtr<i64>, old: UserPtr<i64>) -> Nt {
    let now = cx.k.system_time();
    old.write_opt(cx.k, now)?;
    let diff = new.read(cx.k)?.abs_diff(now);
    // What RtlSetTimeZoneInformation's callers do: "set" the time that it is.
    if diff < 500 * 10_000 { Ok(STATUS_SUCCESS) } else { Err(STATUS_PRIVILEGE_NOT_HELD) }
}

/// NtQueryPerformanceCounter: the monotonic clock in 100 ns.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_DATATYPE_MISALIGNMENT`.
pub fn nt_query_performance_counter(cx: &Cx<'_>, counter: UserPtr<i64>, frequency: UserPtr<i64>) -> Nt {
    check_alignment(counter.address(), 4)?;
    counter.write(cx.k, cx.k.interrupt_time() as i64)?;
    frequency.write_opt(cx.k, COUNTER_FREQUENCY)?;
    Ok(STATUS_SUCCESS)
}

/// NtGetTickCount: the status is the milliseconds since the host started.
///
/// # Errors
/// None.
pub fn nt_get_tick_count(cx: &Cx<'_>) -> Nt {
    Ok(Status((cx.k.host.monotonic() / 1_000_000) as u32))
}

/// NtQueryTimerResolution, in 100 ns.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn nt_query_timer_resolution(
    cx: &Cx<'_>,
    coarsest: UserPtr<u32>,
    finest: UserPtr<u32>,
    current: UserPtr<u32>,
) -> Nt {
    coarsest.write(cx.k, COARSEST_PERIOD)?;
    finest.write(cx.k, FINEST_PERIOD)?;
    current.write(cx.k, cx.k.ex.period().min(USUAL_PERIOD))?;
    Ok(STATUS_SUCCESS)
}

/// NtSetTimerResolution: `set` asks for a period in 100 ns, else takes the wish back.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_TIMER_RESOLUTION_NOT_SET` for taking back what was not asked for.
pub fn nt_set_timer_resolution(cx: &Cx<'_>, wanted: u32, set: bool, current: UserPtr<u32>) -> Nt {
    current.write(cx.k, cx.k.ex.period().min(USUAL_PERIOD))?;
    let result = if set {
        cx.k.ex.ask_period(cx.k, Some(wanted.clamp(FINEST_PERIOD, COARSEST_PERIOD)));
        Ok(STATUS_SUCCESS)
    } else if cx.k.ex.ask_period(cx.k, None) {
        Ok(STATUS_SUCCESS)
    } else {
        Err(STATUS_TIMER_RESOLUTION_NOT_SET)
    };
    current.write(cx.k, cx.k.ex.period().min(USUAL_PERIOD))?;
    result
}
