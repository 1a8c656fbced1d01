//! Lines and figures.

use super::User;
use super::attr::{ADVANCED, OPAQUE, WINDING};
use super::brush::style as brush_style;
use super::dc::Work;
use super::handles::Handles;
use super::ink::Ink;
use super::path::record::Ends;
use super::path::{Path, kind};
use super::pen::style;
use super::raster::line::Line;
use super::raster::wide::{self, End, Join, Stroke};
use super::raster::{arc, curve, rop};
use super::region::{Mode, Region};
use super::{answer, done, regions, shapes};
use crate::call::{Call, Cx};
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::UserPtr;
use crate::win32k::geometry::{Point, Rect, round};
use zerocopy::IntoBytes;

/// System calls about lines and figures.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiLineTo(dc: u32, x: i32, y: i32) => line_to, Done;
    NtGdiPolyPolyDraw(dc: u32, points: u64, counts: UserPtr<u32>, count: u32, function: u32) => poly_poly_draw, Done;
    NtGdiRectangle(dc: u32, left: i32, top: i32, right: i32, bottom: i32) => rectangle, Done;
    NtGdiRoundRect(dc: u32, left: i32, top: i32, right: i32, bottom: i32, width: i32, height: i32) => round_rectangle, Done;
    NtGdiEllipse(dc: u32, left: i32, top: i32, right: i32, bottom: i32) => ellipse, Done;
    NtGdiArcInternal(kind: u32, dc: u32, left: i32, top: i32, right: i32, bottom: i32, from_x: i32, from_y: i32, to_x: i32, to_y: i32) => arc, Done;
    NtGdiFillRgn(dc: u32, region: u32, brush: u32) => fill_region, Done;
    NtGdiFrameRgn(dc: u32, region: u32, brush: u32, width: i32, height: i32) => frame_region, Done;
    NtGdiInvertRgn(dc: u32, region: u32) => invert_region, Done;
};

/// Parts of lines that are drawn at once.
const MOST_PARTS: usize = 1 << 16;
/// Pixels of a line that is drawn by itself.
const LONG: u32 = 16;
/// AD_CLOCKWISE.
const CLOCKWISE: i32 = 2;
/// R2_NOT.
const R2_NOT: u16 = 6;

/// Lengths of dashes and gaps of cosmetic pens, then of geometric ones: PS_DASH and those that follow.
const COSMETIC: [&[u32]; 4] = [&[18, 6], &[3, 3], &[9, 6, 3, 6], &[9, 3, 3, 3, 3, 3]];
const GEOMETRIC: [&[u32]; 4] = [&[3, 1], &[1, 1], &[3, 1, 1, 1], &[3, 1, 1, 1, 1, 1]];

/// How a pen draws on a device.
struct Pen {
    /// Pixels; 0 for a pen that draws nothing.
    width: i32,
    /// Whether what it draws is one region, which is filled at once.
    whole: bool,
    /// Lengths of dashes and gaps.
    dashes: Vec<u32>,
    inside: bool,
    stroke: Stroke,
}

impl Work<'_> {
    fn pen(&self) -> Pen {
        let pen = &self.state.pen.1;
        let geometric = pen.style & style::GEOMETRIC != 0;
        let logical = if pen.extended && !geometric { 0 } else { pen.width };
        let width = if logical == 0 {
            1
        } else {
            let origin = self.device_point(Point::default());
            let end = self.device_point(Point::new(logical as i32, 0));
            let (dx, dy) = (f64::from(end.x) - f64::from(origin.x), f64::from(end.y) - f64::from(origin.y));
            (dx.hypot(dy).floor() as i32).max(1)
        };
        let line = pen.style & style::MASK;
        let dashes = match line {
            style::DASH..=style::DASH_DOT_DOT if geometric => GEOMETRIC[line as usize - 1].to_vec(),
            style::DASH..=style::DASH_DOT_DOT if width == 1 => COSMETIC[line as usize - 1].to_vec(),
            style::ALTERNATE => vec![1, 1],
            style::USER if geometric => pen.dashes.clone(),
            style::USER => pen.dashes.iter().map(|dash| dash.saturating_mul(3)).collect(),
            _ => Vec::new(),
        };
        let width = if line == style::NULL { 0 } else { width };
        let mut dashes = dashes;
        if geometric && width > 1 && line != style::USER {
            let wide = width as u32;
            dashes.iter_mut().for_each(|dash| *dash = dash.saturating_mul(wide));
            if pen.style & style::END_MASK != style::END_FLAT {
                // Ends make dashes longer, at the cost of the gaps.
                for pair in dashes.chunks_exact_mut(2) {
                    pair[0] = pair[0].saturating_sub(wide);
                    pair[1] = pair[1].saturating_add(wide);
                }
            }
        }
        let stroke = Stroke {
            width,
            end: match pen.style & style::END_MASK {
                style::END_SQUARE => End::Square,
                style::END_FLAT => End::Flat,
                _ => End::Round,
            },
            join: match pen.style & style::JOIN_MASK {
                style::JOIN_BEVEL => Join::Bevel,
                style::JOIN_MITER => Join::Miter,
                _ => Join::Round,
            },
            miter_limit: self.attr.miter_limit,
        };
        Pen { width, whole: geometric || width > 1, dashes, inside: line == style::INSIDE_FRAME, stroke }
    }

    /// What of the device there is: lines are not looked at beyond.
    fn limits(&self) -> Rect {
        let most = Rect::new(-0x8000, -0x8000, 0x1_0000, 0x1_0000);
        self.visible(&most).unwrap_or_default()
    }

    fn has_brush(&self) -> bool {
        self.state.brush.1.style != brush_style::NULL
    }

    fn operation(&self) -> u8 {
        rop::of_pen(self.attr.rop)
    }

    /// Fills a region of the device with the brush.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn brush_region(&mut self, region: &Region) -> Nt<()> {
        self.ready_format();
        let Some(surface) = self.drawn_on() else { return Ok(()) };
        let ink = self.brush_ink(&surface.format());
        self.ink_region(region, &ink)
    }

    fn pen_region(&mut self, region: &Region) -> Nt<()> {
        self.ready_format();
        let Some(surface) = self.drawn_on() else { return Ok(()) };
        let ink = self.pen_ink(&surface.format());
        self.ink_region(region, &ink)
    }

    fn ink_region(&mut self, region: &Region, ink: &Ink) -> Nt<()> {
        if matches!(ink, Ink::None) {
            return Ok(());
        }
        let operation = self.operation();
        let clip = self.clipped(&region.bounds());
        if clip.rects() == [region.bounds()] {
            return self.fill(region, ink, operation);
        }
        self.fill(&region.combine(&clip, Mode::And), ink, operation)
    }

    /// Draws on parts of what [`Work::limits`] says, which need not all be seen.
    fn ink_parts(&mut self, parts: &[Rect], pixel: u32) -> Nt<()> {
        let cut: Vec<Rect>;
        let parts = match &self.state.total {
            Some(total) if total.rects().len() != 1 => {
                cut = parts.iter().flat_map(|part| total.clip(part)).collect();
                &cut
            }
            _ => parts,
        };
        let bounds = parts.iter().fold(Rect::default(), |bounds, part| bounds.union(part));
        let operation = self.operation();
        self.fill_areas(parts, &bounds, &Ink::Solid(pixel), operation)
    }

    /// Draws lines through points of the device. Pens that draw regions add to `outline`.
    fn lines(&mut self, pen: &Pen, points: &[Point], close: bool, outline: &mut Region) -> Nt<()> {
        if pen.width == 0 || points.len() < 2 {
            return Ok(());
        }
        let limits = self.limits();
        if limits.is_empty() {
            return Ok(());
        }
        if pen.width > 1 {
            let drawn = match pen.dashes.as_slice() {
                [] => wide::lines(points, close, &pen.stroke, &limits),
                dashes => wide::dashed(points, close, &pen.stroke, dashes, &limits),
            };
            *outline = outline.combine(&drawn, Mode::Or);
            return Ok(());
        }
        let pairs = points.windows(2).map(|pair| (pair[0], pair[1]));
        let last = close.then(|| (points[points.len() - 1], points[0]));
        // Lines are drawn one after the other only where it makes a difference that they cross.
        let at_once = pen.dashes.is_empty() && !rop::uses_destination(self.operation());
        let mut dash = 0;
        let mut parts = Vec::new();
        for (from, to) in pairs.chain(last) {
            if pen.dashes.is_empty() && touch(from, to) {
                if from != to && limits.contains(from.x, from.y) {
                    add_pixel(&mut parts, from);
                }
                if !pen.whole && !at_once {
                    self.solid(&parts)?;
                    parts.clear();
                }
                continue;
            }
            let line = Line::new(from, to);
            if pen.dashes.is_empty() {
                if at_once && !pen.whole && line.length() >= LONG && self.walk(&line, &limits)? {
                    continue;
                }
                line.runs(&limits, |rect, _| parts.push(rect));
                if !pen.whole && (!at_once || parts.len() >= MOST_PARTS) {
                    self.solid(&parts)?;
                    parts.clear();
                }
                continue;
            }
            let mut gaps = Vec::new();
            line.pixels(&limits, |point, step| {
                let rect = Rect::new(point.x, point.y, point.x + 1, point.y + 1);
                if is_mark(&pen.dashes, dash + u64::from(step)) { parts.push(rect) } else { gaps.push(rect) }
            });
            dash += u64::from(line.length());
            if !pen.whole {
                self.solid(&parts)?;
                parts.clear();
                if !self.state.pen.1.extended && self.attr.background_mode == OPAQUE {
                    self.background(&gaps)?;
                }
            }
        }
        if pen.whole {
            *outline = outline.combine(&Region::of(&parts), Mode::Or);
            return Ok(());
        }
        self.solid(&parts)
    }

    /// Fills with the pen's colour, never mixed of others.
    fn solid(&mut self, parts: &[Rect]) -> Nt<()> {
        if parts.is_empty() {
            return Ok(());
        }
        self.ready_format();
        let Some(surface) = self.drawn_on() else { return Ok(()) };
        let pixel = self.pixel_of(&surface.format(), self.pen_color(), true);
        self.ink_parts(parts, pixel)
    }

    /// Draws a line with the pen's colour where all of it is seen and the destination says nothing about it; false where not.
    fn walk(&mut self, line: &Line, limits: &Rect) -> Nt<bool> {
        if self.state.total.as_ref().is_some_and(|total| total.rects().len() != 1) {
            return Ok(false);
        }
        let Some(way) = line.way(limits) else { return Ok(false) };
        if !self.ready_target(&way.bounds) {
            return Ok(false);
        }
        let Some(surface) = self.drawn_on() else { return Ok(false) };
        let mut opened = surface.open(self.k);
        let mut pixel = [0];
        let pen = self.pixel_of(&opened.format, self.pen_color(), true);
        rop::combine(self.operation(), &mut pixel, &[0], &[pen]);
        let origin = self.state.origin;
        if !opened.walk(&way, (origin.x, origin.y), pixel[0] & opened.format.mask())? {
            return Ok(false);
        }
        opened.damage(&way.bounds.offset(origin.x, origin.y));
        drop(opened);
        self.note_bounds(&way.bounds);
        Ok(true)
    }

    fn pen_color(&self) -> u32 {
        let (handle, pen) = &self.state.pen;
        if Handles::is_stock(*handle, super::stock::DC_PEN) { self.attr.pen_color } else { pen.brush.color }
    }

    /// Fills the gaps of a line.
    fn background(&mut self, parts: &[Rect]) -> Nt<()> {
        self.ready_format();
        let Some(surface) = self.drawn_on() else { return Ok(()) };
        let format = surface.format();
        let color = self.pen_color();
        let pixel = match format.depth {
            1 => {
                let front = self.pixel_of(&format, color, true).min(1);
                if color == self.attr.background_color { front } else { 1 - front }
            }
            _ => self.pixel_of(&format, self.attr.background_color, false),
        };
        self.ink_parts(parts, pixel)
    }

    /// Notes lines for GetBoundsRect: how far a pen may reach from a point is Windows' guess.
    fn note_lines(&mut self, pen: &Pen, points: &[Point], outline: &Region) {
        if !self.state.keep_bounds {
            return;
        }
        let reach = match pen.width.saturating_add(2) {
            _ if !pen.whole => 0,
            width if pen.stroke.join == Join::Miter => {
                let width = width.saturating_mul(5);
                if pen.stroke.end == End::Square { width.saturating_mul(3).saturating_add(1) / 2 } else { width }
            }
            width if pen.stroke.end == End::Square => width - width / 4,
            width => (width + 1) / 2,
        };
        let mut bounds = outline.bounds();
        for point in points {
            let (x, y) = (point.x, point.y);
            bounds = bounds.union(&Rect {
                left: x.saturating_sub(reach),
                top: y.saturating_sub(reach),
                right: x.saturating_add(reach).saturating_add(1),
                bottom: y.saturating_add(reach).saturating_add(1),
            });
        }
        let seen = match &self.state.total {
            Some(clip) => bounds.intersect(&clip.bounds()),
            None => Some(bounds),
        };
        if let Some(seen) = seen {
            self.note_bounds(&seen);
        }
    }

    /// Draws a figure: what is within, where that is filled, and the lines around it.
    fn figure(&mut self, pen: &Pen, interior: Option<Region>, lines: &[(&[Point], bool)]) -> Nt<()> {
        let mut outline = Region::default();
        if let Some(interior) = interior.as_ref().filter(|_| !pen.whole) {
            self.brush_region(interior)?;
        }
        for (points, close) in lines {
            self.lines(pen, points, *close, &mut outline)?;
        }
        for (points, _) in lines {
            self.note_lines(pen, points, &outline);
        }
        if pen.whole {
            if let Some(interior) = interior {
                self.brush_region(&interior.combine(&outline, Mode::Diff))?;
            }
            self.pen_region(&outline)?;
        }
        Ok(())
    }

    /// A rectangle of the device, with room for the pen; `None` if nothing is in it.
    fn pen_rect(&self, pen: &Pen, mut rect: Rect) -> Option<Rect> {
        if self.is_mirrored() {
            rect = rect.offset(-1, 0);
        }
        let mut rect = self.device_corners(rect).ordered();
        if rect.is_empty() {
            return None;
        }
        if pen.inside {
            rect.left += pen.width / 2;
            rect.top += pen.width / 2;
            rect.right -= (pen.width - 1) / 2;
            rect.bottom -= (pen.width - 1) / 2;
        }
        Some(rect)
    }

    fn rectangle(&mut self, logical: Rect) -> Nt<()> {
        let pen = self.pen();
        if self.attr.graphics_mode == ADVANCED {
            let Rect { left, top, right, bottom } = logical;
            let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
            let points = corners.map(|(x, y)| self.device_point(Point::new(x, y)));
            return self.polygons(&points, &[4]);
        }
        let Some(mut rect) = self.pen_rect(&pen, logical) else { return Ok(()) };
        rect.right -= 1;
        rect.bottom -= 1;
        let Rect { left, top, right, bottom } = rect;
        let corners = if self.attr.arc_direction == CLOCKWISE {
            [(right, bottom), (left, bottom), (left, top), (right, top)]
        } else {
            [(right, top), (left, top), (left, bottom), (right, bottom)]
        };
        let points = corners.map(|(x, y)| Point::new(x, y));
        if pen.whole {
            let interior = self.has_brush().then(|| Region::from(rect));
            return self.figure(&pen, interior, &[(&points, true)]);
        }
        let mut outline = Region::default();
        self.lines(&pen, &points, true, &mut outline)?;
        self.note_lines(&pen, &points, &outline);
        let half = (pen.width + 1) / 2;
        let inner = Rect::new(left + half, top + half, right - pen.width / 2, bottom - pen.width / 2);
        self.brush_region(&Region::from(inner))
    }

    fn round_rectangle(&mut self, logical: Rect, width: i32, height: i32) -> Nt<()> {
        let pen = self.pen();
        let Some(rect) = self.pen_rect(&pen, logical) else { return Ok(()) };
        let size = self.device_corners(Rect::new(0, 0, width, height));
        let width = rect.width().min(size.width().saturating_abs());
        let height = rect.height().min(size.height().saturating_abs());
        if width <= 2 || height <= 2 {
            return self.rectangle(logical);
        }
        let grown = Rect { right: rect.right + 1, bottom: rect.bottom + 1, ..rect };
        let interior = if self.has_brush() { shapes::round_rect(grown, width, height) } else { None };
        let clockwise = self.attr.arc_direction == CLOCKWISE;
        let mut points = arc::quadrant(width, height);
        for point in &mut points {
            point.x += rect.right - width;
            point.y = if clockwise { rect.bottom - height + point.y } else { rect.top + height - 1 - point.y };
        }
        // Mirrored twice; a point in the middle of an odd length is there once.
        let mirror = |points: &mut Vec<Point>, skip: bool, turn: &dyn Fn(Point) -> Point| {
            let turned: Vec<_> = points.iter().rev().skip(usize::from(skip)).map(|point| turn(*point)).collect();
            points.extend(turned);
        };
        let (across, down) = (rect.left + rect.right - 1, rect.top + rect.bottom - 1);
        mirror(&mut points, width % 2 != 0 && width == rect.width(), &|p| Point::new(across - p.x, p.y));
        mirror(&mut points, height % 2 != 0 && height == rect.height(), &|p| Point::new(p.x, down - p.y));
        self.figure(&pen, interior, &[(&points, true)])
    }

    /// Polygons whose points are the device's.
    fn polygons(&mut self, points: &[Point], counts: &[usize]) -> Nt<()> {
        let pen = self.pen();
        let limits = self.limits();
        let winding = self.attr.poly_fill_mode == WINDING;
        let interior = if self.has_brush() { shapes::polygon(points, counts, winding, Some(&limits)) } else { None };
        let parts = split(points, counts);
        let lines: Vec<_> = parts.iter().map(|part| (*part, true)).collect();
        self.figure(&pen, interior, &lines)
    }

    /// Lines whose points are the device's.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn polylines(&mut self, points: &[Point], counts: &[usize]) -> Nt<()> {
        let pen = self.pen();
        let parts = split(points, counts);
        let lines: Vec<_> = parts.iter().map(|part| (*part, false)).collect();
        self.figure(&pen, None, &lines)
    }

    /// Draws an arc.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn arc(&mut self, kind: u32, logical: Rect, from: Point, to: Point) -> Nt<()> {
        let pen = self.pen();
        let Some(rect) = self.pen_rect(&pen, logical) else { return Ok(()) };
        let middle = Point::new(rect.left + rect.width() / 2, rect.top + rect.height() / 2);
        let ray = |point: Point| {
            let point = self.device_point(point);
            Point::new(point.x.wrapping_sub(middle.x), point.y.wrapping_sub(middle.y))
        };
        let clockwise = self.attr.arc_direction == CLOCKWISE;
        let mut points = arc::points(&rect, ray(from), ray(to), clockwise);
        let fills = match kind {
            arc_kind::TO => {
                points.insert(0, self.device_point(self.attr.position));
                false
            }
            arc_kind::PIE => {
                points.push(middle);
                true
            }
            kind => kind == arc_kind::CHORD,
        };
        if points.len() < 2 {
            return Ok(());
        }
        let limits = self.limits();
        let interior = if fills && self.has_brush() {
            shapes::polygon(&points, &[points.len()], true, Some(&limits))
        } else {
            None
        };
        self.figure(&pen, interior, &[(&points, fills)])
    }

    /// Adds what NtGdiPolyPolyDraw would draw to the path.
    fn record_poly_poly(&mut self, function: u32, points: &[Point], counts: &[usize]) -> bool {
        let one = counts.len() == 1;
        match function {
            function::POLYGON => self.record_figures(points, counts, Some(true)),
            function::POLYLINE => self.record_figures(points, counts, Some(false)),
            function::BEZIER if one && points.len() > 1 && points.len() % 3 == 1 => {
                self.record_figures(points, counts, None)
            }
            function::BEZIER_TO if one && !points.is_empty() && points.len().is_multiple_of(3) => {
                self.record_go(points, kind::CURVE)
            }
            function::POLYLINE_TO if one && !points.is_empty() => self.record_go(points, kind::LINE),
            _ => false,
        }
    }

    /// Draws a path of the device.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn draw_path(&mut self, path: &Path, stroke: bool, fill: bool) -> Nt<()> {
        let path = path.flat();
        let fills = fill && self.has_brush();
        let interior = if fills { path.region(self.attr.poly_fill_mode) } else { None };
        let mut pen = self.pen();
        pen.whole &= stroke;
        let figures = if stroke { path.figures() } else { Vec::new() };
        // What is filled is closed.
        let lines: Vec<_> = figures.into_iter().map(|(points, closed)| (points, closed || fills)).collect();
        self.figure(&pen, interior, &lines)
    }

    /// Draws with another brush on a region of the world.
    fn paint(&mut self, region: &Region, brush: u32) -> Nt<bool> {
        let handle = self.k.gdi.handles.full(brush);
        let Some(brush) = self.k.gdi.handles.brush(handle) else { return Ok(false) };
        let before = core::mem::replace(&mut self.state.brush, (handle, brush));
        let mut result = Ok(());
        for rect in region.rects() {
            let rect = self.device_corners(*rect).ordered();
            result = result.and(self.brush_region(&Region::from(rect)));
        }
        self.state.brush = before;
        result.map(|()| true)
    }
}

/// Parts of a list of points.
fn split<'a>(points: &'a [Point], counts: &[usize]) -> Vec<&'a [Point]> {
    let mut rest = points;
    let mut parts = Vec::new();
    for count in counts {
        let (part, after) = rest.split_at((*count).min(rest.len()));
        parts.push(part);
        rest = after;
    }
    parts
}

/// Whether a line ends beside the pixel where it begins, or there.
fn touch(from: Point, to: Point) -> bool {
    from.x.abs_diff(to.x) <= 1 && from.y.abs_diff(to.y) <= 1
}

/// Adds a pixel to parts of which none overlap where it lies.
fn add_pixel(parts: &mut Vec<Rect>, at: Point) {
    if let Some(last) = parts.last_mut()
        && last.top == at.y
        && last.bottom == at.y + 1
    {
        if last.right == at.x {
            last.right += 1;
            return;
        }
        if last.left == at.x + 1 {
            last.left -= 1;
            return;
        }
    }
    parts.push(Rect::new(at.x, at.y, at.x + 1, at.y + 1));
}

/// Whether a place along a line lies in a dash; lengths are dashes and gaps by turns, whatever their count.
fn is_mark(dashes: &[u32], place: u64) -> bool {
    let total: u64 = dashes.iter().map(|dash| u64::from(*dash)).sum();
    if total == 0 {
        return true;
    }
    let round = place / total;
    let mut left = place % total;
    let mut mark = dashes.len().is_multiple_of(2) || round.is_multiple_of(2);
    for dash in dashes {
        if left < u64::from(*dash) {
            break;
        }
        left -= u64::from(*dash);
        mark = !mark;
    }
    mark
}

/// Kinds of NtGdiArcInternal.
pub mod arc_kind {
    /// ArcTo.
    pub const TO: u32 = 1;
    /// Chord.
    pub const CHORD: u32 = 2;
    /// Pie.
    pub const PIE: u32 = 3;
}

/// NtGdiLineTo.
///
/// # Errors
/// None; the answer is FALSE.
pub fn line_to(cx: &Cx<'_>, dc: u32, x: i32, y: i32) -> User {
    answer(cx, dc, |work| {
        let to = Point::new(x, y);
        let drawn = if work.is_recording() {
            work.record_go(&[to], kind::LINE)
        } else if work.is_metafile() {
            let from = work.attr.position;
            work.note_recorded(Rect::new(from.x, from.y, x, y));
            true
        } else {
            let points = [work.device_point(work.attr.position), work.device_point(to)];
            let pen = work.pen();
            work.figure(&pen, None, &[(&points, false)]).is_ok()
        };
        work.attr.position = to;
        drawn.into()
    })
}

/// Points of one call at most.
const MOST: u64 = 1 << 22;

/// Functions of NtGdiPolyPolyDraw.
mod function {
    pub const POLYGON: u32 = 1;
    pub const POLYLINE: u32 = 2;
    pub const BEZIER: u32 = 3;
    pub const BEZIER_TO: u32 = 4;
    pub const POLYLINE_TO: u32 = 5;
    pub const REGION: u32 = 6;
}

fn read_points(k: &Kernel, points: u64, counts: UserPtr<u32>, count: u32) -> Nt<Option<(Vec<Point>, Vec<usize>)>> {
    if u64::from(count) > MOST {
        return Ok(None);
    }
    let counts = counts.read_vec(k, count as usize)?;
    let total: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    if total > MOST {
        return Ok(None);
    }
    let mut all = vec![Point::default(); total as usize];
    k.read_user(points, all.as_mut_bytes())?;
    Ok(Some((all, counts.into_iter().map(|count| count as usize).collect())))
}

/// NtGdiPolyPolyDraw: polygons, lines and curves; or a region of polygons, where the DC's place says how it is filled.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn poly_poly_draw(cx: &Cx<'_>, dc: u32, points: u64, counts: UserPtr<u32>, count: u32, function: u32) -> User {
    let Some((points, counts)) = read_points(cx.k, points, counts, count)? else { return done(false) };
    if function == function::REGION {
        // One with more rows than can be walked through is empty.
        let region = shapes::polygon(&points, &counts, dc == WINDING.into(), None).unwrap_or_default();
        return regions::add(cx.k, Some(region));
    }
    answer(cx, dc, |work| {
        let device: Vec<_> = points.iter().map(|point| work.device_point(*point)).collect();
        let here = work.device_point(work.attr.position);
        let to = |points: &[Point]| core::iter::once(here).chain(points.iter().copied()).collect::<Vec<_>>();
        let one = counts.len() == 1;
        let drawn = match function {
            _ if matches!(function, function::POLYGON | function::POLYLINE)
                && counts.iter().any(|count| *count < 2) =>
            {
                return 0;
            }
            _ if work.is_recording() => match work.record_poly_poly(function, &points, &counts) {
                true => Ok(()),
                false => return 0,
            },
            function::POLYGON => work.polygons(&device, &counts),
            function::POLYLINE => work.polylines(&device, &counts),
            function::BEZIER if one && points.len() > 1 && points.len() % 3 == 1 => {
                let line = curve_of(work, &points);
                work.polylines(&line, &[line.len()])
            }
            function::BEZIER_TO if one && !points.is_empty() && points.len() % 3 == 0 => {
                let all: Vec<_> = core::iter::once(work.attr.position).chain(points.iter().copied()).collect();
                let line = curve_of(work, &all);
                work.polylines(&line, &[line.len()])
            }
            function::POLYLINE_TO if one && !points.is_empty() => {
                let line = to(&device);
                work.polylines(&line, &[line.len()])
            }
            _ => return 0,
        };
        if function >= function::BEZIER
            && let Some(last) = points.last()
        {
            work.attr.position = *last;
        }
        drawn.is_ok().into()
    })
}

/// Draws one polygon with a DC's pen and brush.
pub fn polygon_of(cx: &Cx<'_>, dc: u32, points: &[Point]) {
    super::with(cx, dc, |work| {
        let device: Vec<_> = points.iter().map(|point| work.device_point(*point)).collect();
        // Memory that the guest took away shows nothing.
        work.polygons(&device, &[device.len()])
    });
}

/// The lines of a curve: halved in the world, then brought to the device.
fn curve_of(work: &Work<'_>, points: &[Point]) -> Vec<Point> {
    curve::lines(points).into_iter().map(|point| work.device_point(point)).collect()
}

/// NtGdiRectangle.
///
/// # Errors
/// None; the answer is FALSE.
pub fn rectangle(cx: &Cx<'_>, dc: u32, left: i32, top: i32, right: i32, bottom: i32) -> User {
    let rect = Rect::new(left, top, right, bottom);
    answer(cx, dc, |work| match work.is_recording() {
        true => work.record_rectangle(rect).into(),
        false if work.is_metafile() => work.note_figure(rect).into(),
        false => work.rectangle(rect).is_ok().into(),
    })
}

/// NtGdiRoundRect.
///
/// # Errors
/// None; the answer is FALSE.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn round_rectangle(
    cx: &Cx<'_>,
    dc: u32,
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
    width: i32,
    height: i32,
) -> User {
    let rect = Rect::new(left, top, right, bottom);
    answer(cx, dc, |work| match work.is_recording() {
        true => work.record_round_rectangle(rect, width, height).into(),
        false if work.is_metafile() => work.note_figure(rect).into(),
        false => work.round_rectangle(rect, width, height).is_ok().into(),
    })
}

/// NtGdiEllipse.
///
/// # Errors
/// None; the answer is FALSE.
pub fn ellipse(cx: &Cx<'_>, dc: u32, left: i32, top: i32, right: i32, bottom: i32) -> User {
    let (width, height) = (right.wrapping_sub(left), bottom.wrapping_sub(top));
    let rect = Rect::new(left, top, right, bottom);
    answer(cx, dc, |work| match work.is_recording() {
        true => work.record_ellipse(rect).into(),
        false if work.is_metafile() => work.note_figure(rect).into(),
        false => work.round_rectangle(rect, width, height).is_ok().into(),
    })
}

/// NtGdiArcInternal: an arc, an arc that a line leads to, a chord, a pie.
///
/// # Errors
/// None; the answer is FALSE.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn arc(
    cx: &Cx<'_>,
    kind: u32,
    dc: u32,
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
    from_x: i32,
    from_y: i32,
    to_x: i32,
    to_y: i32,
) -> User {
    if kind > arc_kind::PIE {
        return done(false);
    }
    answer(cx, dc, |work| {
        let rect = Rect::new(left, top, right, bottom);
        let (from, to) = (Point::new(from_x, from_y), Point::new(to_x, to_y));
        if work.is_recording() {
            let ends = match kind {
                arc_kind::TO => Ends::Joined,
                arc_kind::CHORD => Ends::Chord,
                arc_kind::PIE => Ends::Pie,
                _ => Ends::Open,
            };
            let direction = work.attr.arc_direction;
            if !work.record_arc(rect, from, to, direction, ends) {
                return 0;
            }
        }
        let metafile = work.is_metafile();
        if metafile && !work.note_arc(&super::metafile::Arc { kind, rect, from, to }) {
            return 0;
        }
        let drawn = if work.is_recording() || metafile { Ok(()) } else { work.arc(kind, rect, from, to) };
        if kind == arc_kind::TO && drawn.is_ok() {
            let (width, height) = (f64::from(right) - f64::from(left), f64::from(bottom) - f64::from(top));
            let (x, y) =
                (f64::from(left.min(right)) + width.abs() / 2.0, f64::from(top.min(bottom)) + height.abs() / 2.0);
            let angle = ((f64::from(to_y) - y) / height.abs()).atan2((f64::from(to_x) - x) / width.abs());
            let end_x = round(x + angle.cos() * width.abs() / 2.0);
            work.attr.position = Point::new(end_x, round(y + angle.sin() * height.abs() / 2.0));
        }
        drawn.is_ok().into()
    })
}

/// NtGdiFillRgn.
///
/// # Errors
/// None; the answer is FALSE.
pub fn fill_region(cx: &Cx<'_>, dc: u32, region: u32, brush: u32) -> User {
    let Some(region) = regions::get(cx.k, region) else { return done(false) };
    answer(cx, dc, |work| work.paint(&region, brush).unwrap_or(false).into())
}

/// NtGdiFrameRgn: the edge of a region, so wide.
///
/// # Errors
/// None; the answer is FALSE.
pub fn frame_region(cx: &Cx<'_>, dc: u32, region: u32, brush: u32, width: i32, height: i32) -> User {
    let region = regions::get(cx.k, region).filter(|region| !region.is_empty());
    let Some(region) = region else { return done(false) };
    let mut inner = region.offset(width.wrapping_neg(), 0);
    for (x, y) in [(width, 0), (0, height.wrapping_neg()), (0, height)] {
        inner = inner.combine(&region.offset(x, y), Mode::And);
    }
    let frame = region.combine(&inner, Mode::Diff);
    answer(cx, dc, |work| work.paint(&frame, brush).unwrap_or(false).into())
}

/// NtGdiInvertRgn.
///
/// # Errors
/// None; the answer is FALSE.
pub fn invert_region(cx: &Cx<'_>, dc: u32, region: u32) -> User {
    let Some(region) = regions::get(cx.k, region) else { return done(false) };
    answer(cx, dc, |work| {
        let before = core::mem::replace(&mut work.attr.rop, R2_NOT);
        let brush = work.k.gdi.handles.stock(super::stock::WHITE_BRUSH);
        let drawn = work.paint(&region, brush).unwrap_or(false);
        work.attr.rop = before;
        drawn.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_go_on_by_turns() {
        let marks = |dashes: &[u32]| (0..8).map(|place| is_mark(dashes, place)).collect::<Vec<_>>();
        assert_eq!(marks(&[2, 1]), [true, true, false, true, true, false, true, true]);
        assert_eq!(marks(&[2, 1, 1])[..4], [true, true, false, true]);
        assert_eq!(marks(&[2, 1, 1])[4..], [false, false, true, false]);
        assert!(marks(&[0, 0]).iter().all(|mark| *mark));
    }
}
