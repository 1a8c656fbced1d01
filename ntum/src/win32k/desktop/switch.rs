//! Alt+Tab, Alt+Shift+Tab: of the windows that somebody works with the next one comes to the front, also one that is minimized. Who sits before the desktop
//! does this; programs do not see that Tab.

use crate::shm::Shm;
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
        let (order, at) = self.order.get_or_insert_with(|| (tx.switched(), 0));
        let back = self.shift.contains(&true);
        for _ in 0..order.len() {
            *at = (*at + if back { order.len() - 1 } else { 1 }) % order.len();
            // One that is gone meanwhile is passed over.
            if let Some(window) = order.get(*at).and_then(|handle| tx.window(*handle)) {
                let _ = tx.bring_forward(window);
                break;
            }
        }
        // Where there is no room for a message, it stays as it is.
        let _ = tx.commit();
    }
}
