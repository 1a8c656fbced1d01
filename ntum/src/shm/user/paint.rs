//! What of windows is to be painted: update regions, and who is to paint next.

use super::queue;
use super::surface::{bytes_of, rects_of};
use super::visible::{CLIP_CHILDREN, dcx};
use super::window::{MINIMIZE, Order, VISIBLE, field};
use crate::shm::Tx;
use crate::win32k::gdi::region::{Mode, Region};
use crate::win32k::geometry::Rect;

/// Bits of a window's [`field::PAINT`].
mod bits {
    /// WM_PAINT is due though nothing is invalid (RDW_INTERNALPAINT).
    pub const INTERNAL: u32 = 1;
    /// The background is to be erased.
    pub const ERASE: u32 = 2;
    /// The background was to be erased, and the window left that to who paints.
    pub const DELAYED_ERASE: u32 = 4;
    /// The frame is to be painted.
    pub const FRAME: u32 = 8;
}

/// RDW_*: what [`Tx::redraw`] does.
#[allow(missing_docs)]
pub mod rdw {
    pub const INVALIDATE: u32 = 0x1;
    pub const INTERNAL_PAINT: u32 = 0x2;
    pub const ERASE: u32 = 0x4;
    pub const VALIDATE: u32 = 0x8;
    pub const NO_INTERNAL_PAINT: u32 = 0x10;
    pub const NO_ERASE: u32 = 0x20;
    pub const NO_CHILDREN: u32 = 0x40;
    pub const ALL_CHILDREN: u32 = 0x80;
    pub const UPDATE_NOW: u32 = 0x100;
    pub const ERASE_NOW: u32 = 0x200;
    pub const FRAME: u32 = 0x400;
    pub const NO_FRAME: u32 = 0x800;
}

/// What is asked for, and found, of what is to be painted.
pub mod update {
    /// The frame.
    pub const FRAME: u32 = 0x1;
    /// The background.
    pub const ERASE: u32 = 0x2;
    /// What lies in it.
    pub const PAINT: u32 = 0x4;
    /// WM_PAINT without anything invalid.
    pub const INTERNAL: u32 = 0x8;
    /// Children of every window, not of those that clip them alone.
    pub const ALL_CHILDREN: u32 = 0x10;
    /// No children.
    pub const NO_CHILDREN: u32 = 0x20;
    /// Nothing is taken: only the bits are asked for.
    pub const NO_REGION: u32 = 0x40;
    /// The background was left to who paints.
    pub const DELAYED_ERASE: u32 = 0x80;
    /// Without what children cover.
    pub const CLIP_CHILDREN: u32 = 0x100;
}

/// SWP_* that say how a window's place changes.
#[allow(missing_docs)]
pub mod swp {
    pub const NO_SIZE: u32 = 0x1;
    pub const NO_MOVE: u32 = 0x2;
    pub const NO_Z_ORDER: u32 = 0x4;
    pub const NO_REDRAW: u32 = 0x8;
    pub const NO_ACTIVATE: u32 = 0x10;
    pub const FRAME_CHANGED: u32 = 0x20;
    pub const SHOW: u32 = 0x40;
    pub const HIDE: u32 = 0x80;
    pub const NO_COPY_BITS: u32 = 0x100;
    pub const NO_OWNER_Z_ORDER: u32 = 0x200;
    pub const NO_SEND_CHANGING: u32 = 0x400;
    pub const NO_CLIENT_SIZE: u32 = 0x800;
    pub const NO_CLIENT_MOVE: u32 = 0x1000;
    pub const DEFER_ERASE: u32 = 0x2000;
    pub const ASYNC: u32 = 0x4000;
    pub const STATE_CHANGED: u32 = 0x8000;
}

/// Rectangles of an update region that are kept; of more, their bounds are.
const MOST_RECTS: usize = 2048;

/// Where a window comes to lie; rectangles are in its parent's client area.
#[derive(Debug, Clone, Copy)]
pub struct Placed {
    /// SWP_*.
    pub flags: u32,
    /// Its place among its siblings, unless SWP_NOZORDER is given.
    pub order: Order,
    /// Its rectangle.
    pub window: Rect,
    /// Its client area.
    pub client: Rect,
    /// What of it stays as it was: copied from where it was drawn.
    pub valid: Rect,
}

/// What is to be painted of a window.
#[derive(Debug, Clone, Default)]
pub struct Due {
    /// The window: a record, 0 for none.
    pub window: u32,
    /// Bits of [`update`]; 0: nothing is.
    pub flags: u32,
    /// What is invalid, on the screen.
    pub region: Region,
}

/// WS_EX_COMPOSITED.
const EX_COMPOSITED: u32 = 0x0200_0000;

impl Tx<'_> {
    /// What is invalid of a window, from its upper left corner; `None`: nothing is.
    pub fn update_region(&self, window: u32) -> Option<Region> {
        match self.get(window + field::UPDATE) {
            0 => None,
            block => Some(Region::of(&rects_of(&self.bytes(block)))),
        }
    }

    /// One more window of its thread's is to be painted, or one less.
    fn count_paint(&mut self, window: u32, more: bool) {
        let queue = self.link(window + field::QUEUE);
        if queue == 0 {
            return;
        }
        let count = self.get(queue + queue::field::PAINTS);
        let count = if more { count.wrapping_add(1) } else { count.saturating_sub(1) };
        self.set(queue + queue::field::PAINTS, count);
        match count {
            0 => self.queue_lacks(queue, queue::PAINT),
            1 if more => self.queue_has(queue, queue::PAINT),
            _ => {}
        }
    }

    fn set_paint(&mut self, window: u32, bits: u32, on: bool) {
        let before = self.get(window + field::PAINT);
        self.set(window + field::PAINT, if on { before | bits } else { before & !bits });
    }

    pub(super) fn set_update_region(&mut self, window: u32, region: &Region) {
        let before = self.get(window + field::UPDATE);
        let mut new = 0;
        if !region.is_empty() {
            let bounds = [region.bounds()];
            let rects = if region.rects().len() > MOST_RECTS { &bounds } else { region.rects() };
            // Where memory is short, more is painted than has to be. Without any nothing is: there is nothing that could be done about it.
            let exact = self.allocate_given(&bytes_of(rects));
            new = exact.or_else(|| self.allocate_bytes(&bytes_of(&bounds))).unwrap_or(0);
        }
        if before != 0 {
            self.free(before);
        }
        self.set(window + field::UPDATE, new);
        if new == 0 {
            self.set_paint(window, bits::ERASE | bits::DELAYED_ERASE | bits::FRAME, false);
        }
        if (before != 0) != (new != 0) {
            self.count_paint(window, new != 0);
        }
    }

    fn set_internal_paint(&mut self, window: u32, on: bool) {
        if (self.get(window + field::PAINT) & bits::INTERNAL != 0) != on {
            self.set_paint(window, bits::INTERNAL, on);
            self.count_paint(window, on);
        }
    }

    /// Nothing of a window is to be painted any more.
    pub fn validate_whole(&mut self, window: u32) {
        if self.get(window + field::UPDATE) != 0 {
            self.set_update_region(window, &Region::default());
        }
        self.set_internal_paint(window, false);
    }

    fn shown_children(&self, window: u32) -> Vec<u32> {
        self.children(window).into_iter().filter(|child| self.get(child + field::STYLE) & VISIBLE != 0).collect()
    }

    fn validate_children(&mut self, window: u32) {
        for child in self.shown_children(window) {
            self.validate_children(child);
            self.validate_whole(child);
        }
    }

    /// How far a window's client area lies from its upper left corner.
    fn client_offset(&self, window: u32) -> (i32, i32) {
        let (whole, client) = (self.rect(window + field::WINDOW_RECT), self.rect(window + field::CLIENT_RECT));
        (client.left.wrapping_sub(whole.left), client.top.wrapping_sub(whole.top))
    }

    /// A region of the client area (`None`: all) as far as it lies in the client area or the frame, from the window's upper left corner.
    fn cropped(&self, window: u32, region: Option<&Region>, frame: bool) -> Option<Region> {
        let rect = Region::from(self.uncovered_rect(window, frame)?);
        let Some(region) = region else { return Some(rect) };
        let (x, y) = self.client_offset(window);
        Some(region.offset(x, y).combine(&rect, Mode::And)).filter(|region| !region.is_empty())
    }

    /// What is said to be done draws on nothing but the client area from now on.
    fn validate_frame(&mut self, window: u32) {
        let Some(region) = self.update_region(window) else { return };
        let whole = self.rect(window + field::WINDOW_RECT);
        let client = self.rect(window + field::CLIENT_RECT);
        let client = Region::from(client.offset(whole.left.wrapping_neg(), whole.top.wrapping_neg()));
        self.set_update_region(window, &region.combine(&client, Mode::And));
        self.set_paint(window, bits::FRAME, false);
    }

    /// Invalidates or validates a region of a window's client area (`None`: all), with `frame` of its frame too; flags are [`rdw`]'s.
    pub fn redraw(&mut self, window: u32, region: Option<&Region>, frame: bool, mut flags: u32) {
        if flags & rdw::INVALIDATE != 0 {
            let Some(new) = self.cropped(window, region, frame) else { return };
            let all = self.update_region(window).map_or(new.clone(), |before| before.combine(&new, Mode::Or));
            self.set_update_region(window, &all);
            for (asked, bit) in [(rdw::FRAME, bits::FRAME), (rdw::ERASE, bits::ERASE)] {
                if flags & asked != 0 {
                    self.set_paint(window, bit, true);
                }
            }
        } else if flags & rdw::VALIDATE != 0 {
            if region.is_none() && flags & rdw::NO_FRAME != 0 {
                self.set_update_region(window, &Region::default());
            } else if let Some(before) = self.update_region(window) {
                if let Some(gone) = self.cropped(window, region, frame) {
                    self.set_update_region(window, &before.combine(&gone, Mode::Diff));
                }
                if flags & rdw::NO_FRAME != 0 {
                    self.validate_frame(window);
                }
                if flags & rdw::NO_ERASE != 0 {
                    self.set_paint(window, bits::ERASE | bits::DELAYED_ERASE, false);
                }
            }
        }
        if flags & rdw::INTERNAL_PAINT != 0 {
            self.set_internal_paint(window, true);
        } else if flags & rdw::NO_INTERNAL_PAINT != 0 {
            self.set_internal_paint(window, false);
        }
        let style = self.get(window + field::STYLE);
        if flags & rdw::NO_CHILDREN != 0
            || style & MINIMIZE != 0
            || style & CLIP_CHILDREN != 0 && flags & rdw::ALL_CHILDREN == 0
        {
            return;
        }
        let Some(inner) = self.cropped(window, region, false) else { return };
        let (x, y) = self.client_offset(window);
        let inner = inner.offset(x.wrapping_neg(), y.wrapping_neg());
        if flags & rdw::INVALIDATE != 0 {
            flags |= rdw::FRAME | rdw::ERASE;
        }
        for child in self.shown_children(window) {
            if self.room() < crate::shm::layout::LOG_ENTRIES / 4 {
                // Who has so many children paints the rest with the next change.
                return;
            }
            if inner.touches(&self.rect(child + field::WINDOW_RECT)) {
                let client = self.rect(child + field::CLIENT_RECT);
                let own = inner.offset(client.left.wrapping_neg(), client.top.wrapping_neg());
                self.redraw(child, Some(&own), true, flags);
            }
        }
    }

    /// What is painted of a window is painted of those above it that do not leave it out.
    fn validate_parents(&mut self, window: u32) {
        let Some(region) = self.update_region(window) else { return };
        let (mut x, mut y, mut at) = (0i32, 0i32, window);
        for above in self.ancestors(window) {
            let whole = self.rect(at + field::WINDOW_RECT);
            let (client_x, client_y) = self.client_offset(above);
            (x, y) =
                (x.wrapping_add(whole.left).wrapping_add(client_x), y.wrapping_add(whole.top).wrapping_add(client_y));
            if self.get(above + field::STYLE) & CLIP_CHILDREN == 0
                && let Some(theirs) = self.update_region(above)
            {
                self.set_update_region(above, &theirs.combine(&region.offset(x, y), Mode::Diff));
            }
            at = above;
        }
    }

    fn due_flags(&self, window: u32, wanted: u32) -> u32 {
        let set = self.get(window + field::PAINT);
        let invalid = self.get(window + field::UPDATE) != 0;
        let delayed = if set & bits::DELAYED_ERASE != 0 { update::DELAYED_ERASE } else { 0 };
        let mut flags = 0;
        if wanted & update::FRAME != 0 && set & bits::FRAME != 0 && invalid {
            flags |= update::FRAME;
        }
        if wanted & update::ERASE != 0 && set & bits::ERASE != 0 && invalid {
            flags |= update::ERASE;
        }
        if wanted & update::PAINT != 0 && invalid {
            flags |= update::PAINT | delayed;
        }
        if wanted & update::INTERNAL != 0 && set & bits::INTERNAL != 0 {
            flags |= update::INTERNAL | delayed;
        }
        flags
    }

    fn due_child(&self, window: u32, from: u32, wanted: u32) -> Option<(u32, u32)> {
        let style = self.get(window + field::STYLE);
        // Those of a window that does not clip them wait until that is painted.
        if style & MINIMIZE != 0 || wanted & update::ALL_CHILDREN == 0 && style & CLIP_CHILDREN == 0 {
            return None;
        }
        let children = self.children(window);
        let begin = children.iter().position(|child| *child == from).map_or(0, |at| at + 1);
        children.into_iter().skip(begin).filter(|child| self.get(child + field::STYLE) & VISIBLE != 0).find_map(
            |child| match self.due_flags(child, wanted) {
                0 => self.due_child(child, 0, wanted),
                flags => Some((child, flags)),
            },
        )
    }

    fn needs_paint(&self, window: u32) -> bool {
        self.get(window + field::UPDATE) != 0 || self.get(window + field::PAINT) & bits::INTERNAL != 0
    }

    /// The window of `window` and what lies below it, behind `from` (0: it itself is the first), of which something is to be painted.
    fn due_window(&self, window: u32, from: u32, wanted: u32) -> Option<(u32, u32)> {
        if !self.is_visible(window) {
            return None;
        }
        let up_to = |tx: &Self, from: u32| {
            let mut all = vec![from];
            all.extend(tx.ancestors(from));
            let end = all.iter().position(|at| *at == window).map_or(all.len(), |at| at + 1);
            all.truncate(end);
            all
        };
        let mut sibling = 0;
        if from != 0 {
            for at in up_to(self, from) {
                if self.get(at + field::STYLE) & (VISIBLE | MINIMIZE) != VISIBLE {
                    sibling = at;
                }
            }
        }
        if wanted & update::FRAME != 0 && wanted & (update::PAINT | update::INTERNAL) == 0 {
            // Frames wait for parents that will be painted over them.
            let unclipped = |tx: &Self, at: u32| tx.get(at + field::STYLE) & CLIP_CHILDREN == 0 && tx.needs_paint(at);
            if self.ancestors(window).into_iter().any(|above| unclipped(self, above)) {
                return None;
            }
            if from != 0 && wanted & update::ALL_CHILDREN == 0 {
                for at in up_to(self, if sibling != 0 { sibling } else { from }) {
                    if unclipped(self, at) {
                        sibling = at;
                    }
                }
            }
        }
        if from == 0 {
            let flags = self.due_flags(window, wanted);
            if flags != 0 {
                return Some((window, flags));
            }
        }
        let from = if from == 0 { window } else { from };
        if wanted & update::NO_CHILDREN != 0 {
            return None;
        }
        if sibling == 0 {
            if let Some(found) = self.due_child(from, 0, wanted) {
                return Some(found);
            }
            sibling = from;
        }
        for above in self.ancestors(sibling) {
            if sibling == window {
                break;
            }
            if let Some(found) = self.due_child(above, sibling, wanted) {
                return Some(found);
            }
            sibling = above;
        }
        None
    }

    /// What is to be painted of a window and what lies below it, behind `from` (0: the window is the first). Unless
    /// [`update::NO_REGION`] is asked for, what is found counts as done.
    pub fn take_due(&mut self, window: u32, from: u32, wanted: u32) -> Due {
        if wanted & update::DELAYED_ERASE != 0 {
            self.set_paint(if from != 0 { from } else { window }, bits::DELAYED_ERASE, true);
        }
        let (found, flags) = self.due_window(window, from, wanted).unwrap_or((window, 0));
        let mut due = Due { window: found, flags, region: Region::default() };
        if wanted & update::NO_REGION != 0 {
            return due;
        }
        if let Some(region) = self.update_region(found) {
            let mut region = region;
            if wanted & update::CLIP_CHILDREN != 0 && self.get(found + field::STYLE) & CLIP_CHILDREN != 0 {
                let (x, y) = self.client_offset(found);
                region =
                    self.without_children(found, 0, region.offset(x.wrapping_neg(), y.wrapping_neg())).offset(x, y);
            }
            let whole = self.screen_rect(found, field::WINDOW_RECT);
            due.region = region.offset(whole.left, whole.top);
        }
        if flags & (update::PAINT | update::INTERNAL) != 0 {
            self.validate_parents(found);
            self.validate_whole(found);
        } else {
            if flags & update::FRAME != 0 {
                self.validate_frame(found);
            }
            if flags & update::ERASE != 0 {
                self.set_paint(found, bits::ERASE | bits::DELAYED_ERASE, false);
                // The desktop is erased, never painted.
                if self.is_root(found) {
                    self.validate_whole(found);
                }
            }
        }
        due
    }

    fn due_for(&self, parent: u32, queue: u32) -> u32 {
        let mine = |tx: &Self, window: u32| tx.link(window + field::QUEUE) == queue && tx.needs_paint(window);
        let children = self.shown_children(parent);
        for (at, child) in children.iter().copied().enumerate() {
            let found = if mine(self, child) {
                child
            } else if self.get(child + field::STYLE) & MINIMIZE == 0 {
                self.due_for(child, queue)
            } else {
                0
            };
            if found == 0 {
                continue;
            }
            if found == child && self.get(found + field::EX_STYLE) & super::surface::EX_TRANSPARENT != 0 {
                // What shows through is painted first.
                let below = children.iter().skip(at + 1).copied().find(|other| {
                    self.get(other + field::EX_STYLE) & super::surface::EX_TRANSPARENT == 0 && mine(self, *other)
                });
                return below.unwrap_or(found);
            }
            return found;
        }
        0
    }

    /// The window of a queue's that gets WM_PAINT next: its record, 0 for none. Of those below `parent` (0: of all) alone. That it was
    /// to be painted without anything invalid counts as done.
    pub fn window_to_paint(&mut self, queue: u32, parent: u32) -> u32 {
        if self.get(queue + queue::field::PAINTS) == 0 {
            return 0;
        }
        let desktop = self.window_of_desktop(self.link(queue + queue::field::DESKTOP));
        let found = if desktop == 0 { 0 } else { self.due_for(desktop, queue) };
        if found == 0 || parent != 0 && found != parent && !self.is_below(found, parent) {
            return 0;
        }
        found
    }

    /// WM_PAINT is got for a window: what was to be painted without anything invalid counts as done.
    pub fn paint_told(&mut self, window: u32) {
        self.set_internal_paint(window, false);
    }

    /// Invalidates what a window's change lays open of its parent, and answers what of itself, in its client area.
    fn expose(&mut self, window: u32, old_rect: &Rect, old: &Region, restacked: bool) -> Option<Region> {
        let new = self.visible_region(window, dcx::WINDOW);
        let (x, y) = self.client_offset(window);
        let parent = self.link(window + field::PARENT);
        // What lies in a window that is drawn as a whole is drawn anew with all that it touches.
        let composited = parent != 0 && self.get(parent + field::EX_STYLE) & EX_COMPOSITED != 0;
        if composited && !restacked && *old_rect == self.rect(window + field::WINDOW_RECT) && *old == new {
            return None;
        }
        let mode = if composited { Mode::Or } else { Mode::Diff };
        let own = new.combine(old, mode);
        let own = (!own.is_empty()).then(|| own.offset(x.wrapping_neg(), y.wrapping_neg()));
        if parent != 0 && !self.is_root(parent) {
            let rect = self.rect(window + field::WINDOW_RECT);
            let new = new.offset(rect.left.wrapping_sub(old_rect.left), rect.top.wrapping_sub(old_rect.top));
            // Of one that was not seen, all that it covers now is drawn anew.
            let left = if old.is_empty() { new } else { old.combine(&new, mode) };
            if !left.is_empty() {
                let left = left.offset(old_rect.left, old_rect.top);
                self.redraw(parent, Some(&left), false, rdw::INVALIDATE | rdw::ERASE | rdw::ALL_CHILDREN);
            }
        }
        own
    }

    fn crop_children(&mut self, window: u32, rect: Option<&Rect>) {
        for child in self.shown_children(window) {
            let Some(rect) = rect else {
                self.crop_children(child, None);
                self.set_update_region(child, &Region::default());
                continue;
            };
            let whole = self.rect(child + field::WINDOW_RECT);
            if rect.covers(&whole) {
                continue;
            }
            let client = self.rect(child + field::CLIENT_RECT);
            let inner = rect.offset(client.left.wrapping_neg(), client.top.wrapping_neg());
            self.crop_children(child, Some(&inner));
            if let Some(region) = self.update_region(child) {
                let own = Region::from(rect.offset(whole.left.wrapping_neg(), whole.top.wrapping_neg()));
                self.set_update_region(child, &region.combine(&own, Mode::And));
            }
        }
    }

    /// Puts a window elsewhere, shows or hides it; what that lays open is invalid.
    pub fn place_window(&mut self, window: u32, placed: &Placed) {
        self.put_there(window, placed);
        self.settle_full_screen();
    }

    fn put_there(&mut self, window: u32, placed: &Placed) {
        let (old_window, old_client) = (self.rect(window + field::WINDOW_RECT), self.rect(window + field::CLIENT_RECT));
        let parent = self.link(window + field::PARENT);
        let style = self.get(window + field::STYLE);
        let visible =
            (style & VISIBLE != 0 || placed.flags & swp::SHOW != 0) && (parent == 0 || self.is_visible(parent));
        let old = if visible { self.visible_region(window, dcx::WINDOW) } else { Region::default() };
        self.set_rect(window + field::WINDOW_RECT, placed.window);
        self.set_rect(window + field::CLIENT_RECT, placed.client);
        self.follow_right_edge(window, old_client.width());
        if placed.flags & swp::NO_Z_ORDER == 0 && parent != 0 {
            self.restack(window, placed.order);
        }
        if placed.flags & swp::SHOW != 0 {
            self.set(window + field::STYLE, style | VISIBLE);
        } else if placed.flags & swp::HIDE != 0 {
            self.set(window + field::STYLE, style & !VISIBLE);
        }
        self.windows_changed();
        if !visible {
            return;
        }
        let quiet = placed.flags & swp::NO_REDRAW != 0;
        let mut exposed =
            if quiet { None } else { self.expose(window, &old_window, &old, placed.flags & swp::NO_Z_ORDER == 0) };
        if self.get(window + field::STYLE) & VISIBLE == 0 {
            self.validate_whole(window);
            self.validate_children(window);
            return;
        }
        if let Some(region) = self.update_region(window) {
            let rect = self.uncovered_rect(window, true).map_or_else(Region::default, Region::from);
            self.set_update_region(window, &region.combine(&rect, Mode::And));
        }
        let (x, y) = self.client_offset(window);
        let inner = self.uncovered_rect(window, false).map(|rect| rect.offset(x.wrapping_neg(), y.wrapping_neg()));
        self.crop_children(window, inner.as_ref());
        if quiet {
            return;
        }
        let (frame_changed, client_changed) = if placed.flags & swp::NO_COPY_BITS != 0 {
            (placed.window != old_window, placed.client != old_client)
        } else {
            // The pixels follow the window.
            let (x, y) =
                (placed.window.left.wrapping_sub(old_window.left), placed.window.top.wrapping_sub(old_window.top));
            (
                placed.window != old_window.offset(x, y),
                placed.client != old_client.offset(x, y) || placed.valid != placed.client,
            )
        };
        if placed.flags & swp::FRAME_CHANGED != 0 || frame_changed || client_changed {
            let mut all = Region::from(placed.window);
            if !placed.valid.is_empty() {
                let mut valid = Region::from(placed.valid);
                if let Some(region) = self.update_region(window) {
                    valid = valid.combine(&region.offset(placed.window.left, placed.window.top), Mode::Diff);
                }
                all = all.combine(&valid, Mode::Diff);
            }
            let all = all.offset(placed.client.left.wrapping_neg(), placed.client.top.wrapping_neg());
            exposed = Some(exposed.map_or(all.clone(), |exposed| exposed.combine(&all, Mode::Or)));
        }
        if let Some(exposed) = exposed {
            let flags = rdw::INVALIDATE | rdw::ERASE | rdw::FRAME | rdw::ALL_CHILDREN;
            self.redraw(window, Some(&exposed), true, flags);
        }
    }

    /// Gives a window a shape, or none; with `redraw` what that changes is invalid.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn reshape(&mut self, window: u32, shape: Option<&[Rect]>, redraw: bool) -> crate::status::Nt<()> {
        let redraw = redraw && self.is_visible(window);
        let old = if redraw { self.visible_region(window, dcx::WINDOW) } else { Region::default() };
        self.set_window_region(window, shape)?;
        self.windows_changed();
        if redraw {
            let rect = self.rect(window + field::WINDOW_RECT);
            if let Some(exposed) = self.expose(window, &rect, &old, false) {
                let flags = rdw::INVALIDATE | rdw::ERASE | rdw::FRAME | rdw::ALL_CHILDREN;
                self.redraw(window, Some(&exposed), true, flags);
            }
        }
        Ok(())
    }

    /// A window's style changed: its frame is painted with what else is to be.
    pub fn frame_due(&mut self, window: u32) {
        self.set_paint(window, bits::FRAME, true);
    }

    /// A window goes that nobody hides before: what of its parent it covers is painted anew.
    pub(super) fn uncover(&mut self, window: u32) {
        let parent = self.link(window + field::PARENT);
        if parent != 0 && !self.is_root(parent) && self.is_visible(window) {
            let rect = Region::from(self.rect(window + field::WINDOW_RECT));
            self.redraw(parent, Some(&rect), false, rdw::INVALIDATE | rdw::ERASE | rdw::ALL_CHILDREN);
        }
    }

    /// A window goes: nothing of it is to be painted.
    pub(super) fn paint_loses(&mut self, window: u32) {
        self.validate_whole(window);
    }
}
