//! The host's power as a picoprocess is told of it: what the stream `power:` holds, encoded, and how Linux' `power_supply` class says it.

use crate::wire_structs;
use alloc::string::String;

wire_structs! {
    /// What feeds the host.
    pub struct Power {
        /// Whether it is the mains.
        pub online: bool,
        /// All its batteries together, if there are any.
        pub battery: Option<Battery>,
    }

    /// A battery.
    pub struct Battery {
        /// Whether it is being charged.
        pub charging: bool,
        /// Whether it feeds the host.
        pub discharging: bool,
        /// Milliwatt hours that it holds when it is full; 100 if only percentages are known.
        pub full: u32,
        /// Those that are left.
        pub left: u32,
        /// Milliwatts that go in, or, below zero, out; 0 if that is not known.
        pub rate: i32,
        /// Seconds until it is empty, if that is known.
        pub seconds: Option<u32>,
    }
}

impl Battery {
    /// One of which nothing is known.
    pub const NONE: Battery = Battery { charging: false, discharging: false, full: 0, left: 0, rate: 0, seconds: None };
}

/// A supply's attribute, by its name (Linux' Documentation/ABI/testing/sysfs-class-power).
pub type Attribute<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A battery's part of [`Battery`]: full, left, rate.
fn measures(attribute: Attribute<'_>) -> (u64, u64, i64) {
    let number = |name: &str| attribute(name).and_then(|text| text.trim().parse::<i64>().ok());
    let positive = |name: &str| number(name).and_then(|number| u64::try_from(number).ok());
    // Micro-units; charge counts with the voltage.
    let volts = positive("voltage_min_design").or_else(|| positive("voltage_now")).filter(|volts| *volts > 0);
    let power = |microamperes: u64| volts.map(|volts| microamperes.saturating_mul(volts) / 1_000_000);
    let energy = |what: &str| {
        let one = |kind: &str| positive(&alloc::format!("{kind}_{what}"));
        one("energy").or_else(|| one("charge").and_then(power))
    };
    let current = || number("current_now").and_then(|current| power(current.unsigned_abs()));
    let rate = number("power_now").map(i64::unsigned_abs).or_else(current).unwrap_or(0) / 1000;
    let (full, left) = match (energy("full").filter(|full| *full >= 1000), energy("now")) {
        (Some(full), Some(left)) => (full / 1000, left / 1000),
        _ => (100, positive("capacity").unwrap_or(100)),
    };
    (full, left.min(full), i64::try_from(rate).unwrap_or(0))
}

/// What the supplies say together. Batteries of mice and the like, whose scope is a device, do not count.
pub fn power<'a>(supplies: impl IntoIterator<Item = Attribute<'a>>) -> Power {
    let (mut mains, mut online, mut found) = (false, false, None::<(u64, u64, i64, bool, bool)>);
    for attribute in supplies {
        let is = |name: &str, value: &str| attribute(name).is_some_and(|text| text.trim() == value);
        if is("scope", "Device") {
            continue;
        }
        if !is("type", "Battery") {
            mains |= is("type", "Mains");
            online |= is("online", "1");
            continue;
        }
        if is("present", "0") {
            continue;
        }
        let (charging, discharging) = (is("status", "Charging"), is("status", "Discharging"));
        let (full, left, rate) = measures(attribute);
        let rate = if discharging {
            -rate
        } else if charging {
            rate
        } else {
            0
        };
        let before = found.unwrap_or_default();
        let sum = (before.0.saturating_add(full), before.1.saturating_add(left), before.2.saturating_add(rate));
        found = Some((sum.0, sum.1, sum.2, before.3 | charging, before.4 | discharging));
    }
    let short = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let battery = found.map(|(full, left, rate, charging, discharging)| Battery {
        charging,
        discharging,
        full: short(full),
        left: short(left),
        rate: i32::try_from(rate).unwrap_or(0),
        seconds: (rate < 0).then(|| short(left.saturating_mul(3600) / rate.unsigned_abs())),
    });
    // A host that says nothing of its mains is on them unless its battery says otherwise.
    let online = online || !mains && battery.as_ref().is_none_or(|battery| !battery.discharging);
    Power { online, battery }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(supplies: &[&[(&str, &str)]]) -> Power {
        let all: alloc::vec::Vec<_> = supplies
            .iter()
            .map(|supply| {
                move |name: &str| {
                    supply.iter().find(|(own, _)| *own == name).map(|(_, value)| alloc::format!("{value}\n"))
                }
            })
            .collect();
        power(all.iter().map(|attribute| attribute as Attribute<'_>))
    }

    const MAINS: &[(&str, &str)] = &[("type", "Mains"), ("online", "1")];
    const OFF: &[(&str, &str)] = &[("type", "Mains"), ("online", "0")];

    #[test]
    fn a_host_without_batteries_is_on_the_mains() {
        for supplies in [&[][..], &[MAINS], &[&[("type", "USB"), ("online", "0")]]] {
            assert_eq!(of(supplies), Power { online: true, battery: None });
        }
        let mouse: &[(&str, &str)] = &[("type", "Battery"), ("scope", "Device"), ("status", "Discharging")];
        let empty: &[(&str, &str)] = &[("type", "Battery"), ("present", "0")];
        assert_eq!(of(&[mouse, empty, OFF]), Power { online: false, battery: None });
    }

    #[test]
    fn energy_charge_and_percentages() {
        let energy: &[(&str, &str)] = &[
            ("type", "Battery"),
            ("status", "Discharging"),
            ("energy_full", "50000000"),
            ("energy_now", "25000000"),
            ("power_now", "10000000"),
        ];
        let one = of(&[OFF, energy]);
        let battery = one.battery.clone().unwrap();
        assert!(!one.online && battery.discharging && !battery.charging);
        assert_eq!((battery.full, battery.left, battery.rate, battery.seconds), (50_000, 25_000, -10_000, Some(9000)));
        let charge: &[(&str, &str)] = &[
            ("type", "Battery"),
            ("status", "Charging"),
            ("charge_full", "4000000"),
            ("charge_now", "1000000"),
            ("voltage_min_design", "12000000"),
            ("current_now", "2000000"),
        ];
        let battery = of(&[MAINS, charge]).battery.unwrap();
        assert_eq!((battery.full, battery.left, battery.rate, battery.seconds), (48_000, 12_000, 24_000, None));
        // Both: one feeds the host faster than the other is charged, or the other way round.
        let both = of(&[OFF, energy, charge]).battery.unwrap();
        assert_eq!((both.full, both.left, both.rate, both.charging), (98_000, 37_000, 14_000, true));
        let percent: &[(&str, &str)] = &[("type", "Battery"), ("status", "Full"), ("capacity", "97")];
        let battery = of(&[percent]).battery.unwrap();
        assert_eq!((battery.full, battery.left, battery.rate), (100, 97, 0));
        let nonsense: &[(&str, &str)] = &[
            ("type", "Battery"),
            ("energy_full", "-5"),
            ("energy_now", "x"),
            ("capacity", "900"),
            ("power_now", "-9"),
        ];
        assert_eq!(
            of(&[nonsense]).battery.map(|battery| (battery.full, battery.left, battery.rate)),
            Some((100, 100, 0))
        );
    }
}
