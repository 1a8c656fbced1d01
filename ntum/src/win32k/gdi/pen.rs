//! Pens.

use super::User;
use super::brush::{Brush, style as brush_style};
use super::handles::{Object, kind};
use super::{dc, error, failed};
use crate::call::{Call, Cx};
use crate::um::UserPtr;
use std::sync::Arc;

/// System calls about pens.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiCreatePen(style: u32, width: i32, color: u32, brush: u64) => create, Done;
    NtGdiExtCreatePen(style: u32, width: i32, brush_style: u32, color: u32, client_hatch: u64, hatch: u64, style_count: u32, style_bits: UserPtr<u32>, dib_size: u32, old_style: u32, brush: u64) => create_extended, Done;
    NtGdiSelectPen(dc: u32, pen: u32) => select, Done;
};

/// PS_*.
pub mod style {
    /// A line.
    pub const SOLID: u32 = 0;
    /// Dashes.
    pub const DASH: u32 = 1;
    /// Dots.
    pub const DOT: u32 = 2;
    /// Dashes and dots.
    pub const DASH_DOT: u32 = 3;
    /// Dashes and pairs of dots.
    pub const DASH_DOT_DOT: u32 = 4;
    /// Nothing.
    pub const NULL: u32 = 5;
    /// A line within a figure's bounds.
    pub const INSIDE_FRAME: u32 = 6;
    /// Lengths of its own.
    pub const USER: u32 = 7;
    /// Every other pixel.
    pub const ALTERNATE: u32 = 8;
    /// The bits of a style.
    pub const MASK: u32 = 0xf;
    /// The bits of an end.
    pub const END_MASK: u32 = 0xf00;
    /// Ends are square.
    pub const END_SQUARE: u32 = 0x100;
    /// Ends are where the line is.
    pub const END_FLAT: u32 = 0x200;
    /// The bits of a join.
    pub const JOIN_MASK: u32 = 0xf000;
    /// Joins are cut off.
    pub const JOIN_BEVEL: u32 = 0x1000;
    /// Joins are pointed.
    pub const JOIN_MITER: u32 = 0x2000;
    /// A width in logical units.
    pub const GEOMETRIC: u32 = 0x1_0000;
    /// The bits of a type.
    pub const TYPE_MASK: u32 = 0xf_0000;
}

/// A pen: EXTLOGPEN.
#[derive(Debug)]
pub struct Pen {
    /// PS_*.
    pub style: u32,
    /// In logical units.
    pub width: u32,
    /// What it draws with.
    pub brush: Brush,
    /// What ExtCreatePen was told as the hatch.
    pub client_hatch: u64,
    /// Lengths of dashes and gaps of PS_USERSTYLE.
    pub dashes: Vec<u32>,
    /// Whether it is ExtCreatePen's.
    pub extended: bool,
}

impl Pen {
    /// A pen of CreatePen; `None` if there is no such style.
    pub fn simple(style: u32, width: i32, color: u32) -> Option<Pen> {
        let (width, color) = match style {
            style::NULL => (1, 0),
            style::SOLID..=style::INSIDE_FRAME => (width.unsigned_abs(), color),
            _ => return None,
        };
        let brush = Brush::solid(color);
        Some(Pen { style, width, brush, client_hatch: 0, dashes: Vec::new(), extended: false })
    }

    /// The pen's EXTLOGPEN.
    pub fn describe(&self) -> Vec<u8> {
        let mut out = Vec::new();
        // A DIB's brush is told as one behind an address.
        let style = match self.brush.style {
            brush_style::DIB_PATTERN => brush_style::DIB_PATTERN_AT,
            style => style,
        };
        for word in [self.style, self.width, style, self.brush.color] {
            out.extend(word.to_le_bytes());
        }
        out.extend(self.client_hatch.to_le_bytes());
        out.extend((self.dashes.len() as u32).to_le_bytes());
        for dash in &self.dashes {
            out.extend(dash.to_le_bytes());
        }
        out
    }
}

fn add(cx: &Cx<'_>, pen: Pen) -> User {
    let kind = if pen.extended { kind::EXTENDED_PEN } else { kind::PEN };
    Ok(u64::from(cx.k.gdi.handles.add(cx.k, kind, Object::Pen(Arc::new(pen)))))
}

/// NtGdiCreatePen.
///
/// # Errors
/// None; the answer is 0.
pub fn create(cx: &Cx<'_>, style: u32, width: i32, color: u32, _brush: u64) -> User {
    if style == style::NULL {
        return Ok(u64::from(cx.k.gdi.handles.stock(super::stock::NULL_PEN)));
    }
    match Pen::simple(style, width, color) {
        Some(pen) => add(cx, pen),
        None => Ok(0),
    }
}

/// NtGdiExtCreatePen.
///
/// # Errors
/// None; the answer is 0, and the last error may say why.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn create_extended(
    cx: &Cx<'_>,
    style: u32,
    width: i32,
    brush_style: u32,
    color: u32,
    client_hatch: u64,
    hatch: u64,
    count: u32,
    bits: UserPtr<u32>,
    _dib_size: u32,
    _old_style: u32,
    _brush: u64,
) -> User {
    let invalid = || failed(error::INVALID_PARAMETER);
    let geometric = style & style::TYPE_MASK == style::GEOMETRIC;
    let line = style & style::MASK;
    if (count != 0 || !bits.is_null()) && line != style::USER {
        return invalid();
    }
    let mut dashes = Vec::new();
    match line {
        style::NULL => return create(cx, style::NULL, 0, color, 0),
        style::SOLID..=style::DASH_DOT_DOT => {}
        style::USER => {
            if count as i32 <= 0 {
                return Ok(0);
            }
            if count > 16 || bits.is_null() {
                return invalid();
            }
            let Ok(read) = bits.read_vec(cx.k, count as usize) else { return failed(error::NOACCESS) };
            dashes = read;
            if geometric && (dashes.iter().all(|dash| *dash == 0) || dashes.iter().any(|dash| (*dash as i32) < 0)) {
                return invalid();
            }
        }
        style::INSIDE_FRAME if geometric => {}
        style::ALTERNATE if !geometric => {}
        _ => return invalid(),
    }
    if geometric {
        if brush_style == brush_style::NULL {
            return create(cx, style::NULL, 0, 0, 0);
        }
    } else if width != 1 || brush_style != brush_style::SOLID {
        return invalid();
    }
    let Ok(Some(brush)) = Brush::new(cx.k, brush_style, color, hatch) else { return invalid() };
    add(cx, Pen { style, width: width.unsigned_abs(), brush, client_hatch, dashes, extended: true })
}

/// NtGdiSelectPen: the pen that was selected.
///
/// # Errors
/// None; the answer is 0.
pub fn select(cx: &Cx<'_>, dc: u32, pen: u32) -> User {
    let before = dc::select(cx, dc, pen, |state, handle, object| match object {
        Object::Pen(pen) => Some(core::mem::replace(&mut state.pen, (handle, pen.clone())).0),
        _ => None,
    });
    Ok(before.into())
}
