//! Bitmaps.

use super::User;
use super::format::{Format, stride};
use super::handles::{Object, kind};
use super::header::Header;
use super::surface::Surface;
use super::{answer, done, error, failed};
use crate::call::{Call, Cx};
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::UserPtr;
use crate::win32k::geometry::Point;
use parking_lot::Mutex;
use std::sync::Arc;

/// System calls about bitmaps.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiCreateBitmap(width: i32, height: i32, planes: u32, depth: u32, bits: u64) => create, Partial("one plane alone");
    NtGdiCreateCompatibleBitmap(dc: u32, width: i32, height: i32) => create_compatible, Done;
    NtGdiGetBitmapBits(bitmap: u32, count: i32, bits: u64) => get_bits, Done;
    NtGdiSetBitmapBits(bitmap: u32, count: i32, bits: u64) => set_bits, Done;
    NtGdiGetBitmapDimension(bitmap: u32, size: UserPtr<Point>) => get_dimension, Done;
    NtGdiSetBitmapDimension(bitmap: u32, x: i32, y: i32, before: UserPtr<Point>) => set_dimension, Done;
    NtGdiSelectBitmap(dc: u32, bitmap: u32) => select, Done;
};

/// Where the bits of a DIB section lie.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// Memory of its own.
    Allocated(u64),
    /// A view of a section.
    View(u64),
    /// Memory of the program's.
    Given,
}

/// What a DIB section is beside its surface.
#[derive(Debug)]
pub struct Section {
    /// Its header.
    pub header: Header,
    /// Masks.
    pub masks: [u32; 3],
    /// Address of its bits.
    pub bits: u64,
    /// What is given back with it.
    pub place: Place,
    /// The section's handle, as it was given.
    pub handle: u64,
    /// Where the bits begin in the section.
    pub offset: u32,
}

/// A bitmap.
#[derive(Debug)]
pub struct Bitmap {
    /// Its pixels.
    pub surface: Arc<Surface>,
    /// Of SetBitmapDimension.
    dimension: Mutex<Point>,
    /// Of a DIB section.
    pub section: Option<Section>,
}

/// Bytes of a row as BITMAP counts them: padded to a multiple of two.
pub fn word_stride(width: i32, depth: u32) -> usize {
    (width.max(0) as usize * depth as usize).div_ceil(16) * 2
}

impl Bitmap {
    /// A bitmap that no program sees the bits of.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY`.
    pub fn new(width: i32, height: i32, depth: u32) -> Nt<Bitmap> {
        let surface = Surface::new(width, height, Format::new(depth, None, None))?;
        Ok(Bitmap { surface: Arc::new(surface), dimension: Mutex::default(), section: None })
    }

    /// A DIB section.
    pub fn of_section(surface: Surface, section: Section) -> Bitmap {
        Bitmap { surface: Arc::new(surface), dimension: Mutex::default(), section: Some(section) }
    }

    /// Gives guest memory back that it has.
    pub fn release(&self, k: &Kernel) {
        // A guest may have given it back itself.
        let _ = match self.section.as_ref().map(|section| section.place) {
            Some(Place::Allocated(at)) => k.mm.release(k, at),
            Some(Place::View(at)) => k.mm.unmap_view(k, at, false),
            Some(Place::Given) | None => Ok(()),
        };
    }

    /// Bytes of a row as BITMAP tells them.
    pub fn row_bytes(&self) -> usize {
        let (layout, depth) = (self.surface.layout, self.surface.format().depth);
        if self.section.is_some() { stride(layout.width, depth) } else { word_stride(layout.width, depth) }
    }

    /// BITMAP.
    pub fn describe(&self, bits: u64) -> [u8; 32] {
        let layout = self.surface.layout;
        let mut out = [0; 32];
        for (index, word) in [0, layout.width, layout.height, self.row_bytes() as i32].into_iter().enumerate() {
            out[index * 4..index * 4 + 4].copy_from_slice(&word.to_le_bytes());
        }
        let planes = self.section.as_ref().map_or(1, |section| section.header.planes);
        out[16..18].copy_from_slice(&planes.to_le_bytes());
        out[18..20].copy_from_slice(&(self.surface.format().depth as u16).to_le_bytes());
        out[24..].copy_from_slice(&bits.to_le_bytes());
        out
    }
}

/// Columns or rows at most.
const MOST: i32 = 0x7ff_ffff;

/// NtGdiCreateBitmap: a bitmap of a device, with these bits or none.
///
/// # Errors
/// None; the answer is 0, and the last error says why.
pub fn create(cx: &Cx<'_>, width: i32, height: i32, planes: u32, depth: u32, bits: u64) -> User {
    if width > MOST || height > MOST || width == i32::MIN || height == i32::MIN {
        return failed(error::INVALID_PARAMETER);
    }
    if width == 0 || height == 0 {
        return Ok(0);
    }
    let depth = match depth {
        1 => 1,
        0 | 2..=4 => 4,
        5..=8 => 8,
        9..=16 => 16,
        17..=24 => 24,
        25..=32 => 32,
        _ => return failed(error::INVALID_PARAMETER),
    };
    if planes != 1 {
        return failed(error::INVALID_PARAMETER);
    }
    let Ok(bitmap) = Bitmap::new(width.abs(), height.abs(), depth) else {
        return failed(error::NOT_ENOUGH_MEMORY);
    };
    let handle = cx.k.gdi.handles.add(cx.k, kind::BITMAP, Object::Bitmap(Arc::new(bitmap)));
    if bits != 0 && handle != 0 {
        set_bits(cx, handle, i32::MAX, bits)?;
    }
    Ok(u64::from(handle))
}

/// NtGdiCreateCompatibleBitmap: a bitmap like the one that is selected, or like the device.
///
/// # Errors
/// None; the answer is 0.
pub fn create_compatible(cx: &Cx<'_>, dc: u32, width: i32, height: i32) -> User {
    if width == 0 || height == 0 {
        return Ok(0);
    }
    let like = super::with(cx, dc, |work| {
        let bitmap = &work.state.bitmap.1;
        let section = bitmap.section.as_ref().filter(|_| work.dc.in_memory());
        let depth = if work.dc.in_memory() { bitmap.surface.format().depth } else { work.k.screen_mode().depth };
        (depth, section.map(|section| (section.header, section.masks, Format::clone(&bitmap.surface.format()))))
    });
    let Some((depth, section)) = like else { return Ok(0) };
    match section {
        None => create(cx, width, height, 1, depth, 0),
        Some((header, masks, format)) => {
            let header = Header { width, height, ..header };
            super::dib::create_section_like(cx, header, masks, &format)
        }
    }
}

/// NtGdiGetBitmapBits: so many bytes of the rows, each padded to two.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn get_bits(cx: &Cx<'_>, bitmap: u32, count: i32, bits: u64) -> User {
    let Some(bitmap) = cx.k.gdi.handles.bitmap(bitmap) else { return Ok(0) };
    let layout = bitmap.surface.layout;
    let row = word_stride(layout.width, bitmap.surface.format().depth);
    let most = row * layout.height as usize;
    if bits == 0 {
        return Ok(u64::from(most as u32));
    }
    let count = usize::try_from(count).map_or(most, |count| count.min(most));
    let mut surface = bitmap.surface.open(cx.k);
    let mut bytes = vec![0; row];
    for (y, start) in (0..).zip((0..count).step_by(row.max(1))) {
        surface.row_bytes(y, &mut bytes)?;
        let part = bytes.get(..row.min(count - start)).unwrap_or_default();
        cx.k.write_user(bits + start as u64, part)?;
    }
    Ok(u64::from(count as u32))
}

/// NtGdiSetBitmapBits: how many bytes were taken.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn set_bits(cx: &Cx<'_>, bitmap: u32, count: i32, bits: u64) -> User {
    let bitmap = cx.k.gdi.handles.bitmap(bitmap).filter(|_| bits != 0);
    let Some(bitmap) = bitmap else { return Ok(0) };
    let layout = bitmap.surface.layout;
    let depth = bitmap.surface.format().depth;
    let row = word_stride(layout.width, depth);
    let count = (count.unsigned_abs() as usize).min(row * layout.height as usize);
    let mut surface = bitmap.surface.open(cx.k);
    let mut bytes = vec![0; row];
    let mut pixels = vec![0; layout.width.max(0) as usize];
    for (y, start) in (0..).zip((0..count).step_by(row.max(1))) {
        let length = row.min(count - start);
        cx.k.read_user(bits + start as u64, bytes.get_mut(..length).unwrap_or_default())?;
        let whole = (length * 8 / depth as usize).min(pixels.len());
        let run = pixels.get_mut(..whole).unwrap_or_default();
        super::format::unpack(&bytes, depth, 0, run);
        surface.store(0, y, run)?;
    }
    let area = bitmap.surface.area();
    surface.damage(&area);
    Ok(u64::from(count as u32))
}

/// NtGdiGetBitmapDimension.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn get_dimension(cx: &Cx<'_>, bitmap: u32, size: UserPtr<Point>) -> User {
    let Some(bitmap) = cx.k.gdi.handles.bitmap(bitmap) else { return done(false) };
    let dimension = *bitmap.dimension.lock();
    size.write(cx.k, dimension)?;
    done(true)
}

/// NtGdiSetBitmapDimension.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn set_dimension(cx: &Cx<'_>, bitmap: u32, x: i32, y: i32, before: UserPtr<Point>) -> User {
    let Some(bitmap) = cx.k.gdi.handles.bitmap(bitmap) else { return done(false) };
    let old = core::mem::replace(&mut *bitmap.dimension.lock(), Point::new(x, y));
    before.write_opt(cx.k, old)?;
    done(true)
}

/// NtGdiSelectBitmap: the bitmap that was selected. A bitmap is in one DC at a time, and in one of its kind.
///
/// # Errors
/// None; the answer is 0.
pub fn select(cx: &Cx<'_>, dc: u32, bitmap: u32) -> User {
    answer(cx, dc, |work| work.select_bitmap(bitmap))
}
