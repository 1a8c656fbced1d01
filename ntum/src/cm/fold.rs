//! How names of the registry are compared: without regard to letter case, unit by unit.

use crate::nls::fold::upcase;
use core::cmp::Ordering;

/// Compares two names without regard to letter case.
#[inline]
pub fn compare(a: impl IntoIterator<Item = u16>, b: impl IntoIterator<Item = u16>) -> Ordering {
    let (mut a, mut b) = (a.into_iter(), b.into_iter());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x == y => {}
            (Some(x), Some(y)) => match upcase(x).cmp(&upcase(y)) {
                Ordering::Equal => {}
                other => return other,
            },
        }
    }
}

/// The form under which a name is sorted and found.
pub fn folded(name: &[u16]) -> Box<[u16]> {
    name.iter().map(|&unit| upcase(unit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn letter_case_does_not_count() {
        assert_eq!(compare(utf16("SoftWare"), utf16("sOFTwARE")), Ordering::Equal);
        assert_eq!(compare(utf16("Größe"), utf16("GRÖßE")), Ordering::Equal);
        assert_eq!(compare(utf16("a_"), utf16("AA")), Ordering::Greater);
        assert_eq!(compare(utf16("a"), utf16("AA")), Ordering::Less);
    }
}
