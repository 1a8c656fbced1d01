//! What is seen of a window, in whose coordinates, and which window lies under a point.
//!
//! Rectangles of a window are counted in its parent's client area, regions that calls here answer from the window's own upper left corner.

use super::surface::EX_TRANSPARENT;
use super::window::{MINIMIZE, VISIBLE, field};
use crate::shm::Tx;
use crate::win32k::gdi::region::{Mode, Region};
use crate::win32k::geometry::Rect;

/// DCX_*: what of a window a device context is for.
pub mod dcx {
    /// The window with its frame, not its client area alone.
    pub const WINDOW: u32 = 0x1;
    /// A DC of the cache, whatever the class says.
    pub const CACHE: u32 = 0x2;
    /// Attributes stay when it is released.
    pub const NO_RESET: u32 = 0x4;
    /// Without what children cover.
    pub const CLIP_CHILDREN: u32 = 0x8;
    /// Without what siblings above cover.
    pub const CLIP_SIBLINGS: u32 = 0x10;
    /// As much as the parent's client area shows.
    pub const PARENT_CLIP: u32 = 0x20;
    /// Without a region.
    pub const EXCLUDE: u32 = 0x40;
    /// Within a region alone.
    pub const INTERSECT: u32 = 0x80;
    /// Also while the window is locked (LockWindowUpdate).
    pub const LOCKED: u32 = 0x400;
    /// The window's styles say what is clipped.
    pub const USE_STYLE: u32 = 0x1_0000;
}

/// WS_CLIPSIBLINGS.
pub const CLIP_SIBLINGS: u32 = 0x0400_0000;
/// WS_CLIPCHILDREN.
pub const CLIP_CHILDREN: u32 = 0x0200_0000;

impl Tx<'_> {
    /// Whether a window is the desktop's, or the parent of message-only ones.
    pub fn is_root(&self, window: u32) -> bool {
        self.link(window + field::PARENT) == 0
    }

    /// The top-level window that a window is, or lies in; of a root that one itself.
    pub fn top_level(&self, window: u32) -> u32 {
        let mut at = window;
        for above in self.ancestors(window) {
            if self.is_root(above) {
                break;
            }
            at = above;
        }
        at
    }

    /// A window's rectangle, or its client area's, on the screen.
    pub fn screen_rect(&self, window: u32, field: u32) -> Rect {
        let (x, y) = self.origin(window);
        self.rect(window + field).offset(x, y)
    }

    /// Cuts a region, in the parent's coordinates, to a window's shape.
    fn within_shape(&self, window: u32, region: Region) -> Region {
        match self.window_region(window) {
            None => region,
            Some(shape) => {
                let rect = self.rect(window + field::WINDOW_RECT);
                region.combine(&Region::of(&shape).offset(rect.left, rect.top), Mode::And)
            }
        }
    }

    /// The client area as far as the window has it, in the parent's coordinates.
    fn inner(&self, window: u32) -> Region {
        let rect = self.rect(window + field::WINDOW_RECT);
        rect.intersect(&self.rect(window + field::CLIENT_RECT)).map_or_else(Region::default, Region::from)
    }

    /// Takes what children cover out of a region in the client area's coordinates; those from `last` on count for nothing.
    pub(super) fn without_children(&self, parent: u32, last: u32, mut region: Region) -> Region {
        for child in self.children(parent) {
            if child == last || region.is_empty() {
                break;
            }
            if self.get(child + field::STYLE) & VISIBLE == 0 || self.get(child + field::EX_STYLE) & EX_TRANSPARENT != 0
            {
                continue;
            }
            let covered = self.within_shape(child, Region::from(self.rect(child + field::WINDOW_RECT)));
            region = region.combine(&covered, Mode::Diff);
        }
        region
    }

    /// What is seen of a window, for a device context with these flags ([`dcx`]).
    pub fn visible_region(&self, window: u32, flags: u32) -> Region {
        let whole = self.rect(window + field::WINDOW_RECT);
        if !self.is_visible(window) || flags & dcx::LOCKED == 0 && self.is_painting_locked(window) {
            return Region::default();
        }
        if self.is_root(window) {
            return Region::from(whole);
        }
        let parent = self.link(window + field::PARENT);
        let mut region = if flags & dcx::PARENT_CLIP != 0 && !self.is_root(parent) {
            let client = self.rect(parent + field::CLIENT_RECT);
            self.inner(parent).offset(client.left.wrapping_neg(), client.top.wrapping_neg())
        } else if flags & dcx::WINDOW != 0 {
            self.within_shape(window, Region::from(whole))
        } else {
            self.within_shape(window, self.inner(window))
        };
        if flags & dcx::CLIP_CHILDREN != 0 {
            let client = self.rect(window + field::CLIENT_RECT);
            let own = region.offset(client.left.wrapping_neg(), client.top.wrapping_neg());
            region = self.without_children(window, 0, own).offset(client.left, client.top);
        }
        let (mut x, mut y) = (whole.left, whole.top);
        let mut at = window;
        for above in self.ancestors(window) {
            // Top-level windows have pixels of their own: what covers them on the screen is the compositor's.
            if self.is_root(above) || region.is_empty() {
                break;
            }
            if self.get(at + field::STYLE) & CLIP_SIBLINGS != 0 {
                region = self.without_children(above, at, region);
            }
            let client = self.rect(above + field::CLIENT_RECT);
            (x, y) = (x.saturating_add(client.left), y.saturating_add(client.top));
            let within = self.within_shape(above, self.inner(above));
            region = region.offset(client.left, client.top).combine(&within, Mode::And);
            at = above;
        }
        region.offset(x.wrapping_neg(), y.wrapping_neg())
    }

    /// A window's rectangle (`frame`) or client area, cut by all its parents', from its upper left corner; `None` if nothing is left.
    pub fn uncovered_rect(&self, window: u32, frame: bool) -> Option<Rect> {
        let shown = |window: u32, bits: u32| self.get(window + field::STYLE) & bits == VISIBLE;
        let whole = self.rect(window + field::WINDOW_RECT);
        let mut rect = if frame { whole } else { self.rect(window + field::CLIENT_RECT) };
        if !shown(window, VISIBLE) {
            return None;
        }
        if self.is_root(window) {
            return Some(rect);
        }
        let (mut x, mut y) = (whole.left, whole.top);
        for above in self.ancestors(window) {
            if self.is_root(above) {
                if !shown(above, VISIBLE) {
                    return None;
                }
                break;
            }
            if !shown(above, VISIBLE | MINIMIZE) {
                return None;
            }
            let client = self.rect(above + field::CLIENT_RECT);
            (x, y) = (x.saturating_add(client.left), y.saturating_add(client.top));
            rect = rect.offset(client.left, client.top).intersect(&client)?;
            rect = rect.intersect(&self.rect(above + field::WINDOW_RECT))?;
        }
        Some(rect.offset(x.wrapping_neg(), y.wrapping_neg()))
    }

    /// Whether a point, in the parent's client area, lies in a window as it is seen.
    pub fn window_has_point(&self, window: u32, x: i32, y: i32) -> bool {
        let rect = self.rect(window + field::WINDOW_RECT);
        rect.contains(x, y)
            && self.window_region(window).is_none_or(|shape| {
                let (x, y) = (x.wrapping_sub(rect.left), y.wrapping_sub(rect.top));
                shape.iter().any(|part| part.contains(x, y))
            })
    }
}
