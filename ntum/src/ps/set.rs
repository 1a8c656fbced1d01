//! NtSetInformationProcess and NtSetInformationThread.

use super::info::{self, PRIORITY_IDLE, PRIORITY_TIME_CRITICAL, base_priority};
use super::process::Process;
use super::query::class as process_class;
use super::query_thread::class as thread_class;
use super::thread::Thread;
use crate::call::Cx;
use crate::ke::dispatcher::Dispatcher;
use crate::kernel::Kernel;
use crate::mm::allocate::{Request, mem};
use crate::mm::layout::zero_bits_limit;
use crate::mm::region::Limits;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object, Plain as NoBody};
use crate::ob::types::SYNCHRONIZE;
use crate::ob::types::Type;
use crate::status::*;
use crate::types::UnicodeString;
use crate::um::{Plain, UserPtr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// PROCESS_SET_INFORMATION.
const PROCESS_SET_INFORMATION: u32 = 0x200;
/// PROCESS_SET_QUOTA.
const PROCESS_SET_QUOTA: u32 = 0x100;
/// THREAD_SET_INFORMATION.
const THREAD_SET_INFORMATION: u32 = 0x20;
/// THREAD_SET_LIMITED_INFORMATION.
const THREAD_SET_LIMITED_INFORMATION: u32 = 0x400;
/// THREAD_SET_THREAD_TOKEN.
const THREAD_SET_THREAD_TOKEN: u32 = 0x80;

/// Reads what is to be set, if its length is right.
fn value<T: Plain>(cx: &Cx<'_>, buffer: u64, length: u32, wrong: Status) -> Nt<T> {
    if length as usize != size_of::<T>() { Err(wrong) } else { UserPtr::<T>::new(buffer).read(cx.k) }
}

/// NtSetInformationProcess.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INVALID_PARAMETER` or `STATUS_INFO_LENGTH_MISMATCH` for a wrong length (which of
/// them depends on the class), `STATUS_PRIVILEGE_NOT_HELD`, and as for the handle.
pub fn nt_set_information_process(cx: &Cx<'_>, handle: Handle, class: u32, buffer: u64, length: u32) -> Nt {
    let k = cx.k;
    let relaxed = Ordering::Relaxed;
    let process = || -> Nt<Arc<Process>> { Ok(cx.object(handle, PROCESS_SET_INFORMATION)?.process()?.clone()) };
    let mismatch = STATUS_INFO_LENGTH_MISMATCH;
    let invalid = STATUS_INVALID_PARAMETER;
    match class {
        // QUOTA_LIMITS: only the working set's limits can be set.
        process_class::QUOTA_LIMITS => {
            if length != 48 && length != 88 {
                return Err(mismatch);
            }
            let limits: [u64; 6] = UserPtr::new(buffer).read(k)?;
            let process = cx.object(handle, PROCESS_SET_QUOTA)?.process()?.clone();
            if limits[2] > limits[3] {
                return Err(invalid);
            }
            *process.info.working_set.lock() = [limits[2], limits[3]];
        }
        process_class::BASE_PRIORITY | process_class::RAISE_PRIORITY => {
            process()?;
            return Err(STATUS_PRIVILEGE_NOT_HELD);
        }
        process_class::ACCESS_TOKEN => {
            let [token, _thread]: [Handle; 2] = value(cx, buffer, length, mismatch)?;
            let process = cx.object_of(handle, Type::Process, PROCESS_SET_INFORMATION)?;
            let token = crate::se::to_be_primary(cx, token)?;
            return match super::other::process(&process) {
                Some(other) => cx.give_token(other, &token),
                None => {
                    k.set_process_token(token);
                    Ok(STATUS_SUCCESS)
                }
            };
        }
        process_class::DEFAULT_HARD_ERROR_MODE => {
            let mode = value(cx, buffer, length, invalid)?;
            process()?.info.error_mode.store(mode, relaxed);
        }
        process_class::ENABLE_ALIGNMENT_FAULT_FIXUP => {
            value::<u8>(cx, buffer, length, mismatch)?;
            process()?;
        }
        process_class::PRIORITY_CLASS => {
            let [_foreground, class]: [u8; 2] = value(cx, buffer, length, invalid)?;
            process()?;
            let class = u32::from(class);
            if !(info::class::IDLE..=info::class::ABOVE_NORMAL).contains(&class) {
                return Err(invalid);
            }
            // Without SeIncreaseBasePriorityPrivilege real time is high.
            let class = if class == info::class::REALTIME { info::class::HIGH } else { class };
            // What a job says counts.
            k.take_class(k.ps.kept.class(class));
        }
        process_class::AFFINITY_MASK => {
            let mask: u64 = value(cx, buffer, length, invalid)?;
            let process = process()?;
            if mask == 0 || mask & !k.affinity_mask() != 0 {
                return Err(invalid);
            }
            let allowed = k.ps.kept.affinity(k.affinity_mask());
            if mask & !allowed != 0 {
                return Err(invalid);
            }
            process.info.affinity.store(mask, relaxed);
            // Threads go along, as those of Windows do.
            k.ps.threads().iter().for_each(|thread| thread.info.affinity.store(0, relaxed));
            k.place_threads();
            k.apply_schedules();
        }
        process_class::PRIORITY_BOOST => {
            let disabled: u32 = value(cx, buffer, length, mismatch)?;
            process()?.info.boost_disabled.store(disabled != 0, relaxed);
        }
        process_class::FOREGROUND => {
            value::<u8>(cx, buffer, length, mismatch)?;
            process()?;
        }
        // SeTcbPrivilege and SeDebugPrivilege.
        process_class::SESSION | process_class::BREAK_ON_TERMINATION => {
            value::<u32>(cx, buffer, length, mismatch)?;
            process()?;
            return Err(STATUS_PRIVILEGE_NOT_HELD);
        }
        process_class::DEBUG_FLAGS => {
            process()?;
        }
        process_class::DEFAULT_CPU_SETS => {
            let sets = cpu_sets(k, buffer, length)?;
            process()?.info.chosen.sets.store(sets, relaxed);
            k.place_threads();
            k.apply_schedules();
        }
        process_class::IO_PRIORITY => {
            let priority: u32 = value(cx, buffer, length, mismatch)?;
            let process = process()?;
            if priority > 2 {
                return Err(if priority <= 4 { STATUS_PRIVILEGE_NOT_HELD } else { invalid });
            }
            process.info.io_priority.store(priority, relaxed);
        }
        process_class::PAGE_PRIORITY => {
            let priority: u32 = value(cx, buffer, length, mismatch)?;
            let process = process()?;
            if !(1..=5).contains(&priority) {
                return Err(invalid);
            }
            process.info.page_priority.store(priority, relaxed);
        }
        // 64-bit programs have no choice.
        process_class::EXECUTE_FLAGS => return Err(invalid),
        process_class::THREAD_STACK_ALLOCATION => return stack_allocation(cx, handle, buffer, length),
        // PROCESS_MITIGATION_POLICY_INFORMATION: what tightens is accepted and has no effect on a picoprocess.
        process_class::MITIGATION_POLICY => {
            let [policy, _flags]: [u32; 2] = value(cx, buffer, length, mismatch)?;
            process()?;
            if policy > 18 {
                return Err(invalid);
            }
        }
        // PROCESS_POWER_THROTTLING_STATE: version 1, control and state masks.
        process_class::POWER_THROTTLING => {
            let state = value(cx, buffer, length, mismatch)?;
            process()?.info.chosen.throttle(state)?;
            k.apply_schedules();
        }
        // There have been leap seconds, but NT time never shows one here.
        process_class::LEAP_SECOND => {
            value::<[u32; 2]>(cx, buffer, length, mismatch)?;
            process()?;
        }
        process_class::MANAGE_WRITES_TO_EXECUTABLE_MEMORY => return Err(STATUS_NOT_SUPPORTED),
        process_class::INSTRUMENTATION_CALLBACK => return Err(STATUS_NOT_SUPPORTED),
        // Answers an event that is set when the last program of the session ended. A sandbox ends with its first program, and
        // its services with it, so that it never is.
        process_class::WINE_MAKE_PROCESS_SYSTEM => {
            if length as usize != size_of::<Handle>() {
                return Err(mismatch);
            }
            process()?;
            let event = Object::new(Dispatcher::notification(false), Body::Event(NoBody));
            let event = cx.insert(event, SYNCHRONIZE, 0)?;
            return cx.give(UserPtr::new(buffer), event, STATUS_SUCCESS);
        }
        process_class::WINE_GRANT_ADMIN_TOKEN => return Err(STATUS_PRIVILEGE_NOT_HELD),
        _ => return Err(STATUS_INVALID_INFO_CLASS),
    }
    Ok(STATUS_SUCCESS)
}

/// ProcessThreadStackAllocation: reserves a stack's address space. PROCESS_STACK_ALLOCATION_INFORMATION is the size, how
/// many high bits are zero, and the base that is answered; the extended form has 16 bytes in front.
fn stack_allocation(cx: &Cx<'_>, handle: Handle, buffer: u64, length: u32) -> Nt {
    let at = match length {
        24 => buffer,
        40 => buffer.wrapping_add(16),
        _ => return Err(STATUS_INFO_LENGTH_MISMATCH),
    };
    let [reserve, zero_bits]: [u64; 2] = UserPtr::new(at).read(cx.k)?;
    cx.object(handle, PROCESS_SET_INFORMATION)?.process()?;
    let limits = Limits { high: zero_bits_limit(zero_bits, STATUS_INVALID_PARAMETER_3)?, ..Limits::default() };
    let range = cx.k.mm.allocate(cx.k, &Request { kind: mem::RESERVE, limits, ..Request::commit(reserve) })?;
    UserPtr::new(at.wrapping_add(16)).write(cx.k, range.start)?;
    Ok(STATUS_SUCCESS)
}

/// NtSetInformationThread.
///
/// # Errors
/// As [`nt_set_information_process`].
pub fn nt_set_information_thread(cx: &Cx<'_>, handle: Handle, class: u32, buffer: u64, length: u32) -> Nt {
    let k = cx.k;
    let relaxed = Ordering::Relaxed;
    let mismatch = STATUS_INFO_LENGTH_MISMATCH;
    let invalid = STATUS_INVALID_PARAMETER;
    let full = || -> Nt<Arc<Thread>> { Ok(cx.object(handle, THREAD_SET_INFORMATION)?.thread()?.clone()) };
    let limited = || {
        let entry = cx.entry(handle, 0)?;
        let thread = entry.object.thread()?.clone();
        let granted = entry.access & (THREAD_SET_INFORMATION | THREAD_SET_LIMITED_INFORMATION) != 0;
        if granted { Ok(thread) } else { Err(STATUS_ACCESS_DENIED) }
    };
    match class {
        // The absolute priority, 1 to 31: the level that comes nearest.
        thread_class::PRIORITY => {
            let priority: i32 = value(cx, buffer, length, invalid)?;
            let thread = limited()?;
            if !(1..=31).contains(&priority) {
                return Err(invalid);
            }
            if priority >= 16 {
                return Err(STATUS_PRIVILEGE_NOT_HELD);
            }
            let class = k.process().info.class.load(relaxed);
            let nearest = [PRIORITY_IDLE, -2, -1, 0, 1, 2, PRIORITY_TIME_CRITICAL]
                .into_iter()
                .min_by_key(|level| base_priority(class, *level).abs_diff(priority as u32));
            thread.info.level.store(nearest.unwrap_or(0), relaxed);
            k.apply_schedule(&thread);
        }
        thread_class::BASE_PRIORITY => {
            let level: i32 = value(cx, buffer, length, invalid)?;
            let thread = limited()?;
            if !matches!(level, -2..=2 | PRIORITY_IDLE | PRIORITY_TIME_CRITICAL) {
                return Err(invalid);
            }
            thread.info.level.store(level, relaxed);
            k.apply_schedule(&thread);
        }
        thread_class::AFFINITY_MASK => {
            let mask: u64 = value(cx, buffer, length, invalid)?;
            set_affinity(k, &*limited()?, mask & k.affinity_mask())?;
        }
        // GROUP_AFFINITY: mask, group, three reserved.
        thread_class::GROUP => {
            let [mask, group]: [u64; 2] = value(cx, buffer, length, invalid)?;
            let thread = full()?;
            if group != 0 || mask & !k.affinity_mask() != 0 {
                return Err(invalid);
            }
            set_affinity(k, &thread, mask)?;
        }
        thread_class::IMPERSONATION_TOKEN => {
            let token: Handle = value(cx, buffer, length, invalid)?;
            let object = cx.object(handle, THREAD_SET_THREAD_TOKEN)?;
            return match super::other::thread(&object) {
                Some(other) => cx.give_thread_token(other, crate::se::to_impersonate(cx, token)?.as_ref()),
                None => crate::se::impersonate(cx, object.thread()?, token),
            };
        }
        thread_class::ENABLE_ALIGNMENT_FAULT_FIXUP => {
            value::<u8>(cx, buffer, length, mismatch)?;
            full()?;
        }
        thread_class::QUERY_SET_WIN32_START_ADDRESS => {
            let address: u64 = value(cx, buffer, length, invalid)?;
            full()?.info.start_address.store(address, relaxed);
        }
        thread_class::ZERO_TLS_CELL => {
            let index: u32 = value(cx, buffer, length, invalid)?;
            full()?;
            return super::tls::clear(cx, index);
        }
        thread_class::IDEAL_PROCESSOR => {
            let number: u32 = value(cx, buffer, length, mismatch)?;
            let thread = limited()?;
            // MAXIMUM_PROCESSORS (64) asks for no preference and changes nothing. The status is the one before.
            if number > 64 || number < 64 && number >= k.processors() {
                return Err(invalid);
            }
            let ideal = &thread.info.ideal_processor;
            let before = if number == 64 { ideal.load(relaxed) } else { ideal.swap(number, relaxed) };
            return Ok(Status(before));
        }
        // PROCESSOR_NUMBER: group, number, reserved; what it was is answered.
        thread_class::IDEAL_PROCESSOR_EX => {
            let [group_low, group_high, number, _reserved]: [u8; 4] = value(cx, buffer, length, mismatch)?;
            let thread = limited()?;
            if group_low | group_high != 0 || u32::from(number) >= k.processors() {
                return Err(invalid);
            }
            let before = thread.info.ideal_processor.swap(u32::from(number), relaxed);
            UserPtr::new(buffer).write(k, [0, 0, before as u8, 0])?;
        }
        thread_class::PRIORITY_BOOST => {
            let disabled: u32 = value(cx, buffer, length, mismatch)?;
            limited()?.info.boost_disabled.store(disabled != 0, relaxed);
        }
        thread_class::HIDE_FROM_DEBUGGER => {
            if length != 0 {
                return Err(mismatch);
            }
            full()?.info.hidden.store(true, relaxed);
        }
        // SeDebugPrivilege.
        thread_class::BREAK_ON_TERMINATION => {
            value::<u32>(cx, buffer, length, mismatch)?;
            full()?;
            return Err(STATUS_PRIVILEGE_NOT_HELD);
        }
        thread_class::IO_PRIORITY => {
            let priority: u32 = value(cx, buffer, length, mismatch)?;
            let thread = full()?;
            if priority > 2 {
                return Err(if priority <= 4 { STATUS_PRIVILEGE_NOT_HELD } else { invalid });
            }
            thread.info.io_priority.store(priority, relaxed);
        }
        thread_class::PAGE_PRIORITY => {
            let priority: u32 = value(cx, buffer, length, mismatch)?;
            let thread = full()?;
            if !(1..=5).contains(&priority) {
                return Err(invalid);
            }
            thread.info.page_priority.store(priority, relaxed);
        }
        thread_class::NAME => {
            let name: UnicodeString = value(cx, buffer, length, mismatch)?;
            let thread = limited()?;
            if name.length != 0 && name.buffer == 0 {
                return Err(STATUS_ACCESS_VIOLATION);
            }
            *thread.info.name.lock() = name.read(k)?;
        }
        // A name for the host's thread: what it is called there is nobody's business but the monitor's.
        thread_class::WINE_NATIVE_THREAD_NAME => {
            value::<UnicodeString>(cx, buffer, length, mismatch)?;
        }
        thread_class::SELECTED_CPU_SETS => {
            let sets = cpu_sets(k, buffer, length)?;
            let thread = limited()?;
            thread.info.chosen.sets.store(sets, relaxed);
            k.place_threads();
            k.apply_schedule(&thread);
        }
        // THREAD_POWER_THROTTLING_STATE: version 1, control and state masks.
        thread_class::POWER_THROTTLING => {
            let state = value(cx, buffer, length, mismatch)?;
            let thread = full()?;
            thread.info.chosen.throttle(state)?;
            k.apply_schedule(&thread);
        }
        thread_class::MANAGE_WRITES_TO_EXECUTABLE_MEMORY => return Err(STATUS_NOT_SUPPORTED),
        thread_class::WOW64_CONTEXT => return Err(invalid),
        _ => return Err(STATUS_INVALID_INFO_CLASS),
    }
    Ok(STATUS_SUCCESS)
}

/// CPU sets that are chosen: words of 64 bits, a bit for each set that there is; none clears the choice.
fn cpu_sets(k: &Kernel, buffer: u64, length: u32) -> Nt<u64> {
    match length {
        0 => Ok(0),
        _ if !length.is_multiple_of(8) => Err(STATUS_INFO_LENGTH_MISMATCH),
        _ => match UserPtr::<u64>::new(buffer).read(k)? {
            sets if sets & !k.affinity_mask() != 0 => Err(STATUS_INVALID_PARAMETER),
            sets => Ok(sets),
        },
    }
}

/// Sets the processors that a thread may run on.
fn set_affinity(k: &Kernel, thread: &Thread, mask: u64) -> Nt<()> {
    let process = k.process().info.affinity_of(k.affinity_mask());
    if mask == 0 || mask & !process != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if thread.ended() {
        return Err(STATUS_THREAD_IS_TERMINATING);
    }
    thread.info.affinity.store(mask, Ordering::Relaxed);
    k.place_threads();
    k.apply_schedule(thread);
    Ok(())
}
