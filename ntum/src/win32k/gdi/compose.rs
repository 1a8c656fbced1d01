//! Calls that lay images over one another: AlphaBlend, TransparentBlt, GradientFill.

use super::User;
use super::blit::{Area, conversion, cut};
use super::dc::Work;
use super::format::{Conversion, Format};
use super::header::BITFIELDS;
use super::raster::blend::{self, Blend};
use super::raster::gradient::{Corner, Gradient};
use super::raster::stretch;
use super::region::Region;
use super::surface::{Pixels, Surface};
use super::{answer, done, error, failed, with_two};
use crate::call::{Call, Cx};
use crate::status::*;
use crate::um::{UserPtr, UserSlice};
use crate::win32k::geometry::{Point, Rect};
use std::sync::Arc;

/// System calls about images over images.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiAlphaBlend(dc: u32, x: i32, y: i32, width: i32, height: i32, from: u32, from_x: i32, from_y: i32, from_width: i32, from_height: i32, blend: u32, transform: u64) => alpha_blend, Done;
    NtGdiTransparentBlt(dc: u32, x: i32, y: i32, width: i32, height: i32, from: u32, from_x: i32, from_y: i32, from_width: i32, from_height: i32, color: u32) => transparent, Done;
    NtGdiGradientFill(dc: u32, corners: u64, count: u32, meshes: u64, mesh_count: u32, mode: u32) => gradient_fill, Done;
};

/// AC_SRC_ALPHA, in the highest byte of a BLENDFUNCTION.
const SOURCE_ALPHA: u32 = 1 << 24;

/// What is seen of a DC's area: its surface, where its pixels lie there, and its background.
struct Source {
    area: Area,
    surface: Arc<Surface>,
    origin: Point,
    background: u32,
    fits: bool,
}

fn source(work: &Work<'_>, x: i32, y: i32, width: i32, height: i32) -> Option<Source> {
    let area = Area::of(work, x, y, width, height, false);
    let surface = work.state.surface.clone()?;
    let device = work.device_rect();
    let positive = area.x >= 0 && area.y >= 0 && area.width >= 0 && area.height >= 0 && width >= 0 && height >= 0;
    let within =
        device.is_none_or(|device| area.width <= device.right - area.x && area.height <= device.bottom - area.y);
    let seen = work.on_device(&area.bounds()).unwrap_or_default();
    Some(Source {
        area: Area { seen, ..area },
        surface,
        origin: work.state.origin,
        background: work.attr.background_color,
        fits: positive && within,
    })
}

/// Loads what is seen of a source in another format, as large as it will be drawn; answers its pixels and where they lie.
fn load(work: &Work<'_>, source: &Source, to: Area, wanted: &Format, mode: u16, mono: bool) -> Nt<(Pixels, i32, i32)> {
    let (area, origin) = (source.area, source.origin);
    let mut pixels = source.surface.open(work.k).load_all(&area.seen.offset(origin.x, origin.y))?;
    let from = source.surface.format();
    let background = mono.then_some(source.background);
    let mut change = match mono {
        true => conversion(&from, wanted, work, background),
        false => Conversion::new(&from, wanted),
    };
    change.apply(pixels.values_mut());
    if to.width == area.width && to.height == area.height {
        let (left, top) = (to.x - area.x + area.seen.left, to.y - area.y + area.seen.top);
        return Ok((pixels, left, top));
    }
    let axes = |area: &Area| {
        let columns = stretch::Axis { start: area.x, length: area.width, seen: area.seen.left..area.seen.right };
        (columns, stretch::Axis { start: area.y, length: area.height, seen: area.seen.top..area.seen.bottom })
    };
    let ((to_x, to_y), (from_x, from_y)) = (axes(&to), axes(&area));
    stretch::stretch(&pixels, (area.seen.left, area.seen.top), (&to_x, &to_y), (&from_x, &from_y), mode)
}

/// NtGdiAlphaBlend.
///
/// # Errors
/// None; the answer is FALSE, and the last error may say why.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn alpha_blend(
    cx: &Cx<'_>,
    dc: u32,
    x: i32,
    y: i32,
    width: i32,
    height: i32,
    from: u32,
    from_x: i32,
    from_y: i32,
    from_width: i32,
    from_height: i32,
    function: u32,
    _transform: u64,
) -> User {
    let [_, _, constant, _] = function.to_le_bytes();
    let blend = Blend { constant, own: function & SOURCE_ALPHA != 0 };
    let drawn = with_two(cx, dc, from, |work, other| {
        let source = source(other.as_deref().unwrap_or(work), from_x, from_y, from_width, from_height);
        let Some(mut source) = source else { return Ok(true) };
        let mut to = Area::of(work, x, y, width, height, false);
        if !source.fits || width < 0 || height < 0 {
            return Ok(false);
        }
        let same = Arc::ptr_eq(&source.surface, work.state.surface.as_ref().unwrap_or(&source.surface));
        let overlaps = other.is_none() && same && source.area.bounds().intersect(&to.bounds()).is_some();
        if overlaps {
            return Ok(false);
        }
        let format = source.surface.format();
        let plain = format.depth == 32 && format.masks == super::format::MASKS_888;
        // With alphas of its own, a source has 32 bits as usual.
        if blend.own && !plain {
            return Ok(false);
        }
        let Some(seen) = work.visible(&to.bounds()) else { return Ok(true) };
        to.seen = seen;
        if source.area.seen.is_empty() || !cut(&mut to, &mut source.area) {
            return Ok(true);
        }
        lay(work, &source, to, blend, !plain).map(|()| true)
    });
    match drawn {
        Some(Ok(true)) => done(true),
        Some(Ok(false)) => failed(error::INVALID_PARAMETER),
        _ => done(false),
    }
}

fn lay(work: &mut Work<'_>, source: &Source, to: Area, blend: Blend, opaque: bool) -> Nt<()> {
    let Some(target) = work.target_in(&to.seen) else { return Ok(()) };
    let (pixels, left, top) = load(work, source, to, &Format::bgrx(), stretch::DELETE, false)?;
    let seen = Rect::new(0, 0, pixels.width, pixels.height).offset(left, top);
    let region = work.clipped(&seen.intersect(&to.seen).unwrap_or_default());
    work.note_bounds(&region.bounds());
    let origin = work.state.origin;
    let mut opened = target.open(work.k);
    opened.damage(&region.bounds().offset(origin.x, origin.y));
    let format = opened.format.clone();
    let plain = format.depth == 32 && format.masks == super::format::MASKS_888;
    let mut back = Conversion::new(&Format::bgrx(), &format);
    if matches!(format.depth, 4) {
        // Blended colours are looked up by five bits in small tables, too.
        back = Conversion::Lookup(Format::bgrx(), (*format).clone(), Box::new([u16::MAX; 0x8000]));
    }
    let mut there = Conversion::new(&format, &Format::bgrx());
    let mut run = Vec::new();
    for rect in region.rects() {
        run.resize(rect.width().max(0) as usize, 0);
        for y in rect.top..rect.bottom {
            let above = pixels.part(rect.left - left, y - top, run.len());
            let at = (rect.left.wrapping_add(origin.x), y.wrapping_add(origin.y));
            opened.load(at.0, at.1, &mut run)?;
            if plain {
                blend::row(blend, &mut run, above, opaque);
            } else {
                there.apply(&mut run);
                blend::row(blend, &mut run, above, opaque);
                run.iter_mut().for_each(|pixel| *pixel &= 0xff_ffff);
                back.apply(&mut run);
            }
            opened.store(at.0, at.1, &run)?;
        }
    }
    Ok(())
}

/// NtGdiTransparentBlt: all but the pixels of one colour.
///
/// # Errors
/// None; the answer is FALSE.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn transparent(
    cx: &Cx<'_>,
    dc: u32,
    x: i32,
    y: i32,
    width: i32,
    height: i32,
    from: u32,
    from_x: i32,
    from_y: i32,
    from_width: i32,
    from_height: i32,
    color: u32,
) -> User {
    if width < 0 || height < 0 || from_width < 0 || from_height < 0 {
        return done(false);
    }
    let drawn = with_two(cx, dc, from, |work, other| {
        let source = source(other.as_deref().unwrap_or(work), from_x, from_y, from_width, from_height);
        let Some(mut source) = source else { return Ok(()) };
        let mut to = Area::of(work, x, y, width, height, false);
        to.seen = to.bounds();
        if source.area.seen.is_empty() || !cut(&mut to, &mut source.area) {
            return Ok(());
        }
        let Some(target) = work.target_in(&to.seen) else { return Ok(()) };
        let format = target.format();
        // Bitmaps of the device have no alphas: 24 bits are what is copied.
        let device = work.state.bitmap.1.section.is_none() && format.depth == 32;
        let wanted = if device { Format::new(24, None, None) } else { (*format).clone() };
        let (pixels, left, top) = load(work, &source, to, &wanted, stretch::DELETE, true)?;
        let left_out = work.pixel_of(&wanted, color, false);
        let seen = Rect::new(0, 0, pixels.width, pixels.height).offset(left, top);
        let region = work.clipped(&seen);
        work.note_bounds(&region.bounds());
        let origin = work.state.origin;
        let mut opened = target.open(work.k);
        opened.damage(&region.bounds().offset(origin.x, origin.y));
        // By masks of white and black, as it is documented: so bits that no colour has are lost.
        let both = |format: &Format| (format.pixel(0xff_ffff), format.pixel(0));
        let ((white, black), (over_white, over_black)) = (both(&format), both(&wanted));
        let mut back = Conversion::new(&wanted, &format);
        let mut run = Vec::new();
        for rect in region.rects() {
            run.resize(rect.width().max(0) as usize, 0);
            for y in rect.top..rect.bottom {
                opened.load(rect.left.wrapping_add(origin.x), y.wrapping_add(origin.y), &mut run)?;
                let mut above = pixels.part(rect.left - left, y - top, run.len()).to_vec();
                for (pixel, above) in run.iter_mut().zip(&mut above) {
                    let (over, below) = if *above == left_out { (over_black, white) } else { (over_white, black) };
                    *pixel &= below;
                    *above &= over;
                }
                back.apply(&mut above);
                run.iter_mut().zip(&above).for_each(|(pixel, above)| *pixel |= above);
                opened.store(rect.left.wrapping_add(origin.x), y.wrapping_add(origin.y), &run)?;
            }
        }
        Ok::<(), Status>(())
    });
    done(matches!(drawn, Some(Ok(()))))
}

/// Corners or meshes of a gradient at most.
const MOST: u32 = 1 << 20;
/// GRADIENT_FILL_RECT_V and GRADIENT_FILL_TRIANGLE.
const DOWN: u32 = 1;
const TRIANGLE: u32 = 2;

/// NtGdiGradientFill.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn gradient_fill(cx: &Cx<'_>, dc: u32, corners: u64, count: u32, meshes: u64, mesh_count: u32, mode: u32) -> User {
    if corners == 0 || meshes == 0 || count == 0 || mesh_count == 0 || mode > TRIANGLE {
        return failed(error::INVALID_PARAMETER);
    }
    if count > MOST || mesh_count > MOST {
        return done(false);
    }
    // TRIVERTEX: place and colour.
    let raw = UserSlice::new(corners, u64::from(count) * 16).read_all(cx.k)?;
    let each = if mode == TRIANGLE { 3 } else { 2 };
    let meshes = UserPtr::<u32>::new(meshes).read_vec(cx.k, mesh_count as usize * each)?;
    if meshes.iter().any(|corner| *corner >= count) {
        return done(false);
    }
    answer(cx, dc, |work| {
        let corner = |bytes: &[u8]| {
            let word = |at: usize| bytes.get(at..at + 4).map_or([0; 4], |word| [word[0], word[1], word[2], word[3]]);
            let part = |at: usize| bytes.get(at..at + 2).map_or(0, |part| u16::from_le_bytes([part[0], part[1]]));
            let at = Point::new(i32::from_le_bytes(word(0)), i32::from_le_bytes(word(4)));
            Corner { at: work.device_point(at), color: [part(8), part(10), part(12), part(14)] }
        };
        let mut corners: Vec<_> = raw.chunks_exact(16).map(corner).collect();
        // Windows leaves the alpha of a DIB out whose header has masks.
        let section = work.state.bitmap.1.section.as_ref().filter(|_| work.dc.in_memory());
        if section.is_some_and(|section| section.header.compression == BITFIELDS && section.header.depth == 32) {
            corners.iter_mut().for_each(|corner| corner.color[3] = 0);
        }
        let mut all = true;
        for mesh in meshes.chunks_exact(each) {
            let corner = |index: usize| {
                mesh.get(index).and_then(|corner| corners.get(*corner as usize)).copied().unwrap_or_default()
            };
            let gradient = match mode {
                TRIANGLE => Gradient::triangle(corner(0), corner(1), corner(2)),
                _ => Some(Gradient::between(corner(0), corner(1), mode == DOWN)),
            };
            match gradient {
                Some(gradient) => all &= paint(work, &gradient).is_ok(),
                // Its corners lie on a line: a fault unless there is nothing to be filled at all.
                None => {
                    let [a, b, c] = [corner(0).at, corner(1).at, corner(2).at];
                    let empty = a.x == b.x && b.x == c.x || a.y == b.y && b.y == c.y;
                    all &= empty;
                }
            }
        }
        all.into()
    })
}

/// Fills a rectangle with one colour on its left that becomes another on its right: COLORREFs.
pub fn shade(cx: &Cx<'_>, dc: u32, rect: &Rect, left: u32, right: u32) {
    let part = |color: u32, shift: u32| ((color >> shift) as u16 & 0xff) << 8;
    let color = |color: u32| [part(color, 0), part(color, 8), part(color, 16), 0xff00];
    super::with(cx, dc, |work| {
        let from = Corner { at: work.device_point(Point::new(rect.left, rect.top)), color: color(left) };
        let to = Corner { at: work.device_point(Point::new(rect.right, rect.bottom)), color: color(right) };
        // Memory that the guest took away shows nothing.
        paint(work, &Gradient::between(from, to, false))
    });
}

fn paint(work: &mut Work<'_>, gradient: &Gradient) -> Nt<()> {
    let Some(target) = work.target_in(&gradient.bounds()) else { return Ok(()) };
    let region: Region = work.clipped(&gradient.bounds());
    work.note_bounds(&region.bounds());
    let origin = work.state.origin;
    let mut opened = target.open(work.k);
    opened.damage(&region.bounds().offset(origin.x, origin.y));
    let format = opened.format.clone();
    let mut run = Vec::new();
    for rect in region.rects() {
        for y in rect.top..rect.bottom {
            let (left, right) = gradient.columns(y);
            let (left, right) = (left.max(rect.left), right.min(rect.right));
            if left >= right {
                continue;
            }
            run.clear();
            run.extend((left..right).map(|x| gradient.pixel(&format, x, y)));
            opened.store(left.wrapping_add(origin.x), y.wrapping_add(origin.y), &run)?;
        }
    }
    Ok(())
}
