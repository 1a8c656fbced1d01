//! What the monitor writes down of a sandbox, a line of JSON each: what happened (`events.jsonl`), and what was granted and refused
//! (`audit.jsonl`). Fields are added without a new [`VERSION`]; none goes or changes its meaning.

use crate::control::{How, Notice, What};
use alloc::format;
use alloc::string::String;

/// Version of the lines.
pub const VERSION: u32 = 1;

/// A text as JSON has it.
fn text(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out += &format!("\\u{:04x}", c as u32),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A time in nanoseconds since 1970, as RFC 3339 has it, to the millisecond.
pub fn time(nanoseconds: i64) -> String {
    let (days, rest) =
        (nanoseconds.div_euclid(86_400_000_000_000), nanoseconds.rem_euclid(86_400_000_000_000) / 1_000_000);
    // Days since the first of March of the year 0, in eras of 400 years.
    let (era, day) = ((days + 719_468).div_euclid(146_097), (days + 719_468).rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = year + era * 400 + i64::from(month <= 2);
    let (hours, minutes) = (rest / 3_600_000, rest / 60_000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{:02}.{:03}Z", rest / 1_000 % 60, rest % 1_000)
}

/// Words for how something ended.
const ENDS: [(How, &str); 7] = [
    (How::Status, "status"),
    (How::Killed, "killed"),
    (How::OutOfMemory, "out-of-memory"),
    (How::TimedOut, "timed-out"),
    (How::Signalled, "signalled"),
    (How::Hostile, "hostile"),
    (How::Stopped, "stopped"),
];

/// The word for how something ended.
pub fn how(how: How) -> &'static str {
    ENDS.iter().find(|(one, _)| *one == how).map_or("", |(_, word)| word)
}

/// How something ended, of the word for it.
pub fn how_of(word: &str) -> Option<How> {
    ENDS.iter().find(|(_, one)| *one == word).map(|(how, _)| *how)
}

/// The line of something that happened: `Version`, `Time`, `Event`, and what of `Process`, `Pid`, `Maker`, `How`, `Status` and `Text`
/// applies to it.
pub fn event(notice: &Notice) -> String {
    let word = match notice.what {
        What::Started => "started",
        What::Began => "began",
        What::Ended => "ended",
        What::Refused => "refused",
        What::Shared => "shared",
        What::Unshared => "unshared",
        What::Stopping => "stopping",
        What::Stopped => "stopped",
    };
    let mut out = format!("{{\"Version\":{VERSION},\"Time\":\"{}\",\"Event\":\"{word}\"", time(notice.time));
    if matches!(notice.what, What::Began | What::Ended) {
        out += &format!(",\"Process\":{},\"Pid\":{}", notice.process, notice.pid);
    }
    if notice.what == What::Began {
        out += &format!(",\"Maker\":{}", notice.maker);
    }
    if matches!(notice.what, What::Ended | What::Stopped) {
        out += &format!(",\"How\":\"{}\",\"Status\":{}", how(notice.how), notice.status);
    }
    if !notice.text.is_empty() {
        out += &format!(",\"Text\":{}", text(&notice.text));
    }
    out + "}\n"
}

/// A grant or a refusal.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    /// When, in nanoseconds since 1970.
    pub time: i64,
    /// Whether it was granted.
    pub granted: bool,
    /// The picoprocess's number in the host; 0 for all of the sandbox.
    pub who: u32,
    /// What was asked for: a path of the guest, a place on the network, a variable.
    pub what: &'a str,
    /// The grant that covers it; for a refusal what is missing, and how it is granted.
    pub rule: &'a str,
    /// Whether it was asked for as programs look around, and is hardly needed.
    pub in_passing: bool,
}

/// The line of a decision: `Version`, `Time`, `Event` (`granted` or `refused`), `Who`, `What`, `Rule`, and `InPassing` where it applies.
pub fn decision(of: &Decision<'_>) -> String {
    let word = if of.granted { "granted" } else { "refused" };
    let passing = if of.in_passing { ",\"InPassing\":true" } else { "" };
    format!(
        "{{\"Version\":{VERSION},\"Time\":\"{}\",\"Event\":\"{word}\",\"Who\":{},\"What\":{},\"Rule\":{}{passing}}}\n",
        time(of.time),
        of.who,
        text(of.what),
        text(of.rule)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, want) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (1_709_251_200, "2024-03-01T00:00:00.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(time(seconds * 1_000_000_000), want);
        }
        assert_eq!(time(1_234_567_890_987_654_321), "2009-02-13T23:31:30.987Z");
    }

    #[test]
    fn a_line_is_json_whatever_is_in_it() {
        let (what, rule) = ("C:\\a\"b\n\u{1}ö", "none");
        let line = decision(&Decision { time: 0, granted: false, who: 7, what, rule, in_passing: true });
        assert_eq!(
            line,
            "{\"Version\":1,\"Time\":\"1970-01-01T00:00:00.000Z\",\"Event\":\"refused\",\"Who\":7,\
             \"What\":\"C:\\\\a\\\"b\\u000a\\u0001ö\",\"Rule\":\"none\",\"InPassing\":true}\n"
        );
        let text = String::new();
        let mut one =
            Notice { what: What::Stopped, time: 0, process: 0, pid: 0, maker: 0, how: How::Status, status: 5, text };
        let head = "{\"Version\":1,\"Time\":\"1970-01-01T00:00:00.000Z\",\"Event\":";
        assert_eq!(event(&one), format!("{head}\"stopped\",\"How\":\"status\",\"Status\":5}}\n"));
        one = Notice { what: What::Began, process: 2, pid: 3, text: "a.exe".into(), ..one };
        assert_eq!(event(&one), format!("{head}\"began\",\"Process\":2,\"Pid\":3,\"Maker\":0,\"Text\":\"a.exe\"}}\n"));
    }
}
