//! What Alt+Tab goes through: as long as somebody holds Alt, the list stands in the tray, and whoever paints the task bar shows it in a window of nobody's.

use super::tray::block;
use crate::shm::Tx;
use crate::status::Nt;
use crate::win32k::geometry::Rect;

/// Windows that are listed: those far behind are gone through without being seen.
const MOST: usize = 256;

impl Tx<'_> {
    /// A desktop's user is at a window of those, by handle.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn show_switcher(&mut self, member: u32, order: &[u32], at: usize) -> Nt<()> {
        let tray = self.make_tray()?;
        if self.link(tray + block::SWITCHER) == 0 {
            let made = self.make_window_of_tray(self.root_window(false), "TaskSwitcherWnd")?;
            self.set(tray + block::SWITCHER, made);
        }
        let bytes: Vec<u8> = order.iter().take(MOST).flat_map(|handle| handle.to_le_bytes()).collect();
        self.replace_bytes(tray + block::SWITCHED, &bytes)?;
        self.set(tray + block::SWITCHED_AT, at as u32);
        self.set(tray + block::SWITCHES, member);
        self.display_changed();
        Ok(())
    }

    /// That user lets go, or is gone.
    pub(crate) fn hide_switcher(&mut self, member: u32) {
        let Some(tray) = self.tray().filter(|tray| self.get(tray + block::SWITCHES) == member && member != 0) else {
            return;
        };
        self.set(tray + block::SWITCHES, 0);
        self.place_popup(block::SWITCHER, Rect::default());
    }

    /// The windows that somebody goes through, by handle, and which of them it is at; `None` if nobody does.
    pub(crate) fn switching(&self) -> Option<(Vec<u32>, usize)> {
        let tray = self.tray().filter(|tray| self.get(tray + block::SWITCHES) != 0)?;
        let bytes = self.kept_bytes(tray + block::SWITCHED);
        let order = bytes.as_chunks::<4>().0.iter().map(|handle| u32::from_le_bytes(*handle)).collect();
        Some((order, self.get(tray + block::SWITCHED_AT) as usize))
    }
}
