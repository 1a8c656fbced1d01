//! The time zone as NtQuerySystemInformation answers it: the host's rules, and the zone of the registry that has the same.

use super::zone::{ChangeDate, DAY, Rules, date, days, weekday};
use crate::answer::Answer;
use crate::cm::tree::{KeyId, Resolved, Tree};
use crate::kernel::Kernel;
use crate::status::*;
use crate::types::wide;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// SYSTEMTIME. As a rule: year 0, the week of the month (5 the last) in `day`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[allow(missing_docs)]
pub struct SystemTime {
    pub year: u16,
    pub month: u16,
    pub weekday: u16,
    pub day: u16,
    pub hour: u16,
    pub minute: u16,
    pub second: u16,
    pub milliseconds: u16,
}

/// RTL_DYNAMIC_TIME_ZONE_INFORMATION; its first 172 bytes are RTL_TIME_ZONE_INFORMATION. Biases are minutes west of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[allow(missing_docs)]
pub struct TimeZone {
    pub bias: i32,
    pub standard_name: [u16; 32],
    pub standard_date: SystemTime,
    pub standard_bias: i32,
    pub daylight_name: [u16; 32],
    pub daylight_date: SystemTime,
    pub daylight_bias: i32,
    pub key_name: [u16; 128],
    pub dynamic_disabled: u8,
    pub pad: [u8; 3],
}

/// Bytes of it that are RTL_TIME_ZONE_INFORMATION.
const STATIC_SIZE: usize = 172;
const _: () = assert!(size_of::<TimeZone>() == 432);

/// Where the image lists the time zones.
const ZONES: &str = "Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Time Zones";

/// Zones that share rules with others, and the place that CLDR (windowsZones.xml, territory 001) names for each.
const PLACES: &[(&str, &str)] = &[
    ("UTC", "Etc/UTC"),
    ("UTC", "UTC"),
    ("UTC", ""),
    ("GMT Standard Time", "Europe/London"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("W. Central Africa Standard Time", "Africa/Lagos"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
    ("FLE Standard Time", "Europe/Kiev"),
    ("FLE Standard Time", "Europe/Kyiv"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("Kaliningrad Standard Time", "Europe/Kaliningrad"),
    ("Libya Standard Time", "Africa/Tripoli"),
    ("Namibia Standard Time", "Africa/Windhoek"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("Arab Standard Time", "Asia/Riyadh"),
    ("Arabic Standard Time", "Asia/Baghdad"),
    ("Belarus Standard Time", "Europe/Minsk"),
    ("E. Africa Standard Time", "Africa/Nairobi"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Azerbaijan Standard Time", "Asia/Baku"),
    ("Georgian Standard Time", "Asia/Tbilisi"),
    ("Caucasus Standard Time", "Asia/Yerevan"),
    ("Mauritius Standard Time", "Indian/Mauritius"),
    ("Pakistan Standard Time", "Asia/Karachi"),
    ("West Asia Standard Time", "Asia/Tashkent"),
    ("Ekaterinburg Standard Time", "Asia/Yekaterinburg"),
    ("India Standard Time", "Asia/Calcutta"),
    ("India Standard Time", "Asia/Kolkata"),
    ("Sri Lanka Standard Time", "Asia/Colombo"),
    ("Bangladesh Standard Time", "Asia/Dhaka"),
    ("Central Asia Standard Time", "Asia/Bishkek"),
    ("Omsk Standard Time", "Asia/Omsk"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("N. Central Asia Standard Time", "Asia/Novosibirsk"),
    ("North Asia Standard Time", "Asia/Krasnoyarsk"),
    ("China Standard Time", "Asia/Shanghai"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("Taipei Standard Time", "Asia/Taipei"),
    ("W. Australia Standard Time", "Australia/Perth"),
    ("Ulaanbaatar Standard Time", "Asia/Ulaanbaatar"),
    ("North Asia East Standard Time", "Asia/Irkutsk"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("North Korea Standard Time", "Asia/Pyongyang"),
    ("Yakutsk Standard Time", "Asia/Yakutsk"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("Tasmania Standard Time", "Australia/Hobart"),
    ("E. Australia Standard Time", "Australia/Brisbane"),
    ("West Pacific Standard Time", "Pacific/Port_Moresby"),
    ("Vladivostok Standard Time", "Asia/Vladivostok"),
    ("Central Pacific Standard Time", "Pacific/Guadalcanal"),
    ("Magadan Standard Time", "Asia/Magadan"),
    ("Fiji Standard Time", "Pacific/Fiji"),
    ("Eastern Standard Time", "America/New_York"),
    ("US Eastern Standard Time", "America/Indianapolis"),
    ("Central Standard Time", "America/Chicago"),
    ("Central Standard Time (Mexico)", "America/Mexico_City"),
    ("Canada Central Standard Time", "America/Regina"),
    ("Central America Standard Time", "America/Guatemala"),
    ("Mountain Standard Time", "America/Denver"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("Yukon Standard Time", "America/Whitehorse"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Pacific Standard Time (Mexico)", "America/Tijuana"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("Eastern Standard Time (Mexico)", "America/Cancun"),
    ("SA Western Standard Time", "America/La_Paz"),
    ("Central Brazilian Standard Time", "America/Cuiaba"),
    ("Venezuela Standard Time", "America/Caracas"),
    ("SA Eastern Standard Time", "America/Cayenne"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Argentina Standard Time", "America/Buenos_Aires"),
    ("Bahia Standard Time", "America/Bahia"),
    ("Tocantins Standard Time", "America/Araguaina"),
];

/// Copies a text into a field, with a terminator.
fn put<const N: usize>(text: &[u16]) -> [u16; N] {
    let mut field = [0; N];
    for (to, from) in field.iter_mut().take(N - 1).zip(text) {
        *to = *from;
    }
    field
}

impl From<ChangeDate> for SystemTime {
    fn from(date: ChangeDate) -> SystemTime {
        SystemTime {
            year: date.year,
            month: date.month,
            weekday: date.day_of_week,
            day: date.day,
            hour: date.hour,
            minute: date.minute,
            second: date.second,
            milliseconds: 0,
        }
    }
}

/// The second of local time that a rule means in a year. 23:59:59.999 stands for the midnight after it.
fn second_of(rule: &SystemTime, year: i64) -> i64 {
    let (month, wanted, number) = (i64::from(rule.month), i64::from(rule.weekday), i64::from(rule.day));
    let day = if rule.year != 0 {
        days(i64::from(rule.year), month, number)
    } else {
        let first = days(year, month, 1);
        let next = if month == 12 { days(year + 1, 1, 1) } else { days(year, month + 1, 1) };
        let mut day = first + (wanted - weekday(first)).rem_euclid(7) + (number - 1) * 7;
        while day >= next {
            day -= 7;
        }
        day
    };
    let second = i64::from(rule.hour) * 3600 + i64::from(rule.minute) * 60 + i64::from(rule.second);
    day * DAY + second + i64::from(rule.milliseconds == 999)
}

/// Whether two rules mean the same day and time in a year.
fn same(a: &SystemTime, b: &SystemTime, year: i64) -> bool {
    match (a.month, b.month) {
        (0, 0) => true,
        (0, _) | (_, 0) | (13.., _) | (_, 13..) => false,
        // A second less than midnight is how the host's rule has the midnight that the registry's has 1 ms less.
        _ => (second_of(a, year) - second_of(b, year)).abs() <= 1,
    }
}

/// REG_TZI_FORMAT: what a zone's key keeps.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Kept {
    bias: i32,
    standard_bias: i32,
    daylight_bias: i32,
    standard_date: SystemTime,
    daylight_date: SystemTime,
}

impl TimeZone {
    /// What the host's rules alone say.
    fn of(rules: &Rules) -> TimeZone {
        let minutes = |seconds: i64| (seconds / 60) as i32;
        let standard = &rules.standard;
        let daylight = rules.daylight.as_ref().unwrap_or(standard);
        TimeZone {
            bias: minutes(-standard.offset),
            standard_name: put(&wide(&standard.abbreviation)),
            standard_date: rules.to_standard.into(),
            standard_bias: 0,
            daylight_name: put(&wide(&daylight.abbreviation)),
            daylight_date: rules.to_daylight.into(),
            daylight_bias: minutes(standard.offset - daylight.offset),
            key_name: [0; 128],
            dynamic_disabled: 0,
            pad: [0; 3],
        }
    }

    /// Takes names and key of the zone in the registry that has the same bias and rules in a year, if there is one: that of
    /// the place `name` if it is known, else the first. If `plain`, its names are the plain
    /// ones, not references to a DLL's resources. Answers the zone's key.
    fn look_up(&mut self, tree: &mut Tree, name: &str, year: i64, plain: bool) -> Option<KeyId> {
        let Ok(Resolved::Key(zones)) = tree.resolve(KeyId::ROOT, &wide(ZONES), false) else { return None };
        let mut found = None;
        // Held open, so that letting go of a zone does not let go of the list too.
        tree.open(zones);
        let preferred = PLACES.iter().find(|(_, place)| *place == name).map(|(key, _)| wide(key));
        let mut best = preferred.filter(|key| self.matches(tree, zones, key, year));
        for index in 0.. {
            let Ok((view, _)) = tree.subkey_view(zones, index) else { break };
            if best.is_some() {
                break;
            }
            let key = view.name.to_vec();
            best = self.matches(tree, zones, &key, year).then_some(key);
        }
        if let Some(key) = best
            && let Some(zone) = tree.subkey(zones, &key)
        {
            tree.open(zone);
            let text = |tree: &Tree, name: &str| {
                let data = tree.value(zone, &wide(name)).ok()?.data;
                let units: Vec<u16> = data.as_chunks::<2>().0.iter().map(|&pair| u16::from_le_bytes(pair)).collect();
                Some(units.into_iter().take_while(|unit| *unit != 0).collect::<Vec<_>>())
            };
            found = Some(zone);
            let (localized, own) = (["MUI_Std", "MUI_Dlt"], ["Std", "Dlt"]);
            let [first, second] = if plain { [own, localized] } else { [localized, own] };
            let standard = text(tree, first[0]).or_else(|| text(tree, second[0]));
            let daylight = text(tree, first[1]).or_else(|| text(tree, second[1]));
            if let (Some(standard), Some(daylight)) = (standard, daylight) {
                self.standard_name = put(&standard);
                self.daylight_name = put(&daylight);
                self.key_name = put(&key);
                if let Some(kept) = kept(tree, zone, year) {
                    self.standard_bias = kept.standard_bias;
                    self.daylight_bias = kept.daylight_bias;
                    self.standard_date = kept.standard_date;
                    self.daylight_date = kept.daylight_date;
                }
            }
            tree.close(zone);
        }
        tree.close(zones);
        found
    }

    fn matches(&self, tree: &mut Tree, zones: KeyId, key: &[u16], year: i64) -> bool {
        let Some(zone) = tree.subkey(zones, key) else { return false };
        let kept = kept(tree, zone, year);
        kept.is_some_and(|kept| {
            kept.bias == self.bias
                && same(&self.standard_date, &kept.standard_date, year)
                && same(&self.daylight_date, &kept.daylight_date, year)
        })
    }
}

/// What a zone's key keeps for a year: rules of its own for that year come before the general ones.
fn kept(tree: &mut Tree, zone: KeyId, year: i64) -> Option<Kept> {
    tree.open(zone);
    let read = |tree: &Tree, key: KeyId, name: &str| {
        let data = tree.value(key, &wide(name)).ok()?.data.to_vec();
        Kept::read_from_bytes(&data).ok()
    };
    let dynamic = tree.subkey(zone, &wide("Dynamic DST"));
    let own = dynamic.and_then(|dynamic| {
        let own = read(tree, dynamic, &year.to_string());
        tree.settle(dynamic);
        own
    });
    let kept = own.or_else(|| read(tree, zone, "TZI"));
    tree.close(zone);
    kept
}

/// The zone as it is this year.
fn now(k: &Kernel) -> TimeZone {
    let rules = k.zone_now();
    let mut zone = TimeZone::of(&rules);
    let year = date(k.host.realtime().div_euclid(1_000_000_000) - rules.bias_seconds()).0;
    let english = k.boot.locale == "en" || k.boot.locale.starts_with("en-");
    let plain = english && k.cm.plain_names.are_told();
    let key = zone.look_up(&mut k.registry().tree, &k.boot.timezone, year, plain);
    if plain && let Some(key) = key {
        k.cm.plain_names.lend(key);
    }
    zone
}

/// SystemCurrentTimeZoneInformation.
pub fn current(k: &Kernel, to: &Answer) -> Nt {
    let zone = now(k);
    to.bytes(k, zone.as_bytes().get(..STATIC_SIZE).unwrap_or_default(), STATUS_INFO_LENGTH_MISMATCH)
}

/// SystemDynamicTimeZoneInformation: with the name of the registry's key, and that daylight saving time is not disabled.
pub fn dynamic(k: &Kernel, to: &Answer) -> Nt {
    to.bytes(k, now(k).as_bytes(), STATUS_INFO_LENGTH_MISMATCH)
}

#[cfg(test)]
mod tests {
    use super::super::zone::{Zone, tests::slim};
    use super::*;
    use crate::cm::hive::{Builder, Hive};

    /// 10 June 2024.
    const NOW: i64 = 1_718_000_000;

    fn kept_bytes(bias: i32, standard: [u16; 4], daylight: [u16; 4]) -> Vec<u8> {
        let date =
            |[month, weekday, day, hour]: [u16; 4]| SystemTime { month, weekday, day, hour, ..Default::default() };
        let daylight_bias = if daylight[0] == 0 { 0 } else { -60 };
        let (standard_date, daylight_date) = (date(standard), date(daylight));
        Kept { bias, standard_bias: 0, daylight_bias, standard_date, daylight_date }.as_bytes().to_vec()
    }

    fn tree() -> Tree {
        let mut root = Builder::new();
        let european = kept_bytes(-60, [10, 0, 5, 3], [3, 0, 5, 2]);
        for (name, bytes) in [
            ("Central European Standard Time", european.clone()),
            ("W. Europe Standard Time", european),
            ("India Standard Time", kept_bytes(-330, [0; 4], [0; 4])),
        ] {
            let key = root.path(&format!("{ZONES}\\{name}"));
            let sz = |text: &str| wide(text).into_iter().chain([0]).flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
            key.set(&wide("TZI"), 3, bytes);
            key.set(&wide("Std"), 1, sz(name));
            key.set(&wide("Dlt"), 1, sz("summer"));
        }
        Tree::new(Hive::open(root.bytes().unwrap().leak()).unwrap())
    }

    fn found(footer: &str, place: &str) -> (String, TimeZone) {
        let mut zone = TimeZone::of(&Zone::parse(&slim(footer)).unwrap().rules(NOW));
        zone.look_up(&mut tree(), place, 2024, false);
        (String::from_utf16_lossy(zone.key_name.split(|unit| *unit == 0).next().unwrap()), zone)
    }

    #[test]
    fn zones_of_the_registry() {
        let berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
        let (key, zone) = found(berlin, "Europe/Berlin");
        assert_eq!((key.as_str(), zone.bias, zone.daylight_bias), ("W. Europe Standard Time", -60, -60));
        assert_eq!(found(berlin, "Europe/Oslo").0, "Central European Standard Time", "the first with the rules");
        assert_eq!(found("IST-5:30", "Asia/Kolkata").0, "India Standard Time");
        let (key, zone) = found("<+0845>-8:45", "Australia/Eucla");
        assert_eq!((key.as_str(), zone.bias, zone.standard_name[0]), ("", -525, u16::from(b'+')));
    }
}
