//! KUSER_SHARED_DATA: the page at 0x7ffe0000 that every program reads (layout: `wdm.h`).

use super::cpu;
use super::time::COUNTER_FREQUENCY;
use crate::kernel::Kernel;
use crate::types::wide;
use std::sync::atomic::{AtomicU32, Ordering};

/// Guest address of the page.
pub const ADDRESS: u64 = 0x7ffe_0000;

/// What Windows 10 22H2 says it is.
pub mod version {
    /// NtMajorVersion.
    pub const MAJOR: u32 = 10;
    /// NtMinorVersion.
    pub const MINOR: u32 = 0;
    /// NtBuildNumber.
    pub const BUILD: u32 = 19045;
    /// NtProductWinNt: a workstation.
    pub const PRODUCT_TYPE: u32 = 1;
    /// VER_SUITE_SINGLEUSERTS.
    pub const SUITE: u32 = 0x100;
}

/// Offsets of the fields that are written.
mod at {
    pub const TICK_COUNT_MULTIPLIER: usize = 0x004;
    pub const INTERRUPT_TIME: usize = 0x008;
    pub const SYSTEM_TIME: usize = 0x014;
    pub const TIME_ZONE_BIAS: usize = 0x020;
    pub const IMAGE_NUMBERS: usize = 0x02c;
    pub const NT_SYSTEM_ROOT: usize = 0x030;
    pub const TIME_ZONE_ID: usize = 0x240;
    pub const LARGE_PAGE_MINIMUM: usize = 0x244;
    pub const NT_BUILD_NUMBER: usize = 0x260;
    pub const NT_PRODUCT_TYPE: usize = 0x264;
    pub const PRODUCT_TYPE_IS_VALID: usize = 0x268;
    pub const NT_MAJOR_VERSION: usize = 0x26c;
    pub const NT_MINOR_VERSION: usize = 0x270;
    pub const PROCESSOR_FEATURES: usize = 0x274;
    pub const BOOT_ID: usize = 0x2c4;
    pub const SUITE_MASK: usize = 0x2d0;
    pub const KD_DEBUGGER_ENABLED: usize = 0x2d4;
    pub const ACTIVE_CONSOLE_ID: usize = 0x2d8;
    pub const NUMBER_OF_PHYSICAL_PAGES: usize = 0x2e8;
    pub const SHARED_DATA_FLAGS: usize = 0x2f0;
    pub const QPC_FREQUENCY: usize = 0x300;
    pub const SYSTEM_CALL: usize = 0x308;
    pub const TICK_COUNT: usize = 0x320;
    pub const COOKIE: usize = 0x330;
    pub const UNPARKED_PROCESSOR_COUNT: usize = 0x368;
    pub const ACTIVE_PROCESSOR_AFFINITY: usize = 0x3a8;
    pub const ACTIVE_PROCESSOR_COUNT: usize = 0x3c0;
    pub const ACTIVE_GROUP_COUNT: usize = 0x3c4;
    pub const XSTATE: usize = 0x3d8;
    pub const XSTATE_FEATURES: usize = XSTATE + 0x18;
    pub const XSTATE_ALL_SIZE: usize = XSTATE + 0x228;
}

/// NX_SUPPORT_POLICY_OPTIN.
const NX_OPT_IN: u32 = 2;
/// DbgElevationEnabled, DbgVirtEnabled, DbgInstallerDetectEnabled, DbgDynProcessorEnabled, DbgConsoleBrokerEnabled:
/// what a normal installation shows.
const FLAGS: u32 = 0x2e;

fn word(page: &[AtomicU32], offset: usize) -> &AtomicU32 {
    &page[offset / 4]
}

fn put(page: &[AtomicU32], offset: usize, value: u32) {
    word(page, offset).store(value, Ordering::Relaxed);
}

/// Writes a KSYSTEM_TIME. Readers compare the two high words, which are written last and first, and try again when they
/// differ.
fn put_time(page: &[AtomicU32], offset: usize, time: u64) {
    let high = (time >> 32) as u32;
    word(page, offset + 8).store(high, Ordering::Release);
    word(page, offset).store(time as u32, Ordering::Release);
    word(page, offset + 4).store(high, Ordering::Release);
}

/// Fills the page before any guest code runs.
pub fn boot(k: &Kernel) {
    let page = k.host.shared_data();
    put(page, at::TICK_COUNT_MULTIPLIER, 1 << 24);
    // IMAGE_FILE_MACHINE_AMD64, lowest and highest.
    put(page, at::IMAGE_NUMBERS, 0x8664_8664);
    let root: Vec<u16> = wide("C:\\windows");
    for (index, pair) in root.chunks(2).enumerate() {
        let high = pair.get(1).copied().unwrap_or(0);
        put(page, at::NT_SYSTEM_ROOT + index * 4, u32::from(pair[0]) | u32::from(high) << 16);
    }
    put(page, at::LARGE_PAGE_MINIMUM, 2 << 20);
    put(page, at::NT_BUILD_NUMBER, version::BUILD);
    put(page, at::NT_PRODUCT_TYPE, version::PRODUCT_TYPE);
    put(page, at::PRODUCT_TYPE_IS_VALID, 1 | u32::from(cpu::ARCHITECTURE_AMD64) << 16);
    put(page, at::NT_MAJOR_VERSION, version::MAJOR);
    put(page, at::NT_MINOR_VERSION, version::MINOR);
    for (index, four) in cpu::cpu().shared.chunks_exact(4).enumerate() {
        let bytes = [u8::from(four[0]), u8::from(four[1]), u8::from(four[2]), u8::from(four[3])];
        put(page, at::PROCESSOR_FEATURES + index * 4, u32::from_le_bytes(bytes));
    }
    put(page, at::BOOT_ID, 1);
    put(page, at::SUITE_MASK, version::SUITE);
    put(page, at::KD_DEBUGGER_ENABLED, NX_OPT_IN << 8);
    put(page, at::ACTIVE_CONSOLE_ID, crate::se::SESSION_ID);
    put(page, at::NUMBER_OF_PHYSICAL_PAGES, u32::try_from(k.memory_pages()).unwrap_or(u32::MAX));
    put(page, at::SHARED_DATA_FLAGS, FLAGS);
    put(page, at::QPC_FREQUENCY, COUNTER_FREQUENCY as u32);
    put(page, at::QPC_FREQUENCY + 4, (COUNTER_FREQUENCY >> 32) as u32);
    put(page, at::SYSTEM_CALL, 1);
    let mut cookie = [0; 4];
    k.host.random(&mut cookie);
    put(page, at::COOKIE, u32::from_le_bytes(cookie));
    let processors = k.processors();
    put(page, at::UNPARKED_PROCESSOR_COUNT, processors << 16);
    put(page, at::ACTIVE_PROCESSOR_AFFINITY, k.affinity_mask() as u32);
    put(page, at::ACTIVE_PROCESSOR_COUNT, processors);
    // One group; the performance counter is a system call here, never the time stamp counter: QpcBypassEnabled = 0.
    put(page, at::ACTIVE_GROUP_COUNT, 1);
    put_extended_state(page);
    k.process().info.created.store(k.system_time(), Ordering::Relaxed);
    k.update_zone();
    k.update_times();
}

/// Writes XSTATE_CONFIGURATION: which parts contexts have, and where an XSAVE area has them. All zero
/// without AVX.
fn put_extended_state(page: &[AtomicU32]) {
    use crate::ps::xstate::{AREA, AVX, HEADER, LEGACY, SIZE, enabled};
    if !enabled() {
        return;
    }
    // EnabledFeatures, EnabledVolatileFeatures, Size; OptimizedSave and CompactionEnabled.
    put(page, at::XSTATE, (LEGACY | AVX) as u32);
    put(page, at::XSTATE + 8, (LEGACY | AVX) as u32);
    put(page, at::XSTATE + 16, SIZE as u32);
    let cpu = crate::ex::cpu::cpu();
    put(page, at::XSTATE + 20, u32::from(cpu.xsaveopt) | u32::from(cpu.xsavec) << 1);
    // Offset and size of each part; then the sizes once more, as supervisor states would join them there.
    let parts = [(0, 160), (160, 256), (512 + HEADER, AREA - HEADER)];
    for (index, (offset, size)) in parts.into_iter().enumerate() {
        put(page, at::XSTATE_FEATURES + index * 8, offset as u32);
        put(page, at::XSTATE_FEATURES + index * 8 + 4, size as u32);
        put(page, at::XSTATE_ALL_SIZE + 4 + index * 4, size as u32);
    }
    put(page, at::XSTATE_ALL_SIZE, SIZE as u32);
}

impl Kernel {
    /// Brings the shared page's times up to date, unless somebody else is just doing it.
    pub fn update_times(&self) {
        if self.ex.writing.swap(true, Ordering::Acquire) {
            return;
        }
        let page = self.host.shared_data();
        let monotonic = self.host.monotonic();
        put_time(page, at::SYSTEM_TIME, self.system_time() as u64);
        put_time(page, at::INTERRUPT_TIME, monotonic / 100);
        let milliseconds = monotonic / 1_000_000;
        put_time(page, at::TICK_COUNT, milliseconds);
        // TickCountLowDeprecated: what 32-bit code of old reads.
        put(page, 0, milliseconds as u32);
        self.ex.writing.store(false, Ordering::Release);
    }

    /// Writes the time zone's bias and whether daylight saving time is in force.
    pub(crate) fn update_zone(&self) {
        let page = self.host.shared_data();
        let now = self.zone_now();
        put_time(page, at::TIME_ZONE_BIAS, (now.bias_seconds() * 10_000_000) as u64);
        put(page, at::TIME_ZONE_ID, now.id());
    }
}
