//! What is drawn on: pixels in memory of the kernel's own, of the guest, or of several processes.
//!
//! Drawing loads a run of pixels of a row, changes it and stores it: guest memory is never looked at in place, since guest
//! threads write to it as they like. A surface is opened for one operation, which holds its lock; who opens two opens them in
//! the order of their addresses ([`Opened::two`]).

mod bulk;
mod fold;

use super::format::{self, Format};
use crate::host::Area;
use crate::kernel::Kernel;
use crate::status::{Nt, STATUS_NO_MEMORY};
use crate::win32k::geometry::Rect;
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use zerocopy::IntoBytes;

/// Where pixels lie.
#[derive(Debug)]
enum Memory {
    /// In the kernel's.
    Own(Vec<u32>),
    /// In the kernel's, packed until it is opened.
    Folded(fold::Folded),
    /// In the guest's, from this address on.
    Guest(u64),
    /// In a section of the sandbox's, a view of which lies in the guest's memory as long as the surface is there.
    Shared(Mapped),
}

impl Memory {
    /// Where it lies in the guest's memory.
    fn guest(&self) -> u64 {
        match self {
            Memory::Own(_) | Memory::Folded(_) => 0,
            Memory::Guest(address) => *address,
            Memory::Shared(view) => view.address,
        }
    }
}

/// A view of a section that goes with who has it.
pub struct Mapped {
    k: &'static Kernel,
    /// Where it lies.
    pub address: u64,
}

impl core::fmt::Debug for Mapped {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Mapped({:#x})", self.address)
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // The guest may have taken it away.
        let _ = self.k.mm.unmap_view(self.k, self.address, false);
    }
}

impl Mapped {
    /// Maps all of an anonymous section of that size, for reading and writing.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY`, what the host answers.
    pub fn new(k: &'static Kernel, stream: crate::host::Stream, size: u64) -> Nt<Mapped> {
        Ok(Mapped { k, address: k.mm.map_stream_of_others(k, stream, size)? })
    }
}

/// Where rows lie, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Columns.
    pub width: i32,
    /// Rows.
    pub height: i32,
    /// Bytes from a row to the next.
    pub stride: usize,
    /// Whether the last row comes first.
    pub bottom_up: bool,
}

/// A surface.
#[derive(Debug)]
pub struct Surface {
    /// Its rows.
    pub layout: Layout,
    format: Held,
    inner: Mutex<Inner>,
}

/// A surface's format.
#[derive(Debug)]
enum Held {
    /// Which stays as it is.
    Fixed(Format),
    /// Whose colour table may change.
    Changing(Mutex<Arc<Format>>),
}

/// A surface's format as it is now: one that stays as it is is not counted.
#[derive(Debug, Clone)]
pub enum Lent<'a> {
    /// The surface's own.
    Fixed(&'a Format),
    /// With the colour table that it has now.
    Now(Arc<Format>),
}

impl core::ops::Deref for Lent<'_> {
    type Target = Format;

    fn deref(&self) -> &Format {
        match self {
            Lent::Fixed(format) => format,
            Lent::Now(format) => format,
        }
    }
}

#[derive(Debug)]
struct Inner {
    memory: Memory,
    /// What was drawn on since it was last asked for.
    damage: Rect,
    /// Room for areas that are filled.
    areas: Vec<Area>,
}

/// Most bytes of a surface.
const MOST: usize = 0x7fff_ffff;

impl Surface {
    /// A surface of zeros in the kernel's memory.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY`.
    pub fn new(width: i32, height: i32, format: Format) -> Nt<Surface> {
        let stride = format.stride(width);
        let bytes =
            stride.checked_mul(height.max(0) as usize).filter(|bytes| *bytes <= MOST).ok_or(STATUS_NO_MEMORY)?;
        // There is room for it; zeros that come from the host take no memory until something is drawn there.
        Vec::<u32>::new().try_reserve_exact(bytes / 4).map_err(|_| STATUS_NO_MEMORY)?;
        let own = vec![0; bytes / 4];
        let layout = Layout { width, height, stride, bottom_up: false };
        Ok(Surface::with(layout, format, Memory::Own(own)))
    }

    /// A surface in guest memory.
    pub fn of_guest(layout: Layout, format: Format, address: u64) -> Surface {
        Surface::with(layout, format, Memory::Guest(address))
    }

    /// A surface in a section that other processes may draw on too.
    pub fn of_view(layout: Layout, format: Format, view: Mapped) -> Surface {
        Surface::with(layout, format, Memory::Shared(view))
    }

    fn with(layout: Layout, format: Format, memory: Memory) -> Surface {
        let inner = Inner { memory, damage: Rect::default(), areas: Vec::new() };
        let has_table = format.depth <= 8;
        let format = if has_table { Held::Changing(Mutex::new(Arc::new(format))) } else { Held::Fixed(format) };
        Surface { layout, format, inner: Mutex::new(inner) }
    }

    /// Its format, which changes with its colour table.
    pub fn format(&self) -> Lent<'_> {
        match &self.format {
            Held::Fixed(format) => Lent::Fixed(format),
            Held::Changing(format) => Lent::Now(format.lock().clone()),
        }
    }

    /// Gives it another colour table.
    pub fn set_colors(&self, colors: Vec<u32>) {
        let Held::Changing(format) = &self.format else { return };
        let mut format = format.lock();
        *format = Arc::new(format.with_colors(Some(colors.into())));
    }

    /// All of it.
    pub fn area(&self) -> Rect {
        Rect::new(0, 0, self.layout.width, self.layout.height)
    }

    /// What was drawn on since this was last asked; it is forgotten.
    pub fn take_damage(&self) -> Rect {
        core::mem::take(&mut self.inner.lock().damage)
    }

    /// Opens it for one operation.
    pub fn open<'a>(&'a self, k: &'a Kernel) -> Opened<'a> {
        let format = self.format();
        let mut inner = self.inner.lock();
        if let Memory::Folded(folded) = &inner.memory {
            inner.memory = Memory::Own(folded.words());
        }
        Opened { k, layout: self.layout, format, inner, bytes: Vec::new() }
    }
}

/// A surface that is drawn on or looked at.
pub struct Opened<'a> {
    k: &'a Kernel,
    /// Its rows.
    pub layout: Layout,
    /// Its format.
    pub format: Lent<'a>,
    inner: MutexGuard<'a, Inner>,
    bytes: Vec<u8>,
}

impl<'a> Opened<'a> {
    /// Opens two surfaces, which are not the same.
    pub fn two(k: &'a Kernel, first: &'a Arc<Surface>, second: &'a Arc<Surface>) -> (Opened<'a>, Opened<'a>) {
        if Arc::as_ptr(first) < Arc::as_ptr(second) {
            let opened = first.open(k);
            (opened, second.open(k))
        } else {
            let opened = second.open(k);
            (first.open(k), opened)
        }
    }

    /// Notes that something changes within.
    pub fn damage(&mut self, rect: &Rect) {
        let area = Rect::new(0, 0, self.layout.width, self.layout.height);
        if let Some(rect) = rect.intersect(&area) {
            self.inner.damage = self.inner.damage.union(&rect);
        }
    }

    /// Where a row begins, in bytes.
    fn row(&self, y: i32) -> usize {
        let row = if self.layout.bottom_up { self.layout.height - 1 - y } else { y };
        row.max(0) as usize * self.layout.stride
    }

    /// Pixels of a run that are there: those outside of the surface are nothing.
    fn inside(&self, x: i32, y: i32, count: usize) -> bool {
        x >= 0
            && y >= 0
            && y < self.layout.height
            && i32::try_from(count).is_ok_and(|count| x.checked_add(count).is_some_and(|end| end <= self.layout.width))
    }

    /// Loads a run of pixels of a row; what lies outside of the surface is zeros.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`: the guest took the memory away.
    pub fn load(&mut self, x: i32, y: i32, out: &mut [u32]) -> Nt<()> {
        if !self.inside(x, y, out.len()) {
            out.fill(0);
            return Ok(());
        }
        let (start, first, depth) = (self.row(y), x as usize, self.format.depth);
        match &self.inner.memory {
            Memory::Own(words) if depth == 32 => {
                let from = start / 4 + first;
                if let Some(words) = words.get(from..from + out.len()) {
                    out.copy_from_slice(words);
                }
            }
            Memory::Own(words) => {
                let row = words.get(start / 4..(start + self.layout.stride) / 4).unwrap_or_default();
                format::unpack(row.as_bytes(), depth, first, out);
            }
            memory if depth == 32 => {
                self.k.read_user(memory.guest() + (start + first * 4) as u64, out.as_mut_bytes())?;
            }
            memory => {
                let range = format::bytes_of(depth, first, out.len());
                self.bytes.resize(range.len(), 0);
                self.k.read_user(memory.guest() + (start + range.start) as u64, &mut self.bytes)?;
                format::unpack(&self.bytes, depth, first - range.start * 8 / depth as usize, out);
            }
        }
        Ok(())
    }

    /// Stores a run of pixels of a row; what lies outside of the surface is lost.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn store(&mut self, x: i32, y: i32, pixels: &[u32]) -> Nt<()> {
        if !self.inside(x, y, pixels.len()) {
            return Ok(());
        }
        let (start, first, depth, stride) = (self.row(y), x as usize, self.format.depth, self.layout.stride);
        match &mut self.inner.memory {
            Memory::Own(words) if depth == 32 => {
                let from = start / 4 + first;
                if let Some(words) = words.get_mut(from..from + pixels.len()) {
                    words.copy_from_slice(pixels);
                }
            }
            Memory::Own(words) => {
                let row = words.get_mut(start / 4..(start + stride) / 4).unwrap_or_default();
                format::pack(row.as_mut_bytes(), depth, first, pixels);
            }
            memory if depth == 32 => {
                self.k.write_user(memory.guest() + (start + first * 4) as u64, pixels.as_bytes())?;
            }
            memory => {
                let range = format::bytes_of(depth, first, pixels.len());
                let at = memory.guest() + (start + range.start) as u64;
                self.bytes.resize(range.len(), 0);
                if depth < 8 {
                    // The bytes at both ends hold neighbours too.
                    self.k.read_user(at, &mut self.bytes)?;
                }
                format::pack(&mut self.bytes, depth, first - range.start * 8 / depth as usize, pixels);
                self.k.write_user(at, &self.bytes)?;
            }
        }
        Ok(())
    }

    /// Stores one pixel over a run.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn fill(&mut self, x: i32, y: i32, count: usize, pixel: u32, run: &mut Vec<u32>) -> Nt<()> {
        if !self.inside(x, y, count) {
            return Ok(());
        }
        let (start, first, depth, stride) = (self.row(y), x as usize, self.format.depth, self.layout.stride);
        if let Memory::Own(words) = &mut self.inner.memory {
            let from = start / 4 + first;
            if depth == 32 {
                words.get_mut(from..from + count).unwrap_or_default().fill(pixel);
                return Ok(());
            }
            if depth == 8 {
                let row = words.get_mut(start / 4..(start + stride) / 4).unwrap_or_default();
                row.as_mut_bytes().get_mut(first..first + count).unwrap_or_default().fill(pixel as u8);
                return Ok(());
            }
        }
        // A run of another operation of the same pixel does as well.
        if run.len() < count || run.first() != Some(&pixel) {
            run.clear();
            run.resize(count, pixel);
        }
        let run = run.get(..count).unwrap_or_default();
        self.store(x, y, run)
    }

    /// Loads one pixel.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn pixel(&mut self, x: i32, y: i32) -> Nt<u32> {
        let mut pixel = [0];
        self.load(x, y, &mut pixel)?;
        Ok(pixel[0])
    }

    /// Loads all pixels within a rectangle, row after row.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, `STATUS_NO_MEMORY`.
    pub fn load_all(&mut self, rect: &Rect) -> Nt<Pixels> {
        let mut pixels = Pixels::new(rect.width(), rect.height())?;
        self.load_area(rect, pixels.values_mut())?;
        Ok(pixels)
    }

    /// The bytes of all of a row.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn row_bytes(&mut self, y: i32, out: &mut [u8]) -> Nt<()> {
        if y < 0 || y >= self.layout.height {
            return Ok(());
        }
        let start = self.row(y);
        let length = out.len().min(self.layout.stride);
        match &self.inner.memory {
            Memory::Own(words) => {
                if let (Some(to), Some(from)) = (out.get_mut(..length), words.as_bytes().get(start..start + length)) {
                    to.copy_from_slice(from);
                }
                Ok(())
            }
            memory => {
                let at = memory.guest() + start as u64;
                self.k.read_user(at, out.get_mut(..length).unwrap_or_default())
            }
        }
    }
}

/// Values of pixels, row after row.
#[derive(Debug, Clone, Default)]
pub struct Pixels {
    /// Columns.
    pub width: i32,
    /// Rows.
    pub height: i32,
    values: Vec<u32>,
}

impl Pixels {
    /// Zeros.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY`.
    pub fn new(width: i32, height: i32) -> Nt<Pixels> {
        let (width, height) = (width.max(0), height.max(0));
        let count = (width as usize).checked_mul(height as usize).filter(|count| *count <= MOST / 4);
        let count = count.ok_or(STATUS_NO_MEMORY)?;
        let mut values = Vec::new();
        values.try_reserve_exact(count).map_err(|_| STATUS_NO_MEMORY)?;
        values.resize(count, 0);
        Ok(Pixels { width, height, values })
    }

    /// All values.
    pub fn values_mut(&mut self) -> &mut [u32] {
        &mut self.values
    }

    /// A row; nothing if there is none.
    pub fn row(&self, y: i32) -> &[u32] {
        let width = self.width as usize;
        usize::try_from(y).ok().and_then(|y| self.values.get(y * width..(y + 1) * width)).unwrap_or_default()
    }

    /// A row that is changed.
    pub fn row_mut(&mut self, y: i32) -> &mut [u32] {
        let width = self.width as usize;
        let at = usize::try_from(y).ok();
        at.and_then(|y| self.values.get_mut(y * width..(y + 1) * width)).unwrap_or_default()
    }

    /// All rows.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut [u32]> {
        self.values.chunks_exact_mut(self.width.max(1) as usize)
    }

    /// A part of a row.
    pub fn part(&self, x: i32, y: i32, count: usize) -> &[u32] {
        let row = self.row(y);
        usize::try_from(x).ok().and_then(|x| row.get(x..x + count)).unwrap_or_default()
    }

    /// One value, 0 if there is none.
    pub fn get(&self, x: i32, y: i32) -> u32 {
        usize::try_from(x).ok().and_then(|x| self.row(y).get(x)).copied().unwrap_or(0)
    }
}
