//! Upper case as names compare by it: one UTF-16 unit at a time, as NT's table does.

/// The unit's upper case, if that is one unit; else the unit itself.
pub fn upcase(unit: u16) -> u16 {
    if unit < 0x80 {
        return if (b'a' as u16..=b'z' as u16).contains(&unit) { unit - 32 } else { unit };
    }
    let Some(letter) = char::from_u32(u32::from(unit)) else { return unit };
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => u16::try_from(u32::from(one)).unwrap_or(unit),
        _ => unit,
    }
}

/// Every unit's upper case.
pub fn fold(name: &[u16]) -> Vec<u16> {
    name.iter().map(|unit| upcase(*unit)).collect()
}

/// Whether two names are the same but for letter case.
pub fn same(a: &[u16], b: &[u16]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| upcase(*a) == upcase(*b))
}
