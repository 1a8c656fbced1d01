//! NtQueryInformationThread.

use super::info::base_priority;
use super::thread::Thread;
use crate::answer::{Answer, Bytes};
use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::types::{ClientId, UnicodeString};
use crate::um::UserPtr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// THREAD_QUERY_INFORMATION.
pub const THREAD_QUERY_INFORMATION: u32 = 0x40;
/// THREAD_QUERY_LIMITED_INFORMATION.
pub const THREAD_QUERY_LIMITED_INFORMATION: u32 = 0x800;

/// THREADINFOCLASS, those that are answered or set (`winternl.h`).
#[allow(missing_docs)]
pub mod class {
    pub const BASIC: u32 = 0;
    pub const TIMES: u32 = 1;
    pub const PRIORITY: u32 = 2;
    pub const BASE_PRIORITY: u32 = 3;
    pub const AFFINITY_MASK: u32 = 4;
    pub const IMPERSONATION_TOKEN: u32 = 5;
    pub const DESCRIPTOR_TABLE_ENTRY: u32 = 6;
    pub const ENABLE_ALIGNMENT_FAULT_FIXUP: u32 = 7;
    pub const QUERY_SET_WIN32_START_ADDRESS: u32 = 9;
    pub const ZERO_TLS_CELL: u32 = 10;
    pub const PERFORMANCE_COUNT: u32 = 11;
    pub const AM_I_LAST_THREAD: u32 = 12;
    pub const IDEAL_PROCESSOR: u32 = 13;
    pub const PRIORITY_BOOST: u32 = 14;
    pub const IS_IO_PENDING: u32 = 16;
    pub const HIDE_FROM_DEBUGGER: u32 = 17;
    pub const BREAK_ON_TERMINATION: u32 = 18;
    pub const IS_TERMINATED: u32 = 20;
    pub const IO_PRIORITY: u32 = 22;
    pub const CYCLE_TIME: u32 = 23;
    pub const PAGE_PRIORITY: u32 = 24;
    pub const ACTUAL_BASE_PRIORITY: u32 = 25;
    pub const TEB: u32 = 26;
    pub const WOW64_CONTEXT: u32 = 29;
    pub const GROUP: u32 = 30;
    pub const IDEAL_PROCESSOR_EX: u32 = 33;
    pub const SUSPEND_COUNT: u32 = 35;
    pub const NAME: u32 = 38;
    pub const SELECTED_CPU_SETS: u32 = 39;
    pub const DYNAMIC_CODE_POLICY: u32 = 42;
    pub const MANAGE_WRITES_TO_EXECUTABLE_MEMORY: u32 = 48;
    pub const POWER_THROTTLING: u32 = 49;
    pub const WINE_NATIVE_THREAD_NAME: u32 = 1000;
}

/// THREAD_BASIC_INFORMATION.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Basic {
    exit_status: u32,
    pad: u32,
    teb: u64,
    client: ClientId,
    affinity: u64,
    priority: i32,
    base_priority: i32,
}

const _: () = assert!(size_of::<Basic>() == 48);

/// The thread behind a handle that lets it be queried, if only a little.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_DENIED`.
pub fn queried(cx: &Cx<'_>, handle: Handle) -> Nt<Arc<Thread>> {
    let entry = cx.entry(handle, 0)?;
    let thread = entry.object.thread()?.clone();
    if entry.access & (THREAD_QUERY_INFORMATION | THREAD_QUERY_LIMITED_INFORMATION) == 0 {
        return Err(STATUS_ACCESS_DENIED);
    }
    Ok(thread)
}

fn queried_fully(cx: &Cx<'_>, handle: Handle) -> Nt<Arc<Thread>> {
    Ok(cx.object(handle, THREAD_QUERY_INFORMATION)?.thread()?.clone())
}

impl Thread {
    /// Processors it may run on.
    pub fn affinity(&self, k: &crate::Kernel) -> u64 {
        let process = k.process().info.affinity_of(k.affinity_mask());
        match self.info.affinity.load(Ordering::Relaxed) & process {
            0 => process,
            some => some,
        }
    }

    /// Its Win32 start address.
    pub fn win32_start(&self) -> u64 {
        match self.info.start_address.load(Ordering::Relaxed) {
            0 => self.start.0,
            set => set,
        }
    }
}

/// NtQueryInformationThread.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_ACCESS_VIOLATION`, and as for the handle.
pub fn nt_query_information_thread(
    cx: &Cx<'_>,
    handle: Handle,
    class: u32,
    buffer: u64,
    length: u32,
    returned: UserPtr<u32>,
) -> Nt {
    let k = cx.k;
    let to = Answer::new(buffer, length, returned);
    let relaxed = Ordering::Relaxed;
    let limited = || queried(cx, handle);
    let full = || queried_fully(cx, handle);
    if let Ok(entry) = cx.entry(handle, 0)
        && let Some(other) = super::other::thread(&entry.object)
    {
        let facts = other.thread();
        return match class {
            class::BASIC => to.exact_or_nothing(k, || {
                Ok(Basic {
                    exit_status: facts.status,
                    pad: 0,
                    teb: facts.teb,
                    client: ClientId { process: facts.process.into(), thread: facts.id.into() },
                    affinity: k.affinity_mask(),
                    priority: 0,
                    base_priority: 0,
                })
            }),
            _ => Err(STATUS_NOT_SUPPORTED),
        };
    }
    match class {
        class::BASIC => to.exact_or_nothing(k, || {
            let thread = limited()?;
            let level = thread.info.level.load(relaxed);
            Ok(Basic {
                exit_status: thread.exit_status.load(relaxed),
                pad: 0,
                teb: thread.teb.load(relaxed),
                client: ClientId { process: cx.k.ps.id(), thread: thread.id },
                affinity: thread.affinity(k),
                // The DLLs take it for the level, not for a priority.
                priority: level,
                base_priority: level,
            })
        }),
        // KERNEL_USER_TIMES: created, ended, kernel, user. Kernel time is the host's kernel's.
        class::TIMES => to.exact_or_nothing(k, || {
            let thread = limited()?;
            let info = &thread.info;
            let [kernel, user] = k.thread_time(&thread);
            Ok([info.created.load(relaxed), info.ended.load(relaxed), kernel, user])
        }),
        class::AFFINITY_MASK => to.exact_or_nothing(k, || Ok(full()?.affinity(k))),
        class::DESCRIPTOR_TABLE_ENTRY => {
            limited()?;
            descriptor(cx, &to)
        }
        class::QUERY_SET_WIN32_START_ADDRESS => to.exact_or_nothing(k, || Ok(full()?.win32_start())),
        class::PERFORMANCE_COUNT => to.exact_or_nothing(k, || full().map(|_| 0u64)),
        class::AM_I_LAST_THREAD => to.exact_or_nothing(k, || {
            limited()?;
            Ok(u32::from(k.ps.threads().len() <= 1))
        }),
        class::PRIORITY_BOOST => to.exact_or_nothing(k, || Ok(u32::from(limited()?.info.boost_disabled.load(relaxed)))),
        // Whether an I/O request is pending: requests belong to files here.
        class::IS_IO_PENDING => to.exact_or_nothing(k, || full().map(|_| 0u32)),
        class::HIDE_FROM_DEBUGGER => to.exact_or_nothing(k, || Ok(u8::from(full()?.info.hidden.load(relaxed)))),
        class::BREAK_ON_TERMINATION => to.exact_or_nothing(k, || Ok(u32::from(full()?.info.critical.load(relaxed)))),
        // Not by its exit status: a thread may end with STATUS_PENDING.
        class::IS_TERMINATED => to.exact_or_nothing(k, || Ok(u32::from(limited()?.info.ended.load(relaxed) != 0))),
        class::IO_PRIORITY => to.exact_or_nothing(k, || Ok(full()?.info.io_priority.load(relaxed))),
        class::PAGE_PRIORITY => to.exact_or_nothing(k, || Ok(full()?.info.page_priority.load(relaxed))),
        // Accumulated and current; a cycle is a nanosecond.
        class::CYCLE_TIME => to.exact_or_nothing(k, || Ok([k.thread_times(&*limited()?)[0], 0])),
        class::ACTUAL_BASE_PRIORITY => to.exact_or_nothing(k, || {
            let process = k.process().info.class.load(relaxed);
            Ok(base_priority(process, limited()?.info.level.load(relaxed)))
        }),
        class::TEB => teb(cx, handle, &to),
        class::WOW64_CONTEXT => Err(STATUS_INVALID_PARAMETER),
        // GROUP_AFFINITY.
        class::GROUP => to.exact_or_nothing(k, || Ok([limited()?.affinity(k), 0])),
        // PROCESSOR_NUMBER: group, number, reserved.
        class::IDEAL_PROCESSOR_EX => {
            to.exact_or_nothing(k, || Ok([0u8, 0, limited()?.info.ideal_processor.load(relaxed) as u8, 0]))
        }
        class::SUSPEND_COUNT => to.exact_or_nothing(k, || Ok(full()?.suspended.load(relaxed) & super::control::COUNT)),
        class::NAME => {
            let text = limited()?.info.name.lock().clone();
            let length = (text.len() * 2) as u16;
            let at = buffer.wrapping_add(size_of::<UnicodeString>() as u64);
            let mut answer = Bytes::default();
            answer.push(UnicodeString { length, maximum_length: length, pad: 0, buffer: at }).extend(text.as_bytes());
            // Only the length is asked for.
            let to = if buffer == 0 { Answer::new(0, 0, returned) } else { to };
            to.bytes(k, &answer.0, STATUS_BUFFER_TOO_SMALL)
        }
        class::SELECTED_CPU_SETS => to.bytes(k, &limited()?.info.chosen.chosen_sets(), STATUS_BUFFER_TOO_SMALL),
        class::POWER_THROTTLING => to.exact_or_nothing(k, || Ok(limited()?.info.chosen.throttling())),
        class::DYNAMIC_CODE_POLICY => to.exact_or_nothing(k, || limited().map(|_| 0u32)),
        _ => Err(STATUS_INVALID_INFO_CLASS),
    }
}

/// THREAD_TEB_INFORMATION: where to copy to (in), offset in the TEB, bytes.
fn teb(cx: &Cx<'_>, handle: Handle, to: &Answer) -> Nt {
    /// Bytes of a TEB.
    const SIZE: u32 = 0x1838;
    if to.length != 16 {
        to.returned.write_opt(cx.k, 16)?;
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let thread = queried_fully(cx, handle)?;
    let target = UserPtr::<u64>::new(to.buffer).read(cx.k)?;
    let [offset, bytes] = UserPtr::<[u32; 2]>::new(to.buffer.wrapping_add(8)).read(cx.k)?;
    if offset.checked_add(bytes).is_none_or(|end| end > SIZE) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let from = thread.teb.load(Ordering::Relaxed).wrapping_add(u64::from(offset));
    let copy = crate::um::UserSlice::new(from, u64::from(bytes)).read_all(cx.k)?;
    cx.k.write_user(target, &copy)?;
    Ok(STATUS_SUCCESS)
}

/// DESCRIPTOR_TABLE_ENTRY: selector in, 8 bytes of descriptor out, for the selectors that 64-bit Windows has.
fn descriptor(cx: &Cx<'_>, to: &Answer) -> Nt {
    if to.length != 12 {
        to.returned.write_opt(cx.k, 12)?;
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let selector = UserPtr::<u32>::new(to.buffer).read(cx.k)?;
    // Limit, base, access, flags: as a flat segment has them; code is 64 or 32 bits wide, fs is the 32-bit TEB's.
    let entry: u64 = match selector & !3 {
        0x30 => 0x00af_fb00_0000_ffff,
        0x20 => 0x00cf_fb00_0000_ffff,
        0x28 => 0x00cf_f300_0000_ffff,
        0x50 => 0x0040_f300_0000_3c00,
        _ => return Err(STATUS_UNSUCCESSFUL),
    };
    let mut answer = Bytes::default();
    answer.push(selector).push(entry);
    to.bytes(cx.k, &answer.0, STATUS_INFO_LENGTH_MISMATCH)
}
