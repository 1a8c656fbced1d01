//! Letter case, as Windows ignores it in names: each letter of the basic plane by itself, one letter for one, as NT's upcase
//! table (`l_intl.nls`) has it.

use alloc::string::String;
use core::hash::{BuildHasher, Hasher};

/// The capital letter of a letter; other characters stay.
///
/// A letter has one only if it is in turn its small letter: so `ı`, `ſ` and `µ` stay, as on Windows.
pub fn fold_char(c: char) -> char {
    match c {
        'a'..='z' => c.to_ascii_uppercase(),
        '\0'..='\x7f' => c,
        // Greek letters with an iota below: their full capitals are two letters, the simple ones are these.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => {
            char::from_u32(c as u32 + 8).unwrap_or(c)
        }
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => char::from_u32(c as u32 + 9).unwrap_or(c),
        '\u{10000}'.. => c,
        _ => {
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(capital), None) if capital.to_lowercase().eq([c]) => capital,
                _ => c,
            }
        }
    }
}

/// Whether two names are the same but for letter case.
pub fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.chars().map(fold_char).eq(b.chars().map(fold_char))
}

/// A name in capital letters.
pub fn fold(name: &str) -> String {
    name.chars().map(fold_char).collect()
}

/// A hash that names which are the [`same`] share.
pub fn hash(name: &str, with: &impl BuildHasher) -> u64 {
    let mut hasher = with.build_hasher();
    for c in name.chars() {
        hasher.write_u32(fold_char(c) as u32);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::hash::RandomState;

    #[test]
    fn as_windows_does() {
        for (a, b) in [("readme.TXT", "README.txt"), ("äöü", "ÄÖÜ"), ("ß", "ß"), ("ж", "Ж"), ("ᾳ", "ᾼ"), ("ÿ", "Ÿ")]
        {
            assert!(same(a, b), "{a} {b}");
            let state = RandomState::new();
            assert_eq!(hash(a, &state), hash(b, &state));
            assert_eq!(fold(a), fold(b));
        }
        for (a, b) in [("ß", "SS"), ("ı", "I"), ("ſ", "S"), ("µ", "Μ"), ("a", "b"), ("a", "aa"), ("𐐨", "𐐀"), ("ǅ", "Ǆ")]
        {
            assert!(!same(a, b), "{a} {b}");
        }
    }
}
