//! A window that covers all of the screen while it is in front: the task bar lies below it, and app bars are told.

use super::tray::block;
use super::window::{MINIMIZE, Order, VISIBLE, field};
use crate::shm::Tx;

/// Owners of owners that are looked at.
const MOST: usize = 16;

impl Tx<'_> {
    /// The window in front, or one that owns it, whose client area is all of the screen: by handle, 0 for none.
    fn full_screen(&self) -> u32 {
        let screen = self.rect(self.root_window(false) + field::WINDOW_RECT);
        let covers = |window: &u32| {
            let style = self.get(window + field::STYLE);
            style & (VISIBLE | MINIMIZE) == VISIBLE
                && [field::WINDOW_RECT, field::CLIENT_RECT].iter().all(|at| self.rect(window + at).covers(&screen))
        };
        let owner = |window: &u32| Some(self.link(window + field::OWNER));
        let all = std::iter::successors(Some(self.active_window()), owner).take_while(|window| *window != 0);
        all.take(MOST).find(covers).map_or(0, |window| self.handle_of(window))
    }

    /// Windows moved, or another one is active: the task bar is where it belongs, and app bars know of a window that covers them.
    pub(crate) fn settle_full_screen(&mut self) {
        let Some(tray) = self.tray() else { return };
        let (before, now) = (self.get(tray + block::FULL_SCREEN), self.full_screen());
        if before == now {
            return;
        }
        self.set(tray + block::FULL_SCREEN, now);
        if (before == 0) == (now == 0) {
            return;
        }
        self.tell_full_screen(now != 0);
        if self.shows_task_bar() {
            self.restack(self.link(tray + block::BAR), if now != 0 { Order::Bottom } else { Order::Topmost });
            self.windows_changed();
        }
    }
}
