//! Goes through a metafile's records and draws what they say on a page.

use super::canvas::{Canvas, Paint};
use super::document::Document;
use super::matrix::{Matrix, Spot, spot, tame};
use super::path::{self, Closed, Path, Step};
use super::record::{Record, records};
use super::state::{Object, State, color};
use crate::call::Cx;
use crate::win32k::gdi::region::Region;
use crate::win32k::geometry::{Rect, round};
use crate::win32k::print::mode::{Measures, Printer};
use std::collections::HashMap;
use std::sync::Arc;

/// States that SaveDC keeps at most.
const MOST_SAVED: usize = 0x1_0000;
/// Points of an inch.
const POINTS: f64 = 72.0;

/// What plays a page.
pub struct Player<'a, 'c> {
    /// Who asks.
    pub cx: &'a Cx<'c>,
    /// The document.
    pub document: &'a mut Document,
    /// The page.
    pub canvas: Canvas,
    /// What counts now.
    pub state: State,
    /// The device's measures.
    pub device: Measures,
    /// Patterns of hatched brushes that were made, by colour and HS_*.
    pub hatches: HashMap<(u32, u32), Paint>,
    saved: Vec<State>,
    /// Pens, brushes and fonts that the metafile made.
    pub(super) objects: HashMap<u32, Object>,
    /// The path that is begun, and the last one that was ended.
    begun: Option<Path>,
    ended: Path,
    /// Lines that go on from each other: they are one.
    lines: Path,
    /// Where the pen was put down for them.
    is_down: bool,
}

/// A metafile becomes a page.
pub fn page(cx: &Cx<'_>, document: &mut Document, metafile: &[u8], printer: &Printer) {
    let device = printer.measures();
    let inch = spot(POINTS / f64::from(device.dots.0), POINTS / f64::from(device.dots.1));
    let (paper, offset) = (device.paper, device.offset);
    let size = (f64::from(paper.0) * inch.x, f64::from(paper.1) * inch.y);
    let (left, top) = (f64::from(offset.0) * inch.x, f64::from(offset.1) * inch.y);
    let base = Matrix([inch.x, 0.0, 0.0, -inch.y, left, size.1 - top]);
    let state = State::new();
    let canvas = Canvas::new((size.0 as f32, size.1 as f32), base, printer.is_mono(), state.shown.clone());
    let mut player = Player {
        cx,
        document,
        canvas,
        state,
        device,
        hatches: HashMap::new(),
        saved: Vec::new(),
        objects: HashMap::new(),
        begun: None,
        ended: Path::new(),
        lines: Path::new(),
        is_down: false,
    };
    for record in records(metafile) {
        player.step(&record);
    }
    player.flush();
    let Player { canvas, document, .. } = player;
    canvas.finish(document);
}

impl Player<'_, '_> {
    /// All of the device.
    pub(super) fn whole(&self) -> Rect {
        Rect::new(0, 0, self.device.pixels.0, self.device.pixels.1)
    }

    /// Draws lines that were put off.
    fn flush(&mut self) {
        let lines = core::mem::take(&mut self.lines);
        if !lines.is_empty() {
            self.draw(&lines, false, true);
        }
    }

    /// A shape: drawn, or part of the path that is begun.
    fn shape(&mut self, path: Path, filled: bool, stroked: bool) {
        match &mut self.begun {
            Some(begun) => begun.extend(path),
            None => self.draw(&path, filled, stroked),
        }
    }

    /// Whether shapes become parts of a path.
    pub fn is_in_path(&self) -> bool {
        self.begun.is_some()
    }

    /// Adds to the path that is begun.
    pub fn add_to_path(&mut self, path: Path) {
        if let Some(begun) = &mut self.begun {
            begun.extend(path);
        }
    }

    /// Lines and curves that go on from where the pen is.
    fn go_on(&mut self, steps: Vec<Step>, to: Spot) {
        let begin = Step::Move(self.state.to_device().apply(self.state.position));
        let is_down = core::mem::replace(&mut self.is_down, true);
        let path = match &mut self.begun {
            Some(begun) => begun,
            None => &mut self.lines,
        };
        if !is_down || path.is_empty() {
            path.push(begin);
        }
        path.extend(steps);
        self.state.position = to;
    }

    fn device_spots(&self, points: &[Spot]) -> Vec<Spot> {
        let to = self.state.to_device();
        points.iter().map(|at| to.apply(*at)).collect()
    }

    /// Curves through points of the device, three for each.
    fn curves(points: &[Spot]) -> Vec<Step> {
        points.as_chunks::<3>().0.iter().map(|[a, b, c]| Step::Curve(*a, *b, *c)).collect()
    }

    fn step(&mut self, record: &Record<'_>) {
        // LineTo and MoveToEx alone leave lines put off.
        if !matches!(record.kind, 27 | 54) {
            self.flush();
            if self.begun.is_none() {
                self.is_down = false;
            }
        }
        match record.kind {
            2..=8 | 85..=91 => self.poly(record),
            9..=12 | 17 | 31 | 32 | 35 | 36 => self.map(record),
            13 => self.state.origin = self.state.to_device().apply(Spot::default()).plus(record.spot(8), 1.0),
            15 => {
                let at = self.state.to_device().apply(record.spot(8));
                let pixel = Rect::sized(round(at.x), round(at.y), 1, 1);
                self.fill(&path::rect(&pixel, &Matrix::default()), color(record.word(16)));
            }
            18 => self.state.is_opaque = record.word(8) == 2,
            19 => self.state.is_winding = record.word(8) == 2,
            20 => self.state.rop = record.word(8),
            // HALFTONE.
            21 => self.state.smooth = record.word(8) == 4,
            22 => self.state.align = record.word(8),
            24 => self.state.text_color = color(record.word(8)),
            25 => self.state.back_color = color(record.word(8)),
            26 | 28..=30 | 67 | 75 => self.clip(record),
            27 => {
                self.state.position = record.spot(8);
                self.is_down = false;
            }
            33 if self.saved.len() < MOST_SAVED => self.saved.push(self.state.clone()),
            34 => self.restore(record.int(8)),
            37..=40 | 82 | 93..=95 => self.objects(record),
            41 => {
                let to = self.state.to_device();
                let (start, sweep) = (record.float(20), record.float(24));
                let (arc, begin, end) = path::angle_arc(record.spot(8), record.word(16).into(), start, sweep, &to);
                let mut steps = vec![Step::Line(to.apply(begin))];
                steps.extend(arc);
                self.go_on(steps, end);
            }
            42 => {
                let path = path::ellipse(&record.rect(8), &self.state.to_device());
                self.shape(path, true, true);
            }
            43 => {
                let path = path::rect(&record.rect(8), &self.state.to_device());
                self.shape(path, true, true);
            }
            44 => {
                let path = path::round_rect(&record.rect(8), record.spot(24), &self.state.to_device());
                self.shape(path, true, true);
            }
            45..=47 | 55 => self.arc(record),
            54 => {
                let to = record.spot(8);
                let line = Step::Line(self.state.to_device().apply(to));
                self.go_on(vec![line], to);
            }
            56 | 92 => self.poly_draw(record),
            57 => self.state.is_clockwise = record.word(8) == 2,
            58 => self.state.miter = tame(record.float(8)),
            59..=66 | 68 => self.paths(record),
            71..=74 => self.regions(record),
            76..=78 | 114 | 116 => self.blit(record),
            79 => self.parallelogram(record),
            80 => self.set_bits(record),
            81 => self.stretch_bits(record),
            84 => self.text(record),
            118 => self.gradient_fill(record),
            _ => {}
        }
    }

    /// Poly*: of 32 bits and of 16.
    fn poly(&mut self, record: &Record<'_>) {
        let small = record.kind >= 85;
        let kind = if small { record.kind - 83 } else { record.kind };
        if matches!(kind, 7 | 8) {
            let (polygons, count) = (record.word(24) as usize, record.word(28));
            let counts = record.part(32, polygons.saturating_mul(4)).as_chunks::<4>().0;
            let points = record.spots(32usize.saturating_add(counts.len() * 4), count, small);
            let points = self.device_spots(&points);
            let (mut all, mut rest) = (Path::new(), &points[..]);
            for count in counts {
                let Some((one, after)) = rest.split_at_checked(u32::from_le_bytes(*count) as usize) else { break };
                all.extend(path::polygon(one, kind == 8));
                rest = after;
            }
            return self.shape(all, kind == 8, true);
        }
        let points = record.spots(28, record.word(24), small);
        let on_device = self.device_spots(&points);
        let Some(last) = points.last() else { return };
        match kind {
            2 => {
                let Some((first, rest)) = on_device.split_first() else { return };
                let mut curve = vec![Step::Move(*first)];
                curve.extend(Self::curves(rest));
                self.shape(curve, false, true);
            }
            3 => self.shape(path::polygon(&on_device, true), true, true),
            4 => self.shape(path::polygon(&on_device, false), false, true),
            5 => self.go_on(Self::curves(&on_device), *last),
            _ => self.go_on(on_device.iter().map(|at| Step::Line(*at)).collect(), *last),
        }
        if matches!(kind, 5 | 6) {
            self.flush();
        }
    }

    /// PolyDraw: points with a kind each.
    fn poly_draw(&mut self, record: &Record<'_>) {
        const CLOSE: u8 = 1;
        const LINE: u8 = 2;
        const CURVE: u8 = 4;
        let small = record.kind == 92;
        let points = record.spots(28, record.word(24), small);
        let kinds = record.part(28 + points.len() * if small { 4 } else { 8 }, points.len());
        let to = self.state.to_device();
        let mut at = 0;
        while let (Some(point), Some(kind)) = (points.get(at), kinds.get(at)) {
            let (mut steps, mut end, mut last) = (Vec::new(), *point, *kind);
            match kind & !CLOSE {
                LINE => steps.push(Step::Line(to.apply(*point))),
                CURVE => {
                    let (Some([a, b, c]), Some(closes)) = (points.get(at..at + 3), kinds.get(at + 2)) else { break };
                    steps.push(Step::Curve(to.apply(*a), to.apply(*b), to.apply(*c)));
                    (end, last) = (*c, *closes);
                    at += 2;
                }
                _ => {
                    (self.state.position, self.is_down) = (*point, false);
                    at += 1;
                    continue;
                }
            }
            if last & CLOSE != 0 {
                steps.push(Step::Close);
            }
            self.go_on(steps, end);
            at += 1;
        }
    }

    /// Mapping modes and transforms.
    fn map(&mut self, record: &Record<'_>) {
        let state = &mut self.state;
        match record.kind {
            9 => state.set_extent(true, record.spot(8)),
            10 => state.window.0 = record.spot(8),
            11 => state.set_extent(false, record.spot(8)),
            12 => state.viewport.0 = record.spot(8),
            17 => state.set_map_mode(record.word(8), &self.device),
            31 | 32 => {
                let [a, b, c, d] = [8, 12, 16, 20].map(|at| f64::from(record.int(at)));
                state.scale_extent(record.kind == 32, (a, b), (c, d));
            }
            35 => state.set_world(record.xform(8)),
            _ => {
                let change = record.xform(8);
                state.set_world(match record.word(32) {
                    1 => Matrix::default(),
                    2 => change.then(&state.world),
                    3 => state.world.then(&change),
                    4 => change,
                    _ => return,
                });
            }
        }
    }

    fn restore(&mut self, level: i32) {
        let depth = i32::try_from(self.saved.len()).unwrap_or(i32::MAX);
        let level = if level < 0 { depth.saturating_add(level) } else { level - 1 };
        let Ok(level) = usize::try_from(level) else { return };
        if let Some(state) = self.saved.get(level).cloned() {
            self.saved.truncate(level);
            self.state = state;
        }
    }

    /// What is drawn on.
    fn clip(&mut self, record: &Record<'_>) {
        const AND: u32 = 1;
        const DIFFERENCE: u32 = 4;
        const COPY: u32 = 5;
        let whole = self.whole();
        match record.kind {
            26 => {
                let by = self.state.to_device().turn(record.spot(8));
                let mut clip = super::canvas::Clip::clone(&self.state.clip);
                clip.region = clip.region.map(|region| region.offset(round(by.x), round(by.y)));
                self.state.set_clip(clip);
            }
            28 => self.state.put_clip_aside(),
            29 | 30 => {
                let (to, rect) = (self.state.to_device(), record.rect(8));
                let mode = if record.kind == 30 { AND } else { DIFFERENCE };
                let [from, until] =
                    [(rect.left, rect.top), (rect.right, rect.bottom)].map(|(x, y)| to.apply(spot(x.into(), y.into())));
                let region = match to.is_upright() {
                    true => Rect::new(round(from.x), round(from.y), round(until.x), round(until.y)).ordered().into(),
                    false => path::region(&path::rect(&rect, &to), true, &whole),
                };
                self.state.combine_clip(region, mode, &whole);
            }
            67 => {
                let path = core::mem::take(&mut self.ended);
                let winding = self.state.is_winding;
                let mut clip = super::canvas::Clip::default();
                match record.word(8) {
                    AND => clip = super::canvas::Clip::clone(&self.state.clip),
                    COPY => {}
                    mode => return self.state.combine_clip(path::region(&path, winding, &whole), mode, &whole),
                }
                clip.paths.push(Arc::new((path, winding)));
                self.state.set_clip(clip);
            }
            _ => {
                let mode = record.word(12);
                match record.word(8) {
                    0 if mode == COPY => self.state.set_clip(super::canvas::Clip::default()),
                    _ => self.state.combine_clip(Region::of(&record.region(16)), mode, &whole),
                }
            }
        }
    }

    /// Arc, Chord, Pie, ArcTo.
    fn arc(&mut self, record: &Record<'_>) {
        let closed = match record.kind {
            46 => Closed::Chord,
            47 => Closed::Pie,
            _ => Closed::Open,
        };
        let to = self.state.to_device();
        let (rect, start, end) = (record.rect(8), record.spot(24), record.spot(32));
        let (mut path, last) = path::rays(&rect, start, end, self.state.is_clockwise, closed, &to);
        if record.kind != 55 {
            return self.shape(path, closed != Closed::Open, true);
        }
        if let Some(Step::Move(begin)) = path.first().copied() {
            path.splice(..1, [Step::Line(begin)]);
        }
        self.go_on(path, last);
    }

    /// BeginPath to AbortPath.
    fn paths(&mut self, record: &Record<'_>) {
        match record.kind {
            59 => (self.begun, self.is_down) = (Some(Path::new()), false),
            60 => self.ended = self.begun.take().unwrap_or_default(),
            61 => {
                if let Some(begun) = &mut self.begun {
                    begun.push(Step::Close);
                }
                self.is_down = false;
            }
            62..=64 => {
                let path = core::mem::take(&mut self.ended);
                self.draw(&path, record.kind != 64, record.kind != 62);
            }
            68 => (self.begun, self.ended) = (None, Path::new()),
            // FlattenPath changes nothing that is seen, and what WidenPath makes is not known.
            _ => {}
        }
    }

    fn gradient_fill(&mut self, record: &Record<'_>) {
        let (corners, meshes, mode) = (record.word(24) as usize, record.word(28) as usize, record.word(32));
        let all = record.part(36, corners.saturating_mul(16)).as_chunks::<16>().0;
        let corners: Vec<(Spot, [u16; 3])> = (0..all.len())
            .map(|index| {
                let at = 36 + index * 16;
                (record.spot(at), [8, 10, 12].map(|part| record.half(at + part) as u16))
            })
            .collect();
        let each = if mode == 2 { 3 } else { 2 };
        let from = 36 + corners.len() * 16;
        let meshes: Vec<[usize; 3]> = (0..record.part(from, meshes.saturating_mul(each * 4)).len() / (each * 4))
            .map(|index| core::array::from_fn(|corner| record.word(from + (index * each + corner) * 4) as usize))
            .collect();
        self.gradient(&corners, &meshes, mode);
    }
}
