//! The time zone as NtQuerySystemInformation answers it.

use super::zone::{ChangeDate, Rules};
use crate::answer::{Answer, Bytes};
use crate::kernel::Kernel;
use crate::status::*;

/// RTL_SYSTEM_TIME.
fn system_time(date: ChangeDate) -> [u16; 8] {
    [date.year, date.month, date.day_of_week, date.day, date.hour, date.minute, date.second, 0]
}

fn name(text: &str, units: usize) -> Vec<u8> {
    let mut name: Vec<u16> = text.encode_utf16().take(units - 1).collect();
    name.resize(units, 0);
    name.iter().flat_map(|unit| unit.to_le_bytes()).collect()
}

/// RTL_TIME_ZONE_INFORMATION.
fn information(rules: &Rules) -> Bytes {
    let minutes = |seconds: i64| (seconds / 60) as i32;
    let standard = rules.standard.offset;
    let daylight = rules.daylight.as_ref();
    let daylight_name = daylight.map_or(&rules.standard.abbreviation, |kind| &kind.abbreviation);
    let mut bytes = Bytes::default();
    bytes.push(minutes(-standard)).extend(&name(&rules.standard.abbreviation, 32));
    bytes.push(system_time(rules.to_standard)).push(0i32).extend(&name(daylight_name, 32));
    let daylight_bias = daylight.map_or(0, |kind| minutes(standard - kind.offset));
    bytes.push(system_time(rules.to_daylight)).push(daylight_bias);
    bytes
}

/// SystemCurrentTimeZoneInformation.
pub fn current(k: &Kernel, to: &Answer) -> Nt {
    to.bytes(k, &information(&k.zone_now()).0, STATUS_INFO_LENGTH_MISMATCH)
}

/// SystemDynamicTimeZoneInformation: with the name of the registry's key, and that daylight saving time is not disabled.
pub fn dynamic(k: &Kernel, to: &Answer) -> Nt {
    let rules = k.zone_now();
    let mut bytes = information(&rules);
    bytes.extend(&name(&rules.standard.abbreviation, 128)).push(0u32);
    to.bytes(k, &bytes.0, STATUS_INFO_LENGTH_MISMATCH)
}
