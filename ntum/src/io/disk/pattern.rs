//! Patterns of NtQueryDirectoryFile, as FsRtlIsNameInExpression has them: `*` and `?`, and their DOS forms that
//! FindFirstFile makes: `<` any number of units but not the last dot, `>` one unit or none before a dot and at the end,
//! `"` a dot or the end.

use crate::nls::fold::upcase;

const DOT: u16 = b'.' as u16;
const STAR: u16 = b'*' as u16;
const ANY: u16 = b'?' as u16;
const DOS_STAR: u16 = b'<' as u16;
const DOS_ANY: u16 = b'>' as u16;
const DOS_DOT: u16 = b'"' as u16;

/// Whether a pattern holds anything but a plain name.
pub fn is_pattern(pattern: &[u16]) -> bool {
    pattern.iter().any(|unit| matches!(*unit, STAR | ANY | DOS_STAR | DOS_ANY | DOS_DOT))
}

/// Adds the positions that can be reached from those reached without taking a unit of the name. `at`: the unit that comes
/// next, `None` at the end.
fn close(pattern: &[u16], reached: &mut [bool], at: Option<u16>) {
    for index in 0..pattern.len() {
        let free = match pattern[index] {
            STAR | DOS_STAR => true,
            DOS_ANY => at.is_none_or(|unit| unit == DOT),
            DOS_DOT => at.is_none(),
            _ => false,
        };
        if reached[index] && free {
            reached[index + 1] = true;
        }
    }
}

/// Whether a name fits a pattern, in whatever letter case.
pub fn matches(pattern: &[u16], name: &[u16]) -> bool {
    let last_dot = name.iter().rposition(|unit| *unit == DOT);
    let mut reached = vec![false; pattern.len() + 1];
    reached[0] = true;
    for (position, unit) in name.iter().copied().enumerate() {
        close(pattern, &mut reached, Some(unit));
        let mut next = vec![false; pattern.len() + 1];
        for (index, wanted) in pattern.iter().copied().enumerate().filter(|(index, _)| reached[*index]) {
            match wanted {
                STAR => next[index] = true,
                DOS_STAR => next[index] |= unit != DOT || last_dot != Some(position),
                ANY => next[index + 1] = true,
                DOS_ANY => next[index + 1] |= unit != DOT,
                DOS_DOT => next[index + 1] |= unit == DOT,
                _ => next[index + 1] |= upcase(wanted) == upcase(unit),
            }
        }
        reached = next;
    }
    close(pattern, &mut reached, None);
    reached[pattern.len()]
}

#[cfg(test)]
mod tests {
    use crate::types::wide;

    fn check(pattern: &str, fits: &[&str], others: &[&str]) {
        fits.iter().for_each(|name| assert!(super::matches(&wide(pattern), &wide(name)), "{pattern} {name}"));
        others.iter().for_each(|name| assert!(!super::matches(&wide(pattern), &wide(name)), "{pattern} {name}"));
    }

    #[test]
    fn plain() {
        check("a.txt", &["a.txt", "A.TXT"], &["a.tx", "a.txtx", "b.txt", ""]);
        check("*", &["", "a", "a.b", ".", ".."], &[]);
        check("*.*", &["a.b", ".", "a."], &["a", ""]);
        check("a?c", &["abc", "a.c"], &["ac", "abbc"]);
        check("*a*b", &["ab", "xaxb", "aab"], &["ba", "abx"]);
    }

    #[test]
    fn dos_forms() {
        // "*." of the command line: no extension.
        check("<", &["file", "a", ""], &["a.txt"]);
        check("<.txt", &["a.txt", "a.b.txt"], &["a.txt.b", "txt"]);
        // "*.*" of the command line, as some programs make it.
        check("<\"*", &["a", "a.b", "a.b.c"], &[]);
        check("*\"*", &["a", "a.b"], &[]);
        check("a>>>", &["a", "ab", "abcd"], &["abcde", "b"]);
        check("a>>.txt", &["a.txt", "abc.txt"], &["abcd.txt"]);
        check("f\"", &["f", "f."], &["f.x"]);
    }
}
