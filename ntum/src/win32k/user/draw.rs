//! How the window server itself draws: in the system's colours, on any device context.

use super::super::User;
use super::callbacks;
use super::colours::color;
use super::sysparams::fonts::{self, FontUse};
use crate::call::Cx;
use crate::win32k::gdi::blit::Area;
use crate::win32k::gdi::brush::Brush;
use crate::win32k::gdi::font::Font;
use crate::win32k::gdi::handles::{Object, kind};
use crate::win32k::gdi::{self, blit, brush, compose};
use crate::win32k::geometry::Rect;
use parking_lot::Mutex;
use std::sync::Arc;

/// The ROP3 that copies a pattern, as the raster knows it; DPo whole, of a checked background.
const PATTERN_COPY: u8 = 0xf0;
pub(super) const PATTERN_OR: u32 = 0x00fa_0089;
/// TRANSPARENT of SetBkMode.
const TRANSPARENT: u16 = 1;

/// BDR_* and EDGE_*.
pub(super) mod edge {
    pub const SUNKEN_OUTER: u32 = 2;
    pub const RAISED: u32 = 5;
    pub const ETCHED: u32 = 6;
    pub const SUNKEN: u32 = 10;
}

/// BF_*.
pub(super) mod side {
    pub const LEFT: u32 = 1;
    pub const TOP: u32 = 2;
    pub const RIGHT: u32 = 4;
    pub const BOTTOM: u32 = 8;
    pub const ALL: u32 = 15;
    pub const MIDDLE: u32 = 0x800;
    pub const ADJUST: u32 = 0x2000;
}

/// DT_*.
pub(super) mod dt {
    pub const CENTER: u32 = 0x1;
    pub const RIGHT: u32 = 0x2;
    pub const MIDDLE: u32 = 0x4;
    pub const SINGLE_LINE: u32 = 0x20;
    pub const NO_CLIP: u32 = 0x100;
    pub const CALCULATE: u32 = 0x400;
    pub const NO_PREFIX: u32 = 0x800;
    pub const END_ELLIPSIS: u32 = 0x8000;
}

/// Fonts of what is not a window's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    /// Captions, those of tool windows.
    Caption,
    SmallCaption,
    /// Menus, and what of them is done by a double click.
    Menu,
    DefaultItem,
    /// Pictures as letters, so high.
    Marlett(i32),
}

/// Fonts that were made: each stays.
#[derive(Default)]
pub struct Fonts(Mutex<Vec<(Font, u32)>>);

/// A device context that is drawn on.
#[derive(Clone, Copy)]
pub(super) struct Canvas<'a, 'b> {
    pub cx: &'a Cx<'b>,
    pub dc: u32,
}

/// Colours of an edge's two lines, the outer one first: upper and left, lower and right. Flat and soft ones are user32's alone.
fn edge_colours(kind: u32) -> [Option<u32>; 4] {
    use color::{DARK_SHADOW, LIGHT, LIT, SHADOW};
    let (raised_outer, sunken_outer) = (kind & 1 != 0, kind & 2 != 0);
    let (raised_inner, sunken_inner) = (kind & 4 != 0, kind & 8 != 0);
    // An inner line alone is drawn as an outer one.
    let upper = match (raised_outer, sunken_outer) {
        (true, false) => Some(LIGHT),
        (false, true) => Some(SHADOW),
        (false, false) if raised_inner && !sunken_inner => Some(LIT),
        (false, false) if sunken_inner && !raised_inner => Some(DARK_SHADOW),
        _ => None,
    };
    let lower = match (raised_outer, sunken_outer) {
        (true, false) => Some(DARK_SHADOW),
        (false, true) => Some(LIT),
        (false, false) if raised_inner && !sunken_inner => Some(SHADOW),
        (false, false) if sunken_inner && !raised_inner => Some(LIGHT),
        _ => None,
    };
    let both = raised_outer != sunken_outer && raised_inner != sunken_inner;
    let inner = |raised, sunken| both.then_some(if raised_inner { raised } else { sunken });
    [upper, lower, inner(LIT, DARK_SHADOW), inner(SHADOW, LIGHT)]
}

impl Canvas<'_, '_> {
    /// The colour of a number of COLOR_*.
    pub fn colour(&self, index: u32) -> u32 {
        self.cx.k.system_colour(index)
    }

    /// Fills a rectangle with a colour of the system.
    pub fn fill(&self, rect: &Rect, index: u32) {
        let brush = Brush::solid(self.colour(index));
        gdi::with(self.cx, self.dc, |work| {
            let area = Area::of(work, rect.left, rect.top, rect.width(), rect.height(), false).bounds();
            work.ready_format();
            let Some(surface) = work.drawn_on() else { return };
            let ink = work.ink(&surface.format(), &brush, None, true);
            let region = work.clipped(&area);
            // Memory that the guest took away shows nothing.
            let _ = work.fill(&region, &ink, PATTERN_COPY);
        });
    }

    /// Fills it with a brush, or the number of a colour and one, as classes name their backgrounds; with a raster operation.
    pub fn fill_with(&self, rect: &Rect, with: u64, operation: u32) {
        let with = match with {
            1..=31 => self.cx.k.system_brush(with as u32 - 1).into(),
            handle => handle,
        };
        let before = brush::select(self.cx, self.dc, with as u32).unwrap_or(0);
        let _ = blit::pattern(self.cx, self.dc, rect.left, rect.top, rect.width(), rect.height(), operation);
        if before != 0 {
            let _ = brush::select(self.cx, self.dc, before as u32);
        }
    }

    /// A frame inside a rectangle, which is made smaller by it.
    pub fn frame(&self, rect: &mut Rect, width: i32, height: i32, index: u32) {
        let Rect { left, top, right, bottom } = *rect;
        self.fill(&Rect::new(left, top, right, top.saturating_add(height)), index);
        self.fill(&Rect::new(left, top, left.saturating_add(width), bottom), index);
        self.fill(&Rect::new(left, bottom.saturating_sub(height), right, bottom), index);
        self.fill(&Rect::new(right.saturating_sub(width), top, right, bottom), index);
        *rect = rect.shrunk(width, height);
    }

    /// DrawEdge, with lines one pixel wide; `side::ADJUST` leaves what is inside.
    pub fn edge(&self, rect: &mut Rect, kind: u32, sides: u32) {
        let [upper, lower, inner_upper, inner_lower] = edge_colours(kind);
        let Rect { left, top, right, bottom } = rect.tamed();
        let has = |which: u32| sides & which != 0;
        let fill = |part: Rect, index: Option<u32>| {
            if let Some(index) = index {
                self.fill(&part, index);
            }
        };
        let line = |side: u32, from: i32, to: i32, deep: i32| match side {
            side::TOP => Rect::new(from, top + deep, to, top + deep + 1),
            side::LEFT => Rect::new(left + deep, from, left + deep + 1, to),
            side::BOTTOM => Rect::new(from, bottom - deep - 1, to, bottom - deep),
            _ => Rect::new(right - deep - 1, from, right - deep, to),
        };
        // Corners are the line's that is drawn last.
        for (which, index) in [(side::TOP, upper), (side::LEFT, upper), (side::BOTTOM, lower), (side::RIGHT, lower)] {
            let (from, to) = if which & (side::TOP | side::BOTTOM) != 0 { (left, right) } else { (top, bottom) };
            if has(which) {
                fill(line(which, from, to, 0), index);
            }
        }
        let corner = |first: u32, second: u32| i32::from(has(first) && has(second));
        let (top_left, top_right) = (corner(side::TOP, side::LEFT), corner(side::TOP, side::RIGHT));
        let (bottom_left, bottom_right) = (corner(side::BOTTOM, side::LEFT), corner(side::BOTTOM, side::RIGHT));
        let inner = [
            (side::TOP, left + top_left, right - top_right, inner_upper),
            (side::LEFT, top + top_left, bottom - bottom_left, inner_upper),
            (side::BOTTOM, left + bottom_left, right - bottom_right, inner_lower),
            (side::RIGHT, top + top_right, bottom - bottom_right, inner_lower),
        ];
        for (which, from, to, index) in inner.into_iter().filter(|(which, ..)| has(*which)) {
            fill(line(which, from, to, 1), index);
        }
        let lines = i32::from(kind & 3 != 0) + i32::from(kind & 12 != 0);
        let inside = Rect::new(
            left + if has(side::LEFT) { lines } else { 0 },
            top + if has(side::TOP) { lines } else { 0 },
            right - if has(side::RIGHT) { lines } else { 0 },
            bottom - if has(side::BOTTOM) { lines } else { 0 },
        );
        let plain = kind & 3 != 3 && kind & 12 != 12;
        if has(side::MIDDLE) && plain {
            self.fill(&inside, color::FACE);
        }
        if has(side::ADJUST) {
            *rect = inside;
        }
    }

    /// A rectangle of one colour on its left that becomes another on its right.
    pub fn shade(&self, rect: &Rect, left: u32, right: u32) {
        if !rect.is_empty() {
            compose::shade(self.cx, self.dc, rect, self.colour(left), self.colour(right));
        }
    }

    /// Text is drawn in a colour from now on, without a background: a COLORREF. What the colour was.
    pub fn set_ink(&self, colour: u32) -> u32 {
        let before = gdi::with(self.cx, self.dc, |work| {
            work.attr.background_mode = TRANSPARENT;
            core::mem::replace(&mut work.attr.text_color, colour)
        });
        before.unwrap_or(0)
    }

    /// Text is drawn in a colour from now on: a COLORREF.
    pub fn set_text_colour(&self, colour: u32) {
        gdi::with(self.cx, self.dc, |work| work.attr.text_color = colour);
    }

    /// What lies behind bits and letters: a COLORREF.
    pub fn set_background(&self, colour: u32) {
        gdi::with(self.cx, self.dc, |work| work.attr.background_color = colour);
    }

    /// Text is drawn in a font from now on; what it was.
    pub fn set_face(&self, face: Face) -> u32 {
        gdi::font::select(self.cx, self.dc, font(self.cx, face)).unwrap_or(0) as u32
    }

    /// See [`Canvas::set_face`].
    pub fn set_font(&self, handle: u32) -> u32 {
        gdi::font::select(self.cx, self.dc, handle).unwrap_or(0) as u32
    }

    /// DrawText.
    pub fn text(&self, text: &[u16], rect: &Rect, flags: u32) {
        if !text.is_empty() {
            // What cannot be drawn is not.
            let _ = callbacks::draw_text(self.cx, self.dc, text, rect, flags);
        }
    }

    /// Width and height of a text.
    pub fn measure(&self, text: &[u16], flags: u32) -> (i32, i32) {
        let none = Rect::default();
        let measured = callbacks::draw_text(self.cx, self.dc, text, &none, flags | dt::CALCULATE);
        measured.map_or((0, 0), |(_, rect)| (rect.width(), rect.height()))
    }

    /// Mean width of the font's letters, and its height.
    pub fn letter(&self) -> (i32, i32) {
        let all: Vec<u16> = ('a'..='z').chain('A'..='Z').map(|letter| letter as u16).collect();
        let (width, height) = self.measure(&all, dt::SINGLE_LINE | dt::NO_PREFIX);
        ((width / 26 + 1) / 2, height)
    }

    /// Has a bitmap drawn at a place, as much of it as is asked for, from a column of it on.
    pub fn bitmap(&self, rect: &Rect, bitmap: u64, from: i32, operation: u32) {
        let cx = self.cx;
        let Ok(memory) = gdi::dc::create_compatible(cx, self.dc) else { return };
        let memory = memory as u32;
        let before = gdi::bitmap::select(cx, memory, bitmap as u32).unwrap_or(0);
        let Rect { left, top, .. } = *rect;
        let _ = blit::copy(cx, self.dc, left, top, rect.width(), rect.height(), memory, from, 0, operation, 0, 0);
        let _ = gdi::bitmap::select(cx, memory, before as u32);
        gdi::dc::delete(cx, memory);
    }
}

/// The user's font for something.
fn described(cx: &Cx<'_>, face: Face) -> Font {
    let of = |which| fonts::font(cx.k, which, super::dpi::of_system(cx));
    match face {
        // FW_NORMAL, SYMBOL_CHARSET.
        Face::Marlett(height) => Font::named(height, 0, 400, 2, 1, "Marlett"),
        Face::Caption => of(FontUse::Caption),
        Face::SmallCaption => of(FontUse::SmallCaption),
        Face::Menu => of(FontUse::Menu),
        Face::DefaultItem => {
            let font = of(FontUse::Menu);
            Font { weight: font.weight.saturating_add(300).min(1000), ..font }
        }
    }
}

/// A font that stays, until the user wants another.
pub(super) fn font(cx: &Cx<'_>, face: Face) -> u32 {
    let wanted = described(cx, face);
    let mut all = cx.k.user.fonts.0.lock();
    if let Some((_, handle)) = all.iter().find(|(known, _)| *known == wanted) {
        return *handle;
    }
    let handles = &cx.k.gdi.handles;
    let handle = handles.add(cx.k, kind::FONT, Object::Font(Arc::new(wanted)));
    // As if it were selected for ever.
    handles.select(handle);
    if all.len() < 64 {
        all.push((wanted, handle));
    }
    handle
}

/// Columns and rows of a bitmap.
pub(super) fn bitmap_size(cx: &Cx<'_>, bitmap: u64) -> Option<(i32, i32)> {
    match cx.k.gdi.handles.get(bitmap as u32)? {
        Object::Bitmap(bitmap) => {
            let area = bitmap.surface.area();
            Some((area.width(), area.height()))
        }
        _ => None,
    }
}

/// A bitmap of user32's by its number (OBM_*), loaded once.
pub(super) fn system_bitmap(cx: &Cx<'_>, number: u32) -> User {
    if let Some((_, handle)) = cx.k.user.bitmaps.lock().iter().find(|(known, _)| *known == number) {
        return Ok((*handle).into());
    }
    let handle = callbacks::load_image(cx, 0, number, callbacks::image::BITMAP, 0, 0)?;
    cx.k.user.bitmaps.lock().push((number, handle as u32));
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use color::{DARK_SHADOW, LIGHT, LIT, SHADOW};

    #[test]
    fn edges_are_lit_from_the_upper_left() {
        assert_eq!(edge_colours(edge::RAISED), [Some(LIGHT), Some(DARK_SHADOW), Some(LIT), Some(SHADOW)]);
        assert_eq!(edge_colours(edge::SUNKEN), [Some(SHADOW), Some(LIT), Some(DARK_SHADOW), Some(LIGHT)]);
        assert_eq!(edge_colours(edge::ETCHED), [Some(SHADOW), Some(LIT), Some(LIT), Some(SHADOW)]);
        assert_eq!(edge_colours(edge::SUNKEN_OUTER), [Some(SHADOW), Some(LIT), None, None]);
    }
}
