//! Keys that are the task bar's: Windows and T or Ctrl and Esc come to its windows, Windows and B to its icons; from there the arrows, Tab, Home and End lead on, Enter
//! and the space bar use what is there, the menu key asks for its menu, Esc goes back. While the task bar is not seen, programs get them all.

use crate::shm::{Shm, Tx};
use crate::status::Nt;
use crate::win32k::user::tray::keys::{Act, act};
use shim_abi::display::Key;
use std::collections::BTreeSet;

/// Scan codes, with a prefix or without.
mod scan {
    pub const WINDOWS: [(u16, bool); 2] = [(0x5b, true), (0x5c, true)];
    pub const CONTROL: [(u16, bool); 2] = [(0x1d, false), (0x1d, true)];
    pub const SHIFT: [(u16, bool); 2] = [(0x2a, false), (0x36, false)];
    pub const B: (u16, bool) = (0x30, false);
    pub const T: (u16, bool) = (0x14, false);
    pub const ESCAPE: (u16, bool) = (0x01, false);
    pub const TAB: (u16, bool) = (0x0f, false);
    pub const ENTER: u16 = 0x1c;
    pub const SPACE: (u16, bool) = (0x39, false);
    pub const MENU: (u16, bool) = (0x5d, true);
    pub const F10: (u16, bool) = (0x44, false);
    pub const ALT: u16 = 0x38;
    pub const UP: (u16, bool) = (0x48, true);
    pub const DOWN: (u16, bool) = (0x50, true);
    pub const LEFT: (u16, bool) = (0x4b, true);
    pub const RIGHT: (u16, bool) = (0x4d, true);
    pub const HOME: (u16, bool) = (0x47, true);
    pub const END: (u16, bool) = (0x4f, true);
}

/// What is held down.
#[derive(Debug, Default)]
pub(super) struct Keys {
    held: BTreeSet<(u16, bool)>,
    /// Keys whose going down was the task bar's: so is their going up.
    taken: BTreeSet<(u16, bool)>,
}

impl Keys {
    /// Sees a key; answers whether it is not for programs.
    pub(super) fn takes(&mut self, shm: &'static Shm, key: &Key) -> bool {
        let code = (key.scan, key.extended);
        if [scan::WINDOWS, scan::CONTROL, scan::SHIFT].iter().flatten().any(|modifier| *modifier == code) {
            if key.up {
                self.held.remove(&code)
            } else {
                self.held.insert(code)
            };
            return false;
        }
        if key.up || code.0 == scan::ALT {
            return self.taken.remove(&code);
        }
        let mut tx = shm.begin();
        let takes = self.act(&mut tx, code).unwrap_or(false);
        let done = tx.commit();
        // A client that never lets go of keys has no more of them taken.
        let takes = takes && done.is_ok() && self.taken.len() < super::inject::MOST_KEYS;
        if takes {
            self.taken.insert(code);
        }
        takes
    }

    fn act(&self, tx: &mut Tx<'_>, code: (u16, bool)) -> Nt<bool> {
        let holds = |keys: [(u16, bool); 2]| keys.iter().any(|key| self.held.contains(key));
        let begins = match code {
            scan::B if holds(scan::WINDOWS) => Some(Act::ToIcons),
            scan::T if holds(scan::WINDOWS) => Some(Act::ToWindows),
            scan::ESCAPE if holds(scan::CONTROL) => Some(Act::ToWindows),
            _ => None,
        };
        if let Some(begins) = begins {
            return Ok(tx.shows_task_bar() && act(tx, begins)?);
        }
        if tx.keyed() == (0, 0) {
            return Ok(false);
        }
        let meant = match code {
            scan::TAB if holds(scan::SHIFT) => Act::Previous,
            scan::TAB | scan::RIGHT | scan::DOWN => Act::Next,
            scan::LEFT | scan::UP => Act::Previous,
            scan::HOME => Act::First,
            scan::END => Act::Last,
            scan::SPACE | (scan::ENTER, _) => Act::Press,
            scan::MENU => Act::Menu,
            scan::F10 if holds(scan::SHIFT) => Act::Menu,
            scan::ESCAPE => Act::Leave,
            // Of no use there, and not meant for programs.
            _ => return Ok(true),
        };
        act(tx, meant)
    }
}
