//! Fonts that programs bring: AddFontResourceEx and what belongs to it.

use super::face::{self, Catalog, Source, origin};
use super::metrics::TextMetrics;
use super::{load, matching, realize};
use crate::call::{Call, Cx};
use crate::um::{UserPtr, UserSlice};
use crate::win32k::error;
use crate::win32k::gdi::font::Font;
use crate::win32k::gdi::{User, done, failed};
use std::sync::Arc;

/// System calls about fonts that programs bring.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiAddFontResourceW(name: u64, length: u32, files: u32, flags: u32, thread: u32, design: u64) => add, Partial("fonts for other processes");
    NtGdiRemoveFontResourceW(name: u64, length: u32, files: u32, flags: u32, thread: u32, design: u64) => remove, Done;
    NtGdiAddFontMemResourceEx(bytes: u64, size: u32, design: u64, design_size: u32, count: UserPtr<u32>) => add_memory, Done;
    NtGdiRemoveFontMemResourceEx(font: u64) => remove_memory, Done;
    __wine_get_file_outline_text_metric(path: u64, metrics: UserPtr<TextMetrics>, square: UserPtr<u32>, name: u64) => of_file, Done;
};

/// FR_PRIVATE.
const PRIVATE: u32 = 0x10;
/// Bytes of a font in memory at most.
const LARGEST: u32 = 64 << 20;

/// Handles of fonts in memory are no numbers of anything else.
const HANDLE: u64 = 0x466f_0000_0000;

fn uri(cx: &Cx<'_>, name: u64, length: u32) -> crate::status::Nt<Option<String>> {
    let name = UserPtr::<u16>::new(name).read_vec(cx.k, length.min(0x8000) as usize)?;
    let name: Vec<u16> = name.into_iter().take_while(|unit| *unit != 0).collect();
    Ok(load::uri_of(&name))
}

/// Units of a path at most.
const PATH: u64 = 0x1000;
/// The height at which a file's font is measured.
const HEIGHT: i32 = 100;

/// `__wine_get_file_outline_text_metric`, behind CreateScalableFontResource: measures of a file's first font, its em and its family.
///
/// # Errors
/// `ERROR_INVALID_PARAMETER`: no file, or none with outlines.
pub fn of_file(cx: &Cx<'_>, path: u64, metrics: UserPtr<TextMetrics>, square: UserPtr<u32>, name: u64) -> User {
    let mut text = Vec::new();
    for index in 0..PATH {
        let unit: u16 = UserPtr::new(path.wrapping_add(index * 2)).read(cx.k)?;
        if unit == 0 {
            break;
        }
        text.push(unit);
    }
    let found = load::uri_of(&text).and_then(|uri| {
        let bytes = load::read(cx.k, &uri)?;
        let faces = face::of_file(&bytes, &Source::File(uri), 0, false, cx.k.system_language());
        let face = Arc::new(faces.into_iter().next()?);
        let catalog = Catalog::default();
        let charset = matching::nearest(&catalog, &face, load::system_charset(cx.k));
        let asked = Font { height: HEIGHT, ..zerocopy::FromZeros::new_zeroed() };
        let font = realize::make(cx.k, &catalog, face, &asked, realize::STRAIGHT, charset)?;
        let units = font.outlines()?.units_per_em();
        Some((font.metrics()?.text, u32::from(units), font.family.clone()))
    });
    let Some((text, units, family)) = found else { return failed(error::INVALID_PARAMETER) };
    metrics.write(cx.k, text)?;
    square.write(cx.k, units)?;
    let family: Vec<u8> = family.into_iter().chain([0]).flat_map(u16::to_le_bytes).collect();
    cx.k.write_user(name, &family)?;
    done(true)
}

fn flags_of(flags: u32) -> u32 {
    origin::RESOURCE | if flags & PRIVATE != 0 { origin::PRIVATE } else { 0 }
}

/// NtGdiAddFontResourceW: how many fonts a file brought.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn add(cx: &Cx<'_>, name: u64, length: u32, _files: u32, flags: u32, _thread: u32, _design: u64) -> User {
    let Some(uri) = uri(cx, name, length)? else { return Ok(0) };
    let Some(bytes) = load::read(cx.k, &uri) else { return Ok(0) };
    let faces = face::of_file(&bytes, &Source::File(uri), flags_of(flags), true, cx.k.system_language());
    if faces.is_empty() {
        return Ok(0);
    }
    let count: u32 = cx.k.gdi.fonts.change(cx, |catalog| faces.into_iter().map(|face| catalog.add(face)).sum());
    Ok(count.into())
}

/// NtGdiRemoveFontResourceW.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn remove(cx: &Cx<'_>, name: u64, length: u32, _files: u32, flags: u32, _thread: u32, _design: u64) -> User {
    let Some(uri) = uri(cx, name, length)? else { return done(false) };
    let flags = flags_of(flags);
    let is_meant = |face: &face::Face| {
        face.flags == flags && matches!(&face.source, Source::File(of) if of.eq_ignore_ascii_case(&uri))
    };
    done(cx.k.gdi.fonts.change(cx, |catalog| catalog.remove(is_meant)) != 0)
}

/// NtGdiAddFontMemResourceEx: a handle, and how many fonts there are.
///
/// # Errors
/// None; the answer is 0, and the last error says why.
pub fn add_memory(cx: &Cx<'_>, bytes: u64, size: u32, _design: u64, _length: u32, count: UserPtr<u32>) -> User {
    if bytes == 0 || size == 0 || count.is_null() {
        return failed(error::INVALID_PARAMETER);
    }
    if size > LARGEST {
        return failed(error::NOT_ENOUGH_MEMORY);
    }
    let bytes = Arc::new(UserSlice::new(bytes, size.into()).read_all(cx.k)?);
    let number = cx.k.gdi.fonts.number();
    let source = Source::Memory(bytes.clone(), number);
    let flags = origin::RESOURCE | origin::MEMORY;
    let faces = face::of_file(&bytes, &source, flags, true, cx.k.system_language());
    if faces.is_empty() {
        return Ok(0);
    }
    let added: u32 = cx.k.gdi.fonts.change(cx, |catalog| faces.into_iter().map(|face| catalog.add(face)).sum());
    if count.write(cx.k, added).is_err() {
        forget(cx, number);
        return Ok(0);
    }
    Ok(HANDLE | u64::from(number))
}

fn forget(cx: &Cx<'_>, number: u32) -> bool {
    let is_meant = |face: &face::Face| matches!(&face.source, Source::Memory(_, of) if *of == number);
    cx.k.gdi.fonts.change(cx, |catalog| catalog.remove(is_meant)) != 0
}

/// NtGdiRemoveFontMemResourceEx. Wine says that it did, whatever it was given.
///
/// # Errors
/// None.
pub fn remove_memory(cx: &Cx<'_>, font: u64) -> User {
    if font & !u64::from(u32::MAX) == HANDLE {
        forget(cx, font as u32);
    }
    done(true)
}
