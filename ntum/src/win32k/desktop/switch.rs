//! Alt+Tab, Alt+Shift+Tab: of the windows that somebody works with the next one comes to the front, also one that is minimized. Who sits before the desktop
//! does this; programs do not see that Tab. Where the active window went and left nobody, the next one comes forward by itself.

use crate::shm::Shm;
use crate::shm::user::input;
use crate::shm::user::window::{MINIMIZE, field};
use crate::win32k::user::switched::{bring_forward, switched};
use shim_abi::display::Key;

/// Scan codes.
const TAB: u16 = 0x0f;
const LEFT_SHIFT: u16 = 0x2a;
const RIGHT_SHIFT: u16 = 0x36;
const ALT: u16 = 0x38;

/// What is held down, and where somebody is who switches.
#[derive(Debug, Default)]
pub(super) struct Switch {
    /// How many of the Alt keys, and of the Shift keys.
    alt: [bool; 2],
    shift: [bool; 2],
    /// The windows as they stood when the first Tab came, by their handles, and the one that was brought forward.
    order: Option<(Vec<u32>, usize)>,
}

impl Switch {
    /// Sees a key; answers whether it is not for programs.
    pub(super) fn takes(&mut self, shm: &'static Shm, key: &Key) -> bool {
        match (key.scan, key.extended) {
            (ALT, extended) => {
                self.alt[usize::from(extended)] = !key.up;
                if !self.alt.contains(&true) {
                    self.order = None;
                }
            }
            (LEFT_SHIFT, false) => self.shift[0] = !key.up,
            (RIGHT_SHIFT, false) => self.shift[1] = !key.up,
            (TAB, false) if key.up => return self.order.is_some(),
            (TAB, false) if self.alt.contains(&true) => {
                self.next(shm);
                return true;
            }
            _ => {}
        }
        false
    }

    fn next(&mut self, shm: &'static Shm) {
        let mut tx = shm.begin();
        let (order, at) = self.order.get_or_insert_with(|| (switched(&tx), 0));
        let back = self.shift.contains(&true);
        for _ in 0..order.len() {
            *at = (*at + if back { order.len() - 1 } else { 1 }) % order.len();
            // One that is gone meanwhile is passed over.
            if let Some(window) = order.get(*at).and_then(|handle| tx.window(*handle)) {
                let _ = bring_forward(&mut tx, window);
                break;
            }
        }
        // Where there is no room for a message, it stays as it is.
        let _ = tx.commit();
    }
}

/// How long nobody may be active after the active window went, before another one is made so, ns: its program may do that itself.
const VACANT: u64 = 200_000_000;

/// Who is active after the window that was.
#[derive(Debug, Default)]
pub(super) struct Heir {
    /// The window that was active last, by its handle.
    last: u32,
    /// Since when it is gone and nobody is.
    since: Option<u64>,
}

impl Heir {
    /// Looks who is active, and has the window in front become so where the one that was is gone, with its program perhaps. Answers
    /// when it is to be looked again.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY`, where there is no room for a message.
    pub(super) fn look(&mut self, shm: &'static Shm, now: u64) -> crate::status::Nt<Option<u64>> {
        let mut tx = shm.begin();
        let foreground = tx.foreground();
        let active = if foreground == 0 { 0 } else { tx.get(foreground + input::field::ACTIVE) };
        if active != 0 {
            *self = Heir { last: tx.handle_of(active), since: None };
            return Ok(None);
        }
        if self.last == 0 || tx.window(self.last).is_some() {
            self.since = None;
            return Ok(None);
        }
        let until = self.since.get_or_insert(now).saturating_add(VACANT);
        if now < until {
            return Ok(Some(until));
        }
        *self = Heir::default();
        let shown = |window: &u32| tx.get(window + field::STYLE) & MINIMIZE == 0;
        if let Some(window) = switched(&tx).into_iter().filter_map(|handle| tx.window(handle)).find(shown) {
            bring_forward(&mut tx, window)?;
            tx.commit()?;
        }
        Ok(None)
    }
}
