//! Images through a mask of one bit: MaskBlt and PlgBlt.

use super::User;
use super::bitmap::Bitmap;
use super::blit::{self, Area, Rows, conversion};
use super::dc::Work;
use super::format::Conversion;
use super::raster::rop;
use super::region::{Mode, Region};
use super::surface::{Pixels, Surface};
use super::{done, error, failed, with, with_two};
use crate::call::{Call, Cx};
use crate::status::*;
use crate::um::UserPtr;
use crate::win32k::geometry::{Point, Rect};
use std::sync::Arc;

/// System calls about masked images.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiMaskBlt(dc: u32, x: i32, y: i32, width: i32, height: i32, from: u32, from_x: i32, from_y: i32, mask: u32, mask_x: i32, mask_y: i32, rop: u32, background: u32) => masked, Done;
    NtGdiPlgBlt(dc: u32, corners: UserPtr<[Point; 3]>, from: u32, from_x: i32, from_y: i32, width: i32, height: i32, mask: u32, mask_x: i32, mask_y: i32, background: u32) => parallelogram, Done;
};

/// SRCCOPY.
const SRCCOPY: u32 = 0xcc_0020;

/// The bits of a mask; it is repeated where it ends.
struct Mask {
    pixels: Pixels,
}

impl Mask {
    fn load(cx: &Cx<'_>, bitmap: &Bitmap) -> Nt<Mask> {
        let surface = &bitmap.surface;
        let area = surface.area();
        Ok(Mask { pixels: surface.open(cx.k).load_all(&area)? })
    }

    fn is_set(&self, x: i32, y: i32) -> bool {
        let x = x.rem_euclid(self.pixels.width.max(1));
        self.pixels.get(x, y.rem_euclid(self.pixels.height.max(1))) != 0
    }
}

/// A mask's bits as a region of the device: the area's first pixel has the mask's at `first`.
fn region_of(mask: &Mask, area: &Area, seen: &Rect, size: (i32, i32), first: Point) -> Region {
    let place = |at: i32, start: i32, length: i32, logical: i32| {
        let along = i64::from(at) - i64::from(start);
        let along = if length < 0 { -along } else { along };
        let length = i64::from(length).abs().max(1);
        (along * i64::from(logical).abs() / length) as i32
    };
    let mut rects = Vec::new();
    for y in seen.top..seen.bottom {
        let row = first.y.wrapping_add(place(y, area.y, area.height, size.1));
        let mut begin = None;
        for x in seen.left..=seen.right {
            let column = first.x.wrapping_add(place(x, area.x, area.width, size.0));
            let set = x < seen.right && mask.is_set(column, row);
            match (set, begin) {
                (true, None) => begin = Some(x),
                (false, Some(left)) => {
                    rects.push(Rect::new(left, y, x, y + 1));
                    begin = None;
                }
                _ => {}
            }
        }
    }
    Region::of(&rects)
}

/// NtGdiMaskBlt: where the mask is set the ROP4's lower ROP3 counts, elsewhere the upper one.
///
/// # Errors
/// None; the answer is FALSE.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn masked(
    cx: &Cx<'_>,
    dc: u32,
    x: i32,
    y: i32,
    width: i32,
    height: i32,
    from: u32,
    from_x: i32,
    from_y: i32,
    mask: u32,
    mask_x: i32,
    mask_y: i32,
    rop: u32,
    background: u32,
) -> User {
    let front = rop & 0xff_ffff;
    if mask == 0 {
        return blit::copy(cx, dc, x, y, width, height, from, from_x, from_y, front, background, 0);
    }
    let Some(bitmap) = cx.k.gdi.handles.bitmap(mask) else { return failed(error::INVALID_HANDLE) };
    if bitmap.surface.format().depth != 1 {
        return failed(error::INVALID_PARAMETER);
    }
    let Ok(mask) = Mask::load(cx, &bitmap) else { return done(false) };
    let region = with(cx, dc, |work| {
        let area = Area::of(work, x, y, width, height, false);
        let seen = work.visible(&area.bounds())?;
        Some((region_of(&mask, &area, &seen, (width, height), Point::new(mask_x, mask_y)), seen))
    });
    let Some(region) = region else { return done(false) };
    let Some((set, seen)) = region else { return done(true) };
    let clear = Region::from(seen).combine(&set, Mode::Diff);
    let mut all = true;
    // The low word of a ROP3 says how it is computed, which nobody asks for.
    for (part, operation) in [(set, front), (clear, rop >> 24 << 16)] {
        let clip = with(cx, dc, |work| {
            let before = work.state.clip.clone();
            work.state.clip = Some(before.as_ref().map_or(part.clone(), |clip| clip.combine(&part, Mode::And)));
            work.update_clipping();
            before
        });
        let drawn = blit::copy(cx, dc, x, y, width, height, from, from_x, from_y, operation, background, 0);
        all &= matches!(drawn, Ok(1));
        with(cx, dc, |work| {
            work.state.clip = clip.flatten();
            work.update_clipping();
        });
    }
    done(all)
}

/// Where the corners of an image come to lie, as a way back: from a place of the device to one of the image.
struct Way {
    corner: (f64, f64),
    /// Columns and rows of the image for a pixel to the right, and for one down.
    right: (f64, f64),
    down: (f64, f64),
}

impl Way {
    /// For an image of that size; `None` where the corners lie on a line.
    fn of([corner, right, below]: [Point; 3], size: (i32, i32)) -> Option<Way> {
        let place = |point: Point| (f64::from(point.x), f64::from(point.y));
        let (corner, right, below) = (place(corner), place(right), place(below));
        let (ux, uy) = (right.0 - corner.0, right.1 - corner.1);
        let (vx, vy) = (below.0 - corner.0, below.1 - corner.1);
        let determinant = ux * vy - uy * vx;
        if determinant.abs() < 1e-5 {
            return None;
        }
        let (width, height) = (f64::from(size.0) / determinant, f64::from(size.1) / determinant);
        Some(Way { corner, right: (vy * width, -uy * height), down: (-vx * width, ux * height) })
    }

    fn back(&self, x: i32, y: i32) -> (i32, i32) {
        let (x, y) = (f64::from(x) + 0.5 - self.corner.0, f64::from(y) + 0.5 - self.corner.1);
        let column = x * self.right.0 + y * self.down.0;
        let row = x * self.right.1 + y * self.down.1;
        (column.floor() as i32, row.floor() as i32)
    }
}

/// What is copied: the pixels of an image that are there, where they begin in it, and the mask.
struct Image {
    surface: Arc<Surface>,
    origin: Point,
    area: Area,
    background: u32,
}

fn put(work: &mut Work<'_>, corners: [Point; 3], image: &Image, mask: Option<(&Mask, Point)>) -> Nt<bool> {
    work.ready_format();
    let area = image.area;
    let size = (area.width.saturating_abs(), area.height.saturating_abs());
    let corners = corners.map(|corner| work.device_point(corner));
    let Some(way) = Way::of(corners, size) else { return Ok(false) };
    let [corner, right, below] = corners;
    let last = Point::new(
        right.x.wrapping_add(below.x).wrapping_sub(corner.x),
        right.y.wrapping_add(below.y).wrapping_sub(corner.y),
    );
    let all = [corner, right, below, last];
    let bounds = Rect::new(
        all.iter().map(|at| at.x).min().unwrap_or(0),
        all.iter().map(|at| at.y).min().unwrap_or(0),
        all.iter().map(|at| at.x).max().unwrap_or(0).wrapping_add(1),
        all.iter().map(|at| at.y).max().unwrap_or(0).wrapping_add(1),
    );
    let Some(seen) = work.visible(&bounds) else { return Ok(true) };
    let mut source = image.surface.open(work.k).load_all(&area.seen.offset(image.origin.x, image.origin.y))?;
    let Some(surface) = work.drawn_on() else { return Ok(true) };
    conversion(&image.surface.format(), &surface.format(), work, Some(image.background)).apply(source.values_mut());
    let first = area.bounds();
    let (left, top) = (area.seen.left - first.left, area.seen.top - first.top);
    let mut pixels = Pixels::new(seen.width(), seen.height())?;
    let mut rects = Vec::new();
    for (row, y) in pixels.rows_mut().zip(seen.top..) {
        for (pixel, x) in row.iter_mut().zip(seen.left..) {
            let (column, line) = way.back(x, y);
            let there = (0..size.0).contains(&column) && (0..size.1).contains(&line);
            let (at_x, at_y) = (column.wrapping_sub(left), line.wrapping_sub(top));
            let loaded = (0..source.width).contains(&at_x) && (0..source.height).contains(&at_y);
            let drawn =
                mask.is_none_or(|(mask, first)| mask.is_set(first.x.wrapping_add(column), first.y.wrapping_add(line)));
            if there && loaded && drawn {
                *pixel = source.get(at_x, at_y);
                rects.push(Rect::new(x, y, x + 1, y + 1));
            }
        }
    }
    let region = work.clipped(&seen).combine(&Region::of(&rects), Mode::And);
    let Some(target) = work.target_in(&seen) else { return Ok(true) };
    let mut opened = target.open(work.k);
    let mut rows = Rows::Ready(&pixels, seen.left, seen.top);
    let copy = (SRCCOPY >> 16) as u8;
    debug_assert!(!rop::uses_pattern(copy));
    blit::draw(work, &mut opened, &region, &mut rows, &mut Conversion::Same, copy)?;
    Ok(true)
}

/// NtGdiPlgBlt: the image's upper left, upper right and lower left corners come to lie at three points.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn parallelogram(
    cx: &Cx<'_>,
    dc: u32,
    corners: UserPtr<[Point; 3]>,
    from: u32,
    from_x: i32,
    from_y: i32,
    width: i32,
    height: i32,
    mask: u32,
    mask_x: i32,
    mask_y: i32,
    _background: u32,
) -> User {
    let corners = corners.read(cx.k)?;
    let mask = match mask {
        0 => None,
        mask => {
            let bitmap = cx.k.gdi.handles.bitmap(mask).filter(|bitmap| bitmap.surface.format().depth == 1);
            let Some(bitmap) = bitmap else { return failed(error::INVALID_PARAMETER) };
            Some(Mask::load(cx, &bitmap)?)
        }
    };
    let drawn = with_two(cx, dc, from, |work, other| {
        let image = {
            let source = other.as_deref().unwrap_or(work);
            let area = Area::of(source, from_x, from_y, width, height, false);
            let Some(seen) = source.on_device(&area.bounds()) else { return Ok(true) };
            let Some(surface) = source.state.surface.clone() else { return Ok(true) };
            let background = source.attr.background_color;
            Image { surface, origin: source.state.origin, area: Area { seen, ..area }, background }
        };
        put(work, corners, &image, mask.as_ref().map(|mask| (mask, Point::new(mask_x, mask_y))))
    });
    done(matches!(drawn, Some(Ok(true))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_leads_back() {
        let straight = [Point::new(10, 20), Point::new(14, 20), Point::new(10, 26)];
        let way = Way::of(straight, (4, 6)).unwrap();
        assert_eq!(way.back(10, 20), (0, 0));
        assert_eq!(way.back(13, 25), (3, 5));
        assert_eq!(way.back(14, 19), (4, -1));
        let turned = Way::of([Point::new(6, 0), Point::new(6, 4), Point::new(0, 0)], (4, 6)).unwrap();
        assert_eq!(turned.back(5, 0), (0, 0));
        assert_eq!(turned.back(0, 3), (3, 5));
        assert!(Way::of([Point::new(0, 0), Point::new(1, 1), Point::new(2, 2)], (4, 6)).is_none());
    }
}
