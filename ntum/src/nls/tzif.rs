//! Time zone files (RFC 8536): when a zone's offset from UTC changes, and to what.

/// A zone as its file tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tzif {
    /// When, in seconds since 1970, and the period that begins then.
    changes: Vec<(i64, Period)>,
    /// Before the first change.
    first: Period,
    /// After the last change, if the file has a rule for it.
    rule: Option<Rule>,
}

/// A stretch of time with one offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// Seconds east of UTC.
    pub offset: i32,
    /// Whether it is summer time.
    pub daylight: bool,
    /// What it is called for short: `CET`.
    pub name: String,
}

/// The rule at a file's end: a POSIX TZ string.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    standard: Period,
    daylight: Option<(Period, Day, Day)>,
}

/// A day of every year, and the second of that day in local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Day {
    form: Form,
    second: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Weekday (0 Sunday) of a week (5 the last) of a month.
    Week { month: i64, week: i64, weekday: i64 },
    /// Day 1 to 365, 29 February never counted.
    Julian(i64),
    /// Day 0 to 365.
    Ordinal(i64),
}

const DAY: i64 = 86_400;
const HEADER: usize = 44;

/// Days from 1970-01-01 to a date of the Gregorian calendar.
pub fn days_to(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of days since 1970-01-01.
pub fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let years = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * years + years / 4 - years / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (years + era * 400 + i64::from(month <= 2), month, day)
}

/// Whether a year has a 29 February.
pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month.
pub fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Weekday (0 Sunday) of days since 1970-01-01.
pub fn weekday_of(days: i64) -> i64 {
    (days + 4).rem_euclid(7)
}

impl Day {
    /// The second of local time, since 1970, that it means in a year.
    fn in_year(&self, year: i64) -> i64 {
        let day = match self.form {
            Form::Week { month, week, weekday } => {
                let first = days_to(year, month, 1);
                let mut day = first + (weekday - weekday_of(first)).rem_euclid(7) + (week - 1) * 7;
                if day >= first + month_length(year, month) {
                    day -= 7;
                }
                day
            }
            Form::Julian(day) => days_to(year, 1, 1) + day - 1 + i64::from(is_leap(year) && day >= 60),
            Form::Ordinal(day) => days_to(year, 1, 1) + day,
        };
        day * DAY + self.second
    }
}

/// A text that is read from the front.
struct Scan<'a>(&'a str);

impl Scan<'_> {
    fn eat(&mut self, c: char) -> bool {
        match self.0.strip_prefix(c) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn take(&mut self, accept: impl Fn(char) -> bool) -> String {
        let end = self.0.find(|c| !accept(c)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        let taken = taken.to_string();
        self.0 = rest;
        taken
    }

    fn number(&mut self) -> Option<i64> {
        self.take(|c| c.is_ascii_digit()).parse().ok().filter(|number| *number < 1000)
    }

    fn name(&mut self) -> Option<String> {
        let name = if self.eat('<') {
            let name = self.take(|c| c != '>');
            self.eat('>').then_some(name)?
        } else {
            self.take(|c| c.is_ascii_alphabetic())
        };
        (!name.is_empty()).then_some(name)
    }

    /// `[+-]h[h[h]][:mm[:ss]]` in seconds.
    fn time(&mut self) -> Option<i64> {
        let negative = self.eat('-');
        if !negative {
            self.eat('+');
        }
        let mut seconds = self.number()? * 3600;
        if self.eat(':') {
            seconds += self.number()? * 60;
            if self.eat(':') {
                seconds += self.number()?;
            }
        }
        Some(if negative { -seconds } else { seconds })
    }

    fn day(&mut self) -> Option<Day> {
        let form = if self.eat('M') {
            let month = self.number().filter(|month| (1..=12).contains(month))?;
            let week = self.eat('.').then(|| self.number())?.filter(|week| (1..=5).contains(week))?;
            let weekday = self.eat('.').then(|| self.number())?.filter(|day| (0..=6).contains(day))?;
            Form::Week { month, week, weekday }
        } else if self.eat('J') {
            Form::Julian(self.number().filter(|day| (1..=365).contains(day))?)
        } else {
            Form::Ordinal(self.number().filter(|day| (0..=365).contains(day))?)
        };
        let second = if self.eat('/') { self.time()? } else { 2 * 3600 };
        Some(Day { form, second })
    }
}

impl Rule {
    fn parse(text: &str) -> Option<Rule> {
        let mut scan = Scan(text);
        let period =
            |name, seconds: i64, daylight| Some(Period { offset: i32::try_from(seconds).ok()?, daylight, name });
        let name = scan.name()?;
        // POSIX counts westwards.
        let offset = -scan.time()?;
        let standard = period(name, offset, false)?;
        if scan.0.is_empty() {
            return Some(Rule { standard, daylight: None });
        }
        let name = scan.name()?;
        let offset = if scan.0.starts_with(',') { offset + 3600 } else { -scan.time()? };
        let daylight = period(name, offset, true)?;
        let start = scan.eat(',').then(|| scan.day())??;
        let end = scan.eat(',').then(|| scan.day())??;
        scan.0.is_empty().then_some(Rule { standard, daylight: Some((daylight, start, end)) })
    }

    /// The changes of a year, in order: to summer time and back.
    fn changes(&self, year: i64) -> Vec<(i64, Period)> {
        let Some((daylight, start, end)) = &self.daylight else { return Vec::new() };
        let start = start.in_year(year) - i64::from(self.standard.offset);
        let end = end.in_year(year) - i64::from(daylight.offset);
        let mut changes = vec![(start, daylight.clone()), (end, self.standard.clone())];
        changes.sort_by_key(|change| change.0);
        changes
    }
}

impl Tzif {
    /// UTC.
    pub fn utc() -> Tzif {
        let first = Period { offset: 0, daylight: false, name: "UTC".into() };
        Tzif { changes: Vec::new(), first, rule: None }
    }

    /// Reads a file; `None` if it is none.
    pub fn parse(file: &[u8]) -> Option<Tzif> {
        let (short, length) = Block::parse(file, 4)?;
        if file.get(4).is_none_or(|version| *version < b'2') {
            return short.into_zone("");
        }
        let rest = file.get(length..)?;
        let (long, length) = Block::parse(rest, 8)?;
        let footer = core::str::from_utf8(rest.get(length..)?).ok()?;
        long.into_zone(footer.trim_matches('\n'))
    }

    /// The period that holds at a time, in seconds since 1970.
    pub fn at(&self, time: i64) -> Period {
        let after = self.changes.partition_point(|change| change.0 <= time);
        if after == self.changes.len()
            && let Some(rule) = &self.rule
        {
            let year = date_of((time + i64::from(rule.standard.offset)).div_euclid(DAY)).0;
            let changes = [rule.changes(year - 1), rule.changes(year)].concat();
            let last = changes.into_iter().rfind(|change| change.0 <= time);
            return last.map_or_else(|| rule.standard.clone(), |change| change.1);
        }
        match after.checked_sub(1).and_then(|index| self.changes.get(index)) {
            Some(change) => change.1.clone(),
            None => self.first.clone(),
        }
    }

    /// The changes in a year of local time, in order: when, and what holds before and after.
    pub fn changes_in(&self, year: i64) -> Vec<(i64, Period, Period)> {
        let start = days_to(year, 1, 1) * DAY;
        let end = days_to(year + 1, 1, 1) * DAY;
        let known = self.changes.iter().map(|change| change.0);
        let last = self.changes.last().map_or(i64::MIN, |change| change.0);
        let ruled = self.rule.iter().flat_map(|rule| rule.changes(year)).map(|change| change.0);
        let mut times: Vec<i64> = known.chain(ruled.filter(|time| *time > last)).collect();
        times.sort_unstable();
        let changes = times.into_iter().map(|time| (time, self.at(time - 1), self.at(time)));
        let local = |time: i64, before: &Period| time + i64::from(before.offset);
        changes
            .filter(|(time, before, after)| before != after && (start..end).contains(&local(*time, before)))
            .collect()
    }
}

/// One of the two data blocks of a file.
struct Block {
    times: Vec<i64>,
    kinds: Vec<usize>,
    types: Vec<Period>,
}

impl Block {
    /// Reads a block whose times have `width` bytes; gives its length too.
    fn parse(bytes: &[u8], width: usize) -> Option<(Block, usize)> {
        if !bytes.starts_with(b"TZif") {
            return None;
        }
        let count = |index: usize| -> Option<usize> {
            let raw = bytes.get(20 + index * 4..)?.first_chunk()?;
            usize::try_from(u32::from_be_bytes(*raw)).ok().filter(|count| *count <= bytes.len())
        };
        let (utc, standard, leap) = (count(0)?, count(1)?, count(2)?);
        let (times, types, chars) = (count(3)?, count(4)?, count(5)?);
        let mut at = HEADER;
        let mut part = |length: usize| {
            let part = bytes.get(at..at.checked_add(length)?);
            at += length;
            part
        };
        let raw_times = part(times.checked_mul(width)?)?;
        let kinds = part(times)?.iter().map(|kind| usize::from(*kind)).collect();
        let raw_types = part(types.checked_mul(6)?)?;
        let names = part(chars)?;
        part(leap.checked_mul(width + 4)?)?;
        part(standard)?;
        part(utc)?;
        let times = raw_times.chunks_exact(width).map(|raw| {
            // Sign-extended from its first byte.
            let fill = if raw.first().is_some_and(|byte| *byte >= 0x80) { -1 } else { 0 };
            raw.iter().fold(fill, |value: i64, byte| value << 8 | i64::from(*byte))
        });
        let name_at = |start: u8| {
            let name = names.get(usize::from(start)..).unwrap_or_default().split(|byte| *byte == 0).next();
            String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
        };
        let types = raw_types.as_chunks::<6>().0.iter().map(|&[a, b, c, d, daylight, name]| Period {
            offset: i32::from_be_bytes([a, b, c, d]),
            daylight: daylight != 0,
            name: name_at(name),
        });
        Some((Block { times: times.collect(), kinds, types: types.collect() }, at))
    }

    fn into_zone(self, footer: &str) -> Option<Tzif> {
        let first = self.types.iter().find(|period| !period.daylight).or(self.types.first())?.clone();
        if self.types.iter().any(|period| period.offset.unsigned_abs() > 2 * DAY as u32) {
            return None;
        }
        let changes = self.times.iter().zip(&self.kinds);
        let changes =
            changes.map(|(time, kind)| Some((*time, self.types.get(*kind)?.clone()))).collect::<Option<_>>()?;
        Some(Tzif { changes, first, rule: Rule::parse(footer) })
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
        for (days, date) in [(0, (1970, 1, 1)), (19_782, (2024, 2, 29)), (-1, (1969, 12, 31)), (11_016, (2000, 2, 29))]
        {
            assert_eq!(date_of(days), date);
            assert_eq!(days_to(date.0, date.1, date.2), days);
        }
        assert_eq!(weekday_of(0), 4);
        assert_eq!(month_length(1900, 2), 28);
    }

    #[test]
    fn rules() {
        let zone = Tzif::parse(&slim("CET-1CEST,M3.5.0,M10.5.0/3")).unwrap();
        // 2024-03-31 01:00 UTC and 2024-10-27 01:00 UTC.
        let (start, end) = (1_711_846_800, 1_729_990_800);
        assert_eq!(zone.at(start - 1).offset, 3600);
        assert_eq!(
            (zone.at(start).offset, zone.at(start).name.as_str(), zone.at(start).daylight),
            (7200, "CEST", true)
        );
        assert_eq!(zone.at(end - 1).offset, 7200);
        assert_eq!(zone.at(end).offset, 3600);
        let changes: Vec<i64> = zone.changes_in(2024).iter().map(|change| change.0).collect();
        assert_eq!(changes, [start, end]);
        let south = Tzif::parse(&slim("AEST-10AEDT,M10.1.0,M4.1.0/3")).unwrap();
        assert!(south.at(1_704_067_200).daylight, "January is summer there");
        let india = Tzif::parse(&slim("IST-5:30")).unwrap();
        assert_eq!((india.at(0).offset, india.changes_in(2024).len()), (19_800, 0));
        let odd = Tzif::parse(&slim("<-03>3<-02>,J60/-1,300/25:30")).unwrap();
        assert_eq!(odd.changes_in(2023).len(), 2);
    }

    #[test]
    fn damage_does_no_harm() {
        let whole = slim("CET-1CEST,M3.5.0,M10.5.0/3");
        for end in 0..whole.len() {
            let _ = Tzif::parse(&whole[..end]);
            let mut bad = whole.clone();
            bad[end] ^= 0xff;
            let _ = Tzif::parse(&bad).map(|zone| (zone.at(0), zone.changes_in(2024)));
        }
        assert_eq!(Tzif::parse(b""), None);
        assert_eq!(Rule::parse("CET-1CEST,M3.5.0"), None);
    }
}
