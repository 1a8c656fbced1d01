//! Classes of NtQuerySystemInformation that list: processes and their threads, handles, modules.

use crate::answer::{Answer, Bytes};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::ob::types::Type;
use crate::ps::info::base_priority;
use crate::ps::thread::Thread;
use crate::status::*;
use crate::types::{ClientId, UnicodeString};
use crate::um::UserPtr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

/// SYSTEM_PROCESS_INFORMATION up to its threads.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct ProcessInformation {
    next: u32,
    threads: u32,
    private_working_set: i64,
    hard_faults: u32,
    most_threads: u32,
    cycles: u64,
    created: i64,
    user_time: i64,
    kernel_time: i64,
    name: UnicodeString,
    base_priority: u32,
    pad: u32,
    process: u64,
    parent: u64,
    handles: u32,
    session: u32,
    key: u64,
    memory: crate::ps::query::VmCounters,
    io: [u64; 6],
}

const _: () = assert!(size_of::<ProcessInformation>() == 256);

/// SYSTEM_THREAD_INFORMATION.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct ThreadInformation {
    kernel_time: i64,
    user_time: i64,
    created: i64,
    wait_time: u32,
    pad: u32,
    start_address: u64,
    client: ClientId,
    priority: u32,
    base_priority: u32,
    context_switches: u32,
    state: u32,
    wait_reason: u32,
    pad2: u32,
}

const _: () = assert!(size_of::<ThreadInformation>() == 80);

fn thread_information(k: &Kernel, thread: &Thread, class: u32) -> ThreadInformation {
    let priority = base_priority(class, thread.info.level.load(Ordering::Relaxed));
    let [kernel_time, user_time] = k.thread_time(thread);
    ThreadInformation {
        kernel_time,
        user_time,
        created: thread.info.created.load(Ordering::Relaxed),
        wait_time: 0,
        pad: 0,
        start_address: thread.win32_start(),
        client: ClientId { process: k.ps.id(), thread: thread.id },
        priority,
        base_priority: priority,
        context_switches: 0,
        // StateWait (5) or StateRunning (2) changes faster than it can be read: "running".
        state: 2,
        wait_reason: 0,
        pad2: 0,
    }
}

/// Where in SYSTEM_PROCESS_INFORMATION the address of the name stands.
const NAME_AT: usize = core::mem::offset_of!(ProcessInformation, name) + core::mem::offset_of!(UnicodeString, buffer);

/// SystemProcessInformation, and with `extended` SystemExtendedProcessInformation: every process of the sandbox.
pub fn processes(cx: &Cx<'_>, to: &Answer, extended: bool) -> Nt {
    let mut answer: Vec<u8> = Vec::new();
    let mut previous: Option<usize> = None;
    for mut entry in core::iter::once(own(cx.k, extended)).chain(cx.others_listed(extended)) {
        let start = answer.len().next_multiple_of(8);
        answer.resize(start, 0);
        if let Some(next) = previous.and_then(|previous| answer.get_mut(previous..previous + 4)) {
            next.copy_from_slice(&((start - previous.unwrap_or(0)) as u32).to_le_bytes());
        }
        // The name lies behind its own entry.
        if let Some(name) = entry.get_mut(NAME_AT..NAME_AT + 8) {
            let within = u64::from_le_bytes(name.try_into().unwrap_or_default());
            let at = to.buffer.wrapping_add(start as u64).wrapping_add(within);
            name.copy_from_slice(&at.to_le_bytes());
        }
        answer.append(&mut entry);
        previous = Some(start);
    }
    to.bytes(cx.k, &answer, STATUS_INFO_LENGTH_MISMATCH)
}

/// The process's own entry in that list; its name's address is counted from the entry's beginning.
pub fn own(k: &Kernel, extended: bool) -> Vec<u8> {
    let process = k.process();
    let class = process.info.class.load(Ordering::Relaxed);
    let mut threads: Vec<Arc<Thread>> = k.ps.threads();
    threads.sort_by_key(|thread| thread.id);
    let mut list = Bytes::default();
    for thread in &threads {
        list.push(thread_information(k, thread, class));
        if extended {
            // Stack base and limit, start address, TEB, and three reserved.
            let teb = thread.teb.load(Ordering::Relaxed);
            let stack: [u64; 2] = UserPtr::new(teb + 8).read(k).unwrap_or_default();
            let start = thread.win32_start();
            list.push([stack[0], stack[1], start, teb, 0, 0, 0]);
        }
    }
    let path = crate::ps::query::image_path(k);
    let file = path.rsplit(|unit| *unit == u16::from(b'\\')).next().unwrap_or_default();
    let name_at = size_of::<ProcessInformation>() + list.0.len();
    let mut information = ProcessInformation::new_zeroed();
    information.threads = threads.len() as u32;
    information.created = process.info.created.load(Ordering::Relaxed);
    [information.kernel_time, information.user_time] = k.process_time();
    information.cycles = k.host.process_time();
    information.name = UnicodeString {
        length: (file.len() * 2) as u16,
        maximum_length: (file.len() * 2 + 2) as u16,
        pad: 0,
        buffer: name_at as u64,
    };
    information.base_priority = base_priority(class, 0);
    information.process = k.ps.id();
    information.parent = k.ps.parent();
    information.handles = k.ob.handles.count() as u32;
    information.session = crate::se::SESSION_ID;
    information.memory = k.vm_counters();
    let mut answer = Bytes::default();
    answer.push(information).extend(&list.0).extend(file.as_bytes()).push(0u16);
    answer.0
}

/// SystemProcessIdInformation: the path of a process by its number.
pub fn process_id(k: &Kernel, to: &Answer) -> Nt {
    let size = 8 + size_of::<UnicodeString>();
    to.returned.write_opt(k, size as u32)?;
    if (to.length as usize) < size {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let id = UserPtr::<u64>::new(to.buffer).read(k)?;
    let at = UserPtr::<UnicodeString>::new(to.buffer.wrapping_add(8));
    let mut text = at.read(k)?;
    if text.length != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if id != k.ps.id() {
        return Err(STATUS_INVALID_CID);
    }
    let mut path = crate::ps::query::device_path(k);
    let length = path.len() * 2;
    path.push(0);
    let room = usize::from(text.maximum_length);
    text.maximum_length = (length + 2) as u16;
    if room < length + 2 {
        at.write(k, text)?;
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    text.length = length as u16;
    // The lengths are told even if the text cannot be.
    at.write(k, text)?;
    k.write_user(text.buffer, path.as_bytes())?;
    Ok(STATUS_SUCCESS)
}

/// Number of a type in handle lists: Windows' own begin at 2.
fn type_index(kind: Type) -> u16 {
    Type::ALL.iter().position(|other| *other == kind).map_or(0, |index| index as u16 + 2)
}

/// SystemHandleInformation. Objects have no addresses that a guest could make sense of: 0.
pub fn handles(k: &Kernel, to: &Answer) -> Nt {
    if to.length < 32 {
        to.returned.write_opt(k, 0)?;
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    k.probe_write(to.buffer, u64::from(to.length))?;
    let handles = k.ob.handles.list();
    let mut answer = Bytes::default();
    answer.push(handles.len() as u32).align(8);
    for (handle, entry) in handles {
        answer.push(k.ps.id() as u32).push(type_index(entry.object.kind()) as u8).push(entry.attributes as u8);
        answer.push(handle.0 as u16).push(0u64).push(entry.access).push(0u32);
    }
    to.bytes(k, &answer.0, STATUS_INFO_LENGTH_MISMATCH)
}

/// SystemExtendedHandleInformation.
pub fn handles_ex(k: &Kernel, to: &Answer) -> Nt {
    if to.length < 56 {
        to.returned.write_opt(k, 0)?;
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    k.probe_write(to.buffer, u64::from(to.length))?;
    let handles = k.ob.handles.list();
    let mut answer = Bytes::default();
    answer.push([handles.len() as u64, 0]);
    for (handle, entry) in handles {
        answer.push([0, k.ps.id(), handle.0]).push(entry.access);
        answer.push([0u16, type_index(entry.object.kind())]).push([entry.attributes, 0]);
    }
    to.bytes(k, &answer.0, STATUS_INFO_LENGTH_MISMATCH)
}

/// What the kernel's modules are called on Windows. None of them exists here: addresses tell nothing, as they do to any
/// caller without administrator's rights since Windows 11.
const MODULES: [&str; 2] = ["\\SystemRoot\\system32\\ntoskrnl.exe", "\\SystemRoot\\system32\\hal.dll"];

/// RTL_PROCESS_MODULE_INFORMATION.
fn module(index: usize) -> Vec<u8> {
    const SIZE: u64 = 0x20_0000;
    let name = MODULES[index];
    let mut bytes = Bytes::default();
    // Section, mapped base, image base, size and flags, load and initialisation order, load count, name offset, name.
    bytes.push([0, 0, 0x1000_0000 + SIZE * index as u64]).push([SIZE as u32, 0]);
    let file = name.rfind('\\').map_or(0, |at| at + 1);
    bytes.push([index as u16, index as u16, 1, file as u16]).extend(name.as_bytes());
    bytes.0.resize(296, 0);
    bytes.0
}

/// SystemModuleInformation.
pub fn modules(k: &Kernel, to: &Answer) -> Nt {
    let mut answer = Bytes::default();
    answer.push(MODULES.len() as u32).align(8);
    (0..MODULES.len()).for_each(|index| {
        answer.extend(&module(index));
    });
    to.bytes(k, &answer.0, STATUS_INFO_LENGTH_MISMATCH)
}

/// SystemModuleInformationEx: each entry begins with the distance to the next, the last with 0.
pub fn modules_ex(k: &Kernel, to: &Answer) -> Nt {
    let mut answer = Bytes::default();
    for index in 0..MODULES.len() {
        // Check sum, time stamp and default base are not known.
        answer.push(320u16).align(8).extend(&module(index)).push([0u64; 2]);
    }
    answer.push(0u16);
    to.bytes(k, &answer.0, STATUS_INFO_LENGTH_MISMATCH)
}
