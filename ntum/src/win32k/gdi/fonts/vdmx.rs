//! A font's own heights (the table `VDMX`): for some sizes it says how high and how deep its glyphs are once they are hinted.

/// A size that the table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Pixels of an em.
    pub ppem: i32,
    /// Rows above the line.
    pub ascent: i32,
    /// Rows below it.
    pub descent: i32,
}

fn half(table: &[u8], at: usize) -> Option<u16> {
    table.get(at..)?.first_chunk().map(|raw| u16::from_be_bytes(*raw))
}

/// The sizes for pixels that are as high as wide; and the least and the largest one.
fn sizes(table: &[u8]) -> Option<(Vec<Size>, (i32, i32))> {
    let ratios = usize::from(half(table, 4)?);
    let is_square = |ratio: &[u8]| match ratio {
        [0, ..] => false,
        [_, 0, 0, 0] => true,
        [_, x, from, to] => *x == 1 && (*from..=*to).contains(&1),
        _ => false,
    };
    let all = table.get(6..)?;
    let index = all.chunks_exact(4).take(ratios).position(is_square)?;
    let group = usize::from(half(table, 6 + ratios * 4 + index * 2)?);
    let count = usize::from(half(table, group)?);
    let &[first, last] = table.get(group + 2..)?.first_chunk()?;
    let rows = table.get(group + 4..)?.chunks_exact(6).take(count);
    let number = |row: &[u8], at: usize| half(row, at).map_or(0, |value| i32::from(value as i16));
    let sizes = rows.map(|row| Size { ppem: number(row, 0), ascent: number(row, 2), descent: -number(row, 4) });
    Some((sizes.collect(), (first.into(), last.into())))
}

/// The size for a height: of a cell, or if it is less than 0 of an em; `None` if the table does not say.
pub fn find(table: &[u8], height: i32) -> Option<Size> {
    let (sizes, (first, last)) = sizes(table)?;
    let found = if height > 0 {
        let cell = |size: &Size| size.ascent + size.descent;
        let at = sizes.iter().position(|size| cell(size) >= height)?;
        let exact = sizes.get(at).filter(|size| cell(size) == height);
        // The largest one that is not higher.
        exact.or_else(|| sizes.get(at.checked_sub(1)?)).copied()
    } else {
        let ppem = height.checked_neg()?;
        let known = (first..=last).contains(&ppem);
        // They are in order: one that comes behind a larger one is not found.
        let mut rising = sizes.iter().take_while(|size| size.ppem <= ppem);
        if known { rising.find(|size| size.ppem == ppem).copied() } else { None }
    };
    found.filter(|size| size.ascent != 0 && size.ppem > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_looked_up() {
        let mut table = vec![0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 0, 12, 0, 3, 8, 11];
        for (ppem, ascent, descent) in [(8i16, 9i16, -2i16), (10, 11, -3), (11, 12, -4)] {
            for value in [ppem, ascent, descent] {
                table.extend(value.to_be_bytes());
            }
        }
        let size = |ppem, ascent, descent| Some(Size { ppem, ascent, descent });
        assert_eq!(find(&table, -10), size(10, 11, 3));
        assert_eq!([find(&table, -9), find(&table, -12), find(&table, 0), find(&table, i32::MIN)], [None; 4]);
        assert_eq!([find(&table, 14), find(&table, 15)], [size(10, 11, 3); 2]);
        assert_eq!([find(&table, 10), find(&table, 17)], [None; 2]);
        assert!((0..table.len()).all(|length| find(&table[..length], -11).is_none()));
        table[6] = 0;
        assert_eq!(find(&table, -10), None);
    }
}
