//! NtQueryInformationProcess.

use super::layout;
use super::process::Process;
use crate::answer::{Answer, Bytes};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::ob::directory;
use crate::ob::handle::Handle;
use crate::ob::types::{MAXIMUM_ALLOWED, Type};
use crate::ps::thread::Thread;
use crate::shm::process::{ProcessFacts, Used};
use crate::status::*;
use crate::types::{UnicodeString, wide};
use crate::um::UserPtr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// PROCESS_QUERY_INFORMATION.
pub const PROCESS_QUERY_INFORMATION: u32 = 0x400;
/// PROCESS_QUERY_LIMITED_INFORMATION.
pub const PROCESS_QUERY_LIMITED_INFORMATION: u32 = 0x1000;

/// PROCESSINFOCLASS, those that are answered or set (`winternl.h`).
#[allow(missing_docs)]
pub mod class {
    pub const BASIC: u32 = 0;
    pub const QUOTA_LIMITS: u32 = 1;
    pub const IO_COUNTERS: u32 = 2;
    pub const VM_COUNTERS: u32 = 3;
    pub const TIMES: u32 = 4;
    pub const BASE_PRIORITY: u32 = 5;
    pub const RAISE_PRIORITY: u32 = 6;
    pub const DEBUG_PORT: u32 = 7;
    pub const ACCESS_TOKEN: u32 = 9;
    pub const DEFAULT_HARD_ERROR_MODE: u32 = 12;
    pub const ENABLE_ALIGNMENT_FAULT_FIXUP: u32 = 17;
    pub const PRIORITY_CLASS: u32 = 18;
    pub const HANDLE_COUNT: u32 = 20;
    pub const AFFINITY_MASK: u32 = 21;
    pub const PRIORITY_BOOST: u32 = 22;
    pub const DEVICE_MAP: u32 = 23;
    pub const SESSION: u32 = 24;
    pub const FOREGROUND: u32 = 25;
    pub const WOW64: u32 = 26;
    pub const IMAGE_FILE_NAME: u32 = 27;
    pub const LUID_DEVICE_MAPS_ENABLED: u32 = 28;
    pub const BREAK_ON_TERMINATION: u32 = 29;
    pub const DEBUG_OBJECT_HANDLE: u32 = 30;
    pub const DEBUG_FLAGS: u32 = 31;
    pub const HANDLE_TRACING: u32 = 32;
    pub const IO_PRIORITY: u32 = 33;
    pub const EXECUTE_FLAGS: u32 = 34;
    pub const COOKIE: u32 = 36;
    pub const IMAGE: u32 = 37;
    pub const CYCLE_TIME: u32 = 38;
    pub const PAGE_PRIORITY: u32 = 39;
    pub const INSTRUMENTATION_CALLBACK: u32 = 40;
    pub const THREAD_STACK_ALLOCATION: u32 = 41;
    pub const IMAGE_FILE_NAME_WIN32: u32 = 43;
    pub const AFFINITY_UPDATE_MODE: u32 = 45;
    pub const MEMORY_ALLOCATION_MODE: u32 = 46;
    pub const GROUP: u32 = 47;
    pub const TOKEN_VIRTUALIZATION_ENABLED: u32 = 48;
    pub const CONSOLE_HOST_PROCESS: u32 = 49;
    pub const WINDOW: u32 = 50;
    pub const HANDLE_INFORMATION: u32 = 51;
    pub const MITIGATION_POLICY: u32 = 52;
    pub const HANDLE_TABLE: u32 = 58;
    pub const COMMAND_LINE: u32 = 60;
    pub const PROTECTION: u32 = 61;
    pub const TELEMETRY_ID: u32 = 64;
    pub const DEFAULT_CPU_SETS: u32 = 66;
    pub const SUBSYSTEM: u32 = 75;
    pub const POWER_THROTTLING: u32 = 77;
    pub const MANAGE_WRITES_TO_EXECUTABLE_MEMORY: u32 = 83;
    pub const UPTIME: u32 = 88;
    pub const LEAP_SECOND: u32 = 97;
    pub const WINE_MAKE_PROCESS_SYSTEM: u32 = 1000;
    pub const WINE_LDT_COPY: u32 = 1001;
    pub const WINE_GRANT_ADMIN_TOKEN: u32 = 1002;
}

/// PROCESS_BASIC_INFORMATION.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Basic {
    exit_status: u32,
    pad: u32,
    peb: u64,
    affinity: u64,
    base_priority: i32,
    pad2: u32,
    process: u64,
    parent: u64,
}

/// VM_COUNTERS_EX. VM_COUNTERS lacks the last field.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[allow(missing_docs)]
pub struct VmCounters {
    pub peak_virtual_size: u64,
    pub virtual_size: u64,
    pub page_faults: u32,
    pub pad: u32,
    pub peak_working_set: u64,
    pub working_set: u64,
    pub quota: [u64; 4],
    pub pagefile_usage: u64,
    pub peak_pagefile_usage: u64,
    pub private_usage: u64,
}

const _: () = assert!(size_of::<VmCounters>() == 96);

impl Kernel {
    /// The process.
    pub fn process(&self) -> Arc<Process> {
        match &self.ps.process_object().body {
            crate::ob::Body::Process(process) => process.clone(),
            // `process_object` makes nothing else.
            _ => Arc::new(Process::default()),
        }
    }

    /// VM_COUNTERS_EX of the process. What of the committed memory is resident is the host's to know: all counts.
    pub fn vm_counters(&self) -> VmCounters {
        let (reserved, committed, peak) = (self.mm.reserved(), self.mm.committed(), self.mm.peak());
        VmCounters {
            peak_virtual_size: reserved,
            virtual_size: reserved,
            peak_working_set: peak,
            working_set: committed,
            pagefile_usage: committed,
            peak_pagefile_usage: peak,
            private_usage: committed,
            ..Default::default()
        }
    }

    /// Nanoseconds of a thread's processor time: in all, and outside of the host's kernel; of one that ended, as it was then.
    pub fn thread_times(&self, thread: &Thread) -> [u64; 2] {
        if thread.ended() {
            return thread.info.time_at_end.each_ref().map(|time| time.load(Ordering::Relaxed));
        }
        let all = self.host.thread_time(thread);
        [all, self.host.user_time(Some(thread)).min(all)]
    }

    /// Kernel and user time of a thread, in 100 ns.
    pub fn thread_time(&self, thread: &Thread) -> [i64; 2] {
        apart(self.thread_times(thread))
    }

    /// Kernel and user time of the process, in 100 ns.
    pub fn process_time(&self) -> [i64; 2] {
        let all = self.host.process_time();
        apart([all, self.host.user_time(None).min(all)])
    }

    /// IO_COUNTERS of the process.
    pub fn io_counters(&self) -> [u64; 6] {
        let mut all = self.process().info.io.get();
        for thread in self.ps.threads() {
            all.iter_mut().zip(thread.info.io.get()).for_each(|(sum, count)| *sum += count);
        }
        all
    }

    /// What jobs count of the process.
    pub fn used(&self) -> Used {
        let [kernel, user] = self.process_time().map(|time| time as u64);
        Used { user, kernel, io: self.io_counters(), committed: self.mm.committed(), peak: self.mm.peak() }
    }
}

/// Kernel and user time in 100 ns, of all processor time and the user's in nanoseconds.
fn apart([all, user]: [u64; 2]) -> [i64; 2] {
    [((all - user) / 100) as i64, (user / 100) as i64]
}

/// The process behind a handle that lets it be queried, if only a little.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_DENIED`.
pub fn queried(cx: &Cx<'_>, handle: Handle) -> Nt<Arc<Process>> {
    let entry = cx.entry(handle, 0)?;
    if entry.object.kind() != Type::Process {
        return Err(STATUS_OBJECT_TYPE_MISMATCH);
    }
    if entry.access & (PROCESS_QUERY_INFORMATION | PROCESS_QUERY_LIMITED_INFORMATION) == 0 {
        return Err(STATUS_ACCESS_DENIED);
    }
    entry.object.process().cloned()
}

fn queried_fully(cx: &Cx<'_>, handle: Handle) -> Nt<Arc<Process>> {
    Ok(cx.object(handle, PROCESS_QUERY_INFORMATION)?.process()?.clone())
}

/// Path of the program.
pub fn image_path(k: &Kernel) -> Vec<u16> {
    wide(&k.ps.program(k))
}

/// Path of the program by its device: what its drive letter is a link to, and the rest.
pub fn device_path(k: &Kernel) -> Vec<u16> {
    on_device(k, image_path(k))
}

fn on_device(k: &Kernel, path: Vec<u16>) -> Vec<u16> {
    let Some((drive, rest)) = path.split_at_checked(2) else { return path };
    let mut link = wide("\\??\\");
    link.extend_from_slice(drive);
    match directory::walk(&k.ob.root, None, &link, true, true) {
        Ok(directory::Found::Object(found)) => match found.symbolic_link() {
            Ok(link) => [link.target.read().as_slice(), rest].concat(),
            Err(_) => path,
        },
        _ => path,
    }
}

/// A UNICODE_STRING with its text behind it, as name classes answer.
fn name(cx: &Cx<'_>, to: &Answer, text: &[u16]) -> Nt {
    let length = (text.len() * 2) as u16;
    let mut answer = Bytes::default();
    let buffer = to.buffer.wrapping_add(size_of::<UnicodeString>() as u64);
    answer
        .push(UnicodeString { length, maximum_length: length.saturating_add(2), pad: 0, buffer })
        .extend(text.as_bytes())
        .push(0u16);
    to.bytes(cx.k, &answer.0, STATUS_INFO_LENGTH_MISMATCH)
}

/// Whether a class is answered of another process without asking it: of one that has ended too.
pub fn is_known_of_others(class: u32, process: impl FnOnce() -> ProcessFacts) -> bool {
    let ended = |process: &ProcessFacts| process.status != STATUS_PENDING.0;
    match class {
        class::TIMES | class::IO_COUNTERS | class::DEBUG_FLAGS | class::DEBUG_PORT => ended(&process()),
        // Where its PEB lies, one that has just been made must say itself.
        class::BASIC => {
            let process = process();
            process.peb != 0 || ended(&process)
        }
        class::SESSION | class::WOW64 | class::PRIORITY_CLASS => true,
        class => matches!(class, class::IMAGE_FILE_NAME | class::IMAGE_FILE_NAME_WIN32),
    }
}

/// What another process answered, where it is a UNICODE_STRING with its text behind it: that lies here now.
pub fn with_name_at(call: &str, arguments: &[u64], argument: usize, mut bytes: Vec<u8>) -> Vec<u8> {
    let names = [class::IMAGE_FILE_NAME, class::IMAGE_FILE_NAME_WIN32, class::COMMAND_LINE].map(u64::from);
    if call == "NtQueryInformationProcess"
        && argument == 2
        && let [_, class, buffer, ..] = arguments
        && names.contains(class)
        && let Some(pointer) = bytes.get_mut(8..16)
    {
        pointer.copy_from_slice(&(buffer + size_of::<UnicodeString>() as u64).to_le_bytes());
    }
    bytes
}

/// What is answered of another process; `None` if the handle is to the caller's own.
fn query_other(cx: &Cx<'_>, handle: Handle, class: u32, to: &Answer) -> Nt<Option<Status>> {
    let Ok(entry) = cx.entry(handle, 0) else { return Ok(None) };
    let Some(other) = super::other::process(&entry.object) else { return Ok(None) };
    if entry.access & (PROCESS_QUERY_INFORMATION | PROCESS_QUERY_LIMITED_INFORMATION) == 0 {
        return Err(STATUS_ACCESS_DENIED);
    }
    let facts = other.process();
    match class {
        class::BASIC => to.exact(cx.k, || {
            Ok(Basic {
                exit_status: facts.status,
                pad: 0,
                peb: facts.peb,
                affinity: cx.k.affinity_mask(),
                base_priority: facts.priority as i32,
                pad2: 0,
                process: facts.id.into(),
                parent: facts.parent.into(),
            })
        }),
        // Of one that has ended: the others are asked themselves.
        class::TIMES => to.exact(cx.k, || {
            let used = other.used();
            Ok([facts.created, facts.ended, used.kernel as i64, used.user as i64])
        }),
        class::IO_COUNTERS => to.exact(cx.k, || Ok(other.used().io)),
        class::DEBUG_FLAGS => to.exact(cx.k, || Ok(0u32)),
        class::DEBUG_PORT => to.exact_or_nothing(cx.k, || Ok(0u64)),
        class::SESSION => to.exact(cx.k, || Ok(1u32)),
        class::WOW64 => to.exact(cx.k, || Ok(0u64)),
        class::PRIORITY_CLASS => to.exact(cx.k, || Ok([0u8, facts.priority as u8])),
        class::IMAGE_FILE_NAME | class::IMAGE_FILE_NAME_WIN32 => {
            let path = facts.image.strip_prefix(&wide("\\??\\")[..]).unwrap_or(&facts.image).to_vec();
            name(cx, to, &if class == class::IMAGE_FILE_NAME { on_device(cx.k, path) } else { path })
        }
        _ => Err(STATUS_NOT_SUPPORTED),
    }
    .map(Some)
}

/// NtQueryInformationProcess.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_ACCESS_VIOLATION`, and as for the handle.
pub fn nt_query_information_process(
    cx: &Cx<'_>,
    handle: Handle,
    class: u32,
    buffer: u64,
    length: u32,
    returned: UserPtr<u32>,
) -> Nt {
    let k = cx.k;
    let to = Answer::new(buffer, length, returned);
    if let Some(answer) = query_other(cx, handle, class, &to)? {
        return Ok(answer);
    }
    let relaxed = Ordering::Relaxed;
    let limited = || queried(cx, handle);
    let full = || queried_fully(cx, handle);
    match class {
        class::BASIC => to.exact(k, || {
            let info = &limited()?.info;
            Ok(Basic {
                exit_status: k.ps.exit_status.load(relaxed),
                pad: 0,
                peb: k.ps.peb(),
                affinity: info.affinity_of(k.affinity_mask()),
                // The DLLs take it for the class, not for a priority.
                base_priority: info.class.load(relaxed) as i32,
                pad2: 0,
                process: cx.k.ps.id(),
                parent: cx.k.ps.parent(),
            })
        }),
        // QUOTA_LIMITS: pools, working set, page file, time; all unlimited but the working set.
        class::QUOTA_LIMITS => {
            if length == 48 {
                limited()?;
            }
            to.exact(k, || {
                let [least, most] = *limited()?.info.working_set.lock();
                Ok([u64::MAX, u64::MAX, least, most, u64::MAX, u64::MAX])
            })
        }
        class::IO_COUNTERS => to.exact(k, || limited().map(|_| k.io_counters())),
        class::VM_COUNTERS => match length {
            88 => to.exact(k, || {
                limited()?;
                let all = k.vm_counters();
                let mut counters = [0u8; 88];
                counters.copy_from_slice(&all.as_bytes()[..88]);
                Ok(counters)
            }),
            0..88 => to.exact(k, || Ok(VmCounters::default())),
            _ => to.exact(k, || limited().map(|_| k.vm_counters())),
        },
        // KERNEL_USER_TIMES: created, ended, kernel, user. Kernel time is the host's kernel's.
        class::TIMES => to.exact(k, || {
            let info = &limited()?.info;
            let [kernel, user] = k.process_time();
            Ok([info.created.load(relaxed), 0, kernel, user])
        }),
        class::DEBUG_PORT => to.exact_or_nothing(k, || full().map(|_| if k.is_debugged() { u64::MAX } else { 0 })),
        class::DEBUG_OBJECT_HANDLE => {
            to.exact_or_nothing(k, || full().map(|_| 0u64))?;
            let debug = if k.is_debugged() { k.debug_object()? } else { None };
            let made = cx.insert(debug.ok_or(STATUS_PORT_NOT_SET)?, MAXIMUM_ALLOWED, 0)?;
            UserPtr::new(to.buffer).write(k, made)?;
            Ok(STATUS_SUCCESS)
        }
        // Whether processes that it makes are debugged as it is.
        class::DEBUG_FLAGS => to.exact(k, || full().map(|_| u32::from(k.passes_debugger_on()))),
        class::DEFAULT_HARD_ERROR_MODE => to.exact(k, || Ok(limited()?.info.error_mode.load(relaxed))),
        class::PRIORITY_CLASS => to.exact(k, || {
            // Foreground, class.
            Ok([0u8, limited()?.info.class.load(relaxed) as u8])
        }),
        class::HANDLE_COUNT => to.exact(k, || limited().map(|_| k.ob.handles.count() as u32)),
        class::AFFINITY_MASK => to.exact_or_nothing(k, || Ok(limited()?.info.affinity_of(k.affinity_mask()))),
        class::PRIORITY_BOOST => to.exact(k, || Ok(u32::from(limited()?.info.boost_disabled.load(relaxed)))),
        class::DEVICE_MAP => {
            limited()?;
            device_map(k, &to)
        }
        class::SESSION => to.exact(k, || limited().map(|_| crate::se::SESSION_ID)),
        class::WOW64 => to.exact_or_nothing(k, || limited().map(|_| 0u64)),
        class::IMAGE_FILE_NAME => {
            limited()?;
            name(cx, &to, &device_path(k))
        }
        class::IMAGE_FILE_NAME_WIN32 => {
            limited()?;
            name(cx, &to, &image_path(k))
        }
        class::LUID_DEVICE_MAPS_ENABLED => to.exact(k, || limited().map(|_| 1u32)),
        class::BREAK_ON_TERMINATION => to.exact(k, || Ok(u32::from(full()?.info.critical.load(relaxed)))),
        class::HANDLE_TRACING => full().and(Err(STATUS_INVALID_PARAMETER)),
        class::IO_PRIORITY => to.exact(k, || Ok(limited()?.info.io_priority.load(relaxed))),
        class::PAGE_PRIORITY => to.exact(k, || Ok(limited()?.info.page_priority.load(relaxed))),
        // MEM_EXECUTE_OPTION_DISABLE, _DISABLE_THUNK_EMULATION, _PERMANENT: 64-bit programs have no choice.
        class::EXECUTE_FLAGS => to.exact(k, || full().map(|_| 0xdu32)),
        class::COOKIE => {
            limited()?;
            // The caller's own, by its pseudo handle.
            if handle != Handle::CURRENT_PROCESS {
                return Err(STATUS_INVALID_PARAMETER);
            }
            to.exact(k, || Ok(cookie(k)))
        }
        class::IMAGE => to.exact(k, || limited()?.info.image.lock().ok_or(STATUS_INVALID_PARAMETER)),
        // Accumulated and current; a cycle is a nanosecond.
        class::CYCLE_TIME => to.exact(k, || limited().map(|_| [k.host.process_time(), 0])),
        // Group numbers; there is one group, 0.
        class::GROUP => {
            limited()?;
            to.bytes(k, &[0, 0], STATUS_BUFFER_TOO_SMALL)
        }
        class::AFFINITY_UPDATE_MODE | class::MEMORY_ALLOCATION_MODE => to.exact(k, || limited().map(|_| 0u32)),
        // conhost's number; the kernel is its own console host.
        class::CONSOLE_HOST_PROCESS => to.exact(k, || limited().map(|_| 0u64)),
        class::HANDLE_INFORMATION => {
            full()?;
            handle_snapshot(k, &to)
        }
        class::MITIGATION_POLICY => mitigation(cx, handle, &to),
        class::HANDLE_TABLE => {
            full()?;
            let handles: Vec<u32> = k.ob.handles.list().iter().map(|(handle, _)| handle.0 as u32).collect();
            to.bytes(k, handles.as_bytes(), STATUS_BUFFER_TOO_SMALL)
        }
        class::COMMAND_LINE => {
            limited()?;
            let parameters = UserPtr::<u64>::new(k.ps.peb() + layout::peb::PROCESS_PARAMETERS).read(k)?;
            let line = UserPtr::<UnicodeString>::new(parameters + layout::parameters::COMMAND_LINE);
            name(cx, &to, &line.text(k)?)
        }
        // PS_PROTECTION: none.
        class::PROTECTION => to.exact(k, || limited().map(|_| 0u8)),
        class::DEFAULT_CPU_SETS => to.bytes(k, &limited()?.info.chosen.chosen_sets(), STATUS_BUFFER_TOO_SMALL),
        class::POWER_THROTTLING => to.exact(k, || Ok(limited()?.info.chosen.throttling())),
        // SubsystemInformationTypeWin32.
        class::SUBSYSTEM => to.exact(k, || limited().map(|_| 0u32)),
        // PROCESS_UPTIME_INFORMATION: system time, start, interrupt time at the start, uptime, and what was spent asleep.
        class::UPTIME => to.exact(k, || {
            let now = k.system_time();
            let up = now.saturating_sub(limited()?.info.created.load(relaxed)) as u64;
            let interrupt = k.interrupt_time();
            Ok([interrupt, interrupt, interrupt.saturating_sub(up), up, 0, 0])
        }),
        class::WINE_LDT_COPY => Err(STATUS_NOT_IMPLEMENTED),
        _ => {
            returned.write_opt(k, 0)?;
            Err(STATUS_INVALID_INFO_CLASS)
        }
    }
}

/// The process's random number, made when it is first asked for.
fn cookie(k: &Kernel) -> u32 {
    let info = &k.process().info;
    loop {
        let now = info.cookie.load(Ordering::Relaxed);
        if now != 0 {
            return now;
        }
        let mut bytes = [0; 4];
        k.host.random(&mut bytes);
        let new = u32::from_le_bytes(bytes);
        let _ = info.cookie.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// PROCESS_DEVICEMAP_INFORMATION: a bit for each drive letter, and a DRIVE_* type for each.
fn device_map(k: &Kernel, to: &Answer) -> Nt {
    const DRIVE_FIXED: u8 = 3;
    let mut map = 0u32;
    let mut types = [0u8; 32];
    for letter in crate::io::disk::letters(k) {
        let index = usize::from(letter - b'A');
        map |= 1 << index;
        types[index] = DRIVE_FIXED;
    }
    let mut answer = Bytes::default();
    answer.push(map).extend(&types);
    // The second form has flags behind it.
    if to.length == 40 {
        answer.push(0u32);
    } else if to.length != 36 {
        to.returned.write_opt(k, 36)?;
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    to.bytes(k, &answer.0, STATUS_INFO_LENGTH_MISMATCH)
}

/// PROCESS_HANDLE_SNAPSHOT_INFORMATION.
fn handle_snapshot(k: &Kernel, to: &Answer) -> Nt {
    let handles = k.ob.handles.list();
    let mut answer = Bytes::default();
    answer.push([handles.len() as u64, 0]);
    for (handle, entry) in handles {
        let references = Arc::strong_count(&entry.object) as u64;
        answer.push([handle.0, u64::from(entry.object.handles.load(Ordering::Relaxed)), references]);
        answer.push([entry.access, entry.object.kind() as u32, entry.attributes, 0]);
    }
    to.bytes(k, &answer.0, STATUS_INFO_LENGTH_MISMATCH)
}

/// PROCESS_MITIGATION_POLICY_INFORMATION: the policy's number comes in, its flags go out.
fn mitigation(cx: &Cx<'_>, handle: Handle, to: &Answer) -> Nt {
    if to.length != 8 {
        to.returned.write_opt(cx.k, 8)?;
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let info = queried(cx, handle)?;
    let policy = UserPtr::<u32>::new(to.buffer).read(cx.k)?;
    let characteristics = info.info.image.lock().map_or(0, |image| image.dll_characteristics);
    let has = |flag: u16| u32::from(characteristics & flag != 0);
    let flags = match policy {
        // DEP: on, for good.
        0 => 3,
        // ASLR: bottom-up randomisation, high entropy (IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA).
        1 => 1 | has(0x20) << 2,
        2..=18 => 0,
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    to.exact(cx.k, || Ok([policy, flags]))
}
