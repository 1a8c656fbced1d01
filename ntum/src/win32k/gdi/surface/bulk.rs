//! Whole areas of a surface at once: where its memory is the guest's, with one call of the host's instead of one for each row.

use super::{Memory, Opened};
use crate::host::{Area, Block, Rows, Steps};
use crate::status::Nt;
use crate::win32k::gdi::raster::line::Way;
use crate::win32k::geometry::Rect;
use zerocopy::IntoBytes;

/// Areas that are filled with one call.
const MOST_AREAS: usize = 4096;

/// Whether rows that begin so far apart and are so long share bytes: modulo 2^64.
fn overlap(apart: u64, bytes: usize) -> bool {
    let bytes = bytes as u64;
    apart < bytes || apart.wrapping_neg() < bytes
}

impl Opened<'_> {
    /// Bytes from a row to the one below it, modulo 2^64.
    fn down(&self) -> u64 {
        let stride = self.layout.stride as u64;
        if self.layout.bottom_up { stride.wrapping_neg() } else { stride }
    }

    /// Where a pixel of the guest's memory lies that is a whole number of bytes long.
    fn address(&self, x: i32, y: i32) -> u64 {
        let along = x.max(0) as usize * (self.format.depth as usize / 8);
        self.inner.memory.guest().wrapping_add((self.row(y) + along) as u64)
    }

    fn is_guests(&self) -> bool {
        !matches!(self.inner.memory, Memory::Own(_))
    }

    fn holds(&self, area: &Rect) -> bool {
        Rect::new(0, 0, self.layout.width, self.layout.height).covers(area)
    }

    /// Stores one pixel over areas of the surface that lie within bounds, all moved by that much; they may overlap. What lies
    /// outside the surface is left out.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn fill_areas(&mut self, areas: &[Rect], bounds: &Rect, (dx, dy): (i32, i32), pixel: u32) -> Nt<()> {
        let all = Rect::new(0, 0, self.layout.width, self.layout.height);
        let whole = all.covers(&bounds.offset(dx, dy));
        let inside = |area: Rect| if whole { (!area.is_empty()).then_some(area) } else { area.intersect(&all) };
        let areas = areas.iter().filter_map(|area| inside(area.offset(dx, dy)));
        let depth = self.format.depth;
        let value = match depth {
            32 => pixel,
            16 => (pixel & 0xffff) * 0x1_0001,
            8 => (pixel & 0xff) * 0x101_0101,
            _ => 0,
        };
        if !self.is_guests() || !matches!(depth, 8 | 16 | 32) {
            let mut run = Vec::new();
            for area in areas {
                for y in area.top..area.bottom {
                    self.fill(area.left, y, area.width().max(0) as usize, pixel, &mut run)?;
                }
            }
            return Ok(());
        }
        let mut filled = core::mem::take(&mut self.inner.areas);
        filled.clear();
        let (first, stride) = (self.address(0, 0), self.down());
        let size = depth as usize / 8;
        let mut result = Ok(());
        for area in areas {
            if filled.len() == MOST_AREAS {
                result = result.and_then(|()| self.k.fill_user(&filled, value));
                filled.clear();
            }
            let along = stride.wrapping_mul(area.top as u64).wrapping_add(area.left as u64 * size as u64);
            let block = Block { address: first.wrapping_add(along), stride, bytes: area.width() as usize * size };
            filled.push(Area { block, rows: area.height() as usize });
        }
        result = result.and_then(|()| self.k.fill_user(&filled, value));
        self.inner.areas = filled;
        result
    }

    /// Stores one pixel along a line, moved by that much; false where that is to be done another way.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn walk(&mut self, way: &Way, (dx, dy): (i32, i32), pixel: u32) -> Nt<bool> {
        if self.format.depth != 32 || !self.holds(&way.bounds.offset(dx, dy)) {
            return Ok(false);
        }
        let (x, y) = (way.start.x.wrapping_add(dx), way.start.y.wrapping_add(dy));
        let down = self.down() as i64;
        let bytes = |(columns, rows): (i32, i32)| (i64::from(columns) * 4 + i64::from(rows) * down) as u64;
        let mut steps = Steps {
            address: self.address(x, y),
            count: way.count.into(),
            along: bytes(way.along),
            aside: bytes(way.aside),
            rest: way.rest,
            more: way.more,
            whole: way.whole,
        };
        match &mut self.inner.memory {
            Memory::Own(words) => {
                while steps.count > 0 {
                    // Addresses of the kernel's own memory count from its first word on.
                    if let Some(word) = words.get_mut(steps.address as usize / 4) {
                        *word = pixel;
                    }
                    steps.advance();
                }
            }
            _ => self.k.step_user(&steps, pixel)?,
        }
        Ok(true)
    }

    /// Loads an area, row after row; what lies outside of the surface is zeros.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn load_area(&mut self, area: &Rect, out: &mut [u32]) -> Nt<()> {
        let width = area.width().max(0) as usize;
        if width == 0 {
            return Ok(());
        }
        if self.format.depth == 32 && self.is_guests() && self.holds(area) {
            let from = Block { address: self.address(area.left, area.top), stride: self.down(), bytes: width * 4 };
            return self.k.read_rows(&from, out.as_mut_bytes());
        }
        let rows = out.chunks_exact_mut(width).zip(area.top..area.bottom);
        for (row, y) in rows {
            self.load(area.left, y, row)?;
        }
        Ok(())
    }

    /// Stores an area, row after row; what lies outside of the surface is lost.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn store_area(&mut self, area: &Rect, pixels: &[u32]) -> Nt<()> {
        let width = area.width().max(0) as usize;
        if width == 0 {
            return Ok(());
        }
        if self.format.depth == 32 && self.is_guests() && self.holds(area) {
            let to = Block { address: self.address(area.left, area.top), stride: self.down(), bytes: width * 4 };
            return self.k.write_rows(&to, pixels.as_bytes());
        }
        for (row, y) in pixels.chunks_exact(width).zip(area.top..area.bottom) {
            self.store(area.left, y, row)?;
        }
        Ok(())
    }

    /// Copies an area as it is from another surface of the same format, whose pixels are whole bytes; false where that cannot be done
    /// without looking at the pixels.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn copy_area(&mut self, to: &Rect, source: &mut Opened<'_>, from: (i32, i32)) -> Nt<bool> {
        let taken = Rect::sized(from.0, from.1, to.width(), to.height());
        let depth = self.format.depth;
        if depth < 8 || to.is_empty() || !self.holds(to) || !source.holds(&taken) {
            return Ok(false);
        }
        let bytes = to.width().max(0) as usize * (depth as usize / 8);
        let there = Block { address: self.address(to.left, to.top), stride: self.down(), bytes };
        let here = Block { address: source.address(from.0, from.1), stride: source.down(), bytes };
        let count = to.height().max(0) as usize;
        match (self.is_guests(), source.is_guests()) {
            (true, true) => {
                let (first, second) = (self.inner.memory.guest(), source.inner.memory.guest());
                let size = |layout: &super::Layout| layout.stride * layout.height.max(0) as usize;
                if overlap(first.wrapping_sub(second), size(&self.layout).max(size(&source.layout))) {
                    // Two surfaces on one memory.
                    return Ok(false);
                }
                self.k.copy_user(rows(&there, &here, count))?;
            }
            // The kernel's own memory counts from its first word on; pixels of 32 bits are words of it.
            (true, false) if depth == 32 => {
                for (index, y) in (from.1..).take(count).enumerate() {
                    let start = source.row(y) / 4 + from.0.max(0) as usize;
                    let Memory::Own(words) = &source.inner.memory else { return Ok(false) };
                    let Some(row) = words.get(start..start + bytes / 4) else { return Ok(false) };
                    self.k.write_user(there.row(index), row.as_bytes())?;
                }
            }
            (false, true) if depth == 32 => {
                for (index, y) in (to.top..).take(count).enumerate() {
                    let start = self.row(y) / 4 + to.left.max(0) as usize;
                    let Memory::Own(words) = &mut self.inner.memory else { return Ok(false) };
                    let Some(row) = words.get_mut(start..start + bytes / 4) else { return Ok(false) };
                    self.k.read_user(here.row(index), row.as_mut_bytes())?;
                }
            }
            (false, false) if depth == 32 => {
                for step in 0..to.height() {
                    let to_start = self.row(to.top + step) / 4 + to.left.max(0) as usize;
                    let from_start = source.row(from.1 + step) / 4 + from.0.max(0) as usize;
                    let (Memory::Own(to), Memory::Own(from)) = (&mut self.inner.memory, &source.inner.memory) else {
                        return Ok(false);
                    };
                    let to = to.get_mut(to_start..to_start + bytes / 4);
                    let (Some(to), Some(from)) = (to, from.get(from_start..from_start + bytes / 4)) else {
                        return Ok(false);
                    };
                    to.copy_from_slice(from);
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Copies an area of the surface to another place of it: no pixel is written before it was read.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn move_area(&mut self, to: &Rect, from: (i32, i32)) -> Nt<()> {
        let taken = Rect::sized(from.0, from.1, to.width(), to.height());
        let upwards = from.1 < to.top;
        let height = to.height().max(0);
        let depth = self.format.depth;
        let bytes = to.width().max(0) as usize * (depth as usize / 8);
        let first = if upwards { height - 1 } else { 0 };
        let inside = self.holds(to) && self.holds(&taken) && height > 0;
        if inside && depth >= 8 && self.is_guests() {
            let stride = if upwards { self.down().wrapping_neg() } else { self.down() };
            let there = Block { address: self.address(to.left, to.top + first), stride, bytes };
            let here = Block { address: self.address(from.0, from.1 + first), stride, bytes };
            if !overlap(there.address.wrapping_sub(here.address), bytes) {
                return self.k.copy_user(rows(&there, &here, height as usize));
            }
        }
        let mut row = Vec::new();
        for step in 0..height {
            let step = if upwards { height - 1 - step } else { step };
            let (to_y, from_y) = (to.top.wrapping_add(step), from.1.wrapping_add(step));
            if inside && depth == 32 {
                let (to_start, from_start) = (self.row(to_y) / 4, self.row(from_y) / 4);
                if let Memory::Own(words) = &mut self.inner.memory {
                    let (to_start, from_start) = (to_start + to.left as usize, from_start + from.0 as usize);
                    if from_start.max(to_start) + bytes / 4 <= words.len() {
                        words.copy_within(from_start..from_start + bytes / 4, to_start);
                    }
                    continue;
                }
            }
            row.resize(to.width().max(0) as usize, 0);
            self.load(from.0, from_y, &mut row)?;
            self.store(to.left, to_y, &row)?;
        }
        Ok(())
    }
}

fn rows(to: &Block, from: &Block, count: usize) -> Rows {
    Rows {
        to: to.address,
        to_stride: to.stride,
        from: from.address,
        from_stride: from.stride,
        bytes: to.bytes,
        rows: count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;
    use crate::host::{Host, Placement, Prot};
    use crate::win32k::gdi::format::Format;
    use crate::win32k::gdi::raster::line::Line;
    use crate::win32k::gdi::surface::{Layout, Surface};
    use crate::win32k::geometry::Point;
    use std::sync::Arc;

    const WIDTH: i32 = 37;
    const HEIGHT: i32 = 19;

    /// A surface of the kernel's or of the guest's, with something on it.
    fn surface(k: &'static crate::kernel::Kernel, depth: u32, guest: Option<(u64, bool)>) -> Arc<Surface> {
        let format = Format::new(depth, None, None);
        let made = match guest {
            None => Surface::new(WIDTH, HEIGHT, format).unwrap(),
            Some((address, bottom_up)) => {
                let layout = Layout { width: WIDTH, height: HEIGHT, stride: format.stride(WIDTH), bottom_up };
                Surface::of_guest(layout, format, address)
            }
        };
        let mut opened = made.open(k);
        let all = opened.format.mask();
        for y in 0..HEIGHT {
            let row: Vec<u32> = (0..WIDTH).map(|x| ((y * WIDTH + x) as u32).wrapping_mul(0x9e37_79b9) & all).collect();
            opened.store(0, y, &row).unwrap();
        }
        drop(opened);
        Arc::new(made)
    }

    fn pixels(k: &crate::kernel::Kernel, surface: &Surface) -> Vec<u32> {
        surface.open(k).load_all(&surface.area()).unwrap().values_mut().to_vec()
    }

    fn place(x: i32, y: i32) -> usize {
        (y * WIDTH + x) as usize
    }

    #[test]
    fn areas_are_what_their_pixels_are() {
        let (fake, k) = Fake::kernel();
        let (first, second) = (0x10_0000, 0x20_0000);
        for at in [first, second] {
            assert_eq!(fake.map(at, 0x4000, Prot::READ_WRITE, Placement::New), Ok(()));
        }
        let kinds = |at: u64| [None, Some((at, false)), Some((at, true))];
        let to = Rect::new(3, 2, 20, 11);
        for depth in [1, 8, 16, 24, 32] {
            for kind in kinds(first) {
                let here = surface(k, depth, kind);
                let name = format!("{depth} {kind:?}");
                let mut wanted = pixels(k, &here);
                let areas =
                    [Rect::new(-4, 1, 6, 4), Rect::new(5, 3, 9, 25), Rect::new(7, 0, 8, 1), Rect::new(4, 3, 6, 6)];
                let bounds = areas.iter().fold(Rect::default(), |bounds, area| bounds.union(area));
                here.open(k).fill_areas(&areas, &bounds, (1, 2), 0xdead_beef & here.format().mask()).unwrap();
                for y in 0..HEIGHT {
                    for x in 0..WIDTH {
                        if areas.iter().any(|area| area.contains(x - 1, y - 2)) {
                            wanted[place(x, y)] = 0xdead_beef & here.format().mask();
                        }
                    }
                }
                assert_eq!(pixels(k, &here), wanted, "{name}");
                for from in [(5, 7), (1, 1), (10, 2), (3, 3), (0, 2)] {
                    let before = wanted.clone();
                    here.open(k).move_area(&to, from).unwrap();
                    for y in 0..to.height() {
                        for x in 0..to.width() {
                            wanted[place(to.left + x, to.top + y)] = before[place(from.0 + x, from.1 + y)];
                        }
                    }
                    assert_eq!(pixels(k, &here), wanted, "{name} {from:?}");
                }
                for other in kinds(second) {
                    let there = surface(k, depth, other);
                    let (mut opened, mut source) = Opened::two(k, &here, &there);
                    let done = opened.copy_area(&to, &mut source, (9, 4)).unwrap();
                    drop((opened, source));
                    let theirs = pixels(k, &there);
                    if done {
                        for y in 0..to.height() {
                            for x in 0..to.width() {
                                wanted[place(to.left + x, to.top + y)] = theirs[place(9 + x, 4 + y)];
                            }
                        }
                    }
                    assert_eq!(pixels(k, &here), wanted, "{name} {other:?}");
                    assert!(done || depth < 32);
                }
                let outside = Rect::new(30, 15, 40, 22);
                let mut some = vec![1; 70];
                here.open(k).load_area(&outside, &mut some).unwrap();
                assert!(some.iter().all(|pixel| *pixel == 0), "{name}");
                let some: Vec<u32> = (0..153).map(|at| at & here.format().mask()).collect();
                here.open(k).store_area(&to, &some).unwrap();
                let mut back = vec![0; 153];
                here.open(k).load_area(&to, &mut back).unwrap();
                assert_eq!(back, some, "{name}");
            }
        }
    }

    #[test]
    fn lines_are_walked() {
        let (fake, k) = Fake::kernel();
        assert_eq!(fake.map(0x10_0000, 0x4000, Prot::READ_WRITE, Placement::New), Ok(()));
        for kind in [None, Some((0x10_0000, false)), Some((0x10_0000, true))] {
            for end in [(36, 18), (36, 3), (2, 18), (0, 0), (20, 0), (0, 18)] {
                let here = surface(k, 32, kind);
                let mut wanted = pixels(k, &here);
                let line = Line::new(Point::new(20, 9), Point::new(end.0, end.1));
                line.pixels(&here.area(), |at, _| wanted[place(at.x, at.y)] = 5);
                let way = line.way(&here.area()).unwrap();
                assert!(here.open(k).walk(&way, (0, 0), 5).unwrap());
                assert_eq!(pixels(k, &here), wanted, "{kind:?} {end:?}");
                assert!(!here.open(k).walk(&way, (30, 0), 5).unwrap());
            }
        }
    }

    #[test]
    fn memory_that_is_gone_is_an_error() {
        let (fake, k) = Fake::kernel();
        assert_eq!(fake.map(0x10_0000, 0x1000, Prot::READ_WRITE, Placement::New), Ok(()));
        let here = surface(k, 32, Some((0x10_0000, false)));
        fake.unmap(0x10_0000, 0x1000);
        let (all, mut some) = (here.area(), vec![0; 703]);
        assert!(here.open(k).fill_areas(&[all], &all, (0, 0), 1).is_err());
        assert!(here.open(k).load_area(&all, &mut some).is_err());
        assert!(here.open(k).store_area(&all, &some).is_err());
        assert!(here.open(k).move_area(&Rect::new(0, 0, 9, 9), (5, 5)).is_err());
        let way = Line::new(Point::new(0, 0), Point::new(9, 4)).way(&all).unwrap();
        assert!(here.open(k).walk(&way, (0, 0), 5).is_err());
        let beyond = surface(k, 32, None);
        let (mut opened, mut source) = Opened::two(k, &beyond, &here);
        assert!(opened.copy_area(&all, &mut source, (0, 0)).is_err());
    }
}
