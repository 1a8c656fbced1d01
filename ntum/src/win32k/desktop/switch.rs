//! Alt+Tab, Alt+Shift+Tab: of the windows that somebody works with the next one comes to the front, also one that is minimized. Who sits before the desktop
//! does this; programs do not see that Tab. As long as Alt is held the windows are listed on the screen ([`super::switcher`]); Esc goes back to where it began.

use crate::shm::{Shm, Tx};
use crate::status::Nt;
use shim_abi::display::Key;

/// Scan codes.
const ESCAPE: u16 = 0x01;
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
    pub(super) fn takes(&mut self, shm: &'static Shm, me: u32, key: &Key) -> bool {
        match (key.scan, key.extended) {
            (ALT, extended) => {
                self.alt[usize::from(extended)] = !key.up;
                if !self.alt.contains(&true) && self.order.take().is_some() {
                    let mut tx = shm.begin();
                    tx.hide_switcher(me);
                    let _ = tx.commit();
                }
            }
            (LEFT_SHIFT, false) => self.shift[0] = !key.up,
            (RIGHT_SHIFT, false) => self.shift[1] = !key.up,
            (TAB, false) if key.up => return self.order.is_some(),
            (TAB, false) if self.alt.contains(&true) => {
                let mut tx = shm.begin();
                // Where there is no room for a message, it stays as it is.
                let _ = self.next(&mut tx, me).and_then(|()| tx.commit());
                return true;
            }
            (ESCAPE, false) if !key.up && self.order.is_some() => {
                let mut tx = shm.begin();
                if let Some(first) = self.order.take().and_then(|(order, _)| tx.window(*order.first()?)) {
                    let _ = tx.bring_forward(first);
                }
                tx.hide_switcher(me);
                let _ = tx.commit();
                return true;
            }
            _ => {}
        }
        false
    }

    fn next(&mut self, tx: &mut Tx<'_>, me: u32) -> Nt<()> {
        let (order, at) = self.order.get_or_insert_with(|| (tx.switched(), 0));
        let back = self.shift.contains(&true);
        for _ in 0..order.len() {
            *at = (*at + if back { order.len() - 1 } else { 1 }) % order.len();
            // One that is gone meanwhile is passed over.
            if let Some(window) = order.get(*at).and_then(|handle| tx.window(*handle)) {
                tx.bring_forward(window)?;
                return tx.show_switcher(me, order, *at);
            }
        }
        Ok(())
    }
}
