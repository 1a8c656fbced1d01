//! Patterns of NtQueryDirectoryFile: `*` and `?`, and their DOS forms that FindFirstFile makes. `<` takes any number of units
//! up to and with the last dot (any number if no dot is left), `>` one unit, or none before a dot and at the end, `"` a dot
//! or the end. What Windows answers is known from the masks that Wine's tests of directories try there.

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
    // ".." fits what "." fits.
    let name = if name == [DOT, DOT] { &name[..1] } else { name };
    let last_dot = name.iter().rposition(|unit| *unit == DOT);
    let mut reached = vec![false; pattern.len() + 1];
    reached[0] = true;
    for (position, unit) in name.iter().copied().enumerate() {
        close(pattern, &mut reached, Some(unit));
        let mut next = vec![false; pattern.len() + 1];
        for (index, wanted) in pattern.iter().copied().enumerate().filter(|(index, _)| reached[*index]) {
            match wanted {
                STAR => next[index] = true,
                DOS_STAR if last_dot == Some(position) => next[index + 1] = true,
                DOS_STAR => next[index] = true,
                ANY => next[index + 1] = true,
                DOS_ANY => next[index + 1] |= unit != DOT || position + 1 == name.len(),
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
        check("<", &["file", "a", "", ".", "..", "a."], &["a.txt", ".a.a"]);
        check("<.txt", &["a.txt", "a.b.txt"], &["a.txt.b", "txt"]);
        check("<txt", &["a.txt", "txt", "atxt"], &["a.btxt"]);
        check("<<", &["a", "a.b", "a.b.c"], &[]);
        check("<.<", &["a.b", "a..", "."], &["a"]);
        check("<a", &["ea", ".a", ".a.a", "..a"], &[".aa", "a."]);
        check("<name<", &["name", "aname"], &["longname.tmp"]);
        check("<\"*", &["a", "a.b", "a.b.c"], &[]);
        check("*\"*", &["a", "a.b"], &[]);
        check("a>>>", &["a", "ab", "abcd"], &["abcde", "b"]);
        check("a>>.txt", &["a.txt", "abc.txt"], &["abcd.txt"]);
        check(">>.>>>", &["n.tmp", "a.", "a..", ".a", "."], &["ea", "..a", "abc.d"]);
        check(">", &[".", "..", "a"], &["a.", "ab"]);
        check("f\"", &["f", "f."], &["f.x"]);
        check("..\"", &[], &["..", "..a"]);
    }
}
