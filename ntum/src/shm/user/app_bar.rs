//! App bars: windows of programs that keep an edge of the screen for themselves, as SHAppBarMessage says, and what the task bar and they
//! together take from the work area.

use super::message::Message;
use super::tray::{HEIGHT, block};
use super::window::field as window;
use crate::shm::Tx;
use crate::shm::list::List;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};
use crate::win32k::geometry::Rect;

/// Words of an app bar.
mod field {
    /// Node in the list of all.
    pub const NODE: u32 = 0;
    /// Its window, by handle, and the message that tells it.
    pub const OWNER: u32 = 2;
    pub const CALLBACK: u32 = 3;
    /// Where it lies, once that was said: one more than its edge, the rectangle, and how much of the screen that takes there.
    pub const EDGE: u32 = 4;
    pub const RECT: u32 = 5;
    pub const WIDTH: u32 = 9;
    /// One more than the edge where it hides itself, 0 for none.
    pub const HIDES: u32 = 10;
    /// Number of words.
    pub const COUNT: u32 = 11;
}

/// App bars of the sandbox: what programs make without end ends here.
const MOST: usize = 64;
/// ABN_POSCHANGED, ABN_FULLSCREENAPP.
const POSITION_CHANGED: u64 = 1;
const FULL_SCREEN: u64 = 2;

/// An edge of the screen: ABE_*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// ABE_LEFT.
    Left = 0,
    /// ABE_TOP.
    Top = 1,
    /// ABE_RIGHT.
    Right = 2,
    /// ABE_BOTTOM.
    Bottom = 3,
}

impl Edge {
    /// All of them, by their numbers.
    const ALL: [Edge; 4] = [Edge::Left, Edge::Top, Edge::Right, Edge::Bottom];

    /// The edge of that number.
    pub fn of(number: u32) -> Option<Edge> {
        Edge::ALL.get(number as usize).copied()
    }

    /// What of an area is left of one that lies along this edge.
    fn cut(self, area: &mut Rect, taken: &Rect) {
        match self {
            Edge::Left => area.left = area.left.max(taken.right),
            Edge::Top => area.top = area.top.max(taken.bottom),
            Edge::Right => area.right = area.right.min(taken.left),
            Edge::Bottom => area.bottom = area.bottom.min(taken.top),
        }
    }

    /// How much of the screen an area along this edge takes.
    fn width(self, screen: &Rect, area: &Rect) -> i32 {
        let width = match self {
            Edge::Left => area.right.saturating_sub(screen.left),
            Edge::Top => area.bottom.saturating_sub(screen.top),
            Edge::Right => screen.right.saturating_sub(area.left),
            Edge::Bottom => screen.bottom.saturating_sub(area.top),
        };
        width.max(0)
    }

    /// The side of an area at this edge, and which way the area goes from there.
    fn side(self, area: &mut Rect) -> (&mut i32, i32) {
        match self {
            Edge::Left => (&mut area.left, 1),
            Edge::Top => (&mut area.top, 1),
            Edge::Right => (&mut area.right, -1),
            Edge::Bottom => (&mut area.bottom, -1),
        }
    }
}

/// The work area when the shell takes other widths of a screen's edges than before: what somebody else keeps free stays so.
fn without(mut work: Rect, mut screen: Rect, before: [i32; 4], now: [i32; 4]) -> Rect {
    for (edge, (before, now)) in Edge::ALL.into_iter().zip(before.into_iter().zip(now)) {
        let (end, way) = edge.side(&mut screen);
        let at = |width: i32| end.saturating_add(way * width.clamp(0, i32::from(i16::MAX)));
        let (before, now) = (at(before), at(now));
        let side = edge.side(&mut work).0;
        *side = match () {
            () if *side == before => now,
            () if way > 0 => (*side).max(now),
            () => (*side).min(now),
        };
    }
    work
}

impl Tx<'_> {
    fn app_bars(&self) -> Vec<u32> {
        let Some(tray) = self.tray() else { return Vec::new() };
        List(tray + block::APP_BARS).nodes(self).into_iter().map(|node| node - field::NODE).collect()
    }

    fn app_bar(&self, owner: u32) -> Option<u32> {
        self.app_bars().into_iter().find(|bar| self.get(bar + field::OWNER) == owner)
    }

    fn edge_of(&self, bar: u32) -> Option<Edge> {
        Edge::of(self.get(bar + field::EDGE).wrapping_sub(1))
    }

    /// ABM_NEW: a window is an app bar from now on; answers whether it was none, and is one.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn add_app_bar(&mut self, owner: u32, callback: u32) -> Nt<bool> {
        if self.window(owner).is_none() || self.app_bar(owner).is_some() {
            return Ok(false);
        }
        if self.app_bars().len() >= MOST {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        let tray = self.make_tray()?;
        let bar = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(bar + field::OWNER, owner);
        self.set(bar + field::CALLBACK, callback);
        List(tray + block::APP_BARS).push(self, bar + field::NODE);
        Ok(true)
    }

    /// ABM_REMOVE, or its window goes.
    pub fn drop_app_bar(&mut self, owner: u32) {
        let (Some(tray), Some(bar)) = (self.tray(), self.app_bar(owner)) else { return };
        List(tray + block::APP_BARS).remove(self, bar + field::NODE);
        self.free(bar);
        self.settle_work_area();
        self.tell_app_bars(owner);
    }

    /// ABM_QUERYPOS: what of an area is free of the task bar and of app bars that were there before this one.
    pub fn fit_app_bar(&self, owner: u32, mut area: Rect) -> Rect {
        if self.shows_task_bar()
            && let Some(tray) = self.tray()
        {
            Edge::Bottom.cut(&mut area, &self.rect(self.link(tray + block::BAR) + window::WINDOW_RECT));
        }
        for bar in self.app_bars() {
            if self.get(bar + field::OWNER) == owner {
                break;
            }
            if let Some(edge) = self.edge_of(bar) {
                edge.cut(&mut area, &self.rect(bar + field::RECT));
            }
        }
        area
    }

    /// ABM_SETPOS: an app bar lies there from now on; answers where. One that is none takes nothing of the screen.
    pub fn place_app_bar(&mut self, owner: u32, edge: Edge, area: Rect) -> Rect {
        let Some(bar) = self.app_bar(owner) else { return area };
        let area = self.fit_app_bar(owner, area);
        let moved = self.edge_of(bar) != Some(edge) || self.rect(bar + field::RECT) != area;
        let screen = self.rect(self.root_window(false) + window::WINDOW_RECT);
        self.set(bar + field::EDGE, edge as u32 + 1);
        self.set_rect(bar + field::RECT, area);
        self.set(bar + field::WIDTH, edge.width(&screen, &area) as u32);
        self.settle_work_area();
        if moved {
            self.tell_app_bars(owner);
        }
        area
    }

    /// ABM_GETAUTOHIDEBAR: the app bar that hides itself at an edge, by its window's handle; 0 for none.
    pub fn hiding_app_bar(&self, edge: Edge) -> u32 {
        let hides = |bar: &u32| self.get(bar + field::HIDES) == edge as u32 + 1;
        self.app_bars().into_iter().find(hides).map_or(0, |bar| self.get(bar + field::OWNER))
    }

    /// ABM_SETAUTOHIDEBAR: an app bar hides itself at an edge, or no longer; answers whether that is so now. There may be one at each.
    pub fn hide_app_bar(&mut self, owner: u32, edge: Edge, hides: bool) -> bool {
        let Some(bar) = self.app_bar(owner) else { return false };
        let other = self.hiding_app_bar(edge);
        if hides && other != 0 && other != owner {
            return false;
        }
        if hides || other == owner {
            self.set(bar + field::HIDES, if hides { edge as u32 + 1 } else { 0 });
        }
        true
    }

    /// Tells all app bars but one that another one, or the task bar, lies elsewhere.
    pub(super) fn tell_app_bars(&mut self, but: u32) {
        self.tell_of(but, POSITION_CHANGED, 0);
    }

    /// Tells all app bars that a window covers all of the screen, or none does any more.
    pub(super) fn tell_full_screen(&mut self, covers: bool) {
        self.tell_of(0, FULL_SCREEN, covers.into());
    }

    fn tell_of(&mut self, but: u32, wparam: u64, lparam: u64) {
        for bar in self.app_bars() {
            let [owner, callback] = [field::OWNER, field::CALLBACK].map(|at| self.get(bar + at));
            let queue = self.window(owner).map_or(0, |owner| self.link(owner + window::QUEUE));
            if owner != but && queue != 0 {
                let told = Message { window: owner, number: callback, wparam, lparam, ..Message::default() };
                // Without memory for it the program misses that.
                let _ = self.post_message(queue, &told);
            }
        }
    }

    /// The work area is what the task bar and app bars leave of the screen.
    pub(super) fn settle_work_area(&mut self) {
        let Some(tray) = self.tray() else { return };
        let mut now = [0; 4];
        now[Edge::Bottom as usize] = if self.shows_task_bar() { HEIGHT } else { 0 };
        for bar in self.app_bars() {
            if let Some(edge) = self.edge_of(bar) {
                let width = &mut now[edge as usize];
                *width = (*width).max(self.get(bar + field::WIDTH) as i32);
            }
        }
        let before = [0, 1, 2, 3].map(|side| self.get(tray + block::TAKEN + side) as i32);
        if before == now {
            return;
        }
        for (at, width) in (tray + block::TAKEN..).zip(now) {
            self.set(at, width as u32);
        }
        let (screen, work) = (self.rect(self.root_window(false) + window::WINDOW_RECT), self.work_area());
        let area = without(work, screen, before, now);
        if area != work && !area.is_empty() && self.set_work_area(area).is_ok() {
            self.set(tray + block::CHANGED, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_keep_free_stays_so() {
        let screen = Rect::new(0, 0, 100, 80);
        let all = without(screen, screen, [0; 4], [5, 6, 7, 8]);
        assert_eq!(all, Rect::new(5, 6, 93, 72));
        assert_eq!(without(all, screen, [5, 6, 7, 8], [0; 4]), screen);
        // A program left 20 below, and more than that at the right.
        let own = Rect::new(0, 0, 50, 60);
        assert_eq!(without(own, screen, [0; 4], [5, 0, 7, 8]), Rect::new(5, 0, 50, 60));
        assert_eq!(without(own, screen, [0, 0, 0, 8], [0; 4]), own);
        assert_eq!(without(screen, screen, [0; 4], [i32::MAX; 4]).width(), 100 - 2 * 0x7fff);
    }
}
