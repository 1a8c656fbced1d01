//! Filling outlines with pixels that are black or white, as FreeType does: a pixel is black where its middle lies within, and
//! where a line is too thin to have a middle, the font says what becomes of it ("drop-out").

use super::fnt::Bits;
use super::outline::{Kind, Outline};
use super::raster::LARGEST;
use skrifa::DropoutControl;

/// A stretch of an outline that goes only up or only down.
struct Run {
    points: Vec<(f64, f64)>,
    up: bool,
    /// First and last row whose middle it meets.
    rows: (i32, i32),
    /// The run behind it, in the order of the outline.
    next: usize,
}

/// Where a run meets a row.
#[derive(Clone, Copy)]
struct Crossing {
    at: f64,
    run: usize,
}

/// Pixels whose rows go from above to below. The outline's origin is the lower left corner.
pub fn fill(outline: &Outline, width: i32, height: i32, dropout: DropoutControl) -> Option<Bits> {
    if !(0..=LARGEST).contains(&width) || !(0..=LARGEST).contains(&height) {
        return None;
    }
    let pitch = (width as usize).div_ceil(32) * 4;
    let mut bits =
        Bits { width: width as usize, height: height as usize, pitch, rows: vec![0; pitch * height as usize] };
    let lines = flatten(outline);
    sweep(&lines, (width, height), dropout, false, &mut bits);
    // Lines that go across may lie between the middles of rows, or just on them.
    let turned: Vec<Vec<(f64, f64)>> = lines.iter().map(|line| line.iter().map(|(x, y)| (*y, *x)).collect()).collect();
    sweep(&turned, (height, width), dropout, true, &mut bits);
    Some(bits)
}

/// Lines of an outline in pixels, whose middles are whole numbers.
fn flatten(outline: &Outline) -> Vec<Vec<(f64, f64)>> {
    let far = f64::from(LARGEST) * 2.0;
    let place = |value: i32| (f64::from(value) / 64.0 - 0.5).clamp(-far, far);
    let mut all = Vec::new();
    for contour in &outline.contours {
        let Some(first) = contour.first() else { continue };
        let mut line = vec![(place(first.x), place(first.y))];
        let mut waiting: Vec<(f64, f64)> = Vec::new();
        for dot in contour.iter().skip(1).chain([first]) {
            let to = (place(dot.x), place(dot.y));
            match (dot.kind, waiting.as_slice()) {
                (Kind::On, []) => line.push(to),
                (Kind::On, [a]) => conic(&mut line, *a, to),
                (Kind::On, [a, b, ..]) => cubic(&mut line, *a, *b, to),
                (Kind::Conic, [a]) => {
                    let middle = ((a.0 + to.0) / 2.0, (a.1 + to.1) / 2.0);
                    conic(&mut line, *a, middle);
                    waiting.clear();
                    waiting.push(to);
                    continue;
                }
                _ => {
                    waiting.push(to);
                    continue;
                }
            }
            waiting.clear();
        }
        all.push(line);
    }
    all
}

/// In how many parts a curve is cut whose points lie so far from its line.
fn parts(distance: f64) -> u32 {
    ((distance * 16.0).sqrt().ceil() as u32).clamp(1, 64)
}

fn conic(line: &mut Vec<(f64, f64)>, control: (f64, f64), to: (f64, f64)) {
    let Some(&from) = line.last() else { return };
    let bend = (from.0 - 2.0 * control.0 + to.0).abs().max((from.1 - 2.0 * control.1 + to.1).abs());
    let count = parts(bend);
    for step in 1..=count {
        let t = f64::from(step) / f64::from(count);
        let at = |a: f64, b: f64, c: f64| a * (1.0 - t) * (1.0 - t) + 2.0 * b * t * (1.0 - t) + c * t * t;
        line.push(if step == count { to } else { (at(from.0, control.0, to.0), at(from.1, control.1, to.1)) });
    }
}

fn cubic(line: &mut Vec<(f64, f64)>, one: (f64, f64), two: (f64, f64), to: (f64, f64)) {
    let Some(&from) = line.last() else { return };
    let bend = |a: f64, b: f64, c: f64, d: f64| (a - 2.0 * b + c).abs().max((b - 2.0 * c + d).abs());
    let count = parts(bend(from.0, one.0, two.0, to.0).max(bend(from.1, one.1, two.1, to.1)) * 2.0);
    for step in 1..=count {
        let t = f64::from(step) / f64::from(count);
        let s = 1.0 - t;
        let at =
            |a: f64, b: f64, c: f64, d: f64| a * s * s * s + 3.0 * b * t * s * s + 3.0 * c * t * t * s + d * t * t * t;
        let point = (at(from.0, one.0, two.0, to.0), at(from.1, one.1, two.1, to.1));
        line.push(if step == count { to } else { point });
    }
}

/// The runs of a closed line.
fn runs(line: &[(f64, f64)], all: &mut Vec<Run>) {
    let first = all.len();
    let mut run: Option<Run> = None;
    let mut begin = line.first().copied();
    for point in line.iter().skip(1) {
        let Some(from) = begin.replace(*point) else { return };
        if point.1 == from.1 {
            // Flat: the run goes on, wherever it went.
            if let Some(run) = &mut run {
                run.points.push(*point);
            }
            continue;
        }
        let up = point.1 > from.1;
        match &mut run {
            Some(run) if run.up == up => run.points.push(*point),
            _ => {
                all.extend(run.take());
                run = Some(Run { points: vec![from, *point], up, rows: (0, -1), next: 0 });
            }
        }
    }
    all.extend(run);
    // A line begins within a run: its ends are one.
    let count = all.len() - first;
    if count > 1 {
        let (Some(head), Some(tail)) = (all.get(first).map(|run| run.up), all.last().map(|run| run.up)) else { return };
        if head == tail
            && let Some(mut tail) = all.pop()
            && let Some(head) = all.get_mut(first)
        {
            tail.points.extend(head.points.iter().skip(1));
            head.points = tail.points;
        }
    }
    let last = all.len();
    for (at, run) in all.iter_mut().enumerate().skip(first) {
        run.next = if at + 1 < last { at + 1 } else { first };
        let (low, high) =
            run.points.iter().fold((f64::MAX, f64::MIN), |(low, high), (_, y)| (low.min(*y), high.max(*y)));
        // A row belongs to the run that begins on it, not to the one that ends there.
        run.rows = (low.ceil() as i32, high.ceil() as i32 - 1);
    }
}

impl Run {
    /// Where it meets a row.
    fn at(&self, row: f64) -> Option<f64> {
        let pairs = self.points.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)));
        for (from, to) in pairs {
            let (low, high) = if from.1 < to.1 { (from, to) } else { (to, from) };
            if low.1 <= row && row < high.1 {
                return Some(low.0 + (high.0 - low.0) * (row - low.1) / (high.1 - low.1));
            }
        }
        None
    }
}

/// Fills rows; or, `turned`, looks in columns for what rows have missed.
fn sweep(
    lines: &[Vec<(f64, f64)>],
    (width, height): (i32, i32),
    dropout: DropoutControl,
    turned: bool,
    bits: &mut Bits,
) {
    let mut all = Vec::new();
    for line in lines {
        runs(line, &mut all);
    }
    let mut dropped = Vec::new();
    let (mut up, mut down): (Vec<Crossing>, Vec<Crossing>) = Default::default();
    for row in 0..height {
        up.clear();
        down.clear();
        for (number, run) in all.iter().enumerate() {
            if (run.rows.0..=run.rows.1).contains(&row)
                && let Some(at) = run.at(f64::from(row))
            {
                let list = if run.up { &mut up } else { &mut down };
                list.push(Crossing { at, run: number });
            }
        }
        up.sort_by(|a, b| a.at.total_cmp(&b.at));
        down.sort_by(|a, b| a.at.total_cmp(&b.at));
        dropped.clear();
        for (one, other) in up.iter().zip(&down) {
            let (left, right) = if one.at <= other.at { (one, other) } else { (other, one) };
            let (first, last) = (left.at.ceil(), right.at.floor());
            if turned {
                // Edges that lie just on the middle of a pixel.
                for edge in [left.at, right.at] {
                    if edge.fract() == 0.0 {
                        set(bits, row, edge as i32, width);
                    }
                }
            }
            if first > last {
                dropped.push((*left, *right, one.at <= other.at));
            } else if !turned {
                // Less than a pixel wide: one, however it lies.
                let last = if right.at - left.at <= 1.0 && dropout.is_enabled() { first } else { last };
                fill_row(bits, row, first as i32, last as i32, width);
            }
        }
        for (left, right, _) in &dropped {
            restore(&all, *left, *right, row, dropout, turned, width, bits);
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "each says another thing of one place")]
fn restore(
    all: &[Run],
    left: Crossing,
    right: Crossing,
    row: i32,
    dropout: DropoutControl,
    turned: bool,
    width: i32,
    bits: &mut Bits,
) {
    let (after, before) = (left.at.ceil() as i32, right.at.floor() as i32);
    let smart = ((left.at + right.at) / 2.0 + 0.5).floor() as i32;
    let (Some(one), Some(other)) = (all.get(left.run), all.get(right.run)) else { return };
    // A stub is where two runs meet in a tip.
    let ends = |a: &Run, b: usize| a.next == b;
    let upper = (ends(one, right.run) || ends(other, left.run)) && (one.rows.1 == row || other.rows.1 == row);
    let lower = (ends(other, left.run) || ends(one, right.run)) && (one.rows.0 == row || other.rows.0 == row);
    let stub = upper || lower;
    let mut pixel = match dropout {
        DropoutControl::Ignore => return,
        DropoutControl::Simple | DropoutControl::Smart if stub => return,
        DropoutControl::Simple | DropoutControl::SimpleWithStubs => before,
        _ => smart,
    };
    if pixel < 0 {
        pixel = after;
    } else if pixel >= width {
        pixel = before;
    }
    let neighbour = if pixel == after { before } else { after };
    let is_set = |at: i32| if turned { get(bits, at, row) } else { get(bits, row, at) };
    if neighbour >= 0 && neighbour < width && is_set(neighbour) {
        return;
    }
    if turned { set(bits, row, pixel, width) } else { fill_row(bits, row, pixel, pixel, width) }
}

/// The byte and bit of a pixel; rows count from below.
fn place(bits: &Bits, row: i32, column: i32) -> Option<(usize, u8)> {
    let (row, column) = (usize::try_from(row).ok()?, usize::try_from(column).ok()?);
    if column >= bits.width {
        return None;
    }
    let from_above = bits.height.checked_sub(row + 1)?;
    Some((from_above * bits.pitch + column / 8, 0x80 >> (column % 8)))
}

fn get(bits: &Bits, row: i32, column: i32) -> bool {
    place(bits, row, column).and_then(|(at, bit)| Some(bits.rows.get(at)? & bit != 0)).unwrap_or(false)
}

/// Sets a pixel that was found looking along columns: `column` is the column, `row` the row.
fn set(bits: &mut Bits, column: i32, row: i32, height: i32) {
    if row < height {
        fill_row(bits, row, column, column, i32::MAX);
    }
}

fn fill_row(bits: &mut Bits, row: i32, first: i32, last: i32, width: i32) {
    for column in first.max(0)..=last.min(width.saturating_sub(1)).min(bits.width as i32 - 1) {
        if let Some((at, bit)) = place(bits, row, column)
            && let Some(byte) = bits.rows.get_mut(at)
        {
            *byte |= bit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::outline::tests::square;
    use super::*;

    fn shown(bits: &Bits) -> Vec<String> {
        let pixel =
            |row: usize, x: usize| if bits.rows[row * bits.pitch + x / 8] & 0x80 >> (x % 8) != 0 { '#' } else { '.' };
        (0..bits.height).map(|row| (0..bits.width).map(|x| pixel(row, x)).collect()).collect()
    }

    #[test]
    fn middles_count() {
        let bits = fill(&square(20, 20, 128), 4, 4, DropoutControl::Simple).unwrap();
        assert_eq!(shown(&bits), ["....", "....", "##..", "##.."]);
        let bits = fill(&square(40, 64, 128), 4, 4, DropoutControl::Simple).unwrap();
        assert_eq!(shown(&bits), ["....", ".##.", ".##.", "...."]);
    }

    #[test]
    fn thin_lines_stay() {
        let thin = |x: i32, dropout| {
            let mut outline = square(x, 0, 256);
            for dot in outline.contours[0].iter_mut().filter(|dot| dot.x > x) {
                dot.x = x + 10;
            }
            fill(&outline, 3, 3, dropout).unwrap()
        };
        // Between two middles.
        assert_eq!(shown(&thin(100, DropoutControl::SimpleWithStubs))[1], ".#.");
        assert_eq!(shown(&thin(100, DropoutControl::Ignore))[1], "...");
        assert_eq!(shown(&thin(90, DropoutControl::Ignore))[1], ".#.");
        assert_eq!(fill(&square(0, 0, 64), 5, LARGEST + 1, DropoutControl::Simple), None);
    }
}
