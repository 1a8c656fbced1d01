//! Regions of shapes: polygons and rectangles with round corners.
//!
//! What a polygon covers is Windows' rule as Wine 10's `dlls/win32u/region.c` has it: in a row, what lies from where an edge
//! crosses it, rounded up, to before where the next edge does.

use super::region::{Builder, Region};
use crate::win32k::geometry::{Point, Rect};

/// An edge that is not level, from its upper end to its lower one.
struct Edge {
    top: Point,
    bottom: i32,
    dx: i64,
    dy: i64,
    down: bool,
}

/// Where an edge crosses a row, rounded up to whole pixels, and how far that moves from row to row.
struct Crossing {
    pixel: i64,
    /// So many parts of `dy` less is where it truly crosses.
    over: i64,
    step: i64,
    more: i64,
    dy: i64,
    bottom: i32,
    down: bool,
}

impl Edge {
    /// Where it crosses a row.
    fn at(&self, y: i32) -> Crossing {
        // An edge across nearly all of the world leaves 64 bits.
        let along = i128::from(i64::from(y) - i64::from(self.top.y)) * i128::from(self.dx);
        let (below, rest) = match i64::try_from(along) {
            Ok(along) => (along.div_euclid(self.dy), along.rem_euclid(self.dy)),
            Err(_) => {
                let dy = i128::from(self.dy);
                (along.div_euclid(dy) as i64, along.rem_euclid(dy) as i64)
            }
        };
        let whole = rest == 0;
        Crossing {
            pixel: i64::from(self.top.x) + below + i64::from(!whole),
            over: if whole { 0 } else { self.dy - rest },
            step: self.dx.div_euclid(self.dy),
            more: self.dx.rem_euclid(self.dy),
            dy: self.dy,
            bottom: self.bottom,
            down: self.down,
        }
    }
}

impl Crossing {
    /// Goes on to the next row.
    fn advance(&mut self) {
        let over = self.over - self.more;
        let beyond = over < 0;
        self.over = if beyond { over + self.dy } else { over };
        self.pixel += self.step + i64::from(beyond);
    }

    /// Where it stands among the others of its row.
    fn place(&self) -> (i64, bool) {
        (self.pixel, self.down)
    }

    fn is_upright(&self) -> bool {
        self.step == 0 && self.more == 0
    }
}

/// Rows of a polygon at most: what is more is no region.
const MOST_ROWS: i64 = 1 << 24;
/// Pixels of a curve each way at most, all of which are walked.
const MOST_CURVED: i64 = 1 << 20;

/// The region within polygons: `counts` tells how many points each has. `None` if it has too many rows.
pub fn polygon(points: &[Point], counts: &[usize], winding: bool, clip: Option<&Rect>) -> Option<Region> {
    let mut edges = Vec::new();
    let mut rest = points;
    for &count in counts {
        let (corners, after) = rest.split_at(count.min(rest.len()));
        rest = after;
        let Some(mut before) = corners.last() else { continue };
        if corners.len() < 2 {
            continue;
        }
        for point in corners {
            let down = before.y <= point.y;
            let (top, bottom) = if down { (before, point) } else { (point, before) };
            let outside = clip.is_some_and(|clip| top.y >= clip.bottom || bottom.y <= clip.top);
            if top.y != bottom.y && !outside {
                edges.push(Edge {
                    top: *top,
                    bottom: bottom.y,
                    dx: i64::from(bottom.x) - i64::from(top.x),
                    dy: i64::from(bottom.y) - i64::from(top.y),
                    down,
                });
            }
            before = point;
        }
    }
    edges.sort_by_key(|edge| edge.top.y);
    let first = edges.first().map_or(0, |edge| edge.top.y);
    let last = edges.iter().map(|edge| edge.bottom).max().unwrap_or(0);
    let (first, last) = clip.map_or((first, last), |clip| (first.max(clip.top), last.min(clip.bottom)));
    if i64::from(last) - i64::from(first) > MOST_ROWS {
        return None;
    }
    let mut out = Builder::default();
    let mut waiting = edges.iter().peekable();
    let mut active: Vec<Crossing> = Vec::new();
    let mut pairs = Vec::new();
    let mut y = first;
    while y < last {
        active.retain(|crossing| crossing.bottom > y);
        while let Some(edge) = waiting.next_if(|edge| edge.top.y <= y) {
            if edge.bottom > y {
                active.push(edge.at(y));
            }
        }
        // Up to the next corner the edges are the same, and so are all rows if they are upright.
        let corner = active.iter().map(|crossing| crossing.bottom).chain(waiting.peek().map(|edge| edge.top.y)).min();
        let corner = corner.unwrap_or(last).min(last).max(y + 1);
        let upright = active.iter().all(Crossing::is_upright);
        in_order(&mut active);
        pair(&active, winding, &mut pairs);
        while y < corner {
            let next = if upright { corner } else { y + 1 };
            let pixel = |at: usize| active.get(at).map_or(0, |crossing| crossing.pixel as i32);
            out.band(y, next, pairs.iter().map(|&(left, right)| (pixel(left), pixel(right))));
            y = next;
            active.iter_mut().for_each(Crossing::advance);
            if !active.is_sorted_by_key(Crossing::place) {
                in_order(&mut active);
                pair(&active, winding, &mut pairs);
            }
        }
    }
    Some(out.finish())
}

/// Between which of a row's crossings it is inside.
fn pair(crossings: &[Crossing], winding: bool, pairs: &mut Vec<(usize, usize)>) {
    pairs.clear();
    let mut inside = 0i32;
    let mut left = 0;
    for (at, crossing) in crossings.iter().enumerate() {
        let before = inside;
        inside = match winding {
            true if crossing.down => inside + 1,
            true => inside - 1,
            false => 1 - inside,
        };
        if before == 0 {
            left = at;
        } else if inside == 0 {
            pairs.push((left, at));
        }
    }
}

/// Sorts crossings from left to right: hardly any change places from row to row.
fn in_order(crossings: &mut [Crossing]) {
    if crossings.len() > 32 {
        crossings.sort_unstable_by_key(Crossing::place);
        return;
    }
    for end in 1..crossings.len() {
        for at in (1..=end).rev() {
            match crossings.get(at - 1..=at) {
                Some([before, here]) if before.place() > here.place() => crossings.swap(at - 1, at),
                _ => break,
            }
        }
    }
}

/// The region of a rectangle with round corners; the edges on the right and below do not count.
pub fn round_rect(rect: Rect, width: i32, height: i32) -> Option<Region> {
    let rect = rect.ordered();
    let (left, top) = (i64::from(rect.left), i64::from(rect.top));
    let (right, bottom) = (i64::from(rect.right) - 1, i64::from(rect.bottom) - 1);
    let width = i64::from(width).abs().min(right - left);
    let height = i64::from(height).abs().min(bottom - top);
    let narrow = |value: i64| i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX });
    if width < 2 || height < 2 {
        return Some(Region::from(Rect::new(rect.left, rect.top, narrow(right), narrow(bottom))));
    }
    if height > MOST_CURVED || width > MOST_CURVED {
        return None;
    }
    // How far each row of the ellipse's lower half is drawn in: Zingl's algorithm for ellipses within rectangles.
    let (a, b) = (i128::from(width - 1), i128::from(height - 1));
    let (square_a, square_b) = (8 * a * a, 8 * b * b);
    let mut dx = 4 * b * b * (1 - a);
    let mut dy = 4 * a * a * (1 + b % 2);
    let mut error = dx + dy + a * a * (b % 2);
    let mut insets = vec![0; (height - height / 2) as usize];
    let (mut x, mut row) = (0, 0);
    while x <= width / 2 {
        let twice = 2 * error;
        if twice >= dx {
            x += 1;
            dx += square_b;
            error += dx;
        }
        if twice <= dy {
            row += 1;
            dy += square_a;
            error += dy;
            if let Some(inset) = insets.get_mut(row) {
                *inset = x;
            }
        }
    }
    let mut out = Builder::default();
    let mut band = |from: i64, to: i64, inset: i64| {
        out.band(narrow(from), narrow(to), [(narrow(left + inset), narrow(right - inset))]);
    };
    // The upper half mirrors the lower one; the row in the middle of an odd height is the widest.
    let upper = height / 2;
    for (index, inset) in insets.iter().rev().take(upper as usize).enumerate() {
        band(top + index as i64, top + index as i64 + 1, *inset);
    }
    let lower = bottom - (height - upper);
    band(top + upper, lower, 0);
    for (index, inset) in insets.iter().enumerate() {
        band(lower + index as i64, lower + index as i64 + 1, *inset);
    }
    Some(out.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(all: &[(i32, i32)]) -> Vec<Point> {
        all.iter().map(|(x, y)| Point::new(*x, *y)).collect()
    }

    #[test]
    fn polygons_cover_whole_pixels() {
        let square = polygon(&points(&[(2, 1), (6, 1), (6, 4), (2, 4)]), &[4], false, None).unwrap();
        assert_eq!(square.rects(), [Rect::new(2, 1, 6, 4)]);
        let triangle = polygon(&points(&[(0, 0), (4, 4), (0, 4)]), &[3], false, None).unwrap();
        let rows: Vec<_> = triangle.rects().iter().map(|rect| (rect.top, rect.left, rect.right)).collect();
        assert_eq!(rows, [(1, 0, 1), (2, 0, 2), (3, 0, 3)]);
        let clipped = polygon(&points(&[(0, 0), (4, 4), (0, 4)]), &[3], false, Some(&Rect::new(0, 3, 9, 9))).unwrap();
        assert_eq!(clipped.rects(), [Rect::new(0, 3, 3, 4)]);
        let far = [(i32::MIN, i32::MIN), (i32::MAX, i32::MAX), (0, i32::MAX)];
        assert!(polygon(&points(&far), &[3], true, None).is_none());
        assert!(polygon(&points(&far), &[9, 3], true, Some(&Rect::new(0, 0, 10, 10))).is_some());
    }

    #[test]
    fn what_overlaps_is_in_or_out() {
        let two = points(&[(0, 0), (6, 0), (6, 6), (0, 6), (2, 2), (4, 2), (4, 4), (2, 4)]);
        let hole = polygon(&two, &[4, 4], false, None).unwrap();
        assert!(!hole.contains(3, 3) && hole.contains(1, 3));
        let full = polygon(&two, &[4, 4], true, None).unwrap();
        assert_eq!(full.rects(), [Rect::new(0, 0, 6, 6)]);
    }

    #[test]
    fn round_corners_are_symmetrical() {
        for (width, height) in [(9, 7), (10, 8), (20, 5), (3, 30)] {
            let area = Rect::new(3, 4, 3 + 24, 4 + 31);
            let region = round_rect(area, width, height).unwrap();
            assert_eq!(region.bounds(), Rect::new(3, 4, 26, 34), "{width} {height}");
            for rect in region.rects() {
                let flipped = Rect { top: 38 - rect.bottom, bottom: 38 - rect.top, ..*rect };
                assert!(region.rects().contains(&flipped), "{width} {height} {rect:?}");
                assert_eq!(rect.left - 3, 26 - rect.right);
            }
        }
        assert_eq!(round_rect(Rect::new(0, 0, 5, 5), 1, 9).unwrap().rects(), [Rect::new(0, 0, 4, 4)]);
    }

    #[test]
    fn round_corners_end_somewhere() {
        let round = |right, bottom, width, height| round_rect(Rect::new(0, 0, right, bottom), width, height);
        assert!(round(i32::MAX, 100, i32::MAX, 50).is_none() && round(100, i32::MAX, 50, i32::MAX).is_none());
        assert!(round(i32::MIN, i32::MAX, i32::MIN, i32::MIN).is_none());
        assert!(round(i32::MAX, i32::MAX, 20, 20).is_some());
    }
}
