//! Device contexts of windows: GetDC and its kin.
//!
//! A window's DC draws on the surface of the top-level window that it lies in, within what is seen of the window. Where windows are is
//! other threads' and processes' business too: each change of that counts up a word of the sandbox's memory, and a DC whose count is
//! another is brought up to date before it is drawn on ([`refresh`]).

use super::super::{Failed, User, error};
use super::session::Window;
use crate::call::Cx;
use crate::shm::user::mirror::EX_LAYOUT_RTL;
use crate::shm::user::visible::{CLIP_CHILDREN, CLIP_SIBLINGS, dcx};
use crate::shm::user::window::{MINIMIZE, VISIBLE, field};
use crate::win32k::gdi::region::{Mode, Region};
use crate::win32k::gdi::{self, dc, regions};
use crate::win32k::geometry::{Point, Rect};
use parking_lot::Mutex;

/// CS_OWNDC, CS_CLASSDC, CS_PARENTDC.
const OWN_DC: u32 = 0x20;
const CLASS_DC: u32 = 0x40;
const PARENT_DC: u32 = 0x80;
/// DCs of the cache that are kept for the next window.
const KEPT: usize = 64;
/// Flags that say what a DC shows.
const CLIP: u32 = dcx::PARENT_CLIP | dcx::CLIP_SIBLINGS | dcx::CLIP_CHILDREN | dcx::WINDOW | dcx::LOCKED;
/// Flags that a program may set.
const USERS: u32 = CLIP | dcx::NO_RESET;

/// Whose a DC is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Anybody's, for a while.
    Cache,
    /// That window's.
    Window(u32),
    /// That class's.
    Class(u32),
}

/// A DC that is for windows.
struct Entry {
    dc: u32,
    owner: Owner,
    /// The window that it shows, by handle; 0 for none.
    window: u32,
    flags: u32,
    /// DCX_INTERSECTRGN's or DCX_EXCLUDERGN's, on the screen: the region, and the handle that it came with.
    clip: Option<(u32, Region)>,
    used: bool,
}

/// DCs of a process that are for windows.
#[derive(Default)]
pub struct Dces(Mutex<Vec<Entry>>);

/// What a DC shows of its window.
struct Seen {
    /// The top-level window whose pixels these are, and them.
    top: u32,
    surface: crate::shm::user::surface::Surface,
    /// Where the pixels' window lies on the screen.
    base: Rect,
    /// The DC's area on the screen.
    area: Rect,
    visible: Region,
    /// Whether nothing of it is, because it is locked.
    locked: bool,
}

fn look(cx: &Cx<'_>, window: u32, flags: u32) -> User<Option<Seen>> {
    let tx = cx.windows()?;
    let Some(record) = tx.window(window) else { return Ok(None) };
    let top = tx.top_level(record);
    let place = if flags & dcx::WINDOW != 0 { field::WINDOW_RECT } else { field::CLIENT_RECT };
    let (whole, area) = (tx.screen_rect(record, field::WINDOW_RECT), tx.screen_rect(record, place));
    let visible = tx.visible_region(record, flags);
    let visible = visible.offset(whole.left.wrapping_sub(area.left), whole.top.wrapping_sub(area.top));
    Ok(Some(Seen {
        top: tx.handle_of(top),
        // What is drawn on the desktop's window is drawn on what covers it, too.
        surface: if tx.is_root(top) { Default::default() } else { tx.surface(top) },
        base: tx.screen_rect(top, field::WINDOW_RECT),
        area,
        visible,
        locked: flags & dcx::LOCKED == 0 && tx.is_painting_locked(record),
    }))
}

/// Brings a window's DC up to date with where windows are.
pub fn refresh(cx: &Cx<'_>, handle: u32) {
    let (window, flags, clip) = {
        let all = cx.k.user.dces.0.lock();
        let Some(entry) = all.iter().find(|entry| entry.dc == handle) else { return };
        (entry.window, entry.flags, entry.clip.clone())
    };
    // Changes that come meanwhile count as not seen.
    let generation = cx.sandbox().map_or(0, |(shm, _)| shm.window_generation());
    let Ok(Some(mut seen)) = look(cx, window, flags) else { return };
    if seen.locked {
        note_locked_drawing(cx);
    }
    let surface = super::surface::of(cx, seen.top, &seen.surface);
    if let Some((_, clip)) = &clip {
        let clip = clip.offset(seen.area.left.wrapping_neg(), seen.area.top.wrapping_neg());
        let mode = if flags & dcx::EXCLUDE != 0 { Mode::Diff } else { Mode::And };
        seen.visible = seen.visible.combine(&clip, mode);
    }
    if let Some(dc) = cx.k.gdi.handles.dc(handle) {
        dc.watch(window, generation);
    }
    gdi::dc::with_fresh(cx, handle, |work| {
        let origin = Point::new(seen.area.left.wrapping_sub(seen.base.left), seen.area.top.wrapping_sub(seen.base.top));
        let moved = work.attr.visible != seen.area;
        work.state.origin = origin;
        // Nothing outside of the pixels that there are is drawn on or read.
        work.state.device = match &surface {
            Some(surface) => surface.area().offset(seen.base.left, seen.base.top),
            None => seen.base,
        };
        work.state.surface = surface;
        work.state.visible = Some(seen.visible);
        work.attr.visible = seen.area;
        if moved {
            work.update_transforms();
        }
        work.update_clipping();
    });
}

/// What is drawn on a locked window is to be drawn again when it is not.
fn note_locked_drawing(cx: &Cx<'_>) {
    if let Ok(mut tx) = cx.windows() {
        tx.note_locked_drawing();
        // Without that, it is drawn again when its program next paints.
        let _ = tx.commit();
    }
}

/// The window's class's style.
fn class_style(cx: &Cx<'_>, window: &Window) -> u32 {
    super::class::long(cx, window.handle.into(), -26, 4, false).unwrap_or(0) as u32
}

/// NtUserGetDCEx: a DC for a window (0: the desktop), within or without a region of the screen if `flags` say so.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn get_dc_ex(cx: &Cx<'_>, window: u64, region: u64, flags: u32) -> User {
    let clip = match flags & (dcx::INTERSECT | dcx::EXCLUDE) {
        0 => None,
        // None is an empty one; what is no region's handle, as WM_NCPAINT's 1 for the whole window, takes nothing away.
        _ if region == 0 => Some((0, Region::default())),
        _ => regions::get(cx.k, region as u32).map(|clip| (region as u32, clip)),
    };
    // The region is the DC's from then on, and goes when that is given back.
    get(cx, window, clip, flags).map(u64::from)
}

/// As NtUserGetDCEx, with a region of the screen as it is.
pub(super) fn get(cx: &Cx<'_>, window: u64, clip: Option<(u32, Region)>, flags: u32) -> User<u32> {
    let window = match window {
        0 => cx.window(cx.top_window(false)?.1.into())?,
        window => cx.window(window)?,
    };
    let (style, extended, parent_style) = {
        let tx = cx.windows()?;
        let parent = tx.link(window.record + field::PARENT);
        let of_parent = (parent != 0 && !tx.is_root(parent)).then(|| tx.get(parent + field::STYLE));
        (tx.get(window.record + field::STYLE), tx.get(window.record + field::EX_STYLE), of_parent)
    };
    let class = class_style(cx, &window);
    let mut flags = flags;
    if flags & (dcx::WINDOW | dcx::PARENT_CLIP) != 0 {
        flags |= dcx::CACHE;
    }
    if flags & dcx::USE_STYLE != 0 {
        flags &= !(dcx::CLIP_CHILDREN | dcx::CLIP_SIBLINGS | dcx::PARENT_CLIP);
        if style & CLIP_SIBLINGS != 0 {
            flags |= dcx::CLIP_SIBLINGS;
        }
        if flags & dcx::WINDOW == 0 {
            if class & PARENT_DC != 0 {
                flags |= dcx::PARENT_CLIP;
            }
            if style & (CLIP_CHILDREN | MINIMIZE) == CLIP_CHILDREN {
                flags |= dcx::CLIP_CHILDREN;
            }
        }
    }
    if flags & dcx::WINDOW != 0 {
        flags &= !dcx::CLIP_CHILDREN;
    }
    if parent_style.is_none() {
        flags = flags & !dcx::PARENT_CLIP | dcx::CLIP_SIBLINGS;
    }
    // Clipping of siblings or children leaves the parent's no room.
    if flags & (dcx::CLIP_SIBLINGS | dcx::CLIP_CHILDREN) != 0 {
        flags &= !dcx::PARENT_CLIP;
    }
    if flags & dcx::PARENT_CLIP != 0
        && let Some(parent) = parent_style
        && style & parent & VISIBLE != 0
    {
        flags &= !dcx::CLIP_CHILDREN;
        if parent & CLIP_SIBLINGS != 0 {
            flags |= dcx::CLIP_SIBLINGS;
        }
    }
    let owner = match class {
        _ if flags & dcx::CACHE != 0 || !window.is_ours(cx) => Owner::Cache,
        class if class & CLASS_DC != 0 => Owner::Class(cx.windows()?.get(window.record + field::CLASS)),
        class if class & OWN_DC != 0 => Owner::Window(window.handle),
        _ => Owner::Cache,
    };
    let dc = take(cx, owner, window.handle, flags)?;
    let (fresh, old) = {
        let mut all = cx.k.user.dces.0.lock();
        let Some(entry) = all.iter_mut().find(|entry| entry.dc == dc) else { return Ok(0) };
        let mut old = None;
        let same = entry.window == window.handle && (entry.flags ^ flags) & CLIP == 0 && clip.is_none();
        let fresh = same && entry.clip.is_none();
        if owner != Owner::Cache {
            flags |= dcx::NO_RESET;
            if entry.window != window.handle {
                // The region itself stays, as under Windows.
                entry.clip = None;
                entry.flags &= !(dcx::EXCLUDE | dcx::INTERSECT);
            }
        }
        if let Some(clip) = clip {
            let given = clip.0;
            old = old.or(entry.clip.replace(clip)).filter(|(handle, _)| *handle != given);
            entry.flags = entry.flags & !(dcx::EXCLUDE | dcx::INTERSECT) | flags & (dcx::EXCLUDE | dcx::INTERSECT);
        }
        entry.window = window.handle;
        entry.flags = entry.flags & !USERS | flags & USERS;
        (fresh, old)
    };
    drop_region(cx, old.as_ref());
    if let Some(dc) = cx.k.gdi.handles.dc(dc) {
        dc.enable(cx.k, true);
    }
    if extended & EX_LAYOUT_RTL != 0 {
        let _ = gdi::mapping::set_layout(cx, dc, -1, 1);
    }
    if !fresh {
        refresh(cx, dc);
    }
    Ok(dc)
}

/// A region that a DC was given goes.
fn drop_region(cx: &Cx<'_>, clip: Option<&(u32, Region)>) {
    if let Some((handle @ 1.., _)) = clip {
        cx.k.gdi.handles.delete(cx.k, *handle);
    }
}

/// A DC for a window that nobody else uses, or the owner's own; made if there is none.
fn take(cx: &Cx<'_>, owner: Owner, window: u32, flags: u32) -> User<u32> {
    let mut all = cx.k.user.dces.0.lock();
    let mut found;
    if owner == Owner::Cache {
        let free = |entry: &Entry| entry.owner == Owner::Cache && !entry.used;
        let fits = |entry: &Entry| free(entry) && entry.window == window && (entry.flags ^ flags) & CLIP == 0;
        found = all.iter().position(fits).or_else(|| all.iter().position(|entry| free(entry) && entry.window == 0));
        if found.is_none() && all.len() >= KEPT {
            found = all.iter().position(free);
        }
    } else {
        found = all.iter().position(|entry| entry.owner == owner);
    }
    if let Some(entry) = found.and_then(|at| all.get_mut(at)) {
        entry.used = true;
        return Ok(entry.dc);
    }
    drop(all);
    let dc = dc::make(cx, dc::Device::Screen)?;
    if dc == 0 {
        return Err(Failed::with(error::NOT_ENOUGH_MEMORY));
    }
    let entry = Entry { dc, owner, window: 0, flags: 0, clip: None, used: true };
    cx.k.user.dces.0.lock().push(entry);
    Ok(dc)
}

/// NtUserGetDC: of a window's client area; of 0, of the whole screen.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn get_dc(cx: &Cx<'_>, window: u64) -> User {
    let flags = if window == 0 { dcx::CACHE | dcx::WINDOW } else { dcx::USE_STYLE };
    get(cx, window, None, flags).map(u64::from)
}

/// NtUserGetWindowDC: of all of a window.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn get_window_dc(cx: &Cx<'_>, window: u64) -> User {
    get(cx, window, None, dcx::USE_STYLE | dcx::WINDOW).map(u64::from)
}

/// NtUserReleaseDC: 1, or 0 for what is no window's DC.
///
/// # Errors
/// None.
pub fn release_dc(cx: &Cx<'_>, _window: u64, dc: u64) -> User {
    Ok(release(cx, dc as u32, false).into())
}

/// Gives a window's DC back; at the `end` of painting its region goes with it.
pub(super) fn release(cx: &Cx<'_>, dc: u32, end: bool) -> bool {
    let (reset, cached, taken) = {
        let mut all = cx.k.user.dces.0.lock();
        let Some(entry) = all.iter_mut().find(|entry| entry.dc == dc && entry.used && entry.window != 0) else {
            return false;
        };
        let cached = entry.owner == Owner::Cache;
        let taken = if end || cached { entry.clip.take() } else { None };
        if taken.is_some() {
            entry.flags &= !(dcx::EXCLUDE | dcx::INTERSECT);
        }
        if cached {
            entry.used = false;
        }
        (entry.flags & dcx::NO_RESET == 0, cached, taken)
    };
    drop_region(cx, taken.as_ref());
    if reset {
        gdi::with(cx, dc, |work| work.reset());
    }
    if let Some(found) = cx.k.gdi.handles.dc(dc) {
        if taken.is_some() {
            found.stale();
        }
        if cached {
            found.enable(cx.k, false);
        }
    }
    super::surface::flush(cx);
    true
}

/// NtUserWindowFromDC: the window that a DC is for, 0 for none.
///
/// # Errors
/// None.
pub fn window_from_dc(cx: &Cx<'_>, dc: u64) -> User {
    Ok(window_of(cx, dc as u32).into())
}

/// As NtUserWindowFromDC.
pub(super) fn window_of(cx: &Cx<'_>, dc: u32) -> u32 {
    cx.k.user.dces.0.lock().iter().find(|entry| entry.dc == dc && entry.used).map_or(0, |entry| entry.window)
}

/// A window goes: its DC does, and nobody draws on it with another.
pub(super) fn window_gone(cx: &Cx<'_>, window: u32) {
    let (mut gone, mut left, mut regions) = (Vec::new(), Vec::new(), Vec::new());
    {
        let mut all = cx.k.user.dces.0.lock();
        all.retain_mut(|entry| {
            if entry.owner == Owner::Window(window) {
                gone.push(entry.dc);
                return false;
            }
            if entry.window == window {
                entry.window = 0;
                regions.extend(entry.clip.take());
                entry.used &= entry.owner != Owner::Cache;
                left.push((entry.dc, entry.owner == Owner::Cache));
            }
            true
        });
    }
    for region in &regions {
        drop_region(cx, Some(region));
    }
    for (dc, cached) in left {
        let Some(found) = cx.k.gdi.handles.dc(dc) else { continue };
        found.watch(0, 0);
        gdi::dc::with_fresh(cx, dc, |work| {
            work.state.surface = None;
            work.state.visible = Some(Region::default());
            work.update_clipping();
        });
        if cached {
            found.enable(cx.k, false);
        }
    }
    for dc in gone {
        dc::delete(cx, dc);
    }
}

/// A class goes: its DC does.
pub(super) fn class_gone(cx: &Cx<'_>, class: u32) {
    let mut gone = None;
    cx.k.user.dces.0.lock().retain(|entry| {
        let of_class = entry.owner == Owner::Class(class);
        gone = gone.or(of_class.then_some(entry.dc));
        !of_class
    });
    if let Some(dc) = gone {
        dc::delete(cx, dc);
    }
}

impl Dces {
    /// A window went with its thread: nothing shows it any more.
    pub(super) fn forget(&self, window: u32) {
        for entry in self.0.lock().iter_mut().filter(|entry| entry.window == window) {
            entry.window = 0;
            entry.clip = None;
            entry.used &= entry.owner != Owner::Cache;
        }
    }
}

/// Whether a DC may be deleted by a program: those of windows and classes may not. One of the cache is none from then on.
pub fn may_delete(cx: &Cx<'_>, dc: u32) -> bool {
    let mut all = cx.k.user.dces.0.lock();
    match all.iter().position(|entry| entry.dc == dc) {
        None => true,
        Some(at) if all.get(at).is_some_and(|entry| entry.owner == Owner::Cache) => {
            all.swap_remove(at);
            true
        }
        Some(_) => false,
    }
}
