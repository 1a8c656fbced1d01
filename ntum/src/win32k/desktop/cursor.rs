//! Tells what the pointer looks like, and where a program put it.

use super::link::Link;
use crate::shm::Shm;
use crate::status::Nt;
use shim_abi::display::Notice;

/// What the client was told.
#[derive(Debug, Default)]
pub(super) struct Pointer {
    place: Option<(i32, i32)>,
}

impl Pointer {
    /// Tells what is new.
    ///
    /// # Errors
    /// What the host answers when the client is gone.
    pub(super) fn tell(&mut self, shm: &'static Shm, link: &Link) -> Nt<()> {
        let tx = shm.begin();
        let place = tx.cursor_place();
        drop(tx);
        if self.place.is_some_and(|known| known != place) {
            link.tell(&Notice::CursorAt(place))?;
        }
        self.place = Some(place);
        Ok(())
    }
}
