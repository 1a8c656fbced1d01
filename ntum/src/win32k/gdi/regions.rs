//! System calls about regions.

use super::User;
use super::handles::{Object, kind};
use super::region::{Mode, Region};
use super::{done, shapes};
use crate::call::{Call, Cx};
use crate::kernel::Kernel;
use crate::um::{UserPtr, UserSlice};
use crate::win32k::geometry::{Point, Rect, Xform};
use parking_lot::Mutex;
use std::sync::Arc;
use zerocopy::IntoBytes;

/// System calls about regions.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiCreateRectRgn(left: i32, top: i32, right: i32, bottom: i32) => create_rect, Done;
    NtGdiCreateEllipticRgn(left: i32, top: i32, right: i32, bottom: i32) => create_ellipse, Done;
    NtGdiCreateRoundRectRgn(left: i32, top: i32, right: i32, bottom: i32, width: i32, height: i32) => create_round_rect, Done;
    NtGdiSetRectRgn(region: u32, left: i32, top: i32, right: i32, bottom: i32) => set_rect, Done;
    NtGdiCombineRgn(result: u32, first: u32, second: u32, mode: i32) => combine, Done;
    NtGdiEqualRgn(first: u32, second: u32) => equal, Done;
    NtGdiOffsetRgn(region: u32, x: i32, y: i32) => offset, Done;
    NtGdiPtInRegion(region: u32, x: i32, y: i32) => contains, Done;
    NtGdiRectInRegion(region: u32, rect: UserPtr<Rect>) => touches, Done;
    NtGdiGetRgnBox(region: u32, rect: UserPtr<Rect>) => bounds, Done;
    NtGdiGetRegionData(region: u32, count: u32, buffer: u64) => data, Done;
    NtGdiExtCreateRegion(transform: UserPtr<Xform>, count: u32, data: u64) => create, Done;
};

/// RGN_*.
pub mod mode {
    /// What lies in both.
    pub const AND: i32 = 1;
    /// What lies in either.
    pub const OR: i32 = 2;
    /// What lies in one.
    pub const XOR: i32 = 3;
    /// What lies in the first alone.
    pub const DIFF: i32 = 4;
    /// The first.
    pub const COPY: i32 = 5;
}

/// What calls answer for a mistake.
pub const ERROR: u32 = 0;

/// Gives a region a handle.
pub fn add(k: &Kernel, region: Option<Region>) -> User {
    let Some(region) = region else { return Ok(0) };
    Ok(u64::from(k.gdi.handles.add(k, kind::REGION, Object::Region(Arc::new(Mutex::new(region))))))
}

/// How a RGN_* number combines; `None` for RGN_COPY and what is none.
pub fn mode_of(mode: i32) -> Option<Mode> {
    Some(match mode {
        mode::AND => Mode::And,
        mode::OR => Mode::Or,
        mode::XOR => Mode::Xor,
        mode::DIFF => Mode::Diff,
        _ => return None,
    })
}

/// A copy of a handle's region.
pub fn get(k: &Kernel, handle: u32) -> Option<Region> {
    Some(k.gdi.handles.region(handle)?.lock().clone())
}

fn ordered(left: i32, top: i32, right: i32, bottom: i32) -> Region {
    Region::from(Rect::new(left, top, right, bottom).ordered())
}

/// NtGdiCreateRectRgn.
///
/// # Errors
/// None; the answer is 0.
pub fn create_rect(cx: &Cx<'_>, left: i32, top: i32, right: i32, bottom: i32) -> User {
    add(cx.k, Some(ordered(left, top, right, bottom)))
}

/// NtGdiCreateEllipticRgn.
///
/// # Errors
/// None; the answer is 0.
pub fn create_ellipse(cx: &Cx<'_>, left: i32, top: i32, right: i32, bottom: i32) -> User {
    create_round_rect(cx, left, top, right, bottom, right.wrapping_sub(left), bottom.wrapping_sub(top))
}

/// NtGdiCreateRoundRectRgn.
///
/// # Errors
/// None; the answer is 0.
pub fn create_round_rect(cx: &Cx<'_>, left: i32, top: i32, right: i32, bottom: i32, width: i32, height: i32) -> User {
    add(cx.k, shapes::round_rect(Rect::new(left, top, right, bottom), width, height))
}

/// NtGdiSetRectRgn.
///
/// # Errors
/// None; the answer is FALSE.
pub fn set_rect(cx: &Cx<'_>, region: u32, left: i32, top: i32, right: i32, bottom: i32) -> User {
    let Some(region) = cx.k.gdi.handles.region(region) else { return done(false) };
    *region.lock() = ordered(left, top, right, bottom);
    done(true)
}

/// NtGdiCombineRgn: what the result is like.
///
/// # Errors
/// None; the answer is ERROR.
pub fn combine(cx: &Cx<'_>, result: u32, first: u32, second: u32, mode: i32) -> User {
    let (Some(result), Some(first)) = (cx.k.gdi.handles.region(result), get(cx.k, first)) else {
        return Ok(ERROR.into());
    };
    let combined = match mode_of(mode) {
        None if mode == mode::COPY => first,
        None => return Ok(ERROR.into()),
        Some(mode) => match get(cx.k, second) {
            Some(second) => first.combine(&second, mode),
            None => return Ok(ERROR.into()),
        },
    };
    let kind = combined.kind();
    *result.lock() = combined;
    Ok(u64::from(kind))
}

/// NtGdiEqualRgn.
///
/// # Errors
/// None; the answer is FALSE.
pub fn equal(cx: &Cx<'_>, first: u32, second: u32) -> User {
    let regions = (get(cx.k, first), get(cx.k, second));
    done(matches!(regions, (Some(first), Some(second)) if first == second))
}

/// NtGdiOffsetRgn: what the region is like.
///
/// # Errors
/// None; the answer is ERROR.
pub fn offset(cx: &Cx<'_>, region: u32, x: i32, y: i32) -> User {
    let Some(region) = cx.k.gdi.handles.region(region) else { return Ok(ERROR.into()) };
    let mut region = region.lock();
    if !region.is_empty() {
        *region = region.offset(x, y);
    }
    Ok(u64::from(region.kind()))
}

/// NtGdiPtInRegion.
///
/// # Errors
/// None; the answer is FALSE.
pub fn contains(cx: &Cx<'_>, region: u32, x: i32, y: i32) -> User {
    done(cx.k.gdi.handles.region(region).is_some_and(|region| region.lock().contains(x, y)))
}

/// NtGdiRectInRegion: whether anything of a rectangle lies in it.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn touches(cx: &Cx<'_>, region: u32, rect: UserPtr<Rect>) -> User {
    let Some(region) = cx.k.gdi.handles.region(region) else { return done(false) };
    let rect = rect.read(cx.k)?.ordered();
    let touched = region.lock().touches(&rect);
    done(touched)
}

/// NtGdiGetRgnBox: what the region is like.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn bounds(cx: &Cx<'_>, region: u32, rect: UserPtr<Rect>) -> User {
    let Some(region) = get(cx.k, region) else { return Ok(ERROR.into()) };
    rect.write(cx.k, region.bounds())?;
    Ok(u64::from(region.kind()))
}

/// sizeof(RGNDATAHEADER), and RDH_RECTANGLES.
const HEADER: u32 = 32;
const RECTANGLES: u32 = 1;

/// NtGdiGetRegionData: how many bytes it has; 0 where there is no room for them.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn data(cx: &Cx<'_>, region: u32, count: u32, data: u64) -> User {
    let Some(region) = get(cx.k, region) else { return Ok(0) };
    let rects = region.rects();
    let size = size_of_val(rects) as u32;
    if data == 0 {
        return Ok(u64::from(HEADER + size));
    }
    if count < HEADER + size {
        return Ok(0);
    }
    cx.k.write_user(data, [HEADER, RECTANGLES, rects.len() as u32, size].as_bytes())?;
    cx.k.write_user(data + 16, region.bounds().as_bytes())?;
    cx.k.write_user(data + u64::from(HEADER), rects.as_bytes())?;
    Ok(u64::from(HEADER + size))
}

/// Rectangles of a region that a guest describes at most.
const MOST: u32 = 1 << 24;

/// NtGdiExtCreateRegion: a region of rectangles, which a transform may turn.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn create(cx: &Cx<'_>, transform: UserPtr<Xform>, _count: u32, data: u64) -> User {
    if data == 0 {
        return Ok(0);
    }
    let [size, _, count, _] = UserPtr::<[u32; 4]>::new(data).read(cx.k)?;
    if size < HEADER || count > MOST {
        return Ok(0);
    }
    let bytes = UserSlice::new(data + u64::from(HEADER), u64::from(count) * 16).read_all(cx.k)?;
    let rects = bytes.chunks_exact(16).map(|bytes| {
        let mut rect = Rect::default();
        rect.as_mut_bytes().copy_from_slice(bytes);
        rect
    });
    let Some(transform) = transform.read_opt(cx.k)? else {
        let rects: Vec<_> = rects.filter(|rect| !rect.is_empty()).collect();
        return add(cx.k, Some(Region::of(&rects)));
    };
    let mut all = Region::default();
    for rect in rects {
        let corner = |x, y| transform.apply(Point::new(x, y));
        let corners = [
            corner(rect.left, rect.top),
            corner(rect.right, rect.top),
            corner(rect.right, rect.bottom),
            corner(rect.left, rect.bottom),
        ];
        let Some(part) = shapes::polygon(&corners, &[4], true, None) else { return Ok(0) };
        all = all.combine(&part, Mode::Or);
    }
    add(cx.k, Some(all))
}
