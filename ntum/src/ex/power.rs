//! Power: what a program may know and wish.

use super::cpu;
use crate::answer::Bytes;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::UserPtr;
use shim_abi::power::{Battery, Power};
use std::sync::atomic::Ordering;

/// POWER_INFORMATION_LEVEL, those that are answered (`winnt.h`).
mod level {
    pub const SYSTEM_POWER_CAPABILITIES: u32 = 4;
    pub const SYSTEM_BATTERY_STATE: u32 = 5;
    pub const PROCESSOR_INFORMATION: u32 = 11;
    pub const SYSTEM_POWER_INFORMATION: u32 = 12;
    pub const LAST_WAKE_TIME: u32 = 14;
    pub const LAST_SLEEP_TIME: u32 = 15;
    pub const SYSTEM_EXECUTION_STATE: u32 = 16;
}

/// ES_*.
mod execution {
    pub const SYSTEM_REQUIRED: u32 = 0x1;
    pub const DISPLAY_REQUIRED: u32 = 0x2;
    pub const USER_PRESENT: u32 = 0x4;
    pub const AWAY_MODE_REQUIRED: u32 = 0x40;
    pub const CONTINUOUS: u32 = 0x8000_0000;
}

/// What feeds the host; asked for once a second at most, as programs do it again and again. A monitor that does not say is on the mains.
pub fn feeding(k: &'static Kernel) -> Power {
    let mut known = k.ex.power.lock();
    let now = k.host.monotonic();
    match &*known {
        Some((until, power)) if now < *until => power.clone(),
        _ => {
            let power = k.host.power().unwrap_or(Power { online: true, battery: None });
            *known = Some((now + 1_000_000_000, power.clone()));
            power
        }
    }
}

/// NtPowerInformation.
///
/// # Errors
/// `STATUS_BUFFER_TOO_SMALL`, `STATUS_INVALID_PARAMETER`, `STATUS_NOT_IMPLEMENTED` for other levels.
pub fn nt_power_information(
    cx: &Cx<'_>,
    level: u32,
    input: u64,
    _input_length: u32,
    output: u64,
    output_length: u32,
) -> Nt {
    let k = cx.k;
    let mut answer = Bytes::default();
    match level {
        level::SYSTEM_POWER_CAPABILITIES => {
            // SYSTEM_POWER_CAPABILITIES: buttons, lids and states of sleep, none of which a guest can see or use. Then
            // throttling: from 100 to 100 per cent; whether there is a battery, and BATTERY_REPORTING_SCALE of three.
            let battery = feeding(k).battery;
            let scale = battery.as_ref().map_or([0; 2], |battery| [1, battery.full]);
            answer.extend(&[0; 15]).extend(&[100, 100]).extend(&[0; 13]).extend(&[u8::from(battery.is_some()), 0]);
            answer.push(scale).extend(&[0; 16]).push([0u32; 5]);
        }
        level::SYSTEM_BATTERY_STATE => {
            // SYSTEM_BATTERY_STATE: whether on line, present, charging, discharging; spare and tag. Then what it holds, what is left,
            // the rate, the time left (0xffffffff: not known), and what is left when it warns: 5 and 10 per cent.
            let Power { online, battery } = feeding(k);
            answer.extend(&[u8::from(online), u8::from(battery.is_some())]);
            let battery = battery.unwrap_or(Battery::NONE);
            answer.extend(&[u8::from(battery.charging), u8::from(battery.discharging), 0, 0, 0, 0]);
            answer.push([battery.full, battery.left, battery.rate as u32]);
            let unknown = if battery.full == 0 { 0 } else { u32::MAX };
            answer.push([battery.seconds.unwrap_or(unknown), battery.full / 20, battery.full / 10]);
        }
        level::PROCESSOR_INFORMATION => {
            if output == 0 || output_length == 0 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            // PROCESSOR_POWER_INFORMATION: number, most, now, limit, idle states.
            let megahertz = cpu::rest().megahertz;
            for index in 0..k.processors() {
                answer.push([index, megahertz, megahertz, megahertz, 0, 0]);
            }
        }
        // SYSTEM_POWER_INFORMATION: idleness, which is not measured; time left before sleep: none; active cooling.
        level::SYSTEM_POWER_INFORMATION => {
            answer.push([0u32; 4]);
        }
        // It has never slept.
        level::LAST_WAKE_TIME | level::LAST_SLEEP_TIME => {
            answer.push(0u64);
        }
        level::SYSTEM_EXECUTION_STATE => {
            if input != 0 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            let wished = k.ps.threads().iter().fold(0, |sum, t| sum | t.info.execution_state.load(Ordering::Relaxed));
            answer.push(wished & !execution::CONTINUOUS | execution::USER_PRESENT);
        }
        _ => return Err(STATUS_NOT_IMPLEMENTED),
    }
    if (output_length as usize) < answer.0.len() {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    k.write_user(output, &answer.0)?;
    Ok(STATUS_SUCCESS)
}

/// NtSetThreadExecutionState: what the thread wishes (ES_*); kept, but whether the host sleeps is its own business.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_set_thread_execution_state(cx: &Cx<'_>, new: u32, old: UserPtr<u32>) -> Nt {
    use execution::*;
    let known = SYSTEM_REQUIRED | DISPLAY_REQUIRED | USER_PRESENT | AWAY_MODE_REQUIRED | CONTINUOUS;
    let away_for_once = new & (AWAY_MODE_REQUIRED | CONTINUOUS) == AWAY_MODE_REQUIRED;
    if new & !known != 0 || away_for_once {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let state = &cx.t.info.execution_state;
    let before = if new & CONTINUOUS != 0 {
        state.swap(new, Ordering::Relaxed)
    } else {
        // It resets idle timers once and leaves the wish as it is.
        state.load(Ordering::Relaxed)
    };
    old.write(cx.k, before)?;
    Ok(STATUS_SUCCESS)
}

/// NtInitiatePowerAction: a normal user of a sandbox may not.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD`.
pub fn nt_initiate_power_action(_: &Cx<'_>, _action: u32, _lightest: u32, _flags: u32, _asynchronous: bool) -> Nt {
    Err(STATUS_PRIVILEGE_NOT_HELD)
}

/// NtShutdownSystem: likewise.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD`.
pub fn nt_shutdown_system(_: &Cx<'_>, _action: u32) -> Nt {
    Err(STATUS_PRIVILEGE_NOT_HELD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn structures_have_their_sizes() {
        let (fake, k) = Fake::kernel();
        fake.thread(k, move |cx| {
            let buffer = fake.alloc_bytes(&[0; 128]);
            for (level, size) in [(4, 76), (5, 32), (11, 2 * 24), (12, 16), (14, 8), (16, 4)] {
                let ask = |length| nt_power_information(cx, level, 0, 0, buffer, length);
                assert_eq!(ask(size - 1), Err(STATUS_BUFFER_TOO_SMALL), "level {level}");
                assert_eq!(ask(size), Ok(STATUS_SUCCESS), "level {level}");
            }
            assert_eq!(nt_power_information(cx, 99, 0, 0, buffer, 128), Err(STATUS_NOT_IMPLEMENTED));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn wishes_last_when_they_are_continuous() {
        let (fake, k) = Fake::kernel();
        fake.thread(k, move |cx| {
            let old = fake.alloc(0u32);
            let set = |new| nt_set_thread_execution_state(cx, new, old).map(|_| old.read(cx.k).unwrap());
            assert_eq!(set(0x8000_0001), Ok(0x8000_0000));
            assert_eq!(set(0x2), Ok(0x8000_0001));
            assert_eq!(set(0x8000_0000), Ok(0x8000_0001));
            assert_eq!(set(0x40), Err(STATUS_INVALID_PARAMETER));
            assert_eq!(set(0x100), Err(STATUS_INVALID_PARAMETER));
        })
        .join()
        .unwrap();
    }
}
