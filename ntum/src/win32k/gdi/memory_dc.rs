//! Device contexts on memory of the program's, as Direct3D's surfaces have them (D3DKMTCreateDCFromMemory).

use super::bitmap::{Bitmap, Place, Section};
use super::format::{self, Format};
use super::handles::{Object, kind};
use super::header::Header;
use super::surface::{Layout, Surface};
use super::{dc, objects, with};
use crate::call::{Call, Cx};
use crate::status::*;
use crate::um::UserPtr;
use core::mem::offset_of;
use std::sync::Arc;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// System calls about such device contexts.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiDdDDICreateDCFromMemory(asked: UserPtr<Asked>) => create, Done;
    NtGdiDdDDIDestroyDCFromMemory(made: UserPtr<Made>) => destroy, Done;
};

/// D3DKMT_CREATEDCFROMMEMORY, of Wine 10's `include/ddk/d3dkmthk.h`.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Asked {
    memory: u64,
    /// D3DDDIFMT_*.
    format: u32,
    width: u32,
    height: u32,
    pitch: u32,
    device: u64,
    /// PALETTEENTRY of 8 bits, or nothing.
    colors: u64,
    made: Made,
}

/// D3DKMT_DESTROYDCFROMMEMORY, and what is answered.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Made {
    dc: u64,
    bitmap: u64,
}

/// BI_RGB, BI_BITFIELDS.
const PLAIN: u32 = 0;
const FIELDS: u32 = 3;

/// Bits of a pixel and masks of a format (D3DDDIFMT_*).
fn format_of(number: u32) -> Option<(u32, Option<[u32; 3]>)> {
    Some(match number {
        20 => (24, None),
        21 | 22 => (32, None),
        23 => (16, Some([0xf800, 0x7e0, 0x1f])),
        24 | 25 => (16, Some(format::MASKS_555)),
        26 | 30 => (16, Some([0xf00, 0xf0, 0xf])),
        41 => (8, None),
        _ => return None,
    })
}

/// NtGdiDdDDICreateDCFromMemory.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_ACCESS_VIOLATION`.
pub fn create(cx: &Cx<'_>, asked: UserPtr<Asked>) -> Nt {
    if asked.is_null() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let at = asked;
    let asked = asked.read(cx.k)?;
    let (depth, masks) = format_of(asked.format).filter(|_| asked.memory != 0).ok_or(STATUS_INVALID_PARAMETER)?;
    let (Ok(width), Ok(height)) = (i32::try_from(asked.width), i32::try_from(asked.height)) else {
        return Err(STATUS_INVALID_PARAMETER);
    };
    let bytes = u64::from(asked.pitch) * u64::from(asked.height);
    let row = (u64::from(asked.width) * u64::from(depth)).div_ceil(32) * 4;
    if height == 0 || asked.pitch == 0 || u64::from(asked.pitch) < row || bytes > u64::from(u32::MAX) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let colors = match (depth, asked.colors) {
        (8, 0) => Some(format::default_colors(8)),
        (8, colors) => {
            let entries = UserPtr::<u32>::new(colors).read_vec(cx.k, 256)?;
            Some(entries.into_iter().map(|entry| format::swapped(entry & 0xff_ffff)).collect())
        }
        _ => None,
    };
    let used = colors.as_ref().map_or(0, |colors| colors.len() as u32);
    let like = asked.device as u32;
    if like == 0 || with(cx, like, |_| ()).is_none() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let header = Header {
        size: 40,
        width,
        height: height.saturating_neg(),
        planes: 1,
        depth: depth as u16,
        compression: if masks.is_some() { FIELDS } else { PLAIN },
        image_size: 0,
        x_resolution: 0,
        y_resolution: 0,
        colors_used: used,
        colors_important: used,
    };
    let format = Format::new(depth, masks, colors.map(Into::into));
    let layout = Layout { width, height, stride: asked.pitch as usize, bottom_up: false };
    let masks = masks.unwrap_or_default();
    let section = Section { header, masks, bits: asked.memory, place: Place::Given, handle: 0, offset: 0 };
    let bitmap = Bitmap::of_section(Surface::of_guest(layout, format, asked.memory), section);
    let bitmap = cx.k.gdi.handles.add(cx.k, kind::BITMAP, Object::Bitmap(Arc::new(bitmap)));
    let dc = dc::make(cx, dc::Device::Memory(None))?;
    if bitmap == 0 || dc == 0 {
        cx.k.gdi.handles.delete(cx.k, bitmap);
        dc::delete(cx, dc);
        return Err(STATUS_INVALID_PARAMETER);
    }
    with(cx, dc, |work| work.select_bitmap(bitmap));
    let made = Made { dc: dc.into(), bitmap: bitmap.into() };
    UserPtr::new(at.address() + offset_of!(Asked, made) as u64).write(cx.k, made)?;
    Ok(STATUS_SUCCESS)
}

/// NtGdiDdDDIDestroyDCFromMemory.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_ACCESS_VIOLATION`.
pub fn destroy(cx: &Cx<'_>, made: UserPtr<Made>) -> Nt {
    if made.is_null() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let Made { dc, bitmap } = made.read(cx.k)?;
    let handles = &cx.k.gdi.handles;
    let (dc, bitmap) = (dc as u32, bitmap as u32);
    if handles.kind(dc) != Some(kind::MEMORY_DC) || handles.kind(bitmap) != Some(kind::BITMAP) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    for object in [bitmap, dc] {
        // It is there: both were looked at.
        let _ = objects::delete(cx, object);
    }
    Ok(STATUS_SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_that_of_the_headers() {
        assert_eq!((offset_of!(Asked, device), offset_of!(Asked, made), size_of::<Asked>()), (24, 40, 56));
    }
}
