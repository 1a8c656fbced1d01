//! The host's time zone as Windows describes it: bias, the rules of this year, names, and the zone's key in the registry.

use super::tzif::{Period, Tzif, date_of, days_to, month_length, weekday_of};
use crate::cm::tree::{KeyId, Resolved, Tree};
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

/// Bytes of RTL_TIME_ZONE_INFORMATION.
pub const STATIC_SIZE: usize = 172;
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

/// A change as a rule for every year: the weekday's week in its month, and the time of day before the change.
fn rule(time: i64, before: &Period) -> SystemTime {
    let local = time + i64::from(before.offset);
    let (days, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
    let (year, month, day) = date_of(days);
    // In the last seven days of a month it is the last week's.
    let week = if day + 7 > month_length(year, month) { 5 } else { (day - 1) / 7 + 1 };
    SystemTime {
        year: 0,
        month: month as u16,
        weekday: weekday_of(days) as u16,
        day: week as u16,
        hour: (second / 3600) as u16,
        minute: (second / 60 % 60) as u16,
        second: (second % 60) as u16,
        milliseconds: 0,
    }
}

/// Whether two rules mean the same day and time in a year. 23:59:59.999 stands for the midnight after it.
fn same(a: &SystemTime, b: &SystemTime, year: i64) -> bool {
    let seconds = |rule: &SystemTime| {
        let (month, weekday, week) = (i64::from(rule.month), i64::from(rule.weekday), i64::from(rule.day));
        let first = days_to(year, month, 1);
        let mut day = first + (weekday - weekday_of(first)).rem_euclid(7) + (week - 1) * 7;
        while day >= first + month_length(year, month) {
            day -= 7;
        }
        let second = i64::from(rule.hour) * 3600 + i64::from(rule.minute) * 60 + i64::from(rule.second);
        day * 86_400 + second + i64::from(rule.milliseconds == 999)
    };
    match (a.month, b.month) {
        (0, 0) => true,
        (0, _) | (_, 0) => false,
        _ if b.month > 12 || b.year != 0 => false,
        _ => seconds(a) == seconds(b),
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
    /// What a zone is in the year of `now` (seconds since 1970), by its file alone.
    pub fn of(zone: &Tzif, now: i64) -> TimeZone {
        let current = zone.at(now);
        let year = date_of((now + i64::from(current.offset)).div_euclid(86_400)).0;
        let changes = zone.changes_in(year);
        let to_daylight = changes.iter().rev().find(|(_, before, after)| !before.daylight && after.daylight);
        let to_standard = changes.iter().rev().find(|(_, before, after)| before.daylight && !after.daylight);
        let mut made = TimeZone {
            bias: -current.offset / 60,
            standard_name: put(&wide(&current.name)),
            standard_date: SystemTime::default(),
            standard_bias: 0,
            daylight_name: put(&wide(&current.name)),
            daylight_date: SystemTime::default(),
            daylight_bias: 0,
            key_name: [0; 128],
            dynamic_disabled: 0,
            pad: [0; 3],
        };
        if let (Some((start, standard, daylight)), Some((end, before, _))) = (to_daylight, to_standard) {
            made.bias = -standard.offset / 60;
            made.standard_name = put(&wide(&standard.name));
            made.standard_date = rule(*end, before);
            made.daylight_name = put(&wide(&daylight.name));
            made.daylight_date = rule(*start, standard);
            made.daylight_bias = (standard.offset - daylight.offset) / 60;
        }
        made
    }

    /// Takes names and key of the zone in the registry that has the same bias and rules in a year, if there is one: that of
    /// the place `name` if it is known, else the first.
    pub fn look_up(&mut self, tree: &mut Tree, name: &str, year: i64) {
        let Ok(Resolved::Key(zones)) = tree.resolve(KeyId::ROOT, &wide(ZONES), false) else { return };
        // Held open, so that letting go of a zone does not let go of the list too.
        tree.open(zones);
        let preferred = PLACES.iter().find(|(_, place)| *place == name).map(|(key, _)| wide(key));
        let mut best: Option<Vec<u16>> = None;
        for index in 0.. {
            let Ok((view, _)) = tree.subkey_view(zones, index) else { break };
            let key = view.name.to_vec();
            if best.is_some() && preferred.as_ref() != Some(&key) {
                continue;
            }
            if self.matches(tree, zones, &key, year) {
                best = Some(key);
            }
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
            let standard = text(tree, "MUI_Std").or_else(|| text(tree, "Std"));
            let daylight = text(tree, "MUI_Dlt").or_else(|| text(tree, "Dlt"));
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

    /// The name of the zone's key in the registry, empty if it has none.
    pub fn key(&self) -> String {
        String::from_utf16_lossy(self.key_name.split(|unit| *unit == 0).next().unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::super::tzif::tests::slim;
    use super::*;
    use crate::cm::hive::{Builder, Hive};

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

    fn found(footer: &str, place: &str) -> TimeZone {
        let mut zone = TimeZone::of(&Tzif::parse(&slim(footer)).unwrap(), NOW);
        zone.look_up(&mut tree(), place, 2024);
        zone
    }

    #[test]
    fn rules_of_the_file() {
        let zone = TimeZone::of(&Tzif::parse(&slim("CET-1CEST,M3.5.0,M10.5.0/3")).unwrap(), NOW);
        assert_eq!((zone.bias, zone.standard_bias, zone.daylight_bias), (-60, 0, -60));
        let at = |date: SystemTime| [date.month, date.weekday, date.day, date.hour];
        assert_eq!((at(zone.daylight_date), at(zone.standard_date)), ([3, 0, 5, 2], [10, 0, 5, 3]));
        let utc = TimeZone::of(&Tzif::utc(), NOW);
        assert_eq!((utc.bias, utc.daylight_date.month), (0, 0));
    }

    #[test]
    fn zones_of_the_registry() {
        let berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
        assert_eq!(found(berlin, "Europe/Berlin").key(), "W. Europe Standard Time");
        assert_eq!(found(berlin, "Europe/Oslo").key(), "Central European Standard Time", "the first with the rules");
        let india = found("IST-5:30", "Asia/Kolkata");
        assert_eq!((india.key().as_str(), india.bias), ("India Standard Time", -330));
        let none = found("<+0845>-8:45", "Australia/Eucla");
        assert_eq!((none.key().as_str(), none.bias, none.standard_name[0]), ("", -525, u16::from(b'+')));
    }
}
