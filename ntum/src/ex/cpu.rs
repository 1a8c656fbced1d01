//! What the processor can do, as NT numbers it.

use core::arch::x86_64::{__cpuid, __cpuid_count, CpuidResult};
use std::sync::OnceLock;

/// PROCESSOR_ARCHITECTURE_AMD64.
pub const ARCHITECTURE_AMD64: u16 = 9;
/// PROCESSOR_ARCHITECTURE_INTEL.
pub const ARCHITECTURE_INTEL: u16 = 0;

/// A processor's identity and features.
#[derive(Debug, Clone)]
pub struct Cpu {
    /// Family, as SYSTEM_CPU_INFORMATION has it.
    pub level: u16,
    /// Model (high byte) and stepping.
    pub revision: u16,
    /// CPU_FEATURE_* bits of SystemProcessorFeaturesInformation.
    pub features: u64,
    /// `GenuineIntel`.
    pub vendor: [u8; 12],
    /// PF_* of `ProcessorFeatures` in the shared page, by number.
    pub shared: [bool; 64],
    /// It saves extended state compacted (XSAVEC).
    pub xsavec: bool,
    /// It saves extended state that is in use alone (XSAVEOPT).
    pub xsaveopt: bool,
}

/// What of a processor few ask for: each question to it is slow in a virtual machine.
#[derive(Debug, Clone)]
pub struct Rest {
    /// Brand string with its zeros; all zero if the processor has none.
    pub brand: [u8; 48],
    /// Base frequency in MHz; of a processor that does not tell, what its brand string says, or 1000.
    pub megahertz: u32,
    /// Its caches, innermost first.
    pub caches: Vec<Cache>,
}

impl Cpu {
    /// What PROCESSOR_IDENTIFIER says: `Intel64 Family 6 Model 85 Stepping 7, GenuineIntel`.
    pub fn identifier(&self) -> String {
        let vendor = String::from_utf8_lossy(&self.vendor);
        let name = if vendor == "AuthenticAMD" { "AMD64" } else { "Intel64" };
        let (model, stepping) = (self.revision >> 8, self.revision & 0xff);
        format!("{name} Family {} Model {model} Stepping {stepping}, {vendor}", self.level)
    }
}

/// The processor that runs us. All processors of a host are taken to be alike.
pub fn cpu() -> &'static Cpu {
    static CPU: OnceLock<Cpu> = OnceLock::new();
    CPU.get_or_init(detect)
}

fn detect() -> Cpu {
    let highest = __cpuid(0);
    let one = __cpuid(1);
    let none = CpuidResult { eax: 0, ebx: 0, ecx: 0, edx: 0 };
    let seven = if highest.eax >= 7 { __cpuid_count(7, 0) } else { none };
    let extended = __cpuid(0x8000_0000).eax;
    let far = if extended >= 0x8000_0001 { __cpuid(0x8000_0001) } else { none };
    let bit = |register: u32, index: u32| register >> index & 1 != 0;

    let mut vendor = [0; 12];
    for (part, register) in vendor.chunks_exact_mut(4).zip([highest.ebx, highest.edx, highest.ecx]) {
        part.copy_from_slice(&register.to_le_bytes());
    }
    let family = one.eax >> 8 & 0xf;
    let model = one.eax >> 4 & 0xf;
    let level = if family == 0xf { family + (one.eax >> 20 & 0xff) } else { family };
    let model = if matches!(family, 6 | 0xf) { model | (one.eax >> 16 & 0xf) << 4 } else { model };

    // Whether the host saves the registers too, which CPUID alone does not say.
    let avx = std::is_x86_feature_detected!("avx");
    let avx2 = std::is_x86_feature_detected!("avx2");
    let avx512 = std::is_x86_feature_detected!("avx512f");
    let xsave = bit(one.ecx, 27);
    let (xsavec, xsaveopt) = (std::is_x86_feature_detected!("xsavec"), std::is_x86_feature_detected!("xsaveopt"));
    // Second-level address translation is a virtual machine monitor's matter, which no guest can be.
    let second_level = false;
    let virtualization = bit(one.ecx, 5) || bit(far.ecx, 2);

    // CPU_FEATURE_*. VME, PGE and PSE contain lower bits by their definition.
    let features = [
        (0x5, true),
        (0x2, bit(one.edx, 4) || bit(far.edx, 27)),
        (0x8, bit(one.edx, 15)),
        (0x14, true),
        (0x24, bit(one.edx, 3)),
        (0x40, bit(one.edx, 12)),
        (0x80, bit(one.edx, 8)),
        (0x100, bit(one.edx, 23)),
        (0x200, true),
        (0x400, bit(one.edx, 16)),
        (0x800, bit(one.edx, 24)),
        (0x1000, bit(one.edx, 11)),
        (0x2000, bit(one.edx, 25)),
        (0x4000, bit(far.edx, 31)),
        (0x8000, bit(one.ecx, 9)),
        (0x1_0000, bit(one.edx, 26)),
        (0x2_0000, bit(one.edx, 21)),
        (0x8_0000, bit(one.ecx, 0)),
        (0x10_0000, bit(one.ecx, 13)),
        (0x20_0000, bit(one.edx, 6)),
        (0x40_0000, true),
        (0x80_0000, xsave),
        (0x100_0000, bit(one.ecx, 19)),
        (0x200_0000, bit(one.ecx, 20)),
        (0x400_0000, second_level),
        (0x800_0000, virtualization),
        (0x1000_0000, bit(seven.ebx, 0)),
        (0x2000_0000, bit(far.edx, 20)),
        (0x4000_0000, avx),
        (0x8000_0000, avx2),
    ];
    let features = features.iter().filter(|(_, has)| *has).fold(0, |sum, (bits, _)| sum | bits);

    // PF_*, `winnt.h`.
    let mut shared = [false; 64];
    for (number, has) in [
        (2, bit(one.edx, 8)),                        // COMPARE_EXCHANGE_DOUBLE
        (3, bit(one.edx, 23)),                       // MMX
        (6, bit(one.edx, 25)),                       // XMMI: SSE
        (7, bit(far.edx, 31)),                       // 3DNOW
        (8, bit(one.edx, 4)),                        // RDTSC
        (9, bit(one.edx, 6)),                        // PAE
        (10, bit(one.edx, 26)),                      // XMMI64: SSE2
        (11, true),                                  // SSE_DAZ_MODE
        (12, bit(far.edx, 20)),                      // NX
        (13, bit(one.ecx, 0)),                       // SSE3
        (14, bit(one.ecx, 13)),                      // COMPARE_EXCHANGE128
        (17, xsave),                                 // XSAVE
        (20, second_level),                          // SECOND_LEVEL_ADDRESS_TRANSLATION
        (21, virtualization),                        // VIRT_FIRMWARE
        (22, bit(seven.ebx, 0)),                     // RDWRFSGSBASE
        (23, true),                                  // FASTFAIL
        (28, bit(one.ecx, 30)),                      // RDRAND
        (32, bit(far.edx, 27)),                      // RDTSCP
        (33, bit(seven.ecx, 22)),                    // RDPID
        (35, bit(far.ecx, 29)),                      // MONITORX
        (36, bit(one.ecx, 9)),                       // SSSE3
        (37, bit(one.ecx, 19)),                      // SSE4_1
        (38, bit(one.ecx, 20)),                      // SSE4_2
        (39, avx),                                   // AVX
        (40, avx2),                                  // AVX2
        (41, avx512),                                // AVX512F
        (42, bit(seven.ebx, 9)),                     // ERMS
        (60, std::is_x86_feature_detected!("bmi2")), // BMI2
    ] {
        shared[number] = has;
    }
    Cpu {
        level: level as u16,
        revision: (model << 8 | one.eax & 0xf) as u16,
        features,
        vendor,
        shared,
        xsavec,
        xsaveopt,
    }
}

/// The rest of what the processor tells of itself.
pub fn rest() -> &'static Rest {
    static REST: OnceLock<Rest> = OnceLock::new();
    REST.get_or_init(|| more(&cpu().vendor))
}

fn more(vendor: &[u8; 12]) -> Rest {
    let (highest, extended) = (__cpuid(0).eax, __cpuid(0x8000_0000).eax);
    let mut brand = [0; 48];
    if extended >= 0x8000_0004 {
        for (leaf, part) in (0x8000_0002..).zip(brand.chunks_exact_mut(16)) {
            let leaf = __cpuid(leaf);
            for (word, register) in part.chunks_exact_mut(4).zip([leaf.eax, leaf.ebx, leaf.ecx, leaf.edx]) {
                word.copy_from_slice(&register.to_le_bytes());
            }
        }
    }

    let caches = match (highest, extended) {
        (4.., _) if vendor != b"AuthenticAMD" => caches(4),
        (_, 0x8000_001d..) => caches(0x8000_001d),
        _ => Vec::new(),
    };
    let megahertz = match highest {
        0x16.. => __cpuid(0x16).eax & 0xffff,
        _ => 0,
    };
    let megahertz = if megahertz != 0 { megahertz } else { megahertz_in(&brand).unwrap_or(1000) };
    Rest { brand, megahertz, caches }
}

/// A cache of the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cache {
    /// 1 is innermost.
    pub level: u8,
    /// 0 unified, 1 instructions, 2 data (PROCESSOR_CACHE_TYPE).
    pub kind: u32,
    /// Ways; 0xff: fully associative.
    pub ways: u8,
    /// Bytes of a line.
    pub line: u16,
    /// Bytes.
    pub size: u32,
}

impl Cache {
    /// CACHE_DESCRIPTOR, and a zero behind it.
    pub fn descriptor(&self) -> [u32; 4] {
        let first = u32::from(self.level) | u32::from(self.ways) << 8 | u32::from(self.line) << 16;
        [first, self.size, self.kind, 0]
    }
}

/// The caches by CPUID's deterministic leaf: 4, or 0x8000001d on AMD's.
fn caches(leaf: u32) -> Vec<Cache> {
    let mut caches = Vec::new();
    for index in 0..8 {
        let raw = __cpuid_count(leaf, index);
        let kind = match raw.eax & 0x1f {
            1 => 2,
            2 => 1,
            3 => 0,
            _ => break,
        };
        let ways = (raw.ebx >> 22) + 1;
        let partitions = (raw.ebx >> 12 & 0x3ff) + 1;
        let line = (raw.ebx & 0xfff) + 1;
        let size = [ways, partitions, line, raw.ecx.saturating_add(1)].iter().fold(1u32, |a, b| a.saturating_mul(*b));
        let full = raw.eax >> 9 & 1 != 0;
        let ways = if full { 0xff } else { ways.min(0xfe) as u8 };
        caches.push(Cache { level: (raw.eax >> 5 & 7) as u8, kind, ways, line: line as u16, size });
    }
    caches
}

/// The frequency that a brand string such as `Intel(R) Xeon(R) CPU @ 2.60GHz` ends with, in MHz.
fn megahertz_in(brand: &[u8]) -> Option<u32> {
    let text = core::str::from_utf8(brand).ok()?.trim_end_matches('\0').trim();
    let (number, unit) = match (text.strip_suffix("GHz"), text.strip_suffix("MHz")) {
        (Some(number), _) => (number, 1000.0),
        (None, Some(number)) => (number, 1.0),
        (None, None) => return None,
    };
    let number: f64 = number.rsplit(' ').next()?.parse().ok()?;
    Some((number * unit) as u32).filter(|megahertz| *megahertz > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_are_read_from_brand_strings() {
        assert_eq!(megahertz_in(b"Intel(R) Xeon(R) CPU E5-2673 v4 @ 2.30GHz\0\0"), Some(2300));
        assert_eq!(megahertz_in(b"Something @ 800MHz"), Some(800));
        assert_eq!(megahertz_in(b"AMD EPYC 7763 64-Core Processor                \0"), None);
        assert_eq!(megahertz_in(b"@ -1GHz"), None);
        assert_eq!(megahertz_in(&[0xff; 48]), None);
    }

    #[test]
    fn this_processor_has_what_every_x86_64_has() {
        let cpu = cpu();
        // MMX, SSE, SSE2, CX8, TSC; the same in the shared page.
        for bits in [0x100, 0x2000, 0x1_0000, 0x80, 0x2] {
            assert_eq!(cpu.features & bits, bits, "{bits:#x}");
        }
        for number in [2, 3, 6, 8, 10, 12] {
            assert!(cpu.shared[number], "PF {number}");
        }
        assert_eq!(cpu.shared[40], std::is_x86_feature_detected!("avx2"));
    }
}
