//! Fonts as objects: what CreateFont was told.

use super::User;
use super::dc::Work;
use super::fonts::charset;
use super::handles::{Object, kind};
use super::{answer, error, failed};
use crate::call::{Call, Cx};
use crate::io::condrv::codepage;
use crate::um::UserPtr;
use std::sync::Arc;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// System calls about fonts.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiHfontCreate(font: u64, size: u32, kind: u32, flags: u32, data: u64) => create, Partial("a full name, a style and a script are passed over");
    NtGdiSelectFont(dc: u32, font: u32) => select, Done;
};

/// LOGFONTW.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Font {
    /// Height of a cell, or less than 0 of a character, in logical units.
    pub height: i32,
    /// Mean width, 0 for the font's own.
    pub width: i32,
    /// Of the line, in tenths of a degree.
    pub escapement: i32,
    /// Of characters.
    pub orientation: i32,
    /// FW_*.
    pub weight: i32,
    /// Whether it is slanted.
    pub italic: u8,
    /// Whether it has a line below.
    pub underline: u8,
    /// Whether it is struck out.
    pub strike_out: u8,
    /// *_CHARSET.
    pub charset: u8,
    /// OUT_*.
    pub output_precision: u8,
    /// CLIP_*.
    pub clip_precision: u8,
    /// *_QUALITY.
    pub quality: u8,
    /// *_PITCH and FF_*.
    pub pitch_and_family: u8,
    /// Name of the typeface.
    pub face: [u16; 32],
}

impl Font {
    /// Name of the typeface, up to its zero.
    pub fn name(&self) -> &[u16] {
        let end = self.face.iter().position(|unit| *unit == 0).unwrap_or(31);
        self.face.get(..end.min(31)).unwrap_or_default()
    }

    /// A font by name.
    pub fn named(height: i32, width: i32, weight: i32, charset: u8, pitch_and_family: u8, name: &str) -> Font {
        let mut face = [0; 32];
        for (to, from) in face.iter_mut().take(31).zip(name.encode_utf16()) {
            *to = from;
        }
        Font {
            height,
            width,
            escapement: 0,
            orientation: 0,
            weight,
            italic: 0,
            underline: 0,
            strike_out: 0,
            charset,
            output_precision: 0,
            clip_precision: 0,
            quality: 0,
            pitch_and_family,
            face,
        }
    }
}

/// Sizes of ENUMLOGFONTEXW and ENUMLOGFONTEXDVW, which begin with a LOGFONTW.
const EXTENDED: [u32; 2] = [348, 420];

/// NtGdiHfontCreate: a font of a LOGFONTW, or of a structure that begins with one.
///
/// # Errors
/// None; the answer is 0, and the last error says why.
pub fn create(cx: &Cx<'_>, font: u64, size: u32, _kind: u32, _flags: u32, _data: u64) -> User {
    if font == 0 {
        return Ok(0);
    }
    if size as usize != size_of::<Font>() && !EXTENDED.contains(&size) {
        return failed(error::INVALID_PARAMETER);
    }
    let Ok(font) = UserPtr::<Font>::new(font).read(cx.k) else { return failed(error::NOACCESS) };
    Ok(u64::from(cx.k.gdi.handles.add(cx.k, kind::FONT, Object::Font(Arc::new(font)))))
}

/// NtGdiSelectFont: the font that was selected.
///
/// # Errors
/// None; the answer is 0.
pub fn select(cx: &Cx<'_>, dc: u32, font: u32) -> User {
    let handles = &cx.k.gdi.handles;
    let handle = handles.full(font);
    let Some(font) = handles.font(handle) else { return Ok(0) };
    answer(cx, dc, |work| {
        handles.select(handle);
        let (before, _) = core::mem::replace(&mut work.state.font, (handle, font));
        handles.deselect(cx.k, before);
        work.update_code_page();
        before
    })
}

impl Work<'_> {
    /// Tells gdi32 the code page of the DC's font, for texts that are not Unicode.
    pub fn update_code_page(&mut self) {
        let Some(font) = self.realized() else { return };
        self.attr.code_page = match font.charset.number {
            charset::OEM => codepage::oem(self.k),
            charset::DEFAULT => codepage::ansi(self.k),
            _ => font.charset.page,
        };
    }
}
