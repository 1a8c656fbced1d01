//! Attributes that were read lately, so that what is listed and then opened is not asked for twice.

use super::{Attributes, identity, nanoseconds};
use crate::locate::is_young;
use shim_abi::stream::Identity;
use std::sync::{Mutex, PoisonError};

/// How many are kept.
const SLOTS: usize = 2048;

/// What was read of a thing, and when that had last been changed: whoever changes attributes changes that time.
type Slot = Option<(Identity, i64, Attributes)>;

/// The attributes of things, each in the one slot that its number leads to.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Vec<Slot>>);

fn slot(number: u64) -> usize {
    number as usize % SLOTS
}

impl Recent {
    /// What is known of a thing that is as statx told.
    pub fn get(&self, of: &crate::sys::Statx) -> Option<Attributes> {
        let slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (who, changed, kept) = slots.get(slot(of.stx_ino))?.as_ref()?;
        (*changed == nanoseconds(&of.stx_ctime) && *who == identity(of)).then_some(*kept)
    }

    /// Keeps what was read of a thing after statx told of it; nothing of one that was changed so lately that a further change
    /// may hide behind the same time.
    pub fn put(&self, of: &crate::sys::Statx, kept: Attributes) {
        if is_young((of.stx_ctime.tv_sec, of.stx_ctime.tv_nsec)) {
            return;
        }
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.resize(SLOTS, None);
        if let Some(place) = slots.get_mut(slot(of.stx_ino)) {
            *place = Some((identity(of), nanoseconds(&of.stx_ctime), kept));
        }
    }
}

#[cfg(test)]
#[path = "../../tests/unit/host_recent.rs"]
mod tests;
