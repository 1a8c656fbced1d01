//! Mapping modes, transforms, and the single values of a device context.

use super::User;
use super::attr::{ADVANCED, RIGHT_TO_LEFT};
use super::caps;
use super::dc::Work;
use super::{answer, done};
use crate::call::{Call, Cx};
use crate::um::UserPtr;
use crate::win32k::geometry::{Point, Rect, Xform, muldiv, round};
use zerocopy::IntoBytes;

/// System calls about mapping and values.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiGetAndSetDCDword(dc: u32, method: u32, value: u32, before: UserPtr<u32>) => set_value, Done;
    NtGdiGetDCDword(dc: u32, method: u32, result: UserPtr<u32>) => get_value, Done;
    NtGdiGetDCPoint(dc: u32, method: u32, result: UserPtr<Point>) => get_point, Done;
    NtGdiSetBrushOrg(dc: u32, x: i32, y: i32, before: UserPtr<Point>) => set_brush_origin, Done;
    NtGdiGetTransform(dc: u32, which: u32, result: UserPtr<Xform>) => get_transform, Done;
    NtGdiSetLayout(dc: u32, width: i32, layout: u32) => set_layout, Done;
    NtGdiTransformPoints(dc: u32, from: UserPtr<Point>, to: UserPtr<Point>, count: i32, mode: u32) => transform_points, Done;
    NtGdiComputeXformCoefficients(dc: u32) => compute, Done;
    NtGdiScaleViewportExtEx(dc: u32, x: i32, by_x: i32, y: i32, by_y: i32, before: UserPtr<Point>) => scale_viewport, Done;
    NtGdiScaleWindowExtEx(dc: u32, x: i32, by_x: i32, y: i32, by_y: i32, before: UserPtr<Point>) => scale_window, Done;
    NtGdiModifyWorldTransform(dc: u32, transform: UserPtr<Xform>, mode: u32) => modify_world, Done;
    NtGdiSetVirtualResolution(dc: u32, width: i32, height: i32, horizontal: i32, vertical: i32) => set_virtual_resolution, Done;
    NtGdiSetTextJustification(dc: u32, extra: i32, breaks: i32) => set_justification, Done;
    NtGdiMoveTo(dc: u32, x: i32, y: i32, before: UserPtr<Point>) => move_to, Done;
    NtGdiGetBoundsRect(dc: u32, rect: UserPtr<Rect>, flags: u32) => get_bounds, Done;
    NtGdiSetBoundsRect(dc: u32, rect: UserPtr<Rect>, flags: u32) => set_bounds, Done;
    NtGdiSetMiterLimit(dc: u32, limit: u32, before: UserPtr<u32>) => set_miter_limit, Done;
};

/// MM_*.
mod mode {
    pub const TEXT: i32 = 1;
    pub const LOW_METRIC: i32 = 2;
    pub const HIGH_METRIC: i32 = 3;
    pub const LOW_ENGLISH: i32 = 4;
    pub const HIGH_ENGLISH: i32 = 5;
    pub const TWIPS: i32 = 6;
    pub const ISOTROPIC: i32 = 7;
    pub const ANISOTROPIC: i32 = 8;
}

impl Work<'_> {
    /// The transform from the window to the device.
    pub fn window_to_device(&self) -> Xform {
        let attr = &self.attr;
        let part = |a: i32, b: i32| f64::from(a) / f64::from(b);
        let mut x = part(attr.viewport_extent.x, attr.window_extent.x);
        let y = part(attr.viewport_extent.y, attr.window_extent.y);
        if self.is_mirrored() {
            x = -x;
        }
        let mut dx = f64::from(attr.viewport_origin.x) - x * f64::from(attr.window_origin.x);
        let dy = f64::from(attr.viewport_origin.y) - y * f64::from(attr.window_origin.y);
        if self.is_mirrored() {
            dx = f64::from(attr.visible.width().wrapping_sub(1)) - f64::from(dx as f32);
        }
        Xform { m11: x as f32, m12: 0.0, m21: 0.0, m22: y as f32, dx: dx as f32, dy: dy as f32 }
    }

    /// Makes the transforms anew, after anything that they are made of changed.
    pub fn update_transforms(&mut self) {
        self.state.to_device = self.state.world.then(&self.window_to_device());
        self.state.to_world = self.state.to_device.inverse();
    }

    fn virtual_size(&self) -> Point {
        match self.attr.virtual_size {
            Point { x: 0, .. } => Point::new(caps::value(self, caps::HORZSIZE), caps::value(self, caps::VERTSIZE)),
            size => size,
        }
    }

    fn virtual_resolution(&self) -> Point {
        match self.attr.virtual_resolution {
            Point { x: 0, .. } => Point::new(caps::value(self, caps::HORZRES), caps::value(self, caps::VERTRES)),
            resolution => resolution,
        }
    }

    /// Makes the viewport smaller until both axes have the same scale.
    fn fix_isotropic(&mut self) {
        let (size, resolution) = (self.virtual_size(), self.virtual_resolution());
        let scale = |viewport: i32, size: i32, resolution: i32, window: i32| {
            (f64::from(viewport) * f64::from(size) / f64::from(resolution.wrapping_mul(window))).abs()
        };
        let attr = &mut self.attr;
        let x = scale(attr.viewport_extent.x, size.x, resolution.x, attr.window_extent.x);
        let y = scale(attr.viewport_extent.y, size.y, resolution.y, attr.window_extent.y);
        let shrink = |extent: &mut i32, by: f64| {
            let least = if *extent >= 0 { 1 } else { -1 };
            *extent = round(f64::from(*extent) * by);
            if *extent == 0 {
                *extent = least;
            }
        };
        if x > y {
            shrink(&mut attr.viewport_extent.x, y / x);
        } else {
            shrink(&mut attr.viewport_extent.y, x / y);
        }
    }

    fn set_map_mode(&mut self, mode: i32) -> bool {
        if mode == self.attr.map_mode && matches!(mode, mode::ISOTROPIC | mode::ANISOTROPIC) {
            return true;
        }
        let (size, resolution) = (self.virtual_size(), self.virtual_resolution());
        let english = |units| Point::new(muldiv(units, size.x, 254), muldiv(units, size.y, 254));
        let times = |by: i32| Point::new(size.x.wrapping_mul(by), size.y.wrapping_mul(by));
        let window = match mode {
            mode::TEXT => {
                self.attr.window_extent = Point::new(1, 1);
                self.attr.viewport_extent = Point::new(1, 1);
                None
            }
            mode::LOW_METRIC | mode::ISOTROPIC => Some(times(10)),
            mode::HIGH_METRIC => Some(times(100)),
            mode::LOW_ENGLISH => Some(english(1000)),
            mode::HIGH_ENGLISH => Some(english(10000)),
            mode::TWIPS => Some(english(14400)),
            mode::ANISOTROPIC => None,
            _ => return false,
        };
        if let Some(window) = window {
            self.attr.window_extent = window;
            self.attr.viewport_extent = Point::new(resolution.x, resolution.y.wrapping_neg());
        }
        if !self.is_mirrored() {
            self.attr.map_mode = mode;
        }
        self.update_transforms();
        true
    }
}

/// Methods of NtGdiGetAndSetDCDword: Wine 10's `include/ntgdi.h`.
mod set {
    pub const MAP_MODE: u32 = 8;
    pub const BACKGROUND_COLOR: u32 = 100;
    pub const BACKGROUND_MODE: u32 = 101;
    pub const TEXT_COLOR: u32 = 102;
    pub const BRUSH_COLOR: u32 = 103;
    pub const PEN_COLOR: u32 = 104;
    pub const GRAPHICS_MODE: u32 = 105;
    pub const ROP: u32 = 106;
    pub const TEXT_ALIGN: u32 = 107;
}

/// NtGdiGetAndSetDCDword: sets a value and tells the one before.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn set_value(cx: &Cx<'_>, dc: u32, method: u32, value: u32, before: UserPtr<u32>) -> User {
    let old = super::with(cx, dc, |work| {
        let attr = &mut work.attr;
        let replace = |place: &mut u32| core::mem::replace(place, value);
        let replace_short = |place: &mut u16| u32::from(core::mem::replace(place, value as u16));
        Some(match method {
            set::MAP_MODE => {
                let old = attr.map_mode as u32;
                work.set_map_mode(value as i32).then_some(old)?
            }
            set::BACKGROUND_COLOR => replace(&mut attr.background_color),
            set::BACKGROUND_MODE => replace_short(&mut attr.background_mode),
            set::TEXT_COLOR => replace(&mut attr.text_color),
            set::BRUSH_COLOR if value == u32::MAX => attr.brush_color,
            set::BRUSH_COLOR => replace(&mut attr.brush_color),
            set::PEN_COLOR if value == u32::MAX => attr.pen_color,
            set::PEN_COLOR => replace(&mut attr.pen_color),
            set::GRAPHICS_MODE => {
                let old = attr.graphics_mode;
                if !(1..=ADVANCED).contains(&(value as i32)) {
                    return None;
                }
                attr.graphics_mode = value as i32;
                old as u32
            }
            set::ROP => replace_short(&mut attr.rop),
            set::TEXT_ALIGN => replace_short(&mut attr.text_align),
            _ => return None,
        })
    });
    let Some(old) = old.flatten().filter(|_| !before.is_null()) else { return done(false) };
    before.write(cx.k, old)?;
    done(true)
}

/// NtGdiGetDCDword.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn get_value(cx: &Cx<'_>, dc: u32, method: u32, result: UserPtr<u32>) -> User {
    let value = super::with(cx, dc, |work| {
        let attr = &work.attr;
        Some(match method {
            0 => attr.arc_direction as u32,
            1 => attr.background_color,
            2 => attr.background_mode.into(),
            3 => attr.brush_color,
            4 => attr.pen_color,
            5 => attr.graphics_mode as u32,
            6 => attr.layout,
            7 => attr.poly_fill_mode.into(),
            8 => attr.rop.into(),
            9 => attr.text_color,
            10 => work.dc.in_memory().into(),
            _ => return None,
        })
    });
    let Some(value) = value.flatten() else { return done(false) };
    result.write(cx.k, value)?;
    done(true)
}

/// NtGdiGetDCPoint.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn get_point(cx: &Cx<'_>, dc: u32, method: u32, result: UserPtr<Point>) -> User {
    let point = super::with(cx, dc, |work| match method {
        0 => Some(work.attr.brush_origin),
        1 => Some(work.attr.position),
        2 => Some(Point::new(work.attr.visible.left, work.attr.visible.top)),
        _ => None,
    });
    let Some(point) = point.flatten() else { return done(false) };
    result.write(cx.k, point)?;
    done(true)
}

/// Changes a point, tells the one before.
fn exchange(cx: &Cx<'_>, dc: u32, before: UserPtr<Point>, run: impl FnOnce(&mut Work<'_>) -> Option<Point>) -> User {
    let Some(old) = super::with(cx, dc, run).flatten() else { return done(false) };
    before.write_opt(cx.k, old)?;
    done(true)
}

/// NtGdiSetBrushOrg.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn set_brush_origin(cx: &Cx<'_>, dc: u32, x: i32, y: i32, before: UserPtr<Point>) -> User {
    exchange(cx, dc, before, |work| Some(core::mem::replace(&mut work.attr.brush_origin, Point::new(x, y))))
}

/// NtGdiMoveTo.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn move_to(cx: &Cx<'_>, dc: u32, x: i32, y: i32, before: UserPtr<Point>) -> User {
    exchange(cx, dc, before, |work| {
        let point = Point::new(x, y);
        work.record_move(point);
        Some(core::mem::replace(&mut work.attr.position, point))
    })
}

/// NtGdiGetTransform.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn get_transform(cx: &Cx<'_>, dc: u32, which: u32, result: UserPtr<Xform>) -> User {
    let transform = super::with(cx, dc, |work| match which {
        0x203 => Some(work.state.world),
        0x304 => Some(work.window_to_device()),
        0x204 => Some(work.state.to_device),
        // Where there is no way back, the last one that there was counts no more.
        0x402 => Some(work.state.to_world.unwrap_or_default()),
        _ => None,
    });
    let Some(transform) = transform.flatten() else { return done(false) };
    result.write(cx.k, transform)?;
    done(true)
}

/// NtGdiSetLayout: the layout before, or GDI_ERROR.
///
/// # Errors
/// None.
pub fn set_layout(cx: &Cx<'_>, dc: u32, _width: i32, layout: u32) -> User {
    let old = super::with(cx, dc, |work| {
        let old = core::mem::replace(&mut work.attr.layout, layout);
        if layout != old {
            if layout & RIGHT_TO_LEFT != 0 {
                work.attr.map_mode = mode::ANISOTROPIC;
            }
            work.update_transforms();
        }
        old
    });
    Ok(u64::from(old.unwrap_or(u32::MAX)))
}

/// Points of one call at most: what follows is done in further rounds.
const ROUND: usize = 0x1000;

/// NtGdiTransformPoints: to the device (0) or to the world (1).
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn transform_points(cx: &Cx<'_>, dc: u32, from: UserPtr<Point>, to: UserPtr<Point>, count: i32, mode: u32) -> User {
    let transform = super::with(cx, dc, |work| match mode {
        0 => Some(work.state.to_device),
        1 => work.state.to_world,
        _ => None,
    });
    let Some(transform) = transform.flatten() else { return done(false) };
    let count = count.max(0) as usize;
    for start in (0..count).step_by(ROUND) {
        let here = ROUND.min(count - start);
        let mut points = vec![Point::default(); here];
        cx.k.read_user(from.add(start as u64).address(), points.as_mut_bytes())?;
        for point in &mut points {
            *point = transform.apply(*point);
        }
        cx.k.write_user(to.add(start as u64).address(), points.as_bytes())?;
    }
    done(true)
}

/// NtGdiComputeXformCoefficients: gdi32 changed origins or extents.
///
/// # Errors
/// None; the answer is FALSE.
pub fn compute(cx: &Cx<'_>, dc: u32) -> User {
    answer(cx, dc, |work| {
        if work.attr.map_mode == mode::ISOTROPIC {
            work.fix_isotropic();
        }
        work.update_transforms();
        1
    })
}

fn scale(work: &mut Work<'_>, window: bool, x: (i32, i32), y: (i32, i32)) -> Option<Point> {
    let extent = |work: &mut Work<'_>| if window { work.attr.window_extent } else { work.attr.viewport_extent };
    let before = extent(work);
    if !matches!(work.attr.map_mode, mode::ISOTROPIC | mode::ANISOTROPIC) {
        return Some(before);
    }
    if x.0 == 0 || x.1 == 0 || y.0 == 0 || y.1 == 0 {
        return None;
    }
    let by = |extent: i32, (numerator, denominator): (i32, i32)| match extent
        .wrapping_mul(numerator)
        .wrapping_div(denominator)
    {
        0 => 1,
        scaled => scaled,
    };
    let after = Point::new(by(before.x, x), by(before.y, y));
    if window {
        work.attr.window_extent = after;
    } else {
        work.attr.viewport_extent = after;
    }
    if work.attr.map_mode == mode::ISOTROPIC {
        work.fix_isotropic();
    }
    work.update_transforms();
    Some(before)
}

/// NtGdiScaleViewportExtEx.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn scale_viewport(cx: &Cx<'_>, dc: u32, x: i32, by_x: i32, y: i32, by_y: i32, before: UserPtr<Point>) -> User {
    exchange(cx, dc, before, |work| scale(work, false, (x, by_x), (y, by_y)))
}

/// NtGdiScaleWindowExtEx.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn scale_window(cx: &Cx<'_>, dc: u32, x: i32, by_x: i32, y: i32, by_y: i32, before: UserPtr<Point>) -> User {
    exchange(cx, dc, before, |work| scale(work, true, (x, by_x), (y, by_y)))
}

/// MWT_*.
mod change {
    pub const IDENTITY: u32 = 1;
    pub const LEFT_MULTIPLY: u32 = 2;
    pub const RIGHT_MULTIPLY: u32 = 3;
    pub const SET: u32 = 4;
}

/// NtGdiModifyWorldTransform.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn modify_world(cx: &Cx<'_>, dc: u32, transform: UserPtr<Xform>, mode: u32) -> User {
    let given = match mode {
        change::IDENTITY => Xform::default(),
        _ if transform.is_null() => return done(false),
        _ => transform.read(cx.k)?,
    };
    answer(cx, dc, |work| {
        let world = &mut work.state.world;
        *world = match mode {
            change::IDENTITY => given,
            change::LEFT_MULTIPLY => given.then(world),
            change::RIGHT_MULTIPLY => world.then(&given),
            change::SET if work.attr.graphics_mode == ADVANCED && given.m11 * given.m22 != given.m12 * given.m21 => {
                given
            }
            _ => return 0,
        };
        work.update_transforms();
        1
    })
}

/// NtGdiSetVirtualResolution: all of it, or nothing.
///
/// # Errors
/// None; the answer is FALSE.
pub fn set_virtual_resolution(cx: &Cx<'_>, dc: u32, width: i32, height: i32, horizontal: i32, vertical: i32) -> User {
    let values = [width, height, horizontal, vertical];
    if values.contains(&0) && values != [0; 4] {
        return done(false);
    }
    answer(cx, dc, |work| {
        work.attr.virtual_resolution = Point::new(width, height);
        work.attr.virtual_size = Point::new(horizontal, vertical);
        1
    })
}

/// NtGdiSetTextJustification: space that is spread over so many breaks.
///
/// # Errors
/// None; the answer is FALSE.
pub fn set_justification(cx: &Cx<'_>, dc: u32, extra: i32, breaks: i32) -> User {
    answer(cx, dc, |work| {
        let extra = (f64::from(extra) * f64::from(work.state.to_device.m11)).abs();
        let extra = round(extra);
        work.state.justification = if extra == 0 || breaks == 0 {
            (0, 0)
        } else {
            let each = extra.wrapping_div(breaks);
            (each, extra.wrapping_sub(breaks.wrapping_mul(each)))
        };
        1
    })
}

/// DCB_*.
mod bounds {
    pub const RESET: u32 = 1;
    pub const ACCUMULATE: u32 = 2;
    pub const SET: u32 = 3;
    pub const ENABLE: u32 = 4;
    pub const DISABLE: u32 = 8;
}

/// NtGdiGetBoundsRect: what was drawn on, in logical units.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn get_bounds(cx: &Cx<'_>, dc: u32, rect: UserPtr<Rect>, flags: u32) -> User {
    let found = super::with(cx, dc, |work| {
        let held = work.state.bounds;
        if flags & bounds::RESET != 0 {
            work.state.bounds = Rect::default();
        }
        if held.is_empty() {
            return (bounds::RESET, work.world_corners(Rect::default()));
        }
        let visible = work.attr.visible;
        let seen = Rect {
            left: held.left.max(0),
            top: held.top.max(0),
            right: held.right.min(visible.width()),
            bottom: held.bottom.min(visible.height()),
        };
        (bounds::SET, work.world_corners(seen))
    });
    let Some((state, found)) = found.filter(|_| !rect.is_null()) else { return Ok(0) };
    rect.write(cx.k, found)?;
    Ok(u64::from(state))
}

/// NtGdiSetBoundsRect: how it was before.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn set_bounds(cx: &Cx<'_>, dc: u32, rect: UserPtr<Rect>, flags: u32) -> User {
    if flags & (bounds::ENABLE | bounds::DISABLE) == bounds::ENABLE | bounds::DISABLE {
        return Ok(0);
    }
    let added = if flags & bounds::ACCUMULATE != 0 { rect.read_opt(cx.k)? } else { None };
    answer(cx, dc, |work| {
        let kept = if work.state.keep_bounds { bounds::ENABLE } else { bounds::DISABLE };
        let held = if work.state.bounds.is_empty() { bounds::RESET } else { bounds::SET };
        if flags & bounds::RESET != 0 {
            work.state.bounds = Rect::default();
        }
        if let Some(added) = added {
            work.state.bounds = work.state.bounds.union(&work.device_corners(added));
        }
        if flags & bounds::ENABLE != 0 {
            work.state.keep_bounds = true;
        } else if flags & bounds::DISABLE != 0 {
            work.state.keep_bounds = false;
        }
        kept | held
    })
}

/// NtGdiSetMiterLimit: both limits are the bits of a float.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn set_miter_limit(cx: &Cx<'_>, dc: u32, limit: u32, before: UserPtr<u32>) -> User {
    let old = super::with(cx, dc, |work| core::mem::replace(&mut work.attr.miter_limit, f32::from_bits(limit)));
    let Some(old) = old else { return done(false) };
    before.write_opt(cx.k, old.to_bits())?;
    done(true)
}
