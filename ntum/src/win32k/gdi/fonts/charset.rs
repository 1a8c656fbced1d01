//! Character sets, the code pages that they are, and their bits in a font's signature.

/// A character set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset {
    /// *_CHARSET.
    pub number: u8,
    /// Its code page.
    pub page: u32,
    /// FS_*: its bit in a signature; 0 where none is meant.
    pub mask: u32,
}

/// ANSI_CHARSET.
pub const ANSI: u8 = 0;
/// DEFAULT_CHARSET.
pub const DEFAULT: u8 = 1;
/// SYMBOL_CHARSET.
pub const SYMBOL: u8 = 2;
/// OEM_CHARSET.
pub const OEM: u8 = 255;
/// CP_SYMBOL.
pub const SYMBOL_PAGE: u32 = 42;
/// CP_UTF8.
const UTF8_PAGE: u32 = 65001;

const fn set(number: u8, page: u32, bit: u32) -> Charset {
    Charset { number, page, mask: 1 << bit }
}

/// All that have a bit.
const ALL: [Charset; 17] = [
    set(ANSI, 1252, 0),
    set(238, 1250, 1),
    set(204, 1251, 2),
    set(161, 1253, 3),
    set(162, 1254, 4),
    set(177, 1255, 5),
    set(178, 1256, 6),
    set(186, 1257, 7),
    set(163, 1258, 8),
    set(222, 874, 16),
    set(128, 932, 17),
    set(134, 936, 18),
    set(129, 949, 19),
    set(136, 950, 20),
    set(130, 1361, 21),
    set(254, UTF8_PAGE, 26),
    set(SYMBOL, SYMBOL_PAGE, 31),
];

impl Charset {
    /// The set of a number.
    pub fn numbered(number: u8) -> Option<Charset> {
        ALL.into_iter().find(|set| set.number == number)
    }

    /// The set of a code page.
    pub fn of_page(page: u32) -> Option<Charset> {
        ALL.into_iter().find(|set| set.page == page)
    }

    /// The first set of a signature.
    pub fn of_mask(mask: u32) -> Option<Charset> {
        ALL.into_iter().find(|set| set.mask & mask != 0)
    }

    /// The number of its bit.
    pub fn bit(&self) -> u32 {
        self.mask.trailing_zeros()
    }
}

/// The signature of a bitmap font, which names one set.
pub fn mask_of_bitmap(number: u8) -> u32 {
    Charset::numbered(number).filter(|set| set.page != UTF8_PAGE).map_or(0, |set| set.mask)
}

/// A set that fonts are enumerated for: its bits, its number, and the number of its script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enumerated {
    /// Bits of a signature.
    pub mask: u32,
    /// *_CHARSET.
    pub number: u8,
    /// The script's number, which gdi32 has a name for.
    pub script: u32,
}

/// The sets that fonts are enumerated for: the one asked for, or all, the system's own before the others.
pub fn enumerated(number: u8, page: u32) -> Vec<Enumerated> {
    let entry = |set: Charset| Enumerated { mask: set.mask, number: set.number, script: set.bit() };
    if let Some(set) = Charset::numbered(number) {
        return vec![entry(set)];
    }
    let mut all = Vec::new();
    // Code pages of scripts that need shaping do not come first.
    if !matches!(page, 874 | 1255 | 1256) {
        all.extend(Charset::of_page(page).map(entry));
    }
    let mut mask = all.iter().fold(0, |mask, one| mask | one.mask);
    for bit in 0..32 {
        if let Some(set) = Charset::of_mask(1 << bit).filter(|set| set.mask & mask == 0) {
            mask |= set.mask;
            all.push(entry(set));
        }
    }
    all.push(Enumerated { mask: !mask, number: DEFAULT, script: 33 });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_own_comes_first() {
        let all = enumerated(DEFAULT, 1251);
        assert_eq!((all[0].number, all[1].number, all.last().unwrap().script), (204, ANSI, 33));
        assert_eq!(all.iter().filter(|one| one.number == 204).count(), 1);
        assert_eq!(enumerated(238, 1252), [Enumerated { mask: 2, number: 238, script: 1 }]);
        assert_eq!(enumerated(DEFAULT, 1255)[0].number, ANSI);
    }
}
