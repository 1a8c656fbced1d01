//! Paths: lines and curves that are kept instead of drawn, then filled, stroked or made regions. Points are the device's, as
//! Windows keeps them.
//!
//! While one is recorded (BeginPath to EndPath) what would draw lines adds to it ([`record`]).

pub mod calls;
pub mod record;
pub mod widen;

use super::attr::WINDING;
use super::raster::curve;
use super::region::Region;
use super::shapes;
use crate::win32k::geometry::Point;

/// Kinds of points, and the bit of the last one of a figure that is closed (PT_*).
pub mod kind {
    /// It is closed.
    pub const CLOSE: u8 = 1;
    /// A line to it.
    pub const LINE: u8 = 2;
    /// One of three of a curve.
    pub const CURVE: u8 = 4;
    /// A figure begins.
    pub const MOVE: u8 = 6;
}

/// Points of a path at most.
const MOST: usize = 1 << 22;

/// A path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path {
    points: Vec<Point>,
    kinds: Vec<u8>,
    /// Whether what comes next begins at `position`, rather than where the last point is.
    fresh: bool,
    position: Point,
}

impl Path {
    /// An empty path that begins at a point.
    pub fn new(position: Point) -> Path {
        Path { fresh: true, position, ..Path::default() }
    }

    /// Its points.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// What they are.
    pub fn kinds(&self) -> &[u8] {
        &self.kinds
    }

    /// Adds a point; false if there are too many.
    pub fn add(&mut self, point: Point, kind: u8) -> bool {
        if self.points.len() >= MOST {
            return false;
        }
        self.points.push(point);
        self.kinds.push(kind);
        true
    }

    /// Adds points of one kind, but for the first.
    pub fn extend(&mut self, points: &[Point], first: u8, kind: u8) -> bool {
        let kinds = core::iter::once(first).chain(core::iter::repeat(kind));
        points.iter().zip(kinds).all(|(point, kind)| self.add(*point, kind))
    }

    /// Goes on from another point.
    pub fn move_to(&mut self, point: Point) {
        (self.fresh, self.position) = (true, point);
    }

    /// Begins a figure where the position is, unless it is where the last one goes on.
    pub fn begin(&mut self) -> bool {
        let goes_on = !self.fresh
            && self.kinds.last().is_some_and(|kind| kind & kind::CLOSE == 0)
            && self.points.last() == Some(&self.position);
        if goes_on {
            return true;
        }
        self.fresh = false;
        self.add(self.position, kind::MOVE)
    }

    /// The position is where the last point is.
    pub fn follow(&mut self) {
        if let Some(last) = self.points.last() {
            self.position = *last;
        }
    }

    /// Adds points from the position on.
    pub fn go(&mut self, points: &[Point], kind: u8) -> bool {
        let added = self.begin() && self.extend(points, kind, kind);
        self.follow();
        added
    }

    /// Adds lines and curves as PolyDraw has them; false, and nothing moves, where their kinds make no sense.
    pub fn poly_draw(&mut self, points: &[Point], kinds: &[u8]) -> bool {
        let before = self.position;
        let drawn = self.poly_draw_all(points, kinds).is_some();
        if !drawn {
            self.position = before;
        }
        drawn
    }

    fn poly_draw_all(&mut self, points: &[Point], kinds: &[u8]) -> Option<()> {
        let start = self.kinds.iter().rposition(|kind| *kind == kind::MOVE);
        let mut first = start.and_then(|at| self.points.get(at)).copied().unwrap_or(self.position);
        let mut at = 0;
        while let (Some(point), Some(of)) = (points.get(at), kinds.get(at)) {
            let mut last = at;
            match *of {
                kind::MOVE => {
                    self.move_to(*point);
                    first = *point;
                }
                of if of & !kind::CLOSE == kind::LINE => self.go(&[*point], kind::LINE).then_some(())?,
                kind::CURVE => {
                    last = at + 2;
                    if [*kinds.get(at + 1)?, *kinds.get(last)? & !kind::CLOSE] != [kind::CURVE; 2] {
                        return None;
                    }
                    self.go(points.get(at..at + 3)?, kind::CURVE).then_some(())?;
                }
                _ => return None,
            }
            if kinds.get(last).is_some_and(|of| of & kind::CLOSE != 0) {
                self.close();
                self.position = first;
            }
            at = last + 1;
        }
        Some(())
    }

    /// Closes the last figure.
    pub fn close(&mut self) {
        if let Some(last) = self.kinds.last_mut() {
            *last |= kind::CLOSE;
        }
    }

    /// With lines in the place of curves.
    pub fn flat(&self) -> Path {
        let mut flat = Path { fresh: self.fresh, position: self.position, ..Path::default() };
        let mut at = 0;
        while let (Some(point), Some(kind)) = (self.points.get(at), self.kinds.get(at)) {
            if kind & !kind::CLOSE != kind::CURVE {
                flat.add(*point, *kind);
                at += 1;
                continue;
            }
            // A curve is three points, and the one before.
            if let Some(curve) = at.checked_sub(1).and_then(|first| self.points.get(first..at + 3)) {
                for point in curve::lines(curve).iter().skip(1) {
                    flat.add(*point, kind::LINE);
                }
            }
            if self.kinds.get(at + 2).is_some_and(|kind| kind & kind::CLOSE != 0) {
                flat.close();
            }
            at += 3;
        }
        flat
    }

    /// The figures of a flat path, each with whether it is closed.
    pub fn figures(&self) -> Vec<(&[Point], bool)> {
        let starts: Vec<usize> = self
            .kinds
            .iter()
            .enumerate()
            .filter(|(at, kind)| *at == 0 || **kind == kind::MOVE)
            .map(|(at, _)| at)
            .collect();
        let ends = starts.iter().skip(1).copied().chain([self.points.len()]);
        let figure = |(start, end): (&usize, usize)| {
            let closed =
                end.checked_sub(1).and_then(|last| self.kinds.get(last)).is_some_and(|kind| kind & kind::CLOSE != 0);
            Some((self.points.get(*start..end)?, closed))
        };
        starts.iter().zip(ends).filter_map(figure).collect()
    }

    /// What lies within a flat path.
    pub fn region(&self, fill_mode: u16) -> Option<Region> {
        let figures = self.figures();
        let points: Vec<Point> = figures.iter().flat_map(|(points, _)| points.iter().copied()).collect();
        let counts: Vec<usize> = figures.iter().map(|(points, _)| points.len()).collect();
        shapes::polygon(&points, &counts, fill_mode == WINDING, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: i32, y: i32) -> Point {
        Point::new(x, y)
    }

    #[test]
    fn lines_go_on() {
        let mut path = Path::new(at(1, 1));
        assert!(path.go(&[at(5, 1)], kind::LINE) && path.go(&[at(5, 5), at(1, 5)], kind::LINE));
        path.close();
        assert!(path.go(&[at(9, 9)], kind::LINE));
        assert_eq!(path.kinds(), [kind::MOVE, 2, 2, kind::LINE | kind::CLOSE, kind::MOVE, 2]);
        assert_eq!(path.points()[4], at(1, 5));
        let figures = path.figures();
        assert_eq!((figures.len(), figures[0].0.len(), figures[0].1, figures[1].1), (2, 4, true, false));
        assert_eq!(path.region(WINDING).unwrap().bounds(), crate::win32k::geometry::Rect::new(1, 1, 5, 5));
    }

    #[test]
    fn curves_become_lines() {
        let mut path = Path::new(at(0, 0));
        assert!(path.go(&[at(0, 40), at(40, 40), at(40, 0)], kind::CURVE));
        path.close();
        let flat = path.flat();
        assert!(flat.points().len() > 5 && flat.kinds().iter().skip(1).all(|kind| kind & !1 == kind::LINE));
        assert_eq!(flat.kinds().last(), Some(&(kind::LINE | kind::CLOSE)));
        assert!(Path::default().flat().figures().is_empty());
        // A curve without its points is none.
        let mut broken = Path::default();
        broken.add(at(1, 1), kind::CURVE);
        assert!(broken.flat().points().is_empty());
    }
}
