//! Set-up information files: the format of wine.inf.
//!
//! Sections of lines, a line being an optional key and fields with commas between them; quotes, comments from ';', a '\' at
//! the end of a line that continues it, and `%name%` for strings of the section `[Strings]` or, by number, for folders.
//! The format is Microsoft's ("Summary of INF Directives", "General Syntax Rules for INF Files").

use super::folders;
use std::collections::HashMap;

/// One line: what stands before '=', and the fields, not yet substituted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// The key; a line of a single field has that field as its key too.
    pub key: Option<String>,
    fields: Vec<String>,
}

/// A set-up information file.
#[derive(Debug, Clone, Default)]
pub struct Inf {
    sections: HashMap<String, Vec<Line>>,
}

/// A field as it is being read.
#[derive(Default)]
struct Field {
    text: String,
    /// Bytes of `text` that stay: white space after them goes unless something follows.
    solid: usize,
    begun: bool,
}

impl Field {
    fn push(&mut self, c: char, quoted: bool) {
        if !quoted && c.is_whitespace() {
            if self.begun {
                self.text.push(c);
            }
            return;
        }
        self.begun = true;
        self.text.push(c);
        self.solid = self.text.len();
    }

    fn take(&mut self) -> String {
        let mut field = std::mem::take(self);
        field.text.truncate(field.solid);
        field.text
    }
}

/// Whether a '\' at the start of `rest` ends its line; then what follows the line, white space at its front left out.
fn continuation(rest: &str) -> Option<&str> {
    let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
    let before_comment = line.split(';').next().unwrap_or_default();
    if !before_comment.chars().all(|c| c == '\\' || c.is_whitespace()) {
        return None;
    }
    Some(after.trim_start_matches(|c: char| c != '\n' && c.is_whitespace()))
}

impl Inf {
    /// Reads a file's text. Lines before the first section are left out.
    pub fn parse(text: &str) -> Inf {
        let mut inf = Inf::default();
        let mut section: Option<String> = None;
        let mut rest = text.trim_start_matches('\u{feff}');
        while !rest.is_empty() {
            rest = rest.trim_start();
            match rest.chars().next() {
                None => break,
                Some(';') => rest = rest.split_once('\n').map_or("", |(_, after)| after),
                Some('[') => {
                    let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
                    if let Some((name, _)) = line.get(1..).unwrap_or_default().split_once(']') {
                        let name = name.to_lowercase();
                        inf.sections.entry(name.clone()).or_default();
                        section = Some(name);
                    }
                    rest = after;
                }
                Some(_) => {
                    let (line, after) = Self::line(rest);
                    if let Some(lines) = section.as_ref().and_then(|name| inf.sections.get_mut(name)) {
                        lines.push(line);
                    }
                    rest = after;
                }
            }
        }
        inf
    }

    /// Reads the line at the front of `rest`; gives what follows it.
    fn line(mut rest: &str) -> (Line, &str) {
        let mut line = Line::default();
        let mut field = Field::default();
        let mut quoted = false;
        loop {
            let mut chars = rest.chars();
            let Some(c) = chars.next() else { break };
            let after = chars.as_str();
            match c {
                '\n' => {
                    rest = after;
                    break;
                }
                '"' if quoted && after.starts_with('"') => {
                    field.push('"', true);
                    rest = &after[1..];
                    continue;
                }
                '"' => {
                    quoted = !quoted;
                    field.begun = true;
                    field.solid = field.text.len();
                }
                _ if quoted => field.push(c, true),
                ';' => {
                    rest = after.split_once('\n').map_or("", |(_, after)| after);
                    break;
                }
                '=' if line.key.is_none() && line.fields.is_empty() => line.key = Some(field.take()),
                ',' => line.fields.push(field.take()),
                '\\' => {
                    if let Some(next) = continuation(rest) {
                        rest = next;
                        continue;
                    }
                    field.push(c, false);
                }
                _ => field.push(c, false),
            }
            rest = after;
        }
        line.fields.push(field.take());
        if line.key.is_none() && line.fields.len() == 1 {
            line.key = line.fields.first().cloned();
        }
        (line, rest)
    }

    /// Has `%name%` stand for a text, unless the file says what it stands for.
    pub fn define(&mut self, name: &str, meaning: &str) {
        let lines = self.sections.entry("strings".into()).or_default();
        if !lines.iter().any(|line| line.key.as_deref().is_some_and(|key| key.eq_ignore_ascii_case(name))) {
            lines.push(Line { key: Some(name.into()), fields: vec![meaning.into()] });
        }
    }

    /// Leaves out the lines with a `%CLSID_…%` that stands for nothing; answers those names, each once.
    pub fn drop_unknown(&mut self) -> Vec<String> {
        let mut unknown = Vec::new();
        let known = self.clone();
        for lines in self.sections.values_mut() {
            lines.retain(|line| {
                let name = line.fields.iter().find_map(|text| {
                    let at = text.find("%CLSID_")?;
                    let name = text.get(at + 1..)?.split('%').next()?;
                    known.meaning(name, false).is_none().then(|| name.to_string())
                });
                let keep = name.is_none();
                unknown.extend(name);
                keep
            });
        }
        unknown.sort_unstable();
        unknown.dedup();
        unknown
    }

    /// The lines of a section, none if it is missing.
    pub fn section(&self, name: &str) -> &[Line] {
        self.sections.get(&name.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// Whether the section is there.
    pub fn has(&self, name: &str) -> bool {
        self.sections.contains_key(&name.to_lowercase())
    }

    /// The lines of `section` whose key is `key`.
    pub fn lines<'a>(&'a self, section: &str, key: &'a str) -> impl Iterator<Item = &'a Line> {
        self.section(section)
            .iter()
            .filter(move |line| line.key.as_deref().is_some_and(|k| k.eq_ignore_ascii_case(key)))
    }

    /// The fields of all lines of `section` with this key, substituted, in one list.
    pub fn list(&self, section: &str, key: &str) -> Vec<String> {
        self.lines(section, key).flat_map(|line| self.fields(line)).filter(|field| !field.is_empty()).collect()
    }

    /// How many fields a line has.
    pub fn count(line: &Line) -> usize {
        line.fields.len()
    }

    /// The field with this number, from 1, substituted; empty if there is none.
    pub fn field(&self, line: &Line, number: usize) -> String {
        number
            .checked_sub(1)
            .and_then(|index| line.fields.get(index))
            .map_or_else(String::new, |text| self.substitute(text))
    }

    /// All fields of a line, substituted.
    pub fn fields<'a>(&'a self, line: &'a Line) -> impl Iterator<Item = String> + 'a {
        line.fields.iter().map(|text| self.substitute(text))
    }

    /// A field as a number, decimal or with 0x; `None` if it is none.
    pub fn number(&self, line: &Line, number: usize) -> Option<u32> {
        parse_number(&self.field(line, number))
    }

    /// Puts in what the `%name%` in `text` stand for; one that stands for nothing stays as it is.
    pub fn substitute(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut parts = text.split('%');
        out.push_str(parts.next().unwrap_or_default());
        let mut parts = parts.peekable();
        while let Some(name) = parts.next() {
            let Some(after) = parts.peek() else {
                // No second '%': plain text.
                out.push('%');
                out.push_str(name);
                break;
            };
            match self.meaning(name, after.starts_with('\\')) {
                Some(meaning) => out.push_str(&meaning),
                None => {
                    out.push('%');
                    out.push_str(name);
                    out.push('%');
                }
            }
            out.push_str(parts.next().unwrap_or_default());
        }
        out
    }

    fn meaning(&self, name: &str, slash_follows: bool) -> Option<String> {
        if name.is_empty() {
            return Some("%".into());
        }
        if let Some(line) = self.lines("strings", name).next() {
            return line.fields.first().cloned();
        }
        let folder = folders::by_number(name.parse().ok()?)?;
        Some(if slash_follows { folder.trim_end_matches('\\').into() } else { folder.into() })
    }
}

/// A number as C's strtol with base 0 reads it, 0 for an empty text.
pub fn parse_number(text: &str) -> Option<u32> {
    let text = text.trim();
    let (text, base) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None => (text, 10),
    };
    if text.is_empty() {
        return Some(0);
    }
    u32::from_str_radix(text, base).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"; comment
[Strings]
Where = "Software\Here"
Pct="a%b"

[First] ; trailing comment
HKLM,%where%\Deep, "Name" ,0x10001,5 ; five
HKCR,k,,2,"""%11%\x.exe"" ""%1"" %*"
AddReg=\
    One,\
    Two, \ ; note
    Three
lonely
HKLM,%24%\p,"",, two words  ,
"q = [x";y"=1
[SECOND]
data,00,ff,\
01
[first]
last
"#;

    fn fields(inf: &Inf, section: &str, index: usize) -> Vec<String> {
        inf.fields(&inf.section(section)[index]).collect()
    }

    #[test]
    fn lines_and_fields() {
        let inf = Inf::parse(SAMPLE);
        assert_eq!(fields(&inf, "first", 0), ["HKLM", "Software\\Here\\Deep", "Name", "0x10001", "5"]);
        assert_eq!(fields(&inf, "first", 1), ["HKCR", "k", "", "2", "\"C:\\windows\\system32\\x.exe\" \"%1\" %*"]);
        assert_eq!(inf.list("FIRST", "addreg"), ["One", "Two", "Three"]);
        assert_eq!(inf.section("first")[3].key.as_deref(), Some("lonely"));
        assert_eq!(fields(&inf, "first", 4), ["HKLM", "C:\\p", "", "", "two words", ""]);
        assert_eq!(fields(&inf, "second", 0), ["data", "00", "ff", "01"]);
        assert_eq!(inf.section("first").last().unwrap().key.as_deref(), Some("last"));
        assert!(!inf.has("third"));
    }

    #[test]
    fn substitution() {
        let inf = Inf::parse(SAMPLE);
        for (from, to) in [
            ("100%", "100%"),
            ("%%x%%", "%x%"),
            ("%SystemRoot%\\a", "%SystemRoot%\\a"),
            ("%pct%%WHERE%", "a%bSoftware\\Here"),
            ("%10%;%24%", "C:\\windows;C:\\"),
            ("%none% %11%", "%none% C:\\windows\\system32"),
        ] {
            assert_eq!(inf.substitute(from), to);
        }
    }

    #[test]
    fn names_from_elsewhere() {
        let mut inf = Inf::parse("[strings]\nA=own\n[r]\nHKCR,%a%,%CLSID_Known%\nHKCR,x,%CLSID_None%\n");
        inf.define("a", "other");
        inf.define("CLSID_KNOWN", "{1}");
        assert_eq!(inf.drop_unknown(), ["CLSID_None"]);
        assert_eq!(inf.section("r").len(), 1);
        assert_eq!(fields(&inf, "r", 0), ["HKCR", "own", "{1}"]);
    }

    #[test]
    fn numbers() {
        assert_eq!(parse_number("0x10"), Some(16));
        assert_eq!(parse_number(" 7 "), Some(7));
        assert_eq!(parse_number(""), Some(0));
        assert_eq!(parse_number("seven"), None);
    }

    #[test]
    fn odd_ends_do_no_harm() {
        for text in
            ["", "[", "[a", "[a]", "[a]\n\"", "[a]\nx\\", "[a]\n=", "[a]\n,,", "[a]\n;", "\u{feff}[a]\nb", "x=1"]
        {
            Inf::parse(text);
        }
    }
}
