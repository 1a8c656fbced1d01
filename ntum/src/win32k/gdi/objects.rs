//! Calls about objects of any kind.

use super::User;
use super::handles::{Object, kind};
use super::{dc, dib, done, error, failed};
use crate::call::{Call, Cx};
use zerocopy::IntoBytes;

/// System calls about objects.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiDeleteObjectApp(object: u32) => delete, Done;
    NtGdiExtGetObjectW(object: u32, count: i32, buffer: u64) => describe, Done;
    NtGdiCreateClientObj(kind: u32) => create_client, Done;
    NtGdiDeleteClientObj(object: u32) => delete_client, Done;
};

/// Bytes of EXTLOGPEN with one entry.
const EXTENDED_PEN: usize = 32;

/// NtGdiDeleteObjectApp. A window's own device context stays, and that is no failure.
///
/// # Errors
/// None; the answer is FALSE.
pub fn delete(cx: &Cx<'_>, object: u32) -> User {
    let handles = &cx.k.gdi.handles;
    done(match handles.kind(object) {
        Some(kind::DC | kind::MEMORY_DC | kind::ENHANCED_METAFILE_DC) => {
            let handle = handles.full(object);
            !crate::win32k::user::dce::may_delete(cx, handle) || dc::delete(cx, handle)
        }
        _ => handles.delete(cx.k, object),
    })
}

/// NtGdiExtGetObjectW: what an object is like, and how many bytes that has.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn describe(cx: &Cx<'_>, object: u32, count: i32, buffer: u64) -> User {
    let Some(object) = cx.k.gdi.handles.get(object) else { return Ok(0) };
    if buffer != 0 && buffer < 0x1_0000 {
        // Arguments in the wrong order.
        return failed(error::NOACCESS);
    }
    let room = count.max(0) as usize;
    // Those that are told in part, and those that need room for all.
    let (bytes, whole) = match &object {
        Object::Brush(brush) => (brush.describe().to_vec(), false),
        Object::Font(font) => (font.as_bytes().to_vec(), false),
        Object::Palette(palette) => ((palette.0.lock().len() as u16).to_le_bytes().to_vec(), false),
        Object::Bitmap(bitmap) => match &bitmap.section {
            Some(section) if buffer != 0 && room >= 104 => (dib::describe(bitmap, section), true),
            Some(section) => (bitmap.describe(section.bits).to_vec(), true),
            None => (bitmap.describe(0).to_vec(), true),
        },
        Object::Pen(pen) if pen.extended => (pen.describe(), true),
        Object::Pen(pen) => {
            let mut extended = pen.describe();
            // sizeof(EXTLOGPEN), with one entry: what is asked for the null pen.
            if pen.style == super::pen::style::NULL && room == EXTENDED_PEN && buffer != 0 {
                extended.resize(EXTENDED_PEN, 0);
                extended[4..8].fill(0);
                (extended, true)
            } else {
                let words = [pen.style, pen.width, 0, pen.brush.color];
                (words.as_bytes().to_vec(), true)
            }
        }
        Object::Dc(_) | Object::Region(_) | Object::Client => return Ok(0),
    };
    if buffer == 0 {
        return Ok(u64::from(bytes.len() as u32));
    }
    if whole && room < bytes.len() {
        return Ok(0);
    }
    let bytes = bytes.get(..room.min(bytes.len())).unwrap_or_default();
    cx.k.write_user(buffer, bytes)?;
    Ok(u64::from(bytes.len() as u32))
}

/// NtGdiCreateClientObj: a handle for what gdi32 keeps itself.
///
/// # Errors
/// None; the answer is 0.
pub fn create_client(cx: &Cx<'_>, kind: u32) -> User {
    let kind = (kind >> 16) as u8 & 0x7f;
    if kind & 0x1f == 0 {
        return Ok(0);
    }
    Ok(u64::from(cx.k.gdi.handles.add(cx.k, kind, Object::Client)))
}

/// NtGdiDeleteClientObj.
///
/// # Errors
/// None; the answer is FALSE.
pub fn delete_client(cx: &Cx<'_>, object: u32) -> User {
    let handles = &cx.k.gdi.handles;
    let client = matches!(handles.get(object), Some(Object::Client));
    done(client && handles.take(cx.k, object).is_some())
}
