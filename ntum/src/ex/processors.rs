//! Classes of NtQuerySystemInformation about processors: times, topology, sets.

use super::cpu::{self, Cache};
use crate::answer::{Answer, Bytes};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::status::*;

/// Processor time that was idle and used since the host started, for each processor, in 100 ns. A picoprocess sees no
/// times but its own: all the rest counts as idle.
fn times(k: &Kernel) -> (u64, u64) {
    let used = k.host.process_time() / 100 / u64::from(k.processors());
    (k.interrupt_time().saturating_sub(used), used)
}

/// SystemProcessorPerformanceInformation: as many processors as fit. Kernel time includes idle time.
pub fn performance(k: &Kernel, to: &Answer) -> Nt {
    const SIZE: u32 = 48;
    let count = (to.length / SIZE).min(k.processors());
    if count == 0 {
        to.returned.write_opt(k, 0)?;
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let (idle, used) = times(k);
    let mut answer = Bytes::default();
    for _ in 0..count {
        answer.push([idle, idle, used, 0, 0, 0]);
    }
    to.bytes(k, &answer.0, STATUS_INFO_LENGTH_MISMATCH)
}

/// SystemInterruptInformation: counters that nothing but random-number generators reads, so they are random.
pub fn interrupts(k: &Kernel, to: &Answer) -> Nt {
    let mut bytes = vec![0; k.processors() as usize * 24];
    if to.length as usize >= bytes.len() {
        k.host.random(&mut bytes);
    }
    to.bytes(k, &bytes, STATUS_INFO_LENGTH_MISMATCH)
}

/// SystemProcessorIdleCycleTimeInformation; a cycle is a nanosecond.
pub fn idle_cycles(k: &Kernel, to: &Answer) -> Nt {
    let (idle, _) = times(k);
    let mut answer = Bytes::default();
    for _ in 0..k.processors() {
        answer.push(idle * 100);
    }
    to.bytes(k, &answer.0, STATUS_BUFFER_TOO_SMALL)
}

/// LOGICAL_PROCESSOR_RELATIONSHIP.
mod relation {
    pub const CORE: u32 = 0;
    pub const NUMA_NODE: u32 = 1;
    pub const CACHE: u32 = 2;
    pub const PACKAGE: u32 = 3;
    pub const GROUP: u32 = 4;
    pub const ALL: u32 = 0xffff;
}

/// What one entry of the topology says.
enum What {
    Core,
    Node,
    Package,
    Group,
    Cache(Cache),
}

/// The topology: one package, a core for each processor with its own inner caches, one outermost cache for all. A
/// picoprocess may run on any of the host's processors from moment to moment, so a finer picture would not be true.
fn topology(k: &Kernel) -> Vec<(What, u64)> {
    let all = k.affinity_mask();
    let caches = &cpu::rest().caches;
    let mut entries = Vec::new();
    for index in 0..k.processors() {
        let own = 1u64 << index;
        entries.push((What::Core, own));
        entries.extend(caches.iter().filter(|cache| cache.level < 3).map(|cache| (What::Cache(*cache), own)));
    }
    entries.extend(caches.iter().filter(|cache| cache.level >= 3).map(|cache| (What::Cache(*cache), all)));
    entries.push((What::Package, all));
    entries.push((What::Node, all));
    entries
}

/// SystemLogicalProcessorInformation.
pub fn logical(k: &Kernel, to: &Answer) -> Nt {
    let mut answer = Bytes::default();
    for (what, mask) in topology(k) {
        let (relation, detail) = match what {
            What::Core => (relation::CORE, [0u32; 4]),
            What::Node => (relation::NUMA_NODE, [0; 4]),
            What::Package | What::Group => (relation::PACKAGE, [0; 4]),
            What::Cache(cache) => (relation::CACHE, cache.descriptor()),
        };
        answer.push(mask).push([relation, 0]).push(detail);
    }
    to.bytes(k, &answer.0, STATUS_INFO_LENGTH_MISMATCH)
}

/// SystemLogicalProcessorInformationEx: the entries of one relation, or all.
pub fn logical_ex(k: &Kernel, to: &Answer, wanted: u32) -> Nt {
    let mut answer = Bytes::default();
    let mut entries = topology(k);
    entries.push((What::Group, k.affinity_mask()));
    for (what, mask) in entries {
        let (relation, size) = match what {
            What::Core => (relation::CORE, 48u32),
            What::Node => (relation::NUMA_NODE, 48),
            What::Package => (relation::PACKAGE, 48),
            What::Group => (relation::GROUP, 80),
            What::Cache(_) => (relation::CACHE, 56),
        };
        if wanted != relation && wanted != relation::ALL {
            continue;
        }
        answer.push([relation, size]);
        match what {
            // Flags, efficiency class, 20 reserved bytes, group count.
            What::Core | What::Package => answer.extend(&[0; 22]).push(1u16),
            // Node number, 18 reserved bytes, group count.
            What::Node => answer.extend(&[0; 22]).push(1u16),
            What::Cache(cache) => {
                let descriptor = cache.descriptor();
                answer.push([descriptor[0], descriptor[1], descriptor[2]]).extend(&[0; 18]).push(1u16)
            }
            What::Group => {
                let processors = k.processors() as u8;
                // Groups at most and active, 20 reserved bytes; processors at most and active, 38 reserved, mask.
                answer.push([1u16; 2]).extend(&[0; 20]).extend(&[processors; 2]).extend(&[0; 38]).push(mask);
                continue;
            }
        };
        // GROUP_AFFINITY: mask, group, reserved.
        answer.push([mask, 0]);
    }
    to.bytes(k, &answer.0, STATUS_INFO_LENGTH_MISMATCH)
}

/// SystemCpuSetInformation.
pub fn cpu_sets(k: &Kernel, to: &Answer) -> Nt {
    let mut answer = Bytes::default();
    for index in 0..k.processors() {
        // Size, type CpuSetInformation, number (Windows counts from 256), group.
        answer.push([32u32, 0, 0x100 + index]).push(0u16);
        // Processor, core, last-level cache, node, efficiency class, flags; scheduling class; tag.
        answer.extend(&[index as u8, index as u8, 0, 0, 0, 0]).push(0u32).push(0u64);
    }
    to.bytes(k, &answer.0, STATUS_BUFFER_TOO_SMALL)
}

/// NtGetCurrentProcessorNumber: the status is the number.
///
/// # Errors
/// None.
pub fn nt_get_current_processor_number(cx: &Cx<'_>) -> Nt {
    // The host may have more processors than the program is told of, and knows nothing of the thread's wishes.
    let now = cx.k.host.current_processor() % cx.k.processors();
    let wished = cx.t.affinity(cx.k);
    Ok(Status(if wished >> now & 1 != 0 { now } else { wished.trailing_zeros() }))
}
