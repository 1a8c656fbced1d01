//! Where the next read or write without an offset starts: a file object's own, or one that several processes share.

use crate::shm::Shm;
use crate::shm::lock::Held;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};

/// A file object's position.
#[derive(Default)]
pub struct Position {
    own: AtomicI64,
    seat: OnceLock<(&'static Shm, u32)>,
}

impl Position {
    /// Where it stands.
    #[inline]
    pub fn load(&self) -> i64 {
        match self.seat.get() {
            None => self.own.load(Ordering::Relaxed),
            Some((shm, body)) => shm.position(*body),
        }
    }

    /// Moves it.
    #[inline]
    pub fn store(&self, position: i64) {
        match self.seat.get() {
            None => self.own.store(position, Ordering::Relaxed),
            Some((shm, body)) => shm.set_position(*body, position),
        }
    }

    /// Held by whoever moves it from where it stands, if several processes may and `needed`.
    #[inline]
    pub fn turn(&self, needed: bool) -> Option<Held<'static>> {
        let (shm, body) = if needed { self.seat.get()? } else { return None };
        Some(shm.hold_turn(*body))
    }

    /// It stands in a body of the sandbox's memory from now on.
    pub fn share(&self, shm: &'static Shm, body: u32) {
        let _ = self.seat.set((shm, body));
    }
}
