//! MEM_EXTENDED_PARAMETER: what the Ex calls take beyond plain arguments.

use super::page::PAGE_SIZE;
use super::region::{GRANULARITY, Limits};
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::{HIGHEST, UserPtr};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// MEM_EXTENDED_PARAMETER (`winnt.h`): the type in the low 8 bits, then the value.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MemExtendedParameter {
    /// Type in the low 8 bits; the others are reserved.
    pub kind: u64,
    /// What depends on the type.
    pub value: u64,
}

/// MEM_ADDRESS_REQUIREMENTS.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct MemAddressRequirements {
    lowest: u64,
    highest: u64,
    alignment: u64,
}

const ADDRESS_REQUIREMENTS: u64 = 1;
const NUMA_NODE: u64 = 2;
const PARTITION_HANDLE: u64 = 3;
const USER_PHYSICAL_HANDLE: u64 = 4;
const ATTRIBUTE_FLAGS: u64 = 5;
const IMAGE_MACHINE: u64 = 6;

/// The parameters of a call, read and checked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extended {
    /// MemExtendedParameterAddressRequirements.
    pub limits: Limits,
    /// Whether an alignment was among them.
    pub aligned: bool,
    /// MemExtendedParameterAttributeFlags.
    pub attributes: u32,
    /// MemExtendedParameterImageMachine: IMAGE_FILE_MACHINE_*.
    pub machine: u16,
}

impl Extended {
    /// MEM_EXTENDED_PARAMETER_EC_CODE: ARM64EC only.
    pub const EC_CODE: u32 = 0x40;

    /// Whether they say where to place.
    pub fn is_limited(&self) -> bool {
        self.limits != Limits::default()
    }

    /// Loads and checks the parameters of a call.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER`, `STATUS_ACCESS_VIOLATION`.
    pub fn load(k: &Kernel, parameters: UserPtr<MemExtendedParameter>, count: u32) -> Nt<Extended> {
        let mut extended = Extended::default();
        // No type may come twice, so that more than there are types is wrong in any case.
        if count != 0 && parameters.is_null() || count > 32 {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let mut seen = 0u32;
        for parameter in parameters.read_vec(k, count as usize)? {
            let kind = parameter.kind & 0xff;
            if kind >= 32 || seen & (1 << kind) != 0 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            seen |= 1 << kind;
            match kind {
                ADDRESS_REQUIREMENTS => {
                    let asked = UserPtr::<MemAddressRequirements>::new(parameter.value).read(k)?;
                    extended.requirements(asked, k.mm.highest())?;
                }
                ATTRIBUTE_FLAGS => extended.attributes = parameter.value as u32,
                IMAGE_MACHINE => extended.machine = parameter.value as u16,
                // One node, and no partitions but the system's: any wish is met.
                NUMA_NODE | PARTITION_HANDLE | USER_PHYSICAL_HANDLE => {}
                _ => return Err(STATUS_INVALID_PARAMETER),
            }
        }
        Ok(extended)
    }

    fn requirements(&mut self, asked: MemAddressRequirements, highest: u64) -> Nt<()> {
        if asked.alignment != 0 {
            if !asked.alignment.is_power_of_two() || asked.alignment < GRANULARITY {
                return Err(STATUS_INVALID_PARAMETER);
            }
            self.limits.align = asked.alignment;
            self.aligned = true;
        }
        if asked.lowest != 0 {
            if asked.lowest >= highest || !asked.lowest.is_multiple_of(GRANULARITY) {
                return Err(STATUS_INVALID_PARAMETER);
            }
            self.limits.low = asked.lowest;
        }
        if asked.highest != 0 {
            // It is the last address, not the first beyond.
            let high = asked.highest.checked_add(1).ok_or(STATUS_INVALID_PARAMETER)?;
            if asked.highest > highest || asked.highest <= asked.lowest || !high.is_multiple_of(PAGE_SIZE) {
                return Err(STATUS_INVALID_PARAMETER);
            }
            self.limits.high = high.min(HIGHEST);
        }
        Ok(())
    }
}
