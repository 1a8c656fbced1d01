//! NtGdi calls about paths.

use super::Path;
use super::widen::{Shape, widen};
use crate::call::{Call, Cx};
use crate::win32k::gdi::dc::Work;
use crate::win32k::gdi::{User, answer, clip, done, error, failed, regions, with};
use crate::win32k::geometry::Point;
use zerocopy::IntoBytes;

/// System calls about paths.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiBeginPath(dc: u32) => begin, Done;
    NtGdiEndPath(dc: u32) => end, Done;
    NtGdiAbortPath(dc: u32) => abort, Done;
    NtGdiCloseFigure(dc: u32) => close_figure, Done;
    NtGdiGetPath(dc: u32, points: u64, kinds: u64, size: i32) => get, Done;
    NtGdiFlattenPath(dc: u32) => flatten, Done;
    NtGdiWidenPath(dc: u32) => widen_path, Done;
    NtGdiPathToRegion(dc: u32) => to_region, Done;
    NtGdiSelectClipPath(dc: u32, mode: i32) => select_clip, Done;
    NtGdiFillPath(dc: u32) => fill, Done;
    NtGdiStrokePath(dc: u32) => stroke, Done;
    NtGdiStrokeAndFillPath(dc: u32) => stroke_and_fill, Done;
};

/// A call that needs a path, and what it answers; without one the last error says so.
fn with_path(cx: &Cx<'_>, dc: u32, draws: bool, run: impl FnOnce(&mut Work<'_>, Path) -> u32) -> User {
    let found = with(cx, dc, |work| {
        if work.is_metafile() && draws {
            return Some(1);
        }
        work.state.path.take().map(|path| run(work, path))
    });
    match found {
        Some(Some(found)) => Ok(found.into()),
        Some(None) => failed(error::CAN_NOT_COMPLETE),
        None => done(false),
    }
}

/// NtGdiBeginPath.
///
/// # Errors
/// None; the answer is FALSE.
pub fn begin(cx: &Cx<'_>, dc: u32) -> User {
    answer(cx, dc, |work| {
        if work.state.recording.is_none() {
            let from = work.device_point(work.attr.position);
            work.state.recording = Some(Path::new(from));
            work.state.path = None;
        }
        1
    })
}

/// NtGdiEndPath.
///
/// # Errors
/// None; the answer is FALSE.
pub fn end(cx: &Cx<'_>, dc: u32) -> User {
    let ended = with(cx, dc, |work| {
        let path = work.state.recording.take()?;
        work.state.path = Some(path);
        Some(())
    });
    if ended == Some(None) { failed(error::CAN_NOT_COMPLETE) } else { done(ended.is_some()) }
}

/// NtGdiAbortPath.
///
/// # Errors
/// None; the answer is FALSE.
pub fn abort(cx: &Cx<'_>, dc: u32) -> User {
    answer(cx, dc, |work| {
        if work.state.recording.take().is_none() {
            work.state.path = None;
        }
        1
    })
}

/// NtGdiCloseFigure.
///
/// # Errors
/// None; the answer is FALSE.
pub fn close_figure(cx: &Cx<'_>, dc: u32) -> User {
    let closed = with(cx, dc, |work| work.state.recording.as_mut().map(Path::close));
    if closed == Some(None) { failed(error::CAN_NOT_COMPLETE) } else { done(closed.is_some()) }
}

/// NtGdiGetPath: how many points there are, -1 if it fails.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn get(cx: &Cx<'_>, dc: u32, points: u64, kinds: u64, size: i32) -> User {
    const NONE: u64 = u32::MAX as u64;
    let found = with(cx, dc, |work| {
        let path = work.state.path.as_ref()?;
        let points: Vec<Point> = path.points().iter().map(|point| work.world_point(*point)).collect();
        Some((points, path.kinds().to_vec()))
    });
    let Some(found) = found else { return Ok(NONE) };
    let fails = |code| failed(code).map_err(|failed| failed.answering(NONE));
    let Some((found, found_kinds)) = found else { return fails(error::CAN_NOT_COMPLETE) };
    if size == 0 {
        return Ok(found.len() as u64);
    }
    if (size as usize) < found.len() || size < 0 {
        return fails(error::INVALID_PARAMETER);
    }
    cx.k.write_user(points, found.as_bytes())?;
    cx.k.write_user(kinds, &found_kinds)?;
    Ok(found.len() as u64)
}

/// NtGdiFlattenPath: lines in the place of curves.
///
/// # Errors
/// None; the answer is FALSE.
pub fn flatten(cx: &Cx<'_>, dc: u32) -> User {
    with_path(cx, dc, false, |work, path| {
        work.state.path = Some(path.flat());
        1
    })
}

/// NtGdiWidenPath: the outline of what the pen would draw.
///
/// # Errors
/// None; the answer is FALSE.
pub fn widen_path(cx: &Cx<'_>, dc: u32) -> User {
    /// PS_ENDCAP_MASK, PS_JOIN_MASK.
    const ENDS: u32 = 0xf00;
    const JOINS: u32 = 0xf000;
    with_path(cx, dc, false, |work, path| {
        let pen = &work.state.pen.1;
        let style = pen.style;
        let shape =
            Shape { width: pen.width, end: style & ENDS, join: style & JOINS, miter_limit: work.attr.miter_limit };
        work.state.path = Some(widen(&path.flat(), &shape));
        1
    })
}

/// NtGdiPathToRegion: what lies within the path, which goes.
///
/// # Errors
/// None; the answer is 0.
pub fn to_region(cx: &Cx<'_>, dc: u32) -> User {
    let found = with(cx, dc, |work| {
        let path = work.state.path.take()?.flat();
        Some(if path.points().is_empty() { None } else { path.region(work.attr.poly_fill_mode) })
    });
    match found {
        Some(Some(region)) => regions::add(cx.k, region),
        Some(None) => failed(error::CAN_NOT_COMPLETE),
        None => Ok(0),
    }
}

/// NtGdiSelectClipPath: what lies within the path becomes part of the clipping region.
///
/// # Errors
/// None; the answer is FALSE.
pub fn select_clip(cx: &Cx<'_>, dc: u32, mode: i32) -> User {
    let region = to_region(cx, dc)? as u32;
    if region == 0 {
        return done(false);
    }
    let kind = clip::select(cx, dc, region, mode);
    cx.k.gdi.handles.delete(cx.k, region);
    done(kind? != u64::from(regions::ERROR))
}

/// NtGdiFillPath.
///
/// # Errors
/// None; the answer is FALSE.
pub fn fill(cx: &Cx<'_>, dc: u32) -> User {
    with_path(cx, dc, true, |work, path| work.draw_path(&path, false, true).is_ok().into())
}

/// NtGdiStrokePath.
///
/// # Errors
/// None; the answer is FALSE.
pub fn stroke(cx: &Cx<'_>, dc: u32) -> User {
    with_path(cx, dc, true, |work, path| work.draw_path(&path, true, false).is_ok().into())
}

/// NtGdiStrokeAndFillPath.
///
/// # Errors
/// None; the answer is FALSE.
pub fn stroke_and_fill(cx: &Cx<'_>, dc: u32) -> User {
    with_path(cx, dc, true, |work, path| work.draw_path(&path, true, true).is_ok().into())
}
