//! How names of the registry are compared: without regard to letter case, unit by unit.

use core::cmp::Ordering;

/// The upper-case form of a UTF-16 unit, as NT's upcase table (`l_intl.nls`) has it: one unit to one unit.
///
/// A letter counts as lower case only if it is its capital's own small letter: so 'ſ', 'ı' and 'µ' stay what they are. The
/// Greek letters with iota below have a title-case form for a capital.
pub fn upcase(unit: u16) -> u16 {
    if unit < 0x80 {
        return if (0x61..=0x7a).contains(&unit) { unit - 0x20 } else { unit };
    }
    match unit {
        0x1f80..=0x1f87 | 0x1f90..=0x1f97 | 0x1fa0..=0x1fa7 => return unit + 8,
        0x1fb3 | 0x1fc3 | 0x1ff3 => return unit + 9,
        _ => {}
    }
    let Some(letter) = char::from_u32(u32::from(unit)) else { return unit };
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) if one.to_lowercase().eq([letter]) => u16::try_from(u32::from(one)).unwrap_or(unit),
        _ => unit,
    }
}

/// Compares two names without regard to letter case.
pub fn compare(a: impl IntoIterator<Item = u16>, b: impl IntoIterator<Item = u16>) -> Ordering {
    a.into_iter().map(upcase).cmp(b.into_iter().map(upcase))
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

    #[test]
    fn no_unit_becomes_two_and_none_becomes_ascii() {
        for unit in 0x80..=u16::MAX {
            assert!(upcase(unit) >= 0x80, "{unit:#x}");
        }
        assert_eq!(upcase(0xdf), 0xdf);
        assert_eq!(upcase(0x131), 0x131);
        assert_eq!(upcase(0xff), 0x178);
        assert_eq!(upcase(0xb5), 0xb5);
        assert_eq!(upcase(0x3c2), 0x3c2);
        assert_eq!(upcase(0x1f80), 0x1f88);
        assert_eq!(upcase(0xd800), 0xd800);
    }

    #[test]
    fn folding_is_stable() {
        for unit in 0..=u16::MAX {
            assert_eq!(upcase(upcase(unit)), upcase(unit), "{unit:#x}");
        }
    }
}
