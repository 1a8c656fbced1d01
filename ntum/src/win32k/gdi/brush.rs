//! Brushes.

use super::User;
use super::format::Format;
use super::handles::{Object, kind};
use super::header::{Info, PALETTE_COLORS};
use super::palette::Palette;
use super::surface::Pixels;
use super::{dc, done};
use crate::call::{Call, Cx};
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::{UserPtr, UserSlice};
use std::sync::Arc;
use zerocopy::IntoBytes;

/// System calls about brushes.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiCreateSolidBrush(color: u32, brush: u64) => create_solid, Done;
    NtGdiCreateHatchBrushInternal(style: u32, color: u32, pen: u32) => create_hatch, Done;
    NtGdiCreatePatternBrushInternal(bitmap: u32, pen: u32, small: u32) => create_pattern, Done;
    NtGdiCreateDIBBrush(data: u64, usage: u32, size: u32, small: u32, pen: u32, client: u64) => create_dib, Done;
    NtGdiSelectBrush(dc: u32, brush: u32) => select, Done;
    NtGdiIcmBrushInfo(dc: u32, brush: u32, header: u64, bits: u64, size: UserPtr<u32>, usage: UserPtr<u32>, unknown: u64, mode: u32) => info, Partial("mode 0 alone");
};

/// BS_*.
pub mod style {
    /// One colour.
    pub const SOLID: u32 = 0;
    /// Nothing.
    pub const NULL: u32 = 1;
    /// Lines.
    pub const HATCHED: u32 = 2;
    /// A bitmap.
    pub const PATTERN: u32 = 3;
    /// A DIB.
    pub const DIB_PATTERN: u32 = 5;
    /// A DIB behind an address.
    pub const DIB_PATTERN_AT: u32 = 6;
    /// A bitmap of eight times eight.
    pub const PATTERN_8X8: u32 = 7;
}

/// HS_DIAGCROSS, the last of the hatches; HS_API_MAX, the end of what else is taken for a solid brush.
const LAST_HATCH: u64 = 5;
const END_OF_HATCHES: u64 = 12;

/// Pixels of a pattern.
#[derive(Debug)]
pub struct Pattern {
    /// What they mean; of one bit without a table: the DC's colours.
    pub format: Format,
    /// Indices of a palette, where the table holds these.
    pub info: Option<Info>,
    /// The pixels.
    pub pixels: Pixels,
}

/// A brush: LOGBRUSH, and a pattern.
#[derive(Debug)]
pub struct Brush {
    /// BS_*.
    pub style: u32,
    /// COLORREF.
    pub color: u32,
    /// HS_*, or what the maker gave.
    pub hatch: u64,
    /// Its pixels.
    pub pattern: Option<Arc<Pattern>>,
}

impl Brush {
    /// A brush of one colour.
    pub fn solid(color: u32) -> Brush {
        Brush { style: style::SOLID, color, hatch: 0, pattern: None }
    }

    /// Every other pixel of two colours of the DC's, as grey scroll bars have them.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY`.
    pub fn dots() -> Nt<Brush> {
        let mut pixels = Pixels::new(8, 8)?;
        for (index, value) in pixels.values_mut().iter_mut().enumerate() {
            *value = (index + index / 8 + 1) as u32 & 1;
        }
        let pattern = Pattern { format: Format::new(1, None, None), info: None, pixels };
        Ok(Brush { style: style::PATTERN, color: 0, hatch: 0, pattern: Some(Arc::new(pattern)) })
    }

    /// A brush as a LOGBRUSH describes it; `None` if there is none such.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, `STATUS_NO_MEMORY`.
    pub fn new(k: &Kernel, style: u32, color: u32, hatch: u64) -> Nt<Option<Brush>> {
        Ok(Some(match style {
            style::SOLID | style::NULL => Brush { style, color, hatch, pattern: None },
            style::HATCHED if hatch <= LAST_HATCH => Brush { style, color, hatch, pattern: None },
            style::HATCHED if hatch < END_OF_HATCHES => Brush::solid(color),
            style::PATTERN | style::PATTERN_8X8 => {
                let Some(bitmap) = k.gdi.handles.bitmap(hatch as u32) else { return Ok(None) };
                let surface = &bitmap.surface;
                let pixels = surface.open(k).load_all(&surface.area())?;
                let pattern = Pattern { format: (*surface.format()).clone(), info: None, pixels };
                Brush { style: style::PATTERN, color: 0, hatch, pattern: Some(Arc::new(pattern)) }
            }
            style::DIB_PATTERN_AT => {
                let Some(info) = Info::read(k, hatch, color, false)? else { return Ok(None) };
                let bits = hatch + info.bytes;
                let format = info.format(&Palette::system());
                let layout = super::surface::Layout {
                    width: info.header.width,
                    height: info.height(),
                    stride: info.stride(),
                    bottom_up: info.header.height > 0,
                };
                let surface = super::surface::Surface::of_guest(layout, format.clone(), bits);
                let pixels = surface.open(k).load_all(&surface.area())?;
                let indices = (color == PALETTE_COLORS).then_some(info);
                let pattern = Pattern { format, info: indices, pixels };
                Brush { style: style::DIB_PATTERN, color: 0, hatch, pattern: Some(Arc::new(pattern)) }
            }
            _ => return Ok(None),
        }))
    }

    /// The brush's LOGBRUSH.
    pub fn describe(&self) -> [u8; 16] {
        let mut out = [0; 16];
        out[..4].copy_from_slice(&self.style.to_le_bytes());
        out[4..8].copy_from_slice(&self.color.to_le_bytes());
        out[8..].copy_from_slice(&self.hatch.to_le_bytes());
        out
    }
}

fn add(cx: &Cx<'_>, style: u32, color: u32, hatch: u64) -> User {
    let brush = Brush::new(cx.k, style, color, hatch).unwrap_or(None);
    let Some(brush) = brush else { return Ok(0) };
    Ok(u64::from(cx.k.gdi.handles.add(cx.k, kind::BRUSH, Object::Brush(Arc::new(brush)))))
}

/// NtGdiCreateSolidBrush.
///
/// # Errors
/// None.
pub fn create_solid(cx: &Cx<'_>, color: u32, _brush: u64) -> User {
    add(cx, style::SOLID, color, 0)
}

/// NtGdiCreateHatchBrushInternal.
///
/// # Errors
/// None; the answer is 0.
pub fn create_hatch(cx: &Cx<'_>, hatch: u32, color: u32, _pen: u32) -> User {
    add(cx, style::HATCHED, color, hatch.into())
}

/// NtGdiCreatePatternBrushInternal: what the bitmap shows now.
///
/// # Errors
/// None; the answer is 0.
pub fn create_pattern(cx: &Cx<'_>, bitmap: u32, _pen: u32, _small: u32) -> User {
    add(cx, style::PATTERN, 0, bitmap.into())
}

/// NtGdiCreateDIBBrush: a brush of a packed DIB.
///
/// # Errors
/// None; the answer is 0.
pub fn create_dib(cx: &Cx<'_>, data: u64, usage: u32, _size: u32, _small: u32, _pen: u32, _client: u64) -> User {
    if data == 0 {
        return Ok(0);
    }
    add(cx, style::DIB_PATTERN_AT, usage, data)
}

/// NtGdiSelectBrush: the brush that was selected.
///
/// # Errors
/// None; the answer is 0.
pub fn select(cx: &Cx<'_>, dc: u32, brush: u32) -> User {
    let before = dc::select(cx, dc, brush, |state, handle, object| match object {
        Object::Brush(brush) => Some(core::mem::replace(&mut state.brush, (handle, brush.clone())).0),
        _ => None,
    });
    Ok(before.into())
}

/// NtGdiIcmBrushInfo: the DIB of a pattern, the last row first.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn info(
    cx: &Cx<'_>,
    _dc: u32,
    brush: u32,
    info: u64,
    bits: u64,
    size: UserPtr<u32>,
    usage: UserPtr<u32>,
    _unknown: u64,
    mode: u32,
) -> User {
    let brush = cx.k.gdi.handles.brush(brush).filter(|_| mode == 0);
    let Some(pattern) = brush.and_then(|brush| brush.pattern.clone()) else { return done(false) };
    let (format, pixels) = (&pattern.format, &pattern.pixels);
    let stride = format.stride(pixels.width);
    let mut rows = vec![0; stride * pixels.height.max(0) as usize];
    for (y, row) in (0..pixels.height).rev().zip(rows.chunks_exact_mut(stride.max(1))) {
        super::format::pack(row, format.depth, 0, pixels.row(y));
    }
    if info != 0 {
        let palette = pattern.info.as_ref();
        let masks = format.masks != Info::default_masks(format.depth as u16) && format.depth > 8;
        let table = if format.depth <= 8 { format.table().to_vec() } else { Vec::new() };
        let header = super::header::Header {
            size: 40,
            width: pixels.width,
            height: pixels.height,
            planes: 1,
            depth: format.depth as u16,
            compression: if masks { super::header::BITFIELDS } else { super::header::RGB },
            image_size: rows.len() as u32,
            colors_used: palette.map_or(table.len() as u32, |info| info.header.colors_used),
            ..Default::default()
        };
        cx.k.write_user(info, header.as_bytes())?;
        match palette.map(|info| &info.colors) {
            Some(super::header::Colors::Indices(indices)) => cx.k.write_user(info + 40, indices.as_bytes())?,
            _ if masks => cx.k.write_user(info + 40, format.masks.as_bytes())?,
            _ => cx.k.write_user(info + 40, table.as_bytes())?,
        }
    }
    if bits != 0 {
        UserSlice::new(bits, rows.len() as u64).write_at(cx.k, 0, &rows)?;
    }
    size.write_opt(cx.k, rows.len() as u32)?;
    usage.write_opt(cx.k, u32::from(pattern.info.is_some()))?;
    done(true)
}
