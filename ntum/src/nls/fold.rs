//! Upper case as names compare by it: one UTF-16 unit at a time, as NT's table does.

/// The upper-case form of a UTF-16 unit: one unit to one unit, by the rule of [`shim_abi::fold`].
#[inline]
pub fn upcase(unit: u16) -> u16 {
    match unit {
        0x61..=0x7a => unit - 0x20,
        0..0x80 => unit,
        _ => upcase_beyond_ascii(unit),
    }
}

#[cold]
fn upcase_beyond_ascii(unit: u16) -> u16 {
    let letter = char::from_u32(u32::from(unit));
    letter.and_then(|letter| u16::try_from(u32::from(shim_abi::fold::fold_char(letter))).ok()).unwrap_or(unit)
}

/// Every unit's upper case.
pub fn fold(name: &[u16]) -> Vec<u16> {
    name.iter().map(|unit| upcase(*unit)).collect()
}

/// Whether two names are the same but for letter case.
pub fn same(a: &[u16], b: &[u16]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| upcase(*a) == upcase(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

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
