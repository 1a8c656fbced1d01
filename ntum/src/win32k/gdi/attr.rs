//! What of a device context gdi32 reads and writes itself: DC_ATTR of Wine 10's `include/ntgdi.h`, in guest memory.
//!
//! A call reads it once, works with the copy, and writes back what it changed.

use crate::kernel::Kernel;
use crate::mm::allocate::Request;
use crate::status::Nt;
use crate::win32k::geometry::{Point, Rect};
use parking_lot::Mutex;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// DC_ATTR.
#[derive(Debug, Clone, Copy, PartialEq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Attr {
    /// The DC's handle.
    pub hdc: u32,
    /// Not 0: calls fail.
    pub disabled: i32,
    /// States saved.
    pub save_level: i32,
    /// COLORREF.
    pub background_color: u32,
    /// COLORREF of the DC brush.
    pub brush_color: u32,
    /// COLORREF of the DC pen.
    pub pen_color: u32,
    /// COLORREF.
    pub text_color: u32,
    /// Where lines go on, in logical units.
    pub position: Point,
    /// GM_*.
    pub graphics_mode: i32,
    /// AD_*.
    pub arc_direction: i32,
    /// LAYOUT_*.
    pub layout: u32,
    /// TA_*.
    pub text_align: u16,
    /// OPAQUE or TRANSPARENT.
    pub background_mode: u16,
    /// ALTERNATE or WINDING.
    pub poly_fill_mode: u16,
    /// R2_*.
    pub rop: u16,
    /// ABSOLUTE or RELATIVE.
    pub relative: u16,
    /// Mode of StretchBlt.
    pub stretch_mode: u16,
    /// MM_*.
    pub map_mode: i32,
    /// Added to the width of characters.
    pub character_extra: i32,
    /// Of the font mapper.
    pub mapper_flags: u32,
    /// Where the DC lies on its device.
    pub visible: Rect,
    /// Of mitred joins.
    pub miter_limit: f32,
    /// Where brushes begin.
    pub brush_origin: Point,
    /// Origin of the window.
    pub window_origin: Point,
    /// Extent of the window.
    pub window_extent: Point,
    /// Origin of the viewport.
    pub viewport_origin: Point,
    /// Extent of the viewport.
    pub viewport_extent: Point,
    /// Instead of the device's size in pixels, unless 0.
    pub virtual_resolution: Point,
    /// Instead of the device's size in millimetres.
    pub virtual_size: Point,
    /// Code page of the font.
    pub code_page: u32,
    /// Of a metafile.
    pub metafile_bounds: Rect,
    /// gdi32's own: a metafile that is recorded.
    pub metafile: u64,
    /// gdi32's own.
    pub abort_procedure: u64,
    /// gdi32's own.
    pub printer: u64,
}

/// ALTERNATE, WINDING.
pub const ALTERNATE: u16 = 1;
/// Of SetPolyFillMode.
pub const WINDING: u16 = 2;
/// TRANSPARENT, of SetBkMode.
pub const TRANSPARENT: u16 = 1;
/// OPAQUE, of SetBkMode.
pub const OPAQUE: u16 = 2;
/// LAYOUT_RTL.
pub const RIGHT_TO_LEFT: u32 = 1;
/// GM_ADVANCED.
pub const ADVANCED: i32 = 2;

/// Bytes of a word.
const WORD: usize = 8;

impl Attr {
    /// The state that a DC begins with; what is the device's or gdi32's stays.
    pub fn reset(&mut self) {
        let one = Point::new(1, 1);
        *self = Attr {
            background_color: 0xff_ffff,
            brush_color: 0xff_ffff,
            pen_color: 0,
            text_color: 0,
            position: Point::default(),
            graphics_mode: 1,
            arc_direction: 1,
            layout: 0,
            text_align: 0,
            background_mode: OPAQUE,
            poly_fill_mode: ALTERNATE,
            rop: 13,
            relative: 1,
            stretch_mode: 1,
            map_mode: 1,
            character_extra: 0,
            mapper_flags: 0,
            miter_limit: 10.0,
            brush_origin: Point::default(),
            window_origin: Point::default(),
            window_extent: one,
            viewport_origin: Point::default(),
            viewport_extent: one,
            virtual_resolution: Point::default(),
            virtual_size: Point::default(),
            code_page: 0,
            ..*self
        };
    }

    /// Takes what SaveDC keeps from a copy.
    pub fn restore(&mut self, saved: &Attr) {
        *self = Attr {
            hdc: self.hdc,
            disabled: self.disabled,
            save_level: self.save_level,
            visible: self.visible,
            miter_limit: self.miter_limit,
            code_page: self.code_page,
            metafile_bounds: self.metafile_bounds,
            metafile: self.metafile,
            abort_procedure: self.abort_procedure,
            printer: self.printer,
            ..*saved
        };
    }

    /// Writes back what differs from what was read.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn store(&self, k: &Kernel, at: u64, read: &Attr) -> Nt<()> {
        let (new, old) = (self.as_bytes(), read.as_bytes());
        if new == old {
            return Ok(());
        }
        // Whole words: a guest thread never sees half a number.
        let differ = |(new, old): (&[u8; WORD], &[u8; WORD])| new != old;
        let words = new.as_chunks().0.iter().zip(old.as_chunks().0);
        let Some(first) = words.clone().position(differ) else { return Ok(()) };
        let last = words.clone().rposition(differ).unwrap_or(first);
        let (first, end) = (first * WORD, (last + 1) * WORD);
        k.write_user(at + first as u64, new.get(first..end).unwrap_or_default())
    }
}

/// Guest memory for the attributes of DCs.
#[derive(Default)]
pub struct Pool {
    free: Mutex<Vec<u64>>,
}

impl Pool {
    /// A place for one.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY`.
    pub fn take(&self, k: &Kernel) -> Nt<u64> {
        if let Some(at) = self.free.lock().pop() {
            return Ok(at);
        }
        let pages = k.mm.allocate(k, &Request::commit(0x1_0000))?;
        let places = pages.clone().step_by(size_of::<Attr>()).filter(|at| at + size_of::<Attr>() as u64 <= pages.end);
        let mut free = self.free.lock();
        free.extend(places.skip(1));
        free.reverse();
        Ok(pages.start)
    }

    /// Gives a place back.
    pub fn give(&self, at: u64) {
        self.free.lock().push(at);
    }
}

/// Reads a DC's attributes.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn read(k: &Kernel, at: u64, into: &mut Attr) -> Nt<()> {
    k.read_user(at, into.as_mut_bytes())
}

/// Attributes that were not read yet.
pub fn zeroed() -> Attr {
    zerocopy::FromZeros::new_zeroed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::offset_of;

    #[test]
    fn the_layout_is_gdi32s() {
        assert_eq!((offset_of!(Attr, text_align), offset_of!(Attr, map_mode)), (48, 60));
        assert_eq!((offset_of!(Attr, visible), offset_of!(Attr, brush_origin)), (72, 92));
        assert_eq!((offset_of!(Attr, metafile), size_of::<Attr>()), (168, 192));
    }
}
