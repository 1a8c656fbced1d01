//! Regions: rectangles in bands. All rectangles of a band have the same rows, bands lie one below the other, in a band
//! rectangles lie from left to right and do not touch, and bands that are alike and touch are one. So two regions are equal
//! exactly if their rectangles are.

use crate::win32k::geometry::Rect;

/// How two regions are combined: RGN_*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// What lies in both.
    And,
    /// What lies in either.
    Or,
    /// What lies in one.
    Xor,
    /// What lies in the first alone.
    Diff,
}

impl Mode {
    fn holds(self, a: bool, b: bool) -> bool {
        match self {
            Mode::And => a && b,
            Mode::Or => a || b,
            Mode::Xor => a != b,
            Mode::Diff => a && !b,
        }
    }
}

/// A region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Region {
    rects: Vec<Rect>,
    bounds: Rect,
}

/// NULLREGION, SIMPLEREGION, COMPLEXREGION.
pub const NULL_REGION: u32 = 1;
/// One rectangle.
pub const SIMPLE_REGION: u32 = 2;
/// Several rectangles.
pub const COMPLEX_REGION: u32 = 3;

impl From<Rect> for Region {
    fn from(rect: Rect) -> Region {
        if rect.is_empty() { Region::default() } else { Region { rects: vec![rect], bounds: rect } }
    }
}

/// Makes a region, band after band from the top.
#[derive(Default)]
pub struct Builder {
    rects: Vec<Rect>,
    /// Where the last band begins.
    last: usize,
}

impl Builder {
    /// Adds a band: edges `left, right` of rectangles from left to right; the ones that touch are joined.
    #[inline]
    pub fn band(&mut self, top: i32, bottom: i32, edges: impl IntoIterator<Item = (i32, i32)>) {
        if top >= bottom {
            return;
        }
        let start = self.rects.len();
        for (left, right) in edges {
            if left >= right {
                continue;
            }
            match self.rects.get_mut(start..).and_then(<[Rect]>::last_mut) {
                Some(before) if before.right >= left => before.right = before.right.max(right),
                _ => self.rects.push(Rect { left, top, right, bottom }),
            }
        }
        if start == self.rects.len() {
            return;
        }
        let (before, new) = (&self.rects[self.last..start], &self.rects[start..]);
        let alike = before.len() == new.len()
            && before.iter().zip(new).all(|(a, b)| a.bottom == top && a.left == b.left && a.right == b.right);
        if alike {
            self.rects.truncate(start);
            for rect in &mut self.rects[self.last..] {
                rect.bottom = bottom;
            }
        } else {
            self.last = start;
        }
    }

    /// The region.
    pub fn finish(self) -> Region {
        let (Some(first), Some(last)) = (self.rects.first(), self.rects.last()) else { return Region::default() };
        let mut bounds = Rect { bottom: last.bottom, ..*first };
        for rect in &self.rects {
            bounds.left = bounds.left.min(rect.left);
            bounds.right = bounds.right.max(rect.right);
        }
        Region { rects: self.rects, bounds }
    }
}

/// The bands of a region.
struct Bands<'a>(&'a [Rect]);

impl<'a> Bands<'a> {
    /// The first band, and what follows.
    fn next(&self) -> Option<(&'a [Rect], Bands<'a>)> {
        let first = self.0.first()?;
        let count = self.0.iter().take_while(|rect| rect.top == first.top).count();
        let (band, rest) = self.0.split_at(count);
        Some((band, Bands(rest)))
    }
}

/// What a band has in a row that is not below it.
fn at_row<'a>(band: &Option<(&'a [Rect], Bands<'a>)>, row: i32) -> &'a [Rect] {
    match band {
        Some((band, _)) if band.first().is_some_and(|first| first.top <= row) => band,
        _ => &[],
    }
}

/// Edges of two bands combined.
fn combine_edges(a: &[Rect], b: &[Rect], mode: Mode, out: &mut Vec<(i32, i32)>) {
    out.clear();
    let (mut i, mut j) = (0, 0);
    // Edges in order: even ones are left edges.
    let edge = |band: &[Rect], at: usize| {
        band.get(at / 2).map(|rect| if at.is_multiple_of(2) { rect.left } else { rect.right })
    };
    let mut begun: Option<i32> = None;
    loop {
        let x = match (edge(a, i), edge(b, j)) {
            (Some(x), Some(y)) => x.min(y),
            (Some(x), None) | (None, Some(x)) => x,
            (None, None) => break,
        };
        if edge(a, i) == Some(x) {
            i += 1;
        }
        if edge(b, j) == Some(x) {
            j += 1;
        }
        let holds = mode.holds(!i.is_multiple_of(2), !j.is_multiple_of(2));
        match begun {
            None if holds => begun = Some(x),
            Some(left) if !holds => {
                out.push((left, x));
                begun = None;
            }
            _ => {}
        }
    }
}

impl Region {
    /// Its rectangles.
    pub fn rects(&self) -> &[Rect] {
        &self.rects
    }

    /// The smallest rectangle around it; zeros for the empty one.
    pub fn bounds(&self) -> Rect {
        self.bounds
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.rects.is_empty()
    }

    /// What calls answer about it: NULLREGION, SIMPLEREGION, COMPLEXREGION.
    pub fn kind(&self) -> u32 {
        match self.rects.len() {
            0 => NULL_REGION,
            1 => SIMPLE_REGION,
            _ => COMPLEX_REGION,
        }
    }

    /// The two combined.
    #[must_use]
    pub fn combine(&self, other: &Region, mode: Mode) -> Region {
        let apart = self.bounds.intersect(&other.bounds).is_none();
        match mode {
            Mode::And if apart => return Region::default(),
            Mode::And if self.rects.len() == 1 && self.bounds.covers(&other.bounds) => return other.clone(),
            Mode::And if other.rects.len() == 1 && other.bounds.covers(&self.bounds) => return self.clone(),
            Mode::Diff if apart => return self.clone(),
            Mode::Or | Mode::Xor if other.is_empty() => return self.clone(),
            Mode::Or | Mode::Xor if self.is_empty() => return other.clone(),
            _ => {}
        }
        let mut out = Builder::default();
        let mut edges = Vec::new();
        let (mut a, mut b) = (Bands(&self.rects).next(), Bands(&other.rects).next());
        let mut y = i32::MIN;
        loop {
            let span = |band: &Option<(&[Rect], Bands<'_>)>| {
                band.as_ref().and_then(|(band, _)| band.first()).map(|first| (first.top, first.bottom))
            };
            let (of_a, of_b) = (span(&a), span(&b));
            // The next row where anything begins, from where we are.
            let start = |of: Option<(i32, i32)>| of.map(|(top, _)| top.max(y));
            let Some(top) = [start(of_a), start(of_b)].into_iter().flatten().min() else { break };
            let ends = |of: Option<(i32, i32)>| of.map(|(from, to)| if from > top { from } else { to });
            let Some(bottom) = [ends(of_a), ends(of_b)].into_iter().flatten().min() else { break };
            combine_edges(at_row(&a, top), at_row(&b, top), mode, &mut edges);
            out.band(top, bottom, edges.iter().copied());
            y = bottom;
            if of_a.is_some_and(|(_, to)| to == bottom) {
                a = a.and_then(|(_, rest)| rest.next());
            }
            if of_b.is_some_and(|(_, to)| to == bottom) {
                b = b.and_then(|(_, rest)| rest.next());
            }
        }
        out.finish()
    }

    /// The region of rectangles in any order, which may overlap.
    pub fn of(rects: &[Rect]) -> Region {
        match rects {
            [] => Region::default(),
            [one] => Region::from(*one),
            _ => Region::banded(rects).unwrap_or_else(|| {
                let (first, second) = rects.split_at(rects.len() / 2);
                Region::of(first).combine(&Region::of(second), Mode::Or)
            }),
        }
    }

    /// The region of rectangles of which no two share some of their rows alone, as runs of lines and figures are.
    fn banded(rects: &[Rect]) -> Option<Region> {
        let mut sorted: Vec<Rect> = rects.iter().filter(|rect| !rect.is_empty()).copied().collect();
        let mut in_order = true;
        let mut before = (i32::MIN, i32::MIN);
        for rect in &sorted {
            in_order &= (rect.top, rect.left) >= before;
            before = (rect.top, rect.left);
        }
        if !in_order {
            sorted.sort_unstable_by_key(|rect| (rect.top, rect.left));
        }
        let mut out = Builder::default();
        let mut end = i32::MIN;
        for band in sorted.chunk_by(|a, b| a.top == b.top) {
            let (top, bottom) = band.first().map(|first| (first.top, first.bottom))?;
            if top < end || band.iter().any(|rect| rect.bottom != bottom) {
                return None;
            }
            out.band(top, bottom, band.iter().map(|rect| (rect.left, rect.right)));
            end = bottom;
        }
        Some(out.finish())
    }

    /// Moved.
    #[must_use]
    pub fn offset(&self, x: i32, y: i32) -> Region {
        if self.is_empty() {
            // An empty one lies nowhere.
            return Region::default();
        }
        Region { rects: self.rects.iter().map(|rect| rect.offset(x, y)).collect(), bounds: self.bounds.offset(x, y) }
    }

    /// Mirrored in an area that is `width` wide.
    #[must_use]
    pub fn mirrored(&self, width: i32) -> Region {
        let flip =
            |rect: &Rect| Rect { left: width.wrapping_sub(rect.right), right: width.wrapping_sub(rect.left), ..*rect };
        let mut out = Builder::default();
        let mut bands = Bands(&self.rects);
        while let Some((band, rest)) = bands.next() {
            let edges = band.iter().rev().map(flip).map(|rect| (rect.left, rect.right));
            if let Some(first) = band.first() {
                out.band(first.top, first.bottom, edges);
            }
            bands = rest;
        }
        out.finish()
    }

    /// Whether a point lies in it.
    pub fn contains(&self, x: i32, y: i32) -> bool {
        self.bounds.contains(x, y) && self.below_row(y).iter().take_while(|r| r.top <= y).any(|r| r.contains(x, y))
    }

    /// Rectangles of the bands that end at a row's lower edge or below.
    fn below_row(&self, y: i32) -> &[Rect] {
        let first = self.rects.partition_point(|rect| rect.bottom <= y);
        self.rects.get(first..).unwrap_or_default()
    }

    /// Whether anything of a rectangle lies in it.
    pub fn touches(&self, rect: &Rect) -> bool {
        self.clip(rect).next().is_some()
    }

    /// Its parts within a rectangle.
    pub fn clip<'a>(&'a self, rect: &'a Rect) -> impl Iterator<Item = Rect> + 'a {
        let rows = self.below_row(rect.top).iter().take_while(|part| part.top < rect.bottom);
        rows.filter_map(|part| part.intersect(rect))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the region is what it says: banded, joined, in order.
    fn is_canonical(region: &Region) -> bool {
        let pairs = region.rects.windows(2).all(|pair| {
            let (a, b) = (pair[0], pair[1]);
            if a.top == b.top { a.bottom == b.bottom && a.right < b.left } else { a.bottom <= b.top }
        });
        pairs && region.rects.iter().all(|rect| !rect.is_empty())
    }

    #[test]
    fn combinations_agree_with_each_point() {
        // A small generator, so that each run is the same.
        let mut state = 7u32;
        let mut number = |below: i32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 16) as i32) % below
        };
        for _ in 0..300 {
            let mut some = || {
                let rects: Vec<_> = (0..number(6))
                    .map(|_| {
                        let (x, y) = (number(12), number(12));
                        Rect::new(x, y, x + number(6), y + number(6))
                    })
                    .collect();
                (Region::of(&rects), rects)
            };
            let ((a, of_a), (b, of_b)) = (some(), some());
            for mode in [Mode::And, Mode::Or, Mode::Xor, Mode::Diff] {
                let both = a.combine(&b, mode);
                assert!(is_canonical(&both), "{both:?}");
                for y in -1..20 {
                    for x in -1..20 {
                        let within = |rects: &[Rect]| rects.iter().any(|rect| rect.contains(x, y));
                        assert_eq!(both.contains(x, y), mode.holds(within(&of_a), within(&of_b)), "{x} {y} {mode:?}");
                    }
                }
                assert_eq!(Region::of(both.rects()), both, "one form only");
            }
            assert_eq!(a.mirrored(20).mirrored(20), a);
            assert!(is_canonical(&a.mirrored(20)));
        }
    }

    #[test]
    fn bands_that_are_alike_become_one() {
        let halves = Region::of(&[Rect::new(0, 0, 10, 5), Rect::new(0, 5, 10, 10)]);
        assert_eq!(halves.rects(), [Rect::new(0, 0, 10, 10)]);
        assert_eq!(halves.kind(), SIMPLE_REGION);
        let hole = halves.combine(&Region::from(Rect::new(2, 2, 4, 4)), Mode::Diff);
        assert_eq!((hole.rects().len(), hole.kind(), hole.bounds()), (4, COMPLEX_REGION, Rect::new(0, 0, 10, 10)));
        assert!(!hole.touches(&Rect::new(2, 2, 4, 4)) && hole.touches(&Rect::new(2, 2, 5, 4)));
        assert_eq!(hole.clip(&Rect::new(1, 1, 3, 3)).count(), 2);
        assert_eq!(hole.offset(3, -2).offset(-3, 2), hole);
    }
}
