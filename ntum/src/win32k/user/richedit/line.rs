//! Where a paragraph's lines break, and where in them its characters stand.

use super::document::Tab;

/// A line's end within a paragraph, as the text has it.
pub fn is_break(unit: u16) -> bool {
    matches!(unit, 10 | 11 | 13)
}

/// A paragraph's characters with what each takes; a tab's width is found as lines are made.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// UTF-16.
    pub units: Vec<u16>,
    /// Widths.
    pub widths: Vec<f64>,
    /// Where tabs lead, counted from the paragraph's left edge, in order.
    pub tabs: Vec<(f64, Tab)>,
    /// How far from each other tabs are behind the last one.
    pub default_tab: f64,
}

/// A line of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Line {
    /// Its first character.
    pub start: usize,
    /// The end of what is seen of it: spaces at its end are not.
    pub end: usize,
    /// Where the next line begins.
    pub next: usize,
    /// Width of each character up to `next`.
    pub widths: Vec<f64>,
    /// Width of what is seen.
    pub width: f64,
    /// Whether the paragraph or the program ends it, and not its width.
    pub complete: bool,
}

const SPACE: u16 = 0x20;
const TAB: u16 = 9;

/// Scripts without spaces, where lines may break between any two.
fn is_ideograph(unit: u16) -> bool {
    matches!(unit, 0x2e80..=0x9fff | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xff00..=0xff60)
}

/// What no line begins with.
fn closes(unit: u16) -> bool {
    matches!(
        unit,
        0x3001
            | 0x3002
            | 0x300b
            | 0x300d
            | 0x300f
            | 0x3011
            | 0xff01
            | 0xff09
            | 0xff0c
            | 0xff0e
            | 0xff1a
            | 0xff1b
            | 0xff1f
    ) || matches!(u8::try_from(unit), Ok(b'!' | b')' | b',' | b'.' | b':' | b';' | b'?' | b']' | b'}'))
}

/// Whether a line may end between these two.
fn may_break(before: u16, after: u16) -> bool {
    let letter = |unit| char::from_u32(u32::from(unit)).is_some_and(char::is_alphanumeric);
    match before {
        SPACE | TAB | 0x200b | 0xad => true,
        // A hyphen, unless it is a number's sign or an option's.
        0x2d | 0x2010 => letter(after),
        _ => (is_ideograph(before) || is_ideograph(after)) && !closes(after),
    }
}

/// The second half of a surrogate pair, or a mark on what stands before it.
fn belongs_to_one_before(unit: u16) -> bool {
    matches!(unit, 0xdc00..=0xdfff | 0x300..=0x36f | 0x200d | 0xfe00..=0xfe0f)
}

impl Measured {
    /// Width of a tab at character `at`, `from` the paragraph's left edge.
    fn tab(&self, at: usize, from: f64) -> f64 {
        let behind = self.tabs.iter().find(|(place, _)| *place > from + 0.5);
        let Some((place, kind)) = behind else {
            let step = self.default_tab.max(1.0);
            return ((from / step + 0.001).floor() + 1.0) * step - from;
        };
        let rest = self.units.get(at + 1..).unwrap_or_default();
        let length = rest.iter().position(|unit| *unit == TAB || is_break(*unit)).unwrap_or(rest.len());
        let up_to = |count: usize| self.widths.get(at + 1..at + 1 + count).unwrap_or_default().iter().sum::<f64>();
        let shift = match kind {
            Tab::Left => 0.0,
            Tab::Centre => up_to(length) / 2.0,
            Tab::Right => up_to(length),
            Tab::Decimal => {
                let point = rest.get(..length).unwrap_or_default().iter().position(|unit| matches!(unit, 0x2c | 0x2e));
                up_to(point.unwrap_or(length))
            }
        };
        (place - from - shift).max(0.0)
    }

    /// The line that begins with character `start`, `from` the paragraph's left edge, with so much room.
    pub fn line(&self, start: usize, from: f64, room: f64) -> Line {
        let (mut x, mut widths, mut may_end) = (0.0, Vec::new(), None);
        let mut at = start;
        let (next, complete) = loop {
            let Some(unit) = self.units.get(at).copied() else { break (at, true) };
            if is_break(unit) {
                widths.push(0.0);
                break (at + 1, true);
            }
            let width = match unit {
                TAB => self.tab(at, from + x),
                _ => self.widths.get(at).copied().unwrap_or(0.0),
            };
            if x + width > room + 0.5 && at > start && unit != SPACE {
                let whole = || {
                    (start + 1..=at)
                        .rev()
                        .find(|at| !self.units.get(*at).is_some_and(|unit| belongs_to_one_before(*unit)))
                };
                let end = may_end.or_else(whole).unwrap_or(at);
                break (end, false);
            }
            x += width;
            widths.push(width);
            at += 1;
            if self.units.get(at).is_some_and(|after| may_break(unit, *after) && (unit != SPACE || *after != SPACE)) {
                may_end = Some(at);
            }
        };
        widths.truncate(next - start);
        let mut end = next;
        while end > start && self.units.get(end - 1).is_some_and(|unit| *unit == SPACE || is_break(*unit)) {
            end -= 1;
        }
        let width = widths.iter().take(end - start).sum();
        Line { start, end, next, widths, width, complete }
    }
}

impl Line {
    /// Makes spaces wider, so that the line is.
    pub fn justify(&mut self, units: &[u16], room: f64) {
        let seen = units.get(self.start..self.end).unwrap_or_default();
        let first = seen.iter().rposition(|unit| *unit == TAB).map_or(0, |tab| tab + 1);
        let spaces = seen.get(first..).unwrap_or_default().iter().filter(|unit| **unit == SPACE).count();
        if self.complete || spaces == 0 || room <= self.width {
            return;
        }
        let more = (room - self.width) / spaces as f64;
        for (width, unit) in self.widths.iter_mut().zip(seen).skip(first) {
            if *unit == SPACE {
                *width += more;
            }
        }
        self.width = room;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten wide each.
    fn measured(text: &str) -> Measured {
        let units: Vec<u16> = text.encode_utf16().collect();
        let widths = vec![10.0; units.len()];
        Measured { units, widths, tabs: Vec::new(), default_tab: 50.0 }
    }

    fn lines(text: &Measured, room: f64) -> Vec<String> {
        let (mut all, mut at) = (Vec::new(), 0);
        while at < text.units.len() {
            let line = text.line(at, 0.0, room);
            assert!(
                line.next > at
                    && line.widths.len() == line.next - at
                    && (line.width <= room + 0.5 || line.next == at + 1)
            );
            all.push(String::from_utf16_lossy(&text.units[line.start..line.end]));
            at = line.next;
        }
        all
    }

    #[test]
    fn lines_break_behind_words() {
        assert_eq!(
            lines(&measured("one two  three four-five six"), 70.0),
            ["one two", "three", "four-", "five", "six"]
        );
        assert_eq!(lines(&measured("abcdefghij"), 35.0), ["abc", "def", "ghi", "j"]);
        assert_eq!(lines(&measured("a\u{b}b"), 100.0), ["a", "b"]);
        assert_eq!(
            lines(&measured("\u{4e00}\u{4e8c}\u{4e09}\u{3002}x"), 30.0),
            ["\u{4e00}\u{4e8c}", "\u{4e09}\u{3002}x"]
        );
        assert_eq!(lines(&measured("a😀😀"), 40.0), ["a😀", "😀"]);
        assert_eq!(lines(&measured("wide"), 1.0), ["w", "i", "d", "e"]);
    }

    #[test]
    fn tabs_lead_to_their_places() {
        let mut text = measured("a\tb\tc");
        assert_eq!(text.line(0, 0.0, 1000.0).widths, [10.0, 40.0, 10.0, 40.0, 10.0]);
        text.tabs = vec![(35.0, Tab::Right), (80.0, Tab::Centre)];
        assert_eq!(text.line(0, 0.0, 1000.0).widths, [10.0, 15.0, 10.0, 40.0, 10.0]);
        let mut text = measured("\t1.25");
        text.tabs = vec![(60.0, Tab::Decimal)];
        assert_eq!(text.line(0, 0.0, 1000.0).widths[0], 50.0);
        // Behind the last one tabs are where they would be without any.
        let mut text = measured("\t\tx");
        text.tabs = vec![(20.0, Tab::Left)];
        assert_eq!(text.line(0, 0.0, 1000.0).widths, [20.0, 30.0, 10.0]);
    }

    #[test]
    fn spaces_fill_a_line() {
        let text = measured("a b c ddd");
        let mut line = text.line(0, 0.0, 75.0);
        line.justify(&text.units, 75.0);
        assert_eq!(line.widths, [10.0, 22.5, 10.0, 22.5, 10.0, 10.0]);
        let mut last = text.line(6, 0.0, 75.0);
        last.justify(&text.units, 75.0);
        assert_eq!(last.width, 30.0);
    }
}
