//! The host's time zone: a TZif file (RFC 8536), read as NT wants it.

use crate::kernel::Kernel;
use std::sync::Arc;

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// A time zone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Zone {
    /// Seconds since 1970 from which each kind holds, in order.
    transitions: Vec<(i64, usize)>,
    kinds: Vec<Kind>,
    rule: Option<Rule>,
}

/// A kind of local time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kind {
    /// Seconds east of UTC.
    pub offset: i64,
    /// Whether it is daylight saving time.
    pub daylight: bool,
    /// `CEST`.
    pub abbreviation: String,
}

/// What holds after the last transition, as the TZ string at the file's end has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    standard: Kind,
    daylight: Option<(Kind, Change, Change)>,
}

/// A yearly change: a day and seconds of local time after its midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    day: Day,
    time: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Day {
    /// 1 to 365; 29 February does not count.
    Julian(i64),
    /// 0 to 365.
    Ordinal(i64),
    /// Month 1 to 12, week 1 to 5 (5: last), day of the week 0 to 6 (0: Sunday).
    Weekday(i64, i64, i64),
}

/// SYSTEMTIME without year, as TIME_ZONE_INFORMATION has changes; with one if the change is not a yearly one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangeDate {
    /// 0: every year.
    pub year: u16,
    /// 1 to 12; 0: no change at all.
    pub month: u16,
    /// 0 is Sunday.
    pub day_of_week: u16,
    /// 1 to 5 (5: last) every year, else the day of the month.
    pub day: u16,
    /// Local time before the change.
    pub hour: u16,
    /// Likewise.
    pub minute: u16,
    /// Likewise.
    pub second: u16,
}

/// A zone's present rules as NT has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Standard time.
    pub standard: Kind,
    /// Daylight saving time, if there is any.
    pub daylight: Option<Kind>,
    /// When standard time begins.
    pub to_standard: ChangeDate,
    /// When daylight saving time begins.
    pub to_daylight: ChangeDate,
    /// Whether daylight saving time is in force.
    pub in_daylight: bool,
}

impl Rules {
    /// Seconds to add to local time to get UTC, now.
    pub fn bias_seconds(&self) -> i64 {
        match &self.daylight {
            Some(daylight) if self.in_daylight => -daylight.offset,
            _ => -self.standard.offset,
        }
    }

    /// TIME_ZONE_ID_UNKNOWN (0), _STANDARD (1) or _DAYLIGHT (2).
    pub fn id(&self) -> u32 {
        match self.daylight {
            None => 0,
            Some(_) if self.in_daylight => 2,
            Some(_) => 1,
        }
    }
}

impl Zone {
    /// Reads a TZif file; `None` if it is none.
    pub fn parse(file: &[u8]) -> Option<Zone> {
        let mut reader = Reader(file);
        let first = Header::read(&mut reader)?;
        if first.version < b'2' {
            return Zone::block(&mut reader, &first, 4);
        }
        reader.take(first.block_length(4)?)?;
        let second = Header::read(&mut reader)?;
        let mut zone = Zone::block(&mut reader, &second, 8)?;
        let footer = reader.0.strip_prefix(b"\n")?;
        let end = footer.iter().position(|byte| *byte == b'\n')?;
        zone.rule = Rule::parse(core::str::from_utf8(&footer[..end]).ok()?);
        Some(zone)
    }

    fn block(reader: &mut Reader<'_>, header: &Header, width: usize) -> Option<Zone> {
        let times = reader.take(header.times.checked_mul(width)?)?;
        let indexes = reader.take(header.times)?;
        let kinds = reader.take(header.kinds.checked_mul(6)?)?;
        let names = reader.take(header.names)?;
        reader.take(header.leaps.checked_mul(width + 4)?)?;
        reader.take(header.standard_flags)?;
        reader.take(header.utc_flags)?;
        let kinds = kinds
            .chunks_exact(6)
            .map(|raw| {
                let name = names.get(usize::from(raw[5])..)?;
                let name = &name[..name.iter().position(|byte| *byte == 0)?];
                Some(Kind {
                    offset: i64::from(i32::from_be_bytes([raw[0], raw[1], raw[2], raw[3]])),
                    daylight: raw[4] != 0,
                    abbreviation: String::from_utf8_lossy(name).into_owned(),
                })
            })
            .collect::<Option<Vec<_>>>()?;
        let time = |raw: &[u8]| match raw.try_into() {
            Ok(raw) => i64::from_be_bytes(raw),
            Err(_) => raw.try_into().map_or(0, |raw| i64::from(i32::from_be_bytes(raw))),
        };
        let transitions: Vec<(i64, usize)> =
            times.chunks_exact(width).map(time).zip(indexes.iter().map(|index| usize::from(*index))).collect();
        let good = !kinds.is_empty() && transitions.iter().all(|(_, kind)| *kind < kinds.len());
        good.then_some(Zone { transitions, kinds, rule: None })
    }

    /// The kind of local time at an instant, in seconds since 1970.
    pub fn at(&self, time: i64) -> Kind {
        let after = self.transitions.partition_point(|(from, _)| *from <= time);
        if after == self.transitions.len()
            && let Some(rule) = &self.rule
        {
            return rule.at(time);
        }
        let kind = match after.checked_sub(1) {
            Some(index) => self.kinds.get(self.transitions[index].1),
            None => self.kinds.iter().find(|kind| !kind.daylight).or(self.kinds.first()),
        };
        kind.cloned().unwrap_or_else(utc)
    }

    /// The rules that hold in the year of an instant.
    pub fn rules(&self, time: i64) -> Rules {
        let now = self.at(time);
        if let Some(rule) = &self.rule
            && let Some((daylight, start, end)) = &rule.daylight
            && (now == rule.standard || now == *daylight)
            && let (Some(to_daylight), Some(to_standard)) = (start.yearly(), end.yearly())
        {
            // Where standard time is the one of summer (Ireland), NT has it the other way round.
            return if daylight.offset >= rule.standard.offset {
                let in_daylight = now == *daylight;
                Rules {
                    standard: rule.standard.clone(),
                    daylight: Some(daylight.clone()),
                    to_standard,
                    to_daylight,
                    in_daylight,
                }
            } else {
                let in_daylight = now == rule.standard;
                Rules {
                    standard: daylight.clone(),
                    daylight: Some(rule.standard.clone()),
                    to_standard: to_daylight,
                    to_daylight: to_standard,
                    in_daylight,
                }
            };
        }
        self.rules_of_year(time, now)
    }

    /// The rules as the table's changes in one year show them: dates of that year alone.
    fn rules_of_year(&self, time: i64, now: Kind) -> Rules {
        let year = date(time + now.offset).0;
        let [first, next] = [days(year, 1, 1) * DAY, days(year + 1, 1, 1) * DAY];
        let mut changes = Vec::new();
        let mut at = first - DAY;
        let mut kind = self.at(at);
        // Two changes are never less than a day apart that matter here.
        while at < next + DAY {
            let later = self.at(at + DAY);
            if later.offset != kind.offset {
                let (mut low, mut high) = (at, at + DAY);
                while high - low > 1 {
                    let middle = low + (high - low) / 2;
                    if self.at(middle).offset == kind.offset { low = middle } else { high = middle }
                }
                changes.push((high, kind.clone(), later.clone()));
            }
            kind = later;
            at += DAY;
        }
        let up = changes.iter().find(|(_, before, after)| after.offset > before.offset);
        let down = changes.iter().find(|(_, before, after)| after.offset < before.offset);
        let (Some(up), Some(down)) = (up, down) else {
            return Rules {
                standard: now,
                daylight: None,
                to_standard: ChangeDate::default(),
                to_daylight: ChangeDate::default(),
                in_daylight: false,
            };
        };
        let in_daylight = now.offset == up.2.offset;
        Rules {
            standard: up.1.clone(),
            daylight: Some(up.2.clone()),
            to_standard: change_date(down.0 + down.1.offset),
            to_daylight: change_date(up.0 + up.1.offset),
            in_daylight,
        }
    }
}

fn utc() -> Kind {
    Kind { offset: 0, daylight: false, abbreviation: "UTC".to_owned() }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a local time in seconds.
pub(super) fn date(seconds: i64) -> (i64, i64, i64) {
    let day = seconds.div_euclid(DAY) + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

fn is_leap(year: i64) -> bool {
    days(year, 3, 1) - days(year, 2, 1) == 29
}

/// 0 is Sunday.
pub(super) fn weekday(day: i64) -> i64 {
    (day + 4).rem_euclid(7)
}

fn change_date(local: i64) -> ChangeDate {
    let (year, month, day) = date(local);
    let time = local.rem_euclid(DAY);
    ChangeDate {
        year: year as u16,
        month: month as u16,
        day_of_week: weekday(local.div_euclid(DAY)) as u16,
        day: day as u16,
        hour: (time / HOUR) as u16,
        minute: (time / 60 % 60) as u16,
        second: (time % 60) as u16,
    }
}

impl Change {
    /// The change in a year, in seconds of local time before it.
    fn in_year(&self, year: i64) -> i64 {
        let day = match self.day {
            Day::Julian(n) => days(year, 1, 1) + n - 1 + i64::from(n >= 60 && is_leap(year)),
            Day::Ordinal(n) => days(year, 1, 1) + n,
            Day::Weekday(month, week, wanted) => {
                let first = days(year, month, 1);
                let next = if month == 12 { days(year + 1, 1, 1) } else { days(year, month + 1, 1) };
                let mut day = first + (wanted - weekday(first)).rem_euclid(7) + (week - 1) * 7;
                while day >= next {
                    day -= 7;
                }
                day
            }
        };
        day * DAY + self.time
    }

    /// As NT writes a yearly change; `None` if NT has no form for it.
    fn yearly(&self) -> Option<ChangeDate> {
        let Day::Weekday(month, week, day_of_week) = self.day else { return None };
        // 24:00 on a weekday is 23:59:59.999 of it in NT's own table; one second early is the nearest it has here.
        let time = if self.time == DAY { DAY - 1 } else { self.time };
        (0..DAY).contains(&time).then_some(ChangeDate {
            year: 0,
            month: month as u16,
            day_of_week: day_of_week as u16,
            day: week as u16,
            hour: (time / HOUR) as u16,
            minute: (time / 60 % 60) as u16,
            second: (time % 60) as u16,
        })
    }
}

impl Rule {
    /// Parses a POSIX TZ string with the extensions of RFC 8536: `CET-1CEST,M3.5.0,M10.5.0/3`.
    fn parse(text: &str) -> Option<Rule> {
        let mut text = Text(text);
        let abbreviation = text.name()?;
        let standard = Kind { offset: -text.time()?, daylight: false, abbreviation };
        if text.0.is_empty() {
            return Some(Rule { standard, daylight: None });
        }
        let abbreviation = text.name()?;
        let offset = if text.0.starts_with(',') { standard.offset + HOUR } else { -text.time()? };
        let start = text.change()?;
        let end = text.change()?;
        let daylight = Kind { offset, daylight: true, abbreviation };
        text.0.is_empty().then_some(Rule { standard, daylight: Some((daylight, start, end)) })
    }

    fn at(&self, time: i64) -> Kind {
        let Some((daylight, start, end)) = &self.daylight else { return self.standard.clone() };
        let year = date(time + self.standard.offset).0;
        let start = start.in_year(year) - self.standard.offset;
        let end = end.in_year(year) - daylight.offset;
        let inside = if start < end { start <= time && time < end } else { !(end <= time && time < start) };
        if inside { daylight.clone() } else { self.standard.clone() }
    }
}

/// The rest of a TZ string.
struct Text<'a>(&'a str);

impl Text<'_> {
    fn split(&mut self, end: usize) -> &str {
        let (head, tail) = self.0.split_at(end);
        self.0 = tail;
        head
    }

    fn eat(&mut self, byte: char) -> bool {
        match self.0.strip_prefix(byte) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn name(&mut self) -> Option<String> {
        if self.eat('<') {
            let end = self.0.find('>')?;
            let name = self.split(end).to_owned();
            self.eat('>');
            return Some(name);
        }
        let end = self.0.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.0.len());
        (end >= 3).then(|| self.split(end).to_owned())
    }

    fn number(&mut self) -> Option<i64> {
        let end = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
        // More digits than any field has would overflow nothing but make no sense.
        if end > 3 { None } else { self.split(end).parse().ok() }
    }

    /// Signed hours, minutes and seconds as seconds.
    fn time(&mut self) -> Option<i64> {
        let sign = if self.eat('-') {
            -1
        } else {
            {
                self.eat('+');
                1
            }
        };
        let mut seconds = self.number()? * HOUR;
        if self.eat(':') {
            seconds += self.number()? * 60;
            if self.eat(':') {
                seconds += self.number()?;
            }
        }
        Some(sign * seconds)
    }

    fn change(&mut self) -> Option<Change> {
        if !self.eat(',') {
            return None;
        }
        let day = if self.eat('M') {
            let month = self.number()?;
            let week = if self.eat('.') { self.number()? } else { return None };
            let day = if self.eat('.') { self.number()? } else { return None };
            ((1..=12).contains(&month) && (1..=5).contains(&week) && day < 7)
                .then_some(Day::Weekday(month, week, day))?
        } else if self.eat('J') {
            Day::Julian(self.number().filter(|n| (1..=365).contains(n))?)
        } else {
            Day::Ordinal(self.number().filter(|n| *n <= 365)?)
        };
        let time = if self.eat('/') { self.time()? } else { 2 * HOUR };
        Some(Change { day, time })
    }
}

/// The rest of a file.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }
}

struct Header {
    version: u8,
    utc_flags: usize,
    standard_flags: usize,
    leaps: usize,
    times: usize,
    kinds: usize,
    names: usize,
}

impl Header {
    fn read(reader: &mut Reader<'_>) -> Option<Header> {
        let raw = reader.take(44)?;
        if &raw[..4] != b"TZif" {
            return None;
        }
        let mut counts = raw[20..].chunks_exact(4).map(|raw| match raw.try_into() {
            Ok(raw) => u32::from_be_bytes(raw) as usize,
            Err(_) => 0,
        });
        let mut next = || counts.next();
        Some(Header {
            version: raw[4],
            utc_flags: next()?,
            standard_flags: next()?,
            leaps: next()?,
            times: next()?,
            kinds: next()?,
            names: next()?,
        })
    }

    fn block_length(&self, width: usize) -> Option<usize> {
        let times = self.times.checked_mul(width + 1)?;
        let leaps = self.leaps.checked_mul(width + 4)?;
        let rest = self.kinds.checked_mul(6)?.checked_add(self.names)?.checked_add(self.standard_flags)?;
        times.checked_add(leaps)?.checked_add(rest)?.checked_add(self.utc_flags)
    }
}

impl Kernel {
    /// The host's time zone.
    pub fn zone(&self) -> &Arc<Zone> {
        self.ex.zone.get_or_init(|| {
            let zone = Zone::parse(&self.boot.tzif);
            Arc::new(zone.unwrap_or_else(|| Zone { transitions: Vec::new(), kinds: vec![utc()], rule: None }))
        })
    }

    /// The rules of the host's time zone that hold now.
    pub fn zone_now(&self) -> Rules {
        let now = self.host.realtime().div_euclid(1_000_000_000);
        // Every conversion to local time asks; rules change at full minutes only.
        let minute = now.div_euclid(60);
        let mut cached = self.ex.rules.lock();
        match &*cached {
            Some((of, rules)) if *of == minute => rules.clone(),
            _ => cached.insert((minute, self.zone().rules(now))).1.clone(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A file with nothing but a footer, for zones as they are now.
    pub fn slim(footer: &str) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..2 {
            out.extend(b"TZif2");
            out.extend([0; 15]);
            for count in [0u32, 0, 0, 0, 1, 4] {
                out.extend(count.to_be_bytes());
            }
            out.extend([0, 0, 0, 0, 0, 0]);
            out.extend(b"LMT\0");
        }
        out.extend(format!("\n{footer}\n").bytes());
        out
    }

    #[test]
    fn calendar() {
        for (day, ymd) in [(0, (1970, 1, 1)), (19_782, (2024, 2, 29)), (-1, (1969, 12, 31)), (11_016, (2000, 2, 29))] {
            assert_eq!(date(day * DAY), ymd);
            assert_eq!(days(ymd.0, ymd.1, ymd.2), day);
        }
        assert_eq!(weekday(0), 4);
    }

    #[test]
    fn offsets() {
        let zone = Zone::parse(&slim("CET-1CEST,M3.5.0,M10.5.0/3")).unwrap();
        // 2024-03-31 01:00 UTC and 2024-10-27 01:00 UTC.
        let (start, end) = (1_711_846_800, 1_729_990_800);
        assert_eq!(zone.at(start - 1).offset, HOUR);
        assert_eq!((zone.at(start).offset, zone.at(start).abbreviation.as_str()), (2 * HOUR, "CEST"));
        assert_eq!(zone.at(end - 1).offset, 2 * HOUR);
        assert_eq!(zone.at(end).offset, HOUR);
        let rules = zone.rules(start);
        assert_eq!((rules.bias_seconds(), rules.id()), (-2 * HOUR, 2));
        assert_eq!((rules.to_daylight.month, rules.to_daylight.day, rules.to_daylight.hour), (3, 5, 2));
        assert_eq!((rules.to_standard.month, rules.to_standard.day, rules.to_standard.hour), (10, 5, 3));
        let south = Zone::parse(&slim("AEST-10AEDT,M10.1.0,M4.1.0/3")).unwrap();
        assert!(south.at(1_704_067_200).daylight, "January is summer there");
        let india = Zone::parse(&slim("IST-5:30")).unwrap().rules(0);
        assert_eq!((india.standard.offset, india.daylight), (19_800, None));
        let ireland = Zone::parse(&slim("IST-1GMT0,M10.5.0,M3.5.0/1")).unwrap().rules(start + DAY);
        assert_eq!((ireland.standard.offset, ireland.in_daylight), (0, true), "standard time is winter's to NT");
    }

    #[test]
    fn damage_does_no_harm() {
        let whole = slim("CET-1CEST,M3.5.0,M10.5.0/3");
        for end in 0..whole.len() {
            let _ = Zone::parse(&whole[..end]);
            let mut bad = whole.clone();
            bad[end] ^= 0xff;
            let _ = Zone::parse(&bad).map(|zone| (zone.at(0), zone.rules(1_711_846_800)));
        }
    }
}
