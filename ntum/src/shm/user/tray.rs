//! The notification area of the task bar: its icons, which belong to windows, and the two windows that show it, which belong to nobody.
//!
//! `Shell_TrayWnd` lies along the lower edge of the screen while an icon is to be seen, above all that does not stay on top, and takes its height from the
//! work area; a window like a tool tip's beside it holds balloons and tips. A desktop that shows them paints both.

use super::window::{Made, Order, VISIBLE, field as window};
use super::{message, root};
use crate::shm::Tx;
use crate::shm::list::List;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};
use crate::types::wide;
use crate::win32k::geometry::Rect;
use message::{Message, Sending, how};

/// Words of the tray.
pub(crate) mod block {
    /// The task bar and the window of balloons and tips: records.
    pub const BAR: u32 = 0;
    pub const POPUP: u32 = 1;
    /// Icons in the order in which they came: a list.
    pub const ICONS: u32 = 2;
    /// The icon below the mouse; that whose balloon is shown, and since when, ms: records, 0 for none.
    pub const HOVER: u32 = 4;
    pub const BALLOON: u32 = 5;
    pub const SINCE: u32 = 6;
    /// The last button that went down: its icon, WM_*, when.
    pub const PRESSED: u32 = 7;
    /// Counts balloons: they are shown in the order in which they came.
    pub const SERIAL: u32 = 10;
    /// Not 0 while windows have yet to hear that the work area is another.
    pub const CHANGED: u32 = 11;
    /// App bars: a list; how much of each edge of the screen the task bar and they take, and the window that SHAppBarMessage speaks to: a
    /// record, 0 before somebody looked for it. See [`super::super::app_bar`].
    pub const APP_BARS: u32 = 12;
    pub const TAKEN: u32 = 14;
    pub const APP_WINDOW: u32 = 18;
    /// What of the bar has the keyboard: a button's window, by handle, or an icon; 0 for none. See `win32k::user::tray::keys`.
    pub const KEYED_WINDOW: u32 = 19;
    pub const KEYED_ICON: u32 = 20;
    /// The window that shows what Alt+Tab goes through, a record, 0 before it was needed; the windows that it goes through, by handle, a block of
    /// bytes; which of them it is at; the member that switches, 0 for none. See [`super::super::switcher`].
    pub const SWITCHER: u32 = 21;
    pub const SWITCHED: u32 = 22;
    pub const SWITCHED_AT: u32 = 23;
    pub const SWITCHES: u32 = 24;
    /// The window in front that covers all of the screen, by handle; 0 for none. See [`super::super::full_screen`].
    pub const FULL_SCREEN: u32 = 25;
    /// Number of words.
    pub const COUNT: u32 = 26;
}

/// Words of an icon.
pub(super) mod field {
    /// Node in the list of all.
    pub const NODE: u32 = 0;
    /// The window that it belongs to, by handle, and its number there.
    pub const OWNER: u32 = 2;
    pub const ID: u32 = 3;
    /// The message that tells of it, 0 for none; NOTIFYICON_VERSION; NIS_*; bits of [`super::bit`].
    pub const CALLBACK: u32 = 4;
    pub const VERSION: u32 = 5;
    pub const STATE: u32 = 6;
    pub const BITS: u32 = 7;
    /// What it is known by instead of window and number, if that was said: a GUID.
    pub const GUID: u32 = 8;
    /// Its tip in UTF-16, its picture: blocks of bytes.
    pub const TIP: u32 = 12;
    pub const PICTURE: u32 = 13;
    /// Its balloon: title, text and picture, blocks of bytes; NIIF_*, how long it is shown, ms, and its number, 0 if there is none.
    pub const TITLE: u32 = 14;
    pub const TEXT: u32 = 15;
    pub const SIGN: u32 = 16;
    pub const INFO: u32 = 17;
    pub const TIMEOUT: u32 = 18;
    pub const SERIAL: u32 = 19;
    /// Number of words.
    pub const COUNT: u32 = 20;
}

/// Bits about an icon.
mod bit {
    pub const HAS_GUID: u32 = 1;
    /// Its tip is shown though it hears of the mouse itself (NIF_SHOWTIP).
    pub const SHOWS_TIP: u32 = 2;
}

/// NIS_HIDDEN.
pub(super) const HIDDEN: u32 = 1;
/// Icons of the sandbox: what programs make without end ends here.
const MOST: usize = 256;
/// Messages that may wait for a program that does not come to them.
const MOST_UNSEEN: usize = 64;
/// Pixels of an icon each way, and of the picture in a balloon at most.
pub const SIDE: usize = 16;
/// Height of the task bar.
pub const HEIGHT: i32 = 28;
/// NOTIFYICON_VERSION_4: messages tell place and number.
const VERSION_4: u32 = 4;

/// WM_USER and, from there, NIN_*.
pub mod event {
    /// It was clicked.
    pub const SELECT: u32 = 0x400;
    /// It was chosen with the keyboard.
    pub const KEY_SELECT: u32 = 0x401;
    /// Its balloon came, went with it, went by itself or was dismissed, was clicked.
    pub const BALLOON_SHOW: u32 = 0x402;
    /// See above.
    pub const BALLOON_HIDE: u32 = 0x403;
    /// See above.
    pub const BALLOON_TIMEOUT: u32 = 0x404;
    /// See above.
    pub const BALLOON_CLICK: u32 = 0x405;
    /// The mouse came to it and left it, of an icon that shows its tip itself.
    pub const POPUP_OPEN: u32 = 0x406;
    /// See above.
    pub const POPUP_CLOSE: u32 = 0x407;
}

/// A balloon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Balloon {
    /// In UTF-16.
    pub title: Vec<u8>,
    /// In UTF-16; without one there is none.
    pub text: Vec<u8>,
    /// A picture of [`SIDE`] each way, or nothing.
    pub sign: Vec<u8>,
    /// NIIF_*.
    pub flags: u32,
    /// Milliseconds.
    pub timeout: u32,
}

/// What of an icon is said: `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The message that tells of it.
    pub callback: Option<u32>,
    /// Blue, green, red and opacity of [`SIDE`] × [`SIDE`] pixels, not multiplied, the first row first; or nothing.
    pub picture: Option<Vec<u8>>,
    /// In UTF-16.
    pub tip: Option<Vec<u8>>,
    /// NIS_*, and which of them are meant.
    pub state: Option<(u32, u32)>,
    /// A balloon.
    pub balloon: Option<Balloon>,
    /// Whether its tip is shown in any case.
    pub shows_tip: bool,
}

/// How an icon is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// Its window, by handle.
    pub owner: u32,
    /// Its number there.
    pub id: u32,
    /// Instead of both.
    pub guid: Option<[u32; 4]>,
}

/// An icon as it is seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Icon {
    /// Its record.
    pub record: u32,
    /// Its picture, if it has one.
    pub picture: Vec<u8>,
}

impl Tx<'_> {
    /// The tray, if there is one.
    pub(crate) fn tray(&self) -> Option<u32> {
        self.user_root().map(|root| self.link(root + root::TRAY)).filter(|at| *at != 0)
    }

    /// The tray, made by whoever comes first, on the desktop that the user sees.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn make_tray(&mut self) -> Nt<u32> {
        if let Some(at) = self.tray() {
            return Ok(at);
        }
        let (root, desktop) = (self.user()?, self.root_window(false));
        let at = self.allocate(block::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        for (word, name) in [(block::BAR, "Shell_TrayWnd"), (block::POPUP, "tooltips_class32")] {
            let made = self.make_window_of_tray(desktop, name)?;
            self.set(at + word, made);
        }
        self.set(root + root::TRAY, at);
        Ok(at)
    }

    /// A window of nobody's, which is not seen yet.
    pub(super) fn make_window_of_tray(&mut self, desktop: u32, name: &str) -> Nt<u32> {
        let name: Vec<u8> = wide(name).iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let made = self.make_window(&Made { name, parent: desktop, ..Made::default() })?;
        self.set(made + window::FLAGS, super::window::flag::CREATED | super::window::flag::UNICODE);
        // WS_POPUP, WS_CLIPSIBLINGS, WS_CLIPCHILDREN; WS_EX_TOOLWINDOW, WS_EX_NOACTIVATE.
        self.set(made + window::STYLE, 0x8600_0000);
        self.set(made + window::EX_STYLE, 0x800_0080);
        self.set(made + window::DPI, 0x12);
        Ok(made)
    }

    pub(super) fn tray_icons(&self) -> Vec<u32> {
        let Some(tray) = self.tray() else { return Vec::new() };
        List(tray + block::ICONS).nodes(self).into_iter().map(|node| node - field::NODE).collect()
    }

    /// Icons that are to be seen, in the order in which they came.
    pub(crate) fn shown_icons(&self) -> Vec<Icon> {
        let shown = |record: &u32| self.get(record + field::STATE) & HIDDEN == 0;
        let icon = |record: u32| Icon {
            record,
            picture: self.first_bytes(self.get(record + field::PICTURE), SIDE * SIDE * 4),
        };
        self.tray_icons().into_iter().take(MOST).filter(shown).map(icon).collect()
    }

    /// The icon of that name: its record.
    pub fn tray_icon(&self, name: &Name) -> Option<u32> {
        let word = |record: u32, at: u32| self.get(record + at);
        let is_meant = |record: &u32| match name.guid {
            Some(guid) => {
                word(*record, field::BITS) & bit::HAS_GUID != 0
                    && (field::GUID..).zip(guid).all(|(at, part)| word(*record, at) == part)
            }
            None => word(*record, field::OWNER) == name.owner && word(*record, field::ID) == name.id,
        };
        self.tray_icons().into_iter().find(is_meant)
    }

    /// A new icon; `None` if there is no such window, or one of that name already.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn add_tray_icon(&mut self, name: &Name, change: &Change) -> Nt<Option<u32>> {
        if self.window(name.owner).is_none() || self.tray_icon(name).is_some() {
            return Ok(None);
        }
        if self.tray_icons().len() >= MOST {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        let tray = self.make_tray()?;
        let record = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(record + field::OWNER, name.owner);
        self.set(record + field::ID, name.id);
        if let Some(guid) = name.guid {
            self.set(record + field::BITS, bit::HAS_GUID);
            for (at, part) in (record + field::GUID..).zip(guid) {
                self.set(at, part);
            }
        }
        List(tray + block::ICONS).push(self, record + field::NODE);
        self.change_tray_icon(record, change)?;
        Ok(Some(record))
    }

    /// Changes what of an icon is said.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn change_tray_icon(&mut self, record: u32, change: &Change) -> Nt<()> {
        if let Some(callback) = change.callback {
            self.set(record + field::CALLBACK, callback);
        }
        if let Some((state, mask)) = change.state {
            let before = self.get(record + field::STATE);
            self.set(record + field::STATE, before & !mask | state & mask);
        }
        let bits = self.get(record + field::BITS) & !bit::SHOWS_TIP;
        self.set(record + field::BITS, bits | if change.shows_tip { bit::SHOWS_TIP } else { 0 });
        for (at, bytes) in [(field::PICTURE, &change.picture), (field::TIP, &change.tip)] {
            if let Some(bytes) = bytes {
                self.replace_bytes(record + at, bytes)?;
            }
        }
        if let Some(balloon) = &change.balloon {
            self.take_balloon(record, event::BALLOON_HIDE);
            if !balloon.text.is_empty() {
                let tray = self.make_tray()?;
                for (at, bytes) in
                    [(field::TITLE, &balloon.title), (field::TEXT, &balloon.text), (field::SIGN, &balloon.sign)]
                {
                    self.replace_bytes(record + at, bytes)?;
                }
                let serial = self.get(tray + block::SERIAL).wrapping_add(1).max(1);
                self.set(tray + block::SERIAL, serial);
                self.set(record + field::SERIAL, serial);
                self.set(record + field::INFO, balloon.flags);
                self.set(record + field::TIMEOUT, balloon.timeout);
            }
        }
        self.settle_tray();
        self.display_changed();
        Ok(())
    }

    /// Whom messages of an icon are like: NOTIFYICON_VERSION.
    pub fn set_tray_version(&mut self, record: u32, version: u32) {
        self.set(record + field::VERSION, version);
    }

    /// An icon goes.
    pub fn drop_tray_icon(&mut self, record: u32) {
        let Some(tray) = self.tray() else { return };
        self.take_balloon(record, event::BALLOON_HIDE);
        for at in [block::HOVER, block::BALLOON, block::PRESSED, block::KEYED_ICON] {
            if self.get(tray + at) == record {
                self.set(tray + at, 0);
            }
        }
        List(tray + block::ICONS).remove(self, record + field::NODE);
        for at in [field::TIP, field::PICTURE, field::TITLE, field::TEXT, field::SIGN] {
            let block = self.get(record + at);
            if block != 0 {
                self.free(block);
            }
        }
        self.free(record);
        self.settle_tray();
        self.display_changed();
    }

    /// A window goes, and its icons with it.
    pub(super) fn tray_loses(&mut self, handle: u32) {
        for record in self.tray_icons() {
            if self.get(record + field::OWNER) == handle {
                // Nobody is there to be told.
                self.set(record + field::CALLBACK, 0);
                self.drop_tray_icon(record);
            }
        }
        self.drop_app_bar(handle);
        self.settle_full_screen();
    }

    /// The bar is where it belongs, and is seen if there is an icon to be seen.
    pub(super) fn settle_tray(&mut self) {
        let Some(tray) = self.tray() else { return };
        let bar = self.link(tray + block::BAR);
        let screen = self.rect(self.root_window(false) + window::WINDOW_RECT);
        let (before, style) = (self.rect(bar + window::WINDOW_RECT), self.get(bar + window::STYLE));
        let (was, is) = (
            style & VISIBLE != 0,
            self.tray_icons().into_iter().any(|icon| self.get(icon + field::STATE) & HIDDEN == 0),
        );
        let rect = Rect { top: screen.bottom.saturating_sub(HEIGHT).max(screen.top), ..screen };
        if was == is && (!is || before == rect) {
            return;
        }
        for at in [window::WINDOW_RECT, window::CLIENT_RECT] {
            self.set_rect(bar + at, rect);
        }
        self.set(bar + window::STYLE, if is { style | VISIBLE } else { style & !VISIBLE });
        if !is {
            self.hide_popup();
            self.give_keyboard(0, 0);
        }
        if is && !was && self.get(tray + block::FULL_SCREEN) == 0 {
            self.restack(bar, Order::Topmost);
        }
        self.settle_work_area();
        self.tell_app_bars(0);
        self.windows_changed();
    }

    /// Whether windows have yet to hear that the work area is another; from now on they have.
    pub(crate) fn take_work_area_changed(&mut self) -> bool {
        let Some(tray) = self.tray() else { return false };
        let changed = self.get(tray + block::CHANGED) != 0;
        if changed {
            self.set(tray + block::CHANGED, 0);
        }
        changed
    }

    /// The icon below the mouse; 0 for none.
    pub(crate) fn hovered_icon(&self) -> u32 {
        self.tray().map_or(0, |tray| self.link(tray + block::HOVER))
    }

    /// The tip that is shown of an icon, in UTF-16.
    pub(crate) fn tip_of(&self, record: u32) -> Vec<u8> {
        if self.tells_of_hovering(record) { Vec::new() } else { self.kept_bytes(record + field::TIP) }
    }

    fn tells_of_hovering(&self, record: u32) -> bool {
        self.get(record + field::VERSION) >= VERSION_4 && self.get(record + field::BITS) & bit::SHOWS_TIP == 0
    }

    /// The mouse is over an icon (0: over none).
    pub(crate) fn hover_icon(&mut self, record: u32) {
        let before = self.hovered_icon();
        let Some(tray) = self.tray().filter(|_| before != record) else { return };
        self.set(tray + block::HOVER, record);
        for (icon, event) in [(before, event::POPUP_CLOSE), (record, event::POPUP_OPEN)] {
            if icon != 0 && self.tells_of_hovering(icon) {
                self.tell_of_icon(icon, event);
            }
        }
        self.display_changed();
    }

    /// A button went down on an icon: whether that is the second time within `limit` milliseconds.
    pub(crate) fn press_icon(&mut self, record: u32, number: u32, now: u32, limit: u32) -> bool {
        let Some(tray) = self.tray() else { return false };
        let at = tray + block::PRESSED;
        let twice = self.get(at) == record && self.get(at + 1) == number && now.wrapping_sub(self.get(at + 2)) <= limit;
        // A third time is the first again.
        for (place, value) in (at..).zip([if twice { 0 } else { record }, number, now]) {
            self.set(place, value);
        }
        twice
    }

    /// What of the bar has the keyboard: a button's window, by handle, or an icon; 0 for neither.
    pub(crate) fn keyed(&self) -> (u32, u32) {
        let word = |at: u32| self.tray().map_or(0, |tray| self.get(tray + at));
        (word(block::KEYED_WINDOW), word(block::KEYED_ICON))
    }

    /// Gives the keyboard to a button of the bar or an icon, or with zeros to neither.
    pub(crate) fn give_keyboard(&mut self, window: u32, icon: u32) {
        let Some(tray) = self.tray().filter(|_| self.keyed() != (window, icon)) else { return };
        self.set(tray + block::KEYED_WINDOW, window);
        self.set(tray + block::KEYED_ICON, icon);
        self.display_changed();
    }

    /// NOTIFYICON_VERSION of an icon.
    pub(crate) fn tray_version(&self, record: u32) -> u32 {
        self.get(record + field::VERSION)
    }

    /// Tells an icon's window of an event: as it wants to hear of it.
    pub(crate) fn tell_of_icon(&mut self, record: u32, event: u32) {
        let place = self.cursor_place();
        self.tell_of_icon_at(record, event, place);
    }

    /// As [`Tx::tell_of_icon`], of an event somewhere else than below the cursor.
    pub(crate) fn tell_of_icon_at(&mut self, record: u32, event: u32, place: (i32, i32)) {
        let [owner, id, callback, version] =
            [field::OWNER, field::ID, field::CALLBACK, field::VERSION].map(|at| self.get(record + at));
        let queue = self.window(owner).map_or(0, |owner| self.link(owner + window::QUEUE));
        if callback == 0 || queue == 0 || self.unanswered(queue) > MOST_UNSEEN {
            return;
        }
        let half = |value: i32| u64::from(value as u16);
        let (wparam, lparam) = match version {
            VERSION_4.. => (half(place.0) | half(place.1) << 16, u64::from(event & 0xffff | id << 16)),
            _ => (u64::from(id), u64::from(event)),
        };
        let told = Message { window: owner, number: callback, wparam, lparam, place, ..Message::default() };
        // Without memory for it the program misses that.
        let _ = self.send_message(0, queue, &told, &Sending { how: how::NOTIFY, ..Sending::default() });
    }

    /// Whether the task bar is seen.
    pub(crate) fn shows_task_bar(&self) -> bool {
        self.tray().is_some_and(|tray| self.get(self.link(tray + block::BAR) + window::STYLE) & VISIBLE != 0)
    }

    /// Whether a window is the one that SHAppBarMessage speaks to.
    pub(crate) fn is_for_app_bars(&self, record: u32) -> bool {
        record != 0 && self.tray().is_some_and(|tray| self.link(tray + block::APP_WINDOW) == record)
    }

    /// Whether a window is one of the task bar's.
    pub(crate) fn is_of_tray(&self, record: u32) -> bool {
        let of =
            |tray: u32| [block::BAR, block::POPUP, block::SWITCHER].map(|at| self.get(tray + at)).contains(&record);
        record != 0 && self.tray().is_some_and(of)
    }
}
