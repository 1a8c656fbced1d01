//! Palettes, and colour tables through NtGdiDoPalette.

use super::User;
use super::format::{SYSTEM_COLORS, default_colors, nearest, swapped};
use super::handles::{Object, kind};
use super::{answer, done};
use crate::call::{Call, Cx};
use crate::kernel::Kernel;
use crate::um::{UserPtr, UserSlice};
use parking_lot::Mutex;
use std::sync::Arc;

/// System calls about palettes.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiCreatePaletteInternal(palette: u64, count: u32) => create, Done;
    NtGdiCreateHalftonePalette(dc: u32) => create_halftone, Done;
    NtGdiResizePalette(palette: u32, count: u32) => resize, Done;
    NtGdiDoPalette(object: u32, start: u16, count: u16, entries: u64, function: u32, inbound: u32) => do_palette, Done;
    NtGdiGetNearestPaletteIndex(palette: u32, color: u32) => nearest_index, Done;
    NtGdiGetNearestColor(dc: u32, color: u32) => nearest_color, Done;
    NtGdiGetSystemPaletteUse(dc: u32) => system_use, Done;
    NtGdiSetSystemPaletteUse(dc: u32, wanted: u32) => set_system_use, Done;
    NtGdiUnrealizeObject(object: u32) => unrealize, Done;
    NtGdiUpdateColors(dc: u32) => update_colors, Done;
    NtGdiSetMagicColors(dc: u32, magic: u32, index: u32) => set_magic_colors, Done;
    NtUserSelectPalette(dc: u32, palette: u32, background: u32) => select, Done;
};

/// Entries of a palette: PALETTEENTRY, as it lies in memory: red, green, blue, flags.
pub struct Palette(pub Mutex<Vec<u32>>);

/// Entries of a palette at most.
const MOST: u32 = 0xffff;
/// PC_RESERVED, in an entry.
const RESERVED: u32 = 1 << 24;
/// SYSPAL_STATIC, and that devices have no palette of their own.
const SYSPAL_STATIC: u32 = 1;
const SYSPAL_ERROR: u32 = 0;

impl Palette {
    /// The palette that a DC begins with.
    pub fn system() -> Palette {
        Palette(Mutex::new(SYSTEM_COLORS.map(swapped).to_vec()))
    }

    /// An entry's colour, 0x00RRGGBB; of the first one if there is no such entry.
    pub fn color(&self, index: u16) -> u32 {
        let entries = self.0.lock();
        swapped(entries.get(usize::from(index)).or(entries.first()).copied().unwrap_or(0))
    }
}

fn add(k: &Kernel, entries: Vec<u32>) -> User {
    Ok(u64::from(k.gdi.handles.add(k, kind::PALETTE, Object::Palette(Arc::new(Palette(Mutex::new(entries)))))))
}

/// NtGdiCreatePaletteInternal: a palette of a LOGPALETTE.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn create(cx: &Cx<'_>, palette: u64, count: u32) -> User {
    if palette == 0 || count > MOST {
        return Ok(0);
    }
    let entries = UserPtr::<u32>::new(palette.wrapping_add(4)).read_vec(cx.k, count as usize)?;
    add(cx.k, entries)
}

/// NtGdiCreateHalftonePalette.
///
/// # Errors
/// None.
pub fn create_halftone(cx: &Cx<'_>, _dc: u32) -> User {
    add(cx.k, default_colors(8).into_iter().map(swapped).collect())
}

/// NtGdiResizePalette: new entries are zeros.
///
/// # Errors
/// None; the answer is FALSE.
pub fn resize(cx: &Cx<'_>, palette: u32, count: u32) -> User {
    let palette = cx.k.gdi.handles.palette(palette).filter(|_| count <= MOST);
    let Some(palette) = palette else { return done(false) };
    palette.0.lock().resize(count as usize, 0);
    done(true)
}

/// Functions of NtGdiDoPalette.
mod function {
    pub const ANIMATE: u32 = 0;
    pub const SET: u32 = 1;
    pub const GET: u32 = 2;
    pub const GET_SYSTEM: u32 = 3;
    pub const GET_COLOR_TABLE: u32 = 4;
    pub const SET_COLOR_TABLE: u32 = 5;
}

/// NtGdiDoPalette: how many entries it was about.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn do_palette(
    cx: &Cx<'_>,
    object: u32,
    start: u16,
    count: u16,
    entries: u64,
    function: u32,
    _inbound: u32,
) -> User {
    let (start, count) = (usize::from(start), usize::from(count));
    match function {
        function::GET_COLOR_TABLE => return get_color_table(cx, object, start, count, entries),
        function::SET_COLOR_TABLE => return set_color_table(cx, object, start, count, entries),
        function::GET_SYSTEM => return Ok(0),
        _ => {}
    }
    let handles = &cx.k.gdi.handles;
    let Some(palette) = handles.palette(object) else { return Ok(0) };
    let is_default = handles.full(object) == handles.stock(super::stock::DEFAULT_PALETTE);
    let length = palette.0.lock().len();
    let range = start..length.min(start + count);
    match function {
        function::GET => {
            if count == 0 {
                return Ok(u64::from(length as u32));
            }
            if entries == 0 {
                return Ok(u64::from(length.min(start + count).wrapping_sub(start) as u32));
            }
            let found = palette.0.lock().get(range).unwrap_or_default().to_vec();
            cx.k.write_user(entries, zerocopy::IntoBytes::as_bytes(found.as_slice()))?;
            Ok(u64::from(found.len() as u32))
        }
        function::SET | function::ANIMATE => {
            let animate = function == function::ANIMATE;
            if is_default {
                return done(animate);
            }
            if range.is_empty() {
                return done(false);
            }
            let new = UserPtr::<u32>::new(entries).read_vec(cx.k, range.len())?;
            let mut held = palette.0.lock();
            for (entry, new) in held.get_mut(range).unwrap_or_default().iter_mut().zip(&new) {
                if !animate || *entry & RESERVED != 0 {
                    *entry = *new;
                }
            }
            Ok(u64::from(if animate { 1 } else { new.len() as u32 }))
        }
        _ => Ok(0),
    }
}

fn get_color_table(cx: &Cx<'_>, dc: u32, start: usize, count: usize, entries: u64) -> User {
    let found = super::with(cx, dc, |work| {
        let format = work.state.bitmap.1.surface.format();
        let colors = format.colors.as_deref().unwrap_or_default();
        colors.get(start..colors.len().min(start + count)).unwrap_or_default().to_vec()
    });
    let found = found.unwrap_or_default();
    cx.k.write_user(entries, zerocopy::IntoBytes::as_bytes(found.as_slice()))?;
    Ok(u64::from(found.len() as u32))
}

fn set_color_table(cx: &Cx<'_>, dc: u32, start: usize, count: usize, entries: u64) -> User {
    let new = UserSlice::new(entries, count as u64 * 4).read_all(cx.k)?;
    answer(cx, dc, |work| {
        let surface = &work.state.bitmap.1.surface;
        let format = surface.format();
        let Some(colors) = &format.colors else { return 0 };
        let mut colors = colors.to_vec();
        let mut changed = 0;
        for (color, new) in colors.get_mut(start..).unwrap_or_default().iter_mut().zip(new.chunks_exact(4)) {
            *color = u32::from_le_bytes([new[0], new[1], new[2], 0]);
            changed += 1;
        }
        surface.set_colors(colors);
        changed
    })
}

/// NtGdiGetNearestPaletteIndex.
///
/// # Errors
/// None.
pub fn nearest_index(cx: &Cx<'_>, palette: u32, color: u32) -> User {
    let palette = cx.k.gdi.handles.palette(palette);
    Ok(u64::from(palette.map_or(0, |palette| nearest(&palette.0.lock(), color))))
}

/// NtGdiGetNearestColor: the devices there are have all colours.
///
/// # Errors
/// None; the answer is CLR_INVALID if there is no such DC.
pub fn nearest_color(cx: &Cx<'_>, dc: u32, color: u32) -> User {
    let nearest = super::with(cx, dc, |work| {
        let format = work.state.bitmap.1.surface.format();
        if work.state.surface.is_none() || !work.dc.in_memory() {
            return color;
        }
        swapped(format.color(work.pixel_of(&format, color, false)))
    });
    Ok(u64::from(nearest.unwrap_or(u32::MAX)))
}

/// NtGdiGetSystemPaletteUse.
///
/// # Errors
/// None.
pub fn system_use(_: &Cx<'_>, _dc: u32) -> User {
    Ok(u64::from(SYSPAL_STATIC))
}

/// NtGdiSetSystemPaletteUse: no device has a palette.
///
/// # Errors
/// None.
pub fn set_system_use(_: &Cx<'_>, _dc: u32, _wanted: u32) -> User {
    Ok(u64::from(SYSPAL_ERROR))
}

/// NtGdiUnrealizeObject: nothing was realized; whether there is such an object that could be.
///
/// # Errors
/// None.
pub fn unrealize(cx: &Cx<'_>, object: u32) -> User {
    done(matches!(cx.k.gdi.handles.get(object), Some(object) if !matches!(object, Object::Client)))
}

/// NtGdiUpdateColors: no device has a palette.
///
/// # Errors
/// None.
pub fn update_colors(_: &Cx<'_>, _dc: u32) -> User {
    done(false)
}

/// NtGdiSetMagicColors: no device has colours of its own to be set aside.
///
/// # Errors
/// None.
pub fn set_magic_colors(_: &Cx<'_>, _dc: u32, _magic: u32, _index: u32) -> User {
    done(true)
}

/// NtUserSelectPalette: the palette that was selected.
///
/// # Errors
/// None; the answer is 0.
pub fn select(cx: &Cx<'_>, dc: u32, palette: u32, _background: u32) -> User {
    let handle = cx.k.gdi.handles.full(palette);
    let Some(palette) = cx.k.gdi.handles.palette(handle) else { return Ok(0) };
    answer(cx, dc, |work| core::mem::replace(&mut work.state.palette, (handle, palette)).0)
}
