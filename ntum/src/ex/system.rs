//! NtQuerySystemInformation(Ex): which class is answered where, and the classes that are numbers only.

use super::{cpu, firmware, listing, processors};
use crate::answer::{Answer, Bytes};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::{HIGHEST, LOWEST, UserPtr};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

/// SYSTEM_INFORMATION_CLASS, those that are answered (`winternl.h`).
#[allow(missing_docs)]
pub mod class {
    pub const BASIC: u32 = 0;
    pub const CPU: u32 = 1;
    pub const PERFORMANCE: u32 = 2;
    pub const TIME_OF_DAY: u32 = 3;
    pub const PROCESS: u32 = 5;
    pub const PROCESSOR_PERFORMANCE: u32 = 8;
    pub const FLAGS: u32 = 9;
    pub const MODULE: u32 = 11;
    pub const HANDLE: u32 = 16;
    pub const PAGE_FILE: u32 = 18;
    pub const FILE_CACHE: u32 = 21;
    pub const INTERRUPT: u32 = 23;
    pub const TIME_ADJUSTMENT: u32 = 28;
    pub const KERNEL_DEBUGGER: u32 = 35;
    pub const REGISTRY_QUOTA: u32 = 37;
    pub const CURRENT_TIME_ZONE: u32 = 44;
    pub const RANGE_START: u32 = 50;
    pub const EXTENDED_PROCESS: u32 = 57;
    pub const RECOMMENDED_SHARED_DATA_ALIGNMENT: u32 = 58;
    pub const EMULATION_BASIC: u32 = 62;
    pub const EMULATION_PROCESSOR: u32 = 63;
    pub const EXTENDED_HANDLE: u32 = 64;
    pub const LOGICAL_PROCESSOR: u32 = 73;
    pub const FIRMWARE_TABLE: u32 = 76;
    pub const MODULE_EX: u32 = 77;
    pub const PROCESSOR_IDLE_CYCLE_TIME: u32 = 83;
    pub const PROCESS_ID: u32 = 88;
    pub const DYNAMIC_TIME_ZONE: u32 = 102;
    pub const CODE_INTEGRITY: u32 = 103;
    pub const PROCESSOR_BRAND_STRING: u32 = 105;
    pub const LOGICAL_PROCESSOR_EX: u32 = 107;
    pub const NATIVE_BASIC: u32 = 114;
    pub const BASIC_PERFORMANCE: u32 = 123;
    pub const SECURE_BOOT: u32 = 145;
    pub const KERNEL_DEBUGGER_EX: u32 = 149;
    pub const PROCESSOR_FEATURES: u32 = 154;
    pub const CPU_SET: u32 = 175;
    pub const SUPPORTED_PROCESSOR_ARCHITECTURES: u32 = 181;
    pub const WINE_VERSION: u32 = 1000;
}

/// SYSTEM_BASIC_INFORMATION.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Basic {
    reserved: u32,
    maximum_increment: u32,
    page_size: u32,
    physical_pages: u32,
    lowest_page: u32,
    highest_page: u32,
    allocation_granularity: u64,
    lowest_address: u64,
    highest_address: u64,
    affinity: u64,
    processors: u8,
    pad: [u8; 7],
}

/// SYSTEM_CPU_INFORMATION.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct CpuInformation {
    architecture: u16,
    level: u16,
    revision: u16,
    maximum_processors: u16,
    features: u32,
}

/// SYSTEM_PERFORMANCE_INFORMATION: the fields that are filled, and those behind them that the host does not show.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Performance {
    idle_time: i64,
    transfers: [u64; 3],
    operations: [u32; 3],
    available_pages: u32,
    committed_pages: u32,
    commit_limit: u32,
    peak_commitment: u32,
    rest: [u32; 63],
}

const _: () = assert!(size_of::<Performance>() == 312);

/// SYSTEM_TIMEOFDAY_INFORMATION.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct TimeOfDay {
    boot_time: i64,
    system_time: i64,
    zone_bias: i64,
    zone_id: u32,
    reserved: u32,
    boot_time_bias: u64,
    sleep_time_bias: u64,
}

impl Kernel {
    /// Processors that the program may use, 1 to 64.
    pub fn processors(&self) -> u32 {
        self.boot.processors.clamp(1, 64)
    }

    /// A bit for each of them.
    pub fn affinity_mask(&self) -> u64 {
        u64::MAX >> (64 - self.processors())
    }

    /// Pages of memory that the program sees: the host's, or what it may commit if that is less.
    pub fn memory_pages(&self) -> u64 {
        let bytes = match self.boot.memory {
            0 => self.boot.host_memory,
            limit => limit.min(self.boot.host_memory),
        };
        (bytes / 0x1000).max(1)
    }
}

fn basic(k: &Kernel) -> Basic {
    let pages = u32::try_from(k.memory_pages()).unwrap_or(u32::MAX);
    Basic {
        reserved: 0,
        maximum_increment: super::time::COARSEST_PERIOD,
        page_size: 0x1000,
        physical_pages: pages,
        lowest_page: 1,
        highest_page: pages,
        allocation_granularity: 0x1_0000,
        lowest_address: LOWEST,
        highest_address: HIGHEST - 1,
        affinity: k.affinity_mask(),
        processors: k.processors() as u8,
        pad: [0; 7],
    }
}

fn cpu_information(k: &Kernel, architecture: u16) -> CpuInformation {
    let cpu = cpu::cpu();
    CpuInformation {
        architecture,
        level: cpu.level,
        revision: cpu.revision,
        maximum_processors: k.processors() as u16,
        features: cpu.features as u32,
    }
}

fn performance(k: &'static Kernel) -> Performance {
    let pages = k.memory_pages();
    let (committed, limit) = (k.committed() / 0x1000, k.mm.commit_limit(k) / 0x1000);
    let short = |pages: u64| u32::try_from(pages).unwrap_or(u32::MAX);
    let mut information = Performance::new_zeroed();
    information.available_pages = short(pages.saturating_sub(committed));
    information.committed_pages = short(committed);
    information.commit_limit = short(limit);
    information.peak_commitment = short(k.mm.peak() / 0x1000).max(short(committed));
    information
}

fn time_of_day(k: &Kernel) -> TimeOfDay {
    let rules = k.zone_now();
    let now = k.system_time();
    TimeOfDay {
        boot_time: *k.ex.boot_time.get_or_init(|| now - k.interrupt_time() as i64),
        system_time: now,
        zone_bias: rules.bias_seconds() * 10_000_000,
        zone_id: rules.id(),
        reserved: 0,
        boot_time_bias: 0,
        sleep_time_bias: 0,
    }
}

/// NtQuerySystemInformation.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_ACCESS_VIOLATION`, and what the class says.
pub fn nt_query_system_information(cx: &Cx<'_>, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) -> Nt {
    let k = cx.k;
    let to = Answer::new(buffer, length, returned);
    let mismatch = STATUS_INFO_LENGTH_MISMATCH;
    match class {
        class::BASIC | class::EMULATION_BASIC | class::NATIVE_BASIC => to.exact(k, || Ok(basic(k))),
        class::CPU => to.at_least(k, || Ok(cpu_information(k, cpu::ARCHITECTURE_AMD64))),
        class::EMULATION_PROCESSOR => to.at_least(k, || Ok(cpu_information(k, cpu::ARCHITECTURE_INTEL))),
        class::PERFORMANCE => to.at_least(k, || Ok(performance(k))),
        class::TIME_OF_DAY => {
            if length as usize > size_of::<TimeOfDay>() {
                returned.write_opt(k, 0)?;
                return Err(mismatch);
            }
            k.probe_write(buffer, u64::from(length))?;
            to.cut(k, time_of_day(k))
        }
        class::PROCESS => listing::processes(cx, &to, false),
        class::EXTENDED_PROCESS => listing::processes(cx, &to, true),
        class::PROCESS_ID => listing::process_id(k, &to),
        class::HANDLE => listing::handles(k, &to),
        class::EXTENDED_HANDLE => listing::handles_ex(k, &to),
        class::MODULE => listing::modules(k, &to),
        class::MODULE_EX => listing::modules_ex(k, &to),
        class::PROCESSOR_PERFORMANCE => processors::performance(k, &to),
        class::INTERRUPT => processors::interrupts(k, &to),
        class::LOGICAL_PROCESSOR => processors::logical(k, &to),
        class::PROCESSOR_IDLE_CYCLE_TIME => processors::idle_cycles(k, &to),
        class::CPU_SET => Err(STATUS_INVALID_PARAMETER),
        class::FLAGS => to.exact(k, || Ok(0u32)),
        class::PAGE_FILE => to.bytes(k, &[], mismatch),
        // SYSTEM_FILECACHE_INFORMATION: the host's cache is not the guest's to see.
        class::FILE_CACHE => to.at_least(k, || Ok([0u64; 8])),
        // Adjustment and increment in 100 ns, and that the clock is not adjusted.
        class::TIME_ADJUSTMENT => to.exact(k, || Ok([super::time::COARSEST_PERIOD, super::time::COARSEST_PERIOD, 1])),
        // SYSTEM_KERNEL_DEBUGGER_INFORMATION: not enabled, not present.
        class::KERNEL_DEBUGGER => to.at_least(k, || Ok([0u8, 1])),
        class::KERNEL_DEBUGGER_EX => to.at_least(k, || Ok([0u8; 3])),
        // Allowed, used and the size of the paged pool: the layer above the hive is bounded by memory alone.
        class::REGISTRY_QUOTA => to.at_least(k, || Ok([0x0200_0000_u32, 0x0020_0000, 0x0020_0000, 0])),
        class::CURRENT_TIME_ZONE => super::time_zone::current(k, &to),
        class::DYNAMIC_TIME_ZONE => super::time_zone::dynamic(k, &to),
        class::RANGE_START => to.exact(k, || Ok(0xffff_8000_0000_0000_u64)),
        class::RECOMMENDED_SHARED_DATA_ALIGNMENT => to.at_least(k, || Ok(64u32)),
        class::FIRMWARE_TABLE => firmware::table(k, &to),
        // CODEINTEGRITY_OPTION_ENABLED; the length field is the caller's.
        class::CODE_INTEGRITY => to.at_least(k, || Ok([8u32, 1])),
        class::PROCESSOR_BRAND_STRING => {
            let brand = &cpu::rest().brand;
            if brand[0] == 0 {
                return Err(STATUS_NOT_SUPPORTED);
            }
            crate::um::check_alignment(buffer, 4)?;
            let mut text = [0; 49];
            text[..48].copy_from_slice(brand);
            to.bytes(k, &text, mismatch)
        }
        // SYSTEM_BASIC_PERFORMANCE_INFORMATION: available, committed, limit and peak, in pages.
        class::BASIC_PERFORMANCE => to.exact(k, || {
            let p = performance(k);
            Ok([p.available_pages, p.committed_pages, p.commit_limit, p.peak_commitment].map(u64::from))
        }),
        // Neither enabled nor capable.
        class::SECURE_BOOT => to.exact(k, || Ok([0u8, 0])),
        class::PROCESSOR_FEATURES => to.at_least(k, || Ok([cpu::cpu().features, 0, 0, 0])),
        class::WINE_VERSION => wine_version(k, &to),
        _ => {
            returned.write_opt(k, 0)?;
            Err(STATUS_INVALID_INFO_CLASS)
        }
    }
}

/// What Wine's DLLs ask to name their Unix side: version, build, system, release.
fn wine_version(k: &Kernel, to: &Answer) -> Nt {
    let mut text = Bytes::default();
    for part in ["10.0", concat!("portcullis-", env!("CARGO_PKG_VERSION")), "Portcullis", env!("CARGO_PKG_VERSION")] {
        text.extend(part.as_bytes()).push(0u8);
    }
    to.bytes(k, &text.0, STATUS_INFO_LENGTH_MISMATCH)
}

/// NtQuerySystemInformationEx: classes with a question.
///
/// # Errors
/// As [`nt_query_system_information`].
pub fn nt_query_system_information_ex(
    cx: &Cx<'_>,
    class: u32,
    query: u64,
    query_length: u32,
    buffer: u64,
    length: u32,
    returned: UserPtr<u32>,
) -> Nt {
    let k = cx.k;
    let to = Answer::new(buffer, length, returned);
    let need = |bytes: u32| if query == 0 || query_length < bytes { Err(STATUS_INVALID_PARAMETER) } else { Ok(()) };
    match class {
        class::PROCESSOR_IDLE_CYCLE_TIME => {
            need(2)?;
            // The processor group; there is one.
            if UserPtr::<u16>::new(query).read(k)? != 0 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            processors::idle_cycles(k, &to)
        }
        class::LOGICAL_PROCESSOR => {
            need(2)?;
            processors::logical(k, &to)
        }
        class::LOGICAL_PROCESSOR_EX => {
            need(4)?;
            processors::logical_ex(k, &to, UserPtr::<u32>::new(query).read(k)?)
        }
        class::CPU_SET => {
            need(8)?;
            of_process(cx, query)?;
            processors::cpu_sets(k, &to)
        }
        class::SUPPORTED_PROCESSOR_ARCHITECTURES => {
            need(8)?;
            let process = of_process(cx, query)?;
            // AMD64 for kernel and user mode, native; whether the process is one; a zero ends the list.
            let native = 0x8664u32 | 0x7_0000 | if process { 0x8_0000 } else { 0 };
            to.bytes(k, [native, 0].as_bytes(), STATUS_BUFFER_TOO_SMALL)
        }
        _ => Err(STATUS_INVALID_INFO_CLASS),
    }
}

/// Checks the process handle that a question consists of; answers whether there is one.
fn of_process(cx: &Cx<'_>, query: u64) -> Nt<bool> {
    let handle = UserPtr::<crate::ob::handle::Handle>::new(query).read(cx.k)?;
    if handle.0 == 0 {
        return Ok(false);
    }
    match crate::ps::query::queried(cx, handle) {
        // Another process of the sandbox, which are all alike: what it lacks is a body here, the right was there.
        Err(STATUS_NOT_SUPPORTED) => Ok(true),
        queried => queried.map(|_| true),
    }
}
