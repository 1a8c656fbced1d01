//! Balloons of icons in the notification area, and the window beside the task bar that shows one at a time.

use super::tray::{Balloon, HIDDEN, block, event, field};
use super::window::{Order, VISIBLE, field as window};
use crate::shm::Tx;
use crate::win32k::geometry::Rect;

impl Tx<'_> {
    pub(super) fn hide_popup(&mut self) {
        self.place_popup(block::POPUP, Rect::default());
    }

    /// Shows one of the tray's windows, that of balloons and tips or that of Alt+Tab, there, or with an empty rectangle hides it.
    pub(crate) fn place_popup(&mut self, which: u32, rect: Rect) {
        let Some(popup) = self.tray().map(|tray| self.link(tray + which)).filter(|popup| *popup != 0) else { return };
        let style = self.get(popup + window::STYLE);
        if rect.is_empty() {
            if style & VISIBLE != 0 {
                self.set(popup + window::STYLE, style & !VISIBLE);
                self.windows_changed();
            }
            return;
        }
        if style & VISIBLE != 0 && self.rect(popup + window::WINDOW_RECT) == rect {
            return;
        }
        for at in [window::WINDOW_RECT, window::CLIENT_RECT] {
            self.set_rect(popup + at, rect);
        }
        self.set(popup + window::STYLE, style | VISIBLE);
        self.restack(popup, Order::Topmost);
        self.windows_changed();
    }

    /// The icon whose balloon is shown; 0 for none.
    pub(crate) fn shown_balloon(&self) -> u32 {
        self.tray().map_or(0, |tray| self.link(tray + block::BALLOON))
    }

    /// An icon's balloon.
    pub(crate) fn balloon_of(&self, record: u32) -> Balloon {
        Balloon {
            title: self.kept_bytes(record + field::TITLE),
            text: self.kept_bytes(record + field::TEXT),
            sign: self.kept_bytes(record + field::SIGN),
            flags: self.get(record + field::INFO),
            timeout: self.get(record + field::TIMEOUT),
        }
    }

    /// Shows the next balloon that waits, takes away one whose time is over; answers when it is to be looked again, ms.
    pub(crate) fn turn_balloons(&mut self, now: u32) -> Option<u32> {
        let tray = self.tray()?;
        let shown = self.link(tray + block::BALLOON);
        if shown != 0 {
            let until = self.get(tray + block::SINCE).wrapping_add(self.get(shown + field::TIMEOUT));
            if (until.wrapping_sub(now) as i32) > 0 {
                return Some(until);
            }
            self.take_balloon(shown, event::BALLOON_TIMEOUT);
        }
        let waits =
            |record: &u32| self.get(record + field::SERIAL) != 0 && self.get(record + field::STATE) & HIDDEN == 0;
        let next = self.tray_icons().into_iter().filter(waits).min_by_key(|record| self.get(record + field::SERIAL))?;
        self.set(tray + block::BALLOON, next);
        self.set(tray + block::SINCE, now);
        self.tell_of_icon(next, event::BALLOON_SHOW);
        Some(now.wrapping_add(self.get(next + field::TIMEOUT)))
    }

    /// An icon has no balloon any more; its program is told why if it was shown.
    pub(crate) fn take_balloon(&mut self, record: u32, why: u32) {
        self.set(record + field::SERIAL, 0);
        let Some(tray) = self.tray().filter(|tray| self.link(tray + block::BALLOON) == record) else { return };
        self.set(tray + block::BALLOON, 0);
        self.tell_of_icon(record, why);
        self.display_changed();
    }
}
