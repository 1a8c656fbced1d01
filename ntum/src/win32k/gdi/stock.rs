//! Stock objects. gdi32 knows their places in the table: GetStockObject's number, and three fonts more for other resolutions.

use super::bitmap::Bitmap;
use super::brush::{Brush, style};
use super::font::Font;
use super::handles::{Object, kind};
use super::palette::Palette;
use super::pen::{self, Pen};
use crate::kernel::Kernel;
use crate::status::Nt;
use std::sync::Arc;

/// WHITE_BRUSH.
pub const WHITE_BRUSH: usize = 0;
/// BLACK_PEN.
pub const BLACK_PEN: usize = 7;
/// NULL_PEN.
pub const NULL_PEN: usize = 8;
/// SYSTEM_FONT.
pub const SYSTEM_FONT: usize = 13;
/// DEFAULT_PALETTE.
pub const DEFAULT_PALETTE: usize = 15;
/// DC_BRUSH.
pub const DC_BRUSH: usize = 18;
/// DC_PEN.
pub const DC_PEN: usize = 19;
/// The bitmap of one pixel that a DC in memory begins with.
pub const DEFAULT_BITMAP: usize = 20;

/// Weights, character sets, pitches and families of fonts.
const NORMAL: i32 = 400;
const BOLD: i32 = 700;
const ANSI: u8 = 0;
const OEM: u8 = 255;
const FIXED_MODERN: u8 = 0x31;
const VARIABLE_SWISS: u8 = 0x22;

/// Makes them, before anything else gets a handle.
///
/// # Errors
/// `STATUS_NO_MEMORY`.
pub fn make(k: &Kernel) -> Nt<()> {
    let brush = |style, color| (kind::BRUSH, Object::Brush(Arc::new(Brush { style, ..Brush::solid(color) })));
    let pen = |line, color| {
        let pen = Pen::simple(line, 0, color).unwrap_or(Pen {
            style: line,
            width: 0,
            brush: Brush::solid(color),
            client_hatch: 0,
            dashes: Vec::new(),
            extended: false,
        });
        (kind::PEN, Object::Pen(Arc::new(pen)))
    };
    let font = |height, width, weight, charset, pitch, name| {
        (kind::FONT, Object::Font(Arc::new(Font::named(height, width, weight, charset, pitch, name))))
    };
    let solid = |color| brush(style::SOLID, color);
    let system = || font(16, 7, BOLD, ANSI, VARIABLE_SWISS, "System");
    let fixed = || font(16, 0, NORMAL, ANSI, FIXED_MODERN, "Courier");
    let dialog = || font(-11, 0, NORMAL, ANSI, VARIABLE_SWISS, "MS Shell Dlg");
    let oem = || font(12, 0, NORMAL, OEM, FIXED_MODERN, "");
    let bitmap = Arc::new(Bitmap::new(1, 1, 1)?);
    let all = [
        solid(0xff_ffff),
        solid(0xc0_c0c0),
        solid(0x80_8080),
        solid(0x40_4040),
        solid(0),
        brush(style::NULL, 0),
        pen(pen::style::SOLID, 0xff_ffff),
        pen(pen::style::SOLID, 0),
        pen(pen::style::NULL, 0),
        oem(),
        oem(),
        font(12, 0, NORMAL, ANSI, FIXED_MODERN, "Courier"),
        font(12, 0, NORMAL, ANSI, VARIABLE_SWISS, "MS Sans Serif"),
        system(),
        font(16, 0, BOLD, ANSI, VARIABLE_SWISS, "System"),
        (kind::PALETTE, Object::Palette(Arc::new(Palette::system()))),
        fixed(),
        dialog(),
        solid(0xff_ffff),
        pen(pen::style::SOLID, 0),
        (kind::BITMAP, Object::Bitmap(bitmap)),
        system(),
        fixed(),
        dialog(),
    ];
    for (kind, object) in all {
        k.gdi.handles.add(k, kind, object);
    }
    k.gdi.handles.make_stock(k);
    Ok(())
}
