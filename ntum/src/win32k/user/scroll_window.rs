//! ScrollDC and ScrollWindowEx: pixels that move, and what that leaves to be painted.

use super::super::User;
use super::position::set_window_pos;
use super::{caret, dce, paint};
use crate::call::Cx;
use crate::shm::user::paint::{rdw, swp};
use crate::shm::user::visible::{CLIP_CHILDREN, CLIP_SIBLINGS, dcx};
use crate::shm::user::window::{MINIMIZE, field};
use crate::um::UserPtr;
use crate::win32k::gdi::region::{Mode, NULL_REGION, Region};
use crate::win32k::gdi::{self, blit};
use crate::win32k::geometry::{Point, Rect};

/// SRCCOPY.
const COPY: u32 = 0x00cc_0020;
/// SW_SCROLLCHILDREN, SW_INVALIDATE, SW_ERASE, SW_NODCCACHE.
const SCROLL_CHILDREN: u32 = 1;
const INVALIDATE: u32 = 2;
const ERASE: u32 = 4;
const NO_CACHE: u32 = 0x8000;
/// CS_PARENTDC, of GCL_STYLE.
const PARENT_DC: u32 = 0x80;
const CLASS_STYLE: i32 = -26;

fn rect_at(cx: &Cx<'_>, at: u64) -> User<Option<Rect>> {
    Ok(if at == 0 { None } else { Some(UserPtr::<Rect>::new(at).read(cx.k)?) })
}

/// Moves the pixels of a DC; answers what that leaves to be painted, as the device counts, and its bounds, as the DC does.
fn scroll(cx: &Cx<'_>, dc: u32, by: Point, scroll: Option<Rect>, clip: Option<Rect>) -> User<Option<(Region, Rect)>> {
    let begun = gdi::with(cx, dc, |work| {
        let device = work.device_rect().unwrap_or_default();
        let seen = work.state.total.as_ref().map_or_else(|| Region::from(device), |total| (**total).clone());
        let bounds = seen.bounds().intersect(&device).unwrap_or_default();
        let clip_box = clip.unwrap_or_else(|| work.world_box(bounds));
        // Only what stays within is moved.
        let mut from =
            clip_box.intersect(&clip_box.offset(by.x.wrapping_neg(), by.y.wrapping_neg())).unwrap_or_default();
        if let Some(scroll) = &scroll {
            from = from.intersect(scroll).unwrap_or_default();
        }
        let zero = work.device_point(Point::default());
        let moved = work.device_point(by);
        let (x, y) = (moved.x.wrapping_sub(zero.x), moved.y.wrapping_sub(zero.y));
        let from = work.clip_rect(from);
        let to = from.combine(&seen, Mode::And).offset(x, y);
        let all = match &scroll {
            Some(scroll) => clip_box.intersect(scroll).unwrap_or_default(),
            None => clip_box,
        };
        let all = work.clip_rect(all);
        let open = all.combine(&seen, Mode::And).combine(&to, Mode::Diff);
        let bounds = work.world_box(open.bounds());
        let before = work.state.clip.clone();
        work.state.clip = Some(before.as_ref().map_or(to.clone(), |clip| clip.combine(&to, Mode::And)));
        work.update_clipping();
        let target = work.world_box(to.bounds());
        (open, bounds, before, target, to.is_empty())
    });
    let Some((open, bounds, before, target, nothing)) = begun else { return Ok(None) };
    let moved = if nothing {
        Ok(1)
    } else {
        let (x, y) = (target.left, target.top);
        let (from_x, from_y) = (x.wrapping_sub(by.x), y.wrapping_sub(by.y));
        blit::copy(cx, dc, x, y, target.width(), target.height(), dc, from_x, from_y, COPY, 0, 0)
    };
    gdi::with(cx, dc, |work| {
        work.state.clip = before;
        work.update_clipping();
    });
    moved?;
    Ok(Some((open, bounds)))
}

/// NtUserScrollDC.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn scroll_dc(cx: &Cx<'_>, dc: u64, x: i32, y: i32, rect: u64, clip: u64, region: u64, bounds_at: u64) -> User {
    let (rect, clip) = (rect_at(cx, rect)?, rect_at(cx, clip)?);
    let Some((open, bounds)) = scroll(cx, dc as u32, Point::new(x, y), rect, clip)? else { return Ok(0) };
    if let Some(into) = cx.k.gdi.handles.region(region as u32).filter(|_| region != 0) {
        *into.lock() = open;
    }
    if bounds_at != 0 {
        UserPtr::new(bounds_at).write(cx.k, bounds)?;
    }
    Ok(1)
}

/// NtUserScrollWindowEx: what of the window was invalid before is like.
///
/// # Errors
/// The answer is ERROR (0), and the last error says why.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn scroll_window(
    cx: &Cx<'_>,
    window: u64,
    x: i32,
    y: i32,
    rect: u64,
    clip: u64,
    region: u64,
    bounds_at: u64,
    flags: u32,
) -> User {
    let found = cx.window(window)?;
    let (rect, clip) = (rect_at(cx, rect)?, rect_at(cx, clip)?);
    let (client, style, shown, mirrored) = {
        let tx = cx.windows()?;
        let client = tx.window_rect(found.record, field::CLIENT_RECT);
        let above = tx.ancestors(found.record);
        let iconic = |window: &u32| tx.get(window + field::STYLE) & MINIMIZE != 0;
        let shown = tx.is_visible(found.record) && !iconic(&found.record) && !above.iter().any(iconic);
        let mirrored = tx.is_mirrored(found.record);
        (Rect::new(0, 0, client.width(), client.height()), tx.get(found.record + field::STYLE), shown, mirrored)
    };
    if !shown {
        return Ok(0);
    }
    let how = rdw::INVALIDATE | if flags & (ERASE | INVALIDATE) == ERASE | INVALIDATE { rdw::ERASE } else { 0 };
    let within = clip.map_or(Some(client), |clip| client.intersect(&clip)).unwrap_or_default();
    let moved = rect.map_or(Some(client), |rect| client.intersect(&rect)).unwrap_or_default();
    let wants = region != 0 || bounds_at != 0 || flags & (INVALIDATE | ERASE) != 0;
    let (mut open, mut bounds) = (Region::default(), Rect::default());
    let mut before = Region::default();
    let mut kind = NULL_REGION;
    let mut hidden = None;
    if !within.is_empty() && (x, y) != (0, 0) {
        let class = super::class::long(cx, window, CLASS_STYLE, 4, false).unwrap_or(0) as u32;
        let mut how_seen = if flags & NO_CACHE == 0 { dcx::CACHE } else { 0 };
        if style & CLIP_SIBLINGS != 0 {
            how_seen |= dcx::CLIP_SIBLINGS;
        }
        if class & PARENT_DC != 0 {
            how_seen |= dcx::PARENT_CLIP;
        }
        if flags & SCROLL_CHILDREN == 0 && style & CLIP_CHILDREN != 0 {
            how_seen |= dcx::CLIP_CHILDREN;
        }
        let caret = caret::hide_for_scroll(cx, &found, &moved, (x, y), flags & SCROLL_CHILDREN != 0)?;
        let dc = dce::get(cx, window, None, how_seen)?;
        let done = scroll(cx, dc, Point::new(x, y), Some(moved), Some(within));
        dce::release(cx, dc, false);
        hidden = caret;
        if let Some((new, new_bounds)) = done? {
            // What the device counts, the window counts from its own side.
            let turned = || new.mirrored(client.width());
            (open, bounds) = (if mirrored { turned() } else { new.clone() }, new_bounds);
        }
        if !wants {
            paint::redraw(cx, window, Some(&open), how)?;
        }
        // What was invalid is where it was drawn now.
        let invalid = paint::invalid_of(cx, &found)?;
        kind = invalid.kind();
        if !invalid.is_empty() {
            let shifted = invalid.offset(x, y).combine(&Region::from(within), Mode::And);
            before = invalid.combine(&shifted, Mode::Or);
            paint::redraw(cx, window, Some(&shifted), how)?;
            if x.unsigned_abs() > moved.width().unsigned_abs() || y.unsigned_abs() > moved.height().unsigned_abs() {
                // So far that it came to lie beyond where it was.
                let far = Region::from(moved.offset(x, y)).combine(&Region::from(within), Mode::And);
                open = open.combine(&far, Mode::Or);
                bounds = bounds.union(&far.bounds());
                before = before.combine(&far, Mode::Or);
            }
        }
    }
    if flags & SCROLL_CHILDREN != 0 {
        let children: Vec<(u32, Rect)> = {
            let tx = cx.windows()?;
            let Some(record) = tx.window(found.handle) else { return Ok(0) };
            let all = tx.children(record).into_iter();
            all.map(|child| (tx.handle_of(child), tx.told_rect(child, field::WINDOW_RECT))).collect()
        };
        for (child, at) in children {
            if rect.is_none_or(|rect| at.intersect(&rect).is_some()) {
                let stay = swp::NO_Z_ORDER | swp::NO_SIZE | swp::NO_ACTIVATE | swp::NO_REDRAW | swp::DEFER_ERASE;
                let (left, top) = (at.left.wrapping_add(x), at.top.wrapping_add(y));
                // One that went meanwhile keeps none of the others back.
                let _ = set_window_pos(cx, child.into(), 0, left, top, 0, 0, stay);
            }
        }
    }
    if flags & (INVALIDATE | ERASE) != 0 {
        let children = if flags & SCROLL_CHILDREN != 0 { rdw::ALL_CHILDREN } else { 0 };
        paint::redraw(cx, window, Some(&open), how | children)?;
    }
    if let Some(hidden) = hidden {
        caret::show_scrolled(cx, &hidden)?;
    }
    if let Some(into) = cx.k.gdi.handles.region(region as u32).filter(|_| region != 0) {
        *into.lock() = open.combine(&before, Mode::Or);
    }
    if bounds_at != 0 {
        UserPtr::new(bounds_at).write(cx.k, bounds)?;
    }
    Ok(kind.into())
}
